// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "acquirer-fixture.h"

static void echo(void **state) {
        struct host_request q = request(HOST_ECHO);

        assert_code(&q, "00");
        assert_true(host_link_is_connected(the_link));
        assert_string_equal(host_link_tls_version(the_link), "TLSv1.3");
        assert_int_equal(host_link_last_reason(the_link), HOST_LINK_OK);
}

static void sale_approved(void **state) {
        struct outcome o;

        sign_on();
        struct host_request q = stripe_sale(1234);
        o = exchange(&q, LONG);
        assert_int_equal(o.outcome, HOST_ANSWERED);
        assert_string_equal(o.answer.code, "00");
        assert_int_equal(o.answer.amount, 1234);
        assert_int_equal(strlen(o.answer.rrn), 12);
        assert_int_equal(strlen(o.answer.approval), 6);
        assert_charged(1234);

        /* The same number again charges nothing. */
        assert_code(&q, "94");
        assert_charged(1234);
        q.batch = 2;
        assert_code(&q, "00");
        assert_charged(2468);
}

static void sales_declined(void **state) {
        struct host_request q;

        sign_on();
        q = stripe_sale(1);
        q.pan = DECLINED_PAN;
        q.track2 = DECLINED_PAN "=49121010000000000";
        assert_code(&q, "51");
        q = stripe_sale(1);
        q.expiry = "2001";
        assert_code(&q, "54");
        q = stripe_sale(1);
        q.pan = "6300000000000000";
        assert_code(&q, "15");
        q = stripe_sale(1);
        q.track2 = PAN "=49122010000000000";
        assert_code(&q, "45");
        script("decline 05");
        q = stripe_sale(1);
        assert_code(&q, "05");
        q = stripe_sale(1);
        assert_code(&q, "00");
        assert_charged(1);
}

/* The last message had this DE55. */
static void assert_logged(const uint8_t *icc, size_t size) {
        char hex[2 * 255 + 1], wanted[2 * 255 + 16];
        _cleanup_free_ char *json = NULL;

        hex_encode(icc, size, hex);
        snprintf(wanted, sizeof(wanted), "\"icc\":\"%s\"}]}", hex);
        assert_int_equal(ledger_dump(directory, &json), 0);
        assert_string_equal(json + strlen(json) - strlen(wanted), wanted);
}

static void chip_sale(void **state) {
        _cleanup_(issuer_freep) struct issuer *issuer = NULL;
        uint8_t icc[255], key[16], arpc[8], ac[8];
        struct outcome o;

        sign_on();
        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &issuer), 0);
        struct host_request q = stripe_sale(500);
        q.entry = HOST_ENTRY_CHIP;
        q.psn = 1;
        q.icc = icc;

        q.icc_size = chip_data(issuer, 500, true, icc, key);
        o = exchange(&q, LONG);
        assert_string_equal(o.answer.code, "00");
        assert_int_equal(o.answer.issuer_auth_size, 10);
        assert_memory_equal(o.answer.issuer_auth + 8, "00", 2);
        memcpy(ac, icc + q.icc_size - 8, 8);
        assert_int_equal(issuer_arpc(key, ac, o.answer.issuer_auth + 8, arpc), 0);
        assert_memory_equal(o.answer.issuer_auth, arpc, 8);

        assert_logged(icc, q.icc_size);

        script("wrong-arpc");
        q.stan = ++stan;
        o = exchange(&q, LONG);
        assert_string_equal(o.answer.code, "00");
        assert_memory_not_equal(o.answer.issuer_auth, arpc, 8);
        assert_charged(1000);

        script("issuer-script 72 8424000000");
        q.stan = ++stan;
        o = exchange(&q, LONG);
        assert_int_equal(o.answer.issuer_auth_size, 10);
        assert_int_equal(o.answer.scripts_size, 16);
        assert_memory_equal(o.answer.scripts, "\x72\x0e\x9f\x18\x04\0\0\0\x01\x86\x05\x84\x24\0\0\0", 16);
        assert_charged(1500);

        /* Four bytes get the issuer's MAC. */
        script("issuer-script 71 84240000");
        q.stan = ++stan;
        o = exchange(&q, LONG);
        assert_int_equal(o.answer.scripts_size, 20);
        assert_memory_equal(o.answer.scripts, "\x71\x12\x9f\x18\x04\0\0\0\x01\x86\x09\x84\x24\0\0\x04", 16);
        assert_int_equal(issuer_card_mac_key(issuer, PAN, 1, key), 0);
        assert_int_equal(issuer_mac_session_key(key, ac, key), 0);
        assert_int_equal(issuer_script_mac(key, (const uint8_t[]){ 0x84, 0x24, 0, 0 }, (const uint8_t[]){ 0, 0x11 },
                                           ac, 0, NULL, 0, arpc),
                         0);
        assert_memory_equal(o.answer.scripts + 16, arpc, ISSUER_MAC_SIZE);
        assert_charged(2000);

        q.stan = ++stan;
        q.icc_size = chip_data(issuer, 500, false, icc, key);
        assert_code(&q, "05");
        q.stan = ++stan;
        q.icc_size = chip_data(issuer, 501, true, icc, key);
        assert_code(&q, "13");
        q.stan = ++stan;
        q.icc_size = 6;
        assert_code(&q, "30");
        assert_charged(2000);
}

static void answer_lost(void **state) {
        struct outcome o;

        sign_on();
        struct host_request q = stripe_sale(700);
        script("drop-answer");
        o = exchange(&q, SHORT);
        assert_int_equal(o.outcome, HOST_NO_ANSWER);
        assert_int_equal(o.reason, HOST_LINK_TIMEOUT);
        assert_false(host_link_is_connected(the_link));
        assert_charged(700);

        struct host_request back = reversal(&q, host_outcome_reversal_reason(o.outcome));
        script("drop-answer kind=reversal");
        o = exchange(&back, SHORT);
        assert_int_equal(o.outcome, HOST_NO_ANSWER);
        assert_charged(0);
        assert_code(&back, "00");
        assert_charged(0);
}

static void request_lost(void **state) {
        struct outcome o;

        sign_on();
        struct host_request q = stripe_sale(700);
        script("drop");
        o = exchange(&q, SHORT);
        assert_int_equal(o.outcome, HOST_NO_ANSWER);
        assert_charged(0);

        struct host_request back = reversal(&q, HOST_REASON_NO_ANSWER);
        assert_code(&back, "25");
        assert_code(&back, "25");
        /* Had the sale only been slow, it would come now. */
        assert_code(&q, "94");
        assert_charged(0);
}

static void reversal_of_another_amount(void **state) {
        sign_on();
        struct host_request q = stripe_sale(700);
        assert_code(&q, "00");
        q.amount = 701;
        struct host_request back = reversal(&q, HOST_REASON_NOT_COMPLETED);
        assert_code(&back, "64");
        assert_charged(700);
}

static void answers_that_went_wrong(void **state) {
        static const struct {
                const char *step;
                enum host_outcome outcome;
                enum host_link_reason reason;
        } cases[] = {
                { "garble", HOST_MALFORMED, HOST_LINK_OK },
                { "bad-mac", HOST_BAD_MAC, HOST_LINK_OK },
                { "no-mac", HOST_BAD_MAC, HOST_LINK_OK },
                { "wrong-amount", HOST_MALFORMED, HOST_LINK_OK },
                { "wrong-stan", HOST_NO_ANSWER, HOST_LINK_TIMEOUT },
                { "close", HOST_NO_ANSWER, HOST_LINK_CLOSED },
                { "close-answer", HOST_NO_ANSWER, HOST_LINK_CLOSED },
                { "delay 3600", HOST_NO_ANSWER, HOST_LINK_TIMEOUT },
        };

        sign_on();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bool silent = cases[i].reason == HOST_LINK_TIMEOUT;
                struct host_request q = stripe_sale(100);
                struct outcome o;

                script(cases[i].step);
                o = exchange(&q, silent ? SHORT : LONG);
                assert_int_equal(o.outcome, cases[i].outcome);
                assert_int_equal(o.reason, cases[i].reason);

                struct host_request back = reversal(&q, host_outcome_reversal_reason(o.outcome));
                assert_code(&back, streq(cases[i].step, "close") ? "25" : "00");
                assert_charged(0);
        }
}

static void answers_that_are_late_or_twice(void **state) {
        sign_on();
        struct host_request q = stripe_sale(100);
        script("twice count=2");
        script("delay 0.2");
        assert_code(&q, "00");
        q.stan = ++stan;
        assert_code(&q, "00");
        q.stan = ++stan;
        assert_code(&q, "00");
        assert_charged(300);
}

static void unknown_keys(void **state) {
        uint8_t wrapped[40], tmk[TMK_SIZE] = "another";
        struct host_keys *others = NULL;

        /* Never signed on at the acquirer. */
        assert_int_equal(host_keys_new(P->hierarchy, tmk, &others), 0);
        assert_int_equal(host_key_wrap(P->hierarchy, tmk, "1234567890123456", 16, wrapped), 20);
        assert_int_equal(host_key_wrap(P->hierarchy, tmk, "1234567890123456", 16, wrapped + 20), 20);
        assert_int_equal(host_keys_load(others, wrapped, sizeof(wrapped)), 0);
        struct host_keys *mine = keys;
        keys = others;
        struct host_request q = stripe_sale(100);
        assert_code(&q, "A0");
        keys = mine;
        host_keys_free(others);

        sign_on();
        q.stan = ++stan;
        assert_code(&q, "00");
        /* A new sign-on makes the old key void. */
        uint8_t before[8], after[8];
        assert_int_equal(host_keys_mac(keys, P->mac, "x", 1, before), 0);
        sign_on();
        assert_int_equal(host_keys_mac(keys, P->mac, "x", 1, after), 0);
        assert_memory_not_equal(before, after, 8);
        assert_charged(100);
}

static void acquirer_restarts(void **state) {
        char listen[32];

        sign_on();
        struct host_request q = stripe_sale(100);
        assert_code(&q, "00");

        /* The terminal's connection is dead without its knowing; keys and ledger outlive the acquirer. */
        snprintf(listen, sizeof(listen), "127.0.0.1:%u", sim_server_port(server));
        sim_server_free(server);
        sim_acquirer_free(acquirer);
        assert_int_equal(free_and_strdup(&settings->listen, listen), 0);
        assert_int_equal(sim_acquirer_new(settings, &acquirer), 0);
        assert_int_equal(sim_server_new(event, settings, acquirer, &server), 0);
        assert_code(&q, "94");
        q.stan = ++stan;
        assert_code(&q, "00");
        assert_charged(200);
}

static void nobody_there(void **state) {
        struct host_request q = request(HOST_ECHO);
        struct outcome o;

        server = sim_server_free(server);
        o = exchange(&q, LONG);
        assert_int_equal(o.outcome, HOST_NOT_SENT);
        assert_int_equal(o.reason, HOST_LINK_UNREACHABLE);
        assert_int_equal(host_link_last_reason(the_link), HOST_LINK_UNREACHABLE);
}

static void second_host(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = new_link("127.0.0.1:1", path("terminal.pem"));
        struct host_request q = request(HOST_ECHO);
        struct outcome o = exchange_on(l, &q, LONG);
        char peer[32];

        assert_int_equal(o.outcome, HOST_ANSWERED);
        snprintf(peer, sizeof(peer), "localhost:%u", sim_server_port(server));
        assert_string_equal(host_link_peer(l), peer);
}

static void no_client_certificate(void **state) {
        _cleanup_(host_link_freep) struct host_link *l = new_link(NULL, NULL);
        struct host_request q = request(HOST_ECHO);
        struct outcome o = exchange_on(l, &q, LONG);

        /* With TLS 1.3 the refusal comes after the terminal may have sent. */
        assert_int_not_equal(o.outcome, HOST_ANSWERED);
        assert_true(o.reason == HOST_LINK_TLS_CLIENT || o.reason == HOST_LINK_CLOSED);
}

static void one_at_a_time(void **state) {
        struct host_request q = request(HOST_ECHO);
        struct outcome o = {};

        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, &o), 0);
        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, &o), -EBUSY);
        assert_false(host_link_cancel(the_link));
        assert_code(&q, "00");
        assert_false(o.done);

        /* What was sent stays sent, even when nobody waits for it. */
        sign_on();
        q = stripe_sale(100);
        script("drop-answer");
        assert_int_equal(host_exchange(the_link, P, keys, &q, LONG, on_done, &o), 0);
        while (sim_acquirer_script(acquirer)->n > 0)
                assert_true(sd_event_run(event, UINT64_MAX) >= 0);
        assert_true(host_link_cancel(the_link));
        assert_false(o.done);
        assert_charged(100);
}

static void no_card_number_in_the_ledger(void **state) {
        char command[256];

        sign_on();
        struct host_request q = stripe_sale(100);
        assert_code(&q, "00");
        snprintf(command, sizeof(command), "grep -rqaF %s %s", PAN, directory);
        assert_int_not_equal(system(command), 0);
        snprintf(command, sizeof(command), "grep -rqaF '%.6s******%s' %s", PAN, PAN + 12, directory);
        assert_int_equal(system(command), 0);
}

static void listed_terminals(void **state) {
        struct host_request q;

        memcpy(settings->terminals[0].terminal, "T0000002", 9);
        memcpy(settings->terminals[0].merchant, "M2", 3);
        settings->n_terminals = 1;
        q = request(HOST_ECHO);
        assert_code(&q, "97");
        q.terminal = "T0000002";
        assert_code(&q, "03");
        q.merchant = "M2";
        assert_code(&q, "00");
}

static void script_words(void **state) {
        static const char *const bad[] = {
                "",
                "jump",
                "decline",
                "decline 5",
                "decline 511",
                "decline ab",
                "delay",
                "delay x",
                "delay -1",
                "delay 4000",
                "drop 51",
                "drop count=x",
                "drop count=1000001",
                "drop count=",
                "drop kind=car",
                "delay 1 2",
                "issuer-script",
                "issuer-script 71",
                "issuer-script 73 8424000000",
                "issuer-script 71 842400",
                "issuer-script 71 84240000 0",
        };
        const char *reason;
        struct step step;
        char text[STEP_TEXT_MAX], longest[STEP_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                reason = NULL;
                assert_int_equal(step_parse(bad[i], &step, &reason), -EINVAL);
                assert_non_null(reason);
        }
        assert_int_equal(step_parse("delay 1.5 count=0 kind=pre-authorization-void", &step, &reason), 0);
        assert_int_equal(step.delay_usec, 1500000);
        step_format(&step, text, sizeof(text));
        assert_string_equal(text, "delay 1.5 count=0 kind=pre-authorization-void");

        snprintf(longest, sizeof(longest), "issuer-script 71 %0*d count=1 kind=sale", 2 * STEP_COMMAND_MAX, 0);
        assert_int_equal(step_parse(longest, &step, &reason), 0);
        assert_int_equal(step.command_size, STEP_COMMAND_MAX);
        step_format(&step, text, sizeof(text));
        assert_string_equal(text, longest);
}

static void live_terminals(void **state) {
        char command[512];

        snprintf(command, sizeof(command),
                 "cd %s && mkdir -p d && printf '[terminal]\\nmode=test\\n' >t && printf '[terminal]\\nmode=live\\n' "
                 ">l",
                 directory);
        assert_int_equal(system(command), 0);
        assert_false(sim_settings_terminal_is_live(path("none"), path("none")));
        assert_false(sim_settings_terminal_is_live(path("t"), path("d")));
        assert_true(sim_settings_terminal_is_live(path("l"), path("d")));
        /* What cannot be read may be live. */
        assert_true(sim_settings_terminal_is_live(path("d"), path("d")));
        snprintf(command, sizeof(command), "cp %s/l %s/d/x.conf", directory, directory);
        assert_int_equal(system(command), 0);
        assert_true(sim_settings_terminal_is_live(path("t"), path("d")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(echo),
                TEST(sale_approved),
                TEST(sales_declined),
                TEST(chip_sale),
                TEST(answer_lost),
                TEST(request_lost),
                TEST(reversal_of_another_amount),
                TEST(answers_that_went_wrong),
                TEST(answers_that_are_late_or_twice),
                TEST(unknown_keys),
                TEST(acquirer_restarts),
                TEST(nobody_there),
                TEST(second_host),
                TEST(no_client_certificate),
                TEST(one_at_a_time),
                TEST(no_card_number_in_the_ledger),
                TEST(listed_terminals),
                cmocka_unit_test(script_words),
                cmocka_unit_test(live_terminals),
        };

        signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests_name("acquirer", tests, make_directory, remove_directory);
}
