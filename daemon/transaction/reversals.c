// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/result.h"
#include "journal/event.h"
#include "transaction/engine.h"

/* Back-off between attempts: doubled from the first to the last. */
#define DELAY_FIRST_USEC (5 * USEC_PER_SEC)
#define DELAY_LAST_USEC (15 * 60 * USEC_PER_SEC)

/* What a 0400 needs of the request, as it stands sealed in the journal. Another layout gets another version. */
#define STORED_VERSION 1
struct stored_request {
        uint32_t version;
        uint32_t kind; /* enum host_kind */
        int64_t amount;
        uint32_t stan;
        uint32_t batch;
        int32_t psn;
        uint16_t currency;
        uint8_t entry; /* enum host_entry */
        uint8_t icc_size;
        char pan[20];
        char expiry[5];
        uint8_t icc[255];
};

struct reversals {
        struct engine *engine;
        sd_event_source *timer;
        unsigned count;
        bool sending;     /* one is on the link */
        bool signed_anew; /* for this attempt */
        struct reversal_record record;

        reversals_done_t done;
        void *userdata;
};

unsigned reversals_count(const struct reversals *v) {
        return v->count;
}

int reversals_prepare(struct journal *j, int64_t transaction, const struct host_request *q) {
        _cleanup_secret_ struct stored_request *s = secret_new(sizeof(*s));
        struct reversal_record record = {
                .transaction = transaction,
                .reason = HOST_REASON_NO_ANSWER,
                .created_usec = clock_now(CLOCK_REALTIME),
                .request = s,
                .request_size = sizeof(*s),
        };

        if (!s)
                return -ENOMEM;
        if (q->icc_size > sizeof(s->icc) || strlen(q->pan) >= sizeof(s->pan))
                return -ERANGE;

        s->version = STORED_VERSION;
        s->kind = q->kind;
        s->amount = q->amount;
        s->stan = q->stan;
        s->batch = q->batch;
        s->psn = q->psn;
        s->currency = q->currency;
        s->entry = (uint8_t) q->entry;
        s->icc_size = (uint8_t) q->icc_size;
        memcpy(s->pan, q->pan, strlen(q->pan) + 1);
        if (q->expiry)
                memcpy(s->expiry, q->expiry, strnlen(q->expiry, sizeof(s->expiry) - 1));
        if (q->icc_size > 0)
                memcpy(s->icc, q->icc, q->icc_size);
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

/* ---- The end of one attempt ---- */

static void tell_waiter(struct reversals *v, bool ok) {
        reversals_done_t done = v->done;

        v->done = NULL;
        if (done)
                done(ok, v->userdata);
}

static void tell_transaction(struct reversals *v, int64_t transaction) {
        struct engine *e = v->engine;
        struct transaction_view view;

        if (e->current && transaction_get_view(e->current)->record.id == transaction)
                transaction_refresh(e->current);
        else if (engine_view(e, transaction, &view) >= 0)
                e->listener.transaction(&view, TRANSACTION_CHANGED, e->listener.userdata);
        e->listener.changed(e->listener.userdata);
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

static int commit_attempt(struct reversals *v) {
        struct journal *j = v->engine->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = reversal_record_update(j, &v->record);
        if (r < 0)
                return r;
        return journal_commit(j);
}

/* Returns whether it was the acquirer's last word. */
static bool answered(struct reversals *v, const struct host_answer *answer) {
        bool done = host_result_ends_reversal(answer->code);
        int64_t transaction = v->record.transaction;
        int r;

        (void) snprintf(v->record.last_answer, sizeof(v->record.last_answer), "%s", answer->code);

        /* The keys did not fit, so it was not looked at. */
        if (streq(answer->code, "A0") || streq(answer->code, "A7")) {
                acquirer_forget_keys(v->engine->acquirer);
                return false;
        }

        r = commit_end(v, done ? REVERSAL_DONE : REVERSAL_REJECTED, answer->code);
        if (r < 0)
                engine_panic(r, "the end of a reversal cannot be written");
        if (done)
                log_info("Transaction %" PRIi64 ": reversed (%s)", transaction, answer->code);
        else
                log_error("Transaction %" PRIi64 ": the acquirer rejected the reversal (%s): call the acquirer and "
                          "have the booking of its RRN or STAN taken back",
                          transaction, answer->code);
        tell_transaction(v, transaction);
        return true;
}

static uint64_t next_delay(unsigned attempts) {
        uint64_t delay = DELAY_FIRST_USEC;

        while (attempts-- > 1 && delay < DELAY_LAST_USEC)
                delay *= 2;
        return MIN(delay, (uint64_t) DELAY_LAST_USEC);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct reversals *v = userdata;

        v->timer = sd_event_source_disable_unref(v->timer);
        reversals_kick(v);
        return 0;
}

static void try_later(struct reversals *v, uint64_t delay) {
        int r;

        v->timer = sd_event_source_disable_unref(v->timer);
        r = sd_event_add_time_relative(v->engine->config.event, &v->timer, CLOCK_BOOTTIME, delay, 0, on_timer, v);
        if (r < 0)
                engine_panic(r, "the next attempt of a reversal cannot be timed");
}

/* Still pending: again with back-off. Whoever waits for it waits no longer. */
static void attempt_failed(struct reversals *v) {
        uint64_t delay = next_delay(v->record.attempts);
        int r;

        v->record.next_usec = clock_now(CLOCK_REALTIME) + delay;
        v->record.next_boot = clock_now(CLOCK_BOOTTIME) + delay;
        r = commit_attempt(v);
        if (r < 0)
                log_warning_errno(r, "The attempt to reverse transaction %" PRIi64 " cannot be noted",
                                  v->record.transaction);
        reversal_record_done(&v->record);
        v->signed_anew = false;
        try_later(v, delay);
        tell_waiter(v, false);
}

static void sign_on_anew(struct reversals *v);

static void exchange_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                           void *userdata) {
        struct reversals *v = userdata;

        v->sending = false;
        if (outcome != HOST_ANSWERED || !answered(v, answer)) {
                /* Keys that do not fit are no reason to make anybody wait. */
                if (!acquirer_is_signed_on(v->engine->acquirer) && !v->signed_anew)
                        return sign_on_anew(v);
                return attempt_failed(v);
        }
        reversal_record_done(&v->record);
        v->signed_anew = false;
        reversals_kick(v);
}

/* ---- The next attempt ---- */

static int send_reversal(struct reversals *v) {
        const struct stored_request *s = v->record.request;
        struct host_request q;

        if (v->record.request_size < sizeof(*s) || s->version != STORED_VERSION)
                return -EPROTONOSUPPORT;
        q = (struct host_request){
                .kind = HOST_REVERSAL,
                .stan = s->stan,
                .batch = s->batch,
                .amount = s->amount,
                .currency = s->currency,
                .entry = s->entry,
                .pan = s->pan,
                .expiry = *s->expiry ? s->expiry : NULL,
                .psn = s->psn,
                .icc = s->icc_size > 0 ? s->icc : NULL,
                .icc_size = s->icc_size,
                .reason = v->record.reason,
                .original = { .kind = s->kind, .batch = s->batch, .stan = s->stan },
        };
        return acquirer_exchange(v->engine->acquirer, &q, exchange_ended, v);
}

static void start_sending(struct reversals *v) {
        int r;

        v->record.attempts++;
        r = send_reversal(v);
        if (r < 0) {
                log_error_errno(r, "Transaction %" PRIi64 ": its reversal cannot be sent", v->record.transaction);
                return attempt_failed(v);
        }
        v->sending = true;
}

static void signed_on(const char *failure, void *userdata) {
        struct reversals *v = userdata;

        v->sending = false;
        if (failure) {
                v->record.attempts++;
                return attempt_failed(v);
        }
        start_sending(v);
}

static void sign_on_anew(struct reversals *v) {
        int r;

        v->signed_anew = true;
        r = acquirer_sign_on(v->engine->acquirer, signed_on, v);
        if (r < 0) {
                log_error_errno(r, "No sign-on for a reversal");
                return attempt_failed(v);
        }
        v->sending = true;
}

/* Loads the oldest armed one. Returns false when there is none to send now. */
static bool load_first(struct reversals *v) {
        int r;

        r = reversal_record_first(v->engine->config.journal, &v->record);
        if (r == -ENOENT) {
                tell_waiter(v, true);
                return false;
        }
        if (r < 0)
                engine_panic(r, "a pending reversal cannot be read");
        return true;
}

static void count_armed(struct reversals *v) {
        int n = reversal_record_count_armed(v->engine->config.journal);

        if (n < 0)
                engine_panic(n, "the pending reversals cannot be counted");
        if ((unsigned) n == v->count)
                return;
        v->count = (unsigned) n;
        v->engine->listener.changed(v->engine->listener.userdata);
}

void reversals_kick(struct reversals *v) {
        uint64_t now = clock_now(CLOCK_BOOTTIME);

        if (v->sending || acquirer_is_busy(v->engine->acquirer))
                return;
        count_armed(v);
        if (!load_first(v))
                return;

        /* A waiting sale does not sit out the back-off. */
        if (!v->done && v->record.next_boot > now && v->record.next_boot - now <= DELAY_LAST_USEC) {
                try_later(v, v->record.next_boot - now);
                reversal_record_done(&v->record);
                return;
        }
        v->timer = sd_event_source_disable_unref(v->timer);

        if (acquirer_is_signed_on(v->engine->acquirer))
                return start_sending(v);
        sign_on_anew(v);
}

void reversals_wait(struct reversals *v, reversals_done_t done, void *userdata) {
        v->done = done;
        v->userdata = userdata;
        reversals_kick(v);
}

int reversals_new(struct engine *e, struct reversals **ret) {
        struct reversals *v = calloc(1, sizeof(*v));

        if (!v)
                return -ENOMEM;
        v->engine = e;
        *ret = v;
        return 0;
}

struct reversals *reversals_free(struct reversals *v) {
        if (!v)
                return NULL;
        sd_event_source_disable_unref(v->timer);
        reversal_record_done(&v->record);
        free(v);
        return NULL;
}
