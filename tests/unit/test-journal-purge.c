// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a purge takes, what it leaves, and what it does not touch. */
#include "open-journal.h"

#include <sqlite3.h>
#include <time.h>

#include "journal/age.h"
#include "journal/batch.h"
#include "journal/checkpoint.h"
#include "journal/contact.h"
#include "journal/counter.h"
#include "journal/request.h"
#include "journal/internal.h"
#include "journal/notice.h"
#include "journal/print_job.h"
#include "journal/purge.h"
#include "journal/verify.h"

#define DAY (24 * 60 * 60 * UINT64_C(1000000))

/* How long the terminal was on, usec, and how far its clock is ahead of the machine's, seconds. */
static uint64_t up;
static int64_t ahead;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_BOOTTIME)
                *ret = (struct timespec){ .tv_sec = (time_t) (up / 1000000) };
        else
                ret->tv_sec += ahead;
        return r;
}

static int switch_on(void **state) {
        up = 0;
        ahead = 0;
        return open_one(state);
}

/* What an upkeep does each day. */
static void mark(void) {
        begin();
        assert_int_equal(age_add_mark(j), 0);
        commit();
}

/* A sale of that day of the terminal in batch 1, approved, printed; a change to it before it is written. */
static int64_t sale(const char *reference, unsigned day, void (*change)(struct transaction_record *record)) {
        struct print_job job = { .what = "merchant-copy", .content = (void *) "slip", .content_size = 4 };
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        memset(record.options_digest, 'D', 64);
        record.amount = 1250;
        record.starter = 1000;
        record.started_usec = day * DAY;
        record.finished_usec = day * DAY + 1;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        record.batch = 1;
        COPY(record.message, "a sentence");
        COPY(record.rrn, "123456789012");
        if (change)
                change(&record);
        up = MAX(up, day * DAY);
        begin();
        if (record.batch > 0)
                assert_int_equal(counter_next_stan(j, &record.stan), 0);
        assert_int_equal(transaction_record_insert(j, &record), 0);
        assert_int_equal(transaction_record_set_pan(j, &record, "6200000000000005"), 0);
        job.transaction = record.id;
        assert_int_equal(print_job_insert(j, &job), 0);
        assert_int_equal(print_job_set_state(j, job.id, PRINT_CANCELLED), 0);
        assert_int_equal(event_append(j, "approved", record.id, NULL), 0);
        commit();
        up += DAY / 2;
        mark();
        return record.id;
}

static void settle(void) {
        begin();
        assert_int_equal(counter_set_batch(j, 2), 0);
        commit();
}

static void checkpoint(void) {
        begin();
        assert_int_equal(event_checkpoint_add(j), 1);
        commit();
}

static struct journal_purge purge(unsigned days) {
        struct journal_purge p;
        int r;

        assert_int_equal(purge_begin(j, days, &p), 0);
        while ((r = purge_slice(j, &p)) > 0)
                ;
        assert_int_equal(r, 0);
        assert_int_equal(purge_slice(j, &p), 0);
        return p;
}

static bool is_purged(const char *reference) {
        struct transaction_record record;

        assert_int_equal(transaction_record_find(j, reference, &record), 0);
        return record.purged;
}

static void verify_whole(void) {
        struct journal_verify v;
        int r;

        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        if (r < 0)
                fail_msg("%s", v.text);
}

static void today(struct transaction_record *record) {
        record->batch = 2;
}

static void tombstone(void **state) {
        int64_t id = sale("old", 10, NULL);
        struct transaction_record record, again;
        char pan[PAN_TEXT_MAX];
        struct print_job job;
        struct journal_purge p;
        int64_t amount;
        unsigned n;

        settle();
        assert_int_equal(sale("new", 1000, today), id + 1);
        p = purge(400);
        assert_int_equal(p.transactions, 1);
        assert_int_equal(transaction_record_find(j, "old", &record), 0);
        assert_int_equal(record.id, id);
        assert_true(record.purged);
        assert_string_equal(record.kind, "sale");
        assert_int_equal(record.amount, 1250);
        assert_string_equal(record.currency, "CNY");
        assert_int_equal(record.options_digest[0], 'D');
        assert_int_equal(record.state, TRANSACTION_DONE);
        assert_int_equal(record.result, RESULT_APPROVED);
        assert_int_equal(record.started_usec, 10 * DAY);
        assert_int_equal(record.finished_usec, 10 * DAY + 1);
        assert_string_equal(record.masked_pan, "");
        assert_string_equal(record.pan_hash, "");
        assert_string_equal(record.rrn, "");
        assert_string_equal(record.message, "");
        assert_int_equal(record.stan, 0);
        assert_int_equal(transaction_record_get_pan(j, id, pan), -ENOENT);
        assert_int_equal(print_job_find(j, id, NULL, &job), -ENOENT);
        assert_false(is_purged("new"));
        verify_whole();

        /* It answers, and that is all that can be done with it. */
        begin();
        again = record;
        assert_int_equal(transaction_record_insert(j, &again), -EEXIST);
        journal_rollback(j);
        begin();
        assert_int_equal(transaction_record_update(j, &record), -EALREADY);
        journal_rollback(j);
        begin();
        assert_int_equal(transaction_record_set_pan(j, &record, "6200000000000005"), -EALREADY);
        journal_rollback(j);
        assert_int_equal(transaction_record_about(j, 77, "sale", &n, &amount), 0);
        assert_int_equal(n, 0);
        /* Nothing is left to do. */
        assert_int_equal(purge(400).transactions, 0);
}

static void refund(struct transaction_record *record) {
        COPY(record->kind, "refund");
        record->original = 1;
        record->amount = 300;
}

/* A sale is not forgotten before what is about it, and what was refunded still counts. */
static void about_another(void **state) {
        int64_t amount;
        unsigned n;

        assert_int_equal(sale("sale", 10, NULL), 1);
        (void) sale("refund", 700, refund);
        settle();
        (void) sale("new", 1000, today);
        assert_int_equal(purge(400).transactions, 0);
        (void) sale("newer", 1101, today);
        assert_int_equal(purge(400).transactions, 1);
        assert_true(is_purged("refund"));
        assert_int_equal(purge(400).transactions, 1);
        assert_true(is_purged("sale"));
        assert_int_equal(transaction_record_about(j, 1, "refund", &n, &amount), 0);
        assert_int_equal(n, 1);
        assert_int_equal(amount, 300);
}

/* ---- What stays ---- */

static void unfinished(struct transaction_record *record) {
        record->state = TRANSACTION_AUTHORIZING;
        record->result = RESULT_NONE;
        record->finished_usec = 0;
}
static void unconfirmed(struct transaction_record *record) {
        record->result = RESULT_UNCONFIRMED;
}
static void reversal_pending(struct transaction_record *record) {
        record->reversal = REVERSAL_PENDING;
}
static void reversal_rejected(struct transaction_record *record) {
        record->reversal = REVERSAL_REJECTED;
}
static void forwarding_pending(struct transaction_record *record) {
        record->forwarding = FORWARDING_PENDING;
}
static void forwarding_rejected(struct transaction_record *record) {
        record->forwarding = FORWARDING_REJECTED;
}
static void resolved(struct transaction_record *record) {
        record->reversal = REVERSAL_RESOLVED;
        record->forwarding = FORWARDING_DONE;
}
static void without_batch(struct transaction_record *record) {
        record->batch = 0;
        record->result = RESULT_CANCELLED;
}

static void what_stays(void **state) {
        static const struct {
                const char *name;
                void (*change)(struct transaction_record *record);
                bool goes;
        } rows[] = {
                { "unfinished", unfinished, false },
                { "unconfirmed", unconfirmed, false },
                { "reversal-pending", reversal_pending, false },
                { "reversal-rejected", reversal_rejected, false },
                { "forwarding-pending", forwarding_pending, false },
                { "forwarding-rejected", forwarding_rejected, false },
                { "open-batch", today, false },
                { "resolved", resolved, true },
                { "without-batch", without_batch, true },
                { "plain", NULL, true },
                { "young", NULL, false },
        };
        int64_t ids[ELEMENTSOF(rows)];
        sqlite3 *db = j->db;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                ids[i] = sale(rows[i].name, streq(rows[i].name, "young") ? 601 : 10, rows[i].change);
        settle();
        (void) sale("new", 1000, today);
        assert_int_equal(purge(400).transactions, 3);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                char sql[80];

                if (is_purged(rows[i].name) != rows[i].goes)
                        fail_msg("%s", rows[i].name);
                if (rows[i].goes || rows[i].change == today || streq(rows[i].name, "young"))
                        continue;
                /* Nor can anybody else make a tombstone of what is owed. */
                snprintf(sql, sizeof(sql), "UPDATE transactions SET purged = 1 WHERE id = %d", (int) ids[i]);
                assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_CONSTRAINT_TRIGGER);
        }
        assert_int_equal(sqlite3_exec(db, "DELETE FROM transactions WHERE purged = 1", NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
        verify_whole();
}

static void owed_rows(void **state) {
        struct request_record reversal = { .reason = "98", .request = (void *) "r", .request_size = 1 };
        struct request_record forward = { .queue = REQUEST_FORWARD, .request = (void *) "f", .request_size = 1 };
        struct request_record withdrawal = { .queue = REQUEST_WITHDRAWAL, .request = (void *) "w", .request_size = 1 };
        struct print_job job = { .what = "merchant-copy", .content = (void *) "slip", .content_size = 4 };

        reversal.transaction = sale("reversal", 10, NULL);
        forward.transaction = sale("forward", 10, NULL);
        withdrawal.transaction = sale("withdrawal", 10, NULL);
        job.transaction = sale("paper", 10, NULL);
        begin();
        assert_int_equal(request_record_insert(j, &reversal), 0);
        assert_int_equal(request_record_insert(j, &forward), 0);
        assert_int_equal(request_record_insert(j, &withdrawal), 0);
        assert_int_equal(print_job_insert(j, &job), 0);
        commit();
        settle();
        (void) sale("new", 1000, today);
        assert_int_equal(purge(400).transactions, 0);
        assert_int_equal(sqlite3_exec(j->db, "DELETE FROM print_jobs WHERE state = 'queued'", NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
        begin();
        assert_int_equal(request_record_remove(j, REQUEST_REVERSAL, reversal.transaction), 0);
        assert_int_equal(print_job_set_state(j, job.id, PRINT_CANCELLED), 0);
        commit();
        assert_int_equal(purge(400).transactions, 2);
        assert_false(is_purged("forward"));
        assert_false(is_purged("withdrawal"));
}

static void unsettled_batch(void **state) {
        struct batch_record batch = { .number = 1 };

        (void) sale("old", 10, NULL);
        begin();
        assert_int_equal(batch_load_current(j, &batch), 0);
        assert_int_equal(batch_freeze(j, &batch), 0);
        /* The acquirer's word moved the number on, and the old batch was not settled. */
        assert_int_equal(counter_set_batch(j, 2), 0);
        commit();
        (void) sale("new", 1000, today);
        assert_int_equal(purge(400).transactions, 0);
}

static unsigned count(const char *sql) {
        sqlite3_stmt *s;
        unsigned n;

        assert_int_equal(sqlite3_prepare_v2(j->db, sql, -1, &s, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        n = (unsigned) sqlite3_column_int64(s, 0);
        (void) sqlite3_finalize(s);
        return n;
}

static void now(struct transaction_record *record) {
        record->started_usec = journal_now();
}

static unsigned print_jobs(void) {
        return count("SELECT count(*) FROM print_jobs");
}

/* ---- The clock ---- */

static void no_clock_makes_old(void **state) {
        (void) sale("first", 10, NULL);
        /* Entries of ten years ahead, of 1970, and of today again. */
        ahead = 3650 * 24 * 3600;
        (void) sale("ahead", 11, now);
        mark();
        ahead = -(int64_t) time(NULL) + 1;
        (void) sale("behind", 12, now);
        ahead = 0;
        (void) sale("next", 13, now);
        settle();
        (void) sale("new", 14, today);
        checkpoint();
        assert_int_equal(purge(60).transactions, 0);
        /* Nor does the clock of now, or one that has been wrong for long. */
        for (int years = -20; years <= 20; years += 10) {
                ahead = years * INT64_C(365) * 24 * 3600;
                assert_int_equal(purge(60).transactions, 0);
                assert_int_equal(purge(60).events, 0);
        }
        assert_int_equal(print_jobs(), 5);
}

/* Each when the terminal has been on for so long since, whatever its time is. */
static void old_by_uptime(void **state) {
        uint64_t mark_of_first;

        ahead = 3650 * 24 * 3600;
        (void) sale("first", 10, now);
        mark_of_first = up;
        ahead = 0;
        (void) sale("second", 11, now);
        settle();
        (void) sale("new", 69, today);
        up = mark_of_first + 60 * DAY - 1000000;
        assert_int_equal(purge(60).transactions, 0);
        up += 1000000;
        assert_int_equal(purge(60).transactions, 1);
        assert_true(is_purged("first"));
        up += DAY;
        assert_int_equal(purge(60).transactions, 1);
        assert_true(is_purged("second"));
        up += 400 * DAY;
        assert_int_equal(purge(60).transactions, 0);
}

/* One that has ended and one that is owed, of that day; a contact that was removed then, and one that is one. */
static void people(unsigned day) {
        struct notice_record owed = { .event = "fault", .text = "Subject\nBody", .created_usec = 1 };
        struct notice_record ended = { .event = "fault", .state = NOTICE_DELIVERED };
        struct contact_record contact = { .name = "Wang Fang", .channel = "sms", .language = "en" };

        up = day * DAY;
        ended.ended_usec = journal_now();
        begin();
        assert_int_equal(notice_record_insert(j, &owed), 0);
        assert_int_equal(notice_record_insert(j, &ended), 0);
        assert_int_equal(contact_record_insert(j, &contact), 0);
        assert_int_equal(contact_record_insert(j, &contact), 0);
        assert_int_equal(contact_record_remove(j, contact.id, up), 0);
        commit();
}

static void notices_and_contacts(void **state) {
        people(10);
        (void) sale("first", 11, now);
        ahead = 24 * 3600;
        people(12);
        (void) purge(60);
        assert_int_equal(count("SELECT count(*) FROM notices"), 4);
        assert_int_equal(count("SELECT count(*) FROM contacts"), 4);
        up = 72 * DAY;
        mark();
        (void) purge(60);
        assert_int_equal(count("SELECT count(*) FROM notices WHERE state = 'queued'"), 2);
        assert_int_equal(count("SELECT count(*) FROM notices WHERE state <> 'queued'"), 1);
        assert_int_equal(count("SELECT count(*) FROM contacts WHERE removed_usec = 0"), 2);
        assert_int_equal(count("SELECT count(*) FROM contacts WHERE removed_usec <> 0"), 1);
}

/* A journal of before there were marks begins to count with the first. */
static void without_marks(void **state) {
        (void) sale("old", 10, NULL);
        settle();
        (void) sale("new", 1000, today);
        assert_int_equal(sqlite3_exec(j->db, "DELETE FROM age_marks", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(purge(60).transactions, 0);
        up += 59 * DAY;
        assert_int_equal(purge(60).transactions, 0);
        up += DAY;
        assert_int_equal(purge(60).transactions, 1);
        /* Those that say nothing more are gone. */
        up += 100 * DAY;
        (void) purge(60);
        assert_int_equal(count("SELECT count(*) FROM age_marks"), 2);
}

static void ages(void **state) {
        int64_t id = sale("old", 10, NULL), next = sale("next", 20, NULL);
        uint64_t usec;

        up = 30 * DAY;
        assert_int_equal(age_of_transaction(j, id, &usec), 0);
        assert_int_equal(usec, 20 * DAY - DAY / 2);
        assert_int_equal(age_of_transaction(j, next, &usec), 0);
        assert_int_equal(usec, 10 * DAY - DAY / 2);
        assert_int_equal(age_of_transaction(j, next + 1, &usec), 0);
        assert_int_equal(usec, 0);
        /* Within the hour one is enough. */
        mark();
        mark();
        up += 59 * 60 * UINT64_C(1000000);
        mark();
        assert_int_equal(count("SELECT count(*) FROM age_marks"), 3);
        up += 60 * UINT64_C(1000000);
        mark();
        assert_int_equal(count("SELECT count(*) FROM age_marks"), 4);
}

/* ---- Events ---- */

static void old_events(void **state) {
        int64_t base;

        (void) sale("a", 10, NULL);
        (void) sale("b", 10, NULL);
        checkpoint();
        (void) sale("kept", 10, unconfirmed);
        (void) sale("c", 10, NULL);
        checkpoint();
        settle();
        (void) sale("new", 10, today);
        purge(0);
        /* Up to the checkpoint before the transaction that is kept. */
        assert_int_equal(event_get_base(j, &base), 0);
        assert_int_equal(base, 2);
        assert_int_equal(count("SELECT min(seq) FROM events"), 3);
        verify_whole();
        assert_int_equal(purge(0).events, 0);
        verify_whole();
        assert_int_equal(sqlite3_exec(j->db, "DELETE FROM events WHERE seq = 3", NULL, NULL, NULL),
                         SQLITE_CONSTRAINT_TRIGGER);
}

/* Stopped after each number of slices in turn: it is whole then, and the next one goes on. */
static void stopped(void **state) {
        char reference[16];

        for (int i = 0; i < 160; i++) {
                snprintf(reference, sizeof(reference), "r%d", i);
                (void) sale(reference, 10, NULL);
        }
        for (int i = 0; i < 900; i++) {
                begin();
                assert_int_equal(event_append(j, "old", 0, NULL), 0);
                commit();
        }
        up += DAY;
        checkpoint();
        settle();
        (void) sale("new", 10, today);
        for (unsigned slices = 1;; slices++) {
                struct journal_purge p;
                int r = 1;

                assert_int_equal(purge_begin(j, 0, &p), 0);
                for (unsigned i = 0; i < slices && r > 0; i++)
                        r = purge_slice(j, &p);
                j = journal_close(j);
                j = open_good();
                verify_whole();
                if (r == 0)
                        break;
                assert_true(slices < 20);
        }
        assert_int_equal(count("SELECT count(*) FROM transactions WHERE purged = 1"), 160);
        assert_int_equal(count("SELECT min(seq) FROM events"), 1061);
        assert_false(is_purged("new"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(tombstone, switch_on, close_one),
                cmocka_unit_test_setup_teardown(about_another, switch_on, close_one),
                cmocka_unit_test_setup_teardown(what_stays, switch_on, close_one),
                cmocka_unit_test_setup_teardown(owed_rows, switch_on, close_one),
                cmocka_unit_test_setup_teardown(unsettled_batch, switch_on, close_one),
                cmocka_unit_test_setup_teardown(no_clock_makes_old, switch_on, close_one),
                cmocka_unit_test_setup_teardown(old_by_uptime, switch_on, close_one),
                cmocka_unit_test_setup_teardown(notices_and_contacts, switch_on, close_one),
                cmocka_unit_test_setup_teardown(without_marks, switch_on, close_one),
                cmocka_unit_test_setup_teardown(ages, switch_on, close_one),
                cmocka_unit_test_setup_teardown(old_events, switch_on, close_one),
                cmocka_unit_test_setup_teardown(stopped, switch_on, close_one),
        };

        return cmocka_run_group_tests_name("journal-purge", tests, NULL, NULL);
}
