// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Diagnostics over a connection: who has to be asked, answers, paging, signals. */
#include "bus-fixture.h"
#include "bus/fault.h"

#include <cjson/cJSON.h>
#include <stdarg.h>

#define DIAGNOSTICS "org.tilld1.Diagnostics"

static struct {
        unsigned opened, ended;
        uint64_t id;
        char code[40], subject[40];
} told;

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        unsigned *count = userdata;
        const char *code, *subject;

        assert_true(sd_bus_message_read(m, "tss", &told.id, &code, &subject) >= 0);
        COPY(told.code, code);
        COPY(told.subject, subject);
        (*count)++;
        return 0;
}

static int setup(void **state) {
        bus_set_up();
        memset(&told, 0, sizeof(told));
        assert_true(diagnostics_register(bus.server) >= 0);
        assert_true(faults_register(bus.server) >= 0);
        assert_int_equal(faults_start(bus.server->faults), 0);
        assert_true(sd_bus_match_signal(bus.client, NULL, NULL, SERVER_PATH, DIAGNOSTICS, "FaultOpened", on_signal,
                                        &told.opened) >= 0);
        assert_true(sd_bus_match_signal(bus.client, NULL, NULL, SERVER_PATH, DIAGNOSTICS, "FaultEnded", on_signal,
                                        &told.ended) >= 0);
        return 0;
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

static void assert_open_faults(uint32_t expected) {
        uint32_t n;

        send_call(SERVER_PATH, "org.freedesktop.DBus.Properties", "Get", DIAGNOSTICS, "OpenFaults", -EBADF);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "v", "u", &n) >= 0);
        assert_int_equal(n, expected);
}

/* A statement of batch 1 with a sale of each STAN up to n, which nobody knows here. */
static void reconcile(unsigned n) {
        char text[1024] = "{\"Batches\":[1],\"More\":0,\"Differences\":[";
        cJSON *result;

        for (unsigned i = 1; i <= n; i++)
                snprintf(text + strlen(text), sizeof(text) - strlen(text),
                         "%s{\"What\":\"only-there\",\"Batch\":1,\"Stan\":%u,\"Rrn\":\"%u\"}", i > 1 ? "," : "", i, i);
        strcat(text, "]}");
        result = cJSON_Parse(text);
        assert_non_null(result);
        assert_int_equal(faults_reconciled(bus.server->faults, result), 0);
        cJSON_Delete(result);
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

static cJSON *answer(void) {
        const char *text;
        cJSON *o;

        assert_string_equal(bus.error, "");
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        o = cJSON_Parse(text);
        assert_non_null(o);
        return o;
}

static double number(const cJSON *o, const char *name) {
        const cJSON *item = cJSON_GetObjectItem(o, name);

        assert_true(cJSON_IsNumber(item));
        return cJSON_GetNumberValue(item);
}

static const char *text_of(const cJSON *o, const char *name) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(o, name));

        assert_non_null(text);
        return text;
}

/* The ids that a call has listed, and where it goes on. */
static void assert_list(const char *expected) {
        cJSON *o = answer();
        const cJSON *fault;
        char text[128] = "";

        cJSON_ArrayForEach(fault, cJSON_GetObjectItem(o, "Faults")) {
                snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.0f ", number(fault, "Id"));
        }
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "next %.0f", number(o, "Next"));
        assert_string_equal(text, expected);
        cJSON_Delete(o);
}

static void life(void **state) {
        const cJSON *fault;
        cJSON *o;

        assert_open_faults(0);
        bus.changes = 0;
        reconcile(1);
        assert_int_equal(told.opened, 1);
        assert_string_equal(told.code, "reconcile-only-there");
        assert_string_equal(told.subject, "000001/000001");
        assert_int_equal(bus.changes, 1);
        assert_open_faults(1);
        assert_string_equal(call("ListFaults", "a{sv}", 1, "open", "b", true), "");
        o = answer();
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Faults")), 1);
        fault = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Faults"), 0);
        assert_int_equal(number(fault, "Id"), told.id);
        assert_string_equal(text_of(fault, "Class"), "network");
        assert_string_equal(text_of(fault, "Severity"), "error");
        assert_string_equal(text_of(fault, "Detail"), "RRN 1");
        assert_string_equal(text_of(fault, "Transaction"), "/");
        assert_non_null(strstr(text_of(fault, "NextStep"), "Ask the acquirer"));
        assert_true(strlen(text_of(fault, "Symptom")) > 0 && strlen(text_of(fault, "SupportStep")) > 0);
        assert_int_equal(number(fault, "Count"), 1);
        assert_true(number(fault, "Opened") > 0 && number(fault, "LastSeen") > 0);
        assert_int_equal(number(fault, "Acknowledged"), 0);
        assert_int_equal(number(fault, "Ended"), 0);
        assert_string_equal(text_of(fault, "EndedBy"), "");
        cJSON_Delete(o);

        assert_string_equal(call("Acknowledge", "t", told.id), "");
        assert_string_equal(bus.action, "org.tilld1.diagnose");
        assert_string_equal(call("Acknowledge", "t", told.id), "NotAsked");
        assert_string_equal(call("Acknowledge", "t", UINT64_C(99)), "NotFound");
        assert_string_equal(call("EndFault", "ts", told.id, ""), "InvalidNote");
        bus.changes = 0;
        assert_string_equal(call("EndFault", "ts", told.id, "acquirer, Ms Li: taken back"), "");
        assert_string_equal(bus.action, "org.tilld1.supervise");
        assert_int_equal(told.ended, 1);
        assert_int_equal(bus.changes, 1);
        assert_open_faults(0);
        assert_string_equal(call("EndFault", "ts", told.id, "again"), "NotAsked");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "id", "t", told.id), "");
        o = answer();
        fault = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Faults"), 0);
        assert_non_null(startswith(text_of(fault, "AcknowledgedBy"), "uid "));
        assert_non_null(startswith(text_of(fault, "EndedBy"), "uid "));
        assert_string_equal(text_of(fault, "Note"), "acquirer, Ms Li: taken back");
        assert_true(number(fault, "Ended") > 0);
        cJSON_Delete(o);
}

/* The next statement does not show it: it ends, and says by what. */
static void evidence(void **state) {
        cJSON *o;

        reconcile(2);
        assert_open_faults(2);
        reconcile(1);
        assert_open_faults(1);
        assert_int_equal(told.ended, 1);
        assert_string_equal(call("ListFaults", "a{sv}", 1, "id", "t", told.id), "");
        o = answer();
        assert_string_equal(text_of(cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Faults"), 0), "EndedBy"), "evidence");
        cJSON_Delete(o);
}

static void pages(void **state) {
        uint64_t after = clock_now(CLOCK_REALTIME) + 3600 * USEC_PER_SEC;

        assert_string_equal(call("ListFaults", "a{sv}", 0), "");
        assert_list("next 0");
        reconcile(5);
        assert_string_equal(call("ListFaults", "a{sv}", 1, "limit", "u", 2), "");
        assert_list("5 4 next 4");
        assert_string_equal(call("ListFaults", "a{sv}", 2, "limit", "u", 2, "before", "t", UINT64_C(4)), "");
        assert_list("3 2 next 2");
        assert_string_equal(call("ListFaults", "a{sv}", 2, "limit", "u", 2, "before", "t", UINT64_C(2)), "");
        assert_list("1 next 0");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "since", "t", after), "");
        assert_list("next 0");
        reconcile(1);
        assert_string_equal(call("ListFaults", "a{sv}", 1, "open", "b", true), "");
        assert_list("1 next 0");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "open", "b", false), "");
        assert_list("5 4 3 2 1 next 0");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "id", "t", UINT64_C(99)), "");
        assert_list("next 0");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "colour", "s", "red"), "UnknownOption");
        assert_string_equal(call("ListFaults", "a{sv}", 1, "limit", "s", "2"), "UnknownOption");
}

static void who_may(void **state) {
        static const char *const actions[] = { "org.tilld1.diagnose", "org.tilld1.supervise", "org.tilld1.sell" };
        int fd = memfd_create("code", MFD_CLOEXEC);

        reconcile(1);
        bus.refuse = actions[0];
        assert_string_equal(call("Acknowledge", "t", told.id), "AccessDenied");
        bus.refuse = actions[1];
        assert_string_equal(call("EndFault", "ts", told.id, "note"), "AccessDenied");
        bus.refuse = actions[2];
        assert_string_equal(call("EndFaultWithCode", "tsh", told.id, "note", fd), "AccessDenied");
        bus.refuse = NULL;
        /* Nobody is enrolled. */
        assert_int_equal(pwrite(fd, "02 2222\n", 8, 0), 8);
        assert_string_not_equal(call("EndFaultWithCode", "tsh", told.id, "note", fd), "");
        assert_open_faults(1);
        close(fd);
        /* The rest goes on without any. */
        assert_string_equal(call("ListFaults", "a{sv}", 0), "");
}

static void with_code(void **state) {
        const char *const operators = "org.tilld1.Operators";
        int fd = memfd_create("code", MFD_CLOEXEC);

        assert_true(operators_register(bus.server) >= 0);
        assert_string_equal(call_at(SERVER_PATH, operators, "Add", "02", "supervisor", "2222"), "");
        assert_string_equal(call_at(SERVER_PATH, operators, "Add", "03", "cashier", "3333"), "");
        reconcile(1);
        assert_int_equal(pwrite(fd, "03 3333\n", 8, 0), 8);
        assert_string_equal(call("EndFaultWithCode", "tsh", told.id, "note", fd), "WrongRole");
        assert_int_equal(pwrite(fd, "02 2223\n", 8, 0), 8);
        assert_string_equal(call("EndFaultWithCode", "tsh", told.id, "note", fd), "WrongCode");
        assert_int_equal(pwrite(fd, "02 2222\n", 8, 0), 8);
        assert_string_equal(call("EndFaultWithCode", "tsh", told.id, "", fd), "InvalidNote");
        assert_string_equal(call("EndFaultWithCode", "tsh", UINT64_C(99), "note", fd), "NotFound");
        assert_open_faults(1);
        assert_string_equal(call("EndFaultWithCode", "tsh", told.id, "note", fd), "");
        assert_string_equal(bus.action, "org.tilld1.sell");
        assert_open_faults(0);
        close(fd);
}

/* What the engine tells the bus leads to a look: no signal of its own is needed for a fault. */
static void engine_events(void **state) {
        struct transaction_record record;
        struct transaction_view view;

        transaction_record_init(&record);
        COPY(record.reference, "rejected");
        COPY(record.kind, "sale");
        record.state = TRANSACTION_DONE;
        record.result = RESULT_FAILED;
        record.reversal = REVERSAL_REJECTED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_int_equal(engine_view(shop.engine, record.id, &view), 0);
        server_listener.transaction(&view, TRANSACTION_CHANGED, bus.server);
        for (int i = 0; i < 20 && told.opened == 0; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        assert_string_equal(told.code, "reversal-rejected");
        assert_string_equal(told.subject, "1");
        assert_string_equal(call("EndFault", "ts", told.id, "note"), "NotAsked");
        assert_non_null(strstr(bus.text, "tillctl resolve"));

        record.reversal = REVERSAL_RESOLVED;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        server_listener.changed(bus.server);
        for (int i = 0; i < 20 && told.ended == 0; i++)
                assert_true(sd_event_run(shop.event, 20000) >= 0);
        assert_int_equal(told.ended, 1);
}

/* A property of the object of a fault, as text; what is none is answered with an error. */
static const char *get(int64_t id, const char *property, const char *type) {
        static char text[256];
        const char *value;
        char path[64];

        snprintf(path, sizeof(path), SERVER_PATH "/fault/%d", (int) id);
        send_call(path, "org.freedesktop.DBus.Properties", "Get", "org.tilld1.Fault", property, -EBADF);
        wait_for_answer();
        if (*bus.error)
                return bus.error;
        assert_true(sd_bus_message_enter_container(bus.reply, 'v', type) >= 0);
        if (streq(type, "as")) {
                assert_true(sd_bus_message_enter_container(bus.reply, 'a', "s") >= 0);
                assert_true(sd_bus_message_read_basic(bus.reply, 's', &value) > 0);
        } else
                assert_true(sd_bus_message_read_basic(bus.reply, *type, &value) >= 0);
        snprintf(text, sizeof(text), "%s", value);
        return text;
}

/* For who has nothing but busctl: each fault is an object, open or ended, and there is no other. */
static void object(void **state) {
        reconcile(1);
        assert_string_equal(get((int64_t) told.id, "Code", "s"), "reconcile-only-there");
        assert_string_equal(get((int64_t) told.id, "Detail", "s"), "RRN 1");
        assert_string_equal(get((int64_t) told.id, "Transaction", "o"), "/");
        assert_non_null(strstr(get((int64_t) told.id, "MerchantSteps", "as"), "Ask the acquirer"));
        assert_string_equal(get((int64_t) told.id, "EndedBy", "s"), "");
        assert_string_equal(call("EndFault", "ts", told.id, "acquirer, Ms Li: taken back"), "");
        assert_non_null(strstr(get((int64_t) told.id, "EndedBy", "s"), "uid "));
        assert_non_null(strstr(get((int64_t) told.id, "Note", "s"), "Ms Li"));
        assert_non_null(strstr(get((int64_t) told.id + 1, "Code", "s"), "Unknown"));
}

/* All that can be wrong, or what is asked for of it, in the language that is asked for. */
static void codes(void **state) {
        const cJSON *code;
        cJSON *o;
        int all;

        assert_string_equal(call("ListCodes", "a{sv}", 0), "");
        o = answer();
        all = cJSON_GetArraySize(cJSON_GetObjectItem(o, "Codes"));
        assert_true(all >= 40);
        cJSON_Delete(o);
        assert_string_equal(call("ListCodes", "a{sv}", 1, "area", "s", "printer"), "");
        o = answer();
        assert_in_range(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Codes")), 5, all - 5);
        cJSON_ArrayForEach(code, cJSON_GetObjectItem(o, "Codes")) {
                assert_string_equal(text_of(code, "Area"), "printer");
        }
        cJSON_Delete(o);
        assert_string_equal(call("ListCodes", "a{sv}", 2, "code", "s", "printer-cutter", "language", "s", "zh_CN"),
                            "");
        o = answer();
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Codes")), 1);
        code = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Codes"), 0);
        assert_string_equal(text_of(code, "Code"), "printer-cutter");
        assert_string_equal(text_of(code, "Class"), "hardware");
        assert_string_equal(text_of(code, "Severity"), "error");
        assert_int_equal(strlen(text_of(code, "MessageId")), 32);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(code, "EndsByItself")));
        assert_string_equal(text_of(code, "SparePart"), "切刀");
        assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(code, "Causes")) >= 2);
        cJSON_Delete(o);
        assert_string_equal(call("ListCodes", "a{sv}", 2, "class", "s", "card", "area", "s", "printer"), "");
        o = answer();
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(o, "Codes")), 0);
        cJSON_Delete(o);
        assert_string_equal(call("ListCodes", "a{sv}", 1, "colour", "s", "red"), "UnknownOption");
}

static void figures(void **state) {
        const cJSON *row;
        cJSON *o;

        reconcile(2);
        assert_string_equal(call("EndFault", "ts", told.id, "acquirer, Ms Li: taken back"), "");
        assert_string_equal(call("GetFigures", "a{sv}", 1, "days", "u", 7), "");
        o = answer();
        assert_true(number(o, "Since") <= number(o, "Until"));
        assert_true(number(o, "Available") == 1);
        row = cJSON_GetObjectItem(o, "All");
        assert_int_equal(number(row, "Opened"), 2);
        assert_int_equal(number(row, "Open"), 1);
        assert_int_equal(number(row, "Ended"), 1);
        row = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "Areas"), 0);
        assert_string_equal(text_of(row, "Name"), "acquirer");
        cJSON_Delete(o);
        assert_string_equal(call("GetFigures", "a{sv}", 1, "days", "s", "7"), "UnknownOption");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(life, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(object, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(codes, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(figures, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(evidence, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(pages, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(who_may, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(with_code, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(engine_events, setup, bus_tear_down),
        };

        return cmocka_run_group_tests_name("bus-diagnostics", tests, NULL, NULL);
}
