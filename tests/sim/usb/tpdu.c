// SPDX-License-Identifier: LGPL-2.1-or-later
#include "usb/tpdu.h"

#define HEADER 5
#define PROCEDURE_NULL 0x60

struct t0 {
        struct contact *contact;
        uint8_t header[HEADER];
        const uint8_t *data; /* what is left to send; NULL where the card gives */
        size_t want;         /* bytes left, of either */
        uint8_t *response;
        size_t size;
        uint8_t in[CONTACT_OUT_MAX]; /* the card's turn */
        ssize_t n, i;
};

/* The procedure byte asks for all that is left or for one byte (ISO 7816-3, 10.3.3). 0, or -EIO. */
static int t0_transfer(struct t0 *t, size_t part) {
        t->want -= part;
        if (t->data) {
                t->n = contact_exchange(t->contact, t->data, part, t->in);
                t->i = 0;
                t->data += part;
                return 0;
        }
        if (part > (size_t) (t->n - t->i))
                return -EIO;
        memcpy(t->response + t->size, t->in + t->i, part);
        t->size += part;
        t->i += part;
        return 0;
}

static ssize_t t0_run(struct t0 *t) {
        uint8_t ins = t->header[1];

        t->n = contact_exchange(t->contact, t->header, HEADER, t->in);
        while (t->i < t->n) {
                uint8_t byte = t->in[t->i++];
                int r;

                if (byte == PROCEDURE_NULL)
                        continue;
                if ((byte & 0xf0) == 0x60 || (byte & 0xf0) == 0x90) {
                        if (t->i + 1 != t->n)
                                return -EPROTO;
                        t->response[t->size++] = byte;
                        t->response[t->size++] = t->in[t->i];
                        return t->size;
                }
                if (byte == ins)
                        r = t0_transfer(t, t->want);
                else if ((byte ^ ins) == 0xff)
                        r = t0_transfer(t, MIN(t->want, (size_t) 1));
                else
                        r = -EPROTO;
                if (r < 0)
                        return r;
        }
        return -EIO;
}

ssize_t tpdu_exchange_t0(struct contact *contact, const uint8_t *tpdu, size_t size, uint8_t *response) {
        struct t0 t = { .contact = contact, .response = response };

        if (size < HEADER - 1)
                return -EBADMSG;
        memcpy(t.header, tpdu, MIN(size, (size_t) HEADER));
        if (size > HEADER) {
                t.data = tpdu + HEADER;
                t.want = size - HEADER;
                if (t.want != t.header[4])
                        return -EBADMSG;
        } else if (size == HEADER)
                t.want = t.header[4] ?: 256;
        return t0_run(&t);
}
