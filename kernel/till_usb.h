/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: what the drivers of USB devices share
 *
 * How an URB ended and what of usbcore's errors a program is told, and the
 * listener: an IN URB that is kept in flight. A listener resubmits itself from its
 * completion; after a failure, when the device has nothing to say, or says too
 * much, its work does it after a while. The URB is with one of the two at any
 * time, and so are the members that both use.
 */
#ifndef _TILL_USB_H
#define _TILL_USB_H

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "till.h"

struct urb;
struct usb_device;

/* A request without data has 50 ms, USB 2.0, 9.2.6.4. */
#define TILL_USB_HALT_MS	500

#define TILL_BACKOFF_MIN_MS	100U
#define TILL_BACKOFF_MAX_MS	10000U

/**
 * enum till_urb_end - how an URB ended
 * @TILL_URB_DONE: transferred, as much as urb->actual_length says
 * @TILL_URB_KILLED: taken back by this driver: whoever did it knows
 * @TILL_URB_GONE: the device is unplugged; disconnect follows
 * @TILL_URB_STALLED: the endpoint is halted until it is cleared
 * @TILL_URB_FAILED: the transfer failed; the next one may not
 */
enum till_urb_end {
	TILL_URB_DONE,
	TILL_URB_KILLED,
	TILL_URB_GONE,
	TILL_URB_STALLED,
	TILL_URB_FAILED,
};

/**
 * struct till_listener_info - how a listener is to be treated
 * @what: what it hears, for messages
 * @advice: for a person, when it hears without end
 * @burst: transfers in a second that are heard at once
 * @slow_ms: delay of those beyond, and after an empty one
 */
struct till_listener_info {
	const char *what;
	const char *advice;
	unsigned int burst;
	unsigned int slow_ms;
};

/**
 * struct till_listener - an IN URB that is kept in flight
 * @till: node, for its statistics and for messages
 * @info: how it is to be treated
 * @urb: it, poisoned while it is to rest; NULL where the device has no such endpoint
 * @work: submits @urb, later
 * @submitted: bit 0: @urb is usbcore's or in its completion
 * @backoff_ms: delay of @work after the last failure; zero after a success
 * @halted: @urb stalled
 * @flooding: there were too many transfers in the last second, and it was said
 * @count: transfers since @since
 * @since: jiffies, a second back at most
 */
struct till_listener {
	struct till_device *till;
	const struct till_listener_info *info;
	struct urb *urb;
	struct delayed_work work;
	unsigned long submitted;
	unsigned int backoff_ms;
	bool halted;
	bool flooding;
	unsigned int count;
	unsigned long since;
};

/* The next delay after a failure. */
static inline unsigned int till_backoff(unsigned int ms, unsigned int min_ms)
{
	return clamp(2 * ms, min_ms, TILL_BACKOFF_MAX_MS);
}

enum till_urb_end till_urb_end(const struct urb *urb);
int till_usb_error(int error);
int till_usb_submit(struct urb *urb);
int till_usb_clear_halt(struct usb_device *udev, unsigned int pipe);
void till_usb_read_ids(struct till_device *tdev, struct usb_device *udev);

void till_listener_init(struct till_listener *listener, struct till_device *till,
			const struct till_listener_info *info);
void till_listener_start(struct till_listener *listener);
void till_listener_stop(struct till_listener *listener);
bool till_listener_heard(struct till_listener *listener);
void till_listener_go_on(struct till_listener *listener);

#endif /* _TILL_USB_H */
