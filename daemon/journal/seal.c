// SPDX-License-Identifier: LGPL-2.1-or-later
/* Keys derived from the storage key, AES-256-GCM under them, and the keyed hash of PANs. */

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "base/hex.h"
#include "base/secret.h"
#include "journal/internal.h"

#define SEAL_VERSION 1
#define NONCE_SIZE 12
#define TAG_SIZE 16
_Static_assert(SEAL_OVERHEAD == 1 + NONCE_SIZE + TAG_SIZE, "sealed form");

/* HKDF-SHA256 of RFC 5869, without salt. */
static int derive(const uint8_t storage[static JOURNAL_KEY_SIZE], const char *info, uint8_t ret[static 32]) {
        EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
        EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *) "SHA256", 0),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) storage, JOURNAL_KEY_SIZE),
                OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *) info, strlen(info)),
                OSSL_PARAM_construct_end(),
        };
        int ok = context && EVP_KDF_derive(context, ret, 32, params) == 1;

        EVP_KDF_CTX_free(context);
        EVP_KDF_free(kdf);
        return ok ? 0 : -ENOMEM;
}

int journal_keys_derive(const uint8_t storage[static JOURNAL_KEY_SIZE], struct journal_keys *ret) {
        int r;

        r = derive(storage, "tilld journal seal", ret->seal);
        if (r < 0)
                return r;
        r = derive(storage, "tilld journal pan hash", ret->hash);
        if (r < 0)
                return r;
        r = derive(storage, "tilld journal checkpoint", ret->sign);
        if (r < 0)
                return r;
        return derive(storage, "tilld journal check", ret->check);
}

void journal_key_id(const struct journal *j, uint8_t ret[static JOURNAL_KEY_ID_SIZE]) {
        memcpy(ret, j->keys->check, JOURNAL_KEY_ID_SIZE);
}

static void cipher_freep(EVP_CIPHER_CTX **context) {
        EVP_CIPHER_CTX_free(*context);
}

/* The place, a zero byte, the number big-endian. */
static size_t associate(const char *place, int64_t number, uint8_t *data, size_t size) {
        size_t l = strlen(place) + 1;

        if (l + 8 > size)
                return 0;
        memcpy(data, place, l);
        for (unsigned i = 0; i < 8; i++)
                data[l + i] = (uint8_t) ((uint64_t) number >> (56 - 8 * i));
        return l + 8;
}

int journal_seal(struct journal *j, const char *place, int64_t number, const void *data, size_t size, uint8_t *ret) {
        _cleanup_(cipher_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        uint8_t associated[80], *nonce = ret + 1, *text = nonce + NONCE_SIZE, *tag = text + size;
        size_t n = associate(place, number, associated, sizeof(associated));
        int length, end;

        if (!context)
                return -ENOMEM;
        if (n == 0 || size > INT32_MAX)
                return -EINVAL;
        ret[0] = SEAL_VERSION;
        if (RAND_bytes(nonce, NONCE_SIZE) != 1)
                return -ENOMEM;
        if (EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, j->keys->seal, nonce) != 1 ||
            EVP_EncryptUpdate(context, NULL, &length, ret, 1) != 1 ||
            EVP_EncryptUpdate(context, NULL, &length, associated, (int) n) != 1 ||
            EVP_EncryptUpdate(context, text, &length, data, (int) size) != 1 ||
            EVP_EncryptFinal_ex(context, text + length, &end) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) != 1)
                return -ENOMEM;
        return 0;
}

int journal_unseal(struct journal *j, const char *place, int64_t number, const void *sealed, size_t size, void *ret) {
        _cleanup_(cipher_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        const uint8_t *version = sealed, *nonce = version + 1, *text = nonce + NONCE_SIZE;
        uint8_t associated[80], tag[TAG_SIZE];
        size_t n = associate(place, number, associated, sizeof(associated)), plain;
        int length, end, r = 0;

        if (!context)
                return -ENOMEM;
        if (n == 0)
                return -EINVAL;
        if (size < SEAL_OVERHEAD || size > INT32_MAX || *version != SEAL_VERSION)
                return -EBADMSG;
        plain = size - SEAL_OVERHEAD;
        memcpy(tag, text + plain, TAG_SIZE);
        if (EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, j->keys->seal, nonce) != 1 ||
            EVP_DecryptUpdate(context, NULL, &length, version, 1) != 1 ||
            EVP_DecryptUpdate(context, NULL, &length, associated, (int) n) != 1 ||
            EVP_DecryptUpdate(context, ret, &length, text, (int) plain) != 1 ||
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) != 1)
                r = -ENOMEM;
        /* What cannot be tried is not damaged. */
        else if (EVP_DecryptFinal_ex(context, (uint8_t *) ret + length, &end) != 1)
                r = -EBADMSG;
        if (r < 0)
                explicit_bzero(ret, plain);
        return r;
}

int journal_bind_sealed(struct journal *j, sqlite3_stmt *s, int index, const char *place, int64_t number,
                        const void *data, size_t size) {
        _cleanup_free_ uint8_t *sealed = malloc(size + SEAL_OVERHEAD);
        int r;

        if (!sealed)
                return -ENOMEM;
        r = journal_seal(j, place, number, data, size, sealed);
        if (r < 0)
                return r;
        r = sqlite3_bind_blob(s, index, sealed, (int) (size + SEAL_OVERHEAD), SQLITE_TRANSIENT);
        return r == SQLITE_OK ? 0 : -ENOMEM;
}

int journal_column_sealed(struct journal *j, sqlite3_stmt *s, int column, const char *place, int64_t number,
                          size_t max, void **ret, size_t *ret_size) {
        _cleanup_secret_ void *data = NULL;
        int size = sqlite3_column_bytes(s, column), r;

        if (size <= SEAL_OVERHEAD || (size_t) size > max + SEAL_OVERHEAD)
                return -EBADMSG;
        data = secret_new((size_t) size - SEAL_OVERHEAD);
        if (!data)
                return -ENOMEM;
        r = journal_unseal(j, place, number, sqlite3_column_blob(s, column), (size_t) size, data);
        if (r < 0)
                return r;
        *ret_size = (size_t) size - SEAL_OVERHEAD;
        *ret = TAKE_PTR(data);
        return 0;
}

int journal_column_sealed_text(struct journal *j, sqlite3_stmt *s, int column, const char *place, int64_t number,
                               char *text, size_t size) {
        size_t sealed = (size_t) sqlite3_column_bytes(s, column), l;
        int r;

        if (sealed < SEAL_OVERHEAD || sealed - SEAL_OVERHEAD >= size)
                return -EBADMSG;
        l = sealed - SEAL_OVERHEAD;
        r = journal_unseal(j, place, number, sqlite3_column_blob(s, column), sealed, text);
        if (r < 0)
                return r;
        memset(text + l, 0, size - l);
        return memchr(text, '\0', l) ? -EBADMSG : 0;
}

int journal_pan_hash(struct journal *j, const char *pan, char ret[static 65]) {
        uint8_t hash[32];
        unsigned size = sizeof(hash);

        if (!HMAC(EVP_sha256(), j->keys->hash, sizeof(j->keys->hash), (const uint8_t *) pan, strlen(pan), hash, &size))
                return -ENOMEM;
        hex_encode(hash, sizeof(hash), ret);
        return 0;
}
