// SPDX-License-Identifier: LGPL-2.1-or-later
#include "paper/paper.h"
#include "usb/device.h"

#define EP_OUT 0x01
#define EP_IN 0x82

/* IEEE 1284 device id: its length, which counts itself, comes first (big-endian). */
#define DEVICE_ID                                                                                                     \
        "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;DES:EPSON TM-T20II Receipt;"                                  \
        "SN:TILLSIM-PRINTER;"

struct printer {
        struct device device;
        struct paper *paper;
        sd_event_source *timer;
        uint64_t ran; /* CLOCK_MONOTONIC, microseconds */
        bool printing;
        bool silent;
};

static const uint8_t device_descriptor[18] = {
        18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xb8, 0x04, 0x15, 0x0e, 0x00, 0x01, 1, 2, 3, 1,
};

static const uint8_t configuration[] = {
        9, 2, 32,     0, 1,  1, 0, 0xc0, 1, /* configuration, self-powered */
        9, 4, 0,      0, 2,  7, 1, 2,    0, /* interface: printer, bidirectional */
        7, 5, EP_OUT, 2, 64, 0, 0,          /* bulk OUT */
        7, 5, EP_IN,  2, 64, 0, 0,          /* bulk IN */
};

static const struct usb_model model = {
        .device_descriptor = device_descriptor,
        .configuration = configuration,
        .strings = (const char *const[]){ "EPSON", "TM-T20II", "TILLSIM-PRINTER", NULL },
        .speed = USB_SPEED_FULL,
};

static void printer_reply(void *userdata, const void *data, size_t size) {
        struct printer *p = userdata;

        device_trace(p, p->silent ? "reply, dropped" : "reply", data, size);
        if (p->device.usb && !p->silent)
                (void) usb_device_send(p->device.usb, EP_IN, data, size);
}

/* Lets the head run for the time since it last did, and wakes up again when it wants to. */
static void printer_run(struct printer *p) {
        uint64_t now = 0, next;

        (void) sd_event_now(p->device.event, CLOCK_MONOTONIC, &now);
        next = paper_advance(p->paper, p->printing ? now - p->ran : 0);
        p->ran = now;
        p->printing = next != UINT64_MAX;
        if (!p->printing) {
                (void) sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
                return;
        }
        (void) sd_event_source_set_time_relative(p->timer, MAX(next, (uint64_t) 1000));
        (void) sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        printer_changed(userdata);
        return 0;
}

static ssize_t printer_out(void *userdata, uint8_t endpoint, const uint8_t *data, size_t size) {
        struct printer *p = userdata;
        size_t n = paper_write(p->paper, data, size);

        device_trace(p, n < size ? "print, busy" : "print", data, n);
        printer_run(p);
        return n;
}

static int printer_control(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length) {
        struct printer *p = userdata;
        size_t n = sizeof(DEVICE_ID) - 1 + 2;

        switch (setup->request_type << 8 | setup->request) {
        case 0xa100: { /* GET_DEVICE_ID */
                uint8_t id[sizeof(DEVICE_ID) + 2] = { n >> 8, n & 0xff };

                memcpy(id + 2, DEVICE_ID, n - 2);
                memcpy(data, id, MIN(n, length));
                return MIN(n, length);
        }
        case 0xa101: /* GET_PORT_STATUS */
                if (length < 1)
                        return -EPIPE;
                data[0] = paper_port_status(p->paper);
                return 1;
        case 0x2102: /* SOFT_RESET, of class 1.1 and of 1.0 */
        case 0x2302:
                paper_soft_reset(p->paper);
                if (p->device.usb)
                        usb_device_flush(p->device.usb, EP_IN);
                return 0;
        default:
                return -EPIPE;
        }
}

static const struct usb_class class = {
        .control = printer_control,
        .out = printer_out,
        .configured = device_changed,
        .gone = device_changed,
        .trace = device_trace,
};

int printer_new(sd_event *event, struct printer **ret) {
        _cleanup_(printer_freep) struct printer *p = NULL;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->device = (struct device){
                .name = "printer",
                .model = &model,
                .class = &class,
                .event = event,
                .port = 2,
        };
        r = paper_new(&paper_model_80mm, printer_reply, p, &p->paper);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &p->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_timer, p);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

struct printer *printer_free(struct printer *p) {
        if (!p)
                return NULL;
        usb_device_free(p->device.usb);
        sd_event_source_disable_unref(p->timer);
        paper_free(p->paper);
        free(p);
        return NULL;
}

struct paper *printer_paper(struct printer *p) {
        return p->paper;
}

void printer_changed(struct printer *p) {
        printer_run(p);
        if (p->device.usb)
                usb_device_resume(p->device.usb, EP_OUT);
}

void printer_stall(struct printer *p) {
        if (!p->device.usb)
                return;
        usb_device_halt(p->device.usb, EP_OUT);
        usb_device_halt(p->device.usb, EP_IN);
}

void printer_set_silent(struct printer *p, bool silent) {
        p->silent = silent;
}
