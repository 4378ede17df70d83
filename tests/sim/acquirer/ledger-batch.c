// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/ledger-internal.h"

static const char *const batch_states[] = {
        [LEDGER_BATCH_OPEN] = "open",
        [LEDGER_BATCH_UNEQUAL] = "unequal",
        [LEDGER_BATCH_SETTLED] = "settled",
};

int ledger_batch_state(struct ledger *l, const char *terminal, uint32_t batch, enum ledger_batch *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "SELECT state FROM batches WHERE terminal = ? AND batch = ?", "ti", terminal,
                           (int64_t) batch);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r == -ENOENT) {
                *ret = LEDGER_BATCH_OPEN;
                return 0;
        }
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(batch_states); i++)
                if (streq((const char *) sqlite3_column_text(s, 0), batch_states[i])) {
                        *ret = i;
                        return 0;
                }
        return -EIO;
}

int ledger_set_batch(struct ledger *l, const char *terminal, uint32_t batch, enum ledger_batch state) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s,
                           "INSERT OR REPLACE INTO batches (terminal, batch, state, time) VALUES (?, ?, ?, " NOW ")",
                           "tit", terminal, (int64_t) batch, batch_states[state]);
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_next_batch(struct ledger *l, const char *terminal, uint32_t batch, uint32_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        enum ledger_batch state;
        int64_t last;
        int r;

        r = ledger_batch_state(l, terminal, batch, &state);
        if (r < 0)
                return r;
        if (state != LEDGER_BATCH_SETTLED) {
                *ret = batch;
                return 0;
        }
        r = ledger_prepare(l, &s,
                           "SELECT max((SELECT coalesce(max(batch), 0) FROM batches WHERE terminal = ?1),"
                           " (SELECT coalesce(max(batch), 0) FROM transactions WHERE terminal = ?1))",
                           "t", terminal);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r < 0)
                return r;
        last = sqlite3_column_int64(s, 0);
        *ret = (uint32_t) (last % 999999 + 1);
        return 0;
}

int ledger_totals(struct ledger *l, const struct host_profile *p, const char *terminal, uint32_t batch,
                  struct host_totals *ret, char ret_currency[static 4]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct host_totals t = {};
        int r;

        r = ledger_prepare(l, &s,
                           "SELECT kind, foreign_card, amount, currency FROM transactions"
                           " WHERE terminal = ? AND batch = ? AND effect = 'approved' AND sign <> 0",
                           "ti", terminal, (int64_t) batch);
        if (r < 0)
                return r;
        ret_currency[0] = '\0';
        while ((r = ledger_step_row(s)) >= 0) {
                const char *currency = strempty((const char *) sqlite3_column_text(s, 3));

                if (ret_currency[0] && !streq(ret_currency, currency))
                        return -ENOTUNIQ;
                snprintf(ret_currency, 4, "%s", currency);
                r = host_totals_add(&t, p, host_kind_from_name((const char *) sqlite3_column_text(s, 0)),
                                    sqlite3_column_int64(s, 1) != 0, sqlite3_column_int64(s, 2));
                if (r < 0)
                        return r;
        }
        if (r != -ENOENT)
                return r;
        *ret = t;
        return 0;
}

int ledger_upload(struct ledger *l, const struct ledger_upload *u) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char masked[LEDGER_MASKED_MAX] = "", hashed[LEDGER_HASH_MAX] = "";
        int r;

        if (*u->pan) {
                ledger_mask(u->pan, masked);
                r = ledger_hash(l, u->pan, hashed);
                if (r < 0)
                        return r;
        }
        r = ledger_prepare(l, &s,
                           "INSERT OR REPLACE INTO uploads (terminal, batch, stan, amount, pan, pan_hash, chip, icc)"
                           " VALUES (?, ?, ?, ?, ?, ?, ?, ?8)",
                           "tiiitti", u->terminal, (int64_t) u->batch, (int64_t) u->stan, u->amount, masked, hashed,
                           (int64_t) (u->icc != NULL));
        if (r >= 0 && u->icc)
                r = sqlite_errno(sqlite3_bind_blob(s, 8, u->icc, (int) u->icc_size, SQLITE_TRANSIENT));
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_count_uploads(struct ledger *l, const char *terminal, uint32_t batch, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "SELECT count(*) FROM uploads WHERE terminal = ? AND batch = ? AND chip = 0", "ti",
                           terminal, (int64_t) batch);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r >= 0)
                *ret = sqlite3_column_int64(s, 0);
        return r;
}
