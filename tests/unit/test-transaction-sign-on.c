// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a sign-on may say about the batch. The link and the check of the keys are put in by the linker (--wrap). */
#include "test.h"

#include <setjmp.h>

#include "base/log.h"
#include "engine-fixture.h"
#include "host/exchange.h"
#include "journal/counter.h"
#include "journal/event.h"

static struct {
        uint32_t batch; /* that the acquirer names; 0: none */
        char operator_id[4];
        host_exchange_done_t done;
        void *userdata;
} sign_on;

int __wrap_host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                         const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done,
                         void *userdata);
int __wrap_host_keys_load(struct host_keys *keys, const void *data, size_t size);

int __wrap_host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                         const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done,
                         void *userdata) {
        assert_int_equal(q->kind, HOST_SIGN_ON);
        COPY(sign_on.operator_id, q->operator_id);
        sign_on.done = done;
        sign_on.userdata = userdata;
        return 0;
}

int __wrap_host_keys_load(struct host_keys *keys, const void *data, size_t size) {
        return 0;
}

/* The disk: what a commit says, after so many good ones, and where it ends. */
static int disk;
static unsigned good;
static jmp_buf panicked;

int __wrap_journal_commit(struct journal *j);
int __real_journal_commit(struct journal *j);
void __wrap_engine_panic(int error, const char *what) __attribute__((noreturn));

int __wrap_journal_commit(struct journal *j) {
        if (disk == 0 || good > 0) {
                good -= good > 0;
                return __real_journal_commit(j);
        }
        return disk;
}

void __wrap_engine_panic(int error, const char *what) {
        assert_int_equal(error, -EIO);
        longjmp(panicked, 1);
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        shop_set_up();
        shop_open(on_transaction, "/nonexistent/card-worker");
        return 0;
}

static int teardown(void **state) {
        shop_tear_down();
        return 0;
}

static void signed_on(const char *failure, void *userdata) {
        assert_null(failure);
}

static void refused(const char *failure, void *userdata) {
        assert_non_null(failure);
}

/* The batch that is open after the acquirer has named one. */
static uint32_t batch_after(uint32_t named) {
        struct host_answer answer = { .code = "00", .keys = { 1 }, .keys_size = 40 };
        uint32_t batch;

        answer.has_batch = named > 0;
        answer.batch = named;
        assert_int_equal(acquirer_sign_on(shop.engine->acquirer, 0, signed_on, NULL), 0);
        sign_on.done(HOST_ANSWERED, 0, &answer, sign_on.userdata);
        assert_int_equal(counter_get_batch(shop.journal, &batch), 0);
        return batch;
}

static void add(const char *reference, const char *kind, int64_t amount) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = amount;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(counter_next_stan(shop.journal, &record.stan), 0);
        assert_int_equal(counter_get_batch(shop.journal, &record.batch), 0);
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* The totals of a batch are those of its rows: a number that changes in between loses them. */
static void batch_with_rows_stays(void **state) {
        assert_int_equal(batch_after(0), 1);
        assert_int_equal(batch_after(7), 7);
        /* Nothing that a settlement counts. */
        add("a", "echo", 0);
        assert_int_equal(batch_after(8), 8);
        add("b", "sale", 100);
        assert_int_equal(batch_after(9), 8);
        assert_int_equal(batch_after(8), 8);
}

static int last_text(const struct event_record *event, void *userdata) {
        char *text = userdata;

        (void) snprintf(text, 128, "%s %s", event->kind, event->text);
        return 0;
}

static void assert_last_event(const char *expected) {
        char text[128] = "";

        assert_int_equal(event_each(shop.journal, 0, 0, 0, last_text, text), 0);
        assert_string_equal(text, expected);
}

/* Each change of the number is in the chain, and nothing else is. */
static void adopted_batch_is_an_event(void **state) {
        int64_t before, seq;
        uint8_t hash[EVENT_HASH_SIZE];

        assert_int_equal(batch_after(7), 7);
        assert_last_event("batch-adopted {\"batch\":7,\"before\":1}");
        assert_int_equal(event_head(shop.journal, &before, hash), 0);
        assert_int_equal(batch_after(7), 7);
        add("a", "sale", 100);
        assert_int_equal(batch_after(8), 7);
        assert_int_equal(event_head(shop.journal, &seq, hash), 0);
        assert_int_equal(seq, before);
}

/* The one of tilld.conf stands for nobody. */
static void named_operator(void **state) {
        (void) batch_after(0);
        assert_string_equal(sign_on.operator_id, shop.settings.operator_number);
        shop_log_on("07");
        (void) batch_after(0);
        assert_string_equal(sign_on.operator_id, "07");
        shop_log_on(NULL);
        (void) batch_after(0);
        assert_string_equal(sign_on.operator_id, shop.settings.operator_number);
}

/* Nor does the number of an older one come again, whose STANs are taken. */
static void older_batch_is_not_taken(void **state) {
        add("a", "sale", 100);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_batch(shop.journal, 2), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(batch_after(1), 2);
        assert_int_equal(batch_after(3), 3);
}

static void ignore(const char *failure, void *userdata) {
}

/* One that says no is there; one that cannot be reached, or says nothing, is not. */
static void who_was_reached(void **state) {
        struct host_answer answer = { .code = "97" };
        static const struct {
                enum host_outcome outcome;
                bool reached;
        } all[] = {
                { HOST_ANSWERED, true },   { HOST_NOT_SENT, false }, { HOST_BAD_MAC, true },
                { HOST_NO_ANSWER, false }, { HOST_MALFORMED, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(all); i++) {
                assert_int_equal(acquirer_sign_on(shop.engine->acquirer, 0, ignore, NULL), 0);
                sign_on.done(all[i].outcome, 0, all[i].outcome == HOST_ANSWERED ? &answer : NULL, sign_on.userdata);
                assert_int_equal(acquirer_was_reached(shop.engine->acquirer), all[i].reached);
        }
}

static void note_failure(const char *failure, void *userdata) {
        bool *failed = userdata;

        *failed = failure != NULL;
}

static void sign_on_with(int error) {
        struct host_answer answer = { .code = "00", .keys = { 1 }, .keys_size = 40 };
        bool failed = false;

        assert_int_equal(acquirer_sign_on(shop.engine->acquirer, 0, note_failure, &failed), 0);
        disk = error;
        sign_on.done(HOST_ANSWERED, 0, &answer, sign_on.userdata);
        assert_true(failed);
}

static void next_stan(void) {
        uint32_t stan, batch;

        (void) acquirer_next_stan(shop.engine->acquirer, &stan, &batch);
}

static void sign_off(void) {
        acquirer_sign_off(shop.engine->acquirer);
}

/* Its intent is written, and its number is not. */
static void echo(void) {
        const struct engine_call call = {
                .kind = "echo", .currency = "", .reference = "E", .order = "", .approver = ""
        };
        struct refusal refusal;
        int64_t id;

        good = 1;
        (void) engine_start_transaction(shop.engine, &call, &id, &refusal);
}

static bool panics(void (*act)(void)) {
        if (setjmp(panicked)) {
                journal_rollback(shop.journal);
                return true;
        }
        act();
        return false;
}

static void with_eio(void) {
        sign_on_with(-EIO);
}

/* After a failed sync nobody knows what the disk holds: nothing goes on. A full one is said, and tried again. */
static void broken_disk(void **state) {
        disk = 0;
        sign_on_with(-ENOSPC);
        assert_false(acquirer_is_signed_on(shop.engine->acquirer));
        disk = -ENOSPC;
        assert_false(panics(sign_off));
        assert_false(panics(next_stan));
        disk = 0;
        assert_true(panics(with_eio));
        disk = -EIO;
        assert_true(panics(sign_off));
        assert_true(panics(next_stan));
        assert_true(panics(echo));
        disk = 0;
}

/* Each exchange counts by what came of it, and an answer by what it took. */
static void counted(void **state) {
        struct acquirer_standing standing;
        uint64_t answers = 0;

        (void) batch_after(0);
        assert_int_equal(acquirer_sign_on(shop.engine->acquirer, 0, refused, NULL), 0);
        sign_on.done(HOST_NO_ANSWER, 0, NULL, sign_on.userdata);
        acquirer_get_standing(shop.engine->acquirer, &standing);
        assert_int_equal(standing.exchanges[HOST_ANSWERED], 1);
        assert_int_equal(standing.exchanges[HOST_NO_ANSWER], 1);
        assert_int_equal(standing.exchanges[HOST_NOT_SENT], 0);
        for (size_t i = 0; i < ELEMENTSOF(standing.answers.n); i++)
                answers += standing.answers.n[i];
        assert_int_equal(answers, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(batch_with_rows_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(adopted_batch_is_an_event, setup, teardown),
                cmocka_unit_test_setup_teardown(named_operator, setup, teardown),
                cmocka_unit_test_setup_teardown(who_was_reached, setup, teardown),
                cmocka_unit_test_setup_teardown(older_batch_is_not_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(broken_disk, setup, teardown),
                cmocka_unit_test_setup_teardown(counted, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-sign-on", tests, NULL, NULL);
}
