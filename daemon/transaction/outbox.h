/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What has to reach the acquirer whatever it takes: queues of requests that the journal keeps, one exchange at a time
 * over the one link, the oldest first. Each is tried at once and again with back-off, under keys signed on anew where
 * they do not fit; none is dropped for age or count. What a queue's requests are and what an answer means to them is
 * its user's: reversals.c.
 */

#include "host/exchange.h"
#include "journal/connection.h"

struct engine;
struct outbox;

enum outbox_queue {
        OUTBOX_REVERSALS,
        OUTBOX_FORWARDS,
        _OUTBOX_QUEUE_MAX,
};

/* The request at hand, and when it is tried again. */
struct outbox_try {
        int64_t transaction;
        uint32_t attempts;
        uint64_t next_usec; /* CLOCK_REALTIME */
        uint64_t next_boot; /* CLOCK_BOOTTIME */
};

struct outbox_user {
        const char *noun; /* for the log: "reversal" */
        int (*count)(struct journal *j);
        /* Takes the oldest into its hand; -ENOENT when nothing waits. */
        int (*take)(void *userdata, struct outbox_try *ret);
        /* Sends what is at hand. Errors as acquirer_exchange(). */
        int (*send)(void *userdata, host_exchange_done_t done, void *done_userdata);
        /* How one exchange of it went. Returns whether that was the last word, which is written then. */
        bool (*ended)(void *userdata, enum host_outcome outcome, const struct host_answer *answer);
        /* Writes down how often it was tried, and the next time. */
        int (*note)(void *userdata, const struct outbox_try *attempt);
        /* Lets go of it; it stays in the journal. */
        void (*drop)(void *userdata);
        void *userdata;
};

int outbox_new(struct engine *e, struct outbox **ret);
struct outbox *outbox_free(struct outbox *o);
DEFINE_CLEANUP(struct outbox *, outbox_free);
/* Before the first kick. */
void outbox_set_user(struct outbox *o, enum outbox_queue queue, const struct outbox_user *user);

/*
 * Sends what is due, unless the link is busy; forwards only while no transaction runs. To be called after adding, and
 * when the link is free.
 */
void outbox_kick(struct outbox *o);

/*
 * Forgets the back-off and calls done once nothing is left in this queue and those before it (ok), or the next attempt
 * at one of them failed. One waiter at a time.
 */
typedef void (*outbox_done_t)(bool ok, void *userdata);
void outbox_wait(struct outbox *o, enum outbox_queue queue, outbox_done_t done, void *userdata);

/* The same without a waiter: what may be sent now is, until all is or an attempt fails. */
void outbox_hurry(struct outbox *o);

/* How many wait in a queue. */
unsigned outbox_count(const struct outbox *o, enum outbox_queue queue);
/* The transaction whose request is on the link or about to be, 0 for none. */
int64_t outbox_sending(const struct outbox *o);

/* The keys did not fit, so the request was not looked at: no last word. */
bool outbox_is_refused_key(const struct host_answer *answer);
/* After the last word: whoever shows the transaction reads its row anew. */
void outbox_tell_transaction(struct engine *e, int64_t transaction);
