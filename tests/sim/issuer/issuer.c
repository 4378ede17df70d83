// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/config.h"
#include "base/hex.h"
#include "base/secret.h"
#include "host/mac.h"
#include "issuer/issuer.h"

#define RANGES_MAX 16
#define PAN_MAX 19

struct range {
        char prefix[PAN_MAX + 1];
        size_t bank;
};

#define BANKS_MAX 8

struct bank {
        char *section;
        bool has_key, has_mac_key;
        uint8_t key[ISSUER_KEY_SIZE], mac_key[ISSUER_KEY_SIZE];
};

struct issuer {
        struct bank banks[BANKS_MAX];
        size_t n_banks;
        struct range ranges[RANGES_MAX];
        size_t n_ranges;
};

static struct bank *bank_get(struct issuer *i, const char *section) {
        for (size_t n = 0; n < i->n_banks; n++)
                if (streq(i->banks[n].section, section))
                        return i->banks + n;
        if (i->n_banks == BANKS_MAX)
                return NULL;
        i->banks[i->n_banks].section = strdup(section);
        return i->banks[i->n_banks].section ? i->banks + i->n_banks++ : NULL;
}

static int assign(const char *section, const char *key, const char *value, void *userdata, const char **ret_reason) {
        struct issuer *i = userdata;
        struct bank *b;

        *ret_reason = "sections are [issuer NAME], at most 8";
        b = startswith(section, "issuer ") ? bank_get(i, section) : NULL;
        if (!b)
                return -EINVAL;

        if (streq(key, "ac-key")) {
                *ret_reason = "ac-key is 32 hex digits";
                if (hex_decode(value, b->key, sizeof(b->key)) != sizeof(b->key))
                        return -EINVAL;
                b->has_key = true;
                return 0;
        }
        if (streq(key, "mac-key")) {
                *ret_reason = "mac-key is 32 hex digits";
                if (hex_decode(value, b->mac_key, sizeof(b->mac_key)) != sizeof(b->mac_key))
                        return -EINVAL;
                b->has_mac_key = true;
                return 0;
        }
        if (streq(key, "range")) {
                size_t l = strlen(value);

                *ret_reason = "range is 1 to 19 leading digits, at most 16 lines";
                if (l < 1 || l > PAN_MAX || strspn(value, "0123456789") != l || i->n_ranges == RANGES_MAX)
                        return -EINVAL;
                memcpy(i->ranges[i->n_ranges].prefix, value, l + 1);
                i->ranges[i->n_ranges++].bank = (size_t) (b - i->banks);
                return 0;
        }
        *ret_reason = "unknown key: range, ac-key or mac-key";
        return -EINVAL;
}

int issuer_load(const char *path, struct issuer **ret) {
        _cleanup_(issuer_freep) struct issuer *i = NULL;
        int r;

        i = secret_new(sizeof(*i));
        if (!i)
                return -ENOMEM;
        r = config_parse_file(path, assign, i);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(i);
        return 0;
}

struct issuer *issuer_free(struct issuer *i) {
        if (!i)
                return NULL;
        for (size_t n = 0; n < i->n_banks; n++)
                free(i->banks[n].section);
        return secret_free(i);
}

static const struct bank *bank_find(const struct issuer *i, const char *pan) {
        for (size_t n = 0; n < i->n_ranges; n++) {
                const struct bank *b = i->banks + i->ranges[n].bank;

                if (startswith(pan, i->ranges[n].prefix) && b->has_key)
                        return b;
        }
        return NULL;
}

bool issuer_has(const struct issuer *i, const char *pan) {
        return bank_find(i, pan) != NULL;
}

/* DES takes no notice of the lowest bits, but a key is shown with odd parity. */
static void set_odd_parity(uint8_t *key, size_t size) {
        for (size_t i = 0; i < size; i++)
                key[i] = (uint8_t) ((key[i] & 0xFE) | !(__builtin_popcount(key[i] & 0xFE) % 2));
}

/* The rightmost 16 digits of PAN and sequence number, zeros on the left. */
static void card_block(const char *pan, int psn, uint8_t block[static 8]) {
        char digits[16 + PAN_MAX + 3];
        int n;

        n = snprintf(digits, sizeof(digits), "%016d%s%02d", 0, pan, psn < 0 ? 0 : psn);
        (void) hex_decode(digits + n - 16, block, 8);
}

static int derive(const uint8_t *key, const uint8_t block[static 16], uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        int r;

        r = des_ecb(true, key, ISSUER_KEY_SIZE, block, 16, ret_key);
        if (r < 0)
                return r;
        set_odd_parity(ret_key, ISSUER_KEY_SIZE);
        return 0;
}

/* A1.4.1, option A. */
static int derive_card_key(const uint8_t *key, const char *pan, int psn, uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        size_t l = strlen(pan);
        uint8_t block[16];

        if (l > PAN_MAX || strspn(pan, "0123456789") != l || psn > 99)
                return -EINVAL;
        card_block(pan, psn, block);
        for (size_t k = 0; k < 8; k++)
                block[8 + k] = (uint8_t) ~block[k];
        return derive(key, block, ret_key);
}

int issuer_card_key(const struct issuer *i, const char *pan, int psn, uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        const struct bank *b = bank_find(i, pan);

        return b ? derive_card_key(b->key, pan, psn, ret_key) : -ENOKEY;
}

int issuer_card_mac_key(const struct issuer *i, const char *pan, int psn, uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        const struct bank *b = bank_find(i, pan);

        return b && b->has_mac_key ? derive_card_key(b->mac_key, pan, psn, ret_key) : -ENOKEY;
}

/* A1.3.1: the third byte makes two blocks of one diversifier. */
static int derive_session_key(const uint8_t *card_key, const uint8_t diversifier[static 8],
                              uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        uint8_t block[16];

        memcpy(block, diversifier, 8);
        memcpy(block + 8, diversifier, 8);
        block[2] = 0xF0;
        block[10] = 0x0F;
        return derive(card_key, block, ret_key);
}

int issuer_session_key(const uint8_t card_key[static ISSUER_KEY_SIZE], uint16_t atc,
                       uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        return derive_session_key(card_key, (const uint8_t[8]){ (uint8_t) (atc >> 8), (uint8_t) atc }, ret_key);
}

int issuer_mac_session_key(const uint8_t card_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                           uint8_t ret_key[static ISSUER_KEY_SIZE]) {
        return derive_session_key(card_key, arqc, ret_key);
}

int issuer_script_mac(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t header[static 4],
                      const uint8_t atc[static 2], const uint8_t arqc[static ISSUER_AC_SIZE], unsigned number,
                      const uint8_t *data, size_t size, uint8_t ret_mac[static ISSUER_MAC_SIZE]) {
        uint8_t text[4 + 1 + 2 + ISSUER_AC_SIZE + 255], mac[8], *p = text;
        int r;

        if (size > 255 - ISSUER_MAC_SIZE)
                return -EMSGSIZE;
        p = mempcpy(p, header, 4);
        *p++ = (uint8_t) (size + ISSUER_MAC_SIZE);
        p = mempcpy(p, atc, 2);
        p = mempcpy(p, arqc, ISSUER_AC_SIZE);
        for (size_t i = 1; i <= ISSUER_AC_SIZE && number > 0; i++) {
                number += *(p - i);
                *(p - i) = (uint8_t) number;
                number >>= 8;
        }
        if (size > 0)
                p = mempcpy(p, data, size);
        r = mac_emv(session_key, text, (size_t) (p - text), mac);
        if (r < 0)
                return r;
        memcpy(ret_mac, mac, ISSUER_MAC_SIZE);
        return 0;
}

int issuer_cryptogram(const uint8_t session_key[static ISSUER_KEY_SIZE], const void *data, size_t size,
                      uint8_t ret_ac[static ISSUER_AC_SIZE]) {
        return mac_emv(session_key, data, size, ret_ac);
}

int issuer_arpc(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                const uint8_t arc[static 2], uint8_t ret_arpc[static 8]) {
        uint8_t block[8];

        memcpy(block, arqc, sizeof(block));
        block[0] ^= arc[0];
        block[1] ^= arc[1];
        return des_ecb(true, session_key, ISSUER_KEY_SIZE, block, sizeof(block), ret_arpc);
}

int issuer_arpc_2(const uint8_t session_key[static ISSUER_KEY_SIZE], const uint8_t arqc[static ISSUER_AC_SIZE],
                  const uint8_t *csu, size_t size, uint8_t ret_arpc[static 4]) {
        uint8_t data[ISSUER_AC_SIZE + 12], mac[8];
        int r;

        if (size < 4 || size > sizeof(data) - ISSUER_AC_SIZE)
                return -EMSGSIZE;
        memcpy(data, arqc, ISSUER_AC_SIZE);
        memcpy(data + ISSUER_AC_SIZE, csu, size);
        r = mac_emv(session_key, data, ISSUER_AC_SIZE + size, mac);
        if (r < 0)
                return r;
        memcpy(ret_arpc, mac, 4);
        return 0;
}
