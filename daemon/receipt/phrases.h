/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of a slip in both languages. Inside of this room. */

#include "receipt/slip.h"

struct phrase {
        const char *zh, *en;
};

struct slip_kind {
        const char *name;
        struct phrase phrase;
        bool back; /* the money goes to the cardholder, or stays there */
};

/* "sale", and "debit", "foreign-debit" and the like of totals; NULL for an unknown one. */
const struct slip_kind *slip_kind_find(const char *name);
/* Whether the slip is of a kind that gives money back. */
bool slip_goes_back(const struct slip *slip);

/* UnionPay slips say RMB. */
const char *slip_currency_name(const struct slip *slip);

/* The Chinese of what stands in rows, by its English in whatever case; NULL where there is none. */
const struct phrase *slip_said_find(const char *en);

/* What a paper is called. */
const struct phrase *slip_title(enum slip_paper paper);
