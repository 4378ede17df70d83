// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/histogram.h"

#include "base/clock.h"

/* From an answer over a good line to a sale whose card was let lie. */
const unsigned histogram_bounds[HISTOGRAM_BOUNDS] = {
        100, 250, 500, 1000, 2000, 5000, 10000, 20000, 30000, 60000, 120000,
};

void histogram_add(struct histogram *h, uint64_t usec) {
        size_t i = 0;

        while (i < HISTOGRAM_BOUNDS && usec > histogram_bounds[i] * USEC_PER_MSEC)
                i++;
        h->n[i]++;
        h->sum_usec += usec;
}
