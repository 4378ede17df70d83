/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Withdrawals: what takes a binding-confirm back when the change of the phone that it belongs to is rolled back. Each
 * is ready before the confirm is sent, and once armed is sent until the acquirer has taken it, while the terminal has
 * nothing else to do; a refusal is kept with it as its last answer. How they are sent is the outbox's part.
 */

#include "host/binding.h"
#include "transaction/outbox.h"

extern const struct outbox_user withdrawals_outbox_user;

/*
 * In the caller's journal transaction, which commits before the binding-confirm of that transaction is sent. It stays
 * unarmed. -EINVAL for a binding that cannot be sent.
 */
int withdrawals_prepare(struct journal *j, int64_t transaction, const struct host_binding *b);
/*
 * In the caller's journal transaction: the change is rolled back. outbox_kick() after the commit sends it. Returns 1,
 * or 0 where nothing of it ever left, so that there is nothing to take back.
 */
int withdrawals_arm(struct journal *j, int64_t transaction);
/*
 * In the journal transaction that commits the change: the confirm stands. -EALREADY when the withdrawal is armed: the
 * acquirer may have been told otherwise.
 */
int withdrawals_forget(struct journal *j, int64_t transaction);
/* Whether that transaction's is sent until it is answered. */
int withdrawals_are_armed(struct journal *j, int64_t transaction);
/* In the journal transaction that records a supervisor's word: it is not sent any more. 0 also where there is none. */
int withdrawals_give_up(struct journal *j, int64_t transaction);
