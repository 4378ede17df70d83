// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Operators, and what else takes a code, over a connection: who is asked, answers, errors, signals. */
#include "bus-fixture.h"
#include "journal/counter.h"
#include "journal/internal.h"
#include "transaction/terminal-clock.h"

#define MANAGER "org.tilld1.Manager"
#define OPERATORS "org.tilld1.Operators"
#define TRANSACTION "org.tilld1.Transaction"

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

/* Whoever is silent here is so for longer than a busy machine takes for what goes on beside. */
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        return __real_sd_event_add_time_relative(e, ret, clock, MAX(usec, 200 * USEC_PER_SEC), accuracy, callback,
                                                 userdata);
}

static int setup(void **state) {
        bus_set_up();
        assert_true(manager_register(bus.server) >= 0);
        assert_true(operators_register(bus.server) >= 0);
        assert_true(transactions_register(bus.server) >= 0);
        return 0;
}

static const char *call(const char *method, const char *number, const char *role, const char *line) {
        return call_at(SERVER_PATH, OPERATORS, method, number, role, line);
}

static void assert_property(const char *name, const char *expected) {
        const char *value;

        send_call(SERVER_PATH, "org.freedesktop.DBus.Properties", "Get", OPERATORS, name, -EBADF);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "v", "s", &value) >= 0);
        assert_string_equal(value, expected);
}

static void assert_list(const char *expected) {
        const char *number, *role;
        char text[512] = "";
        uint32_t tries;
        uint64_t locked;

        assert_string_equal(call("List", NULL, NULL, NULL), "");
        assert_true(sd_bus_message_enter_container(bus.reply, 'a', "(ssut)") > 0);
        while (sd_bus_message_read(bus.reply, "(ssut)", &number, &role, &tries, &locked) > 0)
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s %s %" PRIu32 " %" PRIu64 "; ", number,
                         role, tries, (locked + 59) / 60);
        assert_string_equal(text, expected);
}

static void work(void **state) {
        assert_list("");
        assert_property("LoggedOn", "");
        assert_string_equal(call("Add", "01", "administrator", "1111"), "");
        assert_string_equal(bus.action, "org.tilld1.manage-operators");
        assert_string_equal(call("Add", "02", "cashier", "2222"), "");
        assert_string_equal(call("Add", "02", "cashier", "2222"), "OperatorExists");
        assert_string_equal(call("Add", "3", "cashier", "2222"), "InvalidOperator");
        assert_string_equal(call("Add", "03", "cashier", "22"), "InvalidCode");
        assert_list("01 administrator 5 0; 02 cashier 5 0; ");

        bus.changes = 0;
        assert_string_equal(call("LogOn", NULL, NULL, "02 2222\n"), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_int_equal(bus.changes, 1);
        assert_property("LoggedOn", "02");
        assert_property("Role", "cashier");
        assert_string_equal(call("LogOn", NULL, NULL, "02 2223\n"), "WrongCode");
        assert_non_null(strstr(bus.text, ": 4. "));
        assert_list("01 administrator 5 0; 02 cashier 4 0; ");
        for (int i = 0; i < 3; i++)
                assert_string_equal(call("LogOn", NULL, NULL, "02 2223\n"), "WrongCode");
        assert_string_equal(call("LogOn", NULL, NULL, "02 2223\n"), "LockedOut");
        assert_string_equal(call("LogOn", NULL, NULL, "02 2222\n"), "LockedOut");
        assert_list("01 administrator 5 0; 02 cashier 0 5; ");
        assert_string_equal(call("Unlock", "02", NULL, NULL), "");
        assert_string_equal(call("SetCode", "02", NULL, "4444"), "");
        assert_string_equal(call("LogOn", NULL, NULL, "02 2222\n"), "WrongCode");
        assert_string_equal(call("LogOn", NULL, NULL, "02 4444\n"), "");
        assert_string_equal(call("LogOff", NULL, NULL, NULL), "");
        assert_property("LoggedOn", "");
        assert_property("Role", "");
        assert_string_equal(call("Remove", "02", NULL, NULL), "");
        assert_string_equal(call("Remove", "02", NULL, NULL), "NotFound");
        assert_string_equal(call("Unlock", "02", NULL, NULL), "NotFound");
        assert_string_equal(call("SetCode", "02", NULL, "1234"), "NotFound");
        assert_list("01 administrator 5 0; ");
}

static const struct {
        const char *method, *number, *role, *line;
} managing[] = {
        { "Add", "05", "cashier", "5555" },
        { "SetCode", "05", NULL, "6666" },
        { "Unlock", "05", NULL, NULL },
        { "Remove", "05", NULL, NULL },
};

/* Whoever is logged on: who may sell does not make himself a supervisor. */
static void managing_is_for_administrators_of_the_system(void **state) {
        static const char *const on[] = { NULL, "07 7777", "01 1111" };

        assert_string_equal(call("Add", "01", "administrator", "1111"), "");
        assert_string_equal(call("Add", "07", "supervisor", "7777"), "");
        bus.refuse = "org.tilld1.manage-operators";
        for (size_t i = 0; i < ELEMENTSOF(on); i++) {
                if (on[i])
                        assert_string_equal(call("LogOn", NULL, NULL, on[i]), "");
                for (size_t k = 0; k < ELEMENTSOF(managing); k++)
                        assert_string_equal(
                                call(managing[k].method, managing[k].number, managing[k].role, managing[k].line),
                                "AccessDenied");
        }
        bus.refuse = "org.tilld1.sell";
        assert_string_equal(call("LogOff", NULL, NULL, NULL), "AccessDenied");
        assert_string_equal(call("LogOn", NULL, NULL, "07 7777"), "AccessDenied");
        assert_property("LoggedOn", "01");
}

/* The last event, and what it says; a lock is a fault as long as it lasts. */
static void assert_event(const char *kind, const char *text) {
        _cleanup_statement_ sqlite3_stmt *st = NULL;

        assert_int_equal(
                journal_statement(
                        shop.journal,
                        "SELECT kind, text FROM events WHERE kind NOT LIKE 'fault-%' ORDER BY seq DESC LIMIT 1", &st),
                0);
        assert_int_equal(journal_step(shop.journal, st), 1);
        assert_string_equal((const char *) sqlite3_column_text(st, 0), kind);
        assert_string_equal((const char *) sqlite3_column_text(st, 1), text);
}

/* A shop without anybody who administers its system: the administrator's own code, and nothing less. */
static void managing_with_a_code(void **state) {
        static const struct {
                const char *line, *error;
        } wrong[] = {
                { "07 7777\n5555\n", "WrongRole" },  { "09 1111\n5555\n", "NotFound" },
                { "01 1112\n5555\n", "WrongCode" },  { "01 1111\n", "InvalidCode" },
                { "01 1111\n555\n", "InvalidCode" }, { "5555\n", "InvalidCode" },
        };

        assert_string_equal(call("Add", "01", "administrator", "1111"), "");
        assert_string_equal(call("Add", "07", "supervisor", "7777"), "");
        bus.refuse = "org.tilld1.manage-operators";
        assert_string_equal(call("LogOn", NULL, NULL, "01 1111"), "");
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_string_equal(call("AddWithCode", "05", "cashier", wrong[i].line), wrong[i].error);
        assert_list("01 administrator 4 0; 07 supervisor 5 0; ");

        assert_string_equal(call("AddWithCode", "05", "cashier", "01 1111\n5555\n"), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_event("operator-added", "{\"operator\":\"05\",\"role\":\"cashier\",\"by\":\"01\"}");
        assert_list("01 administrator 5 0; 05 cashier 5 0; 07 supervisor 5 0; ");
        assert_string_equal(call("LogOn", NULL, NULL, "05 5555"), "");
        assert_string_equal(call("AddWithCode", "05", "cashier", "01 1111\n5555\n"), "OperatorExists");
        assert_string_equal(call("SetCodeWithCode", "05", NULL, "01 1111\n6666"), "");
        assert_event("operator-code-set", "{\"operator\":\"05\",\"role\":\"cashier\",\"by\":\"01\"}");
        assert_string_equal(call("LogOn", NULL, NULL, "05 5555"), "WrongCode");
        assert_string_equal(call("LogOn", NULL, NULL, "05 6666"), "");

        for (int i = 0; i < 4; i++)
                assert_string_equal(call("LogOn", NULL, NULL, "05 0000"), "WrongCode");
        assert_string_equal(call("LogOn", NULL, NULL, "05 0000"), "LockedOut");
        assert_string_equal(call("UnlockWithCode", "05", NULL, "05 6666"), "WrongRole");
        assert_string_equal(call("UnlockWithCode", "05", NULL, "07 7777"), "WrongRole");
        assert_string_equal(call("UnlockWithCode", "05", NULL, "01 1111"), "");
        assert_event("operator-unlocked", "{\"operator\":\"05\",\"role\":\"cashier\",\"by\":\"01\"}");
        assert_string_equal(call("UnlockWithCode", "06", NULL, "01 1111"), "NotFound");
        assert_string_equal(call("RemoveWithCode", "05", NULL, "07 7777"), "WrongRole");
        assert_string_equal(call("RemoveWithCode", "05", NULL, "01 1111"), "");
        assert_event("operator-removed", "{\"operator\":\"05\",\"role\":\"cashier\",\"by\":\"01\"}");
        assert_property("LoggedOn", "");

        /* Tries are counted for the administrator, whatever the act; the right code does not help then. */
        assert_string_equal(call("RemoveWithCode", "07", NULL, "01 0000"), "WrongCode");
        assert_string_equal(call("UnlockWithCode", "07", NULL, "01 0000"), "WrongCode");
        assert_string_equal(call("AddWithCode", "08", "cashier", "01 0000\n8888"), "WrongCode");
        assert_string_equal(call("SetCodeWithCode", "07", NULL, "01 0000\n8888"), "WrongCode");
        assert_string_equal(call("AddWithCode", "08", "cashier", "01 0000\n8888"), "LockedOut");
        assert_string_equal(call("AddWithCode", "08", "cashier", "01 1111\n8888"), "LockedOut");
        assert_string_equal(call("UnlockWithCode", "01", NULL, "01 1111"), "LockedOut");
        assert_list("01 administrator 0 5; 07 supervisor 5 0; ");
        bus.refuse = "org.tilld1.sell";
        for (size_t i = 0; i < ELEMENTSOF(managing); i++) {
                char method[32];

                snprintf(method, sizeof(method), "%sWithCode", managing[i].method);
                assert_string_equal(call(method, managing[i].number, managing[i].role, "01 1111\n1234"),
                                    "AccessDenied");
        }
}

/* Who says nothing, or goes, keeps nobody else waiting. */
static void silent_callers(void **state) {
        int fds[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_string_equal(call("Add", "02", "cashier", "2222"), "");
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        send_call(SERVER_PATH, OPERATORS, "LogOn", NULL, NULL, fds[0]);
        for (int i = 0; i < 5; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
        assert_false(bus.answered);
        assert_string_equal(call("LogOn", NULL, NULL, "02 2222\n"), "");
        assert_property("LoggedOn", "02");
        /* Now the first one speaks. */
        bus.answered = false;
        assert_int_equal(write(fds[1], "02 0000\n", 8), 8);
        wait_for_answer();
        assert_non_null(strstr(bus.error, "WrongCode"));
        safe_close(fds[0]);
        safe_close(fds[1]);

        send_call(SERVER_PATH, OPERATORS, "LogOn", NULL, NULL, null);
        wait_for_answer();
        assert_non_null(strstr(bus.error, "InvalidCode"));
        safe_close(null);
}

static int64_t leave_waiting(void) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, "V-1");
        COPY(record.kind, "void");
        record.amount = 100;
        COPY(record.currency, "CNY");
        COPY(record.boot_id, "00000000000000000000000000000000");
        record.started_usec = 1;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        return record.id;
}

/* What does not wait for an approval costs nobody a try. */
static void approving_nothing(void **state) {
        char path[64];

        assert_string_equal(call("Add", "07", "supervisor", "7777"), "");
        snprintf(path, sizeof(path), SERVER_PATH "/transaction/%" PRIi64, leave_waiting());
        assert_string_equal(call_at(path, TRANSACTION, "Approve", NULL, NULL, "07 0000"), "NotAsked");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_list("07 supervisor 5 0; ");
}

/* A supervisor's code, and nothing less; or polkit. */
static void accepting_the_clock(void **state) {
        struct refusal refusal = {};

        assert_string_equal(call("Add", "07", "supervisor", "7777"), "");
        assert_string_equal(call("Add", "02", "cashier", "2222"), "");
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_clock(shop.journal, clock_now(CLOCK_REALTIME) + 3600 * USEC_PER_SEC), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_true(terminal_clock_check(shop.journal, &refusal) < 0);

        bus.refuse = "org.tilld1.supervise";
        assert_string_equal(call_at(SERVER_PATH, MANAGER, "AcceptClock", NULL, NULL, NULL), "AccessDenied");
        assert_string_equal(call_at(SERVER_PATH, MANAGER, "AcceptClockWithCode", NULL, NULL, "02 2222"), "WrongRole");
        assert_string_equal(call_at(SERVER_PATH, MANAGER, "AcceptClockWithCode", NULL, NULL, "07 2222"), "WrongCode");
        assert_true(terminal_clock_check(shop.journal, &refusal) < 0);
        assert_string_equal(call_at(SERVER_PATH, MANAGER, "AcceptClockWithCode", NULL, NULL, "07 7777"), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_int_equal(terminal_clock_check(shop.journal, &refusal), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(work, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(managing_is_for_administrators_of_the_system, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(managing_with_a_code, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(silent_callers, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(approving_nothing, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(accepting_the_clock, setup, bus_tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
