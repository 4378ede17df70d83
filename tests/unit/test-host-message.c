// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include "base/hex.h"
#include "base/log.h"
#include "host/answer.h"
#include "host/exchange.h"
#include "host/result.h"

#define P (&host_profile_unionpay)

static const uint8_t tmk[16] = "master key tests", mak[16] = "mac key of tests";
static struct host_keys *keys;

static int set_up(void **state) {
        uint8_t wrapped[40];

        assert_int_equal(host_keys_new(HOST_KEYS_TDES, tmk, &keys), 0);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, mak, 16, wrapped), 20);
        assert_int_equal(host_key_wrap(HOST_KEYS_TDES, tmk, mak, 16, wrapped + 20), 20);
        assert_int_equal(host_keys_load(keys, wrapped, sizeof(wrapped)), 0);
        return 0;
}

static int tear_down(void **state) {
        keys = host_keys_free(keys);
        return 0;
}

static struct host_request sale(void) {
        return (struct host_request){
                .kind = HOST_SALE,
                .stan = 7,
                .batch = 3,
                .terminal = "T0000001",
                .merchant = "M00000000000001",
                .amount = 12345,
                .currency = 156,
                .entry = HOST_ENTRY_CHIP,
                .pan = "6200000000000005",
                .expiry = "3012",
                .track2 = "6200000000000005D30122010000000000",
                .psn = 1,
                .icc = "\x9F\x27\x01\x80",
                .icc_size = 4,
        };
}

static struct iso8583 *decode_request(const uint8_t *frame, ssize_t n) {
        struct iso8583 *m = NULL;

        assert_true(n > 13);
        assert_int_equal(frame[0] << 8 | frame[1], n - 2);
        assert_memory_equal(frame + 2, P->tpdu, 5);
        assert_memory_equal(frame + 7, P->header, 6);
        assert_int_equal(iso8583_decode(P->fields, frame + 13, (size_t) n - 13, &m, NULL), 0);
        return m;
}

static void sale_request(void **state) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        ssize_t n = host_request_encode(P, keys, &q, frame, NULL);
        _cleanup_(iso8583_freep) struct iso8583 *m = decode_request(frame, n);

        assert_int_equal(iso8583_mti(m), 200);
        assert_string_equal(iso8583_text(m, 2), "6200000000000005");
        assert_string_equal(iso8583_text(m, 3), "000000");
        assert_string_equal(iso8583_text(m, 4), "000000012345");
        assert_string_equal(iso8583_text(m, 11), "000007");
        assert_string_equal(iso8583_text(m, 14), "3012");
        assert_string_equal(iso8583_text(m, 22), "052");
        assert_string_equal(iso8583_text(m, 23), "001");
        assert_string_equal(iso8583_text(m, 25), "00");
        assert_string_equal(iso8583_text(m, 35), "6200000000000005=30122010000000000");
        assert_string_equal(iso8583_text(m, 41), "T0000001");
        assert_string_equal(iso8583_text(m, 42), "M00000000000001");
        assert_string_equal(iso8583_text(m, 49), "156");
        assert_string_equal(iso8583_text(m, 60), "2200000300050");
        assert_int_equal(mac_verify(P->mac, mak, 16, frame + 13, (size_t) n - 13 - 8, frame + n - 8), 0);
}

static void reversal_request(void **state) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        const char *reason = NULL;
        ssize_t n;

        q.kind = HOST_REVERSAL;
        q.original.kind = HOST_SALE;
        q.reason = HOST_REASON_NO_ANSWER;
        n = host_request_encode(P, keys, &q, frame, &reason);
        assert_int_equal(n, -EINVAL);
        assert_string_equal(reason, "card data that the kind does not carry");

        q.track2 = NULL;
        n = host_request_encode(P, keys, &q, frame, &reason);
        _cleanup_(iso8583_freep) struct iso8583 *m = decode_request(frame, n);
        assert_int_equal(iso8583_mti(m), 400);
        assert_string_equal(iso8583_text(m, 3), "000000");
        assert_string_equal(iso8583_text(m, 11), "000007");
        assert_string_equal(iso8583_text(m, 25), "00");
        assert_string_equal(iso8583_text(m, 39), "98");
        assert_string_equal(iso8583_text(m, 60), "2200000300050");
        assert_false(iso8583_has(m, 35));

        q.original.kind = HOST_REFUND;
        assert_int_equal(host_request_encode(P, keys, &q, frame, &reason), -EINVAL);
        q.original.kind = HOST_SALE;
        q.reason = NULL;
        assert_int_equal(host_request_encode(P, keys, &q, frame, &reason), -EINVAL);
}

static void void_request(void **state) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        ssize_t n;

        q.kind = HOST_VOID;
        q.original = (struct host_original){ .batch = 3, .stan = 5, .rrn = "000000000005" };
        n = host_request_encode(P, keys, &q, frame, NULL);
        _cleanup_(iso8583_freep) struct iso8583 *m = decode_request(frame, n);
        assert_string_equal(iso8583_text(m, 3), "200000");
        assert_string_equal(iso8583_text(m, 37), "000000000005");
        assert_string_equal(iso8583_text(m, 61), "000003000005");
        assert_int_equal(strncmp(iso8583_text(m, 60), "23", 2), 0);
}

static struct host_request service(enum host_kind kind) {
        return (struct host_request){
                .kind = kind, .stan = 8, .batch = 3, .terminal = "T0000001", .merchant = "M00000000000001", .psn = -1
        };
}

static struct iso8583 *encode(const struct host_request *q) {
        uint8_t frame[HOST_FRAME_MAX];
        const char *reason = NULL;
        ssize_t n = host_request_encode(P, keys, q, frame, &reason);

        if (n < 0)
                fail_msg("%s: %s", host_kind_name(q->kind), strna(reason));
        return decode_request(frame, n);
}

static void refund_request(void **state) {
        struct host_request q = sale();
        size_t size;

        q.kind = HOST_REFUND;
        q.original = (struct host_original){ .batch = 3, .stan = 5, .rrn = "000000000005", .date = "1121" };
        _cleanup_(iso8583_freep) struct iso8583 *m = encode(&q);
        assert_int_equal(iso8583_mti(m), 220);
        assert_string_equal(iso8583_text(m, 61), "0000030000051121");
        assert_memory_equal(iso8583_bytes(m, 63, &size), "CUP", 3);
        assert_int_equal(size, 3);
        q.scheme = "VIS";
        _cleanup_(iso8583_freep) struct iso8583 *abroad = encode(&q);
        assert_memory_equal(iso8583_bytes(abroad, 63, &size), "VIS", 3);
}

static void offline_sale_request(void **state) {
        struct host_request q = sale();
        uint8_t frame[HOST_FRAME_MAX];

        q.kind = HOST_OFFLINE_SALE;
        q.track2 = NULL;
        q.entry = HOST_ENTRY_MANUAL;
        q.psn = -1;
        q.icc_size = 0;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        q.authorization_code = "12AB";
        _cleanup_(iso8583_freep) struct iso8583 *voice = encode(&q);
        assert_string_equal(iso8583_text(voice, 38), "12AB  ");
        assert_string_equal(iso8583_text(voice, 22), "012");
        q.authorization_code = "1234567";
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        /* The chip's own approval. */
        q = sale();
        q.kind = HOST_OFFLINE_SALE;
        q.track2 = NULL;
        _cleanup_(iso8583_freep) struct iso8583 *chip = encode(&q);
        assert_true(iso8583_has(chip, 55));
        assert_false(iso8583_has(chip, 38));
}

static void batch_requests(void **state) {
        struct host_detail details[HOST_DETAILS_MAX + 1] = {};
        struct host_request q = service(HOST_SETTLEMENT);
        struct host_totals totals = { .domestic.debit = { .count = 1, .amount = 12345 } };
        uint8_t frame[HOST_FRAME_MAX];

        for (size_t i = 0; i < ELEMENTSOF(details); i++)
                details[i] = (struct host_detail){ .stan = (uint32_t) i + 1, .pan = "6200000000000005", .amount = 1 };
        q.currency = 156;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        q.totals = &totals;
        _cleanup_(iso8583_freep) struct iso8583 *settlement = encode(&q);
        assert_int_equal(iso8583_mti(settlement), 500);
        assert_string_equal(iso8583_text(settlement, 48),
                            "00000001234500100000000000000000000000000000000000000000000000");
        assert_string_equal(iso8583_text(settlement, 60), "00000003201");
        totals.domestic.debit.count = 1000;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);

        q = service(HOST_BATCH_UPLOAD);
        q.details = details;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        q.n_details = P->limits.details + 1;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        q.n_details = P->limits.details;
        _cleanup_(iso8583_freep) struct iso8583 *upload = encode(&q);
        assert_int_equal(iso8583_mti(upload), 320);
        assert_memory_equal(iso8583_text(upload, 48), "0800000001", 10);
        assert_string_equal(iso8583_text(upload, 60), "00000003201");

        /* A number that is not known, for an acquirer who takes that. */
        details[7].pan[0] = '\0';
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        struct host_profile lenient = *P;
        lenient.detail_without_pan = true;
        assert_true(host_request_encode(&lenient, keys, &q, frame, NULL) > 0);

        q = service(HOST_BATCH_UPLOAD_END);
        q.uploaded = 8;
        _cleanup_(iso8583_freep) struct iso8583 *end = encode(&q);
        assert_string_equal(iso8583_text(end, 48), "0008");
        assert_string_equal(iso8583_text(end, 60), "00000003202");
        q.balanced = true;
        _cleanup_(iso8583_freep) struct iso8583 *balanced = encode(&q);
        assert_string_equal(iso8583_text(balanced, 60), "00000003207");
        q.uploaded = 10000;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
}

static void chip_upload_request(void **state) {
        struct host_request q = sale();
        uint8_t frame[HOST_FRAME_MAX];

        q.kind = HOST_CHIP_UPLOAD;
        q.original = (struct host_original){ .batch = 3, .stan = 7 };
        q.stan = 9;
        q.expiry = NULL;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        q.track2 = NULL;
        _cleanup_(iso8583_freep) struct iso8583 *m = encode(&q);
        assert_string_equal(iso8583_text(m, 61), "000003000007");
        assert_string_equal(iso8583_text(m, 60), "00000003205");
        assert_true(iso8583_has(m, 55));
        q.balanced = true;
        _cleanup_(iso8583_freep) struct iso8583 *balanced = encode(&q);
        assert_string_equal(iso8583_text(balanced, 60), "00000003203");
}

static void download_requests(void **state) {
        struct host_request q = service(HOST_CA_KEYS);
        uint8_t frame[HOST_FRAME_MAX];
        size_t size;

        q.position = 4;
        _cleanup_(iso8583_freep) struct iso8583 *m = encode(&q);
        assert_memory_equal(iso8583_bytes(m, 62, &size), "104", 3);
        assert_int_equal(size, 3);
        q.position = HOST_POSITION_MAX + 1;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
}

static void binding_requests(void **state) {
        static const struct {
                enum host_kind kind;
                const char *private;
        } kinds[] = {
                { HOST_BINDING_CHECK, "0000000339150" },
                { HOST_BINDING_CONFIRM, "0000000339250" },
                { HOST_BINDING_WITHDRAW, "0000000339350" },
        };
        struct host_binding b = { .kind = HOST_BINDING_CHANGE,
                                  .number = 7,
                                  .serial = "S",
                                  .phone = "+8613800138001",
                                  .old_phone = "+8613800138000" };
        uint8_t frame[HOST_FRAME_MAX], form[HOST_BINDING_MAX];
        size_t size;

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                struct host_request q = service(kinds[i].kind);

                assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
                q.binding = &b;
                _cleanup_(iso8583_freep) struct iso8583 *m = encode(&q);
                assert_int_equal(iso8583_mti(m), 820);
                assert_string_equal(iso8583_text(m, 60), kinds[i].private);
                assert_true(iso8583_has(m, 64));
                const void *data = iso8583_bytes(m, 62, &size);
                assert_int_equal(size, host_binding_format(&b, form));
                assert_memory_equal(data, form, size);

                b.phone[1] = '0';
                assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
                b.phone[1] = '8';
        }
        /* No other kind says it. */
        struct host_request q = service(HOST_ECHO);
        q.binding = &b;
        _cleanup_(iso8583_freep) struct iso8583 *echo = encode(&q);
        assert_false(iso8583_has(echo, 62));
}

/* The terminal passes on what it cannot read, and nothing in the clear beside it. */
static void encrypted_request(void **state) {
        struct host_encrypted e = { .ksn_size = 10, .cryptogram_size = 40 }, again;
        struct host_request q = sale(), c;
        uint8_t frame[HOST_FRAME_MAX];
        const char *reason = NULL;
        const void *data;
        size_t size;

        memset(e.ksn, 0xE1, sizeof(e.ksn));
        memset(e.cryptogram, 0x5A, sizeof(e.cryptogram));
        q.encrypted = &e;
        q.entry = HOST_ENTRY_STRIPE;
        q.psn = -1;
        q.icc_size = 0;
        for (unsigned i = 0; i < 3; i++) {
                c = q;
                c.pan = i == 0 ? q.pan : NULL;
                c.expiry = i == 1 ? q.expiry : NULL;
                c.track2 = i == 2 ? q.track2 : NULL;
                assert_int_equal(host_request_encode(P, keys, &c, frame, &reason), -EINVAL);
                assert_string_equal(reason, "card data in the clear beside the reader's cryptogram");
        }
        q.pan = q.expiry = q.track2 = NULL;
        _cleanup_(iso8583_freep) struct iso8583 *m = encode(&q);
        assert_false(iso8583_has(m, 2) || iso8583_has(m, 14) || iso8583_has(m, 35));
        data = iso8583_bytes(m, 57, &size);
        assert_non_null(data);
        assert_int_equal(size, 2 + 10 + 2 + 40);
        assert_int_equal(host_encrypted_parse(data, size, &again), 0);
        assert_int_equal(again.ksn_size, 10);
        assert_memory_equal(again.ksn, e.ksn, 10);
        assert_int_equal(again.cryptogram_size, 40);
        assert_memory_equal(again.cryptogram, e.cryptogram, 40);
        for (size_t i = 0; i < size; i++)
                assert_int_equal(host_encrypted_parse(data, i, &again), -EBADMSG);

        /* Not into a reversal, and not to an acquirer who has no field for it. */
        c = q;
        c.kind = HOST_REVERSAL;
        c.original.kind = HOST_SALE;
        c.reason = HOST_REASON_NO_ANSWER;
        assert_int_equal(host_request_encode(P, keys, &c, frame, &reason), -EINVAL);
        assert_string_equal(reason, "card data that the kind does not carry");
        assert_int_equal(host_request_encode(&host_profile_aes, keys, &q, frame, NULL), -EOPNOTSUPP);

        e.cryptogram_size = 41;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        e.ksn_size = 12;
        e.cryptogram_size = 40;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
        e.cryptogram_size = HOST_CRYPTOGRAM_MAX;
        assert_true(host_request_encode(P, keys, &q, frame, NULL) > 0);
        e.cryptogram_size = 0;
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -EINVAL);
}

static void requests_that_are_refused(void **state) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale(), c;

        c = q;
        c.stan = 0;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.batch = 1000000;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.amount = 0;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.amount = INT64_C(1000000000000);
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.terminal = "TOO LONG A NAME";
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.entry = HOST_ENTRY_NONE;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);
        c = q;
        c.kind = _HOST_KIND_MAX;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EOPNOTSUPP);
        c = q;
        c.kind = HOST_ECHO;
        assert_int_equal(host_request_encode(P, keys, &c, frame, NULL), -EINVAL);

        host_keys_forget(keys);
        assert_int_equal(host_request_encode(P, keys, &q, frame, NULL), -ENOKEY);
        /* These need no key. */
        c = (struct host_request){
                .kind = HOST_ECHO, .stan = 1, .batch = 1, .terminal = "T", .merchant = "M", .psn = -1
        };
        assert_true(host_request_encode(P, keys, &c, frame, NULL) > 0);
        c.kind = HOST_SIGN_ON;
        assert_true(host_request_encode(P, keys, &c, frame, NULL) > 0);
}

/* Builds an answer to the sale; change is applied before the MAC. */
struct answer_change {
        unsigned mti;
        uint32_t stan;
        const char *terminal, *merchant, *code, *icc_hex;
        const char *totals, *balance, *download; /* DE48, 54, 62 */
        int64_t amount;
        bool no_mac, wrong_mac, no_rrn;
};

/* Returns the frame's size, without a length prefix. */
static size_t answer_build(const struct answer_change *c, uint8_t frame[static HOST_FRAME_MAX]) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        struct host_request q = sale();
        uint8_t icc[255];
        ssize_t n;

        assert_int_equal(iso8583_new(P->fields, c->mti ?: 210, &m), 0);
        assert_int_equal(iso8583_set_number(m, 4, (uint64_t) (c->amount ?: q.amount)), 0);
        assert_int_equal(iso8583_set_number(m, 11, c->stan ?: q.stan), 0);
        assert_int_equal(iso8583_set_text(m, 12, "101112"), 0);
        assert_int_equal(iso8583_set_text(m, 13, "0131"), 0);
        if (!c->no_rrn)
                assert_int_equal(iso8583_set_text(m, 37, "123456789012"), 0);
        assert_int_equal(iso8583_set_text(m, 38, "A1"), 0);
        assert_int_equal(iso8583_set_text(m, 39, c->code ?: "00"), 0);
        assert_int_equal(iso8583_set_text(m, 41, c->terminal ?: q.terminal), 0);
        assert_int_equal(iso8583_set_text(m, 42, c->merchant ?: q.merchant), 0);
        if (c->icc_hex) {
                ssize_t l = hex_decode(c->icc_hex, icc, sizeof(icc));

                assert_true(l >= 0);
                assert_int_equal(iso8583_set_bytes(m, 55, icc, (size_t) l), 0);
        }
        assert_int_equal(iso8583_set_text(m, 60, "2200000300050"), 0);
        if (c->totals)
                assert_int_equal(iso8583_set_text(m, 48, c->totals), 0);
        if (c->balance)
                assert_int_equal(iso8583_set_text(m, 54, c->balance), 0);
        if (c->download)
                assert_int_equal(iso8583_set_bytes(m, 62, c->download, strlen(c->download)), 0);
        if (!c->no_mac)
                assert_int_equal(iso8583_set_bytes(m, 64, "12345678", 8), 0);

        memcpy(frame, P->tpdu, 5);
        memcpy(frame + 5, P->header, 6);
        n = iso8583_encode(m, frame + 11, HOST_FRAME_MAX - 11);
        assert_true(n > 0);
        if (!c->no_mac && !c->wrong_mac)
                assert_int_equal(mac_compute(P->mac, mak, 16, frame + 11, (size_t) n - 8, frame + 11 + n - 8), 0);
        return (size_t) n + 11;
}

static int answer(const struct answer_change *c, struct host_answer *ret) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        size_t n = answer_build(c, frame);

        return host_answer_decode(P, keys, &q, frame, n, ret);
}

static void answers(void **state) {
        struct host_answer a = {};

        assert_int_equal(answer(&(struct answer_change){ .icc_hex = "9110 00112233445566778899AABBCCDDEEFF"
                                                                    "7203 9F1800 7102 8600 9F360200 01" },
                                &a),
                         0);
        assert_string_equal(a.code, "00");
        assert_string_equal(a.approval, "A1");
        assert_string_equal(a.rrn, "123456789012");
        assert_string_equal(a.time, "101112");
        assert_string_equal(a.date, "0131");
        assert_true(a.has_amount);
        assert_int_equal(a.amount, 12345);
        assert_true(a.has_batch);
        assert_int_equal(a.batch, 3);
        assert_int_equal(a.issuer_auth_size, 16);
        assert_memory_equal(a.arc, "00", 2);
        assert_int_equal(a.scripts_size, 9);
        assert_memory_equal(a.scripts, "\x72\x03\x9F\x18\x00\x71\x02\x86\x00", 9);
        assert_int_equal(answer(&(struct answer_change){ .icc_hex = "8A02 3031" }, &a), 0);
        assert_memory_equal(a.arc, "01", 2);
}

/* An answer whose MAC is right counts, with what of DE55 can be read. */
static void answers_with_odd_icc(void **state) {
        static const struct {
                const char *icc, *auth, *scripts, *arc;
        } cases[] = {
                { "", "", "", "00" },
                { "91020102", "0102", "", "00" },
                { "9100", "", "", "00" },
                { "911100112233445566778899AABBCCDDEEFF00", "00", "", "00" },
                { "00008A023035000091080102030405060708 00", "0102030405060708", "", "05" },
                { "DF81010155910801020304050607089F360200 01", "0102030405060708", "", "00" },
                { "9182000801020304050607087281039F1800", "0102030405060708", "72039F1800", "00" },
                { "71820003860100", "", "7103860100", "00" },
                { "8A0130", "", "", "00" },
                { "8A023020", "", "", "00" },
                { "8A03303530", "", "", "00" },
                /* Broken: what is whole before it, and the rest as it is. */
                { "9F", "", "9F", "00" },
                { "9120 00", "", "912000", "00" },
                { "9108010203040506070872039F180071", "0102030405060708", "72039F180071", "00" },
                { "8A023035FF", "", "FF", "05" },
                { "9180", "", "9180", "00" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct host_answer a = {};
                char text[2 * sizeof(a.scripts) + 1];

                if (answer(&(struct answer_change){ .icc_hex = cases[i].icc }, &a) < 0)
                        fail_msg("%s is refused", cases[i].icc);
                assert_string_equal(a.code, "00");
                hex_encode(a.issuer_auth, a.issuer_auth_size, text);
                assert_string_equal(text, cases[i].auth);
                hex_encode(a.scripts, a.scripts_size, text);
                assert_string_equal(text, cases[i].scripts);
                assert_memory_equal(a.arc, cases[i].arc, 2);
        }
}

/* Whatever it is: nothing is read or written beyond it, and the answer counts. */
static void answers_with_any_icc(void **state) {
        for (unsigned i = 0; i < 20000; i++) {
                struct host_answer a = {};
                char icc[2 * 255 + 1];
                unsigned n = 1 + (unsigned) rand() % 255;

                for (unsigned k = 0; k < n; k++) {
                        static const uint8_t likely[] = { 0x91, 0x71, 0x72, 0x8A, 0x81, 0x82, 0x00, 0x01, 0x08 };
                        unsigned byte =
                                rand() % 2 ? likely[(unsigned) rand() % ELEMENTSOF(likely)] : (unsigned) rand() % 256;

                        snprintf(icc + 2 * (size_t) k, 3, "%02X", byte);
                }
                assert_int_equal(answer(&(struct answer_change){ .icc_hex = icc }, &a), 0);
                assert_true(a.issuer_auth_size <= sizeof(a.issuer_auth));
                assert_true(a.scripts_size <= n);
        }
}

static void answers_to_others(void **state) {
        struct host_answer a = { .code = "x" };

        assert_int_equal(answer(&(struct answer_change){ .mti = 410 }, &a), -ENOMSG);
        assert_int_equal(answer(&(struct answer_change){ .mti = 200 }, &a), -ENOMSG);
        assert_int_equal(answer(&(struct answer_change){ .stan = 8 }, &a), -ENOMSG);
        assert_int_equal(answer(&(struct answer_change){ .terminal = "T0000002" }, &a), -ENOMSG);
        assert_int_equal(answer(&(struct answer_change){ .merchant = "M2" }, &a), -ENOMSG);
        assert_string_equal(a.code, "x");
}

static void answers_that_are_refused(void **state) {
        struct host_answer a = { .code = "x" };
        struct host_request q = sale();

        assert_int_equal(answer(&(struct answer_change){ .wrong_mac = true }, &a), -EKEYREJECTED);
        assert_int_equal(answer(&(struct answer_change){ .no_mac = true }, &a), -EKEYREJECTED);
        assert_int_equal(answer(&(struct answer_change){ .amount = 12346 }, &a), -EBADMSG);
        assert_int_equal(answer(&(struct answer_change){ .no_rrn = true }, &a), -EBADMSG);
        assert_int_equal(host_answer_decode(P, keys, &q, "", 0, &a), -EBADMSG);
        assert_int_equal(host_answer_decode(P, keys, &q, "GET / HTTP/1.1\r\n", 16, &a), -EBADMSG);
        assert_string_equal(a.code, "x");
        /* A decline need not be authenticated, but must not be falsely. */
        assert_int_equal(answer(&(struct answer_change){ .code = "51", .no_mac = true, .no_rrn = true }, &a), 0);
        assert_string_equal(a.code, "51");
        assert_int_equal(answer(&(struct answer_change){ .code = "51", .wrong_mac = true }, &a), -EKEYREJECTED);
}

/* What ends a reversal takes the cardholder's money for good when it is false. */
static void answers_to_a_reversal(void **state) {
        static const char *const last_words[] = { "00", "12", "25" };
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        struct host_answer a = {};
        size_t n;

        q.kind = HOST_REVERSAL;
        for (size_t i = 0; i < ELEMENTSOF(last_words); i++) {
                struct answer_change c = { .mti = 410, .code = last_words[i], .no_rrn = true };

                n = answer_build(&c, frame);
                assert_int_equal(host_answer_decode(P, keys, &q, frame, n, &a), 0);
                assert_string_equal(a.code, last_words[i]);
                c.no_mac = true;
                n = answer_build(&c, frame);
                assert_int_equal(host_answer_decode(P, keys, &q, frame, n, &a), -EKEYREJECTED);
        }
        /* One that lost our key cannot make a MAC, and says so. */
        n = answer_build(&(struct answer_change){ .mti = 410, .code = "A0", .no_mac = true, .no_rrn = true }, frame);
        assert_int_equal(host_answer_decode(P, keys, &q, frame, n, &a), 0);
        assert_string_equal(a.code, "A0");
}

static int answer_to(enum host_kind kind, const struct answer_change *c, struct host_answer *ret) {
        uint8_t frame[HOST_FRAME_MAX];
        struct host_request q = sale();
        size_t n = answer_build(c, frame);

        q.kind = kind;
        return host_answer_decode(P, keys, &q, frame, n, ret);
}

/* A repeated advice ends with 94, which nobody else may say. */
static void answers_to_an_advice(void **state) {
        struct host_answer a = {};

        assert_int_equal(answer_to(HOST_TIP, &(struct answer_change){ .mti = 230, .code = "94" }, &a), 0);
        assert_int_equal(answer_to(HOST_TIP, &(struct answer_change){ .mti = 230, .code = "94", .no_mac = true }, &a),
                         -EKEYREJECTED);
        assert_int_equal(answer_to(HOST_TIP, &(struct answer_change){ .mti = 230, .code = "51", .no_mac = true }, &a),
                         0);
        assert_int_equal(answer_to(HOST_SALE, &(struct answer_change){ .code = "94", .no_mac = true }, &a), 0);
}

/* Yes comes with a MAC. */
static void answers_about_a_binding(void **state) {
        struct host_answer a = {};

        for (enum host_kind k = HOST_BINDING_CHECK; k <= HOST_BINDING_WITHDRAW; k++) {
                assert_int_equal(answer_to(k, &(struct answer_change){ .mti = 830 }, &a), 0);
                assert_int_equal(answer_to(k, &(struct answer_change){ .mti = 830, .no_mac = true }, &a),
                                 -EKEYREJECTED);
                /* And so does what a withdrawal is refused by, which is never right. */
                assert_int_equal(answer_to(k, &(struct answer_change){ .mti = 830, .code = "97", .no_mac = true }, &a),
                                 k == HOST_BINDING_WITHDRAW ? -EKEYREJECTED : 0);
                assert_int_equal(answer_to(k, &(struct answer_change){ .mti = 830, .code = "A0", .no_mac = true }, &a),
                                 0);
        }
}

static void answers_of_other_kinds(void **state) {
        static const char totals[] = "00000001234500100000000000000020000000000000000000000000000001";
        struct host_answer a = {};

        assert_int_equal(answer_to(HOST_SETTLEMENT, &(struct answer_change){ .mti = 510, .totals = totals }, &a), 0);
        assert_true(a.has_totals);
        assert_int_equal(a.totals.domestic.debit.amount, 12345);
        assert_int_equal(host_totals_verdict(&a.totals), HOST_UNEQUAL);
        assert_int_equal(answer_to(HOST_SETTLEMENT, &(struct answer_change){ .mti = 510 }, &a), -EBADMSG);
        assert_int_equal(answer_to(HOST_SETTLEMENT, &(struct answer_change){ .mti = 510, .totals = totals + 1 }, &a),
                         -EBADMSG);

        struct answer_change balance = { .balance = "0002156D000000000700" };
        assert_int_equal(answer_to(HOST_BALANCE, &balance, &a), 0);
        assert_true(a.has_balance);
        assert_int_equal(a.balance.amount, -700);
        balance.balance = "0002840D000000000700"; /* of another currency */
        assert_int_equal(answer_to(HOST_BALANCE, &balance, &a), -EBADMSG);
        balance.balance = NULL;
        assert_int_equal(answer_to(HOST_BALANCE, &balance, &a), -EBADMSG);

        struct answer_change download = { .mti = 830, .download = "2\x9A\x01\x07" };
        assert_int_equal(answer_to(HOST_CA_KEYS, &download, &a), 0);
        assert_true(a.has_download && a.download.more);
        assert_int_equal(a.download.size, 3);
        /* A sign-off has no use for it. */
        assert_int_equal(answer_to(HOST_SIGN_OFF, &download, &a), 0);
        assert_false(a.has_download);
        assert_int_equal(a.keys_size, 0);
        download.download = "2";
        assert_int_equal(answer_to(HOST_CA_KEYS, &download, &a), -EBADMSG);
}

static void every_answer_cut_or_bent(void **state) {
        struct host_request q = sale();
        uint8_t frame[HOST_FRAME_MAX];
        struct host_answer a;
        size_t n = answer_build(&(struct answer_change){}, frame);

        assert_int_equal(host_answer_decode(P, keys, &q, frame, n, &a), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(host_answer_decode(P, keys, &q, frame, i, &a), -EBADMSG);
        /* The addresses of TPDU and header are the network's; every bit of the message counts. */
        for (size_t i = 11 * 8; i < n * 8; i++) {
                frame[i / 8] ^= (uint8_t) (1 << i % 8);
                assert_true(host_answer_decode(P, keys, &q, frame, n, &a) < 0);
                frame[i / 8] ^= (uint8_t) (1 << i % 8);
        }
}

/* What a rule names is a field; track data goes nowhere by itself; a kind that is reversed has its reversal. */
static void check_rule(const struct host_profile *p, const struct host_kind_rule *rule) {
        assert_int_equal(rule->mandatory & rule->optional & ISO8583_BIT(35), 0);
        for (unsigned field = 2; field <= ISO8583_FIELDS; field++)
                if ((rule->mandatory | rule->optional | rule->answer_mandatory) & ISO8583_BIT(field))
                        assert_int_not_equal(p->fields[field].length, ISO8583_ABSENT);
        if (rule->mti == 0)
                return;
        assert_non_null(rule->network);
        assert_true(!rule->reversal || (rule->processing && rule->condition && rule->type && rule->mac));
        assert_true(!rule->reversal || p->kinds[HOST_REVERSAL].mti > 0);
        assert_true(!rule->mac || p->fields[64].length == ISO8583_FIXED);
}

static void tables(void **state) {
        for (enum host_kind k = 0; k < _HOST_KIND_MAX; k++) {
                assert_int_equal(host_kind_from_name(host_kind_name(k)), k);
                assert_true(P->kinds[k].mti > 0);
                check_rule(P, P->kinds + k);
                check_rule(&host_profile_aes, host_profile_aes.kinds + k);
        }
        assert_int_equal(host_kind_from_name("nothing"), _HOST_KIND_INVALID);
        assert_null(host_kind_name(_HOST_KIND_MAX));
        assert_ptr_equal(host_profile_find("unionpay"), P);
        assert_ptr_equal(host_profile_find("aes"), &host_profile_aes);
        assert_null(host_profile_find("other"));

        assert_int_equal(host_result_find("00")->action, HOST_ACTION_APPROVE);
        assert_int_equal(host_result_find("51")->action, HOST_ACTION_DECLINE);
        assert_string_equal(host_result_find("zz")->code, "");
        assert_int_equal(host_result_find("zz")->action, HOST_ACTION_DECLINE);
        assert_int_equal(host_result_find("")->action, HOST_ACTION_DECLINE);
        assert_true(host_result_ends_reversal("00") && host_result_ends_reversal("12") &&
                    host_result_ends_reversal("25"));
        assert_false(host_result_ends_reversal("96"));
        /* code, says what was booked, is a last word on what is repeated, blames the keys */
        static const struct {
                char code[3];
                bool decides, final, keys;
        } words[] = {
                { "00", true, true, false },   { "10", false, true, false },  { "51", true, true, false },
                { "94", true, true, false },   { "25", true, true, false },   { "91", true, false, false },
                { "30", true, false, false },  { "96", false, false, false }, { "98", false, false, false },
                { "zz", false, false, false }, { "", false, false, false },   { "77", true, false, false },
                { "99", true, false, false },  { "A0", true, false, true },   { "A7", true, false, true },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                assert_int_equal(host_result_decides(words[i].code), words[i].decides);
                assert_int_equal(host_result_is_final(words[i].code), words[i].final);
                assert_int_equal(host_result_refuses_keys(words[i].code), words[i].keys);
        }
        assert_string_equal(host_outcome_reversal_reason(HOST_NO_ANSWER), "98");
        assert_string_equal(host_outcome_reversal_reason(HOST_BAD_MAC), "A0");
        assert_string_equal(host_outcome_reversal_reason(HOST_MALFORMED), "06");
        assert_null(host_outcome_reversal_reason(HOST_NOT_SENT));
        assert_null(host_outcome_reversal_reason(HOST_ANSWERED));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(sale_request),
                TEST(reversal_request),
                TEST(void_request),
                TEST(refund_request),
                TEST(offline_sale_request),
                TEST(batch_requests),
                TEST(chip_upload_request),
                TEST(download_requests),
                TEST(binding_requests),
                TEST(answers_about_a_binding),
                TEST(encrypted_request),
                TEST(requests_that_are_refused),
                TEST(answers),
                TEST(answers_with_odd_icc),
                TEST(answers_with_any_icc),
                TEST(answers_to_others),
                TEST(answers_that_are_refused),
                TEST(answers_to_a_reversal),
                TEST(answers_to_an_advice),
                TEST(answers_of_other_kinds),
                TEST(every_answer_cut_or_bent),
                TEST(tables),
        };

        log_set_max_level(LOG_EMERG);
        return cmocka_run_group_tests_name("host-message", tests, NULL, NULL);
}
