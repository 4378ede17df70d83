/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ESC/POS: a page as bytes for a printer, and what printers answer. */

#include "receipt/page.h"
#include "receipt/profile.h"

/* Process ids of GS ( H are four decimal digits here. */
#define ESCPOS_PROCESS_MAX 9999

/*
 * Starts from a known state (ESC @), ends with the completion query of the profile, after the cut.
 * process is 0 to ESCPOS_PROCESS_MAX. *ret is freed by the caller.
 */
int page_to_escpos(const struct page *page, const struct printer_profile *profile, unsigned process, uint8_t **ret,
                   size_t *ret_size);

enum escpos_answer_type {
        ESCPOS_ANSWER_OTHER,      /* one byte that is nothing known */
        ESCPOS_ANSWER_COMPLETION, /* GS ( H: 37 22 d1-d4 00 */
        ESCPOS_ANSWER_STATUS,     /* GS r, one byte */
        ESCPOS_ANSWER_AUTOMATIC,  /* automatic status back, four bytes */
};

struct escpos_answer {
        enum escpos_answer_type type;
        unsigned process;  /* of a completion */
        uint8_t status[4]; /* as it came */
};

/* Takes one answer from the front. Returns the bytes that it took, 0 when more must come first. */
size_t escpos_answer_parse(const uint8_t *data, size_t size, struct escpos_answer *ret);
