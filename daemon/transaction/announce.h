/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What people are told of that happens here: each in the caller's journal transaction, which is that of what it is
 * about. notices_kick() comes after its commit.
 */

#include "journal/batch.h"

struct engine;
struct notices;

/* One that was approved, where it is about money; of any other nothing is said, for nothing has moved. */
int announce_transaction(struct engine *e, const struct transaction_record *record);
/* The end of a batch. */
int announce_settlement(struct engine *e, const struct transaction_record *settlement,
                        const struct batch_record *batch);
int announce_locked_operator(struct notices *n, const char *number);
