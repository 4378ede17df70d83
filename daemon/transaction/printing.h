/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The print queue: papers in the journal on their way through the printer. A job that may be on paper
 * already is printed again only with the mark of a duplicate. Printing never changes a result.
 */

#include "device/monitor.h"
#include "device/printer.h"
#include "journal/batch.h"
#include "journal/print_job.h"
#include "receipt/slip.h"

struct engine;
struct printing;
struct resolution;

int printing_new(struct engine *e, struct printing **ret);
struct printing *printing_free(struct printing *p);
DEFINE_CLEANUP(struct printing *, printing_free);

/* In the caller's journal transaction: queues a paper of the transaction. */
int printing_queue(struct engine *e, const struct transaction_record *record, enum slip_paper paper);
/*
 * In the caller's journal transaction: queues the paper of a batch that the transaction has settled, or that an
 * agreement has ended; NULL for none. left_out: how many of its details could not be uploaded.
 */
int printing_queue_settlement(struct engine *e, const struct transaction_record *record,
                              const struct batch_record *batch, unsigned left_out, const struct resolution *agreement);
/* In a transaction of its own: the newest paper of that kind again, marked. -ENOENT when there is none. */
int printing_reprint(struct printing *p, int64_t transaction, enum slip_paper paper, int64_t *ret_job);
/* The same as text; *ret is the caller's. */
int printing_text(struct printing *p, int64_t transaction, enum slip_paper paper, char **ret);
/* The transaction whose paper was queued last; -ENOENT when there is none. */
int printing_last(struct printing *p, int64_t *ret_transaction);

/* Prints what is queued, when there is a printer. */
void printing_kick(struct printing *p);
void printing_device_changed(struct printing *p, struct device *device, enum monitor_event event);

/* Jobs that are not on paper yet. */
int printing_count(const struct printing *p);
/* The printer's status if this device is the one in use, else NULL. */
const struct printer_status *printing_status(const struct printing *p, const struct device *device);
