/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is wrong now, by looking: each see_…() adds what it sees to the sight, and what none adds any more has ended.
 * So a look that cannot be had is an error, never an empty sight. They are asked in the order of fault_look(), the
 * more exact cause first: a general one is left out where sight_has() the exact one.
 */

#include "base/clock.h"
#include "care/fault-changes.h"
#include "transaction/engine.h"

/*
 * subject: what it is about ("" for the terminal), a device's id where it is one; detail: what was seen, without card
 * data, codes or phone numbers. What is in the sight already is not added twice.
 */
int sight_add(struct fault_changes *sight, const char *code, const char *subject, const char *detail, ...)
        __attribute__((format(printf, 4, 5)));
/* subject NULL: any. */
bool sight_has(const struct fault_changes *sight, const char *code, const char *subject);
/* It cannot be looked at just now: what is open of it stays so, and nothing is opened. subject NULL: any. */
int sight_keep(struct engine *e, struct fault_changes *sight, const char *code, const char *subject);

/* How long a printer must say the same to be believed: covers are opened and shut again. */
#define SEE_PRINTER_SETTLE_USEC (2 * USEC_PER_SEC)
/* How long a card may stay in with nothing to do. */
#define SEE_CARD_LEFT_USEC (60 * USEC_PER_SEC)

/* By the rows of the journal: rejected reversals and forwards, results that nobody knows, a refused settlement. */
int see_journal(struct engine *e, struct fault_changes *sight);
int see_clock(struct engine *e, struct fault_changes *sight);
/* The kernel module. */
int see_driver(struct engine *e, struct fault_changes *sight);
/* What is on USB and of no use, and what is not there. */
int see_device(struct engine *e, struct fault_changes *sight);
int see_printer(struct engine *e, struct fault_changes *sight);
/* The EMV reader's slot. */
int see_reader(struct engine *e, struct fault_changes *sight);
/* Whether there is a network, where the acquirer is not on this machine. */
int see_network(struct engine *e, struct fault_changes *sight);
/* That tilld could not use of its files and goes on without, since its start. */
int see_configuration(struct engine *e, struct fault_changes *sight);
/* Certificates and CA keys that are over, or nearly, or missing. */
int see_keys(struct engine *e, struct fault_changes *sight);
/* What waits to be told or settled. */
int see_batch(struct engine *e, struct fault_changes *sight);
int see_notices(struct engine *e, struct fault_changes *sight);
/* After wrong codes: operators, and changes of the bound phone. */
int see_locks(struct engine *e, struct fault_changes *sight);
/* Whether till-render has drawn what it was asked for last. */
int see_render(struct engine *e, struct fault_changes *sight);
/* What the last exchange with it has shown, and the last sign-on; what was never asked says nothing. */
int see_acquirer(struct engine *e, struct fault_changes *sight);
/* The disk that the journal is on. */
int see_disk(struct engine *e, struct fault_changes *sight);
/* What is due to keep the terminal well, and drills. */
int see_maintenance(struct engine *e, struct fault_changes *sight);
