// SPDX-License-Identifier: LGPL-2.1-or-later
/* How characters and pictures become rows of dots: lines, blocks, and page mode's page. */

#include "paper/printer.h"

void paper_line_clear(struct paper *p) {
        paper_dots_clear(&p->line);
        p->line_x = p->line_end = p->line_rows = p->line_text_x = 0;
        p->n_line_text = 0;
        p->line_text[0] = '\0';
}

unsigned paper_line_area(const struct paper *p) {
        unsigned room;

        if (p->page)
                return p->page_direction % 2 ? p->page_height : p->page_width;
        room = p->model.dots - MIN(p->modes.margin, p->model.dots);
        return MIN(p->modes.area, room);
}

static bool line_used(const struct paper *p) {
        return p->line_end > 0;
}

static void line_text_bytes(struct paper *p, const char *s, size_t n) {
        if (p->n_line_text + n >= sizeof(p->line_text))
                return;
        memcpy(p->line_text + p->n_line_text, s, n);
        p->n_line_text += n;
        p->line_text[p->n_line_text] = '\0';
}

static size_t utf8_put(uint32_t c, char out[static 4]) {
        if (c < 0x80) {
                out[0] = (char) c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char) (0xC0 | c >> 6);
                out[1] = (char) (0x80 | (c & 0x3F));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char) (0xE0 | c >> 12);
                out[1] = (char) (0x80 | (c >> 6 & 0x3F));
                out[2] = (char) (0x80 | (c & 0x3F));
                return 3;
        }
        out[0] = (char) (0xF0 | c >> 18);
        out[1] = (char) (0x80 | (c >> 12 & 0x3F));
        out[2] = (char) (0x80 | (c >> 6 & 0x3F));
        out[3] = (char) (0x80 | (c & 0x3F));
        return 4;
}

/* Writes down a character, and the white before it as spaces of font A's width. */
static void line_text_character(struct paper *p, uint32_t c) {
        char utf8[4];

        for (unsigned x = p->line_text_x + 6; x <= p->line_x; x += 12)
                line_text_bytes(p, " ", 1);
        line_text_bytes(p, utf8, utf8_put(c, utf8));
}

/* A dot of the line, counted from the top of the tallest character there can be. */
static void line_block(struct paper *p, unsigned x, unsigned y, unsigned scale_x, unsigned scale_y) {
        for (unsigned dy = 0; dy < scale_y; dy++)
                for (unsigned dx = 0; dx < scale_x; dx++)
                        paper_dots_set(&p->line, x + dx, y + dy);
}

/* Clockwise by a quarter. */
static void cell_rotate(struct paper_cell *cell) {
        struct paper_cell out = { .width = cell->height, .height = cell->width };

        for (unsigned y = 0; y < cell->height; y++)
                for (unsigned x = 0; x < cell->width; x++)
                        if (cell->rows[y] >> x & 1)
                                out.rows[x] |= UINT32_C(1) << (cell->height - 1 - y);
        *cell = out;
}

void paper_line_character(struct paper *p, uint32_t codepoint, bool chinese) {
        const struct paper_modes *m = &p->modes;
        unsigned sx = chinese ? m->chinese_width : m->width, sy = chinese ? m->chinese_height : m->height;
        unsigned left = chinese ? m->chinese_left : 0, right = chinese ? m->chinese_right : m->spacing;
        unsigned underline = chinese ? (m->chinese_underline ? MAX(m->underline, 1U) : 0) : m->underline;
        struct paper_cell cell;
        unsigned total, top;

        if (chinese)
                paper_fonts_draw(p->fonts, codepoint, 24, 24, &cell);
        else if (m->font_b)
                paper_fonts_draw(p->fonts, codepoint, 9, 17, &cell);
        else
                paper_fonts_draw(p->fonts, codepoint, 12, 24, &cell);
        if (m->bold || m->double_strike)
                for (unsigned y = 0; y < cell.height; y++)
                        cell.rows[y] |= cell.rows[y] << 1;
        if (m->rotated) {
                cell_rotate(&cell);
                underline = 0;
        }

        total = (left + cell.width + right) * sx;
        if (p->line_x > 0 && p->line_x + total > paper_line_area(p))
                paper_line_print(p, m->line_spacing);
        line_text_character(p, codepoint);

        top = LINE_ROWS - cell.height * sy;
        for (unsigned y = 0; y < cell.height; y++)
                for (unsigned x = 0; x < left + cell.width + right; x++) {
                        bool in = x >= left && x < left + cell.width;
                        bool black = in && (cell.rows[y] >> (x - left) & 1);

                        if (m->reverse)
                                black = !black;
                        else if (y + underline >= cell.height)
                                black = true;
                        if (black)
                                line_block(p, p->line_x + x * sx, top + y * sy, sx, sy);
                }

        p->line_x = MIN(p->line_x + total, (unsigned) PAGE_ROWS);
        p->line_text_x = p->line_x;
        p->line_end = MAX(p->line_end, p->line_x);
        p->line_rows = MAX(p->line_rows, cell.height * sy);
}

void paper_line_move(struct paper *p, unsigned x) {
        if (x > paper_line_area(p))
                return;
        p->line_x = x;
        p->line_end = MAX(p->line_end, x);
        p->line_text_x = MIN(p->line_text_x, x);
}

void paper_line_tab(struct paper *p) {
        for (unsigned i = 0; i < ELEMENTSOF(p->modes.tabs) && p->modes.tabs[i]; i++)
                if (p->modes.tabs[i] > p->line_x) {
                        paper_line_move(p, p->modes.tabs[i]);
                        return;
                }
}

void paper_line_picture(struct paper *p, const struct paper_dots *d, unsigned rows, unsigned scale_x,
                        unsigned scale_y) {
        rows = MIN(rows, LINE_ROWS / scale_y);
        for (unsigned y = 0; y < rows; y++)
                for (unsigned x = 0; x < d->width; x++)
                        if (paper_dots_get(d, x, y))
                                line_block(p, p->line_x + x * scale_x, LINE_ROWS - (rows - y) * scale_y, scale_x,
                                           scale_y);
        p->line_x = MIN(p->line_x + d->width * scale_x, (unsigned) PAGE_ROWS);
        p->line_text_x = p->line_x;
        p->line_end = MAX(p->line_end, p->line_x);
        p->line_rows = MAX(p->line_rows, rows * scale_y);
}

static unsigned aligned(const struct paper *p, unsigned width) {
        unsigned area = paper_line_area(p), spare = area - MIN(area, width);

        if (p->page || p->modes.align == ALIGN_LEFT)
                return 0;
        return p->modes.align == ALIGN_CENTER ? spare / 2 : spare;
}

/* Puts a dot of the page's area, as seen in its direction, onto the page. */
static void page_dot(struct paper *p, unsigned u, unsigned v) {
        unsigned w = p->page_width, h = p->page_height, x, y;

        if (u >= (p->page_direction % 2 ? h : w) || v >= (p->page_direction % 2 ? w : h))
                return;
        switch (p->page_direction) {
        case 1:
                x = v;
                y = h - 1 - u;
                break;
        case 2:
                x = w - 1 - u;
                y = h - 1 - v;
                break;
        case 3:
                x = w - 1 - v;
                y = u;
                break;
        default:
                x = u;
                y = v;
        }
        if (p->page_y + y < PAGE_ROWS)
                paper_dots_set(&p->page_dots, p->page_x + x, p->page_y + y);
}

/* Draws rows [first, first + rows) of a bitmap at the head or on the page, without moving. */
static void rows_draw(struct paper *p, const struct paper_dots *d, unsigned first, unsigned rows, unsigned width,
                      unsigned left) {
        unsigned area = paper_line_area(p), top = 0;

        if (p->page)
                top = p->page_v - (p->page_v_is_base ? MIN(rows, p->page_v) : 0);
        for (unsigned y = 0; y < rows; y++)
                for (unsigned x = 0; x < width; x++) {
                        if (!paper_dots_get(d, x, first + y))
                                continue;
                        if (p->page)
                                page_dot(p, left + x, top + y);
                        else if (left + x < area) {
                                unsigned at = p->modes.upside_down ? area - 1 - (left + x) : left + x;
                                unsigned down = p->modes.upside_down ? rows - 1 - y : y;

                                paper_dots_set(&p->sheet->dots, p->modes.margin + at, p->row + down);
                        }
                }
}

static void text_add(struct paper *p, unsigned rows, const char *text) {
        if (!p->page) {
                paper_sheet_text(p, p->row + (rows > 0 ? rows - 1 : 0), text);
                return;
        }
        if (p->n_page_lines < 1024) {
                struct paper_line *lines;
                char *copy = strdup(text);

                if (!copy)
                        return;
                lines = reallocarray(p->page_lines, p->n_page_lines + 1, sizeof(*lines));
                if (!lines) {
                        free(copy);
                        return;
                }
                p->page_lines = lines;
                p->page_lines[p->n_page_lines++] = (struct paper_line){ .text = copy };
        }
}

void paper_line_note(struct paper *p, const char *text) {
        text_add(p, 0, text);
}

static void go_down(struct paper *p, unsigned rows) {
        if (p->page)
                p->page_v = MIN(p->page_v + rows, (unsigned) PAGE_ROWS);
        else
                paper_sheet_feed(p, rows);
}

void paper_line_print(struct paper *p, unsigned rows) {
        unsigned below = p->page && p->page_v_is_base ? rows : MAX(rows, p->line_rows);

        if (!p->page)
                paper_sheet_reserve(p, MIN(below, (unsigned) FEED_MAX));
        while (p->n_line_text > 0 && p->line_text[p->n_line_text - 1] == ' ')
                p->line_text[--p->n_line_text] = '\0';
        if (line_used(p)) {
                rows_draw(p, &p->line, LINE_ROWS - p->line_rows, p->line_rows, p->line_end, aligned(p, p->line_end));
                if (p->n_line_text > 0)
                        text_add(p, p->line_rows, p->line_text);
        } else
                text_add(p, 0, "");
        go_down(p, below);
        paper_line_clear(p);
}

void paper_line_flush(struct paper *p) {
        if (line_used(p))
                paper_line_print(p, p->modes.line_spacing);
}

void paper_line_feed(struct paper *p, unsigned rows) {
        if (line_used(p))
                paper_line_print(p, rows);
        else
                go_down(p, rows);
}

bool paper_block_print(struct paper *p, const struct paper_dots *d, unsigned rows, const char *text) {
        if (d->width > paper_line_area(p))
                return false;
        paper_line_flush(p);
        if (!p->page)
                paper_sheet_reserve(p, rows);
        rows_draw(p, d, 0, rows, d->width, aligned(p, d->width));
        if (text)
                text_add(p, rows, text);
        if (!p->page || !p->page_v_is_base)
                go_down(p, rows);
        return true;
}

unsigned paper_draw_text(struct paper *p, struct paper_dots *d, const char *text, bool font_b, unsigned center,
                         unsigned y) {
        unsigned w = font_b ? 9 : 12, h = font_b ? 17 : 24, n = (unsigned) strlen(text);
        unsigned x = center - MIN(center, n * w / 2);

        for (unsigned i = 0; i < n; i++, x += w) {
                struct paper_cell cell;

                paper_fonts_draw(p->fonts, (uint8_t) text[i], w, h, &cell);
                for (unsigned cy = 0; cy < h; cy++)
                        for (unsigned cx = 0; cx < w; cx++)
                                if (cell.rows[cy] >> cx & 1)
                                        paper_dots_set(d, x + cx, y + cy);
        }
        return h;
}

void paper_page_clear(struct paper *p) {
        paper_dots_clear(&p->page_dots);
        for (size_t i = 0; i < p->n_page_lines; i++)
                free(p->page_lines[i].text);
        free(p->page_lines);
        p->page_lines = NULL;
        p->n_page_lines = 0;
        p->page_v = 0;
        p->page_v_is_base = false;
        paper_line_clear(p);
}

void paper_page_begin(struct paper *p) {
        paper_page_clear(p);
        p->page = true;
        p->page_x = p->page_y = p->page_direction = p->page_rows = 0;
        p->page_width = p->model.dots;
        p->page_height = PAGE_ROWS;
}

void paper_page_print(struct paper *p) {
        unsigned rows, row;

        paper_line_flush(p);
        rows = MAX(p->page_rows, p->page_dots.rows);
        p->page = false;
        paper_sheet_reserve(p, rows);
        for (unsigned y = 0; y < p->page_dots.rows; y++)
                for (unsigned x = 0; x < p->page_dots.width; x++)
                        if (paper_dots_get(&p->page_dots, x, y))
                                paper_dots_set(&p->sheet->dots, x, p->row + y);
        row = p->row;
        for (size_t i = 0; i < p->n_page_lines; i++)
                paper_sheet_text(p, row, p->page_lines[i].text);
        paper_sheet_feed(p, rows);
        p->page = true;
}

void paper_page_end(struct paper *p) {
        paper_page_clear(p);
        p->page = false;
}
