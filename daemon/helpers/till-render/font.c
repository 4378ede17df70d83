// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-render/font.h"

#include <pango/pangocairo.h>

#include "base/unicode.h"

DEFINE_CLEANUP(PangoLayout *, g_object_unref);
DEFINE_CLEANUP(PangoFontDescription *, pango_font_description_free);
DEFINE_CLEANUP(PangoFontMetrics *, pango_font_metrics_unref);
DEFINE_CLEANUP(cairo_font_options_t *, cairo_font_options_destroy);

#define _cleanup_layout_ _cleanup_(g_object_unrefp)

/* A wide cell is the Chinese font's first, so that its fullwidth Latin fits the rest. */
static const struct {
        unsigned width, height;
        unsigned size; /* at which the first of its fonts fills it */
        const char *families;
} kinds[_CELL_KIND_MAX] = {
        [CELL_A] = { 12, 24, 20, "DejaVu Sans Mono,WenQuanYi Zen Hei,monospace" },
        [CELL_B] = { 9, 17, 15, "DejaVu Sans Mono,WenQuanYi Zen Hei,monospace" },
        [CELL_WIDE] = { 24, 24, 24, "WenQuanYi Zen Hei,DejaVu Sans Mono,sans-serif" },
};

#define SIZE_MIN 6
/* Around the cell that a character is drawn in, for what hangs over. */
#define AROUND CELL_MAX
#define CANVAS (3 * CELL_MAX)
#define CACHE 2048

struct cached {
        struct cluster cluster;
        struct cell cell;
};

struct fonts {
        PangoContext *dots, *outlines;
        cairo_surface_t *canvas;
        cairo_t *cr;
        struct cached cache[CACHE]; /* a cluster's place is its hash's rest */
};

unsigned cell_width(enum cell_kind kind) {
        return kinds[kind].width;
}

unsigned cell_height(enum cell_kind kind) {
        return kinds[kind].height;
}

bool cluster_next(const char **text, bool small, struct cluster *ret) {
        struct cluster c = {};
        size_t n = 0;
        uint32_t first;

        do
                first = unicode_next(text);
        while (first != 0 && unicode_width(first) == 0);
        if (first == 0)
                return false;
        n = unicode_put(first, c.text);
        for (;;) {
                const char *next = *text;
                uint32_t mark = unicode_next(&next);

                if (mark == 0 || unicode_width(mark) > 0)
                        break;
                if (n + 4 < sizeof(c.text))
                        n += unicode_put(mark, c.text + n);
                *text = next;
        }
        c.kind = unicode_width(first) == 2 ? CELL_WIDE : small ? CELL_B : CELL_A;
        *ret = c;
        return true;
}

static PangoContext *context_new(cairo_antialias_t antialias, cairo_hint_style_t style, cairo_hint_metrics_t metrics) {
        _cleanup_(cairo_font_options_destroyp) cairo_font_options_t *options = cairo_font_options_create();
        PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());

        cairo_font_options_set_antialias(options, antialias);
        cairo_font_options_set_hint_style(options, style);
        cairo_font_options_set_hint_metrics(options, metrics);
        pango_cairo_context_set_font_options(context, options);
        pango_context_set_round_glyph_positions(context, metrics == CAIRO_HINT_METRICS_ON);
        pango_context_set_language(context, pango_language_from_string("zh-cn"));
        return context;
}

int fonts_new(struct fonts **ret) {
        _cleanup_(fonts_freep) struct fonts *f = calloc(1, sizeof(*f));
        PangoFontFamily **families;
        int n = 0;

        if (!f)
                return -ENOMEM;
        pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &n);
        g_free(families);
        if (n == 0)
                return -ENOENT;
        /* Printers draw from bitmaps: hinted to the grid of dots is what comes nearest. */
        f->dots = context_new(CAIRO_ANTIALIAS_NONE, CAIRO_HINT_STYLE_FULL, CAIRO_HINT_METRICS_ON);
        f->outlines = context_new(CAIRO_ANTIALIAS_GRAY, CAIRO_HINT_STYLE_NONE, CAIRO_HINT_METRICS_OFF);
        f->canvas = cairo_image_surface_create(CAIRO_FORMAT_A8, CANVAS, CANVAS);
        f->cr = cairo_create(f->canvas);
        if (cairo_status(f->cr) != CAIRO_STATUS_SUCCESS)
                return -ENOMEM;
        *ret = TAKE_PTR(f);
        return 0;
}

struct fonts *fonts_free(struct fonts *f) {
        if (!f)
                return NULL;
        g_clear_object(&f->dots);
        g_clear_object(&f->outlines);
        cairo_destroy(f->cr);
        cairo_surface_destroy(f->canvas);
        free(f);
        return NULL;
}

/* Where its line stands in the cell: in the middle by the font's own measures, but not on the lowest row. */
static int layout_base(PangoLayout *layout, unsigned height) {
        _cleanup_(pango_font_metrics_unrefp) PangoFontMetrics *metrics = NULL;
        PangoLayoutLine *line = pango_layout_get_line_readonly(layout, 0);
        int ascent, descent;

        if (!line || !line->runs)
                return (int) height - 2;
        metrics = pango_font_get_metrics(((PangoGlyphItem *) line->runs->data)->item->analysis.font, NULL);
        ascent = pango_font_metrics_get_ascent(metrics) / PANGO_SCALE;
        descent = pango_font_metrics_get_descent(metrics) / PANGO_SCALE;
        return MIN(((int) height - (ascent + descent)) / 2 + ascent, (int) height - 2);
}

/* As large as its cell's font is, or as fits. NULL where no font has it. */
static PangoLayout *layout_new(PangoContext *context, const struct cluster *c, bool bold) {
        _cleanup_(pango_font_description_freep) PangoFontDescription *description =
                pango_font_description_from_string(kinds[c->kind].families);
        _cleanup_layout_ PangoLayout *layout = pango_layout_new(context);
        int width;

        if (bold)
                pango_font_description_set_weight(description, PANGO_WEIGHT_BOLD);
        pango_layout_set_single_paragraph_mode(layout, true);
        pango_layout_set_text(layout, c->text, -1);
        for (unsigned size = kinds[c->kind].size; size >= SIZE_MIN; size--) {
                pango_font_description_set_absolute_size(description, (double) size * PANGO_SCALE);
                pango_layout_set_font_description(layout, description);
                if (pango_layout_get_unknown_glyphs_count(layout) > 0)
                        return NULL;
                pango_layout_get_size(layout, &width, NULL);
                if (width <= (int) kinds[c->kind].width * PANGO_SCALE + PANGO_SCALE / 2)
                        return TAKE_PTR(layout);
        }
        return NULL;
}

static void show_layout(cairo_t *cr, PangoLayout *layout, int x, int base) {
        cairo_move_to(cr, x, base);
        pango_cairo_show_layout_line(cr, pango_layout_get_line_readonly(layout, 0));
}

/* How far what is drawn hangs over at the upper left. */
static void overhang(const uint8_t *pixels, int stride, int *ret_x, int *ret_y) {
        *ret_x = *ret_y = 0;
        for (int y = 0; y < CANVAS; y++)
                for (int x = 0; x < CANVAS; x++)
                        if (pixels[y * stride + x] >= 128) {
                                *ret_x = MAX(*ret_x, AROUND - x);
                                *ret_y = MAX(*ret_y, AROUND - y);
                        }
}

static void take_cell(const uint8_t *pixels, int stride, enum cell_kind kind, struct cell *ret) {
        int dx = 0, dy = 0;

        *ret = (struct cell){};
        /* Chinese is pushed into its cell; frames must keep their place to join. */
        if (kind == CELL_WIDE)
                overhang(pixels, stride, &dx, &dy);
        for (unsigned y = 0; y < kinds[kind].height; y++)
                for (unsigned x = 0; x < kinds[kind].width; x++)
                        if (pixels[((int) y + AROUND - dy) * stride + (int) x + AROUND - dx] >= 128)
                                ret->rows[y] |= UINT32_C(1) << x;
}

static void box_cell(enum cell_kind kind, struct cell *ret) {
        unsigned width = kinds[kind].width, height = kinds[kind].height;

        *ret = (struct cell){};
        for (unsigned y = 2; y < height - 2; y++)
                ret->rows[y] = UINT32_C(1) << 1 | UINT32_C(1) << (width - 2);
        ret->rows[2] = ret->rows[height - 3] = ((UINT32_C(1) << (width - 2)) - 1) << 1;
}

static void draw_cell(struct fonts *f, const struct cluster *c, struct cell *ret) {
        _cleanup_layout_ PangoLayout *layout = layout_new(f->dots, c, false);

        if (!layout) {
                box_cell(c->kind, ret);
                return;
        }
        cairo_save(f->cr);
        cairo_set_operator(f->cr, CAIRO_OPERATOR_CLEAR);
        cairo_paint(f->cr);
        cairo_restore(f->cr);
        show_layout(f->cr, layout, AROUND, AROUND + layout_base(layout, kinds[c->kind].height));
        cairo_surface_flush(f->canvas);
        take_cell(cairo_image_surface_get_data(f->canvas), cairo_image_surface_get_stride(f->canvas), c->kind, ret);
}

static unsigned cluster_hash(const struct cluster *c) {
        unsigned hash = c->kind;

        for (const char *p = c->text; *p; p++)
                hash = hash * 31 + (unsigned char) *p;
        return hash;
}

void fonts_cell(struct fonts *f, const struct cluster *c, struct cell *ret) {
        struct cached *cached = f->cache + cluster_hash(c) % CACHE;

        if (cached->cluster.kind != c->kind || !streq(cached->cluster.text, c->text)) {
                draw_cell(f, c, &cached->cell);
                cached->cluster = *c;
        }
        *ret = cached->cell;
}

void fonts_show(struct fonts *f, cairo_t *cr, const struct cluster *c, bool bold) {
        _cleanup_layout_ PangoLayout *layout = layout_new(f->outlines, c, bold);

        if (layout) {
                show_layout(cr, layout, 0, layout_base(layout, kinds[c->kind].height));
                return;
        }
        cairo_set_line_width(cr, 1);
        cairo_rectangle(cr, 1.5, 2.5, kinds[c->kind].width - 3, kinds[c->kind].height - 5);
        cairo_stroke(cr);
}
