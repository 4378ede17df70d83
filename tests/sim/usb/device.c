// SPDX-License-Identifier: LGPL-2.1-or-later
#include <time.h>

#include "base/hex.h"
#include "usb/device.h"

static FILE *trace;

int device_trace_open(const char *path) {
        FILE *f = NULL;

        if (path) {
                f = fopen(path, "ae");
                if (!f)
                        return -errno;
                (void) setvbuf(f, NULL, _IOLBF, 0);
        }
        if (trace)
                (void) fclose(trace);
        trace = f;
        return 0;
}

void device_changed(void *userdata) {
        struct device *d = userdata;

        if (d->changed)
                d->changed(d->owner);
}

/* Names alone: what a number is depends on the machine. */
static int errno_by_name(const char *name) {
        for (int e = 1; e < 200; e++)
                if (streq(strempty(strerrorname_np(e)), name))
                        return e;
        return -EINVAL;
}

int device_fail(struct device *d, const struct device_pipe *pipes, char *words) {
        char *save, *pipe = strtok_r(words, " ", &save), *name = strtok_r(NULL, " ", &save);
        int error = name ? errno_by_name(name) : -EINVAL;

        if (error < 0)
                return -EINVAL;
        for (const struct device_pipe *p = pipes; p->word; p++) {
                if (!streq(p->word, pipe))
                        continue;
                if (!d->usb)
                        return -ENODEV;
                usb_device_fail(d->usb, p->endpoint, -error);
                return 0;
        }
        return -EINVAL;
}

void device_fail_no_more(struct device *d, const struct device_pipe *pipes) {
        for (const struct device_pipe *p = pipes; d->usb && p->word; p++)
                usb_device_fail(d->usb, p->endpoint, 0);
}

void device_trace(void *userdata, const char *what, const uint8_t *data, size_t size) {
        struct device *d = userdata;
        _cleanup_free_ char *text = NULL;
        struct timespec now;

        if (!trace)
                return;
        text = hex_encode_alloc(data, size);
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        fprintf(trace, "%lld.%06ld %s %s: %s\n", (long long) now.tv_sec, now.tv_nsec / 1000, d->name, what,
                strempty(text));
}
