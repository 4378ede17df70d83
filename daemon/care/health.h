/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Health checks, at UnifiedPOS's three levels (CheckHealth): internal looks and changes nothing, external uses the
 * terminal (asks the acquirer, prints a page), interactive asks a person for a card; and the daily inspection, which
 * is what can be tested without paper and without a person. One runs at a time, step by step. A transaction comes
 * first: a step that needs a reader is left out when one begins, and an inspection is put off until its end.
 */

#include "care/faults.h"
#include "device/monitor.h"
#include "transaction/engine.h"

enum health_level {
        HEALTH_INTERNAL,
        HEALTH_EXTERNAL,
        HEALTH_INTERACTIVE,
        HEALTH_INSPECTION,
        _HEALTH_LEVEL_MAX,
        _HEALTH_LEVEL_INVALID = -EINVAL,
};

/* "internal" … */
const char *health_level_to_string(enum health_level level);
enum health_level health_level_from_string(const char *text);

enum health_state {
        HEALTH_WAITING, /* for the steps before it */
        HEALTH_RUNNING,
        HEALTH_PASSED,
        HEALTH_FAILED,
        HEALTH_SKIPPED,
        _HEALTH_STATE_MAX,
};

const char *health_state_to_string(enum health_state state);

struct health_step {
        const char *test; /* "terminal", "device", "echo", "sign-on", "authenticity", "print", "swipe", "insert" */
        char device[64];  /* id of the device that it is about, "" for none */
        char title[DEVICE_TITLE_MAX]; /* of that device, for people */
        enum health_state state;
        /* What was found, or what a person is asked for; in English, translated by who shows it. */
        const char *sentence;
        char detail[200]; /* a fault's code, an answer's word; "" for none */
};

struct health_check {
        int64_t id; /* CLOCK_REALTIME of its start, microseconds */
        enum health_level level;
        char by[24];         /* "uid 1000" */
        uint64_t ended_usec; /* 0 while it runs */
        struct health_step *steps;
        size_t n;
};

struct health;

/* A step of the check has another state, or it has ended. */
typedef void (*health_changed_t)(const struct health_check *check, void *userdata);

/* f: whose faults a test opens and ends; borrowed. */
int health_new(struct engine *e, struct faults *f, health_changed_t changed, void *userdata, struct health **ret);
struct health *health_free(struct health *h);
DEFINE_CLEANUP(struct health *, health_free);

/*
 * Begins; of one device alone where device is not "". changed() follows, not from within. Negative with *ret set:
 * another one runs, a transaction runs (but for an inspection, which waits), there is no such device, or nothing to
 * test at this level.
 */
int health_start(struct health *h, enum health_level level, const char *device, const char *by, int64_t *ret_id,
                 struct refusal *ret);
/* Leaves out what has not ended. Negative with *ret set where none of that id runs. */
int health_cancel(struct health *h, int64_t id, struct refusal *ret);
/* The last one, NULL for none since the start of tilld. */
const struct health_check *health_get(const struct health *h);
/* How many have failed of a check. */
unsigned health_count_failed(const struct health_check *check);

/* What comes of the engine. */
void health_follow_transaction(struct health *h, const struct transaction_view *view, enum transaction_event event);
void health_follow_job(struct health *h, int64_t job, enum print_state state);
void health_follow_device(struct health *h, const struct device *device, enum monitor_event event);
