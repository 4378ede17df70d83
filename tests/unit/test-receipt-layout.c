// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every paper in every language and width: it fits, says what it must, and holds nothing but text. */
#include "test.h"

#include "receipt-sample.h"
#include "receipt/fields.h"
#include "base/unicode.h"

static const unsigned widths[][2] = { { 32, 42 }, { 42, 56 }, { 48, 64 } };

static struct printer_profile profile_of(const unsigned columns[2]) {
        struct printer_profile profile = *printer_profile_find("epson-80");

        profile.columns = columns[0];
        profile.columns_small = columns[1];
        profile.dots = columns[0] * 12;
        return profile;
}

static struct page *lay_out(const struct slip *slip, enum style_languages languages, const unsigned columns[2]) {
        struct receipt_style style = *receipt_style_default();
        struct printer_profile profile = profile_of(columns);
        struct page *page = NULL;
        int r;

        style.languages = languages;
        style.header = (char *) "Header 店 {merchant-name}";
        style.footer = (char *) "Footer 店 {reference}";
        r = slip_layout(slip, &style, &profile, &page);
        if (r < 0)
                fail_msg("%s at %u columns: %d", slip_paper_to_string(slip->paper), columns[0], r);
        return page;
}

static char *text_of(const struct slip *slip, enum style_languages languages, const unsigned columns[2]) {
        _cleanup_(page_freep) struct page *page = lay_out(slip, languages, columns);
        char *text;

        assert_int_equal(page_to_text(page, &text), 0);
        return text;
}

static void assert_fits(const struct page *page) {
        for (size_t i = 0; i < page->n_lines; i++) {
                const struct page_line *line = &page->lines[i];
                const char *text = strempty(line->text);
                size_t columns = line->small ? page->columns_small : page->columns;
                uint32_t c;

                if (line->type == PAGE_TEXT && page_text_width(text) * line->width > columns)
                        fail_msg("wider than %zu columns: %s", columns, text);
                while ((c = unicode_next(&text)) != 0)
                        if (unicode_is_control(c))
                                fail_msg("U+%04X in: %s", c, line->text);
        }
}

static void every_paper(void **state) {
        static const char *const modes[_SLIP_MODE_MAX][2] = { { "", "" }, { "测试", "TEST" }, { "训练", "TRAINING" } };

        for (unsigned p = 0; p < _SLIP_PAPER_MAX; p++)
                for (unsigned l = 0; l < _STYLE_LANGUAGES_MAX; l++)
                        for (unsigned w = 0; w < ELEMENTSOF(widths); w++)
                                for (unsigned m = 0; m < _SLIP_MODE_MAX; m++) {
                                        _cleanup_(slip_done) struct slip slip = sample_paper((enum slip_paper) p);
                                        _cleanup_(page_freep) struct page *page = NULL;
                                        _cleanup_free_ char *text = NULL;
                                        bool zh = l != STYLE_ENGLISH, en = l != STYLE_CHINESE;

                                        slip.mode = (enum slip_mode) m;
                                        slip.duplicate = true;
                                        page = lay_out(&slip, (enum style_languages) l, widths[w]);
                                        assert_fits(page);
                                        assert_int_equal(page_to_text(page, &text), 0);
                                        assert_int_equal(!!strstr(text, "重打印凭证"), zh || p == SLIP_TEST_PAGE);
                                        assert_int_equal(!!strstr(text, "DUPLICATED"), en);
                                        assert_true(!zh || strstr(text, modes[m][0]));
                                        assert_true(!en || strstr(text, modes[m][1]));
                                        assert_non_null(strstr(text, "ooter 店"));
                                        assert_int_equal(page->lines[page->n_lines - 1].type, PAGE_CUT);
                                }
}

/* Only what the shop calls itself, its banks and its messages are in the other language. */
static void one_language(void **state) {
        for (unsigned p = 0; p < SLIP_TEST_PAGE; p++)
                for (unsigned w = 0; w < ELEMENTSOF(widths); w++) {
                        _cleanup_(slip_done) struct slip slip = sample_paper((enum slip_paper) p);
                        _cleanup_free_ char *english = NULL, *chinese = NULL;

                        strcpy(slip.merchant_name, "");
                        strcpy(slip.issuer, "");
                        strcpy(slip.acquirer, "");
                        strcpy(slip.preferred_name, "");
                        strcpy(slip.message, "");
                        strcpy(slip.note, "");
                        english = text_of(&slip, STYLE_ENGLISH, widths[w]);
                        for (char *c = english, *shop; *c; c++) {
                                if ((shop = strstr(c, "店")) == c)
                                        c += strlen("店");
                                if ((unsigned char) *c >= 0x80)
                                        fail_msg("Chinese in:\n%s", english);
                        }
                        chinese = text_of(&slip, STYLE_CHINESE, widths[w]);
                        for (unsigned f = 0; f < _FIELD_NAME_MAX; f++) {
                                const struct phrase *label = field_label((enum field_name) f);

                                if (!streq(label->zh, label->en) && strstr(chinese, label->en))
                                        fail_msg("%s in:\n%s", label->en, chinese);
                        }
                }
}

/* Whatever bytes a text has, of the slip or of a row. */
static void nothing_but_text(void **state) {
        static const char hostile[] = "\x1b@\x1d!\x10\x04\x01\t\r\n\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8\xff\xfe";
        static const size_t texts[][2] = {
#define TEXT(m) { offsetof(struct slip, m), sizeof(((struct slip *) 0)->m) }
                TEXT(merchant_name),
                TEXT(merchant),
                TEXT(terminal),
                TEXT(operator_id),
                TEXT(approver),
                TEXT(issuer),
                TEXT(acquirer),
                TEXT(masked_pan),
                TEXT(kind),
                TEXT(authorization_code),
                TEXT(rrn),
                TEXT(reference),
                TEXT(cryptogram),
                TEXT(cryptogram_kind),
                TEXT(tvr),
                TEXT(aid),
                TEXT(tsi),
                TEXT(atc),
                TEXT(label),
                TEXT(preferred_name),
                TEXT(aip),
                TEXT(iad),
                TEXT(terminal_capabilities),
                TEXT(response_code),
                TEXT(message),
                TEXT(note),
#undef TEXT
        };

        for (unsigned p = 0; p < _SLIP_PAPER_MAX; p++)
                for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                        _cleanup_(slip_done) struct slip slip = sample_paper((enum slip_paper) p);
                        _cleanup_(page_freep) struct page *page = NULL;
                        size_t n = MIN(sizeof(hostile) - 1, texts[i][1] - 1);

                        memcpy((char *) &slip + texts[i][0], hostile, n);
                        ((char *) &slip)[texts[i][0] + n] = '\0';
                        slip.reconciliation = SLIP_BY_AGREEMENT;
                        page = lay_out(&slip, STYLE_BOTH, widths[0]);
                        assert_fits(page);
                }
        {
                _cleanup_(slip_done) struct slip slip = sample_slip();
                _cleanup_(page_freep) struct page *page = NULL;

                slip.paper = SLIP_DIAGNOSTICS;
                assert_int_equal(slip_add_title(&slip, hostile), 0);
                assert_int_equal(slip_add_pair(&slip, hostile, hostile), 0);
                page = lay_out(&slip, STYLE_BOTH, widths[0]);
                assert_fits(page);
        }
}

static void widths_of_characters(void **state) {
        static const struct {
                const char *text;
                size_t width;
        } cases[] = {
                { "ABC", 3 },
                { "中文", 4 },
                { "ＡＢ１", 6 }, /* full-width forms */
                { "ｱｲ", 2 },     /* half-width ones */
                { "한글", 4 },
                { "ひらカタ", 8 },
                { "e\xcc\x81", 1 },      /* a combining acute */
                { "か\xe3\x82\x99", 2 }, /* a combining voiced mark */
                { "😀", 2 },
                { "🧾🇨🇳", 6 },
                { "\xf0\xa0\xae\xb7", 2 }, /* U+20BB7 */
                { "a\xe2\x80\x8d"
                  "b",
                  2 }, /* a zero width joiner */
                { "，。（）", 8 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(page_freep) struct page *page = NULL;
                _cleanup_(slip_done) struct slip slip = sample_slip();

                if (page_text_width(cases[i].text) != cases[i].width)
                        fail_msg("\"%s\" is %zu wide, not %zu", cases[i].text, page_text_width(cases[i].text),
                                 cases[i].width);
                /* A pair fills its line to the last column. */
                COPY(slip.issuer, cases[i].text);
                page = lay_out(&slip, STYLE_BOTH, widths[2]);
                for (size_t k = 0; k < page->n_lines; k++)
                        if (page->lines[k].text && strstr(page->lines[k].text, "发卡行"))
                                assert_int_equal(page_text_width(page->lines[k].text), 48);
        }
}

/* A currency has none, two or three digits of a smaller unit, wherever an amount stands. */
static void amounts(void **state) {
        static const struct {
                const char *currency;
                int64_t amount;
                const char *text;
        } cases[] = {
                { "CNY", 12850, "RMB 128.50\n" }, { "CNY", 5, "RMB 0.05\n" },
                { "CNY", 0, "RMB 0.00\n" },       { "JPY", 500, "JPY 500\n" },
                { "JPY", 0, "JPY 0\n" },          { "KWD", 1234, "KWD 1.234\n" },
                { "KWD", 7, "KWD 0.007\n" },      { "USD", 999999999999, "USD 9999999999.99\n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const struct slip_row row = { .kind = "sale",
                                              .masked_pan = "",
                                              .authorization_code = "",
                                              .voucher = 1,
                                              .amount = cases[i].amount };
                _cleanup_(slip_done) struct slip slip = sample_slip();
                _cleanup_free_ char *copy = NULL, *list = NULL, *totals = NULL;
                const char *number = cases[i].text + 4;
                char total[64];

                strcpy(slip.currency, cases[i].currency);
                slip.amount = cases[i].amount;
                copy = text_of(&slip, STYLE_BOTH, widths[0]);
                if (!strstr(copy, cases[i].text))
                        fail_msg("%s is not in:\n%s", cases[i].text, copy);

                slip.paper = SLIP_TRANSACTION_LIST;
                assert_int_equal(slip_add_transaction(&slip, &row), 0);
                (void) snprintf(slip.totals, sizeof(slip.totals), "refund 1 %lld\n", (long long) cases[i].amount);
                /* To the right, under the others. */
                (void) snprintf(total, sizeof(total), "1 %*s", 11, number);
                list = text_of(&slip, STYLE_BOTH, widths[0]);
                assert_non_null(strstr(list, "000001"));
                assert_non_null(strstr(list, number));
                slip.paper = SLIP_SETTLEMENT;
                totals = text_of(&slip, STYLE_BOTH, widths[0]);
                if (!strstr(totals, total))
                        fail_msg("%s is not in:\n%s", total, totals);
        }
}

/* A thousand usual rows fit into what a job takes; what does not fit is refused whole. */
static void long_lists(void **state) {
        struct slip_row row = {
                .kind = "sale",
                .masked_pan = "621700******0128",
                .authorization_code = "A1B2C3",
                .entry = 'I',
                .time_usec = UINT64_C(1790000000000000),
                .amount = 12850,
        };
        _cleanup_(slip_done) struct slip slip = sample_slip(), back = {};
        _cleanup_free_ char *blob = NULL, *before = NULL, *text = NULL;
        size_t size;
        int r = 0;

        slip.paper = SLIP_TRANSACTION_LIST;
        for (unsigned i = 0; i < 1000; i++) {
                row.voucher = i + 1;
                assert_int_equal(slip_add_transaction(&slip, &row), 0);
        }
        text = text_of(&slip, STYLE_BOTH, widths[0]);
        assert_non_null(strstr(text, "000001"));
        assert_non_null(strstr(text, "001000"));

        for (unsigned i = 0; i < 1000 && r >= 0; i++) {
                free(before);
                before = strdup(slip.rows);
                assert_non_null(before);
                r = slip_add_transaction(&slip, &row);
        }
        assert_int_equal(r, -ENOBUFS);
        assert_string_equal(slip.rows, before);
        assert_int_equal(slip_to_blob(&slip, &blob, &size), 0);
        assert_true(size <= SLIP_BLOB_MAX);
        slip_init(&back);
        assert_int_equal(slip_from_blob(blob, size, &back), 0);
        assert_string_equal(back.rows, slip.rows);

        row.masked_pan = "6217009876543210128";
        assert_int_equal(slip_add_transaction(&back, &row), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_paper),      cmocka_unit_test(one_language),
                cmocka_unit_test(nothing_but_text), cmocka_unit_test(widths_of_characters),
                cmocka_unit_test(amounts),          cmocka_unit_test(long_lists),
        };

        return cmocka_run_group_tests_name("receipt-layout", tests, NULL, NULL);
}
