// SPDX-License-Identifier: LGPL-2.1-or-later
/* The uptime over boots, with clocks and boots that this test sets. */
#include "test.h"

#include <systemd/sd-id128.h>

#include "base/clock.h"
#include "journal/event.h"
#include "journal/uptime.h"

#define MINUTE (60 * USEC_PER_SEC)

static const uint8_t key[JOURNAL_KEY_SIZE] = { 1 };
static char dir[32], path[64];
static struct journal *j;

static struct {
        uint64_t realtime, boottime;
        unsigned boot;
} machine;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_sd_id128_get_boot(sd_id128_t *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        uint64_t usec = id == CLOCK_REALTIME ? machine.realtime : machine.boottime;

        *ret = (struct timespec){ .tv_sec = (time_t) (usec / USEC_PER_SEC),
                                  .tv_nsec = (long) (usec % USEC_PER_SEC * 1000) };
        return 0;
}

int __wrap_sd_id128_get_boot(sd_id128_t *ret) {
        *ret = (sd_id128_t){};
        ret->bytes[15] = (uint8_t) machine.boot;
        return 0;
}

static void pass(uint64_t usec) {
        machine.realtime += usec;
        machine.boottime += usec;
}

static void open_journal(void) {
        assert_int_equal(journal_open(path, key, &j, NULL), 0);
}

static void restart(void) {
        j = journal_close(j);
        open_journal();
}

static void reboot_after(uint64_t off) {
        j = journal_close(j);
        machine.boot++;
        machine.realtime += off;
        machine.boottime = 0;
        open_journal();
}

static uint64_t uptime(void) {
        uint64_t usec;

        assert_int_equal(uptime_get(j, &usec), 0);
        return usec;
}

static void save(void) {
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(uptime_save(j), 0);
        assert_int_equal(journal_commit(j), 0);
}

static int setup(void **state) {
        strcpy(dir, "/tmp/test-uptime-XXXXXX");
        if (!mkdtemp(dir))
                return -1;
        snprintf(path, sizeof(path), "%s/journal.db", dir);
        machine.realtime = UINT64_C(1790000000) * USEC_PER_SEC;
        machine.boottime = 10 * MINUTE;
        machine.boot = 1;
        open_journal();
        return 0;
}

static int teardown(void **state) {
        char command[64];

        j = journal_close(j);
        snprintf(command, sizeof(command), "rm -r %s", dir);
        return system(command);
}

static void counts_in_one_boot(void **state) {
        assert_int_equal(uptime(), 10 * MINUTE);
        pass(MINUTE);
        assert_int_equal(uptime(), 11 * MINUTE);
        save();
        pass(MINUTE);
        /* A crash takes nothing: the boot is the same. */
        restart();
        assert_int_equal(uptime(), 12 * MINUTE);
}

static void counts_over_boots(void **state) {
        save();
        reboot_after(60 * MINUTE);
        assert_int_equal(uptime(), 10 * MINUTE);
        pass(2 * MINUTE);
        assert_int_equal(uptime(), 12 * MINUTE);
        save();
        save();
        pass(MINUTE);
        assert_int_equal(uptime(), 13 * MINUTE);
        save();
        reboot_after(0);
        pass(MINUTE);
        assert_int_equal(uptime(), 14 * MINUTE);
}

static void lags_after_a_power_cut(void **state) {
        save();
        pass(5 * MINUTE);
        /* What was not saved is lost, and never counted twice. */
        reboot_after(0);
        assert_int_equal(uptime(), 10 * MINUTE);
        reboot_after(0);
        assert_int_equal(uptime(), 10 * MINUTE);
        pass(MINUTE);
        assert_int_equal(uptime(), 11 * MINUTE);
}

static void does_not_know_the_clock(void **state) {
        save();
        machine.realtime += 365 * 24 * 60 * MINUTE;
        assert_int_equal(uptime(), 10 * MINUTE);
        machine.realtime = 0;
        assert_int_equal(uptime(), 10 * MINUTE);
        save();
        reboot_after(0);
        assert_int_equal(uptime(), 10 * MINUTE);
}

/* CLOCK_BOOTTIME of one boot only goes forward; if it should not, what was saved stands. */
static void never_goes_back(void **state) {
        save();
        machine.boottime = MINUTE;
        assert_int_equal(uptime(), 10 * MINUTE);
        save();
        assert_int_equal(uptime(), 10 * MINUTE);
        machine.boottime = 11 * MINUTE;
        assert_int_equal(uptime(), 11 * MINUTE);
}

static void is_saved_in_a_transaction(void **state) {
        assert_int_equal(uptime_save(j), -EPROTO);
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(uptime_save(j), 0);
        journal_rollback(j);
        reboot_after(0);
        assert_int_equal(uptime(), 0);
}

/* So no entry is of a later uptime than a boot begins with: a power cut is no time that the terminal was on. */
static void is_saved_with_an_event(void **state) {
        uint64_t then, passed;

        save();
        pass(5 * MINUTE);
        then = uptime();
        assert_int_equal(journal_begin(j, JOURNAL_LAZY), 0);
        assert_int_equal(event_append(j, "test", 0, NULL), 0);
        assert_int_equal(journal_commit(j), 0);
        pass(MINUTE);
        assert_int_equal(uptime_since(j, then, &passed), 1);
        assert_int_equal(passed, MINUTE);
        reboot_after(60 * MINUTE);
        pass(2 * MINUTE);
        assert_int_equal(uptime_since(j, then, &passed), 0);
        assert_int_equal(passed, 2 * MINUTE);
        /* A boot of this uptime. */
        assert_int_equal(uptime_since(j, uptime(), &passed), 1);
        assert_int_equal(passed, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(counts_in_one_boot, setup, teardown),
                cmocka_unit_test_setup_teardown(counts_over_boots, setup, teardown),
                cmocka_unit_test_setup_teardown(lags_after_a_power_cut, setup, teardown),
                cmocka_unit_test_setup_teardown(does_not_know_the_clock, setup, teardown),
                cmocka_unit_test_setup_teardown(never_goes_back, setup, teardown),
                cmocka_unit_test_setup_teardown(is_saved_in_a_transaction, setup, teardown),
                cmocka_unit_test_setup_teardown(is_saved_with_an_event, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
