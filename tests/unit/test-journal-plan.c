// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a checkout and a cashier wait for takes as long in a journal of a million rows as in one of a thousand. */
#include "journal-fixture.h"

#include "journal/internal.h"
#include "journal/print_job.h"

static struct journal *journal;

static int open_filled(void **state) {
        int r = setup(state);

        journal = open_good();
        for (int i = 0; i < 100; i++) {
                char reference[16];

                snprintf(reference, sizeof(reference), "r%d", i);
                insert(journal, reference, JOURNAL_LAZY, 0);
        }
        return r;
}

static int close_filled(void **state) {
        journal_close(journal);
        return teardown(state);
}

/* Has only the few rows that something is still to be done with. */
static bool is_partial(const char *index) {
        char name[64];
        sqlite3_stmt *s;
        bool partial;

        copy_text(name, MIN(sizeof(name), strcspn(index, " ") + 1), index);
        assert_int_equal(sqlite3_prepare_v2(journal->db, "SELECT sql FROM sqlite_schema WHERE name = ?", -1, &s, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        partial = strstr(strempty((const char *) sqlite3_column_text(s, 0)), " WHERE ") != NULL;
        (void) sqlite3_finalize(s);
        return partial;
}

static bool is_all(const char *step) {
        const char *index = strstr(step, " INDEX ");

        if (strstr(step, "TEMP B-TREE"))
                return true;
        return strstr(step, "SCAN ") && !(index && is_partial(index + strlen(" INDEX ")));
}

/* Reads a table or index through, or sorts it. */
static bool reads_all(const char *sql, char plan[static 512]) {
        _cleanup_free_ char *explain = NULL;
        sqlite3_stmt *s;
        bool all = false;

        assert_true(asprintf(&explain, "EXPLAIN QUERY PLAN %s", sql) > 0);
        assert_int_equal(sqlite3_prepare_v2(journal->db, explain, -1, &s, NULL), SQLITE_OK);
        *plan = '\0';
        while (sqlite3_step(s) == SQLITE_ROW) {
                const char *detail = (const char *) sqlite3_column_text(s, 3);

                all |= is_all(detail);
                snprintf(plan + strlen(plan), 512 - strlen(plan), "%s; ", detail);
        }
        (void) sqlite3_finalize(s);
        return all;
}

/* Of all that was asked since the journal was opened. newest: what stops at the first rows from the end may be there.
 */
static void assert_plans(bool newest) {
        unsigned n = 0;

        for (sqlite3_stmt *s = sqlite3_next_stmt(journal->db, NULL); s; s = sqlite3_next_stmt(journal->db, s)) {
                const char *sql = sqlite3_sql(s);
                char plan[512];

                if (!startswith(sql, "SELECT"))
                        continue;
                n++;
                if (reads_all(sql, plan) && !(newest && strstr(sql, "ORDER BY id DESC LIMIT")))
                        fail_msg("%s: %s", sql, plan);
        }
        assert_true(n >= 5);
}

static int nothing(const struct transaction_record *record, void *userdata) {
        return 0;
}

static void by_name_or_number(void **state) {
        struct transaction_record t;
        struct print_job job = {};
        int64_t transaction;

        journal_close(journal);
        journal = open_good();
        assert_int_equal(transaction_record_find(journal, "r7", &t), 0);
        assert_int_equal(transaction_record_load(journal, 7, &t), 0);
        assert_int_equal(transaction_record_find_stan(journal, 1, 1, &t), -ENOENT);
        assert_int_equal(transaction_record_find_voucher(journal, 1, 1, &t), -ENOENT);
        assert_int_equal(transaction_record_each_order(journal, "o", nothing, NULL), 0);
        assert_int_equal(transaction_record_each_open(journal, nothing, NULL), 0);
        assert_int_equal(print_job_find(journal, 7, "merchant-copy", &job), -ENOENT);
        assert_int_equal(print_job_load(journal, 7, &job), -ENOENT);
        assert_int_equal(print_job_first(journal, 0, &job), -ENOENT);
        assert_int_equal(print_job_last_transaction(journal, &transaction), -ENOENT);
        assert_plans(false);
        /* The newest of all. */
        assert_int_equal(transaction_record_each_last(journal, 50, nothing, NULL), 0);
        assert_plans(true);
}

/* The look finds what it looks for. */
static void can_fail(void **state) {
        char plan[512];

        assert_true(reads_all("SELECT id FROM transactions WHERE amount = 1", plan));
        assert_true(reads_all("SELECT id FROM transactions WHERE id > 3 ORDER BY amount", plan));
        assert_false(reads_all("SELECT id FROM transactions WHERE id = 3", plan));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(by_name_or_number, open_filled, close_filled),
                cmocka_unit_test_setup_teardown(can_fail, open_filled, close_filled),
        };

        return cmocka_run_group_tests_name("journal-plan", tests, NULL, NULL);
}
