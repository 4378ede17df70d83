// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a caller may write in a{sv}, and how a refusal looks on the wire: two ends of a bus without a broker. */
#include "test.h"

#include <sys/socket.h>

#include "bus/error.h"
#include "bus/options.h"

static sd_bus *client, *server;

static const char *text;
static bool flag;
static struct refusal refusal;
static int result;

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const struct bus_option options[] = {
                { "text", 's', &text },
                { "flag", 'b', &flag },
                {},
        };

        text = "unset";
        flag = false;
        result = options_read(m, options, &refusal);
        if (result < 0)
                return refusal.code ? bus_error_set_refusal(error, &refusal) : result;
        return sd_bus_reply_method_return(m, "sb", text, flag);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Call", "a{sv}", "sb", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static int setup(void **state) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
                return -1;
        if (sd_bus_new(&server) < 0 || sd_bus_set_fd(server, pair[0], pair[0]) < 0 ||
            sd_bus_set_server(server, 1, SD_ID128_NULL) < 0 || sd_bus_set_anonymous(server, 1) < 0 ||
            sd_bus_start(server) < 0 ||
            sd_bus_add_object_vtable(server, NULL, "/test", "org.tilld1.Test", vtable, NULL) < 0)
                return -1;
        if (sd_bus_new(&client) < 0 || sd_bus_set_fd(client, pair[1], pair[1]) < 0 ||
            sd_bus_set_anonymous(client, 1) < 0 || sd_bus_start(client) < 0)
                return -1;
        return 0;
}

static int teardown(void **state) {
        client = sd_bus_flush_close_unref(client);
        server = sd_bus_flush_close_unref(server);
        return 0;
}

static sd_bus_message *answer;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        answer = sd_bus_message_ref(m);
        return 0;
}

/* Sends the built call and runs both ends until it is answered. */
static void ask(sd_bus_message *call) {
        answer = sd_bus_message_unref(answer);
        assert_true(sd_bus_call_async(client, NULL, call, on_answer, NULL, 0) >= 0);
        for (int i = 0; i < 1000 && !answer; i++) {
                assert_true(sd_bus_process(client, NULL) >= 0);
                assert_true(sd_bus_process(server, NULL) >= 0);
        }
        assert_non_null(answer);
        sd_bus_message_unref(call);
}

static sd_bus_message *new_call(void) {
        sd_bus_message *m;

        assert_true(sd_bus_message_new_method_call(client, &m, NULL, "/test", "org.tilld1.Test", "Call") >= 0);
        return m;
}

static void known_options(void **state) {
        sd_bus_message *m = new_call();

        assert_true(sd_bus_message_append(m, "a{sv}", 2, "flag", "b", 1, "text", "s", "x") >= 0);
        ask(m);
        assert_false(sd_bus_message_is_method_error(answer, NULL));
        assert_true(flag);

        m = new_call();
        assert_true(sd_bus_message_append(m, "a{sv}", 0) >= 0);
        ask(m);
        assert_false(sd_bus_message_is_method_error(answer, NULL));
        assert_string_equal(text, "unset");
}

/* A money method that overlooks a word has not understood its caller. */
static void unknown_option(void **state) {
        sd_bus_message *m = new_call();

        assert_true(sd_bus_message_append(m, "a{sv}", 2, "text", "s", "x", "tip", "s", "much") >= 0);
        ask(m);
        assert_true(sd_bus_message_is_method_error(answer, BUS_ERROR_UNKNOWN_OPTION));
        assert_non_null(strstr(sd_bus_message_get_error(answer)->message, "\"tip\""));
}

static void wrong_type(void **state) {
        sd_bus_message *m = new_call();

        assert_true(sd_bus_message_append(m, "a{sv}", 1, "flag", "s", "yes") >= 0);
        ask(m);
        assert_true(sd_bus_message_is_method_error(answer, BUS_ERROR_UNKNOWN_OPTION));
        assert_non_null(strstr(sd_bus_message_get_error(answer)->message, "type b"));
}

/* Every refusal has a name of ours and its text crosses. */
static void refusals_have_names(void **state) {
        for (enum refusal_code c = REFUSAL_NONE + 1; c < _REFUSAL_MAX; c++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                struct refusal r;

                (void) refusal_set(&r, c, "the next step");
                assert_true(bus_error_set_refusal(&error, &r) < 0);
                assert_non_null(startswith(error.name, "org.tilld1.Error."));
                assert_string_equal(error.message, "the next step");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_options),
                cmocka_unit_test(unknown_option),
                cmocka_unit_test(wrong_type),
                cmocka_unit_test(refusals_have_names),
        };

        return cmocka_run_group_tests_name("bus-options", tests, setup, teardown);
}
