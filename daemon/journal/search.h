/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looking for transactions by what is known of them. */

#include "journal/transaction.h"

/* How many rows one search looks at: an event loop waits for it. */
#define SEARCH_WINDOW 20000

/* What a transaction must have; what is NULL, 0 or as init() leaves it is not asked for. */
struct search_filter {
        const char *kind, *result, *reversal, *forwarding;
        const char *order;
        const char *last4; /* of the PAN */
        const char *rrn, *authorization_code;
        int64_t original;
        int64_t amount; /* -1: any */
        uint32_t batch, stan, voucher;
        uint64_t since_usec, until_usec; /* by its start, both inclusive; 0: any */
};

void search_filter_init(struct search_filter *filter);

/*
 * Newest first, from the transaction before the id `before` (0: from the newest), at most limit of them, among
 * SEARCH_WINDOW rows. *ret_next is the id to go on before, 0 when there are none left. What each() returns other than
 * 0 ends the walk and is returned.
 */
int search_each(struct journal *j, const struct search_filter *filter, int64_t before, unsigned limit,
                transaction_record_each_t each, void *userdata, int64_t *ret_next);
