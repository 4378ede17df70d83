// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/page-store.h"

#define HEADER_PREFIX "tilld-page "
#define HEADER HEADER_PREFIX "1\n"

static const char *const types[] = { "text", "rule", "qr", "barcode", "feed", "cut", "logo" };
static const char *const aligns[] = { "left", "center", "right" };
_Static_assert(ELEMENTSOF(types) == _PAGE_LINE_TYPE_MAX, "a word each");

void stored_page_done(struct stored_page *s) {
        s->page = page_free(s->page);
        free(s->rasters);
        s->rasters = NULL;
}

/* ---- writing ---- */

static void put_line(FILE *f, const struct page_line *line, bool raster) {
        char flags[5], *p = flags;

        if (line->bold)
                *p++ = 'b';
        if (line->small)
                *p++ = 's';
        if (line->inverse)
                *p++ = 'i';
        if (raster)
                *p++ = 'r';
        if (p == flags)
                *p++ = '-';
        *p = '\0';
        fprintf(f, "%s %s %u %u %s", types[line->type], aligns[line->align], line->width, line->height, flags);
        if (line->text)
                fprintf(f, " \"%s", line->text);
        fputc('\n', f);
}

int page_to_blob(const struct stored_page *s, char **ret, size_t *ret_size) {
        _cleanup_free_ char *blob = NULL;
        size_t size = 0;
        FILE *f;

        f = open_memstream(&blob, &size);
        if (!f)
                return -ENOMEM;
        fprintf(f, HEADER "dots %u\ncolumns %u\ncolumns-small %u\n", s->dots, s->page->columns,
                s->page->columns_small);
        for (size_t i = 0; i < s->page->n_lines; i++)
                put_line(f, &s->page->lines[i], s->rasters && s->rasters[i]);
        if (ferror(f) | fclose(f))
                return -ENOMEM;
        if (size > PAGE_BLOB_MAX)
                return -E2BIG;
        *ret = TAKE_PTR(blob);
        *ret_size = size;
        return 0;
}

/* ---- reading ---- */

/* The next word, ended by a blank or the end of the line; -EBADMSG for none. */
static int next_word(char **line, char **ret) {
        char *word = strsep(line, " ");

        if (isempty(word))
                return -EBADMSG;
        *ret = word;
        return 0;
}

static int next_name(char **line, const char *const *names, size_t n, unsigned *ret) {
        char *word;
        int r = next_word(line, &word);

        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                if (streq(names[i], word)) {
                        *ret = (unsigned) i;
                        return 0;
                }
        return -EBADMSG;
}

static int next_number(char **line, unsigned max, unsigned *ret) {
        unsigned long n;
        char *word, *end;
        int r = next_word(line, &word);

        if (r < 0)
                return r;
        n = strtoul(word, &end, 10);
        if (*end || n > max)
                return -EBADMSG;
        *ret = (unsigned) n;
        return 0;
}

/* Only the next line can be "NAME NUMBER". */
static int number_line(char **text, const char *name, unsigned max, unsigned *ret) {
        char *line = strsep(text, "\n"), *word;
        int r;

        r = next_word(&line, &word);
        if (r < 0)
                return r;
        if (!streq(word, name))
                return -EBADMSG;
        return next_number(&line, max, ret);
}

static int parse_line(char *text, struct page_line *ret, bool *ret_raster) {
        struct page_line line = {};
        unsigned type, align, width, height;
        char *flags;
        int r;

        r = next_name(&text, types, ELEMENTSOF(types), &type);
        if (r >= 0)
                r = next_name(&text, aligns, ELEMENTSOF(aligns), &align);
        if (r >= 0)
                r = next_number(&text, UINT8_MAX, &width);
        if (r >= 0)
                r = next_number(&text, UINT8_MAX, &height);
        if (r >= 0)
                r = next_word(&text, &flags);
        if (r < 0)
                return r;
        line.type = type;
        line.align = align;
        line.width = (uint8_t) width;
        line.height = (uint8_t) height;
        line.bold = strchr(flags, 'b');
        line.small = strchr(flags, 's');
        line.inverse = strchr(flags, 'i');
        if (text && *text++ != '"')
                return -EBADMSG;
        line.text = text;
        *ret = line;
        *ret_raster = strchr(flags, 'r');
        return 0;
}

/* Where it is added as more than one line, or changed by that, it is not what to_blob wrote. */
static int add_line(struct stored_page *s, char *text) {
        struct page_line line;
        size_t at = s->page->n_lines;
        bool raster, *rasters;
        int r;

        r = parse_line(text, &line, &raster);
        if (r < 0)
                return r;
        r = page_add(s->page, &line);
        if (r < 0)
                return r;
        if (s->page->n_lines != at + 1)
                return -EBADMSG;
        rasters = reallocarray(s->rasters, at + 1, sizeof(*rasters));
        if (!rasters)
                return -ENOMEM;
        rasters[at] = raster;
        s->rasters = rasters;
        return 0;
}

static int parse(char *text, struct stored_page *s) {
        unsigned columns, columns_small;
        int r;

        r = number_line(&text, "dots", RASTER_WIDTH_MAX, &s->dots);
        if (r >= 0)
                r = number_line(&text, "columns", UINT8_MAX, &columns);
        if (r >= 0)
                r = number_line(&text, "columns-small", UINT8_MAX, &columns_small);
        if (r >= 0)
                r = page_new(columns, columns_small, &s->page);
        if (r < 0)
                return r == -EINVAL ? -EBADMSG : r;
        while (!isempty(text)) {
                r = add_line(s, strsep(&text, "\n"));
                if (r < 0)
                        return r;
        }
        return s->dots > 0 ? 0 : -EBADMSG;
}

int page_from_blob(const void *data, size_t size, struct stored_page *ret) {
        _cleanup_(stored_page_done) struct stored_page s = {};
        _cleanup_free_ char *copy = NULL, *again = NULL;
        size_t n;
        int r;

        if (size > PAGE_BLOB_MAX)
                return -E2BIG;
        /* A NUL would end it early, and it would not be written so again. */
        copy = strndup(data, size);
        if (!copy)
                return -ENOMEM;
        if (!startswith(copy, HEADER))
                return startswith(copy, HEADER_PREFIX) ? -EPROTONOSUPPORT : -EBADMSG;
        r = parse(copy + strlen(HEADER), &s);
        if (r < 0)
                return r;
        r = page_to_blob(&s, &again, &n);
        if (r < 0)
                return r;
        if (n != size || memcmp(again, data, n) != 0)
                return -EBADMSG;
        *ret = s;
        s = (struct stored_page){};
        return 0;
}
