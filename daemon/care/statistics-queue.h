/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is to be written of devices and their statistics: kept in memory until the journal is free for it, as nobody's
 * commit is to wait for it.
 */

#include "journal/statistic.h"

struct statistics_queue {
        struct statistics_order *list;
        size_t n;
};

/* It is there, in a plugging in of its own (journal/statistic.h). */
int statistics_queue_see(struct statistics_queue *q, const struct device_record *record, const char *plugging);
int statistics_queue_miss(struct statistics_queue *q, const char *key);
/* So many more. */
int statistics_queue_add(struct statistics_queue *q, const char *key, const char *name, uint64_t delta);
/* A counter of the plugging in that was seen last stands there. */
int statistics_queue_read(struct statistics_queue *q, const char *key, const char *name, uint64_t reading);
void statistics_queue_done(struct statistics_queue *q);

/*
 * All of it in one commit that no sync waits for, and the queue is empty. On an error nothing is written, and it is as
 * it was.
 */
int statistics_queue_write(struct statistics_queue *q, struct journal *j);
