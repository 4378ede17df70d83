/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * EMV contact, level 2. No file, bus or clock of its own: the card is a callback, date, time and
 * random numbers come with START, questions are callbacks, the end is an OUTCOME. Each source file is
 * a step of the books with its name; step.h lists them in their order.
 */

#include "emv/apdu.h"
#include "emv/message.h"

/* What a terminal knows of a card from before: its exception file, and what it approved and has not sent yet. */
struct emv_memory {
        bool exception;   /* on the exception file (Book 4, 6.3.5) */
        uint64_t earlier; /* minor units that count towards the floor limit, too (Book 3, 10.6.1) */
};

/* Each returns 0, or the negative errnos of apdu_transmit_t, which end the transaction. */
struct emv_callbacks {
        apdu_transmit_t transmit;
        /* language: as in struct emv_card_data, "" for a card that has none. */
        int (*prompt)(void *userdata, enum emv_prompt prompt, const char *language);
        /* NULL for a terminal that keeps neither. */
        int (*recall)(void *userdata, const struct emv_card_data *card, struct emv_memory *ret);
        /* Only called when start->can_choose. */
        int (*choose)(void *userdata, const struct message_prompt *prompt, struct message_choice *ret);
        int (*online)(void *userdata, const struct message_online_request *request, struct message_online_answer *ret);
        /*
         * VERIFY with a plain PIN that a person enters where nothing here sees it; only called where the terminal's
         * capabilities have it. 0 with the card's status word; -ENOKEY when none was entered, -EOPNOTSUPP when
         * there is nowhere to enter it, or it does not work. NULL is as -EOPNOTSUPP.
         */
        int (*verify_pin)(void *userdata, uint16_t *ret_sw);
};

/*
 * Takes a powered card that has answered to reset from application selection to completion. Always
 * gives a whole outcome, which the caller wipes, as what is left on the stack (secret_wipe_stack()).
 */
void emv_run(const struct message_start *start, const struct emv_callbacks *callbacks, void *userdata,
             struct message_outcome *ret);

/* An outcome for what ends before or beside the card: a negative errno of the callbacks. */
enum emv_reason emv_reason_from_errno(int error);
