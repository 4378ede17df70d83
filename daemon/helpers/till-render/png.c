// SPDX-License-Identifier: LGPL-2.1-or-later
#include <png.h>

#include "helpers/till-render/draw.h"

#define DOTS_PER_METRE 7992 /* 203 dpi */

/* The lines as they come below each other; NULL where there is nothing. */
struct lines {
        struct raster **rasters;
        size_t n;
        unsigned rows;
};

static void lines_done(struct lines *l) {
        for (size_t i = 0; i < l->n; i++)
                raster_free(l->rasters[i]);
        free(l->rasters);
}

static int lines_draw(const struct drawing *d, struct fonts *fonts, struct lines *l) {
        const struct page *page = d->stored.page;
        int r;

        l->rasters = calloc(page->n_lines + 1, sizeof(*l->rasters));
        if (!l->rasters)
                return -ENOMEM;
        l->n = page->n_lines;
        for (size_t i = 0; i < l->n; i++) {
                r = draw_line(d, fonts, &page->lines[i], &l->rasters[i]);
                if (r < 0)
                        return r;
                if (l->rasters[i])
                        l->rows += l->rasters[i]->height;
                if (l->rows > RENDER_ROWS_MAX)
                        return -EFBIG;
        }
        return 0;
}

static void on_write(png_struct *png, uint8_t *data, size_t size) {
        (void) fwrite(data, 1, size, png_get_io_ptr(png));
}

static void on_flush(png_struct *png) {
}

/* A row of the picture: white is 1, and there is white at both sides. RENDER_MARGIN is whole bytes. */
static void write_row(png_struct *png, uint8_t *row, size_t size, const uint8_t *bits, unsigned width) {
        memset(row, 0xff, size);
        for (size_t i = 0; bits && i < (width + 7) / 8; i++)
                row[RENDER_MARGIN / 8 + i] = (uint8_t) ~bits[i];
        png_write_row(png, row);
}

static void write_rows(png_struct *png, uint8_t *row, size_t size, const struct lines *l) {
        for (unsigned y = 0; y < RENDER_MARGIN; y++)
                write_row(png, row, size, NULL, 0);
        for (size_t i = 0; i < l->n; i++) {
                const struct raster *raster = l->rasters[i];

                for (unsigned y = 0; raster && y < raster->height; y++)
                        write_row(png, row, size, raster->bits + y * raster_stride(raster), raster->width);
        }
        for (unsigned y = 0; y < RENDER_MARGIN; y++)
                write_row(png, row, size, NULL, 0);
}

/* libpng comes back by setjmp: nothing that is freed at the end may be set after it. */
static int write_png(const struct drawing *d, const struct lines *l, png_struct *png, png_info *info, uint8_t *row,
                     FILE *f) {
        unsigned width = d->stored.dots + 2 * RENDER_MARGIN;

        if (setjmp(png_jmpbuf(png)))
                return -ENOMEM;
        png_set_write_fn(png, f, on_write, on_flush);
        png_set_IHDR(png, info, width, l->rows + 2 * RENDER_MARGIN, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_set_pHYs(png, info, DOTS_PER_METRE, DOTS_PER_METRE, PNG_RESOLUTION_METER);
        png_write_info(png, info);
        write_rows(png, row, (width + 7) / 8, l);
        png_write_end(png, NULL);
        return 0;
}

int draw_png(const struct drawing *d, struct fonts *fonts, FILE *f) {
        _cleanup_free_ uint8_t *row = malloc(d->stored.dots / 8 + 2 * RENDER_MARGIN);
        _cleanup_(lines_done) struct lines lines = {};
        png_struct *png;
        png_info *info;
        int r;

        r = lines_draw(d, fonts, &lines);
        if (r < 0)
                return r;
        png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
        info = png ? png_create_info_struct(png) : NULL;
        r = row && info ? write_png(d, &lines, png, info, row, f) : -ENOMEM;
        png_destroy_write_struct(&png, &info);
        return r;
}
