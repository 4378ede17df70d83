/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Faults open and end by what is so. Most causes are rows of the journal that were made durable before anybody was
 * told of them: a rejected reversal, a refused settlement. So the rooms below write no faults. Their rows are looked
 * at at each start, after each change, when the clock was set and once a minute, and held against the open faults:
 * whatever a kill comes between, the next look makes up for it. What leaves no such row is written before it is said:
 * the differences of a statement before the caller has its answer, and what a check of the journal has found, which is
 * done again after a kill.
 */

#include <cjson/cJSON.h>

#include "care/recovery.h"
#include "journal/fault.h"
#include "transaction/engine.h"

struct faults;

/* It has opened, or, where ended_usec is set, has ended; that is in the journal. */
typedef void (*faults_told_t)(const struct fault_record *record, void *userdata);

int faults_new(struct engine *e, faults_told_t told, void *userdata, struct faults **ret);
struct faults *faults_free(struct faults *f);
DEFINE_CLEANUP(struct faults *, faults_free);

/* Who brings devices back, borrowed; NULL: nobody. */
void faults_set_recovery(struct faults *f, struct recovery *recovery);
/* The first look, and from then on those that are due. */
int faults_start(struct faults *f);
/* Something has changed: it is looked at soon. */
void faults_kick(struct faults *f);

/*
 * What an act has shown, such as a transaction: seen has code, subject, detail and transaction. It is one that does
 * not last, so that only an act ends it. Written at the next look; a kill before that forgets it.
 */
void faults_observe(struct faults *f, const struct fault_record *seen);
/* The same act went well: it is no longer so, of all subjects where that is "". */
void faults_disprove(struct faults *f, const char *code, const char *subject);

/* What reconcile_result() says: each difference is one, and those of its batches that it does not show any more end.
 */
int faults_reconciled(struct faults *f, const cJSON *result);

unsigned faults_count_open(const struct faults *f);
/* Somebody takes care of it; by is "02" or "uid 1000". Negative with *ret set. */
int faults_acknowledge(struct faults *f, int64_t id, const char *by, struct refusal *ret);
/* By somebody's word, with a note; not where the cause is looked at, and is still there. Negative with *ret set. */
int faults_end(struct faults *f, int64_t id, const char *by, const char *note, struct refusal *ret);
