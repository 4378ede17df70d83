/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The cardholder's bank: which cards there are, their cryptograms, and what goes back to the chip. */

#include "acquirer/kinds.h"

/* Card number and expiry from their fields, else from track 2, which may be encrypted (DUKPT, TDES). */
struct card {
        char pan[20]; /* "" when the request names no card */
        char expiry[5];
        char service;
        const char *note; /* why what the reader encrypted gives no card; NULL when there is none, or it does */
};
void card_read(const struct sim_acquirer *a, const struct request *q, struct card *c);

/* Each returns a response code and why, NULL when there is nothing to object. */
const char *card_check(const struct sim_acquirer *a, const struct request *q, const struct card *c,
                       const char **ret_note);
/*
 * The cryptogram of a chip card, of a kind (80 asks for authorization, 40 is a certificate). *ret_key is then the
 * card's session key, *ret_cryptogram points into the request.
 */
const char *chip_check(const struct sim_acquirer *a, const struct request *q, const char *pan, uint8_t wanted,
                       uint8_t ret_key[static ISSUER_KEY_SIZE], const uint8_t **ret_cryptogram, const char **ret_note);
/* DE55 of the answer: the issuer's cryptogram and, by script, a command. */
int chip_answer(const struct sim_acquirer *a, const struct request *q, const char *pan, const uint8_t *key,
                const uint8_t *arqc, struct verdict *v);
