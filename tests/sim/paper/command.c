// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ESC/POS, as Epson's command reference for the TM series has it: how long each command is, and what it does.
 * Numbers are as in the reference; where it says that a value is out of range, the command does nothing and counts
 * as unknown.
 */

#include "paper/printer.h"

enum {
        HT = 0x09,
        LF = 0x0A,
        FF = 0x0C,
        CR = 0x0D,
        DLE = 0x10,
        CAN = 0x18,
        ESC = 0x1B,
        FS = 0x1C,
        GS = 0x1D,
};

#define DPI 203
#define LINE_SPACING 30 /* 3.75 mm */

static unsigned get16(const uint8_t *p) {
        return p[0] | (unsigned) p[1] << 8;
}

static uint64_t get32(const uint8_t *p) {
        return get16(p) | (uint64_t) get16(p + 2) << 16;
}

/* In how many dots a count of motion units results. */
static unsigned units(unsigned n, unsigned per_inch) {
        return per_inch == DPI ? n : n * DPI / per_inch;
}

static void codepage_load(struct paper *p, const char *name) {
        iconv_t cd = iconv_open("UTF-32LE", name);

        memset(p->codepage, 0, sizeof(p->codepage));
        if (cd == (iconv_t) -1)
                return;
        for (unsigned i = 0; i < 128; i++) {
                char in = (char) (0x80 + i), *from = &in, *to;
                size_t from_left = 1, to_left = 4;
                uint32_t c = 0;

                to = (char *) &c;
                if (iconv(cd, &from, &from_left, &to, &to_left) != (size_t) -1 && to_left == 0)
                        p->codepage[i] = c;
        }
        iconv_close(cd);
}

/* What page 1 has from 80 to 9F, before the Katakana. */
static const uint16_t katakana_graphics[] = {
        0x2581, 0x2582, 0x2583, 0x2584, 0x2585, 0x2586, 0x2587, 0x2588, 0x258F, 0x258E, 0x258D,
        0x258C, 0x258B, 0x258A, 0x2589, 0x253C, 0x2534, 0x252C, 0x2524, 0x251C, 0x2594, 0x2500,
        0x2502, 0x2595, 0x250C, 0x2510, 0x2514, 0x2518, 0x256D, 0x256E, 0x2570, 0x256F,
};

static void katakana_load(struct paper *p) {
        for (unsigned i = 0; i < ELEMENTSOF(katakana_graphics); i++)
                p->codepage[i] = katakana_graphics[i];
        for (unsigned i = 0xA1; i <= 0xDF; i++)
                p->codepage[i - 0x80] = 0xFF61 + i - 0xA1;
}

/* ESC t n */
static bool codepage_choose(struct paper *p, unsigned n) {
        static const char *const pages[] = {
                [0] = "CP437",       [1] = "ASCII",   [2] = "CP850",   [3] = "CP860",      [4] = "CP863",
                [5] = "CP865",       [13] = "CP857",  [14] = "CP737",  [15] = "ISO8859-7", [16] = "CP1252",
                [17] = "CP866",      [18] = "CP852",  [19] = "CP858",  [37] = "CP864",     [39] = "ISO8859-2",
                [40] = "ISO8859-15", [45] = "CP1250", [46] = "CP1251", [47] = "CP1253",    [48] = "CP1254",
        };

        if (n >= ELEMENTSOF(pages) || !pages[n])
                return false;
        codepage_load(p, pages[n]);
        if (n == 1)
                katakana_load(p);
        if (n == 13) /* Epson's has the euro */
                p->codepage[0xD5 - 0x80] = 0x20AC;
        return true;
}

void paper_modes_reset(struct paper *p) {
        struct paper_modes m = {
                .width = 1,
                .height = 1,
                .chinese_width = 1,
                .chinese_height = 1,
                .chinese = p->model.chinese != PAPER_CHINESE_NONE,
                .line_spacing = LINE_SPACING,
                .unit_x = DPI,
                .unit_y = DPI,
                .area = p->model.dots,
                .bar_height = 162,
                .bar_width = 3,
                .qr_model = 2,
                .qr_size = 3,
                .pdf_level = 1,
                .pdf_width = 3,
                .pdf_height = 3,
        };

        for (unsigned i = 0; i < 31 && (i + 1) * 8 * 12 < p->model.dots; i++)
                m.tabs[i] = (uint16_t) ((i + 1) * 8 * 12);
        p->modes = m;
        codepage_load(p, "CP437");
        p->n_qr_data = p->n_pdf_data = 0;
        paper_dots_done(&p->graphics);
        paper_dots_done(&p->download);
        if (p->page)
                paper_page_end(p);
        paper_line_clear(p);
}

/* Lengths */

/* What follows a prefix and one byte with a fixed length: total length by the second byte. */
static size_t length_of_escape(uint8_t c) {
        switch (c) {
        case '@':
        case '2':
        case '<':
        case 'L':
        case 'S':
        case FF:
        case 'i':
        case 'm':
        case 'v':
                return 2;
        case '!':
        case '-':
        case '3':
        case 'E':
        case 'G':
        case 'J':
        case 'K':
        case 'M':
        case 'R':
        case 'T':
        case 'U':
        case 'V':
        case 'a':
        case 'd':
        case 'e':
        case 'r':
        case 't':
        case '{':
        case ' ':
        case '=':
        case '%':
        case '?':
        case 'u':
                return 3;
        case '$':
        case '\\':
        case 'B':
        case 'c':
                return 4;
        case 'p':
                return 5;
        case 'W':
                return 10;
        default:
                return 2;
        }
}

static size_t length_of_group(uint8_t c) {
        switch (c) {
        case ':':
                return 2;
        case '!':
        case '/':
        case 'B':
        case 'E':
        case 'H':
        case 'I':
        case 'T':
        case 'a':
        case 'b':
        case 'f':
        case 'h':
        case 'j':
        case 'r':
        case 'w':
                return 3;
        case '$':
        case 'L':
        case 'P':
        case 'W':
        case '\\':
                return 4;
        case '^':
        case 'z':
                return 5;
        case 'g':
                return 6;
        case 'v':
                return 8;
        default:
                return 2;
        }
}

static size_t length_of_field(uint8_t c) {
        switch (c) {
        case '&':
        case '.':
                return 2;
        case '!':
        case '-':
        case 'C':
        case 'W':
                return 3;
        case '?':
        case 'S':
        case 'p':
                return 4;
        case '2':
                return 76;
        default:
                return 2;
        }
}

static size_t length_of_character(const struct paper *p, const uint8_t *c, size_t n) {
        if (c[0] < 0x81 || c[0] == 0xFF || !p->modes.chinese || p->model.chinese == PAPER_CHINESE_NONE)
                return 1;
        if (n < 2)
                return 0;
        if (c[1] >= '0' && c[1] <= '9' && p->model.chinese == PAPER_CHINESE_GB18030)
                return 4;
        /* A second byte that cannot be one leaves the first alone. */
        return c[1] >= 0x40 && c[1] != 0x7F && c[1] != 0xFF ? 2 : 1;
}

/* The length of the command that begins with these bytes; 0 where more of them must be seen. */
static uint64_t command_length(const struct paper *p, const uint8_t *c, size_t n) {
        uint64_t fixed;

        if (c[0] >= ' ')
                return length_of_character(p, c, n);
        if (c[0] != DLE && c[0] != ESC && c[0] != FS && c[0] != GS)
                return 1;
        if (n < 2)
                return 0;

        switch (c[0] << 8 | c[1]) {
        case DLE << 8 | 0x04:
        case DLE << 8 | 0x05:
                return 3;
        case DLE << 8 | 0x14:
                if (n < 3)
                        return 0;
                return c[2] == 1 || c[2] == 2 ? 5 : c[2] == 8 ? 10 : 3;
        case ESC << 8 | '(':
        case FS << 8 | '(':
        case GS << 8 | '(':
                return n < 5 ? 0 : 5 + get16(c + 3);
        case ESC << 8 | '*':
                return n < 5 ? 0 : 5 + (uint64_t) get16(c + 3) * (c[2] >= 32 ? 3 : 1);
        case ESC << 8 | 'D':
                if (n < 3)
                        return 0;
                return c[n - 1] == 0 || n == 2 + 32 ? n : 0;
        case GS << 8 | '*':
                return n < 4 ? 0 : 4 + (uint64_t) c[2] * c[3] * 8;
        case GS << 8 | '8':
                return n < 7 ? 0 : 7 + get32(c + 3);
        case GS << 8 | 'V':
                if (n < 3)
                        return 0;
                return c[2] >= 65 ? 4 : 3;
        case GS << 8 | 'k':
                if (n < 4)
                        return 0;
                if (c[2] >= 65)
                        return 4 + c[3];
                return c[n - 1] == 0 || n >= 3 + 256 ? n : 0;
        }

        fixed = c[0] == ESC  ? length_of_escape(c[1])
                : c[0] == GS ? length_of_group(c[1])
                : c[0] == FS ? length_of_field(c[1])
                             : 2;
        return fixed;
}

/* Printing */

static void character_latin(struct paper *p, uint8_t byte) {
        static const struct {
                uint8_t country, byte;
                uint16_t codepoint;
        } countries[] = {
                { 3, '#', 0xA3 },  /* United Kingdom */
                { 8, '\\', 0xA5 }, /* Japan */
                { 15, '$', 0xA5 }, /* China */
        };
        uint32_t c = byte < 0x80 ? byte : p->codepage[byte - 0x80];

        for (size_t i = 0; i < ELEMENTSOF(countries); i++)
                if (countries[i].country == p->modes.country && countries[i].byte == byte)
                        c = countries[i].codepoint;
        if (byte == 0x7F)
                c = 0;
        paper_line_character(p, c ?: 0xFFFD, false);
}

static bool character_chinese(struct paper *p, const uint8_t *bytes, size_t n) {
        char in[4], *from = in, *to;
        size_t from_left = n, to_left = 4;
        uint32_t c = 0;

        memcpy(in, bytes, n);
        to = (char *) &c;
        (void) iconv(p->gb18030, NULL, NULL, NULL, NULL);
        if (iconv(p->gb18030, &from, &from_left, &to, &to_left) == (size_t) -1 || to_left > 0)
                return false;
        paper_line_character(p, c, true);
        return true;
}

static bool set_tabs(struct paper *p, const uint8_t *c, size_t n) {
        unsigned cell = ((p->modes.font_b ? 9 : 12) + p->modes.spacing) * p->modes.width, last = 0;
        size_t i;

        memset(p->modes.tabs, 0, sizeof(p->modes.tabs));
        for (i = 0; i < n && c[i] > last && i < ELEMENTSOF(p->modes.tabs); i++) {
                last = c[i];
                p->modes.tabs[i] = (uint16_t) (last * cell);
        }
        return true;
}

/* ESC * and GS *: bytes run down, then right. */
static void columns_draw(struct paper_dots *d, const uint8_t *bytes, unsigned columns, unsigned bytes_down) {
        for (unsigned x = 0; x < columns; x++)
                for (unsigned y = 0; y < bytes_down * 8; y++)
                        if (bytes[x * bytes_down + y / 8] & (0x80 >> (y % 8)))
                                paper_dots_set(d, x, y);
}

static bool print_columns(struct paper *p, const uint8_t *c) {
        unsigned mode = c[2], columns = get16(c + 3), down = mode >= 32 ? 3 : 1;
        struct paper_dots d;

        if (mode != 0 && mode != 1 && mode != 32 && mode != 33)
                return false;
        paper_dots_init(&d, columns);
        columns_draw(&d, c + 5, columns, down);
        paper_line_picture(p, &d, down * 8, mode % 2 ? 1 : 2, down == 1 ? 3 : 1);
        paper_dots_done(&d);
        return true;
}

/* Prints a bitmap as a block, each of its dots as so many. */
static bool print_scaled(struct paper *p, const struct paper_dots *d, unsigned rows, unsigned sx, unsigned sy,
                         bool label) {
        struct paper_dots scaled;
        char text[64];
        bool ok;

        snprintf(text, sizeof(text), "[image %ux%u]", d->width * sx, rows * sy);
        paper_dots_init(&scaled, d->width * sx);
        for (unsigned y = 0; y < d->rows * sy; y++)
                for (unsigned x = 0; x < scaled.width; x++)
                        if (paper_dots_get(d, x / sx, y / sy))
                                paper_dots_set(&scaled, x, y);
        ok = paper_block_print(p, &scaled, rows * sy, label ? text : NULL);
        paper_dots_done(&scaled);
        return ok;
}

static void rows_to_dots(struct paper_dots *d, const uint8_t *bytes, unsigned stride, unsigned rows) {
        for (unsigned y = 0; y < rows; y++)
                for (unsigned x = 0; x < d->width; x++)
                        if (bytes[(size_t) y * stride + x / 8] & (0x80 >> (x % 8)))
                                paper_dots_set(d, x, y);
}

/* GS v 0: only the header is a command, the rows follow as they are printed. */
static bool raster_begin(struct paper *p, const uint8_t *c) {
        unsigned mode = c[3] >= '0' ? c[3] - '0' : c[3];
        char text[64];

        if (c[2] != '0' || mode > 3)
                return false;
        p->raster_stride = get16(c + 4);
        p->raster_rows = p->raster_stride ? get16(c + 6) : 0;
        p->raster_mode = mode;
        p->raster_at = 0;
        if (p->raster_rows == 0)
                return false;
        paper_line_flush(p);
        snprintf(text, sizeof(text), "[image %ux%u]", p->raster_stride * 8 * (mode & 1 ? 2 : 1),
                 p->raster_rows * (mode & 2 ? 2 : 1));
        paper_line_note(p, text);
        memset(p->raster_row, 0, sizeof(p->raster_row));
        return true;
}

static void raster_byte(struct paper *p, uint8_t byte) {
        unsigned sx = p->raster_mode & 1 ? 2 : 1, sy = p->raster_mode & 2 ? 2 : 1;
        struct paper_dots d;
        unsigned area;

        if (p->raster_at < sizeof(p->raster_row))
                p->raster_row[p->raster_at] = byte;
        if (++p->raster_at < p->raster_stride)
                return;

        /* What is wider than the paper is lost at the right. */
        area = MIN(paper_line_area(p), (unsigned) sizeof(p->raster_row) * 8);
        paper_dots_init(&d, MIN(p->raster_stride * 8, area / sx));
        rows_to_dots(&d, p->raster_row, sizeof(p->raster_row), 1);
        (void) print_scaled(p, &d, 1, sx, sy, false);
        paper_dots_done(&d);
        p->raster_at = 0;
        p->raster_rows--;
        memset(p->raster_row, 0, sizeof(p->raster_row));
}

/* GS ( L and GS 8 L: m, fn and what belongs to it. */
static bool graphics(struct paper *p, const uint8_t *d, size_t n) {
        unsigned bx, by, x, y;

        if (n < 2 || d[0] != '0')
                return false;
        switch (d[1]) {
        case 0:
        case 48:
        case 3:
        case 51:
        case 4:
        case 52: /* capacities: no NV memory */
                return false;
        case 49:
        case 1: /* reference density: there is one only */
                return true;
        case 2:
        case 50: {
                bool ok;

                if (!p->graphics.width)
                        return false;
                ok = print_scaled(p, &p->graphics, p->graphics.rows, 1, 1, true);
                paper_dots_done(&p->graphics);
                return ok;
        }
        case 112:
                if (n < 10 || d[2] != '0' || d[5] != '1')
                        return false;
                bx = d[3];
                by = d[4];
                x = get16(d + 6);
                y = get16(d + 8);
                if (bx < 1 || bx > 2 || by < 1 || by > 2 || x == 0 || y == 0 || x > 2400 || y > PAGE_ROWS ||
                    (size_t) ((x + 7) / 8) * y > n - 10)
                        return false;
                paper_dots_done(&p->graphics);
                paper_dots_init(&p->graphics, x * bx);
                for (unsigned dy = 0; dy < y * by; dy++)
                        for (unsigned dx = 0; dx < x * bx; dx++)
                                if (d[10 + (size_t) (dy / by) * ((x + 7) / 8) + dx / bx / 8] & (0x80 >> (dx / bx % 8)))
                                        paper_dots_set(&p->graphics, dx, dy);
                p->graphics.rows = y * by;
                return true;
        default:
                return false;
        }
}

static bool store(uint8_t **data, size_t *n, const uint8_t *from, size_t size) {
        uint8_t *copy;

        if (size == 0 || size > SYMBOL_MAX)
                return false;
        copy = malloc(size);
        if (!copy)
                return false;
        memcpy(copy, from, size);
        free(*data);
        *data = copy;
        *n = size;
        return true;
}

static bool set_range(unsigned *field, unsigned n, unsigned low, unsigned high) {
        if (n < low || n > high)
                return false;
        *field = n;
        return true;
}

/* GS ( k with cn 48 */
static bool code_pdf417(struct paper *p, const uint8_t *d, size_t n) {
        struct paper_modes *m = &p->modes;

        switch (d[1]) {
        case 65:
                return set_range(&m->pdf_columns, d[2], 0, 30);
        case 66: /* rows follow from the columns */
                return d[2] == 0 || (d[2] >= 3 && d[2] <= 90);
        case 67:
                return set_range(&m->pdf_width, d[2], 2, 8);
        case 68:
                return set_range(&m->pdf_height, d[2], 2, 8);
        case 69:
                if (n < 4)
                        return false;
                if (d[2] == 48)
                        return set_range(&m->pdf_level, d[3] - 48U, 0, 8);
                return d[2] == 49 && set_range(&m->pdf_level, 1, 0, 8);
        case 70:
                return d[2] == 0; /* the truncated form is not known */
        case 80:
                return store(&p->pdf_data, &p->n_pdf_data, d + 3, n - 3);
        case 81:
                return paper_symbol_pdf417(p, p->pdf_data, p->n_pdf_data);
        default:
                return false;
        }
}

/* GS ( k with cn 49 */
static bool code_qr(struct paper *p, const uint8_t *d, size_t n) {
        struct paper_modes *m = &p->modes;

        switch (d[1]) {
        case 65:
                return set_range(&m->qr_model, d[2] - 48U, 2, 2);
        case 67:
                return set_range(&m->qr_size, d[2], 1, 16);
        case 69:
                return set_range(&m->qr_level, d[2] - 48U, 0, 3);
        case 80:
                return store(&p->qr_data, &p->n_qr_data, d + 3, n - 3);
        case 81:
                return paper_symbol_qr(p, p->qr_data, p->n_qr_data);
        default:
                return false;
        }
}

/* Replies in the order of the data */

static bool reply_info(struct paper *p, unsigned n) {
        char text[80];
        const char *s;

        switch (n) {
        case 1:
        case 49:
                paper_send(p, "\x20", 1);
                return true;
        case 2:
        case 50: /* two-byte characters, cutter */
                paper_send(p, (uint8_t[]){ (p->model.chinese ? 1 : 0) | (p->model.cutter ? 2 : 0) }, 1);
                return true;
        case 3:
        case 51:
                paper_send(p, "\x01", 1);
                return true;
        case 65:
                s = TILLD_VERSION;
                break;
        case 66:
                s = p->model.maker;
                break;
        case 67:
                s = p->model.name;
                break;
        case 68:
                s = p->model.serial;
                break;
        case 69:
                s = p->model.chinese ? "CHINA GB18030" : "";
                break;
        default:
                return false;
        }
        paper_send(p, text, (size_t) snprintf(text, sizeof(text), "_%.70s", s) + 1);
        return true;
}

static bool reply_sensor(struct paper *p, unsigned n) {
        switch (n) {
        case 1:
        case 49:
                paper_send(p, (uint8_t[]){ paper_sensor_byte(p) }, 1);
                return true;
        case 2:
        case 50:
                paper_send(p, (uint8_t[]){ p->drawer_open }, 1);
                return true;
        default:
                return false;
        }
}

/* GS ( H function 48: reached only when all before it is on paper. */
static bool reply_process_id(struct paper *p, const uint8_t *d, size_t n) {
        if (p->model.no_process_id || n != 6 || d[0] != 48 || d[1] != 48)
                return false;
        paper_send(p, (uint8_t[]){ 0x37, 0x22, d[2], d[3], d[4], d[5], 0 }, 7);
        return true;
}

static bool cut(struct paper *p, unsigned m, unsigned n) {
        if (m != 0 && m != 1 && m != '0' && m != '1' && m != 65 && m != 66)
                return false;
        if (!p->model.cutter)
                return true;
        paper_line_flush(p);
        if (m >= 65)
                paper_sheet_feed(p, p->model.cutter_dots + units(n, p->modes.unit_y));
        if (p->jam) {
                p->jam = false;
                paper_fail(p, PAPER_ERROR_CUTTER);
                return true;
        }
        paper_sheet_cut(p, EDGE_CUT);
        return true;
}

static bool set_page_area(struct paper *p, const uint8_t *c) {
        unsigned x = units(get16(c), p->modes.unit_x), y = units(get16(c + 2), p->modes.unit_y);
        unsigned w = units(get16(c + 4), p->modes.unit_x), h = units(get16(c + 6), p->modes.unit_y);

        if (x >= p->model.dots || y >= PAGE_ROWS || w == 0 || h == 0)
                return false;
        if (!p->page)
                return true;
        paper_line_flush(p);
        p->page_x = x;
        p->page_y = y;
        p->page_width = MIN(w, p->model.dots - x);
        p->page_height = MIN(h, PAGE_ROWS - y);
        p->page_rows = MAX(p->page_rows, p->page_y + p->page_height);
        p->page_v = 0;
        p->page_v_is_base = false;
        return true;
}

/* 0, 1 and '0', '1' are taken by most switches; others look at the lowest bit. */
static bool set_switch(bool *field, unsigned n) {
        *field = n & 1;
        return true;
}

static bool set_align(struct paper *p, unsigned n) {
        n = n >= '0' ? n - '0' : n;
        if (n > ALIGN_RIGHT)
                return false;
        if (p->line_end == 0) /* at the beginning of a line only */
                p->modes.align = (enum paper_align) n;
        return true;
}

static bool set_underline(unsigned *field, unsigned n) {
        return set_range(field, n >= '0' ? n - '0' : n, 0, 2);
}

static bool run_escape(struct paper *p, const uint8_t *c, size_t n) {
        struct paper_modes *m = &p->modes;
        unsigned a = n > 2 ? c[2] : 0;

        switch (c[1]) {
        case '@':
                paper_modes_reset(p);
                return true;
        case '!':
                m->font_b = a & 0x01;
                m->bold = a & 0x08;
                m->height = a & 0x10 ? 2 : 1;
                m->width = a & 0x20 ? 2 : 1;
                m->underline = a & 0x80 ? 1 : 0;
                return true;
        case '-':
                return set_underline(&m->underline, a);
        case 'E':
                return set_switch(&m->bold, a);
        case 'G':
                return set_switch(&m->double_strike, a);
        case '{':
                return p->line_end > 0 || set_switch(&m->upside_down, a);
        case 'V':
                if ((a > 2 && a < '0') || a > '2')
                        return false;
                m->rotated = a % 16 != 0;
                return true;
        case 'M':
                if (a != 0 && a != 1 && a != '0' && a != '1')
                        return false;
                return set_switch(&m->font_b, a);
        case 'a':
                return set_align(p, a);
        case ' ':
                m->spacing = units(a, m->unit_x);
                return true;
        case '2':
                m->line_spacing = LINE_SPACING;
                return true;
        case '3':
                m->line_spacing = units(a, m->unit_y);
                return true;
        case 'J':
                paper_line_feed(p, units(a, m->unit_y));
                return true;
        case 'd':
                paper_line_feed(p, a * m->line_spacing);
                return true;
        case 't':
                return codepage_choose(p, a);
        case 'R':
                return set_range(&m->country, a, 0, 17);
        case 'D':
                return set_tabs(p, c + 2, n - 2);
        case '$':
                paper_line_move(p, units(get16(c + 2), m->unit_x));
                return true;
        case '\\': {
                int16_t by = (int16_t) get16(c + 2);
                int x = (int) p->line_x +
                        (by < 0 ? -(int) units((unsigned) -by, m->unit_x) : (int) units((unsigned) by, m->unit_x));

                if (x >= 0)
                        paper_line_move(p, (unsigned) x);
                return true;
        }
        case '*':
                return print_columns(p, c);
        case 'L':
                if (p->line_end == 0 && !p->page)
                        paper_page_begin(p);
                return true;
        case 'S':
                if (p->page)
                        paper_page_end(p);
                return true;
        case FF:
                if (p->page)
                        paper_page_print(p);
                return true;
        case 'T':
                a = a >= '0' ? a - '0' : a;
                if (a > 3)
                        return false;
                paper_line_flush(p);
                p->page_direction = a;
                p->page_v = 0;
                p->page_v_is_base = false;
                return true;
        case 'W':
                return set_page_area(p, c + 2);
        case 'p':
                if (a != 0 && a != 1 && a != '0' && a != '1')
                        return false;
                paper_pulse_drawer(p);
                return true;
        case 'i':
        case 'm':
                return cut(p, 1, 0);
        case 'v':
                return reply_sensor(p, 1);
        case 'u':
                return reply_sensor(p, 2);
        case 'B':
        case 'c':
        case 'U':
        case 'r':
        case '=':
        case '<':
        case '?':
                return true; /* buzzer, panel, direction, colour, peripheral, home: nothing to show */
        case '%':
                return a % 2 == 0; /* there are no user-defined characters */
        case '(':
                return c[2] == 'A'; /* buzzer */
        default:
                return false;
        }
}

static bool run_group(struct paper *p, const uint8_t *c, size_t n) {
        struct paper_modes *m = &p->modes;
        unsigned a = n > 2 ? c[2] : 0;

        switch (c[1]) {
        case '!':
                if (a & 0x88)
                        return false;
                m->width = m->chinese_width = (a >> 4 & 7) + 1;
                m->height = m->chinese_height = (a & 7) + 1;
                return true;
        case 'B':
                return set_switch(&m->reverse, a);
        case 'b':
                return true; /* smoothing */
        case 'P':
                m->unit_x = a ?: DPI;
                m->unit_y = c[3] ?: DPI;
                return true;
        case 'L':
                if (p->line_end == 0)
                        m->margin = MIN(units(get16(c + 2), m->unit_x), p->model.dots);
                return true;
        case 'W':
                if (p->line_end == 0)
                        m->area = units(get16(c + 2), m->unit_x);
                return true;
        case '$':
                if (!p->page)
                        return true;
                paper_line_flush(p);
                p->page_v = MIN(units(get16(c + 2), m->unit_y), (unsigned) PAGE_ROWS);
                p->page_v_is_base = true;
                return true;
        case '\\': {
                int v = MAX((int) p->page_v + (int16_t) get16(c + 2), 0);

                if (!p->page)
                        return true;
                paper_line_flush(p);
                p->page_v = (unsigned) MIN(v, PAGE_ROWS);
                return true;
        }
        case 'V':
                return cut(p, a, n > 3 ? c[3] : 0);
        case 'a':
                m->asb = a;
                if (a)
                        paper_tell_status(p, true);
                return true;
        case 'r':
                return !p->model.no_sensor_query && reply_sensor(p, a);
        case 'I':
                return reply_info(p, a);
        case 'h':
                return set_range(&m->bar_height, a, 1, 255);
        case 'w':
                return set_range(&m->bar_width, a, 1, 6);
        case 'H':
                return set_range(&m->hri, a >= '0' ? a - '0' : a, 0, 3);
        case 'f':
                return set_range(&m->hri_font_b, a >= '0' ? a - '0' : a, 0, 1);
        case 'k':
                if (a <= 6)
                        return paper_symbol_barcode(p, a, c + 3, n - 4);
                return a >= 65 && paper_symbol_barcode(p, a - 65, c + 4, n - 4);
        case 'v':
                return raster_begin(p, c);
        case '*':
                if (a < 1 || c[3] < 1 || c[3] > 48 || a * c[3] > 1536)
                        return false;
                paper_dots_done(&p->download);
                paper_dots_init(&p->download, a * 8);
                columns_draw(&p->download, c + 4, a * 8, c[3]);
                p->download.rows = c[3] * 8U;
                return true;
        case '/':
                a = a >= '0' ? a - '0' : a;
                if (a > 3 || !p->download.width)
                        return false;
                return print_scaled(p, &p->download, p->download.rows, a & 1 ? 2 : 1, a & 2 ? 2 : 1, true);
        case '8':
                return a == 'L' && graphics(p, c + 7, n - 7);
        case '(':
                switch (a) {
                case 'L':
                        return graphics(p, c + 5, n - 5);
                case 'k':
                        if (n < 8)
                                return false;
                        return c[5] == 48   ? code_pdf417(p, c + 5, n - 5)
                               : c[5] == 49 ? !p->model.no_qr && code_qr(p, c + 5, n - 5)
                                            : false;
                case 'H':
                        return reply_process_id(p, c + 5, n - 5);
                case 'D':
                case 'K':
                case 'N':
                        return true; /* real-time switches, density, colour */
                default:
                        return false;
                }
        default:
                return false;
        }
}

static bool run_field(struct paper *p, const uint8_t *c, size_t n) {
        struct paper_modes *m = &p->modes;
        unsigned a = n > 2 ? c[2] : 0;

        switch (c[1]) {
        case '&':
                m->chinese = p->model.chinese != PAPER_CHINESE_NONE;
                return m->chinese;
        case '.':
                m->chinese = false;
                return true;
        case '!':
                m->chinese_width = a & 0x04 ? 2 : 1;
                m->chinese_height = a & 0x08 ? 2 : 1;
                m->chinese_underline = a & 0x80;
                return true;
        case '-':
                m->chinese_underline = a != 0 && a != '0';
                return a <= 2 || (a >= '0' && a <= '2');
        case 'S':
                m->chinese_left = units(a, m->unit_x);
                m->chinese_right = units(c[3], m->unit_x);
                return true;
        case 'W':
                m->chinese_width = m->chinese_height = a & 1 ? 2 : 1;
                return true;
        case 'C':
                return true; /* which Chinese code: there is one only */
        case '(':
                return a == 'A'; /* which Chinese font: the same */
        default:
                return false;
        }
}

static bool run_dle(const uint8_t *c) {
        /* Done when it came in; in the order of the data it means nothing any more. */
        return c[1] == 0x04 || c[1] == 0x05 || c[1] == 0x14;
}

static bool run_control(struct paper *p, uint8_t c) {
        switch (c) {
        case 0:
        case CR:
                return true;
        case LF:
                paper_line_print(p, p->modes.line_spacing);
                return true;
        case HT:
                paper_line_tab(p);
                return true;
        case FF:
                if (p->page) {
                        paper_page_print(p);
                        paper_page_end(p);
                } else
                        paper_line_flush(p);
                return true;
        case CAN:
                if (p->page)
                        paper_page_clear(p);
                return true;
        default:
                return false;
        }
}

static bool command_run(struct paper *p, const uint8_t *c, size_t n) {
        if (c[0] >= ' ') {
                if (n > 1)
                        return character_chinese(p, c, n);
                character_latin(p, c[0]);
                return true;
        }
        switch (c[0]) {
        case ESC:
                return run_escape(p, c, n);
        case GS:
                return run_group(p, c, n);
        case FS:
                return run_field(p, c, n);
        case DLE:
                return run_dle(c);
        default:
                return run_control(p, c[0]);
        }
}

void paper_command_drop(struct paper *p) {
        p->n_command = 0;
        p->skip = 0;
        p->raster_rows = 0;
}

static bool command_append(struct paper *p, uint8_t byte) {
        if (p->n_command == p->command_alloc) {
                size_t n = MAX(p->command_alloc * 2, (size_t) 64);
                uint8_t *command = realloc(p->command, n);

                if (!command)
                        return false;
                p->command = command;
                p->command_alloc = n;
        }
        p->command[p->n_command++] = byte;
        return true;
}

void paper_command_byte(struct paper *p, uint8_t byte) {
        uint64_t length;
        size_t n;

        if (p->skip > 0) {
                p->skip--;
                return;
        }
        if (p->raster_rows > 0) {
                raster_byte(p, byte);
                return;
        }
        if (!command_append(p, byte)) {
                paper_command_drop(p);
                return;
        }

        length = command_length(p, p->command, p->n_command);
        if (length > COMMAND_MAX) {
                p->skip = length - p->n_command;
                paper_count_unknown(p, p->command, p->n_command);
                p->n_command = 0;
                return;
        }
        if (length == 0 || length > p->n_command)
                return;

        n = p->n_command;
        p->n_command = 0; /* a byte that was looked at but is no part of the command begins the next */
        byte = p->command[n - 1];
        if (!command_run(p, p->command, length))
                paper_count_unknown(p, p->command, length);
        if (length < n)
                paper_command_byte(p, byte);
}
