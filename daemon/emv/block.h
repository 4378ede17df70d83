/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reader at TPDU level takes and gives (CCID 1.1, 3.2): PPS, TPDUs of T=0, blocks of T=1. */

#include "base/macro.h"

#define BLOCK_MAX 260 /* T=0: header and 255 bytes; T=1: prologue, 254 bytes, LRC */

/*
 * Gives the card one and takes what it answers. waiting is by how much the card may be later than its block
 * waiting time has it: 1, or what S(WTX request) asked for. Returns 0; -EIO when nothing came, or garbled; else
 * a negative errno that ends the card session.
 */
typedef int (*block_exchange_t)(void *userdata, const uint8_t *block, size_t size, unsigned waiting,
                                uint8_t answer[static BLOCK_MAX], size_t *ret_size);
