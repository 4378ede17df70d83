/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The people who work here: who they are, whose code is right, and who is logged on. Codes come as one line of an fd
 * (transaction/secret-line.h) and are checked one at a time. Five wrong ones in a row lock an operator, for five
 * minutes at first and a day at most, by the terminal's uptime. All of it is in the event log; no code is anywhere.
 */

#include <systemd/sd-event.h>

#include "journal/operator.h"
#include "transaction/refusal.h"
#include "transaction/settings.h"

struct notices;
struct operators;

/* notices: who is told when an operator is locked. */
int operators_new(sd_event *event, struct journal *j, const struct settings *settings, struct notices *notices,
                  struct operators **ret);
/* Ends what is being checked with a refusal. */
struct operators *operators_free(struct operators *o);
DEFINE_CLEANUP(struct operators *, operators_free);

/* Called once, from the event loop. refusal is NULL when it is done; number is that of the operator
 * whose code was right, or "" where only a new one came. */
typedef void (*operators_done_t)(const struct refusal *refusal, const char *number, void *userdata);

/* Who asks, with a code. */
struct operators_call {
        int fd;              /* a pipe or memfd; stays the caller's */
        const char *by;      /* for the event log: "uid 1000" */
        bool administrators; /* with an administrator's line "NUMBER CODE" before, in whose name it is done then */
        operators_done_t done;
        void *userdata;
};

/* These take a line "NUMBER CODE" only. Negative with *ret_refusal set, and done is not called then. */
int operators_log_on(struct operators *o, const struct operators_call *call, struct refusal *ret_refusal);
/* Whether this is somebody who may do what `least` may. */
int operators_check(struct operators *o, const struct operators_call *call, enum operator_role least,
                    struct refusal *ret_refusal);

/* These take a line "CODE", of 4 to 8 digits. */
int operators_add(struct operators *o, const struct operators_call *call, const char *number, const char *role,
                  struct refusal *ret_refusal);
/* Also unlocks. */
int operators_set_code(struct operators *o, const struct operators_call *call, const char *number,
                       struct refusal *ret_refusal);

/* Also logs off. */
int operators_remove(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal);
int operators_unlock(struct operators *o, const char *number, const char *by, struct refusal *ret_refusal);
int operators_log_off(struct operators *o, const char *by, struct refusal *ret_refusal);

/* As operator_get_logged_on(). */
int operators_get_logged_on(struct operators *o, struct operator_record *ret);
/* Seconds until a record's lock ends, 0 for none. */
int operators_get_lock(struct operators *o, const struct operator_record *record, uint64_t *ret_seconds);
int operators_each(struct operators *o, operator_each_t each, void *userdata);
/* Wrong codes that a record still has before it is locked. */
unsigned operators_tries_left(const struct operator_record *record) _pure_;

/* Who works here now, also where the terminal asks by itself: who is logged on, or the number of the settings. */
int operators_find_number(struct journal *j, const struct settings *settings, char ret[static 3]);
/* Whose number a new transaction bears: who is logged on, or that of the settings while no cashier is enrolled. */
int operators_get_number(struct operators *o, char ret[static 3], struct refusal *ret_refusal);
