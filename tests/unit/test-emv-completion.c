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
        MALFORMED(f, GOOD_READ, "80AE800004A1B2C3D400", "800B 40 0007 1122334455667788 9000");
        MALFORMED(f, GOOD_READ, "80AE800004A1B2C3D400", "800B C0 0007 1122334455667788 9000");
        MALFORMED(f, GOOD_READ, "80AE800004A1B2C3D400", "800A 80 0007 11223344556677 9000");
        MALFORMED(f, GOOD_READ, "80AE800004A1B2C3D400", "6985");
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
        /* Another cryptogram than it was asked for, and none. */
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE4000", AAC);
        assert_int_equal(o.reason, EMV_REASON_CARD);
        ONLINE(f, &d, &o, READ_Y3, ARQC, "80AE4000", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
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
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
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
        /* The list is the terminal's again, for a second cryptogram that is then not asked for: 253 and 5 bytes. */
        ONLINE(f, &d, &o, BEGIN, OPTIONS, READ,
               "70{5A{6200000000000005} 5F24{491231} 8C{9F3704} 8D{73FD9805} 8F{EE}} 9000", ARQC);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_true(tvr_test(o.result.tvr, TVR_DEFAULT_TDOL));
}

/* A good card of three records in two files, and one of a file that is not ours. */
#define CARD_FCI "6F{84{A000000333010101} A5{50{444542} 9F38{9F0206 9F0404 8104}}} 9000"
#define CARD_BEGIN                                                                                                    \
        PSE, "6A82", SELECT_RID, CARD_FCI, NEXT_RID, "6A82", SELECT_1, CARD_FCI, "80A8",                              \
                "77{82{0400} 94{08010201 5801010010010100}} 9000"
#define CARD_READ                                                                                                     \
        CARD_BEGIN, "00B2010C", "70{5A{6200000000000005} 5F34{01} 5F24{491231} 8C{9F3704}} 9000", "00B2020C",         \
                "70{8F{EE} 8D{8A029505} 9F63{30313032303330343035303630373038}} 9000", "00B2015C",                    \
                "5A086200000000000013 9000", "00B20114", "70{57{6200000000000005D4912201} 50{4E4F}} 9000"

/* Every tag that the UnionPay profile wants, in its order, each with the value that it has. */
static void de55(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;
        uint8_t wanted[EMV_DE55_MAX];
        const char *text = "9F26{1122334455667788} 9F27{80} 9F10{AABB} 9F37{A1B2C3D4} 9F36{0007} 95{8000000000} "
                           "9A{261121} 9C{00} 9F02{000000001234} 5F2A{0156} 82{0400} 9F1A{0156} 9F03{000000000200} "
                           "9F33{6028C8} 9F34{3F0000} 9F35{22} 9F1E{54494C4C44303031} 84{A000000333010101} 9F09{0020} "
                           "9F41{00000042} 5F34{01} 9F63{30313032303330343035303630373038}";
        size_t size;

        simple_start(&f->start);
        f->start.amount_other = 200;
        ONLINE(f, &d, &o, CARD_READ, "80AE8000", "77{9F27{80} 9F36{0007} 9F26{1122334455667788} 9F10{AABB}} 9000",
               "80AE4000", TC);
        size = nested_hex(&text, wanted, sizeof(wanted));
        assert_int_equal(d.request.result.de55_size, size);
        assert_memory_equal(d.request.result.de55, wanted, size);
        assert_int_equal(o.result.has_cryptogram, 1);
}

/* 6.5.5.4: what else comes with a cryptogram is not heard, and is no second time what the first answer had. */
static void answer_that_holds_more(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        ONLINE(f, &d, &o, CARD_READ, "80AE8000",
               "77{9F27{80} 9F36{0007} 9F26{1122334455667788} DF01{01} 5F34{07}} 9000", "80AE4000",
               "77{9F27{40} 9F36{0007} 9F26{8877665544332211} DF01{01} 9F0D{0000000000}} 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_int_equal(o.card.sequence, 1);
}

/* What a record says of cryptograms is none of the card's decision. */
static void no_cryptogram_but_the_answer(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

#define LYING_READ                                                                                                    \
        BEGIN, OPTIONS, READ,                                                                                         \
                "70{5A{6200000000000005} 5F24{491231} 8C{9F3704} 8D{8A029505} 8F{EE} "                                \
                "9F27{40} 9F36{0001} 9F26{0102030405060708} 9F10{00}} 9000"
        simple_start(&f->start);
        RUN(f, &o, LYING_READ, "80AE8000", "removed");
        assert_int_equal(o.reason, EMV_REASON_REMOVED);
        assert_int_equal(o.result.has_cryptogram, 0);
        assert_int_equal(o.result.de55_size, 0);
        RUN(f, &o, LYING_READ, "80AE8000", "77{9F36{0007} 9F26{1122334455667788}} 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_int_equal(o.result.has_cryptogram, 0);
        /* A TC that nobody asked for is not told as one. */
        RUN(f, &o, LYING_READ, "80AE8000", TC);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_int_equal(o.result.has_cryptogram, 0);
        f->start.steps = EMV_STEPS_READ;
        RUN(f, &o, LYING_READ);
        assert_int_equal(o.outcome, EMV_OUTCOME_READ);
        assert_int_equal(o.result.has_cryptogram, 0);
}

/* Why the card declined (Book 3, table 14): a service that it does not allow is no card for this place. */
static void reason_codes(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        RUN(f, &o, GOOD_READ, "80AE8000", "800B 01 0007 1122334455667788 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_DECLINED);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        assert_int_equal(o.result.cryptogram_type, AC_AAC);
        /* Advice wanted; PIN tries exceeded; issuer authentication failed. */
        RUN(f, &o, GOOD_READ, "80AE8000", "800B 08 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_CARD);
        RUN(f, &o, GOOD_READ, "80AE8000", "800B 02 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_CARD);
        RUN(f, &o, GOOD_READ, "80AE8000", "800B 0B 0007 1122334455667788 9000");
        assert_int_equal(o.reason, EMV_REASON_CARD);
}

/* How far each kind goes with the card. */
static void kinds(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        f->start.steps = EMV_STEPS_READ;
        RUN(f, &o, GOOD_READ);
        assert_int_equal(o.outcome, EMV_OUTCOME_READ);
        assert_string_equal(o.card.pan, "6200000000000005");
        assert_memory_equal(o.result.tvr, "\x80\x00\x00\x00\x00", 5);
        assert_memory_equal(o.result.tsi, "\x00\x00", 2);

        f->start.steps = EMV_STEPS_AAC;
        f->start.transaction_type = 0x20;
        RUN(f, &o, GOOD_READ, "80AE000004A1B2C3D400", AAC);
        assert_int_equal(o.outcome, EMV_OUTCOME_READ);
        assert_int_equal(o.result.has_cryptogram, 1);
        assert_string_equal(o.card.pan, "6200000000000005");
        /* Book 4, 6.3.4.5: nobody was to be verified. */
        assert_memory_equal(o.result.cvm, "\x3f\x00\x00", 3);
        RUN(f, &o, GOOD_READ, "80AE0000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);

        /* Never decided offline, whatever the action codes are; and not without the acquirer. */
        f->start.steps = EMV_STEPS_ONLINE;
        f->start.transaction_type = 0x31;
#define READ_ZEROS                                                                                                    \
        BEGIN, OPTIONS, READ,                                                                                         \
                "70{5A{6200000000000005} 5F24{491231} 8C{9F3704} 8D{8A029505} 8F{EE} 9F0D{0000000000} "               \
                "9F0E{0000000000} 9F0F{0000000000}} 9000"
        ONLINE(f, &d, &o, READ_ZEROS, ARQC, "80AE4000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        d.online = EMV_ONLINE_NOT_SENT;
        ONLINE(f, &d, &o, READ_ZEROS, ARQC, "80AE0000075A338000000000", AAC);
        assert_int_equal(o.reason, EMV_REASON_UNABLE_ONLINE);
        f->start.steps = EMV_STEPS_FULL;
        f->start.transaction_type = 0;
        RUN(f, &o, READ_ZEROS, "80AE4000", TC);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        assert_memory_equal(o.result.arc, "Y1", 2);
        assert_string_equal(o.card.pan, "6200000000000005");
}

/* The card is taken, or says nothing more, at each step of one long transaction. */
static void torn(void **state) {
        static const char *const whole[] = {
                PSE,
                "6F{84{315041592E5359532E4444463031} A5{88{01}}} 9000",
                "00B2010C",
                "70{61{4F{A000000333010101}} 61{4F{A000000333010102} 87{02}}} 9000",
                "00B2020C",
                "6A83",
                SELECT_2,
                "6A82",
                SELECT_1,
                "6F{84{A000000333010101} A5{}} 9000",
                "80A8",
                "77{82{0C00} 94{08010100}} 9000",
                "00B2010C",
                "70{5A{6200000000000005} 5F24{491231} 8C{9F3704} 8D{8A029505} 8F{EE} 9F14{05} 9F23{09}} 9000",
                "80CA9F36",
                "9F36{0007} 9000",
                "80CA9F13",
                "9F13{0006} 9000",
                ARQC,
                "00820000",
                "9000",
                "8424000001",
                "9000",
                "80AE4000",
                TC,
                "8418000001",
                "9000",
                "8418000002",
                "9000",
        };
        /* Of the lines: the first cryptogram's, the second's. */
        enum { FIRST = 18, SECOND = 24 };
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        for (size_t i = 0; i <= ELEMENTSOF(whole); i += 2) {
                const char *lines[ELEMENTSOF(whole)];
                struct dialogue d = {
                        .lines = lines,
                        .n = i < ELEMENTSOF(whole) ? i + 2 : i,
                        .online = EMV_ONLINE_ANSWERED,
                        .approved = true,
                        .issuer_authentication = "0102030405060708",
                        .scripts = "7107 8605 8424000001 720E 8605 8418000001 8605 8418000002",
                };

                memcpy(lines, whole, sizeof(lines));
                if (i < ELEMENTSOF(whole))
                        lines[i + 1] = i % 4 == 0 ? "removed" : "mute";
                run(f, &d, &o);
                if (i <= SECOND) {
                        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
                        assert_int_equal(o.reason, i % 4 == 0 ? EMV_REASON_REMOVED : EMV_REASON_TIMEOUT);
                } else
                        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
                assert_int_equal(o.online, i > FIRST);
                assert_int_equal(d.questions, i > FIRST);
                /* The second command of the second script. */
                if (i == ELEMENTSOF(whole) - 2) {
                        assert_memory_equal(o.result.tvr, "\x80\x00\x00\x00\x10", 5);
                        assert_int_equal(o.result.script_results_size, 10);
                        assert_memory_equal(o.result.script_results, "\x20\0\0\0\0\x12\0\0\0\0", 10);
                }
        }
}

/* tilld ends it: by the exchange, by a prompt, by the question. And the reader is gone. */
static void stopped(void **state) {
        static const char *const two[] = { PSE,        "6F{84{315041592E5359532E4444463031} A5{88{01}}} 9000",
                                           "00B2010C", "70{61{4F{A000000333010101}} 61{4F{A000000333010102}}} 9000",
                                           "00B2020C", "6A83" };
        static const char *const dropped[] = {
                PSE,        "6F{84{315041592E5359532E4444463031} A5{88{01}}} 9000",
                "00B2010C", "70{61{4F{A000000333010101}} 61{4F{A000000333010102}}} 9000",
                "00B2020C", "6A83",
                SELECT_1,   "6A82"
        };
        static const char *const online[] = { GOOD_READ, ARQC };
        struct fixture *f = *state;
        struct dialogue d = { .lines = two, .n = ELEMENTSOF(two), .stop = DIALOGUE_CHOICE };
        struct message_outcome o;

        simple_start(&f->start);
        f->start.can_choose = 1;
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_ABORTED);
        f->start.can_choose = 0;
        d = (struct dialogue){ .lines = dropped, .n = ELEMENTSOF(dropped), .stop = DIALOGUE_PROMPT };
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_ABORTED);
        d = (struct dialogue){ .lines = online, .n = ELEMENTSOF(online), .stop = DIALOGUE_ONLINE };
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_ABORTED);
        assert_int_equal(o.online, 1);
        RUN(f, &o, GOOD_READ, "80AE8000", "stop");
        assert_int_equal(o.reason, EMV_REASON_ABORTED);
        RUN(f, &o, GOOD_READ, "80AE8000", "unplugged");
        assert_int_equal(o.reason, EMV_REASON_READER);

        /* After the last cryptogram: the card's loss changes nothing, tilld's word does. */
        d = (struct dialogue){ .online = EMV_ONLINE_ANSWERED, .approved = true, .scripts = "7207 8605 8418000001" };
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC, "8418000001", "unplugged");
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC, "8418000001", "stop");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.reason, EMV_REASON_ABORTED);
}

/* 10.10: more than one script, what is in them, and how much of it is told. */
static void script_forms(void **state) {
        struct fixture *f = *state;
        struct dialogue d = { .online = EMV_ONLINE_ANSWERED, .approved = true };
        struct message_outcome o;

        simple_start(&f->start);
        /* A template without commands has nothing that could fail; other templates are no scripts. */
        d.scripts = "7106 9F1803010203 7107 9F180401020304 7100 DF0100 8A00";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE40000730308000000020", TC);
        assert_int_equal(o.result.script_results_size, 15);
        assert_memory_equal(o.result.script_results, "\0\0\0\0\0\x20\1\2\3\4\x20\0\0\0\0", 15);

        /* Something else in it, a command too short, a command with a length that is not its own. */
        d.scripts = "710A 8605 8424000001 DF0101 7105 8603 842400 7109 8607 842400000301";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\0\0\0\0\0\0\0\0\0\0", 10);

        /* The first byte of the status word decides; the fifteenth command and those after it have one number. */
        d.scripts = "710E 8605 8424000001 8605 8424000002";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9001", "8424000002", "6200", "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\x20\0\0\0\0", 5);
        d.scripts =
                "7170 8605 8424000001 8605 8424000002 8605 8424000003 8605 8424000004 8605 8424000005 8605 8424000006 "
                "8605 8424000007 8605 8424000008 8605 8424000009 8605 842400000A 8605 842400000B 8605 842400000C "
                "8605 842400000D 8605 842400000E 8605 842400000F 8605 8424000010";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "9000", "8424000002", "9000", "8424000003", "9000",
               "8424000004", "9000", "8424000005", "9000", "8424000006", "9000", "8424000007", "9000", "8424000008",
               "9000", "8424000009", "9000", "842400000A", "9000", "842400000B", "9000", "842400000C", "9000",
               "842400000D", "9000", "842400000E", "9000", "842400000F", "9000", "8424000010", "6A80", "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\x1f\0\0\0\0", 5);

        /* Four results are all that there is room for; the fifth script runs all the same. */
        d.scripts = "7207 8605 8424000001 7207 8605 8424000002 7207 8605 8424000003 7207 8605 8424000004 "
                    "7207 8605 8424000005";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "80AE4000", TC, "8424000001", "9000", "8424000002", "9000", "8424000003",
               "9000", "8424000004", "9000", "8424000005", "6985");
        assert_int_equal(o.result.script_results_size, 20);
        assert_true(tvr_test(o.result.tvr, TVR_SCRIPT_FAILED_AFTER));

        /* An answer that is none leaves the others to go on. */
        d.scripts = "7107 8605 8424000001 7107 8605 8424000002";
        ONLINE(f, &d, &o, GOOD_READ, ARQC, "8424000001", "90", "8424000002", "9000", "80AE4000", TC);
        assert_memory_equal(o.result.script_results, "\x11\0\0\0\0\x20\0\0\0\0", 10);
        assert_int_equal(o.outcome, EMV_OUTCOME_APPROVED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(transaction_certificate_hash, setup, teardown),
                cmocka_unit_test_setup_teardown(second_cryptogram, setup, teardown),
                cmocka_unit_test_setup_teardown(unable_online, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_authentication, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_scripts, setup, teardown),
                cmocka_unit_test_setup_teardown(de55, setup, teardown),
                cmocka_unit_test_setup_teardown(answer_that_holds_more, setup, teardown),
                cmocka_unit_test_setup_teardown(no_cryptogram_but_the_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(reason_codes, setup, teardown),
                cmocka_unit_test_setup_teardown(kinds, setup, teardown),
                cmocka_unit_test_setup_teardown(torn, setup, teardown),
                cmocka_unit_test_setup_teardown(stopped, setup, teardown),
                cmocka_unit_test_setup_teardown(script_forms, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: completion", tests, NULL, NULL);
}
