// SPDX-License-Identifier: LGPL-2.1-or-later
#include <cairo-pdf.h>

#include "helpers/till-render/draw.h"

#define POINTS_PER_DOT (72.0 / 203)
/* Readers take pages of up to 200 inches (ISO 32000-1, annex C). */
#define SHEET_ROWS_MAX (200 * 203 - 2 * RENDER_MARGIN)

struct sheet {
        struct placed *lines;
        size_t n;
};

static void sheet_done(struct sheet *s) {
        for (size_t i = 0; i < s->n; i++)
                placed_done(&s->lines[i]);
        free(s->lines);
}

static int sheet_place(const struct drawing *d, struct sheet *s) {
        const struct page *page = d->stored.page;
        int r;

        s->lines = calloc(page->n_lines + 1, sizeof(*s->lines));
        if (!s->lines)
                return -ENOMEM;
        for (; s->n < page->n_lines; s->n++) {
                r = place_line(d, &page->lines[s->n], &s->lines[s->n]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void put_text(cairo_t *cr, struct fonts *fonts, const struct placed *p) {
        const char *text = p->text;
        struct cluster c;

        cairo_save(cr);
        cairo_translate(cr, p->text_x, p->text_y);
        cairo_scale(cr, p->scale_x, p->scale_y);
        while (cluster_next(&text, p->small, &c)) {
                if (p->inverse) {
                        cairo_set_source_rgb(cr, 0, 0, 0);
                        cairo_rectangle(cr, 0, 0, cell_width(c.kind), cell_height(c.kind));
                        cairo_fill(cr);
                        cairo_set_source_rgb(cr, 1, 1, 1);
                }
                fonts_show(fonts, cr, &c, p->bold);
                cairo_translate(cr, cell_width(c.kind), 0);
        }
        cairo_restore(cr);
}

static void put_picture(cairo_t *cr, const struct placed *p) {
        const struct raster *raster = p->picture;
        cairo_surface_t *image;
        uint8_t *pixels;
        int stride;

        image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int) raster->width, (int) raster->height);
        pixels = cairo_image_surface_get_data(image);
        stride = cairo_image_surface_get_stride(image);
        for (unsigned y = 0; pixels && y < raster->height; y++)
                for (unsigned x = 0; x < raster->width; x++)
                        ((uint32_t *) (void *) (pixels + (size_t) y * (size_t) stride))[x] =
                                raster_get(raster, x, y) ? 0 : 0xffffff;
        cairo_surface_mark_dirty(image);
        cairo_set_source_surface(cr, image, p->picture_x, 0);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
        cairo_paint(cr);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_surface_destroy(image);
}

static void put_line(cairo_t *cr, struct fonts *fonts, const struct placed *p) {
        if (p->picture)
                put_picture(cr, p);
        if (p->text)
                put_text(cr, fonts, p);
        cairo_translate(cr, 0, p->rows);
}

/* As many lines as have room on a page; one at least. */
static size_t page_end(const struct sheet *s, size_t from, unsigned *ret_rows) {
        unsigned rows = 0;
        size_t i;

        for (i = from; i < s->n && (i == from || rows + s->lines[i].rows <= SHEET_ROWS_MAX); i++)
                rows += s->lines[i].rows;
        *ret_rows = rows;
        return i;
}

static void put_page(cairo_surface_t *pdf, unsigned dots, unsigned rows, const struct placed *lines, size_t n,
                     struct fonts *fonts) {
        cairo_t *cr;

        cairo_pdf_surface_set_size(pdf, (dots + 2 * RENDER_MARGIN) * POINTS_PER_DOT,
                                   (rows + 2 * RENDER_MARGIN) * POINTS_PER_DOT);
        cr = cairo_create(pdf);
        cairo_scale(cr, POINTS_PER_DOT, POINTS_PER_DOT);
        cairo_translate(cr, RENDER_MARGIN, RENDER_MARGIN);
        for (size_t i = 0; i < n; i++)
                put_line(cr, fonts, &lines[i]);
        cairo_show_page(cr);
        cairo_destroy(cr);
}

static cairo_status_t on_write(void *f, const unsigned char *data, unsigned size) {
        return fwrite(data, 1, size, f) == size ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

int draw_pdf(const struct drawing *d, struct fonts *fonts, FILE *f) {
        _cleanup_(sheet_done) struct sheet sheet = {};
        cairo_surface_t *pdf;
        size_t at = 0, end;
        unsigned rows;
        int r;

        r = sheet_place(d, &sheet);
        if (r < 0)
                return r;
        pdf = cairo_pdf_surface_create_for_stream(on_write, f, 1, 1);
        do {
                end = page_end(&sheet, at, &rows);
                put_page(pdf, d->stored.dots, rows, sheet.lines + at, end - at, fonts);
                at = end;
        } while (at < sheet.n);
        cairo_surface_finish(pdf);
        r = cairo_surface_status(pdf) == CAIRO_STATUS_SUCCESS ? 0 : -ENOMEM;
        cairo_surface_destroy(pdf);
        return r;
}
