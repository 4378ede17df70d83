/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is found of a USB device, and what is to be said of it. */

#include "helpers/till-recover/recover.h"

/* More than any reader or printer has; what is beyond is not looked at. */
#define PROBE_INTERFACES 16
#define PROBE_STRING_MAX 400

struct probe_interface {
        char name[USB_NAME_MAX];
        const struct target *target; /* whose it is, or would be; NULL: nobody's of ours */
        char driver[64];             /* "" for none; of a HID interface that of the HID device */
        bool refused;                /* our driver has given it back since it was plugged in */
        bool keyboard;               /* HID, and a keyboard by its protocol or report descriptor */
};

struct probe_facts {
        uint16_t vendor, product;
        bool tagged;                   /* udev knows it as the terminal's */
        bool marked_keyboard;          /* the hwdb says that this id is a reader's in keyboard mode */
        bool authorized;               /* by the administrator, as it is usual */
        bool module;                   /* till.ko is loaded */
        bool silent;                   /* it has not answered in time */
        unsigned configuration;        /* the active one, 0: none */
        bool elsewhere;                /* a configuration that is not active has an interface of ours */
        unsigned needs_ma, gives_ma;   /* the least of its configurations; its port */
        const struct target *likeness; /* of what is not tagged: what it looks like */
        struct probe_interface interfaces[PROBE_INTERFACES];
        size_t n_interfaces;
};

enum probe_reason {
        PROBE_OK,
        PROBE_KEYBOARD_MODE,
        PROBE_NOT_AUTHORIZED,
        PROBE_NO_POWER,
        PROBE_NOT_CONFIGURED,
        PROBE_WRONG_CONFIGURATION,
        PROBE_UNKNOWN_ID,
        PROBE_MODULE_MISSING,
        PROBE_CLAIMED_BY_DRIVER,
        PROBE_CLAIMED_BY_PROGRAM,
        PROBE_REFUSED,
        PROBE_SILENT,
        PROBE_OTHER,
        _PROBE_REASON_MAX,
};

/* Why it is of no use, or PROBE_OK; *ret_interface is the one in question, NULL for the device as a whole. */
enum probe_reason probe_judge(const struct probe_facts *facts, const struct probe_interface **ret_interface);
const char *probe_reason_to_string(enum probe_reason reason);
/* Sentences in English, translated by tillctl. */
const char *probe_reason_says(enum probe_reason reason);
const char *probe_reason_next(enum probe_reason reason);
/* For hwdb(7), of one that is unknown. */
#define PROBE_LINES_MAX 160
void probe_lines(const struct probe_facts *facts, char lines[static PROBE_LINES_MAX]);

/* ---- What a device says is never trusted ---- */

/* A string descriptor as UTF-8, without controls. -EBADMSG for what is none. */
int probe_read_string(const uint8_t *descriptor, size_t size, char text[static PROBE_STRING_MAX]);
/* A text that somebody else has made of one: the same. */
void probe_clean(const char *from, char text[static PROBE_STRING_MAX]);
/* What a HID report descriptor is of: the usage page of magstripe readers, else a keyboard among other things. */
enum probe_usage { PROBE_USAGE_OTHER, PROBE_USAGE_STRIPE, PROBE_USAGE_KEYBOARD };
enum probe_usage probe_read_usage(const uint8_t *descriptor, size_t size);
