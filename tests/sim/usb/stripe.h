/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the simulated magstripe readers are, and how each tells its host of a stripe. */

#include "card/card.h"
#include "issuer/dukpt.h"

#define STRIPE_TRACKS 4 /* the fourth is JIS X 6302 type II */
#define STRIPE_REPORT_MAX 1024

enum stripe_damage {
        STRIPE_GOOD,
        STRIPE_UNREADABLE, /* the reader finds bits that it cannot decode */
        STRIPE_START,      /* no start sentinel */
        STRIPE_END,        /* no end sentinel */
        STRIPE_PARITY,     /* a character of no track's set comes through */
        STRIPE_LRC,        /* the check character is another: unreadable, where the reader itself checks it */
};

/* A stripe as it is pulled through. */
struct stripe {
        char track[STRIPE_TRACKS][CARD_TRACK_MAX + 1]; /* with sentinels, without LRC; empty: nothing on it */
        enum stripe_damage damage[STRIPE_TRACKS];
        bool clear; /* the reader has no key yet, and sends what it would encrypt as it is */
        bool aamva; /* a driving licence */
};

struct stripe_report {
        uint8_t data[STRIPE_REPORT_MAX];
        size_t size;
};

struct stripe_reader {
        const char *name;
        uint16_t vendor, product;
        const uint8_t *descriptor; /* HID report descriptor */
        size_t descriptor_size;
        const uint8_t *keys_descriptor; /* of the interface beside it, where the reader is in a keyboard */
        size_t keys_descriptor_size;
        bool encrypts;
        enum dukpt_variant variant;
        /* Makes report number n of a swipe, from 0. Returns 0 when there is no such report, 1, or a negative errno. */
        int (*report)(const struct stripe_reader *reader, const struct stripe *stripe,
                      const uint8_t ksn[static DUKPT_KSN_SIZE], unsigned int n, struct stripe_report *ret);
};

/* The readers, the default first; ended by one without a name. */
extern const struct stripe_reader stripe_readers[];
const struct stripe_reader *stripe_reader_find(const char *name);

/* Of a stripe: the card's tracks, undamaged. */
void stripe_from_card(const struct sim_card *card, struct stripe *ret);
/* "2:lrc", "4=TEXT", "clear", "aamva" …: -EINVAL for anything else. */
int stripe_option(struct stripe *stripe, const char *word);
/* The LRC of a track of ISO 7811 as the character that stands for it. */
char stripe_lrc(unsigned int track, const char *text);
