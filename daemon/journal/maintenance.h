/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was done to keep the terminal well, and which drills were held. The event log has each time, these the last. */

#include "journal/device.h"

#define MAINTENANCE_NOTE_MAX 200

struct maintenance_record {
        char item[24];                /* "msr-head" */
        char device[DEVICE_KEY_SIZE]; /* "" for the terminal */
        uint64_t count;               /* of what wears it, as it was then */
        uint64_t done_usec;           /* CLOCK_REALTIME, as all here */
        char done_by[24];             /* operator or "uid 1000" */
        char note[MAINTENANCE_NOTE_MAX + 1];
};

/* Done now: replaces what was known of that item and device. */
int maintenance_record_store(struct journal *j, struct maintenance_record *record);
/* -ENOENT where it was never done. */
int maintenance_record_load(struct journal *j, const char *item, const char *device, struct maintenance_record *ret);
/* {"item":"msr-head","by":"02","note":"…"} */
int maintenance_note_done(struct journal *j, const char *item, const char *by, const char *note);

/* Older ones than so many are forgotten; the event log has them. */
#define DRILLS_MAX 200

struct drill_record {
        int64_t id;       /* set by insert */
        char kind[24];    /* "outage" */
        char people[128]; /* who took part, by operator number with spaces between */
        char recorded_by[24];
        uint64_t held_usec;
        char note[MAINTENANCE_NOTE_MAX + 1];
};

/* Held now; with an event. */
int drill_record_insert(struct journal *j, struct drill_record *record);
/* The last one of a kind; -ENOENT where it was never held. */
int drill_record_load_last(struct journal *j, const char *kind, struct drill_record *ret);
/* The newest first; what each returns other than 0 ends the walk and is returned. */
typedef int (*drill_record_each_t)(const struct drill_record *record, void *userdata);
int drill_record_each(struct journal *j, unsigned limit, drill_record_each_t each, void *userdata);
