// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "host/keys.h"

static size_t bytes(const char *hex, uint8_t *data, size_t size) {
        ssize_t n = hex_decode(hex, data, size);

        assert_true(n >= 0);
        return (size_t) n;
}

static void assert_mac(enum mac_scheme scheme, const char *key, const char *data, const char *mac) {
        uint8_t k[32], d[64], m[8], right[8];
        size_t key_size = bytes(key, k, sizeof(k)), size = bytes(data, d, sizeof(d));

        bytes(mac, right, sizeof(right));
        assert_int_equal(mac_compute(scheme, k, key_size, d, size, m), 0);
        assert_memory_equal(m, right, 8);
        assert_int_equal(mac_verify(scheme, k, key_size, d, size, right), 0);
        right[7] ^= 1;
        assert_int_equal(mac_verify(scheme, k, key_size, d, size, right), -EKEYREJECTED);
}

static void published_macs(void **state) {
        uint8_t m[8];

        /* The 8 characters "E267B6E2". */
        assert_mac(MAC_UNIONPAY_ECB, "2222222222222222", "1234567890ABCDEFABCDEF1234567890", "4532363742364532");
        /* X9.19; only the first half of the MAC is published. */
        assert_int_equal(mac_compute(MAC_ISO9797_ALG3,
                                     "\x01\x23\x45\x67\x89\xAB\xCD\xEF\xFE\xDC\xBA\x98\x76\x54\x32\x10", 16,
                                     "Now is the time for all ", 24, m),
                         0);
        assert_memory_equal(m, "\xA1\xC7\x2E\x74", 4);
        /* RFC 4493, examples 1 to 3. */
        assert_mac(MAC_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c", "", "bb1d6929e9593728");
        assert_mac(MAC_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a",
                   "070a16b46b4d4144");
        assert_mac(MAC_AES_CMAC, "2b7e151628aed2a6abf7158809cf4f3c",
                   "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
                   "dfa66747de9ae630");
}

static void keys_that_do_not_fit(void **state) {
        uint8_t m[8];

        assert_int_equal(mac_compute(MAC_UNIONPAY_ECB, "123", 3, "", 0, m), -EINVAL);
        assert_int_equal(mac_compute(MAC_ISO9797_ALG3, "12345678", 8, "", 0, m), -EINVAL);
        assert_int_equal(mac_compute(MAC_AES_CMAC, "12345678", 8, "", 0, m), -EINVAL);
        assert_int_equal(mac_compute(MAC_NONE, "12345678", 8, "", 0, m), -EINVAL);
        assert_int_equal(des_ecb(true, "12345678", 8, "1234567", 7, m), -EINVAL);
}

static void unwrapping(void **state) {
        uint8_t tmk[16], wrapped[8], key[8], right[8];

        bytes("70F2A84CCBC2AE8625CBB0F2C22AB923", tmk, sizeof(tmk));
        bytes("96D605EA176B7E9E", wrapped, sizeof(wrapped));
        bytes("C24A8FB57AA20123", right, sizeof(right));
        assert_int_equal(des_ecb(false, tmk, 16, wrapped, 8, key), 0);
        assert_memory_equal(key, right, 8);
}

static void session_keys(void **state) {
        static const char pin_key[16] = "pin key of tests", mac_key[16] = "mac key of tests";
        uint8_t tmk[16], wrapped[WRAPPED_KEYS_MAX] = {}, before[8], m[8];
        _cleanup_(host_keys_freep) struct host_keys *k = NULL;

        bytes("70F2A84CCBC2AE8625CBB0F2C22AB923", tmk, sizeof(tmk));
        assert_int_equal(host_keys_new(HOST_KEYS_TDES, tmk, &k), 0);
        assert_false(host_keys_ready(k));
        assert_int_equal(host_keys_mac(k, MAC_UNIONPAY_ECB, "x", 1, m), -ENOKEY);

        /* Single length: 24 bytes. */
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, pin_key, 8, wrapped), 12);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, mac_key, 8, wrapped + 12), 12);
        assert_int_equal(host_keys_load(k, wrapped, 24), 0);
        assert_true(host_keys_ready(k));
        assert_int_equal(host_keys_mac(k, MAC_UNIONPAY_ECB, "x", 1, before), 0);
        assert_int_equal(mac_verify(MAC_UNIONPAY_ECB, mac_key, 8, "x", 1, before), 0);

        /* A wrong check value leaves the present keys; so does another size. */
        wrapped[23] ^= 1;
        assert_int_equal(host_keys_load(k, wrapped, 24), -EKEYREJECTED);
        assert_int_equal(host_keys_load(k, wrapped, 23), -EBADMSG);
        assert_int_equal(host_keys_verify(k, MAC_UNIONPAY_ECB, "x", 1, before), 0);

        /* Double length, with and without a track key behind. */
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, pin_key, 16, wrapped), 20);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, mac_key, 16, wrapped + 20), 20);
        assert_int_equal(host_keys_load(k, wrapped, 40), 0);
        assert_int_equal(host_keys_mac(k, MAC_UNIONPAY_ECB, "x", 1, m), 0);
        assert_memory_not_equal(m, before, 8);
        assert_int_equal(mac_verify(MAC_UNIONPAY_ECB, mac_key, 16, "x", 1, m), 0);
        assert_int_equal(host_keys_load(k, wrapped, 60), 0);
        assert_int_equal(host_keys_load(k, wrapped, 56), 0);

        /* A single MAC key in a place for a double one, the rest filled with zeros. */
        memset(wrapped + 20, 0, 20);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, mac_key, 8, wrapped + 20), 12);
        memmove(wrapped + 36, wrapped + 28, 4);
        memset(wrapped + 28, 0, 8);
        assert_int_equal(host_keys_load(k, wrapped, 40), 0);
        assert_int_equal(host_keys_verify(k, MAC_UNIONPAY_ECB, "x", 1, before), 0);

        host_keys_forget(k);
        assert_int_equal(host_keys_mac(k, MAC_UNIONPAY_ECB, "x", 1, m), -ENOKEY);
}

/* RFC 3394, 4.1, and a CMAC of zeros as "openssl mac" makes it. */
static void aes_keys(void **state) {
        uint8_t tmk[16], key[16], wrapped[WRAPPED_KEYS_MAX], right[28], m[8];
        _cleanup_(host_keys_freep) struct host_keys *k = NULL;

        bytes("000102030405060708090A0B0C0D0E0F", tmk, sizeof(tmk));
        bytes("00112233445566778899AABBCCDDEEFF", key, sizeof(key));
        bytes("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5 53E107B3", right, sizeof(right));
        assert_int_equal(host_key_wrap(HOST_KEYS_AES, tmk, key, 16, wrapped), 28);
        assert_memory_equal(wrapped, right, 28);
        assert_int_equal(host_key_wrap(HOST_KEYS_AES, tmk, "another MAC key.", 16, wrapped + 28), 28);
        assert_int_equal(host_key_wrap(HOST_KEYS_AES, tmk, key, 8, m), -EINVAL);

        assert_int_equal(host_keys_new(HOST_KEYS_AES, tmk, &k), 0);
        assert_int_equal(host_keys_load(k, wrapped, 56), 0);
        assert_int_equal(host_keys_mac(k, MAC_AES_CMAC, "x", 1, m), 0);
        assert_int_equal(mac_verify(MAC_AES_CMAC, "another MAC key.", 16, "x", 1, m), 0);
        /* No byte of the MAC key or of its check value may change; sizes of 3DES are refused. */
        for (size_t i = 28; i < 56; i++) {
                wrapped[i] ^= 1;
                assert_int_equal(host_keys_load(k, wrapped, 56), -EKEYREJECTED);
                wrapped[i] ^= 1;
        }
        assert_int_equal(host_keys_load(k, wrapped, 40), -EBADMSG);
        assert_int_equal(host_keys_load(k, wrapped, 60), -EBADMSG);
        assert_int_equal(host_keys_verify(k, MAC_AES_CMAC, "x", 1, m), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(published_macs), cmocka_unit_test(keys_that_do_not_fit),
                cmocka_unit_test(unwrapping),     cmocka_unit_test(session_keys),
                cmocka_unit_test(aes_keys),
        };

        return cmocka_run_group_tests_name("host-keys", tests, NULL, NULL);
}
