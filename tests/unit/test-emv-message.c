// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <openssl/sha.h>

/* What tilld believes: the form of messages, the claims in them, and the EMV data that are shipped. */

#include "base/log.h"
#include "base/tlv.h"
#include "emv-fixture.h"
#include "emv/atr.h"
#include "emv/message.h"
#include "emv/tvr.h"

struct fixture {
        struct message_start start;
        struct message_online_request request;
        struct message_online_answer answer;
        struct message_outcome outcome;
        union message m;
};

static void add(struct emv_result_data *r, uint32_t tag, const char *hex) {
        uint8_t value[64];
        size_t n = fixture_hex(hex, value, sizeof(value)), used = r->de55_size;

        assert_int_equal(tlv_append(r->de55, sizeof(r->de55), &used, tag, value, n), 0);
        r->de55_size = (uint16_t) used;
}

/* Puts another last byte into an object of DE55. */
static void set(struct emv_result_data *r, uint32_t tag, uint8_t byte) {
        struct tlv t;

        assert_int_equal(tlv_find(r->de55, r->de55_size, tag, &t), 0);
        ((uint8_t *) t.value)[t.size - 1] = byte;
}

/* A sale of 12.34 as an honest worker tells it. */
static void fill(struct fixture *f) {
        struct emv_card_data *c = &f->request.card;
        struct emv_result_data *r = &f->request.result;

        fixture_start(&f->start);
        message_init(&f->request, MESSAGE_ONLINE_REQUEST);
        strcpy(c->pan, "6200000000000005");
        strcpy(c->pan_masked, "620000******0005");
        strcpy(c->expiry, "4912");
        strcpy(c->track2, "6200000000000005=49122201234567890");
        strcpy(c->service_code, "220");
        c->has_sequence = c->sequence = 1;
        c->aid = f->start.terminal.applications[0].aid;
        strcpy(c->label, "UnionPay Debit");

        memcpy(r->tvr, "\x80\x00\x00\x80\x00", 5);
        r->tsi[0] = TSI_CARDHOLDER_VERIFICATION | TSI_CARD_RISK_MANAGEMENT | TSI_TERMINAL_RISK_MANAGEMENT;
        memcpy(r->cvm, "\x1e\x03\x00", 3);
        r->signature = 1;
        r->has_cryptogram = 1;
        r->cryptogram_type = 0x80;
        memcpy(r->cryptogram, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
        memcpy(r->atc, "\x00\x07", 2);
        memcpy(r->aip, "\x7d\x00", 2);
        add(r, 0x9f26, "1122334455667788");
        add(r, 0x9f27, "80");
        add(r, 0x9f37, "A1B2C3D4");
        add(r, 0x9f36, "0007");
        add(r, 0x95, "8000008000");
        add(r, 0x9a, "261121");
        add(r, 0x9c, "00");
        add(r, 0x9f02, "000000001234");
        add(r, 0x5f2a, "0156");
        add(r, 0x82, "7D00");
        add(r, 0x9f1a, "0156");
        add(r, 0x9f03, "000000000000");
        add(r, 0x9f33, "6028C8");
        add(r, 0x9f34, "1E0300");
        add(r, 0x9f35, "22");
        add(r, 0x84, "A000000333010101");
        add(r, 0x9f41, "00000042");
        add(r, 0x9f1e, "54494C4C44303031");
        add(r, 0x9f09, "0030");
        add(r, 0x5f34, "01");

        message_init(&f->answer, MESSAGE_ONLINE_ANSWER);
        f->answer.online = EMV_ONLINE_ANSWERED;
        f->answer.approved = 1;
        memcpy(f->answer.arc, "00", 2);

        message_init(&f->outcome, MESSAGE_OUTCOME);
        f->outcome.outcome = EMV_OUTCOME_APPROVED;
        f->outcome.online = 1;
        f->outcome.card = *c;
        memset(f->outcome.card.pan, 0, sizeof(f->outcome.card.pan));
        memset(f->outcome.card.track2, 0, sizeof(f->outcome.card.track2));
        memset(f->outcome.card.expiry, 0, sizeof(f->outcome.card.expiry));
        f->outcome.result = *r;
        f->outcome.result.cryptogram_type = 0x40;
        set(&f->outcome.result, 0x9f27, 0x40);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        fill(f);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        free(*state);
        return 0;
}

static int check(struct fixture *f, const void *message, size_t size, enum message_side from) {
        memset(&f->m, 0, sizeof(f->m));
        memcpy(&f->m, message, size);
        return message_check(&f->m, size, from);
}

static void good_form(void **state) {
        struct fixture *f = *state;

        assert_int_equal(check(f, &f->start, sizeof(f->start), MESSAGE_FROM_TILLD), 0);
        assert_int_equal(check(f, &f->answer, sizeof(f->answer), MESSAGE_FROM_TILLD), 0);
        assert_int_equal(check(f, &f->request, sizeof(f->request), MESSAGE_FROM_WORKER), 0);
        assert_int_equal(check(f, &f->outcome, sizeof(f->outcome), MESSAGE_FROM_WORKER), 0);
}

/* Each changes one thing and has to be seen. */
#define REFUSED(f, what, side, change)                                                                                \
        ({                                                                                                            \
                fill(f);                                                                                              \
                change;                                                                                               \
                if (check((f), &(f)->what, sizeof((f)->what), MESSAGE_FROM_##side) >= 0)                              \
                        fail_msg("believed: %s", #change);                                                            \
        })

static void bad_form(void **state) {
        struct fixture *f = *state;

        REFUSED(f, request, TILLD, (void) 0);
        REFUSED(f, start, WORKER, (void) 0);
        REFUSED(f, request, WORKER, f->request.header.magic ^= 1);
        REFUSED(f, request, WORKER, f->request.header.version++);
        REFUSED(f, request, WORKER, f->request.header.size--);
        REFUSED(f, request, WORKER, f->request.header.type = 99);
        REFUSED(f, request, WORKER, f->request.header.type = MESSAGE_OUTCOME);
        REFUSED(f, request, WORKER, f->request.header.__reserved = 1);
        REFUSED(f, request, WORKER, memset(f->request.card.pan, '1', sizeof(f->request.card.pan)));
        REFUSED(f, request, WORKER, f->request.card.pan[3] = 'A');
        REFUSED(f, request, WORKER, f->request.card.pan[18] = '1');
        REFUSED(f, request, WORKER, strcpy(f->request.card.pan_masked, "6200000000000005"));
        REFUSED(f, request, WORKER, strcpy(f->request.card.pan_masked, "6200000*****0005"));
        REFUSED(f, request, WORKER, f->request.card.track2[5] = '=');
        REFUSED(f, request, WORKER, f->request.card.track2[5] = ';');
        REFUSED(f, request, WORKER, f->request.card.label[0] = '\n');
        REFUSED(f, request, WORKER, f->request.card.label[0] = (char) 0xe4);
        REFUSED(f, request, WORKER, strcpy(f->request.card.language, "zhe"));
        REFUSED(f, request, WORKER, strcpy(f->request.card.language, "ZH"));
        REFUSED(f, request, WORKER, memset(f->request.card.language, 'a', sizeof(f->request.card.language)));
        REFUSED(f, request, WORKER, f->request.card.aid.size = 17);
        REFUSED(f, request, WORKER, f->request.card.aid.size = 4);
        REFUSED(f, request, WORKER, f->request.card.sequence = 100);
        REFUSED(f, request, WORKER, f->request.card.has_sequence = 2);
        REFUSED(f, request, WORKER, f->request.result.iad_size = 33);
        REFUSED(f, request, WORKER, f->request.result.iad[3] = 1);
        REFUSED(f, request, WORKER, f->request.result.de55_size = 256);
        REFUSED(f, request, WORKER, f->request.result.de55_size--);
        REFUSED(f, request, WORKER, f->request.result.has_cryptogram = 0);
        REFUSED(f, request, WORKER, f->request.result.script_results_size = 21);
        REFUSED(f, request, WORKER, f->request.result.cryptogram_type = 0x81);
        REFUSED(f, outcome, WORKER, f->outcome.outcome = 0);
        REFUSED(f, outcome, WORKER, f->outcome.outcome = 5);
        REFUSED(f, outcome, WORKER, f->outcome.reason = EMV_REASON_LAST + 1);
        REFUSED(f, outcome, WORKER, f->outcome.reason = EMV_REASON_ISSUER);
        REFUSED(f, outcome, WORKER, f->outcome.reason = EMV_REASON_NOT_ACCEPTED);
        REFUSED(f, outcome, WORKER, f->outcome.outcome = EMV_OUTCOME_FAILED);
        REFUSED(f, outcome, WORKER, f->outcome.outcome = EMV_OUTCOME_DECLINED);
        REFUSED(f, answer, TILLD, f->answer.online = 4);
        REFUSED(f, answer, TILLD, f->answer.arc[1] = 0);
        REFUSED(f, answer, TILLD, f->answer.online = EMV_ONLINE_NO_ANSWER);
        REFUSED(f, answer, TILLD, f->answer.issuer_authentication_size = 17);
        REFUSED(f, answer, TILLD, f->answer.issuer_authentication[0] = 1);
        REFUSED(f, answer, TILLD, f->answer.scripts_size = sizeof(f->answer.scripts) + 1);
        REFUSED(f, start, TILLD, f->start.mode = 0);
        REFUSED(f, start, TILLD, f->start.steps = 5);
        REFUSED(f, start, TILLD, f->start.date[1] = 0x13);
        REFUSED(f, start, TILLD, f->start.amount = UINT64_C(1000000000000));
        REFUSED(f, start, TILLD, f->start.amount_other = f->start.amount + 1);
        REFUSED(f, start, TILLD, f->start.random_percent = 100);
        REFUSED(f, start, TILLD, f->start.terminal.n_applications = EMV_APPLICATIONS_MAX + 1);
        REFUSED(f, start, TILLD, f->start.terminal.n_ca_keys = EMV_CA_KEYS_MAX + 1);
        REFUSED(f, start, TILLD, f->start.terminal.applications[0].aid.size = 0);

        for (size_t size = 0; size < sizeof(f->request); size += 7) {
                fill(f);
                assert_true(check(f, &f->request, size, MESSAGE_FROM_WORKER) < 0);
        }
}

/* The small ones: prompts, choices, what the reader sees of the card, and an answer that there is none. */
static void small_messages(void **state) {
        struct fixture *f = *state;
        struct message_prompt prompt, other;
        struct message_choice choice;
        struct message_card card;
        struct message_recall recall;
        struct message_memory memory;

#define PROMPT_REFUSED(change)                                                                                        \
        ({                                                                                                            \
                prompt = other;                                                                                       \
                change;                                                                                               \
                if (check(f, &prompt, sizeof(prompt), MESSAGE_FROM_WORKER) >= 0)                                      \
                        fail_msg("believed: %s", #change);                                                            \
        })
        message_init(&other, MESSAGE_PROMPT);
        other.prompt = EMV_PROMPT_CHOOSE_APPLICATION;
        other.n_candidates = 2;
        for (unsigned i = 0; i < 2; i++) {
                other.candidates[i].aid = f->start.terminal.applications[0].aid;
                strcpy(other.candidates[i].name, "UnionPay");
        }
        strcpy(other.language, "zhen");
        assert_int_equal(check(f, &other, sizeof(other), MESSAGE_FROM_WORKER), 0);
        PROMPT_REFUSED(prompt.prompt = 0);
        PROMPT_REFUSED(prompt.prompt = EMV_PROMPT_READING);
        PROMPT_REFUSED(prompt.n_candidates = 0);
        PROMPT_REFUSED(prompt.n_candidates = 1);
        PROMPT_REFUSED(prompt.n_candidates = EMV_CANDIDATES_MAX + 1);
        PROMPT_REFUSED(prompt.candidates[1].aid.size = 0);
        PROMPT_REFUSED(prompt.candidates[0].name[0] = 0x1b);
        PROMPT_REFUSED(prompt.candidates[2].name[0] = 'x');
        PROMPT_REFUSED(strcpy(prompt.language, "zh-n"));
        message_init(&other, MESSAGE_PROMPT);
        other.prompt = EMV_PROMPT_READING;
        assert_int_equal(check(f, &other, sizeof(other), MESSAGE_FROM_WORKER), 0);
        PROMPT_REFUSED(prompt.prompt = EMV_PROMPT_CHOOSE_APPLICATION);
        PROMPT_REFUSED(strcpy(prompt.language, "z"));
        strcpy(other.language, "zh");
        assert_int_equal(check(f, &other, sizeof(other), MESSAGE_FROM_WORKER), 0);
        /* No card has told one yet. */
        PROMPT_REFUSED(prompt.prompt = EMV_PROMPT_INSERT_CARD);
        PROMPT_REFUSED(prompt.prompt = EMV_PROMPT_REMOVE_CARD);
        PROMPT_REFUSED(prompt.candidates[0].aid.size = 5);

        message_init(&choice, MESSAGE_CHOICE);
        choice.index = EMV_CANDIDATES_MAX - 1;
        assert_int_equal(check(f, &choice, sizeof(choice), MESSAGE_FROM_TILLD), 0);
        choice.index++;
        assert_int_equal(check(f, &choice, sizeof(choice), MESSAGE_FROM_TILLD), -EBADMSG);
        choice.index = 0;
        choice.cancelled = 2;
        assert_int_equal(check(f, &choice, sizeof(choice), MESSAGE_FROM_TILLD), -EBADMSG);

        message_init(&card, MESSAGE_CARD);
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), -EBADMSG);
        card.card = EMV_CARD_REMOVED;
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), 0);
        card.fault = ATR_FAULT_MALFORMED;
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), -EBADMSG);
        card.card = EMV_CARD_MUTE;
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), 0);
        card.fault = ATR_FAULT_LAST + 1;
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), -EBADMSG);
        card.fault = ATR_FAULT_NONE;
        card.card = EMV_CARD_REMOVED + 1;
        assert_int_equal(check(f, &card, sizeof(card), MESSAGE_FROM_WORKER), -EBADMSG);

        message_init(&recall, MESSAGE_RECALL);
        assert_int_equal(check(f, &recall, sizeof(recall), MESSAGE_FROM_WORKER), -EBADMSG);
        strcpy(recall.pan, "6200000");
        assert_int_equal(check(f, &recall, sizeof(recall), MESSAGE_FROM_WORKER), -EBADMSG);
        strcpy(recall.pan, "62000000");
        assert_int_equal(check(f, &recall, sizeof(recall), MESSAGE_FROM_WORKER), 0);
        recall.pan[3] = '=';
        assert_int_equal(check(f, &recall, sizeof(recall), MESSAGE_FROM_WORKER), -EBADMSG);
        memset(recall.pan, '6', sizeof(recall.pan));
        assert_int_equal(check(f, &recall, sizeof(recall), MESSAGE_FROM_WORKER), -EBADMSG);
        message_init(&memory, MESSAGE_MEMORY);
        memory.earlier = UINT64_MAX;
        assert_int_equal(check(f, &memory, sizeof(memory), MESSAGE_FROM_TILLD), 0);
        memory.exception = 2;
        assert_int_equal(check(f, &memory, sizeof(memory), MESSAGE_FROM_TILLD), -EBADMSG);

        message_init(&f->answer, MESSAGE_ONLINE_ANSWER);
        f->answer.online = EMV_ONLINE_NOT_SENT;
        assert_int_equal(check(f, &f->answer, sizeof(f->answer), MESSAGE_FROM_TILLD), 0);
        f->answer.approved = 1;
        assert_int_equal(check(f, &f->answer, sizeof(f->answer), MESSAGE_FROM_TILLD), -EBADMSG);
        message_wipe(&f->m);
        for (size_t i = 0; i < sizeof(f->m); i++)
                assert_int_equal(((const uint8_t *) &f->m)[i], 0);
}

/* Whatever bytes come, there is an answer. */
static void any_bytes(void **state) {
        struct fixture *f = *state;
        uint32_t x = 1;

        for (unsigned i = 0; i < 200000; i++) {
                uint8_t *p = (uint8_t *) &f->m;
                size_t at;

                if (i % 64 == 0) {
                        memset(&f->m, 0, sizeof(f->m));
                        memcpy(&f->m, i % 128 ? (void *) &f->request : (void *) &f->outcome,
                               i % 128 ? sizeof(f->request) : sizeof(f->outcome));
                }
                x = x * 1664525 + 1013904223;
                at = sizeof(f->m.header) + (x >> 8) % (sizeof(f->request) - sizeof(f->m.header));
                p[at] = (uint8_t) (x >> 24);
                if (message_check(&f->m, f->m.header.size, MESSAGE_FROM_WORKER) >= 0) {
                        const char *reason = NULL;

                        if (f->m.header.type == MESSAGE_ONLINE_REQUEST)
                                (void) message_check_request(&f->start, &f->m.online_request, &reason);
                        else
                                (void) message_check_outcome(&f->start, &f->request, &f->answer, &f->m.outcome,
                                                             &reason);
                }
        }
}

static int claim(struct fixture *f, const char **ret_reason) {
        int r;

        *ret_reason = NULL;
        r = message_check_request(&f->start, &f->request, ret_reason);
        if (r < 0)
                return r;
        return message_check_outcome(&f->start, &f->request, &f->answer, &f->outcome, ret_reason);
}

#define LIE(f, text, change)                                                                                          \
        ({                                                                                                            \
                const char *_reason;                                                                                  \
                                                                                                                      \
                fill(f);                                                                                              \
                change;                                                                                               \
                assert_int_equal(claim((f), &_reason), -EBADMSG);                                                     \
                if (strcmp(_reason, text) != 0)                                                                       \
                        fail_msg("%s: %s", #change, _reason);                                                         \
        })

/* Changes a byte of an object's value in DE55. */
static void forge(struct emv_result_data *r, uint32_t tag) {
        struct tlv t;

        assert_int_equal(tlv_find(r->de55, r->de55_size, tag, &t), 0);
        ((uint8_t *) t.value)[t.size - 1] ^= 0x01;
}

/* An object of a one-byte tag that is not there. */
static void leave_out(struct emv_result_data *r, uint32_t tag) {
        uint8_t *end = r->de55 + r->de55_size, *from, *to;
        struct tlv t;

        assert_int_equal(tlv_find(r->de55, r->de55_size, tag, &t), 0);
        to = (uint8_t *) t.value - 2;
        from = (uint8_t *) t.value + t.size;
        memmove(to, from, (size_t) (end - from));
        memset(end - (from - to), 0, (size_t) (from - to));
        r->de55_size = (uint16_t) (r->de55_size - (from - to));
}

/* As a worker tells CVM results. */
static void tell_cvm(struct emv_result_data *r, const char *cvm, bool signature) {
        uint8_t *results = memmem(r->de55, r->de55_size, "\x9f\x34\x03", 3);

        fixture_hex(cvm, r->cvm, 3);
        memcpy(results + 3, r->cvm, 3);
        r->signature = signature;
}

/* As a worker sets, or takes back, bits of the TVR, which the card saw so. */
static void tell_tvr(struct emv_result_data *r, enum tvr_bit bits, bool on) {
        struct tlv t;

        assert_int_equal(tlv_find(r->de55, r->de55_size, 0x95, &t), 0);
        r->tvr[bits >> 8] = (uint8_t) (on ? r->tvr[bits >> 8] | (bits & 0xff) : r->tvr[bits >> 8] & ~(bits & 0xff));
        memcpy((uint8_t *) t.value, r->tvr, EMV_TVR_SIZE);
}

static void tell_aip(struct emv_result_data *r) {
        forge(r, 0x82);
        r->aip[1] ^= 0x01;
}

static void honest(void **state) {
        struct fixture *f = *state;
        const char *reason;

        assert_int_equal(claim(f, &reason), 0);

        /* The acquirer's 91 was wrong, and a script failed behind the last cryptogram. */
        f->answer.issuer_authentication_size = 8;
        f->answer.scripts_size = 2;
        memcpy(f->answer.scripts, "\x72", 2);
        f->outcome.result.tvr[4] |= 0x50;
        f->outcome.result.tsi[0] |= TSI_ISSUER_AUTHENTICATION | TSI_SCRIPT;
        assert_int_equal(claim(f, &reason), 0);
        /* Without track 2 there is nothing to compare. */
        f->request.card.track2[0] = '\0';
        assert_int_equal(claim(f, &reason), 0);
}

#define FOLLOWS "outcome does not follow from the request"

static void lies(void **state) {
        struct fixture *f = *state;

        LIE(f, "amount is not the one issued", forge(&f->request.result, 0x9f02));
        LIE(f, "amount is not the one issued", f->start.amount++);
        LIE(f, "amount is not the one issued", forge(&f->request.result, 0x9f03));
        LIE(f, "currency is not the one issued", forge(&f->request.result, 0x5f2a));
        LIE(f, "date is not the one issued", forge(&f->request.result, 0x9a));
        LIE(f, "transaction type is not the one issued", forge(&f->request.result, 0x9c));
        LIE(f, "unpredictable number is not the one issued", forge(&f->request.result, 0x9f37));
        LIE(f, "unpredictable number is not the one issued", forge(&f->outcome.result, 0x9f37));
        LIE(f, "sequence counter is not the one issued", forge(&f->request.result, 0x9f41));
        LIE(f, "terminal is not the one issued", forge(&f->request.result, 0x9f33));
        LIE(f, "terminal is not the one issued", forge(&f->request.result, 0x9f1a));
        LIE(f, "terminal is not the one issued", forge(&f->request.result, 0x9f35));
        LIE(f, "DE55 is of another application", forge(&f->request.result, 0x84));
        LIE(f, "DE55 is of another application", forge(&f->request.result, 0x9f09));
        LIE(f, "DE55 is of another application", f->start.terminal.applications[0].versions[0][1]++);
        LIE(f, "DE55 differs from the results", forge(&f->request.result, 0x95));
        LIE(f, "DE55 differs from the results", leave_out(&f->request.result, 0x95));
        LIE(f, "DE55 differs from the results", forge(&f->request.result, 0x9f34));
        LIE(f, "DE55 differs from the results", forge(&f->request.result, 0x9f26));
        LIE(f, "DE55 differs from the results", forge(&f->request.result, 0x82));
        LIE(f, "DE55 differs from the results", set(&f->request.result, 0x9f27, 0x40));
        LIE(f, "DE55 differs from the results", add(&f->request.result, 0x9f10, "07010103A02000"));
        LIE(f, "terminal is not the one issued", forge(&f->request.result, 0x9f1e));
        LIE(f, "DE55 is of another card", forge(&f->request.result, 0x5f34));
        LIE(f, "DE55 is of another card", f->request.card.sequence++);
        LIE(f, "DE55 is malformed", add(&f->request.result, 0x5a, "6200000000000013"));
        LIE(f, "DE55 is malformed", add(&f->request.result, 0x57, "6200000000000013D4912220"));
        LIE(f, "DE55 is malformed", add(&f->request.result, 0x9f02, "000000000001"));
        LIE(f, "PAN and track 2 are of different cards", f->request.card.pan[8] = '1');
        LIE(f, "PAN and track 2 are of different cards", f->request.card.track2[8] = '1');
        LIE(f, "PAN and track 2 are of different cards", f->request.card.expiry[3] = '1');
        LIE(f, "PAN and track 2 are of different cards", f->request.card.pan_masked[15] = '6');
        LIE(f, "PAN or expiry is malformed", f->request.card.expiry[0] = '\0');
        LIE(f, "application is not one of the terminal's", f->request.card.aid.data[4] ^= 1);
        LIE(f, "cardholder verification is not possible here", memcpy(f->request.result.cvm, "\x01\x00\x02", 3));
        LIE(f, "cardholder verification is not possible here", memcpy(f->request.result.cvm, "\x02\x00\x02", 3));
        LIE(f, "cardholder verification is not possible here", memcpy(f->request.result.cvm, "\x03\x00\x00", 3));
        LIE(f, "cardholder verification is not possible here", f->request.result.signature = 0);
        LIE(f, "card data are missing", f->request.card.pan[0] = '\0');
        LIE(f, "cryptogram is no request", f->request.result.cryptogram_type = 0x40);
        LIE(f, "no online decision belongs to this kind", f->start.steps = EMV_STEPS_READ);

        LIE(f, "outcome and request disagree", f->outcome.online = 0);
        LIE(f, "outcome and request are of different cards", f->outcome.card.pan_masked[15] = '6');
        LIE(f, "outcome and request are of different cards", f->outcome.card.aid.data[7] = 2);
        LIE(f, "outcome and request are of different cards", f->outcome.card.pan_masked[0] = '\0');
        LIE(f, "outcome and request are of different cards", f->outcome.card.sequence = 2);
        LIE(f, "outcome and request are of different cards", strcpy(f->outcome.card.pan, "6200001111110005"));
        LIE(f, "PAN and track 2 are of different cards", strcpy(f->request.card.pan_masked, "***********00005"));
        LIE(f, "outcome and request verify the cardholder in different ways",
            tell_cvm(&f->outcome.result, "1F0002", false));
        LIE(f, "outcome and request verify the cardholder in different ways", tell_aip(&f->outcome.result));
        LIE(f, FOLLOWS, tell_tvr(&f->outcome.result, TVR_FLOOR_LIMIT, false));
        LIE(f, FOLLOWS, tell_tvr(&f->outcome.result, TVR_EXPIRED, true));
        LIE(f, FOLLOWS, tell_tvr(&f->outcome.result, TVR_ISSUER_AUTHENTICATION_FAILED, true));
        LIE(f, FOLLOWS, tell_tvr(&f->outcome.result, TVR_SCRIPT_FAILED_AFTER, true));
        LIE(f, FOLLOWS, f->outcome.result.tsi[0] &= (uint8_t) ~TSI_TERMINAL_RISK_MANAGEMENT);
        LIE(f, FOLLOWS, f->outcome.result.tsi[0] |= TSI_AUTHENTICATION);
        LIE(f, FOLLOWS, f->outcome.result.tsi[0] |= TSI_ISSUER_AUTHENTICATION);
        LIE(f, FOLLOWS, f->outcome.result.tsi[0] |= TSI_SCRIPT);
        LIE(f, FOLLOWS, f->outcome.result.tsi[1] = 1);
        LIE(f, "outcome and request verify the cardholder in different ways", ({
                    /* Declined, for which no cryptogram is needed. */
                    f->outcome.outcome = EMV_OUTCOME_DECLINED;
                    f->outcome.reason = EMV_REASON_AUTHENTICATION;
                    f->outcome.result.has_cryptogram = 0;
                    f->outcome.result.cvm[0] = 0x1f;
            }));
        LIE(f, "results of an answer before it", tell_tvr(&f->request.result, TVR_ISSUER_AUTHENTICATION_FAILED, true));
        LIE(f, "results of an answer before it", f->request.result.tsi[0] |= TSI_SCRIPT);
        LIE(f, "cryptogram of no application", f->request.card.aid = (struct emv_aid){});
        LIE(f, "approved without a transaction certificate", f->outcome.result.cryptogram_type = 0x00);
        LIE(f, "approved without the acquirer's approval", f->answer.approved = 0);
        LIE(f, "approved without the acquirer's approval", f->answer.online = EMV_ONLINE_NO_ANSWER);
        LIE(f, "approved offline where that is not allowed", f->answer.online = EMV_ONLINE_NOT_SENT);
        LIE(f, "this kind needs a decision of the card", f->outcome.outcome = EMV_OUTCOME_READ);
}

/* Two scripts before and one after; in between something else. */
static void with_scripts(struct fixture *f, const char *results, uint8_t tvr) {
        uint8_t text[EMV_SCRIPTS_MAX];
        struct emv_result_data *r = &f->outcome.result;

        f->answer.scripts_size = (uint16_t) fixture_hex("710D 9F180411223344 860484240000"
                                                        "720D 9F180455667788 860484240000"
                                                        "9102 0000"
                                                        "7106 860484240000",
                                                        text, sizeof(text));
        memcpy(f->answer.scripts, text, f->answer.scripts_size);
        r->script_results_size = (uint8_t) fixture_hex(results, r->script_results, sizeof(r->script_results));
        r->tvr[4] |= tvr;
        r->tsi[0] |= TSI_SCRIPT;
}

/* 9F5B is of what the acquirer sent, in the order in which it was run. */
static void script_claims(void **state) {
        static const struct {
                const char *results;
                uint8_t tvr;
        } honest_ones[] = {
                { "201122334420000000002055667788", 0 },
                { "2011223344", 0 },
                { "11112233442000000000", TVR_SCRIPT_FAILED_BEFORE & 0xff },
                { "201122334400000000001F55667788", (TVR_SCRIPT_FAILED_BEFORE | TVR_SCRIPT_FAILED_AFTER) & 0xff },
        };
        static const char reason_text[] = "script results are not of the acquirer's scripts";
        const uint8_t both = (TVR_SCRIPT_FAILED_BEFORE | TVR_SCRIPT_FAILED_AFTER) & 0xff;
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(honest_ones); i++) {
                const char *reason = NULL;

                fill(f);
                with_scripts(f, honest_ones[i].results, honest_ones[i].tvr);
                assert_int_equal(check(f, &f->outcome, sizeof(f->outcome), MESSAGE_FROM_WORKER), 0);
                if (claim(f, &reason) < 0)
                        fail_msg("%s: %s", honest_ones[i].results, reason);
        }
        LIE(f, reason_text, with_scripts(f, "2055667788", 0));
        LIE(f, reason_text, with_scripts(f, "201122334420556677882000000000", 0));
        LIE(f, reason_text, with_scripts(f, "2011223344200000000020556677882000000000", 0));
        LIE(f, reason_text, with_scripts(f, "1011223344", both));
        LIE(f, reason_text, with_scripts(f, "2111223344", both));
        LIE(f, reason_text, with_scripts(f, "3011223344", both));
        LIE(f, reason_text, with_scripts(f, "0111223344", both));
        LIE(f, reason_text, with_scripts(f, "1111223344", 0));
        LIE(f, reason_text, with_scripts(f, "0011223344", TVR_SCRIPT_FAILED_AFTER & 0xff));
        LIE(f, reason_text, ({
                    with_scripts(f, "2011223344", 0);
                    f->outcome.result.tsi[0] = 0;
            }));
        LIE(f, reason_text, ({
                    with_scripts(f, "2011223344", 0);
                    f->answer.scripts_size = 0;
            }));
        LIE(f, "results of an answer before it", f->request.result.script_results_size = 5);
}

/* START says that the reader has a keypad, and the worker how a PIN went there. */
static void tell_pin(struct emv_result_data *r, const char *cvm, bool signature) {
        uint8_t *capabilities = memmem(r->de55, r->de55_size, "\x9f\x33\x03", 3);

        tell_cvm(r, cvm, signature);
        capabilities[4] |= EMV_CAPABILITY_PLAINTEXT_PIN;
}

static void with_keypad(struct fixture *f, const char *cvm, bool signature, enum tvr_bit bits) {
        f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        tell_pin(&f->request.result, cvm, signature);
        tell_tvr(&f->request.result, bits, true);
        tell_pin(&f->outcome.result, cvm, signature);
        tell_tvr(&f->outcome.result, bits, true);
}

#define CVM_IMPOSSIBLE "cardholder verification is not possible here"

static void keypad_claims(void **state) {
        static const struct {
                const char *cvm;
                bool signature;
                enum tvr_bit bits;
        } honest_ones[] = {
                { "410302", false, TVR_PIN_PAD_ABSENT },
                { "010001", false, TVR_CVM_FAILED | TVR_PIN_TRIES_EXCEEDED },
                { "410001", false, TVR_CVM_FAILED | TVR_PIN_NOT_ENTERED },
                { "430300", true, 0 },
                { "430301", false, TVR_CVM_FAILED },
                { "1E0300", true, TVR_PIN_NOT_ENTERED },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(honest_ones); i++) {
                const char *reason = NULL;

                fill(f);
                with_keypad(f, honest_ones[i].cvm, honest_ones[i].signature, honest_ones[i].bits);
                if (claim(f, &reason) < 0)
                        fail_msg("%s: %s", honest_ones[i].cvm, reason);
        }
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "010002", true, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "010000", false, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "010001", false, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "010002", false, TVR_CVM_FAILED));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "030000", false, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "030000", true, TVR_CVM_FAILED));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "030002", false, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "020002", false, 0));
        LIE(f, CVM_IMPOSSIBLE, with_keypad(f, "040001", false, TVR_CVM_FAILED));
        LIE(f, "terminal is not the one issued", f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN);
}

/* Nothing is right or wrong of a PIN that nobody was asked for. */
static void pin_claims(void **state) {
        static const struct {
                const char *cvm;
                enum tvr_bit bits;
                const char *reason; /* without a prompt */
        } cases[] = {
                { "1E0300", 0, NULL },
                { "410302", 0, "a PIN was right that nobody was asked for" },
                { "430300", 0, "a PIN was right that nobody was asked for" },
                { "410301", TVR_CVM_FAILED, "a PIN failed that nobody was asked for" },
                { "410301", TVR_CVM_FAILED | TVR_PIN_TRIES_EXCEEDED, NULL },
                { "1E0300", TVR_PIN_NOT_ENTERED, "a PIN failed that nobody was asked for" },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;

                fill(f);
                with_keypad(f, cases[i].cvm, false, cases[i].bits);
                assert_int_equal(message_check_pin(&f->request.result, 1, &reason), 0);
                assert_int_equal(message_check_pin(&f->request.result, 0, &reason), cases[i].reason ? -EBADMSG : 0);
                if (cases[i].reason)
                        assert_string_equal(reason, cases[i].reason);
        }
}

/* How an application without verification, or an empty list, ends; and the other ways of the terminal as shipped. */
static void cardholder_claims(void **state) {
        static const struct {
                const char *cvm;
                bool signature, performed, wanted;
                enum tvr_bit bits;
                bool possible;
        } cases[] = {
                { "1E0300", true, true, true, 0, true },
                { "5E0300", true, true, true, TVR_PIN_PAD_ABSENT, true },
                { "1F0002", false, true, true, 0, true },
                { "1F0602", false, true, true, TVR_CVM_UNRECOGNISED, true },
                { "000001", false, true, true, TVR_CVM_FAILED, true },
                { "3F0001", false, true, true, TVR_CVM_FAILED, true },
                { "3F0000", false, false, false, 0, true },
                { "3F0000", false, false, true, TVR_DATA_MISSING, true },
                /* Nobody was verified, and the card wants it. */
                { "3F0000", false, false, true, 0, false },
                { "3F0000", false, true, true, 0, false },
                { "3F0000", false, true, true, TVR_CVM_FAILED, false },
                { "3F0000", true, false, false, 0, false },
                { "3F0000", false, false, false, TVR_CVM_FAILED, false },
                { "1E0300", true, false, true, 0, false },
                { "1E0300", true, true, false, 0, false },
                /* It failed, or not. */
                { "1E0300", true, true, true, TVR_CVM_FAILED, false },
                { "1E0301", false, true, true, TVR_CVM_FAILED, false },
                { "1E0302", false, true, true, 0, false },
                { "1F0002", false, true, true, TVR_CVM_FAILED, false },
                { "1F0000", false, true, true, 0, false },
                { "1F0001", false, true, true, TVR_CVM_FAILED, false },
                { "1F0002", true, true, true, 0, false },
                { "000001", false, true, true, 0, false },
                { "000002", false, true, true, 0, false },
                { "3F0001", false, true, true, 0, false },
                { "3F0001", true, true, true, TVR_CVM_FAILED, false },
                { "3F0002", false, true, true, 0, false },
                { "1E0303", false, true, true, 0, false },
                /* Not at this terminal, not for this sale, or by no book. */
                { "010001", false, true, true, TVR_CVM_FAILED, false },
                { "020001", false, true, true, TVR_CVM_FAILED, false },
                { "060001", false, true, true, TVR_CVM_FAILED, false },
                { "1E0400", true, true, true, 0, false },
                { "1E0500", true, true, true, 0, false },
                { "1E0A00", true, true, true, 0, false },
                { "1E0300", true, true, true, TVR_PIN_NOT_ENTERED, false },
                { "1E0300", true, true, true, TVR_PIN_TRIES_EXCEEDED, false },
                { "1E0300", true, true, true, TVR_ONLINE_PIN, false },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv_result_data *r = &f->request.result;
                const char *reason = NULL;

                fill(f);
                tell_cvm(r, cases[i].cvm, cases[i].signature);
                tell_tvr(r, cases[i].bits, true);
                if (!cases[i].performed)
                        r->tsi[0] &= (uint8_t) ~TSI_CARDHOLDER_VERIFICATION;
                if (!cases[i].wanted) {
                        r->aip[0] &= 0xef;
                        *((uint8_t *) memmem(r->de55, r->de55_size, "\x82\x02\x7d", 3) + 2) = r->aip[0];
                }
                if ((message_check_request(&f->start, &f->request, &reason) >= 0) != cases[i].possible)
                        fail_msg("%zu, %s: %s", i, cases[i].cvm, cases[i].possible ? reason : "believed");
                if (!cases[i].possible)
                        assert_string_equal(reason, CVM_IMPOSSIBLE);
        }
        LIE(f, CVM_IMPOSSIBLE, f->start.terminal.capabilities[1] &= 0xdf);
}

/* A decline that nobody was asked about, and one that tells more than it has to. */
static void decline_lies(void **state) {
        struct fixture *f = *state;
        const char *reason;

        for (enum emv_reason r = EMV_REASON_ISSUER; r <= EMV_REASON_CARD_AFTER_ISSUER; r++) {
                fill(f);
                f->outcome.online = 0;
                f->outcome.outcome = EMV_OUTCOME_DECLINED;
                f->outcome.reason = (uint8_t) r;
                assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
                assert_string_equal(reason, "declined for the acquirer, who was not asked");
        }
        f->outcome.reason = EMV_REASON_CARD;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), 0);
        f->outcome.card = f->request.card;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        assert_string_equal(reason, "card data that nobody needs");
}

/* An approval that nobody was asked about. */
static void offline_lies(void **state) {
        struct fixture *f = *state;
        const char *reason;

        f->outcome.online = 0;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        assert_string_equal(reason, "approved offline where that is not allowed");
        f->start.offline_allowed = 1;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        assert_string_equal(reason, "approved offline without card data");
        f->outcome.card = f->request.card;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), 0);
        f->start.force_online = 1;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        f->start.force_online = 0;
        f->start.steps = EMV_STEPS_ONLINE;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        f->start.steps = EMV_STEPS_AAC;
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        assert_string_equal(reason, "this kind has no approval by the card");
}

/* Of a card that was only to be read. */
static void read_lies(void **state) {
        struct fixture *f = *state;
        const char *reason;

        f->start.steps = EMV_STEPS_READ;
        f->outcome.online = 0;
        f->outcome.outcome = EMV_OUTCOME_READ;
        f->outcome.card = f->request.card;
        f->outcome.result = (struct emv_result_data){};
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), 0);
        f->outcome.card.pan[0] = '\0';
        assert_int_equal(message_check_outcome(&f->start, NULL, NULL, &f->outcome, &reason), -EBADMSG);
        assert_string_equal(reason, "read without card data");
}

static void words(void **state) {
        for (enum emv_reason r = 0; r <= EMV_REASON_LAST; r++)
                assert_non_null(emv_reason_to_string(r));
        assert_null(emv_reason_to_string(EMV_REASON_LAST + 1));
        assert_string_equal(emv_reason_to_string(EMV_REASON_LIVE_CARD), "live-card");
        assert_string_equal(emv_prompt_to_string(EMV_PROMPT_INSERT_CARD), "insert-card");
        assert_string_equal(emv_outcome_to_string(EMV_OUTCOME_READ), "read");
        assert_null(emv_outcome_to_string(0));
}

/* What is shipped is whole. */
static void shipped_data(void **state) {
        struct fixture *f = *state;
        struct emv_terminal *t = &f->start.terminal;
        struct emv_fault fault;
        uint32_t i = 0;

        assert_int_equal(emv_terminal_next_fault(t, &i, &fault), 0);
        assert_memory_equal(t->country, "\x01\x56", 2);
        assert_memory_equal(t->capabilities, "\x60\x28\xc8", 3);
        assert_true(t->n_applications >= 9);
        assert_int_equal(t->n_ca_keys, 12 + 17);
}

#define UNFIT(f, who, why, change)                                                                                    \
        ({                                                                                                            \
                struct emv_fault _fault;                                                                              \
                uint32_t _i = 0;                                                                                      \
                                                                                                                      \
                fill(f);                                                                                              \
                change;                                                                                               \
                assert_int_equal(emv_terminal_next_fault(&(f)->start.terminal, &_i, &_fault), 1);                     \
                assert_string_equal(_fault.section, who);                                                             \
                assert_string_equal(_fault.reason, why);                                                              \
                assert_int_equal(emv_terminal_next_fault(&(f)->start.terminal, &_i, &_fault), 0);                     \
        })

/* A key whose published hash is of a number that no RSA key has. */
static void hash_anew(struct emv_ca_key *k) {
        uint8_t data[EMV_RID_SIZE + 1 + EMV_MODULUS_MAX + 1];
        size_t n = k->modulus_size;

        memcpy(data, k->rid, EMV_RID_SIZE);
        data[EMV_RID_SIZE] = k->index;
        memcpy(data + EMV_RID_SIZE + 1, k->modulus, n);
        data[EMV_RID_SIZE + 1 + n] = (uint8_t) k->exponent;
        SHA1(data, EMV_RID_SIZE + n + 2, k->sha1);
}

static void unfit_data(void **state) {
        struct fixture *f = *state;
        struct emv_terminal *t = &f->start.terminal;

        UNFIT(f, "ca-key A000000333 EE", "sha1 does not fit the key", t->ca_keys[0].modulus[7] ^= 1);
        UNFIT(f, "ca-key A000000333 EE", "sha1 does not fit the key", t->ca_keys[0].exponent = 65537);
        UNFIT(f, "ca-key A000000333 EE", "no modulus", t->ca_keys[0].modulus_size = 0);
        UNFIT(f, "ca-key A000000333 EE", "not a modulus of RSA",
              (t->ca_keys[0].modulus[t->ca_keys[0].modulus_size - 1] ^= 1, hash_anew(t->ca_keys)));
        UNFIT(f, "ca-key A000000333 EE", "not a modulus of RSA",
              (t->ca_keys[0].modulus[0] ^= 0x80, hash_anew(t->ca_keys)));
        UNFIT(f, "application A000000333010101", "ddol does not ask for the unpredictable number, 9F37",
              t->applications[0].ddol.data[1] = 0x38);
        UNFIT(f, "ca-key A000000333 EE", "no exponent", t->ca_keys[0].exponent = 0);
        UNFIT(f, "application A000000333010101", "no version", t->applications[0].n_versions = 0);
        UNFIT(f, "application A000000333010101", "threshold is above floor-limit", t->applications[0].threshold = 1);
        UNFIT(f, "application A000000333010101", "target-max is below target", t->applications[0].target = 1);
        UNFIT(f, "terminal", "capabilities claim what is not there", t->capabilities[2] = 0xe8);
        UNFIT(f, "terminal", "capabilities claim what is not there", t->capabilities[1] = 0xf8);
        UNFIT(f, "terminal", "capabilities do not name the contact chip", t->capabilities[0] = 0x40);
        UNFIT(f, "terminal", "no country", memset(t->country, 0, 2));
        UNFIT(f, "terminal", "no application", t->n_applications = 0);
}

static void assignments(void **state) {
        static const struct {
                const char *section, *key, *value;
                int result;
        } cases[] = {
                { "terminal", "country", "840", 0 },
                { "terminal", "country", "CN", -EINVAL },
                { "terminal", "country", "", -EINVAL },
                { "terminal", "capabilities", "6028", -EINVAL },
                { "terminal", "type", "221", -EINVAL },
                { "terminal", "serial", "TOOLONG09", -EINVAL },
                { "terminal", "colour", "red", -EINVAL },
                { "terminals", "country", "840", -EINVAL },
                { "application A0000003", "name", "x", -EINVAL },
                { "application A000000333010101", "floor-limit", "1000000000000", -EINVAL },
                { "application A000000333010101", "floor-limit", "99999999999999999999999999", -EINVAL },
                { "application A000000333010101", "floor-limit", "-1", -EINVAL },
                { "application A000000333010101", "target", "100", -EINVAL },
                { "application A000000333010101", "partial", "maybe", -EINVAL },
                { "application A000000333010101", "versions", "00", -EINVAL },
                { "application A000000333010101", "versions", "0001 0002 0003 0004 0005", -EINVAL },
                { "application A000000333010101", "tac-denial", "00100000", -EINVAL },
                { "application A000000333010101", "tdol", "9F0206", 0 },
                { "ca-key A000000333", "exponent", "3", -EINVAL },
                { "ca-key A000000333 01", "exponent", "17", -EINVAL },
                { "ca-key A000000333 01", "modulus", "AABB", -EINVAL },
                { "ca-key A000000333 01", "sha1", "AABB", -EINVAL },
                { "ca-key A000000333 01", "exponent", "65537", 0 },
                { "ca-key A000000333 01", "expires", "2031-12-31", 0 },
                { "ca-key A000000333 01", "expires", "2031-13-31", -EINVAL },
                { "ca-key A000000333 01", "expires", "2031-12-32", -EINVAL },
                { "ca-key A000000333 01", "expires", "2131-12-31", -EINVAL },
                { "ca-key A000000333 01", "expires", "31-12-2031", -EINVAL },
                { "ca-key A000000333 01", "expires", "20311231", -EINVAL },
                { "ca-key A000000333 01", "expires", "20 1-12-31", -EINVAL },
                { "revoked A000000333 01", "serial", "0123AB 0456CD", 0 },
                { "revoked A000000333 01", "serial", "0123AB", 0 },
                { "revoked A000000333 01", "serial", "0123", -EINVAL },
                { "revoked A000000333 01", "serial", "", -EINVAL },
                { "revoked A000000333 01", "number", "0123AB", -EINVAL },
                { "revoked A000000333", "serial", "0123AB", -EINVAL },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *reason = NULL;
                int r = emv_terminal_assign(cases[i].section, cases[i].key, cases[i].value, &f->start.terminal,
                                            &reason);

                if (r != cases[i].result)
                        fail_msg("[%s] %s=%s: %d", cases[i].section, cases[i].key, cases[i].value, r);
                assert_int_equal(reason != NULL, r < 0);
        }
        assert_memory_equal(f->start.terminal.country, "\x08\x40", 2);
        /* The same one twice is one. */
        assert_int_equal(f->start.terminal.n_revocations, 2);
        assert_memory_equal(f->start.terminal.revocations + 1, "\xa0\x00\x00\x03\x33\x01\x04\x56\xcd", 9);
        assert_memory_equal(
                emv_terminal_find_ca_key(&f->start.terminal, (uint8_t *) "\xa0\x00\x00\x03\x33", 1)->expires,
                "\x20\x31\x12\x31", 4);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(good_form, setup, teardown),
                cmocka_unit_test_setup_teardown(bad_form, setup, teardown),
                cmocka_unit_test_setup_teardown(small_messages, setup, teardown),
                cmocka_unit_test_setup_teardown(any_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(honest, setup, teardown),
                cmocka_unit_test_setup_teardown(lies, setup, teardown),
                cmocka_unit_test_setup_teardown(script_claims, setup, teardown),
                cmocka_unit_test_setup_teardown(keypad_claims, setup, teardown),
                cmocka_unit_test_setup_teardown(pin_claims, setup, teardown),
                cmocka_unit_test_setup_teardown(cardholder_claims, setup, teardown),
                cmocka_unit_test_setup_teardown(decline_lies, setup, teardown),
                cmocka_unit_test_setup_teardown(offline_lies, setup, teardown),
                cmocka_unit_test_setup_teardown(read_lies, setup, teardown),
                cmocka_unit_test(words),
                cmocka_unit_test_setup_teardown(shipped_data, setup, teardown),
                cmocka_unit_test_setup_teardown(unfit_data, setup, teardown),
                cmocka_unit_test_setup_teardown(assignments, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: messages, claims and data", tests, NULL, NULL);
}
