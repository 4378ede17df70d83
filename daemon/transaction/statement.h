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
        uint32_t stan, batch;
        int64_t amount;
        char currency[4];
};

struct statement {
        struct statement_line *lines; /* of one terminal, by batch and STAN */
        size_t n_lines, n_others;     /* and those of others, which are only counted */
};

struct statement *statement_free(struct statement *s);
DEFINE_CLEANUP(struct statement *, statement_free);

/* Reads one piece by piece, so that nothing waits for the whole. */
struct statement_parser;

int statement_parser_new(const char *terminal, struct statement_parser **ret);
struct statement_parser *statement_parser_free(struct statement_parser *p);
DEFINE_CLEANUP(struct statement_parser *, statement_parser_free);

/* The next piece of the text. -EINVAL when it is wrong: statement_parser_fault() says where and why. */
int statement_parser_feed(struct statement_parser *p, const char *text, size_t size);
/*
 * After the last piece: 1 while the lines are put in order, then 0 with *ret set. -EINVAL as above; a statement
 * without its end is cut off, and refused.
 */
int statement_parser_finish(struct statement_parser *p, struct statement **ret);
/* NULL for none. */
const char *statement_parser_fault(const struct statement_parser *p, unsigned *ret_line);

/* The line of a batch and STAN, the first of several; NULL for none. */
const struct statement_line *statement_find(const struct statement *s, uint32_t batch, uint32_t stan);
/* 1 or -1: what a kind's amount counts as; 0 for one that moves no money. */
int statement_sign(const char *kind);
