// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * paper-print [--58 | --model WORD] [--count] [--rows] PICTURE.png - prints the ESC/POS bytes of standard input on the
 * simulated printer: the slips become a picture, their text goes to standard output, with --count also how often the
 * paper was cut and the drawer opened. Exit status 1 where a command was not understood.
 */

#include <getopt.h>

#include "base/log.h"
#include "paper/paper.h"

static int usage(void) {
        fprintf(stderr, "usage: paper-print [--58 | --model WORD] [--count] [--rows] PICTURE.png <ESCPOS\n");
        return 2;
}

/* How far lines are apart is no matter of theirs: what is printed is. */
static void put_row(const struct paper *p, int sheet, unsigned y, unsigned dots) {
        unsigned last = 0;

        for (unsigned x = 0; x < dots; x++)
                if (paper_sheet_dot(p, sheet, x, y))
                        last = x + 1;
        for (unsigned x = 0; x < last; x++)
                putchar(paper_sheet_dot(p, sheet, x, y) ? '#' : '.');
        if (last > 0)
                putchar('\n');
}

static void put_rows(const struct paper *p) {
        for (unsigned i = 0; i < paper_sheets(p); i++) {
                unsigned dots, n;

                if (paper_sheet_size(p, (int) i, &dots, &n) < 0)
                        continue;
                printf("slip %u\n", i);
                for (unsigned y = 0; y < n; y++)
                        put_row(p, (int) i, y, dots);
        }
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "58", no_argument, NULL, '5' },
                { "model", required_argument, NULL, 'm' },
                { "count", no_argument, NULL, 'c' },
                { "rows", no_argument, NULL, 'r' },
                {},
        };
        const struct paper_model *model = &paper_model_80mm;
        _cleanup_(paper_freep) struct paper *p = NULL;
        _cleanup_free_ char *text = NULL;
        const char *last;
        char block[4096];
        struct paper_status status;
        bool count = false, rows = false;
        size_t n;
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c == 'c')
                        count = true;
                else if (c == 'r')
                        rows = true;
                else if (c == '5' || c == 'm')
                        model = paper_model_find(c == '5' ? "58" : optarg);
                else
                        model = NULL;
                if (!model)
                        return usage();
        }
        if (argc - optind != 1)
                return usage();

        r = paper_new(model, NULL, NULL, &p);
        if (r < 0) {
                log_error_errno(r, "No printer");
                return 1;
        }
        while ((n = fread(block, 1, sizeof(block), stdin)) > 0)
                (void) paper_write(p, block, n);
        /* A drawer's pulse leaves nothing to draw. */
        r = paper_sheets(p) > 0 ? paper_render_png(p, PAPER_SHEET_ALL, argv[optind]) : 0;
        if (r >= 0)
                r = paper_text(p, PAPER_SHEET_ALL, &text);
        if (r < 0) {
                log_error_errno(r, "No picture of what was printed");
                return 1;
        }
        fputs(text, stdout);
        if (rows)
                put_rows(p);
        paper_get_status(p, &status);
        if (count)
                printf("cuts %u, pulses %u\n", status.cuts, status.drawer_pulses);
        if (paper_unknown(p, &last) > 0) {
                log_error("%u commands were not understood, the last was %s", paper_unknown(p, NULL), last);
                return 1;
        }
        return 0;
}
