// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-render/logo.h"

#include <png.h>

#include "receipt/page.h"

/* Grey, 0 is black. */
struct picture {
        unsigned width, height;
        uint8_t *pixels;
};

static void picture_done(struct picture *p) {
        free(p->pixels);
}

static int file_read(int fd, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *data = malloc(PAGE_LOGO_FILE_MAX + 1);
        size_t size = 0;

        if (!data)
                return -ENOMEM;
        for (;;) {
                ssize_t n = pread(fd, data + size, PAGE_LOGO_FILE_MAX + 1 - size, (off_t) size);

                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += (size_t) n;
                if (size > PAGE_LOGO_FILE_MAX)
                        return -E2BIG;
        }
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* On white paper. */
static int picture_read(int fd, struct picture *ret) {
        png_image image = { .version = PNG_IMAGE_VERSION };
        _cleanup_free_ uint8_t *data = NULL, *pixels = NULL;
        png_color white = { 255, 255, 255 };
        size_t size = 0;
        int r;

        r = file_read(fd, &data, &size);
        if (r < 0)
                return r;
        if (!png_image_begin_read_from_memory(&image, data, size))
                return -EBADMSG;
        r = image.width > PAGE_LOGO_SIDE_MAX || image.height > PAGE_LOGO_SIDE_MAX ? -E2BIG : 0;
        if (r >= 0) {
                image.format = PNG_FORMAT_GRAY;
                pixels = malloc(PNG_IMAGE_SIZE(image));
                r = !pixels ? -ENOMEM : png_image_finish_read(&image, &white, pixels, 0, NULL) ? 0 : -EBADMSG;
        }
        png_image_free(&image);
        if (r < 0)
                return r;
        *ret = (struct picture){ image.width, image.height, TAKE_PTR(pixels) };
        return 0;
}

/* The mean of what falls into a dot; of what is made larger, the pixel. */
static uint8_t mean(const struct picture *p, unsigned x0, unsigned x1, unsigned y0, unsigned y1) {
        unsigned long sum = 0;

        x1 = MAX(x1, x0 + 1);
        y1 = MAX(y1, y0 + 1);
        for (unsigned y = y0; y < y1; y++)
                for (unsigned x = x0; x < x1; x++)
                        sum += p->pixels[(size_t) y * p->width + x];
        return (uint8_t) (sum / ((unsigned long) (x1 - x0) * (y1 - y0)));
}

static int picture_scale(const struct picture *p, unsigned width, unsigned height, struct picture *ret) {
        uint8_t *pixels = malloc((size_t) width * height);

        if (!pixels)
                return -ENOMEM;
        for (unsigned y = 0; y < height; y++)
                for (unsigned x = 0; x < width; x++)
                        pixels[(size_t) y * width + x] = mean(p, x * p->width / width, (x + 1) * p->width / width,
                                                              y * p->height / height, (y + 1) * p->height / height);
        *ret = (struct picture){ width, height, pixels };
        return 0;
}

static void fit(const struct picture *p, unsigned width, unsigned scale, unsigned *ret_width, unsigned *ret_height) {
        unsigned w = p->width * scale, h = p->height * scale;

        if (w > width) {
                h = h * width / w;
                w = width;
        }
        if (h > PAGE_LOGO_ROWS_MAX) {
                w = w * PAGE_LOGO_ROWS_MAX / h;
                h = PAGE_LOGO_ROWS_MAX;
        }
        *ret_width = MAX(w, 1U);
        *ret_height = MAX(h, 1U);
}

/*
 * Each dot's error goes to those that come after it, by sevenths, threes, fives and ones of sixteen (Floyd and
 * Steinberg, "An adaptive algorithm for spatial grey scale", 1976).
 */
static int dither(const struct picture *p, struct raster *to) {
        _cleanup_free_ int *errors = calloc(2 * ((size_t) p->width + 2), sizeof(*errors));
        int *here = errors, *below = errors + p->width + 2;

        if (!errors)
                return -ENOMEM;
        for (unsigned y = 0; y < p->height; y++) {
                int *swap = here;

                for (unsigned x = 0; x < p->width; x++) {
                        int grey = p->pixels[(size_t) y * p->width + x] + here[x + 1] / 16;
                        int error = grey < 128 ? grey : grey - 255;

                        if (grey < 128)
                                raster_set(to, x, y);
                        here[x + 2] += error * 7;
                        below[x] += error * 3;
                        below[x + 1] += error * 5;
                        below[x + 2] += error;
                }
                here = below;
                below = swap;
                memset(below, 0, sizeof(*below) * ((size_t) p->width + 2));
        }
        return 0;
}

int logo_read(int fd, unsigned width, unsigned scale, struct raster **ret) {
        _cleanup_(picture_done) struct picture picture = {}, scaled = {};
        _cleanup_(raster_freep) struct raster *raster = NULL;
        unsigned w, h;
        int r;

        r = picture_read(fd, &picture);
        if (r < 0)
                return r;
        fit(&picture, width, scale, &w, &h);
        r = picture_scale(&picture, w, h, &scaled);
        if (r < 0)
                return r;
        r = raster_new(w, h, &raster);
        if (r < 0)
                return r;
        r = dither(&scaled, raster);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(raster);
        return 0;
}
