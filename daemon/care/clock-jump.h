/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Notice that CLOCK_REALTIME was set, by whomever: timerfd_create(2), TFD_TIMER_CANCEL_ON_SET. */

#include <systemd/sd-event.h>

#include "base/macro.h"

struct clock_jump;

int clock_jump_new(sd_event *event, void (*jumped)(void *userdata), void *userdata, struct clock_jump **ret);
struct clock_jump *clock_jump_free(struct clock_jump *c);
DEFINE_CLEANUP(struct clock_jump *, clock_jump_free);
