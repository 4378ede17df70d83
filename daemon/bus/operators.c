// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Operators: who works here, and who is logged on. */
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/server.h"

#define INTERFACE "org.tilld1.Operators"

/* ---- With a code ---- */

static int log_on(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        struct server *s = userdata;
        struct operators_call call;
        struct refusal refusal;
        int fd, r;

        r = sd_bus_message_read(m, "h", &fd);
        if (r < 0)
                return r;
        r = code_call_new(s, m, fd, NULL, &c, &call);
        if (r < 0)
                return r;
        r = operators_log_on(s->engine->operators, &call, &refusal);
        return code_call_return(&c, r, &refusal, error);
}

static int add(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        struct server *s = userdata;
        const char *number, *role;
        struct operators_call call;
        struct refusal refusal;
        int fd, r;

        r = sd_bus_message_read(m, "ssh", &number, &role, &fd);
        if (r < 0)
                return r;
        r = code_call_new(s, m, fd, NULL, &c, &call);
        if (r < 0)
                return r;
        r = operators_add(s->engine->operators, &call, number, role, &refusal);
        return code_call_return(&c, r, &refusal, error);
}

static int set_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(code_call_freep) struct code_call *c = NULL;
        struct server *s = userdata;
        struct operators_call call;
        struct refusal refusal;
        const char *number;
        int fd, r;

        r = sd_bus_message_read(m, "sh", &number, &fd);
        if (r < 0)
                return r;
        r = code_call_new(s, m, fd, NULL, &c, &call);
        if (r < 0)
                return r;
        r = operators_set_code(s->engine->operators, &call, number, &refusal);
        return code_call_return(&c, r, &refusal, error);
}

/* ---- Without ---- */

typedef int (*change_t)(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal);

/* number is NULL where the call has none. */
static int change(sd_bus_message *m, struct server *s, const char *number, change_t act, sd_bus_error *error) {
        struct refusal refusal;
        char by[AUTHORITY_NAME_MAX];
        int r;

        r = authority_name_sender(m, by);
        if (r < 0)
                return r;
        r = act(s->engine->operators, number, by, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        operators_changed(s);
        return sd_bus_reply_method_return(m, "");
}

static int change_named(sd_bus_message *m, struct server *s, change_t act, sd_bus_error *error) {
        const char *number;
        int r;

        r = sd_bus_message_read(m, "s", &number);
        if (r < 0)
                return r;
        return change(m, s, number, act, error);
}

static int remove_one(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return change_named(m, userdata, operators_remove, error);
}

static int unlock(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return change_named(m, userdata, operators_unlock, error);
}

static int log_off_any(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal) {
        return operators_log_off(o, by, ret_refusal);
}

static int log_off(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return change(m, userdata, NULL, log_off_any, error);
}

/* ---- Who may ---- */

/*
 * Administrators of the system only: a log-on is terminal-wide and lasts, so that whoever is at the till could make
 * himself a supervisor under it.
 */
#define MANAGE "org.tilld1.manage-operators"

static int method_add(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, MANAGE, add, userdata, error);
}

static int method_set_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, MANAGE, set_code, userdata, error);
}

static int method_remove(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, MANAGE, remove_one, userdata, error);
}

static int method_unlock(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, MANAGE, unlock, userdata, error);
}

static int method_log_on(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", log_on, userdata, error);
}

static int method_log_off(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", log_off, userdata, error);
}

/* ---- Looking ---- */

struct listing {
        struct server *server;
        sd_bus_message *reply;
};

static int list_one(const struct operator_record *record, void *userdata) {
        struct listing *l = userdata;
        uint64_t seconds;
        int r;

        r = operators_get_lock(l->server->engine->operators, record, &seconds);
        if (r < 0)
                return r;
        r = sd_bus_message_append(l->reply, "(ssut)", record->number, operator_role_to_string(record->role),
                                  seconds > 0 ? 0 : operators_tries_left(record), seconds);
        return r < 0 ? r : 0;
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        struct listing l = { .server = userdata };
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        l.reply = reply;
        r = sd_bus_message_open_container(reply, 'a', "(ssut)");
        if (r < 0)
                return r;
        r = operators_each(l.server->engine->operators, list_one, &l);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int get_logged_on(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct operator_record record;
        struct server *s = userdata;
        int r;

        r = operators_get_logged_on(s->engine->operators, &record);
        if (r == -ENOENT)
                return sd_bus_message_append(reply, "s", "");
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "s",
                                     streq(property, "Role") ? operator_role_to_string(record.role) : record.number);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("LogOn", SD_BUS_ARGS("h", code), SD_BUS_NO_RESULT, method_log_on,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("LogOff", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_log_off,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Add", SD_BUS_ARGS("s", number, "s", role, "h", code), SD_BUS_NO_RESULT, method_add,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetCode", SD_BUS_ARGS("s", number, "h", code), SD_BUS_NO_RESULT, method_set_code,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_ARGS("s", number), SD_BUS_NO_RESULT, method_remove,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unlock", SD_BUS_ARGS("s", number), SD_BUS_NO_RESULT, method_unlock,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssut)", operators), method_list,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("LoggedOn", "s", get_logged_on, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Role", "s", get_logged_on, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

void operators_changed(struct server *s) {
        (void) sd_bus_emit_properties_changed(s->bus, SERVER_PATH, INTERFACE, "LoggedOn", "Role", NULL);
}

int operators_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
