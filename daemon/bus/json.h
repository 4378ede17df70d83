/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

static inline void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

/* A number as a whole one: cJSON writes a time as 1.7792568e+15. False without memory. */
static inline bool json_add_number(cJSON *object, const char *name, int64_t number) {
        char text[24];

        (void) snprintf(text, sizeof(text), "%" PRIi64, number);
        return cJSON_AddRawToObject(object, name, text);
}

/* Answers a Describe: the object as text, or -ENOMEM. */
static inline int json_reply(sd_bus_message *m, const cJSON *json) {
        _cleanup_free_ char *text = cJSON_Print(json);

        if (!text)
                return -ENOMEM;
        return sd_bus_reply_method_return(m, "s", text);
}
