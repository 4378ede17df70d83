// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a transaction, top to bottom; a kind leaves out what it does not need (kind.c):
 *
 *   transaction_new        the intent is written
 *   transaction_approve    by a supervisor
 *   ask_for_card           by chip and stripe at once
 *   chip.c                 the chip speaks, through card-worker      stripe.c: or a card is swiped
 *   authorization.c        reversals first, then sign-on; first durable commit, then the request goes out; the
 *                          acquirer's word, which chip_answer() hands to the card
 *   service.c              or something is asked about the terminal alone
 *   settlement.c           or the batch comes to its end
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
#include "transaction/announce.h"
#include "transaction/card.h"
#include "transaction/offline.h"
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
        const struct transaction_record *record = &t->view.record;

        if (event == TRANSACTION_CHANGED)
                log_transaction_debug(record->id, "%s%s%s", transaction_state_to_string(record->state),
                                      *t->view.prompt ? ", prompt " : "", t->view.prompt);
        t->engine->listener.transaction(&t->view, event, t->engine->listener.userdata);
}

void transaction_drop_secrets(struct transaction *t) {
        t->encrypted = secret_free(t->encrypted);
        t->binding = secret_free(t->binding);
        if (!t->request)
                return;
        explicit_bzero(t->request->card.pan, sizeof(t->request->card.pan));
        explicit_bzero(t->request->card.expiry, sizeof(t->request->card.expiry));
        explicit_bzero(t->request->card.track2, sizeof(t->request->card.track2));
        explicit_bzero(t->request->result.de55, sizeof(t->request->result.de55));
}

void transaction_end_timeouts(struct transaction *t) {
        t->timeout = sd_event_source_disable_unref(t->timeout);
        t->whole_timeout = sd_event_source_disable_unref(t->whole_timeout);
}

struct transaction *transaction_free(struct transaction *t) {
        if (!t)
                return NULL;
        card_free(t->card);
        transaction_end_timeouts(t);
        secret_free(t->request);
        secret_free(t->encrypted);
        secret_free(t->binding);
        download_free(t->download);
        free(t->original);
        free(t->settlement);
        free(t->told);
        free(t->start);
        free(t);
        return NULL;
}

int transaction_save(struct transaction *t, const char *event) {
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

int transaction_save_lazily(struct transaction *t, const char *event) {
        struct journal *j = t->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = transaction_save(t, event);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* ---- The second durable commit ---- */

int transaction_queue_papers(struct engine *e, const struct transaction_record *record) {
        const struct receipt_style *style = settings_style(e->config.settings);
        const struct kind *kind = kind_find(record->kind);
        int r;

        if (!kind_is_payment(kind))
                return 0;
        if (record->result == RESULT_APPROVED) {
                /* Without it there is nothing to sign on. */
                if (style->merchant_copy || record->signature) {
                        r = paper_queue(e, record, SLIP_MERCHANT_COPY);
                        if (r < 0)
                                return r;
                }
                if (style->cardholder_copy)
                        return paper_queue(e, record, SLIP_CARDHOLDER_COPY);
                return 0;
        }
        /* The cardholder may have seen a booking: the paper says what becomes of it. */
        if (record->reversal == REVERSAL_PENDING || record->result == RESULT_UNCONFIRMED)
                return paper_queue(e, record, SLIP_NOT_COMPLETED);
        return 0;
}

static int commit_result(struct transaction *t, const char *reversal_reason) {
        struct journal *j = t->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        if (t->offline) {
                r = offline_commit(t);
                if (r < 0)
                        return r;
        }
        if (t->reversible) {
                r = reversal_reason ? reversals_arm(j, t->view.record.id, reversal_reason)
                                    : request_record_remove(j, REQUEST_REVERSAL, t->view.record.id);
                if (r < 0)
                        return r;
        }
        /* No byte of it has left, so that there is nothing to take back. */
        if (t->host == HOST_STATE_NOT_SENT && kind_to_host(t->kind) == HOST_BINDING_CONFIRM) {
                r = request_record_remove(j, REQUEST_WITHDRAWAL, t->view.record.id);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        r = transaction_save(t, "done");
        if (r < 0)
                return r;
        r = transaction_queue_papers(t->engine, &t->view.record);
        if (r < 0)
                return r;
        r = announce_transaction(t->engine, &t->view.record);
        if (r < 0)
                return r;
        if (t->settlement && t->view.record.result == RESULT_APPROVED) {
                r = settlement_commit(t);
                if (r < 0)
                        return r;
        }
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
        record->has_balance = t->answer.has_balance;
        record->balance = t->answer.balance.amount;
        (void) snprintf(record->host_time, sizeof(record->host_time), "%s%s", t->answer.date, t->answer.time);
}

/* ---- What support reads in the log ---- */

/* "refund 10.00 CNY, reference R-7, about transaction 8, by uid 1000" */
static void log_start(const struct transaction_record *record) {
        const struct currency *currency = currency_find(record->currency);
        char amount[AMOUNT_TEXT_MAX] = "", about[40] = "";

        if (currency && record->amount > 0)
                (void) amount_format(record->amount, currency, amount);
        if (record->original > 0)
                (void) snprintf(about, sizeof(about), ", about transaction %" PRIi64, record->original);
        log_transaction_info(record->id, "%s%s%s%s%s, reference %s%s, by uid %" PRIu32, record->kind,
                             *amount ? " " : "", amount, *amount ? " " : "", *amount ? record->currency : "",
                             record->reference, about, (uint32_t) record->starter);
}

static void log_result(const struct transaction_record *record) {
        const char *result = transaction_result_to_string(record->result);

        if (record->result == RESULT_UNCONFIRMED) {
                log_transaction_warning(record->id, "unconfirmed: it may have been booked. Ask the acquirer, then "
                                                    "Resolve it");
                return;
        }
        log_transaction_info(record->id, "%s%s%s%s%s%s", result, *record->reason ? ", " : "", record->reason,
                             *record->response_code ? ", code " : "", record->response_code,
                             record->reversal == REVERSAL_PENDING ? "; it is being reversed" : "");
}

/* The end of every transaction: written, then said, then printed. */
void transaction_conclude(struct transaction *t, enum transaction_result result, const char *reason) {
        struct transaction_record *record = &t->view.record;
        const char *reversal_reason = reversal_of(t, result);
        int r;

        transaction_end_timeouts(t);
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
                COPY(record->message, reason_to_sentence(reason, t->kind));
        record->finished_usec = clock_now(CLOCK_REALTIME);
        record->finished_boot = clock_now(CLOCK_BOOTTIME);
        if (t->reversible)
                record->reversal = reversal_reason ? REVERSAL_PENDING : REVERSAL_NONE;

        r = commit_result(t, reversal_reason);
        if (r < 0)
                engine_panic(r, "the result of a transaction cannot be written");
        transaction_drop_secrets(t);

        log_result(record);
        transaction_tell(t, TRANSACTION_CHANGED);
        transaction_tell(t, TRANSACTION_FINISHED);
        t->engine->listener.changed(t->engine->listener.userdata);
        printing_kick(t->engine->printing);
        outbox_kick(t->engine->outbox);
        notices_kick(t->engine->notices);
}

/* What may have been booked is taken back; what cannot be taken back is not known. */
static void conclude_lost(struct transaction *t) {
        if (t->reversible)
                transaction_conclude(t, RESULT_FAILED,
                                     streq(t->reversal_reason, HOST_REASON_NO_ANSWER) ? "no-answer" : "bad-answer");
        else if (t->kind->amount)
                transaction_conclude(t, RESULT_UNCONFIRMED, "unconfirmed");
        else
                transaction_conclude(t, RESULT_FAILED, "unanswered");
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
                conclude_lost(t);
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

/* ---- The beginning ---- */

void transaction_ask_signature(struct transaction *t, bool wanted) {
        struct transaction_record *record = &t->view.record;

        record->signature = wanted && !receipt_style_waives_signature(settings_style(t->engine->config.settings),
                                                                      record->currency, record->amount);
}

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

void transaction_hinder(struct transaction *t, const char *hindrance) {
        t->view.hindrance = hindrance;
        t->view.hindrances++;
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
                        log_transaction_warning_errno(t->view.record.id, r, "the EMV reader cannot be used");
        }
        if (t->engine->msr_device) {
                r = msr_arm(t->engine->msr);
                if (r < 0)
                        log_transaction_warning_errno(t->view.record.id, r, "the magstripe reader cannot be used");
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

static int on_approval_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        transaction_conclude(userdata, RESULT_CANCELLED, "approval-timeout");
        return 0;
}

/* What is waited for first. Nothing is asked of anybody yet. */
static int prepare(struct transaction *t) {
        t->view.prompt = "";
        if (t->kind->supervisor && isempty(t->view.record.approver)) {
                t->view.record.state = TRANSACTION_WAITING_APPROVAL;
                t->view.prompt = "approve";
                return sd_event_add_time_relative(t->engine->config.event, &t->timeout, CLOCK_BOOTTIME,
                                                  APPROVAL_TIMEOUT_USEC, 0, on_approval_timeout, t);
        }
        if (t->kind->card == KIND_CARD_NONE) {
                t->view.record.state = TRANSACTION_AUTHORIZING;
                return 0;
        }
        t->view.record.state = TRANSACTION_WAITING_CARD;
        return chip_set_timeout(t, CARD_TIMEOUT_USEC);
}

void transaction_run(struct transaction *t) {
        if (t->view.record.state != TRANSACTION_AUTHORIZING)
                return;
        if (t->kind->way == KIND_WAY_ADVICE)
                offline_advise(t);
        else
                service_start(t);
}

int transaction_approve(struct transaction *t, const char *approver) {
        int r;

        if (t->view.record.state != TRANSACTION_WAITING_APPROVAL)
                return -EALREADY;
        transaction_end_timeouts(t);
        COPY(t->view.record.approver, approver);
        log_transaction_info(t->view.record.id, "approved by supervisor %s", approver);
        r = prepare(t);
        if (r >= 0)
                r = transaction_save_lazily(t, "approved-by-supervisor");
        if (r < 0) {
                transaction_conclude(t, RESULT_FAILED, r == -ENOMEM ? "no-memory" : "storage");
                return 0;
        }
        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                ask_for_card(t);
        transaction_tell(t, TRANSACTION_CHANGED);
        return 0;
}

int transaction_new(struct engine *e, const struct kind *kind, const struct transaction_record *record,
                    const struct transaction_record *original, const struct engine_call *call,
                    struct transaction **ret) {
        _cleanup_(transaction_freep) struct transaction *t = NULL;
        struct journal *j = e->config.journal;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->engine = e;
        t->kind = kind;
        t->view.record = *record;
        t->view.language = prompt_language("", e->config.terminal->country);
        t->view.hindrance = "";
        t->can_choose = call->can_choose;
        t->start = calloc(1, sizeof(*t->start));
        if (!t->start)
                return -ENOMEM;
        if (original) {
                t->original = malloc(sizeof(*t->original));
                if (!t->original)
                        return -ENOMEM;
                *t->original = *original;
        }
        if (call->binding) {
                t->binding = secret_new(sizeof(*t->binding));
                if (!t->binding)
                        return -ENOMEM;
                *t->binding = *call->binding;
        }

        r = prepare(t);
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

        log_start(&t->view.record);
        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                ask_for_card(t);
        *ret = TAKE_PTR(t);
        return 0;
}

int transaction_cancel(struct transaction *t) {
        if (t->view.record.state == TRANSACTION_AUTHORIZING || transaction_is_done(t))
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
                .kind = kind_find(record->kind),
                .reversible = record->reversal == REVERSAL_PENDING,
        };
        /* Sent, or perhaps; what cannot be taken back is not known. A kind of another version may be money. */
        bool unconfirmed = record->stan > 0 && !t.reversible && (!t.kind || t.kind->amount);
        const char *reason = unconfirmed ? "unconfirmed" : t.reversible ? "cut-off" : "interrupted";
        struct transaction_record *fresh = &t.view.record;
        int r;

        *fresh = *record;
        fresh->state = TRANSACTION_DONE;
        fresh->result = unconfirmed ? RESULT_UNCONFIRMED : RESULT_FAILED;
        COPY(fresh->reason, reason);
        COPY(fresh->message, reason_to_sentence(reason, t.kind));
        fresh->finished_usec = clock_now(CLOCK_REALTIME);
        fresh->finished_boot = clock_now(CLOCK_BOOTTIME);

        r = commit_result(&t, t.reversible ? HOST_REASON_NO_ANSWER : NULL);
        if (r < 0)
                return r;
        log_transaction_notice(record->id, "cut off; it is %s%s", transaction_result_to_string(fresh->result),
                               t.reversible ? " and will be reversed" : "");
        return 0;
}
