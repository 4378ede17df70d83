// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device/reply.h"

#define XON 0x11
#define XOFF 0x13

#define STATUS_SIZE 4 /* of automatic status */

void reply_process_id(uint16_t number, uint8_t id[static REPLY_PROCESS_ID]) {
        for (size_t i = 0; i < REPLY_PROCESS_ID; i++)
                id[i] = (uint8_t) (0x40 | (number >> (12 - 4 * i) & 0x0F));
}

void reply_expect_process_id(struct reply *reply, const uint8_t id[static REPLY_PROCESS_ID]) {
        *reply = (struct reply){ .expected = { 0x37, 0x22, id[0], id[1], id[2], id[3], 0x00 }, .expected_size = 7 };
}

void reply_expect_status(struct reply *reply) {
        *reply = (struct reply){};
}

static bool is_status_first(uint8_t byte) {
        return (byte & 0x93) == 0x10;
}

static bool is_status_next(uint8_t byte) {
        return (byte & 0x90) == 0;
}

static bool feed_byte(struct reply *reply, uint8_t byte) {
        if (byte == XON || byte == XOFF)
                return false;
        if (reply->status_left > 0 && is_status_next(byte)) {
                reply->status_left--;
                return false;
        }
        if (is_status_first(byte)) {
                reply->status_left = STATUS_SIZE - 1;
                return false;
        }
        /* A status that breaks off was none. */
        reply->status_left = 0;

        if (reply->expected_size == 0)
                return is_status_next(byte);
        if (byte != reply->expected[reply->matched])
                reply->matched = 0;
        if (byte == reply->expected[reply->matched])
                reply->matched++;
        return reply->matched == reply->expected_size;
}

bool reply_feed(struct reply *reply, const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (feed_byte(reply, data[i]))
                        return true;
        return false;
}
