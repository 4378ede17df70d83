// SPDX-License-Identifier: LGPL-2.1-or-later
/* Statistics over a connection: of all devices and of one, who may reset and forget. */
#include "bus-fixture.h"

#include <cjson/cJSON.h>
#include <stdarg.h>

#define DIAGNOSTICS "org.tilld1.Diagnostics"
#define PRINTER "printer/04b8:0202/J3XF"

static struct device printer = {
        .kind = DEVICE_PRINTER,
        .id = (char *) "1-2",
        .port = (char *) "1-2",
        .vendor = (char *) "Epson",
        .product = (char *) "TM-T88V",
        .serial = (char *) "J3XF",
        .vendor_id = 0x04b8,
        .product_id = 0x0202,
        .release = 0x0203,
};

static void connect_printer(bool connected) {
        printer.connected = connected;
        server_listener.device(&printer, connected ? MONITOR_CONNECTED : MONITOR_DISCONNECTED, bus.server);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

static void count(const char *name, uint64_t n) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(statistic_add(shop.journal, PRINTER, name, n), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static int setup(void **state) {
        bus_set_up();
        assert_int_equal(statistics_new(shop.engine, statistics_written, bus.server, &bus.server->statistics), 0);
        assert_int_equal(statistics_start(bus.server->statistics), 0);
        assert_true(statistics_register(bus.server) >= 0);
        assert_true(operators_register(bus.server) >= 0);
        connect_printer(true);
        count("PaperCutCount", 7);
        count("SecondsPoweredCount", 7300);
        return 0;
}

static int teardown(void **state) {
        bus.server->statistics = statistics_free(bus.server->statistics);
        return bus_tear_down(state);
}

static const char *call(const char *method, const char *types, ...) {
        sd_bus_message *m;
        va_list ap;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, DIAGNOSTICS, method) >= 0);
        va_start(ap, types);
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}

/* The only device of the answer. */
static cJSON *answer(void) {
        const char *text;
        cJSON *json, *device;

        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        json = cJSON_Parse(text);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "Devices")), 1);
        device = cJSON_DetachItemFromArray(cJSON_GetObjectItem(json, "Devices"), 0);
        cJSON_Delete(json);
        return device;
}

static double number(const cJSON *o, const char *name) {
        const cJSON *item = cJSON_GetObjectItem(o, name);

        assert_true(cJSON_IsNumber(item));
        return cJSON_GetNumberValue(item);
}

static void assert_counts(double cuts, double hours) {
        const cJSON *counts;
        cJSON *o;

        assert_string_equal(call("GetStatistics", "a{sv}", 0), "");
        o = answer();
        counts = cJSON_GetObjectItem(o, "Statistics");
        assert_int_equal(number(counts, "PaperCutCount"), cuts);
        assert_int_equal(number(counts, "HoursPoweredCount"), hours);
        assert_null(cJSON_GetObjectItem(counts, "SecondsPoweredCount"));
        cJSON_Delete(o);
}

static void lists(void **state) {
        cJSON *o;

        assert_counts(7, 2);
        assert_string_equal(call("GetStatistics", "a{sv}", 1, "device", "s", "J3XF"), "");
        o = answer();
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "Device")), PRINTER);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "Firmware")), "2.03");
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "UsbId")), "04b8:0202");
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(o, "Connected")));
        assert_true(number(o, "FirstSeen") > 0 && number(o, "LastSeen") >= number(o, "FirstSeen"));
        assert_int_equal(number(o, "MissingSince"), 0);
        cJSON_Delete(o);
        assert_string_equal(call("GetStatistics", "a{sv}", 1, "device", "s", "J3XG"), "NotFound");
        assert_string_equal(call("GetStatistics", "a{sv}", 1, "colour", "s", "red"), "UnknownOption");
        connect_printer(false);
        assert_string_equal(call("GetStatistics", "a{sv}", 1, "device", "s", "1-2"), "");
        o = answer();
        assert_true(cJSON_IsFalse(cJSON_GetObjectItem(o, "Connected")));
        assert_true(number(o, "MissingSince") > 0);
        cJSON_Delete(o);
}

static void resets(void **state) {
        int fd = memfd_create("code", MFD_CLOEXEC);

        bus.refuse = "org.tilld1.supervise";
        assert_string_equal(call("ResetStatistics", "sas", PRINTER, 0), "AccessDenied");
        bus.refuse = NULL;
        assert_string_equal(call("ResetStatistics", "sas", "nothing", 0), "NotFound");
        assert_string_equal(call("ResetStatistics", "sas", PRINTER, 1, "GoodReadCount"), "NotFound");
        assert_string_equal(call("ResetStatistics", "sas", PRINTER, 1, "HoursPoweredCount"), "");
        assert_counts(7, 0);
        assert_string_equal(call_at(SERVER_PATH, "org.tilld1.Operators", "Add", "02", "supervisor", "2222"), "");
        assert_int_equal(pwrite(fd, "02 2223\n", 8, 0), 8);
        assert_string_equal(call("ResetStatisticsWithCode", "sash", PRINTER, 1, "PaperCutCount", fd), "WrongCode");
        assert_counts(7, 0);
        assert_int_equal(pwrite(fd, "02 2222\n", 8, 0), 8);
        assert_string_equal(call("ResetStatisticsWithCode", "sash", PRINTER, 1, "PaperCutCount", fd), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_counts(0, 0);
        close(fd);
}

static void forgets(void **state) {
        int fd = memfd_create("code", MFD_CLOEXEC);
        cJSON *o;

        assert_string_equal(call("ForgetDevice", "s", PRINTER), "Busy");
        connect_printer(false);
        bus.refuse = "org.tilld1.supervise";
        assert_string_equal(call("ForgetDevice", "s", PRINTER), "AccessDenied");
        bus.refuse = NULL;
        assert_string_equal(call_at(SERVER_PATH, "org.tilld1.Operators", "Add", "02", "supervisor", "2222"), "");
        assert_int_equal(pwrite(fd, "02 2222\n", 8, 0), 8);
        assert_string_equal(call("ForgetDeviceWithCode", "sh", "J3XF", fd), "");
        assert_string_equal(call("ForgetDevice", "s", PRINTER), "NotAsked");
        assert_string_equal(call("GetStatistics", "a{sv}", 0), "");
        o = answer();
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "ForgottenBy")), "02");
        assert_int_equal(number(cJSON_GetObjectItem(o, "Statistics"), "PaperCutCount"), 7);
        cJSON_Delete(o);
        close(fd);
}

/* What is counted is written some time after the act: it is due then, and not only when something else happens. */
static void wears(void **state) {
        struct fault_record fault;

        connect_printer(false);
        shop.settings.maintenance.cutter_cuts = 7;
        connect_printer(true);
        assert_int_equal(fault_record_find(shop.journal, "maintenance-due", "cutter", &fault), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(lists, setup, teardown),
                cmocka_unit_test_setup_teardown(resets, setup, teardown),
                cmocka_unit_test_setup_teardown(forgets, setup, teardown),
                cmocka_unit_test_setup_teardown(wears, setup, teardown),
        };

        return cmocka_run_group_tests_name("bus-statistics", tests, NULL, NULL);
}
