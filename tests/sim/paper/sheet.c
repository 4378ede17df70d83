// SPDX-License-Identifier: LGPL-2.1-or-later
#include "paper/printer.h"

int paper_sheet_new(const struct paper *p, enum paper_edge top, struct paper_sheet **ret) {
        struct paper_sheet *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        paper_dots_init(&s->dots, p->model.dots);
        s->top = top;
        s->bottom = EDGE_SLOT;
        *ret = s;
        return 0;
}

struct paper_sheet *paper_sheet_free(struct paper_sheet *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_lines; i++)
                free(s->lines[i].text);
        free(s->lines);
        paper_dots_done(&s->dots);
        free(s);
        return NULL;
}

bool paper_sheet_blank(const struct paper_sheet *s) {
        return !s->dots.black;
}

static void sheet_keep(struct paper *p, struct paper_sheet *s) {
        if (p->n_sheets == PAPER_SHEETS_MAX) {
                paper_sheet_free(p->sheets[0]);
                memmove(p->sheets, p->sheets + 1, sizeof(p->sheets[0]) * --p->n_sheets);
        }
        p->sheets[p->n_sheets++] = s;
}

/* Parts the slip at a row: what is below goes on as the next slip's beginning. */
static int sheet_part(struct paper *p, unsigned at, enum paper_edge edge) {
        struct paper_sheet *old = p->sheet, *new;
        size_t keep = 0;
        int r;

        r = paper_sheet_new(p, edge, &new);
        if (r < 0)
                return r;
        for (unsigned y = at; y < old->dots.alloc && y < old->dots.rows; y++)
                for (unsigned x = 0; x < old->dots.width; x++)
                        if (paper_dots_get(&old->dots, x, y))
                                paper_dots_set(&new->dots, x, y - at);

        while (keep < old->n_lines && old->lines[keep].row < at)
                keep++;
        if (keep < old->n_lines) {
                size_t n = old->n_lines - keep;

                new->lines = calloc(n, sizeof(*new->lines));
                if (!new->lines) {
                        paper_sheet_free(new);
                        return -ENOMEM;
                }
                memcpy(new->lines, old->lines + keep, n * sizeof(*new->lines));
                for (size_t i = 0; i < n; i++)
                        new->lines[i].row -= at;
                new->n_lines = new->lines_alloc = n;
                old->n_lines = keep;
        }

        old->dots.rows = at;
        old->bottom = edge;
        sheet_keep(p, old);
        new->dots.rows = MAX(new->dots.rows, p->row - at);
        p->sheet = new;
        p->row -= at;
        return 0;
}

void paper_sheet_cut(struct paper *p, enum paper_edge edge) {
        unsigned at = p->row - MIN(p->row, p->model.cutter_dots);

        if (p->powerless && edge == EDGE_CUT)
                return;
        if (edge == EDGE_CUT)
                p->count.cuts++;
        if (at > 0)
                (void) sheet_part(p, at, edge);
}

void paper_sheet_whiten(struct paper *p) {
        struct paper_sheet *s = p->sheet;

        paper_dots_end(&s->dots, p->row);
        while (s->n_lines > 0 && s->lines[s->n_lines - 1].row >= p->row)
                free(s->lines[--s->n_lines].text);
}

void paper_sheet_reserve(struct paper *p, unsigned rows) {
        if (p->row + rows > PAPER_ROWS_MAX && p->row > 0)
                (void) sheet_part(p, p->row, EDGE_TORN);
}

static void sheet_wear(struct paper *p, unsigned rows) {
        enum paper_supply supply = p->supply;

        if (p->roll < 0)
                return;
        p->roll = MAX(p->roll - (int64_t) rows, 0);
        if (p->roll == 0)
                supply = PAPER_END;
        else if (p->roll <= 800)
                supply = PAPER_NEAR_END;
        if (supply != p->supply) {
                p->supply = supply;
                paper_tell_status(p, false);
        }
}

/* How many of them are printed before the power goes. */
static unsigned sheet_power(struct paper *p, unsigned rows) {
        if (p->powerless)
                return 0;
        if (p->rows_powered == 0)
                return rows;
        rows = MIN(rows, p->rows_powered);
        p->rows_powered -= rows;
        if (p->rows_powered == 0)
                paper_power_off(p);
        return rows;
}

void paper_sheet_feed(struct paper *p, unsigned rows) {
        rows = sheet_power(p, MIN(rows, (unsigned) FEED_MAX));
        paper_sheet_reserve(p, rows);
        p->row = MIN(p->row + rows, (unsigned) PAPER_ROWS_MAX);
        p->sheet->dots.rows = MAX(p->sheet->dots.rows, p->row);
        p->count.rows_fed += rows;
        if (p->model.rows_per_s)
                p->head_usec += (uint64_t) rows * 1000000 / p->model.rows_per_s;
        sheet_wear(p, rows);
}

void paper_sheet_text(struct paper *p, unsigned row, const char *text) {
        struct paper_sheet *s = p->sheet;
        char *copy;

        if (s->n_lines >= SHEET_LINES_MAX)
                return;
        if (s->n_lines == s->lines_alloc) {
                size_t n = MAX(s->lines_alloc * 2, (size_t) 16);
                struct paper_line *lines = realloc(s->lines, n * sizeof(*lines));

                if (!lines)
                        return;
                s->lines = lines;
                s->lines_alloc = n;
        }
        copy = strdup(text);
        if (copy)
                s->lines[s->n_lines++] = (struct paper_line){ .row = row, .text = copy };
}

const struct paper_sheet *paper_sheet_find(const struct paper *p, int sheet) {
        unsigned n = paper_sheets(p);

        if (sheet == PAPER_SHEET_LAST)
                sheet = (int) n - 1;
        if (sheet < 0 || (unsigned) sheet >= n)
                return NULL;
        return (unsigned) sheet < p->n_sheets ? p->sheets[sheet] : p->sheet;
}

unsigned paper_sheets(const struct paper *p) {
        return p->n_sheets + !paper_sheet_blank(p->sheet);
}

void paper_tear(struct paper *p) {
        paper_sheet_cut(p, EDGE_TORN);
}

void paper_clear(struct paper *p) {
        struct paper_sheet *s;

        while (p->n_sheets > 0)
                paper_sheet_free(p->sheets[--p->n_sheets]);
        if (paper_sheet_new(p, EDGE_TORN, &s) < 0)
                return;
        paper_sheet_free(p->sheet);
        p->sheet = s;
        p->row = s->dots.rows = p->model.cutter_dots;
}

static int sheet_write_text(FILE *f, const struct paper_sheet *s) {
        for (size_t i = 0; i < s->n_lines; i++)
                if (fprintf(f, "%s\n", s->lines[i].text) < 0)
                        return -ENOMEM;
        return 0;
}

int paper_text(const struct paper *p, int sheet, char **ret) {
        _cleanup_free_ char *text = NULL;
        size_t size = 0;
        int r = 0;
        FILE *f;

        if (sheet != PAPER_SHEET_ALL && !paper_sheet_find(p, sheet))
                return -ENOENT;
        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        if (sheet != PAPER_SHEET_ALL)
                r = sheet_write_text(f, paper_sheet_find(p, sheet));
        else
                for (unsigned i = 0; i < paper_sheets(p) && r >= 0; i++) {
                        r = sheet_write_text(f, paper_sheet_find(p, (int) i));
                        if (r >= 0 && putc('\f', f) < 0)
                                r = -ENOMEM;
                }
        if (fclose(f) != 0)
                r = -ENOMEM;
        if (r < 0)
                return r;
        *ret = TAKE_PTR(text);
        return 0;
}

int paper_sheet_size(const struct paper *p, int sheet, unsigned *ret_dots, unsigned *ret_rows) {
        const struct paper_sheet *s = paper_sheet_find(p, sheet);

        if (!s)
                return -ENOENT;
        *ret_dots = s->dots.width;
        *ret_rows = s->dots.rows;
        return 0;
}

bool paper_sheet_dot(const struct paper *p, int sheet, unsigned x, unsigned y) {
        const struct paper_sheet *s = paper_sheet_find(p, sheet);

        return s && paper_dots_get(&s->dots, x, y);
}
