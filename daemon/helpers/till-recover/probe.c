// SPDX-License-Identifier: LGPL-2.1-or-later
/* Looks at each reader and printer on USB, also at what failed to bind, and says why. Changes nothing. */
#include "helpers/till-recover/probe.h"

#include <libusb.h>

#include "base/sealed-file.h"
#include "helpers/till-recover/describe.h"

#define DEVICES_MAX 64
/* As device/recover.h takes it. */
#define DOCUMENT_MAX (256 * 1024)

static void libusb_exitp(libusb_context **context) {
        if (*context)
                libusb_exit(*context);
}

/* "1-2.3", as sysfs has it. -ENODEV for a root hub. */
static int device_name(libusb_device *device, char name[static USB_NAME_MAX]) {
        uint8_t ports[7];
        int n = libusb_get_port_numbers(device, ports, sizeof(ports)), at;

        if (n <= 0)
                return -ENODEV;
        at = snprintf(name, USB_NAME_MAX, "%u", libusb_get_bus_number(device));
        for (int i = 0; i < n; i++)
                at += snprintf(name + at, USB_NAME_MAX - (size_t) at, "%c%u", i == 0 ? '-' : '.', ports[i]);
        return usb_port_is_name(name) ? 0 : -ENODEV;
}

/* Appends it where it is wanted, and one that the terminal may have. */
static int probe_device(struct udev *udev, libusb_device *device, const char *wanted, cJSON *list) {
        _cleanup_(udev_device_unrefp) struct udev_device *usb = NULL;
        char name[USB_NAME_MAX];
        cJSON *o = NULL;
        int r;

        r = device_name(device, name);
        if (r < 0 || (!streq(wanted, "all") && !streq(wanted, name)))
                return 0;
        usb = udev_device_new_from_subsystem_sysname(udev, "usb", name);
        /* It has gone since. */
        if (!usb)
                return 0;
        r = describe_device(udev, usb, device, &o);
        if (r <= 0)
                return r;
        if (terminal_has_usb(udev, usb))
                (void) port_remember(name);
        return cJSON_AddItemToArray(list, o) ? 0 : -ENOMEM;
}

static int probe_all(struct udev *udev, const char *wanted, cJSON *list) {
        _cleanup_(libusb_exitp) libusb_context *context = NULL;
        libusb_device **devices;
        ssize_t n;
        int r = 0;

        if (libusb_init(&context) < 0)
                return -EIO;
        n = libusb_get_device_list(context, &devices);
        if (n < 0)
                return n == LIBUSB_ERROR_NO_MEM ? -ENOMEM : -EIO;
        for (ssize_t i = 0; r >= 0 && i < n && cJSON_GetArraySize(list) < DEVICES_MAX; i++)
                r = probe_device(udev, devices[i], wanted, list);
        libusb_free_device_list(devices, 1);
        return r;
}

int probe(struct udev *udev, const char *name, struct answer *answer) {
        _cleanup_(cJSON_Deletep) cJSON *document = cJSON_CreateObject();
        cJSON *list = cJSON_AddArrayToObject(document, "Devices");
        _cleanup_free_ char *text = NULL;
        int r;

        if (!streq(name, "all") && !usb_port_is_name(name)) {
                answer->reason = "neither all nor the name of a USB port, as 1-2";
                return -EINVAL;
        }
        if (!list)
                return -ENOMEM;
        answer->reason = "the USB devices cannot be looked at";
        r = probe_all(udev, name, list);
        if (r < 0)
                return r;
        text = cJSON_Print(document);
        if (!text)
                return -ENOMEM;
        if (strlen(text) > DOCUMENT_MAX) {
                answer->reason = "there is too much to tell of all: name a port";
                return -EFBIG;
        }
        r = sealed_file_new("probe", text, strlen(text));
        if (r < 0)
                return r;
        answer->file = r;
        return 0;
}
