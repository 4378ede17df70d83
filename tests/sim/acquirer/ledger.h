/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the acquirer knows: every financial transaction and its effect on the cardholder, every message,
 * and the wrapped keys of each terminal. SQLite, one file. A PAN is there masked, and as a keyed hash.
 */

#include "host/keys.h"

struct ledger;

#define LEDGER_MASKED_MAX 20
#define LEDGER_HASH_MAX 65

struct ledger_entry {
        int64_t id;
        const char *terminal, *merchant;
        uint32_t batch, stan;
        const char *kind;  /* host_kind_name() */
        const char *entry; /* DE22 */
        int64_t amount;
        const char *currency;      /* DE49 */
        const char *pan;           /* whole; the ledger keeps it masked and hashed */
        const char *code;          /* DE39 of the answer */
        const char *effect;        /* "approved", "declined", "unknown" (a reversal without its original) */
        const char *note;          /* why, for people: "cryptogram wrong"; NULL for none */
        char rrn[13], approval[7]; /* filled in by ledger_add() */
};

/* Makes the directory's ledger.db and ledger.key when they are not there. */
int ledger_open(const char *directory, struct ledger **ret);
struct ledger *ledger_free(struct ledger *l);
DEFINE_CLEANUP(struct ledger *, ledger_free);

/* Durable when it returns. -EEXIST when terminal, batch and STAN are there already. */
int ledger_add(struct ledger *l, struct ledger_entry *e);

enum ledger_state {
        LEDGER_APPROVED,
        LEDGER_DECLINED,
        LEDGER_REVERSED,
        LEDGER_UNKNOWN,
};
/* -ENOENT when there is none. */
int ledger_find(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, enum ledger_state *ret_state,
                int64_t *ret_amount);
/* Marks as reversed, with DE39 of the reversal. */
int ledger_reverse(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, const char *reason);

/* One line of the message log. */
struct ledger_message {
        const char *terminal, *kind;
        uint32_t batch, stan;
        const char *code;   /* what was answered, NULL: nothing */
        const char *action; /* what the script did, NULL: nothing */
        const uint8_t *icc; /* DE55 of the request, NULL for none; what tilld puts there names no card */
        size_t icc_size;
};
int ledger_log(struct ledger *l, const struct ledger_message *m);

/* The wrapped keys of DE62. -ENOENT before the first sign-on; size is set to what is there. */
int ledger_set_keys(struct ledger *l, const char *terminal, const void *wrapped, size_t size);
int ledger_get_keys(struct ledger *l, const char *terminal, uint8_t wrapped[static WRAPPED_KEYS_MAX],
                    size_t *ret_size);

/*
 * The whole as JSON, allocated: {"charged": minor units, "transactions": [...], "messages": [...]}, in
 * the order of arrival; opened read-only, so that it may be asked while the acquirer runs. "charged" is
 * what cardholders owe: approved and not reversed.
 */
int ledger_dump(const char *directory, char **ret);
