/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the fault records of a period come to: how often something was wrong, how long it took to mend, how long it
 * went well between, and which share of the time payments could be taken.
 *
 * Repair is measured over the faults that ended in the period, from opening to end, in hours and in working days: 24
 * hours of Monday to Friday in local time are one. Holidays are not known, and count as working days. The time between
 * faults is the length of the period by the number that opened in it. Available is the share of the period in which no
 * critical fault was open; time in which the terminal was switched off counts with it, for nothing tells of it.
 */

#include <cjson/cJSON.h>

#include "journal/connection.h"

/* Of the time between two times of CLOCK_REALTIME, microseconds, what is Monday to Friday in local time. */
uint64_t working_usec(uint64_t from_usec, uint64_t to_usec);

/*
 * From since to until, CLOCK_REALTIME; it begins where the journal does, when that is later. *ret, which is the
 * caller's: Since, Until, Available (0 to 1), Critical (how many were), All, and Classes, Areas and Codes, an array of
 * what there was each. A row: Name, Opened, Open (at the end of the period), Ended, MeanRepairHours,
 * LongestRepairHours, MeanRepairDays and LongestRepairDays (working days), WithinOneDay and WithinThreeDays (shares of
 * Ended; these six are left out where none has ended), HoursBetween (left out where none opened).
 */
int fault_figures_make(struct journal *j, uint64_t since_usec, uint64_t until_usec, cJSON **ret);
