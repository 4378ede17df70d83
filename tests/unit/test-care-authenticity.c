// SPDX-License-Identifier: LGPL-2.1-or-later
/* A check of the terminal's authenticity: what till-verify claims, what comes of it, and which faults it opens and
 * ends. */
#include "test.h"

#include <poll.h>

#include "base/sealed-file.h"
#include "base/verify-message.h"
#include "bound-phone.h"
#include "care/authenticity.h"
#include "fake-helper.h"
#include "told-fixture.h"

static struct {
        struct faults *faults;
        struct authenticity *check;
        int listening;
        char directory[64], socket[128];
        unsigned done;
        int error;
        cJSON *json;
        struct settings settings; /* the shop's, with a serial number */
} lab;

static void on_told(const struct fault_record *record, void *userdata) {
}

static void on_done(int error, cJSON *json, void *userdata) {
        lab.done++;
        lab.error = error;
        lab.json = json;
}

static int setup(void **state) {
        memset(&lab, 0, sizeof(lab));
        acq_setup(state);
        assert_int_equal(faults_new(shop.engine, on_told, NULL, &lab.faults), 0);
        assert_int_equal(faults_start(lab.faults), 0);
        lab.listening = fake_helper_listen(lab.directory, "verify");
        snprintf(lab.socket, sizeof(lab.socket), "%s/verify", lab.directory);
        authenticity_socket = lab.socket;
        lab.settings = *shop.engine->config.settings;
        shop.engine->config.settings = &lab.settings;
        return 0;
}

static int teardown(void **state) {
        lab.check = authenticity_free(lab.check);
        cJSON_Delete(lab.json);
        lab.faults = faults_free(lab.faults);
        safe_close(lab.listening);
        fake_helper_remove(lab.directory, "verify");
        return acq_teardown(state);
}

static void begin(void) {
        lab.check = authenticity_free(lab.check);
        cJSON_Delete(lab.json);
        lab.json = NULL;
        lab.done = 0;
        assert_int_equal(authenticity_start(shop.engine, lab.faults, on_done, NULL, &lab.check), 0);
        assert_int_equal(lab.done, 0);
}

static void end(void) {
        for (int i = 0; i < 100 && lab.done == 0; i++)
                assert_true(sd_event_run(shop.event, 100 * USEC_PER_MSEC) >= 0);
        assert_int_equal(lab.done, 1);
        acq_run();
}

/* What till-verify says, sealed or not. */
static void answer_with(struct verify_answer answer, int file) {
        struct verify_question question;
        int fd = accept4(lab.listening, NULL, NULL, SOCK_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(recv(fd, &question, sizeof(question), 0), sizeof(question));
        assert_int_equal(question.version, VERIFY_VERSION);
        fake_helper_send(fd, &answer, sizeof(answer), &file, file >= 0);
        safe_close(fd);
        safe_close(file);
}

static void check(const char *document) {
        begin();
        answer_with((struct verify_answer){ VERIFY_VERSION, 0, strlen(document) },
                    sealed_file_new("verify", document, strlen(document)));
        end();
        assert_int_equal(lab.error, 0);
        assert_non_null(lab.json);
}

static void assert_result(const char *result) {
        assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(lab.json, "Result")), result);
}

static void assert_serial(const char *state) {
        assert_string_equal(
                cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(lab.json, "Serial"), "State")), state);
}

static unsigned is_open(const char *code, const char *subject) {
        struct fault_record record;

        return fault_record_find(shop.journal, code, subject, &record) < 0 ? 0 : record.count;
}

#define MODULE(state, enforced, current)                                                                              \
        "\"Module\":{\"State\":\"" state "\",\"Enforced\":" enforced ",\"Current\":" current "}}"
#define PACKAGE(state)                                                                                                \
        "{\"Manager\":\"dpkg\",\"Packages\":[{\"Package\":\"tilld\",\"State\":\"" state                               \
        "\",\"Changed\":[\"/usr/bin/tillctl\"]}],"
#define HEALTHY PACKAGE("good") MODULE("unsigned", "false", "true")

static void healthy(void **state) {
        const cJSON *key;
        unsigned checks = 0, sums = 0;

        check(HEALTHY);
        assert_result("good");
        assert_serial("never-confirmed");
        assert_int_equal(faults_count_open(lab.faults), 0);
        cJSON_ArrayForEach(key, cJSON_GetObjectItem(lab.json, "Keys")) {
                const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(key, "CheckValue"));

                assert_non_null(cJSON_GetObjectItem(key, "Name"));
                if (value)
                        assert_int_equal(strlen(value), 6);
                checks += value != NULL;
                sums += cJSON_GetObjectItem(key, "Checksum") != NULL;
        }
        /* The master key and the storage key, and no session key before a sign-on. */
        assert_int_equal(checks, 2);
        assert_int_equal(sums, shop.engine->config.terminal->n_ca_keys);
}

static void packages(void **state) {
        check(PACKAGE("changed") MODULE("signed", "true", "true"));
        assert_result("differs");
        assert_int_equal(is_open("package-changed", "tilld"), 1);
        check(PACKAGE("changed") MODULE("signed", "true", "true"));
        assert_int_equal(is_open("package-changed", "tilld"), 2);
        /* Where nobody knows what was packaged, nothing is said. */
        check("{\"Manager\":\"rpm\",\"Packages\":[]," MODULE("signed", "true", "true"));
        assert_result("incomplete");
        assert_int_equal(is_open("package-changed", "tilld"), 2);
        /* A file that cannot be read is no difference: on each terminal there is one. */
        check(PACKAGE("unreadable") MODULE("signed", "true", "true"));
        assert_result("good");
        assert_int_equal(faults_count_open(lab.faults), 0);
}

static void module(void **state) {
        /* An old one that is still loaded differs, and is another fault's (driver-old). */
        check(PACKAGE("good") MODULE("unsigned", "false", "false"));
        assert_result("differs");
        assert_int_equal(faults_count_open(lab.faults), 0);
        check(PACKAGE("good") MODULE("unsigned", "true", "true"));
        assert_result("differs");
        assert_int_equal(is_open("module-unsigned", ""), 1);
        check(PACKAGE("good") MODULE("not-checked", "true", "true"));
        assert_result("incomplete");
        assert_int_equal(is_open("module-unsigned", ""), 1);
        check(PACKAGE("good") MODULE("signed", "true", "true"));
        assert_int_equal(faults_count_open(lab.faults), 0);
}

static void serial(void **state) {
        COPY(lab.settings.serial, "SN-0001");
        check(HEALTHY);
        assert_serial("never-confirmed");
        bound_phone_bind(shop.journal);
        check(HEALTHY);
        assert_serial("equal");
        assert_result("good");
        COPY(lab.settings.serial, "SN-0002");
        check(HEALTHY);
        assert_serial("differs");
        assert_result("differs");
        assert_int_equal(is_open("serial-differs", ""), 1);
        COPY(lab.settings.serial, "SN-0001");
        check(HEALTHY);
        assert_int_equal(is_open("serial-differs", ""), 0);
}

static void assert_problem(void) {
        assert_int_equal(lab.error, 0);
        assert_result("incomplete");
        assert_string_not_equal(cJSON_GetStringValue(cJSON_GetObjectItem(lab.json, "Problem")), "");
        assert_null(cJSON_GetObjectItem(lab.json, "Packages"));
        assert_non_null(cJSON_GetObjectItem(lab.json, "Keys"));
}

/* Whatever till-verify says that it cannot mean, and where nobody answers. */
static void claims(void **state) {
        static const char *const documents[] = { "", "[]", "{", "{\"a\":\"\xff\"}", "nothing" };

        for (size_t i = 0; i < ELEMENTSOF(documents); i++) {
                check(documents[i]);
                assert_problem();
        }
        begin();
        answer_with((struct verify_answer){ VERIFY_VERSION, -EACCES, 0 }, -EBADF);
        end();
        assert_problem();
        begin();
        answer_with((struct verify_answer){ VERIFY_VERSION, 0, 2 }, -EBADF);
        end();
        assert_problem();
        begin();
        answer_with((struct verify_answer){ VERIFY_VERSION + 1, 0, 2 }, sealed_file_new("verify", "{}", 2));
        end();
        assert_problem();
        begin();
        answer_with((struct verify_answer){ VERIFY_VERSION, 0, UINT64_MAX }, sealed_file_new("verify", "{}", 2));
        end();
        assert_problem();
        check("{\"Manager\":7,\"Packages\":{\"Package\":1},\"Module\":\"\xe4\xb8\xad\"}");
        assert_result("incomplete");
        authenticity_socket = "/nonexistent/verify";
        begin();
        end();
        assert_problem();
}

static void cancelled(void **state) {
        begin();
        lab.check = authenticity_free(lab.check);
        acq_run();
        assert_int_equal(lab.done, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(healthy, setup, teardown),
                cmocka_unit_test_setup_teardown(packages, setup, teardown),
                cmocka_unit_test_setup_teardown(module, setup, teardown),
                cmocka_unit_test_setup_teardown(serial, setup, teardown),
                cmocka_unit_test_setup_teardown(claims, setup, teardown),
                cmocka_unit_test_setup_teardown(cancelled, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
