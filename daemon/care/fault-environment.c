// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-environment.h"

#include <inttypes.h>
#include <sys/utsname.h>

#include "base/clock.h"

#define MODULE_VERSION "/sys/module/till/version"

/* ---- The device ---- */

/* The first that fits: of which kind of device a fault without one as its subject is. */
static const struct {
        const char *prefix;
        enum device_kind kind;
} kinds[] = {
        { "msr-", DEVICE_MSR },
        { "card-unreadable", DEVICE_MSR },
        { "card-wrong-way", DEVICE_MSR },
        { "card-not-payment", DEVICE_MSR },
        { "card-chip-required", DEVICE_MSR },
        { "emv-", DEVICE_EMV },
        { "card-", DEVICE_EMV },
        { "worker-", DEVICE_EMV },
        { "printer-", DEVICE_PRINTER },
        { "render-", DEVICE_PRINTER },
};

static bool is_about(const struct device *device, const char *subject) {
        return streq(device->id, subject) || streq(strempty(device->port), subject) ||
               streq(strempty(device->interface), subject);
}

static const struct device *find_named(const struct engine *e, const char *subject) {
        struct device *device;

        for (size_t i = 0; !isempty(subject) && (device = monitor_get(engine_monitor(e), i)); i++)
                if (is_about(device, subject))
                        return device;
        return NULL;
}

/* A connected one, or else one that was. */
static const struct device *find_of_kind(const struct engine *e, enum device_kind kind) {
        struct device *device = monitor_find_connected(engine_monitor(e), kind);

        for (size_t i = 0; !device && (device = monitor_get(engine_monitor(e), i)); i++)
                if (device->kind != kind)
                        device = NULL;
        return device;
}

static const struct device *find_device(const struct engine *e, const struct fault_record *record) {
        const struct device *device = find_named(e, record->subject);

        for (size_t i = 0; !device && i < ELEMENTSOF(kinds); i++)
                if (startswith(record->code, kinds[i].prefix))
                        return find_of_kind(e, kinds[i].kind);
        return device;
}

static void set_device(const struct engine *e, struct fault_record *record) {
        const struct device *device = find_device(e, record);
        char title[DEVICE_TITLE_MAX];

        if (!device)
                return;
        (void) snprintf(record->device, sizeof(record->device), "%s%s%.40s", device_title(device, title),
                        isempty(device->serial) ? "" : ", serial number ", strempty(device->serial));
        /* bcdDevice, as lsusb writes it. */
        (void) snprintf(record->firmware, sizeof(record->firmware), "%x.%02x", device->release >> 8,
                        device->release & 0xffu);
}

/* ---- What runs ---- */

static void read_line(const char *path, char *ret, size_t size) {
        _cleanup_fclose_ FILE *f = fopen(path, "re");

        if (!f || !fgets(ret, (int) size, f))
                *ret = '\0';
        ret[strcspn(ret, "\n")] = '\0';
}

static void set_versions(struct fault_record *record) {
        struct utsname name = {};
        char module[32];

        read_line(MODULE_VERSION, module, sizeof(module));
        (void) uname(&name);
        (void) snprintf(record->versions, sizeof(record->versions), "tilld " TILLD_VERSION ", till %s, Linux %.64s",
                        *module ? module : "not loaded", name.release);
}

static void set_environment(const struct engine *e, struct fault_record *record) {
        uint64_t minutes = clock_now(CLOCK_BOOTTIME) / USEC_PER_SEC / 60;

        (void) snprintf(record->environment, sizeof(record->environment),
                        "%s mode, up %" PRIu64 " d %" PRIu64 " h %" PRIu64 " min, acquirer: %.160s",
                        mode_to_string(engine_settings(e)->mode), minutes / 60 / 24, minutes / 60 % 24, minutes % 60,
                        acquirer_state(engine_acquirer(e)));
}

void fault_environment_set(const struct engine *e, struct fault_record *record) {
        set_device(e, record);
        set_versions(record);
        set_environment(e, record);
}
