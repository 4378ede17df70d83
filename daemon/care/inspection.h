/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daily inspection: a health check at the level "inspection", which a timer asks for. Here is when it was made
 * last and with which result; tillctl maintenance shows it. It is overdue by the time that the terminal was on, so
 * that neither a clock that is set nor a shop that is closed makes it so.
 */

#include "care/health.h"
#include "journal/maintenance.h"

#define INSPECTION_ITEM "inspection"
/* It is made daily: one that was left out is none yet. */
#define INSPECTION_HOURS_MAX 48

/* A terminal that has made none yet counts from its first start on. */
int inspection_start(struct engine *e);
/* One has ended, in whatever way: it is made, and in the journal. */
int inspection_record(struct engine *e, const struct health_check *check);
/* done_usec is 0 and done_by "" where none was made yet; note is its result: "good", "failed: echo; skipped: …". */
int inspection_load(struct engine *e, struct maintenance_record *ret);
/* 1 when none was made for too long. */
int inspection_is_overdue(struct engine *e);
