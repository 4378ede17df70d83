/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How old a row is by the terminal's uptime (journal/uptime.h), whatever the clock said when it was written or says
 * now: marks, a day apart or so, of what there was at which uptime. An age is at most what it really is, so that
 * nothing is forgotten or runs out too early; while a terminal is switched off nothing grows older.
 */

#include "journal/connection.h"

/* The last number of each when the mark was made, 0 for none. */
struct age_mark {
        uint64_t uptime;
        uint64_t time_usec; /* as the journal believed it, counter_get_clock() */
        int64_t transaction, print_job, event;
};

/* Marks what there is now; within an hour of the last mark it does nothing. In the caller's transaction. */
int age_add_mark(struct journal *j);
/* Up to where all is that old, or older; all 0 when nothing is. */
int age_find_mark(struct journal *j, uint64_t usec, struct age_mark *ret);
/* Forgets the marks before that one. In the caller's transaction. */
int age_drop_before(struct journal *j, const struct age_mark *mark);
/* How old a transaction is at least, usec: up to a mark's distance less than it is. */
int age_of_transaction(struct journal *j, int64_t id, uint64_t *ret_usec);
