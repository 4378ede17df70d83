/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this room share: the connection's inside, statements, sealing. */

#include <sqlite3.h>

#include "journal/connection.h"
#include "journal/transaction.h"
#include "journal/wal.h"

/* "Till", in the file's header. */
#define JOURNAL_APPLICATION_ID 0x54696c6c

struct journal_statement {
        const char *sql; /* compared by address: one literal, one statement */
        sqlite3_stmt *statement;
};

/* Derived from the storage key; in secret memory. */
struct journal_keys {
        uint8_t seal[32];  /* AES-256-GCM */
        uint8_t hash[32];  /* HMAC-SHA256 of PANs */
        uint8_t check[32]; /* stored: tells a wrong storage key from a damaged row */
        uint8_t sign[32];  /* HMAC-SHA256 of checkpoints */
};

struct journal {
        sqlite3 *db;
        struct journal_keys *keys;
        bool open;   /* between begin and commit */
        bool failed; /* a sync failed */
        enum journal_durability durability;
        struct wal_report log; /* as it was found */

        struct journal_statement *statements;
        size_t n_statements;
};

int journal_errno(int result, const char *text);
/* The negative errno of what has just failed. */
int journal_last_errno(struct journal *j);
/* Runs SQL that gives no rows and takes no values. */
int journal_execute(struct journal *j, const char *sql);
/* 0, or -EPROTO outside of a transaction. */
int journal_require_open(struct journal *j);

/*
 * A statement that is ready to be bound; it belongs to the journal. sql must be a literal. -EPROTO for one that
 * writes, outside of a transaction.
 */
int journal_statement(struct journal *j, const char *sql, sqlite3_stmt **ret);
static inline void statement_resetp(sqlite3_stmt **statement) {
        if (*statement) {
                (void) sqlite3_reset(*statement);
                (void) sqlite3_clear_bindings(*statement);
        }
}
#define _cleanup_statement_ _cleanup_(statement_resetp)
/* 1 a row, 0 the end, or an error. */
int journal_step(struct journal *j, sqlite3_stmt *statement);
/* Runs a statement that gives no row. */
int journal_run(struct journal *j, sqlite3_stmt *statement);
/* The same, for one that has to change one row; -ENOENT when it changes none. */
int journal_run_one(struct journal *j, sqlite3_stmt *statement);
/* The number that a statement gives first; -ENOENT where it gives no row. */
int journal_step_number(struct journal *j, sqlite3_stmt *statement, int64_t *ret);
/* The same for SQL that takes no values. */
int journal_query_number(struct journal *j, const char *sql, int64_t *ret);
/* What such a SELECT count(*) says. */
int journal_query_count(struct journal *j, const char *sql);
/* Takes a record from the row that a statement stands on. */
typedef int (*journal_row_t)(struct journal *j, sqlite3_stmt *statement, void *ret);
/* Steps to the next row and reads it: 1 a record, 0 the end, or an error. */
int journal_step_row(struct journal *j, sqlite3_stmt *statement, journal_row_t read, void *ret);
/* What reading a record for a list returns: 0 for one that is damaged, too. It is there, and the others are. */
int journal_readable(int r, bool *ret_unreadable);
/* The first row of SQL that takes one value, an id, or none; -ENOENT without a row. */
int journal_load_row(struct journal *j, const char *sql, int64_t id, journal_row_t read, void *ret);
/* Copies a text column; -EBADMSG when it does not fit, or is no text, -ENOMEM. */
int journal_column_text(sqlite3_stmt *statement, int column, char *text, size_t size);
/* Runs a statement for its first column, all rows. Resets it. The caller frees. */
int journal_column_ids(struct journal *j, sqlite3_stmt *statement, int64_t **ret, size_t *ret_n);

/* The transactions whose ids a statement gives. The ids first: what is called may then write to their rows. */
int transaction_record_each(struct journal *j, sqlite3_stmt *s, transaction_record_each_t each, void *userdata);

/* Rows of meta: which storage key it is, or is on the way to; and the key of PAN hashes once that is no longer the
 * storage key's, sealed under that place, too. */
#define JOURNAL_KEY_CHECK "key-check"
#define JOURNAL_KEY_NEXT "key-next"
#define JOURNAL_HASH_KEY "pan-hash-key"
/* Where the file has a key of PAN hashes, that one goes for the derived one. */
int journal_load_hash_key(struct journal *j);
/* journal_open() without a look at which key it was made with. */
int journal_open_unchecked(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret,
                           char **ret_message);
/* Words for a person on why it cannot be opened; returns r. */
int journal_explain(char **ret_message, int r, const char *path, const char *detail);
/* What AUTOINCREMENT remembers of a table: the highest number that there ever was. */
int journal_last_number(struct journal *j, const char *table, int64_t *ret);
/* The number of the row that is inserted next: what is sealed in it is bound to that. */
int journal_next_id(struct journal *j, const char *table, int64_t *ret);

int journal_keys_derive(const uint8_t storage[static JOURNAL_KEY_SIZE], struct journal_keys *ret);
/*
 * Sealed form: 1 byte version, 12 bytes nonce, ciphertext, 16 bytes tag. The place (a word) and its number are
 * authenticated, so that a sealed value cannot be moved to another row.
 */
#define SEAL_OVERHEAD 29
int journal_seal(struct journal *j, const char *place, int64_t number, const void *data, size_t size, uint8_t *ret);
/* ret has room for size - SEAL_OVERHEAD bytes. -EBADMSG when it does not open. */
int journal_unseal(struct journal *j, const char *place, int64_t number, const void *sealed, size_t size, void *ret);
/* Binds data in sealed form. */
int journal_bind_sealed(struct journal *j, sqlite3_stmt *s, int index, const char *place, int64_t number,
                        const void *data, size_t size);
/* Opens a sealed column of at most max bytes into secret memory. */
int journal_column_sealed(struct journal *j, sqlite3_stmt *s, int column, const char *place, int64_t number,
                          size_t max, void **ret, size_t *ret_size);
/* The same for a text without a 0 in it, which may be empty; -EBADMSG when it does not fit. */
int journal_column_sealed_text(struct journal *j, sqlite3_stmt *s, int column, const char *place, int64_t number,
                               char *text, size_t size);
int journal_pan_hash(struct journal *j, const char *pan, char ret[static 65]);

struct event_record;
int event_hash(const uint8_t previous[static 32], const struct event_record *event, uint8_t ret[static 32]);
/* Columns seq, time_usec, transaction_id, kind, text. The texts are the statement's. */
void event_read(sqlite3_stmt *s, struct event_record *ret);
/* Says in the log that events up to a checkpoint's are being removed; from then on they may be. */
int event_set_base(struct journal *j, int64_t seq);
bool event_is_purge(const struct event_record *event, int64_t *ret_seq);

/* -EBADMSG unless the pages of each table that does not grow for ever fit together. */
int journal_check_small_tables(struct journal *j);

uint64_t journal_now(void); /* CLOCK_REALTIME, usec */
