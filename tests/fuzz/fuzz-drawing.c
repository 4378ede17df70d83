// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every stored page can be drawn, with any file for a logo, and tilld takes what till-render makes of it. */

#include "base/sealed-file.h"
#include "helpers/till-render/draw.h"
#include "receipt/render-claim.h"
#include "tests/fuzz/fuzz.h"

/* What fontconfig has found it keeps until the process ends, and by then knows no more where. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
        return "leak:libfontconfig\n";
}

/* A page, then, behind a NUL, the logo. */
static size_t page_size(const uint8_t *data, size_t size) {
        const uint8_t *end = memchr(data, 0, size);

        return end ? (size_t) (end - data) : size;
}

static void try_face(const struct drawing *d, struct fonts *fonts, enum render_face face) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0;
        int r;
        FILE *f = open_memstream(&data, &size);

        check(f);
        r = draw(d, fonts, face, f);
        check(fclose(f) == 0);
        if (r == -EFBIG)
                return;
        check(r >= 0);
        check(render_claim_take(&d->stored, face, (const uint8_t *) data, size) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct fonts *fonts;
        _cleanup_(stored_page_done) struct stored_page stored = {};
        _cleanup_close_ int logo = -EBADF;
        size_t n = page_size(data, size);

        if (!fonts)
                check(fonts_new(&fonts) >= 0);
        if (page_from_blob(data, n, &stored) < 0)
                return 0;
        if (n < size) {
                logo = sealed_file_new("logo", data + n + 1, size - n - 1);
                check(logo >= 0);
        }
        for (enum render_face face = 0; face < _RENDER_FACE_MAX; face++)
                try_face(&(struct drawing){ .stored = stored, .logo_fd = logo }, fonts, face);
        return 0;
}
