// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/reversal.h"

#include "base/secret.h"
#include "journal/internal.h"

#define PLACE "reversal.request"

void reversal_record_done(struct reversal_record *record) {
        record->request = secret_free(record->request);
        record->request_size = 0;
}

int reversal_record_insert(struct journal *j, const struct reversal_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (record->request_size == 0 || record->request_size > REVERSAL_REQUEST_MAX)
                return -ERANGE;
        r = journal_statement(j,
                              "INSERT INTO reversals (transaction_id, reason, armed, attempts, next_usec, next_boot,"
                              " last_answer, created_usec, request_sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, record->transaction);
        (void) sqlite3_bind_text(s, 2, record->reason, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, record->armed);
        (void) sqlite3_bind_int64(s, 4, record->attempts);
        (void) sqlite3_bind_int64(s, 5, (int64_t) record->next_usec);
        (void) sqlite3_bind_int64(s, 6, (int64_t) record->next_boot);
        (void) sqlite3_bind_text(s, 7, record->last_answer, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 8, (int64_t) record->created_usec);
        r = journal_bind_sealed(j, s, 9, PLACE, record->transaction, record->request, record->request_size);
        if (r < 0)
                return r;
        return journal_run(j, s);
}

int reversal_record_update(struct journal *j, const struct reversal_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_statement(j,
                              "UPDATE reversals SET reason = ?, armed = ?, attempts = ?, next_usec = ?, next_boot = ?,"
                              " last_answer = ? WHERE transaction_id = ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, record->reason, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, record->armed);
        (void) sqlite3_bind_int64(s, 3, record->attempts);
        (void) sqlite3_bind_int64(s, 4, (int64_t) record->next_usec);
        (void) sqlite3_bind_int64(s, 5, (int64_t) record->next_boot);
        (void) sqlite3_bind_text(s, 6, record->last_answer, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 7, record->transaction);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        return sqlite3_changes(j->db) == 1 ? 0 : -ENOENT;
}

int reversal_record_remove(struct journal *j, int64_t transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_statement(j, "DELETE FROM reversals WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        return sqlite3_changes(j->db) == 1 ? 0 : -ENOENT;
}

static int step_record(struct journal *j, sqlite3_stmt *s, struct reversal_record *ret) {
        struct reversal_record record = {};
        int r;

        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        record.transaction = sqlite3_column_int64(s, 0);
        r = journal_column_text(s, 1, record.reason, sizeof(record.reason));
        if (r < 0)
                return r;
        record.armed = sqlite3_column_int64(s, 2) != 0;
        record.attempts = (uint32_t) sqlite3_column_int64(s, 3);
        record.next_usec = (uint64_t) sqlite3_column_int64(s, 4);
        record.next_boot = (uint64_t) sqlite3_column_int64(s, 5);
        r = journal_column_text(s, 6, record.last_answer, sizeof(record.last_answer));
        if (r < 0)
                return r;
        record.created_usec = (uint64_t) sqlite3_column_int64(s, 7);
        r = journal_column_sealed(j, s, 8, PLACE, record.transaction, REVERSAL_REQUEST_MAX, &record.request,
                                  &record.request_size);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

#define SELECT_RECORD                                                                                                 \
        "SELECT transaction_id, reason, armed, attempts, next_usec, next_boot, last_answer, created_usec,"            \
        " request_sealed FROM reversals"

int reversal_record_load(struct journal *j, int64_t transaction, struct reversal_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_RECORD " WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        return step_record(j, s, ret);
}

int reversal_record_first(struct journal *j, struct reversal_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_RECORD " WHERE armed = 1 ORDER BY transaction_id LIMIT 1", &s);
        if (r < 0)
                return r;
        return step_record(j, s, ret);
}

int reversal_record_count_armed(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT count(*) FROM reversals WHERE armed = 1", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        return r > 0 ? sqlite3_column_int(s, 0) : r;
}

int reversal_record_find_rejected(struct journal *j, int64_t *ret_transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT r.transaction_id FROM reversals r JOIN transactions t ON t.id = r.transaction_id"
                              " WHERE r.armed = 0 AND t.reversal = 'rejected' ORDER BY r.transaction_id LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        *ret_transaction = sqlite3_column_int64(s, 0);
        return 0;
}
