// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* What is below the steps: BER-TLV, data object lists, the store, APDUs, the answer to reset. */

#include "base/tlv.h"
#include "emv-fixture.h"
#include "emv/apdu.h"
#include "emv/store.h"
#include "emv/tag.h"

static int check_hex(const char *text) {
        uint8_t data[1024];

        return tlv_check(data, fixture_hex(text, data, sizeof(data)));
}

static void tlv_accepts(void **state) {
        static const char *const good[] = {
                "",          "00 00",          "5A 02 1234",      "00 5A02 1234 00 00 9F0200 00",
                "9F8101 00", "5A 81 02 1234",  "5A 82 0002 1234", "6F 07 84 05 A000000003",
                "70 00",     "70 03 00 00 00",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (check_hex(good[i]) != 0)
                        fail_msg("refused: %s", good[i]);
}

static void tlv_refuses(void **state) {
        static const char *const bad[] = {
                "5A",       /* no length */
                "5A 02 12", /* short value */
                "5A 80",
                "5A 80 1234 0000",                           /* indefinite */
                "5A 83 000001 12",                           /* length of three bytes */
                "5A 81",                                     /* length cut */
                "5A 82 00",                                  /* length cut */
                "9F",                                        /* tag cut */
                "9F 81 81 81 01 00",                         /* tag of five bytes */
                "9F 80 01 00",                               /* tag number with a leading zero */
                "6F 03 84 05 A0",                            /* broken inside */
                "FF",                                        /* tag cut */
                "5A 01 12 FF FF",                            /* no filling */
                "70 0C 70 0A 70 08 70 06 70 04 70 02 70 00", /* too deep */
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (check_hex(bad[i]) != -EBADMSG)
                        fail_msg("accepted: %s", bad[i]);
}

static void tlv_searches(void **state) {
        uint8_t data[64];
        struct tlv t;
        size_t n;

        n = fixture_hex("00 9F3602 0007 5A01 11 5A01 22", data, sizeof(data));
        assert_int_equal(tlv_find(data, n, TAG_ATC, &t), 0);
        assert_int_equal(t.size, 2);
        assert_memory_equal(t.value, "\x00\x07", 2);
        assert_int_equal(tlv_find(data, n, TAG_PAN, &t), 0);
        assert_int_equal(t.value[0], 0x11);
        assert_int_equal(tlv_find(data, n, TAG_AIP, &t), -ENOENT);
        /* One broken object spoils all of them. */
        assert_int_equal(tlv_find(data, n - 1, TAG_ATC, &t), -EBADMSG);

        n = fixture_hex("7003 5A01 11 00", data, sizeof(data));
        assert_int_equal(tlv_only(data, n, TAG_RECORD, &t), 0);
        assert_int_equal(tlv_only(data, n, TAG_RESPONSE_2, &t), -EBADMSG);
        n = fixture_hex("7003 5A01 11 8200", data, sizeof(data));
        assert_int_equal(tlv_only(data, n, TAG_RECORD, &t), -EBADMSG);
        assert_int_equal(tlv_only(data, 0, TAG_RECORD, &t), -EBADMSG);
}

static void tlv_writes(void **state) {
        static uint8_t large[70000], much[65536];
        uint8_t buffer[300], value[200] = {}, wanted[16];
        size_t used = 0;
        struct tlv t;

        assert_int_equal(tlv_append(buffer, sizeof(buffer), &used, TAG_AIP, "\x7d\x00", 2), 0);
        assert_int_equal(tlv_append(buffer, sizeof(buffer), &used, 0x9f8101, "", 0), 0);
        assert_int_equal(used, fixture_hex("8202 7D00 9F8101 00", wanted, sizeof(wanted)));
        assert_memory_equal(buffer, wanted, used);
        assert_int_equal(tlv_append(buffer, sizeof(buffer), &used, 0x5f50, value, sizeof(value)), 0);
        assert_int_equal(used, 8 + 4 + sizeof(value));
        assert_int_equal(tlv_find(buffer, used, 0x5f50, &t), 0);
        assert_int_equal(t.size, sizeof(value));
        assert_int_equal(tlv_append(buffer, sizeof(buffer), &used, 0x5f50, value, sizeof(value)), -ENOBUFS);
        assert_int_equal(used, 8 + 4 + sizeof(value));

        /* Two bytes of length, and no more. */
        used = 0;
        assert_int_equal(tlv_append(large, sizeof(large), &used, TAG_RECORD, much, 65536), -ENOBUFS);
        assert_int_equal(used, 0);
        assert_int_equal(tlv_append(large, sizeof(large), &used, TAG_RECORD, much, 65535), 0);
        assert_memory_equal(large, "\x70\x82\xff\xff\x00", 5);
        assert_int_equal(used, 65539);
        assert_int_equal(tlv_only(large, used, TAG_RECORD, &t), 0);
        assert_int_equal(t.size, 65535);
        used = sizeof(large) + 1;
        assert_int_equal(tlv_append(large, sizeof(large), &used, TAG_RECORD, much, 0), -ENOBUFS);
}

/* Lists end with a whole tag and a length. */
static void dol_forms(void **state) {
        static const struct {
                const char *list;
                int result;
        } cases[] = {
                { "", 0 },
                { "9F02", -EBADMSG },
                { "9F", -EBADMSG },
                { "9F8181810106", -EBADMSG },
                { "9F02069F", -EBADMSG },
                { "950500", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static struct store s;
                uint8_t list[16], data[16];
                size_t size, n = fixture_hex(cases[i].list, list, sizeof(list));

                if (store_build_dol(&s, list, n, data, sizeof(data), &size) != cases[i].result)
                        fail_msg("%s", cases[i].list);
        }
}

/* Book 3, 5.4: what is too long is cut, what is too short is filled, each by its format. */
static void dol_rules(void **state) {
        static struct store s;
        uint8_t dol[64], data[64], wanted[64];
        size_t n, size;

        memset(&s, 0, sizeof(s));
        assert_int_equal(store_set(&s, TAG_AMOUNT, "\x00\x00\x00\x00\x12\x34", 6), 0);
        assert_int_equal(store_put_card(&s, TAG_PAN, (const uint8_t *) "\x62\x00\x01", 3), 0);
        assert_int_equal(store_set(&s, TAG_UNPREDICTABLE, "\xa1\xb2\xc3\xd4", 4), 0);

        n = fixture_hex("9F0206 9F0203 9F0208 5A02 5A05 9F3702 9F3706 DF0102 7002 9F0200", dol, sizeof(dol));
        assert_int_equal(store_build_dol(&s, dol, n, data, sizeof(data), &size), 0);
        assert_int_equal(size, fixture_hex("000000001234 001234 0000000000001234 6200 620001FFFF A1B2 A1B2C3D40000 "
                                           "0000 0000",
                                           wanted, sizeof(wanted)));
        assert_memory_equal(data, wanted, size);

        assert_int_equal(store_build_dol(&s, dol, n, data, size - 1, &size), -ENOBUFS);
        assert_int_equal(store_build_dol(&s, dol, n - 1, data, sizeof(data), &size), -EBADMSG);
}

/* Book 3, Annex A: the formats that rule cutting and filling, for what only lists of data objects ask for, too. */
static void dol_formats(void **state) {
        static const struct {
                uint32_t tag;
                const char *value, *longer, *shorter;
        } cases[] = {
                { 0x42, "622588", "00622588", "2588" },
                { TAG_PAN, "6200", "6200FF", "62" },
                { TAG_PAN_SEQUENCE, "01", "0001", "" },
                { 0x9f20, "1234", "1234FF", "12" },
                { 0x9f3b, "0840", "000840", "40" },
                { 0x9f43, "02", "0002", "" },
                { 0x9f44, "02", "0002", "" },
                { TAG_APPLICATION_CURRENCY, "0156", "000156", "56" },
                { TAG_LABEL, "4142", "414200", "41" },
                { TAG_LANGUAGE, "7A68", "7A6800", "7A" },
                { TAG_USAGE_CONTROL, "FF80", "FF8000", "FF" },
                { 0xdf7f, "1234", "123400", "12" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                static struct store s;
                uint8_t value[8], dol[4], data[8], wanted[8];
                size_t n, head = 0, size;

                memset(&s, 0, sizeof(s));
                n = fixture_hex(cases[i].value, value, sizeof(value));
                assert_int_equal(store_put_card(&s, cases[i].tag, value, n), 0);
                if (cases[i].tag > 0xff)
                        dol[head++] = (uint8_t) (cases[i].tag >> 8);
                dol[head++] = (uint8_t) cases[i].tag;
                dol[head] = (uint8_t) (n + 1);
                assert_int_equal(store_build_dol(&s, dol, head + 1, data, sizeof(data), &size), 0);
                assert_int_equal(size, fixture_hex(cases[i].longer, wanted, sizeof(wanted)));
                if (memcmp(data, wanted, size) != 0)
                        fail_msg("%X is filled wrongly", cases[i].tag);
                dol[head] = (uint8_t) (n - 1);
                assert_int_equal(store_build_dol(&s, dol, head + 1, data, sizeof(data), &size), 0);
                assert_int_equal(size, fixture_hex(cases[i].shorter, wanted, sizeof(wanted)));
                if (memcmp(data, wanted, size) != 0)
                        fail_msg("%X is cut wrongly", cases[i].tag);
        }
}

/* Annex A: what has the terminal or the issuer for its source is not for the card to say, nor is a wrong length. */
static void dictionary(void **state) {
        static const uint32_t terminal[] = {
                TAG_AMOUNT_BINARY,
                TAG_AUTHORISATION_CODE,
                TAG_ARC,
                TAG_ISSUER_AUTHENTICATION,
                TAG_TVR,
                TAG_TC_HASH,
                0x99,
                TAG_DATE,
                TAG_TSI,
                TAG_TRANSACTION_TYPE,
                TAG_CURRENCY,
                TAG_CURRENCY_EXPONENT,
                0x5f57,
                TAG_ACQUIRER_ID,
                TAG_AMOUNT,
                TAG_AMOUNT_OTHER,
                TAG_AMOUNT_OTHER_BINARY,
                TAG_AID_TERMINAL,
                TAG_VERSION_TERMINAL,
                TAG_CATEGORY,
                TAG_MERCHANT_ID,
                TAG_SCRIPT_ID,
                TAG_TERMINAL_COUNTRY,
                TAG_FLOOR_LIMIT,
                TAG_TERMINAL_ID,
                0x9f1d,
                TAG_SERIAL,
                TAG_TIME,
                0x9f22,
                TAG_CAPABILITIES,
                TAG_CVM_RESULTS,
                TAG_TERMINAL_TYPE,
                TAG_UNPREDICTABLE,
                TAG_POS_ENTRY_MODE,
                0x9f3a,
                0x9f3c,
                0x9f3d,
                TAG_ADDITIONAL_CAPABILITIES,
                TAG_COUNTER,
                TAG_MERCHANT_NAME,
                TAG_SCRIPT_RESULTS,
        };
        static const struct {
                uint32_t tag;
                size_t min, max;
        } lengths[] = {
                { TAG_AID_CARD, 5, 16 },
                { TAG_LABEL, 1, 16 },
                { TAG_TRACK2, 1, 19 },
                { TAG_PAN, 1, 10 },
                { TAG_AIP, 2, 2 },
                { TAG_DF_NAME, 5, 16 },
                { TAG_PRIORITY, 1, 1 },
                { TAG_SFI, 1, 1 },
                { TAG_CDOL1, 1, 252 },
                { TAG_CDOL2, 1, 252 },
                { TAG_CVM_LIST, 8, 252 },
                { TAG_CA_INDEX, 1, 1 },
                { TAG_AFL, 4, 252 },
                { TAG_TDOL, 0, 252 },
                { TAG_EXPIRATION_DATE, 3, 3 },
                { TAG_EFFECTIVE_DATE, 3, 3 },
                { TAG_ISSUER_COUNTRY, 2, 2 },
                { TAG_LANGUAGE, 2, 8 },
                { TAG_SERVICE_CODE, 2, 2 },
                { TAG_PAN_SEQUENCE, 1, 1 },
                { TAG_USAGE_CONTROL, 2, 2 },
                { TAG_VERSION_CARD, 2, 2 },
                { TAG_IAC_DEFAULT, 5, 5 },
                { TAG_IAC_DENIAL, 5, 5 },
                { TAG_IAC_ONLINE, 5, 5 },
                { TAG_IAD, 0, 32 },
                { TAG_CODE_TABLE, 1, 1 },
                { TAG_PREFERRED_NAME, 1, 16 },
                { TAG_LAST_ONLINE_ATC, 2, 2 },
                { TAG_LOWER_LIMIT, 1, 1 },
                { TAG_UPPER_LIMIT, 1, 1 },
                { TAG_PIN_TRY_COUNTER, 1, 1 },
                { TAG_CRYPTOGRAM, 8, 8 },
                { TAG_CID, 1, 1 },
                { TAG_ATC, 2, 2 },
                { TAG_PDOL, 0, 252 },
                { TAG_APPLICATION_CURRENCY, 2, 2 },
        };
        static const uint8_t value[256];
        static struct store s;

        for (size_t i = 0; i < ELEMENTSOF(terminal); i++) {
                memset(&s, 0, sizeof(s));
                assert_int_equal(store_put_card(&s, terminal[i], value, 4), 0);
                if (s.n != 0)
                        fail_msg("a card sets %X", terminal[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(lengths); i++) {
                uint32_t tag = lengths[i].tag;

                memset(&s, 0, sizeof(s));
                if (lengths[i].min > 0 && store_put_card(&s, tag, value, lengths[i].min - 1) != -EBADMSG)
                        fail_msg("%X may be too short", tag);
                if (store_put_card(&s, tag, value, lengths[i].max + 1) != -EBADMSG)
                        fail_msg("%X may be too long", tag);
                if (store_put_card(&s, tag, value, lengths[i].min) != 0)
                        fail_msg("%X may not be as short as it may be", tag);
                store_forget(&s, tag);
                if (store_put_card(&s, tag, value, lengths[i].max) != 0)
                        fail_msg("%X may not be as long as it may be", tag);
        }
}

static void store_rules(void **state) {
        static struct store s;
        uint8_t big[STORE_BYTES_MAX] = {};
        size_t size;

        memset(&s, 0, sizeof(s));
        assert_int_equal(store_put_card(&s, TAG_AIP, (const uint8_t *) "\x7d\x00", 2), 0);
        assert_int_equal(store_put_card(&s, TAG_AIP, (const uint8_t *) "\x7d\x00", 2), -EEXIST);
        assert_int_equal(store_put_card(&s, TAG_EXPIRATION_DATE, (const uint8_t *) "\x49\x12", 2), -EBADMSG);

        /* A card does not say what the terminal's amount is. */
        assert_int_equal(store_set(&s, TAG_AMOUNT, "\x00\x00\x00\x00\x12\x34", 6), 0);
        assert_int_equal(store_put_card(&s, TAG_AMOUNT, (const uint8_t *) "\x00\x00\x00\x00\x00\x01", 6), 0);
        assert_memory_equal(store_get(&s, TAG_AMOUNT, &size), "\x00\x00\x00\x00\x12\x34", 6);
        assert_int_equal(store_put_card(&s, TAG_TVR, (const uint8_t *) "\0\0\0\0\0", 5), 0);
        assert_null(store_get(&s, TAG_TVR, NULL));

        /* Forgetting moves what is behind. */
        assert_int_equal(store_put_card(&s, TAG_ATC, (const uint8_t *) "\x00\x07", 2), 0);
        store_forget(&s, TAG_AIP);
        assert_null(store_get(&s, TAG_AIP, NULL));
        assert_memory_equal(store_get(&s, TAG_ATC, &size), "\x00\x07", 2);
        assert_memory_equal(store_get(&s, TAG_AMOUNT, &size), "\x00\x00\x00\x00\x12\x34", 6);
        assert_int_equal(store_set(&s, TAG_MERCHANT_NAME, "abc", 3), 0);
        assert_int_equal(store_set(&s, TAG_MERCHANT_NAME, "abcdef", 6), 0);
        assert_memory_equal(store_get(&s, TAG_MERCHANT_NAME, &size), "abcdef", 6);
        assert_int_equal(size, 6);
        assert_memory_equal(store_get(&s, TAG_ATC, &size), "\x00\x07", 2);

        assert_int_equal(store_set(&s, 0xdf01, big, sizeof(big)), -ENOBUFS);
        for (uint32_t tag = 0xdf8100; s.n < STORE_OBJECTS_MAX; tag++)
                assert_int_equal(store_put_card(&s, tag, big, 1), 0);
        assert_int_equal(store_put_card(&s, 0xdf02, big, 1), -ENOBUFS);

        /* What the FCI said a record may say again, once. */
        memset(&s, 0, sizeof(s));
        assert_int_equal(store_put_card(&s, TAG_LABEL, (const uint8_t *) "A", 1), 0);
        store_may_come_again(&s, (const uint32_t[]){ TAG_PRIORITY, TAG_LABEL }, 2);
        assert_int_equal(store_put_card(&s, TAG_LABEL, (const uint8_t *) "B", 1), 0);
        assert_memory_equal(store_get(&s, TAG_LABEL, &size), "B", 1);
        assert_int_equal(store_put_card(&s, TAG_LABEL, (const uint8_t *) "C", 1), -EEXIST);
}

/* A dialogue of hex: command, answer, command, answer. */
struct dialogue {
        const char *const *lines;
        size_t n, at;
};

static int play(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                size_t *ret_size) {
        struct dialogue *d = userdata;
        uint8_t wanted[APDU_COMMAND_MAX];

        assert_true(d->at + 2 <= d->n);
        assert_int_equal(size, fixture_hex(d->lines[d->at], wanted, sizeof(wanted)));
        assert_memory_equal(command, wanted, size);
        *ret_size = fixture_hex(d->lines[d->at + 1], response, APDU_RESPONSE_MAX);
        d->at += 2;
        return 0;
}

static int exchange(const char *const *lines, size_t n, const uint8_t header[static 4], const void *data, size_t size,
                    bool reply, struct apdu_response *ret) {
        struct dialogue d = { .lines = lines, .n = n };
        int r = apdu_exchange(play, &d, header, data, size, reply, ret);

        assert_int_equal(d.at, n);
        return r;
}

static void apdu_cases(void **state) {
        static const char *const plain[] = { "00A4040002AABB00", "6F009000" };
        static const char *const one[] = { "00840000", "6985" };
        static const char *const shorter[] = { "00B2010C00", "6C02", "00B2010C02", "70009000" };
        static const char *const counted[] = { "80AE000001AA00", "6C0B" };
        static const char *const once[] = { "0082000002AABB", "6C08" };
        static const char *const rubbish[] = { "00840000", "90" };
        const uint8_t select[] = { 0x00, 0xa4, 0x04, 0x00 }, challenge[] = { 0x00, 0x84, 0x00, 0x00 },
                      read_record[] = { 0x00, 0xb2, 0x01, 0x0c }, generate[] = { 0x80, 0xae, 0x00, 0x00 },
                      authenticate[] = { 0x00, 0x82, 0x00, 0x00 };
        struct apdu_response r;

        assert_int_equal(exchange(plain, 2, select, "\xaa\xbb", 2, true, &r), 0);
        assert_int_equal(r.sw, 0x9000);
        assert_int_equal(r.size, 2);
        assert_int_equal(exchange(one, 2, challenge, NULL, 0, false, &r), 0);
        assert_int_equal(r.sw, 0x6985);
        assert_int_equal(exchange(shorter, 4, read_record, NULL, 0, true, &r), 0);
        assert_int_equal(r.size, 2);
        assert_int_equal(exchange(counted, 2, generate, "\xaa", 1, true, &r), 0);
        assert_int_equal(r.sw, 0x6c0b);
        assert_int_equal(exchange(once, 2, authenticate, "\xaa\xbb", 2, false, &r), 0);
        assert_int_equal(r.sw, 0x6c08);
        assert_int_equal(exchange(rubbish, 2, challenge, NULL, 0, false, &r), -EBADMSG);
        assert_int_equal(apdu_exchange_raw(play, NULL, (const uint8_t *) "\x00\xa4\x04\x00\x09\x01", 6, &r), -EBADMSG);
        assert_int_equal(apdu_exchange_raw(play, NULL, (const uint8_t *) "\x00\xa4", 2, &r), -EBADMSG);
}

static void apdu_more_data(void **state) {
        static const char *const lines[] = { "00A4040002AABB00", "6104",       "00C0000004",
                                             "010203046102",     "00C0000002", "05069000" };
        struct apdu_response r;

        assert_int_equal(exchange(lines, 6, (const uint8_t[]){ 0x00, 0xa4, 0x04, 0x00 }, "\xaa\xbb", 2, true, &r), 0);
        assert_int_equal(r.size, 6);
        assert_memory_equal(r.data, "\x01\x02\x03\x04\x05\x06", 6);
}

static int endless(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                   size_t *ret_size) {
        (*(unsigned *) userdata)++;
        memcpy(response, "\x61\x01", 2);
        *ret_size = 2;
        return 0;
}

static void apdu_is_bounded(void **state) {
        struct apdu_response r;
        unsigned calls = 0;

        assert_int_equal(apdu_exchange(endless, &calls, (const uint8_t[]){ 0, 0xa4, 4, 0 }, NULL, 0, true, &r),
                         -EBADMSG);
        assert_true(calls <= 16);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tlv_accepts), cmocka_unit_test(tlv_refuses),    cmocka_unit_test(tlv_searches),
                cmocka_unit_test(tlv_writes),  cmocka_unit_test(dol_rules),      cmocka_unit_test(dol_forms),
                cmocka_unit_test(dol_formats), cmocka_unit_test(dictionary),     cmocka_unit_test(store_rules),
                cmocka_unit_test(apdu_cases),  cmocka_unit_test(apdu_more_data), cmocka_unit_test(apdu_is_bounded),
        };

        return cmocka_run_group_tests_name("emv: data", tests, NULL, NULL);
}
