// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes are a message or are refused, and a message that is taken is written again as it came. As an
 * answer they never pass for an approval: the MAC's key is not in the input.
 */

#include "base/log.h"
#include "host/answer.h"
#include "host/result.h"
#include "tests/fuzz/fuzz.h"

#define P (&host_profile_unionpay)

static void round_trip(const uint8_t *data, size_t size) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t again[ISO8583_SIZE_MAX];
        unsigned field = 0;

        if (iso8583_decode(P->fields, data, size, &m, &field) < 0) {
                if (field > ISO8583_FIELDS + 1)
                        abort();
                return;
        }
        if (iso8583_encode(m, again, sizeof(again)) != (ssize_t) size || memcmp(again, data, size) != 0)
                abort();
}

static struct host_keys *make_keys(void) {
        static const uint8_t tmk[TMK_SIZE] = "fuzzing the TMK";
        struct host_keys *keys = NULL;
        uint8_t wrapped[40];

        if (host_keys_new(HOST_KEYS_TDES, tmk, &keys) < 0 ||
            host_key_wrap(HOST_KEYS_TDES, tmk, "fuzzing the MAK", 16, wrapped) < 0 ||
            host_key_wrap(HOST_KEYS_TDES, tmk, "fuzzing the MAK", 16, wrapped + 20) < 0 ||
            host_keys_load(keys, wrapped, sizeof(wrapped)) < 0)
                abort();
        return keys;
}

static void as_answer(const struct host_keys *keys, enum host_kind kind, const uint8_t *data, size_t size) {
        const struct host_request q = {
                .kind = kind,
                .stan = 452,
                .batch = 17,
                .terminal = "T0000001",
                .merchant = "000000000000001",
                .amount = kind == HOST_SALE ? 123456 : 0,
        };
        struct host_answer a;

        if (host_answer_decode(P, keys, &q, data, size, &a) < 0)
                return;
        if (P->kinds[kind].mac && host_result_find(a.code)->action == HOST_ACTION_APPROVE)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct host_keys *keys;

        if (!keys)
                keys = make_keys();
        round_trip(data, size);
        if (size > 11)
                round_trip(data + 11, size - 11);
        as_answer(keys, HOST_SALE, data, size);
        as_answer(keys, HOST_SIGN_ON, data, size);
        return 0;
}
