/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Characters in the cells of a receipt printer. */

#include <cairo.h>

#include "base/macro.h"

/* Font A, font B and Chinese, by the dots of thermal printers of 203 dpi. */
enum cell_kind { CELL_A, CELL_B, CELL_WIDE, _CELL_KIND_MAX };

#define CELL_MAX 24

unsigned cell_width(enum cell_kind kind);
unsigned cell_height(enum cell_kind kind);

/* What takes a cell: a character and the marks that combine with it. */
struct cluster {
        char text[32];
        enum cell_kind kind;
};

/* Takes the next one off a text; false at its end. */
bool cluster_next(const char **text, bool small, struct cluster *ret);

/* Bit x of rows[y] is the dot at (x, y). */
struct cell {
        uint32_t rows[CELL_MAX];
};

struct fonts;
/* -ENOMEM; -ENOENT where there are no fonts at all. */
int fonts_new(struct fonts **ret);
struct fonts *fonts_free(struct fonts *f);
DEFINE_CLEANUP(struct fonts *, fonts_free);

/* As dots; a character that no font has is a hollow box. */
void fonts_cell(struct fonts *f, const struct cluster *c, struct cell *ret);
/* As outlines, its cell's upper left corner at the origin, in units of dots. */
void fonts_show(struct fonts *f, cairo_t *cr, const struct cluster *c, bool bold);
