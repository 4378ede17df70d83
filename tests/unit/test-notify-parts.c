// SPDX-License-Identifier: LGPL-2.1-or-later
/* What till-notify does by itself: requests, reasons, headers of mails, numbers. */
#include "test.h"

#include "base/mail.h"
#include "helpers/till-notify/channel.h"
#include "helpers/till-notify/mail-header.h"

static int parse(struct request *request, const void *data, size_t size, size_t n) {
        request_done(request);
        request->data = malloc(size + 1);
        assert_non_null(request->data);
        memcpy(request->data, data, size);
        request->size = size;
        return request_parse(request, n);
}

static void requests(void **state) {
        static const struct {
                const char *data;
                size_t size, n;
                int r;
        } cases[] = {
#define CASE(text, n, r) { text, sizeof(text), n, r }
                CASE("a\0b\0c\nd\0event\0zh_CN", 5, 0),
                CASE("\0\0\0\0", 5, 0),
                CASE("a", 1, 0),
                CASE("a\0b", 1, -EBADMSG), /* more than was asked for */
                CASE("a\0b\0c\0d", 5, -EBADMSG),
                CASE("a\0b\nc\0c\0event\0en", 5, -EBADMSG), /* a second line of the subject */
                CASE("a\0b\0c\rd\0event\0en", 5, -EBADMSG),
                CASE("a\0b\0c\033[2J\0event\0en", 5, -EBADMSG),
                CASE("a\0b\0\xc2\x9b\0event\0en", 5, -EBADMSG), /* a control character of two bytes */
                CASE("a\0b\0\xff\0event\0en", 5, -EBADMSG),
                CASE("a\0b\0c\0an event\0en", 5, -EBADMSG),
                CASE("a\0b\0c\0event\0en\nX", 5, -EBADMSG),
#undef CASE
                { "a", 1, 1, -EBADMSG }, /* without its end */
                { "", 0, 1, -EBADMSG },
        };
        _cleanup_(request_done) struct request request = REQUEST_NONE;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (parse(&request, cases[i].data, cases[i].size, cases[i].n) != cases[i].r)
                        fail_msg("case %zu", i);
}

static void mail_addresses(void **state) {
        static const char *const good[] = { "a@b", "wang.wei+till@shop.example", "root@localhost" };
        static const char *const bad[] = { "",        "a",           "@b",           "a@",      "a@b@c",
                                           "a b@c",   "a@b\r\nX: y", "a@b>",         "<a@b>",   "a,b@c",
                                           "\"a\"@b", "-oQ@b",       "王@b.example", "a@b\x7f", "a@[127.0.0.1]" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(mail_is_valid(good[i]));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (mail_is_valid(bad[i]))
                        fail_msg("%s is taken", bad[i]);
}

static void reasons(void **state) {
        static const struct {
                const char *said, *expected;
        } cases[] = {
                { "no such number: 8613800138000", "no such number: *************" },
                { "no such number: 13800138000x", "no such number: ***********x" },
                { "code 482913 not sent", "code ****** not sent" },
                { "00482913", "00******" },
                { "code 482-913, 4 8 2 9 1 3", "code ***-***, * * * * * *" }, /* as people read it */
                { "to +86 138-0013-8000", "to +** ***-****-****" },
                { "482 91 x3", "482 91 x3" },
                { "id 20261123-000017", "id 20261123-000017" }, /* the day is in the body too, in another form */
                { "line\r\n\033[31mtwo", "line   [31mtwo" },
                { "余额不足", "余额不足" },
                { "482\xee\x8d\xa1"
                  "913482",
                  "*** ***482" }, /* nor with a blank in its place */
                { "\xff\xfe", "" },
                { "", "" },
        };
        static const char data[] = "+8613800138000\0s\0验证码 482913，2026-11-23\0binding\0zh_CN";
        _cleanup_(request_done) struct request request = REQUEST_NONE;
        char reason[REASON_SIZE];

        assert_int_equal(parse(&request, data, sizeof(data), 5), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                assert_int_equal(say(reason, -EIO, "%s", cases[i].said), -EIO);
                reason_clean(reason, &request);
                assert_string_equal(reason, cases[i].expected);
        }
        /* Cut within a character. */
        (void) say(reason, 0, "%0*d余", (int) REASON_SIZE - 2, 0);
        reason_clean(reason, &request);
        assert_int_equal(strlen(reason), REASON_SIZE - 2);
}

static void headers(void **state) {
        char text[1024], *line, *save = NULL;

        assert_int_equal(mail_header_encode("Subject", "晨光便利店", text, sizeof(text)), 0);
        assert_string_equal(text, "Subject: =?UTF-8?B?5pmo5YWJ5L6/5Yip5bqX?=");
        assert_int_equal(mail_header_encode("Subject", "", text, sizeof(text)), 0);
        assert_string_equal(text, "Subject:");
        /* Whole characters in each word, and no line too long. */
        assert_int_equal(mail_header_encode("Subject",
                                            "a晨光便利店晨光便利店晨光便利店晨光便利店晨光便利店晨光便利店晨光便利店",
                                            text, sizeof(text)),
                         0);
        assert_non_null(strstr(text, "\r\n =?UTF-8?B?"));
        for (line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
                assert_true(strlen(line) < 86);
        assert_int_equal(mail_header_encode("Subject", "晨光便利店", text, 40), -EMSGSIZE);
}

static void numbers(void **state) {
        static const struct {
                const char *phone;
                int error;
                const char *text;
        } cases[] = {
                { "+8613800138000", 0, "CN" },
                { "+8613800138009", 0, "CN" },
                { "+447400123456", 0, "GB" },
                { "+12015550123", 0, "US" }, /* mobile or not: not told apart */
                { "+85251234567", 0, "HK" },
                { "+4915123456789", 0, "DE" },
                { "+861012345678", -EADDRNOTAVAIL, "the number is of CN, and not of a mobile phone" },
                { "+441212345678", -EADDRNOTAVAIL, "the number is of GB, and not of a mobile phone" },
                { "+80012345678", -EADDRNOTAVAIL, "the number is of 001, and not of a mobile phone" },
                { "+86138001380", -EINVAL, "no country has such a number" }, /* too short */
                { "+8610000000000", -EINVAL, "no country has such a number" },
                { "+9991234567", -EINVAL, "no country has such a number" },
        };
        char reason[REASON_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct request request = { .strings = { cases[i].phone } };

                assert_int_equal(number_check(&request, NULL, reason), cases[i].error);
                assert_string_equal(reason, cases[i].text);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests), cmocka_unit_test(mail_addresses), cmocka_unit_test(reasons),
                cmocka_unit_test(headers),  cmocka_unit_test(numbers),
        };

        return cmocka_run_group_tests_name("notify-parts", tests, NULL, NULL);
}
