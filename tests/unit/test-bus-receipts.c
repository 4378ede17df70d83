// SPDX-License-Identifier: LGPL-2.1-or-later
/* org.tilld1.Receipts over a connection: which paper a caller has who does not say which. */
#include "bus-fixture.h"

#include "journal/connection.h"

static int setup(void **state) {
        bus_set_up();
        assert_true(receipts_register(bus.server) >= 0);
        return 0;
}

/* A transaction with the papers that it had at its end. */
static void add(const char *reference, const char *kind, enum transaction_result result, const enum slip_paper *papers,
                size_t n) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.reference, reference);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = 100;
        record.state = TRANSACTION_DONE;
        record.result = result;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_LAZY), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &record), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(printing_queue(shop.engine, &record, papers[i]), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
}

/* The text, or the error's last word. */
static const char *text_of(const char *reference) {
        sd_bus_message *m;
        const char *text;

        bus.answered = false;
        bus.reply = sd_bus_message_unref(bus.reply);
        assert_true(sd_bus_message_new_method_call(bus.client, &m, NULL, SERVER_PATH, "org.tilld1.Receipts",
                                                   "GetText") >= 0);
        assert_true(sd_bus_message_append(m, "a{sv}", 1, "reference", "s", reference) >= 0);
        assert_true(sd_bus_call_async(bus.client, NULL, m, on_reply, NULL, 200 * USEC_PER_SEC) >= 0);
        sd_bus_message_unref(m);
        wait_for_answer();
        if (*bus.error)
                return strrchr(bus.error, '.') + 1;
        assert_true(sd_bus_message_read(bus.reply, "s", &text) >= 0);
        return text;
}

static void assert_paper(const char *reference, const char *title) {
        const char *text = text_of(reference);

        if (!strstr(text, title))
                fail_msg("%s: \"%s\" is not in:\n%s", reference, title, text);
}

static void the_paper_that_there_is(void **state) {
        static const enum slip_paper both[] = { SLIP_MERCHANT_COPY, SLIP_CARDHOLDER_COPY };
        static const enum slip_paper not_completed[] = { SLIP_NOT_COMPLETED }, settlement[] = { SLIP_SETTLEMENT };

        add("sale", "sale", RESULT_APPROVED, both, 2);
        add("refund", "refund", RESULT_UNCONFIRMED, not_completed, 1);
        add("settlement", "settlement", RESULT_APPROVED, settlement, 1);
        add("balance", "balance", RESULT_APPROVED, NULL, 0);
        assert_paper("sale", "CARDHOLDER COPY");
        assert_paper("refund", "NOT COMPLETED");
        assert_paper("settlement", "SETTLEMENT");
        assert_paper("balance", "NotFound");
        assert_paper("other", "NotFound");
}

/* Where cardholders have no copy. */
static void the_merchants_copy(void **state) {
        static const enum slip_paper merchant[] = { SLIP_MERCHANT_COPY };

        shop.settings.cardholder_copy = false;
        add("sale", "sale", RESULT_APPROVED, merchant, 1);
        assert_paper("sale", "MERCHANT COPY");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_paper_that_there_is, setup, bus_tear_down),
                cmocka_unit_test_setup_teardown(the_merchants_copy, setup, bus_tear_down),
        };

        return cmocka_run_group_tests_name("bus: receipts", tests, NULL, NULL);
}
