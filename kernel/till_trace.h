/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: trace events
 *
 * Kinds, numbers, lengths and results: nothing that a card, a key pad or a
 * receipt said is in them. Devices are told apart by kind and index, as in the
 * name of the node.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM till

#if !defined(_TILL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TILL_TRACE_H

#include <linux/tracepoint.h>

#include "till.h"

TRACE_DEFINE_ENUM(TILL_KIND_MSR);
TRACE_DEFINE_ENUM(TILL_KIND_EMV);
TRACE_DEFINE_ENUM(TILL_KIND_PRINTER);
TRACE_DEFINE_ENUM(TILL_MSR_DROP_DISARMED);
TRACE_DEFINE_ENUM(TILL_MSR_DROP_OVERFLOW);
TRACE_DEFINE_ENUM(TILL_MSR_DROP_EXPIRED);
TRACE_DEFINE_ENUM(TILL_MSR_DROP_BROKEN);
TRACE_DEFINE_ENUM(TILL_EMV_CARD_ABSENT);
TRACE_DEFINE_ENUM(TILL_EMV_CARD_PRESENT);
TRACE_DEFINE_ENUM(TILL_EMV_CARD_POWERED);
TRACE_DEFINE_ENUM(TILL_PRINTER_UNKNOWN);
TRACE_DEFINE_ENUM(TILL_PRINTER_ONLINE);
TRACE_DEFINE_ENUM(TILL_PRINTER_OFFLINE);
TRACE_DEFINE_ENUM(TILL_PAPER_UNKNOWN);
TRACE_DEFINE_ENUM(TILL_PAPER_OK);
TRACE_DEFINE_ENUM(TILL_PAPER_NEAR_END);
TRACE_DEFINE_ENUM(TILL_PAPER_END);

#define show_till_kind(kind)						\
	__print_symbolic(kind,						\
			 { TILL_KIND_MSR,	"msr" },		\
			 { TILL_KIND_EMV,	"emv" },		\
			 { TILL_KIND_PRINTER,	"printer" })

#define show_till_msr_drop(reason)					\
	__print_symbolic(reason,					\
			 { TILL_MSR_DROP_DISARMED,	"disarmed" },	\
			 { TILL_MSR_DROP_OVERFLOW,	"overflow" },	\
			 { TILL_MSR_DROP_EXPIRED,	"expired" },	\
			 { TILL_MSR_DROP_BROKEN,	"broken" })

#define show_till_emv_card(card)					\
	__print_symbolic(card,						\
			 { TILL_EMV_CARD_ABSENT,	"absent" },	\
			 { TILL_EMV_CARD_PRESENT,	"present" },	\
			 { TILL_EMV_CARD_POWERED,	"powered" })

/* CCID 1.1, 6.1 */
#define show_till_ccid_type(type)					\
	__print_symbolic(type,						\
			 { 0x61, "SetParameters" },			\
			 { 0x62, "IccPowerOn" },			\
			 { 0x63, "IccPowerOff" },			\
			 { 0x65, "GetSlotStatus" },			\
			 { 0x69, "Secure" },				\
			 { 0x6c, "GetParameters" },			\
			 { 0x6f, "XfrBlock" },				\
			 { 0x72, "Abort" },				\
			 { 0x73, "SetDataRateAndClockFrequency" })

#define show_till_printer_online(online)				\
	__print_symbolic(online,					\
			 { TILL_PRINTER_UNKNOWN,	"unknown" },	\
			 { TILL_PRINTER_ONLINE,		"online" },	\
			 { TILL_PRINTER_OFFLINE,	"offline" })

#define show_till_printer_paper(paper)					\
	__print_symbolic(paper,						\
			 { TILL_PAPER_UNKNOWN,		"unknown" },	\
			 { TILL_PAPER_OK,		"ok" },		\
			 { TILL_PAPER_NEAR_END,		"near-end" },	\
			 { TILL_PAPER_END,		"end" })

/*
 * All kinds
 */

DECLARE_EVENT_CLASS(till_device,
	TP_PROTO(const struct till_device *tdev),
	TP_ARGS(tdev),
	TP_STRUCT__entry(
		__field(u32, kind)
		__field(int, index)
		__field(u16, vendor)
		__field(u16, product)
	),
	TP_fast_assign(
		__entry->kind = tdev->info->kind;
		__entry->index = tdev->id;
		__entry->vendor = tdev->vendor;
		__entry->product = tdev->product;
	),
	TP_printk("%s%d %04x:%04x", show_till_kind(__entry->kind), __entry->index,
		  __entry->vendor, __entry->product)
);

DEFINE_EVENT(till_device, till_device_register,
	TP_PROTO(const struct till_device *tdev),
	TP_ARGS(tdev)
);

DEFINE_EVENT(till_device, till_device_unregister,
	TP_PROTO(const struct till_device *tdev),
	TP_ARGS(tdev)
);

DECLARE_EVENT_CLASS(till_result,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result),
	TP_STRUCT__entry(
		__field(u32, kind)
		__field(int, index)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->kind = tdev->info->kind;
		__entry->index = tdev->id;
		__entry->result = result;
	),
	TP_printk("%s%d result=%d", show_till_kind(__entry->kind), __entry->index,
		  __entry->result)
);

/* An opener that was refused is one, too. */
DEFINE_EVENT(till_result, till_open,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* The last descriptor; -ENODEV when the device has gone before. */
DEFINE_EVENT(till_result, till_close,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* The URBs are stopped: for suspend, for a reset, for good (-ENODEV). */
DEFINE_EVENT(till_result, till_stop,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* They run again, or why not. */
DEFINE_EVENT(till_result, till_start,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* The driver begins to end by force what failed, and why. */
DEFINE_EVENT(till_result, till_recover_begin,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* How the device took it. */
DEFINE_EVENT(till_result, till_recover_end,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

/* TILL_PRINTER_SOFT_RESET, and how the printer took it. */
DEFINE_EVENT(till_result, till_printer_reset,
	TP_PROTO(const struct till_device *tdev, int result),
	TP_ARGS(tdev, result)
);

TRACE_EVENT(till_changed,
	TP_PROTO(const struct till_device *tdev),
	TP_ARGS(tdev),
	TP_STRUCT__entry(
		__field(u32, kind)
		__field(int, index)
		__field(u64, event)
	),
	TP_fast_assign(
		__entry->kind = tdev->info->kind;
		__entry->index = tdev->id;
		__entry->event = tdev->event;
	),
	TP_printk("%s%d event=%llu", show_till_kind(__entry->kind), __entry->index,
		  __entry->event)
);

/*
 * Magstripe readers
 */

/* A swipe is in the queue. @tracks: bit 0 for track 1 and so on: one with something in it. */
TRACE_EVENT(till_msr_swipe,
	TP_PROTO(const struct till_device *tdev, const struct till_msr_swipe *swipe),
	TP_ARGS(tdev, swipe),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u32, sequence)
		__field(u32, tracks)
		__array(u32, errors, TILL_MSR_TRACKS)
	),
	TP_fast_assign(
		unsigned int i;

		__entry->index = tdev->id;
		__entry->sequence = swipe->sequence;
		__entry->tracks = 0;
		for (i = 0; i < TILL_MSR_TRACKS; i++) {
			if (swipe->track[i].length || swipe->track[i].encrypted_length)
				__entry->tracks |= 1U << i;
			__entry->errors[i] = swipe->track[i].errors;
		}
	),
	TP_printk("msr%d sequence=%u tracks=%#x errors=%#x,%#x,%#x,%#x", __entry->index,
		  __entry->sequence, __entry->tracks, __entry->errors[0],
		  __entry->errors[1], __entry->errors[2], __entry->errors[3])
);

/* @sequence: zero for a swipe that was never counted */
TRACE_EVENT(till_msr_dropped,
	TP_PROTO(const struct till_device *tdev, u32 sequence, enum till_msr_drop reason),
	TP_ARGS(tdev, sequence, reason),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u32, sequence)
		__field(u32, reason)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->sequence = sequence;
		__entry->reason = reason;
	),
	TP_printk("msr%d sequence=%u %s", __entry->index, __entry->sequence,
		  show_till_msr_drop(__entry->reason))
);

/*
 * EMV readers
 */

/* @length: of all the data that the command is to carry, in however many messages */
TRACE_EVENT(till_emv_command_begin,
	TP_PROTO(const struct till_device *tdev, u8 type, u8 seq, size_t length),
	TP_ARGS(tdev, type, seq, length),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u8, type)
		__field(u8, seq)
		__field(u32, length)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->type = type;
		__entry->seq = seq;
		__entry->length = length;
	),
	TP_printk("emv%d %s seq=%u length=%u", __entry->index,
		  show_till_ccid_type(__entry->type), __entry->seq, __entry->length)
);

/* @length: of all the data that came back */
TRACE_EVENT(till_emv_command_end,
	TP_PROTO(const struct till_device *tdev, u8 type, u8 seq, size_t length, int result),
	TP_ARGS(tdev, type, seq, length, result),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u8, type)
		__field(u8, seq)
		__field(u32, length)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->type = type;
		__entry->seq = seq;
		__entry->length = length;
		__entry->result = result;
	),
	TP_printk("emv%d %s seq=%u length=%u result=%d", __entry->index,
		  show_till_ccid_type(__entry->type), __entry->seq, __entry->length,
		  __entry->result)
);

/* @card: enum till_emv_card, as it is now */
TRACE_EVENT(till_emv_slot,
	TP_PROTO(const struct till_device *tdev, u32 card, u32 insertions),
	TP_ARGS(tdev, card, insertions),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u32, card)
		__field(u32, insertions)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->card = card;
		__entry->insertions = insertions;
	),
	TP_printk("emv%d %s insertions=%u", __entry->index,
		  show_till_emv_card(__entry->card), __entry->insertions)
);

/*
 * Printers
 */

DECLARE_EVENT_CLASS(till_printer_bytes,
	TP_PROTO(const struct till_device *tdev, size_t bytes, int result),
	TP_ARGS(tdev, bytes, result),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u32, bytes)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->bytes = bytes;
		__entry->result = result;
	),
	TP_printk("printer%d bytes=%u result=%d", __entry->index, __entry->bytes,
		  __entry->result)
);

/* Handed to the pipe. */
DEFINE_EVENT(till_printer_bytes, till_printer_write,
	TP_PROTO(const struct till_device *tdev, size_t bytes, int result),
	TP_ARGS(tdev, bytes, result)
);

/* Taken by the printer, which may be less than was handed over. */
DEFINE_EVENT(till_printer_bytes, till_printer_done,
	TP_PROTO(const struct till_device *tdev, size_t bytes, int result),
	TP_ARGS(tdev, bytes, result)
);

TRACE_EVENT(till_printer_status,
	TP_PROTO(const struct till_device *tdev, u32 online, u32 paper, u32 flags, u32 errors),
	TP_ARGS(tdev, online, paper, flags, errors),
	TP_STRUCT__entry(
		__field(int, index)
		__field(u32, online)
		__field(u32, paper)
		__field(u32, flags)
		__field(u32, errors)
	),
	TP_fast_assign(
		__entry->index = tdev->id;
		__entry->online = online;
		__entry->paper = paper;
		__entry->flags = flags;
		__entry->errors = errors;
	),
	TP_printk("printer%d %s paper=%s flags=%#x errors=%#x", __entry->index,
		  show_till_printer_online(__entry->online),
		  show_till_printer_paper(__entry->paper), __entry->flags, __entry->errors)
);

#endif /* _TILL_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE till_trace
#include <trace/define_trace.h>
