// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/stored-request.h"

#include "base/secret.h"

/*
 * Stored: the numbers of kinds and entries in the file, whatever theirs in the program are. A new one goes to the end,
 * and none ever changes its place.
 */
static const enum host_kind stored_kinds[] = {
        HOST_SALE,         HOST_VOID,       HOST_REFUND,          HOST_PREAUTH,
        HOST_PREAUTH_VOID, HOST_COMPLETION, HOST_COMPLETION_VOID, HOST_BALANCE,
        HOST_OFFLINE_SALE, HOST_TIP,
};
static const enum host_entry stored_entries[] = {
        HOST_ENTRY_NONE, HOST_ENTRY_MANUAL, HOST_ENTRY_STRIPE, HOST_ENTRY_CHIP, HOST_ENTRY_FALLBACK,
};

/* Another layout gets another version; 1 ended before the original. */
#define STORED_VERSION 2
struct stored_request {
        uint32_t version;
        uint32_t kind; /* of stored_kinds[] */
        int64_t amount;
        uint32_t stan;
        uint32_t batch;
        int32_t psn;
        uint16_t currency;
        uint8_t entry; /* of stored_entries[] */
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

static int number_of_kind(enum host_kind kind, uint32_t *ret) {
        for (uint32_t i = 0; i < ELEMENTSOF(stored_kinds); i++)
                if (stored_kinds[i] == kind) {
                        *ret = i;
                        return 0;
                }
        return -ERANGE;
}

static int number_of_entry(enum host_entry entry, uint8_t *ret) {
        for (uint8_t i = 0; i < ELEMENTSOF(stored_entries); i++)
                if (stored_entries[i] == entry) {
                        *ret = i;
                        return 0;
                }
        return -ERANGE;
}

int stored_request_new(const struct host_request *q, struct stored_request **ret, size_t *ret_size) {
        struct stored_request *s;
        uint32_t kind;
        uint8_t entry;
        int r;

        if (q->icc_size > sizeof(s->icc) || strlen(strempty(q->pan)) >= sizeof(s->pan))
                return -ERANGE;
        r = number_of_kind(q->kind, &kind);
        if (r < 0)
                return r;
        r = number_of_entry(q->entry, &entry);
        if (r < 0)
                return r;
        s = secret_new(sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->version = STORED_VERSION;
        s->kind = kind;
        s->amount = q->amount;
        s->stan = q->stan;
        s->batch = q->batch;
        s->psn = q->psn;
        s->currency = q->currency;
        s->entry = entry;
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
        if (s->kind >= ELEMENTSOF(stored_kinds) || s->entry >= ELEMENTSOF(stored_entries))
                return -EPROTONOSUPPORT;
        *ret = (struct host_request){
                .kind = stored_kinds[s->kind],
                .stan = s->stan,
                .batch = s->batch,
                .amount = s->amount,
                .currency = s->currency,
                .entry = stored_entries[s->entry],
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
