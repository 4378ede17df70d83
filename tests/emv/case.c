// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/emv/case.h"

#include "base/config.h"

#define DEFAULTS "defaults"

struct reading {
        struct emv_cases *cases;
        struct emv_case defaults;
        size_t first; /* of this file */
};

static int add_line(struct emv_case *c, const char *key, const char *value, const char **ret_reason) {
        if (c->n >= CASE_LINES_MAX) {
                *ret_reason = "too many lines for one case";
                return -EINVAL;
        }
        c->lines[c->n].key = strdup(key);
        c->lines[c->n].value = strdup(value);
        if (!c->lines[c->n].key || !c->lines[c->n].value)
                return -ENOMEM;
        c->n++;
        return 0;
}

static int add_case(struct reading *r, const char *name, const char **ret_reason) {
        struct emv_case *items;

        for (size_t i = 0; i < r->cases->n; i++)
                if (streq(r->cases->items[i].name, name)) {
                        *ret_reason = "there is a case of that name";
                        return -EINVAL;
                }
        items = reallocarray(r->cases->items, r->cases->n + 1, sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->cases->items = items;
        items[r->cases->n] = (struct emv_case){ .name = strdup(name) };
        if (!items[r->cases->n].name)
                return -ENOMEM;
        r->cases->n++;
        for (size_t i = 0; i < r->defaults.n; i++) {
                int k = add_line(items + r->cases->n - 1, r->defaults.lines[i].key, r->defaults.lines[i].value,
                                 ret_reason);

                if (k < 0)
                        return k;
        }
        return 0;
}

static int on_assign(const char *section, const char *key, const char *value, void *userdata,
                     const char **ret_reason) {
        struct reading *r = userdata;
        struct emv_cases *cases = r->cases;
        int k;

        if (streq(section, DEFAULTS)) {
                if (cases->n == r->first)
                        return add_line(&r->defaults, key, value, ret_reason);
                *ret_reason = "the defaults come before the first case";
                return -EINVAL;
        }
        if (cases->n == r->first || !streq(cases->items[cases->n - 1].name, section)) {
                k = add_case(r, section, ret_reason);
                if (k < 0)
                        return k;
        }
        return add_line(cases->items + cases->n - 1, key, value, ret_reason);
}

static void case_done(struct emv_case *c) {
        for (size_t i = 0; i < c->n; i++) {
                free(c->lines[i].key);
                free(c->lines[i].value);
        }
        free(c->name);
}

int emv_cases_read(struct emv_cases *cases, const char *path) {
        struct reading r = { .cases = cases, .first = cases->n };
        int k;

        k = config_parse_file(path, on_assign, &r);
        case_done(&r.defaults);
        return k;
}

void emv_cases_done(struct emv_cases *cases) {
        for (size_t i = 0; i < cases->n; i++)
                case_done(cases->items + i);
        free(cases->items);
        *cases = (struct emv_cases){};
}

const char *emv_case_get(const struct emv_case *c, const char *key) {
        for (size_t i = c->n; i > 0; i--)
                if (streq(c->lines[i - 1].key, key))
                        return c->lines[i - 1].value;
        return NULL;
}
