// SPDX-License-Identifier: LGPL-2.1-or-later
/* The lines that blocks are made of. */

#include "receipt/escpos.h"
#include "receipt/layout.h"
#include "base/unicode.h"

/* Without a Chinese font, what it would be needed for is left out. */
int layout_printable(const struct layout *l, const char *text, char **ret) {
        char *clean = page_text_clean(text);

        if (!clean)
                return -ENOMEM;
        if (l->plain && l->profile->chinese == PRINTER_CHINESE_NONE)
                printable_leave_out(clean, l->profile);
        *ret = clean;
        return 0;
}

/* What the layout file says for the block comes over what the block is. */
static struct page_line dress(const struct layout *l, struct page_line style) {
        const struct style_block *b = l->block;

        style.type = PAGE_TEXT;
        style.bold = style.bold || b->bold;
        style.small = style.small || b->small;
        style.inverse = style.inverse || b->inverse;
        if (b->aligned)
                style.align = b->align;
        if (b->width > 0) {
                style.width = b->width;
                style.height = b->height;
        }
        return style;
}

int layout_line(struct layout *l, struct page_line style, const char *text) {
        _cleanup_free_ char *shown = NULL;
        int r;

        r = layout_printable(l, text, &shown);
        if (r < 0 || (*text && !*shown))
                return r;
        style = dress(l, style);
        style.text = shown;
        return page_add(l->page, &style);
}

int layout_rule(struct layout *l) {
        size_t n = l->page->n_lines;

        /* What was to stand between two of them said nothing. */
        if (n > 0 && l->page->lines[n - 1].type == PAGE_RULE)
                return 0;
        return page_add(l->page, &(struct page_line){ .type = PAGE_RULE });
}

int layout_feed(struct layout *l, unsigned lines) {
        return page_add(l->page, &(struct page_line){ .type = PAGE_FEED, .height = (uint8_t) lines });
}

int layout_sentence(struct layout *l, struct page_line style, const char *zh, const char *en) {
        int r;

        if (l->languages.zh) {
                r = layout_line(l, style, zh);
                if (r < 0)
                        return r;
        }
        return l->languages.en ? layout_line(l, style, en) : 0;
}

int layout_heading(struct layout *l, struct page_line style, const char *zh, const char *en) {
        unsigned columns = l->page->columns / (style.width > 1 ? 2 : 1);
        char text[160];

        if (streq(zh, en))
                return layout_line(l, style, zh);
        (void) snprintf(text, sizeof(text), "%s %s", zh, en);
        if (!l->languages.zh || !l->languages.en || page_text_width(text) > columns)
                return layout_sentence(l, style, zh, en);
        return layout_line(l, style, text);
}

/* whole: the label keeps both languages, and the value goes to the next line where it has no room beside them. */
static int add_pair(struct layout *l, const struct phrase *label, const char *value, const struct page_line *style,
                    bool whole) {
        _cleanup_free_ char *shown = NULL, *shown_label = NULL, *both = NULL;
        struct page_line line = dress(l, *style);
        int r;

        r = layout_printable(l, value, &shown);
        if (r < 0 || !*shown)
                return r;
        r = layout_printable(l, l->languages.zh ? label->zh : label->en, &shown_label);
        if (r < 0)
                return r;
        if (l->languages.zh && l->languages.en && !streq(label->zh, label->en)) {
                if (asprintf(&both, "%s %s", label->zh, label->en) < 0)
                        return -ENOMEM;
                if (!whole && page_text_width(both) + 1 + page_text_width(shown) > l->page->columns)
                        (void) free_and_strdup(&both, NULL);
        }
        /* The small font has nothing but ASCII. */
        line.small = line.small && unicode_is_ascii(both ?: shown_label) && unicode_is_ascii(shown);
        return page_add_pair(l->page, both ?: shown_label, shown, &line);
}

int layout_pair(struct layout *l, const struct phrase *label, const char *value, const struct page_line *style) {
        return add_pair(l, label, value, style, false);
}

int layout_field(struct layout *l, enum field_name name, const struct page_line *style) {
        char text[FIELD_TEXT_MAX];
        int r;

        r = field_text(l->slip, name, l->languages, text);
        return r < 0 ? r : add_pair(l, field_label(name), text, style, true);
}

/* Chinese of two parts takes two lines; tall and bold it would have no white left in it. */
int layout_big(struct layout *l, bool bold, const char *text) {
        struct page_line style = { .align = PAGE_CENTER, .width = 2, .height = 2, .bold = bold };

        if (page_text_width(text) * 2 > l->page->columns && !strstr(text, "，"))
                style = (struct page_line){
                        .align = PAGE_CENTER,
                        .height = unicode_is_ascii(text) ? 2 : 1,
                        .bold = true,
                };
        return layout_line(l, style, text);
}

int layout_big_both(struct layout *l, const char *zh, const char *en) {
        char text[128];
        int r;

        if (!l->languages.zh || !l->languages.en)
                return layout_big(l, true, l->languages.zh ? zh : en);
        (void) snprintf(text, sizeof(text), "%s/%s", zh, en);
        if (page_text_width(text) * 2 <= l->page->columns)
                return layout_big(l, true, text);
        r = layout_big(l, true, zh);
        return r < 0 ? r : layout_big(l, true, en);
}

int layout_bar(struct layout *l, const char *zh, const char *en) {
        struct page_line style = { .align = PAGE_CENTER, .width = 2, .height = 2, .inverse = true };
        bool both = l->languages.zh && l->languages.en;
        int columns = (int) l->page->columns / 2, width;
        _cleanup_free_ char *text = NULL, *bar = NULL;

        if (asprintf(&text, "%s%s%s", l->languages.zh ? zh : "", both ? " " : "", l->languages.en ? en : "") < 0)
                return -ENOMEM;
        width = (int) page_text_width(text);
        if (width > columns) {
                style.text = text;
                return page_add(l->page, &style);
        }
        if (asprintf(&bar, "%*s%s%*s", (columns - width) / 2, "", text, (columns - width + 1) / 2, "") < 0)
                return -ENOMEM;
        style.text = bar;
        return page_add(l->page, &style);
}

int layout_qr(struct layout *l, enum page_align align, unsigned module, const char *text) {
        return page_add(l->page, &(struct page_line){ .type = PAGE_QR,
                                                      .align = align,
                                                      .width = (uint8_t) (module
                                                                                  ?: l->page->columns < 42 ? 4
                                                                                                           : 5),
                                                      .text = (char *) text });
}

/* CODE128: 11 dots each, of two dots a module, with start, check, stop and quiet zones (ISO/IEC 15417). */
static bool fits_barcode(const struct layout *l, const char *text) {
        for (const char *p = text; *p; p++)
                if (*p < ' ' || *p > '~' || *p == '{')
                        return false;
        return *text && ((strlen(text) + 5) * 11 + 2) * 2 <= l->page->columns * 12;
}

int layout_barcode(struct layout *l, const char *text) {
        const struct style_block *b = l->block;
        enum page_align align = b->aligned ? b->align : PAGE_CENTER;

        if (!fits_barcode(l, text))
                return layout_line(l, (struct page_line){ .align = align }, text);
        return page_add(l->page, &(struct page_line){ .type = PAGE_BARCODE,
                                                      .align = align,
                                                      .height = b->height ?: 80,
                                                      .text = (char *) text });
}

int layout_each(struct layout *l, const char *text, int (*add)(struct layout *l, const char *line)) {
        _cleanup_free_ char *copy = strdup(text);
        char *line, *rest = copy;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        while (r >= 0 && (line = strsep(&rest, "\n")))
                r = *line ? add(l, line) : 0;
        return r;
}
