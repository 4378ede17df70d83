/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Characters one by one, without a locale. */

#include "base/macro.h"

/* Takes one character from *text and moves it on. U+FFFD for a byte that is no UTF-8; 0 at the end. */
uint32_t unicode_next(const char **text);
/* Whether the text is UTF-8 throughout. */
bool unicode_is_valid(const char *text);
/* Whether it is, and has no control of any sort (unicode_is_control()); with lines newlines are none. */
bool unicode_is_plain(const char *text, bool lines);
bool unicode_is_ascii(const char *text);
/* Writes up to 4 bytes, no terminator; returns how many. */
size_t unicode_put(uint32_t c, char *text);
/* Into a field: as many whole characters as it has room for, "?" for what is no UTF-8. */
void unicode_copy(char *field, size_t size, const char *text);
#define COPY_CHARACTERS(field, text) unicode_copy(field, sizeof(field), text)
/* Columns as a printer with a Chinese font takes them: 0, 1 or 2. */
unsigned unicode_width(uint32_t c);
/* Controls, formats, separators and what is private: they have no place on paper. */
bool unicode_is_control(uint32_t c);
/* Must not stand at the start of a line: closing marks. */
bool unicode_clings(uint32_t c);
