/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/macro.h"

/* Writes 2*size upper-case digits and a terminator to text. */
void hex_encode(const void *data, size_t size, char *text);
/* Returns an allocated string, NULL when out of memory. */
char *hex_encode_alloc(const void *data, size_t size);
/*
 * Reads digits of either case, white space between bytes allowed. Returns the number of bytes
 * written to data, -EINVAL on anything else or an odd count, -ENOBUFS beyond size bytes.
 */
ssize_t hex_decode(const char *text, void *data, size_t size);

/* The last two decimal digits of n as one BCD byte. */
static inline uint8_t bcd_byte(size_t n) {
        return (uint8_t) (n / 10 % 10 << 4 | n % 10);
}
