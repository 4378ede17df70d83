// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <openssl/bn.h>
#include <openssl/sha.h>

#include "base/config.h"
#include "base/hex.h"
#include "base/log.h"
#include "card/icc.h"
#include "issuer/issuer.h"

#define CARDS "tests/sim/cards/"

static uint8_t response[ICC_RESPONSE_MAX];
static char text[2 * 1024 + 1];

static struct icc *open_card(const char *path) {
        struct sim_card *card;
        struct icc *icc;
        uint8_t atr[ICC_ATR_MAX];

        assert_int_equal(sim_card_load(path, &card), 0);
        assert_int_equal(icc_new(card, &icc), 0);
        assert_int_equal(icc_power_on(icc, atr), card->atr_size);
        return icc;
}

/* One APDU in hexadecimal; the response comes as text and stays in `response`. */
static const char *say(struct icc *icc, const char *command) {
        uint8_t bytes[512];
        ssize_t n = hex_decode(command, bytes, sizeof(bytes));

        assert_true(n > 0);
        n = icc_transmit(icc, bytes, n, response);
        assert_in_range(n, 2, 1024);
        hex_encode(response, n, text);
        return text;
}

static void expect_end(const char *got, const char *end) {
        size_t a = strlen(got), b = strlen(end);

        assert_true(a >= b);
        assert_string_equal(got + a - b, end);
}

#define SELECT_DEBIT "00A4040008A00000033301010100"
#define GPO "80A8000002830000"
/* Amount 12.34, country and currency 156, TVR, 2026-11-21, purchase, number 11223344. */
#define CDOL1 "0000000012340000000000000156800004800001562611210011223344"

static void directory(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "two-applications.card");

        assert_string_equal(say(icc, "00A404000E315041592E5359532E444446303100"),
                            "6F1C840E315041592E5359532E4444463031A50A8801015F2D047A68656E9000");
        assert_string_equal(say(icc, "00B2010C00"),
                            "701F611D4F08A000000333010101500E556E696F6E5061792044656269748701019000");
        expect_end(say(icc, "00B2020C00"), "8701029000");
        assert_string_equal(say(icc, "00B2030C00"), "6A83");
        assert_string_equal(say(icc, "00B2011400"), "6A82");
        assert_string_equal(say(icc, "00B2010D00"), "6A86");
}

static void selection(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "two-applications.card");

        assert_string_equal(say(icc, "00B2010C00"), "6985");
        assert_string_equal(say(icc, "00A4040005A00000000400"), "6A82");
        assert_non_null(strstr(say(icc, "00A4040005A00000033300"), "8408A000000333010101"));
        assert_non_null(strstr(say(icc, "00A4040205A00000033300"), "8408A000000333010102"));
        assert_string_equal(say(icc, "00A4040205A00000033300"), "6A82");
        assert_string_equal(say(icc, "00A4000005A00000033300"), "6A86");
        assert_string_equal(say(icc, "00A4040000"), "6700");
}

static void command_cases(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card");

        assert_string_equal(say(icc, "80"), "6700");
        assert_string_equal(say(icc, "00A40400"), "6700");
        assert_string_equal(say(icc, "00A4040008A0000003330101"), "6700");
        assert_string_equal(say(icc, "A0A40000"), "6E00");
        assert_string_equal(say(icc, "00DA0000"), "6D00");
        /* case 3, then the response; case 2 with a wrong length, then the right one */
        assert_string_equal(say(icc, "00A4040007A0000003330101"), "6128");
        assert_memory_equal(say(icc, "00C0000028"), "6F26", 4);
        assert_string_equal(say(icc, "00C0000028"), "6985");
        assert_string_equal(say(icc, "00B2010C10"), "6C25");
        expect_end(say(icc, "00B2010C25"), "9000");
        /* extended lengths, case 4 and case 2 */
        assert_memory_equal(say(icc, "00A40400 000007 A0000003330101 0000"), "6F26", 4);
        expect_end(say(icc, "00B2010C 000000"), "9000");
        assert_string_equal(say(icc, "00A40400 000000"), "6700");
        icc_power_off(icc);
        assert_int_equal(icc_transmit(icc, (const uint8_t *) "\x00\xa4\x04\x00", 4, response), -EIO);
}

static void processing_options(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "visa.card");

        assert_string_equal(say(icc, GPO), "6985");
        expect_end(say(icc, "00A4040007A000000003101000"), "9000");
        assert_string_equal(say(icc, GPO), "6700");
        assert_string_equal(say(icc, "80A8000002840000"), "6A80");
        assert_string_equal(say(icc, "80A80000048302015600"), "771282027D00940C0801010010010202180104009000");
        assert_string_equal(say(icc, "80A80000048302015600"), "6985");
        assert_string_equal(say(icc, "80CA9F3600"), "9F360200019000");
        assert_string_equal(say(icc, "80CA9F1300"), "9F130200009000");
        assert_string_equal(say(icc, "80CA9F1700"), "6A88");
        assert_string_equal(say(icc, "00B2021400"), say(icc, "00B2021400"));
        assert_string_equal(say(icc, "00B2031400"), "6A83");
        assert_string_equal(say(icc, "00B2012400"), "6A82");
}

/* The cryptograms were computed with openssl(1) from the issuer's key, step by step as EMV book 2, A1 has it. */
static void online_approval(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card");

        say(icc, SELECT_DEBIT);
        assert_string_equal(say(icc, "80AE80001D" CDOL1 "00"), "6985");
        expect_end(say(icc, GPO), "9000");
        assert_string_equal(say(icc, "80AE80001C" CDOL1), "6700");
        assert_string_equal(say(icc, "80AE800003000000"), "6700");
        assert_string_equal(say(icc, "80AEC0001D" CDOL1 "00"), "6A86");
        assert_string_equal(say(icc, "80AE80001D" CDOL1 "00"), "8013800001"
                                                               "11325D67DAE97F28"
                                                               "07010103A00000019000");
        assert_string_equal(say(icc, "008200000A"
                                     "B40484B7DCE66880"
                                     "3030"),
                            "9000");
        assert_string_equal(say(icc, "008200000A"
                                     "B40484B7DCE66880"
                                     "3030"),
                            "6985");
        assert_string_equal(say(icc, "80AE40001F3030" CDOL1 "00"), "8013400001"
                                                                   "F0C66C86DB00E8A9"
                                                                   "07010103600000019000");
        assert_string_equal(say(icc, "80AE40001F3030" CDOL1 "00"), "6985");
        assert_string_equal(say(icc, "80CA9F1300"), "9F130200019000");
}

/* MACs as tests/check/emv-recompute computes them. */
static void scripts(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card");
        struct icc *later;

        assert_string_equal(say(icc, "842400000400A7A45C"), "6985");
        say(icc, SELECT_DEBIT);
        say(icc, GPO);
        assert_string_equal(say(icc, "842400000400A7A45C"), "6985");
        assert_string_equal(say(icc, "80AE80001D" CDOL1 "00"), "801380000111325D67DAE97F2807010103A00000019000");
        assert_string_equal(say(icc, "842400000400A7A45C"), "9000");
        assert_string_equal(say(icc, "8424000004F44EB484"), "9000");
        /* The results are in the card's data for the issuer: two commands done. */
        expect_end(say(icc, "80AE40001F3030" CDOL1 "00"), "07010103600020019000");
        assert_string_equal(say(icc, "841E0000040BAD0BAD"), "6988");
        assert_string_equal(say(icc, "841E000004F4B8C0AB"), "6985");

        /* The next time they are told once more, and the card goes on: nothing was blocked. */
        say(icc, SELECT_DEBIT);
        expect_end(say(icc, GPO), "9000");
        expect_end(say(icc, "80AE80001D" CDOL1 "00"), "07010103A00028019000");
        assert_string_equal(say(icc, "84240000"), "6987");
        expect_end(say(icc, "80AE40001F3030" CDOL1 "00"), "07010103600008019000");

        /* Blocked, and so it stays when it comes back. */
        icc_free(icc);
        icc = open_card(CARDS "unionpay.card");
        say(icc, SELECT_DEBIT);
        say(icc, GPO);
        say(icc, "80AE80001D" CDOL1 "00");
        assert_string_equal(say(icc, "841E0000041ED32905"), "9000");
        assert_memory_equal(say(icc, "80AE40001F3030" CDOL1 "00"), "801300", 6);
        later = open_card(CARDS "unionpay.card");
        icc_continue(later, icc);
        expect_end(say(later, SELECT_DEBIT), "6283");
        assert_string_equal(say(later, GPO), "6985");
        icc_free(later);
}

static void pin_unblocked(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "two-applications.card");
        _cleanup_(issuer_freep) struct issuer *issuer = NULL;
        uint8_t card_key[ISSUER_KEY_SIZE], key[ISSUER_KEY_SIZE], mac[ISSUER_MAC_SIZE];
        char command[32] = "8424000004";

        assert_int_equal(issuer_load("tests/sim/issuer/issuer.conf", &issuer), 0);
        say(icc, SELECT_DEBIT);
        for (int i = 0; i < 3; i++)
                say(icc, "0020008008241235FFFFFFFFFF");
        assert_string_equal(say(icc, "80CA9F1700"), "9F1701009000");
        say(icc, GPO);
        assert_memory_equal(say(icc, "80AE80001D" CDOL1 "00"), "8013800001", 10);
        assert_int_equal(issuer_card_mac_key(issuer, "6200000000000088", 1, card_key), 0);
        assert_int_equal(issuer_mac_session_key(card_key, response + 5, key), 0);
        assert_int_equal(issuer_script_mac(key, (const uint8_t[]){ 0x84, 0x24, 0, 0 }, response + 3, response + 5, 0,
                                           NULL, 0, mac),
                         0);
        hex_encode(mac, sizeof(mac), command + 10);
        assert_string_equal(say(icc, command), "9000");
        assert_string_equal(say(icc, "80CA9F1700"), "9F1701039000");
}

static void forged_arpc(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card");

        say(icc, SELECT_DEBIT);
        say(icc, GPO);
        assert_memory_equal(say(icc, "80AE40001D" CDOL1 "00"), "801380", 6);
        assert_string_equal(say(icc, "008200000A"
                                     "0011223344556677"
                                     "3030"),
                            "6300");
        assert_memory_equal(say(icc, "80AE40001F3030" CDOL1 "00"), "801300", 6);
        assert_memory_equal(text + 32, "03280000", 8);
}

static void unable_to_go_online(void **state) {
        _cleanup_(icc_freep) struct icc *online = open_card(CARDS "unionpay.card");
        _cleanup_(icc_freep) struct icc *approve = open_card(CARDS "offline-approved.card");

        say(online, SELECT_DEBIT);
        say(online, GPO);
        assert_memory_equal(say(online, "80AE80001D" CDOL1 "00"), "801380", 6);
        assert_memory_equal(say(online, "80AE40001F5933" CDOL1 "00"), "801300", 6);

        say(approve, "00A4040005A00000033300");
        say(approve, GPO);
        assert_memory_equal(say(approve, "80AE80001D" CDOL1 "00"), "801380", 6);
        assert_memory_equal(say(approve, "80AE40001F5933" CDOL1 "00"), "801340", 6);
        say(approve, "00A4040005A00000033300");
        say(approve, GPO);
        assert_memory_equal(say(approve, "80AE40001D" CDOL1 "00"), "8013400002", 10);
        assert_string_equal(say(approve, "80AE40001F5933" CDOL1 "00"), "6985");
}

static void card_declines(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "offline-declined.card");

        say(icc, "00A4040005A00000033300");
        say(icc, GPO);
        assert_memory_equal(say(icc, "80AE80001D" CDOL1 "00"), "801300", 6);
}

static void issuer_authentication_wanted(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "mastercard.card");

        say(icc, "00A4040005A00000000400");
        say(icc, GPO);
        assert_non_null(strstr(say(icc, "80AE80001D" CDOL1 "00"), "9F270180"));
        assert_non_null(strstr(say(icc, "80AE40001F3030" CDOL1 "00"), "9F270100"));
}

static void pin(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "two-applications.card");
        struct icc *later;

        say(icc, SELECT_DEBIT);
        assert_string_equal(say(icc, "80CA9F1700"), "9F1701039000");
        assert_string_equal(say(icc, "0020008008241235FFFFFFFFFF"), "63C2");
        assert_string_equal(say(icc, "0020008008241234FFFFFFFFFF"), "9000");
        assert_string_equal(say(icc, "0020008008241235FFFFFFFFFF"), "63C2");
        assert_string_equal(say(icc, "0020008008251234FFFFFFFFFF"), "63C1");
        assert_string_equal(say(icc, "00200080072412FFFFFFFFFF"), "6700");
        assert_string_equal(say(icc, "0020008808241234FFFFFFFFFF"), "6A86");

        /* the card is pulled out and comes back */
        later = open_card(CARDS "two-applications.card");
        icc_continue(later, icc);
        say(later, SELECT_DEBIT);
        assert_string_equal(say(later, "0020008008241235FFFFFFFFFF"), "63C0");
        assert_string_equal(say(later, "0020008008241234FFFFFFFFFF"), "6983");
        icc_free(later);
}

static void counter(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card"), *later = NULL;
        uint8_t atr[ICC_ATR_MAX];

        for (int i = 0; i < 3; i++) {
                assert_true(icc_power_on(icc, atr) > 0);
                say(icc, SELECT_DEBIT);
                say(icc, GPO);
        }
        assert_string_equal(say(icc, "80CA9F3600"), "9F360200039000");
        later = open_card(CARDS "unionpay.card");
        icc_continue(later, icc);
        say(later, SELECT_DEBIT);
        assert_string_equal(say(later, "80CA9F3600"), "9F360200039000");
}

/* The terminal's side of offline data authentication (EMV book 2, 5 and 6), with OpenSSL's big numbers alone. */

struct rsa {
        uint8_t modulus[248];
        size_t size;
};

static int take_ca(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        struct rsa *ca = userdata;
        uint8_t hashed[5 + 1 + 248 + 1] = { 0xa0, 0x00, 0x00, 0x03, 0x33, 0xee }, want[20], got[20];

        if (!streq(section, "ca-key A000000333 EE"))
                return 0;
        if (streq(key, "modulus"))
                ca->size = hex_decode(value, ca->modulus, sizeof(ca->modulus));
        else if (streq(key, "sha1")) {
                memcpy(hashed + 6, ca->modulus, ca->size);
                hashed[6 + ca->size] = 3;
                assert_int_equal(hex_decode(value, want, sizeof(want)), 20);
                SHA1(hashed, 7 + ca->size, got);
                assert_memory_equal(got, want, 20);
        }
        return 0;
}

static void recover(const struct rsa *key, const uint8_t *signature, size_t size, uint8_t *out) {
        BIGNUM *n = BN_bin2bn(key->modulus, key->size, NULL), *s = BN_bin2bn(signature, size, NULL), *e = BN_new();
        BN_CTX *ctx = BN_CTX_new();

        assert_int_equal(size, key->size);
        assert_int_equal(BN_set_word(e, 3), 1);
        assert_int_equal(BN_mod_exp(s, s, e, n, ctx), 1);
        assert_int_equal(BN_bn2binpad(s, out, size), size);
        BN_free(n);
        BN_free(s);
        BN_free(e);
        BN_CTX_free(ctx);
        assert_int_equal(out[0], 0x6a);
        assert_int_equal(out[size - 1], 0xbc);
}

/* Hash over the signed text without its header byte, and more; the hash stands before the trailer. */
static void expect_hash(const uint8_t *plain, size_t size, const void *more, size_t more_size) {
        uint8_t hashed[2048], got[20];

        memcpy(hashed, plain + 1, size - 22);
        memcpy(hashed + size - 22, more, more_size);
        SHA1(hashed, size - 22 + more_size, got);
        assert_memory_equal(got, plain + size - 21, 20);
}

static const uint8_t *need(const struct sim_card_application *a, unsigned int tag, size_t *ret_size) {
        const uint8_t *p = sim_card_find(a, tag, ret_size);

        assert_non_null(p);
        return p;
}

static void issuer_key(const struct sim_card_application *a, const struct rsa *ca, struct rsa *ret) {
        uint8_t plain[248], more[248];
        const uint8_t *p;
        size_t n, rest;

        p = need(a, 0x90, &n);
        recover(ca, p, n, plain);
        assert_int_equal(plain[1], 2);
        p = need(a, 0x92, &rest);
        memcpy(more, p, rest);
        more[rest] = 3;
        expect_hash(plain, n, more, rest + 1);
        ret->size = plain[13];
        assert_int_equal(ret->size, n - 36 + rest);
        memcpy(ret->modulus, plain + 15, n - 36);
        memcpy(ret->modulus + n - 36, p, rest);
}

/* What the records marked in the AFL hold, and the AIP. */
static size_t static_data(const struct sim_card_application *a, uint8_t *out) {
        size_t n = 0;

        for (size_t i = 0; i < a->n_records; i++) {
                const struct sim_card_record *record = a->records + i;

                if (record->sfi != 2)
                        continue;
                memcpy(out + n, record->content.data, record->content.size);
                n += record->content.size;
        }
        memcpy(out + n, a->aip, 2);
        return n + 2;
}

static void icc_key(const struct sim_card_application *a, const struct rsa *issuer, struct rsa *ret) {
        uint8_t plain[248], more[1024];
        const uint8_t *p;
        size_t n, rest;

        p = need(a, 0x9f46, &n);
        recover(issuer, p, n, plain);
        assert_int_equal(plain[1], 4);
        p = need(a, 0x9f48, &rest);
        memcpy(more, p, rest);
        more[rest] = 3;
        expect_hash(plain, n, more, rest + 1 + static_data(a, more + rest + 1));
        p = need(a, 0x5a, &n);
        assert_memory_equal(plain + 2, p, n);
        p = need(a, 0x9f48, &rest);
        ret->size = plain[19];
        memcpy(ret->modulus, plain + 21, issuer->size - 42);
        memcpy(ret->modulus + issuer->size - 42, p, rest);
        assert_int_equal(ret->size, issuer->size - 42 + rest);
}

static void authentication(void **state) {
        _cleanup_(icc_freep) struct icc *icc = open_card(CARDS "unionpay.card");
        const struct sim_card_application *a = icc_card(icc)->applications;
        struct rsa ca = {}, issuer = {}, own = {};
        uint8_t plain[248], more[1024], number[4] = { 0x11, 0x22, 0x33, 0x44 }, hash[20];
        struct sim_card_data rest = {};
        const uint8_t *p;
        size_t n;

        assert_int_equal(config_parse_file(CARDS "test-ca.conf", take_ca, &ca), 0);
        issuer_key(a, &ca, &issuer);
        p = need(a, 0x93, &n);
        recover(&issuer, p, n, plain);
        assert_int_equal(plain[1], 3);
        expect_hash(plain, n, more, static_data(a, more));
        icc_key(a, &issuer, &own);

        say(icc, SELECT_DEBIT);
        say(icc, GPO);
        assert_string_equal(say(icc, "00880000031122330000"), "6700");
        expect_end(say(icc, "00880000041122334400"), "9000");
        assert_memory_equal(response, "\x80\x81\x90", 3);
        recover(&own, response + 3, own.size, plain);
        assert_memory_equal(plain + 1, "\x05\x01\x09\x08", 4);
        expect_hash(plain, own.size, number, 4);

        /* combined: 9F27, 9F36, 9F10, then the signature */
        expect_end(say(icc, "80AE90001D" CDOL1 "00"), "9000");
        assert_memory_equal(response, "\x77\x81", 2);
        rest = (struct sim_card_data){ response + 3, response[2] };
        p = sim_card_data_find(&rest, 0x9f4b, &n);
        assert_non_null(p);
        assert_null(sim_card_data_find(&rest, 0x9f26, &n));
        recover(&own, p, own.size, plain);
        assert_memory_equal(plain + 1, "\x05\x01\x26\x08", 4);
        assert_int_equal(plain[13], 0x80);
        assert_int_equal(hex_decode("11325D67DAE97F28", more, 8), 8);
        assert_memory_equal(plain + 14, more, 8);
        expect_hash(plain, own.size, number, 4);
        assert_int_equal(hex_decode(CDOL1, more, sizeof(more)), 29);
        n = (p - 5) - rest.data + 1; /* up to the signature's tag 9F4B 81 90 */
        memcpy(more + 29, rest.data, n);
        SHA1(more, 29 + n, hash);
        assert_memory_equal(hash, plain + 22, 20);
}

static void shipped_cards(void **state) {
        static const char *const names[] = {
                "chip-stripe",      "declined",         "expired", "mastercard",
                "offline-approved", "offline-declined", "pin",     "stripe",
                "two-applications", "unionpay",         "visa",
        };
        _cleanup_free_ char *list = NULL;

        assert_int_equal(setenv("TILL_SIM_CARDS", "tests/sim/cards", 1), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(sim_card_freep) struct sim_card *card = NULL;

                assert_int_equal(sim_card_load(names[i], &card), 0);
                assert_string_equal(card->name, names[i]);
                assert_true(card->track[1][0] == ';');
        }
        assert_int_equal(sim_card_list(&list), 0);
        assert_non_null(strstr(list, "unionpay  "));
}

static void bad_files(void **state) {
        static const char *const bad[] = {
                "[card]\natr=3\n",
                "[card]\nbogus=1\n",
                "[stripe]\ntrack2=6200=49?\n",
                "[application 2]\nlabel=x\n",
                "[application 1]\naid=A0000003330101\n", /* no ATR */
                "[card]\natr=3B00\n[application 1]\nlabel=x\n",
                "[card]\natr=3B00\n[application 1]\naid=A000000333\n[record 1.31.1]\n5A=00\n",
                "[card]\npin=12\n",
                "[card]\npin-tries=16\n",
        };
        struct sim_card *card;

        log_set_max_level(LOG_EMERG);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char path[] = "/tmp/test-sim-icc-XXXXXX";
                int fd = mkstemp(path);

                assert_true(fd >= 0);
                assert_int_equal(write(fd, bad[i], strlen(bad[i])), strlen(bad[i]));
                assert_int_equal(close(fd), 0);
                assert_int_equal(sim_card_load(path, &card), -EINVAL);
                assert_int_equal(unlink(path), 0);
        }
        assert_int_equal(sim_card_load("/nonexistent/a.card", &card), -ENOENT);
}

/* A card like unionpay with a line more. */
static struct icc *open_faulty(const char *fault) {
        struct sim_card *card;
        struct icc *icc;
        uint8_t atr[ICC_ATR_MAX];
        const char *reason = NULL;

        assert_int_equal(sim_card_load(CARDS "unionpay.card", &card), 0);
        assert_int_equal(sim_card_assign(card, "card", "fault", fault, &reason), 0);
        assert_int_equal(icc_new(card, &icc), 0);
        assert_true(icc_power_on(icc, atr) > 0);
        return icc;
}

static void answers(const char *fault, const char *command, const char *answer) {
        _cleanup_(icc_freep) struct icc *icc = open_faulty(fault);

        say(icc, SELECT_DEBIT);
        assert_string_equal(say(icc, command), answer);
}

static void faults(void **state) {
        static const char *const malformed[] = {
                "gpo",          "gpo:",         "gpo: 69",         "gpo: 698Z",         "boil: 6985",
                "gpo #0: 6985", "read 1: 6985", "read 31.1: 6985", "get-data 9F: 6A88", "gpo: drop",
                "gpo: put 82",  "gpo: byte=00", "gpo: byte x=1",   "gpo: explode",
        };
        uint8_t command[] = { 0x80, 0xa8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00 };
        struct sim_fault f;
        const char *reason;

        for (size_t i = 0; i < ELEMENTSOF(malformed); i++) {
                reason = NULL;
                assert_int_equal(sim_fault_parse(malformed[i], &f, &reason), -EINVAL);
                assert_non_null(reason);
        }
        answers("gpo: 6985", GPO, "6985");
        answers("gpo: data 01029000", GPO, "01029000");
        answers("get-data 9F36: put 9F36=0A", "80CA9F3600", "9F36010A9000");
        answers("get-data 9F13: 6A88", "80CA9F3600", "9F360200009000");
        answers("get-data: drop 9F36", "80CA9F3600", "9000");
        answers("get-data: twice 9F36", "80CA9F3600", "9F360200009F360200009000");
        answers("get-data: flip 9F36", "80CA9F3600", "9F360200019000");
        answers("get-data: short", "80CA9F3600", "9F3602009000");
        answers("get-data: long", "80CA9F3600", "9F36020000FF9000");
        answers("get-data: byte 3=ABCD", "80CA9F3600", "9F3602ABCD9000");
        answers("other: 9000", "841E000000", "9000");
        answers("any #3: 6F00", "80CA9F3600", "9F360200009000");
        answers("any #2: 6F00", "80CA9F3600", "6F00");
        /* What is inside has its lengths around it follow: application 50 in A5 in 6F. */
        answers("select: put 50=41", SELECT_DEBIT, "6F198408A000000333010101A50D5001418701015F2D047A68656E9000");

        {
                _cleanup_(icc_freep) struct icc *silent = open_faulty("gpo: silence");
                _cleanup_(icc_freep) struct icc *gone = open_faulty("gpo: removal");

                assert_int_equal(icc_transmit(silent, command, sizeof(command), response), -ETIMEDOUT);
                assert_int_equal(icc_transmit(gone, command, sizeof(command), response), -ENOMEDIUM);
        }
}

/* What a card is made to differ in. */
static void assigned(void **state) {
        _cleanup_(icc_freep) struct icc *icc = NULL;
        struct sim_card *card;
        uint8_t atr[ICC_ATR_MAX];
        const char *reason = NULL;
        size_t size;

        assert_int_equal(sim_card_load(CARDS "unionpay.card", &card), 0);
        assert_int_equal(sim_card_assign(card, "record 1.2.1", "5F24", "261231", &reason), 0);
        assert_memory_equal(sim_card_find(card->applications, 0x5f24, &size), "\x26\x12\x31", 3);
        assert_int_equal(sim_card_assign(card, "record 1.2.1", "5F24", "-", &reason), 0);
        assert_null(sim_card_find(card->applications, 0x5f24, &size));
        assert_int_equal(sim_card_assign(card, "card", "last-online-atc", "7", &reason), 0);
        assert_int_equal(sim_card_assign(card, "card", "atc", "70000", &reason), -EINVAL);
        assert_int_equal(sim_card_assign(card, "application 1", "arpc", "3", &reason), -EINVAL);
        assert_int_equal(icc_new(card, &icc), 0);
        assert_true(icc_power_on(icc, atr) > 0);
        say(icc, SELECT_DEBIT);
        assert_string_equal(say(icc, "80CA9F1300"), "9F130200079000");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(directory),
                cmocka_unit_test(selection),
                cmocka_unit_test(command_cases),
                cmocka_unit_test(processing_options),
                cmocka_unit_test(online_approval),
                cmocka_unit_test(scripts),
                cmocka_unit_test(pin_unblocked),
                cmocka_unit_test(forged_arpc),
                cmocka_unit_test(unable_to_go_online),
                cmocka_unit_test(card_declines),
                cmocka_unit_test(issuer_authentication_wanted),
                cmocka_unit_test(pin),
                cmocka_unit_test(counter),
                cmocka_unit_test(authentication),
                cmocka_unit_test(shipped_cards),
                cmocka_unit_test(bad_files),
                cmocka_unit_test(faults),
                cmocka_unit_test(assigned),
        };

        return cmocka_run_group_tests_name("sim-icc", tests, NULL, NULL);
}
