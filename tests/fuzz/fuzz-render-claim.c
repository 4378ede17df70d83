// SPDX-License-Identifier: LGPL-2.1-or-later
/* Whatever till-render answers, tilld refuses it or has rasters of the paper's width and a text without commands. */

#include "receipt/render-claim.h"
#include "tests/fuzz/fuzz.h"

static const char stored[] = "tilld-page 1\ndots 44\ncolumns 16\ncolumns-small 16\n"
                             "text left 1 1 - \"a\n"
                             "text left 1 1 r \"b\n"
                             "logo left 1 1 r\n"
                             "text left 1 1 r \"c\n";

static void check_rasters(const struct page *page, bool taken) {
        for (size_t i = 0; i < page->n_lines; i++) {
                const struct raster *raster = page->lines[i].raster;

                check(!raster || (taken && i > 0 && raster->width == 44 && raster->height <= RASTER_HEIGHT_MAX));
                check(raster || !taken || i == 0 || i == 2);
        }
}

/* Of control characters it has lines and styles. */
static void check_text(const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                check(data[i] >= ' ' || data[i] == '\n' || (data[i] == '\033' && i + 1 < size && data[i + 1] == '['));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(stored_page_done) struct stored_page s = {};

        check(page_from_blob(stored, strlen(stored), &s) >= 0);
        check_rasters(s.page, render_claim_take(&s, RENDER_RASTER, data, size) >= 0);
        if (render_claim_take(&s, RENDER_TERMINAL, data, size) >= 0)
                check_text(data, size);
        (void) render_claim_take(&s, RENDER_PNG, data, size);
        (void) render_claim_take(&s, RENDER_PDF, data, size);
        return 0;
}
