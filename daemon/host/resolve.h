/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Names to addresses without blocking the event loop: getaddrinfo(3) in a thread of its own, so that
 * nsswitch.conf counts (hosts file, DNS, systemd-resolved).
 */

#include <netdb.h>
#include <systemd/sd-event.h>

#include "base/macro.h"

struct host_resolve;

/*
 * error is 0 or one of EAI_*; addresses are the callee's to free by freeaddrinfo(), NULL on an error.
 * Called once, from the loop, never from within host_resolve_new(). The query may be freed in it.
 */
typedef void (*host_resolve_done_t)(int error, struct addrinfo *addresses, void *userdata);

int host_resolve_new(sd_event *event, const char *name, const char *port, host_resolve_done_t done, void *userdata,
                     struct host_resolve **ret);
/* Drops the query without its callback; the thread ends by itself when the system's resolver does. */
struct host_resolve *host_resolve_free(struct host_resolve *r);
DEFINE_CLEANUP(struct host_resolve *, host_resolve_free);
