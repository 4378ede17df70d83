// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificates and signatures of a card that says what it likes, and that somebody has signed: the input is what they
 * open to, and the target signs it, since nothing is found behind a signature that never fits. One prime is the
 * modulus of all three keys: with a prime, who knows the public exponent knows the private one.
 *
 * Input: a byte of what is set right before it is signed, a byte of 9F33, three plain texts of 96 bytes (issuer, card,
 * data), a length and so many bytes of static data, and objects of the card's records.
 */

#include <openssl/bn.h>
#include <openssl/sha.h>

#include "base/tlv.h"
#include "emv/certificate.h"
#include "tests/fuzz/fuzz.h"

#define SIZE 96

/* Random, but prime, and not 1 modulo 3. */
static const uint8_t prime[SIZE] = { 0xe2, 0x8a, 0x05, 0xcc, 0xf8, 0x96, 0x8d, 0xa0, 0x55, 0xc7, 0x8d, 0x66,
                                     0xf8, 0x7b, 0x3c, 0xac, 0x01, 0xe2, 0xc4, 0x1b, 0x05, 0x5a, 0xd6, 0x67,
                                     0x7a, 0x19, 0x7e, 0x8b, 0x68, 0xc1, 0x60, 0xd4, 0x2b, 0xb1, 0x89, 0x36,
                                     0xff, 0x31, 0x43, 0x38, 0x48, 0x3c, 0x4a, 0x39, 0x9d, 0xf9, 0xeb, 0x38,
                                     0x01, 0x3d, 0xe5, 0xb8, 0x13, 0x54, 0x7f, 0x7c, 0xeb, 0x7c, 0xec, 0x51,
                                     0xe9, 0x3c, 0x52, 0x1a, 0xf3, 0xc0, 0x70, 0x2d, 0xd7, 0xe2, 0x1c, 0x59,
                                     0x9e, 0x17, 0xf0, 0x5b, 0xdc, 0x47, 0xac, 0xbd, 0xa9, 0x3d, 0x47, 0x84,
                                     0xc9, 0xf3, 0xd0, 0x34, 0x02, 0xfb, 0x17, 0x0a, 0x3a, 0xf5, 0x8e, 0x93 };
static const uint8_t private_exponent[SIZE] = {
        0x97, 0x06, 0xae, 0x88, 0xa5, 0xb9, 0xb3, 0xc0, 0x39, 0x2f, 0xb3, 0x99, 0xfa, 0xfc, 0xd3, 0x1d,
        0x56, 0x97, 0x2d, 0x67, 0x58, 0xe7, 0x39, 0x9a, 0x51, 0x66, 0x54, 0x5c, 0xf0, 0x80, 0xeb, 0x38,
        0x1d, 0x21, 0x06, 0x24, 0xaa, 0x20, 0xd7, 0x7a, 0xda, 0xd2, 0xdc, 0x26, 0x69, 0x51, 0x47, 0x7a,
        0xab, 0x7e, 0x99, 0x25, 0x62, 0x38, 0x54, 0xfd, 0xf2, 0x53, 0x48, 0x36, 0x9b, 0x7d, 0x8c, 0x11,
        0xf7, 0xd5, 0xa0, 0x1e, 0x8f, 0xec, 0x12, 0xe6, 0x69, 0x65, 0x4a, 0xe7, 0xe8, 0x2f, 0xc8, 0x7e,
        0x70, 0xd3, 0x85, 0x03, 0x31, 0x4d, 0x35, 0x78, 0x01, 0xfc, 0xba, 0x06, 0xd1, 0xf9, 0x09, 0xb7
};

enum {
        RIGHT_FRAME = 0x01, /* header, format, trailer */
        RIGHT_KEYS = 0x02,
        RIGHT_HASHES = 0x04,
        FORMAT_1 = 0x08,
        SECOND = 0x10,
};

struct play {
        struct message_start start;
        struct emv_application application;
        struct emv emv;
        uint8_t right;
        uint8_t plain[3][SIZE];
        uint8_t signature[SIZE];
};

static void sign(const uint8_t plain[static SIZE], uint8_t ret[static SIZE]) {
        BN_CTX *c = BN_CTX_new();
        BIGNUM *n = BN_bin2bn(prime, SIZE, NULL), *d = BN_bin2bn(private_exponent, SIZE, NULL);
        BIGNUM *m = BN_bin2bn(plain, SIZE, NULL);

        check(c && n && d && m && BN_mod_exp(m, m, d, n, c) && BN_bn2binpad(m, ret, SIZE) == SIZE);
        BN_free(m);
        BN_free(d);
        BN_free(n);
        BN_CTX_free(c);
}

static void set_right(const struct play *p, uint8_t plain[static SIZE], uint8_t format, const struct bytes *more,
                      size_t n_more) {
        uint8_t text[65536];
        size_t n = SIZE - 22;

        if (p->right & RIGHT_FRAME) {
                plain[0] = 0x6a;
                plain[1] = format;
                plain[SIZE - 1] = 0xbc;
        }
        if (!(p->right & RIGHT_HASHES))
                return;
        memcpy(text, plain + 1, n);
        for (size_t i = 0; i < n_more; i++) {
                check(more[i].size <= sizeof(text) - n);
                if (more[i].size > 0)
                        memcpy(text + n, more[i].data, more[i].size);
                n += more[i].size;
        }
        SHA1(text, n, plain + SIZE - 21);
}

/* head: from the header to the lengths. */
static void certify(struct play *p, uint8_t plain[static SIZE], uint8_t format, size_t head, uint32_t certificate,
                    uint32_t remainder, uint32_t exponent, const struct bytes static_data[static 2]) {
        struct emv *e = &p->emv;
        size_t room = SIZE - head - 21;
        uint8_t signature[SIZE];
        struct bytes more[4] = {};

        if (p->right & RIGHT_KEYS) {
                memcpy(plain + head, prime, room);
                memcpy(plain + head - 4, "\x01\x01\x60\x01", 4);
                check(store_set(&e->store, remainder, prime + room, SIZE - room) >= 0);
                check(store_set(&e->store, exponent, "\x03", 1) >= 0);
        }
        more[0].data = store_get(&e->store, remainder, &more[0].size);
        more[1].data = store_get(&e->store, exponent, &more[1].size);
        more[2] = static_data[0];
        more[3] = static_data[1];
        set_right(p, plain, format, more, 4);
        sign(plain, signature);
        check(store_set(&e->store, certificate, signature, SIZE) >= 0);
}

static int transmit(void *userdata, const uint8_t *command, size_t size, uint8_t response[static APDU_RESPONSE_MAX],
                    size_t *ret_size) {
        struct play *p = userdata;
        struct bytes sent = { command + 5, command[4] };
        uint8_t inner[SIZE + 4];
        size_t n = 0, used = 0;

        check(size >= 5U + command[4] && command[1] == 0x88);
        set_right(p, p->plain[2], 0x05, &sent, 1);
        sign(p->plain[2], p->signature);
        if (p->right & FORMAT_1)
                check(tlv_append(response, 256, &n, TAG_RESPONSE_1, p->signature, SIZE) >= 0);
        else {
                check(tlv_append(inner, sizeof(inner), &used, TAG_SIGNED_DYNAMIC_DATA, p->signature, SIZE) >= 0);
                check(tlv_append(response, 256, &n, TAG_RESPONSE_2, inner, used) >= 0);
        }
        memcpy(response + n, "\x90\x00", 2);
        *ret_size = n + 2;
        return 0;
}

/* The response to GENERATE AC: two objects, and the signature with the input's dynamic data. */
static void combined(struct play *p) {
        const struct bytes sent = { p->start.unpredictable, sizeof(p->start.unpredictable) };
        uint8_t template[256] = "\x9f\x27\x01\x80\x9f\x36\x02\x00\x07";
        struct emv *e = &p->emv;
        size_t n = 9;

        set_right(p, p->plain[2], 0x05, &sent, 1);
        sign(p->plain[2], p->signature);
        check(tlv_append(template, sizeof(template), &n, TAG_SIGNED_DYNAMIC_DATA, p->signature, SIZE) >= 0);
        check(store_set(&e->store, TAG_CID, "\x80", 1) >= 0);
        store_forget(&e->store, TAG_CRYPTOGRAM);
        check(emv_check_combined(e, &(struct bytes){ template, n }, p->right & SECOND) >= 0);
        check(tvr_test(e->tvr, TVR_CDA_FAILED) == !store_get(&e->store, TAG_CRYPTOGRAM, NULL));
}

static void prepare(struct play *p, uint8_t capable) {
        struct message_start *s = &p->start;
        struct emv_ca_key *k = s->terminal.ca_keys;

        s->mode = EMV_MODE_LIVE;
        s->steps = EMV_STEPS_FULL;
        memcpy(s->date, "\x26\x11\x21", 3);
        memcpy(s->unpredictable, "\xa1\xb2\xc3\xd4", 4);
        s->terminal.capabilities[2] = capable;
        s->terminal.n_ca_keys = 1;
        *k = (struct emv_ca_key){ { 0xa0, 0, 0, 3, 0x33 }, 0xee, 0, 3, SIZE };
        memcpy(k->modulus, prime, SIZE);
        s->terminal.n_revocations = 1;
        s->terminal.revocations[0] = (struct emv_revocation){ { 0xa0, 0, 0, 3, 0x33 }, 0xee, { 1, 2, 3 } };
        p->application.ddol = (struct emv_dol){ 3, { 0x9f, 0x37, 0x04 } };
        p->emv.start = s;
        p->emv.application = &p->application;
        check(store_set(&p->emv.store, TAG_DF_NAME, k->rid, EMV_RID_SIZE) >= 0);
        check(store_set(&p->emv.store, TAG_CA_INDEX, &k->index, 1) >= 0);
        check(store_set(&p->emv.store, TAG_UNPREDICTABLE, s->unpredictable, 4) >= 0);
}

/* Moves on by at most n bytes, the rest of ret being zero. */
static size_t take(const uint8_t **data, size_t *size, void *ret, size_t n) {
        size_t taken = MIN(*size, n);

        memcpy(ret, *data, taken);
        *data += taken;
        *size -= taken;
        return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct emv_callbacks callbacks = { .transmit = transmit };
        static const struct bytes nothing[2] = {};
        static struct play p;
        struct bytes static_data[2] = {};
        uint8_t capable = 0, length = 0;
        struct emv *e = &p.emv;

        memset(&p, 0, sizeof(p));
        (void) take(&data, &size, &p.right, 1);
        (void) take(&data, &size, &capable, 1);
        (void) take(&data, &size, p.plain, sizeof(p.plain));
        (void) take(&data, &size, &length, 1);
        e->static_data_size = take(&data, &size, e->static_data, length);
        prepare(&p, capable);
        e->callbacks = &callbacks;
        e->userdata = &p;
        if (store_put_card_all(&e->store, data, size) < 0)
                return 0;

        if (certificate_static_data(e, static_data) < 0)
                memset(static_data, 0, sizeof(static_data));
        certify(&p, p.plain[0], 0x02, 15, TAG_ISSUER_CERTIFICATE, TAG_ISSUER_REMAINDER, TAG_ISSUER_EXPONENT, nothing);
        certify(&p, p.plain[1], 0x04, 21, TAG_CARD_CERTIFICATE, TAG_CARD_REMAINDER, TAG_CARD_EXPONENT, static_data);
        if (capable & 0x80) {
                set_right(&p, p.plain[2], 0x03, static_data, 2);
                sign(p.plain[2], p.signature);
                check(store_set(&e->store, TAG_SIGNED_STATIC_DATA, p.signature, SIZE) >= 0);
        }

        check(emv_authenticate_offline(e) >= 0);
        switch (e->authentication) {
        case AUTHENTICATION_COMBINED:
                if (emv_wants_combined(e, AC_TC))
                        combined(&p);
                break;
        case AUTHENTICATION_DYNAMIC:
                check(tvr_test(e->tvr, TVR_DDA_FAILED) || store_get(&e->store, TAG_DYNAMIC_NUMBER, NULL));
                break;
        case AUTHENTICATION_STATIC:
                check(tvr_test(e->tvr, TVR_SDA_FAILED) || store_get(&e->store, TAG_DATA_AUTHENTICATION_CODE, NULL));
                break;
        default:
                check(tvr_test(e->tvr, TVR_AUTHENTICATION_NOT_PERFORMED));
        }
        return 0;
}
