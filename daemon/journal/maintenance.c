// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/maintenance.h"

#include <cjson/cJSON.h>

#include "journal/column.h"
#include "journal/event.h"
#include "journal/internal.h"

/* An event of so many words, {name, text, name, text, …}; what is "" is left out. */
static int tell(struct journal *j, const char *kind, const char *const *words, size_t n) {
        cJSON *json = cJSON_CreateObject();
        _cleanup_free_ char *text = NULL;
        bool good = json;

        for (size_t i = 0; good && i + 1 < n; i += 2)
                good = !*words[i + 1] || cJSON_AddStringToObject(json, words[i], words[i + 1]);
        if (good)
                text = cJSON_PrintUnformatted(json);
        cJSON_Delete(json);
        return text ? event_append(j, kind, 0, text) : -ENOMEM;
}

/* ---- Maintenance ---- */

#define COLUMNS "item, device, count, done_usec, done_by, note"

#define FIELD(member, ...) COLUMN_MEMBER(struct maintenance_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(item, COLUMN_TEXT),     FIELD(device, COLUMN_TEXT),  FIELD(count, COLUMN_U64),
        FIELD(done_usec, COLUMN_U64), FIELD(done_by, COLUMN_TEXT), FIELD(note, COLUMN_TEXT),
};
#undef FIELD

static int read_maintenance(struct journal *j, sqlite3_stmt *s, void *ret) {
        return columns_read(s, 0, fields, ELEMENTSOF(fields), ret);
}

int maintenance_record_store(struct journal *j, struct maintenance_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        record->done_usec = journal_now();
        r = journal_statement(j, "INSERT OR REPLACE INTO maintenance (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)", &s);
        if (r >= 0)
                r = columns_bind(s, 1, fields, ELEMENTSOF(fields), record);
        return r < 0 ? r : journal_run(j, s);
}

int maintenance_record_load(struct journal *j, const char *item, const char *device, struct maintenance_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM maintenance WHERE item = ? AND device = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, item, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 2, device, -1, SQLITE_STATIC);
        r = journal_step_row(j, s, read_maintenance, ret);
        return r == 0 ? -ENOENT : MIN(r, 0);
}

int maintenance_note_done(struct journal *j, const char *item, const char *by, const char *note) {
        const char *words[] = { "item", item, "by", by, "note", note };

        return tell(j, "maintenance-done", words, ELEMENTSOF(words));
}

/* ---- Drills ---- */

#define DRILL_COLUMNS "id, kind, people, recorded_by, held_usec, note"

#define FIELD(member, ...) COLUMN_MEMBER(struct drill_record, member, __VA_ARGS__)
static const struct column drill_fields[] = {
        FIELD(id, COLUMN_I64),           FIELD(kind, COLUMN_TEXT),     FIELD(people, COLUMN_TEXT),
        FIELD(recorded_by, COLUMN_TEXT), FIELD(held_usec, COLUMN_U64), FIELD(note, COLUMN_TEXT),
};
#undef FIELD

static int read_drill(struct journal *j, sqlite3_stmt *s, void *ret) {
        return columns_read(s, 0, drill_fields, ELEMENTSOF(drill_fields), ret);
}

static int forget_oldest(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM drills WHERE id <= (SELECT max(id) FROM drills) - ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, DRILLS_MAX);
        return journal_run(j, s);
}

int drill_record_insert(struct journal *j, struct drill_record *record) {
        const char *words[] = { "kind", record->kind,        "people", record->people,
                                "by",   record->recorded_by, "note",   record->note };
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        record->held_usec = journal_now();
        r = journal_statement(
                j, "INSERT INTO drills (kind, people, recorded_by, held_usec, note) VALUES (?, ?, ?, ?, ?)", &s);
        if (r >= 0)
                r = columns_bind(s, 1, drill_fields + 1, ELEMENTSOF(drill_fields) - 1, record);
        if (r >= 0)
                r = journal_run(j, s);
        if (r < 0)
                return r;
        record->id = sqlite3_last_insert_rowid(j->db);
        r = forget_oldest(j);
        return r < 0 ? r : tell(j, "drill-held", words, ELEMENTSOF(words));
}

int drill_record_load_last(struct journal *j, const char *kind, struct drill_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " DRILL_COLUMNS " FROM drills WHERE kind = ? ORDER BY id DESC LIMIT 1", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
        r = journal_step_row(j, s, read_drill, ret);
        return r == 0 ? -ENOENT : MIN(r, 0);
}

int drill_record_each(struct journal *j, unsigned limit, drill_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct drill_record record;
        int r;

        r = journal_statement(j, "SELECT " DRILL_COLUMNS " FROM drills ORDER BY id DESC LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, limit);
        while ((r = journal_step_row(j, s, read_drill, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}
