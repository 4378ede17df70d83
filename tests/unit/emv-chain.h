/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A chain of keys and certificates of our own, in which each field is made wrong before it is signed, so that every
 * check is the only one that can notice.
 */

#include <openssl/sha.h>

#include "card/sign.h"
#include "emv-dialogue.h"
#include "emv/certificate.h"

#define KEYS "tests/sim/cards/keys/"

struct draft {
        uint8_t header, format;
        uint8_t identifier[10];
        size_t identifier_size;
        uint8_t expiry[2], serial[3], hash_algorithm, key_algorithm, key_size, exponent_size;
        uint8_t hash_flip, trailer;
};

/* What signs, what is signed, and the card's side of the store. */
struct chain {
        struct fixture base;
        struct sign_key *ca, *issuer, *card;
        struct draft issuer_draft, card_draft;
        const char *static_data; /* hex, as the card's certificate has it hashed */
};

static inline int chain_setup(void **state) {
        struct chain *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        assert_int_equal(sign_key_load(KEYS "ca.pem", &c->ca), 0);
        assert_int_equal(sign_key_load(KEYS "issuer.pem", &c->issuer), 0);
        assert_int_equal(sign_key_load(KEYS "icc.pem", &c->card), 0);
        *state = c;
        return 0;
}

static inline int chain_teardown(void **state) {
        struct chain *c = *state;

        sign_key_free(c->ca);
        sign_key_free(c->issuer);
        sign_key_free(c->card);
        free(c);
        return 0;
}

static inline struct emv *chain_reset(struct chain *c) {
        struct emv *e = fresh(&c->base);

        put(e, TAG_DF_NAME, "A000000333010101");
        put(e, TAG_PAN, "6200000000000005");
        put(e, TAG_CA_INDEX, "EE");
        put(e, TAG_AIP, "7D00");
        c->issuer_draft =
                (struct draft){ 0x6a, 0x02, { 0x62, 0x00, 0x00, 0xff }, 4, { 0x12, 0x49 }, { 1, 2, 3 }, 1, 1, 176, 1,
                                0,    0xbc };
        c->card_draft = (struct draft){ 0x6a,
                                        0x04,
                                        { 0x62, 0, 0, 0, 0, 0, 0, 0x05, 0xff, 0xff },
                                        10,
                                        { 0x12, 0x49 },
                                        { 1, 2, 3 },
                                        1,
                                        1,
                                        144,
                                        1,
                                        0,
                                        0xbc };
        c->static_data = "5F24034912315A086200000000000005";
        e->static_data_size = fixture_hex(c->static_data, e->static_data, sizeof(e->static_data));
        return e;
}

/* Tables 2 and 10: what the authority or the issuer signs. */
static inline void certify(struct emv *e, const struct draft *d, const struct sign_key *signer,
                           const struct sign_key *subject, const char *static_data, uint32_t certificate_tag,
                           uint32_t remainder_tag, uint32_t exponent_tag) {
        uint8_t modulus[SIGN_MAX], plain[SIGN_MAX], signature[SIGN_MAX], more[1024], *p = plain;
        size_t n_signer = sign_modulus(signer, modulus), n = sign_modulus(subject, modulus), room, left, used;

        memset(plain, 0xbb, sizeof(plain));
        *p++ = d->header;
        *p++ = d->format;
        memcpy(p, d->identifier, d->identifier_size);
        p += d->identifier_size;
        memcpy(p, d->expiry, 2);
        memcpy(p + 2, d->serial, 3);
        p += 5;
        *p++ = d->hash_algorithm;
        *p++ = d->key_algorithm;
        *p++ = d->key_size;
        *p++ = d->exponent_size;
        room = n_signer - (size_t) (p - plain) - 21;
        left = MIN(room, n);
        memcpy(p, modulus, left);

        used = n_signer - 22;
        memcpy(more, plain + 1, used);
        memcpy(more + used, modulus + left, n - left);
        used += n - left;
        more[used++] = 3;
        used += fixture_hex(static_data, more + used, sizeof(more) - used);
        SHA1(more, used, plain + n_signer - 21);
        plain[n_signer - 21] ^= d->hash_flip;
        plain[n_signer - 1] = d->trailer;
        assert_int_equal(sign_raw(signer, plain, signature), 0);
        assert_int_equal(store_set(&e->store, certificate_tag, signature, n_signer), 0);
        assert_int_equal(store_set(&e->store, remainder_tag, modulus + left, n - left), 0);
        assert_int_equal(store_set(&e->store, exponent_tag, "\x03", 1), 0);
}

static inline void sign_chain(struct chain *c) {
        struct emv *e = &c->base.emv;

        certify(e, &c->issuer_draft, c->ca, c->issuer, "", TAG_ISSUER_CERTIFICATE, TAG_ISSUER_REMAINDER,
                TAG_ISSUER_EXPONENT);
        certify(e, &c->card_draft, c->issuer, c->card, c->static_data, TAG_CARD_CERTIFICATE, TAG_CARD_REMAINDER,
                TAG_CARD_EXPONENT);
}

static inline void set(struct chain *c, uint32_t tag, const char *hex) {
        uint8_t value[256];
        size_t n = fixture_hex(hex, value, sizeof(value));

        assert_int_equal(store_set(&c->base.emv.store, tag, value, n), 0);
}

/* One byte less, one byte more, one bit other. */
static inline void shorten(struct chain *c, uint32_t tag) {
        uint8_t value[256];
        size_t n;
        const uint8_t *p = store_get(&c->base.emv.store, tag, &n);

        memcpy(value, p, n);
        assert_int_equal(store_set(&c->base.emv.store, tag, value, n - 1), 0);
}

static inline void lengthen(struct chain *c, uint32_t tag) {
        uint8_t value[256];
        size_t n;
        const uint8_t *p = store_get(&c->base.emv.store, tag, &n);

        memcpy(value, p, n);
        value[n] = 0;
        assert_int_equal(store_set(&c->base.emv.store, tag, value, n + 1), 0);
}

static inline void flip(struct chain *c, uint32_t tag, size_t byte) {
        ((uint8_t *) store_get(&c->base.emv.store, tag, NULL))[byte] ^= 0x01;
}
