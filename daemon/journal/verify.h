/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Looks at all of the journal, in slices of some milliseconds so that whoever waits for a sale does not wait for
 * this: the signatures of the checkpoints, the chain of events, then each row and its place in the indexes by which
 * money is found. What is written meanwhile is looked at, too.
 */

#include "journal/checkpoint.h"

enum verify_phase {
        VERIFY_CHECKPOINTS,
        VERIFY_EVENTS,
        VERIFY_TRANSACTIONS,
        VERIFY_PRINT_JOBS,
        VERIFY_TABLES, /* the small ones */
        VERIFY_DONE,
};

struct journal_verify {
        enum verify_phase phase;
        int64_t row;                       /* the last one of this phase that was looked at */
        uint8_t previous[EVENT_HASH_SIZE]; /* hash or signature of the one before */
        int64_t base;                      /* events up to this one were purged, 0 for none */
        int64_t purged;                    /* what the last event about that says */
        struct event_checkpoint next;      /* that the events have to meet; number 0 for none */

        int64_t events;       /* that are there and fit; where they do not, the first that does not */
        uint64_t done, total; /* rows, for showing how far it is */
        bool damaged;         /* it is the file: see journal_suspect(). Otherwise somebody has changed what it says */
        char text[192];       /* what is wrong, for a person */
};

/* Starts anew. */
int verify_begin(struct journal *j, struct journal_verify *ret);
/* 1 while there is more to do, 0 when all is good, -EBADMSG with `text` otherwise. */
int verify_slice(struct journal *j, struct journal_verify *v);

/* The events alone, in one go: 0 with *ret_seq the last, or -EBADMSG with *ret_seq the first that does not fit. */
int event_verify(struct journal *j, int64_t *ret_seq);
