// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/statement.h"

#include <ctype.h>

#include "base/amount.h"

#define LINE_MAX_SIZE 512
#define COLUMNS_MAX 24
/* Lines that are put in their place at a time. */
#define A_SLICE 1000

enum column { RRN, STAN, BATCH, KIND, AMOUNT, CURRENCY, TERMINAL, _COLUMN_MAX };

static const char *const column_names[_COLUMN_MAX] = {
        [RRN] = "rrn",       [STAN] = "stan",         [BATCH] = "batch",       [KIND] = "kind",
        [AMOUNT] = "amount", [CURRENCY] = "currency", [TERMINAL] = "terminal",
};

enum part { NAME, COLUMNS, LINES, END };

struct statement_parser {
        enum part part; /* that the next line is of */
        char line[LINE_MAX_SIZE];
        size_t size;     /* of what is there of it */
        unsigned number; /* of the last whole line */
        char terminal[9];
        int place[_COLUMN_MAX]; /* of a column in a line */
        struct statement *statement;
        size_t room, unsorted;
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

static const char no_name[] = "a statement begins with the line till-statement,1";
static const char no_column[] =
        "a column is missing: rrn, stan, batch, kind, amount, currency and terminal have to be there";

static int wrong(struct statement_parser *p, const char *reason) {
        p->reason = reason;
        return -EINVAL;
}

/* Cuts p->line up. Returns how many fields there are. */
static int split(struct statement_parser *p, char *fields[static COLUMNS_MAX]) {
        char *rest = p->line;
        int n = 0;

        while (rest) {
                if (n == COLUMNS_MAX)
                        return wrong(p, "it has too many fields");
                fields[n++] = strsep(&rest, ",");
        }
        return n;
}

static int parse_columns(struct statement_parser *p) {
        char *fields[COLUMNS_MAX];
        int n;

        n = split(p, fields);
        if (n < 0)
                return n;
        for (enum column c = 0; c < _COLUMN_MAX; c++) {
                p->place[c] = -1;
                for (int i = 0; i < n; i++)
                        if (streq(fields[i], column_names[c]))
                                p->place[c] = i;
                if (p->place[c] < 0)
                        return wrong(p, no_column);
        }
        p->part = LINES;
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

static int parse_fields(struct statement_parser *p, char *const *fields, struct statement_line *ret) {
        struct statement_line line = { .number = p->number };
        const struct currency *currency;
        int64_t stan, batch, numeric;

        if (!copy_word(line.rrn, sizeof(line.rrn), fields[p->place[RRN]]) ||
            !copy_word(line.kind, sizeof(line.kind), fields[p->place[KIND]]) ||
            strlen(fields[p->place[TERMINAL]]) >= sizeof(p->terminal))
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

static int compare(const struct statement_line *x, const struct statement_line *y) {
        if (x->batch != y->batch)
                return x->batch < y->batch ? -1 : 1;
        if (x->stan != y->stan)
                return x->stan < y->stan ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- In order: a heap, whose greatest line goes to the end, one by one ---- */

static void swap(struct statement_line *a, struct statement_line *b) {
        struct statement_line c = *a;

        *a = *b;
        *b = c;
}

static void sift_up(struct statement_line *lines, size_t i) {
        for (; i > 0 && compare(lines + (i - 1) / 2, lines + i) < 0; i = (i - 1) / 2)
                swap(lines + (i - 1) / 2, lines + i);
}

static void sift_down(struct statement_line *lines, size_t n) {
        for (size_t i = 0, next; (next = 2 * i + 1) < n; i = next) {
                if (next + 1 < n && compare(lines + next, lines + next + 1) < 0)
                        next++;
                if (compare(lines + next, lines + i) <= 0)
                        return;
                swap(lines + i, lines + next);
        }
}

/* 1 while there is more to do. */
static int sort_on(struct statement_parser *p) {
        struct statement_line *lines = p->statement->lines;

        for (unsigned i = 0; i < A_SLICE && p->unsorted > 1; i++) {
                p->unsorted--;
                swap(lines, lines + p->unsorted);
                sift_down(lines, p->unsorted);
        }
        return p->unsorted > 1;
}

/* ---- Line by line ---- */

static int add_line(struct statement_parser *p, const struct statement_line *line) {
        struct statement *s = p->statement;

        if (s->n_lines == p->room) {
                size_t room = p->room + MAX(p->room / 2, (size_t) 256);
                struct statement_line *grown = reallocarray(s->lines, room, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                s->lines = grown;
                p->room = room;
        }
        s->lines[s->n_lines++] = *line;
        p->unsorted = s->n_lines;
        sift_up(s->lines, s->n_lines - 1);
        return 0;
}

static int parse_end(struct statement_parser *p, char *const *fields, int n) {
        const struct statement *s = p->statement;
        int64_t count, sum;
        char *end;

        if (n != 3 || parse_number(fields[1], 0, INT32_MAX, &count) < 0)
                return wrong(p, "the last line is end, how many lines, and their sum");
        errno = 0;
        sum = strtoll(fields[2], &end, 10);
        if (errno > 0 || *end || end == fields[2])
                return wrong(p, "the last line is end, how many lines, and their sum");
        if ((size_t) count != s->n_lines + s->n_others || sum != p->sum)
                return wrong(p, "it does not say what the lines above come to: some are missing or changed");
        p->part = END;
        return 0;
}

static int parse_line(struct statement_parser *p) {
        struct statement_line line;
        char *fields[COLUMNS_MAX];
        int n, r;

        n = split(p, fields);
        if (n < 0)
                return n;
        if (streq(fields[0], "end"))
                return parse_end(p, fields, n);
        for (enum column c = 0; c < _COLUMN_MAX; c++)
                if (p->place[c] >= n)
                        return wrong(p, "it has too few fields");
        r = parse_fields(p, fields, &line);
        if (r < 0)
                return r;
        p->sum += statement_sign(line.kind) * line.amount;
        if (streq(fields[p->place[TERMINAL]], p->terminal))
                return add_line(p, &line);
        p->statement->n_others++;
        return 0;
}

static int take_line(struct statement_parser *p) {
        if (p->size > 0 && p->line[p->size - 1] == '\r')
                p->size--;
        p->line[p->size] = '\0';
        p->size = 0;
        p->number++;
        switch (p->part) {
        case NAME:
                if (!streq(p->line, "till-statement,1"))
                        return wrong(p, no_name);
                p->part = COLUMNS;
                return 0;
        case COLUMNS:
                return parse_columns(p);
        default:
                return parse_line(p);
        }
}

static int check_rest(struct statement_parser *p, const char *text, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (!isspace((unsigned char) text[i]))
                        return wrong(p, "something follows the last line");
        return 0;
}

int statement_parser_feed(struct statement_parser *p, const char *text, size_t size) {
        const char *at = text, *end = text + size;
        int r;

        while (at < end && p->part != END) {
                const char *newline = memchr(at, '\n', (size_t) (end - at));
                size_t l = (size_t) ((newline ?: end) - at);

                if (p->size + l >= sizeof(p->line) || memchr(at, '\0', l)) {
                        p->number++;
                        return wrong(p, "it is too long, or no text");
                }
                memcpy(p->line + p->size, at, l);
                p->size += l;
                if (!newline)
                        return 0;
                at = newline + 1;
                r = take_line(p);
                if (r < 0)
                        return r;
        }
        return check_rest(p, at, (size_t) (end - at));
}

int statement_parser_finish(struct statement_parser *p, struct statement **ret) {
        static const char *const reasons[END] = {
                [NAME] = no_name,
                [COLUMNS] = no_column,
                [LINES] = "the statement is cut off: its last line is end,…",
        };
        int r;

        /* The last line may have no end. */
        r = p->size > 0 ? take_line(p) : 0;
        if (r < 0)
                return r;
        if (p->part != END)
                return wrong(p, reasons[p->part]);
        r = sort_on(p);
        if (r == 0)
                *ret = TAKE_PTR(p->statement);
        return r;
}

const char *statement_parser_fault(const struct statement_parser *p, unsigned *ret_line) {
        *ret_line = p->number;
        return p->reason;
}

int statement_parser_new(const char *terminal, struct statement_parser **ret) {
        _cleanup_(statement_parser_freep) struct statement_parser *p = calloc(1, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->statement = calloc(1, sizeof(*p->statement));
        if (!p->statement)
                return -ENOMEM;
        COPY(p->terminal, terminal);
        *ret = TAKE_PTR(p);
        return 0;
}

struct statement_parser *statement_parser_free(struct statement_parser *p) {
        if (!p)
                return NULL;
        statement_free(p->statement);
        free(p);
        return NULL;
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
