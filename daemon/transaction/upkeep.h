/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the journal needs and nobody waits for, while no transaction runs: its log into the file, signed checkpoints,
 * a look at all of it after a crash and once a week, and the purge once a day. Work that somebody asked for goes
 * first. All of it goes in slices of some milliseconds, between what else there is to do.
 */

#include <systemd/sd-event.h>

#include "base/stream.h"
#include "journal/purge.h"
#include "journal/verify.h"

struct engine;
struct upkeep;

int upkeep_new(struct engine *e, struct upkeep **ret);
struct upkeep *upkeep_free(struct upkeep *u);
DEFINE_CLEANUP(struct upkeep *, upkeep_free);

/* The stream has said -EAGAIN. */
#define UPKEEP_WAIT 2

/* Work that somebody asked for. */
struct upkeep_work {
        /* 1 while there is more to do, UPKEEP_WAIT, 0 at the end, or an error. */
        int (*slice)(struct journal *j, void *userdata);
        /*
         * Once: what the last slice said, -ETIMEDOUT when nothing moved in the stream for a minute, -ECANCELED when
         * tilld stops.
         */
        void (*end)(int r, void *userdata);
        void *userdata;
        const struct stream *stream; /* that the work goes through, or NULL */
};
/* One at a time: -EBUSY. */
int upkeep_run(struct upkeep *u, const struct upkeep_work *work);
/* Ends the work of that userdata with r, if it runs: whoever asked for it has gone. */
void upkeep_cancel(struct upkeep *u, int r, const void *userdata);

/* What was found when all was looked at, whoever asked: for the log, and for what has to be done about damage. */
void upkeep_found(struct upkeep *u, int r, const struct journal_verify *verify);

struct upkeep_verdict {
        uint64_t time_usec; /* CLOCK_REALTIME, 0 while this start of tilld has not looked at all of it */
        bool good;
        char text[192]; /* what is wrong */
};
const struct upkeep_verdict *upkeep_get_verdict(const struct upkeep *u);
