/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The faces. Each writes to f; -ENOMEM, or what went wrong. */

#include "helpers/till-render/font.h"
#include "helpers/till-render/place.h"
#include "receipt/render-message.h"

int draw_raster(const struct drawing *d, struct fonts *fonts, FILE *f);
int draw_png(const struct drawing *d, struct fonts *fonts, FILE *f);
int draw_pdf(const struct drawing *d, struct fonts *fonts, FILE *f);
int draw_terminal(const struct drawing *d, FILE *f);

int draw(const struct drawing *d, struct fonts *fonts, enum render_face face, FILE *f);

/* A line as wide as the paper; NULL for one that moves no paper. */
int draw_line(const struct drawing *d, struct fonts *fonts, const struct page_line *line, struct raster **ret);
