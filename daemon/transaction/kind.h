/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kinds of transaction that may be started, a row each: what they need and which way they go. */

#include "host/profile.h"
#include "journal/transaction.h"

/* How far a card goes. */
enum kind_card {
        KIND_CARD_NONE,
        KIND_CARD_READ,   /* its number alone, to be compared with the original's */
        KIND_CARD_AAC,    /* read, then asked for an AAC: money goes back to it */
        KIND_CARD_ONLINE, /* as for a sale, but never without the acquirer's word */
        KIND_CARD_FULL,
};

enum kind_way {
        KIND_WAY_REQUEST, /* the acquirer decides, and the card after it */
        KIND_WAY_ADVICE,  /* approved here, told to the acquirer afterwards */
        KIND_WAY_SERVICE, /* about the terminal: neither card nor amount */
};

struct kind {
        const char *name; /* as host_kind_name() has it; NULL: not to be started */
        enum kind_way way;
        enum kind_card card;
        uint8_t type; /* 9C for the card: the first two digits of the processing code */
        bool amount;
        bool supervisor; /* needs an approval */
        bool voice;      /* takes the code of an authorization by voice */
        bool binding;    /* a step of a change of the bound phone: nobody starts it alone */
        /* Of which kinds an original may be, up to the first empty word. */
        const char *originals[3];
};

/* NULL for what is no kind that may be started. */
const struct kind *kind_find(const char *name);

enum host_kind kind_to_host(const struct kind *k);
/*
 * As which kind the acquirer is told of it, and books it: a sale that was approved without it is an offline sale
 * there. Negative for a kind that this version does not know.
 */
enum host_kind kind_as_told(const struct transaction_record *record);

/* Whether money moves by it: what does not has no paper of a payment. NULL for a kind that is not known. */
static inline bool kind_is_payment(const struct kind *k) {
        return k && k->amount;
}

static inline bool kind_has_original(const struct kind *k) {
        return k->originals[0] != NULL;
}
