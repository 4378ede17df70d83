/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The last net: what has no place in a report is blackened, wherever it came from. Those who write it leave it out
 * themselves; what is counted here should not have been there.
 */

#include "base/macro.h"

struct filter {
        unsigned cards, tracks, phones, codes; /* that were blackened */
};

/* Makes it UTF-8 without controls but newlines and tabs, in place, a "?" for each byte that is none. */
void filter_clean(char *text);
/*
 * Puts "*" in the place of digits: of card numbers but the first six and last four, of the stripe's tracks, of phone
 * numbers but the last four, of codes and PINs. In place; lines are looked at one by one.
 */
void filter_mask(struct filter *f, char *text);
unsigned filter_count(const struct filter *f) _pure_;
