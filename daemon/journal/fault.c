// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/fault.h"

#include <cjson/cJSON.h>
#include <inttypes.h>

#include "journal/column.h"
#include "journal/event.h"
#include "journal/internal.h"

/* ---- Events ---- */

/* {"fault":12,"code":"reversal-rejected","subject":"7"} and, where they are known, by whom and why. */
static char *describe(const struct fault_record *record, const char *by, const char *note) {
        cJSON *json = cJSON_CreateObject();
        char *text = NULL;

        if (cJSON_AddNumberToObject(json, "fault", (double) record->id) &&
            cJSON_AddStringToObject(json, "code", record->code) &&
            cJSON_AddStringToObject(json, "subject", record->subject) &&
            (!*by || cJSON_AddStringToObject(json, "by", by)) &&
            (!*note || cJSON_AddStringToObject(json, "note", note)))
                text = cJSON_PrintUnformatted(json);
        cJSON_Delete(json);
        return text;
}

static int tell(struct journal *j, const char *kind, const struct fault_record *record, const char *by,
                const char *note) {
        _cleanup_free_ char *text = describe(record, by, note);

        return text ? event_append(j, kind, record->transaction, text) : -ENOMEM;
}

/* ---- Rows ---- */

#define COLUMNS                                                                                                       \
        "id, code, subject, class, severity, detail, transaction_id, count, opened_usec, seen_usec,"                  \
        " acknowledged_usec, acknowledged_by, ended_usec, ended_by, note, device, firmware, versions, environment"

#define FIELD(member, ...) COLUMN_MEMBER(struct fault_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(id, COLUMN_I64),
        FIELD(code, COLUMN_TEXT),
        FIELD(subject, COLUMN_TEXT),
        FIELD(class, COLUMN_TEXT),
        FIELD(severity, COLUMN_TEXT),
        FIELD(detail, COLUMN_TEXT),
        FIELD(transaction, COLUMN_I64),
        FIELD(count, COLUMN_U32),
        FIELD(opened_usec, COLUMN_U64),
        FIELD(seen_usec, COLUMN_U64),
        FIELD(acknowledged_usec, COLUMN_U64),
        FIELD(acknowledged_by, COLUMN_TEXT),
        FIELD(ended_usec, COLUMN_U64),
        FIELD(ended_by, COLUMN_TEXT),
        FIELD(note, COLUMN_TEXT),
        FIELD(device, COLUMN_TEXT),
        FIELD(firmware, COLUMN_TEXT),
        FIELD(versions, COLUMN_TEXT),
        FIELD(environment, COLUMN_TEXT),
};

static int read_record(sqlite3_stmt *s, struct fault_record *ret) {
        struct fault_record record = {};
        int r;

        r = columns_read(s, 0, fields, ELEMENTSOF(fields), &record);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

static int step_record(struct journal *j, sqlite3_stmt *s, struct fault_record *ret) {
        int r = journal_step(j, s);

        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        return read_record(s, ret);
}

int fault_record_load(struct journal *j, int64_t id, struct fault_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM faults WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return step_record(j, s, ret);
}

int fault_record_find(struct journal *j, const char *code, const char *subject, struct fault_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM faults WHERE code = ? AND subject = ? AND ended_usec = 0",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, code, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 2, subject, -1, SQLITE_STATIC);
        return step_record(j, s, ret);
}

int fault_record_count_open(struct journal *j) {
        return journal_query_count(j, "SELECT count(*) FROM faults WHERE ended_usec = 0");
}

/* The rows first: what is called may then change them. */
static int collect(struct journal *j, sqlite3_stmt *s, struct fault_record **ret, size_t *ret_n) {
        _cleanup_free_ struct fault_record *list = NULL;
        size_t n = 0;
        int r;

        while ((r = journal_step(j, s)) > 0) {
                struct fault_record *more = reallocarray(list, n + 1, sizeof(*list));

                if (!more)
                        return -ENOMEM;
                list = more;
                r = read_record(s, list + n);
                if (r < 0)
                        return r;
                n++;
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list);
        *ret_n = n;
        return 0;
}

int fault_record_each(struct journal *j, const struct fault_filter *filter, fault_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_free_ struct fault_record *list = NULL;
        size_t n = 0;
        int r;

        r = journal_statement(j,
                              "SELECT " COLUMNS " FROM faults WHERE id < ?1 AND opened_usec >= ?2"
                              " AND (?3 = 0 OR ended_usec = 0) AND (ended_usec = 0 OR ended_usec >= ?5)"
                              " ORDER BY id DESC LIMIT ?4",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, filter->before > 0 ? filter->before : INT64_MAX);
        (void) sqlite3_bind_int64(s, 2, (int64_t) MIN(filter->since_usec, (uint64_t) INT64_MAX));
        (void) sqlite3_bind_int64(s, 3, filter->open);
        (void) sqlite3_bind_int64(s, 4, filter->limit > 0 ? (int64_t) filter->limit : -1);
        (void) sqlite3_bind_int64(s, 5, (int64_t) MIN(filter->lasted_usec, (uint64_t) INT64_MAX));
        r = collect(j, s, &list, &n);
        for (size_t i = 0; r == 0 && i < n; i++)
                r = each(list + i, userdata);
        return r;
}

/* ---- Their life ---- */

static int insert(struct journal *j, struct fault_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        record->count = 1;
        record->opened_usec = record->seen_usec;
        r = journal_statement(j,
                              "INSERT INTO faults (code, subject, class, severity, detail, transaction_id, count,"
                              " opened_usec, seen_usec, device, firmware, versions, environment)"
                              " VALUES (?, ?, ?, ?, ?, ?, 1, ?7, ?7, ?8, ?9, ?10, ?11)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, record->code, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 2, record->subject, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 3, record->class, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 4, record->severity, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 5, record->detail, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 6, record->transaction);
        (void) sqlite3_bind_int64(s, 7, (int64_t) record->seen_usec);
        (void) sqlite3_bind_text(s, 8, record->device, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 9, record->firmware, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 10, record->versions, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 11, record->environment, -1, SQLITE_STATIC);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        record->id = sqlite3_last_insert_rowid(j->db);
        r = tell(j, "fault-opened", record, "", "");
        return r < 0 ? r : 1;
}

static int count_one(struct journal *j, struct fault_record *record, const struct fault_record *open) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct fault_record seen = *open;
        int r;

        seen.count++;
        seen.seen_usec = record->seen_usec;
        seen.transaction = record->transaction;
        COPY(seen.detail, record->detail);
        r = journal_statement(
                j, "UPDATE faults SET count = ?, seen_usec = ?, transaction_id = ?, detail = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, seen.count);
        (void) sqlite3_bind_int64(s, 2, (int64_t) seen.seen_usec);
        (void) sqlite3_bind_int64(s, 3, seen.transaction);
        (void) sqlite3_bind_text(s, 4, seen.detail, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 5, seen.id);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        *record = seen;
        return 0;
}

int fault_record_open(struct journal *j, struct fault_record *record) {
        struct fault_record open;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        record->seen_usec = journal_now();
        r = fault_record_find(j, record->code, record->subject, &open);
        if (r == -ENOENT)
                return insert(j, record);
        return r < 0 ? r : count_one(j, record, &open);
}

int fault_record_acknowledge(struct journal *j, int64_t id, const char *by) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct fault_record record = {};
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = fault_record_load(j, id, &record);
        if (r < 0)
                return r;
        if (record.ended_usec > 0 || record.acknowledged_usec > 0)
                return -EALREADY;
        r = journal_statement(j, "UPDATE faults SET acknowledged_usec = ?, acknowledged_by = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) journal_now());
        (void) sqlite3_bind_text(s, 2, by, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, id);
        r = journal_run(j, s);
        return r < 0 ? r : tell(j, "fault-acknowledged", &record, by, "");
}

int fault_record_end(struct journal *j, struct fault_record *record, const char *by, const char *note) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint64_t now = journal_now();
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (strlen(by) >= sizeof(record->ended_by) || strlen(note) >= sizeof(record->note))
                return -ERANGE;
        r = journal_statement(j, "UPDATE faults SET ended_usec = ?, ended_by = ?, note = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) now);
        (void) sqlite3_bind_text(s, 2, by, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 3, note, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 4, record->id);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        if (sqlite3_changes(j->db) != 1)
                return -ENOENT;
        record->ended_usec = now;
        COPY(record->ended_by, by);
        COPY(record->note, note);
        return tell(j, "fault-ended", record, by, note);
}

/* ---- What people were told of ---- */

int fault_told_load(struct journal *j, const char *code, int64_t *ret_id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT fault_id FROM faults_told WHERE code = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, code, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret_id = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

int fault_told_store(struct journal *j, const char *code, int64_t id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_statement(j, "INSERT OR REPLACE INTO faults_told (code, fault_id) VALUES (?, ?)", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, code, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, id);
        return journal_run(j, s);
}

int fault_record_purge(struct journal *j, uint64_t before_usec, unsigned limit) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "DELETE FROM faults WHERE id IN (SELECT id FROM faults WHERE ended_usec <> 0"
                              " AND ended_usec < ? LIMIT ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) before_usec);
        (void) sqlite3_bind_int64(s, 2, limit);
        r = journal_run(j, s);
        return r < 0 ? r : sqlite3_changes(j->db);
}

/* ---- What is wrong by the other tables ---- */

/*
 * While a batch is frozen nothing but settlements start, so that those since the one that took the last step are few.
 * They are found by their id alone: + keeps SQLite from making an index of all kinds for this. The three terms of a
 * transaction's trouble are those of its index, to the letter.
 */
static const char sql_evidence[] =
        "WITH trouble AS MATERIALIZED (SELECT id, reference, response_code, reversal, forwarding, result"
        "  FROM transactions WHERE reversal = 'rejected' OR forwarding = 'rejected' OR result = 'unconfirmed')"
        " SELECT 'reversal-rejected', CAST(t.id AS TEXT), t.id, 'reference ' || t.reference || coalesce((SELECT"
        "  ', answer ' || r.last_answer FROM reversals r WHERE r.transaction_id = t.id AND r.last_answer <> ''), '')"
        "  FROM trouble t WHERE t.reversal = 'rejected'"
        " UNION ALL SELECT 'forward-rejected', CAST(t.id AS TEXT), t.id,"
        "  'reference ' || t.reference || iif(t.response_code <> '', ', answer ' || t.response_code, '')"
        "  FROM trouble t WHERE t.forwarding = 'rejected'"
        " UNION ALL SELECT 'withdrawal-rejected', CAST(w.transaction_id AS TEXT), w.transaction_id,"
        "  'answer ' || w.last_answer FROM withdrawals w WHERE w.armed = 1 AND w.last_answer <> ''"
        " UNION ALL SELECT 'result-unconfirmed', CAST(t.id AS TEXT), t.id, 'reference ' || t.reference"
        "  FROM trouble t WHERE t.result = 'unconfirmed'"
        " UNION ALL SELECT 'settlement-refused', printf('%06d', b.number), max(t.id),"
        "  iif(t.response_code <> '', 'answer ' || t.response_code, '')"
        "  FROM batches b CROSS JOIN transactions t ON t.id >= b.settlement WHERE b.state <> 'settled'"
        "  AND +t.kind = 'settlement' AND (t.result = 'declined' OR t.reason IN ('not-reconciled', 'no-sign-on')) "
        "GROUP BY b.number";

static int read_evidence(sqlite3_stmt *s, struct fault_record *ret) {
        int r;

        *ret = (struct fault_record){ .transaction = sqlite3_column_int64(s, 2) };
        r = journal_column_text(s, 0, ret->code, sizeof(ret->code));
        if (r >= 0)
                r = journal_column_text(s, 1, ret->subject, sizeof(ret->subject));
        if (r >= 0)
                r = journal_column_text(s, 3, ret->detail, sizeof(ret->detail));
        return r;
}

int fault_evidence_each(struct journal *j, fault_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct fault_record record = {};
        int r;

        r = journal_statement(j, sql_evidence, &s);
        if (r < 0)
                return r;
        while ((r = journal_step(j, s)) > 0) {
                r = read_evidence(s, &record);
                if (r == 0)
                        r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}
