// SPDX-License-Identifier: LGPL-2.1-or-later
#include "emv/atr.h"

/* One group of interface bytes, TAi to TDi, as the high half of the byte before announces. */
struct group {
        bool has[4];
        uint8_t value[4];
};

enum { A, B, C, D };

static int take_group(const uint8_t *data, size_t size, size_t *pos, uint8_t present, struct group *ret) {
        *ret = (struct group){};
        for (unsigned i = 0; i < 4; i++) {
                if (!(present & 0x10U << i))
                        continue;
                if (*pos >= size)
                        return -EBADMSG;
                ret->has[i] = true;
                ret->value[i] = data[(*pos)++];
        }
        return 0;
}

/* T=1's own bytes are the first group that follows a TD which says T=1, from the third on (8.3.3.11 to 8.3.3.13). */
static void use_t1_group(struct atr *a, const struct group *g) {
        if (g->has[A])
                a->ifsc = g->value[A];
        a->has_tb3 = g->has[B];
        if (g->has[B]) {
                a->bwi = g->value[B] >> 4;
                a->cwi = g->value[B] & 0x0f;
        }
        if (g->has[C])
                a->edc = g->value[C];
}

static void use_group(struct atr *a, unsigned i, const struct group *g) {
        if (i == 1) {
                if (g->has[A])
                        a->ta1 = g->value[A];
                a->has_tb1 = g->has[B];
                a->tb1 = g->value[B];
                if (g->has[C])
                        a->tc1 = g->value[C];
        } else if (i == 2) {
                a->has_ta2 = g->has[A];
                a->ta2 = g->value[A];
                a->has_tb2 = g->has[B];
                if (g->has[C])
                        a->tc2 = g->value[C];
        }
}

int atr_parse(const uint8_t *data, size_t size, struct atr *ret) {
        struct atr a = { .ta1 = 0x11, .tc2 = 0x0a, .ifsc = 0x20, .bwi = 4, .cwi = 13 };
        bool tck = false, t1 = false;
        uint8_t present, protocol = 0;
        size_t pos = 2, historical;
        int r;

        if (size < 2 || size > ATR_MAX || (data[0] != 0x3b && data[0] != 0x3f))
                return -EBADMSG;
        a.inverse = data[0] == 0x3f;
        historical = data[1] & 0x0f;

        present = data[1];
        for (unsigned i = 1; present & 0xf0; i++) {
                struct group g;

                r = take_group(data, size, &pos, present, &g);
                if (r < 0)
                        return r;
                if (i > 2 && protocol == 1 && !t1) {
                        t1 = true;
                        use_t1_group(&a, &g);
                } else
                        use_group(&a, i, &g);
                if (!g.has[D])
                        break;
                present = g.value[D];
                protocol = present & 0x0f;
                if (i == 1)
                        a.protocol = protocol;
                if (i == 2) {
                        a.has_td2 = true;
                        a.protocol2 = protocol;
                }
                if (protocol == 1)
                        a.has_t1 = true;
                if (protocol != 0)
                        tck = true;
        }

        /* EMV makes nothing of the historical bytes, but they have to be there. */
        if (size - pos != historical + (tck ? 1U : 0U))
                return -EBADMSG;
        if (tck) {
                uint8_t sum = 0;

                for (size_t i = 1; i < size; i++)
                        sum ^= data[i];
                if (sum != 0)
                        return -EBADMSG;
        }
        *ret = a;
        return 0;
}

/* 8.3.3.7: the card is already in its mode, whose parameters are those of this answer. */
static const char *specific_mode_fault(const struct atr *a) {
        if ((a->ta2 & 0x0f) != a->protocol)
                return "specific mode of another protocol than the first";
        if (a->ta2 & 0x10)
                return "specific mode with implicit parameters";
        if (a->ta1 < 0x11 || a->ta1 > 0x13)
                return "specific mode at another speed than 11 to 13";
        return NULL;
}

/* 8.3.3.11 to 8.3.3.13 */
static const char *t1_fault(const struct atr *a) {
        /* N; FF is one less than none for T=1 (8.3.3.5). */
        int guard = a->tc1 == 0xff ? -1 : a->tc1;

        if (a->ifsc < 0x10 || a->ifsc == 0xff)
                return "card's field size out of range";
        if (!a->has_tb3 || a->bwi > 4 || a->cwi > 5)
                return "waiting times out of range";
        if (1 << a->cwi <= guard + 1)
                return "character waiting time is within the guard time";
        if (a->edc != 0)
                return "error detection is not LRC";
        return NULL;
}

/* 8.3.3.4, 8.3.3.8: programming voltage, which no card needs any more; and the book lets be after a warm reset. */
static const char *voltage_fault(const struct atr *a, bool warm) {
        if (!warm && (!a->has_tb1 || a->tb1 != 0))
                return "programming voltage is not 00";
        if (!warm && a->has_tb2)
                return "second programming voltage";
        return NULL;
}

int atr_check(const struct atr *a, bool warm, const char **ret_reason) {
        const char *reason = voltage_fault(a, warm);

        if (a->protocol > 1)
                reason = "neither T=0 nor T=1";
        else if (a->has_td2 && a->protocol2 != 1 && (a->protocol != 0 || a->protocol2 != 0x0e))
                reason = "second protocol is not T=1";
        else if (!reason && a->has_ta2)
                reason = specific_mode_fault(a);
        if (!reason && a->tc2 == 0)
                reason = "waiting time integer is 00";
        if (!reason && a->has_t1)
                reason = t1_fault(a);
        if (!reason)
                return 0;
        *ret_reason = reason;
        return -EPROTONOSUPPORT;
}
