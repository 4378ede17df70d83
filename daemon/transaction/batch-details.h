/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What of a batch is uploaded: a detail of each transaction that the totals count, and the records of offline chip
 * approvals. A stripe that its reader encrypted left no number here, and a number is never made up: its detail goes
 * without one where the acquirer takes that, else it is left out, and who settles is told how many were.
 */

#include "host/upload.h"
#include "journal/batch.h"

struct batch_details {
        struct host_detail list[HOST_DETAILS_MAX];
        size_t n;
        int64_t to; /* the last transaction among them */
};

/* The next ones after that transaction, as many as go into a message; n is 0 when all have been. Wipe it. */
int batch_details_next(struct journal *j, const struct host_profile *p, uint32_t batch, int64_t after,
                       struct batch_details *ret);
/* 1 with the next chip record after that transaction, 0 when all have been. */
int batch_details_next_chip(struct journal *j, uint32_t batch, int64_t after, struct transaction_record *ret,
                            char ret_pan[static PAN_TEXT_MAX]);
/* How many of what this batch uploads are left out. */
int batch_details_left_out(struct journal *j, const struct host_profile *p, const struct batch_record *batch,
                           unsigned *ret);
