/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An acquirer's statement held against the journal: what is there and not here, here and not there, or different. */

#include <cjson/cJSON.h>

#include "base/stream.h"
#include "journal/transaction.h"
#include "transaction/statement.h"

enum difference {
        DIFFERENCE_NONE,
        DIFFERENCE_ONLY_THERE, /* booked, and not in the journal */
        DIFFERENCE_ONLY_HERE,  /* approved here in a batch of the statement, and not booked */
        DIFFERENCE_AMOUNT,     /* or currency */
        DIFFERENCE_KIND,
        DIFFERENCE_RRN,
        DIFFERENCE_REVERSED_HERE, /* booked, and reversed here */
        DIFFERENCE_NOT_APPROVED,  /* booked, and declined, cancelled or failed here */
        DIFFERENCE_UNCONFIRMED,   /* booked, and unconfirmed here */
        DIFFERENCE_TWICE_THERE,
        DIFFERENCE_REJECTED, /* booked, and the acquirer had refused it when it was forwarded */
        DIFFERENCE_NOT_TOLD, /* approved offline and still to be forwarded, or still to be reversed */
        _DIFFERENCE_MAX,
};

/* "only-there" … */
const char *difference_to_string(enum difference difference);
/* What to do about it, for a person. */
const char *difference_next_step(enum difference difference);

/* A line of the statement and the row of its batch and STAN, NULL for none. */
enum difference reconcile_line(const struct statement_line *line, const struct transaction_record *record);
/* A row of a batch that the statement is about, and its line, NULL for none. */
enum difference reconcile_row(const struct transaction_record *record, const struct statement_line *line);

/* Some hundred thousand lines. */
#define STATEMENT_MAX (32 << 20)

struct reconcile;

/* Takes the stream that the statement comes from. terminal is this one's number: lines of others are only counted. */
int reconcile_new(struct stream *stream, const char *terminal, struct reconcile **ret);
struct reconcile *reconcile_free(struct reconcile *x);
DEFINE_CLEANUP(struct reconcile *, reconcile_free);

/* As upkeep_run() wants them. -EFBIG beyond STATEMENT_MAX, -EINVAL of a statement that reconcile_fault() tells about.
 */
int reconcile_slice(struct journal *j, void *userdata);
const struct stream *reconcile_get_stream(const struct reconcile *x);
/* What is wrong with which of its lines, or NULL. */
const char *reconcile_fault(const struct reconcile *x, unsigned *ret_line);
/* *ret_total is 0 while the statement is read. */
void reconcile_progress(const struct reconcile *x, uint64_t *ret_done, uint64_t *ret_total);
/*
 * After the last slice: {"Lines":N,"OtherTerminals":N,"Same":N,"Batches":[N…],"Differences":[{"What":…,"Line":N,
 * "Batch":N,"Stan":N,"Rrn":…,"There":{"Kind","Amount","Currency"},"Here":{"Id","Reference","Kind","Amount","Currency",
 * "Result","Reversal"},"Next":…}…],"More":N}; There or Here is left out where there is none, and More counts what is
 * beyond the first 1000. Batches has the first 1000 of those that were compared.
 */
cJSON *reconcile_result(const struct reconcile *x);
