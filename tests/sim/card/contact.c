// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/contact.h"

#include "card/atr.h"

#define PPS_START 0xff
#define SPEED_DEFAULT 0x11

#define COMMAND_MAX 65544

/* T=0 (10.3) */
#define T0_HEADER 5
#define T0_NULL 0x60

#define INS_GET_RESPONSE 0xc0
#define INS_ENVELOPE 0xc2

/* T=1 (11.3) */
#define T1_INF_MAX 254
#define T1_BLOCK_MAX (3 + T1_INF_MAX + 2)
#define T1_IFSD_DEFAULT 32

enum {
        PCB_I_SEQ = 0x40,
        PCB_I_MORE = 0x20,
        PCB_R = 0x80,
        PCB_R_SEQ = 0x10,
        PCB_R_EDC = 0x01,
        PCB_R_OTHER = 0x02,
        PCB_S = 0xc0,
        PCB_S_RESPONSE = 0x20,
        PCB_S_RESYNCH = 0xc0,
        PCB_S_IFS = 0xc1,
        PCB_S_ABORT = 0xc2,
        PCB_S_WTX = 0xc3,
};

enum state {
        CONTACT_OFF,
        CONTACT_RESET, /* nothing was said since the ATR: PPS or the first protocol */
        CONTACT_T0,
        CONTACT_T0_DATA, /* the header's data is awaited */
        CONTACT_T1,
};

struct contact {
        struct icc *icc;
        enum state state;
        struct sim_atr atr;
        uint8_t speed;
        unsigned int quirks[CONTACT_QUIRKS];

        uint8_t command[COMMAND_MAX]; /* T=0: header and data; T=1: the APDU as far as it came */
        size_t command_size;
        uint8_t response[ICC_RESPONSE_MAX]; /* T=0: data kept for GET RESPONSE; T=1: what is being sent */
        size_t response_size, response_sent;
        uint16_t kept_sw;
        uint8_t envelope[COMMAND_MAX];
        size_t envelope_size;

        unsigned int ns, nr;        /* the next I-block's number, ours and theirs */
        size_t ifsd;                /* what the reader takes */
        uint8_t asked;              /* the S request of ours that waits for its response, or 0 */
        unsigned int waiting;       /* what an S(WTX) of ours asked for */
        uint8_t last[T1_BLOCK_MAX]; /* the block sent last, right */
        size_t last_size;
};

int contact_new(struct contact **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

static void forget(struct contact *c) {
        explicit_bzero(c->command, sizeof(c->command));
        explicit_bzero(c->response, sizeof(c->response));
        explicit_bzero(c->envelope, sizeof(c->envelope));
        explicit_bzero(c->last, sizeof(c->last));
        c->command_size = c->response_size = c->response_sent = c->envelope_size = c->last_size = 0;
        c->ns = c->nr = c->waiting = c->asked = 0;
        c->ifsd = T1_IFSD_DEFAULT;
}

struct contact *contact_free(struct contact *c) {
        if (!c)
                return NULL;
        forget(c);
        free(c);
        return NULL;
}

int contact_reset(struct contact *c, struct icc *icc, const uint8_t *atr, size_t size,
                  uint8_t ret_atr[static ICC_ATR_MAX]) {
        int n, r;

        contact_off(c);
        n = icc_power_on(icc, ret_atr);
        if (n < 0)
                return n;
        if (size > 0) {
                memcpy(ret_atr, atr, size);
                n = size;
        }
        r = sim_atr_parse(ret_atr, n, &c->atr);
        if (r < 0) {
                icc_power_off(icc);
                return r;
        }
        c->icc = icc;
        c->speed = c->atr.specific ? c->atr.ta1 : SPEED_DEFAULT;
        c->state = c->atr.specific ? c->atr.first == 0 ? CONTACT_T0 : CONTACT_T1 : CONTACT_RESET;
        return n;
}

void contact_off(struct contact *c) {
        if (c->icc)
                icc_power_off(c->icc);
        c->icc = NULL;
        c->state = CONTACT_OFF;
        forget(c);
}

int contact_protocol(const struct contact *c) {
        switch (c->state) {
        case CONTACT_T0:
        case CONTACT_T0_DATA:
                return 0;
        case CONTACT_T1:
                return 1;
        default:
                return -ENODATA;
        }
}

uint8_t contact_speed(const struct contact *c) {
        return c->speed;
}

unsigned int contact_waiting(const struct contact *c) {
        return c->waiting;
}

void contact_set(struct contact *c, enum contact_quirk quirk, unsigned int n) {
        c->quirks[quirk] = n;
}

static unsigned int take_quirk(struct contact *c, enum contact_quirk quirk) {
        unsigned int n = c->quirks[quirk];

        c->quirks[quirk] = 0;
        return n;
}

static bool take_one(struct contact *c, enum contact_quirk quirk) {
        if (c->quirks[quirk] == 0)
                return false;
        c->quirks[quirk]--;
        return true;
}

/*
 * PPS (9)
 */

static ssize_t exchange_pps(struct contact *c, const uint8_t *in, size_t size, uint8_t *out) {
        size_t want = size < 2 ? 3 : 3 + __builtin_popcount(in[1] & 0x70);
        uint8_t sum = 0;

        for (size_t i = 0; i < size; i++)
                sum ^= in[i];
        /* A card that does not agree says nothing. */
        if (size != want || sum != 0 || (in[1] & 0x0f) > 1 || !(c->atr.protocols & 1U << (in[1] & 0x0f)))
                return 0;
        if (in[1] & 0x10) {
                if (in[2] != SPEED_DEFAULT && in[2] != c->atr.ta1)
                        return 0;
                c->speed = in[2];
        }
        c->state = (in[1] & 0x0f) == 0 ? CONTACT_T0 : CONTACT_T1;
        memcpy(out, in, size);
        return size;
}

/*
 * T=0
 */

/* Data goes to the card with these; a card knows it by the instruction. */
static bool takes_data(uint8_t ins) {
        switch (ins) {
        case 0x0e: /* echo of the test card */
        case 0x20: /* VERIFY */
        case 0x82: /* EXTERNAL AUTHENTICATE */
        case 0x88: /* INTERNAL AUTHENTICATE */
        case 0xa4: /* SELECT */
        case 0xa8: /* GET PROCESSING OPTIONS */
        case 0xae: /* GENERATE AC */
        case INS_ENVELOPE:
        case 0xd6: /* UPDATE BINARY */
                return true;
        default:
                return false;
        }
}

static size_t put_sw(uint8_t *out, unsigned int sw) {
        out[0] = sw >> 8;
        out[1] = sw & 0xff;
        return 2;
}

static size_t put_nulls(struct contact *c, uint8_t *out) {
        size_t n = MIN(take_quirk(c, CONTACT_NULL), 255U);

        memset(out, T0_NULL, n);
        return n;
}

/* Says data after the procedure bytes that go with it. */
static size_t put_data(struct contact *c, const uint8_t *data, size_t size, uint8_t *out) {
        uint8_t ins = c->command[1];
        size_t n = 0;

        if (size == 0)
                return 0;
        if (!c->quirks[CONTACT_SINGLE]) {
                out[n++] = ins;
                memcpy(out + n, data, size);
                return n + size;
        }
        for (size_t i = 0; i < size; i++) {
                out[n++] = ins ^ 0xff;
                out[n++] = data[i];
        }
        return n;
}

static unsigned int kept_more(const struct contact *c) {
        size_t left = c->response_size - c->response_sent;

        return left > 0 ? 0x6100 | (left < 256 ? left : 0) : c->kept_sw;
}

/* Runs an APDU of case 1, 3 or 4 and keeps what it answers; returns the status word to say, or -EIO. */
static int t0_run(struct contact *c, const uint8_t *apdu, size_t size) {
        ssize_t n = icc_transmit(c->icc, apdu, size, c->response);

        if (n < 0)
                return n;
        c->kept_sw = c->response[n - 2] << 8 | c->response[n - 1];
        c->response_size = n - 2;
        c->response_sent = 0;
        return kept_more(c);
}

static ssize_t t0_get_response(struct contact *c, uint8_t *out) {
        size_t want = c->command[4] ?: 256, left = c->response_size - c->response_sent, n;

        if (left == 0)
                return put_sw(out, 0x6985);
        if (want > left)
                return put_sw(out, 0x6c00 | left);
        n = put_data(c, c->response + c->response_sent, want, out);
        c->response_sent += want;
        return n + put_sw(out + n, kept_more(c));
}

/* The card sends: P3 says how much, and must be right. */
static ssize_t t0_give(struct contact *c, uint8_t *out) {
        size_t want = c->command[4] ?: 256, size, n;
        ssize_t r;

        r = icc_transmit(c->icc, c->command, T0_HEADER, c->response);
        if (r < 0)
                return r;
        size = r - 2;
        c->response_size = c->response_sent = 0;
        if (size == 0)
                return put_sw(out, c->response[0] << 8 | c->response[1]);
        if (size != want)
                return put_sw(out, 0x6c00 | (size & 0xff));
        n = put_data(c, c->response, size, out);
        memcpy(out + n, c->response + size, 2);
        return n + 2;
}

/* An APDU is whole when it is as long as its own Lc says (12.1.3). */
static bool envelope_is_whole(const struct contact *c) {
        const uint8_t *e = c->envelope;
        size_t n = c->envelope_size, lc;

        if (n < 7)
                return false;
        if (e[4] != 0)
                return n >= 5U + e[4];
        lc = e[5] << 8 | e[6];
        return n == 7 || n == 7 + lc || n == 9 + lc;
}

static int t0_envelope(struct contact *c) {
        size_t n = c->command_size - T0_HEADER;
        int sw;

        if (n > sizeof(c->envelope) - c->envelope_size)
                return 0x6700;
        memcpy(c->envelope + c->envelope_size, c->command + T0_HEADER, n);
        c->envelope_size += n;
        /* A block that is not full, or none, ends the APDU (ISO 7816-4, 7.6). */
        if (n == 255 && !envelope_is_whole(c))
                return 0x9000;
        sw = t0_run(c, c->envelope, c->envelope_size);
        explicit_bzero(c->envelope, c->envelope_size);
        c->envelope_size = 0;
        return sw;
}

static ssize_t t0_done(struct contact *c, uint8_t *out) {
        int sw;

        c->state = CONTACT_T0;
        if (c->command[1] == INS_ENVELOPE)
                sw = t0_envelope(c);
        else if (c->command_size == T0_HEADER)
                sw = t0_run(c, c->command, 4);
        else {
                c->command[c->command_size] = 0; /* Le: T=0 keeps what there is to answer */
                sw = t0_run(c, c->command, c->command_size + 1);
        }
        return sw < 0 ? sw : (ssize_t) put_sw(out, sw);
}

static ssize_t exchange_t0_header(struct contact *c, const uint8_t *in, size_t size, uint8_t *out) {
        size_t n;
        ssize_t r;

        if (size != T0_HEADER)
                return 0;
        memcpy(c->command, in, size);
        c->command_size = size;
        n = put_nulls(c, out);
        if (in[1] == INS_GET_RESPONSE)
                r = t0_get_response(c, out + n);
        else if (!takes_data(in[1]))
                r = t0_give(c, out + n);
        else if (in[4] == 0)
                r = t0_done(c, out + n);
        else {
                c->state = CONTACT_T0_DATA;
                out[n] = c->quirks[CONTACT_SINGLE] ? in[1] ^ 0xff : in[1];
                r = 1;
        }
        return r < 0 ? r : (ssize_t) n + r;
}

static ssize_t exchange_t0_data(struct contact *c, const uint8_t *in, size_t size, uint8_t *out) {
        size_t want = T0_HEADER + c->command[4];

        if (size > want - c->command_size)
                return 0;
        memcpy(c->command + c->command_size, in, size);
        c->command_size += size;
        if (c->command_size == want)
                return t0_done(c, out);
        /* It goes on asking as it did. */
        out[0] = c->command[1] ^ 0xff;
        return 1;
}

/*
 * T=1
 */

/* ISO/IEC 13239, as ISO 7816-3 has it: polynomial x16+x12+x5+1, least significant bit first. */
static uint16_t crc16(const uint8_t *data, size_t size) {
        uint16_t crc = 0xffff;

        for (size_t i = 0; i < size; i++) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1;
        }
        return crc;
}

size_t contact_edc(const uint8_t *block, size_t size, bool crc, uint8_t ret[static 2]) {
        uint16_t v;

        if (crc) {
                v = crc16(block, size);
                ret[0] = v >> 8;
                ret[1] = v & 0xff;
                return 2;
        }
        ret[0] = 0;
        for (size_t i = 0; i < size; i++)
                ret[0] ^= block[i];
        return 1;
}

static size_t t1_say(struct contact *c, uint8_t *out) {
        memcpy(out, c->last, c->last_size);
        if (take_one(c, CONTACT_BAD_EDC))
                out[c->last_size - 1] ^= 0xff;
        return c->last_size;
}

static size_t t1_block(struct contact *c, uint8_t pcb, const void *inf, size_t size, uint8_t *out) {
        c->last[0] = 0;
        c->last[1] = pcb;
        c->last[2] = size;
        if (size > 0)
                memcpy(c->last + 3, inf, size);
        c->last_size = 3 + size;
        c->last_size += contact_edc(c->last, c->last_size, c->atr.crc, c->last + c->last_size);
        return t1_say(c, out);
}

static size_t t1_refuse(struct contact *c, uint8_t error, uint8_t *out) {
        return t1_block(c, PCB_R | (c->nr ? PCB_R_SEQ : 0) | error, NULL, 0, out);
}

static size_t t1_ask(struct contact *c, uint8_t pcb, uint8_t value, uint8_t *out) {
        c->asked = pcb;
        return t1_block(c, pcb, &value, pcb == PCB_S_ABORT ? 0 : 1, out);
}

static size_t t1_next(struct contact *c, uint8_t *out) {
        size_t left = c->response_size - c->response_sent, n = MIN(left, c->ifsd);
        uint8_t pcb = (c->ns ? PCB_I_SEQ : 0) | (n < left ? PCB_I_MORE : 0);

        n = t1_block(c, pcb, c->response + c->response_sent, n, out);
        c->response_sent += c->last[2];
        c->ns ^= 1;
        return n;
}

/* What the card wants to say before its answer, or the answer. */
static size_t t1_answer(struct contact *c, uint8_t *out) {
        unsigned int n;

        n = take_quirk(c, CONTACT_IFS);
        if (n > 0) {
                c->atr.ifsc = n;
                return t1_ask(c, PCB_S_IFS, n, out);
        }
        n = take_quirk(c, CONTACT_WTX);
        if (n > 0) {
                c->waiting = n;
                return t1_ask(c, PCB_S_WTX, n, out);
        }
        return t1_next(c, out);
}

static ssize_t t1_i_block(struct contact *c, uint8_t pcb, const uint8_t *inf, size_t size, uint8_t *out) {
        ssize_t r;

        if (!!(pcb & PCB_I_SEQ) != c->nr || size > c->atr.ifsc || (pcb & 0x1f) || c->asked ||
            c->response_sent < c->response_size)
                return t1_refuse(c, PCB_R_OTHER, out);
        c->nr ^= 1;
        if ((pcb & PCB_I_MORE && take_one(c, CONTACT_ABORT)) || size > sizeof(c->command) - c->command_size) {
                c->command_size = 0;
                return t1_ask(c, PCB_S_ABORT, 0, out);
        }
        memcpy(c->command + c->command_size, inf, size);
        c->command_size += size;
        if (pcb & PCB_I_MORE)
                return t1_refuse(c, 0, out); /* nothing is wrong: the next one, please */

        r = icc_transmit(c->icc, c->command, c->command_size, c->response);
        explicit_bzero(c->command, c->command_size);
        c->command_size = 0;
        if (r < 0)
                return r;
        c->response_size = r;
        c->response_sent = 0;
        return t1_answer(c, out);
}

/* They have our block and want the next, or want the one that they have not got. */
static size_t t1_r_block(struct contact *c, uint8_t pcb, uint8_t *out) {
        bool more = c->response_sent < c->response_size;

        if (c->last_size == 0)
                return t1_refuse(c, PCB_R_OTHER, out);
        if (more && !c->asked && !(c->last[1] & PCB_R) && !!(pcb & PCB_R_SEQ) == c->ns)
                return t1_next(c, out);
        return t1_say(c, out);
}

static size_t t1_s_block(struct contact *c, uint8_t pcb, const uint8_t *inf, size_t size, uint8_t *out) {
        size_t want = pcb == PCB_S_IFS || (pcb & ~PCB_S_RESPONSE) == PCB_S_WTX || pcb == (PCB_S_IFS | PCB_S_RESPONSE);

        if (size != want)
                return t1_refuse(c, PCB_R_OTHER, out);
        if (pcb & PCB_S_RESPONSE) {
                if ((pcb & ~PCB_S_RESPONSE) != c->asked || (size > 0 && inf[0] != c->last[3]))
                        return t1_refuse(c, PCB_R_OTHER, out);
                c->asked = 0;
                c->waiting = 0;
                /* After an abort the right to send is the reader's, which it gives back by saying so again. */
                return pcb == (PCB_S_ABORT | PCB_S_RESPONSE) ? t1_refuse(c, 0, out) : t1_answer(c, out);
        }
        switch (pcb) {
        case PCB_S_RESYNCH:
                c->ns = c->nr = c->asked = 0;
                c->command_size = c->response_size = c->response_sent = 0;
                break;
        case PCB_S_IFS:
                if (inf[0] == 0 || inf[0] > T1_INF_MAX)
                        return t1_refuse(c, PCB_R_OTHER, out);
                c->ifsd = inf[0];
                break;
        case PCB_S_ABORT:
                c->command_size = c->response_size = c->response_sent = 0;
                break;
        default:
                return t1_refuse(c, PCB_R_OTHER, out);
        }
        return t1_block(c, pcb | PCB_S_RESPONSE, inf, size, out);
}

static ssize_t exchange_t1(struct contact *c, const uint8_t *in, size_t size, uint8_t *out) {
        size_t edc_size = c->atr.crc ? 2 : 1;
        uint8_t edc[2];

        if (size < 3 + edc_size || in[2] == 0xff || size != 3 + in[2] + edc_size || in[0] != 0)
                return t1_refuse(c, PCB_R_OTHER, out);
        contact_edc(in, size - edc_size, c->atr.crc, edc);
        if (memcmp(edc, in + size - edc_size, edc_size) != 0 || take_one(c, CONTACT_LOSE))
                return t1_refuse(c, PCB_R_EDC, out);

        if (!(in[1] & PCB_R))
                return t1_i_block(c, in[1], in + 3, in[2], out);
        if ((in[1] & PCB_S) == PCB_R)
                return in[2] == 0 ? t1_r_block(c, in[1], out) : t1_refuse(c, PCB_R_OTHER, out);
        return t1_s_block(c, in[1], in + 3, in[2], out);
}

ssize_t contact_exchange(struct contact *c, const uint8_t *in, size_t size, uint8_t *out) {
        if (size == 0)
                return 0;
        if (c->state == CONTACT_RESET) {
                if (in[0] == PPS_START)
                        return exchange_pps(c, in, size, out);
                c->state = c->atr.first == 0 ? CONTACT_T0 : CONTACT_T1;
        }
        switch (c->state) {
        case CONTACT_T0:
                return exchange_t0_header(c, in, size, out);
        case CONTACT_T0_DATA:
                return exchange_t0_data(c, in, size, out);
        case CONTACT_T1:
                return exchange_t1(c, in, size, out);
        default:
                return 0;
        }
}
