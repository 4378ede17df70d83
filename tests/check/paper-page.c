// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * paper-page PROFILE [CHARSET-NUMBER:CHARSET] - writes the ESC/POS bytes of the page on standard input, in its stored
 * form (receipt/page-store.h). A line that is flagged for a raster gets a small pattern; a page of no line is a
 * drawer's pulse.
 */

#include "base/log.h"
#include "receipt/escpos.h"
#include "receipt/page-store.h"

#define PATTERN_WIDTH 48
#define PATTERN_HEIGHT 40

static int add_pattern(struct page_line *line, unsigned dots) {
        int r;

        r = raster_new(dots, PATTERN_HEIGHT, &line->raster);
        if (r < 0)
                return r;
        for (unsigned y = 0; y < PATTERN_HEIGHT; y++)
                for (unsigned x = 0; x < PATTERN_WIDTH; x++)
                        if ((x * 7 + y * 13) % 11 < 4)
                                line->raster->bits[y * raster_stride(line->raster) + x / 8] |= 0x80 >> x % 8;
        return 0;
}

static int encode(const struct stored_page *s, const struct printer_profile *profile) {
        uint8_t pulse[DRAWER_PULSE_SIZE];
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t n;
        int r;

        if (s->page->n_lines == 0) {
                n = drawer_to_escpos(profile, pulse);
                return fwrite(pulse, 1, n, stdout) == n ? 0 : -EIO;
        }
        for (size_t i = 0; i < s->page->n_lines; i++) {
                if (!s->rasters || !s->rasters[i])
                        continue;
                r = add_pattern(&s->page->lines[i], profile->dots);
                if (r < 0)
                        return r;
        }
        r = page_to_escpos(s->page, profile, &bytes, &n);
        if (r < 0)
                return r;
        return fwrite(bytes, 1, n, stdout) == n ? 0 : -EIO;
}

int main(int argc, char **argv) {
        const struct printer_profile *found = argc > 1 ? printer_profile_find(argv[1]) : NULL;
        _cleanup_(stored_page_done) struct stored_page s = {};
        struct printer_profile profile;
        char blob[65536];
        int r;

        if (!found) {
                fprintf(stderr, "usage: paper-page PROFILE [NUMBER:CHARSET] <PAGE\n");
                return 2;
        }
        profile = *found;
        if (argc > 2 && printer_profile_set(&profile, "TILL_PRINTER_CODE_PAGE", argv[2]))
                return 2;
        r = page_from_blob(blob, fread(blob, 1, sizeof(blob), stdin), &s);
        if (r >= 0)
                r = encode(&s, &profile);
        if (r < 0) {
                log_error_errno(r, "No bytes for the page");
                return 1;
        }
        return 0;
}
