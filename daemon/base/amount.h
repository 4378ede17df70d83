/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Money: 64-bit minor units with an ISO 4217 code. */

#include "base/macro.h"

struct currency {
        char code[4];       /* ISO 4217 alphabetic, "CNY" */
        uint16_t numeric;   /* ISO 4217 numeric, 156 */
        uint8_t digits : 2; /* of the minor unit, 0 to 3 */
        char symbol[8];     /* UTF-8, as on receipts */
};

/* The largest amount that DE4 and 9F02 can carry: n12. */
#define AMOUNT_MAX INT64_C(999999999999)

/* Longest text of amount_format(), with its terminator. */
#define AMOUNT_TEXT_MAX 48

/* NULL for an unknown code; codes are upper case. */
const struct currency *currency_find(const char *code);
const struct currency *currency_find_numeric(unsigned numeric);

/* "1234.50": minor units with the currency's digits, no grouping, no symbol. */
const char *amount_format(int64_t amount, const struct currency *currency, char text[static AMOUNT_TEXT_MAX]);
/*
 * Reads what amount_format() writes; fewer digits after the point are filled up. -EINVAL on
 * anything else, -ERANGE beyond AMOUNT_MAX.
 */
int amount_parse(const char *text, const struct currency *currency, int64_t *ret_amount);
