// SPDX-License-Identifier: LGPL-2.1-or-later
/* Signed checkpoints, and whether what somebody did to the file is found. */
#include "journal-fixture.h"

#include <sqlite3.h>

#include "journal/internal.h"
#include "journal/print_job.h"
#include "journal/verify.h"

static const char *const triggers[] = { "events_fixed", "events_kept", "checkpoints_fixed", "checkpoints_kept",
                                        "transactions_fixed" };

/* As somebody with the file and without the key does it. */
static void tamper(const char *sql) {
        char *error = NULL;
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        for (size_t i = 0; i < ELEMENTSOF(triggers); i++) {
                char drop[80];

                snprintf(drop, sizeof(drop), "DROP TRIGGER IF EXISTS %s", triggers[i]);
                assert_int_equal(sqlite3_exec(db, drop, NULL, NULL, NULL), SQLITE_OK);
        }
        if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
                fail_msg("%s: %s", sql, error);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void add_events(struct journal *j, unsigned n) {
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(event_append(j, "sent", i % 7, "{\"stan\":1}"), 0);
        assert_int_equal(journal_commit(j), 0);
}

static int add_checkpoint(struct journal *j) {
        int r;

        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        r = event_checkpoint_add(j);
        assert_int_equal(journal_commit(j), 0);
        return r;
}

/* 30 events, checkpoints at 10 and 20; then what is done to the file, and what is said of it. */
static void expect(const char *sql, const char *text) {
        struct journal *j;
        struct journal_verify v;
        char command[160];
        int r;

        snprintf(command, sizeof(command), "cp %s.good %s", path, path);
        assert_int_equal(system(command), 0);
        tamper(sql);
        j = open_good();
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        journal_close(j);
        if (!text) {
                assert_int_equal(r, 0);
                return;
        }
        assert_int_equal(r, -EBADMSG);
        if (!strstr(v.text, text))
                fail_msg("after %s: \"%s\"", sql, v.text);
        assert_false(v.damaged);
}

static void make_good(void) {
        struct journal *j = open_good();
        char command[160];

        for (int i = 0; i < 2; i++) {
                add_events(j, 10);
                assert_int_equal(add_checkpoint(j), 1);
        }
        add_events(j, 10);
        journal_close(j);
        snprintf(command, sizeof(command), "cp %s %s.good", path, path);
        assert_int_equal(system(command), 0);
}

static void tampered(void **state) {
        make_good();
        expect("SELECT 1", NULL);
        expect("UPDATE events SET text = '{}' WHERE seq = 12", "Event 12 was changed");
        expect("UPDATE events SET transaction_id = 99 WHERE seq = 3", "Event 3 was changed");
        expect("DELETE FROM events WHERE seq = 5", "Event 5 is missing");
        expect("DELETE FROM events WHERE seq <= 5", "Event 1 is missing");
        expect("UPDATE events SET text = '{}', seq = 100 WHERE seq = 4; UPDATE events SET seq = 4 WHERE seq = 5;"
               "UPDATE events SET seq = 5 WHERE seq = 100",
               "Event 4 was changed");
        expect("DELETE FROM events WHERE seq > 28", "The log ends at event 28; there were 30");
        /* He knows of AUTOINCREMENT, too. */
        expect("DELETE FROM events WHERE seq > 18; UPDATE sqlite_sequence SET seq = 18 WHERE name = 'events'",
               "checkpoint 2 has seen event 20");
        expect("UPDATE checkpoints SET time_usec = time_usec + 1 WHERE number = 1", "Checkpoint 1 (of event 10)");
        expect("UPDATE checkpoints SET signature = zeroblob(32) WHERE number = 2", "Checkpoint 2 (of event 20)");
        expect("DELETE FROM checkpoints WHERE number = 1", "Checkpoint 1 is missing");
        expect("DELETE FROM checkpoints WHERE number = 2", "The checkpoints end at number 1; there were 2");
        expect("INSERT INTO checkpoints (seq, time_usec, hash, signature)"
               " SELECT seq, 1, hash, hash FROM events WHERE seq = 30",
               "Checkpoint 3 (of event 30)");
        /* Part of it removed as if it had been a purge. */
        expect("INSERT INTO event_base VALUES (1, 10); DELETE FROM events WHERE seq <= 10", "but the log tells of 0");
        expect("PRAGMA foreign_keys = OFF; INSERT INTO event_base VALUES (1, 11); DELETE FROM events WHERE seq <= 11",
               "no checkpoint says so");
}

/* A chain that fits in itself, made by somebody with this program and without the key. */
static void forged_chain(void **state) {
        struct journal *j = open_good();
        struct journal_verify v;
        int r;

        add_events(j, 10);
        assert_int_equal(add_checkpoint(j), 1);
        journal_close(j);
        tamper("DELETE FROM events; UPDATE sqlite_sequence SET seq = 0 WHERE name = 'events'");
        j = open_good();
        add_events(j, 12);
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        assert_int_equal(r, -EBADMSG);
        assert_non_null(strstr(v.text, "is not the one that was signed (checkpoint 1)"));
        assert_int_equal(v.events, 10);
        journal_close(j);
}

static void purged(void **state) {
        struct journal *j = open_good();
        int64_t seq;
        sqlite3 *db;

        add_events(j, 10);
        assert_int_equal(add_checkpoint(j), 1);
        add_events(j, 5);
        assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
        /* Not at a checkpoint: refused. */
        assert_int_equal(event_set_base(j, 9), -ENOENT);
        journal_rollback(j);
        assert_int_equal(journal_begin(j, JOURNAL_DURABLE), 0);
        assert_int_equal(event_set_base(j, 10), 0);
        assert_int_equal(journal_commit(j), 0);
        /* A kill between the slices of the purge is no fault. */
        for (int up_to = 0; up_to <= 10; up_to += 5) {
                char sql[80];

                j = journal_close(j);
                assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
                snprintf(sql, sizeof(sql), "DELETE FROM events WHERE seq <= %d", up_to);
                assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
                /* What is not purged is kept. */
                assert_int_equal(sqlite3_exec(db, "DELETE FROM events WHERE seq = 11", NULL, NULL, NULL),
                                 SQLITE_CONSTRAINT);
                assert_int_equal(sqlite3_close(db), SQLITE_OK);
                j = open_good();
                assert_int_equal(event_verify(j, &seq), 0);
                assert_int_equal(seq, 16);
        }
        j = journal_close(j);
        tamper("UPDATE events SET text = '{}' WHERE seq = 12");
        j = open_good();
        assert_int_equal(event_verify(j, &seq), -EBADMSG);
        assert_int_equal(seq, 12);
        journal_close(j);
}

static void when_due(void **state) {
        struct journal *j = open_good();
        struct event_checkpoint last;

        assert_int_equal(event_checkpoint_is_due(j), 0);
        assert_int_equal(event_checkpoint_last(j, &last), -ENOENT);
        assert_int_equal(event_checkpoint_add(j), -EPROTO);
        assert_int_equal(add_checkpoint(j), 0);
        add_events(j, 1);
        /* The first one: nothing is covered at all. */
        assert_int_equal(event_checkpoint_is_due(j), 1);
        assert_int_equal(add_checkpoint(j), 1);
        assert_int_equal(event_checkpoint_is_due(j), 0);
        add_events(j, 499);
        assert_int_equal(event_checkpoint_is_due(j), 0);
        add_events(j, 1);
        assert_int_equal(event_checkpoint_is_due(j), 1);
        assert_int_equal(add_checkpoint(j), 1);
        assert_int_equal(event_checkpoint_last(j, &last), 0);
        assert_int_equal(last.number, 2);
        assert_int_equal(last.seq, 501);
        assert_int_equal(event_checkpoint_is_due(j), 0);
        assert_int_equal(add_checkpoint(j), 0);
        add_events(j, 1);
        journal_close(j);
        /* A day ago, and in a time to come: the clock was set back. */
        tamper("UPDATE checkpoints SET time_usec = time_usec - 86400000000 WHERE number = 2");
        j = open_good();
        assert_int_equal(event_checkpoint_is_due(j), 1);
        journal_close(j);
        tamper("UPDATE checkpoints SET time_usec = time_usec + 2 * 86400000000 WHERE number = 2");
        j = open_good();
        assert_int_equal(event_checkpoint_is_due(j), 1);
        journal_close(j);
}

/* A slice is short, and what comes between slices is looked at, too. */
static void in_slices(void **state) {
        struct journal *j = open_good();
        struct journal_verify v;
        unsigned slices = 0;
        uint64_t before;
        int r;

        add_events(j, 5000);
        for (int i = 0; i < 350; i++) {
                char reference[16];

                snprintf(reference, sizeof(reference), "r%d", i);
                insert(j, reference, JOURNAL_LAZY, 0);
        }
        assert_int_equal(verify_begin(j, &v), 0);
        assert_int_equal(v.total, 5000 + 350 + 350);
        for (;;) {
                before = v.done;
                r = verify_slice(j, &v);
                if (r <= 0)
                        break;
                assert_true(v.done - before <= 1000);
                slices++;
                add_events(j, 10);
        }
        assert_int_equal(r, 0);
        assert_true(slices > 10);
        assert_true(v.events > 5350);
        assert_int_equal(v.done, v.total);
        /* Done stays done. */
        assert_int_equal(verify_slice(j, &v), 0);
        journal_close(j);
}

/* A row that its index has lost: a lookup would say that there is no such payment. */
static void lost_from_index(const char *index) {
        struct journal *j = open_good();
        struct transaction_record record;
        struct journal_verify v;
        char sql[256];
        int r;

        for (int i = 0; i < 5; i++) {
                transaction_record_init(&record);
                snprintf(record.reference, sizeof(record.reference), "%s-%d", index, i);
                strcpy(record.kind, "refund");
                record.original = 1;
                record.batch = 1;
                assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
                assert_int_equal(transaction_record_insert(j, &record), 0);
                record.stan = (uint32_t) record.id;
                assert_int_equal(transaction_record_update(j, &record), 0);
                assert_int_equal(transaction_record_set_pan(j, &record, "6200000000000005"), 0);
                assert_int_equal(journal_commit(j), 0);
        }
        journal_close(j);
        /* It changes places with an empty one: no page is wrong in itself. */
        snprintf(sql, sizeof(sql),
                 "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage ="
                 " (SELECT sum(rootpage) FROM sqlite_schema WHERE name IN ('%s','log_on_number')) - rootpage"
                 " WHERE name IN ('%s','log_on_number')",
                 index, index);
        tamper(sql);
        j = open_good();
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        assert_int_equal(r, -EBADMSG);
        assert_true(v.damaged);
        assert_non_null(strstr(v.text, "is not in its indexes"));
        journal_close(j);
        assert_int_equal(unlink(path), 0);
}

static void indexes(void **state) {
        lost_from_index("sqlite_autoindex_transactions_1");
        lost_from_index("transactions_open");
        lost_from_index("transactions_original");
        lost_from_index("transactions_stan");
        lost_from_index("transactions_pan");
}

/* In a file that is too large to be checked at the start. */
static void old_page(void **state) {
        static char slip[PRINT_JOB_CONTENT_MAX];
        struct print_job job = { .what = "merchant-copy", .content = slip, .content_size = sizeof(slip) };
        struct transaction_record record;
        struct journal *j = open_good();
        struct journal_verify v;
        struct content content;
        char noise[4096], *at;
        int r;

        for (int i = 0; i < 300; i++) {
                transaction_record_init(&record);
                snprintf(record.reference, sizeof(record.reference), "old-%d-", i);
                strcpy(record.kind, "sale");
                record.state = TRANSACTION_DONE;
                record.result = RESULT_DECLINED;
                assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
                assert_int_equal(transaction_record_insert(j, &record), 0);
                assert_int_equal(print_job_insert(j, &job), 0);
                assert_int_equal(journal_commit(j), 0);
        }
        journal_close(j);
        content = read_all();
        at = memmem(content.data, content.size, "old-50-sale", 11);
        assert_non_null(at);
        memset(noise, 0xa5, sizeof(noise));
        overwrite((at - content.data) / 4096 * 4096, noise, sizeof(noise));
        free(content.data);
        j = open_good();
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        assert_int_equal(r, -EBADMSG);
        assert_true(v.damaged);
        assert_non_null(strstr(v.text, "The file is damaged"));
        journal_close(j);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(tampered, setup, teardown),
                cmocka_unit_test_setup_teardown(forged_chain, setup, teardown),
                cmocka_unit_test_setup_teardown(purged, setup, teardown),
                cmocka_unit_test_setup_teardown(when_due, setup, teardown),
                cmocka_unit_test_setup_teardown(in_slices, setup, teardown),
                cmocka_unit_test_setup_teardown(indexes, setup, teardown),
                cmocka_unit_test_setup_teardown(old_page, setup, teardown),
        };

        return cmocka_run_group_tests_name("journal-verify", tests, NULL, NULL);
}
