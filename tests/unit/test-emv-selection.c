// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* From the first SELECT to the last record: application selection, initiation, reading. */

#include "emv-dialogue.h"

#define PSE_FCI "6F{84{315041592E5359532E4444463031} A5{88{01}}} 9000"
#define DIRECTORY(n) "00B20" #n "0C"
#define END DIRECTORY(2), "6A83"

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
        MALFORMED(f, PSE, "");
        MALFORMED(f, PSE, "90");
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

/* What is too much: records, objects, and a list of objects that no command holds. */
static void reading_is_bounded(void **state) {
        static char commands[128][16], records[4][600];
        static const char *lines[32 + 2 * 128] = { BEGIN };
        enum { HEAD = ELEMENTSOF(((const char *[]){ BEGIN })) };
        struct fixture *f = *state;
        struct message_outcome o;
        struct dialogue d = { .lines = lines, .n = HEAD };

        /* 128 records are read, and then one more is too many. */
        simple_start(&f->start);
        lines[d.n++] = "80A80000028300";
        lines[d.n++] = "80{0000 08014000 10014000 18010100} 9000";
        for (unsigned i = 0; i < 128; i++) {
                snprintf(commands[i], sizeof(commands[i]), "00B2%02X%02X", i % 64 + 1, i < 64 ? 0x0c : 0x14);
                lines[d.n++] = commands[i];
                lines[d.n++] = "70{} 9000";
        }
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);

        /* 60 objects in each record: the fourth has more than there is room for. */
        d = (struct dialogue){ .lines = lines, .n = HEAD };
        lines[d.n++] = "80A80000028300";
        lines[d.n++] = "80{0000 08010500} 9000";
        for (unsigned i = 0; i < 4; i++) {
                char *p = stpcpy(records[i], "70{");

                for (unsigned k = 1; k <= 60; k++)
                        p += snprintf(p, 10, "DF%02X%02X00", 0x81 + i, k);
                stpcpy(p, "} 9000");
                lines[d.n++] = commands[i];
                lines[d.n++] = records[i];
        }
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);

        MALFORMED(f, BEGIN, OPTIONS, READ,
                  "70{5A{6200000000000005} 5F24{491231} 8C{9F3780 9F3780} 8D{8A02} 8F{EE}} 9000");
        MALFORMED(f, PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}}} 9000", END, SELECT_1,
                  "6F{84{A000000333010101} A5{9F38{9F3780 9F3780}}} 9000");
}

/* 7.1: what has to be read is read from records, whatever the FCI says; what it may say, a record may say again. */
static void fci_and_records(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

#define CHATTY                                                                                                        \
        PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}}} 9000", END, SELECT_1,                               \
                "6F{50{4E4F} 84{A000000333010101} A5{5A{6200000000000005} 5F24{491231} 50{4F4E45} 5F2D{656E} "        \
                "9F26{00} BF0C{9F4D{0B0A}} DF01{01} DF01{02}}} 9000",                                                 \
                OPTIONS, READ
        simple_start(&f->start);
        f->start.steps = EMV_STEPS_READ;
        MALFORMED(f, CHATTY, "70{8C{9F3704} 8D{8A02} 8F{EE}} 9000");
        RUN(f, &o, CHATTY,
            "70{5A{6200000000000013} 5F24{491231} 8C{9F3704} 8D{8A02} 8F{EE} 50{54574F} DF01{03}} 9000");
        assert_int_equal(o.outcome, EMV_OUTCOME_READ);
        assert_string_equal(o.card.pan, "6200000000000013");
        assert_string_equal(o.card.label, "TWO");
        assert_string_equal(o.card.language, "en");
        assert_string_equal(o.card.preferred_name, "");
        /* A preferred name, in an alphabet that the terminal has and in one that it has not. */
#define PREFERRED(table)                                                                                              \
        PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}}} 9000", END, SELECT_1,                               \
                "6F{84{A000000333010101} A5{9F11{" table "} 9F12{4D494E45}}} 9000", OPTIONS, READ,                    \
                "70{5A{6200000000000013} 5F24{491231} 8C{9F3704} 8D{8A02} 8F{EE}} 9000"
        RUN(f, &o, PREFERRED("01"));
        assert_string_equal(o.card.preferred_name, "MINE");
        RUN(f, &o, PREFERRED("05"));
        assert_string_equal(o.card.preferred_name, "");
        MALFORMED(f, CHATTY, "70{5A{6200000000000013} 5F24{491231} 8C{9F3704} 8D{8A02} 50{54574F} 50{54574F}} 9000");
}

/* 5F2D and names as the card has them. */
static void texts(void **state) {
        static const struct {
                const char *bytes, *language, *name;
        } cases[] = {
                { "7A68", "zh", "zh" },
                { "5A48656E", "zhen", "ZHen" },
                { "7A68656E66726465", "zhenfrde", "zhenfrde" },
                { "7A", "", "z" },
                { "7A68656E667264656573", "", "zhenfrdees" },
                { "7A31", "", "z1" },
                { "4120422020", "", "A B" },
                { "E941", "", "?A" },
                { "2020", "", "" },
                { "414243444546474849", "", "ABCDEFGHI" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char language[EMV_LANGUAGE_MAX + 1], name[EMV_LABEL_MAX + 1];
                uint8_t bytes[32];
                size_t n = fixture_hex(cases[i].bytes, bytes, sizeof(bytes));

                emv_copy_language(language, bytes, n);
                assert_string_equal(language, cases[i].language);
                emv_copy_text(name, sizeof(name), bytes, n);
                assert_string_equal(name, cases[i].name);
        }
}

/* PAN and track 2 (Annex A): digits to 19, filled with F to the whole byte, and nothing else. */
static void card_numbers(void **state) {
        static const struct {
                const char *pan, *track2, *digits, *text;
        } cases[] = {
                { "6200000000000005", NULL, "6200000000000005", "" },
                { "621234567890123456F0", NULL, NULL, NULL },
                { "6212345678901234567F", NULL, "6212345678901234567", "" },
                { "62123456789012345678", NULL, NULL, NULL },
                { "6200000FFFFFFFFFFFFF", NULL, NULL, NULL },
                { "62000000FFFFFFFFFFFF", NULL, "62000000", "" },
                { "6200000000000005", "6200000000000005D4912201", "6200000000000005", "6200000000000005=4912201" },
                { "6200000000000005", "6200000000000005D4912201123456789FFFFF", "6200000000000005",
                  "6200000000000005=4912201123456789" },
                { "6200000000000005", "6200000000000005D49122D1", NULL, NULL },
                { "6200000000000005", "6200000000000005D491220F", NULL, NULL },
                { "6200000000000005", "62000000000000054912201F", NULL, NULL },
                { "6212345678901234567F", "6212345678901234567D491220112345678901", "6212345678901234567", NULL },
                { "6212345678901234567F", "6212345678901234567D49122011234567890F", "6212345678901234567",
                  "6212345678901234567=49122011234567890" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char pan[EMV_PAN_MAX + 1], track2[EMV_TRACK2_MAX + 1];
                uint8_t data[32];
                size_t n;
                int r;

                n = fixture_hex(cases[i].pan, data, sizeof(data));
                r = emv_pan_digits(data, n, pan);
                if ((r >= 0) != (cases[i].digits != NULL || cases[i].track2 != NULL))
                        fail_msg("%s: %d", cases[i].pan, r);
                if (r >= 0 && cases[i].digits)
                        assert_string_equal(pan, cases[i].digits);
                if (!cases[i].track2)
                        continue;
                n = fixture_hex(cases[i].track2, data, sizeof(data));
                r = emv_track2_text(data, n, track2);
                if ((r >= 0) != (cases[i].text != NULL))
                        fail_msg("%s: %d", cases[i].track2, r);
                if (r >= 0)
                        assert_string_equal(track2, cases[i].text);
        }
}

static void reading_refuses(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* GET PROCESSING OPTIONS: neither format, no locator, an odd one, profile missing. */
        MALFORMED(f, BEGIN, "80A80000028300", "9000");
        MALFORMED(f, BEGIN, "80A80000028300", "8002 0000 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "8005 0000 080101 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "7706 9404 08010100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "6700");
        /* The locator: file 0, file 31, low bits, record 0, last before first, more signed than there are. */
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 00010100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 F8010100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 09010100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 08000100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 08020100 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 08010102 9000");
        MALFORMED(f, BEGIN, "80A80000028300", "80060000 08020202 9000");
        /* Records: missing, without template, something behind it. */
        MALFORMED(f, BEGIN, OPTIONS, READ, "6A83");
        MALFORMED(f, BEGIN, OPTIONS, READ, "5A086200000000000005 9000");
        MALFORMED(f, BEGIN, OPTIONS, READ, "7000 5A086200000000000005 9000");
        /* Data: PAN twice, none, no CDOL2, a month that is none, a PAN that is none, a track that is none. */
        MALFORMED(f, BEGIN, OPTIONS, READ, "7014 5A086200000000000005 5A086200000000000005 9000");
        MALFORMED(f, BEGIN, OPTIONS, READ, "7010 5F2403491231 8C039F3704 8D038A0295 9000");
        MALFORMED(f, BEGIN, OPTIONS, READ, "7015 5A086200000000000005 5F2403491231 8C039F3704 9000");
        MALFORMED(f, BEGIN, OPTIONS, READ, "701D 5A086200000000000005 5F2403491331 8C039F3704 8D038A0202 8F01EE 9000");
        MALFORMED(f, BEGIN, OPTIONS, READ, "701D 5A08620000000000D005 5F2403491231 8C039F3704 8D038A0202 8F01EE 9000");
        RUN(f, &o, BEGIN, OPTIONS, READ,
            "7023 5A086200000000000005 5F2403491231 8C039F3704 8D038A0202 8F01EE 57046200D491 9000");
        assert_int_equal(o.reason, EMV_REASON_MALFORMED);
        assert_string_equal(o.card.pan_masked, "");
}

/* 12.2.3, 12.3.2: what is in a directory's records. */
static void directory_records(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* Two entries in one record, unknown data around and in them, one entry of a directory, one of another scheme.
         */
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1),
            "70{DF01{1234} 61{9D{A000000333}} 61{4F{A000000333010101} 50{444542} DF02{}} 61{4F{A000000004}} 00"
            "61{50{435244} 87{01} 4F{A000000333010102}}} 9000",
            DIRECTORY(2), "70{} 9000", DIRECTORY(3), "6A83", SELECT_2, "6A82", SELECT_1, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* An empty directory, and one without any of ours, send to the list. */
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1), "6A83", SELECT_RID, "6A82");
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000004}}} 9000", END, SELECT_RID, "6A82");
        /* So does a record that is none, is cut, or has an entry that is: what was before it does not count. */
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}}} 9000", DIRECTORY(2),
            "77{61{4F{A000000333010102}}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}} 61} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}} 61{4F}} 9000", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* The same name twice is one candidate; a name too short or too long is none. */
        RUN(f, &o, PSE, PSE_FCI, DIRECTORY(1),
            "70{61{4F{A000000333010101}} 61{4F{A000000333010101}} 61{4F{A0000003}} "
            "61{4F{A000000333010102030405060708090A0B}}} 9000",
            END, SELECT_1, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);

        /* Blocked, without the file's number, or with one that is none. */
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031} A5{88{01}}} 6283", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031} A5{}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031} A5{88{00}}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031} A5{88{0B}}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031} A5{88{0101}}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{315041592E5359532E4444463031}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{A5{88{01}}} 9000", SELECT_RID, "6A82");
        RUN(f, &o, PSE, "6F{84{31} A5{88{01}}} 9000", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

/* A directory that never ends is left for the list. */
static void directory_is_bounded(void **state) {
        static char commands[254][16];
        static const char *lines[2 + 2 * 254 + 2] = { PSE, PSE_FCI };
        struct fixture *f = *state;
        struct message_outcome o;
        struct dialogue d = { .lines = lines, .n = ELEMENTSOF(lines) };

        for (unsigned i = 0; i < 254; i++) {
                snprintf(commands[i], sizeof(commands[i]), "00B2%02X0C", i + 1);
                lines[2 + 2 * i] = commands[i];
                lines[3 + 2 * i] = "70{61{4F{A000000333010101}}} 9000";
        }
        lines[510] = SELECT_RID;
        lines[511] = "6A82";
        simple_start(&f->start);
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

/* 12.3.3: what may come for a name of the terminal's list. */
static void list_of_names(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

        simple_start(&f->start);
        /* An exact name ends it. */
        RUN(f, &o, NO_PSE, SELECT_RID, "6F{84{A000000333} A5{}} 9000", SELECT_RID, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* A warning that is not 6283 is none of the first's answers, but may be the next one's. */
        RUN(f, &o, NO_PSE, SELECT_RID, "6F{84{A000000333010101} A5{}} 6282");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        RUN(f, &o, NO_PSE, SELECT_RID, "6F{84{A000000333010101} A5{}} 9000", NEXT_RID,
            "6F{84{A000000333010103} A5{}} 6282", NEXT_RID, "6F{84{A000000333010102} A5{}} 9000", NEXT_RID, "6A82",
            SELECT_1, "6A82", SELECT_2, "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* One that does not begin with what was asked for, though it is another of the terminal's. */
        f->start.terminal.applications[1] = f->start.terminal.applications[0];
        f->start.terminal.applications[1].aid = (struct emv_aid){ 5, { 0xA0, 0x00, 0x00, 0x00, 0x04 } };
        f->start.terminal.n_applications = 2;
        RUN(f, &o, NO_PSE, SELECT_RID, "6F{84{A0000000041010} A5{}} 9000", "00A4040005A000000004", "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* 6A81 for the second name is no blocked card any more. */
        RUN(f, &o, NO_PSE, SELECT_RID, "6A82", "00A4040005A000000004", "6A81");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* Names of which one begins with the other: the longer one's rules count, and it is listed once. */
        f->start.terminal.applications[1].aid = (struct emv_aid){ 6, { 0xA0, 0x00, 0x00, 0x03, 0x33, 0x01 } };
        RUN(f, &o, NO_PSE, SELECT_RID, "6F{84{A000000333010101} A5{}} 9000", NEXT_RID, "6A82",
            "00A4040006A00000033301", "6F{84{A000000333010101} A5{}} 9000", "00A4040206A00000033301", "6A82", SELECT_1,
            "6A82");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
}

/* A card that always has one more. */
static void list_is_bounded(void **state) {
        static const char *lines[4 + 2 * 15 + 2 * 16];
        static char names[16][64], selects[16][64];
        struct fixture *f = *state;
        struct message_outcome o;
        struct dialogue d = { .lines = lines, .n = ELEMENTSOF(lines) };

        lines[0] = PSE;
        lines[1] = "6A82";
        for (unsigned i = 0; i < 16; i++) {
                snprintf(names[i], sizeof(names[i]), "6F{84{A000000333%02X} A5{}} 9000", i);
                snprintf(selects[i], sizeof(selects[i]), "00A4040006A000000333%02X00", i);
                lines[2 + 2 * i] = i == 0 ? SELECT_RID : NEXT_RID;
                lines[3 + 2 * i] = names[i];
                lines[34 + 2 * i] = selects[i];
                lines[35 + 2 * i] = "6A82";
        }
        simple_start(&f->start);
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        assert_int_equal(d.prompts, 15);
}

/* 12.4: the answer to the last SELECT. */
static void final_selection(void **state) {
        struct fixture *f = *state;
        struct message_outcome o;

#define ONE PSE, PSE_FCI, DIRECTORY(1), "70{61{4F{A000000333010101}}} 9000", END, SELECT_1
        simple_start(&f->start);
        /* Another name of the same scheme, a longer one, none, no template, an object twice, a list too short. */
        RUN(f, &o, ONE, "6F{84{A000000333010102} A5{}} 9000");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        RUN(f, &o, ONE, "6F{84{A00000033301010101} A5{}} 9000");
        RUN(f, &o, ONE, "6F{A5{}} 9000");
        RUN(f, &o, ONE, "6F{84{A000000333010101}} 9000");
        RUN(f, &o, ONE, "6F{84{A000000333010101} A5{50{41} 50{42}}} 9000");
        RUN(f, &o, ONE, "6F{84{A000000333010101} A5{87{}}} 9000");
        RUN(f, &o, ONE, "6F{84{A000000333010101} A5{87}} 9000");
        RUN(f, &o, ONE, "9000");
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        /* A data object list that is broken is seen when it is used. */
        MALFORMED(f, ONE, "6F{84{A000000333010101} A5{9F38{9F02}}} 9000");
}

/* 12.4: order, names, and what the cardholder says. */
static void cardholder_choice(void **state) {
        static const char *const lines[] = {
                PSE,
                "6F{84{315041592E5359532E4444463031} A5{88{01} 9F11{01} 5F2D{5A48656E}}} 9000",
                DIRECTORY(1),
                "70{61{4F{A000000333010101} 50{4C4142454C31}} "
                "61{4F{A000000333010102} 50{4C4142454C32} 9F12{4E414D4532} 87{82}} "
                "61{4F{A000000333010103} 87{01}}} 9000",
                END,
        };
        static const char *confirm[] = { PSE, PSE_FCI,  DIRECTORY(1), "70{61{4F{A000000333010101} 87{80}}} 9000",
                                         END, SELECT_1, "6A82" };
        static const char *second[ELEMENTSOF(lines) + 6];
        struct fixture *f = *state;
        struct message_outcome o;
        struct dialogue d = { .lines = second, .n = ELEMENTSOF(second), .choice = 1 };

        simple_start(&f->start);
        f->start.can_choose = 1;
        f->start.terminal.additional_capabilities[4] = 0x01;
        /* The second of those shown, twice, and then the one that is left without a question. */
        memcpy(second, lines, sizeof(lines));
        memcpy(second + ELEMENTSOF(lines),
               (const char *[]){ SELECT_2, "6283", SELECT_1, "6A82", "00A4040008A000000333010103", "6A82" },
               6 * sizeof(char *));
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_BLOCKED);
        assert_string_equal(d.choices.language, "zhen");
        assert_int_equal(d.choices.n_candidates, 2);
        assert_int_equal(d.prompts, 2);

        /* By priority, those without one last; without a name the digits of the AID. */
        d = (struct dialogue){ .lines = lines, .n = ELEMENTSOF(lines), .choice = -1 };
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_CANCELLED);
        assert_int_equal(d.choices.n_candidates, 3);
        assert_string_equal(d.choices.candidates[0].name, "A000000333010103");
        assert_string_equal(d.choices.candidates[1].name, "NAME2");
        assert_string_equal(d.choices.candidates[2].name, "LABEL1");
        /* One that was not offered is none. */
        d = (struct dialogue){ .lines = lines, .n = ELEMENTSOF(lines), .choice = 3 };
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_CANCELLED);
        /* In an alphabet that the terminal does not show, the label. */
        f->start.terminal.additional_capabilities[4] = 0;
        d = (struct dialogue){ .lines = lines, .n = ELEMENTSOF(lines), .choice = -1 };
        run(f, &d, &o);
        assert_string_equal(d.choices.candidates[1].name, "LABEL2");

        /* One application that wants to be confirmed. */
        d = (struct dialogue){ .lines = confirm, .n = ELEMENTSOF(confirm) };
        run(f, &d, &o);
        assert_int_equal(d.choices.n_candidates, 1);
        assert_int_equal(o.reason, EMV_REASON_NOT_ACCEPTED);
        d = (struct dialogue){ .lines = confirm, .n = ELEMENTSOF(confirm) - 2, .choice = -1 };
        run(f, &d, &o);
        assert_int_equal(o.reason, EMV_REASON_CANCELLED);
        assert_int_equal(d.prompts, 0);
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
                cmocka_unit_test_setup_teardown(directory_records, setup, teardown),
                cmocka_unit_test_setup_teardown(directory_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(list_of_names, setup, teardown),
                cmocka_unit_test_setup_teardown(list_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(final_selection, setup, teardown),
                cmocka_unit_test_setup_teardown(cardholder_choice, setup, teardown),
                cmocka_unit_test_setup_teardown(processing_options_data, setup, teardown),
                cmocka_unit_test_setup_teardown(reading_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(reading_is_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(fci_and_records, setup, teardown),
                cmocka_unit_test(card_numbers),
                cmocka_unit_test(texts),
        };

        return cmocka_run_group_tests_name("emv: selection", tests, NULL, NULL);
}
