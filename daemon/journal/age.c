// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/age.h"

#include "base/clock.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "journal/internal.h"
#include "journal/uptime.h"

#define APART_USEC (3600 * USEC_PER_SEC)

/* The newest mark of an uptime up to that one. */
static int find(struct journal *j, uint64_t uptime, struct age_mark *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "SELECT uptime_usec, time_usec, transaction_id, print_job_id, event_seq FROM age_marks"
                              " WHERE uptime_usec <= ? ORDER BY uptime_usec DESC LIMIT 1",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) uptime);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r == 0 ? (struct age_mark){}
                      : (struct age_mark){
                                .uptime = (uint64_t) sqlite3_column_int64(s, 0),
                                .time_usec = (uint64_t) sqlite3_column_int64(s, 1),
                                .transaction = sqlite3_column_int64(s, 2),
                                .print_job = sqlite3_column_int64(s, 3),
                                .event = sqlite3_column_int64(s, 4),
                        };
        return r;
}

static int insert(struct journal *j, const struct age_mark *mark) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j,
                              "INSERT INTO age_marks (uptime_usec, time_usec, transaction_id, print_job_id, event_seq)"
                              " VALUES (?, ?, ?, ?, ?)",
                              &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) mark->uptime);
        (void) sqlite3_bind_int64(s, 2, (int64_t) mark->time_usec);
        (void) sqlite3_bind_int64(s, 3, mark->transaction);
        (void) sqlite3_bind_int64(s, 4, mark->print_job);
        (void) sqlite3_bind_int64(s, 5, mark->event);
        return journal_run(j, s);
}

int age_add_mark(struct journal *j) {
        uint8_t hash[EVENT_HASH_SIZE];
        struct age_mark mark, last;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = uptime_get(j, &mark.uptime);
        if (r < 0)
                return r;
        r = find(j, mark.uptime, &last);
        if (r < 0 || (r > 0 && mark.uptime - last.uptime < APART_USEC))
                return r < 0 ? r : 0;
        r = counter_get_clock(j, &mark.time_usec);
        if (r >= 0)
                r = journal_last_number(j, "transactions", &mark.transaction);
        if (r >= 0)
                r = journal_last_number(j, "print_jobs", &mark.print_job);
        if (r >= 0)
                r = event_head(j, &mark.event, hash);
        if (r < 0)
                return r;
        r = insert(j, &mark);
        /* What the mark is held against is never behind it. */
        return r < 0 ? r : uptime_save(j);
}

int age_find_mark(struct journal *j, uint64_t usec, struct age_mark *ret) {
        uint64_t uptime;
        int r;

        r = uptime_get(j, &uptime);
        if (r < 0)
                return r;
        if (uptime < usec) {
                *ret = (struct age_mark){};
                return 0;
        }
        r = find(j, uptime - usec, ret);
        return r < 0 ? r : 0;
}

int age_drop_before(struct journal *j, const struct age_mark *mark) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "DELETE FROM age_marks WHERE uptime_usec < ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, (int64_t) mark->uptime);
        return journal_run(j, s);
}

int age_of_transaction(struct journal *j, int64_t id, uint64_t *ret_usec) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        uint64_t passed = 0;
        int r;

        r = journal_statement(
                j, "SELECT uptime_usec FROM age_marks WHERE transaction_id >= ? ORDER BY uptime_usec LIMIT 1", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_int64(s, 1, id);
        r = journal_step(j, s);
        if (r > 0)
                r = uptime_since(j, (uint64_t) sqlite3_column_int64(s, 0), &passed);
        if (r < 0)
                return r;
        *ret_usec = passed;
        return 0;
}
