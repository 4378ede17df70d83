/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/**
 * DOC: till: the devices of a payment terminal as character devices
 *
 *	/dev/till-msrN		magstripe reader
 *	/dev/till-emvN		EMV (smart card) reader
 *	/dev/till-printerN	receipt printer
 *
 * One process holds a node at a time; a second open() is EBUSY. The claim ends
 * with the last descriptor. After the device is unplugged every call is ENODEV,
 * poll() reports EPOLLHUP and EPOLLERR, and a new device gets a new open.
 * EPOLLERR without EPOLLHUP is a printer's: an error that its next write() or
 * fsync() returns.
 *
 * The ABI only grows. Every structure begins with its size as the caller knows
 * it: a newer kernel fills a shorter structure as far as it goes; an older one
 * accepts a longer structure when the part that it does not know is zero, and
 * is E2BIG otherwise. Layouts are the same for 32 and 64 bits.
 */
#ifndef _UAPI_LINUX_TILL_H
#define _UAPI_LINUX_TILL_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * define TILL_IOC_TYPE - type of every command's number
 *
 * The numbers hold no size and no direction: the size is in the structure.
 * 0x00 to 0x0f are common to all kinds, 0x10 to 0x1f the magstripe reader's,
 * 0x20 to 0x2f the EMV reader's, 0x30 to 0x3f the printer's. A command of
 * another kind, and one that this kernel does not know, is ENOTTY.
 */
#define TILL_IOC_TYPE		0xBE

/**
 * enum till_kind - what a node is
 * @TILL_KIND_MSR: magstripe reader
 * @TILL_KIND_EMV: EMV reader
 * @TILL_KIND_PRINTER: printer
 */
enum till_kind {
	TILL_KIND_MSR = 1,
	TILL_KIND_EMV = 2,
	TILL_KIND_PRINTER = 3,
};

/**
 * enum till_msr_feature - what a magstripe reader and its driver can do
 * @TILL_MSR_FEATURE_DECODED: tracks as text, clear or masked
 * @TILL_MSR_FEATURE_ENCRYPTING: it can encrypt: look at each swipe
 * @TILL_MSR_FEATURE_JIS: it reads JIS X 6302 type II
 */
enum till_msr_feature {
	TILL_MSR_FEATURE_DECODED = _BITULL(0),
	TILL_MSR_FEATURE_ENCRYPTING = _BITULL(1),
	TILL_MSR_FEATURE_JIS = _BITULL(2),
};

/**
 * enum till_emv_feature - what an EMV reader and its driver can do
 * @TILL_EMV_FEATURE_ABORT: TILL_EMV_ABORT
 * @TILL_EMV_FEATURE_PARAMETERS: TILL_EMV_SET_PARAMETERS
 * @TILL_EMV_FEATURE_KEYPAD: TILL_EMV_VERIFY_PIN
 */
enum till_emv_feature {
	TILL_EMV_FEATURE_ABORT = _BITULL(0),
	TILL_EMV_FEATURE_PARAMETERS = _BITULL(1),
	TILL_EMV_FEATURE_KEYPAD = _BITULL(2),
};

/**
 * enum till_printer_feature - what a printer and its driver can do
 * @TILL_PRINTER_FEATURE_BACKCHANNEL: bulk IN: read() and automatic status
 * @TILL_PRINTER_FEATURE_DEVICE_ID: TILL_PRINTER_GET_DEVICE_ID is answered
 */
enum till_printer_feature {
	TILL_PRINTER_FEATURE_BACKCHANNEL = _BITULL(0),
	TILL_PRINTER_FEATURE_DEVICE_ID = _BITULL(1),
};

/**
 * struct till_info - argument of TILL_GET_INFO, on every node
 * @size: in: size of this structure
 * @kind: enum till_kind
 * @features: enum till_msr_feature, till_emv_feature or till_printer_feature, by @kind
 * @vendor: USB idVendor
 * @product: USB idProduct
 * @release: USB bcdDevice
 * @__reserved: zero
 */
struct till_info {
	__u32 size;
	__u32 kind;
	__u64 features;
	__u16 vendor;
	__u16 product;
	__u16 release;
	__u16 __reserved;
};

/**
 * define TILL_GET_INFO - what the device is and can do
 *
 * Argument: struct till_info, filled. Nothing of it changes while the node is
 * open, and the device is not asked.
 *
 * Errors of this and every command that has a structure: EFAULT; EINVAL for a
 * size below that of the size itself; E2BIG for one of more than a page, or for
 * a longer structure with something in it that this kernel does not know.
 * Errors of every command: ENODEV once the device is gone, ENOMEM. Of open(), too,
 * and EIO when the device does not wake up. Commands that change something in the
 * device or its card are EBADF on a descriptor that is not open for writing:
 * TILL_EMV_POWER_ON, TILL_EMV_POWER_OFF, TILL_EMV_ABORT, TILL_EMV_SET_PARAMETERS,
 * TILL_EMV_SET_WAITING, TILL_EMV_VERIFY_PIN and TILL_PRINTER_SOFT_RESET. A magstripe
 * reader's commands are about what read() returns, and O_RDONLY is enough for them.
 */
#define TILL_GET_INFO		_IO(TILL_IOC_TYPE, 0x00)

/**
 * DOC: Magstripe reader
 *
 * read() returns one struct till_msr_swipe, as far as the buffer goes, and is
 * EMSGSIZE for a buffer below TILL_MSR_SWIPE_SIZE_VER0, in which case the swipe
 * stays. The record is wiped once it is read. poll(): EPOLLIN when there is one.
 */

/**
 * define TILL_MSR_TRACKS - tracks of a swipe
 *
 * Tracks 1 to 3 of ISO/IEC 7811-6, then that of JIS X 6302 type II.
 */
#define TILL_MSR_TRACKS		4

/**
 * define TILL_MSR_TRACK_MAX - the most characters of a track
 */
#define TILL_MSR_TRACK_MAX	120

/**
 * define TILL_MSR_ENCRYPTED_MAX - the most bytes of a cryptogram
 */
#define TILL_MSR_ENCRYPTED_MAX	128

/**
 * define TILL_MSR_KSN_MAX - the most bytes of a key serial number
 */
#define TILL_MSR_KSN_MAX	12

/**
 * enum till_msr_error - what is wrong with a track, as UnifiedPOS tells errors apart
 * @TILL_MSR_ERROR_DECODE: it could not be read: all that some devices say
 * @TILL_MSR_ERROR_START: no start sentinel
 * @TILL_MSR_ERROR_END: no end sentinel
 * @TILL_MSR_ERROR_PARITY: a character that the track's set does not have
 * @TILL_MSR_ERROR_LRC: a wrong LRC, where the reader sends the LRC
 *
 * Bits. All but the first are what the driver finds in the text of ISO cards.
 */
enum till_msr_error {
	TILL_MSR_ERROR_DECODE = 0x01,
	TILL_MSR_ERROR_START = 0x02,
	TILL_MSR_ERROR_END = 0x04,
	TILL_MSR_ERROR_PARITY = 0x08,
	TILL_MSR_ERROR_LRC = 0x10,
};

/**
 * enum till_msr_track_flag - what a track's members are
 * @TILL_MSR_TRACK_MASKED: the reader encrypts: the track's data is what it shows
 *	of it, most digits replaced, and may even pass a check digit. It must never
 *	be taken for an account number.
 * @TILL_MSR_TRACK_JOINT: the cryptogram is of this track and the next as one text,
 *	without anything between them; the next track has none
 */
enum till_msr_track_flag {
	TILL_MSR_TRACK_MASKED = 0x01,
	TILL_MSR_TRACK_JOINT = 0x02,
};

/**
 * struct till_msr_track - one track of a swipe
 * @errors: bits of enum till_msr_error; zero for a good or an empty track
 * @flags: bits of enum till_msr_track_flag
 * @length: bytes used in @data; zero for an empty track, one with errors, and one
 *	that an encrypting reader does not show
 * @encrypted_length: bytes used in @encrypted; zero when the track is clear
 * @__reserved: zero
 * @data: characters with both sentinels, without the LRC, not terminated
 * @encrypted: cryptogram of the characters, right-padded with zeros to the
 *	cipher's block (CBC, zero initial vector); the reader's LRC may be in it
 */
struct till_msr_track {
	__u8 errors;
	__u8 flags;
	__u8 length;
	__u8 encrypted_length;
	__u8 __reserved[4];
	__u8 data[TILL_MSR_TRACK_MAX];
	__u8 encrypted[TILL_MSR_ENCRYPTED_MAX];
};

/**
 * enum till_msr_encode - card encode type
 * @TILL_MSR_ENCODE_ISO: ISO/IEC 7811, bank cards
 * @TILL_MSR_ENCODE_AAMVA: driving licences of North America
 * @TILL_MSR_ENCODE_CADL: driving licences of California, obsolete
 * @TILL_MSR_ENCODE_JIS: JIS X 6302 type II
 * @TILL_MSR_ENCODE_BLANK: nothing on any track
 * @TILL_MSR_ENCODE_OTHER: decoded, but none of these
 * @TILL_MSR_ENCODE_UNKNOWN: no track could be decoded, or the reader does not know
 */
enum till_msr_encode {
	TILL_MSR_ENCODE_ISO = 0,
	TILL_MSR_ENCODE_AAMVA = 1,
	TILL_MSR_ENCODE_CADL = 2,
	TILL_MSR_ENCODE_JIS = 3,
	TILL_MSR_ENCODE_BLANK = 4,
	TILL_MSR_ENCODE_OTHER = 254,
	TILL_MSR_ENCODE_UNKNOWN = 255,
};

/**
 * enum till_msr_encryption - what the cryptograms of a swipe are
 * @TILL_MSR_ENCRYPTION_NONE: there are none
 * @TILL_MSR_ENCRYPTION_DUKPT_TDES: TDES, key by DUKPT (ANSI X9.24) from the key
 *	serial number; which variant of the key is the reader's configuration
 * @TILL_MSR_ENCRYPTION_DUKPT_AES: AES-128, key by DUKPT
 * @TILL_MSR_ENCRYPTION_OTHER: the reader does not say
 */
enum till_msr_encryption {
	TILL_MSR_ENCRYPTION_NONE = 0,
	TILL_MSR_ENCRYPTION_DUKPT_TDES = 1,
	TILL_MSR_ENCRYPTION_DUKPT_AES = 2,
	TILL_MSR_ENCRYPTION_OTHER = 255,
};

/**
 * struct till_msr_swipe - what read() of a magstripe reader returns
 * @size: of the whole record as the kernel has it; a newer kernel may append to
 *	it, and then read() returns less than @size into a shorter buffer
 * @sequence: number of the swipe since the device was plugged in, from 1;
 *	a gap means that swipes were lost: to an overflow, to TILL_MSR_ARM or
 *	TILL_MSR_DISARM, or wiped because nobody read them in time
 * @time_ns: CLOCK_BOOTTIME of the swipe, nanoseconds
 * @encode: enum till_msr_encode
 * @encryption: enum till_msr_encryption
 * @ksn_length: bytes used in @ksn: 10 for TDES, 12 for AES keys, zero without
 * @__reserved: zero
 * @ksn: DUKPT key serial number of all cryptograms
 * @track: tracks 1 to 3, then JIS X 6302 type II
 */
struct till_msr_swipe {
	__u32 size;
	__u32 sequence;
	__u64 time_ns;
	__u8 encode;
	__u8 encryption;
	__u8 ksn_length;
	__u8 __reserved;
	__u8 ksn[TILL_MSR_KSN_MAX];
	struct till_msr_track track[TILL_MSR_TRACKS];
};

/**
 * define TILL_MSR_SWIPE_SIZE_VER0 - size of the first record, which ends with its tracks
 */
#define TILL_MSR_SWIPE_SIZE_VER0	1056

/**
 * define TILL_MSR_KEEP_MIN_MS - the least that a swipe is kept, milliseconds
 */
#define TILL_MSR_KEEP_MIN_MS	1000

/**
 * define TILL_MSR_KEEP_MAX_MS - the longest that a swipe is kept, milliseconds
 */
#define TILL_MSR_KEEP_MAX_MS	60000

/**
 * struct till_msr_options - argument of TILL_MSR_GET_OPTIONS and _SET_OPTIONS
 * @size: in: size of this structure
 * @keep_ms: after how long a swipe that nobody reads is wiped, milliseconds,
 *	TILL_MSR_KEEP_MIN_MS to TILL_MSR_KEEP_MAX_MS (EINVAL); zero leaves it as it
 *	is. TILL_MSR_KEEP_MAX_MS after open(). It applies to swipes that wait, too,
 *	and time in a system sleep counts: what is older is not handed out.
 */
struct till_msr_options {
	__u32 size;
	__u32 keep_ms;
};

/**
 * define TILL_MSR_ARM - empty the queue and take swipes from now on
 *
 * No argument. A node is opened disarmed and is disarmed by its release. The
 * queue has eight places; one more swipe drops the oldest.
 */
#define TILL_MSR_ARM		_IO(TILL_IOC_TYPE, 0x10)

/**
 * define TILL_MSR_DISARM - drop swipes from now on, and those not read
 *
 * No argument.
 */
#define TILL_MSR_DISARM		_IO(TILL_IOC_TYPE, 0x11)

/**
 * define TILL_MSR_GET_OPTIONS - the options in force
 *
 * Argument: struct till_msr_options, filled.
 */
#define TILL_MSR_GET_OPTIONS	_IO(TILL_IOC_TYPE, 0x12)

/**
 * define TILL_MSR_SET_OPTIONS - options until the node is closed
 *
 * Argument: struct till_msr_options, which says what EINVAL is.
 */
#define TILL_MSR_SET_OPTIONS	_IO(TILL_IOC_TYPE, 0x13)

/**
 * DOC: EMV reader
 *
 * write() takes one whole block or APDU, as the exchange level has it, and
 * returns at once; read() waits for the answer and returns it whole. In between
 * the slot is BUSY, then READY. write() outside IDLE is EBUSY; of nothing EINVAL,
 * of more than a block EMSGSIZE, and EIO when it cannot be sent. An exchange that
 * fails is the errno of one read(): EIO (reader or card error, also an answer
 * without a byte), ENOMEDIUM (no card), ETIMEDOUT, ECANCELED (aborted), EPROTO (the
 * reader broke CCID), ECONNRESET (the reader was suspended or reset, and the card
 * has no power now).
 * read() with too small a buffer is EMSGSIZE and loses nothing; read() in IDLE is
 * ENODATA.
 * poll(): EPOLLOUT in IDLE, EPOLLIN in READY, EPOLLPRI until TILL_EMV_GET_STATE
 * has returned the newest event number.
 * open() waits until the reader has said what is in its slot and is done with the
 * opener before: a moment, 8 s for a mute reader, and EBUSY if that was not enough;
 * a signal ends it (EINTR). With O_NONBLOCK it does not wait: the slot may be BUSY
 * then, and a card that is in it, without power, comes as an event. Plugged in, a
 * reader is asked for its slot, and the node does not wait for the answer.
 * The last close aborts, powers the card off and wipes what is left. It waits for
 * the reader, up to 16 s for a mute one, and whatever O_NONBLOCK says; for a closer
 * that is killed, or that ends with the node open, the rest is done by itself.
 */

/**
 * define TILL_EMV_ATR_MAX - the longest answer to reset, bytes
 */
#define TILL_EMV_ATR_MAX	33

/**
 * enum till_emv_level - what one write() and one read() carry
 * @TILL_EMV_LEVEL_TPDU: T=0 TPDUs and T=1 blocks
 * @TILL_EMV_LEVEL_SHORT_APDU: short APDUs
 * @TILL_EMV_LEVEL_EXTENDED_APDU: short and extended APDUs
 */
enum till_emv_level {
	TILL_EMV_LEVEL_TPDU = 1,
	TILL_EMV_LEVEL_SHORT_APDU = 2,
	TILL_EMV_LEVEL_EXTENDED_APDU = 3,
};

/**
 * struct till_emv_info - argument of TILL_EMV_GET_INFO
 * @size: in: size of this structure
 * @level: enum till_emv_level
 * @ccid_features: dwFeatures of the CCID class descriptor (CCID 1.1, 5.1), which
 *	says what of the card's protocol the reader does by itself
 * @max_block: largest write(), bytes
 * @slots: slots of the reader; only the first, slot 0, is driven
 * @voltages: bVoltageSupport: bit 0 5 V, bit 1 3 V, bit 2 1.8 V
 * @protocols: dwProtocols: bit 0 T=0, bit 1 T=1
 * @max_ifsd: dwMaxIFSD: largest information field of a T=1 block, bytes
 * @default_clock: dwDefaultClock, kHz
 * @max_clock: dwMaximumClock, kHz
 * @data_rate: dwDataRate, at the default clock, bit/s
 * @max_data_rate: dwMaxDataRate, bit/s
 * @display: wLcdLayout: lines in the high byte, characters a line in the low one
 * @pin_support: bPINSupport: bit 0 verify, bit 1 modify
 * @class_get_response: bClassGetResponse, 0xff for that of the command
 * @class_envelope: bClassEnvelope, 0xff for that of the command
 * @__reserved: zero
 */
struct till_emv_info {
	__u32 size;
	__u32 level;
	__u32 ccid_features;
	__u32 max_block;
	__u32 slots;
	__u32 voltages;
	__u32 protocols;
	__u32 max_ifsd;
	__u32 default_clock;
	__u32 max_clock;
	__u32 data_rate;
	__u32 max_data_rate;
	__u16 display;
	__u8 pin_support;
	__u8 class_get_response;
	__u8 class_envelope;
	__u8 __reserved[3];
};

/**
 * enum till_emv_exchange - where the exchange is
 * @TILL_EMV_IDLE: write() is taken
 * @TILL_EMV_BUSY: the reader is working
 * @TILL_EMV_READY: read() returns at once
 */
enum till_emv_exchange {
	TILL_EMV_IDLE = 0,
	TILL_EMV_BUSY = 1,
	TILL_EMV_READY = 2,
};

/**
 * enum till_emv_card - what is in the slot
 * @TILL_EMV_CARD_ABSENT: nothing
 * @TILL_EMV_CARD_PRESENT: a card without power
 * @TILL_EMV_CARD_POWERED: a card that has answered to reset
 */
enum till_emv_card {
	TILL_EMV_CARD_ABSENT = 0,
	TILL_EMV_CARD_PRESENT = 1,
	TILL_EMV_CARD_POWERED = 2,
};

/**
 * struct till_emv_state - argument of TILL_EMV_GET_STATE
 * @size: in: size of this structure
 * @exchange: enum till_emv_exchange
 * @card: enum till_emv_card
 * @insertions: cards put in since the device was plugged in, modulo 2^32
 * @event: number of the newest slot event; it rises when a card comes, goes or
 *	loses its power by itself (a reset of the reader, say), not by
 *	TILL_EMV_POWER_ON or _OFF; clears EPOLLPRI once returned
 */
struct till_emv_state {
	__u32 size;
	__u32 exchange;
	__u32 card;
	__u32 insertions;
	__u64 event;
};

/**
 * enum till_emv_voltage - supply of the card
 * @TILL_EMV_VOLTAGE_AUTO: as the reader chooses; it must have bit 04 or 08 of dwFeatures
 * @TILL_EMV_VOLTAGE_5V: class A
 * @TILL_EMV_VOLTAGE_3V: class B
 * @TILL_EMV_VOLTAGE_1V8: class C
 */
enum till_emv_voltage {
	TILL_EMV_VOLTAGE_AUTO = 0,
	TILL_EMV_VOLTAGE_5V = 1,
	TILL_EMV_VOLTAGE_3V = 2,
	TILL_EMV_VOLTAGE_1V8 = 3,
};

/**
 * struct till_emv_power - argument of TILL_EMV_POWER_ON
 * @size: in: size of this structure
 * @voltage: in: enum till_emv_voltage
 * @atr_length: out: bytes used in @atr
 * @atr: out: answer to reset, as the card gave it
 * @__reserved: zero
 *
 * Resets the card (IccPowerOn of CCID 1.1, 6.1.1) and waits for its answer. A card
 * without power, TILL_EMV_CARD_PRESENT, is powered on: a cold reset. One that has
 * it, TILL_EMV_CARD_POWERED, keeps it: a warm reset. TILL_EMV_POWER_OFF before it
 * makes it a cold one. Either puts the reader's parameters back to the defaults.
 * EBUSY outside IDLE, EOPNOTSUPP for a voltage that the reader has not, ENOMEDIUM
 * without a card, EIO for a mute card, also one whose answer is empty, which is then
 * without power, or for a reader that fails, EPROTO for one that broke CCID,
 * ETIMEDOUT, ECANCELED (TILL_EMV_ABORT), ECONNRESET, EINTR.
 */
struct till_emv_power {
	__u32 size;
	__u32 voltage;
	__u32 atr_length;
	__u8 atr[TILL_EMV_ATR_MAX];
	__u8 __reserved[3];
};

/**
 * struct till_emv_parameters - argument of TILL_EMV_GET_PARAMETERS and _SET_PARAMETERS
 * @size: in: size of this structure
 * @protocol: 0 for T=0, 1 for T=1
 * @length: bytes used in @data: 5 for T=0, 7 for T=1
 * @data: abProtocolDataStructure of CCID 1.1, 6.1.7
 * @__reserved: zero
 *
 * Both are EBUSY outside IDLE, ENOMEDIUM without a card, EOPNOTSUPP when the reader
 * does not know the command, EIO, EPROTO, ETIMEDOUT, ECANCELED, ECONNRESET, EINTR as
 * with struct till_emv_power, EINVAL for a protocol or length that is none. SET is
 * EINVAL also for a value that the reader does not take, and returns what is in
 * force then. PPS is not in it: at TPDU level it is a
 * write() like any other, elsewhere the reader's.
 */
struct till_emv_parameters {
	__u32 size;
	__u32 protocol;
	__u32 length;
	__u8 data[8];
	__u8 __reserved[4];
};

/**
 * struct till_emv_waiting - argument of TILL_EMV_SET_WAITING
 * @size: in: size of this structure
 * @multiplier: of the block waiting time, 0 to 255: bBWI of CCID 1.1, 6.1.4
 *
 * For the next write(), which uses it up, at TPDU level: the card has asked for
 * more time by S(WTX request) of T=1. TILL_EMV_POWER_ON, TILL_EMV_POWER_OFF and
 * open() forget it. EINVAL, EOPNOTSUPP at another level, EBUSY outside IDLE.
 */
struct till_emv_waiting {
	__u32 size;
	__u32 multiplier;
};

/**
 * define TILL_EMV_PIN_APDU_MAX - class, instruction, parameters, length and data of a command
 */
#define TILL_EMV_PIN_APDU_MAX		260

/**
 * define TILL_EMV_PIN_TIMEOUT_MAX - the longest that a person may be given, seconds
 */
#define TILL_EMV_PIN_TIMEOUT_MAX	120

/**
 * struct till_emv_pin - argument of TILL_EMV_VERIFY_PIN
 * @size: in: size of this structure
 * @timeout: bTimeOut: seconds for the person, at most TILL_EMV_PIN_TIMEOUT_MAX;
 *	0 for what the reader thinks right
 * @format: bmFormatString
 * @block: bmPINBlockString
 * @length_format: bmPINLengthFormat
 * @validation: bEntryValidationCondition, 1 to 7: bit 0 maximum size reached, bit 1
 *	key pressed, bit 2 time-out
 * @messages: bNumberMessage
 * @message: bMsgIndex
 * @prologue: bTeoPrologue: NAD, PCB and length of the block, for T=1 at TPDU level
 * @digits: wPINMaxExtraDigit: least number in the high byte, greatest in the low one
 * @language: wLangId
 * @apdu_length: bytes used in @apdu, at least 4
 * @apdu: abPINApdu: a VERIFY command (instruction 0x20), in which the reader puts
 *	the PIN
 *
 * The names are those of CCID 1.1, 6.1.11, bPINOperation 0. Has the reader ask for a
 * PIN and give it to the card: nothing of it comes here. It is an exchange like
 * that of a write(): BUSY, then the card's answer for read(), SW1 SW2 or, with T=1
 * at TPDU level, a block. Errors of that read() besides the usual: ECANCELED also
 * when the person has pressed the cancel key, ETIME when the person let the time
 * go by, EOPNOTSUPP and EINVAL when the reader does not know the command or does not
 * take a value. TILL_EMV_ABORT ends it, the card's removal, and ETIMEDOUT: 10 s
 * after @timeout (80 s for 0), or up to 60 s after it where the reader asks for time.
 *
 * The ioctl is EOPNOTSUPP for a reader without a keypad, EINVAL for a command that
 * is none, another instruction or a value out of its range, EMSGSIZE for more than
 * the reader takes in one message, EBUSY outside IDLE.
 */
struct till_emv_pin {
	__u32 size;
	__u8 timeout;
	__u8 format;
	__u8 block;
	__u8 length_format;
	__u8 validation;
	__u8 messages;
	__u8 message;
	__u8 prologue[3];
	__u16 digits;
	__u16 language;
	__u16 apdu_length;
	__u8 apdu[TILL_EMV_PIN_APDU_MAX];
};

/**
 * define TILL_EMV_GET_INFO - what the class descriptor says of the reader
 *
 * Argument: struct till_emv_info, filled. The reader is not asked.
 */
#define TILL_EMV_GET_INFO	_IO(TILL_IOC_TYPE, 0x20)

/**
 * define TILL_EMV_GET_STATE - exchange and card, as they are now
 *
 * Argument: struct till_emv_state, filled; it ends EPOLLPRI. The reader is not
 * asked.
 */
#define TILL_EMV_GET_STATE	_IO(TILL_IOC_TYPE, 0x21)

/**
 * define TILL_EMV_POWER_ON - reset the card, cold or warm
 *
 * Argument: struct till_emv_power, which says the errors.
 */
#define TILL_EMV_POWER_ON	_IO(TILL_IOC_TYPE, 0x22)

/**
 * define TILL_EMV_POWER_OFF - take the card's power
 *
 * No argument; IccPowerOff of CCID 1.1, 6.1.2. It also drops an answer that nobody
 * reads: READY becomes IDLE. EBUSY while the reader is BUSY, ENOMEDIUM, EIO, EPROTO,
 * ETIMEDOUT, ECANCELED, ECONNRESET, EINTR as with struct till_emv_power.
 */
#define TILL_EMV_POWER_OFF	_IO(TILL_IOC_TYPE, 0x23)

/**
 * define TILL_EMV_ABORT - end the exchange, whatever the reader does
 *
 * No argument; CCID 1.1, 5.3.1 and 6.1.13. Returns in IDLE, within 8 s. A read() that
 * waits is ECANCELED. In IDLE it is a success that does nothing. ETIMEDOUT when even
 * the abort had no end, EINTR, and then it goes on by itself.
 */
#define TILL_EMV_ABORT		_IO(TILL_IOC_TYPE, 0x24)

/**
 * define TILL_EMV_GET_PARAMETERS - the protocol's parameters in the reader
 *
 * Argument: struct till_emv_parameters, filled, which says the errors; GetParameters
 * of CCID 1.1, 6.1.5.
 */
#define TILL_EMV_GET_PARAMETERS	_IO(TILL_IOC_TYPE, 0x25)

/**
 * define TILL_EMV_SET_PARAMETERS - give the reader the protocol's parameters
 *
 * Argument: struct till_emv_parameters, which says the errors, filled with what is in
 * force then; SetParameters of CCID 1.1, 6.1.7.
 */
#define TILL_EMV_SET_PARAMETERS	_IO(TILL_IOC_TYPE, 0x26)

/**
 * define TILL_EMV_SET_WAITING - more time for the card's next block
 *
 * Argument: struct till_emv_waiting, which says the errors.
 */
#define TILL_EMV_SET_WAITING	_IO(TILL_IOC_TYPE, 0x27)

/**
 * define TILL_EMV_VERIFY_PIN - have the reader ask for the PIN
 *
 * Argument: struct till_emv_pin, which says the errors; PC_to_RDR_Secure of CCID 1.1,
 * 6.1.11.
 */
#define TILL_EMV_VERIFY_PIN	_IO(TILL_IOC_TYPE, 0x28)

/**
 * DOC: Printer
 *
 * write() queues bytes for the bulk OUT pipe; read() returns what came back on
 * bulk IN, except automatic status, which the driver takes out of the stream and
 * shows as status. fsync() waits until the device has accepted every byte
 * written; it does not mean that they are on paper. It is ETIMEDOUT after 30 s,
 * with the bytes still queued, and may be called again. close() without
 * O_NONBLOCK waits up to 5 s, or until a signal, for the same, then drops the rest.
 * poll(): EPOLLPRI until TILL_PRINTER_GET_STATUS has returned the newest event;
 * EPOLLERR without EPOLLHUP until write() or fsync() has returned an error that
 * is pending, or TILL_PRINTER_SOFT_RESET has cleared it.
 */

/**
 * enum till_printer_online - whether the printer takes data
 * @TILL_PRINTER_UNKNOWN: not yet heard
 * @TILL_PRINTER_ONLINE: it does
 * @TILL_PRINTER_OFFLINE: it does not; the other members may say why
 */
enum till_printer_online {
	TILL_PRINTER_UNKNOWN = 0,
	TILL_PRINTER_ONLINE = 1,
	TILL_PRINTER_OFFLINE = 2,
};

/**
 * enum till_printer_paper - the roll
 * @TILL_PAPER_UNKNOWN: not yet heard
 * @TILL_PAPER_OK: there is paper
 * @TILL_PAPER_NEAR_END: little is left
 * @TILL_PAPER_END: none
 */
enum till_printer_paper {
	TILL_PAPER_UNKNOWN = 0,
	TILL_PAPER_OK = 1,
	TILL_PAPER_NEAR_END = 2,
	TILL_PAPER_END = 3,
};

/**
 * enum till_printer_flag - what else a printer's status says
 * @TILL_PRINTER_COVER_OPEN: the cover is open
 * @TILL_PRINTER_DRAWER_HIGH: level of the drawer's sensor pin
 * @TILL_PRINTER_FEEDING: paper is fed by the button
 */
enum till_printer_flag {
	TILL_PRINTER_COVER_OPEN = 0x01,
	TILL_PRINTER_DRAWER_HIGH = 0x02,
	TILL_PRINTER_FEEDING = 0x04,
};

/**
 * enum till_printer_error - why a printer does not print
 * @TILL_PRINTER_ERROR_MECHANICAL: a mechanical error
 * @TILL_PRINTER_ERROR_CUTTER: the cutter
 * @TILL_PRINTER_ERROR_FATAL: unrecoverable: power it off
 * @TILL_PRINTER_ERROR_RECOVERABLE: it ends by itself, as an overheated head
 * @TILL_PRINTER_ERROR_OTHER: the port status byte says only "error"
 */
enum till_printer_error {
	TILL_PRINTER_ERROR_MECHANICAL = 0x01,
	TILL_PRINTER_ERROR_CUTTER = 0x02,
	TILL_PRINTER_ERROR_FATAL = 0x04,
	TILL_PRINTER_ERROR_RECOVERABLE = 0x08,
	TILL_PRINTER_ERROR_OTHER = 0x10,
};

/**
 * enum till_printer_source - where a member of the status came from
 * @TILL_PRINTER_SOURCE_NONE: nothing has been heard: the member means nothing
 * @TILL_PRINTER_SOURCE_PORT: GET_PORT_STATUS of the printer class, as old as the
 *	last open(), TILL_PRINTER_GET_PORT_STATUS or reset
 * @TILL_PRINTER_SOURCE_AUTOMATIC: automatic status (GS a), sent at each change
 */
enum till_printer_source {
	TILL_PRINTER_SOURCE_NONE = 0,
	TILL_PRINTER_SOURCE_PORT = 1,
	TILL_PRINTER_SOURCE_AUTOMATIC = 2,
};

/**
 * struct till_printer_status - argument of TILL_PRINTER_GET_STATUS
 * @size: in: size of this structure
 * @online: enum till_printer_online
 * @paper: enum till_printer_paper
 * @flags: bits of enum till_printer_flag
 * @errors: bits of enum till_printer_error
 * @online_source: of @online, enum till_printer_source like all that follow
 * @paper_source: of whether @paper is TILL_PAPER_END
 * @near_end_source: of whether @paper is TILL_PAPER_NEAR_END; while it is
 *	TILL_PRINTER_SOURCE_NONE, TILL_PAPER_OK may be a roll that is nearly out
 * @cover_source: of TILL_PRINTER_COVER_OPEN
 * @drawer_source: of TILL_PRINTER_DRAWER_HIGH
 * @feed_source: of TILL_PRINTER_FEEDING
 * @cutter_source: of TILL_PRINTER_ERROR_CUTTER
 * @error_source: of the other errors
 * @__reserved: zero
 * @event: number of the newest change; clears EPOLLPRI once returned
 *
 * Automatic status tells every member and is kept until the printer is reset:
 * the sources then fall back and the event number rises, and it has to be turned
 * on anew. Before it is heard, the port status tells what it can: the cover, the
 * drawer, the cutter and a roll that is nearly out are not in it. What DLE EOT is
 * answered does not say what was asked: it is for read() and changes nothing here.
 */
struct till_printer_status {
	__u32 size;
	__u32 online;
	__u32 paper;
	__u32 flags;
	__u32 errors;
	__u8 online_source;
	__u8 paper_source;
	__u8 near_end_source;
	__u8 cover_source;
	__u8 drawer_source;
	__u8 feed_source;
	__u8 cutter_source;
	__u8 error_source;
	__u8 __reserved[4];
	__u64 event;
};

/**
 * struct till_printer_progress - argument of TILL_PRINTER_GET_PROGRESS
 * @size: in: size of this structure
 * @__reserved: zero
 * @accepted: bytes that write() has taken since open
 * @completed: bytes of them that the device has taken
 *
 * Bytes dropped by a failure, a reset of the USB device, a suspend or
 * TILL_PRINTER_SOFT_RESET stay the difference. Each write() under way then ends,
 * with EIO or a short count, so that nothing is printed from its middle; the next
 * write() or fsync() is EIO once, except after TILL_PRINTER_SOFT_RESET. What is not
 * completed has not reached the printer, save for a part of a transfer. A reset of the
 * USB device, also one that ends a sleep of the system, is EIO once for whoever has
 * written anything since open, completed or not: the printer may have forgotten what
 * it had not yet printed.
 */
struct till_printer_progress {
	__u32 size;
	__u32 __reserved;
	__u64 accepted;
	__u64 completed;
};

/**
 * define TILL_PRINTER_DEVICE_ID_MAX - the longest device id, bytes
 */
#define TILL_PRINTER_DEVICE_ID_MAX	1022

/**
 * struct till_printer_device_id - argument of TILL_PRINTER_GET_DEVICE_ID
 * @size: in: size of this structure
 * @length: out: bytes used in @id
 * @id: out: IEEE 1284 device id without its length bytes, not terminated
 * @__reserved: zero
 */
struct till_printer_device_id {
	__u32 size;
	__u32 length;
	__u8 id[TILL_PRINTER_DEVICE_ID_MAX];
	__u8 __reserved[2];
};

/**
 * define TILL_PRINTER_GET_STATUS - the newest status that is known
 *
 * Argument: struct till_printer_status, filled; it ends EPOLLPRI. The printer is not
 * asked.
 */
#define TILL_PRINTER_GET_STATUS		_IO(TILL_IOC_TYPE, 0x30)

/**
 * define TILL_PRINTER_GET_PROGRESS - how far the data has come
 *
 * Argument: struct till_printer_progress, filled. The printer is not asked.
 */
#define TILL_PRINTER_GET_PROGRESS	_IO(TILL_IOC_TYPE, 0x31)

/**
 * define TILL_PRINTER_GET_DEVICE_ID - the IEEE 1284 device id, as read when plugged in
 *
 * Argument: struct till_printer_device_id, filled. EOPNOTSUPP when the printer gave
 * none. GET_DEVICE_ID of printer class 1.1, 4.2.1.
 */
#define TILL_PRINTER_GET_DEVICE_ID	_IO(TILL_IOC_TYPE, 0x32)

/**
 * define TILL_PRINTER_GET_PORT_STATUS - ask the printer for the port status byte
 *
 * No argument. Returns the byte, 0 to 255: bit 5 paper empty, bit 4 selected, bit 3 no
 * error; GET_PORT_STATUS of printer class 1.1, 4.2.2. It also updates the status as
 * long as no automatic status has been heard. The printer has a second to answer:
 * ETIMEDOUT, EPIPE when it does not know the request, EIO. It waits for another
 * request and for a reset of the device: EINTR.
 */
#define TILL_PRINTER_GET_PORT_STATUS	_IO(TILL_IOC_TYPE, 0x33)

/**
 * define TILL_PRINTER_SOFT_RESET - drop what is queued and reset the printer
 *
 * No argument; SOFT_RESET of printer class 1.1, 4.2.3, by the code of version 1.0 where
 * the printer knows only that. It clears an error that is not yet told. A write() of
 * another thread that is under way ends: EIO, or a short count and then EIO, so that
 * nothing is printed from its middle. ETIMEDOUT, EPIPE, EIO of the request itself; the
 * queue is dropped all the same. It waits as TILL_PRINTER_GET_PORT_STATUS: EINTR.
 */
#define TILL_PRINTER_SOFT_RESET		_IO(TILL_IOC_TYPE, 0x34)

#endif /* _UAPI_LINUX_TILL_H */
