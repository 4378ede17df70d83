/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keys of an encrypting magstripe reader: DUKPT of two-key TDES (ANSI X9.24-1, annex A). */

#include "base/macro.h"

#define DUKPT_KEY_SIZE 16
#define DUKPT_KSN_SIZE 10

enum dukpt_variant {
        DUKPT_PIN,  /* the key XOR ...FF: what MagTek's readers encrypt tracks with */
        DUKPT_DATA, /* the key XOR ..FF.., encrypted under itself: ID TECH's */
};

/* The test key of the standard. */
extern const uint8_t dukpt_test_key[DUKPT_KEY_SIZE];

/* The initial key of the device, from the base derivation key. -EIO when OpenSSL fails. */
int dukpt_initial_key(const uint8_t bdk[static DUKPT_KEY_SIZE], const uint8_t ksn[static DUKPT_KSN_SIZE],
                      uint8_t ret_key[static DUKPT_KEY_SIZE]);
/* The key of the transaction that the 21 low bits of the KSN count. */
int dukpt_key(const uint8_t bdk[static DUKPT_KEY_SIZE], const uint8_t ksn[static DUKPT_KSN_SIZE],
              enum dukpt_variant variant, uint8_t ret_key[static DUKPT_KEY_SIZE]);
/* Two-key TDES in CBC mode with a zero vector; size is a multiple of 8; not in place. */
int dukpt_crypt(bool encrypt, const uint8_t key[static DUKPT_KEY_SIZE], const void *data, size_t size, void *ret);
