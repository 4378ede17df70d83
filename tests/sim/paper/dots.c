// SPDX-License-Identifier: LGPL-2.1-or-later
#include "paper/printer.h"

void paper_dots_init(struct paper_dots *d, unsigned width) {
        *d = (struct paper_dots){ .width = width, .stride = (width + 7) / 8 };
}

void paper_dots_done(struct paper_dots *d) {
        free(d->bits);
        *d = (struct paper_dots){};
}

void paper_dots_clear(struct paper_dots *d) {
        if (d->bits)
                memset(d->bits, 0, (size_t) d->alloc * d->stride);
        d->rows = 0;
        d->black = false;
}

void paper_dots_end(struct paper_dots *d, unsigned rows) {
        if (rows < d->alloc)
                memset(d->bits + (size_t) rows * d->stride, 0, (size_t) (d->alloc - rows) * d->stride);
        d->rows = MIN(d->rows, rows);
}

static bool dots_grow(struct paper_dots *d, unsigned rows) {
        unsigned alloc = MAX(rows + 64, d->alloc * 2);
        uint8_t *bits;

        bits = realloc(d->bits, (size_t) alloc * d->stride);
        if (!bits)
                return false;
        memset(bits + (size_t) d->alloc * d->stride, 0, (size_t) (alloc - d->alloc) * d->stride);
        d->bits = bits;
        d->alloc = alloc;
        return true;
}

void paper_dots_set(struct paper_dots *d, unsigned x, unsigned y) {
        if (x >= d->width || y >= 2 * PAPER_ROWS_MAX)
                return;
        if (y >= d->alloc && !dots_grow(d, y + 1))
                return;
        d->bits[(size_t) y * d->stride + x / 8] |= 0x80 >> (x % 8);
        d->rows = MAX(d->rows, y + 1);
        d->black = true;
}

bool paper_dots_get(const struct paper_dots *d, unsigned x, unsigned y) {
        if (x >= d->width || y >= d->alloc || y >= d->rows)
                return false;
        return d->bits[(size_t) y * d->stride + x / 8] & (0x80 >> (x % 8));
}
