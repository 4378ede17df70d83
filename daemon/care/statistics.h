/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What each device has done in its life, and which devices there are or were: in the journal, by serial number. The
 * driver counts since it was plugged in; tilld reads that when a device comes and goes, after each transaction and
 * paper, within a minute of what a device tells, once an hour and at its stop, and adds what it counts itself. What
 * the kernel has forgotten at an unplug came since the last reading.
 */

#include "device/monitor.h"
#include "journal/statistic.h"
#include "transaction/engine.h"

struct statistics;

/* changed: something is written. */
int statistics_new(struct engine *e, void (*changed)(void *userdata), void *userdata, struct statistics **ret);
/* Reads and writes once more. */
struct statistics *statistics_free(struct statistics *s);
DEFINE_CLEANUP(struct statistics *, statistics_free);
/* Once the devices that are there have been told: what was there at the stop and is not now is missing. */
int statistics_start(struct statistics *s);

void statistics_device_changed(struct statistics *s, const struct device *device, enum monitor_event event);
void statistics_transaction_changed(struct statistics *s, const struct transaction_view *view,
                                    enum transaction_event event);
void statistics_job_changed(struct statistics *s, int64_t job, enum print_state state);
/* The drawer's pulse was sent; error as in printing_pulse_t. */
void statistics_drawer_pulsed(struct statistics *s, int error);

/* Reads and writes now, so that what is asked for next is what is so. */
int statistics_update(struct statistics *s);

/* The key of a device of the monitor, connected or not; NULL where its record could not be made. */
const char *statistics_key(const struct statistics *s, const struct device *device);
/* A key from what a person has typed: itself, a device's id as tillctl devices shows it, or a serial number. */
int statistics_find(struct statistics *s, const char *text, char ret_key[static DEVICE_KEY_SIZE],
                    struct refusal *ret_refusal);

/* Those of a device, or of all for NULL, as they are shown. */
int statistics_each(struct statistics *s, const char *key, statistic_each_t each, void *userdata);

/* By a supervisor, durable. names: as shown, NULL-terminated; none: all. Negative with *ret_refusal set. */
int statistics_reset(struct statistics *s, const char *key, char *const *names, const char *by,
                     struct refusal *ret_refusal);
/* A device is not coming back: likewise. */
int statistics_forget(struct statistics *s, const char *key, const char *by, struct refusal *ret_refusal);
