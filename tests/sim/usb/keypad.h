/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PIN entry at the reader (CCID 1.1, 6.1.11): from what the host asks for and what a person types to the APDU. */

#include "base/macro.h"

#define KEYPAD_APDU_MAX 261
#define KEYPAD_PIN_MAX 15

struct keypad {
        unsigned int timeout;                 /* seconds, 0 for the reader's own */
        unsigned int min, max;                /* digits */
        uint8_t format, block, length_format; /* bmFormatString, bmPINBlockString, bmPINLengthFormat */
        uint8_t prologue[3];                  /* bTeoPrologue: NAD, PCB, LEN of a T=1 block */
        uint8_t apdu[KEYPAD_APDU_MAX];
        size_t apdu_size;
};

/*
 * Reads the data of PC_to_RDR_Secure. 0, or the offset in the message of the byte that is wrong, as bError tells it
 * (the data begins at 10).
 */
int keypad_parse(const uint8_t *data, size_t size, struct keypad *ret);
/* Puts the PIN, digits, into the APDU. -ERANGE for a PIN that is too short or too long, -EINVAL where it does not fit.
 */
int keypad_fill(struct keypad *k, const char *pin);
