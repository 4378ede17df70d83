/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the transactions of the last days came to, a day each: how many with which end, and how long the acquirer took.
 * Read in slices: there may be very many.
 */

#include <cjson/cJSON.h>

#include "journal/connection.h"

struct report_history;

/* Of so many days, today included, by local time. */
int report_history_new(struct journal *j, unsigned days, struct report_history **ret);
struct report_history *report_history_free(struct report_history *h);
DEFINE_CLEANUP(struct report_history *, report_history_free);

/* A few milliseconds of it: 1 while there is more, 0 at the end, or an error of the journal. */
int report_history_slice(struct report_history *h);
/*
 * At the end: "Transactions", "Approved", "Declined", "Exchanges", "LatencyMedian" and "LatencyP95" (milliseconds) of
 * all and, in "Days", of each "Day" with some; "Outcomes": "Count" by "Day", "Kind", "Result" and "Reason".
 */
int report_history_add(struct report_history *h, cJSON *o);
