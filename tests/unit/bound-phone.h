/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A phone that is bound to the terminal, and what waits to be told. */

#include "journal/binding.h"
#include "journal/notice.h"

#define BOUND_PHONE "+8613800138000"

static inline void bound_phone_bind(struct journal *journal) {
        struct binding_record record = {
                .phone = BOUND_PHONE,
                .serial = "SN-0001",
                .terminal = "T0000001",
                .by = "uid 0",
                .since_usec = 1,
        };

        assert_int_equal(journal_begin(journal, JOURNAL_DURABLE), 0);
        assert_int_equal(binding_record_insert(journal, &record), 0);
        assert_int_equal(journal_commit(journal), 0);
}

struct bound_phone_all {
        struct notice_record *newest;
        unsigned n;
};

static inline int bound_phone_each(const struct notice_record *record, void *userdata) {
        struct bound_phone_all *all = userdata;

        if (all->n++ == 0)
                *all->newest = *record;
        return 0;
}

/* How many there are, and the newest. */
static inline unsigned bound_phone_notices(struct journal *journal, struct notice_record *ret_newest) {
        struct bound_phone_all all = { .newest = ret_newest };

        assert_int_equal(notice_record_each(journal, 1000, bound_phone_each, &all), 0);
        return all.n;
}
