// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "receipt/escpos.h"
#include "transaction/engine.h"
#include "transaction/resolution.h"

/* What failed without a word may be well again without one. */
#define RETRY_USEC (5 * USEC_PER_SEC)

struct printing {
        struct engine *engine;
        struct printer *printer;
        struct device *device; /* the one that printer holds, NULL for none */
        int64_t job;           /* the one that the printer has, 0 for none */
        int64_t job_transaction;
        const char *words;      /* the status as it was logged last */
        sd_event_source *retry; /* of a printer that failed without being unplugged, and of the journal */

        /* What the journal said when it took nothing: nothing more is printed before it does. 0: it does. */
        int stuck;
        int64_t ended; /* a job whose end it has not taken yet, 0 for none */
        int64_t ended_transaction;
        enum printer_result end;
};

/* ---- What a paper says ---- */

static int32_t time_offset(uint64_t usec) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        return localtime_r(&t, &tm) ? (int32_t) tm.tm_gmtoff : 0;
}

static enum slip_mode slip_mode_of(enum mode mode) {
        switch (mode) {
        case MODE_LIVE:
                return SLIP_LIVE;
        case MODE_TEST:
                return SLIP_TEST;
        default:
                return SLIP_TRAINING;
        }
}

static char entry_letter(enum entry_mode entry) {
        switch (entry) {
        case ENTRY_CHIP:
                return 'I';
        case ENTRY_SWIPE:
        case ENTRY_FALLBACK:
                return 'S';
        case ENTRY_MANUAL:
                return 'M';
        default:
                return '\0';
        }
}

/* A PIN that the card has found right: 9F34 with method 01 and result 02 (EMV Book 4, 6.3.4.5). */
static enum slip_verification verification(const struct transaction_record *t) {
        unsigned long cvm = strtoul(t->cvm_result, NULL, 16);

        if (t->signature)
                return SLIP_VERIFICATION_SIGNATURE;
        return (cvm >> 16 & 0x3f) == 0x01 && (cvm & 0xff) == 0x02 ? SLIP_VERIFICATION_PIN : SLIP_VERIFICATION_NONE;
}

static void slip_fill(const struct settings *s, const struct transaction_record *t, enum slip_paper paper,
                      struct slip *ret) {
        slip_init(ret);
        ret->paper = paper;
        ret->mode = slip_mode_of(s->mode);

        COPY(ret->merchant_name, s->merchant_name);
        COPY(ret->merchant, s->merchant_number);
        COPY(ret->terminal, s->terminal_number);
        COPY(ret->operator_id, t->operator_id);
        COPY(ret->approver, t->approver);
        COPY(ret->issuer, t->issuer);
        COPY(ret->acquirer, strempty(s->acquirer_name));

        COPY(ret->masked_pan, t->masked_pan);
        ret->entry = entry_letter(t->entry);
        COPY(ret->kind, t->kind);
        ret->batch = t->batch;
        ret->voucher = t->voucher;
        ret->stan = t->stan;
        COPY(ret->authorization_code, t->authorization_code);
        COPY(ret->rrn, t->rrn);
        ret->time_usec = t->finished_usec;
        ret->time_offset = time_offset(t->finished_usec);
        ret->amount = t->amount;
        COPY(ret->currency, t->currency);
        COPY(ret->reference, t->reference);

        ret->psn = t->psn;
        COPY(ret->cryptogram, t->cryptogram);
        COPY(ret->cryptogram_kind, t->cryptogram_kind);
        COPY(ret->tvr, t->tvr);
        COPY(ret->aid, t->aid);
        COPY(ret->tsi, t->tsi);
        COPY(ret->atc, t->atc);
        COPY(ret->label, t->label);
        COPY(ret->preferred_name, t->preferred_name);
        COPY(ret->aip, t->aip);
        COPY(ret->iad, t->iad);
        COPY(ret->terminal_capabilities, t->terminal_capabilities);
        ret->verification = verification(t);

        COPY(ret->response_code, t->response_code);
        COPY(ret->message, t->message);
        /* It is queued as soon as the transaction has ended: the reversal is on its way then, if there is one. */
        if (paper == SLIP_NOT_COMPLETED)
                ret->advice = t->result == RESULT_UNCONFIRMED ? SLIP_ADVICE_UNCONFIRMED : SLIP_ADVICE_REVERSAL_PENDING;
}

/* What it is about, as the cardholder's papers name it. */
static int slip_fill_original(struct journal *j, int64_t id, struct slip *slip) {
        struct transaction_record original;
        int r;

        if (id == 0)
                return 0;
        r = transaction_record_load(j, id, &original);
        /* Purged since: its number is gone with it. */
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        slip->original_voucher = original.voucher;
        return 0;
}

/* In the caller's journal transaction. */
static int queue_content(struct journal *j, int64_t transaction, enum slip_paper paper, bool duplicate, void *content,
                         size_t size, int64_t *ret_job) {
        struct print_job job = {
                .transaction = transaction,
                .duplicate = duplicate,
                .state = PRINT_QUEUED,
                .created_usec = clock_now(CLOCK_REALTIME),
                .content = content,
                .content_size = size,
        };
        int r;

        COPY(job.what, slip_paper_to_string(paper));
        r = print_job_insert(j, &job);
        if (r < 0)
                return r;
        *ret_job = job.id;
        return 0;
}

static int queue_slip(struct engine *e, int64_t transaction, const struct slip *slip) {
        _cleanup_free_ char *content = NULL;
        size_t size;
        int64_t job;
        int r;

        r = slip_to_blob(slip, &content, &size);
        if (r < 0)
                return r;
        return queue_content(e->config.journal, transaction, slip->paper, false, content, size, &job);
}

int printing_queue(struct engine *e, const struct transaction_record *record, enum slip_paper paper) {
        struct slip slip;
        int r;

        slip_fill(e->config.settings, record, paper, &slip);
        r = slip_fill_original(e->config.journal, record->original, &slip);
        return r < 0 ? r : queue_slip(e, record->id, &slip);
}

/* ---- The paper of a batch ---- */

struct batch_lines {
        char *text;
        size_t size, used;
};

/* Whole lines only: what has no room is left out, and the journal has it all. */
static void add_batch_line(struct batch_lines *lines, const char *format, ...) _printf_(2, 3);
static void add_batch_line(struct batch_lines *lines, const char *format, ...) {
        char line[80];
        va_list ap;
        size_t n;

        va_start(ap, format);
        (void) vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        n = strlen(line);
        if (lines->used + n >= lines->size)
                return;
        memcpy(lines->text + lines->used, line, n + 1);
        lines->used += n;
}

static int add_total(const struct batch_total *total, void *userdata) {
        add_batch_line(userdata, "%s %" PRIu32 " %" PRIi64 "\n", total->kind, total->count, total->amount);
        return 0;
}

static int add_rejected(const struct transaction_record *record, void *userdata) {
        add_batch_line(userdata, "%s %06" PRIu32 " %" PRIi64 "\n", record->kind, record->voucher, record->amount);
        return 0;
}

static int slip_fill_batch(struct journal *j, const struct batch_record *batch, struct slip *ret) {
        static const enum slip_reconciliation reconciliations[_BATCH_RECONCILIATION_MAX] = {
                [BATCH_BALANCED] = SLIP_BALANCED,
                [BATCH_UNEQUAL] = SLIP_UPLOADED,
                [BATCH_BY_AGREEMENT] = SLIP_BY_AGREEMENT,
        };
        struct batch_lines totals = { ret->totals, sizeof(ret->totals), 0 };
        struct batch_lines rejected = { ret->rejected, sizeof(ret->rejected), 0 };
        struct host_totals sums;
        int r;

        ret->batch = batch->number;
        COPY(ret->currency, batch->currency);
        ret->reconciliation = reconciliations[batch->reconciliation];
        r = batch_each_total(j, batch->number, add_total, &totals);
        if (r < 0)
                return r;
        r = host_totals_parse(batch->totals, &sums);
        if (r < 0)
                return r;
        add_batch_line(&totals, "debit %u %" PRIi64 "\n", sums.domestic.debit.count + sums.foreign.debit.count,
                       sums.domestic.debit.amount + sums.foreign.debit.amount);
        add_batch_line(&totals, "credit %u %" PRIi64 "\n", sums.domestic.credit.count + sums.foreign.credit.count,
                       sums.domestic.credit.amount + sums.foreign.credit.amount);
        return batch_each_row(j, batch->number, BATCH_REJECTED, 0, 0, add_rejected, &rejected);
}

int printing_queue_settlement(struct engine *e, const struct transaction_record *record,
                              const struct batch_record *batch, unsigned left_out,
                              const struct resolution *agreement) {
        struct slip slip;
        int r;

        slip_fill(e->config.settings, record, SLIP_SETTLEMENT, &slip);
        slip.left_out = left_out;
        if (agreement) {
                COPY(slip.approver, agreement->resolver);
                COPY(slip.note, agreement->note);
                /* The settlement itself may have ended long before. */
                slip.time_usec = batch->settled_usec;
                slip.time_offset = time_offset(batch->settled_usec);
        }
        r = slip_fill_batch(e->config.journal, batch, &slip);
        return r < 0 ? r : queue_slip(e, record->id, &slip);
}

int printing_reprint(struct printing *p, int64_t transaction, enum slip_paper paper, int64_t *ret_job) {
        _cleanup_(print_job_done) struct print_job old = {};
        struct journal *j = p->engine->config.journal;
        int64_t job;
        int r;

        r = print_job_find(j, transaction, slip_paper_to_string(paper), &old);
        if (r < 0)
                return r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = queue_content(j, transaction, paper, true, old.content, old.content_size, &job);
        if (r < 0)
                return r;
        r = journal_commit(j);
        if (r < 0)
                return r;

        *ret_job = job;
        printing_kick(p);
        return 0;
}

/* A stored paper, laid out for the printer that is there, or a usual one. */
static int layout_job(struct printing *p, const struct print_job *job, const struct printer_profile *profile,
                      struct page **ret) {
        struct slip slip;
        int r;

        r = slip_from_blob(job->content, job->content_size, &slip);
        if (r < 0)
                return r;
        slip.duplicate = job->duplicate;
        return slip_layout(&slip, profile, ret);
}

static const struct printer_profile *profile_of(const struct printing *p) {
        return p->device ? printer_profile_find_usb(p->device->vendor_id, p->device->product_id)
                         : printer_profile_default();
}

int printing_text(struct printing *p, int64_t transaction, enum slip_paper paper, char **ret) {
        _cleanup_(print_job_done) struct print_job job = {};
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = print_job_find(p->engine->config.journal, transaction, slip_paper_to_string(paper), &job);
        if (r < 0)
                return r;
        r = layout_job(p, &job, profile_of(p), &page);
        if (r < 0)
                return r;
        return page_to_text(page, ret);
}

static int newest_transaction(const struct print_job *job, void *userdata) {
        int64_t *ret = userdata;

        *ret = job->transaction;
        return job->transaction > 0;
}

int printing_last(struct printing *p, int64_t *ret_transaction) {
        int64_t transaction = 0;
        int r;

        /* Papers without a transaction are few: a hundred jobs back is far enough to look. */
        r = print_job_each_last(p->engine->config.journal, 100, newest_transaction, &transaction);
        if (r < 0)
                return r;
        if (transaction == 0)
                return -ENOENT;
        *ret_transaction = transaction;
        return 0;
}

int printing_count(const struct printing *p) {
        return print_job_count_open(p->engine->config.journal);
}

const struct printer_status *printing_status(const struct printing *p, const struct device *device) {
        return device == p->device ? printer_get_status(p->printer) : NULL;
}

/* ---- The queue ---- */

static void tell_job(struct printing *p, int64_t job, int64_t transaction, enum print_state state) {
        struct engine *e = p->engine;
        struct transaction_view view;

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

static void retry_later(struct printing *p);

/* After a failed sync only a start tells what the disk holds. But no sale ends for a paper. */
static void panic_between_sales(struct printing *p) {
        if (p->stuck == -EIO && engine_current(p->engine) == 0)
                engine_panic(p->stuck, "what is printed cannot be written");
}

static void get_stuck(struct printing *p, int64_t job, int error) {
        if (p->stuck == 0)
                log_error_errno(error,
                                "Print job %" PRIi64 ": the journal cannot be written; nothing is printed until it "
                                "can be. Free space on the disk",
                                job);
        p->stuck = error;
        panic_between_sales(p);
        retry_later(p);
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
                log_info("Print job %" PRIi64 ": printed", job);
        tell_job(p, job, p->ended_transaction, state);
        return 0;
}

static void job_done(struct printer *printer, uint64_t id, enum printer_result result, const char *reason,
                     void *userdata) {
        struct printing *p = userdata;
        int r;

        p->ended = p->job;
        p->ended_transaction = p->job_transaction;
        p->end = result;
        p->job = 0;
        if (result != PRINTER_PRINTED)
                log_warning("Print job %" PRIi64 ": %s: %s", p->ended, printer_result_to_string(result), reason);
        r = write_end(p);
        if (r < 0)
                return get_stuck(p, p->ended, r);

        /* What could not be printed waits for the printer to come back. */
        if (result == PRINTER_PRINTED || result == PRINTER_UNCONFIRMED)
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
                retry_later(p);
                return false;
        }
        p->stuck = 0;
        return true;
}

static enum printer_confirm confirm_of(const struct printer_profile *profile) {
        switch (profile->completion) {
        case PRINTER_COMPLETION_GS_H:
                return PRINTER_CONFIRM_PROCESS_ID;
        case PRINTER_COMPLETION_GS_R:
                return PRINTER_CONFIRM_STATUS;
        default:
                return PRINTER_CONFIRM_NONE;
        }
}

static int encode(struct printing *p, const struct print_job *job, uint8_t **ret, size_t *ret_size) {
        _cleanup_(page_freep) struct page *page = NULL;
        int r;

        r = layout_job(p, job, profile_of(p), &page);
        if (r < 0)
                return r;
        return page_to_escpos(page, profile_of(p), ret, ret_size);
}

/* A paper that cannot be laid out must not hold up the others. */
static void drop_job(struct printing *p, const struct print_job *job, int error) {
        int r;

        log_error_errno(error, "Print job %" PRIi64 " cannot be laid out and is dropped; its transaction stands",
                        job->id);
        r = set_job_state(p, job->id, PRINT_CANCELLED);
        if (r < 0)
                return get_stuck(p, job->id, r);
        tell_job(p, job->id, job->transaction, PRINT_CANCELLED);
}

static void submit(struct printing *p, const struct print_job *job, const uint8_t *data, size_t size) {
        const struct printer_job out = {
                .id = (uint64_t) job->id,
                .confirm = confirm_of(profile_of(p)),
                .data = data,
                .size = size,
        };
        int r;

        r = set_job_state(p, job->id, PRINT_PRINTING);
        if (r < 0)
                return get_stuck(p, job->id, r);
        p->job = job->id;
        p->job_transaction = job->transaction;
        r = printer_submit(p->printer, &out);
        if (r == -EINVAL || r == -E2BIG) {
                p->job = 0;
                return drop_job(p, job, r);
        }
        if (r < 0)
                return job_done(p->printer, out.id, PRINTER_FAILED, strerror(-r), p);
        tell_job(p, job->id, job->transaction, PRINT_PRINTING);
}

static int on_retry(sd_event_source *s, uint64_t usec, void *userdata) {
        struct printing *p = userdata;

        p->retry = sd_event_source_disable_unref(p->retry);
        printing_kick(p);
        return 0;
}

static void retry_later(struct printing *p) {
        int r;

        if (p->retry)
                return;
        r = sd_event_add_time_relative(p->engine->config.event, &p->retry, CLOCK_BOOTTIME, RETRY_USEC, 0, on_retry, p);
        if (r < 0)
                log_error_errno(r, "Nothing is printed before the printer is plugged in anew");
}

/* Takes the first printer that is there, if none is held. */
static void attach(struct printing *p) {
        struct device *device = monitor_find_connected(p->engine->monitor, DEVICE_PRINTER);
        char title[DEVICE_TITLE_MAX];
        int r;

        if (p->device || !device)
                return;
        p->device = device;
        r = printer_open(p->printer, device->node);
        if (r >= 0)
                return;
        log_error_errno(r, "%s cannot be opened; nothing is printed", device_title(device, title));
        p->device = NULL;
        retry_later(p);
}

void printing_kick(struct printing *p) {
        attach(p);
        if (!get_loose(p))
                return;
        while (p->device && p->job == 0 && p->stuck == 0) {
                _cleanup_(print_job_done) struct print_job job = {};
                _cleanup_free_ uint8_t *data = NULL;
                size_t size;
                int r;

                r = print_job_first(p->engine->config.journal, &job);
                if (r == -ENOENT)
                        return;
                if (r < 0)
                        return get_stuck(p, 0, r);

                r = encode(p, &job, &data, &size);
                if (r == -ENOMEM) {
                        log_oom();
                        return retry_later(p);
                }
                if (r < 0) {
                        drop_job(p, &job, r);
                        continue;
                }
                return submit(p, &job, data, size);
        }
}

/* ---- The printer ---- */

static void status_changed(struct printer *printer, const struct printer_status *status, void *userdata) {
        struct printing *p = userdata;
        struct engine *e = p->engine;

        if (!p->device)
                return;
        if (!streq_ptr(p->words, status->words))
                log_info("Printer: %s", status->words);
        p->words = status->words;
        e->listener.device(p->device, MONITOR_CHANGED, e->listener.userdata);
        if (status->able)
                printing_kick(p);
}

static void printer_lost(struct printer *printer, int error, void *userdata) {
        struct printing *p = userdata;
        struct device *device = p->device;
        struct engine *e = p->engine;

        log_warning_errno(error, "The printer is lost; its jobs wait for it");
        p->device = NULL;
        retry_later(p);
        if (device)
                e->listener.device(device, MONITOR_CHANGED, e->listener.userdata);
}

void printing_device_changed(struct printing *p, struct device *device, enum monitor_event event) {
        if (event == MONITOR_DISCONNECTED && device == p->device) {
                printer_close(p->printer);
                p->device = NULL;
        }
        /* Also one that failed without being unplugged is tried again. */
        printing_kick(p);
}

int printing_new(struct engine *e, struct printing **ret) {
        _cleanup_(printing_freep) struct printing *p = NULL;
        struct printer_listener listener = {
                .status = status_changed,
                .done = job_done,
                .closed = printer_lost,
        };
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->engine = e;
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
        printer_free(p->printer);
        sd_event_source_disable_unref(p->retry);
        free(p);
        return NULL;
}
