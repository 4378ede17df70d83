/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The bound phone over the real engine, journal and queue of notices. The test has the place of the acquirer
 * (told-fixture.h, with a record of its own in a file that outlives a kill), of till-notify, of the clocks and of the
 * boot. Timers of a second and more go off after milliseconds, and find how late it is.
 */

#include <fcntl.h>
#include <malloc.h>
#include <systemd/sd-id128.h>

#include "binding/rebind.h"
#include "journal/uptime.h"
#include "told-fixture.h"

#define FASTER 1000000
#define MINUTE (60 * USEC_PER_SEC)
#define DAY (24 * 60 * MINUTE)

#define OLD "+8613800138000"
#define NEW "+8613800138001"

/* ---- Clocks and boots ---- */

static struct {
        uint64_t realtime, boottime; /* on top of the machine's */
        uint8_t boot;
} machine;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_sd_id128_get_boot(sd_id128_t *ret);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        uint64_t usec;

        if (__real_clock_gettime(id, ret) < 0)
                return -1;
        usec = (uint64_t) ret->tv_sec * USEC_PER_SEC + (uint64_t) ret->tv_nsec / 1000 +
               (id == CLOCK_REALTIME ? machine.realtime : machine.boottime);
        *ret = (struct timespec){ .tv_sec = (time_t) (usec / USEC_PER_SEC),
                                  .tv_nsec = (long) (usec % USEC_PER_SEC * 1000) };
        return 0;
}

int __wrap_sd_id128_get_boot(sd_id128_t *ret) {
        *ret = (sd_id128_t){};
        ret->bytes[15] = machine.boot;
        return 0;
}

/* A timer that goes off all the time would leave nothing to what is done when nothing else is. */
static uint64_t faster(uint64_t usec) {
        return usec < USEC_PER_SEC ? 0 : MAX(usec / FASTER, 3 * USEC_PER_MSEC);
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        return __real_sd_event_add_time_relative(e, s, clock, faster(usec), 1, callback, userdata);
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        return __real_sd_event_source_set_time_relative(s, faster(usec));
}

/* So much time goes by while the terminal is on. */
static _unused_ void pass(uint64_t usec) {
        machine.realtime += usec;
        machine.boottime += usec;
}

/* ---- till-notify ---- */

/* One message, or one question, on its way. */
struct notices_now {
        sd_event_source *timer;
        notices_now_done_t done;
        void *userdata;
        int error;
};

struct notice_call {
        sd_event_source *timer;
        notice_call_done_t done;
        void *userdata;
        int error;
};

static struct {
        int number, code, test, letter; /* what becomes of each, 0: it is taken */
        unsigned tests_failing;         /* test notices that fail so, of those that come; 0: all */
        bool hold;                      /* no answer before this is taken back */
        unsigned n_numbers, n_codes, n_tests, n_letters;
        char codes[2][16]; /* that were sent last, by holder, and where to */
        char phones[2][PHONE_SIZE];
        char test_phone[PHONE_SIZE];
        char checklist[1024]; /* the text of the last one */
} post;

int __wrap_notices_send_now(struct notices *n, const struct notice_order *order, const char *phone,
                            notices_now_done_t done, void *userdata, struct notices_now **ret);
struct notices_now *__wrap_notices_now_free(struct notices_now *now);
int __wrap_notice_check_number(sd_event *event, const char *directory, const char *phone, uint64_t deadline_usec,
                               notice_call_done_t done, void *userdata, struct notice_call **ret);
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);
struct notice_call *__wrap_notice_call_free(struct notice_call *call);

static bool post_waits(sd_event_source *s) {
        if (!post.hold)
                return false;
        assert_true(sd_event_source_set_time_relative(s, USEC_PER_SEC) >= 0);
        assert_true(sd_event_source_set_enabled(s, SD_EVENT_ONESHOT) >= 0);
        return true;
}

static int post_on_message(sd_event_source *s, uint64_t usec, void *userdata) {
        struct notices_now *now = userdata;

        if (!post_waits(s))
                now->done(now->error, now->error < 0 ? "" : "sms", "", now->userdata);
        return 0;
}

int __wrap_notices_send_now(struct notices *n, const struct notice_order *order, const char *phone,
                            notices_now_done_t done, void *userdata, struct notices_now **ret) {
        struct notices_now *now = calloc(1, sizeof(*now));
        enum rebind_holder holder = order->what == NOTICE_TEXT_OLD_CODE ? REBIND_OLD_PHONE : REBIND_NEW_PHONE;

        *now = (struct notices_now){ .done = done, .userdata = userdata, .error = post.code };
        if (order->what == NOTICE_TEXT_REBIND_TEST) {
                post.n_tests++;
                now->error = post.tests_failing == 0 || post.n_tests <= post.tests_failing ? post.test : 0;
                COPY(post.test_phone, phone);
        } else {
                post.n_codes++;
                COPY(post.codes[holder], order->fields.code);
                COPY(post.phones[holder], phone);
        }
        assert_true(sd_event_add_time_relative(shop.event, &now->timer, CLOCK_BOOTTIME, 1000, 1, post_on_message,
                                               now) >= 0);
        *ret = now;
        return 0;
}

struct notices_now *__wrap_notices_now_free(struct notices_now *now) {
        if (now)
                sd_event_source_disable_unref(now->timer);
        free(now);
        return NULL;
}

static int post_on_call(sd_event_source *s, uint64_t usec, void *userdata) {
        struct notice_call *call = userdata;

        if (!post_waits(s))
                call->done(call->error, call->error < 0 ? "" : "CN", call->userdata);
        return 0;
}

static struct notice_call *post_call(int error, notice_call_done_t done, void *userdata) {
        struct notice_call *call = calloc(1, sizeof(*call));

        *call = (struct notice_call){ .done = done, .userdata = userdata, .error = error };
        assert_true(sd_event_add_time_relative(shop.event, &call->timer, CLOCK_BOOTTIME, 1000, 1, post_on_call,
                                               call) >= 0);
        return call;
}

int __wrap_notice_check_number(sd_event *event, const char *directory, const char *phone, uint64_t deadline_usec,
                               notice_call_done_t done, void *userdata, struct notice_call **ret) {
        post.n_numbers++;
        *ret = post_call(post.number, done, userdata);
        return 0;
}

/* What the queue of notices sends. */
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        post.n_letters++;
        if (strstr(letter->body, "清理旧手机"))
                COPY(post.checklist, letter->body);
        *ret = post_call(post.letter, done, userdata);
        return 0;
}

struct notice_call *__wrap_notice_call_free(struct notice_call *call) {
        if (call)
                sd_event_source_disable_unref(call->timer);
        free(call);
        return NULL;
}

/* ---- The acquirer's record ---- */

static struct {
        char phone[PHONE_SIZE], before[PHONE_SIZE];
        uint32_t number, withdrawn;
} ledger;

/* What it does other than it should, with one kind of request. */
static struct {
        enum host_kind kind;
        enum host_outcome outcome;
        const char *code; /* NULL: none */
        unsigned times;
} trouble;

static void ledger_path(char ret[static 64]) {
        snprintf(ret, 64, "%s/ledger", shop.dir);
}

static void ledger_save(void) {
        char name[64];
        int fd;

        ledger_path(name);
        fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, &ledger, sizeof(ledger)), sizeof(ledger));
        safe_close(fd);
}

static void ledger_load(void) {
        char name[64];
        int fd;

        memset(&ledger, 0, sizeof(ledger));
        ledger_path(name);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        assert_int_equal(read(fd, &ledger, sizeof(ledger)), sizeof(ledger));
        safe_close(fd);
}

/* As Documentation/acquirer-profile.md wants it. */
static const char *ledger_ask(const struct told *q) {
        const struct host_binding *b = &q->binding;

        if (q->kind == HOST_BINDING_WITHDRAW) {
                if (ledger.number == b->number)
                        COPY(ledger.phone, ledger.before);
                ledger.withdrawn = b->number;
                return "00";
        }
        if (!streq(b->serial, "SN-0001"))
                return "97";
        if (q->kind == HOST_BINDING_CONFIRM && b->number == ledger.withdrawn)
                return "12";
        if (!streq(b->old_phone, ledger.phone))
                return "12";
        if (q->kind == HOST_BINDING_CONFIRM) {
                COPY(ledger.before, ledger.phone);
                COPY(ledger.phone, b->phone);
                ledger.number = b->number;
        }
        return "00";
}

static bool is_of_binding(enum host_kind kind) {
        return kind == HOST_BINDING_CHECK || kind == HOST_BINDING_CONFIRM || kind == HOST_BINDING_WITHDRAW;
}

static void ledger_answer(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        bool troubled = trouble.times > 0 && q->kind == trouble.kind;

        /* A refusal or what was not sent has no effect; a lost answer has. */
        if (troubled && (trouble.code || trouble.outcome == HOST_NOT_SENT)) {
                trouble.times--;
                *outcome = trouble.outcome;
                COPY(answer->code, strempty(trouble.code));
                return;
        }
        if (is_of_binding(q->kind)) {
                ledger_load();
                COPY(answer->code, ledger_ask(q));
                ledger_save();
        }
        if (troubled) {
                trouble.times--;
                *outcome = trouble.outcome;
        }
}

/* ---- The room ---- */

static struct binding *room;
static struct {
        unsigned n_changed, n_ended;
        struct rebind_record ended; /* the last one */
} heard;

static void on_changed(void *userdata) {
        heard.n_changed++;
}

static void on_ended(const struct rebind_record *record, void *userdata) {
        heard.n_ended++;
        heard.ended = *record;
}

/* The link is somebody else's as soon as a confirm has ended. */
static bool busy_after_confirm;

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
        if (busy_after_confirm && e == TRANSACTION_FINISHED && streq(view->record.kind, "binding-confirm"))
                acq.busy = true;
        if (room)
                binding_transaction_changed(room, view, e);
}

static void room_open(void) {
        const struct binding_listener listener = { .changed = on_changed, .ended = on_ended };

        acq.busy = false;
        acq.signed_on = true;
        acq.answer = ledger_answer;
        shop_open(on_transaction, "/nonexistent/card-worker");
        assert_int_equal(binding_new(shop.engine, &listener, &room), 0);
        assert_int_equal(engine_start(shop.engine), 0);
        assert_int_equal(binding_start(room), 0);
}

/* As if tilld were killed and started again: what was not committed is not there. */
static _unused_ void room_restart(void) {
        room = binding_free(room);
        acq_kill();
        memset(&post, 0, sizeof(post));
        room_open();
}

/* The same, and the machine with it; it was off for a while. */
static _unused_ void room_reboot(uint64_t off) {
        machine.boot++;
        machine.realtime += off;
        machine.boottime -= clock_now(CLOCK_BOOTTIME);
        room_restart();
}

static _unused_ int room_setup(void **state) {
        /* What was freed is something else at once. */
        (void) mallopt(M_PERTURB, 0xa5);
        log_set_max_level(LOG_EMERG);
        memset(&acq, 0, sizeof(acq));
        memset(&machine, 0, sizeof(machine));
        memset(&post, 0, sizeof(post));
        memset(&heard, 0, sizeof(heard));
        memset(&trouble, 0, sizeof(trouble));
        busy_after_confirm = false;
        shop_set_up();
        room_open();
        return 0;
}

static _unused_ int room_teardown(void **state) {
        room = binding_free(room);
        shop_tear_down();
        return 0;
}

static struct binding_view view_of(void) {
        struct binding_view view;

        assert_int_equal(binding_get_view(room, &view), 0);
        return view;
}

/* Until the change is at a step, or a while has gone by. Returns the step. */
static enum rebind_step run_until(enum rebind_step step) {
        for (int i = 0; i < 3000 && room->rebind.step != step; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        return room->rebind.step;
}

static _unused_ void run_a_while(void) {
        struct timespec now;
        uint64_t end = 0;

        /* Timers of minutes go off some times in it. */
        for (int i = 0; i < 60 || (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000 < end; i++) {
                assert_true(sd_event_run(shop.event, 1000) >= 0);
                (void) __real_clock_gettime(CLOCK_MONOTONIC, &now);
                if (i == 0)
                        end = (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000 + 30;
        }
}

static int begin_as(enum rebind_kind kind, const char *phone) {
        const struct binding_call call = {
                .kind = kind,
                .serial = "SN-0001",
                .terminal = "T0000001",
                .phone = phone,
                .by = "uid 1000",
        };
        struct refusal refusal;
        int64_t id;
        int r;

        r = binding_begin(room, &call, &id, &refusal);
        assert_true(r < 0 || id == room->rebind.id);
        return r < 0 ? -(int) refusal.code : 0;
}

static int give(enum rebind_holder holder, const char *code) {
        struct refusal refusal;

        return binding_give_code(room, holder, code, "uid 1000", &refusal) < 0 ? -(int) refusal.code : 0;
}

static _unused_ int send_codes(void) {
        struct refusal refusal;

        return binding_send_codes(room, "uid 1000", &refusal) < 0 ? -(int) refusal.code : 0;
}

static _unused_ int take_up(void) {
        struct refusal refusal;
        int64_t id;

        return binding_take_up(room, "uid 1001", &id, &refusal) < 0 ? -(int) refusal.code : 0;
}

static int give_right(enum rebind_holder holder) {
        return give(holder, post.codes[holder]);
}

/* Another one of as many digits. */
static _unused_ int give_wrong(enum rebind_holder holder) {
        char code[16];

        COPY(code, post.codes[holder]);
        code[0] = code[0] == '9' ? '0' : (char) (code[0] + 1);
        return give(holder, code);
}

/* What has failed is tried again after a pause. */
static _unused_ void pass_pause(void) {
        if (room->again_usec > clock_now(CLOCK_BOOTTIME))
                pass(room->again_usec - clock_now(CLOCK_BOOTTIME));
}

static void wait_for_codes(void) {
        assert_int_equal(run_until(REBIND_CODES), REBIND_CODES);
        for (int i = 0; i < 1000 && view_of().sending; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_false(view_of().sending);
}

/* Up to the codes' step, with all that are wanted at their phones. */
static _unused_ void go_to_codes(enum rebind_kind kind, const char *phone) {
        assert_int_equal(begin_as(kind, phone), 0);
        wait_for_codes();
}

/* Whatever is left: with the codes that were sent last, the waiting time and pauses gone by. */
static _unused_ void go_on_to_the_end(void) {
        for (int i = 0; i < 5000 && rebind_is_open(room); i++) {
                for (enum rebind_holder h = REBIND_OLD_PHONE; h <= REBIND_NEW_PHONE; h++)
                        if (room->rebind.step == REBIND_CODES && codes_wants(&room->rebind, h) && *post.codes[h] &&
                            !view_of().sending)
                                assert_int_equal(give_right(h), 0);
                if (room->rebind.step == REBIND_WAIT && room->rebind.told_uptime > 0)
                        pass(DAY);
                pass_pause();
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        }
        assert_false(rebind_is_open(room));
}

/* The first phone of a terminal. */
static _unused_ void bind_first(const char *phone) {
        go_to_codes(REBIND_CHANGE, phone);
        assert_int_equal(room->rebind.kind, REBIND_FIRST);
        assert_int_equal(give_right(REBIND_NEW_PHONE), 0);
        assert_int_equal(run_until(REBIND_COMMITTED), REBIND_COMMITTED);
}

static int count_in_force(const struct binding_record *record, void *userdata) {
        int *n = userdata;

        *n += record->ended_usec == 0;
        return 0;
}

/* One binding is in force, that of this phone, or none at all; the acquirer has the same once the queue is empty. */
static void assert_bound(const char *phone) {
        struct binding_view view = view_of();
        int n = 0;

        for (int i = 0; i < 500 && request_record_count(shop.journal, REQUEST_WITHDRAWAL) > 0; i++) {
                outbox_hurry(shop.engine->outbox);
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        }
        assert_int_equal(request_record_count(shop.journal, REQUEST_WITHDRAWAL), 0);
        ledger_load();
        assert_string_equal(ledger.phone, phone);
        assert_string_equal(view.current.phone, phone);
        assert_int_equal(binding_record_each(shop.journal, count_in_force, &n), 0);
        assert_int_equal(n, *phone ? 1 : 0);
        assert_true(*view.message);
}

/* Rolled back, with what the outside is told of it. */
static _unused_ void assert_rolled_back(enum rebind_step step, const char *reason) {
        struct binding_view view = view_of();

        assert_int_equal(view.rebind.step, REBIND_ROLLED_BACK);
        if (view.rebind.failed != step || !streq(view.rebind.reason, reason))
                fail_msg("%s: %s, not %s: %s", rebind_step_to_string(view.rebind.failed), view.rebind.reason,
                         rebind_step_to_string(step), reason);
        assert_true(view.rebind.ended_usec > 0);
        assert_string_equal(view.message, reason_message(reason));
        assert_string_equal(view.next_step, reason_next_step(reason));
        assert_true(*view.next_step);
}

struct texts {
        const char *part;
        int64_t contact;
        int n;
};

static int count_text(const struct notice_record *record, void *userdata) {
        struct texts *t = userdata;

        t->n += record->contact == t->contact && strstr(record->text, t->part) != NULL;
        return 0;
}

/* How many notices wait for somebody that say this. */
static _unused_ int count_notices(int64_t contact, const char *part) {
        struct texts t = { .part = part, .contact = contact };

        assert_int_equal(notice_record_each(shop.journal, 100, count_text, &t), 0);
        return t.n;
}

/* ---- Contacts ---- */

static _unused_ struct contact_record contact_of(const char *name, const char *phone) {
        struct contact_record record = { .channel = "sms", .language = "en" };

        COPY(record.name, name);
        COPY(record.phone, phone);
        return record;
}

static _unused_ int64_t add_contact(const char *name, const char *phone) {
        struct contact_record record = contact_of(name, phone);
        struct refusal refusal;

        assert_int_equal(binding_add_contact(room, &record, "uid 1000", &refusal), 0);
        assert_true(record.id > 0 && record.added_usec > 0);
        return record.id;
}
