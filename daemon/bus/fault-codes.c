// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is known of all faults, and what those that there were come to. */
#include "base/clock.h"
#include "bus/error.h"
#include "bus/fault.h"
#include "bus/options.h"
#include "care/fault-code.h"
#include "care/fault-figures.h"

#define DAYS_DEFAULT 90
#define DAYS_MAX 3660

static bool add_code(cJSON *o, const struct fault_code *code, const char *language) {
        return cJSON_AddStringToObject(o, "Code", code->code) && cJSON_AddStringToObject(o, "Area", code->area) &&
               cJSON_AddStringToObject(o, "Class", code->class) &&
               cJSON_AddStringToObject(o, "Severity", code->severity) &&
               cJSON_AddStringToObject(o, "MessageId", code->id) &&
               cJSON_AddBoolToObject(o, "EndsByItself", code->lasts) &&
               cJSON_AddStringToObject(o, "Symptom", fault_text_in(&code->symptom, language)) &&
               fault_add_texts(o, "Causes", code->causes, ELEMENTSOF(code->causes), language) &&
               fault_add_texts(o, "MerchantSteps", code->merchant, ELEMENTSOF(code->merchant), language) &&
               fault_add_texts(o, "SupportSteps", code->support, ELEMENTSOF(code->support), language) &&
               cJSON_AddStringToObject(o, "SparePart", fault_text_in(&code->part, language));
}

static bool is_asked_for(const char *word, const char *asked) {
        return isempty(asked) || streq(word, asked);
}

int fault_call_list_codes(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(json, "Codes");
        const char *language = "en", *area = "", *class = "", *only = "";
        const struct bus_option options[] = {
                { "language", 's', &language },
                { "area", 's', &area },
                { "class", 's', &class },
                { "code", 's', &only },
                {},
        };
        const struct fault_code *code;
        struct refusal refusal;
        int r;

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; (code = fault_code_get(i)); i++) {
                cJSON *o;

                if (!is_asked_for(code->area, area) || !is_asked_for(code->class, class) ||
                    !is_asked_for(code->code, only))
                        continue;
                o = cJSON_CreateObject();
                if (!cJSON_AddItemToArray(list, o) || !add_code(o, code, language))
                        return -ENOMEM;
        }
        return json_reply(m, json);
}

int fault_call_get_figures(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(cJSON_Deletep) cJSON *json = NULL;
        uint64_t now = clock_now(CLOCK_REALTIME);
        uint32_t days = DAYS_DEFAULT;
        const struct bus_option options[] = { { "days", 'u', &days }, {} };
        struct server *s = userdata;
        struct refusal refusal;
        int r;

        r = options_read(m, options, &refusal);
        if (r < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : r;
        days = MIN(days, (uint32_t) DAYS_MAX);
        days = MAX(days, 1u);
        r = fault_figures_make(engine_journal(s->engine), now - MIN(now, days * 86400 * USEC_PER_SEC), now, &json);
        return r < 0 ? r : json_reply(m, json);
}
