// SPDX-License-Identifier: LGPL-2.1-or-later
/* What acts show: each fault by its evidence, alone, and ended by the next good act; and what is usual, by none. */
#include "devices-fixture.h"

#include "care/acts.h"

static struct {
        struct faults *faults;
        struct acts *acts;
        struct device *reader, *msr, *printer;
        struct transaction_view view;
        int64_t n;
        uint64_t late; /* seconds that have gone by */
        sd_event_source *timers[64];
        unsigned n_timers;
} till;

struct device *__wrap_monitor_find(const struct monitor *monitor, const char *id);
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

struct device *__wrap_monitor_find(const struct monitor *monitor, const char *id) {
        for (size_t i = 0; i < dev.n; i++)
                if (streq(dev.devices[i].id, id))
                        return dev.devices + i;
        return NULL;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_BOOTTIME)
                ret->tv_sec += (time_t) till.late;
        return r;
}

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        int r = __real_sd_event_add_time_relative(e, ret, clock, usec, accuracy, callback, userdata);

        assert_true(till.n_timers < ELEMENTSOF(till.timers));
        if (r >= 0 && clock == CLOCK_BOOTTIME)
                till.timers[till.n_timers++] = sd_event_source_ref(*ret);
        return r;
}

/* So much time goes by. */
static void pass(uint64_t seconds) {
        till.late += seconds;
        for (unsigned i = 0; i < till.n_timers; i++) {
                uint64_t usec, now;

                if (sd_event_source_get_enabled(till.timers[i], NULL) <= 0)
                        continue;
                assert_int_equal(sd_event_source_get_time(till.timers[i], &usec), 0);
                assert_int_equal(sd_event_now(shop.event, CLOCK_BOOTTIME, &now) < 0, 0);
                usec = usec > now + seconds * USEC_PER_SEC ? usec - seconds * USEC_PER_SEC : now;
                assert_int_equal(sd_event_source_set_time(till.timers[i], usec), 0);
        }
        dev_run();
}

static void told(const struct fault_record *record, void *userdata) {
}

static void begin(void) {
        assert_int_equal(faults_new(shop.engine, told, NULL, &till.faults), 0);
        assert_int_equal(acts_new(shop.engine, till.faults, &till.acts), 0);
        assert_int_equal(faults_start(till.faults), 0);
        shop.engine->msr_device = till.msr;
}

static void end(void) {
        till.acts = acts_free(till.acts);
        till.faults = faults_free(till.faults);
}

static int setup(void **state) {
        static char *properties[] = { (char *) "TILL_PRINTER_DOTS=576", NULL };

        memset(&till, 0, sizeof(till));
        dev_set_up();
        till.reader = dev_plug(DEVICE_EMV, "1-1", "E", 0);
        till.msr = dev_plug(DEVICE_MSR, "1-2", "M", 0);
        till.printer = dev.printer = dev_plug(DEVICE_PRINTER, "1-3", "P", 0);
        till.printer->properties = properties;
        dev_run();
        begin();
        return 0;
}

static int teardown(void **state) {
        end();
        shop.engine->msr_device = NULL;
        for (unsigned i = 0; i < till.n_timers; i++)
                sd_event_source_unref(till.timers[i]);
        dev_tear_down();
        return 0;
}

static int say(const struct fault_record *record, void *userdata) {
        fail_msg("%s (%s) is open: %s", record->code, record->subject, record->detail);
        return 0;
}

static void none(void) {
        dev_run();
        (void) fault_record_each(shop.journal, &(struct fault_filter){ .open = true }, say, NULL);
}

/* That one, and no other. */
static struct fault_record only(const char *code, const char *subject) {
        struct fault_record record;

        dev_run();
        if (fault_record_find(shop.journal, code, subject, &record) < 0)
                fail_msg("no %s (%s) is open", code, subject);
        assert_int_equal(fault_record_count_open(shop.journal), 1);
        return record;
}

/* ---- Transactions ---- */

static void start(void) {
        till.view = TRANSACTION_VIEW_INIT;
        till.view.record.id = ++till.n;
        acts_transaction(till.acts, &till.view, TRANSACTION_ADDED);
}

static void hinder(const char *word) {
        till.view.hindrance = word;
        till.view.hindrances++;
        acts_transaction(till.acts, &till.view, TRANSACTION_CHANGED);
        /* Told again, for another reason. */
        acts_transaction(till.acts, &till.view, TRANSACTION_CHANGED);
}

static void finish(enum entry_mode entry, enum transaction_result result, const char *reason) {
        struct transaction_record *r = &till.view.record;

        r->entry = entry;
        r->result = result;
        COPY(r->reason, reason);
        acts_transaction(till.acts, &till.view, TRANSACTION_CHANGED);
        acts_transaction(till.acts, &till.view, TRANSACTION_FINISHED);
        /* Its paper is out. */
        acts_transaction(till.acts, &till.view, TRANSACTION_CHANGED);
}

static void read_chip(void) {
        COPY(till.view.record.masked_pan, "620000******0005");
}

static void pay_by_swipe(void) {
        start();
        finish(ENTRY_SWIPE, RESULT_APPROVED, "");
}

static void pay_by_chip(void) {
        start();
        read_chip();
        finish(ENTRY_CHIP, RESULT_APPROVED, "");
}

static void usual(void **state) {
        pay_by_swipe();
        pay_by_chip();
        start();
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        start();
        finish(ENTRY_NONE, RESULT_CANCELLED, "card-timeout");
        start();
        finish(ENTRY_CHIP, RESULT_FAILED, "card-removed");
        start();
        read_chip();
        finish(ENTRY_CHIP, RESULT_DECLINED, "refused");
        start();
        read_chip();
        finish(ENTRY_CHIP, RESULT_FAILED, "no-answer");
        /* A chip card is swiped first; a swipe has to be repeated. */
        start();
        hinder("chip-required");
        read_chip();
        finish(ENTRY_CHIP, RESULT_APPROVED, "");
        start();
        hinder("unreadable");
        finish(ENTRY_SWIPE, RESULT_APPROVED, "");
        start();
        hinder("wrong-way");
        hinder("unreadable");
        finish(ENTRY_SWIPE, RESULT_APPROVED, "");
        start();
        hinder("unreadable");
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        /* The chip had to be wiped. */
        start();
        hinder("chip-mute");
        read_chip();
        finish(ENTRY_CHIP, RESULT_APPROVED, "");
        acts_job(till.acts, 1, PRINT_PRINTED);
        pass(300);
        none();
}

static void stripes(void **state) {
        static const char *const words[][2] = {
                { "unreadable", "card-unreadable" },
                { "wrong-way", "card-wrong-way" },
                { "not-payment", "card-not-payment" },
                { "chip-required", "card-chip-required" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                start();
                hinder(words[i][0]);
                none();
                hinder(words[i][0]);
                assert_int_equal(only(words[i][1], "").transaction, till.n);
                hinder(words[i][0]);
                assert_int_equal(only(words[i][1], "").count, 1);
                finish(ENTRY_SWIPE, RESULT_APPROVED, "");
                none();
                pay_by_swipe();
                pay_by_swipe();

                /* Or once, where the transaction came to no card; a bad read alone may be the hand's. */
                start();
                hinder(words[i][0]);
                finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
                if (i > 0)
                        (void) only(words[i][1], "");
                pay_by_chip();
                none();
                pay_by_swipe();
                pay_by_swipe();
        }
}

static void dirty_head(void **state) {
        for (int i = 0; i < 3; i++) {
                start();
                hinder("unreadable");
                finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
                none();
        }
        start();
        hinder("unreadable");
        (void) only("msr-dirty", "1-2");
        /* It is not the card, as long as that is so; a restart does not change that. */
        hinder("unreadable");
        (void) only("msr-dirty", "1-2");
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        end();
        begin();
        start();
        hinder("unreadable");
        hinder("unreadable");
        (void) only("msr-dirty", "1-2");
        finish(ENTRY_SWIPE, RESULT_APPROVED, "");
        (void) only("msr-dirty", "1-2");
        pay_by_swipe();
        none();

        /* In one transaction it is the card; with the next ones it is the reader. */
        start();
        for (int i = 0; i < 4; i++)
                hinder("unreadable");
        (void) only("card-unreadable", "");
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        start();
        hinder("unreadable");
        (void) only("msr-dirty", "1-2");
        /* What can be read, wanted or not, was read. */
        hinder("chip-required");
        hinder("not-payment");
        none();
}

static void chips(void **state) {
        static const struct {
                const char *reason, *code;
                enum transaction_result result;
        } ends[] = {
                { "card-not-accepted", "card-not-accepted", RESULT_FAILED },
                { "card-blocked", "card-blocked", RESULT_FAILED },
                { "card-malformed", "card-malformed", RESULT_FAILED },
                { "card-not-genuine", "card-not-genuine", RESULT_DECLINED },
                { "live-card", "card-live", RESULT_DECLINED },
                { "card-mute", "card-chip-mute", RESULT_FAILED },
                { "card-silent", "card-chip-mute", RESULT_FAILED },
        };

        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                start();
                finish(ENTRY_CHIP, ends[i].result, ends[i].reason);
                assert_int_equal(only(ends[i].code, "").transaction, till.n);
                pay_by_chip();
                none();
        }
}

static void expired(void **state) {
        /* By the terminal or the card … */
        start();
        read_chip();
        COPY(till.view.record.tvr, "0040000000");
        finish(ENTRY_CHIP, RESULT_DECLINED, "terminal-declined");
        (void) only("card-expired", "");
        pay_by_swipe();
        none();
        /* … and by the acquirer. */
        start();
        COPY(till.view.record.response_code, "54");
        finish(ENTRY_SWIPE, RESULT_DECLINED, "refused");
        (void) only("card-expired", "");
        pay_by_chip();
        /* One that is paid with all the same. */
        start();
        read_chip();
        COPY(till.view.record.tvr, "0040000000");
        finish(ENTRY_CHIP, RESULT_APPROVED, "");
        none();
}

static void mute(const char *reason) {
        start();
        if (isempty(reason))
                hinder("chip-mute");
        finish(ENTRY_CHIP, isempty(reason) ? RESULT_CANCELLED : RESULT_FAILED, isempty(reason) ? "cancelled" : reason);
}

static void dirty_contacts(void **state) {
        mute("card-mute");
        (void) only("card-chip-mute", "");
        mute("");
        (void) only("card-chip-mute", "");
        mute("card-silent");
        (void) only("emv-dirty", "1-1");
        /* A card that is taken out early says nothing. */
        start();
        finish(ENTRY_CHIP, RESULT_FAILED, "card-removed");
        (void) only("emv-dirty", "1-1");
        pay_by_swipe();
        (void) only("emv-dirty", "1-1");
        pay_by_chip();
        none();
        mute("card-mute");
        pay_by_chip();
        mute("card-mute");
        pay_by_chip();
        mute("card-mute");
        (void) only("card-chip-mute", "");
}

static void failed_reader(void **state) {
        start();
        finish(ENTRY_CHIP, RESULT_FAILED, "reader-failed");
        none();
        pass(2);
        (void) only("emv-fault", "1-1");
        pay_by_swipe();
        (void) only("emv-fault", "1-1");
        /* Its driver is bound anew, to bring it back. */
        till.reader->why = DEVICE_WHY_UNBOUND;
        acts_device(till.acts, till.reader, MONITOR_DISCONNECTED);
        (void) only("emv-fault", "1-1");
        pay_by_chip();
        none();

        /* Before a card was in. */
        start();
        hinder("reader-failed");
        pass(2);
        (void) only("emv-fault", "1-1");
        /* What becomes of it unplugged is another fault's matter. */
        till.reader->why = DEVICE_WHY_UNPLUGGED;
        acts_device(till.acts, till.reader, MONITOR_DISCONNECTED);
        none();

        /* It was only being unplugged. */
        start();
        finish(ENTRY_CHIP, RESULT_FAILED, "reader-failed");
        till.reader->connected = false;
        pass(2);
        none();

        till.reader->connected = true;
        start();
        finish(ENTRY_CHIP, RESULT_FAILED, "worker-failed");
        (void) only("worker-failed", "");
        pay_by_chip();
        none();
        /* Before a card was in. */
        start();
        finish(ENTRY_NONE, RESULT_FAILED, "worker-failed");
        (void) only("worker-failed", "");
        pay_by_chip();
        none();
}

static void encrypting(void **state) {
        start();
        hinder("encrypted");
        (void) only("msr-encryption", "1-2");
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        pay_by_chip();
        (void) only("msr-encryption", "1-2");
        pay_by_swipe();
        none();
        start();
        hinder("encrypted");
        (void) only("msr-encryption", "1-2");
        acts_device(till.acts, till.msr, MONITOR_DISCONNECTED);
        none();
        start();
        hinder("not-comparable");
        hinder("not-comparable");
        finish(ENTRY_NONE, RESULT_CANCELLED, "cancelled");
        none();
}

static void silent_printer(void **state) {
        acts_job(till.acts, 1, PRINT_UNCONFIRMED);
        (void) only("printer-silent", "1-3");
        acts_job(till.acts, 2, PRINT_QUEUED);
        (void) only("printer-silent", "1-3");
        acts_job(till.acts, 2, PRINT_PRINTED);
        none();
        /* It has no way to answer. */
        dev.mute = true;
        acts_job(till.acts, 3, PRINT_UNCONFIRMED);
        none();
}

static void unstable(void **state) {
        till.printer->why = DEVICE_WHY_UNPLUGGED;
        for (int i = 0; i < 3; i++) {
                none();
                acts_device(till.acts, till.printer, MONITOR_DISCONNECTED);
                pass(20);
                acts_device(till.acts, till.printer, MONITOR_CONNECTED);
        }
        (void) only("device-unstable", "1-3");
        pass(60);
        (void) only("device-unstable", "1-3");
        pass(61);
        none();

        /* Another one that comes and goes keeps nothing open. */
        for (int i = 0; i < 3; i++)
                acts_device(till.acts, till.printer, MONITOR_DISCONNECTED);
        for (int i = 0; i < 2; i++) {
                (void) only("device-unstable", "1-3");
                till.reader->why = DEVICE_WHY_UNPLUGGED;
                acts_device(till.acts, till.reader, MONITOR_DISCONNECTED);
                pass(61);
        }
        none();
        pass(121);

        /* Now and then is no such thing; nor is a driver that is taken away. */
        for (int i = 0; i < 4; i++) {
                acts_device(till.acts, till.printer, MONITOR_DISCONNECTED);
                pass(70);
        }
        till.printer->why = DEVICE_WHY_UNBOUND;
        for (int i = 0; i < 4; i++)
                acts_device(till.acts, till.printer, MONITOR_DISCONNECTED);
        none();
}

static void errors(void **state) {
        dev_count(till.printer, "communication_error_count", 100);
        acts_job(till.acts, 1, PRINT_PRINTING);
        dev_count(till.printer, "communication_error_count", 104);
        acts_job(till.acts, 1, PRINT_PRINTED);
        none();
        dev_count(till.printer, "communication_error_count", 105);
        acts_device(till.acts, till.printer, MONITOR_CHANGED);
        (void) only("device-errors", "1-3");
        /* It goes on. */
        dev_count(till.printer, "communication_error_count", 106);
        pass(61);
        (void) only("device-errors", "1-3");
        pass(61);
        none();

        /* The count of them began long ago, and it was looked at again just before they came. */
        acts_job(till.acts, 2, PRINT_PRINTED);
        pass(80);
        acts_job(till.acts, 2, PRINT_PRINTED);
        pass(20);
        dev_count(till.printer, "communication_error_count", 111);
        acts_job(till.acts, 2, PRINT_PRINTED);
        (void) only("device-errors", "1-3");
        pass(61);
        none();

        /* Five in an hour. */
        for (unsigned i = 0; i < 5; i++) {
                dev_count(till.printer, "communication_error_count", 112 + i);
                pass(100);
                acts_job(till.acts, 2, PRINT_PRINTED);
        }
        none();
        /* Plugged in anew it counts from zero. */
        dev_count(till.printer, "communication_error_count", 4);
        acts_job(till.acts, 2, PRINT_PRINTED);
        none();
        dev_count(till.printer, "communication_error_count", 9);
        acts_job(till.acts, 2, PRINT_PRINTED);
        (void) only("device-errors", "1-3");
        /* A reader that has failed makes them, too. */
        pass(61);
        none();
        dev_count(till.reader, "communication_error_count", 0);
        start();
        dev_count(till.reader, "communication_error_count", 5);
        finish(ENTRY_CHIP, RESULT_FAILED, "reader-failed");
        none();
        pass(2);
        dev_count(till.reader, "communication_error_count", 10);
        start();
        (void) only("emv-fault", "1-1");
        read_chip();
        finish(ENTRY_CHIP, RESULT_APPROVED, "");
        none();

        dev_count(till.printer, "communication_error_count", 14);
        acts_job(till.acts, 2, PRINT_PRINTED);
        (void) only("device-errors", "1-3");
        /* Who opened it is not there any more. */
        end();
        begin();
        (void) only("device-errors", "1-3");
        pass(61);
        none();
}

#define till_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                till_test(usual),          till_test(stripes),        till_test(dirty_head),    till_test(chips),
                till_test(expired),        till_test(dirty_contacts), till_test(failed_reader), till_test(encrypting),
                till_test(silent_printer), till_test(unstable),       till_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
