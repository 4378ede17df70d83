// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/secret.h"
#include "host/keys.h"

#define SINGLE 8
#define DOUBLE 16
#define KCV 4

struct host_keys {
        uint8_t tmk[TMK_SIZE];
        uint8_t mak[DOUBLE];
        size_t mak_size; /* 0 before sign-on */
};

int host_keys_new(const uint8_t tmk[static TMK_SIZE], struct host_keys **ret) {
        struct host_keys *k = secret_new(sizeof(*k));

        if (!k)
                return -ENOMEM;
        memcpy(k->tmk, tmk, TMK_SIZE);
        *ret = k;
        return 0;
}

struct host_keys *host_keys_free(struct host_keys *k) {
        return secret_free(k);
}

static bool is_zero(const uint8_t *p, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (p[i] != 0)
                        return false;
        return true;
}

int host_keys_load(struct host_keys *k, const void *wrapped, size_t size) {
        const uint8_t *p = wrapped;
        size_t slot, mak_size;
        uint8_t mak[DOUBLE], kcv[KCV];
        WIPE_AT_END(mak);
        int r;

        /* The PIN key comes first and is passed over; whatever follows the MAC key is the track key. */
        switch (size) {
        case 2 * (SINGLE + KCV):
                slot = SINGLE;
                break;
        case 2 * (DOUBLE + KCV):
        case 2 * (DOUBLE + KCV) + DOUBLE:
        case 3 * (DOUBLE + KCV):
                slot = DOUBLE;
                break;
        default:
                return -EBADMSG;
        }
        p += slot + KCV;
        mak_size = slot == DOUBLE && is_zero(p + SINGLE, DOUBLE - SINGLE) ? SINGLE : slot;

        r = des_ecb(false, k->tmk, TMK_SIZE, p, mak_size, mak);
        if (r < 0)
                return r;
        r = mac_kcv(mak, mak_size, kcv);
        if (r < 0)
                return r;
        if (!secret_equal(kcv, p + slot, KCV))
                return -EKEYREJECTED;

        host_keys_forget(k);
        memcpy(k->mak, mak, mak_size);
        k->mak_size = mak_size;
        return 0;
}

bool host_keys_ready(const struct host_keys *k) {
        return k->mak_size > 0;
}

void host_keys_forget(struct host_keys *k) {
        explicit_bzero(k->mak, sizeof(k->mak));
        k->mak_size = 0;
}

int host_keys_mac(const struct host_keys *k, enum mac_scheme scheme, const void *data, size_t size,
                  uint8_t ret_mac[static MAC_SIZE]) {
        if (!host_keys_ready(k))
                return -ENOKEY;
        return mac_compute(scheme, k->mak, k->mak_size, data, size, ret_mac);
}

int host_keys_verify(const struct host_keys *k, enum mac_scheme scheme, const void *data, size_t size,
                     const uint8_t mac[static MAC_SIZE]) {
        if (!host_keys_ready(k))
                return -ENOKEY;
        return mac_verify(scheme, k->mak, k->mak_size, data, size, mac);
}

int host_key_wrap(const uint8_t tmk[static TMK_SIZE], const void *key, size_t key_size, uint8_t *ret) {
        uint8_t kcv[KCV];
        int r;

        r = mac_kcv(key, key_size, kcv);
        if (r < 0)
                return r;
        r = des_ecb(true, tmk, TMK_SIZE, key, key_size, ret);
        if (r < 0)
                return r;
        memcpy(ret + key_size, kcv, KCV);
        return 0;
}
