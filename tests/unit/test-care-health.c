// SPDX-License-Identifier: LGPL-2.1-or-later
/* Health checks: each level's tests, what becomes of them, and the terminal's state as a whole. */
#include "test.h"

#include "base/sealed-file.h"
#include "base/verify-message.h"
#include "care/authenticity.h"
#include "care/faults.h"
#include "care/health.h"
#include "care/inspection.h"
#include "care/maintenance.h"
#include "care/terminal-state.h"
#include "fake-helper.h"
#include "journal/device.h"
#include "journal/internal.h"
#include "told-fixture.h"

static struct {
        struct health *health;
        struct faults *faults;
        int listening; /* as till-verify */
        char directory[64], socket[128];
        unsigned told;
        struct device devices[DEVICE_RECORDS_MAX];
        size_t n_devices;
        engine_swipe_t on_swipe; /* of a reader that is armed for a test */
        void *swipe_userdata;
        int swipe_error;
        int64_t job;
        bool late; /* a minute is over at once */
} lab;

struct device *__wrap_monitor_get(const struct monitor *monitor, size_t index);
struct device *__wrap_monitor_find(const struct monitor *monitor, const char *id);
int __wrap_engine_await_swipe(struct engine *e, engine_swipe_t on_swipe, void *userdata);
void __wrap_engine_end_swipe(struct engine *e);
int __real_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec);

struct device *__wrap_monitor_get(const struct monitor *monitor, size_t index) {
        return index < lab.n_devices ? lab.devices + index : NULL;
}

struct device *__wrap_monitor_find(const struct monitor *monitor, const char *id) {
        for (size_t i = 0; i < lab.n_devices; i++)
                if (streq(lab.devices[i].id, id))
                        return lab.devices + i;
        return NULL;
}

int __wrap_engine_await_swipe(struct engine *e, engine_swipe_t on_swipe, void *userdata) {
        if (lab.swipe_error < 0)
                return lab.swipe_error;
        lab.on_swipe = on_swipe;
        lab.swipe_userdata = userdata;
        return 0;
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *source, uint64_t usec) {
        return __real_sd_event_source_set_time_relative(source, lab.late && usec == 60 * USEC_PER_SEC ? 1 : usec);
}

void __wrap_engine_end_swipe(struct engine *e) {
        lab.on_swipe = NULL;
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
        if (lab.health)
                health_follow_transaction(lab.health, view, e);
}

static void on_changed(const struct health_check *check, void *userdata) {
        assert_ptr_equal(check, health_get(lab.health));
        lab.told++;
}

static void plug(enum device_kind kind, const char *id) {
        lab.devices[lab.n_devices++] = (struct device){ .kind = kind,
                                                        .id = (char *) id,
                                                        .product = (char *) "Thing",
                                                        .connected = true,
                                                        .why = DEVICE_WHY_PRESENT };
}

static void on_told(const struct fault_record *record, void *userdata) {
}

static int setup(void **state) {
        memset(&lab, 0, sizeof(lab));
        memset(&acq, 0, sizeof(acq));
        log_set_max_level(LOG_EMERG);
        acq.signed_on = true;
        shop_set_up();
        shop_open(on_transaction, "/nonexistent/card-worker");
        assert_int_equal(engine_start(shop.engine), 0);
        assert_int_equal(faults_new(shop.engine, on_told, NULL, &lab.faults), 0);
        lab.listening = fake_helper_listen(lab.directory, "verify");
        snprintf(lab.socket, sizeof(lab.socket), "%s/verify", lab.directory);
        authenticity_socket = lab.socket;
        assert_int_equal(health_new(shop.engine, lab.faults, on_changed, NULL, &lab.health), 0);
        assert_null(health_get(lab.health));
        return 0;
}

static int teardown(void **state) {
        lab.faults = faults_free(lab.faults);
        lab.health = health_free(lab.health);
        safe_close(lab.listening);
        fake_helper_remove(lab.directory, "verify");
        return acq_teardown(state);
}

static int64_t start(enum health_level level, const char *device) {
        struct refusal refusal;
        int64_t id = 0;

        if (health_start(lab.health, level, device, "uid 1000", &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        assert_int_equal(health_get(lab.health)->ended_usec, 0);
        return id;
}

static void refused(enum health_level level, const char *device, enum refusal_code code) {
        struct refusal refusal;
        int64_t id;

        assert_true(health_start(lab.health, level, device, "uid 1000", &id, &refusal) < 0);
        assert_int_equal(refusal.code, code);
}

static const struct health_step *step(size_t i, const char *test, enum health_state state) {
        const struct health_check *c = health_get(lab.health);

        assert_true(i < c->n);
        assert_string_equal(c->steps[i].test, test);
        if (c->steps[i].state != state)
                fail_msg("%s: %s, %s", test, health_state_to_string(c->steps[i].state), c->steps[i].sentence);
        return c->steps + i;
}

static void ended(size_t n, unsigned failed) {
        acq_run();
        assert_int_not_equal(health_get(lab.health)->ended_usec, 0);
        assert_int_equal(health_get(lab.health)->n, n);
        assert_int_equal(health_count_failed(health_get(lab.health)), failed);
}

static void open_fault(const char *code, const char *subject, const char *severity) {
        struct fault_record record = {};

        COPY(record.code, code);
        COPY(record.subject, subject);
        COPY(record.class, "hardware");
        COPY(record.severity, severity);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(fault_record_open(shop.journal, &record), 1);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static void looks(void **state) {
        plug(DEVICE_MSR, "1-1");
        plug(DEVICE_PRINTER, "1-3");
        lab.devices[1].connected = false;
        lab.devices[1].why = DEVICE_WHY_UNPLUGGED;
        start(HEALTH_INTERNAL, "");
        ended(3, 1);
        step(0, "terminal", HEALTH_PASSED);
        assert_string_equal(step(1, "device", HEALTH_PASSED)->title, "Thing (1-1)");
        assert_string_equal(step(2, "device", HEALTH_FAILED)->detail, DEVICE_WHY_UNPLUGGED);
        assert_true(lab.told >= 4);
        assert_string_equal(health_get(lab.health)->by, "uid 1000");
}

/* A fault fails the test that is about it, and no other; the gravest is named. */
static void fails_by_faults(void **state) {
        plug(DEVICE_MSR, "1-1");
        plug(DEVICE_EMV, "1-2");
        open_fault("journal-full", "", "critical");
        open_fault("reconcile-other-rrn", "1-2", "warning");
        open_fault("reversal-rejected", "1-2", "error");
        start(HEALTH_INTERNAL, "");
        ended(3, 2);
        assert_string_equal(step(0, "terminal", HEALTH_FAILED)->detail, "journal-full");
        step(1, "device", HEALTH_PASSED);
        assert_string_equal(step(2, "device", HEALTH_FAILED)->detail, "reversal-rejected");
        /* Of one device alone. */
        start(HEALTH_INTERNAL, "1-1");
        ended(1, 0);
}

static void asks_the_acquirer(void **state) {
        start(HEALTH_EXTERNAL, "");
        ended(2, 0);
        step(0, "echo", HEALTH_PASSED);
        step(1, "sign-on", HEALTH_PASSED);
        assert_int_equal(acq.n_sign_ons, 1);
        assert_int_equal(acq.told[0].kind, HOST_ECHO);

        acq.down = 99;
        acq.no_sign_on = "it does not like us";
        start(HEALTH_EXTERNAL, "");
        ended(2, 2);
        assert_true(*step(0, "echo", HEALTH_FAILED)->detail);
        step(1, "sign-on", HEALTH_FAILED);
}

static void prints(void **state) {
        struct print_job job;

        plug(DEVICE_PRINTER, "1-3");
        start(HEALTH_EXTERNAL, "1-3");
        acq_run();
        step(0, "print", HEALTH_RUNNING);
        assert_int_equal(print_job_first(shop.journal, 0, &job), 0);
        assert_string_equal(job.what, "test-page");
        health_follow_job(lab.health, job.id + 1, PRINT_PRINTED);
        health_follow_job(lab.health, job.id, PRINT_PRINTING);
        step(0, "print", HEALTH_RUNNING);
        health_follow_job(lab.health, job.id, PRINT_UNCONFIRMED);
        ended(1, 1);
        print_job_done(&job);
}

static void swipe(enum track_status status) {
        struct msr_swipe s = { .track2.status = status };
        engine_swipe_t on_swipe = lab.on_swipe;

        lab.on_swipe = NULL;
        on_swipe(&s, lab.swipe_userdata);
}

static void asks_for_cards(void **state) {
        plug(DEVICE_MSR, "1-1");
        plug(DEVICE_EMV, "1-2");
        start(HEALTH_INTERACTIVE, "");
        acq_run();
        step(0, "swipe", HEALTH_RUNNING);
        swipe(TRACK_OK);
        acq_run();
        step(0, "swipe", HEALTH_PASSED);
        step(1, "insert", HEALTH_RUNNING);
        lab.devices[1].card = DEVICE_CARD_PRESENT;
        health_follow_device(lab.health, lab.devices + 1, MONITOR_CHANGED);
        ended(2, 0);

        start(HEALTH_INTERACTIVE, "1-1");
        acq_run();
        swipe(TRACK_UNREAD);
        ended(1, 1);
        lab.swipe_error = -ENODEV;
        start(HEALTH_INTERACTIVE, "1-1");
        ended(1, 1);
        /* One that is in already is seen at once. */
        start(HEALTH_INTERACTIVE, "1-2");
        ended(1, 0);
}

/* Neither a person nor a printer is waited for without end, and what comes late is no part of the next test. */
static void nothing_comes(void **state) {
        struct print_job job;

        plug(DEVICE_MSR, "1-1");
        plug(DEVICE_EMV, "1-2");
        plug(DEVICE_PRINTER, "1-3");
        lab.late = true;
        start(HEALTH_INTERACTIVE, "");
        ended(2, 2);
        assert_string_equal(step(0, "swipe", HEALTH_FAILED)->sentence, "Nothing came in time.");
        assert_string_equal(step(1, "insert", HEALTH_FAILED)->sentence, "Nothing came in time.");
        assert_null(lab.on_swipe);

        start(HEALTH_EXTERNAL, "1-3");
        ended(1, 1);
        assert_string_equal(step(0, "print", HEALTH_FAILED)->sentence, "Nothing came in time.");
        assert_int_equal(print_job_first(shop.journal, 0, &job), 0);
        lab.late = false;
        start(HEALTH_INTERACTIVE, "1-1");
        acq_run();
        health_follow_job(lab.health, job.id, PRINT_PRINTED);
        lab.devices[1].card = DEVICE_CARD_PRESENT;
        health_follow_device(lab.health, lab.devices + 1, MONITOR_CHANGED);
        step(0, "swipe", HEALTH_RUNNING);
        swipe(TRACK_OK);
        ended(1, 0);
        print_job_done(&job);
}

/* A customer does not wait for a test. */
static void yields_to_a_transaction(void **state) {
        struct engine_call call = {
                .kind = "echo", .currency = "", .reference = "E-1", .order = "", .internal = true
        };
        struct refusal refusal;
        int64_t id;

        plug(DEVICE_MSR, "1-1");
        start(HEALTH_INTERACTIVE, "");
        acq_run();
        assert_non_null(lab.on_swipe);
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        assert_null(lab.on_swipe);
        refused(HEALTH_INTERNAL, "", REFUSAL_BUSY);
        ended(1, 0);
        step(0, "swipe", HEALTH_SKIPPED);
}

static void is_refused(void **state) {
        struct refusal refusal;
        int64_t id;

        refused(HEALTH_INTERACTIVE, "", REFUSAL_UNAVAILABLE_DEVICE);
        refused(HEALTH_INTERNAL, "9-9", REFUSAL_NOT_FOUND);
        assert_true(health_cancel(lab.health, 1, &refusal) < 0);
        plug(DEVICE_MSR, "1-1");
        id = start(HEALTH_INTERACTIVE, "");
        refused(HEALTH_INTERNAL, "", REFUSAL_BUSY);
        acq_run();
        assert_true(health_cancel(lab.health, id + 1, &refusal) < 0);
        assert_int_equal(health_cancel(lab.health, id, &refusal), 0);
        assert_null(lab.on_swipe);
        ended(1, 0);
        step(0, "swipe", HEALTH_SKIPPED);
        assert_int_equal(health_level_from_string("outside"), _HEALTH_LEVEL_INVALID);
}

/* ---- The daily inspection ---- */

/* What till-verify has found; the one that asks may have gone meanwhile. */
static void verified(const char *document) {
        struct verify_answer answer = { VERIFY_VERSION, 0, strlen(document) };
        struct verify_question question;
        int fd, file = sealed_file_new("verify", document, strlen(document));

        assert_true(file >= 0);
        fd = accept4(lab.listening, NULL, NULL, SOCK_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(recv(fd, &question, sizeof(question), 0), sizeof(question));
        fake_helper_send(fd, &answer, sizeof(answer), &file, true);
        safe_close(fd);
        safe_close(file);
}

#define DOCUMENT(state)                                                                                               \
        "{\"Manager\":\"dpkg\",\"Packages\":[{\"Package\":\"tilld\",\"State\":\"" state                               \
        "\",\"Changed\":[\"/usr/bin/tillctl\"]}],\"Module\":{\"State\":\"signed\"}}"

static struct maintenance_record last_inspection(void) {
        struct maintenance_record made;

        assert_int_equal(inspection_load(shop.engine, &made), 0);
        return made;
}

static void echo_begins(const char *reference) {
        struct engine_call call = {
                .kind = "echo", .currency = "", .reference = reference, .order = "", .internal = true
        };
        struct refusal refusal;
        int64_t id;

        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
}

static void inspects(void **state) {
        int64_t id;

        plug(DEVICE_MSR, "1-1");
        plug(DEVICE_PRINTER, "1-3");
        assert_int_equal(inspection_start(shop.engine), 0);
        assert_int_equal(last_inspection().done_usec, 0);
        id = start(HEALTH_INSPECTION, "");
        acq_run();
        /* The books know nothing of it: it is no transaction. */
        assert_int_equal(acq.n_told, 1);
        assert_int_equal(acq.told[0].kind, HOST_ECHO);
        assert_int_equal(engine_view(shop.engine, 1, &acq.view), -ENOENT);
        verified(DOCUMENT("good"));
        ended(5, 0);
        assert_int_equal(health_get(lab.health)->id, id);
        step(0, "terminal", HEALTH_PASSED);
        step(2, "device", HEALTH_PASSED);
        step(3, "echo", HEALTH_PASSED);
        step(4, "authenticity", HEALTH_PASSED);
        assert_string_equal(last_inspection().note, "good");
        assert_string_equal(last_inspection().done_by, "uid 1000");
        assert_true(last_inspection().done_usec > 0);

        /* What it finds. */
        acq.down = 1;
        lab.devices[1].connected = false;
        lab.devices[1].why = DEVICE_WHY_UNPLUGGED;
        start(HEALTH_INSPECTION, "");
        acq_run();
        verified(DOCUMENT("changed"));
        ended(5, 3);
        assert_string_equal(last_inspection().note, "failed: device 1-3, echo, authenticity");
        authenticity_socket = "/nonexistent/verify";
        start(HEALTH_INSPECTION, "");
        acq_run();
        /* What the one before has opened. */
        ended(5, 2);
        assert_string_equal(last_inspection().note, "failed: terminal, device 1-3; skipped: authenticity");
}

/* As many devices as the journal knows: none takes another test's place. */
static void inspects_all(void **state) {
        static char ids[DEVICE_RECORDS_MAX][8];

        for (size_t i = 0; i < DEVICE_RECORDS_MAX; i++) {
                snprintf(ids[i], sizeof(ids[i]), "1-%zu", i + 1);
                plug(DEVICE_MSR, ids[i]);
        }
        start(HEALTH_INSPECTION, "");
        assert_int_equal(health_get(lab.health)->n, DEVICE_RECORDS_MAX + 3);
        for (int i = 0; i < 8; i++)
                acq_run();
        verified(DOCUMENT("good"));
        ended(DEVICE_RECORDS_MAX + 3, 0);
        step(DEVICE_RECORDS_MAX + 1, "echo", HEALTH_PASSED);
        step(DEVICE_RECORDS_MAX + 2, "authenticity", HEALTH_PASSED);
        /* And a check of fewer ones after that. */
        start(HEALTH_INTERNAL, "1-7");
        ended(1, 0);
}

/* One that was cancelled was not made. */
static void is_cancelled(void **state) {
        struct refusal refusal;
        int64_t id = start(HEALTH_INSPECTION, "");

        acq_run();
        step(2, "authenticity", HEALTH_RUNNING);
        assert_int_equal(health_cancel(lab.health, id, &refusal), 0);
        ended(3, 0);
        assert_string_equal(last_inspection().note, "");
        assert_int_equal(last_inspection().done_usec, 0);
}

/* One of a device alone is none of the terminal. */
static void is_partial(void **state) {
        plug(DEVICE_PRINTER, "1-3");
        assert_int_equal(inspection_start(shop.engine), 0);
        start(HEALTH_INSPECTION, "1-3");
        acq_run();
        ended(1, 0);
        assert_int_equal(last_inspection().done_usec, 0);
}

/* A transaction comes first, whenever it begins, and what was being looked at is looked at again. */
static void is_put_off(void **state) {
        acq.hold = true;
        echo_begins("E-1");
        start(HEALTH_INSPECTION, "");
        acq_run();
        assert_string_equal(step(0, "terminal", HEALTH_WAITING)->sentence,
                            "A transaction runs: it goes on after that.");
        refused(HEALTH_INTERNAL, "", REFUSAL_BUSY);
        acq.hold = false;
        acq_run();
        acq_run();
        step(1, "echo", HEALTH_PASSED);
        step(2, "authenticity", HEALTH_RUNNING);
        assert_int_equal(acq.n_told, 2);

        acq.hold = true;
        echo_begins("E-2");
        step(2, "authenticity", HEALTH_WAITING);
        acq_run();
        step(2, "authenticity", HEALTH_WAITING);
        acq.hold = false;
        acq_run();
        step(2, "authenticity", HEALTH_RUNNING);
        /* Nobody waits for the first answer any more. */
        safe_close(accept4(lab.listening, NULL, NULL, SOCK_CLOEXEC));
        verified(DOCUMENT("good"));
        ended(3, 0);
        assert_string_equal(last_inspection().note, "good");
}

static void is_on_for(unsigned hours) {
        char sql[160];

        snprintf(
                sql, sizeof(sql),
                "UPDATE uptime SET base_usec = base_usec + %u * 3600000000, total_usec = total_usec + %u * 3600000000",
                hours, hours);
        assert_int_equal(sqlite3_exec(shop.journal->db, sql, NULL, NULL, NULL), SQLITE_OK);
        faults_kick(lab.faults);
        acq_run();
}

static int is_inspection(const struct maintenance_item *item, void *userdata) {
        return streq(item->name, INSPECTION_ITEM) && item->due == *(const bool *) userdata;
}

static void assert_overdue(bool overdue) {
        struct fault_record fault;

        assert_int_equal(fault_record_find(shop.journal, "inspection-overdue", "", &fault), overdue ? 0 : -ENOENT);
        assert_int_equal(maintenance_each(shop.engine, is_inspection, &overdue), 1);
}

/* By the hours that the terminal was on, whatever the clock says. */
static void is_overdue(void **state) {
        struct refusal refusal;

        assert_int_equal(faults_start(lab.faults), 0);
        is_on_for(1000);
        assert_overdue(false);
        assert_int_equal(inspection_start(shop.engine), 0);
        assert_int_equal(inspection_start(shop.engine), 0);
        is_on_for(47);
        assert_overdue(false);
        is_on_for(2);
        assert_overdue(true);
        /* Nobody's word does instead. */
        assert_true(maintenance_done(shop.engine, INSPECTION_ITEM, "", "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        /* That it was left out does not fail the one that makes up for it. */
        start(HEALTH_INSPECTION, "");
        acq_run();
        verified(DOCUMENT("good"));
        ended(3, 0);
        assert_overdue(false);
        /* Started anew, it counts on. */
        assert_int_equal(inspection_start(shop.engine), 0);
        is_on_for(49);
        assert_overdue(true);
}

static struct terminal_state whole(void) {
        struct terminal_state s;

        assert_int_equal(terminal_state_read(shop.engine, &s), 0);
        return s;
}

static void the_whole(void **state) {
        struct terminal_state s = whole();

        assert_string_equal(s.global, "OK");
        assert_string_equal(s.printer, "OK");
        assert_true(s.card_reader && s.communication && s.security);
        assert_int_equal(s.unconfirmed + s.open_faults, 0);

        acq.hold = true;
        acq.down = 99;
        acq_add_reversal(100);
        outbox_kick(shop.engine->outbox);
        acq_run();
        assert_int_equal(whole().unconfirmed, 1);
        open_fault("reconcile-other-rrn", "000001/000001", "warning");
        assert_string_equal(whole().global, "OK");
        open_fault("journal-changed", "", "critical");
        s = whole();
        assert_string_equal(s.global, "Maintenance");
        assert_false(s.security);
        assert_true(s.card_reader && s.communication);
        assert_int_equal(s.open_faults, 2);
        acq.hold = false;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(looks, setup, teardown),
                cmocka_unit_test_setup_teardown(fails_by_faults, setup, teardown),
                cmocka_unit_test_setup_teardown(asks_the_acquirer, setup, teardown),
                cmocka_unit_test_setup_teardown(prints, setup, teardown),
                cmocka_unit_test_setup_teardown(asks_for_cards, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_comes, setup, teardown),
                cmocka_unit_test_setup_teardown(yields_to_a_transaction, setup, teardown),
                cmocka_unit_test_setup_teardown(is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(inspects, setup, teardown),
                cmocka_unit_test_setup_teardown(inspects_all, setup, teardown),
                cmocka_unit_test_setup_teardown(is_cancelled, setup, teardown),
                cmocka_unit_test_setup_teardown(is_partial, setup, teardown),
                cmocka_unit_test_setup_teardown(is_put_off, setup, teardown),
                cmocka_unit_test_setup_teardown(is_overdue, setup, teardown),
                cmocka_unit_test_setup_teardown(the_whole, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
