// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/rebind.h"

#include "journal/column.h"
#include "journal/internal.h"

#define PLACE "rebind.phone"

static const char *const rebind_kind_words[] = { "first", "change", "lost" };
static const char *const rebind_step_words[] = { "check",   "backup", "codes",     "wait",
                                                 "confirm", "test",   "committed", "rolled-back" };

DEFINE_WORDS(rebind_kind, enum rebind_kind, _REBIND_KIND_MAX);
DEFINE_WORDS(rebind_step, enum rebind_step, _REBIND_STEP_MAX);

#define FIELD(member, ...) COLUMN_MEMBER(struct rebind_record, member, __VA_ARGS__)
static const struct column fixed_fields[] = {
        FIELD(id, COLUMN_I64),        FIELD(kind, COLUMN_WORDS(rebind_kind_words)),
        FIELD(serial, COLUMN_TEXT),   FIELD(terminal, COLUMN_TEXT),
        FIELD(resumes, COLUMN_I64),   FIELD(started_usec, COLUMN_U64),
        FIELD(wait_usec, COLUMN_U64),
};
#define FIXED "id, kind, serial, terminal, resumes, started_usec, wait_usec, "
static const struct column changing_fields[] = {
        FIELD(step, COLUMN_WORDS(rebind_step_words)),
        FIELD(failed, COLUMN_WORDS(rebind_step_words)),
        FIELD(reason, COLUMN_TEXT),
        FIELD(by, COLUMN_TEXT),
        FIELD(old_given, COLUMN_BOOL),
        FIELD(new_given, COLUMN_BOOL),
        FIELD(step_uptime, COLUMN_U64),
        FIELD(told_uptime, COLUMN_U64),
        FIELD(ended_usec, COLUMN_U64),
        FIELD(confirm, COLUMN_I64),
        FIELD(backup, COLUMN_TEXT),
        FIELD(backup_digest, COLUMN_TEXT),
};
#define CHANGING                                                                                                      \
        "step, failed, reason, begun_by, old_given, new_given, step_uptime, told_uptime, ended_usec, confirm, "       \
        "backup, "                                                                                                    \
        "backup_digest"
#define N_FIXED ((int) ELEMENTSOF(fixed_fields))
#define N_CHANGING ((int) ELEMENTSOF(changing_fields))
#define SELECT "SELECT " FIXED CHANGING ", phone_sealed FROM rebinds "

static int read_all(struct journal *j, sqlite3_stmt *s, struct rebind_record *ret) {
        int r, q;

        *ret = (struct rebind_record){};
        r = columns_read(s, 0, fixed_fields, ELEMENTSOF(fixed_fields), ret);
        q = columns_read(s, N_FIXED, changing_fields, ELEMENTSOF(changing_fields), ret);
        if (r >= 0)
                r = q;
        if (r < 0)
                return r;
        return journal_column_sealed_text(j, s, N_FIXED + N_CHANGING, PLACE, ret->id, ret->phone, sizeof(ret->phone));
}

static int read_record(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct rebind_record record;
        int r;

        r = read_all(j, s, &record);
        if (r < 0)
                return r;
        memcpy(ret, &record, sizeof(record));
        return 0;
}

int rebind_record_insert(struct journal *j, struct rebind_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t id;
        int r;

        r = journal_require_open(j);
        if (r >= 0)
                r = journal_next_id(j, "rebinds", &id);
        if (r < 0)
                return r;
        record->id = id;
        r = journal_statement(j,
                              "INSERT INTO rebinds (" FIXED CHANGING ", phone_sealed)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              &s);
        if (r >= 0)
                r = columns_bind(s, 1, fixed_fields, ELEMENTSOF(fixed_fields), record);
        if (r >= 0)
                r = columns_bind(s, 1 + N_FIXED, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r >= 0)
                r = journal_bind_sealed(j, s, 1 + N_FIXED + N_CHANGING, PLACE, id, record->phone,
                                        strlen(record->phone));
        return r < 0 ? r : journal_run(j, s);
}

int rebind_record_update(struct journal *j, const struct rebind_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j,
                "UPDATE rebinds SET step = ?, failed = ?, reason = ?, begun_by = ?, old_given = ?,"
                " new_given = ?, step_uptime = ?, told_uptime = ?, ended_usec = ?, confirm = ?, backup = ?,"
                " backup_digest = ? WHERE id = ?",
                &s);
        if (r >= 0)
                r = columns_bind(s, 1, changing_fields, ELEMENTSOF(changing_fields), record);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1 + N_CHANGING, record->id);
        return journal_run_one(j, s);
}

int rebind_record_load(struct journal *j, int64_t id, struct rebind_record *ret) {
        return journal_load_row(j, SELECT "WHERE id = ?", id, read_record, ret);
}

int rebind_record_load_open(struct journal *j, struct rebind_record *ret) {
        return journal_load_row(j, SELECT "WHERE ended_usec = 0", 0, read_record, ret);
}

int rebind_record_load_last(struct journal *j, struct rebind_record *ret) {
        return journal_load_row(j, SELECT "ORDER BY id DESC LIMIT 1", 0, read_record, ret);
}

static int read_listed(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct rebind_record *record = ret;

        return journal_readable(read_all(j, s, record), &record->unreadable);
}

int rebind_record_each(struct journal *j, rebind_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct rebind_record record = {};
        int r;

        r = journal_statement(j, SELECT "ORDER BY id DESC", &s);
        if (r < 0)
                return r;
        while ((r = journal_step_row(j, s, read_listed, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        break;
        }
        return r;
}
