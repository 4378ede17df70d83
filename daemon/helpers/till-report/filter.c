// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/filter.h"

#include <ctype.h>
#include <strings.h>

#include "base/card-number.h"
#include "base/unicode.h"

#define CARD_MIN 12
#define CARD_MAX 19
#define GROUPS_MAX 8
#define MOBILE_SIZE 11

void filter_clean(char *text) {
        const char *next = text;

        for (char *here = text; *here; here = (char *) next) {
                uint32_t c = unicode_next(&next);

                if (c == '\n' || c == '\t' || (c != 0xfffd && !unicode_is_control(c)))
                        continue;
                memset(here, '?', (size_t) (next - here));
        }
}

unsigned filter_count(const struct filter *f) {
        return f->cards + f->tracks + f->phones + f->codes;
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static size_t digits_at(const char *text) {
        size_t n = 0;

        while (is_digit(text[n]))
                n++;
        return n;
}

/* The digits of a span but the first and the last so many. */
static void blacken(char *from, const char *to, size_t first, size_t last) {
        size_t n = 0, at = 0;

        for (const char *c = from; c < to; c++)
                n += is_digit(*c);
        for (char *c = from; c < to; c++)
                if (is_digit(*c) && at++ >= first && at <= n - MIN(last, n))
                        *c = '*';
}

/* ---- The stripe ---- */

/* ";PAN=…?" and "PAN=…", where the number's end is what follows at least seven digits. */
static char *track_two_end(char *text) {
        size_t n = digits_at(text), rest;

        if (n < CARD_MIN || n > CARD_MAX || !strchr("=Dd", text[n]) || text[n] == '\0')
                return NULL;
        rest = digits_at(text + n + 1);
        return rest >= 7 ? text + n + 1 + rest : NULL;
}

/* "%B…^NAME^…?" and the name with it. */
static char *track_one_end(char *text) {
        size_t n = digits_at(text), name;

        if (n < 8 || n > CARD_MAX || text[n] != '^')
                return NULL;
        name = strcspn(text + n + 1, "^\n");
        if (name > 26 || text[n + 1 + name] != '^')
                return NULL;
        memset(text + n + 1, '*', name);
        return text + n + 2 + name + strcspn(text + n + 2 + name, "?\n");
}

static void mask_tracks(struct filter *f, char *text) {
        for (char *c = text; *c; c++) {
                bool starts = is_digit(*c) && (c == text || !is_digit(c[-1]));
                char *end = starts ? track_two_end(c) ?: track_one_end(c) : NULL;

                if (!end)
                        continue;
                for (char *a = c; a < end; a++)
                        if (isalnum((unsigned char) *a))
                                *a = '*';
                f->tracks++;
                c = end - 1;
        }
}

/* ---- Codes ---- */

static const char *const code_words[] = {
        "pin",  "code", "password", "passwd", "passcode", "cvv",    "cvc",
        "cvv2", "cvc2", "otp",      "密码",   "验证码",   "校验码",
};
static const char *const code_tails[] = { " is the code", " is your code", "为验证码", "是验证码", "为您的验证码" };

/* Where a word ends at here, which stands alone or is Chinese; NULL for none. */
static const char *word_end(const char *text, const char *here) {
        for (size_t i = 0; i < ELEMENTSOF(code_words); i++) {
                size_t n = strlen(code_words[i]);

                if (strncasecmp(here, code_words[i], n) != 0)
                        continue;
                if ((unsigned char) *here < 0x80 &&
                    ((here > text && isalnum((unsigned char) here[-1])) || isalnum((unsigned char) here[n])))
                        continue;
                return here + n;
        }
        return NULL;
}

/* What may stand between the word and its digits. */
static const char *skip_link(const char *text) {
        static const char *const links[] = { "：", "为", "是", "is ", "was " };
        bool more = true;

        while (more) {
                text += strspn(text, " \t:=\"'");
                more = false;
                for (size_t i = 0; i < ELEMENTSOF(links) && !more; i++)
                        if (startswith(text, links[i])) {
                                text += strlen(links[i]);
                                more = true;
                        }
        }
        return text;
}

static bool is_code(size_t n) {
        return n >= 3 && n <= 12;
}

static void mask_codes(struct filter *f, char *text) {
        for (char *c = text; *c; c++) {
                const char *end = word_end(text, c), *digits = end ? skip_link(end) : NULL;
                size_t n = digits ? digits_at(digits) : 0;

                if (!is_code(n))
                        continue;
                memset(text + (digits - text), '*', n);
                f->codes++;
        }
        for (char *c = text; *c; c++) {
                size_t n = c == text || !is_digit(c[-1]) ? digits_at(c) : 0;

                for (size_t i = 0; is_code(n) && i < ELEMENTSOF(code_tails); i++)
                        if (startswith(c + n, code_tails[i])) {
                                memset(c, '*', n);
                                f->codes++;
                                break;
                        }
        }
}

/* ---- Phone numbers ---- */

/* The end of "+86 138 0013 8000" behind its plus, in single blanks and hyphens; NULL for none. */
static char *phone_end(char *text) {
        size_t n = 0;
        char *end = text;

        if (*text < '1' || *text > '9')
                return NULL;
        for (char *c = text; is_digit(*c) || ((*c == ' ' || *c == '-') && is_digit(c[1])); c++)
                if (is_digit(*c)) {
                        n++;
                        end = c + 1;
                }
        return n >= 7 && n <= 15 ? end : NULL;
}

/* A mobile number of the mainland without its country: 11 digits together, or 3-4-4. */
static char *mobile_end(char *text) {
        size_t n = digits_at(text);

        if (text[0] != '1' || text[1] < '3' || text[1] > '9')
                return NULL;
        if (n == MOBILE_SIZE)
                return text + n;
        if (n == 3 && (text[3] == ' ' || text[3] == '-') && digits_at(text + 4) == 4 && text[8] == text[3] &&
            digits_at(text + 9) == 4)
                return text + 13;
        return NULL;
}

static void mask_phones(struct filter *f, char *text) {
        for (char *c = text; *c; c++) {
                bool plus = c > text && c[-1] == '+';
                bool starts = is_digit(*c) && (c == text || !is_digit(c[-1]));
                char *end = !starts ? NULL : plus ? phone_end(c) : mobile_end(c);

                /* 86 in front of it is no plus, but no other number either. */
                if (starts && !end && c[0] == '8' && c[1] == '6' && digits_at(c) == MOBILE_SIZE + 2)
                        end = mobile_end(c + 2);
                if (!end)
                        continue;
                blacken(c, end, 0, 4);
                f->phones++;
                c = end - 1;
        }
}

/* ---- Card numbers ---- */

static bool luhn(const char *digits, size_t n) {
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++) {
                unsigned d = (unsigned) (digits[n - 1 - i] - '0') << (i % 2);

                sum += d > 9 ? d - 9 : d;
        }
        return sum % 10 == 0;
}

/* Digits together, and single blanks or hyphens between such groups. */
struct chain {
        struct {
                char *start;
                size_t n;
        } group[GROUPS_MAX];
        size_t n;
        char *end;
};

static void read_chain(char *text, struct chain *ret) {
        *ret = (struct chain){ .end = text };
        while (ret->n < GROUPS_MAX && is_digit(*text)) {
                ret->group[ret->n].start = text;
                ret->group[ret->n].n = digits_at(text);
                ret->end = text += ret->group[ret->n++].n;
                if ((*text != ' ' && *text != '-') || !is_digit(text[1]))
                        return;
                text++;
        }
}

static bool is_card(const struct chain *chain, size_t first, size_t last) {
        char digits[CARD_MAX];
        size_t n = 0;

        for (size_t i = first; i <= last; i++) {
                if (n + chain->group[i].n > sizeof(digits) || (i < last && chain->group[i].n < 3))
                        return false;
                memcpy(digits + n, chain->group[i].start, chain->group[i].n);
                n += chain->group[i].n;
        }
        return n >= CARD_MIN && luhn(digits, n);
}

/* The longest that begins with this group; *ret_last is its last one. */
static bool find_card(const struct chain *chain, size_t first, size_t *ret_last) {
        for (size_t last = chain->n; last-- > first;)
                if (is_card(chain, first, last)) {
                        *ret_last = last;
                        return true;
                }
        return false;
}

/* Returns how many. */
static unsigned mask_chain(const struct chain *chain) {
        unsigned found = 0;

        for (size_t i = 0, last; i < chain->n; i++) {
                if (chain->group[i].n > CARD_MAX)
                        last = i;
                else if (!find_card(chain, i, &last))
                        continue;
                blacken(chain->group[i].start, chain->group[last].start + chain->group[last].n, 6, 4);
                found++;
                i = last;
        }
        return found;
}

static unsigned mask_chains(char *text) {
        struct chain chain;
        unsigned found = 0;

        for (char *c = text; *c; c++) {
                if (!is_digit(*c))
                        continue;
                read_chain(c, &chain);
                found += mask_chain(&chain);
                c = chain.end - 1;
        }
        return found;
}

static void mask_cards(struct filter *f, char *text) {
        unsigned found;

        /* The four digits that stay may be the beginning of another one. */
        do {
                found = mask_chains(text);
                f->cards += found;
        } while (found > 0);
        /* Wide digits, and each digit alone. */
        f->cards += text_mask_card_numbers(text);
}

void filter_mask(struct filter *f, char *text) {
        mask_tracks(f, text);
        mask_codes(f, text);
        mask_phones(f, text);
        mask_cards(f, text);
}
