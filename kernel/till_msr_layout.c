// SPDX-License-Identifier: GPL-2.0-only OR LGPL-2.1-or-later
/*
 * till: where a swipe is in the reports of a magstripe reader
 *
 * Three ways to say it:
 *  - usages of page 0x8e (HID usage tables, magnetic stripe reader): text only;
 *  - usages of MagTek's page 0xff00 (MagTek D99875191, SureSwipe; D99875475,
 *    MagneSafe V5): status, length and data of a track; MagneSafe has a key
 *    serial number, and then the data is a cryptogram with a masked form beside it;
 *  - ID TECH's own structure (ID TECH 80096504-001, SecureMag): a header and the
 *    text, or a frame with masked text, cryptograms and key serial number.
 */

#include <linux/string.h>

#include "till_msr_layout.h"

#define TILL_MSR_PAGE		0x008e
#define TILL_MSR_VENDOR_PAGE	0xff00

/* MagneSafe's encryption status, low byte: encrypting takes the key and the order. */
#define TILL_MSR_STATUS_EXHAUSTED	0x01
#define TILL_MSR_STATUS_ENCRYPTING	0x06

/* What every layout with 337 bytes is, of MagTek and of those that imitate it. */
#define TILL_MSR_SURESWIPE_SIZE	337

/* MagneSafe's report up to the masked tracks; newer firmware appends to it. */
#define TILL_MSR_MAGNESAFE_SIZE	844

/* ID TECH's header; its output length is in bytes 7 and 8. */
#define TILL_MSR_IDTECH_HEADER	9
#define TILL_MSR_IDTECH_TRACKS	3

#define TILL_MSR_STX		0x02
#define TILL_MSR_ETX		0x03
/* STX and length before, LRC, sum and ETX behind. */
#define TILL_MSR_FRAME_HEAD	3
#define TILL_MSR_FRAME_TAIL	3
#define TILL_MSR_KSN		10
#define TILL_MSR_SERIAL		10
#define TILL_MSR_HASH		20

#define TILL_MSR_JIS		3

static const struct till_msr_layout till_msr_sureswipe = {
	.size	= TILL_MSR_SURESWIPE_SIZE,
	.encode	= { 6, 1 },
	.track	= {
		{ .status = { 0, 1 }, .length = { 3, 1 }, .data = { { { 7, 110 } } } },
		{ .status = { 1, 1 }, .length = { 4, 1 }, .data = { { { 117, 110 } } } },
		{ .status = { 2, 1 }, .length = { 5, 1 }, .data = { { { 227, 110 } } } },
	},
};

/*
 * Layouts
 */

/**
 * till_msr_decoder_add() - begin the layout of a report
 * @decoder: of the reader
 * @id: of the report, zero without
 * @size: bytes of the report, with its id byte if it has one
 *
 * Return: the layout to add usages to, or NULL when there are too many
 */
struct till_msr_layout *till_msr_decoder_add(struct till_msr_decoder *decoder,
					     unsigned int id, size_t size)
{
	struct till_msr_layout *layout;

	if (decoder->layouts == TILL_MSR_REPORTS || size > 0xffff)
		return NULL;

	layout = &decoder->layout[decoder->layouts++];
	memset(layout, 0, sizeof(*layout));
	layout->id = id;
	layout->size = size;
	return layout;
}

/* A field in one piece: bytes that do not follow are not of it. */
static void till_msr_span_add(struct till_msr_span *span, size_t offset, size_t bytes)
{
	if (!span->size)
		span->offset = offset;
	if (span->offset + span->size == offset)
		span->size += bytes;
}

static void till_msr_text_add(struct till_msr_text *text, size_t offset, size_t bytes)
{
	unsigned int i;

	for (i = 0; i < TILL_MSR_SPANS; i++) {
		struct till_msr_span *span = &text->span[i];

		/* The last one begun, or one to begin. */
		if (span->size && span->offset + span->size != offset)
			continue;
		till_msr_span_add(span, offset, bytes);
		return;
	}
}

static void till_msr_layout_standard(struct till_msr_layout *layout, unsigned int id,
				     size_t offset, size_t bytes)
{
	switch (id) {
	case 0x11 ... 0x14:
		till_msr_span_add(&layout->track[id - 0x11].length, offset, bytes);
		break;
	case 0x20:
		till_msr_text_add(&layout->stream, offset, bytes);
		break;
	case 0x21 ... 0x24:
		till_msr_text_add(&layout->track[id - 0x21].data, offset, bytes);
		break;
	}
}

static void till_msr_layout_vendor(struct till_msr_layout *layout, unsigned int id,
				   size_t offset, size_t bytes)
{
	layout->vendor = true;

	switch (id) {
	case 0x20 ... 0x22:
		till_msr_span_add(&layout->track[id - 0x20].status, offset, bytes);
		break;
	case 0x28 ... 0x2a:
		till_msr_span_add(&layout->track[id - 0x28].length, offset, bytes);
		break;
	case 0x30 ... 0x32:
		till_msr_text_add(&layout->track[id - 0x30].data, offset, bytes);
		break;
	case 0x38:
		till_msr_span_add(&layout->encode, offset, bytes);
		break;
	case 0x42:
		till_msr_span_add(&layout->encryption, offset, bytes);
		break;
	case 0x46:
		till_msr_span_add(&layout->ksn, offset, bytes);
		break;
	case 0x47 ... 0x49:
		till_msr_span_add(&layout->track[id - 0x47].masked_length, offset, bytes);
		break;
	case 0x4a ... 0x4c:
		till_msr_text_add(&layout->track[id - 0x4a].masked, offset, bytes);
		break;
	}
}

/**
 * till_msr_layout_usage() - tell a layout where a usage is
 * @layout: of the report
 * @usage: page and id
 * @offset: of its first byte, from the beginning of the report with its id
 * @bytes: how many bytes of the report are this usage's
 *
 * Usages that the driver has no use for are taken, too.
 */
void till_msr_layout_usage(struct till_msr_layout *layout, u32 usage,
			   size_t offset, size_t bytes)
{
	/* A descriptor may claim more than its report has. */
	if (!bytes || offset >= layout->size || bytes > layout->size - offset)
		return;

	if (usage >> 16 == TILL_MSR_PAGE)
		till_msr_layout_standard(layout, usage & 0xffff, offset, bytes);
	else if (usage >> 16 == TILL_MSR_VENDOR_PAGE)
		till_msr_layout_vendor(layout, usage & 0xffff, offset, bytes);
}

static bool till_msr_layout_has_tracks(const struct till_msr_layout *layout)
{
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++)
		if (layout->track[i].data.span[0].size || layout->track[i].masked.span[0].size)
			return true;
	return layout->stream.span[0].size;
}

/* MagneSafe V5 as MagTek's manual prints its bytes, whatever its firmware names them. */
static void till_msr_layout_magnesafe(struct till_msr_layout *layout)
{
	unsigned int i;

	layout->encryption = (struct till_msr_span){ 493, 2 };
	layout->ksn = (struct till_msr_span){ 495, TILL_MSR_KSN };
	for (i = 0; i < 3; i++) {
		layout->track[i].masked_length = (struct till_msr_span){ 505 + i, 1 };
		layout->track[i].masked.span[0] = (struct till_msr_span){ 508 + 112 * i, 112 };
	}
}

/* The usages are all there; returns whether tracks come with this report. */
static bool till_msr_layout_complete(struct till_msr_layout *layout)
{
	if (layout->vendor && !layout->id) {
		/* What has these shapes is these, also where it names its fields otherwise. */
		if (layout->size == TILL_MSR_SURESWIPE_SIZE)
			*layout = till_msr_sureswipe;
		else if (layout->size >= TILL_MSR_MAGNESAFE_SIZE &&
			 layout->track[0].data.span[0].offset == 7 &&
			 layout->track[0].data.span[0].size == 112)
			till_msr_layout_magnesafe(layout);
	}

	if (layout->ksn.size > TILL_MSR_KSN_MAX)
		layout->ksn.size = TILL_MSR_KSN_MAX;
	return till_msr_layout_has_tracks(layout);
}

/**
 * till_msr_layout_finish() - keep the layouts that have tracks in them
 * @decoder: all its layouts added
 *
 * Return: whether any is left
 */
bool till_msr_layout_finish(struct till_msr_decoder *decoder)
{
	unsigned int i, kept = 0;

	/* Where the reader is set to usages that say it all, they do. */
	for (i = 0; i < decoder->layouts && !decoder->layout[i].vendor; i++)
		;
	if (i == decoder->layouts)
		decoder->dialect = TILL_MSR_DIALECT_USAGES;

	for (i = 0; i < decoder->layouts; i++) {
		struct till_msr_layout *layout = &decoder->layout[i];
		bool keep;

		if (decoder->dialect == TILL_MSR_DIALECT_IDTECH)
			keep = layout->vendor;
		else
			keep = till_msr_layout_complete(layout);
		if (keep)
			decoder->layout[kept++] = *layout;
	}

	decoder->layouts = kept;
	return kept;
}

/**
 * till_msr_decoder_features() - what a reader with these layouts can do
 * @decoder: finished
 *
 * Return: TILL_MSR_FEATURE_*
 */
u64 till_msr_decoder_features(const struct till_msr_decoder *decoder)
{
	u64 features = TILL_MSR_FEATURE_DECODED;
	unsigned int i;

	if (decoder->dialect == TILL_MSR_DIALECT_IDTECH)
		return features | TILL_MSR_FEATURE_ENCRYPTING;

	for (i = 0; i < decoder->layouts; i++) {
		if (decoder->layout[i].ksn.size)
			features |= TILL_MSR_FEATURE_ENCRYPTING;
		if (decoder->layout[i].track[TILL_MSR_JIS].data.span[0].size)
			features |= TILL_MSR_FEATURE_JIS;
	}
	return features;
}

/*
 * Text
 */

/* Code of a character in its track's set, or a negative number (ISO/IEC 7811-2). */
static int till_msr_code(unsigned int index, u8 c)
{
	u8 first = index ? '0' : ' ';
	u8 codes = index ? 16 : 64;

	return c >= first && c < first + codes ? c - first : -1;
}

/* The LRC makes every column of bits even, both sentinels and itself included. */
static u8 till_msr_check(unsigned int index, const u8 *data, unsigned int length, u8 lrc)
{
	unsigned int i, sum = 0;

	for (i = 0; i < length; i++) {
		int code = till_msr_code(index, data[i]);

		if (code < 0)
			return TILL_MSR_ERROR_PARITY;
		sum ^= code;
	}
	return lrc && till_msr_code(index, lrc) != (int)sum ? TILL_MSR_ERROR_LRC : 0;
}

/* Takes the LRC off an ISO track and returns what is wrong with the rest. */
static u8 till_msr_examine(unsigned int index, const u8 *data, unsigned int *length, bool masked)
{
	const u8 *sentinel = memchr(data, '?', *length);
	unsigned int end = sentinel ? sentinel - data + 1 : 0;
	u8 errors = 0, lrc = 0;

	if (end && end + 1 == *length)
		lrc = data[--*length];
	/* The reader has read it; what it shows of it is its own business. */
	if (masked)
		return 0;

	if (data[0] != (index ? ';' : '%'))
		errors |= TILL_MSR_ERROR_START;
	if (end != *length)
		errors |= TILL_MSR_ERROR_END;
	return errors ? errors : till_msr_check(index, data, *length, lrc);
}

/* Tracks 1 to 3 of JIS type I are those of ISO. */
static bool till_msr_is_iso(const struct till_msr_swipe *swipe, unsigned int index)
{
	return index != TILL_MSR_JIS && (swipe->encode == TILL_MSR_ENCODE_ISO ||
					 swipe->encode == TILL_MSR_ENCODE_JIS);
}

/* Only a good text is handed on; of a bad one the errors. */
static void till_msr_set_text(struct till_msr_swipe *swipe, unsigned int index,
			      const u8 *data, unsigned int length, bool masked)
{
	struct till_msr_track *track = &swipe->track[index];

	if (!length)
		return;
	if (till_msr_is_iso(swipe, index))
		track->errors |= till_msr_examine(index, data, &length, masked);
	if (length > TILL_MSR_TRACK_MAX)
		track->errors |= TILL_MSR_ERROR_DECODE;
	if (track->errors)
		return;

	track->length = length;
	memcpy(track->data, data, length);
	if (masked)
		track->flags |= TILL_MSR_TRACK_MASKED;
}

static unsigned int till_msr_min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int till_msr_pad(unsigned int length, unsigned int block)
{
	return (length + block - 1) / block * block;
}

static void till_msr_set_encrypted(struct till_msr_swipe *swipe, unsigned int index,
				   const u8 *data, unsigned int length)
{
	struct till_msr_track *track = &swipe->track[index];

	if (length > TILL_MSR_ENCRYPTED_MAX || length % 8) {
		track->errors |= TILL_MSR_ERROR_DECODE;
		return;
	}
	track->encrypted_length = length;
	memcpy(track->encrypted, data, length);
}

/* A track with errors has nothing else: not the half of it. */
static void till_msr_drop_bad(struct till_msr_swipe *swipe)
{
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		struct till_msr_track *track = &swipe->track[i];
		u8 errors = track->errors;

		if (!errors)
			continue;
		memzero_explicit(track, sizeof(*track));
		track->errors = errors;
	}
}

static bool till_msr_is_told(const struct till_msr_track *track)
{
	return track->errors || track->length || track->encrypted_length;
}

static bool till_msr_is_empty(const struct till_msr_swipe *swipe)
{
	unsigned int i;

	for (i = 0; i < TILL_MSR_TRACKS; i++)
		if (till_msr_is_told(&swipe->track[i]))
			return false;
	return true;
}

/*
 * Tracks one after the other, with whatever between them
 */

/*
 * Cuts the text at the sentinels. The lengths, where a reader gives them, say
 * which tracks there are; without them the first ; is track 2, the second track 3.
 */
static void till_msr_set_stream(struct till_msr_swipe *swipe, const u8 *data,
				unsigned int length, const u8 *lengths)
{
	unsigned int i, at = 0;

	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++) {
		bool percent = !i || (i == 2 && swipe->encode == TILL_MSR_ENCODE_AAMVA);
		const u8 *start, *end;
		unsigned int size;

		if (till_msr_is_told(&swipe->track[i]) || (lengths && !lengths[i]))
			continue;
		start = memchr(data + at, percent ? '%' : ';', length - at);
		if (!start) {
			if (lengths)
				swipe->track[i].errors |= TILL_MSR_ERROR_START;
			continue;
		}

		end = memchr(start, '?', data + length - start);
		size = end ? end + 1 - start : data + length - start;
		if (lengths)
			size = till_msr_min(lengths[i], data + length - start);
		till_msr_set_text(swipe, i, start, size, false);
		at = start + size - data;
	}
}

/*
 * Usages
 */

static unsigned int till_msr_text_room(const struct till_msr_text *text)
{
	unsigned int i, room = 0;

	for (i = 0; i < TILL_MSR_SPANS; i++)
		room += text->span[i].size;
	return room;
}

/* Returns the bytes put together, and no more than there is room for. */
static unsigned int till_msr_gather(const struct till_msr_text *text, const u8 *report,
				    u8 *data, unsigned int max)
{
	unsigned int i, length = 0;

	for (i = 0; i < TILL_MSR_SPANS; i++) {
		unsigned int size = till_msr_min(text->span[i].size, max - length);

		memcpy(data + length, report + text->span[i].offset, size);
		length += size;
	}
	return length;
}

static unsigned int till_msr_number(const struct till_msr_span *span, const u8 *report)
{
	unsigned int i, value = 0;

	for (i = 0; i < span->size && i < 2; i++)
		value |= report[span->offset + i] << 8 * i;
	return value;
}

/* @number: of the field that tells the length; the text itself, to its first zero, without */
static unsigned int till_msr_text_length(const struct till_msr_span *number, const u8 *report,
					 const u8 *data, unsigned int room)
{
	return number->size ? till_msr_number(number, report) : strnlen((const char *)data, room);
}

static u8 till_msr_encode_magtek(u8 value)
{
	switch (value) {
	case 0:
		return TILL_MSR_ENCODE_ISO;
	case 1:
		return TILL_MSR_ENCODE_AAMVA;
	case 2:
		return TILL_MSR_ENCODE_CADL;
	case 3:
		return TILL_MSR_ENCODE_BLANK;
	case 7:
		return TILL_MSR_ENCODE_JIS;
	case 5:
	case 6:
		return TILL_MSR_ENCODE_UNKNOWN;
	default:
		return TILL_MSR_ENCODE_OTHER;
	}
}

static u8 till_msr_encode_idtech(u8 value)
{
	switch (value) {
	case 0:
		return TILL_MSR_ENCODE_ISO;
	case 1:
		return TILL_MSR_ENCODE_AAMVA;
	default:
		return TILL_MSR_ENCODE_OTHER;
	}
}

/* An unused key serial number is zeros. */
static bool till_msr_has_ksn(const struct till_msr_layout *layout, const u8 *report)
{
	unsigned int i;

	for (i = 0; i < layout->ksn.size; i++)
		if (report[layout->ksn.offset + i])
			return true;
	return false;
}

/* Either sign is enough not to call a track clear. */
static bool till_msr_is_encrypted(const struct till_msr_layout *layout, const u8 *report)
{
	const struct till_msr_span *status = &layout->encryption;

	if (!layout->ksn.size)
		return false;
	if (till_msr_has_ksn(layout, report))
		return true;
	return status->size && (report[status->offset + status->size - 1] &
				TILL_MSR_STATUS_ENCRYPTING) == TILL_MSR_STATUS_ENCRYPTING;
}

static void till_msr_decode_track(const struct till_msr_layout *layout, unsigned int index,
				  const u8 *report, bool encrypted,
				  struct till_msr_swipe *swipe)
{
	/* As large as the largest length byte, for one that lies. */
	u8 data[256];
	unsigned int room, length;

	/* Two reports may claim the same track: it is the later one's, whole. */
	memzero_explicit(&swipe->track[index], sizeof(swipe->track[index]));

	if (till_msr_number(&layout->track[index].status, report) & 0x01) {
		swipe->track[index].errors |= TILL_MSR_ERROR_DECODE;
		return;
	}

	room = till_msr_gather(&layout->track[index].data, report, data, sizeof(data));
	/* The length is the text's; its cryptogram is whole blocks, and all of them are here. */
	if (encrypted)
		length = till_msr_pad(till_msr_number(&layout->track[index].length, report), 8);
	else
		length = till_msr_text_length(&layout->track[index].length, report, data, room);
	if (length > room)
		swipe->track[index].errors |= TILL_MSR_ERROR_DECODE;
	else if (encrypted)
		till_msr_set_encrypted(swipe, index, data, length);
	else
		till_msr_set_text(swipe, index, data, length, false);

	if (encrypted) {
		room = till_msr_gather(&layout->track[index].masked, report, data, sizeof(data));
		length = till_msr_text_length(&layout->track[index].masked_length, report, data,
					      room);
		if (length > room)
			swipe->track[index].errors |= TILL_MSR_ERROR_DECODE;
		else
			till_msr_set_text(swipe, index, data, length, true);
	}

	memzero_explicit(data, sizeof(data));
}

static void till_msr_decode_stream(const struct till_msr_layout *layout, const u8 *report,
				   struct till_msr_swipe *swipe)
{
	u8 data[512];
	unsigned int length;

	length = till_msr_gather(&layout->stream, report, data, sizeof(data));
	till_msr_set_stream(swipe, data, strnlen((const char *)data, length), NULL);
	memzero_explicit(data, sizeof(data));
}

/* Where no field tells the type of the card, its tracks do. */
static u8 till_msr_guess_encode(const struct till_msr_layout *layout, const u8 *report)
{
	const struct till_msr_span *third = &layout->track[2].data.span[0];
	const struct till_msr_span *jis = &layout->track[TILL_MSR_JIS].data.span[0];

	if (layout->encode.size)
		return till_msr_encode_magtek(report[layout->encode.offset]);
	if (third->size && report[third->offset] == '%')
		return TILL_MSR_ENCODE_AAMVA;
	if (jis->size && report[jis->offset] &&
	    (!layout->track[TILL_MSR_JIS].length.size ||
	     till_msr_number(&layout->track[TILL_MSR_JIS].length, report)))
		return TILL_MSR_ENCODE_JIS;
	return TILL_MSR_ENCODE_ISO;
}

static void till_msr_decode_usages(const struct till_msr_layout *layout, const u8 *report,
				   struct till_msr_swipe *swipe)
{
	bool encrypted = till_msr_is_encrypted(layout, report);
	const struct till_msr_span *status = &layout->encryption;
	u8 encode = till_msr_guess_encode(layout, report);
	unsigned int i;

	/* A report for each track: what the others have said stands. */
	if (!swipe->encode)
		swipe->encode = encode;

	for (i = 0; i < TILL_MSR_TRACKS; i++) {
		if (!till_msr_text_room(&layout->track[i].data))
			continue;
		/* Out of keys, MagneSafe sends reports without a card in them. */
		if (status->size &&
		    report[status->offset + status->size - 1] & TILL_MSR_STATUS_EXHAUSTED)
			swipe->track[i].errors |= TILL_MSR_ERROR_DECODE;
		else
			till_msr_decode_track(layout, i, report, encrypted, swipe);
	}
	if (layout->stream.span[0].size)
		till_msr_decode_stream(layout, report, swipe);

	if (encrypted) {
		/* DUKPT of AES has longer serial numbers (ANSI X9.24-3). */
		swipe->encryption = layout->ksn.size == 12 ? TILL_MSR_ENCRYPTION_DUKPT_AES :
							     TILL_MSR_ENCRYPTION_DUKPT_TDES;
		if (till_msr_has_ksn(layout, report)) {
			swipe->ksn_length = layout->ksn.size;
			memcpy(swipe->ksn, report + layout->ksn.offset, layout->ksn.size);
		}
	}
}

/*
 * ID TECH
 */

/* Returns the size of a frame that begins here; zero for none, and without its head. */
static unsigned int till_msr_frame_size(const u8 *data, unsigned int size)
{
	if (size < TILL_MSR_FRAME_HEAD || data[0] != TILL_MSR_STX)
		return 0;
	return TILL_MSR_FRAME_HEAD + (data[1] | data[2] << 8) + TILL_MSR_FRAME_TAIL;
}

/* Sum and LRC are over what is between length and LRC. */
static bool till_msr_frame_valid(const u8 *frame, unsigned int size)
{
	u8 sum = 0, lrc = 0;
	unsigned int i;

	for (i = TILL_MSR_FRAME_HEAD; i < size - TILL_MSR_FRAME_TAIL; i++) {
		sum += frame[i];
		lrc ^= frame[i];
	}
	return frame[size - 3] == lrc && frame[size - 2] == sum && frame[size - 1] == TILL_MSR_ETX;
}

/* What is still to be read of a frame's card data. */
struct till_msr_cursor {
	const u8 *at;
	unsigned int left;
	bool short_of;
};

/* Returns the next bytes, or NULL when there are not so many. */
static const u8 *till_msr_next(struct till_msr_cursor *cursor, unsigned int size)
{
	const u8 *at = cursor->at;

	if (size > cursor->left) {
		cursor->short_of = true;
		return NULL;
	}
	cursor->at += size;
	cursor->left -= size;
	return at;
}

static void till_msr_next_text(struct till_msr_cursor *cursor, struct till_msr_swipe *swipe,
			       unsigned int index, unsigned int length, bool masked)
{
	const u8 *data = till_msr_next(cursor, length);

	if (data)
		till_msr_set_text(swipe, index, data, length, masked);
}

static void till_msr_next_encrypted(struct till_msr_cursor *cursor, struct till_msr_swipe *swipe,
				    unsigned int index, unsigned int length)
{
	const u8 *data = till_msr_next(cursor, length);

	if (data)
		till_msr_set_encrypted(swipe, index, data, length);
}

static void till_msr_next_ksn(struct till_msr_cursor *cursor, struct till_msr_swipe *swipe)
{
	const u8 *ksn = till_msr_next(cursor, TILL_MSR_KSN);

	if (ksn) {
		swipe->ksn_length = TILL_MSR_KSN;
		memcpy(swipe->ksn, ksn, TILL_MSR_KSN);
	}
}

/*
 * Enhanced format: two bytes say what of each track was sent, and each track is
 * encrypted by itself. A track that has a cryptogram is masked if it has text.
 */
static void till_msr_frame_enhanced(struct till_msr_cursor *cursor, struct till_msr_swipe *swipe,
				    u8 status, const u8 *lengths)
{
	const u8 *sent = till_msr_next(cursor, 2);
	const u8 *options;
	unsigned int i, block;

	if (!sent)
		return;
	block = sent[0] & 0x10 ? 16 : 8;

	/* Optional bytes, by their number. */
	if (status & 0x40) {
		options = till_msr_next(cursor, 1);
		if (!options || !till_msr_next(cursor, options[0]))
			return;
	}

	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		if (sent[0] & 1 << i)
			till_msr_next_text(cursor, swipe, i, lengths[i], sent[1] & 1 << i);
	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		if (sent[1] & 1 << i)
			till_msr_next_encrypted(cursor, swipe, i, till_msr_pad(lengths[i], block));
	/* Session id and hashes are of no use to a terminal; the serial number is USB's. */
	if (sent[1] & 0x40)
		till_msr_next(cursor, block);
	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		if (sent[1] & 0x08 << i)
			till_msr_next(cursor, TILL_MSR_HASH);
	if (sent[0] & 0x80)
		till_msr_next(cursor, TILL_MSR_SERIAL);
	if (sent[1] & 0x80)
		till_msr_next_ksn(cursor, swipe);

	if (sent[1] & 0x07)
		swipe->encryption = !(sent[1] & 0x80) ? TILL_MSR_ENCRYPTION_OTHER :
				    block == 16 ? TILL_MSR_ENCRYPTION_DUKPT_AES :
						  TILL_MSR_ENCRYPTION_DUKPT_TDES;
}

/* Returns whether so many bytes are the hashes, and the session id, of settings there are. */
static bool till_msr_is_trailer(unsigned int size, unsigned int tracks)
{
	unsigned int i;

	/* None, both, those of the tracks there are, or a third one, too. */
	for (i = 0; i <= 3; i++)
		if ((!i || i >= tracks) &&
		    (size == i * TILL_MSR_HASH || size == i * TILL_MSR_HASH + 8))
			return true;
	return false;
}

/*
 * Original format: tracks 1 and 2 of an ISO card are encrypted as one text, track
 * 3 never; other cards are clear. Nothing says how long the cryptogram is: it is
 * of the two texts, in blocks of 8 or of 16, and what is behind it has to fit.
 * Where there is neither text, nothing is encrypted.
 */
static void till_msr_frame_original(struct till_msr_cursor *cursor, struct till_msr_swipe *swipe,
				    const u8 *lengths)
{
	unsigned int text = lengths[0] + lengths[1] + lengths[2];
	unsigned int joint = lengths[0] + lengths[1];
	unsigned int first = lengths[0] ? 0 : 1;
	unsigned int tracks = !!lengths[0] + !!lengths[1];
	bool encrypted = cursor->left > text;
	unsigned int i, block, trailer;

	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		till_msr_next_text(cursor, swipe, i, lengths[i], encrypted && i < 2);
	if (!encrypted || !tracks || cursor->short_of)
		return;

	for (block = 8; block <= 16; block += 8) {
		unsigned int length = till_msr_pad(joint, block);

		if (length + TILL_MSR_KSN > cursor->left)
			continue;
		trailer = cursor->left - length - TILL_MSR_KSN;
		if (!till_msr_is_trailer(trailer, tracks))
			continue;

		till_msr_next_encrypted(cursor, swipe, first, length);
		if (tracks == 2)
			swipe->track[first].flags |= TILL_MSR_TRACK_JOINT;
		till_msr_next(cursor, trailer);
		till_msr_next_ksn(cursor, swipe);
		swipe->encryption = block == 16 ? TILL_MSR_ENCRYPTION_DUKPT_AES :
						  TILL_MSR_ENCRYPTION_DUKPT_TDES;
		return;
	}
	cursor->short_of = true;
}

/* One cryptogram for two tracks is of no use when one of them is bad. */
static void till_msr_fail_joint(struct till_msr_swipe *swipe)
{
	if (swipe->track[0].flags & TILL_MSR_TRACK_JOINT &&
	    (swipe->track[0].errors || swipe->track[1].errors)) {
		swipe->track[0].errors |= TILL_MSR_ERROR_DECODE;
		swipe->track[1].errors |= TILL_MSR_ERROR_DECODE;
	}
}

static void till_msr_fail(struct till_msr_swipe *swipe)
{
	unsigned int i;

	swipe->encryption = TILL_MSR_ENCRYPTION_NONE;
	swipe->ksn_length = 0;
	memset(swipe->ksn, 0, sizeof(swipe->ksn));
	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		swipe->track[i].errors |= TILL_MSR_ERROR_DECODE;
}

/* Encode type, status of all tracks, three lengths; high bit of the type: enhanced. */
static enum till_msr_result till_msr_decode_frame(const u8 *frame, unsigned int size,
						  struct till_msr_swipe *swipe)
{
	struct till_msr_cursor cursor = {
		.at = frame + TILL_MSR_FRAME_HEAD,
		.left = size - TILL_MSR_FRAME_HEAD - TILL_MSR_FRAME_TAIL,
	};
	u8 lengths[TILL_MSR_IDTECH_TRACKS] = { 0 };
	const u8 *head;
	unsigned int i;

	head = till_msr_next(&cursor, 2 + TILL_MSR_IDTECH_TRACKS);
	if (!head || !till_msr_frame_valid(frame, size))
		return TILL_MSR_RESULT_BROKEN;

	swipe->encode = till_msr_encode_idtech(head[0] & 0x7f);
	memcpy(lengths, head + 2, sizeof(lengths));

	/* Bits of a stripe that the reader could not make characters of are of no use. */
	if ((head[0] & 0x7f) == 4) {
		till_msr_fail(swipe);
		return TILL_MSR_RESULT_SWIPE;
	}

	/* Sampled, but not decoded. */
	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		if (!(head[1] & 1 << i) && head[1] & 0x08 << i)
			swipe->track[i].errors |= TILL_MSR_ERROR_DECODE;

	if (head[0] & 0x80)
		till_msr_frame_enhanced(&cursor, swipe, head[1], lengths);
	else
		till_msr_frame_original(&cursor, swipe, lengths);

	/* A format that is not this one: better nothing than the wrong bytes. */
	if (cursor.short_of || cursor.left)
		till_msr_fail(swipe);
	till_msr_fail_joint(swipe);
	return TILL_MSR_RESULT_SWIPE;
}

/* Status, length of each track, encode type, length of the output; the output. */
static enum till_msr_result till_msr_decode_native(const u8 *report, unsigned int size,
						   struct till_msr_swipe *swipe)
{
	const u8 *output = report + TILL_MSR_IDTECH_HEADER;
	unsigned int i, room, length, frame;

	if (size < TILL_MSR_IDTECH_HEADER)
		return TILL_MSR_RESULT_BROKEN;
	room = size - TILL_MSR_IDTECH_HEADER;
	length = report[7] | report[8] << 8;
	if (length > room)
		length = report[7] << 8 | report[8];
	if (length > room)
		return TILL_MSR_RESULT_BROKEN;

	frame = till_msr_frame_size(output, length);
	if (frame && frame <= length)
		return till_msr_decode_frame(output, frame, swipe);

	swipe->encode = till_msr_encode_idtech(report[6]);
	for (i = 0; i < TILL_MSR_IDTECH_TRACKS; i++)
		if (report[i] & 0x01)
			swipe->track[i].errors |= TILL_MSR_ERROR_DECODE;
	till_msr_set_stream(swipe, output, length, report + 3);
	return TILL_MSR_RESULT_SWIPE;
}

/* Frames of some readers are longer than their reports. */
static enum till_msr_result till_msr_collect(struct till_msr_decoder *decoder,
					     const u8 *report, unsigned int size)
{
	enum till_msr_result result;
	unsigned int whole;

	if (size > TILL_MSR_FRAME_MAX - decoder->frame_length)
		return TILL_MSR_RESULT_BROKEN;
	memcpy(decoder->frame + decoder->frame_length, report, size);
	decoder->frame_length += size;

	whole = till_msr_frame_size(decoder->frame, decoder->frame_length);
	if (whole > TILL_MSR_FRAME_MAX)
		return TILL_MSR_RESULT_BROKEN;
	if (!whole || decoder->frame_length < whole)
		return TILL_MSR_RESULT_PART;

	result = till_msr_decode_frame(decoder->frame, whole, &decoder->swipe);
	memzero_explicit(decoder->frame, sizeof(decoder->frame));
	decoder->frame_length = 0;
	return result;
}

static enum till_msr_result till_msr_decode_idtech(struct till_msr_decoder *decoder,
						   const u8 *report, unsigned int size)
{
	/* The layout of SureSwipe is one of the settings. */
	if (decoder->frame_length || report[0] == TILL_MSR_STX)
		return till_msr_collect(decoder, report, size);
	if (size == TILL_MSR_SURESWIPE_SIZE) {
		till_msr_decode_usages(&till_msr_sureswipe, report, &decoder->swipe);
		return TILL_MSR_RESULT_SWIPE;
	}
	return till_msr_decode_native(report, size, &decoder->swipe);
}

/*
 * Reports
 */

static int till_msr_find(const struct till_msr_decoder *decoder, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < decoder->layouts; i++)
		if (decoder->layout[i].id == id)
			return i;
	return -1;
}

/**
 * till_msr_decoder_busy() - whether a swipe is under way
 * @decoder: of the reader
 *
 * Return: whether something of it has come
 */
bool till_msr_decoder_busy(const struct till_msr_decoder *decoder)
{
	return decoder->seen;
}

/**
 * till_msr_decoder_whole() - whether there is a swipe to take
 * @decoder: of the reader
 *
 * Return: whether something of one has come, and not only half a frame
 */
bool till_msr_decoder_whole(const struct till_msr_decoder *decoder)
{
	return decoder->seen && !decoder->frame_length;
}

/**
 * till_msr_decoder_repeats() - whether a report belongs to another swipe
 * @decoder: of the reader
 * @id: of the report that has come
 *
 * Return: whether the swipe under way has this report already, so that it is
 * to be taken first
 */
bool till_msr_decoder_repeats(const struct till_msr_decoder *decoder, unsigned int id)
{
	int i = till_msr_find(decoder, id);

	return i >= 0 && decoder->seen & 1U << i && !decoder->frame_length;
}

/**
 * till_msr_decoder_push() - decode a report
 * @decoder: of the reader
 * @id: of the report
 * @report: with its id byte if it has one
 * @size: bytes that came
 *
 * Return: what became of it. After TILL_MSR_RESULT_BROKEN nothing is under way;
 * after TILL_MSR_RESULT_SWIPE it is to be taken.
 */
enum till_msr_result till_msr_decoder_push(struct till_msr_decoder *decoder, unsigned int id,
					   const u8 *report, size_t size)
{
	enum till_msr_result result = TILL_MSR_RESULT_SWIPE;
	const struct till_msr_layout *layout;
	int i = till_msr_find(decoder, id);

	if (i < 0)
		return TILL_MSR_RESULT_NONE;
	layout = &decoder->layout[i];
	if (size < layout->size || layout->size <= !!id) {
		till_msr_decoder_wipe(decoder);
		return TILL_MSR_RESULT_BROKEN;
	}

	decoder->seen |= 1U << i;
	if (decoder->dialect == TILL_MSR_DIALECT_IDTECH) {
		result = till_msr_decode_idtech(decoder, report + !!id, layout->size - !!id);
	} else {
		till_msr_decode_usages(layout, report, &decoder->swipe);
		if (decoder->seen != (1U << decoder->layouts) - 1)
			result = TILL_MSR_RESULT_PART;
	}

	if (result == TILL_MSR_RESULT_BROKEN)
		till_msr_decoder_wipe(decoder);
	return result;
}

/**
 * till_msr_decoder_take() - take the swipe that is under way, whole or not
 * @decoder: of the reader; afterwards nothing is under way
 * @swipe: zeros and what is known of the swipe: not size, sequence and time
 *
 * Return: whether there was one; half a frame is none
 */
bool till_msr_decoder_take(struct till_msr_decoder *decoder, struct till_msr_swipe *swipe)
{
	bool taken = till_msr_decoder_whole(decoder);

	*swipe = (struct till_msr_swipe){ 0 };
	if (taken) {
		*swipe = decoder->swipe;
		till_msr_drop_bad(swipe);
		if (swipe->encode == TILL_MSR_ENCODE_ISO && till_msr_is_empty(swipe))
			swipe->encode = TILL_MSR_ENCODE_BLANK;
	}
	till_msr_decoder_wipe(decoder);
	return taken;
}

/**
 * till_msr_decoder_wipe() - forget the swipe that is under way
 * @decoder: of the reader
 */
void till_msr_decoder_wipe(struct till_msr_decoder *decoder)
{
	decoder->seen = 0;
	decoder->frame_length = 0;
	memzero_explicit(decoder->frame, sizeof(decoder->frame));
	memzero_explicit(&decoder->swipe, sizeof(decoder->swipe));
}
