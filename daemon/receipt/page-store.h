/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stored form of a page, which is how till-render gets it. */

#include "receipt/page.h"

/* Four thousand lines of Chinese across 80 mm. */
#define PAGE_BLOB_MAX (1U << 20)

/* A page with what drawing it takes besides. */
struct stored_page {
        struct page *page;
        unsigned dots; /* the paper's printable width */
        bool *rasters; /* which lines are to be drawn for the printer, NULL for none */
};

/* For pages that are the struct's own. */
void stored_page_done(struct stored_page *s);

/*
 * "tilld-page 1", then "dots", "columns" and "columns-small" with a number each, then a line for each of the page:
 *
 *     TYPE ALIGN WIDTH HEIGHT FLAGS "TEXT
 *
 * TYPE is text, rule, qr, barcode, feed, cut or logo; ALIGN left, center or right; FLAGS those of "bsir" that hold
 * (bold, small, inverse, in rasters), "-" for none. The text goes to the end of the line; it, the quote and the blank
 * before it are left out where there is none. UTF-8, so that a person can read it.
 *
 * from_blob is strict: -EBADMSG for what to_blob would not have written so, -EPROTONOSUPPORT for another version,
 * -E2BIG for what is larger than PAGE_BLOB_MAX. So is to_blob.
 */
int page_to_blob(const struct stored_page *s, char **ret, size_t *ret_size);
int page_from_blob(const void *data, size_t size, struct stored_page *ret);
