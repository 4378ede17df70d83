// SPDX-License-Identifier: LGPL-2.1-or-later
/* Retrieval of the issuer's and the card's public key: EMV Book 2, 5.2, 5.3 and 6.4. */

#include "emv/certificate.h"

/* Second byte of what a certificate opens to. */
#define FORMAT_ISSUER 0x02
#define FORMAT_CARD 0x04

#define HASH_SHA1 0x01
#define ALGORITHM_RSA 0x01

/* Hash and trailer behind the leftmost part of the key. */
#define TAIL_SIZE (PUBLIC_KEY_HASH_SIZE + 1)

/* Tables 6 and 14: the same fields behind an identifier of 4 bytes (issuer) or 10 (card). */
struct certificate {
        const uint8_t *plain;
        size_t size;
        const uint8_t *identifier;
        size_t identifier_size;
        const uint8_t *expiry; /* MMYY */
        const uint8_t *serial; /* 3 bytes */
        uint8_t hash_algorithm;
        uint8_t key_algorithm;
        uint8_t key_size;
        uint8_t exponent_size;
        const uint8_t *key;
        size_t room; /* for the leftmost part of the key */
};

static struct bytes get(const struct emv *e, uint32_t tag) {
        struct bytes b = {};

        b.data = store_get(&e->store, tag, &b.size);
        return b;
}

bool certificate_has_data(const struct emv *e, bool with_card) {
        if (get(e, TAG_CA_INDEX).size == 0 || get(e, TAG_ISSUER_CERTIFICATE).size == 0 ||
            get(e, TAG_ISSUER_EXPONENT).size == 0)
                return false;
        return !with_card || (get(e, TAG_CARD_CERTIFICATE).size > 0 && get(e, TAG_CARD_EXPONENT).size > 0);
}

static bool is_key_expired(const struct emv *e, const struct emv_ca_key *k) {
        return k->expires[0] != 0 && emv_binary_number(k->expires) < emv_full_date(e->start->date);
}

const struct emv_ca_key *certificate_find_ca_key(const struct emv *e) {
        struct bytes name = get(e, TAG_DF_NAME), index = get(e, TAG_CA_INDEX);
        const struct emv_ca_key *k;

        if (name.size < EMV_RID_SIZE || index.size != 1)
                return NULL;
        k = emv_terminal_find_ca_key(&e->start->terminal, name.data, *(const uint8_t *) index.data);
        return k && !is_key_expired(e, k) ? k : NULL;
}

static int ca_public_key(const struct emv_ca_key *ca, struct public_key *ret) {
        static const uint8_t three[] = { 3 }, fermat[] = { 1, 0, 1 };
        const struct bytes modulus[2] = { { ca->modulus, ca->modulus_size } };
        const struct bytes exponent =
                ca->exponent == 3 ? (struct bytes){ three, sizeof(three) } : (struct bytes){ fermat, sizeof(fermat) };

        return public_key_make(modulus, &exponent, ret);
}

/* Steps 1 to 4: opened, and its fields found. */
static int open_certificate(const struct public_key *key, const struct bytes *signature, uint8_t format,
                            size_t identifier_size, uint8_t plain[static PUBLIC_KEY_MAX], struct certificate *ret) {
        const uint8_t *p = plain + 2;
        int r;

        r = public_key_open(key, signature, format, plain);
        if (r < 0)
                return r;
        *ret = (struct certificate){
                .plain = plain,
                .size = key->size,
                .identifier = p,
                .identifier_size = identifier_size,
                .expiry = p + identifier_size,
                .serial = p + identifier_size + 2,
                .hash_algorithm = p[identifier_size + 5],
                .key_algorithm = p[identifier_size + 6],
                .key_size = p[identifier_size + 7],
                .exponent_size = p[identifier_size + 8],
                .key = p + identifier_size + 9,
                .room = key->size - 2 - identifier_size - 9 - TAIL_SIZE,
        };
        return 0;
}

/* Steps 5 to 7: the hash covers the certificate, the rest of the key, its exponent and for a card its data. */
static int check_hash(const struct certificate *c, const struct bytes *remainder, const struct bytes *exponent,
                      const struct bytes static_data[static 2]) {
        const struct bytes more[] = { *remainder, *exponent, static_data[0], static_data[1] };

        if (c->hash_algorithm != HASH_SHA1)
                return -EBADMSG;
        return public_key_check_hash(c->plain, c->size, more, ELEMENTSOF(more));
}

/* Step 8 for an issuer: 3 to 8 digits that the PAN begins with, filled with F. */
static bool is_issuer_of(const struct certificate *c, const struct bytes *pan) {
        size_t n = 0;

        while (n < 2 * c->identifier_size && emv_nibble(c->identifier, n) != 0x0f) {
                if (n >= 2 * pan->size || emv_nibble(c->identifier, n) != emv_nibble(pan->data, n))
                        return false;
                n++;
        }
        for (size_t i = n; i < 2 * c->identifier_size; i++)
                if (emv_nibble(c->identifier, i) != 0x0f)
                        return false;
        return n >= 3;
}

/* Step 8 for a card: the same PAN, each filled with F to its own length. */
static bool is_card_of(const struct certificate *c, const struct bytes *pan) {
        char certified[EMV_PAN_MAX + 1], told[EMV_PAN_MAX + 1];

        return emv_pan_digits(c->identifier, c->identifier_size, certified) >= 0 &&
               emv_pan_digits(pan->data, pan->size, told) >= 0 && strcmp(certified, told) == 0;
}

/* Step 9: good to the end of its month. */
static bool is_expired(const struct emv *e, const struct certificate *c) {
        const uint8_t month = c->expiry[0], last_day[3] = { c->expiry[1], month, 0x31 };
        uint64_t number;

        if (emv_bcd_number(c->expiry, 2, &number) < 0 || month < 0x01 || month > 0x12)
                return true;
        return emv_full_date(last_day) < emv_full_date(e->start->date);
}

/* Step 10 for an issuer: RID, index and serial number are not on the revocation list (5.1.2). */
static bool is_revoked(const struct emv *e, const struct emv_ca_key *ca, const struct certificate *c) {
        const struct emv_terminal *t = &e->start->terminal;

        for (uint32_t i = 0; i < t->n_revocations; i++) {
                const struct emv_revocation *r = t->revocations + i;

                if (memcmp(r->rid, ca->rid, sizeof(r->rid)) == 0 && r->index == ca->index &&
                    memcmp(r->serial, c->serial, sizeof(r->serial)) == 0)
                        return true;
        }
        return false;
}

/* Book 3, 7.5: the certificate says that it has no room for the key, and the rest is not there. */
static bool lacks_remainder(const struct certificate *c, const struct bytes *remainder) {
        return c->key_size > c->room && remainder->size == 0;
}

/* Steps 11 and 12: the algorithm is known, and the key has the length that was certified. */
static int take_key(const struct certificate *c, const struct bytes *remainder, const struct bytes *exponent,
                    struct public_key *ret) {
        const struct bytes parts[2] = { { c->key, MIN((size_t) c->key_size, c->room) }, *remainder };

        if (c->key_algorithm != ALGORITHM_RSA || exponent->size != c->exponent_size ||
            parts[0].size + parts[1].size != c->key_size)
                return -EBADMSG;
        return public_key_make(parts, exponent, ret);
}

static int open_issuer(const struct emv *e, const struct emv_ca_key *ca, uint8_t plain[static PUBLIC_KEY_MAX],
                       struct certificate *ret) {
        struct bytes signature = get(e, TAG_ISSUER_CERTIFICATE);
        struct public_key key;
        int r;

        r = ca_public_key(ca, &key);
        if (r < 0)
                return r;
        return open_certificate(&key, &signature, FORMAT_ISSUER, 4, plain, ret);
}

bool certificate_is_signed_by(const struct emv *e, const struct emv_ca_key *ca) {
        uint8_t plain[PUBLIC_KEY_MAX];
        struct certificate c;

        return open_issuer(e, ca, plain, &c) >= 0;
}

int certificate_recover_issuer(const struct emv *e, struct public_key *ret) {
        static const struct bytes no_static_data[2] = {};
        const struct bytes remainder = get(e, TAG_ISSUER_REMAINDER), exponent = get(e, TAG_ISSUER_EXPONENT);
        const struct bytes pan = get(e, TAG_PAN);
        const struct emv_ca_key *ca;
        uint8_t plain[PUBLIC_KEY_MAX];
        struct certificate c;
        int r;

        ca = certificate_find_ca_key(e);
        if (!ca)
                return -ENOKEY;
        r = open_issuer(e, ca, plain, &c);
        if (r < 0)
                return r;
        if (lacks_remainder(&c, &remainder))
                return -ENODATA;
        r = check_hash(&c, &remainder, &exponent, no_static_data);
        if (r < 0)
                return r;
        if (!is_issuer_of(&c, &pan) || is_expired(e, &c) || is_revoked(e, ca, &c))
                return -EBADMSG;
        return take_key(&c, &remainder, &exponent, ret);
}

int certificate_static_data(const struct emv *e, struct bytes ret[static 2]) {
        const struct bytes list = get(e, TAG_STATIC_TAG_LIST);

        if (e->static_data_broken)
                return -EBADMSG;
        ret[0] = (struct bytes){ e->static_data, e->static_data_size };
        ret[1] = (struct bytes){};
        if (!list.data)
                return 0;
        if (list.size != 1 || *(const uint8_t *) list.data != TAG_AIP)
                return -EBADMSG;
        ret[1] = get(e, TAG_AIP);
        return 0;
}

int certificate_recover_card(const struct emv *e, const struct public_key *issuer, struct public_key *ret) {
        const struct bytes signature = get(e, TAG_CARD_CERTIFICATE);
        const struct bytes remainder = get(e, TAG_CARD_REMAINDER), exponent = get(e, TAG_CARD_EXPONENT);
        const struct bytes pan = get(e, TAG_PAN);
        uint8_t plain[PUBLIC_KEY_MAX];
        struct bytes static_data[2];
        struct certificate c;
        int r;

        r = open_certificate(issuer, &signature, FORMAT_CARD, 10, plain, &c);
        if (r < 0)
                return r;
        if (lacks_remainder(&c, &remainder))
                return -ENODATA;
        r = certificate_static_data(e, static_data);
        if (r < 0)
                return r;
        r = check_hash(&c, &remainder, &exponent, static_data);
        if (r < 0)
                return r;
        if (!is_card_of(&c, &pan) || is_expired(e, &c))
                return -EBADMSG;
        return take_key(&c, &remainder, &exponent, ret);
}
