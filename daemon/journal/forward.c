// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/forward.h"

#include "base/secret.h"
#include "journal/internal.h"

#define PLACE "forward.request"

void forward_record_done(struct forward_record *record) {
        record->request = secret_free(record->request);
        record->request_size = 0;
}

int forward_record_insert(struct journal *j, const struct forward_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (record->request_size == 0 || record->request_size > FORWARD_REQUEST_MAX ||
            record->created_uptime > INT64_MAX)
                return -ERANGE;
        r = journal_statement(j,
                              "INSERT INTO forwards (transaction_id, sent, attempts, next_usec, next_boot,"
                              " last_answer, created_usec, created_uptime, request_sealed)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, record->transaction);
        (void) sqlite3_bind_int64(s, 2, record->sent);
        (void) sqlite3_bind_int64(s, 3, record->attempts);
        (void) sqlite3_bind_int64(s, 4, (int64_t) record->next_usec);
        (void) sqlite3_bind_int64(s, 5, (int64_t) record->next_boot);
        (void) sqlite3_bind_text(s, 6, record->last_answer, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 7, (int64_t) record->created_usec);
        (void) sqlite3_bind_int64(s, 8, (int64_t) record->created_uptime);
        r = journal_bind_sealed(j, s, 9, PLACE, record->transaction, record->request, record->request_size);
        if (r < 0)
                return r;
        return journal_run(j, s);
}

int forward_record_update(struct journal *j, const struct forward_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_statement(j,
                              "UPDATE forwards SET sent = ?, attempts = ?, next_usec = ?, next_boot = ?,"
                              " last_answer = ? WHERE transaction_id = ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, record->sent);
        (void) sqlite3_bind_int64(s, 2, record->attempts);
        (void) sqlite3_bind_int64(s, 3, (int64_t) record->next_usec);
        (void) sqlite3_bind_int64(s, 4, (int64_t) record->next_boot);
        (void) sqlite3_bind_text(s, 5, record->last_answer, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 6, record->transaction);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        return sqlite3_changes(j->db) == 1 ? 0 : -ENOENT;
}

int forward_record_remove(struct journal *j, int64_t transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_statement(j, "DELETE FROM forwards WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        return sqlite3_changes(j->db) == 1 ? 0 : -ENOENT;
}

static int step_record(struct journal *j, sqlite3_stmt *s, struct forward_record *ret) {
        struct forward_record record = {};
        int r;

        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        record.transaction = sqlite3_column_int64(s, 0);
        record.sent = sqlite3_column_int64(s, 1) != 0;
        record.attempts = (uint32_t) sqlite3_column_int64(s, 2);
        record.next_usec = (uint64_t) sqlite3_column_int64(s, 3);
        record.next_boot = (uint64_t) sqlite3_column_int64(s, 4);
        r = journal_column_text(s, 5, record.last_answer, sizeof(record.last_answer));
        if (r < 0)
                return r;
        record.created_usec = (uint64_t) sqlite3_column_int64(s, 6);
        record.created_uptime = (uint64_t) sqlite3_column_int64(s, 7);
        r = journal_column_sealed(j, s, 8, PLACE, record.transaction, FORWARD_REQUEST_MAX, &record.request,
                                  &record.request_size);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

#define SELECT_RECORD                                                                                                 \
        "SELECT transaction_id, sent, attempts, next_usec, next_boot, last_answer, created_usec, created_uptime,"     \
        " request_sealed FROM forwards"

int forward_record_load(struct journal *j, int64_t transaction, struct forward_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_RECORD " WHERE transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        return step_record(j, s, ret);
}

int forward_record_first(struct journal *j, struct forward_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT_RECORD " ORDER BY transaction_id LIMIT 1", &s);
        if (r < 0)
                return r;
        return step_record(j, s, ret);
}

int forward_record_sum(struct journal *j, unsigned *ret_count, int64_t *ret_amount) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT count(*), coalesce(sum(t.amount), 0) FROM forwards f JOIN transactions t"
                              " ON t.id = f.transaction_id",
                              &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        *ret_count = (unsigned) sqlite3_column_int64(s, 0);
        *ret_amount = sqlite3_column_int64(s, 1);
        return 0;
}

int forward_record_count(struct journal *j) {
        unsigned count;
        int64_t amount;
        int r;

        r = forward_record_sum(j, &count, &amount);
        return r < 0 ? r : (int) count;
}

int forward_record_oldest(struct journal *j, uint64_t *ret_usec, uint64_t *ret_uptime) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT created_usec, created_uptime FROM forwards ORDER BY transaction_id LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        *ret_usec = (uint64_t) sqlite3_column_int64(s, 0);
        *ret_uptime = (uint64_t) sqlite3_column_int64(s, 1);
        return 1;
}
