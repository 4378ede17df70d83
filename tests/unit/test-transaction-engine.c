// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine without a device and with an acquirer that nobody serves: what it refuses, what it finds again, and how a
 * start ends what a crash left open. Sales with devices run in tests/vm.
 */
#include "test.h"

#include <systemd/sd-event.h>

#include "base/log.h"
#include "journal/counter.h"
#include "transaction/engine.h"

#define TEST_PAN "6200000000000005"

static char dir[] = "/tmp/test-engine-XXXXXX";
static struct settings settings;
static struct emv_terminal terminal;
static struct journal *journal;
static sd_event *event;
static struct engine *engine;

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}
static void on_device(struct device *device, enum monitor_event e, void *userdata) {
}
static void on_job(int64_t job, enum print_state state, void *userdata) {
}
static void on_change(void *userdata) {
}

static void open_journal(void) {
        static const uint8_t key[JOURNAL_KEY_SIZE] = { 7 };
        char path[64], *message = NULL;

        snprintf(path, sizeof(path), "%s/test.db", dir);
        if (journal_open(path, key, &journal, &message) < 0)
                fail_msg("%s", message);
}

static void make_engine(void) {
        static const uint8_t tmk[TMK_SIZE] = { 9 };
        const struct engine_listener listener = {
                .transaction = on_transaction,
                .device = on_device,
                .job = on_job,
                .changed = on_change,
        };
        char ca[64], certificate[64];
        struct engine_config config = {
                .event = event,
                .settings = &settings,
                .journal = journal,
                .terminal = &terminal,
                .tmk = tmk,
                .ca_file = ca,
                .certificate_file = certificate,
                .card_worker = "/nonexistent/card-worker",
        };

        snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
        snprintf(certificate, sizeof(certificate), "%s/terminal.pem", dir);
        assert_int_equal(engine_new(&config, &listener, &engine), 0);
}

static int setup(void **state) {
        char command[512];

        strcpy(dir + strlen(dir) - 6, "XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        log_set_max_level(LOG_EMERG);
        snprintf(command, sizeof(command),
                 "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=test "
                 "-days 2 -keyout key -out ca.pem 2>/dev/null && cat ca.pem key >terminal.pem",
                 dir);
        if (system(command) != 0)
                return -1;
        settings = (struct settings){
                .mode = MODE_TEST,
                .merchant_name = (char *) "test",
                .merchant_number = "000000000000001",
                .terminal_number = "T0000001",
                .operator_number = "01",
                /* Port 9 of this machine: nobody answers. */
                .acquirer_hosts = { (char *) "127.0.0.1:9" },
                .answer_timeout = 5,
                .merchant_copy = true,
                .cardholder_copy = true,
        };
        emv_terminal_init(&terminal);
        if (sd_event_new(&event) < 0)
                return -1;
        open_journal();
        make_engine();
        return 0;
}

static int teardown(void **state) {
        char command[80];

        engine = engine_free(engine);
        journal = journal_close(journal);
        event = sd_event_unref(event);
        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

static struct engine_call good_call(void) {
        return (struct engine_call){
                .kind = "sale",
                .amount = 100,
                .currency = "CNY",
                .reference = "A-1",
                .order = "",
        };
}

static void assert_refused(const struct engine_call *call, enum refusal_code code) {
        struct refusal refusal = {};
        int64_t id;

        assert_true(engine_start_transaction(engine, call, &id, &refusal) < 0);
        assert_int_equal(refusal.code, code);
        /* It says what to do, not only what is wrong. */
        assert_true(strlen(refusal.text) > 30);
}

static void refused_calls(void **state) {
        char long_reference[66];
        struct engine_call c;

#define ASSERT_REFUSED(member, value, code)                                                                           \
        c = good_call();                                                                                              \
        c.member = (value);                                                                                           \
        assert_refused(&c, code)

        memset(long_reference, 'x', sizeof(long_reference));
        long_reference[65] = '\0';
        ASSERT_REFUSED(kind, "gift", REFUSAL_UNKNOWN_KIND);
        ASSERT_REFUSED(kind, "", REFUSAL_UNKNOWN_KIND);
        ASSERT_REFUSED(amount, 0, REFUSAL_INVALID_AMOUNT);
        ASSERT_REFUSED(amount, -1, REFUSAL_INVALID_AMOUNT);
        ASSERT_REFUSED(amount, INT64_MIN, REFUSAL_INVALID_AMOUNT);
        ASSERT_REFUSED(amount, INT64_C(1000000000000), REFUSAL_INVALID_AMOUNT);
        ASSERT_REFUSED(currency, "XYZ", REFUSAL_UNKNOWN_CURRENCY);
        ASSERT_REFUSED(currency, "cny", REFUSAL_UNKNOWN_CURRENCY);
        ASSERT_REFUSED(reference, "", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, "a b", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, "晨", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, long_reference, REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, long_reference + 1, REFUSAL_UNAVAILABLE_DEVICE);
        ASSERT_REFUSED(order, "a\nb", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(training, true, REFUSAL_TRAINING_MODE);
        settings.mode = MODE_TRAINING;
        ASSERT_REFUSED(training, false, REFUSAL_TRAINING_MODE);
        ASSERT_REFUSED(training, true, REFUSAL_UNAVAILABLE_DEVICE);
        assert_int_equal(engine_current(engine), 0);
}

/* A row as a killed tilld leaves it. */
static int64_t leave_open(const char *reference, enum transaction_state at) {
        struct transaction_record record;

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "%s", reference);
        snprintf(record.kind, sizeof(record.kind), "sale");
        record.amount = 100;
        snprintf(record.currency, sizeof(record.currency), "CNY");
        /* SHA-256 of "order=\ntraining=0\n", by sha256sum. */
        snprintf(record.options_digest, sizeof(record.options_digest),
                 "78899F6A99AE668A8EDF0C08B41AB8B6A3B516A246F997A9DF3920D60FE9E5D9");
        snprintf(record.boot_id, sizeof(record.boot_id), "00000000000000000000000000000000");
        record.started_usec = 1;

        assert_int_equal(journal_begin(journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(journal, &record), 0);
        record.state = at;
        if (at == TRANSACTION_AUTHORIZING) {
                const struct host_request q = {
                        .kind = HOST_SALE,
                        .stan = 1,
                        .batch = 1,
                        .amount = 100,
                        .currency = 156,
                        .entry = HOST_ENTRY_CHIP,
                        .pan = TEST_PAN,
                        .psn = 1,
                };

                record.reversal = REVERSAL_PENDING;
                record.stan = record.batch = record.voucher = 1;
                assert_int_equal(transaction_record_set_pan(journal, &record, TEST_PAN), 0);
                assert_int_equal(reversals_prepare(journal, record.id, &q), 0);
        }
        assert_int_equal(transaction_record_update(journal, &record), 0);
        assert_int_equal(journal_commit(journal), 0);
        return record.id;
}

static struct transaction_view view_of(int64_t id) {
        struct transaction_view view;

        assert_int_equal(engine_view(engine, id, &view), 0);
        return view;
}

static void nothing_was_sent(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_CARD);
        struct reversal_record reversal;
        struct transaction_view view;

        assert_int_equal(engine_start(engine), 0);
        view = view_of(id);
        assert_int_equal(view.record.state, TRANSACTION_DONE);
        assert_int_equal(view.record.result, RESULT_FAILED);
        assert_string_equal(view.record.reason, "interrupted");
        assert_int_equal(view.record.reversal, REVERSAL_NONE);
        assert_int_equal(view.record.print, PRINT_NONE);
        assert_int_equal(reversal_record_load(journal, id, &reversal), -ENOENT);
        assert_int_equal(reversals_count(engine->reversals), 0);
}

static void request_was_sent(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct reversal_record reversal;
        struct transaction_view view;
        struct print_job job;

        assert_int_equal(engine_start(engine), 0);
        view = view_of(id);
        assert_int_equal(view.record.result, RESULT_FAILED);
        assert_int_equal(view.record.reversal, REVERSAL_PENDING);
        assert_int_equal(reversals_count(engine->reversals), 1);

        assert_int_equal(reversal_record_load(journal, id, &reversal), 0);
        assert_true(reversal.armed);
        assert_string_equal(reversal.reason, HOST_REASON_NO_ANSWER);
        reversal_record_done(&reversal);

        /* The cardholder's paper says what becomes of it; nothing else is printed. */
        assert_int_equal(print_job_find(journal, id, "not-completed", &job), 0);
        assert_int_equal(job.state, PRINT_QUEUED);
        print_job_done(&job);
        assert_int_equal(print_job_count_open(journal), 1);
}

/* A second start finds nothing to end, and changes nothing. */
static void started_twice(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct transaction_view before, after;

        assert_int_equal(engine_start(engine), 0);
        before = view_of(id);
        engine = engine_free(engine);
        journal = journal_close(journal);
        open_journal();
        make_engine();
        assert_int_equal(engine_start(engine), 0);
        after = view_of(id);
        assert_memory_equal(&before.record, &after.record, sizeof(before.record));
        assert_int_equal(print_job_count_open(journal), 1);
}

static void unreachable_acquirer(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct reversal_record reversal;

        assert_int_equal(engine_start(engine), 0);
        for (int i = 0; i < 200 && streq(acquirer_state(engine->acquirer), "unknown"); i++)
                assert_true(sd_event_run(event, 50000) >= 0);
        assert_string_not_equal(acquirer_state(engine->acquirer), "unknown");
        assert_string_not_equal(acquirer_state(engine->acquirer), "reachable");

        /* Still pending, with one attempt more and a time for the next. */
        assert_int_equal(view_of(id).record.reversal, REVERSAL_PENDING);
        assert_int_equal(reversal_record_load(journal, id, &reversal), 0);
        assert_int_equal(reversal.attempts, 1);
        assert_true(reversal.next_boot > 0);
        reversal_record_done(&reversal);
}

static void same_call(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_CARD), found;
        struct engine_call c = good_call();
        struct refusal refusal;

        assert_int_equal(engine_start(engine), 0);
        assert_int_equal(engine_start_transaction(engine, &c, &found, &refusal), 0);
        assert_int_equal(found, id);

        c.amount = 101;
        assert_refused(&c, REFUSAL_REFERENCE_REUSED);
        c = good_call();
        c.currency = "USD";
        assert_refused(&c, REFUSAL_REFERENCE_REUSED);
        c = good_call();
        c.order = "O-1";
        assert_refused(&c, REFUSAL_REFERENCE_REUSED);
}

static void cancelled_too_late(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_CARD);
        struct refusal refusal;

        assert_int_equal(engine_start(engine), 0);
        assert_true(engine_cancel(engine, id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_TOO_LATE);
        assert_true(engine_cancel(engine, id + 1, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(refused_calls, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_was_sent, setup, teardown),
                cmocka_unit_test_setup_teardown(request_was_sent, setup, teardown),
                cmocka_unit_test_setup_teardown(started_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(unreachable_acquirer, setup, teardown),
                cmocka_unit_test_setup_teardown(same_call, setup, teardown),
                cmocka_unit_test_setup_teardown(cancelled_too_late, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-engine", tests, NULL, NULL);
}
