// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "care/see.h"
#include "host/result.h"
#include "transaction/offline.h"

/* Keys that were new when they were refused so often are not what the acquirer has. */
#define KEYS_REFUSED_MIN 2

static const char *code_of_reason(enum host_link_reason reason) {
        switch (reason) {
        case HOST_LINK_NAME:
                return "acquirer-name";
        case HOST_LINK_UNREACHABLE:
        case HOST_LINK_CONNECT_TIMEOUT:
                return "acquirer-unreachable";
        case HOST_LINK_TLS_CA:
        case HOST_LINK_TLS_NAME:
        case HOST_LINK_TLS_EXPIRED:
        case HOST_LINK_TLS_VERSION:
        case HOST_LINK_TLS_OTHER:
                return "acquirer-untrusted";
        case HOST_LINK_TLS_CLIENT:
                return "acquirer-refuses-us";
        case HOST_LINK_MALFORMED:
                return "acquirer-garbled";
        default:
                return "acquirer-silent";
        }
}

/* Another fault says why, and what to do. */
static bool is_explained(struct engine *e, const struct acquirer_standing *s, const struct fault_changes *sight) {
        struct host_network_state network;

        switch (s->reason) {
        case HOST_LINK_NAME:
        case HOST_LINK_UNREACHABLE:
        case HOST_LINK_CONNECT_TIMEOUT:
                /* What was said under another network is asked anew. */
                host_network_get(engine_network(e), &network);
                return sight_has(sight, "network-down", NULL) ||
                       (!acquirer_is_here(engine_settings(e)) && network.changed_boot > s->ended_boot);
        case HOST_LINK_TLS_EXPIRED:
                return sight_has(sight, "clock-wrong", NULL) ||
                       sight_has(sight, "certificate-expired", "acquirer-ca.pem");
        case HOST_LINK_TLS_CLIENT:
                return sight_has(sight, "certificate-expired", "terminal.pem");
        default:
                return sight_has(sight, "network-down", NULL);
        }
}

static int see_link(struct engine *e, const struct acquirer_standing *s, struct fault_changes *sight) {
        if (s->outcome == HOST_ANSWERED)
                return 0;
        if (s->outcome == HOST_BAD_MAC || s->outcome == HOST_MALFORMED)
                return sight_add(sight, "acquirer-garbled", "", "%s: %s", s->host,
                                 s->outcome == HOST_BAD_MAC ? "the MAC of its answer is wrong"
                                                            : "its answer cannot be read");
        if (is_explained(e, s, sight))
                return 0;
        return sight_add(sight, code_of_reason(s->reason), "", "%s: %s: %s", s->host, host_link_reason_name(s->reason),
                         s->detail);
}

static int see_keys_of_link(const struct acquirer_standing *s, struct fault_changes *sight) {
        if (s->other_keys)
                return sight_add(sight, "keys-refused", "",
                                 "the check value of the session keys does not fit under the terminal master key");
        if (s->keys_refused >= KEYS_REFUSED_MIN)
                return sight_add(sight, "keys-refused", "", "the acquirer has refused our newest keys %u times",
                                 s->keys_refused);
        if (*s->refused)
                return sight_add(sight, "acquirer-sign-on", "", "answer %s: %s", s->refused,
                                 host_result_find(s->refused)->text);
        return 0;
}

int see_acquirer(struct engine *e, struct fault_changes *sight) {
        struct acquirer_standing standing;
        int r;

        acquirer_get_standing(engine_acquirer(e), &standing);
        if (!standing.asked)
                return 0;
        r = see_link(e, &standing, sight);
        return r < 0 ? r : see_keys_of_link(&standing, sight);
}
