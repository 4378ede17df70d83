/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Faults: what is wrong, since when, and how it ended. A code and what it is about have one open fault, which counts
 * how often it was seen. Rows of ended ones are forgotten after the retention time; the event log says the same.
 */

#include "journal/connection.h"

#define FAULT_NOTE_MAX 200
#define FAULT_DEVICE_SIZE 224
#define FAULT_VERSIONS_SIZE 128
#define FAULT_ENVIRONMENT_SIZE 256

struct fault_record {
        int64_t id; /* set by open; never used twice */
        char code[40];
        char subject[40];    /* what it is about: a transaction's id, a batch, batch/STAN; "" for the terminal */
        char class[16];      /* hardware, software, card, network, configuration */
        char severity[16];   /* warning, error, critical */
        char detail[256];    /* no card data */
        int64_t transaction; /* the last one that showed it, 0 for none */
        uint32_t count;
        uint64_t opened_usec, seen_usec; /* CLOCK_REALTIME, as all here */
        uint64_t acknowledged_usec;      /* 0 before */
        char acknowledged_by[24];
        uint64_t ended_usec; /* 0 while it is open */
        char ended_by[24];   /* "" of one that ended because its cause is gone */
        char note[FAULT_NOTE_MAX + 1];
        /* As it was when it opened; each "" where that is not known. */
        char device[FAULT_DEVICE_SIZE]; /* that it is about, for a person */
        char firmware[16];              /* of that device */
        char versions[FAULT_VERSIONS_SIZE];
        char environment[FAULT_ENVIRONMENT_SIZE]; /* in English */
};

/*
 * What is seen now: code, subject, class, severity, detail, transaction and what surrounds it are the caller's, the
 * rest is set. 1 when that has opened a fault, 0 when one was open and has counted it.
 */
int fault_record_open(struct journal *j, struct fault_record *record);
/* -EALREADY for one that has ended, or that somebody has acknowledged. */
int fault_record_acknowledge(struct journal *j, int64_t id, const char *by);
/* by and note are "" where the cause is gone. Sets the record's. -EALREADY for one that has ended. */
int fault_record_end(struct journal *j, struct fault_record *record, const char *by, const char *note);

int fault_record_load(struct journal *j, int64_t id, struct fault_record *ret);
/* The open one. */
int fault_record_find(struct journal *j, const char *code, const char *subject, struct fault_record *ret);
int fault_record_count_open(struct journal *j);

struct fault_filter {
        bool open;            /* those only */
        uint64_t since_usec;  /* opened then or later */
        int64_t before;       /* older than this fault; 0: from the newest */
        unsigned limit;       /* 0: all */
        uint64_t lasted_usec; /* open then or later */
};
/* Called for each, the newest first; what it returns other than 0 ends the walk and is returned. */
typedef int (*fault_record_each_t)(const struct fault_record *record, void *userdata);
int fault_record_each(struct journal *j, const struct fault_filter *filter, fault_record_each_t each, void *userdata);

/*
 * Of which fault of a code people were told last, until they were told that none is open any more; 0 for none. To be
 * stored in the commit of that notice.
 */
int fault_told_load(struct journal *j, const char *code, int64_t *ret_id);
int fault_told_store(struct journal *j, const char *code, int64_t id);

/* Forgets up to limit of those that ended before; returns how many. */
int fault_record_purge(struct journal *j, uint64_t before_usec, unsigned limit);

/*
 * What is wrong by the rows of the journal alone, whenever it is asked: rejected reversals and forwards, results that
 * nobody knows, a settlement that was refused. Of each code, subject, transaction and detail are set.
 */
int fault_evidence_each(struct journal *j, fault_record_each_t each, void *userdata);
