/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The properties of org.tilld1.Diagnostics that say in nexo's words how the terminal is. */

#include "bus/json.h"
#include "bus/server.h"

int state_get_property(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error);
/* They and OpenFaults, for Describe; errors of the journal. */
int state_add(struct server *s, cJSON *json);
/* Something that it is made of may have changed: those that have are told. */
void state_changed(struct server *s);
