/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What was counted of each device in its life, by the names of UnifiedPOS. Of a counter that begins anew with each
 * plugging in, the last reading is kept beside it: what came since then is added, whoever was restarted meanwhile.
 */

#include "journal/device.h"

#define STATISTIC_NAME_SIZE 48

/* As many more; a life has room for 2^61. */
int statistic_add(struct journal *j, const char *key, const char *name, uint64_t delta);

/*
 * From now on readings are of this plugging in of a device that device_record_see() has seen. 1 where they were of
 * another: its counters have begun with zero. -ENOENT, -ERANGE for too long a word.
 */
int statistic_begin_plugging(struct journal *j, const char *key, const char *plugging);
/* A counter stands there: adds what came since its last reading; all, where it has gone back. 1 for a change. */
int statistic_read(struct journal *j, const char *key, const char *name, uint64_t reading);

/* 0 for one that was never counted. */
int statistic_get(struct journal *j, const char *key, const char *name, uint64_t *ret);
/* Called for each, in order of device and name; what it returns other than 0 ends the walk and is returned. */
typedef int (*statistic_each_t)(const char *key, const char *name, uint64_t value, void *userdata);
/* Those of a device, or all for NULL. */
int statistic_each(struct journal *j, const char *key, statistic_each_t each, void *userdata);

/*
 * Sets them to zero, all of a device where names is NULL or empty, else those of the NULL-terminated list; with an
 * event that says by whom and what they were. Returns how many. -ENOENT for a name that was never counted.
 */
int statistic_reset(struct journal *j, const char *key, char *const *names, const char *by);
