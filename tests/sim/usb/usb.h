/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A USB device in user space, at the level of URBs: the host's side is the kernel's vhci_hcd, or
 * a test, and speaks the USB/IP protocol over a stream socket (Linux Documentation/usb/usbip_protocol.rst).
 *
 * The engine answers the standard requests of USB 2.0 chapter 9 from the descriptors, keeps the
 * URBs that a device has not answered yet (a NAK on a real bus), and lets the host unlink them.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

enum usb_speed { /* values of enum usb_device_speed, as the attach file wants them */
                 USB_SPEED_LOW = 1,
                 USB_SPEED_FULL = 2,
                 USB_SPEED_HIGH = 3,
};

#define USB_DIR_IN 0x80
#define USB_TRANSFER_MAX (1024 * 1024) /* the longest URB taken, bytes; a longer one ends the connection */

/* The eight bytes of a control transfer (USB 2.0, 9.3), values in the machine's order. */
struct usb_setup {
        uint8_t request_type;
        uint8_t request;
        uint16_t value;
        uint16_t index;
        uint16_t length;
};

/* What a device is made of; constant. Strings are ASCII, index 1 is the first. */
struct usb_model {
        const uint8_t *device_descriptor; /* 18 bytes */
        const uint8_t *configuration;     /* with interfaces, class descriptors, endpoints; wTotalLength is right */
        const char *const *strings;       /* NULL-terminated */
        enum usb_speed speed;
};

struct usb_device;

struct usb_class {
        /*
         * A request that the engine does not know, or a class or vendor one. For IN, fills data (length
         * bytes) and returns how many are meant; for OUT, data holds what came. -EPIPE stalls; -EAGAIN never
         * answers.
         */
        int (*control)(void *userdata, const struct usb_setup *setup, uint8_t *data, size_t length);
        /*
         * Bytes came on an OUT endpoint. Returns how many are taken: fewer than size leave the URB pending
         * until usb_device_resume(). -EPIPE halts the endpoint. NULL takes nothing.
         */
        ssize_t (*out)(void *userdata, uint8_t endpoint, const uint8_t *data, size_t size);
        /* The host waits for a transfer on an IN endpoint, and none is queued. May be NULL. */
        void (*listened)(void *userdata, uint8_t endpoint);
        /* The host set a configuration (or reset the device and set it again): start anew. May be NULL. */
        void (*configured)(void *userdata);
        /* The host's side is gone. The device may be freed from here by deferring only. May be NULL. */
        void (*gone)(void *userdata);
        /* A line for the traffic log. May be NULL. */
        void (*trace)(void *userdata, const char *what, const uint8_t *data, size_t size);
};

/*
 * Takes the socket fd (owned from here on, even on error) and serves it on the event loop. The
 * model, class and userdata must outlive the device. -ENOMEM or an sd-event error.
 */
int usb_device_new(sd_event *event, int fd, const struct usb_model *model, const struct usb_class *class,
                   void *userdata, struct usb_device **ret);
/*
 * Ends all pending URBs and closes the socket, which the host sees as an unplug: control requests are
 * answered first, or the kernel would wait five seconds for them. Takes NULL; returns NULL.
 */
struct usb_device *usb_device_free(struct usb_device *device);
DEFINE_CLEANUP(struct usb_device *, usb_device_free);

bool usb_device_is_configured(const struct usb_device *device);
/* The host closed its side: nothing but usb_device_free() is left to do. */
bool usb_device_is_gone(const struct usb_device *device);

/*
 * Queues one transfer on an IN endpoint: it completes the oldest pending URB, or waits for one. A
 * transfer longer than the URB goes on in the next. -ENOMEM; -ENOBUFS beyond 1 MiB waiting.
 */
int usb_device_send(struct usb_device *device, uint8_t endpoint, const void *data, size_t size);
/* In place of a transfer, an error of the bus: status is what Linux calls it (usb/error-codes.rst), -EPROTO say. */
int usb_device_send_error(struct usb_device *device, uint8_t endpoint, int status);
/* Forgets the transfers that wait on an IN endpoint. */
void usb_device_flush(struct usb_device *device, uint8_t endpoint);
/* The host waits for a transfer on an IN endpoint. */
bool usb_device_listens(const struct usb_device *device, uint8_t endpoint);
/* Bytes queued on an IN endpoint that the host has not taken. */
size_t usb_device_queued(const struct usb_device *device, uint8_t endpoint);
/* Offers the pending URBs of an OUT endpoint to the device again. */
void usb_device_resume(struct usb_device *device, uint8_t endpoint);
/*
 * The next URB of an endpoint ends with this status, a negative errno as a host's controller or usbcore has it,
 * and nothing is transferred; one that is pending does so at once. Endpoint 0: the next class or vendor request.
 * Zero takes it back.
 */
void usb_device_fail(struct usb_device *device, uint8_t endpoint, int status);
/* Halts an endpoint: its URBs end with -EPIPE until the host clears the halt. */
void usb_device_halt(struct usb_device *device, uint8_t endpoint);
