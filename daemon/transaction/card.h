/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A card-worker from tilld's side: one process for one card transaction. It gets tilld's only copy of
 * the EMV node and one socket; what it says is a claim that the caller checks.
 */

#include <systemd/sd-event.h>

#include "emv/message.h"

struct card;

struct card_listener {
        /* A well-formed message of the worker; not kept after the call. card_free() is allowed here. */
        void (*message)(struct card *card, const union message *m, void *userdata);
        /* The worker ended, or said what is not well-formed: nothing more comes. card_free() is allowed here. */
        void (*ended)(struct card *card, void *userdata);
        void *userdata;
        /* After card_free(): the process is gone, and the reader is free again. May be NULL. */
        void (*gone)(void *gone_userdata);
        void *gone_userdata;
};

/*
 * Starts the program with the reader, which it takes over, also on failure. What the program says on its standard
 * error goes to the log when it has ended, as lines about the transaction.
 */
int card_new(sd_event *event, const char *program, int64_t transaction, int reader_fd,
             const struct card_listener *listener, struct card **ret);
/*
 * Ends the worker, which powers the card off; one that does not end by itself is killed. Waits for that only when
 * the event loop has ended: who exits takes the worker along, with the card in its memory.
 */
struct card *card_free(struct card *card);
DEFINE_CLEANUP(struct card *, card_free);

/* Sends a message made with message_init(). Never blocks: a worker that does not read has failed. */
int card_send(struct card *card, const void *message);
