// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/batch.h"

#include "base/secret.h"
#include "journal/counter.h"
#include "journal/internal.h"

#define PLACE "chip_record.icc"
#define NUMBER_MAX 999999

static const char *const state_words[] = { "open", "frozen", "uploading", "settled" };
static const char *const reconciliation_words[] = { "none", "balanced", "unequal", "by-agreement" };
_Static_assert(ELEMENTSOF(state_words) == _BATCH_STATE_MAX &&
                       ELEMENTSOF(reconciliation_words) == _BATCH_RECONCILIATION_MAX,
               "a word each");

const char *batch_state_to_string(enum batch_state state) {
        return (unsigned) state < _BATCH_STATE_MAX ? state_words[state] : NULL;
}

const char *batch_reconciliation_to_string(enum batch_reconciliation reconciliation) {
        return (unsigned) reconciliation < _BATCH_RECONCILIATION_MAX ? reconciliation_words[reconciliation] : NULL;
}

/* --- the row --- */

static int word_of_column(sqlite3_stmt *s, int column, const char *const *words, unsigned n, unsigned *ret) {
        const char *text = strempty((const char *) sqlite3_column_text(s, column));

        for (unsigned i = 0; i < n; i++)
                if (streq(words[i], text)) {
                        *ret = i;
                        return 0;
                }
        return -EBADMSG;
}

static int read_row(sqlite3_stmt *s, struct batch_record *ret) {
        struct batch_record record = { .number = (uint32_t) sqlite3_column_int64(s, 0) };
        unsigned state, reconciliation;
        int r;

        r = word_of_column(s, 1, state_words, ELEMENTSOF(state_words), &state);
        if (r < 0)
                return r;
        r = journal_column_text(s, 2, record.currency, sizeof(record.currency));
        if (r < 0)
                return r;
        r = word_of_column(s, 3, reconciliation_words, ELEMENTSOF(reconciliation_words), &reconciliation);
        if (r < 0)
                return r;
        r = journal_column_text(s, 4, record.totals, sizeof(record.totals));
        if (r < 0)
                return r;
        record.state = (enum batch_state) state;
        record.reconciliation = (enum batch_reconciliation) reconciliation;
        record.settlement = sqlite3_column_int64(s, 5);
        record.details_to = sqlite3_column_int64(s, 6);
        record.chips_to = sqlite3_column_int64(s, 7);
        record.uploaded = (uint32_t) sqlite3_column_int64(s, 8);
        record.opened_usec = (uint64_t) sqlite3_column_int64(s, 9);
        record.frozen_usec = (uint64_t) sqlite3_column_int64(s, 10);
        record.settled_usec = (uint64_t) sqlite3_column_int64(s, 11);
        *ret = record;
        return 0;
}

/* 1 when it has a row. */
static int load_row(struct journal *j, uint32_t number, struct batch_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT number, state, currency, reconciliation, totals, settlement, details_to,"
                              " chips_to, uploaded, opened_usec, frozen_usec, settled_usec FROM batches"
                              " WHERE number = ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        r = read_row(s, ret);
        return r < 0 ? r : 1;
}

/* From its first transaction that names money; 1 when there is one. */
static int load_first(struct journal *j, uint32_t number, struct batch_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT currency, started_usec FROM transactions"
                              " WHERE batch = ? AND stan <> 0 AND amount > 0 ORDER BY id LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        r = journal_column_text(s, 0, record->currency, sizeof(record->currency));
        if (r < 0)
                return r;
        record->opened_usec = (uint64_t) sqlite3_column_int64(s, 1);
        return 1;
}

int batch_load(struct journal *j, uint32_t number, struct batch_record *ret) {
        struct batch_record record = { .number = number };
        uint32_t current;
        int r;

        r = load_row(j, number, &record);
        if (r == 0) {
                r = load_first(j, number, &record);
                if (r < 0)
                        return r;
                if (r == 0) {
                        r = counter_get_batch(j, &current);
                        if (r < 0)
                                return r;
                        if (number != current)
                                return -ENOENT;
                }
        }
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

int batch_load_current(struct journal *j, struct batch_record *ret) {
        uint32_t number;
        int r;

        r = counter_get_batch(j, &number);
        if (r < 0)
                return r;
        return batch_load(j, number, ret);
}

int batch_is_empty(struct journal *j, uint32_t number) {
        struct batch_record record;
        int r;

        r = load_row(j, number, &record);
        if (r == 0)
                r = load_first(j, number, &record);
        return r < 0 ? r : r == 0;
}

int batch_newest_settlement(struct journal *j, const char *kind, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT id FROM transactions WHERE kind = ? ORDER BY id DESC LIMIT 1", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
        return journal_step_number(j, s, ret);
}

int batch_last_settled(struct journal *j, uint64_t *ret_usec) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t usec;
        int r;

        /* Not by number: the acquirer's choice may be a lower one. */
        r = journal_statement(j, "SELECT coalesce(max(settled_usec), 0) FROM batches", &s);
        if (r < 0)
                return r;
        r = journal_step_number(j, s, &usec);
        if (r < 0)
                return r;
        *ret_usec = (uint64_t) usec;
        return 0;
}

/* --- totals --- */

/* What of a batch counts: approved here, and not refused when the acquirer was told. */
#define COUNTS                                                                                                        \
        " batch = ?1 AND stan <> 0 AND amount > 0 AND result = 'approved'"                                            \
        " AND forwarding IN ('none','pending','done')"

static int each_total(struct journal *j, sqlite3_stmt *s, batch_total_each_t each, void *userdata) {
        int r;

        while ((r = journal_step(j, s)) > 0) {
                struct batch_total total;

                r = journal_column_text(s, 0, total.kind, sizeof(total.kind));
                if (r < 0)
                        return r;
                total.count = (uint32_t) sqlite3_column_int64(s, 1);
                total.amount = sqlite3_column_int64(s, 2);
                r = each(&total, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

int batch_each_total(struct journal *j, uint32_t number, batch_total_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct batch_record record;
        int r;

        r = load_row(j, number, &record);
        if (r < 0)
                return r;
        if (r > 0)
                r = journal_statement(j, "SELECT kind, count, amount FROM batch_totals WHERE batch = ? ORDER BY kind",
                                      &s);
        else
                r = journal_statement(j,
                                      "SELECT kind, count(*), sum(amount) FROM transactions WHERE" COUNTS
                                      " GROUP BY kind ORDER BY kind",
                                      &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        return each_total(j, s, each, userdata);
}

struct snapshot {
        struct journal *j;
        uint32_t number;
};

static int keep_total(const struct batch_total *total, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        const struct snapshot *shot = userdata;
        int r;

        r = journal_statement(shot->j, "INSERT INTO batch_totals (batch, kind, count, amount) VALUES (?, ?, ?, ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, shot->number);
        (void) sqlite3_bind_text(s, 2, total->kind, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, total->count);
        (void) sqlite3_bind_int64(s, 4, total->amount);
        return journal_run(shot->j, s);
}

/* --- the way of a settlement --- */

int batch_freeze(struct journal *j, struct batch_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct snapshot shot = { j, record->number };
        struct batch_record first = {};
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = load_first(j, record->number, &first);
        if (r < 0)
                return r;
        /* First, while the rows still say it. */
        r = batch_each_total(j, record->number, keep_total, &shot);
        if (r < 0)
                return r;
        r = journal_statement(j,
                              "INSERT INTO batches (number, state, currency, reconciliation, totals, settlement,"
                              " details_to, chips_to, uploaded, opened_usec, frozen_usec, settled_usec)"
                              " VALUES (?, 'frozen', ?, 'none', ?, ?, 0, 0, 0, ?, ?, 0)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, record->number);
        (void) sqlite3_bind_text(s, 2, first.currency, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 3, record->totals, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 4, record->settlement);
        (void) sqlite3_bind_int64(s, 5, (int64_t) first.opened_usec);
        (void) sqlite3_bind_int64(s, 6, (int64_t) journal_now());
        r = journal_run(j, s);
        if (r < 0)
                return r;
        r = load_row(j, record->number, record);
        return r < 0 ? r : 0;
}

static int write_row(struct journal *j, const struct batch_record *record, uint64_t settled_usec) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "UPDATE batches SET state = ?, reconciliation = ?, settlement = ?, details_to = ?,"
                              " chips_to = ?, uploaded = ?, settled_usec = ? WHERE number = ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, state_words[record->state], -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 2, reconciliation_words[record->reconciliation], -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, record->settlement);
        (void) sqlite3_bind_int64(s, 4, record->details_to);
        (void) sqlite3_bind_int64(s, 5, record->chips_to);
        (void) sqlite3_bind_int64(s, 6, record->uploaded);
        (void) sqlite3_bind_int64(s, 7, (int64_t) settled_usec);
        (void) sqlite3_bind_int64(s, 8, record->number);
        return journal_run_one(j, s);
}

int batch_update(struct journal *j, const struct batch_record *record) {
        return write_row(j, record, 0);
}

static int forget_chips(struct journal *j, uint32_t number) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "DELETE FROM chip_records WHERE transaction_id IN"
                              " (SELECT id FROM transactions WHERE batch = ? AND stan <> 0)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        return journal_run(j, s);
}

/* The next one that nothing is known of; after the highest comes 1 again. */
static int next_number(struct journal *j, uint32_t number, uint32_t *ret) {
        int r;

        for (uint32_t i = 0; i < NUMBER_MAX; i++) {
                number = number % NUMBER_MAX + 1;
                r = batch_is_empty(j, number);
                if (r < 0)
                        return r;
                if (r > 0) {
                        *ret = number;
                        return 0;
                }
        }
        return -ENOSPC;
}

int batch_advance(struct journal *j, struct batch_record *record, uint32_t *ret) {
        struct batch_record settled = *record;
        uint32_t next;
        int r;

        settled.state = BATCH_SETTLED;
        settled.settled_usec = journal_now();
        r = write_row(j, &settled, settled.settled_usec);
        if (r < 0)
                return r;
        /* Of an agreed end they are the proof of what the acquirer has not taken yet: they go with their rows. */
        if (record->reconciliation != BATCH_BY_AGREEMENT) {
                r = forget_chips(j, record->number);
                if (r < 0)
                        return r;
        }
        r = next_number(j, record->number, &next);
        if (r < 0)
                return r;
        r = counter_set_batch(j, next);
        if (r < 0)
                return r;
        *record = settled;
        *ret = next;
        return 0;
}

/* --- rows --- */

int batch_each_row(struct journal *j, uint32_t number, enum batch_rows rows, int64_t after, unsigned limit,
                   transaction_record_each_t each, void *userdata) {
        static const char *const statements[_BATCH_ROWS_MAX] = {
                [BATCH_ALL] = "SELECT id FROM transactions WHERE batch = ?1 AND stan <> 0 AND id > ?2"
                              " ORDER BY id LIMIT ?3",
                [BATCH_APPROVED] = "SELECT id FROM transactions WHERE" COUNTS " AND id > ?2 ORDER BY id LIMIT ?3",
                [BATCH_CHIPS] = "SELECT id FROM transactions WHERE" COUNTS " AND id > ?2"
                                " AND id IN (SELECT transaction_id FROM chip_records) ORDER BY id LIMIT ?3",
                [BATCH_UNKNOWN] = "SELECT id FROM transactions WHERE batch = ?1 AND stan <> 0 AND id > ?2"
                                  " AND (result = 'unconfirmed' OR reversal IN ('pending','rejected'))"
                                  " ORDER BY id LIMIT ?3",
                [BATCH_REJECTED] = "SELECT id FROM transactions WHERE batch = ?1 AND stan <> 0 AND id > ?2"
                                   " AND forwarding IN ('rejected','resolved') ORDER BY id LIMIT ?3",
        };
        sqlite3_stmt *s;
        int r;

        r = journal_statement(j, statements[rows], &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, number);
        (void) sqlite3_bind_int64(s, 2, after);
        (void) sqlite3_bind_int64(s, 3, limit > 0 ? (int64_t) limit : -1);
        return transaction_record_each(j, s, each, userdata);
}

/* --- chip records --- */

int batch_keep_chip(struct journal *j, int64_t transaction, const void *icc, size_t size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (size == 0 || size > BATCH_CHIP_MAX)
                return -ERANGE;
        r = journal_statement(j, "INSERT INTO chip_records (transaction_id, icc_sealed) VALUES (?, ?)", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        r = journal_bind_sealed(j, s, 2, PLACE, transaction, icc, size);
        if (r < 0)
                return r;
        return journal_run(j, s);
}

int batch_has_chip(struct journal *j, int64_t transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT 1 FROM chip_records WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        return journal_step(j, s);
}

int batch_load_chip(struct journal *j, int64_t transaction, uint8_t ret[static BATCH_CHIP_MAX], size_t *ret_size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_secret_ void *icc = NULL;
        int r;

        r = journal_statement(j, "SELECT icc_sealed FROM chip_records WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = journal_column_sealed(j, s, 0, PLACE, transaction, BATCH_CHIP_MAX, &icc, ret_size);
        if (r < 0)
                return r;
        memcpy(ret, icc, *ret_size);
        return 0;
}
