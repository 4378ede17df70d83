// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The acquirer's part of a transaction: reversals first, then sign-on, then the first durable commit, then the
 * request, then its answer. What may have been booked and did not come to a good end is reversed; what has no
 * reversal is unconfirmed.
 */
#include "base/amount.h"
#include "base/log.h"
#include "host/result.h"
#include "journal/counter.h"
#include "transaction/offline.h"
#include "transaction/transaction-internal.h"

/* The acquirer's part is over: who was read or swiped has nothing to add, a chip decides last. */
static void host_ended(struct transaction *t, enum host_state host, const struct host_answer *answer) {
        t->host = host;
        if (t->card_is_done)
                return transaction_conclude_both(t, NULL);
        if (!t->card)
                return transaction_conclude_both(t, "worker-failed");
        chip_answer(t, answer);
}

static void host_not_sent(struct transaction *t, const char *reason) {
        t->not_sent = reason;
        host_ended(t, HOST_STATE_NOT_SENT, NULL);
}

static void request_answered(struct transaction *t, const struct host_answer *answer) {
        const struct host_result *result = host_result_find(answer->code);

        if (!host_result_decides(answer->code)) {
                log_transaction_warning(t->view.record.id, "the acquirer's code %s decides nothing", answer->code);
                t->reversal_reason = HOST_REASON_NOT_COMPLETED;
                return host_ended(t, HOST_STATE_LOST, NULL);
        }

        t->answer = *answer;
        if (result->action == HOST_ACTION_APPROVE)
                return host_ended(t, HOST_STATE_APPROVED, answer);
        if (result->action == HOST_ACTION_SIGN_ON)
                acquirer_forget_keys(t->engine->acquirer);
        host_ended(t, HOST_STATE_DECLINED, answer);
}

static void request_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                          void *userdata) {
        struct transaction *t = userdata;

        log_transaction_info(t->view.record.id, "acquirer: %s", host_outcome_name(outcome));
        if (outcome == HOST_ANSWERED)
                return request_answered(t, answer);
        if (outcome == HOST_NOT_SENT)
                return host_not_sent(t, "unreachable-host");
        t->reversal_reason = host_outcome_reversal_reason(outcome);
        host_ended(t, HOST_STATE_LOST, NULL);
}

static enum host_entry host_entry(enum entry_mode entry) {
        switch (entry) {
        case ENTRY_CHIP:
                return HOST_ENTRY_CHIP;
        case ENTRY_SWIPE:
                return HOST_ENTRY_STRIPE;
        case ENTRY_FALLBACK:
                return HOST_ENTRY_FALLBACK;
        case ENTRY_MANUAL:
                return HOST_ENTRY_MANUAL;
        default:
                return HOST_ENTRY_NONE;
        }
}

void authorization_fill_original(const struct transaction_record *original, struct host_original *ret) {
        *ret = (struct host_original){
                .kind = host_kind_from_name(original->kind),
                .batch = original->batch,
                .stan = original->stan,
        };
        COPY(ret->rrn, original->rrn);
        COPY(ret->approval, original->authorization_code);
        (void) snprintf(ret->date, sizeof(ret->date), "%.4s", original->host_time);
}

static void fill_request(const struct transaction *t, struct host_request *ret) {
        const struct transaction_record *record = &t->view.record;
        const struct emv_card_data *card = &t->request->card;
        const struct emv_result_data *result = &t->request->result;
        /* Only where the card was asked for a decision has the issuer something to look at. */
        bool decides = t->kind->card == KIND_CARD_FULL || t->kind->card == KIND_CARD_ONLINE;

        *ret = (struct host_request){
                .kind = kind_to_host(t->kind),
                .transaction = record->id,
                .stan = record->stan,
                .batch = record->batch,
                .terminal = t->engine->config.settings->terminal_number,
                .merchant = t->engine->config.settings->merchant_number,
                .amount = record->amount,
                .currency = currency_find(record->currency)->numeric,
                .entry = host_entry(record->entry),
                .pan = *card->pan ? card->pan : NULL,
                .encrypted = t->encrypted,
                .expiry = *card->expiry ? card->expiry : NULL,
                .track2 = *card->track2 ? card->track2 : NULL,
                .psn = record->psn,
                .icc = decides && result->de55_size > 0 ? result->de55 : NULL,
                .icc_size = decides ? result->de55_size : 0,
        };
        if (t->original)
                authorization_fill_original(t->original, &ret->original);
}

/* In the caller's journal transaction: what a reversal would need, where the kind has one. */
static int prepare_reversal(struct transaction *t) {
        struct host_request q;

        if (!t->reversible)
                return 0;
        fill_request(t, &q);
        return reversals_prepare(t->engine->config.journal, t->view.record.id, &q);
}

int authorization_take_numbers(struct transaction *t) {
        struct transaction_record *record = &t->view.record;
        struct journal *j = t->engine->config.journal;
        int r;

        r = counter_next_stan(j, &record->stan);
        if (r < 0)
                return r;
        r = counter_next_voucher(j, &record->voucher);
        return r < 0 ? r : counter_get_batch(j, &record->batch);
}

/* STAN, request and pending reversal, before a byte goes out. */
static int commit_request(struct transaction *t) {
        struct transaction_record *record = &t->view.record;
        struct journal *j = t->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = authorization_take_numbers(t);
        if (r < 0)
                return r;
        /* Only the acquirer can read what a reader has encrypted. */
        if (!t->encrypted) {
                r = transaction_record_set_pan(j, record, t->request->card.pan);
                if (r < 0)
                        return r;
        }
        record->reversal = t->reversible ? REVERSAL_PENDING : REVERSAL_NONE;
        r = transaction_save(t, "sent");
        if (r < 0)
                return r;
        r = prepare_reversal(t);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static void send_request(struct transaction *t) {
        struct host_request q;
        int r;

        /* While an older reversal or the sign-on was waited for: nobody is there who could end it. */
        if (!t->card_is_done && !t->card)
                return host_not_sent(t, t->card_word);

        t->reversible = acquirer_profile(t->engine->acquirer)->kinds[kind_to_host(t->kind)].reversal;
        r = commit_request(t);
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "the request cannot be written");
                t->view.record.stan = t->view.record.batch = t->view.record.voucher = 0;
                t->view.record.reversal = REVERSAL_NONE;
                t->reversible = false;
                return host_not_sent(t, r == -EINVAL || r == -ERANGE ? "card-malformed" : "storage");
        }

        fill_request(t, &q);
        r = acquirer_exchange(t->engine->acquirer, &q, request_ended, t);
        transaction_drop_secrets(t);
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "the request cannot be made");
                return host_not_sent(t, "not-made");
        }
        transaction_tell(t, TRANSACTION_CHANGED);
}

static void signed_on(const char *failure, void *userdata) {
        struct transaction *t = userdata;

        /* Who was reached and said no has not been missed: the card may not approve in its place. */
        if (failure)
                return host_not_sent(t, acquirer_was_reached(t->engine->acquirer) ? "no-sign-on" : "unreachable-host");
        send_request(t);
}

static void reversals_ended(bool ok, void *userdata) {
        struct transaction *t = userdata;
        int64_t rejected;
        int r;

        if (!ok)
                return host_not_sent(t, "reversal-pending");
        /* It was rejected just now. */
        r = request_record_find_rejected(t->engine->config.journal, &rejected);
        if (r != -ENOENT)
                return host_not_sent(t, r < 0 ? "storage" : "reversal-rejected");
        if (acquirer_is_signed_on(t->engine->acquirer))
                return send_request(t);

        r = acquirer_sign_on(t->engine->acquirer, t->view.record.id, signed_on, t);
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "no sign-on");
                host_not_sent(t, "not-made");
        }
}

/* Neither hides anything of what a receipt shows. */
static bool is_same_mask(const char *a, const char *b) {
        size_t n = strlen(a);

        return n >= 12 && streq(a, b) && strspn(a, "0123456789") >= 6 && !memchr(a + n - 4, '*', 4);
}

/* 1: the card is the one that the original was made with, or there is no original. */
static int is_same_card(const struct transaction *t) {
        char hash[65];
        int r;

        if (!t->original)
                return 1;
        /* What was encrypted then or now can be compared by what is shown of it; the acquirer sees the rest. */
        if (t->encrypted || isempty(t->original->pan_hash))
                return is_same_mask(t->view.record.masked_pan, t->original->masked_pan);
        r = transaction_pan_hash(t->engine->config.journal, t->request->card.pan, hash);
        return r < 0 ? r : streq(hash, t->original->pan_hash);
}

void transaction_authorize(struct transaction *t) {
        int r;

        transaction_end_timeouts(t);
        /* It was the issuer's word, on the telephone. */
        if (t->kind->way == KIND_WAY_ADVICE)
                return offline_advise(t);
        t->host = HOST_STATE_PENDING;
        t->view.record.state = TRANSACTION_AUTHORIZING;
        COPY(t->view.record.message, "");
        r = is_same_card(t);
        if (r == 0)
                return host_not_sent(t, "other-card");
        if (r < 0 || transaction_save_lazily(t, "authorizing") < 0)
                return host_not_sent(t, "storage");
        transaction_tell(t, TRANSACTION_CHANGED);
        outbox_wait(t->engine->outbox, REQUEST_REVERSAL, reversals_ended, t);
}
