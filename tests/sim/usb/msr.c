// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/device.h"
#include "usb/stripe.h"

#define FEATURE_SIZE 24

#define EP_INTERRUPT 0x81
#define EP_KEYS 0x82

/* Of the descriptors in a configuration. */
#define CONFIGURATION_SIZE 9
#define HID_OFFSET 18
#define INTERFACE_SIZE 25

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
        const struct stripe_reader *reader;
        struct usb_model model;
        uint8_t device_descriptor[18], configuration[CONFIGURATION_SIZE + 2 * INTERFACE_SIZE];
        uint8_t ksn[DUKPT_KSN_SIZE];   /* of the last swipe */
        uint8_t feature[FEATURE_SIZE]; /* the answer to the last command */
        enum msr_misbehaviour misbehaviour;
};

static const uint8_t device_descriptor[18] = {
        18, 1, 0x10, 0x01, 0, 0, 0, 8, 0x01, 0x08, 0x02, 0x00, 0x00, 0x01, 1, 2, 3, 1,
};

static const uint8_t configuration[CONFIGURATION_SIZE + INTERFACE_SIZE] = {
        9,    2,    34,
        0,    1,    1,
        0,    0xa0, 50, /* configuration */
        9,    4,    0,
        0,    1,    3,
        0,    0,    0, /* interface: HID, no boot protocol */
        9,    0x21, 0x00,
        0x01, 0,    1,
        0x22, 0,    0, /* HID; the length of the report descriptor is the reader's */
        7,    5,    EP_INTERRUPT,
        3,    8,    0,
        1, /* interrupt IN, 8 bytes each ms */
};

static const char *const strings[] = { "Mag-Tek", "USB Swipe Reader", "TILLSIM-MSR", NULL };
/* The initial one of the standard's example. */
static const uint8_t first_ksn[DUKPT_KSN_SIZE] = { 0xff, 0xff, 0x98, 0x76, 0x54, 0x32, 0x10, 0xe0, 0x00, 0x00 };

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

static size_t copy_out(uint8_t *data, size_t length, const uint8_t *from, size_t size) {
        size_t n = MIN(size, length);

        memcpy(data, from, n);
        return n;
}

static int msr_control(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length) {
        struct msr *m = userdata;

        if (setup->index > (m->reader->keys_descriptor ? 1 : 0))
                return -EPIPE;
        if (setup->request_type == 0x81 && setup->request == 6 && setup->value >> 8 == 0x22) {
                if (setup->index == 1)
                        return copy_out(data, length, m->reader->keys_descriptor, m->reader->keys_descriptor_size);
                return copy_out(data, length, m->reader->descriptor, m->reader->descriptor_size);
        }
        if (setup->request_type == 0x81 && setup->request == 6 && setup->value >> 8 == 0x21)
                return copy_out(data, length, m->configuration + HID_OFFSET + setup->index * INTERFACE_SIZE, 9);

        switch (setup->request_type << 8 | setup->request) {
        case 0xa100 | HID_GET_REPORT:
                if (setup->value >> 8 != HID_REPORT_FEATURE)
                        return -EPIPE;
                return copy_out(data, length, m->feature, sizeof(m->feature));
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

/* Of one HID interface the length of its report descriptor. */
static void set_report_size(uint8_t *interface, size_t size) {
        interface[16] = (uint8_t) size;
        interface[17] = (uint8_t) (size >> 8);
}

/* A reader in a keyboard: the keys are a second interface like the first. */
static void add_keys(struct msr *m, const struct stripe_reader *reader) {
        uint8_t *keys = m->configuration + CONFIGURATION_SIZE + INTERFACE_SIZE;

        memcpy(keys, m->configuration + CONFIGURATION_SIZE, INTERFACE_SIZE);
        keys[2] = 1;
        keys[20] = EP_KEYS;
        set_report_size(keys, reader->keys_descriptor_size);
        m->configuration[2] = sizeof(m->configuration);
        m->configuration[4] = 2;
}

static void set_reader(struct msr *m, const struct stripe_reader *reader) {
        m->reader = reader;
        memcpy(m->device_descriptor, device_descriptor, sizeof(device_descriptor));
        m->device_descriptor[8] = (uint8_t) reader->vendor;
        m->device_descriptor[9] = (uint8_t) (reader->vendor >> 8);
        m->device_descriptor[10] = (uint8_t) reader->product;
        m->device_descriptor[11] = (uint8_t) (reader->product >> 8);
        memcpy(m->configuration, configuration, sizeof(configuration));
        set_report_size(m->configuration + CONFIGURATION_SIZE, reader->descriptor_size);
        if (reader->keys_descriptor)
                add_keys(m, reader);
        m->model = (struct usb_model){
                .device_descriptor = m->device_descriptor,
                .configuration = m->configuration,
                .strings = strings,
                .speed = USB_SPEED_FULL,
        };
}

int msr_new(sd_event *event, struct msr **ret) {
        struct msr *m = calloc(1, sizeof(*m));

        if (!m)
                return -ENOMEM;
        m->device = (struct device){
                .name = "msr",
                .model = &m->model,
                .class = &class,
                .event = event,
                .port = 0,
        };
        memcpy(m->ksn, first_ksn, sizeof(m->ksn));
        set_reader(m, stripe_readers);
        *ret = m;
        return 0;
}

int msr_set_reader(struct msr *m, const char *name) {
        const struct stripe_reader *reader = stripe_reader_find(name);

        if (!reader)
                return -EINVAL;
        if (m->device.usb)
                return -EBUSY;
        set_reader(m, reader);
        return 0;
}

struct msr *msr_free(struct msr *m) {
        if (m) {
                usb_device_free(m->device.usb);
                free(m);
        }
        return NULL;
}

static void count_ksn(uint8_t ksn[static DUKPT_KSN_SIZE]) {
        for (size_t i = DUKPT_KSN_SIZE; i-- > 0 && ++ksn[i] == 0;)
                ;
}

int msr_swipe(struct msr *m, const struct stripe *pulled) {
        struct stripe stripe = *pulled;
        struct stripe_report report;
        int r;

        if (!m->device.usb)
                return -ENODEV;
        for (size_t i = 0; i < STRIPE_TRACKS && m->misbehaviour == MSR_BAD_READ; i++)
                stripe.damage[i] = STRIPE_UNREADABLE;
        if (m->reader->encrypts && !stripe.clear)
                count_ksn(m->ksn);

        /* The reader has one buffer: what nobody fetched is overwritten. */
        usb_device_flush(m->device.usb, EP_INTERRUPT);
        for (unsigned int n = 0;; n++) {
                memset(&report, 0, sizeof(report));
                r = m->reader->report(m->reader, &stripe, m->ksn, n, &report);
                if (r <= 0)
                        break;
                if (n > 0 && m->misbehaviour == MSR_FIRST_REPORT)
                        break;
                if (m->misbehaviour == MSR_SHORT_REPORT)
                        report.size--;
                device_trace(m, "swipe", report.data, report.size);
                r = usb_device_send(m->device.usb, EP_INTERRUPT, report.data, report.size);
                if (r < 0)
                        break;
        }
        explicit_bzero(&report, sizeof(report));
        explicit_bzero(&stripe, sizeof(stripe));
        m->misbehaviour = MSR_BEHAVE;
        return MIN(r, 0);
}

void msr_misbehave(struct msr *m, enum msr_misbehaviour how) {
        m->misbehaviour = how;
}
