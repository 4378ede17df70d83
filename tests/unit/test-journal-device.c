// SPDX-License-Identifier: LGPL-2.1-or-later
/* The devices that a terminal has or had, and what was counted of each in its life. */
#include "open-journal.h"

#include "journal/statistic.h"

#define PRINTER "printer/04b8:0202/J3XF"
#define READER "msr/0acd:2310/@1-2"

static int see(const char *device, const char *kind, struct device_record *ret) {
        struct device_record record = { .release = 0x0110 };
        int r;

        COPY(record.key, device);
        COPY(record.kind, kind);
        COPY(record.port, "1-2");
        COPY(record.usb_id, "04b8:0202");
        COPY(record.vendor, "Epson");
        COPY(record.product, "TM-T88V");
        COPY(record.serial, "J3XF");
        begin();
        r = device_record_see(j, &record);
        commit();
        if (ret)
                *ret = record;
        return r;
}

static int forget(const char *device) {
        int r;

        begin();
        r = device_record_forget(j, device, "02");
        if (r < 0)
                journal_rollback(j);
        else
                commit();
        return r;
}

static void miss(const char *device) {
        begin();
        assert_int_equal(device_record_miss(j, device), 0);
        commit();
}

static int is_event(const struct event_record *event, void *userdata) {
        const char *const *expected = userdata;

        return streq(event->kind, expected[0]) && streq(event->text, expected[1]);
}

static void assert_event(const char *kind, const char *text) {
        const char *expected[] = { kind, text };

        assert_int_equal(event_each(j, 0, 0, 0, is_event, expected), 1);
}

static void life(void **state) {
        struct device_record record, loaded;
        uint64_t first;

        assert_int_equal(device_record_count_kind(j, "printer"), 0);
        assert_int_equal(device_record_load(j, PRINTER, &loaded), -ENOENT);
        assert_int_equal(see(PRINTER, "printer", &record), 1);
        first = record.first_seen_usec;
        assert_int_equal(see(PRINTER, "printer", &record), 0);
        assert_int_equal(record.first_seen_usec, first);
        assert_true(record.last_seen_usec >= first);
        assert_int_equal(see(READER, "msr", NULL), 1);
        assert_int_equal(device_record_count_kind(j, "printer"), 1);
        assert_int_equal(device_record_count_kind(j, "msr"), 1);
        assert_int_equal(device_record_count_kind(j, "emv"), 0);

        /* There, it is not to be forgotten; gone, once. */
        assert_int_equal(forget(PRINTER), -EBUSY);
        miss(PRINTER);
        assert_int_equal(device_record_load(j, PRINTER, &loaded), 0);
        assert_true(loaded.missing_usec >= first);
        assert_int_equal(loaded.last_seen_usec, loaded.missing_usec);
        first = loaded.missing_usec;
        miss(PRINTER);
        assert_int_equal(device_record_load(j, PRINTER, &loaded), 0);
        assert_int_equal(loaded.missing_usec, first);
        assert_int_equal(device_record_count_kind(j, "printer"), 1);
        assert_int_equal(forget("printer/0000:0000/none"), -ENOENT);
        assert_int_equal(forget(PRINTER), 0);
        assert_event("device-forgotten", "{\"device\":\"" PRINTER "\",\"by\":\"02\"}");
        assert_int_equal(forget(PRINTER), -EALREADY);
        assert_int_equal(device_record_count_kind(j, "printer"), 0);
        reopen();
        assert_int_equal(device_record_load(j, PRINTER, &loaded), 0);
        assert_string_equal(loaded.forgotten_by, "02");
        assert_string_equal(loaded.product, "TM-T88V");
        assert_int_equal(loaded.release, 0x0110);

        /* It is back: as a new one, with the life it had. */
        assert_int_equal(see(PRINTER, "printer", &record), 1);
        assert_int_equal(record.forgotten_usec, 0);
        assert_int_equal(record.missing_usec, 0);
        assert_int_equal(device_record_count_kind(j, "printer"), 1);
}

static int count(const struct device_record *record, void *userdata) {
        ++*(unsigned *) userdata;
        return 0;
}

/* What is plugged in one after the other has an end: the one that is missing longest goes, none that is there. */
static void room(void **state) {
        struct device_record record;
        unsigned n = 0;
        char device[32];

        for (unsigned i = 0; i < DEVICE_RECORDS_MAX + 10; i++) {
                snprintf(device, sizeof(device), "msr/%02u", i);
                assert_int_equal(see(device, "msr", NULL), 1);
                begin();
                assert_int_equal(statistic_add(j, device, "GoodReadCount", 1), 0);
                commit();
                if (i > 0)
                        miss(device);
        }
        assert_int_equal(device_record_each(j, count, &n), 0);
        assert_int_equal(n, DEVICE_RECORDS_MAX);
        assert_int_equal(device_record_load(j, "msr/00", &record), 0);
        assert_int_equal(device_record_load(j, "msr/01", &record), -ENOENT);
        assert_int_equal(device_record_load(j, "msr/73", &record), 0);
}

/* ---- Statistics ---- */

static void add(const char *device, const char *name, uint64_t delta) {
        begin();
        assert_int_equal(statistic_add(j, device, name, delta), 0);
        commit();
}

static void read_one(const char *name, uint64_t reading, int expected) {
        begin();
        assert_int_equal(statistic_read(j, PRINTER, name, reading), expected);
        commit();
}

static void plug(const char *plugging, int expected) {
        begin();
        assert_int_equal(statistic_begin_plugging(j, PRINTER, plugging), expected);
        commit();
}

static uint64_t value(const char *device, const char *name) {
        uint64_t n = 99;

        assert_int_equal(statistic_get(j, device, name, &n), 0);
        return n;
}

static void readings(void **state) {
        see(PRINTER, "printer", NULL);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 0);
        plug("boot/1", 1);
        read_one("PrinterFaultCount", 0, 0);
        read_one("PrinterFaultCount", 3, 1);
        read_one("PrinterFaultCount", 3, 0);
        read_one("PrinterFaultCount", 5, 1);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 5);
        /* A restart in the middle of it counts nothing twice, and loses nothing. */
        reopen();
        see(PRINTER, "printer", NULL);
        plug("boot/1", 0);
        read_one("PrinterFaultCount", 7, 1);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 7);
        /* Plugged in anew, it counts from zero, and may be beyond where it was. */
        plug("boot/2", 1);
        read_one("PrinterFaultCount", 9, 1);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 16);
        /* Back where nobody saw it plugged in: it counts from zero too. */
        read_one("PrinterFaultCount", 2, 1);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 18);
        /* What tilld counts itself has no readings. */
        add(PRINTER, "PaperCutCount", 4);
        plug("boot/3", 1);
        assert_int_equal(value(PRINTER, "PaperCutCount"), 4);
        assert_int_equal(statistic_begin_plugging(j, "none", "boot/1"), -ENOENT);
}

static void limits(void **state) {
        add(PRINTER, "A", UINT64_MAX);
        add(PRINTER, "A", UINT64_MAX);
        assert_int_equal(value(PRINTER, "A"), UINT64_C(1) << 61);
        read_one("B", UINT64_MAX, 1);
        read_one("B", UINT64_MAX, 0);
        assert_int_equal(value(PRINTER, "B"), UINT64_C(1) << 61);
        begin();
        assert_int_equal(statistic_add(j, PRINTER, "NameOfMoreCharactersThanAStatisticOfUnifiedPOSHas", 1), -ERANGE);
        journal_rollback(j);
        assert_int_equal(statistic_add(j, PRINTER, "A", 1), -EPROTO);
}

static int list(const char *device, const char *name, uint64_t n, void *userdata) {
        char *text = userdata;

        snprintf(text + strlen(text), 200 - strlen(text), "%s %s %d\n", device, name, (int) n);
        return 0;
}

static int reset(const char *device, char *const *names) {
        int r;

        begin();
        r = statistic_reset(j, device, names, "uid 1000");
        if (r < 0)
                journal_rollback(j);
        else
                commit();
        return r;
}

static void resets(void **state) {
        char *one[] = { (char *) "PaperCutCount", NULL }, *unknown[] = { one[0], (char *) "papercutcount", NULL };
        char text[200] = "";

        see(PRINTER, "printer", NULL);
        plug("boot/1", 1);
        add(PRINTER, "PaperCutCount", 4);
        add(READER, "GoodReadCount", 6);
        read_one("PrinterFaultCount", 3, 1);
        assert_int_equal(reset(PRINTER, unknown), -ENOENT);
        assert_int_equal(value(PRINTER, "PaperCutCount"), 4);
        assert_int_equal(reset(PRINTER, one), 1);
        assert_event("statistics-reset",
                     "{\"device\":\"" PRINTER "\",\"by\":\"uid 1000\",\"was\":{\"PaperCutCount\":4}}");
        assert_int_equal(value(PRINTER, "PaperCutCount"), 0);
        assert_int_equal(value(PRINTER, "PrinterFaultCount"), 3);
        assert_int_equal(reset(PRINTER, NULL), 2);
        /* What was read before the reset does not come back. */
        read_one("PrinterFaultCount", 5, 1);
        assert_int_equal(statistic_each(j, NULL, list, text), 0);
        assert_string_equal(text,
                            READER " GoodReadCount 6\n" PRINTER " PaperCutCount 0\n" PRINTER " PrinterFaultCount 2\n");
        *text = '\0';
        assert_int_equal(statistic_each(j, READER, list, text), 0);
        assert_string_equal(text, READER " GoodReadCount 6\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(life, open_one, close_one),
                cmocka_unit_test_setup_teardown(room, open_one, close_one),
                cmocka_unit_test_setup_teardown(readings, open_one, close_one),
                cmocka_unit_test_setup_teardown(limits, open_one, close_one),
                cmocka_unit_test_setup_teardown(resets, open_one, close_one),
        };

        return cmocka_run_group_tests_name("journal-device", tests, NULL, NULL);
}
