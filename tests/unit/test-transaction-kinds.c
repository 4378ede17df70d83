// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kinds beside the sale, by chip through the whole engine: what each asks of the card, of a supervisor and of the
 * acquirer, what its original allows, and what it ends in.
 */
#include "test.h"

#include "chip-fixture.h"
#include "bound-phone.h"
#include "journal/internal.h"
#include "journal/counter.h"
#include "journal/event.h"
#include "notice/send.h"

/* What a worker says in place of what its card has told. */
#define SHORT_PAN 1

#define SALE ((struct engine_call){ .kind = "sale", .amount = 1234, .currency = "CNY" })

/* The last one as the journal has it. */
static const struct transaction_record *record(void) {
        return &chip.view.record;
}

static void assert_result(enum transaction_result result, const char *reason) {
        assert_string_equal(transaction_result_to_string(record()->result), transaction_result_to_string(result));
        assert_string_equal(record()->reason, reason);
}

/* Whole, by the card that is in the reader. Returns its id. */
static int64_t run(struct engine_call call) {
        int64_t id = chip_start(call);

        if (engine_current(shop.engine) == id)
                chip_finish_sale();
        return id;
}

/* Approved by a supervisor beforehand. */
static struct engine_call about(const char *kind, int64_t original, int64_t amount) {
        return (struct engine_call){
                .kind = kind, .amount = amount, .currency = "CNY", .original = original, .approver = "uid 0"
        };
}

static int64_t run_approved(struct engine_call call) {
        int64_t id = run(call);

        assert_result(RESULT_APPROVED, "");
        return id;
}

static int64_t sell(void) {
        return run_approved(SALE);
}

static void assert_refused(struct engine_call call, enum refusal_code code, const char *words) {
        struct refusal refusal = {};
        int64_t id;

        call.reference = "refused";
        call.order = "";
        assert_true(engine_start_transaction(shop.engine, &call, &id, &refusal) < 0);
        if (refusal.code != code || !strstr(refusal.text, words))
                fail_msg("%d \"%s\" is not %d \"%s\"", refusal.code, refusal.text, code, words);
        assert_int_equal(engine_current(shop.engine), 0);
}

static int setup(void **state) {
        log_set_max_level(LOG_EMERG);
        chip_setup(state);
        strcpy(chip.behaviour.card, "unionpay");
        return 0;
}

/* ---- Void ---- */

static bool job_says(int64_t transaction, const char *what) {
        _cleanup_(print_job_done) struct print_job job = {};

        assert_int_equal(print_job_find(shop.journal, transaction, "merchant-copy", &job), 0);
        return memmem(job.content, job.content_size, what, strlen(what));
}

/* What checkout is told and what the paper says agree, up to the amount and above it. */
static void nobody_signs_for_little(void **state) {
        struct receipt_style style = *receipt_style_default();
        int64_t id;

        style.n_no_signature = 1;
        style.no_signature[0] = (struct style_limit){ "CNY", 1234 };
        shop.settings.style = &style;
        id = sell();
        run_approved(about("void", id, 1234));
        assert_false(record()->signature);
        assert_true(job_says(record()->id, "verification=none"));

        style.no_signature[0].amount = 1233;
        id = sell();
        run_approved(about("void", id, 1234));
        assert_true(record()->signature);
        assert_true(job_says(record()->id, "verification=signature"));
        shop.settings.style = NULL;
}

static void a_void_names_its_original(void **state) {
        struct transaction_record sale;
        int64_t id = sell();

        sale = *record();
        run_approved(about("void", id, 1234));
        assert_int_equal(chip.kind, HOST_VOID);
        assert_int_equal(chip.amount, 1234);
        assert_int_equal(chip.original.stan, sale.stan);
        assert_int_equal(chip.original.batch, sale.batch);
        assert_string_equal(chip.original.rrn, sale.rrn);
        assert_string_equal(chip.original.approval, sale.authorization_code);
        assert_string_equal(chip.pan, "6200000000000005");
        /* The card was read and not asked: there is nothing for its issuer. */
        assert_int_equal(chip.de55_size, 0);
        assert_true(record()->stan != sale.stan && record()->voucher != sale.voucher);
        assert_true(record()->signature);
        assert_int_equal(record()->original, id);
        assert_string_equal(record()->approver, "uid 0");
        assert_int_equal(record()->print, PRINT_QUEUED);
        /* Voiding a sale does not change it. */
        assert_int_equal(transaction_record_load(shop.journal, id, &sale), 0);
        assert_int_equal(sale.result, RESULT_APPROVED);
}

static void another_card_voids_nothing(void **state) {
        int64_t id = sell();

        strcpy(chip.behaviour.card, "visa");
        run(about("void", id, 1234));
        assert_result(RESULT_FAILED, "other-card");
        assert_int_equal(chip.requests, 0);
        assert_int_equal(record()->stan, 0);

        strcpy(chip.behaviour.card, "unionpay");
        run_approved(about("void", id, 1234));
}

static void what_may_be_voided(void **state) {
        int64_t id = sell(), other;
        struct engine_call dollars = about("void", id, 1234);

        dollars.currency = "USD";
        assert_refused(dollars, REFUSAL_UNKNOWN_CURRENCY, "CNY");
        assert_refused(about("void", id, 1000), REFUSAL_INVALID_AMOUNT, "1234");
        assert_refused(about("void", id + 100, 1234), REFUSAL_INVALID_ORIGINAL, "no transaction");
        assert_refused(about("void", 0, 1234), REFUSAL_INVALID_ORIGINAL, "original");
        assert_refused(about("completion-void", id, 1234), REFUSAL_INVALID_ORIGINAL, "another kind");
        other = run_approved(about("void", id, 1234));
        assert_refused(about("void", id, 1234), REFUSAL_INVALID_ORIGINAL, "already");
        assert_refused(about("refund", id, 1), REFUSAL_INVALID_ORIGINAL, "voided");
        assert_refused(about("void", other, 1234), REFUSAL_INVALID_ORIGINAL, "another kind");

        chip.code = "05";
        other = run(SALE);
        assert_result(RESULT_DECLINED, "refused");
        assert_refused(about("void", other, 1234), REFUSAL_INVALID_ORIGINAL, "not approved");
        chip.code = "00";

        /* The batch decides, not the day. */
        id = sell();
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_batch(shop.journal, 2), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        assert_refused(about("void", id, 1234), REFUSAL_INVALID_ORIGINAL, "settled");
        run_approved(about("refund", id, 1234));
}

static void a_lost_void_is_reversed_and_may_be_tried_again(void **state) {
        int64_t id = sell();

        chip.outcome = HOST_NO_ANSWER;
        run(about("void", id, 1234));
        assert_result(RESULT_FAILED, "no-answer");
        assert_int_equal(record()->reversal, REVERSAL_DONE);
        assert_int_equal(chip.reversals, 1);
        assert_string_equal(chip.reversal_reason, HOST_REASON_NO_ANSWER);
        chip.outcome = HOST_ANSWERED;
        run_approved(about("void", id, 1234));
}

/* ---- Refund ---- */

static void refunds_are_never_above_the_original(void **state) {
        int64_t id = sell();

        assert_refused(about("refund", id, 1235), REFUSAL_INVALID_AMOUNT, "12.34 CNY");
        run_approved(about("refund", id, 1000));
        assert_int_equal(chip.kind, HOST_REFUND);
        assert_int_equal(chip.amount, 1000);
        assert_int_equal(record()->reversal, REVERSAL_NONE);
        assert_string_equal(record()->cryptogram_kind, "AAC");
        assert_refused(about("refund", id, 235), REFUSAL_INVALID_AMOUNT, "2.34 CNY");
        assert_refused(about("void", id, 1234), REFUSAL_INVALID_ORIGINAL, "refunded");

        chip.code = "05";
        run(about("refund", id, 234));
        assert_result(RESULT_DECLINED, "refused");
        chip.code = "00";
        run_approved(about("refund", id, 234));
        assert_refused(about("refund", id, 1), REFUSAL_INVALID_ORIGINAL, "whole");
}

static void assert_unconfirmed_refund(int64_t id, int64_t sale) {
        struct request_record reversal;

        assert_result(RESULT_UNCONFIRMED, "unconfirmed");
        assert_int_equal(record()->id, id);
        assert_int_equal(record()->reversal, REVERSAL_NONE);
        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, id, &reversal), -ENOENT);
        assert_refused(about("refund", sale, 235), REFUSAL_INVALID_AMOUNT, "2.34 CNY");
}

static void a_lost_refund_is_unconfirmed_and_counts(void **state) {
        static const enum host_outcome lost[] = { HOST_NO_ANSWER, HOST_BAD_MAC, HOST_MALFORMED };

        for (size_t i = 0; i < ELEMENTSOF(lost); i++) {
                int64_t id, sale;

                chip.outcome = HOST_ANSWERED;
                sale = sell();
                chip.outcome = lost[i];
                id = run(about("refund", sale, 1000));
                assert_int_equal(chip.requests, 1);
                assert_int_equal(chip.reversals, 0);
                assert_unconfirmed_refund(id, sale);
        }
}

/* A malfunction, or an issuer that did not answer, says nothing about the money. */
static void an_answer_that_decides_nothing(void **state) {
        static const char *const codes[] = { "06", "09", "10", "22", "68", "96", "98", "Q7" };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++) {
                int64_t sale;

                chip.code = "00";
                sale = sell();
                chip.code = codes[i];
                run(about("refund", sale, 1000));
                assert_result(RESULT_UNCONFIRMED, "unconfirmed");
                assert_refused(about("refund", sale, 235), REFUSAL_INVALID_AMOUNT, "2.34 CNY");
                run(SALE);
                assert_result(RESULT_FAILED, "bad-answer");
                assert_int_equal(record()->reversal, REVERSAL_DONE);
        }
        chip.code = "91";
        run(SALE);
        assert_result(RESULT_DECLINED, "refused");
}

static void an_unsent_refund_is_failed(void **state) {
        int64_t sale = sell();

        chip.outcome = HOST_NOT_SENT;
        run(about("refund", sale, 1234));
        assert_result(RESULT_FAILED, "unreachable-host");
        chip.outcome = HOST_ANSWERED;
        run_approved(about("refund", sale, 1234));
}

/* tilld is killed while the acquirer is asked. */
static void a_refund_that_was_cut_off(void **state) {
        int64_t sale = sell(), id;

        chip.hold = true;
        id = chip_start(about("refund", sale, 1000));
        while (chip.requests == 0)
                chip_run();
        chip_restart();
        assert_int_equal(transaction_record_load(shop.journal, id, &chip.view.record), 0);
        assert_unconfirmed_refund(id, sale);
        assert_int_equal(record()->print, PRINT_QUEUED);
        for (int i = 0; i < 20; i++)
                chip_run();
        assert_int_equal(chip.requests, 1);
        assert_int_equal(chip.reversals, 0);
}

/* ---- On paper ---- */

static void assert_paper(int64_t id, enum slip_paper paper, const char *says, const char *never) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(shop_paper(id, paper, &text), 0);
        if (!strstr(text, says) || strstr(text, never))
                fail_msg("%s, or without %s:\n%s", never, says, text);
}

static void papers_name_the_original(void **state) {
        char voucher[16];
        int64_t id = sell();

        (void) snprintf(voucher, sizeof(voucher), "%06u", record()->voucher);
        id = run_approved(about("void", id, 1234));
        assert_paper(id, SLIP_MERCHANT_COPY, "ORIGINAL VOUCHER", "RMB 12.34");
        assert_paper(id, SLIP_MERCHANT_COPY, voucher, "CHARGED");
        assert_paper(id, SLIP_MERCHANT_COPY, "RMB -12.34", "NOT COMPLETED");
        assert_paper(id, SLIP_MERCHANT_COPY, "uid 0", "NOT COMPLETED");
        assert_paper(id, SLIP_CARDHOLDER_COPY, voucher, "APPROVED BY");
}

static void papers_of_what_did_not_end_well(void **state) {
        int64_t id = sell(), lost;

        chip.outcome = HOST_NO_ANSWER;
        lost = run(about("refund", id, 1000));
        assert_paper(lost, SLIP_NOT_COMPLETED, "Do not refund again", "REVERSED");
        assert_paper(lost, SLIP_NOT_COMPLETED, "NOT YET KNOWN", "again by itself");
        chip.outcome = HOST_ANSWERED;
        id = sell();
        chip.outcome = HOST_NO_ANSWER;
        lost = run(about("void", id, 1234));
        assert_paper(lost, SLIP_NOT_COMPLETED, "The original transaction stands", "pay again");
        lost = run(SALE);
        assert_paper(lost, SLIP_NOT_COMPLETED, "You may pay again", "original transaction");
}

/* ---- Pre-authorization ---- */

#define PREAUTH ((struct engine_call){ .kind = "pre-authorization", .amount = 10000, .currency = "CNY" })

static void a_completion_has_up_to_115_percent(void **state) {
        int64_t id = run_approved(PREAUTH), completion;

        assert_int_equal(chip.kind, HOST_PREAUTH);
        assert_true(chip.de55_size > 0);
        assert_refused(about("completion", id, 11501), REFUSAL_INVALID_AMOUNT, "115.00 CNY");
        completion = run_approved(about("completion", id, 11500));
        assert_int_equal(chip.kind, HOST_COMPLETION);
        assert_string_equal(chip.original.approval, "123456");
        assert_refused(about("completion", id, 1), REFUSAL_INVALID_ORIGINAL, "completed");
        assert_refused(about("pre-authorization-void", id, 10000), REFUSAL_INVALID_ORIGINAL, "completed");
        assert_refused(about("completion-void", completion, 10000), REFUSAL_INVALID_AMOUNT, "11500");

        run_approved(about("completion-void", completion, 11500));
        assert_int_equal(chip.kind, HOST_COMPLETION_VOID);
        assert_refused(about("completion-void", completion, 11500), REFUSAL_INVALID_ORIGINAL, "already");
        assert_refused(about("refund", completion, 1), REFUSAL_INVALID_ORIGINAL, "voided");
        /* The pre-authorization is open again. */
        completion = run_approved(about("completion", id, 9000));
        run_approved(about("refund", completion, 9000));
}

static void a_voided_preauthorization_is_over(void **state) {
        int64_t id = run_approved(PREAUTH);

        assert_refused(about("refund", id, 1), REFUSAL_INVALID_ORIGINAL, "another kind");
        assert_refused(about("pre-authorization-void", id, 9999), REFUSAL_INVALID_AMOUNT, "10000");
        run_approved(about("pre-authorization-void", id, 10000));
        assert_int_equal(chip.kind, HOST_PREAUTH_VOID);
        assert_refused(about("completion", id, 1), REFUSAL_INVALID_ORIGINAL, "voided");
        assert_refused(about("pre-authorization-void", id, 10000), REFUSAL_INVALID_ORIGINAL, "voided");
}

static void a_preauthorization_grows_old(void **state) {
        int64_t id = run_approved(PREAUTH);
        const uint64_t day = 24 * 3600 * USEC_PER_SEC;
        struct transaction_record old = *record();
        static const struct { int by_clock, by_uptime; } days[] = { { 29, 29 }, { 3650, 29 }, { 29, 31 }, { 31, 31 } };

        for (size_t i = 0; i < ELEMENTSOF(days); i++) {
                char sql[128];

                old.finished_usec = clock_now(CLOCK_REALTIME) - (uint64_t) days[i].by_clock * day;
                assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_record_update(shop.journal, &old), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                /* So long ago by this boot and one before it there was that transaction. */
                snprintf(sql, sizeof(sql), "UPDATE uptime SET base_usec = %" PRIu64 ", total_usec = %" PRIu64,
                         (uint64_t) 100 * day, (uint64_t) 100 * day + clock_now(CLOCK_BOOTTIME));
                assert_int_equal(journal_execute(shop.journal, sql), 0);
                assert_int_equal(journal_execute(shop.journal, "DELETE FROM age_marks"), 0);
                snprintf(sql, sizeof(sql), "INSERT INTO age_marks VALUES (%" PRIu64 ", 0, %" PRIi64 ", 0, 0)",
                         (uint64_t) (100 - days[i].by_uptime) * day + clock_now(CLOCK_BOOTTIME), id);
                assert_int_equal(journal_execute(shop.journal, sql), 0);
                if (days[i].by_clock > 30 && days[i].by_uptime > 30)
                        assert_refused(about("completion", id, 1), REFUSAL_INVALID_ORIGINAL, "too old");
                else
                        run_approved(about("completion-void", run_approved(about("completion", id, 1)), 1));
        }
}

/* ---- The balance, and kinds about the terminal ---- */

static void a_balance_moves_no_money(void **state) {
        const struct engine_call balance = { .kind = "balance", .currency = "CNY" };
        struct engine_call wrong = balance;

        run_approved(balance);
        assert_int_equal(chip.kind, HOST_BALANCE);
        assert_int_equal(chip.amount, 0);
        assert_int_equal(record()->print, PRINT_NONE);
        assert_int_equal(record()->reversal, REVERSAL_NONE);
        chip.outcome = HOST_NO_ANSWER;
        run(balance);
        assert_result(RESULT_FAILED, "unanswered");
        assert_int_equal(chip.reversals, 0);

        wrong.amount = 1;
        assert_refused(wrong, REFUSAL_INVALID_AMOUNT, "0");
}

static void services_need_no_card(void **state) {
        const struct engine_call echo = { .kind = "echo", .currency = "" };
        struct engine_call wrong = echo;
        int64_t id;

        chip.no_reader = true;
        id = run_approved(echo);
        assert_int_equal(chip.kind, HOST_ECHO);
        assert_true(record()->id == id && record()->stan > 0);
        assert_int_equal(record()->entry, ENTRY_NONE);
        assert_int_equal(record()->print, PRINT_NONE);

        chip.outcome = HOST_NO_ANSWER;
        run(echo);
        assert_result(RESULT_FAILED, "unanswered");
        assert_int_equal(chip.reversals, 0);
        chip.outcome = HOST_NOT_SENT;
        run(echo);
        assert_result(RESULT_FAILED, "unreachable-host");
        chip.outcome = HOST_ANSWERED;
        chip.code = "96";
        run(echo);
        assert_result(RESULT_DECLINED, "refused");

        wrong.currency = "CNY";
        assert_refused(wrong, REFUSAL_UNKNOWN_CURRENCY, "currency");
        wrong = echo;
        wrong.original = id;
        assert_refused(wrong, REFUSAL_UNKNOWN_OPTION, "original");
}

/* ---- Stripes that the reader encrypts ---- */

static struct msr_swipe encrypted(const char *masked_pan, const char *service) {
        struct msr_swipe swipe = { .track2.status = TRACK_ENCRYPTED,
                                   .encrypted = { .ksn = { 1, 2, 3 }, .ksn_size = 10, .cryptogram_size = 40 } };

        COPY(swipe.encrypted.masked_pan, masked_pan);
        COPY(swipe.encrypted.service, service);
        return swipe;
}

static int64_t swipe(struct engine_call call, const char *masked_pan) {
        struct msr_swipe s = encrypted(masked_pan, "");
        int64_t id = chip_start(call);

        transaction_swiped(shop.engine->current, &s);
        while (chip.finished == 0 || chip.busy)
                chip_run();
        assert_int_equal(transaction_record_load(shop.journal, id, &chip.view.record), 0);
        return id;
}

static void an_encrypted_stripe_is_passed_on(void **state) {
        char pan[PAN_TEXT_MAX];
        int64_t id;

        id = swipe(SALE, "620000******0054");
        assert_result(RESULT_APPROVED, "");
        assert_string_equal(chip.pan, "");
        assert_int_equal(chip.encrypted.ksn_size, 10);
        assert_memory_equal(chip.encrypted.ksn, "\x01\x02\x03\x00", 4);
        assert_int_equal(chip.encrypted.cryptogram_size, 40);
        assert_int_equal(record()->entry, ENTRY_SWIPE);
        assert_true(record()->signature);
        assert_string_equal(record()->masked_pan, "620000******0054");
        assert_string_equal(record()->pan_hash, "");
        assert_int_equal(transaction_record_get_pan(shop.journal, id, pan), -ENOENT);

        /* As far as the reader shows it, it is the same card; the acquirer sees the rest. */
        swipe(about("void", id, 1234), "620000******0062");
        assert_result(RESULT_FAILED, "other-card");
        assert_int_equal(chip.requests, 0);
        swipe(about("void", id, 1234), "6200********0054");
        assert_result(RESULT_FAILED, "other-card");
        swipe(about("void", id, 1234), "****************");
        assert_result(RESULT_FAILED, "other-card");
        swipe(about("void", id, 1234), "620000******0054");
        assert_result(RESULT_APPROVED, "");
        assert_int_equal(chip.kind, HOST_VOID);
        assert_int_equal(chip.encrypted.cryptogram_size, 40);
}

/* The original's number is known by its hash, which a mask cannot be held against. */
static void an_encrypted_stripe_is_not_compared_with_a_hash(void **state) {
        struct msr_swipe s = encrypted("620000******0005", "101");
        int64_t sale = sell(), id;
        struct refusal refusal;

        id = chip_start(about("refund", sale, 1234));
        transaction_swiped(shop.engine->current, &s);
        assert_non_null(strstr(chip.view.record.message, "cannot be compared"));
        assert_string_equal(chip.view.hindrance, "not-comparable");
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
        assert_int_equal(chip.requests, 0);
}

static void a_lost_encrypted_sale_is_reversed(void **state) {
        chip.outcome = HOST_NO_ANSWER;
        swipe(SALE, "620000******0054");
        assert_result(RESULT_FAILED, "no-answer");
        assert_int_equal(chip.reversals, 1);
        assert_int_equal(record()->reversal, REVERSAL_DONE);
}

static void an_encrypted_stripe_that_is_not_taken(void **state) {
        struct msr_swipe s = encrypted("620000******0070", "201");
        struct refusal refusal;
        int64_t id;

        id = chip_start(SALE);
        assert_string_equal(chip.view.hindrance, "");
        transaction_swiped(shop.engine->current, &s);
        assert_non_null(strstr(chip.view.record.message, "has a chip"));
        assert_string_equal(chip.view.hindrance, "chip-required");
        s = encrypted("620000******0054", "101");
        s.encrypted.cryptogram_size = 0;
        transaction_swiped(shop.engine->current, &s);
        assert_non_null(strstr(chip.view.record.message, "does not take"));
        assert_string_equal(chip.view.hindrance, "encrypted");
        assert_int_equal(chip.view.hindrances, 2);
        assert_int_equal(engine_current(shop.engine), id);
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
        assert_int_equal(chip.requests, 0);
}

/* Why a stripe is asked for again. */
static void a_stripe_that_is_not_taken(void **state) {
        static const struct {
                enum track_status status;
                bool no_start;
                const char *hindrance, *message;
        } swipes[] = {
                { TRACK_UNREAD, false, "unreadable", "could not be read" },
                { TRACK_EMPTY, false, "unreadable", "could not be read" },
                { TRACK_CHECK, false, "unreadable", "could not be read" },
                { TRACK_UNREAD, true, "wrong-way", "could not be read" },
                { TRACK_MALFORMED, false, "not-payment", "not a payment card" },
        };
        struct refusal refusal;
        int64_t id;

        id = chip_start(SALE);
        for (size_t i = 0; i < ELEMENTSOF(swipes); i++) {
                struct msr_swipe s = { .track2.status = swipes[i].status, .no_start = swipes[i].no_start };

                transaction_swiped(shop.engine->current, &s);
                assert_string_equal(chip.view.hindrance, swipes[i].hindrance);
                assert_int_equal(chip.view.hindrances, i + 1);
                assert_non_null(strstr(chip.view.record.message, swipes[i].message));
        }
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
        /* The next one begins anew. */
        id = chip_start(SALE);
        assert_string_equal(chip.view.hindrance, "");
        assert_int_equal(chip.view.hindrances, 0);
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
}

/* ---- The supervisor ---- */

static struct engine_call unapproved(int64_t sale) {
        struct engine_call call = about("void", sale, 1234);

        call.approver = "";
        return call;
}

static void a_supervisor_approves(void **state) {
        int64_t id, sale = sell(), other;
        struct engine_call call = SALE;
        struct refusal refusal;

        id = chip_start(unapproved(sale));
        for (int i = 0; i < 5; i++)
                chip_run();
        assert_int_equal(chip.view.record.state, TRANSACTION_WAITING_APPROVAL);
        assert_string_equal(chip.view.prompt, "approve");
        call.reference = "busy";
        call.order = "";
        assert_true(engine_start_transaction(shop.engine, &call, &other, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_BUSY);
        assert_non_null(strstr(refusal.text, "waiting-approval"));

        assert_int_equal(engine_approve(shop.engine, id, "02", &refusal), 0);
        assert_true(engine_approve(shop.engine, id, "03", &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_NOT_ASKED);
        chip_finish_sale();
        assert_result(RESULT_APPROVED, "");
        assert_string_equal(record()->approver, "02");
}

static void nobody_approves(void **state) {
        int64_t id, sale = sell();
        struct refusal refusal;

        id = chip_start(unapproved(sale));
        assert_int_equal(engine_cancel(shop.engine, id, &refusal), 0);
        assert_int_equal(engine_current(shop.engine), 0);
        assert_result(RESULT_CANCELLED, "cancelled");

        chip_start(unapproved(sale));
        chip_pass(5 * 60 + 1);
        while (chip.finished == 0)
                chip_run();
        assert_result(RESULT_CANCELLED, "approval-timeout");
        assert_int_equal(chip.requests, 0);
        /* It may be asked for again. */
        run_approved(about("void", sale, 1234));
}

/* ---- What a supervisor resolves ---- */

static int resolve(int64_t id, const char *outcome, const char *note, enum refusal_code refused) {
        const struct resolution resolution = { .outcome = outcome, .note = note, .resolver = "uid 0" };
        struct refusal refusal = {};
        int r;

        r = resolution_record(shop.engine, id, &resolution, &refusal);
        assert_int_equal(refusal.code, refused);
        assert_true((r < 0) == (refused != REFUSAL_NONE));
        assert_int_equal(transaction_record_load(shop.journal, id, &chip.view.record), 0);
        return r;
}

static int note_event(const struct event_record *event, void *userdata) {
        char *text = userdata;

        (void) snprintf(text, 256, "%s %s", event->kind, event->text);
        return 0;
}

static int64_t lose_refund(int64_t sale) {
        int64_t id;

        chip.outcome = HOST_NO_ANSWER;
        id = run(about("refund", sale, 1000));
        assert_result(RESULT_UNCONFIRMED, "unconfirmed");
        chip.outcome = HOST_ANSWERED;
        return id;
}

static void an_unconfirmed_refund_is_resolved_once(void **state) {
        int64_t sale = sell(), id = lose_refund(sale);
        char event[256] = "";

        resolve(id, "approved", "", REFUSAL_INVALID_NOTE);
        resolve(id, "approved", "a\nb", REFUSAL_INVALID_NOTE);
        resolve(id, "settled", "nothing to settle", REFUSAL_NOT_ASKED);
        resolve(id, "perhaps", "no such word", REFUSAL_NOT_ASKED);
        assert_result(RESULT_UNCONFIRMED, "unconfirmed");

        resolve(id, "declined", "acquirer says \"not booked\"", REFUSAL_NONE);
        assert_result(RESULT_DECLINED, "resolved");
        assert_int_equal(event_each(shop.journal, id, 0, 0, note_event, event), 0);
        assert_string_equal(event, "resolved {\"outcome\":\"declined\",\"note\":\"acquirer says \\\"not booked\\\"\","
                                   "\"by\":\"uid 0\"}");
        resolve(id, "approved", "too late", REFUSAL_NOT_ASKED);

        /* It counts no longer; the next one does, for good. */
        id = lose_refund(sale);
        resolve(id, "approved", "acquirer: booked", REFUSAL_NONE);
        assert_result(RESULT_APPROVED, "resolved");
        assert_int_equal(record()->print, PRINT_QUEUED);
        assert_refused(about("refund", sale, 235), REFUSAL_INVALID_AMOUNT, "2.34 CNY");
        run_approved(about("refund", sale, 234));
}

/* ---- Who is told ---- */

/* A channel that never answers: what is queued stays so. */
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret);
int __wrap_notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec,
                       notice_call_done_t done, void *userdata, struct notice_call **ret) {
        /* Nobody who pays waits for it. */
        assert_int_equal(engine_current(shop.engine), 0);
        *ret = NULL;
        return 0;
}

struct notice_call *__wrap_notice_call_free(struct notice_call *call);
struct notice_call *__wrap_notice_call_free(struct notice_call *call) {
        return NULL;
}

static unsigned commits;

int __real_journal_commit(struct journal *j);
int __wrap_journal_commit(struct journal *j);
int __wrap_journal_commit(struct journal *j) {
        commits++;
        return __real_journal_commit(j);
}

/* There are so many now, and this is the newest. */
static void assert_told(unsigned n, const char *says) {
        struct notice_record notice;

        assert_int_equal(bound_phone_notices(shop.journal, &notice), n);
        if (n == 0)
                return;
        assert_string_equal(notice.event, "transaction");
        assert_non_null(startswith(notice.text, "【测试】交易提醒\n"));
        if (!strstr(notice.text, says))
                fail_msg("\"%s\" is not in \"%s\"", says, notice.text);
}

static void people_are_told_of_what_was_approved(void **state) {
        int64_t sale;

        bound_phone_bind(shop.journal);
        sale = sell();
        assert_told(1, "消费12.34元成功，卡尾号0005，订单A-1。");
        run_approved(about("void", sale, 1234));
        assert_told(2, "消费撤销12.34元成功，卡尾号0005，订单A-2。");
        run_approved((struct engine_call){ .kind = "pre-authorization", .amount = 5000, .currency = "CNY" });
        assert_told(3, "预授权50.00元成功");
        chip_restart();
        assert_told(3, "预授权50.00元成功");
}

/* Of what was declined, taken back, or may not be booked, nobody is told that it is. */
static void nobody_is_told_of_what_was_not(void **state) {
        const struct engine_call balance = { .kind = "balance", .currency = "CNY" };
        int64_t sale, refund;

        sale = sell();
        bound_phone_bind(shop.journal);
        chip.code = "51";
        run(SALE);
        assert_result(RESULT_DECLINED, "refused");
        chip.code = "00";
        chip.outcome = HOST_NO_ANSWER;
        run(SALE);
        assert_result(RESULT_FAILED, "no-answer");
        refund = lose_refund(sale);
        run_approved(balance);
        run_approved((struct engine_call){ .kind = "echo", .currency = "" });
        assert_told(0, "");

        /* Once somebody knows. */
        resolve(refund, "approved", "acquirer: booked", REFUSAL_NONE);
        assert_told(1, "退货10.00元成功");
        refund = lose_refund(sell());
        assert_told(2, "消费12.34元成功");
        resolve(refund, "declined", "acquirer: not booked", REFUSAL_NONE);
        assert_told(2, "消费12.34元成功");
}

/* Who pays waits for no commit more. */
static void a_notice_takes_no_commit(void **state) {
        unsigned without;

        (void) sell();
        commits = 0;
        (void) sell();
        without = commits;
        bound_phone_bind(shop.journal);
        commits = 0;
        (void) sell();
        assert_told(1, "消费");
        assert_int_equal(commits, without);
}

static void a_rejected_reversal_is_settled(void **state) {
        struct request_record reversal;
        int64_t id;

        chip.outcome = HOST_NO_ANSWER;
        chip.reversal_code = "96";
        id = run(SALE);
        assert_int_equal(record()->reversal, REVERSAL_REJECTED);
        resolve(id, "approved", "a failed one stays failed", REFUSAL_NOT_ASKED);
        resolve(id, "settled", "taken back by hand", REFUSAL_NONE);
        assert_int_equal(record()->reversal, REVERSAL_RESOLVED);
        assert_int_equal(record()->result, RESULT_FAILED);
        assert_int_equal(request_record_load(shop.journal, REQUEST_REVERSAL, id, &reversal), -ENOENT);
        resolve(id, "settled", "twice", REFUSAL_NOT_ASKED);
}

/* While it is on the link the acquirer's answer is waited for; between two tries it may be settled. */
static void a_pending_reversal_is_settled(void **state) {
        int64_t id;

        chip.outcome = HOST_NO_ANSWER;
        chip.reversal_code = "A0";
        id = chip_start(SALE);
        while (chip.reversals == 0)
                chip_run();
        resolve(id, "settled", "on its way", REFUSAL_BUSY);
        while (chip.busy)
                chip_run();
        assert_int_equal(chip.view.record.reversal, REVERSAL_PENDING);
        resolve(id, "settled", "by telephone", REFUSAL_NONE);
        assert_int_equal(outbox_count(shop.engine->outbox, REQUEST_REVERSAL), 0);
        chip_pass(3600);
        for (int i = 0; i < 10; i++)
                chip_run();
        assert_int_equal(chip.reversals, 1);
}

/* What the acquirer has booked of it nobody knows: nothing else goes out before that is known. */
static void a_rejected_reversal_stops_all_money(void **state) {
        int64_t sale = sell(), preauth = run_approved(PREAUTH), id;
        const struct engine_call echo = { .kind = "echo", .currency = "" };

        chip.outcome = HOST_NO_ANSWER;
        chip.reversal_code = "96";
        id = run(about("void", sale, 1234));
        assert_int_equal(record()->reversal, REVERSAL_REJECTED);
        chip.outcome = HOST_ANSWERED;
        assert_refused(SALE, REFUSAL_NOT_READY, "resolve");
        assert_refused(about("refund", sale, 1234), REFUSAL_INVALID_ORIGINAL, "voided");
        assert_refused(about("completion", preauth, 1), REFUSAL_NOT_READY, "resolve");
        run_approved(echo);

        resolve(id, "settled", "acquirer: the void does not stand", REFUSAL_NONE);
        run_approved(about("refund", sale, 1234));
}

/* The reversal of the sale before is rejected while this one waits for it. */
static void a_reversal_is_rejected_meanwhile(void **state) {
        chip.outcome = HOST_NO_ANSWER;
        chip.reversal_code = "A0";
        chip_start(SALE);
        while (chip.reversals == 0 || chip.busy)
                chip_run();
        assert_int_equal(chip.view.record.reversal, REVERSAL_PENDING);
        chip.outcome = HOST_ANSWERED;
        chip.reversal_code = "96";
        chip_start(SALE);
        while (chip.finished == 0)
                chip_run();
        assert_int_equal(transaction_record_load(shop.journal, chip.view.record.id, &chip.view.record), 0);
        assert_result(RESULT_FAILED, "reversal-rejected");
        assert_int_equal(chip.requests, 0);
}

/* Approved here, and the acquirer did not take it: there is nothing to give back. */
static void what_was_not_forwarded_is_not_given_back(void **state) {
        static const enum forwarding_state states[] = { FORWARDING_REJECTED, FORWARDING_RESOLVED };
        struct transaction_record sale;

        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                int64_t id = sell();

                sale = *record();
                sale.forwarding = states[i];
                assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
                assert_int_equal(transaction_record_update(shop.journal, &sale), 0);
                assert_int_equal(journal_commit(shop.journal), 0);
                assert_refused(about("void", id, 1234), REFUSAL_INVALID_ORIGINAL, "did not take it");
                assert_refused(about("refund", id, 1), REFUSAL_INVALID_ORIGINAL, "did not take it");
        }
}

/* A number that the acquirer does not know the transactions by: it starts only where it needs to hear of none. */
static void another_terminal_number(void **state) {
        assert_int_equal(engine_start(shop.engine), 0);
        sell();
        chip_close();
        strcpy(shop.settings.terminal_number, "T0000002");
        chip_open();
        assert_int_equal(engine_start(shop.engine), -EINVAL);
        chip_close();
        strcpy(shop.settings.terminal_number, "T0000001");
        chip_open();
        assert_int_equal(engine_start(shop.engine), 0);

        /* The batch is settled. */
        assert_int_equal(journal_begin(shop.journal, JOURNAL_DURABLE), 0);
        assert_int_equal(counter_set_batch(shop.journal, 2), 0);
        assert_int_equal(journal_commit(shop.journal), 0);
        chip_close();
        strcpy(shop.settings.terminal_number, "T0000002");
        chip_open();
        assert_int_equal(engine_start(shop.engine), 0);
}

/* A card's word, as whatever it says, ends no more than its own transaction. */
static void a_card_number_that_cannot_be_masked(void **state) {
        chip.behaviour.attack = SHORT_PAN;
        run(SALE);
        assert_result(RESULT_FAILED, "card-malformed");
        assert_int_equal(chip.requests, 0);
        chip.behaviour.attack = 0;
        sell();
}

/* ---- The same call again ---- */

static void the_original_is_part_of_the_call(void **state) {
        int64_t first = sell(), second = sell(), id, again;
        struct engine_call call = about("refund", first, 1);
        struct refusal refusal;

        id = run_approved(call);
        call.reference = record()->reference;
        call.order = "";
        call.approver = "";
        assert_int_equal(engine_start_transaction(shop.engine, &call, &again, &refusal), 0);
        assert_true(again == id);
        call.original = second;
        assert_true(engine_start_transaction(shop.engine, &call, &again, &refusal) < 0);
        assert_int_equal(refusal.code, REFUSAL_REFERENCE_REUSED);
}

static void tamper(union message *m) {
        struct emv_card_data *c = &m->online_request.card;

        if (worker.is.attack != SHORT_PAN)
                return;
        if (m->header.type == MESSAGE_RECALL) {
                memset(m->recall.pan, 0, sizeof(m->recall.pan));
                strcpy(m->recall.pan, "62000007");
        }
        if (m->header.type == MESSAGE_ONLINE_REQUEST) {
                memset(c->pan, 0, sizeof(c->pan));
                strcpy(c->pan, "62000007");
                memset(c->pan_masked, 0, sizeof(c->pan_masked));
                emv_mask_pan(c->pan, c->pan_masked);
                memset(c->track2, 0, sizeof(c->track2));
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(nobody_signs_for_little, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(people_are_told_of_what_was_approved, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(nobody_is_told_of_what_was_not, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_notice_takes_no_commit, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_void_names_its_original, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(another_card_voids_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(what_may_be_voided, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_lost_void_is_reversed_and_may_be_tried_again, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(refunds_are_never_above_the_original, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_lost_refund_is_unconfirmed_and_counts, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_unsent_refund_is_failed, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_refund_that_was_cut_off, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(papers_name_the_original, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(papers_of_what_did_not_end_well, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_completion_has_up_to_115_percent, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_voided_preauthorization_is_over, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_preauthorization_grows_old, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_balance_moves_no_money, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(services_need_no_card, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_encrypted_stripe_is_passed_on, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_lost_encrypted_sale_is_reversed, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_encrypted_stripe_is_not_compared_with_a_hash, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_answer_that_decides_nothing, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_rejected_reversal_stops_all_money, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_reversal_is_rejected_meanwhile, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(what_was_not_forwarded_is_not_given_back, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(another_terminal_number, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_card_number_that_cannot_be_masked, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_encrypted_stripe_that_is_not_taken, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_stripe_that_is_not_taken, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_supervisor_approves, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(nobody_approves, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(an_unconfirmed_refund_is_resolved_once, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_rejected_reversal_is_settled, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(a_pending_reversal_is_settled, setup, chip_teardown),
                cmocka_unit_test_setup_teardown(the_original_is_part_of_the_call, setup, chip_teardown),
        };

        log_set_max_level(LOG_EMERG);
        if (streq(argv[0], "card-worker"))
                return be_worker(tamper);
        return cmocka_run_group_tests_name("transaction-kinds", tests, NULL, NULL);
}
