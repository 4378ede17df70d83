/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: the transport of an EMV reader, slot 0 of a USB CCID 1.1 device
 *
 * Framing only. One command is in flight at a time: OUT URB, then IN URB, again
 * for each part of a chain and each time extension. A command belongs to the
 * transport from till_ccid_begin() until its done() is called, which happens
 * once, whatever the reader does.
 *
 * recover_work is the only thing that ends a command by force: at its deadline,
 * by till_ccid_cancel(), when its card is gone, when a pipe fails. It kills the
 * URBs and aborts the command at the reader.
 *
 * till_ccid_stop() and till_ccid_start() are common to disconnect, suspend and
 * reset.
 */
#ifndef _TILL_CCID_H
#define _TILL_CCID_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "till.h"
#include "till_usb.h"

struct urb;
struct usb_device;
struct usb_interface;

/* CCID class descriptor, 5.1 */
struct till_ccid_descriptor {
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

/* Messages to the reader, 6.1 */
#define CCID_SET_PARAMETERS	0x61
#define CCID_POWER_ON		0x62
#define CCID_POWER_OFF		0x63
#define CCID_GET_SLOT_STATUS	0x65
#define CCID_SECURE		0x69
#define CCID_GET_PARAMETERS	0x6c
#define CCID_XFR_BLOCK		0x6f
#define CCID_ABORT		0x72

#define CCID_FEATURE_ACTIVATION	0x00000004
#define CCID_FEATURE_VOLTAGE	0x00000008
#define CCID_PIN_VERIFY		0x01

/* PC_to_RDR_Secure's data for a verification, 6.1.11. */
struct till_ccid_pin {
	u8 bPINOperation;
	u8 bTimeOut;
	u8 bmFormatString;
	u8 bmPINBlockString;
	u8 bmPINLengthFormat;
	__le16 wPINMaxExtraDigit;
	u8 bEntryValidationCondition;
	u8 bNumberMessage;
	__le16 wLangId;
	u8 bMsgIndex;
	u8 bTeoPrologue[3];
	u8 abPINApdu[];
} __packed;

/* How long a wait for the end of a command may take: longer than any recovery, see till_ccid.c. */
#define TILL_CCID_IDLE_MS	8000

enum till_ccid_statistic {
	TILL_CCID_INSERTION = TILL_STATISTICS_COMMON,
	TILL_CCID_STATISTICS,
};

/**
 * enum till_ccid_phase - what the transport does
 * @TILL_CCID_STOPPED: nothing: the URBs are poisoned
 * @TILL_CCID_IDLE: nothing
 * @TILL_CCID_RUNNING: the URBs have a command
 * @TILL_CCID_ENDING: they still have it, and recover_work is set to end it
 * @TILL_CCID_RECOVERING: recover_work has the pipes
 */
enum till_ccid_phase {
	TILL_CCID_STOPPED,
	TILL_CCID_IDLE,
	TILL_CCID_RUNNING,
	TILL_CCID_ENDING,
	TILL_CCID_RECOVERING,
};

/**
 * struct till_ccid_command - a message to the reader and what it answers
 * @type: CCID_*
 * @param: the last three bytes of the header
 * @data: abData, chained where it is longer than a message; wiped at the end
 * @length: bytes of it
 * @sent: bytes of it that the reader has been given
 * @person_ms: time that a person has, on top of what the command takes
 * @answer: abData of what comes back; wiped when the command fails
 * @answer_room: bytes that it may be
 * @answer_length: bytes that it is
 * @answer_param: the last byte of its header
 * @done: tells the owner; with till_device.lock held; NULL where nobody asks
 */
struct till_ccid_command {
	u8 type;
	u8 param[3];
	u8 *data;
	size_t length;
	size_t sent;
	unsigned int person_ms;
	u8 *answer;
	size_t answer_room;
	size_t answer_length;
	u8 answer_param;
	void (*done)(struct till_ccid_command *command, int result);
};

/**
 * struct till_ccid - the transport
 * @till: node, for its lock, its events and whoever waits
 * @udev: device
 * @intf: CCID interface
 * @desc: class descriptor
 * @level: enum till_emv_level
 * @max_message: dwMaxCCIDMessageLength, clamped
 * @max_data: largest data of one message
 * @max_block: largest data of CCID_XFR_BLOCK
 * @max_response: largest answer to it
 * @in_pipe: bulk IN
 * @out_pipe: bulk OUT
 * @intr: slot notifications, for a reader that has them
 * @out_urb: message to the reader
 * @in_urb: message from the reader
 * @intr_buf: of @intr
 * @out_buf: of @out_urb, @max_message bytes; the recovery's while it runs
 * @in_buf: of @in_urb, @in_size bytes; the recovery's while it runs
 * @in_size: @max_message rounded up to whole packets
 * @recover_work: ends the command by force; armed for the deadline
 * @ask_work: asks a reader without @intr for the slot's state
 *
 * The rest is under till_device.lock:
 *
 * @phase: enum till_ccid_phase
 * @command: in flight, or NULL
 * @next: begins when @command, which is @status or being ended, has ended; or NULL
 * @status: asks for the slot's state
 * @cause: why @command is being ended, or 0
 * @halted: a bulk pipe stalled
 * @seq: bSeq of the newest message to the reader
 * @stale: messages seen that answer another one, since the last that answers it
 * @extensions: of time, that the reader has asked for
 * @deadline: when @command is ended, jiffies
 * @limit: which no time extension moves beyond, jiffies
 * @card: enum till_emv_card
 * @insertions: cards put in
 * @untold: an answer told of the newest card, and no notification yet
 * @watched: see till_ccid_watch()
 * @ask_ms: delay of @ask_work, more while the reader does not answer
 * @heard: when a command ended, jiffies
 */
struct till_ccid {
	struct till_device *till;
	struct usb_device *udev;
	struct usb_interface *intf;

	struct till_ccid_descriptor desc;
	u32 level;
	u32 max_message;
	u32 max_data;
	u32 max_block;
	u32 max_response;

	unsigned int in_pipe;
	unsigned int out_pipe;
	struct till_listener intr;
	struct urb *out_urb;
	struct urb *in_urb;
	u8 *intr_buf;
	u8 *out_buf;
	u8 *in_buf;
	size_t in_size;

	struct delayed_work recover_work;
	struct delayed_work ask_work;

	enum till_ccid_phase phase;
	struct till_ccid_command *command;
	struct till_ccid_command *next;
	struct till_ccid_command status;
	int cause;
	bool halted;
	u8 seq;
	unsigned int stale;
	unsigned int extensions;
	unsigned long deadline;
	unsigned long limit;
	u32 card;
	u32 insertions;
	bool untold;
	bool watched;
	unsigned int ask_ms;
	unsigned long heard;
};

void till_ccid_init(struct till_ccid *ccid, struct till_device *till, struct usb_interface *intf);
int till_ccid_setup(struct till_ccid *ccid);
void till_ccid_free(struct till_ccid *ccid);

int till_ccid_start(struct till_ccid *ccid);
void till_ccid_stop(struct till_ccid *ccid, int result);

void till_ccid_watch(struct till_ccid *ccid, bool watch);

int till_ccid_begin(struct till_ccid *ccid, struct till_ccid_command *command);
void till_ccid_cancel(struct till_ccid *ccid, struct till_ccid_command *command, int cause);
bool till_ccid_is_busy(struct till_ccid *ccid);
void till_ccid_wait_killable(struct till_ccid *ccid);
int till_ccid_wait_interruptible(struct till_ccid *ccid);

#endif /* _TILL_CCID_H */
