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
        pass(MINUTE);
        assert_int_equal(channels.n, 3);
        assert_int_equal(channels.sent[2].channel, NOTICE_HOOK);
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

        pass(MINUTE);
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

/* ---- One that fails for all ---- */

static unsigned lines, warnings;

static void count_line(int level) {
        lines++;
        warnings += level <= LOG_NOTICE;
}

void __wrap_log_full(int level, const char *format, ...) _printf_(2, 3);
void __wrap_log_full(int level, const char *format, ...) {
        count_line(level);
}

int __wrap_log_about(int level, int error, const struct log_about *about, const char *format, ...) _printf_(4, 5);
int __wrap_log_about(int level, int error, const struct log_about *about, const char *format, ...) {
        count_line(level);
        return error;
}

/* That a channel fails is said once, and once that it is back; that one number is refused, once for a notice. */
static void said_once(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        lines = warnings = 0;
        for (int i = 0; i < 4; i++)
                add_order("ORDER-1");
        notices_kick(shop.engine->notices);
        for (int i = 0; i < 10; i++)
                pass(HOUR);
        assert_int_equal(lines, 2);
        assert_int_equal(warnings, 2);

        channels.error[NOTICE_SMS] = 0;
        pass(HOUR);
        assert_int_equal(load(4).state, NOTICE_DELIVERED);
        /* And four that one went out. */
        assert_int_equal(lines, 2 + 1 + 4);
        assert_int_equal(warnings, 2);

        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -EIO;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        for (int i = 0; i < 10; i++)
                pass(HOUR);
        assert_int_equal(warnings, 3);
}

/* A number that is refused is said also where the next channel is dead. */
static void a_refusal_is_said(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = -EIO;
        channels.error[NOTICE_HOOK] = -ENOENT;
        warnings = 0;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        /* And once that there is no hook. */
        assert_int_equal(warnings, 2);
        for (int i = 0; i < 10; i++)
                pass(HOUR);
        assert_int_equal(warnings, 2);
}

/* It is asked for one notice, not for each. */
static void a_dead_channel_rests(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = NOTICE_MAYBE_SENT;
        for (int i = 0; i < 5; i++)
                add_order("ORDER-1");
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 6);
        assert_int_equal(channels.sent[0].channel, NOTICE_SMS);
        for (unsigned i = 1; i < 6; i++)
                assert_int_equal(channels.sent[i].channel, NOTICE_HOOK);
        assert_int_equal(notices_count(shop.engine->notices), 0);
}

/* Those errors alone rest that speak of the channel. */
static void what_a_channel_rests_for(void **state) {
        static const struct {
                int error;
                bool rests;
        } cases[] = {
                { -ENODEV, true },     { -ENOENT, true },   { -EACCES, true },           { -EPERM, true },
                { -ENETDOWN, true },   { -ENOTCONN, true }, { -EOPNOTSUPP, true },       { -ECONNREFUSED, true },
                { -ECONNRESET, true }, { -ETIME, true },    { NOTICE_MAYBE_SENT, true }, { -EIO, false },
                { -EINVAL, false },    { -EBADMSG, false }, { -EMSGSIZE, false },        { -EADDRNOTAVAIL, false },
                { -ENOMEM, false },    { 0, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                if (notice_error_is_of_channel(cases[i].error) != cases[i].rests)
                        fail_msg("case %zu", i);
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = -EIO;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 4);
        assert_int_equal(channels.sent[2].channel, NOTICE_SMS);
}

/* A minute, doubled up to half an hour, for one probe each time; what waits for it makes no attempt. */
static void how_long_it_rests(void **state) {
        static const unsigned minutes[] = { 1, 2, 4, 8, 16, 30, 30 };
        unsigned asked = 0;

        bind_phone(PHONE);
        prefer(0, NOTICE_TRANSACTION, "sms");
        channels.error[NOTICE_SMS] = -ENODEV;
        for (int i = 0; i < 8; i++)
                add_order("ORDER-1");
        notices_kick(shop.engine->notices);
        for (size_t i = 0; i < ELEMENTSOF(minutes); i++) {
                pass(0);
                assert_int_equal(channels.n, ++asked);
                commits = 0;
                pass(minutes[i] * MINUTE - 1);
                assert_int_equal(channels.n, asked);
                assert_int_equal(commits, 0);
                pass(1);
        }
        assert_int_equal(load(8).attempts, 0);

        /* Once it takes one, the others go out; those that it was tried with after a wait of their own. */
        channels.error[NOTICE_SMS] = 0;
        channels.n = 0;
        pass(30 * MINUTE);
        assert_true(channels.n >= 5);
        pass(HOUR);
        for (int64_t id = 1; id <= 8; id++)
                assert_int_equal(load(id).state, NOTICE_DELIVERED);
        assert_int_equal(channels.n, 8);

        /* And the next failure is the first again. */
        channels.error[NOTICE_SMS] = -ENODEV;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        pass(MINUTE);
        assert_int_equal(channels.n, 10);
}

/* Who is reached otherwise does not wait for it. */
static void a_dead_channel_keeps_nobody_else(void **state) {
        bind_phone(PHONE);
        enrol("", "wang@example.com", "mail", "en");
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        for (int i = 0; i < 3; i++)
                assert_int_equal(queue(&locked, NOTICE_TO_PHONE), 1);
        assert_int_equal(queue(&locked, NOTICE_TO_CONTACTS), 1);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 3);
        assert_sent(2, NOTICE_MAIL, "wang@example.com", "operator 01");
        assert_int_equal(load(2).attempts, 0);
        assert_int_equal(load(4).state, NOTICE_DELIVERED);
}

/* Whoever looks at the list sees why. */
static void why_it_waits(void **state) {
        char why[NOTICE_ERROR_SIZE];
        struct notice_record record;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        channels.text = "it is not there";
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        record = load(2);
        assert_string_equal(record.error, "");
        notices_explain(shop.engine->notices, &record, why);
        assert_string_equal(why, "sms: it is not there; hook: it is not there");
        machine.boottime += MINUTE;
        notices_explain(shop.engine->notices, &record, why);
        assert_string_equal(why, "");
        /* One that was tried has an error of its own. */
        record = load(1);
        notices_explain(shop.engine->notices, &record, why);
        assert_string_equal(why, record.error);
}

/* The one of its channels that is worth asking first is asked first. */
static void the_earliest_of_its_channels(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = -ENODEV;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        pass(30 * USEC_PER_SEC);
        channels.error[NOTICE_HOOK] = -ENOENT;
        channels.n = 0;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 1);
        assert_int_equal(channels.sent[0].channel, NOTICE_HOOK);
        add_order("SECOND");
        notices_kick(shop.engine->notices);
        pass(30 * USEC_PER_SEC - 1);
        assert_int_equal(channels.n, 1);
        channels.error[NOTICE_SMS] = 0;
        pass(1);
        assert_int_equal(channels.n, 2);
        assert_sent(1, NOTICE_SMS, PHONE, "SECOND");
}

/* What waits for a channel that rests is given up in its time. */
static void too_old_while_it_rests(void **state) {
        /* Of an event that waits, with the short life of a test. */
        const struct notice_order test = { .event = NOTICE_FAULT, .what = NOTICE_TEXT_REBIND_TEST };

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        pass(MINUTE);
        pass(2 * MINUTE);
        pass(4 * MINUTE);
        assert_int_equal(add(&test, NOTICE_TO_PHONE), 1);
        assert_int_equal(load(2).attempts, 0);
        pass(5 * MINUTE - 1);
        assert_int_equal(load(2).state, NOTICE_QUEUED);
        pass(1);
        assert_int_equal(load(2).state, NOTICE_FAILED);
        assert_int_equal(load(2).attempts, 0);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
}

/* A restart asks each: somebody may have mended it. */
static void a_restart_asks_again(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        add_order("FIRST");
        add_order("SECOND");
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 2);
        stop_tilld();
        channels.error[NOTICE_SMS] = 0;
        start_tilld();
        run();
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
}

/* So does who wants to see whether notices arrive, and a change of the phone is not held up by it. */
static void asked_for_it(void **state) {
        const struct notice_order test = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_TEST };
        struct notices_now *n = NULL;

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 2);
        assert_int_equal(add(&test, NOTICE_TO_PHONE), 1);
        assert_int_equal(channels.n, 4);
        assert_sent(2, NOTICE_SMS, PHONE, "");
        assert_string_equal(channels.sent[2].event, "binding");

        /* A code asks each, makes their rest no longer, and ends it where it is taken: what waits goes out. */
        for (int i = 0; i < 5; i++) {
                assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), 0);
                run();
                n = notices_now_free(n);
        }
        assert_int_equal(channels.n, 14);
        channels.error[NOTICE_SMS] = 0;
        assert_int_equal(notices_send_now(shop.engine->notices, &code, OTHER_PHONE, now_done, NULL, &n), 0);
        run();
        notices_now_free(n);
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
        /* These two have a wait of their own. */
        pass(2 * MINUTE);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(load(3).state, NOTICE_DELIVERED);
}

/* However much waits that is older: it is tried, and only once out of its turn. */
static void a_test_stands_behind_nothing(void **state) {
        const struct notice_order test = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_TEST };

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        for (int i = 0; i < 20; i++)
                assert_int_equal(queue(&locked, NOTICE_TO_PHONE), 1);
        notices_kick(shop.engine->notices);
        run();
        channels.n = 0;
        assert_int_equal(add(&test, NOTICE_TO_PHONE), 1);
        assert_int_equal(load(21).attempts, 1);
        assert_int_equal(channels.n, 2);
        assert_string_equal(channels.sent[0].event, "binding");
        pass(2 * MINUTE);
        assert_int_equal(channels.n, 4);
        assert_string_equal(channels.sent[2].event, "security");
}

/* Nor behind one that is on its way, and fails. */
static void a_test_while_another_is_sent(void **state) {
        const struct notice_order test = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_TEST };

        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        assert_int_equal(queue(&locked, NOTICE_TO_PHONE), 1);
        notices_kick(shop.engine->notices);
        assert_non_null(channels.call);
        assert_int_equal(add(&test, NOTICE_TO_PHONE), 1);
        assert_int_equal(load(2).attempts, 1);
        assert_int_equal(channels.n, 4);
}

/* One that was rolled back, or is damaged, holds up nothing. */
static void a_test_that_is_not_there(void **state) {
        const struct notice_order test = { .event = NOTICE_BINDING, .what = NOTICE_TEXT_TEST };

        bind_phone(PHONE);
        begin();
        assert_int_equal(notices_add(shop.engine->notices, &test, NOTICE_TO_PHONE), 1);
        journal_rollback(shop.journal);
        notices_kick(shop.engine->notices);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(queue(&test, NOTICE_TO_PHONE), 1);
        assert_int_equal(sqlite3_exec(shop.journal->db, "UPDATE notices SET text_sealed = zeroblob(60) WHERE id = 2",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(load(2).state, NOTICE_FAILED);
        assert_int_equal(load(3).state, NOTICE_DELIVERED);
}

/* What tells of an attack is tried at once, one attempt for each; that it fails has the channels rest no less. */
static void an_alarm_wakes_them(void **state) {
        bind_phone(PHONE);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = -ENODEV;
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(channels.n, 2);
        for (unsigned sent = 1; sent <= 3; sent++) {
                assert_int_equal(add(&locked, NOTICE_TO_ALL), 1);
                assert_int_equal(channels.n, 2 + 2 * sent);
                assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
                assert_int_equal(channels.n, 2 + 2 * sent);
        }
        /* The fourth failure: eight minutes. */
        pass(8 * MINUTE - 1);
        assert_int_equal(channels.n, 8);
        pass(1);
        assert_int_equal(channels.n, 10);
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
                NOTICES_TEST(said_once),
                NOTICES_TEST(a_refusal_is_said),
                NOTICES_TEST(a_dead_channel_rests),
                NOTICES_TEST(what_a_channel_rests_for),
                NOTICES_TEST(how_long_it_rests),
                NOTICES_TEST(a_dead_channel_keeps_nobody_else),
                NOTICES_TEST(why_it_waits),
                NOTICES_TEST(the_earliest_of_its_channels),
                NOTICES_TEST(too_old_while_it_rests),
                NOTICES_TEST(a_restart_asks_again),
                NOTICES_TEST(asked_for_it),
                NOTICES_TEST(a_test_stands_behind_nothing),
                NOTICES_TEST(a_test_while_another_is_sent),
                NOTICES_TEST(a_test_that_is_not_there),
                NOTICES_TEST(an_alarm_wakes_them),
                NOTICES_TEST(a_code_goes_at_once),
                NOTICES_TEST(a_code_that_nobody_takes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
