// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices that come and go, and those whose transfers fail. */
#include <inttypes.h>

#include "care/acts-internal.h"
#include "care/see.h"

/* So often in so long is no person who changes a cable. */
#define UNSTABLE_USEC (120 * USEC_PER_SEC)
#define ERRORS_MIN 5
#define ERRORS_USEC (90 * USEC_PER_SEC)
/* Without one more they are over. */
#define ERRORS_END_USEC (60 * USEC_PER_SEC)

static struct act_device *find(struct acts *a, const char *id) {
        for (size_t i = 0; i < ACT_DEVICES; i++)
                if (streq(a->devices[i].id, id))
                        return a->devices + i;
        return NULL;
}

/* NULL where there are more devices than places: those are not watched. */
static struct act_device *place(struct acts *a, const char *id) {
        struct act_device *d = find(a, id);

        if (d)
                return d;
        d = find(a, "");
        if (d)
                COPY(d->id, id);
        return d;
}

/* ---- Errors of communication ---- */

static int read_count(const struct device *device, uint64_t *ret) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = device_read_attribute(device, "statistics/communication_error_count", &text);
        if (r < 0)
                return r;
        *ret = strtoull(text, NULL, 10);
        return 0;
}

/* One more since it was looked at last. */
static bool goes_on(struct acts *a, struct act_device *d) {
        const struct device *device = monitor_find(engine_monitor(a->engine), d->id);
        uint64_t count, before = d->checked;

        if (!device || read_count(device, &count) < 0)
                return false;
        d->checked = count;
        return count > before;
}

static int on_errors(sd_event_source *source, uint64_t usec, void *userdata) {
        struct acts *a = userdata;
        bool any = false;

        for (size_t i = 0; i < ACT_DEVICES; i++) {
                struct act_device *d = a->devices + i;

                if (!d->failing)
                        continue;
                d->failing = goes_on(a, d);
                any = any || d->failing;
                if (!d->failing)
                        faults_disprove(a->faults, "device-errors", d->id);
        }
        if (any)
                act_later(a, &a->errors, ERRORS_END_USEC, on_errors);
        else
                /* Of devices that failed before tilld was started, too. */
                faults_disprove(a->faults, "device-errors", "");
        return 0;
}

static void begin_count(struct act_device *d, uint64_t count, uint64_t now) {
        d->errors = d->read = count;
        d->errors_usec = d->read_usec = now;
}

static bool is_late(uint64_t since, uint64_t now) {
        return now - since > ERRORS_USEC;
}

/* What is silent makes errors, too: one cause, one fault. */
static bool is_explained(struct acts *a, const char *id) {
        return acts_reader_has_failed(a, id) || act_is_open(a, "printer-silent", id);
}

static void hold_count(struct acts *a, struct act_device *d, uint64_t count) {
        uint64_t now = clock_now(CLOCK_BOOTTIME);
        char detail[80];

        /* Plugged in anew, or long not looked at: the next errors count from here. */
        if (d->errors_usec == 0 || count < d->read || is_late(d->read_usec, now) || is_explained(a, d->id))
                return begin_count(d, count, now);
        if (is_late(d->errors_usec, now))
                begin_count(d, d->read, d->read_usec);
        d->read = count;
        d->read_usec = now;
        if (count - d->errors < ERRORS_MIN)
                return;
        (void) snprintf(detail, sizeof(detail), "%" PRIu64 " transfers failed in %" PRIu64 " s", count - d->errors,
                        (now - d->errors_usec) / USEC_PER_SEC);
        act_observe(a, "device-errors", d->id, 0, detail);
        begin_count(d, count, now);
        d->failing = true;
        d->checked = count;
        act_later(a, &a->errors, ERRORS_END_USEC, on_errors);
}

void acts_read_errors(struct acts *a) {
        const struct device *device;

        for (size_t i = 0; (device = monitor_get(engine_monitor(a->engine), i)); i++) {
                struct act_device *d = place(a, device->id);
                uint64_t count;

                if (d && device->connected && read_count(device, &count) >= 0)
                        hold_count(a, d, count);
        }
}

/* ---- Devices that come and go ---- */

static int on_unstable(sd_event_source *source, uint64_t usec, void *userdata) {
        struct acts *a = userdata;
        uint64_t now = clock_now(CLOCK_BOOTTIME), next = UINT64_MAX;

        for (size_t i = 0; i < ACT_DEVICES; i++) {
                const struct act_device *d = a->devices + i;
                uint64_t end = d->unplugged[0] + UNSTABLE_USEC;

                if (d->unplugged[0] > 0 && end > now)
                        next = MIN(next, end);
                else if (!isempty(d->id))
                        faults_disprove(a->faults, "device-unstable", d->id);
        }
        if (next < UINT64_MAX)
                act_later(a, &a->unstable, next - now, on_unstable);
        else
                /* Of devices that are not there any more, too. */
                faults_disprove(a->faults, "device-unstable", "");
        return 0;
}

static void note_unplugged(struct acts *a, const char *id) {
        struct act_device *d = place(a, id);
        uint64_t now = clock_now(CLOCK_BOOTTIME);

        if (!d)
                return;
        memmove(d->unplugged + 1, d->unplugged, sizeof(d->unplugged) - sizeof(d->unplugged[0]));
        d->unplugged[0] = now;
        if (d->unplugged[ACT_UNPLUGGED - 1] > 0 && now - d->unplugged[ACT_UNPLUGGED - 1] <= UNSTABLE_USEC)
                act_observe(a, "device-unstable", id, 0, "it was lost 3 times in 2 minutes");
        /* One that is armed ends before, and looks at this one too. */
        if (!a->unstable || sd_event_source_get_enabled(a->unstable, NULL) <= 0)
                act_later(a, &a->unstable, UNSTABLE_USEC, on_unstable);
}

/* What an act has shown of it is another matter when it comes back. */
static void disconnected(struct acts *a, const struct device *device) {
        static const char *const faults[] = { "emv-fault", "msr-encryption", "printer-silent", "device-errors" };

        /* A driver that is taken away is no loose plug, and may be a try to bring the device back. */
        if (streq(device->why, DEVICE_WHY_UNBOUND))
                return;
        for (size_t i = 0; i < ELEMENTSOF(faults); i++)
                faults_disprove(a->faults, faults[i], device->id);
        note_unplugged(a, device->id);
}

static int on_believed(sd_event_source *source, uint64_t usec, void *userdata) {
        struct acts *a = userdata;

        faults_kick(a->faults);
        return 0;
}

void acts_watch_card(struct acts *a) {
        act_later(a, &a->card_left, SEE_CARD_LEFT_USEC, on_believed);
}

void acts_device(struct acts *a, const struct device *device, enum monitor_event event) {
        if (event == MONITOR_DISCONNECTED)
                return disconnected(a, device);
        if (!device->connected)
                return;
        acts_read_errors(a);
        if (device->kind == DEVICE_PRINTER)
                act_later(a, &a->printer, SEE_PRINTER_SETTLE_USEC, on_believed);
        if (device->kind == DEVICE_EMV && device->card == DEVICE_CARD_PRESENT)
                acts_watch_card(a);
}

void acts_start_devices(struct acts *a) {
        act_later(a, &a->unstable, UNSTABLE_USEC, on_unstable);
        act_later(a, &a->errors, ERRORS_END_USEC, on_errors);
}
