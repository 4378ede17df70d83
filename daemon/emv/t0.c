// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/t0.h"

#define HEADER 5 /* CLA INS P1 P2 P3 */

static int exchange_once(block_exchange_t exchange, void *userdata, const uint8_t *tpdu, size_t size,
                         uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        uint8_t answer[BLOCK_MAX];
        size_t n = 0;
        int r;

        r = exchange(userdata, tpdu, size, 1, answer, &n);
        if (r < 0)
                return r;
        if (n < 2 || n > APDU_RESPONSE_MAX)
                return -EBADMSG;
        memcpy(response, answer, n);
        *ret_size = n;
        return 0;
}

static int get_response(block_exchange_t exchange, void *userdata, uint8_t size,
                        uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        return exchange_once(exchange, userdata, (const uint8_t[]){ 0x00, 0xc0, 0x00, 0x00, size }, HEADER, response,
                             ret_size);
}

/*
 * 9.3.1.4: a command of case 4 that ends in a warning may have data, which GET RESPONSE brings once the card has
 * said how much. What counts is the warning, and there may be no data after all.
 */
static int fetch_after_warning(block_exchange_t exchange, void *userdata, uint8_t response[static APDU_RESPONSE_MAX],
                               size_t *size) {
        const uint8_t warning[] = { response[0], response[1] };
        size_t n = 0;
        int r;

        r = get_response(exchange, userdata, 0, response, &n);
        if (r < 0)
                return r;
        if (n == 2 && response[0] == 0x6c) {
                r = get_response(exchange, userdata, response[1], response, &n);
                if (r < 0)
                        return r;
        }
        if (response[n - 2] != 0x90 || response[n - 1] != 0x00)
                n = 2;
        memcpy(response + n - 2, warning, sizeof(warning));
        *size = n;
        return 0;
}

int t0_transmit(block_exchange_t exchange, void *userdata, const uint8_t *command, size_t size,
                uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        uint8_t tpdu[HEADER + 255] = {};
        bool case4;
        int r;

        if (size < 4 || size > APDU_COMMAND_MAX)
                return -EBADMSG;
        if (size > HEADER &&
            (command[4] == 0 || size < (size_t) HEADER + command[4] || size > (size_t) HEADER + command[4] + 1))
                return -EBADMSG;
        case4 = size > HEADER && size == (size_t) HEADER + command[4] + 1;
        /* Without data and length, P3 is 00 (9.3.1.1); with both, the length is not sent. */
        memcpy(tpdu, command, size - case4);
        r = exchange_once(exchange, userdata, tpdu, MAX(size - case4, (size_t) HEADER), response, ret_size);
        if (r < 0 || !case4)
                return r;
        if (*ret_size == 2 && (response[0] == 0x62 || response[0] == 0x63))
                return fetch_after_warning(exchange, userdata, response, ret_size);
        return 0;
}
