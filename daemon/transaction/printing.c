// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits.h>

#include "base/clock.h"
#include "base/log.h"
#include "transaction/print-orders.h"
#include "transaction/printing-internal.h"

#define PROGRESS_INTERVAL_USEC (500 * USEC_PER_MSEC)

const struct printer_profile *printing_profile(const struct printing *p) {
        return &p->profile;
}

const struct device *printing_device(const struct printing *p) {
        return p->device;
}

bool printing_is_mute(const struct printing *p) {
        return !printer_get_status(p->printer)->answers || p->profile.completion == PRINTER_COMPLETION_NONE;
}

int printing_count(const struct printing *p) {
        return print_job_count_open(p->engine->config.journal);
}

const struct printer_status *printing_status(const struct printing *p, const struct device *device) {
        return device == p->device ? printer_get_status(p->printer) : NULL;
}

uint64_t printing_status_since(const struct printing *p) {
        return p->words_usec;
}

/* ---- The queue ---- */

static void tell_job(struct printing *p, int64_t job, int64_t transaction, enum print_state state) {
        struct engine *e = p->engine;
        struct transaction_view view;

        p->told_usec = clock_now(CLOCK_BOOTTIME);
        e->listener.job(job, state, e->listener.userdata);
        e->listener.changed(e->listener.userdata);
        if (e->current && transaction_get_view(e->current)->record.id == transaction)
                transaction_refresh(e->current);
        else if (transaction > 0 && engine_view(e, transaction, &view) >= 0)
                e->listener.transaction(&view, TRANSACTION_CHANGED, e->listener.userdata);
}

/* Before the first byte it must be on disk that paper may come out: durable. Afterwards it need not. */
static int set_job_state(struct printing *p, int64_t job, enum print_state state) {
        struct journal *j = p->engine->config.journal;
        int r;

        r = journal_begin(j, state == PRINT_PRINTING ? JOURNAL_DURABLE : JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = print_job_set_state(j, job, state);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int requeue_job(struct printing *p, int64_t job) {
        struct journal *j = p->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = print_job_requeue(j, job);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int note_end(struct printing *p, int64_t job, enum printer_result result, enum print_state *ret_state) {
        switch (result) {
        case PRINTER_PRINTED:
                *ret_state = PRINT_PRINTED;
                return set_job_state(p, job, PRINT_PRINTED);
        case PRINTER_UNCONFIRMED:
                *ret_state = PRINT_UNCONFIRMED;
                return set_job_state(p, job, PRINT_UNCONFIRMED);
        case PRINTER_FAILED:
                *ret_state = PRINT_QUEUED;
                return set_job_state(p, job, PRINT_QUEUED);
        case PRINTER_INTERRUPTED:
        default:
                *ret_state = PRINT_QUEUED;
                return requeue_job(p, job);
        }
}

static void retry_soon(struct printing *p);

/* After a failed sync only a start tells what the disk holds. But no sale ends for a paper. */
static void panic_between_sales(struct printing *p) {
        if (p->stuck == -EIO && engine_current(p->engine) == 0)
                engine_panic(p->stuck, "what is printed cannot be written");
}

void printing_get_stuck(struct printing *p, int64_t job, int error) {
        if (p->stuck == 0)
                log_print_job(
                        LOG_ERR, error, 0, job,
                        "the journal cannot be written; nothing is printed until it can be. Free space on the disk");
        p->stuck = error;
        panic_between_sales(p);
        retry_soon(p);
}

/* In the journal the job stays in print until its end can be written: a start before that repeats it, marked. */
static int write_end(struct printing *p) {
        enum print_state state;
        int64_t job = p->ended;
        int r;

        r = note_end(p, job, p->end, &state);
        if (r < 0)
                return r;
        p->ended = 0;
        if (p->end == PRINTER_PRINTED)
                log_print_job(LOG_INFO, 0, p->ended_transaction, job, "printed");
        tell_job(p, job, p->ended_transaction, state);
        return 0;
}

enum printer_confirm printing_confirm(const struct printer_profile *profile) {
        switch (profile->completion) {
        case PRINTER_COMPLETION_GS_H:
                return PRINTER_CONFIRM_PROCESS_ID;
        case PRINTER_COMPLETION_GS_R:
                return PRINTER_CONFIRM_STATUS;
        default:
                return PRINTER_CONFIRM_NONE;
        }
}

/* ---- The end of a paper ---- */

static bool has_come_out(enum printer_result result) {
        return result == PRINTER_PRINTED || result == PRINTER_UNCONFIRMED;
}

/* It waits for the printer to be well again, which may be without a word. */
static void put_off(struct printing *p, int64_t job) {
        if (printing_failure_count(p, job) < 0)
                retry_soon(p);
}

int printing_put_off(struct printing *p, const struct print_job *job, int error) {
        log_print_job(LOG_ERR, error, job->transaction, job->id, "cannot be laid out; it is tried again");
        put_off(p, job->id);
        return error;
}

static void end_job(struct printing *p, enum printer_result result, const char *reason) {
        int r;

        p->ended = p->job;
        p->ended_transaction = p->job_transaction;
        p->end = result;
        p->job = 0;
        if (has_come_out(result))
                printing_failure_forget(p, p->ended);
        else
                put_off(p, p->ended);
        if (result != PRINTER_PRINTED)
                log_print_job(LOG_WARNING, 0, p->ended_transaction, p->ended, "%s: %s",
                              printer_result_to_string(result), reason);
        r = write_end(p);
        if (r < 0)
                printing_get_stuck(p, p->ended, r);
}

static bool is_put_off(const struct printing *p, int64_t job) {
        const struct printing_failure *f = printing_failure_find(p, job);

        return f && f->pause;
}

static void job_done(struct printer *printer, uint64_t id, enum printer_result result, const char *reason,
                     void *userdata) {
        struct printing *p = userdata;
        int64_t job = p->job;

        if (id == PULSE_JOB)
                return printing_pulse_done(p, result, reason);
        end_job(p, result, reason);
        if (p->stuck < 0)
                return;
        /* The others go on; but of a printer that is being closed, whoever closes it does. */
        if (has_come_out(result) || (is_put_off(p, job) && printer_get_status(p->printer)->open))
                printing_kick(p);
}

/* Whether the journal takes again what it did not. */
static bool get_loose(struct printing *p) {
        int r = p->stuck;

        panic_between_sales(p);
        if (r != -EIO)
                r = p->ended > 0 ? write_end(p) : 0;
        if (r < 0) {
                p->stuck = r;
                retry_soon(p);
                return false;
        }
        p->stuck = 0;
        return true;
}

void printing_drop(struct printing *p, const struct print_job *job, int error) {
        int r;

        log_print_job(LOG_ERR, error, job->transaction, job->id,
                      "cannot be printed and is dropped; its transaction stands");
        r = set_job_state(p, job->id, PRINT_CANCELLED);
        if (r < 0)
                return printing_get_stuck(p, job->id, r);
        printing_failure_forget(p, job->id);
        tell_job(p, job->id, job->transaction, PRINT_CANCELLED);
}

int printing_submit(struct printing *p, const struct print_job *job, const uint8_t *data, size_t size,
                    unsigned seconds) {
        const struct printer_job out = {
                .id = (uint64_t) job->id,
                .confirm = printing_confirm(&p->profile),
                .data = data,
                .size = size,
                .deadline = seconds,
                .again = job->duplicate,
        };
        int r;

        r = set_job_state(p, job->id, PRINT_PRINTING);
        if (r < 0) {
                printing_get_stuck(p, job->id, r);
                return r;
        }
        p->job = job->id;
        p->job_transaction = job->transaction;
        p->done = 0;
        p->size = size;
        r = printer_submit(p->printer, &out);
        if (r < 0) {
                end_job(p, PRINTER_FAILED, strerror(-r));
                return r;
        }
        log_print_job(LOG_DEBUG, 0, job->transaction, job->id, "%s, %zu bytes", job->what, size);
        tell_job(p, job->id, job->transaction, PRINT_PRINTING);
        return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        struct printing *p = userdata;

        p->retry = sd_event_source_disable_unref(p->retry);
        printing_kick(p);
        return 0;
}

/* However often a paper has failed, the printer and the journal are looked at again soon. */
static void retry_soon(struct printing *p) {
        int r;

        if (p->retry)
                return;
        r = sd_event_add_time_relative(p->engine->config.event, &p->retry, CLOCK_BOOTTIME, PRINTING_RETRY_USEC, 0,
                                       on_retry, p);
        /* -ESTALE: tilld stops, and the next start goes on. */
        if (r < 0 && r != -ESTALE)
                log_error_errno(r, "Nothing is printed before the printer is plugged in anew");
}

static const char *printer_property(const char *name, void *userdata) {
        return device_get_property(userdata, name);
}

static void read_profile(struct printing *p) {
        char title[DEVICE_TITLE_MAX];

        if (p->profile_since == p->device->since)
                return;
        p->profile_since = p->device->since;
        if (!printer_profile_parse(printer_property, p->device, &p->profile))
                log_about(LOG_NOTICE, 0, LOG_ABOUT_DEVICE(p->device->id),
                          "%s: nothing is known of this printer (%04x:%04x); it is taken for a usual one of 80 mm; "
                          "supported-devices.md says how to describe it",
                          device_title(p->device, title), p->device->vendor_id, p->device->product_id);
}

/* Takes the first printer that is there, if none is held. */
static void attach(struct printing *p) {
        struct device *device = monitor_find_connected(p->engine->monitor, DEVICE_PRINTER);
        char title[DEVICE_TITLE_MAX];
        int r;

        if (p->device || !device)
                return;
        p->device = device;
        read_profile(p);
        r = printer_open(p->printer, device->node);
        if (r != p->unopened && r < 0)
                log_about(LOG_ERR, r, LOG_ABOUT_DEVICE(device->id),
                          "%s cannot be opened; nothing is printed, and it is tried again and again",
                          device_title(device, title));
        p->unopened = MIN(r, 0);
        if (r >= 0)
                return;
        p->device = NULL;
        retry_soon(p);
}

/* The oldest whose time has come; those that have failed too often only where there is no other. */
static int choose_job(struct printing *p, struct print_job *ret) {
        struct journal *j = p->engine->config.journal;
        int64_t behind = 0, last = 0;
        int r;

        for (;;) {
                _cleanup_(print_job_done) struct print_job job = {};
                const struct printing_failure *f;

                r = print_job_first(j, behind, &job);
                if (r < 0)
                        break;
                behind = job.id;
                f = printing_failure_find(p, job.id);
                if (!f || (f->count < PRINTING_FAILURES_MAX && !f->pause)) {
                        *ret = job;
                        job.content = NULL;
                        return 0;
                }
                /* It keeps its place, and the order of the papers, for so long. */
                if (f->count < PRINTING_FAILURES_MAX)
                        return -ENOENT;
                if (!f->pause && last == 0)
                        last = job.id;
        }
        return r == -ENOENT && last > 0 ? print_job_load(j, last, ret) : r;
}

void printing_kick(struct printing *p) {
        attach(p);
        if (!get_loose(p))
                return;
        printing_pulse_send(p);
        while (p->device && p->job == 0 && p->drawn == 0 && !p->pulse_sent && p->stuck == 0) {
                _cleanup_(print_job_done) struct print_job job = {};
                int r;

                r = choose_job(p, &job);
                if (r == -ENOENT)
                        return;
                if (r < 0)
                        return printing_get_stuck(p, 0, r);
                r = printing_page_start(p, &job);
                if (r < 0 && !is_put_off(p, job.id))
                        return;
        }
}

/* ---- What somebody wants of it ---- */

int printing_cancel(struct printing *p, int64_t id, const struct print_asker *asker) {
        _cleanup_(print_job_done) struct print_job job = {};
        struct journal *j = p->engine->config.journal;
        int r;

        r = print_job_load(j, id, &job);
        if (r < 0)
                return r;
        /* What the printer has ended is no longer to be cancelled, even where the journal could not take that yet. */
        if (p->ended == id)
                return -EALREADY;
        job.asker = *asker;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = print_job_set_state(j, id, PRINT_CANCELLED);
        if (r >= 0)
                r = print_job_note(j, "print-cancelled", &job);
        if (r >= 0)
                r = journal_commit(j);
        if (r < 0)
                return r;
        if (p->job == id) {
                p->job = 0;
                (void) printer_cancel(p->printer, (uint64_t) id);
        }
        if (p->drawn == id)
                printing_page_stop(p);
        printing_failure_forget(p, id);
        tell_job(p, id, job.transaction, PRINT_CANCELLED);
        printing_kick(p);
        return 0;
}

void printing_progress(const struct printing *p, const struct print_job *job, struct print_progress *ret) {
        const struct printer_status *status = p->device ? printer_get_status(p->printer) : NULL;
        bool open = job->state == PRINT_QUEUED || job->state == PRINT_PRINTING;

        *ret = (struct print_progress){ .held = "" };
        if (open && !status)
                ret->held = "not connected";
        else if (open && !status->able)
                ret->held = status->words;
        if (job->id == p->job) {
                ret->done = p->done;
                ret->size = p->size;
        }
}

bool printing_is_busy(const struct printing *p) {
        return p->job > 0 && (p->done > 0 || !printer_get_status(p->printer)->waiting);
}

/* ---- The printer ---- */

/* Whoever waits for a paper is told what holds it. */
static void tell_hold(struct printing *p) {
        _cleanup_(print_job_done) struct print_job job = {};
        struct engine *e = p->engine;

        if (print_job_first(e->config.journal, 0, &job) >= 0)
                e->listener.job(job.id, job.state, e->listener.userdata);
}

static void job_progress(struct printer *printer, uint64_t id, uint64_t done, uint64_t size, void *userdata) {
        struct printing *p = userdata;
        struct engine *e = p->engine;

        if (id == PULSE_JOB || p->job == 0)
                return;
        p->done = done;
        p->size = size;
        if (clock_now(CLOCK_BOOTTIME) - p->told_usec < PROGRESS_INTERVAL_USEC)
                return;
        p->told_usec = clock_now(CLOCK_BOOTTIME);
        e->listener.job(p->job, PRINT_PRINTING, e->listener.userdata);
}

static void status_changed(struct printer *printer, const struct printer_status *status, void *userdata) {
        struct printing *p = userdata;
        struct engine *e = p->engine;

        if (!p->device)
                return;
        if (!streq_ptr(p->words, status->words)) {
                log_about(LOG_INFO, 0, LOG_ABOUT_DEVICE(p->device->id), "Printer: %s", status->words);
                p->words = status->words;
                p->words_usec = clock_now(CLOCK_BOOTTIME);
                tell_hold(p);
        }
        e->listener.device(p->device, MONITOR_CHANGED, e->listener.userdata);
        /* Somebody has mended something, and looks for the paper. That it could be opened again is no such word. */
        if (p->hindered && status->able)
                printing_failures_end_pauses(p, UINT_MAX);
        p->hindered = status->open && !status->able;
        if (status->able)
                printing_kick(p);
        else
                printing_pulse_hold(p);
}

static void printer_lost(struct printer *printer, int error, void *userdata) {
        struct printing *p = userdata;
        struct device *device = p->device;
        struct engine *e = p->engine;

        log_about(LOG_WARNING, error, LOG_ABOUT_DEVICE(device ? device->id : NULL),
                  "The printer is lost; its jobs wait for it");
        p->device = NULL;
        printing_page_stop(p);
        tell_hold(p);
        retry_soon(p);
        if (device)
                e->listener.device(device, MONITOR_CHANGED, e->listener.userdata);
}

void printing_device_changed(struct printing *p, struct device *device, enum monitor_event event) {
        if (event == MONITOR_DISCONNECTED && device == p->device) {
                printer_close(p->printer);
                p->device = NULL;
                printing_page_stop(p);
                tell_hold(p);
        }
        if (event == MONITOR_DISCONNECTED)
                p->unopened = 0;
        /* Somebody has plugged it in; or a paper has reset it, which must not come at once for ever. */
        if (event == MONITOR_CONNECTED)
                printing_failures_end_pauses(p, PRINTING_FAILURES_MAX - 1);
        /* Also one that failed without being unplugged is tried again. */
        printing_kick(p);
}

int printing_new(struct engine *e, struct printing **ret) {
        _cleanup_(printing_freep) struct printing *p = NULL;
        struct printer_listener listener = {
                .status = status_changed,
                .done = job_done,
                .progress = job_progress,
                .closed = printer_lost,
        };
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->engine = e;
        p->logo = -EBADF;
        p->profile = *printer_profile_default();
        listener.userdata = p;
        r = printer_new(e->config.event, &listener, &p->printer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

struct printing *printing_free(struct printing *p) {
        if (!p)
                return NULL;
        printing_page_stop(p);
        printing_pulse_end(p, -ECANCELED, "tilld is stopping");
        printer_free(p->printer);
        sd_event_source_disable_unref(p->retry);
        while (p->failures)
                printing_failure_forget(p, p->failures->job);
        free(p);
        return NULL;
}
