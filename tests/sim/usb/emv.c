// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/device.h"

/*
 * A CCID reader (USB CCID 1.1) that runs the card's transport itself: what it is handed and hands
 * back are whole APDUs, chained over several messages where they are longer than one.
 */

#define EP_OUT 0x01
#define EP_IN 0x82
#define EP_INTERRUPT 0x83

#define HEADER_SIZE 10
#define MESSAGE_MAX 271 /* dwMaxCCIDMessageLength: a short APDU in one message, longer ones chained */
#define DATA_MAX (MESSAGE_MAX - HEADER_SIZE)
#define COMMAND_MAX (65544 + HEADER_SIZE)

#define EXTENSION_USEC (200 * 1000)

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
        ERROR_BAD_PARAMETER = 0x08,
        ERROR_BUSY_SLOT = 0xe0,
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
        struct icc *icc; /* borrowed */
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
        unsigned int extensions;      /* how many time extensions the next exchange asks for */
        sd_event_source *timer;       /* runs while an exchange is held back */
        uint8_t held[HEADER_SIZE];    /* its header */
        unsigned int held_extensions; /* left of them */
        int abort_seq;                /* of a control ABORT whose bulk twin has not come, or -1 */
};

static const uint8_t default_t0[] = { 0x11, 0x00, 0x00, 0x0a, 0x00 };

static const uint8_t device_descriptor[18] = {
        18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xe6, 0x08, 0x37, 0x34, 0x00, 0x01, 1, 2, 3, 1,
};

#define LE32(x) (x) & 0xff, (x) >> 8 & 0xff, (x) >> 16 & 0xff, (x) >> 24 & 0xff

static const uint8_t configuration[] = {
        9,
        2,
        93,
        0,
        1,
        1,
        0,
        0x80,
        50, /* configuration */
        9,
        4,
        0,
        0,
        3,
        0x0b,
        0,
        0,
        0, /* interface: CCID, bulk */
        54,
        0x21, /* CCID class descriptor */
        0x10,
        0x01,              /* bcdCCID 1.10 */
        0,                 /* bMaxSlotIndex */
        7,                 /* bVoltageSupport: 5, 3 and 1.8 V */
        LE32(3),           /* dwProtocols: T=0 and T=1 */
        LE32(4000),        /* dwDefaultClock, kHz */
        LE32(4000),        /* dwMaximumClock */
        0,                 /* bNumClockSupported: what is told above */
        LE32(10753),       /* dwDataRate, bit/s */
        LE32(344086),      /* dwMaxDataRate */
        0,                 /* bNumDataRatesSupported */
        LE32(254),         /* dwMaxIFSD */
        LE32(0),           /* dwSynchProtocols */
        LE32(0),           /* dwMechanical */
        LE32(0x000404be),  /* dwFeatures: all automatic, short and extended APDU */
        LE32(MESSAGE_MAX), /* dwMaxCCIDMessageLength */
        0xff,
        0xff, /* bClassGetResponse, bClassEnvelope: echo */
        0,
        0, /* wLcdLayout: none */
        0, /* bPINSupport: none */
        1, /* bMaxCCIDBusySlots */
        7,
        5,
        EP_OUT,
        2,
        64,
        0,
        0, /* bulk OUT */
        7,
        5,
        EP_IN,
        2,
        64,
        0,
        0, /* bulk IN */
        7,
        5,
        EP_INTERRUPT,
        3,
        8,
        0,
        16, /* interrupt IN */
};
_Static_assert(sizeof(configuration) == 93, "wTotalLength");

static const struct usb_model model = {
        .device_descriptor = device_descriptor,
        .configuration = configuration,
        .strings = (const char *const[]){ "Gemalto", "PC Twin Reader", "TILLSIM-EMV", NULL },
        .speed = USB_SPEED_FULL,
};

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

/* Answers a command: status carries bits 7:6 of bStatus, extra is the header's last byte. */
static void emv_answer(struct emv *e, uint8_t type, const uint8_t *command, uint8_t status, uint8_t error,
                       uint8_t extra, const void *data, size_t size) {
        uint8_t message[MESSAGE_MAX] = {
                type, size & 0xff, size >> 8, 0, 0, command[5], command[6], status | slot_status(e), error, extra,
        };

        if (size > 0)
                memcpy(message + HEADER_SIZE, data, size);
        device_trace(e, "answer", message, HEADER_SIZE + size);
        (void) usb_device_send(e->device.usb, EP_IN, message, HEADER_SIZE + size);
        explicit_bzero(message, sizeof(message));
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

static void emv_power_down(struct emv *e) {
        if (e->powered)
                icc_power_off(e->icc);
        e->powered = false;
        emv_reset_chain(e);
}

static void emv_power_on(struct emv *e, const uint8_t *message) {
        uint8_t atr[ICC_ATR_MAX];
        int n = -EIO;

        emv_reset_chain(e);
        emv_reset_parameters(e);
        e->powered = false;
        if (e->icc && e->misbehaviour != EMV_MUTE)
                n = icc_power_on(e->icc, atr);
        if (n < 0) {
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        e->powered = true;
        emv_answer(e, RDR_DATA_BLOCK, message, 0, 0, 0, atr, n);
}

static void emv_send_response(struct emv *e, const uint8_t *message) {
        size_t left = e->response_size - e->response_sent, n = MIN(left, (size_t) DATA_MAX);
        bool first = e->response_sent == 0, last = n == left;
        const uint8_t *data = e->response + e->response_sent;

        e->response_sent += n;
        emv_answer(e, RDR_DATA_BLOCK, message, 0, 0,
                   first  ? last ? CHAIN_WHOLE : CHAIN_BEGIN
                   : last ? CHAIN_END
                          : CHAIN_CONTINUE,
                   data, n);
        if (last)
                emv_reset_chain(e);
}

static void emv_exchange(struct emv *e, const uint8_t *message) {
        ssize_t n = -EIO;

        if (e->misbehaviour == EMV_HARDWARE_ERROR) {
                e->misbehaviour = EMV_BEHAVE;
                emv_reset_chain(e);
                emv_refuse(e, message, ERROR_HARDWARE);
                return;
        }
        if (e->powered && e->misbehaviour != EMV_MUTE)
                n = icc_transmit(e->icc, e->command, e->command_size, e->response);
        if (n < 0) {
                emv_reset_chain(e);
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        explicit_bzero(e->command, e->command_size);
        e->command_size = 0;
        e->response_size = n;
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

static bool emv_is_holding(const struct emv *e) {
        int enabled = SD_EVENT_OFF;

        return sd_event_source_get_enabled(e->timer, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

static void emv_let_go(struct emv *e) {
        (void) sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
        e->held_extensions = 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct emv *e = userdata;

        if (!e->device.usb)
                return 0;
        if (e->held_extensions == 0) {
                emv_exchange(e, e->held);
                return 0;
        }
        e->held_extensions--;
        /* bError is the multiplier of the waiting time (CCID 1.1, 6.2.6). */
        emv_answer(e, RDR_DATA_BLOCK, e->held, STATUS_TIME_EXTENSION, 1, 0, NULL, 0);
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

static void emv_parameters(struct emv *e, const uint8_t *message, const uint8_t *data, size_t size) {
        if (!e->icc) {
                emv_refuse(e, message, ERROR_MUTE);
                return;
        }
        if (message[0] == PC_SET_PARAMETERS) {
                uint8_t protocol = message[7];

                if (protocol > 1 || size != (protocol == 0 ? 5 : 7)) {
                        emv_refuse(e, message, protocol > 1 ? 0x07 : ERROR_BAD_LENGTH);
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

        device_trace(e, "command", message, HEADER_SIZE + size);
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
        if (want > DATA_MAX) {
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
        usb_device_flush(e->device.usb, EP_INTERRUPT);
        device_trace(e, "slot change", notice, sizeof(notice));
        (void) usb_device_send(e->device.usb, EP_INTERRUPT, notice, sizeof(notice));
}

static void emv_configured(void *userdata) {
        struct emv *e = userdata;

        emv_let_go(e);
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

int emv_new(sd_event *event, struct emv **ret) {
        _cleanup_(emv_freep) struct emv *e = NULL;
        int r;

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->device = (struct device){
                .name = "emv",
                .model = &model,
                .class = &class,
                .event = event,
                .port = 1,
        };
        e->abort_seq = -1;
        emv_reset_parameters(e);
        r = sd_event_add_time(event, &e->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_timer, e);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(e->timer, SD_EVENT_OFF);
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

void emv_misbehave(struct emv *e, enum emv_misbehaviour how, unsigned int count) {
        e->misbehaviour = how;
        e->extensions = count;
}
