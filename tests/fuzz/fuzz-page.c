// SPDX-License-Identifier: LGPL-2.1-or-later
/* A stored page is refused, or is written again as it came, fits its paper and holds no command. */

#include "receipt/escpos.h"
#include "receipt/page-store.h"
#include "base/unicode.h"
#include "tests/fuzz/fuzz.h"

static void check_line(const struct page *page, const struct page_line *line) {
        const char *text = strempty(line->text);
        unsigned columns = line->small ? page->columns_small : page->columns;
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                check(!unicode_is_control(c));
        if (line->type == PAGE_TEXT)
                check(page_text_width(line->text) * line->width <= columns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(stored_page_done) struct stored_page s = {};
        _cleanup_free_ char *again = NULL;
        size_t n;

        if (page_from_blob(data, size, &s) < 0)
                return 0;
        check(page_to_blob(&s, &again, &n) >= 0 && n == size && memcmp(again, data, n) == 0);
        for (size_t i = 0; i < s.page->n_lines; i++)
                check_line(s.page, &s.page->lines[i]);
        return 0;
}
