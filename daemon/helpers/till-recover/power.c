// SPDX-License-Identifier: LGPL-2.1-or-later
/* The power of a port, off and on again, where its hub has a switch for each of its ports. */
#include "helpers/till-recover/recover.h"

#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usb/ch11.h>
#include <linux/usbdevice_fs.h>
#include <sys/ioctl.h>

#include "base/log.h"

/* Until the capacitors of a device are empty. */
#define OFF_SECONDS 3
#define ANSWER_MS 1000

/* USB 2.0, 11.23.2.1; that of USB 3 has the same beginning. */
#define CHARACTERISTICS 3
#define HUB_DESCRIPTOR_MAX 15

struct port {
        char hub[USB_NAME_MAX];       /* the hub's device, "usb1" or "1-2" */
        char interface[USB_NAME_MAX]; /* how its interface's name begins: "1-0" or "1-2" */
        char folder[USB_NAME_MAX];    /* the port's in that, "usb1-port2" */
};

static void port_read(const char *name, struct port *ret) {
        const char *dot = strrchr(name, '.'), *dash = strchr(name, '-');
        int n = (int) ((dot ?: dash) - name);

        (void) snprintf(ret->hub, sizeof(ret->hub), "%s%.*s", dot ? "" : "usb", MIN(n, 24), name);
        (void) snprintf(ret->interface, sizeof(ret->interface), "%.*s%s", MIN(n, 24), name, dot ? "" : "-0");
        (void) snprintf(ret->folder, sizeof(ret->folder), "%.27s-port%.4s", ret->hub, name + n + 1);
}

int hub_switches_each(struct udev_device *hub) {
        uint8_t descriptor[HUB_DESCRIPTOR_MAX] = {};
        struct usbdevfs_ctrltransfer request = {
                .bRequestType = 0xa0, /* in, class, device */
                .bRequest = 6,        /* GET_DESCRIPTOR */
                .wValue = (attribute_number(hub, "bDeviceProtocol", 16) == USB_HUB_PR_SS ? USB_DT_SS_HUB : USB_DT_HUB)
                          << 8,
                .wLength = sizeof(descriptor),
                .timeout = ANSWER_MS,
                .data = descriptor,
        };
        _cleanup_close_ int fd = -EBADF;
        int n;

        fd = open(strempty(udev_device_get_devnode(hub)), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        n = ioctl(fd, USBDEVFS_CONTROL, &request);
        if (n < 0)
                return -errno;
        return n > CHARACTERISTICS && (descriptor[CHARACTERISTICS] & HUB_CHAR_LPSM) == HUB_CHAR_INDV_PORT_LPSM;
}

/* Whoever is in the port now must be the terminal's; an empty one must have had such a device. */
static int check_port(struct udev *udev, const char *name, struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *usb = NULL;
        int r;

        r = terminal_usb_find(udev, name, &usb, answer);
        if (r == -ENODEV) {
                answer->reason = "no device of the terminal was seen in this port";
                return port_is_known(name) ? 0 : -ENODEV;
        }
        if (r < 0)
                return r;
        if (attribute_number(usb, "bDeviceClass", 16) == USB_CLASS_HUB) {
                answer->reason = "a hub is in this port";
                return -EPERM;
        }
        return port_remember(name);
}

static int find_switch(struct udev *udev, const char *name, char path[static 160], struct answer *answer) {
        _cleanup_(udev_device_unrefp) struct udev_device *hub = NULL;
        struct port port;
        int r;

        port_read(name, &port);
        hub = udev_device_new_from_subsystem_sysname(udev, "usb", port.hub);
        if (!hub) {
                answer->reason = "there is no hub with such a port";
                return -ENODEV;
        }
        r = hub_switches_each(hub);
        if (r < 0) {
                answer->reason = "the hub does not say what it can switch";
                return r;
        }
        if (r == 0) {
                answer->reason = "the hub cannot switch its ports one by one";
                return -ENOTSUP;
        }
        (void) snprintf(path, 160, "/sys/bus/usb/devices/%s:%u.0/%s/disable", port.interface,
                        attribute_number(hub, "bConfigurationValue", 10), port.folder);
        if (access(path, W_OK) < 0) {
                answer->reason = "this kernel has no switch for a port: Linux 6.0 and later have";
                return -ENOTSUP;
        }
        return 0;
}

int power(struct udev *udev, const char *name, struct answer *answer) {
        char path[160];
        int r;

        r = check_port(udev, name, answer);
        if (r < 0)
                return r;
        r = find_switch(udev, name, path, answer);
        if (r < 0)
                return r;
        answer->reason = "the port's power cannot be switched off";
        r = state_plan(path, "0");
        if (r >= 0)
                r = sysfs_write(path, "1");
        if (r < 0) {
                (void) state_finish();
                return r;
        }
        (void) sleep(OFF_SECONDS);
        answer->reason = "the port's power cannot be switched on again";
        r = state_finish();
        if (r < 0)
                return r;
        log_info("%s: its power was off for %d s.", name, OFF_SECONDS);
        return 0;
}
