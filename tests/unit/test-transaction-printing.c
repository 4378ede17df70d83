// SPDX-License-Identifier: LGPL-2.1-or-later
/* Papers while the disk is full or broken. The printer is put in by the linker (--wrap), and time runs faster. */
#include "test.h"

#include <setjmp.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine-fixture.h"
#include "receipt/render.h"
#include "transaction/job-page.h"
#include "transaction/print-orders.h"
#include "transaction/printing-internal.h"
#include "transaction/transaction.h"

#define FASTER 1000

static struct {
        struct printer_listener listener;
        unsigned submitted;
        uint64_t job;
        int disk; /* what a commit says */
        struct device device;
        struct printer_status status;
        const char *chinese; /* what the hwdb says of the printer */
        const char *quirks;
        bool draws; /* till-render can be asked */
        int page;   /* what laying out says */
        int escpos; /* what the commands of a page say */
        bool huge;  /* they are more than a printer is given at once */
        int open;   /* what the printer's node says */
        int submit; /* what the printer says of a job, as the disk gets full */
        render_callback_t drawn;
        void *drawn_userdata;
        unsigned cancelled;
        unsigned opened;
        uint64_t waits; /* microseconds that were asked for last */
        struct printer_job submitted_job;
        uint8_t data[4096];
} paper;
static jmp_buf panicked;

int __wrap_journal_commit(struct journal *j);
int __real_journal_commit(struct journal *j);
void __wrap_engine_panic(int error, const char *what) __attribute__((noreturn));
struct device *__wrap_monitor_find_connected(struct monitor *m, enum device_kind kind);
int __wrap_printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret);
struct printer *__wrap_printer_free(struct printer *printer);
int __wrap_printer_open(struct printer *printer, const char *node);
const struct printer_status *__wrap_printer_get_status(const struct printer *printer);
int __wrap_printer_cancel(struct printer *printer, uint64_t job);
void __wrap_printer_close(struct printer *printer);
const char *__wrap_device_get_property(const struct device *device, const char *name);
int __wrap_render_start(sd_event *event, const struct render_request *request, uint64_t deadline_usec,
                        render_callback_t callback, void *userdata, struct render_call **ret);
struct render_call *__wrap_render_call_free(struct render_call *call);
int __wrap_printer_submit(struct printer *printer, const struct printer_job *job);
int __wrap_job_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
                    const struct printer_profile *profile, bool plain, struct page **ret);
int __real_job_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
                    const struct printer_profile *profile, bool plain, struct page **ret);
int __wrap_page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret,
                          size_t *ret_size);
int __real_page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret,
                          size_t *ret_size);
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
        paper.opened++;
        return paper.open;
}

const struct printer_status *__wrap_printer_get_status(const struct printer *printer) {
        return &paper.status;
}

int __wrap_printer_cancel(struct printer *printer, uint64_t job) {
        assert_int_equal(job, paper.job);
        paper.cancelled++;
        return 0;
}

void __wrap_printer_close(struct printer *printer) {
}

const char *__wrap_device_get_property(const struct device *device, const char *name) {
        if (streq(name, "TILL_PRINTER_CHINESE"))
                return paper.chinese;
        if (streq(name, "TILL_PRINTER_QUIRKS"))
                return paper.quirks;
        return streq(name, "TILL_PRINTER_DRAWER") ? "2 120 240" : NULL;
}

int __wrap_render_start(sd_event *event, const struct render_request *request, uint64_t deadline_usec,
                        render_callback_t callback, void *userdata, struct render_call **ret) {
        if (!paper.draws)
                return -ENFILE;
        paper.drawn = callback;
        paper.drawn_userdata = userdata;
        *ret = (struct render_call *) &paper;
        return 0;
}

struct render_call *__wrap_render_call_free(struct render_call *call) {
        paper.drawn = NULL;
        return NULL;
}

int __wrap_job_page(const struct print_job *job, enum slip_mode mode, const struct receipt_style *style,
                    const struct printer_profile *profile, bool plain, struct page **ret) {
        return paper.page < 0 ? paper.page : __real_job_page(job, mode, style, profile, plain, ret);
}

int __wrap_page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret,
                          size_t *ret_size) {
        if (paper.huge) {
                *ret = calloc(1, PRINTER_JOB_SIZE_MAX + 1);
                *ret_size = PRINTER_JOB_SIZE_MAX + 1;
                return *ret ? 0 : -ENOMEM;
        }
        return paper.escpos < 0 ? paper.escpos : __real_page_to_escpos(page, profile, ret, ret_size);
}

int __wrap_printer_submit(struct printer *printer, const struct printer_job *job) {
        if (paper.submit < 0) {
                paper.disk = -ENOSPC;
                return paper.submit;
        }
        paper.submitted++;
        paper.submitted_job = *job;
        memcpy(paper.data, job->data, MIN(job->size, sizeof(paper.data)));
        paper.job = job->id;
        return 0;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        paper.waits = usec;
        return __real_sd_event_add_time_relative(e, s, clock, usec / FASTER, 1, callback, userdata);
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&paper, 0, sizeof(paper));
        paper.status = (struct printer_status){ .open = true, .able = true, .words = "ready" };
        paper.chinese = "gbk";
        paper.device.since = 1;
        shop_set_up();
        shop_open(on_transaction, "/bin/false");
        return 0;
}

static int teardown(void **state) {
        paper.disk = 0;
        shop_tear_down();
        return 0;
}

/* An approved sale with both of its papers. */
static void sell_as(const char *reference) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(paper_queue(shop.engine, &record, SLIP_MERCHANT_COPY), 0);
        assert_int_equal(paper_queue(shop.engine, &record, SLIP_CARDHOLDER_COPY), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* Jobs 1 and 2. */
static void sell(void) {
        sell_as("P-1");
}

static void sell_again(void) {
        sell_as("P-2");
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

static unsigned count_events(const char *kind);

static int count_event(const struct event_record *event, void *userdata) {
        struct {
                const char *kind;
                unsigned n;
        } *count = userdata;

        count->n += streq(event->kind, count->kind);
        return 0;
}

static unsigned count_events(const char *kind) {
        struct {
                const char *kind;
                unsigned n;
        } count = { kind, 0 };

        assert_int_equal(event_each(shop.journal, 0, 0, 0, count_event, &count), 0);
        return count.n;
}

/* What was written to standard error since it was turned away to a file. */
static unsigned count_lines(int fd, const char *text) {
        char log[8192] = "";
        unsigned n = 0;

        assert_true(pread(fd, log, sizeof(log) - 1, 0) >= 0);
        for (const char *at = log; (at = strstr(at, text)); at++)
                n++;
        return n;
}

/* Somebody else holds the printer: said once, and not each time that it is tried. */
static void held_by_another(void **state) {
        _cleanup_close_ int log = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);

        paper.open = -EBUSY;
        log_set_max_level(LOG_ERR);
        assert_true(dup2(log, STDERR_FILENO) >= 0);
        sell();
        printing_kick(engine_printing(shop.engine));
        wait_a_while();
        paper.open = -EIO;
        wait_a_while();
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        log_set_max_level(LOG_EMERG);
        assert_int_equal(count_lines(log, "cannot be opened"), 2);
        assert_int_equal(paper.submitted, 0);
        paper.open = 0;
        wait_a_while();
        assert_int_equal(paper.submitted, 1);
}

/* A repeat bears its number, and the log says whose wish it was. */
static void printed_again(void **state) {
        _cleanup_(print_job_done) struct print_job old = {}, job = {};
        const struct print_asker asker = { .operator_id = "01", .uid = 1000 };
        int64_t id;

        sell();
        assert_int_equal(print_job_load(shop.journal, 2, &old), 0);
        assert_int_equal(print_order_reprint(shop.engine, &old, &asker, &id), 0);
        assert_int_equal(print_job_load(shop.journal, id, &job), 0);
        assert_int_equal(job.reprint, 1);
        assert_int_equal(count_events("reprint"), 1);
        /* What cannot be written does not come out. */
        paper.disk = -ENOSPC;
        assert_int_equal(print_order_reprint(shop.engine, &old, &asker, &id), -ENOSPC);
        paper.disk = 0;
        assert_int_equal(print_job_count_open(shop.journal), 3);
}

/* Without paper for the cardholder; the merchant's only where it has to be signed. */
static void electronic(void **state) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, "E-1");
        COPY(record.kind, "sale");
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.electronic = true;
        for (int i = 0; i < 2; i++) {
                record.reference[2] = (char) ('1' + i);
                record.signature = i > 0;
                assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
                assert_int_equal(paper_queue(shop.engine, &record, SLIP_MERCHANT_COPY), 0);
                assert_int_equal(paper_queue(shop.engine, &record, SLIP_CARDHOLDER_COPY), 0);
                assert_int_equal(paper_queue(shop.engine, &record, SLIP_NOT_COMPLETED), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                /* Of the second one the merchant's copy as well. */
                assert_int_equal(print_job_count_open(shop.journal), i == 0 ? 1 : 3);
        }
}

/* No name keeps a sale from its end: one that is too long is cut between two characters. */
static void names(void **state) {
        static const char *const texts[] = { "一二三四五六七八九十", "\xc9\xcc", "\xef\xbf\xbd", "😀", "e\xcc\x81" };
        char name[256];

        shop.settings.merchant_name = shop.settings.acquirer_name = name;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                for (size_t before = 0; before < 4; before++) {
                        char reference[24];

                        memset(name, 'x', before);
                        for (name[before] = '\0'; strlen(name) + strlen(texts[i]) < sizeof(name);)
                                strcat(name, texts[i]);
                        (void) snprintf(reference, sizeof(reference), "%zu-%zu", i, before);
                        sell_as(reference);
                }
}

/* Whoever asks for a signature gives something to sign on. */
static void to_be_signed(void **state) {
        struct receipt_style style = *receipt_style_default();
        struct transaction_record record;

        style.merchant_copy = false;
        shop.settings.style = &style;
        sell_as("signed");
        assert_int_equal(transaction_record_load(shop.journal, 1, &record), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_queue_papers(shop.engine, &record), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                /* First the cardholder's alone. */
                assert_int_equal(print_job_count_open(shop.journal), i == 0 ? 3 : 5);
                record.signature = true;
        }
}

/* A repeat that was cancelled says nothing about the paper. */
static void printing_is_the_papers_own(void **state) {
        _cleanup_(print_job_done) struct print_job old = {};
        const struct print_asker asker = { .uid = 1000 };
        struct transaction_record record;
        struct print_job again;

        sell();
        assert_int_equal(print_job_load(shop.journal, 2, &old), 0);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(print_job_repeat(shop.journal, &old, &asker, &again), 0);
        for (int64_t job = 1; job <= 2; job++) {
                assert_int_equal(print_job_set_state(shop.journal, job, PRINT_PRINTING), 0);
                assert_int_equal(print_job_set_state(shop.journal, job, PRINT_PRINTED), 0);
        }
        assert_int_equal(print_job_set_state(shop.journal, again.id, PRINT_CANCELLED), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(transaction_record_load(shop.journal, 1, &record), 0);
        assert_int_equal(record.print, PRINT_PRINTED);
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

static enum print_state state_of_job(int64_t id) {
        _cleanup_(print_job_done) struct print_job job = {};

        assert_int_equal(print_job_load(shop.journal, id, &job), 0);
        return job.state;
}

static unsigned failures_of(int64_t job) {
        const struct printing_failure *f = printing_failure_find(shop.engine->printing, job);

        return f ? f->count : 0;
}

/* One that takes no data is tried again without a word from the printer, unmarked. */
static void goes_on_by_itself(void **state) {
        _cleanup_(print_job_done) struct print_job job = {};

        sell();
        printing_kick(shop.engine->printing);
        end(PRINTER_FAILED);
        assert_int_equal(paper.submitted, 1);
        wait_a_while();
        assert_int_equal(paper.submitted, 2);
        assert_int_equal(paper.job, 1);
        assert_int_equal(print_job_load(shop.journal, 1, &job), 0);
        assert_false(job.duplicate);
}

/* A paper that is cut off again and again lets the others go, and is not lost. */
static void cut_off_for_ever(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        for (int i = 0; i < 3; i++) {
                assert_int_equal(paper.job, 1);
                end(PRINTER_INTERRUPTED);
                wait_a_while();
        }
        assert_int_equal(paper.job, 2);
        end(PRINTER_PRINTED);
        assert_int_equal(state_of("cardholder-copy"), PRINT_PRINTED);
        wait_a_while();
        assert_int_equal(paper.job, 1);
        end(PRINTER_PRINTED);
        assert_int_equal(state_of("merchant-copy"), PRINT_PRINTED);
        assert_int_equal(print_job_count_open(shop.journal), 0);
}

/* Until `submitted` papers have been in the printer. */
static void wait_for(unsigned submitted) {
        while (paper.submitted < submitted)
                assert_true(sd_event_run(shop.event, UINT64_MAX) >= 0);
}

static void tell_status(bool open, bool able) {
        paper.status = (struct printer_status){ .open = open, .able = able, .words = able ? "ready" : "cover open" };
        paper.listener.status((struct printer *) &paper, &paper.status, paper.listener.userdata);
}

/* Job 1 alone, which is now tried every five minutes. */
static void fail_for_long(void) {
        const struct print_asker asker = { .uid = 1000 };
        struct printing *p = shop.engine->printing;

        sell();
        assert_int_equal(printing_cancel(p, 2, &asker), 0);
        printing_kick(p);
        for (unsigned i = 1; i <= 9; i++) {
                wait_for(i);
                assert_int_equal(paper.job, 1);
                end(PRINTER_INTERRUPTED);
        }
        assert_int_equal(paper.waits, 300 * USEC_PER_SEC);
}

/* However often a paper has failed: the printer is opened again soon, and the other papers come at once. */
static void lost_after_failures(void **state) {
        struct printing *p = shop.engine->printing;

        fail_for_long();
        tell_status(false, false);
        paper.listener.closed((struct printer *) &paper, -EIO, paper.listener.userdata);
        assert_int_equal(paper.waits, 5 * USEC_PER_SEC);
        assert_int_equal(paper.opened, 1);
        while (paper.opened < 2)
                assert_true(sd_event_run(shop.event, UINT64_MAX) >= 0);
        /* That it could be opened does not bring out the paper that has failed it every time. */
        tell_status(true, true);
        assert_int_equal(paper.submitted, 9);
        sell_again();
        printing_kick(p);
        assert_int_equal(paper.submitted, 10);
        assert_int_equal(paper.job, 3);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.job, 4);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.submitted, 11);
        /* Somebody who has closed the cover looks for it. */
        tell_status(true, false);
        tell_status(true, true);
        assert_int_equal(paper.submitted, 12);
        assert_int_equal(paper.job, 1);
}

/* Nor does the journal wait for a paper. */
static void full_after_failures(void **state) {
        fail_for_long();
        sell_again();
        printing_kick(shop.engine->printing);
        assert_int_equal(paper.job, 3);
        paper.disk = -ENOSPC;
        end(PRINTER_PRINTED);
        assert_int_equal(paper.waits, 5 * USEC_PER_SEC);
        paper.disk = 0;
        while (paper.job == 3)
                assert_true(sd_event_run(shop.event, UINT64_MAX) >= 0);
        assert_int_equal(state_of_job(3), PRINT_PRINTED);
        assert_int_equal(paper.job, 4);
}

/* Two that fail every time, as alike as a sale's two papers are, keep up nobody behind them, and come less and less.
 */
static void two_fail_for_ever(void **state) {
        unsigned tries[5] = {};

        sell();
        sell_again();
        printing_kick(shop.engine->printing);
        for (unsigned i = 1; i <= 20; i++) {
                wait_for(i);
                assert_in_range(paper.job, 1, 4);
                tries[paper.job]++;
                end(paper.job <= 2 ? PRINTER_INTERRUPTED : PRINTER_PRINTED);
        }
        assert_int_equal(tries[3], 1);
        assert_int_equal(tries[4], 1);
        assert_int_equal(tries[1], 9);
        assert_int_equal(tries[2], 9);
        assert_int_equal(paper.waits, 300 * USEC_PER_SEC);
}

/* The third failure is the turn of the next one, at once. */
static void next_at_once(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        for (unsigned i = 1; i <= 3; i++) {
                wait_for(i);
                assert_int_equal(paper.job, 1);
                end(PRINTER_FAILED);
        }
        assert_int_equal(paper.submitted, 4);
        assert_int_equal(paper.job, 2);
}

/* But a printer that is being closed is given nothing more, and nothing is held against the next one. */
static void not_while_closing(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        for (unsigned i = 1; i <= 3; i++) {
                wait_for(i);
                paper.status.open = i < 3;
                end(PRINTER_INTERRUPTED);
        }
        assert_int_equal(paper.submitted, 3);
        assert_int_equal(state_of_job(2), PRINT_QUEUED);
}

static void plug_anew(void) {
        struct printing *p = shop.engine->printing;

        printing_device_changed(p, &paper.device, MONITOR_DISCONNECTED);
        printing_device_changed(p, &paper.device, MONITOR_CONNECTED);
}

/* A printer that a paper resets comes back each time: after the third the others come, and that paper has its time. */
static void resets_itself(void **state) {
        sell();
        printing_kick(shop.engine->printing);
        for (unsigned i = 1; i <= 3; i++) {
                assert_int_equal(paper.submitted, i);
                assert_int_equal(paper.job, 1);
                paper.status.open = false;
                end(PRINTER_INTERRUPTED);
                paper.status.open = true;
                plug_anew();
        }
        assert_int_equal(paper.job, 2);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.submitted, 4);
        plug_anew();
        assert_int_equal(paper.submitted, 4);
        wait_for(5);
        assert_int_equal(paper.job, 1);
}

/* What is said of a printer that cannot be opened is said of the next one as well. */
static void unplugged_and_another(void **state) {
        _cleanup_close_ int log = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);

        paper.open = -EBUSY;
        log_set_max_level(LOG_ERR);
        assert_true(dup2(log, STDERR_FILENO) >= 0);
        printing_kick(shop.engine->printing);
        printing_kick(shop.engine->printing);
        plug_anew();
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        log_set_max_level(LOG_EMERG);
        assert_int_equal(count_lines(log, "cannot be opened"), 2);
}

/* One that fails for the first time has no long pause of another's. */
static void pause_is_a_papers_own(void **state) {
        fail_for_long();
        sell_again();
        printing_kick(shop.engine->printing);
        assert_int_equal(paper.job, 3);
        end(PRINTER_FAILED);
        assert_int_equal(paper.waits, 5 * USEC_PER_SEC);
        /* Nor does it end that one's. */
        assert_int_equal(failures_of(1), 9);
        assert_non_null(printing_failure_find(shop.engine->printing, 1)->pause);
}

static void cancelled(void **state) {
        const struct print_asker asker = { .operator_id = "01", .uid = 1000 };
        struct printing *p = shop.engine->printing;

        sell();
        printing_kick(p);
        assert_int_equal(printing_cancel(p, 99, &asker), -ENOENT);
        assert_int_equal(printing_cancel(p, 2, &asker), 0);
        assert_int_equal(paper.cancelled, 0);
        /* In the printer already: the next one, if there is one, follows. */
        sell_again();
        paper.disk = -ENOSPC;
        assert_int_equal(printing_cancel(p, 1, &asker), -ENOSPC);
        assert_int_equal(paper.cancelled, 0);
        paper.disk = 0;
        assert_int_equal(printing_cancel(p, 1, &asker), 0);
        assert_int_equal(paper.cancelled, 1);
        assert_int_equal(state_of_job(1), PRINT_CANCELLED);
        assert_int_equal(paper.job, 3);
        end(PRINTER_PRINTED);
        assert_int_equal(printing_cancel(p, 3, &asker), -EALREADY);
        assert_int_equal(count_events("print-cancelled"), 2);
}

/* What holds a paper, and how far it is. */
static void progress(void **state) {
        _cleanup_(print_job_done) struct print_job job = {};
        struct printing *p = shop.engine->printing;
        struct print_progress progress;

        sell();
        assert_int_equal(print_job_load(shop.journal, 1, &job), 0);
        printing_progress(p, &job, &progress);
        assert_string_equal(progress.held, "not connected");
        printing_kick(p);
        print_job_done(&job);
        assert_int_equal(print_job_load(shop.journal, 1, &job), 0);
        paper.listener.progress((struct printer *) &paper, 1, 10, 100, paper.listener.userdata);
        paper.status = (struct printer_status){ .open = true, .words = "paper end" };
        printing_progress(p, &job, &progress);
        assert_string_equal(progress.held, "paper end");
        assert_int_equal(progress.done, 10);
        assert_int_equal(progress.size, 100);
        paper.status = (struct printer_status){ .open = true, .able = true, .words = "ready" };
        printing_progress(p, &job, &progress);
        assert_string_equal(progress.held, "");
}

/* What a printer has no characters for is drawn first; what is not drawn is printed without. */
static void drawn(void **state) {
        struct printing *p = shop.engine->printing;

        paper.chinese = "none";
        paper.draws = true;
        sell();
        printing_kick(p);
        assert_int_equal(paper.submitted, 0);
        assert_non_null(paper.drawn);
        assert_int_equal(state_of_job(1), PRINT_QUEUED);
        printing_kick(p);
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(paper.submitted, 1);
        assert_int_equal(paper.job, 1);
        end(PRINTER_PRINTED);
        assert_non_null(paper.drawn);
        paper.drawn(-ETIME, NULL, 0, paper.drawn_userdata);
        assert_int_equal(printing_render_error(p), -ETIME);
        assert_int_equal(paper.submitted, 2);
        assert_int_equal(paper.job, 2);
        end(PRINTER_PRINTED);
        /* One that is cancelled meanwhile, and one whose printer is unplugged meanwhile. */
        sell_again();
        printing_kick(p);
        assert_int_equal(printing_cancel(p, 3, &(struct print_asker){}), 0);
        assert_non_null(paper.drawn);
        printing_device_changed(p, &paper.device, MONITOR_DISCONNECTED);
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(printing_render_error(p), 0);
        assert_int_equal(paper.job, 4);
}

static char *text_of(const char *content) {
        struct print_job job = { .id = 1, .content = (void *) content, .content_size = strlen(content) };
        _cleanup_(page_freep) struct page *page = NULL;
        char *text;

        assert_int_equal(printing_lay_out(shop.engine->printing, &job, false, &page), 0);
        assert_int_equal(page_to_text(page, &text), 0);
        return text;
}

/* What is stored and cannot be read comes as it is, with the terminal's mark, and without a whole card number. */
static void not_read(void **state) {
        _cleanup_free_ char *text = text_of("tilld-slip 99\namount=100\n");
        _cleanup_close_ int log = memfd_create("log", MFD_CLOEXEC), before = dup(STDERR_FILENO);
        _cleanup_free_ char *secret = NULL;

        assert_non_null(strstr(text, "amount=100"));
        assert_non_null(strstr(text, "TEST"));
        log_set_max_level(LOG_ERR);
        assert_true(dup2(log, STDERR_FILENO) >= 0);
        secret = text_of("tilld-slip 99\namount=100\ntext=6212 3402 1234 5673\nvoucher=42\n");
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        log_set_max_level(LOG_EMERG);
        assert_null(strstr(secret, "5673"));
        assert_non_null(strstr(secret, "amount=100\ntext=**** **** **** ****\nvoucher=42\n"));
        assert_int_equal(count_lines(log, "blackened"), 1);
        assert_int_equal(count_lines(log, "6212"), 0);
}

/* One that cannot be laid out stays in the queue, is tried again by and by, and keeps up nobody. */
static void not_laid_out(void **state) {
        struct printing *p = shop.engine->printing;

        sell();
        paper.page = -ENOMEM;
        printing_kick(p);
        assert_int_equal(failures_of(1), 1);
        /* Each of the two counts its own. */
        for (int i = 0; i < 1000 && failures_of(2) < 3; i++)
                assert_true(sd_event_run(shop.event, 2000) >= 0);
        assert_int_equal(failures_of(2), 3);
        assert_in_range(failures_of(1), 3, 9);
        assert_int_equal(paper.submitted, 0);
        assert_int_equal(print_job_count_open(shop.journal), 2);
        paper.page = 0;
        wait_for(1);
        end(PRINTER_PRINTED);
        wait_for(2);
        end(PRINTER_PRINTED);
        assert_int_equal(print_job_count_open(shop.journal), 0);
}

/* The same where only the commands, or the paper without its pictures, cannot be made. */
static void not_laid_out_once_drawn(void **state) {
        struct printing *p = shop.engine->printing;

        paper.chinese = "none";
        paper.draws = true;
        sell();
        printing_kick(p);
        paper.escpos = -ENOMEM;
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(failures_of(1), 1);
        assert_null(paper.drawn);
        paper.escpos = 0;
        wait_a_while();
        assert_non_null(paper.drawn);
        paper.page = -ENOMEM;
        paper.drawn(-ETIME, NULL, 0, paper.drawn_userdata);
        assert_int_equal(failures_of(1), 2);
        assert_int_equal(state_of_job(1), PRINT_QUEUED);
        paper.page = 0;
}

/* Drawn for a printer that was changed for a narrower one meanwhile: it comes, as well as that one can. */
static void drawn_for_another(void **state) {
        struct printing *p = shop.engine->printing;

        paper.chinese = "none";
        paper.draws = true;
        sell();
        printing_kick(p);
        p->profile = *printer_profile_find("generic-58");
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(paper.submitted, 1);
        assert_int_equal(paper.job, 1);
        assert_int_equal(state_of_job(1), PRINT_PRINTING);
}

/* What no printer takes goes, and the next one comes; while the disk is full it waits. */
static void refused(void **state) {
        struct printing *p = shop.engine->printing;

        sell();
        paper.huge = true;
        paper.disk = -ENOSPC;
        printing_kick(p);
        assert_int_equal(state_of_job(1), PRINT_QUEUED);
        paper.disk = 0;
        wait_a_while();
        assert_int_equal(state_of_job(1), PRINT_CANCELLED);
        assert_int_equal(state_of_job(2), PRINT_CANCELLED);
        assert_int_equal(paper.submitted, 0);
        paper.huge = false;
        sell_again();
        printing_kick(p);
        assert_int_equal(paper.job, 3);
}

/* The same of one that was drawn: the queue goes on. */
static void refused_once_drawn(void **state) {
        struct printing *p = shop.engine->printing;

        paper.chinese = "none";
        paper.draws = true;
        sell();
        printing_kick(p);
        paper.escpos = -E2BIG;
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(state_of_job(1), PRINT_CANCELLED);
        assert_int_equal(p->drawn, 2);
        assert_non_null(paper.drawn);
}

/* A printer that takes no job just now, and a disk that does not take that either: it comes when both do. */
static void full_as_it_is_refused(void **state) {
        sell();
        paper.submit = -EBUSY;
        printing_kick(shop.engine->printing);
        assert_int_equal(state_of_job(1), PRINT_PRINTING);
        wait_a_while();
        assert_int_equal(state_of_job(1), PRINT_PRINTING);
        paper.submit = paper.disk = 0;
        wait_a_while();
        assert_int_equal(paper.submitted, 1);
        assert_int_equal(paper.job, 1);
}

/* Neither pictures nor Chinese: no row of question marks. */
static void no_pictures(void **state) {
        paper.chinese = "none";
        paper.quirks = "no-raster";
        sell();
        printing_kick(shop.engine->printing);
        assert_int_equal(paper.submitted, 1);
        assert_true(paper.submitted_job.size <= sizeof(paper.data));
        assert_null(memmem(paper.data, paper.submitted_job.size, "??", 2));
        assert_non_null(memmem(paper.data, paper.submitted_job.size, "P-1", 3));
}

/* A text of the checkout's own is refused where it would come with gaps, and otherwise says that it does. */
static void text_with_gaps(void **state) {
        static const char missing[] = "PARTS OF THIS TEXT ARE MISSING";
        const struct print_asker asker = { .uid = 1000 };
        const char *reason = NULL;
        int64_t job;

        /* Before the printer is known to have neither. */
        assert_int_equal(print_order_text(shop.engine, "茶 TEA", 1, &asker, &job, &reason), 0);
        assert_null(reason);
        paper.chinese = "none";
        paper.quirks = "no-raster";
        shop.engine->printing->profile_since = 0;
        shop.engine->printing->device = NULL;
        end(PRINTER_FAILED);
        wait_a_while();
        assert_int_equal(paper.submitted, 2);
        assert_non_null(memmem(paper.data, paper.submitted_job.size, "TEA", 3));
        assert_non_null(memmem(paper.data, paper.submitted_job.size, missing, strlen(missing)));
        assert_null(memchr(paper.data, '?', paper.submitted_job.size));
        end(PRINTER_PRINTED);

        assert_int_equal(print_order_text(shop.engine, "茶 TEA", 1, &asker, &job, &reason), -EINVAL);
        assert_non_null(strstr(reason, "ASCII"));
        reason = NULL;
        assert_int_equal(print_order_text(shop.engine, "TEA", 1, &asker, &job, &reason), 0);
        assert_int_equal(paper.submitted, 3);
        assert_null(memmem(paper.data, paper.submitted_job.size, missing, strlen(missing)));
}

/* A stored paper that nobody can read any more comes out as what it is. */
static void stored_paper_is_broken(void **state) {
        struct print_job job = { .what = "cardholder-copy", .content = (char *) "tilld-slip 9\nLIKEWISE" };

        job.content_size = strlen(job.content);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(print_job_insert(shop.journal, &job), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        printing_kick(shop.engine->printing);
        assert_int_equal(paper.submitted, 1);
        assert_non_null(memmem(paper.data, sizeof(paper.data), "LIKEWISE", 8));
}

static int pulse_error;

static void on_pulse(int error, const char *reason, void *userdata) {
        (*(unsigned *) userdata)++;
        pulse_error = error;
}

/* Between two papers, once. */
static void drawer(void **state) {
        const struct print_asker asker = { .operator_id = "01", .uid = 1000 };
        struct printing *p = shop.engine->printing;
        struct refusal refusal;
        unsigned n = 0;

        assert_int_equal(printing_open_drawer(p, &asker, on_pulse, &n, &refusal), -ENODEV);
        sell();
        printing_kick(p);
        assert_int_equal(printing_open_drawer(p, &asker, on_pulse, &n, &refusal), 0);
        assert_int_equal(printing_open_drawer(p, &asker, on_pulse, &n, &refusal), -EBUSY);
        assert_int_equal(paper.job, 1);
        assert_int_equal(count_events("drawer-opened"), 0);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.job, UINT64_MAX);
        assert_memory_equal(paper.data, "\x1bp\0", 3);
        assert_int_equal(count_events("drawer-opened"), 1);
        /* The paper behind it waits, and nothing is opened twice. */
        printing_kick(p);
        assert_int_equal(paper.submitted, 2);
        end(PRINTER_INTERRUPTED);
        assert_int_equal(n, 1);
        assert_int_equal(pulse_error, -EIO);
        assert_int_equal(paper.job, 2);
        end(PRINTER_PRINTED);
        wait_a_while();
        assert_int_equal(paper.submitted, 3);
        paper.status = (struct printer_status){ .open = true, .words = "cover open" };
        assert_int_equal(printing_open_drawer(p, &asker, on_pulse, &n, &refusal), -EAGAIN);
        assert_non_null(strstr(refusal.text, "cover open"));
        paper.status = (struct printer_status){ .open = true, .able = true, .words = "ready" };
        /* What cannot be written is not opened. */
        paper.disk = -ENOSPC;
        assert_int_equal(printing_open_drawer(p, &asker, on_pulse, &n, &refusal), 0);
        assert_int_equal(n, 2);
        assert_int_equal(pulse_error, -ENOSPC);
        assert_int_equal(paper.submitted, 3);
}

static const struct print_asker cashier = { .operator_id = "01", .uid = 1000 };

/* It waits for a paper that is being drawn as for one in print. */
static void drawer_while_drawing(void **state) {
        struct printing *p = shop.engine->printing;
        struct refusal refusal;
        unsigned n = 0;

        paper.chinese = "none";
        paper.draws = true;
        sell();
        printing_kick(p);
        assert_int_equal(printing_open_drawer(p, &cashier, on_pulse, &n, &refusal), 0);
        assert_int_equal(paper.submitted, 0);
        paper.drawn(0, NULL, 0, paper.drawn_userdata);
        assert_int_equal(paper.job, 1);
        end(PRINTER_PRINTED);
        assert_int_equal(paper.job, UINT64_MAX);
        end(PRINTER_PRINTED);
        assert_int_equal(n, 1);
        assert_int_equal(pulse_error, 0);
}

/* No drawer opens as paper is put in, when nobody stands before it. */
static void drawer_in_time(void **state) {
        struct printing *p = shop.engine->printing;
        struct refusal refusal;
        unsigned n = 0;

        printing_kick(p);
        assert_int_equal(printing_open_drawer(p, &cashier, on_pulse, &n, &refusal), 0);
        assert_int_equal(paper.job, UINT64_MAX);
        paper.status.able = false;
        paper.status.words = "paper end";
        paper.listener.status((struct printer *) &paper, &paper.status, paper.listener.userdata);
        assert_int_equal(paper.cancelled, 1);
        assert_int_equal(n, 1);
        assert_int_equal(pulse_error, -EIO);
        paper.listener.status((struct printer *) &paper, &paper.status, paper.listener.userdata);
        assert_int_equal(paper.cancelled, 1);
}

/* Of a printer without a word, that it took all is all that can be known; of another it is not. */
static void drawer_unconfirmed(void **state) {
        struct printing *p = shop.engine->printing;
        struct refusal refusal;
        unsigned n = 0;

        printing_kick(p);
        assert_int_equal(printing_open_drawer(p, &cashier, on_pulse, &n, &refusal), 0);
        end(PRINTER_UNCONFIRMED);
        assert_int_equal(pulse_error, 0);
        paper.status.answers = true;
        assert_int_equal(printing_open_drawer(p, &cashier, on_pulse, &n, &refusal), 0);
        end(PRINTER_UNCONFIRMED);
        assert_int_equal(pulse_error, -EIO);
        assert_int_equal(n, 2);
}

/* A pulse that ends because the printer goes begins nothing with that printer. */
static void drawer_of_a_lost_printer(void **state) {
        struct printing *p = shop.engine->printing;
        struct refusal refusal;
        unsigned n = 0;

        printing_kick(p);
        assert_int_equal(printing_open_drawer(p, &cashier, on_pulse, &n, &refusal), 0);
        sell();
        paper.status = (struct printer_status){ .words = "not connected" };
        end(PRINTER_INTERRUPTED);
        assert_int_equal(n, 1);
        assert_int_equal(paper.submitted, 1);
        assert_int_equal(state_of_job(1), PRINT_QUEUED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(printed_again, setup, teardown),
                cmocka_unit_test_setup_teardown(names, setup, teardown),
                cmocka_unit_test_setup_teardown(to_be_signed, setup, teardown),
                cmocka_unit_test_setup_teardown(printing_is_the_papers_own, setup, teardown),
                cmocka_unit_test_setup_teardown(electronic, setup, teardown),
                cmocka_unit_test_setup_teardown(goes_on_by_itself, setup, teardown),
                cmocka_unit_test_setup_teardown(cut_off_for_ever, setup, teardown),
                cmocka_unit_test_setup_teardown(lost_after_failures, setup, teardown),
                cmocka_unit_test_setup_teardown(full_after_failures, setup, teardown),
                cmocka_unit_test_setup_teardown(two_fail_for_ever, setup, teardown),
                cmocka_unit_test_setup_teardown(next_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(not_while_closing, setup, teardown),
                cmocka_unit_test_setup_teardown(resets_itself, setup, teardown),
                cmocka_unit_test_setup_teardown(unplugged_and_another, setup, teardown),
                cmocka_unit_test_setup_teardown(pause_is_a_papers_own, setup, teardown),
                cmocka_unit_test_setup_teardown(cancelled, setup, teardown),
                cmocka_unit_test_setup_teardown(progress, setup, teardown),
                cmocka_unit_test_setup_teardown(drawn, setup, teardown),
                cmocka_unit_test_setup_teardown(not_laid_out, setup, teardown),
                cmocka_unit_test_setup_teardown(not_laid_out_once_drawn, setup, teardown),
                cmocka_unit_test_setup_teardown(drawn_for_another, setup, teardown),
                cmocka_unit_test_setup_teardown(refused, setup, teardown),
                cmocka_unit_test_setup_teardown(refused_once_drawn, setup, teardown),
                cmocka_unit_test_setup_teardown(full_as_it_is_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(no_pictures, setup, teardown),
                cmocka_unit_test_setup_teardown(text_with_gaps, setup, teardown),
                cmocka_unit_test_setup_teardown(stored_paper_is_broken, setup, teardown),
                cmocka_unit_test_setup_teardown(drawer, setup, teardown),
                cmocka_unit_test_setup_teardown(drawer_while_drawing, setup, teardown),
                cmocka_unit_test_setup_teardown(drawer_in_time, setup, teardown),
                cmocka_unit_test_setup_teardown(drawer_unconfirmed, setup, teardown),
                cmocka_unit_test_setup_teardown(drawer_of_a_lost_printer, setup, teardown),
                cmocka_unit_test_setup_teardown(not_read, setup, teardown),
                cmocka_unit_test_setup_teardown(full_at_the_end, setup, teardown),
                cmocka_unit_test_setup_teardown(held_by_another, setup, teardown),
                cmocka_unit_test_setup_teardown(full_at_the_beginning, setup, teardown),
                cmocka_unit_test_setup_teardown(full_until_the_start, setup, teardown),
                cmocka_unit_test_setup_teardown(broken_disk, setup, teardown),
        };

        return cmocka_run_group_tests_name("transaction-printing", tests, NULL, NULL);
}
