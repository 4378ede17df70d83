// SPDX-License-Identifier: LGPL-2.1-or-later
/* The codes of a rebind, as hashes, and the limits on them. */
#include <openssl/hmac.h>

#include "base/secret.h"
#include "journal/column.h"
#include "journal/internal.h"
#include "journal/rebind.h"

/* ---- The hash ---- */

/* What sets it apart from the hash of a PAN under the same key. */
#define DOMAIN "rebind code"

int rebind_code_hash(struct journal *j, const uint8_t salt[static REBIND_SALT_SIZE], const char *code,
                     uint8_t ret[static REBIND_HASH_SIZE]) {
        size_t l = strlen(code), size = sizeof(DOMAIN) + REBIND_SALT_SIZE + l;
        _cleanup_secret_ uint8_t *text = secret_new(size);
        unsigned n = REBIND_HASH_SIZE;

        if (!text)
                return -ENOMEM;
        memcpy(text, DOMAIN, sizeof(DOMAIN));
        memcpy(text + sizeof(DOMAIN), salt, REBIND_SALT_SIZE);
        memcpy(text + sizeof(DOMAIN) + REBIND_SALT_SIZE, code, l);
        return HMAC(EVP_sha256(), j->keys->hash, sizeof(j->keys->hash), text, size, ret, &n) ? 0 : -ENOMEM;
}

/* ---- Codes ---- */

static const char *const holder_words[] = { "old", "new", "contact" };
_Static_assert(ELEMENTSOF(holder_words) == _REBIND_HOLDER_MAX, "a word each");

#define FIELD(member, ...) COLUMN_MEMBER(struct rebind_code, member, __VA_ARGS__)
static const struct column fields[] = {
        FIELD(rebind, COLUMN_I64),      FIELD(holder, COLUMN_WORDS(holder_words)),
        FIELD(contact, COLUMN_I64),     FIELD(wrong, COLUMN_U32),
        FIELD(made_uptime, COLUMN_U64),
};
#define N_FIELDS ((int) ELEMENTSOF(fields))
#define SELECT "SELECT rebind, holder, contact, wrong, made_uptime, salt, hash FROM rebind_codes "

static int read_code(sqlite3_stmt *s, struct rebind_code *ret) {
        struct rebind_code code = {};
        int r;

        r = columns_read(s, 0, fields, ELEMENTSOF(fields), &code);
        if (r < 0)
                return r;
        if (sqlite3_column_bytes(s, N_FIELDS) != REBIND_SALT_SIZE ||
            sqlite3_column_bytes(s, N_FIELDS + 1) != REBIND_HASH_SIZE)
                return -EBADMSG;
        memcpy(code.salt, sqlite3_column_blob(s, N_FIELDS), REBIND_SALT_SIZE);
        memcpy(code.hash, sqlite3_column_blob(s, N_FIELDS + 1), REBIND_HASH_SIZE);
        *ret = code;
        return 0;
}

int rebind_code_store(struct journal *j, const struct rebind_code *code) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "INSERT INTO rebind_codes (rebind, holder, contact, wrong, made_uptime, salt, hash)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO UPDATE"
                              " SET wrong = ?4, made_uptime = ?5, salt = ?6, hash = ?7",
                              &s);
        if (r >= 0)
                r = columns_bind(s, 1, fields, ELEMENTSOF(fields), code);
        if (r < 0)
                return r;
        (void) sqlite3_bind_blob(s, 1 + N_FIELDS, code->salt, REBIND_SALT_SIZE, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 2 + N_FIELDS, code->hash, REBIND_HASH_SIZE, SQLITE_STATIC);
        return journal_run(j, s);
}

int rebind_code_load(struct journal *j, int64_t rebind, enum rebind_holder holder, int64_t contact,
                     struct rebind_code *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, SELECT "WHERE rebind = ? AND holder = ? AND contact = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, rebind);
        (void) sqlite3_bind_text(s, 2, holder_words[holder], -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 3, contact);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        return r == 0 ? -ENOENT : read_code(s, ret);
}

int rebind_code_each_contact(struct journal *j, int64_t rebind, rebind_code_each_t each, void *userdata) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct rebind_code code = {};
        int r;

        r = journal_statement(j, SELECT "WHERE rebind = ? AND holder = 'contact' ORDER BY contact", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, rebind);
        while ((r = journal_step(j, s)) > 0) {
                r = read_code(s, &code);
                if (r >= 0)
                        r = each(&code, userdata);
                if (r != 0)
                        return r;
        }
        return r;
}

int rebind_code_forget(struct journal *j, int64_t rebind) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM rebind_codes WHERE rebind = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, rebind);
        return journal_run(j, s);
}

/* ---- Limits ---- */

#define LIMIT(member, ...) COLUMN_MEMBER(struct rebind_limit, member, __VA_ARGS__)
static const struct column limits[] = {
        LIMIT(wrong_codes, COLUMN_U32),
        LIMIT(locked_until, COLUMN_U64),
        LIMIT(sends, COLUMN_U32),
        LIMIT(sends_since, COLUMN_U64),
};

int rebind_limit_load(struct journal *j, struct rebind_limit *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        struct rebind_limit limit = {};
        int r;

        r = journal_statement(j, "SELECT wrong_codes, locked_until, sends, sends_since FROM rebind_limits", &s);
        if (r >= 0)
                r = journal_step(j, s);
        if (r > 0)
                r = columns_read(s, 0, limits, ELEMENTSOF(limits), &limit);
        if (r < 0)
                return r;
        *ret = limit;
        return 0;
}

int rebind_limit_store(struct journal *j, const struct rebind_limit *limit) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "INSERT INTO rebind_limits (one, wrong_codes, locked_until, sends, sends_since)"
                              " VALUES (1, ?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                              " SET wrong_codes = ?1, locked_until = ?2, sends = ?3, sends_since = ?4",
                              &s);
        if (r >= 0)
                r = columns_bind(s, 1, limits, ELEMENTSOF(limits), limit);
        return r < 0 ? r : journal_run(j, s);
}
