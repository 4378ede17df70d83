// SPDX-License-Identifier: LGPL-2.1-or-later
/* Offline data authentication: EMV Book 3, 10.3, and Book 2, 5 and 6. */

#include "base/tlv.h"
#include "emv/certificate.h"
#include "emv/step.h"

#define INS_INTERNAL_AUTHENTICATE 0x88

/* 9F33, third byte (Book 4, Annex A2). */
#define CAPABLE_SDA 0x80
#define CAPABLE_DDA 0x40
#define CAPABLE_CDA 0x08

/* Second byte of what a signature opens to. */
#define FORMAT_STATIC 0x03
#define FORMAT_DYNAMIC 0x05

#define HASH_SHA1 0x01

/* Header, format, algorithm, length of the dynamic data; and hash and trailer. */
#define DYNAMIC_HEAD_SIZE 4
#define DYNAMIC_TAIL_SIZE (PUBLIC_KEY_HASH_SIZE + 1)

/*
 * A card of the real world has no business in a test or a training. An index says little: the same one is a test
 * key's here and a live key's elsewhere. So the issuer's certificate has to open under the test key; only a card
 * that has none is judged by its index.
 */
static bool is_test_card(const struct emv *e) {
        const struct emv_ca_key *key = certificate_find_ca_key(e);

        if (!key || !key->test)
                return false;
        return !store_get(&e->store, TAG_ISSUER_CERTIFICATE, NULL) || certificate_is_signed_by(e, key);
}

/* The best that both sides can do. */
static enum authentication choose(const struct emv *e) {
        const uint8_t capable = e->start->terminal.capabilities[2], aip = emv_aip(e);

        if (capable & CAPABLE_CDA && aip & AIP_CDA)
                return AUTHENTICATION_COMBINED;
        if (capable & CAPABLE_DDA && aip & AIP_DDA)
                return AUTHENTICATION_DYNAMIC;
        if (capable & CAPABLE_SDA && aip & AIP_SDA)
                return AUTHENTICATION_STATIC;
        return AUTHENTICATION_NONE;
}

/* Book 2, 5.4: what the issuer signed once and for all. */
static int check_static(struct emv *e) {
        uint8_t plain[PUBLIC_KEY_MAX];
        struct bytes signature = {}, static_data[2];
        struct public_key issuer;
        int r;

        signature.data = store_get(&e->store, TAG_SIGNED_STATIC_DATA, &signature.size);
        if (!signature.data || !certificate_has_data(e, false))
                return -ENODATA;
        r = certificate_recover_issuer(e, &issuer);
        if (r < 0)
                return r;
        r = public_key_open(&issuer, &signature, FORMAT_STATIC, plain);
        if (r < 0)
                return r;
        r = certificate_static_data(e, static_data);
        if (r < 0)
                return r;
        if (plain[2] != HASH_SHA1)
                return -EBADMSG;
        r = public_key_check_hash(plain, issuer.size, static_data, ELEMENTSOF(static_data));
        if (r < 0)
                return r;
        return store_set(&e->store, TAG_DATA_AUTHENTICATION_CODE, plain + 3, 2);
}

/* Book 2, 6.3 and 6.4. */
static int recover_card_key(const struct emv *e, struct public_key *ret) {
        struct public_key issuer;
        int r;

        if (!certificate_has_data(e, true))
                return -ENODATA;
        r = certificate_recover_issuer(e, &issuer);
        if (r < 0)
                return r;
        return certificate_recover_card(e, &issuer, ret);
}

/*
 * Steps 1 to 7 (9) of 6.5.2 and 6.6.2, which are the same: opened, and hashed together with what the terminal
 * sent. In *ret the dynamic data, which begin with the length of the card's dynamic number.
 */
static int open_dynamic(const struct public_key *key, const struct bytes *signature, const struct bytes *sent,
                        uint8_t plain[static PUBLIC_KEY_MAX], struct bytes *ret) {
        int r;

        r = public_key_open(key, signature, FORMAT_DYNAMIC, plain);
        if (r < 0)
                return r;
        if (plain[2] != HASH_SHA1 || plain[3] > key->size - DYNAMIC_HEAD_SIZE - DYNAMIC_TAIL_SIZE)
                return -EBADMSG;
        r = public_key_check_hash(plain, key->size, sent, 1);
        if (r < 0)
                return r;
        *ret = (struct bytes){ plain + DYNAMIC_HEAD_SIZE, plain[3] };
        /* Two to eight bytes (tables 16 and 19). */
        if (ret->size < 1 || plain[DYNAMIC_HEAD_SIZE] < 2 || plain[DYNAMIC_HEAD_SIZE] > 8 ||
            plain[DYNAMIC_HEAD_SIZE] > ret->size - 1)
                return -EBADMSG;
        return 0;
}

static int store_dynamic_number(struct emv *e, const struct bytes *dynamic) {
        const uint8_t *p = dynamic->data;

        return store_set(&e->store, TAG_DYNAMIC_NUMBER, p + 1, p[0]);
}

/* 6.5.1: the card's list or the terminal's own, either with the unpredictable number. */
static int build_ddol(const struct emv *e, struct sent *ret) {
        const struct emv_dol *own = &e->application->ddol;
        const uint8_t *ddol, *p;
        size_t size, left;
        bool unpredictable = false;
        uint32_t tag;
        uint8_t wanted;
        int r;

        ddol = store_get(&e->store, TAG_DDOL, &size);
        if (!ddol) {
                ddol = own->data;
                size = own->size;
        }
        p = ddol;
        left = size;
        while ((r = dol_next(&p, &left, &tag, &wanted)) > 0)
                if (tag == TAG_UNPREDICTABLE && wanted > 0)
                        unpredictable = true;
        if (r < 0 || !unpredictable)
                return -EBADMSG;
        r = store_build_dol(&e->store, ddol, size, ret->data, sizeof(ret->data), &ret->size);
        return r == -ENOBUFS ? -EBADMSG : r;
}

/* Book 3, 6.5.9: the signature is the only object of format 1 and one of those of format 2. */
static int parse_signature(const struct emv *e, struct bytes *ret) {
        struct tlv t;

        if (tlv_only(e->response.data, e->response.size, TAG_RESPONSE_1, &t) < 0) {
                if (tlv_only(e->response.data, e->response.size, TAG_RESPONSE_2, &t) < 0 ||
                    tlv_find(t.value, t.size, TAG_SIGNED_DYNAMIC_DATA, &t) < 0)
                        return -EBADMSG;
        }
        *ret = (struct bytes){ t.value, t.size };
        return 0;
}

/* Book 3, 6.5.9.4 and 6.5.9.5: another word than 9000, or no signature, is not a failure but the end. */
static int internal_authenticate(struct emv *e, const struct sent *ddol, struct bytes *ret_signature) {
        int r;

        r = emv_exchange(e, 0x00, INS_INTERNAL_AUTHENTICATE, 0, 0, ddol->data, ddol->size, true);
        if (r < 0)
                return r;
        if (e->response.sw != 0x9000)
                return -EBADMSG;
        return parse_signature(e, ret_signature);
}

/* Book 2, 6.5.2. */
static int check_dynamic(struct emv *e, const struct public_key *key, const struct sent *ddol,
                         const struct bytes *signature) {
        const struct bytes sent = { ddol->data, ddol->size };
        uint8_t plain[PUBLIC_KEY_MAX];
        struct bytes dynamic;
        int r;

        r = open_dynamic(key, signature, &sent, plain, &dynamic);
        if (r < 0)
                return r;
        return store_dynamic_number(e, &dynamic);
}

static bool is_failure(int r) {
        return r == -EBADMSG || r == -ENODATA || r == -ENOKEY;
}

/* What an authentication has come to; anything that is not the card's fault ends the transaction. */
static int conclude(struct emv *e, int r, enum tvr_bit failed) {
        if (r < 0 && !is_failure(r))
                return r;
        if (r == -ENODATA)
                tvr_set(e->tvr, TVR_DATA_MISSING);
        if (r < 0)
                tvr_set(e->tvr, failed);
        e->tsi[0] |= TSI_AUTHENTICATION;
        return 0;
}

static int authenticate_dynamic(struct emv *e) {
        struct bytes signature;
        struct public_key key;
        int r;

        r = recover_card_key(e, &key);
        if (r >= 0)
                r = build_ddol(e, &e->ddol);
        if (r < 0)
                return conclude(e, r, TVR_DDA_FAILED);
        r = internal_authenticate(e, &e->ddol, &signature);
        if (r < 0)
                return r;
        return conclude(e, check_dynamic(e, &key, &e->ddol, &signature), TVR_DDA_FAILED);
}

/* Only the key for now: the signature comes with the cryptogram (Book 2, 6.6), and with it the end of this step. */
static int prepare_combined(struct emv *e) {
        int r;

        r = recover_card_key(e, &e->card_key);
        return r < 0 ? conclude(e, r, TVR_CDA_FAILED) : 0;
}

int emv_authenticate_offline(struct emv *e) {
        bool decides = e->start->steps == EMV_STEPS_FULL || e->start->steps == EMV_STEPS_ONLINE;

        if (e->start->mode != EMV_MODE_LIVE && !is_test_card(e))
                return emv_end(e, EMV_REASON_LIVE_CARD);
        /* A refund or a reading asks the card for no approval that would have to be trusted. */
        e->authentication = decides ? choose(e) : AUTHENTICATION_NONE;
        switch (e->authentication) {
        case AUTHENTICATION_COMBINED:
                return prepare_combined(e);
        case AUTHENTICATION_DYNAMIC:
                return authenticate_dynamic(e);
        case AUTHENTICATION_STATIC:
                tvr_set(e->tvr, TVR_SDA_SELECTED);
                return conclude(e, check_static(e), TVR_SDA_FAILED);
        default:
                tvr_set(e->tvr, TVR_AUTHENTICATION_NOT_PERFORMED);
                return 0;
        }
}

bool emv_wants_combined(const struct emv *e, uint8_t asked) {
        return e->authentication == AUTHENTICATION_COMBINED && asked != AC_AAC && !tvr_test(e->tvr, TVR_CDA_FAILED);
}

/* The objects of the response as they came, but for the signature itself. */
static int split_response(const struct bytes *template, struct bytes *signature, struct bytes around[static 2]) {
        const uint8_t *p = template->data, *begin;
        size_t left = template->size;
        struct tlv t;
        int r;

        around[0] = *template;
        around[1] = (struct bytes){};
        *signature = (struct bytes){};
        for (begin = p; (r = tlv_next(&p, &left, &t)) > 0; begin = p) {
                if (t.tag != TAG_SIGNED_DYNAMIC_DATA)
                        continue;
                *signature = (struct bytes){ t.value, t.size };
                around[0].size = (size_t) (begin - (const uint8_t *) template->data);
                around[1] = (struct bytes){ p, left };
        }
        return r;
}

/* Steps 10 to 12: all that went to the card and came from it. */
static int check_transaction_data(const struct emv *e, const uint8_t expected[static PUBLIC_KEY_HASH_SIZE],
                                  const struct bytes around[static 2], bool second) {
        const struct bytes parts[] = {
                { e->pdol.data, e->pdol.size },
                { e->cdol1.data, e->cdol1.size },
                { e->cdol2.data, second ? e->cdol2.size : 0 },
                around[0],
                around[1],
        };

        return public_key_hash_is(expected, parts, ELEMENTSOF(parts));
}

/* Book 2, 6.6.2. */
static int check_combined(struct emv *e, const struct bytes *template, bool second) {
        const struct bytes sent_data = { e->start->unpredictable, sizeof(e->start->unpredictable) };
        uint8_t plain[PUBLIC_KEY_MAX];
        struct bytes signature, around[2], dynamic;
        const uint8_t *p;
        int r;

        r = split_response(template, &signature, around);
        if (r < 0)
                return r;
        r = open_dynamic(&e->card_key, &signature, &sent_data, plain, &dynamic);
        if (r < 0)
                return r;
        /* Table 19: dynamic number, cryptogram information data, cryptogram, transaction data hash code. */
        p = dynamic.data;
        if (dynamic.size < 1U + p[0] + 1 + 8 + PUBLIC_KEY_HASH_SIZE)
                return -EBADMSG;
        p += 1 + p[0];
        if (*p != *store_get(&e->store, TAG_CID, NULL))
                return -EBADMSG;
        r = check_transaction_data(e, p + 9, around, second);
        if (r < 0)
                return r;
        r = store_dynamic_number(e, &dynamic);
        if (r < 0)
                return r;
        return store_set(&e->store, TAG_CRYPTOGRAM, p + 1, 8);
}

int emv_check_combined(struct emv *e, const struct bytes *template, bool second) {
        return conclude(e, check_combined(e, template, second), TVR_CDA_FAILED);
}
