/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Timers that go off again and again. */

#include <systemd/sd-event.h>

#include "base/macro.h"

/*
 * Once more in so many microseconds. To be called from the timer's own handler instead of returning an error, which
 * would switch it off without a word: a timer that cannot be set ends the process.
 */
void timer_again(sd_event_source *timer, uint64_t usec);

/* How long to wait after so many attempts: first after one, doubled up to last. */
uint64_t timer_back_off(unsigned attempts, uint64_t first, uint64_t last) _const_;
