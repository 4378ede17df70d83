// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/refusal.h"

/* More than any of them has. */
#define PARTS_MAX 8

/* All of tilld's, out of its sources (packaging/po/refusals), with %s for whatever is put in. */
static const char *const texts[] = {
#include <refusals.h>
};

struct part {
        const char *text;
        size_t n;
        bool is_quoted; /* somebody has typed it, and it stays as it is */
};

/* Whether text is the form with something in place of each %s: what, in *parts; last is the character before. */
static bool match(const char *form, char last, const char *text, struct part *parts, size_t n_parts) {
        for (; *form && !startswith(form, "%s"); last = *form++)
                if (*form != *text++)
                        return false;
        if (!*form)
                return !*text;
        for (size_t n = 0; n_parts > 0; n++) {
                if (match(form + 2, 's', text + n, parts + 1, n_parts - 1)) {
                        *parts = (struct part){ text, n, last == '"' };
                        return true;
                }
                if (!text[n])
                        break;
        }
        return false;
}

/* A word that the catalog has is said in the user's language, too. */
static void put_part(FILE *f, const struct part *part) {
        _cleanup_free_ char *word = strndup(part->text, part->n);

        if (word)
                fputs(part->is_quoted || !*word ? word : gettext(word), f);
}

/* In the translation's order: %s, or %2$s. */
static char *fill(const char *form, const struct part *parts) {
        char *ret = NULL;
        size_t size;
        FILE *f = open_memstream(&ret, &size);

        if (!f)
                return NULL;
        for (unsigned next = 0; *form;) {
                if (startswith(form, "%s")) {
                        put_part(f, parts + next++);
                        form += 2;
                } else if (form[0] == '%' && form[1] >= '1' && form[1] <= '0' + PARTS_MAX &&
                           startswith(form + 2, "$s")) {
                        put_part(f, parts + (form[1] - '1'));
                        form += 4;
                } else
                        fputc(*form++, f);
        }
        (void) fclose(f);
        return ret;
}

char *refusal_translate(const char *text) {
        struct part parts[PARTS_MAX] = {};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (match(texts[i], '\0', text, parts, PARTS_MAX))
                        return fill(gettext(texts[i]), parts);
        /* One that was put in whole. */
        return strdup(*text ? gettext(text) : text);
}
