/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What was approved here and the acquirer has to be told. A row lives from the commit of the approval until the
 * acquirer has answered; transaction.forwarding says the same to readers, and the engine sets both in one commit.
 */

#include "journal/connection.h"

struct forward_record {
        int64_t transaction; /* its id; one forward each */
        bool sent;           /* a byte of it may have left before: the next one is a repeat */
        uint32_t attempts;
        uint64_t next_usec;  /* CLOCK_REALTIME of the next attempt, 0 for now */
        uint64_t next_boot;  /* the same by CLOCK_BOOTTIME, usec; of this boot only */
        char last_answer[3]; /* DE39 of the last answer, empty for none */
        uint64_t created_usec;
        uint64_t created_uptime; /* uptime_get() of then */

        /* Set by load; allocated by secret_new(), the engine's own form. */
        void *request;
        size_t request_size;
};

/* Largest request blob. */
#define FORWARD_REQUEST_MAX 4096

void forward_record_done(struct forward_record *record);

/* Seals request under the storage key. -EEXIST when the transaction has one. */
int forward_record_insert(struct journal *j, const struct forward_record *record);
/* Writes sent, attempts, next times and last answer. */
int forward_record_update(struct journal *j, const struct forward_record *record);
/* Forgets it, request and all. -EALREADY while the transaction's row says pending. */
int forward_record_remove(struct journal *j, int64_t transaction);
int forward_record_load(struct journal *j, int64_t transaction, struct forward_record *ret);
/* The oldest, whenever it is due; -ENOENT for none. */
int forward_record_first(struct journal *j, struct forward_record *ret);
/* How many wait. */
int forward_record_count(struct journal *j);
/* How many wait, and what their transactions come to in minor units. */
int forward_record_sum(struct journal *j, unsigned *ret_count, int64_t *ret_amount);
/* When the one that waits longest was approved, by CLOCK_REALTIME and by uptime_get(). 0 when none waits, else 1. */
int forward_record_oldest(struct journal *j, uint64_t *ret_usec, uint64_t *ret_uptime);
