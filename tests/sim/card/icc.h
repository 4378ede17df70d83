/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The simulated chip card: EMV applications, at the level of APDUs. It speaks for the card alone and
 * knows nothing of readers: it is handed whole command APDUs and gives whole responses with their status
 * word, as a card behind a transport (T=0, T=1) that the reader runs.
 */

#include "card/card.h"

#define ICC_ATR_MAX CARD_ATR_MAX
#define ICC_RESPONSE_MAX (65536 + 2) /* an extended response and its status word */

struct icc;

/* Takes over the card on success. -ENOMEM; -EINVAL for a key file that cannot be read, which is logged. */
int icc_new(struct sim_card *card, struct icc **ret);
/* Wipes keys and frees; takes NULL; returns NULL. */
struct icc *icc_free(struct icc *icc);
DEFINE_CLEANUP(struct icc *, icc_free);

/* Takes over the counters (ATC, PIN tries) of the same card, read before. */
void icc_continue(struct icc *icc, const struct icc *before);

const struct sim_card *icc_card(const struct icc *icc);

/*
 * Power on, or a reset: the session is forgotten, counters are kept. Returns the length of the ATR; -EIO
 * for a card without one.
 */
int icc_power_on(struct icc *icc, uint8_t ret_atr[static ICC_ATR_MAX]);
void icc_power_off(struct icc *icc);

/*
 * One command APDU, cases 1 to 4, short or extended (ISO 7816-3, 12.1). Writes response data and status
 * word to response, ICC_RESPONSE_MAX bytes, and returns their length, at least 2. -EIO when powered off; what
 * sim_fault_apply() gives for a card that answers nothing.
 */
ssize_t icc_transmit(struct icc *icc, const uint8_t *command, size_t size, uint8_t *response);
