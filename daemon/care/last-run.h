/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What this start has found of the run before: a power cut, a crash, a journal whose end was lost. Each is counted,
 * and ends at the first start after a run that ended in good order.
 */

#include "care/faults.h"

void last_run_observe(struct engine *e, struct faults *f);
