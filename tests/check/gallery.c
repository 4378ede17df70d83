// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * gallery DIRECTORY - every paper in every language and width: NAME.txt, and NAME-paper.png as the simulated printer
 * prints it, NAME-paper.txt what it says is on it, NAME.png and NAME.pdf as till-render draws it, NAME.ansi as a
 * terminal shows it. index.html shows them, without anything from elsewhere. The names go to standard output; exit
 * status 1 where the printer does not understand one.
 */

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/log.h"
#include "check/gallery-index.h"
#include "helpers/till-render/draw.h"
#include "paper/paper.h"
#include "receipt/escpos.h"
#include "unit/receipt-papers.h"

static const char *const languages[_STYLE_LANGUAGES_MAX] = {
        [STYLE_BOTH] = "both",
        [STYLE_CHINESE] = "zh_CN",
        [STYLE_ENGLISH] = "en",
};

struct gallery {
        const char *directory;
        char logo[PATH_MAX]; /* a PNG */
        struct fonts *fonts;
        FILE *index;
        unsigned wrong;
};

/* A paper, with the shop's logo on top or without. */
struct exhibit {
        const char *name;
        const struct sample_paper *paper;
        bool logo;
};

/* What is shown of it. */
struct picture {
        char name[128];
        struct printer_profile profile;
        struct drawing drawing;
};

static FILE *open_file(const struct gallery *g, const char *name, const char *suffix) {
        char path[PATH_MAX];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s%s", g->directory, name, suffix);
        f = fopen(path, "we");
        if (!f)
                log_error_errno(-errno, "Cannot write %s", path);
        return f;
}

static int write_file(const struct gallery *g, const char *name, const char *suffix, const char *text) {
        _cleanup_fclose_ FILE *f = open_file(g, name, suffix);

        return f && fputs(text, f) >= 0 ? 0 : -EIO;
}

/* A shop under the sun: lines, a surface, and greys. */
static int write_logo(struct gallery *g) {
        cairo_surface_t *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 240, 120);
        cairo_t *cr = cairo_create(image);
        cairo_pattern_t *sun = cairo_pattern_create_radial(195, 35, 4, 195, 35, 32);
        cairo_status_t status;

        cairo_pattern_add_color_stop_rgb(sun, 0, .2, .2, .2);
        cairo_pattern_add_color_stop_rgb(sun, 1, 1, 1, 1);
        cairo_set_source_rgb(cr, 1, 1, 1);
        cairo_paint(cr);
        cairo_set_source(cr, sun);
        cairo_arc(cr, 195, 35, 32, 0, 6.3);
        cairo_fill(cr);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_move_to(cr, 20, 60);
        cairo_line_to(cr, 90, 10);
        cairo_line_to(cr, 160, 60);
        cairo_fill(cr);
        cairo_set_line_width(cr, 6);
        cairo_rectangle(cr, 40, 60, 100, 55);
        cairo_rectangle(cr, 100, 78, 24, 37);
        cairo_rectangle(cr, 56, 78, 26, 18);
        cairo_stroke(cr);
        snprintf(g->logo, sizeof(g->logo), "%s/logo.png", g->directory);
        status = cairo_surface_write_to_png(image, g->logo);
        cairo_pattern_destroy(sun);
        cairo_destroy(cr);
        cairo_surface_destroy(image);
        return status == CAIRO_STATUS_SUCCESS ? 0 : -EIO;
}

/* What the printer has no command for is drawn for it. */
static int add_rasters(const struct gallery *g, struct picture *picture) {
        struct page *page = picture->drawing.stored.page;
        int r = 0;

        for (size_t i = 0; i < page->n_lines && r >= 0; i++)
                if (line_needs_raster(page->lines + i, &picture->profile))
                        r = draw_line(&picture->drawing, g->fonts, page->lines + i, &page->lines[i].raster);
        return r;
}

/* On a roll that is as wide as the printer's, by a printer that knows all of it. */
static int write_paper(struct gallery *g, struct picture *picture) {
        const struct printer_profile *profile = &picture->profile;
        struct paper_model model = profile->dots < 500 ? paper_model_58mm : paper_model_80mm;
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX];
        const char *last;
        size_t size;
        int r;

        model.dots = profile->dots;
        r = add_rasters(g, picture);
        if (r >= 0)
                r = page_to_escpos(picture->drawing.stored.page, profile, &data, &size);
        if (r < 0)
                return r;
        r = paper_new(&model, NULL, NULL, &paper);
        if (r < 0)
                return r;
        (void) paper_write(paper, data, size);
        if (paper_unknown(paper, &last) > 0) {
                log_error("%s: the printer does not understand %s", picture->name, last);
                g->wrong++;
        }
        snprintf(path, sizeof(path), "%s/%s-paper.png", g->directory, picture->name);
        r = paper_render_png(paper, 0, path);
        if (r >= 0)
                r = paper_text(paper, 0, &text);
        return r < 0 ? r : write_file(g, picture->name, "-paper.txt", text);
}

static int write_drawn(const struct gallery *g, const struct picture *picture, enum render_face face,
                       const char *suffix) {
        _cleanup_fclose_ FILE *f = open_file(g, picture->name, suffix);

        return f ? draw(&picture->drawing, g->fonts, face, f) : -EIO;
}

/* As text, and as a terminal shows it: these are in the index itself. */
static int write_texts(const struct gallery *g, const struct picture *picture) {
        _cleanup_free_ char *text = NULL, *terminal = NULL;
        size_t size;
        FILE *f;
        int r;

        f = open_memstream(&terminal, &size);
        if (!f)
                return -ENOMEM;
        r = draw(&picture->drawing, g->fonts, RENDER_TERMINAL, f);
        if (fclose(f) != 0)
                r = -ENOMEM;
        if (r >= 0)
                r = write_file(g, picture->name, ".ansi", terminal);
        if (r >= 0)
                r = page_to_text(picture->drawing.stored.page, &text);
        if (r >= 0)
                r = write_file(g, picture->name, ".txt", text);
        if (r >= 0)
                index_add(g->index, picture->name, picture->profile.columns, text, terminal);
        return r;
}

static int write_faces(struct gallery *g, struct picture *picture) {
        int r;

        r = write_texts(g, picture);
        if (r >= 0)
                r = write_drawn(g, picture, RENDER_PNG, ".png");
        if (r >= 0)
                r = write_drawn(g, picture, RENDER_PDF, ".pdf");
        if (r >= 0)
                r = write_paper(g, picture);
        if (r < 0)
                return log_error_errno(r, "%s cannot be drawn", picture->name);
        puts(picture->name);
        return 0;
}

static int write_picture(struct gallery *g, const struct exhibit *exhibit, enum style_languages language,
                         const struct sample_printer *printer) {
        struct receipt_style style = *receipt_style_default();
        struct picture picture = { .drawing.logo_fd = -EBADF };
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_(slip_done) struct slip slip = {};
        _cleanup_close_ int logo = -EBADF;
        int r;

        snprintf(picture.name, sizeof(picture.name), "%s-%s-%u", exhibit->name, languages[language], printer->columns);
        style.languages = language;
        if (exhibit->logo) {
                style.logo = g->logo;
                logo = receipt_style_open_logo(&style);
                if (logo < 0)
                        return log_error_errno(logo, "%s cannot be read", g->logo);
        }
        sample_profile(printer, &picture.profile);
        sample_paper_fill(exhibit->paper, &slip);
        r = slip_layout(&slip, &style, &picture.profile, &page);
        if (r < 0)
                return log_error_errno(r, "%s cannot be laid out", picture.name);
        picture.drawing = (struct drawing){
                .stored = { .page = page, .dots = picture.profile.dots },
                .logo_fd = logo,
        };
        return write_faces(g, &picture);
}

static int write_exhibit(struct gallery *g, const struct exhibit *exhibit) {
        int r = 0;

        index_begin_paper(g->index, exhibit->name);
        for (enum style_languages l = 0; l < _STYLE_LANGUAGES_MAX; l++) {
                index_begin_language(g->index, languages[l]);
                for (size_t k = 0; k < ELEMENTSOF(sample_printers) && r >= 0; k++)
                        r = write_picture(g, exhibit, l, sample_printers + k);
                index_end_language(g->index);
        }
        index_end_paper(g->index);
        return r;
}

static int write_all(struct gallery *g) {
        const struct exhibit with_logo = { "sale-logo", sample_papers, true };
        char papers[1024];
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(sample_papers); i++)
                n += (size_t) snprintf(papers + n, sizeof(papers) - n, "%s ", sample_papers[i].name);
        snprintf(papers + n, sizeof(papers) - n, "%s", with_logo.name);
        index_begin(g->index, papers, "both zh_CN en", "32 42 48");
        for (size_t i = 0; i < ELEMENTSOF(sample_papers) && r >= 0; i++)
                r = write_exhibit(g, &(struct exhibit){ sample_papers[i].name, sample_papers + i, false });
        if (r >= 0)
                r = write_exhibit(g, &with_logo);
        index_end(g->index);
        return r;
}

int main(int argc, char **argv) {
        struct gallery g = { .directory = argv[1] };
        _cleanup_(fonts_freep) struct fonts *fonts = NULL;
        _cleanup_fclose_ FILE *index = NULL;

        if (argc != 2) {
                fputs("usage: gallery DIRECTORY\n", stderr);
                return 2;
        }
        if (mkdir(argv[1], 0777) < 0 && errno != EEXIST) {
                log_error_errno(-errno, "Cannot make %s", argv[1]);
                return 1;
        }
        g.index = index = open_file(&g, "index", ".html");
        if (!index || write_logo(&g) < 0 || fonts_new(&fonts) < 0)
                return 1;
        g.fonts = fonts;
        return write_all(&g) < 0 || g.wrong > 0;
}
