// SPDX-License-Identifier: LGPL-2.1-or-later
#include <openssl/evp.h>

#include "base/secret.h"
#include "host/keys.h"

#define SINGLE 8
#define DOUBLE 16
#define KCV 4
/* RFC 3394 puts 8 bytes in front by which a wrong key is seen. */
#define AES_WRAPPED (DOUBLE + 8)

struct host_keys {
        enum host_hierarchy hierarchy;
        uint8_t tmk[TMK_SIZE];
        uint8_t mak[DOUBLE];
        size_t mak_size; /* 0 before sign-on */
};

DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free);

int host_keys_new(enum host_hierarchy hierarchy, const uint8_t tmk[static TMK_SIZE], struct host_keys **ret) {
        struct host_keys *k = secret_new(sizeof(*k));

        if (!k)
                return -ENOMEM;
        k->hierarchy = hierarchy;
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

/* RFC 3394. -EKEYREJECTED when what was wrapped is not whole. */
static int aes_wrap(bool wrap, const uint8_t tmk[static TMK_SIZE], const uint8_t *data, uint8_t *ret) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        const int in = wrap ? DOUBLE : AES_WRAPPED, out = wrap ? AES_WRAPPED : DOUBLE;
        uint8_t whole[AES_WRAPPED + DOUBLE];
        WIPE_AT_END(whole);
        int n;

        if (!c)
                return -ENOMEM;
        EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        if (EVP_CipherInit_ex(c, EVP_aes_128_wrap(), NULL, tmk, NULL, wrap) != 1)
                return -EIO;
        if (EVP_CipherUpdate(c, whole, &n, data, in) != 1 || n != out)
                return wrap ? -EIO : -EKEYREJECTED;
        memcpy(ret, whole, (size_t) out);
        return 0;
}

/* Of one wrapped key in DE62, without its check value. */
static size_t wrapped_size(enum host_hierarchy hierarchy, size_t size) {
        if (hierarchy == HOST_KEYS_AES)
                return size == 2 * (AES_WRAPPED + KCV) ? AES_WRAPPED : 0;
        switch (size) {
        case 2 * (SINGLE + KCV):
                return SINGLE;
        case 2 * (DOUBLE + KCV):
        case 2 * (DOUBLE + KCV) + DOUBLE:
        case 3 * (DOUBLE + KCV):
                return DOUBLE;
        default:
                return 0;
        }
}

/* Finds the MAC key among the wrapped ones and unwraps it; its check value is *ret_kcv. */
static int unwrap_tdes(const struct host_keys *k, const uint8_t *p, size_t size, uint8_t mak[static DOUBLE],
                       size_t *ret_size, const uint8_t **ret_kcv) {
        size_t slot = wrapped_size(HOST_KEYS_TDES, size);

        /* The PIN key comes first and is passed over; whatever follows the MAC key is the track key. */
        if (slot == 0)
                return -EBADMSG;
        p += slot + KCV;
        *ret_size = slot == DOUBLE && is_zero(p + SINGLE, DOUBLE - SINGLE) ? SINGLE : slot;
        *ret_kcv = p + slot;
        return des_ecb(false, k->tmk, TMK_SIZE, p, *ret_size, mak);
}

static int unwrap_aes(const struct host_keys *k, const uint8_t *p, size_t size, uint8_t mak[static DOUBLE],
                      size_t *ret_size, const uint8_t **ret_kcv) {
        if (wrapped_size(HOST_KEYS_AES, size) == 0)
                return -EBADMSG;
        p += AES_WRAPPED + KCV;
        *ret_size = DOUBLE;
        *ret_kcv = p + AES_WRAPPED;
        return aes_wrap(false, k->tmk, p, mak);
}

static int check_value(enum host_hierarchy hierarchy, const void *key, size_t key_size, uint8_t ret[static KCV]) {
        return hierarchy == HOST_KEYS_AES ? mac_kcv_aes(key, key_size, ret) : mac_kcv(key, key_size, ret);
}

int host_keys_load(struct host_keys *k, const void *wrapped, size_t size) {
        uint8_t mak[DOUBLE], kcv[KCV];
        WIPE_AT_END(mak);
        const uint8_t *said;
        size_t mak_size;
        int r;

        r = (k->hierarchy == HOST_KEYS_AES ? unwrap_aes : unwrap_tdes)(k, wrapped, size, mak, &mak_size, &said);
        if (r < 0)
                return r;
        r = check_value(k->hierarchy, mak, mak_size, kcv);
        if (r < 0)
                return r;
        if (!secret_equal(kcv, said, KCV))
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

int host_keys_check_master(const struct host_keys *k, struct host_key_check *ret) {
        uint8_t kcv[KCV];
        int r;

        r = check_value(k->hierarchy, k->tmk, TMK_SIZE, kcv);
        if (r < 0)
                return r;
        ret->name = "TMK";
        memcpy(ret->value, kcv, sizeof(ret->value));
        return 0;
}

int host_keys_read_checks(enum host_hierarchy hierarchy, const void *wrapped, size_t size,
                          struct host_key_check ret[static HOST_KEY_CHECKS_MAX]) {
        static const char *const names[HOST_KEY_CHECKS_MAX] = { "PIN session key", "MAC session key",
                                                                "track session key" };
        const uint8_t *p = wrapped, *end = p + size;
        size_t slot = wrapped_size(hierarchy, size);
        int n = 0;

        if (slot == 0)
                return -EBADMSG;
        for (; n < HOST_KEY_CHECKS_MAX && (size_t) (end - p) >= slot + KCV; n++, p += slot + KCV) {
                ret[n].name = names[n];
                memcpy(ret[n].value, p + slot, sizeof(ret[n].value));
        }
        return n;
}

int host_key_wrap(enum host_hierarchy hierarchy, const uint8_t tmk[static TMK_SIZE], const void *key, size_t key_size,
                  uint8_t *ret) {
        size_t size = hierarchy == HOST_KEYS_AES ? AES_WRAPPED : key_size;
        uint8_t kcv[KCV];
        int r;

        if (hierarchy == HOST_KEYS_AES && key_size != DOUBLE)
                return -EINVAL;
        r = check_value(hierarchy, key, key_size, kcv);
        if (r >= 0)
                r = hierarchy == HOST_KEYS_AES ? aes_wrap(true, tmk, key, ret)
                                               : des_ecb(true, tmk, TMK_SIZE, key, key_size, ret);
        if (r < 0)
                return r;
        memcpy(ret + size, kcv, KCV);
        return (int) (size + KCV);
}
