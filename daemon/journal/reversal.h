/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is needed to send a 0400. A row lives from the durable commit before the request is sent until the
 * sale is complete (cleared) or the host has answered the reversal. transaction.reversal says the same
 * to readers; the engine sets both in one commit.
 */

#include "journal/connection.h"

struct reversal_record {
        int64_t transaction; /* its id; one reversal each */
        char reason[3];      /* DE39 of the 0400: 98, A0 or 06; may change until it is sent */
        bool armed;          /* false: the request is out and may still be answered. True: to be sent */
        uint32_t attempts;
        uint64_t next_usec;  /* CLOCK_REALTIME of the next attempt, 0 for now */
        uint64_t next_boot;  /* the same by CLOCK_BOOTTIME, usec; of this boot only */
        char last_answer[3]; /* DE39 of the last answer, empty for none */
        uint64_t created_usec;

        /* Set by load; allocated by secret_new(), the engine's own form. */
        void *request;
        size_t request_size;
};

/* Largest request blob. */
#define REVERSAL_REQUEST_MAX 4096

void reversal_record_done(struct reversal_record *record);

/* Seals request under the storage key. -EEXIST when the transaction has one. */
int reversal_record_insert(struct journal *j, const struct reversal_record *record);
/* Writes reason, armed, attempts, next times and last answer. */
int reversal_record_update(struct journal *j, const struct reversal_record *record);
/* Forgets it, request and all: cleared, done or resolved. */
int reversal_record_remove(struct journal *j, int64_t transaction);
int reversal_record_load(struct journal *j, int64_t transaction, struct reversal_record *ret);
/* The oldest armed one, whenever it is due; -ENOENT for none. */
int reversal_record_first(struct journal *j, struct reversal_record *ret);
/* The oldest that the acquirer has rejected and nobody has resolved; -ENOENT for none. */
int reversal_record_find_rejected(struct journal *j, int64_t *ret_transaction);
/* How many wait to be sent. */
int reversal_record_count_armed(struct journal *j);
