// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kinds about the terminal itself: sign-on, sign-off, echo, downloads, the bound phone. Neither a card nor money
 * is in them.
 */
#include "base/log.h"
#include "host/result.h"
#include "journal/counter.h"
#include "transaction/transaction-internal.h"

static void service_failed(struct transaction *t, const char *reason) {
        t->host = HOST_STATE_NOT_SENT;
        transaction_conclude(t, RESULT_FAILED, reason);
}

static int service_send(struct transaction *t);

static void send_or_fail(struct transaction *t) {
        int r = service_send(t);

        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "the request cannot be made");
                service_failed(t, r == -ENOSPC ? "storage" : "not-made");
        }
}

static void install(struct transaction *t) {
        const struct engine_config *c = &t->engine->config;
        int r;

        r = download_install(t->download, c->emv_dirs, c->terminal);
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "what was downloaded is not taken into use");
                return service_failed(t, r == -EINVAL ? "bad-download" : "storage");
        }
        log_transaction_notice(t->view.record.id, "%u objects of the acquirer are in use",
                               download_count(t->download));
        transaction_conclude_both(t, NULL);
}

/* One message of several. */
static void downloaded(struct transaction *t, const struct host_answer *answer) {
        int r;

        r = answer->has_download ? download_add(t->download, &answer->download) : -EBADMSG;
        if (r < 0) {
                log_transaction_error_errno(t->view.record.id, r, "object %u of the download cannot be read",
                                            download_count(t->download) + 1);
                return service_failed(t, "bad-download");
        }
        if (answer->download.more)
                return send_or_fail(t);
        install(t);
}

static void service_answered(struct transaction *t, const struct host_answer *answer) {
        enum host_action action = host_result_find(answer->code)->action;
        bool approved = action == HOST_ACTION_APPROVE;

        t->answer = *answer;
        t->host = approved ? HOST_STATE_APPROVED : HOST_STATE_DECLINED;
        /* The acquirer has forgotten them as well: the next one who asks it signs on. */
        if (approved && kind_to_host(t->kind) == HOST_SIGN_OFF)
                acquirer_sign_off(t->engine->acquirer);
        if (action == HOST_ACTION_SIGN_ON)
                acquirer_forget_keys(t->engine->acquirer);
        if (approved && t->download)
                return downloaded(t, answer);
        transaction_conclude_both(t, NULL);
}

static void service_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                          void *userdata) {
        struct transaction *t = userdata;

        if (outcome == HOST_ANSWERED)
                return service_answered(t, answer);
        if (outcome == HOST_NOT_SENT)
                return service_failed(t, "unreachable-host");
        t->host = HOST_STATE_LOST;
        transaction_conclude_both(t, NULL);
}

static void signed_on(const char *failure, void *userdata) {
        struct transaction *t = userdata;

        if (failure)
                return service_failed(t,
                                      acquirer_was_reached(t->engine->acquirer) ? "no-sign-on" : "unreachable-host");
        if (kind_to_host(t->kind) != HOST_SIGN_ON)
                return send_or_fail(t);
        t->host = HOST_STATE_APPROVED;
        transaction_conclude(t, RESULT_APPROVED, "");
}

/* STAN and, of what may have to be taken back, what does that: before a byte goes out. */
static int next_numbers(struct transaction *t) {
        struct journal *j = t->engine->config.journal;
        int r;

        /* As in acquirer_next_stan(). */
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = counter_next_stan(j, &t->view.record.stan);
        if (r < 0)
                return r;
        r = counter_get_batch(j, &t->view.record.batch);
        if (r < 0)
                return r;
        r = transaction_save(t, "authorizing");
        if (r < 0)
                return r;
        if (kind_to_host(t->kind) == HOST_BINDING_CONFIRM) {
                r = withdrawals_prepare(j, t->view.record.id, t->binding);
                if (r < 0)
                        return r;
        }
        return journal_commit(j);
}

/* It is one, or has to bear a MAC. */
static bool needs_sign_on(const struct transaction *t) {
        enum host_kind kind = kind_to_host(t->kind);

        if (acquirer_profile(t->engine->acquirer)->kinds[kind].mac && !acquirer_is_signed_on(t->engine->acquirer))
                return true;
        return kind == HOST_SIGN_ON;
}

static int service_send(struct transaction *t) {
        const uint32_t stan = t->view.record.stan, batch = t->view.record.batch;
        struct host_request q = { .kind = kind_to_host(t->kind), .psn = -1, .binding = t->binding };
        int r;

        if (needs_sign_on(t))
                return acquirer_sign_on(t->engine->acquirer, t->view.record.id, signed_on, t);
        r = next_numbers(t);
        if (r == -EIO)
                engine_panic(r, "the number of a message cannot be written");
        if (r < 0) {
                /* It was not taken, and the next message may have it. */
                t->view.record.stan = stan;
                t->view.record.batch = batch;
                return r;
        }
        q.transaction = t->view.record.id;
        q.stan = t->view.record.stan;
        q.batch = t->view.record.batch;
        if (t->download)
                q.position = download_count(t->download);
        return acquirer_exchange(t->engine->acquirer, &q, service_ended, t);
}

/* A reversal may just be on its way. */
static void link_is_free(bool ok, void *userdata) {
        struct transaction *t = userdata;
        int r;

        if (kind_to_host(t->kind) == HOST_PARAMETERS || kind_to_host(t->kind) == HOST_CA_KEYS) {
                r = download_new(kind_to_host(t->kind), t->engine->config.terminal, t->engine->config.settings,
                                 &t->download);
                if (r < 0)
                        return service_failed(t, "no-memory");
        }
        send_or_fail(t);
}

void service_start(struct transaction *t) {
        t->card_is_done = true;
        t->host = HOST_STATE_PENDING;
        t->view.record.state = TRANSACTION_AUTHORIZING;
        if (kind_to_host(t->kind) == HOST_SETTLEMENT)
                return settlement_start(t);
        outbox_wait(t->engine->outbox, REQUEST_REVERSAL, link_is_free, t);
}
