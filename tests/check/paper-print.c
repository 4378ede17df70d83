// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * paper-print [--58] PICTURE.png - prints the ESC/POS bytes of standard input on the simulated printer: the slips
 * become a picture, their text goes to standard output. Exit status 1 where a command was not understood.
 */

#include <getopt.h>

#include "base/log.h"
#include "paper/paper.h"

static int usage(void) {
        fprintf(stderr, "usage: paper-print [--58] PICTURE.png <ESCPOS\n");
        return 2;
}

int main(int argc, char **argv) {
        static const struct option options[] = { { "58", no_argument, NULL, '5' }, {} };
        const struct paper_model *model = &paper_model_80mm;
        _cleanup_(paper_freep) struct paper *p = NULL;
        _cleanup_free_ char *text = NULL;
        const char *last;
        char block[4096];
        size_t n;
        int c, r;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
                if (c != '5')
                        return usage();
                model = &paper_model_58mm;
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
        r = paper_render_png(p, PAPER_SHEET_ALL, argv[optind]);
        if (r >= 0)
                r = paper_text(p, PAPER_SHEET_ALL, &text);
        if (r < 0) {
                log_error_errno(r, "No picture of what was printed");
                return 1;
        }
        fputs(text, stdout);
        if (paper_unknown(p, &last) > 0) {
                log_error("%u commands were not understood, the last was %s", paper_unknown(p, NULL), last);
                return 1;
        }
        return 0;
}
