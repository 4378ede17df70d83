/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The queue of notices in a shop. Channels are the test's: each takes or refuses as it is told, and no second passes
 * but those that the test lets pass.
 */

#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "base/log.h"
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
        uint64_t due_usec; /* of the queue's timer, by boottime; 0: it is off */
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

int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        if (!opening)
                machine.due_usec = machine.boottime + usec;
        return __real_sd_event_source_set_time_relative(s, DAY);
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
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        sent = channels.sent + channels.n++;
        sent->channel = letter->channel;
        COPY(sent->address, letter->address);
        COPY(sent->subject, letter->subject);
        COPY(sent->body, letter->body);
        COPY(sent->event, letter->event);
        COPY(sent->language, letter->language);
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
static _unused_ void answer_as(int error, const char *text) {
        struct notice_call *call = channels.call;

        assert_non_null(call);
        channels.call = NULL;
        call->done(error, text, call->userdata);
}

static void fire(void) {
        machine.due_usec = 0;
        notices_kick(shop.engine->notices);
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

static _unused_ void pass(uint64_t usec) {
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

static _unused_ void stop_tilld(void) {
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

static _unused_ void bind_phone(const char *phone) {
        struct binding_record record = { .serial = "SN-0001", .terminal = "T0000001", .by = "uid 0" };

        COPY(record.phone, phone);
        record.since_usec = machine.realtime;
        begin();
        assert_int_equal(binding_record_insert(shop.journal, &record), 0);
        commit();
        explicit_bzero(&record, sizeof(record));
}

static _unused_ int64_t enrol(const char *phone, const char *mail, const char *channel, const char *language) {
        struct contact_record record = { .name = "Wang Fang" };
        int64_t id;

        COPY(record.phone, phone);
        COPY(record.mail, mail);
        COPY(record.channel, channel);
        COPY(record.language, language);
        begin();
        assert_int_equal(contact_record_insert(shop.journal, &record), 0);
        commit();
        id = record.id;
        explicit_bzero(&record, sizeof(record));
        return id;
}

static _unused_ void prefer(int64_t contact, enum notice_event event, const char *text) {
        begin();
        assert_int_equal(contact_preference_store(shop.journal, contact, notice_event_to_string(event), text), 0);
        commit();
}

static _unused_ const struct notice_order sale = {
        .event = NOTICE_TRANSACTION,
        .what = NOTICE_TEXT_TRANSACTION,
        .transaction = 7,
        .fields = { .kind = "sale", .amount = "128.50 CNY", .last_four = "0005", .reference = "ORDER-1" },
};
static _unused_ const struct notice_order locked = {
        .event = NOTICE_SECURITY,
        .what = NOTICE_TEXT_OPERATOR_LOCKED,
        .fields = { .name = "01" },
};

static _unused_ int queue(const struct notice_order *order, int64_t to) {
        int n;

        begin();
        n = notices_add(shop.engine->notices, order, to);
        commit();
        return n;
}

static _unused_ int add(const struct notice_order *order, int64_t to) {
        int n = queue(order, to);

        notices_kick(shop.engine->notices);
        run();
        return n;
}

static _unused_ void add_order(const char *reference) {
        struct notice_order order = sale;

        order.fields.reference = reference;
        assert_int_equal(queue(&order, NOTICE_TO_PHONE), 1);
}

static _unused_ struct notice_record load(int64_t id) {
        struct notice_record record;

        assert_int_equal(notice_record_load(shop.journal, id, &record), 0);
        return record;
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

static _unused_ void assert_sent(unsigned i, enum notice_channel channel, const char *address, const char *says) {
        assert_true(i < channels.n);
        assert_int_equal(channels.sent[i].channel, channel);
        assert_string_equal(channels.sent[i].address, address);
        if (!strstr(channels.sent[i].body, says))
                fail_msg("\"%s\" is not in \"%s\"", says, channels.sent[i].body);
}

/* ---- One that is stored nowhere ---- */

static struct {
        int calls, error;
        char channel[8], text[161];
} now;

static _unused_ void now_done(int error, const char *channel, const char *text, void *userdata) {
        now.calls++;
        now.error = error;
        COPY(now.channel, channel);
        COPY(now.text, text);
}

static _unused_ const struct notice_order code = {
        .event = NOTICE_BINDING,
        .what = NOTICE_TEXT_NEW_CODE,
        .fields = { .code = CODE, .minutes = 5 },
};

#define NOTICES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
