/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Signed checkpoints of the event log. Who can write to the file can make a chain of his own; he cannot sign it.
 * signature(n) = HMAC-SHA256 under a key derived from the storage key over signature(n-1) || number || seq || time ||
 * hash, numbers as 8 bytes big-endian; signature(0) is 32 zero bytes. They are kept for ever, also when the events
 * before one have been purged.
 */

#include "journal/event.h"

struct event_checkpoint {
        int64_t number;     /* 1, 2, 3 … */
        int64_t seq;        /* of the last event that it covers: how many there had been */
        uint64_t time_usec; /* CLOCK_REALTIME */
        uint8_t hash[EVENT_HASH_SIZE];
        uint8_t signature[EVENT_HASH_SIZE];
};

/* Whether there are so many new events, or new ones for so long, that it is time for one. */
int event_checkpoint_is_due(struct journal *j);
/* Signs the head of the chain. Returns 0, and writes nothing, where no event is new. 1 when it wrote one. */
int event_checkpoint_add(struct journal *j);
/* The last one; -ENOENT for none. Says nothing about its signature. */
int event_checkpoint_last(struct journal *j, struct event_checkpoint *ret);
/* The first one after that number; -ENOENT for none. */
int event_checkpoint_next(struct journal *j, int64_t number, struct event_checkpoint *ret);
/* 0 when the signature is this terminal's, behind that of the one before; -EBADMSG otherwise. */
int event_checkpoint_check(struct journal *j, const struct event_checkpoint *checkpoint,
                           const uint8_t previous[static EVENT_HASH_SIZE]);
/* Signs all of them under a new key, for event_checkpoint_check() from then on. What was forged stays bad. */
int event_checkpoint_sign_again(struct journal *j, const uint8_t key[static 32]);
