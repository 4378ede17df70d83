// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One answer of the card to one step of the books, on a state in which all steps before it went well. The first
 * byte of the input is the step, from twelve on at a reader with a keypad; the rest is the answer with its status
 * word, or the data of the card that the step is about. What is not for the card to say stays as it was, whatever it
 * answers.
 */

#include "emv/emv.h"
#include "emv/step.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t *answer;
static size_t answer_size;
static unsigned commands;

/* The same answer again and again; a loop that a card can keep going would not end. */
static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        check(size >= 4 && size <= APDU_COMMAND_MAX);
        check(++commands < 10000);
        *ret_size = MIN(answer_size, (size_t) APDU_RESPONSE_MAX);
        memcpy(response, answer, *ret_size);
        return 0;
}

static int prompt(void *userdata, enum emv_prompt p, const char *language) {
        return 0;
}

/* The card's word on a PIN is what its answer ends with. */
static int verify_pin(void *userdata, uint16_t *ret_sw) {
        check(++commands < 10000);
        if (answer_size < 2)
                return -ENOKEY;
        *ret_sw = (uint16_t) (answer[answer_size - 2] << 8 | answer[answer_size - 1]);
        return 0;
}

static void put(struct emv *e, uint32_t tag, const char *value, size_t size) {
        check(store_put_card(&e->store, tag, (const uint8_t *) value, size) == 0);
}

static void prepare(struct emv *e, struct message_start *s, uint8_t step, bool keypad) {
        message_init(s, MESSAGE_START);
        s->mode = EMV_MODE_LIVE;
        s->steps = EMV_STEPS_FULL;
        s->offline_allowed = 1;
        s->amount = 1234;
        memcpy(s->currency, "\x01\x56", 2);
        memcpy(s->date, "\x26\x11\x21", 3);
        emv_terminal_init(&s->terminal);
        s->terminal.capabilities[1] |= keypad ? EMV_CAPABILITY_PLAINTEXT_PIN : 0;
        s->terminal.capabilities[2] = 0xc8;
        memset(s->terminal.additional_capabilities, 0xff, 5);
        s->terminal.n_applications = 1;
        s->terminal.applications[0] = (struct emv_application){
                .aid = { 5, { 0xa0, 0x00, 0x00, 0x03, 0x33 } },
                .partial = 1,
                .n_versions = 1,
                .floor_limit = 100000,
                .threshold = 50000,
                .target = 10,
                .target_max = 90,
                .tdol = { 3, { 0x9f, 0x37, 0x04 } },
        };

        memset(e, 0, sizeof(*e));
        e->start = s;
        e->application = s->terminal.applications;
        check(store_set(&e->store, TAG_AMOUNT, "\0\0\0\0\x12\x34", 6) == 0);
        check(store_set(&e->store, TAG_UNPREDICTABLE, "\1\2\3\4", 4) == 0);
        if (step >= 2)
                put(e, TAG_AIP, "\x7d\x00", 2);
        if (step >= 3) {
                put(e, TAG_PAN, "\x62\0\0\0\0\0\0\5", 8);
                put(e, TAG_EXPIRATION_DATE, "\x49\x12\x31", 3);
                put(e, TAG_CDOL2, "\x8a\2\x95\5", 4);
        }
}

/* What the step is about is in the card's data, not in an answer: up to 252 bytes of it. */
static bool put_input(struct emv *e, uint32_t tag) {
        return store_put_card(&e->store, tag, answer, MIN(answer_size, (size_t) 252)) == 0;
}

static void generate_ac(struct emv *e, bool second) {
        uint8_t given = 0;

        if (emv_generate_ac(e, second ? AC_AAC : AC_TC, second, &given) < 0)
                return;
        check(e->has_cryptogram && (given == AC_AAC || (!second && (given == AC_TC || given == AC_ARQC))));
}

static void run_scripts(struct emv *e) {
        e->answer.scripts_size = (uint16_t) MIN(answer_size, sizeof(e->answer.scripts));
        memcpy(e->answer.scripts, answer, e->answer.scripts_size);
        /* Each command is answered by what the scripts end with. */
        answer += answer_size < 2 ? 0 : answer_size - 2;
        answer_size = MIN(answer_size, (size_t) 2);
        (void) emv_process_scripts(e, TAG_SCRIPT_BEFORE);
        (void) emv_process_scripts(e, TAG_SCRIPT_AFTER);
        check(e->script_results_size <= EMV_SCRIPT_RESULTS_MAX && e->script_results_size % 5 == 0);
}

static void run_step(struct emv *e, uint8_t step) {
        uint8_t cvm[3];

        switch (step) {
        case 0:
                (void) emv_build_candidate_list(e);
                check(e->n_candidates <= EMV_CANDIDATES_MAX);
                while (e->n_candidates > 0 && emv_select_application(e) >= 0)
                        ;
                break;
        case 1:
                (void) emv_initiate_application(e);
                break;
        case 2:
                put(e, TAG_AFL, "\x08\1\1\1\x58\1\1\1", 8);
                (void) emv_read_application_data(e);
                break;
        case 3:
                if (put_input(e, TAG_AFL))
                        (void) emv_read_application_data(e);
                break;
        case 4:
                if (put_input(e, TAG_CVM_LIST) && emv_verify_cardholder(e) >= 0) {
                        memcpy(cvm, e->cvm, 3);
                        cvm[0] &= 0x3f;
                        check(cvm[2] <= 2 && e->signature == ((cvm[0] == 0x1e || cvm[0] == 0x03) && cvm[2] == 0));
                }
                break;
        case 5:
                put(e, TAG_LOWER_LIMIT, "\3", 1);
                put(e, TAG_UPPER_LIMIT, "\5", 1);
                (void) emv_manage_risk(e);
                break;
        case 6:
                put(e, TAG_CDOL1, "\x9f\x37\4\x98\x14", 5);
                generate_ac(e, false);
                break;
        case 7:
                generate_ac(e, true);
                break;
        case 8:
                if (put_input(e, TAG_CDOL1))
                        generate_ac(e, false);
                break;
        case 9:
                if (put_input(e, TAG_TDOL)) {
                        put(e, TAG_CDOL1, "\x98\x14", 2);
                        generate_ac(e, false);
                }
                break;
        case 10:
                if (put_input(e, TAG_PDOL))
                        (void) emv_initiate_application(e);
                break;
        default:
                run_scripts(e);
                break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct emv_callbacks callbacks = { .transmit = transmit,
                                                        .prompt = prompt,
                                                        .verify_pin = verify_pin };
        static struct message_start start;
        static struct emv e;
        struct emv_card_data card;
        struct emv_result_data result;
        size_t n;

        if (size == 0)
                return 0;
        answer = data + 1;
        answer_size = size - 1;
        commands = 0;
        prepare(&e, &start, data[0] % 12, data[0] / 12 & 1);
        e.callbacks = &callbacks;
        run_step(&e, data[0] % 12);

        /* Selection begins with what it selected. */
        if (data[0] % 12 != 0) {
                check(memcmp(store_get(&e.store, TAG_AMOUNT, &n), "\0\0\0\0\x12\x34", 6) == 0 && n == 6);
                check(memcmp(store_get(&e.store, TAG_UNPREDICTABLE, &n), "\1\2\3\4", 4) == 0 && n == 4);
        }
        e.read = true;
        emv_fill_card(&e, true, &card);
        check(emv_fill_result(&e, &result) >= 0);
        check(result.has_cryptogram == (result.de55_size > 0));
        return 0;
}
