// SPDX-License-Identifier: LGPL-2.1-or-later
#include "journal/counter.h"

#include "base/clock.h"
#include "journal/internal.h"
#include "journal/uptime.h"

#define NUMBER_MAX 999999

/* What the clock may gain on the uptime, and what may have passed while the terminal was off. */
#define GAIN_MAX_USEC (3600 * USEC_PER_SEC)
#define OFF_MAX_USEC (31 * 24 * 3600 * USEC_PER_SEC)

static int get(struct journal *j, const char *name, int64_t otherwise, int64_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(j, "SELECT value FROM counters WHERE name = ?", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        r = journal_step(j, s);
        if (r < 0)
                return r;
        *ret = r > 0 ? sqlite3_column_int64(s, 0) : otherwise;
        return 0;
}

static int set(struct journal *j, const char *name, int64_t value) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int r;

        r = journal_statement(
                j, "INSERT INTO counters (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", &s);
        if (r < 0)
                return r;
        (void) sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        (void) sqlite3_bind_int64(s, 2, value);
        return journal_run(j, s);
}

/* `used` asks by batch and number. */
static int next(struct journal *j, const char *name, const char *used, uint32_t *ret) {
        _cleanup_statement_ sqlite3_stmt *s = NULL;
        int64_t last, number;
        uint32_t batch;
        int r;

        r = journal_require_open(j);
        if (r < 0)
                return r;
        r = counter_get_batch(j, &batch);
        if (r < 0)
                return r;
        r = get(j, name, 0, &last);
        if (r < 0)
                return r;
        if (last < 0 || last > NUMBER_MAX)
                return -EBADMSG;
        r = journal_statement(j, used, &s);
        if (r < 0)
                return r;
        for (int64_t i = 0; i < NUMBER_MAX; i++) {
                number = (last + i) % NUMBER_MAX + 1;
                (void) sqlite3_reset(s);
                (void) sqlite3_bind_int64(s, 1, batch);
                (void) sqlite3_bind_int64(s, 2, number);
                r = journal_step(j, s);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = set(j, name, number);
                if (r < 0)
                        return r;
                *ret = (uint32_t) number;
                return 0;
        }
        return -ENOSPC;
}

int counter_next_stan(struct journal *j, uint32_t *ret) {
        return next(j, "stan", "SELECT 1 FROM transactions WHERE batch = ? AND stan = ? AND stan <> 0", ret);
}

int counter_next_voucher(struct journal *j, uint32_t *ret) {
        return next(j, "voucher", "SELECT 1 FROM transactions WHERE batch = ? AND voucher = ? AND voucher <> 0", ret);
}

int counter_get_batch(struct journal *j, uint32_t *ret) {
        int64_t value;
        int r;

        r = get(j, "batch", 1, &value);
        if (r < 0)
                return r;
        if (value < 1 || value > NUMBER_MAX)
                return -EBADMSG;
        *ret = (uint32_t) value;
        return 0;
}

int counter_set_batch(struct journal *j, uint32_t batch) {
        if (batch < 1 || batch > NUMBER_MAX)
                return -ERANGE;
        return set(j, "batch", batch);
}

static int get_time(struct journal *j, const char *name, uint64_t *ret_usec) {
        int64_t value;
        int r;

        r = get(j, name, 0, &value);
        if (r < 0)
                return r;
        *ret_usec = (uint64_t) value;
        return 0;
}

int counter_get_clock(struct journal *j, uint64_t *ret_usec) {
        return get_time(j, "clock", ret_usec);
}

int counter_get_checked(struct journal *j, uint64_t *ret_usec) {
        return get_time(j, "checked", ret_usec);
}

int counter_set_checked(struct journal *j, uint64_t usec) {
        return usec > INT64_MAX ? -ERANGE : set(j, "checked", (int64_t) usec);
}

int counter_get_running(struct journal *j, int64_t *ret) {
        return get(j, "running", 0, ret);
}

int counter_set_running(struct journal *j, int64_t boot) {
        return set(j, "running", boot);
}

int counter_get_clock_limit(struct journal *j, uint64_t *ret_usec) {
        uint64_t newest, uptime, passed;
        int r;

        r = counter_get_clock(j, &newest);
        if (r < 0)
                return r;
        if (newest == 0 || clock_is_synchronized()) {
                *ret_usec = UINT64_MAX;
                return 0;
        }
        /* 0 in a journal from before this was kept: the terminal may have been off since. */
        r = get_time(j, "clock-uptime", &uptime);
        if (r < 0)
                return r;
        r = uptime_since(j, uptime, &passed);
        if (r < 0)
                return r;
        *ret_usec = newest + passed + GAIN_MAX_USEC + (r > 0 ? 0 : OFF_MAX_USEC);
        return 0;
}

int counter_raise_clock(struct journal *j, uint64_t usec) {
        uint64_t newest, limit;
        int r;

        r = counter_get_clock(j, &newest);
        if (r < 0)
                return r;
        if (usec <= newest)
                return 0;
        r = counter_get_clock_limit(j, &limit);
        if (r < 0)
                return r;
        if (usec > limit)
                return 0;
        r = counter_set_clock(j, usec);
        return r < 0 ? r : 1;
}

int counter_set_clock(struct journal *j, uint64_t usec) {
        uint64_t uptime;
        int r;

        if (usec > INT64_MAX)
                return -ERANGE;
        r = uptime_get(j, &uptime);
        if (r < 0)
                return r;
        r = set(j, "clock", (int64_t) usec);
        return r < 0 ? r : set(j, "clock-uptime", (int64_t) uptime);
}

int counter_get_clock_offset(struct journal *j, int64_t *ret_seconds) {
        int64_t value;
        int r;

        r = get(j, "clock-offset", INT64_MIN, &value);
        if (r < 0)
                return r;
        if (value == INT64_MIN)
                return -ENOENT;
        *ret_seconds = value;
        return 0;
}

int counter_set_clock_offset(struct journal *j, int64_t seconds) {
        return set(j, "clock-offset", seconds);
}
