/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The transaction that a void, refund, completion or tip is about, and whether it may be. */

#include "journal/transaction.h"
#include "transaction/kind.h"
#include "transaction/refusal.h"

struct engine;

/*
 * Whether a transaction of that kind, amount (minor units) and currency may be started about the original. Loads it
 * into *ret; negative with *ret_refusal set otherwise. Whether the card is the same is seen when it comes.
 */
int original_check(struct engine *e, const struct kind *kind, int64_t id, int64_t amount, const char *currency,
                   struct transaction_record *ret, struct refusal *ret_refusal);
