// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Journal over a connection: who has to be asked, answers, errors. */
#include "bus-fixture.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <sys/stat.h>

#define JOURNAL "org.tilld1.Journal"
#define STATEMENT                                                                                                     \
        "till-statement,1\nrrn,stan,batch,kind,amount,currency,terminal\n1,1,1,sale,100,156,T0000001\nend,1,100\n"

static int setup(void **state) {
        bus_set_up();
        shop.settings.retention_days = 400;
        assert_true(journal_register(bus.server) >= 0);
        return 0;
}

static const char *call(const char *method, const char *path, const char *memfd) {
        return call_at(SERVER_PATH, JOURNAL, method, path, NULL, memfd);
}

static void add_events(unsigned n) {
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        for (unsigned i = 0; i < n; i++)
                assert_int_equal(event_append(shop.journal, "sent", 0, NULL), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

static void verify(void **state) {
        const char *text;
        uint64_t events;
        int good;

        add_events(2500);
        assert_string_equal(call("Verify", NULL, NULL), "");
        assert_string_equal(bus.action, "org.tilld1.audit");
        assert_true(sd_bus_message_read(bus.reply, "bts", &good, &events, &text) >= 0);
        assert_true(good);
        assert_int_equal(events, 2500);
        assert_string_equal(text, "");
        assert_true(upkeep_get_verdict(shop.engine->upkeep)->good);
        bus.refuse = "org.tilld1.audit";
        assert_string_equal(call("Verify", NULL, NULL), "AccessDenied");
}

static int never_done(struct journal *j, void *userdata) {
        return *(bool *) userdata ? UPKEEP_LATER : 0;
}

static void at_the_end(int r, void *userdata) {
}

static void one_at_a_time(void **state) {
        static const char *const methods[] = { "Verify", "SaveExport", "Purge" };
        bool busy = true;
        const struct upkeep_work work = { never_done, at_the_end, &busy };

        assert_int_equal(upkeep_run(shop.engine->upkeep, &work), 0);
        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                assert_string_equal(call(methods[i], NULL, NULL), "Busy");
                assert_non_null(strstr(bus.text, "try again"));
        }
        assert_string_equal(call("Reconcile", NULL, STATEMENT), "Busy");
        busy = false;
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        assert_string_equal(call("Verify", NULL, NULL), "");
}

static void exports(void **state) {
        char path[64], folder[64];
        const char *saved;
        struct stat st;
        int fds[2];

        add_events(3);
        snprintf(path, sizeof(path), "%s/out", shop.dir);
        fds[0] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[0]);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_int_equal(fstat(fds[0], &st), 0);
        assert_true(st.st_size > 400);
        safe_close(fds[0]);

        assert_string_equal(call("SaveExport", NULL, NULL), "");
        assert_string_equal(bus.action, "org.tilld1.audit");
        assert_true(sd_bus_message_read(bus.reply, "s", &saved) >= 0);
        snprintf(folder, sizeof(folder), "%s/export/journal-test-", shop.dir);
        assert_non_null(startswith(saved, folder));
        assert_int_equal(stat(saved, &st), 0);

        /* What cannot be written to, what might have to be waited for, and a reader that has gone. */
        fds[0] = open(path, O_RDONLY | O_CLOEXEC);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[0]);
        wait_for_answer();
        assert_non_null(strstr(bus.error, "InvalidArgs"));
        safe_close(fds[0]);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[1]);
        wait_for_answer();
        assert_non_null(strstr(bus.error, "InvalidArgs"));
        safe_close(fds[0]);
        safe_close(fds[1]);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        safe_close(fds[0]);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[1]);
        safe_close(fds[1]);
        wait_for_answer();
        assert_string_not_equal(bus.error, "");
        assert_string_equal(call("Purge", NULL, NULL), "");
}

static void purge(void **state) {
        uint32_t removed;

        assert_string_equal(call("Purge", NULL, NULL), "");
        assert_string_equal(bus.action, "org.tilld1.purge");
        assert_true(sd_bus_message_read(bus.reply, "u", &removed) >= 0);
        assert_int_equal(removed, 0);
        /* Who may look at it may not forget it. */
        bus.refuse = "org.tilld1.purge";
        assert_string_equal(call("Purge", NULL, NULL), "AccessDenied");
}

static cJSON *read_json(void) {
        const char *text;
        cJSON *o;

        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        o = cJSON_Parse(text);
        assert_non_null(o);
        return o;
}

static void describe(void **state) {
        static const char *const names[] = { "Path",          "Schema",       "Size",       "LogSize",
                                             "FreeSpace",     "Transactions", "FirstWhole", "FirstWholeTime",
                                             "RetentionDays", "FirstEvent",   "LastEvent",  "LastCheckpoint",
                                             "CheckedTime",   "Fault",        "LostFrames" };
        cJSON *o;

        add_events(3);
        assert_string_equal(call("Describe", NULL, NULL), "");
        assert_string_equal(bus.action, "");
        o = read_json();
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (!cJSON_GetObjectItem(o, names[i]))
                        fail_msg("%s", names[i]);
        assert_int_equal(cJSON_GetArraySize(o), ELEMENTSOF(names));
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "RetentionDays")), 400);
        assert_int_equal(cJSON_GetNumberValue(cJSON_GetObjectItem(o, "LastEvent")), 3);
        cJSON_Delete(o);
}

static void write_file(const char *name, const char *text) {
        char path[96];
        FILE *f;

        snprintf(path, sizeof(path), "%s/%s", shop.dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void statement(void **state) {
        char path[96];
        cJSON *o;

        assert_string_equal(call("Reconcile", NULL, STATEMENT), "");
        assert_string_equal(bus.action, "org.tilld1.audit");
        o = read_json();
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Differences")), 1);
        cJSON_Delete(o);
        assert_string_equal(call("Reconcile", NULL, "till-statement,1\nnonsense\n"), "InvalidArgs");
        assert_non_null(strstr(bus.text, "Line 2 of the statement"));

        write_file("statement.csv", STATEMENT);
        assert_string_equal(call("ReconcileFile", "statement.csv", NULL), "");
        assert_string_equal(bus.action, "org.tilld1.audit");
        snprintf(path, sizeof(path), "%s/statement.csv", shop.dir);
        assert_string_equal(call("ReconcileFile", path, NULL), "");
        assert_string_equal(call("ReconcileFile", "none.csv", NULL), "NotFound");
        /* Nothing outside, by whatever way. */
        assert_string_equal(call("ReconcileFile", "/etc/passwd", NULL), "NotFound");
        assert_string_equal(call("ReconcileFile", "../../etc/passwd", NULL), "NotFound");
        snprintf(path, sizeof(path), "%s/link", shop.dir);
        assert_int_equal(symlink("/etc/passwd", path), 0);
        assert_string_equal(call("ReconcileFile", "link", NULL), "NotFound");
        assert_string_equal(call("ReconcileFile", ".", NULL), "InvalidArgs");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(verify, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(one_at_a_time, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(exports, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(purge, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(describe, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(statement, setup, bus_tear_down),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("bus-journal", tests, NULL, NULL);
}
