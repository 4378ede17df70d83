/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * card-worker in a process of its own, in its sandbox, between a made-up tilld and a made-up EMV node. The
 * node's system calls are replaced by packets over descriptor 3, which the test answers with the simulated
 * card; all else is the program as it is shipped.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "canary.h"
#include "card/contact.h"
#include "card/icc.h"
#include "emv-fixture.h"
#include "emv/atr.h"
#include "emv/emv.h"
#include "helpers/sandbox.h"
#include "kernel/include/uapi/linux/till.h"
#include "usb/keypad.h"
#include "usb/tpdu.h"

/* The node's side of the worker */

enum { CALL_IOCTL, CALL_WRITE, CALL_READ, CALL_POLL };

struct packet {
        uint32_t call;
        uint32_t request; /* of ioctl */
        int32_t result;   /* or a negative errno */
        uint32_t size;
        uint8_t data[512];
};

static inline int node_call(struct packet *p) {
        if (write(3, p, sizeof(*p)) != sizeof(*p) || read(3, p, sizeof(*p)) != sizeof(*p))
                return -ENODEV;
        if (p->result >= 0)
                return p->result;
        errno = -p->result;
        return -1;
}

static inline int node_ioctl(int fd, unsigned request, ...) {
        struct packet p = { .call = CALL_IOCTL, .request = request };
        void *argument = NULL;
        va_list ap;
        int r;

        if (request != TILL_EMV_POWER_OFF && request != TILL_EMV_ABORT) {
                va_start(ap, request);
                argument = va_arg(ap, void *);
                va_end(ap);
        }
        if (argument) {
                p.size = *(uint32_t *) argument;
                memcpy(p.data, argument, p.size);
        }
        r = node_call(&p);
        if (r >= 0 && argument)
                memcpy(argument, p.data, p.size);
        explicit_bzero(&p, sizeof(p));
        return r;
}

static inline ssize_t node_write(int fd, const void *data, size_t size) {
        struct packet p = { .call = CALL_WRITE, .size = (uint32_t) size };

        int r;

        memcpy(p.data, data, size);
        r = node_call(&p);
        explicit_bzero(&p, sizeof(p));
        return r;
}

static inline ssize_t node_read(int fd, void *data, size_t size) {
        struct packet p = { .call = CALL_READ };
        int r = node_call(&p);

        if (r >= 0)
                memcpy(data, p.data, (size_t) r);
        explicit_bzero(&p, sizeof(p));
        return r;
}

static inline int node_poll(struct pollfd *fds, nfds_t n, int timeout) {
        if (n == 1)
                return poll(fds, n, timeout);
        for (int waited = 0; waited <= timeout; waited += 2) {
                struct packet p = { .call = CALL_POLL };
                int r = node_call(&p);

                if (r < 0)
                        return r;
                fds[0].revents = (short) (r & (fds[0].events | POLLERR | POLLHUP));
                r = poll(fds + 1, 1, fds[0].revents ? 0 : 2);
                if (r < 0)
                        return r;
                if (fds[0].revents || fds[1].revents)
                        return 1;
        }
        return 0;
}

#define main card_worker_main
#define ioctl(fd, ...) node_ioctl(fd, __VA_ARGS__)
#define poll(...) node_poll(__VA_ARGS__)
#define read(...) node_read(__VA_ARGS__)
#define write(...) node_write(__VA_ARGS__)
int card_worker_main(void);
#include "daemon/helpers/reader.c"
#include "daemon/helpers/card-worker.c"
#undef main
#undef ioctl
#undef poll
#undef read
#undef write

/* The test's side */

struct fixture {
        pid_t pid;
        int node, tilld;                  /* our ends */
        int (*before)(struct fixture *f); /* in the worker's process, before its program */
        rlim_t lock_max;
        int log[2];
        struct icc *icc;
        struct message_start start;
        union message in;

        /* The slot. */
        bool present, powered, gone;
        uint32_t insertions, level;
        uint64_t event, told;
        uint8_t response[512];
        int response_size; /* 0: none waiting; negative: the errno of a read */
        int exchanges, aborts, power_offs;

        /* At TPDU level, and what the reader is. */
        struct contact *contact;
        uint8_t atr[ICC_ATR_MAX]; /* instead of the card's own, where atr_size is not 0 */
        size_t atr_size;
        uint32_t features, protocols, voltages, max_ifsd, mute_at; /* mute_at: bits as in voltages */
        struct till_emv_parameters parameters;
        unsigned waiting, parameters_refused;
        const char *keys[4]; /* what the person does at the keypad, in order: a PIN, "cancel", "timeout", "refused" */
        unsigned n_keys;
        bool pps_refused;
        char resets[64];

        /* What happens. */
        bool insert_when_asked, remove_when_asked;
        int mute;                     /* resets without an answer */
        bool dead;                    /* the reader says nothing to a reset */
        int remove_at;                /* the exchange during which the card is drawn */
        int unplug_at;                /* … the reader */
        int silent_at;                /* … the card says nothing any more */
        int unheard_at;               /* … the reader has waited for the card and gives up */
        int dead_at;                  /* … the reader says nothing any more, and the driver gives up */
        int close_at;                 /* … tilld goes away */
        enum message_type hang_up_at; /* tilld goes away at that message */
        bool terminate;               /* … all of its processes being sent SIGTERM */

        /* What tilld was told. */
        char seen[256];
        struct message_outcome outcome;
        bool has_outcome;
        enum atr_fault fault; /* of the last card */

        /* What is looked for in its memory. */
        char pan[CANARY_DIGITS_MAX], rest[CANARY_DIGITS_MAX];
        const char *needles[3];
        bool has_online;
        unsigned in_the_middle;
};

static inline void slot_change(struct fixture *f, bool present) {
        f->present = present;
        f->powered = false;
        f->insertions += present;
        f->event++;
}

/* "5", "3" or "1" and "a" of the voltage, with "w" behind it for a warm reset. */
static inline void note_reset(struct fixture *f, uint32_t voltage) {
        size_t n = strlen(f->resets);

        snprintf(f->resets + n, sizeof(f->resets) - n, "%c%s", "a531"[voltage], f -> powered ? "w" : "");
}

static inline int power_on(struct fixture *f, struct till_emv_power *power) {
        uint32_t bit = power->voltage > 0 ? 1U << (power->voltage - 1) : f->voltages;
        int n;

        if (!f->present)
                return -ENOMEDIUM;
        note_reset(f, power->voltage);
        f->powered = false;
        if (power->voltage == TILL_EMV_VOLTAGE_AUTO ? !(f->features & 0x0c) : !(f->voltages & bit))
                return -EOPNOTSUPP;
        if (f->dead)
                return -ETIMEDOUT;
        if (f->mute-- > 0 || !(bit & ~f->mute_at))
                return -EIO;
        n = contact_reset(f->contact, f->icc, f->atr, f->atr_size, power->atr);
        /* What the card's own side makes nothing of is an answer all the same: it is in power->atr. */
        if (n < 0)
                n = (int) f->atr_size;
        assert_true(n > 0);
        power->atr_length = (uint32_t) n;
        f->parameters.protocol = 0;
        memcpy(f->parameters.data, "\x11\x00\x00\x0a\x00", 5);
        f->powered = true;
        return 0;
}

static inline int set_reader_parameters(struct fixture *f, const struct till_emv_parameters *p) {
        if (p->protocol > 1 || p->length != (p->protocol == 0 ? 5 : 7))
                return -EINVAL;
        if (f->parameters_refused > 0) {
                f->parameters_refused--;
                return -EINVAL;
        }
        f->parameters = *p;
        return 0;
}

/* As strict as hardware: at another speed, or with less time than it has asked for, the card is not heard. */
static inline ssize_t tpdu_exchange(struct fixture *f, const uint8_t *block, size_t size, uint8_t *response) {
        bool pps = contact_protocol(f->contact) < 0 && block[0] == 0xff;
        unsigned waiting = f->waiting;

        f->waiting = 0;
        if (pps && f->pps_refused)
                return -EIO;
        if (!pps && (f->parameters.data[0] != contact_speed(f->contact) || contact_waiting(f->contact) > waiting))
                return -EIO;
        if (!pps && f->parameters.protocol == 0)
                return tpdu_exchange_t0(f->contact, block, size, response);
        return contact_exchange(f->contact, block, size, response) ?: -EIO;
}

/* The message of PC_to_RDR_Secure that the driver makes of it (CCID 1.1, 6.1.11). */
static inline void read_template(const struct till_emv_pin *pin, struct keypad *ret) {
        uint8_t data[15 + TILL_EMV_PIN_APDU_MAX] = {
                0,
                pin->timeout,
                pin->format,
                pin->block,
                pin->length_format,
                (uint8_t) pin->digits,
                (uint8_t) (pin->digits >> 8),
                pin->validation,
                pin->messages,
                (uint8_t) pin->language,
                (uint8_t) (pin->language >> 8),
                pin->message,
        };

        memcpy(data + 12, pin->prologue, 3);
        memcpy(data + 15, pin->apdu, pin->apdu_length);
        assert_int_equal(keypad_parse(data, 15 + pin->apdu_length, ret), 0);
}

/* The reader puts the PIN into the card's command; what comes of it is for a read(). */
static inline int verify_pin(struct fixture *f, const struct till_emv_pin *pin) {
        static uint8_t block[BLOCK_MAX], buffer[ICC_RESPONSE_MAX];
        const char *key = f->keys[f->n_keys++];
        struct keypad k;
        size_t n = 0;

        assert_non_null(key);
        if (streq(key, "refused"))
                return -EOPNOTSUPP;
        read_template(pin, &k);
        if (streq(key, "cancel") || streq(key, "timeout")) {
                f->response_size = streq(key, "cancel") ? -ECANCELED : -ETIME;
                return 0;
        }
        assert_int_equal(keypad_fill(&k, key), 0);
        if (f->level == TILL_EMV_LEVEL_TPDU && f->parameters.protocol == 1) {
                memcpy(block, k.prologue, 3);
                n = 3;
        }
        memcpy(block + n, k.apdu, k.apdu_size);
        n += k.apdu_size;
        if (n > k.apdu_size)
                n += contact_edc(block, n, false, block + n);
        f->response_size = (int) (f->level == TILL_EMV_LEVEL_TPDU ? tpdu_exchange(f, block, n, buffer)
                                                                  : icc_transmit(f->icc, block, n, buffer));
        assert_true(f->response_size >= 2);
        memcpy(f->response, buffer, (size_t) f->response_size);
        return 0;
}

static inline int serve_ioctl(struct fixture *f, struct packet *p) {
        struct till_emv_info info = {
                .size = sizeof(info),
                .level = f->level,
                .ccid_features = f->features,
                .voltages = f->voltages,
                .pin_support = f->keys[0] != NULL,
                .protocols = f->protocols,
                .max_ifsd = f->max_ifsd,
                .default_clock = 4000,
                .max_data_rate = 344086,
        };
        struct till_emv_state s = { .size = sizeof(s), .insertions = f->insertions, .event = f->event };
        struct till_emv_power power;
        int r;

        if (f->gone)
                return -ENODEV;
        switch (p->request) {
        case TILL_EMV_GET_INFO:
                memcpy(p->data, &info, sizeof(info));
                return 0;
        case TILL_EMV_GET_STATE:
                s.card = f->powered   ? TILL_EMV_CARD_POWERED
                         : f->present ? TILL_EMV_CARD_PRESENT
                                      : TILL_EMV_CARD_ABSENT;
                f->told = f->event;
                memcpy(p->data, &s, sizeof(s));
                return 0;
        case TILL_EMV_POWER_ON:
                memcpy(&power, p->data, sizeof(power));
                r = power_on(f, &power);
                memcpy(p->data, &power, sizeof(power));
                return r;
        case TILL_EMV_SET_PARAMETERS:
                return set_reader_parameters(f, (const struct till_emv_parameters *) (const void *) p->data);
        case TILL_EMV_VERIFY_PIN:
                return verify_pin(f, (const struct till_emv_pin *) (const void *) p->data);
        case TILL_EMV_SET_WAITING:
                f->waiting = ((const struct till_emv_waiting *) (const void *) p->data)->multiplier;
                return 0;
        case TILL_EMV_POWER_OFF:
                f->power_offs++;
                f->powered = false;
                return 0;
        case TILL_EMV_ABORT:
                f->aborts++;
                f->response_size = 0;
                return 0;
        default:
                return -ENOTTY;
        }
}

static inline int serve_write(struct fixture *f, const struct packet *p) {
        static uint8_t buffer[ICC_RESPONSE_MAX];
        int number = f->exchanges++;
        ssize_t n;

        if (f->gone)
                return -ENODEV;
        if (!f->present || !f->powered)
                return -ENOMEDIUM;
        n = f->level == TILL_EMV_LEVEL_TPDU ? tpdu_exchange(f, p->data, p->size, buffer)
                                            : icc_transmit(f->icc, p->data, p->size, buffer);
        assert_true(n == -EIO || (n >= 2 && n <= (ssize_t) sizeof(f->response)));
        if (n > 0)
                memcpy(f->response, buffer, (size_t) n);
        f->response_size = (int) n;
        if (number == f->remove_at) {
                slot_change(f, false);
                f->response_size = -EIO;
        }
        if (number == f->unplug_at)
                f->gone = true;
        if (number == f->silent_at)
                f->response_size = 0;
        if (number == f->unheard_at)
                f->response_size = -EIO;
        if (number == f->dead_at)
                f->response_size = -ETIMEDOUT;
        if (number == f->close_at)
                f->tilld = safe_close(f->tilld);
        return (int) p->size;
}

static inline int serve_read(struct fixture *f, struct packet *p) {
        int n = f->response_size;

        if (f->gone)
                return -ENODEV;
        if (n > 0)
                memcpy(p->data, f->response, (size_t) n);
        f->response_size = 0;
        return n == 0 ? -ENODATA : n;
}

static inline void serve_node(struct fixture *f) {
        struct packet p;
        ssize_t n = read(f->node, &p, sizeof(p));

        if (n != sizeof(p)) {
                f->node = safe_close(f->node);
                return;
        }
        switch (p.call) {
        case CALL_IOCTL:
                p.result = serve_ioctl(f, &p);
                break;
        case CALL_WRITE:
                p.result = serve_write(f, &p);
                break;
        case CALL_READ:
                p.result = serve_read(f, &p);
                break;
        default:
                p.result = f->gone ? POLLERR | POLLHUP : 0;
                p.result |= f->event != f->told ? POLLPRI : 0;
                p.result |= f->response_size != 0 ? POLLIN : POLLOUT;
        }
        (void) !write(f->node, &p, sizeof(p));
}

static inline void note(struct fixture *f, const char *word) {
        size_t n = strlen(f->seen);

        snprintf(f->seen + n, sizeof(f->seen) - n, "%s%s", n ? " " : "", word);
}

static inline void answer_online(struct fixture *f) {
        struct message_online_answer a;

        message_init(&a, MESSAGE_ONLINE_ANSWER);
        a.online = EMV_ONLINE_ANSWERED;
        a.approved = 1;
        memcpy(a.arc, "00", 2);
        assert_int_equal(send(f->tilld, &a, sizeof(a), 0), sizeof(a));
}

static inline void answer_recall(struct fixture *f) {
        struct message_memory m;

        message_init(&m, MESSAGE_MEMORY);
        assert_int_equal(send(f->tilld, &m, sizeof(m), 0), sizeof(m));
}

static inline void serve_tilld(struct fixture *f) {
        static const char *const cards[] = { NULL, "inserted", "mute", "removed" };
        ssize_t n = recv(f->tilld, &f->in, sizeof(f->in), MSG_TRUNC);

        if (n <= 0) {
                f->tilld = safe_close(f->tilld);
                return;
        }
        assert_int_equal(message_check(&f->in, (size_t) n, MESSAGE_FROM_WORKER), 0);
        if (f->in.header.type == f->hang_up_at) {
                if (f->terminate)
                        assert_int_equal(kill(f->pid, SIGTERM), 0);
                f->tilld = safe_close(f->tilld);
                return;
        }
        switch (f->in.header.type) {
        case MESSAGE_PROMPT:
                note(f, emv_prompt_to_string(f->in.prompt.prompt));
                if (f->in.prompt.prompt == EMV_PROMPT_INSERT_CARD && f->insert_when_asked)
                        slot_change(f, true);
                if (f->in.prompt.prompt == EMV_PROMPT_REMOVE_CARD && f->remove_when_asked)
                        slot_change(f, false);
                break;
        case MESSAGE_CARD:
                note(f, cards[f->in.card.card]);
                f->fault = f->in.card.fault;
                break;
        case MESSAGE_ONLINE_REQUEST:
                note(f, "online");
                f->has_online = true;
                answer_online(f);
                break;
        case MESSAGE_RECALL:
                answer_recall(f);
                break;
        default:
                assert_false(f->has_outcome);
                note(f, emv_outcome_to_string(f->in.outcome.outcome));
                f->outcome = f->in.outcome;
                f->has_outcome = true;
        }
}

/* This program anew, as tilld starts the worker: what it was told as argument 1. */
static inline void become(const char *what, int reader, int tilld) {
        char *const argv[] = { (char *) "card-worker", (char *) what, NULL }, *const envp[] = { NULL };

        if (dup2(reader, WORKER_FD_READER) < 0 || dup2(tilld, WORKER_FD_TILLD) < 0)
                _exit(99);
        (void) execve("/proc/self/exe", argv, envp);
        _exit(98);
}

static inline void spawn_worker(struct fixture *f) {
        int node[2], tilld[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, node), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tilld), 0);
        f->pid = fork();
        assert_true(f->pid >= 0);
        if (f->pid == 0) {
                int n = fcntl(node[1], F_DUPFD, 100), t = fcntl(tilld[1], F_DUPFD, 100);

                if (n < 0 || t < 0 || (f->before && f->before(f) < 0))
                        _exit(99);
                become("worker", n, t);
        }
        close(node[1]);
        close(tilld[1]);
        f->node = node[0];
        f->tilld = tilld[0];
}

/* Serves until the worker has gone, or has said what is waited for. */
static inline void serve(struct fixture *f, const char *until) {
        while (f->node >= 0 && !(until && streq(f->seen, until))) {
                struct pollfd fds[] = { { .fd = f->node, .events = POLLIN }, { .fd = f->tilld, .events = POLLIN } };

                assert_true(poll(fds, 2, 20000) > 0);
                if (fds[0].revents)
                        serve_node(f);
                else if (f->tilld >= 0 && fds[1].revents)
                        serve_tilld(f);
        }
        while (f->tilld >= 0 && !until)
                serve_tilld(f);
}

static inline int wait_worker(struct fixture *f) {
        int status;

        assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
        f->pid = 0;
        return status;
}

/* A whole life. Returns the wait status. */
static inline int run(struct fixture *f) {
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, NULL);
        return wait_worker(f);
}

static inline void assert_exit(int status, int code) {
        if (WIFSIGNALED(status))
                fail_msg("ended by signal %d", WTERMSIG(status));
        assert_int_equal(WEXITSTATUS(status), code);
}

/* Another card, by the name of its file. */
static inline void use_card(struct fixture *f, const char *name) {
        struct sim_card *card = NULL;

        contact_off(f->contact);
        f->icc = icc_free(f->icc);
        assert_int_equal(sim_card_load(name, &card), 0);
        assert_int_equal(icc_new(card, &f->icc), 0);
}

/* As before a transaction: the slot is empty, nothing was seen. */
static inline void anew(struct fixture *f) {
        f->exchanges = 0;
        f->has_outcome = f->has_online = false;
        f->in_the_middle = 0;
        f->seen[0] = f->resets[0] = '\0';
        slot_change(f, false);
}

/* In before it is asked for, so that on a busy machine, too, the time runs out for its removal alone. */
static inline void leave_in(struct fixture *f) {
        slot_change(f, true);
        f->start.card_ms = 100;
}

static inline int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        setenv("TILL_SIM_CARDS", "tests/sim/cards", 1);
        assert_int_equal(contact_new(&f->contact), 0);
        use_card(f, "unionpay");
        fixture_start(&f->start);
        f->start.card_ms = f->start.step_ms = f->start.answer_ms = 20000;
        f->node = f->tilld = -EBADF;
        f->level = TILL_EMV_LEVEL_SHORT_APDU;
        f->features = 0x08;
        f->protocols = 3;
        f->voltages = 7;
        f->max_ifsd = 254;
        f->insert_when_asked = true;
        f->remove_at = f->unplug_at = f->silent_at = f->unheard_at = f->dead_at = f->close_at = -1;
        *state = f;
        return 0;
}

static inline int teardown(void **state) {
        struct fixture *f = *state;

        if (f->pid > 0) {
                kill(f->pid, SIGKILL);
                (void) waitpid(f->pid, NULL, 0);
        }
        safe_close(f->node);
        safe_close(f->tilld);
        contact_free(f->contact);
        icc_free(f->icc);
        free(f);
        return 0;
}
