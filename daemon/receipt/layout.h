/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A page in the making, and what blocks are put together from. Inside of this room. */

#include "receipt/fields.h"
#include "receipt/style.h"

struct layout {
        const struct slip *slip;
        const struct receipt_style *style;
        const struct printer_profile *profile;
        const struct style_block *block; /* the one that is being laid out */
        struct page *page;
        struct languages languages;
        bool plain; /* nothing can be drawn */
};

static const struct page_line layout_normal = { .type = PAGE_TEXT };
static const struct page_line layout_bold = { .type = PAGE_TEXT, .bold = true };
static const struct page_line layout_center = { .type = PAGE_TEXT, .align = PAGE_CENTER };

/*
 * An empty page, as wide as the style and the printer have it, in their languages; it is the caller's. plain: nothing
 * can be drawn, so there is no Chinese where the printer has no font for it.
 */
int layout_begin(struct layout *l, const struct slip *slip, const struct receipt_style *style,
                 const struct printer_profile *profile, bool plain);
int layout_block(struct layout *l, const struct style_block *block);

/* The text as it can be printed: clean, and in the plain layout without what the printer has no font for. */
int layout_printable(const struct layout *l, const char *text, char **ret);

int layout_line(struct layout *l, struct page_line style, const char *text);
/* None right below another one. */
int layout_rule(struct layout *l);
int layout_feed(struct layout *l, unsigned lines);
/* Each language on a line of its own. */
int layout_sentence(struct layout *l, struct page_line style, const char *zh, const char *en);
/* "zh en" on one line where it fits, else on two; once where they are the same. */
int layout_heading(struct layout *l, struct page_line style, const char *zh, const char *en);
/* Label and value; nothing for an empty value. The label is in both languages where there is room. */
int layout_pair(struct layout *l, const struct phrase *label, const char *value, const struct page_line *style);
/* A field of the slip under its label, in both languages. */
int layout_field(struct layout *l, enum field_name name, const struct page_line *style);
/* As large as it fits, centered: of double size, bold or not, else bold in any case. */
int layout_big(struct layout *l, bool bold, const char *text);
/* Both languages, bold: on one line where that fits in double size, else each as large as it fits. */
int layout_big_both(struct layout *l, const char *zh, const char *en);
/* White on black, as wide as the paper. */
int layout_bar(struct layout *l, const char *zh, const char *en);
/* A QR code, of modules of so many dots; 0: as many as suit the paper. */
int layout_qr(struct layout *l, enum page_align align, unsigned module, const char *text);
/* A barcode; its text where it has more than printable ASCII, or is too long for the paper. */
int layout_barcode(struct layout *l, const char *text);
/* Calls add for each line of a text that is not empty. */
int layout_each(struct layout *l, const char *text, int (*add)(struct layout *l, const char *line));
