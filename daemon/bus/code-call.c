// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/code-call.h"

#include "bus/authority.h"
#include "bus/error.h"

/* Kept until the code has been checked, then answered. */
struct code_call {
        struct server *server;
        sd_bus_message *message;
        code_call_act_t act; /* NULL where that has been all, and may have changed who is logged on */
        char by[AUTHORITY_NAME_MAX];
};

static struct code_call *code_call_free(struct code_call *c) {
        if (!c)
                return NULL;
        sd_bus_message_unref(c->message);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(struct code_call *, code_call_free);

static int answer(sd_bus_message *m, int r, const struct refusal *refusal, sd_bus_error *error) {
        if (r < 0)
                return refusal->code ? bus_error_set_refusal(error, refusal) : r;
        return sd_bus_reply_method_return(m, "");
}

static int do_act(struct server *s, sd_bus_message *m, code_call_act_t act, const char *by, sd_bus_error *error) {
        struct refusal refusal = {};
        int r;

        r = sd_bus_message_rewind(m, true);
        if (r >= 0 && act)
                r = act(s, m, by, &refusal);
        else if (!act)
                operators_changed(s);
        return answer(m, r, &refusal, error);
}

int code_call_now(struct server *s, sd_bus_message *m, code_call_act_t act, sd_bus_error *error) {
        char by[AUTHORITY_NAME_MAX];
        int r;

        r = authority_name_sender(m, by);
        return r < 0 ? r : do_act(s, m, act, by, error);
}

/* Who called may be gone by now; it is done all the same. */
static void checked(const struct refusal *refusal, const char *number, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(code_call_freep) struct code_call *c = userdata;
        int r;

        r = refusal ? bus_error_set_refusal(&error, refusal) : do_act(c->server, c->message, c->act, number, &error);
        if (r < 0)
                (void) sd_bus_reply_method_errno(c->message, r, &error);
}

static int code_call_new(struct server *s, sd_bus_message *m, code_call_act_t act, struct code_call **ret) {
        _cleanup_(code_call_freep) struct code_call *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        r = authority_name_sender(m, c->by);
        if (r < 0)
                return r;
        c->server = s;
        c->message = sd_bus_message_ref(m);
        c->act = act;
        *ret = TAKE_PTR(c);
        return 0;
}

int code_call_supervisor(struct operators *o, struct operators_call *call, const char *first, const char *second,
                         struct refusal *ret) {
        return operators_check(o, call, OPERATOR_SUPERVISOR, ret);
}

int code_call_administrator(struct operators *o, struct operators_call *call, const char *first, const char *second,
                            struct refusal *ret) {
        return operators_check(o, call, OPERATOR_ADMINISTRATOR, ret);
}

/* What is before the fd; no more than strings are looked at before the code is right. */
static int read_words(sd_bus_message *m, const char *words[static 2]) {
        unsigned n = 0;
        int r = 0;

        for (const char *type = sd_bus_message_get_signature(m, true); r >= 0 && *type != 'h'; type++)
                if (*type == 's' && n < 2)
                        r = sd_bus_message_read(m, "s", words + n++);
                else
                        r = sd_bus_message_skip(m, (const char[]){ *type, '\0' });
        return r;
}

int code_call(struct server *s, sd_bus_message *m, code_call_begin_t begin, code_call_act_t act, sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        struct operators_call call = { .done = checked };
        const char *words[2] = {};
        struct refusal refusal;
        int r;

        r = read_words(m, words);
        if (r >= 0)
                r = sd_bus_message_read(m, "h", &call.fd);
        if (r >= 0)
                r = code_call_new(s, m, act, &c);
        if (r < 0)
                return r;
        call.by = c->by;
        call.userdata = c;
        r = begin(engine_operators(s->engine), &call, words[0], words[1], &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        TAKE_PTR(c);
        return 1;
}
