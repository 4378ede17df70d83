/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* QR codes and barcodes as modules. */

#include "receipt/raster.h"

/* A dot a module. -E2BIG for what no code holds, -EINVAL for what this code has no characters for. */
int symbol_qr(const char *text, struct raster **ret);
/* CODE128, one row high. */
int symbol_barcode(const char *text, struct raster **ret);

/* Each dot as a block of such a size. -EINVAL where it would be too large for a picture. */
int raster_scale(const struct raster *r, unsigned x, unsigned y, struct raster **ret);
