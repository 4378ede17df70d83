// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: the transport of an EMV reader, see till_ccid.h
 */

#include <linux/minmax.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/usb.h>

#include "till_ccid.h"
#include "till_trace.h"

#define CCID_DT			0x21

#define CCID_FEATURE_LEVEL	0x00070000
#define CCID_LEVEL_CHARACTER	0x00000000
#define CCID_LEVEL_TPDU		0x00010000
#define CCID_LEVEL_SHORT	0x00020000
#define CCID_LEVEL_EXTENDED	0x00040000

/* Messages, 6.1 and 6.2; the last three bytes are the message's own. */
struct till_ccid_message {
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

#define CCID_HEADER		sizeof(struct till_ccid_message)

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

/* A command that the reader does not know; up to the next one, which of its bytes is wrong. */
#define CCID_ERROR_UNKNOWN	0x00
#define CCID_ERROR_BYTE_MAX	0x7f
#define CCID_ERROR_ABORTED	0xff
#define CCID_ERROR_MUTE		0xfe
#define CCID_ERROR_PIN_TIMEOUT	0xf0
#define CCID_ERROR_PIN_CANCEL	0xef

#define CCID_CHAIN_WHOLE	0x00
#define CCID_CHAIN_BEGINS	0x01
#define CCID_CHAIN_ENDS		0x02
#define CCID_CHAIN_CONTINUES	0x03
#define CCID_CHAIN_MORE		0x10

#define CCID_REQUEST_ABORT	1

#define TILL_CCID_MESSAGE_MIN	64
/* Extended command: header, Lc and Le of three and two bytes, 65535 of data. */
#define TILL_CCID_APDU_MAX	65544
#define TILL_CCID_MESSAGE_MAX	(CCID_HEADER + TILL_CCID_APDU_MAX)
/* Extended response: 65536 of data and the status word. */
#define TILL_CCID_RESPONSE_MAX	65538
/* Header, Lc and Le of one byte, 255 of data. */
#define TILL_CCID_SHORT_MAX	261
/* T=0: header, length and 255 of data. A block of T=1 has 259 at most. */
#define TILL_CCID_TPDU_MAX	260
/* What some readers of SCM's firmware say for a TPDU, and what they take (libccid: SCR355). */
#define TILL_CCID_MESSAGE_SCM	263
#define TILL_CCID_MESSAGE_TPDU	271

/* A reader that works says so by time extensions well within this. */
#define TILL_CCID_EXCHANGE_MS	10000
/* No card may hold a terminal longer, whatever it asks for. */
#define TILL_CCID_LIMIT_MS	60000
/* What an extension is worth for each unit of its multiplier. */
#define TILL_CCID_EXTENSION_MS	2000
/* A reader has this long to end an exchange whose card was pulled out. */
#define TILL_CCID_REMOVED_MS	1000
#define TILL_CCID_CONTROL_MS	1000
/*
 * For a command in which a card has no part, or only to lose its power. With the
 * abort, and two pipes to clear before it and after it, it takes 7000: below
 * TILL_CCID_IDLE_MS.
 */
#define TILL_CCID_QUICK_MS	2000
#define TILL_CCID_ABORT_MS	3000
/* Late answers to commands that were given up before a reader counts as mad. */
#define TILL_CCID_STALE_MAX	16
/* Time extensions of one command before it does; an honest one comes each second or so. */
#define TILL_CCID_EXTENSIONS_MAX	1000
/* A reader without an interrupt endpoint is asked so often, when nothing else is heard. */
#define TILL_CCID_ASK_MS	500U

/* Jiffies from now; one that has passed is now. */
static unsigned long till_ccid_left(unsigned long deadline)
{
	unsigned long now = jiffies;

	return time_after(deadline, now) ? deadline - now : 0;
}

/* Has recover_work end the command, for this reason if there is none yet. */
static void till_ccid_end(struct till_ccid *ccid, int cause, unsigned int ms)
{
	/* Why it was to end already counts more than how it then did. */
	if (!ccid->cause)
		ccid->cause = cause;
	ccid->phase = TILL_CCID_ENDING;
	mod_delayed_work(system_long_wq, &ccid->recover_work, msecs_to_jiffies(ms));
}

/*
 * Slot
 */

static void till_ccid_set_card(struct till_ccid *ccid, enum till_emv_card card)
{
	lockdep_assert_held(&ccid->till->lock);

	ccid->card = card;
	trace_till_emv_slot(ccid->till, card, ccid->insertions);
}

static void till_ccid_card_inserted(struct till_ccid *ccid)
{
	ccid->insertions++;
	till_ccid_set_card(ccid, TILL_EMV_CARD_PRESENT);
	till_count(ccid->till, TILL_CCID_INSERTION);
	till_device_changed(ccid->till);
}

static bool till_ccid_card_off(struct till_ccid *ccid)
{
	if (ccid->card != TILL_EMV_CARD_POWERED)
		return false;

	till_ccid_set_card(ccid, TILL_EMV_CARD_PRESENT);
	return true;
}

/* Nobody asked for it, so it is news. */
static void till_ccid_card_lost_power(struct till_ccid *ccid)
{
	if (till_ccid_card_off(ccid))
		till_device_changed(ccid->till);
}

static void till_ccid_card_removed(struct till_ccid *ccid)
{
	till_ccid_set_card(ccid, TILL_EMV_CARD_ABSENT);
	ccid->untold = false;
	till_device_changed(ccid->till);

	/* Most readers end the exchange themselves. */
	if (ccid->phase == TILL_CCID_RUNNING)
		till_ccid_end(ccid, -ENOMEDIUM, TILL_CCID_REMOVED_MS);
}

static void till_ccid_notified(struct till_ccid *ccid, bool present, bool changed)
{
	lockdep_assert_held(&ccid->till->lock);

	if (!present) {
		if (ccid->card != TILL_EMV_CARD_ABSENT)
			till_ccid_card_removed(ccid);
		return;
	}

	/* Present and changed while it was here: out and in again, if it is not old news. */
	if (ccid->card == TILL_EMV_CARD_ABSENT || (changed && !ccid->untold))
		till_ccid_card_inserted(ccid);
	ccid->untold = false;
}

/*
 * An answer takes the card away or its power, but never brings it: it may have
 * been under way when the card was pulled out.
 */
static void till_ccid_heard_status(struct till_ccid *ccid, u8 status)
{
	u8 type = ccid->command->type;

	lockdep_assert_held(&ccid->till->lock);

	status &= CCID_STATUS_CARD;
	if (status == CCID_STATUS_ABSENT) {
		if (ccid->card != TILL_EMV_CARD_ABSENT)
			till_ccid_card_removed(ccid);
	} else if (status != CCID_STATUS_ACTIVE) {
		if (type == CCID_POWER_ON || type == CCID_POWER_OFF)
			till_ccid_card_off(ccid);
		else
			till_ccid_card_lost_power(ccid);
	}
}

static void till_ccid_got_notice(struct till_ccid *ccid, const u8 *message, size_t length)
{
	unsigned long flags;

	if (length >= 2 && message[0] == CCID_NOTIFY_SLOT_CHANGE) {
		spin_lock_irqsave(&ccid->till->lock, flags);
		till_ccid_notified(ccid, message[1] & 0x01, message[1] & 0x02);
		spin_unlock_irqrestore(&ccid->till->lock, flags);
	} else if (length >= 1 && message[0] == CCID_HARDWARE_ERROR) {
		till_count(ccid->till, TILL_COMMUNICATION_ERROR);
		dev_warn_ratelimited(&ccid->intf->dev,
				     "EMV reader reports a hardware error; if it stays, replug it\n");
	}
}

static void till_ccid_intr_done(struct urb *urb)
{
	struct till_ccid *ccid = urb->context;

	if (!till_listener_heard(&ccid->intr))
		return;

	till_ccid_got_notice(ccid, urb->transfer_buffer, urb->actual_length);
	till_listener_go_on(&ccid->intr);
}

/*
 * Commands
 */

/* Not before that time from now, within the limit. */
static void till_ccid_extend(struct till_ccid *ccid, unsigned int ms)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(ms);

	if (time_after(deadline, ccid->limit))
		deadline = ccid->limit;
	if (time_before(deadline, ccid->deadline))
		return;
	ccid->deadline = deadline;
	/* A cause has a deadline of its own, which an extension does not move. */
	if (ccid->phase == TILL_CCID_RUNNING)
		mod_delayed_work(system_long_wq, &ccid->recover_work, till_ccid_left(deadline));
}

static unsigned int till_ccid_time_ms(const struct till_ccid_command *command)
{
	switch (command->type) {
	case CCID_GET_SLOT_STATUS:
	case CCID_POWER_OFF:
		return TILL_CCID_QUICK_MS;
	case CCID_XFR_BLOCK:
		/* bBWI */
		return TILL_CCID_EXCHANGE_MS + command->param[0] * TILL_CCID_EXTENSION_MS;
	default:
		return TILL_CCID_EXCHANGE_MS + command->person_ms;
	}
}

/* Each message is shorter or longer than the one before; no URB is in flight. */
static void till_ccid_wipe_messages(struct till_ccid *ccid)
{
	memzero_explicit(ccid->out_buf, ccid->max_message);
	memzero_explicit(ccid->in_buf, ccid->in_size);
}

static int till_ccid_send(struct till_ccid *ccid, const u8 param[3], const u8 *data, size_t length)
{
	struct till_ccid_message *message = (struct till_ccid_message *)ccid->out_buf;

	lockdep_assert_held(&ccid->till->lock);

	message->type = ccid->command->type;
	message->length = cpu_to_le32(length);
	message->slot = 0;
	/* One more for each message, 6.1: a late answer to a part is none to the next. */
	message->seq = ++ccid->seq;
	memcpy(message->param, param, sizeof(message->param));
	if (length)
		memcpy(ccid->out_buf + CCID_HEADER, data, length);
	ccid->out_urb->transfer_buffer_length = CCID_HEADER + length;

	return till_usb_submit(ccid->out_urb);
}

/* Gives the reader the next part of the command's data, which may be all of it. */
static int till_ccid_send_part(struct till_ccid *ccid)
{
	struct till_ccid_command *command = ccid->command;
	size_t left = command->length - command->sent;
	size_t length = min_t(size_t, left, ccid->max_data);
	const u8 *data = command->data + command->sent;

	if (command->type == CCID_XFR_BLOCK) {
		if (command->sent)
			command->param[1] = length == left ? CCID_CHAIN_ENDS : CCID_CHAIN_CONTINUES;
		else
			command->param[1] = length == left ? CCID_CHAIN_WHOLE : CCID_CHAIN_BEGINS;
	}

	command->sent += length;
	return till_ccid_send(ccid, command->param, data, length);
}

static void till_ccid_complete(struct till_ccid_command *command, int result)
{
	if (command->data)
		memzero_explicit(command->data, command->length);
	if (result && command->answer) {
		memzero_explicit(command->answer, command->answer_length);
		command->answer_length = 0;
	}
	if (command->done)
		command->done(command, result);
}

static int till_ccid_launch(struct till_ccid *ccid, struct till_ccid_command *command)
{
	int ret;

	lockdep_assert_held(&ccid->till->lock);

	ccid->phase = TILL_CCID_RUNNING;
	ccid->command = command;
	ccid->cause = 0;
	ccid->stale = 0;
	ccid->extensions = 0;
	ccid->deadline = jiffies;
	ccid->limit = jiffies + msecs_to_jiffies(TILL_CCID_LIMIT_MS + command->person_ms);

	ret = till_ccid_send_part(ccid);
	trace_till_emv_command_begin(ccid->till, command->type, ccid->seq, command->length);
	if (ret) {
		till_ccid_wipe_messages(ccid);
		ccid->phase = TILL_CCID_IDLE;
		ccid->command = NULL;
		if (ret != -ENODEV && ret != -ENOMEM)
			ret = -EIO;
		trace_till_emv_command_end(ccid->till, command->type, ccid->seq, 0, ret);
		return ret;
	}

	till_ccid_extend(ccid, till_ccid_time_ms(command));
	return 0;
}

static void till_ccid_finish(struct till_ccid *ccid, int result)
{
	struct till_ccid_command *command = ccid->command, *next = ccid->next;
	int ret;

	lockdep_assert_held(&ccid->till->lock);

	cancel_delayed_work(&ccid->recover_work);
	till_ccid_wipe_messages(ccid);
	trace_till_emv_command_end(ccid->till, command->type, ccid->seq,
				   result ? 0 : command->answer_length, result);
	till_ccid_complete(command, result);
	ccid->command = NULL;
	ccid->next = NULL;
	ccid->heard = jiffies;

	if (ccid->phase == TILL_CCID_STOPPED) {
		if (next)
			till_ccid_complete(next, result);
	} else {
		ccid->phase = TILL_CCID_IDLE;
		ret = next ? till_ccid_launch(ccid, next) : 0;
		if (ret)
			till_ccid_complete(next, ret);
	}
	wake_up_all(&ccid->till->wait);
}

/* A pipe or the reader has failed: status says how, and cause is the command's result. */
static void till_ccid_failed(struct till_ccid *ccid, int status, int cause)
{
	lockdep_assert_held(&ccid->till->lock);

	till_count(ccid->till, TILL_COMMUNICATION_ERROR);
	dev_warn_ratelimited(&ccid->intf->dev,
			     "EMV reader failed a command (%d); aborting it; if it stays, replug the reader\n",
			     status);
	till_ccid_end(ccid, cause, 0);
}

/**
 * till_ccid_begin() - give the reader a command
 * @ccid: transport
 * @command: with type, param, data, length, answer, answer_room and done set
 *
 * Called with till_device.lock held. A question for the slot's state that the
 * transport asks of itself, and a command that is being ended, are waited for, by
 * @command and not by the caller.
 *
 * Return: 0, and then done() will be called; -EBUSY while there is another
 * command or the transport is stopped, -ENODEV, -ENOMEM, -EIO
 */
int till_ccid_begin(struct till_ccid *ccid, struct till_ccid_command *command)
{
	lockdep_assert_held(&ccid->till->lock);

	if (ccid->phase == TILL_CCID_STOPPED)
		return -EBUSY;

	command->sent = 0;
	command->answer_length = 0;
	if (ccid->phase == TILL_CCID_IDLE)
		return till_ccid_launch(ccid, command);

	if (ccid->next || (ccid->phase == TILL_CCID_RUNNING && ccid->command != &ccid->status))
		return -EBUSY;
	ccid->next = command;
	return 0;
}

static int till_ccid_append(struct till_ccid_command *command, const u8 *data, size_t length)
{
	if (length > command->answer_room - command->answer_length)
		return -EPROTO;

	memcpy(command->answer + command->answer_length, data, length);
	command->answer_length += length;
	return 0;
}

/* What a failed command is, 6.2.6 */
static int till_ccid_error(u8 type, const struct till_ccid_message *message)
{
	if ((message->status & CCID_STATUS_CARD) == CCID_STATUS_ABSENT)
		return -ENOMEDIUM;

	switch (message->error) {
	case CCID_ERROR_ABORTED:
	case CCID_ERROR_PIN_CANCEL:
		return -ECANCELED;
	case CCID_ERROR_PIN_TIMEOUT:
		return -ETIME;
	}

	/* Of other commands the caller has chosen nothing that could be wrong. */
	if (type != CCID_SET_PARAMETERS && type != CCID_GET_PARAMETERS && type != CCID_SECURE)
		return -EIO;
	if (message->error == CCID_ERROR_UNKNOWN)
		return -EOPNOTSUPP;
	return message->error <= CCID_ERROR_BYTE_MAX ? -EINVAL : -EIO;
}

static u8 till_ccid_answer_type(u8 type)
{
	switch (type) {
	case CCID_XFR_BLOCK:
	case CCID_SECURE:
	case CCID_POWER_ON:
		return CCID_DATA_BLOCK;
	case CCID_GET_PARAMETERS:
	case CCID_SET_PARAMETERS:
		return CCID_PARAMETERS;
	default:
		return CCID_SLOT_STATUS;
	}
}

/*
 * Each of these returns 1 when the command is complete, 0 when the reader has
 * been given more of it, or a negative errno.
 */
static int till_ccid_got_data(struct till_ccid *ccid, u8 chain, const u8 *data, size_t length)
{
	static const u8 more[3] = { 0, CCID_CHAIN_MORE, 0 };
	struct till_ccid_command *command = ccid->command;
	bool sent = command->sent == command->length;
	int ret;

	/* Only extended APDUs are chained; elsewhere the byte means nothing. */
	if (ccid->level != TILL_EMV_LEVEL_EXTENDED_APDU)
		chain = CCID_CHAIN_WHOLE;

	/* Some readers ask for more by an empty whole; libccid does not look at all. */
	if (!sent) {
		if (length || (chain != CCID_CHAIN_MORE && chain != CCID_CHAIN_WHOLE))
			return -EPROTO;
		till_ccid_extend(ccid, TILL_CCID_EXCHANGE_MS);
		return till_ccid_send_part(ccid);
	}

	ret = till_ccid_append(command, data, length);
	if (ret)
		return ret;

	switch (chain) {
	case CCID_CHAIN_WHOLE:
	case CCID_CHAIN_ENDS:
		/* An answer ends with SW1 SW2 or is a block: nothing at all is no answer. */
		if (command->answer_length)
			return 1;
		till_ccid_finish(ccid, ccid->cause ?: -EIO);
		return 0;
	case CCID_CHAIN_BEGINS:
	case CCID_CHAIN_CONTINUES:
		/* A chain of empty parts would never end. */
		if (!length)
			return -EPROTO;
		till_ccid_extend(ccid, TILL_CCID_EXCHANGE_MS);
		return till_ccid_send(ccid, more, NULL, 0);
	default:
		return -EPROTO;
	}
}

static int till_ccid_got_atr(struct till_ccid *ccid, const u8 *data, size_t length)
{
	int ret;

	/* It was under way when its card was pulled out. */
	if (ccid->cause == -ENOMEDIUM) {
		till_ccid_finish(ccid, -ENOMEDIUM);
		return 0;
	}
	/* ISO 7816-3: an answer to reset has two characters at least; without one it is mute. */
	if (!length) {
		till_ccid_card_off(ccid);
		till_ccid_finish(ccid, ccid->cause ?: -EIO);
		return 0;
	}

	ret = till_ccid_append(ccid->command, data, length);
	if (ret)
		return ret;

	if (ccid->card == TILL_EMV_CARD_ABSENT) {
		till_ccid_card_inserted(ccid);
		ccid->untold = true;
	}
	till_ccid_set_card(ccid, TILL_EMV_CARD_POWERED);
	return 1;
}

static int till_ccid_got_status(struct till_ccid *ccid, u8 status)
{
	bool present = (status & CCID_STATUS_CARD) != CCID_STATUS_ABSENT;

	if (ccid->command->type == CCID_POWER_OFF) {
		till_ccid_card_off(ccid);
	} else if (present && ccid->card == TILL_EMV_CARD_ABSENT && ccid->cause != -ENOMEDIUM) {
		till_ccid_card_inserted(ccid);
		ccid->untold = true;
	}
	return 1;
}

static int till_ccid_got_answer(struct till_ccid *ccid, const struct till_ccid_message *message,
				size_t length)
{
	struct till_ccid_command *command = ccid->command;
	int ret;

	switch (command->type) {
	case CCID_XFR_BLOCK:
	case CCID_SECURE:
		return till_ccid_got_data(ccid, message->chain, message->data, length);
	case CCID_POWER_ON:
		return till_ccid_got_atr(ccid, message->data, length);
	case CCID_GET_PARAMETERS:
	case CCID_SET_PARAMETERS:
		command->answer_param = message->chain;
		ret = till_ccid_append(command, message->data, length);
		return ret ?: 1;
	default:
		return till_ccid_got_status(ccid, message->status);
	}
}

/* Returns what till_ccid_got_answer() does, or -EAGAIN for an answer yet to come. */
static int till_ccid_got_message(struct till_ccid *ccid, const struct till_ccid_message *message,
				 size_t size)
{
	u8 type = ccid->command->type;
	size_t length;
	u8 status;

	if (size && size < CCID_HEADER)
		return -EPROTO;

	/* An empty packet, or a late answer to a command that was given up. */
	if (!size || message->slot || message->seq != ccid->seq)
		return ++ccid->stale > TILL_CCID_STALE_MAX ? -EPROTO : -EAGAIN;
	ccid->stale = 0;

	length = le32_to_cpu(message->length);
	if (length > size - CCID_HEADER)
		return -EPROTO;

	status = message->status & CCID_STATUS_COMMAND;
	/* A command that a reader does not know may be answered by its slot's status. */
	if (message->type != till_ccid_answer_type(type) &&
	    (message->type != CCID_SLOT_STATUS || status == CCID_STATUS_DONE))
		return -EPROTO;

	if (status == CCID_STATUS_EXTENSION) {
		if (++ccid->extensions > TILL_CCID_EXTENSIONS_MAX)
			return -EPROTO;
		till_ccid_extend(ccid, TILL_CCID_EXCHANGE_MS +
				 message->error * TILL_CCID_EXTENSION_MS);
		return -EAGAIN;
	}

	till_ccid_heard_status(ccid, message->status);
	/* Asked for the slot some readers fail for a card that has not answered to reset. */
	if (type == CCID_GET_SLOT_STATUS && message->error == CCID_ERROR_MUTE)
		status = CCID_STATUS_DONE;
	if (status != CCID_STATUS_DONE) {
		till_ccid_finish(ccid, ccid->cause ?: till_ccid_error(type, message));
		return 0;
	}

	return till_ccid_got_answer(ccid, message, length);
}

/* The URBs that complete are the command's: neither killed nor poisoned yet. */
static bool till_ccid_in_flight(struct till_ccid *ccid)
{
	return ccid->phase == TILL_CCID_RUNNING || ccid->phase == TILL_CCID_ENDING;
}

/* Goes on with what till_ccid_got_message() returned. */
static void till_ccid_go_on(struct till_ccid *ccid, int ret)
{
	lockdep_assert_held(&ccid->till->lock);

	if (ret == -EAGAIN)
		ret = till_usb_submit(ccid->in_urb);

	switch (ret) {
	case 1:
		till_ccid_finish(ccid, 0);
		break;
	case 0:
	case -EAGAIN:
		/* The reader's turn; or poisoned, and till_ccid_stop() ends it. */
		break;
	case -ENODEV:
		till_ccid_finish(ccid, -ENODEV);
		break;
	default:
		till_ccid_failed(ccid, ret, ret == -EPROTO ? -EPROTO : -EIO);
	}
}

/* The reader has the message: its answer is awaited. Or that has come. */
static void till_ccid_done(struct urb *urb)
{
	struct till_ccid *ccid = urb->context;
	unsigned long flags;
	int ret = -EAGAIN;

	spin_lock_irqsave(&ccid->till->lock, flags);
	if (!till_ccid_in_flight(ccid))
		goto unlock;

	switch (till_urb_end(urb)) {
	case TILL_URB_DONE:
		if (urb == ccid->in_urb)
			ret = till_ccid_got_message(ccid, urb->transfer_buffer, urb->actual_length);
		till_ccid_go_on(ccid, ret);
		break;
	case TILL_URB_KILLED:
		break;
	case TILL_URB_GONE:
		till_ccid_finish(ccid, -ENODEV);
		break;
	case TILL_URB_STALLED:
		ccid->halted = true;
		fallthrough;
	case TILL_URB_FAILED:
		till_ccid_failed(ccid, urb->status, -EIO);
		break;
	}
unlock:
	spin_unlock_irqrestore(&ccid->till->lock, flags);
}

/*
 * Ending a command by force
 */

static void till_ccid_clear_halts(struct till_ccid *ccid)
{
	till_usb_clear_halt(ccid->udev, ccid->in_pipe);
	till_usb_clear_halt(ccid->udev, ccid->out_pipe);
}

/* What a transfer before end may take; none waits for ever, which 0 would be. */
static int till_ccid_timeout_ms(unsigned long end, unsigned int max)
{
	return clamp(jiffies_to_msecs(till_ccid_left(end)), 1U, max);
}

/* -EOPNOTSUPP is a reader that does not know the request, -EPIPE a pipe that stalls. */
static int till_ccid_abort_command(struct till_ccid *ccid, u8 seq, unsigned long end)
{
	const struct till_ccid_message *in = (struct till_ccid_message *)ccid->in_buf;
	struct till_ccid_message *out = (struct till_ccid_message *)ccid->out_buf;
	u8 ifnum = ccid->intf->cur_altsetting->desc.bInterfaceNumber;
	int actual, ret;

	ret = usb_control_msg_send(ccid->udev, 0, CCID_REQUEST_ABORT,
				   USB_DIR_OUT | USB_TYPE_CLASS | USB_RECIP_INTERFACE,
				   seq << 8, ifnum, NULL, 0,
				   till_ccid_timeout_ms(end, TILL_CCID_CONTROL_MS), GFP_NOIO);
	if (ret)
		return ret == -EPIPE ? -EOPNOTSUPP : ret;

	memset(out, 0, CCID_HEADER);
	out->type = CCID_ABORT;
	out->seq = seq;
	ret = usb_bulk_msg(ccid->udev, ccid->out_pipe, ccid->out_buf, CCID_HEADER, &actual,
			   till_ccid_timeout_ms(end, TILL_CCID_CONTROL_MS));
	if (ret)
		return ret;

	/* What comes before the answer to the abort belongs to the command. */
	while (till_ccid_left(end)) {
		ret = usb_bulk_msg(ccid->udev, ccid->in_pipe, ccid->in_buf, ccid->in_size, &actual,
				   till_ccid_timeout_ms(end, TILL_CCID_ABORT_MS));
		if (ret)
			return ret;
		if (actual >= CCID_HEADER && in->type == CCID_SLOT_STATUS && in->seq == seq)
			return 0;
	}
	return -ETIMEDOUT;
}

/* A reader that has the request but not the message refuses all commands: again, then. */
static int till_ccid_abort(struct till_ccid *ccid, u8 seq)
{
	unsigned long end = jiffies + msecs_to_jiffies(TILL_CCID_ABORT_MS);
	int ret;

	ret = till_ccid_abort_command(ccid, seq, end);
	if (ret != -EPIPE)
		return ret;

	till_ccid_clear_halts(ccid);
	return till_ccid_abort_command(ccid, seq, end);
}

/* Whether the command has to end now, and then the pipes are the caller's. */
static bool till_ccid_take_pipes(struct till_ccid *ccid)
{
	lockdep_assert_held(&ccid->till->lock);

	switch (ccid->phase) {
	case TILL_CCID_RUNNING:
		/* Armed for a command that has ended meanwhile. */
		if (time_before(jiffies, ccid->deadline)) {
			mod_delayed_work(system_long_wq, &ccid->recover_work,
					 till_ccid_left(ccid->deadline));
			return false;
		}
		ccid->cause = -ETIMEDOUT;
		break;
	case TILL_CCID_ENDING:
		break;
	default:
		return false;
	}

	ccid->phase = TILL_CCID_RECOVERING;
	return true;
}

static void till_ccid_recover(struct work_struct *work)
{
	struct till_ccid *ccid = container_of(work, struct till_ccid, recover_work.work);
	unsigned int noio;
	bool halted;
	int ret;
	u8 seq;

	spin_lock_irq(&ccid->till->lock);
	if (!till_ccid_take_pipes(ccid)) {
		spin_unlock_irq(&ccid->till->lock);
		return;
	}
	halted = ccid->halted;
	ccid->halted = false;
	/* The request and the message have the same, 5.3.1, and the command another. */
	seq = ++ccid->seq;
	trace_till_recover_begin(ccid->till, ccid->cause);
	spin_unlock_irq(&ccid->till->lock);

	/* A reset waits for this, and the device may have a disk; usb_bulk_msg() takes no gfp. */
	noio = memalloc_noio_save();
	usb_kill_urb(ccid->out_urb);
	usb_kill_urb(ccid->in_urb);
	if (halted)
		till_ccid_clear_halts(ccid);

	ret = till_ccid_abort(ccid, seq);
	memalloc_noio_restore(noio);
	if (ret && ret != -EOPNOTSUPP && ret != -ENODEV && ret != -ESHUTDOWN) {
		till_count(ccid->till, TILL_COMMUNICATION_ERROR);
		dev_warn_ratelimited(&ccid->intf->dev,
				     "EMV reader does not abort (%d); if it stays mute, replug it\n",
				     ret);
	}

	trace_till_recover_end(ccid->till, ret);
	dev_dbg(&ccid->intf->dev, "command ended by force, abort %u: %d\n", seq, ret);

	spin_lock_irq(&ccid->till->lock);
	till_ccid_finish(ccid, ccid->cause);
	spin_unlock_irq(&ccid->till->lock);
}

/**
 * till_ccid_cancel() - have a command end soon
 * @ccid: transport
 * @command: it, in flight or not
 * @cause: the result that it is to have, if it has none by then
 *
 * Called with till_device.lock held.
 */
void till_ccid_cancel(struct till_ccid *ccid, struct till_ccid_command *command, int cause)
{
	lockdep_assert_held(&ccid->till->lock);

	if (ccid->next == command) {
		ccid->next = NULL;
		till_ccid_complete(command, cause);
		wake_up_all(&ccid->till->wait);
	} else if (ccid->command == command && till_ccid_in_flight(ccid)) {
		till_ccid_end(ccid, cause, 0);
	}
}

/**
 * till_ccid_is_busy() - whether there is a command
 * @ccid: transport
 *
 * Return: whether one is in flight or being ended
 */
bool till_ccid_is_busy(struct till_ccid *ccid)
{
	bool busy;

	spin_lock_irq(&ccid->till->lock);
	busy = ccid->command;
	spin_unlock_irq(&ccid->till->lock);
	return busy;
}

/**
 * till_ccid_wait_killable() - wait until there is no command, or the caller is ended
 * @ccid: transport
 *
 * What is being cancelled, and something quick behind it, end within the time that
 * this waits.
 */
void till_ccid_wait_killable(struct till_ccid *ccid)
{
	/* Its end takes the signal that killed it away: it would wait to the last. */
	if (current->flags & PF_EXITING)
		return;

	wait_event_killable_timeout(ccid->till->wait, !till_ccid_is_busy(ccid),
				    msecs_to_jiffies(2 * TILL_CCID_IDLE_MS));
}

/**
 * till_ccid_wait_interruptible() - wait until there is no command, or there is a signal
 * @ccid: transport
 *
 * What is quick, or being cancelled, ends within the time that this waits.
 *
 * Return: 0, -ETIMEDOUT or -ERESTARTSYS
 */
int till_ccid_wait_interruptible(struct till_ccid *ccid)
{
	long left;

	left = wait_event_interruptible_timeout(ccid->till->wait, !till_ccid_is_busy(ccid),
						msecs_to_jiffies(TILL_CCID_IDLE_MS));
	if (left < 0)
		return left;
	return left ? 0 : -ETIMEDOUT;
}

/*
 * Watching the slot
 */

/* Asks a reader that cannot tell, unless something has been heard of it just now. */
static void till_ccid_ask(struct till_ccid *ccid)
{
	unsigned long gap = msecs_to_jiffies(ccid->ask_ms);

	lockdep_assert_held(&ccid->till->lock);

	if (!ccid->watched)
		return;
	if (ccid->phase == TILL_CCID_IDLE && time_after(jiffies, ccid->heard + gap / 2))
		till_ccid_begin(ccid, &ccid->status);
	queue_delayed_work(system_long_wq, &ccid->ask_work, gap);
}

/* The more seldom the less it answers. */
static void till_ccid_asked(struct till_ccid_command *command, int result)
{
	struct till_ccid *ccid = container_of(command, struct till_ccid, status);

	ccid->ask_ms = result ? till_backoff(ccid->ask_ms, TILL_CCID_ASK_MS) : TILL_CCID_ASK_MS;
}

static void till_ccid_ask_work(struct work_struct *work)
{
	struct till_ccid *ccid = container_of(work, struct till_ccid, ask_work.work);

	spin_lock_irq(&ccid->till->lock);
	till_ccid_ask(ccid);
	spin_unlock_irq(&ccid->till->lock);
}

/**
 * till_ccid_watch() - have a reader without an interrupt endpoint asked for its slot
 * @ccid: transport
 * @watch: from now on, or no more
 *
 * Others tell of it from till_ccid_start() to till_ccid_stop().
 */
void till_ccid_watch(struct till_ccid *ccid, bool watch)
{
	if (ccid->intr.urb)
		return;

	spin_lock_irq(&ccid->till->lock);
	ccid->watched = watch;
	ccid->ask_ms = TILL_CCID_ASK_MS;
	if (watch && ccid->phase == TILL_CCID_IDLE)
		till_ccid_begin(ccid, &ccid->status);
	till_ccid_ask(ccid);
	spin_unlock_irq(&ccid->till->lock);

	if (!watch)
		cancel_delayed_work_sync(&ccid->ask_work);
}

/*
 * Start and stop
 */

/**
 * till_ccid_stop() - end all transfers
 * @ccid: transport
 * @result: of the command in flight
 *
 * Afterwards no URB, no work and no command is under way.
 */
void till_ccid_stop(struct till_ccid *ccid, int result)
{
	spin_lock_irq(&ccid->till->lock);
	ccid->phase = TILL_CCID_STOPPED;
	spin_unlock_irq(&ccid->till->lock);

	till_listener_stop(&ccid->intr);
	usb_poison_urb(ccid->out_urb);
	usb_poison_urb(ccid->in_urb);
	cancel_delayed_work_sync(&ccid->recover_work);
	cancel_delayed_work_sync(&ccid->ask_work);

	spin_lock_irq(&ccid->till->lock);
	if (ccid->command)
		till_ccid_finish(ccid, result);
	trace_till_stop(ccid->till, result);
	spin_unlock_irq(&ccid->till->lock);
}

/**
 * till_ccid_start() - undo till_ccid_stop(), and ask for the slot's state
 * @ccid: transport
 *
 * A card counts as without power from now on: a reset takes it, and a suspended
 * reader may not draw enough to keep it.
 *
 * Return: 0, or the error of the question
 */
int till_ccid_start(struct till_ccid *ccid)
{
	int ret;

	usb_unpoison_urb(ccid->out_urb);
	usb_unpoison_urb(ccid->in_urb);
	/* When it fails the reader still works, and answers tell of the card. */
	till_listener_start(&ccid->intr);

	spin_lock_irq(&ccid->till->lock);
	ccid->phase = TILL_CCID_IDLE;
	ccid->ask_ms = TILL_CCID_ASK_MS;
	till_ccid_card_lost_power(ccid);
	ret = till_ccid_begin(ccid, &ccid->status);
	till_ccid_ask(ccid);
	trace_till_start(ccid->till, ret);
	wake_up_all(&ccid->till->wait);
	spin_unlock_irq(&ccid->till->lock);
	return ret;
}

/*
 * Setup
 */

static const struct till_ccid_descriptor *till_ccid_find_in(const u8 *extra, int length)
{
	while (length >= 2 && extra[0] >= 2 && extra[0] <= length) {
		if (extra[1] == CCID_DT && extra[0] >= sizeof(struct till_ccid_descriptor))
			return (const struct till_ccid_descriptor *)extra;
		length -= extra[0];
		extra += extra[0];
	}
	return NULL;
}

/* Some readers have the class descriptor behind an endpoint. */
static const struct till_ccid_descriptor *till_ccid_find(struct usb_host_interface *alt)
{
	const struct till_ccid_descriptor *found = till_ccid_find_in(alt->extra, alt->extralen);
	unsigned int i;

	for (i = 0; !found && i < alt->desc.bNumEndpoints; i++)
		found = till_ccid_find_in(alt->endpoint[i].extra, alt->endpoint[i].extralen);
	return found;
}

static int till_ccid_read_level(struct till_ccid *ccid)
{
	u32 level = le32_to_cpu(ccid->desc.dwFeatures) & CCID_FEATURE_LEVEL;
	u32 max_message = le32_to_cpu(ccid->desc.dwMaxCCIDMessageLength);

	if (max_message < TILL_CCID_MESSAGE_MIN) {
		dev_err_ratelimited(&ccid->intf->dev,
				    "EMV reader with messages of %u bytes; use another\n",
				    max_message);
		return -ENODEV;
	}
	if (level == CCID_LEVEL_TPDU && max_message == TILL_CCID_MESSAGE_SCM)
		max_message = TILL_CCID_MESSAGE_TPDU;
	ccid->max_message = min_t(u32, max_message, TILL_CCID_MESSAGE_MAX);
	ccid->max_data = ccid->max_message - CCID_HEADER;
	ccid->max_response = ccid->max_data;

	switch (level) {
	case CCID_LEVEL_TPDU:
		ccid->level = TILL_EMV_LEVEL_TPDU;
		ccid->max_block = min_t(u32, ccid->max_data, TILL_CCID_TPDU_MAX);
		return 0;
	case CCID_LEVEL_SHORT:
		ccid->level = TILL_EMV_LEVEL_SHORT_APDU;
		ccid->max_block = min_t(u32, ccid->max_data, TILL_CCID_SHORT_MAX);
		return 0;
	case CCID_LEVEL_EXTENDED:
		ccid->level = TILL_EMV_LEVEL_EXTENDED_APDU;
		ccid->max_block = TILL_CCID_APDU_MAX;
		ccid->max_response = TILL_CCID_RESPONSE_MAX;
		return 0;
	case CCID_LEVEL_CHARACTER:
		dev_err_ratelimited(&ccid->intf->dev,
				    "EMV reader exchanges characters; use one that takes TPDUs or APDUs\n");
		return -ENODEV;
	default:
		dev_err_ratelimited(&ccid->intf->dev,
				    "EMV reader with unknown features %#010x; use another\n",
				    le32_to_cpu(ccid->desc.dwFeatures));
		return -ENODEV;
	}
}

static int till_ccid_read_descriptor(struct till_ccid *ccid)
{
	const struct till_ccid_descriptor *desc = till_ccid_find(ccid->intf->cur_altsetting);

	if (!desc) {
		dev_err_ratelimited(&ccid->intf->dev,
				    "EMV reader without a CCID descriptor; use another\n");
		return -ENODEV;
	}

	ccid->desc = *desc;
	if (desc->bMaxSlotIndex)
		dev_info_ratelimited(&ccid->intf->dev,
				     "EMV reader with %u slots; put the card in the first\n",
				     desc->bMaxSlotIndex + 1);
	return till_ccid_read_level(ccid);
}

static int till_ccid_alloc_intr(struct till_ccid *ccid, struct usb_endpoint_descriptor *intr)
{
	unsigned int size = usb_endpoint_maxp(intr);

	if (!size)
		return -ENODEV;

	ccid->intr_buf = kzalloc(size, GFP_KERNEL);
	ccid->intr.urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!ccid->intr_buf || !ccid->intr.urb)
		return -ENOMEM;

	usb_fill_int_urb(ccid->intr.urb, ccid->udev,
			 usb_rcvintpipe(ccid->udev, intr->bEndpointAddress), ccid->intr_buf, size,
			 till_ccid_intr_done, ccid, intr->bInterval);
	usb_poison_urb(ccid->intr.urb);
	return 0;
}

static int till_ccid_alloc(struct till_ccid *ccid)
{
	struct usb_endpoint_descriptor *in, *out, *intr;
	struct usb_host_interface *alt = ccid->intf->cur_altsetting;
	int ret;

	ret = usb_find_common_endpoints(alt, &in, &out, NULL, NULL);
	if (ret) {
		dev_err_ratelimited(&ccid->intf->dev,
				    "EMV reader without bulk endpoints; use another\n");
		return -ENODEV;
	}
	if (!usb_endpoint_maxp(in) || !usb_endpoint_maxp(out))
		return -ENODEV;

	ccid->in_size = roundup(ccid->max_message, usb_endpoint_maxp(in));
	ccid->in_pipe = usb_rcvbulkpipe(ccid->udev, in->bEndpointAddress);
	ccid->out_pipe = usb_sndbulkpipe(ccid->udev, out->bEndpointAddress);

	ccid->in_buf = kzalloc(ccid->in_size, GFP_KERNEL);
	ccid->out_buf = kzalloc(ccid->max_message, GFP_KERNEL);
	ccid->in_urb = usb_alloc_urb(0, GFP_KERNEL);
	ccid->out_urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!ccid->in_buf || !ccid->out_buf || !ccid->in_urb || !ccid->out_urb)
		return -ENOMEM;

	/* Optional, 4.2.3: see till_ccid_watch(). */
	if (!usb_find_int_in_endpoint(alt, &intr)) {
		ret = till_ccid_alloc_intr(ccid, intr);
		if (ret)
			return ret;
	}

	usb_fill_bulk_urb(ccid->in_urb, ccid->udev, ccid->in_pipe, ccid->in_buf, ccid->in_size,
			  till_ccid_done, ccid);
	usb_fill_bulk_urb(ccid->out_urb, ccid->udev, ccid->out_pipe, ccid->out_buf, 0,
			  till_ccid_done, ccid);
	/* As TILL_CCID_STOPPED says. */
	usb_poison_urb(ccid->in_urb);
	usb_poison_urb(ccid->out_urb);
	return 0;
}

/* Nobody puts cards in so fast. */
static const struct till_listener_info till_ccid_intr_info = {
	.what		= "card slot notification",
	.advice		= "clean the slot, or use another reader",
	.burst		= 32,
	.slow_ms	= 100,
};

/**
 * till_ccid_init() - make a zeroed transport one that can be freed
 * @ccid: transport
 * @till: its node
 * @intf: CCID interface
 */
void till_ccid_init(struct till_ccid *ccid, struct till_device *till, struct usb_interface *intf)
{
	ccid->till = till;
	ccid->intf = usb_get_intf(intf);
	ccid->udev = usb_get_dev(interface_to_usbdev(intf));
	ccid->phase = TILL_CCID_STOPPED;
	ccid->status.type = CCID_GET_SLOT_STATUS;
	ccid->status.done = till_ccid_asked;
	INIT_DELAYED_WORK(&ccid->recover_work, till_ccid_recover);
	INIT_DELAYED_WORK(&ccid->ask_work, till_ccid_ask_work);
	till_listener_init(&ccid->intr, till, &till_ccid_intr_info);
}

/**
 * till_ccid_setup() - learn what the reader is, and get ready to start
 * @ccid: transport
 *
 * Return: 0, -ENODEV for a reader that cannot be driven, -ENOMEM
 */
int till_ccid_setup(struct till_ccid *ccid)
{
	int ret;

	ret = till_ccid_read_descriptor(ccid);
	return ret ?: till_ccid_alloc(ccid);
}

/**
 * till_ccid_free() - undo till_ccid_init() and till_ccid_setup()
 * @ccid: transport, stopped
 */
void till_ccid_free(struct till_ccid *ccid)
{
	usb_free_urb(ccid->intr.urb);
	usb_free_urb(ccid->out_urb);
	usb_free_urb(ccid->in_urb);
	kfree(ccid->intr_buf);
	kfree_sensitive(ccid->out_buf);
	kfree_sensitive(ccid->in_buf);
	usb_put_dev(ccid->udev);
	usb_put_intf(ccid->intf);
}
