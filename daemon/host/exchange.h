/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A request and its answer over the link: what the engine calls. */

#include "host/answer.h"
#include "host/link.h"

enum host_outcome {
        HOST_ANSWERED,  /* answer is set; its code may still be a decline */
        HOST_NOT_SENT,  /* no byte of the request left the terminal */
        HOST_NO_ANSWER, /* it may have left; deadline or the connection's end */
        HOST_BAD_MAC,   /* an answer came, its MAC is wrong: reversal A0 */
        HOST_MALFORMED, /* an answer came that cannot be read: reversal 06 */
        _HOST_OUTCOME_MAX,
};

const char *host_outcome_name(enum host_outcome outcome);
/* DE39 of the reversal that this outcome asks for; NULL for HOST_ANSWERED and HOST_NOT_SENT. */
const char *host_outcome_reversal_reason(enum host_outcome outcome);

/*
 * Called once, never from within host_exchange(). answer is valid during the call, NULL unless
 * HOST_ANSWERED. reason tells what the link saw.
 */
typedef void (*host_exchange_done_t)(enum host_outcome outcome, enum host_link_reason reason,
                                     const struct host_answer *answer, void *userdata);

/*
 * Encodes the request under the present keys, sends it and matches the answer. Nothing of q is used
 * after the call returns. Negative: the request was not started and done will not be called; errors of
 * host_request_encode() and host_link_exchange(). The exchange belongs to the link: host_link_cancel()
 * drops it, host_link_free() too.
 */
int host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                  const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done, void *userdata);
