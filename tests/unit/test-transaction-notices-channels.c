// SPDX-License-Identifier: LGPL-2.1-or-later
/* The channels of notices: one after another, what they say, and what is made of that. */
#include "test.h"

#include "base/unicode.h"
#include "notices-fixture.h"

/* ---- One after another ---- */

static void the_next_channel(void **state) {
        struct notice_record record;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 2);
        assert_sent(1, NOTICE_HOOK, PHONE, "ORDER-1");
        record = load(1);
        assert_int_equal(record.state, NOTICE_DELIVERED);
        assert_string_equal(record.channel, "hook");
        assert_int_equal(record.attempts, 1);
}

/* Who wants what nobody can turn off by mail alone, and has none, is told all the same; codes go out, too. */
static void a_preference_is_an_order(void **state) {
        bind_phone(PHONE);
        prefer(0, NOTICE_SECURITY, "mail hook");
        channels.error[NOTICE_HOOK] = -ENOENT;
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 2);
        assert_int_equal(channels.sent[0].channel, NOTICE_HOOK);
        assert_sent(1, NOTICE_SMS, PHONE, "01");
        prefer(0, NOTICE_TRANSACTION, "hook");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 3);
}

/* One that cannot be sent holds up no other. */
static void others_go_on(void **state) {
        enrol(CONTACT_PHONE, "", "sms", "en");
        enrol("", "wang@example.com", "mail", "en");
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 2);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
        channels.error[NOTICE_SMS] = 0;
        pass(MINUTE);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
}

/* One that a channel may have sent goes to the next at once, and is repeated twice in the hours to come, no more. */
static void nobody_knows(void **state) {
        struct notice_record record;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = NOTICE_MAYBE_SENT;
        channels.text = "the modem does not answer in time";
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 2);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);

        channels.n = 0;
        channels.error[NOTICE_HOOK] = -ENOENT;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        for (unsigned sent = 1; sent <= 3; sent++) {
                record = load(2);
                assert_int_equal(record.maybe_sent, sent);
                assert_int_equal(channels.n, 2 * sent);
                assert_non_null(strstr(record.error, "sms: the modem does not answer in time"));
                stop_tilld();
                start_tilld();
                run();
                pass(4 * HOUR - 1);
                assert_int_equal(channels.n, 2 * sent);
                pass(1);
        }
        record = load(2);
        assert_int_equal(record.state, NOTICE_FAILED);
        assert_non_null(strstr(record.error, "sms: the modem does not answer in time"));
        pass(3 * DAY);
        assert_int_equal(channels.n, 6);
}

static void no_helper(void **state) {
        bind_phone(PHONE);
        channels.start_error = -EMFILE;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(load(1).attempts, 1);
        assert_string_equal(load(1).error, strerror(EMFILE));
        channels.start_error = 0;
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENOENT;
        pass(MINUTE);
        assert_int_equal(load(1).attempts, 2);
        channels.error[NOTICE_SMS] = 0;
        pass(2 * MINUTE);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
}

static int check_listed(const struct notice_record *record, void *userdata) {
        assert_true(unicode_is_valid(record->gateway_id) && unicode_is_valid(record->error));
        return 0;
}

/* What the bus would refuse to list. */
static void assert_listed(void) {
        assert_int_equal(notice_record_each(shop.journal, 100, check_listed, NULL), 0);
}

/* A gateway says it in Chinese, and more than there is room for. */
static void a_long_gateway_id(void **state) {
        bind_phone(PHONE);
        channels.text = "短信已受理，发送成功，编号见下文，请妥善保存以备查询20261123000017";
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_string_equal(load(1).gateway_id, "短信已受理，发送成功，编号见下文，请妥善保");
        assert_listed();
}

/* Gateways like to repeat what they were given. */
static void nothing_is_kept_of_an_echo(void **state) {
        const struct notice_order begun = {
                .event = NOTICE_BINDING,
                .what = NOTICE_TEXT_LOST_BEGUN,
                .fields = { .phone = OTHER_PHONE, .code = "48291375" },
        };
        struct notice_record record;

        bind_phone(PHONE);
        enrol("", "wang@example.com", "mail", "en");
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = channels.error[NOTICE_MAIL] = -EIO;
        channels.text = "550 8613800138000 / 13800138000 <wang@example.com>: 48291375, 4829 1375 refused";
        assert_int_equal(add(&begun, NOTICE_TO_ALL), 2);
        for (int64_t id = 1; id <= 2; id++) {
                record = load(id);
                assert_null(strstr(record.error, "4829"));
                assert_null(strstr(record.error, "1375"));
                assert_true(id == 2 || !strstr(record.error, "0138000"));
                assert_true(id == 1 || !strstr(record.error, "wang@"));
                assert_non_null(strstr(record.error, "refused"));
        }
}

/* ---- Now ---- */

static void a_code_goes_at_once(void **state) {
        struct notices_now *n = NULL;

        memset(&now, 0, sizeof(now));
        running = 7;
        commits = 0;
        assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), 0);
        assert_int_equal(now.calls, 0);
        channels.error[NOTICE_SMS] = -EHOSTUNREACH;
        run();
        assert_int_equal(channels.n, 2);
        assert_sent(0, NOTICE_SMS, OTHER_PHONE, "验证码" CODE);
        assert_sent(1, NOTICE_HOOK, OTHER_PHONE, "验证码" CODE);
        assert_int_equal(now.calls, 1);
        assert_int_equal(now.error, 0);
        assert_string_equal(now.channel, "hook");
        notices_now_free(n);

        /* And is written nowhere. */
        assert_int_equal(commits, 0);
        assert_int_equal(notice_record_count_queued(shop.journal), 0);
}

static void a_code_that_nobody_takes(void **state) {
        struct notices_now *n = NULL;

        memset(&now, 0, sizeof(now));
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        channels.text = "no modem for 13800138001, " CODE;
        assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), 0);
        run();
        assert_int_equal(now.calls, 1);
        assert_int_equal(now.error, -EHOSTUNREACH);
        assert_string_equal(now.channel, "");
        assert_null(strstr(now.text, CODE));
        assert_null(strstr(now.text, "138001"));
        notices_now_free(n);
        channels.start_error = -EMFILE;
        assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), -EMFILE);
        /* One that is taken back says nothing. */
        channels.start_error = 0;
        assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), 0);
        notices_now_free(n);
        assert_null(channels.call);
        assert_int_equal(now.calls, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                NOTICES_TEST(the_next_channel),
                NOTICES_TEST(a_preference_is_an_order),
                NOTICES_TEST(others_go_on),
                NOTICES_TEST(nobody_knows),
                NOTICES_TEST(no_helper),
                NOTICES_TEST(a_long_gateway_id),
                NOTICES_TEST(nothing_is_kept_of_an_echo),
                NOTICES_TEST(a_code_goes_at_once),
                NOTICES_TEST(a_code_that_nobody_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
