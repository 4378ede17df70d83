// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/statistic.h"

#include <cjson/cJSON.h>

#include "journal/event.h"
#include "journal/internal.h"

/* Two of them still are a number of SQLite's. */
#define VALUE_MAX (UINT64_C(1) << 61)

/* A statement about a device and a name. */
static int prepare(struct journal *j, const char *sql, const char *key, const char *name, sqlite3_stmt **ret) {
        int r = journal_statement(j, sql, ret);

        if (r < 0)
                return r;
        (void) sqlite3_bind_text(*ret, 1, key, -1, SQLITE_STATIC);
        (void) sqlite3_bind_text(*ret, 2, name, -1, SQLITE_STATIC);
        return 0;
}

int statistic_add(struct journal *j, const char *key, const char *name, uint64_t delta) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        if (strlen(name) >= STATISTIC_NAME_SIZE)
                return -ERANGE;
        r = prepare(j,
                    "INSERT INTO statistics (device, name, value) VALUES (?1, ?2, ?3)"
                    " ON CONFLICT DO UPDATE SET value = min(value + excluded.value, ?4)",
                    key, name, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 3, (int64_t) MIN(delta, VALUE_MAX));
        (void) sqlite3_bind_int64(s, 4, (int64_t) VALUE_MAX);
        return journal_run(j, s);
}

/* ---- Readings ---- */

static int forget_readings(struct journal *j, const char *key) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "UPDATE statistics SET reading = 0 WHERE device = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
        return journal_run(j, s);
}

int statistic_begin_plugging(struct journal *j, const char *key, const char *plugging) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct device_record record;
        int r;

        if (strlen(plugging) >= sizeof(record.plugging))
                return -ERANGE;
        r = device_record_load(j, key, &record);
        if (r < 0)
                return r;
        if (streq(record.plugging, plugging))
                return 0;
        r = prepare(j, "UPDATE devices SET plugging = ?2 WHERE key = ?1", key, plugging, &s);
        if (r >= 0)
                r = journal_run_one(j, s);
        if (r >= 0)
                r = forget_readings(j, key);
        return r < 0 ? r : 1;
}

/* 0 for one that was never read. */
static int load_reading(struct journal *j, const char *key, const char *name, uint64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t number = 0;
        int r;

        r = prepare(j, "SELECT reading FROM statistics WHERE device = ? AND name = ?", key, name, &s);
        if (r >= 0)
                r = journal_step_number(j, s, &number);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = (uint64_t) number;
        return 0;
}

int statistic_read(struct journal *j, const char *key, const char *name, uint64_t reading) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint64_t last;
        int r;

        reading = MIN(reading, VALUE_MAX);
        r = load_reading(j, key, name, &last);
        if (r < 0 || reading == last)
                return r;
        r = statistic_add(j, key, name, reading > last ? reading - last : reading);
        if (r < 0)
                return r;
        r = prepare(j, "UPDATE statistics SET reading = ?3 WHERE device = ?1 AND name = ?2", key, name, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 3, (int64_t) reading);
        r = journal_run_one(j, s);
        return r < 0 ? r : 1;
}

/* ---- What there is ---- */

int statistic_get(struct journal *j, const char *key, const char *name, uint64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t number = 0;
        int r;

        r = prepare(j, "SELECT value FROM statistics WHERE device = ? AND name = ?", key, name, &s);
        if (r >= 0)
                r = journal_step_number(j, s, &number);
        if (r < 0 && r != -ENOENT)
                return r;
        *ret = (uint64_t) number;
        return 0;
}

int statistic_each(struct journal *j, const char *key, statistic_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char device[DEVICE_KEY_SIZE], name[STATISTIC_NAME_SIZE];
        int r;

        r = journal_statement(
                j, "SELECT device, name, value FROM statistics WHERE ?1 IS NULL OR device = ?1 ORDER BY device, name",
                &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
        while ((r = journal_step(j, s)) > 0) {
                r = journal_column_text(s, 0, device, sizeof(device));
                if (r >= 0)
                        r = journal_column_text(s, 1, name, sizeof(name));
                if (r >= 0)
                        r = each(device, name, (uint64_t) sqlite3_column_int64(s, 2), userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

/* ---- Reset ---- */

struct reset {
        struct journal *journal;
        char *const *names;
        cJSON *values; /* what they were */
};

static bool is_named(char *const *names, const char *name) {
        if (!names || !*names)
                return true;
        for (; *names; names++)
                if (streq(*names, name))
                        return true;
        return false;
}

static int note_value(const char *key, const char *name, uint64_t value, void *userdata) {
        struct reset *reset = userdata;

        if (!is_named(reset->names, name))
                return 0;
        return cJSON_AddNumberToObject(reset->values, name, (double) value) ? 0 : -ENOMEM;
}

static int set_zero(struct journal *j, const char *key, const char *name) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = prepare(j, "UPDATE statistics SET value = 0 WHERE device = ? AND name = ?", key, name, &s);
        return r < 0 ? r : journal_run_one(j, s);
}

static int set_all_zero(struct journal *j, const char *key, const cJSON *values) {
        const cJSON *value;
        int r;

        cJSON_ArrayForEach(value, values) {
                r = set_zero(j, key, value->string);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Each name that was asked for is one that is counted. */
static int check_names(char *const *names, const cJSON *values) {
        for (; names && *names; names++)
                if (!cJSON_GetObjectItemCaseSensitive(values, *names))
                        return -ENOENT;
        return 0;
}

/* {"device":"msr/0acd:2310/17","by":"02","was":{"GoodReadCount":1204}} */
static int reset_and_tell(struct reset *reset, cJSON *event, const char *key) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = statistic_each(reset->journal, key, note_value, reset);
        if (r >= 0)
                r = check_names(reset->names, reset->values);
        if (r >= 0)
                r = set_all_zero(reset->journal, key, reset->values);
        if (r < 0)
                return r;
        text = cJSON_PrintUnformatted(event);
        return text ? event_append(reset->journal, "statistics-reset", 0, text) : -ENOMEM;
}

int statistic_reset(struct journal *j, const char *key, char *const *names, const char *by) {
        struct reset reset = { .journal = j, .names = names };
        cJSON *event = cJSON_CreateObject();
        int r = -ENOMEM;

        if (cJSON_AddStringToObject(event, "device", key) && cJSON_AddStringToObject(event, "by", by))
                reset.values = cJSON_AddObjectToObject(event, "was");
        if (reset.values)
                r = reset_and_tell(&reset, event, key);
        if (r >= 0)
                r = cJSON_GetArraySize(reset.values);
        cJSON_Delete(event);
        return r;
}
