// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics over a connection: a probe's answer, and devices that are brought back. */
#include "bus-fixture.h"

#include <cjson/cJSON.h>

#include "device/recover.h"
#include "fake-helper.h"

#define DIAGNOSTICS "org.tilld1.Diagnostics"

static struct {
        int listening;
        char folder[64], socket[96];
} helper;

static int setup(void **state) {
        bus_set_up();
        assert_int_equal(recovery_new(shop.engine, &bus.server->recovery), 0);
        assert_int_equal(recovery_start(bus.server->recovery), 0);
        assert_true(diagnostics_register(bus.server) >= 0);
        helper.listening = fake_helper_listen(helper.folder, "recover");
        snprintf(helper.socket, sizeof(helper.socket), "%s/recover", helper.folder);
        recover_socket = helper.socket;
        return 0;
}

static int teardown(void **state) {
        close(helper.listening);
        fake_helper_remove(helper.folder, "recover");
        bus.server->recovery = recovery_free(bus.server->recovery);
        return bus_tear_down(state);
}

static void call(const char *method, const char *device) {
        send_call(SERVER_PATH, DIAGNOSTICS, method, device, NULL, -EBADF);
}

static int take(const char *expected) {
        char packet[64] = "";
        int fd = accept4(helper.listening, NULL, NULL, SOCK_CLOEXEC);

        assert_true(fd >= 0);
        assert_true(recv(fd, packet, sizeof(packet) - 1, 0) > 0);
        assert_string_equal(packet, expected);
        return fd;
}

static void run(void) {
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

/* What till-recover answers; text NULL: without a file. */
static void answer(int fd, const char *word, const char *text, int seals) {
        int file = -EBADF;

        if (text) {
                file = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
                assert_int_equal(write(file, text, strlen(text)), strlen(text));
                assert_int_equal(fcntl(file, F_ADD_SEALS, seals), 0);
        }
        fake_helper_send(fd, word, strlen(word), &file, text ? 1 : 0);
        if (file >= 0)
                close(file);
        close(fd);
}

static const char *last_error(void) {
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
}

static void probes(void **state) {
        static const struct {
                const char *word, *text;
                int seals;
                const char *error;
        } cases[] = {
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
                { "ok", "{\"Devices\":[{\"Port\":\"1-2\"}]}", SEALS, "" },
                { "ok", "{\"Devices\":[]}", 0, "UnavailableDevice" },
                { "ok", "{\"Devices\":7}", SEALS, "UnavailableDevice" },
                { "ok", "[", SEALS, "UnavailableDevice" },
                { "ok", "{\"Devices\":[\"\xff\"]}", SEALS, "UnavailableDevice" },
                { "ok", NULL, 0, "UnavailableDevice" },
                { "error 5 the USB devices cannot be looked at", NULL, 0, "UnavailableDevice" },
                { "what", NULL, 0, "UnavailableDevice" },
        };
        const char *text;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                call("Probe", NULL);
                run();
                assert_string_equal(bus.action, "org.tilld1.diagnose");
                answer(take("probe all"), cases[i].word, cases[i].text, cases[i].seals);
                wait_for_answer();
                assert_string_equal(last_error(), cases[i].error);
                if (*cases[i].error)
                        continue;
                assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
                assert_non_null(strstr(text, "1-2"));
        }
        bus.refuse = "org.tilld1.diagnose";
        call("Probe", NULL);
        wait_for_answer();
        assert_string_equal(last_error(), "AccessDenied");
}

/* Whoever comes third waits his turn; what is left open at the end is nobody's. */
static void busy(void **state) {
        call("Probe", NULL);
        run();
        call("Probe", NULL);
        run();
        call("Probe", NULL);
        wait_for_answer();
        assert_string_equal(last_error(), "Busy");
        assert_int_equal(bus.answers, 1);
}

static void recovers(void **state) {
        const char *text;
        cJSON *json, *o;

        call("Recover", "../../etc");
        wait_for_answer();
        assert_string_equal(last_error(), "NotFound");
        assert_string_equal(bus.action, "org.tilld1.supervise");
        call("Recover", "1-7");
        wait_for_answer();
        assert_string_equal(last_error(), "");
        call("Recover", "1-7");
        wait_for_answer();
        assert_string_equal(last_error(), "Busy");
        answer(take("reset 1-7"), "error 19 nothing is plugged in there", NULL, 0);
        run();
        answer(take("power 1-7"), "error 95 the hub cannot switch its ports one by one", NULL, 0);
        run();
        call("ListRecoveries", NULL);
        wait_for_answer();
        assert_string_equal(last_error(), "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        json = cJSON_Parse(text);
        o = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "Recoveries"), 0);
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "Device")), "1-7");
        assert_non_null(startswith(cJSON_GetStringValue(cJSON_GetObjectItem(o, "By")), "uid "));
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "Steps")), "reset failed, power not-offered");
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(o, "Outcome")), "failed");
        cJSON_Delete(json);
        call("Recover", "1-7");
        wait_for_answer();
        assert_string_equal(last_error(), "Busy");
        assert_non_null(strstr(bus.text, "in 10 minutes"));
        bus.refuse = "org.tilld1.supervise";
        call("Recover", "1-7");
        wait_for_answer();
        assert_string_equal(last_error(), "AccessDenied");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(probes, setup, teardown),
                cmocka_unit_test_setup_teardown(busy, setup, teardown),
                cmocka_unit_test_setup_teardown(recovers, setup, teardown),
        };

        return cmocka_run_group_tests_name("bus-recovery", tests, NULL, NULL);
}
