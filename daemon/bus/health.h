/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The part of org.tilld1.Diagnostics that is about health: its methods, for the table in diagnostics.c. */

#include "bus/server.h"

/* A step of a check has another state; userdata is the server. */
void health_told(const struct health_check *check, void *userdata);

int health_call_check(sd_bus_message *m, void *userdata, sd_bus_error *error);
int health_call_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error);
int health_call_get(sd_bus_message *m, void *userdata, sd_bus_error *error);
