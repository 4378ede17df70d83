/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * T=1, the terminal's end (Book 1, 9.2.4 and 9.2.5; ISO 7816-3, 11): I-blocks chained both ways, R- and S-blocks,
 * and what is done about errors. A block is tried three times; then the card session is over, and the caller
 * takes the card's power.
 */

#include "emv/atr.h"
#include "emv/block.h"

#define T1_PROLOGUE 3
#define T1_IFSD_MAX 254

struct t1 {
        block_exchange_t exchange;
        void *userdata;
        uint8_t ifsc, ifsd;
        uint8_t ns; /* number of the next I-block of ours */
        uint8_t nr; /* and of the card's */
};

void t1_init(struct t1 *t, const struct atr *a, block_exchange_t exchange, void *userdata);

/*
 * Tells the card how much a block of its may carry, as the first thing (9.2.4.1.1), 1 to T1_IFSD_MAX. A card that
 * does not answer is resynchronised once: nothing has been asked of it yet. 0, or what t1_transmit() returns.
 */
int t1_start(struct t1 *t, uint8_t ifsd);

/*
 * One APDU and its answer, of max bytes at most. 0; -EIO for a card that has become mute or cannot be heard,
 * -EBADMSG for one that breaks the protocol, aborts a chain or says too much; or a negative errno of the exchange.
 */
int t1_transmit(struct t1 *t, const uint8_t *command, size_t size, uint8_t *response, size_t max, size_t *ret_size);

/*
 * The same for an APDU of size bytes, one block, that only the reader knows: first() hands it the block's prologue and
 * takes the card's first answer, as block_exchange_t does. It cannot be sent again.
 */
typedef int (*t1_first_t)(void *userdata, const uint8_t prologue[static T1_PROLOGUE], uint8_t answer[static BLOCK_MAX],
                          size_t *ret_size);
int t1_transmit_hidden(struct t1 *t, t1_first_t first, size_t size, uint8_t *response, size_t max, size_t *ret_size);
