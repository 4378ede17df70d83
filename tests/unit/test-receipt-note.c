// SPDX-License-Identifier: LGPL-2.1-or-later
/* A text of the checkout's own: stored and read back, with a receipt's marks, and whole or said not to be. */
#include "test.h"

#include "receipt/escpos.h"
#include "receipt/note.h"

static char *text_of(const struct note *note, enum style_languages languages, const struct printer_profile *profile,
                     bool plain) {
        struct receipt_style style = *receipt_style_default();
        _cleanup_(page_freep) struct page *page = NULL;
        char *text;

        style.languages = languages;
        assert_int_equal(note_layout(note, &style, profile, plain, &page), 0);
        assert_int_equal(page->lines[page->n_lines - 1].type, PAGE_CUT);
        assert_int_equal(page_to_text(page, &text), 0);
        return text;
}

static void expect(const struct note *note, enum style_languages languages, const char *expected) {
        _cleanup_free_ char *text = text_of(note, languages, printer_profile_find("generic-58"), false);

        assert_string_equal(text, expected);
}

/* Live and not printed before, a text is nothing but itself. */
static void as_it_is(void **state) {
        expect(&(struct note){ .size = 1, .text = (char *) "Table 7\n\n  2 茶\n" }, STYLE_BOTH,
               "Table 7\n\n  2 茶\n\n");
}

/* The marks are those of receipts: in the style's languages, and as large as they fit. */
static void marks(void **state) {
        struct note note = { .mode = SLIP_TRAINING, .duplicate = true, .text = (char *) "tea" };

        note.reprint = 2;
        expect(&note, STYLE_ENGLISH,
               "            TRAINING    \n\n\n           DUPLICATED\n         REPRINT NO. 2\n\ntea\n\n            "
               "TRAINING    \n");
        note.reprint = 0;
        expect(&note, STYLE_CHINESE,
               "              训练      \n\n\n           重打印凭证\n\ntea\n\n              训练      \n");
        note.mode = SLIP_TEST;
        note.duplicate = false;
        expect(&note, STYLE_BOTH, "           测试 TEST    \n\ntea\n\n           测试 TEST    \n");
}

/* A style may want less than the printer has. */
static void narrow(void **state) {
        struct receipt_style style = *receipt_style_default();
        const struct note note = { .size = 1, .text = (char *) "1234567890123456789012345" };
        _cleanup_(page_freep) struct page *page = NULL;

        style.columns = 24;
        assert_int_equal(note_layout(&note, &style, printer_profile_default(), false, &page), 0);
        assert_int_equal(page->n_lines, 3);
        assert_string_equal(page->lines[0].text, "123456789012345678901234");
}

static const char missing[] = "PARTS OF THIS TEXT ARE MISSING";

/* What cannot be printed is left out, and the paper says so; what can stands where it stood. */
static void plain(void **state) {
        static const char text[] = "茶 TEA         12.00\n            =====\n茶\nCaf\xc3\xa9";
        const struct note note = { .mode = SLIP_TEST, .size = 1, .text = (char *) text };
        const struct printer_profile *latin = printer_profile_find("epson-80-latin");
        _cleanup_free_ char *shown = text_of(&note, STYLE_BOTH, latin, true);
        const struct note ascii = { .size = 1, .text = (char *) "   TEA\nCaf\xc3\xa9" };
        _cleanup_free_ char *whole = text_of(&ascii, STYLE_BOTH, latin, true);
        _cleanup_free_ char *drawn = text_of(&note, STYLE_BOTH, latin, false);
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t n;

        assert_non_null(strstr(shown, "\nTEA         12.00\n            =====\nCaf\xc3\xa9\n"));
        assert_non_null(strstr(shown, missing));
        assert_string_equal(whole, "   TEA\nCaf\xc3\xa9\n");
        assert_null(strstr(drawn, missing));
        assert_non_null(strstr(drawn, "茶"));
        assert_int_equal(note_layout(&note, receipt_style_default(), latin, true, &page), 0);
        assert_int_equal(page_to_escpos(page, latin, &bytes, &n), 0);
        assert_null(memchr(bytes, '?', n));
}

/* With a Chinese font, and nothing that draws: what the font lacks is said as well. */
static void no_font_has_it(void **state) {
        const struct note note = { .size = 1, .text = (char *) "茶 😀" };
        const struct note chinese = { .size = 1, .text = (char *) "茶" };
        struct printer_profile gbk = *printer_profile_find("epson-80");
        _cleanup_free_ char *shown = NULL, *whole = NULL;

        gbk.chinese = PRINTER_CHINESE_GBK;
        shown = text_of(&note, STYLE_BOTH, &gbk, true);
        whole = text_of(&chinese, STYLE_BOTH, &gbk, true);
        assert_non_null(strstr(shown, missing));
        assert_string_equal(whole, "茶\n");
}

static void stored(void **state) {
        static const char *const broken[] = {
                "tilld-text 1\nmode=live\nsize=normal\n",         "tilld-text 1\nmode=live\nsize=huge\n\nx",
                "tilld-text 1\nmode=lively\nsize=normal\n\nx",    "tilld-text 1\nsize=normal\nmode=live\n\nx",
                "tilld-text 1\nmode=live\nsize=normal\nx",        "tilld-text 1\nmode=live",
                "tilld-text 1\nmode=live\nsize=normal",           "tilld-text 1\nmode=live\nsize=normal\n\n",
                "tilld-text 2\nmode=live\nsize=normal\n\nx",      "tilld-text 1\nmode=\nsize=normal\n\nx",
                "tilld-text 1\nmode=live\nsize=normal\n\n\xff\n",
        };
        struct note read = {};

        for (enum slip_mode mode = 0; mode < _SLIP_MODE_MAX; mode++)
                for (unsigned size = 0; size < 3; size++) {
                        const struct note note = { .mode = mode, .size = size, .text = (char *) "a\n茶\n\nb" };
                        _cleanup_free_ char *blob = NULL;
                        size_t n;

                        assert_int_equal(note_to_blob(&note, &blob, &n), 0);
                        assert_true(note_is_one(blob, n));
                        assert_int_equal(note_from_blob(blob, n, &read), 0);
                        assert_int_equal(read.mode, mode);
                        assert_int_equal(read.size, size);
                        assert_string_equal(read.text, note.text);
                        note_done(&read);
                }
        for (size_t i = 0; i < ELEMENTSOF(broken); i++)
                if (note_from_blob(broken[i], strlen(broken[i]), &read) != -EBADMSG)
                        fail_msg("read: %s", broken[i]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(as_it_is), cmocka_unit_test(marks),          cmocka_unit_test(narrow),
                cmocka_unit_test(plain),    cmocka_unit_test(no_font_has_it), cmocka_unit_test(stored),
        };

        return cmocka_run_group_tests_name("receipt-note", tests, NULL, NULL);
}
