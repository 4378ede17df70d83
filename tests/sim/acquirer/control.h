/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The control socket, SOCK_SEQPACKET: one packet is a command, one the answer, "ok" with text behind, or
 * "error: why". Commands: "script STEP" (see script.h), "script-list", "script-clear".
 */

#include <systemd/sd-event.h>

#include "acquirer/script.h"

#define CONTROL_PACKET_MAX 8192

struct sim_control;

/* Replaces a socket that a dead predecessor left; errors are logged. */
int sim_control_new(sd_event *event, const char *path, struct script *script, struct sim_control **ret);
struct sim_control *sim_control_free(struct sim_control *c);
DEFINE_CLEANUP(struct sim_control *, sim_control_free);

/* The other end: sends a command and prints the answer. Errors are logged. */
int sim_control_call(const char *path, const char *command);
