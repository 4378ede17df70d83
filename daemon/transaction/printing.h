/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The print queue: papers in the journal on their way through the printer. A job that may be on paper
 * already is printed again only with the mark of a duplicate. Printing never changes a result.
 */

#include "device/monitor.h"
#include "device/printer.h"
#include "journal/print_job.h"
#include "receipt/slip.h"
#include "transaction/refusal.h"

struct engine;
struct printing;

int printing_new(struct engine *e, struct printing **ret);
struct printing *printing_free(struct printing *p);
DEFINE_CLEANUP(struct printing *, printing_free);

/* A stored paper for the printer that is there, or the last one, or a usual one. plain: nothing has to be drawn. */
int printing_lay_out(const struct printing *p, const struct print_job *job, bool plain, struct page **ret);
const struct printer_profile *printing_profile(const struct printing *p);
/* The printer in use, NULL for none; while a job that has come to its end is told, the one that had it. */
const struct device *printing_device(const struct printing *p);
/* No answer is to be had from it: its jobs end unconfirmed when they went well. */
bool printing_is_mute(const struct printing *p);

/*
 * Takes a job out of the queue or the printer; whose wish it was is in the event log. -ENOENT for none, -EALREADY for
 * one that has ended.
 */
int printing_cancel(struct printing *p, int64_t job, const struct print_asker *asker);

/* How far a job is. */
struct print_progress {
        const char *held;    /* what the printer waits for: "paper end"; "" for nothing. Never NULL, not freed */
        uint64_t done, size; /* bytes that the printer has taken, of all; both 0 where it is not the job's turn */
};

void printing_progress(const struct printing *p, const struct print_job *job, struct print_progress *ret);

/* error: 0 when the printer has taken it, else a negative errno with a reason for a person. */
typedef void (*printing_pulse_t)(int error, const char *reason, void *userdata);
/*
 * Opens the drawer, between two papers; done() is called once, from here or later. It is in the event log before it is
 * sent, and is never sent twice. Negative with *ret_refusal set where it cannot be.
 */
int printing_open_drawer(struct printing *p, const struct print_asker *asker, printing_pulse_t done, void *userdata,
                         struct refusal *ret_refusal);

/* Why till-render has not drawn what it was asked for last, a negative errno; 0 where it has. */
int printing_render_error(const struct printing *p);

/* Prints what is queued, when there is a printer. */
void printing_kick(struct printing *p);
void printing_device_changed(struct printing *p, struct device *device, enum monitor_event event);

/* A paper is being printed: bytes of it may have left. What is held before is not. */
bool printing_is_busy(const struct printing *p);
/* Jobs that are not on paper yet. */
int printing_count(const struct printing *p);
/* The printer's status if this device is the one in use, else NULL. */
const struct printer_status *printing_status(const struct printing *p, const struct device *device);
/* Since when it says so, CLOCK_BOOTTIME. */
uint64_t printing_status_since(const struct printing *p);
