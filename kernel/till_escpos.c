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
