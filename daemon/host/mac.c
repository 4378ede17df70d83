// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/hex.h"
#include "base/secret.h"
#include "host/mac.h"

#define BLOCK 8

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);
DEFINE_CLEANUP(EVP_MAC *, EVP_MAC_free);
DEFINE_CLEANUP(EVP_MAC_CTX *, EVP_MAC_CTX_free);

int des_ecb(bool encrypt, const void *key, size_t key_size, const void *data, size_t size, void *ret) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = NULL;
        uint8_t k[2 * BLOCK];
        WIPE_AT_END(k);
        int n;

        if ((key_size != BLOCK && key_size != 2 * BLOCK) || size % BLOCK != 0 || size > INT32_MAX)
                return -EINVAL;

        /* OpenSSL 3 keeps single DES in its legacy provider; 3DES with both halves equal is the same. */
        memcpy(k, key, BLOCK);
        memcpy(k + BLOCK, (const uint8_t *) key + key_size - BLOCK, BLOCK);

        c = EVP_CIPHER_CTX_new();
        if (!c)
                return -ENOMEM;
        if (EVP_CipherInit_ex2(c, EVP_des_ede_ecb(), k, NULL, encrypt, NULL) != 1 ||
            EVP_CIPHER_CTX_set_padding(c, 0) != 1 || EVP_CipherUpdate(c, ret, &n, data, (int) size) != 1 ||
            n != (int) size)
                return -EIO;
        return 0;
}

static void xor_block(uint8_t block[static BLOCK], const uint8_t *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                block[i] ^= data[i];
}

/* The blocks are folded first, so that two encryptions serve a message of any length. */
static int mac_unionpay(const void *key, size_t key_size, const uint8_t *data, size_t size,
                        uint8_t ret_mac[static MAC_SIZE]) {
        uint8_t block[BLOCK] = {};
        char text[2 * BLOCK + 1];
        int r;

        for (size_t i = 0; i < size; i += BLOCK)
                xor_block(block, data + i, MIN(size - i, (size_t) BLOCK));
        hex_encode(block, BLOCK, text);

        r = des_ecb(true, key, key_size, text, BLOCK, block);
        if (r < 0)
                return r;
        xor_block(block, (const uint8_t *) text + BLOCK, BLOCK);
        r = des_ecb(true, key, key_size, block, BLOCK, block);
        if (r < 0)
                return r;

        hex_encode(block, BLOCK, text);
        memcpy(ret_mac, text, MAC_SIZE);
        return 0;
}

/* CBC under the left half, the last block once more under the right and the left. */
static int mac_alg3(const uint8_t key[static 2 * BLOCK], const uint8_t *data, size_t size, bool method2,
                    uint8_t ret_mac[static MAC_SIZE]) {
        static const uint8_t one = 0x80;
        uint8_t block[BLOCK] = {};
        size_t i = 0;
        int r;

        for (; size - i >= BLOCK; i += BLOCK) {
                xor_block(block, data + i, BLOCK);
                r = des_ecb(true, key, BLOCK, block, BLOCK, block);
                if (r < 0)
                        return r;
        }
        if (method2 || i < size || size == 0) {
                xor_block(block, data + i, size - i);
                if (method2)
                        xor_block(block + (size - i), &one, 1);
                r = des_ecb(true, key, BLOCK, block, BLOCK, block);
                if (r < 0)
                        return r;
        }

        r = des_ecb(false, key + BLOCK, BLOCK, block, BLOCK, block);
        if (r < 0)
                return r;
        return des_ecb(true, key, BLOCK, block, BLOCK, ret_mac);
}

static int mac_cmac(const void *key, size_t key_size, const void *data, size_t size,
                    uint8_t ret_mac[static MAC_SIZE]) {
        static const char *const ciphers[] = { [16] = "AES-128-CBC", [24] = "AES-192-CBC", [32] = "AES-256-CBC" };
        _cleanup_(EVP_MAC_freep) EVP_MAC *mac = NULL;
        _cleanup_(EVP_MAC_CTX_freep) EVP_MAC_CTX *c = NULL;
        uint8_t full[16];
        size_t n;

        if (key_size >= ELEMENTSOF(ciphers) || !ciphers[key_size])
                return -EINVAL;

        mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
        if (!mac)
                return -EIO;
        c = EVP_MAC_CTX_new(mac);
        if (!c)
                return -ENOMEM;

        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, (char *) ciphers[key_size], 0),
                OSSL_PARAM_construct_end(),
        };
        if (EVP_MAC_init(c, key, key_size, params) != 1 || EVP_MAC_update(c, data, size) != 1 ||
            EVP_MAC_final(c, full, &n, sizeof(full)) != 1 || n != sizeof(full))
                return -EIO;
        memcpy(ret_mac, full, MAC_SIZE);
        return 0;
}

int mac_compute(enum mac_scheme scheme, const void *key, size_t key_size, const void *data, size_t size,
                uint8_t ret_mac[static MAC_SIZE]) {
        switch (scheme) {
        case MAC_UNIONPAY_ECB:
                return mac_unionpay(key, key_size, data, size, ret_mac);
        case MAC_ISO9797_ALG3:
                return key_size == 2 * BLOCK ? mac_alg3(key, data, size, false, ret_mac) : -EINVAL;
        case MAC_AES_CMAC:
                return mac_cmac(key, key_size, data, size, ret_mac);
        case MAC_NONE:
                break;
        }
        return -EINVAL;
}

int mac_verify(enum mac_scheme scheme, const void *key, size_t key_size, const void *data, size_t size,
               const uint8_t mac[static MAC_SIZE]) {
        uint8_t right[MAC_SIZE];
        int r;

        r = mac_compute(scheme, key, key_size, data, size, right);
        if (r < 0)
                return r;
        return secret_equal(mac, right, MAC_SIZE) ? 0 : -EKEYREJECTED;
}

int mac_emv(const uint8_t key[static 16], const void *data, size_t size, uint8_t ret_mac[static MAC_SIZE]) {
        return mac_alg3(key, data, size, true, ret_mac);
}

int mac_kcv(const void *key, size_t key_size, uint8_t ret_kcv[static 4]) {
        uint8_t block[BLOCK] = {};
        int r;

        r = des_ecb(true, key, key_size, block, BLOCK, block);
        if (r < 0)
                return r;
        memcpy(ret_kcv, block, 4);
        return 0;
}

int mac_kcv_aes(const void *key, size_t key_size, uint8_t ret_kcv[static 4]) {
        static const uint8_t zeros[16];
        uint8_t mac[MAC_SIZE];
        int r;

        r = mac_cmac(key, key_size, zeros, sizeof(zeros), mac);
        if (r < 0)
                return r;
        memcpy(ret_kcv, mac, 4);
        return 0;
}
