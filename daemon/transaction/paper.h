/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a paper says: from the journal's records to slips, and into the queue. */

#include "journal/batch.h"
#include "journal/print_job.h"
#include "receipt/slip.h"

struct engine;
struct resolution;
struct settings;

/* In the caller's journal transaction: queues a paper of the transaction. */
int paper_queue(struct engine *e, const struct transaction_record *record, enum slip_paper paper);
/*
 * In the caller's journal transaction: queues the paper of a batch that the transaction has settled, or that an
 * agreement has ended; NULL for none. left_out: how many of its details could not be uploaded.
 */
int paper_queue_settlement(struct engine *e, const struct transaction_record *record, const struct batch_record *batch,
                           unsigned left_out, const struct resolution *agreement);

enum slip_mode paper_mode(const struct settings *s);
/* Merchant, terminal and time. As all below: to end with slip_done(). */
void paper_fill_terminal(struct engine *e, enum slip_paper paper, struct slip *ret);
/* A paper that a transaction has none of. */
int paper_fill_transaction(struct engine *e, const struct transaction_record *record, enum slip_paper paper,
                           struct slip *ret);
/* What a batch has booked, 0 for the current one. -ENOENT for none. */
int paper_fill_list(struct engine *e, uint32_t number, struct slip *ret);
