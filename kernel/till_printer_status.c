// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: what a receipt printer says
 *
 * The status has two sources. The port status is one byte, asked for by a request
 * of the printer class; automatic status comes by itself on bulk IN once userspace
 * has turned it on, and is better: from then on the port status says nothing more,
 * until the printer has forgotten it. Each change has a number, wakes pollers and
 * is a uevent, by till_device_changed().
 *
 * While the node is open, bulk IN is listened to all the time. Automatic status is
 * taken out of it; the rest is for read().
 */

#include <linux/kfifo.h>
#include <linux/math.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/usb.h>

#include "till_printer.h"
#include "till_trace.h"

#define TILL_PRINTER_IN_SIZE	512

#define USBPRN_PORT_NOT_ERROR	0x08
#define USBPRN_PORT_SELECTED	0x10
#define USBPRN_PORT_PAPER_EMPTY	0x20

/*
 * Status
 */

static void till_printer_set_status(struct till_printer *printer,
				    const struct till_printer_status *status)
{
	struct till_printer_status *old = &printer->status;
	u32 flags = status->flags & ~old->flags;
	u32 errors = status->errors & ~old->errors;

	lockdep_assert_held(&printer->till.lock);

	if (!memcmp(old, status, sizeof(*old)))
		return;

	if (flags & TILL_PRINTER_COVER_OPEN)
		till_count(&printer->till, TILL_PRINTER_COVER);
	if (errors & TILL_PRINTER_ERROR_CUTTER)
		till_count(&printer->till, TILL_PRINTER_FAILED_CUT);
	if (errors)
		till_count(&printer->till, TILL_PRINTER_FAULT);
	if (status->paper == TILL_PAPER_END && old->paper != TILL_PAPER_END)
		till_count(&printer->till, TILL_PRINTER_PAPER_END);

	*old = *status;
	trace_till_printer_status(&printer->till, status->online, status->paper, status->flags,
				  status->errors);
	till_device_changed(&printer->till);
}

static bool till_printer_is_automatic(struct till_printer *printer)
{
	return printer->status.online_source == TILL_PRINTER_SOURCE_AUTOMATIC;
}

static void till_printer_set_automatic_status(struct till_printer *printer, const u8 *asb)
{
	struct till_printer_status status = {};

	till_escpos_status(asb, &status);
	till_printer_set_status(printer, &status);
}

/* Of what it does not tell nothing is known; automatic status is forgotten. */
static void till_printer_set_port_status(struct till_printer *printer, u8 port)
{
	struct till_printer_status status = {
		.online = TILL_PRINTER_OFFLINE,
		.paper = TILL_PAPER_OK,
		.online_source = TILL_PRINTER_SOURCE_PORT,
		.paper_source = TILL_PRINTER_SOURCE_PORT,
		.error_source = TILL_PRINTER_SOURCE_PORT,
	};

	if (port & USBPRN_PORT_PAPER_EMPTY)
		status.paper = TILL_PAPER_END;
	if (!(port & USBPRN_PORT_NOT_ERROR))
		status.errors = TILL_PRINTER_ERROR_OTHER;
	if ((port & USBPRN_PORT_SELECTED) && !status.errors && status.paper == TILL_PAPER_OK)
		status.online = TILL_PRINTER_ONLINE;

	till_printer_set_status(printer, &status);
}

/* Returns the byte or a negative errno. */
static int till_printer_request_port_status(struct till_printer *printer)
{
	u8 port;
	int ret;

	/* Also asked from within a reset or a resume. */
	ret = usb_control_msg_recv(printer->udev, 0, USBPRN_GET_PORT_STATUS,
				   USB_DIR_IN | USB_TYPE_CLASS | USB_RECIP_INTERFACE, 0,
				   till_printer_ifnum(printer), &port, sizeof(port),
				   TILL_PRINTER_CONTROL_MS, GFP_NOIO);
	return ret ?: port;
}

/**
 * till_printer_ask_port_status() - ask for the port status
 * @printer: connected
 *
 * What automatic status says is better and stays.
 *
 * Return: the byte, or usbcore's error
 */
int till_printer_ask_port_status(struct till_printer *printer)
{
	int port = till_printer_request_port_status(printer);

	if (port < 0)
		return port;

	spin_lock_irq(&printer->till.lock);
	if (!till_printer_is_automatic(printer))
		till_printer_set_port_status(printer, port);
	spin_unlock_irq(&printer->till.lock);
	return port;
}

/**
 * till_printer_forget_status() - begin anew
 * @printer: connected
 *
 * The printer has forgotten that it is to send automatic status, and what it said
 * may not be so any more: what the port status tells is all that is known. One
 * that does not tell it is a printer whose state is not known. Automatic status
 * that comes from now on counts.
 */
void till_printer_forget_status(struct till_printer *printer)
{
	static const struct till_printer_status unknown;

	spin_lock_irq(&printer->till.lock);
	memset(&printer->escpos, 0, sizeof(printer->escpos));
	if (till_printer_is_automatic(printer))
		printer->status.online_source = TILL_PRINTER_SOURCE_NONE;
	spin_unlock_irq(&printer->till.lock);

	if (till_printer_ask_port_status(printer) >= 0)
		return;

	spin_lock_irq(&printer->till.lock);
	if (!till_printer_is_automatic(printer))
		till_printer_set_status(printer, &unknown);
	spin_unlock_irq(&printer->till.lock);
}

/* As the ioctl. */
long till_printer_get_status(struct till_printer *printer, void __user *arg)
{
	struct till_printer_status status;
	u32 size;
	int ret;

	ret = till_copy_in(&status, sizeof(status), arg);
	if (ret)
		return ret;
	size = status.size;

	spin_lock_irq(&printer->till.lock);
	status = printer->status;
	status.event = printer->till.event;
	spin_unlock_irq(&printer->till.lock);

	status.size = size;
	ret = till_copy_out(arg, &status, sizeof(status));
	if (ret)
		return ret;

	till_device_seen(&printer->till, status.event);
	return 0;
}

/*
 * Back channel
 */

/* When nobody reads, the newest replies are the ones that matter. */
static void till_printer_reply(struct till_printer *printer, u8 byte)
{
	if (kfifo_is_full(&printer->replies)) {
		kfifo_skip(&printer->replies);
		printer->replies_gone++;
		till_count(&printer->till, TILL_COMMUNICATION_ERROR);
	}
	kfifo_put(&printer->replies, byte);
}

static void till_printer_take(struct till_printer *printer, u8 byte)
{
	struct till_escpos_result result;
	unsigned int i;

	till_escpos_feed(&printer->escpos, byte, &result);
	for (i = 0; i < result.reply_length; i++)
		till_printer_reply(printer, result.reply[i]);
	if (result.status)
		till_printer_set_automatic_status(printer, printer->escpos.asb);
}

static void till_printer_in_done(struct urb *urb)
{
	struct till_printer *printer = urb->context;
	const u8 *data = urb->transfer_buffer;
	unsigned long flags;
	unsigned int i;

	if (!till_listener_heard(&printer->in))
		return;

	spin_lock_irqsave(&printer->till.lock, flags);
	for (i = 0; i < urb->actual_length; i++)
		till_printer_take(printer, data[i]);
	if (urb->actual_length)
		wake_up_all(&printer->till.wait);
	spin_unlock_irqrestore(&printer->till.lock, flags);

	till_listener_go_on(&printer->in);
}

/* What came for the opener before, or before a reset, is nobody's. */
void till_printer_drop_replies(struct till_printer *printer)
{
	spin_lock_irq(&printer->till.lock);
	printer->replies_gone += kfifo_len(&printer->replies);
	kfifo_reset(&printer->replies);
	spin_unlock_irq(&printer->till.lock);
}

static bool till_printer_readable(struct till_printer *printer)
{
	bool readable;

	spin_lock_irq(&printer->till.lock);
	readable = !kfifo_is_empty(&printer->replies) || !printer->till.connected;
	spin_unlock_irq(&printer->till.lock);
	return readable;
}

/* Takes what read() has told, as far as it has not gone otherwise meanwhile. */
static void till_printer_take_told(struct till_printer *printer, u8 *told, unsigned int length,
				   u32 gone)
{
	spin_lock_irq(&printer->till.lock);
	gone = printer->replies_gone - gone;
	if (gone < length)
		length = kfifo_out(&printer->replies, told, length - gone);
	spin_unlock_irq(&printer->till.lock);
}

static ssize_t till_printer_read_locked(struct till_printer *printer, char __user *buf,
					size_t count, bool nonblock)
{
	u8 part[64];
	unsigned int length;
	bool connected;
	u32 gone;
	int ret;

	do {
		spin_lock_irq(&printer->till.lock);
		connected = printer->till.connected;
		gone = printer->replies_gone;
		length = kfifo_out_peek(&printer->replies, part, min(count, sizeof(part)));
		spin_unlock_irq(&printer->till.lock);

		if (!connected)
			return -ENODEV;
		if (length) {
			if (copy_to_user(buf, part, length))
				return -EFAULT;
			till_printer_take_told(printer, part, length, gone);
			return length;
		}
		if (nonblock)
			return -EAGAIN;

		ret = wait_event_interruptible(printer->till.wait, till_printer_readable(printer));
	} while (!ret);

	return ret;
}

ssize_t till_printer_read(struct till_device *tdev, char __user *buf, size_t count,
			  bool nonblock)
{
	struct till_printer *printer = to_till_printer(tdev);
	ssize_t ret;

	if (!printer->in.urb)
		return -EOPNOTSUPP;
	if (!count)
		return 0;

	ret = till_lock(&printer->read_mutex, nonblock);
	if (ret)
		return ret;

	ret = till_printer_read_locked(printer, buf, count, nonblock);
	mutex_unlock(&printer->read_mutex);
	return ret;
}

/*
 * Attributes
 */

static ssize_t online_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[TILL_PRINTER_UNKNOWN] = "unknown",
		[TILL_PRINTER_ONLINE] = "online",
		[TILL_PRINTER_OFFLINE] = "offline",
	};
	struct till_printer *printer = to_till_printer(to_till_device(dev));

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(printer->status.online)]);
}
static DEVICE_ATTR_RO(online);

static ssize_t paper_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[TILL_PAPER_UNKNOWN] = "unknown",
		[TILL_PAPER_OK] = "ok",
		[TILL_PAPER_NEAR_END] = "near-end",
		[TILL_PAPER_END] = "end",
	};
	struct till_printer *printer = to_till_printer(to_till_device(dev));

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(printer->status.paper)]);
}
static DEVICE_ATTR_RO(paper);

static struct till_printer_status till_printer_get(struct till_printer *printer)
{
	struct till_printer_status status;

	spin_lock_irq(&printer->till.lock);
	status = printer->status;
	spin_unlock_irq(&printer->till.lock);
	return status;
}

static ssize_t cover_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct till_printer_status status = till_printer_get(to_till_printer(to_till_device(dev)));
	const char *name = status.flags & TILL_PRINTER_COVER_OPEN ? "open" : "closed";

	return sysfs_emit(buf, "%s\n", status.cover_source ? name : "unknown");
}
static DEVICE_ATTR_RO(cover);

static ssize_t drawer_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct till_printer_status status = till_printer_get(to_till_printer(to_till_device(dev)));
	const char *name = status.flags & TILL_PRINTER_DRAWER_HIGH ? "high" : "low";

	return sysfs_emit(buf, "%s\n", status.drawer_source ? name : "unknown");
}
static DEVICE_ATTR_RO(drawer);

static ssize_t error_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		"mechanical", "cutter", "fatal", "recoverable", "other",
	};
	struct till_printer_status status = till_printer_get(to_till_printer(to_till_device(dev)));
	unsigned int i;
	int n = 0;

	if (!status.error_source)
		return sysfs_emit(buf, "unknown\n");
	if (!status.errors)
		return sysfs_emit(buf, "none\n");

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (status.errors & BIT(i))
			n += sysfs_emit_at(buf, n, "%s%s", n ? " " : "", names[i]);
	return n + sysfs_emit_at(buf, n, "\n");
}
static DEVICE_ATTR_RO(error);

static ssize_t source_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[TILL_PRINTER_SOURCE_NONE] = "none",
		[TILL_PRINTER_SOURCE_PORT] = "port",
		[TILL_PRINTER_SOURCE_AUTOMATIC] = "automatic",
	};
	struct till_printer_status status = till_printer_get(to_till_printer(to_till_device(dev)));

	return sysfs_emit(buf, "%s\n", names[status.online_source]);
}
static DEVICE_ATTR_RO(source);

/* A line of text, whatever the printer says. */
static ssize_t ieee1284_id_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct till_printer *printer = to_till_printer(to_till_device(dev));
	size_t i;
	int n = 0;

	for (i = 0; i < printer->device_id_length; i++) {
		u8 c = printer->device_id[i];

		n += sysfs_emit_at(buf, n, "%c", c >= ' ' && c <= '~' ? c : '?');
	}
	return n + sysfs_emit_at(buf, n, "\n");
}
static DEVICE_ATTR_RO(ieee1284_id);

static struct attribute *till_printer_attrs[] = {
	&dev_attr_online.attr,
	&dev_attr_paper.attr,
	&dev_attr_cover.attr,
	&dev_attr_drawer.attr,
	&dev_attr_error.attr,
	&dev_attr_source.attr,
	&dev_attr_ieee1284_id.attr,
	NULL
};

const struct attribute_group till_printer_status_group = {
	.attrs = till_printer_attrs,
};

/*
 * Setup
 */

static const struct till_listener_info till_printer_in_info = {
	.what		= "printer's back channel",
	.advice		= "if it does not print, switch it off and on",
	.burst		= 50,
	.slow_ms	= 20,
};

/* Of a printer of which nothing is known yet. */
void till_printer_status_init(struct till_printer *printer)
{
	mutex_init(&printer->read_mutex);
	INIT_KFIFO(printer->replies);
	till_listener_init(&printer->in, &printer->till, &till_printer_in_info);
}

/**
 * till_printer_status_alloc() - the back channel of a bidirectional printer
 * @printer: its alternate setting is chosen
 *
 * Return: 0 or a negative errno
 */
int till_printer_status_alloc(struct till_printer *printer)
{
	struct usb_endpoint_descriptor *in;
	unsigned int size;
	int ret;

	ret = usb_find_bulk_in_endpoint(printer->intf->cur_altsetting, &in);
	if (ret)
		return ret;

	/* Whole packets, or the last one would not fit. */
	size = roundup(TILL_PRINTER_IN_SIZE, usb_endpoint_maxp(in));
	printer->in_buf = kzalloc(size, GFP_KERNEL);
	printer->in.urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!printer->in_buf || !printer->in.urb)
		return -ENOMEM;

	usb_fill_bulk_urb(printer->in.urb, printer->udev,
			  usb_rcvbulkpipe(printer->udev, in->bEndpointAddress),
			  printer->in_buf, size, till_printer_in_done, printer);
	usb_poison_urb(printer->in.urb);
	printer->till.features |= TILL_PRINTER_FEATURE_BACKCHANNEL;
	return 0;
}

/* Undoes both. */
void till_printer_status_free(struct till_printer *printer)
{
	usb_free_urb(printer->in.urb);
	kfree(printer->in_buf);
}
