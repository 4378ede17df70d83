// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A request of any kind and profile, made of the input's bytes: it is refused, or it is a message that has what its
 * kind demands and nothing else, says what was asked for, bears a right MAC, and carries no track data where none may
 * be.
 */

#include "base/log.h"
#include "host/request.h"
#include "tests/fuzz/host-keys.h"
#include "tests/fuzz/input.h"

static uint64_t take_number(struct input *in, unsigned bytes) {
        uint64_t n = 0;

        while (bytes-- > 0)
                n = n << 8 | take(in);
        return n;
}

/* Mostly digits; NULL now and then. */
static const char *take_text(struct input *in, char *text, size_t max) {
        uint8_t n = take(in);
        size_t l = (n & 0x3F) % max;

        if (n & 0x80)
                return NULL;
        for (size_t i = 0; i < l; i++) {
                uint8_t c = take(in);

                text[i] = (char) (n & 0x40 ? (c ?: ' ') : '0' + c % 10);
        }
        text[l] = '\0';
        return text;
}

struct parts {
        char pan[24], expiry[8], track[44], reason[4], code[8], scheme[5], operator_id[5];
        uint8_t icc[300];
        struct host_totals totals;
        struct host_detail details[HOST_DETAILS_MAX];
        struct host_encrypted encrypted;
        struct host_binding binding;
};

static void take_batch(struct input *in, struct parts *x, struct host_request *q) {
        struct host_total *all[] = { &x->totals.domestic.debit, &x->totals.domestic.credit, &x->totals.foreign.debit,
                                     &x->totals.foreign.credit };

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                *all[i] = (struct host_total){ (unsigned) take_number(in, 2) % 1002, (int64_t) take_number(in, 5) };
        q->totals = take(in) & 1 ? &x->totals : NULL;
        q->n_details = take(in) % (HOST_DETAILS_MAX + 1);
        q->details = x->details;
        for (size_t i = 0; i < q->n_details; i++) {
                x->details[i].foreign = take(in) & 1;
                x->details[i].stan = (uint32_t) take_number(in, 3) % 1000001;
                x->details[i].amount = (int64_t) take_number(in, 5);
                (void) take_text(in, x->details[i].pan, sizeof(x->details[i].pan));
        }
        q->uploaded = (unsigned) take_number(in, 2) % 10002;
        q->balanced = take(in) & 1;
        q->position = take(in) % (HOST_POSITION_MAX + 2);
}

static void take_binding(struct input *in, struct host_binding *b) {
        b->kind = (enum host_binding_kind)(take(in) % (_HOST_BINDING_KIND_MAX + 1));
        b->number = (uint32_t) take_number(in, 4);
        (void) take_text(in, b->serial, sizeof(b->serial));
        (void) take_text(in, b->phone, sizeof(b->phone));
        (void) take_text(in, b->old_phone, sizeof(b->old_phone));
}

static void take_request(struct input *in, struct parts *x, struct host_request *q) {
        /* One after the other: the order within an initializer is the compiler's. */
        *q = (struct host_request){ .terminal = "T0000001", .merchant = "000000000000001" };
        q->kind = (enum host_kind)(take(in) % (_HOST_KIND_MAX + 1));
        q->stan = (uint32_t) take_number(in, 3) % 1000002;
        q->batch = (uint32_t) take_number(in, 3) % 1000002;
        q->amount = (int64_t) take_number(in, 5);
        q->currency = (uint16_t) (take_number(in, 2) % 1001);
        q->entry = take(in) % 5;
        q->psn = take(in) % 102 - 1;
        q->pan = take_text(in, x->pan, sizeof(x->pan));
        q->expiry = take_text(in, x->expiry, sizeof(x->expiry));
        q->track2 = take_text(in, x->track, sizeof(x->track));
        q->reason = take_text(in, x->reason, sizeof(x->reason));
        q->authorization_code = take_text(in, x->code, sizeof(x->code));
        q->scheme = take_text(in, x->scheme, sizeof(x->scheme));
        q->operator_id = take_text(in, x->operator_id, sizeof(x->operator_id));
        q->original.kind = (enum host_kind)(take(in) % _HOST_KIND_MAX);
        q->original.batch = (uint32_t) take_number(in, 3) % 1000002;
        q->original.stan = (uint32_t) take_number(in, 3) % 1000002;
        (void) take_text(in, q->original.date, sizeof(q->original.date));
        (void) take_text(in, q->original.rrn, sizeof(q->original.rrn));
        (void) take_text(in, q->original.approval, sizeof(q->original.approval));
        q->icc = x->icc;
        q->icc_size = take_number(in, 2) % sizeof(x->icc);
        for (size_t i = 0; i < q->icc_size; i++)
                x->icc[i] = take(in);
        if (take(in) & 1) {
                x->encrypted.ksn_size = 9 + take(in) % 4u;
                x->encrypted.cryptogram_size = take(in) % (HOST_CRYPTOGRAM_MAX + 1);
                q->encrypted = &x->encrypted;
        }
        take_batch(in, x, q);
        if (take(in) & 1) {
                take_binding(in, &x->binding);
                q->binding = &x->binding;
        }
}

static void check_binding(const struct host_request *q, const struct iso8583 *m) {
        struct host_binding b;
        const void *data;
        size_t size;

        if (q->kind != HOST_BINDING_CHECK && q->kind != HOST_BINDING_CONFIRM && q->kind != HOST_BINDING_WITHDRAW)
                return;
        data = iso8583_bytes(m, 62, &size);
        check(data && host_binding_parse(data, size, &b) == 0 && b.number == q->binding->number &&
              streq(b.phone, q->binding->phone) && streq(b.old_phone, q->binding->old_phone));
}

static void check_message(const struct host_profile *p, const struct host_request *q, const struct iso8583 *m) {
        const struct host_kind_rule *rule = p->kinds + q->kind;
        uint64_t fields = iso8583_fields(m) & ~ISO8583_BIT(64), number;

        check(iso8583_mti(m) == rule->mti);
        check((rule->mandatory & ~fields) == 0 && (fields & ~(rule->mandatory | rule->optional)) == 0);
        check(iso8583_number(m, 11, &number) == 0 && number == q->stan);
        check(!iso8583_has(m, 4) || (iso8583_number(m, 4, &number) == 0 && number == (uint64_t) q->amount));
        check(!iso8583_has(m, 49) || (iso8583_number(m, 49, &number) == 0 && number == q->currency));
        check(streq(iso8583_text(m, 41), q->terminal) && streq(iso8583_text(m, 42), q->merchant));
        check(!iso8583_has(m, 2) || (q->pan && streq(iso8583_text(m, 2), q->pan)));
        check(q->kind != HOST_REVERSAL || !(fields & (ISO8583_BIT(35) | ISO8583_BIT(57))));
        check(!q->encrypted || !(fields & (ISO8583_BIT(2) | ISO8583_BIT(14) | ISO8583_BIT(35))));
        /* What was given is sent or refused, and never left out. */
        check(isempty(q->pan) || iso8583_has(m, 2));
        check(isempty(q->track2) || iso8583_has(m, 35));
        check(q->icc_size == 0 || iso8583_has(m, 55));
        check_binding(q, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(iso8583_freep) struct iso8583 *m = NULL;
        struct input in = { data, size };
        struct parts x = {};
        struct host_request q;
        uint8_t frame[HOST_FRAME_MAX], again[ISO8583_SIZE_MAX];
        const char *reason = NULL;
        size_t which, head;
        ssize_t n;

        make_all_keys();
        which = take(&in) % ELEMENTSOF(fuzz_profiles);
        take_request(&in, &x, &q);

        const struct host_profile *p = fuzz_profiles[which];
        n = host_request_encode(p, fuzz_keys[which], &q, frame, &reason);
        if (n < 0) {
                check(n == -EOPNOTSUPP || (n == -EINVAL && reason));
                return 0;
        }
        head = 2 + host_profile_head(p);
        check((size_t) n > head && n <= HOST_FRAME_MAX && (frame[0] << 8 | frame[1]) == n - 2);
        check(iso8583_decode(p->fields, frame + head, (size_t) n - head, &m, NULL) == 0);
        check(iso8583_encode(m, again, sizeof(again)) == n - (ssize_t) head &&
              memcmp(again, frame + head, (size_t) n - head) == 0);
        check_message(p, &q, m);
        check(p->kinds[q.kind].mac == iso8583_has(m, 64));
        if (iso8583_has(m, 64))
                check(host_keys_verify(fuzz_keys[which], p->mac, frame + head, (size_t) n - head - MAC_SIZE,
                                       frame + n - MAC_SIZE) == 0);
        return 0;
}
