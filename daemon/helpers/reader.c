// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/reader.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

#include "emv/message.h"
#include "emv/pps.h"
#include "emv/t0.h"

/* Of dwFeatures (CCID 1.1, 5.1): what the reader does by itself. */
enum {
        CCID_VOLTAGE = 0x0c, /* at activation, or always */
        CCID_PPS = 0xc0,     /* its own algorithm, or from the parameters that it is given */
        CCID_IFSD = 0x400,
};

/* How long a person is given for the PIN. */
#define PIN_TIMEOUT_SEC 30
/* The kernel's own deadline for it comes later (TILL_EMV_VERIFY_PIN). */
#define PIN_DEADLINE_MS ((PIN_TIMEOUT_SEC + 80) * 1000)

uint64_t reader_now_ms(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

int reader_init(struct reader *r, uint32_t step_ms) {
        *r = (struct reader){ .info = { .size = sizeof(r->info) }, .step_ms = step_ms };
        if (ioctl(WORKER_FD_READER, TILL_EMV_GET_INFO, &r->info) < 0)
                return -errno;
        return 0;
}

/* The slot */

int reader_state(struct till_emv_state *ret) {
        *ret = (struct till_emv_state){ .size = sizeof(*ret) };
        if (ioctl(WORKER_FD_READER, TILL_EMV_GET_STATE, ret) < 0)
                return -errno;
        return 0;
}

/* Whether the card is still the one that the transaction began with. */
static int check_same_card(const struct reader *r) {
        struct till_emv_state state;
        int k;

        k = reader_state(&state);
        if (k < 0)
                return k;
        if (r->has_card && (state.card == TILL_EMV_CARD_ABSENT || state.insertions != r->insertions))
                return -ENOMEDIUM;
        return 0;
}

int reader_wait(struct reader *r, short events, bool expect_message, uint64_t deadline) {
        for (;;) {
                struct pollfd fds[] = {
                        { .fd = WORKER_FD_READER, .events = (short) (events | POLLPRI) },
                        { .fd = WORKER_FD_TILLD, .events = POLLIN },
                };
                uint64_t now = reader_now_ms();
                int k;

                if (now >= deadline)
                        return -ETIMEDOUT;
                k = poll(fds, ELEMENTSOF(fds), (int) MIN(deadline - now, (uint64_t) INT32_MAX));
                if (k < 0 && errno != EINTR)
                        return -errno;
                if (k <= 0)
                        continue;

                if (fds[1].revents && !(expect_message && fds[1].revents & POLLIN))
                        return -ECANCELED;
                if (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL))
                        return -ENODEV;
                /* Asking for the state is also what takes the event back. */
                if (fds[0].revents & POLLPRI) {
                        k = check_same_card(r);
                        if (k < 0)
                                return k;
                }
                if (fds[0].revents & (events | POLLPRI))
                        return fds[0].revents;
                if (fds[1].revents)
                        return 0;
        }
}

int reader_wait_slot(struct reader *r, bool present, uint64_t deadline) {
        struct till_emv_state state;
        int k;

        r->has_card = false;
        for (;;) {
                k = reader_state(&state);
                if (k < 0)
                        return k;
                if ((state.card != TILL_EMV_CARD_ABSENT) == present)
                        break;
                k = reader_wait(r, 0, false, deadline);
                if (k < 0)
                        return k;
        }
        r->insertions = state.insertions;
        r->has_card = present;
        return state.card == TILL_EMV_CARD_POWERED;
}

/*
 * A card that is drawn out breaks the exchange before the slot tells. A reader tells of a card that is mute, and asks
 * for more time for one that is slow: where it tells nothing, -EREMOTEIO, it is no fault of the card's.
 */
static int failed(struct reader *r, int error) {
        int k = check_same_card(r);

        if (k < 0)
                return k;
        return error == -ETIMEDOUT ? -EREMOTEIO : error;
}

/* Exchanges */

/* Takes the answer to what was written, or asked of the keypad. */
static int take_answer(struct reader *r, uint8_t *answer, size_t max, size_t *ret_size) {
        for (;;) {
                ssize_t n;
                int k;

                k = reader_wait(r, POLLIN, false, r->deadline);
                if (k < 0) {
                        (void) ioctl(WORKER_FD_READER, TILL_EMV_ABORT);
                        return k;
                }
                if (!(k & POLLIN))
                        continue;
                n = read(WORKER_FD_READER, answer, max);
                if (n >= 0) {
                        *ret_size = (size_t) n;
                        return 0;
                }
                if (errno == EMSGSIZE)
                        return -EBADMSG;
                /* The person has pressed cancel, or has let the time go by. */
                if (errno == ECANCELED || errno == ETIME)
                        return -ENOKEY;
                if (errno != EAGAIN && errno != EINTR)
                        return failed(r, -errno);
        }
}

static int exchange(struct reader *r, const uint8_t *block, size_t size, uint8_t *answer, size_t max,
                    size_t *ret_size) {
        if (write(WORKER_FD_READER, block, size) < 0)
                return failed(r, -errno);
        return take_answer(r, answer, max, ret_size);
}

static int block_exchange(void *userdata, const uint8_t *block, size_t size, unsigned waiting,
                          uint8_t answer[static BLOCK_MAX], size_t *ret_size) {
        struct reader *r = userdata;
        struct till_emv_waiting more = { .size = sizeof(more), .multiplier = waiting };

        if (waiting > 1) {
                if (ioctl(WORKER_FD_READER, TILL_EMV_SET_WAITING, &more) < 0)
                        return failed(r, -errno);
                /* It works on it: the step's time begins anew. */
                r->deadline = reader_now_ms() + r->step_ms;
        }
        return exchange(r, block, size, answer, BLOCK_MAX, ret_size);
}

int reader_transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        struct reader *r = userdata;

        r->deadline = reader_now_ms() + r->step_ms;
        if (r->info.level != TILL_EMV_LEVEL_TPDU)
                return exchange(r, command, size, response, APDU_RESPONSE_MAX, ret_size);
        if (r->protocol == 1)
                return t1_transmit(&r->t1, command, size, response, APDU_RESPONSE_MAX, ret_size);
        return t0_transmit(block_exchange, r, command, size, response, ret_size);
}

/* The PIN */

/* The block with nothing in it yet: control 2, filled with F (Book 3, 6.5.12). */
static const uint8_t verify[] = { 0x00, 0x20, 0x00, 0x80, 0x08, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

/* CCID 1.1, 6.1.11: digits in BCD, left-justified from the second byte of the block, their number in its first. */
static int enter_pin(struct reader *r, const uint8_t prologue[static T1_PROLOGUE], uint8_t *answer, size_t max,
                     size_t *ret_size) {
        struct till_emv_pin pin = {
                .size = sizeof(pin),
                .timeout = PIN_TIMEOUT_SEC,
                .format = 0x89,        /* from byte 1, left, BCD */
                .block = 0x47,         /* 4 bits of length, 7 bytes of digits */
                .length_format = 0x04, /* at bit 4 */
                .validation = 0x02,    /* by a key */
                .messages = r->info.display > 0,
                .digits = 0x040c, /* 4 to 12 */
                .language = 0x0409,
                .apdu_length = sizeof(verify),
        };
        int k;

        memcpy(pin.prologue, prologue, sizeof(pin.prologue));
        memcpy(pin.apdu, verify, sizeof(verify));
        if (ioctl(WORKER_FD_READER, TILL_EMV_VERIFY_PIN, &pin) < 0)
                k = failed(r, -errno);
        else {
                r->deadline = reader_now_ms() + PIN_DEADLINE_MS;
                k = take_answer(r, answer, max, ret_size);
                /* What T=1 has to say besides is an exchange like any other. */
                r->deadline = reader_now_ms() + r->step_ms;
        }
        /* It does not know the command, or not the values. */
        return k == -EINVAL || k == -EMSGSIZE ? -EOPNOTSUPP : k;
}

static int enter_pin_block(void *userdata, const uint8_t prologue[static T1_PROLOGUE],
                           uint8_t answer[static BLOCK_MAX], size_t *ret_size) {
        return enter_pin(userdata, prologue, answer, BLOCK_MAX, ret_size);
}

int reader_verify_pin(struct reader *r, uint16_t *ret_sw) {
        uint8_t response[APDU_RESPONSE_MAX];
        size_t n = 0;
        int k;

        if (r->info.level == TILL_EMV_LEVEL_TPDU && r->protocol == 1)
                k = t1_transmit_hidden(&r->t1, enter_pin_block, sizeof(verify), response, sizeof(response), &n);
        else
                k = enter_pin(r, (const uint8_t[T1_PROLOGUE]){}, response, sizeof(response), &n);
        if (k < 0)
                return k;
        if (n != 2)
                return -EBADMSG;
        *ret_sw = (uint16_t) (response[0] << 8 | response[1]);
        return 0;
}

/* Power and protocol */

/* abProtocolDataStructure (CCID 1.1, 6.1.7): what the reader has to know of the card to talk to it. */
static int set_parameters(struct reader *r, const struct atr *a, uint8_t speed) {
        struct till_emv_parameters p = { .size = sizeof(p), .protocol = a->protocol };
        const uint8_t convention = a->inverse ? 0x02 : 0x00, times = (uint8_t) (a->bwi << 4 | a->cwi);

        if (a->protocol == 0) {
                const uint8_t data[] = { speed, convention, a->tc1, a->tc2, 0x00 };

                memcpy(p.data, data, sizeof(data));
                p.length = sizeof(data);
        } else {
                const uint8_t data[] = { speed, (uint8_t) (0x10 | convention), a->tc1, times, 0x00, a->ifsc, 0x00 };

                memcpy(p.data, data, sizeof(data));
                p.length = sizeof(data);
        }
        return ioctl(WORKER_FD_READER, TILL_EMV_SET_PARAMETERS, &p) < 0 ? failed(r, -errno) : 0;
}

/* Agrees with the card on a speed, and tells the reader. -EPROTO: the card has to be reset, and not be asked again. */
static int agree_on_speed(struct reader *r, const struct atr *a, bool may_ask) {
        uint8_t speed = pps_choose_speed(a, r->info.default_clock, r->info.max_data_rate);
        bool asked = !a->has_ta2 && speed != ATR_SPEED_DEFAULT && !(r->info.ccid_features & CCID_PPS);
        int k = 1;

        if (asked && may_ask) {
                r->deadline = reader_now_ms() + r->step_ms;
                k = pps_negotiate(block_exchange, r, a->protocol, speed);
                if (k == -EIO || k == -EBADMSG)
                        return -EPROTO;
                if (k < 0)
                        return k;
        }
        if (k == 0 || (asked && !may_ask)) {
                speed = ATR_SPEED_DEFAULT;
                asked = false;
        }
        k = set_parameters(r, a, speed);
        if (k != -EINVAL && k != -EOPNOTSUPP)
                return k;
        /* It knows better, by the answer to reset; only what it has not seen it cannot know. */
        return asked ? -EPROTO : 0;
}

static int start_protocol(struct reader *r, const struct atr *a) {
        /* Some readers do not tell. */
        uint32_t ifsd = MIN(r->info.max_ifsd ?: T1_IFSD_MAX, (uint32_t) T1_IFSD_MAX);

        r->protocol = a->protocol;
        if (a->protocol == 0)
                return 0;
        t1_init(&r->t1, a, block_exchange, r);
        if (r->info.ccid_features & CCID_IFSD) {
                r->t1.ifsd = (uint8_t) ifsd;
                return 0;
        }
        r->deadline = reader_now_ms() + r->step_ms;
        return t1_start(&r->t1, (uint8_t) ifsd);
}

/* One reset. -EPROTO without an answer, -EPROTONOSUPPORT with one that EMV does not accept, -EREMOTEIO: the reader. */
static int reset(struct reader *r, uint32_t voltage, bool warm, struct atr *ret) {
        struct till_emv_power power = { .size = sizeof(power), .voltage = voltage };
        int k;

        r->fault = ATR_FAULT_NONE;
        if (ioctl(WORKER_FD_READER, TILL_EMV_POWER_ON, &power) < 0) {
                if (errno == EINTR)
                        return -EPROTO;
                k = failed(r, -errno);
                return k == -EIO || k == -EPROTO || k == -ECONNRESET ? -EPROTO : k;
        }
        k = atr_parse(power.atr, MIN(power.atr_length, (uint32_t) sizeof(power.atr)), ret);
        r->fault = k < 0 ? ATR_FAULT_MALFORMED : atr_check(ret, warm);
        return r->fault ? -EPROTONOSUPPORT : 0;
}

/* Book 1, 8.1: cold; and warm when the answer was not accepted. */
static int reset_until_accepted(struct reader *r, uint32_t voltage, struct atr *ret) {
        int k;

        k = reset(r, voltage, false, ret);
        return k == -EPROTONOSUPPORT ? reset(r, voltage, true, ret) : k;
}

static int check_protocol(struct reader *r, const struct atr *a) {
        if (r->info.protocols & 1U << a->protocol)
                return 0;
        r->fault = ATR_FAULT_READER;
        return -EPROTO;
}

static int make_ready(struct reader *r, uint32_t voltage, struct atr *a) {
        int k;

        if (r->info.level != TILL_EMV_LEVEL_TPDU)
                return 0;
        k = check_protocol(r, a);
        if (k < 0)
                return k;
        k = agree_on_speed(r, a, true);
        if (k == -EPROTO) {
                k = reset(r, voltage, true, a);
                if (k >= 0)
                        k = check_protocol(r, a);
                if (k >= 0)
                        k = agree_on_speed(r, a, false);
        }
        if (k >= 0)
                k = start_protocol(r, a);
        return k == -EIO || k == -EBADMSG || k == -EPROTONOSUPPORT ? -EPROTO : k;
}

/*
 * Class A first, as every card of the books has it, then B and C for one that does not answer (Book 1, 5.4;
 * ISO 7816-3, 6.2.3). A reader that chooses by itself gets a second try.
 */
int reader_power_on(struct reader *r) {
        static const uint32_t classes[] = { TILL_EMV_VOLTAGE_5V, TILL_EMV_VOLTAGE_3V, TILL_EMV_VOLTAGE_1V8 };
        bool chooses = r->info.ccid_features & CCID_VOLTAGE;
        struct atr a;
        int k = -EPROTO;

        for (unsigned i = 0; i < ELEMENTSOF(classes) && k == -EPROTO; i++) {
                if (chooses ? i >= 2 : !(r->info.voltages & 1U << i))
                        continue;
                k = reset_until_accepted(r, chooses ? (uint32_t) TILL_EMV_VOLTAGE_AUTO : classes[i], &a);
                if (k >= 0)
                        return make_ready(r, chooses ? (uint32_t) TILL_EMV_VOLTAGE_AUTO : classes[i], &a);
        }
        return k == -EPROTONOSUPPORT ? -EPROTO : k;
}

int reader_power_off(struct reader *r) {
        return ioctl(WORKER_FD_READER, TILL_EMV_POWER_OFF) < 0 ? failed(r, -errno) : 0;
}
