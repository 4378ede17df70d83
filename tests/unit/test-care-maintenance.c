// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is due to keep the terminal well: by use, by the calendar, per device; and drills. */
#include "devices-fixture.h"

#include "care/faults.h"
#include "care/maintenance.h"
#include "journal/event.h"

#define DAY_SEC (24 * 3600)

static int64_t days_on; /* of the calendar */

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_REALTIME)
                ret->tv_sec += days_on * DAY_SEC;
        return r;
}

static int setup(void **state) {
        days_on = 0;
        dev_set_up();
        shop.settings.maintenance = (struct maintenance_limits){
                .msr_swipes = 100,
                .msr_days = 180,
                .printer_metres = 5,
                .cutter_cuts = 10,
                .plugs_days = 365,
        };
        return 0;
}

static int teardown(void **state) {
        dev_tear_down();
        return 0;
}

static int find(const struct maintenance_item *item, void *userdata) {
        struct maintenance_item *found = userdata;

        if (!streq(item->name, found->name))
                return 0;
        *found = *item;
        return 1;
}

static struct maintenance_item item(const char *name) {
        struct maintenance_item found = { .name = name };

        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(maintenance_each(shop.engine, find, &found), 1);
        return found;
}

static int list(const struct maintenance_item *due, void *userdata) {
        char *text = userdata;

        assert_true(due->due);
        assert_true(strlen(due->text) > 0);
        snprintf(text + strlen(text), 200 - strlen(text), "%s ", due->name);
        return 0;
}

static void assert_due(const char *expected) {
        char text[200] = "";

        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(maintenance_each_due(shop.engine, list, text), 0);
        assert_string_equal(text, expected);
}

static int do_it(const char *name, const char *note) {
        struct refusal refusal = {};
        int r = maintenance_done(shop.engine, name, note, "02", &refusal);

        return r < 0 ? (int) refusal.code : 0;
}

static int is_event(const struct event_record *event, void *userdata) {
        const char *const *expected = userdata;

        return streq(event->kind, expected[0]) && strstr(event->text, expected[1]) != NULL;
}

static void assert_event(const char *kind, const char *text) {
        const char *expected[] = { kind, text };

        assert_int_equal(event_each(shop.journal, 0, 0, 0, is_event, expected), 1);
}

static void fresh(void **state) {
        assert_due("");
        days_on = 1000;
        /* Nothing was ever here. */
        assert_due("");
}

static void by_use(void **state) {
        struct device *d = dev_plug(DEVICE_MSR, "1-2", "M1", 0);

        dev_count(d, "good_read_count", 90);
        dev_count(d, "failed_read_count", 9);
        assert_due("");
        assert_int_equal(item("msr-head").count, 99);
        assert_int_equal(item("msr-head").limit, 100);
        assert_int_equal(item("msr-head").done_usec, 0);
        dev_count(d, "failed_read_count", 10);
        assert_due("msr-head ");
        assert_int_equal(do_it("msr-head", "cleaning card 4111111111111111"), 0);
        assert_event("maintenance-done",
                     "\"item\":\"msr-head\",\"by\":\"02\",\"note\":\"cleaning card ****************\"");
        assert_due("");
        assert_int_equal(item("msr-head").count, 0);
        assert_string_equal(item("msr-head").done_by, "02");
        assert_true(item("msr-head").done_usec > 0);
        /* Another reader has its own life; the one that is not there does not count. */
        dev_unplug(d);
        dev_run();
        d = dev_plug(DEVICE_MSR, "1-3", "M2", 0);
        dev_count(d, "good_read_count", 99);
        assert_due("");
        dev_count(d, "good_read_count", 100);
        assert_due("msr-head ");
        /* Counters that begin anew are less than they were. */
        assert_int_equal(do_it("msr-head", ""), 0);
        assert_int_equal(statistics_reset(dev.statistics, "msr/04b8:0202/M2", NULL, "02", &(struct refusal){}), 0);
        assert_int_equal(item("msr-head").count, 0);
}

static void by_calendar(void **state) {
        uint64_t due_usec;

        dev_plug(DEVICE_MSR, "1-2", "M1", 0);
        assert_due("");
        due_usec = item("msr-head").due_usec;
        assert_true(due_usec > clock_now(CLOCK_REALTIME) + 179 * DAY_SEC * USEC_PER_SEC);
        days_on = 179;
        assert_due("");
        days_on = 181;
        assert_due("msr-head ");
        assert_int_equal(item("msr-head").due_usec, due_usec);
        assert_int_equal(do_it("msr-head", ""), 0);
        assert_due("");
        days_on = 362;
        assert_due("msr-head ");
        days_on = 366;
        assert_due("msr-head plugs ");
        assert_int_equal(do_it("plugs", "all well"), 0);
        assert_due("msr-head ");
}

static void of_printers(void **state) {
        dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        dev_run();
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(statistic_add(shop.journal, "printer/04b8:0202/J3XF", "PaperCutCount", 10), 0);
        assert_int_equal(statistic_add(shop.journal, "printer/04b8:0202/J3XF", "ReceiptPaperMillimetreCount", 4999),
                         0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(item("printer-head").count, 4);
        assert_due("cutter ");
        assert_int_equal(do_it("cutter", ""), 0);
        assert_due("");
        assert_int_equal(do_it("carpet", ""), REFUSAL_NOT_FOUND);
        assert_int_equal(do_it("training", ""), REFUSAL_NOT_FOUND);
        assert_int_equal(do_it("cutter", "a\nb"), REFUSAL_INVALID_NOTE);
}

static int hold(const char *kind, char *const *people, const char *note) {
        struct refusal refusal = {};
        int r = maintenance_drill(shop.engine, kind, people, note, "02", &refusal);

        return r < 0 ? (int) refusal.code : 0;
}

static void drills(void **state) {
        char *two[] = { (char *) "01", (char *) "02", NULL }, *unknown[] = { (char *) "77", NULL }, *none[] = { NULL };
        struct drill_record held;

        shop_log_on("01");
        shop_log_on("02");
        dev_plug(DEVICE_MSR, "1-2", "M1", 0);
        dev_run();
        shop.settings.maintenance.msr_days = 0;
        days_on = 32;
        assert_due("");
        shop.settings.maintenance.drills = true;
        assert_due("training outage ");
        assert_int_equal(hold("training", two, "void, refund"), 0);
        assert_event("drill-held",
                     "{\"kind\":\"training\",\"people\":\"01 02\",\"by\":\"02\",\"note\":\"void, refund\"}");
        assert_due("outage ");
        assert_string_equal(item("training").people, "01 02");
        assert_int_equal(hold("dance", two, ""), REFUSAL_NOT_FOUND);
        assert_int_equal(hold("outage", unknown, ""), REFUSAL_INVALID_OPERATOR);
        assert_int_equal(hold("outage", none, ""), REFUSAL_INVALID_OPERATOR);
        assert_due("outage ");
        days_on = 93;
        assert_due("training outage lost-phone replacement ");
        for (int i = 0; i < DRILLS_MAX + 5; i++)
                assert_int_equal(hold("outage", two, ""), 0);
        /* The event log has it still. */
        assert_int_equal(drill_record_load_last(shop.journal, "training", &held), -ENOENT);
        assert_int_equal(drill_record_load_last(shop.journal, "outage", &held), 0);
        assert_int_equal(held.id, DRILLS_MAX + 6);
}

static void on_fault(const struct fault_record *record, void *userdata) {
}

/* Each that is due is a fault of its own, until it is done. */
static void as_faults(void **state) {
        struct device *d = dev_plug(DEVICE_MSR, "1-2", "M1", 0);
        struct fault_record fault;
        struct faults *faults;

        assert_int_equal(faults_new(shop.engine, on_fault, NULL, &faults), 0);
        assert_int_equal(faults_start(faults), 0);
        assert_int_equal(fault_record_find(shop.journal, "maintenance-due", "msr-head", &fault), -ENOENT);
        dev_count(d, "good_read_count", 120);
        assert_int_equal(statistics_update(dev.statistics), 0);
        faults_kick(faults);
        dev_run();
        assert_int_equal(fault_record_find(shop.journal, "maintenance-due", "msr-head", &fault), 0);
        assert_non_null(strstr(fault.detail, "120 swipes"));
        assert_string_equal(fault.severity, "warning");
        assert_int_equal(do_it("msr-head", ""), 0);
        faults_kick(faults);
        dev_run();
        assert_int_equal(fault_record_find(shop.journal, "maintenance-due", "msr-head", &fault), -ENOENT);
        faults_free(faults);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(fresh, setup, teardown),
                cmocka_unit_test_setup_teardown(by_use, setup, teardown),
                cmocka_unit_test_setup_teardown(by_calendar, setup, teardown),
                cmocka_unit_test_setup_teardown(of_printers, setup, teardown),
                cmocka_unit_test_setup_teardown(drills, setup, teardown),
                cmocka_unit_test_setup_teardown(as_faults, setup, teardown),
        };

        return cmocka_run_group_tests_name("care-maintenance", tests, NULL, NULL);
}
