// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/escpos.h"

#include <iconv.h>

#include "base/log.h"
#include "base/unicode.h"

/* Commands and their ranges are those of Epson's ESC/POS reference; where a model differs, its profile says so. */
#define ESC 0x1b
#define FS 0x1c
#define GS 0x1d

struct encoder {
        FILE *f;
        iconv_t table; /* UTF-8 to what the printer reads; -1 where there is none: ASCII is all that it can be told */
        const struct printer_profile *profile;
        unsigned columns;                                    /* of the page */
        unsigned dots;                                       /* that its columns take, from the left */
        int align, mode, size, chinese_mode, inverse, small; /* what the printer is in; all 0 after ESC @ */
};

#define PUT(e, ...)                                                                                                   \
        do {                                                                                                          \
                const uint8_t _bytes[] = { __VA_ARGS__ };                                                             \
                (void) fwrite(_bytes, 1, sizeof(_bytes), (e)->f);                                                     \
        } while (0)

/* With Chinese, no character but ASCII has one byte: GBK's 0x80, the euro sign of Windows, is none of a printer's. */
static bool is_length(enum printer_chinese chinese, size_t n) {
        switch (chinese) {
        case PRINTER_CHINESE_GBK:
                return n == 2;
        case PRINTER_CHINESE_GB18030:
                return n == 2 || n == 4;
        default:
                return n == 1;
        }
}

/* One character in the printer's code; 0 when it has none. */
static size_t encode(struct encoder *e, uint32_t c, char *bytes, size_t size) {
        char utf8[4], *in = utf8, *out = bytes;
        size_t n = unicode_put(c, utf8), left = size;

        if (c < 0x80) {
                bytes[0] = (char) c;
                return 1;
        }
        if (e->table == (iconv_t) -1)
                return 0;
        /* GB18030 has four bytes for anything, and a font two columns for whatever it has of that. */
        if (e->profile->chinese != PRINTER_CHINESE_NONE && unicode_width(c) == 1 && c != 0xa5)
                return 0;
        /* The yen sign is narrow in Unicode and missing in GB: use the wide one. */
        if (c == 0xa5 && e->profile->chinese != PRINTER_CHINESE_NONE)
                return encode(e, 0xffe5, bytes, size);
        if (iconv(e->table, &in, &n, &out, &left) != 0) {
                (void) iconv(e->table, NULL, NULL, NULL, NULL);
                return 0;
        }
        n = size - left;
        /* A table of another kind may give what is a command. */
        return (uint8_t) bytes[0] >= 0x80 && is_length(e->profile->chinese, n) ? n : 0;
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

/* The rows of one command: what fits into small buffers, and far below any model's limit of a picture. */
#define BAND_ROWS 128

/* Columns of eight dots up to the last that is not white, one at least. */
static size_t used_stride(const struct raster *raster) {
        size_t stride = raster_stride(raster), used = 1;

        for (unsigned y = 0; y < raster->height; y++)
                for (size_t i = stride; i > used; i--)
                        if (raster->bits[y * stride + i - 1] != 0)
                                used = i;
        return used;
}

/* It has the width of the paper: its own white places it. */
static void put_raster(struct encoder *e, const struct raster *raster) {
        size_t stride = raster_stride(raster), used = used_stride(raster);

        set_align(e, PAGE_LEFT);
        for (unsigned y = 0; y < raster->height; y += BAND_ROWS) {
                unsigned rows = MIN(raster->height - y, (unsigned) BAND_ROWS);

                PUT(e, GS, 'v', '0', 0, (uint8_t) used, (uint8_t) (used >> 8), (uint8_t) rows, (uint8_t) (rows >> 8));
                for (unsigned row = y; row < y + rows; row++)
                        (void) fwrite(raster->bits + row * stride, 1, used, e->f);
        }
}

static const struct page_line plain = { .width = 1, .height = 1 };

static void put_rule(struct encoder *e) {
        set_align(e, PAGE_LEFT);
        set_style(e, &plain);
        for (unsigned i = 0; i < e->columns; i++)
                fputc('-', e->f);
        fputc('\n', e->f);
}

static void put_text_line(struct encoder *e, const struct page_line *line) {
        set_align(e, line->align);
        set_style(e, line);
        put_text(e, strempty(line->text));
        fputc('\n', e->f);
}

/* A code by its content. */
static void put_content(struct encoder *e, const struct page_line *line) {
        struct page_line text = plain;

        text.align = line->align;
        text.text = line->text;
        put_text_line(e, &text);
}

/* The bytes that a QR code of correction M holds, by version: ISO/IEC 18004, table 7. */
static const uint16_t qr_capacity[] = {
        14,   26,   42,   62,   84,   106,  122,  152,  180,  213,  251,  287,  331,  362,
        412,  450,  504,  560,  624,  666,  711,  779,  857,  911,  997,  1059, 1125, 1190,
        1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911, 1989, 2099, 2213, 2331,
};

/* Modules of a side; 0 for more than the largest code holds. */
static unsigned qr_modules(size_t size) {
        for (unsigned i = 0; i < ELEMENTSOF(qr_capacity); i++)
                if (size <= qr_capacity[i])
                        return 21 + 4 * i;
        return 0;
}

/* Dots of a module: those wished for, fewer where the code would not fit. GS ( k function 167 takes 1 to 16. */
static unsigned qr_module(const struct page_line *line, unsigned dots) {
        unsigned fit = dots / MAX(qr_modules(strlen(line->text)), 1u), module = MAX(line->width, 1);

        module = MIN(module, 16u);
        return MIN(module, fit);
}

static void put_qr(struct encoder *e, const struct page_line *line) {
        size_t l = strlen(line->text) + 3;
        uint8_t module = (uint8_t) qr_module(line, e->dots);

        if (!e->profile->qr || l == 3 || qr_modules(l - 3) == 0)
                return put_content(e, line);
        set_align(e, line->align);
        /* GS ( k, functions 165, 167, 169, 180 and 181 of the Epson ESC/POS reference. */
        PUT(e, GS, '(', 'k', 4, 0, 49, 65, 50, 0);  /* model 2 */
        PUT(e, GS, '(', 'k', 3, 0, 49, 67, module); /* dots of a module */
        PUT(e, GS, '(', 'k', 3, 0, 49, 69, 49);     /* correction M */
        PUT(e, GS, '(', 'k', (uint8_t) l, (uint8_t) (l >> 8), 49, 80, 48);
        (void) fwrite(line->text, 1, l - 3, e->f);
        PUT(e, GS, '(', 'k', 3, 0, 49, 81, 48);
}

static bool is_digits(const char *text) {
        size_t l = strlen(text);

        return l % 2 == 0 && strspn(text, "0123456789") == l;
}

/*
 * Dots of the narrowest bar: those wished for, 2 at least and 6 at most (GS w), fewer where the code would not fit; 0
 * where it does not fit at all, and a printer would print nothing. A character of CODE128 has 11 modules, and there
 * are start, check and a stop of 13 (ISO/IEC 15417).
 */
static unsigned bar_width(const struct page_line *line, unsigned dots) {
        size_t l = strlen(line->text), modules = 11 * (2 + (is_digits(line->text) ? l / 2 : l)) + 13;
        unsigned width = MAX(line->width, 2);

        width = MIN(width, 6u);
        while (width >= 2 && modules * width > dots)
                width--;
        return width >= 2 ? width : 0;
}

static bool is_barcode(const char *text, size_t l) {
        for (size_t i = 0; i < l; i++)
                if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '{')
                        return false;
        return l > 0 && l <= 100;
}

/* CODE128: pairs of digits in set C, all else in set B. GS k form B counts its bytes in one. */
static void put_barcode(struct encoder *e, const struct page_line *line) {
        size_t l = strlen(line->text);
        unsigned width = bar_width(line, e->dots);

        if (!e->profile->barcode || width == 0 || !is_barcode(line->text, l))
                return put_content(e, line);
        set_align(e, line->align);
        PUT(e, GS, 'h', MAX(line->height, 1), GS, 'w', (uint8_t) width, GS, 'H', 2, GS, 'f', 0);
        if (is_digits(line->text)) {
                PUT(e, GS, 'k', 73, (uint8_t) (l / 2 + 2), '{', 'C');
                for (size_t i = 0; i < l; i += 2)
                        fputc((line->text[i] - '0') * 10 + line->text[i + 1] - '0', e->f);
                return;
        }
        PUT(e, GS, 'k', 73, (uint8_t) (l + 2), '{', 'B');
        (void) fwrite(line->text, 1, l, e->f);
}

/* GS V 65 and 66 feed to the blade by themselves; 0 and 1 cut where it is. 66 and 1 leave a point uncut. */
static void put_cut(struct encoder *e) {
        if (e->profile->feed_lines > 0)
                PUT(e, ESC, 'd', e->profile->feed_lines);
        if (e->profile->cutter == PRINTER_CUTTER_NONE)
                return;
        if (e->profile->quirks & PRINTER_QUIRK_CUT_PLAIN)
                PUT(e, GS, 'V', e->profile->cutter == PRINTER_CUTTER_PARTIAL);
        else
                PUT(e, GS, 'V', e->profile->cutter == PRINTER_CUTTER_PARTIAL ? 66 : 65, 0);
}

static void put_line(struct encoder *e, const struct page_line *line) {
        if (line->raster && !(e->profile->quirks & PRINTER_QUIRK_NO_RASTER))
                return put_raster(e, line->raster);
        switch (line->type) {
        case PAGE_TEXT:
                return put_text_line(e, line);
        case PAGE_RULE:
                return put_rule(e);
        case PAGE_QR:
                return put_qr(e, line);
        case PAGE_BARCODE:
                return put_barcode(e, line);
        case PAGE_FEED:
                set_style(e, &plain);
                PUT(e, ESC, 'd', line->height);
                return;
        case PAGE_CUT:
                set_style(e, &plain);
                return put_cut(e);
        case PAGE_LOGO:
        case _PAGE_LINE_TYPE_MAX:
                return;
        }
}

static void put_page(struct encoder *e, const struct page *page) {
        PUT(e, ESC, '@', ESC, 't', e->profile->code_page);
        if (e->profile->chinese == PRINTER_CHINESE_NONE)
                PUT(e, FS, '.');
        else
                PUT(e, FS, '&');
        /* What is centered or to the right is so within the page's columns. */
        if (e->dots < e->profile->dots)
                PUT(e, GS, 'W', (uint8_t) e->dots, (uint8_t) (e->dots >> 8));
        for (size_t i = 0; i < page->n_lines; i++)
                put_line(e, &page->lines[i]);
}

static void encoder_done(struct encoder *e) {
        if (e->table != (iconv_t) -1)
                (void) iconv_close(e->table);
}

static const char *charset_of(const struct printer_profile *profile) {
        switch (profile->chinese) {
        case PRINTER_CHINESE_GBK:
                return "GBK";
        case PRINTER_CHINESE_GB18030:
                return "GB18030";
        default:
                return profile->charset;
        }
}

/* Without a table a paper is poorer, and still one. */
static struct encoder encoder_make(const struct printer_profile *profile) {
        return (struct encoder){ .table = iconv_open(charset_of(profile), "UTF-8"), .profile = profile };
}

static bool has_character(struct encoder *e, uint32_t c) {
        char bytes[8];

        /* A mark over another character is none of a font's. */
        if (unicode_width(c) == 0)
                return unicode_is_control(c);
        return encode(e, c, bytes, sizeof(bytes)) > 0;
}

static bool has_characters(struct encoder *e, const char *text) {
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                if (!has_character(e, c))
                        return false;
        return true;
}

bool line_needs_raster(const struct page_line *line, const struct printer_profile *profile) {
        _cleanup_(encoder_done) struct encoder e = { .table = (iconv_t) -1 };

        if (profile->quirks & PRINTER_QUIRK_NO_RASTER)
                return false;
        switch (line->type) {
        case PAGE_TEXT:
                e = encoder_make(profile);
                return !has_characters(&e, strempty(line->text));
        case PAGE_QR:
                return !profile->qr;
        case PAGE_BARCODE:
                return !profile->barcode;
        case PAGE_LOGO:
                return true;
        default:
                return false;
        }
}

bool printable_is_all(const char *text, const struct printer_profile *profile, bool pictures) {
        _cleanup_(encoder_done) struct encoder e = { .table = (iconv_t) -1 };

        if (pictures && !(profile->quirks & PRINTER_QUIRK_NO_RASTER))
                return true;
        e = encoder_make(profile);
        return has_characters(&e, text);
}

/* Only what is wide: "?" stands for a letter, and a row of them for nothing that anybody could read. */
static bool is_left_out(struct encoder *e, uint32_t c) {
        return unicode_width(c) == 2 && !has_character(e, c);
}

static void leave_out(struct encoder *e, char *text) {
        const char *p = text;
        char *q = text;
        uint32_t c;

        while ((c = unicode_next(&p)) != 0)
                if (!is_left_out(e, c) && (c != ' ' || q > text))
                        q += unicode_put(c, q);
        while (q > text && q[-1] == ' ')
                q--;
        *q = '\0';
}

void printable_leave_out(char *text, const struct printer_profile *profile) {
        _cleanup_(encoder_done) struct encoder e = encoder_make(profile);
        const char *p = text;
        uint32_t c;

        while ((c = unicode_next(&p)) != 0)
                if (is_left_out(&e, c))
                        return leave_out(&e, text);
}

bool page_needs_rasters(const struct page *page, const struct printer_profile *profile) {
        for (size_t i = 0; i < page->n_lines; i++)
                if (line_needs_raster(&page->lines[i], profile))
                        return true;
        return false;
}

int page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret, size_t *ret_size) {
        _cleanup_(encoder_done) struct encoder e = encoder_make(profile);
        _cleanup_free_ char *bytes = NULL;
        size_t size = 0;

        if (page->columns > profile->columns)
                return -EINVAL;
        if (e.table == (iconv_t) -1)
                log_warning("There is no table for %s, which the printer reads: all but ASCII is printed as \"?\"",
                            charset_of(profile));
        e.columns = page->columns;
        e.dots = profile->dots / profile->columns * page->columns;
        e.f = open_memstream(&bytes, &size);
        if (!e.f)
                return -ENOMEM;
        put_page(&e, page);
        if (ferror(e.f) | fclose(e.f))
                return -ENOMEM;
        *ret = (uint8_t *) TAKE_PTR(bytes);
        *ret_size = size;
        return 0;
}

size_t drawer_to_escpos(const struct printer_profile *profile, uint8_t ret[static DRAWER_PULSE_SIZE]) {
        const uint8_t pulse[DRAWER_PULSE_SIZE] = {
                ESC,
                'p',
                profile->drawer_pin == 5,
                (uint8_t) (profile->drawer_on / 2),
                (uint8_t) (profile->drawer_off / 2),
        };

        if (profile->drawer_pin == 0)
                return 0;
        memcpy(ret, pulse, sizeof(pulse));
        return sizeof(pulse);
}

/* ---- How long it takes ---- */

#define LINE_ROWS 34   /* a sixth of an inch: no model's line is higher by itself */
#define CELL_ROWS 24   /* of a character */
#define BLADE_ROWS 160 /* from the head to the blade, or to what lies behind it: 20 mm */

static unsigned line_rows(const struct page_line *line, const struct printer_profile *profile) {
        if (line->raster)
                return line->raster->height;
        switch (line->type) {
        case PAGE_TEXT:
                return MAX(LINE_ROWS, CELL_ROWS * line->height);
        case PAGE_RULE:
                return LINE_ROWS;
        case PAGE_QR:
                return (qr_modules(strlen(strempty(line->text))) + 8) * MAX(line->width, 1);
        case PAGE_BARCODE:
                return line->height + LINE_ROWS;
        case PAGE_FEED:
                return LINE_ROWS * line->height;
        case PAGE_CUT:
                return LINE_ROWS * profile->feed_lines + BLADE_ROWS;
        default:
                return 0;
        }
}

uint64_t page_rows(const struct page *page, const struct printer_profile *profile) {
        uint64_t rows = 0;

        for (size_t i = 0; i < page->n_lines; i++)
                rows += line_rows(&page->lines[i], profile);
        return rows;
}

/* Rows of 180 to the inch, the coarsest, printed at half the speed: a battery, cold or dark paper slow a head down. */
unsigned page_print_seconds(const struct page *page, const struct printer_profile *profile) {
        return (unsigned) (PRINT_SECONDS_BASE + page_rows(page, profile) * 254 * 2 / (1800 * MAX(profile->speed, 1u)));
}
