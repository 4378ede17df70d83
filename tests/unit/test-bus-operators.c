// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Operators and Transaction.Approve over a connection: who has to be asked, answers, errors, signals. */
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/authority.h"
#include "bus/server.h"
#include "engine-fixture.h"

#define OPERATORS "org.tilld1.Operators"
#define TRANSACTION "org.tilld1.Transaction"

static struct {
        sd_bus *server_bus, *client;
        struct server *server;
        const char *refuse; /* the polkit action that nobody has */

        /* The last call. */
        char action[64]; /* that was asked for last */
        bool answered;
        char error[64], text[512];
        sd_bus_message *reply;
        unsigned changes; /* of properties */
} bus;

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

int __wrap_authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                           sd_bus_error *error);
int __wrap_authority_sender_uid(sd_bus_message *m, uid_t *ret);

int __wrap_authority_check(sd_bus_message *m, const char *action, sd_bus_message_handler_t act, void *userdata,
                           sd_bus_error *error) {
        COPY(bus.action, action);
        if (bus.refuse && streq(bus.refuse, action))
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "no");
        return act(m, userdata, error);
}

int __wrap_authority_sender_uid(sd_bus_message *m, uid_t *ret) {
        *ret = 1000;
        return 0;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        bus.changes++;
        return 0;
}

static sd_bus *connect_end(int fd, bool is_server) {
        sd_id128_t id = { .bytes = { 1 } };
        sd_bus *b;

        assert_int_equal(sd_bus_new(&b), 0);
        assert_int_equal(sd_bus_set_fd(b, fd, fd), 0);
        if (is_server)
                assert_int_equal(sd_bus_set_server(b, 1, id), 0);
        assert_true(sd_bus_negotiate_fds(b, 1) >= 0);
        assert_true(sd_bus_start(b) >= 0);
        assert_true(sd_bus_attach_event(b, shop.event, 0) >= 0);
        return b;
}

static void on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static int setup(void **state) {
        int fds[2];

        log_set_max_level(LOG_EMERG);
        memset(&bus, 0, sizeof(bus));
        shop_set_up();
        shop_open(on_transaction, "/nonexistent/card-worker");
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        bus.server_bus = connect_end(fds[0], true);
        bus.client = connect_end(fds[1], false);
        /* A call with an fd would wait for the handshake, and the other end is in this process. */
        for (int i = 0; i < 100 && sd_bus_is_ready(bus.client) <= 0; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        /* server_new() follows clients, and there is no bus that would tell of them. */
        bus.server = calloc(1, sizeof(*bus.server));
        assert_non_null(bus.server);
        bus.server->bus = sd_bus_ref(bus.server_bus);
        bus.server->settings = &shop.settings;
        bus.server->transaction_prefix = strdup(SERVER_PATH "/transaction");
        bus.server->engine = shop.engine;
        assert_true(operators_register(bus.server) >= 0);
        assert_true(transactions_register(bus.server) >= 0);
        assert_true(sd_bus_match_signal(bus.client, NULL, NULL, SERVER_PATH, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_change, NULL) >= 0);
        return 0;
}

static int teardown(void **state) {
        sd_bus_message_unref(bus.reply);
        /* Answers to what is still being checked go nowhere. */
        sd_bus_flush_close_unref(bus.client);
        shop_close();
        server_free(bus.server);
        sd_bus_flush_close_unref(bus.server_bus);
        shop_tear_down();
        return 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        bus.answered = true;
        COPY(bus.error, e ? e->name : "");
        COPY(bus.text, e ? e->message : "");
        bus.reply = sd_bus_message_ref(m);
        return 0;
}

static void send_call(const char *path, const char *interface, const char *method, const char *number,
                      const char *role, int fd) {
        sd_bus_message *m;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, path, interface, method) >= 0);
        if (number)
                assert_true(sd_bus_message_append(m, "s", number) >= 0);
        if (role)
                assert_true(sd_bus_message_append(m, "s", role) >= 0);
        if (fd >= 0)
                assert_true(sd_bus_message_append(m, "h", fd) >= 0);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
}

static void wait_for_answer(void) {
        for (int i = 0; i < 5000 && !bus.answered; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        assert_true(bus.answered);
        /* And what is told beside it. */
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

/* Returns the error's last word, "" for an answer. line: what is in the memfd that goes with it, NULL for none. */
static const char *call_at(const char *path, const char *interface, const char *method, const char *number,
                           const char *role, const char *line) {
        int fd = -EBADF;

        if (line) {
                fd = memfd_create("code", MFD_CLOEXEC);
                assert_true(fd >= 0);
                assert_int_equal(write(fd, line, strlen(line)), strlen(line));
        }
        send_call(path, interface, method, number, role, fd);
        safe_close(fd);
        wait_for_answer();
        return strrchr(bus.error, '.') ? strrchr(bus.error, '.') + 1 : bus.error;
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

/* An administrator of the shop stands at the till: the checkout may do what is asked of polkit otherwise. */
static void managing_at_the_till(void **state) {
        assert_string_equal(call("Add", "01", "administrator", "1111"), "");
        assert_string_equal(call("Add", "07", "supervisor", "7777"), "");
        bus.refuse = "org.tilld1.manage-operators";
        for (size_t i = 0; i < ELEMENTSOF(managing); i++)
                assert_string_equal(call(managing[i].method, managing[i].number, managing[i].role, managing[i].line),
                                    "AccessDenied");
        assert_string_equal(call("LogOn", NULL, NULL, "07 7777"), "");
        for (size_t i = 0; i < ELEMENTSOF(managing); i++)
                assert_string_equal(call(managing[i].method, managing[i].number, managing[i].role, managing[i].line),
                                    "AccessDenied");
        assert_string_equal(call("LogOn", NULL, NULL, "01 1111"), "");
        for (size_t i = 0; i < ELEMENTSOF(managing); i++) {
                assert_string_equal(call(managing[i].method, managing[i].number, managing[i].role, managing[i].line),
                                    "");
                assert_string_equal(bus.action, "org.tilld1.sell");
        }
        bus.refuse = "org.tilld1.sell";
        assert_string_equal(call("LogOff", NULL, NULL, NULL), "AccessDenied");
        assert_string_equal(call("LogOn", NULL, NULL, "07 7777"), "AccessDenied");
        assert_string_equal(call("Unlock", "07", NULL, NULL), "AccessDenied");
        assert_property("LoggedOn", "01");
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(work, setup, teardown),
                cmocka_unit_test_setup_teardown(managing_at_the_till, setup, teardown),
                cmocka_unit_test_setup_teardown(silent_callers, setup, teardown),
                cmocka_unit_test_setup_teardown(approving_nothing, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
