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
