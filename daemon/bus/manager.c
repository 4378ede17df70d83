// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Manager: starts and finds transactions. */
#include "base/log.h"
#include "bus/authority.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/options.h"
#include "bus/server.h"

#define INTERFACE "org.tilld1.Manager"

static int sender_uid(sd_bus_message *m, uid_t *ret) {
        _cleanup_(sd_bus_creds_unrefp) sd_bus_creds *creds = NULL;
        int r;

        r = sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds);
        if (r < 0)
                return r;
        return sd_bus_creds_get_euid(creds, ret);
}

static int reply_path(struct server *s, sd_bus_message *m, int64_t id) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path(s, id, &path);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "o", path);
}

static int start_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct engine_call call = { .order = "" };
        const struct bus_option options[] = {
                { "order", 's', &call.order },
                { "training", 'b', &call.training },
                { "choose-application", 'b', &call.can_choose },
                {},
        };
        struct refusal refusal;
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "sxss", &call.kind, &call.amount, &call.currency, &call.reference);
        if (r < 0)
                return r;
        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        r = sender_uid(m, &call.starter);
        if (r < 0)
                return r;

        s->call = m;
        r = engine_start_transaction(s->engine, &call, &id, &refusal);
        s->call = NULL;
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        /* A checkout that lost its connection and calls again goes on with the signals. */
        if (id == s->started)
                (void) sd_bus_track_add_sender(s->starter, m);
        return reply_path(s, m, id);
}

static int method_start_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", start_transaction, userdata, error);
}

static int method_find_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        const char *reference;
        int r;

        r = sd_bus_message_read(m, "s", &reference);
        if (r < 0)
                return r;
        r = engine_find(s->engine, reference, &s->looked);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BUS_ERROR_NOT_FOUND,
                                         "No transaction has the reference \"%.64s\": it was never started here, or a "
                                         "power cut took it before anything was sent; it may be started",
                                         reference);
        if (r < 0)
                return r;
        return reply_path(s, m, s->looked.record.id);
}

static int method_subscribe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        int r;

        r = sd_bus_track_add_sender(s->subscribers, m);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "");
}

static int method_unsubscribe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        int r;

        r = sd_bus_track_remove_sender(s->subscribers, m);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "");
}

static int current_path(const struct server *s, char **ret) {
        int64_t id = engine_current(s->engine);

        if (id > 0)
                return transaction_path(s, id, ret);
        *ret = strdup("/");
        return *ret ? 0 : -ENOMEM;
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        _cleanup_free_ char *current = NULL;
        struct server *s = userdata;
        int jobs, r;

        r = current_path(s, &current);
        if (r < 0)
                return r;
        jobs = printing_count(s->engine->printing);
        if (jobs < 0)
                return jobs;
        cJSON_AddStringToObject(json, "Mode", mode_to_string(s->settings->mode));
        cJSON_AddStringToObject(json, "Version", TILLD_VERSION);
        cJSON_AddStringToObject(json, "MerchantNumber", s->settings->merchant_number);
        cJSON_AddStringToObject(json, "MerchantName", s->settings->merchant_name);
        cJSON_AddStringToObject(json, "TerminalNumber", s->settings->terminal_number);
        cJSON_AddStringToObject(json, "CurrentTransaction", current);
        cJSON_AddStringToObject(json, "Acquirer", acquirer_state(s->engine->acquirer));
        cJSON_AddNumberToObject(json, "PendingReversals", reversals_count(s->engine->reversals));
        cJSON_AddNumberToObject(json, "PendingPrintJobs", jobs);
        return json_reply(m, json);
}

static int get_mode(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(reply, "s", mode_to_string(s->settings->mode));
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", TILLD_VERSION);
}

static int get_setting(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const struct settings *s = ((struct server *) userdata)->settings;

        return sd_bus_message_append(reply, "s",
                                     streq(property, "MerchantNumber") ? s->merchant_number
                                     : streq(property, "MerchantName") ? s->merchant_name
                                                                       : s->terminal_number);
}

static int get_current(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *current = NULL;
        int r;

        r = current_path(userdata, &current);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "o", current);
}

static int get_acquirer(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(reply, "s", acquirer_state(s->engine->acquirer));
}

static int get_reversals(sd_bus *bus, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(reply, "u", (uint32_t) reversals_count(s->engine->reversals));
}

static int get_print_jobs(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        int n = printing_count(s->engine->printing);

        return n < 0 ? n : sd_bus_message_append(reply, "u", (uint32_t) n);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("StartTransaction",
                                SD_BUS_ARGS("s", kind, "x", amount, "s", currency, "s", reference, "a{sv}", options),
                                SD_BUS_RESULT("o", transaction), method_start_transaction, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("FindTransaction", SD_BUS_ARGS("s", reference), SD_BUS_RESULT("o", transaction),
                                method_find_transaction, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_subscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_unsubscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Mode", "s", get_mode, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("MerchantNumber", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("MerchantName", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("TerminalNumber", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CurrentTransaction", "o", get_current, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Acquirer", "s", get_acquirer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingReversals", "u", get_reversals, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingPrintJobs", "u", get_print_jobs, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

void manager_changed(struct server *s) {
        /* Before the objects are on the bus there is nobody to tell. */
        if (!s->engine)
                return;
        (void) sd_bus_emit_properties_changed(s->bus, SERVER_PATH, INTERFACE, "CurrentTransaction", "Acquirer",
                                              "PendingReversals", "PendingPrintJobs", NULL);
}

int manager_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
