/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ESC/POS: a page as bytes for a printer. */

#include "receipt/page.h"
#include "receipt/profile.h"

/*
 * Starts from a known state (ESC @) and ends with what the page ends with; whether it came to paper is for the device
 * room to ask. *ret is freed by the caller.
 */
int page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret, size_t *ret_size);
