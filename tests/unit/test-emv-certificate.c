// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

/* Keys and certificates: figures of other people's cards, and a chain of our own with each field made wrong. */

#include "base/tlv.h"
#include "emv-chain.h"
#include "emv-vectors.h"

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
                cmocka_unit_test(keys),
        };

        return cmocka_run_group_tests_name("emv: keys and certificates", tests, NULL, NULL);
}
