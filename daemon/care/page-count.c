// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/page-count.h"

#include "receipt/escpos.h"

/* Of the usual head, 203 dots to the inch. */
#define ROWS_PER_MILLIMETRE 8

static uint64_t count_characters(const char *text) {
        uint64_t n = 0;

        for (; *text; text++)
                n += *text != ' ' && ((unsigned char) *text & 0xc0) != 0x80;
        return n;
}

void page_count(const struct page *page, const struct printer_profile *profile, struct page_count *ret) {
        struct page_count count = { .millimetres = page_rows(page, profile) / ROWS_PER_MILLIMETRE };

        for (size_t i = 0; i < page->n_lines; i++) {
                const struct page_line *line = page->lines + i;

                switch (line->type) {
                case PAGE_FEED:
                        count.feeds += line->height;
                        continue;
                case PAGE_CUT:
                        count.cuts += profile->cutter != PRINTER_CUTTER_NONE;
                        continue;
                case PAGE_QR:
                case PAGE_BARCODE:
                        count.barcodes++;
                        break;
                case PAGE_TEXT:
                        count.characters += count_characters(strempty(line->text));
                        break;
                default:
                        break;
                }
                count.feeds++;
                count.lines += line->type != PAGE_TEXT || !isempty(line->text);
        }
        *ret = count;
}
