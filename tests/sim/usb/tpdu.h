/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The reader's end of the card's contacts, at TPDU level. */

#include "card/contact.h"

/*
 * One T=0 TPDU: sends the header, does the procedure bytes and gathers what the card gives, with its status word, in
 * response (CONTACT_OUT_MAX bytes). Returns its length; -EBADMSG for bytes that are no TPDU, -EPROTO for a procedure
 * byte that is none, -EIO for a mute card.
 */
ssize_t tpdu_exchange_t0(struct contact *contact, const uint8_t *tpdu, size_t size, uint8_t *response);
