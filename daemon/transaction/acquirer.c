// SPDX-License-Identifier: LGPL-2.1-or-later
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "host/certificate.h"
#include "host/result.h"
#include "journal/batch.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "journal/key.h"
#include "transaction/acquirer.h"
#include "transaction/engine.h"
#include "transaction/operators.h"
#include "transaction/terminal-clock.h"

#define SESSION_KEYS "session-keys"

struct acquirer {
        struct acquirer_config config;
        const struct host_profile *profile;
        struct host_keys *keys;
        struct host_link *link;
        char state[192];
        struct acquirer_standing standing;
        bool has_time;            /* the acquirer's, by its last answer since the start: */
        int64_t ahead;            /* seconds before our clock … */
        int64_t clock;            /* … which was so many seconds before the machine's uptime then */
        uint64_t own_end, ca_end; /* of the certificates */
        bool new_keys;            /* no message has been taken or refused under them yet */

        bool reached; /* in the last exchange */
        bool busy;
        enum host_kind kind; /* of the exchange that runs */
        int64_t transaction; /* that it is for; 0 for none */
        uint64_t begun_boot; /* its beginning, CLOCK_BOOTTIME usec */
        host_exchange_done_t exchange_done;
        acquirer_signed_on_t sign_on_done;
        void *userdata;
};

static void set_state(struct acquirer *a, const char *state) {
        if (streq(a->state, state))
                return;
        (void) snprintf(a->state, sizeof(a->state), "%s", state);
        a->config.changed(a->config.userdata);
}

const struct host_profile *acquirer_profile(const struct acquirer *a) {
        return a->profile;
}

const char *acquirer_state(const struct acquirer *a) {
        return a->state;
}

bool acquirer_was_reached(const struct acquirer *a) {
        return a->reached;
}

void acquirer_get_standing(const struct acquirer *a, struct acquirer_standing *ret) {
        *ret = a->standing;
        ret->host = host_link_last_host(a->link);
        ret->detail = host_link_last_detail(a->link);
}

/* Setting our clock changes this. */
static int64_t clock_before_uptime(void) {
        return ((int64_t) clock_now(CLOCK_REALTIME) - (int64_t) clock_now(CLOCK_BOOTTIME)) / (int64_t) USEC_PER_SEC;
}

static void note_time(struct acquirer *a, const struct host_answer *answer) {
        const uint64_t now = clock_now(CLOCK_REALTIME);

        terminal_clock_note_host(a->config.journal, answer->date, answer->time);
        if (terminal_clock_offset(answer->date, answer->time, now, &a->ahead) < 0)
                return;
        a->clock = clock_before_uptime();
        a->has_time = true;
}

int acquirer_get_ahead(const struct acquirer *a, int64_t *ret_seconds) {
        if (!a->has_time)
                return -ENOENT;
        *ret_seconds = terminal_clock_without_zone(a->ahead - (clock_before_uptime() - a->clock));
        return 0;
}

void acquirer_get_ends(const struct acquirer *a, uint64_t *ret_own, uint64_t *ret_ca) {
        *ret_own = a->own_end;
        *ret_ca = a->ca_end;
}

bool acquirer_stands_well(const struct acquirer_standing *standing) {
        return standing->outcome == HOST_ANSWERED && !*standing->refused && !standing->other_keys;
}

static bool is_here(const char *host) {
        return startswith(host, "localhost:") || startswith(host, "127.") || startswith(host, "[::1]:");
}

bool acquirer_is_here(const struct settings *settings) {
        for (char *const *h = settings->acquirer_hosts; *h; h++)
                if (!is_here(*h))
                        return false;
        return true;
}

bool acquirer_is_busy(const struct acquirer *a) {
        return a->busy;
}

bool acquirer_is_signed_on(const struct acquirer *a) {
        return host_keys_ready(a->keys);
}

static int load_session_keys(struct acquirer *a) {
        _cleanup_secret_ void *wrapped = NULL;
        size_t size;
        int r;

        r = wrapped_key_load(a->config.journal, SESSION_KEYS, &wrapped, &size);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        r = host_keys_load(a->keys, wrapped, size);
        if (r == -EKEYREJECTED || r == -EBADMSG) {
                /* The master key was exchanged, or the profile: the next sale signs on. */
                log_notice("The stored session keys do not belong to the terminal's master key; signing on anew.");
                return 0;
        }
        return r;
}

int acquirer_check_keys(const struct acquirer *a, struct host_key_check ret[static ACQUIRER_KEYS_MAX]) {
        _cleanup_secret_ void *wrapped = NULL;
        size_t size;
        int r;

        r = host_keys_check_master(a->keys, ret);
        if (r < 0)
                return r;
        r = wrapped_key_load(a->config.journal, SESSION_KEYS, &wrapped, &size);
        if (r >= 0)
                r = host_keys_read_checks(a->profile->hierarchy, wrapped, size, ret + 1);
        /* Before the first sign-on, or under another profile: none. */
        return r == -ENOENT || r == -EBADMSG ? 1 : r < 0 ? r : 1 + r;
}

static int open_link(struct acquirer *a) {
        struct host_link_config c = {
                .server_name = a->config.settings->acquirer_server_name,
                .ca_file = a->config.ca_file,
                .certificate_file = a->config.certificate_file,
        };

        for (char *const *h = a->config.settings->acquirer_hosts; *h; h++)
                c.hosts[c.n_hosts++] = *h;
        return host_link_new(a->config.event, &c, &a->link);
}

/* No payment waits for what is only shown. */
static void read_ends(struct acquirer *a) {
        if (host_certificate_first_end(a->config.certificate_file, &a->own_end) < 0 ||
            host_certificate_last_end(a->config.ca_file, &a->ca_end) < 0)
                log_warning("Until when the certificates hold cannot be read");
}

int acquirer_new(const struct acquirer_config *config, struct acquirer **ret) {
        _cleanup_(acquirer_freep) struct acquirer *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->config = *config;
        a->config.tmk = NULL;
        (void) snprintf(a->state, sizeof(a->state), "unknown");

        a->profile = config->settings->profile;
        r = host_keys_new(a->profile->hierarchy, config->tmk, &a->keys);
        if (r < 0)
                return r;
        r = load_session_keys(a);
        if (r < 0)
                return r;
        r = open_link(a);
        if (r < 0)
                return r;
        read_ends(a);
        *ret = TAKE_PTR(a);
        return 0;
}

struct acquirer *acquirer_free(struct acquirer *a) {
        if (!a)
                return NULL;
        host_link_free(a->link);
        host_keys_free(a->keys);
        free(a);
        return NULL;
}

void acquirer_forget_keys(struct acquirer *a) {
        host_keys_forget(a->keys);
}

static int remove_keys(struct acquirer *a) {
        struct journal *j = a->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        r = wrapped_key_remove(j, SESSION_KEYS);
        if (r < 0)
                return r;
        return journal_commit(j);
}

void acquirer_sign_off(struct acquirer *a) {
        int r;

        host_keys_forget(a->keys);
        r = remove_keys(a);
        if (r == -EIO)
                engine_panic(r, "that the session keys are gone cannot be written");
        if (r < 0)
                log_warning_errno(r, "The session keys stay in the journal; the acquirer will refuse them");
}

/* What an answer to a message with a MAC says of our keys. The first refusal may be of keys that were forgotten. */
static void note_keys(struct acquirer *a, const struct host_answer *answer) {
        if (!a->profile->kinds[a->kind].mac)
                return;
        if (!host_result_refuses_keys(answer->code)) {
                a->standing.keys_refused = 0;
                COPY(a->standing.refused, "");
                a->standing.other_keys = false;
        } else if (a->new_keys)
                a->standing.keys_refused++;
        a->new_keys = false;
}

static void note_standing(struct acquirer *a, enum host_outcome outcome, enum host_link_reason reason) {
        const struct acquirer_standing before = a->standing;

        a->standing.asked = true;
        a->standing.outcome = outcome;
        a->standing.reason = reason;
        a->standing.ended_boot = clock_now(CLOCK_BOOTTIME);
        a->standing.exchanges[outcome]++;
        if (outcome == HOST_ANSWERED)
                histogram_add(&a->standing.answers, a->standing.ended_boot - a->begun_boot);
        if (!before.asked || before.outcome != outcome || before.reason != reason)
                a->config.changed(a->config.userdata);
}

static void note_outcome(struct acquirer *a, enum host_outcome outcome, enum host_link_reason reason,
                         const struct host_answer *answer) {
        char text[192];

        note_standing(a, outcome, reason);
        a->reached = outcome != HOST_NOT_SENT && outcome != HOST_NO_ANSWER;
        if (outcome == HOST_ANSWERED) {
                note_time(a, answer);
                set_state(a, "reachable");
                return;
        }
        if (outcome == HOST_BAD_MAC || outcome == HOST_MALFORMED) {
                set_state(a, outcome == HOST_BAD_MAC ? "its answer's MAC is wrong" : "its answer cannot be read");
                return;
        }
        (void) snprintf(text, sizeof(text), "%s", host_link_reason_text(reason));
        set_state(a, text);
}

static int start_exchange(struct acquirer *a, const struct host_request *request, host_exchange_done_t done) {
        struct host_request q = *request;
        int r;

        q.terminal = a->config.settings->terminal_number;
        q.merchant = a->config.settings->merchant_number;
        r = host_exchange(a->link, a->profile, a->keys, &q, a->config.settings->answer_timeout * USEC_PER_SEC, done,
                          a);
        if (r < 0)
                return r;
        a->busy = true;
        a->kind = request->kind;
        a->transaction = request->transaction;
        a->begun_boot = clock_now(CLOCK_BOOTTIME);
        return 0;
}

void acquirer_cancel(struct acquirer *a) {
        (void) host_link_cancel(a->link);
        a->busy = false;
}

static void exchange_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                           void *userdata) {
        struct acquirer *a = userdata;

        a->busy = false;
        if (outcome == HOST_ANSWERED)
                note_keys(a, answer);
        note_outcome(a, outcome, reason, answer);
        /* The acquirer may have another key by now, and could not tell us so under ours. */
        if (outcome == HOST_BAD_MAC)
                host_keys_forget(a->keys);
        a->exchange_done(outcome, reason, answer, a->userdata);
}

int acquirer_exchange(struct acquirer *a, const struct host_request *request, host_exchange_done_t done,
                      void *userdata) {
        int r;

        if (a->busy)
                return -EBUSY;
        r = start_exchange(a, request, exchange_ended);
        if (r < 0)
                return r;
        a->exchange_done = done;
        a->userdata = userdata;
        return 0;
}

/* A number that nobody here has chosen: the chain of events says where it comes from. */
static int change_batch(struct journal *j, uint32_t current, uint32_t named) {
        char text[64];
        int r;

        r = counter_set_batch(j, named);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"batch\":%" PRIu32 ",\"before\":%" PRIu32 "}", named, current);
        return event_append(j, "batch-adopted", 0, text);
}

/*
 * The batch that the acquirer has open for us. Ours has its number from then on until it is settled: its totals, STANs
 * and reversals name it. A number that was used before is no new batch either.
 */
static int adopt_batch(struct journal *j, uint32_t named) {
        uint32_t current;
        int r;

        r = counter_get_batch(j, &current);
        if (r < 0 || named == current)
                return r;
        r = batch_is_empty(j, current);
        if (r > 0)
                r = batch_is_empty(j, named);
        if (r > 0)
                return change_batch(j, current, named);
        if (r == 0)
                log_warning("The acquirer names batch %06u, this terminal has %06u open and keeps it: settle it",
                            named, current);
        return r;
}

/* The keys are kept wrapped. */
static int store_sign_on(struct acquirer *a, const struct host_answer *answer) {
        struct journal *j = a->config.journal;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = wrapped_key_store(j, SESSION_KEYS, answer->keys, answer->keys_size);
        if (r < 0)
                return r;
        if (answer->has_batch && answer->batch > 0) {
                r = adopt_batch(j, answer->batch);
                if (r < 0)
                        return r;
        }
        return journal_commit(j);
}

/* code: by which it was refused, "" where it was not. */
static void note_sign_on(struct acquirer *a, const char *code, bool other_keys) {
        const struct acquirer_standing before = a->standing;

        COPY(a->standing.refused, code);
        a->standing.other_keys = other_keys;
        a->new_keys = !*code && !other_keys;
        if (!streq(before.refused, code) || before.other_keys != other_keys)
                a->config.changed(a->config.userdata);
}

static void sign_on_ended(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                          void *userdata) {
        struct acquirer *a = userdata;
        char failure[256] = "";
        int r = 0;

        a->busy = false;
        note_outcome(a, outcome, reason, answer);

        if (outcome != HOST_ANSWERED)
                (void) snprintf(failure, sizeof(failure), "no sign-on: %s", a->state);
        else if (host_result_find(answer->code)->action != HOST_ACTION_APPROVE) {
                (void) snprintf(failure, sizeof(failure), "the acquirer refused the sign-on: %s (%s)",
                                host_result_find(answer->code)->text, answer->code);
                note_sign_on(a, answer->code, false);
        } else {
                r = host_keys_load(a->keys, answer->keys, answer->keys_size);
                if (r >= 0) {
                        r = store_sign_on(a, answer);
                        if (r == -EIO)
                                engine_panic(r, "the session keys cannot be written");
                }
                /* Keys that are not kept would leave with the next start, their batch behind. */
                if (r < 0)
                        host_keys_forget(a->keys);
                if (r < 0)
                        (void) snprintf(failure, sizeof(failure), "the session keys cannot be taken: %s",
                                        r == -EKEYREJECTED
                                                ? "check value and terminal master key do not fit; load the right key"
                                                : strerror(-r));
                note_sign_on(a, "", r == -EKEYREJECTED);
        }

        if (*failure)
                log_about(LOG_WARNING, 0, LOG_ABOUT_TRANSACTION(a->transaction), "Sign-on failed: %s", failure);
        else
                log_about(LOG_INFO, 0, LOG_ABOUT_TRANSACTION(a->transaction), "Signed on at %s",
                          strna(host_link_peer(a->link)));
        a->sign_on_done(*failure ? failure : NULL, a->userdata);
}

static int next_stan(struct journal *j, uint32_t *ret_stan, uint32_t *ret_batch) {
        int r;

        /* A number that has left does not come again, not even after a power cut. */
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = counter_next_stan(j, ret_stan);
        if (r < 0)
                return r;
        r = counter_get_batch(j, ret_batch);
        if (r < 0)
                return r;
        return journal_commit(j);
}

int acquirer_next_stan(struct acquirer *a, uint32_t *ret_stan, uint32_t *ret_batch) {
        int r = next_stan(a->config.journal, ret_stan, ret_batch);

        if (r == -EIO)
                engine_panic(r, "the number of a message cannot be written");
        return r;
}

int acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata) {
        char number[3];
        struct host_request q = { .kind = HOST_SIGN_ON, .transaction = transaction, .psn = -1, .operator_id = number };
        int r;

        if (a->busy)
                return -EBUSY;
        r = operators_find_number(a->config.journal, a->config.settings, number);
        if (r < 0)
                return r;
        r = acquirer_next_stan(a, &q.stan, &q.batch);
        if (r < 0)
                return r;
        r = start_exchange(a, &q, sign_on_ended);
        if (r < 0)
                return r;
        a->sign_on_done = done;
        a->userdata = userdata;
        return 0;
}
