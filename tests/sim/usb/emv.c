// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/emv.h"

#include "base/hex.h"
#include "card/atr.h"
#include "usb/keypad.h"
#include "usb/tpdu.h"

/*
 * A CCID reader (USB CCID 1.1). At the APDU levels it runs the card's transport itself: what it is handed and
 * hands back are whole APDUs, at extended level chained over several messages where they are longer than one.
 * At TPDU level it does a card's procedure bytes (T=0) and no more: T=1 blocks and PPS pass as they are.
 */

#define EP_OUT 0x01
#define EP_IN 0x82
#define EP_INTERRUPT 0x83
#define PACKET_SIZE 64

#define HEADER_SIZE 10
#define COMMAND_MAX READER_MESSAGE_MAX
#define SHORT_MAX 261 /* a short APDU */

#define EXTENSION_USEC (200 * 1000)
#define KEYPAD_TIMEOUT_USEC (30 * 1000 * 1000ULL) /* where the host leaves it to the reader */

enum {
        PC_SET_PARAMETERS = 0x61,
        PC_POWER_ON = 0x62,
        PC_POWER_OFF = 0x63,
        PC_GET_SLOT_STATUS = 0x65,
        PC_SECURE = 0x69,
        PC_T0APDU = 0x6a,
        PC_ESCAPE = 0x6b,
        PC_GET_PARAMETERS = 0x6c,
        PC_RESET_PARAMETERS = 0x6d,
        PC_ICC_CLOCK = 0x6e,
        PC_XFR_BLOCK = 0x6f,
        PC_MECHANICAL = 0x71,
        PC_ABORT = 0x72,
        PC_SET_RATE_AND_CLOCK = 0x73,

        RDR_DATA_BLOCK = 0x80,
        RDR_SLOT_STATUS = 0x81,
        RDR_PARAMETERS = 0x82,
        RDR_ESCAPE = 0x83,
        RDR_RATE_AND_CLOCK = 0x84,
        RDR_NOTIFY_SLOT_CHANGE = 0x50,
};

enum {
        STATUS_FAILED = 0x40,
        STATUS_TIME_EXTENSION = 0x80,

        ERROR_UNSUPPORTED = 0x00,
        ERROR_BAD_LENGTH = 0x01, /* offsets of the byte that is wrong */
        ERROR_BAD_SLOT = 0x05,
        ERROR_BAD_SELECT = 0x07,
        ERROR_BAD_PARAMETER = 0x08,
        ERROR_BUSY_SLOT = 0xe0,
        ERROR_PIN_CANCELLED = 0xef,
        ERROR_PIN_TIMEOUT = 0xf0,
        ERROR_PROCEDURE_BYTE = 0xf4,
        ERROR_HARDWARE = 0xfb,
        ERROR_OVERRUN = 0xfc,
        ERROR_MUTE = 0xfe,
        ERROR_ABORTED = 0xff,
};

enum {
        CHAIN_WHOLE = 0x00,
        CHAIN_BEGIN = 0x01,
        CHAIN_END = 0x02,
        CHAIN_CONTINUE = 0x03,
        CHAIN_EMPTY = 0x10,
};

struct emv {
        struct device device;
        struct reader reader; /* what is plugged in */
        uint8_t device_descriptor[18], configuration[READER_CONFIGURATION_MAX];
        struct usb_model model;
        FILE *wire;

        struct icc *icc;         /* borrowed */
        struct contact *contact; /* of the card, at TPDU level */
        bool powered;
        uint8_t parameters[7];
        size_t parameters_size;
        uint8_t protocol;

        uint8_t message[COMMAND_MAX]; /* what came on bulk OUT of a message that is not whole yet */
        size_t message_size;

        uint8_t command[COMMAND_MAX]; /* an APDU put together from a chain */
        size_t command_size;
        uint8_t response[ICC_RESPONSE_MAX]; /* what the host has not fetched of a response */
        size_t response_size, response_sent;

        enum emv_misbehaviour misbehaviour;
        struct emv_twist twist;       /* what becomes of the next answer */
        unsigned int extensions;      /* how many time extensions the next exchange asks for */
        uint8_t multiplier;           /* what each says */
        uint8_t mute_at;              /* voltages at which a card does not answer, as in bVoltageSupport */
        bool endless;                 /* responses never end */
        bool empty_ends;              /* an empty packet follows an answer that fills the host's buffer */
        sd_event_source *timer;       /* runs while an exchange is held back */
        uint8_t held[HEADER_SIZE];    /* its header */
        unsigned int held_extensions; /* left of them */
        sd_event_source *late_timer;
        uint8_t *late; /* an answer that is held back */
        size_t late_size;
        struct keypad keypad;
        sd_event_source *keypad_timer; /* runs while a PIN is waited for */
        int abort_seq;                 /* of a control ABORT whose bulk twin has not come, or -1 */
};

static const uint8_t default_t0[] = { 0x11, 0x00, 0x00, 0x0a, 0x00 };

static const char *const strings[] = { "Gemalto", "PC Twin Reader", "TILLSIM-EMV", NULL };

static size_t data_max(const struct emv *e) {
        return e->reader.message_max - HEADER_SIZE;
}

/* Commands and answers both ways; what is in them is a test card's. */
static void emv_log(struct emv *e, const char *direction, const char *what, const uint8_t *data, size_t size) {
        _cleanup_free_ char *text = NULL;

        device_trace(e, what, data, size);
        if (!e->wire)
                return;
        text = hex_encode_alloc(data, size);
        fprintf(e->wire, "%s %s\n", direction, strempty(text));
}

static uint8_t slot_status(const struct emv *e) {
        if (!e->icc)
                return 2;
        return e->powered ? 0 : 1;
}

static void emv_reset_chain(struct emv *e) {
        explicit_bzero(e->command, e->command_size);
        explicit_bzero(e->response, e->response_size);
        e->command_size = e->response_size = e->response_sent = 0;
}

static void emv_reset_parameters(struct emv *e) {
        memcpy(e->parameters, default_t0, sizeof(default_t0));
        e->parameters_size = sizeof(default_t0);
        e->protocol = 0;
}

static void emv_send(struct emv *e, const uint8_t *message, size_t size) {
        emv_log(e, "<", "answer", message, size);
        (void) usb_device_send(e->device.usb, EP_IN, message, size);
        /* A shorter one, of whole packets, ends by it within the host's buffer. */
        if (e->empty_ends && size == e->reader.message_max && size % PACKET_SIZE == 0)
                (void) usb_device_send(e->device.usb, EP_IN, message, 0);
}

static int on_late(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emv *e = userdata;

        if (e->device.usb)
                emv_send(e, e->late, e->late_size);
        return 0;
}

/* Does to an answer what was asked for, once. message has room for a copy of all. */
static void emv_twist(struct emv *e, uint8_t *message, size_t size) {
        struct emv_twist t = e->twist;

        e->twist.how = TWIST_NONE;
        switch (t.how) {
        case TWIST_NONE:
                break;
        case TWIST_SEQUENCE:
                message[6]++;
                break;
        case TWIST_SLOT:
                message[5]++;
                break;
        case TWIST_TYPE:
                message[0] = message[0] == RDR_SLOT_STATUS ? RDR_DATA_BLOCK : RDR_SLOT_STATUS;
                break;
        case TWIST_ERROR:
                message[7] |= STATUS_FAILED;
                message[8] = t.n;
                break;
        case TWIST_CHAIN:
                message[9] = t.n;
                break;
        case TWIST_LENGTH:
                for (int i = 0; i < 4; i++)
                        message[1 + i] = t.n >> 8 * i;
                break;
        case TWIST_SHORT:
                size = MIN(size, (size_t) t.n);
                break;
        case TWIST_EMPTY:
                for (unsigned int i = 0; i < t.n; i++)
                        emv_send(e, message, 0);
                break;
        case TWIST_STALE:
                for (unsigned int i = t.n; i > 0; i--) {
                        message[6] -= i;
                        emv_send(e, message, size);
                        message[6] += i;
                }
                break;
        case TWIST_TWICE:
                emv_send(e, message, size);
                break;
        case TWIST_LATE:
                free(e->late);
                e->late = malloc(size);
                if (!e->late)
                        return;
                memcpy(e->late, message, size);
                e->late_size = size;
                (void) sd_event_source_set_time_relative(e->late_timer, t.n * 1000ULL);
                (void) sd_event_source_set_enabled(e->late_timer, SD_EVENT_ONESHOT);
                return;
        case TWIST_BUS:
                (void) usb_device_send_error(e->device.usb, EP_IN, -EPROTO);
                return;
        case TWIST_RAW:
                /* As it was given, but that it answers this command. */
                if (t.raw_size > 6)
                        t.raw[6] = message[6];
                emv_send(e, t.raw, t.raw_size);
                return;
        }
        emv_send(e, message, size);
}

/* Answers a command: status carries bits 7:6 of bStatus, extra is the header's last byte. */
static void emv_answer(struct emv *e, uint8_t type, const uint8_t *command, uint8_t status, uint8_t error,
                       uint8_t extra, const void *data, size_t size) {
        uint8_t message[READER_MESSAGE_MAX] = {
                type,       size & 0xff, size >> 8 & 0xff,        size >> 16, 0,
                command[5], command[6],  status | slot_status(e), error,      extra,
        };

        if (size > 0)
                memcpy(message + HEADER_SIZE, data, size);
        emv_twist(e, message, HEADER_SIZE + size);
        explicit_bzero(message, HEADER_SIZE + size);
}

/* What kind of answer a command has (CCID 1.1, 6.1). */
static uint8_t answer_type(uint8_t command) {
        switch (command) {
        case PC_POWER_ON:
        case PC_XFR_BLOCK:
        case PC_SECURE:
                return RDR_DATA_BLOCK;
        case PC_GET_PARAMETERS:
        case PC_SET_PARAMETERS:
        case PC_RESET_PARAMETERS:
                return RDR_PARAMETERS;
        case PC_ESCAPE:
                return RDR_ESCAPE;
        case PC_SET_RATE_AND_CLOCK:
                return RDR_RATE_AND_CLOCK;
        default:
                return RDR_SLOT_STATUS;
        }
}

static void emv_refuse(struct emv *e, const uint8_t *command, uint8_t error) {
        emv_answer(e, answer_type(command[0]), command, STATUS_FAILED, error, 0, NULL, 0);
}

/* The contacts let go of the card, too, also where it said nothing at its reset. */
static void emv_power_down(struct emv *e) {
        if (e->icc)
                icc_power_off(e->icc);
        contact_off(e->contact);
        e->powered = false;
        emv_reset_chain(e);
}

/* Returns the length of what the card says at its reset. */
static int emv_reset_card(struct emv *e, uint8_t ret_atr[static ICC_ATR_MAX]) {
        uint8_t own[ICC_ATR_MAX], made[ICC_ATR_MAX];
        const uint8_t *atr = e->reader.atr;
        size_t size = e->reader.atr_size;
        int n;

        n = icc_power_on(e->icc, own);
        if (n < 0)
                return n;
        if (size == 0 && e->reader.protocol >= 0) {
                n = sim_atr_make(own, n, e->reader.protocol, made);
                if (n < 0)
                        return n;
                atr = made;
                size = n;
        }
        if (reader_level(&e->reader) == READER_TPDU)
                return contact_reset(e->contact, e->icc, atr, size, ret_atr);
        if (size == 0) {
                atr = own;
                size = n;
        }
        memcpy(ret_atr, atr, size);
        return size;
}

/* bPowerSelect as a bit of bVoltageSupport; 0 where the reader tries one after the other. */
static uint8_t select_voltage(uint8_t power_select) {
        return power_select == 0 ? 0 : 1 << (power_select - 1);
}

static void emv_power_on(struct emv *e, const uint8_t *message) {
        uint8_t voltage, atr[ICC_ATR_MAX];
        int n = -EIO;

        emv_power_down(e);
        emv_reset_parameters(e);
        if (message[7] > 3 || (message[7] == 0 && !(e->reader.features & READER_AUTOMATIC_POWER)) ||
            (message[7] > 0 && !(e->reader.voltages & select_voltage(message[7])))) {
                emv_refuse(e, message, ERROR_BAD_SELECT);
                return;
        }
        voltage = select_voltage(message[7]) ?: e->reader.voltages;
        if (e->icc && e->misbehaviour != EMV_MUTE && voltage & ~e->mute_at)
                n = emv_reset_card(e, atr);
        if (n < 0) {
                emv_power_down(e);
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        e->powered = true;
        emv_answer(e, RDR_DATA_BLOCK, message, 0, 0, 0, atr, n);
}

static void emv_send_response(struct emv *e, const uint8_t *message) {
        size_t left = e->response_size - e->response_sent, n = MIN(left, data_max(e));
        bool first = e->response_sent == 0, last = n == left;
        const uint8_t *data = e->response + e->response_sent;

        e->response_sent += n;
        if (e->endless) {
                last = false;
                e->response_sent = 1;
        }
        emv_answer(e, RDR_DATA_BLOCK, message, 0, 0,
                   first  ? last ? CHAIN_WHOLE : CHAIN_BEGIN
                   : last ? CHAIN_END
                          : CHAIN_CONTINUE,
                   data, n);
        if (last)
                emv_reset_chain(e);
}

/* wait: the bBWI that the host granted. Returns the length of the response, or what emv_transmit() does. */
static ssize_t emv_transmit_tpdu(struct emv *e, uint8_t wait) {
        bool pps = contact_protocol(e->contact) < 0 && e->command_size > 0 && e->command[0] == 0xff;

        /* A card that is talked to at another speed hears noise, one that gets less time than it asked for is late. */
        if (!pps && (e->parameters[0] != contact_speed(e->contact) || contact_waiting(e->contact) > wait))
                return -EIO;
        if (!pps && e->protocol == 0)
                return tpdu_exchange_t0(e->contact, e->command, e->command_size, e->response);
        return contact_exchange(e->contact, e->command, e->command_size, e->response) ?: -EIO;
}

/* Returns 0, or the bError that the exchange ends with. */
static uint8_t emv_transmit(struct emv *e, uint8_t wait) {
        ssize_t n = -EIO;

        if (e->powered && e->misbehaviour != EMV_MUTE)
                n = reader_level(&e->reader) == READER_TPDU
                            ? emv_transmit_tpdu(e, wait)
                            : icc_transmit(e->icc, e->command, e->command_size, e->response);
        if (n == -ENOMEDIUM)
                (void) emv_remove(e);
        if (n < 0)
                return n == -EBADMSG ? ERROR_BAD_LENGTH : n == -EPROTO ? ERROR_PROCEDURE_BYTE : ERROR_MUTE;
        if (reader_level(&e->reader) != READER_EXTENDED && (size_t) n > data_max(e))
                return ERROR_OVERRUN;
        e->response_size = n;
        return 0;
}

static void emv_exchange(struct emv *e, const uint8_t *message) {
        uint8_t error = ERROR_HARDWARE;

        if (e->misbehaviour == EMV_HARDWARE_ERROR)
                e->misbehaviour = EMV_BEHAVE;
        else
                error = emv_transmit(e, message[7]);
        explicit_bzero(e->command, e->command_size);
        e->command_size = 0;
        if (error != 0) {
                emv_reset_chain(e);
                emv_refuse(e, message, error);
                return;
        }
        e->response_sent = 0;
        emv_send_response(e, message);
}

static void emv_hold(struct emv *e, const uint8_t *message) {
        memcpy(e->held, message, HEADER_SIZE);
        e->held_extensions = e->extensions;
        e->extensions = 0;
        e->misbehaviour = EMV_BEHAVE;
        (void) sd_event_source_set_time_relative(e->timer, 0);
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
}

static bool is_running(sd_event_source *timer) {
        int enabled = SD_EVENT_OFF;

        return sd_event_source_get_enabled(timer, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

static bool emv_is_holding(const struct emv *e) {
        return is_running(e->timer) || is_running(e->keypad_timer);
}

static void emv_let_go(struct emv *e) {
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(e->keypad_timer, SD_EVENT_OFF);
        explicit_bzero(&e->keypad, sizeof(e->keypad));
        e->held_extensions = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emv *e = userdata;

        if (!e->device.usb || e->misbehaviour == EMV_DEAD)
                return 0;
        if (e->held_extensions == 0) {
                emv_exchange(e, e->held);
                return 0;
        }
        if (e->held_extensions != EMV_FOREVER)
                e->held_extensions--;
        /* bError is the multiplier of the waiting time (CCID 1.1, 6.2.6). */
        emv_answer(e, RDR_DATA_BLOCK, e->held, STATUS_TIME_EXTENSION, e->multiplier, 0, NULL, 0);
        (void) sd_event_source_set_time_relative(e->timer, EXTENSION_USEC);
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_ONESHOT);
        return 0;
}

static void emv_xfr_block(struct emv *e, const uint8_t *message, const uint8_t *data, size_t size) {
        unsigned int level = message[8] | message[9] << 8;

        if (!e->icc || !e->powered) {
                emv_reset_chain(e);
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        /* The byte chains extended APDUs; elsewhere it is reserved. */
        if (reader_level(&e->reader) != READER_EXTENDED && level != CHAIN_WHOLE) {
                emv_refuse(e, message, ERROR_BAD_PARAMETER);
                return;
        }
        if (size == 0 && level != CHAIN_EMPTY) {
                emv_refuse(e, message, ERROR_BAD_LENGTH);
                return;
        }
        if (reader_level(&e->reader) == READER_SHORT && size > SHORT_MAX) {
                emv_refuse(e, message, ERROR_BAD_LENGTH);
                return;
        }
        switch (level) {
        case CHAIN_EMPTY:
                if (size > 0 || e->response_sent >= e->response_size)
                        break;
                emv_send_response(e, message);
                return;
        case CHAIN_WHOLE:
        case CHAIN_BEGIN:
                emv_reset_chain(e);
                break;
        case CHAIN_END:
        case CHAIN_CONTINUE:
                if (e->command_size > 0)
                        break;
                /* fall through */
        default:
                emv_refuse(e, message, ERROR_BAD_PARAMETER);
                return;
        }
        if (level == CHAIN_EMPTY) {
                emv_refuse(e, message, ERROR_BAD_PARAMETER);
                return;
        }
        if (e->command_size + size > sizeof(e->command)) {
                emv_reset_chain(e);
                emv_refuse(e, message, ERROR_OVERRUN);
                return;
        }
        memcpy(e->command + e->command_size, data, size);
        e->command_size += size;
        if (level == CHAIN_BEGIN || level == CHAIN_CONTINUE)
                emv_answer(e, RDR_DATA_BLOCK, message, 0, 0, CHAIN_EMPTY, NULL, 0);
        else if (e->misbehaviour == EMV_TIME_EXTENSION)
                emv_hold(e, message);
        else
                emv_exchange(e, message);
}

static int on_keypad_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emv *e = userdata;

        emv_let_go(e);
        if (e->device.usb)
                emv_refuse(e, e->held, ERROR_PIN_TIMEOUT);
        return 0;
}

/* The person at the keypad has as long as the host says; the answer comes then. */
static void emv_secure(struct emv *e, const uint8_t *message, const uint8_t *data, size_t size) {
        uint64_t timeout;
        int r;

        if (!e->reader.keypad) {
                emv_refuse(e, message, ERROR_UNSUPPORTED);
                return;
        }
        if (!e->icc || !e->powered) {
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        emv_reset_chain(e);
        r = keypad_parse(data, size, &e->keypad);
        if (r > 0) {
                emv_refuse(e, message, r);
                return;
        }
        memcpy(e->held, message, HEADER_SIZE);
        timeout = e->keypad.timeout > 0 ? e->keypad.timeout * 1000000ULL : KEYPAD_TIMEOUT_USEC;
        (void) sd_event_source_set_time_relative(e->keypad_timer, timeout);
        (void) sd_event_source_set_enabled(e->keypad_timer, SD_EVENT_ONESHOT);
}

/* The APDU with the PIN in it; at TPDU level with T=1, the block whose prologue the host made. */
static int emv_take_pin(struct emv *e, const char *pin) {
        struct keypad *k = &e->keypad;
        size_t n = 0;
        int r;

        r = keypad_fill(k, pin);
        if (r < 0)
                return r;
        if (reader_level(&e->reader) == READER_TPDU && e->protocol == 1) {
                memcpy(e->command, k->prologue, sizeof(k->prologue));
                n = sizeof(k->prologue);
        }
        memcpy(e->command + n, k->apdu, k->apdu_size);
        e->command_size = n + k->apdu_size;
        if (n > 0)
                e->command_size +=
                        contact_edc(e->command, e->command_size, e->parameters[1] & 1, e->command + e->command_size);
        return 0;
}

int emv_key(struct emv *e, enum emv_key key, const char *pin) {
        int r;

        if (!is_running(e->keypad_timer))
                return -ENXIO;
        if (key == EMV_KEY_PIN) {
                r = emv_take_pin(e, pin);
                if (r < 0)
                        return r;
        }
        emv_let_go(e);
        if (key == EMV_KEY_PIN)
                emv_exchange(e, e->held);
        else
                emv_refuse(e, e->held, key == EMV_KEY_CANCEL ? ERROR_PIN_CANCELLED : ERROR_PIN_TIMEOUT);
        return 0;
}

bool emv_wants_pin(const struct emv *e) {
        return is_running(e->keypad_timer);
}

static void emv_parameters(struct emv *e, const uint8_t *message, const uint8_t *data, size_t size) {
        if (!e->icc) {
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        if (message[0] == PC_SET_PARAMETERS) {
                uint8_t protocol = message[7];

                if (protocol > 1 || size != (protocol == 0 ? 5 : 7)) {
                        emv_refuse(e, message, protocol > 1 ? ERROR_BAD_SELECT : ERROR_BAD_LENGTH);
                        return;
                }
                e->protocol = protocol;
                memcpy(e->parameters, data, size);
                e->parameters_size = size;
        } else if (message[0] == PC_RESET_PARAMETERS)
                emv_reset_parameters(e);
        emv_answer(e, RDR_PARAMETERS, message, 0, 0, e->protocol, e->parameters, e->parameters_size);
}

static void emv_abort(struct emv *e, const uint8_t *message) {
        if (e->abort_seq != message[6]) {
                emv_refuse(e, message, ERROR_ABORTED);
                return;
        }
        e->abort_seq = -1;
        if (emv_is_holding(e)) {
                emv_let_go(e);
                emv_refuse(e, e->held, ERROR_ABORTED);
        }
        emv_reset_chain(e);
        emv_answer(e, RDR_SLOT_STATUS, message, 0, 0, 0, NULL, 0);
}

static void emv_message(struct emv *e, const uint8_t *message, size_t size) {
        const uint8_t *data = message + HEADER_SIZE;

        emv_log(e, ">", "command", message, HEADER_SIZE + size);
        if (e->misbehaviour == EMV_DEAD)
                return;
        if (message[5] != 0) {
                emv_refuse(e, message, ERROR_BAD_SLOT);
                return;
        }
        if (message[0] == PC_ABORT) {
                emv_abort(e, message);
                return;
        }
        if (e->abort_seq >= 0) {
                emv_refuse(e, message, ERROR_ABORTED);
                return;
        }
        if (emv_is_holding(e)) {
                emv_refuse(e, message, ERROR_BUSY_SLOT);
                return;
        }
        if (e->misbehaviour == EMV_NO_ANSWER)
                return;

        switch (message[0]) {
        case PC_POWER_ON:
                emv_power_on(e, message);
                break;
        case PC_POWER_OFF:
                emv_power_down(e);
                emv_answer(e, RDR_SLOT_STATUS, message, 0, 0, e->icc ? 1 : 0, NULL, 0);
                break;
        case PC_GET_SLOT_STATUS:
                emv_answer(e, RDR_SLOT_STATUS, message, 0, 0, e->powered ? 0 : 1, NULL, 0);
                break;
        case PC_XFR_BLOCK:
                emv_xfr_block(e, message, data, size);
                break;
        case PC_SECURE:
                emv_secure(e, message, data, size);
                break;
        case PC_GET_PARAMETERS:
        case PC_RESET_PARAMETERS:
        case PC_SET_PARAMETERS:
                emv_parameters(e, message, data, size);
                break;
        case PC_ICC_CLOCK:
                emv_answer(e, RDR_SLOT_STATUS, message, 0, 0, 0, NULL, 0);
                break;
        default:
                emv_refuse(e, message, ERROR_UNSUPPORTED);
        }
}

static ssize_t emv_out(void *userdata, uint8_t endpoint, const uint8_t *data, size_t size) {
        struct emv *e = userdata;
        size_t want;

        if (size > sizeof(e->message) - e->message_size)
                return -EPIPE;
        memcpy(e->message + e->message_size, data, size);
        e->message_size += size;
        if (e->message_size < HEADER_SIZE)
                return size;
        want = e->message[1] | e->message[2] << 8 | e->message[3] << 16 | (size_t) e->message[4] << 24;
        if (want > data_max(e)) {
                /* A message ends with a short packet: the next URB begins a new one. */
                emv_refuse(e, e->message, ERROR_BAD_LENGTH);
                e->message_size = 0;
                return size;
        }
        if (e->message_size < HEADER_SIZE + want)
                return size;
        emv_message(e, e->message, want);
        explicit_bzero(e->message, e->message_size);
        e->message_size = 0;
        return size;
}

static int emv_control(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length) {
        struct emv *e = userdata;
        uint32_t value;

        switch (setup->request_type << 8 | setup->request) {
        case 0x2101: /* ABORT: slot in the low byte, sequence in the high one */
                if ((setup->value & 0xff) != 0)
                        return -EPIPE;
                if (e->misbehaviour != EMV_DEAD)
                        e->abort_seq = setup->value >> 8;
                return 0;
        case 0xa102: /* GET_CLOCK_FREQUENCIES, kHz */
                value = 4000;
                break;
        case 0xa103: /* GET_DATA_RATES, bit/s */
                value = 10753;
                break;
        default:
                return -EPIPE;
        }
        for (size_t i = 0; i < MIN(length, (size_t) 4); i++)
                data[i] = value >> 8 * i & 0xff;
        return MIN(length, (size_t) 4);
}

/* Bit 0: a card is in; bit 1: that changed. One notice waits at most: the newest. */
static void emv_notify(struct emv *e) {
        uint8_t notice[2] = { RDR_NOTIFY_SLOT_CHANGE, e->icc ? 3 : 2 };

        if (!e->device.usb)
                return;
        if (!e->reader.interrupt)
                return;
        usb_device_flush(e->device.usb, EP_INTERRUPT);
        emv_log(e, "!", "slot change", notice, sizeof(notice));
        (void) usb_device_send(e->device.usb, EP_INTERRUPT, notice, sizeof(notice));
}

static void emv_configured(void *userdata) {
        struct emv *e = userdata;

        emv_let_go(e);
        (void) sd_event_source_set_enabled(e->late_timer, SD_EVENT_OFF);
        emv_power_down(e);
        emv_reset_parameters(e);
        e->message_size = 0;
        e->abort_seq = -1;
        if (e->icc)
                emv_notify(e);
        device_changed(e);
}

static const struct usb_class class = {
        .control = emv_control,
        .out = emv_out,
        .configured = emv_configured,
        .gone = device_changed,
        .trace = device_trace,
};

static int add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler, struct emv *e) {
        int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, UINT64_MAX, 1000, handler, e);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int emv_new(sd_event *event, struct emv **ret) {
        _cleanup_(emv_freep) struct emv *e = NULL;
        int r;

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        r = contact_new(&e->contact);
        if (r < 0)
                return r;
        e->model = (struct usb_model){
                .device_descriptor = e->device_descriptor,
                .configuration = e->configuration,
                .strings = strings,
                .speed = USB_SPEED_FULL,
        };
        emv_set_reader(e, &reader_default);
        e->device = (struct device){
                .name = "emv",
                .model = &e->model,
                .class = &class,
                .event = event,
                .port = 1,
        };
        e->abort_seq = -1;
        emv_reset_parameters(e);
        r = add_timer(event, &e->timer, on_timer, e);
        if (r >= 0)
                r = add_timer(event, &e->late_timer, on_late, e);
        if (r >= 0)
                r = add_timer(event, &e->keypad_timer, on_keypad_timeout, e);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(e);
        return 0;
}

struct emv *emv_free(struct emv *e) {
        if (!e)
                return NULL;
        usb_device_free(e->device.usb);
        sd_event_source_disable_unref(e->timer);
        sd_event_source_disable_unref(e->late_timer);
        sd_event_source_disable_unref(e->keypad_timer);
        contact_free(e->contact);
        free(e->late);
        if (e->wire)
                (void) fclose(e->wire);
        emv_reset_chain(e);
        explicit_bzero(e->message, sizeof(e->message));
        free(e);
        return NULL;
}

int emv_insert(struct emv *e, struct icc *icc) {
        if (e->icc)
                return -EBUSY;
        e->icc = icc;
        emv_notify(e);
        return 0;
}

int emv_remove(struct emv *e) {
        if (!e->icc)
                return -ENOENT;
        emv_power_down(e);
        e->icc = NULL;
        if (emv_is_holding(e) && e->device.usb) {
                emv_let_go(e);
                emv_refuse(e, e->held, ERROR_MUTE);
        }
        emv_notify(e);
        return 0;
}

struct icc *emv_card(const struct emv *e) {
        return e->icc;
}

bool emv_is_powered(const struct emv *e) {
        return e->powered;
}

void emv_misbehave(struct emv *e, enum emv_misbehaviour how, unsigned int count, uint8_t multiplier) {
        e->misbehaviour = how;
        e->extensions = count;
        e->multiplier = multiplier;
}

static const struct device_pipe pipes[] = {
        { "control", 0 }, { "out", EP_OUT }, { "in", EP_IN }, { "interrupt", EP_INTERRUPT }, {},
};

int emv_fail(struct emv *e, char *words) {
        return device_fail(&e->device, pipes, words);
}

void emv_behave(struct emv *e) {
        device_fail_no_more(&e->device, pipes);
        emv_misbehave(e, EMV_BEHAVE, 0, 1);
        e->twist.how = TWIST_NONE;
        e->mute_at = 0;
        e->endless = false;
        e->empty_ends = false;
        for (enum contact_quirk q = 0; q < CONTACT_QUIRKS; q++)
                contact_set(e->contact, q, 0);
}

void emv_set_twist(struct emv *e, const struct emv_twist *twist) {
        e->twist = *twist;
}

void emv_set_mute_at(struct emv *e, uint8_t voltages) {
        e->mute_at = voltages;
}

void emv_set_endless(struct emv *e, bool endless) {
        e->endless = endless;
}

void emv_set_empty_ends(struct emv *e, bool empty_ends) {
        e->empty_ends = empty_ends;
}

void emv_set_quirk(struct emv *e, enum contact_quirk quirk, unsigned int n) {
        contact_set(e->contact, quirk, n);
}

int emv_stall(struct emv *e, enum emv_pipe pipe) {
        static const uint8_t endpoints[] = { EP_OUT, EP_IN, EP_INTERRUPT };

        if (!e->device.usb)
                return -ENODEV;
        usb_device_halt(e->device.usb, endpoints[pipe]);
        return 0;
}

int emv_notify_raw(struct emv *e, const uint8_t *data, size_t size) {
        if (!e->device.usb)
                return -ENODEV;
        emv_log(e, "!", "notice", data, size);
        return usb_device_send(e->device.usb, EP_INTERRUPT, data, size);
}

int emv_log_wire(struct emv *e, const char *path) {
        FILE *f = NULL;

        if (path) {
                f = fopen(path, "we");
                if (!f)
                        return -errno;
                (void) setvbuf(f, NULL, _IOLBF, 0);
        }
        if (e->wire)
                (void) fclose(e->wire);
        e->wire = f;
        return 0;
}

void emv_set_reader(struct emv *e, const struct reader *reader) {
        e->reader = *reader;
        reader_device_descriptor(reader, e->device_descriptor);
        reader_configuration(reader, e->configuration);
}
