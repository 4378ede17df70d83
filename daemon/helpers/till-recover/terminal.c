// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-recover/recover.h"

#include <dirent.h>

static const struct target targets[] = {
        { "msr", "hid", "till-msr" },
        { "emv", "usb", "till-emv" },
        { "printer", "usb", "till-printer" },
};

static void closedirp(DIR **dir) {
        if (*dir)
                (void) closedir(*dir);
}

const struct target *target_find(const char *kind) {
        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                if (streq_ptr(kind, targets[i].kind))
                        return targets + i;
        return NULL;
}

const struct target *target_of_driver(const char *driver) {
        for (size_t i = 0; i < ELEMENTSOF(targets); i++)
                if (streq(driver, targets[i].driver))
                        return targets + i;
        return NULL;
}

unsigned attribute_number(struct udev_device *device, const char *name, int base) {
        const char *value = device ? udev_device_get_sysattr_value(device, name) : NULL;

        return value ? (unsigned) strtoul(value, NULL, base) : 0;
}

/* ---- USB devices ---- */

static bool has_node(struct udev *udev, struct udev_device *usb) {
        _cleanup_(udev_enumerate_unrefp) struct udev_enumerate *nodes = udev_enumerate_new(udev);

        return nodes && udev_enumerate_add_match_parent(nodes, usb) >= 0 &&
               udev_enumerate_add_match_subsystem(nodes, "till") >= 0 && udev_enumerate_scan_devices(nodes) >= 0 &&
               udev_enumerate_get_list_entry(nodes);
}

/* A bridge chip's id is no model's, and its device is not tagged: the driver has looked further, and has it. */
bool terminal_has_usb(struct udev *udev, struct udev_device *usb) {
        return udev_device_has_current_tag(usb, "till") || has_node(udev, usb);
}

int terminal_usb_find(struct udev *udev, const char *port, struct udev_device **ret, struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *usb = NULL;

        if (!usb_port_is_name(port)) {
                answer->reason = "not the name of a USB port, as 1-2";
                return -EINVAL;
        }
        usb = udev_device_new_from_subsystem_sysname(udev, "usb", port);
        if (!usb) {
                answer->reason = "nothing is plugged in there";
                return -ENODEV;
        }
        if (!terminal_has_usb(udev, usb)) {
                answer->reason = "not a device of the terminal: see 70-till.hwdb";
                return -EPERM;
        }
        *ret = TAKE_PTR(usb);
        return 0;
}

/* ---- Interfaces ---- */

int hid_find(struct udev_device *interface, char name[static USB_NAME_MAX]) {
        _cleanup_(closedirp) DIR *dir = opendir(udev_device_get_syspath(interface));
        struct dirent *entry;

        if (!dir)
                return -errno;
        while ((entry = readdir(dir)))
                if (usb_hid_is_name(entry->d_name)) {
                        (void) snprintf(name, USB_NAME_MAX, "%.*s", USB_NAME_MAX - 1, entry->d_name);
                        return 0;
                }
        return -ENXIO;
}

/* By the hwdb; or by the driver of ours that has it already, as with a bridge chip. */
static const struct target *interface_target(struct udev_device *interface) {
        if (udev_device_has_current_tag(interface, "till"))
                return target_find(udev_device_get_property_value(interface, "TILL_KIND"));
        return target_of_driver(strempty(udev_device_get_driver(interface)));
}

int terminal_interface_find(struct udev *udev, const char *name, struct udev_device **ret,
                            const struct target **ret_target, char device[static USB_NAME_MAX],
                            struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *interface = NULL;
        const struct target *target;
        int r;

        if (!usb_interface_is_name(name)) {
                answer->reason = "not the name of a USB interface, as 1-2:1.0";
                return -EINVAL;
        }
        interface = udev_device_new_from_subsystem_sysname(udev, "usb", name);
        if (!interface) {
                answer->reason = "no such USB interface";
                return -ENODEV;
        }
        target = interface_target(interface);
        if (!target) {
                answer->reason = "not a device of the terminal: see 70-till.hwdb";
                return -EPERM;
        }
        (void) snprintf(device, USB_NAME_MAX, "%s", name);
        if (streq(target->bus, "hid")) {
                r = hid_find(interface, device);
                if (r < 0) {
                        answer->reason = "usbhid does not drive it";
                        return r;
                }
        }
        *ret = TAKE_PTR(interface);
        *ret_target = target;
        return 0;
}

/* ---- Marks ---- */

void refused_mark(struct udev_device *usb, const char *interface, char mark[static REFUSED_MAX]) {
        (void) snprintf(mark, REFUSED_MAX, "left-%s-%u", interface, attribute_number(usb, "devnum", 10));
}

int port_remember(const char *port) {
        char mark[USB_NAME_MAX + 8];

        (void) snprintf(mark, sizeof(mark), "port-%s", port);
        return state_set(mark);
}

bool port_is_known(const char *port) {
        char mark[USB_NAME_MAX + 8];

        (void) snprintf(mark, sizeof(mark), "port-%s", port);
        return state_has(mark);
}
