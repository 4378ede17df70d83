// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The chip's part of a sale: what comes from card-worker, in the order in which it may come. All of it is a claim,
 * held against what the worker was given and said before.
 */
#include "base/log.h"
#include "base/secret.h"
#include "device/emv.h"
#include "emv/atr.h"
#include "emv/tvr.h"
#include "journal/counter.h"
#include "transaction/card.h"
#include "transaction/emv-data.h"
#include "transaction/offline.h"
#include "transaction/prompt.h"
#include "transaction/reason.h"
#include "transaction/transaction-internal.h"

/* From the card's insertion to its first decision; after the acquirer's answer to its last. */
#define CARD_WORK_TIMEOUT_USEC (45 * USEC_PER_SEC)
/* From the card's first insertion to its first decision, with all that people do meanwhile. */
#define CARD_WHOLE_TIMEOUT_USEC (5 * 60 * USEC_PER_SEC)
/* A card counts its tries in four bits. */
#define PIN_PROMPTS_MAX 15
/* Of a card that is mute, out and in again, ten times: more than a person finds time for. */
#define MOVES_MAX 30
/* Of a reader that fails before a card was in. */
#define READER_TRIES_MAX 3

/* There is no card's word to be had any more. */
static void card_lost(struct transaction *t, const char *word) {
        t->card = card_free(t->card);
        t->card_word = word;
        transaction_conclude_both(t, word);
}

static void card_failed(struct transaction *t) {
        card_lost(t, "worker-failed");
}

/* Of a step, or of the whole. */
static int on_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        struct transaction *t = userdata;
        enum transaction_state state = t->view.record.state;

        /* While the acquirer is asked, its own deadline ends the wait. */
        if (state == TRANSACTION_WAITING_CARD)
                transaction_conclude(t, RESULT_CANCELLED, "card-timeout");
        else if (t->view.n_applications > 0)
                transaction_conclude(t, RESULT_CANCELLED, "choice-timeout");
        else
                card_failed(t);
        return 0;
}

int chip_set_timeout(struct transaction *t, uint64_t usec) {
        t->timeout = sd_event_source_disable_unref(t->timeout);
        return sd_event_add_time_relative(t->engine->config.event, &t->timeout, CLOCK_BOOTTIME, usec, 0, on_timeout,
                                          t);
}

void chip_forget_choice(struct transaction *t) {
        t->view.n_applications = 0;
        memset(t->view.applications, 0, sizeof(t->view.applications));
}

/* Logs why a claim is refused; the reasons name no card data. */
static bool holds(const struct transaction *t, int r, const char *reason) {
        if (r < 0)
                log_transaction_error(t->view.record.id, "card-worker's claim is refused: %s", reason);
        return r >= 0;
}

static void note_language(struct transaction *t, const char *card) {
        if (*card)
                t->view.language = prompt_language(card, t->engine->config.terminal->country);
}

/* What exception file and journal have of the card. */
static int remember(struct transaction *t, const char *pan, struct message_memory *ret) {
        struct journal *j = t->engine->config.journal;
        uint32_t batch;
        int listed, r;

        message_init(ret, MESSAGE_MEMORY);
        listed = exceptions_has_pan(t->engine->config.exceptions, pan);
        if (listed < 0)
                return listed;
        ret->exception = (uint8_t) listed;
        r = transaction_pan_hash(j, pan, t->recalled);
        if (r < 0)
                return r;
        r = counter_get_batch(j, &batch);
        if (r < 0)
                return r;
        return transaction_record_sum_card(j, t->recalled, batch, t->view.record.currency, &ret->earlier);
}

static void card_recall(struct transaction *t, const struct message_recall *m) {
        struct message_memory memory;
        int r;

        r = remember(t, m->pan, &memory);
        if (r < 0)
                log_transaction_error_errno(t->view.record.id, r, "the card cannot be looked up");
        else
                r = card_send(t->card, &memory);
        if (r < 0)
                card_failed(t);
}

/* A worker may have asked about another card, or not at all; and whether this one is listed shows in its results. */
static int check_recall(const struct transaction *t, const struct emv_card_data *card,
                        const struct emv_result_data *result, const char **ret_reason) {
        char hash[sizeof(t->recalled)];
        int listed, r;

        r = transaction_pan_hash(t->engine->config.journal, card->pan, hash);
        if (r < 0)
                return r;
        *ret_reason = "it did not ask about this card";
        if (!streq(hash, t->recalled))
                return -EBADMSG;
        listed = exceptions_has_pan(t->engine->config.exceptions, card->pan);
        if (listed < 0)
                return listed;
        *ret_reason = "exception file and results disagree";
        return !!listed == tvr_test(result->tvr, TVR_EXCEPTION_FILE) ? 0 : -EBADMSG;
}

/* The books allow shorter numbers than any scheme has; the journal and a receipt could not mask them. */
static bool can_be_masked(const struct emv_card_data *card) {
        char mask[24];

        return transaction_pan_mask(card->pan, mask) >= 0;
}

static void card_online(struct transaction *t, const struct message_online_request *m) {
        const char *reason = "";
        int r;

        r = message_check_request(t->start, m, &reason);
        if (r >= 0)
                r = message_check_pin(&m->result, t->pin_prompts, &reason);
        if (r >= 0)
                r = check_recall(t, &m->card, &m->result, &reason);
        if (!holds(t, r, reason))
                return card_failed(t);
        if (!can_be_masked(&m->card))
                return card_lost(t, "card-malformed");

        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return card_failed(t);
        *t->request = *m;
        note_language(t, m->card.language);
        emv_data_note(&t->view.record, &t->start->terminal, &m->card, &m->result);
        transaction_ask_signature(t, m->result.signature);
        transaction_authorize(t);
}

/* What a worker that gave up waiting has waited for. */
static const char *word_of(const struct transaction *t, enum emv_reason reason) {
        if (reason != EMV_REASON_TIMEOUT)
                return reason_of_card(reason);
        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                return "card-timeout";
        /* For older reversals or the sign-on; once the request is out, the acquirer's end decides. */
        if (t->host == HOST_STATE_PENDING)
                return "unreachable-host";
        return t->card_is_out ? "card-removed" : "card-silent";
}

/*
 * Before a card was in: go on with the other reader, and with this one when it comes back. Where it has not gone it
 * may work for a worker that opens it anew.
 */
static void reader_lost(struct transaction *t) {
        t->card = card_free(t->card);
        t->reader_busy =
                monitor_find_connected(t->engine->monitor, DEVICE_EMV) && ++t->reader_failures < READER_TRIES_MAX;
        if (!t->reader_busy)
                transaction_hinder(t, "reader-failed");
        transaction_prompt_for_card(t);
        transaction_tell(t, TRANSACTION_CHANGED);
}

/* Its number is all that the kind needs of it: it may be taken out. */
static void card_read(struct transaction *t, const struct message_outcome *m) {
        t->request = secret_new(sizeof(*t->request));
        if (!t->request)
                return card_failed(t);
        t->request->card = m->card;
        t->request->result = m->result;
        t->card = card_free(t->card);
        t->card_is_done = true;
        t->view.prompt = "";
        /* Without a verification by the card it is the signature that stands for the cardholder. */
        transaction_ask_signature(t, true);
        transaction_authorize(t);
}

/* A TC without the acquirer's word: at once, or because it could not be asked. */
static bool is_offline(const struct transaction *t, const struct message_outcome *m) {
        return m->outcome == EMV_OUTCOME_APPROVED && (t->host == HOST_STATE_NONE || t->host == HOST_STATE_NOT_SENT);
}

static void card_outcome(struct transaction *t, const struct message_outcome *m) {
        const char *word, *reason = "";
        int r;

        r = message_check_outcome(t->start, t->request, t->told, m, &reason);
        if (r >= 0)
                r = message_check_pin(&m->result, t->pin_prompts, &reason);
        if (r >= 0 && is_offline(t, m) && t->host == HOST_STATE_NONE)
                r = check_recall(t, &m->card, &m->result, &reason);
        if (!holds(t, r, reason))
                return card_failed(t);
        if (m->reason == EMV_REASON_READER && t->view.record.state == TRANSACTION_WAITING_CARD)
                return reader_lost(t);
        if (*m->card.pan && !can_be_masked(&m->card))
                return card_lost(t, "card-malformed");
        log_transaction_info(t->view.record.id, "chip: %s%s%s", emv_outcome_to_string(m->outcome),
                             m->reason == EMV_REASON_NONE ? "" : ", ",
                             m->reason == EMV_REASON_NONE ? "" : emv_reason_to_string(m->reason));
        note_language(t, m->card.language);
        emv_data_note(&t->view.record, &t->start->terminal, &m->card, &m->result);
        transaction_ask_signature(t, m->result.signature);
        word = word_of(t, m->reason);

        /* It gave up while the acquirer is asked. */
        if (t->host == HOST_STATE_PENDING)
                return card_lost(t, m->outcome == EMV_OUTCOME_FAILED ? word : "worker-failed");
        if (is_offline(t, m))
                return offline_conclude(t, m);
        if (t->host != HOST_STATE_NONE)
                return transaction_conclude_both(t, m->outcome == EMV_OUTCOME_APPROVED ? NULL : word);

        switch (m->outcome) {
        case EMV_OUTCOME_READ:
                return card_read(t, m);
        case EMV_OUTCOME_DECLINED:
                return transaction_conclude(t, RESULT_DECLINED, word);
        default:
                return transaction_conclude(t, streq(word, "card-timeout") ? RESULT_CANCELLED : RESULT_FAILED, word);
        }
}

/* Book 1, 12.4: the cardholder chooses, or confirms the only one. Cancel says no. */
static void card_asks_choice(struct transaction *t, const struct message_prompt *m) {
        if (chip_set_timeout(t, EMV_CHOICE_TIMEOUT_MSEC * (uint64_t) USEC_PER_MSEC) < 0)
                return card_failed(t);
        for (unsigned i = 0; i < m->n_candidates; i++)
                COPY(t->view.applications[i], m->candidates[i].name);
        t->view.n_applications = m->n_candidates;
        t->view.prompt = m->n_candidates > 1 ? "choose-application" : "confirm-application";
        transaction_tell(t, TRANSACTION_CHANGED);
}

static void card_prompt(struct transaction *t, const struct message_prompt *m) {
        note_language(t, m->language);
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
                if (++t->pin_prompts > PIN_PROMPTS_MAX || chip_set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
                        return card_failed(t);
                t->view.prompt = emv_prompt_to_string(m->prompt);
                COPY(t->view.record.message, "");
                break;
        default:
                return;
        }
        transaction_tell(t, TRANSACTION_CHANGED);
}

/* What was asked of the person is done. */
static void card_is_in(struct transaction *t) {
        t->card_is_out = false;
        t->view.prompt = "leave-card-in";
        COPY(t->view.record.message, "");
        if (chip_set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
                return card_failed(t);
        transaction_tell(t, TRANSACTION_CHANGED);
}

static void first_card(struct transaction *t) {
        struct transaction_record *record = &t->view.record;

        (void) msr_disarm(t->engine->msr);
        record->state = TRANSACTION_CARD;
        record->entry = ENTRY_CHIP;
        if (transaction_save_lazily(t, "card") < 0)
                return transaction_conclude(t, RESULT_FAILED, "storage");
        if (sd_event_add_time_relative(t->engine->config.event, &t->whole_timeout, CLOCK_BOOTTIME,
                                       CARD_WHOLE_TIMEOUT_USEC, 0, on_timeout, t) < 0)
                return card_failed(t);
        card_is_in(t);
}

/* A mute card, or one that has not stayed in, may come again. */
static void card_moved(struct transaction *t, enum emv_card card) {
        if (++t->moves > MOVES_MAX)
                return card_failed(t);
        if (card == EMV_CARD_INSERTED)
                return card_is_in(t);
        if (chip_set_timeout(t, CARD_AGAIN_TIMEOUT_USEC) < 0)
                return card_failed(t);
        if (card == EMV_CARD_REMOVED) {
                t->card_is_out = true;
                return;
        }
        transaction_hinder(t, "chip-mute");
        COPY(t->view.record.message, N_("The chip does not answer: take the card out, wipe it, insert it again."));
        t->view.prompt = "remove-card";
        transaction_tell(t, TRANSACTION_CHANGED);
}

static void card_presence(struct transaction *t, const struct message_card *m) {
        if (m->fault)
                log_transaction_notice(t->view.record.id, "the card's answer to reset is not accepted: %s",
                                       atr_fault_to_string(m->fault));
        if (t->view.record.state == TRANSACTION_WAITING_CARD)
                return first_card(t);
        card_moved(t, m->card);
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
                return state == TRANSACTION_CARD && *t->recalled == '\0';
        case MESSAGE_ONLINE_REQUEST:
                return state == TRANSACTION_CARD;
        default:
                return state != TRANSACTION_WAITING_CARD || m->outcome.outcome == EMV_OUTCOME_FAILED;
        }
}

static void card_message(struct card *card, const union message *m, void *userdata) {
        struct transaction *t = userdata;

        if (!is_in_turn(t, m)) {
                log_transaction_error(t->view.record.id, "card-worker speaks out of turn; ending it");
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

        log_transaction_error(t->view.record.id, "card-worker ended without an outcome");
        card_failed(t);
}

/* A worker of this or an earlier transaction is gone: who waits for the reader may have it. */
static void reader_free(void *userdata) {
        struct engine *e = userdata;

        /* One that could not be started quite was not counted. */
        e->workers -= e->workers > 0;
        if (e->current && e->current->reader_busy)
                transaction_devices_changed(e->current);
}

/* Hands the reader to a new worker. -ENODEV when there is none, -EBUSY while the last worker has it. */
int chip_start(struct transaction *t) {
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
        t->recalled[0] = '\0';
        if (fd < 0)
                return fd;
        r = emv_data_fill_start(t->kind, &t->view.record, t->engine->config.settings, t->engine->config.terminal,
                                t->can_choose, t->start);
        if (r < 0) {
                (void) safe_close(fd);
                return r;
        }
        t->start->offline_allowed = offline_allowed(t->engine, &t->view.record) > 0;
        if (keypad)
                t->start->terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        t->pin_prompts = 0;
        r = card_new(t->engine->config.event, t->engine->config.card_worker, t->view.record.id, fd, &listener,
                     &t->card);
        if (r < 0)
                return r;
        t->engine->workers++;
        r = card_send(t->card, t->start);
        if (r < 0)
                t->card = card_free(t->card);
        return r;
}

int transaction_choose(struct transaction *t, unsigned number) {
        struct message_choice m;

        if (t->view.n_applications == 0)
                return -EALREADY;
        if (number < 1 || number > t->view.n_applications)
                return -ERANGE;

        message_init(&m, MESSAGE_CHOICE);
        m.index = (uint8_t) (number - 1);
        chip_forget_choice(t);
        t->view.prompt = "leave-card-in";
        if (chip_set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0 || card_send(t->card, &m) < 0)
                card_failed(t);
        else
                transaction_tell(t, TRANSACTION_CHANGED);
        return 0;
}

/* Whether it is only the acquirer who is missing; what stands against the transaction itself stands. */
static bool may_approve_unasked(const struct transaction *t) {
        return t->host == HOST_STATE_NOT_SENT &&
               (streq(t->not_sent, "unreachable-host") || streq(t->not_sent, "reversal-pending"));
}

void chip_answer(struct transaction *t, const struct host_answer *answer) {
        struct message_online_answer *m;

        t->told = m = calloc(1, sizeof(*m));
        if (!m || chip_set_timeout(t, CARD_WORK_TIMEOUT_USEC) < 0)
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
                m->online = may_approve_unasked(t) ? EMV_ONLINE_NOT_SENT : EMV_ONLINE_NO_ANSWER;

        if (card_send(t->card, m) < 0)
                card_failed(t);
}
