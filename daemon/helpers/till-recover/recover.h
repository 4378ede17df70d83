/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between the files of till-recover. Names come from outside and are looked at first (base/usb-name.h): nothing else
 * is ever put into a path.
 */

#include <libudev.h>

#include "base/usb-name.h"

DEFINE_CLEANUP(struct udev *, udev_unref);
DEFINE_CLEANUP(struct udev_device *, udev_device_unref);
DEFINE_CLEANUP(struct udev_enumerate *, udev_enumerate_unref);

/* What a verb has to say. */
struct answer {
        const char *reason; /* of an error, for a person; never NULL, not freed */
        int file;           /* beside "ok", -EBADF for none */
};

/* The verbs: a negative errno with a reason. */
int take(struct udev *udev, const char *name, struct answer *answer);
int reset(struct udev *udev, const char *name, struct answer *answer);
int rebind(struct udev *udev, const char *name, struct answer *answer);
int power(struct udev *udev, const char *name, struct answer *answer);
int probe(struct udev *udev, const char *name, struct answer *answer);

/* ---- sysfs.c ---- */

int sysfs_write(const char *path, const char *text);
/* The file of a driver, "bind", "unbind" or "new_id". */
#define DRIVER_PATH_MAX 128
void driver_path(const char *bus, const char *driver, const char *file, char path[static DRIVER_PATH_MAX]);
int driver_write(const char *bus, const char *driver, const char *file, const char *text);
/* The driver that a device is bound to; the empty text for none. */
int driver_read(const char *bus, const char *device, char driver[static 64]);
bool module_is_loaded(void);

/* ---- state.c ---- */

/* One at a time: unbinding and binding are two steps. The lock goes with the process. */
int state_lock(void);
bool state_has(const char *name);
int state_set(const char *name);
/*
 * The second half of what has two: text is to be written to a file of sysfs. It is noted before the first half, and
 * done by state_finish(), or after a kill by that of the next till-recover: its unit starts one at once
 * (ExecStopPost=).
 */
int state_plan(const char *path, const char *text);
/* 1 when there was something to do. */
int state_finish(void);

/* ---- terminal.c: which devices are the terminal's ---- */

/* A driver of till.ko by TILL_KIND, and the bus that it is on. */
struct target {
        const char *kind;
        const char *bus;
        const char *driver;
};

const struct target *target_find(const char *kind);
const struct target *target_of_driver(const char *driver);

/* -ENODEV, or -EPERM for what is not the terminal's. */
int terminal_usb_find(struct udev *udev, const char *port, struct udev_device **ret, struct answer *answer);
bool terminal_has_usb(struct udev *udev, struct udev_device *usb);
/* The interface, whose driver it is for, and its name on that driver's bus. The same errors; -ENXIO without usbhid. */
int terminal_interface_find(struct udev *udev, const char *name, struct udev_device **ret,
                            const struct target **ret_target, char device[static USB_NAME_MAX], struct answer *answer);
/* The HID device that usbhid has made of an interface. */
int hid_find(struct udev_device *interface, char name[static USB_NAME_MAX]);
/* This device as it is plugged in now, for state_has(): our driver does not want it. */
#define REFUSED_MAX 96
void refused_mark(struct udev_device *usb, const char *interface, char mark[static REFUSED_MAX]);
/* A device of the terminal is, or was, in the port. */
int port_remember(const char *port);
bool port_is_known(const char *port);

/* power.c: whether a hub switches its ports one by one; what is in place of that would switch all, or none. */
int hub_switches_each(struct udev_device *hub);

unsigned attribute_number(struct udev_device *device, const char *name, int base);
