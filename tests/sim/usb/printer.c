// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits.h>

#include "paper/paper.h"
#include "usb/device.h"

#define EP_OUT 0x01
#define EP_IN 0x82
#define PACKET 64 /* bytes that cross the bus at once */

/* Where the printer loses its cable or its power: before the N-th of these. */
enum cut { CUT_NONE, CUT_PACKET, CUT_ANSWER, CUT_ROW };

struct printer_kind {
        const struct paper_model *paper;
        const char *word; /* as till-sim(1) has it */
        struct usb_model model;
        const char *id;    /* IEEE 1284 device id */
        uint16_t id_index; /* wIndex of the request for it: interface and alternate setting */
};

struct printer {
        struct device device;
        const struct printer_kind *kind;
        struct paper *paper;
        sd_event_source *timer;
        uint64_t ran; /* CLOCK_MONOTONIC, microseconds */
        bool printing;
        enum printer_misbehaviour how;
        unsigned int told;   /* messages of one that never stops */
        const uint8_t *held; /* where the data of the transfer begins that is not taken */

        enum cut cut;
        unsigned cut_at;
        bool cut_power;
        size_t in_packet; /* bytes taken of the one under way */
        struct printer_counts counts;
        uint64_t rows_before; /* the paper's count when ours began */
};

#define DEVICE(_vendor, _product)                                                                                     \
        ((const uint8_t[18]){ 18, 1, 0x00, 0x02, 0, 0, 0, 64, (_vendor) &0xff, (_vendor) >> 8, (_product) &0xff,      \
                              (_product) >> 8, 0x00, 0x01, 1, 2, 3, 1 })
/* Self-powered, of one interface; size is that of all. */
#define CONFIGURATION(_size) POWERED(_size, 0xc0, 1)
/* power: in units of 2 mA. */
#define POWERED(_size, _attributes, _power) 9, 2, (_size), 0, 1, 1, 0, (_attributes), (_power)
#define INTERFACE(_alternate, _endpoints, _protocol) 9, 4, 0, (_alternate), (_endpoints), 7, 1, (_protocol), 0
#define BULK(_address, _packet) 7, 5, (_address), 2, (_packet), 0, 0

#define STRINGS                                                                                                       \
        (const char *const[]) {                                                                                       \
                "EPSON", "TM-T20II", "TILLSIM-PRINTER", NULL                                                          \
        }
#define ID_EPSON "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;DES:EPSON TM-T20II Receipt;SN:TILLSIM-PRINTER;"

static const uint8_t bidirectional[] = {
        CONFIGURATION(32),
        INTERFACE(0, 2, 2),
        BULK(EP_OUT, 64),
        BULK(EP_IN, 64),
};

/* More than a port gives. */
static const uint8_t hungry[] = {
        POWERED(32, 0x80, 255),
        INTERFACE(0, 2, 2),
        BULK(EP_OUT, 64),
        BULK(EP_IN, 64),
};

static const uint8_t unidirectional[] = {
        CONFIGURATION(25),
        INTERFACE(0, 1, 1),
        BULK(EP_OUT, 64),
};

/* The setting in use at first is not the best one, and the last is IEEE 1284.4. */
static const uint8_t alternates[] = {
        CONFIGURATION(71), INTERFACE(0, 1, 1), BULK(EP_OUT, 64), INTERFACE(1, 2, 2), BULK(EP_OUT, 64),
        BULK(EP_IN, 64),   INTERFACE(2, 2, 3), BULK(EP_OUT, 64), BULK(EP_IN, 64),
};

static const uint8_t packets_only[] = {
        CONFIGURATION(32),
        INTERFACE(0, 2, 3),
        BULK(EP_OUT, 64),
        BULK(EP_IN, 64),
};

static const uint8_t no_packet_size[] = {
        CONFIGURATION(32),
        INTERFACE(0, 2, 2),
        BULK(EP_OUT, 0),
        BULK(EP_IN, 64),
};

#define KIND(_word, _vendor, _product, _configuration, _id, _id_index)                                                \
        PAPER_KIND(_word, _vendor, _product, _configuration, _id, _id_index, &paper_model_80mm)
#define PAPER_KIND(_word, _vendor, _product, _configuration, _id, _id_index, _paper)                                  \
        {                                                                                                             \
                .paper = (_paper), .word = (_word),                                                                   \
                .model = { .device_descriptor = DEVICE(_vendor, _product),                                            \
                           .configuration = (_configuration),                                                         \
                           .strings = STRINGS,                                                                        \
                           .speed = USB_SPEED_FULL },                                                                 \
                .id = (_id), .id_index = (_id_index)                                                                  \
        }

/* The first is the usual one. */
static const struct printer_kind kinds[] = {
        KIND("", 0x04b8, 0x0e15, bidirectional, ID_EPSON, 0),
        KIND("unidirectional", 0x04b8, 0x0e15, unidirectional, ID_EPSON, 0),
        KIND("alternates", 0x04b8, 0x0e15, alternates, ID_EPSON, 1),
        KIND("packets-only", 0x04b8, 0x0e15, packets_only, ID_EPSON, 0),
        KIND("hungry", 0x04b8, 0x0e15, hungry, ID_EPSON, 0),
        KIND("no-packet-size", 0x04b8, 0x0e15, no_packet_size, ID_EPSON, 0),
        /* Ids of bridge chips, of which many things are made. */
        KIND("bridge", 0x0416, 0x5011, bidirectional, "MFG:Printer;CMD:EPSON;MDL:POS-80;CLS:PRINTER;1", 0),
        KIND("bridge-other", 0x1a86, 0x7584, bidirectional, "MFG:HP;CMD:PCL,PJL;MDL:LaserJet 6L;CLS:PRINTER;", 0),
        /* Models of the field. */
        PAPER_KIND("58mm", 0x6868, 0x0200, bidirectional, "MFG:Gprinter;CMD:ESC/POS;MDL:GP-58;CLS:PRINTER;", 0,
                   &paper_model_58mm),
        PAPER_KIND("latin", 0x1504, 0x0006, bidirectional, "MFG:BIXOLON;CMD:ESC/POS;MDL:SRP-350;CLS:PRINTER;", 0,
                   &paper_models[2]),
        KIND("unknown", 0x0404, 0x0312, bidirectional, "MFG:NCR;CMD:ESC/POS;MDL:7197;CLS:PRINTER;", 0),
        PAPER_KIND("silent", 0x0416, 0x5011, bidirectional, "MFG:Printer;CMD:EPSON;MDL:POS-58;CLS:PRINTER;", 0,
                   &paper_models[3]),
};

/* Nothing comes of it and nothing goes to it from here on; it is unplugged from the event loop. */
static void pull(struct printer *p) {
        device_trace(p, p->cut_power ? "cut, no power" : "cut, unplugged", NULL, 0);
        p->cut = CUT_NONE;
        p->device.pulled = true;
        if (p->cut_power)
                paper_power_off(p->paper);
        device_changed(p);
}

static bool cut_is_due(struct printer *p, enum cut cut, unsigned count) {
        if (p->cut != cut || count != p->cut_at)
                return false;
        pull(p);
        return true;
}

static void printer_reply(void *userdata, const void *data, size_t size) {
        struct printer *p = userdata;

        if (p->device.pulled || cut_is_due(p, CUT_ANSWER, ++p->counts.answers))
                return;
        device_trace(p, p->how == PRINTER_SILENT ? "reply, dropped" : "reply", data, size);
        if (p->device.usb && p->how != PRINTER_SILENT)
                (void) usb_device_send(p->device.usb, EP_IN, data, size);
}

/* The paper itself knows at which row its power goes. */
static void notice_power(struct printer *p) {
        struct paper_status status;

        paper_get_status(p->paper, &status);
        if (status.powerless && p->cut == CUT_ROW)
                pull(p);
}

/* Lets the head run for the time since it last did, and wakes up again when it wants to. */
static void printer_run(struct printer *p) {
        uint64_t now = 0, next;

        (void) sd_event_now(p->device.event, CLOCK_MONOTONIC, &now);
        next = paper_advance(p->paper, p->printing ? now - p->ran : 0);
        p->ran = now;
        notice_power(p);
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

/* One after the other, as the bus has them: the last of a transfer may be a short one. */
static size_t take_packets(struct printer *p, const uint8_t *data, size_t size) {
        size_t taken = 0;

        while (taken < size && !p->device.pulled) {
                size_t want = MIN(size - taken, PACKET - p->in_packet), n;

                if (p->in_packet == 0 && cut_is_due(p, CUT_PACKET, p->counts.packets + 1))
                        break;
                n = paper_write(p->paper, data + taken, want);
                printer_run(p);
                taken += n;
                p->in_packet += n;
                if (n < want)
                        break;
                p->in_packet = 0;
                p->counts.packets++;
        }
        return taken;
}

static ssize_t printer_out(void *userdata, uint8_t endpoint, const uint8_t *data, size_t size) {
        struct printer *p = userdata;
        size_t n;

        if (p->how == PRINTER_HOLD) {
                if (!p->held)
                        p->held = data;
                return data == p->held ? 0 : (ssize_t) size;
        }
        n = take_packets(p, data, size);
        device_trace(p, n < size ? "print, busy" : "print", data, n);
        return n;
}

static size_t device_id_size(const struct printer *p) {
        switch (p->how) {
        case PRINTER_ID_EMPTY:
                return 2;
        case PRINTER_ID_CUT:
                return 1;
        case PRINTER_ID_GARBAGE:
                return 2 + UINT8_MAX;
        case PRINTER_ID_HUGE:
                return 2 + 2300;
        default:
                return 2 + strlen(p->kind->id);
        }
}

static uint8_t device_id_byte(const struct printer *p, size_t i) {
        if (p->how == PRINTER_ID_GARBAGE)
                return (uint8_t) (i + 1);
        return i < strlen(p->kind->id) ? (uint8_t) p->kind->id[i] : '.';
}

/* The length comes first, big-endian, and counts itself. */
static int device_id(struct printer *p, const struct usb_setup *setup, uint8_t *data, size_t size) {
        size_t n = device_id_size(p), told = n;

        if (p->how == PRINTER_ID_STALL || setup->value != 0 || setup->index != p->kind->id_index)
                return -EPIPE;
        if (p->how == PRINTER_ID_LONG)
                told = UINT16_MAX;
        else if (p->how == PRINTER_ID_SHORT)
                told = 2 + strlen("MFG:");
        else if (p->how == PRINTER_ID_REVERSED)
                told = n << 8;
        for (size_t i = 0; i < MIN(n, size); i++)
                data[i] = i == 0 ? told >> 8 : i == 1 ? told & 0xff : device_id_byte(p, i - 2);
        return MIN(n, size);
}

/* Class 1.1 has it to the interface, 1.0 had it to the other port. */
static int soft_reset(struct printer *p, const struct usb_setup *setup) {
        if (p->how == PRINTER_RESET_NONE || (p->how == PRINTER_RESET_OLD && setup->request_type == 0x21))
                return -EPIPE;
        paper_soft_reset(p->paper);
        if (p->device.usb)
                usb_device_flush(p->device.usb, EP_IN);
        return 0;
}

static int printer_control(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length) {
        struct printer *p = userdata;

        if (p->how == PRINTER_DEAF && setup->request_type & 0x60)
                return -EAGAIN;
        switch (setup->request_type << 8 | setup->request) {
        case 0xa100: /* GET_DEVICE_ID */
                return device_id(p, setup, data, length);
        case 0xa101: /* GET_PORT_STATUS */
                if (length < 1 || p->how == PRINTER_PORT_STALL)
                        return -EPIPE;
                data[0] = paper_port_status(p->paper);
                return 1;
        case 0x2102:
        case 0x2302:
                return soft_reset(p, setup);
        default:
                return -EPIPE;
        }
}

/* One that says something whenever the host listens, for ever. */
static void printer_listened(void *userdata, uint8_t endpoint) {
        /* Automatic status, cover shut and open in turn. */
        static const uint8_t status[2][4] = { { 0x10 }, { 0x38 } };
        struct printer *p = userdata;

        if (p->how == PRINTER_EMPTY)
                (void) usb_device_send(p->device.usb, EP_IN, "", 0);
        else if (p->how == PRINTER_CHATTER)
                (void) usb_device_send(p->device.usb, EP_IN, "\x11", 1);
        else if (p->how == PRINTER_STORM)
                (void) usb_device_send(p->device.usb, EP_IN, status[p->told++ % 2], sizeof(status[0]));
}

static const struct usb_class class = {
        .control = printer_control,
        .out = printer_out,
        .listened = printer_listened,
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
                .model = &kinds[0].model,
                .class = &class,
                .event = event,
                .port = 2,
        };
        p->kind = &kinds[0];
        r = paper_new(p->kind->paper, printer_reply, p, &p->paper);
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

/* Another model in the port has its own paper, with nothing on it. */
static int change_paper(struct printer *p, const struct paper_model *model) {
        struct paper *paper;
        int r;

        if (model == p->kind->paper)
                return 0;
        r = paper_new(model, printer_reply, p, &paper);
        if (r < 0)
                return r;
        paper_free(p->paper);
        p->paper = paper;
        return 0;
}

int printer_set_kind(struct printer *p, const char *word) {
        int r;

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                if (!streq(word, kinds[i].word))
                        continue;
                if (p->device.usb)
                        return -EBUSY;
                r = change_paper(p, kinds[i].paper);
                if (r < 0)
                        return r;
                p->kind = &kinds[i];
                p->device.model = &kinds[i].model;
                return 0;
        }
        return -EINVAL;
}

int printer_misbehave(struct printer *p, const char *word) {
        static const char *const words[] = {
                [PRINTER_SILENT] = "no-answer",
                [PRINTER_ID_STALL] = "id-stall",
                [PRINTER_ID_LONG] = "id-long",
                [PRINTER_ID_SHORT] = "id-short",
                [PRINTER_ID_REVERSED] = "id-reversed",
                [PRINTER_ID_EMPTY] = "id-empty",
                [PRINTER_ID_CUT] = "id-cut",
                [PRINTER_ID_GARBAGE] = "id-garbage",
                [PRINTER_ID_HUGE] = "id-huge",
                [PRINTER_PORT_STALL] = "port-stall",
                [PRINTER_RESET_OLD] = "reset-old",
                [PRINTER_RESET_NONE] = "reset-none",
                [PRINTER_DEAF] = "deaf",
                [PRINTER_EMPTY] = "empty",
                [PRINTER_CHATTER] = "chatter",
                [PRINTER_STORM] = "storm",
                [PRINTER_HOLD] = "hold",
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                if (!words[i] || !streq(words[i], word))
                        continue;
                p->how = i;
                p->held = NULL;
                if (p->device.usb)
                        usb_device_resume(p->device.usb, EP_OUT);
                if (p->device.usb && usb_device_listens(p->device.usb, EP_IN))
                        printer_listened(p, EP_IN);
                return 0;
        }
        return -EINVAL;
}

int printer_cut(struct printer *p, char *words) {
        static const char *const where[] = { [CUT_PACKET] = "packet", [CUT_ANSWER] = "answer", [CUT_ROW] = "row" };
        char *save, *what = strtok_r(words, " ", &save), *unit = strtok_r(NULL, " ", &save), *end;
        const char *number = strempty(strtok_r(NULL, " ", &save));
        unsigned long at = strtoul(number, &end, 10);
        bool power = streq_ptr(what, "power");
        enum cut cut = CUT_NONE;

        for (size_t i = CUT_PACKET; unit && i < ELEMENTSOF(where); i++)
                if (streq(where[i], unit))
                        cut = i;
        if (unit ? cut == CUT_NONE || at == 0 || at > INT_MAX || *end || (!power && !streq(what, "unplug")) ||
                            (cut == CUT_ROW && !power)
                 : !streq_ptr(what, "none"))
                return -EINVAL;

        p->cut = cut;
        p->cut_at = (unsigned) at;
        p->cut_power = power;
        paper_power_off_after(p->paper, cut == CUT_ROW ? p->cut_at : 0);
        printer_get_counts(p, &p->counts);
        p->rows_before += p->counts.rows;
        p->counts = (struct printer_counts){};
        return 0;
}

void printer_get_counts(const struct printer *p, struct printer_counts *ret) {
        struct paper_status status;

        paper_get_status(p->paper, &status);
        *ret = p->counts;
        ret->rows = status.rows_fed - p->rows_before;
        ret->cutting = p->cut != CUT_NONE;
}

void printer_power(struct printer *p) {
        struct paper_status status;

        paper_get_status(p->paper, &status);
        if (status.powerless)
                paper_power_cycle(p->paper);
        /* What was under way when it went does not go on. */
        p->in_packet = 0;
}

static const struct device_pipe pipes[] = { { "control", 0 }, { "out", EP_OUT }, { "in", EP_IN }, {} };

int printer_fail(struct printer *p, char *words) {
        return device_fail(&p->device, pipes, words);
}

void printer_behave(struct printer *p) {
        p->how = PRINTER_BEHAVE;
        device_fail_no_more(&p->device, pipes);
}
