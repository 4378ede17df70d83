// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/resolution.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

#include "base/log.h"
#include "journal/event.h"
#include "journal/request.h"
#include "transaction/announce.h"
#include "transaction/engine.h"
#include "transaction/reason.h"
#include "transaction/settlement.h"

bool resolution_is_note(const char *text) {
        size_t n = strlen(text);

        if (n < 1 || n > RESOLUTION_NOTE_MAX)
                return false;
        for (; *text; text++)
                if ((unsigned char) *text < 0x20 || *text == 0x7F)
                        return false;
        return true;
}

static int refuse_nothing(struct refusal *ret, const struct transaction_record *record, const char *outcome) {
        return refusal_set(
                ret, REFUSAL_NOT_ASKED,
                "Transaction %" PRIi64 " (%s, reversal %s, forwarding %s) has nothing that \"%s\" resolves: "
                "\"approved\" and \"declined\" end an unconfirmed one, \"settled\" a pending or rejected "
                "reversal, forwarding or withdrawal, or a refused settlement",
                record->id, transaction_result_to_string(record->result), reversal_state_to_string(record->reversal),
                forwarding_state_to_string(record->forwarding), outcome);
}

/* Whatever of it the acquirer is not going to be told any more. 1: something; 0: there is nothing. */
static int settle(struct journal *j, struct transaction_record *record) {
        bool reversal = record->reversal == REVERSAL_PENDING || record->reversal == REVERSAL_REJECTED;
        bool forward = record->forwarding == FORWARDING_PENDING || record->forwarding == FORWARDING_REJECTED;

        if (record->state != TRANSACTION_DONE)
                return 0;
        if (reversal)
                record->reversal = REVERSAL_RESOLVED;
        if (forward)
                record->forwarding = FORWARDING_RESOLVED;
        return reversal || forward ? 1 : withdrawals_are_armed(j, record->id);
}

static void set_reason(struct transaction_record *record, const char *reason) {
        COPY(record->reason, reason);
        COPY(record->message, reason_to_sentence(reason, kind_find(record->kind)));
}

static bool confirm(struct transaction_record *record, enum transaction_result result) {
        if (record->result != RESULT_UNCONFIRMED)
                return false;
        record->result = result;
        set_reason(record, "resolved");
        return true;
}

static bool is_settlement(const struct transaction_record *record) {
        const struct kind *kind = kind_find(record->kind);

        return kind && kind_to_host(kind) == HOST_SETTLEMENT;
}

/* Negative with *ret_refusal set where the outcome does not fit. */
static int apply(struct engine *e, struct transaction_record *record, const char *outcome,
                 struct refusal *ret_refusal) {
        int r = 0;

        if (streq(outcome, "settled") && is_settlement(record)) {
                r = settlement_check_agreement(e, record, ret_refusal);
                if (r < 0)
                        return r;
                set_reason(record, "by-agreement");
                return 0;
        }
        if (streq(outcome, "approved"))
                r = confirm(record, RESULT_APPROVED);
        else if (streq(outcome, "declined"))
                r = confirm(record, RESULT_DECLINED);
        else if (streq(outcome, "settled"))
                r = settle(e->config.journal, record);
        if (r < 0)
                return engine_refuse_journal(ret_refusal, r);
        return r > 0 ? 0 : refuse_nothing(ret_refusal, record, outcome);
}

static char *describe(const struct resolution *resolution) {
        cJSON *json = cJSON_CreateObject();
        char *text;

        cJSON_AddStringToObject(json, "outcome", resolution->outcome);
        cJSON_AddStringToObject(json, "note", resolution->note);
        cJSON_AddStringToObject(json, "by", resolution->resolver);
        text = cJSON_PrintUnformatted(json);
        cJSON_Delete(json);
        return text;
}

/* The requests are forgotten with the same commit that says that nobody sends them. */
static int forget_requests(struct journal *j, const struct transaction_record *record) {
        int r;

        if (record->reversal == REVERSAL_RESOLVED) {
                r = request_record_remove(j, REQUEST_REVERSAL, record->id);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        if (record->forwarding == FORWARDING_RESOLVED) {
                r = request_record_remove(j, REQUEST_FORWARD, record->id);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return withdrawals_give_up(j, record->id);
}

static int commit(struct engine *e, const struct transaction_record *record, const struct resolution *resolution) {
        _cleanup_free_ char *text = describe(resolution);
        struct journal *j = e->config.journal;
        int r;

        if (!text)
                return -ENOMEM;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = transaction_record_update(j, record);
        if (r < 0)
                return r;
        if (streq(resolution->outcome, "settled"))
                r = forget_requests(j, record);
        if (r < 0)
                return r;
        if (is_settlement(record))
                r = settlement_commit_agreement(e, record, resolution);
        else if (streq(resolution->outcome, "approved"))
                r = transaction_queue_papers(e, record);
        if (r >= 0 && streq(resolution->outcome, "approved"))
                r = announce_transaction(e, record);
        if (r < 0)
                return r;
        r = event_append(j, "resolved", record->id, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

int resolution_record(struct engine *e, int64_t transaction, const struct resolution *resolution,
                      struct refusal *ret_refusal) {
        struct transaction_record record;
        int r;

        if (!resolution_is_note(resolution->note))
                return refusal_set(ret_refusal, REFUSAL_INVALID_NOTE,
                                   "The note must say in 1 to %d bytes how it is known, without control characters",
                                   RESOLUTION_NOTE_MAX);
        r = transaction_record_load(e->config.journal, transaction, &record);
        if (r < 0 && r != -ENOENT)
                return engine_refuse_journal(ret_refusal, r);
        if (r < 0)
                return refusal_set(ret_refusal, REFUSAL_NOT_FOUND, "There is no transaction %" PRIi64, transaction);
        r = apply(e, &record, resolution->outcome, ret_refusal);
        if (r < 0)
                return r;
        if (outbox_sending(e->outbox) == transaction)
                return refusal_set(ret_refusal, REFUSAL_BUSY,
                                   "Transaction %" PRIi64 " is with the acquirer just now: wait for its answer",
                                   transaction);
        r = commit(e, &record, resolution);
        if (r < 0)
                engine_panic(r, "what a supervisor has resolved cannot be written");
        log_transaction_notice(transaction, "resolved as %s by %s", resolution->outcome, resolution->resolver);
        outbox_tell_transaction(e, transaction);
        outbox_kick(e->outbox);
        printing_kick(e->printing);
        notices_kick(e->notices);
        return 0;
}
