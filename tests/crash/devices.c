// SPDX-License-Identifier: LGPL-2.1-or-later
#include "crash/devices.h"

#include <sys/mman.h>

#include "base/hex.h"
#include "device/emv.h"
#include "device/monitor.h"
#include "device/msr.h"
#include "device/printer.h"
#include "issuer/dukpt.h"
#include "notice/send.h"

#define BEHAVIOUR_MAX 256

struct monitor {
        monitor_listener_t listener;
        void *userdata;
        bool started;
};

struct msr {
        struct msr_listener listener;
        bool open, armed;
};

struct printer {
        sd_event *event;
        struct printer_listener listener;
        struct printer_status status;
        sd_event_source *printed;
        uint64_t job; /* the one in flight, 0 for none */
};

static struct {
        struct monitor monitor;
        struct msr msr;
        struct printer printer;
        int paper_log;
        uint8_t behaviour[BEHAVIOUR_MAX];
        size_t behaviour_size;
        struct device devices[_DEVICE_KIND_MAX];
} played = {
        .paper_log = -EBADF,
        .devices = {
                [DEVICE_MSR] = { .kind = DEVICE_MSR, .id = (char *) "1-1", .node = (char *) "/dev/till-msr0" },
                [DEVICE_EMV] = { .kind = DEVICE_EMV, .id = (char *) "1-2", .node = (char *) "/dev/till-emv0" },
                [DEVICE_PRINTER] = { .kind = DEVICE_PRINTER, .id = (char *) "1-3", .node = (char *) "/dev/till-printer0" },
        },
};

void devices_set_paper_log(int fd) {
        played.paper_log = fd;
}

void devices_set_card(const void *behaviour, size_t size) {
        if (size > sizeof(played.behaviour))
                abort();
        memcpy(played.behaviour, behaviour, size);
        played.behaviour_size = size;
}

/* ---- monitor.h ---- */

static void tell(struct device *d, enum monitor_event event) {
        if (played.monitor.started)
                played.monitor.listener(d, event, played.monitor.userdata);
}

void devices_connect(enum device_kind kind, bool connected) {
        struct device *d = played.devices + kind;

        if (d->connected == connected)
                return;
        d->connected = connected;
        d->port = d->id;
        d->why = connected ? DEVICE_WHY_PLUGGED : DEVICE_WHY_UNPLUGGED;
        d->card = kind == DEVICE_EMV && connected ? DEVICE_CARD_ABSENT : DEVICE_CARD_UNKNOWN;
        tell(d, connected ? MONITOR_CONNECTED : MONITOR_DISCONNECTED);
}

int monitor_new(sd_event *event, monitor_listener_t listener, void *userdata, struct monitor **ret_monitor) {
        played.monitor = (struct monitor){ .listener = listener, .userdata = userdata };
        *ret_monitor = &played.monitor;
        return 0;
}

int monitor_start(struct monitor *monitor) {
        monitor->started = true;
        for (size_t i = 0; i < ELEMENTSOF(played.devices); i++)
                if (played.devices[i].connected)
                        tell(played.devices + i, MONITOR_CONNECTED);
        return 0;
}

struct monitor *monitor_free(struct monitor *monitor) {
        if (monitor)
                monitor->started = false;
        return NULL;
}

struct device *monitor_find_connected(const struct monitor *monitor, enum device_kind kind) {
        return played.devices[kind].connected ? played.devices + kind : NULL;
}

/* ---- emv.h ---- */

int emv_open(const struct device *device, bool *ret_keypad) {
        int fd;

        if (!device->connected)
                return -ENOTCONN;
        fd = memfd_create("reader", MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (write(fd, played.behaviour, played.behaviour_size) != (ssize_t) played.behaviour_size) {
                safe_close(fd);
                return -EIO;
        }
        *ret_keypad = false;
        return fd;
}

/* ---- msr.h ---- */

bool devices_swipe(const char *track2) {
        struct msr_swipe swipe = { .sequence = 1 };
        bool armed = played.msr.armed;

        (void) track2_parse((const uint8_t *) track2, strlen(track2), 0, &swipe.track2);
        if (armed)
                played.msr.listener.swipe(&played.msr, &swipe, played.msr.listener.userdata);
        return armed;
}

/* As a reader does that shows the first six and last four digits and hides the service code. */
static void mask_pan(const char *track2, char ret[static TRACK_PAN_MAX + 1]) {
        size_t n = strcspn(track2 + 1, "=");

        (void) snprintf(ret, TRACK_PAN_MAX + 1, "%.*s", (int) n, track2 + 1);
        memset(ret + 6, '*', n - 10);
}

bool devices_swipe_encrypted(const char *track2) {
        struct msr_swipe swipe = {
                .sequence = 1,
                .track2.status = TRACK_ENCRYPTED,
                .encrypted = { .ksn = { 0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 1 },
                               .ksn_size = DUKPT_KSN_SIZE },
        };
        char padded[MSR_CRYPTOGRAM_MAX] = "";
        uint8_t key[DUKPT_KEY_SIZE];
        bool armed = played.msr.armed;

        swipe.encrypted.cryptogram_size = ((size_t) snprintf(padded, sizeof(padded), "%s", track2) + 7) / 8 * 8;
        if (dukpt_key(dukpt_test_key, swipe.encrypted.ksn, DUKPT_PIN, key) < 0 ||
            dukpt_crypt(true, key, padded, swipe.encrypted.cryptogram_size, swipe.encrypted.cryptogram) < 0)
                return false;
        mask_pan(track2, swipe.encrypted.masked_pan);
        if (armed)
                played.msr.listener.swipe(&played.msr, &swipe, played.msr.listener.userdata);
        return armed;
}

int msr_new(sd_event *event, const struct msr_listener *listener, struct msr **ret_msr) {
        played.msr = (struct msr){ .listener = *listener };
        *ret_msr = &played.msr;
        return 0;
}

struct msr *msr_free(struct msr *msr) {
        return NULL;
}

int msr_open(struct msr *msr, const char *node) {
        if (!played.devices[DEVICE_MSR].connected)
                return -ENODEV;
        msr->open = true;
        return 0;
}

void msr_close(struct msr *msr) {
        msr->open = msr->armed = false;
}

int msr_arm(struct msr *msr) {
        if (!msr->open)
                return -ENOTCONN;
        msr->armed = true;
        return 0;
}

int msr_disarm(struct msr *msr) {
        msr->armed = false;
        return 0;
}

/* ---- printer.h ---- */

const char *printer_result_to_string(enum printer_result result) {
        static const char *const names[] = { "printed", "unconfirmed", "interrupted", "failed" };

        return names[result];
}

int printer_new(sd_event *event, const struct printer_listener *listener, struct printer **ret_printer) {
        struct printer *p = &played.printer;

        *p = (struct printer){ .event = event, .listener = *listener, .status = { .words = "not open" } };
        *ret_printer = p;
        return 0;
}

/* What was in flight is on paper: only nobody has heard of it. */
void printer_close(struct printer *printer) {
        uint64_t job = printer->job;

        printer->status = (struct printer_status){ .words = "not open" };
        printer->job = 0;
        printer->printed = sd_event_source_disable_unref(printer->printed);
        if (job > 0)
                printer->listener.done(printer, job, PRINTER_INTERRUPTED, "unplugged", printer->listener.userdata);
}

struct printer *printer_free(struct printer *printer) {
        if (printer)
                printer_close(printer);
        return NULL;
}

int printer_open(struct printer *printer, const char *node) {
        if (!played.devices[DEVICE_PRINTER].connected)
                return -ENODEV;
        printer->status = (struct printer_status){ .open = true, .able = true, .words = "ready" };
        return 0;
}

const struct printer_status *printer_get_status(const struct printer *printer) {
        return &printer->status;
}

/* No history cancels a paper. */
int printer_cancel(struct printer *printer, uint64_t job) {
        return -ENOENT;
}

static int put_on_paper(const struct printer_job *job) {
        _cleanup_free_ char *hex = malloc(2 * job->size + 1), *line = NULL;
        int n;

        if (!hex)
                return -ENOMEM;
        hex_encode(job->data, job->size, hex);
        n = asprintf(&line, "%llu %s\n", (unsigned long long) job->id, hex);
        if (n < 0)
                return -ENOMEM;
        return write(played.paper_log, line, (size_t) n) == n ? 0 : -EIO;
}

static int on_printed(sd_event_source *s, void *userdata) {
        struct printer *p = userdata;
        uint64_t job = p->job;

        p->printed = sd_event_source_disable_unref(p->printed);
        p->job = 0;
        p->listener.done(p, job, PRINTER_PRINTED, "", p->listener.userdata);
        return 0;
}

int printer_submit(struct printer *printer, const struct printer_job *job) {
        int r;

        if (!printer->status.open)
                return -ENOTCONN;
        if (printer->job > 0)
                return -EBUSY;
        r = sd_event_add_defer(printer->event, &printer->printed, on_printed, printer);
        if (r < 0)
                return r;
        /* A line that the log did not take is a paper that did not come out, and the printer cannot know. */
        if (put_on_paper(job) < 0)
                return -EIO;
        printer->job = job->id;
        return 0;
}

/* ---- The channels of notices ---- */

int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);

/* They are out of order: what is queued stays for the checker. */
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        return -ENOENT;
}
