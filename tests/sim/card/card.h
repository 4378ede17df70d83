/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card as a file. Sections and keys:
 *
 *   [card]            name=TEXT, atr=HEX (without it the card has no chip), key=FILE (the ICC's RSA key,
 *                     PEM, below keys/ beside the card file), pin=DIGITS (offline PIN), pin-tries=N
 *   [stripe]          track1=TEXT, track2=TEXT, track3=TEXT, each with its sentinels, without LRC
 *   [application N]   one for each application, N from 1 in order of the directory:
 *                     aid=HEX, label=TEXT, priority=1..15, fci=HEX (more of the A5 template: 9F38, 5F2D…),
 *                     aip=HEX, afl=HEX, response-format=1|2, cvn=10|18|…, and the card's own will:
 *                     decide=online|approve|decline (default online: an ARQC when TC is asked for),
 *                     second=auto|decline (default auto), issuer-authentication=yes|no, blocked=yes|no
 *   [record N.SFI.R]  TAG=HEX lines: application N, short file identifier, record number. The 70
 *                     template around them is made by the card.
 *   [data N]          TAG=HEX lines for GET DATA
 *
 * PANs are test values only; the files hold no real card.
 */

#include "base/macro.h"

#define CARD_APPLICATIONS_MAX 8
#define CARD_TRACK_MAX 110

struct card_data { /* a run of BER-TLV objects, as they go on the wire */
        uint8_t *data;
        size_t size;
};

struct card_record {
        unsigned int sfi, number;
        struct card_data content; /* without the 70 template */
};

enum card_decision {
        CARD_ONLINE,  /* ARQC, unless the terminal asks for AAC */
        CARD_APPROVE, /* what the terminal asks for */
        CARD_DECLINE, /* AAC */
};

struct card_application {
        uint8_t aid[16];
        size_t aid_size;
        char *label;
        unsigned int priority;
        struct card_data fci;
        uint8_t aip[2];
        struct card_data afl;
        unsigned int response_format; /* 1: template 80, 2: template 77 */
        unsigned int cvn;
        enum card_decision decide, second;
        bool issuer_authentication; /* wants EXTERNAL AUTHENTICATE before it gives a TC for an online approval */
        bool blocked;
        struct card_record *records;
        size_t n_records;
        struct card_data data;
};

struct card {
        char *name;                   /* the file's name without .card */
        char *title;                  /* what it is, for people */
        char track[3][CARD_TRACK_MAX + 1]; /* empty: not encoded */
        uint8_t atr[33];
        size_t atr_size; /* 0: no chip */
        char *key_path;  /* NULL: no dynamic authentication */
        char pin[13];    /* empty: none */
        unsigned int pin_tries;
        struct card_application *applications;
        size_t n_applications;
};

/*
 * Reads a card: a path if name has a slash, else /usr/share/till-sim/cards/NAME.card, or the folder in
 * $TILL_SIM_CARDS. -ENOENT; -EINVAL after logging what is wrong in the file.
 */
int card_load(const char *name, struct card **ret);
/* Wipes and frees; takes NULL; returns NULL. */
struct card *card_free(struct card *card);
DEFINE_CLEANUP(struct card *, card_free);

/* The value of a tag in a run of TLV objects, searched at its first level. NULL if it is not there. */
const uint8_t *card_data_find(const struct card_data *data, unsigned int tag, size_t *ret_size);
