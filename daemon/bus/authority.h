/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one place that decides who may: root at once, everybody else by polkit, asynchronously. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

int authority_sender_uid(sd_bus_message *m, uid_t *ret);
/* "uid 1000": how the journal names a caller whom polkit knows. */
#define AUTHORITY_NAME_MAX 24
void authority_name_uid(uid_t uid, char ret[static AUTHORITY_NAME_MAX]);
/* The same of who sent a message. */
int authority_name_sender(sd_bus_message *m, char ret[static AUTHORITY_NAME_MAX]);

/*
 * Called from a method handler: runs act(m, userdata, error) once the sender is authorized for the
 * action, now or when polkit has answered. The handler returns what this returns; m is kept as long
 * as needed, and answered with AccessDenied, naming the action, when the sender may not.
 */
int authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                    sd_bus_error *error);

/* The same, where the answer decides how and not whether the call goes on: decided() is called in any case. */
typedef int (*authority_decided_t)(sd_bus_message *m, bool authorized, void *userdata, sd_bus_error *error);
int authority_ask(sd_bus_message *m, const char *action, authority_decided_t decided, void *userdata,
                  sd_bus_error *error);
