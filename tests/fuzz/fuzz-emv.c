// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A whole transaction against a card that answers as it likes. The first byte of the input chooses the
 * terminal and the acquirer; then come the card's answers, each with its length in front, 00 for a card that
 * is taken out. Whatever it says, the transaction ends, tilld can read how, and there is no approval that the
 * terminal and the acquirer have not allowed.
 */

#include "emv/emv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct play {
        const uint8_t *data;
        size_t size;
        struct message_start start;
        struct message_online_request request;
        struct message_online_answer answer;
        unsigned online, authentications;
        uint8_t choice;
};

static void check(bool right) {
        if (!right)
                abort();
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        struct play *p = userdata;
        size_t n;

        check(size >= 4 && size <= APDU_COMMAND_MAX);
        if (command[1] == 0x82 && command[0] == 0x00)
                check(++p->authentications <= 1);
        if (p->size == 0 || p->data[0] == 0)
                return -ENOMEDIUM;
        n = MIN((size_t) p->data[0], p->size - 1);
        memcpy(response, p->data + 1, n);
        p->data += 1 + n;
        p->size -= 1 + n;
        *ret_size = n;
        return 0;
}

static int prompt(void *userdata, enum emv_prompt p) {
        check(emv_prompt_to_string(p) != NULL);
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

static int online(void *userdata, const struct message_online_request *m, struct message_online_answer *ret) {
        struct play *p = userdata;
        const char *reason;

        check(++p->online <= 1);
        check(message_check(as_message(m, sizeof(*m)), sizeof(*m), MESSAGE_FROM_WORKER) == 0);
        if (message_check_request(&p->start, m, &reason) < 0)
                return -ECANCELED;
        p->request = *m;
        *ret = p->answer;
        return 0;
}

static void prepare(struct play *p, uint8_t choice) {
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
        emv_terminal_init(&s->terminal);
        s->terminal.n_applications = 1;
        s->terminal.applications[0] = application;
        s->terminal.n_ca_keys = 1;
        memcpy(s->terminal.ca_keys[0].rid, application.aid.data, EMV_RID_SIZE);
        s->terminal.ca_keys[0].index = 0xee;
        s->terminal.ca_keys[0].test = 1;
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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct emv_callbacks callbacks = {
                .transmit = transmit,
                .prompt = prompt,
                .choose = choose,
                .online = online,
        };
        static struct play p;
        struct message_outcome o;
        const char *reason;

        if (size == 0)
                return 0;
        memset(&p, 0, sizeof(p));
        prepare(&p, data[0]);
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
                (void) message_check_outcome(&p.start, p.online ? &p.request : NULL, p.online ? &p.answer : NULL, &o,
                                             &reason);
        }
        return 0;
}
