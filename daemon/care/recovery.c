// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/recovery.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/usb-name.h"
#include "care/fault-code.h"
#include "device/recover.h"
#include "journal/uptime.h"

/* Until a device is enumerated, its node has its rules, and its client is open: none is missed before. */
#define SETTLE_USEC (10 * USEC_PER_SEC)
#define ACCURACY_USEC (USEC_PER_SEC / 10)
#define MINUTE_USEC (60 * USEC_PER_SEC)

#define MESSAGE_RECOVERY "8f0f3c1f5d0e4c4f9b0c2f4a6d7e9a31"

enum phase {
        WAITING,  /* for the end of a transaction or a paper, and for its turn */
        ACTING,   /* till-recover is asked */
        SETTLING, /* the device comes back, or does not */
        RESTING,  /* it is there: whoever uses it finds out whether it works */
};

struct ladder {
        struct ladder *next;
        struct recovery *owner;
        struct recovery_record record; /* id 0: not in the journal yet */
        char interface[USB_NAME_MAX];  /* of one that was called so; "" for none */
        enum phase phase;
        enum recover_verb step; /* the next one, or the one that is taken */
        struct recover_call *call;
        sd_event_source *timer;
};

struct recovery {
        struct engine *engine;
        struct ladder *ladders;
        sd_event_source *soon;
};

static void go_on_soon(struct recovery *r) {
        int error = sd_event_source_set_enabled(r->soon, SD_EVENT_ONESHOT);

        if (error < 0)
                log_warning_errno(error, "The recovery of devices waits");
}

/* ---- Ladders ---- */

/* What is wrong is said of a device's id, or of the USB port or interface of one that has none. */
struct subject {
        char device[sizeof(((struct recovery_record *) 0)->device)]; /* id or port */
        char interface[USB_NAME_MAX];
};

static void subject_read(const char *name, struct subject *ret) {
        *ret = (struct subject){};
        COPY(ret->device, name);
        if (!usb_interface_is_name(name))
                return;
        COPY(ret->interface, name);
        ret->device[strcspn(name, ":")] = '\0';
}

static struct ladder *ladder_find(const struct recovery *r, const char *device) {
        for (struct ladder *l = r->ladders; l; l = l->next)
                if (streq(l->record.device, device))
                        return l;
        return NULL;
}

static struct ladder *ladder_free(struct ladder *l) {
        for (struct ladder **p = &l->owner->ladders; *p; p = &(*p)->next)
                if (*p == l) {
                        *p = l->next;
                        break;
                }
        if (l->phase == ACTING)
                engine_set_recovering(l->owner->engine, NULL);
        recover_call_free(l->call);
        sd_event_source_disable_unref(l->timer);
        free(l);
        return NULL;
}

static int ladder_new(struct recovery *r, const struct subject *subject, const char *why, const char *by) {
        struct ladder *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;
        COPY(l->record.device, subject->device);
        COPY(l->interface, subject->interface);
        COPY(l->record.why, why);
        COPY(l->record.by, by);
        l->owner = r;
        l->next = r->ladders;
        r->ladders = l;
        go_on_soon(r);
        return 0;
}

/* ---- What is written and said ---- */

static void say(const struct ladder *l, const char *step, const char *outcome, const char *detail) {
        char recovery[48], step_field[48], outcome_field[48];
        const char *const fields[] = { recovery, step_field, outcome_field, NULL };
        const struct log_about about = { .message_id = MESSAGE_RECOVERY, .device = l->record.device, .other = fields };

        (void) snprintf(recovery, sizeof(recovery), "TILLD_RECOVERY=%" PRIi64, l->record.id);
        (void) snprintf(step_field, sizeof(step_field), "TILLD_STEP=%s", step);
        (void) snprintf(outcome_field, sizeof(outcome_field), "TILLD_OUTCOME=%s", outcome);
        log_about(LOG_NOTICE, 0, &about, "Recovery of %s (%s): %s%s%s%s%s", l->record.device, l->record.why, step,
                  *step ? " " : "", outcome, *detail ? ": " : "", detail);
}

enum row { ROW_ADD, ROW_STEP, ROW_END };

static int write_row(struct ladder *l, enum row row, const char *step, const char *outcome) {
        struct journal *j = engine_journal(l->owner->engine);
        int r;

        /* Before the first step: whatever comes, it counts for the limits. */
        r = journal_begin(j, row == ROW_ADD ? JOURNAL_DURABLE : JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        switch (row) {
        case ROW_ADD:
                r = recovery_record_add(j, &l->record);
                break;
        case ROW_STEP:
                r = recovery_record_step(j, &l->record, step, outcome);
                break;
        case ROW_END:
                r = recovery_record_end(j, &l->record, outcome);
                break;
        }
        return r < 0 ? r : journal_commit(j);
}

static int write_or_panic(struct ladder *l, enum row row, const char *step, const char *outcome) {
        int r = write_row(l, row, step, outcome);

        if (r == -EIO || r == -EBADMSG)
                engine_panic(r, "the recovery of a device cannot be written");
        if (r < 0)
                return log_about(LOG_WARNING, r, LOG_ABOUT_DEVICE(l->record.device),
                                 "The recovery of %s cannot be written", l->record.device);
        return 0;
}

static void ladder_end(struct ladder *l, const char *outcome) {
        if (l->record.id > 0) {
                (void) write_or_panic(l, ROW_END, "", outcome);
                say(l, "", outcome, "");
        }
        ladder_free(l);
}

/* ---- Steps ---- */

static const struct device *find_device(const struct ladder *l) {
        return monitor_find(engine_monitor(l->owner->engine), l->record.device);
}

/* Its device; of one that never had a name here, whichever is in the port now. */
static bool is_back(const struct ladder *l) {
        const struct monitor *m = engine_monitor(l->owner->engine);
        const struct device *d = find_device(l);

        if (d)
                return d->connected;
        for (size_t i = 0; (d = monitor_get(m, i)); i++)
                if (d->connected && streq_ptr(d->port, l->record.device))
                        return true;
        return false;
}

/* What was wrong is that it could not be had at all: that it is back is the proof. */
static bool was_away(const struct ladder *l) {
        const struct fault_code *code = fault_code_find(l->record.why);

        return code && code->lasts;
}

/* What till-recover calls the thing that a step is about; NULL where there is none. */
static const char *step_name(const struct ladder *l) {
        const struct device *d = find_device(l);

        if (l->step == RECOVER_REBIND)
                return *l->interface ? l->interface : d ? d->interface : NULL;
        return d ? d->port : l->record.device;
}

/* The next step, or none. */
static void climb(struct ladder *l) {
        sd_event_source_disable_unref(l->timer);
        l->timer = NULL;
        l->step++;
        l->phase = WAITING;
        if (l->step > RECOVER_POWER)
                ladder_end(l, "failed");
        else
                go_on_soon(l->owner);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void wait_in(struct ladder *l, enum phase phase, uint64_t usec) {
        int r;

        l->phase = phase;
        l->timer = sd_event_source_disable_unref(l->timer);
        r = sd_event_add_time_relative(engine_loop(l->owner->engine), &l->timer, CLOCK_BOOTTIME, usec, ACCURACY_USEC,
                                       on_timer, l);
        if (r >= 0)
                return;
        log_about(LOG_WARNING, r, LOG_ABOUT_DEVICE(l->record.device), "The recovery of %s cannot go on",
                  l->record.device);
        ladder_end(l, "interrupted");
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        struct ladder *l = userdata;

        if (l->phase == RESTING)
                ladder_end(l, "unproven");
        else if (is_back(l) && was_away(l))
                ladder_end(l, "works");
        else if (is_back(l))
                wait_in(l, RESTING, RECOVERY_PAUSE_USEC);
        else
                climb(l);
        return 0;
}

static void step_done(int error, const char *reason, int file, void *userdata) {
        struct ladder *l = userdata;
        struct recovery *owner = l->owner; /* the ladder may have ended */
        const char *step = recover_verb_to_string(l->step);
        const char *outcome = error >= 0 ? "done" : error == -ENOTSUP ? "not-offered" : "failed";

        l->call = recover_call_free(l->call);
        engine_set_recovering(owner->engine, NULL);
        say(l, step, outcome, reason);
        (void) write_or_panic(l, ROW_STEP, step, outcome);
        if (error >= 0)
                wait_in(l, SETTLING, SETTLE_USEC);
        else
                climb(l);
        go_on_soon(owner);
}

/* Nothing is touched while money or paper is under way, and one device at a time: the engine knows of one. */
static bool is_free(const struct recovery *r) {
        for (const struct ladder *l = r->ladders; l; l = l->next)
                if (l->phase == ACTING)
                        return false;
        return engine_current(r->engine) == 0 && !printing_is_busy(engine_printing(r->engine));
}

static void act(struct ladder *l) {
        const char *name = step_name(l);
        int r;

        if (l->record.id == 0 && write_or_panic(l, ROW_ADD, "", "") < 0) {
                ladder_free(l);
                return;
        }
        if (!name) {
                climb(l);
                return;
        }
        l->phase = ACTING;
        engine_set_recovering(l->owner->engine, l->record.device);
        r = recover_start(engine_loop(l->owner->engine), l->step, name, step_done, l, &l->call);
        if (r < 0)
                step_done(r, "till-recover cannot be asked", -EBADF, l);
}

static int on_soon(sd_event_source *source, void *userdata) {
        struct recovery *r = userdata;

        /* In the middle of somebody's commit: whoever commits kicks. */
        if (journal_is_open(engine_journal(r->engine)) || !is_free(r))
                return 0;
        for (struct ladder *l = r->ladders; l; l = l->next)
                if (l->phase == WAITING) {
                        /* One at a time: the list may be another one afterwards. */
                        go_on_soon(r);
                        act(l);
                        break;
                }
        return 0;
}

/* ---- Who wants it ---- */

/* It is still wrong, though the device is there: 1 where there is another step. */
static int go_on(struct ladder *l) {
        int more = l->step < RECOVER_POWER;

        climb(l);
        return more;
}

/* -EBUSY for a pause, -EDQUOT for a day, with the minutes until then. */
static int check_limits(const struct recovery *r, const char *device, unsigned *ret_minutes) {
        struct journal *j = engine_journal(r->engine);
        uint64_t now, last = 0;
        int n, error;

        error = uptime_get(j, &now);
        if (error < 0)
                return error;
        n = recovery_record_count(j, device, now > RECOVERY_DAY_USEC ? now - RECOVERY_DAY_USEC : 0, &last);
        if (n < 0)
                return n;
        if (n >= RECOVERY_PER_DAY)
                return -EDQUOT;
        if (n == 0 || now - last >= RECOVERY_PAUSE_USEC)
                return 0;
        *ret_minutes = (unsigned) ((RECOVERY_PAUSE_USEC - (now - last) + MINUTE_USEC - 1) / MINUTE_USEC);
        return -EBUSY;
}

static bool is_device(const struct recovery *r, const char *device) {
        return strlen(device) < sizeof(((struct recovery_record *) 0)->device) &&
               (usb_port_is_name(device) || usb_interface_is_name(device) ||
                monitor_find(engine_monitor(r->engine), device));
}

int recovery_want(struct recovery *r, const char *device, const char *why) {
        struct subject subject;
        unsigned minutes;
        struct ladder *l;
        int error;

        subject_read(device, &subject);
        l = ladder_find(r, subject.device);
        if (l && l->phase == RESTING)
                return go_on(l);
        if (l)
                return 0;
        if (!is_device(r, device))
                return -EINVAL;
        error = check_limits(r, subject.device, &minutes);
        if (error == -EBUSY || error == -EDQUOT)
                return 0;
        if (error >= 0)
                error = ladder_new(r, &subject, why, "");
        return error < 0 ? error : 1;
}

void recovery_forget(struct recovery *r, const char *device) {
        struct subject subject;
        struct ladder *l;

        subject_read(device, &subject);
        l = ladder_find(r, subject.device);
        if (!l || l->phase == ACTING)
                return;
        /* A step unplugs it, which ends its faults: what it does when it is there again is what counts. */
        if (l->phase == WAITING || is_back(l))
                ladder_end(l, "works");
}

void recovery_kick(struct recovery *r) {
        if (r->ladders)
                go_on_soon(r);
}

static int refuse(struct refusal *ret, const char *device, int error, unsigned minutes) {
        switch (error) {
        case -EBUSY:
                return refusal_set(ret, REFUSAL_BUSY,
                                   "Device %s was recovered a short time ago: try again in %u minutes, or switch it "
                                   "off and on",
                                   device, minutes);
        case -EDQUOT:
                return refusal_set(
                        ret, REFUSAL_BUSY,
                        "Device %s was recovered %u times within a day: switch it off and on, or replace it", device,
                        RECOVERY_PER_DAY);
        default:
                return engine_refuse_journal(ret, error);
        }
}

int recovery_ask(struct recovery *r, const char *device, const char *by, struct refusal *ret) {
        struct subject subject;
        unsigned minutes = 0;
        struct ladder *l;
        int error;

        subject_read(device, &subject);
        l = ladder_find(r, subject.device);
        if (!is_device(r, device))
                return refusal_set(ret, REFUSAL_NOT_FOUND, "There is no device %.40s: tillctl devices lists them",
                                   device);
        if (engine_current(r->engine) != 0)
                return refusal_set(ret, REFUSAL_BUSY, "Transaction %" PRIi64 " is running: wait for its result",
                                   engine_current(r->engine));
        if (l && l->phase != RESTING)
                return refusal_set(ret, REFUSAL_BUSY, "Device %s is being recovered: see ListRecoveries", device);
        if (l && go_on(l) > 0)
                return 0;
        error = check_limits(r, subject.device, &minutes);
        if (error >= 0)
                error = ladder_new(r, &subject, "by-hand", by);
        return error < 0 ? refuse(ret, device, error, minutes) : 0;
}

/* ---- Life ---- */

int recovery_start(struct recovery *r) {
        struct ladder l = { .owner = r };
        int error;

        while ((error = recovery_record_find_open(engine_journal(r->engine), &l.record)) >= 0) {
                error = write_row(&l, ROW_END, "", "interrupted");
                if (error < 0)
                        break;
        }
        return error == -ENOENT ? 0 : log_error_errno(error, "The recoveries of devices cannot be looked at");
}

int recovery_new(struct engine *e, struct recovery **ret) {
        _cleanup_(recovery_freep) struct recovery *r = calloc(1, sizeof(*r));
        int error;

        if (!r)
                return -ENOMEM;
        r->engine = e;
        error = sd_event_add_defer(engine_loop(e), &r->soon, on_soon, r);
        if (error < 0)
                return error;
        error = sd_event_source_set_enabled(r->soon, SD_EVENT_OFF);
        if (error < 0)
                return error;
        *ret = TAKE_PTR(r);
        return 0;
}

struct recovery *recovery_free(struct recovery *r) {
        if (!r)
                return NULL;
        while (r->ladders)
                ladder_free(r->ladders);
        sd_event_source_disable_unref(r->soon);
        free(r);
        return NULL;
}
