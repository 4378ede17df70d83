/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Faults that only an act shows: a transaction whose card could not be read, a paper whose printer was silent, a
 * device that came and went. The next good act of the same kind ends them. What is counted before a fault opens
 * (swipes that failed) is in memory: a restart counts anew.
 */

#include "care/faults.h"

struct acts;

int acts_new(struct engine *e, struct faults *f, struct acts **ret);
struct acts *acts_free(struct acts *a);
DEFINE_CLEANUP(struct acts *, acts_free);

/* The engine's events, as they come. */
void acts_transaction(struct acts *a, const struct transaction_view *view, enum transaction_event event);
void acts_job(struct acts *a, int64_t job, enum print_state state);
void acts_device(struct acts *a, const struct device *device, enum monitor_event event);
