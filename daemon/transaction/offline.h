/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Approval without the acquirer. By the card: a TC at the first GENERATE AC, or after a request of which no byte left
 * the terminal. The caps of [offline] in tilld.conf(5) bound what the acquirer does not know yet; they are held
 * against the journal, before the card may be asked and again before its word counts.
 */

#include "emv/message.h"
#include "journal/transaction.h"

struct engine;
struct transaction;

/* 1 when this one may be approved offline, 0 when not. */
int offline_allowed(struct engine *e, const struct transaction_record *record);

/*
 * 1 when what waits to be told has come to the caps, so that nothing more is approved offline; 0 when not, or where
 * nothing is approved offline anyway. *ret_waiting: how many wait.
 */
int offline_is_full(struct engine *e, unsigned *ret_waiting);

/* The card has given a TC, and its claim was checked: ends the transaction. */
void offline_conclude(struct transaction *t, const struct message_outcome *m);
/* Of a kind that is only told: a tip, or a sale with an authorization code by voice, whose card was read. Ends it. */
void offline_advise(struct transaction *t);
/* In the journal transaction of that end: the numbers of the transaction, and what the acquirer will be told. */
int offline_commit(struct transaction *t);
