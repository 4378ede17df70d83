// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/clock.h"

#include <sys/timex.h>

/* Less while the kernel is told how far off it may be at most; setting the clock by hand ends that. */
#define ERROR_MAX_USEC (16 * (long) USEC_PER_SEC)

bool clock_is_synchronized(void) {
        struct timex t = {};

        return adjtimex(&t) >= 0 && t.maxerror < ERROR_MAX_USEC;
}
