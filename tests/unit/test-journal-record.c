// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tables: what they keep, and what they refuse to change. */
#include "open-journal.h"

#include <sqlite3.h>

#include "base/secret.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "journal/key.h"
#include "journal/print_job.h"
#include "journal/request.h"
#include "journal/transaction.h"
#include "journal/verify.h"

#define TEST_PAN "6217009876543210128"

static struct transaction_record sale(const char *reference) {
        struct transaction_record record;

        transaction_record_init(&record);
        strcpy(record.reference, reference);
        strcpy(record.kind, "sale");
        record.amount = 12345;
        strcpy(record.currency, "CNY");
        strcpy(record.options_digest, "00FF");
        strcpy(record.order, "order-1");
        record.starter = 4294967294U;
        record.started_usec = 1700000000000000;
        record.started_boot = 12345678;
        return record;
}

static void keeps_every_field(void **state) {
        struct transaction_record a = sale("all-fields"), b;

        strcpy(a.operator_id, "01");
        strcpy(a.boot_id, "0123456789abcdef0123456789abcdef");
        a.original = 7;
        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        assert_true(a.id > 0);
        a.state = TRANSACTION_DONE;
        a.result = RESULT_APPROVED;
        a.reversal = REVERSAL_PENDING;
        strcpy(a.reason, "approved");
        strcpy(a.message, "Approved. 交易成功");
        a.entry = ENTRY_CHIP;
        a.psn = 1;
        strcpy(a.issuer, "建设银行");
        strcpy(a.acquirer, "银联商务");
        a.stan = 999999;
        a.batch = 17;
        a.voucher = 42;
        strcpy(a.rrn, "123456789012");
        strcpy(a.authorization_code, "A1B2C3");
        strcpy(a.response_code, "00");
        strcpy(a.host_time, "1121205900");
        strcpy(a.aid, "A000000333010101");
        strcpy(a.label, "PBOC DEBIT");
        strcpy(a.preferred_name, "借记");
        strcpy(a.aip, "7C00");
        strcpy(a.tvr, "0000008000");
        strcpy(a.tsi, "E800");
        strcpy(a.cryptogram, "0123456789ABCDEF");
        strcpy(a.cryptogram_kind, "TC");
        strcpy(a.atc, "00A1");
        strcpy(a.iad, "07010103A00000010A0100000000005E2C1A5B");
        strcpy(a.cvm_result, "1E0300");
        strcpy(a.terminal_capabilities, "E0F8C8");
        strcpy(a.script_results, "20112233441211223344200000000000AABBCCDD");
        a.signature = true;
        a.finished_usec = 1700000001000000;
        a.finished_boot = 13345678;
        assert_int_equal(transaction_record_set_pan(j, &a, TEST_PAN), 0);
        assert_int_equal(transaction_record_update(j, &a), 0);
        commit();
        reopen();
        assert_int_equal(transaction_record_load(j, a.id, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_int_equal(transaction_record_find(j, "all-fields", &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
        assert_int_equal(transaction_record_find_voucher(j, 17, 42, &b), 0);
        assert_int_equal(b.id, a.id);
        assert_int_equal(transaction_record_find(j, "none", &b), -ENOENT);
        assert_int_equal(transaction_record_load(j, a.id + 1, &b), -ENOENT);
}

/* Each way that a forwarding may go, and no other. */
static void forwarding_ends(struct transaction_record record) {
        static const bool may[_FORWARDING_STATE_MAX][_FORWARDING_STATE_MAX] = {
                [FORWARDING_PENDING] = { [FORWARDING_DONE] = true,
                                         [FORWARDING_REJECTED] = true,
                                         [FORWARDING_RESOLVED] = true },
                [FORWARDING_REJECTED] = { [FORWARDING_RESOLVED] = true },
        };

        for (enum forwarding_state from = FORWARDING_PENDING; from < _FORWARDING_STATE_MAX; from++)
                for (enum forwarding_state to = FORWARDING_NONE; to < _FORWARDING_STATE_MAX; to++) {
                        snprintf(record.reference, sizeof(record.reference), "forwarding-%d-%d", (int) from, (int) to);
                        record.forwarding = from;
                        begin();
                        assert_int_equal(transaction_record_insert(j, &record), 0);
                        record.forwarding = to;
                        assert_int_equal(transaction_record_update(j, &record),
                                         from == to || may[from][to] ? 0 : -EALREADY);
                        commit();
                }
}

static void refuses_what_is_final(void **state) {
        struct transaction_record a = sale("final"), b;

        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        b = sale("final");
        assert_int_equal(transaction_record_insert(j, &b), -EEXIST);

        /* The result and the end of the way come together. */
        a.state = TRANSACTION_DONE;
        assert_int_equal(transaction_record_update(j, &a), -ERANGE);
        a.result = RESULT_DECLINED;
        a.reversal = REVERSAL_DONE;
        assert_int_equal(transaction_record_update(j, &a), 0);

        b = a;
        b.result = RESULT_APPROVED;
        assert_int_equal(transaction_record_update(j, &b), -EALREADY);
        b = a;
        b.state = TRANSACTION_CARD;
        b.result = RESULT_NONE;
        assert_int_equal(transaction_record_update(j, &b), -EALREADY);
        b = a;
        b.reversal = REVERSAL_PENDING;
        assert_int_equal(transaction_record_update(j, &b), -EALREADY);
        b = a;
        b.amount++;
        assert_int_equal(transaction_record_update(j, &b), -EPERM);
        b = a;
        strcpy(b.reference, "other");
        assert_int_equal(transaction_record_update(j, &b), -EPERM);
        /* What does not contradict may still change. */
        strcpy(a.message, "later word");
        assert_int_equal(transaction_record_update(j, &a), 0);
        commit();

        forwarding_ends(sale("told"));

        begin();
        b = sale("unconfirmed");
        assert_int_equal(transaction_record_insert(j, &b), 0);
        b.state = TRANSACTION_DONE;
        b.result = RESULT_UNCONFIRMED;
        assert_int_equal(transaction_record_update(j, &b), 0);
        b.result = RESULT_CANCELLED;
        assert_int_equal(transaction_record_update(j, &b), -EALREADY);
        b.result = RESULT_APPROVED;
        assert_int_equal(transaction_record_update(j, &b), 0);
        b.result = RESULT_DECLINED;
        assert_int_equal(transaction_record_update(j, &b), -EALREADY);
        commit();

        b = sale("outside");
        assert_int_equal(transaction_record_insert(j, &b), -EPROTO);
        assert_int_equal(transaction_record_update(j, &a), -EPROTO);
}

/* The file refuses by itself, whoever writes to it. */
static void triggers_hold_against_sql(void **state) {
        static const char *const attempts[] = {
                "UPDATE transactions SET result = 'approved' WHERE reference = 'final'",
                "UPDATE transactions SET amount = 1",
                "UPDATE transactions SET state = 'card', result = 'none' WHERE reference = 'final'",
                "DELETE FROM transactions",
                "UPDATE events SET text = '{}'",
                "DELETE FROM events",
        };
        sqlite3 *db;

        refuses_what_is_final(state);
        begin();
        assert_int_equal(event_append(j, "x", 0, NULL), 0);
        commit();
        j = journal_close(j);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        for (size_t i = 0; i < ELEMENTSOF(attempts); i++)
                assert_int_equal(sqlite3_exec(db, attempts[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int count(const struct transaction_record *record, void *userdata) {
        int *n = userdata;

        ++*n;
        return 0;
}

static int end_it(const struct transaction_record *record, void *userdata) {
        struct transaction_record copy = *record;
        int *n = userdata;

        copy.state = TRANSACTION_DONE;
        copy.result = RESULT_FAILED;
        ++*n;
        return transaction_record_update(j, &copy);
}

static int newest(const struct transaction_record *record, void *userdata) {
        strcpy(userdata, record->reference);
        return 1;
}

static void walks(void **state) {
        struct transaction_record record;
        char reference[65] = "";
        int n = 0;

        begin();
        for (int i = 0; i < 100; i++) {
                snprintf(reference, sizeof(reference), "r%d", i);
                record = sale(reference);
                if (i % 2)
                        record.order[0] = '\0';
                assert_int_equal(transaction_record_insert(j, &record), 0);
        }
        assert_int_equal(transaction_record_each_last(j, 50, count, &n), 0);
        assert_int_equal(n, 50);
        assert_int_equal(transaction_record_each_last(j, 50, newest, reference), 1);
        assert_string_equal(reference, "r99");
        n = 0;
        assert_int_equal(transaction_record_each_order(j, "order-1", count, &n), 0);
        assert_int_equal(n, 50);
        n = 0;
        assert_int_equal(transaction_record_each_order(j, "", count, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(transaction_record_each_open(j, end_it, &n), 0);
        assert_int_equal(n, 100);
        n = 0;
        assert_int_equal(transaction_record_each_open(j, count, &n), 0);
        assert_int_equal(n, 0);
        commit();
}

static void rollback_leaves_nothing(void **state) {
        struct transaction_record record = sale("gone"), again = sale("gone");

        begin();
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), -EBUSY);
        assert_int_equal(transaction_record_insert(j, &record), 0);
        journal_rollback(j);
        journal_rollback(j);
        assert_int_equal(journal_commit(j), -EPROTO);
        assert_int_equal(transaction_record_find(j, "gone", &record), -ENOENT);
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(j, &again), 0);
        commit();
        assert_int_equal(transaction_record_find(j, "gone", &record), 0);
}

/* A PAN in clear, its digits packed, or in hexadecimal: in no file of the journal. */
static void find_canary(const char *name) {
        static const uint8_t packed[] = { 0x21, 0x70, 0x09, 0x87, 0x65, 0x43, 0x21, 0x01 };
        _cleanup_free_ char *content = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        char file[80];
        long size;

        snprintf(file, sizeof(file), "%s%s", path, name);
        f = fopen(file, "re");
        if (!f)
                return;
        assert_int_equal(fseek(f, 0, SEEK_END), 0);
        size = ftell(f);
        rewind(f);
        content = malloc((size_t) size + 1);
        assert_non_null(content);
        assert_int_equal(fread(content, 1, (size_t) size, f), size);
        assert_null(memmem(content, (size_t) size, TEST_PAN, strlen(TEST_PAN)));
        assert_null(memmem(content, (size_t) size, TEST_PAN + 4, 12));
        assert_null(memmem(content, (size_t) size, packed, sizeof(packed)));
        assert_null(memmem(content, (size_t) size, "KEY-IN-CLEAR", 12));
}

/* Approved sales of the same card, batch and currency, and nothing else. */
static void sum_of_card(void **state) {
        static const struct {
                const char *reference, *pan, *currency, *kind;
                uint32_t batch;
                enum transaction_result result;
        } sales[] = {
                { "one", TEST_PAN, "CNY", "sale", 1, RESULT_APPROVED },
                { "two", TEST_PAN, "CNY", "sale", 1, RESULT_APPROVED },
                { "declined", TEST_PAN, "CNY", "sale", 1, RESULT_DECLINED },
                { "not yet", TEST_PAN, "CNY", "sale", 1, RESULT_NONE },
                { "another card", "6217009876543210129", "CNY", "sale", 1, RESULT_APPROVED },
                { "another batch", TEST_PAN, "CNY", "sale", 2, RESULT_APPROVED },
                { "another currency", TEST_PAN, "USD", "sale", 1, RESULT_APPROVED },
                { "another kind", TEST_PAN, "CNY", "refund", 1, RESULT_APPROVED },
                { "no card", NULL, "CNY", "sale", 1, RESULT_APPROVED },
        };
        char hash[65];
        uint64_t sum = 1;

        assert_int_equal(transaction_pan_hash(j, TEST_PAN, hash), 0);
        assert_int_equal(transaction_record_sum_card(j, hash, 1, "CNY", &sum), 0);
        assert_int_equal(sum, 0);
        begin();
        for (size_t i = 0; i < ELEMENTSOF(sales); i++) {
                struct transaction_record a = sale(sales[i].reference);

                strcpy(a.kind, sales[i].kind);
                strcpy(a.currency, sales[i].currency);
                assert_int_equal(transaction_record_insert(j, &a), 0);
                a.batch = sales[i].batch;
                a.stan = (uint32_t) i + 1;
                a.state = sales[i].result == RESULT_NONE ? TRANSACTION_AUTHORIZING : TRANSACTION_DONE;
                a.result = sales[i].result;
                if (sales[i].pan)
                        assert_int_equal(transaction_record_set_pan(j, &a, sales[i].pan), 0);
                assert_int_equal(transaction_record_update(j, &a), 0);
        }
        commit();
        assert_int_equal(transaction_record_sum_card(j, hash, 1, "CNY", &sum), 0);
        assert_int_equal(sum, 2 * 12345);
        assert_int_equal(transaction_record_sum_card(j, hash, 2, "CNY", &sum), 0);
        assert_int_equal(sum, 12345);
        assert_int_equal(transaction_record_sum_card(j, "", 1, "CNY", &sum), 0);
        assert_int_equal(sum, 0);
}

static void pan_is_sealed(void **state) {
        struct transaction_record a = sale("pan-1"), b = sale("pan-2");
        struct request_record reversal = { .reason = "98", .request = (char *) "blob " TEST_PAN, .request_size = 24 };
        char pan[PAN_TEXT_MAX], hash[65];
        sqlite3 *db;

        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        assert_int_equal(transaction_record_insert(j, &b), 0);
        assert_int_equal(transaction_record_get_pan(j, a.id, pan), -ENOENT);
        assert_int_equal(transaction_record_set_pan(j, &a, TEST_PAN), 0);
        assert_string_equal(a.masked_pan, "621700*********0128");
        assert_int_equal(transaction_record_set_pan(j, &a, TEST_PAN), 0);
        assert_int_equal(transaction_record_set_pan(j, &a, "6217009876543210129"), -EALREADY);
        assert_int_equal(transaction_record_set_pan(j, &a, "62170098765x"), -EINVAL);
        assert_int_equal(transaction_record_set_pan(j, &a, "62170098765"), -EINVAL);
        assert_int_equal(transaction_record_set_pan(j, &b, "6217009876543210129"), 0);
        assert_string_not_equal(a.pan_hash, b.pan_hash);
        assert_int_equal(transaction_pan_hash(j, TEST_PAN, hash), 0);
        assert_string_equal(hash, a.pan_hash);
        strcpy(b.masked_pan, TEST_PAN);
        assert_int_equal(transaction_record_update(j, &b), -ERANGE);
        reversal.transaction = a.id;
        assert_int_equal(request_record_insert(j, &reversal), 0);
        assert_int_equal(wrapped_key_store(j, "mak", "KEY-IN-CLEAR", 12), 0);
        commit();
        find_canary("");
        find_canary("-wal");
        assert_int_equal(journal_checkpoint(j), 0);
        find_canary("");
        assert_int_equal(transaction_record_get_pan(j, a.id, pan), 0);
        assert_string_equal(pan, TEST_PAN);

        begin();
        assert_int_equal(transaction_record_drop_pan(j, b.id), 0);
        assert_int_equal(transaction_record_drop_pan(j, 4711), -ENOENT);
        commit();
        assert_int_equal(transaction_record_get_pan(j, b.id, pan), -ENOENT);
        assert_int_equal(transaction_record_load(j, b.id, &b), 0);
        assert_string_equal(b.masked_pan, "621700*********0129");

        /* Moved to another row, it does not open. */
        j = journal_close(j);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(
                sqlite3_exec(db,
                             "UPDATE transactions SET pan_sealed = (SELECT pan_sealed FROM transactions WHERE "
                             "reference = 'pan-1') WHERE reference = 'pan-2'",
                             NULL, NULL, NULL),
                SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        reopen();
        assert_int_equal(transaction_record_get_pan(j, a.id, pan), 0);
        assert_int_equal(transaction_record_get_pan(j, b.id, pan), -EBADMSG);
}

static void reversals(void **state) {
        struct transaction_record a = sale("rev-1"), b = sale("rev-2");
        struct request_record record = { .reason = "98", .request = (char *) "request", .request_size = 7 };
        _cleanup_(request_record_done) struct request_record loaded = {}, first = {};

        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        assert_int_equal(transaction_record_insert(j, &b), 0);
        record.transaction = b.id + 1;
        assert_int_equal(request_record_insert(j, &record), -ENOENT);
        record.transaction = a.id;
        record.created_usec = 5;
        assert_int_equal(request_record_insert(j, &record), 0);
        assert_int_equal(request_record_insert(j, &record), -EEXIST);
        record.transaction = b.id;
        assert_int_equal(request_record_insert(j, &record), 0);
        commit();
        assert_int_equal(request_record_first(j, REQUEST_REVERSAL, &first), -ENOENT);
        assert_int_equal(request_record_count(j, REQUEST_REVERSAL), 0);

        begin();
        record.armed = true;
        strcpy(record.reason, "A0");
        record.attempts = 3;
        record.next_usec = 77;
        record.next_boot = 78;
        strcpy(record.last_answer, "96");
        assert_int_equal(request_record_update(j, &record), 0);
        commit();
        reopen();
        assert_int_equal(request_record_count(j, REQUEST_REVERSAL), 1);
        assert_int_equal(request_record_first(j, REQUEST_REVERSAL, &first), 0);
        assert_int_equal(first.transaction, b.id);
        assert_int_equal(request_record_load(j, REQUEST_REVERSAL, b.id, &loaded), 0);
        assert_string_equal(loaded.reason, "A0");
        assert_string_equal(loaded.last_answer, "96");
        assert_int_equal(loaded.attempts, 3);
        assert_int_equal(loaded.next_usec, 77);
        assert_int_equal(loaded.next_boot, 78);
        assert_int_equal(loaded.created_usec, 5);
        assert_int_equal(loaded.request_size, 7);
        assert_memory_equal(loaded.request, "request", 7);

        begin();
        assert_int_equal(request_record_remove(j, REQUEST_REVERSAL, a.id), 0);
        assert_int_equal(request_record_remove(j, REQUEST_REVERSAL, a.id), -ENOENT);
        commit();
        assert_int_equal(request_record_count(j, REQUEST_REVERSAL), 1);
}

/* As a reversal, but without a reason. */
static void withdrawals(void **state) {
        struct transaction_record a = sale("with-1"), b = sale("with-2");
        struct request_record record = { .queue = REQUEST_WITHDRAWAL,
                                         .request = (char *) "request",
                                         .request_size = 7 };
        _cleanup_(request_record_done) struct request_record first = {};

        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        assert_int_equal(transaction_record_insert(j, &b), 0);
        record.transaction = a.id;
        assert_int_equal(request_record_insert(j, &record), 0);
        assert_int_equal(request_record_insert(j, &record), -EEXIST);
        record.transaction = b.id;
        record.created_usec = 5;
        assert_int_equal(request_record_insert(j, &record), 0);
        record.armed = true;
        record.attempts = 3;
        strcpy(record.last_answer, "96");
        assert_int_equal(request_record_update(j, &record), 0);
        commit();
        reopen();
        assert_int_equal(request_record_count(j, REQUEST_WITHDRAWAL), 1);
        assert_int_equal(request_record_count(j, REQUEST_REVERSAL), 0);
        assert_int_equal(request_record_first(j, REQUEST_WITHDRAWAL, &first), 0);
        assert_int_equal(first.transaction, b.id);
        assert_true(first.armed);
        assert_int_equal(first.attempts, 3);
        assert_string_equal(first.last_answer, "96");
        assert_int_equal(first.created_usec, 5);
        assert_int_equal(first.request_size, 7);
        assert_memory_equal(first.request, "request", 7);
        begin();
        assert_int_equal(request_record_remove(j, REQUEST_WITHDRAWAL, b.id), 0);
        assert_int_equal(request_record_remove(j, REQUEST_WITHDRAWAL, b.id), -ENOENT);
        commit();
        assert_int_equal(request_record_count(j, REQUEST_WITHDRAWAL), 0);
}

static enum print_state print_of(int64_t id) {
        struct transaction_record record;

        assert_int_equal(transaction_record_load(j, id, &record), 0);
        return record.print;
}

static void print_jobs(void **state) {
        struct transaction_record a = sale("print");
        struct print_job merchant = { .what = "merchant-copy", .content = (char *) "m", .content_size = 1 };
        struct print_job cardholder = { .what = "cardholder-copy", .content = (char *) "ch", .content_size = 2 };
        const struct print_asker asker = { .operator_id = "01", .uid = 1000 };
        _cleanup_(print_job_done) struct print_job job = {}, found = {}, last = {};
        struct print_job again;

        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        assert_int_equal(print_of(a.id), PRINT_NONE);
        merchant.transaction = cardholder.transaction = a.id;
        assert_int_equal(print_job_insert(j, &merchant), 0);
        assert_int_equal(print_job_insert(j, &cardholder), 0);
        commit();
        assert_int_equal(print_job_count_open(j), 2);
        assert_int_equal(print_of(a.id), PRINT_QUEUED);

        begin();
        assert_int_equal(print_job_set_state(j, merchant.id, PRINT_PRINTED), -EALREADY);
        assert_int_equal(print_job_requeue(j, merchant.id), -EALREADY);
        assert_int_equal(print_job_set_state(j, merchant.id, PRINT_PRINTING), 0);
        /* Not a byte of it left: it goes back as it was. */
        assert_int_equal(print_job_set_state(j, merchant.id, PRINT_QUEUED), 0);
        assert_int_equal(print_job_first(j, 0, &job), 0);
        assert_int_equal(job.id, merchant.id);
        assert_false(job.duplicate);
        print_job_done(&job);
        assert_int_equal(print_job_set_state(j, merchant.id, PRINT_PRINTING), 0);
        commit();
        assert_int_equal(print_of(a.id), PRINT_PRINTING);

        /* Power cut in mid-print: again, and marked. */
        reopen();
        begin();
        assert_int_equal(print_job_requeue_interrupted(j), 1);
        assert_int_equal(print_job_requeue_interrupted(j), 0);
        commit();
        assert_int_equal(print_job_first(j, 0, &job), 0);
        assert_int_equal(job.id, merchant.id);
        assert_int_equal(job.transaction, a.id);
        assert_true(job.duplicate);
        assert_int_equal(job.state, PRINT_QUEUED);
        assert_memory_equal(job.content, "m", 1);

        begin();
        assert_int_equal(print_job_set_state(j, job.id, PRINT_PRINTING), 0);
        assert_int_equal(print_job_set_state(j, job.id, PRINT_PRINTED), 0);
        assert_int_equal(print_job_set_state(j, job.id, PRINT_PRINTING), -EALREADY);
        assert_int_equal(print_job_set_state(j, cardholder.id, PRINT_PRINTING), 0);
        assert_int_equal(print_job_set_state(j, cardholder.id, PRINT_UNCONFIRMED), 0);
        commit();
        assert_int_equal(print_of(a.id), PRINT_UNCONFIRMED);
        assert_int_equal(print_job_count_open(j), 0);
        assert_int_equal(print_job_load(j, cardholder.id, &last), 0);
        assert_false(last.duplicate);
        assert_int_equal(print_job_find(j, a.id, "merchant-copy", &found), 0);
        assert_int_equal(found.id, merchant.id);
        print_job_done(&found);
        assert_int_equal(print_job_find(j, a.id, NULL, &found), 0);
        assert_int_equal(found.id, cardholder.id);
        /* Again, twice: by number, whichever of them is asked for. */
        begin();
        assert_int_equal(print_job_repeat(j, &found, &asker, &again), 0);
        assert_int_equal(again.original, cardholder.id);
        assert_int_equal(again.reprint, 1);
        print_job_done(&found);
        assert_int_equal(print_job_load(j, again.id, &found), 0);
        assert_memory_equal(found.content, "ch", 2);
        assert_string_equal(found.asker.operator_id, "01");
        assert_int_equal(found.asker.uid, 1000);
        assert_true(found.duplicate);
        assert_int_equal(print_job_repeat(j, &found, &asker, &again), 0);
        assert_int_equal(again.original, cardholder.id);
        assert_int_equal(again.reprint, 2);
        /* Behind another one, and behind the last. */
        print_job_done(&job);
        assert_int_equal(print_job_first(j, again.id - 1, &job), 0);
        assert_int_equal(job.id, again.id);
        assert_int_equal(print_job_first(j, again.id, &job), -ENOENT);
        for (int64_t id = again.id - 1; id <= again.id; id++)
                assert_int_equal(print_job_set_state(j, id, PRINT_CANCELLED), 0);
        merchant.content_size = 0;
        assert_int_equal(print_job_insert(j, &merchant), -ERANGE);
        commit();
}

/* An e-receipt is no paper that is owed, and paper that was printed of it says so. */
static void electronic_papers(void **state) {
        struct transaction_record a = sale("electronic");
        struct print_job kept = { .what = "cardholder-copy", .state = PRINT_ELECTRONIC, .content = (char *) "ch" };
        const struct print_asker asker = { .uid = 0 };
        struct print_job again;

        kept.content_size = 2;
        begin();
        assert_int_equal(transaction_record_insert(j, &a), 0);
        kept.transaction = a.id;
        assert_int_equal(print_job_insert(j, &kept), 0);
        assert_int_equal(print_of(a.id), PRINT_ELECTRONIC);
        assert_int_equal(print_job_count_open(j), 0);
        assert_int_equal(print_job_set_state(j, kept.id, PRINT_QUEUED), -EALREADY);
        assert_int_equal(print_job_repeat(j, &kept, &asker, &again), 0);
        assert_int_equal(print_job_set_state(j, again.id, PRINT_CANCELLED), 0);
        assert_int_equal(print_of(a.id), PRINT_ELECTRONIC);
        assert_int_equal(print_job_repeat(j, &kept, &asker, &again), 0);
        assert_int_equal(print_of(a.id), PRINT_QUEUED);
        assert_int_equal(print_job_set_state(j, again.id, PRINT_PRINTING), 0);
        assert_int_equal(print_job_set_state(j, again.id, PRINT_PRINTED), 0);
        assert_int_equal(print_of(a.id), PRINT_PRINTED);
        commit();
}

static void counters(void **state) {
        struct transaction_record record = sale("stan");
        uint32_t number;
        uint64_t usec;

        assert_int_equal(counter_next_stan(j, &number), -EPROTO);
        begin();
        assert_int_equal(counter_get_batch(j, &number), 0);
        assert_int_equal(number, 1);
        assert_int_equal(counter_next_stan(j, &number), 0);
        assert_int_equal(number, 1);
        assert_int_equal(counter_next_voucher(j, &number), 0);
        assert_int_equal(number, 1);
        assert_int_equal(counter_next_stan(j, &number), 0);
        assert_int_equal(number, 2);
        journal_rollback(j);

        /* At the end of the range it goes round, past what this batch has used. */
        begin();
        record.batch = 1;
        record.stan = 1;
        assert_int_equal(transaction_record_insert(j, &record), 0);
        record = sale("stan-same");
        record.batch = 1;
        record.stan = 1;
        assert_int_equal(transaction_record_insert(j, &record), -EEXIST);
        commit();
        j = journal_close(j);
        {
                sqlite3 *db;

                assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
                assert_int_equal(
                        sqlite3_exec(db, "INSERT OR REPLACE INTO counters VALUES ('stan', 999998)", NULL, NULL, NULL),
                        SQLITE_OK);
                assert_int_equal(sqlite3_close(db), SQLITE_OK);
        }
        reopen();
        begin();
        assert_int_equal(counter_next_stan(j, &number), 0);
        assert_int_equal(number, 999999);
        assert_int_equal(counter_next_stan(j, &number), 0);
        assert_int_equal(number, 2);
        assert_int_equal(counter_set_batch(j, 0), -ERANGE);
        assert_int_equal(counter_set_batch(j, 1000000), -ERANGE);
        assert_int_equal(counter_set_batch(j, 18), 0);
        assert_int_equal(counter_get_clock(j, &usec), 0);
        assert_int_equal(usec, 0);
        assert_int_equal(counter_raise_clock(j, 1000), 1);
        assert_int_equal(counter_raise_clock(j, 999), 0);
        commit();
        reopen();
        assert_int_equal(counter_get_batch(j, &number), 0);
        assert_int_equal(number, 18);
        assert_int_equal(counter_get_clock(j, &usec), 0);
        assert_int_equal(usec, 1000);
}

static void keys(void **state) {
        _cleanup_secret_ void *data = NULL;
        size_t size;
        sqlite3 *db;

        begin();
        assert_int_equal(wrapped_key_store(j, "mak", "0123456789ABCDEF", 16), 0);
        assert_int_equal(wrapped_key_store(j, "mak", "fedcba9876543210", 16), 0);
        assert_int_equal(wrapped_key_store(j, "tdk", "x", 1), 0);
        assert_int_equal(wrapped_key_store(j, "", "x", 1), -EINVAL);
        assert_int_equal(wrapped_key_store(j, "pik", "x", 0), -ERANGE);
        commit();
        reopen();
        assert_int_equal(wrapped_key_load(j, "mak", &data, &size), 0);
        assert_int_equal(size, 16);
        assert_memory_equal(data, "fedcba9876543210", 16);
        data = secret_free(data);
        assert_int_equal(wrapped_key_load(j, "none", &data, &size), -ENOENT);
        begin();
        assert_int_equal(wrapped_key_remove(j, "tdk"), 0);
        assert_int_equal(wrapped_key_remove(j, "tdk"), 0);
        commit();

        /* One key in another's place. */
        j = journal_close(j);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "UPDATE wrapped_keys SET name = 'tdk'", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        reopen();
        assert_int_equal(wrapped_key_load(j, "tdk", &data, &size), -EBADMSG);
}

static int collect(const struct event_record *event, void *userdata) {
        char *text = userdata;

        sprintf(text + strlen(text), "%d:%s:%s;", (int) event->seq, event->kind, event->text);
        return 0;
}

static void tamper(const char *sql) {
        sqlite3 *db;

        j = journal_close(j);
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "DROP TRIGGER IF EXISTS events_fixed; DROP TRIGGER IF EXISTS events_kept",
                                      NULL, NULL, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        reopen();
}

static void events(void **state) {
        char text[256] = "", long_kind[EVENT_KIND_MAX + 2];
        uint64_t usec;
        int64_t seq;

        assert_int_equal(event_verify(j, &seq), 0);
        assert_int_equal(seq, 0);
        begin();
        memset(long_kind, 'k', sizeof(long_kind) - 1);
        long_kind[sizeof(long_kind) - 1] = '\0';
        assert_int_equal(event_append(j, long_kind, 0, NULL), -ERANGE);
        assert_int_equal(event_append(j, "started", 0, NULL), 0);
        assert_int_equal(event_append(j, "sent", 3, "{\"stan\":1}"), 0);
        assert_int_equal(event_append(j, "approved", 3, "{}"), 0);
        assert_int_equal(event_append(j, "sent", 4, "{}"), 0);
        commit();
        reopen();
        assert_int_equal(event_each(j, 3, 0, 0, collect, text), 0);
        assert_string_equal(text, "2:sent:{\"stan\":1};3:approved:{};");
        text[0] = '\0';
        assert_int_equal(event_each(j, 0, 1, 2, collect, text), 0);
        assert_string_equal(text, "2:sent:{\"stan\":1};3:approved:{};");
        assert_int_equal(event_verify(j, &seq), 0);
        assert_int_equal(seq, 4);
        assert_int_equal(counter_get_clock(j, &usec), 0);
        assert_true(usec > 1600000000000000);

        tamper("UPDATE events SET text = '{\"stan\":2}' WHERE seq = 2");
        assert_int_equal(event_verify(j, &seq), -EBADMSG);
        assert_int_equal(seq, 2);
        tamper("UPDATE events SET text = '{\"stan\":1}' WHERE seq = 2");
        assert_int_equal(event_verify(j, &seq), 0);
        tamper("UPDATE events SET time_usec = time_usec + 1 WHERE seq = 3");
        assert_int_equal(event_verify(j, &seq), -EBADMSG);
        assert_int_equal(seq, 3);
        tamper("UPDATE events SET time_usec = time_usec - 1 WHERE seq = 3");
        tamper("DELETE FROM events WHERE seq = 4");
        assert_int_equal(event_verify(j, &seq), -EBADMSG);
        assert_int_equal(seq, 4);
        tamper("DELETE FROM events WHERE seq = 1");
        assert_int_equal(event_verify(j, &seq), -EBADMSG);
        assert_int_equal(seq, 1);
}

static void words(void **state) {
        assert_string_equal(transaction_state_to_string(TRANSACTION_WAITING_CARD), "waiting-card");
        assert_string_equal(transaction_result_to_string(RESULT_UNCONFIRMED), "unconfirmed");
        assert_string_equal(reversal_state_to_string(REVERSAL_REJECTED), "rejected");
        assert_int_equal(transaction_result_from_string("paid"), _RESULT_INVALID);
        assert_int_equal(transaction_result_from_string(NULL), _RESULT_INVALID);
        assert_null(print_state_to_string(_PRINT_STATE_INVALID));
        assert_int_equal(entry_mode_from_string("fallback"), ENTRY_FALLBACK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(keeps_every_field, open_one, close_one),
                cmocka_unit_test_setup_teardown(refuses_what_is_final, open_one, close_one),
                cmocka_unit_test_setup_teardown(triggers_hold_against_sql, open_one, close_one),
                cmocka_unit_test_setup_teardown(walks, open_one, close_one),
                cmocka_unit_test_setup_teardown(rollback_leaves_nothing, open_one, close_one),
                cmocka_unit_test_setup_teardown(sum_of_card, open_one, close_one),
                cmocka_unit_test_setup_teardown(pan_is_sealed, open_one, close_one),
                cmocka_unit_test_setup_teardown(reversals, open_one, close_one),
                cmocka_unit_test_setup_teardown(withdrawals, open_one, close_one),
                cmocka_unit_test_setup_teardown(print_jobs, open_one, close_one),
                cmocka_unit_test_setup_teardown(electronic_papers, open_one, close_one),
                cmocka_unit_test_setup_teardown(counters, open_one, close_one),
                cmocka_unit_test_setup_teardown(keys, open_one, close_one),
                cmocka_unit_test_setup_teardown(events, open_one, close_one),
                cmocka_unit_test(words),
        };

        return cmocka_run_group_tests_name("journal-record", tests, NULL, NULL);
}
