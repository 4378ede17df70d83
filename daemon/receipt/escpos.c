// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/escpos.h"

#include <iconv.h>

#include "receipt/unicode.h"

#define ESC 0x1b
#define FS 0x1c
#define GS 0x1d

struct encoder {
        FILE *f;
        iconv_t gb; /* UTF-8 to GB18030, where the printer has Chinese */
        const struct printer_profile *profile;
        int align, mode, size, chinese_mode, inverse, small; /* what the printer is in; all 0 after ESC @ */
};

#define PUT(e, ...)                                                                                                   \
        do {                                                                                                          \
                const uint8_t _bytes[] = { __VA_ARGS__ };                                                             \
                (void) fwrite(_bytes, 1, sizeof(_bytes), (e)->f);                                                     \
        } while (0)

/* One character in the printer's code; 0 when it has none. */
static size_t encode(struct encoder *e, uint32_t c, char *bytes, size_t size) {
        char utf8[4], *in = utf8, *out = bytes;
        size_t n = unicode_put(c, utf8), left = size;

        if (c < 0x80) {
                bytes[0] = (char) c;
                return 1;
        }
        if (e->profile->chinese == PRINTER_CHINESE_NONE)
                return 0;
        if (c == 0xa5) /* the yen sign is narrow in Unicode and missing in GB: use the wide one */
                return encode(e, 0xffe5, bytes, size);
        if (iconv(e->gb, &in, &n, &out, &left) != 0) {
                (void) iconv(e->gb, NULL, NULL, NULL, NULL);
                return 0;
        }
        n = size - left;
        return n == 2 || (n == 4 && e->profile->chinese == PRINTER_CHINESE_GB18030) ? n : 0;
}

static void put_text(struct encoder *e, const char *text) {
        uint32_t c;

        while ((c = unicode_next(&text)) != 0) {
                char bytes[8];
                size_t n;

                /* Cleaned already; a control byte here would be a command. */
                if (unicode_is_control(c) || unicode_width(c) == 0)
                        continue;
                n = encode(e, c, bytes, sizeof(bytes));
                if (n > 0)
                        (void) fwrite(bytes, 1, n, e->f);
                else
                        for (unsigned i = 0; i < unicode_width(c); i++)
                                fputc('?', e->f);
        }
}

static void set_align(struct encoder *e, enum page_align align) {
        if (e->align == (int) align)
                return;
        e->align = align;
        PUT(e, ESC, 'a', (uint8_t) align);
}

/* Three commands say the size: models differ in which of them they take for which characters. */
static void set_style(struct encoder *e, const struct page_line *line) {
        bool tall = line->height > 1, broad = line->width > 1;
        int mode = line->small | line->bold << 3 | tall << 4 | broad << 5;
        int size = tall | broad << 4, chinese_mode = broad << 2 | tall << 3;

        if (e->mode != mode)
                PUT(e, ESC, '!', (uint8_t) mode);
        if (e->size != size)
                PUT(e, GS, '!', (uint8_t) size);
        if (e->chinese_mode != chinese_mode && e->profile->chinese != PRINTER_CHINESE_NONE)
                PUT(e, FS, '!', (uint8_t) chinese_mode);
        if (e->inverse != (int) line->inverse)
                PUT(e, GS, 'B', (uint8_t) line->inverse);
        /* In units that differ by model; none feeds less than the height of its characters. */
        if (e->small != (int) line->small && line->small)
                PUT(e, ESC, '3', 22);
        else if (e->small != (int) line->small)
                PUT(e, ESC, '2');
        e->mode = mode;
        e->size = size;
        e->chinese_mode = chinese_mode;
        e->inverse = line->inverse;
        e->small = line->small;
}

static const struct page_line plain = { .width = 1, .height = 1 };

static void put_rule(struct encoder *e) {
        set_align(e, PAGE_LEFT);
        set_style(e, &plain);
        for (unsigned i = 0; i < e->profile->columns; i++)
                fputc('-', e->f);
        fputc('\n', e->f);
}

static int put_qr(struct encoder *e, const struct page_line *line) {
        size_t l = strlen(line->text) + 3;

        /* The store command's length is two bytes; the largest code of correction M holds 2331. */
        if (l - 3 == 0 || l - 3 > 2331)
                return -E2BIG;
        set_align(e, line->align);
        PUT(e, GS, '(', 'k', 4, 0, 49, 65, 50, 0);               /* model 2 */
        PUT(e, GS, '(', 'k', 3, 0, 49, 67, MAX(line->width, 1)); /* dots of a module */
        PUT(e, GS, '(', 'k', 3, 0, 49, 69, 49);                  /* correction M */
        PUT(e, GS, '(', 'k', (uint8_t) l, (uint8_t) (l >> 8), 49, 80, 48);
        (void) fwrite(line->text, 1, l - 3, e->f);
        PUT(e, GS, '(', 'k', 3, 0, 49, 81, 48);
        return 0;
}

/* CODE128: pairs of digits in set C, all else in set B. */
static int put_barcode(struct encoder *e, const struct page_line *line) {
        size_t l = strlen(line->text);
        bool digits = l % 2 == 0 && strspn(line->text, "0123456789") == l;

        if (l == 0 || l > 100)
                return -E2BIG;
        for (size_t i = 0; i < l; i++)
                if (line->text[i] < 0x20 || line->text[i] > 0x7e || line->text[i] == '{')
                        return -EINVAL;
        set_align(e, line->align);
        PUT(e, GS, 'h', line->height, GS, 'w', MAX(line->width, 2), GS, 'H', 2, GS, 'f', 0);
        if (digits) {
                PUT(e, GS, 'k', 73, (uint8_t) (l / 2 + 2), '{', 'C');
                for (size_t i = 0; i < l; i += 2)
                        fputc((line->text[i] - '0') * 10 + line->text[i + 1] - '0', e->f);
                return 0;
        }
        PUT(e, GS, 'k', 73, (uint8_t) (l + 2), '{', 'B');
        (void) fwrite(line->text, 1, l, e->f);
        return 0;
}

static void put_cut(struct encoder *e) {
        if (e->profile->feed_lines > 0)
                PUT(e, ESC, 'd', e->profile->feed_lines);
        if (e->profile->cutter)
                PUT(e, GS, 'V', 66, 0);
}

static int put_line(struct encoder *e, const struct page_line *line) {
        switch (line->type) {
        case PAGE_TEXT:
                set_align(e, line->align);
                set_style(e, line);
                put_text(e, strempty(line->text));
                fputc('\n', e->f);
                return 0;
        case PAGE_RULE:
                put_rule(e);
                return 0;
        case PAGE_QR:
                if (!e->profile->qr)
                        return -EOPNOTSUPP;
                return put_qr(e, line);
        case PAGE_BARCODE:
                return put_barcode(e, line);
        case PAGE_FEED:
                set_style(e, &plain);
                PUT(e, ESC, 'd', line->height);
                return 0;
        case PAGE_CUT:
                set_style(e, &plain);
                put_cut(e);
                return 0;
        }
        return -EINVAL;
}

static int put_page(struct encoder *e, const struct page *page) {
        int r;

        PUT(e, ESC, '@', ESC, 't', e->profile->code_page);
        if (e->profile->chinese == PRINTER_CHINESE_NONE)
                PUT(e, FS, '.');
        else
                PUT(e, FS, '&');
        for (size_t i = 0; i < page->n_lines; i++) {
                r = put_line(e, &page->lines[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret, size_t *ret_size) {
        struct encoder e = { .gb = (iconv_t) -1, .profile = profile };
        _cleanup_free_ char *bytes = NULL;
        size_t size = 0;
        int r;

        if (page->columns > profile->columns)
                return -EINVAL;
        if (profile->chinese != PRINTER_CHINESE_NONE) {
                e.gb = iconv_open("GB18030", "UTF-8");
                if (e.gb == (iconv_t) -1)
                        return -errno;
        }
        e.f = open_memstream(&bytes, &size);
        r = e.f ? put_page(&e, page) : -ENOMEM;
        if (e.f && (ferror(e.f) | fclose(e.f)))
                r = -ENOMEM;
        if (e.gb != (iconv_t) -1)
                (void) iconv_close(e.gb);
        if (r < 0)
                return r;
        *ret = (uint8_t *) TAKE_PTR(bytes);
        *ret_size = size;
        return 0;
}
