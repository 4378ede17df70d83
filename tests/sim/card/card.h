/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card as a file. Sections and keys:
 *
 *   [card]            title=TEXT for people; atr=HEX (without it the card has no chip); key=FILE, the ICC's RSA
 *                     key as PEM in the folder keys/ beside the file; pin=4 to 12 digits; pin-tries=1..15 (3);
 *                     atc=N, what the application transaction counter starts from (0); last-online-atc=N, its
 *                     value when the card was online last (0); tries-left=N of the PIN (pin-tries); pse=yes|no (yes);
 *                     fault=…, what goes wrong, any number of lines: fault.h;
 *                     echo=yes|no (no): also answers 80 0E with the data it was sent, and READ BINARY with bytes
 *                     that count up, in any length
 *   [stripe]          track1=, track2=, track3=: text with its sentinels, without LRC
 *   [application N]   N from 1 in the order of the directory: aid=HEX; label=TEXT; priority=1..15; confirm=yes|no
 *                     (no: the cardholder need not confirm it); fci=HEX, more of
 *                     the A5 template (9F38, 5F2D…); aip=HEX; afl=HEX; ac-key=HEX, the card's own key for
 *                     cryptograms; mac-key=HEX, its key for the MACs of issuer scripts (none: it takes no script);
 *                     response-format=1|2 (template 80 or 77); and the card's own will:
 *                     decide=online|approve|decline; second=auto|decline; issuer-authentication=yes|no;
 *                     blocked=yes|no; conditions=yes|no (no: GET PROCESSING OPTIONS fails with 6985); arpc=1|2, the
 *                     method by which the issuer is authenticated (EMV book 2, 8.2); offline-limit=N: after more than
 *                     N transactions since it was online the card goes online (0: as often as it is asked)
 *   [record N.S.R]    TAG=HEX lines: application, short file identifier, record number. The card makes the
 *                     template 70 around them.
 *   [data N]          TAG=HEX lines for GET DATA
 *
 * The files hold test values only.
 */

#include "base/macro.h"
#include "card/fault.h"

#define CARD_TRACK_MAX 110
#define CARD_ATR_MAX 33
#define SIM_CARD_APPLICATIONS_MAX 8

/* A run of BER-TLV objects as they go on the wire. */
struct sim_card_data {
        uint8_t *data;
        size_t size;
};

struct sim_card_record {
        unsigned int sfi, number;
        struct sim_card_data content; /* without the template 70 */
};

enum sim_card_decision {
        CARD_ONLINE,  /* ARQC where the terminal asks for a TC */
        CARD_APPROVE, /* what the terminal asks for */
        CARD_DECLINE, /* AAC */
};

struct sim_card_application {
        uint8_t aid[16];
        size_t aid_size;
        char *label;
        unsigned int priority; /* 0: none */
        struct sim_card_data fci, afl, data;
        uint8_t aip[2];
        uint8_t ac_key[16], mac_key[16];
        bool has_mac_key;
        unsigned int response_format, arpc, offline_limit;
        enum sim_card_decision decide, second;
        bool issuer_authentication; /* an online approval without a good ARPC gets an AAC */
        bool blocked, conditions, confirm;
        struct sim_card_record *records;
        size_t n_records;
};

struct sim_card {
        char *name; /* the file's, without folder and .card */
        char *title;
        char track[3][CARD_TRACK_MAX + 1]; /* empty: not encoded */
        uint8_t atr[CARD_ATR_MAX];
        size_t atr_size; /* 0: no chip */
        char *key_path;  /* NULL: no dynamic authentication */
        char pin[13];    /* empty: none */
        unsigned int pin_tries, tries_left;
        uint16_t atc, last_online_atc;
        bool pse, echo;
        struct sim_fault *faults;
        size_t n_faults;
        struct sim_card_application *applications;
        size_t n_applications;
};

/*
 * Reads a card: a path if name has a slash, else NAME.card in $TILL_SIM_CARDS or /usr/share/till-sim/cards.
 * -ENOENT; -EINVAL after logging what is wrong in the file.
 */
int sim_card_load(const char *name, struct sim_card **ret);

/*
 * One line of such a file more, for a card that differs from another in it: what is there already is replaced, and
 * the value "-" takes an object out. -EINVAL with a reason.
 */
int sim_card_assign(struct sim_card *card, const char *section, const char *key, const char *value,
                    const char **ret_reason);
/* Wipes and frees; takes NULL; returns NULL. */
struct sim_card *sim_card_free(struct sim_card *card);
DEFINE_CLEANUP(struct sim_card *, sim_card_free);

/* "NAME TITLE" lines of the folder's cards, by name; to be freed. */
int sim_card_list(char **ret);

/* The value of a tag at the first level of a run of objects, NULL if it is not there. */
const uint8_t *sim_card_data_find(const struct sim_card_data *data, unsigned int tag, size_t *ret_size);
/* The same in the records of an application. */
const uint8_t *sim_card_find(const struct sim_card_application *app, unsigned int tag, size_t *ret_size);
/* Takes the first object of that tag out. */
void sim_card_data_remove(struct sim_card_data *data, unsigned int tag);
/* Appends an object. -ENOMEM. */
int sim_card_data_append(struct sim_card_data *data, unsigned int tag, const void *value, size_t size);
void sim_card_data_done(struct sim_card_data *data);
