// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lines as dots, and the face that printers print. */

#include "helpers/till-render/draw.h"

static void put_cell(struct raster *to, const struct placed *p, unsigned x0, const struct cluster *c,
                     const struct cell *cell) {
        unsigned width = cell_width(c->kind) * p->scale_x, height = cell_height(c->kind) * p->scale_y;

        for (unsigned y = 0; y < height; y++) {
                uint32_t row = cell->rows[y / p->scale_y];

                if (p->bold)
                        row |= row << 1;
                if (p->inverse)
                        row = ~row;
                for (unsigned x = 0; x < width; x++)
                        if (row >> x / p->scale_x & 1)
                                raster_set(to, x0 + x, p->text_y + y);
        }
}

static void put_text(struct raster *to, struct fonts *fonts, const struct placed *p) {
        const char *text = p->text;
        unsigned x = p->text_x;
        struct cluster c;
        struct cell cell;

        while (cluster_next(&text, p->small, &c)) {
                fonts_cell(fonts, &c, &cell);
                put_cell(to, p, x, &c, &cell);
                x += cell_width(c.kind) * p->scale_x;
        }
}

static void put_picture(struct raster *to, const struct placed *p) {
        for (unsigned y = 0; y < p->picture->height; y++)
                for (unsigned x = 0; x < p->picture->width; x++)
                        if (raster_get(p->picture, x, y))
                                raster_set(to, p->picture_x + x, y);
}

int draw_line(const struct drawing *d, struct fonts *fonts, const struct page_line *line, struct raster **ret) {
        _cleanup_(placed_done) struct placed p = {};
        struct raster *raster = NULL;
        int r;

        r = place_line(d, line, &p);
        if (r < 0)
                return r;
        if (p.rows > 0) {
                r = raster_new(d->stored.dots, p.rows, &raster);
                if (r < 0)
                        return r;
                if (p.picture)
                        put_picture(raster, &p);
                if (p.text)
                        put_text(raster, fonts, &p);
        }
        *ret = raster;
        return 0;
}

int draw_raster(const struct drawing *d, struct fonts *fonts, FILE *f) {
        const struct stored_page *s = &d->stored;

        for (size_t i = 0; i < s->page->n_lines; i++) {
                _cleanup_(raster_freep) struct raster *raster = NULL;
                struct render_raster header = { .line = (uint32_t) i };
                int r;

                if (!s->rasters[i])
                        continue;
                r = draw_line(d, fonts, &s->page->lines[i], &raster);
                if (r < 0)
                        return r;
                if (!raster)
                        continue;
                header.width = raster->width;
                header.height = raster->height;
                (void) fwrite(&header, sizeof(header), 1, f);
                (void) fwrite(raster->bits, raster_stride(raster), raster->height, f);
        }
        return 0;
}
