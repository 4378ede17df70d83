/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acquirer's TLS port: framing, delays and broken connections. */

#include <systemd/sd-event.h>

#include "acquirer/acquirer.h"

struct sim_server;

/* Listens on settings->listen with <state>/server.pem and <state>/ca.pem; errors are logged. */
int sim_server_new(sd_event *event, const struct sim_settings *settings, struct sim_acquirer *acquirer,
                   struct sim_server **ret);
struct sim_server *sim_server_free(struct sim_server *s);
DEFINE_CLEANUP(struct sim_server *, sim_server_free);
/* The port that is listened on, for a setting of port 0. */
unsigned sim_server_port(const struct sim_server *s);
