/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether the terminal is what it was made to be: what is installed as till-verify sees it, its serial number against
 * the one that the acquirer confirmed, and its keys by their check values. A check opens and ends the faults of what
 * it has looked at.
 */

#include "care/faults.h"

struct authenticity;

/*
 * Called once, never from inside authenticity_start(). json is NULL where it could not be made (error: -ENOMEM, errors
 * of the journal), else the callback's: Time; Result ("good", "differs", or "incomplete" where something could not be
 * looked at, but for single files); Problem ("" or why till-verify has not answered); Manager, Packages and Module as
 * till-verify(8) has them; Serial; Keys. The check may be freed here, and must be at last.
 */
typedef void (*authenticity_done_t)(int error, cJSON *json, void *userdata);

int authenticity_start(struct engine *e, struct faults *f, authenticity_done_t done, void *userdata,
                       struct authenticity **ret);
/* Cancels one that has not ended, without a call of done. */
struct authenticity *authenticity_free(struct authenticity *a);
DEFINE_CLEANUP(struct authenticity *, authenticity_free);

/* Of till-verify, unless a test sets its own. */
extern const char *authenticity_socket;
