// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/t1.h"

#define EPILOGUE 1 /* LRC */
#define IFSD_DEFAULT 32

/* Each block is sent so often at most (9.2.5.1). */
#define TRIES_MAX 3
/* Requests of the card in a row, each right: more time, mostly. */
#define REQUESTS_MAX 255

/* PCB (9.2.4.1.1, tables 25 to 27) */
enum {
        I_NUMBER = 0x40,
        I_MORE = 0x20,
        I_RESERVED = 0x1f,
        R_BLOCK = 0x80,
        R_NUMBER = 0x10,
        R_RESERVED = 0x2c,
        R_ERROR = 0x03,
        S_BLOCK = 0xc0,
        S_RESPONSE = 0x20,
        S_RESYNCH = 0xc0,
        S_IFS = 0xc1,
        S_ABORT = 0xc2,
        S_WTX = 0xc3,
};

/* What an R-block says of the block before it. */
enum error {
        ERROR_NONE = 0,
        ERROR_EDC = 1, /* or parity */
        ERROR_OTHER = 2,
};

enum next {
        NEXT_DONE = 1,
        NEXT_SEND, /* what is in out */
};

struct block {
        uint8_t pcb, size;
        const uint8_t *inf;
};

/* One question of ours, an APDU or an S-block, until it is answered. */
struct dialogue {
        struct t1 *t;

        const uint8_t *command; /* NULL where it is not ours to send again */
        size_t size, sent;      /* of it; what the card has got */
        size_t part;            /* what is in the I-block under way */
        uint8_t request;        /* PCB of an S request of ours instead */
        uint8_t request_value;

        uint8_t *response;
        size_t max, received;
        bool receiving; /* a chain of the card's has begun */

        uint8_t out[BLOCK_MAX];
        size_t out_size;
        unsigned waiting, failures, requests;
};

static uint8_t lrc(const uint8_t *p, size_t size) {
        uint8_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum ^= p[i];
        return sum;
}

static enum next send_block(struct dialogue *d, uint8_t pcb, const void *inf, size_t size) {
        d->out[0] = 0; /* NAD: not used (9.2.4.1.1) */
        d->out[1] = pcb;
        d->out[2] = (uint8_t) size;
        if (size > 0)
                memcpy(d->out + T1_PROLOGUE, inf, size);
        d->out[T1_PROLOGUE + size] = lrc(d->out, T1_PROLOGUE + size);
        d->out_size = T1_PROLOGUE + size + EPILOGUE;
        return NEXT_SEND;
}

static enum next send_r(struct dialogue *d, enum error error) {
        return send_block(d, (uint8_t) (R_BLOCK | (d->t->nr ? R_NUMBER : 0) | error), NULL, 0);
}

static uint8_t i_pcb(const struct dialogue *d) {
        return (uint8_t) ((d->t->ns ? I_NUMBER : 0) | (d->sent + d->part < d->size ? I_MORE : 0));
}

/* The I-block under way, for the first time or again: again with what the card takes by now. */
static enum next send_i(struct dialogue *d) {
        d->part = MIN(d->size - d->sent, (size_t) d->t->ifsc);
        return send_block(d, i_pcb(d), d->command + d->sent, d->part);
}

static enum next send_request(struct dialogue *d) {
        return send_block(d, d->request, &d->request_value, d->request == S_IFS);
}

static bool was_r(const struct dialogue *d) {
        return (d->out[1] & S_BLOCK) == R_BLOCK;
}

/* The card has got a block of ours, or ours has got one of the card's. */
static void progress(struct dialogue *d) {
        d->failures = d->requests = 0;
}

/* 9.2.5.1: what came is wrong, or nothing came. It is asked for again, three times in a row at most. */
static int refuse(struct dialogue *d, enum error why, int error) {
        if (++d->failures >= TRIES_MAX)
                return error;
        if (d->request != 0)
                return send_request(d);
        /* As it was, the reason with it. */
        if (was_r(d))
                return NEXT_SEND;
        return send_r(d, why);
}

static int wrong(struct dialogue *d) {
        return refuse(d, ERROR_OTHER, -EBADMSG);
}

/* The card wants something once more: 0, or the end. */
static int count_repeat(struct dialogue *d) {
        return ++d->failures >= TRIES_MAX ? -EBADMSG : 0;
}

static int take_i(struct dialogue *d, const struct block *b) {
        struct t1 *t = d->t;

        if (b->pcb & I_RESERVED || b->size > t->ifsd || !!(b->pcb & I_NUMBER) != t->nr || d->request != 0)
                return wrong(d);
        /* A chain of nothing would have no end. */
        if (b->pcb & I_MORE && b->size == 0)
                return wrong(d);
        /* It has the turn only after our last block, of which this is the acknowledgement. */
        if (!d->receiving) {
                if (d->sent + d->part < d->size)
                        return wrong(d);
                t->ns ^= 1;
                d->receiving = true;
        }
        t->nr ^= 1;
        progress(d);
        if (b->size > d->max - d->received)
                return -EBADMSG;
        if (b->size > 0)
                memcpy(d->response + d->received, b->inf, b->size);
        d->received += b->size;
        return b->pcb & I_MORE ? (int) send_r(d, ERROR_NONE) : NEXT_DONE;
}

/* The number is that of the I-block that the card wants next. */
static int take_r(struct dialogue *d, const struct block *b) {
        uint8_t wants = !!(b->pcb & R_NUMBER);
        int r;

        if (b->pcb & R_RESERVED || (b->pcb & R_ERROR) == R_ERROR || b->size > 0)
                return wrong(d);
        if (d->request == 0 && !d->receiving && wants != d->t->ns) {
                /* The one under way has arrived. It was the last: then there is nothing more to want. */
                if (d->sent + d->part >= d->size)
                        return wrong(d);
                d->t->ns ^= 1;
                d->sent += d->part;
                progress(d);
                return send_i(d);
        }

        r = count_repeat(d);
        if (r < 0)
                return r;
        if (d->request != 0)
                return send_request(d);
        /* Our R-block has not arrived, as what came before it has. */
        if (d->receiving)
                return send_r(d, ERROR_NONE);
        if (!d->command)
                return -EBADMSG;
        return send_i(d);
}

static int take_s_response(struct dialogue *d, const struct block *b) {
        if (d->request == 0 || b->pcb != (d->request | S_RESPONSE))
                return wrong(d);
        if (b->size != (d->request == S_IFS) || (b->size > 0 && b->inf[0] != d->request_value))
                return wrong(d);
        return NEXT_DONE;
}

static int take_s(struct dialogue *d, const struct block *b) {
        struct t1 *t = d->t;

        if (b->pcb & S_RESPONSE)
                return take_s_response(d, b);
        /* 9.2.5.1: an abort ends the session. */
        if (b->pcb == S_ABORT && b->size == 0)
                return -EBADMSG;
        if ((b->pcb != S_IFS && b->pcb != S_WTX) || b->size != 1)
                return wrong(d);
        if (b->pcb == S_IFS && (b->inf[0] < 0x10 || b->inf[0] == 0xff))
                return wrong(d);
        if (++d->requests > REQUESTS_MAX)
                return -EBADMSG;
        d->failures = 0;
        if (b->pcb == S_IFS)
                t->ifsc = b->inf[0];
        else
                d->waiting = MAX(b->inf[0], (uint8_t) 1);
        return send_block(d, b->pcb | S_RESPONSE, b->inf, 1);
}

/* 9.2.4.1: whether it is a block at all. -EBADMSG, with why. */
static int parse(const uint8_t *p, size_t size, struct block *ret, enum error *ret_why) {
        *ret_why = ERROR_OTHER;
        if (size < T1_PROLOGUE + EPILOGUE || p[2] == 0xff || size != T1_PROLOGUE + (size_t) p[2] + EPILOGUE)
                return -EBADMSG;
        if (lrc(p, size) != 0) {
                *ret_why = ERROR_EDC;
                return -EBADMSG;
        }
        if (p[0] != 0)
                return -EBADMSG;
        *ret = (struct block){ .pcb = p[1], .size = p[2], .inf = p + T1_PROLOGUE };
        return 0;
}

static int take(struct dialogue *d, const uint8_t *answer, size_t size) {
        struct block b;
        enum error why;

        if (parse(answer, size, &b, &why) < 0)
                return refuse(d, why, -EBADMSG);
        if (!(b.pcb & R_BLOCK))
                return take_i(d, &b);
        if ((b.pcb & S_BLOCK) == R_BLOCK)
                return take_r(d, &b);
        return take_s(d, &b);
}

/* Until it is answered, or cannot be. first sends what is not in out, where it is not NULL. */
static int run(struct dialogue *d, t1_first_t first) {
        struct t1 *t = d->t;
        uint8_t answer[BLOCK_MAX];
        int r;

        do {
                unsigned waiting = MAX(d->waiting, 1U);
                size_t n = 0;

                d->waiting = 0;
                r = first ? first(t->userdata, d->out, answer, &n)
                          : t->exchange(t->userdata, d->out, d->out_size, waiting, answer, &n);
                first = NULL;
                if (r == -EIO)
                        r = refuse(d, ERROR_OTHER, r);
                else if (r >= 0)
                        r = n <= sizeof(answer) ? take(d, answer, n) : -EBADMSG;
        } while (r == NEXT_SEND);
        return r < 0 ? r : 0;
}

void t1_init(struct t1 *t, const struct atr *a, block_exchange_t exchange, void *userdata) {
        *t = (struct t1){ .exchange = exchange, .userdata = userdata, .ifsc = a->ifsc, .ifsd = IFSD_DEFAULT };
}

static int ask(struct t1 *t, uint8_t request, uint8_t value) {
        struct dialogue d = { .t = t, .request = request, .request_value = value };

        (void) send_request(&d);
        return run(&d, NULL);
}

int t1_start(struct t1 *t, uint8_t ifsd) {
        int r;

        r = ask(t, S_IFS, ifsd);
        if (r == -EIO || r == -EBADMSG) {
                r = ask(t, S_RESYNCH, 0);
                if (r < 0)
                        return r;
                t->ns = t->nr = 0;
                r = ask(t, S_IFS, ifsd);
        }
        if (r < 0)
                return r;
        t->ifsd = ifsd;
        return 0;
}

static int transmit(struct dialogue *d, t1_first_t first, size_t *ret_size) {
        int r;

        r = run(d, first);
        if (r < 0)
                return r;
        *ret_size = d->received;
        return 0;
}

int t1_transmit(struct t1 *t, const uint8_t *command, size_t size, uint8_t *response, size_t max, size_t *ret_size) {
        struct dialogue d = { .t = t, .command = command, .size = size, .response = response, .max = max };

        (void) send_i(&d);
        return transmit(&d, NULL, ret_size);
}

int t1_transmit_hidden(struct t1 *t, t1_first_t first, size_t size, uint8_t *response, size_t max, size_t *ret_size) {
        struct dialogue d = { .t = t, .size = size, .part = size, .response = response, .max = max };

        if (size > t->ifsc)
                return -EBADMSG;
        d.out[1] = i_pcb(&d);
        d.out[2] = (uint8_t) size;
        return transmit(&d, first, ret_size);
}
