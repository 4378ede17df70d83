// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * T=1 with a card that answers as it likes. The first byte chooses the field sizes, whether the APDU is one that the
 * reader hides, and whether the checksums of what follows are made right; then come the card's blocks, each with
 * its length in front, 00 for silence. Whatever it says, the terminal's blocks are blocks, no longer than the card
 * has said, its numbers alternate, and there is an end.
 */

#include "emv/t1.h"
#include "tests/fuzz/fuzz.h"

#define COMMAND_MAX 300
#define RESPONSE_MAX 258

struct play {
        const uint8_t *data;
        size_t size;
        bool right_lrc;
        struct t1 t;
        uint8_t ifsc; /* as the card has told */
        uint8_t asked;
};

static uint8_t lrc(const uint8_t *p, size_t size) {
        uint8_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum ^= p[i];
        return sum;
}

static int answer(struct play *p, uint8_t ret[static BLOCK_MAX], size_t *ret_size) {
        size_t n;

        if (p->size == 0)
                return -ENOMEDIUM;
        n = MIN((size_t) p->data[0], p->size - 1);
        if (n == 0) {
                p->data++;
                p->size--;
                return -EIO;
        }
        memcpy(ret, p->data + 1, n);
        p->data += 1 + n;
        p->size -= 1 + n;
        if (p->right_lrc)
                ret[n - 1] = lrc(ret, n - 1);
        p->asked = 0;
        if (n == 5 && ret[0] == 0 && (ret[1] == 0xc1 || ret[1] == 0xc3) && ret[2] == 1 && lrc(ret, n) == 0)
                p->asked = ret[3];
        *ret_size = n;
        return 0;
}

static void check_block(struct play *p, const uint8_t *b, size_t size, unsigned waiting) {
        check(size >= 4 && size == 4U + b[2] && b[0] == 0 && lrc(b, size) == 0);
        if (!(b[1] & 0x80)) {
                check((b[1] & 0x1f) == 0 && b[2] <= p->t.ifsc && !!(b[1] & 0x40) == p->t.ns);
                check(!(b[1] & 0x20) || b[2] > 0);
        } else if (!(b[1] & 0x40))
                check((b[1] & 0x2c) == 0 && (b[1] & 3) != 3 && b[2] == 0 && !!(b[1] & 0x10) == p->t.nr);
        else if (b[1] == 0xe1 || b[1] == 0xe3)
                check(b[2] == 1 && b[3] == p->asked);
        else
                check((b[1] == 0xc1 && b[2] == 1) || (b[1] == 0xc0 && b[2] == 0));
        check(waiting == (b[1] == 0xe3 ? MAX(p->asked, 1U) : 1U));
}

static int exchange(void *userdata, const uint8_t *block, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                    size_t *ret_size) {
        struct play *p = userdata;

        check_block(p, block, size, waiting);
        return answer(p, ret, ret_size);
}

static int first(void *userdata, const uint8_t prologue[static T1_PROLOGUE], uint8_t ret[static BLOCK_MAX],
                 size_t *ret_size) {
        struct play *p = userdata;

        check(prologue[0] == 0 && prologue[1] == (p->t.ns ? 0x40 : 0) && prologue[2] == 13);
        return answer(p, ret, ret_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint8_t command[COMMAND_MAX];
        uint8_t response[RESPONSE_MAX];
        struct atr atr = {};
        struct play p;
        int r;

        if (size == 0)
                return 0;
        p = (struct play){ .data = data + 1, .size = size - 1, .right_lrc = data[0] & 0x80 };
        atr.ifsc = (uint8_t[]){ 0x10, 0x20, 0x80, 0xfe }[data[0] & 3];
        t1_init(&p.t, &atr, exchange, &p);
        if (data[0] & 0x40 && t1_start(&p.t, T1_IFSD_MAX) < 0)
                return 0;
        do {
                size_t n = SIZE_MAX;

                if (data[0] & 0x20 && p.t.ifsc >= 13)
                        r = t1_transmit_hidden(&p.t, first, 13, response, sizeof(response), &n);
                else
                        r = t1_transmit(&p.t, command, data[0] & 4 ? COMMAND_MAX : 5, response, sizeof(response), &n);
                check(r == 0 || r == -EIO || r == -EBADMSG || r == -ENOMEDIUM);
                check((r == 0) == (n <= sizeof(response)));
        } while (r == 0);
        return 0;
}
