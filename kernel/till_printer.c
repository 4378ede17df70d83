// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: receipt printers, USB printer class 1.1: the node, and what is sent
 *
 * What userspace writes goes to the bulk OUT pipe as it is, in several URBs; the
 * driver adds nothing. A printer without paper refuses data for as long as it
 * likes: then URBs stay in flight, poll() stops saying EPOLLOUT, and a signal,
 * close() or unplugging ends every wait.
 *
 * till_printer_stop() and till_printer_start() are common to disconnect,
 * suspend and reset. What they take back from the printer is lost, and told by
 * EIO of the next write() or fsync(); the progress counts stay true. After a reset
 * the printer may itself have lost what it had taken, which is told in the same way.
 *
 * Whatever loses data, an URB that fails, a reset of either kind, a suspend, is a
 * break: write() calls that are under way then end, so that nothing is printed from
 * the middle of a job, and the error is told once, to one of them or to the next
 * call.
 *
 * After a failed URB no other is taken until error_work has taken back those
 * behind it and cleared the pipe; only then is the error told. A soft reset holds
 * writers off in the same way, and ends those that are in the middle of a job.
 */

#include <linux/kfifo.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/usb.h>

#include "till_ieee1284.h"
#include "till_printer.h"
#include "till_trace.h"

#define TILL_PRINTER_FSYNC_MS	30000
#define TILL_PRINTER_DRAIN_MS	5000

/* driver_info: the id is a bridge chip's, of which many things are made. */
#define TILL_PRINTER_BRIDGE	BIT(0)

#define USBPRN_PROTOCOL_UNI	1
#define USBPRN_PROTOCOL_BI	2

#define TILL_PRINTER_OUT_ALL	GENMASK(TILL_PRINTER_OUT_URBS - 1, 0)

/*
 * Data
 */

static unsigned int till_printer_urb_index(struct till_printer *printer, const struct urb *urb)
{
	unsigned int i;

	for (i = 0; i < TILL_PRINTER_OUT_URBS - 1; i++)
		if (printer->out_urb[i] == urb)
			break;
	return i;
}

/* Asks for the return of all URBs, the newest first, so that none moves up meanwhile. */
static void till_printer_unlink_out(struct till_printer *printer)
{
	unsigned int next = READ_ONCE(printer->out_next);
	unsigned int i;

	for (i = 1; i <= TILL_PRINTER_OUT_URBS; i++)
		usb_unlink_urb(printer->out_urb[(next + TILL_PRINTER_OUT_URBS - i) %
						TILL_PRINTER_OUT_URBS]);
}

/* Takes back what the printer has not taken; sleeps. */
static void till_printer_kill_out(struct till_printer *printer)
{
	unsigned int i;

	till_printer_unlink_out(printer);
	for (i = 0; i < TILL_PRINTER_OUT_URBS; i++)
		usb_kill_urb(printer->out_urb[i]);
}

/* Data is lost: nothing of what is being written may follow it. */
static void till_printer_break(struct till_printer *printer, int error)
{
	lockdep_assert_held(&printer->till.lock);

	printer->breaks++;
	printer->out_error = error;
}

/* Data was not taken; returns whether what is behind it has to be taken back. */
static bool till_printer_out_ended(struct till_printer *printer, const struct urb *urb)
{
	lockdep_assert_held(&printer->till.lock);

	switch (till_urb_end(urb)) {
	case TILL_URB_KILLED:
		return false;
	case TILL_URB_GONE:
		till_printer_break(printer, -ENODEV);
		return false;
	case TILL_URB_STALLED:
		printer->out_halted = true;
		break;
	/* A part of it is no success. */
	case TILL_URB_DONE:
	case TILL_URB_FAILED:
		break;
	}

	till_count(&printer->till, TILL_COMMUNICATION_ERROR);
	dev_warn_ratelimited(&printer->intf->dev,
			     "printer failed to take data (%d); check the cable and print again\n",
			     urb->status);
	till_printer_break(printer, -EIO);
	if (!printer->stopped && !printer->recovering) {
		printer->recovering = true;
		schedule_work(&printer->error_work);
	}
	return true;
}

static void till_printer_out_done(struct urb *urb)
{
	struct till_printer *printer = urb->context;
	unsigned long flags;
	unsigned int sent;
	bool gap = false;

	spin_lock_irqsave(&printer->till.lock, flags);
	sent = min(urb->actual_length, urb->transfer_buffer_length);
	printer->completed += sent;
	trace_till_printer_done(&printer->till, sent, urb->status);
	atomic_long_add(sent, &printer->till.statistics[TILL_PRINTER_WRITTEN]);

	if (sent < urb->transfer_buffer_length)
		gap = till_printer_out_ended(printer, urb);

	/* What is on a receipt is nobody's business afterwards. */
	memzero_explicit(urb->transfer_buffer, urb->transfer_buffer_length);
	__set_bit(till_printer_urb_index(printer, urb), &printer->out_free);
	wake_up_all(&printer->till.wait);
	spin_unlock_irqrestore(&printer->till.lock, flags);

	/* Nothing behind the gap may be printed; the pipe rests until this returns. */
	if (gap)
		till_printer_unlink_out(printer);
}

/* Nothing is in flight, and nothing that went wrong is still being put right. */
static bool till_printer_settled(struct till_printer *printer)
{
	lockdep_assert_held(&printer->till.lock);

	return printer->out_free == TILL_PRINTER_OUT_ALL && !printer->recovering &&
	       !printer->resetting;
}

static void till_printer_error_work(struct work_struct *work)
{
	struct till_printer *printer = container_of(work, struct till_printer, error_work);
	bool halted;
	int ret = 0;

	trace_till_recover_begin(&printer->till, -EIO);
	till_printer_kill_out(printer);

	spin_lock_irq(&printer->till.lock);
	halted = printer->out_halted;
	printer->out_halted = false;
	spin_unlock_irq(&printer->till.lock);

	if (halted)
		ret = till_usb_clear_halt(printer->udev, printer->out_pipe);
	trace_till_recover_end(&printer->till, ret);
	dev_dbg(&printer->intf->dev, "data behind a failed transfer taken back: %d\n", ret);

	spin_lock_irq(&printer->till.lock);
	printer->recovering = false;
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);
}

/* Tells an error once. */
static int till_printer_take_error(struct till_printer *printer)
{
	int ret;

	lockdep_assert_held(&printer->till.lock);

	if (!printer->till.connected)
		return -ENODEV;
	/* Not before everything behind the gap is back. */
	if (!till_printer_settled(printer))
		return 0;

	ret = printer->out_error ?: printer->late_error;
	printer->out_error = 0;
	printer->late_error = 0;
	return ret;
}

static bool till_printer_writable(struct till_printer *printer)
{
	lockdep_assert_held(&printer->till.lock);

	if (printer->out_error || printer->late_error)
		return till_printer_settled(printer);
	return test_bit(printer->out_next, &printer->out_free) && !printer->stopped &&
	       !printer->recovering && !printer->resetting;
}

/* An error that is yet to be told is told instead, once everything behind the gap is back. */
static bool till_printer_is_broken(struct till_printer *printer, unsigned int breaks)
{
	lockdep_assert_held(&printer->till.lock);

	return printer->breaks != breaks && !printer->out_error;
}

/* Returns the index of an URB that is the caller's now, or -EAGAIN, or an error to be told. */
static int till_printer_take_urb(struct till_printer *printer, unsigned int breaks)
{
	int ret;

	spin_lock_irq(&printer->till.lock);
	ret = till_printer_take_error(printer);
	/* Of what was written something is lost, so the rest is not begun. */
	if (!ret && till_printer_is_broken(printer, breaks))
		ret = -EIO;
	if (!ret) {
		if (till_printer_writable(printer)) {
			ret = printer->out_next;
			printer->out_next = (ret + 1) % TILL_PRINTER_OUT_URBS;
			__clear_bit(ret, &printer->out_free);
		} else {
			ret = -EAGAIN;
		}
	}
	spin_unlock_irq(&printer->till.lock);
	return ret;
}

/* It was not submitted: the one that was taken last, by the one writer. */
static void till_printer_give_urb(struct till_printer *printer, unsigned int index)
{
	spin_lock_irq(&printer->till.lock);
	printer->out_next = index;
	__set_bit(index, &printer->out_free);
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);
}

static int till_printer_submit(struct till_printer *printer, unsigned int index, size_t length,
			       unsigned int breaks)
{
	int ret;

	ret = till_device_get(&printer->till);
	if (ret)
		return ret;

	/* Counted with the submission, or completed might overtake accepted. */
	spin_lock_irq(&printer->till.lock);
	printer->out_urb[index]->transfer_buffer_length = length;
	if (till_printer_is_broken(printer, breaks))
		ret = -EIO;
	else if (printer->stopped || printer->out_error || printer->recovering)
		ret = -EAGAIN;
	else
		ret = till_usb_submit(printer->out_urb[index]);
	if (!ret)
		printer->accepted += length;
	trace_till_printer_write(&printer->till, length, ret);
	spin_unlock_irq(&printer->till.lock);

	till_device_put(&printer->till);
	/* Poisoned a moment ago is -EAGAIN, too: wait with the others. */
	return ret;
}

/* Sends up to one URB of data; returns its bytes, or -EAGAIN for one to wait for. */
static ssize_t till_printer_write_part(struct till_printer *printer, const char __user *buf,
				       size_t count, unsigned int breaks)
{
	size_t length = min_t(size_t, count, TILL_PRINTER_OUT_SIZE);
	int index, ret;

	index = till_printer_take_urb(printer, breaks);
	if (index < 0)
		return index;

	ret = copy_from_user(printer->out_buf[index], buf, length) ? -EFAULT : 0;
	if (!ret)
		ret = till_printer_submit(printer, index, length, breaks);
	if (!ret)
		return length;

	memzero_explicit(printer->out_buf[index], length);
	till_printer_give_urb(printer, index);
	return ret;
}

static bool till_printer_write_ready(struct till_printer *printer, unsigned int breaks)
{
	bool ready;

	spin_lock_irq(&printer->till.lock);
	ready = till_printer_writable(printer) || till_printer_is_broken(printer, breaks) ||
		!printer->till.connected;
	spin_unlock_irq(&printer->till.lock);
	return ready;
}

static ssize_t till_printer_write_locked(struct till_printer *printer, const char __user *buf,
					 size_t count, bool nonblock)
{
	unsigned int breaks = READ_ONCE(printer->breaks);
	size_t done = 0;
	ssize_t ret = 0;

	while (done < count) {
		ret = till_printer_write_part(printer, buf + done, count - done, breaks);
		if (ret > 0) {
			done += ret;
			continue;
		}
		if (ret != -EAGAIN || nonblock)
			break;

		ret = wait_event_interruptible(printer->till.wait,
					       till_printer_write_ready(printer, breaks));
		if (ret)
			break;
	}

	/* What was taken is told first; an error waits for the next call. */
	if (done && ret < 0 && ret != -EAGAIN && ret != -ERESTARTSYS && ret != -EFAULT) {
		spin_lock_irq(&printer->till.lock);
		printer->late_error = ret;
		wake_up_all(&printer->till.wait);
		spin_unlock_irq(&printer->till.lock);
	}
	return done ?: ret;
}

static ssize_t till_printer_write(struct till_device *tdev, const char __user *buf,
				  size_t count, bool nonblock)
{
	struct till_printer *printer = to_till_printer(tdev);
	ssize_t ret;

	ret = till_lock(&printer->write_mutex, nonblock);
	if (ret)
		return ret;

	ret = till_printer_write_locked(printer, buf, count, nonblock);
	mutex_unlock(&printer->write_mutex);
	return ret;
}

/* All that was written is done with, well or not, or the device is gone. */
static bool till_printer_flushed(struct till_printer *printer)
{
	bool flushed;

	spin_lock_irq(&printer->till.lock);
	flushed = till_printer_settled(printer) || !printer->till.connected;
	spin_unlock_irq(&printer->till.lock);
	return flushed;
}

static int till_printer_fsync(struct till_device *tdev)
{
	struct till_printer *printer = to_till_printer(tdev);
	long left;
	int ret;

	left = wait_event_interruptible_timeout(tdev->wait, till_printer_flushed(printer),
						msecs_to_jiffies(TILL_PRINTER_FSYNC_MS));
	if (left < 0)
		return left;

	spin_lock_irq(&tdev->lock);
	ret = till_printer_take_error(printer);
	spin_unlock_irq(&tdev->lock);

	return ret ?: left ? 0 : -ETIMEDOUT;
}

static void till_printer_drain(struct till_device *tdev)
{
	struct till_printer *printer = to_till_printer(tdev);

	wait_event_interruptible_timeout(tdev->wait, till_printer_flushed(printer),
					 msecs_to_jiffies(TILL_PRINTER_DRAIN_MS));
}

static __poll_t till_printer_poll(struct till_device *tdev)
{
	struct till_printer *printer = to_till_printer(tdev);
	__poll_t mask = 0;

	if (till_printer_writable(printer))
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (!kfifo_is_empty(&printer->replies))
		mask |= EPOLLIN | EPOLLRDNORM;
	/* Once the next call would tell it. */
	if ((printer->out_error || printer->late_error) && till_printer_settled(printer))
		mask |= EPOLLERR;
	return mask;
}

/*
 * Start and stop
 */

/* Ends all traffic; returns when no completion and no work runs any more. */
static void till_printer_stop(struct till_printer *printer)
{
	unsigned int i;

	trace_till_stop(&printer->till, -EIO);
	spin_lock_irq(&printer->till.lock);
	printer->stopped = true;
	printer->cut = printer->out_free != TILL_PRINTER_OUT_ALL;
	if (printer->cut)
		till_printer_break(printer, -EIO);
	spin_unlock_irq(&printer->till.lock);

	/* Poisoning waits for one after the other: nothing may be sent meanwhile. */
	till_printer_unlink_out(printer);
	cancel_work_sync(&printer->error_work);
	for (i = 0; i < TILL_PRINTER_OUT_URBS; i++)
		usb_poison_urb(printer->out_urb[i]);
	till_listener_stop(&printer->in);

	spin_lock_irq(&printer->till.lock);
	printer->recovering = false;
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);
}

static void till_printer_start(struct till_printer *printer)
{
	unsigned int i;

	for (i = 0; i < TILL_PRINTER_OUT_URBS; i++)
		usb_unpoison_urb(printer->out_urb[i]);

	spin_lock_irq(&printer->till.lock);
	printer->stopped = false;
	/* The work was cancelled before it cleared the pipe, or a last URB stalled. */
	if (printer->out_halted) {
		printer->recovering = true;
		schedule_work(&printer->error_work);
	}
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);

	till_listener_start(&printer->in);
	trace_till_start(&printer->till, 0);
}

static int till_printer_suspend(struct usb_interface *intf, pm_message_t message)
{
	till_printer_stop(usb_get_intfdata(intf));
	return 0;
}

static int till_printer_resume(struct usb_interface *intf)
{
	till_printer_start(usb_get_intfdata(intf));
	return 0;
}

static int till_printer_reset_resume(struct usb_interface *intf)
{
	struct till_printer *printer = usb_get_intfdata(intf);

	/* It may have forgotten what it had taken and not yet printed. */
	spin_lock_irq(&printer->till.lock);
	if (printer->accepted && !printer->cut)
		till_printer_break(printer, -EIO);
	spin_unlock_irq(&printer->till.lock);

	till_printer_forget_status(printer);
	till_printer_start(printer);
	return 0;
}

static int till_printer_pre_reset(struct usb_interface *intf)
{
	struct till_printer *printer = usb_get_intfdata(intf);

	/*
	 * A reset would end requests as if the device were gone. It takes the mutexes
	 * of all its interfaces, in the order of their numbers.
	 */
	mutex_lock_nested(&printer->control_mutex,
			  till_printer_ifnum(printer) % MAX_LOCKDEP_SUBCLASSES);
	till_printer_stop(printer);
	return 0;
}

static int till_printer_post_reset(struct usb_interface *intf)
{
	struct till_printer *printer = usb_get_intfdata(intf);

	till_printer_reset_resume(intf);
	mutex_unlock(&printer->control_mutex);
	return 0;
}

/*
 * File operations
 */

static int till_printer_open(struct till_device *tdev, bool nonblock)
{
	struct till_printer *printer = to_till_printer(tdev);
	int ret;

	ret = usb_autopm_get_interface(printer->intf);
	if (ret)
		return till_usb_error(ret);

	spin_lock_irq(&tdev->lock);
	printer->accepted = 0;
	printer->completed = 0;
	printer->out_error = 0;
	printer->late_error = 0;
	spin_unlock_irq(&tdev->lock);

	till_printer_forget_status(printer);
	till_listener_start(&printer->in);
	return 0;
}

static void till_printer_close(struct till_device *tdev)
{
	struct till_printer *printer = to_till_printer(tdev);

	till_printer_kill_out(printer);
	/* Not cancelled: the next opener shall find a pipe that is not halted. */
	flush_work(&printer->error_work);
	till_listener_stop(&printer->in);
	till_printer_drop_replies(printer);

	usb_autopm_put_interface(printer->intf);
}

static long till_printer_get_progress(struct till_printer *printer, void __user *arg)
{
	struct till_printer_progress progress;
	int ret;

	ret = till_copy_in(&progress, sizeof(progress), arg);
	if (ret)
		return ret;

	progress.__reserved = 0;
	spin_lock_irq(&printer->till.lock);
	progress.accepted = printer->accepted;
	progress.completed = printer->completed;
	spin_unlock_irq(&printer->till.lock);

	return till_copy_out(arg, &progress, sizeof(progress));
}

static long till_printer_get_device_id(struct till_printer *printer, void __user *arg)
{
	struct till_printer_device_id *id;
	int ret;

	if (!printer->device_id_length)
		return -EOPNOTSUPP;

	id = kzalloc(sizeof(*id), GFP_KERNEL);
	if (!id)
		return -ENOMEM;

	ret = till_copy_in(id, sizeof(*id), arg);
	if (!ret) {
		memset(id->id, 0, sizeof(id->id));
		memset(id->__reserved, 0, sizeof(id->__reserved));
		id->length = printer->device_id_length;
		memcpy(id->id, printer->device_id, printer->device_id_length);
		ret = till_copy_out(arg, id, sizeof(*id));
	}

	kfree(id);
	return ret;
}

static int till_printer_port_status(struct till_printer *printer)
{
	return till_usb_error(till_printer_ask_port_status(printer));
}

static int till_printer_reset_request(struct till_printer *printer, u8 recipient)
{
	return usb_control_msg_send(printer->udev, 0, USBPRN_SOFT_RESET,
				    USB_DIR_OUT | USB_TYPE_CLASS | recipient, 0,
				    till_printer_ifnum(printer), NULL, 0,
				    TILL_PRINTER_CONTROL_MS, GFP_KERNEL);
}

static int till_printer_soft_reset(struct till_printer *printer)
{
	int ret;

	/* Nobody may begin a job that the printer then forgets. */
	spin_lock_irq(&printer->till.lock);
	printer->breaks++;
	printer->resetting++;
	printer->late_error = 0;
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);

	till_printer_kill_out(printer);
	flush_work(&printer->error_work);
	/* Class version 1.0 sent it to the other port, 1.1 to the interface. */
	ret = till_printer_reset_request(printer, USB_RECIP_INTERFACE);
	if (ret == -EPIPE)
		ret = till_printer_reset_request(printer, USB_RECIP_OTHER);
	trace_till_printer_reset(&printer->till, ret);

	/* Before a writer may turn automatic status on again. */
	till_printer_drop_replies(printer);
	till_printer_forget_status(printer);
	spin_lock_irq(&printer->till.lock);
	printer->resetting--;
	printer->out_error = 0;
	wake_up_all(&printer->till.wait);
	spin_unlock_irq(&printer->till.lock);
	return till_usb_error(ret);
}

/* Makes a class request, not in a reset. */
static long till_printer_request(struct till_printer *printer,
				 int (*request)(struct till_printer *printer))
{
	int ret;

	if (mutex_lock_interruptible(&printer->control_mutex))
		return -ERESTARTSYS;

	ret = till_device_get(&printer->till);
	if (!ret) {
		ret = request(printer);
		till_device_put(&printer->till);
	}
	mutex_unlock(&printer->control_mutex);
	return ret;
}

static long till_printer_ioctl(struct till_device *tdev, unsigned int cmd, void __user *arg)
{
	struct till_printer *printer = to_till_printer(tdev);

	switch (cmd) {
	case TILL_PRINTER_GET_STATUS:
		return till_printer_get_status(printer, arg);
	case TILL_PRINTER_GET_PROGRESS:
		return till_printer_get_progress(printer, arg);
	case TILL_PRINTER_GET_DEVICE_ID:
		return till_printer_get_device_id(printer, arg);
	case TILL_PRINTER_GET_PORT_STATUS:
		return till_printer_request(printer, till_printer_port_status);
	case TILL_PRINTER_SOFT_RESET:
		return till_printer_request(printer, till_printer_soft_reset);
	default:
		return -ENOTTY;
	}
}

static void till_printer_release(struct till_device *tdev)
{
	struct till_printer *printer = to_till_printer(tdev);
	unsigned int i;

	for (i = 0; i < TILL_PRINTER_OUT_URBS; i++) {
		usb_free_urb(printer->out_urb[i]);
		kfree(printer->out_buf[i]);
	}
	till_printer_status_free(printer);
	kfree(printer->device_id);
	usb_put_intf(printer->intf);
	usb_put_dev(printer->udev);
	kfree(printer);
}

static const struct till_operations till_printer_operations = {
	.open		= till_printer_open,
	.drain		= till_printer_drain,
	.close		= till_printer_close,
	.read		= till_printer_read,
	.write		= till_printer_write,
	.fsync		= till_printer_fsync,
	.poll		= till_printer_poll,
	.ioctl		= till_printer_ioctl,
	.release	= till_printer_release,
};

/*
 * Kind
 */

TILL_STATISTIC(byte_written_count, TILL_PRINTER_WRITTEN);
TILL_STATISTIC(receipt_cover_open_count, TILL_PRINTER_COVER);
TILL_STATISTIC(paper_end_count, TILL_PRINTER_PAPER_END);
TILL_STATISTIC(failed_paper_cut_count, TILL_PRINTER_FAILED_CUT);
TILL_STATISTIC(printer_fault_count, TILL_PRINTER_FAULT);

static struct attribute *till_printer_statistics[] = {
	&till_communication_error_count.attr.attr,
	&till_hours_powered_count.attr,
	&till_statistic_byte_written_count.attr.attr,
	&till_statistic_receipt_cover_open_count.attr.attr,
	&till_statistic_paper_end_count.attr.attr,
	&till_statistic_failed_paper_cut_count.attr.attr,
	&till_statistic_printer_fault_count.attr.attr,
	NULL
};

static const struct attribute_group till_printer_statistics_group = {
	.name = "statistics",
	.attrs = till_printer_statistics,
};

static const struct attribute_group *till_printer_groups[] = {
	&till_printer_status_group,
	&till_printer_statistics_group,
	NULL
};

static const struct device_type till_printer_type = {
	.name	= "printer",
	.groups	= till_printer_groups,
};

static char *till_printer_event[] = { "TILL_EVENT=status", NULL };

static const struct till_kind_info till_printer_info = {
	.kind	= TILL_KIND_PRINTER,
	.event	= till_printer_event,
	.type	= &till_printer_type,
};

/*
 * Binding
 */

static bool till_printer_alt_has(struct usb_host_interface *alt, u8 protocol)
{
	struct usb_endpoint_descriptor *in, *out;

	if (alt->desc.bInterfaceClass != USB_CLASS_PRINTER ||
	    alt->desc.bInterfaceSubClass != 1 || alt->desc.bInterfaceProtocol != protocol)
		return false;

	if (usb_find_bulk_out_endpoint(alt, &out) || !usb_endpoint_maxp(out))
		return false;
	return protocol == USBPRN_PROTOCOL_UNI ||
	       (!usb_find_bulk_in_endpoint(alt, &in) && usb_endpoint_maxp(in));
}

/* The one in use may be another; protocol 3 (IEEE 1284.4) packs its data and is never the one. */
static struct usb_host_interface *till_printer_find_alt(struct till_printer *printer)
{
	static const u8 protocols[] = { USBPRN_PROTOCOL_BI, USBPRN_PROTOCOL_UNI };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		for (j = 0; j < printer->intf->num_altsetting; j++) {
			struct usb_host_interface *alt = &printer->intf->altsetting[j];

			if (till_printer_alt_has(alt, protocols[i]))
				return alt;
		}
	}
	return NULL;
}

static int till_printer_choose_alt(struct till_printer *printer, struct usb_host_interface *alt)
{
	if (alt == printer->intf->cur_altsetting)
		return 0;
	return usb_set_interface(printer->udev, alt->desc.bInterfaceNumber,
				 alt->desc.bAlternateSetting);
}

static int till_printer_alloc(struct till_printer *printer)
{
	struct usb_host_interface *alt = printer->intf->cur_altsetting;
	struct usb_endpoint_descriptor *out;
	unsigned int i;
	int ret;

	ret = usb_find_bulk_out_endpoint(alt, &out);
	if (ret)
		return ret;
	printer->out_pipe = usb_sndbulkpipe(printer->udev, out->bEndpointAddress);

	for (i = 0; i < TILL_PRINTER_OUT_URBS; i++) {
		printer->out_buf[i] = kzalloc(TILL_PRINTER_OUT_SIZE, GFP_KERNEL);
		printer->out_urb[i] = usb_alloc_urb(0, GFP_KERNEL);
		if (!printer->out_buf[i] || !printer->out_urb[i])
			return -ENOMEM;
		usb_fill_bulk_urb(printer->out_urb[i], printer->udev, printer->out_pipe,
				  printer->out_buf[i], 0, till_printer_out_done, printer);
	}
	printer->out_free = TILL_PRINTER_OUT_ALL;

	if (alt->desc.bInterfaceProtocol != USBPRN_PROTOCOL_BI)
		return 0;
	return till_printer_status_alloc(printer);
}

/* Printer class 4.2.1; asked for the alternate setting that is to be. A printer may have none. */
static int till_printer_read_device_id(struct till_printer *printer,
				       const struct usb_interface_descriptor *desc)
{
	const unsigned int size = TILL_PRINTER_DEVICE_ID_MAX + 2;
	struct usb_device *udev = printer->udev;
	size_t length = 0;
	u8 *reply;
	int ret;

	reply = kzalloc(size, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	ret = usb_control_msg(udev, usb_rcvctrlpipe(udev, 0), USBPRN_GET_DEVICE_ID,
			      USB_DIR_IN | USB_TYPE_CLASS | USB_RECIP_INTERFACE,
			      udev->actconfig - udev->config,
			      desc->bInterfaceNumber << 8 | desc->bAlternateSetting,
			      reply, size, TILL_PRINTER_CONTROL_MS);
	if (ret > 0)
		length = till_ieee1284_length(reply, ret);

	ret = 0;
	if (length) {
		printer->device_id = kmemdup(reply + 2, length, GFP_KERNEL);
		printer->device_id_length = length;
		printer->till.features |= TILL_PRINTER_FEATURE_DEVICE_ID;
		if (!printer->device_id)
			ret = -ENOMEM;
	}

	kfree(reply);
	return ret;
}

/* Until it has said what it is, a bridge chip's id says nothing. */
static bool till_printer_is_ours(struct till_printer *printer, unsigned long driver_info)
{
	if (!(driver_info & TILL_PRINTER_BRIDGE))
		return true;
	if (till_ieee1284_is_receipt_printer(printer->device_id, printer->device_id_length))
		return true;

	dev_info_ratelimited(&printer->intf->dev,
			     "a bridge chip whose printer does not say that it knows ESC/POS: left to other drivers; if it does, add its id through new_id\n");
	return false;
}

static int till_printer_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	struct usb_device *udev = interface_to_usbdev(intf);
	struct usb_host_interface *alt;
	struct till_printer *printer;
	int ret;

	printer = kzalloc(sizeof(*printer), GFP_KERNEL);
	if (!printer)
		return -ENOMEM;

	printer->udev = usb_get_dev(udev);
	printer->intf = usb_get_intf(intf);
	mutex_init(&printer->write_mutex);
	mutex_init(&printer->control_mutex);
	INIT_WORK(&printer->error_work, till_printer_error_work);
	till_printer_status_init(printer);

	ret = till_device_init(&printer->till, &till_printer_info, &till_printer_operations,
			       &intf->dev);
	if (ret)
		goto err_put;

	till_usb_read_ids(&printer->till, udev);

	ret = -ENODEV;
	alt = till_printer_find_alt(printer);
	if (!alt) {
		dev_info_ratelimited(&intf->dev, "no interface of a USB printer that can be driven: left to other drivers\n");
		goto err_put;
	}

	ret = till_printer_read_device_id(printer, &alt->desc);
	if (ret)
		goto err_put;

	ret = -ENODEV;
	if (!till_printer_is_ours(printer, id->driver_info))
		goto err_put;

	ret = till_printer_choose_alt(printer, alt);
	if (ret)
		goto err_put;

	ret = till_printer_alloc(printer);
	if (ret)
		goto err_put;

	till_printer_ask_port_status(printer);

	usb_set_intfdata(intf, printer);
	ret = till_device_register(&printer->till);
	if (ret)
		goto err_intfdata;

	dev_info_ratelimited(&intf->dev, "%sprinter is %s\n",
			     printer->in.urb ? "" : "unidirectional ",
			     dev_name(&printer->till.dev));
	return 0;

err_intfdata:
	usb_set_intfdata(intf, NULL);
err_put:
	put_device(&printer->till.dev);
	return ret;
}

static void till_printer_disconnect(struct usb_interface *intf)
{
	struct till_printer *printer = usb_get_intfdata(intf);

	till_printer_stop(printer);
	till_device_unregister(&printer->till);
	usb_set_intfdata(intf, NULL);
	put_device(&printer->till.dev);
}

#define TILL_PRINTER_BRIDGE_ID(_vendor, _product)				\
	USB_DEVICE_INTERFACE_CLASS((_vendor), (_product), USB_CLASS_PRINTER),	\
	.driver_info = TILL_PRINTER_BRIDGE

/* What each is, and where its id is from: Documentation/supported-devices.md. */
static const struct usb_device_id till_printer_ids[] = {
	/* Epson TM-T88IV, TM-T88V, TM-T70 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04b8, 0x0202, USB_CLASS_PRINTER) },
	/* Epson TM-T20 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04b8, 0x0e03, USB_CLASS_PRINTER) },
	/* Epson TM-T20II, TM-T82II */
	{ USB_DEVICE_INTERFACE_CLASS(0x04b8, 0x0e15, USB_CLASS_PRINTER) },
	/* Epson TM-T20III */
	{ USB_DEVICE_INTERFACE_CLASS(0x04b8, 0x0e28, USB_CLASS_PRINTER) },
	/* Epson TM-L100 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04b8, 0x0e31, USB_CLASS_PRINTER) },
	/* Bixolon SRP-350 */
	{ USB_DEVICE_INTERFACE_CLASS(0x1504, 0x0006, USB_CLASS_PRINTER) },
	/* Bixolon SRP-350II */
	{ USB_DEVICE_INTERFACE_CLASS(0x1504, 0x001f, USB_CLASS_PRINTER) },
	/* Citizen CT-S310II */
	{ USB_DEVICE_INTERFACE_CLASS(0x1d90, 0x2060, USB_CLASS_PRINTER) },
	/* Citizen CT-E351 */
	{ USB_DEVICE_INTERFACE_CLASS(0x1d90, 0x20f0, USB_CLASS_PRINTER) },
	/* Citizen CT-S2000 */
	{ USB_DEVICE_INTERFACE_CLASS(0x2730, 0x2002, USB_CLASS_PRINTER) },
	/* NCR 7197 */
	{ USB_DEVICE_INTERFACE_CLASS(0x0404, 0x0312, USB_CLASS_PRINTER) },
	/* Wincor Nixdorf TH230 */
	{ USB_DEVICE_INTERFACE_CLASS(0x0aa7, 0x0304, USB_CLASS_PRINTER) },
	/* Winbond's example id, in use for cheap printers and for other things */
	{ TILL_PRINTER_BRIDGE_ID(0x0416, 0x5011) },
	/* QinHeng CH340S, a cable to a parallel port */
	{ TILL_PRINTER_BRIDGE_ID(0x1a86, 0x7584) },
	{ }
};
MODULE_DEVICE_TABLE(usb, till_printer_ids);

static struct usb_driver till_printer_driver = {
	.name			= "till-printer",
	.id_table		= till_printer_ids,
	.probe			= till_printer_probe,
	.disconnect		= till_printer_disconnect,
	.suspend		= till_printer_suspend,
	.resume			= till_printer_resume,
	.reset_resume		= till_printer_reset_resume,
	.pre_reset		= till_printer_pre_reset,
	.post_reset		= till_printer_post_reset,
	.supports_autosuspend	= 1,
};

int __init till_printer_init(void)
{
	return usb_register(&till_printer_driver);
}

void till_printer_exit(void)
{
	usb_deregister(&till_printer_driver);
}
