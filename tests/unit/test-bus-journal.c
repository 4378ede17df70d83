// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Journal over a connection: who has to be asked, answers, errors. */
#include "bus-fixture.h"

#include <cjson/cJSON.h>
#include <signal.h>
#include <sys/stat.h>

#define JOURNAL "org.tilld1.Journal"
#define STATEMENT                                                                                                     \
        "till-statement,1\nrrn,stan,batch,kind,amount,currency,terminal\n1,1,1,sale,100,156,T0000001\nend,1,100\n"

/* Who has to be told when the caller leaves. */
static struct {
        sd_bus_track_handler_t left;
        void *userdata;
        bool is_sender;
} caller;

int __wrap_sd_bus_track_new(sd_bus *b, sd_bus_track **ret, sd_bus_track_handler_t handler, void *userdata);
int __wrap_sd_bus_track_add_sender(sd_bus_track *track, sd_bus_message *m);
sd_bus_track *__wrap_sd_bus_track_unref(sd_bus_track *track);

int __wrap_sd_bus_track_new(sd_bus *b, sd_bus_track **ret, sd_bus_track_handler_t handler, void *userdata) {
        caller.left = handler;
        caller.userdata = userdata;
        *ret = (sd_bus_track *) &caller;
        return 0;
}

int __wrap_sd_bus_track_add_sender(sd_bus_track *track, sd_bus_message *m) {
        caller.is_sender = true;
        return 0;
}

sd_bus_track *__wrap_sd_bus_track_unref(sd_bus_track *track) {
        memset(&caller, 0, sizeof(caller));
        return NULL;
}

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
        return *(bool *) userdata;
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
        char path[64], folder[64], text[4096];
        const char *saved;
        struct stat st;
        int fds[2];

        add_events(3);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[1]);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_true(read(fds[0], text, sizeof(text)) > 400);
        safe_close(fds[0]);
        safe_close(fds[1]);

        assert_string_equal(call("SaveExport", NULL, NULL), "");
        assert_string_equal(bus.action, "org.tilld1.audit");
        assert_true(sd_bus_message_read(bus.reply, "s", &saved) >= 0);
        snprintf(folder, sizeof(folder), "%s/export/journal-test-", shop.dir);
        assert_non_null(startswith(saved, folder));
        assert_int_equal(stat(saved, &st), 0);

        /* What cannot be written to, and what might have to be waited for. */
        snprintf(path, sizeof(path), "%s/out", shop.dir);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        const int wrong[] = { open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), open(path, O_RDONLY | O_CLOEXEC),
                              memfd_create("export", MFD_CLOEXEC), fds[1], fds[0] };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, wrong[i]);
                wait_for_answer();
                assert_string_equal(bus.error, "org.tilld1.Error.InvalidDescriptor");
                assert_non_null(strstr(bus.text, "the writing end of a pipe"));
                safe_close(wrong[i]);
        }
        /* A reader that has gone. */
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        safe_close(fds[0]);
        send_call(SERVER_PATH, JOURNAL, "Export", NULL, NULL, fds[1]);
        safe_close(fds[1]);
        wait_for_answer();
        assert_string_equal(bus.error, "org.tilld1.Error.Stalled");
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
        /* It is kept before the caller has its answer. */
        assert_int_equal(faults_count_open(bus.server->faults), 1);
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
        assert_string_equal(call("ReconcileFile", ".", NULL), "InvalidDescriptor");
}

static bool others_may_write(void) {
        char command[192];
        int status;

        /* The locks of a process are no obstacle to itself. */
        snprintf(command, sizeof(command),
                 "python3 -c \"import sqlite3; sqlite3.connect('%s/test.db', timeout=0).execute('BEGIN IMMEDIATE')\" "
                 "2>/dev/null",
                 shop.dir);
        status = system(command);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status) == 0;
}

/* A file that is closed takes the process's locks with it. */
static void the_journal_is_no_statement(void **state) {
        char path[96], link_path[96];

        snprintf(path, sizeof(path), "%s/test.db", shop.dir);
        snprintf(link_path, sizeof(link_path), "%s/statement.csv", shop.dir);
        assert_int_equal(link(path, link_path), 0);
        assert_false(others_may_write());
        assert_string_equal(call("ReconcileFile", "test.db", NULL), "NotFound");
        assert_string_equal(call("ReconcileFile", "statement.csv", NULL), "NotFound");
        assert_false(others_may_write());
}

/* A file may be of a file system that is a program of the caller's. */
static void statements_from_elsewhere(void **state) {
        char path[96];
        int fds[2];

        write_file("statement.csv", STATEMENT);
        snprintf(path, sizeof(path), "%s/statement.csv", shop.dir);
        const int wrong[] = { open(path, O_RDONLY | O_CLOEXEC), open("/dev/null", O_RDONLY | O_CLOEXEC) };
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                /* A file of a tmpfs is memory as well. */
                if (fcntl(wrong[i], F_GET_SEALS) >= 0)
                        continue;
                send_call(SERVER_PATH, JOURNAL, "Reconcile", NULL, NULL, wrong[i]);
                wait_for_answer();
                assert_string_equal(bus.error, "org.tilld1.Error.InvalidDescriptor");
                assert_non_null(strstr(bus.text, "memfd"));
        }
        safe_close(wrong[0]);
        safe_close(wrong[1]);

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        send_call(SERVER_PATH, JOURNAL, "Reconcile", NULL, NULL, fds[0]);
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_false(bus.answered);
        assert_int_equal(write(fds[1], STATEMENT, strlen(STATEMENT)), strlen(STATEMENT));
        safe_close(fds[1]);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        safe_close(fds[0]);
}

static void wait_until_it_runs(void) {
        for (int i = 0; i < 100 && !caller.is_sender; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_true(caller.is_sender);
        for (int i = 0; i < 5; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_false(bus.answered);
}

/* Nobody else waits for what only he would have had; what tilld keeps goes on. */
static void callers_that_leave(void **state) {
        static const char *const methods[] = { "Export", "Reconcile" };
        int fds[2];

        add_events(2500);
        for (size_t i = 0; i < ELEMENTSOF(methods); i++) {
                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                send_call(SERVER_PATH, JOURNAL, methods[i], NULL, NULL, fds[i == 0]);
                wait_until_it_runs();
                caller.left(NULL, caller.userdata);
                assert_false(caller.is_sender);
                wait_for_answer();
                assert_string_equal(call("Verify", NULL, NULL), "");
                safe_close(fds[0]);
                safe_close(fds[1]);
        }
        send_call(SERVER_PATH, JOURNAL, "SaveExport", NULL, NULL, -EBADF);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_false(caller.is_sender);
}

static int on_other_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        assert_false(sd_bus_message_is_method_error(m, NULL));
        ++*(unsigned *) userdata;
        return 0;
}

/* The loop goes on with what else there is after each piece of the longest statement that is taken. */
static void nobody_waits_for_a_statement(void **state) {
        static const char start[] = "till-statement,1\nrrn,stan,batch,kind,amount,currency,terminal\n",
                          line[] = "1,1,1,sale,1,156,T0000009\n";
        size_t size = 32 << 20, n = (size - 200) / strlen(line);
        int fd = memfd_create("statement", MFD_CLOEXEC);
        char *text = malloc(size), *at;
        unsigned asked = 0, answered = 0;

        assert_non_null(text);
        at = stpcpy(text, start);
        for (size_t i = 0; i < n; i++)
                at = stpcpy(at, line);
        at += sprintf(at, "end,%zu,%zu\n", n, n);
        assert_int_equal(write(fd, text, (size_t) (at - text)), at - text);
        free(text);
        send_call(SERVER_PATH, JOURNAL, "Reconcile", NULL, NULL, fd);
        safe_close(fd);
        while (!bus.answered) {
                sd_bus_message *m;

                if (asked == answered && asked < 100) {
                        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, JOURNAL,
                                                                   "Describe") >= 0);
                        assert_true(sd_bus_call_async(bus.client, NULL, m, on_other_reply, &answered, 0) >= 0);
                        sd_bus_message_unref(m);
                        asked++;
                }
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        }
        assert_string_equal(bus.error, "");
        assert_int_equal(answered, 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(verify, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(one_at_a_time, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(exports, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(purge, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(describe, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(statement, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(the_journal_is_no_statement, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(statements_from_elsewhere, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(callers_that_leave, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(nobody_waits_for_a_statement, setup, bus_tear_down),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("bus-journal", tests, NULL, NULL);
}
