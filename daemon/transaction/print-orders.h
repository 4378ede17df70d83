/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody asks of the printer. Each is in the event log with who it was, before a byte of it leaves. */

#include "journal/print_job.h"

struct engine;
struct slip;

/* In the caller's journal transaction: what somebody did with a job. */
int print_job_note(struct journal *j, const char *kind, const struct print_job *job);
/* In one of its own. */
int print_order_note_drawer(struct journal *j, const struct print_asker *asker);

/* A paper again, whatever became of it: marked, with the number of this repeat. */
int print_order_reprint(struct engine *e, const struct print_job *old, const struct print_asker *asker,
                        int64_t *ret_job);
/* A paper that is none of a transaction's end; transaction is 0 for none. */
int print_order_slip(struct engine *e, int64_t transaction, const struct slip *slip, const struct print_asker *asker,
                     int64_t *ret_job);
/* A text of the checkout's own; size as in struct note. -EINVAL with a reason for one that may not go to paper. */
int print_order_text(struct engine *e, const char *text, unsigned size, const struct print_asker *asker,
                     int64_t *ret_job, const char **ret_reason);
