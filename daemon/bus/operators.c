// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Operators: who works here, and who is logged on. */
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/json.h"
#include "bus/server.h"

#define INTERFACE "org.tilld1.Operators"

/* ---- Whose code is right ---- */

static int begin_log_on(struct operators *o, struct operators_call *call, const char *first, const char *second,
                        struct refusal *ret) {
        return operators_log_on(o, call, ret);
}

static int log_on(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call(userdata, m, begin_log_on, NULL, error);
}

static int begin_add(struct operators *o, struct operators_call *call, const char *number, const char *role,
                     struct refusal *ret) {
        return operators_add(o, call, number, role, ret);
}

static int add(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call(userdata, m, begin_add, NULL, error);
}

static int begin_add_with_code(struct operators *o, struct operators_call *call, const char *number, const char *role,
                               struct refusal *ret) {
        call->administrators = true;
        return operators_add(o, call, number, role, ret);
}

static int add_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call(userdata, m, begin_add_with_code, NULL, error);
}

static int begin_set_code(struct operators *o, struct operators_call *call, const char *number, const char *second,
                          struct refusal *ret) {
        return operators_set_code(o, call, number, ret);
}

static int set_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call(userdata, m, begin_set_code, NULL, error);
}

static int begin_set_code_with_code(struct operators *o, struct operators_call *call, const char *number,
                                    const char *second, struct refusal *ret) {
        call->administrators = true;
        return operators_set_code(o, call, number, ret);
}

static int set_code_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call(userdata, m, begin_set_code_with_code, NULL, error);
}

/* ---- What is done in a name ---- */

static int do_remove(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        const char *number;
        int r;

        r = sd_bus_message_read(m, "s", &number);
        if (r >= 0)
                r = operators_remove(engine_operators(s->engine), number, by, ret);
        if (r >= 0)
                operators_changed(s);
        return r;
}

CODE_CALL_PAIR(remove_one, code_call_administrator, do_remove)

static int do_unlock(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        const char *number;
        int r = sd_bus_message_read(m, "s", &number);

        return r < 0 ? r : operators_unlock(engine_operators(s->engine), number, by, ret);
}

CODE_CALL_PAIR(unlock, code_call_administrator, do_unlock)

static int do_log_off(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                      struct refusal *ret) {
        int r = operators_log_off(engine_operators(s->engine), by, ret);

        if (r >= 0)
                operators_changed(s);
        return r;
}

static int log_off(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call_now(userdata, m, do_log_off, error);
}

/* ---- Who may ---- */

/*
 * Administrators of the system only, or with an administrator's code: a log-on is terminal-wide and lasts, so that
 * whoever is at the till could make himself a supervisor under it.
 */
#define MANAGE "org.tilld1.manage-operators"
#define SELL "org.tilld1.sell"

static int method_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        static const struct {
                const char *member, *action;
                sd_bus_message_handler_t act;
        } methods[] = {
                { "LogOn", SELL, log_on },        { "LogOff", SELL, log_off },
                { "Add", MANAGE, add },           { "AddWithCode", SELL, add_with_code },
                { "SetCode", MANAGE, set_code },  { "SetCodeWithCode", SELL, set_code_with_code },
                { "Remove", MANAGE, remove_one }, { "RemoveWithCode", SELL, remove_one_with_code },
                { "Unlock", MANAGE, unlock },     { "UnlockWithCode", SELL, unlock_with_code },
        };
        const char *member = sd_bus_message_get_member(m);

        for (size_t i = 0; i < ELEMENTSOF(methods); i++)
                if (streq(methods[i].member, member))
                        return authority_check(m, methods[i].action, methods[i].act, userdata, error);
        return -EOPNOTSUPP;
}

/* ---- Looking ---- */

struct listing {
        struct server *server;
        sd_bus_message *reply;
};

struct description {
        struct server *server;
        cJSON *list;
};

static int list_one(const struct operator_record *record, void *userdata) {
        struct listing *l = userdata;
        uint64_t seconds;
        int r;

        r = operators_get_lock(engine_operators(l->server->engine), record, &seconds);
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
        r = operators_each(engine_operators(l.server->engine), list_one, &l);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int describe_one(const struct operator_record *record, void *userdata) {
        struct description *d = userdata;
        cJSON *o = cJSON_CreateObject();
        uint64_t seconds;
        int r;

        if (!cJSON_AddItemToArray(d->list, o))
                return -ENOMEM;
        r = operators_get_lock(engine_operators(d->server->engine), record, &seconds);
        if (r < 0)
                return r;
        return cJSON_AddStringToObject(o, "Number", record->number) &&
                               cJSON_AddStringToObject(o, "Role", operator_role_to_string(record->role)) &&
                               json_add_number(o, "TriesLeft", seconds > 0 ? 0 : operators_tries_left(record)) &&
                               json_add_number(o, "LockedFor", (int64_t) seconds)
                       ? 0
                       : -ENOMEM;
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct operator_record record = {};
        struct server *s = userdata;
        struct description d = { s };
        int r;

        r = operators_get_logged_on(engine_operators(s->engine), &record);
        if (r < 0 && r != -ENOENT)
                return r;
        if (!cJSON_AddStringToObject(json, "LoggedOn", r < 0 ? "" : record.number) ||
            !cJSON_AddStringToObject(json, "Role", r < 0 ? "" : operator_role_to_string(record.role)))
                return -ENOMEM;
        d.list = cJSON_AddArrayToObject(json, "Operators");
        r = operators_each(engine_operators(s->engine), describe_one, &d);
        return r < 0 ? r : json_reply(m, json);
}

static int get_logged_on(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct operator_record record;
        struct server *s = userdata;
        int r;

        r = operators_get_logged_on(engine_operators(s->engine), &record);
        if (r == -ENOENT)
                return sd_bus_message_append(reply, "s", "");
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "s",
                                     streq(property, "Role") ? operator_role_to_string(record.role) : record.number);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("LogOn", SD_BUS_ARGS("h", code), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("LogOff", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_change, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Add", SD_BUS_ARGS("s", number, "s", role, "h", code), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddWithCode", SD_BUS_ARGS("s", number, "s", role, "h", codes), SD_BUS_NO_RESULT,
                                method_change, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetCode", SD_BUS_ARGS("s", number, "h", code), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetCodeWithCode", SD_BUS_ARGS("s", number, "h", codes), SD_BUS_NO_RESULT,
                                method_change, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_ARGS("s", number), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RemoveWithCode", SD_BUS_ARGS("s", number, "h", code), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unlock", SD_BUS_ARGS("s", number), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("UnlockWithCode", SD_BUS_ARGS("s", number, "h", code), SD_BUS_NO_RESULT, method_change,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssut)", operators), method_list,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
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
