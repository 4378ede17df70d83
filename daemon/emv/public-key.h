/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* RSA public keys and what they sign: EMV Book 2, Annex A2.1 and B2.1. */

#include "emv/terminal.h"

#define PUBLIC_KEY_MAX EMV_MODULUS_MAX /* bytes */
#define PUBLIC_KEY_MIN 64              /* bytes; shorter holds no certificate and was never issued */
#define PUBLIC_KEY_HASH_SIZE 20        /* SHA-1, the one algorithm of the books (B3.1) */

struct public_key {
        uint32_t exponent;
        size_t size;
        uint8_t modulus[PUBLIC_KEY_MAX];
};

/* A run of bytes among those that are hashed together; NULL with 0 for none. */
struct bytes {
        const void *data;
        size_t size;
};

/*
 * The key of a modulus, which may come in two parts (the second is the remainder), and an exponent.
 * -EBADMSG for a length, a modulus or an exponent that the books do not have.
 */
int public_key_make(const struct bytes modulus[static 2], const struct bytes *exponent, struct public_key *ret);

/*
 * Opens what was signed with message recovery (A2.1, verification, and the format byte behind the
 * header): as many bytes as the key has into plain. -EBADMSG when it is not signed by this key, or has
 * another format.
 */
int public_key_open(const struct public_key *key, const struct bytes *signature, uint8_t format,
                    uint8_t plain[static PUBLIC_KEY_MAX]);

/*
 * Whether the hash that stands before the trailer of an opened plain text of `size` bytes is that over
 * the bytes between header and hash, then the n runs of more (A2.1). 0 or -EBADMSG.
 */
int public_key_check_hash(const uint8_t *plain, size_t size, const struct bytes *more, size_t n);

/* Whether that is the hash of the n runs. 0 or -EBADMSG. */
int public_key_hash_is(const uint8_t hash[static PUBLIC_KEY_HASH_SIZE], const struct bytes *parts, size_t n);
