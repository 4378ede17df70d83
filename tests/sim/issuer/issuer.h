/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The issuer of the test cards: application cryptograms with test keys only. The simulated card and
 * till-acquirer both link it. Terms and steps as in EMV book 2: A1.4.1 (card key, option A), A1.3.1
 * (session key), 8.1.2 (cryptogram), 8.2.1 (ARPC method 1), 9.2 (MAC of a script's command); followed from
 * their public descriptions.
 */

#include "base/macro.h"

#define ISSUER_CONF "/usr/share/till-acquirer/issuer.conf"
#define ISSUER_KEY_SIZE 16
#define ISSUER_AC_SIZE 8
#define ISSUER_MAC_SIZE 4

struct issuer;

/*
 * Reads issuer.conf: [issuer NAME] with range= (leading digits of the PANs, several allowed), ac-key= and mac-key=
 * (32 hex digits each, the issuer master keys for application cryptograms and script MACs). -EINVAL after bad lines,
 * which are logged.
 */
int issuer_load(const char *path, struct issuer **ret);
struct issuer *issuer_free(struct issuer *i);
DEFINE_CLEANUP(struct issuer *, issuer_free);
bool issuer_has(const struct issuer *i, const char *pan);

/* The card's key (UDK) from PAN digits and card sequence number (-1 counts as 00). -ENOKEY: no range has the PAN. */
int issuer_card_key(const struct issuer *i, const char *pan, int psn, uint8_t ret_key[static ISSUER_KEY_SIZE]);
/* The same from the other master key, for MACs. */
int issuer_card_mac_key(const struct issuer *i, const char *pan, int psn, uint8_t ret_key[static ISSUER_KEY_SIZE]);
/* EMV common session key from the card's key and the ATC (9F36). */
int issuer_session_key(const uint8_t card_key[static ISSUER_KEY_SIZE], uint16_t atc,
                       uint8_t ret_key[static ISSUER_KEY_SIZE]);
/* The same for MACs: it is the ARQC that makes it different each time. */
int issuer_mac_session_key(const uint8_t card_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                           uint8_t ret_key[static ISSUER_KEY_SIZE]);

/* ARQC, TC or AAC over the data given: ISO 9797-1 algorithm 3, padding method 2, under a session key. */
int issuer_cryptogram(const uint8_t session_key[static ISSUER_KEY_SIZE], const void *data, size_t size,
                      uint8_t ret_ac[static ISSUER_AC_SIZE]);
/* ARPC, method 1: under the same session key. */
int issuer_arpc(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                const uint8_t arc[static 2], uint8_t ret_arpc[static 8]);
/* ARPC, method 2 (8.2.2): over ARQC, card status update and what the issuer adds; four bytes. */
int issuer_arpc_2(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                  const uint8_t *csu, size_t size, uint8_t ret_arpc[static 4]);

/*
 * Secure messaging of format 2 (9.2.1.2), the MAC of a script's command: what goes into it is the issuer's own affair,
 * and this one takes CLA to Lc, the ATC, the ARQC with the number of commands that came before in the transaction
 * added to it, and the command's data.
 */
int issuer_script_mac(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t header[static 4],
                      const uint8_t atc[static 2], const uint8_t arqc[static ISSUER_AC_SIZE], unsigned number,
                      const uint8_t *data, size_t size, uint8_t ret_mac[static ISSUER_MAC_SIZE]);

/*
 * What the test cards' cryptograms are computed over, in this order, each as the terminal sent it in
 * the CDOL's data or the card has it: 9F02 9F03 9F1A 95 5F2A 9A 9C 9F37, then 82 and 9F36, then the 4 bytes
 * of card verification results (bytes 4 to 7 of 9F10: 07 DKI CVN CVR[4] …).
 */
struct issuer_data {
        uint8_t amount[6];        /* 9F02 */
        uint8_t amount_other[6];  /* 9F03 */
        uint8_t country[2];       /* 9F1A */
        uint8_t tvr[5];           /* 95 */
        uint8_t currency[2];      /* 5F2A */
        uint8_t date[3];          /* 9A */
        uint8_t type;             /* 9C */
        uint8_t unpredictable[4]; /* 9F37 */
        uint8_t aip[2];           /* 82 */
        uint8_t atc[2];           /* 9F36 */
        uint8_t cvr[4];           /* in 9F10 */
};
_Static_assert(sizeof(struct issuer_data) == 37, "one run of bytes, no padding");
