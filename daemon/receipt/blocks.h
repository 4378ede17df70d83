/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pieces that papers are put together from, by the names that layout files use. Inside of this room. */

#include "receipt/layout.h"

enum block_type {
        /* What a slip has, in the order of a UnionPay slip. */
        BLOCK_MODE,
        BLOCK_LOGO,
        BLOCK_HEADER,
        BLOCK_TITLE,
        BLOCK_COPY,
        BLOCK_DUPLICATE,
        BLOCK_MERCHANT,
        BLOCK_CARD,
        BLOCK_KIND,
        BLOCK_NUMBERS,
        BLOCK_AMOUNT,
        BLOCK_NOTES,
        BLOCK_VERIFICATION,
        BLOCK_RESPONSE,
        BLOCK_ADVICE,
        BLOCK_CODE,
        BLOCK_BATCH,
        BLOCK_TOTALS,
        BLOCK_REJECTED,
        BLOCK_RECONCILIATION,
        BLOCK_LIST,
        BLOCK_ROWS,
        BLOCK_PRINTER,
        BLOCK_RULER,
        BLOCK_SIZES,
        BLOCK_CHARACTERS,
        BLOCK_CODES,
        BLOCK_FOOTER,
        /* Anything. */
        BLOCK_TEXT,
        BLOCK_FIELD,
        BLOCK_RULE,
        BLOCK_FEED,
        BLOCK_QR,
        BLOCK_BARCODE,
        BLOCK_CUT,
        _BLOCK_MAX,
        _BLOCK_INVALID = -EINVAL,
};

/* What papers must say, each by one block or another. */
enum block_gives {
        GIVES_MODE = 1 << 0,
        GIVES_DUPLICATE = 1 << 1,
        GIVES_TITLE = 1 << 2,
        GIVES_COPY = 1 << 3,
        GIVES_MERCHANT = 1 << 4,
        GIVES_TERMINAL = 1 << 5,
        GIVES_CARD = 1 << 6,
        GIVES_KIND = 1 << 7,
        GIVES_BATCH = 1 << 8,
        GIVES_VOUCHER = 1 << 9,
        GIVES_AUTHORIZATION = 1 << 10,
        GIVES_RRN = 1 << 11,
        GIVES_TIME = 1 << 12,
        GIVES_AMOUNT = 1 << 13,
        GIVES_AID = 1 << 14,
        GIVES_VERIFICATION = 1 << 15,
        GIVES_RESPONSE = 1 << 16,
        GIVES_ADVICE = 1 << 17,
        GIVES_TOTALS = 1 << 18,
        GIVES_REJECTED = 1 << 19,
        GIVES_RECONCILIATION = 1 << 20,
        GIVES_LIST = 1 << 21,
        GIVES_ROWS = 1 << 22,
        _GIVES_N = 23,
};

/* Which options a block takes. */
enum block_options {
        OPTION_ALIGN = 1 << 0,
        OPTION_SIZE = 1 << 1, /* normal, tall, wide, double */
        OPTION_BOLD = 1 << 2,
        OPTION_SMALL = 1 << 3,
        OPTION_INVERSE = 1 << 4,
        OPTION_MODULE = 1 << 5, /* dots of a QR's module */
        OPTION_HEIGHT = 1 << 6, /* dots of a barcode */
        OPTION_TEXT = 1 << 7,
        OPTION_LINES = 1 << 8, /* of a feed */
        OPTION_FIELD = 1 << 9,
};

struct block {
        const char *name;
        uint32_t papers;  /* that may have it, a bit each */
        uint32_t gives;   /* enum block_gives */
        uint32_t options; /* enum block_options */
        int (*add)(struct layout *l);
};

const struct block *block_find(enum block_type type);
enum block_type block_from_string(const char *name);
/* Of a block as a paper has it: a field gives what it names. */
uint32_t block_gives(const struct style_block *block);
/* What to write for a bit of it, for people. */
const char *gives_to_string(unsigned bit);
/* What a paper must say. */
uint32_t paper_requires(enum slip_paper paper);

/* --- what blocks lay out, by the paper's kind --- */

int add_verification(struct layout *l);
int add_response(struct layout *l);
int add_advice(struct layout *l);
int add_notes(struct layout *l);
int add_batch(struct layout *l);
int add_totals(struct layout *l);
int add_rejected(struct layout *l);
int add_reconciliation(struct layout *l);
int add_list(struct layout *l);
int add_rows(struct layout *l);
int add_printer(struct layout *l);
int add_ruler(struct layout *l);
int add_sizes(struct layout *l);
int add_characters(struct layout *l);
int add_codes(struct layout *l);
