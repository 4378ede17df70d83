// SPDX-License-Identifier: LGPL-2.1-or-later
/* The queue of notices: who is told, when again, and until when. */
#include "test.h"

#include "notices-fixture.h"

/* ---- Who is told ---- */

static void nobody_is_there(void **state) {
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 0);
        assert_int_equal(notices_count(shop.engine->notices), 0);
        assert_int_equal(channels.n, 0);
}

static void the_phone_is_told(void **state) {
        struct notice_record record;

        bind_phone(PHONE);
        channels.text = "SMS/3";
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 1);
        assert_sent(0, NOTICE_SMS, PHONE, "【测试】【test】终端T0000001");
        assert_sent(0, NOTICE_SMS, PHONE, "消费128.50元成功，卡尾号0005，订单ORDER-1。");
        assert_string_equal(channels.sent[0].subject, "【测试】交易提醒");
        assert_string_equal(channels.sent[0].event, "transaction");
        assert_string_equal(channels.sent[0].language, "zh_CN");

        record = load(1);
        assert_int_equal(record.state, NOTICE_DELIVERED);
        assert_int_equal(record.attempts, 1);
        assert_int_equal(record.transaction, 7);
        assert_string_equal(record.channel, "sms");
        assert_string_equal(record.address, "+86*******8000");
        assert_string_equal(record.gateway_id, "SMS/3");
        assert_string_equal(record.text, "");
        assert_false(record.late);
        assert_true(record.ended_usec > 0);
        assert_int_equal(notices_count(shop.engine->notices), 0);
}

static void settings_count(void **state) {
        bind_phone(PHONE);
        shop.settings.notice.left_out[NOTICE_TRANSACTION] = true;
        COPY(shop.settings.notice.language, "en");
        shop.settings.mode = MODE_LIVE;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 1);
        assert_sent(0, NOTICE_SMS, PHONE, "test, terminal T0000001: operator 01 is locked");
        /* Somebody's word counts before them. */
        prefer(0, NOTICE_TRANSACTION, "hook");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_sent(1, NOTICE_HOOK, PHONE, "sale of 128.50 CNY");
}

static void contacts_are_told_of_what_touches_security(void **state) {
        int64_t wang = enrol(CONTACT_PHONE, "wang@example.com", "mail", "en");

        bind_phone(PHONE);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 2);
        assert_int_equal(channels.n, 3);
        assert_sent(1, NOTICE_SMS, PHONE, "操作员01");
        assert_sent(2, NOTICE_MAIL, "wang@example.com", "operator 01");
        assert_string_equal(channels.sent[2].language, "en");
        assert_string_equal(load(3).address, "w***@example.com");

        assert_int_equal(add(&locked, NOTICE_TO_CONTACTS), 1);
        assert_sent(3, NOTICE_MAIL, "wang@example.com", "operator 01");
        assert_int_equal(add(&locked, wang), 1);
        assert_int_equal(add(&locked, NOTICE_TO_PHONE), 1);
        assert_sent(5, NOTICE_SMS, PHONE, "操作员01");
}

static void preferences_count(void **state) {
        int64_t wang = enrol(CONTACT_PHONE, "wang@example.com", "sms", "en");

        bind_phone(PHONE);
        prefer(0, NOTICE_TRANSACTION, "");
        prefer(wang, NOTICE_TRANSACTION, "hook mail");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_sent(0, NOTICE_HOOK, CONTACT_PHONE, "sale of");
        channels.error[NOTICE_HOOK] = -EIO;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_sent(2, NOTICE_MAIL, "wang@example.com", "sale of");
        assert_int_equal(channels.n, 3);
}

/* Security cannot be turned off, nor what somebody has to be told. */
static void the_obliged_ones_are_told(void **state) {
        struct notice_order order = sale;
        int64_t wang = enrol(CONTACT_PHONE, "", "sms", "en");

        bind_phone(PHONE);
        prefer(0, NOTICE_SECURITY, "");
        prefer(wang, NOTICE_SECURITY, "");
        prefer(0, NOTICE_TRANSACTION, "");
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 2);
        assert_sent(0, NOTICE_SMS, PHONE, "操作员01");
        assert_sent(1, NOTICE_SMS, CONTACT_PHONE, "operator 01");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        order.obliged = true;
        assert_int_equal(add(&order, NOTICE_TO_ALL), 2);
        assert_int_equal(channels.n, 4);
}

static void without_an_address(void **state) {
        int64_t wang = enrol("", "wang@example.com", "sms", "en");

        /* What it prefers has no address; it is told all the same. */
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 1);
        assert_sent(0, NOTICE_MAIL, "wang@example.com", "operator 01");
        prefer(wang, NOTICE_TRANSACTION, "sms hook");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(add(&sale, 99), -ENOENT);
}

/* Who was a contact a short time ago is told of a lost phone; of all else no more. */
static void a_removed_contact(void **state) {
        int64_t wang = enrol(CONTACT_PHONE, "", "sms", "en");
        uint64_t uptime;

        begin();
        assert_int_equal(uptime_get(shop.journal, &uptime), 0);
        assert_int_equal(contact_record_remove(shop.journal, wang, uptime), 0);
        commit();
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 0);
        assert_int_equal(add(&locked, wang), 1);
        assert_sent(0, NOTICE_SMS, CONTACT_PHONE, "operator 01");
}

/* ---- On the way ---- */

static void in_their_order(void **state) {
        bind_phone(PHONE);
        add_order("FIRST");
        add_order("SECOND");
        add_order("THIRD");
        assert_int_equal(channels.n, 0);
        notices_kick(shop.engine->notices);
        assert_int_equal(notices_count(shop.engine->notices), 3);
        run();
        assert_int_equal(channels.n, 3);
        assert_sent(0, NOTICE_SMS, PHONE, "FIRST");
        assert_sent(1, NOTICE_SMS, PHONE, "SECOND");
        assert_sent(2, NOTICE_SMS, PHONE, "THIRD");
}

/* 1 min, doubled up to an hour; then it is too old. */
static void back_off(void **state) {
        static const unsigned minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
        struct notice_record record;
        unsigned attempts = 1;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        channels.text = "no modem";
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 1);
        for (size_t i = 0; i < ELEMENTSOF(minutes); i++, attempts++) {
                record = load(1);
                assert_int_equal(record.attempts, attempts);
                assert_int_equal(record.state, NOTICE_QUEUED);
                assert_string_equal(record.error, "sms: no modem; hook: no modem");
                assert_string_equal(record.channel, "hook");
                assert_int_equal(channels.n, 2 * attempts);
                pass(minutes[i] * MINUTE - 1);
                assert_int_equal(channels.n, 2 * attempts);
                pass(1);
        }
        while (machine.due_usec > 0 && record.state == NOTICE_QUEUED) {
                channels.n = 0;
                pass(machine.due_usec - machine.boottime);
                record = load(1);
        }
        assert_int_equal(record.state, NOTICE_FAILED);
        assert_string_equal(record.text, "");
        assert_string_equal(record.error, "sms: no modem; hook: no modem");
        assert_int_equal(machine.boottime, HOUR + 3 * DAY);
        assert_int_equal(notices_count(shop.engine->notices), 0);
}

/* It is no news the day after. */
static void a_payment_is_told_for_a_day(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        pass(DAY - 1);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
        pass(HOUR);
        assert_int_equal(load(1).state, NOTICE_FAILED);
}

/* Days when the terminal was off do not count. */
static void too_old_by_uptime(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        begin();
        assert_int_equal(uptime_save(shop.journal), 0);
        commit();
        stop_tilld();
        machine.realtime += 30 * DAY;
        machine.boottime = MINUTE;
        machine.boot++;
        channels.error[NOTICE_SMS] = 0;
        start_tilld();
        run();
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
}

static void a_test_does_not_wait_for_days(void **state) {
        const struct notice_order test = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_REBIND_TEST };

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&test, NOTICE_TO_PHONE), 1);
        pass(MINUTE);
        pass(2 * MINUTE);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
        pass(2 * MINUTE);
        assert_int_equal(load(1).state, NOTICE_FAILED);
}

/* What failed before is tried again, whatever the clock was set to. */
static void the_clock_is_set_back(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        machine.realtime -= DAY;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        for (int i = 0; i < 10; i++)
                pass(HOUR);
        assert_true(load(1).attempts > 8);
        channels.error[NOTICE_SMS] = 0;
        pass(HOUR);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
}

/* Whoever has to stop somebody does not stand behind the sales. */
static void what_is_urgent_goes_first(void **state) {
        bind_phone(PHONE);
        add_order("ONE");
        add_order("TWO");
        assert_int_equal(queue(&locked, NOTICE_TO_PHONE), 1);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 3);
        assert_string_equal(channels.sent[0].event, "security");
        assert_sent(1, NOTICE_SMS, PHONE, "ONE");
        assert_sent(2, NOTICE_SMS, PHONE, "TWO");
}

/* That another phone is bound is told to the old one before whatever has piled up. */
static void the_old_phone_does_not_wait(void **state) {
        const struct notice_order fault = { .event = NOTICE_FAULT, .what = NOTICE_TEXT_FAULT };
        const struct notice_order rebound = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_REBOUND };

        bind_phone(PHONE);
        enrol(CONTACT_PHONE, "", "sms", "en");
        for (int i = 0; i < 200; i++) {
                assert_int_equal(queue(&fault, NOTICE_TO_PHONE), 1);
                assert_int_equal(queue(&locked, NOTICE_TO_ALL), 2);
        }
        assert_int_equal(queue(&rebound, NOTICE_TO_CONTACTS), 1);
        assert_int_equal(queue(&rebound, NOTICE_TO_OLD_PHONE), 1);
        bind_phone(OTHER_PHONE);
        notices_kick(shop.engine->notices);
        assert_int_equal(channels.n, 1);
        assert_string_equal(channels.sent[0].event, "binding");
        assert_string_equal(channels.sent[0].address, PHONE);
        /* Then what is urgent: the oldest. */
        answer_as(0, "");
        fire();
        assert_int_equal(channels.n, 2);
        assert_string_equal(channels.sent[1].event, "security");
}

/* A notice of before the change goes to who has the phone now, and says so. */
static void late(void **state) {
        struct notice_record record;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        bind_phone(OTHER_PHONE);
        begin();
        assert_int_equal(notice_record_hurry(shop.journal), 0);
        commit();
        channels.error[NOTICE_SMS] = 0;
        channels.n = 0;
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        assert_sent(0, NOTICE_SMS, OTHER_PHONE, "】【迟到，原发往旧手机】终端");
        record = load(1);
        assert_true(record.late);
        assert_string_equal(record.address, "+86*******8001");
        /* What was queued since is not. */
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_false(load(2).late);
        assert_null(strstr(channels.sent[1].body, "迟到"));
}

/* That it is bound no more is told to the phone that was. */
static void the_old_phone(void **state) {
        assert_int_equal(add(&locked, NOTICE_TO_OLD_PHONE), 0);
        bind_phone(PHONE);
        assert_int_equal(queue(&locked, NOTICE_TO_OLD_PHONE), 1);
        bind_phone(OTHER_PHONE);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        assert_sent(0, NOTICE_SMS, PHONE, "【测试】【test】");
        assert_false(load(1).late);
}

/* The same number anew is the same phone. */
static void not_late(void **state) {
        bind_phone(PHONE);
        add_order("ORDER-1");
        bind_phone(PHONE);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_false(load(1).late);
}

static void restarted(void **state) {
        bind_phone(PHONE);
        add_order("FIRST");
        add_order("SECOND");
        add_order("THIRD");
        notices_kick(shop.engine->notices);
        answer_as(0, "");
        fire();
        assert_non_null(channels.call);
        /* The first is out, the second with the channel: nobody knows what becomes of it. */
        stop_tilld();
        channels.n = 0;
        start_tilld();
        run();
        assert_int_equal(channels.n, 2);
        assert_sent(0, NOTICE_SMS, PHONE, "SECOND");
        assert_sent(1, NOTICE_SMS, PHONE, "THIRD");
        stop_tilld();
        channels.n = 0;
        start_tilld();
        run();
        assert_int_equal(channels.n, 0);
}

/* The back-off goes on where it was. */
static void restarted_in_back_off(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EHOSTUNREACH;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        stop_tilld();
        channels.n = 0;
        start_tilld();
        pass(MINUTE - 1);
        assert_int_equal(channels.n, 0);
        pass(1);
        assert_int_equal(channels.n, 2);
}

/* ---- What it must not do ---- */

static void not_during_a_sale(void **state) {
        bind_phone(PHONE);
        running = 7;
        commits = 0;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(commits, 1);
        assert_int_equal(channels.n, 0);
        running = 0;
        notices_kick(shop.engine->notices);
        assert_int_equal(channels.n, 1);
        /* One that was on its way when the sale began ends, and the next one waits. */
        running = 8;
        add_order("NEXT");
        run();
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(channels.n, 1);
        running = 0;
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 2);
}

/* Of what was rolled back nobody is told. */
static void with_its_commit(void **state) {
        bind_phone(PHONE);
        begin();
        assert_int_equal(notices_add(shop.engine->notices, &sale, NOTICE_TO_ALL), 1);
        journal_rollback(shop.journal);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 0);
        assert_int_equal(notices_count(shop.engine->notices), 0);
        assert_int_equal(notices_add(shop.engine->notices, &sale, NOTICE_TO_ALL), -EPROTO);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                NOTICES_TEST(nobody_is_there),
                NOTICES_TEST(the_phone_is_told),
                NOTICES_TEST(settings_count),
                NOTICES_TEST(contacts_are_told_of_what_touches_security),
                NOTICES_TEST(preferences_count),
                NOTICES_TEST(the_obliged_ones_are_told),
                NOTICES_TEST(without_an_address),
                NOTICES_TEST(a_removed_contact),
                NOTICES_TEST(in_their_order),
                NOTICES_TEST(back_off),
                NOTICES_TEST(a_payment_is_told_for_a_day),
                NOTICES_TEST(too_old_by_uptime),
                NOTICES_TEST(a_test_does_not_wait_for_days),
                NOTICES_TEST(the_clock_is_set_back),
                NOTICES_TEST(what_is_urgent_goes_first),
                NOTICES_TEST(the_old_phone_does_not_wait),
                NOTICES_TEST(late),
                NOTICES_TEST(the_old_phone),
                NOTICES_TEST(not_late),
                NOTICES_TEST(restarted),
                NOTICES_TEST(restarted_in_back_off),
                NOTICES_TEST(not_during_a_sale),
                NOTICES_TEST(with_its_commit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
