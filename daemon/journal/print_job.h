/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The queue of papers. Jobs are kept after printing: a reprint is a new job with the content of an old one. */

#include "journal/connection.h"
#include "journal/transaction.h"

/* Who wants a paper. */
struct print_asker {
        char operator_id[17]; /* who is logged on, "" for nobody */
        int64_t uid;          /* whose call it is; PRINT_JOB_NOBODY: the terminal's own */
};

#define PRINT_JOB_NOBODY (-1)

struct print_job {
        int64_t id;          /* set by insert; never used twice */
        int64_t transaction; /* 0 for none */
        char what[32];       /* "merchant-copy", "cardholder-copy", "not-completed", "declined" */
        bool duplicate;      /* to be marked as a duplicate */
        int64_t original;    /* the job that this one repeats, 0 for none */
        unsigned reprint;    /* which of its repeats, from 1; 0 for none */
        struct print_asker asker;
        enum print_state state; /* not PRINT_NONE */
        uint64_t created_usec;
        void *content; /* the slip, the receipt room's own form; owned by the struct after a load */
        size_t content_size;
};

#define PRINT_JOB_CONTENT_MAX 65536

void print_job_done(struct print_job *job);

/* Adds a job in state queued, or electronic where it says so, and sets job->id. Copies the content. */
int print_job_insert(struct journal *j, struct print_job *job);
int print_job_load(struct journal *j, int64_t id, struct print_job *ret);
/*
 * Adds a repeat of `old`, whatever its state, with its content and the next number.
 * *ret_job has no content.
 */
int print_job_repeat(struct journal *j, const struct print_job *old, const struct print_asker *asker,
                     struct print_job *ret_job);
/* The oldest queued or printing one behind `behind` (0 for the first of all); -ENOENT where there is none. */
int print_job_first(struct journal *j, int64_t behind, struct print_job *ret);
/*
 * queued → printing → printed, unconfirmed or cancelled; queued → cancelled; nothing follows electronic; printing →
 * queued only where not a byte has left (else print_job_requeue()). -EALREADY for any other step.
 */
int print_job_set_state(struct journal *j, int64_t id, enum print_state state);
/* A job that is in mid-print becomes queued, marked as a duplicate: its paper may be out already. */
int print_job_requeue(struct journal *j, int64_t id);
/* At start: does that to every job found in mid-print. Returns how many. */
int print_job_requeue_interrupted(struct journal *j);
/* The newest job of a transaction with that `what` (NULL for any), whatever its state. */
int print_job_find(struct journal *j, int64_t transaction, const char *what, struct print_job *ret);
/* The newest transaction that has a paper; -ENOENT for none. */
int print_job_last_transaction(struct journal *j, int64_t *ret);

/* Called for each job, newest first; what it returns other than 0 ends the walk and is returned. */
typedef int (*print_job_each_t)(const struct print_job *job, void *userdata);
int print_job_each_last(struct journal *j, unsigned limit, print_job_each_t each, void *userdata);
/* Jobs that are queued or printing. */
int print_job_count_open(struct journal *j);
