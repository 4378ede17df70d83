// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/emv/rows.h"

#include "base/hex.h"

#define TVR_SIZE 5

enum code {
        DENIAL,
        ONLINE,
        DEFAULT,
};

static const struct {
        const char *name;
        enum code code;
        const char *line; /* a terminal= or set= line without its value */
} codes[] = {
        { "tac-denial", DENIAL, "terminal=application tac-denial" },
        { "tac-online", ONLINE, "terminal=application tac-online" },
        { "tac-default", DEFAULT, "terminal=application tac-default" },
        { "iac-denial", DENIAL, "set=record 1.2.1 9F0E" },
        { "iac-online", ONLINE, "set=record 1.2.1 9F0F" },
        { "iac-default", DEFAULT, "set=record 1.2.1 9F0D" },
};

static int add(struct emv_case *c, const char *key, const char *value) {
        if (c->n >= CASE_LINES_MAX)
                return -ENOBUFS;
        c->lines[c->n].key = strdup(key);
        c->lines[c->n].value = strdup(value);
        c->n++;
        return c->lines[c->n - 1].key && c->lines[c->n - 1].value ? 0 : -ENOMEM;
}

/* "terminal=…", with a value behind it. */
static int add_line(struct emv_case *c, const char *line, const char *value) {
        char key[32], text[160];
        const char *equals = strchr(line, '=');

        snprintf(key, sizeof(key), "%.*s", (int) (equals - line), line);
        snprintf(text, sizeof(text), "%s=%s", equals + 1, value);
        return add(c, key, text);
}

/* What comes of it (Book 3, 10.7; response codes: Book 4, Annex A6). */
static int add_expectations(struct emv_case *c, enum code code, bool set, bool forced) {
        static const char *const keys[] = { "answer", "ac1", "ac2", "arc", "outcome", "reason" };
        static const char *const denied[] = { "", "AAC", "none", "Z1", "declined", "terminal" };
        static const char *const approved[] = { "", "TC", "none", "Y1", "approved", "none" };
        static const char *const asked[] = { "approve arpc=none", "ARQC", "TC", "00", "approved", "none" };
        static const char *const refused[] = { "not-sent", "ARQC", "AAC", "Z3", "declined", "unable-online" };
        static const char *const kept[] = { "not-sent", "ARQC", "TC", "Y3", "approved", "none" };
        const char *const *values = approved;
        int k = 0;

        if (code == DENIAL && set)
                values = denied;
        else if (code == DEFAULT)
                values = set ? refused : kept;
        else if (set || forced)
                values = asked;
        for (size_t i = *values[0] ? 0 : 1; i < ELEMENTSOF(keys) && k >= 0; i++)
                k = add(c, keys[i], values[i]);
        return k;
}

static int make_row(const struct emv_case *c, size_t code, bool set, const char *value, struct emv_case *ret) {
        const char *start = emv_case_get(c, "start");
        char word[64];
        int k = 0;

        *ret = (struct emv_case){};
        if (asprintf(&ret->name, "%s/%s-%s", c->name, codes[code].name, set ? "set" : "clear") < 0)
                return -ENOMEM;
        for (size_t i = 0; i < c->n && k >= 0; i++)
                k = add(ret, c->lines[i].key, c->lines[i].value);
        if (k >= 0 && codes[code].code == DEFAULT)
                k = add_line(ret, "terminal=application tac-online", emv_case_get(c, "row-trigger") ?: "8000000000");
        if (k >= 0)
                k = add_line(ret, codes[code].line, value);
        if (k >= 0)
                k = add_expectations(ret, codes[code].code, set, start && strstr(start, "force-online=yes"));
        snprintf(word, sizeof(word), "%s %s %s", codes[code].name, set ? "set" : "clear", emv_case_get(c, "row"));
        return k < 0 ? k : add(ret, "row-of", word);
}

int rows_make(const struct emv_case *c, struct emv_cases *ret) {
        const char *tvr_text = emv_case_get(c, "tvr"), *only = emv_case_get(c, "rows");
        uint8_t tvr[TVR_SIZE], value[TVR_SIZE];
        unsigned int byte, bit;
        char hex[2 * TVR_SIZE + 1];
        int k;

        if (sscanf(emv_case_get(c, "row"), "%u.%u", &byte, &bit) != 2 || byte < 1 || byte > TVR_SIZE || bit < 1 ||
            bit > 8 || !tvr_text || hex_decode(tvr_text, tvr, sizeof(tvr)) != TVR_SIZE)
                return -EINVAL;
        if (!(tvr[byte - 1] & 1 << (bit - 1))) {
                printf("# %s: tvr= does not have the bit of row=\n", c->name);
                return -EINVAL;
        }
        ret->items = calloc(2 * ELEMENTSOF(codes), sizeof(*ret->items));
        if (!ret->items)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                if (only && !strstr(only, codes[i].name + 4))
                        continue;
                for (int set = 0; set < 2; set++) {
                        for (size_t b = 0; b < TVR_SIZE; b++)
                                value[b] = set ? (b == byte - 1 ? (uint8_t) (1 << (bit - 1)) : 0) : (uint8_t) ~tvr[b];
                        hex_encode(value, sizeof(value), hex);
                        k = make_row(c, i, set, hex, ret->items + ret->n++);
                        if (k < 0)
                                return k;
                }
        }
        return 0;
}
