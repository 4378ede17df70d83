// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Kills a writer of the journal at system call after system call (strace's injection), and looks at what
 * the next start finds. tests/crash/journal-kill runs every point; a plain run takes a few.
 *
 *   test-journal-kill                 the test; TILL_KILL_POINTS points of each call (default 6)
 *   test-journal-kill --write PATH    the writer: says each committed step on standard output
 */
#include "kill-fixture.h"

#include "journal/counter.h"
#include "journal/event.h"
#include "journal/print_job.h"
#include "journal/request.h"
#include "journal/transaction.h"
#include "journal/verify.h"

#define N_SALES 3

static const uint8_t key[JOURNAL_KEY_SIZE] = { 1, 2, 3 };

static int intent(struct journal *j, int i, struct transaction_record *record) {
        int r;

        transaction_record_init(record);
        snprintf(record->reference, sizeof(record->reference), "sale-%d", i);
        strcpy(record->kind, "sale");
        record->amount = 100 + i;
        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        r = transaction_record_insert(j, record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int before_sending(struct journal *j, struct transaction_record *record) {
        struct request_record reversal = { .transaction = record->id, .reason = "98", .request = record->reference };
        int r;

        reversal.request_size = strlen(record->reference);
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        record->state = TRANSACTION_AUTHORIZING;
        record->reversal = REVERSAL_PENDING;
        r = counter_next_stan(j, &record->stan);
        if (r < 0)
                return r;
        r = counter_get_batch(j, &record->batch);
        if (r < 0)
                return r;
        r = transaction_record_update(j, record);
        if (r < 0)
                return r;
        r = request_record_insert(j, &reversal);
        if (r < 0)
                return r;
        r = event_append(j, "sent", record->id, NULL);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int after_answer(struct journal *j, struct transaction_record *record) {
        struct print_job job = { .transaction = record->id, .what = "merchant-copy", .content = record->reference };
        int r;

        job.content_size = strlen(record->reference);
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        record->state = TRANSACTION_DONE;
        record->result = RESULT_APPROVED;
        record->reversal = REVERSAL_NONE;
        r = transaction_record_update(j, record);
        if (r < 0)
                return r;
        r = request_record_remove(j, REQUEST_REVERSAL, record->id);
        if (r < 0)
                return r;
        r = print_job_insert(j, &job);
        if (r < 0)
                return r;
        r = event_append(j, "approved", record->id, NULL);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static void say(char step, int i) {
        char text[3] = { step, (char) ('0' + i), '\n' };

        if (write(STDOUT_FILENO, text, sizeof(text)) != sizeof(text))
                _exit(3);
}

static int write_sales(const char *path) {
        struct journal *j;
        int r;

        r = journal_open(path, key, &j, NULL);
        if (r < 0)
                return 2;
        for (int i = 0; i < N_SALES; i++) {
                struct transaction_record record;

                if (intent(j, i, &record) < 0)
                        return 2;
                if (before_sending(j, &record) < 0)
                        return 2;
                say('s', i);
                if (after_answer(j, &record) < 0)
                        return 2;
                say('a', i);
                if (i == 1 && journal_checkpoint(j) < 0)
                        return 2;
        }
        journal_close(j);
        return 0;
}

/* What was said must be there; what is there must be whole. */
static void check(const char *path, const char *said) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        _cleanup_free_ char *message = NULL;
        int64_t seq, last = 0;
        int r;

        r = journal_open(path, key, &j, &message);
        if (r < 0)
                fail_msg("after \"%s\": %s", said, strna(message));
        assert_int_equal(event_verify(j, &seq), 0);
        for (int i = 0; i < N_SALES; i++) {
                _cleanup_(request_record_done) struct request_record reversal = {};
                _cleanup_(print_job_done) struct print_job job = {};
                struct transaction_record record;
                char reference[16], sent[3] = { 's', (char) ('0' + i) }, approved[3] = { 'a', (char) ('0' + i) };

                snprintf(reference, sizeof(reference), "sale-%d", i);
                r = transaction_record_find(j, reference, &record);
                if (r == -ENOENT) {
                        assert_null(strstr(said, sent));
                        continue;
                }
                assert_int_equal(r, 0);
                assert_true(record.id > last);
                last = record.id;
                assert_int_equal(record.amount, 100 + i);
                if (strstr(said, sent))
                        assert_true(record.state == TRANSACTION_AUTHORIZING || record.state == TRANSACTION_DONE);
                if (strstr(said, approved))
                        assert_int_equal(record.result, RESULT_APPROVED);
                r = request_record_load(j, REQUEST_REVERSAL, record.id, &reversal);
                assert_int_equal(r, record.reversal == REVERSAL_PENDING ? 0 : -ENOENT);
                assert_int_equal(record.reversal == REVERSAL_PENDING, record.state == TRANSACTION_AUTHORIZING);
                r = print_job_find(j, record.id, "merchant-copy", &job);
                assert_int_equal(r, record.result == RESULT_APPROVED ? 0 : -ENOENT);
        }
}

static void killed_at_every_call(void **state) {
        static const char *const calls[] = { "pwrite64", "fdatasync", "fsync",     "openat",
                                             "unlink",   "rename",    "ftruncate", "fcntl" };
        const char *points = getenv("TILL_KILL_POINTS");
        int limit = points ? atoi(points) : 6, n = 0;

        if (system("strace -V >/dev/null 2>&1") != 0)
                skip();
        for (size_t c = 0; c < ELEMENTSOF(calls); c++) {
                /* A step that is not a multiple of what a commit writes, so that a short run hits different places. */
                for (int i = 1; i <= limit; i++) {
                        char dir[] = "/tmp/test-journal-XXXXXX", path[64], command[64], said[256];
                        bool killed;

                        assert_non_null(mkdtemp(dir));
                        snprintf(path, sizeof(path), "%s/journal.db", dir);
                        killed = run_killed("--write", path, calls[c], points ? i : i * 7 - 6, said, sizeof(said));
                        check(path, said);
                        snprintf(command, sizeof(command), "rm -r %s", dir);
                        run(command);
                        if (!killed)
                                break;
                        n++;
                }
        }
        print_message("killed at %d points\n", n);
        assert_true(n > 3);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(killed_at_every_call),
        };

        self = argv[0];
        if (argc == 3 && streq(argv[1], "--write"))
                return write_sales(argv[2]);
        return cmocka_run_group_tests_name("journal-kill", tests, NULL, NULL);
}
