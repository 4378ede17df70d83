// SPDX-License-Identifier: GPL-2.0-only
/*
 * till: what an ESC/POS printer sends back
 *
 * Fixed bits tell one kind from another (appendix "Transmission status
 * identification" of Epson's TM specifications; the same in Citizen's manuals):
 *
 *	0xx1 xx00	first byte of automatic status (ASB)
 *	0xx0 xxxx	three bytes after it belong to it; else GS r, GS I
 *	0xx1 xx10	DLE EOT
 *	0001 0001	XON, 0001 0011 XOFF: may come between any two bytes
 *	0101 1111	begins a text of GS I, and 0011 0111 an answer of GS ( H: up
 *			to a NUL nothing is told apart, and no ASB comes in there
 *
 * An answer to DLE EOT does not say which status was asked for, so it is a reply
 * like others, for whoever asked.
 */

#include <linux/types.h>

#include "till_escpos.h"

#define ESCPOS_XON		0x11
#define ESCPOS_XOFF		0x13
#define ESCPOS_BLOCK_INFO	0x5f	/* GS I */
#define ESCPOS_BLOCK_FUNCTION	0x37	/* GS ( H and other functions */
#define ESCPOS_BLOCK_MAX	255

/* Bits of automatic status (GS a), by byte; the fourth is reserved. */
#define ASB1_DRAWER		0x04
#define ASB1_OFFLINE		0x08
#define ASB1_COVER		0x20
#define ASB1_FEED		0x40
#define ASB2_MECHANICAL		0x04
#define ASB2_CUTTER		0x08
#define ASB2_UNRECOVERABLE	0x20
#define ASB2_RECOVERABLE	0x40
#define ASB3_NEAR_END		0x03
#define ASB3_END		0x0c

static bool till_escpos_is_asb_first(u8 byte)
{
	return (byte & 0x93) == 0x10;
}

static bool till_escpos_is_asb_next(u8 byte)
{
	return (byte & 0x90) == 0;
}

static bool till_escpos_is_realtime(u8 byte)
{
	return (byte & 0x93) == 0x12 || byte == ESCPOS_XON || byte == ESCPOS_XOFF;
}

static void till_escpos_reply(struct till_escpos_result *result, u8 byte)
{
	result->reply[result->reply_length++] = byte;
}

/* It was not automatic status after all. */
static void till_escpos_give_up(struct till_escpos *escpos, struct till_escpos_result *result)
{
	unsigned int i;

	for (i = 0; i < escpos->asb_length; i++)
		till_escpos_reply(result, escpos->asb[i]);
	escpos->asb_length = 0;
}

/**
 * till_escpos_feed() - take a byte of the back channel
 * @escpos: where it comes to
 * @byte: any
 * @result: what it has completed; at most one of status and replies
 *
 * Every byte comes out once, as part of a status or as a reply. Only automatic
 * status that is not yet whole is kept back: when it breaks off it comes out
 * behind the real-time bytes in its midst, else replies keep their order.
 */
void till_escpos_feed(struct till_escpos *escpos, u8 byte, struct till_escpos_result *result)
{
	result->status = false;
	result->reply_length = 0;

	if (escpos->block) {
		escpos->block = byte && escpos->block < ESCPOS_BLOCK_MAX ? escpos->block + 1 : 0;
		till_escpos_reply(result, byte);
		return;
	}

	if (escpos->asb_length) {
		if (till_escpos_is_realtime(byte)) {
			till_escpos_reply(result, byte);
			return;
		}
		if (till_escpos_is_asb_next(byte)) {
			escpos->asb[escpos->asb_length++] = byte;
			if (escpos->asb_length == TILL_ESCPOS_ASB_SIZE) {
				escpos->asb_length = 0;
				result->status = true;
			}
			return;
		}
		till_escpos_give_up(escpos, result);
	}

	if (till_escpos_is_asb_first(byte)) {
		escpos->asb[0] = byte;
		escpos->asb_length = 1;
		return;
	}

	if (byte == ESCPOS_BLOCK_INFO || byte == ESCPOS_BLOCK_FUNCTION)
		escpos->block = 1;
	till_escpos_reply(result, byte);
}

static u32 till_escpos_flags(u8 byte)
{
	u32 flags = 0;

	if (byte & ASB1_DRAWER)
		flags |= TILL_PRINTER_DRAWER_HIGH;
	if (byte & ASB1_COVER)
		flags |= TILL_PRINTER_COVER_OPEN;
	if (byte & ASB1_FEED)
		flags |= TILL_PRINTER_FEEDING;
	return flags;
}

static u32 till_escpos_errors(u8 byte)
{
	u32 errors = 0;

	if (byte & ASB2_MECHANICAL)
		errors |= TILL_PRINTER_ERROR_MECHANICAL;
	if (byte & ASB2_CUTTER)
		errors |= TILL_PRINTER_ERROR_CUTTER;
	if (byte & ASB2_UNRECOVERABLE)
		errors |= TILL_PRINTER_ERROR_FATAL;
	if (byte & ASB2_RECOVERABLE)
		errors |= TILL_PRINTER_ERROR_RECOVERABLE;
	return errors;
}

static u32 till_escpos_paper(u8 byte)
{
	if (byte & ASB3_END)
		return TILL_PAPER_END;
	return byte & ASB3_NEAR_END ? TILL_PAPER_NEAR_END : TILL_PAPER_OK;
}

/**
 * till_escpos_status() - what automatic status says
 * @asb: its TILL_ESCPOS_ASB_SIZE bytes
 * @status: set but for size and event: it tells all there is
 */
void till_escpos_status(const u8 *asb, struct till_printer_status *status)
{
	status->online = asb[0] & ASB1_OFFLINE ? TILL_PRINTER_OFFLINE : TILL_PRINTER_ONLINE;
	status->flags = till_escpos_flags(asb[0]);
	status->errors = till_escpos_errors(asb[1]);
	status->paper = till_escpos_paper(asb[2]);

	status->online_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->paper_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->near_end_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->cover_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->drawer_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->feed_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->cutter_source = TILL_PRINTER_SOURCE_AUTOMATIC;
	status->error_source = TILL_PRINTER_SOURCE_AUTOMATIC;
}
