// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>

#include "acquirer/ledger-internal.h"

#define IS_VOIDED                                                                                                     \
        "EXISTS (SELECT 1 FROM transactions AS v WHERE v.original = t.id AND v.effect = 'approved'"                   \
        " AND v.kind IN ('void', 'completion-void', 'pre-authorization-void'))"
#define IS_COMPLETED                                                                                                  \
        "EXISTS (SELECT 1 FROM transactions AS c WHERE c.original = t.id AND c.effect = 'approved'"                   \
        " AND c.kind = 'completion' AND NOT EXISTS (SELECT 1 FROM transactions AS v WHERE v.original = c.id"          \
        " AND v.effect = 'approved' AND v.kind = 'completion-void'))"

static const char dump_sql[] =
        "SELECT json_object("
        "'charged', (SELECT coalesce(sum(sign * amount), 0) FROM transactions WHERE effect = 'approved'),"
        "'held', (SELECT coalesce(sum(amount), 0) FROM transactions AS t WHERE kind = 'pre-authorization'"
        " AND effect = 'approved' AND NOT " IS_VOIDED " AND NOT " IS_COMPLETED "),"
        "'transactions', json((SELECT json_group_array(json_object('id', id, 'time', time,"
        " 'terminal', terminal, 'merchant', merchant, 'batch', batch, 'stan', stan, 'kind', kind,"
        " 'entry', entry, 'amount', amount, 'currency', currency, 'pan', pan, 'pan_hash', pan_hash,"
        " 'rrn', rrn, 'approval', approval, 'code', code, 'effect', effect, 'note', note,"
        " 'charged', iif(effect = 'approved', sign * amount, 0), 'original', original,"
        " 'reversal_reason', reversal_reason, 'reversals', reversals))"
        " FROM (SELECT * FROM transactions ORDER BY id))),"
        "'batches', json((SELECT json_group_array(json_object('terminal', terminal, 'batch', batch, 'state', state,"
        " 'uploaded', (SELECT count(*) FROM uploads AS u WHERE u.terminal = b.terminal AND u.batch = b.batch"
        " AND u.chip = 0),"
        " 'not_booked', (SELECT count(*) FROM uploads AS u WHERE u.terminal = b.terminal AND u.batch = b.batch"
        " AND u.chip = 0 AND NOT EXISTS (SELECT 1 FROM transactions AS t WHERE t.terminal = u.terminal"
        " AND t.batch = u.batch AND t.stan = u.stan AND t.amount = u.amount AND t.effect = 'approved')),"
        " 'not_uploaded', (SELECT count(*) FROM transactions AS t WHERE t.terminal = b.terminal"
        " AND t.batch = b.batch AND t.effect = 'approved' AND t.sign <> 0 AND NOT EXISTS (SELECT 1 FROM uploads AS u"
        " WHERE t.terminal = u.terminal AND t.batch = u.batch AND t.stan = u.stan AND t.amount = u.amount"
        " AND u.chip = 0)),"
        " 'other_card', (SELECT count(*) FROM uploads AS u JOIN transactions AS t ON t.terminal = u.terminal"
        " AND t.batch = u.batch AND t.stan = u.stan AND t.effect = 'approved' WHERE u.terminal = b.terminal"
        " AND u.batch = b.batch AND u.pan_hash <> '' AND u.pan_hash <> t.pan_hash)))"
        " FROM (SELECT * FROM batches AS b ORDER BY terminal, batch) AS b)),"
        "'uploads', json((SELECT json_group_array(json_object('terminal', terminal, 'batch', batch, 'stan', stan,"
        " 'amount', amount, 'pan', pan, 'pan_hash', pan_hash, 'icc', hex(icc)))"
        " FROM (SELECT * FROM uploads ORDER BY id))),"
        "'serials', json((SELECT json_group_array(json_object('terminal', terminal, 'serial', serial))"
        " FROM (SELECT * FROM serials ORDER BY terminal))),"
        "'changes', json((SELECT json_group_array(json_object('terminal', terminal, 'number', number, 'time', time,"
        " 'kind', kind, 'phone', phone, 'state', state, 'bound', json(iif(confirmed > 0 AND state = 'confirmed' AND"
        " confirmed = (SELECT max(confirmed) FROM changes AS c WHERE c.terminal = o.terminal"
        " AND c.state = 'confirmed'), 'true', 'false'))))"
        " FROM (SELECT * FROM changes ORDER BY id) AS o)),"
        "'messages', json((SELECT json_group_array(json_object('id', id, 'time', time, 'terminal', terminal,"
        " 'kind', kind, 'batch', batch, 'stan', stan, 'code', code, 'script', script, 'icc', hex(data)))"
        " FROM (SELECT * FROM messages LEFT JOIN chip_data ON id = message ORDER BY id))))";

static int report_open(const char *directory, struct ledger *l) {
        return db_open(directory, SQLITE_OPEN_READONLY, &l->db);
}

static int dump(struct ledger *l, char **ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = ledger_prepare(l, &s, dump_sql, "");
        if (r >= 0)
                r = ledger_step_row(s);
        if (r < 0)
                return r;
        *ret = strdup((const char *) sqlite3_column_text(s, 0));
        return *ret ? 0 : -ENOMEM;
}

int ledger_dump(const char *directory, char **ret) {
        struct ledger l = {};
        int r;

        r = report_open(directory, &l);
        if (r < 0)
                return r;
        r = dump(&l, ret);
        (void) sqlite3_close(l.db);
        return r;
}

static int print_lines(sqlite3_stmt *s, FILE *f) {
        int64_t count = 0, sum = 0;
        int r;

        fputs("till-statement,1\nrrn,stan,batch,kind,amount,currency,card,terminal,merchant,time,authorization\n", f);
        while ((r = ledger_step_row(s)) >= 0) {
                fprintf(f, "%s\n", (const char *) sqlite3_column_text(s, 0));
                count++;
                sum += sqlite3_column_int64(s, 1);
        }
        fprintf(f, "end,%lld,%lld\n", (long long) count, (long long) sum);
        return r == -ENOENT ? 0 : r;
}

static int statement(struct ledger *l, const struct ledger_filter *filter, char **ret) {
        static const char sql[] =
                "SELECT printf('%s,%06d,%06d,%s,%d,%s,%s,%s,%s,%s,%s', rrn, stan, batch, kind, amount,"
                " coalesce(currency, ''), coalesce(pan, ''), terminal, merchant, time, coalesce(approval, '')),"
                " sign * amount FROM transactions WHERE effect = 'approved' AND sign <> 0"
                " AND (nullif(?1, '') IS NULL OR terminal = ?1) AND (?2 = 0 OR batch = ?2)"
                " AND (nullif(?3, '') IS NULL OR date(time, 'localtime') = ?3) ORDER BY id";
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        size_t size;
        FILE *f;
        int r;

        r = ledger_prepare(l, &s, sql, "tit", strempty(filter->terminal), filter->batch, strempty(filter->day));
        if (r < 0)
                return r;
        f = open_memstream(ret, &size);
        if (!f)
                return -ENOMEM;
        r = print_lines(s, f);
        if (fclose(f) != 0 && r >= 0)
                r = -ENOMEM;
        if (r < 0) {
                free(*ret);
                *ret = NULL;
        }
        return r;
}

int ledger_statement(const char *directory, const struct ledger_filter *filter, char **ret) {
        struct ledger l = {};
        int r;

        r = report_open(directory, &l);
        if (r < 0)
                return r;
        r = statement(&l, filter, ret);
        (void) sqlite3_close(l.db);
        return r;
}
