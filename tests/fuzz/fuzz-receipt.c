// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A stored slip is refused or can be laid out for every printer and stored again; a text of any bytes fits its
 * lines and brings no command into the stream.
 */

#include "receipt/escpos.h"
#include "receipt/style.h"
#include "tests/fuzz/fuzz.h"

static const char *const profiles[] = { "epson-80", "epson-80-latin", "generic-80", "generic-58" };

static void show(const struct page *page, const struct printer_profile *profile) {
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_free_ char *text = NULL;
        size_t n;

        if (page_to_text(page, &text) < 0)
                abort();
        for (const char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 && *p != '\n')
                        abort();
        (void) page_to_escpos(page, profile, &bytes, &n);
}

static void try_slip(const uint8_t *data, size_t size) {
        _cleanup_free_ char *blob = NULL;
        _cleanup_(slip_done) struct slip slip;
        size_t n;

        slip_init(&slip);
        if (slip_from_blob(data, size, &slip) < 0)
                return;
        if (slip_to_blob(&slip, &blob, &n) < 0)
                abort();
        for (size_t i = 0; i < ELEMENTSOF(profiles); i++) {
                const struct printer_profile *profile = printer_profile_find(profiles[i]);
                _cleanup_(page_freep) struct page *page = NULL;

                if (slip_layout(&slip, receipt_style_default(), profile, &page) >= 0)
                        show(page, profile);
        }
}

static void try_text(const uint8_t *data, size_t size) {
        const struct printer_profile *profile = printer_profile_find("generic-58");
        _cleanup_(page_freep) struct page *page = NULL;
        struct page_line line = { .width = data[0] & 3, .height = data[0] >> 2 & 3, .small = data[0] & 16 };
        _cleanup_free_ char *text = strndup((const char *) data + 1, size - 1);

        if (!text || page_new(profile->columns, profile->columns_small, &page) < 0)
                return;
        line.text = text;
        if (page_add(page, &line) < 0 || page_add_pair(page, "label", text, &line) < 0)
                return;
        for (size_t i = 0; i < page->n_lines; i++)
                if (page_text_width(page->lines[i].text) * page->lines[i].width >
                    (page->lines[i].small ? page->columns_small : page->columns))
                        abort();
        show(page, profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        if (size == 0)
                return 0;
        try_slip(data, size);
        try_text(data, size);
        return 0;
}
