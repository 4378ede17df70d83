/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sentences in lines of a terminal, in the encoding of the locale; a wide character takes two columns. */

#include "base/macro.h"

/* Columns that a text takes. */
int wrap_width(const char *text);
/* How many bytes of it are its first line of at most so many columns; a word that is longer stays whole. */
size_t wrap_measure(const char *text, int most);
