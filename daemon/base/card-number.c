// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/card-number.h"

#include "base/unicode.h"

#define DIGITS_MAX 19 /* ISO/IEC 7812-1 */

/* Digits without anything between, the newest last; n is one more than DIGITS_MAX where there are more. */
struct groups {
        struct group {
                const char *start; /* its first digit in the text */
                char digits[DIGITS_MAX + 1];
                size_t n;
        } group[DIGITS_MAX];
        size_t n;
};

/* A piece of the text, from one digit to behind another. */
struct span {
        const char *start, *end;
};

static bool luhn(const char *digits, size_t n) {
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned d = (unsigned) (digits[n - 1 - i] - '0') << (i % 2);

                sum += d > 9 ? d - 9 : d;
        }
        return sum % 10 == 0;
}

/*
 * First digits and lengths that payment schemes use, and none besides: one number of ten has the right check digit by
 * chance, and a checkout's slips are full of article and order numbers. So an EAN-13 is none unless it begins with 4,
 * as a Visa card of 13 digits; Maestro's few cards of 12 to 14 are given up to them. With 2 only Mir and Mastercard,
 * 2200 to 2720: other numbers with 2 begin with the year.
 */
static bool is_of_scheme(const char *digits, size_t n) {
        switch (digits[0]) {
        case '2':
                return n >= 16 && memcmp(digits, "2200", 4) >= 0 && memcmp(digits, "2720", 4) <= 0;
        case '3':
                return n >= 14;
        case '4':
                return n >= 13;
        case '5':
        case '6':
                return n >= 15;
        default:
                return false;
        }
}

/*
 * Whether somebody writes a card number so: 4-4-4-4, 4-6-5, 6-13, each digit alone. An article's number with a
 * quantity and a price behind it is not to be taken for a longer number.
 */
static bool is_card_grouping(const struct group *group, size_t n) {
        bool equal = true, long_enough = true;

        if (n == 1 || (n == 2 && group[0].n == 6 && group[1].n == 13))
                return true;
        for (size_t i = 0; i < n; i++) {
                if (group[i].n > 8)
                        return false;
                if (i + 1 == n)
                        continue;
                equal = equal && group[i].n == group[0].n;
                long_enough = long_enough && group[i].n >= 4;
        }
        return equal || long_enough;
}

static bool is_card_number(const struct group *group, size_t n_groups) {
        char digits[DIGITS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < n_groups; n += group[i++].n)
                memcpy(digits + n, group[i].digits, group[i].n);
        return is_card_grouping(group, n_groups) && is_of_scheme(digits, n) && luhn(digits, n);
}

/* Where the longest begins of those that end with the newest group; NULL for none. */
static const char *start_of_card_number(const struct groups *g) {
        const char *start = NULL;
        size_t n = 0;

        for (size_t first = g->n; first-- > 0;) {
                n += g->group[first].n;
                if (n > DIGITS_MAX)
                        break;
                if (is_card_number(g->group + first, g->n - first))
                        start = g->group[first].start;
        }
        return start;
}

static void begin_group(struct groups *g, const char *start) {
        if (g->n == ELEMENTSOF(g->group))
                memmove(g->group, g->group + 1, --g->n * sizeof(*g->group));
        g->group[g->n].start = start;
        g->group[g->n++].n = 0;
}

static void add_digit(struct groups *g, int digit) {
        struct group *group = g->group + g->n - 1;

        group->digits[MIN(group->n, (size_t) DIGITS_MAX)] = (char) ('0' + digit);
        group->n = MIN(group->n + 1, (size_t) DIGITS_MAX + 1);
}

/* Its value, or negative; also the full-width ones of Chinese texts. */
static int digit_of(uint32_t c) {
        if (c >= '0' && c <= '9')
                return (int) (c - '0');
        return c >= 0xff10 && c <= 0xff19 ? (int) (c - 0xff10) : -1;
}

/* Blanks and hyphens of any width. */
static bool is_separator(uint32_t c) {
        return c == ' ' || c == '\t' || c == 0xa0 || (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x3000 ||
               c == '-' || (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xff0d;
}

/*
 * The next group of digits that ends a card number, from the earliest digit of it on. *g is what was seen before
 * *text, which moves on; numbers may have groups in common.
 */
static bool next_card_number(struct groups *g, const char **text, struct span *ret) {
        const char *end = *text;
        bool in_group = false;
        uint32_t c;

        do {
                const char *here = *text;
                int digit;

                c = unicode_next(text);
                digit = digit_of(c);
                if (digit >= 0) {
                        if (!in_group)
                                begin_group(g, here);
                        in_group = true;
                        add_digit(g, digit);
                        end = *text;
                        continue;
                }
                /* Not on paper: what is around it comes together there. */
                if (c != 0 && c != '\n' && !is_separator(c) && unicode_is_control(c))
                        continue;
                ret->start = in_group ? start_of_card_number(g) : NULL;
                ret->end = end;
                in_group = false;
                if (!is_separator(c))
                        g->n = 0;
                if (ret->start)
                        return true;
        } while (c != 0);
        return false;
}

bool text_has_card_number(const char *text) {
        struct groups g = {};
        struct span span;

        return next_card_number(&g, &text, &span);
}

/* Byte for byte, so that what was found stays where it is. */
static void mask_digits(char *text, const char *end) {
        const char *next = text;

        for (; next < end; text += next - text)
                if (digit_of(unicode_next(&next)) >= 0)
                        memset(text, '*', (size_t) (next - text));
}

bool text_mask_card_numbers(char *text) {
        struct groups g = {};
        const char *next = text;
        struct span span;
        bool masked = false;

        while (next_card_number(&g, &next, &span)) {
                mask_digits(text + (span.start - text), span.end);
                masked = true;
        }
        return masked;
}
