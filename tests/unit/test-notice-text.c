// SPDX-License-Identifier: LGPL-2.1-or-later
/* What notices say, and what none of them does. */
#include "test.h"

#include <ctype.h>
#include <time.h>

#include "base/unicode.h"
#include "journal/notice.h"
#include "notice-sample.h"
#include "notice/event.h"

#define CARD "6200000000000005"
#define PHONE "+8613800138001"
#define OLD_PHONE "+8613800138000"
#define CODE "48291375"

static const char *const languages[] = { "zh_CN", "en" };

static const char *make(enum notice_template what, const char *language, const struct notice_fields *fields) {
        static char text[NOTICE_TEXT_MAX + 1];

        assert_int_equal(notice_text_make(what, language, fields, text, sizeof(text)), 0);
        return text;
}

static const char *body(const char *text) {
        const char *end = strchr(text, '\n');

        assert_non_null(end);
        return end + 1;
}

/* A field for a word of every template, each with what must not come through. */
static const struct notice_fields full = {
        .merchant = "shop " CARD,
        .terminal = CARD,
        .serial = CARD,
        .phone = PHONE,
        .old_phone = OLD_PHONE,
        .kind = CARD,
        .result = CARD,
        .amount = CARD,
        .last_four = CARD,
        .reference = "order " CARD,
        .name = CARD,
        .detail = "6200 0000 0000 0005.",
        .code = CODE,
        .time_usec = NOTICE_SAMPLE_TIME,
        .count = 3,
        .minutes = 5,
};

static bool bears_code(enum notice_template what) {
        return what == NOTICE_TEXT_OLD_CODE || what == NOTICE_TEXT_NEW_CODE || what == NOTICE_TEXT_LOST_BEGUN;
}

static void says_nothing_forbidden(void **state) {
        for (enum notice_template what = 0; what < _NOTICE_TEXT_MAX; what++)
                for (size_t l = 0; l < ELEMENTSOF(languages); l++) {
                        const char *text = make(what, languages[l], &full);

                        assert_null(strstr(text, "620000"));
                        assert_null(strstr(text, "6200 0"));
                        assert_null(strstr(text, PHONE + 1));
                        assert_null(strstr(text, OLD_PHONE + 1));
                        assert_null(strstr(text, "1380013"));
                        assert_int_equal(strstr(text, CODE) != NULL, bears_code(what));
                        /* A subject is on locked screens, and in lists of mail. */
                        assert_true(!strstr(text, CODE) || strstr(text, CODE) > strchr(text, '\n'));
                }
}

/* Every word is known, every field of the sample comes through, and nothing of the template's own marks is left. */
static void is_filled_in(void **state) {
        for (enum notice_template what = 0; what < _NOTICE_TEXT_MAX; what++)
                for (size_t l = 0; l < ELEMENTSOF(languages); l++) {
                        struct notice_fields fields = notice_sample(what, languages[l]);
                        const char *text = make(what, languages[l], &fields);

                        assert_null(strpbrk(text, "{}[]"));
                        assert_non_null(strstr(text, fields.merchant));
                        assert_non_null(strstr(text, fields.terminal));
                        assert_true(unicode_is_valid(text));
                        assert_true(!fields.code || strstr(text, fields.code));
                        assert_true(!fields.reference || strstr(text, fields.reference));
                        assert_true(!fields.name || strstr(text, fields.name));
                }
}

static void says_it_in_chinese(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_TRANSACTION, "zh_CN");

        assert_string_equal(make(NOTICE_TEXT_TRANSACTION, "zh_CN", &fields),
                            "交易提醒\n【幸福茶庄】终端10000001于11月23日11:28消费128.50元成功，卡尾号0005，订单"
                            "ORDER-1。");
        fields.kind = "refund";
        fields.amount = "12.00 USD";
        fields.reference = NULL;
        fields.last_four = "";
        assert_string_equal(make(NOTICE_TEXT_TRANSACTION, "zh_CN", &fields),
                            "交易提醒\n【幸福茶庄】终端10000001于11月23日11:28退货12.00 USD成功。");
}

static void says_it_in_english(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_TRANSACTION, "en");

        fields.result = "to-forward";
        assert_string_equal(make(NOTICE_TEXT_TRANSACTION, "en", &fields),
                            "Transaction\nHappy Tea, terminal 10000001: sale of 128.50 CNY approved, the acquirer is "
                            "still to be told, 23 Nov 11:28, card ending 0005, ref ORDER-1.");
}

/* Practice is not taken for money. */
static void says_that_it_is_practice(void **state) {
        for (enum notice_template what = 0; what < _NOTICE_TEXT_MAX; what++) {
                struct notice_fields fields = notice_sample(what, "zh_CN");
                const char *text;

                fields.mode = "training";
                text = make(what, "zh_CN", &fields);
                assert_non_null(startswith(text, "【训练】"));
                assert_non_null(startswith(body(text), "【训练】"));
                fields.mode = "test";
                assert_non_null(startswith(body(make(what, "en", &fields)), "TEST. "));
        }
}

static void leaves_controls_out(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_CONTACT_CHANGED, "en");
        const char *text;

        fields.name = "A\nB\r\x1b[31m\x7f\xe2\x80\xae"
                      "C\xff\xc2\x85";
        text = make(NOTICE_TEXT_CONTACT_CHANGED, "en", &fields);
        assert_non_null(strstr(text, "contact AB[31mC was added"));
        for (const char *c = body(text); *c; c++)
                assert_false(iscntrl((unsigned char) *c));
}

/* What somebody put in is not filled in again. */
static void takes_no_words_of_a_field(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_NEW_CODE, "en");

        fields.merchant = "{code}[{phone}]";
        assert_non_null(strstr(make(NOTICE_TEXT_NEW_CODE, "en", &fields), "nobody. {code}[{phone}]"));
}

static void is_marked_late(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_TRANSACTION, "zh_CN");
        char marked[NOTICE_TEXT_MAX + 1], text[NOTICE_TEXT_MAX + 1];

        COPY(text, make(NOTICE_TEXT_TRANSACTION, "zh_CN", &fields));
        assert_int_equal(notice_text_mark_late("zh_CN", text, marked, sizeof(marked)), 0);
        assert_non_null(startswith(marked, "交易提醒\n【幸福茶庄】【迟到，原发往旧手机】终端"));
        fields.mode = "test";
        COPY(text, make(NOTICE_TEXT_TRANSACTION, "zh_CN", &fields));
        assert_int_equal(notice_text_mark_late("zh_CN", text, marked, sizeof(marked)), 0);
        assert_non_null(startswith(body(marked), "【测试】【幸福茶庄】【迟到，原发往旧手机】终端"));
        assert_int_equal(notice_text_mark_late("en", text, marked, strlen(text) + 1), -EMSGSIZE);
        assert_int_equal(notice_text_mark_late("en", "no body", marked, sizeof(marked)), -EINVAL);
}

static void knows_its_size(void **state) {
        struct notice_fields fields = notice_sample(NOTICE_TEXT_TEST, "en");
        char text[NOTICE_TEXT_MAX + 1];
        size_t n = strlen(make(NOTICE_TEXT_TEST, "en", &fields));

        assert_int_equal(notice_text_make(NOTICE_TEXT_TEST, "en", &fields, text, n + 1), 0);
        for (size_t size = 0; size <= n; size++)
                assert_int_equal(notice_text_make(NOTICE_TEXT_TEST, "en", &fields, text, size), -EMSGSIZE);
}

static void knows_events_and_channels(void **state) {
        enum notice_channel channels[_NOTICE_CHANNEL_MAX];

        for (enum notice_event e = 0; e < _NOTICE_EVENT_MAX; e++)
                assert_int_equal(notice_event_from_string(notice_event_to_string(e)), e);
        assert_true(notice_event_is_obligatory(NOTICE_SECURITY));
        assert_true(notice_event_is_obligatory(NOTICE_BINDING));
        assert_false(notice_event_is_obligatory(NOTICE_TRANSACTION));
        assert_true(notice_event_from_string("Fault") < 0);
        assert_true(notice_channel_from_string("") < 0);

        assert_int_equal(notice_channels_parse("", channels), 0);
        assert_int_equal(notice_channels_parse("hook sms", channels), 2);
        assert_int_equal(channels[0], NOTICE_HOOK);
        assert_int_equal(channels[1], NOTICE_SMS);
        assert_int_equal(notice_channels_parse("sms mail hook", channels), 3);
        assert_int_equal(notice_channels_parse("sms sms", channels), -EINVAL);
        assert_int_equal(notice_channels_parse("pigeon", channels), -EINVAL);
        assert_int_equal(notice_channels_parse("sms,mail", channels), -EINVAL);
        assert_int_equal(notice_channels_parse("sms mail hook sms", channels), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(says_nothing_forbidden),
                cmocka_unit_test(is_filled_in),
                cmocka_unit_test(says_it_in_chinese),
                cmocka_unit_test(says_it_in_english),
                cmocka_unit_test(says_that_it_is_practice),
                cmocka_unit_test(leaves_controls_out),
                cmocka_unit_test(takes_no_words_of_a_field),
                cmocka_unit_test(is_marked_late),
                cmocka_unit_test(knows_its_size),
                cmocka_unit_test(knows_events_and_channels),
        };

        setenv("TZ", "CST-8", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
