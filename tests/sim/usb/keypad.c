// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/keypad.h"

/* Offsets in the data of the message, CCID 1.1, 6.1.11.1 and .2 */
enum {
        OPERATION = 0,
        TIMEOUT = 1,
        FORMAT = 2,
        BLOCK = 3,
        LENGTH_FORMAT = 4,
        MAX_DIGITS = 5, /* wPINMaxExtraDigit: the maximum, then the minimum */
        MIN_DIGITS = 6,
        VALIDATION = 7,
        PROLOGUE = 12,
        APDU = 15,
};

#define MESSAGE_HEADER 10

enum {
        FORMAT_BYTES = 0x80, /* the position counts bytes, not bits */
        FORMAT_RIGHT = 0x04,
        FORMAT_BINARY = 0,
        FORMAT_BCD = 1,
        FORMAT_ASCII = 2,
        LENGTH_BYTES = 0x10,
};

int keypad_parse(const uint8_t *data, size_t size, struct keypad *ret) {
        if (size < APDU + 4 || size - APDU > KEYPAD_APDU_MAX)
                return 1; /* dwLength */
        if (data[OPERATION] != 0)
                return MESSAGE_HEADER + OPERATION;
        if ((data[FORMAT] & 3) == 3)
                return MESSAGE_HEADER + FORMAT;
        if (data[MIN_DIGITS] > data[MAX_DIGITS] || data[MAX_DIGITS] == 0)
                return MESSAGE_HEADER + MAX_DIGITS;
        if (data[VALIDATION] == 0 || data[VALIDATION] > 7)
                return MESSAGE_HEADER + VALIDATION;
        *ret = (struct keypad){
                .timeout = data[TIMEOUT],
                .format = data[FORMAT],
                .block = data[BLOCK],
                .length_format = data[LENGTH_FORMAT],
                .min = data[MIN_DIGITS],
                .max = MIN(data[MAX_DIGITS], (uint8_t) KEYPAD_PIN_MAX),
                .apdu_size = size - APDU,
        };
        memcpy(ret->prologue, data + PROLOGUE, sizeof(ret->prologue));
        memcpy(ret->apdu, data + APDU, ret->apdu_size);
        return 0;
}

/* Writes the low bits of value at a bit position from the start of field. */
static void put_bits(uint8_t *field, size_t position, unsigned int bits, unsigned int value) {
        for (unsigned int i = 0; i < bits; i++) {
                size_t at = position + i;
                uint8_t mask = 0x80 >> at % 8;

                if (value >> (bits - 1 - i) & 1)
                        field[at / 8] |= mask;
                else
                        field[at / 8] &= ~mask;
        }
}

int keypad_fill(struct keypad *k, const char *pin) {
        size_t digits = strlen(pin), block = k->block & 0x0f, position = k->format >> 3 & 0x0f, at, need, lc;
        unsigned int digit_bits = (k->format & 3) == FORMAT_BCD ? 4 : 8, length_bits = k->block >> 4;
        size_t length_at = k->length_format & 0x0f;
        uint8_t *field = k->apdu + 5;

        if (digits < k->min || digits > k->max)
                return -ERANGE;
        position *= k->format & FORMAT_BYTES ? 8 : 1;
        length_at *= k->length_format & LENGTH_BYTES ? 8 : 1;
        if (block > 0 && digits * digit_bits > block * 8)
                return -EINVAL;

        /* Data that the template has no room for is appended to it. */
        lc = k->apdu_size > 5 ? k->apdu[4] : 0;
        need = (position + MAX(block * 8, digits * digit_bits) + 7) / 8;
        need = MAX(need, (length_at + length_bits + 7) / 8);
        if (need > lc) {
                if (5 + need > sizeof(k->apdu) - 1)
                        return -EINVAL;
                memset(field + lc, 0xff, need - lc);
                k->apdu[4] = lc = need;
                k->apdu_size = 5 + lc;
        }

        at = position;
        if (k->format & FORMAT_RIGHT && block > 0)
                at += block * 8 - digits * digit_bits;
        for (size_t i = 0; i < digits; i++)
                put_bits(field, at + i * digit_bits, digit_bits,
                         (k->format & 3) == FORMAT_ASCII ? (unsigned int) pin[i] : (unsigned int) (pin[i] - '0'));
        put_bits(field, length_at, length_bits, digits);
        return 0;
}
