/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A supervisor's word on what the acquirer left open, recorded with who said it and why. */

#include "transaction/refusal.h"

struct engine;

#define RESOLUTION_NOTE_MAX 200

struct resolution {
        /*
         * "approved" or "declined" ends an unconfirmed transaction, once. "settled" ends a reversal, a forwarding or a
         * withdrawal that waits or was rejected, and the batch of a settlement that the acquirer refuses: what is to
         * be booked, or which phone is on record, was agreed with the acquirer, and nothing more is sent.
         */
        const char *outcome;
        const char *note;     /* how it is known: 1 to RESOLUTION_NOTE_MAX bytes of UTF-8 without control characters */
        const char *resolver; /* "02", "uid 1000" */
};

bool resolution_is_note(const char *text);
/* Durable when it returns 0. Negative with *ret_refusal set. */
int resolution_record(struct engine *e, int64_t transaction, const struct resolution *resolution,
                      struct refusal *ret_refusal);
