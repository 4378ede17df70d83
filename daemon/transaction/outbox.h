/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What has to reach the acquirer whatever it takes: queues of requests that the journal keeps, one exchange at a time
 * over the one link, the oldest first. Each is tried at once and again with back-off, under keys signed on anew where
 * they do not fit; none is dropped for age or count. What a queue's requests are and what an answer means to them is
 * its user's: reversals.c, forwards.c, withdrawals.c.
 */

#include "host/exchange.h"
#include "journal/request.h"
#include "journal/transaction.h"

struct engine;
struct outbox;

struct outbox_user {
        const char *noun; /* for the log: "reversal" */
        /* Sends it. Errors as acquirer_exchange(). */
        int (*send)(struct engine *e, struct request_record *record, host_exchange_done_t done, void *done_userdata);
        /* How one exchange of it went. Returns whether that was the last word, which is written then. */
        bool (*ended)(struct engine *e, struct request_record *record, enum host_outcome outcome,
                      const struct host_answer *answer);
};

int outbox_new(struct engine *e, struct outbox **ret);
struct outbox *outbox_free(struct outbox *o);
DEFINE_CLEANUP(struct outbox *, outbox_free);

/*
 * Sends what is due, unless the link is busy; forwards and withdrawals only while no transaction runs. To be called
 * after adding, and when the link is free.
 */
void outbox_kick(struct outbox *o);

/*
 * Forgets the back-off and calls done once nothing is left in this queue and those before it (ok), or the next attempt
 * at one of them failed. One waiter at a time.
 */
typedef void (*outbox_done_t)(bool ok, void *userdata);
void outbox_wait(struct outbox *o, enum request_queue queue, outbox_done_t done, void *userdata);

/* The same without a waiter: what may be sent now is, until all is or an attempt fails. */
void outbox_hurry(struct outbox *o);

/* How many wait in a queue. */
unsigned outbox_count(const struct outbox *o, enum request_queue queue);
/* The transaction whose request is on the link or about to be, 0 for none. */
int64_t outbox_sending(const struct outbox *o);

/* The acquirer's last word about a request. */
struct outbox_end {
        const struct request_record *record;
        const struct transaction_record *transaction; /* its row as it is from now on; NULL: as before */
        bool is_kept;                                 /* the request is, too */
        const char *event;
        const char *code;
};
/* Durable before the next thing happens. */
int outbox_commit_end(struct journal *j, const struct outbox_end *end);

/* After the last word: whoever shows the transaction reads its row anew. */
void outbox_tell_transaction(struct engine *e, int64_t transaction);
