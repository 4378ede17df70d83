// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * card-worker: runs EMV against the card in a reader, for one transaction of tilld.
 *
 * It is started with the EMV node as descriptor 3 and a socket to tilld as 4 (emv/message.h), has
 * nothing else but standard error, no environment either, and gives up what it does not need before it
 * reads the first message: no file, no network, no new descriptor, no privilege, no core dump, no log.
 * It ends with its OUTCOME, or at once when tilld closes the socket; the kernel then powers the card off
 * with the last descriptor. SIGTERM is not taken: it would end the worker with the card in its memory.
 */

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/secret.h"
#include "emv/emv.h"
#include "helpers/reader.h"
#include "helpers/sandbox.h"

struct worker {
        union message in; /* START at first, and what tilld answers later */
        struct message_start start;
        union message out;
        struct reader reader;
};

/* The socket */

static int send_message(struct worker *w) {
        return send(WORKER_FD_TILLD, &w->out, w->out.header.size, MSG_NOSIGNAL) < 0 ? -ECANCELED : 0;
}

static int send_prompt(struct worker *w, enum emv_prompt prompt, const char *language) {
        message_init(&w->out, MESSAGE_PROMPT);
        w->out.prompt.prompt = (uint8_t) prompt;
        COPY(w->out.prompt.language, language);
        return send_message(w);
}

static int send_card(struct worker *w, enum emv_card card) {
        message_init(&w->out, MESSAGE_CARD);
        w->out.card.card = (uint8_t) card;
        w->out.card.fault = (uint8_t) (card == EMV_CARD_MUTE ? w->reader.fault : ATR_FAULT_NONE);
        return send_message(w);
}

/* The next message into w->in, which has to be of that type. -ECANCELED for anything else. */
static int receive_message(struct worker *w, enum message_type type) {
        ssize_t n;

        n = recv(WORKER_FD_TILLD, &w->in, sizeof(w->in), MSG_TRUNC);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return -EAGAIN;
        if (n <= 0 || (size_t) n > sizeof(w->in))
                return -ECANCELED;
        if (message_check(&w->in, (size_t) n, MESSAGE_FROM_TILLD) < 0 || w->in.header.type != type)
                return -ECANCELED;
        return 0;
}

/* The callbacks */

static int worker_transmit(void *userdata, const uint8_t *command, size_t size,
                           uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        struct worker *w = userdata;

        return reader_transmit(&w->reader, command, size, response, ret_size);
}

static int worker_verify_pin(void *userdata, uint16_t *ret_sw) {
        struct worker *w = userdata;

        return reader_verify_pin(&w->reader, ret_sw);
}

static int worker_prompt(void *userdata, enum emv_prompt prompt, const char *language) {
        return send_prompt(userdata, prompt, language);
}

/* Sends w->out and waits for the answer, the card staying in. */
static int ask(struct worker *w, enum message_type type) {
        uint64_t deadline = reader_now_ms() + w->start.answer_ms;
        int r;

        r = send_message(w);
        if (r < 0)
                return r;
        for (;;) {
                r = reader_wait(&w->reader, 0, true, deadline);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = receive_message(w, type);
                if (r != -EAGAIN)
                        return r;
        }
}

static int worker_choose(void *userdata, const struct message_prompt *prompt, struct message_choice *ret) {
        struct worker *w = userdata;
        int r;

        w->out.prompt = *prompt;
        r = ask(w, MESSAGE_CHOICE);
        if (r < 0)
                return r;
        *ret = w->in.choice;
        return 0;
}

/* Exception file and journal are tilld's. */
static int worker_recall(void *userdata, const struct emv_card_data *card, struct emv_memory *ret) {
        struct worker *w = userdata;
        int r;

        message_init(&w->out, MESSAGE_RECALL);
        memcpy(w->out.recall.pan, card->pan, sizeof(card->pan));
        r = ask(w, MESSAGE_MEMORY);
        if (r < 0)
                return r;
        ret->exception = w->in.memory.exception;
        ret->earlier = w->in.memory.earlier;
        return 0;
}

static int worker_online(void *userdata, const struct message_online_request *request,
                         struct message_online_answer *ret) {
        struct worker *w = userdata;
        int r;

        w->out.online_request = *request;
        r = ask(w, MESSAGE_ONLINE_ANSWER);
        if (r < 0)
                return r;
        *ret = w->in.online_answer;
        return 0;
}

/* The card */

static int wait_card(struct worker *w, uint64_t deadline) {
        struct till_emv_state state;
        int r;

        r = reader_state(&state);
        if (r < 0)
                return r;
        if (state.card == TILL_EMV_CARD_ABSENT) {
                r = send_prompt(w, EMV_PROMPT_INSERT_CARD, "");
                if (r < 0)
                        return r;
        }
        r = reader_wait_slot(&w->reader, true, deadline);
        if (r < 0)
                return r;
        /* Left on by whoever had the reader before: the first reset has to be a cold one. */
        if (r > 0) {
                r = reader_power_off(&w->reader);
                if (r < 0)
                        return r;
        }
        r = send_card(w, EMV_CARD_INSERTED);
        if (r < 0)
                return r;
        return send_prompt(w, EMV_PROMPT_READING, "");
}

static int tell_removal(struct worker *w, uint64_t deadline) {
        int r;

        r = send_prompt(w, EMV_PROMPT_REMOVE_CARD, "");
        if (r < 0)
                return r;
        r = reader_wait_slot(&w->reader, false, deadline);
        if (r < 0)
                return r;
        return send_card(w, EMV_CARD_REMOVED);
}

/* Until a card has answered to reset. A mute one may be turned over. Time runs for all of it together. */
static int find_card(struct worker *w, bool *ret_mute) {
        uint64_t deadline = reader_now_ms() + w->start.card_ms;
        int r;

        for (;;) {
                r = wait_card(w, deadline);
                if (r < 0)
                        return r;
                r = reader_power_on(&w->reader);
                if (r == -ENOMEDIUM) {
                        r = send_card(w, EMV_CARD_REMOVED);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (r != -EPROTO)
                        return r;
                *ret_mute = true;
                r = send_card(w, EMV_CARD_MUTE);
                if (r < 0)
                        return r;
                r = tell_removal(w, deadline);
                if (r < 0)
                        return r;
        }
}

static void fill_failure(struct worker *w, enum emv_reason reason) {
        message_init(&w->out, MESSAGE_OUTCOME);
        w->out.outcome.outcome = EMV_OUTCOME_FAILED;
        w->out.outcome.reason = (uint8_t) reason;
}

/* Leaves the outcome in w->out. */
static void run_card(struct worker *w) {
        static const struct emv_callbacks callbacks = {
                .transmit = worker_transmit,
                .prompt = worker_prompt,
                .recall = worker_recall,
                .choose = worker_choose,
                .online = worker_online,
                .verify_pin = worker_verify_pin,
        };
        struct message_outcome *outcome = &w->out.outcome;
        bool mute = false;
        int r;

        if (reader_init(&w->reader, w->start.step_ms) < 0) {
                fill_failure(w, EMV_REASON_READER);
                return;
        }
        r = find_card(w, &mute);
        if (r < 0) {
                fill_failure(w, r == -ETIMEDOUT && mute ? EMV_REASON_MUTE : emv_reason_from_errno(r));
                return;
        }
        emv_run(&w->start, &callbacks, w, outcome);
}

static int worker_run(struct worker *w) {
        int r;

        do
                r = receive_message(w, MESSAGE_START);
        while (r == -EAGAIN && poll(&(struct pollfd){ .fd = WORKER_FD_TILLD, .events = POLLIN }, 1, 10000) > 0);
        if (r < 0)
                return r;
        w->start = w->in.start;

        run_card(w);
        (void) reader_power_off(&w->reader);
        return send_message(w);
}

static int block_sigterm(void) {
        sigset_t set;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGTERM);
        return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

int main(void) {
        _cleanup_secret_ struct worker *w = NULL;
        int r;

        w = secret_new(sizeof(*w));
        if (!w) {
                log_oom();
                return EXIT_FAILURE;
        }
        r = block_sigterm();
        if (r >= 0)
                r = sandbox_enter();
        if (r < 0) {
                log_error_errno(r, "Cannot enter the sandbox");
                return EXIT_FAILURE;
        }
        /* The filter has no call for it: a line, as of memory that cannot be locked, would end the worker. */
        log_set_max_level(-1);
        r = worker_run(w);
        /* What emv/ and libraries had in their variables; its own memory is wiped with w. */
        secret_wipe_stack();
        /* tilld has gone, or wants it to end. */
        if (r < 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
