// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a terminal shows: its own cells are the columns of the paper. */

#include "helpers/till-render/draw.h"
#include "helpers/till-render/symbol.h"
#include "base/unicode.h"

/* Codes are dark on light, whatever the terminal's colours are, and keep a border for what reads them. */
#define CODE_COLORS "\033[38;5;16;48;5;231m"
#define PLAIN "\033[0m"
#define QR_BORDER 2
#define BARCODE_LINES 3

static unsigned line_columns(const struct drawing *d, const struct page_line *line) {
        return line->small ? d->stored.page->columns_small : d->stored.page->columns;
}

static void indent(const struct drawing *d, const struct page_line *line, size_t width, FILE *f) {
        size_t columns = line_columns(d, line), spare = columns - MIN(columns, width);

        fprintf(f, "%*s", (int) (line->align == PAGE_LEFT ? 0 : line->align == PAGE_CENTER ? spare / 2 : spare), "");
}

/* Of double width: the fullwidth form where there is one, else a blank for each column of its own. */
static void put_double(uint32_t c, FILE *f) {
        unsigned width = unicode_width(c);
        char utf8[4];

        if (c == ' ')
                c = 0x3000;
        else if (c > ' ' && c < 0x7f)
                c += 0xff01 - '!';
        fwrite(utf8, 1, unicode_put(c, utf8), f);
        if (c < 0xff01 && c != 0x3000)
                fprintf(f, "%*s", (int) width, "");
}

static void put_characters(const struct page_line *line, FILE *f) {
        const char *text = line->text;
        uint32_t c;

        if (line->width < 2) {
                fputs(text, f);
                return;
        }
        while ((c = unicode_next(&text)) != 0)
                put_double(c, f);
}

static void put_text(const struct drawing *d, const struct page_line *line, FILE *f) {
        /* There are no tall letters: those are bold. */
        bool bold = line->bold || line->height > 1, styled = bold || line->inverse;

        indent(d, line, page_text_width(line->text) * line->width, f);
        if (styled)
                fprintf(f, "\033[%s%s%sm", bold ? "1" : "", bold && line->inverse ? ";" : "",
                        line->inverse ? "7" : "");
        put_characters(line, f);
        fputs(styled ? PLAIN "\n" : "\n", f);
}

static void put_rule(const struct drawing *d, FILE *f) {
        for (unsigned i = 0; i < d->stored.page->columns; i++)
                fputs("─", f);
        fputc('\n', f);
}

static bool module(const struct raster *modules, unsigned x, unsigned y, unsigned border) {
        return x >= border && y >= border && raster_get(modules, x - border, y - border);
}

/* Two modules above each other are one character. */
static void put_qr_row(const struct raster *modules, unsigned y, FILE *f) {
        static const char *const halves[] = { " ", "▄", "▀", "█" };

        for (unsigned x = 0; x < modules->width + 2 * QR_BORDER; x++)
                fputs(halves[module(modules, x, y, QR_BORDER) << 1 | module(modules, x, y + 1, QR_BORDER)], f);
}

static int put_qr(const struct drawing *d, const struct page_line *line, FILE *f) {
        _cleanup_(raster_freep) struct raster *modules = NULL;
        int r;

        r = symbol_qr(line->text, &modules);
        if (r < 0)
                return r;
        for (unsigned y = 0; y < modules->height + 2 * QR_BORDER; y += 2) {
                indent(d, line, modules->width + 2 * QR_BORDER, f);
                fputs(CODE_COLORS, f);
                put_qr_row(modules, y, f);
                fputs(PLAIN "\n", f);
        }
        return 0;
}

/* Two modules beside each other are one character; what is wider than the paper is left to its text. */
static int put_barcode(const struct drawing *d, const struct page_line *line, FILE *f) {
        static const char *const halves[] = { " ", "▐", "▌", "█" };
        _cleanup_(raster_freep) struct raster *modules = NULL;
        unsigned columns;
        int r;

        r = symbol_barcode(line->text, &modules);
        if (r < 0)
                return r;
        columns = (modules->width + 1) / 2 + 4;
        for (unsigned i = 0; columns <= line_columns(d, line) && i < BARCODE_LINES; i++) {
                indent(d, line, columns, f);
                fputs(CODE_COLORS "  ", f);
                for (unsigned x = 0; x < modules->width; x += 2)
                        fputs(halves[raster_get(modules, x, 0) << 1 | raster_get(modules, x + 1, 0)], f);
                fputs("  " PLAIN "\n", f);
        }
        put_text(d, line, f);
        return 0;
}

static void put_code(const struct drawing *d, const struct page_line *line, FILE *f) {
        struct page_line text = *line;
        int r;

        text.width = text.height = 1;
        r = line->type == PAGE_QR ? put_qr(d, line, f) : put_barcode(d, &text, f);
        if (r < 0)
                put_text(d, &text, f);
}

int draw_terminal(const struct drawing *d, FILE *f) {
        const struct page *page = d->stored.page;

        for (size_t i = 0; i < page->n_lines; i++) {
                const struct page_line *line = &page->lines[i];

                switch (line->type) {
                case PAGE_TEXT:
                        put_text(d, line, f);
                        break;
                case PAGE_RULE:
                        put_rule(d, f);
                        break;
                case PAGE_QR:
                case PAGE_BARCODE:
                        put_code(d, line, f);
                        break;
                case PAGE_FEED:
                        for (unsigned n = 0; n < line->height; n++)
                                fputc('\n', f);
                        break;
                case PAGE_CUT:
                case PAGE_LOGO:
                case _PAGE_LINE_TYPE_MAX:
                        break;
                }
        }
        return 0;
}
