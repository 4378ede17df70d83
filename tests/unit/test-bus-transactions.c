// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the ObjectManager says of the transactions, however many there are. */
#include "bus-fixture.h"

#include <sys/ioctl.h>

#include "base/amount.h"

#define OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

static int setup(void **state) {
        bus_set_up();
        assert_true(sd_bus_add_object_manager(bus.server_bus, NULL, SERVER_PATH) >= 0);
        assert_true(transactions_register(bus.server) >= 0);
        return 0;
}

static void fill(char *field, size_t size) {
        memset(field, 'w', size - 1);
        field[size - 1] = '\0';
}

/* As long as a transaction can be told, with the sentence of a reason that is among the longest. */
static void add_longest(unsigned i) {
        struct transaction_record t;

        transaction_record_init(&t);
        fill(t.reference, sizeof(t.reference));
        t.reference[(size_t) snprintf(t.reference, sizeof(t.reference), "%06u", i)] = 'w';
        COPY(t.kind, "pre-authorization-void");
        t.amount = AMOUNT_MAX;
        COPY(t.currency, "CNY");
        fill(t.order, sizeof(t.order));
        COPY(t.operator_id, "07");
        COPY(t.boot_id, "00000000000000000000000000000000");
        t.started_usec = t.finished_usec = UINT64_C(2000000000000000);
        t.state = TRANSACTION_DONE;
        t.result = RESULT_UNCONFIRMED;
        t.reversal = REVERSAL_REJECTED;
        fill(t.approver, sizeof(t.approver));
        COPY(t.reason, "unreachable-host");
        fill(t.message, sizeof(t.message));
        COPY(t.masked_pan, "621700*********0128");
        fill(t.label, 17);
        fill(t.preferred_name, 17);
        fill(t.aid, sizeof(t.aid));
        fill(t.rrn, sizeof(t.rrn));
        fill(t.authorization_code, sizeof(t.authorization_code));
        fill(t.response_code, sizeof(t.response_code));
        t.stan = i + 1;
        t.batch = 1;
        t.voucher = i + 1;
        assert_int_equal(transaction_record_insert(shop.journal, &t), 0);
}

static void add_to(unsigned n) {
        static unsigned there;

        if (n == 0)
                there = 0;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        while (there < n)
                add_longest(there++);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* In bytes, as it goes over the connection. */
static int managed_size(void) {
        int size = 0, r;

        send_call(SERVER_PATH, OBJECT_MANAGER, "GetManagedObjects", NULL, NULL, -EBADF);
        assert_true(sd_bus_flush(bus.client) >= 0);
        do
                r = sd_bus_process(bus.server_bus, NULL);
        while (r > 0);
        assert_int_equal(r, 0);
        assert_true(sd_bus_flush(bus.server_bus) >= 0);
        assert_int_equal(ioctl(sd_bus_get_fd(bus.client), FIONREAD, &size), 0);
        wait_for_answer();
        assert_string_equal(bus.error, "");
        return size;
}

static unsigned managed_objects(void) {
        unsigned n = 0;

        assert_true(sd_bus_message_enter_container(bus.reply, 'a', "{oa{sa{sv}}}") > 0);
        while (sd_bus_message_enter_container(bus.reply, 'e', "oa{sa{sv}}") > 0) {
                assert_true(sd_bus_message_skip(bus.reply, "oa{sa{sv}}") > 0);
                assert_true(sd_bus_message_exit_container(bus.reply) > 0);
                n++;
        }
        return n;
}

/* Whoever starts a checkout program asks for all of it, and a journal has a million. */
static void small_whatever_there_is(void **state) {
        int full, size;

        add_to(0);
        add_to(SERVER_LISTED);
        full = managed_size();
        assert_int_equal(managed_objects(), SERVER_LISTED);
        assert_true(full > 10000);
        /* The rest of 64 KiB is for devices, and what a transaction asks for while it runs. */
        assert_true(full < 56 << 10);
        add_to(20 * SERVER_LISTED);
        size = managed_size();
        assert_int_equal(managed_objects(), SERVER_LISTED);
        /* Numbers of more digits in the paths. */
        assert_true(size < full + 8 * SERVER_LISTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(small_whatever_there_is, setup, bus_tear_down),
        };

        return cmocka_run_group_tests_name("bus-transactions", tests, NULL, NULL);
}
