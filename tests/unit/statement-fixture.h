/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An acquirer's statement read for the terminal T0000001, in pieces of some size. */

#include "transaction/statement.h"

static int parse_statement(const char *text, size_t size, size_t piece, struct statement **ret, unsigned *ret_line,
                           const char **ret_reason) {
        _cleanup_(statement_parser_freep) struct statement_parser *p = NULL;
        int r;

        r = statement_parser_new("T0000001", &p);
        for (size_t at = 0; r >= 0 && at < size; at += piece)
                r = statement_parser_feed(p, text + at, MIN(piece, size - at));
        while (r >= 0) {
                r = statement_parser_finish(p, ret);
                if (r == 0)
                        return 0;
        }
        *ret_reason = p ? statement_parser_fault(p, ret_line) : "no memory";
        return r;
}
