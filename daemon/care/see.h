/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is wrong now, by looking: each see_…() adds what it sees to the sight, and what none adds any more has ended.
 * So a look that cannot be had is an error, never an empty sight. They are asked in the order of fault_look(), the
 * more exact cause first: a general one is left out where sight_has() the exact one.
 */

#include "care/fault-changes.h"
#include "transaction/engine.h"

/*
 * subject: what it is about ("" for the terminal), a device's id where it is one; detail: what was seen, without card
 * data, codes or phone numbers. What is in the sight already is not added twice.
 */
int sight_add(struct fault_changes *sight, const char *code, const char *subject, const char *detail, ...)
        __attribute__((format(printf, 4, 5)));
/* subject NULL: any. */
bool sight_has(const struct fault_changes *sight, const char *code, const char *subject);

/* By the rows of the journal: rejected reversals and forwards, results that nobody knows, a refused settlement. */
int see_journal(struct engine *e, struct fault_changes *sight);
int see_clock(struct engine *e, struct fault_changes *sight);
/* The disk that the journal is on. */
int see_disk(struct engine *e, struct fault_changes *sight);
