// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Maintenance over a connection: what is listed, and who may record. */
#include "bus-fixture.h"

#include <cjson/cJSON.h>
#include <stdarg.h>

#define MAINTENANCE "org.tilld1.Maintenance"

static int setup(void **state) {
        bus_set_up();
        assert_true(maintenance_register(bus.server) >= 0);
        assert_true(operators_register(bus.server) >= 0);
        return 0;
}

static const char *call(const char *method, const char *types, ...) {
        sd_bus_message *m;
        va_list ap;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, MAINTENANCE, method) >= 0);
        va_start(ap, types);
        assert_true(sd_bus_message_appendv(m, types, ap) >= 0);
        va_end(ap);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}

static cJSON *answer(void) {
        const char *text;
        cJSON *json;

        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        json = cJSON_Parse(text);
        assert_non_null(json);
        return json;
}

/* Who did it last, "" for nobody. */
static void assert_done_by(const char *name, const char *expected) {
        const cJSON *item;
        unsigned n = 0;
        cJSON *json;

        assert_string_equal(call("List", ""), "");
        json = answer();
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "Items")) {
                if (!streq(cJSON_GetStringValue(cJSON_GetObjectItem(item, "Item")), name))
                        continue;
                assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(item, "DoneBy")), expected);
                assert_true(cJSON_IsFalse(cJSON_GetObjectItem(item, "Due")));
                n++;
        }
        assert_int_equal(n, 1);
        cJSON_Delete(json);
}

static void records(void **state) {
        int fd = memfd_create("code", MFD_CLOEXEC);
        cJSON *json;

        assert_done_by("plugs", "");
        bus.refuse = "org.tilld1.diagnose";
        assert_string_equal(call("Done", "ss", "plugs", ""), "AccessDenied");
        assert_string_equal(call("RecordDrill", "ssas", "outage", "", 1, "02"), "AccessDenied");
        assert_string_equal(call_at(SERVER_PATH, "org.tilld1.Operators", "Add", "02", "supervisor", "2222"), "");
        assert_int_equal(pwrite(fd, "02 2222\n", 8, 0), 8);
        assert_string_equal(call("DoneWithCode", "ssh", "plugs", "tight", fd), "");
        assert_done_by("plugs", "02");
        assert_string_equal(call("RecordDrillWithCode", "ssash", "outage", "by hand", 1, "02", fd), "");
        assert_done_by("outage", "02");
        bus.refuse = NULL;
        assert_string_equal(call("Done", "ss", "plugs", ""), "");
        assert_string_equal(call("Done", "ss", "carpet", ""), "NotFound");
        assert_string_equal(call("RecordDrill", "ssas", "outage", "", 1, "77"), "InvalidOperator");
        assert_string_equal(call("RecordDrill", "ssas", "outage", "", 0), "InvalidOperator");
        assert_string_equal(call("ListDrills", "a{sv}", 0), "");
        json = answer();
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "Drills")), 1);
        cJSON_Delete(json);
        assert_string_equal(call("ListDrills", "a{sv}", 1, "colour", "s", "red"), "UnknownOption");
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(records, setup, bus_tear_down),
        };

        return cmocka_run_group_tests_name("bus-maintenance", tests, NULL, NULL);
}
