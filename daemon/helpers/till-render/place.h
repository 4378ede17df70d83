/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the parts of a line are on paper, in dots. Each face that shows paper draws these. */

#include "receipt/page-store.h"

#define LINE_ROWS 30U       /* from line to line after ESC @ and ESC 2: 3.75 mm */
#define LINE_ROWS_SMALL 22U /* after the ESC 3 that goes with the small font */

/* What is drawn: the page as it came, and its logo, with a negative descriptor for none. */
struct drawing {
        struct stored_page stored;
        int logo_fd;
};

struct placed {
        unsigned rows; /* how far the paper moves; 0 where there is nothing */

        struct raster *picture; /* owned, NULL for none; at the top */
        unsigned picture_x;

        char *text; /* owned, NULL for none */
        unsigned text_x, text_y;
        unsigned scale_x, scale_y;
        bool bold, small, inverse;
};

void placed_done(struct placed *p);
/* 0 also for what cannot be drawn, with a line of the log: the rest of the paper must come out. */
int place_line(const struct drawing *d, const struct page_line *line, struct placed *ret);
