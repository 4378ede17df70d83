// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A new storage key, killed at system call after system call: what the next start finds goes on to the end.
 *
 *   test-journal-rotation                 the test; TILL_KILL_POINTS points of each call (default 6)
 *   test-journal-rotation --rotate PATH   changes the key
 */
#include "kill-fixture.h"

#include <sqlite3.h>

#include "base/secret.h"
#include "journal-fixture.h"
#include "journal/batch.h"
#include "journal/binding.h"
#include "journal/contact.h"
#include "journal/checkpoint.h"
#include "journal/request.h"
#include "journal/internal.h"
#include "journal/key.h"
#include "journal/notice.h"
#include "journal/operator.h"
#include "journal/rebind.h"
#include "journal/rotation.h"
#include "journal/verify.h"

#define N_SALES 450 /* three commits of them */

static const uint8_t new_key[JOURNAL_KEY_SIZE] = { 9, 9, 9 }, third_key[JOURNAL_KEY_SIZE] = { 5 };

static void pan_of(int i, char pan[static PAN_TEXT_MAX]) {
        snprintf(pan, PAN_TEXT_MAX, "62000000%08u", (unsigned) i % 1000);
}

static void add_sale(struct journal *j, int i) {
        struct transaction_record record;
        char pan[PAN_TEXT_MAX];

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "sale-%d", i);
        strcpy(record.kind, "sale");
        record.batch = 1;
        assert_int_equal(transaction_record_insert(j, &record), 0);
        pan_of(i, pan);
        /* Some never saw a card. */
        if (i % 10 != 0)
                assert_int_equal(transaction_record_set_pan(j, &record, pan), 0);
        assert_int_equal(event_append(j, "insert", record.id, NULL), 0);
}

/* One value in each column that is sealed. */
static void fill(struct journal *j) {
        struct request_record reversal = {
                .transaction = 1, .reason = "98", .request = (void *) "0400", .request_size = 4
        };
        struct request_record forward = {
                .queue = REQUEST_FORWARD, .transaction = 2, .request = (void *) "0220", .request_size = 4
        };
        struct request_record withdrawal = {
                .queue = REQUEST_WITHDRAWAL, .transaction = 4, .request = (void *) "0820", .request_size = 4
        };
        struct operator_record operator= { .number = "02", .role = OPERATOR_SUPERVISOR };
        struct binding_record binding = { .phone = "+8613800138000", .since_usec = 1 };
        struct rebind_record rebind = { .phone = "+8613800138001" };
        struct rebind_code code = { .rebind = 1, .holder = REBIND_NEW_PHONE };
        struct contact_record contact = { .name = "Wang Fang", .channel = "sms", .language = "en" };
        struct notice_record notice = { .event = "fault", .text = "Subject\nBody" };

        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        for (int i = 1; i <= N_SALES; i++)
                add_sale(j, i);
        assert_int_equal(request_record_insert(j, &reversal), 0);
        assert_int_equal(request_record_insert(j, &forward), 0);
        assert_int_equal(request_record_insert(j, &withdrawal), 0);
        assert_int_equal(batch_keep_chip(j, 3, "55", 2), 0);
        assert_int_equal(wrapped_key_store(j, "mak", "sixteen bytes kk", 16), 0);
        memset(operator.hash, 'h', sizeof(operator.hash));
        assert_int_equal(operator_record_insert(j, &operator), 0);
        assert_int_equal(binding_record_insert(j, &binding), 0);
        assert_int_equal(rebind_record_insert(j, &rebind), 0);
        assert_int_equal(rebind_code_hash(j, code.salt, "123456", code.hash), 0);
        assert_int_equal(rebind_code_store(j, &code), 0);
        assert_int_equal(contact_record_insert(j, &contact), 0);
        assert_int_equal(notice_record_insert(j, &notice), 0);
        assert_int_equal(event_checkpoint_add(j), 1);
        assert_int_equal(journal_commit(j), 0);
}

static void check_binding(struct journal *j) {
        struct binding_record binding;
        struct rebind_record rebind;
        struct rebind_code code;
        struct contact_record contact;
        struct notice_record notice;
        uint8_t hash[REBIND_HASH_SIZE];

        assert_int_equal(binding_record_load_current(j, &binding), 0);
        assert_string_equal(binding.phone, "+8613800138000");
        assert_int_equal(rebind_record_load_open(j, &rebind), 0);
        assert_string_equal(rebind.phone, "+8613800138001");
        assert_int_equal(rebind_code_load(j, 1, REBIND_NEW_PHONE, 0, &code), 0);
        assert_int_equal(rebind_code_hash(j, code.salt, "123456", hash), 0);
        assert_memory_equal(hash, code.hash, sizeof(hash));
        assert_int_equal(contact_record_load(j, 1, &contact), 0);
        assert_string_equal(contact.name, "Wang Fang");
        assert_int_equal(notice_record_load(j, 1, &notice), 0);
        assert_string_equal(notice.text, "Subject\nBody");
}

static void check_all(struct journal *j) {
        _cleanup_(request_record_done) struct request_record reversal = {};
        _cleanup_(request_record_done) struct request_record forward = {};
        _cleanup_(request_record_done) struct request_record withdrawal = {};
        struct operator_record operator;
        struct transaction_record record;
        _cleanup_secret_ void *wrapped = NULL;
        uint8_t icc[BATCH_CHIP_MAX];
        struct journal_verify v;
        size_t size;
        int r;

        for (int i = 1; i <= N_SALES; i++) {
                char pan[PAN_TEXT_MAX], expected[PAN_TEXT_MAX], hash[65], reference[16];

                snprintf(reference, sizeof(reference), "sale-%d", i);
                assert_int_equal(transaction_record_find(j, reference, &record), 0);
                if (i % 10 == 0) {
                        assert_int_equal(transaction_record_get_pan(j, record.id, pan), -ENOENT);
                        continue;
                }
                pan_of(i, expected);
                assert_int_equal(transaction_record_get_pan(j, record.id, pan), 0);
                assert_string_equal(pan, expected);
                /* A card is known again. */
                assert_int_equal(transaction_pan_hash(j, expected, hash), 0);
                assert_string_equal(hash, record.pan_hash);
        }
        assert_int_equal(request_record_load(j, REQUEST_REVERSAL, 1, &reversal), 0);
        assert_memory_equal(reversal.request, "0400", 4);
        assert_int_equal(request_record_load(j, REQUEST_FORWARD, 2, &forward), 0);
        assert_memory_equal(forward.request, "0220", 4);
        assert_int_equal(request_record_load(j, REQUEST_WITHDRAWAL, 4, &withdrawal), 0);
        assert_memory_equal(withdrawal.request, "0820", 4);
        assert_int_equal(batch_load_chip(j, 3, icc, &size), 0);
        assert_memory_equal(icc, "55", 2);
        assert_int_equal(wrapped_key_load(j, "mak", &wrapped, &size), 0);
        assert_memory_equal(wrapped, "sixteen bytes kk", 16);
        assert_int_equal(operator_record_load(j, "02", &operator), 0);
        assert_int_equal(operator.hash[0], 'h');
        check_binding(j);
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        if (r < 0)
                fail_msg("%s", v.text);
}

static void no_progress(uint64_t done, uint64_t total, void *userdata) {
        if (userdata)
                (*(unsigned *) userdata)++;
        assert_true(done <= total);
}

static int change(const uint8_t *from, const uint8_t *to, const char *expected) {
        char *message = NULL;
        int r = journal_change_key(path, from, to, no_progress, NULL, &message);

        if (r < 0 && !strstr(strempty(message), expected))
                fail_msg("\"%s\" is not in \"%s\"", expected, strempty(message));
        free(message);
        return r;
}

static void opens_with(const uint8_t *with) {
        struct journal *j = NULL;

        assert_int_equal(try_open(with, &j, ""), 0);
        check_all(j);
        journal_close(j);
}

static void new_one(void **state) {
        struct journal *j = NULL;
        unsigned steps = 0;

        /* Nothing is there yet. */
        assert_int_equal(change(key, new_key, ""), 0);
        j = open_good();
        fill(j);
        check_all(j);
        journal_close(j);
        assert_int_equal(change(third_key, new_key, "another storage key"), -EKEYREJECTED);
        opens_with(key);
        assert_int_equal(journal_change_key(path, key, new_key, no_progress, &steps, NULL), 1);
        assert_int_equal(steps, 2);
        assert_int_equal(change(key, new_key, ""), 0);
        j = NULL;
        assert_int_equal(try_open(key, &j, "another storage key"), -EKEYREJECTED);
        opens_with(new_key);
        /* And again: the key of the hashes goes along. */
        assert_int_equal(change(new_key, third_key, ""), 1);
        opens_with(third_key);
}

/* Each column of sealed values is known to rotation.c: fill() has one value in each. */
static void all_columns(void **state) {
        struct journal *j = open_good();
        sqlite3_stmt *columns, *row;
        unsigned n = 0;

        fill(j);
        journal_close(j);
        j = open_good();
        assert_int_equal(sqlite3_prepare_v2(j->db,
                                            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
                                            " WHERE m.type = 'table' AND c.name LIKE '%sealed%'",
                                            -1, &columns, NULL),
                         SQLITE_OK);
        while (sqlite3_step(columns) == SQLITE_ROW) {
                const char *table = (const char *) sqlite3_column_text(columns, 0);
                char sql[128];

                snprintf(sql, sizeof(sql), "SELECT count(%s) FROM %s", (const char *) sqlite3_column_text(columns, 1),
                         table);
                assert_int_equal(sqlite3_prepare_v2(j->db, sql, -1, &row, NULL), SQLITE_OK);
                assert_int_equal(sqlite3_step(row), SQLITE_ROW);
                if (sqlite3_column_int(row, 0) == 0)
                        fail_msg("%s: add a value to fill() and a line to daemon/journal/rotation.c", table);
                (void) sqlite3_finalize(row);
                n++;
        }
        (void) sqlite3_finalize(columns);
        assert_int_equal(n, 11);
        journal_close(j);
}

static void forged_stays_forged(void **state) {
        struct journal *j = open_good();
        struct journal_verify v;
        int r;

        fill(j);
        assert_int_equal(sqlite3_exec(j->db, "UPDATE checkpoints SET signature = zeroblob(32)", NULL, NULL, NULL),
                         SQLITE_OK);
        journal_close(j);
        assert_int_equal(change(key, new_key, ""), 1);
        j = NULL;
        assert_int_equal(try_open(new_key, &j, ""), 0);
        assert_int_equal(verify_begin(j, &v), 0);
        while ((r = verify_slice(j, &v)) > 0)
                ;
        assert_int_equal(r, -EBADMSG);
        assert_non_null(strstr(v.text, "was not signed by this terminal"));
        journal_close(j);
}

/* Whatever it was killed at, one of the two keys or both go on, and never is anything lost. */
static void check_after_kill(void) {
        struct journal *j = NULL;
        char *message = NULL;
        int r = journal_open(path, key, &j, &message);

        if (r == 0)
                check_all(j);
        else if (r == -EKEYEXPIRED) {
                assert_non_null(strstr(message, "storage-key-old"));
                assert_int_equal(journal_open(path, new_key, &j, NULL), -EKEYEXPIRED);
                /* Half way, no other key takes over. */
                assert_int_equal(change(key, third_key, "storage-key-old"), -EKEYEXPIRED);
        } else
                assert_int_equal(r, -EKEYREJECTED);
        free(message);
        journal_close(j);
        assert_in_range(change(key, new_key, ""), 0, 1);
        opens_with(new_key);
}

static void killed_at_every_call(void **state) {
        static const char *const calls[] = {
                "pwrite64", "fdatasync", "fsync", "openat", "unlink", "ftruncate", "fcntl"
        };
        const char *points = getenv("TILL_KILL_POINTS");
        int limit = points ? atoi(points) : 6, n = 0;
        char good[256], command[320];
        struct journal *j;

        if (system("strace -V >/dev/null 2>&1") != 0)
                skip();
        j = open_good();
        fill(j);
        journal_close(j);
        snprintf(good, sizeof(good), "cp %s %s.good", path, path);
        run(good);
        for (size_t c = 0; c < ELEMENTSOF(calls); c++)
                for (int i = 1; i <= limit; i++) {
                        char said[256];
                        bool killed;

                        snprintf(command, sizeof(command), "rm -f %s-wal && cp %s.good %s", path, path, path);
                        run(command);
                        killed = run_killed("--rotate", path, calls[c], points ? i : i * 13 - 12, said, sizeof(said));
                        check_after_kill();
                        if (!killed)
                                break;
                        n++;
                }
        print_message("killed at %d points\n", n);
        assert_true(n > 3);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(new_one, setup, teardown),
                cmocka_unit_test_setup_teardown(all_columns, setup, teardown),
                cmocka_unit_test_setup_teardown(forged_stays_forged, setup, teardown),
                cmocka_unit_test_setup_teardown(killed_at_every_call, setup, teardown),
        };

        self = argv[0];
        if (argc == 3 && streq(argv[1], "--rotate"))
                return journal_change_key(argv[2], key, new_key, no_progress, NULL, NULL) == 1 ? 0 : 2;
        return cmocka_run_group_tests_name("journal-rotation", tests, NULL, NULL);
}
