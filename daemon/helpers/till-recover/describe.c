// SPDX-License-Identifier: LGPL-2.1-or-later
/* One USB device as JSON: what it says, who drives it, and what is to be said of that. */
#include "helpers/till-recover/describe.h"

#include <fcntl.h>

#include "base/clock.h"

#define STRING_MS 500
/* Of all devices: from then on what the kernel has read is told. */
#define STRINGS_USEC (8 * USEC_PER_SEC)
#define ENDPOINTS_MAX 30
#define REPORT_DESCRIPTOR_MAX 4096

/* Makers whose HID devices are magstripe readers: MagTek, ID TECH. */
static const uint16_t makers[] = { 0x0801, 0x0acd };

/* ---- What it looks like ---- */

static enum probe_usage hid_usage(const char *hid) {
        uint8_t descriptor[REPORT_DESCRIPTOR_MAX];
        _cleanup_close_ int fd = -EBADF;
        char path[160];
        ssize_t n;

        if (isempty(hid))
                return PROBE_USAGE_OTHER;
        (void) snprintf(path, sizeof(path), "/sys/bus/hid/devices/%s/report_descriptor", hid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, descriptor, sizeof(descriptor));
        return n > 0 ? probe_read_usage(descriptor, (size_t) n) : PROBE_USAGE_OTHER;
}

static bool is_maker(uint16_t vendor) {
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (vendor == makers[i])
                        return true;
        return false;
}

static const struct target *class_target(uint16_t vendor, uint8_t class) {
        if (class == LIBUSB_CLASS_SMART_CARD)
                return target_find("emv");
        if (class == LIBUSB_CLASS_PRINTER)
                return target_find("printer");
        return class == LIBUSB_CLASS_HID && is_maker(vendor) ? target_find("msr") : NULL;
}

/* ---- Interfaces ---- */

/* Who has it: of a HID interface the HID driver, where usbhid has made a HID device of it. */
static void find_driver(struct udev_device *interface, struct probe_interface *ret, char hid[static USB_NAME_MAX]) {
        bool is_hid = hid_find(interface, hid) >= 0;

        if (!is_hid)
                hid[0] = '\0';
        if (driver_read(is_hid ? "hid" : "usb", is_hid ? hid : ret->name, ret->driver) < 0)
                ret->driver[0] = '\0';
}

static const struct target *interface_target(struct udev_device *interface, const struct probe_facts *f,
                                             const struct probe_interface *found, uint8_t class,
                                             enum probe_usage usage) {
        const struct target *ours = target_of_driver(found->driver);

        if (ours)
                return ours;
        if (udev_device_has_current_tag(interface, "till"))
                return target_find(udev_device_get_property_value(interface, "TILL_KIND"));
        /* The other interfaces of a combined device are none of ours. */
        if (f->tagged)
                return NULL;
        return usage == PROBE_USAGE_STRIPE ? target_find("msr") : class_target(f->vendor, class);
}

static void look_at_interface(struct udev *udev, struct udev_device *usb, struct probe_facts *f,
                              const struct libusb_interface_descriptor *d) {
        struct probe_interface *i = f->interfaces + f->n_interfaces++;
        _cleanup_(udev_device_unrefp) struct udev_device *interface = NULL;
        char hid[USB_NAME_MAX] = "", mark[REFUSED_MAX];
        enum probe_usage usage;

        (void) snprintf(i->name, sizeof(i->name), "%.24s:%u.%u", udev_device_get_sysname(usb), f->configuration,
                        d->bInterfaceNumber);
        interface = udev_device_new_from_subsystem_sysname(udev, "usb", i->name);
        if (interface)
                find_driver(interface, i, hid);
        usage = hid_usage(hid);
        i->keyboard = d->bInterfaceClass == LIBUSB_CLASS_HID &&
                      (d->bInterfaceProtocol == 1 || usage == PROBE_USAGE_KEYBOARD);
        i->target = interface ? interface_target(interface, f, i, d->bInterfaceClass, usage)
                              : class_target(f->vendor, d->bInterfaceClass);
        refused_mark(usb, i->name, mark);
        i->refused = state_has(mark);
        if (i->target && !f->likeness)
                f->likeness = i->target;
}

/* The setting that is in use; the first one where the kernel does not say. */
static const struct libusb_interface_descriptor *current_setting(const struct libusb_interface *interface,
                                                                 const char *port, unsigned configuration) {
        char path[160], text[16] = "";
        _cleanup_close_ int fd = -EBADF;
        long current = 0;

        if (interface->num_altsetting <= 0)
                return NULL;
        (void) snprintf(path, sizeof(path), "/sys/bus/usb/devices/%.24s:%u.%u/bAlternateSetting", port, configuration,
                        interface->altsetting[0].bInterfaceNumber);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
                current = strtol(text, NULL, 10);
        for (int i = 0; i < interface->num_altsetting; i++)
                if (interface->altsetting[i].bAlternateSetting == current)
                        return interface->altsetting + i;
        return interface->altsetting;
}

/* ---- JSON ---- */

/* Hexadecimal without 0x, as sysfs and lsusb have it. */
static bool add_hex(cJSON *o, const char *name, unsigned value, int digits) {
        char text[12];

        (void) snprintf(text, sizeof(text), "%0*x", digits, value);
        return cJSON_AddStringToObject(o, name, text);
}

/* Binary-coded: 0x0210 is 2.10. */
static bool add_version(cJSON *o, const char *name, uint16_t bcd) {
        char text[12];

        (void) snprintf(text, sizeof(text), "%x.%02x", bcd >> 8, bcd & 0xff);
        return cJSON_AddStringToObject(o, name, text);
}

static bool add_endpoint(cJSON *list, const struct libusb_endpoint_descriptor *e) {
        static const char *const types[] = { "control", "isochronous", "bulk", "interrupt" };
        cJSON *o = cJSON_CreateObject();

        return cJSON_AddItemToArray(list, o) && add_hex(o, "Address", e->bEndpointAddress, 2) &&
               cJSON_AddStringToObject(o, "Type", types[e->bmAttributes & 3]) &&
               cJSON_AddNumberToObject(o, "MaxPacketSize", e->wMaxPacketSize) &&
               cJSON_AddNumberToObject(o, "Interval", e->bInterval);
}

static bool add_interface(cJSON *list, const struct probe_interface *i, const struct libusb_interface_descriptor *d) {
        cJSON *o = cJSON_CreateObject(), *endpoints;

        if (!cJSON_AddItemToArray(list, o) || !cJSON_AddStringToObject(o, "Name", i->name) ||
            !cJSON_AddNumberToObject(o, "Number", d->bInterfaceNumber) ||
            !cJSON_AddNumberToObject(o, "Setting", d->bAlternateSetting) ||
            !add_hex(o, "Class", d->bInterfaceClass, 2) || !add_hex(o, "SubClass", d->bInterfaceSubClass, 2) ||
            !add_hex(o, "Protocol", d->bInterfaceProtocol, 2) || !cJSON_AddStringToObject(o, "Driver", i->driver) ||
            !cJSON_AddStringToObject(o, "Kind", i->target ? i->target->kind : ""))
                return false;
        endpoints = cJSON_AddArrayToObject(o, "Endpoints");
        for (int e = 0; endpoints && e < MIN((int) d->bNumEndpoints, ENDPOINTS_MAX); e++)
                if (!add_endpoint(endpoints, d->endpoint + e))
                        return false;
        return endpoints;
}

/* ---- Configurations and power ---- */

static unsigned milliamperes(libusb_device *device, const struct libusb_config_descriptor *c) {
        return c->MaxPower * (libusb_get_device_speed(device) >= LIBUSB_SPEED_SUPER ? 8U : 2U);
}

/* What the kernel takes a port to give: a hub without a supply of its own gives one unit. */
static unsigned port_milliamperes(struct udev_device *hub, libusb_device *device) {
        bool super = libusb_get_device_speed(device) >= LIBUSB_SPEED_SUPER;
        bool supplied = !strchr(strempty(udev_device_get_sysname(hub)), '-') ||
                        attribute_number(hub, "bmAttributes", 16) & 0x40;

        return supplied ? (super ? 900 : 500) : (super ? 150 : 100);
}

static bool config_has_ours(const struct libusb_config_descriptor *c, uint16_t vendor) {
        for (int i = 0; i < MIN((int) c->bNumInterfaces, PROBE_INTERFACES); i++)
                if (c->interface[i].num_altsetting > 0 &&
                    class_target(vendor, c->interface[i].altsetting[0].bInterfaceClass))
                        return true;
        return false;
}

/* Of all configurations: the least that is needed, and whether one that is not active is like ours. */
static void look_at_configurations(libusb_device *device, const struct libusb_device_descriptor *d,
                                   struct probe_facts *f) {
        f->needs_ma = UINT32_MAX;
        for (uint8_t i = 0; i < MIN(d->bNumConfigurations, (uint8_t) 8); i++) {
                struct libusb_config_descriptor *c;

                if (libusb_get_config_descriptor(device, i, &c) < 0)
                        continue;
                f->needs_ma = MIN(f->needs_ma, milliamperes(device, c));
                if (c->bConfigurationValue != f->configuration && config_has_ours(c, d->idVendor))
                        f->elsewhere = true;
                libusb_free_config_descriptor(c);
        }
        if (f->needs_ma == UINT32_MAX)
                f->needs_ma = 0;
}

/* Its active configuration, or what would be the first. False without memory. */
static bool add_configuration(struct udev *udev, struct udev_device *usb, libusb_device *device, cJSON *o,
                              struct probe_facts *f) {
        cJSON *interfaces = cJSON_AddArrayToObject(o, "Interfaces");
        struct libusb_config_descriptor *c = NULL;
        bool good = interfaces;

        if ((f->configuration > 0
                     ? libusb_get_config_descriptor_by_value(device, (uint8_t) MIN(f->configuration, 255U), &c)
                     : libusb_get_config_descriptor(device, 0, &c)) < 0)
                return good;
        for (int i = 0; good && i < MIN((int) c->bNumInterfaces, PROBE_INTERFACES); i++) {
                const struct libusb_interface_descriptor *d =
                        current_setting(c->interface + i, udev_device_get_sysname(usb), f->configuration);

                if (!d)
                        continue;
                look_at_interface(udev, usb, f, d);
                good = add_interface(interfaces, f->interfaces + f->n_interfaces - 1, d);
        }
        good = good && cJSON_AddNumberToObject(o, "MaxPower", milliamperes(device, c)) &&
               cJSON_AddBoolToObject(o, "SelfPowered", c->bmAttributes & 0x40);
        libusb_free_config_descriptor(c);
        return good;
}

/* ---- Texts ---- */

static int ask_string(libusb_device_handle *handle, uint8_t index, uint16_t language, uint8_t descriptor[static 255]) {
        return libusb_control_transfer(handle, LIBUSB_ENDPOINT_IN, LIBUSB_REQUEST_GET_DESCRIPTOR,
                                       (uint16_t) (LIBUSB_DT_STRING << 8 | index), language, descriptor, 255,
                                       STRING_MS);
}

/* From the device itself, which shows that it answers. 0, or that of libusb; no text where it has none. */
static int read_string(libusb_device_handle *handle, uint8_t index, uint16_t language,
                       char text[static PROBE_STRING_MAX]) {
        uint8_t descriptor[255];
        int n;

        text[0] = '\0';
        if (index == 0)
                return 0;
        n = ask_string(handle, index, language, descriptor);
        if (n >= 0 && probe_read_string(descriptor, (size_t) n, text) < 0)
                text[0] = '\0';
        return MIN(n, 0);
}

struct texts {
        char vendor[PROBE_STRING_MAX], product[PROBE_STRING_MAX], serial[PROBE_STRING_MAX];
};

static int read_texts(libusb_device *device, const struct libusb_device_descriptor *d, struct texts *t) {
        libusb_device_handle *handle;
        uint8_t languages[255];
        uint16_t language = 0x0409;
        int r;

        r = libusb_open(device, &handle);
        if (r < 0)
                return r;
        r = d->iManufacturer || d->iProduct || d->iSerialNumber ? ask_string(handle, 0, 0, languages) : 0;
        if (r >= 4 && languages[1] == LIBUSB_DT_STRING)
                language = (uint16_t) (languages[2] | languages[3] << 8);
        if (r != LIBUSB_ERROR_TIMEOUT)
                r = read_string(handle, d->iManufacturer, language, t->vendor);
        if (r != LIBUSB_ERROR_TIMEOUT)
                r = read_string(handle, d->iProduct, language, t->product);
        if (r != LIBUSB_ERROR_TIMEOUT)
                r = read_string(handle, d->iSerialNumber, language, t->serial);
        libusb_close(handle);
        return r;
}

static void kernel_texts(struct udev_device *usb, struct texts *t) {
        probe_clean(strempty(udev_device_get_sysattr_value(usb, "manufacturer")), t->vendor);
        probe_clean(strempty(udev_device_get_sysattr_value(usb, "product")), t->product);
        probe_clean(strempty(udev_device_get_sysattr_value(usb, "serial")), t->serial);
}

static bool add_texts(cJSON *o, struct udev_device *usb, libusb_device *device,
                      const struct libusb_device_descriptor *d, struct probe_facts *f) {
        static uint64_t until; /* of all, from the first device on */
        struct texts t = {};
        int r = LIBUSB_ERROR_TIMEOUT;
        bool asked;

        if (until == 0)
                until = clock_now(CLOCK_MONOTONIC) + STRINGS_USEC;
        asked = clock_now(CLOCK_MONOTONIC) < until;
        if (asked)
                r = read_texts(device, d, &t);
        f->silent = asked && r == LIBUSB_ERROR_TIMEOUT;
        if (r < 0)
                kernel_texts(usb, &t);
        return cJSON_AddStringToObject(o, "Vendor", t.vendor) && cJSON_AddStringToObject(o, "Product", t.product) &&
               cJSON_AddStringToObject(o, "Serial", t.serial) && cJSON_AddBoolToObject(o, "Answers", asked && r >= 0);
}

/* ---- The device ---- */

static const char *speed_word(libusb_device *device) {
        static const char *const words[] = { "unknown", "low", "full", "high", "super", "super-plus" };
        int speed = libusb_get_device_speed(device);

        return words[speed > 0 && speed < (int) ELEMENTSOF(words) ? speed : 0];
}

static bool add_facts(cJSON *o, struct udev_device *usb, libusb_device *device,
                      const struct libusb_device_descriptor *d, const struct probe_facts *f) {
        char id[12];

        (void) snprintf(id, sizeof(id), "%04x:%04x", d->idVendor, d->idProduct);
        return cJSON_AddStringToObject(o, "Port", udev_device_get_sysname(usb)) &&
               cJSON_AddNumberToObject(o, "Bus", libusb_get_bus_number(device)) &&
               cJSON_AddNumberToObject(o, "Address", libusb_get_device_address(device)) &&
               cJSON_AddStringToObject(o, "Speed", speed_word(device)) && cJSON_AddStringToObject(o, "UsbId", id) &&
               add_version(o, "UsbVersion", d->bcdUSB) && add_version(o, "Release", d->bcdDevice) &&
               add_hex(o, "Class", d->bDeviceClass, 2) && add_hex(o, "SubClass", d->bDeviceSubClass, 2) &&
               add_hex(o, "Protocol", d->bDeviceProtocol, 2) &&
               cJSON_AddNumberToObject(o, "MaxPacketSize", d->bMaxPacketSize0) &&
               cJSON_AddNumberToObject(o, "Configurations", d->bNumConfigurations) &&
               cJSON_AddNumberToObject(o, "Configuration", f->configuration);
}

static bool add_power(cJSON *o, struct udev_device *hub, const struct probe_facts *f) {
        int each = hub ? hub_switches_each(hub) : -ENODEV;

        return cJSON_AddStringToObject(o, "Hub", hub ? udev_device_get_sysname(hub) : "") &&
               cJSON_AddNumberToObject(o, "PortPower", f->gives_ma) &&
               cJSON_AddStringToObject(o, "PortSwitch",
                                       each > 0    ? "each"
                                       : each == 0 ? "none"
                                                   : "unknown");
}

static bool add_reason(cJSON *o, struct udev_device *usb, const struct probe_facts *f) {
        char claim[CLAIM_MAX] = "", lines[PROBE_LINES_MAX] = "";
        const struct probe_interface *interface;
        enum probe_reason reason = probe_judge(f, &interface);

        if (reason == PROBE_CLAIMED_BY_DRIVER)
                (void) snprintf(claim, sizeof(claim), "%.63s", interface->driver);
        if (reason == PROBE_CLAIMED_BY_PROGRAM)
                claim_find(strempty(udev_device_get_devnode(usb)), claim);
        if (reason == PROBE_UNKNOWN_ID)
                probe_lines(f, lines);
        return cJSON_AddStringToObject(o, "Kind", f->likeness ? f->likeness->kind : "") &&
               cJSON_AddStringToObject(o, "Reason", probe_reason_to_string(reason)) &&
               cJSON_AddStringToObject(o, "Says", probe_reason_says(reason)) &&
               cJSON_AddStringToObject(o, "NextStep", probe_reason_next(reason)) &&
               cJSON_AddStringToObject(o, "Interface", interface ? interface->name : "") &&
               cJSON_AddStringToObject(o, "ClaimedBy", claim) && cJSON_AddStringToObject(o, "HwdbLines", lines);
}

static void look_at_device(struct udev *udev, struct udev_device *usb, const struct libusb_device_descriptor *d,
                           struct probe_facts *f) {
        const char *fault = udev_device_get_property_value(usb, "TILL_FAULT");

        f->vendor = d->idVendor;
        f->product = d->idProduct;
        f->tagged = terminal_has_usb(udev, usb);
        f->marked_keyboard = streq_ptr(fault, "keyboard-mode");
        f->authorized = attribute_number(usb, "authorized", 10) != 0;
        f->module = module_is_loaded();
        f->configuration = attribute_number(usb, "bConfigurationValue", 10);
        if (f->marked_keyboard)
                f->likeness = target_find("msr");
}

int describe_device(struct udev *udev, struct udev_device *usb, libusb_device *device, cJSON **ret) {
        _cleanup_(cJSON_Deletep) cJSON *o = cJSON_CreateObject();
        struct udev_device *hub = udev_device_get_parent_with_subsystem_devtype(usb, "usb", "usb_device");
        struct libusb_device_descriptor d;
        struct probe_facts f = {};

        if (libusb_get_device_descriptor(device, &d) < 0 || d.bDeviceClass == LIBUSB_CLASS_HUB)
                return 0;
        look_at_device(udev, usb, &d, &f);
        look_at_configurations(device, &d, &f);
        f.gives_ma = port_milliamperes(hub, device);
        if (!add_facts(o, usb, device, &d, &f) || !add_configuration(udev, usb, device, o, &f))
                return -ENOMEM;
        if (!f.tagged && !f.likeness && !f.elsewhere)
                return 0;
        /* Only now: what is nobody's business of ours is not asked for anything. */
        if (!add_texts(o, usb, device, &d, &f) || !add_power(o, hub, &f) || !add_reason(o, usb, &f))
                return -ENOMEM;
        *ret = TAKE_PTR(o);
        return 1;
}
