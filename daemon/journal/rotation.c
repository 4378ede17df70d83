// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/rotation.h"

#include "base/secret.h"
#include "journal/checkpoint.h"
#include "journal/internal.h"

#define ROWS_A_COMMIT 200

/* Every column that is sealed, and what its value is bound to; tests/unit/test-journal-rotation knows if one lacks. */
static const struct sealed {
        const char *table, *key, *column;
        const char *place, *number; /* of a row, as SQL */
        const char *before_first;
} small_tables[] = {
        { "wrapped_keys", "name", "sealed", "'key.' || name", "0", "" },
        { "operators", "number", "hash_sealed", "'operator.code'", "CAST(number AS INTEGER)", "" },
        { "reversals", "transaction_id", "request_sealed", "'reversal.request'", "transaction_id", "0" },
        { "forwards", "transaction_id", "request_sealed", "'forward.request'", "transaction_id", "0" },
        { "withdrawals", "transaction_id", "request_sealed", "'withdrawal.request'", "transaction_id", "0" },
        { "bindings", "id", "phone_sealed", "'binding.phone'", "id", "0" },
        { "rebinds", "id", "phone_sealed", "'rebind.phone'", "id", "0" },
        { "contacts", "id", "person_sealed", "'contact.person'", "id", "0" },
        { "notices", "id", "text_sealed", "'notice.text'", "id", "0" },
        { "chip_records", "transaction_id", "icc_sealed", "'chip_record.icc'", "transaction_id", "0" },
}, transactions = { "transactions", "id", "pan_sealed", "'transaction.pan'", "id", "0" };

struct rotation {
        struct journal *journal; /* with the old keys */
        struct journal_keys *new_keys;
        int64_t cursor; /* transactions up to this one are sealed under the new key */
};

/* ---- One value ---- */

static int seal_again(struct rotation *o, const char *place, int64_t number, const void *sealed, size_t size,
                      uint8_t *ret) {
        struct journal_keys *old_keys = o->journal->keys;
        _cleanup_secret_ void *plain = NULL;
        int r;

        if (size < SEAL_OVERHEAD)
                return -EBADMSG;
        plain = secret_new(size - SEAL_OVERHEAD);
        if (!plain)
                return -ENOMEM;
        r = journal_unseal(o->journal, place, number, sealed, size, plain);
        if (r < 0)
                return r;
        o->journal->keys = o->new_keys;
        r = journal_seal(o->journal, place, number, plain, size - SEAL_OVERHEAD, ret);
        o->journal->keys = old_keys;
        return r;
}

/* The row under the statement; the update takes the new value and its key. */
static int change_row(struct rotation *o, sqlite3_stmt *row, sqlite3_stmt *update) {
        size_t size = (size_t) sqlite3_column_bytes(row, 3);
        _cleanup_free_ uint8_t *sealed = malloc(size + 1);
        int r;

        if (!sealed)
                return -ENOMEM;
        r = seal_again(o, (const char *) sqlite3_column_text(row, 1), sqlite3_column_int64(row, 2),
                       sqlite3_column_blob(row, 3), size, sealed);
        if (r < 0)
                return r;
        (void) sqlite3_reset(update);
        (void) sqlite3_bind_blob(update, 1, sealed, (int) size, SQLITE_TRANSIENT);
        (void) sqlite3_bind_value(update, 2, sqlite3_column_value(row, 0));
        return journal_run(o->journal, update);
}

static void finalizep(sqlite3_stmt **statement) {
        (void) sqlite3_finalize(*statement);
}

static int prepare(struct journal *j, sqlite3_stmt **ret, const char *format, ...) _printf_(3, 4);
static int prepare(struct journal *j, sqlite3_stmt **ret, const char *format, ...) {
        _cleanup_free_ char *sql = NULL;
        va_list list;
        int n;

        va_start(list, format);
        n = vasprintf(&sql, format, list);
        va_end(list);
        if (n < 0)
                return -ENOMEM;
        return sqlite3_prepare_v2(j->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : journal_last_errno(j);
}

static void value_freep(sqlite3_value **value) {
        sqlite3_value_free(*value);
}

/*
 * Rows after *cursor, or all of a small table without one. Returns how many there were. Each is looked for anew: a
 * statement that walks a table WITHOUT ROWID may come to a row again once it has been changed.
 */
static int change_rows(struct rotation *o, const struct sealed *t, int64_t *cursor, unsigned limit) {
        _cleanup_(finalizep) sqlite3_stmt *row = NULL, *update = NULL;
        _cleanup_(value_freep) sqlite3_value *last = NULL;
        unsigned n;
        int r;

        r = prepare(o->journal, &row,
                    "SELECT %s, %s, %s, %s FROM %s WHERE %s IS NOT NULL AND %s > ? ORDER BY %s LIMIT 1", t->key,
                    t->place, t->number, t->column, t->table, t->column, t->key, t->key);
        if (r >= 0)
                r = prepare(o->journal, &update, "UPDATE %s SET %s = ? WHERE %s = ?", t->table, t->column, t->key);
        if (r < 0)
                return r;
        if (cursor)
                (void) sqlite3_bind_int64(row, 1, *cursor);
        else
                (void) sqlite3_bind_text(row, 1, t->before_first, -1, SQLITE_STATIC);
        for (n = 0; limit == 0 || n < limit; n++) {
                r = journal_step(o->journal, row);
                if (r <= 0)
                        break;
                r = change_row(o, row, update);
                if (r < 0)
                        return r;
                if (cursor)
                        *cursor = sqlite3_column_int64(row, 0);
                sqlite3_value_free(last);
                last = sqlite3_value_dup(sqlite3_column_value(row, 0));
                (void) sqlite3_reset(row);
                if (!last || sqlite3_bind_value(row, 1, last) != SQLITE_OK)
                        return -ENOMEM;
        }
        return r < 0 ? r : (int) n;
}

/* ---- What the file says of its keys ---- */

/* 1 and whether it is the one that is expected, 0 where there is none. */
static int meta_is(struct journal *j, const char *name, const uint8_t expected[static 32], bool *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT value FROM meta WHERE name = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        *ret = sqlite3_column_bytes(s, 0) == 32 && secret_equal(sqlite3_column_blob(s, 0), expected, 32);
        return 1;
}

static int meta_set(struct journal *j, const char *name, const void *value, size_t size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 2, value, (int) size, SQLITE_STATIC);
        return journal_run(j, s);
}

static int load_cursor(struct journal *j, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT value FROM counters WHERE name = 'key-rotation'", &s);
        if (r < 0)
                return r;
        r = journal_step(j, s);
        if (r > 0)
                *ret = sqlite3_column_int64(s, 0);
        return r < 0 ? r : 0;
}

static int save_cursor(struct journal *j, int64_t cursor) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j,
                "INSERT INTO counters (name, value) VALUES ('key-rotation', ?1) ON CONFLICT DO UPDATE SET value = ?1",
                &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, cursor);
        return journal_run(j, s);
}

/* ---- Steps, a commit each ---- */

static int begin_rotation(struct rotation *o) {
        int r;

        r = meta_set(o->journal, JOURNAL_KEY_NEXT, o->new_keys->check, sizeof(o->new_keys->check));
        if (r < 0)
                return r;
        return save_cursor(o->journal, 0);
}

static int change_transactions(struct rotation *o) {
        int n, r;

        n = change_rows(o, &transactions, &o->cursor, ROWS_A_COMMIT);
        if (n < 0)
                return n;
        r = save_cursor(o->journal, o->cursor);
        return r < 0 ? r : n == ROWS_A_COMMIT;
}

/* The hashes of cards that are known stay what they are: their key goes on, sealed. */
static int keep_hash_key(struct rotation *o) {
        struct journal *j = o->journal;
        struct journal_keys *old_keys = j->keys;
        uint8_t sealed[sizeof(old_keys->hash) + SEAL_OVERHEAD];
        int r;

        j->keys = o->new_keys;
        r = journal_seal(j, JOURNAL_HASH_KEY, 0, old_keys->hash, sizeof(old_keys->hash), sealed);
        j->keys = old_keys;
        return r < 0 ? r : meta_set(j, JOURNAL_HASH_KEY, sealed, sizeof(sealed));
}

static int finish_rotation(struct rotation *o) {
        struct journal *j = o->journal;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(small_tables); i++) {
                r = change_rows(o, &small_tables[i], NULL, 0);
                if (r < 0)
                        return r;
        }
        r = keep_hash_key(o);
        if (r >= 0)
                r = event_append(j, "storage-key-changed", 0, NULL);
        if (r >= 0)
                r = event_checkpoint_sign_again(j, o->new_keys->sign);
        if (r >= 0)
                r = meta_set(j, JOURNAL_KEY_CHECK, o->new_keys->check, sizeof(o->new_keys->check));
        if (r >= 0)
                r = journal_execute(j, "DELETE FROM meta WHERE name = '" JOURNAL_KEY_NEXT "';"
                                       "DELETE FROM counters WHERE name = 'key-rotation'");
        return r;
}

static int in_commit(struct rotation *o, int (*step)(struct rotation *o), enum journal_durability durability) {
        int more, r;

        r = journal_begin(o->journal, durability);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = o->journal;
        more = step(o);
        if (more < 0)
                return more;
        r = journal_commit(o->journal);
        return r < 0 ? r : more;
}

/* 1 when there is work, 0 when it is under the new key. */
static int find_out(struct rotation *o) {
        bool is_old = false, is_new = false, next = false;
        int r;

        r = meta_is(o->journal, JOURNAL_KEY_CHECK, o->new_keys->check, &is_new);
        if (r >= 0)
                r = meta_is(o->journal, JOURNAL_KEY_CHECK, o->journal->keys->check, &is_old);
        if (r < 0)
                return r;
        if (is_new)
                return 0;
        r = meta_is(o->journal, JOURNAL_KEY_NEXT, o->new_keys->check, &next);
        if (r < 0)
                return r;
        if (!is_old)
                return -EKEYREJECTED;
        /* Half way to a third key: only that one and the old one can go on. */
        if (r > 0 && !next)
                return -EKEYEXPIRED;
        if (r == 0)
                r = in_commit(o, begin_rotation, JOURNAL_DURABLE);
        return r < 0 ? r : 1;
}

static int rotate(struct rotation *o, void (*progress)(uint64_t done, uint64_t total, void *userdata),
                  void *userdata) {
        int64_t last;
        int r;

        r = find_out(o);
        if (r <= 0)
                return r;
        r = journal_load_hash_key(o->journal);
        if (r >= 0)
                r = load_cursor(o->journal, &o->cursor);
        if (r >= 0)
                r = journal_last_number(o->journal, "transactions", &last);
        if (r < 0)
                return r;
        while ((r = in_commit(o, change_transactions, JOURNAL_LAZY)) > 0)
                progress((uint64_t) o->cursor, (uint64_t) last, userdata);
        if (r >= 0)
                r = in_commit(o, finish_rotation, JOURNAL_DURABLE);
        if (r >= 0)
                r = journal_checkpoint(o->journal);
        return r < 0 ? r : 1;
}

int journal_change_key(const char *path, const uint8_t old_key[static JOURNAL_KEY_SIZE],
                       const uint8_t new_key[static JOURNAL_KEY_SIZE],
                       void (*progress)(uint64_t done, uint64_t total, void *userdata), void *userdata,
                       char **ret_message) {
        _cleanup_(journal_closep) struct journal *j = NULL;
        _cleanup_secret_ struct journal_keys *new_keys = NULL;
        struct rotation o = {};
        int r;

        if (ret_message)
                *ret_message = NULL;
        if (access(path, F_OK) < 0 && errno == ENOENT)
                return 0;
        new_keys = secret_new(sizeof(*new_keys));
        if (!new_keys)
                return -ENOMEM;
        r = journal_keys_derive(new_key, new_keys);
        if (r < 0)
                return r;
        r = journal_open_unchecked(path, old_key, &j, ret_message);
        if (r < 0)
                return r;
        o.journal = j;
        o.new_keys = new_keys;
        r = rotate(&o, progress, userdata);
        return r < 0 ? journal_explain(ret_message, r, path, journal_error_text(j)) : r;
}
