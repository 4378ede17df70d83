/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How the terminal is doing, for Prometheus: a file that node_exporter's textfile collector reads. Written anew at
 * most once a minute, and only after something has changed. Nothing of a payment but its kind and result.
 */

#include "care/statistics.h"
#include "transaction/engine.h"

struct metrics;

/* folder: NULL for none, and nothing is written. The statistics are borrowed, and may be NULL. */
int metrics_new(struct engine *e, struct statistics *statistics, const char *folder, struct metrics **ret);
struct metrics *metrics_free(struct metrics *m);
DEFINE_CLEANUP(struct metrics *, metrics_free);

/* Something has changed. */
void metrics_kick(struct metrics *m);
void metrics_transaction_changed(struct metrics *m, const struct transaction_view *view, enum transaction_event event);

/* Writes it now. */
int metrics_write(struct metrics *m);
