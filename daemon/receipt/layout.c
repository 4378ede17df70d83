// SPDX-License-Identifier: LGPL-2.1-or-later
/* From what a slip says to the lines of a page: block by block, as the style has them. */

#include "receipt/blocks.h"

int layout_block(struct layout *l, const struct style_block *block) {
        if (block->type >= _BLOCK_MAX)
                return -EINVAL;
        l->block = block;
        return block_find(block->type)->add(l);
}

static bool ends_with_cut(const struct page *page) {
        return page->n_lines > 0 && page->lines[page->n_lines - 1].type == PAGE_CUT;
}

static int add_paper(struct layout *l) {
        const struct style_paper *paper = &l->style->papers[l->slip->paper];
        int r;

        for (size_t i = 0; i < paper->n_blocks; i++) {
                r = layout_block(l, &paper->blocks[i]);
                if (r < 0)
                        return r;
        }
        if (ends_with_cut(l->page))
                return 0;
        return page_add(l->page, &(struct page_line){ .type = PAGE_CUT });
}

/* A style may want less than the printer has, never more. */
static int new_page(struct layout *l) {
        unsigned columns = l->profile->columns, small = l->profile->columns_small;

        if (l->style->columns > 0 && l->style->columns < columns) {
                small = small * l->style->columns / columns;
                columns = l->style->columns;
        }
        return page_new(columns, small, &l->page);
}

int layout_begin(struct layout *l, const struct slip *slip, const struct receipt_style *style,
                 const struct printer_profile *profile, bool plain) {
        *l = (struct layout){
                .slip = slip,
                .style = style,
                .profile = profile,
                .languages = { style->languages != STYLE_ENGLISH, style->languages != STYLE_CHINESE },
                .plain = plain,
        };
        if (plain && profile->chinese == PRINTER_CHINESE_NONE)
                l->languages = (struct languages){ .en = true };
        return new_page(l);
}

static int lay_out(const struct slip *slip, const struct receipt_style *style, const struct printer_profile *profile,
                   bool plain, struct page **ret) {
        _cleanup_(page_freep) struct page *page = NULL;
        struct layout l;
        int r;

        if ((unsigned) slip->paper >= _SLIP_PAPER_MAX)
                return -EINVAL;
        r = layout_begin(&l, slip, style, profile, plain);
        if (r < 0)
                return r;
        page = l.page;
        r = add_paper(&l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(page);
        return 0;
}

int slip_layout(const struct slip *slip, const struct receipt_style *style, const struct printer_profile *profile,
                struct page **ret) {
        return lay_out(slip, style, profile, false, ret);
}

int slip_layout_plain(const struct slip *slip, const struct receipt_style *style,
                      const struct printer_profile *profile, struct page **ret) {
        return lay_out(slip, style, profile, true, ret);
}
