// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/faults.h"

#include <inttypes.h>

#include "base/clock.h"
#include "care/clock-jump.h"
#include "base/log.h"
#include "care/fault-code.h"
#include "care/fault-log.h"
#include "care/fault-notices.h"
#include "journal/summary.h"
#include "transaction/terminal-clock.h"
#include "transaction/timer.h"

/* Of a disk that somebody else fills nothing tells. */
#define TICK_USEC (60 * USEC_PER_SEC)

/* Less than what an export leaves free, so that it is nobody's export who opens it. */
#define DISK_MIN (UINT64_C(32) << 20)

struct faults {
        struct engine *engine;
        struct journal *journal;
        faults_told_t told;
        void *userdata;
        sd_event_source *soon, *tick;
        struct clock_jump *clock_jump;
        struct fault_notices *notices;
        uint64_t verdict_usec; /* of the check of the journal that was looked at last */
        unsigned open;
        bool failing; /* they cannot be written, and that is said */
};

/* ---- Changes, all of them or none ---- */

struct change {
        struct fault_record record;
        bool end, tell;
        const char *by, *note; /* of an end */
};

struct changes {
        struct change *list;
        size_t n;
};

static void changes_done(struct changes *c) {
        free(c->list);
}

static int add(struct changes *c, const struct change *change) {
        struct change *list = reallocarray(c->list, c->n + 1, sizeof(*list));

        if (!list)
                return -ENOMEM;
        c->list = list;
        list[c->n++] = *change;
        return 0;
}

/* Seen now; class and severity are those of its code. */
static int add_seen(struct changes *c, const struct fault_record *seen) {
        const struct fault_code *code = fault_code_find(seen->code);
        struct change change = { .record = *seen };

        if (!code)
                return -EINVAL;
        COPY(change.record.class, code->class);
        COPY(change.record.severity, code->severity);
        return add(c, &change);
}

static int add_end(struct changes *c, const struct fault_record *record) {
        return add(c, &(struct change){ .record = *record, .end = true, .by = "", .note = "" });
}

static int write_one(struct journal *j, struct change *c) {
        int r = c->end ? fault_record_end(j, &c->record, c->by, c->note) : fault_record_open(j, &c->record);

        c->tell = c->end || r > 0;
        return r;
}

/* With those who are to be told of it. */
static int write_all(struct faults *f, struct changes *c) {
        struct journal *j = f->journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        for (size_t i = 0; i < c->n; i++) {
                r = write_one(j, c->list + i);
                if (r < 0)
                        return r;
        }
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

static int commit(struct faults *f, struct changes *c) {
        int r;

        if (c->n == 0) {
                /* Something may have waited for its time. */
                r = fault_notices_are_due(f->notices);
                if (r <= 0)
                        return r;
        }
        r = write_all(f, c);
        if (r >= 0)
                r = count_open(f);
        if (r < 0)
                return r;
        fault_notices_keep(f->notices);
        for (size_t i = 0; i < c->n; i++)
                if (c->list[i].tell) {
                        fault_log(&c->list[i].record);
                        f->told(&c->list[i].record, f->userdata);
                }
        return 0;
}

/* ---- What is so now ---- */

static int note_seen(const struct fault_record *record, void *userdata) {
        return add_seen(userdata, record);
}

static int see_clock(struct faults *f, struct changes *seen) {
        struct fault_record record = { .code = FAULT_CODE_CLOCK };
        struct refusal refusal;

        if (terminal_clock_check(f->journal, &refusal) >= 0)
                return 0;
        COPY(record.detail, refusal.text);
        return add_seen(seen, &record);
}

static int see_disk(struct faults *f, struct changes *seen) {
        struct fault_record record = { .code = FAULT_CODE_DISK };
        struct journal_summary summary;
        int r;

        r = journal_summarize(f->journal, &summary);
        if (r < 0)
                return r;
        if (summary.free_space >= DISK_MIN)
                return 0;
        (void) snprintf(record.detail, sizeof(record.detail), "%" PRIu64 " MiB are free", summary.free_space >> 20);
        return add_seen(seen, &record);
}

static const struct fault_record *find(const struct changes *c, const struct fault_record *record) {
        for (size_t i = 0; i < c->n; i++)
                if (streq(c->list[i].record.code, record->code) && streq(c->list[i].record.subject, record->subject))
                        return &c->list[i].record;
        return NULL;
}

/* ---- The look ---- */

struct look {
        struct changes seen, changes;
        const cJSON *batches; /* that a statement was about */
};

static void look_done(struct look *l) {
        changes_done(&l->seen);
        changes_done(&l->changes);
}

/* What is new, or was shown by another transaction since. */
static int compare_seen(struct faults *f, struct look *l) {
        struct fault_record open;
        int r;

        for (size_t i = 0; i < l->seen.n; i++) {
                const struct fault_record *seen = &l->seen.list[i].record;

                r = fault_record_find(f->journal, seen->code, seen->subject, &open);
                if (r == -ENOENT || (r == 0 && seen->transaction > open.transaction))
                        r = add(&l->changes, l->seen.list + i);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int end_unseen(const struct fault_record *open, void *userdata) {
        const struct fault_code *code = fault_code_find(open->code);
        struct look *l = userdata;

        if (!code || !code->lasts || find(&l->seen, open))
                return 0;
        return add_end(&l->changes, open);
}

static int each_open(struct faults *f, fault_record_each_t each, struct look *l) {
        return fault_record_each(f->journal, &(struct fault_filter){ .open = true }, each, l);
}

/* The last check of the whole journal: seen once, however often it is looked at. */
static int compare_verdict(struct faults *f, const struct upkeep_verdict *verdict, struct look *l) {
        struct fault_record record = { .code = FAULT_CODE_CHANGED };
        int r;

        if (verdict->time_usec == f->verdict_usec)
                return 0;
        if (!verdict->good) {
                COPY(record.detail, verdict->text);
                return add_seen(&l->changes, &record);
        }
        r = fault_record_find(f->journal, FAULT_CODE_CHANGED, "", &record);
        return r == -ENOENT ? 0 : r < 0 ? r : add_end(&l->changes, &record);
}

static int look(struct faults *f) {
        const struct upkeep_verdict *verdict = upkeep_get_verdict(engine_upkeep(f->engine));
        _cleanup_(look_done) struct look l = {};
        int r;

        r = fault_evidence_each(f->journal, note_seen, &l.seen);
        if (r >= 0)
                r = see_clock(f, &l.seen);
        if (r >= 0)
                r = see_disk(f, &l.seen);
        if (r >= 0)
                r = compare_seen(f, &l);
        if (r >= 0)
                r = each_open(f, end_unseen, &l);
        if (r >= 0)
                r = compare_verdict(f, verdict, &l);
        if (r >= 0)
                r = commit(f, &l.changes);
        if (r >= 0)
                f->verdict_usec = verdict->time_usec;
        return r;
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
        look_now(f);
        return 0;
}

/* ---- A statement ---- */

static int seen_in_statement(const cJSON *difference, struct changes *seen) {
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
        return find(seen, &record) ? 0 : add_seen(seen, &record);
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
            find(&l->seen, open))
                return 0;
        return add_end(&l->changes, open);
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
                r = add(&l.changes, l.seen.list + i);
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
        _cleanup_(changes_done) struct changes changes = {};
        struct change change = { .end = true, .by = by, .note = note };
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
                                   fault_code_merchant(code));
        r = add(&changes, &change);
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
        sd_event_source_disable_unref(f->soon);
        sd_event_source_disable_unref(f->tick);
        free(f);
        return NULL;
}
