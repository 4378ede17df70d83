// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* From the first SELECT to the last record: application selection, initiation, reading. */

#include "emv-dialogue.h"

static void selection_ends(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        RUN(f, &o, PSE, "6A81");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        RUN(f, &o, NO_PSE, SELECT_RID, "6A81");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        RUN(f, &o, NO_PSE, SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* A blocked application is told from none. */
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 6283", NEXT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        /* A broken directory sends to the list, and so does one that cannot be read to its end. */
        RUN(f, &o, PSE, "6F009000", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6F00", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* No answer at all, and half a status word. */
        RUN(f, &o, PSE, "");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, PSE, "90");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
}

static void selection_partial(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        /* Two names that begin with the terminal's; the first wants another one (6985), then the second too. */
        simple_start(&f->start);
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 9000", NEXT_RID,
            "6F148408A000000333010102A5085003435244870101 9000", NEXT_RID, "6A82", SELECT_2,
            "6F118408A000000333010102A5055003435244 9000", "80A80000028300", "6985", SELECT_1,
            "6F118408A000000333010101A5055003444542 9000", "80A80000028300", "6985");
        assert_int_equal(o.outcome, EMV_OUTCOME_FAILED);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* Only the whole name. */
        f->start.terminal.applications[0].partial = 0;
        RUN(f, &o, NO_PSE, SELECT_RID, "6F118408A000000333010101A5055003444542 9000", NEXT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* A card that answers with another application than asked for is not believed. */
        f->start.terminal.applications[0].partial = 1;
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F118408A000000004010101A5055003444542 9000");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* Listed in the directory, and blocked when it is selected. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F118408A000000333010101A5055003444542 6283");
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);

        /* What needs the cardholder's confirmation is out when nobody can be asked. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700F610D4F08A000000333010101 870181 9000", "00B2020C", "6A83");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

static void reading_refuses(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* GET PROCESSING OPTIONS: neither format, no locator, an odd one, profile missing. */
        RUN(f, &o, BEGIN, "80A80000028300", "9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "8002 0000 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "8005 0000 080101 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "7706 9404 08010100 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, "80A80000028300", "6700");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* The locator: file 0, file 31, low bits, record 0, last before first, more signed than there are. */
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 00010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 F8010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 09010100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08000100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08020100 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08010102 9000");
        RUN(f, &o, BEGIN, "80A80000028300", "80060000 08020202 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Records: missing, without template, something behind it. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "6A83");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7000 5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        /* Data: PAN twice, none, no CDOL2, a month that is none, a PAN that is none, a track that is none. */
        RUN(f, &o, BEGIN, OPTIONS, READ, "7014 5A086200000000000005 5A086200000000000005 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7010 5F2403491231 8C039F3704 8D038A0295 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "7015 5A086200000000000005 5F2403491231 8C039F3704 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "701D 5A086200000000000005 5F2403491331 8C039F3704 8D038A0202 8F01EE 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ, "701D 5A08620000000000D005 5F2403491231 8C039F3704 8D038A0202 8F01EE 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        RUN(f, &o, BEGIN, OPTIONS, READ,
            "7023 5A086200000000000005 5F2403491231 8C039F3704 8D038A0202 8F01EE 57046200D491 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_string_equal(o.card.pan_masked, "");
}

/* The request for processing options carries what the card asks for. */
static void processing_options_data(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F178408A000000333010101A50B 9F3808 9F0206 5F2A02 9505 9000", "80A800000F830D00000000123401560000000000",
            "6985");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* More than 127 bytes take a longer length: 9F02 as 133 bytes. */
        RUN(f, &o, PSE, "6F15840E315041592E5359532E4444463031A503880101 9000", "00B2010C",
            "700C610A4F08A000000333010101 9000", "00B2020C", "6A83", SELECT_1,
            "6F128408A000000333010101A506 9F3803 9F0285 9000", "80A8000088838185", "6985");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(selection_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(selection_partial, setup, teardown),
                cmocka_unit_test_setup_teardown(processing_options_data, setup, teardown),
                cmocka_unit_test_setup_teardown(reading_refuses, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: selection", tests, NULL, NULL);
}
