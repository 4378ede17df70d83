// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The queue of notices: who is told, through what, when again, and until when. Channels are the test's: each takes or
 * refuses as it is told, and no second passes but those that the test lets pass.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/unicode.h"
#include "canary.h"
#include "engine-fixture.h"
#include "journal/binding.h"
#include "journal/contact.h"
#include "journal/internal.h"
#include "journal/uptime.h"
#include "notice/send.h"

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define PHONE "+8613800138000"
#define OTHER_PHONE "+8613800138001"
#define CONTACT_PHONE "+8613800138002"
#define CODE "482913"

/* ---- The machine ---- */

static struct {
        uint64_t realtime, boottime;
        unsigned boot;

        sd_event_time_handler_t due;
        void *userdata;
        uint64_t due_usec; /* by boottime; 0: no timer */
} machine;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        uint64_t usec = id == CLOCK_REALTIME ? machine.realtime : machine.boottime;

        *ret = (struct timespec){ .tv_sec = (time_t) (usec / USEC_PER_SEC),
                                  .tv_nsec = (long) (usec % USEC_PER_SEC * 1000) };
        return 0;
}

int __wrap_sd_id128_get_boot(sd_id128_t *ret);
int __wrap_sd_id128_get_boot(sd_id128_t *ret) {
        *ret = (sd_id128_t){};
        ret->bytes[15] = (uint8_t) machine.boot;
        return 0;
}

static bool opening; /* timers of others are theirs */

int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        if (opening)
                return __real_sd_event_add_time_relative(e, s, clock, DAY, accuracy, callback, userdata);
        machine.due = callback;
        machine.userdata = userdata;
        machine.due_usec = machine.boottime + usec;
        return __real_sd_event_add_time_relative(e, s, clock, DAY, accuracy, callback, userdata);
}

/* ---- The channels ---- */

struct sent {
        enum notice_channel channel;
        char address[64], subject[128], body[1600], event[24], language[8];
};

struct notice_call {
        notice_call_done_t done;
        void *userdata;
};

static struct {
        struct sent sent[64];
        unsigned n;
        int error[_NOTICE_CHANNEL_MAX]; /* how each answers */
        int start_error;                /* nothing can be asked at all */
        const char *text;               /* what each says */
        struct notice_call *call;       /* that waits for its answer */
} channels;

int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        struct notice_call *call;
        struct sent *sent;

        assert_true(deadline_usec > 0);
        /* One at a time. */
        assert_null(channels.call);
        if (channels.start_error < 0)
                return channels.start_error;
        assert_true(channels.n < ELEMENTSOF(channels.sent));
        sent = channels.sent + channels.n++;
        sent->channel = letter->channel;
        COPY(sent->address, letter->address);
        COPY(sent->subject, letter->subject);
        COPY(sent->body, letter->body);
        COPY(sent->event, letter->event);
        COPY(sent->language, letter->language);
        call = calloc(1, sizeof(*call));
        call->done = done;
        call->userdata = userdata;
        *ret = channels.call = call;
        return 0;
}

struct notice_call *__wrap_notice_call_free(struct notice_call *call);
struct notice_call *__wrap_notice_call_free(struct notice_call *call) {
        if (call == channels.call)
                channels.call = NULL;
        free(call);
        return NULL;
}

/* The channel says what it has to. */
static void answer_as(int error, const char *text) {
        struct notice_call *call = channels.call;

        assert_non_null(call);
        channels.call = NULL;
        call->done(error, text, call->userdata);
}

static void fire(void) {
        machine.due_usec = 0;
        machine.due(NULL, 0, machine.userdata);
}

/* All that is due now goes its way. */
static void run(void) {
        while (channels.call || (machine.due_usec > 0 && machine.due_usec <= machine.boottime)) {
                if (channels.call)
                        answer_as(channels.error[channels.sent[channels.n - 1].channel], channels.text);
                else
                        fire();
        }
}

static void pass(uint64_t usec) {
        machine.realtime += usec;
        machine.boottime += usec;
        run();
}

/* ---- Whether a sale runs, and a disk ---- */

static int64_t running;

int64_t __wrap_engine_current(const struct engine *e);
int64_t __wrap_engine_current(const struct engine *e) {
        return running;
}

static unsigned commits;
static int commit_error;

int __real_journal_commit(struct journal *journal);
int __wrap_journal_commit(struct journal *journal);
int __wrap_journal_commit(struct journal *journal) {
        commits++;
        if (commit_error == 0)
                return __real_journal_commit(journal);
        journal_rollback(journal);
        return commit_error;
}

/* ---- The shop ---- */

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static void start_tilld(void) {
        machine.due_usec = 0;
        opening = true;
        shop_open(on_transaction, "/bin/false");
        opening = false;
        notices_kick(shop.engine->notices);
}

static void stop_tilld(void) {
        shop_close();
        shop.event = sd_event_unref(shop.event);
        assert_int_equal(sd_event_new(&shop.event), 0);
        assert_null(channels.call);
}

static void begin(void) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
}

static void commit(void) {
        assert_int_equal(journal_commit(shop.journal), 0);
}

static void bind_phone(const char *phone) {
        struct binding_record record = { .serial = "SN-0001", .terminal = "T0000001", .by = "uid 0" };

        COPY(record.phone, phone);
        record.since_usec = machine.realtime;
        begin();
        assert_int_equal(binding_record_insert(shop.journal, &record), 0);
        commit();
}

static int64_t enrol(const char *phone, const char *mail, const char *channel, const char *language) {
        struct contact_record record = { .name = "Wang Fang" };

        COPY(record.phone, phone);
        COPY(record.mail, mail);
        COPY(record.channel, channel);
        COPY(record.language, language);
        begin();
        assert_int_equal(contact_record_insert(shop.journal, &record), 0);
        commit();
        return record.id;
}

static void prefer(int64_t contact, enum notice_event event, const char *text) {
        begin();
        assert_int_equal(contact_preference_store(shop.journal, contact, notice_event_to_string(event), text), 0);
        commit();
}

static const struct notice_order sale = {
        .event = NOTICE_TRANSACTION,
        .what = NOTICE_TEXT_TRANSACTION,
        .transaction = 7,
        .fields = { .kind = "sale", .amount = "128.50 CNY", .last_four = "0005", .reference = "ORDER-1" },
};
static const struct notice_order locked = {
        .event = NOTICE_SECURITY,
        .what = NOTICE_TEXT_OPERATOR_LOCKED,
        .fields = { .name = "01" },
};

static int queue(const struct notice_order *order, int64_t to) {
        int n;

        begin();
        n = notices_add(shop.engine->notices, order, to);
        commit();
        return n;
}

static int add(const struct notice_order *order, int64_t to) {
        int n = queue(order, to);

        notices_kick(shop.engine->notices);
        run();
        return n;
}

static void add_order(const char *reference) {
        struct notice_order order = sale;

        order.fields.reference = reference;
        assert_int_equal(queue(&order, NOTICE_TO_PHONE), 1);
}

static struct notice_record load(int64_t id) {
        struct notice_record record;

        assert_int_equal(notice_record_load(shop.journal, id, &record), 0);
        return record;
}

static int check_listed(const struct notice_record *record, void *userdata) {
        assert_true(unicode_is_valid(record->gateway_id) && unicode_is_valid(record->error));
        return 0;
}

/* What the bus would refuse to list. */
static void assert_listed(void) {
        assert_int_equal(notice_record_each(shop.journal, 100, check_listed, NULL), 0);
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&machine, 0, sizeof(machine));
        memset(&channels, 0, sizeof(channels));
        channels.text = "";
        machine.realtime = UINT64_C(1795404480000000);
        machine.boottime = HOUR;
        running = 0;
        commit_error = 0;
        shop_set_up();
        start_tilld();
        return 0;
}

static int teardown(void **state) {
        commit_error = 0;
        shop_tear_down();
        return 0;
}

static void assert_sent(unsigned i, enum notice_channel channel, const char *address, const char *says) {
        assert_true(i < channels.n);
        assert_int_equal(channels.sent[i].channel, channel);
        assert_string_equal(channels.sent[i].address, address);
        if (!strstr(channels.sent[i].body, says))
                fail_msg("\"%s\" is not in \"%s\"", says, channels.sent[i].body);
}

/* ---- Who is told ---- */

static void nobody_is_there(void **state) {
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 0);
        assert_int_equal(notices_count(shop.engine->notices), 0);
        assert_int_equal(channels.n, 0);
}

/* A gateway says it in Chinese, and more than there is room for. */
static void a_long_gateway_id(void **state) {
        bind_phone(PHONE);
        channels.text = "短信已受理，发送成功，编号见下文，请妥善保存以备查询20261123000017";
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_string_equal(load(1).gateway_id, "短信已受理，发送成功，编号见下文，请妥善保");
        assert_listed();
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

/* It went out, and the disk is full: once it is enough. */
static void disk_full(void **state) {
        bind_phone(PHONE);
        add_order("FIRST");
        add_order("SECOND");
        commit_error = -ENOSPC;
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        pass(10 * MINUTE);
        notices_kick(shop.engine->notices);
        run();
        assert_int_equal(channels.n, 1);
        commit_error = 0;
        pass(MINUTE);
        assert_int_equal(channels.n, 2);
        assert_sent(1, NOTICE_SMS, PHONE, "SECOND");
        assert_int_equal(load(1).state, NOTICE_DELIVERED);
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
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

static struct {
        int calls, error;
        char channel[8], text[161];
} now;

static void now_done(int error, const char *channel, const char *text, void *userdata) {
        now.calls++;
        now.error = error;
        COPY(now.channel, channel);
        COPY(now.text, text);
}

static const struct notice_order code = {
        .event = NOTICE_BINDING,
        .what = NOTICE_TEXT_NEW_CODE,
        .fields = { .code = CODE, .minutes = 5 },
};

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

/* ---- What stays behind ---- */

#define CANARY_CODE "48291375"

static bool file_has(const char *name, const char *needle) {
        _cleanup_free_ char *data = malloc(4 << 20);
        _cleanup_close_ int fd = -EBADF;
        char path[64];
        ssize_t n;

        assert_non_null(data);
        snprintf(path, sizeof(path), "%s/%s", shop.dir, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        n = read(fd, data, 4 << 20);
        assert_true(n > 0);
        return memmem(data, (size_t) n, needle, strlen(needle));
}

/* Sent, failed, waiting, and one that is stored nowhere; what the test itself has is wiped. */
static void work(bool forgetful) {
        const struct notice_order begun = {
                .event = NOTICE_BINDING,
                .what = NOTICE_TEXT_LOST_BEGUN,
                .fields = { .phone = OTHER_PHONE, .code = CANARY_CODE },
        };
        struct notice_order now_order = code;
        struct notices_now *n = NULL;

        now_order.fields.code = CANARY_CODE;
        start_tilld();
        bind_phone(PHONE);
        enrol(CONTACT_PHONE, "13912345678@example.com", "mail", "en");
        secret_wipe_stack();
        (void) add(&begun, NOTICE_TO_ALL);
        channels.error[NOTICE_SMS] = channels.error[NOTICE_HOOK] = channels.error[NOTICE_MAIL] = -EIO;
        channels.text = "not to " PHONE;
        (void) add(&begun, NOTICE_TO_ALL);
        assert_int_equal(notices_send_now(shop.engine->notices, &now_order, OTHER_PHONE, now_done, NULL, &n), 0);
        run();
        notices_now_free(n);
        if (!forgetful)
                explicit_bzero(channels.sent, sizeof(channels.sent));
}

static unsigned scan(bool forgetful) {
        static const char *const needles[] = { "13800138000", "13800138001", "13800138002",
                                               "13912345678", CANARY_CODE,   NULL };
        unsigned found;
        int status;
        pid_t pid;

        stop_tilld();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* That of the parent is the parent's. */
                assert_int_equal(sd_event_new(&shop.event), 0);
                work(forgetful);
                (void) raise(SIGSTOP);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        assert_true(WIFSTOPPED(status));
        found = canary_scan(pid, needles);
        for (size_t i = 0; needles[i]; i++) {
                assert_false(file_has("test.db", needles[i]));
                assert_false(file_has("test.db-wal", needles[i]));
        }
        /* The search finds what is there. */
        assert_true(file_has("test.db-wal", "+86*******8000"));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        start_tilld();
        return found;
}

static void canary(void **state) {
        assert_int_equal(scan(false), 0);
}

/* What is there is found: here the channels of the test keep what they were given. */
static void canary_that_is_there(void **state) {
        assert_true(scan(true) > 0);
}

/* ---- Damage ---- */

static void damage(const char *sql) {
        assert_int_equal(sqlite3_exec(shop.journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_true(sqlite3_changes(shop.journal->db) > 0);
}

/* A contact that cannot be read keeps nothing from anybody else. */
static void a_damaged_contact(void **state) {
        int64_t id = enrol(CONTACT_PHONE, "", "sms", "en");
        struct contact_record contact;

        bind_phone(PHONE);
        (void) enrol(OTHER_PHONE, "", "sms", "en");
        damage("UPDATE contacts SET person_sealed = zeroblob(80) WHERE id = 1");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(add(&locked, NOTICE_TO_ALL), 2);
        assert_sent(2, NOTICE_SMS, OTHER_PHONE, "operator 01");
        assert_int_equal(contact_record_load(shop.journal, id, &contact), 0);
        assert_true(contact.unreadable);
        begin();
        assert_int_equal(contact_record_remove(shop.journal, id, 1), 0);
        commit();
}

/* Without the phone nobody can be told; what is done goes on. */
static void a_damaged_binding(void **state) {
        bind_phone(PHONE);
        assert_int_equal(queue(&sale, NOTICE_TO_ALL), 1);
        damage("UPDATE bindings SET phone_sealed = zeroblob(60)");
        assert_int_equal(add(&sale, NOTICE_TO_ALL), 0);
        assert_int_equal(channels.n, 0);
        assert_int_equal(load(1).state, NOTICE_QUEUED);
}

/* One text that cannot be read is given up, after a start as well, and the next one goes out. */
static void a_damaged_text(void **state) {
        bind_phone(PHONE);
        assert_int_equal(queue(&sale, NOTICE_TO_ALL), 1);
        assert_int_equal(queue(&locked, NOTICE_TO_ALL), 1);
        damage("UPDATE notices SET text_sealed = zeroblob(60) WHERE id = 1");
        stop_tilld();
        start_tilld();
        run();
        assert_int_equal(load(1).state, NOTICE_FAILED);
        assert_string_equal(load(1).error, "it cannot be read");
        assert_int_equal(load(2).state, NOTICE_DELIVERED);
        assert_int_equal(channels.n, 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(nobody_is_there),
                TEST(a_long_gateway_id),
                TEST(the_phone_is_told),
                TEST(settings_count),
                TEST(contacts_are_told_of_what_touches_security),
                TEST(preferences_count),
                TEST(the_obliged_ones_are_told),
                TEST(without_an_address),
                TEST(a_removed_contact),
                TEST(in_their_order),
                TEST(the_next_channel),
                TEST(nobody_knows),
                TEST(a_payment_is_told_for_a_day),
                TEST(back_off),
                TEST(too_old_by_uptime),
                TEST(a_test_does_not_wait_for_days),
                TEST(the_clock_is_set_back),
                TEST(what_is_urgent_goes_first),
                TEST(others_go_on),
                TEST(no_helper),
                TEST(late),
                TEST(not_late),
                TEST(the_old_phone),
                TEST(restarted),
                TEST(restarted_in_back_off),
                TEST(not_during_a_sale),
                TEST(disk_full),
                TEST(with_its_commit),
                TEST(nothing_is_kept_of_an_echo),
                TEST(a_code_goes_at_once),
                TEST(a_code_that_nobody_takes),
                TEST(canary),
                TEST(canary_that_is_there),
                TEST(a_damaged_contact),
                TEST(a_damaged_binding),
                TEST(a_damaged_text),
                TEST(a_preference_is_an_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
