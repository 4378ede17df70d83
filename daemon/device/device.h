/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A device of the terminal as udev shows it, and what is remembered of it while it is unplugged.
 * The monitor makes, changes and frees these; others only read them.
 */

#include "base/macro.h"

enum device_kind {
        DEVICE_MSR,     /* magstripe reader */
        DEVICE_EMV,     /* EMV reader */
        DEVICE_PRINTER, /* receipt printer */
        _DEVICE_KIND_MAX,
        _DEVICE_KIND_INVALID = -EINVAL,
};

/* "msr", "emv", "printer": the DEVTYPE of udev and the word on the bus. */
const char *device_kind_to_string(enum device_kind kind);
enum device_kind device_kind_from_string(const char *text);

enum device_card {
        DEVICE_CARD_UNKNOWN, /* not an EMV reader, or not connected */
        DEVICE_CARD_ABSENT,
        DEVICE_CARD_PRESENT,
};

struct device {
        enum device_kind kind;
        char *id;        /* port path: "1-2", "1-2:1" for interface 1, "1-2+1" for slot 1; the same after a replug */
        char *port;      /* USB port path, "1-2" or "3-1.4" */
        char *interface; /* USB interface, "1-2:1.0": what till-recover takes; NULL when not on USB */
        char *path;      /* ID_PATH, stable over boots ("pci-0000:00:14.0-usb-0:2:1.0"), or NULL */
        unsigned slot;   /* of a reader with several, else 0 */

        /* Of the last device that was in the port. The texts are the device's own or the hwdb's; NULL for none. */
        char *vendor;
        char *product;
        char *serial;
        char *driver; /* kernel driver, "till-printer" */
        uint16_t vendor_id;
        uint16_t product_id;
        uint16_t release;  /* bcdDevice */
        uint64_t plugged;  /* CLOCK_MONOTONIC usec when udev saw it, of this plugging in alone; 0: udev has not said */
        char **properties; /* "TILL_PRINTER_DOTS=576": what the hwdb says of a printer's model; NULL-terminated or NULL
                            */

        bool connected;
        uint64_t since;  /* of `connected`: CLOCK_REALTIME, microseconds */
        const char *why; /* one of the DEVICE_WHY texts below, never NULL */

        /* NULL while unplugged; still there in MONITOR_DISCONNECTED, already in MONITOR_ADDED. */
        char *node;    /* "/dev/till-printer0" */
        char *syspath; /* "/sys/devices/…/till-printer0" */

        enum device_card card; /* EMV: kept up to date by uevents, also while nobody has the node open */
        uint64_t card_usec;    /* since when it is seen so, CLOCK_BOOTTIME */
};

#define DEVICE_WHY_PRESENT "present at start"
#define DEVICE_WHY_PLUGGED "plugged in"
#define DEVICE_WHY_UNPLUGGED "unplugged"
#define DEVICE_WHY_UNBOUND "driver unbound"
#define DEVICE_WHY_REPLACED "replaced"

/*
 * Reads an attribute ("card") or a statistic ("statistics/good_reads") of sysfs. The text has no newline and is
 * the caller's. -ENOTCONN while unplugged, -EINVAL for any other form of name, -ENOENT for an unknown one, else
 * as read(2).
 */
int device_read_attribute(const struct device *device, const char *name, char **ret_value);

/* The value of TILL_PRINTER_DOTS and its like; NULL where the hwdb says nothing. */
const char *device_get_property(const struct device *device, const char *name);

/* "Epson TM-T88V (1-2)": for a person. */
#define DEVICE_TITLE_MAX 160
const char *device_title(const struct device *device, char text[static DEVICE_TITLE_MAX]);
