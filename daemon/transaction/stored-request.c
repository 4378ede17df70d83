// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/stored-request.h"

#include "base/secret.h"

/* Another layout gets another version; 1 ended before the original. */
#define STORED_VERSION 2
struct stored_request {
        uint32_t version;
        uint32_t kind; /* enum host_kind */
        int64_t amount;
        uint32_t stan;
        uint32_t batch;
        int32_t psn;
        uint16_t currency;
        uint8_t entry; /* enum host_entry */
        uint8_t icc_size;
        char pan[20];
        char expiry[5];
        uint8_t icc[255];

        uint32_t original_batch, original_stan;
        char authorization_code[7];
        char original_date[5];
        char original_rrn[13];
        char original_approval[7];
};
#define SIZE_1 offsetof(struct stored_request, original_batch)
_Static_assert(SIZE_1 == 312, "the layout of version 1");

int stored_request_new(const struct host_request *q, struct stored_request **ret, size_t *ret_size) {
        struct stored_request *s;

        if (q->icc_size > sizeof(s->icc) || strlen(strempty(q->pan)) >= sizeof(s->pan))
                return -ERANGE;
        s = secret_new(sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->version = STORED_VERSION;
        s->kind = q->kind;
        s->amount = q->amount;
        s->stan = q->stan;
        s->batch = q->batch;
        s->psn = q->psn;
        s->currency = q->currency;
        s->entry = (uint8_t) q->entry;
        s->icc_size = (uint8_t) q->icc_size;
        COPY(s->pan, strempty(q->pan));
        if (q->expiry)
                memcpy(s->expiry, q->expiry, strnlen(q->expiry, sizeof(s->expiry) - 1));
        if (q->icc_size > 0)
                memcpy(s->icc, q->icc, q->icc_size);
        s->original_batch = q->original.batch;
        s->original_stan = q->original.stan;
        COPY(s->authorization_code, strempty(q->authorization_code));
        COPY(s->original_date, q->original.date);
        COPY(s->original_rrn, q->original.rrn);
        COPY(s->original_approval, q->original.approval);
        *ret = s;
        *ret_size = sizeof(*s);
        return 0;
}

int stored_request_read(const void *data, size_t size, struct host_request *ret) {
        const struct stored_request *s = data;

        if (size < SIZE_1 || s->version < 1 || s->version > STORED_VERSION ||
            size < (s->version == 1 ? SIZE_1 : sizeof(*s)))
                return -EPROTONOSUPPORT;
        *ret = (struct host_request){
                .kind = s->kind,
                .stan = s->stan,
                .batch = s->batch,
                .amount = s->amount,
                .currency = s->currency,
                .entry = s->entry,
                .pan = *s->pan ? s->pan : NULL,
                .expiry = *s->expiry ? s->expiry : NULL,
                .psn = s->psn,
                .icc = s->icc_size > 0 ? s->icc : NULL,
                .icc_size = s->icc_size,
        };
        if (s->version == 1)
                return 0;
        ret->authorization_code = *s->authorization_code ? s->authorization_code : NULL;
        ret->original.batch = s->original_batch;
        ret->original.stan = s->original_stan;
        COPY(ret->original.date, s->original_date);
        COPY(ret->original.rrn, s->original_rrn);
        COPY(ret->original.approval, s->original_approval);
        return 0;
}
