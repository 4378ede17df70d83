// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/binding.h"

#include "journal/column.h"
#include "journal/internal.h"

#define PLACE "binding.phone"

#define FIELD(member, ...) COLUMN_MEMBER(struct binding_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(id, COLUMN_I64),  FIELD(serial, COLUMN_TEXT),    FIELD(terminal, COLUMN_TEXT),
        FIELD(by, COLUMN_TEXT), FIELD(since_usec, COLUMN_U64), FIELD(ended_usec, COLUMN_U64),
};
#define N_FIELDS ((int) ELEMENTSOF(fields))
#define SELECT "SELECT id, serial, terminal, bound_by, since_usec, ended_usec, phone_sealed FROM bindings "

static int read_record(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct binding_record record = {};
        int r;

        r = columns_read(s, 0, fields, ELEMENTSOF(fields), &record);
        if (r >= 0)
                r = journal_column_sealed_text(j, s, N_FIELDS, PLACE, record.id, record.phone, sizeof(record.phone));
        if (r < 0)
                return r;
        memcpy(ret, &record, sizeof(record));
        return 0;
}

static int end_current(struct journal *j, uint64_t usec) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE bindings SET ended_usec = ? WHERE ended_usec = 0", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) usec);
        return journal_run(j, s);
}

int binding_record_insert(struct journal *j, struct binding_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct binding_record row = *record;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        row.ended_usec = 0;
        r = end_current(j, row.since_usec);
        if (r >= 0)
                r = journal_next_id(j, "bindings", &row.id);
        if (r >= 0)
                r = journal_statement(j,
                                      "INSERT INTO bindings (id, serial, terminal, bound_by, since_usec, ended_usec,"
                                      " phone_sealed) VALUES (?, ?, ?, ?, ?, ?, ?)",
                                      &s);
        if (r >= 0)
                r = columns_bind(s, 1, fields, ELEMENTSOF(fields), &row);
        if (r >= 0)
                r = journal_bind_sealed(j, s, 1 + N_FIELDS, PLACE, row.id, row.phone, strlen(row.phone));
        if (r >= 0)
                r = journal_run(j, s);
        if (r < 0)
                return r;
        *record = row;
        return 0;
}

int binding_record_load_current(struct journal *j, struct binding_record *ret) {
        return journal_load_row(j, SELECT "WHERE ended_usec = 0", 0, read_record, ret);
}

int binding_record_load(struct journal *j, int64_t id, struct binding_record *ret) {
        return journal_load_row(j, SELECT "WHERE id = ?", id, read_record, ret);
}

int binding_record_each(struct journal *j, binding_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct binding_record record = {};
        int r;

        r = journal_statement(j, SELECT "ORDER BY id DESC", &s);
        if (r < 0)
                return r;
        while ((r = journal_step_row(j, s, read_record, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        break;
        }
        return r;
}
