// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: class, nodes and the lifetime of the devices of a payment terminal
 */

#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>
#include <linux/wait_bit.h>

#include "till.h"

#define CREATE_TRACE_POINTS
#include "till_trace.h"

#define TILL_KINDS		3
#define TILL_NODES_PER_KIND	32
#define TILL_MINORS		(TILL_KINDS * TILL_NODES_PER_KIND)

/* A device that changes without end shall not keep udev busy. */
#define TILL_UEVENT_GAP_MS	100

static dev_t till_first;
static struct ida till_ids[TILL_KINDS];
/* Initialized and not yet released; the address is what till_exit() waits at. */
static atomic_t till_devices = ATOMIC_INIT(0);

static ssize_t opened_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(to_till_device(dev)->opened));
}
static DEVICE_ATTR_RO(opened);

static struct attribute *till_attrs[] = {
	&dev_attr_opened.attr,
	NULL
};
ATTRIBUTE_GROUPS(till);

static struct class till_class = {
	.name		= "till",
	.dev_groups	= till_groups,
};

static struct ida *till_ida(const struct till_kind_info *info)
{
	return &till_ids[info->kind - TILL_KIND_MSR];
}

/*
 * Structures that begin with their size
 */

/**
 * till_copy_in() - take a size-first structure from userspace
 * @dst: kernel's structure; begins with __u32 size
 * @ksize: size of @dst
 * @arg: user's structure
 *
 * Afterwards the size member holds the user's size, as it was when it was
 * checked, for till_copy_out().
 *
 * Return: 0, -EINVAL for a size that does not hold itself, -E2BIG for a longer
 * structure with something in it that is not known here, -EFAULT
 */
int till_copy_in(void *dst, size_t ksize, void __user *arg)
{
	u32 usize;
	int ret;

	if (get_user(usize, (u32 __user *)arg))
		return -EFAULT;
	if (usize < sizeof(usize))
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;

	ret = copy_struct_from_user(dst, ksize, arg, usize);
	if (ret)
		return ret;

	*(u32 *)dst = usize;
	return 0;
}

/**
 * till_copy_out() - give a size-first structure back
 * @arg: user's structure
 * @src: kernel's structure after till_copy_in()
 * @ksize: size of @src
 *
 * Fills the user's structure as far as it goes; what is longer is zero already.
 *
 * Return: 0 or -EFAULT
 */
int till_copy_out(void __user *arg, const void *src, size_t ksize)
{
	size_t usize = *(const u32 *)src;

	return copy_to_user(arg, src, min(usize, ksize)) ? -EFAULT : 0;
}

static long till_get_info(struct till_device *tdev, void __user *arg)
{
	struct till_info info;
	int ret;

	ret = till_copy_in(&info, sizeof(info), arg);
	if (ret)
		return ret;

	info.kind = tdev->info->kind;
	info.features = tdev->features;
	info.vendor = tdev->vendor;
	info.product = tdev->product;
	info.release = tdev->bcd;
	info.__reserved = 0;

	return till_copy_out(arg, &info, sizeof(info));
}

/*
 * Transport
 */

/**
 * till_device_get() - keep the device from being disconnected
 * @tdev: device
 *
 * Not to be held while waiting for anything but the device's next reply.
 *
 * Return: 0, or -ENODEV when it is gone already
 */
int till_device_get(struct till_device *tdev)
{
	down_read(&tdev->rwsem);
	if (tdev->connected)
		return 0;

	up_read(&tdev->rwsem);
	return -ENODEV;
}

/**
 * till_device_put() - end what till_device_get() began
 * @tdev: device
 */
void till_device_put(struct till_device *tdev)
{
	up_read(&tdev->rwsem);
}

/*
 * Events
 */

static void till_change_work(struct work_struct *work)
{
	struct till_device *tdev = container_of(work, struct till_device,
						change_work.work);

	kobject_uevent_env(&tdev->dev.kobj, KOBJ_CHANGE, tdev->info->event);
}

static void till_announce_change(struct till_device *tdev)
{
	const unsigned long gap = msecs_to_jiffies(TILL_UEVENT_GAP_MS);
	unsigned long delay;

	lockdep_assert_held(&tdev->lock);

	wake_up_all(&tdev->wait);

	/* More than the gap: it has passed, however long ago. */
	delay = tdev->change_next - jiffies;
	if (delay > gap)
		delay = 0;
	if (schedule_delayed_work(&tdev->change_work, delay))
		tdev->change_next = jiffies + delay + gap;
}

/**
 * till_device_seen() - userspace has been told of a change
 * @tdev: device
 * @event: its number, which has arrived
 */
void till_device_seen(struct till_device *tdev, u64 event)
{
	spin_lock_irq(&tdev->lock);
	tdev->event_seen = event;
	spin_unlock_irq(&tdev->lock);
}

/**
 * till_device_changed() - tell userspace that the state is another
 * @tdev: device; its lock is held
 *
 * Numbers the event, wakes pollers and sends a uevent. Pollers are woken by each;
 * changes within TILL_UEVENT_GAP_MS of a uevent are one later uevent. Before
 * register and after unregister only the number rises.
 */
void till_device_changed(struct till_device *tdev)
{
	lockdep_assert_held(&tdev->lock);

	tdev->event++;
	trace_till_changed(tdev);
	if (tdev->connected)
		till_announce_change(tdev);
}

/*
 * File operations
 */

static int till_claim(struct till_device *tdev, bool nonblock)
{
	int ret;

	/* Before the lock: a close that waits for its card must not hold up a refusal. */
	if (test_and_set_bit(0, &tdev->claimed))
		return -EBUSY;

	/* An opener that the new node has called up waits here until it is registered. */
	down_write(&tdev->rwsem);
	ret = tdev->connected ? tdev->ops->open(tdev, nonblock) : -ENODEV;
	WRITE_ONCE(tdev->opened, !ret);
	up_write(&tdev->rwsem);

	if (ret)
		clear_bit_unlock(0, &tdev->claimed);
	return ret;
}

static int till_open(struct inode *inode, struct file *file)
{
	struct till_device *tdev = container_of(inode->i_cdev, struct till_device, cdev);
	int ret;

	ret = stream_open(inode, file);
	if (ret)
		return ret;
	file->private_data = tdev;

	ret = till_claim(tdev, file->f_flags & O_NONBLOCK);
	trace_till_open(tdev, ret);
	dev_dbg(&tdev->dev, "opened by %s (%d): %d\n", current->comm, task_pid_nr(current), ret);
	return ret;
}

static int till_release(struct inode *inode, struct file *file)
{
	struct till_device *tdev = file->private_data;

	if (tdev->ops->drain && !(file->f_flags & O_NONBLOCK))
		tdev->ops->drain(tdev);

	down_write(&tdev->rwsem);
	if (tdev->opened) {
		WRITE_ONCE(tdev->opened, false);
		tdev->ops->close(tdev);
	}
	trace_till_close(tdev, tdev->connected ? 0 : -ENODEV);
	up_write(&tdev->rwsem);

	clear_bit_unlock(0, &tdev->claimed);
	return 0;
}

static ssize_t till_read(struct file *file, char __user *buf, size_t count,
			 loff_t *pos)
{
	struct till_device *tdev = file->private_data;

	if (!till_device_connected(tdev))
		return -ENODEV;
	return tdev->ops->read(tdev, buf, count, file->f_flags & O_NONBLOCK);
}

static ssize_t till_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *pos)
{
	struct till_device *tdev = file->private_data;

	if (!till_device_connected(tdev))
		return -ENODEV;
	if (!tdev->ops->write)
		return -EINVAL;
	return tdev->ops->write(tdev, buf, count, file->f_flags & O_NONBLOCK);
}

static int till_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct till_device *tdev = file->private_data;

	if (!till_device_connected(tdev))
		return -ENODEV;
	if (!tdev->ops->fsync)
		return -EINVAL;
	return tdev->ops->fsync(tdev);
}

static __poll_t till_poll(struct file *file, poll_table *table)
{
	struct till_device *tdev = file->private_data;
	unsigned long flags;
	__poll_t mask;

	poll_wait(file, &tdev->wait, table);

	spin_lock_irqsave(&tdev->lock, flags);
	if (tdev->connected) {
		mask = tdev->ops->poll(tdev);
		if (tdev->event != tdev->event_seen)
			mask |= EPOLLPRI;
	} else {
		mask = EPOLLHUP | EPOLLERR;
	}
	spin_unlock_irqrestore(&tdev->lock, flags);

	return mask;
}

/* What changes something in the device or in its card; to ask for something does not. */
static bool till_ioctl_acts(struct till_device *tdev, unsigned int cmd)
{
	/* Another kind's, whose numbers begin with that kind's, is ENOTTY. */
	if (_IOC_NR(cmd) >> 4 != tdev->info->kind)
		return false;

	switch (cmd) {
	case TILL_EMV_POWER_ON:
	case TILL_EMV_POWER_OFF:
	case TILL_EMV_ABORT:
	case TILL_EMV_SET_PARAMETERS:
	case TILL_EMV_SET_WAITING:
	case TILL_EMV_VERIFY_PIN:
	case TILL_PRINTER_SOFT_RESET:
		return true;
	default:
		return false;
	}
}

static long till_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct till_device *tdev = file->private_data;

	if (!till_device_connected(tdev))
		return -ENODEV;
	if (till_ioctl_acts(tdev, cmd) && !(file->f_mode & FMODE_WRITE))
		return -EBADF;
	if (cmd == TILL_GET_INFO)
		return till_get_info(tdev, (void __user *)arg);
	return tdev->ops->ioctl(tdev, cmd, (void __user *)arg);
}

static const struct file_operations till_fops = {
	.owner		= THIS_MODULE,
	.open		= till_open,
	.release	= till_release,
	.read		= till_read,
	.write		= till_write,
	.fsync		= till_fsync,
	.poll		= till_poll,
	.unlocked_ioctl	= till_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/*
 * Devices
 */

ssize_t till_statistic_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct till_statistic *statistic = container_of(attr, struct till_statistic, attr);
	struct till_device *tdev = to_till_device(dev);

	return sysfs_emit(buf, "%lu\n",
			  (unsigned long)atomic_long_read(&tdev->statistics[statistic->index]));
}

static ssize_t hours_powered_count_show(struct device *dev, struct device_attribute *attr,
					char *buf)
{
	time64_t seconds = ktime_get_seconds() - to_till_device(dev)->registered;

	return sysfs_emit(buf, "%llu\n", div_u64(seconds, 3600));
}

struct till_statistic till_communication_error_count = {
	.attr = __ATTR(communication_error_count, 0444, till_statistic_show, NULL),
	.index = TILL_COMMUNICATION_ERROR,
};

struct device_attribute till_hours_powered_count = __ATTR_RO(hours_powered_count);

static void till_device_release(struct device *dev)
{
	struct till_device *tdev = to_till_device(dev);

	if (tdev->id >= 0)
		ida_free(till_ida(tdev->info), tdev->id);
	tdev->ops->release(tdev);
	if (atomic_dec_and_test(&till_devices))
		wake_up_var(&till_devices);
}

/**
 * till_device_init() - make a zeroed till_device one that can be put
 * @tdev: embedded in the driver's structure
 * @info: its kind
 * @ops: its driver
 * @parent: USB interface or HID device
 *
 * From here on, after an error too, the structure is freed by put_device() alone.
 *
 * Return: 0, or -ENOSPC when there are too many of the kind, -ENOMEM
 */
int till_device_init(struct till_device *tdev, const struct till_kind_info *info,
		     const struct till_operations *ops, struct device *parent)
{
	unsigned int kind = info->kind - TILL_KIND_MSR;

	tdev->info = info;
	tdev->ops = ops;
	init_rwsem(&tdev->rwsem);
	spin_lock_init(&tdev->lock);
	init_waitqueue_head(&tdev->wait);
	INIT_DELAYED_WORK(&tdev->change_work, till_change_work);
	tdev->change_next = jiffies;

	atomic_inc(&till_devices);
	device_initialize(&tdev->dev);
	tdev->dev.class = &till_class;
	tdev->dev.type = info->type;
	tdev->dev.parent = parent;
	tdev->dev.release = till_device_release;

	cdev_init(&tdev->cdev, &till_fops);
	tdev->cdev.owner = THIS_MODULE;

	tdev->id = ida_alloc_max(till_ida(info), TILL_NODES_PER_KIND - 1, GFP_KERNEL);
	if (tdev->id < 0)
		return tdev->id;

	tdev->dev.devt = till_first + kind * TILL_NODES_PER_KIND + tdev->id;
	return dev_set_name(&tdev->dev, "till-%s%d", info->type->name, tdev->id);
}

/**
 * till_device_register() - show the device to userspace
 * @tdev: device, ready to be opened
 *
 * Return: 0 or a negative errno; on error nothing is left registered
 */
int till_device_register(struct till_device *tdev)
{
	u64 event;
	int ret;

	tdev->registered = ktime_get_seconds();
	spin_lock_irq(&tdev->lock);
	event = tdev->event;
	spin_unlock_irq(&tdev->lock);
	/* An opener must find it connected; uevents are for a device that is added. */
	down_write(&tdev->rwsem);
	ret = cdev_device_add(&tdev->cdev, &tdev->dev);
	if (!ret) {
		spin_lock_irq(&tdev->lock);
		WRITE_ONCE(tdev->connected, true);
		/* Whoever was called up by the new node may have looked before it. */
		if (tdev->event != event)
			till_announce_change(tdev);
		spin_unlock_irq(&tdev->lock);
		trace_till_device_register(tdev);
	}
	up_write(&tdev->rwsem);
	return ret;
}

/**
 * till_device_unregister() - take the device from userspace
 * @tdev: device; the driver has stopped its URBs, and nothing waits for them
 *
 * When it returns the transport is not used any more and no uevent is pending.
 * The caller's reference remains.
 */
void till_device_unregister(struct till_device *tdev)
{
	trace_till_device_unregister(tdev);

	/* Sleepers first: none of them holds the lock, but it makes them quick. */
	spin_lock_irq(&tdev->lock);
	WRITE_ONCE(tdev->connected, false);
	spin_unlock_irq(&tdev->lock);
	wake_up_all(&tdev->wait);

	down_write(&tdev->rwsem);
	if (tdev->opened) {
		WRITE_ONCE(tdev->opened, false);
		tdev->ops->close(tdev);
	}
	up_write(&tdev->rwsem);

	cancel_delayed_work_sync(&tdev->change_work);
	cdev_device_del(&tdev->cdev, &tdev->dev);
}

/* The driver core may let go of a device after its driver has gone. */
static void till_wait_for_releases(void)
{
	unsigned int i;

	wait_var_event(&till_devices, !atomic_read(&till_devices));
	for (i = 0; i < TILL_KINDS; i++)
		ida_destroy(&till_ids[i]);
}

static int __init till_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < TILL_KINDS; i++)
		ida_init(&till_ids[i]);

	ret = class_register(&till_class);
	if (ret)
		return ret;

	ret = alloc_chrdev_region(&till_first, 0, TILL_MINORS, "till");
	if (ret)
		goto err_class;

	ret = till_msr_init();
	if (ret)
		goto err_region;

	ret = till_emv_init();
	if (ret)
		goto err_msr;

	ret = till_printer_init();
	if (ret)
		goto err_emv;

	return 0;

err_emv:
	till_emv_exit();
err_msr:
	till_msr_exit();
err_region:
	unregister_chrdev_region(till_first, TILL_MINORS);
err_class:
	class_unregister(&till_class);
	till_wait_for_releases();
	return ret;
}

static void __exit till_exit(void)
{
	till_printer_exit();
	till_emv_exit();
	till_msr_exit();
	unregister_chrdev_region(till_first, TILL_MINORS);
	class_unregister(&till_class);
	till_wait_for_releases();
}

module_init(till_init);
module_exit(till_exit);

MODULE_DESCRIPTION("Magstripe readers, EMV readers and receipt printers of a payment terminal");
MODULE_AUTHOR("The tilld authors");
MODULE_LICENSE("GPL");
/* That of the daemon whose package this is from. */
MODULE_VERSION("0.1.0");
