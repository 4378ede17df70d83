/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The merchant's picture in black and white. */

#include "receipt/raster.h"

/*
 * Reads a PNG, makes it scale times as large, or as much smaller as it takes to be no wider than `width` and no higher
 * than PAGE_LOGO_ROWS_MAX, and dithers it. -EBADMSG for what is none, -E2BIG for what is too large to be looked at.
 */
int logo_read(int fd, unsigned width, unsigned scale, struct raster **ret);
