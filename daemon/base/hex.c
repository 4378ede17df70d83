// SPDX-License-Identifier: LGPL-2.1-or-later
#include <ctype.h>

#include "base/hex.h"

void hex_encode(const void *data, size_t size, char *text) {
        static const char digits[] = "0123456789ABCDEF";
        const uint8_t *p = data;

        for (size_t i = 0; i < size; i++) {
                *text++ = digits[p[i] >> 4];
                *text++ = digits[p[i] & 0x0F];
        }
        *text = '\0';
}

char *hex_encode_alloc(const void *data, size_t size) {
        char *text = malloc(size * 2 + 1);

        if (text)
                hex_encode(data, size, text);
        return text;
}

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -EINVAL;
}

ssize_t hex_decode(const char *text, void *data, size_t size) {
        uint8_t *p = data;
        size_t n = 0;

        for (;;) {
                int high, low;

                while (isspace((unsigned char) *text))
                        text++;
                if (!*text)
                        return (ssize_t) n;

                high = hex_digit(text[0]);
                if (high < 0)
                        return -EINVAL;
                low = hex_digit(text[1]);
                if (low < 0)
                        return -EINVAL;
                if (n >= size)
                        return -ENOBUFS;
                p[n++] = (uint8_t) (high << 4 | low);
                text += 2;
        }
}
