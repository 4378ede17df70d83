/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * DE54 of an answer to a balance inquiry, 20 characters: type of account (2), kind of amount (2; 01 in the ledger, 02
 * at hand), currency (3), C for a credit balance or D for a debt, minor units (12).
 */

#include "base/macro.h"

#define HOST_BALANCE_TEXT 20

struct host_balance {
        uint16_t currency; /* ISO 4217 numeric */
        int64_t amount;    /* a debt is below zero */
};

/* The amount at hand, of the default account. -ERANGE when there is no room. */
int host_balance_format(const struct host_balance *b, char text[static HOST_BALANCE_TEXT + 1]);
/* The kind of account and of amount is not looked at. -EBADMSG for anything else. */
int host_balance_parse(const char *text, struct host_balance *ret);
