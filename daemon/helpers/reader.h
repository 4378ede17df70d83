/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * card-worker's side of the EMV node (kernel/include/uapi/linux/till.h): the slot, the card's power and reset, and
 * APDUs, which at TPDU level go through T=0 or T=1 of emv/. While it waits for the card, tilld's socket may
 * end it.
 */

#include "emv/apdu.h"
#include "emv/atr.h"
#include "emv/t1.h"
#include "kernel/include/uapi/linux/till.h"

struct reader {
        struct till_emv_info info;
        uint32_t step_ms;    /* for each exchange with the card */
        uint32_t insertions; /* of the card that the transaction is with */
        bool has_card;       /* insertions counts */

        uint64_t deadline; /* of the exchange under way */
        uint8_t protocol;  /* of the card, at TPDU level */
        struct t1 t1;
        enum atr_fault fault; /* of the last answer to reset */
};

uint64_t reader_now_ms(void);

/* Takes hold of the node. A negative errno when it is no EMV reader's. */
int reader_init(struct reader *r, uint32_t step_ms);

/* What is in the slot now. */
int reader_state(struct till_emv_state *ret);

/*
 * Waits for the node (events besides EPOLLPRI), or the socket when it may speak. Returns the node's events, 0
 * when only the socket has something, -ETIMEDOUT, -ENODEV, -ENOMEDIUM, -ECANCELED when tilld is gone or
 * speaks out of turn.
 */
int reader_wait(struct reader *r, short events, bool expect_message, uint64_t deadline);

/* Until a card is in the slot, or until none is. 1 when it has power, else as reader_wait(). */
int reader_wait_slot(struct reader *r, bool present, uint64_t deadline);

/*
 * Resets the card, which is without power, and makes it ready for reader_transmit(). -EPROTO when it gives no
 * answer that EMV accepts, or what ends the transaction.
 */
int reader_power_on(struct reader *r);
int reader_power_off(struct reader *r);

/* An apdu_transmit_t; userdata is the struct reader. */
int reader_transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size);

/*
 * VERIFY with a plain PIN (Book 3, 6.5.12) that the reader asks a person for and no one else sees. 0 with the
 * card's status word; -ENOKEY when the person has not entered one, -EOPNOTSUPP when the reader will not.
 */
int reader_verify_pin(struct reader *r, uint16_t *ret_sw);
