// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/*
 * EMV against the simulated card, in one process: the card was written from the books beside the terminal,
 * and its cryptograms are computed anew here by the issuer's code over what the request says.
 */

#include "base/log.h"
#include "base/tlv.h"
#include "card/icc.h"
#include "emv-fixture.h"
#include "emv/emv.h"
#include "emv/tvr.h"
#include "issuer/issuer.h"

struct fixture {
        struct icc *icc;
        struct issuer *issuer;
        struct message_start start;
        union message message;
        struct message_outcome outcome;

        const char *card; /* of the last run */

        /* What happens. */
        enum emv_online online;
        bool approve;
        bool bad_arpc;
        const char *script; /* hex of a template */
        int remove_at;      /* number of the command at which the card is taken; -1: never */
        int corrupt_at;     /* number of the answer that is broken, and its byte */
        size_t corrupt_byte;
        uint8_t corrupt_with;

        /* What was seen. */
        int commands, after_removal, questions, choices, external_authenticates;
        int n_cryptograms, cryptogram_at[4]; /* numbers of the commands */
        uint8_t asked[4];                    /* their P1 */
        size_t cryptogram_size[4];           /* of the responses */
        struct message_online_request request;
        struct message_online_answer answer;
        bool arqc_good;
};

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        static uint8_t buffer[ICC_RESPONSE_MAX];
        struct fixture *f = userdata;
        int number = f->commands++;
        ssize_t n;

        if (f->remove_at >= 0 && number > f->remove_at)
                f->after_removal++;
        if (f->remove_at >= 0 && number >= f->remove_at)
                return -ENOMEDIUM;
        if (size > 1 && command[1] == 0x82)
                f->external_authenticates++;
        if (size > 2 && command[1] == 0xae && f->n_cryptograms < 4) {
                f->asked[f->n_cryptograms] = command[2];
                f->cryptogram_at[f->n_cryptograms++] = number;
        }

        n = icc_transmit(f->icc, command, size, buffer);
        assert_true(n >= 2 && n <= APDU_RESPONSE_MAX);
        if (f->corrupt_at == number)
                buffer[f->corrupt_byte % (size_t) n] ^= f->corrupt_with;
        memcpy(response, buffer, (size_t) n);
        *ret_size = (size_t) n;
        if (f->n_cryptograms > 0 && f->cryptogram_at[f->n_cryptograms - 1] == number)
                f->cryptogram_size[f->n_cryptograms - 1] = (size_t) n;
        return 0;
}

static int prompt(void *userdata, enum emv_prompt p, const char *language) {
        assert_non_null(emv_prompt_to_string(p));
        return 0;
}

static int choose(void *userdata, const struct message_prompt *p, struct message_choice *ret) {
        struct fixture *f = userdata;

        f->choices++;
        memcpy(&f->message, p, sizeof(*p));
        assert_int_equal(message_check(&f->message, sizeof(*p), MESSAGE_FROM_WORKER), 0);
        assert_true(p->n_candidates > 1);
        message_init(ret, MESSAGE_CHOICE);
        ret->index = 1;
        return 0;
}

static void take(const struct message_online_request *r, uint32_t tag, void *ret, size_t size) {
        struct tlv t;

        assert_int_equal(tlv_find(r->result.de55, r->result.de55_size, tag, &t), 0);
        assert_int_equal(t.size, size);
        memcpy(ret, t.value, size);
}

/* The issuer's side of the request. */
static void answer_as_issuer(struct fixture *f, struct message_online_answer *ret) {
        const struct message_online_request *r = &f->request;
        uint8_t card_key[16], session_key[16], ac[8];
        struct issuer_data data;

        take(r, 0x9f02, data.amount, 6);
        take(r, 0x9f03, data.amount_other, 6);
        take(r, 0x9f1a, data.country, 2);
        take(r, 0x95, data.tvr, 5);
        take(r, 0x5f2a, data.currency, 2);
        take(r, 0x9a, data.date, 3);
        take(r, 0x9c, &data.type, 1);
        take(r, 0x9f37, data.unpredictable, 4);
        take(r, 0x82, data.aip, 2);
        take(r, 0x9f36, data.atc, 2);
        memcpy(data.cvr, r->result.iad + 3, 4);

        assert_int_equal(
                issuer_card_key(f->issuer, r->card.pan, r->card.has_sequence ? r->card.sequence : -1, card_key), 0);
        assert_int_equal(issuer_session_key(card_key, (uint16_t) (data.atc[0] << 8 | data.atc[1]), session_key), 0);
        assert_int_equal(issuer_cryptogram(session_key, &data, sizeof(data), ac), 0);
        f->arqc_good = memcmp(ac, r->result.cryptogram, 8) == 0;

        ret->approved = f->approve;
        memcpy(ret->arc, f->approve ? "00" : "51", 2);
        ret->issuer_authentication_size = 10;
        assert_int_equal(issuer_arpc(session_key, ac, ret->arc, ret->issuer_authentication), 0);
        memcpy(ret->issuer_authentication + 8, ret->arc, 2);
        if (f->bad_arpc)
                ret->issuer_authentication[0] ^= 0x01;
        if (f->script)
                ret->scripts_size = (uint16_t) fixture_hex(f->script, ret->scripts, sizeof(ret->scripts));
}

static int online(void *userdata, const struct message_online_request *request, struct message_online_answer *ret) {
        struct fixture *f = userdata;
        const char *reason = NULL;
        int r;

        f->questions++;
        f->request = *request;
        memcpy(&f->message, request, sizeof(*request));
        r = message_check(&f->message, sizeof(*request), MESSAGE_FROM_WORKER);
        if (r >= 0)
                r = message_check_request(&f->start, request, &reason);
        message_init(ret, MESSAGE_ONLINE_ANSWER);
        ret->online = (uint8_t) f->online;
        /* tilld would end the worker here; a broken answer of the card may come to this. */
        if (r < 0) {
                assert_true(f->corrupt_at >= 0);
                return -ECANCELED;
        }
        if (f->online == EMV_ONLINE_ANSWERED && f->corrupt_at < 0)
                answer_as_issuer(f, ret);
        else if (f->online == EMV_ONLINE_ANSWERED) {
                ret->approved = f->approve;
                memcpy(ret->arc, "00", 2);
        }
        f->answer = *ret;
        return 0;
}

static const struct emv_callbacks callbacks = {
        .transmit = transmit,
        .prompt = prompt,
        .choose = choose,
        .online = online,
};

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        setenv("TILL_SIM_CARDS", "tests/sim/cards", 1);
        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &f->issuer), 0);
        fixture_start(&f->start);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        icc_free(f->icc);
        issuer_free(f->issuer);
        free(f);
        return 0;
}

/* Puts a card in and runs a sale over it. Everything seen before is forgotten. */
static void run(struct fixture *f, const char *name) {
        uint8_t atr[ICC_ATR_MAX];
        struct sim_card *card = NULL;

        f->card = name;
        f->icc = icc_free(f->icc);
        assert_int_equal(sim_card_load(name, &card), 0);
        assert_int_equal(icc_new(card, &f->icc), 0);
        assert_true(icc_power_on(f->icc, atr) > 0);
        f->commands = f->after_removal = f->questions = f->choices = f->external_authenticates = 0;
        f->arqc_good = false;
        f->n_cryptograms = 0;
        emv_run(&f->start, &callbacks, f, &f->outcome);
        /* Whatever happened, tilld can read it. */
        memcpy(&f->message, &f->outcome, sizeof(f->outcome));
        assert_int_equal(message_check(&f->message, sizeof(f->outcome), MESSAGE_FROM_WORKER), 0);
}

static void reset(struct fixture *f) {
        f->online = EMV_ONLINE_ANSWERED;
        f->approve = true;
        f->bad_arpc = false;
        f->script = NULL;
        f->remove_at = f->corrupt_at = -1;
}

static void claim(struct fixture *f) {
        const char *reason = "";
        bool asked = f->questions > 0;

        if (message_check_outcome(&f->start, asked ? &f->request : NULL, asked ? &f->answer : NULL, &f->outcome,
                                  &reason) < 0)
                fail_msg("claim refused: %s", reason);
}

static void online_approved(void **state) {
        struct fixture *f = *state;

        reset(f);
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_int_equal(f->questions, 1);
        assert_int_equal(f->external_authenticates, 1);
        assert_true(f->arqc_good);
        claim(f);

        assert_string_equal(f->request.card.pan, "6200000000000005");
        assert_string_equal(f->request.card.pan_masked, "620000******0005");
        assert_string_equal(f->request.card.expiry, "4912");
        assert_string_equal(f->request.card.track2, "6200000000000005=49122201234567890");
        assert_string_equal(f->request.card.service_code, "220");
        assert_string_equal(f->request.card.label, "UnionPay Debit");
        assert_int_equal(f->request.card.sequence, 1);
        assert_int_equal(f->request.result.cryptogram_type, 0x80);

        /* The full PAN is told once, to go online with. */
        assert_string_equal(f->outcome.card.pan, "");
        assert_string_equal(f->outcome.card.track2, "");
        assert_string_equal(f->outcome.card.pan_masked, "620000******0005");
        assert_int_equal(f->outcome.result.cryptogram_type, 0x40);
        assert_memory_equal(f->outcome.result.arc, "00", 2);
        /* Floor limit 0; enciphered online PIN is passed over for a signature. */
        assert_memory_equal(f->outcome.result.tvr, "\x00\x00\x00\x80\x00", 5);
        assert_memory_equal(f->outcome.result.tsi, "\xf8\x00", 2);
        assert_memory_equal(f->outcome.result.cvm, "\x5e\x03\x00", 3);
        assert_int_equal(f->outcome.result.signature, 1);
}

static void online_declined(void **state) {
        struct fixture *f = *state;

        reset(f);
        f->approve = false;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_ISSUER);
        assert_int_equal(f->outcome.result.cryptogram_type, 0x00);
        assert_memory_equal(f->outcome.result.arc, "51", 2);
        claim(f);
}

static void issuer_authentication_failed(void **state) {
        struct fixture *f = *state;

        reset(f);
        f->bad_arpc = true;
        run(f, "unionpay");
        assert_int_equal(f->external_authenticates, 1);
        assert_true(tvr_test(f->outcome.result.tvr, TVR_ISSUER_AUTHENTICATION_FAILED));
        claim(f);
}

static void no_answer(void **state) {
        struct fixture *f = *state;

        for (f->online = EMV_ONLINE_NOT_SENT; f->online <= EMV_ONLINE_NO_ANSWER; f->online++) {
                enum emv_online o = f->online;

                reset(f);
                f->online = o;
                run(f, "unionpay");
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
                assert_int_equal(f->outcome.reason, EMV_REASON_UNABLE_ONLINE);
                assert_memory_equal(f->outcome.result.arc, "Z3", 2);
                assert_int_equal(f->external_authenticates, 0);
                claim(f);
        }
}

/* The action codes of a terminal that may approve by itself. */
static void let_offline(struct fixture *f) {
        f->start.offline_allowed = 1;
        for (uint32_t i = 0; i < f->start.terminal.n_applications; i++) {
                struct emv_application *a = f->start.terminal.applications + i;

                memset(a->tac_online, 0, 5);
                memset(a->tac_default, 0, 5);
                a->floor_limit = 10000;
        }
}

/* What the terminal cannot authenticate, the card's own codes send online: no approval without the acquirer. */
static void offline_not_without_authentication(void **state) {
        struct fixture *f = *state;

        reset(f);
        let_offline(f);
        f->start.terminal.capabilities[2] = 0;
        run(f, "offline-approved");
        assert_int_equal(f->questions, 1);
        f->online = EMV_ONLINE_NOT_SENT;
        run(f, "offline-approved");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_UNABLE_ONLINE);
        claim(f);
}

static void offline_approved(void **state) {
        static const uint8_t methods[] = { 0x80, 0x40, 0x08, 0xc8 };
        struct fixture *f = *state;

        let_offline(f);
        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                reset(f);
                f->start.terminal.capabilities[2] = methods[i];
                run(f, "offline-approved");
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
                assert_int_equal(f->questions, 0);
                assert_memory_equal(f->outcome.result.tvr, methods[i] == 0x80 ? "\x02\0\0\0\0" : "\0\0\0\0\0", 5);
                assert_true(f->outcome.result.tsi[0] & TSI_AUTHENTICATION);
                claim(f);
        }
}

/* Longest keys, large exponents. */
static void long_keys(void **state) {
        static const uint8_t methods[] = { 0x80, 0x40, 0x08 };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                reset(f);
                f->start.terminal.capabilities[2] = methods[i];
                run(f, "long-keys");
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
                assert_int_equal(f->outcome.result.tvr[0], methods[i] == 0x80 ? 0x02 : 0);
                assert_true(f->arqc_good);
                claim(f);
        }
}

/* The response to the n-th GENERATE AC with one bit of its byte changed. */
static void break_cryptogram(struct fixture *f, int n, size_t byte) {
        f->corrupt_at = f->cryptogram_at[n];
        f->corrupt_byte = byte;
        f->corrupt_with = 0x01;
        run(f, f->card);
}

/* Book 2, 6.6.2: a signature that is wrong declines, after an ARQC by an AAC at once, and after the issuer as well. */
static void combined_fails(void **state) {
        struct fixture *f = *state;
        size_t sizes[2];

        reset(f);
        run(f, "unionpay");
        assert_int_equal(f->n_cryptograms, 2);
        assert_int_equal(f->asked[0], 0x90);
        assert_int_equal(f->asked[1], 0x50);
        memcpy(sizes, f->cryptogram_size, sizeof(sizes));

        /* Signature, counter and issuer's data of the first one. */
        for (size_t i = 0; i < 3; i++) {
                const size_t bytes[] = { sizes[0] - 3, 3 + 4 + 4, 3 + 4 + 5 + 4 };

                break_cryptogram(f, 0, bytes[i]);
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
                assert_int_equal(f->outcome.reason, EMV_REASON_AUTHENTICATION);
                assert_int_equal(f->questions, 0);
                assert_int_equal(f->n_cryptograms, 2);
                assert_int_equal(f->asked[1], 0x00);
                assert_memory_equal(f->outcome.result.arc, "Z1", 2);
                assert_int_equal(f->outcome.result.tvr[0], TVR_CDA_FAILED);
                assert_int_equal(f->outcome.result.cryptogram_type, 0x00);
                claim(f);
        }
        /* Of the second: approved by the issuer, and not by the card. */
        break_cryptogram(f, 1, sizes[1] - 3);
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_CARD_AFTER_ISSUER);
        assert_int_equal(f->questions, 1);
        assert_int_equal(f->outcome.result.tvr[0], TVR_CDA_FAILED);
        assert_false(f->outcome.result.has_cryptogram);
        claim(f);

        /* Offline, and unable to go online. */
        reset(f);
        let_offline(f);
        run(f, "offline-approved");
        assert_int_equal(f->asked[0], 0x50);
        break_cryptogram(f, 0, f->cryptogram_size[0] - 3);
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_AUTHENTICATION);
        assert_int_equal(f->n_cryptograms, 1);
        assert_memory_equal(f->outcome.result.arc, "Z1", 2);
        claim(f);
        f->corrupt_at = -1;
        f->online = EMV_ONLINE_NOT_SENT;
        /* Chosen at random, which the card's own default code lets pass. */
        f->start.random_percent = 0;
        for (uint32_t i = 0; i < f->start.terminal.n_applications; i++) {
                f->start.terminal.applications[i].target = f->start.terminal.applications[i].target_max = 99;
                memset(f->start.terminal.applications[i].tac_online, 0xff, 5);
        }
        run(f, "offline-approved");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(f->outcome.result.arc, "Y3", 2);
        assert_int_equal(f->asked[1], 0x50);
        break_cryptogram(f, 1, f->cryptogram_size[1] - 3);
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_AUTHENTICATION);
        claim(f);
}

/* A key that cannot be recovered shows before the cryptogram, which then comes without a signature. */
static void combined_without_key(void **state) {
        struct fixture *f = *state;

        reset(f);
        f->start.mode = EMV_MODE_LIVE;
        f->start.terminal.ca_keys[0].modulus[20] ^= 0x01;
        run(f, "unionpay");
        assert_int_equal(f->asked[0], 0x80);
        assert_true(tvr_test(f->request.result.tvr, TVR_CDA_FAILED));
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_int_equal(f->asked[1], 0x40);
        assert_true(f->outcome.result.tsi[0] & TSI_AUTHENTICATION);
        claim(f);
}

static void card_declines(void **state) {
        struct fixture *f = *state;

        reset(f);
        run(f, "offline-declined");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(f->outcome.reason, EMV_REASON_CARD);
        assert_int_equal(f->questions, 0);
        assert_string_not_equal(f->outcome.card.pan_masked, "");
        assert_string_equal(f->outcome.card.pan, "");
        claim(f);
}

static void expired(void **state) {
        struct fixture *f = *state;

        reset(f);
        run(f, "expired");
        assert_true(tvr_test(f->outcome.result.tvr, TVR_EXPIRED));
        claim(f);
}

static void choice(void **state) {
        struct fixture *f = *state;

        reset(f);
        f->start.can_choose = 1;
        run(f, "two-applications");
        assert_int_equal(f->choices, 1);
        assert_string_equal(f->outcome.card.label, "UnionPay Credit");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);

        f->start.can_choose = 0;
        run(f, "two-applications");
        assert_int_equal(f->choices, 0);
        assert_string_equal(f->outcome.card.label, "UnionPay Debit");
}

static void other_schemes(void **state) {
        struct fixture *f = *state;

        reset(f);
        run(f, "visa");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_true(f->arqc_good);
        run(f, "mastercard");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_true(f->arqc_good);
}

static void kinds(void **state) {
        struct fixture *f = *state;

        reset(f);
        f->start.steps = EMV_STEPS_AAC;
        f->start.transaction_type = 0x20;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_READ);
        assert_int_equal(f->outcome.result.cryptogram_type, 0x00);
        assert_string_equal(f->outcome.card.pan, "6200000000000005");
        assert_int_equal(f->questions, 0);
        claim(f);

        f->start.steps = EMV_STEPS_READ;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_READ);
        assert_int_equal(f->outcome.result.has_cryptogram, 0);
        assert_string_equal(f->outcome.card.pan, "6200000000000005");
        claim(f);
}

/* A card that no test CA has certified tells nothing in a test: its PAN stays inside. */
static void live_card(void **state) {
        struct fixture *f = *state;

        reset(f);
        /* The key is there, but as one of the real world's. */
        f->start.terminal.ca_keys[0].test = 0;
        run(f, "unionpay");
        assert_int_equal(f->outcome.reason, EMV_REASON_LIVE_CARD);
        f->start.terminal.ca_keys[0].test = 1;
        emv_terminal_drop_test_keys(&f->start.terminal);
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(f->outcome.reason, EMV_REASON_LIVE_CARD);
        assert_string_equal(f->outcome.card.pan, "");
        assert_string_equal(f->outcome.card.pan_masked, "");
        assert_int_equal(f->questions, 0);

        f->start.mode = EMV_MODE_LIVE;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
}

static const char script_71[] = "710F 9F180411223344 8606 841E00000100";
static const char script_72[] = "720F 9F180411223344 8606 841E00000100";

/* It bears no MAC, and the simulated card refuses it: a failed script shows in results and in the right bit. */
static void scripts(void **state) {
        struct fixture *f = *state;
        struct tlv t;

        reset(f);
        f->script = script_71;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_true(tvr_test(f->outcome.result.tvr, TVR_SCRIPT_FAILED_BEFORE));
        assert_int_equal(f->outcome.result.script_results_size, 5);
        assert_memory_equal(f->outcome.result.script_results, "\x11\x11\x22\x33\x44", 5);
        claim(f);

        f->script = script_72;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_false(tvr_test(f->outcome.result.tvr, TVR_SCRIPT_FAILED_BEFORE));
        assert_true(tvr_test(f->outcome.result.tvr, TVR_SCRIPT_FAILED_AFTER));
        /* The issuer recomputes the certificate over what the card saw, before that. */
        assert_int_equal(tlv_find(f->outcome.result.de55, f->outcome.result.de55_size, 0x95, &t), 0);
        assert_memory_equal(t.value, "\x00\x00\x00\x80\x00", 5);
        claim(f);
}

/* Taken at each command there is: rightly ended, and nothing is said to a card that is gone. */
static void removed_at_every_step(void **state) {
        struct fixture *f = *state;
        int commands;

        reset(f);
        run(f, "unionpay");
        commands = f->commands;
        assert_true(commands > 10);
        for (int n = 0; n < commands; n++) {
                reset(f);
                f->remove_at = n;
                run(f, "unionpay");
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_FAILED);
                assert_int_equal(f->outcome.reason, EMV_REASON_REMOVED);
                assert_int_equal(f->after_removal, 0);
                assert_int_equal(f->outcome.online, f->questions);
                claim(f);
        }

        /* Once the card has decided, a script that does not reach it changes nothing. */
        reset(f);
        f->script = script_72;
        run(f, "unionpay");
        commands = f->commands;
        f->remove_at = commands - 1;
        run(f, "unionpay");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_true(tvr_test(f->outcome.result.tvr, TVR_SCRIPT_FAILED_AFTER));
        claim(f);
}

/* Each byte of each answer broken in turn: the end is always well-formed, and an approval always covered. */
static void broken_at_every_byte(void **state) {
        struct fixture *f = *state;
        const char *reason;
        int commands, approved = 0;

        log_set_max_level(LOG_EMERG);
        reset(f);
        run(f, "unionpay");
        commands = f->commands;
        for (int n = 0; n < commands; n++)
                for (size_t byte = 0; byte < APDU_RESPONSE_MAX; byte += 1 + byte / 32)
                        for (uint8_t with = 0x01; with != 0; with = (uint8_t) (with << 7)) {
                                bool asked;

                                reset(f);
                                f->corrupt_at = n;
                                f->corrupt_byte = byte;
                                f->corrupt_with = with;
                                run(f, "unionpay");
                                asked = f->questions > 0;
                                assert_true(f->questions <= 1 && f->external_authenticates <= 1);
                                if (f->outcome.outcome != EMV_OUTCOME_APPROVED)
                                        continue;
                                approved +=
                                        message_check_outcome(&f->start, asked ? &f->request : NULL,
                                                              asked ? &f->answer : NULL, &f->outcome, &reason) >= 0;
                                assert_int_equal(f->outcome.result.cryptogram_type, 0x40);
                                assert_true(asked && f->answer.approved);
                        }
        assert_true(approved > 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(online_approved, setup, teardown),
                cmocka_unit_test_setup_teardown(online_declined, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_authentication_failed, setup, teardown),
                cmocka_unit_test_setup_teardown(no_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(offline_not_without_authentication, setup, teardown),
                cmocka_unit_test_setup_teardown(offline_approved, setup, teardown),
                cmocka_unit_test_setup_teardown(long_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(combined_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(combined_without_key, setup, teardown),
                cmocka_unit_test_setup_teardown(card_declines, setup, teardown),
                cmocka_unit_test_setup_teardown(expired, setup, teardown),
                cmocka_unit_test_setup_teardown(choice, setup, teardown),
                cmocka_unit_test_setup_teardown(other_schemes, setup, teardown),
                cmocka_unit_test_setup_teardown(kinds, setup, teardown),
                cmocka_unit_test_setup_teardown(live_card, setup, teardown),
                cmocka_unit_test_setup_teardown(scripts, setup, teardown),
                cmocka_unit_test_setup_teardown(removed_at_every_step, setup, teardown),
                cmocka_unit_test_setup_teardown(broken_at_every_byte, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv against the simulated card", tests, NULL, NULL);
}
