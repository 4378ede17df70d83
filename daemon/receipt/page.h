/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A laid-out paper: lines that fit. Every face (text, ESC/POS, PNG, PDF, terminal) is made from it. */

#include "receipt/raster.h"

enum page_line_type {
        PAGE_TEXT,
        PAGE_RULE,    /* across the paper */
        PAGE_QR,      /* text is its content */
        PAGE_BARCODE, /* CODE128, text is its content, printable ASCII */
        PAGE_FEED,    /* height: blank lines */
        PAGE_CUT,
        PAGE_LOGO, /* the merchant's picture: a dot a pixel (width 2: two), made smaller to fit the paper */
        _PAGE_LINE_TYPE_MAX,
};

enum page_align {
        PAGE_LEFT,
        PAGE_CENTER,
        PAGE_RIGHT,
};

struct page_line {
        enum page_line_type type;
        enum page_align align;
        uint8_t width;  /* of a character, 1 or 2; a QR's module in dots */
        uint8_t height; /* the same; of a barcode, dots; of a feed, lines */
        bool bold;
        bool small;            /* font B; taken back for a text that is not ASCII */
        bool inverse;          /* white on black */
        char *text;            /* UTF-8 without control characters, no wider than the paper; NULL for none */
        struct raster *raster; /* owned; what a printer prints in place of the rest, NULL for none */
};

struct page {
        unsigned columns; /* of font A */
        unsigned columns_small;
        struct page_line *lines;
        size_t n_lines;
};

#define PAGE_LOGO_ROWS_MAX 400 /* five centimetres */
#define PAGE_LOGO_FILE_MAX (4U << 20)
#define PAGE_LOGO_SIDE_MAX 4096 /* pixels of its picture */

int page_new(unsigned columns, unsigned columns_small, struct page **ret);
struct page *page_free(struct page *page);
/* Forgets its pictures. */
void page_free_rasters(struct page *page);
static inline void page_freep(struct page **page) {
        (void) page_free(*page);
}

/*
 * Appends a copy of line. Its text is cleaned of control and invalid characters and broken into as many
 * lines as it needs, at blanks where there are any.
 */
int page_add(struct page *page, const struct page_line *line);
/* "label    value" across the paper; value alone on the next line, to the right, where both do not fit. */
int page_add_pair(struct page *page, const char *label, const char *value, const struct page_line *style);

/* Columns that a UTF-8 text takes: 2 for East Asian wide and fullwidth, 0 for combining marks. */
size_t page_text_width(const char *text);
/*
 * A copy without control characters (C0, C1, DEL, line separators, bidirectional marks) and with U+FFFD for
 * what is no UTF-8. NULL when out of memory.
 */
char *page_text_clean(const char *text);

/* UTF-8 as for a terminal, lines parted by "\n". Sizes are lost; a QR is shown by its content. */
int page_to_text(const struct page *page, char **ret);
