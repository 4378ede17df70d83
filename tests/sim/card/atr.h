/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An answer to reset, as the simulated card means it (ISO 7816-3, 8.2). */

#include "card/card.h"

struct sim_atr {
        unsigned int protocols; /* bit 0: T=0, bit 1: T=1 */
        unsigned int first;     /* the protocol without PPS */
        bool specific;          /* TA2: no PPS, the protocol is first */
        uint8_t ta1;            /* Fi and Di; 0x11 where it is not told */
        uint8_t ifsc;           /* of T=1; 32 where it is not told */
        bool crc;               /* T=1 blocks end with a CRC instead of an LRC */
};

/* -EBADMSG for bytes that are no ATR, or that offer neither T=0 nor T=1. */
int sim_atr_parse(const uint8_t *atr, size_t size, struct sim_atr *ret);
/*
 * Another ATR with the same historical bytes, for protocol 0 or 1, in the shape that EMV wants (book 1, 8.3).
 * Returns its length; -EBADMSG for an ATR that cannot be read, or whose historical bytes leave no room.
 */
int sim_atr_make(const uint8_t *atr, size_t size, unsigned int protocol, uint8_t ret[static CARD_ATR_MAX]);
