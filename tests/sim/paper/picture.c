// SPDX-License-Identifier: LGPL-2.1-or-later
/* Slips as a picture: paper on a counter, dots as thermal paper shows them. */

#include <png.h>

#include "paper/printer.h"

#define SURROUND 40 /* counter around and between the slips */
#define SHADOW 20
#define TOOTH_HALF 7 /* half the period of the tear bar's teeth, and their depth */
#define SLOT_ROWS 14
#define PICTURE_ROWS_MAX (4 * PAPER_ROWS_MAX)

/* Colours: the first half from burnt to white paper, the other from deepest shadow to the counter. */
enum { PAPER_WHITE = 127, COUNTER_DARK = 128, COUNTER = 255 };

struct picture {
        unsigned width, height;
        uint8_t *pixels;
};

static uint8_t mix(unsigned from, unsigned to, unsigned i) {
        return (uint8_t) ((from * (127 - i) + to * i) / 127);
}

static void palette_fill(uint8_t colors[256][3]) {
        static const uint8_t ink[] = { 40, 38, 44 }, white[] = { 253, 252, 248 };
        static const uint8_t dark[] = { 96, 98, 104 }, counter[] = { 206, 209, 213 };

        for (unsigned i = 0; i < 128; i++)
                for (unsigned c = 0; c < 3; c++) {
                        colors[i][c] = mix(ink[c], white[c], i);
                        colors[128 + i][c] = mix(dark[c], counter[c], i);
                }
}

/* How far the paper's edge is set back at this column: teeth where it was torn off. */
static unsigned edge_depth(enum paper_edge edge, unsigned x) {
        unsigned at = x % (2 * TOOTH_HALF);

        if (edge != EDGE_TORN)
                return 0;
        return at < TOOTH_HALF ? at : 2 * TOOTH_HALF - at;
}

/* A fixed unevenness of the head's elements, 0 to 7. */
static unsigned head_flaw(unsigned x) {
        return (x * 2654435761U) >> 29;
}

/* Burnt dots bleed a little into their neighbours. In 256ths. */
static unsigned burn(const struct paper_dots *d, unsigned x, unsigned y) {
        static const unsigned weights[3][3] = { { 6, 20, 6 }, { 20, 196, 20 }, { 6, 20, 6 } };
        unsigned sum = 0;

        for (unsigned dy = 0; dy < 3; dy++)
                for (unsigned dx = 0; dx < 3; dx++)
                        if (x + dx >= 1 && y + dy >= 1 && paper_dots_get(d, x + dx - 1, y + dy - 1))
                                sum += weights[dy][dx];
        return MIN(sum, 256U);
}

static void draw_slip(struct picture *pic, const struct paper_sheet *s, unsigned roll, unsigned top) {
        unsigned border = (roll - s->dots.width) / 2;

        for (unsigned y = 0; y < s->dots.rows; y++) {
                uint8_t *out = pic->pixels + (size_t) (top + y) * pic->width + SURROUND;

                for (unsigned x = 0; x < roll; x++) {
                        unsigned ink = 0;

                        if (y < edge_depth(s->top, x) || s->dots.rows - 1 - y < edge_depth(s->bottom, x))
                                continue;
                        if (x + 1 >= border && x - border + 1 <= s->dots.width + 1)
                                ink = burn(&s->dots, x - border, y) * (256 - 2 * head_flaw(x)) / 256;
                        out[x] = (uint8_t) (PAPER_WHITE - ink * PAPER_WHITE / 256);
                }
        }
}

/* The counter darkens towards a slip, a little below it more. */
static void draw_shadow(struct picture *pic, unsigned roll, unsigned top, unsigned rows) {
        int left = SURROUND + 4, right = SURROUND + (int) roll - 5, up = (int) top + 8, down = (int) (top + rows) - 1;

        for (int y = up - SHADOW; y <= down + SHADOW && y < (int) pic->height; y++)
                for (int x = left - SHADOW; x <= right + SHADOW; x++) {
                        int dx = x < left ? left - x : x > right ? x - right : 0;
                        int dy = y < up ? up - y : y > down ? y - down : 0;
                        int near = SHADOW * SHADOW - dx * dx - dy * dy;
                        uint8_t *out = pic->pixels + (size_t) y * pic->width + x;

                        if (near > 0 && y >= 0)
                                *out = (uint8_t) (COUNTER -
                                                  (unsigned) (near * near) * 90 / (SHADOW * SHADOW * SHADOW * SHADOW));
                }
}

/* What has not been cut hangs out of the printer's slot. */
static void draw_slot(struct picture *pic, unsigned roll, unsigned row) {
        for (unsigned y = row; y < row + SLOT_ROWS; y++)
                memset(pic->pixels + (size_t) y * pic->width + SURROUND - SHADOW, y == row ? 40 : 0,
                       roll + 2 * SHADOW);
}

static int picture_write(const struct picture *pic, const char *path) {
        png_image image = {
                .version = PNG_IMAGE_VERSION,
                .width = pic->width,
                .height = pic->height,
                .format = PNG_FORMAT_RGB_COLORMAP,
                .colormap_entries = 256,
        };
        uint8_t colors[256][3];
        _cleanup_fclose_ FILE *f = NULL;

        palette_fill(colors);
        f = fopen(path, "we");
        if (!f)
                return -errno;
        errno = 0;
        if (!png_image_write_to_stdio(&image, f, false, pic->pixels, 0, colors))
                return errno > 0 ? -errno : -EIO;
        if (fflush(f) != 0)
                return -errno;
        return 0;
}

int paper_render_png(const struct paper *p, int sheet, const char *path) {
        unsigned first = 0, n = paper_sheets(p), top = SURROUND;
        struct picture pic = { .width = p->model.roll_dots + 2 * SURROUND, .height = SURROUND };
        _cleanup_free_ uint8_t *pixels = NULL;

        if (sheet != PAPER_SHEET_ALL) {
                first = sheet == PAPER_SHEET_LAST ? n - 1 : (unsigned) sheet;
                n = first + 1;
        }
        if (n == 0 || !paper_sheet_find(p, (int) n - 1))
                return -ENOENT;
        for (unsigned i = first; i < n; i++)
                pic.height += paper_sheet_find(p, (int) i)->dots.rows + SURROUND;
        if (pic.height > PICTURE_ROWS_MAX)
                return -EFBIG;
        pic.pixels = pixels = malloc((size_t) pic.width * pic.height);
        if (!pixels)
                return -ENOMEM;
        memset(pixels, COUNTER, (size_t) pic.width * pic.height);

        for (unsigned i = first; i < n; i++) {
                const struct paper_sheet *s = paper_sheet_find(p, (int) i);

                draw_shadow(&pic, p->model.roll_dots, top, s->dots.rows);
                draw_slip(&pic, s, p->model.roll_dots, top);
                if (s->bottom == EDGE_SLOT)
                        draw_slot(&pic, p->model.roll_dots, top + s->dots.rows);
                top += s->dots.rows + SURROUND;
        }
        return picture_write(&pic, path);
}
