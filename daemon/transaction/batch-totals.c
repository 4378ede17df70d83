// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/batch-totals.h"

#include "base/amount.h"
#include "journal/batch.h"
#include "transaction/kind.h"

enum host_side batch_totals_side(const struct host_profile *p, enum host_kind kind) {
        return kind < 0 ? HOST_NO_SIDE : p->kinds[kind].side;
}

struct sum {
        const struct host_profile *profile;
        struct host_totals totals;
};

static int add_row(const struct transaction_record *record, void *userdata) {
        struct sum *sum = userdata;

        return host_totals_add(&sum->totals, sum->profile, kind_as_told(record),
                               host_is_foreign(sum->profile, record->masked_pan), record->amount);
}

int batch_totals_sum(struct journal *j, const struct host_profile *p, uint32_t batch, struct host_totals *ret) {
        struct sum sum = { .profile = p };
        int r;

        r = batch_each_row(j, batch, BATCH_APPROVED, 0, 0, add_row, &sum);
        if (r < 0)
                return r;
        *ret = sum.totals;
        return 0;
}

/* All on one side and of one origin would be the worst. */
static int add_total(const struct batch_total *total, void *userdata) {
        struct host_total *all = userdata;

        all->count += total->count;
        all->amount += total->amount;
        return 0;
}

int batch_totals_have_room(struct journal *j, const struct host_profile *p, uint32_t batch, int64_t amount) {
        struct host_total all = {};
        int r;

        r = batch_each_total(j, batch, add_total, &all);
        if (r < 0)
                return r;
        return all.count < p->limits.batch_transactions && all.amount <= AMOUNT_MAX - amount;
}
