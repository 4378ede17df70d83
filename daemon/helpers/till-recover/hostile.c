// SPDX-License-Identifier: LGPL-2.1-or-later
/* What devices say of themselves: bytes of anybody's. */
#include "base/unicode.h"
#include "helpers/till-recover/probe.h"

#define STRING_DESCRIPTOR 3

/* Items of a HID report descriptor, the two low bits say how long, and what they say. */
#define ITEM_TYPE 0xfc
#define ITEM_PAGE 0x04
#define ITEM_USAGE 0x09
#define PAGE_DESKTOP 0x01
#define PAGE_STRIPE 0x8e
#define USAGE_KEYBOARD 0x06

/* What has no place in a text, and what no bus takes. */
static bool is_odd(uint32_t c) {
        return (c != ' ' && unicode_is_control(c)) || c == 0 || c == 0xfffd || (c & 0xfffe) == 0xfffe ||
               (c >= 0xfdd0 && c <= 0xfdef);
}

static void put(char text[static PROBE_STRING_MAX], size_t *n, uint32_t c) {
        if (*n + 4 < PROBE_STRING_MAX)
                *n += unicode_put(is_odd(c) ? '?' : c, text + *n);
        text[*n] = '\0';
}

/* Half of a pair of surrogates is no character. */
static uint32_t next_unit(const uint8_t *units, size_t n, size_t *at) {
        uint32_t first = (uint32_t) (units[*at] | units[*at + 1] << 8), second;

        *at += 2;
        if (first < 0xd800 || first > 0xdfff)
                return first;
        if (first > 0xdbff || *at + 2 > n)
                return 0xfffd;
        second = (uint32_t) (units[*at] | units[*at + 1] << 8);
        if (second < 0xdc00 || second > 0xdfff)
                return 0xfffd;
        *at += 2;
        return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

int probe_read_string(const uint8_t *descriptor, size_t size, char text[static PROBE_STRING_MAX]) {
        size_t n = 0;

        if (size < 2 || descriptor[0] < 2 || descriptor[1] != STRING_DESCRIPTOR)
                return -EBADMSG;
        size = MIN(size, (size_t) descriptor[0]) & ~(size_t) 1;
        text[0] = '\0';
        for (size_t at = 2; at < size;)
                put(text, &n, next_unit(descriptor, size, &at));
        return 0;
}

void probe_clean(const char *from, char text[static PROBE_STRING_MAX]) {
        size_t n = 0;
        uint32_t c;

        text[0] = '\0';
        while ((c = unicode_next(&from)) != 0)
                put(text, &n, c);
}

/* Short items have 0, 1, 2 or 4 bytes behind their first, long ones say how many. */
enum probe_usage probe_read_usage(const uint8_t *d, size_t size) {
        enum probe_usage usage = PROBE_USAGE_OTHER;
        unsigned page = 0;

        for (size_t i = 0; i < size;) {
                size_t data = d[i] == 0xfe ? (i + 1 < size ? d[i + 1] + 2U : 0) : (d[i] & 3) == 3 ? 4 : d[i] & 3U;

                if ((d[i] & ITEM_TYPE) == ITEM_PAGE && i + data < size)
                        page = data == 1 ? d[i + 1] : data == 2 ? d[i + 1] | (unsigned) d[i + 2] << 8 : UINT32_MAX;
                if (page == PAGE_STRIPE)
                        return PROBE_USAGE_STRIPE;
                if (page == PAGE_DESKTOP && d[i] == ITEM_USAGE && i + 1 < size && d[i + 1] == USAGE_KEYBOARD)
                        usage = PROBE_USAGE_KEYBOARD;
                i += 1 + data;
        }
        return usage;
}
