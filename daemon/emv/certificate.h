/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The chain of keys from the certification authority over the issuer to the card: EMV Book 2, 5.2, 5.3 and 6.4. */

#include "emv/public-key.h"
#include "emv/step.h"

/* Mandatory objects of the chain (Book 3, 7.2): 8F, 90 and 9F32; with_card also 9F46 and 9F47. */
bool certificate_has_data(const struct emv *e, bool with_card);

/*
 * The key of the application's RID and the card's index, if it has not expired (5.2). NULL when the
 * terminal has none.
 */
const struct emv_ca_key *certificate_find_ca_key(const struct emv *e);

/* Whether the issuer's certificate was signed by that authority, whatever it says (5.3, steps 1 to 4). */
bool certificate_is_signed_by(const struct emv *e, const struct emv_ca_key *ca);

/*
 * The issuer's public key (5.3). -ENOKEY without a key of the authority, -EBADMSG for the first check that fails,
 * in the order of the book.
 */
int certificate_recover_issuer(const struct emv *e, struct public_key *ret);

/* The card's public key (6.4), whose certificate covers the static data too. -EBADMSG as above. */
int certificate_recover_card(const struct emv *e, const struct public_key *issuer, struct public_key *ret);

/*
 * What has been collected by READ RECORD, and the application interchange profile when the static data
 * authentication tag list asks for it (5.4 and 6.4, step 5). -EBADMSG when that list has anything else,
 * or a record was none.
 */
int certificate_static_data(const struct emv *e, struct bytes ret[static 2]);
