// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * T=0, GET RESPONSE and lengths that are wrong, with a card that answers as it likes: the first byte chooses the
 * command; then come the answers, each with its length in front, 00 for silence. Every TPDU is one, the command
 * itself is sent once unless its length was all that it had, and there is an end.
 */

#include "emv/apdu.h"
#include "emv/t0.h"
#include "tests/fuzz/fuzz.h"

struct play {
        const uint8_t *data;
        size_t size;
        const uint8_t *command;
        size_t command_size;
        unsigned commands, rounds;
};

static int exchange(void *userdata, const uint8_t *tpdu, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                    size_t *ret_size) {
        struct play *p = userdata;
        size_t n;

        check(waiting == 1 && size >= 5 && size <= BLOCK_MAX && ++p->rounds <= 3 * 16);
        if (memcmp(tpdu, p->command, 4) == 0) {
                p->commands++;
                check(p->command_size == 5 || p->commands == 1);
                check(p->command_size <= 5 ? size == 5 : size == 5U + p->command[4]);
        } else
                check(size == 5 && memcmp(tpdu, "\x00\xc0\x00\x00", 4) == 0);
        if (p->size == 0 || p->data[0] == 0)
                return -EIO;
        n = MIN((size_t) p->data[0], p->size - 1);
        memcpy(ret, p->data + 1, n);
        p->data += 1 + n;
        p->size -= 1 + n;
        *ret_size = n;
        return 0;
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        return t0_transmit(exchange, userdata, command, size, response, ret_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct {
                const char *bytes;
                size_t size;
        } commands[] = {
                { "\x80\x16\x00\x00", 4 },
                { "\x00\xb2\x01\x0c\x00", 5 },
                { "\x00\x82\x00\x00\x02\xaa\xbb", 7 },
                { "\x00\xa4\x04\x00\x02\xaa\xbb\x00", 8 },
        };
        struct apdu_response response;
        struct play p;
        int r;

        if (size == 0)
                return 0;
        p = (struct play){ .data = data + 1, .size = size - 1 };
        p.command = (const uint8_t *) commands[data[0] & 3].bytes;
        p.command_size = commands[data[0] & 3].size;
        r = apdu_exchange_raw(transmit, &p, p.command, p.command_size, &response);
        check(r == 0 || r == -EIO || r == -EBADMSG);
        check(r < 0 || response.size <= sizeof(response.data));
        return 0;
}
