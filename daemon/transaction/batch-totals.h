/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a batch comes to as the acquirer counts it: debits and credits, cards from here and abroad. */

#include "host/totals.h"
#include "journal/connection.h"

/* Where a kind counts; a negative one nowhere. */
enum host_side batch_totals_side(const struct host_profile *p, enum host_kind kind);

/* From the rows, as they are now. -ERANGE when there is no room for them. */
int batch_totals_sum(struct journal *j, const struct host_profile *p, uint32_t batch, struct host_totals *ret);

/* Whether one more transaction of that amount can be counted; 0 when the batch has to be settled first. */
int batch_totals_have_room(struct journal *j, const struct host_profile *p, uint32_t batch, int64_t amount);
