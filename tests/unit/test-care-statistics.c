// SPDX-License-Identifier: LGPL-2.1-or-later
/* What each device has done in its life: over unplugs, restarts and a journal that takes nothing for a while. */
#include "devices-fixture.h"

#include "care/page-count.h"
#include "care/statistic-name.h"
#include "transaction/print-orders.h"

#define PRINTER "printer/04b8:0202/J3XF"
#define READER "emv/04b8:0202/E7"

static int setup(void **state) {
        dev_set_up();
        return 0;
}

static int teardown(void **state) {
        dev_tear_down();
        return 0;
}

static void unplugs(void **state) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        struct device_record record;

        dev_run();
        assert_int_equal(device_record_load(shop.journal, PRINTER, &record), 0);
        assert_string_equal(record.kind, "printer");
        assert_string_equal(record.product, "TM-T88V");
        assert_string_equal(record.port, "1-2");
        assert_string_equal(record.usb_id, "04b8:0202");
        assert_int_equal(record.release, 0x0110);
        assert_int_equal(record.missing_usec, 0);
        assert_string_equal(statistics_key(dev.statistics, d), PRINTER);

        dev_count(d, "receipt_cover_open_count", 2);
        dev_count(d, "communication_error_count", 1);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(dev_value(PRINTER, "ReceiptCoverOpenCount"), 2);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(dev_value(PRINTER, "ReceiptCoverOpenCount"), 2);

        dev_unplug(d);
        dev_run();
        assert_int_equal(device_record_load(shop.journal, PRINTER, &record), 0);
        assert_true(record.missing_usec > 0);
        /* Elsewhere, it is the same; and has counted further than before by the time it is read. */
        d = dev_plug(DEVICE_PRINTER, "1-3", "J3XF", 0);
        dev_count(d, "receipt_cover_open_count", 3);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(dev_value(PRINTER, "ReceiptCoverOpenCount"), 5);
        assert_int_equal(dev_value(PRINTER, "CommunicationErrorCount"), 1);
        assert_int_equal(device_record_load(shop.journal, PRINTER, &record), 0);
        assert_int_equal(record.missing_usec, 0);
}

/* Nothing is counted twice, and nothing that the driver still knows is lost. */
static void restarts(void **state) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        struct device_record record;

        dev_count(d, "printer_fault_count", 4);
        dev_run();
        assert_int_equal(statistics_update(dev.statistics), 0);
        /* A kill: the journal has what was written, and the driver goes on. */
        dev_count(d, "printer_fault_count", 6);
        shop_close();
        dev.statistics = NULL;
        dev_start();
        dev_run();
        assert_int_equal(dev_value(PRINTER, "PrinterFaultCount"), 6);
        /* In good order, with what was counted last. */
        dev_count(d, "printer_fault_count", 7);
        dev_stop();
        dev_count(d, "printer_fault_count", 9);
        dev_start();
        dev_run();
        assert_int_equal(dev_value(PRINTER, "PrinterFaultCount"), 9);
        /* Plugged in anew meanwhile, and beyond where it was. */
        dev_stop();
        d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        dev_count(d, "printer_fault_count", 10);
        dev_start();
        dev_run();
        assert_int_equal(dev_value(PRINTER, "PrinterFaultCount"), 19);
        /* Taken away meanwhile: it is missing from now on. */
        dev_stop();
        dev_unplug(d);
        dev_start();
        dev_run();
        assert_int_equal(device_record_load(shop.journal, PRINTER, &record), 0);
        assert_true(record.missing_usec > 0);
        assert_int_equal(device_record_count_kind(shop.journal, "printer"), 1);
}

struct shown {
        const char *name;
        uint64_t value;
        unsigned n;
};

static int find_shown(const char *key, const char *name, uint64_t value, void *userdata) {
        struct shown *shown = userdata;

        assert_string_not_equal(name, STATISTIC_SECONDS);
        if (streq(name, shown->name)) {
                shown->value = value;
                shown->n++;
        }
        return 0;
}

static uint64_t shown(const char *key, const char *name) {
        struct shown shown = { .name = name };

        assert_int_equal(statistics_each(dev.statistics, key, find_shown, &shown), 0);
        assert_int_equal(shown.n, 1);
        return shown.value;
}

/* Three times 40 minutes are two hours, not none. */
static void hours(void **state) {
        struct refusal refusal = {};
        struct device *d = NULL;

        for (int i = 0; i < 3; i++) {
                d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 40 * 60);
                assert_int_equal(statistics_update(dev.statistics), 0);
                dev_unplug(d);
                dev_run();
        }
        assert_int_equal(shown(PRINTER, "HoursPoweredCount"), 2);
        assert_int_equal(statistics_reset(dev.statistics, PRINTER, (char *[]){ (char *) "HoursPoweredCount", NULL },
                                          "02", &refusal),
                         0);
        assert_int_equal(shown(PRINTER, "HoursPoweredCount"), 0);
        /* Of a device that udev says nothing of, nothing is guessed. */
        d->plugged = 0;
        d->connected = true;
        statistics_device_changed(dev.statistics, d, MONITOR_CONNECTED);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(shown(PRINTER, "HoursPoweredCount"), 0);
}

static void keys(void **state) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-2", "0000000", 0), *other;
        char key[DEVICE_KEY_SIZE];
        struct refusal refusal = {};

        assert_string_equal(statistics_key(dev.statistics, d), "printer/04b8:0202/@1-2");
        other = dev_plug(DEVICE_PRINTER, "1-2:1", NULL, 0);
        assert_string_equal(statistics_key(dev.statistics, other), "printer/04b8:0202/@1-2:1");
        /* Two with the same serial are two; the second is known by its place. */
        d = dev_plug(DEVICE_EMV, "1-2+1", "E7", 0);
        assert_string_equal(statistics_key(dev.statistics, d), "emv/04b8:0202/E7+1");
        other = dev_plug(DEVICE_EMV, "1-4", "E7+1", 0);
        assert_string_equal(statistics_key(dev.statistics, other), "emv/04b8:0202/@1-4");

        assert_int_equal(statistics_find(dev.statistics, "1-2+1", key, &refusal), 0);
        assert_string_equal(key, "emv/04b8:0202/E7+1");
        assert_int_equal(statistics_find(dev.statistics, "emv/04b8:0202/@1-4", key, &refusal), 0);
        assert_int_equal(statistics_find(dev.statistics, "E7", key, &refusal), 0);
        assert_string_equal(key, "emv/04b8:0202/E7+1");
        assert_true(statistics_find(dev.statistics, "E8", key, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_true(statistics_find(dev.statistics, "", key, &refusal) < 0);
}

/* ---- What tilld counts ---- */

static int64_t order_paper(const char *text) {
        const struct print_asker asker = { .uid = 1000 };
        const char *reason = NULL;
        int64_t job;

        assert_int_equal(print_order_text(shop.engine, text, 1, &asker, &job, &reason), 0);
        return job;
}

static void papers(void **state) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        int64_t job = order_paper("晨光 open\nat 8");
        uint64_t characters, lines;

        dev.printer = d;
        statistics_job_changed(dev.statistics, job, PRINT_PRINTING);
        statistics_job_changed(dev.statistics, job, PRINT_QUEUED);
        statistics_job_changed(dev.statistics, job, PRINT_CANCELLED);
        statistics_job_changed(dev.statistics, job, PRINT_UNCONFIRMED);
        dev_run();
        assert_int_equal(dev_value(PRINTER, "ReceiptLinePrintedCount"), 0);
        statistics_job_changed(dev.statistics, job, PRINT_PRINTED);
        dev_run();
        lines = dev_value(PRINTER, "ReceiptLinePrintedCount");
        characters = dev_value(PRINTER, "ReceiptCharacterPrintedCount");
        assert_true(lines >= 2);
        assert_true(characters >= 9);
        assert_int_equal(dev_value(PRINTER, "PaperCutCount"), 1);
        assert_true(dev_value(PRINTER, "ReceiptLineFeedCount") >= lines);
        assert_true(dev_value(PRINTER, "ReceiptPaperMillimetreCount") >= 20);
        /* Of a printer that has no answer, there is nothing better. */
        dev.mute = true;
        statistics_job_changed(dev.statistics, job, PRINT_UNCONFIRMED);
        dev_run();
        assert_int_equal(dev_value(PRINTER, "ReceiptCharacterPrintedCount"), 2 * characters);
        assert_int_equal(dev_value(PRINTER, "PaperCutCount"), 2);
}

static void page(void **state) {
        static const struct page_line lines[] = {
                { .type = PAGE_TEXT, .width = 1, .height = 1, .text = (char *) "a b" },
                { .type = PAGE_TEXT, .width = 1, .height = 1, .text = (char *) "" },
                { .type = PAGE_RULE },
                { .type = PAGE_QR, .width = 4, .text = (char *) "https://example.org" },
                { .type = PAGE_BARCODE, .width = 1, .height = 80, .text = (char *) "123" },
                { .type = PAGE_FEED, .height = 3 },
                { .type = PAGE_CUT },
        };
        struct printer_profile profile = *printer_profile_default();
        struct page_count count;
        struct page *p;

        assert_int_equal(page_new(48, 64, &p), 0);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                assert_int_equal(page_add(p, lines + i), 0);
        page_count(p, &profile, &count);
        assert_int_equal(count.lines, 4);
        assert_int_equal(count.characters, 2);
        assert_int_equal(count.barcodes, 2);
        assert_int_equal(count.feeds, 8);
        assert_int_equal(count.cuts, 1);
        assert_true(count.millimetres > 30);
        profile.cutter = PRINTER_CUTTER_NONE;
        page_count(p, &profile, &count);
        assert_int_equal(count.cuts, 0);
        page_free(p);
}

static void drawer(void **state) {
        dev.printer = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        statistics_drawer_pulsed(dev.statistics, 0);
        statistics_drawer_pulsed(dev.statistics, 0);
        statistics_drawer_pulsed(dev.statistics, -EIO);
        /* These were not sent. */
        statistics_drawer_pulsed(dev.statistics, -EAGAIN);
        statistics_drawer_pulsed(dev.statistics, -ETIMEDOUT);
        dev_run();
        assert_int_equal(dev_value(PRINTER, "DrawerGoodOpenCount"), 2);
        assert_int_equal(dev_value(PRINTER, "DrawerFailedOpenCount"), 1);
}

static void finish(enum entry_mode entry, const char *reason) {
        struct transaction_view view = TRANSACTION_VIEW_INIT;

        transaction_record_init(&view.record);
        view.record.entry = entry;
        COPY(view.record.reason, reason);
        statistics_transaction_changed(dev.statistics, &view, TRANSACTION_CHANGED);
        statistics_transaction_changed(dev.statistics, &view, TRANSACTION_FINISHED);
}

static void chips(void **state) {
        struct device *d = dev_plug(DEVICE_EMV, "1-2", "E7", 0);

        finish(ENTRY_CHIP, "");
        finish(ENTRY_CHIP, "card-declined");
        finish(ENTRY_CHIP, "card-mute");
        finish(ENTRY_FALLBACK, "");
        finish(ENTRY_SWIPE, "");
        finish(ENTRY_NONE, "card-timeout");
        dev_count(d, "insertion_count", 5);
        dev_run();
        assert_int_equal(dev_value(READER, "GoodChipReadCount"), 2);
        assert_int_equal(dev_value(READER, "FailedChipReadCount"), 2);
        /* All that the driver counts is read with it. */
        assert_int_equal(dev_value(READER, "InsertionCount"), 5);
        /* Without a reader there is nobody to count for. */
        dev_unplug(d);
        finish(ENTRY_CHIP, "");
        dev_run();
        assert_int_equal(dev_value(READER, "GoodChipReadCount"), 2);
}

/* ---- By a supervisor ---- */

static void by_hand(void **state) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        struct refusal refusal = {};
        char *unknown[] = { (char *) "GoodReadCount", NULL };

        dev_count(d, "paper_end_count", 3);
        assert_true(statistics_reset(dev.statistics, PRINTER, unknown, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_FOUND);
        assert_int_equal(dev_value(PRINTER, "PaperEndCount"), 3);
        dev_count(d, "paper_end_count", 4);
        assert_int_equal(statistics_reset(dev.statistics, PRINTER, NULL, "02", &refusal), 0);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(dev_value(PRINTER, "PaperEndCount"), 0);

        assert_true(statistics_forget(dev.statistics, PRINTER, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        dev_unplug(d);
        dev_run();
        assert_int_equal(statistics_forget(dev.statistics, PRINTER, "02", &refusal), 0);
        assert_int_equal(device_record_count_kind(shop.journal, "printer"), 0);
        assert_true(statistics_forget(dev.statistics, PRINTER, "02", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
}

/* ---- A journal that is busy ---- */

static void busy(void **state) {
        struct device *d;

        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        d = dev_plug(DEVICE_PRINTER, "1-2", "J3XF", 0);
        dev.printer = d;
        for (unsigned i = 1; i <= 2000; i++) {
                dev_count(d, "paper_end_count", i);
                statistics_drawer_pulsed(dev.statistics, 0);
                (void) statistics_update(dev.statistics);
        }
        journal_rollback(shop.journal);
        assert_int_equal(statistics_update(dev.statistics), 0);
        assert_int_equal(dev_value(PRINTER, "PaperEndCount"), 2000);
        assert_int_equal(dev_value(PRINTER, "DrawerGoodOpenCount"), 2000);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(unplugs, setup, teardown),
                cmocka_unit_test_setup_teardown(restarts, setup, teardown),
                cmocka_unit_test_setup_teardown(hours, setup, teardown),
                cmocka_unit_test_setup_teardown(keys, setup, teardown),
                cmocka_unit_test_setup_teardown(papers, setup, teardown),
                cmocka_unit_test(page),
                cmocka_unit_test_setup_teardown(drawer, setup, teardown),
                cmocka_unit_test_setup_teardown(chips, setup, teardown),
                cmocka_unit_test_setup_teardown(by_hand, setup, teardown),
                cmocka_unit_test_setup_teardown(busy, setup, teardown),
        };

        return cmocka_run_group_tests_name("care-statistics", tests, NULL, NULL);
}
