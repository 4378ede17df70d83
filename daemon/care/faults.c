// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/faults.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/clock-jump.h"
#include "care/fault-code.h"
#include "care/fault-environment.h"
#include "care/fault-log.h"
#include "care/fault-notices.h"
#include "care/last-run.h"
#include "care/see.h"
#include "transaction/timer.h"

/* Of a disk that somebody else fills nothing tells. */
#define TICK_USEC (60 * USEC_PER_SEC)

#define CHANGED "journal-changed"

struct faults {
        struct engine *engine;
        struct journal *journal;
        faults_told_t told;
        void *userdata;
        sd_event_source *soon, *tick;
        struct clock_jump *clock_jump;
        struct fault_notices *notices;
        struct recovery *recovery;
        struct fault_changes observed; /* since the last look */
        uint64_t verdict_usec;         /* of the check of the journal that was looked at last */
        unsigned open;
        bool failing; /* they cannot be written, and that is said */
};

/* ---- Written, then told ---- */

/* With those who are to be told of it. */
static int write_all(struct faults *f, struct fault_changes *c) {
        struct journal *j = f->journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = fault_changes_write(j, c);
        if (r >= 0)
                r = fault_notices_add(f->notices);
        return r < 0 ? r : journal_commit(j);
}

static int count_open(struct faults *f) {
        int open = fault_record_count_open(f->journal);

        if (open < 0)
                return open;
        f->open = (unsigned) open;
        return 0;
}

/* Each time that it is seen. */
static void follow(struct faults *f, const struct fault_change *change) {
        const struct fault_code *code = fault_code_find(change->record.code);

        if (!f->recovery || !code || !code->recovers)
                return;
        if (change->end)
                recovery_forget(f->recovery, change->record.subject);
        else
                (void) recovery_want(f->recovery, change->record.subject, code->code);
}

static int commit(struct faults *f, struct fault_changes *c) {
        int r;

        if (c->n == 0) {
                /* Something may have waited for its time. */
                r = fault_notices_are_due(f->notices);
                if (r <= 0)
                        return r;
        }
        for (size_t i = 0; i < c->n; i++)
                if (!c->list[i].end)
                        fault_environment_set(f->engine, &c->list[i].record);
        r = write_all(f, c);
        if (r >= 0)
                r = count_open(f);
        if (r < 0)
                return r;
        fault_notices_keep(f->notices);
        for (size_t i = 0; i < c->n; i++)
                follow(f, c->list + i);
        for (size_t i = 0; i < c->n; i++)
                if (c->list[i].tell) {
                        fault_log(&c->list[i].record);
                        f->told(&c->list[i].record, f->userdata);
                }
        return 0;
}

/* ---- The look ---- */

/* The more exact cause first. */
static int (*const see[])(struct engine *e, struct fault_changes *sight) = {
        see_journal,       see_clock, see_disk,    see_driver,   see_device, see_printer, see_reader, see_maintenance,
        see_configuration, see_keys,  see_network, see_acquirer, see_batch,  see_notices, see_locks,  see_render,
};

struct look {
        struct fault_changes seen, changes;
        const cJSON *batches;                 /* that a statement was about */
        const struct fault_record *disproved; /* by an act */
};

static void look_done(struct look *l) {
        fault_changes_done(&l->seen);
        fault_changes_done(&l->changes);
}

/* What is new, or was shown by another transaction since. */
static int compare_seen(struct faults *f, struct look *l) {
        struct fault_record open;
        int r;

        for (size_t i = 0; i < l->seen.n; i++) {
                const struct fault_record *seen = &l->seen.list[i].record;

                r = fault_record_find(f->journal, seen->code, seen->subject, &open);
                if (r == -ENOENT || (r == 0 && seen->transaction > open.transaction))
                        r = fault_changes_add(&l->changes, l->seen.list + i);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int end_unseen(const struct fault_record *open, void *userdata) {
        const struct fault_code *code = fault_code_find(open->code);
        struct look *l = userdata;

        if (!code || !code->lasts || fault_changes_find(&l->seen, open->code, open->subject))
                return 0;
        return fault_changes_add_end(&l->changes, open);
}

static int each_open(struct faults *f, fault_record_each_t each, struct look *l) {
        return fault_record_each(f->journal, &(struct fault_filter){ .open = true }, each, l);
}

/* The last check of the whole journal: seen once, however often it is looked at. */
static int compare_verdict(struct faults *f, const struct upkeep_verdict *verdict, struct look *l) {
        struct fault_record record = { .code = CHANGED };
        int r;

        if (verdict->time_usec == f->verdict_usec)
                return 0;
        if (!verdict->good) {
                COPY(record.detail, verdict->text);
                return fault_changes_add_seen(&l->changes, &record);
        }
        r = fault_record_find(f->journal, CHANGED, "", &record);
        return r == -ENOENT ? 0 : r < 0 ? r : fault_changes_add_end(&l->changes, &record);
}

/* ---- What acts have shown ---- */

static bool is_disproved(const struct fault_record *record, const struct fault_record *disproved) {
        return streq(record->code, disproved->code) &&
               (isempty(disproved->subject) || streq(record->subject, disproved->subject));
}

static int end_disproved(const struct fault_record *open, void *userdata) {
        struct look *l = userdata;

        return is_disproved(open, l->disproved) ? fault_changes_add_end(&l->changes, open) : 0;
}

/* In the order in which they came. */
static int compare_observed(struct faults *f, struct look *l) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < f->observed.n; i++) {
                const struct fault_change *observed = f->observed.list + i;

                l->disproved = &observed->record;
                r = observed->end ? each_open(f, end_disproved, l) : fault_changes_add(&l->changes, observed);
        }
        return r;
}

static int look(struct faults *f) {
        const struct upkeep_verdict *verdict = upkeep_get_verdict(engine_upkeep(f->engine));
        _cleanup_(look_done) struct look l = {};
        int r;

        for (size_t i = 0; i < ELEMENTSOF(see); i++) {
                r = see[i](f->engine, &l.seen);
                if (r < 0)
                        return r;
        }
        r = compare_seen(f, &l);
        if (r >= 0)
                r = each_open(f, end_unseen, &l);
        if (r >= 0)
                r = compare_verdict(f, verdict, &l);
        if (r >= 0)
                r = compare_observed(f, &l);
        if (r >= 0)
                r = commit(f, &l.changes);
        if (r < 0)
                return r;
        for (size_t i = 0; i < l.seen.n; i++)
                follow(f, l.seen.list + i);
        f->verdict_usec = verdict->time_usec;
        fault_changes_done(&f->observed);
        return 0;
}

/* The next tick tries again. */
static void look_now(struct faults *f) {
        int r;

        /* In the middle of somebody's commit; it is looked at again. */
        if (journal_is_open(f->journal))
                return;
        r = look(f);
        if (r == -EIO || r == -EBADMSG)
                engine_panic(r, "a fault cannot be written");
        if (r < 0 && !f->failing)
                log_warning_errno(r, "Faults cannot be written; it is tried again");
        f->failing = r < 0;
}

/* ---- When ---- */

static int on_soon(sd_event_source *source, void *userdata) {
        look_now(userdata);
        return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        look_now(userdata);
        timer_again(source, TICK_USEC);
        return 0;
}

static void observe(struct faults *f, int error) {
        if (error < 0)
                log_warning_errno(error, "What an act has shown of a fault is forgotten");
        faults_kick(f);
}

void faults_observe(struct faults *f, const struct fault_record *seen) {
        observe(f, fault_changes_add_seen(&f->observed, seen));
}

/* What the next look would have opened. */
static void forget_observed(struct faults *f, const struct fault_record *disproved) {
        size_t n = 0;

        for (size_t i = 0; i < f->observed.n; i++)
                if (f->observed.list[i].end || !is_disproved(&f->observed.list[i].record, disproved))
                        f->observed.list[n++] = f->observed.list[i];
        f->observed.n = n;
}

void faults_disprove(struct faults *f, const char *code, const char *subject) {
        struct fault_record record = {};

        COPY(record.code, code);
        COPY(record.subject, subject);
        forget_observed(f, &record);
        if (f->open == 0)
                return;
        observe(f, fault_changes_add_end(&f->observed, &record));
}

void faults_set_recovery(struct faults *f, struct recovery *recovery) {
        f->recovery = recovery;
}

void faults_kick(struct faults *f) {
        int r = sd_event_source_set_enabled(f->soon, SD_EVENT_ONESHOT);

        if (r < 0)
                log_warning_errno(r, "Faults are looked at later");
}

static void on_clock_jump(void *userdata) {
        look_now(userdata);
}

int faults_start(struct faults *f) {
        int r;

        r = count_open(f);
        if (r < 0)
                return log_error_errno(r, "Faults cannot be looked at");
        r = sd_event_add_time_relative(engine_loop(f->engine), &f->tick, CLOCK_BOOTTIME, TICK_USEC, USEC_PER_SEC,
                                       on_tick, f);
        if (r < 0)
                return r;
        r = clock_jump_new(engine_loop(f->engine), on_clock_jump, f, &f->clock_jump);
        if (r < 0)
                return r;
        last_run_observe(f->engine, f);
        look_now(f);
        return 0;
}

/* ---- A statement ---- */

static int seen_in_statement(const cJSON *difference, struct fault_changes *seen) {
        const char *what = cJSON_GetStringValue(cJSON_GetObjectItem(difference, "What"));
        const char *rrn = cJSON_GetStringValue(cJSON_GetObjectItem(difference, "Rrn"));
        const cJSON *here = cJSON_GetObjectItem(difference, "Here");
        struct fault_record record = {};

        (void) snprintf(record.code, sizeof(record.code), FAULT_CODE_RECONCILE "%.20s", strempty(what));
        /* What waits to be told is no fault: the queue tells it by itself. */
        if (!fault_code_find(record.code))
                return 0;
        (void) snprintf(record.subject, sizeof(record.subject), "%06.0f/%06.0f",
                        cJSON_GetNumberValue(cJSON_GetObjectItem(difference, "Batch")),
                        cJSON_GetNumberValue(cJSON_GetObjectItem(difference, "Stan")));
        if (here)
                record.transaction = (int64_t) cJSON_GetNumberValue(cJSON_GetObjectItem(here, "Id"));
        if (!isempty(rrn))
                (void) snprintf(record.detail, sizeof(record.detail), "RRN %.32s", rrn);
        /* A line that is there three times is one fault. */
        return fault_changes_find(seen, record.code, record.subject) ? 0 : fault_changes_add_seen(seen, &record);
}

static bool is_compared(const cJSON *batches, const char *subject) {
        double number = strtod(subject, NULL);
        const cJSON *batch;

        cJSON_ArrayForEach(batch, batches) {
                if (cJSON_GetNumberValue(batch) == number)
                        return true;
        }
        return false;
}

static int end_unshown(const struct fault_record *open, void *userdata) {
        struct look *l = userdata;

        if (!startswith(open->code, FAULT_CODE_RECONCILE) || !is_compared(l->batches, open->subject) ||
            fault_changes_find(&l->seen, open->code, open->subject))
                return 0;
        return fault_changes_add_end(&l->changes, open);
}

int faults_reconciled(struct faults *f, const cJSON *result) {
        _cleanup_(look_done) struct look l = { .batches = cJSON_GetObjectItem(result, "Batches") };
        const cJSON *difference;
        int r = 0;

        cJSON_ArrayForEach(difference, cJSON_GetObjectItem(result, "Differences")) {
                r = seen_in_statement(difference, &l.seen);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < l.seen.n; i++) {
                r = fault_changes_add(&l.changes, l.seen.list + i);
                if (r < 0)
                        return r;
        }
        /* Where not all are listed, what is not among them may still be there. */
        if (cJSON_GetNumberValue(cJSON_GetObjectItem(result, "More")) == 0)
                r = each_open(f, end_unshown, &l);
        return r < 0 ? r : commit(f, &l.changes);
}

/* ---- By hand ---- */

unsigned faults_count_open(const struct faults *f) {
        return f->open;
}

static int refuse(struct refusal *ret, int64_t id, int error) {
        if (error == -ENOENT)
                return refusal_set(ret, REFUSAL_NOT_FOUND, "There is no fault %" PRIi64 ": see ListFaults", id);
        return engine_refuse_journal(ret, error);
}

static int load_open(struct faults *f, int64_t id, struct fault_record *record, struct refusal *ret) {
        int r = fault_record_load(f->journal, id, record);

        if (r < 0)
                return refuse(ret, id, r);
        if (record->ended_usec > 0)
                return refusal_set(ret, REFUSAL_NOT_ASKED, "Fault %" PRIi64 " has ended already", id);
        return 0;
}

static int write_acknowledged(struct journal *j, int64_t id, const char *by) {
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = fault_record_acknowledge(j, id, by);
        return r < 0 ? r : journal_commit(j);
}

int faults_acknowledge(struct faults *f, int64_t id, const char *by, struct refusal *ret) {
        struct fault_record record;
        int r;

        r = load_open(f, id, &record, ret);
        if (r < 0)
                return r;
        if (record.acknowledged_usec > 0)
                return refusal_set(ret, REFUSAL_NOT_ASKED, "Fault %" PRIi64 " was acknowledged already, by %s", id,
                                   record.acknowledged_by);
        r = write_acknowledged(f->journal, id, by);
        return r < 0 ? engine_refuse_journal(ret, r) : 0;
}

int faults_end(struct faults *f, int64_t id, const char *by, const char *note, struct refusal *ret) {
        _cleanup_(fault_changes_done) struct fault_changes changes = {};
        struct fault_change change = { .end = true, .by = by, .note = note };
        const struct fault_code *code;
        int r;

        if (!resolution_is_note(note))
                return refusal_set(ret, REFUSAL_INVALID_NOTE,
                                   "The note must say in 1 to %d bytes how it is known, without control characters",
                                   RESOLUTION_NOTE_MAX);
        r = load_open(f, id, &change.record, ret);
        if (r < 0)
                return r;
        code = fault_code_find(change.record.code);
        if (code && code->lasts)
                return refusal_set(ret, REFUSAL_NOT_ASKED, "Fault %" PRIi64 " ends by itself with its cause: %s", id,
                                   code->merchant[0].english);
        r = fault_changes_add(&changes, &change);
        if (r >= 0)
                r = commit(f, &changes);
        return r < 0 ? engine_refuse_journal(ret, r) : 0;
}

/* ---- Life ---- */

int faults_new(struct engine *e, faults_told_t told, void *userdata, struct faults **ret) {
        _cleanup_(faults_freep) struct faults *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->engine = e;
        f->journal = engine_journal(e);
        f->told = told;
        f->userdata = userdata;
        r = fault_notices_new(e, &f->notices);
        if (r < 0)
                return r;
        r = sd_event_add_defer(engine_loop(e), &f->soon, on_soon, f);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(f->soon, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

struct faults *faults_free(struct faults *f) {
        if (!f)
                return NULL;
        /* After a stop in good order nothing would have the journal checked anew: what was found is taken along. */
        if (f->tick)
                look_now(f);
        clock_jump_free(f->clock_jump);
        fault_notices_free(f->notices);
        fault_changes_done(&f->observed);
        sd_event_source_disable_unref(f->soon);
        sd_event_source_disable_unref(f->tick);
        free(f);
        return NULL;
}
