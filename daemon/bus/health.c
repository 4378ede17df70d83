// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics: health checks. */
#include "bus/health.h"

#include "bus/authority.h"
#include "bus/code-call.h"
#include "bus/error.h"
#include "bus/json.h"
#include "bus/report.h"

/* ---- A check ---- */

static int do_check(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        const char *level, *device;
        enum health_level l;
        int64_t id;
        int r;

        r = sd_bus_message_read(m, "ss", &level, &device);
        if (r < 0)
                return r;
        l = health_level_from_string(level);
        if (l < 0)
                return refusal_set(ret, REFUSAL_UNKNOWN_OPTION,
                                   "The level is internal, external, interactive or inspection, not \"%.32s\"", level);
        r = health_start(s->health, l, device, by, &id, ret);
        return r < 0 ? r : sd_bus_message_append(reply, "x", id);
}

static int check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call_now(userdata, m, do_check, error);
}

int health_call_check(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", check, userdata, error);
}

static int do_cancel(struct server *s, sd_bus_message *m, const char *by, sd_bus_message *reply, struct refusal *ret) {
        int64_t id;
        int r = sd_bus_message_read(m, "x", &id);

        return r < 0 ? r : health_cancel(s->health, id, ret);
}

static int cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return code_call_now(userdata, m, do_cancel, error);
}

int health_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return authority_check(m, "org.tilld1.diagnose", cancel, userdata, error);
}

static bool add_step(cJSON *list, const struct health_step *step) {
        cJSON *o = cJSON_CreateObject();

        return cJSON_AddItemToArray(list, o) && cJSON_AddStringToObject(o, "Test", step->test) &&
               cJSON_AddStringToObject(o, "Device", step->device) &&
               cJSON_AddStringToObject(o, "Title", step->title) &&
               cJSON_AddStringToObject(o, "State", health_state_to_string(step->state)) &&
               cJSON_AddStringToObject(o, "Sentence", step->sentence) &&
               cJSON_AddStringToObject(o, "Detail", step->detail);
}

bool report_add_health(cJSON *json, const struct health_check *c) {
        cJSON *steps;

        if (!c)
                return true;
        if (!json_add_number(json, "Id", c->id) ||
            !cJSON_AddStringToObject(json, "Level", health_level_to_string(c->level)) ||
            !cJSON_AddStringToObject(json, "By", c->by) || !json_add_number(json, "Ended", (int64_t) c->ended_usec) ||
            !json_add_number(json, "Failed", health_count_failed(c)))
                return false;
        steps = cJSON_AddArrayToObject(json, "Steps");
        for (size_t i = 0; i < c->n; i++)
                if (!add_step(steps, c->steps + i))
                        return false;
        return steps;
}

int health_call_get(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        struct server *s = userdata;

        return report_add_health(json, health_get(s->health)) ? json_reply(m, json) : -ENOMEM;
}

void health_told(const struct health_check *check, void *userdata) {
        struct server *s = userdata;

        (void) sd_bus_emit_signal(s->bus, SERVER_PATH, "org.tilld1.Diagnostics", "HealthCheckChanged", "xb", check->id,
                                  check->ended_usec > 0);
}
