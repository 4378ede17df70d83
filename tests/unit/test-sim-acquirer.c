// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <sqlite3.h>

#include "acquirer-fixture.h"

/* Every kind against the simulator's ledger: what the cardholder was charged in sum is the judge. */

#define FOREIGN_PAN "4000000000000002"

static void assert_held(int64_t amount) {
        assert_int_equal(ledger_figure("held"), amount);
}

/* A transaction and what was answered: what another one may be about. */
struct booked {
        struct host_request request;
        struct host_answer answer;
};

static struct booked book(const struct host_request *q) {
        struct outcome o = exchange(q, LONG);

        assert_int_equal(o.outcome, HOST_ANSWERED);
        if (!streq(o.answer.code, "00"))
                fail_msg("%s is answered %s", host_kind_name(q->kind), o.answer.code);
        return (struct booked){ *q, o.answer };
}

static struct host_request about(enum host_kind kind, const struct booked *b, int64_t amount) {
        struct host_request q = request(kind);

        q.batch = b->request.batch;
        q.amount = amount;
        q.currency = 156;
        q.entry = HOST_ENTRY_MANUAL;
        q.original.batch = b->request.batch;
        q.original.stan = b->request.stan;
        memcpy(q.original.rrn, b->answer.rrn, sizeof(q.original.rrn));
        memcpy(q.original.approval, b->answer.approval, sizeof(q.original.approval));
        return q;
}

static struct host_request card_request(enum host_kind kind, int64_t amount) {
        struct host_request q = stripe_sale(amount);

        q.kind = kind;
        return q;
}

static struct booked booked_sale(int64_t amount) {
        struct host_request q = stripe_sale(amount);

        return book(&q);
}

static struct booked booked_preauth(int64_t amount) {
        struct host_request q = card_request(HOST_PREAUTH, amount);

        return book(&q);
}

static struct host_request offline_sale(int64_t amount, const char *pan) {
        struct host_request q = request(HOST_OFFLINE_SALE);

        q.amount = amount;
        q.currency = 156;
        q.entry = HOST_ENTRY_MANUAL;
        q.pan = pan;
        q.expiry = "4912";
        q.authorization_code = "123456";
        return q;
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

                if (P->kinds[k].mac) {
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

/* ---- batches ---- */

static struct outcome settle(uint32_t batch, const struct host_totals *totals, uint16_t currency) {
        struct host_request q = request(HOST_SETTLEMENT);
        struct outcome o;

        q.batch = batch;
        q.totals = totals;
        q.currency = currency;
        o = exchange(&q, LONG);
        assert_int_equal(o.outcome, HOST_ANSWERED);
        assert_string_equal(o.answer.code, "00");
        assert_true(o.answer.has_totals);
        assert_true(host_totals_equal(&o.answer.totals, totals));
        return o;
}

static enum host_reconciliation settled(uint32_t batch, const struct host_totals *totals) {
        struct outcome o = settle(batch, totals, 156);

        return host_totals_verdict(&o.answer.totals);
}

/* One of each kind that counts; the terminal's own sum. */
static struct host_totals busy_day(void) {
        struct booked sale = booked_sale(1000), other = booked_sale(300), preauth = booked_preauth(500);
        struct host_request q;
        struct host_totals t = { .domestic = { .debit = { 5, 1000 + 300 + 400 + 70 + 200 },
                                               .credit = { 2, 300 + 100 } } };

        q = about(HOST_VOID, &other, 300);
        book(&q);
        q = about(HOST_COMPLETION, &preauth, 400);
        book(&q);
        q = about(HOST_TIP, &sale, 70);
        book(&q);
        q = about(HOST_REFUND, &sale, 100);
        book(&q);
        q = offline_sale(200, PAN);
        book(&q);
        /* Neither of these counts. */
        q = stripe_sale(9999);
        book(&q);
        q = reversal(&q, HOST_REASON_NO_ANSWER);
        assert_code(&q, "00");
        (void) balance();
        return t;
}

static void settlement(void **state) {
        struct host_totals t;
        struct host_request q;
        struct outcome o;

        sign_on();
        t = busy_day();
        assert_charged(1000 + 400 + 70 - 100 + 200);
        assert_int_equal(settled(1, &t), HOST_BALANCED);
        /* Its answer may be lost: again, and the same. */
        assert_int_equal(settled(1, &t), HOST_BALANCED);

        q = stripe_sale(1);
        assert_code(&q, "77");
        q = request(HOST_SIGN_ON);
        o = exchange(&q, LONG);
        assert_int_equal(host_keys_load(keys, o.answer.keys, o.answer.keys_size), 0);
        assert_true(o.answer.has_batch);
        assert_int_equal(o.answer.batch, 2);
        q = stripe_sale(1);
        q.batch = 2;
        assert_code(&q, "00");
        assert_charged(1571);
}

static void what_a_settlement_closes(void **state) {
        struct host_totals t = { .domestic.debit = { 1, 1000 } };
        struct host_request q;

        sign_on();
        struct booked sale = booked_sale(1000);
        assert_int_equal(settled(1, &t), HOST_BALANCED);
        q = about(HOST_VOID, &sale, 1000);
        q.batch = 2;
        assert_code(&q, "12");
        q = about(HOST_TIP, &sale, 10);
        q.batch = 2;
        assert_code(&q, "12");
        q = about(HOST_REFUND, &sale, 1000);
        q.batch = 2;
        assert_code(&q, "00");
        assert_charged(0);
}

static void settlement_by_card(void **state) {
        struct host_totals t = { .domestic.debit = { 1, 1000 }, .foreign.debit = { 1, 50 } };
        struct host_request q;

        sign_on();
        (void) booked_sale(1000);
        q = offline_sale(50, FOREIGN_PAN);
        script("approve");
        book(&q);
        struct outcome o = settle(1, &t, 840);
        assert_int_equal(host_totals_verdict(&o.answer.totals), HOST_RECONCILIATION_FAILED);
        t.foreign.debit.amount++;
        o = settle(1, &t, 156);
        assert_int_equal(o.answer.totals.domestic.reconciliation, HOST_BALANCED);
        assert_int_equal(o.answer.totals.foreign.reconciliation, HOST_UNEQUAL);
        t.foreign.debit.amount--;
        assert_int_equal(settled(1, &t), HOST_BALANCED);
        script("wrong-amount kind=settlement");
        assert_int_equal(settled(1, &t), HOST_UNEQUAL);
}

static void upload(const struct host_detail *details, size_t n, const char *code) {
        struct host_request q = request(HOST_BATCH_UPLOAD);

        q.details = details;
        q.n_details = n;
        assert_code(&q, code);
}

static void end(unsigned uploaded, const char *code) {
        struct host_request q = request(HOST_BATCH_UPLOAD_END);

        q.uploaded = uploaded;
        assert_code(&q, code);
}

static void uploads(void **state) {
        struct host_totals t = { .domestic.debit = { 9, 9000 } };
        struct host_detail details[9] = {};
        _cleanup_free_ char *json = NULL;
        struct host_request q;

        sign_on();
        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                struct booked sale = booked_sale(1000);

                details[i] = (struct host_detail){ .stan = sale.request.stan, .pan = PAN, .amount = 1000 };
        }
        /* Nobody asked for it yet. */
        upload(details, 1, "12");
        end(0, "12");
        /* The terminal knows nothing of one, and has another that the acquirer never saw. */
        details[0].stan = 900000;
        t.domestic.debit.amount += 5;
        details[0].amount += 5;
        assert_int_equal(settled(1, &t), HOST_UNEQUAL);
        upload(details, 8, "00");
        upload(details, 8, "00");
        end(9, "95");
        upload(details + 8, 1, "00");
        q = request(HOST_CHIP_UPLOAD);
        q.original = (struct host_original){ .batch = 1, .stan = details[1].stan };
        q.pan = PAN;
        q.amount = 1000;
        q.currency = 156;
        q.entry = HOST_ENTRY_CHIP;
        q.icc = "\x9F\x27\x01\x40";
        q.icc_size = 4;
        assert_code(&q, "00");
        end(9, "00");
        assert_int_equal(ledger_dump(directory, &json), 0);
        assert_non_null(strstr(json, "\"state\":\"settled\",\"uploaded\":9,\"not_booked\":1,\"not_uploaded\":1"));
        assert_non_null(strstr(json, "\"icc\":\"9F270140\""));
        assert_null(strstr(json, PAN));
        q = stripe_sale(1);
        assert_code(&q, "77");
        assert_charged(9000);
}

/* ---- downloads ---- */

static void downloads(void **state) {
        static const char lines[] = "# two objects\n9F0605A000000333 9F220102\n\n9F0605A000000333 9F220103\n";
        struct host_request q = request(HOST_CA_KEYS);
        struct outcome o;
        FILE *f;

        o = exchange(&q, LONG);
        assert_string_equal(o.answer.code, "00");
        assert_true(o.answer.has_download && !o.answer.download.more);
        assert_int_equal(o.answer.download.size, 0);

        f = fopen(path("ca-keys"), "we");
        assert_non_null(f);
        fputs(lines, f);
        assert_int_equal(fclose(f), 0);
        for (unsigned i = 0; i < 3; i++) {
                q.stan = ++stan;
                q.position = i;
                o = exchange(&q, LONG);
                assert_string_equal(o.answer.code, "00");
                assert_int_equal(o.answer.download.more, i == 0);
                assert_int_equal(o.answer.download.size, i < 2 ? 12 : 0);
                if (i < 2)
                        assert_int_equal(o.answer.download.data[11], 2 + i);
        }
        /* The other kind has a file of its own. */
        q = request(HOST_PARAMETERS);
        o = exchange(&q, LONG);
        assert_int_equal(o.answer.download.size, 0);
        assert_int_equal(unlink(path("ca-keys")), 0);
}

/* ---- reports ---- */

static void statements(void **state) {
        _cleanup_free_ char *text = NULL, *none = NULL;
        struct ledger_filter filter = { .batch = 1 };
        char start[256];

        sign_on();
        struct booked sale = booked_sale(1000);
        struct host_request q = about(HOST_REFUND, &sale, 400);
        book(&q);
        (void) booked_preauth(5);
        assert_int_equal(ledger_statement(directory, &filter, &text), 0);
        snprintf(start, sizeof(start),
                 "till-statement,1\nrrn,stan,batch,kind,amount,currency,card,terminal,merchant,time,authorization\n"
                 "%s,%06u,000001,sale,1000,156,620000******0005,T0000001,",
                 sale.answer.rrn, sale.request.stan);
        assert_int_equal(strncmp(text, start, strlen(start)), 0);
        assert_non_null(strstr(text, ",refund,400,156,"));
        assert_string_equal(text + strlen(text) - strlen("\nend,2,600\n"), "\nend,2,600\n");
        assert_null(strstr(text, PAN));

        filter = (struct ledger_filter){ .day = "2001-02-03" };
        assert_int_equal(ledger_statement(directory, &filter, &none), 0);
        assert_string_equal(none + strlen(none) - strlen("\nend,0,0\n"), "\nend,0,0\n");
}

/* A ledger from before there were other kinds than sales. */
static void old_ledgers(void **state) {
        static const char sql[] =
                "DROP TABLE batches; DROP TABLE uploads; DROP INDEX transactions_original;"
                "ALTER TABLE transactions DROP COLUMN original; ALTER TABLE transactions DROP COLUMN sign;"
                "ALTER TABLE transactions DROP COLUMN foreign_card; PRAGMA user_version = 0;";
        sqlite3 *db = NULL;

        sign_on();
        struct booked sale = booked_sale(1000);
        server = sim_server_free(server);
        acquirer = sim_acquirer_free(acquirer);
        assert_int_equal(sqlite3_open(path("ledger.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        assert_int_equal(sim_acquirer_new(settings, &acquirer), 0);
        assert_int_equal(sim_server_new(event, settings, acquirer, &server), 0);
        assert_charged(1000);
        the_link = host_link_free(the_link);
        the_link = new_link(NULL, path("terminal.pem"));
        struct host_request q = about(HOST_VOID, &sale, 1000);
        assert_code(&q, "00");
        assert_charged(0);
}

/* ---- readers that encrypt ---- */

static struct host_encrypted encrypt(const char *track, enum dukpt_variant variant, uint8_t counter) {
        struct host_encrypted e = { .ksn = { 0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, counter },
                                    .ksn_size = DUKPT_KSN_SIZE };
        char padded[HOST_CRYPTOGRAM_MAX] = "";
        uint8_t key[DUKPT_KEY_SIZE];

        e.cryptogram_size = ((size_t) snprintf(padded, sizeof(padded), "%s", track) + 7) / 8 * 8;
        assert_int_equal(dukpt_key(dukpt_test_key, e.ksn, variant, key), 0);
        assert_int_equal(dukpt_crypt(true, key, padded, e.cryptogram_size, e.cryptogram), 0);
        return e;
}

/* ANSI X9.24: the PIN block of 1234 for 4012345678909 under the first key. */
static void published_pin_block(void **state) {
        static const uint8_t block[] = { 0x04, 0x12, 0x74, 0xED, 0xCB, 0xA9, 0x87, 0x6F };
        static const uint8_t right[] = { 0x1B, 0x9C, 0x18, 0x45, 0xEB, 0x99, 0x3A, 0x7A };
        static const uint8_t ksn[] = { 0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x01 };
        uint8_t key[DUKPT_KEY_SIZE], result[sizeof(block)];

        assert_int_equal(dukpt_key(dukpt_test_key, ksn, DUKPT_PIN, key), 0);
        assert_int_equal(dukpt_crypt(true, key, block, sizeof(block), result), 0);
        assert_memory_equal(result, right, sizeof(right));
}

static void encrypted_stripes(void **state) {
        static const struct {
                const char *track, *code;
        } cases[] = {
                { ";" PAN "=49121010000000000?", "00" },          { ";" PAN "=49121010000000000?5", "00" },
                { ";" DECLINED_PAN "=49121010000000000?", "51" }, { ";" PAN "=20011010000000000?", "54" },
                { ";" PAN "=49122010000000000?", "45" },          { PAN "=49121010000000000?", "14" },
                { ";" PAN "=49121010000000000", "14" },           { ";?", "14" },
        };
        struct host_encrypted e;
        struct host_request q;

        sign_on();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                e = encrypt(cases[i].track, DUKPT_PIN, (uint8_t) (i + 1));
                q = stripe_sale(100);
                q.pan = q.expiry = q.track2 = NULL;
                q.encrypted = &e;
                assert_code(&q, cases[i].code);
        }
        assert_charged(200);
        /* Lost and reversed without a card's data, and the same card is known again in the clear. */
        e = encrypt(cases[0].track, DUKPT_PIN, 0x20);
        q = stripe_sale(700);
        q.pan = q.expiry = q.track2 = NULL;
        q.encrypted = &e;
        struct booked sale = book(&q);
        struct host_request other = about(HOST_VOID, &sale, 700);
        other.pan = "6200000000000013";
        assert_code(&other, "14");
        q.encrypted = NULL;
        struct host_request back = reversal(&q, HOST_REASON_NOT_COMPLETED);
        assert_code(&back, "00");
        assert_charged(200);
        /* Under another key it is nothing. */
        e = encrypt(cases[0].track, DUKPT_DATA, 0x21);
        q = stripe_sale(100);
        q.pan = q.expiry = q.track2 = NULL;
        q.encrypted = &e;
        assert_code(&q, "14");
        settings->variant = DUKPT_DATA;
        q.stan = ++stan;
        assert_code(&q, "00");
        assert_charged(300);
}

/* ---- the other profile ---- */

static int set_up_aes(void **state) {
        return set_up_with("aes.conf");
}

static void another_profile(void **state) {
        static const struct host_totals totals = { .domestic = { .debit = { 1, 700 }, .credit = { 1, 100 } } };
        struct host_request q, back;
        struct outcome o;

        q = stripe_sale(700);
        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, &o), -ENOKEY);
        q.kind = HOST_PREAUTH;
        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, &o), -EOPNOTSUPP);

        sign_on();
        struct booked sale = booked_sale(700);
        assert_charged(700);
        q = stripe_sale(300);
        script("drop-answer");
        assert_int_equal(exchange(&q, SHORT).outcome, HOST_NO_ANSWER);
        assert_charged(1000);
        back = reversal(&q, HOST_REASON_NO_ANSWER);
        assert_code(&back, "00");
        assert_charged(700);
        q = stripe_sale(300);
        script("bad-mac");
        assert_int_equal(exchange(&q, LONG).outcome, HOST_BAD_MAC);
        back = reversal(&q, HOST_REASON_BAD_MAC);
        assert_code(&back, "00");

        q = about(HOST_VOID, &sale, 700);
        script("drop-answer");
        assert_int_equal(exchange(&q, SHORT).outcome, HOST_NO_ANSWER);
        assert_charged(0);
        back = reversal(&q, HOST_REASON_NO_ANSWER);
        assert_code(&back, "00");
        q = about(HOST_REFUND, &sale, 100);
        assert_code(&q, "00");
        assert_charged(600);
        assert_int_equal(settled(1, &totals), HOST_BALANCED);
        /* Here its word is authenticated. */
        q = request(HOST_SETTLEMENT);
        q.totals = &totals;
        q.currency = 156;
        script("no-mac kind=settlement");
        assert_int_equal(exchange(&q, LONG).outcome, HOST_BAD_MAC);
}

/* Two that speak differently do not take each other's word for anything. */
static void profiles_do_not_mix(void **state) {
        struct host_request q = request(HOST_ECHO);
        struct outcome o = {};

        assert_int_equal(host_exchange(the_link, &host_profile_unionpay, keys, &q, LONG, on_done, &o), 0);
        while (!o.done)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_int_equal(o.outcome, HOST_NO_ANSWER);
        assert_int_equal(o.reason, HOST_LINK_CLOSED);
}

#define TEST_AES(f) cmocka_unit_test_setup_teardown(f, set_up_aes, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(voids),
                TEST(voids_of_what_is_not_there),
                TEST(refunds),
                TEST(pre_authorizations),
                TEST(old_pre_authorizations),
                TEST(tips),
                TEST(offline_sales),
                TEST(offline_sale_of_a_chip),
                TEST(balances),
                TEST(reversals_of_every_kind),
                TEST(no_reversal_of_a_refund),
                TEST(declines_of_every_kind),
                TEST(sign_off),
                TEST(settlement),
                TEST(what_a_settlement_closes),
                TEST(settlement_by_card),
                TEST(uploads),
                TEST(downloads),
                TEST(statements),
                TEST(old_ledgers),
                cmocka_unit_test(published_pin_block),
                TEST(encrypted_stripes),
                TEST_AES(another_profile),
                TEST_AES(profiles_do_not_mix),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("sim-acquirer", tests, make_directory, remove_directory);
}
