// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/recovery.h"

#include <cjson/cJSON.h>

#include "journal/column.h"
#include "journal/event.h"
#include "journal/internal.h"
#include "journal/uptime.h"

#define COLUMNS "id, device, why, by, began_usec, began_up_usec, ended_usec, steps, outcome"

#define FIELD(member, ...) COLUMN_MEMBER(struct recovery_record, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(id, COLUMN_I64),         FIELD(device, COLUMN_TEXT),    FIELD(why, COLUMN_TEXT),
        FIELD(by, COLUMN_TEXT),        FIELD(began_usec, COLUMN_U64), FIELD(began_up_usec, COLUMN_U64),
        FIELD(ended_usec, COLUMN_U64), FIELD(steps, COLUMN_TEXT),     FIELD(outcome, COLUMN_TEXT),
};

static int read_row(struct journal *j, sqlite3_stmt *s, void *ret) {
        struct recovery_record record = {};
        int r = columns_read(s, 0, fields, ELEMENTSOF(fields), &record);

        if (r >= 0)
                *(struct recovery_record *) ret = record;
        return r;
}

/* ---- Events ---- */

/* {"recovery":3,"device":"1-2","step":"reset","outcome":"done"} */
static int tell(struct journal *j, const char *kind, const struct recovery_record *record, const char *name,
                const char *word, const char *outcome) {
        cJSON *json = cJSON_CreateObject();
        char *text = NULL;
        int r;

        if (cJSON_AddNumberToObject(json, "recovery", (double) record->id) &&
            cJSON_AddStringToObject(json, "device", record->device) &&
            (!*word || cJSON_AddStringToObject(json, name, word)) &&
            (!*outcome || cJSON_AddStringToObject(json, "outcome", outcome)) &&
            (!*record->by || cJSON_AddStringToObject(json, "by", record->by)))
                text = cJSON_PrintUnformatted(json);
        r = text ? event_append(j, kind, 0, text) : -ENOMEM;
        free(text);
        cJSON_Delete(json);
        return r;
}

/* ---- Their life ---- */

static int forget_old(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM recoveries WHERE id <= (SELECT max(id) FROM recoveries) - ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, RECOVERY_RECORDS_MAX);
        return journal_run(j, s);
}

static int write_record(struct journal *j, const struct recovery_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "INSERT OR REPLACE INTO recoveries (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                              &s);
        if (r < 0)
                return r;
        r = columns_bind(s, 1, fields, ELEMENTSOF(fields), record);
        return r < 0 ? r : journal_run(j, s);
}

int recovery_record_add(struct journal *j, struct recovery_record *record) {
        int64_t last;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = uptime_get(j, &record->began_up_usec);
        if (r >= 0)
                /* The limits count by it: a power cut does not make them narrower or wider. */
                r = uptime_save(j);
        if (r >= 0)
                r = journal_query_number(j, "SELECT coalesce(max(id), 0) FROM recoveries", &last);
        if (r < 0)
                return r;
        record->id = last + 1;
        record->began_usec = journal_now();
        r = write_record(j, record);
        if (r >= 0)
                r = forget_old(j);
        return r < 0 ? r : tell(j, "recovery-began", record, "why", record->why, "");
}

int recovery_record_step(struct journal *j, struct recovery_record *record, const char *step, const char *outcome) {
        size_t n = strlen(record->steps);
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        (void) snprintf(record->steps + n, sizeof(record->steps) - n, "%s%s %s", n > 0 ? ", " : "", step, outcome);
        r = write_record(j, record);
        return r < 0 ? r : tell(j, "recovery-step", record, "step", step, outcome);
}

int recovery_record_end(struct journal *j, struct recovery_record *record, const char *outcome) {
        int r = journal_require_open(j);

        if (r < 0)
                return r;
        record->ended_usec = journal_now();
        COPY(record->outcome, outcome);
        r = write_record(j, record);
        return r < 0 ? r : tell(j, "recovery-ended", record, "", "", outcome);
}

/* ---- Looking ---- */

int recovery_record_count(struct journal *j, const char *device, uint64_t since_up_usec, uint64_t *ret_last_up_usec) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int n, r;

        r = journal_statement(
                j, "SELECT count(*), max(began_up_usec) FROM recoveries WHERE device = ? AND began_up_usec >= ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, device, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, (int64_t) since_up_usec);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        n = sqlite3_column_int(s, 0);
        if (n > 0)
                *ret_last_up_usec = (uint64_t) sqlite3_column_int64(s, 1);
        return n;
}

int recovery_record_each(struct journal *j, unsigned limit, recovery_record_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct recovery_record record;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM recoveries ORDER BY id DESC LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, limit > 0 ? (int64_t) limit : -1);
        while ((r = journal_step_row(j, s, read_row, &record)) > 0) {
                r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

int recovery_record_find_open(struct journal *j, struct recovery_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM recoveries WHERE ended_usec = 0 ORDER BY id DESC LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        r = journal_step_row(j, s, read_row, ret);
        return r == 0 ? -ENOENT : MIN(r, 0);
}
