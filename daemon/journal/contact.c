// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/contact.h"

#include "journal/column.h"
#include "journal/internal.h"

/* Name, phone and mail together: who somebody is, is nobody else's business. */
#define PLACE "contact.person"
#define PERSON_MAX (CONTACT_NAME_MAX + PHONE_SIZE + CONTACT_MAIL_MAX + 3)

#define FIELD(member, ...) COLUMN_MEMBER(struct contact_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(id, COLUMN_I64),
        FIELD(position, COLUMN_U32),
        FIELD(channel, COLUMN_TEXT),
        FIELD(language, COLUMN_TEXT),
        FIELD(added_usec, COLUMN_U64),
        FIELD(removed_usec, COLUMN_U64),
        FIELD(removed_uptime, COLUMN_U64),
};
#define COLUMNS "id, position, channel, language, added_usec, removed_usec, removed_uptime, person_sealed"
#define N_FIELDS ((int) ELEMENTSOF(fields))
#define SELECT "SELECT " COLUMNS " FROM contacts "

/* ---- The sealed part: three lines ---- */

static int bind_person(struct journal *j, sqlite3_stmt *s, int index, const struct contact_record *record) {
        char text[PERSON_MAX];
        int n = snprintf(text, sizeof(text), "%s\n%s\n%s", record->name, record->phone, record->mail);
        int r;

        r = n < 0 || (size_t) n >= sizeof(text)
                    ? -ERANGE
                    : journal_bind_sealed(j, s, index, PLACE, record->id, text, (size_t) n);
        explicit_bzero(text, sizeof(text));
        return r;
}

static int take_line(char **text, char *ret, size_t size) {
        char *line = strsep(text, "\n");

        if (!line || strlen(line) >= size)
                return -EBADMSG;
        copy_text(ret, size, line);
        return 0;
}

static int read_person(struct journal *j, sqlite3_stmt *s, struct contact_record *record) {
        char text[PERSON_MAX], *rest = text;
        int r;

        r = journal_column_sealed_text(j, s, N_FIELDS, PLACE, record->id, text, sizeof(text));
        if (r >= 0)
                r = take_line(&rest, record->name, sizeof(record->name));
        if (r >= 0)
                r = take_line(&rest, record->phone, sizeof(record->phone));
        if (r >= 0)
                r = take_line(&rest, record->mail, sizeof(record->mail));
        explicit_bzero(text, sizeof(text));
        return r;
}

/* ---- Rows ---- */

static int read_record(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct contact_record record = {};
        int r;

        r = columns_read(s, 0, fields, ELEMENTSOF(fields), &record);
        if (r >= 0)
                r = read_person(j, s, &record);
        /* And this one can be removed. */
        r = journal_readable(r, &record.unreadable);
        if (r < 0)
                return r;
        memcpy(ret, &record, sizeof(record));
        return 0;
}

int contact_record_count(struct journal *j) {
        return journal_query_count(j, "SELECT count(*) FROM contacts WHERE removed_usec = 0");
}

/* What stands from one place to another moves by one: 0 to UINT32_MAX are all. */
static int move_places(struct journal *j, uint32_t from, uint32_t to, int by) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "UPDATE contacts SET position = position + ?"
                              " WHERE removed_usec = 0 AND position BETWEEN ? AND ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, by);
        (void) sqlite3_bind_int64(s, 2, from);
        (void) sqlite3_bind_int64(s, 3, to);
        return journal_run(j, s);
}

/* No gap: beyond the last is behind it, and 0 as well. */
static uint32_t place_within(uint32_t wanted, uint32_t last) {
        return wanted == 0 ? last : MIN(wanted, last);
}

/* Under an id of its own. */
static int insert_row(struct journal *j, struct contact_record *row) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_next_id(j, "contacts", &row->id);
        if (r >= 0)
                r = journal_statement(j, "INSERT INTO contacts (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)", &s);
        if (r >= 0)
                r = columns_bind(s, 1, fields, ELEMENTSOF(fields), row);
        if (r >= 0)
                r = bind_person(j, s, 1 + N_FIELDS, row);
        return r < 0 ? r : journal_run(j, s);
}

int contact_record_insert_former(struct journal *j, struct contact_record *record, uint64_t uptime) {
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        record->position = 0;
        record->removed_usec = journal_now();
        record->removed_uptime = uptime;
        return insert_row(j, record);
}

int contact_record_insert(struct journal *j, struct contact_record *record) {
        struct contact_record row = *record;
        int r;

        r = journal_require_open(j);
        if (r >= 0)
                r = contact_record_count(j);
        if (r < 0)
                return r;
        if (r >= CONTACTS_MAX)
                return -ENOSPC;
        row.position = place_within(row.position, (uint32_t) r + 1);
        row.removed_usec = row.removed_uptime = 0;
        r = move_places(j, row.position, UINT32_MAX, 1);
        if (r >= 0)
                r = insert_row(j, &row);
        if (r < 0)
                return r;
        *record = row;
        return 0;
}

static int load_present(struct journal *j, int64_t id, struct contact_record *ret) {
        struct contact_record record;
        int r;

        r = contact_record_load(j, id, &record);
        if (r < 0)
                return r;
        if (record.removed_usec != 0)
                return -ENOENT;
        *ret = record;
        return 0;
}

int contact_record_update(struct journal *j, const struct contact_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct contact_record old;
        uint32_t position;
        int r;

        r = journal_require_open(j);
        if (r >= 0)
                r = load_present(j, record->id, &old);
        if (r >= 0)
                r = contact_record_count(j);
        if (r < 0)
                return r;
        position = place_within(record->position, (uint32_t) r);
        if (position < old.position)
                r = move_places(j, position, old.position - 1, 1);
        else
                r = move_places(j, old.position + 1, position, -1);
        if (r >= 0)
                r = journal_statement(j,
                                      "UPDATE contacts SET position = ?, channel = ?, language = ?, person_sealed = ?"
                                      " WHERE id = ?",
                                      &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, position);
        (void) sqlite3_bind_text(s, 2, record->channel, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 3, record->language, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 5, record->id);
        r = bind_person(j, s, 4, record);
        return r < 0 ? r : journal_run_one(j, s);
}

static int forget_preferences(struct journal *j, int64_t contact) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM contact_preferences WHERE contact = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, contact);
        return journal_run(j, s);
}

int contact_record_remove(struct journal *j, int64_t id, uint64_t uptime) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct contact_record record;
        int r;

        r = journal_require_open(j);
        if (r >= 0)
                r = load_present(j, id, &record);
        if (r >= 0)
                r = journal_statement(
                        j, "UPDATE contacts SET position = 0, removed_usec = ?, removed_uptime = ? WHERE id = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) journal_now());
        (void) sqlite3_bind_int64(s, 2, (int64_t) uptime);
        (void) sqlite3_bind_int64(s, 3, id);
        r = journal_run_one(j, s);
        if (r >= 0)
                r = move_places(j, record.position + 1, UINT32_MAX, -1);
        return r < 0 ? r : forget_preferences(j, id);
}

int contact_record_forget(struct journal *j, uint64_t removed_before) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM contacts WHERE removed_usec <> 0 AND removed_uptime < ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) MIN(removed_before, (uint64_t) INT64_MAX));
        return journal_run(j, s);
}

int contact_record_load(struct journal *j, int64_t id, struct contact_record *ret) {
        return journal_load_row(j, SELECT "WHERE id = ?", id, read_record, ret);
}

int contact_record_each(struct journal *j, uint64_t removed_since, contact_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct contact_record record;
        int r;

        r = journal_statement(j,
                              SELECT "WHERE removed_usec = 0 OR removed_uptime >= ?"
                                     " ORDER BY removed_usec <> 0, position, id",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) MIN(removed_since, (uint64_t) INT64_MAX));
        while ((r = journal_step_row(j, s, read_record, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        break;
        }
        explicit_bzero(&record, sizeof(record));
        return r;
}

/* ---- Preferences ---- */

int contact_preference_load(struct journal *j, int64_t contact, const char *event,
                            char ret[static CONTACT_CHANNELS_SIZE]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT channels FROM contact_preferences WHERE contact = ? AND event = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, contact);
        (void) sqlite3_bind_text(s, 2, event, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        return r == 0 ? -ENOENT : journal_column_text(s, 0, ret, CONTACT_CHANNELS_SIZE);
}

int contact_preference_store(struct journal *j, int64_t contact, const char *event, const char *channels) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        if (strlen(channels) >= CONTACT_CHANNELS_SIZE)
                return -ERANGE;
        r = journal_statement(j,
                              "INSERT INTO contact_preferences (contact, event, channels) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET channels = ?3",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, contact);
        (void) sqlite3_bind_text(s, 2, event, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(s, 3, channels, -1, SQLITE_STATIC);
        return journal_run(j, s);
}
