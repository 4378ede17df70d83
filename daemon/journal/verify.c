// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/verify.h"

#include <inttypes.h>
#include <stdarg.h>

#include "journal/internal.h"

/* Each some milliseconds of work. */
#define EVENTS_A_SLICE 1000
#define ROWS_A_SLICE 100
#define CHECKPOINTS_A_SLICE 1000

static int wrong(struct journal_verify *v, const char *format, ...) _printf_(2, 3);
static int wrong(struct journal_verify *v, const char *format, ...) {
        va_list list;

        va_start(list, format);
        (void) vsnprintf(v->text, sizeof(v->text), format, list);
        va_end(list);
        return -EBADMSG;
}

static int damaged(struct journal_verify *v, const char *what) {
        v->damaged = true;
        return wrong(v, "The file is damaged: %s", what);
}

int verify_begin(struct journal *j, struct journal_verify *ret) {
        struct journal_verify v = {};
        int64_t checkpoints, events, transactions, jobs;
        int r;

        r = journal_last_number(j, "checkpoints", &checkpoints);
        if (r < 0)
                return r;
        r = journal_last_number(j, "events", &events);
        if (r < 0)
                return r;
        r = journal_last_number(j, "transactions", &transactions);
        if (r < 0)
                return r;
        r = journal_last_number(j, "print_jobs", &jobs);
        if (r < 0)
                return r;
        r = event_get_base(j, &v.base);
        if (r < 0)
                return r;
        v.total = (uint64_t) (checkpoints + events - v.base + transactions + jobs);
        *ret = v;
        return 0;
}

static void next_phase(struct journal_verify *v) {
        v->phase++;
        v->row = 0;
        memset(v->previous, 0, sizeof(v->previous));
}

/* ---- Checkpoints ---- */

static int checkpoints_end(struct journal *j, struct journal_verify *v) {
        int64_t last;
        int r;

        r = journal_last_number(j, "checkpoints", &last);
        if (r < 0)
                return r;
        if (v->row != last)
                return wrong(v, "The checkpoints end at number %" PRIi64 "; there were %" PRIi64, v->row, last);
        next_phase(v);
        return 1;
}

static int verify_checkpoints(struct journal *j, struct journal_verify *v) {
        int r;

        for (unsigned i = 0; i < CHECKPOINTS_A_SLICE; i++) {
                struct event_checkpoint c;

                r = event_checkpoint_next(j, v->row, &c);
                if (r == -ENOENT)
                        return checkpoints_end(j, v);
                if (r < 0)
                        return r;
                if (c.number != v->row + 1)
                        return wrong(v, "Checkpoint %" PRIi64 " is missing", v->row + 1);
                r = event_checkpoint_check(j, &c, v->previous);
                if (r == -EBADMSG)
                        return wrong(v,
                                     "Checkpoint %" PRIi64 " (of event %" PRIi64 ") was not signed by this terminal",
                                     c.number, c.seq);
                if (r < 0)
                        return r;
                memcpy(v->previous, c.signature, sizeof(v->previous));
                v->row = c.number;
                v->done++;
        }
        return 1;
}

/* ---- Events ---- */

/* The first checkpoint at or after an event. */
static int find_checkpoint(struct journal *j, int64_t seq, struct event_checkpoint *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t number;
        int r;

        r = journal_statement(j, "SELECT number FROM checkpoints WHERE seq >= ? ORDER BY seq LIMIT 1", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, seq);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        if (r == 0) {
                *ret = (struct event_checkpoint){};
                return 0;
        }
        number = sqlite3_column_int64(s, 0);
        return event_checkpoint_next(j, number - 1, ret);
}

/* Behind a purge the chain goes on from the checkpoint that the purge went up to. */
static int events_start(struct journal *j, struct journal_verify *v) {
        struct event_checkpoint c;
        int r;

        r = event_get_base(j, &v->base);
        if (r < 0)
                return r;
        v->events = v->row = v->base;
        if (v->base > 0) {
                r = find_checkpoint(j, v->base, &c);
                if (r < 0)
                        return r;
                if (c.seq != v->base)
                        return wrong(v, "Events up to %" PRIi64 " were removed, and no checkpoint says so", v->base);
                memcpy(v->previous, c.hash, sizeof(v->previous));
        }
        return find_checkpoint(j, v->base + 1, &v->next);
}

static int meet_checkpoint(struct journal *j, struct journal_verify *v) {
        if (v->next.number == 0 || v->next.seq != v->row)
                return 0;
        if (memcmp(v->next.hash, v->previous, sizeof(v->previous)) != 0)
                return wrong(v,
                             "Up to event %" PRIi64 " the log is not the one that was signed (checkpoint %" PRIi64 ")",
                             v->row, v->next.number);
        return find_checkpoint(j, v->row + 1, &v->next);
}

static int verify_event(struct journal *j, struct journal_verify *v, const struct event_record *event,
                        const uint8_t stored[static EVENT_HASH_SIZE]) {
        uint8_t hash[EVENT_HASH_SIZE];
        int r;

        v->events = v->row + 1;
        if (event->seq != v->row + 1)
                return wrong(v, "Event %" PRIi64 " is missing", v->row + 1);
        r = event_hash(v->previous, event, hash);
        if (r < 0)
                return r;
        if (memcmp(hash, stored, sizeof(hash)) != 0)
                return wrong(v, "Event %" PRIi64 " was changed", event->seq);
        memcpy(v->previous, hash, sizeof(hash));
        v->row = event->seq;
        v->done++;
        (void) event_is_purge(event, &v->purged);
        return meet_checkpoint(j, v);
}

static int events_end(struct journal *j, struct journal_verify *v) {
        int64_t last;
        int r;

        r = journal_last_number(j, "events", &last);
        if (r < 0)
                return r;
        if (v->row != last) {
                v->events = v->row + 1;
                return wrong(v, "The log ends at event %" PRIi64 "; there were %" PRIi64, v->row, last);
        }
        if (v->next.number != 0) {
                v->events = v->row + 1;
                return wrong(v, "The log ends at event %" PRIi64 "; checkpoint %" PRIi64 " has seen event %" PRIi64,
                             v->row, v->next.number, v->next.seq);
        }
        if (v->purged != v->base) {
                v->events = v->base + 1;
                return wrong(v, "Events up to %" PRIi64 " were removed, but the log tells of %" PRIi64, v->base,
                             v->purged);
        }
        next_phase(v);
        return 1;
}

static int verify_events(struct journal *j, struct journal_verify *v) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t base;
        int r;

        r = event_get_base(j, &base);
        if (r < 0)
                return r;
        /* At the start, and again when a purge came between two slices. */
        if (v->row == 0 || base != v->base) {
                r = events_start(j, v);
                if (r < 0)
                        return r;
        }
        r = journal_statement(j,
                              "SELECT seq, time_usec, transaction_id, kind, text, hash FROM events WHERE seq > ?"
                              " ORDER BY seq LIMIT ?",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, v->row);
        (void) sqlite3_bind_int64(s, 2, EVENTS_A_SLICE);
        for (unsigned i = 0; i < EVENTS_A_SLICE; i++) {
                struct event_record event;

                r = journal_step(j, s);
                if (r < 0)
                        return r;
                if (r == 0)
                        return events_end(j, v);
                event_read(s, &event);
                if (sqlite3_column_bytes(s, 5) != EVENT_HASH_SIZE)
                        return wrong(v, "Event %" PRIi64 " was changed", event.seq);
                r = verify_event(j, v, &event, sqlite3_column_blob(s, 5));
                if (r < 0)
                        return r;
        }
        return 1;
}

/* ---- Rows ---- */

/* Reads each column of what the statement finds, and so each page that it is on. *ret_last is the last row's id. */
static int read_rows(struct journal *j, sqlite3_stmt *s, int64_t *ret_last, uint64_t *count) {
        int r;

        while ((r = journal_step(j, s)) > 0) {
                for (int i = 0; i < sqlite3_column_count(s); i++)
                        (void) sqlite3_column_blob(s, i);
                *ret_last = sqlite3_column_int64(s, 0);
                (*count)++;
        }
        return r;
}

/* A row that an index does not find would be taken for one that is not there. */
#define IN_INDEX(index, terms)                                                                                        \
        "EXISTS (SELECT 1 FROM transactions i INDEXED BY " index " WHERE " terms " AND i.id = t.id)"
static const char sql_not_in_index[] = "SELECT id FROM transactions t WHERE id > ?1 AND id <= ?2 AND NOT (" IN_INDEX("sqlite_autoindex_transactions_1", "i.reference = t.reference") " AND (t.state = 'done' OR " IN_INDEX(
        "transactions_open",
        "i.state <> 'done'") ")"
                             " AND (t.original = 0 OR " IN_INDEX(
                                     "transactions_original",
                                     "i.original = t.original AND i.original <> 0") ")"
                                                                                    " AND (t.stan = 0 OR " IN_INDEX(
                                                                                            "transactions_stan",
                                                                                            "i.batch = t.batch AND "
                                                                                            "i.stan = t.stan AND "
                                                                                            "i.stan <> 0") ")"
                                                                                                           " AND "
                                                                                                           "(t.pan_"
                                                                                                           "hash = '' "
                                                                                                           "OR"
                                                                                                           " " IN_INDEX(
                                                                                                                   "tr"
                                                                                                                   "an"
                                                                                                                   "sa"
                                                                                                                   "ct"
                                                                                                                   "io"
                                                                                                                   "ns"
                                                                                                                   "_p"
                                                                                                                   "a"
                                                                                                                   "n",
                                                                                                                   "i."
                                                                                                                   "pa"
                                                                                                                   "n_"
                                                                                                                   "ha"
                                                                                                                   "sh"
                                                                                                                   " ="
                                                                                                                   " t"
                                                                                                                   ".p"
                                                                                                                   "an"
                                                                                                                   "_h"
                                                                                                                   "as"
                                                                                                                   "h "
                                                                                                                   "AN"
                                                                                                                   "D "
                                                                                                                   "i."
                                                                                                                   "ba"
                                                                                                                   "tc"
                                                                                                                   "h "
                                                                                                                   "= "
                                                                                                                   "t."
                                                                                                                   "ba"
                                                                                                                   "tc"
                                                                                                                   "h "
                                                                                                                   "AN"
                                                                                                                   "D "
                                                                                                                   "i."
                                                                                                                   "pa"
                                                                                                                   "n_"
                                                                                                                   "ha"
                                                                                                                   "sh"
                                                                                                                   " <"
                                                                                                                   "> "
                                                                                                                   "'"
                                                                                                                   "'") ")"
                                                                                                                        ") LIMIT 1";

static int verify_indexes(struct journal *j, struct journal_verify *v, int64_t from, int64_t to) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        char text[80];
        int r;

        r = journal_statement(j, sql_not_in_index, &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, from);
        (void) sqlite3_bind_int64(s, 2, to);
        r = journal_step(j, s);
        if (r <= 0)
                return r;
        (void) snprintf(text, sizeof(text), "transaction %" PRIi64 " is not in its indexes",
                        (int64_t) sqlite3_column_int64(s, 0));
        return damaged(v, text);
}

static int verify_transactions(struct journal *j, struct journal_verify *v) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t from = v->row;
        uint64_t n = 0;
        int r;

        r = journal_statement(j, "SELECT * FROM transactions WHERE id > ? ORDER BY id LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, from);
        (void) sqlite3_bind_int64(s, 2, ROWS_A_SLICE);
        r = read_rows(j, s, &v->row, &n);
        if (r < 0)
                return r;
        v->done += n;
        r = verify_indexes(j, v, from, v->row);
        if (r < 0)
                return r;
        if (n < ROWS_A_SLICE)
                next_phase(v);
        return 1;
}

static int verify_print_jobs(struct journal *j, struct journal_verify *v) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint64_t n = 0;
        int r;

        r = journal_statement(j, "SELECT * FROM print_jobs WHERE id > ? ORDER BY id LIMIT ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, v->row);
        (void) sqlite3_bind_int64(s, 2, ROWS_A_SLICE);
        r = read_rows(j, s, &v->row, &n);
        if (r < 0)
                return r;
        v->done += n;
        if (n < ROWS_A_SLICE)
                next_phase(v);
        return 1;
}

static int verify_tables(struct journal *j, struct journal_verify *v) {
        int r = journal_check_small_tables(j);

        if (r < 0)
                return r;
        next_phase(v);
        v->done = v->total;
        return 0;
}

int verify_slice(struct journal *j, struct journal_verify *v) {
        static int (*const phases[])(struct journal * j, struct journal_verify * v) = {
                [VERIFY_CHECKPOINTS] = verify_checkpoints,
                [VERIFY_EVENTS] = verify_events,
                [VERIFY_TRANSACTIONS] = verify_transactions,
                [VERIFY_PRINT_JOBS] = verify_print_jobs,
                [VERIFY_TABLES] = verify_tables,
        };
        int r;

        if (v->phase == VERIFY_DONE)
                return 0;
        r = phases[v->phase](j, v);
        /* Nobody has said why: SQLite cannot read a page. */
        if (r == -EBADMSG && isempty(v->text))
                return damaged(v, journal_error_text(j));
        return r;
}

int event_verify(struct journal *j, int64_t *ret_seq) {
        struct journal_verify v;
        int r;

        r = verify_begin(j, &v);
        if (r < 0)
                return r;
        do
                r = verify_slice(j, &v);
        while (r > 0 && v.phase <= VERIFY_EVENTS);
        *ret_seq = v.events;
        return r < 0 ? r : 0;
}
