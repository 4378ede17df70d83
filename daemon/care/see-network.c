// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/see.h"

/* What the link says of a way that is not there. */
static bool found_no_way(const struct acquirer_standing *s) {
        return s->asked && s->outcome == HOST_NOT_SENT &&
               (s->reason == HOST_LINK_NAME || s->reason == HOST_LINK_UNREACHABLE ||
                s->reason == HOST_LINK_CONNECT_TIMEOUT);
}

/* A machine that was never on a network since the start, and needed none yet, has nothing wrong. */
int see_network(struct engine *e, struct fault_changes *sight) {
        struct acquirer_standing standing;
        struct host_network_state network;

        if (acquirer_is_here(engine_settings(e)))
                return 0;
        acquirer_get_standing(engine_acquirer(e), &standing);
        host_network_get(engine_network(e), &network);
        if (!network.link && (network.had_link || found_no_way(&standing)))
                return sight_add(sight, "network-down", "", "no interface has a carrier");
        if (network.link && !network.route && found_no_way(&standing))
                return sight_add(sight, "network-down", "", "there is no default route; %s: %s", standing.host,
                                 standing.detail);
        return 0;
}
