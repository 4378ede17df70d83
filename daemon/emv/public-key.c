// SPDX-License-Identifier: LGPL-2.1-or-later
/* RSA with message recovery: EMV Book 2, Annex A2.1 and B2.1. */

#include "emv/public-key.h"

#include <openssl/bn.h>
#include <openssl/evp.h>

#define HEADER 0x6a
#define TRAILER 0xbc

/* B2.1: 3 or 2^16 + 1, in as few bytes as that takes or with zeros in front. */
static int make_exponent(const struct bytes *exponent, uint32_t *ret) {
        const uint8_t *p = exponent->data;
        uint32_t value = 0;

        if (exponent->size < 1 || exponent->size > 3)
                return -EBADMSG;
        for (size_t i = 0; i < exponent->size; i++)
                value = value << 8 | p[i];
        if (value != 3 && value != 65537)
                return -EBADMSG;
        *ret = value;
        return 0;
}

int public_key_make(const struct bytes modulus[static 2], const struct bytes *exponent, struct public_key *ret) {
        size_t size = modulus[0].size + modulus[1].size;
        struct public_key key = { .size = size };
        int r;

        if (size < PUBLIC_KEY_MIN || size > PUBLIC_KEY_MAX)
                return -EBADMSG;
        r = make_exponent(exponent, &key.exponent);
        if (r < 0)
                return r;
        memcpy(key.modulus, modulus[0].data, modulus[0].size);
        if (modulus[1].size > 0)
                memcpy(key.modulus + modulus[0].size, modulus[1].data, modulus[1].size);
        /* The length is that of the number, and no product of odd primes is even. */
        if (!(key.modulus[0] & 0x80) || !(key.modulus[size - 1] & 0x01))
                return -EBADMSG;
        *ret = key;
        return 0;
}

static void bn_freep(BIGNUM **b) {
        BN_clear_free(*b);
}

static void bn_ctx_freep(BN_CTX **c) {
        BN_CTX_free(*c);
}

/*
 * B2.1: the signature to the power of the exponent. By numbers and not by EVP: no provider is looked up, so
 * nothing but memory is asked of the kernel.
 */
static int raise(const struct public_key *key, const uint8_t *signature, uint8_t *ret) {
        _cleanup_(bn_ctx_freep) BN_CTX *c = BN_CTX_new();
        _cleanup_(bn_freep) BIGNUM *n = BN_bin2bn(key->modulus, (int) key->size, NULL);
        _cleanup_(bn_freep) BIGNUM *s = BN_bin2bn(signature, (int) key->size, NULL);
        _cleanup_(bn_freep) BIGNUM *e = BN_new();
        _cleanup_(bn_freep) BIGNUM *plain = BN_new();

        if (!c || !n || !s || !e || !plain || !BN_set_word(e, key->exponent))
                return -ENOMEM;
        if (BN_cmp(s, n) >= 0)
                return -EBADMSG;
        if (!BN_mod_exp(plain, s, e, n, c) || BN_bn2binpad(plain, ret, (int) key->size) < 0)
                return -ENOMEM;
        return 0;
}

int public_key_open(const struct public_key *key, const struct bytes *signature, uint8_t format,
                    uint8_t plain[static PUBLIC_KEY_MAX]) {
        int r;

        if (key->size < PUBLIC_KEY_MIN || signature->size != key->size)
                return -EBADMSG;
        r = raise(key, signature->data, plain);
        if (r < 0)
                return r;
        if (plain[key->size - 1] != TRAILER || plain[0] != HEADER || plain[1] != format)
                return -EBADMSG;
        return 0;
}

static void digest_freep(EVP_MD_CTX **c) {
        EVP_MD_CTX_free(*c);
}

static int digest(const struct bytes *first, const struct bytes *parts, size_t n,
                  uint8_t ret[static PUBLIC_KEY_HASH_SIZE]) {
        _cleanup_(digest_freep) EVP_MD_CTX *c = EVP_MD_CTX_new();

        if (!c || EVP_DigestInit_ex(c, EVP_sha1(), NULL) <= 0 || EVP_DigestUpdate(c, first->data, first->size) <= 0)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (EVP_DigestUpdate(c, parts[i].data, parts[i].size) <= 0)
                        return -ENOMEM;
        return EVP_DigestFinal_ex(c, ret, NULL) > 0 ? 0 : -ENOMEM;
}

int public_key_check_hash(const uint8_t *plain, size_t size, const struct bytes *more, size_t n) {
        const uint8_t *expected = plain + size - 1 - PUBLIC_KEY_HASH_SIZE;
        const struct bytes signed_part = { plain + 1, (size_t) (expected - plain) - 1 };
        uint8_t hash[PUBLIC_KEY_HASH_SIZE];
        int r;

        r = digest(&signed_part, more, n, hash);
        if (r < 0)
                return r;
        return memcmp(hash, expected, sizeof(hash)) == 0 ? 0 : -EBADMSG;
}

int public_key_hash_is(const uint8_t expected[static PUBLIC_KEY_HASH_SIZE], const struct bytes *parts, size_t n) {
        uint8_t hash[PUBLIC_KEY_HASH_SIZE];
        int r;

        r = digest(parts, parts + 1, n - 1, hash);
        if (r < 0)
                return r;
        return memcmp(hash, expected, sizeof(hash)) == 0 ? 0 : -EBADMSG;
}
