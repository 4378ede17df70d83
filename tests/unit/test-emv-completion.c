// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* From the first cryptogram to the last: GENERATE AC, online, scripts, completion. */

#include "emv-dialogue.h"

static void first_cryptogram(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* The issuer's action codes are missing, so all ones: no data authentication goes online. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B 00 0007 1122334455667788 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_CARD);
        assert_memory_equal(o.result.atc, "\x00\x07", 2);
        assert_memory_equal(o.result.cryptogram, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
        assert_int_equal(o.result.iad_size, 0);

        /* More than asked for, a kind that is none, too short, an error: all end without a decision. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B 40 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800B C0 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "800A 80 0007 11223344556677 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Format 2, with what the issuer adds. */
        RUN(f, &o, GOOD_READ, "80AE800004A1B2C3D400",
            "771B 9F270100 9F36020007 9F26081122334455667788 9F1004AABBCCDD 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_memory_equal(o.result.iad, "\xaa\xbb\xcc\xdd", 4);

        /* Denied by the terminal: an AAC is asked for. */
        memset(f->start.terminal.applications[0].tac_denial, 0xff, 5);
        RUN(f, &o, GOOD_READ, "80AE000004A1B2C3D400", "800B 00 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_TERMINAL);
        assert_memory_equal(o.result.arc, "Z1", 2);
}

static void second_cryptogram(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        /* 8A and 95 go to the card as they are at that moment. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE40000730308000000000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(o.result.cryptogram, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
        /* The acquirer said yes, the card says no: this calls for a reversal. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE40000730308000000000", AAC);
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_CARD_AFTER_ISSUER);
        /* No second request, and an error is no decision. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", "800B 80 0007 8877665544332211 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.online, 1);
        assert_string_not_equal(o.card.pan_masked, "");

        d.approved = false;
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE00000730358000000000", AAC);
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_ISSUER);
        /* A card that gives a TC where an AAC was asked for. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE0000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
}

static void unable_online(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_NOT_SENT };
        struct message_outcome o;

        simple_start(&f->start);
        /* The default codes of this card are all ones. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);

        /* With codes of zero: Y3, but only when nothing was sent and it is allowed. */
#define READ_Y3                                                                                                       \
        BEGIN, OPTIONS, READ,                                                                                         \
                "7027 5A086200000000000005 5F2403491231 8C039F3704 8D048A029505 8F01EE 9F0D050000000000 00 9000"
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE40000759338000000000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(o.result.arc, "Y3", 2);
        d.online = EMV_ONLINE_NO_ANSWER;
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);
        d.online = EMV_ONLINE_NOT_SENT;
        f->start.offline_allowed = 0;
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);
}

#define OPTIONS_ISSUER "80A80000028300", "80060400 08010100 9000"
#define READ_ISSUER BEGIN, OPTIONS_ISSUER, READ, GOOD

static void issuer_authentication(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED,
                              .approved = true,
                              .issuer_authentication = "0102030405060708 3030" };
        struct message_outcome o;

        simple_start(&f->start);
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "008200000A01020304050607083030", "9000", "80AE40000730308000000000", TC);
        assert_memory_equal(o.result.tsi, "\x30\x00", 2);
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "008200000A01020304050607083030", "6300", "80AE40000730308000000040",
               AAC);
        assert_int_equal(o.reason, EMV_REASON_CARD_AFTER_ISSUER);
        assert_true(tvr_test(o.result.tvr, TVR_ISSUER_AUTHENTICATION_FAILED));
        /* Not of this card: the command is not sent. */
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC);
        assert_int_equal(o.result.tsi[0] & TSI_ISSUER_AUTHENTICATION, 0);
        /* Too short to be sent. */
        d.issuer_authentication = "01020304";
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "80AE40000730308000000040", AAC);
        assert_true(tvr_test(o.result.tvr, TVR_ISSUER_AUTHENTICATION_FAILED));
        /* Nothing to authenticate with. */
        d.issuer_authentication = NULL;
        ONLINE(f, &d, &o, READ_ISSUER, ARQC, "80AE4000", TC);
        assert_int_equal(o.result.tsi[0] & TSI_ISSUER_AUTHENTICATION, 0);
}

static void issuer_scripts(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        d.scripts = "710E 9F180400000001 8605 8424000000 7207 8605 8418000000";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000000", "9000", "80AE40000730308000000000", TC, "8418000000", "6300");
        assert_int_equal(o.result.script_results_size, 10);
        assert_memory_equal(o.result.script_results, "\x20\x00\x00\x00\x01\x20\x00\x00\x00\x00", 10);
        assert_memory_equal(o.result.tvr, "\x80\x00\x00\x00\x00", 5);
        assert_int_equal(o.result.tsi[0] & TSI_SCRIPT, TSI_SCRIPT);

        /* The second of three fails: the third is not sent, the next script is. */
        d.scripts = "7115 8605 8424000001 8605 8424000002 8605 8424000003 7107 8605 8424000004";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9000", "8424000002", "6985", "8424000004", "9000",
               "80AE40000730308000000020", TC);
        assert_memory_equal(o.result.script_results, "\x12\x00\x00\x00\x00\x20\x00\x00\x00\x00", 10);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_BEFORE));

        /* Behind the first there is rubbish: what came whole is done, the rest counts as failed. */
        d.scripts = "7107 8605 8424000001 72";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9000", "80AE40000730308000000020", TC);
        assert_memory_equal(o.result.script_results, "\x20\x00\x00\x00\x00", 5);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_BEFORE));

        /* A script that is none is not begun. */
        d.scripts = "7205 8603 842400";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\x00\x00\x00\x00\x00", 5);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_AFTER));
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
}

/* Book 3, 9.2.2: the hash of a transaction certificate data object list, and the terminal's own list. */
static void transaction_certificate_hash(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        f->start.terminal.applications[0].tdol = (struct emv_dol){ 3, { 0x9f, 0x37, 0x04 } };
        /* Byte 5 bit 8 says that the list was the terminal's. The hash is SHA-1 of A1B2C3D4. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "701E 5A086200000000000005 5F2403491231 8C029814 8D048A029505 8F01EE 00 9000",
            "80AE800014512F5886A552C08B1F75EC01ABEE6590B36922CA", "800B 00 0007 1122334455667788 9000");
        assert_true(tvr_test(o.result.tvr, TVR_DEFAULT_TDOL));
        /* The card has a list of its own: 9A. */
        RUN(f, &o, BEGIN, OPTIONS, READ,
            "7022 5A086200000000000005 5F2403491231 8C029814 8D048A029505 8F01EE 97029A03 00 9000",
            "80AE8000146BE706932B45947961647B462936B9ED04C63760", "800B 00 0007 1122334455667788 9000");
        assert_false(tvr_test(o.result.tvr, TVR_DEFAULT_TDOL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(transaction_certificate_hash, setup, teardown),
                cmocka_unit_test_setup_teardown(second_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(unable_online, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_authentication, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_scripts, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: completion", tests, NULL, NULL);
}
