// SPDX-License-Identifier: LGPL-2.1-or-later
/* An acquirer's statement: what is taken is in order, adds up, and is found again. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/statement-fixture.h"

static bool is_in_order(const struct statement *s) {
        for (size_t i = 1; i < s->n_lines; i++) {
                const struct statement_line *a = s->lines + i - 1, *b = s->lines + i;

                if (a->batch > b->batch || (a->batch == b->batch && a->stan > b->stan))
                        return false;
        }
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct statement *s = NULL;
        const char *reason = NULL;
        unsigned line = 0;

        if (parse_statement((const char *) data, size, 1 + size / 3, &s, &line, &reason) < 0) {
                check(!s && reason);
                return 0;
        }
        check(is_in_order(s));
        for (size_t i = 0; i < s->n_lines; i++) {
                const struct statement_line *l = s->lines + i, *found = statement_find(s, l->batch, l->stan);

                check(found && found <= l && found->batch == l->batch && found->stan == l->stan);
                check(l->amount >= 0 && l->number > 2 && statement_sign(l->kind) != 0);
        }
        statement_free(s);
        return 0;
}
