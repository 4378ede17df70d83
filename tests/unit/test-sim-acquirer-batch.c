// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <sqlite3.h>

#include "acquirer-fixture.h"
#include "statement-fixture.h"
#include "transaction/kind.h"
#include "transaction/reconcile.h"

/* What the simulator does beside booking: settlements, uploads, downloads, reports, readers that encrypt, profiles. */

#define FOREIGN_PAN "4000000000000002"

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
        q = card_request(HOST_BALANCE, 0);
        book(&q);
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
        assert_non_null(strstr(json, "\"state\":\"settled\",\"uploaded\":9,\"not_booked\":1,\"not_uploaded\":1,"
                                     "\"other_card\":0"));
        assert_non_null(strstr(json, "\"icc\":\"9F270140\""));
        assert_null(strstr(json, PAN));
        q = stripe_sale(1);
        assert_code(&q, "77");
        assert_charged(9000);
}

/* A number that the terminal does not know, where the profile has that, and another card's. */
static void uploads_without_a_number(void **state) {
        struct host_totals t = { .domestic.debit = { 2, 2005 } };
        struct host_profile lenient = *P;
        struct host_detail details[2];
        _cleanup_free_ char *json = NULL;
        struct host_request q;
        struct outcome o = {};

        sign_on();
        for (size_t i = 0; i < ELEMENTSOF(details); i++) {
                struct booked sale = booked_sale(1000);

                details[i] = (struct host_detail){ .stan = sale.request.stan, .amount = 1000 };
        }
        strcpy(details[1].pan, DECLINED_PAN);
        assert_int_equal(settled(1, &t), HOST_UNEQUAL);
        q = request(HOST_BATCH_UPLOAD);
        q.details = details;
        q.n_details = 2;
        lenient.detail_without_pan = true;
        assert_int_equal(host_exchange(the_link, &lenient, keys, &q, LONG, on_done, &o), 0);
        while (!o.done)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_int_equal(o.outcome, HOST_ANSWERED);
        assert_string_equal(o.answer.code, P->detail_without_pan ? "00" : "30");
        if (!P->detail_without_pan)
                upload(details + 1, 1, "00");
        end(P->detail_without_pan ? 2 : 1, "00");
        assert_int_equal(ledger_dump(directory, &json), 0);
        assert_non_null(strstr(json, P->detail_without_pan ? "\"uploaded\":2,\"not_booked\":0,\"not_uploaded\":0,"
                                                             "\"other_card\":1"
                                                           : "\"uploaded\":1,\"not_booked\":0,\"not_uploaded\":1,"
                                                             "\"other_card\":1"));
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

        /* tilld reads it as it was meant. */
        _cleanup_(statement_freep) struct statement *s = NULL;
        const char *reason = NULL;
        unsigned line = 0;
        if (parse_statement(text, strlen(text), strlen(text), &s, &line, &reason) < 0)
                fail_msg("line %u: %s", line, reason);
        assert_int_equal(s->n_lines, 2);
        const struct statement_line *l = statement_find(s, sale.request.batch, sale.request.stan);
        assert_non_null(l);
        assert_string_equal(l->rrn, sale.answer.rrn);
        assert_string_equal(l->kind, "sale");
        assert_int_equal(l->amount, 1000);
        l = statement_find(s, q.batch, q.stan);
        assert_non_null(l);
        assert_string_equal(l->kind, "refund");
        assert_int_equal(l->amount, 400);

        filter = (struct ledger_filter){ .day = "2001-02-03" };
        assert_int_equal(ledger_statement(directory, &filter, &none), 0);
        assert_string_equal(none + strlen(none) - strlen("\nend,0,0\n"), "\nend,0,0\n");
}

/* As the engine tells of it, and has it in its journal. */
static struct transaction_record forwarded(const char *kind, int64_t amount) {
        struct transaction_record record;

        transaction_record_init(&record);
        COPY(record.kind, kind);
        COPY(record.currency, "CNY");
        record.amount = amount;
        record.result = RESULT_APPROVED;
        record.forwarding = FORWARDING_DONE;
        return record;
}

/* What was told later is what the acquirer's statement says: none of it is a difference. */
static void statement_of_forwards(void **state) {
        struct transaction_record records[] = { forwarded("sale", 700), forwarded("offline-sale", 200),
                                                forwarded("tip", 70) };
        struct ledger_filter filter = { .batch = 1 };
        _cleanup_(statement_freep) struct statement *s = NULL;
        _cleanup_free_ char *text = NULL;
        _cleanup_(issuer_freep) struct issuer *issuer = NULL;
        uint8_t icc[255], key[16];
        const char *reason = NULL;
        struct booked sale;
        unsigned line = 0;

        sign_on();
        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &issuer), 0);
        sale = booked_sale(1000);
        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                struct transaction_record *record = records + i;
                struct host_request q = streq(record->kind, "tip") ? about(HOST_TIP, &sale, record->amount)
                                                                   : offline_sale(record->amount, PAN);
                struct booked b;

                q.kind = kind_as_told(record);
                if (streq(record->kind, "sale")) {
                        q.authorization_code = NULL;
                        q.entry = HOST_ENTRY_CHIP;
                        q.psn = 1;
                        q.icc = icc;
                        q.icc_size = chip_data(issuer, record->amount, true, icc, key);
                }
                b = book(&q);
                record->stan = q.stan;
                record->batch = q.batch;
                COPY(record->rrn, b.answer.rrn);
        }
        assert_int_equal(ledger_statement(directory, &filter, &text), 0);
        if (parse_statement(text, strlen(text), strlen(text), &s, &line, &reason) < 0)
                fail_msg("line %u: %s", line, reason);
        assert_int_equal(s->n_lines, 4);
        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                const struct statement_line *l = statement_find(s, records[i].batch, records[i].stan);

                assert_non_null(l);
                assert_string_equal(difference_to_string(reconcile_line(l, records + i)), "none");
        }
}

/* A ledger from before there were other kinds than sales. */
static void old_ledgers(void **state) {
        static const char sql[] =
                "DROP TABLE serials; DROP TABLE changes; DROP TABLE batches; DROP TABLE uploads; DROP INDEX "
                "transactions_original;"
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
                TEST(settlement),
                TEST(what_a_settlement_closes),
                TEST(settlement_by_card),
                TEST(uploads),
                TEST(uploads_without_a_number),
                TEST_AES(uploads_without_a_number),
                TEST(downloads),
                TEST(statements),
                TEST(statement_of_forwards),
                TEST(old_ledgers),
                cmocka_unit_test(published_pin_block),
                TEST(encrypted_stripes),
                TEST_AES(another_profile),
                TEST_AES(profiles_do_not_mix),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("sim-acquirer-batch", tests, make_directory, remove_directory);
}
