/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The simulated chip card: an EMV application on an ISO 7816-4 file system, at the level of APDUs.
 * It speaks for the card alone and knows nothing of readers; the reader hands it whole command APDUs
 * and gets whole responses with their status word, as from a card behind a T=0 or T=1 transport that
 * the reader runs itself.
 */

#include "card/card.h"

#define ICC_ATR_MAX 33
#define ICC_RESPONSE_MAX (65536 + 2) /* an extended response and its status word */

struct icc;

/* Takes over the card (freed with the icc). -ENOMEM. */
int icc_new(struct card *card, struct icc **ret);
/* Wipes keys and frees; takes NULL; returns NULL. */
struct icc *icc_free(struct icc *icc);
DEFINE_CLEANUP(struct icc *, icc_free);

const struct card *icc_card(const struct icc *icc);

/*
 * Power on, or a warm reset: forgets the session, keeps the counters (ATC, PIN tries). Writes the ATR
 * to ret_atr and returns its length, at most ICC_ATR_MAX; -EIO for a card whose chip does not answer.
 */
int icc_power_on(struct icc *icc, uint8_t ret_atr[ICC_ATR_MAX]);
void icc_power_off(struct icc *icc);

/*
 * One command APDU, cases 1 to 4, short or extended (ISO 7816-3, 12.1). Writes response data and status
 * word to response (ICC_RESPONSE_MAX bytes) and returns their length, at least 2. -EIO when powered
 * off or mute.
 */
ssize_t icc_transmit(struct icc *icc, const uint8_t *command, size_t size, uint8_t *response);
