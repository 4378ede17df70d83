// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/connection.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <time.h>

#include "base/secret.h"
#include "journal/internal.h"
#include "journal/migration.h"

/* A checkpoint is for idle times; this many pages of log (16 MiB) make one come by itself. */
#define PRAGMA_AUTOCHECKPOINT "PRAGMA wal_autocheckpoint = 4096"

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
        int r = journal_errno(sqlite3_extended_errcode(j->db), sqlite3_errmsg(j->db));

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

int journal_statement(struct journal *j, const char *sql, sqlite3_stmt **ret) {
        struct journal_statement *grown;
        sqlite3_stmt *statement = NULL;

        for (size_t i = 0; i < j->n_statements; i++)
                /* One that is being walked is left alone: its walker's callback may ask the same. */
                if (j->statements[i].sql == sql && !sqlite3_stmt_busy(j->statements[i].statement)) {
                        *ret = j->statements[i].statement;
                        return 0;
                }
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

int journal_column_text(sqlite3_stmt *statement, int column, char *text, size_t size) {
        const char *value = (const char *) sqlite3_column_text(statement, column);
        size_t l = (size_t) sqlite3_column_bytes(statement, column);

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

/* --- transactions --- */

static int execute(struct journal *j, const char *sql) {
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
        if (j->durability != durability) {
                /* In WAL mode NORMAL leaves out the sync at commit and nothing else. */
                r = execute(j, durability == JOURNAL_DURABLE ? "PRAGMA synchronous = FULL"
                                                             : "PRAGMA synchronous = NORMAL");
                if (r < 0)
                        return r;
                j->durability = durability;
        }
        r = execute(j, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        j->open = true;
        return 0;
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
        r = execute(j, "COMMIT");
        if (r < 0) {
                /*
                 * The kernel drops its memory of a failed write-back after telling once. Frames before this one may be
                 * missing on the disk, and what is committed after a gap is lost with it.
                 */
                if ((sqlite3_errcode(j->db) & 0xff) == SQLITE_IOERR)
                        j->failed = true;
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
        if (!sqlite3_get_autocommit(j->db))
                (void) execute(j, "ROLLBACK");
}

int journal_checkpoint(struct journal *j) {
        int log, moved;

        if (j->open)
                return -EBUSY;
        if (j->failed)
                return -EIO;
        if (sqlite3_wal_checkpoint_v2(j->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, &log, &moved) == SQLITE_OK)
                return 0;
        if ((sqlite3_errcode(j->db) & 0xff) == SQLITE_IOERR)
                j->failed = true;
        return journal_last_errno(j);
}

/* --- opening --- */

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

static int explain(char **ret_message, int error, const char *format, ...) _printf_(3, 4);
static int explain(char **ret_message, int error, const char *format, ...) {
        va_list list;

        if (!ret_message)
                return error;
        va_start(list, format);
        if (vasprintf(ret_message, format, list) < 0)
                *ret_message = NULL;
        va_end(list);
        return *ret_message ? error : -ENOMEM;
}

static int explain_open(char **ret_message, int r, const char *path, const char *detail) {
        switch (r) {
        case -EBUSY:
                return explain(ret_message, r,
                               "The journal %s is open in another process. Stop that one (systemctl status tilld); "
                               "two writers would lose payments.",
                               path);
        case -EBADMSG:
                return explain(
                        ret_message, r,
                        "The journal %s is damaged (%s). It has not been changed. Do not delete it: keep a copy of "
                        "it and of the -wal file beside it, then restore the last backup.",
                        path, detail);
        case -EPROTONOSUPPORT:
                return explain(ret_message, r,
                               "The journal %s was written by a newer tilld. Install that version again; this one has "
                               "not touched it.",
                               path);
        case -EKEYREJECTED:
                return explain(
                        ret_message, r,
                        "The journal %s was made with another storage key. Bring back the credential storage-key "
                        "that belongs to it; without that its card data cannot be read.",
                        path);
        case -ENOSPC:
                return explain(ret_message, r,
                               "The file system of the journal %s is full. Make room, then start again.", path);
        case -EROFS:
                return explain(
                        ret_message, r,
                        "The journal %s cannot be written. Check that its file system is mounted read-write and "
                        "that the file belongs to tilld.",
                        path);
        default:
                return explain(
                        ret_message, r,
                        "The journal %s cannot be opened: %s (%s). Check the disk and the folder's owner and mode.",
                        path, strerror(-r), detail);
        }
}

static int query_number(struct journal *j, const char *sql, int64_t *ret) {
        sqlite3_stmt *statement = NULL;
        int r;

        if (sqlite3_prepare_v2(j->db, sql, -1, &statement, NULL) != SQLITE_OK)
                return journal_last_errno(j);
        r = journal_step(j, statement);
        if (r > 0)
                *ret = sqlite3_column_int64(statement, 0);
        (void) sqlite3_finalize(statement);
        return r > 0 ? 0 : r < 0 ? r : -EBADMSG;
}

/* -EBADMSG unless the first column of the first row says this. */
static int query_expect(struct journal *j, const char *sql, const char *expected) {
        sqlite3_stmt *statement = NULL;
        int r;

        if (sqlite3_prepare_v2(j->db, sql, -1, &statement, NULL) != SQLITE_OK)
                return journal_last_errno(j);
        r = journal_step(j, statement);
        if (r > 0 && !streq_ptr((const char *) sqlite3_column_text(statement, 0), expected))
                r = -EBADMSG;
        (void) sqlite3_finalize(statement);
        return r < 0 ? r : 0;
}

static int connection_new(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        int r;

        j = calloc(1, sizeof(*j));
        if (!j)
                return -ENOMEM;
        j->durability = JOURNAL_DURABLE;
        j->keys = secret_new(sizeof(*j->keys));
        if (!j->keys)
                return -ENOMEM;
        r = journal_keys_derive(key, j->keys);
        if (r < 0)
                return r;
        /* The file exists: this never creates one. */
        r = sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
        if (r != SQLITE_OK)
                return j->db ? journal_last_errno(j) : -ENOMEM;
        (void) sqlite3_extended_result_codes(j->db, 1);
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        /* Until it is known to be sound, closing it must not write. */
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        *ret = TAKE_PTR(j);
        return 0;
}

static int connection_configure(struct journal *j) {
        static const char *const settings[] = {
                "PRAGMA synchronous = FULL",   "PRAGMA foreign_keys = ON",   "PRAGMA secure_delete = ON",
                "PRAGMA cell_size_check = ON", "PRAGMA temp_store = MEMORY", PRAGMA_AUTOCHECKPOINT,
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                r = execute(j, settings[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_write(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "INSERT INTO meta (name, value) VALUES ('key-check', ?)", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_blob(s, 1, j->keys->check, sizeof(j->keys->check), SQLITE_STATIC);
        return journal_run(j, s);
}

static int check_key(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT value FROM meta WHERE name = 'key-check'", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r < 0)
                return r;
        if (r == 0 || sqlite3_column_bytes(s, 0) != (int) sizeof(j->keys->check))
                return -EBADMSG;
        return secret_equal(sqlite3_column_blob(s, 0), j->keys->check, sizeof(j->keys->check)) ? 0 : -EKEYREJECTED;
}

static int sync_directory(const char *path) {
        _cleanup_free_ char *copy = strdup(path);
        _cleanup_close_ int fd = -EBADF;
        char *slash;

        if (!copy)
                return -ENOMEM;
        slash = strrchr(copy, '/');
        if (slash)
                slash[slash == copy] = '\0';
        fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int remove_with_log(const char *path) {
        static const char *const suffixes[] = { "-wal", "-shm", "-journal", "" };

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_free_ char *name = NULL;

                if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
                        return -ENOMEM;
                if (unlink(name) < 0 && errno != ENOENT)
                        return -errno;
        }
        return 0;
}

static int fill(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE]) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        int r;

        r = connection_new(path, key, &j);
        if (r < 0)
                return r;
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        r = execute(j, "PRAGMA locking_mode = EXCLUSIVE");
        if (r < 0)
                return r;
        r = connection_configure(j);
        if (r < 0)
                return r;
        r = execute(j, "PRAGMA application_id = 1416195180"); /* JOURNAL_APPLICATION_ID */
        if (r < 0)
                return r;
        r = migration_apply(j->db, journal_migrations, journal_n_migrations);
        if (r < 0)
                return r;
        r = check_write(j);
        if (r < 0)
                return r;
        return query_expect(j, "PRAGMA journal_mode = WAL", "wal");
}

/*
 * Built under another name and moved into place whole: an empty or half-made file at the journal's own name is
 * therefore always damage, never a first start.
 */
static int create(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE]) {
        _cleanup_free_ char *new_path = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (asprintf(&new_path, "%s.new", path) < 0)
                return -ENOMEM;
        r = remove_with_log(new_path);
        if (r < 0)
                return r;
        fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        fd = safe_close(fd);
        r = fill(new_path, key);
        if (r < 0)
                return r;
        fd = open(new_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fsync(fd) < 0)
                return -errno;
        if (rename(new_path, path) < 0)
                return -errno;
        return sync_directory(path);
}

/* What is checked before anything is written to an existing file. */
static int inspect(struct journal *j, const char **ret_detail) {
        int64_t number = 0;
        int r;

        r = execute(j, "PRAGMA locking_mode = EXCLUSIVE");
        if (r < 0)
                return r;
        r = query_number(j, "PRAGMA application_id", &number);
        if (r < 0)
                return r;
        if (number != JOURNAL_APPLICATION_ID) {
                *ret_detail = "it is not a tilld journal";
                return -EBADMSG;
        }
        r = query_number(j, "PRAGMA user_version", &number);
        if (r < 0)
                return r;
        if (number < 0 || (uint64_t) number > journal_n_migrations)
                return -EPROTONOSUPPORT;
        *ret_detail = "its pages do not fit together";
        r = query_expect(j, "PRAGMA quick_check(1)", "ok");
        if (r < 0)
                return r;
        *ret_detail = "it does not say which storage key it was made with";
        return check_key(j);
}

static int restrict_mode(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0)
                return -EBADMSG;
        if ((st.st_mode & 0777) != 0600 && fchmod(fd, 0600) < 0)
                return -errno;
        return 0;
}

static int prepare(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], const char **ret_detail) {
        _cleanup_free_ char *log = NULL;

        if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
                *ret_detail = "it is empty or no regular file";
                return restrict_mode(path);
        }
        if (errno != ENOENT)
                return -errno;
        if (asprintf(&log, "%s-wal", path) < 0)
                return -ENOMEM;
        if (access(log, F_OK) == 0) {
                /* A new file beside an old log would take the log's pages for its own. */
                *ret_detail = "only its -wal file is there";
                return -EBADMSG;
        }
        *ret_detail = "a new one could not be written";
        return create(path, key);
}

int journal_open(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret,
                 char **ret_message) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        const char *detail = "";
        int r;

        if (ret_message)
                *ret_message = NULL;
        r = prepare(path, key, &detail);
        if (r < 0)
                return explain_open(ret_message, r, path, detail);
        r = connection_new(path, key, &j);
        if (r < 0)
                return explain_open(ret_message, r, path, "opening");
        detail = "SQLite refuses it";
        r = inspect(j, &detail);
        if (r < 0)
                return explain_open(ret_message, r, path, detail);
        r = connection_configure(j);
        if (r < 0)
                return explain_open(ret_message, r, path, sqlite3_errmsg(j->db));
        r = query_expect(j, "PRAGMA journal_mode = WAL", "wal");
        if (r < 0)
                return explain_open(ret_message, r, path, sqlite3_errmsg(j->db));
        r = migration_apply(j->db, journal_migrations, journal_n_migrations);
        if (r < 0)
                return explain_open(ret_message, r, path, sqlite3_errmsg(j->db));
        /* Takes the lock for good, and puts what a crash left in the log onto the disk before anything builds on it.
         */
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r >= 0)
                r = journal_commit(j);
        if (r >= 0)
                r = journal_checkpoint(j);
        if (r < 0)
                return explain_open(ret_message, r, path, sqlite3_errmsg(j->db));
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        *ret = TAKE_PTR(j);
        return 0;
}
