/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * till: what a printer is, by its IEEE 1284 device id
 *
 * Bytes in, an answer out: no device, no lock, no allocation, so that tests in
 * userspace compile the same file.
 */
#ifndef _TILL_IEEE1284_H
#define _TILL_IEEE1284_H

#include <linux/types.h>

size_t till_ieee1284_length(const u8 *reply, size_t received);
bool till_ieee1284_is_receipt_printer(const u8 *id, size_t length);

#endif /* _TILL_IEEE1284_H */
