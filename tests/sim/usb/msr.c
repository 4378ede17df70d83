// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/device.h"

/* The HID report of MagTek's SureSwipe readers in HID mode: status, lengths, encoding, three tracks. */
#define REPORT_SIZE 337
#define REPORT_STATUS 0
#define REPORT_LENGTH 3
#define REPORT_ENCODING 6
#define REPORT_TRACKS 7
#define TRACK_SIZE 110
#define FEATURE_SIZE 24

#define EP_INTERRUPT 0x81

enum {
        ENCODING_ISO = 0,
        ENCODING_UNDETERMINED = 5,
        ENCODING_NONE = 6,
};

enum { /* HID 1.11, 7.2 */
       HID_GET_REPORT = 1,
       HID_GET_IDLE = 2,
       HID_GET_PROTOCOL = 3,
       HID_SET_REPORT = 9,
       HID_SET_IDLE = 10,
       HID_SET_PROTOCOL = 11,
       HID_REPORT_FEATURE = 3,
};

struct msr {
        struct device device;
        uint8_t feature[FEATURE_SIZE]; /* the answer to the last command */
        bool bad_read;
};

static const uint8_t report_descriptor[] = {
        0x06, 0x00,         0xff, /* Usage Page (vendor FF00) */
        0x09, 0x01,               /* Usage (decoding reader) */
        0xa1, 0x01,               /* Collection (Application) */
        0x15, 0x00,               /*   Logical Minimum (0) */
        0x26, 0xff,         0x00, /*   Logical Maximum (255) */
        0x75, 0x08,               /*   Report Size (8) */
        0x09, 0x20,               /*   Usage (track 1 decode status) */
        0x09, 0x21,               /*   Usage (track 2 decode status) */
        0x09, 0x22,               /*   Usage (track 3 decode status) */
        0x09, 0x28,               /*   Usage (track 1 length) */
        0x09, 0x29,               /*   Usage (track 2 length) */
        0x09, 0x2a,               /*   Usage (track 3 length) */
        0x09, 0x38,               /*   Usage (card encode type) */
        0x95, 0x07,               /*   Report Count (7) */
        0x81, 0x02,               /*   Input (Data, Variable, Absolute) */
        0x09, 0x30,               /*   Usage (track 1 data) */
        0x95, TRACK_SIZE,         /*   Report Count (110) */
        0x82, 0x02,         0x01, /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x31,               /*   Usage (track 2 data) */
        0x95, TRACK_SIZE,         /*   Report Count (110) */
        0x82, 0x02,         0x01, /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x32,               /*   Usage (track 3 data) */
        0x95, TRACK_SIZE,         /*   Report Count (110) */
        0x82, 0x02,         0x01, /*   Input (Data, Variable, Absolute, Buffered Bytes) */
        0x09, 0x20,               /*   Usage (command message) */
        0x95, FEATURE_SIZE,       /*   Report Count (24) */
        0xb2, 0x02,         0x01, /*   Feature (Data, Variable, Absolute, Buffered Bytes) */
        0xc0,                     /* End Collection */
};

static const uint8_t device_descriptor[18] = {
        18, 1, 0x10, 0x01, 0, 0, 0, 8, 0x01, 0x08, 0x02, 0x00, 0x00, 0x01, 1, 2, 3, 1,
};

static const uint8_t configuration[] = {
        9,
        2,
        34,
        0,
        1,
        1,
        0,
        0xa0,
        50, /* configuration */
        9,
        4,
        0,
        0,
        1,
        3,
        0,
        0,
        0, /* interface: HID, no boot protocol */
        9,
        0x21,
        0x00,
        0x01,
        0,
        1,
        0x22,
        sizeof(report_descriptor),
        0, /* HID */
        7,
        5,
        EP_INTERRUPT,
        3,
        8,
        0,
        1, /* interrupt IN, 8 bytes each ms */
};

static const struct usb_model model = {
        .device_descriptor = device_descriptor,
        .configuration = configuration,
        .strings = (const char *const[]){ "Mag-Tek", "USB Swipe Reader", "TILLSIM-MSR", NULL },
        .speed = USB_SPEED_FULL,
};

/* The vendor's commands travel in feature reports: number, length, data; answered by result, length, data. */
static void msr_command(struct msr *m, const uint8_t *data, size_t size) {
        static const char software[] = "TILL-SIM 1", serial[] = "TILLSIM-MSR";
        const char *text = NULL;

        memset(m->feature, 0, sizeof(m->feature));
        if (size >= 3 && data[0] == 0 && data[1] == 1) /* get property */
                text = data[2] == 0 ? software : data[2] == 1 ? serial : NULL;
        if (!text) {
                m->feature[0] = 2; /* bad parameter */
                return;
        }
        m->feature[1] = strlen(text);
        memcpy(m->feature + 2, text, strlen(text));
}

static int msr_control(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length) {
        struct msr *m = userdata;
        size_t n;

        if (setup->request_type == 0x81 && setup->request == 6 && setup->value >> 8 == 0x22) {
                n = MIN(sizeof(report_descriptor), length);
                memcpy(data, report_descriptor, n);
                return n;
        }
        if (setup->request_type == 0x81 && setup->request == 6 && setup->value >> 8 == 0x21) {
                n = MIN((size_t) 9, length);
                memcpy(data, configuration + 18, n);
                return n;
        }

        switch (setup->request_type << 8 | setup->request) {
        case 0xa100 | HID_GET_REPORT:
                if (setup->value >> 8 != HID_REPORT_FEATURE)
                        return -EPIPE;
                n = MIN(sizeof(m->feature), length);
                memcpy(data, m->feature, n);
                return n;
        case 0x2100 | HID_SET_REPORT:
                if (setup->value >> 8 != HID_REPORT_FEATURE)
                        return -EPIPE;
                msr_command(m, data, length);
                return 0;
        case 0x2100 | HID_SET_IDLE:
                return 0;
        default:
                return -EPIPE;
        }
}

static const struct usb_class class = {
        .control = msr_control,
        .configured = device_changed,
        .gone = device_changed,
        .trace = device_trace,
};

int msr_new(sd_event *event, struct msr **ret) {
        struct msr *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->device = (struct device){
                .name = "msr",
                .model = &model,
                .class = &class,
                .event = event,
                .port = 0,
        };
        *ret = m;
        return 0;
}

struct msr *msr_free(struct msr *m) {
        if (m) {
                usb_device_free(m->device.usb);
                free(m);
        }
        return NULL;
}

int msr_swipe(struct msr *m, const struct sim_card *card) {
        uint8_t report[REPORT_SIZE] = {};
        bool any = false;
        int r;

        if (!m->device.usb)
                return -ENODEV;
        for (size_t i = 0; i < ELEMENTSOF(card->track); i++) {
                size_t n = strlen(card->track[i]);

                if (n == 0)
                        continue;
                any = true;
                if (m->bad_read) {
                        report[REPORT_STATUS + i] = 1;
                        continue;
                }
                report[REPORT_LENGTH + i] = n;
                memcpy(report + REPORT_TRACKS + i * TRACK_SIZE, card->track[i], n);
        }
        report[REPORT_ENCODING] = !any ? ENCODING_NONE : m->bad_read ? ENCODING_UNDETERMINED : ENCODING_ISO;
        m->bad_read = false;

        /* The reader has one buffer: what nobody fetched is overwritten. */
        usb_device_flush(m->device.usb, EP_INTERRUPT);
        device_trace(m, "swipe", report, sizeof(report));
        r = usb_device_send(m->device.usb, EP_INTERRUPT, report, sizeof(report));
        explicit_bzero(report, sizeof(report));
        return r;
}

void msr_set_bad_read(struct msr *m, bool bad) {
        m->bad_read = bad;
}
