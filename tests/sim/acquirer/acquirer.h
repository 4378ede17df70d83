/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The acquirer itself: a request in, an answer out. It knows no connection and no clock but the date. */

#include "acquirer/ledger.h"
#include "acquirer/script.h"
#include "acquirer/settings.h"
#include "issuer/issuer.h"

struct sim_acquirer;

/* settings are borrowed. Reads <state>/tmk, issuer.conf and the ledger. */
int sim_acquirer_new(const struct sim_settings *settings, struct sim_acquirer **ret);
struct sim_acquirer *sim_acquirer_free(struct sim_acquirer *a);
DEFINE_CLEANUP(struct sim_acquirer *, sim_acquirer_free);

struct script *sim_acquirer_script(struct sim_acquirer *a);

struct reply {
        uint8_t frame[HOST_FRAME_MAX]; /* length prefix included */
        size_t size;                   /* 0: no answer */
        unsigned times;
        uint64_t delay_usec;
        bool close; /* instead of an answer */
};

/*
 * Handles what follows a length prefix; its effect is in the ledger when this returns. -EBADMSG: not a
 * message of the profile, the connection is to be closed; *ret_field is the field at fault.
 */
int sim_acquirer_handle(struct sim_acquirer *a, const void *frame, size_t size, struct reply *ret,
                        unsigned *ret_field);
