/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The event log, a hash chain. hash(n) = SHA-256(hash(n-1) || seq || time || transaction || length(kind) ||
 * kind || length(text) || text), numbers as 8 bytes big-endian; hash(0) is 32 zero bytes. Rows are never
 * changed, and removed only by a purge, up to a signed checkpoint (journal/checkpoint.h). journal/verify.h follows it.
 */

#include "journal/connection.h"

struct event_record {
        int64_t seq;         /* 1, 2, 3 …: the order of things, whatever the clock says */
        uint64_t time_usec;  /* CLOCK_REALTIME */
        int64_t transaction; /* 0 for none */
        const char *kind;    /* a word: "sent" */
        const char *text;    /* JSON object, no card data */
};

#define EVENT_HASH_SIZE 32
#define EVENT_KIND_MAX 48
#define EVENT_TEXT_MAX 4096

/* Appends with the present time, raises the clock's floor. text NULL is "{}". */
int event_append(struct journal *j, const char *kind, int64_t transaction, const char *text);

/* Called for each event, oldest first; what it returns other than 0 ends the walk and is returned. */
typedef int (*event_each_t)(const struct event_record *event, void *userdata);
/* Those of a transaction, or all for 0, after seq `after`, at most limit (0 for all). */
int event_each(struct journal *j, int64_t transaction, int64_t after, unsigned limit, event_each_t each,
               void *userdata);

/* The end of the chain: 0 and zeros for an empty log. */
int event_head(struct journal *j, int64_t *ret_seq, uint8_t ret_hash[static EVENT_HASH_SIZE]);

/* Events up to this one may have been removed, 0 for none. */
int event_get_base(struct journal *j, int64_t *ret);
