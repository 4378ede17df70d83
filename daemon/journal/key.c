// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/key.h"

#include "base/secret.h"
#include "journal/internal.h"

/* "key." and the name: what a sealed key is bound to. */
static int place_of(const char *name, char place[static 40]) {
        size_t l = strlen(name);

        if (l == 0 || l > 32)
                return -EINVAL;
        (void) snprintf(place, 40, "key.%s", name);
        return 0;
}

int wrapped_key_store(struct journal *j, const char *name, const void *data, size_t size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint8_t sealed[WRAPPED_KEY_MAX + SEAL_OVERHEAD];
        char place[40];
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        if (size == 0 || size > WRAPPED_KEY_MAX)
                return -ERANGE;
        r = place_of(name, place);
        if (r < 0)
                return r;
        r = journal_seal(j, place, 0, data, size, sealed);
        if (r < 0)
                return r;
        r = journal_statement(
                j, "INSERT INTO wrapped_keys (name, sealed) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET sealed = ?2",
                &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        (void) sqlite3_bind_blob(s, 2, sealed, (int) (size + SEAL_OVERHEAD), SQLITE_STATIC);
        return journal_run(j, s);
}

int wrapped_key_load(struct journal *j, const char *name, void **ret, size_t *ret_size) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        _cleanup_secret_ void *data = NULL;
        char place[40];
        size_t size;
        int r;

        r = place_of(name, place);
        if (r < 0)
                return r;
        r = journal_statement(j, "SELECT sealed FROM wrapped_keys WHERE name = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        size = (size_t) sqlite3_column_bytes(s, 0);
        if (size <= SEAL_OVERHEAD || size > WRAPPED_KEY_MAX + SEAL_OVERHEAD)
                return -EBADMSG;
        data = secret_new(size - SEAL_OVERHEAD);
        if (!data)
                return -ENOMEM;
        r = journal_unseal(j, place, 0, sqlite3_column_blob(s, 0), size, data);
        if (r < 0)
                return r;
        *ret_size = size - SEAL_OVERHEAD;
        *ret = TAKE_PTR(data);
        return 0;
}

int wrapped_key_remove(struct journal *j, const char *name) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM wrapped_keys WHERE name = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        return journal_run(j, s);
}
