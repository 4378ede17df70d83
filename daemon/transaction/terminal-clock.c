// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/terminal-clock.h"

#include <ctype.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "transaction/engine.h"

/* What NTP may set a clock back by. */
#define TOLERANCE_USEC (5 * 60 * USEC_PER_SEC)

/* Zones are from UTC-12 to UTC+14; machines are often in UTC, and hosts where they are. */
#define ZONES_MAX 14
#define HOUR (60 * 60)

/* Less is the way of the message. */
#define OFFSET_STEP 2

/* Seconds since the epoch, by the Makefile. */
#ifndef TILLD_BUILD_TIME
#define TILLD_BUILD_TIME 0
#endif

uint64_t terminal_clock_build_usec(void) {
        return (uint64_t) TILLD_BUILD_TIME * USEC_PER_SEC;
}

#define TIME_TEXT_MAX 32

static const char *time_text(uint64_t usec, char text[static TIME_TEXT_MAX]) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(text, TIME_TEXT_MAX, "%Y-%m-%d %H:%M", &tm) == 0)
                text[0] = '\0';
        return text;
}

static int check_build(uint64_t now, struct refusal *ret) {
        char text[TIME_TEXT_MAX], build[TIME_TEXT_MAX];

        if (now + TOLERANCE_USEC >= terminal_clock_build_usec())
                return 0;
        return refusal_set(
                ret, REFUSAL_NOT_READY,
                "The clock says %s, and this tilld was built on %s: set the clock (timedatectl set-time, or "
                "NTP), then call again",
                time_text(now, text), time_text(terminal_clock_build_usec(), build));
}

static int check_journal(struct journal *j, uint64_t now, struct refusal *ret) {
        char text[TIME_TEXT_MAX], entry[TIME_TEXT_MAX];
        uint64_t newest, limit;
        int r;

        r = counter_get_clock(j, &newest);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (now + TOLERANCE_USEC < newest)
                return refusal_set(
                        ret, REFUSAL_NOT_READY,
                        "The clock says %s, but the journal has entries of %s: set the clock (timedatectl "
                        "set-time); if the journal's time was the wrong one, a supervisor says so by tillctl "
                        "accept-clock",
                        time_text(now, text), time_text(newest, entry));
        r = counter_get_clock_limit(j, &limit);
        if (r < 0)
                return engine_refuse_journal(ret, r);
        if (now > limit)
                return refusal_set(
                        ret, REFUSAL_NOT_READY,
                        "The clock says %s, and since the journal's newest entry of %s not so much time has "
                        "passed: set the clock (timedatectl set-time, or NTP); if it is right, a supervisor "
                        "says so by tillctl accept-clock",
                        time_text(now, text), time_text(newest, entry));
        return 0;
}

int terminal_clock_check(struct journal *j, struct refusal *ret_refusal) {
        uint64_t now = clock_now(CLOCK_REALTIME);
        int r;

        r = check_build(now, ret_refusal);
        return r < 0 ? r : check_journal(j, now, ret_refusal);
}

static int write_accepted(struct journal *j, uint64_t now, const char *by) {
        uint64_t floor;
        char text[128];
        int r;

        r = journal_begin(j, JOURNAL_DURABLE);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = counter_get_clock(j, &floor);
        if (r < 0)
                return r;
        r = counter_set_clock(j, now);
        if (r < 0)
                return r;
        (void) snprintf(text, sizeof(text), "{\"before\":%" PRIu64 ",\"by\":\"%s\"}", floor, by);
        r = event_append(j, "clock-accepted", 0, text);
        if (r < 0)
                return r;
        return journal_commit(j);
}

int terminal_clock_accept(struct journal *j, const char *by, struct refusal *ret_refusal) {
        uint64_t now = clock_now(CLOCK_REALTIME);
        int r;

        r = check_build(now, ret_refusal);
        if (r < 0)
                return r;
        r = write_accepted(j, now, by);
        return r < 0 ? engine_refuse_journal(ret_refusal, r) : 0;
}

/* ---- The acquirer's time ---- */

static int two_digits(const char *text, int max, int *ret) {
        if (!isdigit((unsigned char) text[0]) || !isdigit((unsigned char) text[1]))
                return -EINVAL;
        *ret = 10 * (text[0] - '0') + text[1] - '0';
        return *ret <= max ? 0 : -EINVAL;
}

static int parse(const char *date, const char *time, struct tm *ret) {
        struct tm tm = { .tm_isdst = -1 };

        if (strlen(date) != 4 || strlen(time) != 6)
                return -EINVAL;
        if (two_digits(date, 12, &tm.tm_mon) < 0 || two_digits(date + 2, 31, &tm.tm_mday) < 0 ||
            two_digits(time, 23, &tm.tm_hour) < 0 || two_digits(time + 2, 59, &tm.tm_min) < 0 ||
            two_digits(time + 4, 60, &tm.tm_sec) < 0 || tm.tm_mon == 0 || tm.tm_mday == 0)
                return -EINVAL;
        tm.tm_mon--;
        *ret = tm;
        return 0;
}

int64_t terminal_clock_without_zone(int64_t seconds) {
        int64_t zones = (seconds + (seconds < 0 ? -HOUR / 2 : HOUR / 2)) / HOUR;

        zones = MIN(zones, (int64_t) ZONES_MAX);
        zones = MAX(zones, (int64_t) -ZONES_MAX);
        return seconds - zones * HOUR;
}

int terminal_clock_offset(const char *date, const char *time, uint64_t now_usec, int64_t *ret_seconds) {
        time_t now = (time_t) (now_usec / USEC_PER_SEC);
        struct tm host, local;
        bool found = false;
        int64_t nearest = 0;
        int r;

        r = parse(date, time, &host);
        if (r < 0)
                return r;
        if (!localtime_r(&now, &local))
                return -EINVAL;
        for (int year = local.tm_year - 1; year <= local.tm_year + 1; year++) {
                struct tm tm = host;
                int64_t seconds;
                time_t t;

                tm.tm_year = year;
                t = mktime(&tm);
                /* Not every year has a 29 February. */
                if (t == (time_t) -1 || tm.tm_mon != host.tm_mon)
                        continue;
                seconds = terminal_clock_without_zone((int64_t) t - (int64_t) now);
                if (!found || llabs(seconds) < llabs(nearest))
                        nearest = seconds;
                found = true;
        }
        if (!found)
                return -EINVAL;
        *ret_seconds = nearest;
        return 0;
}

static int store_offset(struct journal *j, int64_t seconds) {
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;

        r = counter_set_clock_offset(j, seconds);
        return r < 0 ? r : journal_commit(j);
}

void terminal_clock_note_host(struct journal *j, const char *date, const char *time) {
        int64_t seconds, before;
        int r;

        if (terminal_clock_offset(date, time, clock_now(CLOCK_REALTIME), &seconds) < 0)
                return;
        r = counter_get_clock_offset(j, &before);
        if (r >= 0 && llabs(seconds - before) < OFFSET_STEP)
                return;
        if (r >= 0 || r == -ENOENT)
                r = store_offset(j, seconds);
        if (r == -EIO)
                engine_panic(r, "the journal cannot be written");
        if (r < 0)
                log_warning_errno(r, "The acquirer's time cannot be kept");
}

int terminal_clock_get_offset(struct journal *j, int64_t *ret_seconds) {
        return counter_get_clock_offset(j, ret_seconds);
}
