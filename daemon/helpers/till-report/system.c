// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-report/gather.h"

#include <fnmatch.h>
#include <libudev.h>
#include <sys/utsname.h>
#include <systemd/sd-bus.h>

#define DPKG_STATUS "/var/lib/dpkg/status"
#define UNITS_MAX 100
#define DEVICES_MAX 64
/* Nobody waits for a service manager that does not answer. */
#define UNITS_TIMEOUT_USEC (5 * UINT64_C(1000000))

static void strip(char *line) {
        line[strcspn(line, "\n")] = '\0';
}

/* ---- What it runs ---- */

static void add_kernel(cJSON *o) {
        struct utsname name;

        if (uname(&name) < 0)
                return;
        cJSON_AddStringToObject(o, "Kernel", name.release);
        cJSON_AddStringToObject(o, "KernelVersion", name.version);
        cJSON_AddStringToObject(o, "Machine", name.machine);
}

static void add_distribution(cJSON *o) {
        _cleanup_fclose_ FILE *f = fopen("/etc/os-release", "re") ?: fopen("/usr/lib/os-release", "re");
        char line[512];

        while (f && fgets(line, sizeof(line), f)) {
                const char *value = startswith(line, "PRETTY_NAME=");
                char *end;

                if (!value)
                        continue;
                strip(line);
                value += *value == '"';
                end = strrchr(value, '"');
                if (end)
                        *end = '\0';
                cJSON_AddStringToObject(o, "Distribution", value);
        }
}

/* ---- Packages ---- */

static bool is_interesting(const char *package) {
        static const char *const patterns[] = {
                "till*",       "linux-image-*", "systemd",     "udev",          "dbus*",        "polkitd", "libssl3*",
                "libsqlite3*", "libusb-1.0-0",  "libseccomp2", "libarchive13*", "modemmanager", "dkms",    "libc6",
        };

        for (size_t i = 0; i < ELEMENTSOF(patterns); i++)
                if (fnmatch(patterns[i], package, 0) == 0)
                        return true;
        return false;
}

/* dpkg's own file: paragraphs of "Name: value". */
static bool add_packages(cJSON *o) {
        _cleanup_fclose_ FILE *f = fopen(DPKG_STATUS, "re");
        cJSON *packages = cJSON_AddObjectToObject(o, "Packages");
        char line[1024], package[128] = "";
        bool installed = false;

        while (f && fgets(line, sizeof(line), f)) {
                const char *value;

                strip(line);
                if ((value = startswith(line, "Package: "))) {
                        COPY(package, value);
                        installed = false;
                } else if ((value = startswith(line, "Status: ")))
                        installed = strstr(value, " installed");
                else if ((value = startswith(line, "Version: ")) && installed && is_interesting(package))
                        cJSON_AddStringToObject(packages, package, value);
        }
        return f;
}

/* ---- Units ---- */

static void bus_unrefp(sd_bus **bus) {
        sd_bus_flush_close_unref(*bus);
}

static int add_units(cJSON *list) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *unit, *load, *active, *sub;
        _cleanup_(bus_unrefp) sd_bus *bus = NULL;
        unsigned n = 0;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_call(bus, &call, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                           "org.freedesktop.systemd1.Manager", "ListUnitsByPatterns");
        if (r >= 0)
                r = sd_bus_message_append(call, "asas", 0, 4, "till*", "dbus.service", "polkit.service",
                                          "ModemManager.service");
        if (r >= 0)
                r = sd_bus_call(bus, call, UNITS_TIMEOUT_USEC, NULL, &reply);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)");
        while (r >= 0 && n++ < UNITS_MAX &&
               (r = sd_bus_message_read(reply, "(ssssssouso)", &unit, NULL, &load, &active, &sub, NULL, NULL, NULL,
                                        NULL, NULL)) > 0) {
                cJSON *o = cJSON_CreateObject();

                cJSON_AddItemToArray(list, o);
                cJSON_AddStringToObject(o, "Unit", unit);
                cJSON_AddStringToObject(o, "Load", load);
                cJSON_AddStringToObject(o, "Active", active);
                cJSON_AddStringToObject(o, "Sub", sub);
        }
        return r;
}

int gather_system(cJSON *o) {
        cJSON *missing = cJSON_AddArrayToObject(o, "LeftOut");
        int r;

        add_kernel(o);
        add_distribution(o);
        if (!add_packages(o))
                cJSON_AddItemToArray(missing, cJSON_CreateString("packages: " DPKG_STATUS " cannot be read"));
        r = add_units(cJSON_AddArrayToObject(o, "Units"));
        if (r < 0) {
                char text[128];

                (void) snprintf(text, sizeof(text), "units: systemd cannot be asked: %s", strerror(-r));
                cJSON_AddItemToArray(missing, cJSON_CreateString(text));
        }
        return missing ? 0 : -ENOMEM;
}

/* ---- Devices ---- */

static void add_device(cJSON *list, struct udev_device *device) {
        struct udev_list_entry *entry;
        cJSON *o = cJSON_CreateObject();

        cJSON_AddItemToArray(list, o);
        udev_list_entry_foreach(entry, udev_device_get_properties_list_entry(device)) cJSON_AddStringToObject(
                o, udev_list_entry_get_name(entry), strempty(udev_list_entry_get_value(entry)));
}

int gather_devices(cJSON *list) {
        struct udev_enumerate *enumerate;
        struct udev_list_entry *entry;
        struct udev *udev = udev_new();
        unsigned n = 0;

        if (!udev)
                return 0;
        enumerate = udev_enumerate_new(udev);
        if (enumerate && udev_enumerate_add_match_tag(enumerate, "till") >= 0 &&
            udev_enumerate_scan_devices(enumerate) >= 0)
                udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(enumerate)) {
                        struct udev_device *device =
                                n++ < DEVICES_MAX ? udev_device_new_from_syspath(udev, udev_list_entry_get_name(entry))
                                                  : NULL;

                        if (device)
                                add_device(list, device);
                        udev_device_unref(device);
                }
        udev_enumerate_unref(enumerate);
        udev_unref(udev);
        return 0;
}
