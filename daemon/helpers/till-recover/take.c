// SPDX-License-Identifier: LGPL-2.1-or-later
/* Lets a driver of till.ko have a USB interface, also one whose id it does not know. */
#include "helpers/till-recover/recover.h"

#include <sys/stat.h>

#include "base/log.h"

/* From which drivers a device may be taken; anybody else's stays where it is. */
static const char *const losers[] = { "usblp", "usbfs", "usbhid", "hid-generic" };

struct candidate {
        const struct target *target;
        const char *interface;     /* borrowed */
        char device[USB_NAME_MAX]; /* on the target's bus */
        char attempt[REFUSED_MAX]; /* refused_mark() */
        bool add_id;               /* the hwdb says that the driver takes it without knowing its id */
        unsigned vendor, product, class;
        unsigned like_vendor, like_product; /* of an id that the driver knows; 0 for none */
};

static int candidate_find(struct udev *udev, const char *name, struct candidate *ret_candidate,
                          struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *interface = NULL;
        struct candidate c = {};
        struct udev_device *usb;
        const char *like;
        int r;

        r = terminal_interface_find(udev, name, &interface, &c.target, c.device, answer);
        if (r < 0)
                return r;
        usb = udev_device_get_parent_with_subsystem_devtype(interface, "usb", "usb_device");
        c.vendor = attribute_number(usb, "idVendor", 16);
        c.product = attribute_number(usb, "idProduct", 16);
        c.class = attribute_number(interface, "bInterfaceClass", 16);
        c.add_id = streq_ptr(udev_device_get_property_value(interface, "TILL_BIND"), "1");
        like = udev_device_get_property_value(interface, "TILL_LIKE");
        if (like && sscanf(like, "%4x:%4x", &c.like_vendor, &c.like_product) != 2) {
                answer->reason = "TILL_LIKE in the hwdb is no id, as 0416:5011";
                return -EINVAL;
        }
        refused_mark(usb, name, c.attempt);
        c.interface = name;
        *ret_candidate = c;
        return 0;
}

/* The kernel keeps ids without looking for a twin: each once for a load of the module, and with its class. */
static int id_add(const struct candidate *c, struct answer *answer) {
        char mark[96], text[64];
        struct stat st;
        int r;

        if (stat("/sys/module/till", &st) < 0) {
                answer->reason = "the module till is not loaded";
                return -errno;
        }
        (void) snprintf(mark, sizeof(mark), "id-%llu-%s-%04x-%04x", (unsigned long long) st.st_ino, c->target->kind,
                        c->vendor, c->product);
        if (state_has(mark))
                return 0;
        if (streq(c->target->bus, "hid"))
                (void) snprintf(text, sizeof(text), "0003 %04x %04x", c->vendor, c->product);
        else if (c->like_vendor == 0)
                (void) snprintf(text, sizeof(text), "%04x %04x %02x", c->vendor, c->product, c->class);
        else
                /* With the quirks that the driver has for that one. */
                (void) snprintf(text, sizeof(text), "%04x %04x %02x %04x %04x", c->vendor, c->product, c->class,
                                c->like_vendor, c->like_product);
        r = driver_write(c->target->bus, c->target->driver, "new_id", text);
        if (r < 0) {
                answer->reason = "the driver did not take the new id";
                return r;
        }
        return state_set(mark);
}

static bool may_lose(const char *driver) {
        for (size_t i = 0; i < ELEMENTSOF(losers); i++)
                if (streq(driver, losers[i]))
                        return true;
        return false;
}

/* Our driver does not want it: back to whom it was taken from. */
static void give_back(const struct candidate *c, const char *old) {
        char uevent[160];

        (void) state_set(c->attempt);
        /* usbfs is a program's claim, which cannot be given back. */
        if (!isempty(old) && !streq(old, "usbfs"))
                (void) driver_write(c->target->bus, old, "bind", c->device);
        /* The rules look at the mark: whoever waits for the take-over is told that it is over. */
        (void) snprintf(uevent, sizeof(uevent), "/sys/bus/usb/devices/%s/uevent", c->interface);
        (void) sysfs_write(uevent, "change");
}

/* Binds, and gives the device back when that fails. */
static int hand_over(const struct candidate *c, const char *old, struct answer *answer) {
        char bind[DRIVER_PATH_MAX];
        int r;

        driver_path(c->target->bus, c->target->driver, "bind", bind);
        answer->reason = "the other driver does not let go";
        r = state_plan(bind, c->device);
        if (r >= 0 && !isempty(old))
                r = driver_write(c->target->bus, old, "unbind", c->device);
        if (r < 0) {
                (void) state_finish();
                return r;
        }
        r = state_finish();
        if (r >= 0) {
                log_info("%s: taken over by %s from %s.", c->device, c->target->driver,
                         isempty(old) ? "no driver" : old);
                return 0;
        }
        answer->reason = "our driver does not want it: see the kernel's log";
        give_back(c, old);
        return r;
}

static int take_one(struct udev *udev, const char *name, struct answer *answer) {
        struct candidate c;
        char driver[64];
        int r;

        r = candidate_find(udev, name, &c, answer);
        if (r < 0)
                return r;
        /* Its return to usblp makes udev ask again, without end. */
        if (state_has(c.attempt)) {
                answer->reason = "our driver has refused it since it was plugged in";
                return -EALREADY;
        }
        if (c.add_id) {
                r = id_add(&c, answer);
                if (r < 0)
                        return r;
        }
        /* After the new id: the kernel binds by it at once where nobody else does. */
        r = driver_read(c.target->bus, c.device, driver);
        if (r < 0)
                return r;
        if (streq(driver, c.target->driver))
                return 0;
        if (!isempty(driver) && !may_lose(driver)) {
                answer->reason = "another driver than usblp, usbfs or hid-generic has it";
                return -EBUSY;
        }
        return hand_over(&c, driver, answer);
}

/* The module has come anew and knows no id of the hwdb: what was plugged in before asks for it again. */
static int take_all(struct udev *udev, struct answer *answer) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *devices = udev_enumerate_new(udev);
        struct udev_list_entry *entry;
        int r, error = 0;

        answer->reason = "the devices cannot be listed";
        if (!devices)
                return -ENOMEM;
        r = udev_enumerate_add_match_tag(devices, "till");
        if (r >= 0)
                r = udev_enumerate_add_match_subsystem(devices, "usb");
        if (r >= 0)
                r = udev_enumerate_add_match_property(devices, "TILL_BIND", "1");
        if (r >= 0)
                r = udev_enumerate_scan_devices(devices);
        if (r < 0)
                return r;
        udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(devices)) {
                const char *name = strrchr(udev_list_entry_get_name(entry), '/');

                r = name ? take_one(udev, name + 1, answer) : -EINVAL;
                if (r == -EALREADY || r >= 0)
                        continue;
                log_warning_errno(r, "take %s: %s", strna(name), answer->reason);
                error = error ?: r;
        }
        return error;
}

int take(struct udev *udev, const char *name, struct answer *answer) {
        return streq(name, "all") ? take_all(udev, answer) : take_one(udev, name, answer);
}
