// SPDX-License-Identifier: LGPL-2.1-or-later
/* The stored form of a page: what is written is read, and nothing else is. */
#include "test.h"

#include "receipt/page-store.h"

#define HEAD "tilld-page 1\ndots 384\ncolumns 32\ncolumns-small 42\n"

static void add(struct page *page, struct page_line line) {
        assert_int_equal(page_add(page, &line), 0);
}

static struct page *sample(void) {
        struct page *page;

        assert_int_equal(page_new(32, 42, &page), 0);
        add(page, (struct page_line){ .text = (char *) "消费 \"SALE\"  ", .bold = true, .width = 2 });
        add(page, (struct page_line){ .text = (char *) "", .inverse = true, .align = PAGE_CENTER });
        add(page, (struct page_line){ .text = (char *) "small", .small = true, .bold = true, .inverse = true });
        add(page, (struct page_line){ .type = PAGE_RULE });
        add(page, (struct page_line){ .type = PAGE_QR, .width = 4, .align = PAGE_RIGHT, .text = (char *) "a b" });
        add(page, (struct page_line){ .type = PAGE_BARCODE, .width = 2, .height = 80, .text = (char *) "0142" });
        add(page, (struct page_line){ .type = PAGE_FEED, .height = 3 });
        add(page, (struct page_line){ .type = PAGE_LOGO, .align = PAGE_CENTER });
        add(page, (struct page_line){ .type = PAGE_CUT });
        return page;
}

static const char stored[] = HEAD "text left 2 1 b \"消费 \"SALE\"  \n"
                                  "text center 1 1 i \"\n"
                                  "text left 1 1 bsi \"small\n"
                                  "rule left 1 1 -\n"
                                  "qr right 4 1 r \"a b\n"
                                  "barcode left 2 80 - \"0142\n"
                                  "feed left 1 3 -\n"
                                  "logo center 1 1 r\n"
                                  "cut left 1 1 -\n";

static void written(void **state) {
        bool rasters[] = { false, false, false, false, true, false, false, true, false };
        _cleanup_(page_freep) struct page *page = sample();
        _cleanup_free_ char *blob = NULL;
        size_t size;

        assert_int_equal(page->n_lines, ELEMENTSOF(rasters));
        assert_int_equal(
                page_to_blob(&(struct stored_page){ .page = page, .dots = 384, .rasters = rasters }, &blob, &size), 0);
        assert_string_equal(blob, stored);
        assert_int_equal(size, strlen(stored));
}

static void read_again(void **state) {
        _cleanup_(stored_page_done) struct stored_page s = {};
        _cleanup_free_ char *again = NULL;
        size_t size;

        assert_int_equal(page_from_blob(stored, strlen(stored), &s), 0);
        assert_int_equal(s.dots, 384);
        assert_int_equal(s.page->columns, 32);
        assert_int_equal(s.page->columns_small, 42);
        assert_int_equal(s.page->n_lines, 9);
        assert_true(s.page->lines[2].small && s.page->lines[2].bold && s.page->lines[2].inverse);
        assert_string_equal(s.page->lines[0].text, "消费 \"SALE\"  ");
        assert_null(s.page->lines[3].text);
        assert_true(s.rasters[4] && s.rasters[7]);
        assert_false(s.rasters[0] || s.rasters[8]);
        assert_int_equal(page_to_blob(&s, &again, &size), 0);
        assert_string_equal(again, stored);
}

static void refused(void **state) {
        static const struct {
                const char *blob;
                int r;
        } cases[] = {
                { "", -EBADMSG },
                { "tilld-page 2\ndots 384\n", -EPROTONOSUPPORT },
                { "tilld-page 1x\n", -EPROTONOSUPPORT },
                { "tilld-page 1\n", -EBADMSG },
                { "tilld-page 1\ndots 384\ncolumns 32\n", -EBADMSG },
                { "tilld-page 1\ndots 0\ncolumns 32\ncolumns-small 42\n", -EBADMSG },
                { "tilld-page 1\ndots 1025\ncolumns 32\ncolumns-small 42\n", -EBADMSG },
                { "tilld-page 1\ndots 384\ncolumns 15\ncolumns-small 42\n", -EBADMSG },
                { "tilld-page 1\ndots 384\ncolumns 32\ncolumns-small 31\n", -EBADMSG },
                { "tilld-page 1\ndots 384\ncolumns 032\ncolumns-small 42\n", -EBADMSG },
                { "tilld-page 1\ndots 384\ncolumns-small 42\ncolumns 32\n", -EBADMSG },
                { HEAD "\n", -EBADMSG },
                { HEAD "cut left 1 1 -", -EBADMSG },        /* no end of the line */
                { HEAD "cut left 1 1\n", -EBADMSG },        /* no flags */
                { HEAD "cut left 1 1 - \"\n", -EBADMSG },   /* a text where there is none */
                { HEAD "text left 1 1 -\n", -EBADMSG },     /* none where there is one */
                { HEAD "text left 1 1 - a\n", -EBADMSG },   /* no quote */
                { HEAD "text left 1 1  \"a\n", -EBADMSG },  /* nothing between two blanks */
                { HEAD "text left 3 1 - \"a\n", -EBADMSG }, /* a size that a text cannot have */
                { HEAD "text left 0 1 - \"a\n", -EBADMSG },
                { HEAD "text left +1 1 - \"a\n", -EBADMSG },
                { HEAD "text left 256 1 - \"a\n", -EBADMSG },
                { HEAD "text left 1 1 sb \"a\n", -EBADMSG }, /* in another order */
                { HEAD "text left 1 1 bb \"a\n", -EBADMSG },
                { HEAD "text left 1 1 x \"a\n", -EBADMSG },
                { HEAD "text up 1 1 - \"a\n", -EBADMSG },
                { HEAD "picture left 1 1 - \"a\n", -EBADMSG },
                { HEAD "text left 1 1 s \"中\n", -EBADMSG }, /* Chinese in the small font */
                { HEAD "text left 1 1 - \"a\x1b@\n", -EBADMSG },
                { HEAD "text left 1 1 - \"\xff\n", -EBADMSG },
                { HEAD "text left 1 1 - \"123456789012345678901234567890123\n", -EBADMSG },
                { HEAD "text left 2 1 - \"12345678901234567\n", -EBADMSG },
        };
        _cleanup_(stored_page_done) struct stored_page s = {};

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                int r = page_from_blob(cases[i].blob, strlen(cases[i].blob), &s);

                if (r != cases[i].r)
                        fail_msg("%d, not %d, for:\n%s", r, cases[i].r, cases[i].blob);
        }
        /* The whole of it, to its last byte. */
        assert_int_equal(page_from_blob(stored, sizeof(stored), &s), -EBADMSG);
        assert_int_equal(page_from_blob(stored, PAGE_BLOB_MAX + 1, &s), -E2BIG);
        assert_null(s.page);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(written),
                cmocka_unit_test(read_again),
                cmocka_unit_test(refused),
        };

        return cmocka_run_group_tests_name("receipt-page-store", tests, NULL, NULL);
}
