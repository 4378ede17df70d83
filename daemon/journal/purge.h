/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Forgets what is older than the retention time, in slices of a short durable commit each. Of a transaction that is
 * done, settled and owes nothing a tombstone stays for ever: id, reference, what was asked for, result and times; so
 * a reference is never taken twice, the same call still has its answer, and refunds still count against a sale. Its
 * papers go, as do faults that have ended, notices and contacts that were removed, and the events up to a signed
 * checkpoint before which no transaction is left.
 */

#include "journal/age.h"

enum purge_phase {
        PURGE_TRANSACTIONS,
        PURGE_PRINT_JOBS, /* those of no transaction */
        PURGE_FAULTS,     /* that ended */
        PURGE_NOTICES,    /* that ended */
        PURGE_CONTACTS,   /* that were removed */
        PURGE_LOOK,       /* how far no transaction is left */
        PURGE_EVENTS,
        PURGE_DONE,
};

struct journal_purge {
        enum purge_phase phase;
        struct age_mark old;
        int64_t row;        /* up to this one it has been looked at */
        int64_t first_kept; /* the oldest transaction that is left */
        uint32_t transactions;
        uint64_t events;
};

/*
 * days: what is younger stays. They are days that the terminal was on (journal/age.h): no clock, of now or of an
 * entry, makes anything old, and one that is switched off at night keeps longer. Outside of a transaction; it makes
 * its own.
 */
int purge_begin(struct journal *j, unsigned days, struct journal_purge *ret);
/* 1 while there is more to do, 0 at the end. Outside of a transaction; it makes its own. */
int purge_slice(struct journal *j, struct journal_purge *p);
