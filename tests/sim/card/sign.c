// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/sign.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

struct sign_key {
        EVP_PKEY *key;
        size_t size; /* of the modulus */
};

int sign_key_load(const char *path, struct sign_key **ret) {
        _cleanup_(sign_key_freep) struct sign_key *k = NULL;
        _cleanup_fclose_ FILE *f = NULL;

        f = fopen(path, "re");
        if (!f)
                return -errno;
        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;
        k->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        if (!k->key || EVP_PKEY_get_base_id(k->key) != EVP_PKEY_RSA)
                return -EINVAL;
        k->size = EVP_PKEY_get_size(k->key);
        if (k->size > SIGN_MAX)
                return -EINVAL;
        *ret = TAKE_PTR(k);
        return 0;
}

struct sign_key *sign_key_free(struct sign_key *k) {
        if (k)
                EVP_PKEY_free(k->key);
        free(k);
        return NULL;
}

size_t sign_modulus(const struct sign_key *k, uint8_t ret[static SIGN_MAX]) {
        BIGNUM *n = NULL;
        bool good = EVP_PKEY_get_bn_param(k->key, OSSL_PKEY_PARAM_RSA_N, &n) > 0 &&
                    BN_bn2binpad(n, ret, (int) k->size) > 0;

        BN_free(n);
        return good ? k->size : 0;
}

int sign_raw(const struct sign_key *k, const uint8_t *in, uint8_t out[static SIGN_MAX]) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->key, NULL);
        size_t size = k->size;
        bool good = c && EVP_PKEY_sign_init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) > 0 &&
                    EVP_PKEY_sign(c, out, &size, in, k->size) > 0;

        EVP_PKEY_CTX_free(c);
        return good ? 0 : -EIO;
}

ssize_t sign_dynamic(const struct sign_key *k, const void *dynamic, size_t dynamic_size, const void *terminal,
                     size_t terminal_size, uint8_t ret[static SIGN_MAX]) {
        uint8_t plain[SIGN_MAX];
        EVP_MD_CTX *hash;
        bool good;
        int r;

        if (dynamic_size + 25 > k->size)
                return -EMSGSIZE;
        memset(plain, 0xbb, sizeof(plain));
        plain[0] = 0x6a;
        plain[1] = 0x05;
        plain[2] = 0x01;
        plain[3] = dynamic_size;
        memcpy(plain + 4, dynamic, dynamic_size);
        plain[k->size - 1] = 0xbc;

        hash = EVP_MD_CTX_new();
        good = hash && EVP_DigestInit_ex(hash, EVP_sha1(), NULL) > 0 &&
               EVP_DigestUpdate(hash, plain + 1, k->size - 22) > 0 &&
               EVP_DigestUpdate(hash, terminal, terminal_size) > 0 &&
               EVP_DigestFinal_ex(hash, plain + k->size - 21, NULL) > 0;
        EVP_MD_CTX_free(hash);
        if (!good)
                return -EIO;
        r = sign_raw(k, plain, ret);
        return r < 0 ? r : (ssize_t) k->size;
}
