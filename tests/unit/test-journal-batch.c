// SPDX-License-Identifier: LGPL-2.1-or-later
/* What waits to be told to the acquirer, and batches from the first transaction to the settlement. */
#include "open-journal.h"

#include "base/secret.h"
#include "journal/batch.h"
#include "journal/counter.h"
#include "journal/request.h"

/* One with a STAN in a batch. */
static struct transaction_record add(uint32_t batch, const char *kind, int64_t amount,
                                     enum transaction_result result) {
        struct transaction_record record;
        static int n;

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "b-%d", ++n);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = amount;
        record.started_usec = 1000 + (uint64_t) n;
        begin();
        assert_int_equal(transaction_record_insert(j, &record), 0);
        assert_int_equal(counter_next_stan(j, &record.stan), 0);
        record.batch = batch;
        record.result = result;
        record.state = result == RESULT_NONE ? TRANSACTION_AUTHORIZING : TRANSACTION_DONE;
        assert_int_equal(transaction_record_update(j, &record), 0);
        commit();
        return record;
}

static void set_forwarding(struct transaction_record *record, enum forwarding_state forwarding) {
        begin();
        record->forwarding = forwarding;
        assert_int_equal(transaction_record_update(j, record), 0);
        commit();
}

static void forwards(void **state) {
        struct transaction_record a = add(1, "sale", 100, RESULT_APPROVED), b = add(1, "tip", 20, RESULT_APPROVED);
        struct request_record record = {
                .queue = REQUEST_FORWARD, .request = (char *) "request", .request_size = 7, .created_usec = 5
        };
        _cleanup_(request_record_done) struct request_record loaded = {}, first = {};
        unsigned count;
        int64_t amount;

        record.created_uptime = 6;
        record.transaction = b.id;
        assert_int_equal(request_record_insert(j, &record), -EPROTO);
        begin();
        assert_int_equal(request_record_insert(j, &record), 0);
        assert_int_equal(request_record_insert(j, &record), -EEXIST);
        record.transaction = a.id;
        assert_int_equal(request_record_insert(j, &record), 0);
        record.transaction = b.id + 1;
        assert_int_equal(request_record_insert(j, &record), -ENOENT);
        journal_rollback(j);
        assert_int_equal(request_record_first(j, REQUEST_FORWARD, &first), -ENOENT);

        begin();
        record.transaction = b.id;
        assert_int_equal(request_record_insert(j, &record), 0);
        record.transaction = a.id;
        assert_int_equal(request_record_insert(j, &record), 0);
        record.sent = true;
        record.attempts = 3;
        record.next_usec = 77;
        record.next_boot = 78;
        strcpy(record.last_answer, "96");
        assert_int_equal(request_record_update(j, &record), 0);
        commit();
        set_forwarding(&a, FORWARDING_PENDING);
        reopen();
        /* By the journal's order, whichever was added first. */
        assert_int_equal(request_record_first(j, REQUEST_FORWARD, &first), 0);
        assert_int_equal(first.transaction, a.id);
        assert_int_equal(request_record_load(j, REQUEST_FORWARD, a.id, &loaded), 0);
        assert_true(loaded.sent);
        assert_int_equal(loaded.attempts, 3);
        assert_int_equal(loaded.next_usec, 77);
        assert_int_equal(loaded.next_boot, 78);
        assert_string_equal(loaded.last_answer, "96");
        assert_int_equal(loaded.created_usec, 5);
        assert_int_equal(loaded.created_uptime, 6);
        assert_int_equal(loaded.request_size, 7);
        assert_memory_equal(loaded.request, "request", 7);
        assert_int_equal(request_record_count(j, REQUEST_FORWARD), 2);
        assert_int_equal(request_record_sum_forwards(j, &count, &amount), 0);
        assert_int_equal(count, 2);
        assert_int_equal(amount, 120);

        /* What the acquirer has not been told is not forgotten. */
        begin();
        assert_int_equal(request_record_remove(j, REQUEST_FORWARD, a.id), -EALREADY);
        journal_rollback(j);
        set_forwarding(&a, FORWARDING_DONE);
        begin();
        assert_int_equal(request_record_remove(j, REQUEST_FORWARD, a.id), 0);
        assert_int_equal(request_record_remove(j, REQUEST_FORWARD, a.id), -ENOENT);
        commit();
        assert_int_equal(request_record_count(j, REQUEST_FORWARD), 1);
}

static int print_total(const struct batch_total *total, void *userdata) {
        char *text = userdata, line[64];

        snprintf(line, sizeof(line), "%s %u %lld;", total->kind, total->count, (long long) total->amount);
        strcat(text, line);
        return 0;
}

static void assert_totals(uint32_t batch, const char *expected) {
        char text[512] = "";

        assert_int_equal(batch_each_total(j, batch, print_total, text), 0);
        assert_string_equal(text, expected);
}

static int print_row(const struct transaction_record *record, void *userdata) {
        char *text = userdata, line[32];

        snprintf(line, sizeof(line), "%lld ", (long long) record->amount);
        strcat(text, line);
        return 0;
}

static void assert_rows(uint32_t batch, enum batch_rows rows, int64_t after, unsigned limit, const char *expected) {
        char text[512] = "";

        assert_int_equal(batch_each_row(j, batch, rows, after, limit, print_row, text), 0);
        assert_string_equal(text, expected);
}

static void empty_batch(void **state) {
        struct batch_record batch;

        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_int_equal(batch.number, 1);
        assert_int_equal(batch.state, BATCH_OPEN);
        assert_string_equal(batch.currency, "");
        assert_int_equal(batch_is_empty(j, 1), 1);
        assert_int_equal(batch_load(j, 2, &batch), -ENOENT);
        assert_totals(1, "");
        /* A sign-on or a balance inquiry names no money. */
        (void) add(1, "sign-on", 0, RESULT_APPROVED);
        assert_int_equal(batch_is_empty(j, 1), 1);
        (void) add(1, "sale", 5, RESULT_DECLINED);
        assert_int_equal(batch_is_empty(j, 1), 0);
        assert_totals(1, "");
}

static void open_totals(void **state) {
        struct transaction_record first = add(1, "sale", 100, RESULT_APPROVED), tip, chip;
        struct batch_record batch;

        (void) add(1, "sale", 250, RESULT_APPROVED);
        (void) add(1, "sale", 7, RESULT_DECLINED);
        (void) add(1, "sale", 8, RESULT_NONE);
        (void) add(1, "void", 250, RESULT_APPROVED);
        (void) add(1, "refund", 30, RESULT_UNCONFIRMED);
        (void) add(2, "sale", 9, RESULT_APPROVED);
        tip = add(1, "tip", 11, RESULT_APPROVED);
        chip = add(1, "sale", 40, RESULT_APPROVED);
        set_forwarding(&tip, FORWARDING_PENDING);
        assert_totals(1, "sale 3 390;tip 1 11;void 1 250;");
        /* What the acquirer does not take counts on neither side. */
        set_forwarding(&tip, FORWARDING_REJECTED);
        assert_totals(1, "sale 3 390;void 1 250;");
        set_forwarding(&tip, FORWARDING_RESOLVED);
        assert_totals(1, "sale 3 390;void 1 250;");
        assert_totals(2, "sale 1 9;");

        begin();
        assert_int_equal(batch_keep_chip(j, chip.id, "chip", 4), 0);
        commit();
        assert_rows(1, BATCH_ALL, 0, 0, "100 250 7 8 250 30 11 40 ");
        assert_rows(1, BATCH_APPROVED, 0, 0, "100 250 250 40 ");
        assert_rows(1, BATCH_APPROVED, 0, 2, "100 250 ");
        assert_rows(1, BATCH_APPROVED, first.id, 2, "250 250 ");
        assert_rows(1, BATCH_CHIPS, 0, 0, "40 ");
        assert_rows(1, BATCH_REJECTED, 0, 0, "11 ");
        assert_rows(1, BATCH_UNKNOWN, 0, 0, "30 ");
        begin();
        first.reversal = REVERSAL_REJECTED;
        assert_int_equal(transaction_record_update(j, &first), 0);
        commit();
        assert_rows(1, BATCH_UNKNOWN, 0, 1, "100 ");

        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_string_equal(batch.currency, "CNY");
        assert_int_equal(batch.opened_usec, first.started_usec);
}

static void settled(void **state) {
        struct transaction_record chip = add(1, "sale", 100, RESULT_APPROVED);
        struct batch_record batch, loaded;
        uint8_t icc[BATCH_CHIP_MAX];
        uint32_t next;
        size_t size;

        begin();
        assert_int_equal(batch_keep_chip(j, chip.id, "chip", 4), 0);
        assert_int_equal(batch_keep_chip(j, chip.id, "chip", 4), -EEXIST);
        journal_rollback(j);
        begin();
        assert_int_equal(batch_keep_chip(j, chip.id, "chip", 4), 0);
        commit();
        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_int_equal(batch_freeze(j, &batch), -EPROTO);
        begin();
        strcpy(batch.totals, "000");
        batch.settlement = 77;
        assert_int_equal(batch_freeze(j, &batch), 0);
        commit();
        reopen();

        /* Whatever happens to the rows, the acquirer is told the same again. */
        (void) add(1, "sale", 5, RESULT_APPROVED);
        assert_totals(1, "sale 1 100;");
        assert_int_equal(batch_load_current(j, &loaded), 0);
        assert_int_equal(loaded.state, BATCH_FROZEN);
        assert_string_equal(loaded.totals, "000");
        assert_string_equal(loaded.currency, "CNY");
        assert_int_equal(loaded.settlement, 77);
        assert_true(loaded.frozen_usec > 0);
        begin();
        assert_int_equal(batch_freeze(j, &batch), -EEXIST);
        journal_rollback(j);
        /* Only one is under way. */
        begin();
        batch.number = 2;
        assert_int_equal(batch_freeze(j, &batch), -EEXIST);
        journal_rollback(j);

        loaded.state = BATCH_UPLOADING;
        loaded.reconciliation = BATCH_UNEQUAL;
        loaded.details_to = 3;
        loaded.chips_to = 2;
        loaded.uploaded = 9;
        begin();
        assert_int_equal(batch_update(j, &loaded), 0);
        commit();
        assert_int_equal(batch_load(j, 1, &batch), 0);
        assert_memory_equal(&batch, &loaded, sizeof(batch));
        assert_int_equal(batch_load_chip(j, chip.id, icc, &size), 0);
        assert_int_equal(size, 4);
        assert_memory_equal(icc, "chip", 4);

        /* Number 2 was used before: it is left out. */
        (void) add(2, "sale", 9, RESULT_DECLINED);
        begin();
        assert_int_equal(batch_advance(j, &batch, &next), 0);
        commit();
        reopen();
        assert_int_equal(next, 3);
        assert_int_equal(batch_load_current(j, &loaded), 0);
        assert_int_equal(loaded.number, 3);
        assert_int_equal(loaded.state, BATCH_OPEN);
        assert_int_equal(batch_load(j, 1, &loaded), 0);
        assert_int_equal(loaded.state, BATCH_SETTLED);
        assert_true(loaded.settled_usec >= loaded.frozen_usec);
        assert_totals(1, "sale 1 100;");
        assert_int_equal(batch_load_chip(j, chip.id, icc, &size), -ENOENT);
        begin();
        assert_int_equal(batch_update(j, &loaded), -EALREADY);
        journal_rollback(j);
}

/* Nobody has said that the acquirer has them. */
static void settled_by_agreement(void **state) {
        struct transaction_record chip = add(1, "sale", 100, RESULT_APPROVED), settlement;
        struct batch_record batch;
        uint8_t icc[BATCH_CHIP_MAX];
        int64_t newest;
        uint32_t next;
        size_t size;

        assert_int_equal(batch_newest_settlement(j, "settlement", &newest), -ENOENT);
        (void) add(1, "settlement", 0, RESULT_DECLINED);
        settlement = add(1, "settlement", 0, RESULT_DECLINED);
        (void) add(1, "echo", 0, RESULT_APPROVED);
        assert_int_equal(batch_newest_settlement(j, "settlement", &newest), 0);
        assert_int_equal(newest, settlement.id);

        begin();
        assert_int_equal(batch_keep_chip(j, chip.id, "chip", 4), 0);
        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_int_equal(batch_freeze(j, &batch), 0);
        commit();
        /* It is an end, not a way to one. */
        batch.state = BATCH_UPLOADING;
        batch.reconciliation = BATCH_BY_AGREEMENT;
        begin();
        assert_true(batch_update(j, &batch) < 0);
        journal_rollback(j);
        begin();
        assert_int_equal(batch_advance(j, &batch, &next), 0);
        commit();
        reopen();
        assert_int_equal(next, 2);
        assert_int_equal(batch_load(j, 1, &batch), 0);
        assert_int_equal(batch.state, BATCH_SETTLED);
        assert_int_equal(batch.reconciliation, BATCH_BY_AGREEMENT);
        assert_string_equal(batch_reconciliation_to_string(batch.reconciliation), "by-agreement");
        assert_int_equal(batch_load_chip(j, chip.id, icc, &size), 0);
        begin();
        assert_int_equal(batch_update(j, &batch), -EALREADY);
        journal_rollback(j);
}

static void after_the_highest(void **state) {
        struct batch_record batch;
        uint32_t next;

        begin();
        assert_int_equal(counter_set_batch(j, 999999), 0);
        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_int_equal(batch_freeze(j, &batch), 0);
        batch.state = BATCH_UPLOADING;
        batch.reconciliation = BATCH_BALANCED;
        assert_int_equal(batch_advance(j, &batch, &next), 0);
        commit();
        assert_int_equal(next, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(forwards, open_one, close_one),
                cmocka_unit_test_setup_teardown(empty_batch, open_one, close_one),
                cmocka_unit_test_setup_teardown(open_totals, open_one, close_one),
                cmocka_unit_test_setup_teardown(settled, open_one, close_one),
                cmocka_unit_test_setup_teardown(settled_by_agreement, open_one, close_one),
                cmocka_unit_test_setup_teardown(after_the_highest, open_one, close_one),
        };

        return cmocka_run_group_tests_name("journal-batch", tests, NULL, NULL);
}
