// SPDX-License-Identifier: LGPL-2.1-or-later
/* What exchanges with the acquirer show, and how they show that it is over. The link is put in by the linker (--wrap).
 */
#include "test.h"

#include "base/clock.h"
#include "care-fixture.h"
#include "host/exchange.h"
#include "journal/batch.h"
#include "journal/counter.h"
#include "transaction/terminal-clock.h"

static struct {
        enum host_outcome outcome; /* of the next exchanges */
        enum host_link_reason reason;
        char code[3];
        int minutes; /* that its clock is ahead */
        int keys;    /* what the keys of a sign-on are worth */
        bool hold;

        enum host_kind kind;
        host_exchange_done_t done;
        void *userdata;
        sd_event_source *due;
        unsigned n_asked, n_cancelled;

        struct host_network_state network;
        sd_event_source *waits; /* by which the engine waits before it asks by itself */
        uint64_t pause;         /* how long, at last */
        bool soon;              /* it does not wait */
} line;

int __wrap_host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                         const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done,
                         void *userdata);
bool __wrap_host_link_cancel(struct host_link *link);
int __wrap_host_keys_load(struct host_keys *keys, const void *data, size_t size);
bool __wrap_host_keys_ready(const struct host_keys *keys);
void __wrap_host_network_get(const struct host_network *n, struct host_network_state *ret);
int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);
int __real_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec);

/* The machine's own clock is right; care.clock_offset is what the terminal makes of it. */
static void set_time(struct host_answer *answer) {
        time_t now =
                (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC - (uint64_t) care.clock_offset) + line.minutes * 60;
        struct tm tm;

        assert_non_null(localtime_r(&now, &tm));
        assert_true(strftime(answer->date, sizeof(answer->date), "%m%d", &tm) > 0);
        assert_true(strftime(answer->time, sizeof(answer->time), "%H%M%S", &tm) > 0);
}

static int on_due(sd_event_source *s, void *userdata) {
        struct host_answer answer = { .keys = { 1 }, .keys_size = 40 };

        if (line.hold)
                return 0;
        (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        COPY(answer.code, line.code);
        set_time(&answer);
        line.done(line.outcome, line.reason, line.outcome == HOST_ANSWERED ? &answer : NULL, line.userdata);
        return 0;
}

int __wrap_host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                         const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done,
                         void *userdata) {
        line.kind = q->kind;
        line.done = done;
        line.userdata = userdata;
        line.n_asked++;
        line.due = sd_event_source_disable_unref(line.due);
        return sd_event_add_defer(shop.event, &line.due, on_due, NULL);
}

bool __wrap_host_link_cancel(struct host_link *link) {
        line.due = sd_event_source_disable_unref(line.due);
        line.n_cancelled++;
        return false;
}

int __wrap_host_keys_load(struct host_keys *keys, const void *data, size_t size) {
        return line.keys;
}

bool __wrap_host_keys_ready(const struct host_keys *keys) {
        return true;
}

void __wrap_host_network_get(const struct host_network *n, struct host_network_state *ret) {
        *ret = line.network;
}

int __wrap_sd_event_source_set_time_relative(sd_event_source *s, uint64_t usec) {
        if (!line.waits && usec == 30 * USEC_PER_SEC)
                line.waits = s;
        if (s != line.waits)
                return __real_sd_event_source_set_time_relative(s, usec);
        line.pause = usec;
        return __real_sd_event_source_set_time_relative(s, line.soon ? 0 : usec);
}

static int setup(void **state) {
        memset(&line, 0, sizeof(line));
        line.network.link = line.network.route = line.network.had_link = true;
        COPY(line.code, "00");
        return care_setup(state);
}

static int teardown(void **state) {
        line.due = sd_event_source_disable_unref(line.due);
        return care_teardown(state);
}

static void on_answer(enum host_outcome outcome, enum host_link_reason reason, const struct host_answer *answer,
                      void *userdata) {
}

static void on_signed_on(const char *failure, void *userdata) {
}

static void exchange(enum host_kind kind, enum host_outcome outcome, enum host_link_reason reason) {
        struct host_request q = { .kind = kind, .psn = -1 };

        line.outcome = outcome;
        line.reason = reason;
        assert_int_equal(acquirer_exchange(shop.engine->acquirer, &q, on_answer, NULL), 0);
        care_run();
}

static void sign_on(const char *code, int keys) {
        line.outcome = HOST_ANSWERED;
        line.reason = HOST_LINK_OK;
        COPY(line.code, code);
        line.keys = keys;
        assert_int_equal(acquirer_sign_on(shop.engine->acquirer, 0, on_signed_on, NULL), 0);
        care_run();
}

static void sale(const char *code) {
        COPY(line.code, code);
        exchange(HOST_SALE, HOST_ANSWERED, HOST_LINK_OK);
}

static void each_reason(void **state) {
        static const struct {
                enum host_outcome outcome;
                enum host_link_reason reason;
                const char *code;
        } cases[] = {
                { HOST_NOT_SENT, HOST_LINK_NAME, "acquirer-name" },
                { HOST_NOT_SENT, HOST_LINK_UNREACHABLE, "acquirer-unreachable" },
                { HOST_NOT_SENT, HOST_LINK_CONNECT_TIMEOUT, "acquirer-unreachable" },
                { HOST_NOT_SENT, HOST_LINK_TLS_CA, "acquirer-untrusted" },
                { HOST_NOT_SENT, HOST_LINK_TLS_NAME, "acquirer-untrusted" },
                { HOST_NOT_SENT, HOST_LINK_TLS_EXPIRED, "acquirer-untrusted" },
                { HOST_NOT_SENT, HOST_LINK_TLS_VERSION, "acquirer-untrusted" },
                { HOST_NOT_SENT, HOST_LINK_TLS_OTHER, "acquirer-untrusted" },
                { HOST_NO_ANSWER, HOST_LINK_TLS_CLIENT, "acquirer-refuses-us" },
                { HOST_NOT_SENT, HOST_LINK_CLOSED, "acquirer-silent" },
                { HOST_NO_ANSWER, HOST_LINK_CLOSED, "acquirer-silent" },
                { HOST_NO_ANSWER, HOST_LINK_TIMEOUT, "acquirer-silent" },
                { HOST_NO_ANSWER, HOST_LINK_MALFORMED, "acquirer-garbled" },
                { HOST_MALFORMED, HOST_LINK_OK, "acquirer-garbled" },
                { HOST_BAD_MAC, HOST_LINK_OK, "acquirer-garbled" },
        };

        /* What was never asked says nothing. */
        care_assert_none();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                exchange(HOST_SALE, cases[i].outcome, cases[i].reason);
                assert_non_null(strstr(care_assert_one(cases[i].code, "").detail, "127.0.0.1:9"));
                exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
                care_assert_none();
        }
        /* One takes the place of the other. */
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_NAME);
        exchange(HOST_SALE, HOST_NO_ANSWER, HOST_LINK_TIMEOUT);
        care_assert_one("acquirer-silent", "");
        /* No word of the acquirer's about money is a fault. */
        sale("51");
        care_assert_none();
}

static void sign_on_refused(void **state) {
        sign_on("97", 0);
        assert_non_null(strstr(care_assert_one("acquirer-sign-on", "").detail, "answer 97"));
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        care_assert_one("acquirer-sign-on", "");
        sign_on("00", 0);
        care_assert_none();
}

static void other_keys(void **state) {
        sign_on("00", -EKEYREJECTED);
        care_assert_one("keys-refused", "");
        sign_on("00", 0);
        care_assert_none();
}

/* The acquirer may have forgotten them once: then it gets new ones. */
static void keys_refused(void **state) {
        sale("A0");
        care_assert_none();
        sign_on("00", 0);
        sale("A0");
        care_assert_none();
        sign_on("00", 0);
        sale("A0");
        care_assert_one("keys-refused", "");
        sign_on("00", 0);
        care_assert_one("keys-refused", "");
        sale("51");
        care_assert_none();
}

/* Why nobody answered to its settlement is said first; when that is over, that it has to go on. */
static void batch_frozen(void **state) {
        struct transaction_record sale;
        struct batch_record batch;
        uint32_t next;

        transaction_record_init(&sale);
        COPY(sale.reference, "S");
        COPY(sale.kind, "sale");
        COPY(sale.currency, "CNY");
        sale.amount = 100;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(transaction_record_insert(shop.journal, &sale), 0);
        sale.batch = sale.stan = 1;
        sale.state = TRANSACTION_DONE;
        sale.result = RESULT_APPROVED;
        assert_int_equal(transaction_record_update(shop.journal, &sale), 0);
        assert_int_equal(batch_load_current(shop.journal, &batch), 0);
        batch.settlement = sale.id;
        memset(batch.totals, '0', sizeof(batch.totals) - 1);
        batch.totals[sizeof(batch.totals) - 1] = '\0';
        assert_int_equal(batch_freeze(shop.journal, &batch), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        exchange(HOST_SETTLEMENT, HOST_NO_ANSWER, HOST_LINK_TIMEOUT);
        care_assert_one("acquirer-silent", "");
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        assert_non_null(strstr(care_assert_one("batch-frozen", "").detail, "batch 000001 is frozen"));
        /* A start knows nothing of the line yet. */
        care_stop();
        care_start();
        care_assert_one("batch-frozen", "");
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        batch.reconciliation = BATCH_BALANCED;
        assert_int_equal(batch_advance(shop.journal, &batch, &next), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        care_assert_none();
}

static void clock_differs(void **state) {
        line.minutes = 9;
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        care_assert_none();
        line.minutes = 25;
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        assert_non_null(strstr(care_assert_one("clock-differs", "").detail, "25 min ahead"));
        /* It ends as soon as the clock is set, and is seen as soon as it is set wrong. */
        care.clock_offset = 25 * 60;
        care_assert_none();
        care.clock_offset = 37 * 60;
        assert_non_null(strstr(care_assert_one("clock-differs", "").detail, "12 min behind"));
        line.minutes = 37;
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        care_assert_none();
        /* Another zone is none. */
        line.minutes = 8 * 60 + 37;
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        care_assert_none();
}

static void no_network(void **state) {
        shop.settings.acquirer_hosts[0] = (char *) "acquirer.example:9";
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_NAME);
        care_assert_one("acquirer-name", "");
        /* It was seen under another network: nothing is known before it is asked again. */
        line.network.changed_boot = clock_now(CLOCK_BOOTTIME);
        care_assert_none();
        line.network.route = false;
        line.network.changed_boot = clock_now(CLOCK_BOOTTIME);
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_UNREACHABLE);
        care_assert_one("network-down", "");
        line.network.link = false;
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_NAME);
        care_assert_one("network-down", "");
        line.network.link = line.network.route = true;
        line.network.changed_boot = clock_now(CLOCK_BOOTTIME);
        care_assert_none();
        /* An acquirer of the local network needs no default route. */
        line.network.route = false;
        exchange(HOST_ECHO, HOST_ANSWERED, HOST_LINK_OK);
        care_assert_none();
        /* One that was there and is there no longer needs nobody who asks. */
        line.network.link = false;
        care_assert_one("network-down", "");
        /* One that nothing has shown yet is no fault. */
        line.network.had_link = false;
        care_assert_none();
        shop.settings.acquirer_hosts[0] = (char *) "localhost:9";
        line.network.had_link = true;
        care_assert_none();
}

/* The pause is over, once. */
static void wait_is_over(void) {
        assert_true(sd_event_source_get_enabled(line.waits, NULL) > 0);
        assert_int_equal(__real_sd_event_source_set_time_relative(line.waits, 0), 0);
        care_run();
}

static void asks_again(void **state) {
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_UNREACHABLE);
        assert_int_equal(line.pause, 30 * USEC_PER_SEC);
        for (unsigned i = 0; i < 3; i++) {
                wait_is_over();
                assert_int_equal(line.n_asked, 2 + i);
                assert_int_equal(line.kind, HOST_ECHO);
                assert_int_equal(line.pause, (30 << i) * USEC_PER_SEC);
                care_assert_one("acquirer-unreachable", "");
        }
        line.outcome = HOST_ANSWERED;
        line.reason = HOST_LINK_OK;
        wait_is_over();
        care_assert_none();
        assert_int_equal(sd_event_source_get_enabled(line.waits, NULL), 0);

        /* Where the sign-on had failed it is that which is tried. */
        sign_on("97", 0);
        care_assert_one("acquirer-sign-on", "");
        COPY(line.code, "00");
        wait_is_over();
        assert_int_equal(line.kind, HOST_SIGN_ON);
        care_assert_none();
        assert_int_equal(sd_event_source_get_enabled(line.waits, NULL), 0);
}

/* A customer does not wait for it. */
static void yields(void **state) {
        const struct engine_call call = { .kind = "echo", .reference = "E-1", .currency = "", .order = "" };
        struct refusal refusal;
        int64_t id;

        exchange(HOST_SALE, HOST_NO_ANSWER, HOST_LINK_TIMEOUT);
        line.hold = true;
        wait_is_over();
        assert_true(acquirer_is_busy(shop.engine->acquirer));
        if (engine_start_transaction(shop.engine, &call, &id, &refusal) < 0)
                fail_msg("%s", refusal.text);
        assert_int_equal(line.n_cancelled, 1);
        line.hold = false;
        line.outcome = HOST_ANSWERED;
        line.reason = HOST_LINK_OK;
        care_run();
        assert_int_equal(engine_current(shop.engine), 0);
        assert_int_equal(line.n_asked, 3);
        care_assert_none();
}

/* At once when the network is another one, where the acquirer was asked before. */
static void asks_on_another_network(void **state) {
        shop.settings.acquirer_hosts[0] = (char *) "acquirer.example:9";
        acquirer_check_hurry(shop.engine->acquirer_check);
        care_run();
        assert_int_equal(line.n_asked, 0);
        exchange(HOST_SALE, HOST_NOT_SENT, HOST_LINK_NAME);
        line.outcome = HOST_ANSWERED;
        line.reason = HOST_LINK_OK;
        acquirer_check_hurry(shop.engine->acquirer_check);
        care_run();
        assert_int_equal(line.n_asked, 2);
        care_assert_none();
}

static void note_well(bool well, void *userdata) {
        *(int *) userdata = well;
}

/* Who waits for its answer has it over the other network. */
static void tells_after_another_network(void **state) {
        int well = -1;

        shop.settings.acquirer_hosts[0] = (char *) "acquirer.example:9";
        exchange(HOST_SALE, HOST_ANSWERED, HOST_LINK_OK);
        line.hold = true;
        assert_int_equal(acquirer_check_ask(shop.engine->acquirer_check, note_well, &well), 0);
        care_run();
        line.hold = false;
        acquirer_check_hurry(shop.engine->acquirer_check);
        care_run();
        assert_int_equal(line.n_cancelled, 1);
        assert_int_equal(well, true);
}

static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(sign_on_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(other_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(batch_frozen, setup, teardown),
        cmocka_unit_test_setup_teardown(clock_differs, setup, teardown),
        cmocka_unit_test_setup_teardown(no_network, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_again, setup, teardown),
        cmocka_unit_test_setup_teardown(yields, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_on_another_network, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_after_another_network, setup, teardown),
};

int main(void) {
        return cmocka_run_group_tests(tests, NULL, NULL);
}
