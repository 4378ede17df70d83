// SPDX-License-Identifier: LGPL-2.1-or-later
#include <libudev.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"
#include "device/monitor.h"

/* Text from a device is cut to this and cleaned: it goes to the bus and to paper. */
#define TEXT_MAX_SIZE 127
/* Of a printer's model; there are fewer. */
#define PROPERTIES_MAX 32

DEFINE_CLEANUP(struct udev_device *, udev_device_unref);
DEFINE_CLEANUP(struct udev_enumerate *, udev_enumerate_unref);

struct entry {
        struct device device;
        bool seen; /* by the scan that runs */
};

struct monitor {
        sd_event *event;
        sd_event_source *io;
        struct udev *udev;
        struct udev_monitor *netlink;
        monitor_listener_t listener;
        void *userdata;
        bool started;           /* the first scan is over */
        struct entry **entries; /* in order of id */
        size_t n_entries;
};

/* ---- what udev says, as struct device ---- */

/* A printable copy: control characters and what is not UTF-8 become "?", blanks at the ends go. NULL for nothing. */
static char *text_clean(const char *text) {
        char clean[TEXT_MAX_SIZE + 1];
        size_t n = 0;

        if (!text)
                return NULL;
        while (*text == ' ')
                text++;
        while (*text && n < TEXT_MAX_SIZE) {
                unsigned char c = (unsigned char) *text;
                size_t size = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : (c & 0xF0) == 0xE0 ? 3 : 0;
                bool good = size > 0 && c >= ' ' && c != 0x7F && n + size <= TEXT_MAX_SIZE;

                for (size_t i = 1; good && i < size; i++)
                        good = ((unsigned char) text[i] & 0xC0) == 0x80;
                /* Surrogates and overlong forms of three bytes, and the C1 controls. */
                if (good &&
                    ((c == 0xE0 && (unsigned char) text[1] < 0xA0) || (c == 0xED && (unsigned char) text[1] >= 0xA0) ||
                     (c == 0xC2 && (unsigned char) text[1] < 0xA0)))
                        good = false;
                if (good) {
                        memcpy(clean + n, text, size);
                        n += size;
                        text += size;
                } else {
                        clean[n++] = '?';
                        text++;
                }
        }
        while (n > 0 && clean[n - 1] == ' ')
                n--;
        clean[n] = '\0';
        return n > 0 ? strdup(clean) : NULL;
}

static uint16_t hex_attribute(struct udev_device *device, const char *name) {
        const char *value = device ? udev_device_get_sysattr_value(device, name) : NULL;

        return value ? (uint16_t) strtoul(value, NULL, 16) : 0;
}

static enum device_kind kind_of(struct udev_device *udev_device) {
        return device_kind_from_string(udev_device_get_devtype(udev_device));
}

static unsigned slot_of(struct udev_device *udev_device) {
        const char *slot = udev_device_get_sysattr_value(udev_device, "slot");

        return slot ? (unsigned) strtoul(slot, NULL, 10) : 0;
}

/* "1-2" for interface 0, "1-2:1" for interface 1, each with "+1" for slot 1. */
static int id_make(const char *port, const char *interface, const char *sysname, unsigned slot, char **ret_id) {
        const char *number = interface ? strrchr(interface, '.') : NULL;
        char iface[16] = "", suffix[16] = "";

        if (number && strtoul(number + 1, NULL, 10) > 0)
                (void) snprintf(iface, sizeof(iface), ":%lu", strtoul(number + 1, NULL, 10));
        if (slot > 0)
                (void) snprintf(suffix, sizeof(suffix), "+%u", slot);
        /* Not on USB: only a test's own device, which has no port. */
        return asprintf(ret_id, "%s%s%s", port ?: sysname, iface, suffix) < 0 ? -ENOMEM : 0;
}

static enum device_card card_of(struct udev_device *udev_device) {
        const char *card = udev_device_get_sysattr_value(udev_device, "card");

        if (!card)
                return DEVICE_CARD_UNKNOWN;
        return streq(card, "absent") ? DEVICE_CARD_ABSENT : DEVICE_CARD_PRESENT;
}

static void card_set(struct device *device, enum device_card card) {
        if (device->card == card && device->card_usec > 0)
                return;
        device->card = card;
        device->card_usec = clock_now(CLOCK_BOOTTIME);
}

static void device_clear(struct device *device) {
        free(device->id);
        free(device->port);
        free(device->interface);
        free(device->path);
        free(device->vendor);
        free(device->product);
        free(device->serial);
        free(device->driver);
        free(device->node);
        free(device->syspath);
        for (char **p = device->properties; p && *p; p++)
                free(*p);
        free(device->properties);
        *device = (struct device){ .why = DEVICE_WHY_PRESENT };
}

static const char *property(struct udev_device *udev_device, const char *name) {
        return udev_device_get_property_value(udev_device, name);
}

static uint64_t number_property(struct udev_device *udev_device, const char *name) {
        return strtoull(strempty(property(udev_device, name)), NULL, 10);
}

static int properties_read(struct device *device, struct udev_device *udev_device) {
        struct udev_list_entry *item;
        size_t n = 0;

        udev_list_entry_foreach(item, udev_device_get_properties_list_entry(udev_device)) {
                const char *name = udev_list_entry_get_name(item);
                _cleanup_free_ char *value = NULL;

                if (!startswith(name, "TILL_PRINTER_") || strlen(name) > TEXT_MAX_SIZE || n >= PROPERTIES_MAX)
                        continue;
                if (!device->properties)
                        device->properties = calloc(PROPERTIES_MAX + 1, sizeof(*device->properties));
                if (!device->properties)
                        return -ENOMEM;
                value = text_clean(udev_list_entry_get_value(item));
                if (asprintf(&device->properties[n], "%s=%s", name, strempty(value)) < 0) {
                        device->properties[n] = NULL;
                        return -ENOMEM;
                }
                n++;
        }
        return 0;
}

/* Fills a cleared device, connected. -EINVAL for one that is not the terminal's. */
static int device_read(struct device *device, struct udev_device *udev_device) {
        struct udev_device *interface, *usb, *parent;
        int r;

        device->kind = kind_of(udev_device);
        if (device->kind < 0 || !udev_device_get_devnode(udev_device))
                return -EINVAL;
        interface = udev_device_get_parent_with_subsystem_devtype(udev_device, "usb", "usb_interface");
        usb = udev_device_get_parent_with_subsystem_devtype(udev_device, "usb", "usb_device");
        parent = udev_device_get_parent(udev_device);
        device->slot = slot_of(udev_device);

        if (usb) {
                device->vendor = text_clean(property(udev_device, "TILL_VENDOR")
                                                    ?: udev_device_get_sysattr_value(usb, "manufacturer")
                                                    ?: property(udev_device, "ID_VENDOR_FROM_DATABASE"));
                device->product = text_clean(property(udev_device, "TILL_MODEL")
                                                     ?: udev_device_get_sysattr_value(usb, "product")
                                                     ?: property(udev_device, "ID_MODEL_FROM_DATABASE"));
                device->serial = text_clean(udev_device_get_sysattr_value(usb, "serial"));
                r = free_and_strdup(&device->port, udev_device_get_sysname(usb));
                if (r < 0)
                        return r;
        }
        if (interface) {
                r = free_and_strdup(&device->interface, udev_device_get_sysname(interface));
                if (r < 0)
                        return r;
        }
        device->vendor_id = hex_attribute(usb, "idVendor");
        device->product_id = hex_attribute(usb, "idProduct");
        device->release = hex_attribute(usb, "bcdDevice");
        device->plugged = number_property(udev_device, "USEC_INITIALIZED");
        card_set(device, device->kind == DEVICE_EMV ? card_of(udev_device) : DEVICE_CARD_UNKNOWN);

        r = id_make(device->port, device->interface, udev_device_get_sysname(udev_device), device->slot, &device->id);
        if (r >= 0)
                r = free_and_strdup(&device->path, property(udev_device, "ID_PATH"));
        if (r >= 0)
                r = free_and_strdup(&device->driver, parent ? udev_device_get_driver(parent) : NULL);
        if (r >= 0)
                r = free_and_strdup(&device->node, udev_device_get_devnode(udev_device));
        if (r >= 0)
                r = free_and_strdup(&device->syspath, udev_device_get_syspath(udev_device));
        if (r >= 0 && device->kind == DEVICE_PRINTER)
                r = properties_read(device, udev_device);
        return r < 0 ? r : 0;
}

/* ---- the list ---- */

static void tell(struct monitor *monitor, struct device *device, enum monitor_event event) {
        monitor->listener(device, event, monitor->userdata);
}

static void state_set(struct device *device, bool connected, const char *why) {
        device->connected = connected;
        device->since = clock_now(CLOCK_REALTIME);
        device->why = why;
}

static size_t position_find(const struct monitor *monitor, const char *id, bool *ret_found) {
        size_t i;

        for (i = 0; i < monitor->n_entries; i++) {
                int c = strverscmp(monitor->entries[i]->device.id, id);

                if (c >= 0) {
                        *ret_found = c == 0;
                        return i;
                }
        }
        *ret_found = false;
        return i;
}

static struct entry *entry_find(const struct monitor *monitor, const char *id) {
        bool found;
        size_t i = position_find(monitor, id, &found);

        return found ? monitor->entries[i] : NULL;
}

static struct entry *entry_find_syspath(const struct monitor *monitor, const char *syspath) {
        for (size_t i = 0; i < monitor->n_entries; i++)
                if (streq_ptr(monitor->entries[i]->device.syspath, syspath))
                        return monitor->entries[i];
        return NULL;
}

static struct entry *entry_free(struct entry *entry) {
        if (!entry)
                return NULL;
        device_clear(&entry->device);
        free(entry);
        return NULL;
}
DEFINE_CLEANUP(struct entry *, entry_free);

static int entry_insert(struct monitor *monitor, struct entry *entry) {
        struct entry **entries;
        bool found;
        size_t i = position_find(monitor, entry->device.id, &found);

        entries = reallocarray(monitor->entries, monitor->n_entries + 1, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        monitor->entries = entries;
        memmove(entries + i + 1, entries + i, (monitor->n_entries - i) * sizeof(*entries));
        entries[i] = entry;
        monitor->n_entries++;
        return 0;
}

static void entry_remove(struct monitor *monitor, struct entry *entry) {
        bool found;
        size_t i = position_find(monitor, entry->device.id, &found);

        tell(monitor, &entry->device, MONITOR_REMOVED);
        monitor->n_entries--;
        memmove(monitor->entries + i, monitor->entries + i + 1, (monitor->n_entries - i) * sizeof(*monitor->entries));
        entry_free(entry);
}

/* ---- events ---- */

static void disconnect(struct monitor *monitor, struct device *device, const char *why) {
        state_set(device, false, why);
        card_set(device, DEVICE_CARD_UNKNOWN);
        /* The node's name is still there for whoever must close it. */
        tell(monitor, device, MONITOR_DISCONNECTED);
        free(TAKE_PTR(device->node));
        free(TAKE_PTR(device->syspath));
}

static int connect_device(struct monitor *monitor, struct udev_device *udev_device) {
        _cleanup_(entry_freep) struct entry *fresh = NULL;
        struct entry *entry;
        int r;

        fresh = calloc(1, sizeof(*fresh));
        if (!fresh)
                return -ENOMEM;
        r = device_read(&fresh->device, udev_device);
        if (r < 0)
                return r;
        fresh->seen = true;

        entry = entry_find(monitor, fresh->device.id);
        /* The removal of what was there before has not been heard yet: udev orders events by devpath only. */
        if (entry && entry->device.connected)
                disconnect(monitor, &entry->device, DEVICE_WHY_REPLACED);
        if (entry && entry->device.kind != fresh->device.kind) {
                entry_remove(monitor, entry);
                entry = NULL;
        }
        if (entry) {
                device_clear(&entry->device);
                entry->device = fresh->device;
                entry->seen = true;
                fresh->device = (struct device){};
        } else {
                r = entry_insert(monitor, fresh);
                if (r < 0)
                        return r;
                entry = TAKE_PTR(fresh);
                state_set(&entry->device, false, DEVICE_WHY_PRESENT);
                tell(monitor, &entry->device, MONITOR_ADDED);
        }
        state_set(&entry->device, true, monitor->started ? DEVICE_WHY_PLUGGED : DEVICE_WHY_PRESENT);
        tell(monitor, &entry->device, MONITOR_CONNECTED);
        return 0;
}

static int on_present(struct monitor *monitor, struct udev_device *udev_device) {
        struct entry *entry = entry_find_syspath(monitor, udev_device_get_syspath(udev_device));

        if (!entry)
                return connect_device(monitor, udev_device);
        entry->seen = true;
        if (entry->device.kind == DEVICE_EMV)
                card_set(&entry->device, card_of(udev_device));
        tell(monitor, &entry->device, MONITOR_CHANGED);
        return 0;
}

/*
 * A driver that goes leaves its USB interface, unplugging takes both. Should the interface still be there for a
 * moment, udev's event of the USB device's end follows.
 */
static const char *absence_explain(const struct device *device) {
        char path[128];

        if (!device->interface)
                return DEVICE_WHY_UNPLUGGED;
        (void) snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s", device->interface);
        return access(path, F_OK) < 0 ? DEVICE_WHY_UNPLUGGED : DEVICE_WHY_UNBOUND;
}

static void on_absent(struct monitor *monitor, const char *syspath) {
        struct entry *entry = entry_find_syspath(monitor, syspath);

        if (entry)
                disconnect(monitor, &entry->device, absence_explain(&entry->device));
}

static void on_port_absent(struct monitor *monitor, const char *port) {
        for (size_t i = 0; i < monitor->n_entries; i++) {
                struct device *device = &monitor->entries[i]->device;

                if (device->connected || !streq_ptr(device->port, port) || !streq(device->why, DEVICE_WHY_UNBOUND))
                        continue;
                device->why = DEVICE_WHY_UNPLUGGED;
                tell(monitor, device, MONITOR_CHANGED);
        }
}

/* Takes what is there now for the whole truth: at the start, and when events were lost. */
static int scan(struct monitor *monitor) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *enumerate = NULL;
        struct udev_list_entry *item;
        int r;

        enumerate = udev_enumerate_new(monitor->udev);
        if (!enumerate)
                return -ENOMEM;
        r = udev_enumerate_add_match_subsystem(enumerate, "till");
        /* Before its rules have run, a node has no group yet; its event comes when they have. */
        if (r >= 0)
                r = udev_enumerate_add_match_is_initialized(enumerate);
        if (r >= 0)
                r = udev_enumerate_scan_devices(enumerate);
        if (r < 0)
                return r;

        for (size_t i = 0; i < monitor->n_entries; i++)
                monitor->entries[i]->seen = false;
        udev_list_entry_foreach(item, udev_enumerate_get_list_entry(enumerate)) {
                _cleanup_(udev_device_unrefp) struct udev_device *udev_device = NULL;

                udev_device = udev_device_new_from_syspath(monitor->udev, udev_list_entry_get_name(item));
                if (!udev_device)
                        continue; /* gone meanwhile */
                r = on_present(monitor, udev_device);
                if (r < 0)
                        log_warning_errno(r, "Device %s is not usable", udev_list_entry_get_name(item));
        }
        for (size_t i = 0; i < monitor->n_entries; i++) {
                struct device *device = &monitor->entries[i]->device;

                if (device->connected && !monitor->entries[i]->seen)
                        disconnect(monitor, device, absence_explain(device));
        }
        return 0;
}

static void on_event(struct monitor *monitor, struct udev_device *udev_device) {
        bool gone = streq_ptr(udev_device_get_action(udev_device), "remove");
        int r;

        if (!streq_ptr(udev_device_get_subsystem(udev_device), "till")) {
                if (gone)
                        on_port_absent(monitor, udev_device_get_sysname(udev_device));
                return;
        }
        if (gone) {
                on_absent(monitor, udev_device_get_syspath(udev_device));
                return;
        }
        r = on_present(monitor, udev_device);
        if (r < 0)
                log_warning_errno(r, "Device %s is not usable", udev_device_get_sysname(udev_device));
}

static int on_netlink(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct monitor *monitor = userdata;
        int r;

        for (;;) {
                _cleanup_(udev_device_unrefp) struct udev_device *udev_device = NULL;

                errno = 0;
                udev_device = udev_monitor_receive_device(monitor->netlink);
                if (udev_device) {
                        on_event(monitor, udev_device);
                        continue;
                }
                if (errno != ENOBUFS)
                        return 0;
                log_notice("Events of devices were lost, looking at all of them.");
                r = scan(monitor);
                if (r < 0)
                        log_error_errno(r, "Failed to list the devices");
        }
}

int monitor_new(sd_event *event, monitor_listener_t listener, void *userdata, struct monitor **ret_monitor) {
        _cleanup_(monitor_freep) struct monitor *monitor = NULL;

        monitor = calloc(1, sizeof(*monitor));
        if (!monitor)
                return -ENOMEM;
        monitor->event = sd_event_ref(event);
        monitor->listener = listener;
        monitor->userdata = userdata;
        monitor->udev = udev_new();
        if (!monitor->udev)
                return -ENOMEM;
        *ret_monitor = TAKE_PTR(monitor);
        return 0;
}

int monitor_start(struct monitor *monitor) {
        int r;

        monitor->netlink = udev_monitor_new_from_netlink(monitor->udev, "udev");
        if (!monitor->netlink)
                return errno > 0 ? -errno : -ENOMEM;
        r = udev_monitor_filter_add_match_subsystem_devtype(monitor->netlink, "till", NULL);
        if (r >= 0)
                r = udev_monitor_filter_add_match_subsystem_devtype(monitor->netlink, "usb", "usb_device");
        if (r >= 0)
                r = udev_monitor_enable_receiving(monitor->netlink);
        if (r >= 0)
                r = sd_event_add_io(monitor->event, &monitor->io, udev_monitor_get_fd(monitor->netlink), EPOLLIN,
                                    on_netlink, monitor);
        if (r < 0)
                return r;
        r = scan(monitor);
        monitor->started = true;
        return r;
}

struct monitor *monitor_free(struct monitor *monitor) {
        if (!monitor)
                return NULL;
        sd_event_source_disable_unref(monitor->io);
        if (monitor->netlink)
                udev_monitor_unref(monitor->netlink);
        if (monitor->udev)
                udev_unref(monitor->udev);
        for (size_t i = 0; i < monitor->n_entries; i++)
                entry_free(monitor->entries[i]);
        free(monitor->entries);
        sd_event_unref(monitor->event);
        free(monitor);
        return NULL;
}

struct device *monitor_find(const struct monitor *monitor, const char *id) {
        struct entry *entry = entry_find(monitor, id);

        return entry ? &entry->device : NULL;
}

struct device *monitor_find_connected(const struct monitor *monitor, enum device_kind kind) {
        for (size_t i = 0; i < monitor->n_entries; i++)
                if (monitor->entries[i]->device.kind == kind && monitor->entries[i]->device.connected)
                        return &monitor->entries[i]->device;
        return NULL;
}

struct device *monitor_get(const struct monitor *monitor, size_t index) {
        return index < monitor->n_entries ? &monitor->entries[index]->device : NULL;
}
