// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/apdu.h"

/* Rounds of 61xx and 6Cxx that one command may take: 256 bytes come in fewer. */
#define ROUNDS_MAX 16

static int transmit_once(apdu_transmit_t transmit, void *userdata, const uint8_t *command, size_t size,
                         struct apdu_response *r) {
        uint8_t buffer[APDU_RESPONSE_MAX];
        size_t n = 0;
        int k;

        k = transmit(userdata, command, size, buffer, &n);
        if (k < 0)
                return k;
        if (n < 2 || n > sizeof(buffer) || n - 2 > sizeof(r->data) - r->size)
                return -EBADMSG;
        memcpy(r->data + r->size, buffer, n - 2);
        r->size += n - 2;
        r->sw = (uint16_t) (buffer[n - 2] << 8 | buffer[n - 1]);
        return 0;
}

/*
 * Without a length to correct, 6Cxx is an error; and a command that brings data is sent once, as what it did
 * may not be done twice (a GENERATE AC counts).
 */
static bool has_only_le(size_t size) {
        return size == 5;
}

/*
 * 61xx and 6Cxx belong to T=0 (Book 1, 9.3.1). A reader at APDU level resolves them itself, but not every one
 * does; at TPDU level t0.c leaves them to this.
 */
int apdu_exchange_raw(apdu_transmit_t transmit, void *userdata, const uint8_t *command, size_t size,
                      struct apdu_response *ret) {
        uint8_t again[APDU_COMMAND_MAX];
        int r;

        if (size < 4 || size > sizeof(again))
                return -EBADMSG;
        if (size > 5 && size != 5U + command[4] && size != 6U + command[4])
                return -EBADMSG;
        memcpy(again, command, size);

        ret->size = 0;
        for (unsigned round = 0; round < ROUNDS_MAX; round++) {
                r = transmit_once(transmit, userdata, again, size, ret);
                if (r < 0)
                        return r;
                if (ret->sw >> 8 == 0x61) {
                        memcpy(again, (const uint8_t[]){ 0x00, 0xc0, 0x00, 0x00, (uint8_t) ret->sw }, 5);
                        size = 5;
                } else if (ret->sw >> 8 == 0x6c && has_only_le(size)) {
                        again[size - 1] = (uint8_t) ret->sw;
                } else
                        return 0;
        }
        return -EBADMSG;
}

int apdu_exchange(apdu_transmit_t transmit, void *userdata, const uint8_t header[static 4], const void *data,
                  size_t size, bool reply, struct apdu_response *ret) {
        uint8_t command[APDU_COMMAND_MAX];
        size_t n = 4;

        if (size > 255)
                return -ENOBUFS;
        memcpy(command, header, 4);
        if (size > 0) {
                command[n++] = (uint8_t) size;
                memcpy(command + n, data, size);
                n += size;
        }
        if (reply)
                command[n++] = 0;
        return apdu_exchange_raw(transmit, userdata, command, n, ret);
}
