/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long things took, counted by bounds: what Prometheus makes percentiles of. */

#include "base/macro.h"

/* Those up to each bound and no earlier one, and at the end those that took longer. */
#define HISTOGRAM_BOUNDS 11
struct histogram {
        uint64_t n[HISTOGRAM_BOUNDS + 1];
        uint64_t sum_usec;
};

/* Milliseconds, rising. */
extern const unsigned histogram_bounds[HISTOGRAM_BOUNDS];

void histogram_add(struct histogram *h, uint64_t usec);
