// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: magstripe readers in HID mode
 *
 * What a report says is till_msr_layout.c's. Here are the node, the queue of
 * swipes and their wiping.
 *
 * To a reader the driver connects neither hid-input nor hidraw, so a swipe never
 * becomes a keystroke. Suspend, resume and reset of the pipe are usbhid's. hid-core shows
 * reports in debugfs before a driver has them, and only hid-core can end that:
 * its readers sleep in a way that is right for a device that goes away.
 */

#include <linux/hid.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/usb.h>

#include "till.h"
#include "till_msr_layout.h"
#include "till_trace.h"
#include "till_usb.h"

#define TILL_MSR_QUEUE		8

#define TILL_MSR_VENDOR_IDTECH	0x0acd

/* The parts of one swipe follow one another within milliseconds. */
#define TILL_MSR_GAP_MS		250

enum till_msr_statistic {
	TILL_MSR_GOOD_READ = TILL_STATISTICS_COMMON,
	TILL_MSR_FAILED_READ,
	TILL_MSR_UNREADABLE_CARD,
	TILL_MSR_DROPPED,
	/* One for each track. */
	TILL_MSR_NO_START,
	TILL_MSR_PARITY_LRC = TILL_MSR_NO_START + TILL_MSR_TRACKS,
};

/**
 * struct till_msr - a magstripe reader
 * @till: node
 * @hdev: HID device; not used after disconnect
 * @read_mutex: one reader at a time; protects @reading
 * @reading: the swipe that is read
 * @decoder: its layouts, and what has come of a swipe; under till.lock
 * @armed: swipes are taken; under till.lock
 * @keep_ms: after how long a swipe is wiped; under till.lock
 * @sequence: of the newest swipe; under till.lock
 * @head: index of the oldest swipe; under till.lock
 * @count: swipes in @queue; under till.lock
 * @queue: swipes not read; under till.lock
 * @expire_work: wipes swipes that nobody reads
 * @gap_work: ends a swipe of several reports that not all come
 */
struct till_msr {
	struct till_device till;
	struct hid_device *hdev;
	/* One reader at a time. */
	struct mutex read_mutex;
	struct till_msr_swipe reading;
	struct till_msr_decoder decoder;
	bool armed;
	u32 keep_ms;
	u32 sequence;
	unsigned int head;
	unsigned int count;
	struct till_msr_swipe queue[TILL_MSR_QUEUE];
	struct delayed_work expire_work;
	struct delayed_work gap_work;
};

static struct till_msr *to_till_msr(struct till_device *tdev)
{
	return container_of(tdev, struct till_msr, till);
}

/*
 * Queue of swipes
 */

static void till_msr_pop(struct till_msr *msr)
{
	lockdep_assert_held(&msr->till.lock);

	memzero_explicit(&msr->queue[msr->head], sizeof(msr->queue[0]));
	msr->head = (msr->head + 1) % TILL_MSR_QUEUE;
	msr->count--;
}

static void till_msr_drop(struct till_msr *msr, enum till_msr_drop reason)
{
	trace_till_msr_dropped(&msr->till, msr->queue[msr->head].sequence, reason);
	till_msr_pop(msr);
	till_count(&msr->till, TILL_MSR_DROPPED);
}

static void till_msr_set_armed(struct till_msr *msr, bool armed)
{
	spin_lock_irq(&msr->till.lock);
	while (msr->count)
		till_msr_pop(msr);
	till_msr_decoder_wipe(&msr->decoder);
	msr->armed = armed;
	spin_unlock_irq(&msr->till.lock);
}

/*
 * Drops what nobody has read in time; returns after how many nanoseconds the
 * oldest that is left is too old. Its age goes on in a system sleep, in which no
 * timer runs: so whoever is about to hand one out calls this, too.
 */
static u64 till_msr_drop_expired(struct till_msr *msr)
{
	u64 keep_ns = (u64)msr->keep_ms * NSEC_PER_MSEC;
	u64 now = ktime_get_boottime_ns();
	unsigned int dropped = 0;
	u64 age = 0;

	lockdep_assert_held(&msr->till.lock);

	while (msr->count) {
		age = now - msr->queue[msr->head].time_ns;
		if (age < keep_ns)
			break;
		till_msr_drop(msr, TILL_MSR_DROP_EXPIRED);
		dropped++;
	}
	if (dropped)
		dev_warn_ratelimited(&msr->till.dev,
				     "%u swipe(s) wiped that nobody read within %u ms: look whether the program that has armed the reader hangs\n",
				     dropped, msr->keep_ms);

	return msr->count ? keep_ns - age : 0;
}

static void till_msr_expire(struct work_struct *work)
{
	struct till_msr *msr = container_of(work, struct till_msr, expire_work.work);
	u64 left_ns;

	spin_lock_irq(&msr->till.lock);
	left_ns = till_msr_drop_expired(msr);
	if (left_ns)
		schedule_delayed_work(&msr->expire_work, nsecs_to_jiffies(left_ns) + 1);
	spin_unlock_irq(&msr->till.lock);
}

static void till_msr_count(struct till_msr *msr, const struct till_msr_swipe *swipe)
{
	bool good = false, bad = false;
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		good |= swipe->track[i].length || swipe->track[i].encrypted_length;
		bad |= swipe->track[i].errors;
		if (swipe->track[i].errors & TILL_MSR_ERROR_START)
			till_count(&msr->till, TILL_MSR_NO_START + i);
		if (swipe->track[i].errors & (TILL_MSR_ERROR_PARITY | TILL_MSR_ERROR_LRC))
			till_count(&msr->till, TILL_MSR_PARITY_LRC + i);
	}

	till_count(&msr->till, bad || !good ? TILL_MSR_FAILED_READ : TILL_MSR_GOOD_READ);
	if (!good)
		till_count(&msr->till, TILL_MSR_UNREADABLE_CARD);
}

/* The decoder's swipe becomes the newest of the queue; returns false for half a frame. */
static bool till_msr_take(struct till_msr *msr)
{
	struct till_msr_swipe *swipe;

	lockdep_assert_held(&msr->till.lock);

	if (!till_msr_decoder_whole(&msr->decoder)) {
		till_msr_decoder_wipe(&msr->decoder);
		return false;
	}
	if (msr->count == TILL_MSR_QUEUE)
		till_msr_drop(msr, TILL_MSR_DROP_OVERFLOW);

	swipe = &msr->queue[(msr->head + msr->count) % TILL_MSR_QUEUE];
	till_msr_decoder_take(&msr->decoder, swipe);
	swipe->size = sizeof(*swipe);
	swipe->sequence = ++msr->sequence;
	swipe->time_ns = ktime_get_boottime_ns();
	msr->count++;

	trace_till_msr_swipe(&msr->till, swipe);
	dev_dbg(&msr->till.dev, "swipe %u taken\n", swipe->sequence);
	till_msr_count(msr, swipe);
	/* Keeps the time of the oldest when it runs already. */
	schedule_delayed_work(&msr->expire_work, msecs_to_jiffies(msr->keep_ms) + 1);
	wake_up_all(&msr->till.wait);
	return true;
}

static void till_msr_broken(struct till_msr *msr)
{
	trace_till_msr_dropped(&msr->till, 0, TILL_MSR_DROP_BROKEN);
	till_count(&msr->till, TILL_COMMUNICATION_ERROR);
}

static void till_msr_gap(struct work_struct *work)
{
	struct till_msr *msr = container_of(work, struct till_msr, gap_work.work);

	spin_lock_irq(&msr->till.lock);
	if (till_msr_decoder_busy(&msr->decoder) && !till_msr_take(msr))
		till_msr_broken(msr);
	spin_unlock_irq(&msr->till.lock);
}

static enum till_msr_result till_msr_receive(struct till_msr *msr, unsigned int id,
					     const u8 *data, int size)
{
	enum till_msr_result result;

	lockdep_assert_held(&msr->till.lock);

	if (!msr->armed) {
		trace_till_msr_dropped(&msr->till, 0, TILL_MSR_DROP_DISARMED);
		return TILL_MSR_RESULT_NONE;
	}

	if (till_msr_decoder_repeats(&msr->decoder, id))
		till_msr_take(msr);
	result = till_msr_decoder_push(&msr->decoder, id, data, size);
	switch (result) {
	case TILL_MSR_RESULT_NONE:
		break;
	case TILL_MSR_RESULT_BROKEN:
		till_msr_broken(msr);
		break;
	case TILL_MSR_RESULT_PART:
		mod_delayed_work(system_wq, &msr->gap_work, msecs_to_jiffies(TILL_MSR_GAP_MS));
		break;
	case TILL_MSR_RESULT_SWIPE:
		till_msr_take(msr);
		break;
	}
	return result;
}

/* Atomic: usbhid calls it from the URB's completion. */
static int till_msr_raw_event(struct hid_device *hdev, struct hid_report *report,
			      u8 *data, int size)
{
	struct till_msr *msr = hid_get_drvdata(hdev);
	enum till_msr_result result = TILL_MSR_RESULT_NONE;
	unsigned long flags;

	/* Not of a reader, but beside one. */
	if (!msr)
		return 0;
	if (report->type == HID_INPUT_REPORT) {
		spin_lock_irqsave(&msr->till.lock, flags);
		result = till_msr_receive(msr, report->id, data, size);
		spin_unlock_irqrestore(&msr->till.lock, flags);
	}
	if (result == TILL_MSR_RESULT_BROKEN)
		hid_warn_ratelimited(hdev, "swipe dropped: a report of %d bytes is none of this reader's: if it stays so, set its output format with the maker's tool\n",
				     size);

	/* The tracks stay neither in usbhid's buffer nor in hid-core's field values. */
	memzero_explicit(data, size);
	return -ECANCELED;
}

/*
 * File operations
 */

static int till_msr_open(struct till_device *tdev, bool nonblock)
{
	struct till_msr *msr = to_till_msr(tdev);
	int ret;

	till_msr_set_armed(msr, false);
	msr->keep_ms = TILL_MSR_KEEP_MAX_MS;

	/* A reader that a swipe has to wake up misses the swipe. */
	ret = hid_hw_power(msr->hdev, PM_HINT_FULLON);
	if (ret < 0)
		return till_usb_error(ret);

	ret = hid_hw_open(msr->hdev);
	if (ret)
		hid_hw_power(msr->hdev, PM_HINT_NORMAL);
	return till_usb_error(ret);
}

static void till_msr_close(struct till_device *tdev)
{
	struct till_msr *msr = to_till_msr(tdev);

	hid_hw_close(msr->hdev);
	hid_hw_power(msr->hdev, PM_HINT_NORMAL);
	till_msr_set_armed(msr, false);
	cancel_delayed_work_sync(&msr->expire_work);
	cancel_delayed_work_sync(&msr->gap_work);
}

static int till_msr_wait(struct till_msr *msr, bool nonblock)
{
	if (READ_ONCE(msr->count))
		return 0;
	if (nonblock)
		return -EAGAIN;

	return wait_event_interruptible(msr->till.wait,
					READ_ONCE(msr->count) ||
					!till_device_connected(&msr->till));
}

static ssize_t till_msr_read_locked(struct till_msr *msr, char __user *buf, size_t count,
				    bool nonblock)
{
	struct till_msr_swipe *swipe = &msr->reading;
	ssize_t ret;

	do {
		ret = till_msr_wait(msr, nonblock);
		if (ret)
			return ret;

		swipe->size = 0;
		spin_lock_irq(&msr->till.lock);
		till_msr_drop_expired(msr);
		if (!msr->till.connected)
			ret = -ENODEV;
		else if (msr->count)
			*swipe = msr->queue[msr->head];
		spin_unlock_irq(&msr->till.lock);
		if (ret)
			return ret;
	} while (!swipe->size);

	ret = copy_to_user(buf, swipe, count) ? -EFAULT : count;

	/* It may have been dropped meanwhile, by an overflow or by arming. */
	spin_lock_irq(&msr->till.lock);
	if (ret > 0 && msr->count && msr->queue[msr->head].sequence == swipe->sequence)
		till_msr_pop(msr);
	spin_unlock_irq(&msr->till.lock);

	memzero_explicit(swipe, sizeof(*swipe));
	return ret;
}

static ssize_t till_msr_read(struct till_device *tdev, char __user *buf,
			     size_t count, bool nonblock)
{
	struct till_msr *msr = to_till_msr(tdev);
	ssize_t ret;

	/* Whoever knows only the first members gets those. */
	if (count < TILL_MSR_SWIPE_SIZE_VER0)
		return -EMSGSIZE;
	count = min(count, sizeof(struct till_msr_swipe));

	ret = till_lock(&msr->read_mutex, nonblock);
	if (ret)
		return ret;

	ret = till_msr_read_locked(msr, buf, count, nonblock);
	mutex_unlock(&msr->read_mutex);
	return ret;
}

static __poll_t till_msr_poll(struct till_device *tdev)
{
	struct till_msr *msr = to_till_msr(tdev);

	till_msr_drop_expired(msr);
	return msr->count ? EPOLLIN | EPOLLRDNORM : 0;
}

static long till_msr_get_options(struct till_msr *msr, void __user *arg)
{
	struct till_msr_options options;
	int ret;

	ret = till_copy_in(&options, sizeof(options), arg);
	if (ret)
		return ret;

	spin_lock_irq(&msr->till.lock);
	options.keep_ms = msr->keep_ms;
	spin_unlock_irq(&msr->till.lock);

	return till_copy_out(arg, &options, sizeof(options));
}

static long till_msr_set_options(struct till_msr *msr, void __user *arg)
{
	struct till_msr_options options;
	int ret;

	ret = till_copy_in(&options, sizeof(options), arg);
	if (ret)
		return ret;
	if (!options.keep_ms)
		return 0;
	if (options.keep_ms < TILL_MSR_KEEP_MIN_MS || options.keep_ms > TILL_MSR_KEEP_MAX_MS)
		return -EINVAL;

	spin_lock_irq(&msr->till.lock);
	msr->keep_ms = options.keep_ms;
	spin_unlock_irq(&msr->till.lock);
	/* It finds out how long what waits may still wait. */
	mod_delayed_work(system_wq, &msr->expire_work, 0);
	return 0;
}

static long till_msr_command(struct till_msr *msr, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case TILL_MSR_ARM:
		till_msr_set_armed(msr, true);
		return 0;
	case TILL_MSR_DISARM:
		till_msr_set_armed(msr, false);
		return 0;
	case TILL_MSR_GET_OPTIONS:
		return till_msr_get_options(msr, arg);
	case TILL_MSR_SET_OPTIONS:
		return till_msr_set_options(msr, arg);
	default:
		return -ENOTTY;
	}
}

static long till_msr_ioctl(struct till_device *tdev, unsigned int cmd, void __user *arg)
{
	long ret;

	/* Nothing is armed or scheduled once the device is closed for good. */
	ret = till_device_get(tdev);
	if (ret)
		return ret;

	ret = till_msr_command(to_till_msr(tdev), cmd, arg);
	till_device_put(tdev);
	return ret;
}

static void till_msr_release(struct till_device *tdev)
{
	kfree_sensitive(to_till_msr(tdev));
}

static const struct till_operations till_msr_operations = {
	.open		= till_msr_open,
	.close		= till_msr_close,
	.read		= till_msr_read,
	.poll		= till_msr_poll,
	.ioctl		= till_msr_ioctl,
	.release	= till_msr_release,
};

/*
 * Attributes
 */

static ssize_t armed_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_till_msr(to_till_device(dev))->armed));
}
static DEVICE_ATTR_RO(armed);

static struct attribute *till_msr_attrs[] = {
	&dev_attr_armed.attr,
	NULL
};

static const struct attribute_group till_msr_group = {
	.attrs = till_msr_attrs,
};

TILL_STATISTIC(good_read_count, TILL_MSR_GOOD_READ);
TILL_STATISTIC(failed_read_count, TILL_MSR_FAILED_READ);
TILL_STATISTIC(unreadable_card_count, TILL_MSR_UNREADABLE_CARD);
TILL_STATISTIC(dropped_read_count, TILL_MSR_DROPPED);
TILL_STATISTIC(missing_start_sentinel_track1_count, TILL_MSR_NO_START);
TILL_STATISTIC(missing_start_sentinel_track2_count, TILL_MSR_NO_START + 1);
TILL_STATISTIC(missing_start_sentinel_track3_count, TILL_MSR_NO_START + 2);
TILL_STATISTIC(missing_start_sentinel_track4_count, TILL_MSR_NO_START + 3);
TILL_STATISTIC(parity_lrc_error_track1_count, TILL_MSR_PARITY_LRC);
TILL_STATISTIC(parity_lrc_error_track2_count, TILL_MSR_PARITY_LRC + 1);
TILL_STATISTIC(parity_lrc_error_track3_count, TILL_MSR_PARITY_LRC + 2);
TILL_STATISTIC(parity_lrc_error_track4_count, TILL_MSR_PARITY_LRC + 3);

static struct attribute *till_msr_statistics[] = {
	&till_communication_error_count.attr.attr,
	&till_hours_powered_count.attr,
	&till_statistic_good_read_count.attr.attr,
	&till_statistic_failed_read_count.attr.attr,
	&till_statistic_unreadable_card_count.attr.attr,
	&till_statistic_dropped_read_count.attr.attr,
	&till_statistic_missing_start_sentinel_track1_count.attr.attr,
	&till_statistic_missing_start_sentinel_track2_count.attr.attr,
	&till_statistic_missing_start_sentinel_track3_count.attr.attr,
	&till_statistic_missing_start_sentinel_track4_count.attr.attr,
	&till_statistic_parity_lrc_error_track1_count.attr.attr,
	&till_statistic_parity_lrc_error_track2_count.attr.attr,
	&till_statistic_parity_lrc_error_track3_count.attr.attr,
	&till_statistic_parity_lrc_error_track4_count.attr.attr,
	NULL
};

static const struct attribute_group till_msr_statistics_group = {
	.name = "statistics",
	.attrs = till_msr_statistics,
};

static const struct attribute_group *till_msr_groups[] = {
	&till_msr_group,
	&till_msr_statistics_group,
	NULL
};

static const struct device_type till_msr_type = {
	.name	= "msr",
	.groups	= till_msr_groups,
};

static const struct till_kind_info till_msr_info = {
	.kind	= TILL_KIND_MSR,
	.type	= &till_msr_type,
};

/*
 * Layout
 */

static void till_msr_add_field(struct till_msr_layout *layout, const struct hid_field *field)
{
	unsigned int bytes = field->report_size / 8;
	unsigned int i;

	/* The usages of an array are its values, not places. */
	if (!(field->flags & HID_MAIN_ITEM_VARIABLE) || field->flags & HID_MAIN_ITEM_CONSTANT)
		return;
	if (field->report_size % 8 || field->report_offset % 8)
		return;

	for (i = 0; i < field->maxusage && i < field->report_count; i++)
		till_msr_layout_usage(layout, field->usage[i].hid,
				      field->report_offset / 8 + i * bytes + !!field->report->id,
				      bytes);
}

static bool till_msr_find_layouts(struct till_msr *msr)
{
	struct hid_report_enum *inputs = &msr->hdev->report_enum[HID_INPUT_REPORT];
	struct till_msr_layout *layout;
	struct hid_report *report;
	unsigned int i;

	list_for_each_entry(report, &inputs->report_list, list) {
		layout = till_msr_decoder_add(&msr->decoder, report->id, hid_report_len(report));
		for (i = 0; layout && i < report->maxfield; i++)
			till_msr_add_field(layout, report->field[i]);
	}

	return till_msr_layout_finish(&msr->decoder);
}

/*
 * Binding
 */

/*
 * Not by hid_is_usb(): this module would need usbhid, which would go with it at
 * modprobe -r, and every keyboard with that.
 */
static bool till_msr_is_one_of_several(struct hid_device *hdev)
{
	struct device *parent = hdev->dev.parent;
	struct usb_device *udev;

	if (!parent || !parent->type || !parent->type->name ||
	    strcmp(parent->type->name, "usb_interface"))
		return false;

	udev = interface_to_usbdev(to_usb_interface(parent));
	return udev->actconfig->desc.bNumInterfaces > 1;
}

static bool till_msr_is_keyboard(struct hid_device *hdev)
{
	unsigned int i;

	for (i = 0; i < hdev->maxcollection; i++)
		if (hdev->collection[i].usage == HID_GD_KEYBOARD)
			return true;
	return false;
}

/*
 * The ids of HID have no interface, and once this driver is told of one nobody
 * else is asked. The keys of a keyboard with a reader in it are everybody's.
 */
static int till_msr_probe_without_tracks(struct hid_device *hdev)
{
	if (till_msr_is_one_of_several(hdev) && till_msr_is_keyboard(hdev)) {
		hid_warn_ratelimited(hdev, "a reader's keyboard is a keyboard; if it types what is swiped, set it to HID mode with the maker's tool\n");
		return hid_hw_start(hdev, HID_CONNECT_DEFAULT);
	}

	/* Alone it is a reader that types what it reads. */
	hid_err_ratelimited(hdev, "no report with tracks: set the reader to HID mode with the maker's tool\n");
	return -ENODEV;
}

static int till_msr_probe(struct hid_device *hdev, const struct hid_device_id *id)
{
	struct till_msr *msr;
	int ret;

	ret = hid_parse(hdev);
	if (ret)
		return ret;

	msr = kzalloc(sizeof(*msr), GFP_KERNEL);
	if (!msr)
		return -ENOMEM;

	msr->hdev = hdev;
	mutex_init(&msr->read_mutex);
	INIT_DELAYED_WORK(&msr->expire_work, till_msr_expire);
	INIT_DELAYED_WORK(&msr->gap_work, till_msr_gap);
	/* By vendor, for ids that userspace adds, too. */
	if (hdev->vendor == TILL_MSR_VENDOR_IDTECH)
		msr->decoder.dialect = TILL_MSR_DIALECT_IDTECH;
	if (!till_msr_find_layouts(msr)) {
		kfree(msr);
		return till_msr_probe_without_tracks(hdev);
	}
	hid_set_drvdata(hdev, msr);

	ret = till_device_init(&msr->till, &till_msr_info, &till_msr_operations, &hdev->dev);
	if (ret)
		goto err_put;

	msr->till.vendor = hdev->vendor;
	msr->till.product = hdev->product;
	msr->till.bcd = hdev->version;
	msr->till.features = till_msr_decoder_features(&msr->decoder);

	ret = hid_hw_start(hdev, HID_CONNECT_DRIVER);
	if (ret)
		goto err_put;

	ret = till_device_register(&msr->till);
	if (ret)
		goto err_stop;

	hid_info_ratelimited(hdev, "magstripe reader is %s\n", dev_name(&msr->till.dev));
	return 0;

err_stop:
	hid_hw_stop(hdev);
err_put:
	put_device(&msr->till.dev);
	return ret;
}

static void till_msr_remove(struct hid_device *hdev)
{
	struct till_msr *msr = hid_get_drvdata(hdev);

	if (!msr) {
		hid_hw_stop(hdev);
		return;
	}
	till_device_unregister(&msr->till);
	hid_hw_stop(hdev);
	put_device(&msr->till.dev);
}

/*
 * What each is, and where its id is from: Documentation/supported-devices.md.
 * HID modes only: in keyboard mode the same readers have other ids.
 */
static const struct hid_device_id till_msr_ids[] = {
	/* MagTek SureSwipe, Mini Swipe Reader */
	{ HID_USB_DEVICE(0x0801, 0x0002) },
	/* MagTek Insert Reader */
	{ HID_USB_DEVICE(0x0801, 0x0003) },
	/* MagTek MagneSafe: Dynamag, uDynamo, BulleT */
	{ HID_USB_DEVICE(0x0801, 0x0011) },
	/* MagTek MagneSafe, insert reader, and wireless reader at its cable */
	{ HID_USB_DEVICE(0x0801, 0x0013) },
	{ HID_USB_DEVICE(0x0801, 0x0014) },
	/* ID TECH SecureMag, in ID TECH's structure and in MagTek's */
	{ HID_USB_DEVICE(0x0acd, 0x2010) },
	{ HID_USB_DEVICE(0x0acd, 0x2020) },
	/* ID TECH MiniMag, VersaKey, likewise */
	{ HID_USB_DEVICE(0x0acd, 0x0500) },
	{ HID_USB_DEVICE(0x0acd, 0x0510) },
	/* NCR K016, ISO, 3 tracks */
	{ HID_USB_DEVICE(0x0404, 0x0328) },
	{ HID_USB_DEVICE(0x0404, 0x0329) },
	{ }
};
MODULE_DEVICE_TABLE(hid, till_msr_ids);

static struct hid_driver till_msr_driver = {
	.name		= "till-msr",
	.id_table	= till_msr_ids,
	.probe		= till_msr_probe,
	.remove		= till_msr_remove,
	.raw_event	= till_msr_raw_event,
};

int __init till_msr_init(void)
{
	return hid_register_driver(&till_msr_driver);
}

void till_msr_exit(void)
{
	hid_unregister_driver(&till_msr_driver);
}
