/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a printer sends back: finds the answer to a job's last command among automatic status (four bytes)
 * and XON/XOFF, which may come in between, and stray bytes. Total: takes any bytes.
 */

#include "base/macro.h"

/* d1 to d4 of GS ( H. Only of 0x40 to 0x4F: no byte of the answer can then be taken for automatic status. */
#define REPLY_PROCESS_ID 4

struct reply {
        uint8_t expected[8]; /* of a process id answer; empty for the one byte of GS r */
        size_t expected_size;
        size_t matched;
        unsigned status_left; /* bytes of an automatic status still to come */
};

void reply_process_id(uint16_t number, uint8_t id[static REPLY_PROCESS_ID]);
/* Awaits the answer to GS ( H function 48: 0x37 0x22 id NUL (Epson's ESC/POS reference). */
void reply_expect_process_id(struct reply *reply, const uint8_t id[static REPLY_PROCESS_ID]);
/* Awaits the answer to GS r 1: one byte with bits 4 and 7 clear. */
void reply_expect_status(struct reply *reply);
/* True once the answer is complete; what follows it is not looked at. */
bool reply_feed(struct reply *reply, const uint8_t *data, size_t size);
