/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Answer to reset (Book 1, 8; ISO 7816-3). */

#include "base/macro.h"

#define ATR_MAX 33

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

/*
 * Whether EMV accepts it (Book 1, 8.3), which after a warm reset is less strict. -EPROTONOSUPPORT with a
 * static reason otherwise.
 */
int atr_check(const struct atr *a, bool warm, const char **ret_reason);
