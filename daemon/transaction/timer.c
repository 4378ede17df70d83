// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/timer.h"

#include "transaction/engine.h"

uint64_t timer_back_off(unsigned attempts, uint64_t first, uint64_t last) {
        uint64_t delay = first;

        while (attempts-- > 1 && delay < last)
                delay *= 2;
        return MIN(delay, last);
}

void timer_again(sd_event_source *timer, uint64_t usec) {
        int r;

        r = sd_event_source_set_time_relative(timer, usec);
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        if (r < 0)
                engine_panic(r, "what has to be done now and then cannot be timed");
}
