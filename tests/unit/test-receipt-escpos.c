// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bytes for printers: the commands, what a simulated printer makes of them. */
#include "test.h"

#include "paper/paper.h"
#include "receipt-sample.h"
#include "receipt/escpos.h"

static const struct page_line cut = { .type = PAGE_CUT };

static void assert_bytes(const struct page *page, const char *profile, const char *expected, size_t size) {
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t n;

        assert_int_equal(page_to_escpos(page, printer_profile_find(profile), &bytes, &n), 0);
        assert_int_equal(n, size);
        assert_memory_equal(bytes, expected, n);
}

#define ASSERT_BYTES(page, profile, expected) assert_bytes(page, profile, expected, sizeof(expected) - 1)

static void commands(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        ASSERT_BYTES(page, "epson-80", "\x1b@\x1bt\0\x1c&");
        ASSERT_BYTES(page, "generic-58", "\x1b@\x1bt\0\x1c&");
        ASSERT_BYTES(page, "epson-80-latin", "\x1b@\x1bt\0\x1c.");
        assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "中a¥" }), 0);
        assert_int_equal(page_add(page, &cut), 0);
        /* GB18030 of U+4E2D is D6D0, of U+FFE5 A3A4. */
        ASSERT_BYTES(page, "epson-80",
                     "\x1b@\x1bt\0\x1c&"
                     "\xd6\xd0"
                     "a"
                     "\xa3\xa4\n"
                     "\x1b"
                     "d\x01\x1dV\x42\0");
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\xd6\xd0"
                     "a"
                     "\xa3\xa4\n"
                     "\x1b"
                     "d\x04");
        ASSERT_BYTES(page, "epson-80-latin",
                     "\x1b@\x1bt\0\x1c."
                     "??a?\n"
                     "\x1b"
                     "d\x01\x1dV\x42\0");
}

static void styles(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(
                page_add(page,
                         &(struct page_line){
                                 .align = PAGE_CENTER, .width = 2, .height = 2, .bold = true, .text = (char *) "A" }),
                0);
        assert_int_equal(page_add(page, &(struct page_line){ .align = PAGE_CENTER, .text = (char *) "B" }), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .small = true, .text = (char *) "C" }), 0);
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1b"
                     "a\x01"
                     "\x1b!\x38"
                     "\x1d!\x11"
                     "\x1c!\x0c"
                     "A\n"
                     "\x1b!\0"
                     "\x1d!\0"
                     "\x1c!\0"
                     "B\n"
                     "\x1b"
                     "a\0"
                     "\x1b!\x01"
                     "\x1b"
                     "3\x16"
                     "C\n");
}

static void codes(void **state) {
        _cleanup_(page_freep) struct page *page = NULL, *digits = NULL, *odd = NULL;
        uint8_t *bytes;
        size_t n;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .type = PAGE_QR, .width = 4, .text = (char *) "abc" }),
                         0);
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1d(k\x04\0\x31\x41\x32\0"
                     "\x1d(k\x03\0\x31\x43\x04"
                     "\x1d(k\x03\0\x31\x45\x31"
                     "\x1d(k\x06\0\x31\x50\x30"
                     "abc"
                     "\x1d(k\x03\0\x31\x51\x30");
        assert_int_equal(page_to_escpos(page, printer_profile_default(), &bytes, &n), -EOPNOTSUPP);
        assert_int_equal(page_new(32, 42, &digits), 0);
        assert_int_equal(page_add(digits,
                                  &(struct page_line){
                                          .type = PAGE_BARCODE, .width = 2, .height = 80, .text = (char *) "0142" }),
                         0);
        ASSERT_BYTES(digits, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1dh\x50\x1dw\x02\x1dH\x02\x1d"
                     "f\0"
                     "\x1dk\x49\x04{C\x01\x2a");
        assert_int_equal(page_new(32, 42, &odd), 0);
        assert_int_equal(page_add(odd, &(struct page_line){ .type = PAGE_BARCODE, .text = (char *) "a{B" }), 0);
        assert_int_equal(page_to_escpos(odd, printer_profile_default(), &bytes, &n), -EINVAL);
}

/* Every text field tries to be a command; on paper nothing of it is one. */
static void no_injection(void **state) {
        static const char attack[] = "\x1b@\x1dV\x01\x10\x14\x01\n\x1bp";
        _cleanup_(page_freep) struct page *page = NULL, *clean = NULL;
        _cleanup_free_ uint8_t *bytes = NULL, *clean_bytes = NULL;
        struct slip slip = sample_slip(), harmless = sample_slip();
        size_t n, clean_n;

        slip.footer[0] = harmless.footer[0] = '\0';
        strcpy(slip.merchant_name, attack);
        strcpy(slip.message, attack);
        strcpy(slip.issuer, attack);
        strcpy(slip.preferred_name, attack);
        slip.paper = harmless.paper = SLIP_DECLINED;
        strcpy(harmless.merchant_name, "@Vp");
        strcpy(harmless.message, "@Vp");
        strcpy(harmless.issuer, "@Vp");
        strcpy(harmless.preferred_name, "@Vp");
        assert_int_equal(slip_layout(&slip, printer_profile_find("epson-80"), &page), 0);
        assert_int_equal(slip_layout(&harmless, printer_profile_find("epson-80"), &clean), 0);
        assert_int_equal(page_to_escpos(page, printer_profile_find("epson-80"), &bytes, &n), 0);
        assert_int_equal(page_to_escpos(clean, printer_profile_find("epson-80"), &clean_bytes, &clean_n), 0);
        assert_int_equal(n, clean_n);
        assert_memory_equal(bytes, clean_bytes, n);
}

struct replies {
        uint8_t data[256];
        size_t size;
};

static void collect(void *userdata, const void *data, size_t size) {
        struct replies *replies = userdata;

        assert_true(replies->size + size <= sizeof(replies->data));
        memcpy(replies->data + replies->size, data, size);
        replies->size += size;
}

/* Prints on the simulated printer, which was not written beside this encoder. */
static void print(const struct slip *slip, const char *profile_name, const struct paper_model *model) {
        const struct printer_profile *profile = printer_profile_find(profile_name);
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_free_ char *text = NULL;
        struct replies replies = {};
        struct paper *paper = NULL;
        size_t n, done = 0;
        const char *last;

        assert_int_equal(slip_layout(slip, profile, &page), 0);
        assert_int_equal(page_to_escpos(page, profile, &bytes, &n), 0);
        assert_int_equal(paper_new(model, collect, &replies, &paper), 0);
        for (int i = 0; i < 1000 && done < n; i++) {
                done += paper_write(paper, bytes + done, n - done);
                (void) paper_advance(paper, 100000);
        }
        assert_int_equal(done, n);
        for (int i = 0; i < 100; i++)
                (void) paper_advance(paper, 100000);
        if (paper_unknown(paper, &last) > 0)
                fail_msg("not understood: %s", last);
        if (profile->cutter)
                assert_int_equal(paper_sheets(paper), 1);
        assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &text), 0);
        /* Line by line what the text face says, blanks and centring aside. */
        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].type == PAGE_TEXT) {
                        const char *line = page->lines[i].text + strspn(page->lines[i].text, " ");
                        _cleanup_free_ char *trimmed = strdup(line);

                        assert_non_null(trimmed);
                        for (size_t l = strlen(trimmed); l > 0 && trimmed[l - 1] == ' '; l--)
                                trimmed[l - 1] = '\0';
                        if (!strstr(text, trimmed))
                                fail_msg("\"%s\" is not on the paper:\n%s", trimmed, text);
                }
        /* It asks for nothing: that is the device room's. */
        assert_int_equal(replies.size, 0);
        paper_free(paper);
}

static void printed(void **state) {
        for (enum slip_paper paper = 0; paper < _SLIP_PAPER_MAX; paper++) {
                struct slip slip = sample_slip();

                slip.paper = paper;
                slip.advice = SLIP_ADVICE_REVERSAL_PENDING;
                print(&slip, "epson-80", &paper_model_80mm);
                print(&slip, "epson-80-latin", &paper_model_80mm);
                print(&slip, "generic-80", &paper_model_80mm);
                print(&slip, "generic-58", &paper_model_58mm);
        }
}

static void profiles(void **state) {
        assert_string_equal(printer_profile_find_usb(0x04b8, 0x0e15)->name, "epson-80");
        assert_ptr_equal(printer_profile_find_usb(0x1234, 0x5678), printer_profile_default());
        assert_null(printer_profile_find("none"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(commands),     cmocka_unit_test(styles),  cmocka_unit_test(codes),
                cmocka_unit_test(no_injection), cmocka_unit_test(printed), cmocka_unit_test(profiles),
        };

        return cmocka_run_group_tests_name("receipt-escpos", tests, NULL, NULL);
}
