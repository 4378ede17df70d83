// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-render/place.h"

#include "base/log.h"
#include "helpers/till-render/font.h"
#include "helpers/till-render/logo.h"
#include "helpers/till-render/symbol.h"

void placed_done(struct placed *p) {
        p->picture = raster_free(p->picture);
        free(p->text);
        p->text = NULL;
}

/* What the page's columns take of the paper, from the left: the printer's own area by GS W. */
static unsigned area(const struct drawing *d) {
        return MIN(d->stored.dots, d->stored.page->columns * cell_width(CELL_A));
}

static unsigned aligned(const struct drawing *d, enum page_align align, unsigned width) {
        unsigned spare = area(d) - MIN(area(d), width);

        return align == PAGE_LEFT ? 0 : align == PAGE_CENTER ? spare / 2 : spare;
}

static unsigned text_dots(const char *text, bool small) {
        struct cluster c;
        unsigned dots = 0;

        while (cluster_next(&text, small, &c))
                dots += cell_width(c.kind);
        return dots;
}

static int place_text(const struct drawing *d, const struct page_line *line, const char *text, struct placed *ret) {
        unsigned height = cell_height(line->small ? CELL_B : CELL_A) * line->height;

        ret->text = strdup(text);
        if (!ret->text)
                return -ENOMEM;
        ret->rows = MAX(height, line->small ? LINE_ROWS_SMALL : LINE_ROWS);
        ret->text_x = aligned(d, line->align, text_dots(text, line->small) * line->width);
        ret->scale_x = line->width;
        ret->scale_y = line->height;
        ret->bold = line->bold;
        ret->small = line->small;
        ret->inverse = line->inverse;
        return 0;
}

static int place_plain(const struct drawing *d, enum page_align align, const char *text, struct placed *ret) {
        return place_text(d, &(struct page_line){ .align = align, .width = 1, .height = 1 }, text, ret);
}

static int place_rule(const struct drawing *d, struct placed *ret) {
        char dashes[UINT8_MAX + 1] = {};

        memset(dashes, '-', MIN(d->stored.page->columns, (unsigned) UINT8_MAX));
        return place_plain(d, PAGE_LEFT, dashes, ret);
}

static void place_picture(const struct drawing *d, enum page_align align, struct raster *picture, struct placed *ret) {
        ret->picture = picture;
        ret->picture_x = aligned(d, align, picture->width);
        ret->rows = picture->height;
}

/* In modules of the wanted size, or the largest that the paper has room for. */
static int place_symbol(const struct drawing *d, const struct page_line *line, const struct raster *modules,
                        unsigned module, unsigned height, struct placed *ret) {
        struct raster *picture;
        int r;

        module = MIN(module, area(d) / modules->width);
        if (module == 0)
                return -E2BIG;
        r = raster_scale(modules, module, height > 0 ? height : module, &picture);
        if (r < 0)
                return r;
        place_picture(d, line->align, picture, ret);
        return 0;
}

static int place_qr(const struct drawing *d, const struct page_line *line, struct placed *ret) {
        _cleanup_(raster_freep) struct raster *modules = NULL;
        int r;

        r = symbol_qr(line->text, &modules);
        if (r < 0)
                return r;
        return place_symbol(d, line, modules, line->width, 0, ret);
}

/* What it says stands below its middle. */
static int place_barcode(const struct drawing *d, const struct page_line *line, struct placed *ret) {
        _cleanup_(raster_freep) struct raster *modules = NULL;
        unsigned width, bars;
        int r;

        r = symbol_barcode(line->text, &modules);
        if (r < 0)
                return r;
        r = place_symbol(d, line, modules, MAX(line->width, (uint8_t) 2), line->height, ret);
        if (r < 0)
                return r;
        bars = ret->rows;
        r = place_plain(d, PAGE_LEFT, line->text, ret);
        if (r < 0)
                return r;
        width = text_dots(line->text, false);
        ret->text_x = ret->picture_x + ret->picture->width / 2;
        ret->text_x -= MIN(ret->text_x, width / 2);
        ret->text_y = bars;
        ret->rows = bars + cell_height(CELL_A);
        return 0;
}

static int place_logo(const struct drawing *d, const struct page_line *line, struct placed *ret) {
        struct raster *picture;
        int r;

        if (d->logo_fd < 0)
                return 0;
        r = logo_read(d->logo_fd, area(d), line->width, &picture);
        if (r < 0)
                return r;
        place_picture(d, line->align, picture, ret);
        return 0;
}

/* A code that cannot be drawn is said by its content. */
static int place_code(const struct drawing *d, const struct page_line *line, struct placed *ret) {
        int r = line->type == PAGE_QR ? place_qr(d, line, ret) : place_barcode(d, line, ret);

        if (r >= 0 || r == -ENOMEM)
                return r;
        log_warning_errno(r, "A %s cannot be drawn and is left to its text",
                          line->type == PAGE_QR ? "QR code" : "barcode");
        placed_done(ret);
        *ret = (struct placed){};
        return place_plain(d, line->align, line->text, ret);
}

int place_line(const struct drawing *d, const struct page_line *line, struct placed *ret) {
        int r;

        *ret = (struct placed){};
        switch (line->type) {
        case PAGE_TEXT:
                return place_text(d, line, line->text, ret);
        case PAGE_RULE:
                return place_rule(d, ret);
        case PAGE_QR:
        case PAGE_BARCODE:
                return place_code(d, line, ret);
        case PAGE_FEED:
                ret->rows = line->height * LINE_ROWS;
                return 0;
        case PAGE_LOGO:
                r = place_logo(d, line, ret);
                if (r == -E2BIG || r == -EBADMSG)
                        log_warning("The logo is left out: it is no PNG of at most 4 MiB and 4096 pixels each way");
                else if (r < 0)
                        log_warning_errno(r, "The logo cannot be drawn and is left out");
                return r == -ENOMEM ? r : 0;
        case PAGE_CUT:
        case _PAGE_LINE_TYPE_MAX:
                return 0;
        }
        return 0;
}
