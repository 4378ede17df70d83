/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The engine with an acquirer that answers as it is told, and remembers what it was asked. Neither cards nor devices
 * are there. The link is put in by the linker (--wrap).
 */

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "engine-fixture.h"
#include "journal/counter.h"
#include "journal/event.h"

#define TOLD_PAN "6200000000000005"

/* A request as it came. */
struct told {
        enum host_kind kind;
        uint32_t stan, batch;
        int64_t amount;
        uint16_t currency;
        char pan[20], reason[3], code[7], operator_id[4];
        struct host_original original;
        uint8_t icc[255];
        size_t icc_size;
        struct host_totals totals;
        struct host_detail details[HOST_DETAILS_MAX];
        size_t n_details;
        unsigned uploaded;
        bool balanced;
        struct host_binding binding;
};

static struct {
        struct told told[64];
        unsigned n_told;
        unsigned n_sign_ons;
        bool busy, signed_on;

        /* What becomes of a request; what it does not set is an approval. */
        void (*answer)(const struct told *q, enum host_outcome *outcome, struct host_answer *answer);
        const char *no_sign_on; /* why */
        unsigned down;          /* so many requests more do not leave the terminal */
        bool hold;              /* no answer before this is taken back */

        host_exchange_done_t done;
        acquirer_signed_on_t sign_on_done;
        void *userdata;
        int finished;
        struct transaction_view view; /* the last that was told */
} acq;

bool __wrap_acquirer_is_signed_on(const struct acquirer *a);
bool __wrap_acquirer_is_busy(const struct acquirer *a);
void __wrap_acquirer_forget_keys(struct acquirer *a);
int __wrap_acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata);
int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata);

bool __wrap_acquirer_is_signed_on(const struct acquirer *a) {
        return acq.signed_on;
}

bool __wrap_acquirer_is_busy(const struct acquirer *a) {
        return acq.busy;
}

void __wrap_acquirer_forget_keys(struct acquirer *a) {
        acq.signed_on = false;
}

static int acq_later(sd_event_time_handler_t callback) {
        shop.answer = sd_event_source_unref(shop.answer);
        return sd_event_add_time_relative(shop.event, &shop.answer, CLOCK_MONOTONIC, 1000, 1, callback, NULL);
}

static int acq_on_sign_on_due(sd_event_source *s, uint64_t usec, void *userdata) {
        acq.busy = false;
        acq.signed_on = !acq.no_sign_on;
        acq.sign_on_done(acq.no_sign_on, acq.userdata);
        return 0;
}

int __wrap_acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata) {
        assert_false(acq.busy);
        acq.busy = true;
        acq.n_sign_ons++;
        acq.sign_on_done = done;
        acq.userdata = userdata;
        return acq_later(acq_on_sign_on_due);
}

static int acq_on_answer_due(sd_event_source *s, uint64_t usec, void *userdata) {
        enum host_outcome outcome = HOST_ANSWERED;
        struct host_answer answer = { .code = "00", .rrn = "000000000001" };

        if (acq.hold)
                return acq_later(acq_on_answer_due);
        acq.busy = false;
        if (acq.down > 0) {
                acq.down--;
                outcome = HOST_NOT_SENT;
        } else if (acq.answer)
                acq.answer(acq.told + acq.n_told - 1, &outcome, &answer);
        acq.done(outcome, 0, outcome == HOST_ANSWERED ? &answer : NULL, acq.userdata);
        return 0;
}

int __wrap_acquirer_exchange(struct acquirer *a, const struct host_request *q, host_exchange_done_t done,
                             void *userdata) {
        struct told *told = acq.told + acq.n_told++;

        assert_false(acq.busy);
        assert_true(acq.signed_on);
        assert_true(acq.n_told <= ELEMENTSOF(acq.told));
        assert_null(q->track2);
        *told = (struct told){
                .kind = q->kind,
                .stan = q->stan,
                .batch = q->batch,
                .amount = q->amount,
                .currency = q->currency,
                .original = q->original,
                .n_details = q->n_details,
                .uploaded = q->uploaded,
                .balanced = q->balanced,
                .icc_size = q->icc_size,
        };
        COPY(told->pan, strempty(q->pan));
        COPY(told->reason, strempty(q->reason));
        COPY(told->operator_id, strempty(q->operator_id));
        COPY(told->code, strempty(q->authorization_code));
        if (q->icc_size > 0)
                memcpy(told->icc, q->icc, q->icc_size);
        if (q->binding)
                told->binding = *q->binding;
        if (q->totals)
                told->totals = *q->totals;
        for (size_t i = 0; i < q->n_details; i++)
                told->details[i] = q->details[i];
        if (q->binding)
                told->binding = *q->binding;
        acq.busy = true;
        acq.done = done;
        acq.userdata = userdata;
        return acq_later(acq_on_answer_due);
}

static void acq_on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
        acq.view = *view;
        acq.finished += e == TRANSACTION_FINISHED;
}

/* As tilld starts: what was under way is cut off. */
static void acq_start(void) {
        acq.busy = false;
        shop_open(acq_on_transaction, "/nonexistent/card-worker");
        assert_int_equal(engine_start(shop.engine), 0);
}

/* As if tilld were killed: what was not committed is not there. */
static _unused_ void acq_kill(void) {
        acq.finished = 0;
        shop_close();
        /* What the loop still has belongs to nobody. */
        shop.event = sd_event_unref(shop.event);
        assert_int_equal(sd_event_new(&shop.event), 0);
}

static _unused_ int acq_setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&acq, 0, sizeof(acq));
        acq.signed_on = true;
        shop_set_up();
        acq_start();
        return 0;
}

static _unused_ int acq_teardown(void **state) {
        shop_tear_down();
        return 0;
}

/* Some of the event loop. */
static _unused_ void acq_run(void) {
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 1500) >= 0);
}

/* An approved one in the journal, with a STAN in the current batch. */
static struct transaction_record acq_add_of(const char *pan, const char *kind, int64_t amount) {
        struct transaction_record record;
        static int n;

        transaction_record_init(&record);
        snprintf(record.reference, sizeof(record.reference), "acq-%d", ++n);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = amount;
        record.started_usec = clock_now(CLOCK_REALTIME);
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(counter_next_stan(shop.journal, &record.stan), 0);
        assert_int_equal(counter_next_voucher(shop.journal, &record.voucher), 0);
        assert_int_equal(counter_get_batch(shop.journal, &record.batch), 0);
        record.entry = ENTRY_CHIP;
        record.state = TRANSACTION_DONE;
        record.result = RESULT_APPROVED;
        assert_int_equal(transaction_record_set_pan(shop.journal, &record, pan), 0);
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record;
}

static struct transaction_record acq_add(const char *kind, int64_t amount) {
        return acq_add_of(TOLD_PAN, kind, amount);
}

static struct host_request acq_request(const struct transaction_record *record) {
        return (struct host_request){
                .kind = host_kind_from_name(record->kind),
                .stan = record->stan,
                .batch = record->batch,
                .amount = record->amount,
                .currency = 156,
                .entry = HOST_ENTRY_CHIP,
                .pan = TOLD_PAN,
                .expiry = "3012",
                .track2 = TOLD_PAN "=30121010000000000",
                .psn = 1,
        };
}

/* The same, approved without the acquirer; chip: with a DE55. */
static _unused_ struct transaction_record acq_add_forward(const char *kind, int64_t amount, bool chip) {
        struct transaction_record record = acq_add(kind, amount);
        struct host_request q = acq_request(&record);

        if (chip) {
                q.icc = "chip";
                q.icc_size = 4;
        }
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        record.forwarding = FORWARDING_PENDING;
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(forwards_add(shop.journal, record.id, &q), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record;
}

/* One whose request went out and is to be taken back. */
static _unused_ struct transaction_record acq_add_reversal(int64_t amount) {
        struct transaction_record record = acq_add("sale", amount);
        struct host_request q = acq_request(&record);

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        record.reversal = REVERSAL_PENDING;
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(reversals_prepare(shop.journal, record.id, &q), 0);
        assert_int_equal(reversals_arm(shop.journal, record.id, HOST_REASON_NO_ANSWER), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record;
}

static _unused_ struct transaction_record acq_load(int64_t id) {
        struct transaction_record record;

        assert_int_equal(transaction_record_load(shop.journal, id, &record), 0);
        return record;
}

static _unused_ void acq_assert_told(unsigned i, enum host_kind kind, const struct transaction_record *record) {
        assert_true(i < acq.n_told);
        assert_int_equal(acq.told[i].kind, kind);
        if (!record)
                return;
        assert_int_equal(acq.told[i].stan, record->stan);
        assert_int_equal(acq.told[i].batch, record->batch);
        assert_int_equal(acq.told[i].amount, record->amount);
}
