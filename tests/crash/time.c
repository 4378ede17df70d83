// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Time that runs faster, put in by the linker (--wrap): a card's minute and a back-off's five seconds pass in a
 * fiftieth. All that the engine times is by CLOCK_BOOTTIME and by relative timers; dates stay what they are, until
 * days are told to pass at once.
 */
#include <systemd/sd-event.h>
#include <time.h>

#include "base/clock.h"
#include "crash/time.h"

#define FASTER 50

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);

static uint64_t passed;

void time_pass(uint64_t usec) {
        passed += usec;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        uint64_t usec;
        int r = __real_clock_gettime(id, ret);

        if (r < 0 || (id != CLOCK_BOOTTIME && id != CLOCK_REALTIME))
                return r;
        usec = (uint64_t) ret->tv_sec * USEC_PER_SEC + (uint64_t) ret->tv_nsec / 1000;
        usec = (id == CLOCK_BOOTTIME ? usec * FASTER : usec) + passed;
        ret->tv_sec = (time_t) (usec / USEC_PER_SEC);
        ret->tv_nsec = (long) (usec % USEC_PER_SEC * 1000);
        return 0;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        return __real_sd_event_add_time_relative(e, ret, clock, usec / FASTER, 1, callback, userdata);
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        return __real_sd_event_source_set_time_relative(s, usec / FASTER);
}
