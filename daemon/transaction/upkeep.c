// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/upkeep.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/counter.h"
#include "transaction/engine.h"
#include "transaction/timer.h"

#define TICK_USEC (60 * USEC_PER_SEC)
/* After something was written, which may have been the last for a while. */
#define SOON_USEC (10 * USEC_PER_SEC)
/* Between slices that nobody waits for; and until a transaction is looked for again that is in the way. */
#define SLICE_USEC (50 * USEC_PER_MSEC)
#define PAUSE_USEC (500 * USEC_PER_MSEC)

#define A_DAY (24 * 3600 * USEC_PER_SEC)
#define VERIFY_INTERVAL_USEC (7 * A_DAY)
/* A start has other things to do. */
#define FIRST_PURGE_USEC (10 * 60 * USEC_PER_SEC)

/* Somebody who neither writes nor reads for so long has forgotten about it. */
#define STALL_USEC (60 * USEC_PER_SEC)

/* What cannot be written, because the disk is full, is tried again so much later. */
#define RETRY_USEC (3600 * USEC_PER_SEC)

/* Into the file goes what is worth a sync, or is an hour old. */
#define LOG_CHANGES_MAX 200
#define LOG_AGE_MAX_USEC (3600 * USEC_PER_SEC)

struct upkeep {
        struct engine *engine;
        struct journal *journal;
        sd_event_source *tick;
        sd_event_source *slice;

        struct upkeep_work asked; /* slice NULL: none */
        sd_event_source *stream;  /* its */
        bool waiting;             /* for that */
        struct journal_verify verify;
        struct journal_purge purge;
        bool verifying, purging; /* on its own */

        bool verify_due;
        uint64_t next_purge; /* CLOCK_BOOTTIME */
        uint64_t seen_changes, saved_changes;
        uint64_t saved_usec; /* CLOCK_BOOTTIME */
        uint64_t retry_usec; /* CLOCK_BOOTTIME, 0 while nothing has failed */
        struct upkeep_verdict verdict;
};

/* Below what the bus, devices and the acquirer have to say. */
static void arm(struct upkeep *u, uint64_t usec) {
        timer_again(u->slice, usec);
}

/* Nothing that is not money may go on after these; what else goes wrong is tried again another day. */
static void fail(struct upkeep *u, int r, const char *what) {
        if (r == -EBADMSG || r == -EIO) {
                (void) journal_suspect(u->journal);
                engine_panic(r, what);
        }
        log_warning_errno(r, "%s; it is tried again in an hour", what);
        u->retry_usec = clock_now(CLOCK_BOOTTIME) + RETRY_USEC;
}

/* ---- Looking at all of it ---- */

static void remember_check(struct upkeep *u) {
        int r;

        r = journal_begin(u->journal, JOURNAL_LAZY);
        if (r >= 0)
                r = counter_set_checked(u->journal, clock_now(CLOCK_REALTIME));
        if (r >= 0)
                r = journal_commit(u->journal);
        journal_rollback(u->journal);
        if (r < 0)
                fail(u, r, "the journal cannot be written");
}

void upkeep_found(struct upkeep *u, int r, const struct journal_verify *verify) {
        if (r < 0 && r != -EBADMSG) {
                fail(u, r, "The journal cannot be read");
                return;
        }
        u->verdict = (struct upkeep_verdict){ .time_usec = clock_now(CLOCK_REALTIME), .good = r == 0 };
        COPY(u->verdict.text, verify->text);
        if (r == 0) {
                remember_check(u);
                return;
        }
        log_full(LOG_CRIT, "The journal is damaged or was changed: %s. Keep a copy of it and ask support",
                 verify->text);
        if (!verify->damaged)
                return;
        /* The next start reads all of it before it takes a payment, and refuses a damaged file. */
        r = journal_suspect(u->journal);
        if (r < 0)
                log_error_errno(r, "The journal cannot be marked as damaged");
        (void) sd_event_exit(u->engine->config.event, -EBADMSG);
}

static int verify_on(struct upkeep *u) {
        int r = verify_slice(u->journal, &u->verify);

        if (r > 0)
                return r;
        u->verifying = false;
        upkeep_found(u, r, &u->verify);
        return 0;
}

static bool is_verify_due(struct upkeep *u) {
        uint64_t checked, now = clock_now(CLOCK_REALTIME);
        int r;

        if (u->verify_due)
                return true;
        r = counter_get_checked(u->journal, &checked);
        if (r < 0)
                fail(u, r, "The journal cannot be read");
        /* Ahead of now: the clock was set back since. */
        return r == 0 && (checked > now || now - checked >= VERIFY_INTERVAL_USEC);
}

static void start_verify(struct upkeep *u) {
        int r = verify_begin(u->journal, &u->verify);

        if (r < 0) {
                fail(u, r, "The journal cannot be read");
                return;
        }
        u->verify_due = false;
        u->verifying = true;
        arm(u, SLICE_USEC);
}

/* ---- Purging ---- */

static int purge_on(struct upkeep *u) {
        int r = purge_slice(u->journal, &u->purge);

        if (r > 0)
                return r;
        u->purging = false;
        if (r < 0)
                fail(u, r, "The journal cannot be purged");
        else if (u->purge.transactions > 0)
                log_info("Purged %" PRIu32 " transactions and %" PRIu64 " events of the journal",
                         u->purge.transactions, u->purge.events);
        return 0;
}

static void start_purge(struct upkeep *u) {
        int r = purge_begin(u->journal, u->engine->config.settings->retention_days, &u->purge);

        u->next_purge = clock_now(CLOCK_BOOTTIME) + A_DAY;
        if (r < 0) {
                fail(u, r, "The journal cannot be read");
                return;
        }
        u->purging = true;
        arm(u, SLICE_USEC);
}

/* ---- Work that somebody asked for ---- */

static void end_asked(struct upkeep *u, int r) {
        struct upkeep_work work = u->asked;

        u->asked = (struct upkeep_work){};
        u->stream = sd_event_source_disable_unref(u->stream);
        u->waiting = false;
        work.end(r, work.userdata);
}

static int on_stream(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct upkeep *u = userdata;

        u->waiting = false;
        arm(u, 0);
        return 0;
}

static int listen(struct upkeep *u, const struct stream *stream) {
        int r;

        if (!stream || !stream->events)
                return 0;
        r = sd_event_add_io(u->engine->config.event, &u->stream, stream->fd, stream->events, on_stream, u);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(u->stream, SD_EVENT_OFF);
}

int upkeep_run(struct upkeep *u, const struct upkeep_work *work) {
        int r;

        if (u->asked.slice)
                return -EBUSY;
        r = listen(u, work->stream);
        if (r < 0) {
                u->stream = sd_event_source_disable_unref(u->stream);
                return r;
        }
        u->asked = *work;
        arm(u, 0);
        return 0;
}

void upkeep_cancel(struct upkeep *u, int r, const void *userdata) {
        if (u->asked.slice && u->asked.userdata == userdata)
                end_asked(u, r);
}

static int wait_for_stream(struct upkeep *u) {
        int r;

        r = sd_event_source_set_enabled(u->stream, SD_EVENT_ONESHOT);
        if (r < 0)
                return r;
        u->waiting = true;
        arm(u, STALL_USEC);
        return UPKEEP_WAIT;
}

static void go_on_with_asked(struct upkeep *u) {
        int r = u->asked.slice(u->journal, u->asked.userdata);

        if (r == UPKEEP_WAIT)
                r = wait_for_stream(u);
        if (r == UPKEEP_WAIT)
                return;
        if (r <= 0)
                end_asked(u, r);
        arm(u, 0);
}

/* Its own work; false when nothing of it is left. */
static bool do_slice(struct upkeep *u) {
        if (u->verifying)
                return verify_on(u) > 0;
        return u->purging && purge_on(u) > 0;
}

static int on_slice(sd_event_source *source, uint64_t usec, void *userdata) {
        struct upkeep *u = userdata;

        if (u->waiting) {
                end_asked(u, -ETIMEDOUT);
                arm(u, 0);
        } else if (engine_current(u->engine) > 0)
                arm(u, PAUSE_USEC);
        else if (u->asked.slice)
                go_on_with_asked(u);
        else if (do_slice(u))
                arm(u, SLICE_USEC);
        return 0;
}

/* ---- Now and then ---- */

static int sign_events(struct upkeep *u) {
        int r;

        r = event_checkpoint_is_due(u->journal);
        if (r <= 0)
                return r;
        r = journal_begin(u->journal, JOURNAL_LAZY);
        if (r >= 0)
                r = event_checkpoint_add(u->journal);
        if (r >= 0)
                r = journal_commit(u->journal);
        journal_rollback(u->journal);
        return r;
}

/* When nothing was written since the last time, so that no customer waits for the disk. */
static int empty_log(struct upkeep *u) {
        uint64_t changes = journal_changes(u->journal), now = clock_now(CLOCK_BOOTTIME);
        int r;

        if (changes != u->seen_changes) {
                u->seen_changes = changes;
                return 0;
        }
        if (changes == u->saved_changes ||
            (changes - u->saved_changes < LOG_CHANGES_MAX && now - u->saved_usec < LOG_AGE_MAX_USEC))
                return 0;
        r = journal_checkpoint(u->journal);
        if (r < 0)
                return r;
        u->saved_changes = changes;
        u->saved_usec = now;
        return 0;
}

static void tend(struct upkeep *u) {
        int r;

        r = sign_events(u);
        if (r >= 0)
                r = empty_log(u);
        if (r < 0)
                fail(u, r, "The journal cannot be written");
        if (u->asked.slice || u->verifying || u->purging)
                return;
        if (is_verify_due(u))
                return start_verify(u);
        if (clock_now(CLOCK_BOOTTIME) >= u->next_purge)
                start_purge(u);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        struct upkeep *u = userdata;
        uint64_t seen = u->seen_changes;

        if (engine_current(u->engine) == 0 && clock_now(CLOCK_BOOTTIME) >= u->retry_usec)
                tend(u);
        timer_again(source, engine_current(u->engine) > 0 || u->seen_changes != seen ? SOON_USEC : TICK_USEC);
        return 0;
}

const struct upkeep_verdict *upkeep_get_verdict(const struct upkeep *u) {
        return &u->verdict;
}

int upkeep_new(struct engine *e, struct upkeep **ret) {
        _cleanup_(upkeep_freep) struct upkeep *u = NULL;
        int r;

        u = calloc(1, sizeof(*u));
        if (!u)
                return -ENOMEM;
        u->engine = e;
        u->journal = e->config.journal;
        u->verify_due = journal_was_cut_off(u->journal);
        u->saved_usec = clock_now(CLOCK_BOOTTIME);
        u->next_purge = u->saved_usec + FIRST_PURGE_USEC;
        r = sd_event_add_time_relative(e->config.event, &u->tick, CLOCK_BOOTTIME, SOON_USEC, USEC_PER_SEC, on_tick, u);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(e->config.event, &u->slice, CLOCK_BOOTTIME, 0, 1, on_slice, u);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(u->slice, SD_EVENT_PRIORITY_IDLE);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(u->slice, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(u);
        return 0;
}

struct upkeep *upkeep_free(struct upkeep *u) {
        if (!u)
                return NULL;
        if (u->asked.slice)
                end_asked(u, -ECANCELED);
        sd_event_source_disable_unref(u->tick);
        sd_event_source_disable_unref(u->slice);
        free(u);
        return NULL;
}
