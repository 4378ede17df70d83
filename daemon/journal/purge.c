// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/purge.h"

#include <inttypes.h>

#include "journal/checkpoint.h"
#include "journal/contact.h"
#include "journal/fault.h"
#include "journal/internal.h"
#include "journal/notice.h"

#define A_SLICE 50
#define EVENTS_A_SLICE 500
#define A_DAY (24 * 60 * 60 * UINT64_C(1000000))

/* One value of the first row, or what it is without a row. */
static int load_number(struct journal *j, sqlite3_stmt *s, int64_t otherwise, int64_t *ret) {
        int r = journal_step(j, s);

        if (r < 0)
                return r;
        *ret = r > 0 && sqlite3_column_type(s, 0) != SQLITE_NULL ? sqlite3_column_int64(s, 0) : otherwise;
        return 0;
}

int purge_begin(struct journal *j, unsigned days, struct journal_purge *ret) {
        struct journal_purge p = {};
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = age_add_mark(j);
        if (r >= 0)
                r = age_find_mark(j, days * A_DAY, &p.old);
        if (r >= 0)
                r = age_drop_before(j, &p.old);
        if (r < 0)
                return r;
        r = journal_commit(j);
        if (r < 0)
                return r;
        *ret = p;
        return 0;
}

/* Runs a statement that is bound already; returns how many rows it changed. */
static int change(struct journal *j, sqlite3_stmt *s) {
        int r = journal_run(j, s);

        return r < 0 ? r : sqlite3_changes(j->db);
}

static int change_one(struct journal *j, const char *sql, int64_t id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        return change(j, s);
}

/* ---- Transactions ---- */

/* Nothing hangs on it: not money, not paper, and no other transaction that still has its details. */
static const char sql_may_go[] =
        "SELECT t.state = 'done' AND t.result <> 'unconfirmed' AND t.reversal NOT IN ('pending','rejected')"
        " AND t.forwarding NOT IN ('pending','rejected')"
        " AND t.batch <> coalesce((SELECT value FROM counters WHERE name = 'batch'), 1)"
        " AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.number = t.batch AND b.state <> 'settled')"
        " AND NOT EXISTS (SELECT 1 FROM reversals r WHERE r.transaction_id = t.id)"
        " AND NOT EXISTS (SELECT 1 FROM forwards f WHERE f.transaction_id = t.id)"
        " AND NOT EXISTS (SELECT 1 FROM withdrawals w WHERE w.transaction_id = t.id)"
        " AND NOT EXISTS (SELECT 1 FROM print_jobs p WHERE p.transaction_id = t.id"
        "  AND p.state IN ('queued','printing'))"
        " AND NOT EXISTS (SELECT 1 FROM transactions c WHERE c.original = t.id AND c.original <> 0 AND c.purged = 0)"
        " FROM transactions t WHERE t.id = ?1";

/* 1 when it may go, 0 when it stays. */
static int may_go(struct journal *j, int64_t id) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, sql_may_go, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        r = journal_step(j, s);
        if (r <= 0)
                return r < 0 ? r : -EBADMSG;
        return sqlite3_column_int(s, 0);
}

/* What a tombstone keeps is what this leaves alone. */
static const char sql_tombstone[] =
        "UPDATE transactions SET purged = 1, reason = '', message = '', approver = '', entry = 'none', masked_pan = "
        "'',"
        " pan_hash = '', pan_sealed = NULL, psn = -1, issuer = '', acquirer = '', stan = 0, batch = 0, voucher = 0,"
        " rrn = '', authorization_code = '', response_code = '', host_time = '', aid = '', label = '',"
        " preferred_name = '', aip = '', tvr = '', tsi = '', cryptogram = '', cryptogram_kind = '', atc = '', iad = "
        "'',"
        " cvm_result = '', terminal_capabilities = '', script_results = '', signature = 0, has_balance = 0,"
        " balance = 0 WHERE id = ?";

static int bury(struct journal *j, int64_t id) {
        int r;

        r = change_one(j, "DELETE FROM print_jobs WHERE transaction_id = ?", id);
        if (r >= 0)
                r = change_one(j, "DELETE FROM chip_records WHERE transaction_id = ?", id);
        if (r >= 0)
                r = change_one(j, sql_tombstone, id);
        return r < 0 ? r : 0;
}

static int next_ids(struct journal *j, const struct journal_purge *p, int64_t **ret, size_t *ret_n) {
        sqlite3_stmt *s;
        int r;

        r = journal_statement(
                j, "SELECT id FROM transactions WHERE purged = 0 AND id > ? AND id <= ? ORDER BY id LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, p->row);
        (void) sqlite3_bind_int64(s, 2, p->old.transaction);
        (void) sqlite3_bind_int64(s, 3, A_SLICE);
        return journal_column_ids(j, s, ret, ret_n);
}

static int tell(struct journal *j, unsigned n, int64_t first, int64_t last) {
        char text[96];

        (void) snprintf(text, sizeof(text), "{\"count\":%u,\"first\":%" PRIi64 ",\"last\":%" PRIi64 "}", n, first,
                        last);
        return event_append(j, "transactions-purged", 0, text);
}

static void next_phase(struct journal_purge *p) {
        p->phase++;
        p->row = 0;
}

static int purge_transactions(struct journal *j, struct journal_purge *p) {
        _cleanup_free_ int64_t *ids = NULL;
        int64_t first = 0, last = 0;
        unsigned buried = 0;
        size_t n = 0;
        int r;

        r = next_ids(j, p, &ids, &n);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                r = may_go(j, ids[i]);
                if (r < 0)
                        return r;
                p->row = ids[i];
                if (r == 0)
                        continue;
                r = bury(j, ids[i]);
                if (r < 0)
                        return r;
                first = first ?: ids[i];
                last = ids[i];
                buried++;
        }
        if (n < A_SLICE)
                next_phase(p);
        if (buried == 0)
                return 1;
        p->transactions += buried;
        r = tell(j, buried, first, last);
        return r < 0 ? r : 1;
}

static int purge_print_jobs(struct journal *j, struct journal_purge *p) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j,
                "DELETE FROM print_jobs WHERE id IN (SELECT id FROM print_jobs WHERE transaction_id IS NULL"
                " AND id <= ? AND state NOT IN ('queued','printing') LIMIT ?)",
                &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, p->old.print_job);
        (void) sqlite3_bind_int64(s, 2, A_SLICE);
        r = change(j, s);
        if (r < 0)
                return r;
        if (r < A_SLICE)
                next_phase(p);
        return 1;
}

/* What a count says was removed, or an error; fewer than asked for were the last. */
static int removed(struct journal_purge *p, int n) {
        if (n >= 0 && n < A_SLICE)
                next_phase(p);
        return n < 0 ? n : 1;
}

static int purge_faults(struct journal *j, struct journal_purge *p) {
        return removed(p, fault_record_purge(j, p->old.time_usec, A_SLICE));
}

static int purge_notices(struct journal *j, struct journal_purge *p) {
        return removed(p, notice_record_purge(j, p->old.time_usec, A_SLICE));
}

static int purge_contacts(struct journal *j, struct journal_purge *p) {
        return removed(p, contact_record_forget(j, p->old.uptime));
}

/* ---- Events ---- */

static int first_kept(struct journal *j, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT id FROM transactions WHERE purged = 0 ORDER BY id LIMIT 1", &s);
        if (r < 0)
                return r;
        return load_number(j, s, INT64_MAX, ret);
}

/* The last event up to which a purge may go: old, under a checkpoint, and before the row that was looked at. */
static int last_to_go(struct journal *j, const struct journal_purge *p, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT max(seq) FROM checkpoints WHERE seq <= ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, MIN(p->row, p->old.event));
        return load_number(j, s, 0, ret);
}

static int declare(struct journal *j, struct journal_purge *p) {
        int64_t base, to;
        int r;

        r = event_get_base(j, &base);
        if (r >= 0)
                r = last_to_go(j, p, &to);
        if (r < 0)
                return r;
        if (to > base) {
                r = event_set_base(j, to);
                if (r < 0)
                        return r;
        }
        next_phase(p);
        return 1;
}

/* p->row: up to there no event is about a transaction that is left. */
static int look(struct journal *j, struct journal_purge *p) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        unsigned n = 0;
        int r;

        if (p->row == 0) {
                r = event_get_base(j, &p->row);
                if (r >= 0)
                        r = first_kept(j, &p->first_kept);
                if (r < 0)
                        return r;
        }
        r = journal_statement(j, "SELECT seq, transaction_id FROM events WHERE seq > ? ORDER BY seq LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, p->row);
        (void) sqlite3_bind_int64(s, 2, EVENTS_A_SLICE);
        while ((r = journal_step(j, s)) > 0) {
                if (sqlite3_column_int64(s, 1) >= p->first_kept)
                        return declare(j, p);
                p->row = sqlite3_column_int64(s, 0);
                n++;
        }
        if (r < 0)
                return r;
        return n < EVENTS_A_SLICE ? declare(j, p) : 1;
}

static int purge_events(struct journal *j, struct journal_purge *p) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "DELETE FROM events WHERE seq IN (SELECT seq FROM events"
                              " WHERE seq <= coalesce((SELECT seq FROM event_base), 0) ORDER BY seq LIMIT ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, EVENTS_A_SLICE);
        r = change(j, s);
        if (r < 0)
                return r;
        p->events += (uint64_t) r;
        if (r == EVENTS_A_SLICE)
                return 1;
        next_phase(p);
        return 0;
}

int purge_slice(struct journal *j, struct journal_purge *p) {
        static int (*const phases[])(struct journal * j, struct journal_purge * p) = {
                [PURGE_TRANSACTIONS] = purge_transactions,
                [PURGE_PRINT_JOBS] = purge_print_jobs,
                [PURGE_FAULTS] = purge_faults,
                [PURGE_NOTICES] = purge_notices,
                [PURGE_CONTACTS] = purge_contacts,
                [PURGE_LOOK] = look,
                [PURGE_EVENTS] = purge_events,
        };
        struct journal_purge after = *p;
        int more, r;

        if (p->phase == PURGE_DONE)
                return 0;
        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        more = phases[p->phase](j, &after);
        if (more < 0)
                return more;
        r = journal_commit(j);
        if (r < 0)
                return r;
        *p = after;
        return more;
}
