/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reversals: what was asked of the acquirer and must be taken back. Each is sent at once and again with
 * back-off until the acquirer has answered; none is dropped for age or count. Sales wait for them. How they are sent
 * is the outbox's part.
 */

#include "host/request.h"
#include "transaction/outbox.h"

extern const struct outbox_user reversals_outbox_user;

/*
 * In the caller's journal transaction: remembers what a reversal of this request would need, without any
 * track. It stays unarmed: the request may still be answered.
 */
int reversals_prepare(struct journal *j, int64_t transaction, const struct host_request *request);
/* In the caller's journal transaction: the request is to be taken back, with DE39 of the reversal. */
int reversals_arm(struct journal *j, int64_t transaction, const char *reason);
