/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Protocol and parameters selection (ISO 7816-3, 9). The books leave a negotiable card at F=372 and D=1 unless
 * the terminal has a technique of its own to agree on more (Book 1, 8.3.3.1); this is it.
 */

#include "emv/atr.h"
#include "emv/block.h"

/*
 * F and D, as TA1 has them, to talk at to a card with this answer to reset: its own where the reader is fast enough,
 * else ATR_SPEED_DEFAULT. clock is the reader's in kHz, max_rate in bit/s.
 */
uint8_t pps_choose_speed(const struct atr *a, uint32_t clock, uint32_t max_rate);

/*
 * Asks the card for that protocol and speed, as the first thing after its reset. 1 when it agrees, 0 when it stays
 * at ATR_SPEED_DEFAULT; -EIO mute, -EBADMSG for an answer to something else: either way it has to be reset.
 */
int pps_negotiate(block_exchange_t exchange, void *userdata, uint8_t protocol, uint8_t speed);
