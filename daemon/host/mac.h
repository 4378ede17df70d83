/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Message authentication codes, and the block ciphers under them, by OpenSSL. */

#include "base/macro.h"

#define MAC_SIZE 8

enum mac_scheme {
        MAC_NONE,
        MAC_UNIONPAY_ECB, /* key of 8 or 16 bytes (DES or two-key 3DES); MAC is 8 characters of hex text */
        MAC_ISO9797_ALG3, /* key of 16 bytes; zero padding (method 1); X9.19 */
        MAC_AES_CMAC,     /* key of 16, 24 or 32 bytes; RFC 4493, first 8 bytes */
};

/* -EINVAL for a key size that the scheme does not take, -EIO when OpenSSL fails. */
int mac_compute(enum mac_scheme scheme, const void *key, size_t key_size, const void *data, size_t size,
                uint8_t ret_mac[static MAC_SIZE]);
/* As above; -EKEYREJECTED when mac is not the one. In time that does not depend on the MAC. */
int mac_verify(enum mac_scheme scheme, const void *key, size_t key_size, const void *data, size_t size,
               const uint8_t mac[static MAC_SIZE]);

/* DES (8-byte key), two-key 3DES (16) in ECB; size is a multiple of 8; in place is fine. */
int des_ecb(bool encrypt, const void *key, size_t key_size, const void *data, size_t size, void *ret);
/* ISO 9797-1 algorithm 3 with padding method 2 (80 00 …), as EMV cryptograms and scripts use it. */
int mac_emv(const uint8_t key[static 16], const void *data, size_t size, uint8_t ret_mac[static MAC_SIZE]);
/* The first 4 bytes of zeros encrypted under a DES or 3DES key. */
int mac_kcv(const void *key, size_t key_size, uint8_t ret_kcv[static 4]);
/* The first 4 bytes of the CMAC of a block of zeros under an AES key, as X9.24-1:2017 makes check values. */
int mac_kcv_aes(const void *key, size_t key_size, uint8_t ret_kcv[static 4]);
