// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the faults of a period come to: working days, repair, time between, and when payments could be taken. */
#include "open-journal.h"

#include "base/clock.h"
#include "care/fault-figures.h"
#include "journal/fault.h"

#define HOUR (UINT64_C(3600) * USEC_PER_SEC)
#define DAY (24 * HOUR)

/* Monday, 1 June 2026, 00:00 in Shanghai. */
#define MONDAY (UINT64_C(1780243200) * USEC_PER_SEC)

static uint64_t now_usec;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        if (id != CLOCK_REALTIME || now_usec == 0)
                return __real_clock_gettime(id, ret);
        *ret = (struct timespec){ (time_t) (now_usec / USEC_PER_SEC), (long) (now_usec % USEC_PER_SEC * 1000) };
        return 0;
}

static void set_zone(const char *zone) {
        assert_int_equal(setenv("TZ", zone, 1), 0);
        tzset();
}

static void assert_working(uint64_t from, uint64_t to, uint64_t expected) {
        assert_int_equal(working_usec(MONDAY + from, MONDAY + to) / HOUR, expected / HOUR);
}

static void working_days(void **state) {
        set_zone("CST-8");
        assert_working(0, 0, 0);
        assert_working(5 * HOUR, 3 * HOUR, 0);
        assert_working(9 * HOUR, 17 * HOUR, 8 * HOUR);
        /* From Friday evening to Monday morning, and a weekend alone. */
        assert_working(4 * DAY + 17 * HOUR, 7 * DAY + 10 * HOUR, 17 * HOUR);
        assert_working(5 * DAY + HOUR, 7 * DAY - HOUR, 0);
        assert_working(0, 7 * DAY, 5 * DAY);
        assert_working(3 * DAY, 3 * DAY + 21 * DAY, 15 * DAY);
        /* Its Monday begins later elsewhere. */
        set_zone("UTC0");
        assert_working(0, DAY, 16 * HOUR);
        /* From one Sunday evening to the next, which has 23 hours. */
        set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
        assert_int_equal(working_usec(UINT64_C(1774209600) * USEC_PER_SEC, UINT64_C(1774810800) * USEC_PER_SEC) / HOUR,
                         5 * 24);
        set_zone("CST-8");
}

static struct fault_record open_at(uint64_t usec, const char *code, const char *class, const char *severity) {
        struct fault_record record = {};

        now_usec = MONDAY + usec;
        COPY(record.code, code);
        COPY(record.class, class);
        COPY(record.severity, severity);
        begin();
        assert_int_equal(fault_record_open(j, &record), 1);
        commit();
        return record;
}

static void end_at(uint64_t usec, struct fault_record *record) {
        now_usec = MONDAY + usec;
        begin();
        assert_int_equal(fault_record_end(j, record, "", ""), 0);
        commit();
}

static cJSON *make(uint64_t since, uint64_t until) {
        cJSON *json = NULL;

        assert_int_equal(fault_figures_make(j, MONDAY + since, MONDAY + until, &json), 0);
        /* A raw number is read as one only when it is read back. */
        char *text = cJSON_Print(json);
        cJSON_Delete(json);
        json = cJSON_Parse(text);
        free(text);
        assert_non_null(json);
        return json;
}

static const cJSON *row_of(const cJSON *json, const char *list, const char *name) {
        const cJSON *row;

        cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, list)) {
                if (streq(cJSON_GetStringValue(cJSON_GetObjectItem(row, "Name")), name))
                        return row;
        }
        return NULL;
}

static void assert_number(const cJSON *o, const char *name, double expected) {
        const cJSON *number = cJSON_GetObjectItem(o, name);

        if (!cJSON_IsNumber(number))
                fail_msg("no %s", name);
        if (number->valuedouble < expected - 0.006 || number->valuedouble > expected + 0.006)
                fail_msg("%s is %f, not %f", name, number->valuedouble, expected);
}

static void none(void **state) {
        cJSON *json;

        now_usec = MONDAY;
        begin();
        assert_true(event_append(j, "began", 0, NULL) >= 0);
        commit();
        json = make(0, 10 * DAY);
        assert_number(json, "Available", 1);
        assert_number(json, "Critical", 0);
        assert_number(cJSON_GetObjectItem(json, "All"), "Opened", 0);
        assert_null(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "All"), "MeanRepairHours"));
        assert_null(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "All"), "HoursBetween"));
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "Codes")), 0);
        cJSON_Delete(json);
        /* Nothing at all, not even time. */
        json = make(0, 0);
        assert_number(json, "Available", 1);
        cJSON_Delete(json);
}

static void repair(void **state) {
        struct fault_record cutter, paper, offline;
        const cJSON *row;
        cJSON *json;

        /* Friday 17:00 to Monday 10:00, two hours, four days; and one that is open. */
        paper = open_at(0, "printer-paper-end", "hardware", "error");
        end_at(2 * HOUR, &paper);
        cutter = open_at(4 * DAY + 17 * HOUR, "printer-cutter", "hardware", "error");
        end_at(7 * DAY + 10 * HOUR, &cutter);
        paper = open_at(7 * DAY + 10 * HOUR, "printer-paper-end", "hardware", "error");
        end_at(11 * DAY + 10 * HOUR, &paper);
        offline = open_at(12 * DAY, "acquirer-silent", "network", "error");
        json = make(0, 20 * DAY);
        row = cJSON_GetObjectItem(json, "All");
        assert_number(row, "Opened", 4);
        assert_number(row, "Open", 1);
        assert_number(row, "Ended", 3);
        assert_number(row, "MeanRepairHours", (2 + 65 + 96) / 3.0);
        assert_number(row, "LongestRepairHours", 96);
        assert_number(row, "MeanRepairDays", (2 + 17 + 96) / 24.0 / 3);
        assert_number(row, "LongestRepairDays", 4);
        assert_number(row, "WithinOneDay", 2 / 3.0);
        assert_number(row, "WithinThreeDays", 2 / 3.0);
        assert_number(row, "HoursBetween", 20 * 24 / 4);
        row = row_of(json, "Codes", "printer-paper-end");
        assert_number(row, "Opened", 2);
        assert_number(row, "WithinOneDay", 0.5);
        assert_number(row_of(json, "Classes", "hardware"), "Ended", 3);
        row = row_of(json, "Areas", "acquirer");
        assert_number(row, "Open", 1);
        assert_null(cJSON_GetObjectItem(row, "MeanRepairHours"));
        assert_non_null(row_of(json, "Areas", "printer"));
        assert_null(row_of(json, "Codes", "printer-hot"));
        cJSON_Delete(json);

        /* What opened before and ended in it is repaired in it; what ended before is nothing. */
        json = make(9 * DAY, 20 * DAY);
        row = cJSON_GetObjectItem(json, "All");
        assert_number(row, "Opened", 1);
        assert_number(row, "Ended", 1);
        assert_number(row, "LongestRepairHours", 96);
        cJSON_Delete(json);
        end_at(20 * DAY, &offline);
}

static void available(void **state) {
        struct fault_record driver, clock, keys;
        cJSON *json;

        none(state);
        /* Two at a time are one; a warning is none. */
        driver = open_at(1 * DAY, "driver-missing", "software", "critical");
        clock = open_at(1 * DAY + 12 * HOUR, "clock-wrong", "configuration", "critical");
        (void) open_at(1 * DAY + 12 * HOUR, "printer-hot", "hardware", "warning");
        end_at(2 * DAY, &driver);
        end_at(2 * DAY + 12 * HOUR, &clock);
        json = make(0, 10 * DAY);
        assert_number(json, "Available", 0.85);
        assert_number(json, "Critical", 2);
        cJSON_Delete(json);
        /* It began within it, and is open at its end. */
        keys = open_at(8 * DAY, "keys-refused", "configuration", "critical");
        json = make(2 * DAY, 10 * DAY);
        assert_number(json, "Available", 1 - 2.5 / 8);
        cJSON_Delete(json);
        end_at(12 * DAY, &keys);
        json = make(2 * DAY, 10 * DAY);
        assert_number(json, "Available", 1 - 2.5 / 8);
        assert_number(cJSON_GetObjectItem(json, "All"), "Open", 2);
        cJSON_Delete(json);
}

/* A terminal that is younger than the period has been neither good nor bad before. */
static void young(void **state) {
        struct fault_record driver = open_at(0, "driver-missing", "software", "critical");
        cJSON *json;

        end_at(1 * DAY, &driver);
        now_usec = MONDAY + 4 * DAY;
        assert_int_equal(fault_figures_make(j, 0, now_usec, &json), 0);
        cJSON_Delete(json);
        json = make(0, 4 * DAY);
        assert_number(json, "Since", (double) MONDAY);
        assert_number(json, "Available", 0.75);
        assert_number(cJSON_GetObjectItem(json, "All"), "HoursBetween", 96);
        cJSON_Delete(json);
}

/* It ended before it began, by a clock that was set back. */
static void clock_set_back(void **state) {
        struct fault_record cutter;
        cJSON *json;

        none(state);
        cutter = open_at(3 * DAY, "printer-cutter", "hardware", "critical");
        end_at(1 * DAY, &cutter);
        json = make(0, 4 * DAY);
        assert_number(json, "Available", 1);
        assert_number(cJSON_GetObjectItem(json, "All"), "LongestRepairHours", 0);
        cJSON_Delete(json);
}

static int begin_test(void **state) {
        set_zone("CST-8");
        now_usec = MONDAY;
        return open_one(state);
}

static int end_test(void **state) {
        int r = close_one(state);

        now_usec = 0;
        return r;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(working_days),
                cmocka_unit_test_setup_teardown(none, begin_test, end_test),
                cmocka_unit_test_setup_teardown(repair, begin_test, end_test),
                cmocka_unit_test_setup_teardown(available, begin_test, end_test),
                cmocka_unit_test_setup_teardown(young, begin_test, end_test),
                cmocka_unit_test_setup_teardown(clock_set_back, begin_test, end_test),
        };

        return cmocka_run_group_tests_name("care-figures", tests, NULL, NULL);
}
