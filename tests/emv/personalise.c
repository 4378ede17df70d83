// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the bureau does after the card's data are written: issuer certificate, ICC certificate and signed static
 * data (EMV Book 2, 5.1, 5.2, 6.1), and the card's own key for cryptograms.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include "base/hex.h"
#include "tests/emv/run.h"

#define KEYS "tests/emv/keys"
#define SIM_KEYS "tests/sim/cards/keys"
#define TEST_CA_INDEX 0xee
#define MODULUS_MAX 248
#define STATIC_MAX 1024

struct key {
        EVP_PKEY *key;
        uint8_t modulus[MODULUS_MAX], exponent[3];
        size_t size, exponent_size;
};

static void key_done(struct key *k) {
        EVP_PKEY_free(k->key);
}

static int key_number(const struct key *k, const char *name, uint8_t *ret, size_t max, size_t *ret_size) {
        BIGNUM *n = NULL;
        bool good;

        good = EVP_PKEY_get_bn_param(k->key, name, &n) > 0 && (size_t) BN_num_bytes(n) <= max;
        if (good)
                *ret_size = (size_t) BN_bn2bin(n, ret);
        BN_free(n);
        return good ? 0 : -EINVAL;
}

/* One of the table's, that the case names; else that of the simulated cards. */
static void key_path(const struct run *r, const char *role, char ret[static 96]) {
        const char *name = emv_case_get(r->c, role);

        snprintf(ret, 96, "%s/%s.pem", name ? KEYS : SIM_KEYS, name ?: role);
}

/* The key that the case names for a role, or the role's own. */
static int key_load(const struct run *r, const char *role, struct key *ret) {
        _cleanup_fclose_ FILE *f = NULL;
        char path[96];

        key_path(r, role, path);
        f = fopen(path, "re");
        if (!f)
                return -errno;
        ret->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
        if (!ret->key || key_number(ret, "n", ret->modulus, sizeof(ret->modulus), &ret->size) < 0)
                return -EINVAL;
        return key_number(ret, "e", ret->exponent, sizeof(ret->exponent), &ret->exponent_size);
}

static int key_sign(const struct key *k, const uint8_t *in, uint8_t *out) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(k->key, NULL);
        size_t size = k->size;
        bool good = c && EVP_PKEY_sign_init(c) > 0 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) > 0 &&
                    EVP_PKEY_sign(c, out, &size, in, k->size) > 0;

        EVP_PKEY_CTX_free(c);
        return good ? 0 : -EINVAL;
}

/* forge=WHICH OFFSET=HEX: what the signer writes wrongly, before it hashes and signs. */
static void forge(const struct run *r, const char *which, uint8_t *plain, size_t size) {
        for (size_t i = 0; i < r->c->n; i++) {
                char word[16], hex[64];
                uint8_t bytes[32];
                size_t at;
                ssize_t n;

                if (!streq(r->c->lines[i].key, "forge") ||
                    sscanf(r->c->lines[i].value, "%15s %zu=%63s", word, &at, hex) != 3 || !streq(word, which))
                        continue;
                n = hex_decode(hex, bytes, sizeof(bytes));
                if (n > 0 && at + (size_t) n <= size)
                        memcpy(plain + at, bytes, (size_t) n);
        }
}

/* 6A, what is given, filling, the hash over all that and more, BC. */
static int sign_plain(const struct run *r, const char *which, const struct key *signer, const uint8_t *head,
                      size_t head_size, const uint8_t *more, size_t more_size, uint8_t *ret) {
        uint8_t plain[MODULUS_MAX], text[MODULUS_MAX + STATIC_MAX + MODULUS_MAX];
        size_t n = signer->size - 22;

        memset(plain, 0xbb, sizeof(plain));
        plain[0] = 0x6a;
        memcpy(plain + 1, head, head_size);
        plain[signer->size - 1] = 0xbc;
        forge(r, which, plain, n + 1);
        memcpy(text, plain + 1, n);
        memcpy(text + n, more, more_size);
        SHA1(text, n + more_size, plain + signer->size - 21);
        return key_sign(signer, plain, ret);
}

struct certificate {
        uint8_t data[MODULUS_MAX];
        uint8_t rest[MODULUS_MAX]; /* of the modulus */
        size_t rest_size;
};

/* head: from the format to the lengths; behind it comes the subject's key, as much as there is room for. */
static int certify(const struct run *r, const char *which, const struct key *signer, const uint8_t *head,
                   size_t head_size, const struct key *subject, const uint8_t *more, size_t more_size,
                   struct certificate *ret) {
        size_t room = signer->size - head_size - 22, left = MIN(room, subject->size), n = 0;
        uint8_t plain[MODULUS_MAX], tail[MODULUS_MAX + 3 + STATIC_MAX];

        memcpy(plain, head, head_size);
        memset(plain + head_size, 0xbb, room);
        memcpy(plain + head_size, subject->modulus, left);
        ret->rest_size = subject->size - left;
        memcpy(ret->rest, subject->modulus + left, ret->rest_size);
        memcpy(tail, ret->rest, ret->rest_size);
        n = ret->rest_size;
        memcpy(tail + n, subject->exponent, subject->exponent_size);
        n += subject->exponent_size;
        memcpy(tail + n, more, more_size);
        n += more_size;
        return sign_plain(r, which, signer, plain, head_size + room, tail, n, ret->data);
}

/* Book 3, 10.3: the records that the AFL says, then the AIP where 9F4A asks for it. */
static size_t static_data(const struct sim_card_application *a, uint8_t *ret) {
        const uint8_t *list;
        size_t n = 0, size;

        for (size_t i = 0; i + 3 < a->afl.size; i += 4)
                for (unsigned int k = 0; k < a->afl.data[i + 3]; k++)
                        for (size_t j = 0; j < a->n_records; j++) {
                                const struct sim_card_record *record = a->records + j;
                                struct sim_card_data whole = {};

                                if (record->sfi != a->afl.data[i] >> 3U || record->number != a->afl.data[i + 1] + k)
                                        continue;
                                (void) sim_card_data_append(&whole, 0x70, record->content.data, record->content.size);
                                size = record->sfi <= 10 ? record->content.size : whole.size;
                                memcpy(ret + n, record->sfi <= 10 ? record->content.data : whole.data, size);
                                n += size;
                                sim_card_data_done(&whole);
                        }
        list = sim_card_find(a, 0x9f4a, &size);
        if (list && size == 1 && list[0] == 0x82) {
                memcpy(ret + n, a->aip, 2);
                n += 2;
        }
        return n;
}

static int put(struct sim_card *card, const char *section, const char *tag, const uint8_t *value, size_t size) {
        char hex[2 * MODULUS_MAX + 1];
        const char *reason;

        if (size == 0)
                return 0;
        hex_encode(value, size, hex);
        return sim_card_assign(card, section, tag, hex, &reason);
}

static int own_key(struct run *r, struct sim_card_application *a, const char *pan) {
        const uint8_t *sequence;
        size_t size;
        int psn, k;

        sequence = sim_card_find(a, 0x5f34, &size);
        psn = sequence ? (sequence[0] >> 4) * 10 + (sequence[0] & 0x0f) : -1;
        k = issuer_card_key(r->issuer, pan, psn, a->ac_key);
        if (k < 0 || !a->has_mac_key)
                return k;
        return issuer_card_mac_key(r->issuer, pan, psn, a->mac_key);
}

static int personalise(struct run *r, size_t number, struct key *ca, struct key *issuer, struct key *icc) {
        struct sim_card_application *a = r->card->applications + number;
        uint8_t data[STATIC_MAX], signature[MODULUS_MAX];
        uint8_t head[20] = { 0x02, 0, 0, 0, 0, 0x12, 0x49, 0x00, 0x00, 0x01, 0x01, 0x01 };
        struct certificate issuer_certificate, icc_certificate;
        const struct {
                int record; /* of file 3 */
                const char *tag;
                const uint8_t *value;
                const size_t *size;
        } objects[] = {
                { 1, "90", issuer_certificate.data, &ca->size },
                { 2, "93", signature, &issuer->size },
                { 3, "9F46", icc_certificate.data, &issuer->size },
                { 4, "92", issuer_certificate.rest, &issuer_certificate.rest_size },
                { 4, "9F32", issuer->exponent, &issuer->exponent_size },
                { 4, "9F47", icc->exponent, &icc->exponent_size },
                { 4, "9F48", icc_certificate.rest, &icc_certificate.rest_size },
        };
        char pan[41] = "", *end;
        size_t n = static_data(a, data), size;
        const uint8_t *p;
        int k;

        p = sim_card_find(a, 0x5a, &size);
        if (!p)
                return 0;
        hex_encode(p, MIN(size, (size_t) 10), pan);
        end = strchr(pan, 'F');
        if (end)
                *end = '\0';
        if (own_key(r, a, pan) < 0)
                return 0;

        memcpy(head + 1, p, MIN(size, (size_t) 4));
        head[12] = (uint8_t) issuer->size;
        head[13] = (uint8_t) issuer->exponent_size;
        k = certify(r, "issuer", ca, head, 14, issuer, NULL, 0, &issuer_certificate);
        if (k < 0)
                return k;
        memset(head + 1, 0xff, 10);
        head[0] = 0x04;
        memcpy(head + 1, p, MIN(size, (size_t) 10));
        memcpy(head + 11, "\x12\x49\x00\x00\x02\x01\x01", 7);
        head[18] = (uint8_t) icc->size;
        head[19] = (uint8_t) icc->exponent_size;
        k = certify(r, "icc", issuer, head, sizeof(head), icc, data, n, &icc_certificate);
        if (k >= 0)
                k = sign_plain(r, "static", issuer, (const uint8_t[]){ 0x03, 0x01, 0xda, 0xc1 }, 4, data, n,
                               signature);
        for (size_t i = 0; i < ELEMENTSOF(objects) && k >= 0; i++) {
                char section[32];

                snprintf(section, sizeof(section), "record %zu.3.%d", number + 1, objects[i].record);
                k = put(r->card, section, objects[i].tag, objects[i].value, *objects[i].size);
        }
        return k;
}

/* The terminal knows the authority's key. */
static void tell_terminal(struct run *r, const struct key *ca) {
        struct emv_terminal *t = &r->start.terminal;

        for (uint32_t i = 0; i < t->n_ca_keys; i++) {
                struct emv_ca_key *k = t->ca_keys + i;

                if (k->index != TEST_CA_INDEX)
                        continue;
                k->modulus_size = (uint8_t) ca->size;
                memcpy(k->modulus, ca->modulus, ca->size);
                k->exponent = ca->exponent_size == 1 ? 3 : 65537;
        }
}

int run_personalise(struct run *r) {
        _cleanup_(key_done) struct key ca = {}, issuer = {}, icc = {};
        char path[96];
        int k;

        k = key_load(r, "ca", &ca);
        if (k >= 0)
                k = key_load(r, "issuer", &issuer);
        if (k >= 0)
                k = key_load(r, "icc", &icc);
        tell_terminal(r, &ca);
        key_path(r, "icc", path);
        free(r->card->key_path);
        r->card->key_path = strdup(path);
        for (size_t i = 0; i < r->card->n_applications && k >= 0; i++)
                k = personalise(r, i, &ca, &issuer, &icc);
        return k < 0 ? run_refuse(r, "the card cannot be signed: %s", strerror(-k)) : 0;
}
