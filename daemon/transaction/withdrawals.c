// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/withdrawals.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/result.h"
#include "transaction/engine.h"

/* What is stored is DE62 as it will be sent. */
int withdrawals_prepare(struct journal *j, int64_t transaction, const struct host_binding *b) {
        uint8_t data[HOST_BINDING_MAX];
        WIPE_AT_END(data);
        struct request_record record = {
                .queue = REQUEST_WITHDRAWAL,
                .transaction = transaction,
                .created_usec = clock_now(CLOCK_REALTIME),
                .request = data,
                .request_size = host_binding_format(b, data),
        };

        return host_binding_is_valid(b) ? request_record_insert(j, &record) : -EINVAL;
}

int withdrawals_arm(struct journal *j, int64_t transaction) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(j, REQUEST_WITHDRAWAL, transaction, &record);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        record.armed = true;
        r = request_record_update(j, &record);
        return r < 0 ? r : 1;
}

int withdrawals_forget(struct journal *j, int64_t transaction) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(j, REQUEST_WITHDRAWAL, transaction, &record);
        if (r < 0)
                return r;
        return record.armed ? -EALREADY : request_record_remove(j, REQUEST_WITHDRAWAL, transaction);
}

int withdrawals_are_armed(struct journal *j, int64_t transaction) {
        _cleanup_(request_record_done) struct request_record record = {};
        int r;

        r = request_record_load(j, REQUEST_WITHDRAWAL, transaction, &record);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return record.armed;
}

int withdrawals_give_up(struct journal *j, int64_t transaction) {
        int r;

        r = withdrawals_are_armed(j, transaction);
        return r <= 0 ? r : request_record_remove(j, REQUEST_WITHDRAWAL, transaction);
}

/* Each attempt has a number of its own: a late answer to the confirm, or to an attempt before, is not taken for its.
 */
static int send_withdrawal(struct engine *e, struct request_record *record, host_exchange_done_t done,
                           void *done_userdata) {
        struct host_binding b = {};
        _cleanup_(wipe_done) _unused_ struct wipe wipe_b = { &b, sizeof(b) };
        struct host_request q = { .kind = HOST_BINDING_WITHDRAW, .psn = -1, .binding = &b };
        int r;

        r = host_binding_parse(record->request, record->request_size, &b);
        if (r < 0)
                return r;
        r = acquirer_next_stan(e->acquirer, &q.stan, &q.batch);
        if (r < 0)
                return r;
        q.transaction = record->transaction;
        return acquirer_exchange(e->acquirer, &q, done, done_userdata);
}

/* The first refusal, or the first by another code, is kept with it: a fault that somebody has to see to. */
static void refused(struct engine *e, struct request_record *record, const struct host_answer *answer) {
        const struct outbox_end end = {
                .record = record,
                .is_kept = true,
                .event = "withdrawal-rejected",
                .code = answer->code,
        };
        int r;

        if (streq(record->last_answer, answer->code))
                return;
        COPY(record->last_answer, answer->code);
        r = outbox_commit_end(e->config.journal, &end);
        if (r < 0)
                engine_panic(r, "the refusal of a withdrawal cannot be written");
        log_transaction_error(
                record->transaction,
                "the acquirer rejected the withdrawal (%s, %s): call the acquirer and "
                "have the phone that is bound here put back into its record; it is sent until it is taken, or a "
                "supervisor resolves it as settled (tillctl resolve)",
                answer->code, host_result_find(answer->code)->text);
        e->listener.changed(e->listener.userdata);
}

/*
 * Taken is 00 and nothing else. Whatever else comes, the acquirer's record may have a phone that is not bound here,
 * and what takes that back stays until it is taken.
 */
static bool ended(struct engine *e, struct request_record *record, enum host_outcome outcome,
                  const struct host_answer *answer) {
        struct outbox_end end = { .record = record, .event = "withdrawn" };
        int r;

        if (outcome != HOST_ANSWERED || !host_result_is_final(answer->code))
                return false;
        end.code = answer->code;
        if (!host_result_ends_withdrawal(answer->code)) {
                refused(e, record, answer);
                return false;
        }

        r = outbox_commit_end(e->config.journal, &end);
        if (r < 0)
                engine_panic(r, "the end of a withdrawal cannot be written");
        log_transaction_info(record->transaction, "withdrawn (%s)", answer->code);
        return true;
}

const struct outbox_user withdrawals_outbox_user = {
        .noun = "withdrawal",
        .send = send_withdrawal,
        .ended = ended,
};
