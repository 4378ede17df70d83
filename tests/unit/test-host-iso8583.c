// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "host/profile.h"

#define FIELDS host_profile_unionpay.fields

/* A sign-on request of a terminal in the field, as published: after TPDU and header. */
static const char sign_on[] =
        "0800 0020000000C20012 000452 3830383739383838 303836303537373830383739383838"
        "0032 0000000000000000000000000000000000000000000000000000000000000000"
        "0011 000021990010"
        "0043 20202030312020202020202020202020202020202020203333333320202020202020202020202020202020";

static void assert_text(const struct iso8583 *m, unsigned field, const char *text) {
        const char *is = iso8583_text(m, field);

        assert_non_null(is);
        assert_string_equal(is, text);
}

static void sign_on_of_the_field(void **state) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t data[256], again[256];
        const uint8_t *bytes;
        ssize_t n;
        size_t size;

        n = hex_decode(sign_on, data, sizeof(data));
        assert_int_equal(n, 134 - 11);
        assert_int_equal(iso8583_decode(FIELDS, data, (size_t) n, &m, NULL), 0);
        assert_int_equal(iso8583_mti(m), 800);
        assert_int_equal(iso8583_fields(m), ISO8583_BIT(11) | ISO8583_BIT(41) | ISO8583_BIT(42) | ISO8583_BIT(47) |
                                                    ISO8583_BIT(60) | ISO8583_BIT(63));
        assert_text(m, 11, "000452");
        assert_text(m, 41, "80879888");
        assert_text(m, 42, "086057780879888");
        assert_text(m, 60, "00002199001");
        bytes = iso8583_bytes(m, 47, &size);
        assert_int_equal(size, 32);
        assert_int_equal(bytes[31], 0);
        bytes = iso8583_bytes(m, 63, &size);
        assert_int_equal(size, 43);
        assert_memory_equal(bytes, "   01                  3333", 27);

        assert_int_equal(iso8583_encode(m, again, sizeof(again)), n);
        assert_memory_equal(again, data, (size_t) n);
}

/* Fields of a published sale request with a UnionPay test card: how 22, 23, 35 and 60 are filled. */
static void fields_of_the_field(void **state) {
        static const char hex[] = "0200 0000060020000010 0710 0000 31 62242429000001 13D28062013949 0310"
                                  "0014 22000024000600";
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t data[64], again[64];
        ssize_t n = hex_decode(hex, data, sizeof(data));

        assert_true(n > 0);
        assert_int_equal(iso8583_decode(FIELDS, data, (size_t) n, &m, NULL), 0);
        assert_text(m, 22, "071");
        assert_text(m, 23, "000");
        assert_text(m, 35, "6224242900000113=28062013949031");
        assert_text(m, 60, "22000024000600");
        assert_int_equal(iso8583_encode(m, again, sizeof(again)), n);
        assert_memory_equal(again, data, (size_t) n);
}

static void every_prefix_is_refused(void **state) {
        struct iso8583 *m = NULL;
        uint8_t data[256];
        ssize_t n = hex_decode(sign_on, data, sizeof(data));

        for (ssize_t i = 0; i < n; i++)
                assert_int_equal(iso8583_decode(FIELDS, data, (size_t) i, &m, NULL), -EBADMSG);
        assert_null(m);
}

static void forms_of_fields(void **state) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        uint8_t data[256];
        char text[513];
        ssize_t n;

        assert_int_equal(iso8583_new(FIELDS, 200, &m), 0);
        assert_int_equal(iso8583_set_text(m, 2, "6200000000000000052"), 0);
        assert_int_equal(iso8583_set_number(m, 4, 1234), 0);
        assert_int_equal(iso8583_set_text(m, 22, "052"), 0);
        assert_int_equal(iso8583_set_text(m, 23, "001"), 0);
        assert_int_equal(iso8583_set_text(m, 35, "62=2912"), 0);
        assert_int_equal(iso8583_set_text(m, 41, "T1"), 0);
        assert_int_equal(iso8583_set_bytes(m, 55, "\x91\x00", 2), 0);
        n = iso8583_encode(m, data, sizeof(data));
        assert_true(n > 0);
        hex_encode(data, (size_t) n, text);
        assert_string_equal(text, "0200"
                                  "5000060020800200"
                                  "1962000000000000000520"
                                  "000000001234"
                                  "0520"
                                  "0001"
                                  "0762D29120"
                                  "5431202020202020"
                                  "00029100");
        assert_text(m, 41, "T1      ");
}

static void values_that_do_not_fit(void **state) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        char big[256];
        uint64_t number;
        uint8_t data[8];

        memset(big, '1', sizeof(big) - 1);
        big[sizeof(big) - 1] = '\0';

        assert_int_equal(iso8583_new(FIELDS, 10000, &m), -EINVAL);
        assert_int_equal(iso8583_new(FIELDS, 200, &m), 0);
        assert_int_equal(iso8583_set_text(m, 0, "1"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 1, "1"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 65, "1"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 5, "1"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 2, big), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 2, "62x"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 3, "00000"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 42, "\n"), -EINVAL);
        assert_int_equal(iso8583_set_text(m, 55, "text"), -EINVAL);
        assert_int_equal(iso8583_set_number(m, 11, 1000000), -ERANGE);
        assert_int_equal(iso8583_set_number(m, 41, 1), -EINVAL);
        assert_int_equal(iso8583_set_number(m, 11, 999999), 0);
        assert_int_equal(iso8583_set_number(m, 11, 1), -EEXIST);
        assert_int_equal(iso8583_number(m, 11, &number), 0);
        assert_int_equal(number, 999999);
        assert_int_equal(iso8583_number(m, 4, &number), -ENODATA);
        assert_int_equal(iso8583_encode(m, data, sizeof(data)), -ENOBUFS);
        assert_null(iso8583_text(m, 2));
        assert_null(iso8583_text(m, 65));
}

static void assert_refused(const char *hex, unsigned field) {
        struct iso8583 *m = NULL;
        uint8_t data[256];
        ssize_t n = hex_decode(hex, data, sizeof(data));
        unsigned at = 99;

        assert_true(n >= 0);
        assert_int_equal(iso8583_decode(FIELDS, data, (size_t) n, &m, &at), -EBADMSG);
        assert_int_equal(at, field);
}

static void messages_that_nobody_would_write(void **state) {
        assert_refused("", 0);
        assert_refused("0A00 0000000000000000", 0);
        assert_refused("0800 8000000000000000 0000000000000000", 1);
        assert_refused("0800 0800000000000000 01", 5);                      /* no such field */
        assert_refused("0800 0020000000000000 00045A", 11);                 /* not a digit */
        assert_refused("0800 0020000000000000 000452 00", 65);              /* left over */
        assert_refused("0200 4000000000000000 1A6200", 2);                  /* length is no number */
        assert_refused("0200 4000000000000000 20 62000000000000000000", 2); /* too long */
        assert_refused("0200 4000000000000000 03 6201", 2);                 /* filling is not 0 */
        assert_refused("0200 0000020000000000 1001", 23);                   /* the same on the left */
        assert_refused("0200 0000000020000000 03 62E0", 35);
        assert_refused("0200 0000000002000000 3000", 39); /* cut off */
        assert_refused("0200 0000000002000000 3000", 39);
        assert_refused("0200 0000000002000000 0030", 39); /* not printable */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sign_on_of_the_field),    cmocka_unit_test(fields_of_the_field),
                cmocka_unit_test(every_prefix_is_refused), cmocka_unit_test(forms_of_fields),
                cmocka_unit_test(values_that_do_not_fit),  cmocka_unit_test(messages_that_nobody_would_write),
        };

        return cmocka_run_group_tests_name("host-iso8583", tests, NULL, NULL);
}
