/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <cjson/cJSON.h>
#include <systemd/sd-bus.h>

#include "base/macro.h"

static inline void cJSON_Deletep(cJSON **json) {
        cJSON_Delete(*json);
}

/* Answers a Describe: the object as text, or -ENOMEM. */
static inline int json_reply(sd_bus_message *m, const cJSON *json) {
        _cleanup_free_ char *text = cJSON_Print(json);

        if (!text)
                return -ENOMEM;
        return sd_bus_reply_method_return(m, "s", text);
}
