// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes are BER-TLV or are refused, and what is taken is the same when it is written and read again. The
 * same bytes as a data object list never give more than was asked for.
 */

#include "base/tlv.h"
#include "emv/store.h"
#include "tests/fuzz/fuzz.h"

/* One level written anew: the same objects, whatever filling and long lengths were in it. */
static void round_trip(const uint8_t *data, size_t size) {
        static uint8_t again[70000];
        const uint8_t *p = data, *q = again;
        size_t left = size, used = 0;
        struct tlv a, b;
        int r;

        while ((r = tlv_next(&p, &left, &a)) > 0) {
                check(a.value >= data && a.value + a.size <= data + size);
                if (tlv_append(again, sizeof(again), &used, a.tag, a.value, a.size) < 0)
                        return;
        }
        check(r == 0 || r == -EBADMSG);

        p = data;
        left = size;
        while (tlv_next(&p, &left, &a) > 0) {
                check(tlv_next(&q, &used, &b) > 0);
                check(a.tag == b.tag && a.size == b.size && memcmp(a.value, b.value, a.size) == 0);
        }
        check(used == 0);
}

/* What is a tree is one on each level, and is found in it. */
static void search(const uint8_t *data, size_t size) {
        const uint8_t *p = data;
        size_t left = size;
        struct tlv t, found;

        if (tlv_check(data, size) < 0)
                return;
        while (tlv_next(&p, &left, &t) > 0) {
                check(tlv_find(data, size, t.tag, &found) == 0 && found.tag == t.tag && found.value <= t.value);
                if (tlv_is_constructed(t.tag))
                        check(tlv_check(t.value, t.size) == 0);
        }
        check(left == 0);
}

static void as_records(const uint8_t *data, size_t size) {
        static struct store s;
        uint8_t out[255];
        size_t used = 0;

        s.n = s.used = 0;
        check(store_set(&s, 0x9f02, "\0\0\0\0\x12\x34", 6) == 0);
        (void) store_put_card_all(&s, data, size);
        check(s.n <= STORE_OBJECTS_MAX && s.used <= STORE_BYTES_MAX);
        check(memcmp(store_get(&s, 0x9f02, &used), "\0\0\0\0\x12\x34", 6) == 0);

        if (store_build_dol(&s, data, size, out, sizeof(out), &used) == 0)
                check(used <= sizeof(out));
        while (s.n > 0)
                store_forget(&s, s.objects[size % s.n].tag);
        check(s.used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        round_trip(data, size);
        search(data, size);
        as_records(data, size);
        return 0;
}
