// SPDX-License-Identifier: LGPL-2.1-or-later
#include "issuer/dukpt.h"

#include "host/mac.h"

#define BLOCK 8
#define COUNTER_BITS 21

const uint8_t dukpt_test_key[DUKPT_KEY_SIZE] = {
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
};

static const uint8_t mask[DUKPT_KEY_SIZE] = {
        0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0, 0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0,
};

static void xor_bytes(uint8_t *ret, const uint8_t *a, const uint8_t *b, size_t size) {
        for (size_t i = 0; i < size; i++)
                ret[i] = a[i] ^ b[i];
}

int dukpt_initial_key(const uint8_t bdk[static DUKPT_KEY_SIZE], const uint8_t ksn[static DUKPT_KSN_SIZE],
                      uint8_t ret_key[static DUKPT_KEY_SIZE]) {
        uint8_t masked[DUKPT_KEY_SIZE], serial[BLOCK];
        int r;

        memcpy(serial, ksn, BLOCK);
        serial[BLOCK - 1] &= 0xe0;
        xor_bytes(masked, bdk, mask, sizeof(masked));
        r = des_ecb(true, bdk, DUKPT_KEY_SIZE, serial, BLOCK, ret_key);
        if (r < 0)
                return r;
        return des_ecb(true, masked, DUKPT_KEY_SIZE, serial, BLOCK, ret_key + BLOCK);
}

/* One half of the non-reversible step: the register under the left half, between two XORs of the right one. */
static int half_step(const uint8_t key[static DUKPT_KEY_SIZE], const uint8_t data[static BLOCK],
                     uint8_t ret[static BLOCK]) {
        uint8_t block[BLOCK];
        int r;

        xor_bytes(block, data, key + BLOCK, BLOCK);
        r = des_ecb(true, key, BLOCK, block, BLOCK, block);
        if (r < 0)
                return r;
        xor_bytes(ret, block, key + BLOCK, BLOCK);
        return 0;
}

static int step(uint8_t key[static DUKPT_KEY_SIZE], const uint8_t data[static BLOCK]) {
        uint8_t masked[DUKPT_KEY_SIZE], next[DUKPT_KEY_SIZE];
        int r;

        xor_bytes(masked, key, mask, sizeof(masked));
        r = half_step(masked, data, next);
        if (r >= 0)
                r = half_step(key, data, next + BLOCK);
        if (r >= 0)
                memcpy(key, next, sizeof(next));
        return r;
}

static int vary(uint8_t key[static DUKPT_KEY_SIZE], enum dukpt_variant variant) {
        uint8_t varied[DUKPT_KEY_SIZE];
        size_t at = variant == DUKPT_PIN ? 7 : 5;

        key[at] ^= 0xff;
        key[at + BLOCK] ^= 0xff;
        if (variant == DUKPT_PIN)
                return 0;
        memcpy(varied, key, sizeof(varied));
        return des_ecb(true, varied, sizeof(varied), varied, sizeof(varied), key);
}

int dukpt_key(const uint8_t bdk[static DUKPT_KEY_SIZE], const uint8_t ksn[static DUKPT_KSN_SIZE],
              enum dukpt_variant variant, uint8_t ret_key[static DUKPT_KEY_SIZE]) {
        uint32_t counter = ((uint32_t) (ksn[7] & 0x1f) << 16) | ((uint32_t) ksn[8] << 8) | ksn[9];
        uint8_t data[BLOCK];
        int r;

        r = dukpt_initial_key(bdk, ksn, ret_key);
        if (r < 0)
                return r;

        memcpy(data, ksn + 2, BLOCK);
        data[5] &= 0xe0;
        data[6] = data[7] = 0;
        for (uint32_t bit = 1U << (COUNTER_BITS - 1); bit > 0; bit >>= 1) {
                if (!(counter & bit))
                        continue;
                data[5] |= bit >> 16;
                data[6] |= bit >> 8;
                data[7] |= bit;
                r = step(ret_key, data);
                if (r < 0)
                        return r;
        }
        return vary(ret_key, variant);
}

int dukpt_crypt(bool encrypt, const uint8_t key[static DUKPT_KEY_SIZE], const void *data, size_t size, void *ret) {
        const uint8_t *from = data;
        uint8_t *to = ret, chain[BLOCK] = {}, block[BLOCK];
        int r;

        if (size % BLOCK != 0)
                return -EINVAL;
        for (size_t i = 0; i < size; i += BLOCK) {
                memcpy(block, from + i, BLOCK);
                if (encrypt)
                        xor_bytes(block, block, chain, BLOCK);
                r = des_ecb(encrypt, key, DUKPT_KEY_SIZE, block, BLOCK, to + i);
                if (r < 0)
                        return r;
                if (!encrypt)
                        xor_bytes(to + i, to + i, chain, BLOCK);
                memcpy(chain, encrypt ? to + i : from + i, BLOCK);
        }
        return 0;
}
