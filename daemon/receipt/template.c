// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/template.h"

#include "base/card-number.h"
#include "base/unicode.h"

#define NAME_MAX_LENGTH 32

/* The name between braces; *text is behind them then. */
static int take_name(const char **text, char name[NAME_MAX_LENGTH]) {
        const char *end = strchr(*text, '}');
        size_t l;

        if (!end)
                return -EINVAL;
        l = (size_t) (end - *text);
        if (l >= NAME_MAX_LENGTH)
                return -EINVAL;
        memcpy(name, *text, l);
        name[l] = '\0';
        *text = end + 1;
        return 0;
}

const char *template_forbidden(const char *name) {
        static const struct {
                const char *name, *reason;
        } forbidden[] = {
                { "expiry", "no paper shows a card's expiry: every scheme forbids it" },
                { "expiration", "no paper shows a card's expiry: every scheme forbids it" },
                { "expiry-date", "no paper shows a card's expiry: every scheme forbids it" },
                { "pan", "no paper shows a whole card number; {card} is the masked one" },
                { "card-number", "no paper shows a whole card number; {card} is the masked one" },
                { "track1", "no paper shows what is on a stripe" },
                { "track2", "no paper shows what is on a stripe" },
                { "cvv", "no paper shows a card's check value" },
                { "cvv2", "no paper shows a card's check value" },
                { "pin", "no paper shows a PIN" },
        };

        for (size_t i = 0; i < ELEMENTSOF(forbidden); i++)
                if (streq(forbidden[i].name, name))
                        return forbidden[i].reason;
        return NULL;
}

static int check_name(const char *name, const char **ret_reason) {
        const char *forbidden = template_forbidden(name);

        if (field_name_from_string(name) >= 0)
                return 0;
        *ret_reason = forbidden ?: "there is no such {field}; tilld-receipt(5) lists them";
        return -EINVAL;
}

int template_check(const char *text, const char **ret_reason) {
        char name[NAME_MAX_LENGTH];
        const char *p = text;
        uint32_t c;

        if (text_has_card_number(text)) {
                *ret_reason = "it has what looks like a card number; {card} is the masked one of the slip";
                return -EINVAL;
        }
        while ((c = unicode_next(&p)) != 0) {
                if (c == 0xfffd) {
                        *ret_reason = "it is not UTF-8";
                        return -EINVAL;
                }
                if (unicode_is_control(c) && c != '\n') {
                        *ret_reason = "it has a control character";
                        return -EINVAL;
                }
                if (c == '{' && *p == '{') {
                        p++;
                        continue;
                }
                if (c != '{')
                        continue;
                if (take_name(&p, name) < 0) {
                        *ret_reason = "a {field} is not closed; a brace itself is written {{";
                        return -EINVAL;
                }
                if (check_name(name, ret_reason) < 0)
                        return -EINVAL;
        }
        return 0;
}

static int put_named(FILE *f, const char **text, const struct slip *slip, struct languages languages) {
        char name[NAME_MAX_LENGTH], value[FIELD_TEXT_MAX];
        enum field_name field;
        int r;

        r = take_name(text, name);
        if (r < 0)
                return r;
        field = field_name_from_string(name);
        if (field < 0)
                return -EINVAL;
        r = field_text(slip, field, languages, value);
        if (r < 0)
                return r;
        fputs(value, f);
        return *value ? 1 : 0;
}

int template_fill(const char *text, const struct slip *slip, struct languages languages, char **ret) {
        _cleanup_free_ char *filled = NULL;
        size_t size;
        int r = 1;
        FILE *f;

        f = open_memstream(&filled, &size);
        if (!f)
                return -ENOMEM;
        while (r > 0 && *text) {
                char c = *text++;

                if (c == '{' && *text != '{') {
                        r = put_named(f, &text, slip, languages);
                        continue;
                }
                fputc(c, f);
                text += c == '{';
        }
        if (ferror(f) | fclose(f))
                return -ENOMEM;
        if (r > 0)
                *ret = TAKE_PTR(filled);
        return r;
}
