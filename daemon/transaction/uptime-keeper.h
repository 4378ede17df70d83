/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saves the terminal's uptime (journal/uptime.h) now and then, and at the end. */

#include <systemd/sd-event.h>

#include "journal/connection.h"

struct uptime_keeper;

int uptime_keeper_new(sd_event *event, struct journal *j, struct uptime_keeper **ret);
struct uptime_keeper *uptime_keeper_free(struct uptime_keeper *k);
DEFINE_CLEANUP(struct uptime_keeper *, uptime_keeper_free);
