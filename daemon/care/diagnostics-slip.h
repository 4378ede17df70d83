/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the terminal is doing, on paper. */

#include "care/faults.h"
#include "receipt/slip.h"

/* faults: NULL before they are looked at. What has no room is left out. To end with slip_done(), also on an error. */
int diagnostics_slip_fill(struct engine *e, const struct faults *faults, struct slip *ret);
