// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Maintenance: what is to be done to keep the terminal well, and the drills of those who work here. */
#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/options.h"
#include "bus/report.h"
#include "care/maintenance.h"

#define INTERFACE "org.tilld1.Maintenance"

#define DRILLS_DEFAULT 50

/* ---- What there is ---- */

static int add_item(const struct maintenance_item *item, void *userdata) {
        cJSON *o = cJSON_CreateObject();

        if (!cJSON_AddItemToArray(userdata, o))
                return -ENOMEM;
        return cJSON_AddStringToObject(o, "Item", item->name) && cJSON_AddStringToObject(o, "Text", item->text) &&
                               cJSON_AddBoolToObject(o, "Drill", item->drill) &&
                               cJSON_AddBoolToObject(o, "Due", item->due) &&
                               json_add_number(o, "DueTime", (int64_t) item->due_usec) &&
                               json_add_number(o, "Count", (int64_t) item->count) &&
                               json_add_number(o, "Limit", (int64_t) item->limit) &&
                               cJSON_AddStringToObject(o, "Unit", item->unit) &&
                               json_add_number(o, "Done", (int64_t) item->done_usec) &&
                               cJSON_AddStringToObject(o, "DoneBy", item->done_by) &&
                               cJSON_AddStringToObject(o, "People", item->people) &&
                               cJSON_AddStringToObject(o, "Note", item->note)
                       ? 0
                       : -ENOMEM;
}

int report_add_maintenance(struct server *s, cJSON *list) {
        if (s->statistics)
                (void) statistics_update(s->statistics);
        return maintenance_each(s->engine, add_item, list);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(json, "Items");
        int r;

        if (!list)
                return -ENOMEM;
        r = report_add_maintenance(userdata, list);
        return r < 0 ? r : json_reply(m, json);
}

static int add_drill(const struct drill_record *drill, void *userdata) {
        cJSON *o = cJSON_CreateObject();

        if (!cJSON_AddItemToArray(userdata, o))
                return -ENOMEM;
        return json_add_number(o, "Id", drill->id) && cJSON_AddStringToObject(o, "Kind", drill->kind) &&
                               json_add_number(o, "Held", (int64_t) drill->held_usec) &&
                               cJSON_AddStringToObject(o, "People", drill->people) &&
                               cJSON_AddStringToObject(o, "RecordedBy", drill->recorded_by) &&
                               cJSON_AddStringToObject(o, "Note", drill->note)
                       ? 0
                       : -ENOMEM;
}

static int method_list_drills(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(json, "Drills");
        uint32_t limit = DRILLS_DEFAULT;
        const struct bus_option options[] = { { "limit", 'u', &limit }, {} };
        struct server *s = userdata;
        struct refusal refusal = {};
        int r;

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        if (!list)
                return -ENOMEM;
        r = drill_record_each(engine_journal(s->engine), MIN(limit, (uint32_t) DRILLS_MAX), add_drill, list);
        return r < 0 ? r : json_reply(m, json);
}

static int method_describe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        cJSON *items = cJSON_AddArrayToObject(json, "Items"), *drills = cJSON_AddArrayToObject(json, "Drills");
        struct server *s = userdata;
        int r;

        if (!items || !drills)
                return -ENOMEM;
        if (s->statistics)
                (void) statistics_update(s->statistics);
        r = maintenance_each(s->engine, add_item, items);
        if (r >= 0)
                r = drill_record_each(engine_journal(s->engine), DRILLS_DEFAULT, add_drill, drills);
        return r < 0 ? r : json_reply(m, json);
}

/* ---- What was done ---- */

/* It may be due no more. */
static int end_act(struct server *s, int r) {
        if (r >= 0 && s->faults)
                faults_kick(s->faults);
        return r;
}

static int do_done(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        const char *item, *note;
        int r = sd_bus_message_read(m, "ss", &item, &note);

        if (r >= 0 && s->statistics)
                (void) statistics_update(s->statistics);
        return end_act(s, r < 0 ? r : maintenance_done(s->engine, item, note, by, ret));
}

CODE_CALL_PAIR(done, code_call_supervisor, do_done)

static int method_done(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", done, userdata, error);
}

static int method_done_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", done_with_code, userdata, error);
}

static int do_drill(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        _cleanup_(names_freep) char **people = NULL;
        const char *kind, *note;
        int r;

        r = sd_bus_message_read(m, "ss", &kind, &note);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &people);
        return end_act(s, r < 0 ? r : maintenance_drill(s->engine, kind, people, note, by, ret));
}

CODE_CALL_PAIR(drill, code_call_supervisor, do_drill)

static int method_drill(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", drill, userdata, error);
}

static int method_drill_with_code(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.sell", drill_with_code, userdata, error);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_list,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDrills", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("s", json),
                                method_list_drills, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", json), method_describe,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Done", SD_BUS_ARGS("s", item, "s", note), SD_BUS_NO_RESULT, method_done,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DoneWithCode", SD_BUS_ARGS("s", item, "s", note, "h", code), SD_BUS_NO_RESULT,
                                method_done_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RecordDrill", SD_BUS_ARGS("s", kind, "s", note, "as", people), SD_BUS_NO_RESULT,
                                method_drill, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RecordDrillWithCode", SD_BUS_ARGS("s", kind, "s", note, "as", people, "h", code),
                                SD_BUS_NO_RESULT, method_drill_with_code, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int maintenance_register(struct server *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, SERVER_PATH, INTERFACE, vtable, s);
}
