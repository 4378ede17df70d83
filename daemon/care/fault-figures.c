// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/fault-figures.h"

#include "base/clock.h"
#include "care/fault-code.h"
#include "journal/event.h"
#include "journal/fault.h"

#define USEC_PER_HOUR (UINT64_C(3600) * USEC_PER_SEC)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)

/* ---- Working days ---- */

static bool is_working_day(const struct tm *day) {
        return day->tm_wday >= 1 && day->tm_wday <= 5;
}

/* The next midnight; a day of a change to summer time has 23 hours. */
static time_t end_of_day(struct tm day) {
        day.tm_mday++;
        day.tm_hour = day.tm_min = day.tm_sec = 0;
        day.tm_isdst = -1;
        return mktime(&day);
}

uint64_t working_usec(uint64_t from_usec, uint64_t to_usec) {
        uint64_t working = 0;

        while (from_usec < to_usec) {
                time_t now = (time_t) (from_usec / USEC_PER_SEC), midnight;
                struct tm day = {};
                uint64_t next;

                if (!localtime_r(&now, &day))
                        return working;
                midnight = end_of_day(day);
                if (midnight <= now)
                        return working;
                next = MIN((uint64_t) midnight * USEC_PER_SEC, to_usec);
                if (is_working_day(&day))
                        working += next - from_usec;
                from_usec = next;
        }
        return working;
}

/* ---- Rows ---- */

struct row {
        char name[40];
        unsigned opened, open, ended, within_one, within_three;
        uint64_t repair, longest, working, longest_working; /* of those that ended, usec */
};

struct span {
        uint64_t from, to;
};

struct figures {
        uint64_t asked; /* from when on; what is the first event of a journal opened before that was written */
        uint64_t since, until;
        struct row all;
        struct row *rows[3]; /* by class, area and code */
        size_t n_rows[3];
        struct span *critical;
        size_t n_critical;
};

static void figures_done(struct figures *f) {
        for (size_t i = 0; i < ELEMENTSOF(f->rows); i++)
                free(f->rows[i]);
        free(f->critical);
}

static struct row *get_row(struct figures *f, size_t by, const char *name) {
        struct row *rows;

        for (size_t i = 0; i < f->n_rows[by]; i++)
                if (streq(f->rows[by][i].name, name))
                        return f->rows[by] + i;
        rows = reallocarray(f->rows[by], f->n_rows[by] + 1, sizeof(*rows));
        if (!rows)
                return NULL;
        f->rows[by] = rows;
        rows += f->n_rows[by]++;
        *rows = (struct row){};
        COPY(rows->name, name);
        return rows;
}

static bool has_ended(const struct figures *f, const struct fault_record *record) {
        return record->ended_usec > 0 && record->ended_usec <= f->until;
}

static void count_repair(struct row *row, const struct fault_record *record) {
        /* A clock that was set back makes none negative. */
        uint64_t repair = record->ended_usec - MIN(record->opened_usec, record->ended_usec);
        uint64_t working = working_usec(record->opened_usec, record->ended_usec);

        row->ended++;
        row->repair += repair;
        row->longest = MAX(row->longest, repair);
        row->working += working;
        row->longest_working = MAX(row->longest_working, working);
        row->within_one += working <= USEC_PER_DAY;
        row->within_three += working <= 3 * USEC_PER_DAY;
}

static void count(const struct figures *f, struct row *row, const struct fault_record *record) {
        row->opened += record->opened_usec >= f->asked;
        row->open += !has_ended(f, record);
        if (has_ended(f, record))
                count_repair(row, record);
}

static int add_critical(struct figures *f, const struct fault_record *record) {
        struct span *critical = reallocarray(f->critical, f->n_critical + 1, sizeof(*critical));

        if (!critical)
                return -ENOMEM;
        f->critical = critical;
        critical[f->n_critical++] = (struct span){
                MAX(record->opened_usec, f->since),
                has_ended(f, record) ? record->ended_usec : f->until,
        };
        return 0;
}

static int add_fault(const struct fault_record *record, void *userdata) {
        const struct fault_code *code = fault_code_find(record->code);
        const char *names[] = { record->class, code ? code->area : "", record->code };
        struct figures *f = userdata;

        if (record->opened_usec > f->until)
                return 0;
        count(f, &f->all, record);
        for (size_t by = 0; by < ELEMENTSOF(names); by++) {
                struct row *row = get_row(f, by, names[by]);

                if (!row)
                        return -ENOMEM;
                count(f, row, record);
        }
        return streq(record->severity, "critical") ? add_critical(f, record) : 0;
}

/* ---- Available ---- */

static int compare_spans(const void *a, const void *b) {
        const struct span *x = a, *y = b;

        return x->from < y->from ? -1 : x->from > y->from;
}

/* Two that are open at a time are one. */
static double get_available(struct figures *f) {
        uint64_t down = 0, told = f->since;

        if (f->until <= f->since)
                return 1;
        if (f->n_critical > 0)
                qsort(f->critical, f->n_critical, sizeof(*f->critical), compare_spans);
        for (size_t i = 0; i < f->n_critical; i++) {
                uint64_t from = MAX(f->critical[i].from, told);

                if (f->critical[i].to <= from)
                        continue;
                down += f->critical[i].to - from;
                told = f->critical[i].to;
        }
        return 1 - (double) down / (double) (f->until - f->since);
}

/* ---- As JSON ---- */

/* Written with so many digits behind the point, not with all that a double has. */
static bool add_number(cJSON *o, const char *name, double number, int digits) {
        char text[40];

        (void) snprintf(text, sizeof(text), "%.*f", digits, number);
        return cJSON_AddRawToObject(o, name, text);
}

static bool add_usec(cJSON *o, const char *name, double usec, uint64_t unit) {
        return add_number(o, name, usec / (double) unit, 2);
}

static bool add_repair(cJSON *o, const struct row *row) {
        double n = row->ended;

        return add_usec(o, "MeanRepairHours", (double) row->repair / n, USEC_PER_HOUR) &&
               add_usec(o, "LongestRepairHours", (double) row->longest, USEC_PER_HOUR) &&
               add_usec(o, "MeanRepairDays", (double) row->working / n, USEC_PER_DAY) &&
               add_usec(o, "LongestRepairDays", (double) row->longest_working, USEC_PER_DAY) &&
               add_number(o, "WithinOneDay", row->within_one / n, 4) &&
               add_number(o, "WithinThreeDays", row->within_three / n, 4);
}

static bool add_row(const struct figures *f, cJSON *o, const struct row *row) {
        if (!cJSON_AddStringToObject(o, "Name", row->name) || !add_number(o, "Opened", row->opened, 0) ||
            !add_number(o, "Open", row->open, 0) || !add_number(o, "Ended", row->ended, 0))
                return false;
        if (row->ended > 0 && !add_repair(o, row))
                return false;
        return row->opened == 0 ||
               add_usec(o, "HoursBetween", (double) (f->until - f->since) / row->opened, USEC_PER_HOUR);
}

static bool add_rows(const struct figures *f, cJSON *json, const char *name, size_t by) {
        cJSON *list = cJSON_AddArrayToObject(json, name);

        for (size_t i = 0; i < f->n_rows[by]; i++) {
                cJSON *o = cJSON_CreateObject();

                if (!cJSON_AddItemToArray(list, o) || !add_row(f, o, f->rows[by] + i))
                        return false;
        }
        return list;
}

static bool add_all(struct figures *f, cJSON *json) {
        return add_number(json, "Since", (double) f->since, 0) && add_number(json, "Until", (double) f->until, 0) &&
               add_number(json, "Available", get_available(f), 6) &&
               add_number(json, "Critical", (double) f->n_critical, 0) &&
               add_row(f, cJSON_AddObjectToObject(json, "All"), &f->all) && add_rows(f, json, "Classes", 0) &&
               add_rows(f, json, "Areas", 1) && add_rows(f, json, "Codes", 2);
}

/* ---- All of it ---- */

static int take_time(const struct event_record *event, void *userdata) {
        *(uint64_t *) userdata = event->time_usec;
        return 0;
}

int fault_figures_make(struct journal *j, uint64_t since_usec, uint64_t until_usec, cJSON **ret) {
        _cleanup_(figures_done) struct figures f = { .asked = since_usec, .until = until_usec };
        uint64_t first = 0;
        cJSON *json;
        int r;

        r = event_each(j, 0, 0, 1, take_time, &first);
        if (r < 0)
                return r;
        f.since = MAX(since_usec, first);
        f.since = MIN(f.since, until_usec);
        r = fault_record_each(j, &(struct fault_filter){ .lasted_usec = f.since }, add_fault, &f);
        if (r < 0)
                return r;
        json = cJSON_CreateObject();
        if (!add_all(&f, json)) {
                cJSON_Delete(json);
                return -ENOMEM;
        }
        *ret = json;
        return 0;
}
