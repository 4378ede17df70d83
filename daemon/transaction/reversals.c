// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/reversals.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "host/result.h"
#include "transaction/engine.h"
#include "transaction/stored-request.h"

int reversals_prepare(struct journal *j, int64_t transaction, const struct host_request *q) {
        _cleanup_(request_record_done) struct request_record record = {
                .queue = REQUEST_REVERSAL,
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
        return request_record_insert(j, &record);
}

int reversals_arm(struct journal *j, int64_t transaction, const char *reason) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(j, REQUEST_REVERSAL, transaction, &record);
        if (r < 0)
                return r;
        record.armed = true;
        COPY(record.reason, reason);
        return request_record_update(j, &record);
}

static int send_reversal(struct engine *e, struct request_record *record, host_exchange_done_t done,
                         void *done_userdata) {
        struct host_request q;
        int r;

        r = stored_request_read(record->request, record->request_size, &q);
        if (r < 0)
                return r;
        /* That of a void repeats what the void was about; of a sale there is nothing but itself. */
        if (q.original.stan == 0)
                q.original = (struct host_original){ .batch = q.batch, .stan = q.stan };
        q.original.kind = q.kind;
        q.kind = HOST_REVERSAL;
        q.reason = record->reason;
        q.transaction = record->transaction;
        return acquirer_exchange(e->acquirer, &q, done, done_userdata);
}

static int commit_end(struct journal *j, struct request_record *record, enum reversal_state state) {
        struct transaction_record t;
        const struct outbox_end end = {
                .record = record,
                .transaction = &t,
                /* Whoever resolves a rejected one needs to know what it was. */
                .is_kept = state == REVERSAL_REJECTED,
                .event = state == REVERSAL_DONE ? "reversed" : "reversal-rejected",
                .code = record->last_answer,
        };
        int r;

        r = transaction_record_load(j, record->transaction, &t);
        if (r < 0)
                return r;
        t.reversal = state;
        record->armed = false;
        return outbox_commit_end(j, &end);
}

static bool ended(struct engine *e, struct request_record *record, enum host_outcome outcome,
                  const struct host_answer *answer) {
        bool done;
        int r;

        if (outcome != HOST_ANSWERED)
                return false;
        COPY(record->last_answer, answer->code);
        if (host_result_refuses_keys(answer->code))
                return false;

        done = host_result_ends_reversal(answer->code);
        r = commit_end(e->config.journal, record, done ? REVERSAL_DONE : REVERSAL_REJECTED);
        if (r < 0)
                engine_panic(r, "the end of a reversal cannot be written");
        if (done)
                log_transaction_info(record->transaction, "reversed (%s)", answer->code);
        else
                log_transaction_error(record->transaction,
                                      "the acquirer rejected the reversal (%s): call the acquirer and "
                                      "have the booking of its RRN or STAN taken back",
                                      answer->code);
        return true;
}

const struct outbox_user reversals_outbox_user = {
        .noun = "reversal",
        .send = send_reversal,
        .ended = ended,
};
