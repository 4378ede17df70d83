/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: a receipt printer, between what it is sent (till_printer.c) and what it
 * says (till_printer_status.c)
 */
#ifndef _TILL_PRINTER_H
#define _TILL_PRINTER_H

#include <linux/bits.h>
#include <linux/kfifo.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/usb.h>
#include <linux/workqueue.h>

#include "till.h"
#include "till_escpos.h"
#include "till_usb.h"

#define TILL_PRINTER_OUT_URBS	4
#define TILL_PRINTER_OUT_SIZE	4096
#define TILL_PRINTER_REPLIES	4096

#define TILL_PRINTER_CONTROL_MS	1000

/* Class requests, printer class 4.2 */
#define USBPRN_GET_DEVICE_ID	0
#define USBPRN_GET_PORT_STATUS	1
#define USBPRN_SOFT_RESET	2

enum till_printer_statistic {
	TILL_PRINTER_WRITTEN = TILL_STATISTICS_COMMON,
	TILL_PRINTER_COVER,
	TILL_PRINTER_PAPER_END,
	TILL_PRINTER_FAILED_CUT,
	TILL_PRINTER_FAULT,
};

/**
 * struct till_printer - a receipt printer
 * @till: node
 * @udev: device
 * @intf: printer interface
 * @device_id: IEEE 1284 device id
 * @device_id_length: bytes of it; zero if there is none
 * @out_urb: data to the printer
 * @out_buf: their buffers, TILL_PRINTER_OUT_SIZE bytes each
 * @out_pipe: bulk OUT
 * @error_work: takes back what is behind a failed URB
 * @write_mutex: one writer at a time; held while it waits for the printer
 * @control_mutex: one class request of a program at a time; held during a reset
 * @in: back channel; stopped while the node is closed
 * @in_buf: its buffer
 * @read_mutex: one reader at a time; held while it waits for the printer
 *
 * The rest is under till.lock:
 *
 * @stopped: the URBs are poisoned
 * @cut: there was data in flight, or about to be, at the last stop, and it is told
 * @out_free: bit mask of @out_urb that are not in use
 * @out_next: the one of @out_urb to be used next; they go round, so that what is in
 *	flight is in the order before it
 * @out_error: to be told by the next write() or fsync()
 * @late_error: the same, of a write() that told the bytes it had taken; no soft
 *	reset under way clears it
 * @out_halted: bulk OUT stalled
 * @recovering: an URB failed, and error_work has not yet dealt with it
 * @resetting: soft resets under way
 * @breaks: times that data was lost; a write() under way then ends
 * @accepted: bytes taken from write() since open
 * @completed: bytes of them taken by the printer
 * @escpos: tells automatic status from replies
 * @replies: for read()
 * @replies_gone: how many bytes of @replies have left it without read()
 * @status: what is known; size and event are not used
 */
struct till_printer {
	struct till_device till;
	struct usb_device *udev;
	struct usb_interface *intf;
	u8 *device_id;
	size_t device_id_length;

	struct urb *out_urb[TILL_PRINTER_OUT_URBS];
	u8 *out_buf[TILL_PRINTER_OUT_URBS];
	unsigned int out_pipe;
	struct work_struct error_work;
	/* One writer at a time. */
	struct mutex write_mutex;
	/* One request at a time, and no reset meanwhile. */
	struct mutex control_mutex;

	struct till_listener in;
	u8 *in_buf;
	/* One reader at a time. */
	struct mutex read_mutex;

	bool stopped;
	bool cut;
	unsigned long out_free;
	unsigned int out_next;
	int out_error;
	int late_error;
	bool out_halted;
	bool recovering;
	unsigned int resetting;
	unsigned int breaks;
	u64 accepted;
	u64 completed;
	struct till_escpos escpos;
	DECLARE_KFIFO(replies, u8, TILL_PRINTER_REPLIES);
	u32 replies_gone;
	struct till_printer_status status;
};

static inline struct till_printer *to_till_printer(struct till_device *tdev)
{
	return container_of(tdev, struct till_printer, till);
}

static inline u8 till_printer_ifnum(struct till_printer *printer)
{
	return printer->intf->cur_altsetting->desc.bInterfaceNumber;
}

extern const struct attribute_group till_printer_status_group;

void till_printer_status_init(struct till_printer *printer);
int till_printer_status_alloc(struct till_printer *printer);
void till_printer_status_free(struct till_printer *printer);

int till_printer_ask_port_status(struct till_printer *printer);
void till_printer_forget_status(struct till_printer *printer);
long till_printer_get_status(struct till_printer *printer, void __user *arg);

ssize_t till_printer_read(struct till_device *tdev, char __user *buf, size_t count,
			  bool nonblock);
void till_printer_drop_replies(struct till_printer *printer);

#endif /* _TILL_PRINTER_H */
