// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/offline.h"

#include <inttypes.h>

#include "base/amount.h"
#include "base/log.h"
#include "base/secret.h"
#include "journal/uptime.h"
#include "transaction/stored-request.h"
#include "transaction/transaction-internal.h"

/* By whichever clock it is older: setting the time makes nothing younger, and being switched off neither. */
static int oldest_age(struct journal *j, uint64_t *ret_usec) {
        uint64_t created, created_uptime, uptime, now = clock_now(CLOCK_REALTIME);
        int r;

        *ret_usec = 0;
        r = request_record_oldest_forward(j, &created, &created_uptime);
        if (r <= 0)
                return r;
        r = uptime_get(j, &uptime);
        if (r < 0)
                return r;
        *ret_usec = MAX(now > created ? now - created : 0,
                        uptime > created_uptime ? uptime - created_uptime : UINT64_C(0));
        return 0;
}

/* 1 when one more of that amount stays within the caps of what waits. */
static int has_room(struct engine *e, int64_t amount, unsigned *ret_waiting) {
        const struct offline_caps *caps = &e->config.settings->offline;
        int64_t total;
        uint64_t age;
        int r;

        r = request_record_sum_forwards(e->config.journal, ret_waiting, &total);
        if (r < 0)
                return r;
        if (*ret_waiting >= caps->count || total + amount > caps->total)
                return 0;
        r = oldest_age(e->config.journal, &age);
        if (r < 0)
                return r;
        return age < caps->age * UINT64_C(3600) * USEC_PER_SEC;
}

int offline_allowed(struct engine *e, const struct transaction_record *record) {
        const struct offline_caps *caps = &e->config.settings->offline;
        unsigned waiting;

        if (!streq(record->kind, host_kind_name(HOST_SALE)) || record->amount > caps->amount)
                return 0;
        /* Who cannot be told is not approved for. */
        if (!host_profile_offers(acquirer_profile(e->acquirer), HOST_OFFLINE_SALE))
                return 0;
        return has_room(e, record->amount, &waiting);
}

int offline_is_full(struct engine *e, unsigned *ret_waiting) {
        int r;

        *ret_waiting = 0;
        if (e->config.settings->offline.amount == 0)
                return 0;
        r = has_room(e, 1, ret_waiting);
        return r < 0 ? r : r == 0 && *ret_waiting > 0;
}

void offline_conclude(struct transaction *t, const struct message_outcome *m) {
        struct transaction_record *record = &t->view.record;
        int r;

        r = offline_allowed(t->engine, record);
        if (r < 0)
                log_transaction_error_errno(record->id, r, "the caps on offline approvals cannot be checked");
        if (r <= 0)
                return transaction_conclude(t, RESULT_FAILED, "offline-not-allowed");
        if (!t->request) {
                t->request = secret_new(sizeof(*t->request));
                if (!t->request)
                        return transaction_conclude(t, RESULT_FAILED, "no-memory");
                t->request->card = m->card;
        }
        t->request->result = m->result;
        t->offline = true;
        record->forwarding = FORWARDING_PENDING;
        (void) snprintf(record->response_code, sizeof(record->response_code), "%.2s", (const char *) m->result.arc);
        transaction_conclude(t, RESULT_APPROVED, "offline");
}

void offline_advise(struct transaction *t) {
        /* What a reader has encrypted is kept for nobody. */
        if (t->kind->card != KIND_CARD_NONE && !*t->request->card.pan)
                return transaction_conclude(t, RESULT_FAILED, "card-not-accepted");
        t->offline = true;
        t->view.record.forwarding = FORWARDING_PENDING;
        transaction_conclude(t, RESULT_APPROVED, "offline");
}

/* A tip is of the card of its sale, where that is still known. */
static int take_card(struct transaction *t) {
        struct transaction_record *record = &t->view.record;
        struct journal *j = t->engine->config.journal;
        char pan[PAN_TEXT_MAX];
        WIPE_AT_END(pan);
        int r;

        if (t->request)
                return transaction_record_set_pan(j, record, t->request->card.pan);
        COPY(record->masked_pan, t->original->masked_pan);
        r = transaction_record_get_pan(j, t->original->id, pan);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : transaction_record_set_pan(j, record, pan);
}

/* As for a request; one that did not leave the terminal has them already. */
static int take_numbers(struct transaction *t) {
        int r;

        if (t->view.record.stan > 0)
                return 0;
        r = authorization_take_numbers(t);
        return r < 0 ? r : take_card(t);
}

/* The card's number is with the request, or, once that was written, where its reversal was made ready. */
static int fill_card(struct transaction *t, struct request_record *reversal, struct host_request *ret) {
        const struct emv_card_data *card = &t->request->card;
        int r;

        if (*card->pan) {
                *ret = (struct host_request){ .pan = card->pan, .expiry = *card->expiry ? card->expiry : NULL };
                return 0;
        }
        r = request_record_load(t->engine->config.journal, REQUEST_REVERSAL, t->view.record.id, reversal);
        if (r < 0)
                return r;
        return stored_request_read(reversal->request, reversal->request_size, ret);
}

/* What the card approved itself goes with its certificate; the rest is typed in, whatever the card was read by. */
static int fill_request(struct transaction *t, struct request_record *reversal, struct host_request *ret) {
        const struct transaction_record *record = &t->view.record;
        int r;

        *ret = (struct host_request){ .psn = -1 };
        if (t->request) {
                r = fill_card(t, reversal, ret);
                if (r < 0)
                        return r;
        }
        ret->kind = kind_as_told(record);
        ret->stan = record->stan;
        ret->batch = record->batch;
        ret->amount = record->amount;
        ret->currency = currency_find(record->currency)->numeric;
        ret->entry = HOST_ENTRY_MANUAL;
        if (t->kind->way == KIND_WAY_ADVICE) {
                ret->authorization_code = *record->authorization_code ? record->authorization_code : NULL;
                if (t->original)
                        authorization_fill_original(t->original, &ret->original);
                return 0;
        }
        ret->entry = HOST_ENTRY_CHIP;
        ret->psn = record->psn;
        ret->icc = t->request->result.de55;
        ret->icc_size = t->request->result.de55_size;
        return 0;
}

int offline_commit(struct transaction *t) {
        _cleanup_(request_record_done) struct request_record reversal = {};
        char pan[PAN_TEXT_MAX];
        WIPE_AT_END(pan);
        struct host_request q;
        int r;

        r = take_numbers(t);
        if (r < 0)
                return r;
        r = fill_request(t, &reversal, &q);
        if (r < 0)
                return r;
        if (!q.pan) {
                r = transaction_record_get_pan(t->engine->config.journal, t->view.record.id, pan);
                if (r < 0 && r != -ENOENT)
                        return r;
                q.pan = r < 0 ? NULL : pan;
        }
        return forwards_add(t->engine->config.journal, t->view.record.id, &q);
}
