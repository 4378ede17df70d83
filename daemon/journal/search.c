// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/search.h"

#include "journal/internal.h"

void search_filter_init(struct search_filter *filter) {
        *filter = (struct search_filter){ .amount = -1 };
}

/* The newest rows before ?1; the one row more says where the next window begins. */
static const char sql_search[] =
        "SELECT id FROM (SELECT * FROM transactions WHERE id < ?1 ORDER BY id DESC LIMIT ?2) WHERE"
        " (?3 IS NULL OR kind = ?3) AND (?4 IS NULL OR result = ?4) AND (?5 IS NULL OR reversal = ?5)"
        " AND (?6 IS NULL OR forwarding = ?6) AND (?7 IS NULL OR order_reference = ?7)"
        " AND (?8 IS NULL OR substr(masked_pan, -4) = ?8) AND (?9 IS NULL OR rrn = ?9)"
        " AND (?10 IS NULL OR authorization_code = ?10) AND (?11 IS NULL OR original = ?11)"
        " AND (?12 IS NULL OR amount = ?12) AND (?13 IS NULL OR batch = ?13) AND (?14 IS NULL OR stan = ?14)"
        " AND (?15 IS NULL OR voucher = ?15) AND (?16 IS NULL OR started_usec >= ?16)"
        " AND (?17 IS NULL OR started_usec <= ?17) ORDER BY id DESC LIMIT ?18";

static void bind_text(sqlite3_stmt *s, int index, const char *text) {
        if (text)
                (void) sqlite3_bind_text(s, index, text, -1, SQLITE_STATIC);
}

static void bind_number(sqlite3_stmt *s, int index, int64_t number, int64_t any) {
        if (number != any)
                (void) sqlite3_bind_int64(s, index, number);
}

static void bind_filter(sqlite3_stmt *s, const struct search_filter *f) {
        const char *const texts[] = { f->kind,  f->result, f->reversal, f->forwarding,
                                      f->order, f->last4,  f->rrn,      f->authorization_code };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                bind_text(s, 3 + (int) i, texts[i]);
        bind_number(s, 11, f->original, 0);
        bind_number(s, 12, f->amount, -1);
        bind_number(s, 13, f->batch, 0);
        bind_number(s, 14, f->stan, 0);
        bind_number(s, 15, f->voucher, 0);
        bind_number(s, 16, (int64_t) MIN(f->since_usec, (uint64_t) INT64_MAX), 0);
        bind_number(s, 17, (int64_t) MIN(f->until_usec, (uint64_t) INT64_MAX), 0);
}

/* The oldest id of the window before an id, 0 when it reaches the first row. */
static int window_end(struct journal *j, int64_t before, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT id FROM transactions WHERE id < ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, before);
        (void) sqlite3_bind_int64(s, 2, SEARCH_WINDOW - 1);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : 0;
        return 0;
}

int search_each(struct journal *j, const struct search_filter *filter, int64_t before, unsigned limit,
                transaction_record_each_t each, void *userdata, int64_t *ret_next) {
        _cleanup_free_ int64_t *ids = NULL;
        struct transaction_record record;
        sqlite3_stmt *s;
        int64_t next;
        size_t n = 0;
        int r;

        if (before <= 0)
                before = INT64_MAX;
        r = journal_statement(j, sql_search, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, before);
        (void) sqlite3_bind_int64(s, 2, SEARCH_WINDOW);
        bind_filter(s, filter);
        (void) sqlite3_bind_int64(s, 18, limit);
        r = journal_column_ids(j, s, &ids, &n);
        if (r < 0)
                return r;
        if (n == limit && n > 0)
                next = ids[n - 1];
        else {
                r = window_end(j, before, &next);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n; i++) {
                r = transaction_record_load(j, ids[i], &record);
                if (r == 0)
                        r = each(&record, userdata);
                if (r != 0)
                        return r;
        }
        *ret_next = next;
        return 0;
}
