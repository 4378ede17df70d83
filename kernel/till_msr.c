// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: magstripe readers in HID mode
 *
 * Two layouts of the one report that holds a swipe: fields of usage page 0x8E
 * (HID Point of Sale usage tables, magnetic stripe reader), found by the report
 * descriptor, and the 337 bytes of the vendor page that MagTek's SureSwipe and
 * ID TECH's SecureMag send.
 *
 * The driver connects neither hid-input nor hidraw, so a swipe never becomes a
 * keystroke. Suspend, resume and reset of the pipe are usbhid's. hid-core shows
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

#include "till.h"

#define TILL_MSR_QUEUE		8
#define TILL_MSR_KEEP_SECONDS	60

#define TILL_MSR_PAGE		0x008e0000
#define TILL_MSR_USAGE_LENGTH	(TILL_MSR_PAGE | 0x11)	/* 11, 12, 13 */
#define TILL_MSR_USAGE_DATA	(TILL_MSR_PAGE | 0x21)	/* 21, 22, 23 */

/* Decode status, lengths, encode type, three tracks: MagTek, USB HID swipe reader manual. */
#define TILL_MSR_VENDOR_PAGE	0xff00
#define TILL_MSR_VENDOR_SIZE	337
#define TILL_MSR_VENDOR_TRACK	110

#define TILL_MSR_NOWHERE	(-1)

enum till_msr_statistic {
	TILL_MSR_GOOD_READ,
	TILL_MSR_FAILED_READ,
	TILL_MSR_UNREADABLE_CARD,
	TILL_MSR_DROPPED,
	TILL_MSR_COMMUNICATION_ERROR,
};

/**
 * struct till_msr_layout - where a swipe is in its report
 * @report: id of the report
 * @size: bytes of the report, with its id byte if it has one
 * @encode: offset of the card encode type, or TILL_MSR_NOWHERE
 * @track: by track: offsets of status and length byte or TILL_MSR_NOWHERE, of
 *	the data, and the room for data; no room: the reader lacks the track
 */
struct till_msr_layout {
	unsigned int report;
	unsigned int size;
	int encode;
	struct {
		int status;
		int length;
		int data;
		unsigned int room;
	} track[TILL_MSR_TRACKS];
};

static const struct till_msr_layout till_msr_vendor_layout = {
	.report	= 0,
	.size	= TILL_MSR_VENDOR_SIZE,
	.encode	= 6,
	.track	= {
		{ .status = 0, .length = 3, .data = 7, .room = TILL_MSR_VENDOR_TRACK },
		{ .status = 1, .length = 4, .data = 117, .room = TILL_MSR_VENDOR_TRACK },
		{ .status = 2, .length = 5, .data = 227, .room = TILL_MSR_VENDOR_TRACK },
	},
};

/**
 * struct till_msr - a magstripe reader
 * @till: node
 * @hdev: HID device; not used after disconnect
 * @layout: of its report
 * @read_mutex: one reader at a time
 * @armed: swipes are taken; under till.lock
 * @sequence: of the newest swipe; under till.lock
 * @head: index of the oldest swipe; under till.lock
 * @count: swipes in @queue; under till.lock
 * @queue: swipes not read; under till.lock
 * @expire_work: wipes swipes that nobody reads
 */
struct till_msr {
	struct till_device till;
	struct hid_device *hdev;
	struct till_msr_layout layout;
	/* One reader at a time. */
	struct mutex read_mutex;
	bool armed;
	u32 sequence;
	unsigned int head;
	unsigned int count;
	struct till_msr_swipe queue[TILL_MSR_QUEUE];
	struct delayed_work expire_work;
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

static void till_msr_set_armed(struct till_msr *msr, bool armed)
{
	spin_lock_irq(&msr->till.lock);
	while (msr->count)
		till_msr_pop(msr);
	msr->armed = armed;
	spin_unlock_irq(&msr->till.lock);
}

static void till_msr_expire(struct work_struct *work)
{
	struct till_msr *msr = container_of(work, struct till_msr, expire_work.work);
	const u64 keep_ns = TILL_MSR_KEEP_SECONDS * NSEC_PER_SEC;
	unsigned int dropped = 0;
	u64 now, age = 0;

	spin_lock_irq(&msr->till.lock);
	now = ktime_get_boottime_ns();
	while (msr->count) {
		age = now - msr->queue[msr->head].time_ns;
		if (age < keep_ns)
			break;
		till_msr_pop(msr);
		till_count(&msr->till, TILL_MSR_DROPPED);
		dropped++;
	}
	if (msr->count)
		schedule_delayed_work(&msr->expire_work, nsecs_to_jiffies(keep_ns - age) + 1);
	spin_unlock_irq(&msr->till.lock);

	if (dropped)
		dev_warn_ratelimited(&msr->till.dev,
				     "%u swipe(s) wiped that nobody read within %u s\n",
				     dropped, TILL_MSR_KEEP_SECONDS);
}

/*
 * Decoding
 */

/* ISO 7811-2: track 1 begins with %, tracks 2 and 3 with ;; all end with ?. */
static u8 till_msr_sentinel_errors(unsigned int index, const u8 *data, u8 length)
{
	u8 errors = 0;

	if (data[0] != (index ? ';' : '%'))
		errors |= TILL_MSR_ERROR_START;
	if (data[length - 1] != '?')
		errors |= TILL_MSR_ERROR_END;
	return errors;
}

/* Only a good track is handed on; of a bad one the errors. */
static void till_msr_decode_track(const struct till_msr_layout *layout, unsigned int index,
				  const u8 *report, bool iso, struct till_msr_track *track)
{
	const u8 *data = report + layout->track[index].data;
	unsigned int room = layout->track[index].room;
	unsigned int length;

	if (!room)
		return;

	if (layout->track[index].status != TILL_MSR_NOWHERE &&
	    report[layout->track[index].status] & 0x01) {
		track->errors = TILL_MSR_ERROR_DECODE;
		return;
	}

	if (layout->track[index].length != TILL_MSR_NOWHERE)
		length = report[layout->track[index].length];
	else
		length = strnlen(data, room);

	if (length > min_t(unsigned int, room, TILL_MSR_TRACK_MAX)) {
		track->errors = TILL_MSR_ERROR_DECODE;
		return;
	}
	if (!length)
		return;

	if (iso)
		track->errors = till_msr_sentinel_errors(index, data, length);
	if (track->errors)
		return;

	track->length = length;
	memcpy(track->data, data, length);
}

static u8 till_msr_decode_encode(const struct till_msr_layout *layout, const u8 *report)
{
	if (layout->encode == TILL_MSR_NOWHERE)
		return TILL_MSR_ENCODE_ISO;

	switch (report[layout->encode]) {
	case 0:
		return TILL_MSR_ENCODE_ISO;
	case 1:
		return TILL_MSR_ENCODE_AAMVA;
	default:
		return TILL_MSR_ENCODE_OTHER;
	}
}

static void till_msr_count(struct till_msr *msr, const struct till_msr_swipe *swipe)
{
	bool good = false, bad = false;
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		good |= swipe->track[i].length;
		bad |= swipe->track[i].errors;
	}

	till_count(&msr->till, bad || !good ? TILL_MSR_FAILED_READ : TILL_MSR_GOOD_READ);
	if (!good)
		till_count(&msr->till, TILL_MSR_UNREADABLE_CARD);
}

static void till_msr_take(struct till_msr *msr, const u8 *report)
{
	struct till_msr_swipe *swipe;
	unsigned int i;

	lockdep_assert_held(&msr->till.lock);

	if (msr->count == TILL_MSR_QUEUE) {
		till_msr_pop(msr);
		till_count(&msr->till, TILL_MSR_DROPPED);
	}

	swipe = &msr->queue[(msr->head + msr->count) % TILL_MSR_QUEUE];
	memset(swipe, 0, sizeof(*swipe));
	swipe->size = sizeof(*swipe);
	swipe->sequence = msr->sequence;
	swipe->time_ns = ktime_get_boottime_ns();
	swipe->encode = till_msr_decode_encode(&msr->layout, report);
	for (i = 0; i < TILL_MSR_TRACKS; i++)
		till_msr_decode_track(&msr->layout, i, report,
				      swipe->encode == TILL_MSR_ENCODE_ISO, &swipe->track[i]);
	msr->count++;

	till_msr_count(msr, swipe);
	/* Keeps the time of the oldest when it runs already. */
	schedule_delayed_work(&msr->expire_work, TILL_MSR_KEEP_SECONDS * HZ);
	wake_up_all(&msr->till.wait);
}

/* Atomic: usbhid calls it from the URB's completion. */
static int till_msr_raw_event(struct hid_device *hdev, struct hid_report *report,
			      u8 *data, int size)
{
	struct till_msr *msr = hid_get_drvdata(hdev);
	unsigned long flags;

	if (report->type != HID_INPUT_REPORT || report->id != msr->layout.report)
		goto wipe;

	if (size < msr->layout.size) {
		till_count(&msr->till, TILL_MSR_COMMUNICATION_ERROR);
		hid_warn_ratelimited(hdev, "swipe of %d bytes dropped, the report has %u\n",
				     size, msr->layout.size);
		goto wipe;
	}

	spin_lock_irqsave(&msr->till.lock, flags);
	if (msr->armed) {
		msr->sequence++;
		till_msr_take(msr, data);
	}
	spin_unlock_irqrestore(&msr->till.lock, flags);

wipe:
	/* The tracks stay neither in usbhid's buffer nor in hid-core's field values. */
	memzero_explicit(data, size);
	return -ECANCELED;
}

/*
 * File operations
 */

static int till_msr_open(struct till_device *tdev)
{
	struct till_msr *msr = to_till_msr(tdev);
	int ret;

	till_msr_set_armed(msr, false);

	/* A reader that a swipe has to wake up misses the swipe. */
	ret = hid_hw_power(msr->hdev, PM_HINT_FULLON);
	if (ret < 0)
		return ret;

	ret = hid_hw_open(msr->hdev);
	if (ret)
		hid_hw_power(msr->hdev, PM_HINT_NORMAL);
	return ret;
}

static void till_msr_close(struct till_device *tdev)
{
	struct till_msr *msr = to_till_msr(tdev);

	hid_hw_close(msr->hdev);
	hid_hw_power(msr->hdev, PM_HINT_NORMAL);
	till_msr_set_armed(msr, false);
	cancel_delayed_work_sync(&msr->expire_work);
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
	struct till_msr_swipe swipe;
	ssize_t ret;

	do {
		ret = till_msr_wait(msr, nonblock);
		if (ret)
			return ret;

		swipe.size = 0;
		spin_lock_irq(&msr->till.lock);
		if (!msr->till.connected)
			ret = -ENODEV;
		else if (msr->count)
			swipe = msr->queue[msr->head];
		spin_unlock_irq(&msr->till.lock);
		if (ret)
			return ret;
	} while (!swipe.size);

	ret = copy_to_user(buf, &swipe, count) ? -EFAULT : count;

	/* It may have been dropped meanwhile, by an overflow or by arming. */
	spin_lock_irq(&msr->till.lock);
	if (ret > 0 && msr->count && msr->queue[msr->head].sequence == swipe.sequence)
		till_msr_pop(msr);
	spin_unlock_irq(&msr->till.lock);

	memzero_explicit(&swipe, sizeof(swipe));
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

	if (nonblock) {
		if (!mutex_trylock(&msr->read_mutex))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&msr->read_mutex)) {
		return -ERESTARTSYS;
	}

	ret = till_msr_read_locked(msr, buf, count, nonblock);
	mutex_unlock(&msr->read_mutex);
	return ret;
}

static __poll_t till_msr_poll(struct till_device *tdev)
{
	return to_till_msr(tdev)->count ? EPOLLIN | EPOLLRDNORM : 0;
}

static long till_msr_ioctl(struct till_device *tdev, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case TILL_MSR_ARM:
		till_msr_set_armed(to_till_msr(tdev), true);
		return 0;
	case TILL_MSR_DISARM:
		till_msr_set_armed(to_till_msr(tdev), false);
		return 0;
	default:
		return -ENOTTY;
	}
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
TILL_STATISTIC(communication_error_count, TILL_MSR_COMMUNICATION_ERROR);

static struct attribute *till_msr_statistics[] = {
	&till_statistic_good_read_count.attr.attr,
	&till_statistic_failed_read_count.attr.attr,
	&till_statistic_unreadable_card_count.attr.attr,
	&till_statistic_dropped_read_count.attr.attr,
	&till_statistic_communication_error_count.attr.attr,
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

/* Returns whether the usage at this bit offset is part of a swipe. */
static bool till_msr_layout_usage(struct till_msr_layout *layout, u32 usage, unsigned int offset)
{
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		if (usage == TILL_MSR_USAGE_LENGTH + i) {
			layout->track[i].length = offset;
			return true;
		}
		if (usage == TILL_MSR_USAGE_DATA + i) {
			if (!layout->track[i].room)
				layout->track[i].data = offset;
			/* Bytes that do not follow one another are not text. */
			if (layout->track[i].data + layout->track[i].room == offset)
				layout->track[i].room++;
			return true;
		}
	}
	return false;
}

static bool till_msr_layout_report(struct till_msr_layout *layout, struct hid_report *report)
{
	bool found = false;
	unsigned int i, j;

	memset(layout, 0, sizeof(*layout));
	layout->report = report->id;
	layout->size = hid_report_len(report);
	layout->encode = TILL_MSR_NOWHERE;
	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		layout->track[i].status = TILL_MSR_NOWHERE;
		layout->track[i].length = TILL_MSR_NOWHERE;
	}

	for (i = 0; i < report->maxfield; i++) {
		struct hid_field *field = report->field[i];

		if (field->report_size != 8 || field->report_offset % 8)
			continue;

		for (j = 0; j < field->maxusage && j < field->report_count; j++) {
			unsigned int offset = field->report_offset / 8 + j + !!report->id;

			if (offset < layout->size)
				found |= till_msr_layout_usage(layout, field->usage[j].hid, offset);
		}
	}

	return found && (layout->track[0].room || layout->track[1].room || layout->track[2].room);
}

static bool till_msr_is_vendor(struct hid_report *report)
{
	return !report->id && hid_report_len(report) == TILL_MSR_VENDOR_SIZE &&
	       report->field[0]->maxusage &&
	       report->field[0]->usage[0].hid >> 16 == TILL_MSR_VENDOR_PAGE;
}

static int till_msr_find_layout(struct till_msr *msr)
{
	struct hid_report_enum *inputs = &msr->hdev->report_enum[HID_INPUT_REPORT];
	struct hid_report *report;

	list_for_each_entry(report, &inputs->report_list, list) {
		if (!report->maxfield)
			continue;

		if (till_msr_layout_report(&msr->layout, report))
			return 0;

		if (till_msr_is_vendor(report)) {
			msr->layout = till_msr_vendor_layout;
			return 0;
		}
	}

	hid_err(msr->hdev, "no report with tracks: is the reader in another mode?\n");
	return -ENODEV;
}

/*
 * Binding
 */

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
	hid_set_drvdata(hdev, msr);

	ret = till_device_init(&msr->till, &till_msr_info, &till_msr_operations, &hdev->dev);
	if (ret)
		goto err_put;

	msr->till.vendor = hdev->vendor;
	msr->till.product = hdev->product;
	msr->till.bcd = hdev->version;
	msr->till.features = TILL_MSR_FEATURE_DECODED;

	ret = till_msr_find_layout(msr);
	if (ret)
		goto err_put;

	ret = hid_hw_start(hdev, HID_CONNECT_DRIVER);
	if (ret)
		goto err_put;

	ret = till_device_register(&msr->till);
	if (ret)
		goto err_stop;

	hid_info(hdev, "magstripe reader is %s\n", dev_name(&msr->till.dev));
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

	till_device_unregister(&msr->till);
	hid_hw_stop(hdev);
	put_device(&msr->till.dev);
}

/* What each is, and where its id is from: Documentation/supported-devices.md. */
static const struct hid_device_id till_msr_ids[] = {
	/* MagTek SureSwipe, Mini Swipe Reader */
	{ HID_USB_DEVICE(0x0801, 0x0002) },
	/* MagTek Insert Reader */
	{ HID_USB_DEVICE(0x0801, 0x0003) },
	/* MagTek MagneSafe: Dynamag, uDynamo, BulleT */
	{ HID_USB_DEVICE(0x0801, 0x0011) },
	/* ID TECH SecureMag */
	{ HID_USB_DEVICE(0x0acd, 0x2010) },
	/* ID TECH MiniMag */
	{ HID_USB_DEVICE(0x0acd, 0x0500) },
	/* NCR K016, ISO, 3 tracks */
	{ HID_USB_DEVICE(0x0404, 0x0328) },
	/* NCR K018, JIS, 2 tracks */
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
