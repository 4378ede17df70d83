/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Session keys of a profile, always the same, and what was asked, for fuzzers of the acquirer's messages. */

#include "host/request.h"
#include "tests/fuzz/fuzz.h"

static struct host_keys *make_keys(const struct host_profile *p) {
        static const uint8_t tmk[TMK_SIZE] = "fuzzing the TMK";
        uint8_t wrapped[WRAPPED_KEYS_MAX];
        struct host_keys *keys = NULL;
        size_t size = 0;
        int r;

        for (unsigned i = 0; i < 2; i++) {
                r = host_key_wrap(p->hierarchy, tmk, "fuzzing the MAK", 16, wrapped + size);
                check(r > 0);
                size += (size_t) r;
        }
        check(host_keys_new(p->hierarchy, tmk, &keys) == 0 && host_keys_load(keys, wrapped, size) == 0);
        return keys;
}

static const struct host_profile *const fuzz_profiles[] = { &host_profile_unionpay, &host_profile_aes };
static struct host_keys *fuzz_keys[ELEMENTSOF(fuzz_profiles)];

static inline void make_all_keys(void) {
        for (size_t i = 0; i < ELEMENTSOF(fuzz_profiles) && !fuzz_keys[i]; i++)
                fuzz_keys[i] = make_keys(fuzz_profiles[i]);
}

/* What the corpora's answers are to. */
static inline struct host_request asked(enum host_kind kind) {
        return (struct host_request){
                .kind = kind,
                .stan = 452,
                .batch = 17,
                .terminal = "T0000001",
                .merchant = "000000000000001",
                .amount = 123456,
                .currency = 156,
        };
}
