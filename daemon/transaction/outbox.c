// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/outbox.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/result.h"
#include "journal/event.h"
#include "transaction/engine.h"
#include "transaction/forwards.h"
#include "transaction/reversals.h"
#include "transaction/timer.h"
#include "transaction/withdrawals.h"

/* Back-off between attempts: doubled from the first to the last. */
#define DELAY_FIRST_USEC (5 * USEC_PER_SEC)
#define DELAY_LAST_USEC (15 * 60 * USEC_PER_SEC)

static const struct outbox_user *const users[] = {
        [REQUEST_REVERSAL] = &reversals_outbox_user,
        [REQUEST_FORWARD] = &forwards_outbox_user,
        [REQUEST_WITHDRAWAL] = &withdrawals_outbox_user,
};

struct outbox {
        struct engine *engine;
        unsigned counts[_REQUEST_QUEUE_MAX];
        sd_event_source *timer;

        /* At hand. */
        const struct outbox_user *user; /* NULL: nothing */
        struct request_record record;
        bool sending;     /* it, or a sign-on for it, is on the link */
        bool signed_anew; /* for this attempt */

        bool hurry[_REQUEST_QUEUE_MAX]; /* its back-off does not count for one attempt */

        outbox_done_t done;
        enum request_queue wanted; /* by whom waits */
        void *userdata;
};

unsigned outbox_count(const struct outbox *o, enum request_queue queue) {
        return o->counts[queue];
}

int64_t outbox_sending(const struct outbox *o) {
        return o->sending ? o->record.transaction : 0;
}

int outbox_commit_end(struct journal *j, const struct outbox_end *end) {
        const struct request_record *record = end->record;
        char text[64];
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = end->transaction ? transaction_record_update(j, end->transaction) : 0;
        if (r < 0)
                return r;
        r = end->is_kept ? request_record_update(j, record)
                         : request_record_remove(j, record->queue, record->transaction);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"code\":\"%s\"}", end->code);
        r = event_append(j, end->event, record->transaction, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

void outbox_tell_transaction(struct engine *e, int64_t transaction) {
        struct transaction_view view;

        if (e->current && transaction_get_view(e->current)->record.id == transaction)
                transaction_refresh(e->current);
        else if (engine_view(e, transaction, &view) >= 0)
                e->listener.transaction(&view, TRANSACTION_CHANGED, e->listener.userdata);
        e->listener.changed(e->listener.userdata);
}

/* ---- The end of one attempt ---- */

static void tell_waiter(struct outbox *o, bool ok) {
        outbox_done_t done = o->done;

        o->done = NULL;
        if (done)
                done(ok, o->userdata);
}

/* It stays in the journal. */
static void let_go(struct outbox *o) {
        request_record_done(&o->record);
        o->user = NULL;
        o->signed_anew = false;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct outbox *o = userdata;

        o->timer = sd_event_source_disable_unref(o->timer);
        outbox_kick(o);
        return 0;
}

static void try_later(struct outbox *o, uint64_t delay) {
        int r;

        r = sd_event_add_time_relative(o->engine->config.event, &o->timer, CLOCK_BOOTTIME, delay, 0, on_timer, o);
        if (r < 0)
                engine_panic(r, "the next attempt to reach the acquirer cannot be timed");
}

static int write_attempt(struct outbox *o) {
        struct journal *j = o->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = request_record_update(j, &o->record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* Still pending: again with back-off. Whoever waits for it waits no longer. */
static void attempt_failed(struct outbox *o) {
        uint64_t delay = timer_back_off(o->record.attempts, DELAY_FIRST_USEC, DELAY_LAST_USEC);
        enum request_queue queue = o->record.queue;
        int r;

        o->record.next_usec = clock_now(CLOCK_REALTIME) + delay;
        o->record.next_boot = clock_now(CLOCK_BOOTTIME) + delay;
        r = write_attempt(o);
        if (r == -EIO)
                engine_panic(r, "the attempt to reach the acquirer cannot be written");
        if (r < 0)
                log_transaction_warning_errno(o->record.transaction, r, "the attempt to send its %s cannot be noted",
                                              o->user->noun);
        let_go(o);
        o->hurry[queue] = false;
        if (queue <= o->wanted)
                tell_waiter(o, false);
        /* What waits in the other queues does not wait for this one's back-off. */
        outbox_kick(o);
}

static void sign_on_anew(struct outbox *o);

static void exchange_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                           void *userdata) {
        struct outbox *o = userdata;

        o->sending = false;
        if (outcome == HOST_ANSWERED && host_result_refuses_keys(answer->code))
                acquirer_forget_keys(o->engine->acquirer);
        if (!o->user->ended(o->engine, &o->record, outcome, answer)) {
                /* Keys that do not fit are no reason to make anybody wait. */
                if (!acquirer_is_signed_on(o->engine->acquirer) && !o->signed_anew)
                        return sign_on_anew(o);
                return attempt_failed(o);
        }
        outbox_tell_transaction(o->engine, o->record.transaction);
        let_go(o);
        outbox_kick(o);
}

/* ---- The next attempt ---- */

static void start_sending(struct outbox *o) {
        int r;

        o->record.attempts++;
        r = o->user->send(o->engine, &o->record, exchange_ended, o);
        if (r < 0) {
                log_transaction_error_errno(o->record.transaction, r, "its %s cannot be sent", o->user->noun);
                return attempt_failed(o);
        }
        o->sending = true;
}

static void signed_on(const char *failure, void *userdata) {
        struct outbox *o = userdata;

        o->sending = false;
        if (failure) {
                o->record.attempts++;
                return attempt_failed(o);
        }
        start_sending(o);
}

static void sign_on_anew(struct outbox *o) {
        int r;

        o->signed_anew = true;
        r = acquirer_sign_on(o->engine->acquirer, o->record.transaction, signed_on, o);
        if (r < 0) {
                log_error_errno(r, "No sign-on for a %s", o->user->noun);
                return attempt_failed(o);
        }
        o->sending = true;
}

static void count(struct outbox *o) {
        bool changed = false;

        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++) {
                int n = request_record_count(o->engine->config.journal, q);

                if (n < 0)
                        engine_panic(n, "what the acquirer has to be told cannot be counted");
                changed = changed || (unsigned) n != o->counts[q];
                o->counts[q] = (unsigned) n;
        }
        if (changed)
                o->engine->listener.changed(o->engine->listener.userdata);
}

/* A customer does not wait for what is about another one, but for what this one's money hangs on. */
static bool may_send(const struct outbox *o, enum request_queue queue) {
        if (o->done)
                return queue <= o->wanted;
        return queue == REQUEST_REVERSAL || engine_current(o->engine) == 0;
}

/* Who waits does not sit out the back-off. By a boot before this one it is over. */
static uint64_t get_delay(const struct outbox *o, const struct request_record *record) {
        uint64_t now = clock_now(CLOCK_BOOTTIME);

        if (o->done || o->hurry[record->queue] || record->next_boot <= now ||
            record->next_boot - now > DELAY_LAST_USEC)
                return 0;
        return record->next_boot - now;
}

/*
 * Takes the first that may be sent and is due, of the first queue that has one: each queue keeps its order. Returns
 * false when there is none, and in ret_delay when there will be one, UINT64_MAX for never.
 */
static bool take_first(struct outbox *o, uint64_t *ret_delay) {
        uint64_t delay, least = UINT64_MAX;
        int r;

        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX && may_send(o, q); q++) {
                r = request_record_first(o->engine->config.journal, q, &o->record);
                if (r == -ENOENT) {
                        o->hurry[q] = false;
                        continue;
                }
                if (r < 0)
                        engine_panic(r, "what the acquirer has to be told cannot be read");
                delay = get_delay(o, &o->record);
                if (delay == 0) {
                        o->user = users[q];
                        return true;
                }
                request_record_done(&o->record);
                least = MIN(least, delay);
        }
        *ret_delay = least;
        return false;
}

void outbox_kick(struct outbox *o) {
        uint64_t delay;

        if (o->sending || acquirer_is_busy(o->engine->acquirer))
                return;
        o->timer = sd_event_source_disable_unref(o->timer);
        count(o);
        if (!take_first(o, &delay)) {
                if (delay < UINT64_MAX)
                        try_later(o, delay);
                return tell_waiter(o, true);
        }
        if (acquirer_is_signed_on(o->engine->acquirer))
                return start_sending(o);
        sign_on_anew(o);
}

void outbox_wait(struct outbox *o, enum request_queue queue, outbox_done_t done, void *userdata) {
        o->done = done;
        o->wanted = queue;
        o->userdata = userdata;
        outbox_kick(o);
}

void outbox_hurry(struct outbox *o) {
        for (enum request_queue q = 0; q < _REQUEST_QUEUE_MAX; q++)
                o->hurry[q] = true;
        outbox_kick(o);
}

int outbox_new(struct engine *e, struct outbox **ret) {
        struct outbox *o = calloc(1, sizeof(*o));

        if (!o)
                return -ENOMEM;
        o->engine = e;
        *ret = o;
        return 0;
}

struct outbox *outbox_free(struct outbox *o) {
        if (!o)
                return NULL;
        sd_event_source_disable_unref(o->timer);
        if (o->user)
                let_go(o);
        free(o);
        return NULL;
}
