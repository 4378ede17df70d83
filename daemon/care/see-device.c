// SPDX-License-Identifier: LGPL-2.1-or-later
/* By kind: what is on USB and cannot be used says why the terminal has no device of that kind. */
#include "care/see.h"
#include "journal/device.h"

struct devices {
        struct engine *engine;
        struct fault_changes *sight;
        bool explained[_DEVICE_KIND_MAX]; /* something says already why none is connected */
        const struct usb_device *kindless;
        bool known; /* … one of which it is */
};

static bool is_connected(const struct devices *d, enum device_kind kind) {
        return monitor_find_connected(engine_monitor(d->engine), kind);
}

/* ---- What is on USB ---- */

/* What kind it is where its interfaces do not tell: that of a device with its id; any where the id is new here. */
static int find_kind(const struct device_record *record, void *userdata) {
        struct devices *d = userdata;
        enum device_kind kind = device_kind_from_string(record->kind);
        char id[sizeof(record->usb_id)];

        (void) snprintf(id, sizeof(id), "%04x:%04x", d->kindless->vendor_id, d->kindless->product_id);
        if (kind >= 0 && streq(record->usb_id, id))
                d->explained[kind] = d->known = true;
        return 0;
}

static int explain(struct devices *d, const struct usb_device *usb) {
        int r;

        d->kindless = usb;
        d->known = false;
        r = device_record_each(engine_journal(d->engine), find_kind, d);
        for (enum device_kind kind = 0; r >= 0 && !d->known && kind < _DEVICE_KIND_MAX; kind++)
                d->explained[kind] = true;
        return r;
}

static int see_unconfigured(struct devices *d, const struct usb_device *usb) {
        int r = explain(d, usb);

        if (r < 0)
                return r;
        return sight_add(d->sight, "device-no-power", usb->port,
                         "%04x:%04x is not configured; it asks for %u mA, its port may give less", usb->vendor_id,
                         usb->product_id, usb->power);
}

/* Whether it is refused or another one's. */
static int see_interface(struct devices *d, const struct usb_device *usb, const struct usb_interface *i) {
        bool nobody = isempty(i->driver);
        const char *code = nobody ? "device-refused" : "device-claimed";

        if (i->kind < 0)
                return 0;
        d->explained[i->kind] = true;
        if (i->taking)
                return sight_keep(d->engine, d->sight, code, i->name);
        return sight_add(d->sight, code, i->name, "%04x:%04x: %s%s", usb->vendor_id, usb->product_id,
                         nobody ? "till-" : "held by the driver ",
                         nobody ? device_kind_to_string(i->kind) : i->driver);
}

static int see_kindless(struct devices *d, const struct usb_device *usb) {
        int r = explain(d, usb);

        if (r < 0)
                return r;
        return sight_add(d->sight, "device-refused", usb->port,
                         "%04x:%04x has no interface that the terminal can drive: another mode?", usb->vendor_id,
                         usb->product_id);
}

static bool has_kind(const struct usb_device *usb) {
        for (size_t i = 0; i < usb->n_interfaces; i++)
                if (usb->interfaces[i].kind >= 0)
                        return true;
        return false;
}

/* One interface is enough: the other one of a reader in a keyboard is the keys. */
static bool is_driven(const struct usb_device *usb) {
        for (size_t i = 0; i < usb->n_interfaces; i++)
                if (startswith(usb->interfaces[i].driver, "till-"))
                        return true;
        return false;
}

static int see_listed(struct devices *d, const struct usb_device *usb) {
        int r = 0;

        if (usb->is_new)
                return explain(d, usb);
        if (!usb->configured)
                return see_unconfigured(d, usb);
        if (!has_kind(usb))
                return see_kindless(d, usb);
        for (size_t i = 0; r >= 0 && i < usb->n_interfaces; i++)
                r = see_interface(d, usb, usb->interfaces + i);
        return r;
}

/* What an interface may be that the hwdb says nothing of. */
static enum device_kind guess_kind(const struct usb_device *usb, const struct usb_interface *i) {
        if (i->class == USB_CLASS_CCID)
                return DEVICE_EMV;
        if (i->class == USB_CLASS_PRINTER)
                return DEVICE_PRINTER;
        /* MagTek and ID TECH make nothing else. */
        if (i->class == USB_CLASS_HID && (usb->vendor_id == 0x0801 || usb->vendor_id == 0x0acd))
                return DEVICE_MSR;
        return _DEVICE_KIND_INVALID;
}

/* Other readers and printers on the machine are left alone while the terminal has its own. */
static int see_unlisted(struct devices *d, const struct usb_device *usb) {
        for (size_t i = 0; i < usb->n_interfaces; i++) {
                enum device_kind kind = guess_kind(usb, usb->interfaces + i);

                if (kind < 0 || is_connected(d, kind))
                        continue;
                d->explained[kind] = true;
                return sight_add(d->sight, "device-unknown", usb->port, "%04x:%04x may be a device of kind %s",
                                 usb->vendor_id, usb->product_id, device_kind_to_string(kind));
        }
        return 0;
}

static int see_port(struct devices *d, const struct usb_device *usb) {
        if (!isempty(usb->fault)) {
                d->explained[DEVICE_MSR] = true;
                return sight_add(d->sight, "msr-keyboard-mode", usb->port, "%04x:%04x is in keyboard mode",
                                 usb->vendor_id, usb->product_id);
        }
        if (is_driven(usb))
                return 0;
        return usb->listed ? see_listed(d, usb) : see_unlisted(d, usb);
}

/* ---- What is connected ---- */

/* Whether tilld uses one of that kind; an EMV reader's node is open only while a card is dealt with. */
static bool uses(struct engine *e, const struct device *device) {
        if (device->kind == DEVICE_MSR)
                return engine_msr(e);
        if (device->kind == DEVICE_EMV)
                return engine_holds_emv(e) || device != monitor_find_connected(engine_monitor(e), DEVICE_EMV);
        return printing_device(engine_printing(e));
}

static int see_busy(struct devices *d, const struct device *device) {
        _cleanup_free_ char *opened = NULL;
        int r;

        if (!device->connected || uses(d->engine, device))
                return 0;
        r = device_read_attribute(device, "opened", &opened);
        /* On its way out. */
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        if (!streq(opened, "1"))
                return 0;
        return sight_add(d->sight, "device-busy", device->id, "another program has %s open", device->node);
}

static int see_missing(struct devices *d, enum device_kind kind) {
        const char *word = device_kind_to_string(kind);
        char code[32];
        int r;

        if (is_connected(d, kind) || d->explained[kind])
                return 0;
        (void) snprintf(code, sizeof(code), "%s-missing", word);
        if (!usb_is_settled(engine_usb(d->engine)))
                return sight_keep(d->engine, d->sight, code, NULL);
        r = device_record_count_kind(engine_journal(d->engine), word);
        return r <= 0 ? r : sight_add(d->sight, code, "", "none is connected, and there was one");
}

/* ---- All of it ---- */

static int keep_all(struct engine *e, struct fault_changes *sight) {
        static const char *const codes[] = {
                "msr-keyboard-mode", "device-no-power", "device-refused", "device-claimed",  "device-unknown",
                "device-busy",       "msr-missing",     "emv-missing",    "printer-missing",
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(codes); i++)
                r = sight_keep(e, sight, codes[i], NULL);
        return r;
}

int see_device(struct engine *e, struct fault_changes *sight) {
        struct devices d = { .engine = e, .sight = sight };
        const struct usb_device *usb;
        struct device *device;
        int r = 0;

        if (!usb_is_known(engine_usb(e)))
                return keep_all(e, sight);
        if (sight_has(sight, "driver-missing", NULL))
                return 0;
        for (size_t i = 0; r >= 0 && (usb = usb_get(engine_usb(e), i)); i++)
                r = see_port(&d, usb);
        for (size_t i = 0; r >= 0 && (device = monitor_get(engine_monitor(e), i)); i++)
                r = see_busy(&d, device);
        for (enum device_kind kind = 0; r >= 0 && kind < _DEVICE_KIND_MAX; kind++)
                r = see_missing(&d, kind);
        return r;
}
