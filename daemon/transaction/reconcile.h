/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An acquirer's statement held against the journal: what is there and not here, here and not there, or different. */

#include <cjson/cJSON.h>

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
        DIFFERENCE_NOT_TOLD, /* approved offline, and still to be forwarded */
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

struct reconcile;

/* Takes the statement. terminal is this one's number: lines of others are counted and left out. */
int reconcile_new(struct statement *statement, const char *terminal, struct reconcile **ret);
struct reconcile *reconcile_free(struct reconcile *x);
DEFINE_CLEANUP(struct reconcile *, reconcile_free);

/* Work for upkeep_run(). */
int reconcile_slice(struct journal *j, void *userdata);
void reconcile_progress(const struct reconcile *x, uint64_t *ret_done, uint64_t *ret_total);
/*
 * After the last slice: {"Lines":N,"OtherTerminals":N,"Same":N,"Batches":[N…],"Differences":[{"What":…,"Line":N,
 * "Batch":N,"Stan":N,"Rrn":…,"There":{"Kind","Amount","Currency"},"Here":{"Id","Reference","Kind","Amount","Currency",
 * "Result","Reversal"},"Next":…}…],"More":N}; There or Here is left out where there is none, and More counts what is
 * beyond the first 1000.
 */
cJSON *reconcile_result(const struct reconcile *x);
