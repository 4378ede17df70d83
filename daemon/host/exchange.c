// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/secret.h"
#include "host/exchange.h"

/* What matching an answer needs of the request, so that the caller's may go. No card data. */
struct exchange {
        const struct host_profile *profile;
        const struct host_keys *keys;
        struct host_request request;
        char terminal[16], merchant[32];

        int result; /* of the frame that was taken */
        struct host_answer answer;
        host_exchange_done_t done;
        void *userdata;
};

static void exchange_free(void *userdata) {
        struct exchange *x = userdata;

        explicit_bzero(&x->answer, sizeof(x->answer));
        free(x);
}

static bool exchange_frame(const void *frame, size_t size, void *userdata) {
        struct exchange *x = userdata;

        x->result = host_answer_decode(x->profile, x->keys, &x->request, frame, size, &x->answer);
        return x->result != -ENOMSG;
}

static enum host_outcome exchange_outcome(const struct exchange *x, enum host_link_reason reason, bool sent) {
        if (reason == HOST_LINK_MALFORMED && sent)
                return HOST_MALFORMED;
        if (reason != HOST_LINK_OK)
                return sent ? HOST_NO_ANSWER : HOST_NOT_SENT;
        if (x->result == -EKEYREJECTED)
                return HOST_BAD_MAC;
        return x->result < 0 ? HOST_MALFORMED : HOST_ANSWERED;
}

static void exchange_done(enum host_link_reason reason, bool sent, void *userdata) {
        struct exchange *x = userdata;
        enum host_outcome outcome = exchange_outcome(x, reason, sent);

        x->done(outcome, reason, outcome == HOST_ANSWERED ? &x->answer : NULL, x->userdata);
}

static int exchange_new(const struct host_profile *p, const struct host_keys *keys, const struct host_request *q,
                        host_exchange_done_t done, void *userdata, struct exchange **ret) {
        struct exchange *x;

        x = calloc(1, sizeof(*x));
        if (!x)
                return -ENOMEM;
        x->profile = p;
        x->keys = keys;
        x->done = done;
        x->userdata = userdata;
        snprintf(x->terminal, sizeof(x->terminal), "%s", q->terminal);
        snprintf(x->merchant, sizeof(x->merchant), "%s", q->merchant);
        x->request = (struct host_request){
                .kind = q->kind,
                .transaction = q->transaction,
                .stan = q->stan,
                .batch = q->batch,
                .terminal = x->terminal,
                .merchant = x->merchant,
                .amount = q->amount,
                .currency = q->currency,
        };
        *ret = x;
        return 0;
}

int host_exchange(struct host_link *link, const struct host_profile *p, const struct host_keys *keys,
                  const struct host_request *q, uint64_t deadline_usec, host_exchange_done_t done, void *userdata) {
        _cleanup_secret_ uint8_t *frame = secret_new(HOST_FRAME_MAX);
        struct exchange *x;
        ssize_t n;
        int r;

        if (!frame)
                return -ENOMEM;
        n = host_request_encode(p, keys, q, frame, NULL);
        if (n < 0)
                return (int) n;
        r = exchange_new(p, keys, q, done, userdata, &x);
        if (r < 0)
                return r;
        r = host_link_exchange(link, q->transaction, frame, (size_t) n, deadline_usec, exchange_frame, exchange_done,
                               exchange_free, x);
        if (r < 0)
                exchange_free(x);
        return r;
}

const char *host_outcome_name(enum host_outcome outcome) {
        static const char *const names[_HOST_OUTCOME_MAX] = {
                [HOST_ANSWERED] = "answered", [HOST_NOT_SENT] = "not-sent",   [HOST_NO_ANSWER] = "no-answer",
                [HOST_BAD_MAC] = "bad-mac",   [HOST_MALFORMED] = "malformed",
        };

        return names[outcome];
}

const char *host_outcome_reversal_reason(enum host_outcome outcome) {
        switch (outcome) {
        case HOST_NO_ANSWER:
                return HOST_REASON_NO_ANSWER;
        case HOST_BAD_MAC:
                return HOST_REASON_BAD_MAC;
        case HOST_MALFORMED:
                return HOST_REASON_NOT_COMPLETED;
        default:
                return NULL;
        }
}
