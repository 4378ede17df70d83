/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Batches. The open one is the number of counter_get_batch() and has a row only once it is frozen: what it comes to is
 * computed from the transactions. From then on its totals are a snapshot that does not change, and the row says how
 * far its settlement is.
 */

#include "journal/transaction.h"

enum batch_state {
        BATCH_OPEN,
        BATCH_FROZEN,    /* frozen: totals are fixed, the acquirer is being asked */
        BATCH_UPLOADING, /* uploading: its word is known, details go out */
        BATCH_SETTLED,   /* settled */
        _BATCH_STATE_MAX,
        _BATCH_STATE_INVALID = -EINVAL,
};

/* How the totals were compared: the acquirer's word, or what was agreed where it gave none that ends the batch. */
enum batch_reconciliation {
        BATCH_NOT_RECONCILED, /* none */
        BATCH_BALANCED,
        BATCH_UNEQUAL,
        BATCH_BY_AGREEMENT, /* of a settled one: a supervisor has recorded it */
        _BATCH_RECONCILIATION_MAX,
        _BATCH_RECONCILIATION_INVALID = -EINVAL,
};

const char *batch_state_to_string(enum batch_state state);
const char *batch_reconciliation_to_string(enum batch_reconciliation reconciliation);

/* 62 digits of DE48 and a zero, as the host room writes them. */
#define BATCH_TOTALS_SIZE 63

struct batch_record {
        uint32_t number;
        enum batch_state state;
        char currency[4]; /* "" of one without a transaction */
        enum batch_reconciliation reconciliation;
        char totals[BATCH_TOTALS_SIZE]; /* the snapshot as the acquirer is told it */
        int64_t settlement;             /* transaction that took it up last */
        int64_t details_to;             /* up to this transaction the acquirer has the details … */
        int64_t chips_to;               /* … and the chip records */
        uint32_t uploaded;              /* details in all, without chip records */
        uint64_t opened_usec;           /* of its first transaction; 0 for none */
        uint64_t frozen_usec, settled_usec;
};

/* The current one, or another that has a row or a transaction; else -ENOENT. */
int batch_load(struct journal *j, uint32_t number, struct batch_record *ret);
int batch_load_current(struct journal *j, struct batch_record *ret);
/* Whether nothing of it is known yet, so that another number may take its place. */
int batch_is_empty(struct journal *j, uint32_t number);

/* The newest transaction of that kind, however it ended; -ENOENT without one. */
int batch_newest_settlement(struct journal *j, const char *kind, int64_t *ret);

/* When a batch was settled last, CLOCK_REALTIME usec; 0 for never. */
int batch_last_settled(struct journal *j, uint64_t *ret_usec);

/* Writes the row of the open batch with its totals. Sets record's state, currency and times. */
int batch_freeze(struct journal *j, struct batch_record *record);
/* Writes state, reconciliation, settlement, positions and the number of details. -EALREADY for a settled one. */
int batch_update(struct journal *j, const struct batch_record *record);
/*
 * The end: settled, the next number current. Returns that in *ret. Its chip records are forgotten, for the acquirer
 * has them; not so those of an end by agreement, which a purge takes with their transactions.
 */
int batch_advance(struct journal *j, struct batch_record *record, uint32_t *ret);

/* What the approved transactions of a kind come to. What the acquirer does not take is not in it. */
struct batch_total {
        char kind[24];
        uint32_t count;
        int64_t amount;
};
typedef int (*batch_total_each_t)(const struct batch_total *total, void *userdata);
/* Of each kind: the snapshot of a frozen one, of the open one as of now. */
int batch_each_total(struct journal *j, uint32_t number, batch_total_each_t each, void *userdata);

enum batch_rows {
        BATCH_ALL,      /* every row with a STAN in it, whatever became of it */
        BATCH_APPROVED, /* what the totals count */
        BATCH_CHIPS,    /* of those, the ones with a chip record */
        BATCH_REJECTED, /* forwards that the acquirer does not take */
        BATCH_UNKNOWN,  /* of which nobody knows what the acquirer has booked */
        _BATCH_ROWS_MAX,
};
/* Oldest first, after that transaction, at most limit (0 for all). */
int batch_each_row(struct journal *j, uint32_t number, enum batch_rows rows, int64_t after, unsigned limit,
                   transaction_record_each_t each, void *userdata);

/* DE55 of an offline approval, sealed, until its batch is settled by the acquirer. */
#define BATCH_CHIP_MAX 255
int batch_keep_chip(struct journal *j, int64_t transaction, const void *icc, size_t size);
/* 1 when it has one. */
int batch_has_chip(struct journal *j, int64_t transaction);
int batch_load_chip(struct journal *j, int64_t transaction, uint8_t ret[static BATCH_CHIP_MAX], size_t *ret_size);
