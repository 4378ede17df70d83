/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Transactions on the command line: one that is named, started and followed, shown. */

#include "cli/cli.h"

#define TRANSACTION_INTERFACE "org.tilld1.Transaction"

/* What tilld is asked to start. */
struct transaction_call {
        const char *kind;
        int64_t amount;
        const char *currency;
        const char *reference; /* NULL: one is made up */
        const char *order;
        const char *original;           /* path */
        const char *authorization_code; /* of an offline-sale */
        unsigned application;           /* of the card's several the one to take, 0: ask at the terminal */
        bool training;
};

/* Starts it, shows how it goes, and ends with its result. Returns the exit status. */
int transaction_follow(struct cli *cli, struct transaction_call *call);

/*
 * One that somebody names by its path, its reference, or the voucher number on its receipt, as Describe tells it with
 * its Path beside. Prints what went wrong; returns the exit status.
 */
int transaction_find(struct cli *cli, const char *name, cJSON **ret);

/* What transactions are looked for by; what is NULL or 0 does not matter. */
struct transaction_filter {
        const char *kind, *result, *reversal, *forwarding, *order, *last4, *rrn;
        const char *original; /* path */
        uint32_t batch, voucher;
        uint32_t limit; /* 0: all */
};

/* All that fit in the same form, newest first. Returns the exit status. */
int transaction_search(struct cli *cli, const struct transaction_filter *filter, cJSON **ret);

/* "12.50 CNY" of an amount in minor units; "" without a currency, and for the 0 of a kind that has no amount. */
#define TRANSACTION_AMOUNT_MAX 64
const char *transaction_amount(const cJSON *t, const char *name, char text[static TRANSACTION_AMOUNT_MAX]);
const char *transaction_result(const cJSON *t, enum cli_tone *ret_tone);
/* "Approved  CNY 12.50" and the message. */
void transaction_print_result(const struct cli *cli, const cJSON *t);
/* A label and its value; nothing where there is no value. */
void transaction_print_detail(const char *label, const char *value);
