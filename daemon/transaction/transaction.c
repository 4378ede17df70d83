// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a sale, top to bottom:
 *
 *   transaction_new        the intent is written, a card is asked for
 *   chip.c                 the chip speaks, through card-worker      stripe.c: or a card is swiped
 *   transaction_authorize  reversals first, then sign-on
 *   send_request           first durable commit, then the request goes out
 *   request_ended          the acquirer's word; chip_answer() hands it to the card
 *   transaction_conclude   second durable commit, then the result is said and the paper printed
 *
 * What the worker says is a claim. What the acquirer approved and the card did not finish is reversed.
 */
#include "base/amount.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/result.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "transaction/card.h"
#include "transaction/prompt.h"
#include "transaction/reason.h"
#include "transaction/transaction-internal.h"

const struct transaction_view *transaction_get_view(const struct transaction *t) {
        return &t->view;
}

bool transaction_is_done(const struct transaction *t) {
        return t->view.record.state == TRANSACTION_DONE;
}

void transaction_tell(struct transaction *t, enum transaction_event event) {
        t->engine->listener.transaction(&t->view, event, t->engine->listener.userdata);
}

/* As soon as the request is encoded nothing but the masked PAN is needed. */
static void drop_secrets(struct transaction *t) {
        if (!t->request)
                return;
        explicit_bzero(t->request->card.pan, sizeof(t->request->card.pan));
        explicit_bzero(t->request->card.expiry, sizeof(t->request->card.expiry));
        explicit_bzero(t->request->card.track2, sizeof(t->request->card.track2));
        explicit_bzero(t->request->result.de55, sizeof(t->request->result.de55));
}

static void end_timeouts(struct transaction *t) {
        t->timeout = sd_event_source_disable_unref(t->timeout);
        t->whole_timeout = sd_event_source_disable_unref(t->whole_timeout);
}

struct transaction *transaction_free(struct transaction *t) {
        if (!t)
                return NULL;
        card_free(t->card);
        end_timeouts(t);
        secret_free(t->request);
        free(t->told);
        free(t->start);
        free(t);
        return NULL;
}

/* In the caller's journal transaction. */
static int save(struct transaction *t, const char *event) {
        struct transaction_record *record = &t->view.record;
        char text[128];
        int r;

        (void) snprintf(text, sizeof(text), "{\"state\":\"%s\",\"result\":\"%s\",\"reason\":\"%s\"}",
                        transaction_state_to_string(record->state), transaction_result_to_string(record->result),
                        record->reason);
        r = transaction_record_update(t->engine->config.journal, record);
        if (r < 0)
                return r;
        return event_append(t->engine->config.journal, event, record->id, text);
}

/* A step on the way that a power cut may take back: nothing has happened outside. */
int transaction_save_lazily(struct transaction *t, const char *event) {
        struct journal *j = t->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = save(t, event);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* ---- The second durable commit ---- */

static int queue_papers(struct transaction *t) {
        struct engine *e = t->engine;
        const struct transaction_record *record = &t->view.record;
        int r;

        if (record->result == RESULT_APPROVED) {
                if (e->config.settings->merchant_copy) {
                        r = printing_queue(e, record, SLIP_MERCHANT_COPY);
                        if (r < 0)
                                return r;
                }
                if (e->config.settings->cardholder_copy)
                        return printing_queue(e, record, SLIP_CARDHOLDER_COPY);
                return 0;
        }
        /* The cardholder may have seen a booking: the paper says what becomes of it. */
        if (record->reversal == REVERSAL_PENDING)
                return printing_queue(e, record, SLIP_NOT_COMPLETED);
        return 0;
}

static int commit_result(struct transaction *t, const char *reversal_reason) {
        struct journal *j = t->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        if (t->sent) {
                r = reversal_reason ? reversals_arm(j, t->view.record.id, reversal_reason)
                                    : reversal_record_remove(j, t->view.record.id);
                if (r < 0)
                        return r;
        }
        r = save(t, "done");
        if (r < 0)
                return r;
        r = queue_papers(t);
        if (r < 0)
                return r;
        r = transaction_record_load(j, t->view.record.id, &t->view.record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* DE39 of the reversal that this end asks for, NULL for none. */
static const char *reversal_of(const struct transaction *t, enum transaction_result result) {
        if (t->host == HOST_STATE_LOST)
                return t->reversal_reason;
        if (t->host == HOST_STATE_APPROVED && result != RESULT_APPROVED)
                return HOST_REASON_NOT_COMPLETED;
        return NULL;
}

static bool has_card(const struct engine *e) {
        const struct device *reader = monitor_find_connected(e->monitor, DEVICE_EMV);

        return reader && reader->card == DEVICE_CARD_PRESENT;
}

static void release_card(struct transaction *t) {
        t->card = card_free(t->card);
        (void) msr_disarm(t->engine->msr);
        t->engine->card_left_in = has_card(t->engine);
        t->view.prompt = t->engine->card_left_in ? "remove-card" : "";
}

static void note_answer(struct transaction *t) {
        struct transaction_record *record = &t->view.record;

        if (t->host != HOST_STATE_APPROVED && t->host != HOST_STATE_DECLINED)
                return;
        COPY(record->response_code, t->answer.code);
        COPY(record->authorization_code, t->answer.approval);
        COPY(record->rrn, t->answer.rrn);
        COPY(record->issuer, t->answer.issuer);
        (void) snprintf(record->host_time, sizeof(record->host_time), "%s%s", t->answer.date, t->answer.time);
}

/* The end of every transaction: written, then said, then printed. */
void transaction_conclude(struct transaction *t, enum transaction_result result, const char *reason) {
        struct transaction_record *record = &t->view.record;
        const char *reversal_reason = reversal_of(t, result);
        int r;

        end_timeouts(t);
        drop_secrets(t);
        chip_forget_choice(t);
        release_card(t);

        record->state = TRANSACTION_DONE;
        record->result = result;
        note_answer(t);
        COPY(record->reason, reason);
        if (streq(reason, "refused"))
                (void) snprintf(record->message, sizeof(record->message), "%s (%s)",
                                host_result_find(t->answer.code)->text, t->answer.code);
        else
                COPY(record->message, reason_to_sentence(reason));
        record->finished_usec = clock_now(CLOCK_REALTIME);
        record->finished_boot = clock_now(CLOCK_BOOTTIME);
        if (t->sent)
                record->reversal = reversal_reason ? REVERSAL_PENDING : REVERSAL_NONE;

        r = commit_result(t, reversal_reason);
        if (r < 0)
                engine_panic(r, "the result of a transaction cannot be written");

        log_info("Transaction %" PRIi64 ": %s%s%s", record->id, transaction_result_to_string(result),
                 *reason ? ", " : "", reason);
        transaction_tell(t, TRANSACTION_CHANGED);
        transaction_tell(t, TRANSACTION_FINISHED);
        t->engine->listener.changed(t->engine->listener.userdata);
        printing_kick(t->engine->printing);
        reversals_kick(t->engine->reversals);
}

/* What the card's and the acquirer's words come to; card_word is NULL when the card agreed. */
void transaction_conclude_both(struct transaction *t, const char *card_word) {
        switch (t->host) {
        case HOST_STATE_APPROVED:
                if (!card_word)
                        transaction_conclude(t, RESULT_APPROVED, "");
                else
                        transaction_conclude(t, RESULT_FAILED, "not-completed");
                return;
        case HOST_STATE_DECLINED:
                transaction_conclude(t, RESULT_DECLINED, "refused");
                return;
        case HOST_STATE_NOT_SENT:
                transaction_conclude(t, RESULT_FAILED, t->not_sent);
                return;
        case HOST_STATE_LOST:
                transaction_conclude(t, RESULT_FAILED,
                                     streq(t->reversal_reason, HOST_REASON_NO_ANSWER) ? "no-answer" : "bad-answer");
                return;
        case HOST_STATE_NONE:
                /* An offline approval that nobody asked for is no approval. */
                transaction_conclude(t, RESULT_FAILED, card_word ?: "worker-failed");
                return;
        case HOST_STATE_PENDING:
                /* The answer will show whether there is something to take back; it comes here again. */
                return;
        }
}

/* ---- The acquirer ---- */

/* The acquirer's part is over: a stripe has nothing to add, a chip decides last. */
static void host_ended(struct transaction *t, enum host_state host, const struct host_answer *answer) {
        t->host = host;
        if (t->stripe)
                return transaction_conclude_both(t, NULL);
        if (!t->card)
                return transaction_conclude_both(t, "worker-failed");
        chip_answer(t, answer);
}

static void host_not_sent(struct transaction *t, const char *reason) {
        t->not_sent = reason;
        host_ended(t, HOST_STATE_NOT_SENT, NULL);
}

/*
 * "Still in progress", and what is not in the table, say nothing about what was booked: that is not guessed. A part of
 * the sum ("10") is not what the checkout asked for, and there is nobody to ask.
 */
static bool is_decision(const struct host_answer *answer) {
        return *host_result_find(answer->code)->code && !streq(answer->code, "09") && !streq(answer->code, "10");
}

static void request_answered(struct transaction *t, const struct host_answer *answer) {
        const struct host_result *result = host_result_find(answer->code);

        if (!is_decision(answer)) {
                log_warning("Transaction %" PRIi64 ": the acquirer's code %s decides nothing; taking it back",
                            t->view.record.id, answer->code);
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

        log_info("Transaction %" PRIi64 ": acquirer: %s", t->view.record.id, host_outcome_name(outcome));
        if (outcome == HOST_ANSWERED)
                return request_answered(t, answer);
        if (outcome == HOST_NOT_SENT)
                return host_not_sent(t, "unreachable-host");
        t->reversal_reason = host_outcome_reversal_reason(outcome);
        host_ended(t, HOST_STATE_LOST, NULL);
}

static void fill_request(const struct transaction *t, struct host_request *ret) {
        const struct transaction_record *record = &t->view.record;
        const struct emv_card_data *card = &t->request->card;
        const struct emv_result_data *result = &t->request->result;

        *ret = (struct host_request){
                .kind = HOST_SALE,
                .stan = record->stan,
                .batch = record->batch,
                .terminal = t->engine->config.settings->terminal_number,
                .merchant = t->engine->config.settings->merchant_number,
                .amount = record->amount,
                .currency = currency_find(record->currency)->numeric,
                .entry = t->stripe ? HOST_ENTRY_STRIPE : HOST_ENTRY_CHIP,
                .pan = card->pan,
                .expiry = *card->expiry ? card->expiry : NULL,
                .track2 = *card->track2 ? card->track2 : NULL,
                .psn = record->psn,
                .icc = result->de55_size > 0 ? result->de55 : NULL,
                .icc_size = result->de55_size,
        };
}

/* STAN, request and pending reversal, before a byte goes out. */
static int commit_request(struct transaction *t) {
        struct transaction_record *record = &t->view.record;
        struct journal *j = t->engine->config.journal;
        struct host_request q;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = counter_next_stan(j, &record->stan);
        if (r < 0)
                return r;
        r = counter_next_voucher(j, &record->voucher);
        if (r < 0)
                return r;
        r = counter_get_batch(j, &record->batch);
        if (r < 0)
                return r;
        r = transaction_record_set_pan(j, record, t->request->card.pan);
        if (r < 0)
                return r;
        record->reversal = REVERSAL_PENDING;
        r = save(t, "sent");
        if (r < 0)
                return r;
        fill_request(t, &q);
        r = reversals_prepare(j, record->id, &q);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static void send_request(struct transaction *t) {
        struct host_request q;
        int r;

        /* While an older reversal or the sign-on was waited for: nobody is there who could end the sale. */
        if (!t->stripe && !t->card)
                return host_not_sent(t, t->card_word);

        r = commit_request(t);
        if (r < 0) {
                log_error_errno(r, "Transaction %" PRIi64 ": the request cannot be written", t->view.record.id);
                t->view.record.stan = t->view.record.batch = t->view.record.voucher = 0;
                t->view.record.reversal = REVERSAL_NONE;
                return host_not_sent(t, r == -EINVAL || r == -ERANGE ? "card-malformed" : "storage");
        }
        t->sent = true;

        fill_request(t, &q);
        r = acquirer_exchange(t->engine->acquirer, &q, request_ended, t);
        drop_secrets(t);
        if (r < 0) {
                log_error_errno(r, "Transaction %" PRIi64 ": the request cannot be made", t->view.record.id);
                return host_not_sent(t, "unreachable-host");
        }
        transaction_tell(t, TRANSACTION_CHANGED);
}

static void signed_on(const char *failure, void *userdata) {
        struct transaction *t = userdata;

        if (failure)
                return host_not_sent(t, "unreachable-host");
        send_request(t);
}

static void reversals_ended(bool ok, void *userdata) {
        struct transaction *t = userdata;
        int r;

        if (!ok)
                return host_not_sent(t, "reversal-pending");
        if (acquirer_is_signed_on(t->engine->acquirer))
                return send_request(t);

        r = acquirer_sign_on(t->engine->acquirer, signed_on, t);
        if (r < 0) {
                log_error_errno(r, "Transaction %" PRIi64 ": no sign-on", t->view.record.id);
                host_not_sent(t, "unreachable-host");
        }
}

/* The card wants the acquirer's word. From here on Cancel is too late. */
void transaction_authorize(struct transaction *t) {
        end_timeouts(t);
        t->host = HOST_STATE_PENDING;
        t->view.record.state = TRANSACTION_AUTHORIZING;
        COPY(t->view.record.message, "");
        if (transaction_save_lazily(t, "authorizing") < 0)
                return host_not_sent(t, "storage");
        transaction_tell(t, TRANSACTION_CHANGED);
        reversals_wait(t->engine->reversals, reversals_ended, t);
}

/* ---- The beginning ---- */

/* What is asked of people while a card is waited for. */
void transaction_prompt_for_card(struct transaction *t) {
        bool chip = t->card || t->reader_busy, stripe = t->engine->msr_device != NULL;
        const char *message = "";

        if (!chip && monitor_find_connected(t->engine->monitor, DEVICE_EMV))
                message = N_("The chip reader does not work. Unplug it and plug it in again.");
        else if (!chip && !stripe)
                message = N_("No card reader is connected. Plug one in.");
        t->view.prompt = chip && stripe ? "insert-or-swipe-card" : chip ? "insert-card" : stripe ? "swipe-card" : "";
        COPY(t->view.record.message, message);
}

/* Both ways to a card at once, with what is there; the prompt says which. */
static void ask_for_card(struct transaction *t) {
        int r;

        t->engine->card_left_in = t->engine->card_left_in && has_card(t->engine);
        if (t->engine->card_left_in) {
                t->view.prompt = "remove-card";
                return;
        }

        if (!t->card) {
                r = chip_start(t);
                if (r < 0 && r != -ENODEV && r != -EBUSY)
                        log_warning_errno(r, "Transaction %" PRIi64 ": the EMV reader cannot be used",
                                          t->view.record.id);
        }
        if (t->engine->msr_device) {
                r = msr_arm(t->engine->msr);
                if (r < 0)
                        log_warning_errno(r, "Transaction %" PRIi64 ": the magstripe reader cannot be used",
                                          t->view.record.id);
        }
        transaction_prompt_for_card(t);
}

void transaction_devices_changed(struct transaction *t) {
        if (t->engine->card_left_in && !has_card(t->engine)) {
                t->engine->card_left_in = false;
                if (streq(t->view.prompt, "remove-card"))
                        t->view.prompt = "";
        } else if (transaction_is_done(t))
                return;

        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                ask_for_card(t);
        transaction_tell(t, TRANSACTION_CHANGED);
}

int transaction_new(struct engine *e, const struct transaction_record *record, bool can_choose,
                    struct transaction **ret) {
        _cleanup_(transaction_freep) struct transaction *t = NULL;
        struct journal *j = e->config.journal;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->engine = e;
        t->view.record = *record;
        t->view.prompt = "";
        t->view.language = prompt_language("", e->config.terminal->country);
        t->can_choose = can_choose;
        t->start = calloc(1, sizeof(*t->start));
        if (!t->start)
                return -ENOMEM;

        r = chip_set_timeout(t, CARD_TIMEOUT_USEC);
        if (r < 0)
                return r;
        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = transaction_record_insert(j, &t->view.record);
        if (r < 0)
                return r;
        r = event_append(j, "started", t->view.record.id, NULL);
        if (r < 0)
                return r;
        r = journal_commit(j);
        if (r < 0)
                return r;

        ask_for_card(t);
        *ret = TAKE_PTR(t);
        return 0;
}

int transaction_cancel(struct transaction *t) {
        if (t->view.record.state != TRANSACTION_WAITING_CARD && t->view.record.state != TRANSACTION_CARD)
                return -EALREADY;
        transaction_conclude(t, RESULT_CANCELLED, "cancelled");
        return 0;
}

void transaction_refresh(struct transaction *t) {
        struct transaction_record fresh;

        /* While it runs, the row is behind: only the papers and the reversal are news. */
        if (!transaction_is_done(t) ||
            transaction_record_load(t->engine->config.journal, t->view.record.id, &fresh) < 0)
                return;
        t->view.record = fresh;
        transaction_tell(t, TRANSACTION_CHANGED);
}

/* ---- After a crash or a power cut ---- */

void transaction_mind_card(struct engine *e) {
        e->card_left_in = has_card(e);
}

int transaction_recover(struct engine *e, const struct transaction_record *record) {
        struct transaction t = {
                .engine = e,
                .view = TRANSACTION_VIEW_INIT,
                .sent = record->reversal == REVERSAL_PENDING,
        };
        struct transaction_record *fresh = &t.view.record;
        int r;

        *fresh = *record;
        fresh->state = TRANSACTION_DONE;
        fresh->result = RESULT_FAILED;
        COPY(fresh->reason, "interrupted");
        COPY(fresh->message, reason_to_sentence("interrupted"));
        fresh->finished_usec = clock_now(CLOCK_REALTIME);
        fresh->finished_boot = clock_now(CLOCK_BOOTTIME);

        r = commit_result(&t, t.sent ? HOST_REASON_NO_ANSWER : NULL);
        if (r < 0)
                return r;
        log_notice("Transaction %" PRIi64 " was cut off; it is failed%s", record->id,
                   t.sent ? " and will be reversed" : "");
        return 0;
}
