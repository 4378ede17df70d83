/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers that only ever go forward, and the clock's floor. They change inside the caller's transaction. */

#include "journal/connection.h"

/* 1 to 999999, then 1 again, leaving out what the current batch has used. -ENOSPC when it has used all. */
int counter_next_stan(struct journal *j, uint32_t *ret);
/* The same, for vouchers (the number on the slip). */
int counter_next_voucher(struct journal *j, uint32_t *ret);
/* The open batch; 1 in a new journal. */
int counter_get_batch(struct journal *j, uint32_t *ret);
/* 1 to 999999, by the host's word at sign-on or after settlement. */
int counter_set_batch(struct journal *j, uint32_t batch);

/* When all of the journal was last looked at and found good (CLOCK_REALTIME usec), 0 at first. */
int counter_get_checked(struct journal *j, uint64_t *ret_usec);
int counter_set_checked(struct journal *j, uint64_t usec);

/* A number of the boot in which tilld runs that has not stopped in good order yet; 0: none. */
int counter_get_running(struct journal *j, int64_t *ret);
int counter_set_running(struct journal *j, int64_t boot);

/* The latest time that the journal has seen (CLOCK_REALTIME usec) and believed, 0 at first. */
int counter_get_clock(struct journal *j, uint64_t *ret_usec);
/*
 * The latest that it can be now. While the terminal is on, the clock goes as its uptime does, give or take an hour;
 * while it was off, some time has passed that nobody has counted: a night, a holiday, but no more than 31 days. A
 * clock that NTP keeps is right whatever it says, and so is the first one of a new journal: no limit, UINT64_MAX.
 */
int counter_get_clock_limit(struct journal *j, uint64_t *ret_usec);
/* Raises it; a time that is earlier, or beyond the limit, changes nothing and returns 0. Returns 1 when raised. */
int counter_raise_clock(struct journal *j, uint64_t usec);
/* To any time: somebody has said that the clock is right now. */
int counter_set_clock(struct journal *j, uint64_t usec);

/* Seconds that the host's clock is ahead of ours; -ENOENT when it was never known. */
int counter_get_clock_offset(struct journal *j, int64_t *ret_seconds);
int counter_set_clock_offset(struct journal *j, int64_t seconds);
