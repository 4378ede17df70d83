/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a batch comes to: DE48 of a settlement, 62 digits, for domestic and then for foreign cards amount (12) and
 * count (3) of the debits, the same of the credits, and one digit that the acquirer fills in. Form and sides are those
 * of published UnionPay messages; the licensed text was not at hand.
 */

#include "host/profile.h"

#define HOST_TOTALS_DIGITS 62
#define HOST_TOTALS_COUNT_MAX 999

struct host_total {
        unsigned count;
        int64_t amount;
};

enum host_reconciliation {
        HOST_NOT_RECONCILED, /* a request's */
        HOST_BALANCED,
        HOST_UNEQUAL, /* details are uploaded */
        HOST_RECONCILIATION_FAILED,
};

struct host_total_pair {
        struct host_total debit, credit;
        enum host_reconciliation reconciliation;
};

struct host_totals {
        struct host_total_pair domestic, foreign;
};

/* Whether a card counts as foreign under the profile; pan is whole or its first digits. */
bool host_is_foreign(const struct host_profile *p, const char *pan);

/*
 * Counts one approved transaction where the profile's table has its kind; kinds that are on no side change nothing.
 * -ERANGE, with *t unchanged, when the field has no room for one more.
 */
int host_totals_add(struct host_totals *t, const struct host_profile *p, enum host_kind kind, bool foreign,
                    int64_t amount);
/* Whether amounts and counts are the same. */
bool host_totals_equal(const struct host_totals *a, const struct host_totals *b);
/* The word on the whole batch: balanced only if every side with something in it is. Never HOST_NOT_RECONCILED. */
enum host_reconciliation host_totals_verdict(const struct host_totals *t);

/* -ERANGE when the field has no room. */
int host_totals_format(const struct host_totals *t, char text[static HOST_TOTALS_DIGITS + 1]);
/* -EBADMSG unless it is what host_totals_format() writes. */
int host_totals_parse(const char *text, struct host_totals *ret);
