// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* T=0 at TPDU level, under apdu.c, and PPS, against a card that is a script of hex lines: sent, answered. */

#include "emv-fixture.h"
#include "emv/apdu.h"
#include "emv/pps.h"
#include "emv/t0.h"

struct script {
        const char *const *lines;
        size_t at;
};

static int exchange(void *userdata, const uint8_t *tpdu, size_t size, unsigned waiting, uint8_t ret[static BLOCK_MAX],
                    size_t *ret_size) {
        struct script *s = userdata;
        uint8_t wanted[BLOCK_MAX];
        char text[2 * BLOCK_MAX + 1];

        assert_int_equal(waiting, 1);
        hex_encode(tpdu, size, text);
        if (!s->lines[s->at])
                fail_msg("%s after the end", text);
        if (size != fixture_hex(s->lines[s->at], wanted, sizeof(wanted)) || memcmp(tpdu, wanted, size) != 0)
                fail_msg("%s instead of %s", text, s->lines[s->at]);
        s->at += 2;
        if (streq(s->lines[s->at - 1], "mute"))
                return -EIO;
        *ret_size = fixture_hex(s->lines[s->at - 1], ret, BLOCK_MAX);
        return 0;
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        return t0_transmit(exchange, userdata, command, size, response, ret_size);
}

#define BYTES_255                                                                                                     \
        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F"            \
        "303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F"            \
        "606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F"            \
        "909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"            \
        "C0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF"            \
        "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFE"

/* Book 1, 9.3.1, and its examples of exchanges (Annex A). */
static void cases(void **state) {
        static const struct {
                const char *what, *command, *response;
                const char *lines[12];
                int result;
        } table[] = {
                { "case 1", "80160000", "9000", { "8016000000", "9000" } },
                { "case 1, an error", "80160000", "6985", { "8016000000", "6985" } },
                { "case 2", "00B2010C00", "70009000", { "00B2010C00", "70009000" } },
                { "case 2, another length",
                  "00B2010C00",
                  "70009000",
                  { "00B2010C00", "6C02", "00B2010C02", "70009000" } },
                { "case 2, 256 bytes", "00B2010C00", BYTES_255 "FF9000", { "00B2010C00", BYTES_255 "FF9000" } },
                { "case 2, GET RESPONSE",
                  "00B2010C00",
                  "01029000",
                  { "00B2010C00", "6102", "00C0000002", "01029000" } },
                { "case 2, both 6C and 61",
                  "00B2010C00",
                  "01020304059000",
                  { "00B2010C00", "6C05", "00B2010C05", "6103", "00C0000003", "0102036102", "00C0000002",
                    "04059000" } },
                { "case 3", "0082000002AABB", "9000", { "0082000002AABB", "9000" } },
                { "case 3, an error is none to resend", "0082000002AABB", "6C08", { "0082000002AABB", "6C08" } },
                { "case 3, 255 bytes", "80DA0000FF" BYTES_255, "9000", { "80DA0000FF" BYTES_255, "9000" } },
                { "case 4", "00A4040002AABB00", "6F009000", { "00A4040002AABB", "6102", "00C0000002", "6F009000" } },
                { "case 4, nothing to fetch", "00A4040002AABB00", "9000", { "00A4040002AABB", "9000" } },
                { "case 4, 255 bytes", "80A80000FF" BYTES_255 "00", "9000", { "80A80000FF" BYTES_255, "9000" } },
                { "case 4, 256 bytes to fetch",
                  "00A4040001AA00",
                  BYTES_255 "FF9000",
                  { "00A4040001AA", "6100", "00C0000000", BYTES_255 "FF9000" } },
                { "case 4, a wrong length of GET RESPONSE",
                  "00A4040001AA00",
                  "01029000",
                  { "00A4040001AA", "6110", "00C0000010", "6C02", "00C0000002", "01029000" } },
                { "case 4, an error", "00A4040001AA00", "6A82", { "00A4040001AA", "6A82" } },
                { "case 4 is not done twice", "80AE800001AA00", "6C10", { "80AE800001AA", "6C10" } },
                { "a warning with data",
                  "00A4040001AA00",
                  "6F00AA6283",
                  { "00A4040001AA", "6283", "00C0000000", "6C03", "00C0000003", "6F00AA9000" } },
                { "a warning with all that there can be",
                  "00A4040001AA00",
                  BYTES_255 "FF6283",
                  { "00A4040001AA", "6283", "00C0000000", BYTES_255 "FF9000" } },
                { "a warning without data",
                  "00A4040001AA00",
                  "6300",
                  { "00A4040001AA", "6300", "00C0000000", "6985" } },
                { "a warning, and then it has no length",
                  "00A4040001AA00",
                  "6283",
                  { "00A4040001AA", "6283", "00C0000000", "6C03", "00C0000003", "6A80" } },
                { "a warning of case 3", "0020008001AA", "63C2", { "0020008001AA", "63C2" } },
                { "a warning of case 2", "00B2010C00", "6281", { "00B2010C00", "6281" } },
                { "mute", "00B2010C00", NULL, { "00B2010C00", "mute" }, -EIO },
                { "mute when it is to give",
                  "00A4040001AA00",
                  NULL,
                  { "00A4040001AA", "6102", "00C0000002", "mute" },
                  -EIO },
                { "mute after a warning",
                  "00A4040001AA00",
                  NULL,
                  { "00A4040001AA", "6283", "00C0000000", "mute" },
                  -EIO },
                { "… and its length",
                  "00A4040001AA00",
                  NULL,
                  { "00A4040001AA", "6283", "00C0000000", "6C03", "00C0000003", "mute" },
                  -EIO },
                { "half a status", "00B2010C00", NULL, { "00B2010C00", "90" }, -EBADMSG },
                { "more than 256 bytes", "00B2010C00", NULL, { "00B2010C00", BYTES_255 "FF009000" }, -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct script s = { .lines = table[i].lines };
                uint8_t command[APDU_COMMAND_MAX], wanted[APDU_RESPONSE_MAX];
                size_t size = fixture_hex(table[i].command, command, sizeof(command));
                struct apdu_response response;
                int r = apdu_exchange_raw(transmit, &s, command, size, &response);

                if (r != table[i].result)
                        fail_msg("%s: %d instead of %d", table[i].what, r, table[i].result);
                if (table[i].lines[s.at])
                        fail_msg("%s: %s was not sent", table[i].what, table[i].lines[s.at]);
                if (r < 0)
                        continue;
                size = fixture_hex(table[i].response, wanted, sizeof(wanted));
                if (response.size != size - 2 || memcmp(response.data, wanted, size - 2) != 0 ||
                    response.sw != (wanted[size - 2] << 8 | wanted[size - 1]))
                        fail_msg("%s: another response, with %04X", table[i].what, response.sw);
        }
}

static void no_apdu(void **state) {
        static const char *const bad[] = { "", "00A404", "00A404000000", "00A4040003AABB", "00A4040001AABBCC" };
        static const char *const none[] = { NULL };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct script s = { .lines = none };
                uint8_t command[16], response[APDU_RESPONSE_MAX];
                size_t size = fixture_hex(bad[i], command, sizeof(command)), n;

                if (t0_transmit(exchange, &s, command, size, response, &n) != -EBADMSG)
                        fail_msg("%s is taken", bad[i]);
        }
}

static void pps(void **state) {
        static const struct {
                const char *what, *lines[3];
                uint8_t protocol, speed;
                int result;
        } table[] = {
                { "agreed", { "FF10957A", "FF10957A" }, 0, 0x95, 1 },
                { "agreed, T=1", { "FF119678", "FF119678" }, 1, 0x96, 1 },
                { "at default speed", { "FF119678", "FF01FE" }, 1, 0x96, 0 },
                { "another speed", { "FF119678", "FF11957B" }, 1, 0x96, -EBADMSG },
                { "another protocol", { "FF119678", "FF109679" }, 1, 0x96, -EBADMSG },
                { "another protocol, at default speed", { "FF119678", "FF00FF" }, 1, 0x96, -EBADMSG },
                { "a wrong check byte", { "FF119678", "FF01FF" }, 1, 0x96, -EBADMSG },
                { "nothing", { "FF119678", "" }, 1, 0x96, -EBADMSG },
                { "too much", { "FF119678", "FF11967800" }, 1, 0x96, -EBADMSG },
                { "mute", { "FF119678", "mute" }, 1, 0x96, -EIO },
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                struct script s = { .lines = table[i].lines };
                int r = pps_negotiate(exchange, &s, table[i].protocol, table[i].speed);

                if (r != table[i].result)
                        fail_msg("%s: %d instead of %d", table[i].what, r, table[i].result);
        }
}

/* ISO 7816-3, tables 7 and 8, with a reader of 4 MHz and 344086 bit/s at most. */
static void speeds(void **state) {
        static const struct {
                uint8_t ta1, chosen;
        } table[] = {
                { 0x11, 0x11 }, { 0x12, 0x12 }, { 0x18, 0x18 }, { 0x13, 0x13 }, { 0x95, 0x95 }, /* 512/16: 125000 */
                { 0x96, 0x96 },                                                                 /* 512/32: 250000 */
                { 0x97, 0x11 },                                 /* 512/64: 500000 is too fast */
                { 0x16, 0x16 },                                 /* 372/32: 344086, just so */
                { 0x17, 0x11 }, { 0x19, 0x19 }, { 0x21, 0x11 }, /* slower than it has to be */
                { 0x10, 0x11 },                                 /* reserved */
                { 0x7f, 0x11 }, { 0xff, 0x11 }, { 0x1a, 0x11 },
        };
        struct atr a = {};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                a.ta1 = table[i].ta1;
                if (pps_choose_speed(&a, 4000, 344086) != table[i].chosen)
                        fail_msg("%02X becomes %02X", a.ta1, pps_choose_speed(&a, 4000, 344086));
        }
        /* A descriptor that rounds down, and one that says nothing. */
        a.ta1 = 0x16;
        assert_int_equal(pps_choose_speed(&a, 4000, 344085), 0x16);
        assert_int_equal(pps_choose_speed(&a, 4000, 344084), 0x11);
        assert_int_equal(pps_choose_speed(&a, 0, 0), 0x11);
        /* Specific mode is not to be chosen. */
        a.has_ta2 = true;
        a.ta1 = 0x13;
        assert_int_equal(pps_choose_speed(&a, 4000, 0), 0x13);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cases),
                cmocka_unit_test(no_apdu),
                cmocka_unit_test(pps),
                cmocka_unit_test(speeds),
        };

        return cmocka_run_group_tests_name("emv: T=0 and PPS", tests, NULL, NULL);
}
