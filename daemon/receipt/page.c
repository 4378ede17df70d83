// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/page.h"

#include "base/unicode.h"

/* A paper of some ten metres: more is a mistake, or an attack. */
#define PAGE_LINES_MAX 4096

int page_new(unsigned columns, unsigned columns_small, struct page **ret) {
        struct page *page;

        if (columns < 16 || columns_small < columns || columns_small > 255)
                return -EINVAL;
        page = calloc(1, sizeof(*page));
        if (!page)
                return -ENOMEM;
        page->columns = columns;
        page->columns_small = columns_small;
        *ret = page;
        return 0;
}

struct page *page_free(struct page *page) {
        if (!page)
                return NULL;
        page_free_rasters(page);
        for (size_t i = 0; i < page->n_lines; i++)
                free(page->lines[i].text);
        free(page->lines);
        free(page);
        return NULL;
}

void page_free_rasters(struct page *page) {
        for (size_t i = 0; i < page->n_lines; i++)
                page->lines[i].raster = raster_free(page->lines[i].raster);
}

size_t page_text_width(const char *text) {
        size_t width = 0;
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                width += unicode_width(c);
        return width;
}

char *page_text_clean(const char *text) {
        char *clean, *p;
        uint32_t c;

        /* A broken byte grows to the three of U+FFFD. */
        clean = p = malloc(strlen(text) * 3 + 1);
        if (!clean)
                return NULL;
        while ((c = unicode_next(&text)) != 0) {
                if (c == '\t' || c == 0xa0)
                        c = ' ';
                if (!unicode_is_control(c))
                        p += unicode_put(c, p);
        }
        *p = '\0';
        return clean;
}

/* Takes over the text. */
static int append(struct page *page, const struct page_line *style, char *text) {
        if (page->n_lines >= PAGE_LINES_MAX) {
                free(text);
                return -E2BIG;
        }
        if (page->n_lines % 32 == 0) {
                struct page_line *grown = reallocarray(page->lines, page->n_lines + 32, sizeof(*grown));

                if (!grown) {
                        free(text);
                        return -ENOMEM;
                }
                page->lines = grown;
        }
        page->lines[page->n_lines] = *style;
        page->lines[page->n_lines++].text = text;
        return 0;
}

/* Whether a Chinese sentence has a pause between these two: after a stop, in front of a bracket. */
static bool is_pause(uint32_t previous, uint32_t c) {
        switch (previous) {
        case 0x3002: /* 。 */
        case 0xff01: /* ！ */
        case 0xff0c: /* ， */
        case 0xff1a: /* ： */
        case 0xff1b: /* ； */
        case 0xff1f: /* ？ */
                return true;
        default:
                return c == 0xff08; /* （ */
        }
}

static const char *skip_blanks(const char *text) {
        return text + strspn(text, " ");
}

/*
 * How many bytes of text fit into so many columns: up to a pause if the rest has room on the next line, else up to a
 * blank if the text goes on, else between two wide characters, else anywhere. *ret_next is where the next line starts.
 */
static size_t fit(const char *text, size_t columns, const char **ret_next) {
        const char *p = text, *end = NULL, *start = NULL, *pause = NULL;
        uint32_t previous = 0;
        size_t width = 0;

        for (;;) {
                const char *here = p;
                uint32_t c = unicode_next(&p);

                if (c == 0) {
                        *ret_next = here;
                        /* Too wide by the blanks at its end. */
                        return (size_t) ((width > columns ? end : here) - text);
                }
                if (c == ' ') {
                        if (previous != ' ')
                                end = here;
                        start = p;
                } else if (here > text && (unicode_width(c) == 2 || unicode_width(previous) == 2) && previous != ' ' &&
                           !unicode_clings(c)) {
                        end = start = here;
                }
                if (here > text && is_pause(previous, c) && !unicode_clings(c))
                        pause = here;
                width += unicode_width(c);
                if (width > columns && c != ' ') {
                        if (pause && page_text_width(skip_blanks(pause)) <= columns) {
                                end = pause;
                                start = skip_blanks(pause);
                        }
                        /* No place to break at: right here, but never in front of the first one. */
                        if (!end || end == text)
                                end = start = here > text ? here : p;
                        *ret_next = start;
                        return (size_t) (end - text);
                }
                previous = c;
        }
}

static size_t style_columns(const struct page *page, const struct page_line *style) {
        return (style->small ? page->columns_small : page->columns) / (style->width > 1 ? 2 : 1);
}

static struct page_line normalize(const struct page_line *line) {
        struct page_line style = *line;

        style.text = NULL;
        style.raster = NULL;
        if (style.width == 0)
                style.width = 1;
        if (style.height == 0)
                style.height = 1;
        if (style.type == PAGE_TEXT) {
                style.width = MIN(style.width, 2);
                style.height = MIN(style.height, 2);
        }
        return style;
}

int page_add(struct page *page, const struct page_line *line) {
        struct page_line style = normalize(line);
        _cleanup_free_ char *clean = NULL;
        const char *p;
        int r;

        if (line->type == PAGE_RULE || line->type == PAGE_FEED || line->type == PAGE_CUT || line->type == PAGE_LOGO)
                return append(page, &style, NULL);
        clean = page_text_clean(strempty(line->text));
        if (!clean)
                return -ENOMEM;
        if (line->type != PAGE_TEXT)
                return append(page, &style, TAKE_PTR(clean));
        /* Chinese has one size: in the columns of the small font it would run over the edge. */
        style.small = style.small && unicode_is_ascii(clean);
        p = clean;
        do {
                const char *next = p;
                size_t l = fit(p, style_columns(page, &style), &next);
                char *text = strndup(p, l);

                if (!text)
                        return -ENOMEM;
                r = append(page, &style, text);
                if (r < 0)
                        return r;
                p = next;
        } while (*p);
        return 0;
}

int page_add_pair(struct page *page, const char *label, const char *value, const struct page_line *style) {
        _cleanup_free_ char *l = page_text_clean(label), *v = page_text_clean(value), *text = NULL;
        struct page_line line = normalize(style);
        size_t columns = style_columns(page, &line), width;
        int r;

        if (!l || !v)
                return -ENOMEM;
        line.type = PAGE_TEXT;
        line.align = PAGE_LEFT;
        width = page_text_width(l) + page_text_width(v);
        if (width + 1 <= columns) {
                if (asprintf(&text, "%s%*s%s", l, (int) (columns - width), "", v) < 0)
                        return -ENOMEM;
                line.text = text;
                return page_add(page, &line);
        }
        line.text = l;
        r = page_add(page, &line);
        if (r < 0)
                return r;
        line.align = PAGE_RIGHT;
        line.text = v;
        return page_add(page, &line);
}
