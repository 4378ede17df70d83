// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes are an answer to reset or are refused, and what is made of them is never more than they have. The
 * same bytes as what a card says to PPS are an agreement only when they are the ones asked for.
 */

#include "emv/pps.h"
#include "tests/fuzz/fuzz.h"

struct bytes {
        const uint8_t *data;
        size_t size;
};

static int answer(void *userdata, const uint8_t *block, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                  size_t *ret_size) {
        const struct bytes *b = userdata;

        check(size == 4 && (block[0] ^ block[1] ^ block[2] ^ block[3]) == 0);
        *ret_size = MIN(b->size, (size_t) BLOCK_MAX);
        memcpy(ret, b->data, *ret_size);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct bytes bytes = { data, size };
        enum atr_fault cold, warm;
        struct atr atr;
        uint8_t speed;
        int r;

        r = pps_negotiate(answer, &bytes, 1, 0x96);
        check(r == -EBADMSG || (r == 1 && size >= 4 && data[2] == 0x96) || (r == 0 && size >= 3 && data[1] == 0x01));

        if (atr_parse(data, size, &atr) < 0)
                return 0;
        check(size <= ATR_MAX);
        cold = atr_check(&atr, false);
        warm = atr_check(&atr, true);
        check(atr_fault_to_string(cold) && atr_fault_to_string(warm));
        /* What is good at first is good at last. */
        check(cold || !warm);
        if (!warm)
                check(atr.protocol <= 1 && (!atr.has_t1 || (atr.ifsc >= 0x10 && atr.bwi <= 4 && atr.cwi <= 5)));
        speed = pps_choose_speed(&atr, 4000, 344086);
        check(speed == ATR_SPEED_DEFAULT || speed == atr.ta1);
        return 0;
}
