// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * card-worker: runs EMV against the card in a reader, for one transaction of tilld.
 *
 * It is started with the EMV node as descriptor 3 and a socket to tilld as 4 (emv/message.h), has
 * nothing else, and gives up what it does not need before it reads the first message: no file, no
 * network, no new descriptor, no privilege, no core dump. It ends with its OUTCOME, or at once when
 * tilld closes the socket or sends SIGTERM; the kernel then powers the card off with the last
 * descriptor.
 */

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"
#include "base/secret.h"
#include "emv/atr.h"
#include "emv/emv.h"
#include "helpers/sandbox.h"
#include "kernel/include/uapi/linux/till.h"

/* dwFeatures of CCID: the reader chooses the voltage. */
#define CCID_AUTOMATIC_VOLTAGE 0x0c /* at activation, or always */

/* Cold reset, then a warm one (EMV Book 1, 8.1). */
#define RESETS_MAX 2

struct worker {
        union message in; /* START at first, and what tilld answers later */
        struct message_start start;
        union message out;
        struct till_emv_info info;
        uint32_t insertions; /* of the card that the transaction is with */
        bool has_card;       /* insertions counts */
};

static uint64_t now_ms(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* The socket */

static int send_message(struct worker *w) {
        ssize_t n = send(WORKER_FD_TILLD, &w->out, w->out.header.size, MSG_NOSIGNAL);

        explicit_bzero(&w->out, w->out.header.size);
        return n < 0 ? -ECANCELED : 0;
}

static int send_prompt(struct worker *w, enum emv_prompt prompt) {
        message_init(&w->out, MESSAGE_PROMPT);
        w->out.prompt.prompt = (uint8_t) prompt;
        return send_message(w);
}

static int send_card(struct worker *w, enum emv_card card) {
        message_init(&w->out, MESSAGE_CARD);
        w->out.card.card = (uint8_t) card;
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

/* The node */

static int node_state(struct till_emv_state *ret) {
        *ret = (struct till_emv_state){ .size = sizeof(*ret) };
        if (ioctl(WORKER_FD_READER, TILL_EMV_GET_STATE, ret) < 0)
                return -errno;
        return 0;
}

/* Whether the card is still the one that the transaction began with. */
static int check_same_card(const struct worker *w) {
        struct till_emv_state state;
        int r;

        r = node_state(&state);
        if (r < 0)
                return r;
        if (w->has_card && (state.card == TILL_EMV_CARD_ABSENT || state.insertions != w->insertions))
                return -ENOMEDIUM;
        return 0;
}

/*
 * Waits for the node (events besides EPOLLPRI), or the socket when it may speak. Returns the node's events, 0
 * when only the socket has something, -ETIMEDOUT, -ENODEV, -ENOMEDIUM, -ECANCELED when tilld is gone or
 * speaks out of turn.
 */
static int wait_event(struct worker *w, short events, bool expect_message, uint64_t deadline) {
        for (;;) {
                struct pollfd fds[] = {
                        { .fd = WORKER_FD_READER, .events = (short) (events | POLLPRI) },
                        { .fd = WORKER_FD_TILLD, .events = POLLIN },
                };
                uint64_t now = now_ms();
                int r;

                if (now >= deadline)
                        return -ETIMEDOUT;
                r = poll(fds, ELEMENTSOF(fds), (int) MIN(deadline - now, (uint64_t) INT32_MAX));
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r <= 0)
                        continue;

                if (fds[1].revents && !(expect_message && fds[1].revents & POLLIN))
                        return -ECANCELED;
                if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
                        return -ENODEV;
                /* Asking for the state is also what takes the event back. */
                if (fds[0].revents & POLLPRI) {
                        r = check_same_card(w);
                        if (r < 0)
                                return r;
                }
                if (fds[0].revents & (events | POLLPRI))
                        return fds[0].revents;
                if (fds[1].revents)
                        return 0;
        }
}

static int transmit_failed(struct worker *w, int error) {
        int r;

        /* A card that is drawn out breaks the exchange before the slot tells. */
        r = check_same_card(w);
        return r < 0 ? r : error;
}

static int worker_transmit(void *userdata, const uint8_t *command, size_t size,
                           uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        struct worker *w = userdata;
        uint64_t deadline = now_ms() + w->start.step_ms;
        int r;

        if (write(WORKER_FD_READER, command, size) < 0)
                return transmit_failed(w, -errno);
        for (;;) {
                ssize_t n;

                r = wait_event(w, POLLIN, false, deadline);
                if (r < 0) {
                        (void) ioctl(WORKER_FD_READER, TILL_EMV_ABORT);
                        return r;
                }
                if (!(r & POLLIN))
                        continue;
                n = read(WORKER_FD_READER, response, APDU_RESPONSE_MAX);
                if (n >= 0) {
                        *ret_size = (size_t) n;
                        return 0;
                }
                if (errno == EMSGSIZE)
                        return -EBADMSG;
                if (errno != EAGAIN && errno != EINTR)
                        return transmit_failed(w, -errno);
        }
}

/* The questions */

static int worker_prompt(void *userdata, enum emv_prompt prompt) {
        return send_prompt(userdata, prompt);
}

/* Sends w->out and waits for the answer, the card staying in. */
static int ask(struct worker *w, enum message_type type) {
        uint64_t deadline = now_ms() + w->start.answer_ms;
        int r;

        r = send_message(w);
        if (r < 0)
                return r;
        for (;;) {
                r = wait_event(w, 0, true, deadline);
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

static uint32_t choose_voltage(const struct till_emv_info *info) {
        if (info->ccid_features & CCID_AUTOMATIC_VOLTAGE)
                return TILL_EMV_VOLTAGE_AUTO;
        if (info->voltages & 1)
                return TILL_EMV_VOLTAGE_5V;
        return info->voltages & 2 ? TILL_EMV_VOLTAGE_3V : TILL_EMV_VOLTAGE_1V8;
}

/* One reset. 0 with an answer that EMV accepts, -EPROTO with another or none, or what ends the transaction. */
static int reset_card(struct worker *w, bool warm) {
        struct till_emv_power power = { .size = sizeof(power), .voltage = choose_voltage(&w->info) };
        const char *reason = "malformed";
        struct atr atr;
        int r;

        if (ioctl(WORKER_FD_READER, TILL_EMV_POWER_ON, &power) < 0) {
                if (errno == EINTR)
                        return -EPROTO;
                r = transmit_failed(w, -errno);
                return r == -EIO || r == -ETIMEDOUT || r == -EPROTO || r == -ECONNRESET ? -EPROTO : r;
        }
        if (atr_parse(power.atr, MIN(power.atr_length, (uint32_t) sizeof(power.atr)), &atr) >= 0 &&
            atr_check(&atr, warm, &reason) >= 0)
                return 0;
        log_notice("The card's answer to reset is not of EMV: %s", reason);
        return -EPROTO;
}

static int power_on(struct worker *w) {
        int r = -EPROTO;

        for (unsigned i = 0; i < RESETS_MAX && r == -EPROTO; i++)
                r = reset_card(w, i > 0);
        return r;
}

/* Until a card is in the slot, or until none is. */
static int wait_slot(struct worker *w, bool present, uint64_t deadline) {
        struct till_emv_state state;
        int r;

        w->has_card = false;
        for (;;) {
                r = node_state(&state);
                if (r < 0)
                        return r;
                if ((state.card != TILL_EMV_CARD_ABSENT) == present)
                        break;
                r = wait_event(w, 0, false, deadline);
                if (r < 0)
                        return r;
        }
        w->insertions = state.insertions;
        w->has_card = present;
        return state.card == TILL_EMV_CARD_POWERED;
}

static int wait_card(struct worker *w, uint64_t deadline) {
        struct till_emv_state state;
        int r;

        r = node_state(&state);
        if (r < 0)
                return r;
        if (state.card == TILL_EMV_CARD_ABSENT) {
                r = send_prompt(w, EMV_PROMPT_INSERT_CARD);
                if (r < 0)
                        return r;
        }
        r = wait_slot(w, true, deadline);
        if (r < 0)
                return r;
        /* Left on by whoever had the reader before: the first reset has to be a cold one. */
        if (r > 0 && ioctl(WORKER_FD_READER, TILL_EMV_POWER_OFF) < 0)
                return transmit_failed(w, -errno);
        r = send_card(w, EMV_CARD_INSERTED);
        if (r < 0)
                return r;
        return send_prompt(w, EMV_PROMPT_READING);
}

static int tell_removal(struct worker *w, uint64_t deadline) {
        int r;

        r = send_prompt(w, EMV_PROMPT_REMOVE_CARD);
        if (r < 0)
                return r;
        r = wait_slot(w, false, deadline);
        if (r < 0)
                return r;
        return send_card(w, EMV_CARD_REMOVED);
}

/* Until a card has answered to reset. A mute one may be turned over. Time runs for all of it together. */
static int find_card(struct worker *w, bool *ret_mute) {
        uint64_t deadline = now_ms() + w->start.card_ms;
        int r;

        for (;;) {
                r = wait_card(w, deadline);
                if (r < 0)
                        return r;
                r = power_on(w);
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
                .choose = worker_choose,
                .online = worker_online,
        };
        struct message_outcome *outcome = &w->out.outcome;
        bool mute = false;
        int r;

        w->info = (struct till_emv_info){ .size = sizeof(w->info) };
        if (ioctl(WORKER_FD_READER, TILL_EMV_GET_INFO, &w->info) < 0) {
                fill_failure(w, EMV_REASON_READER);
                return;
        }
        /* T=0 and T=1 are the worker's where the reader leaves them to it; it does not have them. */
        if (w->info.level != TILL_EMV_LEVEL_SHORT_APDU && w->info.level != TILL_EMV_LEVEL_EXTENDED_APDU) {
                log_error("The EMV reader works at TPDU level, which is not supported: use one that takes APDUs");
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
        uint64_t deadline;
        int r;

        do
                r = receive_message(w, MESSAGE_START);
        while (r == -EAGAIN && poll(&(struct pollfd){ .fd = WORKER_FD_TILLD, .events = POLLIN }, 1, 10000) > 0);
        if (r < 0)
                return r;
        w->start = w->in.start;

        run_card(w);
        (void) ioctl(WORKER_FD_READER, TILL_EMV_POWER_OFF);
        r = send_message(w);
        if (r < 0)
                return r;

        deadline = now_ms() + w->start.removal_ms;
        if (w->has_card && w->start.removal_ms > 0)
                (void) tell_removal(w, deadline);
        return 0;
}

int main(void) {
        _cleanup_secret_ struct worker *w = NULL;
        int r;

        log_parse_environment();
        w = secret_new(sizeof(*w));
        if (!w) {
                log_oom();
                return EXIT_FAILURE;
        }
        r = sandbox_enter();
        if (r < 0) {
                log_error_errno(r, "Cannot enter the sandbox");
                return EXIT_FAILURE;
        }
        r = worker_run(w);
        /* tilld has gone, or wants it to end. */
        if (r < 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
