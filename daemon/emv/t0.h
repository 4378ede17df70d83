/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * T=0 at TPDU level (Book 1, 9.2.2 and 9.3.1). The procedure bytes, NULL among them, are the reader's, which is
 * handed a header with its data and hands back data with SW1 SW2; GET RESPONSE after 61xx and the length
 * of 6Cxx are apdu.c's.
 */

#include "emv/apdu.h"
#include "emv/block.h"

/* One short APDU, of any of the four cases. 0, or a negative errno of the exchange; -EBADMSG for what is none. */
int t0_transmit(block_exchange_t exchange, void *userdata, const uint8_t *command, size_t size,
                uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size);
