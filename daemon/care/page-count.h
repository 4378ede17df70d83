/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a printed paper has worn. */

#include "receipt/page.h"
#include "receipt/profile.h"

struct page_count {
        uint64_t lines;      /* with something on them; a code or picture is one */
        uint64_t characters; /* but blanks */
        uint64_t feeds;      /* lines that the paper went forward, printed or not */
        uint64_t barcodes;   /* one or two dimensions */
        uint64_t cuts;       /* by a printer that has a cutter */
        uint64_t millimetres;
};

void page_count(const struct page *page, const struct printer_profile *profile, struct page_count *ret);
