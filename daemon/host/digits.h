/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers as runs of decimal digits of a fixed length, which the private fields are made of. */

#include "base/macro.h"

/* The last n digits of value, zeros on the left, no terminator. */
static inline void digits_write(char *text, size_t n, uint64_t value) {
        for (; n > 0; value /= 10)
                text[--n] = (char) ('0' + value % 10);
}

/* n characters that are digits; at most 19. */
static inline uint64_t digits_read(const char *text, size_t n) {
        uint64_t value = 0;

        for (size_t i = 0; i < n; i++)
                value = value * 10 + (uint64_t) (text[i] - '0');
        return value;
}

/* Whether text is exactly n digits. */
static inline bool digits_only(const char *text, size_t n) {
        return strspn(text, "0123456789") == n && text[n] == '\0';
}
