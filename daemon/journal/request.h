/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Requests that the journal keeps, sealed, until the acquirer has had the last word about them: reversals, forwards
 * and withdrawals. A transaction's columns reversal and forwarding say the same of the first two to readers; the
 * engine sets both in one commit.
 */

#include "journal/connection.h"

/* In the order in which they are sent. */
enum request_queue {
        /* What is needed to send a 0400: from the durable commit before the request is sent until the transaction is
         * complete (cleared) or the acquirer has answered the reversal. */
        REQUEST_REVERSAL,
        /* What was approved here and the acquirer has to be told: from the commit of the approval until it answers. */
        REQUEST_FORWARD,
        /* What takes a binding-confirm back: from the durable commit before that is sent until the change of the phone
         * is committed (cleared) or, rolled back, the acquirer has answered. */
        REQUEST_WITHDRAWAL,
        _REQUEST_QUEUE_MAX,
};

struct request_record {
        enum request_queue queue;
        int64_t transaction; /* its id; one a queue */
        uint32_t attempts;
        uint64_t next_usec;  /* CLOCK_REALTIME of the next attempt, 0 for now */
        uint64_t next_boot;  /* the same by CLOCK_BOOTTIME, usec; of this boot only */
        char last_answer[3]; /* DE39 of the last answer, empty for none */
        uint64_t created_usec;

        /* Of a reversal or a withdrawal: false while it is not known to be needed, or after it was rejected. */
        bool armed;
        char reason[3]; /* of a reversal, DE39 of the 0400: 98, A0 or 06; may change until it is sent */

        /* Of a forward. */
        bool sent;               /* a byte of it may have left before: the next one is a repeat */
        uint64_t created_uptime; /* uptime_get() of then */

        /* Set by load; allocated by secret_new(), the engine's own form. */
        void *request;
        size_t request_size;
};

/* Largest request blob. */
#define REQUEST_MAX 4096

void request_record_done(struct request_record *record);

/* Seals request under the storage key. -EEXIST when the transaction has one, -ENOENT without the transaction. */
int request_record_insert(struct journal *j, const struct request_record *record);
/* Writes armed and reason or sent, attempts, next times and last answer. */
int request_record_update(struct journal *j, const struct request_record *record);
/* Forgets it, request and all. A forward: -EALREADY while the transaction's row says pending. */
int request_record_remove(struct journal *j, enum request_queue queue, int64_t transaction);
int request_record_load(struct journal *j, enum request_queue queue, int64_t transaction, struct request_record *ret);
/* The oldest that is to be sent, whenever it is due; -ENOENT for none. */
int request_record_first(struct journal *j, enum request_queue queue, struct request_record *ret);
/* How many are to be sent. */
int request_record_count(struct journal *j, enum request_queue queue);

/* The oldest reversal that the acquirer has rejected and nobody has resolved; -ENOENT for none. */
int request_record_find_rejected(struct journal *j, int64_t *ret_transaction);
/* How many forwards wait, and what their transactions come to in minor units. */
int request_record_sum_forwards(struct journal *j, unsigned *ret_count, int64_t *ret_amount);
/*
 * When the forward that waits longest was approved, by CLOCK_REALTIME and by uptime_get(). 0 when none waits, else 1.
 */
int request_record_oldest_forward(struct journal *j, uint64_t *ret_usec, uint64_t *ret_uptime);
