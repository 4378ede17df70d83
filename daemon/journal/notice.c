// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/notice.h"

#include "base/clock.h"
#include "journal/column.h"
#include "journal/internal.h"

#define PLACE "notice.text"

static const char *const notice_state_words[] = { "queued", "delivered", "failed" };
DEFINE_WORDS(notice_state, enum notice_state, _NOTICE_STATE_MAX);

#define FIELD(member, ...) COLUMN_MEMBER(struct notice_record, member, __VA_ARGS__)
static const struct column fixed_fields[] = {
        FIELD(id, COLUMN_I64),           FIELD(event, COLUMN_TEXT),      FIELD(contact, COLUMN_I64),
        FIELD(binding, COLUMN_I64),      FIELD(transaction, COLUMN_I64), FIELD(until_uptime, COLUMN_U64),
        FIELD(created_usec, COLUMN_U64),
};
#define FIXED "id, event, contact, binding, transaction_id, until_uptime, created_usec, "
static const struct column changing_fields[] = {
        FIELD(state, COLUMN_WORDS(notice_state_words)),
        FIELD(attempts, COLUMN_U32),
        FIELD(maybe_sent, COLUMN_U32),
        FIELD(next_usec, COLUMN_U64),
        FIELD(next_boot, COLUMN_U64),
        FIELD(channel, COLUMN_TEXT),
        FIELD(address, COLUMN_TEXT),
        FIELD(gateway_id, COLUMN_TEXT),
        FIELD(error, COLUMN_TEXT),
        FIELD(late, COLUMN_BOOL),
        FIELD(ended_usec, COLUMN_U64),
};
#define CHANGING                                                                                                      \
        "state, attempts, maybe_sent, next_usec, next_boot, channel, address, gateway_id, error, late, ended_usec"
#define N_FIXED ((int) ELEMENTSOF(fixed_fields))
#define N_CHANGING ((int) ELEMENTSOF(changing_fields))
#define SELECT "SELECT " FIXED CHANGING ", text_sealed FROM notices "

/* Ended ones have none. */
static int read_text(struct journal *j, sqlite3_stmt *s, struct notice_record *record) {
        if (record->state != NOTICE_QUEUED)
                return 0;
        return journal_column_sealed_text(j, s, N_FIXED + N_CHANGING, PLACE, record->id, record->text,
                                          sizeof(record->text));
}

static int read_record(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct notice_record *record = ret;
        int r, q;

        *record = (struct notice_record){};
        r = columns_read(s, 0, fixed_fields, ELEMENTSOF(fixed_fields), record);
        q = columns_read(s, N_FIXED, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r >= 0)
                r = q;
        return r < 0 ? r : read_text(j, s, record);
}

static int bind_text(struct journal *j, sqlite3_stmt *s, int index, const struct notice_record *record) {
        if (record->state == NOTICE_QUEUED)
                return journal_bind_sealed(j, s, index, PLACE, record->id, record->text, strlen(record->text));
        (void) sqlite3_bind_null(s, index);
        return 0;
}

int notice_record_insert(struct journal *j, struct notice_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t id;
        int r;

        r = journal_require_open(j);
        if (r >= 0)
                r = journal_next_id(j, "notices", &id);
        if (r < 0)
                return r;
        record->id = id;
        r = journal_statement(j,
                              "INSERT INTO notices (" FIXED CHANGING ", text_sealed)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              &s);
        if (r >= 0)
                r = columns_bind(s, 1, fixed_fields, ELEMENTSOF(fixed_fields), record);
        if (r >= 0)
                r = columns_bind(s, 1 + N_FIXED, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r >= 0)
                r = bind_text(j, s, 1 + N_FIXED + N_CHANGING, record);
        return r < 0 ? r : journal_run(j, s);
}

int notice_record_update(struct journal *j, const struct notice_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j,
                "UPDATE notices SET state = ?, attempts = ?, maybe_sent = ?, next_usec = ?, next_boot = ?,"
                " channel = ?, address = ?, gateway_id = ?, error = ?, late = ?, ended_usec = ?, text_sealed = ?"
                " WHERE id = ?",
                &s);
        if (r >= 0)
                r = columns_bind(s, 1, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r >= 0)
                r = bind_text(j, s, 1 + N_CHANGING, record);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 2 + N_CHANGING, record->id);
        return journal_run_one(j, s);
}

int notice_record_load(struct journal *j, int64_t id, struct notice_record *ret) {
        return journal_load_row(j, SELECT "WHERE id = ?", id, read_record, ret);
}

/*
 * What is due is alike, however long it has been. By either clock: one may have been set, and what is further away by
 * the other than the longest wait is of a boot before.
 */
#define WAITS "next_boot > ?1 AND next_boot <= ?1 + ?2 AND next_usec > ?3"

#define WAIT "iif(" WAITS ", min(next_boot - ?1, next_usec - ?3), 0)"
#define RANK "iif(contact < 0, 0, iif(event IN ('security', 'binding'), 1, 2))"

static int read_turn(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct notice_turn *turn = ret;

        *turn = (struct notice_turn){
                .id = sqlite3_column_int64(s, 0),
                .contact = sqlite3_column_int64(s, 1),
                .wait_usec = (uint64_t) sqlite3_column_int64(s, 3),
        };
        /* One that is damaged has its turn, too: whoever loads it sees that. */
        if (journal_column_text(s, 2, turn->event, sizeof(turn->event)) < 0)
                *turn->event = '\0';
        return 0;
}

int notice_record_each_turn(struct journal *j, uint64_t longest_usec, notice_turn_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct notice_turn turn;
        int r;

        r = journal_statement(j,
                              "WITH queue AS (SELECT id, contact, event, " WAIT " AS wait, " RANK " AS rank"
                              " FROM notices WHERE state = 'queued'),"
                              " turns AS (SELECT *, row_number()"
                              " OVER (PARTITION BY contact, event ORDER BY wait, id) AS turn FROM queue)"
                              " SELECT id, contact, event, wait FROM turns WHERE turn = 1 ORDER BY wait, rank, id",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) clock_now(CLOCK_BOOTTIME));
        (void) sqlite3_bind_int64(s, 2, (int64_t) longest_usec);
        (void) sqlite3_bind_int64(s, 3, (int64_t) journal_now());
        while ((r = journal_step_row(j, s, read_turn, &turn)) > 0) {
                r = each(&turn, userdata);
                if (r != 0)
                        break;
        }
        return r;
}

int notice_record_first_end(struct journal *j, int64_t *ret_id, uint64_t *ret_until_uptime) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT id, until_uptime FROM notices WHERE state = 'queued'"
                              " ORDER BY until_uptime, id LIMIT 1",
                              &s);
        if (r >= 0)
                r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        *ret_id = sqlite3_column_int64(s, 0);
        *ret_until_uptime = (uint64_t) sqlite3_column_int64(s, 1);
        return 0;
}

int notice_record_hurry(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE notices SET next_usec = 0, next_boot = 0 WHERE state = 'queued'", &s);
        return r < 0 ? r : journal_run(j, s);
}

int notice_record_count_queued(struct journal *j) {
        return journal_query_count(j, "SELECT count(*) FROM notices WHERE state = 'queued'");
}

int notice_record_count_delivered(struct journal *j, const char *event, int64_t transaction) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j, "SELECT count(*) FROM notices WHERE state = 'delivered' AND event = ? AND transaction_id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, event, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, transaction);
        r = journal_step(j, s);
        return r < 0 ? r : sqlite3_column_int(s, 0);
}

static int read_listed(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct notice_record *record = ret;

        return journal_readable(read_record(j, s, record), &record->unreadable);
}

int notice_record_each(struct journal *j, unsigned limit, notice_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct notice_record record;
        int r;

        r = journal_statement(j, SELECT "ORDER BY id DESC LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, limit);
        while ((r = journal_step_row(j, s, read_listed, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        break;
        }
        explicit_bzero(&record, sizeof(record));
        return r;
}

int notice_record_purge(struct journal *j, uint64_t before_usec, unsigned limit) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "DELETE FROM notices WHERE id IN (SELECT id FROM notices"
                              " WHERE state <> 'queued' AND ended_usec < ? LIMIT ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) MIN(before_usec, (uint64_t) INT64_MAX));
        (void) sqlite3_bind_int64(s, 2, limit);
        r = journal_run(j, s);
        return r < 0 ? r : sqlite3_changes(j->db);
}
