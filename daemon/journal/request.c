// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/request.h"

#include "base/secret.h"
#include "journal/internal.h"

/* The tables are alike but for one or two columns, which come last: armed and reason, sent and created_uptime, armed.
 */
#define COLUMNS "transaction_id, attempts, next_usec, next_boot, last_answer, created_usec, request_sealed, "
#define INSERT(table, columns, values)                                                                                \
        "INSERT INTO " table " (" COLUMNS columns ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, " values ")"
#define UPDATE(table, column)                                                                                         \
        "UPDATE " table " SET attempts = ?2, next_usec = ?3, next_boot = ?4, last_answer = ?5, " column
#define FROM_REVERSALS "SELECT " COLUMNS "armed, reason FROM reversals"
#define FROM_FORWARDS "SELECT " COLUMNS "sent, created_uptime FROM forwards"
#define FROM_WITHDRAWALS "SELECT " COLUMNS "armed FROM withdrawals"

static const struct {
        const char *place; /* of the seal */
        const char *insert, *update, *remove, *load, *first, *count;
} queues[] = {
        [REQUEST_REVERSAL] = {
                .place = "reversal.request",
                .insert = INSERT("reversals", "armed, reason", "?8, ?9"),
                .update = UPDATE("reversals", "armed = ?8, reason = ?9 WHERE transaction_id = ?1"),
                .remove = "DELETE FROM reversals WHERE transaction_id = ?",
                .load = FROM_REVERSALS " WHERE transaction_id = ?",
                .first = FROM_REVERSALS " WHERE armed = 1 ORDER BY transaction_id LIMIT 1",
                .count = "SELECT count(*) FROM reversals WHERE armed = 1",
        },
        [REQUEST_FORWARD] = {
                .place = "forward.request",
                .insert = INSERT("forwards", "sent, created_uptime", "?8, ?9"),
                .update = UPDATE("forwards", "sent = ?8 WHERE transaction_id = ?1"),
                .remove = "DELETE FROM forwards WHERE transaction_id = ?",
                .load = FROM_FORWARDS " WHERE transaction_id = ?",
                .first = FROM_FORWARDS " ORDER BY transaction_id LIMIT 1",
                .count = "SELECT count(*) FROM forwards",
        },
        [REQUEST_WITHDRAWAL] = {
                .place = "withdrawal.request",
                .insert = INSERT("withdrawals", "armed", "?8"),
                .update = UPDATE("withdrawals", "armed = ?8 WHERE transaction_id = ?1"),
                .remove = "DELETE FROM withdrawals WHERE transaction_id = ?",
                .load = FROM_WITHDRAWALS " WHERE transaction_id = ?",
                .first = FROM_WITHDRAWALS " WHERE armed = 1 ORDER BY transaction_id LIMIT 1",
                .count = "SELECT count(*) FROM withdrawals WHERE armed = 1",
        },
};

void request_record_done(struct request_record *record) {
        record->request = secret_free(record->request);
        record->request_size = 0;
}

/* What can change; ?9 of a forward is bound at its insertion. */
static void bind_changes(sqlite3_stmt *s, const struct request_record *record) {
        (void) sqlite3_bind_int64(s, 1, record->transaction);
        (void) sqlite3_bind_int64(s, 2, record->attempts);
        (void) sqlite3_bind_int64(s, 3, (int64_t) record->next_usec);
        (void) sqlite3_bind_int64(s, 4, (int64_t) record->next_boot);
        (void) sqlite3_bind_text(s, 5, record->last_answer, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 8, record->queue == REQUEST_FORWARD ? record->sent : record->armed);
        if (record->queue == REQUEST_REVERSAL)
                (void) sqlite3_bind_text(s, 9, record->reason, -1, SQLITE_STATIC);
}

int request_record_insert(struct journal *j, const struct request_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        if (record->request_size == 0 || record->request_size > REQUEST_MAX || record->created_uptime > INT64_MAX)
                return -ERANGE;
        r = journal_statement(j, queues[record->queue].insert, &s);
        if (r < 0)
                return r;
        bind_changes(s, record);
        (void) sqlite3_bind_int64(s, 6, (int64_t) record->created_usec);
        if (record->queue == REQUEST_FORWARD)
                (void) sqlite3_bind_int64(s, 9, (int64_t) record->created_uptime);
        r = journal_bind_sealed(j, s, 7, queues[record->queue].place, record->transaction, record->request,
                                record->request_size);
        if (r < 0)
                return r;
        return journal_run(j, s);
}

int request_record_update(struct journal *j, const struct request_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, queues[record->queue].update, &s);
        if (r < 0)
                return r;
        bind_changes(s, record);
        return journal_run_one(j, s);
}

int request_record_remove(struct journal *j, enum request_queue queue, int64_t transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, queues[queue].remove, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        return journal_run_one(j, s);
}

static int step_record(struct journal *j, sqlite3_stmt *s, enum request_queue queue, struct request_record *ret) {
        struct request_record record = { .queue = queue };
        int r;

        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        record.transaction = sqlite3_column_int64(s, 0);
        record.attempts = (uint32_t) sqlite3_column_int64(s, 1);
        record.next_usec = (uint64_t) sqlite3_column_int64(s, 2);
        record.next_boot = (uint64_t) sqlite3_column_int64(s, 3);
        r = journal_column_text(s, 4, record.last_answer, sizeof(record.last_answer));
        if (r < 0)
                return r;
        record.created_usec = (uint64_t) sqlite3_column_int64(s, 5);
        if (queue == REQUEST_FORWARD) {
                record.sent = sqlite3_column_int64(s, 7) != 0;
                record.created_uptime = (uint64_t) sqlite3_column_int64(s, 8);
        } else
                record.armed = sqlite3_column_int64(s, 7) != 0;
        if (queue == REQUEST_REVERSAL) {
                r = journal_column_text(s, 8, record.reason, sizeof(record.reason));
                if (r < 0)
                        return r;
        }
        r = journal_column_sealed(j, s, 6, queues[queue].place, record.transaction, REQUEST_MAX, &record.request,
                                  &record.request_size);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

int request_record_load(struct journal *j, enum request_queue queue, int64_t transaction, struct request_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, queues[queue].load, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, transaction);
        return step_record(j, s, queue, ret);
}

int request_record_first(struct journal *j, enum request_queue queue, struct request_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, queues[queue].first, &s);
        if (r < 0)
                return r;
        return step_record(j, s, queue, ret);
}

int request_record_count(struct journal *j, enum request_queue queue) {
        return journal_query_count(j, queues[queue].count);
}

int request_record_find_rejected(struct journal *j, int64_t *ret_transaction) {
        return journal_query_number(
                j,
                "SELECT r.transaction_id FROM reversals r JOIN transactions t ON t.id = r.transaction_id"
                " WHERE r.armed = 0 AND t.reversal = 'rejected' ORDER BY r.transaction_id LIMIT 1",
                ret_transaction);
}

int request_record_sum_forwards(struct journal *j, unsigned *ret_count, int64_t *ret_amount) {
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

int request_record_oldest_forward(struct journal *j, uint64_t *ret_usec, uint64_t *ret_uptime) {
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
