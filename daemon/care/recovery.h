/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Brings a device back that has failed, step by step: USB reset, its driver bound anew, the power of its port. Each
 * step is taken once, and the next one only when the fault is still there: the device does not come back, or somebody
 * wants it again, by what is seen since. A ladder of steps is begun at most every RECOVERY_PAUSE_USEC and
 * RECOVERY_PER_DAY times a day for a device, by the journal's uptime; no step is taken while a transaction runs or a
 * paper is printed, it waits for the end; and none with a card begins while a step is taken. A soft reset is not among
 * them: a card-worker ends with one, and so does each job of the printer begin.
 */

#include "journal/recovery.h"
#include "transaction/engine.h"

#define RECOVERY_PAUSE_USEC (10 * 60 * UINT64_C(1000000))
#define RECOVERY_DAY_USEC (24 * 3600 * UINT64_C(1000000))
#define RECOVERY_PER_DAY 4

struct recovery;

int recovery_new(struct engine *e, struct recovery **ret);
struct recovery *recovery_free(struct recovery *r);
DEFINE_CLEANUP(struct recovery *, recovery_free);
/* What a stop has cut off ends as interrupted. */
int recovery_start(struct recovery *r);

/*
 * Something is wrong with a device, by its id, or by its USB port or interface where it has none; why is the fault's
 * code. It may be called each time that this is seen. 1 when that leads to a step, soon; 0 when one is on its way, or
 * the limits leave none; -EINVAL for what is no device.
 */
int recovery_want(struct recovery *r, const char *device, const char *why);
/* It works; of no account while a step is taken, or it is not there. */
void recovery_forget(struct recovery *r, const char *device);
/* A transaction or a paper may have ended. */
void recovery_kick(struct recovery *r);

/* By hand: the first step, or the next one; by is "02" or "uid 1000". Negative with *ret set. */
int recovery_ask(struct recovery *r, const char *device, const char *by, struct refusal *ret);
