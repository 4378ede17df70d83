// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A worker in the hands of a card, against the real engine. Whatever it says, and when: nothing is approved that the
 * acquirer did not approve, for the amount that was asked and the card that was authorized, and what the acquirer
 * may have booked is taken back.
 */
#include "test.h"

#include <sys/mman.h>

#include "chip-fixture.h"
#include "emv/atr.h"
#include "emv/tvr.h"

#define PAN "6200000000000005"

/* ---- What the worker does ---- */

static bool is(const union message *m, enum message_type type) {
        return m->header.type == type;
}

/* "Leave the card in", before the card has told its language. */
static bool is_first_wait(const union message *m) {
        return is(m, MESSAGE_PROMPT) && m->prompt.prompt == EMV_PROMPT_READING && !*m->prompt.language;
}

/* Time passes at the terminal. */
static void worker_pass(uint32_t seconds) {
        worker.note.pass = seconds;
        worker_note();
}

static void worker_await_pass(void) {
        do {
                (void) usleep(1000);
                if (pread(WORKER_FD_READER, &worker.note, sizeof(worker.note), sizeof(worker.is)) !=
                    sizeof(worker.note))
                        _exit(10);
        } while (worker.note.pass > 0);
}

/* Longer than anything is waited for. */
#define FOR_EVER 71

static struct tlv find(struct emv_result_data *r, uint32_t tag) {
        struct tlv t;

        if (tlv_find(r->de55, r->de55_size, tag, &t) < 0)
                _exit(8);
        return t;
}

static void flip(struct emv_result_data *r, uint32_t tag) {
        struct tlv t = find(r, tag);

        ((uint8_t *) t.value)[t.size - 1] ^= 0x01;
}

static void append(struct emv_result_data *r, uint32_t tag, const void *value, size_t size) {
        size_t used = r->de55_size;

        if (tlv_append(r->de55, sizeof(r->de55), &used, tag, value, size) < 0)
                _exit(8);
        r->de55_size = (uint16_t) used;
}

/* Turns an outcome or a request into an approval with a TC, as good as it can be forged. */
static void claim_approval(union message *m) {
        static union message forged;
        struct message_outcome *o = &forged.outcome;
        bool online = is(m, MESSAGE_OUTCOME) && m->outcome.online;

        message_init(o, MESSAGE_OUTCOME);
        o->outcome = EMV_OUTCOME_APPROVED;
        o->online = online;
        o->card = is(m, MESSAGE_OUTCOME) ? m->outcome.card : m->online_request.card;
        o->result = is(m, MESSAGE_OUTCOME) ? m->outcome.result : m->online_request.result;
        o->result.cryptogram_type = AC_TC;
        *(uint8_t *) find(&o->result, TAG_CID).value = AC_TC;
        *m = forged;
}

static void wipe_card(struct emv_card_data *card) {
        memset(card->pan, 0, sizeof(card->pan));
        memset(card->expiry, 0, sizeof(card->expiry));
        memset(card->track2, 0, sizeof(card->track2));
}

static void honest(union message *m) {
}

static void approves_before_card(union message *m) {
        struct message_outcome o;

        message_init(&o, MESSAGE_OUTCOME);
        o.outcome = EMV_OUTCOME_APPROVED;
        worker_say_raw(&o, sizeof(o));
}

static void approves_offline(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                claim_approval(m);
}

/* As if the card was never put in: the stripe may still be read, and Cancel is allowed. */
static void asks_before_card(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                m->header.size = 0;
}

static void asks_twice(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                worker_say_raw(m, m->header.size);
}

static void asks_again_after_answer(union message *m) {
        static union message asked;

        if (is(m, MESSAGE_ONLINE_REQUEST))
                asked = *m;
        if (is(m, MESSAGE_OUTCOME))
                *m = asked;
}

static void approves_without_waiting(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_say_raw(m, m->header.size);
        claim_approval(m);
        m->outcome.online = 1;
        wipe_card(&m->outcome.card);
}

static void approves_at_the_end(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                claim_approval(m);
}

static void approves_with_aac(union message *m) {
        if (is(m, MESSAGE_OUTCOME)) {
                m->outcome.result.cryptogram_type = AC_AAC;
                *(uint8_t *) find(&m->outcome.result, TAG_CID).value = AC_AAC;
        }
}

static void approves_with_other_kind_in_de55(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                *(uint8_t *) find(&m->outcome.result, TAG_CID).value = AC_AAC;
}

static void denies_asking(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                m->outcome.online = 0;
}

#define FORGES_REQUEST(name, tag)                                                                                     \
        static void name(union message *m) {                                                                          \
                if (is(m, MESSAGE_ONLINE_REQUEST))                                                                    \
                        flip(&m->online_request.result, tag);                                                         \
        }
#define FORGES_OUTCOME(name, tag)                                                                                     \
        static void name(union message *m) {                                                                          \
                if (is(m, MESSAGE_OUTCOME))                                                                           \
                        flip(&m->outcome.result, tag);                                                                \
        }

FORGES_REQUEST(asks_other_amount, TAG_AMOUNT)
FORGES_REQUEST(asks_other_cash, TAG_AMOUNT_OTHER)
FORGES_REQUEST(asks_other_currency, TAG_CURRENCY)
FORGES_REQUEST(asks_other_date, TAG_DATE)
FORGES_REQUEST(asks_other_type, TAG_TRANSACTION_TYPE)
FORGES_REQUEST(asks_other_number, TAG_UNPREDICTABLE)
FORGES_REQUEST(asks_other_counter, TAG_COUNTER)
FORGES_REQUEST(asks_other_country, TAG_TERMINAL_COUNTRY)
FORGES_REQUEST(asks_other_capabilities, TAG_CAPABILITIES)
FORGES_REQUEST(asks_other_application, TAG_DF_NAME)
FORGES_REQUEST(asks_other_results, TAG_TVR)
FORGES_REQUEST(asks_other_sequence, TAG_PAN_SEQUENCE)
FORGES_OUTCOME(tells_other_amount, TAG_AMOUNT)
FORGES_OUTCOME(tells_other_currency, TAG_CURRENCY)
FORGES_OUTCOME(tells_other_date, TAG_DATE)
FORGES_OUTCOME(tells_other_type, TAG_TRANSACTION_TYPE)
FORGES_OUTCOME(tells_other_number, TAG_UNPREDICTABLE)
FORGES_OUTCOME(tells_other_application, TAG_DF_NAME)

static void asks_with_two_amounts(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                append(&m->online_request.result, TAG_AMOUNT, "\0\0\0\0\0\x01", 6);
}

static void asks_with_other_pan_in_de55(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                append(&m->online_request.result, TAG_PAN, "\x62\0\0\0\0\0\0\x13", 8);
}

/* 9F41, the last but one, is taken out. */
static void asks_without_counter(union message *m) {
        struct emv_result_data *r = &m->online_request.result;
        uint8_t *end, *at;

        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        at = (uint8_t *) find(r, TAG_COUNTER).value - 3;
        end = r->de55 + r->de55_size;
        memmove(at, at + 7, (size_t) (end - at) - 7);
        memset(end - 7, 0, 7);
        r->de55_size = (uint16_t) (r->de55_size - 7);
}

static void asks_with_other_track(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                m->online_request.card.track2[14] ^= 1;
}

static void asks_with_other_pan(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                m->online_request.card.pan[14] ^= 1;
}

static void asks_with_open_mask(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                memcpy(m->online_request.card.pan_masked, "***0000000000005", 16);
}

/* Results of a verification that was another one, the same everywhere. */
static void tell_cvm(union message *m, const char *cvm, enum tvr_bit bits, bool signature) {
        struct emv_result_data *r = &m->online_request.result;

        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        memcpy(r->cvm, cvm, sizeof(r->cvm));
        memcpy((uint8_t *) find(r, TAG_CVM_RESULTS).value, cvm, sizeof(r->cvm));
        tvr_set(r->tvr, bits);
        memcpy((uint8_t *) find(r, TAG_TVR).value, r->tvr, sizeof(r->tvr));
        r->signature = signature;
}

static void asks_with_pin_verified(union message *m) {
        tell_cvm(m, "\x01\x00\x02", 0, false);
}

static void asks_with_pin_and_signature(union message *m) {
        tell_cvm(m, "\x03\x00\x00", 0, true);
}

static void asks_with_pin_failed(union message *m) {
        tell_cvm(m, "\x01\x00\x01", TVR_CVM_FAILED, false);
}

static void asks_with_pin_not_entered(union message *m) {
        tell_cvm(m, "\x1e\x03\x00", TVR_PIN_NOT_ENTERED, true);
}

static void asks_with_online_pin(union message *m) {
        tell_cvm(m, "\x02\x00\x02", TVR_ONLINE_PIN, false);
}

static void asks_with_signature_certain(union message *m) {
        tell_cvm(m, "\x1e\x03\x02", 0, true);
}

static void asks_with_failure_hidden(union message *m) {
        tell_cvm(m, "\x3f\x00\x01", 0, false);
}

static void asks_with_failure_and_success(union message *m) {
        tell_cvm(m, "\x1f\x00\x02", TVR_CVM_FAILED, false);
}

static void asks_with_rule_for_cash(union message *m) {
        tell_cvm(m, "\x1f\x04\x02", 0, false);
}

static void asks_unverified(union message *m) {
        tell_cvm(m, "\x3f\x00\x00", 0, false);
        if (is(m, MESSAGE_ONLINE_REQUEST))
                m->online_request.result.tsi[0] &= (uint8_t) ~TSI_CARDHOLDER_VERIFICATION;
}

static void asks_with_results_of_answer(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                m->online_request.result.tsi[0] |= TSI_ISSUER_AUTHENTICATION;
}

static void asks_with_other_provider(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                m->online_request.card.aid.data[0] ^= 1;
                ((uint8_t *) find(&m->online_request.result, TAG_DF_NAME).value)[0] ^= 1;
        }
}

static void asks_with_tc(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                m->online_request.result.cryptogram_type = AC_TC;
                *(uint8_t *) find(&m->online_request.result, TAG_CID).value = AC_TC;
        }
}

/* The card is listed. */
static void recalls_other_card(union message *m) {
        if (is(m, MESSAGE_RECALL))
                m->recall.pan[14] ^= 1;
}

static void recalls_nothing(union message *m) {
        if (is(m, MESSAGE_RECALL))
                m->header.size = 0;
}

static void recalls_twice(union message *m) {
        if (is(m, MESSAGE_RECALL))
                worker_say_raw(m, m->header.size);
}

static void recalls_unasked(union message *m) {
        struct message_recall r;

        message_init(&r, MESSAGE_RECALL);
        strcpy(r.pan, PAN);
        if (is(m, MESSAGE_ONLINE_REQUEST))
                worker_say_raw(&r, sizeof(r));
}

static void tells_other_card(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                m->outcome.card.pan_masked[15] ^= 1;
}

static void tells_no_card(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                memset(m->outcome.card.pan_masked, 0, sizeof(m->outcome.card.pan_masked));
}

static void tells_other_pan(union message *m) {
        if (is(m, MESSAGE_OUTCOME)) {
                strcpy(m->outcome.card.pan, "6200001111110005");
                strcpy(m->outcome.card.expiry, "4912");
        }
}

static void tells_other_sequence(union message *m) {
        if (is(m, MESSAGE_OUTCOME)) {
                m->outcome.card.sequence ^= 1;
                flip(&m->outcome.result, TAG_PAN_SEQUENCE);
        }
}

static void takes_risk_back(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                m->outcome.result.tsi[0] &= (uint8_t) ~TSI_TERMINAL_RISK_MANAGEMENT;
}

static void tells_of_scripts(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                tvr_set(m->outcome.result.tvr, TVR_SCRIPT_FAILED_AFTER);
}

/* The card saw a TVR that the acquirer did not. */
static void tells_other_tvr(union message *m) {
        struct emv_result_data *r = &m->outcome.result;

        if (!is(m, MESSAGE_OUTCOME))
                return;
        r->tvr[TVR_EXPIRED >> 8] ^= TVR_EXPIRED & 0xff;
        memcpy((uint8_t *) find(r, TAG_TVR).value, r->tvr, sizeof(r->tvr));
}

static void tells_read(union message *m) {
        if (is(m, MESSAGE_OUTCOME)) {
                m->outcome.outcome = EMV_OUTCOME_READ;
                m->outcome.reason = EMV_REASON_NONE;
        }
}

static void declines_for_issuer(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                claim_approval(m);
                m->outcome.outcome = EMV_OUTCOME_DECLINED;
                m->outcome.reason = EMV_REASON_ISSUER;
                memset(m->outcome.card.pan, 0, sizeof(m->outcome.card.pan));
        }
}

static void tells_twice(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                worker_say_raw(m, m->header.size);
}

static void prompts_while_authorizing(union message *m) {
        struct message_prompt p;

        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_say_raw(m, m->header.size);
        message_init(&p, MESSAGE_PROMPT);
        p.prompt = EMV_PROMPT_INSERT_CARD;
        *(struct message_prompt *) m = p;
}

static void is_mute_while_authorizing(union message *m) {
        struct message_card c;

        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_say_raw(m, m->header.size);
        message_init(&c, MESSAGE_CARD);
        c.card = EMV_CARD_MUTE;
        *(struct message_card *) m = c;
}

static void floods(union message *m) {
        while (is(m, MESSAGE_ONLINE_REQUEST)) {
                struct message_prompt p;

                message_init(&p, MESSAGE_PROMPT);
                p.prompt = EMV_PROMPT_REMOVE_CARD;
                worker_say_raw(&p, sizeof(p));
                p.prompt = EMV_PROMPT_READING;
                worker_say_raw(&p, sizeof(p));
        }
}

static void offers_unasked(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        message_init(m, MESSAGE_PROMPT);
        m->prompt.prompt = EMV_PROMPT_CHOOSE_APPLICATION;
        m->prompt.n_candidates = 1;
        m->prompt.candidates[0].aid = worker.start.terminal.applications[0].aid;
        strcpy(m->prompt.candidates[0].name, "All you have");
}

static void wants_pin_without_keypad(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                message_init(m, MESSAGE_PROMPT);
                m->prompt.prompt = EMV_PROMPT_LAST_PIN;
        }
}

static void babbles(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                memset(&m->header, 0x55, 8);
}

static void speaks_another_version(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                m->header.version++;
}

static void speaks_as_tilld(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                message_init(m, MESSAGE_ONLINE_ANSWER);
                m->online_answer.online = EMV_ONLINE_ANSWERED;
                m->online_answer.approved = 1;
                memcpy(m->online_answer.arc, "00", 2);
        }
}

static void fails_to_read(union message *m) {
        message_init(m, MESSAGE_OUTCOME);
        m->outcome.outcome = EMV_OUTCOME_FAILED;
        m->outcome.reason = EMV_REASON_READER;
}

static void says_cancelled(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        message_init(m, MESSAGE_OUTCOME);
        m->outcome.outcome = EMV_OUTCOME_FAILED;
        m->outcome.reason = EMV_REASON_CANCELLED;
}

static void is_silent(union message *m) {
        worker_pass(FOR_EVER);
        for (;;)
                pause();
}

static void stops_with_card(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_pass(FOR_EVER);
        raise(SIGSTOP);
}

static void stops_at_the_end(union message *m) {
        if (!is(m, MESSAGE_OUTCOME))
                return;
        worker_pass(FOR_EVER);
        raise(SIGSTOP);
}

static void loops_with_card(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_pass(FOR_EVER);
        for (;;)
                ;
}

static void loops_at_the_end(union message *m) {
        if (!is(m, MESSAGE_OUTCOME))
                return;
        worker_pass(FOR_EVER);
        for (;;)
                ;
}

static void dies_with_card(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                raise(SIGKILL);
}

static void say_card(enum emv_card card) {
        union message m;

        message_init(&m, MESSAGE_CARD);
        m.card.card = card;
        m.card.fault = card == EMV_CARD_MUTE ? ATR_FAULT_GUARD_TIME : ATR_FAULT_NONE;
        worker_say_raw(&m, m.header.size);
}

/* A chip that is wiped for longer than the work with one takes. */
static void is_mute_for_long(union message *m) {
        if (!is_first_wait(m))
                return;
        say_card(EMV_CARD_MUTE);
        worker_pass(50);
        worker_await_pass();
        say_card(EMV_CARD_INSERTED);
}

static void is_mute_and_stays(union message *m) {
        while (is_first_wait(m)) {
                say_card(EMV_CARD_MUTE);
                worker_pass(50);
                worker_await_pass();
        }
}

static void give_up(union message *m) {
        message_init(m, MESSAGE_OUTCOME);
        m->outcome.outcome = EMV_OUTCOME_FAILED;
        m->outcome.reason = EMV_REASON_TIMEOUT;
}

static void sees_no_card(union message *m) {
        if (is(m, MESSAGE_PROMPT) && m->prompt.prompt == EMV_PROMPT_INSERT_CARD)
                give_up(m);
}

/* It is the worker that gives up on a card that has to come again. */
static void waits_again(union message *m, enum emv_card card, enum emv_reason reason) {
        if (!is_first_wait(m))
                return;
        say_card(card);
        worker_pass(worker.start.card_ms / 1000);
        worker_await_pass();
        /* A timer that is due may take sd-event's 250 ms. */
        (void) usleep(400000);
        give_up(m);
        m->outcome.reason = (uint8_t) reason;
}

static void sees_no_card_again(union message *m) {
        waits_again(m, EMV_CARD_REMOVED, EMV_REASON_TIMEOUT);
}

static void stays_mute(union message *m) {
        waits_again(m, EMV_CARD_MUTE, EMV_REASON_MUTE);
}

static void gives_up_while_authorizing(union message *m) {
        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        worker_say_raw(m, m->header.size);
        claim_approval(m);
        m->outcome.outcome = EMV_OUTCOME_FAILED;
        m->outcome.reason = EMV_REASON_TIMEOUT;
        m->outcome.online = 1;
        wipe_card(&m->outcome.card);
}

static void finds_card_silent(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST))
                give_up(m);
}

static void finds_card_silent_at_the_end(union message *m) {
        if (is(m, MESSAGE_OUTCOME)) {
                m->outcome.outcome = EMV_OUTCOME_FAILED;
                m->outcome.reason = EMV_REASON_TIMEOUT;
        }
}

static void tries_again(union message *m) {
        union message p;

        if (!is(m, MESSAGE_ONLINE_REQUEST))
                return;
        message_init(&p, MESSAGE_PROMPT);
        p.prompt.prompt = EMV_PROMPT_TRY_AGAIN;
        worker_say_raw(&p, p.header.size);
}

/* Each step in its time, and never an end. */
static void is_mute_for_hours(union message *m) {
        if (!is_first_wait(m))
                return;
        for (int i = 0; i < 14; i++) {
                say_card(EMV_CARD_MUTE);
                worker_pass(25);
                worker_await_pass();
                say_card(EMV_CARD_INSERTED);
        }
}

static void is_mute_again_and_again(union message *m) {
        if (!is_first_wait(m))
                return;
        for (unsigned i = 0; i < 20; i++) {
                say_card(EMV_CARD_MUTE);
                say_card(EMV_CARD_INSERTED);
        }
}

static void dies_while_authorizing(union message *m) {
        if (is(m, MESSAGE_ONLINE_REQUEST)) {
                worker_say_raw(m, m->header.size);
                raise(SIGKILL);
        }
}

static void dies_at_the_end(union message *m) {
        if (is(m, MESSAGE_OUTCOME))
                raise(SIGKILL);
}

/* ---- And what comes of it ---- */

/* What is sent to the acquirer and taken back again; the result, with its word. */
#define NOTHING 0
#define REQUEST 1
#define REVERSAL 2

static const struct attack {
        const char *name;
        void (*tamper)(union message *m);
        enum host_outcome host;
        const char *code;
        enum transaction_result result;
        const char *reason;
        unsigned sent;
        bool listed;
        bool beside; /* the acquirer answers when all is heard that the worker says with its question */
        bool keypad; /* the reader has one; this card does not ask for a PIN */
} attacks[] = {
#define ATTACK(tamper, host, code, result, reason, sent)                                                              \
        { #tamper, tamper, HOST_##host, code, RESULT_##result, reason, sent }
#define LISTED(tamper, result, reason, sent)                                                                          \
        { #tamper, tamper, HOST_ANSWERED, "00", RESULT_##result, reason, sent, true }
#define BESIDE(tamper, code, result, reason, sent)                                                                    \
        { #tamper, tamper, HOST_ANSWERED, code, RESULT_##result, reason, sent, false, true }
#define KEYPAD(tamper, result, reason, sent)                                                                          \
        { #tamper, tamper, HOST_ANSWERED, "00", RESULT_##result, reason, sent, false, false, true }
        ATTACK(honest, ANSWERED, "00", APPROVED, "", REQUEST),
        ATTACK(honest, ANSWERED, "51", DECLINED, "refused", REQUEST),
        ATTACK(tells_twice, ANSWERED, "00", APPROVED, "", REQUEST),
        ATTACK(is_mute_for_long, ANSWERED, "00", APPROVED, "", REQUEST),
        ATTACK(tries_again, ANSWERED, "00", APPROVED, "", REQUEST),
        ATTACK(sees_no_card, ANSWERED, "00", CANCELLED, "card-timeout", NOTHING),
        ATTACK(sees_no_card_again, ANSWERED, "00", FAILED, "card-removed", NOTHING),
        ATTACK(stays_mute, ANSWERED, "00", FAILED, "card-mute", NOTHING),
        ATTACK(finds_card_silent, ANSWERED, "00", FAILED, "card-silent", NOTHING),
        ATTACK(finds_card_silent_at_the_end, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        /* Before the acquirer. */
        ATTACK(is_mute_for_hours, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(is_mute_again_and_again, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(is_mute_and_stays, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(approves_before_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(approves_offline, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_before_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_amount, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_cash, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_currency, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_date, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_type, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_number, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_counter, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_country, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_capabilities, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_application, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_results, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_other_sequence, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_two_amounts, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_other_pan_in_de55, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_without_counter, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_other_track, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_other_pan, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_open_mask, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_pin_verified, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_pin_and_signature, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_pin_failed, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_pin_not_entered, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_online_pin, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_signature_certain, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_failure_hidden, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_failure_and_success, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_rule_for_cash, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_unverified, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_results_of_answer, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        KEYPAD(honest, APPROVED, "", REQUEST),
        KEYPAD(asks_with_pin_verified, FAILED, "worker-failed", NOTHING),
        KEYPAD(asks_with_pin_and_signature, FAILED, "worker-failed", NOTHING),
        KEYPAD(asks_with_pin_failed, FAILED, "worker-failed", NOTHING),
        KEYPAD(asks_with_pin_not_entered, FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_other_provider, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(asks_with_tc, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(recalls_other_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(recalls_nothing, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(recalls_unasked, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        LISTED(honest, APPROVED, "", REQUEST),
        LISTED(recalls_other_card, FAILED, "worker-failed", NOTHING),
        LISTED(recalls_nothing, FAILED, "worker-failed", NOTHING),
        LISTED(recalls_twice, FAILED, "worker-failed", NOTHING),
        ATTACK(declines_for_issuer, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(floods, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(offers_unasked, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(wants_pin_without_keypad, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(babbles, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(speaks_another_version, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(speaks_as_tilld, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(dies_with_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(says_cancelled, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(is_silent, ANSWERED, "00", CANCELLED, "card-timeout", NOTHING),
        ATTACK(stops_with_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        ATTACK(loops_with_card, ANSWERED, "00", FAILED, "worker-failed", NOTHING),
        /* Beside it. */
        BESIDE(asks_twice, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        BESIDE(asks_twice, "51", DECLINED, "refused", REQUEST),
        BESIDE(approves_without_waiting, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(approves_without_waiting, NO_ANSWER, "00", FAILED, "no-answer", REQUEST | REVERSAL),
        BESIDE(prompts_while_authorizing, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(is_mute_while_authorizing, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        BESIDE(gives_up_while_authorizing, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(dies_while_authorizing, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        /* After it. */
        ATTACK(asks_again_after_answer, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(approves_at_the_end, ANSWERED, "51", DECLINED, "refused", REQUEST),
        ATTACK(approves_at_the_end, NO_ANSWER, "00", FAILED, "no-answer", REQUEST | REVERSAL),
        ATTACK(approves_at_the_end, BAD_MAC, "00", FAILED, "bad-answer", REQUEST | REVERSAL),
        ATTACK(approves_at_the_end, NOT_SENT, "00", FAILED, "unreachable-host", REQUEST),
        ATTACK(approves_with_aac, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(approves_with_other_kind_in_de55, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(denies_asking, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_amount, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_currency, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_date, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_type, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_number, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_application, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_card, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_no_card, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_pan, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_sequence, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(takes_risk_back, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_of_scripts, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_other_tvr, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(tells_read, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(stops_at_the_end, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(loops_at_the_end, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
        ATTACK(dies_at_the_end, ANSWERED, "00", FAILED, "not-completed", REQUEST | REVERSAL),
};

/* No attack, and no end of the sale: the index behind them. */
#define FAILS_TO_READ ((unsigned) ELEMENTSOF(attacks))

static void tamper(union message *m) {
        if (worker.is.attack == FAILS_TO_READ)
                fails_to_read(m);
        else
                attacks[worker.is.attack].tamper(m);
}

static void run_attack(const struct attack *a) {
        const struct transaction_record *record = &chip.view.record;

        chip_list(a->listed ? CHIP_LISTED : NULL);
        chip.behaviour.attack = (unsigned) (a - attacks);
        chip.outcome = a->host;
        chip.code = a->code;
        chip.hold_until = a->beside;
        chip.keypad = a->keypad;
        chip_sale("unionpay");

        if (record->result != a->result || !streq(record->reason, a->reason))
                fail_msg("%s: %s, %s", a->name, transaction_result_to_string(record->result), record->reason);
        if (chip.requests != !!(a->sent & REQUEST) || chip.reversals != !!(a->sent & REVERSAL))
                fail_msg("%s: %d requests, %d reversals", a->name, chip.requests, chip.reversals);
        assert_int_equal(record->reversal, a->sent & REVERSAL ? REVERSAL_DONE : REVERSAL_NONE);
        assert_int_equal(record->print,
                         a->sent & REVERSAL || a->result == RESULT_APPROVED ? PRINT_QUEUED : PRINT_NONE);
        if (!chip.requests)
                return;
        assert_int_equal(chip.amount, 1234);
        assert_string_equal(chip.pan, PAN);
        assert_string_equal(record->masked_pan, "620000******0005");
        assert_string_equal(record->aid, "A000000333010101");
}

static void all_attacks(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(attacks); i++)
                run_attack(attacks + i);
        print_message("%zu attacks\n", ELEMENTSOF(attacks));
}

static void run_until_finished(void) {
        for (int i = 0; chip.finished == 0; i++) {
                assert_true(i < 3000);
                chip_run();
        }
}

static unsigned find_attack(void (*wanted)(union message *m)) {
        unsigned i = 0;

        while (attacks[i].tamper != wanted)
                i++;
        return i;
}

/* The worker has no log of its own: what is wrong with a card that is as good as mute is in tilld's. */
static void fault_is_logged(void **state) {
        int err = dup(STDERR_FILENO), file = memfd_create("log", MFD_CLOEXEC), level = log_get_max_level();
        char text[4096] = "";

        assert_true(err >= 0 && file >= 0 && dup2(file, STDERR_FILENO) >= 0);
        log_set_max_level(LOG_NOTICE);
        run_attack(attacks + find_attack(is_mute_for_long));
        log_set_max_level(level);
        assert_true(dup2(err, STDERR_FILENO) >= 0);
        assert_true(pread(file, text, sizeof(text) - 1, 0) > 0);
        close(file);
        close(err);
        assert_non_null(
                strstr(text, ": the card's answer to reset is not accepted: character waiting time is within"));
}

static void run_until_worker_is_gone(void) {
        siginfo_t si;

        for (int i = 0; waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0; i++) {
                assert_true(i < 3000);
                chip_run();
        }
}

/* An older reversal is under way when the card wants the acquirer's word, and then the card is gone. */
static void nothing_is_sent_for_a_card_that_is_gone(void **state) {
        strcpy(chip.behaviour.card, "unionpay");
        chip.behaviour.attack = find_attack(honest);
        chip.outcome = HOST_NO_ANSWER;
        chip_start_sale();
        run_until_finished();
        assert_int_equal(chip.requests, 1);
        chip.hold = true;

        chip.behaviour.attack = find_attack(dies_while_authorizing);
        chip.outcome = HOST_ANSWERED;
        chip_start_sale();
        run_until_worker_is_gone();
        assert_int_equal(chip.view.record.state, TRANSACTION_AUTHORIZING);
        chip.hold = false;
        run_until_finished();
        assert_int_equal(chip.requests, 0);
        assert_int_equal(chip.view.record.result, RESULT_FAILED);
        assert_string_equal(chip.view.record.reason, "worker-failed");
        assert_int_equal(chip.view.record.reversal, REVERSAL_NONE);
}

static unsigned n_messages;

/* What a person is told stands beside what it is about, and not beside what follows. */
static void on_message(const struct transaction_view *view) {
        const char *message = view->record.message;

        if (!*message)
                return;
        n_messages++;
        assert_int_equal(view->record.state, TRANSACTION_CARD);
        if (strstr(message, "does not answer"))
                assert_string_not_equal(view->prompt, "leave-card-in");
        else
                assert_non_null(strstr(message, "another one is tried"));
}

static void messages_go_with_what_they_say(void **state) {
        static void (*const speakers[])(union message * m) = { is_mute_for_long, tries_again };

        chip.on_change = on_message;
        for (size_t i = 0; i < ELEMENTSOF(speakers); i++) {
                n_messages = 0;
                chip.behaviour.attack = find_attack(speakers[i]);
                chip_sale("unionpay");
                assert_int_equal(chip.view.record.result, RESULT_APPROVED);
                assert_int_equal(n_messages, 1);
        }
}

/* It waits for the acquirer's word on an older reversal, and longer than it was told to. */
static void waiting_for_the_acquirer_is_not_the_card_s_fault(void **state) {
        strcpy(chip.behaviour.card, "unionpay");
        chip.behaviour.attack = find_attack(honest);
        chip.outcome = HOST_NO_ANSWER;
        chip_start_sale();
        run_until_finished();
        chip.hold = true;

        chip.behaviour.attack = find_attack(gives_up_while_authorizing);
        chip.outcome = HOST_ANSWERED;
        chip_start_sale();
        run_until_worker_is_gone();
        assert_int_equal(chip.view.record.state, TRANSACTION_AUTHORIZING);
        chip.hold = false;
        run_until_finished();
        assert_int_equal(chip.requests, 0);
        assert_int_equal(chip.view.record.result, RESULT_FAILED);
        assert_string_equal(chip.view.record.reason, "unreachable-host");
}

/* The reader is still there: it is opened anew, three times at most, and then the cashier is told. */
static void a_reader_that_fails_is_tried_again(void **state) {
        const struct transaction_view *view;

        strcpy(chip.behaviour.card, "unionpay");
        chip.behaviour.attack = FAILS_TO_READ;
        chip_start_sale();
        chip.behaviour.attack = find_attack(honest);
        chip_finish_sale();
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);

        chip.behaviour.attack = FAILS_TO_READ;
        chip_start_sale();
        view = transaction_get_view(shop.engine->current);
        for (int i = 0; *view->record.message == '\0'; i++) {
                assert_true(i < 3000);
                chip_run();
        }
        assert_string_equal(view->record.message, "The chip reader does not work. Unplug it and plug it in again.");
        assert_string_equal(view->prompt, "");
        assert_int_equal(view->record.state, TRANSACTION_WAITING_CARD);
        assert_int_equal(transaction_cancel(shop.engine->current), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(all_attacks, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(fault_is_logged, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(nothing_is_sent_for_a_card_that_is_gone, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(messages_go_with_what_they_say, chip_setup, chip_teardown),
                cmocka_unit_test_setup_teardown(waiting_for_the_acquirer_is_not_the_card_s_fault, chip_setup,
                                                chip_teardown),
                cmocka_unit_test_setup_teardown(a_reader_that_fails_is_tried_again, chip_setup, chip_teardown),
        };

        log_set_max_level(getenv("TILL_LOG_LEVEL") ? LOG_DEBUG : LOG_EMERG);
        if (streq(argv[0], "card-worker"))
                return be_worker(tamper);
        return cmocka_run_group_tests_name("transaction-hostile", tests, NULL, NULL);
}
