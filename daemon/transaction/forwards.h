/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Forwards: what was approved here, without the acquirer's word, and has to be told to it: offline approvals of a
 * chip, sales with a code by voice, tips. Each is repeated with the same STAN, batch and amount until the acquirer has
 * answered, while the terminal has nothing else to do. Settlement waits for them. How they are sent is the outbox's
 * part.
 */

#include "host/request.h"
#include "journal/forward.h"
#include "transaction/outbox.h"
#include "transaction/refusal.h"

struct engine;
struct forwards;

int forwards_new(struct engine *e, struct forwards **ret);
struct forwards *forwards_free(struct forwards *f);
DEFINE_CLEANUP(struct forwards *, forwards_free);

/*
 * In the caller's journal transaction, beside record.forwarding = FORWARDING_PENDING: remembers the request, without
 * any track, and the DE55 of a chip for the upload at settlement.
 */
int forwards_add(struct journal *j, int64_t transaction, const struct host_request *request);

/* Forgets the back-off and calls done once nothing is pending, reversals included (ok), or the next attempt failed. */
void forwards_wait(struct forwards *f, outbox_done_t done, void *userdata);
/* Sends what waits now. Negative with *ret set when a transaction runs, or it is being sent already. */
int forwards_flush(struct forwards *f, struct refusal *ret);

unsigned forwards_count(const struct forwards *f);
/* When the oldest was approved, CLOCK_REALTIME usec; 0 with none. */
uint64_t forwards_oldest(const struct forwards *f);
