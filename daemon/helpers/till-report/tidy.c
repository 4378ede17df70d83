// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/tidy.h"

#include <time.h>

#include "base/clock.h"

/* In the year 2286: a larger number is none. */
#define TIME_MAX 1e16

/* A time as a text, another large number as its digits: what looks like a card number is then seen. */
static int tidy_number(cJSON *o) {
        bool is_time = o->valuedouble >= TIDY_TIME_MIN && o->valuedouble <= TIME_MAX;
        time_t seconds = is_time ? (time_t) (o->valuedouble / (double) USEC_PER_SEC) : 0;
        char text[64], zone[8];
        struct tm tm;

        if (o->valuedouble < 1e11)
                return 0;
        if (!is_time || !localtime_r(&seconds, &tm))
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
