// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "usb/keypad.h"
#include "usb/reader.h"

/* Which reader is plugged in, and what its keypad makes of a PIN. */

static int parse(const char *options, struct reader *ret) {
        const char *wrong;
        char line[256];

        strcpy(line, options);
        return reader_parse(line, ret, &wrong);
}

static uint32_t le32(const uint8_t *p) {
        return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t) p[3] << 24;
}

static void options(void **state) {
        static const char *const wrong[] = {
                "--level",
                "--level character",
                "--message-max 10",
                "--message-max 65555",
                "--message-max 300x",
                "--voltages 5,2",
                "--protocol t2",
                "--features 30000",
                "--features x",
                "--id 08e6",
                "--atr 3B67",
                "--ifsd 255",
                "--slots 0",
                "--keypad yes",
                "keypad",
                "--message-max -1",
        };
        uint8_t d[READER_CONFIGURATION_MAX], device[18];
        struct reader r;

        assert_int_equal(parse("", &r), 0);
        assert_memory_equal(&r, &reader_default, sizeof(r));
        reader_configuration(&r, d);
        assert_int_equal(d[2], 93);
        assert_int_equal(d[13], 3);
        assert_int_equal(le32(d + 18 + 40), 0x000404be);
        assert_int_equal(le32(d + 18 + 44), 271);
        assert_int_equal(d[18 + 52], 0);

        assert_int_equal(parse("--level tpdu --message-max 65554 --ifsd 32 --voltages 3,1.8 --slots 2 --keypad "
                               "--no-interrupt --protocol t1 --id 076b:3031",
                               &r),
                         0);
        assert_int_equal(reader_level(&r), READER_TPDU);
        assert_int_equal(r.protocol, 1);
        reader_configuration(&r, d);
        reader_device_descriptor(&r, device);
        assert_memory_equal(device + 8, "\x6b\x07\x31\x30", 4);
        assert_int_equal(d[2], 86);
        assert_int_equal(d[13], 2);
        assert_int_equal(d[18 + 4], 1);
        assert_int_equal(d[18 + 5], 6);
        assert_int_equal(le32(d + 18 + 28), 32);
        assert_int_equal(le32(d + 18 + 40) & 0x70000, 0x10000);
        assert_int_equal(le32(d + 18 + 44), 65554);
        assert_int_equal(d[18 + 52], 1);

        assert_int_equal(parse("--features 000204ba --atr 3B67000054494C4C53494D", &r), 0);
        assert_int_equal(reader_level(&r), READER_SHORT);
        assert_int_equal(r.atr_size, 11);
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++)
                assert_int_equal(parse(wrong[i], &r), -EINVAL);
}

/* The message's data, and the APDU that comes of it; NULL where the PIN is refused. */
static void enter(const char *data, const char *pin, const char *apdu) {
        uint8_t bytes[300], want[300];
        ssize_t n = hex_decode(data, bytes, sizeof(bytes));
        struct keypad k;

        assert_int_equal(keypad_parse(bytes, n, &k), 0);
        if (!apdu) {
                assert_int_equal(keypad_fill(&k, pin), -ERANGE);
                return;
        }
        assert_int_equal(keypad_fill(&k, pin), 0);
        n = hex_decode(apdu, want, sizeof(want));
        assert_int_equal(k.apdu_size, n);
        assert_memory_equal(k.apdu, want, n);
}

/* Timeout 0, then format, block and length format, 4 to 12 digits, the enter key, no messages, prologue. */
#define DATA(formats, apdu) "00 00" formats "0C04 02 00 0904 00 000000" apdu

static void keypad(void **state) {
        uint8_t bytes[64];
        struct keypad k;
        ssize_t n;

        /* EMV's plain text PIN block (book 3, 6.5.12): the template with its control nibble, 4 bits of length, BCD. */
        enter(DATA("89 47 04", "00 20 00 80 08 20 FF FF FF FF FF FF FF"), "1234",
              "00 20 00 80 08 24 12 34 FF FF FF FF FF");
        enter(DATA("89 47 04", "00 20 00 80 08 20 FF FF FF FF FF FF FF"), "123456789012",
              "00 20 00 80 08 2C 12 34 56 78 90 12 FF");
        enter(DATA("89 47 04", "00 20 00 80 08 20 FF FF FF FF FF FF FF"), "12345",
              "00 20 00 80 08 25 12 34 5F FF FF FF FF");
        enter(DATA("89 47 04", "00 20 00 80 08 20 FF FF FF FF FF FF FF"), "123", NULL);
        enter(DATA("89 47 04", "00 20 00 80 08 20 FF FF FF FF FF FF FF"), "1234567890123", NULL);
        /* ASCII from the first byte on, 8 bytes, no length. */
        enter(DATA("82 08 00", "00 20 00 01 08 FF FF FF FF FF FF FF FF"), "1234",
              "00 20 00 01 08 31 32 33 34 FF FF FF FF");
        /* A template without data grows. */
        enter(DATA("82 08 00", "00 20 00 01 00"), "1234", "00 20 00 01 08 31 32 33 34 FF FF FF FF");
        /* To the right. */
        enter(DATA("86 08 00", "00 20 00 01 08 FF FF FF FF FF FF FF FF"), "1234",
              "00 20 00 01 08 FF FF FF FF 31 32 33 34");

        n = hex_decode("01 00 89 47 04 0C04 02 00 0904 00 000000 00200080", bytes, sizeof(bytes));
        assert_int_equal(keypad_parse(bytes, n, &k), 10); /* bPINOperation: modification */
        bytes[0] = 0;
        bytes[7] = 0;
        assert_int_equal(keypad_parse(bytes, n, &k), 17);
        bytes[7] = 2;
        bytes[5] = 3;
        assert_int_equal(keypad_parse(bytes, n, &k), 15);
        bytes[5] = 12;
        assert_int_equal(keypad_parse(bytes, n, &k), 0);
        assert_int_equal(keypad_parse(bytes, 14, &k), 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options),
                cmocka_unit_test(keypad),
        };

        return cmocka_run_group_tests_name("sim-reader", tests, NULL, NULL);
}
