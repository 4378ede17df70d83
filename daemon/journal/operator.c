// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/operator.h"

#include <ctype.h>

#include "journal/internal.h"

/* What a sealed hash is bound to, with the operator's number. */
#define PLACE "operator.code"

#define SEALED_SIZE (OPERATOR_HASH_SIZE + SEAL_OVERHEAD)

static const char *const role_names[_OPERATOR_ROLE_MAX] = {
        [OPERATOR_CASHIER] = "cashier",
        [OPERATOR_SUPERVISOR] = "supervisor",
        [OPERATOR_ADMINISTRATOR] = "administrator",
};

const char *operator_role_to_string(enum operator_role role) {
        return role_names[role];
}

enum operator_role operator_role_from_string(const char *text) {
        for (int role = 0; role < _OPERATOR_ROLE_MAX; role++)
                if (streq(role_names[role], text))
                        return role;
        return _OPERATOR_ROLE_INVALID;
}

bool operator_number_is_valid(const char *number) {
        return strlen(number) == 2 && isdigit((unsigned char) number[0]) && isdigit((unsigned char) number[1]);
}

/* sql has ?1 to ?8, or leaves out the role, ?8. */
static int write_row(struct journal *j, const char *sql, const struct operator_record *record) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint8_t sealed[SEALED_SIZE];
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = journal_seal(j, PLACE, atoi(record->number), record->hash, OPERATOR_HASH_SIZE, sealed);
        if (r < 0)
                return r;
        r = journal_statement(j, sql, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, record->number, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, record->cost);
        (void) sqlite3_bind_blob(s, 3, record->salt, OPERATOR_SALT_SIZE, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 4, sealed, SEALED_SIZE, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 5, record->wrong_codes);
        (void) sqlite3_bind_int64(s, 6, record->locks);
        (void) sqlite3_bind_int64(s, 7, (int64_t) record->locked_until);
        (void) sqlite3_bind_text(s, 8, role_names[record->role], -1, SQLITE_STATIC);
        return journal_run_one(j, s);
}

int operator_record_insert(struct journal *j, const struct operator_record *record) {
        return write_row(j,
                         "INSERT INTO operators (number, cost, salt, hash_sealed, wrong_codes, locks, locked_until,"
                         " role) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         record);
}

int operator_record_update(struct journal *j, const struct operator_record *record) {
        return write_row(j,
                         "UPDATE operators SET cost = ?2, salt = ?3, hash_sealed = ?4, wrong_codes = ?5, locks = ?6,"
                         " locked_until = ?7 WHERE number = ?1",
                         record);
}

int operator_record_remove(struct journal *j, const char *number) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM operators WHERE number = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, number, -1, SQLITE_STATIC);
        return journal_run_one(j, s);
}

#define COLUMNS "number, role, cost, salt, wrong_codes, locks, locked_until, hash_sealed"

/* All but the hash. */
static int read_row(sqlite3_stmt *s, struct operator_record *ret) {
        struct operator_record record = {
                .cost = (uint32_t) sqlite3_column_int64(s, 2),
                .wrong_codes = (uint32_t) sqlite3_column_int64(s, 4),
                .locks = (uint32_t) sqlite3_column_int64(s, 5),
                .locked_until = (uint64_t) sqlite3_column_int64(s, 6),
        };
        int r;

        r = journal_column_text(s, 0, record.number, sizeof(record.number));
        if (r < 0)
                return r;
        record.role = operator_role_from_string(strempty((const char *) sqlite3_column_text(s, 1)));
        if (record.role < 0 || sqlite3_column_bytes(s, 3) != OPERATOR_SALT_SIZE)
                return -EBADMSG;
        memcpy(record.salt, sqlite3_column_blob(s, 3), OPERATOR_SALT_SIZE);
        *ret = record;
        return 0;
}

int operator_record_load(struct journal *j, const char *number, struct operator_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct operator_record record;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM operators WHERE number = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, number, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = read_row(s, &record);
        if (r < 0)
                return r;
        if (sqlite3_column_bytes(s, 7) != SEALED_SIZE)
                return -EBADMSG;
        r = journal_unseal(j, PLACE, atoi(record.number), sqlite3_column_blob(s, 7), SEALED_SIZE, record.hash);
        if (r < 0)
                return r;
        *ret = record;
        return 0;
}

int operator_record_each(struct journal *j, operator_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT " COLUMNS " FROM operators ORDER BY number", &s);
        if (r < 0)
                return r;
        while ((r = journal_step(j, s)) > 0) {
                struct operator_record record;

                r = read_row(s, &record);
                if (r < 0)
                        return r;
                r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

int operator_record_count(struct journal *j, enum operator_role role) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT count(*) FROM operators WHERE role = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, role_names[role], -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        return sqlite3_column_int(s, 0);
}

int operator_get_logged_on(struct journal *j, struct operator_record *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char number[sizeof(ret->number)];
        int r;

        r = journal_statement(j, "SELECT number FROM log_on", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = journal_column_text(s, 0, number, sizeof(number));
        if (r < 0)
                return r;
        return operator_record_load(j, number, ret);
}

int operator_set_logged_on(struct journal *j, const char *number) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (number)
                r = journal_statement(
                        j, "INSERT INTO log_on (one, number) VALUES (1, ?1) ON CONFLICT DO UPDATE SET number = ?1",
                        &s);
        else
                r = journal_statement(j, "DELETE FROM log_on", &s);
        if (r < 0)
                return r;
        if (number)
                (void) sqlite3_bind_text(s, 1, number, -1, SQLITE_STATIC);
        return journal_run(j, s);
}
