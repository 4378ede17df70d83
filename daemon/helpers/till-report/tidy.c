// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/tidy.h"

#include <time.h>

#include "base/clock.h"

/* A time as a text, another large number as its digits: what looks like a card number is then seen. */
static int tidy_number(cJSON *o) {
        char text[64], zone[8];
        time_t seconds;
        struct tm tm;

        if (o->valuedouble < 1e11)
                return 0;
        seconds = (time_t) (o->valuedouble / (double) USEC_PER_SEC);
        if (o->valuedouble < TIDY_TIME_MIN || o->valuedouble > 1e16 || !localtime_r(&seconds, &tm))
                (void) snprintf(text, sizeof(text), "%.0f", o->valuedouble);
        else {
                size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);

                (void) strftime(zone, sizeof(zone), "%z", &tm);
                (void) snprintf(text + n, sizeof(text) - n, "%.3s:%.2s", zone, zone + 3);
        }
        o->valuestring = strdup(text);
        if (!o->valuestring)
                return -ENOMEM;
        o->type = (o->type & ~0xff) | cJSON_String;
        return 0;
}

int tidy(cJSON *o, struct filter *f) {
        cJSON *child;
        int r = 0;

        if (o->string) {
                filter_clean(o->string);
                filter_mask(f, o->string);
        }
        if (cJSON_IsNumber(o))
                r = tidy_number(o);
        if (cJSON_IsString(o)) {
                filter_clean(o->valuestring);
                filter_mask(f, o->valuestring);
        }
        for (child = o->child; child && r >= 0; child = child->next)
                r = tidy(child, f);
        return r;
}
