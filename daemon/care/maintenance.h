/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is to be done to keep the terminal well, by what its devices have done since it was done last or by the
 * calendar; the daily inspection, which nobody has to do; and the drills of those who work here. [maintenance] of
 * tilld.conf has the limits.
 */

#include "journal/maintenance.h"
#include "transaction/engine.h"

struct maintenance_item {
        const char *name; /* "msr-head" */
        const char *text; /* what is to be done, in English */
        bool drill;
        bool due;
        uint64_t due_usec;     /* when it is or was due by the calendar; 0: never, or not yet to be known */
        uint64_t count, limit; /* since it was done last, of the device that has the most; limit 0: none */
        const char *unit;      /* "swipes", "" for none */
        uint64_t done_usec;    /* when it was done or held last, 0: never */
        char done_by[24];      /* and by whom, */
        char people[128];      /* who took part in a drill, */
        char note[MAINTENANCE_NOTE_MAX + 1];
};

/* All, due or not; what each returns other than 0 ends the walk and is returned. */
typedef int (*maintenance_each_t)(const struct maintenance_item *item, void *userdata);
int maintenance_each(struct engine *e, maintenance_each_t each, void *userdata);
/* Those that are due. */
int maintenance_each_due(struct engine *e, maintenance_each_t each, void *userdata);

/* Somebody has done it, on all devices that it is about. The note may be "". Negative with *ret_refusal set. */
int maintenance_done(struct engine *e, const char *item, const char *note, const char *by,
                     struct refusal *ret_refusal);
/* A drill was held; people: operator numbers, NULL-terminated, one at least. Likewise. */
int maintenance_drill(struct engine *e, const char *kind, char *const *people, const char *note, const char *by,
                      struct refusal *ret_refusal);
