// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include "acquirer/ledger-internal.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/secret.h"

#define HASH_KEY_SIZE 32
/* A reader of the dump may hold the file for a moment. */
#define BUSY_MSEC 5000

static const char schema[] =
        "CREATE TABLE IF NOT EXISTS transactions ("
        " id INTEGER PRIMARY KEY, time TEXT NOT NULL, terminal TEXT NOT NULL, merchant TEXT NOT NULL,"
        " batch INTEGER NOT NULL, stan INTEGER NOT NULL, kind TEXT NOT NULL, entry TEXT, amount INTEGER NOT NULL,"
        " currency TEXT, pan TEXT, pan_hash TEXT, rrn TEXT, approval TEXT, code TEXT NOT NULL, effect TEXT NOT NULL,"
        " note TEXT, reversal_reason TEXT, reversals INTEGER NOT NULL DEFAULT 0, UNIQUE (terminal, batch, stan)"
        ") STRICT;"
        "CREATE TABLE IF NOT EXISTS messages ("
        " id INTEGER PRIMARY KEY, time TEXT NOT NULL, terminal TEXT NOT NULL, kind TEXT NOT NULL,"
        " batch INTEGER NOT NULL, stan INTEGER NOT NULL, code TEXT, script TEXT"
        ") STRICT;"
        "CREATE TABLE IF NOT EXISTS chip_data (message INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
        "CREATE TABLE IF NOT EXISTS terminals (terminal TEXT PRIMARY KEY, keys BLOB NOT NULL) STRICT;";

/* What came after the first version, for ledgers that are there. */
static const char migration_batches[] =
        "BEGIN IMMEDIATE;"
        "ALTER TABLE transactions ADD COLUMN original INTEGER;"
        "ALTER TABLE transactions ADD COLUMN sign INTEGER NOT NULL DEFAULT 1;"
        "ALTER TABLE transactions ADD COLUMN foreign_card INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX transactions_original ON transactions (original);"
        "CREATE TABLE batches ("
        " terminal TEXT NOT NULL, batch INTEGER NOT NULL, state TEXT NOT NULL, time TEXT NOT NULL,"
        " PRIMARY KEY (terminal, batch)) STRICT;"
        "CREATE TABLE uploads ("
        " id INTEGER PRIMARY KEY, terminal TEXT NOT NULL, batch INTEGER NOT NULL, stan INTEGER NOT NULL,"
        " amount INTEGER NOT NULL, pan TEXT NOT NULL, pan_hash TEXT NOT NULL, chip INTEGER NOT NULL, icc BLOB,"
        " UNIQUE (terminal, batch, stan, chip)) STRICT;"
        "PRAGMA user_version = 1;"
        "COMMIT;";
static const char migration_changes[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE serials (terminal TEXT PRIMARY KEY, serial TEXT NOT NULL) STRICT;"
        "CREATE TABLE changes ("
        " id INTEGER PRIMARY KEY, terminal TEXT NOT NULL, number INTEGER NOT NULL, phone TEXT NOT NULL,"
        " phone_hash TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, time TEXT NOT NULL,"
        " confirmed INTEGER NOT NULL, UNIQUE (terminal, number, phone_hash)) STRICT;"
        "PRAGMA user_version = 2;"
        "COMMIT;";
static const char *const migrations[] = { migration_batches, migration_changes };

int sqlite_errno(int code) {
        switch (code & 0xFF) {
        case SQLITE_OK:
        case SQLITE_DONE:
        case SQLITE_ROW:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_CONSTRAINT:
                return -EEXIST;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_CANTOPEN:
                return -ENOENT;
        case SQLITE_READONLY:
                return -EROFS;
        default:
                return -EIO;
        }
}

int db_open(const char *directory, int flags, sqlite3 **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/ledger.db", directory) < 0)
                return -ENOMEM;
        r = sqlite_errno(sqlite3_open_v2(path, ret, flags, NULL));
        if (r < 0) {
                (void) sqlite3_close(*ret);
                *ret = NULL;
                return r;
        }
        (void) sqlite3_busy_timeout(*ret, BUSY_MSEC);
        return 0;
}

static int key_read(const char *path, uint8_t *key) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        return read(fd, key, HASH_KEY_SIZE) == HASH_KEY_SIZE ? 0 : -EIO;
}

static int key_make(const char *path, uint8_t *key) {
        _cleanup_close_ int fd = -EBADF;

        if (getrandom(key, HASH_KEY_SIZE, 0) != HASH_KEY_SIZE)
                return -EIO;
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return write(fd, key, HASH_KEY_SIZE) == HASH_KEY_SIZE ? 0 : -EIO;
}

static int key_get(const char *directory, uint8_t *key) {
        _cleanup_free_ char *path = NULL;
        int r;

        if (asprintf(&path, "%s/ledger.key", directory) < 0)
                return -ENOMEM;
        r = key_read(path, key);
        return r == -ENOENT ? key_make(path, key) : r;
}

static int user_version(struct ledger *l, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "PRAGMA user_version", "");
        if (r >= 0)
                r = ledger_step_row(s);
        if (r >= 0)
                *ret = sqlite3_column_int64(s, 0);
        return r;
}

static int migrate(struct ledger *l) {
        int64_t version = 0;
        int r;

        r = user_version(l, &version);
        for (size_t i = (size_t) version; r >= 0 && i < ELEMENTSOF(migrations); i++)
                r = sqlite_errno(sqlite3_exec(l->db, migrations[i], NULL, NULL, NULL));
        return r;
}

int ledger_open(const char *directory, struct ledger **ret) {
        _cleanup_(ledger_freep) struct ledger *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;
        l->hash_key = secret_new(HASH_KEY_SIZE);
        if (!l->hash_key)
                return -ENOMEM;
        r = key_get(directory, l->hash_key);
        if (r < 0)
                return r;
        r = db_open(directory, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &l->db);
        if (r < 0)
                return r;
        r = sqlite_errno(sqlite3_exec(l->db, schema, NULL, NULL, NULL));
        if (r < 0)
                return r;
        r = migrate(l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

struct ledger *ledger_free(struct ledger *l) {
        if (!l)
                return NULL;
        (void) sqlite3_close(l->db);
        secret_free(l->hash_key);
        free(l);
        return NULL;
}

int ledger_prepare(struct ledger *l, sqlite3_stmt **ret, const char *sql, const char *types, ...) {
        va_list ap;
        int r;

        r = sqlite3_prepare_v2(l->db, sql, -1, ret, NULL);
        va_start(ap, types);
        for (int i = 0; r == SQLITE_OK && types[i]; i++) {
                if (types[i] == 't')
                        r = sqlite3_bind_text(*ret, i + 1, va_arg(ap, const char *), -1, SQLITE_TRANSIENT);
                else
                        r = sqlite3_bind_int64(*ret, i + 1, va_arg(ap, int64_t));
        }
        va_end(ap);
        return sqlite_errno(r);
}

void ledger_mask(const char *pan, char masked[static LEDGER_MASKED_MAX]) {
        size_t l = strnlen(pan, LEDGER_MASKED_MAX - 1);

        for (size_t i = 0; i < l; i++)
                masked[i] = i < 6 || i + 4 >= l ? pan[i] : '*';
        masked[l] = '\0';
}

int ledger_hash(const struct ledger *l, const char *pan, char text[static LEDGER_HASH_MAX]) {
        uint8_t digest[32];
        unsigned n = sizeof(digest);

        if (!HMAC(EVP_sha256(), l->hash_key, HASH_KEY_SIZE, (const uint8_t *) pan, strlen(pan), digest, &n))
                return -EIO;
        hex_encode(digest, n, text);
        return 0;
}

static int next_id(struct ledger *l, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "SELECT coalesce(max(id), 0) + 1 FROM transactions", "");
        if (r < 0)
                return r;
        if (sqlite3_step(s) != SQLITE_ROW)
                return -EIO;
        *ret = sqlite3_column_int64(s, 0);
        return 0;
}

int ledger_add(struct ledger *l, struct ledger_entry *e) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char masked[LEDGER_MASKED_MAX] = "", hashed[LEDGER_HASH_MAX] = "";
        int r;

        if (e->pan) {
                ledger_mask(e->pan, masked);
                r = ledger_hash(l, e->pan, hashed);
                if (r < 0)
                        return r;
        }
        r = next_id(l, &e->id);
        if (r < 0)
                return r;
        /* The RRN follows the ledger; the authorization code only has to look like one. */
        snprintf(e->rrn, sizeof(e->rrn), "%012llu", (unsigned long long) e->id % 1000000000000);
        if (streq(e->effect, "approved"))
                snprintf(e->approval, sizeof(e->approval), "%06u", (unsigned) (e->id * 7919 % 1000000));

        r = ledger_prepare(
                l, &s,
                "INSERT INTO transactions (id, time, terminal, merchant, batch, stan, kind, entry, amount, currency,"
                " pan, pan_hash, rrn, approval, code, effect, note, original, sign, foreign_card)"
                " VALUES (?1, " NOW ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
                " coalesce(nullif(?10, ''), (SELECT pan FROM transactions WHERE id = ?17)),"
                " coalesce(nullif(?11, ''), (SELECT pan_hash FROM transactions WHERE id = ?17)),"
                " ?12, nullif(?13, ''), ?14, ?15, ?16, nullif(?17, 0), ?18, ?19)",
                "ittiittittttttttiii", e->id, e->terminal, e->merchant, (int64_t) e->batch, (int64_t) e->stan, e->kind,
                e->entry, e->amount, e->currency, masked, hashed, e->rrn, e->approval, e->code, e->effect, e->note,
                e->original, (int64_t) e->sign, (int64_t) e->foreign);
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_step_row(sqlite3_stmt *s) {
        int r = sqlite3_step(s);

        if (r == SQLITE_ROW)
                return 0;
        return r == SQLITE_DONE ? -ENOENT : sqlite_errno(r);
}

int ledger_step_done(sqlite3_stmt *s) {
        return sqlite_errno(sqlite3_step(s));
}

static int state_from_name(const char *name, enum ledger_state *ret) {
        static const char *const states[] = {
                [LEDGER_APPROVED] = "approved",
                [LEDGER_DECLINED] = "declined",
                [LEDGER_REVERSED] = "reversed",
                [LEDGER_UNKNOWN] = "unknown",
        };

        for (size_t i = 0; i < ELEMENTSOF(states); i++)
                if (streq(name, states[i])) {
                        *ret = i;
                        return 0;
                }
        return -EIO;
}

static void copy_column(sqlite3_stmt *s, int column, char *ret, size_t size) {
        snprintf(ret, size, "%s", strempty((const char *) sqlite3_column_text(s, column)));
}

int ledger_find(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, struct ledger_row *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct ledger_row row = {};
        int r;

        r = ledger_prepare(l, &s,
                           "SELECT effect, id, kind, amount, currency, rrn, approval, code, pan_hash, foreign_card,"
                           " strftime('%m%d', time, 'localtime'), CAST(julianday('now') - julianday(time) AS INTEGER)"
                           " FROM transactions WHERE terminal = ? AND batch = ? AND stan = ?",
                           "tii", terminal, (int64_t) batch, (int64_t) stan);
        if (r < 0)
                return r;
        r = ledger_step_row(s);
        if (r < 0)
                return r;
        r = state_from_name((const char *) sqlite3_column_text(s, 0), &row.state);
        if (r < 0)
                return r;
        row.id = sqlite3_column_int64(s, 1);
        copy_column(s, 2, row.kind, sizeof(row.kind));
        row.amount = sqlite3_column_int64(s, 3);
        copy_column(s, 4, row.currency, sizeof(row.currency));
        copy_column(s, 5, row.rrn, sizeof(row.rrn));
        copy_column(s, 6, row.approval, sizeof(row.approval));
        copy_column(s, 7, row.code, sizeof(row.code));
        copy_column(s, 8, row.pan_hash, sizeof(row.pan_hash));
        row.foreign = sqlite3_column_int64(s, 9) != 0;
        copy_column(s, 10, row.date, sizeof(row.date));
        row.age_days = sqlite3_column_int64(s, 11);
        *ret = row;
        return 0;
}

bool ledger_is_card(const struct ledger *l, const struct ledger_row *row, const char *pan) {
        char hashed[LEDGER_HASH_MAX];

        return ledger_hash(l, pan, hashed) >= 0 && streq(hashed, row->pan_hash);
}

int ledger_about(struct ledger *l, int64_t id, const char *kind, int64_t *ret_count, int64_t *ret_sum) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s,
                           "SELECT count(*), coalesce(sum(amount), 0) FROM transactions AS t"
                           " WHERE original = ? AND kind = ? AND effect = 'approved' AND NOT EXISTS"
                           " (SELECT 1 FROM transactions WHERE original = t.id AND effect = 'approved'"
                           " AND kind IN ('void', 'completion-void', 'pre-authorization-void'))",
                           "it", id, kind);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r < 0)
                return r;
        *ret_count = sqlite3_column_int64(s, 0);
        *ret_sum = sqlite3_column_int64(s, 1);
        return 0;
}

int ledger_owed(struct ledger *l, const char *pan, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char hashed[LEDGER_HASH_MAX];
        int r;

        r = ledger_hash(l, pan, hashed);
        if (r >= 0)
                r = ledger_prepare(l, &s,
                                   "SELECT coalesce(sum(sign * amount), 0) FROM transactions"
                                   " WHERE pan_hash = ? AND effect = 'approved'",
                                   "t", hashed);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r >= 0)
                *ret = sqlite3_column_int64(s, 0);
        return r;
}

int ledger_reverse(struct ledger *l, const char *terminal, uint32_t batch, uint32_t stan, const char *reason) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(
                l, &s,
                "UPDATE transactions SET effect = CASE effect WHEN 'approved' THEN 'reversed' ELSE effect END,"
                " reversal_reason = ?, reversals = reversals + 1 WHERE terminal = ? AND batch = ? AND stan = ?",
                "ttii", reason, terminal, (int64_t) batch, (int64_t) stan);
        return r < 0 ? r : ledger_step_done(s);
}

/* Of the line that was written last. */
static int log_chip_data(struct ledger *l, const uint8_t *data, size_t size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "INSERT INTO chip_data (message, data) VALUES (last_insert_rowid(), ?)", "");
        if (r < 0)
                return r;
        r = sqlite_errno(sqlite3_bind_blob(s, 1, data, (int) size, SQLITE_TRANSIENT));
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_log(struct ledger *l, const struct ledger_message *m) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s,
                           "INSERT INTO messages (time, terminal, kind, batch, stan, code, script)"
                           " VALUES (" NOW ", ?, ?, ?, ?, ?, ?)",
                           "ttiitt", m->terminal, m->kind, (int64_t) m->batch, (int64_t) m->stan, m->code, m->action);
        if (r < 0)
                return r;
        r = sqlite_errno(sqlite3_step(s));
        return r < 0 || !m->icc ? r : log_chip_data(l, m->icc, m->icc_size);
}

int ledger_set_keys(struct ledger *l, const char *terminal, const void *wrapped, size_t size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "INSERT OR REPLACE INTO terminals (terminal, keys) VALUES (?, ?2)", "t", terminal);
        if (r < 0)
                return r;
        r = sqlite_errno(sqlite3_bind_blob(s, 2, wrapped, (int) size, SQLITE_TRANSIENT));
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_forget_keys(struct ledger *l, const char *terminal) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "DELETE FROM terminals WHERE terminal = ?", "t", terminal);
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_get_keys(struct ledger *l, const char *terminal, uint8_t wrapped[static WRAPPED_KEYS_MAX],
                    size_t *ret_size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r, n;

        r = ledger_prepare(l, &s, "SELECT keys FROM terminals WHERE terminal = ?", "t", terminal);
        if (r < 0)
                return r;
        r = ledger_step_row(s);
        if (r < 0)
                return r;
        n = sqlite3_column_bytes(s, 0);
        if (n <= 0 || n > WRAPPED_KEYS_MAX)
                return -EIO;
        memcpy(wrapped, sqlite3_column_blob(s, 0), (size_t) n);
        *ret_size = (size_t) n;
        return 0;
}
