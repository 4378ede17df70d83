// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/*
 * card-worker in a process of its own, in its sandbox, between a made-up tilld and a made-up EMV node. The
 * node's system calls are replaced by packets over descriptor 3, which the test answers with the simulated
 * card; all else is the program as it is shipped.
 */

#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/log.h"
#include "base/secret.h"
#include "card/contact.h"
#include "canary.h"
#include "card/icc.h"
#include "emv-fixture.h"
#include "emv/atr.h"
#include "emv/emv.h"
#include "emv/tvr.h"
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

static int node_call(struct packet *p) {
        if (write(3, p, sizeof(*p)) != sizeof(*p) || read(3, p, sizeof(*p)) != sizeof(*p))
                return -ENODEV;
        if (p->result >= 0)
                return p->result;
        errno = -p->result;
        return -1;
}

static int node_ioctl(int fd, unsigned request, ...) {
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

static ssize_t node_write(int fd, const void *data, size_t size) {
        struct packet p = { .call = CALL_WRITE, .size = (uint32_t) size };

        int r;

        memcpy(p.data, data, size);
        r = node_call(&p);
        explicit_bzero(&p, sizeof(p));
        return r;
}

static ssize_t node_read(int fd, void *data, size_t size) {
        struct packet p = { .call = CALL_READ };
        int r = node_call(&p);

        if (r >= 0)
                memcpy(data, p.data, (size_t) r);
        explicit_bzero(&p, sizeof(p));
        return r;
}

static int node_poll(struct pollfd *fds, nfds_t n, int timeout) {
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
        int node, tilld; /* our ends */
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
        uint32_t features, voltages, max_ifsd, mute_at; /* mute_at: bits as in voltages */
        struct till_emv_parameters parameters;
        unsigned waiting, parameters_refused;
        const char *keys[4]; /* what the person does at the keypad, in order: a PIN, "cancel", "timeout", "refused" */
        unsigned n_keys;
        bool pps_refused;
        char resets[64];

        /* What happens. */
        bool insert_when_asked, remove_when_asked;
        int mute;                     /* resets without an answer */
        int remove_at;                /* the exchange during which the card is drawn */
        int unplug_at;                /* … the reader */
        int silent_at;                /* … the card says nothing any more */
        int close_at;                 /* … tilld goes away */
        enum message_type hang_up_at; /* tilld goes away at that message */

        /* What tilld was told. */
        char seen[256];
        struct message_outcome outcome;
        bool has_outcome;

        /* What is looked for in its memory. */
        char pan[CANARY_DIGITS_MAX], rest[CANARY_DIGITS_MAX];
        const char *needles[3];
        bool has_online;
        unsigned in_the_middle;
};

static void slot_change(struct fixture *f, bool present) {
        f->present = present;
        f->powered = false;
        f->insertions += present;
        f->event++;
}

/* "5", "3" or "1" and "a" of the voltage, with "w" behind it for a warm reset. */
static void note_reset(struct fixture *f, uint32_t voltage) {
        size_t n = strlen(f->resets);

        snprintf(f->resets + n, sizeof(f->resets) - n, "%c%s", "a531"[voltage], f -> powered ? "w" : "");
}

static int power_on(struct fixture *f, struct till_emv_power *power) {
        uint32_t bit = power->voltage > 0 ? 1U << (power->voltage - 1) : f->voltages;
        int n;

        if (!f->present)
                return -ENOMEDIUM;
        note_reset(f, power->voltage);
        f->powered = false;
        if (power->voltage == TILL_EMV_VOLTAGE_AUTO ? !(f->features & 0x0c) : !(f->voltages & bit))
                return -EOPNOTSUPP;
        if (f->mute-- > 0 || !(bit & ~f->mute_at))
                return -EIO;
        n = contact_reset(f->contact, f->icc, f->atr, f->atr_size, power->atr);
        assert_true(n > 0);
        power->atr_length = (uint32_t) n;
        f->parameters.protocol = 0;
        memcpy(f->parameters.data, "\x11\x00\x00\x0a\x00", 5);
        f->powered = true;
        return 0;
}

static int set_reader_parameters(struct fixture *f, const struct till_emv_parameters *p) {
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
static ssize_t tpdu_exchange(struct fixture *f, const uint8_t *block, size_t size, uint8_t *response) {
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
static void read_template(const struct till_emv_pin *pin, struct keypad *ret) {
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
static int verify_pin(struct fixture *f, const struct till_emv_pin *pin) {
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

static int serve_ioctl(struct fixture *f, struct packet *p) {
        struct till_emv_info info = {
                .size = sizeof(info),
                .level = f->level,
                .ccid_features = f->features,
                .voltages = f->voltages,
                .pin_support = f->keys[0] != NULL,
                .protocols = 3,
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

static int serve_write(struct fixture *f, const struct packet *p) {
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
        if (number == f->close_at)
                f->tilld = safe_close(f->tilld);
        return (int) p->size;
}

static int serve_read(struct fixture *f, struct packet *p) {
        int n = f->response_size;

        if (f->gone)
                return -ENODEV;
        if (n > 0)
                memcpy(p->data, f->response, (size_t) n);
        f->response_size = 0;
        return n == 0 ? -ENODATA : n;
}

static void serve_node(struct fixture *f) {
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

static void note(struct fixture *f, const char *word) {
        size_t n = strlen(f->seen);

        snprintf(f->seen + n, sizeof(f->seen) - n, "%s%s", n ? " " : "", word);
}

static void answer_online(struct fixture *f) {
        struct message_online_answer a;

        message_init(&a, MESSAGE_ONLINE_ANSWER);
        a.online = EMV_ONLINE_ANSWERED;
        a.approved = 1;
        memcpy(a.arc, "00", 2);
        assert_int_equal(send(f->tilld, &a, sizeof(a), 0), sizeof(a));
}

static void answer_recall(struct fixture *f) {
        struct message_memory m;

        message_init(&m, MESSAGE_MEMORY);
        assert_int_equal(send(f->tilld, &m, sizeof(m), 0), sizeof(m));
}

static void serve_tilld(struct fixture *f) {
        static const char *const cards[] = { NULL, "inserted", "mute", "removed" };
        ssize_t n = recv(f->tilld, &f->in, sizeof(f->in), MSG_TRUNC);

        if (n <= 0) {
                f->tilld = safe_close(f->tilld);
                return;
        }
        assert_int_equal(message_check(&f->in, (size_t) n, MESSAGE_FROM_WORKER), 0);
        if (f->in.header.type == f->hang_up_at) {
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
static void become(const char *what, int reader, int tilld) {
        char *const argv[] = { (char *) "test-emv-worker", (char *) what, NULL };

        if (dup2(reader, WORKER_FD_READER) < 0 || dup2(tilld, WORKER_FD_TILLD) < 0)
                _exit(99);
        (void) execv("/proc/self/exe", argv);
        _exit(98);
}

static void spawn_worker(struct fixture *f) {
        int node[2], tilld[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, node), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, tilld), 0);
        f->pid = fork();
        assert_true(f->pid >= 0);
        if (f->pid == 0) {
                int n = fcntl(node[1], F_DUPFD, 100), t = fcntl(tilld[1], F_DUPFD, 100);

                if (n < 0 || t < 0)
                        _exit(99);
                become("worker", n, t);
        }
        close(node[1]);
        close(tilld[1]);
        f->node = node[0];
        f->tilld = tilld[0];
}

/* Serves until the worker has gone, or has said what is waited for. */
static void serve(struct fixture *f, const char *until) {
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

static int wait_worker(struct fixture *f) {
        int status;

        assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
        f->pid = 0;
        return status;
}

/* A whole life. Returns the wait status. */
static int run(struct fixture *f) {
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, NULL);
        return wait_worker(f);
}

static void assert_exit(int status, int code) {
        if (WIFSIGNALED(status))
                fail_msg("ended by signal %d", WTERMSIG(status));
        assert_int_equal(WEXITSTATUS(status), code);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));
        struct sim_card *card = NULL;

        assert_non_null(f);
        setenv("TILL_SIM_CARDS", "tests/sim/cards", 1);
        assert_int_equal(sim_card_load("unionpay", &card), 0);
        assert_int_equal(icc_new(card, &f->icc), 0);
        assert_int_equal(contact_new(&f->contact), 0);
        fixture_start(&f->start);
        f->start.card_ms = f->start.step_ms = f->start.answer_ms = 20000;
        f->node = f->tilld = -EBADF;
        f->level = TILL_EMV_LEVEL_SHORT_APDU;
        f->features = 0x08;
        f->voltages = 7;
        f->max_ifsd = 254;
        f->insert_when_asked = true;
        f->remove_at = f->unplug_at = f->silent_at = f->close_at = -1;
        *state = f;
        return 0;
}

static int teardown(void **state) {
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

static void whole_sale(void **state) {
        struct fixture *f = *state;

        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card inserted reading online approved");
        assert_int_equal(f->outcome.outcome, EMV_OUTCOME_APPROVED);
        assert_int_equal(f->power_offs, 1);
        assert_int_equal(f->aborts, 0);
}

/* RSA behind the system call filter, with each method and the longest keys. */
static void authenticated(void **state) {
        static const struct {
                const char *card;
                uint8_t capable, tvr;
        } cases[] = {
                { "unionpay", 0x80, TVR_SDA_SELECTED },  { "unionpay", 0x40, 0 },  { "unionpay", 0x08, 0 },
                { "long-keys", 0x80, TVR_SDA_SELECTED }, { "long-keys", 0x40, 0 }, { "long-keys", 0x08, 0 },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct sim_card *card = NULL;

                contact_off(f->contact);
                slot_change(f, false);
                f->icc = icc_free(f->icc);
                assert_int_equal(sim_card_load(cases[i].card, &card), 0);
                assert_int_equal(icc_new(card, &f->icc), 0);
                f->start.terminal.capabilities[2] = cases[i].capable;
                f->has_outcome = false;
                f->seen[0] = '\0';
                assert_exit(run(f), EXIT_SUCCESS);
                assert_string_equal(f->seen, "insert-card inserted reading online approved");
                assert_int_equal(f->outcome.result.tvr[0], cases[i].tvr);
                assert_true(f->outcome.result.tsi[0] & TSI_AUTHENTICATION);
        }
}

/* The card is in already, and on: the first reset is a cold one all the same. */
static void card_in_before(void **state) {
        struct fixture *f = *state;

        slot_change(f, true);
        f->powered = true;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "inserted reading online approved");
        assert_int_equal(f->power_offs, 2);
}

static void removed_in_exchange(void **state) {
        struct fixture *f = *state;

        for (int n = 0; n < 14; n++) {
                f->remove_at = n;
                f->exchanges = 0;
                f->has_outcome = false;
                f->seen[0] = '\0';
                slot_change(f, false);
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.outcome, EMV_OUTCOME_FAILED);
                assert_int_equal(f->outcome.reason, EMV_REASON_REMOVED);
                assert_int_equal(f->exchanges, n + 1);
        }
}

static void unplugged(void **state) {
        struct fixture *f = *state;

        f->unplug_at = 5;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_READER);
}

static void silent_card(void **state) {
        struct fixture *f = *state;

        f->silent_at = 5;
        f->start.step_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
        assert_int_equal(f->aborts, 1);
}

static void no_card(void **state) {
        struct fixture *f = *state;

        f->insert_when_asked = false;
        f->start.card_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card failed");
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
}

/* In before it is asked for, so that on a busy machine, too, the time runs out for its removal alone. */
static void leave_in(struct fixture *f) {
        slot_change(f, true);
        f->start.card_ms = 100;
}

static void mute_card(void **state) {
        struct fixture *f = *state;

        /* Cold and warm reset without an answer, then turned over. */
        f->mute = 2;
        f->remove_when_asked = true;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen,
                            "insert-card inserted reading mute remove-card removed insert-card inserted reading "
                            "online approved");
}

static void mute_card_stays(void **state) {
        struct fixture *f = *state;

        f->mute = 2;
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
}

static void tpdu(struct fixture *f, const char *atr) {
        f->level = TILL_EMV_LEVEL_TPDU;
        f->atr_size = fixture_hex(atr, f->atr, sizeof(f->atr));
        f->exchanges = 0;
        f->has_outcome = false;
        f->seen[0] = f->resets[0] = '\0';
        slot_change(f, false);
}

static void assert_sale(struct fixture *f, const char *resets, unsigned protocol, const char *parameters) {
        char text[15];

        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->seen, "insert-card inserted reading online approved");
        assert_string_equal(f->resets, resets);
        assert_int_equal(f->parameters.protocol, protocol);
        hex_encode(f->parameters.data, protocol == 0 ? 5 : 7, text);
        assert_string_equal(text, parameters);
}

static void tpdu_t0(void **state) {
        struct fixture *f = *state;

        tpdu(f, "");
        assert_sale(f, "a", 0, "1100000A00");
        /* Extra guard time, waiting time, inverse convention; NULL bytes, and data one by one. */
        tpdu(f, "3FE000054020");
        contact_set(f->contact, CONTACT_NULL, 200);
        contact_set(f->contact, CONTACT_SINGLE, 1);
        assert_sale(f, "a", 0, "1102052000");
}

static void tpdu_t1(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3BE000008131FE45EB");
        assert_sale(f, "a", 1, "1110004500FE00");
        /* Small fields of both, more time, garbled blocks. */
        tpdu(f, "3BE000008131204535");
        f->max_ifsd = 16;
        contact_set(f->contact, CONTACT_WTX, 7);
        contact_set(f->contact, CONTACT_IFS, 0x18);
        contact_set(f->contact, CONTACT_BAD_EDC, 2);
        contact_set(f->contact, CONTACT_LOSE, 0);
        assert_sale(f, "a", 1, "11100045002000");
}

static void tpdu_speed(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3BF09600008131FE456D");
        assert_sale(f, "a", 1, "9610004500FE00");
        /* Mute at that: reset, and as it was. */
        tpdu(f, "3BF09600008131FE456D");
        f->pps_refused = true;
        assert_sale(f, "aaw", 1, "1110004500FE00");
        /* The card agrees, the reader does not. */
        tpdu(f, "3BF09600008131FE456D");
        f->pps_refused = false;
        f->parameters_refused = 1;
        assert_sale(f, "aaw", 1, "1110004500FE00");
        /* Specific mode: at once. */
        tpdu(f, "3BF01300001000");
        assert_sale(f, "a", 0, "1300000A00");
}

/* The PIN goes from the keypad to the card, at each level; what tilld is told is how it went. */
static void pin(void **state) {
        static const struct {
                uint32_t level;
                const char *atr;
        } readers[] = {
                { TILL_EMV_LEVEL_SHORT_APDU, "" },
                { TILL_EMV_LEVEL_EXTENDED_APDU, "" },
                { TILL_EMV_LEVEL_TPDU, "" },
                { TILL_EMV_LEVEL_TPDU, "3BE000008131204535" },
        };
        static const struct {
                const char *keys[4], *prompts, *cvm, *tvr;
        } persons[] = {
                { { "1234" }, "enter-pin", "410302", "0000008000" },
                { { "4321", "1234" }, "enter-pin wrong-pin", "410302", "0000008000" },
                { { "4321", "000000000000", "1111" }, "enter-pin wrong-pin last-pin", "5E0300", "0000208000" },
                { { "cancel" }, "enter-pin", "5E0300", "0000088000" },
                { { "4321", "timeout" }, "enter-pin wrong-pin", "5E0300", "0000088000" },
                { { "refused" }, "enter-pin", "5E0300", "0000108000" },
        };
        struct fixture *f = *state;
        struct sim_card *card = NULL;

        f->start.terminal.capabilities[1] |= EMV_CAPABILITY_PLAINTEXT_PIN;
        for (size_t i = 0; i < ELEMENTSOF(readers); i++)
                for (size_t j = 0; j < ELEMENTSOF(persons); j++) {
                        char wanted[128], text[11];

                        contact_off(f->contact);
                        f->icc = icc_free(f->icc);
                        assert_int_equal(sim_card_load("pin", &card), 0);
                        assert_int_equal(icc_new(card, &f->icc), 0);
                        tpdu(f, readers[i].atr);
                        f->level = readers[i].level;
                        memcpy(f->keys, persons[j].keys, sizeof(f->keys));
                        f->n_keys = 0;
                        assert_exit(run(f), EXIT_SUCCESS);
                        snprintf(wanted, sizeof(wanted), "insert-card inserted reading %s reading online approved",
                                 persons[j].prompts);
                        assert_string_equal(f->seen, wanted);
                        hex_encode(f->outcome.result.cvm, 3, text);
                        assert_string_equal(text, persons[j].cvm);
                        hex_encode(f->outcome.result.tvr, 5, text);
                        assert_string_equal(text, persons[j].tvr);
                        assert_int_equal(f->aborts, 0);
                }
}

/* Book 1, 8.1: an answer that is not accepted gets a warm reset, which is less strict. */
static void warm_reset(void **state) {
        struct fixture *f = *state;

        tpdu(f, "3B4000");
        assert_sale(f, "aaw", 0, "1100000A00");

        tpdu(f, "3BE000004000");
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->resets, "aaw");
        assert_string_equal(f->seen, "inserted reading mute remove-card failed");
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
}

/* Class A, B, C, as far as the reader has them; a card that says what is not of EMV is not tried at another. */
static void voltages(void **state) {
        struct fixture *f = *state;

        f->features = 0;
        tpdu(f, "");
        assert_sale(f, "5", 0, "1100000A00");
        f->mute_at = 1;
        tpdu(f, "");
        assert_sale(f, "53", 0, "1100000A00");
        f->mute_at = 3;
        tpdu(f, "");
        assert_sale(f, "531", 0, "1100000A00");
        f->voltages = 5;
        tpdu(f, "");
        assert_sale(f, "51", 0, "1100000A00");
        f->voltages = 7;
        f->mute_at = 0;
        tpdu(f, "3B4000");
        assert_sale(f, "55w", 0, "1100000A00");
        f->mute_at = 7;
        tpdu(f, "");
        leave_in(f);
        assert_exit(run(f), EXIT_SUCCESS);
        assert_string_equal(f->resets, "531");
        assert_int_equal(f->outcome.reason, EMV_REASON_MUTE);
}

/* The card is drawn, the reader unplugged, the card silent, at each exchange of T=1. */
static void tpdu_ends(void **state) {
        struct fixture *f = *state;

        for (int n = 1; n < 17; n += 3) {
                tpdu(f, "3BE000008131204535");
                f->remove_at = n;
                assert_exit(run(f), EXIT_SUCCESS);
                assert_int_equal(f->outcome.reason, EMV_REASON_REMOVED);
        }
        f->remove_at = -1;
        tpdu(f, "3BE000008131204535");
        f->silent_at = 5;
        f->start.step_ms = 50;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_TIMEOUT);
        f->silent_at = -1;
        f->start.step_ms = 20000;

        tpdu(f, "3BE000008131204535");
        f->unplug_at = 5;
        assert_exit(run(f), EXIT_SUCCESS);
        assert_int_equal(f->outcome.reason, EMV_REASON_READER);
}

/* tilld goes away: before START, with the card awaited, in an exchange, before its answer. */
static void tilld_gone(void **state) {
        struct fixture *f = *state;

        spawn_worker(f);
        f->tilld = safe_close(f->tilld);
        serve(f, NULL);
        assert_exit(wait_worker(f), EXIT_FAILURE);

        f->hang_up_at = MESSAGE_PROMPT;
        f->insert_when_asked = false;
        assert_exit(run(f), EXIT_FAILURE);

        f->hang_up_at = MESSAGE_ONLINE_REQUEST;
        slot_change(f, true);
        assert_exit(run(f), EXIT_FAILURE);

        f->hang_up_at = 0;
        f->exchanges = 0;
        f->close_at = 3;
        assert_exit(run(f), EXIT_FAILURE);
        assert_false(f->has_outcome);
}

static void terminated(void **state) {
        struct fixture *f = *state;
        int status;

        f->insert_when_asked = false;
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, "insert-card");
        assert_int_equal(kill(f->pid, SIGTERM), 0);
        status = wait_worker(f);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void not_a_start(void **state) {
        struct fixture *f = *state;

        f->start.mode = 9;
        assert_exit(run(f), EXIT_FAILURE);
        f->start.mode = EMV_MODE_TEST;
        f->start.header.version++;
        assert_exit(run(f), EXIT_FAILURE);
        assert_string_equal(f->seen, "");
        assert_int_equal(f->exchanges, 0);
}

/* Lets the worker run until it is about to end, its memory still there. Its wait status as at an exit. */
static int run_to_exit(struct fixture *f) {
        int status = 0;

        spawn_worker(f);
        assert_int_equal(ptrace(PTRACE_SEIZE, f->pid, NULL, PTRACE_O_TRACEEXIT), 0);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        while (waitpid(f->pid, &status, WNOHANG | __WALL) == 0) {
                struct pollfd fds[] = { { .fd = f->node, .events = POLLIN }, { .fd = f->tilld, .events = POLLIN } };

                if (poll(fds, 2, 10) <= 0)
                        continue;
                if (fds[0].revents)
                        serve_node(f);
                if (fds[1].revents)
                        serve_tilld(f);
                /* The control: what is looked for is found where it has to be. */
                if (f->has_online && f->in_the_middle == 0) {
                        assert_int_equal(ptrace(PTRACE_INTERRUPT, f->pid, NULL, NULL), 0);
                        assert_int_equal(waitpid(f->pid, &status, __WALL), f->pid);
                        f->in_the_middle = canary_scan(f->pid, f->needles);
                        assert_int_equal(ptrace(PTRACE_CONT, f->pid, NULL, NULL), 0);
                }
        }
        assert_int_equal(status >> 8, SIGTRAP | PTRACE_EVENT_EXIT << 8);
        while (poll(&(struct pollfd){ .fd = f->tilld, .events = POLLIN }, 1, 0) > 0)
                serve_tilld(f);
        return status;
}

/* PAN and the rest of track 2 of the card's first application, whose discretionary data nothing else has. */
static void find_needles(struct fixture *f) {
        size_t size;
        const uint8_t *track = sim_card_find(icc_card(f->icc)->applications, 0x57, &size);

        assert_non_null(track);
        assert_int_equal(track[8] >> 4, 0xd);
        hex_encode(track, 8, f->pan);
        for (size_t i = 0; i < 15; i++)
                f->rest[i] = (char) ('0' + (i % 2 ? track[(i + 17) / 2] >> 4 : track[(i + 17) / 2] & 0x0f));
        f->needles[0] = f->pan;
        f->needles[1] = f->rest;
}

static void leaves_nothing(struct fixture *f, const char *name, enum emv_outcome outcome) {
        struct sim_card *card = NULL;
        unsigned left;
        int status;

        f->contact = contact_free(f->contact);
        f->icc = icc_free(f->icc);
        assert_int_equal(sim_card_load(name, &card), 0);
        assert_int_equal(icc_new(card, &f->icc), 0);
        assert_int_equal(contact_new(&f->contact), 0);
        find_needles(f);
        slot_change(f, false);
        f->exchanges = 0;
        f->has_outcome = f->has_online = false;
        f->in_the_middle = 0;
        f->seen[0] = '\0';

        status = run_to_exit(f);
        left = canary_scan(f->pid, f->needles);
        assert_int_equal(ptrace(PTRACE_CONT, f->pid, NULL, NULL), 0);
        assert_int_equal(waitpid(f->pid, &status, __WALL), f->pid);
        f->pid = 0;
        f->node = safe_close(f->node);
        f->tilld = safe_close(f->tilld);

        assert_int_equal(f->outcome.outcome, outcome);
        if (f->has_online)
                assert_true(f->in_the_middle > 4);
        if (left > 0)
                fail_msg("%s: %u canaries after %d exchanges", name, left, f->exchanges);
}

/* At its end nothing of the card is in the worker's memory: stack, heap, libcrypto's. */
static void no_canary(void **state) {
        struct fixture *f = *state;

        if (geteuid() != 0) {
                print_message("skipped: who is not root cannot look into the worker\n");
                skip();
        }
        leaves_nothing(f, "unionpay", EMV_OUTCOME_APPROVED);
        leaves_nothing(f, "visa", EMV_OUTCOME_APPROVED);
        leaves_nothing(f, "offline-declined", EMV_OUTCOME_DECLINED);
        for (f->remove_at = 4; f->remove_at < 14; f->remove_at++)
                leaves_nothing(f, "unionpay", EMV_OUTCOME_FAILED);
}

static void assert_proc(pid_t pid, const char *file, const char *line) {
        char path[64], text[4096] = "";
        FILE *p;

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        p = fopen(path, "re");
        assert_non_null(p);
        (void) !fread(text, 1, sizeof(text) - 1, p);
        fclose(p);
        if (!strstr(text, line))
                fail_msg("%s does not have \"%s\"", path, line);
}

/* Seen from outside, while it waits for a card. */
static void sandboxed(void **state) {
        struct fixture *f = *state;
        char path[64];

        f->insert_when_asked = false;
        spawn_worker(f);
        assert_int_equal(send(f->tilld, &f->start, sizeof(f->start), 0), sizeof(f->start));
        serve(f, "insert-card");
        assert_proc(f->pid, "status", "NoNewPrivs:\t1");
        assert_proc(f->pid, "status", "Seccomp:\t2");
        assert_proc(f->pid, "limits", "Max core file size        0                    0");
        assert_proc(f->pid, "limits", "Max processes             0                    0");
        assert_proc(f->pid, "limits", "Max file size             0                    0");
        assert_proc(f->pid, "limits", "Max open files            5                    5");
        assert_proc(f->pid, "limits", "Max address space         268435456            268435456");
        assert_proc(f->pid, "limits", "Max cpu time              60                   60");
        for (int fd = 0; fd < 256; fd++) {
                if (fd >= STDERR_FILENO && fd <= WORKER_FD_TILLD)
                        continue;
                snprintf(path, sizeof(path), "/proc/%d/fd/%d", f->pid, fd);
                assert_int_not_equal(access(path, F_OK), 0);
        }
}

/* What is tried from inside. */
static void try_open(void) {
        (void) syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}
static void try_open_proc(void) {
        (void) syscall(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR);
}
static void try_socket(void) {
        (void) syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static void try_exec(void) {
        (void) syscall(SYS_execve, "/bin/true", NULL, NULL);
}
static void try_fork(void) {
        (void) syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static void try_thread(void) {
        (void) syscall(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0);
}
static void try_ptrace(void) {
        (void) syscall(SYS_ptrace, PTRACE_ATTACH, 1, 0, 0);
}
static void try_read_memory(void) {
        char c;
        struct iovec v = { &c, 1 };

        (void) syscall(SYS_process_vm_readv, getppid(), &v, 1, &v, 1, 0);
}
static void try_write_memory(void) {
        char c = 0;
        struct iovec v = { &c, 1 };

        (void) syscall(SYS_process_vm_writev, getppid(), &v, 1, &v, 1, 0);
}
static void try_kill(void) {
        (void) syscall(SYS_kill, 0, 0);
}
static void try_pidfd(void) {
        (void) syscall(SYS_pidfd_open, 1, 0);
}
static void try_stdout(void) {
        (void) syscall(SYS_write, STDOUT_FILENO, "x", 1);
}
static void try_dup(void) {
        (void) syscall(SYS_dup, WORKER_FD_TILLD);
}
static void try_receive_descriptor(void) {
        (void) syscall(SYS_recvmsg, WORKER_FD_TILLD, NULL, 0);
}
static void try_other_ioctl(void) {
        (void) syscall(SYS_ioctl, WORKER_FD_READER, TILL_EMV_GET_PARAMETERS, NULL);
}
static void try_ioctl_of_socket(void) {
        (void) syscall(SYS_ioctl, WORKER_FD_TILLD, TILL_EMV_ABORT, NULL);
}
static void try_executable(void) {
        (void) syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void try_make_executable(void) {
        void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                _exit(97);
        (void) mprotect(p, 4096, PROT_READ | PROT_EXEC);
}
static void try_dumpable(void) {
        (void) syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static void try_limit(void) {
        (void) syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, NULL);
}
static void try_io_uring(void) {
        (void) syscall(SYS_io_uring_setup, 1, NULL);
}
#ifdef __x86_64__
/* getpid() of 32 bits: its number is munmap's of 64, hence the harmless one. */
static void try_other_architecture(void) {
        long r = 20;

        __asm__ volatile("int $0x80" : "+a"(r) : : "memory");
}
#endif
static void try_nothing(void) {
        _cleanup_secret_ char *p = secret_new(10000);

        (void) p;
        (void) reader_now_ms();
        log_error("card-worker's sandbox lets a line of the log out");
}

static void (*const tries[])(void) = {
        try_nothing, /* first */
        try_open,
        try_open_proc,
        try_socket,
        try_exec,
        try_fork,
        try_thread,
        try_ptrace,
        try_read_memory,
        try_write_memory,
        try_kill,
        try_pidfd,
        try_stdout,
        try_dup,
        try_receive_descriptor,
        try_other_ioctl,
        try_ioctl_of_socket,
        try_executable,
        try_make_executable,
        try_dumpable,
        try_limit,
        try_io_uring,
#ifdef __x86_64__
        try_other_architecture,
#endif
};

static int be_tried(const char *number) {
        if (sandbox_enter() < 0)
                return 99;
        tries[atoi(number)]();
        return 0;
}

static int in_sandbox(size_t try) {
        char number[16];
        pid_t pid;
        int status;

        snprintf(number, sizeof(number), "%zu", try);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                become(number, 0, 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static void walls(void **state) {
        assert_exit(in_sandbox(0), 0);
        for (size_t i = 1; i < ELEMENTSOF(tries); i++) {
                int status = in_sandbox(i);

                if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
                        fail_msg("try %zu was not stopped: status %#x", i, (unsigned) status);
        }
}

/* The second wall, by itself. */
static void files_are_closed(void **state) {
        pid_t pid;
        int status;

        if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 0) {
                print_message("skipped: this kernel has no Landlock\n");
                skip();
        }
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || sandbox_close_files() < 0)
                        _exit(99);
                _exit(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_exit(status, 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(walls),
                cmocka_unit_test(files_are_closed),
                cmocka_unit_test_setup_teardown(sandboxed, setup, teardown),
                cmocka_unit_test_setup_teardown(whole_sale, setup, teardown),
                cmocka_unit_test_setup_teardown(authenticated, setup, teardown),
                cmocka_unit_test_setup_teardown(card_in_before, setup, teardown),
                cmocka_unit_test_setup_teardown(removed_in_exchange, setup, teardown),
                cmocka_unit_test_setup_teardown(unplugged, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_card, setup, teardown),
                cmocka_unit_test_setup_teardown(no_card, setup, teardown),
                cmocka_unit_test_setup_teardown(mute_card, setup, teardown),
                cmocka_unit_test_setup_teardown(mute_card_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_t0, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_t1, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_speed, setup, teardown),
                cmocka_unit_test_setup_teardown(tpdu_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(pin, setup, teardown),
                cmocka_unit_test_setup_teardown(warm_reset, setup, teardown),
                cmocka_unit_test_setup_teardown(voltages, setup, teardown),
                cmocka_unit_test_setup_teardown(no_canary, setup, teardown),
                cmocka_unit_test_setup_teardown(tilld_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(terminated, setup, teardown),
                cmocka_unit_test_setup_teardown(not_a_start, setup, teardown),
        };

        if (argc > 1 && streq(argv[1], "worker"))
                return card_worker_main();
        if (argc > 1)
                return be_tried(argv[1]);
        return cmocka_run_group_tests_name("card-worker", tests, NULL, NULL);
}
