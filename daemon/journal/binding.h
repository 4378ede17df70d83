/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The merchant's phone: which one is bound to this terminal, and which ones were. Numbers are sealed. */

#include "base/phone.h"
#include "journal/connection.h"

#define BINDING_SERIAL_MAX 32
#define BINDING_BY_MAX 24

struct binding_record {
        int64_t id; /* 1, 2, …: set by insert */
        char phone[PHONE_SIZE];
        char serial[BINDING_SERIAL_MAX + 1]; /* of the terminal */
        char terminal[9];                    /* its number with the acquirer */
        char by[BINDING_BY_MAX];             /* "uid 1000" or an operator's number */
        uint64_t since_usec;                 /* CLOCK_REALTIME */
        uint64_t ended_usec;                 /* the same; 0: in force */
};

/* Ends the one in force, if there is one, and puts this one in force: there is never a moment with two, or with none.
 */
int binding_record_insert(struct journal *j, struct binding_record *record);
/* The one in force; -ENOENT when no phone has been bound yet. */
int binding_record_load_current(struct journal *j, struct binding_record *ret);
int binding_record_load(struct journal *j, int64_t id, struct binding_record *ret);

/* Called for each, the newest first; what it returns other than 0 ends the walk and is returned. */
typedef int (*binding_record_each_t)(const struct binding_record *record, void *userdata);
int binding_record_each(struct journal *j, binding_record_each_t each, void *userdata);
