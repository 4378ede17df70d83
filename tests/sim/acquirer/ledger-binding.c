// SPDX-License-Identifier: LGPL-2.1-or-later
#include "acquirer/ledger-internal.h"

static const char *const kinds[_HOST_BINDING_KIND_MAX] = {
        [HOST_BINDING_FIRST] = "first",
        [HOST_BINDING_CHANGE] = "change",
        [HOST_BINDING_LOST] = "lost",
};

static const char *const states[] = {
        [LEDGER_CHANGE_CHECKED] = "checked",
        [LEDGER_CHANGE_CONFIRMED] = "confirmed",
        [LEDGER_CHANGE_WITHDRAWN] = "withdrawn",
};

int ledger_get_serial(struct ledger *l, const char *terminal, char ret[static LEDGER_SERIAL_MAX]) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "SELECT serial FROM serials WHERE terminal = ?", "t", terminal);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r >= 0)
                snprintf(ret, LEDGER_SERIAL_MAX, "%s", (const char *) sqlite3_column_text(s, 0));
        return r;
}

int ledger_set_serial(struct ledger *l, const char *terminal, const char *serial) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, "INSERT OR REPLACE INTO serials (terminal, serial) VALUES (?, ?)", "tt", terminal,
                           serial);
        return r < 0 ? r : ledger_step_done(s);
}

/* The last that was confirmed and is not withdrawn. */
int ledger_is_bound(struct ledger *l, const char *terminal, const char *phone) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char hashed[LEDGER_HASH_MAX];
        int r;

        r = ledger_hash(l, phone, hashed);
        if (r >= 0)
                r = ledger_prepare(l, &s,
                                   "SELECT phone_hash FROM changes WHERE terminal = ? AND state = 'confirmed'"
                                   " ORDER BY confirmed DESC LIMIT 1",
                                   "t", terminal);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r == -ENOENT)
                return !*phone;
        return r < 0 ? r : streq((const char *) sqlite3_column_text(s, 0), hashed);
}

int ledger_get_change(struct ledger *l, const char *terminal, const struct host_binding *b, enum ledger_change *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char hashed[LEDGER_HASH_MAX];
        int r;

        r = ledger_hash(l, b->phone, hashed);
        if (r >= 0)
                r = ledger_prepare(l, &s,
                                   "SELECT state FROM changes WHERE terminal = ? AND number = ? AND phone_hash = ?"
                                   " AND (state <> 'checked' OR kind = ?)",
                                   "titt", terminal, (int64_t) b->number, hashed, kinds[b->kind]);
        if (r >= 0)
                r = ledger_step_row(s);
        if (r == -ENOENT) {
                *ret = LEDGER_CHANGE_NONE;
                return 0;
        }
        if (r < 0)
                return r;
        r = string_table_find(states, ELEMENTSOF(states), (const char *) sqlite3_column_text(s, 0));
        if (r < 0)
                return -EIO;
        *ret = (enum ledger_change) r;
        return 0;
}

int ledger_set_change(struct ledger *l, const char *terminal, const struct host_binding *b, enum ledger_change state) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char hashed[LEDGER_HASH_MAX], masked[PHONE_SIZE];
        int r;

        phone_mask(b->phone, masked);
        r = ledger_hash(l, b->phone, hashed);
        if (r >= 0)
                r = ledger_prepare(
                        l, &s,
                        "INSERT INTO changes (terminal, number, phone, phone_hash, kind, state, time, confirmed)"
                        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, " NOW ","
                        " iif(?6 = 'confirmed', (SELECT coalesce(max(confirmed), 0) + 1 FROM changes), 0))"
                        " ON CONFLICT DO UPDATE SET kind = excluded.kind, state = excluded.state,"
                        " time = excluded.time, confirmed = excluded.confirmed",
                        "tittt"
                        "t",
                        terminal, (int64_t) b->number, masked, hashed, kinds[b->kind], states[state]);
        return r < 0 ? r : ledger_step_done(s);
}

int ledger_unbind(struct ledger *l, const char *terminal) {
        _cleanup_statement_ sqlite3_stmt *changes = NULL, *serial = NULL;
        int r;

        r = ledger_prepare(l, &serial, "DELETE FROM serials WHERE terminal = ?", "t", terminal);
        if (r >= 0)
                r = ledger_step_done(serial);
        if (r >= 0)
                r = ledger_prepare(l, &changes,
                                   "UPDATE changes SET state = 'withdrawn' WHERE terminal = ? AND state = 'confirmed'",
                                   "t", terminal);
        return r < 0 ? r : ledger_step_done(changes);
}
