/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether this machine is on a network at all: the kernel says so by rtnetlink(7), and tells when it changes. What
 * gets better counts at once, what gets worse when it is so two seconds later: a plug that is moved is no fault.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

struct host_network;

struct host_network_state {
        bool link;             /* an interface, other than the loopback, is up and has a carrier */
        bool route;            /* there is a default route */
        bool had_link;         /* since this object was made */
        uint64_t changed_boot; /* CLOCK_BOOTTIME usec of the last change of the first two, 0 for none yet */
};

/* Called after each change of the state, from the event loop. */
typedef void (*host_network_changed_t)(void *userdata);

int host_network_new(sd_event *event, host_network_changed_t changed, void *userdata, struct host_network **ret);
struct host_network *host_network_free(struct host_network *n);
DEFINE_CLEANUP(struct host_network *, host_network_free);

/* A network that nobody watches (NULL) is there. */
void host_network_get(const struct host_network *n, struct host_network_state *ret);
