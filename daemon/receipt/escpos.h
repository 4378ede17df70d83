/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ESC/POS: a page as bytes for a printer. */

#include "receipt/page.h"
#include "receipt/profile.h"

/* Whether a line has a character that the printer lacks, or is a code or picture that it has no command for. */
bool line_needs_raster(const struct page_line *line, const struct printer_profile *profile);
/* Whether some line does: then till-render draws those (receipt/render.h). */
bool page_needs_rasters(const struct page *page, const struct printer_profile *profile);

/* Whether all of a text comes to paper: in the printer's own characters, or drawn where there are pictures. */
bool printable_is_all(const char *text, const struct printer_profile *profile, bool pictures);
/* Takes out the wide characters that the printer has none of, with the blanks around, and no others. */
void printable_leave_out(char *text, const struct printer_profile *profile);

/*
 * A line that has a raster is printed as that. One that should and does not is said as well as the printer can: "?"
 * for a character, its text for a code, nothing for a logo.
 *
 * Starts from a known state (ESC @) and ends with what the page ends with; whether it came to paper is for the device
 * room to ask. *ret is freed by the caller. -EINVAL for a page that has more columns than the printer.
 */
int page_to_escpos(const struct page *page, const struct printer_profile *profile, uint8_t **ret, size_t *ret_size);

/* The pulse that opens the drawer; returns its size, 0 where the printer has no drawer. */
#define DRAWER_PULSE_SIZE 5
size_t drawer_to_escpos(const struct printer_profile *profile, uint8_t ret[static DRAWER_PULSE_SIZE]);

/* Rows of dots that the paper goes forward for a page, as far as that can be known. */
uint64_t page_rows(const struct page *page, const struct printer_profile *profile);
/*
 * How long the printer may take for a page, as struct printer_job's deadline: by the length of the paper and the speed
 * of the model, and some seconds for what is not printing.
 */
#define PRINT_SECONDS_BASE 10
unsigned page_print_seconds(const struct page *page, const struct printer_profile *profile);
