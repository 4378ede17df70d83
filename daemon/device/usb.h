/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is plugged in on USB, and who drives it: also what is no device of the terminal, as it may be one that cannot
 * be used. It is looked at when udev has told of something and the bus has come to rest since, so that what is only
 * on its way is never seen.
 */

#include <systemd/sd-event.h>

#include "device/device.h"

#define USB_INTERFACES_MAX 16
#define USB_CLASS_HID 0x03
#define USB_CLASS_PRINTER 0x07
#define USB_CLASS_CCID 0x0b

struct usb_interface {
        char name[40];         /* "1-2:1.0" */
        char driver[32];       /* who has it; of a HID device its own driver, not the transport's. "" for nobody */
        enum device_kind kind; /* what the hwdb takes it for, negative for nothing */
        uint8_t class;
        bool taking;         /* till-recover was asked to take it over, which takes its time */
        uint64_t since_usec; /* its driver is that one; CLOCK_BOOTTIME */
};

struct usb_device {
        char port[32]; /* "1-2" */
        uint16_t vendor_id;
        uint16_t product_id;
        unsigned number; /* of this plugging in */
        bool listed;     /* the hwdb has its id as one of the terminal's */
        char fault[24];  /* "keyboard-mode": why the hwdb says that it is of no use as it is. "" for nothing */
        bool configured;
        bool is_new;    /* seen by udev in this moment: its interfaces may be still to come */
        unsigned power; /* milliamperes that its first configuration asks for */
        struct usb_interface interfaces[USB_INTERFACES_MAX];
        size_t n_interfaces;
};

struct usb;

/* changed() is called from the event loop after each look. */
int usb_new(sd_event *event, void (*changed)(void *userdata), void *userdata, struct usb **ret);
/* Begins to listen; the first look comes by itself. A negative errno of libudev or sd-event. */
int usb_start(struct usb *u);
struct usb *usb_free(struct usb *u);
DEFINE_CLEANUP(struct usb *, usb_free);

/* Somebody else has seen a device come or go, perhaps earlier than udev has told of it here. */
void usb_unsettle(struct usb *u);

/* False before the first look: nothing is known then. */
bool usb_is_known(const struct usb *u);
/* Nothing has changed since the last look. */
bool usb_is_settled(const struct usb *u);

/* All but hubs; NULL beyond the last. Valid until the next look. */
const struct usb_device *usb_get(const struct usb *u, size_t i);
/* Of the kernel module till: NULL while it is not loaded, "" where it does not say. */
const char *usb_module_version(const struct usb *u);
