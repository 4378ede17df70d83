// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine without a device and with an acquirer that nobody serves: what it refuses, what it finds again, and how a
 * start ends what a crash left open. Sales with devices run in tests/vm.
 */
#include "test.h"

#include "base/log.h"
#include "engine-fixture.h"
#include "journal/counter.h"
#include "journal/key.h"

#define TEST_PAN "6200000000000005"

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static void start_tilld(void) {
        shop_open(on_transaction, "/nonexistent/card-worker");
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        shop_set_up();
        start_tilld();
        return 0;
}

static int teardown(void **state) {
        shop_tear_down();
        return 0;
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

        assert_true(engine_start_transaction(shop.engine, call, &id, &refusal) < 0);
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
        ASSERT_REFUSED(reference, "REBIND-1-CHECK", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, long_reference, REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(reference, long_reference + 1, REFUSAL_UNAVAILABLE_DEVICE);
        ASSERT_REFUSED(order, "a\nb", REFUSAL_INVALID_REFERENCE);
        ASSERT_REFUSED(training, true, REFUSAL_TRAINING_MODE);
        shop.settings.mode = MODE_TRAINING;
        ASSERT_REFUSED(training, false, REFUSAL_TRAINING_MODE);
        ASSERT_REFUSED(training, true, REFUSAL_UNAVAILABLE_DEVICE);
        assert_int_equal(engine_current(shop.engine), 0);
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

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
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
                assert_int_equal(transaction_record_set_pan(shop.journal, &record, TEST_PAN), 0);
                assert_int_equal(reversals_prepare(shop.journal, record.id, &q), 0);
        }
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record.id;
}

static struct transaction_view view_of(int64_t id) {
        struct transaction_view view;

        assert_int_equal(engine_view(shop.engine, id, &view), 0);
        return view;
}

static void nothing_was_sent(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_CARD);
        struct request_record reversal;
        struct transaction_view view;

        assert_int_equal(engine_start(shop.engine), 0);
        view = view_of(id);
        assert_int_equal(view.record.state, TRANSACTION_DONE);
        assert_int_equal(view.record.result, RESULT_FAILED);
        assert_string_equal(view.record.reason, "interrupted");
        assert_int_equal(view.record.reversal, REVERSAL_NONE);
        assert_int_equal(view.record.print, PRINT_NONE);
        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, id, &reversal), -ENOENT);
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_REVERSAL), 0);
}

/* A journal of a newer version was taken back: what was sent may be money. */
static void unknown_kind(void **state) {
        static const struct {
                const char *reference;
                uint32_t stan;
                enum transaction_result result;
                const char *reason;
        } rows[] = {
                { "U-1", 7, RESULT_UNCONFIRMED, "unconfirmed" },
                { "U-2", 0, RESULT_FAILED, "interrupted" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct transaction_record record;
                struct transaction_view view;

                transaction_record_init(&record);
                COPY(record.reference, rows[i].reference);
                COPY(record.kind, "instalment");
                COPY(record.currency, "CNY");
                record.amount = 100;
                record.state = TRANSACTION_AUTHORIZING;
                record.stan = rows[i].stan;
                record.batch = rows[i].stan > 0 ? 1 : 0;
                assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                assert_int_equal(engine_start(shop.engine), 0);
                view = view_of(record.id);
                assert_int_equal(view.record.state, TRANSACTION_DONE);
                assert_int_equal(view.record.result, rows[i].result);
                assert_string_equal(view.record.reason, rows[i].reason);
                assert_true(*view.record.message);
        }
}

static void request_was_sent(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct request_record reversal;
        struct transaction_view view;
        struct print_job job;

        assert_int_equal(engine_start(shop.engine), 0);
        view = view_of(id);
        assert_int_equal(view.record.result, RESULT_FAILED);
        assert_string_equal(view.record.reason, "cut-off");
        assert_int_equal(view.record.reversal, REVERSAL_PENDING);
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_REVERSAL), 1);

        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, id, &reversal), 0);
        assert_true(reversal.armed);
        assert_string_equal(reversal.reason, HOST_REASON_NO_ANSWER);
        request_record_done(&reversal);

        /* The cardholder's paper says what becomes of it; nothing else is printed. */
        assert_int_equal(print_job_find(shop.journal, id, "not-completed", &job), 0);
        assert_int_equal(job.state, PRINT_QUEUED);
        assert_non_null(memmem(job.content, job.content_size, "message=终端中途重启\\n", 28));
        print_job_done(&job);
        assert_int_equal(print_job_count_open(shop.journal), 1);
}

/* A second start finds nothing to end, and changes nothing. */
static void started_twice(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct transaction_view before, after;

        assert_int_equal(engine_start(shop.engine), 0);
        before = view_of(id);
        shop_close();
        start_tilld();
        assert_int_equal(engine_start(shop.engine), 0);
        after = view_of(id);
        assert_memory_equal(&before.record, &after.record, sizeof(before.record));
        assert_int_equal(print_job_count_open(shop.journal), 1);
}

/* Keys that are of no use with what the settings say now are asked for anew; they do not keep tilld from starting. */
static void stored_session_keys(void **state) {
        static const uint8_t tmk[TMK_SIZE] = { 9 };
        uint8_t wrapped[WRAPPED_KEYS_MAX];

        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, "0123456789abcdef", 16, wrapped), 20);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, "fedcba9876543210", 16, wrapped + 20), 20);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(wrapped_key_store(shop.journal, "session-keys", wrapped, 40), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        shop_close();
        start_tilld();
        assert_true(acquirer_is_signed_on(shop.engine->acquirer));

        shop_close();
        shop.settings.profile = &host_profile_aes;
        start_tilld();
        assert_false(acquirer_is_signed_on(shop.engine->acquirer));
}

/* No number is that of a transaction which is not there. */
static void nothing_runs(void **state) {
        struct refusal refusal;

        for (int64_t id = -1; id <= 1; id++) {
                assert_true(engine_approve(shop.engine, id, "02", &refusal) < 0);
                assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
                assert_true(engine_choose(shop.engine, id, 1, &refusal) < 0);
                assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
                assert_true(engine_cancel(shop.engine, id, &refusal) < 0);
                assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        }
}

static void unreachable_acquirer(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_AUTHORIZING);
        struct request_record reversal;

        assert_int_equal(engine_start(shop.engine), 0);
        for (int i = 0; i < 200 && streq(acquirer_state(shop.engine->acquirer), "unknown"); i++)
                assert_true(sd_event_run(shop.event, 50000) >= 0);
        assert_string_not_equal(acquirer_state(shop.engine->acquirer), "unknown");
        assert_string_not_equal(acquirer_state(shop.engine->acquirer), "reachable");

        /* Still pending, with one attempt more and a time for the next. */
        assert_int_equal(view_of(id).record.reversal, REVERSAL_PENDING);
        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, id, &reversal), 0);
        assert_int_equal(reversal.attempts, 1);
        assert_true(reversal.next_boot > 0);
        request_record_done(&reversal);
}

static void same_call(void **state) {
        int64_t id = leave_open("A-1", TRANSACTION_CARD), found;
        struct engine_call c = good_call();
        struct refusal refusal;

        assert_int_equal(engine_start(shop.engine), 0);
        assert_int_equal(engine_start_transaction(shop.engine, &c, &found, &refusal), 0);
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

        assert_int_equal(engine_start(shop.engine), 0);
        assert_true(engine_cancel(shop.engine, id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_TOO_LATE);
        assert_true(engine_cancel(shop.engine, id + 1, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(refused_calls, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_was_sent, setup, teardown),
                cmocka_unit_test_setup_teardown(unknown_kind, setup, teardown),
                cmocka_unit_test_setup_teardown(request_was_sent, setup, teardown),
                cmocka_unit_test_setup_teardown(started_twice, setup, teardown),
                cmocka_unit_test_setup_teardown(stored_session_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_runs, setup, teardown),
                cmocka_unit_test_setup_teardown(unreachable_acquirer, setup, teardown),
                cmocka_unit_test_setup_teardown(same_call, setup, teardown),
                cmocka_unit_test_setup_teardown(cancelled_too_late, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-engine", tests, NULL, NULL);
}
