// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/unicode.h"

struct range {
        uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t n, uint32_t c) {
        for (size_t i = 0; i < n && ranges[i].first <= c; i++)
                if (c <= ranges[i].last)
                        return true;
        return false;
}

uint32_t unicode_next(const char **text) {
        const uint8_t *p = (const uint8_t *) *text;
        uint32_t c, least;
        unsigned n;

        if (*p == 0)
                return 0;
        if (*p < 0x80) {
                ++*text;
                return *p;
        }
        if (*p >= 0xc2 && *p <= 0xdf) {
                c = *p & 0x1f;
                n = 1;
                least = 0x80;
        } else if (*p >= 0xe0 && *p <= 0xef) {
                c = *p & 0x0f;
                n = 2;
                least = 0x800;
        } else if (*p >= 0xf0 && *p <= 0xf4) {
                c = *p & 0x07;
                n = 3;
                least = 0x10000;
        } else {
                ++*text;
                return 0xfffd;
        }
        for (unsigned i = 1; i <= n; i++) {
                if ((p[i] & 0xc0) != 0x80) {
                        *text += i;
                        return 0xfffd;
                }
                c = c << 6 | (p[i] & 0x3f);
        }
        *text += n + 1;
        return c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0xfffd : c;
}

bool unicode_is_valid(const char *text) {
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                if (c == 0xfffd)
                        return false;
        return true;
}

bool unicode_is_plain(const char *text, bool lines) {
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                if (c == 0xfffd || (unicode_is_control(c) && !(lines && c == '\n')))
                        return false;
        return true;
}

bool unicode_is_ascii(const char *text) {
        for (; *text; text++)
                if ((uint8_t) *text >= 0x80)
                        return false;
        return true;
}

size_t unicode_put(uint32_t c, char *text) {
        if (c < 0x80) {
                text[0] = (char) c;
                return 1;
        }
        if (c < 0x800) {
                text[0] = (char) (0xc0 | c >> 6);
                text[1] = (char) (0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                text[0] = (char) (0xe0 | c >> 12);
                text[1] = (char) (0x80 | (c >> 6 & 0x3f));
                text[2] = (char) (0x80 | (c & 0x3f));
                return 3;
        }
        text[0] = (char) (0xf0 | c >> 18);
        text[1] = (char) (0x80 | (c >> 12 & 0x3f));
        text[2] = (char) (0x80 | (c >> 6 & 0x3f));
        text[3] = (char) (0x80 | (c & 0x3f));
        return 4;
}

void unicode_copy(char *field, size_t size, const char *text) {
        char *end = field + size - 1;
        uint32_t c;

        while ((c = unicode_next(&text)) != 0) {
                char utf8[4];
                size_t n = unicode_put(c == 0xfffd ? '?' : c, utf8);

                if (n > (size_t) (end - field))
                        break;
                memcpy(field, utf8, n);
                field += n;
        }
        *field = '\0';
}

/*
 * East Asian Width W and F of UAX #11, and what GB18030 has in two bytes: printers draw that two columns wide,
 * so quotes, Greek, Cyrillic and symbols count as wide here.
 */
static const struct range wide[] = {
        { 0x00a4, 0x00a4 },   { 0x00a7, 0x00a8 },   { 0x00b0, 0x00b1 },   { 0x00b7, 0x00b7 },   { 0x00d7, 0x00d7 },
        { 0x00e0, 0x00e1 },   { 0x00e8, 0x00ea },   { 0x00ec, 0x00ed },   { 0x00f2, 0x00f3 },   { 0x00f7, 0x00f7 },
        { 0x00f9, 0x00fa },   { 0x00fc, 0x00fc },   { 0x0101, 0x0101 },   { 0x0113, 0x0113 },   { 0x011b, 0x011b },
        { 0x012b, 0x012b },   { 0x0144, 0x0144 },   { 0x0148, 0x0148 },   { 0x014d, 0x014d },   { 0x016b, 0x016b },
        { 0x01ce, 0x01ce },   { 0x01d0, 0x01d0 },   { 0x01d2, 0x01d2 },   { 0x01d4, 0x01d4 },   { 0x01d6, 0x01d6 },
        { 0x01d8, 0x01d8 },   { 0x01da, 0x01da },   { 0x01dc, 0x01dc },   { 0x01f9, 0x01f9 },   { 0x0251, 0x0251 },
        { 0x0261, 0x0261 },   { 0x02c7, 0x02c7 },   { 0x02c9, 0x02cb },   { 0x02d9, 0x02d9 },   { 0x0391, 0x03c9 },
        { 0x0401, 0x0451 },   { 0x1100, 0x115f },   { 0x1e3f, 0x1e3f },   { 0x2010, 0x203e },   { 0x20ac, 0x20ac },
        { 0x2103, 0x2199 },   { 0x2208, 0x22bf },   { 0x2312, 0x2312 },   { 0x231a, 0x231b },   { 0x2329, 0x232a },
        { 0x23e9, 0x23f3 },   { 0x2460, 0x27bf },   { 0x2b1b, 0x2b1c },   { 0x2b50, 0x2b55 },   { 0x2e80, 0x303f },
        { 0x3041, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe10, 0xfe19 },
        { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },   { 0xfffd, 0xfffd },   { 0x16fe0, 0x18cff },
        { 0x1b000, 0x1b2ff }, { 0x1f004, 0x1f0cf }, { 0x1f18e, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f7e0, 0x1faff },
        { 0x20000, 0x3fffd },
};

static const struct range combining[] = {
        { 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f }, { 0x0e31, 0x0e31 },
        { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
        { 0x302a, 0x302f }, { 0x3099, 0x309a }, { 0xfe20, 0xfe2f },
};

/* Cc, Cf, Zl, Zp, variation selectors, private use and noncharacters. */
static const struct range control[] = {
        { 0x0000, 0x001f },   { 0x007f, 0x009f },    { 0x00ad, 0x00ad },   { 0x034f, 0x034f },   { 0x0600, 0x0605 },
        { 0x061c, 0x061c },   { 0x06dd, 0x06dd },    { 0x070f, 0x070f },   { 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },
        { 0x180b, 0x180f },   { 0x200b, 0x200f },    { 0x2028, 0x202e },   { 0x2060, 0x206f },   { 0x3164, 0x3164 },
        { 0xd800, 0xf8ff },   { 0xfdd0, 0xfdef },    { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
        { 0xfff0, 0xfffb },   { 0xfffe, 0xffff },    { 0x110bd, 0x110bd }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a },
        { 0x3fffe, 0x3ffff }, { 0xe0000, 0x10ffff },
};

unsigned unicode_width(uint32_t c) {
        if (c < 0x80)
                return c >= 0x20 && c != 0x7f;
        if (in_ranges(combining, ELEMENTSOF(combining), c) || unicode_is_control(c))
                return 0;
        return in_ranges(wide, ELEMENTSOF(wide), c) ? 2 : 1;
}

bool unicode_is_control(uint32_t c) {
        return in_ranges(control, ELEMENTSOF(control), c);
}

bool unicode_clings(uint32_t c) {
        static const uint32_t marks[] = { '!',    ')',    ',',    '.',    ':',    ';',    '?',    0x2019,
                                          0x201d, 0x3001, 0x3002, 0x3009, 0x300b, 0x300d, 0x300f, 0x3011,
                                          0xff01, 0xff09, 0xff0c, 0xff0e, 0xff1a, 0xff1b, 0xff1f };

        for (size_t i = 0; i < ELEMENTSOF(marks); i++)
                if (marks[i] == c)
                        return true;
        return false;
}
