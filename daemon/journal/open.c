// SPDX-License-Identifier: LGPL-2.1-or-later
/* Opening: what is looked at before anything is written, the first start, and what a person is told. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "journal/internal.h"
#include "journal/migration.h"
#include "journal/wal.h"

/* A checkpoint is for idle times; this many pages of log (16 MiB) make one come by itself. */
#define PRAGMA_AUTOCHECKPOINT "PRAGMA wal_autocheckpoint = 4096"

/* A file up to this is checked whole before it is used; of a larger one only what a start builds on. */
#define CHECKED_WHOLE_MAX (16 << 20)

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

int journal_explain(char **ret_message, int r, const char *path, const char *detail) {
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
        case -EKEYEXPIRED:
                return explain(ret_message, r,
                               "The journal %s is half way to another storage key. Bring back both credentials, "
                               "storage-key and storage-key-old, then start again: it goes on where it was cut off.",
                               path);
        case -ENOSPC:
                return explain(ret_message, r,
                               "The file system of the journal %s is full. Make room, then start again.", path);
        case -EROFS:
                return explain(ret_message, r,
                               "The journal %s cannot be written: its file system is read-only. Look for disk errors "
                               "(journalctl -k), mount it read-write (mount -o remount,rw), then start again.",
                               path);
        case -EACCES:
        case -EPERM:
                return explain(ret_message, r,
                               "The journal %s cannot be written by this user. Give its folder back to tilld: "
                               "chown -R tilld: %.*s",
                               path, (int) (strrchr(path, '/') ? strrchr(path, '/') - path : 1),
                               strrchr(path, '/') ? path : ".");
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
                r = journal_execute(j, settings[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int check_write(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = journal_statement(j, "INSERT INTO meta (name, value) VALUES ('" JOURNAL_KEY_CHECK "', ?)", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_blob(s, 1, j->keys->check, sizeof(j->keys->check), SQLITE_STATIC);
        r = journal_run(j, s);
        if (r < 0)
                return r;
        return journal_commit(j);
}

int journal_load_hash_key(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT value FROM meta WHERE name = '" JOURNAL_HASH_KEY "'", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        if (sqlite3_column_bytes(s, 0) != (int) sizeof(j->keys->hash) + SEAL_OVERHEAD)
                return -EBADMSG;
        return journal_unseal(j, JOURNAL_HASH_KEY, 0, sqlite3_column_blob(s, 0), sizeof(j->keys->hash) + SEAL_OVERHEAD,
                              j->keys->hash);
}

static int check_key(struct journal *j) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        bool found = false;
        int r;

        r = journal_statement(j,
                              "SELECT value, name FROM meta WHERE name IN ('" JOURNAL_KEY_CHECK "','" JOURNAL_KEY_NEXT
                              "') ORDER BY name DESC",
                              &s);
        if (r < 0)
                return r;
        while ((r = journal_step(j, s)) > 0) {
                if (streq((const char *) sqlite3_column_text(s, 1), JOURNAL_KEY_NEXT))
                        return -EKEYEXPIRED;
                if (sqlite3_column_bytes(s, 0) != (int) sizeof(j->keys->check))
                        return -EBADMSG;
                if (!secret_equal(sqlite3_column_blob(s, 0), j->keys->check, sizeof(j->keys->check)))
                        return -EKEYREJECTED;
                found = true;
        }
        if (r < 0)
                return r;
        return found ? journal_load_hash_key(j) : -EBADMSG;
}

static char *folder_of(const char *path) {
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        return strndup(path, slash == path ? 1 : (size_t) (slash - path));
}

static int sync_directory(const char *path) {
        _cleanup_free_ char *folder = folder_of(path);
        _cleanup_close_ int fd = -EBADF;

        if (!folder)
                return -ENOMEM;
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
        r = journal_execute(j, "PRAGMA locking_mode = EXCLUSIVE");
        if (r < 0)
                return r;
        r = connection_configure(j);
        if (r < 0)
                return r;
        r = journal_execute(j, "PRAGMA application_id = 1416195180"); /* JOURNAL_APPLICATION_ID */
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

/* Reads every column of what the statement finds: each page that it is on. */
static int read_through(struct journal *j, const char *sql) {
        sqlite3_stmt *statement = NULL;
        int r;

        if (sqlite3_prepare_v2(j->db, sql, -1, &statement, NULL) != SQLITE_OK)
                return journal_last_errno(j);
        while ((r = journal_step(j, statement)) > 0)
                for (int i = 0; i < sqlite3_column_count(statement); i++)
                        (void) sqlite3_column_blob(statement, i);
        (void) sqlite3_finalize(statement);
        return r;
}

int journal_check_small_tables(struct journal *j) {
        sqlite3_stmt *names = NULL;
        int r;

        if (sqlite3_prepare_v2(j->db,
                               "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
                               " AND name NOT IN ('transactions','print_jobs','events')",
                               -1, &names, NULL) != SQLITE_OK)
                return journal_last_errno(j);
        while ((r = journal_step(j, names)) > 0) {
                _cleanup_free_ char *sql = NULL;

                if (asprintf(&sql, "PRAGMA quick_check(%s)", (const char *) sqlite3_column_text(names, 0)) < 0)
                        r = -ENOMEM;
                else
                        r = query_expect(j, sql, "ok");
                if (r < 0)
                        break;
        }
        (void) sqlite3_finalize(names);
        return r;
}

/*
 * What a start builds on, however long the history is: what is open, what is owed, the newest rows, and all of the
 * small tables. The rest is walked through when the terminal is idle (journal/verify.h).
 */
static int check_newest(struct journal *j) {
        static const char *const queries[] = {
                "SELECT * FROM transactions WHERE state <> 'done'",
                "SELECT * FROM transactions ORDER BY id DESC LIMIT 100",
                "SELECT * FROM events ORDER BY seq DESC LIMIT 100",
                "SELECT * FROM print_jobs ORDER BY id DESC LIMIT 100",
                "SELECT * FROM print_jobs WHERE state IN ('queued','printing')",
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(queries); i++) {
                r = read_through(j, queries[i]);
                if (r < 0)
                        return r;
        }
        return journal_check_small_tables(j);
}

static int suspect_path(const char *path, char **ret) {
        return asprintf(ret, "%s.suspect", path) < 0 ? -ENOMEM : 0;
}

int journal_suspect(struct journal *j) {
        const char *path = sqlite3_db_filename(j->db, "main");
        _cleanup_free_ char *mark = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = suspect_path(path, &mark);
        if (r < 0)
                return r;
        fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        return sync_directory(path);
}

/* All of it where somebody saw damage, or where that takes no time. */
static int check_pages(struct journal *j, const char *path) {
        _cleanup_free_ char *mark = NULL;
        struct stat st;
        int r;

        r = suspect_path(path, &mark);
        if (r < 0)
                return r;
        if (access(mark, F_OK) == 0) {
                r = query_expect(j, "PRAGMA integrity_check(1)", "ok");
                return r < 0 ? r : unlink(mark) < 0 ? -errno : 0;
        }
        if (stat(path, &st) < 0)
                return -errno;
        return st.st_size <= CHECKED_WHOLE_MAX ? query_expect(j, "PRAGMA quick_check(1)", "ok") : check_newest(j);
}

/* What is checked before anything is written to an existing file. */
static int inspect(struct journal *j, const char *path, int (*check)(struct journal *j), const char **ret_detail) {
        int64_t number = 0;
        int r;

        r = journal_execute(j, "PRAGMA locking_mode = EXCLUSIVE");
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
        r = check_pages(j, path);
        if (r < 0)
                return r;
        *ret_detail = "it does not say which storage key it was made with";
        return check ? check(j) : 0;
}

/* ---- The log that a crash has left ---- */

/* Beside the journal under a name of its own: SQLite is about to overwrite it. */
static int keep_log(const char *path) {
        _cleanup_free_ char *from_path = NULL, *to_path = NULL;
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        ssize_t n;

        if (asprintf(&from_path, "%s-wal", path) < 0 || asprintf(&to_path, "%s-wal.cut", path) < 0)
                return -ENOMEM;
        from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (from < 0)
                return -errno;
        to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return -errno;
        do
                n = sendfile(to, from, NULL, 1 << 20);
        while (n > 0);
        return n < 0 || fsync(to) < 0 ? -errno : 0;
}

static int inspect_log(const char *path, struct wal_report *ret, const char **ret_detail) {
        int r;

        *ret_detail = "its -wal file does not begin as one";
        r = wal_inspect(path, ret);
        if (r < 0 || ret->behind == 0)
                return r;
        *ret_detail = "keeping its -wal file";
        return keep_log(path);
}

bool journal_was_cut_off(const struct journal *j) {
        return j->log.frames > 0 || j->log.behind > 0;
}

uint64_t journal_lost_frames(const struct journal *j) {
        return j->log.behind;
}

/* ---- Files ---- */

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

/* What SQLite would find out at the first write only: it makes its log in the folder. */
static int check_writable(const char *path) {
        _cleanup_free_ char *folder = folder_of(path);

        if (!folder)
                return -ENOMEM;
        if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0)
                return -errno;
        if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0 && errno != ENOENT)
                return -errno;
        return 0;
}

static int prepare(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], const char **ret_detail) {
        _cleanup_free_ char *log = NULL;
        int r;

        r = check_writable(path);
        if (r < 0)
                return r;
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

static int open_with(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], int (*check)(struct journal *j),
                     struct journal **ret, char **ret_message) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        struct wal_report log = {};
        const char *detail = "its folder";
        int r;

        if (ret_message)
                *ret_message = NULL;
        r = prepare(path, key, &detail);
        if (r >= 0)
                r = inspect_log(path, &log, &detail);
        if (r < 0)
                return journal_explain(ret_message, r, path, detail);
        r = connection_new(path, key, &j);
        if (r < 0)
                return journal_explain(ret_message, r, path, "opening");
        j->log = log;
        detail = "SQLite refuses it";
        r = inspect(j, path, check, &detail);
        if (r < 0)
                return journal_explain(ret_message, r, path, detail);
        r = connection_configure(j);
        if (r < 0)
                return journal_explain(ret_message, r, path, sqlite3_errmsg(j->db));
        r = query_expect(j, "PRAGMA journal_mode = WAL", "wal");
        if (r < 0)
                return journal_explain(ret_message, r, path, sqlite3_errmsg(j->db));
        r = migration_apply(j->db, journal_migrations, journal_n_migrations);
        if (r < 0)
                return journal_explain(ret_message, r, path, sqlite3_errmsg(j->db));
        /* Takes the lock for good, and puts what a crash left in the log onto the disk before anything builds on it.
         */
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r >= 0)
                r = journal_commit(j);
        if (r >= 0)
                r = journal_checkpoint(j);
        if (r < 0)
                return journal_explain(ret_message, r, path, sqlite3_errmsg(j->db));
        (void) sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        *ret = TAKE_PTR(j);
        return 0;
}

int journal_open(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret,
                 char **ret_message) {
        return open_with(path, key, check_key, ret, ret_message);
}

int journal_open_unchecked(const char *path, const uint8_t key[static JOURNAL_KEY_SIZE], struct journal **ret,
                           char **ret_message) {
        return open_with(path, key, NULL, ret, ret_message);
}
