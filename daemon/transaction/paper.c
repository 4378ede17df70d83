// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/paper.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "base/clock.h"
#include "host/result.h"
#include "transaction/engine.h"
#include "transaction/reason.h"
#include "transaction/resolution.h"

static int32_t time_offset(uint64_t usec) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        return localtime_r(&t, &tm) ? (int32_t) tm.tm_gmtoff : 0;
}

enum slip_mode paper_mode(const struct settings *s) {
        switch (s->mode) {
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

/* Whether to pay again: what the money does as far as it is known when the paper is made. */
static enum slip_advice advice(const struct transaction_record *t, enum slip_paper paper) {
        if (paper != SLIP_DECLINED && paper != SLIP_NOT_COMPLETED)
                return SLIP_ADVICE_NONE;
        if (t->result == RESULT_UNCONFIRMED)
                return SLIP_ADVICE_UNCONFIRMED;
        switch (t->reversal) {
        case REVERSAL_NONE:
                return SLIP_ADVICE_PAY_AGAIN;
        case REVERSAL_PENDING:
                return SLIP_ADVICE_REVERSAL_PENDING;
        case REVERSAL_DONE:
                return SLIP_ADVICE_REVERSAL_DONE;
        default:
                /* Rejected, or ended by agreement: only the acquirer knows what was booked. */
                return SLIP_ADVICE_UNCONFIRMED;
        }
}

/* Why, for the cardholder, in both languages or not at all: the sentence is the cashier's. */
static void fill_message(const struct transaction_record *t, struct slip *ret) {
        const struct host_result *result = host_result_find(t->response_code);
        bool refused = streq(t->reason, "refused");
        const char *cause = refused ? action_to_cause(result->action) : reason_to_cause(t->reason);

        if (cause)
                SLIP_SET(ret->message, cause);
        else if (refused)
                (void) snprintf(ret->message, sizeof(ret->message), "%s\n%s", result->zh, result->text);
}

/* Whose paper it is, and of when. */
static void slip_begin(const struct settings *s, enum slip_paper paper, uint64_t time_usec, struct slip *ret) {
        slip_init(ret);
        ret->paper = paper;
        ret->mode = paper_mode(s);
        SLIP_SET(ret->merchant_name, s->merchant_name);
        SLIP_SET(ret->merchant, s->merchant_number);
        SLIP_SET(ret->terminal, s->terminal_number);
        ret->time_usec = time_usec;
        ret->time_offset = time_offset(time_usec);
}

static void slip_fill(const struct settings *s, const struct transaction_record *t, enum slip_paper paper,
                      struct slip *ret) {
        slip_begin(s, paper, t->finished_usec, ret);
        SLIP_SET(ret->operator_id, t->operator_id);
        SLIP_SET(ret->approver, t->approver);
        SLIP_SET(ret->issuer, t->issuer);
        SLIP_SET(ret->acquirer, strempty(s->acquirer_name));

        SLIP_SET(ret->masked_pan, t->masked_pan);
        ret->entry = entry_letter(t->entry);
        SLIP_SET(ret->kind, t->kind);
        ret->batch = t->batch;
        ret->voucher = t->voucher;
        ret->stan = t->stan;
        SLIP_SET(ret->authorization_code, t->authorization_code);
        SLIP_SET(ret->rrn, t->rrn);
        ret->amount = t->amount;
        SLIP_SET(ret->currency, t->currency);
        SLIP_SET(ret->reference, t->reference);

        ret->psn = t->psn;
        SLIP_SET(ret->cryptogram, t->cryptogram);
        SLIP_SET(ret->cryptogram_kind, t->cryptogram_kind);
        SLIP_SET(ret->tvr, t->tvr);
        SLIP_SET(ret->aid, t->aid);
        SLIP_SET(ret->tsi, t->tsi);
        SLIP_SET(ret->atc, t->atc);
        SLIP_SET(ret->label, t->label);
        SLIP_SET(ret->preferred_name, t->preferred_name);
        SLIP_SET(ret->aip, t->aip);
        SLIP_SET(ret->iad, t->iad);
        SLIP_SET(ret->terminal_capabilities, t->terminal_capabilities);
        ret->verification = verification(t);

        SLIP_SET(ret->response_code, t->response_code);
        fill_message(t, ret);
        ret->advice = advice(t, paper);
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

static int queue_slip(struct engine *e, int64_t transaction, bool electronic, const struct slip *slip) {
        _cleanup_free_ char *content = NULL;
        struct print_job job = {
                .transaction = transaction,
                .state = electronic ? PRINT_ELECTRONIC : PRINT_QUEUED,
                .asker = { .uid = PRINT_JOB_NOBODY },
        };
        int r;

        r = slip_to_blob(slip, &content, &job.content_size);
        if (r < 0)
                return r;
        job.content = content;
        COPY(job.what, slip_paper_to_string(slip->paper));
        return print_job_insert(e->config.journal, &job);
}

/*
 * An e-receipt only: without the cardholder's paper, and without the merchant's where nobody has to sign it. A paper
 * that says what becomes of the money is printed in any case.
 */
static bool is_electronic(const struct transaction_record *record, enum slip_paper paper) {
        if (!record->electronic)
                return false;
        return paper == SLIP_CARDHOLDER_COPY || (paper == SLIP_MERCHANT_COPY && !record->signature);
}

int paper_queue(struct engine *e, const struct transaction_record *record, enum slip_paper paper) {
        struct slip slip;
        int r;

        slip_fill(e->config.settings, record, paper, &slip);
        r = slip_fill_original(e->config.journal, record->original, &slip);
        return r < 0 ? r : queue_slip(e, record->id, is_electronic(record, paper), &slip);
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

static void add_sum(struct batch_lines *lines, const char *name, const struct host_total *sum) {
        add_batch_line(lines, "%s %u %" PRIi64 "\n", name, sum->count, sum->amount);
}

/* Domestic and foreign cards apart, as the acquirer compares them, where both come. */
static void add_sums(struct batch_lines *lines, const struct host_totals *sums) {
        const struct host_total_pair *in = &sums->domestic, *out = &sums->foreign;

        if (out->debit.count + out->credit.count > 0) {
                add_sum(lines, "domestic-debit", &in->debit);
                add_sum(lines, "domestic-credit", &in->credit);
                add_sum(lines, "foreign-debit", &out->debit);
                add_sum(lines, "foreign-credit", &out->credit);
        }
        add_batch_line(lines, "debit %u %" PRIi64 "\n", in->debit.count + out->debit.count,
                       in->debit.amount + out->debit.amount);
        add_batch_line(lines, "credit %u %" PRIi64 "\n", in->credit.count + out->credit.count,
                       in->credit.amount + out->credit.amount);
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
        /* What is still open has been told to nobody. */
        if (batch->state == BATCH_OPEN)
                return 0;
        r = host_totals_parse(batch->totals, &sums);
        if (r < 0)
                return r;
        add_sums(&totals, &sums);
        return batch_each_row(j, batch->number, BATCH_REJECTED, 0, 0, add_rejected, &rejected);
}

int paper_queue_settlement(struct engine *e, const struct transaction_record *record, const struct batch_record *batch,
                           unsigned left_out, const struct resolution *agreement) {
        struct slip slip;
        int r;

        slip_fill(e->config.settings, record, SLIP_SETTLEMENT, &slip);
        slip.left_out = left_out;
        if (agreement) {
                SLIP_SET(slip.approver, agreement->resolver);
                SLIP_SET(slip.note, agreement->note);
                /* The settlement itself may have ended long before. */
                slip.time_usec = batch->settled_usec;
                slip.time_offset = time_offset(batch->settled_usec);
        }
        r = slip_fill_batch(e->config.journal, batch, &slip);
        return r < 0 ? r : queue_slip(e, record->id, false, &slip);
}

/* ---- Papers about the terminal ---- */

void paper_fill_terminal(struct engine *e, enum slip_paper paper, struct slip *ret) {
        slip_begin(e->config.settings, paper, clock_now(CLOCK_REALTIME), ret);
}

int paper_fill_transaction(struct engine *e, const struct transaction_record *record, enum slip_paper paper,
                           struct slip *ret) {
        slip_fill(e->config.settings, record, paper, ret);
        return slip_fill_original(e->config.journal, record->original, ret);
}

/* What has no room is counted: GetTotals and Search have it all. */
static int add_row(const struct transaction_record *record, void *userdata) {
        struct slip *slip = userdata;
        const struct slip_row row = {
                .kind = record->kind,
                .masked_pan = record->masked_pan,
                .authorization_code = record->authorization_code,
                .entry = entry_letter(record->entry),
                .voucher = record->voucher,
                .time_usec = record->finished_usec,
                .amount = record->amount,
        };

        int r = slip->left_out > 0 ? -ENOBUFS : slip_add_transaction(slip, &row);

        if (r != -ENOBUFS)
                return r;
        slip->left_out++;
        return 0;
}

int paper_fill_list(struct engine *e, uint32_t number, struct slip *ret) {
        struct batch_record batch;
        int r;

        r = number > 0 ? batch_load(e->config.journal, number, &batch) : batch_load_current(e->config.journal, &batch);
        if (r < 0)
                return r;
        paper_fill_terminal(e, SLIP_TRANSACTION_LIST, ret);
        r = slip_fill_batch(e->config.journal, &batch, ret);
        if (r >= 0)
                r = batch_each_row(e->config.journal, batch.number, BATCH_APPROVED, 0, 0, add_row, ret);
        if (r < 0)
                slip_done(ret);
        return r;
}
