// SPDX-License-Identifier: LGPL-2.1-or-later
/* The text face of a page. */

#include "receipt/page.h"

/* Blanks in front of a text of that width. */
static int indent(const struct page *page, const struct page_line *line, size_t width) {
        size_t columns = line->small ? page->columns_small : page->columns;

        if (line->align == PAGE_LEFT || width >= columns)
                return 0;
        return (int) (line->align == PAGE_CENTER ? (columns - width) / 2 : columns - width);
}

static void put_aligned(FILE *f, const struct page *page, const struct page_line *line, const char *before,
                        const char *text, const char *after) {
        size_t width = page_text_width(before) + page_text_width(text) + page_text_width(after);

        fprintf(f, "%*s%s%s%s\n", indent(page, line, width), "", before, text, after);
}

static void put_line(FILE *f, const struct page *page, const struct page_line *line) {
        switch (line->type) {
        case PAGE_TEXT:
                put_aligned(f, page, line, "", strempty(line->text), "");
                break;
        case PAGE_RULE:
                for (unsigned i = 0; i < page->columns; i++)
                        fputc('-', f);
                fputc('\n', f);
                break;
        case PAGE_QR:
                put_aligned(f, page, line, "[QR ", strempty(line->text), "]");
                break;
        case PAGE_BARCODE:
                put_aligned(f, page, line, "[", strempty(line->text), "]");
                break;
        case PAGE_FEED:
                for (unsigned i = 0; i < line->height; i++)
                        fputc('\n', f);
                break;
        case PAGE_CUT:
        case PAGE_LOGO:
        case _PAGE_LINE_TYPE_MAX:
                break;
        }
}

int page_to_text(const struct page *page, char **ret) {
        char *text = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = 0; i < page->n_lines; i++)
                put_line(f, page, &page->lines[i]);
        if (ferror(f) | fclose(f)) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
