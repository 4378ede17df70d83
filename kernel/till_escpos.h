/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: what an ESC/POS printer sends back
 *
 * Bytes in, status and replies out: no device, no lock, no allocation, so that
 * tests in userspace compile the same file.
 */
#ifndef _TILL_ESCPOS_H
#define _TILL_ESCPOS_H

#include <linux/types.h>

#include <linux/till.h>

#define TILL_ESCPOS_ASB_SIZE	4

/**
 * struct till_escpos - where the back channel's bytes belong; zeroed to begin with
 * @asb: automatic status so far
 * @asb_length: bytes of it; zero outside automatic status
 * @block: bytes of a block reply so far; zero outside a block
 */
struct till_escpos {
	u8 asb[TILL_ESCPOS_ASB_SIZE];
	u8 asb_length;
	u8 block;
};

/**
 * struct till_escpos_result - what a byte has completed
 * @status: automatic status is whole, in &struct till_escpos.asb
 * @reply_length: bytes used in @reply
 * @reply: they are no automatic status
 */
struct till_escpos_result {
	bool status;
	u8 reply_length;
	u8 reply[TILL_ESCPOS_ASB_SIZE];
};

void till_escpos_feed(struct till_escpos *escpos, u8 byte, struct till_escpos_result *result);
void till_escpos_status(const u8 *asb, struct till_printer_status *status);

#endif /* _TILL_ESCPOS_H */
