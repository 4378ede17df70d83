// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* Offline data authentication: which method, what it needs, and each way in which a card's signature can be wrong. */

#include "base/tlv.h"
#include "emv-chain.h"

/* ---- The methods ---- */

/* What was done, by capabilities and profile; steps that decide nothing authenticate nothing. */
static void choice_of_method(void **state) {
        static const struct {
                uint8_t capable;
                const char *aip;
                enum authentication method;
                const char *tvr;
                uint8_t steps;
        } cases[] = {
                { 0xc8, "7D00", AUTHENTICATION_COMBINED, "0000000000", EMV_STEPS_FULL },
                { 0xc8, "0100", AUTHENTICATION_COMBINED, "0000000000", EMV_STEPS_ONLINE },
                { 0xc0, "4100", AUTHENTICATION_STATIC, "0200000000", EMV_STEPS_FULL },
                { 0x88, "6000", AUTHENTICATION_STATIC, "0200000000", EMV_STEPS_FULL },
                { 0x48, "4000", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0x80, "2100", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0x00, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0xc8, "1C00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0xc8, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_AAC },
                { 0xc8, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_READ },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = chain_reset(c);
                uint8_t plain[SIGN_MAX], signature[SIGN_MAX], other[SIGN_MAX];
                uint8_t hashed[256] = { 0x03, 0x01, 0xda, 0xc1 };

                sign_chain(c);
                memset(plain, 0xbb, sizeof(plain));
                plain[0] = 0x6a;
                memcpy(plain + 1, hashed, 4);
                memcpy(hashed, plain + 1, 154);
                memcpy(hashed + 154, e->static_data, e->static_data_size);
                SHA1(hashed, 154 + e->static_data_size, plain + 155);
                plain[175] = 0xbc;
                assert_int_equal(sign_raw(c->issuer, plain, signature), 0);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);

                set(c, TAG_AIP, cases[i].aip);
                c->base.start.terminal.capabilities[2] = cases[i].capable;
                c->base.start.steps = cases[i].steps;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_int_equal(e->authentication, cases[i].method);
                assert_tvr(e, cases[i].tvr, cases[i].aip);
                assert_int_equal(e->tsi[0], cases[i].method == AUTHENTICATION_STATIC ? TSI_AUTHENTICATION : 0);
                if (cases[i].method == AUTHENTICATION_STATIC)
                        assert_memory_equal(store_get(&e->store, TAG_DATA_AUTHENTICATION_CODE, NULL), "\xda\xc1", 2);

                if (cases[i].method != AUTHENTICATION_STATIC)
                        continue;
                /* The same signature over other data, of another length, of another key. */
                e = &c->base.emv;
                memset(e->tvr, 0, 5);
                e->static_data[0] ^= 0x01;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other data");
                e->static_data[0] ^= 0x01;
                memset(e->tvr, 0, 5);
                shorten(c, TAG_SIGNED_STATIC_DATA);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: short signature");
                memset(e->tvr, 0, 5);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other signature");
                memset(e->tvr, 0, 5);
                hashed[1] = plain[2] = 0x02;
                memcpy(hashed, plain + 1, 154);
                SHA1(hashed, 154 + e->static_data_size, plain + 155);
                assert_int_equal(sign_raw(c->issuer, plain, other), 0);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, other, 176), 0);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other hash algorithm");
                memset(e->tvr, 0, 5);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                set(c, TAG_STATIC_TAG_LIST, "5A");
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: tag list");
        }
}

/* Data that the method needs: missing is another bit than wrong (Book 3, 7.2 and 7.5). */
static void missing_data(void **state) {
        static const struct {
                uint32_t tag;
                uint8_t capable;
                const char *tvr;
        } cases[] = {
                { TAG_CA_INDEX, 0x80, "6200000000" },
                { TAG_ISSUER_CERTIFICATE, 0x80, "6200000000" },
                { TAG_ISSUER_EXPONENT, 0x80, "6200000000" },
                { TAG_SIGNED_STATIC_DATA, 0x80, "6200000000" },
                { TAG_CA_INDEX, 0x40, "2800000000" },
                { TAG_ISSUER_CERTIFICATE, 0x40, "2800000000" },
                { TAG_ISSUER_EXPONENT, 0x40, "2800000000" },
                { TAG_CARD_CERTIFICATE, 0x40, "2800000000" },
                { TAG_CARD_EXPONENT, 0x40, "2800000000" },
                { TAG_CARD_CERTIFICATE, 0x08, "2400000000" },
                { TAG_CARD_EXPONENT, 0x08, "2400000000" },
                /* Where the certificate has no room for the whole key. */
                { TAG_ISSUER_REMAINDER, 0x40, "2800000000" },
                { TAG_CARD_REMAINDER, 0x08, "2400000000" },
                /* The list of the terminal without the one thing that it must have. */
                { TAG_DDOL, 0x40, "0800000000" },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = chain_reset(c);

                c->base.start.mode = EMV_MODE_LIVE;
                c->base.application.ddol = (struct emv_dol){ 3, { 0x9f, 0x02, 0x06 } };
                put(e, TAG_SIGNED_STATIC_DATA, "00");
                put(e, TAG_DDOL, "9F3704");
                sign_chain(c);
                store_forget(&e->store, cases[i].tag);
                c->base.start.terminal.capabilities[2] = cases[i].capable;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, cases[i].tvr, "missing data");
                assert_int_equal(e->tsi[0], TSI_AUTHENTICATION);
                /* What failed already is not asked for with the cryptogram. */
                assert_false(emv_wants_combined(e, AC_TC));
        }
}

/* A test card is one whose issuer a test authority has certified; its index alone says little. */
static void test_cards(void **state) {
        struct chain *c = *state;
        struct emv_terminal *t = &c->base.start.terminal;

#define IS_TEST_CARD(result, before, after)                                                                           \
        ({                                                                                                            \
                struct emv *_e = chain_reset(c);                                                                      \
                                                                                                                      \
                before;                                                                                               \
                sign_chain(c);                                                                                        \
                after;                                                                                                \
                if (emv_authenticate_offline(_e) != (result))                                                         \
                        fail_msg("%s; %s", #before, #after);                                                          \
                assert_int_equal(_e->reason, (result) == 0 ? EMV_REASON_NONE : EMV_REASON_LIVE_CARD);                 \
        })

        IS_TEST_CARD(0, (void) 0, (void) 0);
        IS_TEST_CARD(-EBADE, (void) 0, t->ca_keys[0].test = 0);
        IS_TEST_CARD(-EBADE, (void) 0, set(c, TAG_CA_INDEX, "EF"));
        /* The index of a test key, the certificate of somebody else. */
        IS_TEST_CARD(-EBADE, (void) 0, flip(c, TAG_ISSUER_CERTIFICATE, 7));
        IS_TEST_CARD(-EBADE, (void) 0, t->ca_keys[0].modulus[100] ^= 0x02);
        IS_TEST_CARD(-EBADE, c->issuer_draft.header = 0x6b, (void) 0);
        /* The authority's, and wrong: a failed authentication, not a live card. */
        IS_TEST_CARD(0, c->issuer_draft.hash_flip = 0x01, (void) 0);
        assert_tvr(&c->base.emv, "0400000000", "wrong hash");
        IS_TEST_CARD(0, c->issuer_draft.expiry[1] = 0x20, (void) 0);
        assert_tvr(&c->base.emv, "0400000000", "expired");
        /* A card without certificates is judged by what it says. */
        IS_TEST_CARD(0, (void) 0, store_forget(&c->base.emv.store, TAG_ISSUER_CERTIFICATE));
        IS_TEST_CARD(-EBADE, (void) 0,
                     (store_forget(&c->base.emv.store, TAG_ISSUER_CERTIFICATE), t->ca_keys[0].test = 0));
        IS_TEST_CARD(0, c->base.start.mode = EMV_MODE_LIVE, t->ca_keys[0].test = 0);
}

/* ---- INTERNAL AUTHENTICATE ---- */

enum dynamic_fault {
        FAULT_NONE,
        FAULT_FORMAT_1,
        FAULT_SIGNATURE,
        FAULT_SHORT,
        FAULT_OTHER_NUMBER,
        FAULT_HASH_ALGORITHM,
        FAULT_FORMAT,
        FAULT_NUMBER_LONG,
        FAULT_NUMBER_SHORT,
        FAULT_NUMBER_BEYOND,
        FAULT_LENGTH,
        FAULT_NO_DATA,
        FAULT_WORD,
        FAULT_NO_SIGNATURE,
        FAULT_TEMPLATE,
        FAULT_REMOVED,
};

struct authenticator {
        struct chain *chain;
        enum dynamic_fault fault;
        uint8_t asked[255];
        size_t asked_size;
};

/* Header, format, algorithm, dynamic data, padding, hash with what the terminal sent, trailer. */
static void sign_fault(const struct authenticator *a, uint8_t signature[static SIGN_MAX]) {
        uint8_t plain[SIGN_MAX], hashed[512];
        size_t n = 144;

        memset(plain, 0xbb, sizeof(plain));
        memcpy(plain, "\x6a\x05\x01\x09\x08\x11\x22\x33\x44\x55\x66\x77\x88", 13);
        if (a->fault == FAULT_HASH_ALGORITHM)
                plain[2] = 0x02;
        if (a->fault == FAULT_FORMAT)
                plain[1] = 0x03;
        if (a->fault == FAULT_NUMBER_LONG)
                memcpy(plain + 3, "\x0a\x09", 2);
        if (a->fault == FAULT_NUMBER_SHORT)
                memcpy(plain + 3, "\x02\x01", 2);
        if (a->fault == FAULT_NUMBER_BEYOND)
                memcpy(plain + 3, "\x08\x08", 2);
        if (a->fault == FAULT_LENGTH)
                plain[3] = (uint8_t) (n - 24);
        if (a->fault == FAULT_NO_DATA)
                plain[3] = 0;
        memcpy(hashed, plain + 1, n - 22);
        memcpy(hashed + n - 22, a->asked, a->asked_size);
        if (a->fault == FAULT_OTHER_NUMBER)
                hashed[n - 22] ^= 0x01;
        SHA1(hashed, n - 22 + a->asked_size, plain + n - 21);
        plain[n - 1] = 0xbc;
        assert_int_equal(sign_raw(a->chain->card, plain, signature), 0);
        if (a->fault == FAULT_SIGNATURE)
                signature[50] ^= 0x10;
}

static int authenticator(void *userdata, const uint8_t *command, size_t size,
                         uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        struct authenticator *a = userdata;
        uint8_t signature[SIGN_MAX], inner[256];
        size_t n = a->fault == FAULT_SHORT ? 143 : 144, used = 0, total = 0;

        assert_memory_equal(command, "\x00\x88\x00\x00", 4);
        a->asked_size = command[4];
        assert_true(size >= 5U + a->asked_size);
        memcpy(a->asked, command + 5, a->asked_size);
        if (a->fault == FAULT_REMOVED)
                return -ENOMEDIUM;
        sign_fault(a, signature);
        if (a->fault == FAULT_FORMAT_1)
                assert_int_equal(tlv_append(response, 256, &total, TAG_RESPONSE_1, signature, n), 0);
        else {
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_PRODUCT, "abc", 3), 0);
                assert_int_equal(tlv_append(inner, sizeof(inner), &used,
                                            a->fault == FAULT_NO_SIGNATURE ? TAG_IAD : TAG_SIGNED_DYNAMIC_DATA,
                                            signature, n),
                                 0);
                assert_int_equal(tlv_append(response, 256, &total,
                                            a->fault == FAULT_TEMPLATE ? TAG_RECORD : TAG_RESPONSE_2, inner, used),
                                 0);
        }
        memcpy(response + total, a->fault == FAULT_WORD ? "\x62\x83" : "\x90\x00", 2);
        *ret_size = total + 2;
        return 0;
}

static void dynamic(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = authenticator };
        static const struct {
                enum dynamic_fault fault;
                const char *ddol; /* of the card; NULL: none */
                const char *asked, *tvr;
                int result;
        } cases[] = {
                { FAULT_NONE, NULL, "A1B2C3D4", "0000000000" },
                { FAULT_FORMAT_1, NULL, "A1B2C3D4", "0000000000" },
                { FAULT_NONE, "9F37049A03", "A1B2C3D4261121", "0000000000" },
                { FAULT_NONE, "9A03", "", "0800000000" },
                { FAULT_NONE, "9F37", "", "0800000000" },
                { FAULT_NONE, "9F3700", "", "0800000000" },
                { FAULT_NONE, "9F3704 9F02FF", "", "0800000000" },
                { FAULT_SIGNATURE, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_SHORT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_OTHER_NUMBER, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_HASH_ALGORITHM, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_FORMAT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_LONG, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_SHORT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_BEYOND, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_LENGTH, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NO_DATA, NULL, "A1B2C3D4", "0800000000" },
                /* No failed authentication but a card that does not follow the books, or is gone. */
                { FAULT_WORD, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_NO_SIGNATURE, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_TEMPLATE, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_REMOVED, NULL, "A1B2C3D4", "0000000000", -ENOMEDIUM },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct authenticator a = { .chain = c, .fault = cases[i].fault };
                struct emv *e = chain_reset(c);
                char asked[2 * sizeof(a.asked) + 1];

                e->callbacks = &callbacks;
                e->userdata = &a;
                c->base.start.terminal.capabilities[2] = 0x40;
                assert_int_equal(store_set(&e->store, TAG_UNPREDICTABLE, c->base.start.unpredictable, 4), 0);
                assert_int_equal(store_set(&e->store, TAG_DATE, c->base.start.date, 3), 0);
                if (cases[i].ddol)
                        put(e, TAG_DDOL, cases[i].ddol);
                sign_chain(c);
                assert_int_equal(emv_authenticate_offline(e), cases[i].result);
                assert_tvr(e, cases[i].tvr, "dynamic");
                hex_encode(a.asked, a.asked_size, asked);
                assert_string_equal(asked, cases[i].asked);
                assert_int_equal(e->tsi[0], cases[i].result == 0 ? TSI_AUTHENTICATION : 0);
                if (cases[i].result < 0 || tvr_test(e->tvr, TVR_DDA_FAILED))
                        assert_null(store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL));
                else
                        assert_memory_equal(store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL),
                                            "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
        }
}

/* ---- GENERATE AC with a signature ---- */

enum combined_fault {
        COMBINED_GOOD,
        COMBINED_OTHER_KIND, /* in the signature */
        COMBINED_IN_CLEAR,   /* a cryptogram beside a wrong signature */
        COMBINED_SHORT,      /* dynamic data without the hash of the transaction */
        COMBINED_MORE,       /* dynamic data with something behind it: 32 to 38 bytes are the leftmost */
        COMBINED_UNSIGNED,
        COMBINED_FORMAT_1,
        COMBINED_AAC,
};

struct combined_card {
        struct chain *chain;
        enum combined_fault fault;
        uint8_t p1;
};

static void sign_combined_fault(const struct combined_card *a, const uint8_t *inner, size_t inner_size,
                                const uint8_t *sent, size_t sent_size, uint8_t signature[static SIGN_MAX]) {
        uint8_t dynamic[64] = "\x02\xab\xcd\x80\x11\x22\x33\x44\x55\x66\x77\x88", hashed[512];
        size_t n = 12 + 20;

        memcpy(hashed, sent, sent_size);
        memcpy(hashed + sent_size, inner, inner_size);
        SHA1(hashed, sent_size + inner_size, dynamic + 12);
        if (a->fault == COMBINED_OTHER_KIND)
                dynamic[3] = 0x40;
        if (a->fault == COMBINED_SHORT)
                n--;
        if (a->fault == COMBINED_MORE)
                dynamic[n++] = 0x55;
        assert_int_equal(sign_dynamic(a->chain->card, dynamic, n, a->chain->base.start.unpredictable, 4, signature),
                         144);
        if (a->fault == COMBINED_IN_CLEAR)
                signature[50] ^= 0x10;
}

static int combined_card(void *userdata, const uint8_t *command, size_t size,
                         uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        static const uint8_t format_1[] = "\x80\x0b\x80\x00\x07\x11\x22\x33\x44\x55\x66\x77\x88\x90";
        struct combined_card *a = userdata;
        uint8_t inner[256] = "\x9f\x27\x01\x80\x9f\x36\x02\x00\x07", signature[SIGN_MAX];
        size_t used = 9, total = 0;

        assert_true(size >= 5);
        a->p1 = command[2];
        if (a->fault == COMBINED_FORMAT_1) {
                memcpy(response, format_1, sizeof(format_1));
                *ret_size = sizeof(format_1);
                return 0;
        }
        if (a->fault == COMBINED_AAC)
                inner[3] = 0x00;
        if (a->fault == COMBINED_AAC || a->fault == COMBINED_IN_CLEAR || a->fault == COMBINED_UNSIGNED)
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_CRYPTOGRAM, "abcdefgh", 8), 0);
        sign_combined_fault(a, inner, used, command + 5, command[4], signature);
        if (a->fault != COMBINED_AAC && a->fault != COMBINED_UNSIGNED)
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_SIGNED_DYNAMIC_DATA, signature, 144), 0);
        assert_int_equal(tlv_append(response, 256, &total, TAG_RESPONSE_2, inner, used), 0);
        memcpy(response + total, "\x90\x00", 2);
        *ret_size = total + 2;
        return 0;
}

static void combined(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = combined_card };
        static const struct {
                enum combined_fault fault;
                int result;
                const char *tvr, *cryptogram;
                uint8_t given;
        } cases[] = {
                { COMBINED_GOOD, 0, "0000000000", "\x11\x22\x33\x44\x55\x66\x77\x88", AC_ARQC },
                { COMBINED_MORE, 0, "0000000000", "\x11\x22\x33\x44\x55\x66\x77\x88", AC_ARQC },
                { COMBINED_OTHER_KIND, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_IN_CLEAR, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_SHORT, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_UNSIGNED, -EBADMSG },
                { COMBINED_FORMAT_1, -EBADMSG },
                { COMBINED_AAC, 0, "0000000000", "abcdefgh", AC_AAC },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct combined_card a = { .chain = c, .fault = cases[i].fault };
                struct emv *e = chain_reset(c);
                const uint8_t *cryptogram;
                uint8_t given = 0xff;

                e->callbacks = &callbacks;
                e->userdata = &a;
                sign_chain(c);
                put(e, TAG_CDOL1, "9F0206");
                assert_int_equal(emv_authenticate_offline(e), 0);
                /* Not with what the card will decline anyway. */
                assert_false(emv_wants_combined(e, AC_AAC));
                assert_true(emv_wants_combined(e, AC_ARQC));
                assert_int_equal(emv_generate_ac(e, AC_ARQC, false, &given), cases[i].result);
                assert_int_equal(a.p1, 0x90);
                if (cases[i].result < 0)
                        continue;
                assert_int_equal(given, cases[i].given);
                assert_tvr(e, cases[i].tvr, "combined");
                cryptogram = store_get(&e->store, TAG_CRYPTOGRAM, NULL);
                assert_int_equal(e->has_cryptogram, cryptogram != NULL);
                if (!cases[i].cryptogram)
                        assert_null(cryptogram);
                else
                        assert_memory_equal(cryptogram, cases[i].cryptogram, 8);
        }
}

/* ---- What READ RECORD collects ---- */

/* Book 3, 10.3: by the locator's order, without the template's head in files 1 to 10, and only templates. */
static void static_data(void **state) {
#define FIRST "7015 5F2403491231 8C039F3704 8D038A0202 9F0702FF00 9000"
#define SECOND "700A 5A086200000000000005 9000"
#define COLLECTED "5F2403491231 8C039F3704 8D038A0202 9F0702FF00"
        static const struct {
                const char *afl, *lines[6];
                const char *collected;
                bool broken;
        } cases[] = {
                { "08010200", { "00B2010C", FIRST, "00B2020C", SECOND }, "" },
                { "08010201", { "00B2010C", FIRST, "00B2020C", SECOND }, COLLECTED },
                { "08010202", { "00B2010C", FIRST, "00B2020C", SECOND }, COLLECTED "5A086200000000000005" },
                { "1001010108010100", { "00B20114", SECOND, "00B2010C", FIRST }, "5A086200000000000005" },
                /* Filling behind the template is a part of the record. */
                { "0801010110010100",
                  { "00B2010C", "7015 5F2403491231 8C039F3704 8D038A0202 9F0702FF00 00 9000", "00B20114", SECOND },
                  COLLECTED "00" },
                /* Files 11 to 30: whole, read for this alone. */
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7003 DF0101 9000" },
                  "7003DF0101" },
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7103 DF0101 9000" },
                  "",
                  true },
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7003 DF0101 01 9000" },
                  "",
                  true },
                { "0801020058010100", { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7103 DF0101 9000" }, "" },
                /* A record of a file below that is to be signed and is no template tells nothing. */
                { "0801020018010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2011C", "7103 DF0101 9000" },
                  "",
                  true },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct dialogue d = { .lines = cases[i].lines, .n = cases[i].lines[4] ? 6 : 4 };
                struct emv *e = fresh(f);
                uint8_t expected[256];
                size_t n = fixture_hex(cases[i].collected, expected, sizeof(expected));

                e->callbacks = &script_callbacks;
                e->userdata = &d;
                put(e, TAG_AFL, cases[i].afl);
                assert_int_equal(emv_read_application_data(e), 0);
                assert_int_equal(d.at, d.n);
                assert_int_equal(e->static_data_broken, cases[i].broken);
                assert_int_equal(e->static_data_size, n);
                assert_memory_equal(e->static_data, expected, n);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(choice_of_method, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(missing_data, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(test_cards, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(dynamic, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(combined, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(static_data, setup, teardown),
        };

        return cmocka_run_group_tests_name("emv: offline data authentication", tests, NULL, NULL);
}
