/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card-worker for tests: a process that runs emv/ over a simulated card and claims what comes of it. In the place
 * of the reader it gets a file that says which card is in and what happens to it.
 */

#include <sys/prctl.h>
#include <sys/socket.h>

#include "card/icc.h"
#include "emv/emv.h"

/* What the test asks of it; it comes in the place of the reader. */
struct behaviour {
        char card[32];
        unsigned attack;
        int remove_at; /* the exchange before which the card is drawn; -1: never */
};

/* What the worker tells the test, behind that in the same file. */
struct note {
        uint32_t pass;  /* time is to pass, in seconds, once all was heard that was said before */
        uint32_t asked; /* the acquirer's word was asked for, and whatever else was said with it */
};

static struct {
        struct behaviour is;
        struct note note;
        struct message_start start;
        union message in, out;
        struct icc *icc;
        int exchanges;
        bool answered; /* ONLINE_ANSWER came */
        void (*tamper)(union message *m);
} worker;

/* As it is, whatever it is. */
static void worker_say_raw(const void *message, size_t size) {
        if (send(WORKER_FD_TILLD, message, size, MSG_NOSIGNAL) < 0)
                _exit(3);
}

static void worker_note(void) {
        if (pwrite(WORKER_FD_READER, &worker.note, sizeof(worker.note), sizeof(worker.is)) != sizeof(worker.note))
                _exit(10);
}

/* A test may change it, or drop it by taking its size. */
static void worker_say(union message *m) {
        if (worker.tamper)
                worker.tamper(m);
        if (m->header.size > 0)
                worker_say_raw(m, m->header.size);
}

static int worker_hear(enum message_type type) {
        ssize_t n = recv(WORKER_FD_TILLD, &worker.in, sizeof(worker.in), MSG_TRUNC);

        if (n <= 0 || message_check(&worker.in, (size_t) n, MESSAGE_FROM_TILLD) < 0 || worker.in.header.type != type)
                return -ECANCELED;
        return 0;
}

static void worker_say_prompt(enum emv_prompt prompt, const char *language) {
        message_init(&worker.out, MESSAGE_PROMPT);
        worker.out.prompt.prompt = (uint8_t) prompt;
        COPY(worker.out.prompt.language, language);
        worker_say(&worker.out);
}

static int worker_transmit(void *userdata, const uint8_t *command, size_t size,
                           uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        static uint8_t buffer[ICC_RESPONSE_MAX];
        ssize_t n;

        if (worker.is.remove_at >= 0 && worker.exchanges >= worker.is.remove_at)
                return -ENOMEDIUM;
        worker.exchanges++;
        n = icc_transmit(worker.icc, command, size, buffer);
        if (n < 2 || n > APDU_RESPONSE_MAX)
                _exit(4);
        memcpy(response, buffer, (size_t) n);
        *ret_size = (size_t) n;
        return 0;
}

static int worker_prompt(void *userdata, enum emv_prompt prompt, const char *language) {
        worker_say_prompt(prompt, language);
        return 0;
}

static int worker_choose(void *userdata, const struct message_prompt *prompt, struct message_choice *ret) {
        int r;

        worker.out.prompt = *prompt;
        worker_say(&worker.out);
        r = worker_hear(MESSAGE_CHOICE);
        if (r < 0)
                return r;
        *ret = worker.in.choice;
        return 0;
}

static int worker_recall(void *userdata, const struct emv_card_data *card, struct emv_memory *ret) {
        int r;

        message_init(&worker.out, MESSAGE_RECALL);
        memcpy(worker.out.recall.pan, card->pan, sizeof(card->pan));
        worker_say(&worker.out);
        if (worker.out.header.size == 0)
                return 0;
        r = worker_hear(MESSAGE_MEMORY);
        if (r < 0)
                return r;
        ret->exception = worker.in.memory.exception;
        ret->earlier = worker.in.memory.earlier;
        return 0;
}

static int worker_online(void *userdata, const struct message_online_request *request,
                         struct message_online_answer *ret) {
        int r;

        worker.out.online_request = *request;
        worker_say(&worker.out);
        worker.note.asked = true;
        worker_note();
        r = worker_hear(MESSAGE_ONLINE_ANSWER);
        if (r < 0)
                return r;
        worker.answered = true;
        *ret = worker.in.online_answer;
        return 0;
}

/* The person at the keypad knows the PIN of the simulated card. */
static int worker_verify_pin(void *userdata, uint16_t *ret_sw) {
        static const uint8_t command[] = {
                0x00, 0x20, 0x00, 0x80, 0x08, 0x24, 0x12, 0x34, 0xff, 0xff, 0xff, 0xff, 0xff
        };
        uint8_t response[APDU_RESPONSE_MAX];
        size_t n = 0;
        int r;

        r = worker_transmit(userdata, command, sizeof(command), response, &n);
        if (r < 0)
                return r;
        *ret_sw = (uint16_t) (response[n - 2] << 8 | response[n - 1]);
        return 0;
}

static int be_worker(void (*tamper)(union message *m)) {
        static const struct emv_callbacks callbacks = {
                .transmit = worker_transmit,
                .prompt = worker_prompt,
                .recall = worker_recall,
                .choose = worker_choose,
                .online = worker_online,
                .verify_pin = worker_verify_pin,
        };
        struct sim_card *card = NULL;
        uint8_t atr[ICC_ATR_MAX];

        worker.tamper = tamper;
        /* A worker that hangs on purpose does not outlive a test that was killed. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return 11;
        if (pread(WORKER_FD_READER, &worker.is, sizeof(worker.is), 0) != sizeof(worker.is))
                return 5;
        setenv("TILL_SIM_CARDS", "tests/sim/cards", 1);
        if (sim_card_load(worker.is.card, &card) < 0 || icc_new(card, &worker.icc) < 0 ||
            icc_power_on(worker.icc, atr) <= 0)
                return 6;
        if (worker_hear(MESSAGE_START) < 0)
                return 7;
        worker.start = worker.in.start;

        worker_say_prompt(EMV_PROMPT_INSERT_CARD, "");
        message_init(&worker.out, MESSAGE_CARD);
        worker.out.card.card = EMV_CARD_INSERTED;
        worker_say(&worker.out);
        worker_say_prompt(EMV_PROMPT_READING, "");
        emv_run(&worker.start, &callbacks, NULL, &worker.out.outcome);
        worker_say(&worker.out);
        return 0;
}
