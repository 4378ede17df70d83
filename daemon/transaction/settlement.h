/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The end of a batch. What waits is told to the acquirer first; then the batch is frozen, its totals are sent, and
 * sent again by the next settlement until they are answered; where they differ the details are uploaded, and the
 * records of offline chip approvals in any case; then the next batch begins. Each step is durable before the next one
 * and is taken up again where it was.
 */

#include "transaction/kind.h"
#include "transaction/refusal.h"

struct engine;
struct resolution;
struct transaction;
struct transaction_record;

/*
 * Whether the batch allows this kind to start: a batch that is being settled takes no more, a full one neither, and
 * all of it is in one currency. Negative with *ret set, which says what to do.
 */
int settlement_check(struct engine *e, const struct kind *kind, int64_t amount, const char *currency,
                     struct refusal *ret);

/* The way of a settlement; it ends in transaction_conclude(). */
void settlement_start(struct transaction *t);
/* In the journal transaction of its approval: the batch is settled, the next one open, the paper queued. */
int settlement_commit(struct transaction *t);

/*
 * Whether a supervisor may end its batch by agreement with the acquirer: it is the last settlement of the frozen
 * batch, and the acquirer answered it with a refusal. Without an answer nobody knows what was settled: then only the
 * acquirer ends it. Negative with *ret set, which says what to do.
 */
int settlement_check_agreement(struct engine *e, const struct transaction_record *settlement, struct refusal *ret);
/* In the journal transaction that records it: as settlement_commit(), under a reconciliation of its own. */
int settlement_commit_agreement(struct engine *e, const struct transaction_record *settlement,
                                const struct resolution *agreement);
