// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "card/atr.h"
#include "card/contact.h"

/* The card at its contacts, against the texts of ISO 7816-3. libccid talks to it in tests/vm/cases/sim-pcscd. */

#define ATR_T1 "3BE7000081312045 54494C4C53494D 78"
#define ATR_CRC "3BE700008171FE4501 54494C4C53494D E7"
#define ATR_BOTH "3B97968031FE45 54494C4C53494D 41"

struct fixture {
        struct icc *icc;
        struct contact *contact;
        uint8_t out[CONTACT_OUT_MAX];
        ssize_t n;
};

static struct fixture f;

static int setup(void **state) {
        struct sim_card *card;

        memset(&f, 0, sizeof(f));
        if (sim_card_load("tests/sim/cards/echo.card", &card) < 0 || icc_new(card, &f.icc) < 0)
                return -1;
        return contact_new(&f.contact);
}

static int teardown(void **state) {
        contact_free(f.contact);
        icc_free(f.icc);
        return 0;
}

static void reset(const char *atr) {
        uint8_t bytes[ICC_ATR_MAX], told[ICC_ATR_MAX];
        ssize_t n = hex_decode(atr, bytes, sizeof(bytes));

        assert_true(n >= 0);
        assert_int_equal(contact_reset(f.contact, f.icc, bytes, n, told), n ?: 11);
        if (n > 0)
                assert_memory_equal(told, bytes, n);
}

static void say_bytes(const uint8_t *in, size_t size) {
        f.n = contact_exchange(f.contact, in, size, f.out);
}

static void say(const char *hex) {
        uint8_t in[1024];
        ssize_t n = hex_decode(hex, in, sizeof(in));

        assert_true(n >= 0);
        say_bytes(in, n);
}

static void hear(const char *hex) {
        uint8_t want[1024];
        ssize_t n = hex_decode(hex, want, sizeof(want));

        assert_int_equal(f.n, n);
        assert_memory_equal(f.out, want, n);
}

/* The same with an LRC behind both. */
static void block(const char *in, const char *out) {
        uint8_t bytes[300];
        ssize_t n = hex_decode(in, bytes, sizeof(bytes) - 2);

        assert_true(n >= 3);
        n += contact_edc(bytes, n, false, bytes + n);
        say_bytes(bytes, n);
        n = hex_decode(out, bytes, sizeof(bytes) - 2);
        n += contact_edc(bytes, n, false, bytes + n);
        assert_int_equal(f.n, n);
        assert_memory_equal(f.out, bytes, n);
}

static void atrs(void **state) {
        static const struct {
                const char *atr;
                int r;
                struct sim_atr want;
        } cases[] = {
                { "3B67000054494C4C53494D", 0, { 1, 0, false, 0x11, 32, false } },
                { "3B00", 0, { 1, 0, false, 0x11, 32, false } },
                { ATR_T1, 0, { 2, 1, false, 0x11, 32, false } },
                { ATR_CRC, 0, { 2, 1, false, 0x11, 254, true } },
                { ATR_BOTH, 0, { 3, 0, false, 0x96, 254, false } },
                { "3B 90 18 91 01 31 20 00 09", 0, { 2, 1, true, 0x18, 32, false } }, /* TA2: T=1 alone */
                { "3B", -EBADMSG },
                { "3C00", -EBADMSG },
                { "3B67000054494C4C5349", -EBADMSG },           /* historical bytes are missing */
                { "3B67000054494C4C53494D00", -EBADMSG },       /* T=0 alone has no TCK */
                { "3BE700008131204554494C4C53494D", -EBADMSG }, /* T=1 has one */
                { "3B8002", -EBADMSG },                         /* T=2 */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint8_t bytes[64];
                struct sim_atr atr;
                ssize_t n = hex_decode(cases[i].atr, bytes, sizeof(bytes));

                assert_int_equal(sim_atr_parse(bytes, n, &atr), cases[i].r);
                if (cases[i].r < 0)
                        continue;
                assert_int_equal(atr.protocols, cases[i].want.protocols);
                assert_int_equal(atr.first, cases[i].want.first);
                assert_int_equal(atr.specific, cases[i].want.specific);
                assert_int_equal(atr.ta1, cases[i].want.ta1);
                assert_int_equal(atr.ifsc, cases[i].want.ifsc);
                assert_int_equal(atr.crc, cases[i].want.crc);
        }
}

static void atr_for_protocol(void **state) {
        uint8_t from[64], made[CARD_ATR_MAX], want[64];
        ssize_t n = hex_decode(ATR_BOTH, from, sizeof(from)), size;

        size = hex_decode("3BE700008131FE45 54494C4C53494D A6", want, sizeof(want));
        assert_int_equal(sim_atr_make(from, n, 1, made), size);
        assert_memory_equal(made, want, size);
        size = hex_decode("3B670000 54494C4C53494D", want, sizeof(want));
        assert_int_equal(sim_atr_make(from, n, 0, made), size);
        assert_memory_equal(made, want, size);
        assert_int_equal(sim_atr_make(from, 3, 1, made), -EBADMSG);
}

static void pps(void **state) {
        reset(ATR_BOTH);
        assert_int_equal(contact_protocol(f.contact), -ENODATA);
        say("FF 11 96 79"); /* wrong check byte */
        hear("");
        say("FF 11 97 79"); /* a speed that TA1 does not offer */
        hear("");
        say("FF 11 96 78");
        hear("FF 11 96 78");
        assert_int_equal(contact_protocol(f.contact), 1);
        assert_int_equal(contact_speed(f.contact), 0x96);

        reset(ATR_BOTH);
        assert_int_equal(contact_speed(f.contact), 0x11);
        say("80 0E 00 00 00"); /* without PPS the first protocol, and PPS comes too late */
        hear("90 00");
        say("FF 11 96 78");
        hear("");

        reset(ATR_T1);
        say("FF 00 FF"); /* T=0 is not offered */
        hear("");
}

static void t0(void **state) {
        static const uint8_t count[256] = { 0, 1, 2, 3, 4, 5, 6, 7 };

        say("80 0E 00 00 00"); /* no power */
        hear("");
        reset("");
        say("80 0E 00 00 00");
        hear("90 00");
        say("00 B0 00 05 03");
        hear("B0 05 06 07 90 00");
        say("00 B0 00 00 00");
        assert_int_equal(f.n, 1 + 256 + 2);
        assert_memory_equal(f.out + 1, count, 8);
        say("00 EE 00 00 00");
        hear("6D 00");
        say("00 B0 00");
        hear("");

        say("80 0E 00 00 03");
        hear("0E");
        say("01 02 03");
        hear("61 03");
        say("00 C0 00 00 04");
        hear("6C 03");
        say("00 C0 00 00 02");
        hear("C0 01 02 61 01");
        say("00 C0 00 00 01");
        hear("C0 03 90 00");
        say("00 C0 00 00 01");
        hear("69 85");
        say("00 84 00 00 01");
        hear("6C 08");

        contact_set(f.contact, CONTACT_NULL, 3);
        contact_set(f.contact, CONTACT_SINGLE, 1);
        say("80 0E 00 00 02");
        hear("60 60 60 F1");
        say("AA");
        hear("F1");
        say("BB");
        hear("61 02");
        say("00 C0 00 00 02");
        hear("3F AA 3F BB 90 00");
}

static void t0_envelope(void **state) {
        uint8_t in[255] = { 0x80, 0x0e, 0, 0, 0, 0x01, 0x2c };

        reset("");
        for (size_t i = 7; i < sizeof(in); i++)
                in[i] = i;
        say("00 C2 00 00 FF");
        hear("C2");
        say_bytes(in, sizeof(in));
        hear("90 00");
        say("00 C2 00 00 36");
        hear("C2");
        say_bytes(in + 7, 0x36);
        hear("61 00");
        say("00 C0 00 00 00");
        assert_int_equal(f.n, 1 + 256 + 2);
        assert_memory_equal(f.out + 1, in + 7, 248);
        assert_memory_equal(f.out + 257, "\x61\x2c", 2);
}

static void t1(void **state) {
        reset(ATR_T1);
        block("00 00 04 800E0000", "00 00 02 9000");
        block("00 40 05 00B0000103", "00 40 05 0102039000");
        block("00 40 05 00B0000103", "00 82 00"); /* a number that has been */
        block("00 00 05 00B0000103", "00 00 05 0102039000");
        block("00 82 00", "00 00 05 0102039000"); /* once more, please */

        say("00 40 04 800E0000 00"); /* wrong LRC */
        hear("00 91 00 91");
        say("00 40 05 800E0000 CA"); /* wrong length */
        hear("00 92 00 92");
        block("00 40 04 800E0000", "00 40 02 9000");
        block("0F 00 04 800E0000", "00 82 00"); /* an address that is nobody's */
        block("00 1F 04 800E0000", "00 82 00");

        block("00 C0 00", "00 E0 00"); /* RESYNCH: both begin anew */
        block("00 00 04 800E0000", "00 00 02 9000");
        block("00 C5 00", "00 92 00");
        block("00 E3 01 05", "00 92 00"); /* an answer that nobody asked for */
}

static void t1_chains(void **state) {
        uint8_t in[3 + 32] = { 0, 0x20, 32, 0x80, 0x0e, 0, 0, 0, 0, 40 };

        reset(ATR_T1);
        block("00 C1 01 10", "00 E1 01 10"); /* 16 bytes is all that the reader takes */
        for (size_t i = 10; i < sizeof(in); i++)
                in[i] = i;
        in[35 - 1] = 34;
        f.out[0] = 0;
        {
                uint8_t with_edc[sizeof(in) + 2];
                size_t n = sizeof(in);

                memcpy(with_edc, in, n);
                n += contact_edc(with_edc, n, false, with_edc + n);
                say_bytes(with_edc, n);
        }
        hear("00 90 00 90");
        block("00 40 11 23 24 25 26 27 28 29 2A 2B 2C 2D 2E 2F 30 31 0000",
              "00 20 10 0A 0B 0C 0D 0E 0F 10 11 12 13 14 15 16 17 18 19");
        block("00 90 00", "00 60 10 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29");
        block("00 92 00", "00 60 10 1A 1B 1C 1D 1E 1F 20 21 22 23 24 25 26 27 28 29"); /* its number again: lost */
        block("00 80 00", "00 00 0A 2A 2B 2C 2D 2E 2F 30 31 9000");

        block("00 C0 00", "00 E0 00");
        block("00 20 04 800E0000", "00 90 00"); /* the host gives up a chain */
        block("00 C2 00", "00 E2 00");
        contact_set(f.contact, CONTACT_ABORT, 1);
        block("00 60 04 800E0000", "00 C2 00"); /* the card does */
        block("00 E2 00", "00 80 00");
        block("00 00 04 800E0000", "00 00 02 9000");
}

static void t1_requests(void **state) {
        reset(ATR_T1);
        contact_set(f.contact, CONTACT_IFS, 16);
        contact_set(f.contact, CONTACT_WTX, 7);
        block("00 00 04 800E0000", "00 C1 01 10");
        block("00 80 00", "00 C1 01 10"); /* asked again, it says so again */
        block("00 E1 01 11", "00 92 00");
        contact_set(f.contact, CONTACT_WTX, 0);
        block("00 C0 00", "00 E0 00");

        contact_set(f.contact, CONTACT_WTX, 7);
        block("00 00 04 800E0000", "00 C3 01 07");
        assert_int_equal(contact_waiting(f.contact), 7);
        block("00 E3 01 07", "00 00 02 9000");
        assert_int_equal(contact_waiting(f.contact), 0);
        block("00 40 11 80 0E 00 00 0B 01 02 03 04 05 06 07 08 09 0A 0B 00", "00 92 00"); /* beyond 16 */

        contact_set(f.contact, CONTACT_LOSE, 1);
        block("00 40 04 800E0000", "00 91 00");
        contact_set(f.contact, CONTACT_BAD_EDC, 1);
        say("00 40 04 800E0000 CA");
        hear("00 40 02 90 00 2D");
        block("00 91 00", "00 40 02 9000");
}

static void checksums(void **state) {
        uint8_t edc[2];

        /* The check value of this CRC (x16+x12+x5+1, reflected, from FFFF). */
        assert_int_equal(contact_edc((const uint8_t *) "123456789", 9, true, edc), 2);
        assert_memory_equal(edc, "\x6f\x91", 2);
        assert_int_equal(contact_edc((const uint8_t *) "\x00\xc1\x01\xfe", 4, false, edc), 1);
        assert_int_equal(edc[0], 0x3e);

        reset(ATR_CRC);
        {
                uint8_t in[16] = { 0x00, 0x00, 0x04, 0x80, 0x0e, 0x00, 0x00 };

                contact_edc(in, 7, true, in + 7);
                say_bytes(in, 9);
                assert_int_equal(f.n, 7);
                contact_edc(f.out, 5, true, edc);
                assert_memory_equal(f.out + 5, edc, 2);
                in[8] ^= 1;
                say_bytes(in, 9);
                assert_int_equal(f.out[1], 0x91);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(atrs),
                cmocka_unit_test(atr_for_protocol),
                cmocka_unit_test_setup_teardown(pps, setup, teardown),
                cmocka_unit_test_setup_teardown(t0, setup, teardown),
                cmocka_unit_test_setup_teardown(t0_envelope, setup, teardown),
                cmocka_unit_test_setup_teardown(t1, setup, teardown),
                cmocka_unit_test_setup_teardown(t1_chains, setup, teardown),
                cmocka_unit_test_setup_teardown(t1_requests, setup, teardown),
                cmocka_unit_test_setup_teardown(checksums, setup, teardown),
        };

        return cmocka_run_group_tests_name("sim-contact", tests, NULL, NULL);
}
