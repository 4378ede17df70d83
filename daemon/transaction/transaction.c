// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The way of a sale, top to bottom:
 *
 *   transaction_new        the intent is written, a card is asked for
 *   card_message           the chip speaks, through card-worker      transaction_swiped: or the stripe
 *   authorize              reversals first, then sign-on
 *   send_request           first durable commit, then the request goes out
 *   request_ended          the acquirer's word, handed to the card
 *   conclude               second durable commit, then the result is said and the paper printed
 *
 * What the worker says is a claim. What the acquirer approved and the card did not finish is reversed.
 */
#include <sys/random.h>

#include "base/amount.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"
#include "device/emv.h"
#include "emv/tvr.h"
#include "host/result.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "transaction/card.h"
#include "transaction/emv-data.h"
#include "transaction/engine.h"
#include "transaction/prompt.h"
#include "transaction/reason.h"

/* From the start until a card is in (DESIGN). */
#define CARD_TIMEOUT_USEC (60 * USEC_PER_SEC)
/* From the card's insertion to its first decision; after the acquirer's answer to its last. */
#define CARD_WORK_TIMEOUT_USEC (45 * USEC_PER_SEC)
/* A card counts its tries in four bits. */
#define PIN_PROMPTS_MAX 15
/* Of a mute card, after the first; more than a person finds time for. */
#define INSERTIONS_MAX 10

enum host_state {
        HOST_STATE_NONE,     /* not asked */
        HOST_STATE_PENDING,  /* being asked, or about to be */
        HOST_STATE_NOT_SENT, /* no byte of the request left */
        HOST_STATE_APPROVED,
        HOST_STATE_DECLINED,
        HOST_STATE_LOST, /* sent, without an answer that counts: to be reversed */
};

struct transaction {
        struct engine *engine;
        struct transaction_view view;

        /* The card. */
        struct card *card; /* the chip's worker, NULL for a swipe and once it has ended */
        bool stripe;       /* by swipe: there is no card to decide */
        bool can_choose;   /* somebody answers ChooseApplication() */
        unsigned pin_prompts;
        unsigned insertions; /* after the first */
        bool recalled;       /* the exception file was asked */
        bool reader_busy;    /* the last worker still has the reader: ours starts when it is gone */
        /* What the worker was given and said, to hold its next claim against. */
        struct message_start *start;
        struct message_online_request *request; /* secret memory; filled in for a swipe too */
        struct message_online_answer *told;
        sd_event_source *timeout;

        /* The acquirer. */
        enum host_state host;
        struct host_answer answer;   /* of HOST_STATE_APPROVED and _DECLINED; shown with the result, not before */
        const char *not_sent;        /* why, of HOST_STATE_NOT_SENT */
        const char *card_word;       /* why the card ended while HOST_STATE_PENDING */
        const char *reversal_reason; /* of HOST_STATE_LOST */
        bool sent;                   /* the first durable commit was made: the request may be out */
};

const struct transaction_view *transaction_get_view(const struct transaction *t) {
        return &t->view;
}

bool transaction_is_done(const struct transaction *t) {
        return t->view.record.state == TRANSACTION_DONE;
}

static void tell(struct transaction *t, enum transaction_event event) {
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

struct transaction *transaction_free(struct transaction *t) {
        if (!t)
                return NULL;
        card_free(t->card);
        sd_event_source_disable_unref(t->timeout);
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
static int save_lazily(struct transaction *t, const char *event) {
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

static void conclude(struct transaction *t, enum transaction_result result, const char *reason);
static void conclude_both(struct transaction *t, const char *card_word);

static void forget_choice(struct transaction *t) {
        t->view.n_applications = 0;
        memset(t->view.applications, 0, sizeof(t->view.applications));
}

/* There is no card's word to be had any more. */
static void card_lost(struct transaction *t, const char *word) {
        t->card = card_free(t->card);
        t->card_word = word;
        conclude_both(t, word);
}

static void card_failed(struct transaction *t) {
        card_lost(t, "worker-failed");
}

static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct transaction *t = userdata;
        enum transaction_state state = t->view.record.state;

        /* While the acquirer is asked, its own deadline ends the wait. */
        if (state == TRANSACTION_WAITING_CARD)
                conclude(t, RESULT_CANCELLED, "card-timeout");
        else if (t->view.n_applications > 0)
                conclude(t, RESULT_CANCELLED, "choice-timeout");
        else
                card_failed(t);
        return 0;
}

static int set_timeout(struct transaction *t, uint64_t usec) {
        t->timeout = sd_event_source_disable_unref(t->timeout);
        return sd_event_add_time_relative(t->engine->config.event, &t->timeout, CLOCK_BOOTTIME, usec, 0, on_timeout,
                                          t);
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

static void release_card(struct transaction *t) {
        const struct device *reader = monitor_find_connected(t->engine->monitor, DEVICE_EMV);

        t->card = card_free(t->card);
        (void) msr_disarm(t->engine->msr);
        t->engine->card_left_in = reader && reader->card == DEVICE_CARD_PRESENT;
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
static void conclude(struct transaction *t, enum transaction_result result, const char *reason) {
        struct transaction_record *record = &t->view.record;
        const char *reversal_reason = reversal_of(t, result);
        int r;

        t->timeout = sd_event_source_disable_unref(t->timeout);
        drop_secrets(t);
        forget_choice(t);
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
        tell(t, TRANSACTION_CHANGED);
        tell(t, TRANSACTION_FINISHED);
        t->engine->listener.changed(t->engine->listener.userdata);
        printing_kick(t->engine->printing);
        reversals_kick(t->engine->reversals);
}

/* What the card's and the acquirer's words come to; card_word is NULL when the card agreed. */
static void conclude_both(struct transaction *t, const char *card_word) {
        switch (t->host) {
        case HOST_STATE_APPROVED:
                if (!card_word)
                        conclude(t, RESULT_APPROVED, "");
                else
                        conclude(t, RESULT_FAILED, "not-completed");
                return;
        case HOST_STATE_DECLINED:
                conclude(t, RESULT_DECLINED, "refused");
                return;
        case HOST_STATE_NOT_SENT:
                conclude(t, RESULT_FAILED, t->not_sent);
                return;
        case HOST_STATE_LOST:
                conclude(t, RESULT_FAILED,
                         streq(t->reversal_reason, HOST_REASON_NO_ANSWER) ? "no-answer" : "bad-answer");
                return;
        case HOST_STATE_NONE:
                /* An offline approval that nobody asked for is no approval. */
                conclude(t, RESULT_FAILED, card_word ?: "worker-failed");
                return;
        case HOST_STATE_PENDING:
                /* The answer will show whether there is something to take back; it comes here again. */
                return;
        }
}

/* ---- The acquirer ---- */

static void tell_card(struct transaction *t, const struct host_answer *answer) {
        struct message_online_answer *m;

        t->told = m = calloc(1, sizeof(*m));
        if (!m)
                return card_failed(t);
        message_init(m, MESSAGE_ONLINE_ANSWER);
        if (answer) {
                m->online = EMV_ONLINE_ANSWERED;
                m->approved = t->host == HOST_STATE_APPROVED;
                memcpy(m->arc, answer->arc, sizeof(m->arc));
                m->issuer_authentication_size = (uint8_t) answer->issuer_auth_size;
                memcpy(m->issuer_authentication, answer->issuer_auth, answer->issuer_auth_size);
                m->scripts_size = (uint16_t) answer->scripts_size;
                memcpy(m->scripts, answer->scripts, answer->scripts_size);
        } else
                m->online = t->host == HOST_STATE_NOT_SENT ? EMV_ONLINE_NOT_SENT : EMV_ONLINE_NO_ANSWER;

        if (card_send(t->card, m) < 0)
                card_failed(t);
}

/* The acquirer's part is over: a stripe has nothing to add, a chip decides last. */
static void host_ended(struct transaction *t, enum host_state host, const struct host_answer *answer) {
        t->host = host;
        if (t->stripe)
                return conclude_both(t, NULL);
        if (!t->card)
                return conclude_both(t, "worker-failed");
        if (set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
                return conclude_both(t, "worker-failed");
        tell_card(t, answer);
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
        tell(t, TRANSACTION_CHANGED);
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
static void authorize(struct transaction *t) {
        t->timeout = sd_event_source_disable_unref(t->timeout);
        t->host = HOST_STATE_PENDING;
        t->view.record.state = TRANSACTION_AUTHORIZING;
        if (save_lazily(t, "authorizing") < 0)
                return host_not_sent(t, "storage");
        tell(t, TRANSACTION_CHANGED);
        reversals_wait(t->engine->reversals, reversals_ended, t);
}

/* ---- The chip ---- */

/* What is asked of people while a card is waited for. */
static void set_prompt(struct transaction *t) {
        bool chip = t->card || t->reader_busy, stripe = t->engine->msr_device != NULL;

        t->view.prompt = chip && stripe ? "insert-or-swipe-card" : chip ? "insert-card" : stripe ? "swipe-card" : "";
        COPY(t->view.record.message, chip || stripe ? "" : N_("No card reader is connected. Plug one in."));
}

/* Logs why a claim is refused; the reasons name no card data. */
static bool holds(const struct transaction *t, int r, const char *reason) {
        if (r < 0)
                log_error("Transaction %" PRIi64 ": card-worker's claim is refused: %s", t->view.record.id, reason);
        return r >= 0;
}

static void note_language(struct transaction *t, const char *card) {
        if (*card)
                t->view.language = prompt_language(card, t->engine->config.terminal->country);
}

static void card_recall(struct transaction *t, const struct message_recall *m) {
        struct message_memory memory;

        t->recalled = true;
        message_init(&memory, MESSAGE_MEMORY);
        memory.exception = exceptions_has(t->engine->config.exceptions, m->hash);
        if (card_send(t->card, &memory) < 0)
                card_failed(t);
}

/* A worker may have asked for another card, or not at all: whether this one is listed shows in its results. */
static int check_exception(const struct transaction *t, const struct message_online_request *m,
                           const char **ret_reason) {
        int listed = exceptions_has_pan(t->engine->config.exceptions, m->card.pan);

        if (listed < 0)
                return listed;
        *ret_reason = "exception file and results disagree";
        return !!listed == tvr_test(m->result.tvr, TVR_EXCEPTION_FILE) ? 0 : -EBADMSG;
}

static void card_online(struct transaction *t, const struct message_online_request *m) {
        const char *reason = "";
        int r;

        r = message_check_request(t->start, m, &reason);
        if (r >= 0)
                r = check_exception(t, m, &reason);
        if (!holds(t, r, reason))
                return card_failed(t);

        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return card_failed(t);
        *t->request = *m;
        note_language(t, m->card.language);
        emv_data_note(&t->view.record, &t->start->terminal, &m->card, &m->result);
        authorize(t);
}

/* Before a card was in: go on with the other reader, or with this one when it comes back. */
static void reader_lost(struct transaction *t) {
        t->card = card_free(t->card);
        set_prompt(t);
        tell(t, TRANSACTION_CHANGED);
}

static void card_outcome(struct transaction *t, const struct message_outcome *m) {
        const char *word, *reason = "";
        int r;

        r = message_check_outcome(t->start, t->request, t->told, m, &reason);
        if (!holds(t, r, reason))
                return card_failed(t);
        if (m->reason == EMV_REASON_READER && t->view.record.state == TRANSACTION_WAITING_CARD)
                return reader_lost(t);
        note_language(t, m->card.language);
        emv_data_note(&t->view.record, &t->start->terminal, &m->card, &m->result);
        word = reason_of_card(m->reason);

        /* It gave up while the acquirer is asked. */
        if (t->host == HOST_STATE_PENDING)
                return card_lost(t, m->outcome == EMV_OUTCOME_FAILED ? word : "worker-failed");
        if (t->host != HOST_STATE_NONE)
                return conclude_both(t, m->outcome == EMV_OUTCOME_APPROVED ? NULL : word);

        switch (m->outcome) {
        case EMV_OUTCOME_DECLINED:
                return conclude(t, RESULT_DECLINED, word);
        case EMV_OUTCOME_FAILED:
                return conclude(t, m->reason == EMV_REASON_CANCELLED ? RESULT_CANCELLED : RESULT_FAILED, word);
        default:
                /* An approval without the acquirer: the caps on offline approvals are zero. */
                return conclude(t, RESULT_FAILED, "worker-failed");
        }
}

/* Book 1, 12.4: the cardholder chooses, or confirms the only one. Cancel says no. */
static void card_asks_choice(struct transaction *t, const struct message_prompt *m) {
        if (set_timeout(t, EMV_CHOICE_TIMEOUT_MSEC * (uint64_t) USEC_PER_MSEC) < 0)
                return card_failed(t);
        for (unsigned i = 0; i < m->n_candidates; i++)
                COPY(t->view.applications[i], m->candidates[i].name);
        t->view.n_applications = m->n_candidates;
        t->view.prompt = m->n_candidates > 1 ? "choose-application" : "confirm-application";
        note_language(t, m->language);
        tell(t, TRANSACTION_CHANGED);
}

static void card_prompt(struct transaction *t, const struct message_prompt *m) {
        switch (m->prompt) {
        case EMV_PROMPT_CHOOSE_APPLICATION:
                return card_asks_choice(t, m);
        case EMV_PROMPT_TRY_AGAIN:
                COPY(t->view.record.message, N_("The card does not allow this application; another one is tried."));
                break;
        case EMV_PROMPT_READING:
                t->view.prompt = "leave-card-in";
                break;
        case EMV_PROMPT_INSERT_CARD:
                /* At first it is the readers' own prompt that stands; after a mute card it is this one. */
                if (t->view.record.state == TRANSACTION_WAITING_CARD)
                        return;
                t->view.prompt = "insert-card";
                break;
        case EMV_PROMPT_REMOVE_CARD:
                t->view.prompt = "remove-card";
                break;
        case EMV_PROMPT_ENTER_PIN:
        case EMV_PROMPT_WRONG_PIN:
        case EMV_PROMPT_LAST_PIN:
                /* Each entry takes a person's time, and no card allows more of them. */
                if (++t->pin_prompts > PIN_PROMPTS_MAX || set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
                        return card_failed(t);
                t->view.prompt = emv_prompt_to_string(m->prompt);
                break;
        default:
                return;
        }
        tell(t, TRANSACTION_CHANGED);
}

static void card_inserted(struct transaction *t) {
        struct transaction_record *record = &t->view.record;

        (void) msr_disarm(t->engine->msr);
        record->state = TRANSACTION_CARD;
        record->entry = ENTRY_CHIP;
        COPY(record->message, "");
        t->view.prompt = "leave-card-in";
        if (save_lazily(t, "card") < 0)
                return conclude(t, RESULT_FAILED, "storage");
        if (set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
                return conclude(t, RESULT_FAILED, "worker-failed");
        tell(t, TRANSACTION_CHANGED);
}

static void card_presence(struct transaction *t, const struct message_card *m) {
        if (m->card == EMV_CARD_INSERTED && t->view.record.state == TRANSACTION_WAITING_CARD)
                return card_inserted(t);
        if (m->card == EMV_CARD_INSERTED &&
            (++t->insertions > INSERTIONS_MAX || set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0))
                return card_failed(t);
        if (m->card == EMV_CARD_MUTE) {
                /* The worker gives up before, and says that the card was mute. */
                if (set_timeout(t, CARD_TIMEOUT_USEC) < 0)
                        return card_failed(t);
                COPY(t->view.record.message,
                     N_("The chip does not answer: take the card out, wipe it, insert it again."));
                t->view.prompt = "remove-card";
                tell(t, TRANSACTION_CHANGED);
        }
}

/* What belongs to the state that the transaction is in. Nothing is said while the acquirer is asked. */
static bool is_in_turn(const struct transaction *t, const union message *m) {
        enum transaction_state state = t->view.record.state;

        /* Who was asked is answered first. */
        if (t->view.n_applications > 0 &&
            !(m->header.type == MESSAGE_OUTCOME && m->outcome.outcome == EMV_OUTCOME_FAILED))
                return false;
        switch (m->header.type) {
        case MESSAGE_PROMPT:
                if (m->prompt.prompt == EMV_PROMPT_CHOOSE_APPLICATION && !t->start->can_choose)
                        return false;
                if (m->prompt.prompt >= EMV_PROMPT_ENTER_PIN &&
                    !(t->start->terminal.capabilities[1] & EMV_CAPABILITY_PLAINTEXT_PIN))
                        return false;
                return state == TRANSACTION_CARD ||
                       (state == TRANSACTION_WAITING_CARD && m->prompt.prompt == EMV_PROMPT_INSERT_CARD);
        case MESSAGE_CARD:
                return state == TRANSACTION_CARD ||
                       (state == TRANSACTION_WAITING_CARD && m->card.card == EMV_CARD_INSERTED);
        case MESSAGE_RECALL:
                return state == TRANSACTION_CARD && t->start->has_exceptions && !t->recalled;
        case MESSAGE_ONLINE_REQUEST:
                return state == TRANSACTION_CARD;
        default:
                return state != TRANSACTION_WAITING_CARD || m->outcome.outcome == EMV_OUTCOME_FAILED;
        }
}

static void card_message(struct card *card, const union message *m, void *userdata) {
        struct transaction *t = userdata;

        if (!is_in_turn(t, m)) {
                log_error("Transaction %" PRIi64 ": card-worker speaks out of turn; ending it", t->view.record.id);
                return card_failed(t);
        }
        switch (m->header.type) {
        case MESSAGE_PROMPT:
                return card_prompt(t, &m->prompt);
        case MESSAGE_CARD:
                return card_presence(t, &m->card);
        case MESSAGE_RECALL:
                return card_recall(t, &m->recall);
        case MESSAGE_ONLINE_REQUEST:
                return card_online(t, &m->online_request);
        case MESSAGE_OUTCOME:
                return card_outcome(t, &m->outcome);
        }
}

static void card_ended(struct card *card, void *userdata) {
        struct transaction *t = userdata;

        log_error("Transaction %" PRIi64 ": card-worker ended without an outcome", t->view.record.id);
        card_failed(t);
}

/* A worker of this or an earlier transaction is gone: who waits for the reader may have it. */
static void reader_free(void *userdata) {
        struct engine *e = userdata;

        if (e->current && e->current->reader_busy)
                transaction_devices_changed(e->current);
}

/* Hands the reader to a new worker. -ENODEV when there is none, -EBUSY while the last worker has it. */
static int start_card(struct transaction *t) {
        const struct exceptions *exceptions = t->engine->config.exceptions;
        const struct device *reader = monitor_find_connected(t->engine->monitor, DEVICE_EMV);
        const struct card_listener listener = {
                .message = card_message,
                .ended = card_ended,
                .userdata = t,
                .gone = reader_free,
                .gone_userdata = t->engine,
        };
        bool keypad = false;
        int fd, r;

        if (!reader)
                return -ENODEV;
        fd = emv_open(reader, &keypad);
        t->reader_busy = fd == -EBUSY;
        t->recalled = false;
        if (fd < 0)
                return fd;
        r = emv_data_fill_start(&t->view.record, t->engine->config.settings, t->engine->config.terminal, t->can_choose,
                                t->start);
        if (r < 0) {
                (void) safe_close(fd);
                return r;
        }
        if (keypad)
                t->start->terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        t->pin_prompts = 0;
        t->start->has_exceptions = exceptions_count(exceptions) > 0;
        if (t->start->has_exceptions)
                memcpy(t->start->salt, exceptions_salt(exceptions), EMV_SALT_SIZE);
        r = card_new(t->engine->config.event, t->engine->config.card_worker, fd, &listener, &t->card);
        if (r < 0)
                return r;
        r = card_send(t->card, t->start);
        if (r < 0)
                t->card = card_free(t->card);
        return r;
}

/* ---- The stripe ---- */

static void ask_again(struct transaction *t, const char *message) {
        COPY(t->view.record.message, message);
        tell(t, TRANSACTION_CHANGED);
}

void transaction_swiped(struct transaction *t, const struct msr_swipe *swipe) {
        struct transaction_record *record = &t->view.record;
        const struct track *track = &swipe->track2;

        if (record->state != TRANSACTION_WAITING_CARD || t->engine->card_left_in)
                return;
        if (track->status == TRACK_ENCRYPTED) {
                log_warning("Transaction %" PRIi64
                            ": the magstripe reader encrypts, and its swipes cannot be used yet",
                            record->id);
                return ask_again(t, N_("This reader encrypts cards, which cannot be used yet. Insert the chip."));
        }
        if (track->status != TRACK_OK)
                return ask_again(t, track->status == TRACK_MALFORMED
                                            ? N_("This is not a payment card. Swipe another one.")
                                            : N_("The stripe could not be read. Swipe the card again, steadily."));
        /* UnionPay's market closed fallback: a chip card is never taken by its stripe. */
        if (track_service_has_chip(track->service)) {
                if (t->card)
                        t->view.prompt = "insert-card";
                return ask_again(t, N_("This card has a chip: insert it."));
        }

        t->card = card_free(t->card);
        (void) msr_disarm(t->engine->msr);
        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return conclude(t, RESULT_FAILED, "worker-failed");
        COPY(t->request->card.pan, track->pan);
        COPY(t->request->card.expiry, track->expiry);
        COPY(t->request->card.track2, track->text);

        t->stripe = true;
        t->view.prompt = "";
        record->entry = ENTRY_SWIPE;
        record->signature = true;
        COPY(record->message, "");
        if (transaction_pan_mask(track->pan, record->masked_pan) < 0)
                return conclude(t, RESULT_FAILED, "card-malformed");
        authorize(t);
}

/* ---- The beginning ---- */

/* Both ways to a card at once, with what is there; the prompt says which. */
static void ask_for_card(struct transaction *t) {
        int r;

        if (t->engine->card_left_in) {
                t->view.prompt = "remove-card";
                return;
        }

        if (!t->card) {
                r = start_card(t);
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
        set_prompt(t);
}

void transaction_devices_changed(struct transaction *t) {
        const struct device *reader = monitor_find_connected(t->engine->monitor, DEVICE_EMV);

        if (t->engine->card_left_in && (!reader || reader->card == DEVICE_CARD_ABSENT)) {
                t->engine->card_left_in = false;
                if (streq(t->view.prompt, "remove-card"))
                        t->view.prompt = "";
        } else if (transaction_is_done(t))
                return;

        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                ask_for_card(t);
        tell(t, TRANSACTION_CHANGED);
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

        r = set_timeout(t, CARD_TIMEOUT_USEC);
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
        conclude(t, RESULT_CANCELLED, "cancelled");
        return 0;
}

int transaction_choose(struct transaction *t, unsigned number) {
        struct message_choice m;

        if (t->view.n_applications == 0)
                return -EALREADY;
        if (number < 1 || number > t->view.n_applications)
                return -ERANGE;

        message_init(&m, MESSAGE_CHOICE);
        m.index = (uint8_t) (number - 1);
        forget_choice(t);
        t->view.prompt = "leave-card-in";
        if (set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0 || card_send(t->card, &m) < 0)
                card_failed(t);
        else
                tell(t, TRANSACTION_CHANGED);
        return 0;
}

void transaction_refresh(struct transaction *t) {
        struct transaction_record fresh;

        /* While it runs, the row is behind: only the papers and the reversal are news. */
        if (!transaction_is_done(t) ||
            transaction_record_load(t->engine->config.journal, t->view.record.id, &fresh) < 0)
                return;
        t->view.record = fresh;
        tell(t, TRANSACTION_CHANGED);
}

/* ---- After a crash or a power cut ---- */

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
