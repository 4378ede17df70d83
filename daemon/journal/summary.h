/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the journal is doing, in a moment whatever its size. */

#include "journal/checkpoint.h"

struct journal_summary {
        char path[256];
        int64_t schema;
        uint64_t size, log_size, free_space; /* bytes */
        int64_t transactions;                /* rows with tombstones */
        int64_t first_whole;                 /* the oldest that is no tombstone, 0 for none */
        uint64_t first_whole_usec;           /* when that began */
        int64_t events, first_event;         /* last and first number that is there */
        struct event_checkpoint checkpoint;  /* the last one; number 0 for none */
        uint64_t checked_usec;               /* when all of it was last found good, 0 for never */
};

int journal_summarize(struct journal *j, struct journal_summary *ret);
