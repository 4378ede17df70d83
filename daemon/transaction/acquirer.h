/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The acquirer as the engine sees it: one link, one exchange at a time, signed on when it has to be.
 * The session keys live in the journal, wrapped as they came.
 */

#include "base/histogram.h"
#include "host/exchange.h"
#include "journal/connection.h"
#include "transaction/settings.h"

struct acquirer;

struct acquirer_config {
        sd_event *event;
        struct journal *journal;
        const struct settings *settings;
        const uint8_t *tmk;           /* TMK_SIZE bytes, copied */
        const char *ca_file;          /* PEM */
        const char *certificate_file; /* PEM */
        /* The state of the link, as acquirer_state() or acquirer_get_standing() says it, is another one. */
        void (*changed)(void *userdata);
        void *userdata;
};

int acquirer_new(const struct acquirer_config *config, struct acquirer **ret);
struct acquirer *acquirer_free(struct acquirer *a);
DEFINE_CLEANUP(struct acquirer *, acquirer_free);

const struct host_profile *acquirer_profile(const struct acquirer *a);
/* "unknown", "reachable", or why not, as a sentence. */
const char *acquirer_state(const struct acquirer *a);
/* Whether it has said anything at all to what it was asked last. */
bool acquirer_was_reached(const struct acquirer *a);

/* How it stands with the acquirer since the start, by what its last exchange and its last sign-on have shown. */
struct acquirer_standing {
        bool asked;                   /* there was an exchange: the rest says something */
        enum host_outcome outcome;    /* of the last one */
        enum host_link_reason reason; /* what the link saw of it */
        uint64_t ended_boot;          /* CLOCK_BOOTTIME usec of its end */
        const char *host, *detail;    /* that it was tried at last, and the system's or OpenSSL's words; borrowed */
        char refused[3];              /* the answer by which the last sign-on was refused, "" where it was not */
        bool other_keys;              /* its keys did not fit under our master key */
        unsigned keys_refused;        /* in a row: the acquirer did not know our keys, though they were its newest */
        struct histogram answers;     /* what each answer took, with the connection where there was none */
        uint64_t exchanges[_HOST_OUTCOME_MAX];
};
void acquirer_get_standing(const struct acquirer *a, struct acquirer_standing *ret);
/*
 * Seconds that the acquirer's clock is ahead of ours as it is now, by its last answer since the start, to the next
 * whole hour (transaction/terminal-clock.h). -ENOENT before one.
 */
int acquirer_get_ahead(const struct acquirer *a, int64_t *ret_seconds);
/* Until when the certificates hold that were read at the start, CLOCK_REALTIME usec; 0 where that is not known. */
void acquirer_get_ends(const struct acquirer *a, uint64_t *ret_own, uint64_t *ret_ca);
/* Neither the link nor the last sign-on has failed. */
bool acquirer_stands_well(const struct acquirer_standing *standing) _pure_;
/* All its hosts are this machine, so that no network is needed. */
bool acquirer_is_here(const struct settings *settings) _pure_;

bool acquirer_is_busy(const struct acquirer *a);
bool acquirer_is_signed_on(const struct acquirer *a);

/* The keys that are there: the master key, then the session keys. Returns how many, or errors of the journal. */
#define ACQUIRER_KEYS_MAX (1 + HOST_KEY_CHECKS_MAX)
int acquirer_check_keys(const struct acquirer *a, struct host_key_check ret[static ACQUIRER_KEYS_MAX]);

/* Called once. failure is NULL when signed on, else a sentence. */
typedef void (*acquirer_signed_on_t)(const char *failure, void *userdata);
/* Asks for session keys, for what the transaction has to send; 0 for none. -EBUSY while an exchange runs. */
int acquirer_sign_on(struct acquirer *a, int64_t transaction, acquirer_signed_on_t done, void *userdata);
/* The acquirer has forgotten our keys, as it was asked to: so do we. */
void acquirer_sign_off(struct acquirer *a);
/* The acquirer says that it does not know our keys: the next exchange needs a sign-on first. */
void acquirer_forget_keys(struct acquirer *a);

/*
 * Fills in terminal and merchant, sends, and waits as long as the settings say. Errors as
 * host_exchange(); done as there.
 */
int acquirer_exchange(struct acquirer *a, const struct host_request *request, host_exchange_done_t done,
                      void *userdata);
/* Drops the exchange or sign-on that runs, without its callback. */
void acquirer_cancel(struct acquirer *a);
/* The number of the next message that no transaction's row has, and the open batch. */
int acquirer_next_stan(struct acquirer *a, uint32_t *ret_stan, uint32_t *ret_batch);
