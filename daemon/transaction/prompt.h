/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a cardholder is asked to do, in a language that card and terminal share (EMV Book 4, 11.1). */

#include "base/macro.h"

/*
 * The first of the card's languages (5F2D, "zhen") that there is a text in: "zh" or "en". Without one the
 * terminal's own: "zh" where country (9F1A) is China, else "en".
 */
const char *prompt_language(const char *card, const uint8_t country[static 2]);

/* The sentence for a Prompt of org.tilld1.Transaction; "" for one that asks nothing. */
const char *prompt_text(const char *prompt, const char *language);
