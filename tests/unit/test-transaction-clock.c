// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The terminal's clock, as this test sets it: what is refused when it cannot be right, what the acquirer's time says
 * of it, and that money does not care about it.
 */
#include "test.h"

#include <systemd/sd-id128.h>
#include <time.h>

#include "chip-fixture.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "journal/internal.h"
#include "transaction/terminal-clock.h"

/* In seconds. */
#define A_DAY (24 * 3600)

/* How far the system's clock and its uptime are from the machine's, in seconds. */
static int64_t shift, up;
static unsigned boot;
static bool synchronized;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_sd_id128_get_boot(sd_id128_t *ret);
bool __wrap_clock_is_synchronized(void);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        ret->tv_sec += id == CLOCK_REALTIME ? shift : up;
        return r;
}

int __wrap_sd_id128_get_boot(sd_id128_t *ret) {
        *ret = (sd_id128_t){};
        ret->bytes[15] = (uint8_t) boot;
        return 0;
}

bool __wrap_clock_is_synchronized(void) {
        return synchronized;
}

static void set_zone(const char *zone) {
        setenv("TZ", zone, 1);
        tzset();
}

/* The system's clock, by a local time in the zone that is set. */
static time_t at(int year, int month, int day, int hour, int minute, int second) {
        struct tm tm = {
                .tm_year = year - 1900,
                .tm_mon = month - 1,
                .tm_mday = day,
                .tm_hour = hour,
                .tm_min = minute,
                .tm_sec = second,
                .tm_isdst = -1,
        };

        return mktime(&tm);
}

static void set_clock(time_t t) {
        struct timespec now;

        assert_int_equal(__real_clock_gettime(CLOCK_REALTIME, &now), 0);
        shift = (int64_t) t - now.tv_sec;
}

static time_t clock_time(void) {
        return (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
}

static int setup(void **state) {
        shift = up = 0;
        boot = 1;
        synchronized = false;
        set_zone("Asia/Shanghai");
        log_set_max_level(LOG_EMERG);
        chip_setup(state);
        strcpy(chip.behaviour.card, "unionpay");
        return 0;
}

/* ---- Faults ---- */

static struct refusal refusal;

static bool is_good(void) {
        memset(&refusal, 0, sizeof(refusal));
        if (terminal_clock_check(shop.journal, &refusal) >= 0)
                return true;
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
        assert_non_null(strstr(refusal.text, "set the clock"));
        /* Nothing of it is cut off. */
        assert_true(strlen(refusal.text) < sizeof(refusal.text) - 1);
        return false;
}

static void write_event(void) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(event_append(shop.journal, "test", 0, NULL), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static void jumps(void **state) {
        write_event();
        assert_true(is_good());
        /* A step of NTP. */
        shift = -4 * 60;
        assert_true(is_good());
        shift = -6 * 60;
        assert_false(is_good());
        assert_non_null(strstr(refusal.text, "accept-clock"));
        /* Many small steps are a great one. */
        for (int i = 1; i <= 3; i++) {
                shift = -i * 4 * 60;
                write_event();
        }
        assert_false(is_good());
        shift = 0;
        assert_true(is_good());
}

static uint64_t newest(void) {
        uint64_t usec;

        assert_int_equal(counter_get_clock(shop.journal, &usec), 0);
        return usec;
}

/* The terminal is on for so long, and its clock goes rightly. */
static void pass(int64_t seconds) {
        shift += seconds;
        up += seconds;
}

/* It is off for so long, and its clock goes rightly. */
static void switch_off(int64_t seconds) {
        struct timespec now;

        chip_close();
        boot++;
        assert_int_equal(__real_clock_gettime(CLOCK_BOOTTIME, &now), 0);
        up = 60 - now.tv_sec;
        shift += seconds;
        chip_open();
}

/* A clock ahead is a fault before anything is written under it, and once it is set right all is as it was. */
static void ahead(void **state) {
        uint64_t before;

        write_event();
        pass(400 * A_DAY);
        assert_true(is_good());
        shift += 50 * 60;
        assert_true(is_good());
        shift += 20 * 60;
        assert_false(is_good());
        assert_non_null(strstr(refusal.text, "accept-clock"));
        shift -= 70 * 60;
        write_event();

        before = newest();
        shift += 3650 * A_DAY;
        assert_false(is_good());
        /* What is written all the same makes it no truer. */
        write_event();
        write_event();
        assert_false(is_good());
        assert_int_equal(newest(), before);
        chip_close();
        chip_open();
        assert_false(is_good());
        shift -= 3650 * A_DAY;
        assert_true(is_good());
        pass(60);
        write_event();
        assert_true(newest() > before);
}

static void switched_off(void **state) {
        write_event();
        pass(12 * 3600);
        write_event();
        /* A night, and a holiday. */
        switch_off(12 * 3600);
        assert_true(is_good());
        write_event();
        switch_off(14 * A_DAY);
        assert_true(is_good());
        write_event();
        /* From then on it is counted again. */
        shift += 2 * 3600;
        assert_false(is_good());
        shift -= 2 * 3600;
        switch_off(31 * A_DAY);
        assert_true(is_good());
        switch_off(A_DAY);
        assert_false(is_good());
        assert_int_equal(terminal_clock_accept(shop.journal, "uid 0", &refusal), 0);
        assert_true(is_good());
}

static void synchronized_clock(void **state) {
        write_event();
        shift += 3650 * A_DAY;
        assert_false(is_good());
        synchronized = true;
        assert_true(is_good());
        write_event();
        synchronized = false;
        assert_true(is_good());
        shift += A_DAY;
        assert_false(is_good());
}

/* That of an update: nothing says when the uptime was what. */
static void journal_of_before(void **state) {
        write_event();
        assert_int_equal(journal_execute(shop.journal, "DELETE FROM counters WHERE name = 'clock-uptime'"), 0);
        shift += 30 * A_DAY;
        assert_true(is_good());
        shift += 3650 * A_DAY;
        assert_false(is_good());
}

static void before_the_build(void **state) {
        uint64_t build = terminal_clock_build_usec();

        assert_true(build > 0);
        set_clock((time_t) (build / USEC_PER_SEC) + 60);
        assert_true(is_good());
        set_clock((time_t) (build / USEC_PER_SEC) - 60);
        assert_true(is_good());
        set_clock((time_t) (build / USEC_PER_SEC) - 6 * 60);
        assert_false(is_good());
        assert_null(strstr(refusal.text, "accept-clock"));
        /* A battery that is empty. */
        set_clock(0);
        assert_false(is_good());
        assert_true(terminal_clock_accept(shop.journal, "uid 0", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
}

static int note_last(const struct event_record *event, void *userdata) {
        snprintf(userdata, 160, "%s %s", event->kind, event->text);
        return 0;
}

static void accepted(void **state) {
        char last[160] = "", expected[160];
        uint64_t floor;

        write_event();
        shift = 400 * A_DAY;
        assert_false(is_good());
        assert_int_equal(terminal_clock_accept(shop.journal, "uid 0", &refusal), 0);
        assert_true(is_good());
        floor = newest();
        /* It was the wrong one after all. */
        shift = 0;
        assert_false(is_good());
        assert_int_equal(terminal_clock_accept(shop.journal, "uid 0", &refusal), 0);
        assert_true(is_good());
        assert_int_equal(event_each(shop.journal, 0, 0, 0, note_last, last), 0);
        snprintf(expected, sizeof(expected), "clock-accepted {\"before\":%" PRIu64 ",\"by\":\"uid 0\"}", floor);
        assert_string_equal(last, expected);
        /* From then on it counts again. */
        shift = -6 * 60;
        assert_false(is_good());
}

/* What needs a date is refused, and what may bring one is not. */
static void transactions(void **state) {
        struct engine_call call = {
                .kind = "sale", .amount = 1234, .currency = "CNY", .reference = "B-1", .order = "", .approver = ""
        };
        int64_t id;

        write_event();
        shift = -3600;
        assert_true(engine_start_transaction(shop.engine, &call, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_READY);
        assert_non_null(strstr(refusal.text, "set the clock"));
        call = (struct engine_call){ .kind = "echo", .currency = "", .reference = "B-2", .order = "", .approver = "" };
        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        chip_finish_sale();

        shift = 0;
        chip_sale("unionpay");
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
}

/* ---- Money does not care ---- */

/* A sale just before that moment and its void just after it, by a clock that also jumps. */
static void across(time_t before, time_t after) {
        struct transaction_record sale;
        uint32_t stan;

        set_clock(before);
        chip_sale("unionpay");
        sale = chip.view.record;
        assert_int_equal(sale.result, RESULT_APPROVED);
        stan = sale.stan;

        set_clock(after);
        chip_start((struct engine_call){
                .kind = "void", .amount = sale.amount, .currency = "CNY", .original = sale.id, .approver = "uid 0" });
        chip_finish_sale();
        assert_int_equal(chip.view.record.result, RESULT_APPROVED);
        assert_int_equal(chip.view.record.batch, sale.batch);
        assert_int_equal(chip.view.record.stan, stan + 1);
        assert_int_equal(chip.view.record.id, sale.id + 1);
}

static void a_batch_across_midnight(void **state) {
        across(at(2026, 12, 11, 23, 59, 50), at(2026, 12, 12, 0, 0, 5));
}

static void a_batch_across_new_year(void **state) {
        across(at(2026, 12, 31, 23, 59, 50), at(2027, 1, 1, 0, 0, 5));
}

static void a_batch_across_a_step_back(void **state) {
        /* NTP sets the clock back over midnight: the later one has the earlier time. */
        across(at(2026, 12, 12, 0, 1, 0), at(2026, 12, 11, 23, 59, 0));
}

static void a_batch_across_summer_time(void **state) {
        set_zone("Europe/Berlin");
        /* 2:59 is followed by 2:00. */
        across(at(2027, 10, 31, 1, 0, 0) + 2 * 3600 - 10, at(2027, 10, 31, 1, 0, 0) + 2 * 3600 + 10);
        pass(200 * A_DAY);
        /* 1:59 is followed by 3:00. */
        across(at(2028, 3, 26, 1, 59, 50), at(2028, 3, 26, 1, 59, 50) + 20);
}

/* ---- The acquirer's time ---- */

static int64_t offset(const char *date, const char *text, time_t now) {
        int64_t seconds;

        assert_int_equal(terminal_clock_offset(date, text, (uint64_t) now * USEC_PER_SEC, &seconds), 0);
        return seconds;
}

static void offsets(void **state) {
        static const char *const zones[] = { "UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati" };

        for (size_t i = 0; i < ELEMENTSOF(zones); i++) {
                set_zone(zones[i]);
                assert_int_equal(offset("0520", "140311", at(2027, 5, 20, 14, 3, 11)), 0);
                assert_int_equal(offset("0520", "140311", at(2027, 5, 20, 14, 3, 1)), 10);
                assert_int_equal(offset("0520", "140311", at(2027, 5, 20, 14, 13, 11)), -600);
                /* Across midnight, and across the year. */
                assert_int_equal(offset("0521", "000003", at(2027, 5, 20, 23, 59, 58)), 5);
                assert_int_equal(offset("1231", "235958", at(2027, 1, 1, 0, 0, 3)), -5);
                assert_int_equal(offset("0101", "000003", at(2026, 12, 31, 23, 59, 58)), 5);
                /* The day that not every year has. */
                assert_int_equal(offset("0229", "120000", at(2028, 2, 29, 12, 0, 7)), -7);
                assert_int_equal(offset("0228", "235958", at(2028, 2, 29, 0, 0, 0)), -2);
        }
}

static void zones(void **state) {
        /* A machine in UTC, a host in Shanghai: eight hours are no error. */
        set_zone("UTC");
        assert_int_equal(offset("0520", "220311", at(2027, 5, 20, 14, 3, 1)), 10);
        assert_int_equal(offset("0101", "070003", at(2026, 12, 31, 23, 0, 0)), 3);
        set_zone("Pacific/Kiritimati");
        assert_int_equal(offset("1231", "100000", at(2027, 1, 1, 0, 0, 4)), -4);
        /* More than a zone can be is an error: a day, less what a zone may be of it. */
        set_zone("UTC");
        assert_int_equal(offset("0521", "140000", at(2027, 5, 20, 14, 0, 0)), 10 * 3600);
        assert_int_equal(offset("0520", "140000", at(2027, 8, 20, 14, 0, 0)), -92 * 24 * 3600 + 14 * 3600);
}

static void summer_time(void **state) {
        time_t now;

        set_zone("Europe/Berlin");
        /* The hour that comes twice, whichever of them it is. */
        now = at(2027, 10, 31, 1, 0, 0) + 3600 + 1800;
        assert_int_equal(offset("1031", "023010", now), 10);
        assert_int_equal(offset("1031", "023010", now + 3600), 10);
        /* The hour that never comes, from a host that has no summer time. */
        now = at(2028, 3, 26, 1, 59, 59) + 1801;
        assert_int_equal(offset("0326", "023010", now), 10);
}

static void no_time(void **state) {
        static const struct {
                const char *date, *time;
        } wrong[] = {
                { "", "" },           { "0520", "" },        { "", "140311" },     { "0520", "240000" },
                { "0520", "146000" }, { "0520", "140061" },  { "0020", "140000" }, { "1320", "140000" },
                { "0500", "140000" }, { "0532", "140000" },  { "0431", "140000" }, { "05-2", "140000" },
                { "0520", "14:311" }, { "0520", "1403111" },
        };
        time_t now = at(2027, 5, 20, 14, 3, 11);
        int64_t seconds = 77;

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(
                        terminal_clock_offset(wrong[i].date, wrong[i].time, (uint64_t) now * USEC_PER_SEC, &seconds),
                        -EINVAL);
        assert_int_equal(offset("0229", "120000", at(2028, 2, 29, 12, 0, 0)), 0);
        assert_int_equal(seconds, 77);
}

static void note(int64_t ahead) {
        time_t t = clock_time() + ahead;
        char date[8], text[8];
        struct tm tm;

        localtime_r(&t, &tm);
        strftime(date, sizeof(date), "%m%d", &tm);
        strftime(text, sizeof(text), "%H%M%S", &tm);
        terminal_clock_note_host(shop.journal, date, text);
}

static int64_t kept(void) {
        int64_t seconds;

        assert_int_equal(terminal_clock_get_offset(shop.journal, &seconds), 0);
        return seconds;
}

static void is_kept(void **state) {
        int64_t seconds;

        assert_int_equal(terminal_clock_get_offset(shop.journal, &seconds), -ENOENT);
        terminal_clock_note_host(shop.journal, "", "");
        assert_int_equal(terminal_clock_get_offset(shop.journal, &seconds), -ENOENT);
        note(40);
        assert_in_range(kept(), 39, 40);
        /* What a message takes is no news. */
        note(41);
        assert_in_range(kept(), 39, 40);
        chip_close();
        chip_open();
        assert_in_range(kept(), 39, 40);
        note(-100);
        assert_in_range(kept() + 200, 99, 100);
        /* It is shown, and changes no clock and no floor. */
        assert_true(is_good());
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(jumps, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(ahead, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(switched_off, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(synchronized_clock, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(journal_of_before, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(before_the_build, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(accepted, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(transactions, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_batch_across_midnight, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_batch_across_new_year, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_batch_across_a_step_back, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_batch_across_summer_time, setup, chip_teardown),
                cmocka_unit_test(offsets),
                cmocka_unit_test(zones),
                cmocka_unit_test(summer_time),
                cmocka_unit_test(no_time),
                cmocka_unit_test_setup_teardown(is_kept, setup, chip_teardown),
        };

        log_set_max_level(LOG_EMERG);
        if (streq(argv[0], "card-worker"))
                return be_worker(NULL);
        return cmocka_run_group_tests_name("transaction-clock", tests, NULL, NULL);
}
