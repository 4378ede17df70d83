/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How long this terminal has been up in all, over its boots: what lifetimes, lock-outs and waiting times count,
 * because setting the clock changes nothing of it. After a crash it is what it was; after a power cut it goes on from
 * what was saved last. It lags at most, so that no waiting time becomes shorter.
 */

#include "journal/connection.h"

/* Microseconds; never less than at the last uptime_save(). */
int uptime_get(struct journal *j, uint64_t *ret_usec);
/*
 * What has passed since uptime_get() gave `then`: 1 when all of that was in this boot, 0 when the terminal may have
 * been switched off in between.
 */
int uptime_since(struct journal *j, uint64_t then, uint64_t *ret_usec);
/* Keeps it for the next boot, in the caller's transaction. */
int uptime_save(struct journal *j);
