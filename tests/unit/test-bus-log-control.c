// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.freedesktop.LogControl1 over a connection, as systemctl service-log-level asks it. */
#include "bus-fixture.h"

#define PATH "/org/freedesktop/LogControl1"
#define LOG_CONTROL "org.freedesktop.LogControl1"

static int setup(void **state) {
        bus_set_up();
        assert_true(log_control_register(bus.server) >= 0);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(log_set_target("auto"), 0);
        return bus_tear_down(state);
}

static void assert_value(const char *name, const char *expected) {
        const char *value;

        send_call(PATH, "org.freedesktop.DBus.Properties", "Get", LOG_CONTROL, name, -EBADF);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "v", "s", &value) >= 0);
        assert_string_equal(value, expected);
}

static const char *set(const char *name, const char *value) {
        sd_bus_message *m;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, PATH, "org.freedesktop.DBus.Properties",
                                                   "Set") >= 0);
        assert_true(sd_bus_message_append(m, "ssv", LOG_CONTROL, name, "s", value) >= 0);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}

static void levels(void **state) {
        log_set_max_level(LOG_WARNING);
        assert_value("LogLevel", "warning");
        assert_string_equal(set("LogLevel", "err"), "");
        assert_value("LogLevel", "err");
        assert_int_equal(log_get_max_level(), LOG_ERR);
        assert_string_equal(set("LogLevel", "loud"), "InvalidArgs");
        assert_non_null(strstr(bus.text, "notice, info"));
        assert_value("LogLevel", "err");
        assert_string_equal(set("SyslogIdentifier", "other"), "PropertyReadOnly");
        assert_value("SyslogIdentifier", program_invocation_short_name);
}

static void targets(void **state) {
        log_set_max_level(LOG_EMERG);
        assert_value("LogTarget", "console");
        assert_string_equal(set("LogTarget", "null"), "");
        assert_value("LogTarget", "null");
        assert_string_equal(set("LogTarget", "auto"), "");
        assert_value("LogTarget", "console");
        /* Standard error is no journal's here. */
        assert_string_equal(set("LogTarget", "journal"), "InvalidArgs");
        assert_string_equal(set("LogTarget", "syslog"), "InvalidArgs");
        assert_value("LogTarget", "console");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(levels, setup, teardown),
                cmocka_unit_test_setup_teardown(targets, setup, teardown),
        };

        return cmocka_run_group_tests_name("bus-log-control", tests, NULL, NULL);
}
