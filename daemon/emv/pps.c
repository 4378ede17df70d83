// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/pps.h"

#define PPSS 0xff
#define PPS0_PPS1 0x10 /* PPS1, F and D, follows */

/* ISO 7816-3, tables 7 and 8; 0 is reserved. */
static const uint16_t f_values[16] = { 372, 372, 558, 744, 1116, 1488, 1860, 0, 0, 512, 768, 1024, 1536, 2048 };
static const uint8_t d_values[16] = { 0, 1, 2, 4, 8, 16, 32, 64, 12, 20 };

/* In bit/s; 0 for reserved values. */
static uint64_t rate(uint8_t speed, uint32_t clock) {
        uint16_t f = f_values[speed >> 4];

        return f > 0 ? (uint64_t) clock * 1000 * d_values[speed & 0x0f] / f : 0;
}

uint8_t pps_choose_speed(const struct atr *a, uint32_t clock, uint32_t max_rate) {
        uint64_t wanted = rate(a->ta1, clock);

        /* In specific mode the card is at its speed already. */
        if (a->has_ta2)
                return a->ta1;
        /* One more for descriptors that round down. */
        if (wanted <= rate(ATR_SPEED_DEFAULT, clock) || wanted > (uint64_t) max_rate + 1)
                return ATR_SPEED_DEFAULT;
        return a->ta1;
}

static uint8_t check_byte(const uint8_t *p, size_t size) {
        uint8_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum ^= p[i];
        return sum;
}

int pps_negotiate(block_exchange_t exchange, void *userdata, uint8_t protocol, uint8_t speed) {
        uint8_t request[4] = { PPSS, PPS0_PPS1 | protocol, speed }, answer[BLOCK_MAX];
        size_t n = 0;
        int r;

        request[3] = check_byte(request, 3);
        r = exchange(userdata, request, sizeof(request), 1, answer, &n);
        if (r < 0)
                return r;
        if (n == sizeof(request) && memcmp(answer, request, sizeof(request)) == 0)
                return 1;
        /* Without PPS1: agreed on the protocol, at default speed (9.3). */
        if (n == 3 && answer[0] == PPSS && answer[1] == protocol && check_byte(answer, n) == 0)
                return 0;
        return -EBADMSG;
}
