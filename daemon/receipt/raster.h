/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A picture of black and white dots, as a thermal head prints them. */

#include "base/macro.h"

/* The widest head there is has 1024 dots at most; the height is that of any one line of a page, 255 blank ones too. */
#define RASTER_WIDTH_MAX 1024
#define RASTER_HEIGHT_MAX 8192

struct raster {
        unsigned width, height;
        uint8_t *bits; /* rows of raster_stride() bytes, the leftmost dot in the most significant bit; 1 is black */
};

/* White. -EINVAL for what is empty or beyond the limits. */
int raster_new(unsigned width, unsigned height, struct raster **ret);
struct raster *raster_free(struct raster *r);
DEFINE_CLEANUP(struct raster *, raster_free);

/* Bytes of a row. */
static inline size_t raster_stride(const struct raster *r) {
        return (r->width + 7) / 8;
}

/* What lies outside is white, and stays so. */
bool raster_get(const struct raster *r, unsigned x, unsigned y);
void raster_set(struct raster *r, unsigned x, unsigned y);
