// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/result.h"
#include "journal/event.h"
#include "transaction/engine.h"
#include "transaction/stored-request.h"

struct reversals {
        struct engine *engine;
        struct reversal_record record; /* the one at hand */
};

unsigned reversals_count(const struct reversals *v) {
        return outbox_count(v->engine->outbox, OUTBOX_REVERSALS);
}

int reversals_prepare(struct journal *j, int64_t transaction, const struct host_request *q) {
        _cleanup_(reversal_record_done) struct reversal_record record = {
                .transaction = transaction,
                .reason = HOST_REASON_NO_ANSWER,
                .created_usec = clock_now(CLOCK_REALTIME),
        };
        struct stored_request *stored;
        int r;

        r = stored_request_new(q, &stored, &record.request_size);
        if (r < 0)
                return r;
        record.request = stored;
        return reversal_record_insert(j, &record);
}

int reversals_arm(struct journal *j, int64_t transaction, const char *reason) {
        _cleanup_(reversal_record_done) struct reversal_record record = {};
        int r;

        r = reversal_record_load(j, transaction, &record);
        if (r < 0)
                return r;
        record.armed = true;
        (void) snprintf(record.reason, sizeof(record.reason), "%s", reason);
        return reversal_record_update(j, &record);
}

/* ---- What the outbox asks ---- */

static int take(void *userdata, struct outbox_try *ret) {
        struct reversals *v = userdata;
        int r;

        r = reversal_record_first(v->engine->config.journal, &v->record);
        if (r < 0)
                return r;
        *ret = (struct outbox_try){
                .transaction = v->record.transaction,
                .attempts = v->record.attempts,
                .next_usec = v->record.next_usec,
                .next_boot = v->record.next_boot,
        };
        return 0;
}

static int send_one(void *userdata, host_exchange_done_t done, void *done_userdata) {
        struct reversals *v = userdata;
        struct host_request q;
        int r;

        r = stored_request_read(v->record.request, v->record.request_size, &q);
        if (r < 0)
                return r;
        /* That of a void repeats what the void was about; of a sale there is nothing but itself. */
        if (q.original.stan == 0)
                q.original = (struct host_original){ .batch = q.batch, .stan = q.stan };
        q.original.kind = q.kind;
        q.kind = HOST_REVERSAL;
        q.reason = v->record.reason;
        return acquirer_exchange(v->engine->acquirer, &q, done, done_userdata);
}

/* The acquirer's word, durable before the next thing happens. */
static int commit_end(struct reversals *v, enum reversal_state state, const char *code) {
        struct journal *j = v->engine->config.journal;
        struct transaction_record t;
        char text[64];
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = transaction_record_load(j, v->record.transaction, &t);
        if (r < 0)
                return r;
        t.reversal = state;
        r = transaction_record_update(j, &t);
        if (r < 0)
                return r;
        /* A rejected one is kept: whoever resolves it needs to know what it was. */
        v->record.armed = false;
        r = state == REVERSAL_DONE ? reversal_record_remove(j, v->record.transaction)
                                   : reversal_record_update(j, &v->record);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"code\":\"%s\"}", code);
        r = event_append(j, state == REVERSAL_DONE ? "reversed" : "reversal-rejected", t.id, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static bool ended(void *userdata, enum host_outcome outcome, const struct host_answer *answer) {
        struct reversals *v = userdata;
        int64_t transaction = v->record.transaction;
        bool done;
        int r;

        if (outcome != HOST_ANSWERED)
                return false;
        done = host_result_ends_reversal(answer->code);
        (void) snprintf(v->record.last_answer, sizeof(v->record.last_answer), "%s", answer->code);
        if (outbox_is_refused_key(answer))
                return false;

        r = commit_end(v, done ? REVERSAL_DONE : REVERSAL_REJECTED, answer->code);
        if (r < 0)
                engine_panic(r, "the end of a reversal cannot be written");
        if (done)
                log_info("Transaction %" PRIi64 ": reversed (%s)", transaction, answer->code);
        else
                log_error("Transaction %" PRIi64 ": the acquirer rejected the reversal (%s): call the acquirer and "
                          "have the booking of its RRN or STAN taken back",
                          transaction, answer->code);
        outbox_tell_transaction(v->engine, transaction);
        return true;
}

static int note(void *userdata, const struct outbox_try *attempt) {
        struct reversals *v = userdata;
        struct journal *j = v->engine->config.journal;
        int r;

        v->record.attempts = attempt->attempts;
        v->record.next_usec = attempt->next_usec;
        v->record.next_boot = attempt->next_boot;
        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = reversal_record_update(j, &v->record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static void drop(void *userdata) {
        struct reversals *v = userdata;

        reversal_record_done(&v->record);
}

/* ---- Life ---- */

void reversals_wait(struct reversals *v, outbox_done_t done, void *userdata) {
        outbox_wait(v->engine->outbox, OUTBOX_REVERSALS, done, userdata);
}

int reversals_new(struct engine *e, struct reversals **ret) {
        struct reversals *v = calloc(1, sizeof(*v));

        if (!v)
                return -ENOMEM;
        v->engine = e;
        outbox_set_user(e->outbox, OUTBOX_REVERSALS,
                        &(struct outbox_user){
                                .noun = "reversal",
                                .count = reversal_record_count_armed,
                                .take = take,
                                .send = send_one,
                                .ended = ended,
                                .note = note,
                                .drop = drop,
                                .userdata = v,
                        });
        *ret = v;
        return 0;
}

struct reversals *reversals_free(struct reversals *v) {
        if (!v)
                return NULL;
        reversal_record_done(&v->record);
        free(v);
        return NULL;
}
