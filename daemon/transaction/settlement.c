// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/settlement.h"

#include <inttypes.h>

#include "base/amount.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/result.h"
#include "journal/batch.h"
#include "journal/event.h"
#include "transaction/announce.h"
#include "transaction/batch-details.h"
#include "transaction/batch-totals.h"
#include "transaction/resolution.h"
#include "transaction/transaction-internal.h"

struct settlement {
        struct batch_record batch;
        bool signed_on; /* it was tried */
        /* What is on the link. */
        int64_t to;      /* the last transaction in it */
        unsigned number; /* of records */
};

/* ---- Before anything starts ---- */

static int note_id(const struct transaction_record *record, void *userdata) {
        struct transaction_record *ret = userdata;

        *ret = *record;
        return 1;
}

/*
 * 1 with the first of which nobody knows what the acquirer has booked. Its totals cannot be compared with anything,
 * and once the batch is settled nobody would look at it again: it is cleared up before.
 */
static int find_unknown(struct engine *e, uint32_t batch, struct transaction_record *ret) {
        return batch_each_row(e->config.journal, batch, BATCH_UNKNOWN, 0, 1, note_id, ret);
}

static int check_settlement(struct engine *e, const struct batch_record *batch, struct refusal *ret) {
        struct transaction_record unknown;
        int r;

        if (batch->state != BATCH_OPEN)
                return 0;
        if (!*batch->currency)
                return refusal_set(ret, REFUSAL_NOT_READY,
                                   "Batch %06" PRIu32 " has no transactions: there is nothing to settle",
                                   batch->number);
        r = find_unknown(e, batch->number, &unknown);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        /* A pending reversal is sent first; who waits for it is told whether that went well. */
        if (r == 0 || unknown.reversal == REVERSAL_PENDING)
                return 0;
        return refusal_set(ret, REFUSAL_NOT_READY,
                           "Transaction %" PRIi64 " (%s) is %s: ask the acquirer whether it is booked, have a "
                           "supervisor resolve it, then settle again",
                           unknown.id, unknown.kind,
                           unknown.result == RESULT_UNCONFIRMED ? "unconfirmed" : "rejected as a reversal");
}

static int check_room(struct engine *e, const struct batch_record *batch, const struct kind *kind, int64_t amount,
                      const char *currency, struct refusal *ret) {
        int r;

        if (batch->state != BATCH_OPEN)
                return refusal_set(
                        ret, REFUSAL_NOT_READY,
                        "Batch %06" PRIu32 " is being settled: start a settlement again to finish it "
                        "(tillctl settle); where the acquirer keeps refusing it, its Message says what to do",
                        batch->number);
        if (!kind->amount)
                return 0;
        if (*batch->currency && !streq(batch->currency, currency))
                return refusal_set(ret, REFUSAL_NOT_READY, "Batch %06" PRIu32 " is in %s: settle it before a %s in %s",
                                   batch->number, batch->currency, kind->name, currency);
        r = batch_totals_have_room(e->config.journal, acquirer_profile(e->acquirer), batch->number, amount);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (r == 0)
                return refusal_set(ret, REFUSAL_NOT_READY, "Batch %06" PRIu32 " is full: settle it (tillctl settle)",
                                   batch->number);
        return 0;
}

int settlement_check(struct engine *e, const struct kind *kind, int64_t amount, const char *currency,
                     struct refusal *ret) {
        struct batch_record batch;
        int r;

        r = batch_load_current(e->config.journal, &batch);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (kind_to_host(kind) == HOST_SETTLEMENT)
                return check_settlement(e, &batch, ret);
        return kind->way == KIND_WAY_SERVICE ? 0 : check_room(e, &batch, kind, amount, currency, ret);
}

/* ---- Steps, each written before the next ---- */

static void failed(struct transaction *t, const char *reason) {
        t->host = HOST_STATE_NOT_SENT;
        transaction_conclude(t, RESULT_FAILED, reason);
}

static void storage_failed(struct transaction *t, int error) {
        if (error == -EIO)
                engine_panic(error, "a step of a settlement cannot be written");
        log_transaction_error_errno(t->view.record.id, error, "a step of the settlement cannot be written");
        failed(t, "storage");
}

static int freeze(struct transaction *t) {
        struct batch_record *batch = &t->settlement->batch;
        struct journal *j = t->engine->config.journal;
        struct host_totals totals;
        char text[32];
        int r;

        r = batch_totals_sum(j, acquirer_profile(t->engine->acquirer), batch->number, &totals);
        if (r < 0)
                return r;
        r = host_totals_format(&totals, batch->totals);
        if (r < 0)
                return r;
        batch->settlement = t->view.record.id;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = batch_freeze(j, batch);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"batch\":%" PRIu32 "}", batch->number);
        r = event_append(j, "batch-frozen", t->view.record.id, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* How far it is. Negative, with the transaction ended, when that cannot be kept. */
static int keep(struct transaction *t, const char *event) {
        struct batch_record *batch = &t->settlement->batch;
        struct journal *j = t->engine->config.journal;
        char text[128];
        int r;

        batch->settlement = t->view.record.id;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = batch_update(j, batch);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text),
                        "{\"batch\":%" PRIu32 ",\"reconciliation\":\"%s\",\"uploaded\":%" PRIu32 "}", batch->number,
                        batch_reconciliation_to_string(batch->reconciliation), batch->uploaded);
        r = event_append(j, event, t->view.record.id, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static void next_step(struct transaction *t);

static void step_taken(struct transaction *t, const char *event) {
        int r = keep(t, event);

        if (r < 0)
                return storage_failed(t, r);
        next_step(t);
}

/* What was not answered is sent again by the next settlement, as it was. */
static bool is_answered(struct transaction *t, enum host_outcome outcome, const struct host_answer *answer) {
        if (outcome != HOST_ANSWERED) {
                failed(t, "settle-again");
                return false;
        }
        t->answer = *answer;
        return true;
}

static void refused(struct transaction *t) {
        if (host_result_find(t->answer.code)->action == HOST_ACTION_SIGN_ON)
                acquirer_forget_keys(t->engine->acquirer);
        t->host = HOST_STATE_DECLINED;
        /* The number of a batch that is not empty stays (acquirer.c): a sign-on does not help with it. */
        transaction_conclude(t, RESULT_DECLINED, streq(t->answer.code, "77") ? "batch-differs" : "settlement-refused");
}

static int send_request(struct transaction *t, struct host_request *q, host_exchange_done_t done) {
        q->transaction = t->view.record.id;
        q->batch = t->settlement->batch.number;
        q->balanced = t->settlement->batch.reconciliation == BATCH_BALANCED;
        q->operator_id = t->view.record.operator_id;
        return acquirer_exchange(t->engine->acquirer, q, done, t);
}

/* ---- The totals ---- */

static void totals_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                         void *userdata) {
        struct transaction *t = userdata;
        struct batch_record *batch = &t->settlement->batch;
        enum host_reconciliation verdict = HOST_UNEQUAL;

        if (!is_answered(t, outcome, answer))
                return;
        /* "Batch totals differ" says so without the totals. */
        if (!streq(answer->code, "95")) {
                if (host_result_find(answer->code)->action != HOST_ACTION_APPROVE || !answer->has_totals)
                        return refused(t);
                verdict = host_totals_verdict(&answer->totals);
        }
        if (verdict == HOST_RECONCILIATION_FAILED)
                return failed(t, "not-reconciled");
        batch->state = BATCH_UPLOADING;
        batch->reconciliation = verdict == HOST_BALANCED ? BATCH_BALANCED : BATCH_UNEQUAL;
        if (verdict != HOST_BALANCED)
                log_warning("Batch %06" PRIu32 ": the acquirer has other totals; uploading the details",
                            batch->number);
        step_taken(t, "batch-answered");
}

static int send_totals(struct transaction *t) {
        const struct currency *currency = currency_find(t->settlement->batch.currency);
        struct host_request q = { .kind = HOST_SETTLEMENT, .psn = -1 };
        struct host_totals totals;
        int r;

        r = host_totals_parse(t->settlement->batch.totals, &totals);
        if (r < 0)
                return r;
        r = acquirer_next_stan(t->engine->acquirer, &t->view.record.stan, &t->view.record.batch);
        if (r < 0)
                return r;
        r = transaction_save_lazily(t, "sent");
        if (r < 0)
                return r;
        q.stan = t->view.record.stan;
        q.totals = &totals;
        q.currency = currency ? currency->numeric : 0;
        return send_request(t, &q, totals_ended);
}

/* ---- The upload ---- */

static void details_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                          void *userdata) {
        struct transaction *t = userdata;
        struct settlement *s = t->settlement;

        if (!is_answered(t, outcome, answer))
                return;
        if (host_result_find(answer->code)->action != HOST_ACTION_APPROVE)
                return refused(t);
        s->batch.details_to = s->to;
        s->batch.uploaded += s->number;
        step_taken(t, "batch-uploaded");
}

/* Sends the next details. 0 when all have been. */
static int send_details(struct transaction *t) {
        struct host_request q = { .kind = HOST_BATCH_UPLOAD, .psn = -1 };
        struct settlement *s = t->settlement;
        struct batch_details d;
        _cleanup_(wipe_done) _unused_ struct wipe wipe_details = { &d, sizeof(d) };
        uint32_t batch;
        int r;

        r = batch_details_next(t->engine->config.journal, acquirer_profile(t->engine->acquirer), s->batch.number,
                               s->batch.details_to, &d);
        if (r < 0 || d.n == 0)
                return r;
        r = acquirer_next_stan(t->engine->acquirer, &q.stan, &batch);
        if (r < 0)
                return r;
        q.details = d.list;
        q.n_details = d.n;
        s->to = d.to;
        s->number = (unsigned) d.n;
        r = send_request(t, &q, details_ended);
        return r < 0 ? r : 1;
}

static void chip_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                       void *userdata) {
        struct transaction *t = userdata;

        if (!is_answered(t, outcome, answer))
                return;
        /* 79: it has come before, and only its answer had not. */
        if (host_result_find(answer->code)->action != HOST_ACTION_APPROVE && !streq(answer->code, "79"))
                return refused(t);
        t->settlement->batch.chips_to = t->settlement->to;
        step_taken(t, "batch-chip-uploaded");
}

/* Sends the next chip record. 0 when all have been. */
static int send_chip(struct transaction *t) {
        struct settlement *s = t->settlement;
        struct journal *j = t->engine->config.journal;
        struct transaction_record record;
        char pan[PAN_TEXT_MAX];
        WIPE_AT_END(pan);
        uint8_t icc[BATCH_CHIP_MAX];
        struct host_request q = { .kind = HOST_CHIP_UPLOAD, .entry = HOST_ENTRY_CHIP, .pan = pan, .icc = icc };
        uint32_t batch;
        int r;

        r = batch_details_next_chip(j, s->batch.number, s->batch.chips_to, &record, pan);
        if (r <= 0)
                return r;
        r = batch_load_chip(j, record.id, icc, &q.icc_size);
        if (r < 0)
                return r;
        r = acquirer_next_stan(t->engine->acquirer, &q.stan, &batch);
        if (r < 0)
                return r;
        q.amount = record.amount;
        q.currency = currency_find(record.currency)->numeric;
        q.psn = record.psn;
        q.original = (struct host_original){ .batch = record.batch, .stan = record.stan };
        s->to = record.id;
        r = send_request(t, &q, chip_ended);
        return r < 0 ? r : 1;
}

static void settled(struct transaction *t) {
        t->host = HOST_STATE_APPROVED;
        transaction_conclude(t, RESULT_APPROVED,
                             t->settlement->batch.reconciliation == BATCH_BALANCED ? "balanced" : "uploaded");
}

static void upload_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                         void *userdata) {
        struct transaction *t = userdata;
        struct batch_record *batch = &t->settlement->batch;
        int r;

        if (!is_answered(t, outcome, answer))
                return;
        if (host_result_find(answer->code)->action == HOST_ACTION_APPROVE)
                return settled(t);
        /* Something of it has not arrived: the next settlement uploads all of it again. */
        batch->details_to = batch->chips_to = 0;
        batch->uploaded = 0;
        r = keep(t, "batch-upload-refused");
        if (r < 0)
                return storage_failed(t, r);
        refused(t);
}

static int send_end(struct transaction *t) {
        struct host_request q = {
                .kind = HOST_BATCH_UPLOAD_END,
                .psn = -1,
                .uploaded = t->settlement->batch.uploaded,
        };
        uint32_t batch;
        int r;

        r = acquirer_next_stan(t->engine->acquirer, &q.stan, &batch);
        if (r < 0)
                return r;
        return send_request(t, &q, upload_ended);
}

/* What comes next of an upload, whose every message moves a position forward. */
static int upload(struct transaction *t) {
        const struct batch_record *batch = &t->settlement->batch;
        int r;

        if (batch->reconciliation == BATCH_UNEQUAL) {
                r = send_details(t);
                if (r != 0)
                        return r;
        }
        r = send_chip(t);
        if (r != 0)
                return r;
        /* Where nothing was uploaded there is no end of it. */
        if (batch->reconciliation == BATCH_BALANCED && batch->chips_to == 0) {
                settled(t);
                return 0;
        }
        return send_end(t);
}

/* ---- The way ---- */

static void signed_on(const char *failure, void *userdata) {
        struct transaction *t = userdata;

        if (failure)
                return failed(t, acquirer_was_reached(t->engine->acquirer) ? "no-sign-on" : "settle-again");
        next_step(t);
}

static void next_step(struct transaction *t) {
        struct settlement *s = t->settlement;
        int r;

        if (!acquirer_is_signed_on(t->engine->acquirer) && !s->signed_on) {
                s->signed_on = true;
                r = acquirer_sign_on(t->engine->acquirer, t->view.record.id, signed_on, t);
        } else
                r = s->batch.state == BATCH_FROZEN ? send_totals(t) : upload(t);
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "the next message of the settlement cannot be made");
                failed(t, r == -EIO || r == -ENOSPC ? "storage" : "not-made");
        }
}

/* The acquirer knows of all that there is, or does not answer. */
static void all_told(bool ok, void *userdata) {
        struct transaction *t = userdata;
        struct batch_record *batch = &t->settlement->batch;
        struct transaction_record unknown;
        int r;

        if (!ok)
                return failed(t, "not-all-told");
        r = batch_load_current(t->engine->config.journal, batch);
        if (r < 0)
                return storage_failed(t, r);
        if (batch->state == BATCH_OPEN) {
                r = find_unknown(t->engine, batch->number, &unknown);
                if (r > 0)
                        return failed(t, "unresolved");
                if (r == 0)
                        r = freeze(t);
                if (r < 0)
                        return storage_failed(t, r);
        }
        transaction_tell(t, TRANSACTION_CHANGED);
        next_step(t);
}

void settlement_start(struct transaction *t) {
        t->settlement = calloc(1, sizeof(*t->settlement));
        if (!t->settlement)
                return failed(t, "no-memory");
        outbox_wait(t->engine->outbox, REQUEST_FORWARD, all_told, t);
}

static int end_batch(struct engine *e, const struct transaction_record *settlement, struct batch_record *batch,
                     const struct resolution *agreement) {
        struct journal *j = e->config.journal;
        unsigned left_out;
        char text[128];
        uint32_t next;
        int r;

        r = batch_details_left_out(j, acquirer_profile(e->acquirer), batch, &left_out);
        if (r < 0)
                return r;
        batch->settlement = settlement->id;
        r = batch_advance(j, batch, &next);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text),
                        "{\"batch\":%" PRIu32 ",\"next\":%" PRIu32 ",\"reconciliation\":\"%s\",\"left-out\":%u}",
                        batch->number, next, batch_reconciliation_to_string(batch->reconciliation), left_out);
        r = event_append(j, "batch-settled", settlement->id, text);
        if (r < 0)
                return r;
        if (left_out > 0)
                log_warning("Batch %06" PRIu32 ": %u details had no card number and were not uploaded: their readers "
                            "encrypt it, and the acquirer takes none without",
                            batch->number, left_out);
        r = announce_settlement(e, settlement, batch);
        return r < 0 ? r : paper_queue_settlement(e, settlement, batch, left_out, agreement);
}

int settlement_commit(struct transaction *t) {
        return end_batch(t->engine, &t->view.record, &t->settlement->batch, NULL);
}

/* ---- Where the acquirer keeps refusing ---- */

/*
 * In the journal, so that a restart changes nothing of it. An answer that is no last word, "not now" or "out of
 * order", leaves what became of an earlier try as open as no answer does.
 */
static bool was_refused(const struct transaction_record *settlement) {
        if (settlement->state != TRANSACTION_DONE)
                return false;
        if (settlement->result == RESULT_DECLINED)
                return host_result_is_final(settlement->response_code) || streq(settlement->reason, "batch-differs");
        return streq(settlement->reason, "not-reconciled") || streq(settlement->reason, "no-sign-on");
}

int settlement_check_agreement(struct engine *e, const struct transaction_record *settlement, struct refusal *ret) {
        struct batch_record batch;
        int64_t newest;
        int r;

        r = batch_load_current(e->config.journal, &batch);
        if (r >= 0)
                r = batch_newest_settlement(e->config.journal, settlement->kind, &newest);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (batch.state == BATCH_OPEN)
                return refusal_set(ret, REFUSAL_NOT_ASKED,
                                   "No batch is frozen, %06" PRIu32 " is open: there is nothing to end by agreement",
                                   batch.number);
        if (settlement->id != newest)
                return refusal_set(ret, REFUSAL_NOT_ASKED,
                                   "Transaction %" PRIi64 " is not the last settlement of batch %06" PRIu32
                                   ", that is %" PRIi64 ": only its end counts",
                                   settlement->id, batch.number, newest);
        if (settlement->state != TRANSACTION_DONE)
                return refusal_set(ret, REFUSAL_BUSY, "Settlement %" PRIi64 " still runs: wait for its result",
                                   newest);
        if (!was_refused(settlement))
                return refusal_set(ret, REFUSAL_NOT_ASKED,
                                   "The acquirer has not refused settlement %" PRIi64 " of batch %06" PRIu32
                                   ": settle again, and only what it answers with a refusal is ended by agreement",
                                   newest, batch.number);
        return 0;
}

/*
 * What was not uploaded is not: its transactions stay in the batch, where GetTotals, Search and a reconciliation with
 * the acquirer's statement find them, and the records of their chips stay until a purge takes both.
 */
int settlement_commit_agreement(struct engine *e, const struct transaction_record *settlement,
                                const struct resolution *agreement) {
        struct batch_record batch;
        int r;

        r = batch_load_current(e->config.journal, &batch);
        if (r < 0)
                return r;
        batch.reconciliation = BATCH_BY_AGREEMENT;
        return end_batch(e, settlement, &batch, agreement);
}
