// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/forwards.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/result.h"
#include "journal/batch.h"
#include "journal/event.h"
#include "journal/uptime.h"
#include "transaction/engine.h"
#include "transaction/stored-request.h"

struct forwards {
        struct engine *engine;
        struct forward_record record; /* the one at hand */
        bool first;                   /* this attempt is the first that may leave the terminal */
};

unsigned forwards_count(const struct forwards *f) {
        return outbox_count(f->engine->outbox, OUTBOX_FORWARDS);
}

uint64_t forwards_oldest(const struct forwards *f) {
        uint64_t usec, uptime;
        int r = forward_record_oldest(f->engine->config.journal, &usec, &uptime);

        return r > 0 ? usec : 0;
}

int forwards_add(struct journal *j, int64_t transaction, const struct host_request *q) {
        _cleanup_(forward_record_done) struct forward_record record = {
                .transaction = transaction,
                .created_usec = clock_now(CLOCK_REALTIME),
        };
        struct stored_request *stored;
        int r;

        r = uptime_get(j, &record.created_uptime);
        if (r < 0)
                return r;
        r = stored_request_new(q, &stored, &record.request_size);
        if (r < 0)
                return r;
        record.request = stored;
        r = forward_record_insert(j, &record);
        if (r < 0 || q->icc_size == 0)
                return r;
        return batch_keep_chip(j, transaction, q->icc, q->icc_size);
}

/* ---- What the outbox asks ---- */

static int take(void *userdata, struct outbox_try *ret) {
        struct forwards *f = userdata;
        int r;

        r = forward_record_first(f->engine->config.journal, &f->record);
        if (r < 0)
                return r;
        *ret = (struct outbox_try){
                .transaction = f->record.transaction,
                .attempts = f->record.attempts,
                .next_usec = f->record.next_usec,
                .next_boot = f->record.next_boot,
        };
        return 0;
}

static int write_record(struct forwards *f, enum journal_durability durability) {
        struct journal *j = f->engine->config.journal;
        int r;

        r = journal_begin(j, durability);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = forward_record_update(j, &f->record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* That it may have left is durable before it leaves: the answer to a repeat may be "duplicate". */
static int send_one(void *userdata, host_exchange_done_t done, void *done_userdata) {
        struct forwards *f = userdata;
        struct host_request q;
        int r;

        r = stored_request_read(f->record.request, f->record.request_size, &q);
        if (r < 0)
                return r;
        f->first = !f->record.sent;
        if (f->first) {
                f->record.sent = true;
                r = write_record(f, JOURNAL_DURABLE);
                if (r == -EIO)
                        engine_panic(r, "that a forward is sent cannot be written");
                if (r < 0)
                        return r;
        }
        return acquirer_exchange(f->engine->acquirer, &q, done, done_userdata);
}

/* The acquirer's word, durable before the next thing happens. The request is forgotten. */
static int commit_end(struct forwards *f, enum forwarding_state state, const struct host_answer *answer) {
        struct journal *j = f->engine->config.journal;
        struct transaction_record t;
        char text[64];
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = transaction_record_load(j, f->record.transaction, &t);
        if (r < 0)
                return r;
        t.forwarding = state;
        COPY(t.response_code, answer->code);
        if (*answer->rrn)
                COPY(t.rrn, answer->rrn);
        r = transaction_record_update(j, &t);
        if (r < 0)
                return r;
        r = forward_record_remove(j, t.id);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"code\":\"%s\"}", answer->code);
        r = event_append(j, state == FORWARDING_DONE ? "forwarded" : "forward-rejected", t.id, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/*
 * Codes that say nothing about it: the acquirer or an issuer is out of order, or still at it. A key that did not fit,
 * and what is not in the table, is no word on the money either: it is sent again.
 */
static bool decides(const struct host_answer *answer) {
        const struct host_result *result = host_result_find(answer->code);

        return *result->code && result->action != HOST_ACTION_RETRY && result->action != HOST_ACTION_UNKNOWN &&
               result->action != HOST_ACTION_SIGN_ON;
}

/*
 * "Duplicate" says that an earlier one of ours has arrived, and nothing at all where there was none. A part of the sum
 * ("10") is not what the cardholder was charged.
 */
static bool is_taken(const struct forwards *f, const struct host_answer *answer) {
        if (streq(answer->code, "94"))
                return !f->first;
        return host_result_find(answer->code)->action == HOST_ACTION_APPROVE && !streq(answer->code, "10");
}

static bool ended(void *userdata, enum host_outcome outcome, const struct host_answer *answer) {
        struct forwards *f = userdata;
        int64_t transaction = f->record.transaction;
        bool taken;
        int r;

        if (outcome == HOST_NOT_SENT && f->first)
                f->record.sent = false;
        if (outcome != HOST_ANSWERED)
                return false;
        COPY(f->record.last_answer, answer->code);
        if (!decides(answer))
                return false;

        taken = is_taken(f, answer);
        r = commit_end(f, taken ? FORWARDING_DONE : FORWARDING_REJECTED, answer);
        if (r < 0)
                engine_panic(r, "the end of a forward cannot be written");
        if (taken)
                log_info("Transaction %" PRIi64 ": forwarded (%s)", transaction, answer->code);
        else
                log_error("Transaction %" PRIi64 ": the acquirer does not take what was approved offline (%s, %s): "
                          "claim the money from the cardholder, or call the acquirer",
                          transaction, answer->code, host_result_find(answer->code)->text);
        outbox_tell_transaction(f->engine, transaction);
        return true;
}

static int note(void *userdata, const struct outbox_try *attempt) {
        struct forwards *f = userdata;

        f->record.attempts = attempt->attempts;
        f->record.next_usec = attempt->next_usec;
        f->record.next_boot = attempt->next_boot;
        return write_record(f, JOURNAL_LAZY);
}

static void drop(void *userdata) {
        struct forwards *f = userdata;

        forward_record_done(&f->record);
}

/* ---- Life ---- */

void forwards_wait(struct forwards *f, outbox_done_t done, void *userdata) {
        outbox_wait(f->engine->outbox, OUTBOX_FORWARDS, done, userdata);
}

int forwards_flush(struct forwards *f, struct refusal *ret) {
        struct engine *e = f->engine;
        int64_t sending = outbox_sending(e->outbox);

        if (engine_current(e) > 0)
                return refusal_set(ret, REFUSAL_BUSY,
                                   "Transaction %" PRIi64 " runs: wait for its result, then flush again",
                                   engine_current(e));
        if (sending > 0)
                return refusal_set(ret, REFUSAL_BUSY,
                                   "Transaction %" PRIi64 " is being told to the acquirer already: watch "
                                   "PendingForwards and PendingReversals",
                                   sending);
        outbox_hurry(e->outbox);
        return 0;
}

int forwards_new(struct engine *e, struct forwards **ret) {
        struct forwards *f = calloc(1, sizeof(*f));

        if (!f)
                return -ENOMEM;
        f->engine = e;
        outbox_set_user(e->outbox, OUTBOX_FORWARDS,
                        &(struct outbox_user){
                                .noun = "forward",
                                .count = forward_record_count,
                                .take = take,
                                .send = send_one,
                                .ended = ended,
                                .note = note,
                                .drop = drop,
                                .userdata = f,
                        });
        *ret = f;
        return 0;
}

struct forwards *forwards_free(struct forwards *f) {
        if (!f)
                return NULL;
        forward_record_done(&f->record);
        free(f);
        return NULL;
}
