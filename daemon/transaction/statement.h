/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An acquirer's statement: what it has booked. Lines of text, CSV without quotes:
 *
 * till-statement,1
 * rrn,stan,batch,kind,amount,currency,terminal        in any order, and others that are left out
 * 000000000001,000002,000001,sale,12850,156,T0000001  amounts in minor units, currencies ISO 4217 numeric
 * end,1,12850                                         how many, and their sum; void and refund count as negative
 */

#include "base/macro.h"

struct statement_line {
        unsigned number; /* of the line in the file */
        char rrn[13];
        char kind[24];
        char terminal[9];
        uint32_t stan, batch;
        int64_t amount;
        char currency[4];
};

struct statement {
        struct statement_line *lines; /* by batch and STAN */
        size_t n_lines;
};

struct statement *statement_free(struct statement *s);
DEFINE_CLEANUP(struct statement *, statement_free);

/* -EINVAL with the line and what is wrong with it; a statement without its end is cut off, and refused. */
int statement_parse(const char *text, size_t size, struct statement **ret, unsigned *ret_line,
                    const char **ret_reason);
/* The line of a batch and STAN, the first of several; NULL for none. */
const struct statement_line *statement_find(const struct statement *s, uint32_t batch, uint32_t stan);
/* 1 or -1: what a kind's amount counts as; 0 for one that moves no money. */
int statement_sign(const char *kind);
