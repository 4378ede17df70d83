// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/statement.h"

#include <ctype.h>

#include "base/amount.h"

#define LINE_MAX_SIZE 512
#define COLUMNS_MAX 24

enum column { RRN, STAN, BATCH, KIND, AMOUNT, CURRENCY, TERMINAL, _COLUMN_MAX };

static const char *const column_names[_COLUMN_MAX] = {
        [RRN] = "rrn",       [STAN] = "stan",         [BATCH] = "batch",       [KIND] = "kind",
        [AMOUNT] = "amount", [CURRENCY] = "currency", [TERMINAL] = "terminal",
};

struct parser {
        const char *at, *end;
        char line[LINE_MAX_SIZE];
        unsigned number;
        int place[_COLUMN_MAX]; /* of a column in a line */
        struct statement *statement;
        size_t room;
        int64_t sum;
        const char *reason;
};

struct statement *statement_free(struct statement *s) {
        if (!s)
                return NULL;
        free(s->lines);
        free(s);
        return NULL;
}

static int wrong(struct parser *p, const char *reason) {
        p->reason = reason;
        return -EINVAL;
}

/* 1 with the next line in p->line, 0 at the end of the text. */
static int next_line(struct parser *p) {
        const char *newline;
        size_t l;

        if (p->at == p->end)
                return 0;
        p->number++;
        newline = memchr(p->at, '\n', (size_t) (p->end - p->at));
        l = (size_t) ((newline ?: p->end) - p->at);
        if (l >= sizeof(p->line) || memchr(p->at, '\0', l))
                return wrong(p, "it is too long, or no text");
        memcpy(p->line, p->at, l);
        if (l > 0 && p->line[l - 1] == '\r')
                l--;
        p->line[l] = '\0';
        p->at = newline ? newline + 1 : p->end;
        return 1;
}

/* Cuts p->line up. Returns how many fields there are. */
static int split(struct parser *p, char *fields[static COLUMNS_MAX]) {
        char *rest = p->line;
        int n = 0;

        while (rest) {
                if (n == COLUMNS_MAX)
                        return wrong(p, "it has too many fields");
                fields[n++] = strsep(&rest, ",");
        }
        return n;
}

static int parse_head(struct parser *p) {
        char *fields[COLUMNS_MAX];
        int n, r;

        r = next_line(p);
        if (r < 0)
                return r;
        if (r == 0 || !streq(p->line, "till-statement,1"))
                return wrong(p, "a statement begins with the line till-statement,1");
        r = next_line(p);
        if (r < 0)
                return r;
        n = r > 0 ? split(p, fields) : 0;
        if (n < 0)
                return n;
        for (enum column c = 0; c < _COLUMN_MAX; c++) {
                p->place[c] = -1;
                for (int i = 0; i < n; i++)
                        if (streq(fields[i], column_names[c]))
                                p->place[c] = i;
                if (p->place[c] < 0)
                        return wrong(p, "a column is missing: rrn, stan, batch, kind, amount, currency and terminal "
                                        "have to be there");
        }
        return 0;
}

static int parse_number(const char *text, int64_t min, int64_t max, int64_t *ret) {
        size_t l = strlen(text);
        int64_t n;

        if (l == 0 || l > 15 || strspn(text, "0123456789") != l)
                return -EINVAL;
        n = strtoll(text, NULL, 10);
        if (n < min || n > max)
                return -EINVAL;
        *ret = n;
        return 0;
}

static bool copy_word(char *to, size_t size, const char *from) {
        if (strlen(from) >= size)
                return false;
        copy_text(to, size, from);
        return true;
}

int statement_sign(const char *kind) {
        static const char *const plus[] = { "sale", "completion", "offline-sale", "tip" };
        static const char *const minus[] = { "void", "completion-void", "refund" };

        for (size_t i = 0; i < ELEMENTSOF(plus); i++)
                if (streq(plus[i], kind))
                        return 1;
        for (size_t i = 0; i < ELEMENTSOF(minus); i++)
                if (streq(minus[i], kind))
                        return -1;
        return 0;
}

static int parse_fields(struct parser *p, char *const *fields, struct statement_line *ret) {
        struct statement_line line = { .number = p->number };
        const struct currency *currency;
        int64_t stan, batch, numeric;

        if (!copy_word(line.rrn, sizeof(line.rrn), fields[p->place[RRN]]) ||
            !copy_word(line.kind, sizeof(line.kind), fields[p->place[KIND]]) ||
            !copy_word(line.terminal, sizeof(line.terminal), fields[p->place[TERMINAL]]))
                return wrong(p, "rrn, kind or terminal is too long");
        if (parse_number(fields[p->place[STAN]], 1, 999999, &stan) < 0 ||
            parse_number(fields[p->place[BATCH]], 1, 999999, &batch) < 0)
                return wrong(p, "stan and batch are numbers from 1 to 999999");
        if (parse_number(fields[p->place[AMOUNT]], 0, AMOUNT_MAX, &line.amount) < 0)
                return wrong(p, "amount is a number of minor units without a sign");
        if (statement_sign(line.kind) == 0)
                return wrong(p, "its kind is none that moves money");
        if (parse_number(fields[p->place[CURRENCY]], 1, 999, &numeric) < 0)
                return wrong(p, "currency is an ISO 4217 number");
        currency = currency_find_numeric((unsigned) numeric);
        if (!currency)
                return wrong(p, "its currency is not one of this terminal");
        COPY(line.currency, currency->code);
        line.stan = (uint32_t) stan;
        line.batch = (uint32_t) batch;
        *ret = line;
        return 0;
}

static int add_line(struct parser *p, const struct statement_line *line) {
        struct statement *s = p->statement;

        if (s->n_lines == p->room) {
                struct statement_line *grown = reallocarray(s->lines, p->room + 256, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                s->lines = grown;
                p->room += 256;
        }
        s->lines[s->n_lines++] = *line;
        p->sum += statement_sign(line->kind) * line->amount;
        return 0;
}

static int parse_end(struct parser *p, char *const *fields, int n) {
        char *end;
        int64_t count, sum;

        if (n != 3 || parse_number(fields[1], 0, INT32_MAX, &count) < 0)
                return wrong(p, "the last line is end, how many lines, and their sum");
        errno = 0;
        sum = strtoll(fields[2], &end, 10);
        if (errno > 0 || *end || end == fields[2])
                return wrong(p, "the last line is end, how many lines, and their sum");
        if ((size_t) count != p->statement->n_lines || sum != p->sum)
                return wrong(p, "it does not say what the lines above come to: some are missing or changed");
        for (; p->at < p->end; p->at++)
                if (!isspace((unsigned char) *p->at))
                        return wrong(p, "something follows the last line");
        return 0;
}

static int parse_lines(struct parser *p) {
        for (;;) {
                struct statement_line line;
                char *fields[COLUMNS_MAX];
                int n, r;

                r = next_line(p);
                if (r == 0)
                        return wrong(p, "the statement is cut off: its last line is end,…");
                n = r > 0 ? split(p, fields) : r;
                if (n < 0)
                        return n;
                if (streq(fields[0], "end"))
                        return parse_end(p, fields, n);
                for (enum column c = 0; c < _COLUMN_MAX; c++)
                        if (p->place[c] >= n)
                                return wrong(p, "it has too few fields");
                r = parse_fields(p, fields, &line);
                if (r >= 0)
                        r = add_line(p, &line);
                if (r < 0)
                        return r;
        }
}

static int compare(const void *a, const void *b) {
        const struct statement_line *x = a, *y = b;

        if (x->batch != y->batch)
                return x->batch < y->batch ? -1 : 1;
        if (x->stan != y->stan)
                return x->stan < y->stan ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

int statement_parse(const char *text, size_t size, struct statement **ret, unsigned *ret_line,
                    const char **ret_reason) {
        _cleanup_(statement_freep) struct statement *s = calloc(1, sizeof(*s));
        struct parser p = { .at = text, .end = text + size, .statement = s };
        int r;

        if (!s)
                return -ENOMEM;
        r = parse_head(&p);
        if (r >= 0)
                r = parse_lines(&p);
        if (r < 0) {
                *ret_line = p.number;
                *ret_reason = p.reason;
                return r;
        }
        if (s->n_lines > 0)
                qsort(s->lines, s->n_lines, sizeof(*s->lines), compare);
        *ret = TAKE_PTR(s);
        return 0;
}

const struct statement_line *statement_find(const struct statement *s, uint32_t batch, uint32_t stan) {
        size_t from = 0, to = s->n_lines;
        const struct statement_line key = { .batch = batch, .stan = stan };

        while (from < to) {
                size_t middle = from + (to - from) / 2;

                if (compare(s->lines + middle, &key) < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        if (from == s->n_lines || s->lines[from].batch != batch || s->lines[from].stan != stan)
                return NULL;
        return s->lines + from;
}
