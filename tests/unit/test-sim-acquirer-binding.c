// SPDX-License-Identifier: LGPL-2.1-or-later
/* The merchant's phone as the acquirer simulator has it on record. */
#include "test.h"

#include <cjson/cJSON.h>

#include "acquirer/kinds.h"
#include "acquirer/ledger-internal.h"

#include "acquirer-fixture.h"

#define A "+8613800138000"
#define B "+8613800138001"
#define C "+8613800138002"

static struct host_binding change(enum host_binding_kind kind, uint32_t number, const char *old, const char *new) {
        struct host_binding b = { .kind = kind, .number = number, .serial = "TILL0001" };

        COPY(b.phone, new);
        COPY(b.old_phone, old);
        return b;
}

static void assert_said(enum host_kind kind, struct host_binding b, const char *code) {
        struct host_request q = request(kind);

        q.binding = &b;
        assert_code(&q, code);
}
#define CHECK(code, ...) assert_said(HOST_BINDING_CHECK, change(__VA_ARGS__), code)
#define CONFIRM(code, ...) assert_said(HOST_BINDING_CONFIRM, change(__VA_ARGS__), code)
#define WITHDRAW(code, ...) assert_said(HOST_BINDING_WITHDRAW, change(__VA_ARGS__), code)

/* The last four digits of the phone on record, "" for none; and no report names a whole number. */
static void assert_bound(const char *expected) {
        _cleanup_free_ char *json = NULL;
        cJSON *ledger;
        const cJSON *row;
        const char *bound = "";

        assert_int_equal(ledger_dump(directory, &json), 0);
        assert_null(strstr(json, "138001380"));
        ledger = cJSON_Parse(json);
        assert_non_null(ledger);
        cJSON_ArrayForEach(row, cJSON_GetObjectItem(ledger, "changes")) {
                const char *phone = cJSON_GetStringValue(cJSON_GetObjectItem(row, "phone"));

                assert_int_equal(strlen(phone), strlen(A));
                if (cJSON_IsTrue(cJSON_GetObjectItem(row, "bound"))) {
                        assert_string_equal(bound, "");
                        bound = phone + strlen(phone) - 4;
                }
        }
        assert_string_equal(bound, expected);
        cJSON_Delete(ledger);
}

static void first_and_change(void **state) {
        sign_on();
        assert_bound("");
        CHECK("12", HOST_BINDING_CHANGE, 1, A, B);
        CHECK("00", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("");
        CONFIRM("00", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("8000");
        CHECK("12", HOST_BINDING_FIRST, 2, "", B);
        CHECK("12", HOST_BINDING_CHANGE, 2, C, B);
        CHECK("00", HOST_BINDING_CHANGE, 2, A, B);
        CONFIRM("00", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8001");
        /* Its answer was lost. */
        CONFIRM("00", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8001");
        CONFIRM("12", HOST_BINDING_CHANGE, 3, A, C);
        assert_bound("8001");
}

static void withdrawals(void **state) {
        sign_on();
        CHECK("00", HOST_BINDING_FIRST, 1, "", A);
        CONFIRM("00", HOST_BINDING_FIRST, 1, "", A);
        CHECK("00", HOST_BINDING_CHANGE, 2, A, B);
        CONFIRM("00", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8001");
        WITHDRAW("00", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8000");
        WITHDRAW("00", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8000");
        /* What was on its way all the time. */
        CONFIRM("12", HOST_BINDING_CHANGE, 2, A, B);
        CHECK("12", HOST_BINDING_CHANGE, 2, A, B);
        assert_bound("8000");

        /* It never arrived; and then it does. */
        WITHDRAW("00", HOST_BINDING_CHANGE, 3, A, C);
        assert_bound("8000");
        CONFIRM("12", HOST_BINDING_CHANGE, 3, A, C);
        assert_bound("8000");

        /* Another one under that number, of a terminal whose journal began anew. */
        CHECK("00", HOST_BINDING_CHANGE, 3, A, B);
        CONFIRM("00", HOST_BINDING_CHANGE, 3, A, B);
        assert_bound("8001");
        /* What is not in force any more is withdrawn without effect. */
        CONFIRM("00", HOST_BINDING_CHANGE, 4, B, C);
        WITHDRAW("00", HOST_BINDING_CHANGE, 3, A, B);
        assert_bound("8002");
        WITHDRAW("00", HOST_BINDING_CHANGE, 4, B, C);
        assert_bound("8000");
        WITHDRAW("00", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("");
}

static void lost_phone(void **state) {
        sign_on();
        CONFIRM("00", HOST_BINDING_FIRST, 1, "", A);
        CONFIRM("58", HOST_BINDING_LOST, 2, A, B);
        CHECK("00", HOST_BINDING_CHANGE, 2, A, B);
        /* That was no approval of a lost one. */
        CONFIRM("58", HOST_BINDING_LOST, 2, A, B);
        CHECK("00", HOST_BINDING_LOST, 2, A, B);
        CONFIRM("00", HOST_BINDING_LOST, 2, A, B);
        assert_bound("8001");

        settings->approves_lost = false;
        CHECK("58", HOST_BINDING_LOST, 3, B, C);
        CONFIRM("58", HOST_BINDING_LOST, 3, B, C);
        script("approve kind=binding-check");
        CHECK("00", HOST_BINDING_LOST, 3, B, C);
        CONFIRM("00", HOST_BINDING_LOST, 3, B, C);
        assert_bound("8002");
}

static void serials(void **state) {
        struct host_binding b = change(HOST_BINDING_FIRST, 1, "", A);

        sign_on();
        COPY(b.serial, "TILL0002");
        assert_said(HOST_BINDING_CHECK, b, "00");
        CHECK("97", HOST_BINDING_FIRST, 1, "", A);
        CONFIRM("97", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("");
        COPY(settings->serials[0].terminal, "T0000001");
        COPY(settings->serials[0].serial, "TILL0001");
        settings->n_serials = 1;
        assert_said(HOST_BINDING_CONFIRM, b, "97");
        CONFIRM("00", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("8000");
}

static void scripts(void **state) {
        struct host_binding b = change(HOST_BINDING_FIRST, 1, "", A);
        struct host_request q = request(HOST_BINDING_CONFIRM);
        struct outcome o;

        sign_on();
        /* Without a kind a step is for what moves money. */
        script("decline 05");
        CHECK("00", HOST_BINDING_FIRST, 1, "", A);
        script("decline 06 kind=binding-check");
        CHECK("06", HOST_BINDING_FIRST, 1, "", A);
        q.binding = &b;
        script("drop kind=binding-confirm");
        assert_int_equal(exchange(&q, SHORT).outcome, HOST_NO_ANSWER);
        assert_bound("");
        script("bad-mac kind=binding-confirm");
        q.stan = ++stan;
        assert_int_equal(exchange(&q, LONG).outcome, HOST_BAD_MAC);
        assert_bound("8000");
        script("delay 0.1 kind=binding-withdraw");
        WITHDRAW("00", HOST_BINDING_FIRST, 1, "", A);
        assert_bound("");
        script("no-mac kind=binding-withdraw");
        q = request(HOST_BINDING_WITHDRAW);
        o = exchange(&q, LONG);
        assert_int_equal(o.outcome, HOST_BAD_MAC);
}

static void without_a_mac(void **state) {
        struct host_request q = request(HOST_BINDING_CHECK);

        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, NULL), -ENOKEY);
        sign_on();
        assert_int_equal(ledger_forget_keys(acquirer->ledger, "T0000001"), 0);
        assert_code(&q, "A0");
        assert_bound("");
}

static void start_anew(void) {
        acquirer = sim_acquirer_free(acquirer);
        assert_int_equal(sim_acquirer_new(settings, &acquirer), 0);
}

static void durable(void **state) {
        sign_on();
        CHECK("00", HOST_BINDING_FIRST, 1, "", A);
        CONFIRM("00", HOST_BINDING_FIRST, 1, "", A);
        CHECK("00", HOST_BINDING_LOST, 2, A, B);
        WITHDRAW("00", HOST_BINDING_CHANGE, 3, A, C);
        server = sim_server_free(server);
        the_link = host_link_free(the_link);
        start_anew();
        assert_int_equal(sim_server_new(event, settings, acquirer, &server), 0);
        the_link = new_link(NULL, path("terminal.pem"));
        assert_bound("8000");
        CONFIRM("00", HOST_BINDING_LOST, 2, A, B);
        CONFIRM("12", HOST_BINDING_CHANGE, 3, A, C);
        assert_bound("8001");
        assert_int_equal(ledger_unbind(acquirer->ledger, "T0000001"), 0);
        assert_bound("");
        CHECK("00", HOST_BINDING_FIRST, 9, "", A);
}

static int load_lines(const char *lines, struct sim_settings **ret) {
        FILE *f = fopen(path("lines.conf"), "we");

        assert_non_null(f);
        fputs(lines, f);
        assert_int_equal(fclose(f), 0);
        return sim_settings_load(path("lines.conf"), ret);
}

static void settings_lines(void **state) {
        static const char *const bad[] = {
                "[acquirer]\nlost-phone=perhaps\n",
                "[serials]\nT00000001=S\n",
                "[serials]\nT0000001=\n",
                "[serials]\nT0000001=123456789012345678901234567890123\n",
        };
        struct sim_settings *s = NULL;

        log_set_max_level(LOG_EMERG);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (load_lines(bad[i], &s) >= 0)
                        fail_msg("%s is taken", bad[i]);
        assert_int_equal(load_lines("", &s), 0);
        assert_true(s->approves_lost);
        assert_int_equal(s->n_serials, 0);
        s = sim_settings_free(s);
        assert_int_equal(load_lines("[acquirer]\nlost-phone=refuse\n[serials]\nT0000001=S 1\nT0000002=S2\n", &s), 0);
        assert_false(s->approves_lost);
        assert_int_equal(s->n_serials, 2);
        assert_string_equal(s->serials[0].terminal, "T0000001");
        assert_string_equal(s->serials[0].serial, "S 1");
        s = sim_settings_free(s);
        log_set_max_level(LOG_INFO);
}

/* From before the acquirer knew phones. */
static void old_ledger(void **state) {
        assert_int_equal(sqlite3_exec(acquirer->ledger->db,
                                      "DROP TABLE serials; DROP TABLE changes; PRAGMA user_version = 1", NULL, NULL,
                                      NULL),
                         SQLITE_OK);
        start_anew();
        assert_bound("");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(first_and_change), TEST(withdrawals), TEST(lost_phone), TEST(serials),        TEST(scripts),
                TEST(without_a_mac),    TEST(durable),     TEST(old_ledger), TEST(settings_lines),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("sim-acquirer-binding", tests, make_directory, remove_directory);
}
