// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lines: widths, breaking, cleaning. */
#include "test.h"

#include <iconv.h>

#include "receipt/page.h"
#include "base/unicode.h"

static void widths(void **state) {
        assert_int_equal(page_text_width(""), 0);
        assert_int_equal(page_text_width("abc"), 3);
        assert_int_equal(page_text_width("金额 AMOUNT"), 11);
        assert_int_equal(page_text_width("Ａ（）￥"), 8);
        assert_int_equal(page_text_width("e\xcc\x81"), 1);
        assert_int_equal(page_text_width("“”"), 4);
        assert_int_equal(page_text_width("한글"), 4);
        assert_int_equal(page_text_width("\xf0\xa0\x80\x80"), 2);
        assert_int_equal(page_text_width("\xff"), 2);
}

/* What iconv puts into two bytes a printer draws two columns wide. */
static void widths_agree_with_gb18030(void **state) {
        iconv_t gb = iconv_open("GB18030", "UTF-8");
        unsigned n = 0;

        assert_true(gb != (iconv_t) -1);
        for (uint32_t c = 0x80; c < 0x10000; c++) {
                char in[4], out[8], *p = in, *q = out;
                size_t l, left = sizeof(out);

                if (unicode_is_control(c))
                        continue;
                l = unicode_put(c, in);
                if (iconv(gb, &p, &l, &q, &left) != 0 || sizeof(out) - left != 2)
                        continue;
                if (unicode_width(c) != 2)
                        fail_msg("U+%04X is %u wide", c, unicode_width(c));
                n++;
        }
        assert_true(n > 20000);
        (void) iconv_close(gb);
}

static void utf8(void **state) {
        static const char *const broken[] = {
                "\x80",     "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80",
                "\xe4\xb8", "\xc3"
        };
        char bytes[5];

        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                const char *p = broken[i];

                assert_int_equal(unicode_next(&p), 0xfffd);
                assert_true(p > broken[i] && p <= broken[i] + strlen(broken[i]));
        }
        for (uint32_t c = 1; c < 0x110000; c++) {
                const char *p = bytes;

                if (c >= 0xd800 && c < 0xe000)
                        continue;
                bytes[unicode_put(c, bytes)] = '\0';
                assert_int_equal(unicode_next(&p), c);
                assert_int_equal(*p, 0);
        }
}

static void cleaning(void **state) {
        static const struct {
                const char *dirty, *clean;
        } cases[] = {
                { "plain", "plain" },
                { "a\x1b@b\x1dV\x01", "a@bV" },
                { "a\nb\tc\rd\x7f", "ab cd" },
                { "a\xc2\x9b"
                  "b",
                  "ab" }, /* CSI of C1 */
                { "a\xe2\x80\xae"
                  "b",
                  "ab" }, /* right-to-left override */
                { "a\xe2\x80\xa8"
                  "b",
                  "ab" }, /* line separator */
                { "a\xef\xbb\xbf"
                  "b",
                  "ab" }, /* byte order mark */
                { "a\xff"
                  "b",
                  "a\xef\xbf\xbd"
                  "b" },
                { "中\xe4\xb8", "中\xef\xbf\xbd" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *clean = page_text_clean(cases[i].dirty);

                assert_string_equal(clean, cases[i].clean);
        }
}

static char *lay(unsigned columns, const struct page_line *line) {
        _cleanup_(page_freep) struct page *page = NULL;
        char *text;

        assert_int_equal(page_new(columns, columns * 4 / 3, &page), 0);
        assert_int_equal(page_add(page, line), 0);
        for (size_t i = 0; i < page->n_lines; i++)
                assert_true(page_text_width(page->lines[i].text) * page->lines[i].width <=
                            (page->lines[i].small ? page->columns_small : page->columns));
        assert_int_equal(page_to_text(page, &text), 0);
        return text;
}

static void breaking(void **state) {
        static const struct {
                const char *text, *lines;
        } cases[] = {
                { "", "\n" },
                { "0123456789abcdef", "0123456789abcdef\n" },
                { "0123456789abcdefg", "0123456789abcdef\ng\n" },
                { "the quick brown fox jumps", "the quick brown\nfox jumps\n" },
                { "exactly sixteen. next", "exactly sixteen.\nnext\n" },
                { "word    0123456789abcdef", "word\n0123456789abcdef\n" },
                { "一二三四五六七八九", "一二三四五六七八\n九\n" },
                { "a一二三四五六七八九", "a一二三四五六七\n八九\n" },
                { "一二三四五六七八。九", "一二三四五六七\n八。九\n" },
                { "中文 and English mixed", "中文 and English\nmixed\n" },
                /* At a pause where the rest has room, the last such; else as far as it goes. */
                { "一二三四，五六七八九", "一二三四，\n五六七八九\n" },
                { "一二。三四，五六七八九", "一二。三四，\n五六七八九\n" },
                { "一，二三四五六七八九十一", "一，二三四五六七\n八九十一\n" },
                { "好邻居便利店（南京西路店）", "好邻居便利店\n（南京西路店）\n" },
                { "一二三四（五六", "一二三四（五六\n" },
                { "一二三四， 五六七八九", "一二三四，\n五六七八九\n" },
                { "一二三四，  1234567890123456", "一二三四，\n1234567890123456\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = lay(16, &(struct page_line){ .text = (char *) cases[i].text });

                assert_string_equal(text, cases[i].lines);
        }
}

static void sizes_and_sides(void **state) {
        char *text;

        text = lay(16, &(struct page_line){ .width = 2,
                                            .text = (char *) "12345678"
                                                             "9" });
        assert_string_equal(text, "12345678\n9\n");
        free(text);
        text = lay(16, &(struct page_line){ .small = true, .text = (char *) "0123456789abcdefghijkl" });
        assert_string_equal(text, "0123456789abcdefghijk\nl\n");
        free(text);
        text = lay(16, &(struct page_line){ .small = true, .text = (char *) "中文0123456789abc" });
        assert_string_equal(text, "中文\n0123456789abc\n");
        free(text);
        text = lay(16, &(struct page_line){ .align = PAGE_CENTER, .text = (char *) "金额" });
        assert_string_equal(text, "      金额\n");
        free(text);
        text = lay(16, &(struct page_line){ .align = PAGE_RIGHT, .text = (char *) "金额" });
        assert_string_equal(text, "            金额\n");
        free(text);
}

static void pairs(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ char *text = NULL;
        const struct page_line style = {};

        assert_int_equal(page_new(16, 21, &page), 0);
        assert_int_equal(page_add_pair(page, "批次号", "000017", &style), 0);
        assert_int_equal(page_add_pair(page, "123456789", "123456", &style), 0);
        assert_int_equal(page_add_pair(page, "123456789", "1234567", &style), 0);
        assert_int_equal(page_add_pair(page, "k", "\x1bv", &style), 0);
        assert_int_equal(page_to_text(page, &text), 0);
        assert_string_equal(text, "批次号    000017\n"
                                  "123456789 123456\n"
                                  "123456789\n"
                                  "         1234567\n"
                                  "k              v\n");
}

/* However wide and odd: it ends, and no line is too wide. */
static void random_texts(void **state) {
        static const char *const parts[] = { "a",    " ",    "  ", "中",        "，",   "。",
                                             "\xff", "word", "\n", "e\xcc\x81", "\x1b@" };
        unsigned seed = 1;

        for (int i = 0; i < 5000; i++) {
                char input[256] = "", *text;
                struct page_line line = { .text = input,
                                          .width = (uint8_t) (rand_r(&seed) % 4),
                                          .small = rand_r(&seed) % 2 == 0,
                                          .align = (enum page_align)(rand_r(&seed) % 3) };

                for (int k = rand_r(&seed) % 60; k > 0; k--)
                        strcat(input, parts[(size_t) rand_r(&seed) % ELEMENTSOF(parts)]);
                text = lay(16 + (unsigned) rand_r(&seed) % 32, &line);
                for (const char *p = text; *p; p++)
                        assert_true(*p == '\n' || (unsigned char) *p >= 0x20);
                free(text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(widths),   cmocka_unit_test(widths_agree_with_gb18030),
                cmocka_unit_test(utf8),     cmocka_unit_test(cleaning),
                cmocka_unit_test(breaking), cmocka_unit_test(sizes_and_sides),
                cmocka_unit_test(pairs),    cmocka_unit_test(random_texts),
        };

        return cmocka_run_group_tests_name("receipt-page", tests, NULL, NULL);
}
