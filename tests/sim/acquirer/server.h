/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acquirer's TLS port: framing, delays and broken connections. */

#include <systemd/sd-event.h>

#include "acquirer/acquirer.h"

struct server;

/* Listens on settings->listen with <state>/server.pem and <state>/ca.pem; errors are logged. */
int server_new(sd_event *event, const struct settings *settings, struct acquirer *acquirer, struct server **ret);
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);
/* The port that is listened on, for a setting of port 0. */
unsigned server_port(const struct server *s);
