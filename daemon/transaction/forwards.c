// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/forwards.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/result.h"
#include "journal/batch.h"
#include "journal/uptime.h"
#include "transaction/engine.h"
#include "transaction/stored-request.h"

uint64_t forwards_oldest(const struct engine *e) {
        uint64_t usec, uptime;
        int r = request_record_oldest_forward(e->config.journal, &usec, &uptime);

        return r > 0 ? usec : 0;
}

int forwards_add(struct journal *j, int64_t transaction, const struct host_request *q) {
        _cleanup_(request_record_done) struct request_record record = {
                .queue = REQUEST_FORWARD,
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
        r = request_record_insert(j, &record);
        if (r < 0 || q->icc_size == 0)
                return r;
        return batch_keep_chip(j, transaction, q->icc, q->icc_size);
}

/* That it may have left is durable before it leaves: the answer to a repeat may be "duplicate". */
static int write_sent(struct journal *j, const struct request_record *record) {
        struct request_record sent = *record;
        int r;

        sent.sent = true;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = request_record_update(j, &sent);
        if (r < 0)
                return r;
        return journal_commit(j);
}

static int send_forward(struct engine *e, struct request_record *record, host_exchange_done_t done,
                        void *done_userdata) {
        struct host_request q;
        int r;

        r = stored_request_read(record->request, record->request_size, &q);
        if (r < 0)
                return r;
        if (!record->sent) {
                r = write_sent(e->config.journal, record);
                if (r == -EIO)
                        engine_panic(r, "that a forward is sent cannot be written");
                if (r < 0)
                        return r;
        }
        q.transaction = record->transaction;
        return acquirer_exchange(e->acquirer, &q, done, done_userdata);
}

static int commit_end(struct journal *j, const struct request_record *record, enum forwarding_state state,
                      const struct host_answer *answer) {
        struct transaction_record t;
        const struct outbox_end end = {
                .record = record,
                .transaction = &t,
                .event = state == FORWARDING_DONE ? "forwarded" : "forward-rejected",
                .code = answer->code,
        };
        int r;

        r = transaction_record_load(j, record->transaction, &t);
        if (r < 0)
                return r;
        t.forwarding = state;
        COPY(t.response_code, answer->code);
        if (*answer->rrn)
                COPY(t.rrn, answer->rrn);
        return outbox_commit_end(j, &end);
}

/*
 * "Duplicate" says that an earlier one of ours has arrived, and nothing at all where there was none. A part of the sum
 * ("10") is not what the cardholder was charged.
 */
static bool is_taken(const struct request_record *record, const struct host_answer *answer) {
        if (streq(answer->code, "94"))
                return record->sent;
        return host_result_find(answer->code)->action == HOST_ACTION_APPROVE && !streq(answer->code, "10");
}

static bool ended(struct engine *e, struct request_record *record, enum host_outcome outcome,
                  const struct host_answer *answer) {
        bool taken;
        int r;

        if (outcome != HOST_ANSWERED || !host_result_is_final(answer->code)) {
                record->sent = record->sent || outcome != HOST_NOT_SENT;
                if (outcome == HOST_ANSWERED)
                        COPY(record->last_answer, answer->code);
                return false;
        }

        taken = is_taken(record, answer);
        r = commit_end(e->config.journal, record, taken ? FORWARDING_DONE : FORWARDING_REJECTED, answer);
        if (r < 0)
                engine_panic(r, "the end of a forward cannot be written");
        if (taken)
                log_transaction_info(record->transaction, "forwarded (%s)", answer->code);
        else
                log_transaction_error(record->transaction,
                                      "the acquirer does not take what was approved offline (%s, %s): "
                                      "claim the money from the cardholder, or call the acquirer",
                                      answer->code, host_result_find(answer->code)->text);
        return true;
}

const struct outbox_user forwards_outbox_user = {
        .noun = "forward",
        .send = send_forward,
        .ended = ended,
};

int forwards_flush(struct engine *e, struct refusal *ret) {
        int64_t sending = outbox_sending(e->outbox);

        if (engine_current(e) > 0)
                return refusal_set(ret, REFUSAL_BUSY,
                                   "Transaction %" PRIi64 " runs: wait for its result, then flush again",
                                   engine_current(e));
        if (sending > 0)
                return refusal_set(ret, REFUSAL_BUSY,
                                   "Transaction %" PRIi64 " is being told to the acquirer already: watch "
                                   "PendingReversals, PendingForwards and PendingWithdrawals",
                                   sending);
        outbox_hurry(e->outbox);
        return 0;
}
