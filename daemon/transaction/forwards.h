/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Forwards: what was approved here, without the acquirer's word, and has to be told to it: offline approvals of a
 * chip, sales with a code by voice, tips. Each is repeated with the same STAN, batch and amount until the acquirer has
 * answered, while the terminal has nothing else to do. Settlement waits for them. How they are sent is the outbox's
 * part.
 */

#include "host/request.h"
#include "transaction/outbox.h"
#include "transaction/refusal.h"

extern const struct outbox_user forwards_outbox_user;

/*
 * In the caller's journal transaction, beside record.forwarding = FORWARDING_PENDING: remembers the request, without
 * any track, and the DE55 of a chip for the upload at settlement.
 */
int forwards_add(struct journal *j, int64_t transaction, const struct host_request *request);

/* Sends what waits now. Negative with *ret set when a transaction runs, or it is being sent already. */
int forwards_flush(struct engine *e, struct refusal *ret);

/* When the oldest was approved, CLOCK_REALTIME usec; 0 with none. */
uint64_t forwards_oldest(const struct engine *e);
