/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * People are told of faults that are an error or worse: of the newest open one of each code, once, with a pause before
 * the next of the same code; and when none of a code that they were told of is open any more.
 */

#include "care/fault-code.h"
#include "journal/fault.h"
#include "transaction/engine.h"

struct fault_notices;

/* What was told before is in the journal. */
int fault_notices_new(struct engine *e, struct fault_notices **ret);
struct fault_notices *fault_notices_free(struct fault_notices *n);
DEFINE_CLEANUP(struct fault_notices *, fault_notices_free);

/* Looks at what is open, as this journal transaction has it: 1 when there is something to tell. */
int fault_notices_are_due(struct fault_notices *n);
/* Queues it, in the caller's journal transaction. */
int fault_notices_add(struct fault_notices *n);
/* That is committed: it has been told. */
void fault_notices_keep(struct fault_notices *n);

#define FAULT_SENTENCE_SIZE 480

/* "The acquirer rejected a reversal (transaction 17). Call the acquirer …"; of one that has ended without the rest. */
void fault_notice_say(const struct fault_code *code, const struct fault_record *record,
                      char ret_english[static FAULT_SENTENCE_SIZE], char ret_chinese[static FAULT_SENTENCE_SIZE]);
