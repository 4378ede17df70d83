// SPDX-License-Identifier: LGPL-2.1-or-later
/* Barcodes and two-dimensional codes. */

#include <qrencode.h>
#include <zint.h>

#include "paper/printer.h"

static inline void zint_freep(struct zint_symbol **s) {
        if (*s)
                ZBarcode_Delete(*s);
}
#define _cleanup_zint_ _cleanup_(zint_freep)

struct kind {
        const char *name;
        int zint;
        unsigned shortest, longest;
        const char *characters; /* NULL: any of ASCII */
};

#define DIGITS "0123456789"
#define CODE39 DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZ -.$/+%"

/* By m of GS k form A, and m - 65 of form B. */
static const struct kind kinds[] = {
        { "UPC-A", BARCODE_UPCA, 11, 12, DIGITS },
        { "UPC-E", BARCODE_UPCE, 6, 12, DIGITS },
        { "EAN13", BARCODE_EANX, 12, 13, DIGITS },
        { "EAN8", BARCODE_EANX, 7, 8, DIGITS },
        { "CODE39", BARCODE_CODE39, 1, 80, CODE39 "*" },
        { "ITF", BARCODE_C25INTER, 2, 88, DIGITS },
        { "CODABAR", BARCODE_CODABAR, 3, 58, DIGITS "ABCDabcd-$:/.+" },
        { "CODE93", BARCODE_CODE93, 1, 100, NULL },
        { "CODE128", BARCODE_CODE128, 1, 100, NULL },
};

/* UPC-A digits (11 or 12) with enough noughts, as the 6 of UPC-E. */
static bool upc_compress(char *s) {
        char out[7];

        if (s[0] != '0')
                return false;
        if (strncmp(s + 4, "0000", 4) == 0 && s[3] <= '2')
                snprintf(out, sizeof(out), "%c%c%c%c%c%c", s[1], s[2], s[8], s[9], s[10], s[3]);
        else if (strncmp(s + 4, "00000", 5) == 0)
                snprintf(out, sizeof(out), "%c%c%c%c%c3", s[1], s[2], s[3], s[9], s[10]);
        else if (strncmp(s + 5, "00000", 5) == 0)
                snprintf(out, sizeof(out), "%c%c%c%c%c4", s[1], s[2], s[3], s[4], s[10]);
        else if (strncmp(s + 6, "0000", 4) == 0 && s[10] >= '5')
                snprintf(out, sizeof(out), "%c%c%c%c%c%c", s[1], s[2], s[3], s[4], s[5], s[10]);
        else
                return false;
        strcpy(s, out);
        return true;
}

/*
 * CODE128 comes with its code sets: {A {B {C choose, {{ is a brace, {1 to {4 are functions, {S shifts. In set C
 * each byte is two digits. zint chooses sets by itself, so only the text is kept. False for what begins with no set.
 */
static bool code128_text(const uint8_t *data, size_t size, char *out, size_t room) {
        char set = 0;
        size_t n = 0;

        for (size_t i = 0; i < size; i++) {
                if (data[i] == '{' && i + 1 < size) {
                        uint8_t c = data[++i];

                        if (c >= 'A' && c <= 'C')
                                set = (char) c;
                        if (c != '{')
                                continue;
                }
                if (set == 0 || n + 3 > room)
                        return false;
                if (set == 'C') {
                        if (data[i] > 99)
                                return false;
                        n += (size_t) sprintf(out + n, "%02u", data[i]);
                } else if (data[i] > 127 || data[i] == 0)
                        return false;
                else
                        out[n++] = (char) data[i];
        }
        out[n] = '\0';
        return n > 0;
}

/* Checks the data of a barcode and makes it what zint takes. */
static bool barcode_text(unsigned kind, const uint8_t *data, size_t size, char *out, size_t room) {
        const struct kind *k = kinds + kind;
        char *p;

        if (k->zint == BARCODE_CODE128)
                return code128_text(data, size, out, room);
        if (size < k->shortest || size > k->longest || size >= room)
                return false;
        for (size_t i = 0; i < size; i++)
                if (data[i] == 0 || data[i] > 127 || (k->characters && !strchr(k->characters, data[i])))
                        return false;
        memcpy(out, data, size);
        out[size] = '\0';

        switch (k->zint) {
        case BARCODE_CODE39: /* the printer adds the stars that are not given */
                if (out[0] == '*')
                        memmove(out, out + 1, strlen(out));
                p = strchr(out, '*');
                if (p && p[1])
                        return false;
                if (p)
                        *p = '\0';
                return *out;
        case BARCODE_C25INTER:
                if (size % 2)
                        out[size - 1] = '\0';
                return *out;
        case BARCODE_UPCE:
                if (size == 11 || size == 12)
                        return upc_compress(out);
                return size <= 8;
        default:
                return true;
        }
}

static bool module_set(const struct zint_symbol *s, int x, int y) {
        return s->encoded_data[y][x / 8] >> (x % 8) & 1;
}

static void draw_modules(struct paper_dots *d, const struct zint_symbol *s, unsigned y0, unsigned width,
                         unsigned height) {
        for (int row = 0; row < s->rows; row++)
                for (int x = 0; x < s->width; x++) {
                        if (!module_set(s, x, row))
                                continue;
                        for (unsigned dy = 0; dy < height; dy++)
                                for (unsigned dx = 0; dx < width; dx++)
                                        paper_dots_set(d, (unsigned) x * width + dx,
                                                       y0 + (unsigned) row * height + dy);
                }
}

static void printable(char *s) {
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        *s = ' ';
}

bool paper_symbol_barcode(struct paper *p, unsigned kind, const uint8_t *data, size_t size) {
        const struct paper_modes *m = &p->modes;
        _cleanup_zint_ struct zint_symbol *symbol = NULL;
        char text[256], label[300], hri[sizeof(symbol->text)];
        struct paper_dots dots;
        unsigned y = 0;
        bool ok;

        if (kind >= ELEMENTSOF(kinds) || !barcode_text(kind, data, size, text, sizeof(text)))
                return false;
        symbol = ZBarcode_Create();
        if (!symbol)
                return false;
        symbol->symbology = kinds[kind].zint;
        if (ZBarcode_Encode(symbol, (const unsigned char *) text, 0) >= ZINT_ERROR || symbol->rows != 1)
                return false;

        paper_dots_init(&dots, (unsigned) symbol->width * m->bar_width);
        snprintf(hri, sizeof(hri), "%s", symbol->text[0] ? (const char *) symbol->text : text);
        printable(hri);
        snprintf(label, sizeof(label), "[%s %.250s]", kinds[kind].name, hri);
        if (m->hri & 1)
                y = paper_draw_text(p, &dots, hri, m->hri_font_b, dots.width / 2, 0);
        draw_modules(&dots, symbol, y, m->bar_width, m->bar_height);
        y += m->bar_height;
        if (m->hri & 2)
                y += paper_draw_text(p, &dots, hri, m->hri_font_b, dots.width / 2, y);
        ok = paper_block_print(p, &dots, y, label);
        paper_dots_done(&dots);
        return ok;
}

/* "[QR data]", with what is no text as dots. */
static char *code_label(const char *name, const uint8_t *data, size_t size) {
        char *label = malloc(strlen(name) + size + 4), *s;

        if (!label)
                return NULL;
        s = label + sprintf(label, "[%s ", name);
        for (size_t i = 0; i < size; i++)
                *s++ = data[i] < ' ' || data[i] == 0x7F ? '.' : (char) data[i];
        strcpy(s, "]");
        return label;
}

bool paper_symbol_qr(struct paper *p, const uint8_t *data, size_t size) {
        static const QRecLevel levels[] = { QR_ECLEVEL_L, QR_ECLEVEL_M, QR_ECLEVEL_Q, QR_ECLEVEL_H };
        _cleanup_free_ char *label = NULL;
        unsigned module = p->modes.qr_size;
        struct paper_dots dots;
        QRcode *code;
        bool ok;

        if (size == 0 || size > SYMBOL_MAX)
                return false;
        code = QRcode_encodeData((int) size, data, 0, levels[p->modes.qr_level % 4]);
        if (!code)
                return false;

        paper_dots_init(&dots, (unsigned) code->width * module);
        for (unsigned y = 0; y < dots.width; y++)
                for (unsigned x = 0; x < dots.width; x++)
                        if (code->data[y / module * (unsigned) code->width + x / module] & 1)
                                paper_dots_set(&dots, x, y);
        QRcode_free(code);
        label = code_label("QR", data, size);
        ok = paper_block_print(p, &dots, dots.width, label);
        paper_dots_done(&dots);
        return ok;
}

bool paper_symbol_pdf417(struct paper *p, const uint8_t *data, size_t size) {
        const struct paper_modes *m = &p->modes;
        _cleanup_zint_ struct zint_symbol *symbol = NULL;
        _cleanup_free_ char *label = NULL;
        struct paper_dots dots;
        unsigned height;
        bool ok;

        if (size == 0 || size > 1850)
                return false;
        symbol = ZBarcode_Create();
        if (!symbol)
                return false;
        symbol->symbology = BARCODE_PDF417;
        symbol->input_mode = DATA_MODE;
        symbol->option_1 = (int) m->pdf_level;
        symbol->option_2 = (int) m->pdf_columns;
        if (ZBarcode_Encode(symbol, data, (int) size) >= ZINT_ERROR || symbol->rows < 1)
                return false;

        height = m->pdf_width * m->pdf_height;
        paper_dots_init(&dots, (unsigned) symbol->width * m->pdf_width);
        draw_modules(&dots, symbol, 0, m->pdf_width, height);
        label = code_label("PDF417", data, size);
        ok = paper_block_print(p, &dots, (unsigned) symbol->rows * height, label);
        paper_dots_done(&dots);
        return ok;
}
