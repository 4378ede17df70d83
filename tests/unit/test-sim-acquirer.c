// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <sqlite3.h>

#include "acquirer-fixture.h"

/* Every kind against the simulator's ledger: what the cardholder was charged in sum is the judge. */

static void assert_held(int64_t amount) {
        assert_int_equal(ledger_figure("held"), amount);
}

static void voids(void **state) {
        struct host_request q;
        struct booked sale;

        sign_on();
        sale = booked_sale(700);
        q = about(HOST_VOID, &sale, 701);
        assert_code(&q, "64");
        q = about(HOST_VOID, &sale, 700);
        q.original.stan = 999;
        assert_code(&q, "25");
        q = about(HOST_VOID, &sale, 700);
        memcpy(q.original.rrn, "000000009999", 13);
        assert_code(&q, "25");
        q = about(HOST_VOID, &sale, 700);
        memcpy(q.original.approval, "XXXXXX", 7);
        assert_code(&q, "25");
        q = about(HOST_VOID, &sale, 700);
        q.currency = 840;
        assert_code(&q, "64");
        q = about(HOST_VOID, &sale, 700);
        q.pan = "6200000000000013";
        assert_code(&q, "14");
        assert_charged(700);

        q = about(HOST_VOID, &sale, 700);
        q.pan = PAN;
        assert_code(&q, "00");
        assert_charged(0);
        q = about(HOST_VOID, &sale, 700);
        assert_code(&q, "12");
        /* Nor is it refunded, and its reversal has nothing to take back. */
        q = about(HOST_REFUND, &sale, 700);
        assert_code(&q, "12");
        q = reversal(&sale.request, HOST_REASON_NOT_COMPLETED);
        assert_code(&q, "12");
        assert_charged(0);
}

static void voids_of_what_is_not_there(void **state) {
        struct booked preauth;
        struct host_request q;

        sign_on();
        preauth = booked_preauth(100);
        q = about(HOST_VOID, &preauth, 100);
        assert_code(&q, "12");
        struct booked sale = booked_sale(100);
        q = reversal(&sale.request, HOST_REASON_NO_ANSWER);
        assert_code(&q, "00");
        q = about(HOST_VOID, &sale, 100);
        assert_code(&q, "12");
        assert_charged(0);
}

static void refunds(void **state) {
        struct host_request q;
        struct booked sale;

        sign_on();
        sale = booked_sale(1000);
        q = about(HOST_REFUND, &sale, 400);
        assert_code(&q, "00");
        /* A refund has no reversal, and none is taken: the number stays booked. */
        assert_code(&q, "94");
        assert_charged(600);
        q = about(HOST_REFUND, &sale, 601);
        assert_code(&q, "64");
        q = about(HOST_VOID, &sale, 1000);
        assert_code(&q, "12");
        q = about(HOST_REFUND, &sale, 600);
        assert_code(&q, "00");
        assert_charged(0);
        q = about(HOST_REFUND, &sale, 1);
        assert_code(&q, "64");
        q = about(HOST_REFUND, &sale, 1);
        memcpy(q.original.date, "0230", 5);
        assert_code(&q, "25");
        q = reversal(&sale.request, HOST_REASON_NOT_COMPLETED);
        assert_code(&q, "64");
        assert_charged(0);
}

static void pre_authorizations(void **state) {
        struct booked preauth, completion;
        struct host_request q;

        sign_on();
        preauth = booked_preauth(1000);
        assert_charged(0);
        assert_held(1000);
        q = about(HOST_COMPLETION, &preauth, 1151);
        assert_code(&q, "64");
        q = about(HOST_COMPLETION, &preauth, 1150);
        q.batch = 2; /* crosses batches */
        completion = book(&q);
        assert_charged(1150);
        assert_held(0);
        q = about(HOST_COMPLETION, &preauth, 1);
        assert_code(&q, "12");
        q = about(HOST_PREAUTH_VOID, &preauth, 1000);
        assert_code(&q, "12");
        q = about(HOST_REFUND, &completion, 50);
        assert_code(&q, "00");
        q = about(HOST_COMPLETION_VOID, &completion, 1150);
        assert_code(&q, "12");
        assert_charged(1100);

        preauth = booked_preauth(500);
        q = about(HOST_COMPLETION, &preauth, 400);
        completion = book(&q);
        q = about(HOST_COMPLETION_VOID, &completion, 399);
        assert_code(&q, "64");
        q = about(HOST_COMPLETION_VOID, &completion, 400);
        assert_code(&q, "00");
        assert_charged(1100);
        assert_held(500);
        q = about(HOST_PREAUTH_VOID, &preauth, 499);
        assert_code(&q, "64");
        q = about(HOST_PREAUTH_VOID, &preauth, 500);
        assert_code(&q, "00");
        assert_held(0);
        q = about(HOST_COMPLETION, &preauth, 400);
        assert_code(&q, "12");
        assert_charged(1100);
}

static void age(struct booked *b, const char *days) {
        sqlite3 *db = NULL;
        char sql[160];

        snprintf(sql, sizeof(sql),
                 "UPDATE transactions SET time = strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now', '%s') WHERE stan = %u",
                 days, b->request.stan);
        assert_int_equal(sqlite3_open(path("ledger.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void old_pre_authorizations(void **state) {
        struct booked preauth;
        struct host_request q;

        sign_on();
        preauth = booked_preauth(1000);
        age(&preauth, "-31 days");
        q = about(HOST_COMPLETION, &preauth, 1000);
        assert_code(&q, "12");
        q = about(HOST_PREAUTH_VOID, &preauth, 1000);
        assert_code(&q, "12");
        age(&preauth, "-30 days");
        q = about(HOST_COMPLETION, &preauth, 1000);
        assert_code(&q, "00");
        assert_charged(1000);
}

static void tips(void **state) {
        struct host_request tip, q;
        struct outcome o;
        struct booked sale;

        sign_on();
        sale = booked_sale(1000);
        tip = about(HOST_TIP, &sale, 150);
        o = exchange(&tip, LONG);
        assert_string_equal(o.answer.code, "00");
        assert_charged(1150);
        /* Repeated until answered: as the setting has it, and charged once. */
        assert_code(&tip, "94");
        settings->repeats_approved = true;
        char rrn[13];
        memcpy(rrn, o.answer.rrn, sizeof(rrn));
        o = exchange(&tip, LONG);
        assert_string_equal(o.answer.code, "00");
        assert_string_equal(o.answer.rrn, rrn);
        tip.amount++;
        assert_code(&tip, "94");
        assert_charged(1150);

        q = about(HOST_TIP, &sale, 1);
        assert_code(&q, "12");
        q = about(HOST_VOID, &sale, 1000);
        assert_code(&q, "12");
        q = reversal(&sale.request, HOST_REASON_NOT_COMPLETED);
        assert_code(&q, "64");
        assert_charged(1150);
}

static void offline_sales(void **state) {
        struct host_request q;

        sign_on();
        q = offline_sale(300, PAN);
        assert_code(&q, "00");
        assert_code(&q, "94");
        assert_charged(300);
        /* A decline stays one, however often the advice comes. */
        q = offline_sale(300, DECLINED_PAN);
        assert_code(&q, "51");
        assert_code(&q, "51");
        settings->repeats_approved = true;
        assert_code(&q, "51");
        assert_charged(300);
        /* What only says "later" is none. */
        q = offline_sale(200, PAN);
        script("decline 91");
        assert_code(&q, "91");
        assert_charged(300);
        assert_code(&q, "00");
        assert_charged(500);
}

/* Whatever happens to its answers, an advice is booked once; so is a refund, whose number is not sent again. */
static void advices_that_are_lost(void **state) {
        static const struct {
                const char *step;
                enum host_outcome outcome;
        } cases[] = { { "drop", HOST_NO_ANSWER },        { "drop-answer", HOST_NO_ANSWER },
                      { "close", HOST_NO_ANSWER },       { "close-answer", HOST_NO_ANSWER },
                      { "garble", HOST_MALFORMED },      { "bad-mac", HOST_BAD_MAC },
                      { "no-mac", HOST_BAD_MAC },        { "wrong-stan", HOST_NO_ANSWER },
                      { "wrong-amount", HOST_MALFORMED } };

        sign_on();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const int64_t before = ledger_figure("charged");
                const bool arrives = !streq(cases[i].step, "drop") && !streq(cases[i].step, "close");
                struct host_request q = offline_sale(300, PAN);

                script(cases[i].step);
                assert_int_equal(exchange(&q, SHORT).outcome, cases[i].outcome);
                assert_charged(before + (arrives ? 300 : 0));
                assert_code(&q, arrives ? "94" : "00");
                assert_charged(before + 300);

                struct booked sale = booked_sale(100);
                q = about(HOST_REFUND, &sale, 100);
                script(cases[i].step);
                assert_int_equal(exchange(&q, SHORT).outcome, cases[i].outcome);
                assert_charged(before + 300 + (arrives ? 0 : 100));
        }
}

/* A chip's own approval is money that has moved: what is wrong with its certificate is noted. */
static void offline_sale_of_a_chip(void **state) {
        _cleanup_(issuer_freep) struct issuer *issuer = NULL;
        _cleanup_free_ char *json = NULL;
        uint8_t icc[255], key[16];
        struct host_request q;

        sign_on();
        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &issuer), 0);
        q = offline_sale(500, PAN);
        q.authorization_code = NULL;
        q.entry = HOST_ENTRY_CHIP;
        q.psn = 1;
        q.icc = icc;
        q.icc_size = chip_data(issuer, 500, true, icc, key);
        assert_code(&q, "00");
        assert_charged(500);
        assert_int_equal(ledger_dump(directory, &json), 0);
        assert_non_null(strstr(json, "cryptogram is of another kind"));
}

static int64_t balance(void) {
        struct host_request q = card_request(HOST_BALANCE, 0);
        struct outcome o = exchange(&q, LONG);

        assert_string_equal(o.answer.code, "00");
        assert_true(o.answer.has_balance);
        assert_int_equal(o.answer.balance.currency, 156);
        return o.answer.balance.amount;
}

static void balances(void **state) {
        int64_t before;

        sign_on();
        before = balance();
        struct booked sale = booked_sale(1000);
        assert_int_equal(balance(), before - 1000);
        struct host_request q = about(HOST_REFUND, &sale, 400);
        assert_code(&q, "00");
        assert_int_equal(balance(), before - 600);
        assert_charged(600);
}

/* A reversal of each kind that has one undoes it, and so does its repeat; it is for that kind alone. */
static void reversals_of_every_kind(void **state) {
        static const enum host_kind kinds[] = { HOST_SALE,         HOST_VOID,       HOST_PREAUTH,
                                                HOST_PREAUTH_VOID, HOST_COMPLETION, HOST_COMPLETION_VOID };
        static const char *const losses[] = { "drop-answer", "drop" };

        sign_on();
        struct booked sale = booked_sale(700), preauth = booked_preauth(1000), completed = booked_preauth(500);
        struct host_request q = about(HOST_COMPLETION, &completed, 500);
        struct booked completion = book(&q);

        for (size_t i = 0; i < ELEMENTSOF(kinds) * ELEMENTSOF(losses); i++) {
                enum host_kind kind = kinds[i / ELEMENTSOF(losses)];
                const char *loss = losses[i % ELEMENTSOF(losses)];
                int64_t charged = ledger_figure("charged"), held = ledger_figure("held");

                q = kind == HOST_SALE || kind == HOST_PREAUTH ? card_request(kind, 300)
                    : kind == HOST_VOID                       ? about(kind, &sale, 700)
                    : kind == HOST_COMPLETION_VOID            ? about(kind, &completion, 500)
                                                              : about(kind, &preauth, 1000);
                script(loss);
                assert_int_equal(exchange(&q, SHORT).outcome, HOST_NO_ANSWER);
                if (streq(loss, "drop-answer"))
                        assert_true(ledger_figure("charged") != charged || ledger_figure("held") != held);
                else
                        assert_int_equal(ledger_figure("charged"), charged);

                struct host_request back = reversal(&q, HOST_REASON_NO_ANSWER), other = back;
                other.original.kind = kind == HOST_VOID ? HOST_SALE : HOST_VOID;
                if (streq(loss, "drop-answer"))
                        assert_code(&other, "64");
                assert_code(&back, streq(loss, "drop") ? "25" : "00");
                assert_code(&back, streq(loss, "drop") ? "25" : "00");
                assert_int_equal(ledger_figure("charged"), charged);
                assert_int_equal(ledger_figure("held"), held);
                /* It does not come late. */
                assert_code(&q, "94");
                assert_int_equal(ledger_figure("charged"), charged);
                assert_int_equal(ledger_figure("held"), held);
        }
}

/* A reversal that is forged for a kind without one does not undo it. */
static void no_reversal_of_a_refund(void **state) {
        sign_on();
        struct booked sale = booked_sale(1000);
        struct host_request q = about(HOST_REFUND, &sale, 400);
        assert_code(&q, "00");
        q.original.kind = HOST_VOID; /* the codes that are nearest */
        q.kind = HOST_REVERSAL;
        q.reason = HOST_REASON_NO_ANSWER;
        assert_code(&q, "64");
        assert_charged(600);
}

static void declines_of_every_kind(void **state) {
        sign_on();
        struct booked sale = booked_sale(1000);

        for (enum host_kind k = HOST_SALE; k < _HOST_KIND_MAX; k++) {
                struct host_totals totals = {};
                struct host_detail detail = { .stan = 1, .pan = PAN, .amount = 1 };
                struct host_request q = request(k);
                char step[64];
                uint64_t fields = P->kinds[k].mandatory | P->kinds[k].optional;

                if (k <= HOST_REVERSAL) {
                        q = fields & ISO8583_BIT(61) ? about(k, &sale, 1000) : card_request(k, 1000);
                        q.kind = k;
                }
                if (k == HOST_OFFLINE_SALE)
                        q = offline_sale(1000, PAN);
                if (k == HOST_REVERSAL)
                        q = reversal(&sale.request, HOST_REASON_NO_ANSWER);
                if (k == HOST_CHIP_UPLOAD) {
                        q = about(k, &sale, 1000);
                        q.pan = PAN;
                        q.icc = "\x9F\x27\x01\x40";
                        q.icc_size = 4;
                }
                q.currency = 156;
                q.totals = &totals;
                q.details = &detail;
                q.n_details = 1;
                snprintf(step, sizeof(step), "decline 96 kind=%s", host_kind_name(k));
                script(step);
                assert_code(&q, "96");
        }
        assert_charged(1000);
}

static void sign_off(void **state) {
        struct host_request q;

        sign_on();
        q = request(HOST_SIGN_OFF);
        assert_code(&q, "00");
        q = stripe_sale(100);
        assert_code(&q, "A0");
        sign_on();
        q = stripe_sale(100);
        assert_code(&q, "00");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(voids),
                TEST(voids_of_what_is_not_there),
                TEST(refunds),
                TEST(pre_authorizations),
                TEST(old_pre_authorizations),
                TEST(tips),
                TEST(offline_sales),
                TEST(advices_that_are_lost),
                TEST(offline_sale_of_a_chip),
                TEST(balances),
                TEST(reversals_of_every_kind),
                TEST(no_reversal_of_a_refund),
                TEST(declines_of_every_kind),
                TEST(sign_off),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("sim-acquirer", tests, make_directory, remove_directory);
}
