// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A whole transaction against a card that answers as it likes. The first byte of the input chooses the
 * terminal and the acquirer, the last one more of the terminal; between them are the card's answers, each with its
 * length in front, 00 for a card that is taken out, and, where the first byte says so, the acquirer's answer in the
 * same way; at a reader with a keypad also what comes of each PIN. Whatever they say, the transaction ends, tilld can
 * read how and takes it for true, and there is no approval that the terminal and the acquirer have not allowed.
 */

#include "emv/emv.h"
#include "tests/fuzz/fuzz.h"

struct play {
        const uint8_t *data;
        size_t size;
        struct message_start start;
        struct message_online_request request;
        struct message_online_answer answer;
        unsigned online, authentications;
        uint8_t choice;
        bool own_answer, pin_asked;
};

/* The next of the answers. */
static int take(struct play *p, uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        size_t n = p->size == 0 ? 0 : MIN((size_t) p->data[0], p->size - 1);

        if (n == 0)
                return -ENOMEDIUM;
        memcpy(response, p->data + 1, n);
        p->data += 1 + n;
        p->size -= 1 + n;
        *ret_size = n;
        return 0;
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        struct play *p = userdata;

        check(size >= 4 && size <= APDU_COMMAND_MAX);
        if (command[1] == 0x82 && command[0] == 0x00)
                check(++p->authentications <= 1);
        return take(p, response, ret_size);
}

static int prompt(void *userdata, enum emv_prompt prompt, const char *language) {
        struct play *p = userdata;

        check(emv_prompt_to_string(prompt) != NULL);
        p->pin_asked = prompt >= EMV_PROMPT_ENTER_PIN;
        return 0;
}

/* An answer of two bytes and more is the card's status word; one byte is the reader that will not, or the person. */
static int verify_pin(void *userdata, uint16_t *ret_sw) {
        struct play *p = userdata;
        uint8_t response[APDU_RESPONSE_MAX];
        size_t n;
        int r;

        check(p->start.terminal.capabilities[1] & EMV_CAPABILITY_PLAINTEXT_PIN && p->pin_asked);
        p->pin_asked = false;
        r = take(p, response, &n);
        if (r < 0)
                return r;
        if (n < 2)
                return response[0] & 1 ? -ENOKEY : -EOPNOTSUPP;
        *ret_sw = (uint16_t) (response[n - 2] << 8 | response[n - 1]);
        return 0;
}

static int recall(void *userdata, const struct emv_card_data *card, struct emv_memory *ret) {
        struct play *p = userdata;

        check(card->pan[0] != '\0');
        ret->exception = p->choice & 1;
        ret->earlier = p->start.amount << (p->choice >> 2);
        return 0;
}

static union message *as_message(const void *m, size_t size) {
        static union message message;

        memcpy(&message, m, size);
        return &message;
}

static int choose(void *userdata, const struct message_prompt *m, struct message_choice *ret) {
        struct play *p = userdata;

        check(message_check(as_message(m, sizeof(*m)), sizeof(*m), MESSAGE_FROM_WORKER) == 0);
        message_init(ret, MESSAGE_CHOICE);
        ret->index = p->choice & 1;
        return 0;
}

/* Approval, size of 91, 91, scripts: as much of it as there is. */
static void take_answer(struct play *p, struct message_online_answer *a) {
        const uint8_t *from = p->data + 1;
        size_t left, n = p->size == 0 ? 0 : MIN((size_t) p->data[0], p->size - 1);

        p->data += p->size == 0 ? 0 : 1 + n;
        p->size -= p->size == 0 ? 0 : 1 + n;
        a->approved = 0;
        a->issuer_authentication_size = 0;
        a->scripts_size = 0;
        memset(a->issuer_authentication, 0, sizeof(a->issuer_authentication));
        memset(a->scripts, 0, sizeof(a->scripts));
        if (n < 2)
                return;
        a->approved = from[0] & 1;
        left = MIN(n - 2, sizeof(a->issuer_authentication));
        a->issuer_authentication_size = (uint8_t) MIN((size_t) (from[1] & 31), left);
        memcpy(a->issuer_authentication, from + 2, a->issuer_authentication_size);
        n -= 2U + a->issuer_authentication_size;
        a->scripts_size = (uint16_t) n;
        memcpy(a->scripts, from + 2 + a->issuer_authentication_size, n);
}

static int online(void *userdata, const struct message_online_request *m, struct message_online_answer *ret) {
        struct play *p = userdata;
        const char *reason;

        check(++p->online <= 1);
        check(message_check(as_message(m, sizeof(*m)), sizeof(*m), MESSAGE_FROM_WORKER) == 0);
        /* 5A and 57 of two cards are for tilld to refuse. */
        if (message_check_request(&p->start, m, &reason) < 0) {
                check(streq(reason, "PAN and track 2 are of different cards"));
                return -ECANCELED;
        }
        p->request = *m;
        if (p->own_answer)
                take_answer(p, &p->answer);
        check(message_check(as_message(&p->answer, sizeof(p->answer)), sizeof(p->answer), MESSAGE_FROM_TILLD) == 0);
        *ret = p->answer;
        return 0;
}

static void prepare(struct play *p, uint8_t choice, uint8_t more) {
        static const struct emv_application application = {
                .aid = { 5, { 0xa0, 0x00, 0x00, 0x03, 0x33 } },
                .partial = 1,
                .n_versions = 1,
                .versions = { { 0x00, 0x20 } },
                .floor_limit = 100000,
                .threshold = 100000,
                .tdol = { 3, { 0x9f, 0x37, 0x04 } },
        };
        struct message_start *s = &p->start;

        message_init(s, MESSAGE_START);
        s->mode = choice & 0x80 ? EMV_MODE_TEST : EMV_MODE_LIVE;
        s->steps = EMV_STEPS_FULL + (choice >> 5 & 3);
        memcpy(s->currency, "\x01\x56", 2);
        memcpy(s->date, "\x26\x11\x21", 3);
        memcpy(s->unpredictable, "\xa1\xb2\xc3\xd4", 4);
        s->random_percent = 50;
        s->offline_allowed = choice >> 4 & 1;
        s->can_choose = choice >> 3 & 1;
        s->amount = 1234;
        s->transaction_type = more & 0x01;
        s->amount_other = more & 0x02 ? 234 : 0;
        s->force_online = more >> 2 & 1;
        emv_terminal_init(&s->terminal);
        switch (more & 0x18) {
        case 0x08:
                s->terminal.type = 0x23;
                break;
        case 0x10:
                s->terminal.type = 0x14;
                break;
        case 0x18:
                s->terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        }
        s->terminal.additional_capabilities[0] = 0xe0;
        s->terminal.additional_capabilities[4] = 0x01;
        s->terminal.n_applications = 2;
        s->terminal.applications[0] = application;
        s->terminal.applications[1] = application;
        s->terminal.applications[1].aid = (struct emv_aid){ 7, { 0xa0, 0x00, 0x00, 0x00, 0x04, 0x10, 0x10 } };
        s->terminal.applications[1].partial = more >> 5 & 1;
        if (more & 0x40)
                memset(s->terminal.applications[0].tac_default, 0xff, EMV_TVR_SIZE);
        s->terminal.n_ca_keys = 1;
        memcpy(s->terminal.ca_keys[0].rid, application.aid.data, EMV_RID_SIZE);
        s->terminal.ca_keys[0].index = 0xee;
        s->terminal.ca_keys[0].test = 1;
        /* Any odd number is a key to what is only power and remainder. */
        if (more & 0x80) {
                s->terminal.capabilities[2] = 0xc8;
                s->terminal.ca_keys[0].exponent = 3;
                s->terminal.ca_keys[0].modulus_size = 80;
                memset(s->terminal.ca_keys[0].modulus, 0xa7, 80);
        }
        check(message_check(as_message(s, sizeof(*s)), sizeof(*s), MESSAGE_FROM_TILLD) == 0);

        message_init(&p->answer, MESSAGE_ONLINE_ANSWER);
        p->answer.online = (uint8_t) (EMV_ONLINE_ANSWERED + (choice >> 1 & 3) % 3);
        if (p->answer.online == EMV_ONLINE_ANSWERED) {
                p->answer.approved = choice & 1;
                memcpy(p->answer.arc, choice & 1 ? "00" : "05", 2);
                p->answer.issuer_authentication_size = 8;
                p->answer.scripts_size = 18;
                memcpy(p->answer.scripts, "\x71\x07\x86\x05\x84\x24\x00\x00\x00\x72\x07\x86\x05\x84\x18\x00\x00\x00",
                       18);
        }
        p->choice = choice;
        p->own_answer = (choice & 0x06) == 0x06;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct emv_callbacks callbacks = {
                .transmit = transmit,
                .prompt = prompt,
                .recall = recall,
                .choose = choose,
                .online = online,
                .verify_pin = verify_pin,
        };
        static struct play p;
        struct message_outcome o;
        const char *reason;

        if (size == 0)
                return 0;
        memset(&p, 0, sizeof(p));
        prepare(&p, data[0], data[size - 1]);
        p.data = data + 1;
        p.size = size - 1;
        emv_run(&p.start, &callbacks, &p, &o);

        check(message_check(as_message(&o, sizeof(o)), sizeof(o), MESSAGE_FROM_WORKER) == 0);
        check(o.online == p.online);
        if (o.outcome == EMV_OUTCOME_APPROVED) {
                check(p.start.steps <= EMV_STEPS_ONLINE && o.result.cryptogram_type == 0x40);
                if (p.online && p.answer.online == EMV_ONLINE_ANSWERED)
                        check(p.answer.approved);
                else
                        check(p.start.offline_allowed && p.start.steps == EMV_STEPS_FULL &&
                              p.answer.online != (p.online ? EMV_ONLINE_NO_ANSWER : 0));
        }
        if (o.reason == EMV_REASON_ABORTED)
                return 0;
        if (message_check_outcome(&p.start, p.online ? &p.request : NULL, p.online ? &p.answer : NULL, &o, &reason) <
            0)
                check(streq(reason, "PAN and track 2 are of different cards"));
        return 0;
}
