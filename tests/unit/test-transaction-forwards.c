// SPDX-License-Identifier: LGPL-2.1-or-later
/* What was approved here reaches the acquirer: once, in order, and however often it takes. */
#include "test.h"

#include "base/hex.h"
#include "told-fixture.h"
#include "journal/batch.h"
#include "transaction/stored-request.h"

/* As often as an attempt may fail, without the back-off in between. */
static void run_hurried(void) {
        for (int i = 0; i < 4; i++) {
                outbox_hurry(shop.engine->outbox);
                acq_run();
        }
}

static void kick(void) {
        outbox_kick(shop.engine->outbox);
        acq_run();
}

static int is_event(const struct event_record *event, void *userdata) {
        return streq(event->kind, userdata);
}

static void assert_forwarding(int64_t id, enum forwarding_state forwarding, const char *event) {
        _cleanup_(request_record_done) struct request_record forward = {};
        struct transaction_record record = acq_load(id);

        assert_int_equal(record.forwarding, forwarding);
        assert_int_equal(record.result, RESULT_APPROVED);
        /* The request is forgotten as soon as, and not before, the acquirer has decided. */
        assert_int_equal(request_record_load(shop.journal, REQUEST_FORWARD, id, &forward),
                         forwarding == FORWARDING_PENDING ? 0 : -ENOENT);
        if (event)
                assert_int_equal(event_each(shop.journal, id, 0, 0, is_event, (void *) event), 1);
}

static void is_told(void **state) {
        struct transaction_record a = acq_add_forward("sale", 100, true),
                                  b = acq_add_forward("offline-sale", 30, false);
        uint8_t icc[BATCH_CHIP_MAX];
        size_t size;

        outbox_kick(shop.engine->outbox);
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_FORWARD), 2);
        assert_true(forwards_oldest(shop.engine) > 0);
        acq_run();
        assert_int_equal(acq.n_told, 2);
        acq_assert_told(0, HOST_SALE, &a);
        acq_assert_told(1, HOST_OFFLINE_SALE, &b);
        assert_string_equal(acq.told[0].pan, TOLD_PAN);
        assert_memory_equal(acq.told[0].icc, "chip", 4);
        assert_forwarding(a.id, FORWARDING_DONE, "forwarded");
        assert_forwarding(b.id, FORWARDING_DONE, "forwarded");
        assert_string_equal(acq_load(a.id).rrn, "000000000001");
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_FORWARD), 0);
        assert_int_equal(forwards_oldest(shop.engine), 0);
        /* What the upload needs stays until the batch is settled. */
        assert_int_equal(batch_load_chip(shop.journal, a.id, icc, &size), 0);
        assert_int_equal(batch_load_chip(shop.journal, b.id, icc, &size), -ENOENT);
}

static int start_tip(int64_t original, int64_t amount, int64_t *ret_id, struct refusal *ret) {
        static int n;
        char reference[16];
        struct engine_call call = {
                .kind = "tip",
                .amount = amount,
                .currency = "CNY",
                .reference = reference,
                .order = "",
                .original = original,
        };

        snprintf(reference, sizeof(reference), "T-%d", ++n);
        return engine_start_transaction(shop.engine, &call, ret_id, ret);
}

/* Without a card: it is that of the sale. */
static void tip(void **state) {
        struct transaction_record sale = acq_add("sale", 1000), record;
        _cleanup_(print_job_done) struct print_job job = {};
        struct refusal refusal;
        int64_t id;

        assert_true(start_tip(sale.id, 100, &id, &refusal) < 0);
        shop.settings.tip_percent = 15;
        assert_true(start_tip(sale.id, 151, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_AMOUNT);
        acq.hold = true;
        assert_int_equal(start_tip(sale.id, 150, &id, &refusal), 0);
        /* It is approved before the acquirer has been asked anything. */
        assert_int_equal(acq.finished, 1);
        record = acq_load(id);
        assert_int_equal(record.result, RESULT_APPROVED);
        assert_string_equal(record.pan_hash, sale.pan_hash);
        assert_int_equal(record.forwarding, FORWARDING_PENDING);
        assert_int_equal(print_job_find(shop.journal, id, "merchant-copy", &job), 0);
        acq.hold = false;
        acq_run();
        assert_int_equal(acq.n_told, 1);
        acq_assert_told(0, HOST_TIP, &record);
        assert_string_equal(acq.told[0].pan, TOLD_PAN);
        assert_int_equal(acq.told[0].original.stan, sale.stan);
        assert_int_equal(acq.told[0].original.batch, sale.batch);
        assert_forwarding(id, FORWARDING_DONE, "forwarded");
        assert_true(start_tip(sale.id, 1, &id, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_INVALID_ORIGINAL);
}

static struct {
        enum host_outcome outcomes[4];
        const char *codes[4];
        unsigned n;
} words;

static void answer_in_turn(const struct told *q, enum host_outcome *outcome, struct host_answer *answer) {
        unsigned i = acq.n_told - 1;

        if (i >= words.n)
                return;
        *outcome = words.outcomes[i];
        COPY(answer->code, words.codes[i]);
}

/* One forward, and the acquirer's words in their order; afterwards it approves. */
static void assert_ends(const char *name, enum forwarding_state end, unsigned n_sent) {
        struct transaction_record record = acq_add_forward("tip", 100, false);

        acq.n_told = 0;
        acq.answer = answer_in_turn;
        run_hurried();
        if (acq.n_told != n_sent || acq_load(record.id).forwarding != end)
                fail_msg("%s: %u sent, %s", name, acq.n_told,
                         forwarding_state_to_string(acq_load(record.id).forwarding));
        for (unsigned i = 0; i < acq.n_told; i++)
                acq_assert_told(i, HOST_TIP, &record);
        assert_forwarding(record.id, end, NULL);
}

static void answers(void **state) {
#define ASSERT_ENDS(end, n_sent, ...)                                                                                 \
        words = (typeof(words)) __VA_ARGS__;                                                                          \
        assert_ends(#__VA_ARGS__, end, n_sent)

        ASSERT_ENDS(FORWARDING_DONE, 1, { { HOST_ANSWERED }, { "00" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 1, { { HOST_ANSWERED }, { "11" }, 1 });
        /* No word on the money: again. */
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_NO_ANSWER }, { "" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_NOT_SENT }, { "" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_BAD_MAC }, { "" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_MALFORMED }, { "" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_ANSWERED }, { "96" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_ANSWERED }, { "09" }, 1 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_ANSWERED }, { "ZZ" }, 1 });
        /* A word against it. */
        ASSERT_ENDS(FORWARDING_REJECTED, 1, { { HOST_ANSWERED }, { "51" }, 1 });
        ASSERT_ENDS(FORWARDING_REJECTED, 1, { { HOST_ANSWERED }, { "10" }, 1 });
        ASSERT_ENDS(FORWARDING_REJECTED, 2, { { HOST_NO_ANSWER, HOST_ANSWERED }, { "", "05" }, 2 });
        /* A duplicate of what? */
        ASSERT_ENDS(FORWARDING_REJECTED, 1, { { HOST_ANSWERED }, { "94" }, 1 });
        ASSERT_ENDS(FORWARDING_REJECTED, 2, { { HOST_NOT_SENT, HOST_ANSWERED }, { "", "94" }, 2 });
        ASSERT_ENDS(FORWARDING_DONE, 2, { { HOST_NO_ANSWER, HOST_ANSWERED }, { "", "94" }, 2 });
        ASSERT_ENDS(FORWARDING_DONE, 3, { { HOST_NO_ANSWER, HOST_NOT_SENT, HOST_ANSWERED }, { "", "", "94" }, 3 });
}

/* That it may have left survives the death of who sent it. */
static void killed_before_the_answer(void **state) {
        struct transaction_record record = acq_add_forward("sale", 100, true);

        acq.hold = true;
        kick();
        assert_int_equal(acq.n_told, 1);
        acq_kill();
        acq.hold = false;
        acq.answer = answer_in_turn;
        words = (typeof(words)){ { HOST_ANSWERED, HOST_ANSWERED }, { "", "94" }, 2 };
        acq_start();
        acq_run();
        assert_int_equal(acq.n_told, 2);
        acq_assert_told(1, HOST_SALE, &record);
        assert_forwarding(record.id, FORWARDING_DONE, "forwarded");
}

static void rejected_is_not_sent_again(void **state) {
        struct transaction_record record = acq_add_forward("sale", 100, true);

        acq.answer = answer_in_turn;
        words = (typeof(words)){ { HOST_ANSWERED }, { "51" }, 1 };
        kick();
        assert_forwarding(record.id, FORWARDING_REJECTED, "forward-rejected");
        assert_string_equal(acq_load(record.id).response_code, "51");
        acq_kill();
        acq_start();
        acq_run();
        assert_int_equal(acq.n_told, 1);
}

/* The key did not fit: it was not looked at. */
static void signs_on_anew(void **state) {
        struct transaction_record record = acq_add_forward("sale", 100, true);

        acq.answer = answer_in_turn;
        words = (typeof(words)){ { HOST_ANSWERED }, { "A0" }, 1 };
        kick();
        assert_int_equal(acq.n_sign_ons, 1);
        assert_int_equal(acq.n_told, 2);
        assert_forwarding(record.id, FORWARDING_DONE, NULL);

        record = acq_add_forward("sale", 100, true);
        acq.signed_on = false;
        kick();
        assert_int_equal(acq.n_sign_ons, 2);
        assert_forwarding(record.id, FORWARDING_DONE, NULL);
}

static void reversals_first(void **state) {
        struct transaction_record forward = acq_add_forward("sale", 100, true), reversal = acq_add_reversal(7);

        acq.down = 2;
        run_hurried();
        assert_int_equal(acq.n_told, 4);
        acq_assert_told(0, HOST_REVERSAL, &reversal);
        /* While that one sits out its back-off. */
        acq_assert_told(1, HOST_SALE, &forward);
        acq_assert_told(2, HOST_REVERSAL, &reversal);
        acq_assert_told(3, HOST_SALE, &forward);
        assert_string_equal(acq.told[2].reason, HOST_REASON_NO_ANSWER);
        assert_int_equal(acq_load(reversal.id).reversal, REVERSAL_DONE);
        assert_forwarding(forward.id, FORWARDING_DONE, NULL);
}

/* A customer does not wait for another one's forward. */
static void not_while_a_transaction_runs(void **state) {
        struct engine_call call = { .kind = "echo", .currency = "", .reference = "E-1", .order = "" };
        struct transaction_record forward = acq_add_forward("sale", 100, true);
        struct refusal refusal;
        int64_t id;

        acq.hold = true;
        assert_int_equal(engine_start_transaction(shop.engine, &call, &id, &refusal), 0);
        acq_run();
        assert_int_equal(acq.n_told, 1);
        acq_assert_told(0, HOST_ECHO, NULL);
        assert_true(forwards_flush(shop.engine, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        acq.hold = false;
        acq_run();
        assert_int_equal(acq.n_told, 2);
        assert_forwarding(forward.id, FORWARDING_DONE, NULL);
}

static void flush(void **state) {
        struct request_record record;
        struct refusal refusal;
        int64_t id;

        id = acq_add_forward("sale", 100, true).id;
        (void) acq_add_forward("sale", 200, true);
        /* Its time has not come. */
        assert_int_equal(request_record_load(shop.journal, REQUEST_FORWARD, id, &record), 0);
        record.next_boot = clock_now(CLOCK_BOOTTIME) + 600 * USEC_PER_SEC;
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(request_record_update(shop.journal, &record), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        request_record_done(&record);
        kick();
        assert_int_equal(acq.n_told, 0);

        assert_int_equal(forwards_flush(shop.engine, &refusal), 0);
        assert_int_equal(acq.n_told, 1);
        assert_true(forwards_flush(shop.engine, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        acq_run();
        assert_int_equal(acq.n_told, 2);
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_FORWARD), 0);
        assert_int_equal(forwards_flush(shop.engine, &refusal), 0);
}

/* A request that the first version of the form stored, as its bytes stood. */
static void older_form(void **state) {
        _cleanup_secret_ struct stored_request *stored = NULL;
        const struct host_request q = {
                .kind = HOST_VOID,
                .stan = 7,
                .batch = 3,
                .amount = 1234,
                .currency = 156,
                .entry = HOST_ENTRY_CHIP,
                .pan = TOLD_PAN,
                .expiry = "3012",
                .psn = -1,
                .authorization_code = "123456",
                .original = { .kind = HOST_SALE, .batch = 2, .stan = 6, .date = "0102", .rrn = "1", .approval = "9" },
        };
        struct host_request read;
        uint32_t version = 1;
        size_t size;

        assert_int_equal(stored_request_new(&q, &stored, &size), 0);
        assert_int_equal(stored_request_read(stored, size, &read), 0);
        assert_int_equal(read.kind, HOST_VOID);
        assert_string_equal(read.pan, TOLD_PAN);
        assert_string_equal(read.expiry, "3012");
        assert_string_equal(read.authorization_code, "123456");
        assert_int_equal(read.original.stan, 6);
        assert_string_equal(read.original.rrn, "1");
        assert_null(read.track2);
        assert_int_equal(stored_request_read(stored, size - 1, &read), -EPROTONOSUPPORT);

        memcpy(stored, &version, sizeof(version));
        assert_int_equal(stored_request_read(stored, 312, &read), 0);
        assert_int_equal(read.amount, 1234);
        assert_int_equal(read.original.stan, 0);
        assert_null(read.authorization_code);
        assert_int_equal(stored_request_read(stored, 311, &read), -EPROTONOSUPPORT);
        version = 3;
        memcpy(stored, &version, sizeof(version));
        assert_int_equal(stored_request_read(stored, size, &read), -EPROTONOSUPPORT);
}

/* A void by chip as journals out there hold it; zeros are left out. */
static void fill_frozen(uint8_t blob[static 352]) {
        static const struct {
                size_t at;
                const char *hex;
        } parts[] = {
                { 0, "0200000001000000D2040000000000000700000003000000" },
                { 24, "FFFFFFFF9C000303" },
                { 32, "36323030303030303030303030303035" }, /* 6200000000000005 */
                { 52, "33303132" },                         /* 3012 */
                { 57, "9F2701" },
                { 312, "0200000006000000" },
                { 320, "313233343536" },             /* 123456 */
                { 327, "30313032" },                 /* 0102 */
                { 332, "313233343536373839303132" }, /* 123456789012 */
                { 345, "363534333231" },             /* 654321 */
        };

        memset(blob, 0, 352);
        for (size_t i = 0; i < ELEMENTSOF(parts); i++)
                assert_true(hex_decode(parts[i].hex, blob + parts[i].at, 352 - parts[i].at) >= 0);
}

static void frozen_form(void **state) {
        uint8_t blob[352];
        struct host_request q;

        fill_frozen(blob);
        assert_int_equal(stored_request_read(blob, sizeof(blob), &q), 0);
        assert_int_equal(q.kind, HOST_VOID);
        assert_int_equal(q.amount, 1234);
        assert_int_equal(q.stan, 7);
        assert_int_equal(q.batch, 3);
        assert_int_equal(q.psn, -1);
        assert_int_equal(q.currency, 156);
        assert_int_equal(q.entry, HOST_ENTRY_CHIP);
        assert_string_equal(q.pan, "6200000000000005");
        assert_string_equal(q.expiry, "3012");
        assert_int_equal(q.icc_size, 3);
        assert_memory_equal(q.icc, "\x9f\x27\x01", 3);
        assert_int_equal(q.original.batch, 2);
        assert_int_equal(q.original.stan, 6);
        assert_string_equal(q.authorization_code, "123456");
        assert_string_equal(q.original.date, "0102");
        assert_string_equal(q.original.rrn, "123456789012");
        assert_string_equal(q.original.approval, "654321");
}

/* What a number in the file means, whatever the program's own are. */
static void frozen_numbers(void **state) {
        static const enum host_kind kinds[] = {
                HOST_SALE,         HOST_VOID,       HOST_REFUND,          HOST_PREAUTH,
                HOST_PREAUTH_VOID, HOST_COMPLETION, HOST_COMPLETION_VOID, HOST_BALANCE,
                HOST_OFFLINE_SALE, HOST_TIP,
        };
        static const enum host_entry entries[] = { HOST_ENTRY_NONE, HOST_ENTRY_MANUAL, HOST_ENTRY_STRIPE,
                                                   HOST_ENTRY_CHIP, HOST_ENTRY_FALLBACK };
        uint8_t blob[352];
        struct host_request q = { .stan = 1, .batch = 1, .psn = -1 }, read;
        struct stored_request *stored;
        size_t size;

        fill_frozen(blob);
        for (uint8_t i = 0; i < ELEMENTSOF(kinds); i++) {
                q.kind = kinds[i];
                q.entry = entries[i % ELEMENTSOF(entries)];
                assert_int_equal(stored_request_new(&q, &stored, &size), 0);
                assert_int_equal(size, sizeof(blob));
                assert_int_equal(((uint8_t *) stored)[4], i);
                assert_int_equal(((uint8_t *) stored)[30], i % ELEMENTSOF(entries));
                secret_free(stored);
                blob[4] = i;
                blob[30] = i % ELEMENTSOF(entries);
                assert_int_equal(stored_request_read(blob, sizeof(blob), &read), 0);
                assert_int_equal(read.kind, q.kind);
                assert_int_equal(read.entry, q.entry);
        }
        /* Of another version: nothing is guessed. */
        blob[4] = ELEMENTSOF(kinds);
        assert_int_equal(stored_request_read(blob, sizeof(blob), &read), -EPROTONOSUPPORT);
        blob[4] = 0;
        blob[30] = ELEMENTSOF(entries);
        assert_int_equal(stored_request_read(blob, sizeof(blob), &read), -EPROTONOSUPPORT);
        q.kind = HOST_SIGN_ON;
        assert_int_equal(stored_request_new(&q, &stored, &size), -ERANGE);
}

/* Whatever is reversed or told later can be stored. */
static void all_kinds_are_stored(void **state) {
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++) {
                const struct kind *kind = kind_find(host_kind_name(k));
                struct host_request q = { .kind = k, .stan = 1, .batch = 1, .psn = -1 };
                struct stored_request *stored;
                size_t size;

                if (!kind || (kind->way != KIND_WAY_ADVICE && !host_profile_unionpay.kinds[k].reversal))
                        continue;
                assert_int_equal(stored_request_new(&q, &stored, &size), 0);
                secret_free(stored);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(is_told, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(tip, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(answers, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(killed_before_the_answer, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(rejected_is_not_sent_again, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(signs_on_anew, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(reversals_first, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(not_while_a_transaction_runs, acq_setup, acq_teardown),
                cmocka_unit_test_setup_teardown(flush, acq_setup, acq_teardown),
                cmocka_unit_test(older_form),
                cmocka_unit_test(frozen_form),
                cmocka_unit_test(frozen_numbers),
                cmocka_unit_test(all_kinds_are_stored),
        };

        return cmocka_run_group_tests_name("transaction-forwards", tests, NULL, NULL);
}
