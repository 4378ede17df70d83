// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-notify/mail-header.h"

#include <openssl/evp.h>

#include "base/unicode.h"

/* An encoded word is below 76 bytes: with "=?UTF-8?B?" and "?=", 63 of base64; and whole characters. */
#define WORD_BYTES 45

static size_t word_length(const char *text) {
        const char *at = text;

        while (*at) {
                const char *next = at;

                (void) unicode_next(&next);
                if (next - text > WORD_BYTES)
                        break;
                at = next;
        }
        return (size_t) (at - text);
}

int mail_header_encode(const char *name, const char *text, char *ret, size_t size) {
        size_t used = (size_t) snprintf(ret, size, "%s:", name);
        const char *separator = " ";

        while (*text && used < size) {
                unsigned char base64[WORD_BYTES / 3 * 4 + 1];
                size_t n = word_length(text);

                (void) EVP_EncodeBlock(base64, (const unsigned char *) text, (int) n);
                used += (size_t) snprintf(ret + used, size - used, "%s=?UTF-8?B?%s?=", separator, base64);
                separator = "\r\n ";
                text += n;
        }
        return used < size ? 0 : -EMSGSIZE;
}
