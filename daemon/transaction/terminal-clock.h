/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the system's clock is worth. Order is the journal's sequence, never this time, and tilld never sets it. But
 * dates go into messages and to cards: a time before this tilld was built, before the journal's newest entry, or so
 * far after it that the terminal cannot have been on or off for so long (counter_get_clock_limit()), is a fault.
 * Nothing that needs the date is started then, and what is written meanwhile does not move the newest entry's time.
 * The acquirer's time gives an offset, which is only shown.
 */

#include "journal/connection.h"
#include "transaction/refusal.h"

/* Negative with *ret_refusal set, when the clock cannot be right. */
int terminal_clock_check(struct journal *j, struct refusal *ret_refusal);

/*
 * A supervisor's word that the clock is right, whatever the journal's newest entry and the uptime make of it:
 * recorded, and this time is then the newest. `by` is for the event log. Refused when the clock is before the build.
 */
int terminal_clock_accept(struct journal *j, const char *by, struct refusal *ret_refusal);

/* Keeps the offset of the acquirer's time, DE13 and DE12 of an answer that has just come. Empty ones are left out. */
void terminal_clock_note_host(struct journal *j, const char *date, const char *time);
/* Seconds that the acquirer is ahead; -ENOENT before any answer. */
int terminal_clock_get_offset(struct journal *j, int64_t *ret_seconds);

/*
 * The same from MMDD and HHMMSS, which say neither year nor zone: of those that are possible the nearest is meant. An
 * error of whole hours can therefore not be told from another zone. -EINVAL for what is no time.
 */
int terminal_clock_offset(const char *date, const char *time, uint64_t now_usec, int64_t *ret_seconds);

/* Seconds in the zone that brings them nearest to 0. */
int64_t terminal_clock_without_zone(int64_t seconds) _const_;

uint64_t terminal_clock_build_usec(void) _const_;
