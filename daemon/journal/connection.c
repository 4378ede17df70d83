// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/connection.h"

#include <time.h>

#include "base/secret.h"
#include "journal/internal.h"

int journal_errno(int result, const char *text) {
        switch (result & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_CONSTRAINT:
                if (result == SQLITE_CONSTRAINT_UNIQUE || result == SQLITE_CONSTRAINT_PRIMARYKEY)
                        return -EEXIST;
                if (result == SQLITE_CONSTRAINT_FOREIGNKEY)
                        return -ENOENT;
                if (result == SQLITE_CONSTRAINT_TRIGGER)
                        return startswith(text, "final:") ? -EALREADY : -EPERM;
                return -ERANGE;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_TOOBIG:
                return -ERANGE;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_CANTOPEN:
                return -ENOENT;
        case SQLITE_IOERR:
                return result == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
        default:
                return -EIO;
        }
}

int journal_last_errno(struct journal *j) {
        int result = sqlite3_extended_errcode(j->db), r;

        /* SQLite's word says that a file could not be opened, the system's why. */
        if ((result & 0xff) == SQLITE_CANTOPEN && sqlite3_system_errno(j->db) > 0)
                return -sqlite3_system_errno(j->db);
        r = journal_errno(result, sqlite3_errmsg(j->db));
        return r < 0 ? r : -EIO;
}

const char *journal_error_text(struct journal *j) {
        return sqlite3_errmsg(j->db);
}

uint64_t journal_now(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

/* --- statements --- */

/* One that is being walked is left alone: its walker's callback may ask the same. */
static sqlite3_stmt *find_idle(struct journal *j, const char *sql) {
        for (size_t i = 0; i < j->n_statements; i++)
                if (j->statements[i].sql == sql && !sqlite3_stmt_busy(j->statements[i].statement))
                        return j->statements[i].statement;
        return NULL;
}

static int prepare(struct journal *j, const char *sql, sqlite3_stmt **ret) {
        struct journal_statement *grown;
        sqlite3_stmt *statement = NULL;

        grown = reallocarray(j->statements, j->n_statements + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        j->statements = grown;
        if (sqlite3_prepare_v3(j->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
                return journal_last_errno(j);
        grown[j->n_statements++] = (struct journal_statement){ .sql = sql, .statement = statement };
        *ret = statement;
        return 0;
}

/* Even that may want memory which is not there: what was to be undone is not seen by anybody. */
static int finish_rollback(struct journal *j) {
        return j->open || sqlite3_get_autocommit(j->db) ? 0 : journal_execute(j, "ROLLBACK");
}

int journal_statement(struct journal *j, const char *sql, sqlite3_stmt **ret) {
        sqlite3_stmt *statement;
        int r;

        r = finish_rollback(j);
        if (r < 0)
                return r;
        statement = find_idle(j, sql);
        if (!statement) {
                r = prepare(j, sql, &statement);
                if (r < 0)
                        return r;
        }
        /* An error in the middle may have ended the transaction already: what comes then must not stand alone. */
        if (sqlite3_get_autocommit(j->db) && !sqlite3_stmt_readonly(statement))
                return j->open ? -EIO : -EPROTO;
        *ret = statement;
        return 0;
}

int journal_step(struct journal *j, sqlite3_stmt *statement) {
        switch (sqlite3_step(statement)) {
        case SQLITE_ROW:
                return 1;
        case SQLITE_DONE:
                return 0;
        default:
                return journal_last_errno(j);
        }
}

int journal_run(struct journal *j, sqlite3_stmt *statement) {
        int r = journal_step(j, statement);

        return r > 0 ? -EBADMSG : r;
}

int journal_run_one(struct journal *j, sqlite3_stmt *statement) {
        int r = journal_run(j, statement);

        if (r < 0)
                return r;
        return sqlite3_changes(j->db) == 1 ? 0 : -ENOENT;
}

int journal_step_number(struct journal *j, sqlite3_stmt *statement, int64_t *ret) {
        int r = journal_step(j, statement);

        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        *ret = sqlite3_column_int64(statement, 0);
        return 0;
}

int journal_query_number(struct journal *j, const char *sql, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql, &s);
        return r < 0 ? r : journal_step_number(j, s, ret);
}

int journal_query_count(struct journal *j, const char *sql) {
        int64_t n;
        int r;

        r = journal_query_number(j, sql, &n);
        return r < 0 ? r : (int) n;
}

int journal_step_row(struct journal *j, sqlite3_stmt *statement, journal_row_t read, void *ret) {
        int r = journal_step(j, statement);

        if (r <= 0)
                return r;
        r = read(j, statement, ret);
        return r < 0 ? r : 1;
}

int journal_readable(int r, bool *ret_unreadable) {
        *ret_unreadable = r == -EBADMSG;
        return *ret_unreadable ? 0 : r;
}

int journal_load_row(struct journal *j, const char *sql, int64_t id, journal_row_t read, void *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql, &s);
        if (r < 0)
                return r;
        if (sqlite3_bind_parameter_count(s) > 0)
                (void) sqlite3_bind_int64(s, 1, id);
        r = journal_step_row(j, s, read, ret);
        return r == 0 ? -ENOENT : MIN(r, 0);
}

int journal_column_text(sqlite3_stmt *statement, int column, char *text, size_t size) {
        const char *value = (const char *) sqlite3_column_text(statement, column);
        size_t l = (size_t) sqlite3_column_bytes(statement, column);

        if (!value && sqlite3_errcode(sqlite3_db_handle(statement)) == SQLITE_NOMEM)
                return -ENOMEM;
        if (!value || l >= size || memchr(value, '\0', l))
                return -EBADMSG;
        memcpy(text, value, l);
        memset(text + l, 0, size - l);
        return 0;
}

int journal_column_ids(struct journal *j, sqlite3_stmt *statement, int64_t **ret, size_t *ret_n) {
        _cleanup_statement_ sqlite3_stmt *reset = statement;
        _cleanup_free_ int64_t *ids = NULL;
        size_t n = 0, room = 0;
        int r;

        while ((r = journal_step(j, statement)) > 0) {
                if (n == room) {
                        int64_t *grown = reallocarray(ids, room + 64, sizeof(*ids));

                        if (!grown)
                                return -ENOMEM;
                        ids = grown;
                        room += 64;
                }
                ids[n++] = sqlite3_column_int64(statement, 0);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(ids);
        *ret_n = n;
        return 0;
}

int journal_last_number(struct journal *j, const char *table, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT seq FROM sqlite_sequence WHERE name = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

int journal_next_id(struct journal *j, const char *table, int64_t *ret) {
        int64_t last;
        int r;

        r = journal_last_number(j, table, &last);
        if (r < 0)
                return r;
        *ret = last + 1;
        return 0;
}

/* --- transactions --- */

int journal_execute(struct journal *j, const char *sql) {
        return sqlite3_exec(j->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : journal_last_errno(j);
}

bool journal_is_open(struct journal *j) {
        return j->open;
}

int journal_require_open(struct journal *j) {
        return j->open ? 0 : -EPROTO;
}

int journal_begin(struct journal *j, enum journal_durability durability) {
        int r;

        if (j->open)
                return -EBUSY;
        if (j->failed)
                return -EIO;
        r = finish_rollback(j);
        if (r < 0)
                return r;
        if (j->durability != durability) {
                /* In WAL mode NORMAL leaves out the sync at commit and nothing else. */
                r = journal_execute(j, durability == JOURNAL_DURABLE ? "PRAGMA synchronous = FULL"
                                                                     : "PRAGMA synchronous = NORMAL");
                if (r < 0)
                        return r;
                j->durability = durability;
        }
        r = journal_execute(j, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        j->open = true;
        return 0;
}

/* What is short of memory alone has told the disk nothing. */
static void note_failed_io(struct journal *j) {
        int result = sqlite3_extended_errcode(j->db);

        if ((result & 0xff) == SQLITE_IOERR && result != SQLITE_IOERR_NOMEM)
                j->failed = true;
}

int journal_commit(struct journal *j) {
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        /* An error in the middle may have ended the transaction already: COMMIT would then say "none is active". */
        if (sqlite3_get_autocommit(j->db)) {
                j->open = false;
                return -EIO;
        }
        r = journal_execute(j, "COMMIT");
        if (r < 0) {
                /*
                 * The kernel drops its memory of a failed write-back after telling once. Frames before this one may be
                 * missing on the disk, and what is committed after a gap is lost with it.
                 */
                note_failed_io(j);
                journal_rollback(j);
                return r;
        }
        j->open = false;
        return 0;
}

void journal_rollback(struct journal *j) {
        if (!j->open)
                return;
        j->open = false;
        (void) finish_rollback(j);
}

uint64_t journal_changes(struct journal *j) {
        return (uint64_t) sqlite3_total_changes64(j->db);
}

int journal_checkpoint(struct journal *j) {
        int log, moved;

        if (j->open)
                return -EBUSY;
        if (j->failed)
                return -EIO;
        if (sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &moved) == SQLITE_OK)
                return 0;
        note_failed_io(j);
        return journal_last_errno(j);
}

/* --- closing --- */

struct journal *journal_close(struct journal *j) {
        if (!j)
                return NULL;
        journal_rollback(j);
        for (size_t i = 0; i < j->n_statements; i++)
                (void) sqlite3_finalize(j->statements[i].statement);
        free(j->statements);
        (void) sqlite3_close(j->db);
        secret_free(j->keys);
        free(j);
        return NULL;
}
