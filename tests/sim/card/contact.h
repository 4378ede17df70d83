/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The simulated card's end of its contacts (ISO 7816-3): answer to reset, PPS, and its APDUs behind T=0 or T=1,
 * as the ATR says. The line is half duplex, so bytes pass in turns. No clock: what takes time on a real
 * line takes none here.
 */

#include "card/icc.h"

/* What the card says in one turn: 256 bytes with a procedure byte each, and NULL bytes before them. */
#define CONTACT_OUT_MAX 1024

enum contact_quirk {
        CONTACT_NULL,    /* T=0: so many NULL procedure bytes before the next command is answered */
        CONTACT_SINGLE,  /* T=0: asks for data byte by byte, until it is set to 0 */
        CONTACT_WTX,     /* T=1: asks for so many waiting times before the next answer */
        CONTACT_IFS,     /* T=1: announces this IFSC before the next answer */
        CONTACT_ABORT,   /* T=1: aborts the next chain that the reader sends */
        CONTACT_BAD_EDC, /* T=1: so many blocks have a wrong checksum */
        CONTACT_LOSE,    /* T=1: so many blocks of the reader's count as garbled */
        CONTACT_QUIRKS,
};

struct contact;

int contact_new(struct contact **ret);
struct contact *contact_free(struct contact *contact);
DEFINE_CLEANUP(struct contact *, contact_free);

/*
 * Power on, or a reset. Borrows the card until contact_off(). atr replaces the card's own where size is not 0.
 * Returns the length of the ATR; -EIO for a card that gives none, -EBADMSG for one that cannot be meant.
 */
int contact_reset(struct contact *contact, struct icc *icc, const uint8_t *atr, size_t size,
                  uint8_t ret_atr[static ICC_ATR_MAX]);
void contact_off(struct contact *contact);

/* 0 or 1, -ENODATA before it is settled. */
int contact_protocol(const struct contact *contact);
/* Fi and Di in use: 0x11, or what PPS agreed on, or a specific mode's. */
uint8_t contact_speed(const struct contact *contact);
/* T=1: the waiting times that the card has asked for and must be granted with the next block, 0 for none. */
unsigned int contact_waiting(const struct contact *contact);

/*
 * Hands the card what the reader sends in one turn and returns how many bytes it says in its own, 0 when it is
 * mute; -EIO for a card that broke down. out holds CONTACT_OUT_MAX bytes.
 */
ssize_t contact_exchange(struct contact *contact, const uint8_t *in, size_t size, uint8_t *out);

void contact_set(struct contact *contact, enum contact_quirk quirk, unsigned int n);

/* Epilogue of a T=1 block (ISO 7816-3, 11.3.4). Returns 1 for an LRC and 2 for a CRC. */
size_t contact_edc(const uint8_t *block, size_t size, bool crc, uint8_t ret[static 2]);
