// SPDX-License-Identifier: LGPL-2.1-or-later
#include "device/usb.h"

#include <fcntl.h>
#include <libudev.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/log.h"

/* After the last event: enumeration, drivers and udev's rules each have their own. */
#define SETTLE_USEC (1500 * USEC_PER_MSEC)
/* After the first one: a device that comes and goes without end is looked at all the same. */
#define SETTLE_MAX_USEC (4 * USEC_PER_SEC)
/* For till-recover to be started and to be done. */
#define TAKE_USEC (4 * USEC_PER_SEC)

#define MODULE "/sys/module/till"

DEFINE_CLEANUP(struct udev_device *, udev_device_unref);
DEFINE_CLEANUP(struct udev_enumerate *, udev_enumerate_unref);

struct list {
        struct usb_device *devices;
        size_t n;
};

static void list_done(struct list *l) {
        free(l->devices);
        *l = (struct list){};
}

struct usb {
        sd_event *event;
        struct udev *udev;
        struct udev_monitor *netlink;
        sd_event_source *io, *settle;
        void (*changed)(void *userdata);
        void *userdata;
        struct list list;
        bool known;
        uint64_t unsettled_usec; /* since when something may be different; 0: nothing is */
        bool has_module;
        char version[32];
};

bool usb_is_known(const struct usb *u) {
        return u->known;
}

bool usb_is_settled(const struct usb *u) {
        return u->known && u->unsettled_usec == 0;
}

const struct usb_device *usb_get(const struct usb *u, size_t i) {
        return i < u->list.n ? u->list.devices + i : NULL;
}

const char *usb_module_version(const struct usb *u) {
        return u->has_module ? u->version : NULL;
}

/* ---- One look ---- */

static const char *text_of(struct udev_device *d, const char *attribute) {
        return strempty(udev_device_get_sysattr_value(d, attribute));
}

static unsigned number_of(struct udev_device *d, const char *attribute, int base) {
        return (unsigned) strtoul(text_of(d, attribute), NULL, base);
}

static bool has_property(struct udev_device *d, const char *name) {
        return streq_ptr(udev_device_get_property_value(d, name), "1");
}

static struct usb_device *find_port(const struct list *l, const char *port) {
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->devices[i].port, port))
                        return l->devices + i;
        return NULL;
}

static const struct usb_interface *find_interface(const struct usb_device *d, const char *name) {
        for (size_t i = 0; i < d->n_interfaces; i++)
                if (streq(d->interfaces[i].name, name))
                        return d->interfaces + i;
        return NULL;
}

/* sysfs shows the power of the configuration in use alone; the descriptors have it also where none is. */
static unsigned power_of(struct udev_device *d) {
        uint8_t descriptors[18 + 9]; /* of the device, and of its first configuration, which ends with the power */
        _cleanup_close_ int fd = -EBADF;
        char path[4096];

        (void) snprintf(path, sizeof(path), "%s/descriptors", udev_device_get_syspath(d));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, descriptors, sizeof(descriptors)) != sizeof(descriptors))
                return 0;
        return descriptors[18 + 8] * (number_of(d, "speed", 10) >= 5000 ? 8u : 2u);
}

/* 0: udev does not know since when. */
static bool is_new(struct udev_device *d) {
        uint64_t usec = udev_device_get_usec_since_initialized(d);

        return usec > 0 && usec < SETTLE_USEC;
}

static int add_device(struct list *l, struct udev_device *d) {
        struct usb_device *devices, device = {
                .vendor_id = (uint16_t) number_of(d, "idVendor", 16),
                .product_id = (uint16_t) number_of(d, "idProduct", 16),
                .number = number_of(d, "devnum", 10),
                .listed = has_property(d, "TILL_DEVICE"),
                .configured = number_of(d, "bConfigurationValue", 10) > 0,
                .is_new = is_new(d),
        };

        if (number_of(d, "bDeviceClass", 16) == 0x09)
                return 0;
        COPY(device.port, udev_device_get_sysname(d));
        COPY(device.fault, strempty(udev_device_get_property_value(d, "TILL_FAULT")));
        device.power = power_of(d);
        devices = reallocarray(l->devices, l->n + 1, sizeof(*devices));
        if (!devices)
                return -ENOMEM;
        l->devices = devices;
        devices[l->n++] = device;
        return 0;
}

/* usbhid carries a HID device, which has a driver of its own. */
static int read_hid_driver(struct usb *u, struct udev_device *interface, struct usb_interface *ret) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *children = udev_enumerate_new(u->udev);
        struct udev_list_entry *item;
        int r;

        if (!children)
                return -ENOMEM;
        r = udev_enumerate_add_match_parent(children, interface);
        if (r >= 0)
                r = udev_enumerate_add_match_subsystem(children, "hid");
        if (r >= 0)
                r = udev_enumerate_scan_devices(children);
        if (r < 0)
                return r;
        *ret->driver = '\0';
        udev_list_entry_foreach(item, udev_enumerate_get_list_entry(children)) {
                _cleanup_(udev_device_unrefp) struct udev_device *hid =
                        udev_device_new_from_syspath(u->udev, udev_list_entry_get_name(item));

                if (hid)
                        COPY(ret->driver, strempty(udev_device_get_driver(hid)));
        }
        return 0;
}

static bool is_ours(const struct usb_interface *i) {
        return startswith(i->driver, "till-");
}

/* When its driver became that one, as far as it was seen. */
static uint64_t since(const struct usb *u, const struct usb_device *device, const struct usb_interface *i) {
        const struct usb_device *before = find_port(&u->list, device->port);
        const struct usb_interface *old =
                before && before->number == device->number ? find_interface(before, i->name) : NULL;

        return old && streq(old->driver, i->driver) ? old->since_usec : clock_now(CLOCK_BOOTTIME);
}

static int add_interface(struct usb *u, struct list *l, struct udev_device *d) {
        struct udev_device *parent = udev_device_get_parent_with_subsystem_devtype(d, "usb", "usb_device");
        struct usb_device *device = parent ? find_port(l, udev_device_get_sysname(parent)) : NULL;
        struct usb_interface *i;
        int r;

        if (!device || device->n_interfaces >= ELEMENTSOF(device->interfaces))
                return 0;
        i = device->interfaces + device->n_interfaces;
        COPY(i->name, udev_device_get_sysname(d));
        COPY(i->driver, strempty(udev_device_get_driver(d)));
        i->kind = device_kind_from_string(udev_device_get_property_value(d, "TILL_KIND"));
        i->class = (uint8_t) number_of(d, "bInterfaceClass", 16);
        if (streq(i->driver, "usbhid")) {
                r = read_hid_driver(u, d, i);
                if (r < 0)
                        return r;
        }
        i->since_usec = since(u, device, i);
        i->taking =
                has_property(d, "TILL_TAKE") && !is_ours(i) && clock_now(CLOCK_BOOTTIME) < i->since_usec + TAKE_USEC;
        device->n_interfaces++;
        return 0;
}

static int add(struct usb *u, struct list *l, struct udev_device *d) {
        if (streq_ptr(udev_device_get_devtype(d), "usb_device"))
                return add_device(l, d);
        return add_interface(u, l, d);
}

/* In order of path: an interface comes behind its device. */
static int list_all(struct usb *u, struct list *l) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *enumerate = udev_enumerate_new(u->udev);
        struct udev_list_entry *item;
        int r;

        if (!enumerate)
                return -ENOMEM;
        r = udev_enumerate_add_match_subsystem(enumerate, "usb");
        /* Of one whose rules have not run yet the event is to come. */
        if (r >= 0)
                r = udev_enumerate_add_match_is_initialized(enumerate);
        if (r >= 0)
                r = udev_enumerate_scan_devices(enumerate);
        if (r < 0)
                return r;
        udev_list_entry_foreach(item, udev_enumerate_get_list_entry(enumerate)) {
                _cleanup_(udev_device_unrefp) struct udev_device *d =
                        udev_device_new_from_syspath(u->udev, udev_list_entry_get_name(item));

                r = d ? add(u, l, d) : 0; /* gone meanwhile */
                if (r < 0)
                        return r;
        }
        return 0;
}

static void read_module(struct usb *u) {
        _cleanup_close_ int fd = -EBADF;
        ssize_t n;

        u->has_module = access(MODULE, F_OK) >= 0;
        *u->version = '\0';
        fd = open(MODULE "/version", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, u->version, sizeof(u->version) - 1);
        u->version[MAX(n, 0)] = '\0';
        u->version[strcspn(u->version, "\n")] = '\0';
}

static int look(struct usb *u) {
        _cleanup_(list_done) struct list fresh = {};
        int r;

        r = list_all(u, &fresh);
        if (r < 0)
                return r;
        list_done(&u->list);
        u->list = fresh;
        fresh = (struct list){};
        read_module(u);
        u->known = true;
        return 0;
}

/* ---- When ---- */

static void look_in(struct usb *u, uint64_t usec) {
        int r = sd_event_source_set_time(u->settle, clock_now(CLOCK_BOOTTIME) + usec);

        if (r >= 0)
                r = sd_event_source_set_enabled(u->settle, SD_EVENT_ONESHOT);
        if (r < 0)
                log_warning_errno(r, "What is on USB is looked at later");
}

static bool is_taking(const struct usb *u) {
        for (size_t i = 0; i < u->list.n; i++)
                for (size_t k = 0; k < u->list.devices[i].n_interfaces; k++)
                        if (u->list.devices[i].interfaces[k].taking)
                                return true;
        return false;
}

static bool has_new(const struct usb *u) {
        for (size_t i = 0; i < u->list.n; i++)
                if (u->list.devices[i].is_new)
                        return true;
        return false;
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        struct usb *u = userdata;
        int r;

        u->unsettled_usec = 0;
        r = look(u);
        if (r < 0)
                log_warning_errno(r, "What is on USB cannot be listed");
        else if (has_new(u))
                look_in(u, SETTLE_USEC);
        else if (is_taking(u))
                look_in(u, TAKE_USEC);
        u->changed(u->userdata);
        return 0;
}

void usb_unsettle(struct usb *u) {
        uint64_t now = clock_now(CLOCK_BOOTTIME), last;

        if (!u->settle)
                return;
        u->unsettled_usec = u->unsettled_usec ?: now;
        last = MAX(u->unsettled_usec + SETTLE_MAX_USEC, now);
        look_in(u, MIN(SETTLE_USEC, last - now));
}

static bool concerns(struct udev_device *d) {
        return !streq_ptr(udev_device_get_subsystem(d), "module") || streq_ptr(udev_device_get_sysname(d), "till");
}

static int on_netlink(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct usb *u = userdata;

        for (;;) {
                _cleanup_(udev_device_unrefp) struct udev_device *d = NULL;

                errno = 0;
                d = udev_monitor_receive_device(u->netlink);
                /* Lost ones are as good as any other. */
                if (!d && errno != ENOBUFS)
                        return 0;
                if (!d || concerns(d))
                        usb_unsettle(u);
        }
}

/* ---- Life ---- */

int usb_new(sd_event *event, void (*changed)(void *userdata), void *userdata, struct usb **ret) {
        _cleanup_(usb_freep) struct usb *u = calloc(1, sizeof(*u));

        if (!u)
                return -ENOMEM;
        u->event = sd_event_ref(event);
        u->changed = changed;
        u->userdata = userdata;
        u->udev = udev_new();
        if (!u->udev)
                return -ENOMEM;
        *ret = TAKE_PTR(u);
        return 0;
}

static int listen_to(struct usb *u) {
        static const char *const subsystems[] = { "usb", "hid", "module" };
        int r;

        u->netlink = udev_monitor_new_from_netlink(u->udev, "udev");
        if (!u->netlink)
                return errno > 0 ? -errno : -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(subsystems); i++) {
                r = udev_monitor_filter_add_match_subsystem_devtype(u->netlink, subsystems[i], NULL);
                if (r < 0)
                        return r;
        }
        return udev_monitor_enable_receiving(u->netlink);
}

int usb_start(struct usb *u) {
        int r;

        r = listen_to(u);
        if (r >= 0)
                r = sd_event_add_io(u->event, &u->io, udev_monitor_get_fd(u->netlink), EPOLLIN, on_netlink, u);
        if (r >= 0)
                r = sd_event_add_time(u->event, &u->settle, CLOCK_BOOTTIME, clock_now(CLOCK_BOOTTIME) + SETTLE_USEC,
                                      USEC_PER_MSEC, on_settled, u);
        return r;
}

struct usb *usb_free(struct usb *u) {
        if (!u)
                return NULL;
        sd_event_source_disable_unref(u->io);
        sd_event_source_disable_unref(u->settle);
        if (u->netlink)
                udev_monitor_unref(u->netlink);
        if (u->udev)
                udev_unref(u->udev);
        list_done(&u->list);
        sd_event_unref(u->event);
        free(u);
        return NULL;
}
