// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is done to the journal while nobody waits. Here a second lasts a millisecond. */
#include "test.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine-fixture.h"
#include "journal/counter.h"
#include "journal/internal.h"
#include "journal/wal.h"
#include "transaction/kind.h"
#include "transaction/original.h"

#define FASTER 1000

int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        return __real_sd_event_add_time_relative(e, s, clock, usec / FASTER, 1, callback, userdata);
}

int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
static bool no_timers;
/* Of those that were set since it was UINT64_MAX, and how many. */
static uint64_t shortest;
static unsigned n_set;

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        if (no_timers)
                return -ENOMEM;
        shortest = MIN(shortest, usec);
        n_set++;
        return __real_sd_event_source_set_time_relative(s, usec / FASTER);
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        shop_set_up();
        shop.settings.retention_days = 400;
        shop_open(on_transaction, "/bin/false");
        return 0;
}

static int teardown(void **state) {
        shop_tear_down();
        return 0;
}

/* Until it is so, a second at most. */
static bool soon(bool (*so)(void)) {
        for (int i = 0; i < 1000 && !so(); i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        return so();
}

/* ---- Work that somebody asks for ---- */

static struct { int left, result, ends, error; } work;

static int slice(struct journal *j, void *userdata) {
        assert_ptr_equal(j, shop.journal);
        assert_ptr_equal(userdata, &work);
        if (work.error < 0 && work.left == 1)
                return work.error;
        return --work.left > 0;
}

static void end(int r, void *userdata) {
        work.result = r;
        work.ends++;
}

static bool has_ended(void) {
        return work.ends > 0;
}

static const struct upkeep_work asked = { slice, end, &work };

static void asked_for(void **state) {
        memset(&work, 0, sizeof(work));
        work.left = 5;
        assert_int_equal(upkeep_run(shop.engine->upkeep, &asked), 0);
        assert_int_equal(upkeep_run(shop.engine->upkeep, &asked), -EBUSY);
        assert_int_equal(work.left, 5);
        assert_true(soon(has_ended));
        assert_int_equal(work.result, 0);
        assert_int_equal(work.left, 0);

        memset(&work, 0, sizeof(work));
        work.left = 3;
        work.error = -EPIPE;
        assert_int_equal(upkeep_run(shop.engine->upkeep, &asked), 0);
        assert_true(soon(has_ended));
        assert_int_equal(work.result, -EPIPE);

        /* Whoever waits is told when tilld stops. */
        memset(&work, 0, sizeof(work));
        work.left = 3;
        assert_int_equal(upkeep_run(shop.engine->upkeep, &asked), 0);
        shop_close();
        assert_int_equal(work.ends, 1);
        assert_int_equal(work.result, -ECANCELED);
}

static int wait_slice(struct journal *j, void *userdata) {
        char c;
        ssize_t n = stream_read(userdata, &c, 1);

        work.left++;
        return n == -EAGAIN ? UPKEEP_WAIT : n > 0;
}

/* Somebody else's pipe: it goes on when there is something in it, and ends where there is nothing for a minute. */
static void through_a_pipe(void **state) {
        struct stream stream;
        const struct upkeep_work waiting = { wait_slice, end, &stream, &stream };
        int fds[2];

        for (int silent = 0; silent < 2; silent++) {
                memset(&work, 0, sizeof(work));
                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                assert_int_equal(stream_open_reader(&stream, fds[0]), 0);
                assert_int_equal(upkeep_run(shop.engine->upkeep, &waiting), 0);
                while (work.left == 0)
                        assert_true(sd_event_run(shop.event, 1000) >= 0);
                /* It is not asked again and again meanwhile. */
                for (int i = 0; i < 5; i++)
                        assert_true(sd_event_run(shop.event, 100) >= 0);
                assert_int_equal(work.left, 1);
                if (!silent) {
                        assert_int_equal(write(fds[1], "x", 1), 1);
                        safe_close(fds[1]);
                }
                assert_true(soon(has_ended));
                assert_int_equal(work.result, silent ? -ETIMEDOUT : 0);
                assert_int_equal(work.ends, 1);
                if (silent)
                        safe_close(fds[1]);
                safe_close(fds[0]);
                stream_close(&stream);
        }
        /* Others may now. */
        memset(&work, 0, sizeof(work));
        work.left = 2;
        assert_int_equal(upkeep_run(shop.engine->upkeep, &asked), 0);
        upkeep_cancel(shop.engine->upkeep, -EPIPE, &stream);
        assert_int_equal(work.ends, 0);
        upkeep_cancel(shop.engine->upkeep, -EPIPE, &work);
        assert_int_equal(work.ends, 1);
        assert_int_equal(work.result, -EPIPE);
        assert_int_equal(work.left, 2);
}

/* ---- What it does on its own ---- */

static void add_event(const char *kind) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(event_append(shop.journal, kind, 0, NULL), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static bool is_signed(void) {
        struct event_checkpoint c;

        return event_checkpoint_last(shop.journal, &c) == 0 && c.seq > 0;
}

static bool is_checked(void) {
        uint64_t checked;

        assert_int_equal(counter_get_checked(shop.journal, &checked), 0);
        return checked > 0 && upkeep_get_verdict(shop.engine->upkeep)->time_usec > 0;
}

static void signs_and_checks(void **state) {
        add_event("started");
        assert_true(soon(is_signed));
        assert_true(soon(is_checked));
        assert_true(upkeep_get_verdict(shop.engine->upkeep)->good);
        /* Within the week the next start does not do it again. */
        shop_close();
        shop_open(on_transaction, "/bin/false");
        for (int i = 0; i < 100; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_int_equal(upkeep_get_verdict(shop.engine->upkeep)->time_usec, 0);
}

static void checks_after_a_crash(void **state) {
        int status;
        pid_t pid;

        add_event("started");
        assert_true(soon(is_checked));
        shop_close();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                /* A loop is of the process that made it. */
                if (sd_event_new(&shop.event) < 0)
                        _exit(1);
                shop_open(on_transaction, "/bin/false");
                add_event("more");
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        shop_open(on_transaction, "/bin/false");
        assert_true(soon(is_checked));
}

/* One that cannot be set would be off without a word: no more checkpoints, looks and purges. */
static void a_timer_that_stops(void **state) {
        int status;
        pid_t pid;

        shop_close();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (sd_event_new(&shop.event) < 0)
                        _exit(2);
                shop_open(on_transaction, "/bin/false");
                no_timers = true;
                for (int i = 0; i < 1000; i++)
                        (void) sd_event_run(shop.event, 1000);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        shop_open(on_transaction, "/bin/false");
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

static void run_timers(unsigned n) {
        shortest = UINT64_MAX;
        n_set = 0;
        for (int i = 0; i < 10000 && n_set < n; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_true(n_set >= n);
}

/* An idle terminal is not woken but once a minute; what was written is looked after soon. */
static void sleeps_while_idle(void **state) {
        add_event("started");
        assert_true(soon(is_checked));
        /* What it began with goes on for a while. */
        for (int i = 0; i < 50 && shortest < 60 * USEC_PER_SEC; i++)
                run_timers(3);
        assert_true(shortest >= 60 * USEC_PER_SEC);
        add_event("more");
        run_timers(2);
        assert_int_equal(shortest, 10 * USEC_PER_SEC);
}

static bool is_log_empty(void) {
        char path[64];
        struct wal_report report;

        snprintf(path, sizeof(path), "%s/test.db", shop.dir);
        assert_int_equal(wal_inspect(path, &report), 0);
        return report.frames == 0;
}

static void empties_the_log(void **state) {
        for (int i = 0; i < 250; i++)
                add_event("event");
        assert_false(is_log_empty());
        assert_true(soon(is_log_empty));
}

/* ---- What a purge has left ---- */

/* Nobody can say whether it is the same card. */
static void a_tombstone_is_not_refunded(void **state) {
        struct transaction_record record, original;
        struct refusal refusal;
        char sql[80];

        transaction_record_init(&record);
        COPY(record.reference, "old");
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(original_check(shop.engine, kind_find("refund"), record.id, 100, "CNY", &original, &refusal),
                         0);
        snprintf(sql, sizeof(sql), "UPDATE transactions SET purged = 1 WHERE id = %d", (int) record.id);
        assert_int_equal(journal_execute(shop.journal, sql), 0);
        assert_true(original_check(shop.engine, kind_find("refund"), record.id, 100, "CNY", &original, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_ORIGINAL);
        assert_non_null(strstr(refusal.text, "retention time"));
}

/* ---- What is found ---- */

static bool is_marked(void) {
        char path[64];

        snprintf(path, sizeof(path), "%s/test.db.suspect", shop.dir);
        return access(path, F_OK) == 0;
}

static void finds(void **state) {
        struct journal_verify v = { .text = "Event 3 was changed" };
        int code = 0;

        /* Somebody changed it: told, and the terminal goes on. */
        upkeep_found(shop.engine->upkeep, -EBADMSG, &v);
        assert_false(upkeep_get_verdict(shop.engine->upkeep)->good);
        assert_string_equal(upkeep_get_verdict(shop.engine->upkeep)->text, "Event 3 was changed");
        assert_false(is_marked());
        assert_int_equal(sd_event_get_state(shop.event), SD_EVENT_INITIAL);

        /* The file is damaged: no payment before all of it has been read. */
        v.damaged = true;
        upkeep_found(shop.engine->upkeep, -EBADMSG, &v);
        assert_true(is_marked());
        assert_int_equal(sd_event_loop(shop.event), -EBADMSG);
        assert_int_equal(sd_event_get_exit_code(shop.event, &code), 0);
        assert_int_equal(code, -EBADMSG);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(asked_for, setup, teardown),
                cmocka_unit_test_setup_teardown(through_a_pipe, setup, teardown),
                cmocka_unit_test_setup_teardown(signs_and_checks, setup, teardown),
                cmocka_unit_test_setup_teardown(checks_after_a_crash, setup, teardown),
                cmocka_unit_test_setup_teardown(sleeps_while_idle, setup, teardown),
                cmocka_unit_test_setup_teardown(empties_the_log, setup, teardown),
                cmocka_unit_test_setup_teardown(a_timer_that_stops, setup, teardown),
                cmocka_unit_test_setup_teardown(a_tombstone_is_not_refunded, setup, teardown),
                cmocka_unit_test_setup_teardown(finds, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-upkeep", tests, NULL, NULL);
}
