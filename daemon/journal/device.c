// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/device.h"

#include <cjson/cJSON.h>

#include "journal/column.h"
#include "journal/event.h"
#include "journal/internal.h"

#define COLUMNS                                                                                                       \
        "key, kind, port, usb_id, vendor, product, serial, release, plugging, first_seen_usec, last_seen_usec,"       \
        " missing_usec, forgotten_usec, forgotten_by"

#define FIELD(member, ...) COLUMN_MEMBER(struct device_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(key, COLUMN_TEXT),           FIELD(kind, COLUMN_TEXT),
        FIELD(port, COLUMN_TEXT),          FIELD(usb_id, COLUMN_TEXT),
        FIELD(vendor, COLUMN_TEXT),        FIELD(product, COLUMN_TEXT),
        FIELD(serial, COLUMN_TEXT),        FIELD(release, COLUMN_U32),
        FIELD(plugging, COLUMN_TEXT),      FIELD(first_seen_usec, COLUMN_U64),
        FIELD(last_seen_usec, COLUMN_U64), FIELD(missing_usec, COLUMN_U64),
        FIELD(forgotten_usec, COLUMN_U64), FIELD(forgotten_by, COLUMN_TEXT),
};

static int read_row(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct device_record record = {};
        int r = columns_read(s, 0, fields, ELEMENTSOF(fields), &record);

        if (r >= 0)
                *(struct device_record *) ret = record;
        return r;
}

int device_record_load(struct journal *j, const char *key, struct device_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM devices WHERE key = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
        r = journal_step_row(j, s, read_row, ret);
        return r == 0 ? -ENOENT : MIN(r, 0);
}

/* What is called may then ask for others. */
int device_record_each(struct journal *j, device_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct device_record record;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM devices ORDER BY key", &s);
        if (r < 0)
                return r;
        while ((r = journal_step_row(j, s, read_row, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

int device_record_count_kind(struct journal *j, const char *kind) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t n;
        int r;

        r = journal_statement(j, "SELECT count(*) FROM devices WHERE kind = ? AND forgotten_usec = 0", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, kind, -1, SQLITE_STATIC);
        r = journal_step_number(j, s, &n);
        return r < 0 ? r : (int) n;
}

/* ---- Their life ---- */

#define SQL_LONGEST_MISSING                                                                                           \
        " (SELECT key FROM devices WHERE missing_usec <> 0 ORDER BY forgotten_usec = 0, missing_usec, key LIMIT 1)"

/* Whatever is plugged in, one after the other, the file does not grow for it. */
static int make_room(struct journal *j) {
        int n = journal_query_count(j, "SELECT count(*) FROM devices");
        int r;

        if (n < DEVICE_RECORDS_MAX)
                return n;
        r = journal_execute(j, "DELETE FROM statistics WHERE device =" SQL_LONGEST_MISSING);
        return r < 0 ? r : journal_execute(j, "DELETE FROM devices WHERE key =" SQL_LONGEST_MISSING);
}

static int write_record(struct journal *j, const struct device_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j, "INSERT OR REPLACE INTO devices (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                &s);
        if (r < 0)
                return r;
        r = columns_bind(s, 1, fields, ELEMENTSOF(fields), record);
        return r < 0 ? r : journal_run(j, s);
}

int device_record_see(struct journal *j, struct device_record *record) {
        struct device_record known;
        bool fresh;
        int r;

        r = device_record_load(j, record->key, &known);
        if (r < 0 && r != -ENOENT)
                return r;
        fresh = r == -ENOENT;
        if (fresh) {
                r = make_room(j);
                if (r < 0)
                        return r;
                known = (struct device_record){ .first_seen_usec = journal_now() };
        }
        memcpy(record->plugging, known.plugging, sizeof(record->plugging));
        record->first_seen_usec = known.first_seen_usec;
        record->last_seen_usec = journal_now();
        record->missing_usec = record->forgotten_usec = 0;
        COPY(record->forgotten_by, "");
        r = write_record(j, record);
        return r < 0 ? r : fresh || known.forgotten_usec > 0;
}

int device_record_miss(struct journal *j, const char *key) {
        struct device_record record;
        int r;

        r = device_record_load(j, key, &record);
        if (r < 0 || record.missing_usec > 0)
                return r;
        record.missing_usec = record.last_seen_usec = journal_now();
        return write_record(j, &record);
}

/* {"device":"printer/04b8:0202/J3XF","by":"02"} */
static int tell(struct journal *j, const char *key, const char *by) {
        cJSON *json = cJSON_CreateObject();
        _cleanup_free_ char *text = NULL;

        if (cJSON_AddStringToObject(json, "device", key) && cJSON_AddStringToObject(json, "by", by))
                text = cJSON_PrintUnformatted(json);
        cJSON_Delete(json);
        return text ? event_append(j, "device-forgotten", 0, text) : -ENOMEM;
}

int device_record_forget(struct journal *j, const char *key, const char *by) {
        struct device_record record;
        int r;

        r = device_record_load(j, key, &record);
        if (r < 0)
                return r;
        if (record.forgotten_usec > 0)
                return -EALREADY;
        if (record.missing_usec == 0)
                return -EBUSY;
        if (strlen(by) >= sizeof(record.forgotten_by))
                return -ERANGE;
        record.forgotten_usec = journal_now();
        COPY(record.forgotten_by, by);
        r = write_record(j, &record);
        return r < 0 ? r : tell(j, key, by);
}
