// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics: what is wrong, since when, and what to do about it. */
#include <inttypes.h>

#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/fault.h"
#include "bus/health.h"
#include "bus/json.h"
#include "bus/options.h"
#include "bus/report.h"
#include "bus/state.h"
#include "care/fault-code.h"

#define INTERFACE "org.tilld1.Diagnostics"

#define LIMIT_DEFAULT 50
#define LIMIT_MAX 500

/* ---- What there is ---- */

struct listing {
        struct server *server;
        const char *language;
        cJSON *list;
        int64_t last;
};

static int add_fault(const struct fault_record *record, void *userdata) {
        struct listing *l = userdata;
        cJSON *o = cJSON_CreateObject();

        l->last = record->id;
        return cJSON_AddItemToArray(l->list, o) && fault_add_json(l->server, o, record, l->language) ? 0 : -ENOMEM;
}

static int add_one(struct server *s, int64_t id, struct listing *l) {
        struct fault_record record;
        int r;

        r = fault_record_load(engine_journal(s->engine), id, &record);
        return r == -ENOENT ? 0 : r < 0 ? r : add_fault(&record, l);
}

/* Next is the oldest of a full page: there may be older ones. */
static int add_page(struct server *s, const struct fault_filter *filter, struct listing *l) {
        int r = fault_record_each(engine_journal(s->engine), filter, add_fault, l);

        if (r >= 0 && cJSON_GetArraySize(l->list) < (int) filter->limit)
                l->last = 0;
        return r;
}

static int method_list_faults(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct listing l = { .server = userdata, .language = "en", .list = cJSON_AddArrayToObject(json, "Faults") };
        uint64_t id = 0, since = 0, before = 0;
        uint32_t limit = LIMIT_DEFAULT;
        struct fault_filter filter = {};
        struct refusal refusal;
        const struct bus_option options[] = {
                { "open", 'b', &filter.open },
                { "since", 't', &since },
                { "before", 't', &before },
                { "limit", 'u', &limit },
                { "id", 't', &id },
                { "language", 's', &l.language },
                {},
        };
        int r;

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        if (!l.list)
                return -ENOMEM;
        filter.since_usec = since;
        filter.before = (int64_t) MIN(before, (uint64_t) INT64_MAX);
        limit = MIN(limit, (uint32_t) LIMIT_MAX);
        filter.limit = MAX(limit, 1u);
        r = id > 0 ? add_one(userdata, (int64_t) MIN(id, (uint64_t) INT64_MAX), &l) : add_page(userdata, &filter, &l);
        if (r < 0)
                return r;
        if (!json_add_number(json, "Next", id > 0 ? 0 : l.last))
                return -ENOMEM;
        return json_reply(m, json);
}

/* ---- By hand ---- */

static int do_acknowledge(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply,
                          struct refusal *ret) {
        uint64_t id;
        int r = sd_bus_message_read(m, "t", &id);

        if (r >= 0)
                r = faults_acknowledge(s->faults, (int64_t) id, by, ret);
        if (r >= 0)
                faults_acknowledged(s, (int64_t) id);
        return r;
}

static int acknowledge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call_now(userdata, m, do_acknowledge, error);
}

static int method_acknowledge(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", acknowledge, userdata, error);
}

static int do_end(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        const char *note;
        uint64_t id;
        int r = sd_bus_message_read(m, "ts", &id, &note);

        return r < 0 ? r : faults_end(s->faults, (int64_t) id, by, note, ret);
}

CODE_CALL_PAIR(end_fault, code_call_supervisor, do_end)

static int method_end_fault(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.supervise", end_fault, userdata, error);
}

static int method_end_fault_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", end_fault_with_code, userdata, error);
}

/* ---- State and signals ---- */

static int get_open_faults(sd_bus *b, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        struct server *s = userdata;

        return sd_bus_message_append(reply, "u", (uint32_t) faults_count_open(s->faults));
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;
        int r;

        r = state_add(s, json);
        if (r < 0)
                return r;
        return report_add_health(cJSON_AddObjectToObject(json, "HealthCheck"), health_get(s->health))
                       ? json_reply(m, json)
                       : -ENOMEM;
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ListFaults", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                                method_list_faults, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListCodes", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                                fault_call_list_codes, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetFigures", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                                fault_call_get_figures, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Acknowledge", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, method_acknowledge,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("EndFault", SD_BUS_ARGS("t", id, "s", note), SD_BUS_NO_RESULT, method_end_fault,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("EndFaultWithCode", SD_BUS_ARGS("t", id, "s", note, "h", code), SD_BUS_NO_RESULT,
                                method_end_fault_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CheckHealth", SD_BUS_ARGS("s", level, "s", device), SD_BUS_RESULT("x", id),
                                health_call_check, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelHealthCheck", SD_BUS_ARGS("x", id), SD_BUS_NO_RESULT, health_call_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetHealthCheck", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), health_call_get,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Probe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), diagnostics_call_probe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Recover", SD_BUS_ARGS("s", device), SD_BUS_NO_RESULT, diagnostics_call_recover,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RecoverWithCode", SD_BUS_ARGS("s", device, "h", code), SD_BUS_NO_RESULT,
                                diagnostics_call_recover_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListRecoveries", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json),
                                diagnostics_call_list_recoveries, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SaveReport", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", path),
                                report_call_save, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_ARGS("a{sv}", options, "h", output), SD_BUS_NO_RESULT,
                                report_call_write, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CheckAuthenticity", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), authenticity_call_check,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("OpenFaults", "u", get_open_faults, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("GlobalStatus", "s", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("SecurityOK", "b", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CardReaderOK", "b", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("PrinterStatus", "s", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CommunicationOK", "b", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Unconfirmed", "u", state_get_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_SIGNAL_WITH_ARGS("FaultOpened", SD_BUS_ARGS("t", id, "s", code, "s", subject), 0),
        SD_BUS_SIGNAL_WITH_ARGS("FaultEnded", SD_BUS_ARGS("t", id, "s", code, "s", subject), 0),
        SD_BUS_SIGNAL_WITH_ARGS("HealthCheckChanged", SD_BUS_ARGS("x", id, "b", ended), 0),
        SD_BUS_VTABLE_END,
};

void diagnostics_told(const struct fault_record *record, void *userdata) {
        struct server *s = userdata;

        faults_told(s, record);
        if (s->metrics)
                metrics_kick(s->metrics);
        (void) sd_bus_emit_signal(s->bus, SERVER_PATH, INTERFACE,
                                  record->ended_usec > 0 ? "FaultEnded" : "FaultOpened", "tss", (uint64_t) record->id,
                                  record->code, record->subject);
        (void) sd_bus_emit_properties_changed(s->bus, SERVER_PATH, INTERFACE, "OpenFaults", NULL);
        state_changed(s);
}

int diagnostics_register(struct server *s) {
        int r = terminal_state_read(s->engine, &s->told_state);

        return r < 0 ? r : sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
