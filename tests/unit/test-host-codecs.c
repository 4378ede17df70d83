// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "host/balance.h"
#include "host/binding.h"
#include "host/download.h"
#include "host/totals.h"
#include "host/upload.h"

#define P (&host_profile_unionpay)

static void totals(void **state) {
        struct host_totals t = {}, again = {};
        char text[HOST_TOTALS_DIGITS + 1];

        assert_false(host_is_foreign(P, "6200000000000005"));
        assert_true(host_is_foreign(P, "4000000000000002"));
        assert_int_equal(host_totals_add(&t, P, HOST_SALE, false, 12345), 0);
        assert_int_equal(host_totals_add(&t, P, HOST_TIP, false, 5), 0);
        assert_int_equal(host_totals_add(&t, P, HOST_REFUND, false, 45), 0);
        assert_int_equal(host_totals_add(&t, P, HOST_COMPLETION, true, 700), 0);
        assert_int_equal(host_totals_add(&t, P, HOST_COMPLETION_VOID, true, 700), 0);
        /* No money moves by these. */
        assert_int_equal(host_totals_add(&t, P, HOST_PREAUTH, false, 9), 0);
        assert_int_equal(host_totals_add(&t, P, HOST_BALANCE, false, 9), 0);

        assert_int_equal(host_totals_format(&t, text), 0);
        assert_string_equal(text, "0000000123500020000000000450010"
                                  "0000000007000010000000007000010");
        text[30] = '1';
        text[61] = '2';
        assert_int_equal(host_totals_parse(text, &again), 0);
        assert_true(host_totals_equal(&t, &again));
        assert_int_equal(again.domestic.reconciliation, HOST_BALANCED);
        assert_int_equal(again.foreign.reconciliation, HOST_UNEQUAL);
        assert_int_equal(again.domestic.debit.count, 2);
        assert_int_equal(again.foreign.credit.amount, 700);
        again.foreign.credit.amount++;
        assert_false(host_totals_equal(&t, &again));
}

static void totals_that_do_not_fit(void **state) {
        struct host_totals t = { .domestic.debit = { .count = 998, .amount = 5 } }, before;
        char text[HOST_TOTALS_DIGITS + 1];

        assert_int_equal(host_totals_add(&t, P, HOST_SALE, false, 1), 0);
        before = t;
        assert_int_equal(host_totals_add(&t, P, HOST_SALE, false, 1), -ERANGE);
        assert_true(host_totals_equal(&t, &before));
        t.domestic.debit = (struct host_total){ .count = 1, .amount = INT64_C(999999999999) };
        assert_int_equal(host_totals_add(&t, P, HOST_SALE, false, 1), -ERANGE);
        assert_int_equal(host_totals_add(&t, P, HOST_SALE, false, -1), -ERANGE);
        t.domestic.debit.amount++;
        assert_int_equal(host_totals_format(&t, text), -ERANGE);
        t.domestic.debit = (struct host_total){ .count = 1000 };
        assert_int_equal(host_totals_format(&t, text), -ERANGE);
}

static void totals_that_are_broken(void **state) {
        static const char good[] = "00000001235000200000000004500110000000000000000000000000000000";
        struct host_totals t;
        char text[sizeof(good) + 1];

        assert_int_equal(host_totals_parse(good, &t), 0);
        for (size_t i = 0; i < sizeof(good) - 1; i++) {
                memcpy(text, good, sizeof(good));
                text[i] = ' ';
                assert_int_equal(host_totals_parse(text, &t), -EBADMSG);
                text[i] = '\0';
                assert_int_equal(host_totals_parse(text, &t), -EBADMSG);
        }
        memcpy(text, good, sizeof(good));
        memcpy(text + sizeof(good) - 1, "0", 2);
        assert_int_equal(host_totals_parse(text, &t), -EBADMSG);
        memcpy(text, good, sizeof(good));
        text[30] = '4';
        assert_int_equal(host_totals_parse(text, &t), -EBADMSG);
}

static void verdicts(void **state) {
        static const struct {
                enum host_reconciliation domestic, foreign;
                unsigned foreign_count;
                enum host_reconciliation verdict;
        } cases[] = {
                { HOST_BALANCED, HOST_BALANCED, 1, HOST_BALANCED },
                { HOST_BALANCED, HOST_NOT_RECONCILED, 0, HOST_BALANCED },
                { HOST_BALANCED, HOST_NOT_RECONCILED, 1, HOST_RECONCILIATION_FAILED },
                { HOST_BALANCED, HOST_UNEQUAL, 0, HOST_UNEQUAL },
                { HOST_UNEQUAL, HOST_BALANCED, 1, HOST_UNEQUAL },
                { HOST_UNEQUAL, HOST_RECONCILIATION_FAILED, 1, HOST_RECONCILIATION_FAILED },
                { HOST_NOT_RECONCILED, HOST_NOT_RECONCILED, 0, HOST_RECONCILIATION_FAILED },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct host_totals t = {
                        .domestic = { .debit.count = 1, .reconciliation = cases[i].domestic },
                        .foreign = { .debit.count = cases[i].foreign_count, .reconciliation = cases[i].foreign },
                };

                assert_int_equal(host_totals_verdict(&t), cases[i].verdict);
        }
}

static void details(void **state) {
        struct host_detail d[HOST_DETAILS_MAX] = {
                { .stan = 7, .pan = "6200000000000005", .amount = 12345 },
                { .foreign = true, .stan = 999999, .pan = "4000000000000000002", .amount = INT64_C(999999999999) },
                { .stan = 8, .amount = 12345 },
        };
        struct host_detail again[HOST_DETAILS_MAX];
        char text[HOST_DETAILS_DIGITS + 1];
        int n;

        assert_int_equal(host_details_format(d, 3, text), 0);
        assert_string_equal(text, "03"
                                  "0000000700006200000000000005000000012345"
                                  "0199999904000000000000000002999999999999"
                                  "0000000800000000000000000000000000012345");
        n = host_details_parse(text, again);
        assert_int_equal(n, 3);
        for (int i = 0; i < n; i++) {
                assert_int_equal(again[i].foreign, d[i].foreign);
                assert_int_equal(again[i].stan, d[i].stan);
                assert_string_equal(again[i].pan, d[i].pan);
                assert_int_equal(again[i].amount, d[i].amount);
        }

        for (size_t i = 2; i < HOST_DETAILS_MAX; i++)
                d[i] = d[0];
        assert_int_equal(host_details_format(d, HOST_DETAILS_MAX, text), 0);
        assert_int_equal(strlen(text), HOST_DETAILS_DIGITS);
        assert_int_equal(strlen(text), P->fields[48].size);
        assert_int_equal(host_details_parse(text, again), HOST_DETAILS_MAX);
}

static void details_that_are_refused(void **state) {
        const struct host_detail good = { .stan = 7, .pan = "6200000000000005", .amount = 1 };
        struct host_detail d = good, again[HOST_DETAILS_MAX];
        char text[HOST_DETAILS_DIGITS + 1], bent[HOST_DETAILS_DIGITS + 2];

        assert_int_equal(host_details_format(&d, 0, text), -ERANGE);
        assert_int_equal(host_details_format(&d, HOST_DETAILS_MAX + 1, text), -ERANGE);
        d.stan = 0;
        assert_int_equal(host_details_format(&d, 1, text), -ERANGE);
        d = good;
        d.amount = -1;
        assert_int_equal(host_details_format(&d, 1, text), -ERANGE);
        d = good;
        d.pan[3] = 'x';
        assert_int_equal(host_details_format(&d, 1, text), -ERANGE);

        assert_int_equal(host_details_format(&good, 1, text), 0);
        for (size_t i = 0; i < strlen(text); i++) {
                snprintf(bent, sizeof(bent), "%s", text);
                bent[i] = '=';
                assert_int_equal(host_details_parse(bent, again), -EBADMSG);
                bent[i] = '\0';
                assert_int_equal(host_details_parse(bent, again), -EBADMSG);
        }
        snprintf(bent, sizeof(bent), "%s0", text);
        assert_int_equal(host_details_parse(bent, again), -EBADMSG);
        snprintf(bent, sizeof(bent), "%s", text);
        bent[2] = '9'; /* neither domestic nor foreign */
        assert_int_equal(host_details_parse(bent, again), -EBADMSG);
        snprintf(bent, sizeof(bent), "%s", text);
        bent[9] = '0'; /* STAN 0 */
        assert_int_equal(host_details_parse(bent, again), -EBADMSG);
        snprintf(bent, sizeof(bent), "%s", text);
        bent[10] = '1'; /* a card number of 20 digits */
        assert_int_equal(host_details_parse(bent, again), -EBADMSG);
}

static void balances(void **state) {
        static const char *const bad[] = {
                "",
                "0002156C00000001234",
                "0002156C0000000123456",
                "0002156X000000012345",
                "000215 C000000012345",
                "0002156C00000001234D",
        };
        struct host_balance b = { .currency = 156, .amount = 12345 }, again;
        char text[HOST_BALANCE_TEXT + 1];

        assert_int_equal(host_balance_format(&b, text), 0);
        assert_string_equal(text, "0002156C000000012345");
        assert_int_equal(host_balance_parse(text, &again), 0);
        assert_int_equal(again.amount, 12345);
        assert_int_equal(again.currency, 156);
        assert_int_equal(host_balance_parse("1001840D000000000700", &again), 0);
        assert_int_equal(again.amount, -700);
        assert_int_equal(again.currency, 840);
        assert_int_equal(host_balance_format(&again, text), 0);
        assert_string_equal(text, "0002840D000000000700");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(host_balance_parse(bad[i], &again), -EBADMSG);
        b.amount = INT64_C(1000000000000);
        assert_int_equal(host_balance_format(&b, text), -ERANGE);
}

static void positions(void **state) {
        char text[HOST_POSITION_DIGITS + 1];
        unsigned position;

        assert_int_equal(host_position_format(0, text), 0);
        assert_string_equal(text, "100");
        assert_int_equal(host_position_format(42, text), 0);
        assert_int_equal(host_position_parse(text, 3, &position), 0);
        assert_int_equal(position, 42);
        assert_int_equal(host_position_format(100, text), -ERANGE);
        assert_int_equal(host_position_parse("10", 2, &position), -EBADMSG);
        assert_int_equal(host_position_parse("1000", 4, &position), -EBADMSG);
        assert_int_equal(host_position_parse("200", 3, &position), -EBADMSG);
        assert_int_equal(host_position_parse("1x0", 3, &position), -EBADMSG);
}

static void downloads(void **state) {
        static const struct {
                const char *text;
                size_t size;
        } bad[] = {
                { "", 0 },  { "3\x9A\x01\x00", 4 }, { "0\x9A\x01\x00", 4 }, { "1", 1 },
                { "2", 1 }, { "2\x9A\x02\x00", 4 }, { " \x9A\x01\x00", 4 },
        };
        struct host_download d = { .more = true, .data = "\x9A\x01\x07", .size = 3 }, again;
        uint8_t wire[HOST_DOWNLOAD_MAX + 1];

        assert_int_equal(host_download_format(&d, wire), 4);
        assert_memory_equal(wire, "2\x9A\x01\x07", 4);
        assert_int_equal(host_download_parse(wire, 4, &again), 0);
        assert_true(again.more);
        assert_int_equal(again.size, 3);
        assert_memory_equal(again.data, d.data, 3);
        assert_int_equal(host_download_parse("1\x9A\x01\x07", 4, &again), 0);
        assert_false(again.more);
        assert_int_equal(host_download_parse("0", 1, &again), 0);
        assert_false(again.more);
        assert_int_equal(again.size, 0);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                assert_int_equal(host_download_parse(bad[i].text, bad[i].size, &again), -EBADMSG);
}

/* UnionPay's key 02 with its published SHA-1, as packaging/emv.d has it. */
#define CA_NAME "9F0605A000000333 9F220102"
#define CA_KEY                                                                                                        \
        "DF028190"                                                                                                    \
        "A3767ABD1B6AA69D7F3FBF28C092DE9ED1E658BA5F0909AF7A1CCD907373B7210FDEB16287BA8E78E1529F443976FD27"            \
        "F991EC67D95E5F4E96B127CAB2396A94D6E45CDA44CA4C4867570D6B07542F8D4BF9FF97975DB9891515E66F525D2B3C"            \
        "BEB6D662BFB6C3F338E93B02142BFC44173A3764C56AADD202075B26DC2F9F7D7AE74BD7D00FD05EE430032663D27A57"            \
        "DF040103 DF031403BB335A8549A03B87AB089D006F60852E4B8060"

static void ca_keys(void **state) {
        uint8_t data[HOST_DOWNLOAD_MAX];
        struct host_ca_key k, other;
        ssize_t n;

        n = hex_decode(CA_NAME "DF05083230343931323331" CA_KEY, data, sizeof(data));
        assert_true(n > 0);
        assert_int_equal(host_ca_key_parse(data, (size_t) n, &k), 0);
        assert_memory_equal(k.rid, "\xA0\x00\x00\x03\x33", 5);
        assert_int_equal(k.index, 2);
        assert_string_equal(k.expiry, "20491231");
        assert_int_equal(k.modulus_size, 144);
        assert_int_equal(k.exponent_size, 1);

        /* No bit of the key may change. */
        for (size_t i = 0; i < (size_t) n * 8; i++) {
                data[i / 8] ^= (uint8_t) (1 << i % 8);
                if (host_ca_key_parse(data, (size_t) n, &other) >= 0) {
                        assert_memory_equal(other.modulus, k.modulus, sizeof(k.modulus));
                        assert_int_equal(other.index, k.index);
                        assert_memory_equal(other.rid, k.rid, sizeof(k.rid));
                }
                data[i / 8] ^= (uint8_t) (1 << i % 8);
        }
        for (size_t i = 0; i < (size_t) n; i++)
                assert_int_equal(host_ca_key_parse(data, i, &other), -EBADMSG);
        n = hex_decode(CA_NAME "DF050732303439313233" CA_KEY, data, sizeof(data));
        assert_int_equal(host_ca_key_parse(data, (size_t) n, &other), -EBADMSG);
        n = hex_decode(CA_NAME CA_KEY, data, sizeof(data));
        assert_int_equal(host_ca_key_parse(data, (size_t) n, &other), 0);
        assert_string_equal(other.expiry, "");
}

#define FIRST "C00100 C10400000001 C20954494C4C2D30303031 C30E2B38363133383030313338303030"
#define CHANGE                                                                                                        \
        "C00101 C10401020304 C20954494C4C2D30303031 C30E2B38363133383030313338303031 "                                \
        "C40E2B38363133383030313338303030"

static void bindings(void **state) {
        struct host_binding b, again = { .kind = _HOST_BINDING_KIND_MAX };
        uint8_t data[HOST_BINDING_MAX], form[HOST_BINDING_MAX];
        ssize_t n;

        n = hex_decode(CHANGE, data, sizeof(data));
        assert_true(n > 0);
        assert_int_equal(host_binding_parse(data, (size_t) n, &b), 0);
        assert_int_equal(b.kind, HOST_BINDING_CHANGE);
        assert_int_equal(b.number, 0x01020304);
        assert_string_equal(b.serial, "TILL-0001");
        assert_string_equal(b.phone, "+8613800138001");
        assert_string_equal(b.old_phone, "+8613800138000");
        assert_true(host_binding_is_valid(&b));
        assert_int_equal(host_binding_format(&b, form), n);
        assert_memory_equal(form, data, (size_t) n);
        /* Cut off anywhere it is none. */
        for (size_t i = 0; i < (size_t) n; i++)
                assert_int_equal(host_binding_parse(data, i, &again), -EBADMSG);
        assert_int_equal(again.kind, _HOST_BINDING_KIND_MAX);

        n = hex_decode(FIRST " DF0101FF", data, sizeof(data));
        assert_int_equal(host_binding_parse(data, (size_t) n, &b), 0);
        assert_string_equal(b.old_phone, "");
        /* What is not known is not said. */
        assert_int_equal(host_binding_format(&b, form), n - 4);

        /* The longest of all has room. */
        b = (struct host_binding){ .kind = HOST_BINDING_LOST, .number = UINT32_MAX };
        memset(b.serial, 'S', sizeof(b.serial) - 1);
        COPY(b.phone, "+123456789012345");
        COPY(b.old_phone, "+987654321012345");
        n = (ssize_t) host_binding_format(&b, form);
        assert_int_equal(host_binding_parse(form, (size_t) n, &again), 0);
        assert_memory_equal(&again, &b, sizeof(b));
}

static void bindings_that_are_refused(void **state) {
        static const char *const bad[] = {
                "",
                FIRST " C40E2B38363133383030313338303030",
                "C00101 C10400000001 C20954494C4C2D30303031 C30E2B38363133383030313338303030",
                "C00100 C10400000000 C20954494C4C2D30303031 C30E2B38363133383030313338303030",
                "C00103 C10400000001 C20954494C4C2D30303031 C30E2B38363133383030313338303030",
                "C0020000 C10400000001 C20954494C4C2D30303031 C30E2B38363133383030313338303030",
                "C00100 C103000001 C20954494C4C2D30303031 C30E2B38363133383030313338303030",
                "C00100 C10400000001 C200 C30E2B38363133383030313338303030",
                "C00100 C10400000001 C203540049 C30E2B38363133383030313338303030",
                "C00100 C10400000001 C20354494C0A C30E2B38363133383030313338303030",
                "C00100 C10400000001 C20354497F C30E2B38363133383030313338303030",
                "C00100 C10400000001 C221"
                "535353535353535353535353535353535353535353535353535353535353535353"
                " C30E2B38363133383030313338303030",
                "C00100 C10400000001 C20954494C4C2D30303031 C30D38363133383030313338303030",
                "C00100 C10400000001 C20954494C4C2D30303031 C3112B3132333435363738393031323334353637",
                FIRST " C00100",
                FIRST " C30E2B38363133383030313338303030",
                FIRST " C1",
        };
        struct host_binding b;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                uint8_t data[HOST_BINDING_MAX];
                ssize_t n = hex_decode(bad[i], data, sizeof(data));

                assert_true(n >= 0);
                if (host_binding_parse(data, (size_t) n, &b) != -EBADMSG)
                        fail_msg("%s is taken", bad[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(totals),
                cmocka_unit_test(totals_that_do_not_fit),
                cmocka_unit_test(totals_that_are_broken),
                cmocka_unit_test(verdicts),
                cmocka_unit_test(details),
                cmocka_unit_test(details_that_are_refused),
                cmocka_unit_test(balances),
                cmocka_unit_test(positions),
                cmocka_unit_test(downloads),
                cmocka_unit_test(ca_keys),
                cmocka_unit_test(bindings),
                cmocka_unit_test(bindings_that_are_refused),
        };

        return cmocka_run_group_tests_name("host-codecs", tests, NULL, NULL);
}
