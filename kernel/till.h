/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: what the core and the three device drivers know of each other
 *
 * Lifetime: a driver embeds struct till_device in its own structure. The
 * structure lives until the last reference to till_device.dev is gone: the
 * driver holds one from probe to disconnect, every open file one through its
 * cdev. Then the device's release function calls ops->release, which frees all.
 *
 * Disconnect: the driver first stops its URBs, so that nobody sleeps for the
 * device, then calls till_device_unregister(). After that the device is never
 * touched again; files that are still open see -ENODEV and EPOLLHUP.
 */
#ifndef _TILL_H
#define _TILL_H

#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/till.h>

#define TILL_STATISTICS_MAX	16

/* Counted for every kind; a driver's own begin with TILL_STATISTICS_COMMON. */
enum till_statistic_index {
	TILL_COMMUNICATION_ERROR,
	TILL_STATISTICS_COMMON,
};

/* Why a swipe was not handed to userspace, for the trace events. */
enum till_msr_drop {
	TILL_MSR_DROP_DISARMED,
	TILL_MSR_DROP_OVERFLOW,
	TILL_MSR_DROP_EXPIRED,
	TILL_MSR_DROP_BROKEN,
};

struct till_device;

/**
 * struct till_kind_info - what is common to all devices of a kind
 * @kind: for GET_INFO
 * @event: environment of a change uevent, TILL_EVENT=...; NULL for a kind without
 * @type: device type; its name is the DEVTYPE, its groups the attributes
 */
struct till_kind_info {
	enum till_kind kind;
	char **event;
	const struct device_type *type;
};

/**
 * struct till_operations - what a driver does for its node
 * @open: claims the device; under the transport lock, connected
 * @drain: optional: bounded, interruptible wait before @close; no lock held
 * @close: ends what @open began and wipes data; under the transport lock, at
 *	release or at disconnect, whichever comes first; the device may be gone
 * @read: as the file operation; no lock held
 * @write: as the file operation; no lock held; NULL when there is none
 * @fsync: as the file operation; no lock held; NULL when there is none
 * @poll: mask of a connected device; atomic
 * @ioctl: commands of the kind, -ENOTTY for others; no lock held
 * @release: frees the structure that embeds the till_device
 */
struct till_operations {
	int (*open)(struct till_device *tdev, bool nonblock);
	void (*drain)(struct till_device *tdev);
	void (*close)(struct till_device *tdev);
	ssize_t (*read)(struct till_device *tdev, char __user *buf,
			size_t count, bool nonblock);
	ssize_t (*write)(struct till_device *tdev, const char __user *buf,
			 size_t count, bool nonblock);
	int (*fsync)(struct till_device *tdev);
	__poll_t (*poll)(struct till_device *tdev);
	long (*ioctl)(struct till_device *tdev, unsigned int cmd,
		      void __user *arg);
	void (*release)(struct till_device *tdev);
};

/**
 * struct till_device - a node and its device
 * @dev: class device; owns the memory
 * @cdev: character device; holds @dev while a file is open
 * @info: the kind
 * @ops: the driver
 * @id: index among the nodes of the kind
 * @features: TILL_*_FEATURE_*
 * @vendor: USB idVendor
 * @product: USB idProduct
 * @bcd: USB bcdDevice
 * @rwsem: transport lock: held for reading around calls that need the device,
 *	never while waiting for a person or a card; for writing to disconnect
 * @lock: protects @connected and the driver's state; taken with irqs off
 * @connected: from register to unregister; under @lock. It is set under @rwsem,
 *	too; unregister clears it and then waits for those who hold @rwsem
 * @claimed: bit 0: a file is open
 * @opened: @ops->open done and @ops->close not yet; under @rwsem
 * @wait: every sleeper and poller of the node
 * @event: number of the newest change; under @lock
 * @event_seen: newest number that userspace was told; under @lock
 * @change_work: sends the change uevent
 * @change_next: when the next one may be sent, jiffies; under @lock
 * @registered: when the node was made, seconds of CLOCK_MONOTONIC
 * @statistics: counters: the common ones, then the driver's
 */
struct till_device {
	struct device dev;
	struct cdev cdev;
	const struct till_kind_info *info;
	const struct till_operations *ops;
	int id;
	u64 features;
	u16 vendor;
	u16 product;
	u16 bcd;

	struct rw_semaphore rwsem;
	/* Protects connected and the driver's state. */
	spinlock_t lock;
	bool connected;
	unsigned long claimed;
	bool opened;

	wait_queue_head_t wait;
	u64 event;
	u64 event_seen;
	struct delayed_work change_work;
	unsigned long change_next;

	time64_t registered;
	atomic_long_t statistics[TILL_STATISTICS_MAX];
};

static inline struct till_device *to_till_device(struct device *dev)
{
	return container_of(dev, struct till_device, dev);
}

static inline bool till_device_connected(struct till_device *tdev)
{
	return READ_ONCE(tdev->connected);
}

static inline void till_count(struct till_device *tdev, unsigned int index)
{
	atomic_long_inc(&tdev->statistics[index]);
}

/* Of a file operation: -EAGAIN where it is another's and nobody waits, -ERESTARTSYS. */
static inline int till_lock(struct mutex *mutex, bool nonblock)
{
	if (nonblock)
		return mutex_trylock(mutex) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(mutex) ? -ERESTARTSYS : 0;
}

struct till_statistic {
	struct device_attribute attr;
	unsigned int index;
};

ssize_t till_statistic_show(struct device *dev, struct device_attribute *attr,
			    char *buf);

#define TILL_STATISTIC(_name, _index)					\
	static struct till_statistic till_statistic_##_name = {		\
		.attr = __ATTR(_name, 0444, till_statistic_show, NULL),	\
		.index = (_index),					\
	}

/* These begin every kind's group of statistics. */
extern struct till_statistic till_communication_error_count;
extern struct device_attribute till_hours_powered_count;

int till_device_init(struct till_device *tdev, const struct till_kind_info *info,
		     const struct till_operations *ops, struct device *parent);
int till_device_register(struct till_device *tdev);
void till_device_unregister(struct till_device *tdev);

int till_device_get(struct till_device *tdev);
void till_device_put(struct till_device *tdev);

void till_device_changed(struct till_device *tdev);
void till_device_seen(struct till_device *tdev, u64 event);

int till_copy_in(void *dst, size_t ksize, void __user *arg);
int till_copy_out(void __user *arg, const void *src, size_t ksize);

int till_msr_init(void);
void till_msr_exit(void);
int till_emv_init(void);
void till_emv_exit(void);
int till_printer_init(void);
void till_printer_exit(void);

#endif /* _TILL_H */
