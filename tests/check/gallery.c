// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * gallery DIRECTORY - every paper in every language and width: NAME.txt, and NAME-paper.png as the simulated printer
 * prints it, NAME-paper.txt what it says is on it, NAME.png and NAME.pdf as till-render draws it. index.html shows
 * them, without anything from elsewhere. The names go to standard output; exit status 1 where the printer does not
 * understand one.
 */

#include <limits.h>
#include <sys/stat.h>

#include "base/log.h"
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
        FILE *index;
        unsigned wrong;
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

static int write_text(const struct gallery *g, const struct page *page, const char *name) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = page_to_text(page, &text);
        return r < 0 ? r : write_file(g, name, ".txt", text);
}

/* On a roll that is as wide as the printer's, by a printer that knows all of it. */
static int write_paper(struct gallery *g, const struct page *page, const struct printer_profile *profile,
                       const char *name) {
        struct paper_model model = profile->dots < 500 ? paper_model_58mm : paper_model_80mm;
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX];
        const char *last;
        size_t size;
        int r;

        model.dots = profile->dots;
        r = page_to_escpos(page, profile, &data, &size);
        if (r < 0)
                return r;
        r = paper_new(&model, NULL, NULL, &paper);
        if (r < 0)
                return r;
        (void) paper_write(paper, data, size);
        if (paper_unknown(paper, &last) > 0) {
                log_error("%s: the printer does not understand %s", name, last);
                g->wrong++;
        }
        snprintf(path, sizeof(path), "%s/%s-paper.png", g->directory, name);
        r = paper_render_png(paper, 0, path);
        if (r >= 0)
                r = paper_text(paper, 0, &text);
        return r < 0 ? r : write_file(g, name, "-paper.txt", text);
}

static int write_drawn(const struct gallery *g, struct page *page, const struct printer_profile *profile,
                       const char *name, enum render_face face, const char *suffix) {
        const struct drawing d = { .stored = { .page = page, .dots = profile->dots }, .logo_fd = -EBADF };
        _cleanup_fclose_ FILE *f = open_file(g, name, suffix);
        _cleanup_(fonts_freep) struct fonts *fonts = NULL;
        int r;

        r = fonts_new(&fonts);
        if (r < 0)
                return r;
        return f ? draw(&d, fonts, face, f) : -EIO;
}

static int write_faces(struct gallery *g, const struct sample_paper *paper, const struct sample_printer *printer,
                       enum style_languages language) {
        struct receipt_style style = *receipt_style_default();
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_(slip_done) struct slip slip = {};
        struct printer_profile profile;
        char name[128];
        int r;

        style.languages = language;
        sample_profile(printer, &profile);
        sample_paper_fill(paper, &slip);
        snprintf(name, sizeof(name), "%s-%s-%u", paper->name, languages[language], printer->columns);
        r = slip_layout(&slip, &style, &profile, &page);
        if (r >= 0)
                r = write_text(g, page, name);
        if (r >= 0)
                r = write_paper(g, page, &profile, name);
        if (r >= 0)
                r = write_drawn(g, page, &profile, name, RENDER_PNG, ".png");
        if (r >= 0)
                r = write_drawn(g, page, &profile, name, RENDER_PDF, ".pdf");
        if (r < 0)
                return log_error_errno(r, "%s cannot be drawn", name);
        fprintf(g->index,
                "<figure><img loading=\"lazy\" src=\"%s-paper.png\" alt=\"%s\"><figcaption>%u columns: <a "
                "href=\"%s.png\">"
                "PNG</a> <a href=\"%s.pdf\">PDF</a> <a href=\"%s.txt\">text</a></figcaption></figure>\n",
                name, name, printer->columns, name, name, name);
        puts(name);
        return 0;
}

static void write_head(const struct gallery *g) {
        fputs("<!DOCTYPE html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Papers</title>\n"
              "<meta name=\"viewport\" content=\"width=device-width\">\n"
              "<style>body{font:16px sans-serif;margin:2em;background:#ced1d5}figure{display:inline-block;"
              "vertical-align:top;margin:0 1em 2em 0}img{max-width:100%;display:block}nav a{margin-right:1em}"
              "</style>\n<h1>Papers</h1>\n<nav>\n",
              g->index);
        for (size_t i = 0; i < ELEMENTSOF(sample_papers); i++)
                fprintf(g->index, "<a href=\"#%s\">%s</a>\n", sample_papers[i].name, sample_papers[i].name);
        fputs("</nav>\n", g->index);
}

static int write_all(struct gallery *g) {
        int r = 0;

        write_head(g);
        for (size_t i = 0; i < ELEMENTSOF(sample_papers); i++) {
                fprintf(g->index, "<h2 id=\"%s\">%s</h2>\n", sample_papers[i].name, sample_papers[i].name);
                for (enum style_languages l = 0; l < _STYLE_LANGUAGES_MAX; l++) {
                        fprintf(g->index, "<h3>%s</h3>\n", languages[l]);
                        for (size_t k = 0; k < ELEMENTSOF(sample_printers) && r >= 0; k++)
                                r = write_faces(g, sample_papers + i, sample_printers + k, l);
                }
        }
        return r;
}

int main(int argc, char **argv) {
        struct gallery g = { .directory = argv[1] };
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
        if (!index)
                return 1;
        return write_all(&g) < 0 || g.wrong > 0;
}
