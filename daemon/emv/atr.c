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

static void use_group(struct atr *a, unsigned i, uint8_t protocol, const struct group *g) {
        if (i == 1) {
                if (g->has[A])
                        a->ta1 = g->value[A];
                if (g->has[C])
                        a->tc1 = g->value[C];
        } else if (i == 2) {
                a->has_ta2 = g->has[A];
                a->ta2 = g->value[A];
                if (g->has[C])
                        a->tc2 = g->value[C];
        } else if (i == 3 && protocol == 1) {
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
}

int atr_parse(const uint8_t *data, size_t size, struct atr *ret) {
        struct atr a = { .ta1 = 0x11, .tc2 = 0x0a, .ifsc = 0x20, .bwi = 4, .cwi = 13 };
        bool tck = false;
        uint8_t present, protocol = 0;
        size_t pos = 2;
        int r;

        if (size < 2 || size > ATR_MAX || (data[0] != 0x3b && data[0] != 0x3f))
                return -EBADMSG;
        a.inverse = data[0] == 0x3f;
        a.historical_size = data[1] & 0x0f;

        present = data[1];
        for (unsigned i = 1; present & 0xf0; i++) {
                struct group g;

                r = take_group(data, size, &pos, present, &g);
                if (r < 0)
                        return r;
                use_group(&a, i, protocol, &g);
                if (!g.has[D])
                        break;
                present = g.value[D];
                protocol = present & 0x0f;
                if (i == 1)
                        a.protocol = protocol;
                if (protocol != 0)
                        tck = true;
        }

        if (size - pos != a.historical_size + (tck ? 1U : 0U))
                return -EBADMSG;
        memcpy(a.historical, data + pos, a.historical_size);
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

int atr_check(const struct atr *a, const char **ret_reason) {
        const char *reason = NULL;

        if (a->protocol > 1)
                reason = "neither T=0 nor T=1";
        else if (a->has_ta2 && (a->ta2 & 0x0f) != a->protocol)
                reason = "specific mode of another protocol";
        else if (a->has_ta2 && a->ta2 & 0x10)
                reason = "specific mode with implicit parameters";
        else if (a->protocol == 0 && a->tc2 != 0x0a)
                reason = "waiting time integer is not 0A";
        else if (a->protocol == 1 && (a->ifsc < 0x10 || a->ifsc == 0xff))
                reason = "card's field size out of range";
        else if (a->protocol == 1 && (!a->has_tb3 || a->bwi > 4 || a->cwi > 5))
                reason = "waiting times out of range";
        else if (a->protocol == 1 && a->edc != 0)
                reason = "error detection is not LRC";
        if (!reason)
                return 0;
        *ret_reason = reason;
        return -EPROTONOSUPPORT;
}
