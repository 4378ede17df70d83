/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the terminal is doing, on paper. */

#include "receipt/slip.h"
#include "transaction/engine.h"

/* What has no room is counted in left_out. To end with slip_done(), also on an error. */
int diagnostics_slip_fill(struct engine *e, struct slip *ret);
