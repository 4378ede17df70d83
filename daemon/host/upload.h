/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The details of a batch, uploaded when totals differ: DE48 of a 0320 is a count (2 digits) and as many records of 40:
 * 00 for a domestic card and 01 for a foreign one, STAN (6), card number filled with zeros on the left (20), amount
 * (12); zeros alone where the number is not known, if the profile has that. DE48 of the upload's end is the number of
 * records in all (4). As published UnionPay messages have it; the licensed text was not at hand.
 */

#include "host/profile.h"

#define HOST_DETAILS_MAX 8
#define HOST_DETAILS_DIGITS (2 + HOST_DETAILS_MAX * 40)
#define HOST_UPLOADED_DIGITS 4
#define HOST_UPLOADED_MAX 9999

struct host_detail {
        bool foreign;
        uint32_t stan;
        char pan[20]; /* "" where it is not known */
        int64_t amount;
};

/* -ERANGE: no record, more than HOST_DETAILS_MAX, or one with a member that its digits cannot hold. */
int host_details_format(const struct host_detail *details, size_t n, char text[static HOST_DETAILS_DIGITS + 1]);
/* Returns the number of records, or -EBADMSG. */
int host_details_parse(const char *text, struct host_detail ret[static HOST_DETAILS_MAX]);
