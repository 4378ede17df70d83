/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sentences in lines of a terminal, in the encoding of the locale; a wide character takes two columns. */

#include "base/macro.h"

/* Columns that a text takes. */
int wrap_width(const char *text);
/* In lines of at most so many columns, a mark before the first and blanks of its width before the others; a word that
 * is longer stays whole. */
void wrap_print(FILE *f, const char *mark, const char *text, int columns);
