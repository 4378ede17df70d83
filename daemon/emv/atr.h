/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answer to reset (Book 1, 8; ISO 7816-3). */

#include "base/macro.h"

#define ATR_MAX 33

/* Why a card's answer is not taken. */
enum atr_fault {
        ATR_FAULT_NONE,
        ATR_FAULT_MALFORMED, /* for ISO 7816-3 already */
        ATR_FAULT_PROGRAMMING_VOLTAGE,
        ATR_FAULT_SECOND_VOLTAGE,
        ATR_FAULT_PROTOCOL,
        ATR_FAULT_SECOND_PROTOCOL,
        ATR_FAULT_MODE_PROTOCOL,
        ATR_FAULT_MODE_PARAMETERS,
        ATR_FAULT_MODE_SPEED,
        ATR_FAULT_WAITING_INTEGER,
        ATR_FAULT_FIELD_SIZE,
        ATR_FAULT_WAITING_TIMES,
        ATR_FAULT_GUARD_TIME,
        ATR_FAULT_ERROR_DETECTION,
        ATR_FAULT_READER, /* good, but of a protocol that the reader does not speak */
        ATR_FAULT_LAST = ATR_FAULT_READER,
};

/* F=372, D=1: what the answer itself is sent at, and what stands where nothing else is agreed on. */
#define ATR_SPEED_DEFAULT 0x11

struct atr {
        bool inverse;     /* TS 3F */
        uint8_t protocol; /* the first offered: of TD1, 0 when not there */
        uint8_t ta1;      /* F and D; 11 when not there */
        bool has_tb1, has_tb2;
        uint8_t tb1; /* programming voltage */
        uint8_t tc1; /* extra guard time; 00 when not there */
        bool has_ta2;
        uint8_t ta2; /* specific mode */
        uint8_t tc2; /* T=0 waiting time integer; 0A when not there */
        bool has_td2;
        uint8_t protocol2; /* of TD2 */
        bool has_t1;       /* T=1 is offered, by TD1 or TD2 */
        uint8_t ifsc;      /* T=1, first TA of it; 20 when not there */
        uint8_t bwi, cwi;  /* T=1, first TB of it */
        bool has_tb3;
        uint8_t edc; /* T=1, first TC of it: 0 LRC, 1 CRC */
};

/* Takes the answer apart as ISO 7816-3 has it; TCK is checked. -EBADMSG when it is malformed. */
int atr_parse(const uint8_t *data, size_t size, struct atr *ret);

/* What EMV does not accept of it, if anything (Book 1, 8.3); it is less strict after a warm reset. */
enum atr_fault atr_check(const struct atr *a, bool warm);

/* "malformed", for the log; NULL for a number that is none. */
const char *atr_fault_to_string(enum atr_fault fault);
