/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One step of the books on a state of its own, and whole dialogues with a card that is a script of hex lines. */

#include "emv-fixture.h"
#include "emv/emv.h"
#include "emv/step.h"

/* One step on a state of its own. */
struct fixture {
        struct message_start start;
        struct emv_application application;
        struct emv emv;
};

static inline struct emv *fresh(struct fixture *f) {
        memset(&f->emv, 0, sizeof(f->emv));
        fixture_start(&f->start);
        f->application = f->start.terminal.applications[0];
        f->emv.start = &f->start;
        f->emv.application = &f->application;
        return &f->emv;
}

/* "5F24 491231" */
static inline void put(struct emv *e, uint32_t tag, const char *hex) {
        uint8_t value[256];
        size_t n = fixture_hex(hex, value, sizeof(value));

        assert_int_equal(store_put_card(&e->store, tag, value, n), 0);
        assert_non_null(store_get(&e->store, tag, NULL));
}

static inline void assert_tvr(const struct emv *e, const char *hex, const char *what) {
        char text[11];

        hex_encode(e->tvr, 5, text);
        if (strcmp(text, hex) != 0)
                fail_msg("%s: TVR %s instead of %s", what, text, hex);
}

static inline int setup(void **state) {
        *state = calloc(1, sizeof(struct fixture));
        return *state ? 0 : -1;
}

static inline int teardown(void **state) {
        free(*state);
        return 0;
}

static inline void assert_cvm(const struct emv *e, const char *hex, const char *what) {
        char text[7];

        hex_encode(e->cvm, 3, text);
        if (strcmp(text, hex) != 0)
                fail_msg("%s: CVM results %s instead of %s", what, text, hex);
}

/* Hex in which braces are a length and so many bytes: "6F{84{A000000333}} 9000". Moves on to the brace that ends it.
 */
static inline size_t nested_hex(const char **text, uint8_t *ret, size_t max) {
        size_t n = 0;

        while (**text != '\0' && **text != '}') {
                size_t digits = strcspn(*text, "{}");
                char *hex = strndup(*text, digits);

                n += fixture_hex(hex, ret + n, max - n);
                free(hex);
                *text += digits;
                if (**text == '{') {
                        uint8_t inner[256];
                        size_t size;

                        (*text)++;
                        size = nested_hex(text, inner, sizeof(inner));
                        assert_int_equal(*(*text)++, '}');
                        assert_true(n + 2 + size <= max);
                        if (size > 0x7f)
                                ret[n++] = 0x81;
                        ret[n++] = (uint8_t) size;
                        memcpy(ret + n, inner, size);
                        n += size;
                }
        }
        return n;
}

/* Whole dialogues */

enum dialogue_stop {
        DIALOGUE_NEVER,
        DIALOGUE_PROMPT,
        DIALOGUE_CHOICE,
        DIALOGUE_ONLINE,
};

struct dialogue {
        const char *const *lines; /* command, answer (hex, "removed", "mute", "unplugged", "stop"), …; the command is
 compared as far as its line goes */
        size_t n, at;
        enum emv_online online;
        bool approved;
        const char *scripts, *issuer_authentication;
        unsigned questions, prompts;
        struct message_online_request request;
        struct message_online_answer told;
        enum dialogue_stop stop; /* which callback says that the transaction is to end */
        int choice;              /* -1: the cardholder wants none */
        struct message_prompt choices;
};

static inline int play(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                       size_t *ret_size) {
        struct dialogue *d = userdata;
        char sent[2 * APDU_COMMAND_MAX + 1];
        const char *line;

        hex_encode(command, size, sent);
        if (d->at + 2 > d->n)
                fail_msg("more than the script has: %s", sent);
        if (!startswith(sent, d->lines[d->at]))
                fail_msg("line %zu: %s instead of %s", d->at, sent, d->lines[d->at]);
        line = d->lines[d->at + 1];
        d->at += 2;
        if (streq(line, "removed"))
                return -ENOMEDIUM;
        if (streq(line, "mute"))
                return -ETIMEDOUT;
        if (streq(line, "unplugged"))
                return -ENODEV;
        if (streq(line, "stop"))
                return -ECANCELED;
        *ret_size = nested_hex(&line, response, APDU_RESPONSE_MAX);
        return 0;
}

static inline int count_prompt(void *userdata, enum emv_prompt p, const char *language) {
        struct dialogue *d = userdata;

        d->prompts++;
        return d->stop == DIALOGUE_PROMPT ? -ECANCELED : 0;
}

static inline int choose(void *userdata, const struct message_prompt *prompt, struct message_choice *ret) {
        static union message m;
        struct dialogue *d = userdata;

        memcpy(&m, prompt, sizeof(*prompt));
        assert_int_equal(message_check(&m, sizeof(*prompt), MESSAGE_FROM_WORKER), 0);
        d->choices = *prompt;
        if (d->stop == DIALOGUE_CHOICE)
                return -ECANCELED;
        message_init(ret, MESSAGE_CHOICE);
        ret->cancelled = d->choice < 0;
        ret->index = d->choice < 0 ? 0 : (uint8_t) d->choice;
        return 0;
}

static inline int answer(void *userdata, const struct message_online_request *request,
                         struct message_online_answer *ret) {
        struct dialogue *d = userdata;

        d->questions++;
        d->request = *request;
        if (d->stop == DIALOGUE_ONLINE)
                return -ECANCELED;
        message_init(ret, MESSAGE_ONLINE_ANSWER);
        ret->online = (uint8_t) d->online;
        if (d->online == EMV_ONLINE_ANSWERED) {
                ret->approved = d->approved;
                memcpy(ret->arc, d->approved ? "00" : "05", 2);
                if (d->issuer_authentication)
                        ret->issuer_authentication_size =
                                (uint8_t) fixture_hex(d->issuer_authentication, ret->issuer_authentication,
                                                      sizeof(ret->issuer_authentication));
                if (d->scripts)
                        ret->scripts_size = (uint16_t) fixture_hex(d->scripts, ret->scripts, sizeof(ret->scripts));
        }
        d->told = *ret;
        return 0;
}

static const struct emv_callbacks script_callbacks = {
        .transmit = play, .prompt = count_prompt, .choose = choose, .online = answer
};

/* A terminal with one application, that may decide by itself. */
static inline void simple_start(struct message_start *s) {
        static const struct emv_application application = {
                .aid = { 5, { 0xA0, 0x00, 0x00, 0x03, 0x33 } },
                .partial = 1,
                .n_versions = 1,
                .versions = { { 0x00, 0x20 } },
                .floor_limit = 100000,
                .threshold = 100000,
        };

        fixture_start(s);
        s->terminal.n_applications = 1;
        s->terminal.applications[0] = application;
        s->offline_allowed = 1;
}

static inline void run(struct fixture *f, struct dialogue *d, struct message_outcome *ret) {
        static union message m;
        const char *reason;

        emv_run(&f->start, &script_callbacks, d, ret);
        if (d->at != d->n)
                fail_msg("the script was left at line %zu of %zu", d->at, d->n);
        memcpy(&m, ret, sizeof(*ret));
        assert_int_equal(message_check(&m, sizeof(*ret), MESSAGE_FROM_WORKER), 0);
        if (message_check_outcome(&f->start, d->questions ? &d->request : NULL, d->questions ? &d->told : NULL, ret,
                                  &reason) < 0)
                fail_msg("%s", reason);
}

#define RUN(f, outcome, ...)                                                                                          \
        ({                                                                                                            \
                static const char *const _lines[] = { __VA_ARGS__ };                                                  \
                struct dialogue _d = { .lines = _lines, .n = ELEMENTSOF(_lines) };                                    \
                run((f), &_d, (outcome));                                                                             \
        })
/* A dialogue that ends because of what the card has said. */
#define MALFORMED(f, ...)                                                                                             \
        ({                                                                                                            \
                struct message_outcome _o;                                                                            \
                                                                                                                      \
                RUN(f, &_o, __VA_ARGS__);                                                                             \
                assert_int_equal(_o.outcome, EMV_OUTCOME_FAILED);                                                     \
                assert_int_equal(_o.reason, EMV_REASON_MALFORMED);                                                    \
        })

#define PSE "00A404000E315041592E5359532E4444463031"
#define NO_PSE PSE, "6A82"
#define SELECT_RID "00A4040005A000000333"
#define NEXT_RID "00A4040205A000000333"
#define SELECT_1 "00A4040008A000000333010101"
#define SELECT_2 "00A4040008A000000333010102"

#define BEGIN                                                                                                         \
        PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",                                       \
                "700C610A4F08A000000333010101 "                                                                       \
                "9000",                                                                                               \
                "00B2020C", "6A83", SELECT_1, "6F118408A000000333010101A5055003444542 9000"
#define OPTIONS "80A80000028300", "80060000 08010100 9000"
#define READ "00B2010C"

/* Everything a short sale needs; 8D asks for 8A and 95. */
#define GOOD "701E 5A086200000000000005 5F2403491231 8C039F3704 8D048A029505 8F01EE 9000"
#define GOOD_READ BEGIN, OPTIONS, READ, GOOD

#define ARQC "80AE800004A1B2C3D400", "800B 80 0007 1122334455667788 9000"
#define TC "800B 40 0007 8877665544332211 9000"
#define AAC "800B 00 0007 8877665544332211 9000"

static inline void play_online(struct fixture *f, struct dialogue *d, const char *const *lines, size_t n,
                               struct message_outcome *o) {
        d->lines = lines;
        d->n = n;
        d->at = d->questions = 0;
        run(f, d, o);
        assert_int_equal(d->questions, 1);
}

#define ONLINE(f, d, o, ...)                                                                                          \
        ({                                                                                                            \
                static const char *const _lines[] = { __VA_ARGS__ };                                                  \
                play_online((f), (d), _lines, ELEMENTSOF(_lines), (o));                                               \
        })
