/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the run of tilld before this one ended: the journal says that one runs, and in which boot, until its good end.
 */

#include "journal/connection.h"

enum last_run {
        LAST_RUN_STOPPED, /* in good order, or there was none */
        LAST_RUN_KILLED,  /* it crashed or was killed, the machine went on */
        LAST_RUN_CUT,     /* the machine was switched off, or crashed, under it */
};

/* Begins this one. Durable. */
int last_run_begin(struct journal *j, enum last_run *ret);
/* The last thing of a good end. */
int last_run_end(struct journal *j);
