/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tries to bring a device back: which steps, and how it ended. What limits how often they are made, also over
 * restarts. The newest RECOVERY_RECORDS_MAX are kept; the event log says the same.
 */

#include "journal/connection.h"

#define RECOVERY_RECORDS_MAX 500
#define RECOVERY_WORD_MAX 40

struct recovery_record {
        int64_t id;                  /* set by add */
        char device[64];             /* its id, or the USB port of one that has none */
        char why[RECOVERY_WORD_MAX]; /* a fault's code, or "by-hand" */
        char by[24];                 /* operator or "uid 1000"; "" for tilld itself */
        uint64_t began_usec;         /* CLOCK_REALTIME, as the next but one; set by add */
        uint64_t began_up_usec;      /* journal/uptime.h; set by add */
        uint64_t ended_usec;         /* 0: it goes on */
        char steps[160];             /* "reset done, rebind failed": in their order, with their outcomes */
        char outcome[16];            /* "" while it goes on; "works", "unproven", "failed", "interrupted" */
};

/* In the caller's transaction, each with an event. device, why and by are the caller's. */
int recovery_record_add(struct journal *j, struct recovery_record *record);
/* outcome: "done", "failed", "not-offered". Sets the record's steps. */
int recovery_record_step(struct journal *j, struct recovery_record *record, const char *step, const char *outcome);
/* Sets the record's outcome and ended_usec. */
int recovery_record_end(struct journal *j, struct recovery_record *record, const char *outcome);

/* How many of a device began at this uptime or later, and when the last one did; that is left alone for none. */
int recovery_record_count(struct journal *j, const char *device, uint64_t since_up_usec, uint64_t *ret_last_up_usec);
/* Called for each, the newest first, at most limit (0: all); what it returns other than 0 ends the walk. */
typedef int (*recovery_record_each_t)(const struct recovery_record *record, void *userdata);
int recovery_record_each(struct journal *j, unsigned limit, recovery_record_each_t each, void *userdata);
/* What goes on by its row: the newest, -ENOENT for none. */
int recovery_record_find_open(struct journal *j, struct recovery_record *ret);
