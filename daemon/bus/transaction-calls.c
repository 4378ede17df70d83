// SPDX-License-Identifier: LGPL-2.1-or-later
/* The methods of org.tilld1.Transaction that change something. */
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/server.h"

static int cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct refusal refusal;
        int64_t id;
        int r;

        r = transaction_path_id(s, sd_bus_message_get_path(m), &id);
        if (r < 0)
                return r;
        r = engine_cancel(s->engine, id, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        return sd_bus_reply_method_return(m, "");
}

static int choose_application(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct refusal refusal;
        uint32_t number;
        int64_t id;
        int r;

        r = transaction_path_id(s, sd_bus_message_get_path(m), &id);
        if (r < 0)
                return r;
        r = sd_bus_message_read(m, "u", &number);
        if (r < 0)
                return r;
        r = engine_choose(s->engine, id, number, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        return sd_bus_reply_method_return(m, "");
}

/* The arguments of both forms begin alike. */
static int do_resolve(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                      struct refusal *ret) {
        struct resolution resolution = { .resolver = by };
        int64_t id;
        int r;

        r = transaction_path_id(s, sd_bus_message_get_path(m), &id);
        if (r < 0)
                return r;
        r = sd_bus_message_read(m, "ss", &resolution.outcome, &resolution.note);
        if (r < 0)
                return r;
        return resolution_record(s->engine, id, &resolution, ret);
}

CODE_CALL_PAIR(resolve, code_call_supervisor, do_resolve)

int transaction_call_resolve(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", resolve, userdata, error);
}

int transaction_call_choose_application(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", choose_application, userdata, error);
}

int transaction_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", cancel, userdata, error);
}

static int do_approve(struct server *s, sd_bus_message *m, const char *number, sd_bus_message *reply,
                      struct refusal *ret) {
        int64_t id;
        int r;

        r = transaction_path_id(s, sd_bus_message_get_path(m), &id);
        return r < 0 ? r : engine_approve(s->engine, id, number, ret);
}

static int approve(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct refusal refusal;
        int64_t id;
        int r;

        r = transaction_path_id(s, sd_bus_message_get_path(m), &id);
        if (r < 0)
                return r;
        r = engine_awaits_approval(s->engine, id, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        return code_call(s, m, code_call_supervisor, do_approve, error);
}

int transaction_call_approve(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", approve, userdata, error);
}

int transaction_call_resolve_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", resolve_with_code, userdata, error);
}
