// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/batch-details.h"

#include "base/secret.h"
#include "transaction/batch-totals.h"
#include "transaction/kind.h"

/* 1 when it goes as a detail: it counts, and its chip's record does not go instead. */
static int is_detail(struct journal *j, const struct host_profile *p, const struct transaction_record *record) {
        int r;

        if (batch_totals_side(p, kind_as_told(record)) == HOST_NO_SIDE)
                return 0;
        r = batch_has_chip(j, record->id);
        return r < 0 ? r : r == 0;
}

struct walk {
        struct journal *j;
        const struct host_profile *profile;
        struct batch_details *details;
};

/* 1 ends the walk: the message is full. */
static int add_detail(const struct transaction_record *record, void *userdata) {
        struct walk *w = userdata;
        struct batch_details *d = w->details;
        struct host_detail *detail = d->list + d->n;
        int r;

        r = is_detail(w->j, w->profile, record);
        if (r <= 0)
                return r;
        r = transaction_record_get_pan(w->j, record->id, detail->pan);
        if (r == -ENOENT && !w->profile->detail_without_pan)
                return 0;
        if (r < 0 && r != -ENOENT)
                return r;
        detail->foreign = host_is_foreign(w->profile, record->masked_pan);
        detail->stan = record->stan;
        detail->amount = record->amount;
        d->to = record->id;
        return ++d->n == MIN(w->profile->limits.details, (unsigned) HOST_DETAILS_MAX);
}

int batch_details_next(struct journal *j, const struct host_profile *p, uint32_t batch, int64_t after,
                       struct batch_details *ret) {
        struct walk w = { j, p, ret };
        int r;

        *ret = (struct batch_details){};
        r = batch_each_row(j, batch, BATCH_APPROVED, after, 0, add_detail, &w);
        return r < 0 ? r : 0;
}

struct chip {
        struct journal *j;
        struct transaction_record *record;
        char *pan;
};

static int take_chip(const struct transaction_record *record, void *userdata) {
        struct chip *chip = userdata;
        int r;

        r = transaction_record_get_pan(chip->j, record->id, chip->pan);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *chip->record = *record;
        return 1;
}

int batch_details_next_chip(struct journal *j, uint32_t batch, int64_t after, struct transaction_record *ret,
                            char ret_pan[static PAN_TEXT_MAX]) {
        struct chip chip = { j, ret, ret_pan };

        return batch_each_row(j, batch, BATCH_CHIPS, after, 0, take_chip, &chip);
}

struct count {
        struct journal *j;
        const struct host_profile *profile;
        bool details; /* they are uploaded, not the chip records alone */
        unsigned n;
};

static int count_left_out(const struct transaction_record *record, void *userdata) {
        struct count *count = userdata;
        char pan[PAN_TEXT_MAX];
        WIPE_AT_END(pan);
        int r;

        r = is_detail(count->j, count->profile, record);
        if (r < 0)
                return r;
        if (r > 0 && (!count->details || count->profile->detail_without_pan))
                return 0;
        if (r == 0) {
                r = batch_has_chip(count->j, record->id);
                if (r <= 0)
                        return r;
        }
        r = transaction_record_get_pan(count->j, record->id, pan);
        if (r < 0 && r != -ENOENT)
                return r;
        count->n += r == -ENOENT;
        return 0;
}

int batch_details_left_out(struct journal *j, const struct host_profile *p, const struct batch_record *batch,
                           unsigned *ret) {
        struct count count = { j, p, batch->reconciliation == BATCH_UNEQUAL, 0 };
        int r = 0;

        /* What is ended by agreement says nothing of an upload. */
        if (batch->reconciliation != BATCH_BY_AGREEMENT)
                r = batch_each_row(j, batch->number, BATCH_APPROVED, 0, 0, count_left_out, &count);
        if (r < 0)
                return r;
        *ret = count.n;
        return 0;
}
