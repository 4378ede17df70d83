/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between health.c, which has the order of the steps, and health-test.c, which has what each does. */

#include <systemd/sd-event.h>

#include "care/authenticity.h"
#include "care/health.h"

struct health {
        struct engine *engine;
        struct faults *faults;
        health_changed_t changed;
        void *userdata;
        struct health_check check;
        size_t at;                         /* the step that runs, or is next */
        int64_t transaction;               /* that the step waits for, 0 for none */
        int64_t job;                       /* likewise */
        bool swipe;                        /* likewise: the engine tells of one */
        bool counts;                       /* the check: as the daily inspection, all of it was made */
        struct authenticity *authenticity; /* that the step waits for, NULL for none */
        sd_event_source *next;             /* begins the next step */
        sd_event_source *deadline;         /* of the step */
};

#define HEALTH_AT(level) (1u << (level))

struct health_test {
        const char *name;
        unsigned levels;       /* a bit for each, HEALTH_AT() */
        bool each_device;      /* a step for each device … */
        enum device_kind kind; /* … of this kind, _DEVICE_KIND_MAX for every one; not each_device: one step */
        /* Ends by health_end(), now or when one of the follow functions has what it waits for. */
        void (*start)(struct health *h, struct health_step *step);
};

extern const struct health_test health_tests[];
extern const size_t health_tests_size;

/* The end of the step that runs. sentence is not copied. */
void health_end(struct health *h, enum health_state state, const char *sentence, const char *detail);
/* What a person is asked for, or is waited for. */
void health_ask(struct health *h, const char *sentence);
/* A transaction has begun or ended: the check is put off, or goes on. */
void health_follow_current(struct health *h, enum transaction_event event);
/* What the step waits for is no longer of interest. */
void health_stop_waiting(struct health *h);
