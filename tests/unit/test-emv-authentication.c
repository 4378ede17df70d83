// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/*
 * Offline data authentication: figures of other people's cards, and a chain of our own in which each field is made
 * wrong before it is signed, so that every check is the only one that can notice.
 */

#include <openssl/sha.h>

#include "card/sign.h"
#include "emv-dialogue.h"
#include "emv-vectors.h"
#include "emv/certificate.h"
#include "emv/tlv.h"

#define KEYS "tests/sim/cards/keys/"

/* ---- Figures from elsewhere ---- */

static struct bytes hex_bytes(const char *hex, uint8_t buffer[static 256]) {
        size_t n = fixture_hex(hex, buffer, 256);

        return (struct bytes){ buffer, n };
}

static void vector_key(const char *modulus, struct public_key *ret) {
        uint8_t buffer[256];
        const struct bytes parts[2] = { hex_bytes(modulus, buffer) }, exponent = { "\x03", 1 };

        assert_int_equal(public_key_make(parts, &exponent, ret), 0);
}

/* The terminal's one key, and its application. */
static void vector_ca(struct fixture *f, const char *rid, uint8_t index, const char *modulus) {
        struct emv_ca_key *k = f->start.terminal.ca_keys;

        f->start.terminal.n_ca_keys = 1;
        *k = (struct emv_ca_key){ .index = index, .exponent = 3 };
        assert_int_equal(fixture_hex(rid, k->rid, sizeof(k->rid)), 5);
        k->modulus_size = (uint8_t) fixture_hex(modulus, k->modulus, sizeof(k->modulus));
}

static void vector_issuer(struct fixture *f, const char *pan, const char *issuer, const char *remainder) {
        struct emv *e = &f->emv;
        char index[3];

        hex_encode(&f->start.terminal.ca_keys[0].index, 1, index);
        assert_int_equal(store_set(&e->store, TAG_DF_NAME, f->start.terminal.ca_keys[0].rid, EMV_RID_SIZE), 0);
        put(e, TAG_CA_INDEX, index);
        put(e, TAG_ISSUER_CERTIFICATE, issuer);
        put(e, TAG_ISSUER_REMAINDER, remainder);
        put(e, TAG_ISSUER_EXPONENT, "03");
        put(e, TAG_PAN, pan);
}

static void open_vector(const struct public_key *key, const char *signature, uint8_t format,
                        uint8_t plain[static PUBLIC_KEY_MAX]) {
        uint8_t buffer[256];
        struct bytes s = hex_bytes(signature, buffer);

        assert_int_equal(public_key_open(key, &s, format, plain), 0);
        /* One bit, and it is nobody's. */
        buffer[s.size - 1] ^= 0x01;
        assert_int_equal(public_key_open(key, &s, format, (uint8_t[PUBLIC_KEY_MAX]){}), -EBADMSG);
}

/* The key of a card's certificate whose static data nobody has published. */
static void vector_card_key(const uint8_t plain[static PUBLIC_KEY_MAX], size_t room, const char *remainder,
                            struct public_key *ret) {
        uint8_t buffer[256];
        const struct bytes parts[2] = { { plain + 21, room }, hex_bytes(remainder, buffer) };
        const struct bytes exponent = { "\x03", 1 };

        assert_int_equal(plain[19], parts[0].size + parts[1].size);
        assert_int_equal(public_key_make(parts, &exponent, ret), 0);
}

static void vector_1984_bits(void **state) {
        struct fixture *f = *state;
        struct emv *e = fresh(f);
        struct public_key issuer, card;
        uint8_t plain[PUBLIC_KEY_MAX];

        vector_ca(f, "A000000003", 0x94, vector_94_modulus);
        assert_int_equal(f->start.terminal.ca_keys[0].modulus_size, EMV_MODULUS_MAX);
        vector_issuer(f, "4761739001010119", vector_94_issuer, "");
        assert_int_equal(certificate_recover_issuer(e, &issuer), 0);
        assert_int_equal(issuer.size, 176);
        assert_memory_equal(issuer.modulus, "\xdd\xd9\x03\x9a\xcc\x0b\xb0\x0e", 8);

        /* 5.4: the data authentication code DAC0, and the hash of data that nobody has published. */
        open_vector(&issuer, vector_94_static, 0x03, plain);
        assert_memory_equal(plain, "\x6a\x03\x01\xda\xc0\xbb", 6);
        assert_memory_equal(plain + 155, "\x4e\x28\x21\x97\x4d\x70\x4e\x33", 8);

        open_vector(&issuer, vector_94_card, 0x04, plain);
        assert_memory_equal(plain + 2, "\x47\x61\x73\x90\x01\x01\x01\x19\xff\xff\x12\x22\x00\x00\x01\x01\x01\xb0\x01",
                            19);
        vector_card_key(plain, 176 - 42, vector_94_card_remainder, &card);
        open_vector(&card, vector_94_dynamic, 0x05, plain);
        assert_memory_equal(plain, "\x6a\x05\x01\x03\x02\x00\xae\xbb", 8);
        assert_int_equal(public_key_check_hash(plain, card.size, &(struct bytes){ "\x7f\xbc\x40\x49", 4 }, 1), 0);
        assert_int_equal(public_key_check_hash(plain, card.size, &(struct bytes){ "\x7f\xbc\x40\x48", 4 }, 1),
                         -EBADMSG);
}

static void vector_combined(void **state) {
        struct fixture *f = *state;
        struct emv *e = fresh(f);
        struct public_key issuer, card;
        uint8_t plain[PUBLIC_KEY_MAX];

        vector_ca(f, "A000000004", 0xf1, vector_f1_modulus);
        vector_issuer(f, "5413330089020011", vector_f1_issuer, "");
        assert_int_equal(certificate_recover_issuer(e, &issuer), 0);
        assert_int_equal(issuer.size, 112);
        open_vector(&issuer, vector_f1_card, 0x04, plain);
        vector_card_key(plain, 112 - 42, vector_f1_card_remainder, &card);
        open_vector(&card, vector_f1_combined, 0x05, plain);
        /* Dynamic number, AAC, cryptogram. */
        assert_memory_equal(plain + 3, "\x26\x08\x53\x7e\xb5\xe0\x3c\xc4\x33\xc8\x00\x55\xb6\x40\x8d\xbc\x98\x51\x31",
                            19);
        assert_int_equal(public_key_check_hash(plain, card.size, &(struct bytes){ "\x8b\x55\x63\x3b", 4 }, 1), 0);
}

/* Both signatures of a card whose answers are published whole. */
static void vector_transaction_data(void **state) {
        struct fixture *f = *state;
        struct emv *e = fresh(f);
        struct public_key issuer;
        uint8_t plain[PUBLIC_KEY_MAX], buffer[256], response[256];
        size_t size = 0;
        struct bytes b;

        memcpy(f->start.date, "\x14\x09\x25", 3);
        vector_ca(f, "A000000004", 0x05, vector_05_modulus);
        vector_issuer(f, "5285880000000005", vector_05_issuer, vector_05_issuer_remainder);
        assert_int_equal(certificate_recover_issuer(e, &issuer), 0);
        assert_int_equal(issuer.size, 176);

        vector_key(vector_05_card_modulus, &e->card_key);
        open_vector(&e->card_key, vector_05_dynamic, 0x05, plain);
        assert_int_equal(public_key_check_hash(plain, e->card_key.size, &(struct bytes){ "\0\0\0\0", 4 }, 1), 0);

        memcpy(f->start.unpredictable, "\x12\x34\x57\x79", 4);
        e->cdol1.size = fixture_hex(vector_05_cdol1, e->cdol1.data, sizeof(e->cdol1.data));
        b = hex_bytes(vector_05_response, buffer);
        memcpy(response, b.data, b.size);
        size = b.size;
        b = hex_bytes(vector_05_combined, buffer);
        assert_int_equal(tlv_append(response, sizeof(response), &size, TAG_SIGNED_DYNAMIC_DATA, b.data, b.size), 0);
        assert_int_equal(store_put_card_all(&e->store, response, size), 0);
        b = (struct bytes){ response, size };
        assert_int_equal(emv_check_combined(e, &b, false), 0);
        assert_tvr(e, "0000000000", "combined");
        assert_memory_equal(store_get(&e->store, TAG_CRYPTOGRAM, NULL), "\x16\xaf\xba\x13\xc5\x2f\xb1\x73", 8);
        assert_memory_equal(store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL), "\x4c\xc2\xfb\x1f\xaf\xb3\x09\x15", 8);
        /* The counter is signed as well. */
        response[8] ^= 0x01;
        assert_int_equal(emv_check_combined(e, &b, false), 0);
        assert_tvr(e, "0400000000", "combined, another counter");
}

/* ---- A chain of our own ---- */

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

static int chain_setup(void **state) {
        struct chain *c = calloc(1, sizeof(*c));

        assert_non_null(c);
        assert_int_equal(sign_key_load(KEYS "ca.pem", &c->ca), 0);
        assert_int_equal(sign_key_load(KEYS "issuer.pem", &c->issuer), 0);
        assert_int_equal(sign_key_load(KEYS "icc.pem", &c->card), 0);
        *state = c;
        return 0;
}

static int chain_teardown(void **state) {
        struct chain *c = *state;

        sign_key_free(c->ca);
        sign_key_free(c->issuer);
        sign_key_free(c->card);
        free(c);
        return 0;
}

static struct emv *chain_reset(struct chain *c) {
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
static void certify(struct emv *e, const struct draft *d, const struct sign_key *signer,
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

static void sign_chain(struct chain *c) {
        struct emv *e = &c->base.emv;

        certify(e, &c->issuer_draft, c->ca, c->issuer, "", TAG_ISSUER_CERTIFICATE, TAG_ISSUER_REMAINDER,
                TAG_ISSUER_EXPONENT);
        certify(e, &c->card_draft, c->issuer, c->card, c->static_data, TAG_CARD_CERTIFICATE, TAG_CARD_REMAINDER,
                TAG_CARD_EXPONENT);
}

static int recover(struct chain *c, struct public_key *issuer, struct public_key *card) {
        int r;

        r = certificate_recover_issuer(&c->base.emv, issuer);
        return r < 0 ? r : certificate_recover_card(&c->base.emv, issuer, card);
}

/* The chain with something changed before it is signed, and something after. */
#define CHAIN(c, result, before, after)                                                                               \
        ({                                                                                                            \
                struct public_key _issuer, _card;                                                                     \
                int _r;                                                                                               \
                                                                                                                      \
                (void) chain_reset(c);                                                                                \
                before;                                                                                               \
                sign_chain(c);                                                                                        \
                after;                                                                                                \
                _r = recover(c, &_issuer, &_card);                                                                    \
                if (_r != (result))                                                                                   \
                        fail_msg("%s; %s: %d", #before, #after, _r);                                                  \
        })
#define PASSES(c, before) CHAIN(c, 0, before, (void) 0)
#define FAILS(c, before) CHAIN(c, -EBADMSG, before, (void) 0)
#define FAILS_AFTER(c, after) CHAIN(c, -EBADMSG, (void) 0, after)

static void set(struct chain *c, uint32_t tag, const char *hex) {
        uint8_t value[256];
        size_t n = fixture_hex(hex, value, sizeof(value));

        assert_int_equal(store_set(&c->base.emv.store, tag, value, n), 0);
}

/* One byte less, one byte more, one bit other. */
static void shorten(struct chain *c, uint32_t tag) {
        uint8_t value[256];
        size_t n;
        const uint8_t *p = store_get(&c->base.emv.store, tag, &n);

        memcpy(value, p, n);
        assert_int_equal(store_set(&c->base.emv.store, tag, value, n - 1), 0);
}

static void lengthen(struct chain *c, uint32_t tag) {
        uint8_t value[256];
        size_t n;
        const uint8_t *p = store_get(&c->base.emv.store, tag, &n);

        memcpy(value, p, n);
        value[n] = 0;
        assert_int_equal(store_set(&c->base.emv.store, tag, value, n + 1), 0);
}

static void flip(struct chain *c, uint32_t tag, size_t byte) {
        ((uint8_t *) store_get(&c->base.emv.store, tag, NULL))[byte] ^= 0x01;
}

/* The same number above the modulus opens to the same, and is no signature. */
static void add_modulus(struct chain *c) {
        uint8_t modulus[SIGN_MAX], *p;
        unsigned carry = 0;
        size_t n;

        assert_int_equal(sign_modulus(c->ca, modulus), 176);
        /* One that leaves room. */
        for (c->issuer_draft.serial[2] = 0;; c->issuer_draft.serial[2]++) {
                sign_chain(c);
                p = (uint8_t *) store_get(&c->base.emv.store, TAG_ISSUER_CERTIFICATE, &n);
                if (p[0] + modulus[0] < 0xff)
                        break;
        }
        for (size_t i = n; i-- > 0; carry >>= 8) {
                carry += (unsigned) p[i] + modulus[i];
                p[i] = (uint8_t) carry;
        }
}

static void issuer_certificate(void **state) {
        struct chain *c = *state;
        struct draft *d = &c->issuer_draft;
        struct message_start *s = &c->base.start;

        PASSES(c, (void) 0);
        /* Steps 1 to 4. */
        FAILS_AFTER(c, shorten(c, TAG_ISSUER_CERTIFICATE));
        FAILS_AFTER(c, lengthen(c, TAG_ISSUER_CERTIFICATE));
        FAILS_AFTER(c, flip(c, TAG_ISSUER_CERTIFICATE, 100));
        FAILS_AFTER(c, set(c, TAG_ISSUER_CERTIFICATE, ""));
        FAILS(c, d->trailer = 0xbd);
        FAILS(c, d->header = 0x6b);
        FAILS(c, d->format = 0x04);
        FAILS_AFTER(c, add_modulus(c));
        /* Steps 5 to 7. */
        FAILS(c, d->hash_flip = 0x80);
        FAILS(c, d->hash_algorithm = 0x02);
        FAILS_AFTER(c, flip(c, TAG_ISSUER_REMAINDER, 0));
        /* Step 8. */
        FAILS(c, d->identifier[0] = 0x63);
        FAILS(c, memcpy(d->identifier, "\x62\xff\xff\xff", 4));
        FAILS(c, memcpy(d->identifier, "\xff\xff\xff\xff", 4));
        FAILS(c, memcpy(d->identifier, "\x62\x0f\x0f\xff", 4));
        FAILS(c, memcpy(d->identifier, "\x62\x0f\xf0\xff", 4));
        PASSES(c, memcpy(d->identifier, "\x62\x0f\xff\xff", 4));
        PASSES(c, memcpy(d->identifier, "\x62\x00\x00\x00", 4));
        FAILS(c, memcpy(d->identifier, "\x62\x00\x00\x01", 4));
        FAILS_AFTER(c, set(c, TAG_PAN, "6300000000000005"));
        FAILS_AFTER(c, set(c, TAG_PAN, "6200"));
        /* Step 9: the sale is of November 2026. */
        PASSES(c, memcpy(d->expiry, "\x11\x26", 2));
        FAILS(c, memcpy(d->expiry, "\x10\x26", 2));
        FAILS(c, memcpy(d->expiry, "\x12\x25", 2));
        FAILS(c, memcpy(d->expiry, "\x12\x50", 2));
        FAILS(c, memcpy(d->expiry, "\x13\x49", 2));
        FAILS(c, memcpy(d->expiry, "\x00\x49", 2));
        FAILS(c, memcpy(d->expiry, "\x0a\x49", 2));
        /* Step 10: on the list, and beside it. */
        s->terminal.n_revocations = 1;
        FAILS_AFTER(c, (s->terminal.n_revocations = 1, s->terminal.revocations[0] = (struct emv_revocation){
                                                               { 0xa0, 0, 0, 3, 0x33 }, 0xee, { 1, 2, 3 } }));
        CHAIN(c, 0, (void) 0,
              (s->terminal.n_revocations = 3,
               memcpy(s->terminal.revocations,
                      "\xa0\0\0\3\x33\xee\1\2\4\xa0\0\0\3\x33\xed\1\2\3\xa0\0\0\0\3\xee\1\2\3", 27)));
        /* Steps 11 and 12. */
        FAILS(c, d->key_algorithm = 0x02);
        FAILS(c, d->key_size = 175);
        FAILS(c, d->key_size = 177);
        FAILS(c, d->key_size = 0);
        FAILS(c, d->exponent_size = 3);
        FAILS_AFTER(c, set(c, TAG_ISSUER_EXPONENT, "05"));
        /* Book 3, 7.5: there is no room for the key in the certificate. */
        CHAIN(c, -ENODATA, (void) 0, set(c, TAG_ISSUER_REMAINDER, ""));
        FAILS_AFTER(c, lengthen(c, TAG_ISSUER_REMAINDER));
}

static void authority(void **state) {
        struct chain *c = *state;
        struct emv_terminal *t = &c->base.start.terminal;

        CHAIN(c, -ENOKEY, (void) 0, set(c, TAG_CA_INDEX, "EF"));
        CHAIN(c, -ENOKEY, (void) 0, t->n_ca_keys = 0);
        CHAIN(c, -ENOKEY, (void) 0, set(c, TAG_DF_NAME, "A000000999010101"));
        /* Another one's key. */
        FAILS_AFTER(c, t->ca_keys[0].modulus[100] ^= 0x02);
        FAILS_AFTER(c, t->ca_keys[0].exponent = 65537);
        /* The last day is a good one: the sale is of 2026-11-21. */
        CHAIN(c, 0, (void) 0, memcpy(t->ca_keys[0].expires, "\x20\x26\x11\x21", 4));
        CHAIN(c, -ENOKEY, (void) 0, memcpy(t->ca_keys[0].expires, "\x20\x26\x11\x20", 4));
        CHAIN(c, -ENOKEY, (void) 0, memcpy(t->ca_keys[0].expires, "\x19\x99\x12\x31", 4));
        CHAIN(c, 0, (void) 0, memcpy(t->ca_keys[0].expires, "\x20\x50\x01\x01", 4));
        CHAIN(c, 0, (void) 0,
              (memcpy(t->ca_keys[0].expires, "\x19\x99\x12\x31", 4), memcpy(c->base.start.date, "\x99\x12\x31", 3)));
}

static void card_certificate(void **state) {
        struct chain *c = *state;
        struct draft *d = &c->card_draft;
        struct emv *e = &c->base.emv;

        /* Steps 1 to 4. */
        FAILS_AFTER(c, shorten(c, TAG_CARD_CERTIFICATE));
        FAILS_AFTER(c, flip(c, TAG_CARD_CERTIFICATE, 100));
        FAILS(c, d->trailer = 0xbd);
        FAILS(c, d->header = 0x6b);
        FAILS(c, d->format = 0x02);
        /* Steps 5 to 7: also over what was read. */
        FAILS(c, d->hash_flip = 0x80);
        FAILS(c, d->hash_algorithm = 0x02);
        FAILS_AFTER(c, flip(c, TAG_CARD_REMAINDER, 0));
        FAILS_AFTER(c, e->static_data[3] ^= 0x01);
        FAILS_AFTER(c, e->static_data_size--);
        FAILS_AFTER(c, e->static_data_broken = true);
        /* The tag list: the profile follows the records, and nothing else may be on it. */
        CHAIN(c, 0, c->static_data = "5F24034912315A086200000000000005 7D00", set(c, TAG_STATIC_TAG_LIST, "82"));
        FAILS_AFTER(c, set(c, TAG_STATIC_TAG_LIST, "82"));
        CHAIN(c, -EBADMSG, c->static_data = "5F24034912315A086200000000000005 7D00",
              set(c, TAG_STATIC_TAG_LIST, "8282"));
        FAILS_AFTER(c, set(c, TAG_STATIC_TAG_LIST, "9F36"));
        FAILS_AFTER(c, set(c, TAG_STATIC_TAG_LIST, ""));
        CHAIN(c, -EBADMSG, c->static_data = "5F24034912315A086200000000000005 7D00",
              (set(c, TAG_STATIC_TAG_LIST, "82"), set(c, TAG_AIP, "7C00")));
        /* Step 8. */
        FAILS(c, d->identifier[7] = 0x15);
        FAILS(c, memcpy(d->identifier, "\x62\x00\x00\x00\x00\x00\x00\x05\x0f\xff", 10));
        FAILS(c, memcpy(d->identifier, "\x62\x00\x00\x00\x00\x00\x00\x0f\xff\xff", 10));
        FAILS_AFTER(c, set(c, TAG_PAN, "6200000000000013"));
        CHAIN(c, 0, (void) 0, set(c, TAG_PAN, "6200000000000005FFFF"));
        /* Step 9. */
        PASSES(c, memcpy(d->expiry, "\x11\x26", 2));
        FAILS(c, memcpy(d->expiry, "\x10\x26", 2));
        FAILS(c, memcpy(d->expiry, "\x13\x49", 2));
        /* Steps 10 and 11. */
        FAILS(c, d->key_algorithm = 0x02);
        FAILS(c, d->key_size = 143);
        FAILS(c, d->exponent_size = 3);
        CHAIN(c, -ENODATA, (void) 0, set(c, TAG_CARD_REMAINDER, ""));
        FAILS_AFTER(c, set(c, TAG_CARD_EXPONENT, "05"));
}

/* ---- The methods ---- */

/* What was done, by capabilities and profile; steps that decide nothing authenticate nothing. */
static void choice_of_method(void **state) {
        static const struct {
                uint8_t capable;
                const char *aip;
                enum authentication method;
                const char *tvr;
                uint8_t steps;
        } cases[] = {
                { 0xc8, "7D00", AUTHENTICATION_COMBINED, "0000000000", EMV_STEPS_FULL },
                { 0xc8, "0100", AUTHENTICATION_COMBINED, "0000000000", EMV_STEPS_ONLINE },
                { 0xc0, "4100", AUTHENTICATION_STATIC, "0200000000", EMV_STEPS_FULL },
                { 0x88, "6000", AUTHENTICATION_STATIC, "0200000000", EMV_STEPS_FULL },
                { 0x48, "4000", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0x80, "2100", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0x00, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0xc8, "1C00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_FULL },
                { 0xc8, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_AAC },
                { 0xc8, "7D00", AUTHENTICATION_NONE, "8000000000", EMV_STEPS_READ },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = chain_reset(c);
                uint8_t plain[SIGN_MAX], signature[SIGN_MAX], other[SIGN_MAX];
                uint8_t hashed[256] = { 0x03, 0x01, 0xda, 0xc1 };

                sign_chain(c);
                memset(plain, 0xbb, sizeof(plain));
                plain[0] = 0x6a;
                memcpy(plain + 1, hashed, 4);
                memcpy(hashed, plain + 1, 154);
                memcpy(hashed + 154, e->static_data, e->static_data_size);
                SHA1(hashed, 154 + e->static_data_size, plain + 155);
                plain[175] = 0xbc;
                assert_int_equal(sign_raw(c->issuer, plain, signature), 0);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);

                set(c, TAG_AIP, cases[i].aip);
                c->base.start.terminal.capabilities[2] = cases[i].capable;
                c->base.start.steps = cases[i].steps;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_int_equal(e->authentication, cases[i].method);
                assert_tvr(e, cases[i].tvr, cases[i].aip);
                assert_int_equal(e->tsi[0], cases[i].method == AUTHENTICATION_STATIC ? TSI_AUTHENTICATION : 0);
                if (cases[i].method == AUTHENTICATION_STATIC)
                        assert_memory_equal(store_get(&e->store, TAG_DATA_AUTHENTICATION_CODE, NULL), "\xda\xc1", 2);

                if (cases[i].method != AUTHENTICATION_STATIC)
                        continue;
                /* The same signature over other data, of another length, of another key. */
                e = &c->base.emv;
                memset(e->tvr, 0, 5);
                e->static_data[0] ^= 0x01;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other data");
                e->static_data[0] ^= 0x01;
                memset(e->tvr, 0, 5);
                shorten(c, TAG_SIGNED_STATIC_DATA);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: short signature");
                memset(e->tvr, 0, 5);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other signature");
                memset(e->tvr, 0, 5);
                hashed[1] = plain[2] = 0x02;
                memcpy(hashed, plain + 1, 154);
                SHA1(hashed, 154 + e->static_data_size, plain + 155);
                assert_int_equal(sign_raw(c->issuer, plain, other), 0);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, other, 176), 0);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: other hash algorithm");
                memset(e->tvr, 0, 5);
                assert_int_equal(store_set(&e->store, TAG_SIGNED_STATIC_DATA, signature, 176), 0);
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                set(c, TAG_STATIC_TAG_LIST, "5A");
                flip(c, TAG_SIGNED_STATIC_DATA, 99);
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, "4200000000", "static: tag list");
        }
}

/* Data that the method needs: missing is another bit than wrong (Book 3, 7.2 and 7.5). */
static void missing_data(void **state) {
        static const struct {
                uint32_t tag;
                uint8_t capable;
                const char *tvr;
        } cases[] = {
                { TAG_CA_INDEX, 0x80, "6200000000" },
                { TAG_ISSUER_CERTIFICATE, 0x80, "6200000000" },
                { TAG_ISSUER_EXPONENT, 0x80, "6200000000" },
                { TAG_SIGNED_STATIC_DATA, 0x80, "6200000000" },
                { TAG_CA_INDEX, 0x40, "2800000000" },
                { TAG_ISSUER_CERTIFICATE, 0x40, "2800000000" },
                { TAG_ISSUER_EXPONENT, 0x40, "2800000000" },
                { TAG_CARD_CERTIFICATE, 0x40, "2800000000" },
                { TAG_CARD_EXPONENT, 0x40, "2800000000" },
                { TAG_CARD_CERTIFICATE, 0x08, "2400000000" },
                { TAG_CARD_EXPONENT, 0x08, "2400000000" },
                /* Where the certificate has no room for the whole key. */
                { TAG_ISSUER_REMAINDER, 0x40, "2800000000" },
                { TAG_CARD_REMAINDER, 0x08, "2400000000" },
                /* The list of the terminal without the one thing that it must have. */
                { TAG_DDOL, 0x40, "0800000000" },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct emv *e = chain_reset(c);

                c->base.start.mode = EMV_MODE_LIVE;
                c->base.application.ddol = (struct emv_dol){ 3, { 0x9f, 0x02, 0x06 } };
                put(e, TAG_SIGNED_STATIC_DATA, "00");
                put(e, TAG_DDOL, "9F3704");
                sign_chain(c);
                store_forget(&e->store, cases[i].tag);
                c->base.start.terminal.capabilities[2] = cases[i].capable;
                assert_int_equal(emv_authenticate_offline(e), 0);
                assert_tvr(e, cases[i].tvr, "missing data");
                assert_int_equal(e->tsi[0], TSI_AUTHENTICATION);
                /* What failed already is not asked for with the cryptogram. */
                assert_false(emv_wants_combined(e, AC_TC));
        }
}

/* A test card is one whose issuer a test authority has certified; its index alone says little. */
static void test_cards(void **state) {
        struct chain *c = *state;
        struct emv_terminal *t = &c->base.start.terminal;

#define IS_TEST_CARD(result, before, after)                                                                           \
        ({                                                                                                            \
                struct emv *_e = chain_reset(c);                                                                      \
                                                                                                                      \
                before;                                                                                               \
                sign_chain(c);                                                                                        \
                after;                                                                                                \
                if (emv_authenticate_offline(_e) != (result))                                                         \
                        fail_msg("%s; %s", #before, #after);                                                          \
                assert_int_equal(_e->reason, (result) == 0 ? EMV_REASON_NONE : EMV_REASON_LIVE_CARD);                 \
        })

        IS_TEST_CARD(0, (void) 0, (void) 0);
        IS_TEST_CARD(-EBADE, (void) 0, t->ca_keys[0].test = 0);
        IS_TEST_CARD(-EBADE, (void) 0, set(c, TAG_CA_INDEX, "EF"));
        /* The index of a test key, the certificate of somebody else. */
        IS_TEST_CARD(-EBADE, (void) 0, flip(c, TAG_ISSUER_CERTIFICATE, 7));
        IS_TEST_CARD(-EBADE, (void) 0, t->ca_keys[0].modulus[100] ^= 0x02);
        IS_TEST_CARD(-EBADE, c->issuer_draft.header = 0x6b, (void) 0);
        /* The authority's, and wrong: a failed authentication, not a live card. */
        IS_TEST_CARD(0, c->issuer_draft.hash_flip = 0x01, (void) 0);
        assert_tvr(&c->base.emv, "0400000000", "wrong hash");
        IS_TEST_CARD(0, c->issuer_draft.expiry[1] = 0x20, (void) 0);
        assert_tvr(&c->base.emv, "0400000000", "expired");
        /* A card without certificates is judged by what it says. */
        IS_TEST_CARD(0, (void) 0, store_forget(&c->base.emv.store, TAG_ISSUER_CERTIFICATE));
        IS_TEST_CARD(-EBADE, (void) 0,
                     (store_forget(&c->base.emv.store, TAG_ISSUER_CERTIFICATE), t->ca_keys[0].test = 0));
        IS_TEST_CARD(0, c->base.start.mode = EMV_MODE_LIVE, t->ca_keys[0].test = 0);
}

/* ---- INTERNAL AUTHENTICATE ---- */

enum dynamic_fault {
        FAULT_NONE,
        FAULT_FORMAT_1,
        FAULT_SIGNATURE,
        FAULT_SHORT,
        FAULT_OTHER_NUMBER,
        FAULT_HASH_ALGORITHM,
        FAULT_FORMAT,
        FAULT_NUMBER_LONG,
        FAULT_NUMBER_SHORT,
        FAULT_NUMBER_BEYOND,
        FAULT_LENGTH,
        FAULT_NO_DATA,
        FAULT_WORD,
        FAULT_NO_SIGNATURE,
        FAULT_TEMPLATE,
        FAULT_REMOVED,
};

struct authenticator {
        struct chain *chain;
        enum dynamic_fault fault;
        uint8_t asked[255];
        size_t asked_size;
};

/* Header, format, algorithm, dynamic data, padding, hash with what the terminal sent, trailer. */
static void sign_fault(const struct authenticator *a, uint8_t signature[static SIGN_MAX]) {
        uint8_t plain[SIGN_MAX], hashed[512];
        size_t n = 144;

        memset(plain, 0xbb, sizeof(plain));
        memcpy(plain, "\x6a\x05\x01\x09\x08\x11\x22\x33\x44\x55\x66\x77\x88", 13);
        if (a->fault == FAULT_HASH_ALGORITHM)
                plain[2] = 0x02;
        if (a->fault == FAULT_FORMAT)
                plain[1] = 0x03;
        if (a->fault == FAULT_NUMBER_LONG)
                memcpy(plain + 3, "\x0a\x09", 2);
        if (a->fault == FAULT_NUMBER_SHORT)
                memcpy(plain + 3, "\x02\x01", 2);
        if (a->fault == FAULT_NUMBER_BEYOND)
                memcpy(plain + 3, "\x08\x08", 2);
        if (a->fault == FAULT_LENGTH)
                plain[3] = (uint8_t) (n - 24);
        if (a->fault == FAULT_NO_DATA)
                plain[3] = 0;
        memcpy(hashed, plain + 1, n - 22);
        memcpy(hashed + n - 22, a->asked, a->asked_size);
        if (a->fault == FAULT_OTHER_NUMBER)
                hashed[n - 22] ^= 0x01;
        SHA1(hashed, n - 22 + a->asked_size, plain + n - 21);
        plain[n - 1] = 0xbc;
        assert_int_equal(sign_raw(a->chain->card, plain, signature), 0);
        if (a->fault == FAULT_SIGNATURE)
                signature[50] ^= 0x10;
}

static int authenticator(void *userdata, const uint8_t *command, size_t size,
                         uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        struct authenticator *a = userdata;
        uint8_t signature[SIGN_MAX], inner[256];
        size_t n = a->fault == FAULT_SHORT ? 143 : 144, used = 0, total = 0;

        assert_memory_equal(command, "\x00\x88\x00\x00", 4);
        a->asked_size = command[4];
        assert_true(size >= 5U + a->asked_size);
        memcpy(a->asked, command + 5, a->asked_size);
        if (a->fault == FAULT_REMOVED)
                return -ENOMEDIUM;
        sign_fault(a, signature);
        if (a->fault == FAULT_FORMAT_1)
                assert_int_equal(tlv_append(response, 256, &total, TAG_RESPONSE_1, signature, n), 0);
        else {
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_PRODUCT, "abc", 3), 0);
                assert_int_equal(tlv_append(inner, sizeof(inner), &used,
                                            a->fault == FAULT_NO_SIGNATURE ? TAG_IAD : TAG_SIGNED_DYNAMIC_DATA,
                                            signature, n),
                                 0);
                assert_int_equal(tlv_append(response, 256, &total,
                                            a->fault == FAULT_TEMPLATE ? TAG_RECORD : TAG_RESPONSE_2, inner, used),
                                 0);
        }
        memcpy(response + total, a->fault == FAULT_WORD ? "\x62\x83" : "\x90\x00", 2);
        *ret_size = total + 2;
        return 0;
}

static void dynamic(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = authenticator };
        static const struct {
                enum dynamic_fault fault;
                const char *ddol; /* of the card; NULL: none */
                const char *asked, *tvr;
                int result;
        } cases[] = {
                { FAULT_NONE, NULL, "A1B2C3D4", "0000000000" },
                { FAULT_FORMAT_1, NULL, "A1B2C3D4", "0000000000" },
                { FAULT_NONE, "9F37049A03", "A1B2C3D4261121", "0000000000" },
                { FAULT_NONE, "9A03", "", "0800000000" },
                { FAULT_NONE, "9F37", "", "0800000000" },
                { FAULT_NONE, "9F3700", "", "0800000000" },
                { FAULT_NONE, "9F3704 9F02FF", "", "0800000000" },
                { FAULT_SIGNATURE, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_SHORT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_OTHER_NUMBER, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_HASH_ALGORITHM, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_FORMAT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_LONG, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_SHORT, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NUMBER_BEYOND, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_LENGTH, NULL, "A1B2C3D4", "0800000000" },
                { FAULT_NO_DATA, NULL, "A1B2C3D4", "0800000000" },
                /* No failed authentication but a card that does not follow the books, or is gone. */
                { FAULT_WORD, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_NO_SIGNATURE, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_TEMPLATE, NULL, "A1B2C3D4", "0000000000", -EBADMSG },
                { FAULT_REMOVED, NULL, "A1B2C3D4", "0000000000", -ENOMEDIUM },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct authenticator a = { .chain = c, .fault = cases[i].fault };
                struct emv *e = chain_reset(c);
                char asked[2 * sizeof(a.asked) + 1];

                e->callbacks = &callbacks;
                e->userdata = &a;
                c->base.start.terminal.capabilities[2] = 0x40;
                assert_int_equal(store_set(&e->store, TAG_UNPREDICTABLE, c->base.start.unpredictable, 4), 0);
                assert_int_equal(store_set(&e->store, TAG_DATE, c->base.start.date, 3), 0);
                if (cases[i].ddol)
                        put(e, TAG_DDOL, cases[i].ddol);
                sign_chain(c);
                assert_int_equal(emv_authenticate_offline(e), cases[i].result);
                assert_tvr(e, cases[i].tvr, "dynamic");
                hex_encode(a.asked, a.asked_size, asked);
                assert_string_equal(asked, cases[i].asked);
                assert_int_equal(e->tsi[0], cases[i].result == 0 ? TSI_AUTHENTICATION : 0);
                if (cases[i].result < 0 || tvr_test(e->tvr, TVR_DDA_FAILED))
                        assert_null(store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL));
                else
                        assert_memory_equal(store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL),
                                            "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
        }
}

/* ---- GENERATE AC with a signature ---- */

enum combined_fault {
        COMBINED_GOOD,
        COMBINED_OTHER_KIND, /* in the signature */
        COMBINED_IN_CLEAR,   /* a cryptogram beside a wrong signature */
        COMBINED_SHORT,      /* dynamic data without the hash of the transaction */
        COMBINED_MORE,       /* dynamic data with something behind it: 32 to 38 bytes are the leftmost */
        COMBINED_UNSIGNED,
        COMBINED_FORMAT_1,
        COMBINED_AAC,
};

struct combined_card {
        struct chain *chain;
        enum combined_fault fault;
        uint8_t p1;
};

static void sign_combined_fault(const struct combined_card *a, const uint8_t *inner, size_t inner_size,
                                const uint8_t *sent, size_t sent_size, uint8_t signature[static SIGN_MAX]) {
        uint8_t dynamic[64] = "\x02\xab\xcd\x80\x11\x22\x33\x44\x55\x66\x77\x88", hashed[512];
        size_t n = 12 + 20;

        memcpy(hashed, sent, sent_size);
        memcpy(hashed + sent_size, inner, inner_size);
        SHA1(hashed, sent_size + inner_size, dynamic + 12);
        if (a->fault == COMBINED_OTHER_KIND)
                dynamic[3] = 0x40;
        if (a->fault == COMBINED_SHORT)
                n--;
        if (a->fault == COMBINED_MORE)
                dynamic[n++] = 0x55;
        assert_int_equal(sign_dynamic(a->chain->card, dynamic, n, a->chain->base.start.unpredictable, 4, signature),
                         144);
        if (a->fault == COMBINED_IN_CLEAR)
                signature[50] ^= 0x10;
}

static int combined_card(void *userdata, const uint8_t *command, size_t size,
                         uint8_t response[static APDU_RESPONSE_MAX], size_t *ret_size) {
        static const uint8_t format_1[] = "\x80\x0b\x80\x00\x07\x11\x22\x33\x44\x55\x66\x77\x88\x90";
        struct combined_card *a = userdata;
        uint8_t inner[256] = "\x9f\x27\x01\x80\x9f\x36\x02\x00\x07", signature[SIGN_MAX];
        size_t used = 9, total = 0;

        assert_true(size >= 5);
        a->p1 = command[2];
        if (a->fault == COMBINED_FORMAT_1) {
                memcpy(response, format_1, sizeof(format_1));
                *ret_size = sizeof(format_1);
                return 0;
        }
        if (a->fault == COMBINED_AAC)
                inner[3] = 0x00;
        if (a->fault == COMBINED_AAC || a->fault == COMBINED_IN_CLEAR || a->fault == COMBINED_UNSIGNED)
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_CRYPTOGRAM, "abcdefgh", 8), 0);
        sign_combined_fault(a, inner, used, command + 5, command[4], signature);
        if (a->fault != COMBINED_AAC && a->fault != COMBINED_UNSIGNED)
                assert_int_equal(tlv_append(inner, sizeof(inner), &used, TAG_SIGNED_DYNAMIC_DATA, signature, 144), 0);
        assert_int_equal(tlv_append(response, 256, &total, TAG_RESPONSE_2, inner, used), 0);
        memcpy(response + total, "\x90\x00", 2);
        *ret_size = total + 2;
        return 0;
}

static void combined(void **state) {
        static const struct emv_callbacks callbacks = { .transmit = combined_card };
        static const struct {
                enum combined_fault fault;
                int result;
                const char *tvr, *cryptogram;
                uint8_t given;
        } cases[] = {
                { COMBINED_GOOD, 0, "0000000000", "\x11\x22\x33\x44\x55\x66\x77\x88", AC_ARQC },
                { COMBINED_MORE, 0, "0000000000", "\x11\x22\x33\x44\x55\x66\x77\x88", AC_ARQC },
                { COMBINED_OTHER_KIND, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_IN_CLEAR, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_SHORT, 0, "0400000000", NULL, AC_ARQC },
                { COMBINED_UNSIGNED, -EBADMSG },
                { COMBINED_FORMAT_1, -EBADMSG },
                { COMBINED_AAC, 0, "0000000000", "abcdefgh", AC_AAC },
        };
        struct chain *c = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct combined_card a = { .chain = c, .fault = cases[i].fault };
                struct emv *e = chain_reset(c);
                const uint8_t *cryptogram;
                uint8_t given = 0xff;

                e->callbacks = &callbacks;
                e->userdata = &a;
                sign_chain(c);
                put(e, TAG_CDOL1, "9F0206");
                assert_int_equal(emv_authenticate_offline(e), 0);
                /* Not with what the card will decline anyway. */
                assert_false(emv_wants_combined(e, AC_AAC));
                assert_true(emv_wants_combined(e, AC_ARQC));
                assert_int_equal(emv_generate_ac(e, AC_ARQC, false, &given), cases[i].result);
                assert_int_equal(a.p1, 0x90);
                if (cases[i].result < 0)
                        continue;
                assert_int_equal(given, cases[i].given);
                assert_tvr(e, cases[i].tvr, "combined");
                cryptogram = store_get(&e->store, TAG_CRYPTOGRAM, NULL);
                assert_int_equal(e->has_cryptogram, cryptogram != NULL);
                if (!cases[i].cryptogram)
                        assert_null(cryptogram);
                else
                        assert_memory_equal(cryptogram, cases[i].cryptogram, 8);
        }
}

/* ---- What READ RECORD collects ---- */

/* Book 3, 10.3: by the locator's order, without the template's head in files 1 to 10, and only templates. */
static void static_data(void **state) {
#define FIRST "7015 5F2403491231 8C039F3704 8D038A0202 9F0702FF00 9000"
#define SECOND "700A 5A086200000000000005 9000"
#define COLLECTED "5F2403491231 8C039F3704 8D038A0202 9F0702FF00"
        static const struct {
                const char *afl, *lines[6];
                const char *collected;
                bool broken;
        } cases[] = {
                { "08010200", { "00B2010C", FIRST, "00B2020C", SECOND }, "" },
                { "08010201", { "00B2010C", FIRST, "00B2020C", SECOND }, COLLECTED },
                { "08010202", { "00B2010C", FIRST, "00B2020C", SECOND }, COLLECTED "5A086200000000000005" },
                { "1001010108010100", { "00B20114", SECOND, "00B2010C", FIRST }, "5A086200000000000005" },
                /* Filling behind the template is a part of the record. */
                { "0801010110010100",
                  { "00B2010C", "7015 5F2403491231 8C039F3704 8D038A0202 9F0702FF00 00 9000", "00B20114", SECOND },
                  COLLECTED "00" },
                /* Files 11 to 30: whole, read for this alone. */
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7003 DF0101 9000" },
                  "7003DF0101" },
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7103 DF0101 9000" },
                  "",
                  true },
                { "0801020058010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7003 DF0101 01 9000" },
                  "",
                  true },
                { "0801020058010100", { "00B2010C", FIRST, "00B2020C", SECOND, "00B2015C", "7103 DF0101 9000" }, "" },
                /* A record of a file below that is to be signed and is no template tells nothing. */
                { "0801020018010101",
                  { "00B2010C", FIRST, "00B2020C", SECOND, "00B2011C", "7103 DF0101 9000" },
                  "",
                  true },
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct dialogue d = { .lines = cases[i].lines, .n = cases[i].lines[4] ? 6 : 4 };
                struct emv *e = fresh(f);
                uint8_t expected[256];
                size_t n = fixture_hex(cases[i].collected, expected, sizeof(expected));

                e->callbacks = &script_callbacks;
                e->userdata = &d;
                put(e, TAG_AFL, cases[i].afl);
                assert_int_equal(emv_read_application_data(e), 0);
                assert_int_equal(d.at, d.n);
                assert_int_equal(e->static_data_broken, cases[i].broken);
                assert_int_equal(e->static_data_size, n);
                assert_memory_equal(e->static_data, expected, n);
        }
}

/* ---- Keys ---- */

static void keys(void **state) {
        static const struct {
                size_t first, second;
                uint8_t top, bottom;
                const char *exponent;
                int result;
        } cases[] = {
                { 64, 0, 0x80, 0x01, "03", 0 },        { 248, 0, 0x80, 0x01, "010001", 0 },
                { 100, 148, 0x80, 0x01, "03", 0 },     { 64, 0, 0x80, 0x01, "0003", 0 },
                { 63, 0, 0x80, 0x01, "03", -EBADMSG }, { 248, 1, 0x80, 0x01, "03", -EBADMSG },
                { 64, 0, 0x7f, 0x01, "03", -EBADMSG }, { 64, 0, 0x80, 0x02, "03", -EBADMSG },
                { 64, 0, 0x80, 0x01, "02", -EBADMSG }, { 64, 0, 0x80, 0x01, "00010001", -EBADMSG },
                { 64, 0, 0x80, 0x01, "", -EBADMSG },   { 64, 0, 0x80, 0x01, "01", -EBADMSG },
                { 64, 0, 0x80, 0x01, "11", -EBADMSG }, { 64, 0, 0x80, 0x01, "0000", -EBADMSG },
                { 0, 0, 0x80, 0x01, "03", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint8_t modulus[256] = {}, buffer[256];
                const struct bytes parts[2] = { { modulus, cases[i].first },
                                                { modulus + cases[i].first, cases[i].second } };
                const struct bytes exponent = hex_bytes(cases[i].exponent, buffer);
                struct public_key key = {};

                modulus[0] = cases[i].top;
                if (parts[0].size + parts[1].size > 0)
                        modulus[parts[0].size + parts[1].size - 1] |= cases[i].bottom;
                assert_int_equal(public_key_make(parts, &exponent, &key), cases[i].result);
                assert_int_equal(key.size, cases[i].result < 0 ? 0 : parts[0].size + parts[1].size);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(vector_1984_bits, setup, teardown),
                cmocka_unit_test_setup_teardown(vector_combined, setup, teardown),
                cmocka_unit_test_setup_teardown(vector_transaction_data, setup, teardown),
                cmocka_unit_test_setup_teardown(issuer_certificate, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(authority, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(card_certificate, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(choice_of_method, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(missing_data, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(test_cards, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(dynamic, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(combined, chain_setup, chain_teardown),
                cmocka_unit_test_setup_teardown(static_data, setup, teardown),
                cmocka_unit_test(keys),
        };

        return cmocka_run_group_tests_name("emv: offline data authentication", tests, NULL, NULL);
}
