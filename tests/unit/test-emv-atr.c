// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* Answer to reset: what is one by ISO 7816-3, and what EMV makes of each character (Book 1, 8.3). */

#include "emv-fixture.h"
#include "emv/atr.h"

/* A check byte is put behind where the text ends in "+". */
static int parse(const char *text, struct atr *a) {
        uint8_t data[64] = {};
        size_t n = strcspn(text, "+"), size;
        char hex[129] = "";

        memcpy(hex, text, n);
        size = fixture_hex(hex, data, sizeof(data) - 1);
        if (text[n] == '+') {
                for (size_t i = 1; i < size; i++)
                        data[size] ^= data[i];
                size++;
        }
        return atr_parse(data, size, a);
}

static void characters(void **state) {
        struct atr a;

        /* The simulated card: T=0, seven historical bytes. */
        assert_int_equal(parse("3B67000054494C4C53494D", &a), 0);
        assert_int_equal(a.protocol, 0);
        assert_false(a.has_t1);
        assert_int_equal(a.ta1, ATR_SPEED_DEFAULT);
        assert_int_equal(a.tc2, 0x0a);

        assert_int_equal(parse("3F600100", &a), 0);
        assert_true(a.inverse);
        assert_true(a.has_tb1);
        assert_int_equal(a.tb1, 1);

        assert_int_equal(parse("3BE000FF8131FE4534", &a), -EBADMSG);
        assert_int_equal(parse("3BE000FF8131FE45+", &a), 0);
        assert_int_equal(a.protocol, 1);
        assert_int_equal(a.tc1, 0xff);
        assert_int_equal(a.ifsc, 0xfe);
        assert_int_equal(a.bwi, 4);
        assert_int_equal(a.cwi, 5);
        assert_int_equal(a.edc, 0);

        /* All that there can be, T=0 first; what comes after T=1's group is not T=1's. */
        assert_int_equal(parse("3BF196000080F1130005F120450171FF12010000+", &a), -EBADMSG);
        assert_int_equal(parse("3BF1960000F0130005F1204500710A1200AA+", &a), 0);
        assert_int_equal(a.ta1, 0x96);
        assert_true(a.has_ta2 && a.has_tb2 && a.has_td2 && a.has_t1 && a.has_tb3);
        assert_int_equal(a.ta2, 0x13);
        assert_int_equal(a.tc2, 0x05);
        assert_int_equal(a.protocol, 0);
        assert_int_equal(a.protocol2, 1);
        assert_int_equal(a.ifsc, 0x20);
        assert_int_equal(a.bwi, 4);
}

static void malformed(void **state) {
        static const char *const bad[] = {
                "",
                "3B",
                "00",
                "3C600000",
                "3B6000",
                "3B61000000FF",
                "3B6700005449",
                "3BE000008131204536", /* TCK */
                "3BE0000081312045",   /* none */
                "3B60000060",         /* one that does not belong there */
                "3BFF11FFFFFFFF",     /* interface bytes cut */
                "3B800202",
                "3B808080808080808080808080808080808080808080808080808080808080808080",
        };
        struct atr a = { .ta1 = 0x77 };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (parse(bad[i], &a) != -EBADMSG)
                        fail_msg("taken: %s", bad[i]);
        assert_int_equal(a.ta1, 0x77);
}

/* By 8.3.3: after a cold reset and after a warm one. */
static void accepted(void **state) {
        static const struct {
                const char *what, *atr;
                bool cold, warm;
        } table[] = {
                { "basic, T=0", "3B600000", true, true },
                { "inverse", "3F600000", true, true },
                { "basic, T=1", "3BE000008131FE45+", true, true },
                { "TA1, negotiable", "3B70960000", true, true },
                { "no TB1", "3B4000", false, true },
                { "TB1 of another voltage", "3B600100", false, true },
                { "no TC1", "3B2000", true, true },
                { "TC1 FF", "3B6000FF", true, true },
                { "TD1 of T=0", "3BE0000000", true, true },
                { "TD1 of T=14", "3BE000000E+", false, false },
                { "TA2, specific, 13", "3BF01300001000", true, true },
                { "TA2, specific, 11", "3BE000001000", true, true },
                { "TA2, specific, 94", "3BF09400001000", false, false },
                { "TA2, specific, 10", "3BF01000001000", false, false },
                { "TA2, of another protocol", "3BF01300001001", false, false },
                { "TA2, implicit", "3BF01300001010", false, false },
                { "TA2 of T=1 first", "3BF0130000910131FE45+", true, true },
                { "TB2", "3BE000002000", false, true },
                { "TC2 0A", "3BE00000400A", true, true },
                { "TC2 00", "3BE000004000", false, false },
                { "TC2 00 in specific mode", "3BE00000500000", false, false },
                { "TC2 of another value", "3BE000004020", true, true },
                { "TD2 of T=1 after T=0", "3BE000008031FE45+", true, true },
                { "TD2 of T=14 after T=0", "3BE00000800E+", true, true },
                { "TD2 of T=0 after T=0", "3BE000008000", false, false },
                { "TD2 of T=15 after T=0", "3BE00000801F01+", false, false },
                { "TD2 of T=14 after T=1", "3BE00000810E+", false, false },
                { "T=1 without TB3", "3BE000008111FE+", false, false },
                { "T=1 without TA3", "3BE00000812145+", true, true },
                { "T=1 without TD2", "3BE0000001+", false, false },
                { "IFSC 10", "3BE0000081311045+", true, true },
                { "IFSC 0F", "3BE0000081310F45+", false, false },
                { "IFSC FF", "3BE000008131FF45+", false, false },
                { "BWI 5", "3BE000008131FE55+", false, false },
                { "CWI 6", "3BE000008131FE46+", false, false },
                { "CWI 0, N 0", "3BE000008131FE40+", false, false },
                { "CWI 1, N 0", "3BE000008131FE41+", true, true },
                { "CWI 0, N FF", "3BE000FF8131FE40+", true, true },
                { "CWI 5, N 30", "3BE0001E8131FE45+", true, true },
                { "CWI 5, N 31", "3BE0001F8131FE45+", false, false },
                { "TC3, LRC", "3BE000008171FE4500+", true, true },
                { "TC3, CRC", "3BE000008171FE4501+", false, false },
                { "T=1 second, but not right", "3BE000008031FE55+", false, false },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                for (int warm = 0; warm <= 1; warm++) {
                        bool taken = warm ? table[i].warm : table[i].cold;
                        enum atr_fault fault;
                        struct atr a;

                        if (parse(table[i].atr, &a) < 0)
                                fail_msg("%s: malformed", table[i].what);
                        fault = atr_check(&a, warm);
                        if ((fault == ATR_FAULT_NONE) != taken)
                                fail_msg("%s, %s reset: %s", table[i].what, warm ? "warm" : "cold",
                                         atr_fault_to_string(fault));
                }
}

/* What support is told, for each number that a worker may say. */
static void faults(void **state) {
        static const struct {
                const char *atr;
                enum atr_fault fault;
        } table[] = {
                { "3B4000", ATR_FAULT_PROGRAMMING_VOLTAGE },   { "3BE000002000", ATR_FAULT_SECOND_VOLTAGE },
                { "3BE000000E+", ATR_FAULT_PROTOCOL },         { "3BE000008000", ATR_FAULT_SECOND_PROTOCOL },
                { "3BF01300001001", ATR_FAULT_MODE_PROTOCOL }, { "3BF01300001010", ATR_FAULT_MODE_PARAMETERS },
                { "3BF09400001000", ATR_FAULT_MODE_SPEED },    { "3BE000004000", ATR_FAULT_WAITING_INTEGER },
                { "3BE000008131FF45+", ATR_FAULT_FIELD_SIZE }, { "3BE000008131FE55+", ATR_FAULT_WAITING_TIMES },
                { "3BE0001F8131FE45+", ATR_FAULT_GUARD_TIME }, { "3BE000008171FE4501+", ATR_FAULT_ERROR_DETECTION },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct atr a;

                assert_int_equal(parse(table[i].atr, &a), 0);
                assert_int_equal(atr_check(&a, false), table[i].fault);
        }
        for (unsigned fault = 0; fault <= ATR_FAULT_LAST; fault++)
                assert_non_null(atr_fault_to_string(fault));
        assert_null(atr_fault_to_string(ATR_FAULT_LAST + 1));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(characters),
                cmocka_unit_test(malformed),
                cmocka_unit_test(accepted),
                cmocka_unit_test(faults),
        };

        return cmocka_run_group_tests_name("emv: answer to reset", tests, NULL, NULL);
}
