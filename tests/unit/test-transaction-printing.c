// SPDX-License-Identifier: LGPL-2.1-or-later
/* Papers while the disk is full or broken. The printer is put in by the linker (--wrap), and time runs faster. */
#include "test.h"

#include <setjmp.h>

#include "base/log.h"
#include "engine-fixture.h"

#define FASTER 1000

static struct {
        struct printer_listener listener;
        unsigned submitted;
        uint64_t job;
        int disk; /* what a commit says */
        struct device device;
} paper;
static jmp_buf panicked;

int __wrap_journal_commit(struct journal *j);
int __real_journal_commit(struct journal *j);
void __wrap_engine_panic(int error, const char *what) __attribute__((noreturn));
struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind);
int __wrap_printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret);
struct printer *__wrap_printer_free(struct printer *printer);
int __wrap_printer_open(struct printer *printer, const char *node);
int __wrap_printer_submit(struct printer *printer, const struct printer_job *job);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

int __wrap_journal_commit(struct journal *j) {
        return paper.disk < 0 ? paper.disk : __real_journal_commit(j);
}

void __wrap_engine_panic(int error, const char *what) {
        assert_int_equal(error, -EIO);
        longjmp(panicked, 1);
}

struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind) {
        return kind == DEVICE_PRINTER ? &paper.device : NULL;
}

int __wrap_printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret) {
        paper.listener = *listener;
        *ret = (struct printer *) &paper;
        return 0;
}

struct printer *__wrap_printer_free(struct printer *printer) {
        return NULL;
}

int __wrap_printer_open(struct printer *printer, const char *node) {
        return 0;
}

int __wrap_printer_submit(struct printer *printer, const struct printer_job *job) {
        paper.submitted++;
        paper.job = job->id;
        return 0;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        return __real_sd_event_add_time_relative(e, s, clock, usec / FASTER, 1, callback, userdata);
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&paper, 0, sizeof(paper));
        shop_set_up();
        shop_open(on_transaction, "/bin/false");
        return 0;
}

static int teardown(void **state) {
        paper.disk = 0;
        shop_tear_down();
        return 0;
}

/* An approved sale with both of its papers, which are jobs 1 and 2. */
static void sell(void) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, "P-1");
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(printing_queue(shop.engine, &record, SLIP_MERCHANT_COPY), 0);
        assert_int_equal(printing_queue(shop.engine, &record, SLIP_CARDHOLDER_COPY), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static enum print_state state_of(const char *what) {
        _cleanup_(print_job_done) struct print_job job = {};

        assert_int_equal(print_job_find(shop.journal, 1, what, &job), 0);
        return job.state;
}

/* Some of the times that it is tried again. */
static void wait_a_while(void) {
        for (int i = 0; i < 30; i++)
                assert_true(sd_event_run(shop.event, 2000) >= 0);
}

static void end(enum printer_result result) {
        paper.listener.done((struct printer *) &paper, paper.job, result, "", paper.listener.userdata);
}

/* The end of a paper is written as soon as there is room, and the next one is printed: nothing comes twice. */
static void full_at_the_end(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        assert_int_equal(paper.submitted, 1);
        assert_int_equal(paper.job, 1);
        paper.disk = -ENOSPC;
        end(PRINTER_PRINTED);
        wait_a_while();
        assert_int_equal(state_of("merchant-copy"), PRINT_PRINTING);
        assert_int_equal(paper.submitted, 1);
        paper.disk = 0;
        wait_a_while();
        assert_int_equal(state_of("merchant-copy"), PRINT_PRINTED);
        assert_int_equal(paper.submitted, 2);
        assert_int_equal(paper.job, 2);
        end(PRINTER_PRINTED);
        assert_int_equal(state_of("cardholder-copy"), PRINT_PRINTED);
}

/* Nothing leaves before it is on disk that paper may come out. */
static void full_at_the_beginning(void **state) {
        sell();
        paper.disk = -ENOSPC;
        printing_kick(shop.engine->printing);
        wait_a_while();
        assert_int_equal(paper.submitted, 0);
        assert_int_equal(state_of("merchant-copy"), PRINT_QUEUED);
        paper.disk = 0;
        wait_a_while();
        assert_int_equal(paper.submitted, 1);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.submitted, 2);
}

/* Until then a start finds it in print, and repeats it with its mark. */
static void full_until_the_start(void **state) {
        _cleanup_(print_job_done) struct print_job job = {};

        sell();
        printing_kick(shop.engine->printing);
        paper.disk = -ENOSPC;
        end(PRINTER_PRINTED);
        shop_close();
        paper.disk = 0;
        shop_open(on_transaction, "/bin/false");
        assert_int_equal(print_job_requeue_interrupted(shop.journal), -EPROTO);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(print_job_requeue_interrupted(shop.journal), 1);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(print_job_find(shop.journal, 1, "merchant-copy", &job), 0);
        assert_true(job.duplicate);
}

static void broken_disk(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        paper.disk = -EIO;
        if (!setjmp(panicked)) {
                end(PRINTER_PRINTED);
                fail_msg("it goes on");
        }
        journal_rollback(shop.journal);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(full_at_the_end, setup, teardown),
                cmocka_unit_test_setup_teardown(full_at_the_beginning, setup, teardown),
                cmocka_unit_test_setup_teardown(full_until_the_start, setup, teardown),
                cmocka_unit_test_setup_teardown(broken_disk, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-printing", tests, NULL, NULL);
}
