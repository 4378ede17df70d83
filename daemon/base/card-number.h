/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Card numbers in texts that others have written: no paper shows a whole one. */

#include "base/macro.h"

/*
 * Whether a line of the text, as it comes out on paper, has what looks like a card number: characters that are dropped
 * there do not part its digits. Bytes that are no UTF-8 do.
 */
bool text_has_card_number(const char *text);
/* Blackens the digits of all that do, with "*", in place; the rest stays. Whether there were any. */
bool text_mask_card_numbers(char *text);
