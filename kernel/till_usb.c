// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: what the drivers of USB devices share, see till_usb.h
 */

#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/usb.h>

#include "till_usb.h"

/*
 * Errors
 */

/**
 * till_urb_end() - how an URB ended
 * @urb: in its completion
 *
 * Return: what its status says
 */
enum till_urb_end till_urb_end(const struct urb *urb)
{
	switch (urb->status) {
	case 0:
		return TILL_URB_DONE;
	case -ENOENT:		/* killed or poisoned */
	case -ECONNRESET:	/* unlinked */
		return TILL_URB_KILLED;
	case -ENODEV:
	case -ESHUTDOWN:	/* or its controller is gone, or its configuration */
		return TILL_URB_GONE;
	case -EPIPE:
		return TILL_URB_STALLED;
	case -EPROTO:		/* garbled, or no answer: also of one unplugged just now */
	case -EILSEQ:
	case -ETIME:
	case -EOVERFLOW:	/* the device sent more than it was asked for */
	case -ECOMM:		/* the host was too slow */
	case -ENOSR:
	default:
		return TILL_URB_FAILED;
	}
}

/**
 * till_usb_error() - an error of usbcore as a program is told it
 * @error: what a request, a submission or a wake-up returned
 *
 * usbcore has many names for a device that is gone, and more for a transfer that
 * failed, which say nothing to a program. EPIPE stays: of a control request it says
 * that the device does not know it.
 *
 * Return: @error when it is no error, else -ENODEV, -ENOMEM, -EPIPE, -ETIMEDOUT, or
 * -EIO for all others
 */
int till_usb_error(int error)
{
	if (error >= 0)
		return error;

	switch (error) {
	case -ENODEV:
	case -ENOMEM:
	case -EPIPE:
	case -ETIMEDOUT:
		return error;
	case -ENOENT:		/* no such endpoint any more */
	case -ESHUTDOWN:
	case -EHOSTUNREACH:
		return -ENODEV;
	default:
		return -EIO;
	}
}

/**
 * till_usb_submit() - submit an URB
 * @urb: filled; in a completion or under a spinlock
 *
 * Return: 0, -EAGAIN for one that is poisoned, or as till_usb_error()
 */
int till_usb_submit(struct urb *urb)
{
	int ret = usb_submit_urb(urb, GFP_ATOMIC);

	return ret == -EPERM ? -EAGAIN : till_usb_error(ret);
}

/**
 * till_usb_clear_halt() - usb_clear_halt() in a bounded time
 * @udev: device
 * @pipe: bulk or interrupt pipe, with no URB in it
 *
 * That one waits 5 s, and a close or a reset waits for who calls this.
 *
 * Return: 0 or usbcore's error
 */
int till_usb_clear_halt(struct usb_device *udev, unsigned int pipe)
{
	u8 address = usb_pipeendpoint(pipe) | (usb_pipein(pipe) ? USB_DIR_IN : 0);
	int ret;

	ret = usb_control_msg_send(udev, 0, USB_REQ_CLEAR_FEATURE, USB_RECIP_ENDPOINT,
				   USB_ENDPOINT_HALT, address, NULL, 0, TILL_USB_HALT_MS,
				   GFP_NOIO);
	if (!ret)
		usb_reset_endpoint(udev, address);
	return ret;
}

/**
 * till_usb_read_ids() - for TILL_GET_INFO
 * @tdev: node
 * @udev: its device
 */
void till_usb_read_ids(struct till_device *tdev, struct usb_device *udev)
{
	tdev->vendor = le16_to_cpu(udev->descriptor.idVendor);
	tdev->product = le16_to_cpu(udev->descriptor.idProduct);
	tdev->bcd = le16_to_cpu(udev->descriptor.bcdDevice);
}

/*
 * Listener
 */

static void till_listener_later(struct till_listener *listener, unsigned int ms)
{
	queue_delayed_work(system_long_wq, &listener->work, msecs_to_jiffies(ms));
}

static void till_listener_retry(struct till_listener *listener)
{
	till_count(listener->till, TILL_COMMUNICATION_ERROR);
	listener->backoff_ms = till_backoff(listener->backoff_ms, TILL_BACKOFF_MIN_MS);
	till_listener_later(listener, listener->backoff_ms);
}

static void till_listener_submit(struct till_listener *listener, gfp_t gfp)
{
	int ret;

	/* Started by an open and by the end of a reset at once. */
	if (test_and_set_bit(0, &listener->submitted))
		return;

	ret = usb_submit_urb(listener->urb, gfp);
	if (!ret)
		return;

	clear_bit(0, &listener->submitted);
	/* Poisoned or gone, and that is for good, or ends by a start. */
	if (ret != -EPERM && ret != -ENODEV)
		till_listener_retry(listener);
}

static void till_listener_work(struct work_struct *work)
{
	struct till_listener *listener = container_of(work, struct till_listener, work.work);
	struct urb *urb = listener->urb;

	if (listener->halted && !till_usb_clear_halt(urb->dev, urb->pipe))
		listener->halted = false;

	/* A reset waits for this work. */
	till_listener_submit(listener, GFP_NOIO);
}

/* Bounds what a device that never stops can cost; it is told of once. */
static bool till_listener_floods(struct till_listener *listener)
{
	const struct till_listener_info *info = listener->info;

	if (time_after(jiffies, listener->since + HZ)) {
		listener->flooding &= listener->count > info->burst;
		listener->since = jiffies;
		listener->count = 0;
	}
	if (++listener->count <= info->burst)
		return false;

	if (!listener->flooding) {
		till_count(listener->till, TILL_COMMUNICATION_ERROR);
		dev_warn_ratelimited(listener->till->dev.parent,
				     "%s without end, now heard slowly; %s\n",
				     info->what, info->advice);
	}
	listener->flooding = true;
	return true;
}

/**
 * till_listener_heard() - begin a listener's completion
 * @listener: its URB has ended
 *
 * After a failure the URB is submitted again by itself.
 *
 * Return: whether there is something to hear, after which the caller goes on by
 * till_listener_go_on()
 */
bool till_listener_heard(struct till_listener *listener)
{
	enum till_urb_end end = till_urb_end(listener->urb);

	if (end == TILL_URB_DONE) {
		listener->backoff_ms = 0;
		return true;
	}

	if (end == TILL_URB_KILLED || end == TILL_URB_GONE) {
		clear_bit_unlock(0, &listener->submitted);
		return false;
	}

	listener->halted |= end == TILL_URB_STALLED;
	/* The first of several. */
	if (!listener->backoff_ms)
		dev_warn_ratelimited(listener->till->dev.parent,
				     "%s failed (%d), tried again; check the cable\n",
				     listener->info->what, listener->urb->status);
	clear_bit_unlock(0, &listener->submitted);
	till_listener_retry(listener);
	return false;
}

/**
 * till_listener_go_on() - end a listener's completion
 * @listener: what its URB brought has been taken
 */
void till_listener_go_on(struct till_listener *listener)
{
	/* Some answer with nothing, at once and for ever. */
	bool slowly = till_listener_floods(listener) || !listener->urb->actual_length;

	/* From here on a start may submit it. */
	clear_bit_unlock(0, &listener->submitted);
	if (slowly)
		till_listener_later(listener, listener->info->slow_ms);
	else
		till_listener_submit(listener, GFP_ATOMIC);
}

/**
 * till_listener_start() - undo one till_listener_stop()
 * @listener: it listens when there was no other stop
 */
void till_listener_start(struct till_listener *listener)
{
	if (!listener->urb)
		return;

	usb_unpoison_urb(listener->urb);
	till_listener_later(listener, 0);
}

/**
 * till_listener_stop() - have a listener rest
 * @listener: it
 *
 * Stops count: as many starts follow. Afterwards neither completion nor work runs.
 */
void till_listener_stop(struct till_listener *listener)
{
	if (!listener->urb)
		return;

	usb_poison_urb(listener->urb);
	cancel_delayed_work_sync(&listener->work);
	listener->backoff_ms = 0;
}

/**
 * till_listener_init() - make a zeroed listener one that has nothing to listen to
 * @listener: its URB is set later, filled and poisoned
 * @till: its node
 * @info: how it is to be treated
 */
void till_listener_init(struct till_listener *listener, struct till_device *till,
			const struct till_listener_info *info)
{
	listener->till = till;
	listener->info = info;
	listener->since = jiffies;
	INIT_DELAYED_WORK(&listener->work, till_listener_work);
}
