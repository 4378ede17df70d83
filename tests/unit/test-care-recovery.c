// SPDX-License-Identifier: LGPL-2.1-or-later
/* A device is brought back step by step: each step once, within its limits, and not while money is under way. */
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/faults.h"
#include "device/recover.h"
#include "engine-fixture.h"
#include "fake-helper.h"
#include "journal/event.h"

#define PRINTER "1-2"
#define READER "1-1"

static struct {
        struct recovery *recovery;
        struct device printer, reader;
        int64_t transaction; /* that runs */
        bool printing;
        bool settling; /* what has been done takes its time */
        bool rested;   /* the time of a device that is there and not wanted again is over */
        uint64_t up;   /* seconds that the machine has been up longer */
        int listening;
        char folder[64], socket[96];
        char asked[512];    /* "reset 1-2; rebind 1-2:1.0; " */
        const char *answer; /* to the next */
} t;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int64_t __wrap_engine_current(const struct engine *e);
bool __wrap_printing_is_busy(const struct printing *p);
struct device *__wrap_monitor_find(const struct monitor *m, const char *id);
struct device *__wrap_monitor_get(const struct monitor *m, size_t i);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_BOOTTIME)
                ret->tv_sec += (time_t) t.up;
        return r;
}

int64_t __wrap_engine_current(const struct engine *e) {
        return t.transaction;
}

bool __wrap_printing_is_busy(const struct printing *p) {
        return t.printing;
}

struct device *__wrap_monitor_find(const struct monitor *m, const char *id) {
        return streq(id, PRINTER) ? &t.printer : streq(id, READER) ? &t.reader : NULL;
}

struct device *__wrap_monitor_get(const struct monitor *m, size_t i) {
        return i == 0 ? &t.printer : NULL;
}

/* What settles has settled at once, where the test does not say else. */
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        if ((usec == 10 * USEC_PER_SEC && !t.settling) || (usec == RECOVERY_PAUSE_USEC && t.rested))
                usec = 1;
        return __real_sd_event_add_time_relative(e, ret, clock, usec, accuracy > 1000 ? 1000 : accuracy, callback,
                                                 userdata);
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static void start(void) {
        shop_open(on_transaction, "/nonexistent/card-worker");
        assert_int_equal(recovery_new(shop.engine, &t.recovery), 0);
        assert_int_equal(recovery_start(t.recovery), 0);
}

static void stop(void) {
        t.recovery = recovery_free(t.recovery);
        shop_close();
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&t, 0, sizeof(t));
        t.printer = (struct device){ .kind = DEVICE_PRINTER,
                                     .id = (char *) PRINTER,
                                     .port = (char *) "1-2",
                                     .interface = (char *) "1-2:1.0",
                                     .connected = true,
                                     .why = DEVICE_WHY_PLUGGED };
        t.reader = (struct device){ .kind = DEVICE_EMV,
                                    .id = (char *) READER,
                                    .port = (char *) READER,
                                    .interface = (char *) "1-1:1.0",
                                    .connected = true,
                                    .why = DEVICE_WHY_PLUGGED };
        t.answer = "ok";
        t.listening = fake_helper_listen(t.folder, "recover");
        assert_true(fcntl(t.listening, F_SETFL, O_NONBLOCK) >= 0);
        snprintf(t.socket, sizeof(t.socket), "%s/recover", t.folder);
        recover_socket = t.socket;
        shop_set_up();
        start();
        return 0;
}

static int teardown(void **state) {
        stop();
        shop_tear_down();
        close(t.listening);
        fake_helper_remove(t.folder, "recover");
        return 0;
}

/* till-recover, which answers at once. */
static void serve(void) {
        char packet[128];
        ssize_t n;
        int fd = accept4(t.listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd < 0)
                return;
        n = recv(fd, packet, sizeof(packet) - 1, 0);
        assert_true(n > 0);
        packet[n] = '\0';
        snprintf(t.asked + strlen(t.asked), sizeof(t.asked) - strlen(t.asked), "%s; ", packet);
        fake_helper_send(fd, t.answer, strlen(t.answer), NULL, 0);
        close(fd);
}

static void run(void) {
        for (int i = 0; i < 40; i++) {
                assert_true(sd_event_run(shop.event, 500) >= 0);
                serve();
        }
}

/* What was asked of till-recover since the last look. */
static void assert_asked(const char *expected) {
        run();
        assert_string_equal(t.asked, expected);
        t.asked[0] = '\0';
}

static int keep_first(const struct recovery_record *record, void *userdata) {
        *(struct recovery_record *) userdata = *record;
        return 1;
}

static struct recovery_record newest(void) {
        struct recovery_record record = {};

        assert_true(recovery_record_each(shop.journal, 1, keep_first, &record) >= 0);
        return record;
}

static void assert_newest(const char *steps, const char *outcome) {
        struct recovery_record record = newest();

        assert_string_equal(record.steps, steps);
        assert_string_equal(record.outcome, outcome);
        assert_int_equal(record.ended_usec > 0, !isempty(outcome));
}

static void want(int expected) {
        assert_int_equal(recovery_want(t.recovery, PRINTER, "printer-silent"), expected);
}

/* ---- The ladder ---- */

static void all_steps(void **state) {
        want(1);
        /* Seen again before it has begun: the same. */
        want(0);
        assert_asked("reset 1-2; ");
        assert_newest("reset done", "");
        /* It is there, and nobody says that it fails: nothing more is done. */
        assert_asked("");
        want(1);
        assert_asked("rebind 1-2:1.0; ");
        want(1);
        assert_asked("power 1-2; ");
        assert_newest("reset done, rebind done, power done", "");
        /* No step is left, and none of them comes twice. */
        want(0);
        assert_asked("");
        assert_newest("reset done, rebind done, power done", "failed");
        want(0);
        assert_asked("");
}

static void works_again(void **state) {
        want(1);
        assert_asked("reset 1-2; ");
        recovery_forget(t.recovery, PRINTER);
        assert_newest("reset done", "works");
        recovery_forget(t.recovery, PRINTER);
        assert_asked("");
}

/* A proof counts from the step on, but not what the step itself ends. */
static void works_at_once(void **state) {
        t.settling = true;
        want(1);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
        assert_newest("", "");
        recovery_forget(t.recovery, PRINTER);
        assert_asked("reset 1-2; ");
        assert_newest("reset done", "");
        t.printer.connected = false;
        recovery_forget(t.recovery, PRINTER);
        assert_newest("reset done", "");
        t.printer.connected = true;
        recovery_forget(t.recovery, PRINTER);
        assert_newest("reset done", "works");
}

static void nobody_says(void **state) {
        t.rested = true;
        want(1);
        assert_asked("reset 1-2; ");
        assert_newest("reset done", "unproven");
}

/* One that does not come back needs no witness. */
static void stays_away(void **state) {
        t.printer.connected = false;
        want(1);
        assert_asked("reset 1-2; rebind 1-2:1.0; power 1-2; ");
        assert_newest("reset done, rebind done, power done", "failed");
}

static void steps_fail(void **state) {
        t.answer = "error 95 the hub cannot switch its ports one by one";
        want(1);
        assert_asked("reset 1-2; rebind 1-2:1.0; power 1-2; ");
        assert_newest("reset not-offered, rebind not-offered, power not-offered", "failed");
}

static void bad_answers(void **state) {
        static const char *const answers[] = { "error",         "error 0 ",        "error -5 x",
                                               "error 99999 x", "error 5 \033[2J", "OK" };

        for (size_t i = 0; i < ELEMENTSOF(answers); i++) {
                t.answer = answers[i];
                want(1);
                assert_asked("reset 1-2; rebind 1-2:1.0; power 1-2; ");
                assert_newest("reset failed, rebind failed, power failed", "failed");
                t.up += 24 * 3600;
        }
        recover_socket = "/nonexistent/till-recover";
        want(1);
        assert_asked("");
        assert_newest("reset failed, rebind failed, power failed", "failed");
}

/* One that did not bind has no device here, but a port; there is nothing to bind anew. */
static void port_alone(void **state) {
        assert_int_equal(recovery_want(t.recovery, "1-7", "device-refused"), 1);
        assert_asked("reset 1-7; power 1-7; ");
        assert_newest("reset done, power done", "failed");
        assert_int_equal(recovery_want(t.recovery, "../1-7", "device-refused"), -EINVAL);
        assert_int_equal(recovery_want(t.recovery, "", "device-refused"), -EINVAL);
        /* The same port by its interface, which is bound. */
        assert_int_equal(recovery_want(t.recovery, "1-7:1.0", "device-refused"), 0);
        assert_int_equal(recovery_want(t.recovery, "1-6:1.0", "device-refused"), 1);
        assert_asked("reset 1-6; rebind 1-6:1.0; power 1-6; ");
        assert_string_equal(newest().device, "1-6");
        /* A device comes there: no more was wanted. */
        t.printer.port = (char *) "1-8";
        assert_int_equal(recovery_want(t.recovery, "1-8", "device-refused"), 1);
        assert_asked("reset 1-8; ");
        assert_newest("reset done", "works");
}

/* ---- Faults ---- */

static void on_fault(const struct fault_record *record, void *userdata) {
}

static void observe(struct faults *f, const char *code) {
        struct fault_record seen = { .subject = PRINTER };

        COPY(seen.code, code);
        faults_observe(f, &seen);
}

/* Each time that a fault is seen is evidence; so is its end. */
static void by_faults(void **state) {
        struct faults *f;

        assert_int_equal(faults_new(shop.engine, on_fault, NULL, &f), 0);
        faults_set_recovery(f, t.recovery);
        assert_int_equal(faults_start(f), 0);
        observe(f, "emv-fault");
        assert_asked("reset 1-2; ");
        assert_string_equal(newest().why, "emv-fault");
        /* A look that finds nothing new is none. */
        faults_kick(f);
        assert_asked("");
        observe(f, "emv-fault");
        assert_asked("rebind 1-2:1.0; ");
        faults_disprove(f, "emv-fault", "");
        assert_asked("");
        assert_newest("reset done, rebind done", "works");
        /* What a person has to mend is left to people. */
        t.up += 3600;
        observe(f, "emv-dirty");
        assert_asked("");
        faults_free(f);
}

/* ---- When ---- */

static void waits(void **state) {
        t.transaction = 7;
        want(1);
        assert_asked("");
        recovery_kick(t.recovery);
        assert_asked("");
        /* Its paper comes before. */
        t.transaction = 0;
        t.printing = true;
        recovery_kick(t.recovery);
        assert_asked("");
        t.printing = false;
        recovery_kick(t.recovery);
        assert_asked("reset 1-2; ");
        /* The next step too. */
        t.transaction = 8;
        want(1);
        assert_asked("");
        t.transaction = 0;
        recovery_kick(t.recovery);
        assert_asked("rebind 1-2:1.0; ");
}

/* The other way round: who is at a device is not disturbed by a card. */
static void holds_cards_off(void **state) {
        const struct engine_call sale = { .kind = "sale",
                                          .amount = 100,
                                          .currency = "CNY",
                                          .reference = "R1",
                                          .order = "",
                                          .authorization_code = "",
                                          .approver = "",
                                          .internal = true };
        const struct engine_call echo = { .kind = "echo",
                                          .currency = "",
                                          .reference = "R2",
                                          .order = "",
                                          .authorization_code = "",
                                          .approver = "",
                                          .internal = true };
        struct refusal refusal = {};
        int64_t id;

        want(1);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
        assert_true(engine_start_transaction(shop.engine, &sale, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        assert_string_equal(refusal.text, "Device " PRINTER " is being recovered: try again in some seconds");
        assert_asked("reset 1-2; ");
        /* There is no reader here. */
        assert_true(engine_start_transaction(shop.engine, &sale, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_UNAVAILABLE_DEVICE);
        /* What needs no card waits for nothing. */
        want(1);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
        assert_int_equal(engine_start_transaction(shop.engine, &echo, &id, &refusal), 0);
}

/* A bad hub: one after the other, and no card until both are done. */
static void one_at_a_time(void **state) {
        want(1);
        assert_int_equal(recovery_want(t.recovery, READER, "emv-fault"), 1);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
        serve();
        /* The other one has not been asked for meanwhile. */
        assert_true(accept4(t.listening, NULL, NULL, SOCK_CLOEXEC) < 0);
        assert_int_equal(strlen(t.asked), strlen("reset 1-2; "));
        assert_non_null(shop.engine->recovering);
        run();
        assert_true(streq(t.asked, "reset 1-2; reset 1-1; ") || streq(t.asked, "reset 1-1; reset 1-2; "));
        assert_null(shop.engine->recovering);
}

/* What has not begun when it works again leaves no trace, and counts for nothing. */
static void works_before(void **state) {
        t.transaction = 7;
        want(1);
        run();
        recovery_forget(t.recovery, PRINTER);
        t.transaction = 0;
        recovery_kick(t.recovery);
        assert_asked("");
        assert_int_equal(newest().id, 0);
        want(1);
        assert_asked("reset 1-2; ");
}

/* ---- Limits ---- */

static void whole_ladder(void) {
        want(1);
        assert_asked("reset 1-2; ");
        recovery_forget(t.recovery, PRINTER);
}

static void limits(void **state) {
        whole_ladder();
        want(0);
        t.up += 9 * 60 + 50;
        want(0);
        assert_asked("");
        t.up += 11;
        whole_ladder();
        t.up += 601;
        whole_ladder();
        t.up += 601;
        whole_ladder();
        /* A fifth one within a day, whatever comes between. */
        t.up += 601;
        want(0);
        stop();
        start();
        want(0);
        assert_asked("");
        t.up += 24 * 3600 - 4 * 601 - 30;
        want(0);
        t.up += 60;
        whole_ladder();
        /* Of another port nothing is known. */
        assert_int_equal(recovery_want(t.recovery, "1-7", "device-refused"), 1);
}

/* A stop in the middle: it is not taken up, and counts. */
static void interrupted(void **state) {
        want(1);
        assert_asked("reset 1-2; ");
        stop();
        start();
        assert_newest("reset done", "interrupted");
        want(0);
        assert_asked("");
}

/* ---- By hand ---- */

static void assert_refused(const char *device, enum refusal_code code, const char *text) {
        struct refusal refusal = {};

        assert_true(recovery_ask(t.recovery, device, "uid 1000", &refusal) < 0);
        assert_int_equal(refusal.code, code);
        assert_non_null(strstr(refusal.text, text));
}

static void by_hand(void **state) {
        struct refusal refusal = {};
        struct recovery_record record;

        assert_refused("9-9:0", REFUSAL_NOT_FOUND, "tillctl devices");
        t.transaction = 5;
        assert_refused(PRINTER, REFUSAL_BUSY, "Transaction 5 ");
        t.transaction = 0;
        assert_int_equal(recovery_ask(t.recovery, PRINTER, "uid 1000", &refusal), 0);
        assert_refused(PRINTER, REFUSAL_BUSY, "is being recovered");
        assert_asked("reset 1-2; ");
        record = newest();
        assert_string_equal(record.why, "by-hand");
        assert_string_equal(record.by, "uid 1000");
        /* Again: it does not work yet. */
        assert_int_equal(recovery_ask(t.recovery, PRINTER, "uid 1000", &refusal), 0);
        assert_asked("rebind 1-2:1.0; ");
        assert_int_equal(recovery_ask(t.recovery, PRINTER, "uid 1000", &refusal), 0);
        assert_asked("power 1-2; ");
        assert_refused(PRINTER, REFUSAL_BUSY, "in 10 minutes");
        assert_asked("");
        assert_newest("reset done, rebind done, power done", "failed");
        t.up += 601;
        assert_int_equal(recovery_ask(t.recovery, PRINTER, "02", &refusal), 0);
        assert_asked("reset 1-2; ");
}

/* ---- What is written ---- */

static int count_event(const struct event_record *event, void *userdata) {
        char *kinds = userdata;

        if (startswith(event->kind, "recovery-")) {
                assert_non_null(strstr(event->text, "\"device\":\"1-2\""));
                strcat(strcat(kinds, event->kind + strlen("recovery-")), " ");
        }
        return 0;
}

static void events(void **state) {
        char kinds[256] = "";

        whole_ladder();
        assert_int_equal(event_each(shop.journal, 0, 0, 0, count_event, kinds), 0);
        assert_string_equal(kinds, "began step ended ");
}

static void rows(void **state) {
        struct recovery_record record = { .device = PRINTER, .why = "printer-silent" };

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        for (int i = 0; i < RECOVERY_RECORDS_MAX + 10; i++)
                assert_int_equal(recovery_record_add(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(newest().id, RECOVERY_RECORDS_MAX + 10);
        assert_int_equal(recovery_record_count(shop.journal, PRINTER, 0, &record.began_up_usec), RECOVERY_RECORDS_MAX);
}

/* ---- The file of a probe ---- */

static int memory(const char *text, size_t size, int seals) {
        int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
        return fd;
}

static void documents(void **state) {
        static const struct {
                const char *text;
                size_t size;
                int seals, r;
        } cases[] = {
                { "{}", 2, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 0 },
                { "{}", 2, F_SEAL_SHRINK | F_SEAL_GROW, -EBADMSG },
                { "{}", 2, 0, -EBADMSG },
                { "{\0}", 3, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, -EBADMSG },
                { "\xff", 1, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, -EBADMSG },
        };
        char *text, *large = calloc(1, RECOVER_DOCUMENT_MAX + 1);
        int fd;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                fd = memory(cases[i].text, cases[i].size, cases[i].seals);
                text = NULL;
                assert_int_equal(recover_read_document(fd, &text), cases[i].r);
                assert_true(cases[i].r < 0 || streq(text, cases[i].text));
                free(text);
                close(fd);
        }
        assert_non_null(large);
        memset(large, ' ', RECOVER_DOCUMENT_MAX + 1);
        fd = memory(large, RECOVER_DOCUMENT_MAX + 1, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        assert_int_equal(recover_read_document(fd, &text), -EBADMSG);
        close(fd);
        free(large);
        /* No file at all, and one that is no memory. */
        assert_int_equal(recover_read_document(-EBADF, &text), -EBADMSG);
        assert_int_equal(recover_read_document(t.listening, &text), -EBADMSG);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(all_steps),    TEST(works_again),     TEST(works_at_once), TEST(nobody_says), TEST(stays_away),
                TEST(steps_fail),   TEST(bad_answers),     TEST(port_alone),    TEST(by_faults),   TEST(waits),
                TEST(works_before), TEST(holds_cards_off), TEST(one_at_a_time), TEST(limits),      TEST(interrupted),
                TEST(by_hand),      TEST(events),          TEST(rows),          TEST(documents),
        };

        return cmocka_run_group_tests_name("care-recovery", tests, NULL, NULL);
}
