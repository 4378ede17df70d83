/* SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later */
/*
 * till: where a swipe is in the reports of a magstripe reader
 *
 * Pure: bytes and usages in, a swipe out. It allocates, locks and logs nothing
 * and is compiled by the tests in userspace as it is. Any bytes give a swipe, if
 * need be one of errors, or nothing.
 */
#ifndef _TILL_MSR_LAYOUT_H
#define _TILL_MSR_LAYOUT_H

#include <linux/types.h>
#include <linux/till.h>

/* Input reports that a swipe may be in; a reader may send a report for each track. */
#define TILL_MSR_REPORTS	8
/* Runs of bytes that a track's text may be in. */
#define TILL_MSR_SPANS		4
/* A frame of ID TECH's encrypted output; the longest is some 700 bytes. */
#define TILL_MSR_FRAME_MAX	1024

/**
 * enum till_msr_dialect - what a descriptor does not say
 * @TILL_MSR_DIALECT_USAGES: the usages of the report descriptor say it all
 * @TILL_MSR_DIALECT_IDTECH: ID TECH's own structure, whatever the usages
 */
enum till_msr_dialect {
	TILL_MSR_DIALECT_USAGES,
	TILL_MSR_DIALECT_IDTECH,
};

/**
 * struct till_msr_span - bytes of a report
 * @offset: of the first, from the beginning of the report with its id
 * @size: how many; zero when the report has no such field
 */
struct till_msr_span {
	u16 offset;
	u16 size;
};

/**
 * struct till_msr_text - bytes of a report that need not follow one another
 * @span: in the order of the text
 */
struct till_msr_text {
	struct till_msr_span span[TILL_MSR_SPANS];
};

/**
 * struct till_msr_layout - where a swipe is in one report
 * @id: of the report
 * @size: bytes of the report, with its id byte if it has one
 * @vendor: it has fields of page 0xff00
 * @encode: card encode type, as MagTek numbers them
 * @encryption: MagneSafe's reader encryption status, big endian
 * @ksn: DUKPT key serial number
 * @stream: text of all tracks, one after the other
 * @track: by track: decode status, length and text of what the reader read, and
 *	of the masked form beside it
 */
struct till_msr_layout {
	u8 id;
	u16 size;
	bool vendor;
	struct till_msr_span encode;
	struct till_msr_span encryption;
	struct till_msr_span ksn;
	struct till_msr_text stream;
	struct {
		struct till_msr_span status;
		struct till_msr_span length;
		struct till_msr_text data;
		struct till_msr_span masked_length;
		struct till_msr_text masked;
	} track[TILL_MSR_TRACKS];
};

/**
 * enum till_msr_result - what became of a report
 * @TILL_MSR_RESULT_NONE: not a report with a swipe
 * @TILL_MSR_RESULT_BROKEN: too short, or not what the reader is to send
 * @TILL_MSR_RESULT_PART: a part; the rest is in reports to come
 * @TILL_MSR_RESULT_SWIPE: with it a swipe is whole
 */
enum till_msr_result {
	TILL_MSR_RESULT_NONE,
	TILL_MSR_RESULT_BROKEN,
	TILL_MSR_RESULT_PART,
	TILL_MSR_RESULT_SWIPE,
};

/**
 * struct till_msr_decoder - a reader's layouts and the swipe that is under way
 * @dialect: of the reader
 * @layouts: of @layout
 * @layout: one for each report
 * @seen: layouts that the swipe under way has come in
 * @frame_length: bytes in @frame
 * @frame: what has come of a frame that is longer than a report
 * @swipe: what has come of the swipe
 *
 * @seen and what follows is card data: till_msr_decoder_wipe().
 */
struct till_msr_decoder {
	enum till_msr_dialect dialect;
	unsigned int layouts;
	struct till_msr_layout layout[TILL_MSR_REPORTS];
	unsigned int seen;
	unsigned int frame_length;
	u8 frame[TILL_MSR_FRAME_MAX];
	struct till_msr_swipe swipe;
};

struct till_msr_layout *till_msr_decoder_add(struct till_msr_decoder *decoder,
					     unsigned int id, size_t size);
void till_msr_layout_usage(struct till_msr_layout *layout, u32 usage,
			   size_t offset, size_t bytes);
bool till_msr_layout_finish(struct till_msr_decoder *decoder);
u64 till_msr_decoder_features(const struct till_msr_decoder *decoder);

bool till_msr_decoder_busy(const struct till_msr_decoder *decoder);
bool till_msr_decoder_whole(const struct till_msr_decoder *decoder);
bool till_msr_decoder_repeats(const struct till_msr_decoder *decoder, unsigned int id);
enum till_msr_result till_msr_decoder_push(struct till_msr_decoder *decoder, unsigned int id,
					   const u8 *report, size_t size);
bool till_msr_decoder_take(struct till_msr_decoder *decoder, struct till_msr_swipe *swipe);
void till_msr_decoder_wipe(struct till_msr_decoder *decoder);

#endif /* _TILL_MSR_LAYOUT_H */
