/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How papers look: /usr/lib/tilld/receipt.d/ and, over it, /etc/tilld/receipt.d/. tilld-receipt(5) says each key.
 */

#include "receipt/slip.h"

enum style_languages {
        STYLE_BOTH, /* Chinese and English, as UnionPay slips have it */
        STYLE_CHINESE,
        STYLE_ENGLISH,
        _STYLE_LANGUAGES_MAX,
        _STYLE_LANGUAGES_INVALID = -EINVAL,
};

#define STYLE_LIMITS_MAX 8

/* Up to here nobody is asked to sign. */
struct style_limit {
        char currency[4];
        int64_t amount; /* in minor units */
};

/* A piece of a paper, with what the layout file says about it. */
struct style_block {
        uint8_t type;  /* enum block_type */
        uint8_t field; /* enum field_name, of a field block */
        bool aligned;  /* else as the block is */
        bool bold;
        bool small;
        bool inverse;
        enum page_align align;
        uint8_t width; /* of a character, of a QR's module in dots; 0: as the block is */
        uint8_t height;
        char *text; /* with {fields}; NULL for none */
};

struct style_paper {
        struct style_block *blocks;
        size_t n_blocks;
};

struct receipt_style {
        enum style_languages languages;
        bool merchant_copy; /* which copies are printed of a transaction */
        bool cardholder_copy;
        unsigned columns; /* 0: as many as the printer has */
        char *logo;       /* an absolute path, of a PNG; NULL for none */
        char *header;     /* "\n" parts lines; NULL for none */
        char *footer;
        struct style_limit no_signature[STYLE_LIMITS_MAX];
        size_t n_no_signature;
        struct style_paper papers[_SLIP_PAPER_MAX];
};

/* The built-in one. It equals the packaged files. */
const struct receipt_style *receipt_style_default(void);

/* A copy of it. */
int receipt_style_new(struct receipt_style **ret);
void style_paper_clear(struct style_paper *paper);

struct receipt_style *receipt_style_free(struct receipt_style *style);
DEFINE_CLEANUP(struct receipt_style *, receipt_style_free);

/* The logo's file; -EBADF where there is none, else what open(2) says. */
int receipt_style_open_logo(const struct receipt_style *style);

/* Whether the cardholder need not sign for an amount that the card or its stripe wants a signature for. */
bool receipt_style_waives_signature(const struct receipt_style *style, const char *currency, int64_t amount);
