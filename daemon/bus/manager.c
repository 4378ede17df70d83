// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Manager: starts and finds transactions. */
#include "base/hex.h"
#include "base/log.h"
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/options.h"
#include "bus/server.h"
#include "transaction/emv-files.h"
#include "transaction/terminal-clock.h"

#define INTERFACE "org.tilld1.Manager"

/* What of each queue waits. */
static const char *const pending[] = {
        [REQUEST_REVERSAL] = "PendingReversals",
        [REQUEST_FORWARD] = "PendingForwards",
        [REQUEST_WITHDRAWAL] = "PendingWithdrawals",
};

static int reply_path(struct server *s, sd_bus_message *m, int64_t id) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = transaction_path(s, id, &path);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "o", path);
}

/* A supervisor's kind waits for an approval unless its caller may give it. */
static int start_transaction(sd_bus_message *m, bool supervisor, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct engine_call call = { .order = "", .authorization_code = "", .approver = "" };
        char approver[24];
        const char *original = NULL, *receipt = "paper";
        const struct bus_option options[] = {
                { "order", 's', &call.order },
                { "original", 'o', &original },
                { "authorization-code", 's', &call.authorization_code },
                { "receipt", 's', &receipt },
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
        call.electronic = streq(receipt, "electronic");
        if (!call.electronic && !streq(receipt, "paper")) {
                (void) refusal_set(&refusal, REFUSAL_UNKNOWN_OPTION,
                                   "The option \"receipt\" is \"paper\" or \"electronic\", not \"%.32s\"", receipt);
                return bus_error_set_refusal(error, &refusal);
        }
        r = authority_sender_uid(m, &call.starter);
        if (r < 0)
                return r;
        /* No transaction has that id: the engine says what is wrong. */
        if (original && transaction_path_id(s, original, &call.original) < 0)
                call.original = INT64_MAX;
        if (supervisor) {
                authority_name_uid(call.starter, approver);
                call.approver = approver;
        }

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

static int start_authorized(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct kind *kind;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r < 0)
                return r;
        kind = kind_find(name);
        r = sd_bus_message_rewind(m, true);
        if (r < 0)
                return r;
        if (kind && kind->supervisor)
                return authority_ask(m, "org.tilld1.supervise", start_transaction, userdata, error);
        return start_transaction(m, false, userdata, error);
}

static int method_start_transaction(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", start_authorized, userdata, error);
}

static int refuse_unknown(const char *reference, sd_bus_error *error) {
        struct refusal refusal;

        (void) refusal_set(
                &refusal, REFUSAL_NOT_FOUND,
                "No transaction has the reference \"%.64s\": it was never started here, or a power cut took "
                "it before anything was sent; it may be started",
                reference);
        return bus_error_set_refusal(error, &refusal);
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
                return refuse_unknown(reference, error);
        if (r < 0)
                return r;
        return reply_path(s, m, s->looked.record.id);
}

static int flush(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        struct refusal refusal;
        int r;

        r = forwards_flush(s->engine, &refusal);
        if (r < 0)
                return bus_error_set_refusal(error, &refusal);
        return sd_bus_reply_method_return(m, "");
}

static int method_flush(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", flush, userdata, error);
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

static void describe_clock(const struct server *s, cJSON *json) {
        struct journal *j = engine_journal(s->engine);
        struct refusal refusal = {};
        int64_t offset;

        (void) terminal_clock_check(j, &refusal);
        cJSON_AddStringToObject(json, "ClockFault", refusal.code ? refusal.text : "");
        if (terminal_clock_get_offset(j, &offset) >= 0)
                json_add_number(json, "ClockOffset", offset);
        else
                cJSON_AddNullToObject(json, "ClockOffset");
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        _cleanup_free_ char *current = NULL;
        struct server *s = userdata;
        int jobs, r;

        r = current_path(s, &current);
        if (r < 0)
                return r;
        jobs = printing_count(engine_printing(s->engine));
        if (jobs < 0)
                return jobs;
        cJSON_AddStringToObject(json, "Mode", mode_to_string(s->settings->mode));
        cJSON_AddStringToObject(json, "Version", TILLD_VERSION);
        cJSON_AddStringToObject(json, "MerchantNumber", s->settings->merchant_number);
        cJSON_AddStringToObject(json, "MerchantName", s->settings->merchant_name);
        cJSON_AddStringToObject(json, "TerminalNumber", s->settings->terminal_number);
        cJSON_AddStringToObject(json, "CurrentTransaction", current);
        cJSON_AddStringToObject(json, "Acquirer", acquirer_state(engine_acquirer(s->engine)));
        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++)
                json_add_number(json, pending[q], outbox_count(engine_outbox(s->engine), q));
        json_add_number(json, "OldestForward", forwards_oldest(s->engine));
        json_add_number(json, "PendingPrintJobs", jobs);
        describe_clock(s, json);
        return json_reply(m, json);
}

static int do_accept_clock(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                           struct refusal *ret) {
        return terminal_clock_accept(engine_journal(s->engine), by, ret);
}

CODE_CALL_PAIR(accept_clock, code_call_supervisor, do_accept_clock)

static int method_accept_clock_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", accept_clock_with_code, userdata, error);
}

static int method_accept_clock(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", accept_clock, userdata, error);
}

static cJSON *add_item(cJSON *list) {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddItemToArray(list, item);
        return item;
}

static void add_hex(cJSON *json, const char *name, const void *data, size_t size) {
        char text[2 * EMV_DOL_MAX + 1];

        hex_encode(data, size, text);
        cJSON_AddStringToObject(json, name, text);
}

static void describe_emv_terminal(const struct emv_terminal *t, cJSON *json) {
        add_hex(json, "Country", t->country, sizeof(t->country));
        add_hex(json, "Type", &t->type, 1);
        add_hex(json, "Capabilities", t->capabilities, sizeof(t->capabilities));
        add_hex(json, "AdditionalCapabilities", t->additional_capabilities, sizeof(t->additional_capabilities));
        cJSON_AddStringToObject(json, "Serial", t->serial);
}

static void describe_emv_application(const struct emv_application *a, cJSON *json) {
        cJSON *versions;

        add_hex(json, "Aid", a->aid.data, a->aid.size);
        cJSON_AddStringToObject(json, "Name", a->name);
        cJSON_AddBoolToObject(json, "Partial", a->partial);
        versions = cJSON_AddArrayToObject(json, "Versions");
        for (unsigned i = 0; i < a->n_versions; i++) {
                char text[5];

                hex_encode(a->versions[i], 2, text);
                cJSON_AddItemToArray(versions, cJSON_CreateString(text));
        }
        add_hex(json, "TacDenial", a->tac_denial, sizeof(a->tac_denial));
        add_hex(json, "TacOnline", a->tac_online, sizeof(a->tac_online));
        add_hex(json, "TacDefault", a->tac_default, sizeof(a->tac_default));
        json_add_number(json, "FloorLimit", a->floor_limit);
        json_add_number(json, "Threshold", a->threshold);
        json_add_number(json, "Target", a->target);
        json_add_number(json, "TargetMax", a->target_max);
        add_hex(json, "Ddol", a->ddol.data, a->ddol.size);
        add_hex(json, "Tdol", a->tdol.data, a->tdol.size);
}

static void describe_emv_key(const struct emv_ca_key *k, enum mode mode, cJSON *json) {
        char expires[11] = "";

        add_hex(json, "Rid", k->rid, sizeof(k->rid));
        add_hex(json, "Index", &k->index, 1);
        json_add_number(json, "Bits", 8 * k->modulus_size);
        json_add_number(json, "Exponent", k->exponent);
        if (k->expires[0] != 0)
                (void) snprintf(expires, sizeof(expires), "%02X%02X-%02X-%02X", k->expires[0], k->expires[1],
                                k->expires[2], k->expires[3]);
        cJSON_AddStringToObject(json, "Expires", expires);
        cJSON_AddBoolToObject(json, "Test", k->test);
        cJSON_AddBoolToObject(json, "HashGood", emv_ca_key_hash_fits(k));
        cJSON_AddBoolToObject(json, "Used", !(k->test && mode == MODE_LIVE));
}

static void describe_emv_fault(const struct emv_files_fault *f, cJSON *json) {
        cJSON_AddStringToObject(json, "File", f->path ?: "");
        json_add_number(json, "Line", f->line);
        cJSON_AddStringToObject(json, "Section", f->section);
        cJSON_AddStringToObject(json, "Key", f->key);
        cJSON_AddStringToObject(json, "Reason", f->reason);
        cJSON_AddStringToObject(json, "NextStep", emv_files_next_step(f));
        cJSON_AddBoolToObject(json, "Fatal", f->fatal);
}

static cJSON *describe_emv(const struct server *s, const struct emv_files *f) {
        _cleanup_free_ struct emv_terminal *used = malloc(sizeof(*used));
        cJSON *json = cJSON_CreateObject(), *list;

        if (!used)
                return json;
        emv_files_use(f, s->settings, used);
        cJSON_AddBoolToObject(json, "Good", !f->unusable);
        cJSON_AddBoolToObject(json, "InUse", memcmp(used, engine_terminal(s->engine), sizeof(*used)) == 0);
        cJSON_AddStringToObject(json, "Mode", mode_to_string(s->settings->mode));
        describe_emv_terminal(&f->terminal, cJSON_AddObjectToObject(json, "Terminal"));
        list = cJSON_AddArrayToObject(json, "Applications");
        for (uint32_t i = 0; i < f->terminal.n_applications; i++)
                describe_emv_application(f->terminal.applications + i, add_item(list));
        list = cJSON_AddArrayToObject(json, "CaKeys");
        for (uint32_t i = 0; i < f->terminal.n_ca_keys; i++)
                describe_emv_key(f->terminal.ca_keys + i, s->settings->mode, add_item(list));
        list = cJSON_AddArrayToObject(json, "Revoked");
        for (uint32_t i = 0; i < f->terminal.n_revocations; i++) {
                const struct emv_revocation *r = f->terminal.revocations + i;
                cJSON *item = add_item(list);

                add_hex(item, "Rid", r->rid, sizeof(r->rid));
                add_hex(item, "Index", &r->index, 1);
                add_hex(item, "Serial", r->serial, sizeof(r->serial));
        }
        list = cJSON_AddArrayToObject(json, "Faults");
        for (size_t i = 0; i < f->n_faults; i++)
                describe_emv_fault(f->faults + i, add_item(list));
        return json;
}

/* Reads the files anew, and changes nothing: what a restart would use. */
static int method_check_emv(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(emv_files_freep) struct emv_files *files = NULL;
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        struct server *s = userdata;
        int r;

        r = emv_files_load(engine_emv_dirs(s->engine), s->settings, &files);
        if (r < 0)
                return r;
        json = describe_emv(s, files);
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

        return sd_bus_message_append(reply, "s", acquirer_state(engine_acquirer(s->engine)));
}

static int get_pending(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        int queue = string_table_find(pending, ELEMENTSOF(pending), property);
        struct server *s = userdata;

        if (queue < 0)
                return queue;
        return sd_bus_message_append(reply, "u",
                                     (uint32_t) outbox_count(engine_outbox(s->engine), (enum request_queue) queue));
}

static int get_oldest_forward(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(reply, "t", forwards_oldest(s->engine));
}

static int get_print_jobs(sd_bus *bus, const char *path, const char *interface, const char *property,
                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;
        int n = printing_count(engine_printing(s->engine));

        return n < 0 ? n : sd_bus_message_append(reply, "u", (uint32_t) n);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("StartTransaction",
                                SD_BUS_ARGS("s", kind, "x", amount, "s", currency, "s", reference, "a{sv}", options),
                                SD_BUS_RESULT("o", transaction), method_start_transaction, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("FindTransaction", SD_BUS_ARGS("s", reference), SD_BUS_RESULT("o", transaction),
                                method_find_transaction, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Search", SD_BUS_ARGS("a{sv}", filter), SD_BUS_RESULT("ao", transactions, "o", next),
                                manager_call_search, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetTotals", SD_BUS_ARGS("u", batch), SD_BUS_RESULT("s", json),
                                manager_call_get_totals, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Flush", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_flush, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_subscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_unsubscribe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AcceptClock", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_accept_clock,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AcceptClockWithCode", SD_BUS_ARGS("h", code), SD_BUS_NO_RESULT,
                                method_accept_clock_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CheckEmv", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_check_emv,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Mode", "s", get_mode, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("MerchantNumber", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("MerchantName", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("TerminalNumber", "s", get_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CurrentTransaction", "o", get_current, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Acquirer", "s", get_acquirer, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingReversals", "u", get_pending, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingForwards", "u", get_pending, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingWithdrawals", "u", get_pending, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("OldestForward", "t", get_oldest_forward, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PendingPrintJobs", "u", get_print_jobs, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_VTABLE_END,
};

void manager_changed(struct server *s) {
        /* Before the objects are on the bus there is nobody to tell. */
        if (!s->engine)
                return;
        (void) sd_bus_emit_properties_changed(s->bus, SERVER_PATH, INTERFACE, "CurrentTransaction", "Acquirer",
                                              "PendingReversals", "PendingForwards", "PendingWithdrawals",
                                              "OldestForward", "PendingPrintJobs", NULL);
}

int manager_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
