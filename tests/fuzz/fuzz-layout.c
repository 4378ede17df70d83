// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A layout file is refused with a reason, or its papers can be laid out: they fit, hold no command, and say what they
 * must: that they are no live ones, that they were printed before, and how much was paid.
 */

#include <unistd.h>

#include "receipt/style-file.h"
#include "base/unicode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/receipt-sample.h"

static char directory[] = "/tmp/fuzz-layout-XXXXXX";

static void remove_directory(void) {
        (void) rmdir(directory);
}

static void write_file(const char *path, const uint8_t *data, size_t size) {
        FILE *f = fopen(path, "we");

        check(f && fwrite(data, 1, size, f) == size);
        check(fclose(f) == 0);
}

static void on_fault(const char *path, unsigned line, const char *reason, void *userdata) {
        check(*reason != '\0');
        *(bool *) userdata = true;
}

static void check_line(const struct page *page, const struct page_line *line) {
        const char *text = strempty(line->text);
        uint32_t c;

        while ((c = unicode_next(&text)) != 0)
                check(!unicode_is_control(c));
        if (line->type == PAGE_TEXT)
                check(page_text_width(line->text) * line->width <=
                      (line->small ? page->columns_small : page->columns));
}

static bool says(const struct page *page, const char *zh, const char *en) {
        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].text && (strstr(page->lines[i].text, zh) || strstr(page->lines[i].text, en)))
                        return true;
        return false;
}

static void try_paper(const struct receipt_style *style, enum slip_paper paper, const char *profile) {
        _cleanup_(slip_done) struct slip slip = sample_paper(paper);
        _cleanup_(page_freep) struct page *page = NULL;

        slip.duplicate = true;
        check(slip_layout(&slip, style, printer_profile_find(profile), &page) >= 0);
        for (size_t i = 0; i < page->n_lines; i++)
                check_line(page, &page->lines[i]);
        check(says(page, "测试", "TEST"));
        check(says(page, "重打印凭证", "DUPLICATED"));
        check(paper > SLIP_NOT_COMPLETED || says(page, "128.50", "128.50"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        static bool made;
        bool faulty = false;
        char path[64];
        int r;

        if (!made) {
                check(!!mkdtemp(directory));
                (void) atexit(remove_directory);
                made = true;
        }
        (void) snprintf(path, sizeof(path), "%s/a.conf", directory);
        write_file(path, data, size);
        r = receipt_style_read((const char *const[]){ directory, NULL }, on_fault, &faulty, &style);
        check(unlink(path) == 0);
        check(r == -EINVAL ? faulty : r == 0 && !faulty);
        if (r < 0)
                return 0;
        for (unsigned i = 0; i < _SLIP_PAPER_MAX; i++) {
                try_paper(style, (enum slip_paper) i, "epson-80");
                try_paper(style, (enum slip_paper) i, "generic-58");
        }
        return 0;
}
