// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: EMV readers, USB class CCID 1.1
 *
 * Framing only: a block or APDU goes into PC_to_RDR_XfrBlock messages and comes
 * out of RDR_to_PC_DataBlock ones. What is in them is the business of userspace.
 *
 * One command is in flight at a time: OUT URB, then IN URB, again for each part
 * of a chain and each time extension, until till_emv_finish(). recover_work is
 * the only thing that ends a command by force: at its deadline, at ABORT, when
 * the pipe fails. It kills the URBs and aborts the command at the reader.
 *
 * till_emv_stop() and till_emv_start() are common to disconnect, suspend and
 * reset. Between them the exchange is BUSY for userspace.
 */

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>
#include <linux/usb.h>

#include "till.h"

/* CCID class descriptor, 5.1 */
#define CCID_DT			0x21

struct ccid_descriptor {
	u8 bLength;
	u8 bDescriptorType;
	__le16 bcdCCID;
	u8 bMaxSlotIndex;
	u8 bVoltageSupport;
	__le32 dwProtocols;
	__le32 dwDefaultClock;
	__le32 dwMaximumClock;
	u8 bNumClockSupported;
	__le32 dwDataRate;
	__le32 dwMaxDataRate;
	u8 bNumDataRatesSupported;
	__le32 dwMaxIFSD;
	__le32 dwSynchProtocols;
	__le32 dwMechanical;
	__le32 dwFeatures;
	__le32 dwMaxCCIDMessageLength;
	u8 bClassGetResponse;
	u8 bClassEnvelope;
	__le16 wLcdLayout;
	u8 bPINSupport;
	u8 bMaxCCIDBusySlots;
} __packed;

#define CCID_FEATURE_VOLTAGE	0x00000008
#define CCID_FEATURE_LEVEL	0x00070000
#define CCID_LEVEL_TPDU		0x00010000
#define CCID_LEVEL_SHORT	0x00020000
#define CCID_LEVEL_EXTENDED	0x00040000

/* Messages, 6.1 and 6.2; the last three bytes are the message's own. */
struct ccid_message {
	u8 type;
	__le32 length;
	u8 slot;
	u8 seq;
	union {
		u8 param[3];
		struct {
			u8 status;
			u8 error;
			u8 chain;
		};
	};
	u8 data[];
} __packed;

#define CCID_HEADER		sizeof(struct ccid_message)

#define CCID_SET_PARAMETERS	0x61
#define CCID_POWER_ON		0x62
#define CCID_POWER_OFF		0x63
#define CCID_GET_SLOT_STATUS	0x65
#define CCID_GET_PARAMETERS	0x6c
#define CCID_XFR_BLOCK		0x6f
#define CCID_ABORT		0x72

#define CCID_DATA_BLOCK		0x80
#define CCID_SLOT_STATUS	0x81
#define CCID_PARAMETERS		0x82

#define CCID_NOTIFY_SLOT_CHANGE	0x50
#define CCID_HARDWARE_ERROR	0x51

#define CCID_STATUS_CARD	0x03
#define CCID_STATUS_ACTIVE	0x00
#define CCID_STATUS_ABSENT	0x02
#define CCID_STATUS_COMMAND	0xc0
#define CCID_STATUS_DONE	0x00
#define CCID_STATUS_EXTENSION	0x80

#define CCID_ERROR_ABORTED	0xff
#define CCID_ERROR_PIN_TIMEOUT	0xf0
#define CCID_ERROR_PIN_CANCEL	0xef

#define CCID_CHAIN_WHOLE	0x00
#define CCID_CHAIN_BEGINS	0x01
#define CCID_CHAIN_ENDS		0x02
#define CCID_CHAIN_CONTINUES	0x03
#define CCID_CHAIN_MORE		0x10

#define CCID_REQUEST_ABORT	1

#define TILL_EMV_MESSAGE_MIN	64
/* Extended command: header, Lc and Le of three and two bytes, 65535 of data. */
#define TILL_EMV_APDU_MAX	65544
#define TILL_EMV_MESSAGE_MAX	(CCID_HEADER + TILL_EMV_APDU_MAX)
/* Extended response: 65536 of data and the status word. */
#define TILL_EMV_RESPONSE_MAX	65538
#define TILL_EMV_SHORT_MAX	261

/* A reader that works says so by time extensions well within this. */
#define TILL_EMV_EXCHANGE_MS	10000
/* No card may hold a terminal longer, whatever it asks for. */
#define TILL_EMV_LIMIT_MS	60000
/* What an extension is worth for each unit of its multiplier. */
#define TILL_EMV_EXTENSION_MS	2000
/* A reader has this long to end an exchange whose card was pulled out. */
#define TILL_EMV_REMOVED_MS	1000
#define TILL_EMV_CONTROL_MS	1000
/* For a command in which a card has no part, or only to lose its power. */
#define TILL_EMV_QUICK_MS	2000
#define TILL_EMV_ABORT_MS	3000
/*
 * Longer than any recovery, two pipes to clear and the abort, that begins at once
 * or at the end of a command that is quick: 7000.
 */
#define TILL_EMV_IDLE_MS	8000
/* Late answers to commands that were given up before a reader counts as mad. */
#define TILL_EMV_STALE_MAX	16
#define TILL_EMV_BACKOFF_MAX_MS	10000

enum till_emv_statistic {
	TILL_EMV_GOOD_EXCHANGE,
	TILL_EMV_FAILED_EXCHANGE,
	TILL_EMV_INSERTION,
	TILL_EMV_COMMUNICATION_ERROR,
};

/**
 * struct till_emv - an EMV reader
 * @till: node
 * @udev: device
 * @intf: CCID interface
 * @level: enum till_emv_level
 * @ccid_features: dwFeatures
 * @voltages: bVoltageSupport
 * @protocols: dwProtocols
 * @slots: slots that the reader has
 * @max_message: dwMaxCCIDMessageLength, clamped
 * @max_block: largest write()
 * @in_pipe: bulk IN
 * @out_pipe: bulk OUT
 * @intr_urb: slot notifications
 * @out_urb: message to the reader
 * @in_urb: message from the reader
 * @intr_buf: of @intr_urb
 * @out_buf: of @out_urb, @max_message bytes; the recovery's while it runs
 * @in_buf: of @in_urb, @in_size bytes; the recovery's while it runs
 * @in_size: @max_message rounded up to whole packets
 * @read_mutex: held while a response is copied out or dropped
 * @recover_work: ends the command by force; armed for the deadline
 * @intr_work: submits @intr_urb again after an error
 * @intr_backoff_ms: delay of @intr_work, doubled by each error
 * @intr_halted: @intr_urb stalled
 *
 * The rest is under till.lock:
 *
 * @stopped: the URBs are poisoned
 * @recovering: recover_work has the pipes
 * @pending: a command of an ioctl whose result is not yet taken
 * @ready: there is a result for read()
 * @cause: why the command is being ended, or 0
 * @halted: a bulk pipe stalled
 * @op: message type of the command in flight, or 0
 * @seq: its bSeq
 * @stale: messages seen that answer another command
 * @deadline: when it is ended, jiffies
 * @limit: which no extension moves beyond, jiffies
 * @result: of the last command
 * @param: byte 9 of its answer
 * @exchange: number of the newest write()
 * @cancelled: number of the newest exchange that was aborted
 * @block: what write() gave
 * @block_length: bytes of it
 * @block_sent: bytes of it given to the reader
 * @response: answer so far, or the answer
 * @response_size: room in @response
 * @response_length: bytes of it
 * @card: enum till_emv_card
 * @insertions: cards put in
 * @untold: an answer told of the newest card, and no notification yet
 */
struct till_emv {
	struct till_device till;
	struct usb_device *udev;
	struct usb_interface *intf;

	u32 level;
	u32 ccid_features;
	u32 voltages;
	u32 protocols;
	u32 slots;
	u32 max_message;
	u32 max_block;

	unsigned int in_pipe;
	unsigned int out_pipe;
	struct urb *intr_urb;
	struct urb *out_urb;
	struct urb *in_urb;
	u8 *intr_buf;
	u8 *out_buf;
	u8 *in_buf;
	size_t in_size;

	/* Keeps a response while it is copied out. */
	struct mutex read_mutex;
	struct delayed_work recover_work;
	struct delayed_work intr_work;
	unsigned int intr_backoff_ms;
	bool intr_halted;

	bool stopped;
	bool recovering;
	bool pending;
	bool ready;
	int cause;
	bool halted;
	u8 op;
	u8 seq;
	unsigned int stale;
	unsigned long deadline;
	unsigned long limit;
	int result;
	u8 param;
	u32 exchange;
	u32 cancelled;
	u8 *block;
	size_t block_length;
	size_t block_sent;
	u8 *response;
	size_t response_size;
	size_t response_length;
	u32 card;
	u32 insertions;
	bool untold;
};

/* What a command of an ioctl brings back. */
struct till_emv_answer {
	u8 param;
	size_t length;
	u8 data[TILL_EMV_ATR_MAX];
};

static struct till_emv *to_till_emv(struct till_device *tdev)
{
	return container_of(tdev, struct till_emv, till);
}

static enum till_emv_exchange till_emv_exchange_state(struct till_emv *emv)
{
	lockdep_assert_held(&emv->till.lock);

	if (emv->ready)
		return TILL_EMV_READY;
	if (emv->op || emv->pending || emv->stopped)
		return TILL_EMV_BUSY;
	return TILL_EMV_IDLE;
}

static void till_emv_drop_response(struct till_emv *emv)
{
	lockdep_assert_held(&emv->till.lock);

	memzero_explicit(emv->response, emv->response_length);
	emv->response_length = 0;
	emv->ready = false;
}

/*
 * Slot
 */

static void till_emv_card_inserted(struct till_emv *emv)
{
	emv->card = TILL_EMV_CARD_PRESENT;
	emv->insertions++;
	till_count(&emv->till, TILL_EMV_INSERTION);
	till_device_changed(&emv->till);
}

static bool till_emv_card_off(struct till_emv *emv)
{
	if (emv->card != TILL_EMV_CARD_POWERED)
		return false;

	emv->card = TILL_EMV_CARD_PRESENT;
	return true;
}

/* Nobody asked for it, so it is news. */
static void till_emv_card_lost_power(struct till_emv *emv)
{
	if (till_emv_card_off(emv))
		till_device_changed(&emv->till);
}

static void till_emv_card_removed(struct till_emv *emv)
{
	emv->card = TILL_EMV_CARD_ABSENT;
	emv->untold = false;
	till_device_changed(&emv->till);

	/* Most readers end the exchange themselves. */
	if (emv->op && !emv->cause && !emv->stopped) {
		emv->cause = -ENOMEDIUM;
		mod_delayed_work(system_long_wq, &emv->recover_work,
				 msecs_to_jiffies(TILL_EMV_REMOVED_MS));
	}
}

static void till_emv_notified(struct till_emv *emv, bool present, bool changed)
{
	lockdep_assert_held(&emv->till.lock);

	if (!present) {
		if (emv->card != TILL_EMV_CARD_ABSENT)
			till_emv_card_removed(emv);
		return;
	}

	/* Present and changed while it was here: out and in again, if it is not old news. */
	if (emv->card == TILL_EMV_CARD_ABSENT || (changed && !emv->untold))
		till_emv_card_inserted(emv);
	emv->untold = false;
}

/*
 * An answer takes the card away or its power, but never brings it: it may have
 * been under way when the card was pulled out.
 */
static void till_emv_heard_status(struct till_emv *emv, u8 status)
{
	lockdep_assert_held(&emv->till.lock);

	status &= CCID_STATUS_CARD;
	if (status == CCID_STATUS_ABSENT) {
		if (emv->card != TILL_EMV_CARD_ABSENT)
			till_emv_card_removed(emv);
	} else if (status != CCID_STATUS_ACTIVE) {
		if (emv->op == CCID_POWER_ON || emv->op == CCID_POWER_OFF)
			till_emv_card_off(emv);
		else
			till_emv_card_lost_power(emv);
	}
}

static void till_emv_intr_retry(struct till_emv *emv)
{
	till_count(&emv->till, TILL_EMV_COMMUNICATION_ERROR);
	emv->intr_backoff_ms = clamp(emv->intr_backoff_ms * 2, 100U,
				     (unsigned int)TILL_EMV_BACKOFF_MAX_MS);
	queue_delayed_work(system_long_wq, &emv->intr_work,
			   msecs_to_jiffies(emv->intr_backoff_ms));
}

static void till_emv_intr_done(struct urb *urb)
{
	struct till_emv *emv = urb->context;
	const u8 *message = urb->transfer_buffer;
	unsigned long flags;

	switch (urb->status) {
	case 0:
		break;
	case -ENOENT:
	case -ECONNRESET:
	case -ESHUTDOWN:
	case -ENODEV:
		return;
	default:
		emv->intr_halted = urb->status == -EPIPE;
		dev_warn_ratelimited(&emv->intf->dev, "card slot notification failed: %d\n",
				     urb->status);
		till_emv_intr_retry(emv);
		return;
	}

	emv->intr_backoff_ms = 0;
	if (urb->actual_length >= 2 && message[0] == CCID_NOTIFY_SLOT_CHANGE) {
		spin_lock_irqsave(&emv->till.lock, flags);
		till_emv_notified(emv, message[1] & 0x01, message[1] & 0x02);
		spin_unlock_irqrestore(&emv->till.lock, flags);
	} else if (urb->actual_length >= 1 && message[0] == CCID_HARDWARE_ERROR) {
		till_count(&emv->till, TILL_EMV_COMMUNICATION_ERROR);
		dev_warn_ratelimited(&emv->intf->dev, "EMV reader reports a hardware error\n");
	}

	switch (usb_submit_urb(urb, GFP_ATOMIC)) {
	case 0:
	case -EPERM:
	case -ENODEV:
		break;
	default:
		till_emv_intr_retry(emv);
	}
}

static void till_emv_intr_work(struct work_struct *work)
{
	struct till_emv *emv = container_of(work, struct till_emv, intr_work.work);
	int ret;

	if (emv->intr_halted && !usb_clear_halt(emv->udev, emv->intr_urb->pipe))
		emv->intr_halted = false;

	ret = usb_submit_urb(emv->intr_urb, GFP_KERNEL);
	if (ret && ret != -EPERM && ret != -ENODEV)
		till_emv_intr_retry(emv);
}

/*
 * Commands
 */

/* Each message is shorter or longer than the one before; no URB is in flight. */
static void till_emv_wipe_messages(struct till_emv *emv)
{
	memzero_explicit(emv->out_buf, emv->max_message);
	memzero_explicit(emv->in_buf, emv->in_size);
}

static void till_emv_finish(struct till_emv *emv, int result)
{
	lockdep_assert_held(&emv->till.lock);

	if (emv->op == CCID_XFR_BLOCK) {
		emv->ready = true;
		emv->result = result;
		till_count(&emv->till, result ? TILL_EMV_FAILED_EXCHANGE : TILL_EMV_GOOD_EXCHANGE);
		memzero_explicit(emv->block, emv->block_length);
		emv->block_length = 0;
		if (result) {
			memzero_explicit(emv->response, emv->response_length);
			emv->response_length = 0;
		}
	} else if (emv->op != CCID_GET_SLOT_STATUS) {
		emv->result = result;
	}

	till_emv_wipe_messages(emv);
	emv->op = 0;
	emv->cause = 0;
	cancel_delayed_work(&emv->recover_work);
	wake_up_all(&emv->till.wait);
}

/* Jiffies from now; one that has passed is now. */
static unsigned long till_emv_left(unsigned long deadline)
{
	unsigned long now = jiffies;

	return time_after(deadline, now) ? deadline - now : 0;
}

static void till_emv_set_deadline(struct till_emv *emv, unsigned int ms)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(ms);

	if (time_after(deadline, emv->limit))
		deadline = emv->limit;
	emv->deadline = deadline;
	/* A cause has a deadline of its own, which an extension does not move. */
	if (!emv->cause)
		mod_delayed_work(system_long_wq, &emv->recover_work, till_emv_left(deadline));
}

/* The pipe failed; whoever killed the URB, or unplugged the reader, ends the command. */
static void till_emv_failed(struct till_emv *emv, int status)
{
	lockdep_assert_held(&emv->till.lock);

	switch (status) {
	case -ENOENT:
	case -ECONNRESET:
	case -EPERM:
		return;
	case -ENODEV:
	case -ESHUTDOWN:
		till_emv_finish(emv, -ENODEV);
		return;
	}

	till_count(&emv->till, TILL_EMV_COMMUNICATION_ERROR);
	dev_warn_ratelimited(&emv->intf->dev,
			     "EMV reader failed a command (%d); aborting it\n", status);
	emv->halted |= status == -EPIPE;
	/* Why it was to end already counts more than how it then did. */
	if (!emv->cause)
		emv->cause = status == -EPROTO ? -EPROTO : -EIO;
	mod_delayed_work(system_long_wq, &emv->recover_work, 0);
}

static int till_emv_send(struct till_emv *emv, const u8 param[3], const u8 *data, size_t length)
{
	struct ccid_message *message = (struct ccid_message *)emv->out_buf;

	lockdep_assert_held(&emv->till.lock);

	message->type = emv->op;
	message->length = cpu_to_le32(length);
	message->slot = 0;
	message->seq = emv->seq;
	memcpy(message->param, param, sizeof(message->param));
	if (length)
		memcpy(emv->out_buf + CCID_HEADER, data, length);
	emv->out_urb->transfer_buffer_length = CCID_HEADER + length;

	return till_usb_error(usb_submit_urb(emv->out_urb, GFP_ATOMIC));
}

/* Gives the reader the next part of the block. */
static int till_emv_send_part(struct till_emv *emv)
{
	size_t left = emv->block_length - emv->block_sent;
	size_t length = min_t(size_t, left, emv->max_message - CCID_HEADER);
	const u8 *data = emv->block + emv->block_sent;
	u8 param[3] = { };

	if (emv->block_sent)
		param[1] = length == left ? CCID_CHAIN_ENDS : CCID_CHAIN_CONTINUES;
	else
		param[1] = length == left ? CCID_CHAIN_WHOLE : CCID_CHAIN_BEGINS;

	emv->block_sent += length;
	return till_emv_send(emv, param, data, length);
}

/* Begins a command in a slot that is IDLE, or READY for GetSlotStatus. */
static int till_emv_begin(struct till_emv *emv, u8 op, const u8 param[3],
			  const u8 *data, size_t length)
{
	bool quick = op == CCID_GET_SLOT_STATUS || op == CCID_POWER_OFF;
	int ret;

	lockdep_assert_held(&emv->till.lock);

	emv->op = op;
	emv->seq++;
	emv->cause = 0;
	emv->stale = 0;
	emv->limit = jiffies + msecs_to_jiffies(TILL_EMV_LIMIT_MS);
	if (op != CCID_GET_SLOT_STATUS)
		emv->response_length = 0;

	if (op == CCID_XFR_BLOCK) {
		memcpy(emv->block, data, length);
		emv->block_length = length;
		emv->block_sent = 0;
		ret = till_emv_send_part(emv);
	} else {
		ret = till_emv_send(emv, param, data, length);
	}
	if (ret) {
		memzero_explicit(emv->block, emv->block_length);
		emv->block_length = 0;
		till_emv_wipe_messages(emv);
		emv->op = 0;
		return ret == -ENODEV || ret == -ENOMEM ? ret : -EIO;
	}

	till_emv_set_deadline(emv, quick ? TILL_EMV_QUICK_MS : TILL_EMV_EXCHANGE_MS);
	return 0;
}

static int till_emv_append(struct till_emv *emv, const u8 *data, size_t length)
{
	size_t room = emv->op == CCID_XFR_BLOCK ? emv->response_size : TILL_EMV_ATR_MAX;

	if (length > room - emv->response_length)
		return -EPROTO;

	memcpy(emv->response + emv->response_length, data, length);
	emv->response_length += length;
	return 0;
}

static int till_emv_error(const struct ccid_message *message)
{
	if ((message->status & CCID_STATUS_CARD) == CCID_STATUS_ABSENT)
		return -ENOMEDIUM;

	switch (message->error) {
	case CCID_ERROR_ABORTED:
	case CCID_ERROR_PIN_CANCEL:
		return -ECANCELED;
	case CCID_ERROR_PIN_TIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

/*
 * Each of these returns 1 when the command is complete, 0 when the reader has
 * been given more of it, or a negative errno.
 */
static int till_emv_got_data(struct till_emv *emv, u8 chain, const u8 *data, size_t length)
{
	static const u8 more[3] = { 0, CCID_CHAIN_MORE, 0 };
	bool sent = emv->block_sent == emv->block_length;
	int ret;

	/* Only extended APDUs are chained; elsewhere the byte means nothing. */
	if (emv->level != TILL_EMV_LEVEL_EXTENDED_APDU)
		chain = CCID_CHAIN_WHOLE;

	if (chain == CCID_CHAIN_MORE) {
		if (sent || length)
			return -EPROTO;
		till_emv_set_deadline(emv, TILL_EMV_EXCHANGE_MS);
		return till_emv_send_part(emv);
	}

	if (!sent)
		return -EPROTO;
	ret = till_emv_append(emv, data, length);
	if (ret)
		return ret;

	switch (chain) {
	case CCID_CHAIN_WHOLE:
	case CCID_CHAIN_ENDS:
		return 1;
	case CCID_CHAIN_BEGINS:
	case CCID_CHAIN_CONTINUES:
		/* A chain of empty parts would never end. */
		if (!length)
			return -EPROTO;
		till_emv_set_deadline(emv, TILL_EMV_EXCHANGE_MS);
		return till_emv_send(emv, more, NULL, 0);
	default:
		return -EPROTO;
	}
}

static int till_emv_got_atr(struct till_emv *emv, const u8 *data, size_t length)
{
	int ret;

	/* It was under way when its card was pulled out. */
	if (emv->cause == -ENOMEDIUM) {
		till_emv_finish(emv, -ENOMEDIUM);
		return 0;
	}

	ret = till_emv_append(emv, data, length);
	if (ret)
		return ret;

	if (emv->card == TILL_EMV_CARD_ABSENT) {
		till_emv_card_inserted(emv);
		emv->untold = true;
	}
	emv->card = TILL_EMV_CARD_POWERED;
	return 1;
}

static int till_emv_got_status(struct till_emv *emv, u8 status)
{
	bool present = (status & CCID_STATUS_CARD) != CCID_STATUS_ABSENT;

	if (emv->op == CCID_POWER_OFF) {
		till_emv_card_off(emv);
	} else if (present && emv->card == TILL_EMV_CARD_ABSENT && emv->cause != -ENOMEDIUM) {
		till_emv_card_inserted(emv);
		emv->untold = true;
	}
	return 1;
}

static int till_emv_got_answer(struct till_emv *emv, const struct ccid_message *message,
			       size_t length)
{
	int ret;

	switch (emv->op) {
	case CCID_XFR_BLOCK:
		if (message->type != CCID_DATA_BLOCK)
			return -EPROTO;
		return till_emv_got_data(emv, message->chain, message->data, length);
	case CCID_POWER_ON:
		if (message->type != CCID_DATA_BLOCK)
			return -EPROTO;
		return till_emv_got_atr(emv, message->data, length);
	case CCID_GET_PARAMETERS:
	case CCID_SET_PARAMETERS:
		if (message->type != CCID_PARAMETERS)
			return -EPROTO;
		emv->param = message->chain;
		ret = till_emv_append(emv, message->data, length);
		return ret ?: 1;
	default:
		if (message->type != CCID_SLOT_STATUS)
			return -EPROTO;
		return till_emv_got_status(emv, message->status);
	}
}

/* Returns what till_emv_got_answer() does, or -EAGAIN for an answer yet to come. */
static int till_emv_got_message(struct till_emv *emv, const struct ccid_message *message,
				size_t size)
{
	size_t length;

	if (size && size < CCID_HEADER)
		return -EPROTO;

	/* An empty packet, or a late answer to a command that was given up. */
	if (!size || message->slot || message->seq != emv->seq)
		return ++emv->stale > TILL_EMV_STALE_MAX ? -EPROTO : -EAGAIN;

	length = le32_to_cpu(message->length);
	if (length > size - CCID_HEADER)
		return -EPROTO;

	if ((message->status & CCID_STATUS_COMMAND) == CCID_STATUS_EXTENSION) {
		till_emv_set_deadline(emv, TILL_EMV_EXCHANGE_MS +
				      message->error * TILL_EMV_EXTENSION_MS);
		return -EAGAIN;
	}

	till_emv_heard_status(emv, message->status);
	if ((message->status & CCID_STATUS_COMMAND) != CCID_STATUS_DONE) {
		till_emv_finish(emv, emv->cause ?: till_emv_error(message));
		return 0;
	}

	return till_emv_got_answer(emv, message, length);
}

static void till_emv_in_done(struct urb *urb)
{
	struct till_emv *emv = urb->context;
	unsigned long flags;
	int ret = urb->status;

	spin_lock_irqsave(&emv->till.lock, flags);
	if (!emv->op || emv->recovering)
		goto unlock;

	if (!ret)
		ret = till_emv_got_message(emv, urb->transfer_buffer, urb->actual_length);

	if (ret == 1)
		till_emv_finish(emv, 0);
	else if (ret == -EAGAIN)
		ret = till_usb_error(usb_submit_urb(urb, GFP_ATOMIC));

	if (ret < 0)
		till_emv_failed(emv, ret);
unlock:
	spin_unlock_irqrestore(&emv->till.lock, flags);
}

static void till_emv_out_done(struct urb *urb)
{
	struct till_emv *emv = urb->context;
	unsigned long flags;
	int ret = urb->status;

	spin_lock_irqsave(&emv->till.lock, flags);
	if (!emv->op || emv->recovering)
		goto unlock;

	if (!ret)
		ret = till_usb_error(usb_submit_urb(emv->in_urb, GFP_ATOMIC));
	if (ret)
		till_emv_failed(emv, ret);
unlock:
	spin_unlock_irqrestore(&emv->till.lock, flags);
}

/*
 * Ending a command by force
 */

/* usb_clear_halt() in a time that a recovery can afford. */
static void till_emv_clear_halt(struct till_emv *emv, unsigned int pipe)
{
	u8 address = usb_pipeendpoint(pipe) | (usb_pipein(pipe) ? USB_DIR_IN : 0);

	if (!usb_control_msg_send(emv->udev, 0, USB_REQ_CLEAR_FEATURE, USB_RECIP_ENDPOINT,
				  USB_ENDPOINT_HALT, address, NULL, 0, TILL_EMV_CONTROL_MS,
				  GFP_NOIO))
		usb_reset_endpoint(emv->udev, address);
}

static int till_emv_abort_command(struct till_emv *emv, u8 seq)
{
	const struct ccid_message *in = (struct ccid_message *)emv->in_buf;
	struct ccid_message *out = (struct ccid_message *)emv->out_buf;
	unsigned long end = jiffies + msecs_to_jiffies(TILL_EMV_ABORT_MS);
	u8 ifnum = emv->intf->cur_altsetting->desc.bInterfaceNumber;
	unsigned long left;
	int actual, ret;

	ret = usb_control_msg_send(emv->udev, 0, CCID_REQUEST_ABORT,
				   USB_DIR_OUT | USB_TYPE_CLASS | USB_RECIP_INTERFACE,
				   seq << 8, ifnum, NULL, 0, TILL_EMV_CONTROL_MS, GFP_NOIO);
	if (ret)
		return ret;

	memset(out, 0, CCID_HEADER);
	out->type = CCID_ABORT;
	out->seq = seq;
	ret = usb_bulk_msg(emv->udev, emv->out_pipe, emv->out_buf, CCID_HEADER, &actual,
			   TILL_EMV_CONTROL_MS);
	if (ret)
		return ret;

	/* What comes before the answer to the abort belongs to the command. */
	while ((left = till_emv_left(end))) {
		ret = usb_bulk_msg(emv->udev, emv->in_pipe, emv->in_buf, emv->in_size, &actual,
				   jiffies_to_msecs(left) ?: 1);
		if (ret)
			return ret;
		if (actual >= CCID_HEADER && in->type == CCID_SLOT_STATUS && in->seq == seq)
			return 0;
	}
	return -ETIMEDOUT;
}

static void till_emv_recover(struct work_struct *work)
{
	struct till_emv *emv = container_of(work, struct till_emv, recover_work.work);
	bool halted;
	int ret;
	u8 seq;

	spin_lock_irq(&emv->till.lock);
	if (!emv->op || emv->stopped) {
		spin_unlock_irq(&emv->till.lock);
		return;
	}
	/* Armed for a command that has ended meanwhile. */
	if (!emv->cause && time_before(jiffies, emv->deadline)) {
		mod_delayed_work(system_long_wq, &emv->recover_work,
				 till_emv_left(emv->deadline));
		spin_unlock_irq(&emv->till.lock);
		return;
	}
	if (!emv->cause)
		emv->cause = -ETIMEDOUT;
	emv->recovering = true;
	halted = emv->halted;
	emv->halted = false;
	seq = emv->seq;
	spin_unlock_irq(&emv->till.lock);

	usb_kill_urb(emv->out_urb);
	usb_kill_urb(emv->in_urb);
	if (halted) {
		till_emv_clear_halt(emv, emv->in_pipe);
		till_emv_clear_halt(emv, emv->out_pipe);
	}

	ret = till_emv_abort_command(emv, seq);
	if (ret && ret != -EPIPE && ret != -ENODEV && ret != -ESHUTDOWN) {
		till_count(&emv->till, TILL_EMV_COMMUNICATION_ERROR);
		dev_warn_ratelimited(&emv->intf->dev,
				     "EMV reader does not abort (%d); if it stays mute, replug it\n",
				     ret);
	}

	spin_lock_irq(&emv->till.lock);
	emv->recovering = false;
	till_emv_finish(emv, emv->cause);
	spin_unlock_irq(&emv->till.lock);
}

/* Has the command in flight ended for this reason. */
static void till_emv_cancel(struct till_emv *emv, int cause)
{
	lockdep_assert_held(&emv->till.lock);

	if (!emv->op || emv->stopped || emv->recovering)
		return;

	if (!emv->cause)
		emv->cause = cause;
	mod_delayed_work(system_long_wq, &emv->recover_work, 0);
}

/*
 * Start and stop
 */

static void till_emv_stop(struct till_emv *emv, int result)
{
	spin_lock_irq(&emv->till.lock);
	emv->stopped = true;
	spin_unlock_irq(&emv->till.lock);

	usb_poison_urb(emv->intr_urb);
	usb_poison_urb(emv->out_urb);
	usb_poison_urb(emv->in_urb);
	cancel_delayed_work_sync(&emv->recover_work);
	cancel_delayed_work_sync(&emv->intr_work);

	spin_lock_irq(&emv->till.lock);
	if (emv->op)
		till_emv_finish(emv, result);
	spin_unlock_irq(&emv->till.lock);
}

static int till_emv_start(struct till_emv *emv, bool lost_power, gfp_t gfp)
{
	static const u8 param[3] = { };
	int ret;

	usb_unpoison_urb(emv->intr_urb);
	usb_unpoison_urb(emv->out_urb);
	usb_unpoison_urb(emv->in_urb);

	emv->intr_backoff_ms = 0;
	/* Without it the reader still works, and answers tell of the card. */
	ret = usb_submit_urb(emv->intr_urb, gfp);
	if (ret && ret != -EPERM && ret != -ENODEV)
		till_emv_intr_retry(emv);

	spin_lock_irq(&emv->till.lock);
	emv->stopped = false;
	if (lost_power)
		till_emv_card_lost_power(emv);
	ret = till_emv_begin(emv, CCID_GET_SLOT_STATUS, param, NULL, 0);
	wake_up_all(&emv->till.wait);
	spin_unlock_irq(&emv->till.lock);
	return ret;
}

static int till_emv_suspend(struct usb_interface *intf, pm_message_t message)
{
	till_emv_stop(usb_get_intfdata(intf), -EIO);
	return 0;
}

static int till_emv_resume(struct usb_interface *intf)
{
	return till_emv_start(usb_get_intfdata(intf), false, GFP_NOIO);
}

static int till_emv_reset_resume(struct usb_interface *intf)
{
	return till_emv_start(usb_get_intfdata(intf), true, GFP_NOIO);
}

static int till_emv_pre_reset(struct usb_interface *intf)
{
	till_emv_stop(usb_get_intfdata(intf), -EIO);
	return 0;
}

static int till_emv_post_reset(struct usb_interface *intf)
{
	/* An error would unbind the driver; the next command tells as well. */
	till_emv_start(usb_get_intfdata(intf), true, GFP_NOIO);
	return 0;
}

/*
 * File operations
 */

static bool till_emv_wait_end(struct till_emv *emv)
{
	return wait_event_timeout(emv->till.wait, !READ_ONCE(emv->op),
				  msecs_to_jiffies(TILL_EMV_IDLE_MS));
}

static int till_emv_open(struct till_device *tdev)
{
	struct till_emv *emv = to_till_emv(tdev);
	int ret;

	ret = usb_autopm_get_interface(emv->intf);
	if (ret)
		return ret;

	/* Nothing of the opener before is met, nor the question that resuming asks. */
	if (!till_emv_wait_end(emv)) {
		usb_autopm_put_interface(emv->intf);
		return -EBUSY;
	}

	spin_lock_irq(&tdev->lock);
	till_emv_drop_response(emv);
	spin_unlock_irq(&tdev->lock);
	return 0;
}

static void till_emv_close(struct till_device *tdev)
{
	struct till_emv *emv = to_till_emv(tdev);
	static const u8 param[3] = { };

	spin_lock_irq(&tdev->lock);
	till_emv_cancel(emv, -ECANCELED);
	spin_unlock_irq(&tdev->lock);
	till_emv_wait_end(emv);

	spin_lock_irq(&tdev->lock);
	till_emv_drop_response(emv);
	/* A card whose answer to reset was not waited for may have power, too. */
	if (!emv->op && !emv->stopped && emv->card != TILL_EMV_CARD_ABSENT)
		till_emv_begin(emv, CCID_POWER_OFF, param, NULL, 0);
	spin_unlock_irq(&tdev->lock);
	till_emv_wait_end(emv);

	usb_autopm_put_interface(emv->intf);
}

static ssize_t till_emv_write(struct till_device *tdev, const char __user *buf,
			      size_t count, bool nonblock)
{
	struct till_emv *emv = to_till_emv(tdev);
	ssize_t ret;
	u8 *data;

	if (!count)
		return -EINVAL;
	if (count > emv->max_block)
		return -EMSGSIZE;

	data = vmemdup_user(buf, count);
	if (IS_ERR(data))
		return PTR_ERR(data);

	ret = till_device_get(tdev);
	if (ret)
		goto free;

	spin_lock_irq(&tdev->lock);
	if (till_emv_exchange_state(emv) == TILL_EMV_IDLE)
		ret = till_emv_begin(emv, CCID_XFR_BLOCK, NULL, data, count);
	else
		ret = -EBUSY;
	if (!ret)
		emv->exchange++;
	spin_unlock_irq(&tdev->lock);

	till_device_put(tdev);
free:
	kvfree_sensitive(data, count);
	return ret ?: count;
}

static int till_emv_take_response(struct till_emv *emv, u32 exchange, char __user *buf,
				  size_t count)
{
	size_t length;
	int ret = 0;

	spin_lock_irq(&emv->till.lock);
	length = emv->response_length;
	if (!emv->till.connected) {
		ret = -ENODEV;
	} else if (emv->exchange != exchange || !emv->ready) {
		ret = emv->exchange != exchange || emv->cancelled == exchange ? -ECANCELED :
										-ENODATA;
	} else if (emv->result) {
		ret = emv->result;
		till_emv_drop_response(emv);
		wake_up_all(&emv->till.wait);
	} else if (length > count) {
		ret = -EMSGSIZE;
	}
	spin_unlock_irq(&emv->till.lock);
	if (ret)
		return ret;

	/* Stable: READY ends under the mutex, or with the device. */
	if (copy_to_user(buf, emv->response, length))
		return -EFAULT;

	spin_lock_irq(&emv->till.lock);
	if (emv->till.connected)
		ret = length;
	else
		ret = -ENODEV;
	till_emv_drop_response(emv);
	wake_up_all(&emv->till.wait);
	spin_unlock_irq(&emv->till.lock);
	return ret;
}

/* The exchange that a read() is for has ended, well or not, or the device is gone. */
static bool till_emv_exchange_over(struct till_emv *emv, u32 exchange)
{
	bool over;

	spin_lock_irq(&emv->till.lock);
	over = emv->ready || emv->op != CCID_XFR_BLOCK || emv->exchange != exchange ||
	       !emv->till.connected;
	spin_unlock_irq(&emv->till.lock);
	return over;
}

static ssize_t till_emv_read(struct till_device *tdev, char __user *buf,
			     size_t count, bool nonblock)
{
	struct till_emv *emv = to_till_emv(tdev);
	bool busy, ready;
	u32 exchange;
	ssize_t ret;

	spin_lock_irq(&tdev->lock);
	ready = emv->ready;
	busy = emv->op == CCID_XFR_BLOCK;
	exchange = emv->exchange;
	spin_unlock_irq(&tdev->lock);

	if (!ready && !busy)
		return -ENODATA;
	if (!ready) {
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(tdev->wait, till_emv_exchange_over(emv, exchange));
		if (ret)
			return ret;
	}

	if (nonblock) {
		if (!mutex_trylock(&emv->read_mutex))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&emv->read_mutex)) {
		return -ERESTARTSYS;
	}
	ret = till_emv_take_response(emv, exchange, buf, count);
	mutex_unlock(&emv->read_mutex);
	return ret;
}

static __poll_t till_emv_poll(struct till_device *tdev)
{
	switch (till_emv_exchange_state(to_till_emv(tdev))) {
	case TILL_EMV_IDLE:
		return EPOLLOUT | EPOLLWRNORM;
	case TILL_EMV_READY:
		return EPOLLIN | EPOLLRDNORM;
	default:
		return 0;
	}
}

/* Runs a command of an ioctl; a signal gives it up and leaves the rest to the recovery. */
static int till_emv_command(struct till_emv *emv, u8 op, const u8 param[3],
			    const u8 *data, size_t length, struct till_emv_answer *ret_answer)
{
	struct till_device *tdev = &emv->till;
	int ret;

	ret = till_device_get(tdev);
	if (ret)
		return ret;

	spin_lock_irq(&tdev->lock);
	if (till_emv_exchange_state(emv) == TILL_EMV_IDLE)
		ret = till_emv_begin(emv, op, param, data, length);
	else
		ret = -EBUSY;
	if (!ret)
		emv->pending = true;
	spin_unlock_irq(&tdev->lock);
	till_device_put(tdev);
	if (ret)
		return ret;

	ret = wait_event_interruptible(tdev->wait,
				       !READ_ONCE(emv->op) || !till_device_connected(tdev));

	spin_lock_irq(&tdev->lock);
	if (!tdev->connected) {
		ret = -ENODEV;
	} else if (emv->op) {
		till_emv_cancel(emv, -ECANCELED);
		ret = -EINTR;
	} else {
		ret = emv->result;
	}
	if (!ret && ret_answer) {
		ret_answer->param = emv->param;
		ret_answer->length = emv->response_length;
		memcpy(ret_answer->data, emv->response, emv->response_length);
	}
	emv->pending = false;
	wake_up_all(&tdev->wait);
	spin_unlock_irq(&tdev->lock);

	return ret;
}

static long till_emv_get_info(struct till_emv *emv, void __user *arg)
{
	struct till_emv_info info;
	int ret;

	ret = till_copy_in(&info, sizeof(info), arg);
	if (ret)
		return ret;

	info.level = emv->level;
	info.ccid_features = emv->ccid_features;
	info.max_block = emv->max_block;
	info.slots = emv->slots;
	info.voltages = emv->voltages;
	info.protocols = emv->protocols;
	info.__reserved = 0;

	return till_copy_out(arg, &info, sizeof(info));
}

static long till_emv_get_state(struct till_emv *emv, void __user *arg)
{
	struct till_emv_state state;
	int ret;

	ret = till_copy_in(&state, sizeof(state), arg);
	if (ret)
		return ret;

	spin_lock_irq(&emv->till.lock);
	state.exchange = till_emv_exchange_state(emv);
	state.card = emv->card;
	state.insertions = emv->insertions;
	state.event = emv->till.event;
	spin_unlock_irq(&emv->till.lock);

	ret = till_copy_out(arg, &state, sizeof(state));
	if (ret)
		return ret;

	/* Only what has arrived is seen. */
	spin_lock_irq(&emv->till.lock);
	emv->till.event_seen = state.event;
	spin_unlock_irq(&emv->till.lock);
	return 0;
}

static long till_emv_power_on(struct till_emv *emv, void __user *arg)
{
	struct till_emv_answer answer = { };
	struct till_emv_power power;
	u8 param[3] = { };
	int ret;

	ret = till_copy_in(&power, sizeof(power), arg);
	if (ret)
		return ret;

	if (power.voltage > TILL_EMV_VOLTAGE_1V8)
		return -EINVAL;
	if (power.voltage == TILL_EMV_VOLTAGE_AUTO) {
		if (!(emv->ccid_features & CCID_FEATURE_VOLTAGE))
			return -EOPNOTSUPP;
	} else if (!(emv->voltages & BIT(power.voltage - 1))) {
		return -EOPNOTSUPP;
	}

	param[0] = power.voltage;
	ret = till_emv_command(emv, CCID_POWER_ON, param, NULL, 0, &answer);
	if (ret)
		return ret;

	power.atr_length = answer.length;
	memcpy(power.atr, answer.data, sizeof(power.atr));
	memset(power.__reserved, 0, sizeof(power.__reserved));
	return till_copy_out(arg, &power, sizeof(power));
}

/* Drops a response that nobody reads, so that a slot that is READY becomes IDLE. */
static int till_emv_drop(struct till_emv *emv)
{
	if (mutex_lock_interruptible(&emv->read_mutex))
		return -EINTR;

	spin_lock_irq(&emv->till.lock);
	if (emv->ready) {
		emv->cancelled = emv->exchange;
		till_emv_drop_response(emv);
		wake_up_all(&emv->till.wait);
	}
	spin_unlock_irq(&emv->till.lock);

	mutex_unlock(&emv->read_mutex);
	return 0;
}

static long till_emv_power_off(struct till_emv *emv)
{
	static const u8 param[3] = { };
	int ret;

	ret = till_emv_drop(emv);
	if (ret)
		return ret;
	return till_emv_command(emv, CCID_POWER_OFF, param, NULL, 0, NULL);
}

static long till_emv_abort(struct till_emv *emv)
{
	long left;

	spin_lock_irq(&emv->till.lock);
	till_emv_cancel(emv, -ECANCELED);
	spin_unlock_irq(&emv->till.lock);

	left = wait_event_interruptible_timeout(emv->till.wait, !READ_ONCE(emv->op) ||
						!till_device_connected(&emv->till),
						msecs_to_jiffies(TILL_EMV_IDLE_MS));
	if (left < 0)
		return -EINTR;
	if (!till_device_connected(&emv->till))
		return -ENODEV;
	if (!left)
		return -ETIMEDOUT;

	return till_emv_drop(emv);
}

static size_t till_emv_parameters_length(u32 protocol)
{
	return protocol ? 7 : 5;
}

static long till_emv_parameters(struct till_emv *emv, unsigned int cmd, void __user *arg)
{
	struct till_emv_answer answer = { };
	struct till_emv_parameters parameters;
	u8 param[3] = { };
	int ret;

	ret = till_copy_in(&parameters, sizeof(parameters), arg);
	if (ret)
		return ret;

	if (cmd == TILL_EMV_GET_PARAMETERS) {
		ret = till_emv_command(emv, CCID_GET_PARAMETERS, param, NULL, 0, &answer);
	} else {
		if (parameters.protocol > 1 ||
		    parameters.length != till_emv_parameters_length(parameters.protocol) ||
		    memchr_inv(parameters.__reserved, 0, sizeof(parameters.__reserved)))
			return -EINVAL;
		param[0] = parameters.protocol;
		ret = till_emv_command(emv, CCID_SET_PARAMETERS, param, parameters.data,
				       parameters.length, &answer);
	}
	if (ret)
		return ret;

	/* What is in force now, which need not be what was asked for. */
	if (answer.param > 1 || answer.length != till_emv_parameters_length(answer.param))
		return -EPROTO;
	parameters.protocol = answer.param;
	parameters.length = answer.length;
	memset(parameters.data, 0, sizeof(parameters.data));
	memcpy(parameters.data, answer.data, answer.length);
	memset(parameters.__reserved, 0, sizeof(parameters.__reserved));
	return till_copy_out(arg, &parameters, sizeof(parameters));
}

static long till_emv_ioctl(struct till_device *tdev, unsigned int cmd, void __user *arg)
{
	struct till_emv *emv = to_till_emv(tdev);

	switch (cmd) {
	case TILL_EMV_GET_INFO:
		return till_emv_get_info(emv, arg);
	case TILL_EMV_GET_STATE:
		return till_emv_get_state(emv, arg);
	case TILL_EMV_POWER_ON:
		return till_emv_power_on(emv, arg);
	case TILL_EMV_POWER_OFF:
		return till_emv_power_off(emv);
	case TILL_EMV_ABORT:
		return till_emv_abort(emv);
	case TILL_EMV_GET_PARAMETERS:
	case TILL_EMV_SET_PARAMETERS:
		return till_emv_parameters(emv, cmd, arg);
	default:
		return -ENOTTY;
	}
}

static void till_emv_release(struct till_device *tdev)
{
	struct till_emv *emv = to_till_emv(tdev);

	usb_free_urb(emv->intr_urb);
	usb_free_urb(emv->out_urb);
	usb_free_urb(emv->in_urb);
	kfree(emv->intr_buf);
	kfree_sensitive(emv->out_buf);
	kfree_sensitive(emv->in_buf);
	kvfree_sensitive(emv->block, emv->max_block);
	kvfree_sensitive(emv->response, emv->response_size);
	usb_put_intf(emv->intf);
	usb_put_dev(emv->udev);
	kfree(emv);
}

static const struct till_operations till_emv_operations = {
	.open		= till_emv_open,
	.close		= till_emv_close,
	.read		= till_emv_read,
	.write		= till_emv_write,
	.poll		= till_emv_poll,
	.ioctl		= till_emv_ioctl,
	.release	= till_emv_release,
};

/*
 * Attributes
 */

static ssize_t card_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[TILL_EMV_CARD_ABSENT] = "absent",
		[TILL_EMV_CARD_PRESENT] = "present",
		[TILL_EMV_CARD_POWERED] = "powered",
	};

	return sysfs_emit(buf, "%s\n", names[READ_ONCE(to_till_emv(to_till_device(dev))->card)]);
}
static DEVICE_ATTR_RO(card);

static struct attribute *till_emv_attrs[] = {
	&dev_attr_card.attr,
	NULL
};

static const struct attribute_group till_emv_group = {
	.attrs = till_emv_attrs,
};

TILL_STATISTIC(good_exchange_count, TILL_EMV_GOOD_EXCHANGE);
TILL_STATISTIC(failed_exchange_count, TILL_EMV_FAILED_EXCHANGE);
TILL_STATISTIC(insertion_count, TILL_EMV_INSERTION);
TILL_STATISTIC(communication_error_count, TILL_EMV_COMMUNICATION_ERROR);

static struct attribute *till_emv_statistics[] = {
	&till_statistic_good_exchange_count.attr.attr,
	&till_statistic_failed_exchange_count.attr.attr,
	&till_statistic_insertion_count.attr.attr,
	&till_statistic_communication_error_count.attr.attr,
	NULL
};

static const struct attribute_group till_emv_statistics_group = {
	.name = "statistics",
	.attrs = till_emv_statistics,
};

static const struct attribute_group *till_emv_groups[] = {
	&till_emv_group,
	&till_emv_statistics_group,
	NULL
};

static const struct device_type till_emv_type = {
	.name	= "emv",
	.groups	= till_emv_groups,
};

static char *till_emv_event[] = { "TILL_EVENT=card", NULL };

static const struct till_kind_info till_emv_info = {
	.kind	= TILL_KIND_EMV,
	.event	= till_emv_event,
	.type	= &till_emv_type,
};

/*
 * Binding
 */

static const struct ccid_descriptor *till_emv_find_in(const u8 *extra, int length)
{
	while (length >= 2 && extra[0] >= 2 && extra[0] <= length) {
		if (extra[1] == CCID_DT && extra[0] >= sizeof(struct ccid_descriptor))
			return (const struct ccid_descriptor *)extra;
		length -= extra[0];
		extra += extra[0];
	}
	return NULL;
}

/* Some readers have the class descriptor behind an endpoint. */
static const struct ccid_descriptor *till_emv_find_descriptor(struct usb_host_interface *alt)
{
	const struct ccid_descriptor *found = till_emv_find_in(alt->extra, alt->extralen);
	unsigned int i;

	for (i = 0; !found && i < alt->desc.bNumEndpoints; i++)
		found = till_emv_find_in(alt->endpoint[i].extra, alt->endpoint[i].extralen);
	return found;
}

static int till_emv_read_descriptor(struct till_emv *emv)
{
	const struct ccid_descriptor *desc = till_emv_find_descriptor(emv->intf->cur_altsetting);

	if (!desc) {
		dev_err(&emv->intf->dev, "EMV reader without a CCID descriptor\n");
		return -ENODEV;
	}

	emv->ccid_features = le32_to_cpu(desc->dwFeatures);
	emv->protocols = le32_to_cpu(desc->dwProtocols);
	emv->voltages = desc->bVoltageSupport;
	emv->slots = desc->bMaxSlotIndex + 1;
	emv->max_message = le32_to_cpu(desc->dwMaxCCIDMessageLength);
	if (emv->max_message < TILL_EMV_MESSAGE_MIN) {
		dev_err(&emv->intf->dev, "EMV reader with messages of %u bytes\n",
			emv->max_message);
		return -ENODEV;
	}
	emv->max_message = min_t(u32, emv->max_message, TILL_EMV_MESSAGE_MAX);

	emv->max_block = emv->max_message - CCID_HEADER;
	emv->response_size = emv->max_message - CCID_HEADER;
	switch (emv->ccid_features & CCID_FEATURE_LEVEL) {
	case CCID_LEVEL_TPDU:
		emv->level = TILL_EMV_LEVEL_TPDU;
		break;
	case CCID_LEVEL_SHORT:
		emv->level = TILL_EMV_LEVEL_SHORT_APDU;
		emv->max_block = min_t(u32, emv->max_block, TILL_EMV_SHORT_MAX);
		break;
	case CCID_LEVEL_EXTENDED:
		emv->level = TILL_EMV_LEVEL_EXTENDED_APDU;
		emv->max_block = TILL_EMV_APDU_MAX;
		emv->response_size = TILL_EMV_RESPONSE_MAX;
		break;
	default:
		dev_err(&emv->intf->dev,
			"EMV reader exchanges characters; one that takes TPDUs or APDUs is needed\n");
		return -ENODEV;
	}

	emv->till.features = TILL_EMV_FEATURE_ABORT | TILL_EMV_FEATURE_PARAMETERS;
	if (desc->bPINSupport)
		emv->till.features |= TILL_EMV_FEATURE_KEYPAD;
	return 0;
}

static int till_emv_alloc(struct till_emv *emv)
{
	struct usb_endpoint_descriptor *in, *out, *intr;
	unsigned int intr_size;
	int ret;

	ret = usb_find_common_endpoints(emv->intf->cur_altsetting, &in, &out, &intr, NULL);
	if (ret) {
		dev_err(&emv->intf->dev, "EMV reader without bulk and interrupt endpoints\n");
		return -ENODEV;
	}

	intr_size = usb_endpoint_maxp(intr);
	if (!usb_endpoint_maxp(in) || !usb_endpoint_maxp(out) || !intr_size)
		return -ENODEV;

	emv->in_size = roundup(emv->max_message, usb_endpoint_maxp(in));
	emv->in_pipe = usb_rcvbulkpipe(emv->udev, in->bEndpointAddress);
	emv->out_pipe = usb_sndbulkpipe(emv->udev, out->bEndpointAddress);

	emv->intr_buf = kzalloc(intr_size, GFP_KERNEL);
	emv->in_buf = kzalloc(emv->in_size, GFP_KERNEL);
	emv->out_buf = kzalloc(emv->max_message, GFP_KERNEL);
	emv->block = kvzalloc(emv->max_block, GFP_KERNEL);
	/* Also holds what an ioctl's command answers. */
	emv->response = kvzalloc(max_t(size_t, emv->response_size, TILL_EMV_ATR_MAX), GFP_KERNEL);
	emv->intr_urb = usb_alloc_urb(0, GFP_KERNEL);
	emv->in_urb = usb_alloc_urb(0, GFP_KERNEL);
	emv->out_urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!emv->intr_buf || !emv->in_buf || !emv->out_buf || !emv->block || !emv->response ||
	    !emv->intr_urb || !emv->in_urb || !emv->out_urb)
		return -ENOMEM;

	usb_fill_int_urb(emv->intr_urb, emv->udev,
			 usb_rcvintpipe(emv->udev, intr->bEndpointAddress), emv->intr_buf,
			 intr_size, till_emv_intr_done, emv, intr->bInterval);
	usb_fill_bulk_urb(emv->in_urb, emv->udev, emv->in_pipe, emv->in_buf, emv->in_size,
			  till_emv_in_done, emv);
	usb_fill_bulk_urb(emv->out_urb, emv->udev, emv->out_pipe, emv->out_buf, 0,
			  till_emv_out_done, emv);
	/* As stopped says. */
	usb_poison_urb(emv->intr_urb);
	usb_poison_urb(emv->in_urb);
	usb_poison_urb(emv->out_urb);
	return 0;
}

static int till_emv_probe(struct usb_interface *intf, const struct usb_device_id *id)
{
	struct usb_device *udev = interface_to_usbdev(intf);
	struct till_emv *emv;
	int ret;

	emv = kzalloc(sizeof(*emv), GFP_KERNEL);
	if (!emv)
		return -ENOMEM;

	emv->udev = usb_get_dev(udev);
	emv->intf = usb_get_intf(intf);
	emv->stopped = true;
	mutex_init(&emv->read_mutex);
	INIT_DELAYED_WORK(&emv->recover_work, till_emv_recover);
	INIT_DELAYED_WORK(&emv->intr_work, till_emv_intr_work);

	ret = till_device_init(&emv->till, &till_emv_info, &till_emv_operations, &intf->dev);
	if (ret)
		goto err_put;

	emv->till.vendor = le16_to_cpu(udev->descriptor.idVendor);
	emv->till.product = le16_to_cpu(udev->descriptor.idProduct);
	emv->till.bcd = le16_to_cpu(udev->descriptor.bcdDevice);

	ret = till_emv_read_descriptor(emv);
	if (ret)
		goto err_put;

	ret = till_emv_alloc(emv);
	if (ret)
		goto err_put;

	usb_set_intfdata(intf, emv);
	/* A suspended reader must still tell of a card. */
	intf->needs_remote_wakeup = 1;

	ret = till_emv_start(emv, false, GFP_KERNEL);
	if (ret)
		goto err_stop;
	/* The first opener finds the slot as it is; a mute reader is shown all the same. */
	till_emv_wait_end(emv);

	ret = till_device_register(&emv->till);
	if (ret)
		goto err_stop;

	dev_info(&intf->dev, "EMV reader is %s\n", dev_name(&emv->till.dev));
	return 0;

err_stop:
	till_emv_stop(emv, -ENODEV);
err_put:
	usb_set_intfdata(intf, NULL);
	put_device(&emv->till.dev);
	return ret;
}

static void till_emv_disconnect(struct usb_interface *intf)
{
	struct till_emv *emv = usb_get_intfdata(intf);

	till_emv_stop(emv, -ENODEV);
	till_device_unregister(&emv->till);
	usb_set_intfdata(intf, NULL);
	put_device(&emv->till.dev);
}

/* What each is, and where its id is from: Documentation/supported-devices.md. */
static const struct usb_device_id till_emv_ids[] = {
	/* HID Global OMNIKEY 3x21 */
	{ USB_DEVICE_INTERFACE_CLASS(0x076b, 0x3031, USB_CLASS_CSCID) },
	/* HID Global OMNIKEY 3021, 3121 */
	{ USB_DEVICE_INTERFACE_CLASS(0x076b, 0x3021, USB_CLASS_CSCID) },
	/* Gemalto PC Twin, IDBridge CT30 */
	{ USB_DEVICE_INTERFACE_CLASS(0x08e6, 0x3437, USB_CLASS_CSCID) },
	/* Gemalto PC Pinpad */
	{ USB_DEVICE_INTERFACE_CLASS(0x08e6, 0x3478, USB_CLASS_CSCID) },
	/* Identiv SCR3310 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0x5116, USB_CLASS_CSCID) },
	/* Identiv SCR3500, SCR355 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0x5410, USB_CLASS_CSCID) },
	/* Identiv SPR532 */
	{ USB_DEVICE_INTERFACE_CLASS(0x04e6, 0xe003, USB_CLASS_CSCID) },
	/* ACS ACR39U */
	{ USB_DEVICE_INTERFACE_CLASS(0x072f, 0xb100, USB_CLASS_CSCID) },
	/* ACS ACR3901U */
	{ USB_DEVICE_INTERFACE_CLASS(0x072f, 0xb000, USB_CLASS_CSCID) },
	/* Alcor Micro AU9540 */
	{ USB_DEVICE_INTERFACE_CLASS(0x058f, 0x9540, USB_CLASS_CSCID) },
	/* Alcor Micro AU9520 */
	{ USB_DEVICE_INTERFACE_CLASS(0x058f, 0x9520, USB_CLASS_CSCID) },
	/* Athena ASEDrive IIIe */
	{ USB_DEVICE_INTERFACE_CLASS(0x0dc3, 0x1004, USB_CLASS_CSCID) },
	{ }
};
MODULE_DEVICE_TABLE(usb, till_emv_ids);

static struct usb_driver till_emv_driver = {
	.name			= "till-emv",
	.id_table		= till_emv_ids,
	.probe			= till_emv_probe,
	.disconnect		= till_emv_disconnect,
	.suspend		= till_emv_suspend,
	.resume			= till_emv_resume,
	.reset_resume		= till_emv_reset_resume,
	.pre_reset		= till_emv_pre_reset,
	.post_reset		= till_emv_post_reset,
	.supports_autosuspend	= 1,
	.disable_hub_initiated_lpm = 1,
};

int till_emv_init(void)
{
	return usb_register(&till_emv_driver);
}

void till_emv_exit(void)
{
	usb_deregister(&till_emv_driver);
}
