/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SQLite as the ledger's files use it. */

#include <sqlite3.h>

#include "acquirer/ledger.h"

struct ledger {
        sqlite3 *db;
        uint8_t *hash_key; /* secret */
};

#define NOW "strftime('%Y-%m-%dT%H:%M:%fZ')"

static inline void statement_freep(sqlite3_stmt **s) {
        (void) sqlite3_finalize(*s);
}
#define _cleanup_statement_ _cleanup_(statement_freep)

int sqlite_errno(int code);
int db_open(const char *directory, int flags, sqlite3 **ret);
/* Prepares and binds: each letter of types is one value, t(ext), i(nteger, int64_t). */
int ledger_prepare(struct ledger *l, sqlite3_stmt **ret, const char *sql, const char *types, ...);
/* The one row that there is, or -ENOENT. */
int ledger_step_row(sqlite3_stmt *s);
/* To the end, where no row is wanted. */
int ledger_step_done(sqlite3_stmt *s);

void ledger_mask(const char *pan, char masked[static LEDGER_MASKED_MAX]);
int ledger_hash(const struct ledger *l, const char *pan, char text[static LEDGER_HASH_MAX]);
