// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/report-history.h"

#include <time.h>

#include "base/clock.h"
#include "journal/event.h"
#include "journal/search.h"

#define SLICE 50
/* A clock that was set makes more of it: that is no answer's time. */
#define LATENCY_MAX_USEC (600 * USEC_PER_SEC)
/* Kinds, results and reasons of a day. */
#define OUTCOMES_MAX 5000

struct day {
        char text[12]; /* "2026-05-20" */
        uint32_t transactions, approved, declined;
        uint32_t *latency; /* milliseconds */
        size_t exchanges, room;
};

struct outcome {
        size_t day; /* index */
        char kind[24], result[16], reason[48];
        uint32_t count;
};

struct report_history {
        struct journal *journal;
        uint64_t since_usec;
        int64_t before; /* the next slice is of older ones; 0: from the newest */
        struct day *days;
        size_t n_days;
        struct outcome *outcomes;
        size_t n_outcomes;
        bool ended;
};

struct report_history *report_history_free(struct report_history *h) {
        if (!h)
                return NULL;
        for (size_t i = 0; i < h->n_days; i++)
                free(h->days[i].latency);
        free(h->days);
        free(h->outcomes);
        free(h);
        return NULL;
}

/* The first moment of the day so many days ago. */
static uint64_t midnight(unsigned days_ago) {
        time_t now = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&now, &tm))
                return 0;
        tm.tm_mday -= (int) days_ago;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        now = mktime(&tm);
        return now < 0 ? 0 : (uint64_t) now * USEC_PER_SEC;
}

int report_history_new(struct journal *j, unsigned days, struct report_history **ret) {
        struct report_history *h = calloc(1, sizeof(*h));

        if (!h)
                return -ENOMEM;
        h->journal = j;
        h->since_usec = midnight(days - 1);
        *ret = h;
        return 0;
}

/* ---- A transaction ---- */

static int find_day(struct report_history *h, uint64_t usec, size_t *ret) {
        time_t seconds = (time_t) (usec / USEC_PER_SEC);
        struct day *grown;
        char text[12];
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(text, sizeof(text), "%Y-%m-%d", &tm) == 0)
                return -ERANGE;
        /* They come nearly in order. */
        for (size_t i = h->n_days; i-- > 0;)
                if (streq(h->days[i].text, text)) {
                        *ret = i;
                        return 0;
                }
        grown = reallocarray(h->days, h->n_days + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        h->days = grown;
        h->days[h->n_days] = (struct day){};
        COPY(h->days[h->n_days].text, text);
        *ret = h->n_days++;
        return 0;
}

static int count_outcome(struct report_history *h, size_t day, const struct transaction_record *record) {
        const char *result = transaction_result_to_string(record->result);
        struct outcome *o;

        for (size_t i = h->n_outcomes; i-- > 0;) {
                o = h->outcomes + i;
                if (o->day == day && streq(o->kind, record->kind) && streq(o->result, result) &&
                    streq(o->reason, record->reason)) {
                        o->count++;
                        return 0;
                }
        }
        if (h->n_outcomes == OUTCOMES_MAX)
                return 0;
        o = reallocarray(h->outcomes, h->n_outcomes + 1, sizeof(*o));
        if (!o)
                return -ENOMEM;
        h->outcomes = o;
        o += h->n_outcomes++;
        *o = (struct outcome){ .day = day, .count = 1 };
        COPY(o->kind, record->kind);
        COPY(o->result, result);
        COPY(o->reason, record->reason);
        return 0;
}

struct exchange {
        uint64_t sent_usec, answered_usec; /* 0: not yet */
};

/* What follows the sending is the answer, or the time-out. */
static int note_event(const struct event_record *event, void *userdata) {
        struct exchange *exchange = userdata;

        if (exchange->sent_usec > 0) {
                exchange->answered_usec = event->time_usec;
                return 1;
        }
        if (streq(event->kind, "sent"))
                exchange->sent_usec = event->time_usec;
        return 0;
}

static int note_latency(struct report_history *h, struct day *day, int64_t transaction) {
        struct exchange exchange = {};
        int r;

        r = event_each(h->journal, transaction, 0, 0, note_event, &exchange);
        if (r < 0)
                return r;
        if (exchange.answered_usec < exchange.sent_usec ||
            exchange.answered_usec - exchange.sent_usec > LATENCY_MAX_USEC || exchange.sent_usec == 0)
                return 0;
        if (day->exchanges == day->room) {
                size_t room = day->room ? 2 * day->room : 64;
                uint32_t *grown = reallocarray(day->latency, room, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                day->latency = grown;
                day->room = room;
        }
        day->latency[day->exchanges++] = (uint32_t) ((exchange.answered_usec - exchange.sent_usec) / USEC_PER_MSEC);
        return 0;
}

static int note_transaction(const struct transaction_record *record, void *userdata) {
        struct report_history *h = userdata;
        size_t day;
        int r;

        if (record->started_usec < h->since_usec) {
                h->ended = true;
                return 1;
        }
        r = find_day(h, record->started_usec, &day);
        if (r == -ERANGE)
                return 0;
        if (r < 0)
                return r;
        h->days[day].transactions++;
        h->days[day].approved += record->result == RESULT_APPROVED;
        h->days[day].declined += record->result == RESULT_DECLINED;
        r = count_outcome(h, day, record);
        return r < 0 ? r : note_latency(h, h->days + day, record->id);
}

int report_history_slice(struct report_history *h) {
        struct search_filter filter;
        int64_t next = 0;
        int r;

        search_filter_init(&filter);
        r = search_each(h->journal, &filter, h->before, SLICE, note_transaction, h, &next);
        if (r < 0)
                return r;
        h->before = next;
        return !h->ended && next > 0;
}

/* ---- What comes of it ---- */

static int compare(const void *a, const void *b) {
        uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;

        return (x > y) - (x < y);
}

/* Sorts them. */
static bool add_latency(cJSON *o, uint32_t *latency, size_t n) {
        if (!cJSON_AddNumberToObject(o, "Exchanges", (double) n))
                return false;
        if (n == 0)
                return true;
        qsort(latency, n, sizeof(*latency), compare);
        return cJSON_AddNumberToObject(o, "LatencyMedian", latency[(n - 1) / 2]) &&
               cJSON_AddNumberToObject(o, "LatencyP95", latency[(n * 95 + 99) / 100 - 1]);
}

static bool add_counts(cJSON *o, const struct day *day) {
        return cJSON_AddNumberToObject(o, "Transactions", day->transactions) &&
               cJSON_AddNumberToObject(o, "Approved", day->approved) &&
               cJSON_AddNumberToObject(o, "Declined", day->declined);
}

static bool add_all(const struct report_history *h, cJSON *o) {
        _cleanup_free_ uint32_t *latency = NULL;
        struct day all = {};

        for (size_t i = 0; i < h->n_days; i++) {
                all.transactions += h->days[i].transactions;
                all.approved += h->days[i].approved;
                all.declined += h->days[i].declined;
                all.exchanges += h->days[i].exchanges;
        }
        latency = calloc(all.exchanges + 1, sizeof(*latency));
        if (!latency)
                return false;
        for (size_t i = 0, at = 0; i < h->n_days; at += h->days[i++].exchanges)
                if (h->days[i].exchanges > 0)
                        memcpy(latency + at, h->days[i].latency, h->days[i].exchanges * sizeof(*latency));
        return add_counts(o, &all) && add_latency(o, latency, all.exchanges);
}

static bool add_days(const struct report_history *h, cJSON *list) {
        for (size_t i = 0; i < h->n_days; i++) {
                cJSON *o = cJSON_CreateObject();

                if (!cJSON_AddItemToArray(list, o) || !cJSON_AddStringToObject(o, "Day", h->days[i].text) ||
                    !add_counts(o, h->days + i) || !add_latency(o, h->days[i].latency, h->days[i].exchanges))
                        return false;
        }
        return list;
}

static bool add_outcomes(const struct report_history *h, cJSON *list) {
        for (size_t i = 0; i < h->n_outcomes; i++) {
                const struct outcome *outcome = h->outcomes + i;
                cJSON *o = cJSON_CreateObject();

                if (!cJSON_AddItemToArray(list, o) || !cJSON_AddStringToObject(o, "Day", h->days[outcome->day].text) ||
                    !cJSON_AddStringToObject(o, "Kind", outcome->kind) ||
                    !cJSON_AddStringToObject(o, "Result", outcome->result) ||
                    !cJSON_AddStringToObject(o, "Reason", outcome->reason) ||
                    !cJSON_AddNumberToObject(o, "Count", outcome->count))
                        return false;
        }
        return list;
}

int report_history_add(struct report_history *h, cJSON *o) {
        return add_all(h, o) && add_days(h, cJSON_AddArrayToObject(o, "Days")) &&
                               add_outcomes(h, cJSON_AddArrayToObject(o, "Outcomes"))
                       ? 0
                       : -ENOMEM;
}
