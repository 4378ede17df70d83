/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <time.h>

#include "base/macro.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)

/* Whether somebody who knows the time (NTP) keeps CLOCK_REALTIME right. */
bool clock_is_synchronized(void);

/* Microseconds of CLOCK_REALTIME, CLOCK_BOOTTIME… */
static inline uint64_t clock_now(clockid_t id) {
        struct timespec ts = {};

        (void) clock_gettime(id, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}
