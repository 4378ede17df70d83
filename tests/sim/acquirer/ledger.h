/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the acquirer knows: every financial transaction and its effect on the cardholder, every message, what became
 * of each batch, and of each terminal the wrapped keys, the serial number and the merchant's phone. SQLite, one file.
 * A PAN and a telephone number are there masked, and as a keyed hash.
 */

#include "host/binding.h"
#include "host/keys.h"
#include "host/totals.h"

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
        int64_t original;          /* id of the transaction that it is about; 0 for none */
        int sign;                  /* 1: the cardholder pays, -1: has it back, 0: neither */
        bool foreign;              /* card */
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

struct ledger_row {
        int64_t id;
        enum ledger_state state;
        char kind[32];
        int64_t amount;
        char currency[4], rrn[13], approval[7], code[3];
        char pan_hash[LEDGER_HASH_MAX]; /* "" for none */
        bool foreign;
        char date[5];     /* MMDD, as the answer said it */
        int64_t age_days; /* whole days since */
};
/* -ENOENT when there is none. */
int ledger_find(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, struct ledger_row *ret);
bool ledger_is_card(const struct ledger *l, const struct ledger_row *row, const char *pan);
/* How many approved transactions of that kind are about this one and themselves not voided, and what they come to. */
int ledger_about(struct ledger *l, int64_t id, const char *kind, int64_t *ret_count, int64_t *ret_sum);
/* What all transactions come to for the holder of this card. */
int ledger_owed(struct ledger *l, const char *pan, int64_t *ret);

/* Marks as reversed, with DE39 of the reversal. */
int ledger_reverse(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, const char *reason);

/* ---- batches (ledger-batch.c) ---- */

enum ledger_batch {
        LEDGER_BATCH_OPEN,
        LEDGER_BATCH_UNEQUAL, /* its details are awaited */
        LEDGER_BATCH_SETTLED,
};
int ledger_batch_state(struct ledger *l, const char *terminal, uint32_t batch, enum ledger_batch *ret);
int ledger_set_batch(struct ledger *l, const char *terminal, uint32_t batch, enum ledger_batch state);
/* The batch itself while it is open, else the one behind the last that is not. */
int ledger_next_batch(struct ledger *l, const char *terminal, uint32_t batch, uint32_t *ret);
/* *ret_currency is that of the batch, "" for an empty one; -ENOTUNIQ when it has two. */
int ledger_totals(struct ledger *l, const struct host_profile *p, const char *terminal, uint32_t batch,
                  struct host_totals *ret, char ret_currency[static 4]);

/* A detail or, with icc, a chip record; the same twice is one. */
struct ledger_upload {
        const char *terminal;
        uint32_t batch, stan;
        int64_t amount;
        const char *pan; /* "" where the terminal does not know it */
        const uint8_t *icc;
        size_t icc_size;
};
int ledger_upload(struct ledger *l, const struct ledger_upload *u);
/* Details without chip records. */
int ledger_count_uploads(struct ledger *l, const char *terminal, uint32_t batch, int64_t *ret);

/* ---- the merchant's phone (ledger-binding.c) ---- */

#define LEDGER_SERIAL_MAX 33
/* -ENOENT while none is on record. */
int ledger_get_serial(struct ledger *l, const char *terminal, char ret[static LEDGER_SERIAL_MAX]);
int ledger_set_serial(struct ledger *l, const char *terminal, const char *serial);
/* 1 when that phone is bound to the terminal, or none is and phone is ""; else 0. */
int ledger_is_bound(struct ledger *l, const char *terminal, const char *phone);

enum ledger_change {
        LEDGER_CHANGE_NONE,
        LEDGER_CHANGE_CHECKED,
        LEDGER_CHANGE_CONFIRMED, /* the last of these is in force */
        LEDGER_CHANGE_WITHDRAWN,
};
/*
 * By its number and new phone: where a terminal's journal begins anew, so do its numbers. What was checked as a change
 * of another kind is as good as unknown.
 */
int ledger_get_change(struct ledger *l, const char *terminal, const struct host_binding *b, enum ledger_change *ret);
int ledger_set_change(struct ledger *l, const char *terminal, const struct host_binding *b, enum ledger_change state);
/* Strikes serial number and phone off the record. */
int ledger_unbind(struct ledger *l, const char *terminal);

/* ---- messages and keys ---- */

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

/* The wrapped keys of DE62. -ENOENT before the first sign-on and after a sign-off; size is set to what is there. */
int ledger_set_keys(struct ledger *l, const char *terminal, const void *wrapped, size_t size);
int ledger_forget_keys(struct ledger *l, const char *terminal);
int ledger_get_keys(struct ledger *l, const char *terminal, uint8_t wrapped[static WRAPPED_KEYS_MAX],
                    size_t *ret_size);

/* ---- reports (ledger-report.c), read-only, so that they may be asked while the acquirer runs ---- */

/*
 * The whole as JSON, allocated: {"charged": minor units, "held": minor units, "transactions": [...], "batches": [...],
 * "uploads": [...], "serials": [...], "changes": [...], "messages": [...]}, in the order of arrival. "charged" is what
 * cardholders owe: approved and not reversed, less what they had back; "held" is pre-authorized and neither completed
 * nor voided.
 */
int ledger_dump(const char *directory, char **ret);

struct ledger_filter {
        const char *terminal; /* NULL: all */
        int64_t batch;        /* 0: all */
        const char *day;      /* YYYY-MM-DD, NULL: all */
};
/* What was booked, in the format of till-acquirer(1), allocated. */
int ledger_statement(const char *directory, const struct ledger_filter *f, char **ret);
