// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/raster.h"

int raster_new(unsigned width, unsigned height, struct raster **ret) {
        _cleanup_(raster_freep) struct raster *r = NULL;

        if (width == 0 || width > RASTER_WIDTH_MAX || height == 0 || height > RASTER_HEIGHT_MAX)
                return -EINVAL;
        r = calloc(1, sizeof(*r));
        if (!r)
                return -ENOMEM;
        r->width = width;
        r->height = height;
        r->bits = calloc(height, raster_stride(r));
        if (!r->bits)
                return -ENOMEM;
        *ret = TAKE_PTR(r);
        return 0;
}

struct raster *raster_free(struct raster *r) {
        if (!r)
                return NULL;
        free(r->bits);
        free(r);
        return NULL;
}

bool raster_get(const struct raster *r, unsigned x, unsigned y) {
        if (x >= r->width || y >= r->height)
                return false;
        return r->bits[y * raster_stride(r) + x / 8] & (0x80 >> x % 8);
}

void raster_set(struct raster *r, unsigned x, unsigned y) {
        if (x < r->width && y < r->height)
                r->bits[y * raster_stride(r) + x / 8] |= (uint8_t) (0x80 >> x % 8);
}
