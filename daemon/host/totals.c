// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/amount.h"
#include "host/digits.h"
#include "host/totals.h"

#define AMOUNT_DIGITS 12
#define COUNT_DIGITS 3
#define PAIR_DIGITS (2 * (AMOUNT_DIGITS + COUNT_DIGITS) + 1)

bool host_is_foreign(const struct host_profile *p, const char *pan) {
        return !startswith(pan, p->domestic);
}

int host_totals_add(struct host_totals *t, const struct host_profile *p, enum host_kind kind, bool foreign,
                    int64_t amount) {
        struct host_total_pair *pair = foreign ? &t->foreign : &t->domestic;
        struct host_total *total;

        if (kind < 0 || kind >= _HOST_KIND_MAX || p->kinds[kind].side == HOST_NO_SIDE)
                return 0;
        total = p->kinds[kind].side == HOST_DEBIT ? &pair->debit : &pair->credit;
        if (amount < 0 || amount > AMOUNT_MAX - total->amount || total->count >= HOST_TOTALS_COUNT_MAX)
                return -ERANGE;
        total->amount += amount;
        total->count++;
        return 0;
}

static bool total_equal(const struct host_total *a, const struct host_total *b) {
        return a->count == b->count && a->amount == b->amount;
}

static bool pair_equal(const struct host_total_pair *a, const struct host_total_pair *b) {
        return total_equal(&a->debit, &b->debit) && total_equal(&a->credit, &b->credit);
}

bool host_totals_equal(const struct host_totals *a, const struct host_totals *b) {
        return pair_equal(&a->domestic, &b->domestic) && pair_equal(&a->foreign, &b->foreign);
}

static bool pair_is_empty(const struct host_total_pair *p) {
        return p->debit.count == 0 && p->credit.count == 0;
}

/* An acquirer that does not serve foreign cards may leave their digit 0. */
static enum host_reconciliation pair_verdict(const struct host_total_pair *p) {
        if (p->reconciliation == HOST_NOT_RECONCILED)
                return pair_is_empty(p) ? HOST_BALANCED : HOST_RECONCILIATION_FAILED;
        return p->reconciliation;
}

enum host_reconciliation host_totals_verdict(const struct host_totals *t) {
        enum host_reconciliation domestic = pair_verdict(&t->domestic), foreign = pair_verdict(&t->foreign);

        if (t->domestic.reconciliation == HOST_NOT_RECONCILED && t->foreign.reconciliation == HOST_NOT_RECONCILED)
                return HOST_RECONCILIATION_FAILED;
        return MAX(domestic, foreign);
}

static int total_format(const struct host_total *t, char *text) {
        if (t->count > HOST_TOTALS_COUNT_MAX || t->amount < 0 || t->amount > AMOUNT_MAX)
                return -ERANGE;
        digits_write(text, AMOUNT_DIGITS, (uint64_t) t->amount);
        digits_write(text + AMOUNT_DIGITS, COUNT_DIGITS, t->count);
        return 0;
}

static int pair_format(const struct host_total_pair *p, char *text) {
        int r;

        r = total_format(&p->debit, text);
        if (r >= 0)
                r = total_format(&p->credit, text + AMOUNT_DIGITS + COUNT_DIGITS);
        digits_write(text + PAIR_DIGITS - 1, 1, p->reconciliation);
        return r;
}

int host_totals_format(const struct host_totals *t, char text[static HOST_TOTALS_DIGITS + 1]) {
        int r;

        r = pair_format(&t->domestic, text);
        if (r >= 0)
                r = pair_format(&t->foreign, text + PAIR_DIGITS);
        text[HOST_TOTALS_DIGITS] = '\0';
        return r;
}

static void total_parse(const char *text, struct host_total *ret) {
        ret->amount = (int64_t) digits_read(text, AMOUNT_DIGITS);
        ret->count = (unsigned) digits_read(text + AMOUNT_DIGITS, COUNT_DIGITS);
}

static int pair_parse(const char *text, struct host_total_pair *ret) {
        uint64_t code = digits_read(text + PAIR_DIGITS - 1, 1);

        total_parse(text, &ret->debit);
        total_parse(text + AMOUNT_DIGITS + COUNT_DIGITS, &ret->credit);
        if (code > HOST_RECONCILIATION_FAILED)
                return -EBADMSG;
        ret->reconciliation = (enum host_reconciliation) code;
        return 0;
}

int host_totals_parse(const char *text, struct host_totals *ret) {
        struct host_totals t;

        if (!digits_only(text, HOST_TOTALS_DIGITS) || pair_parse(text, &t.domestic) < 0 ||
            pair_parse(text + PAIR_DIGITS, &t.foreign) < 0)
                return -EBADMSG;
        *ret = t;
        return 0;
}
