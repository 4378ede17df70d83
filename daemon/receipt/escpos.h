/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ESC/POS: a page as bytes for a printer. */

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
