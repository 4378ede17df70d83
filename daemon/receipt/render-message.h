/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What tilld and till-render say to each other over a SOCK_SEQPACKET socket: one request, one answer, a connection.
 *
 * The request brings a sealed file (base/sealed-file.h) with a stored page (receipt/page-store.h) and, if the page
 * has a logo, a second descriptor with a PNG. An answer without an error brings a sealed file. Both programs
 * are of one machine and of one package: numbers are as it has them.
 */

#include "base/macro.h"

#define RENDER_VERSION 1

enum render_face {
        RENDER_RASTER,   /* the lines that a printer cannot say, as struct render_raster each with its rows of dots */
        RENDER_PNG,      /* one bit a dot, RENDER_MARGIN white dots around what is printed */
        RENDER_PDF,      /* of the paper's length, its text real text */
        RENDER_TERMINAL, /* UTF-8 with the terminal's own bold, inverse and colours */
        _RENDER_FACE_MAX,
};

#define RENDER_MARGIN 32
/* An answer that is larger is none: pictures of ten metres of paper are below. */
#define RENDER_SIZE_MAX (16U << 20)

/* Sixteen metres: what has more rows is drawn as no PNG. */
#define RENDER_ROWS_MAX 131072

struct render_question {
        uint32_t version;
        uint32_t face;
        uint64_t size; /* of the page */
};

struct render_answer {
        uint32_t version;
        int32_t error; /* a negative errno, or 0 */
        uint64_t size; /* of the memfd */
};

/* In the order of lines; a logo that cannot be drawn is left out. */
struct render_raster {
        uint32_t line;
        uint32_t width, height;
};
