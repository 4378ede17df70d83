// SPDX-License-Identifier: LGPL-2.1-or-later
#include "card/atr.h"

#define HISTORICAL_MAX 15

/* Returns where the historical bytes are, *ret filled. */
static ssize_t sim_atr_walk(const uint8_t *atr, size_t size, struct sim_atr *ret, size_t *ret_historical) {
        unsigned int y, level = 1, protocol = 0;
        bool check = false, has_ifsc = false, has_edc = false;
        size_t i = 2;

        *ret = (struct sim_atr){ .ta1 = 0x11, .ifsc = 32 };
        if (size < 2 || (atr[0] != 0x3b && atr[0] != 0x3f))
                return -EBADMSG;
        y = atr[1] >> 4;
        *ret_historical = atr[1] & 0x0f;
        for (;; level++) {
                unsigned int n = __builtin_popcount(y);

                if (i + n > size)
                        return -EBADMSG;
                if (y & 1) { /* TA */
                        if (level == 1)
                                ret->ta1 = atr[i];
                        else if (level == 2) {
                                ret->specific = true;
                                ret->first = atr[i] & 0x0f;
                        } else if (protocol == 1 && !has_ifsc) {
                                ret->ifsc = atr[i];
                                has_ifsc = true;
                        }
                        i++;
                }
                if (y & 2) /* TB */
                        i++;
                if (y & 4) { /* TC */
                        if (level > 2 && protocol == 1 && !has_edc) {
                                ret->crc = atr[i] & 1;
                                has_edc = true;
                        }
                        i++;
                }
                if (!(y & 8))
                        break;
                protocol = atr[i] & 0x0f;
                if (level == 1 && !ret->specific)
                        ret->first = protocol;
                if (protocol < 2)
                        ret->protocols |= 1U << protocol;
                check = check || protocol != 0;
                y = atr[i++] >> 4;
        }
        if (ret->protocols == 0 && level == 1)
                ret->protocols = 1;
        if (i + *ret_historical + check != size || ret->protocols == 0 || ret->first > 1)
                return -EBADMSG;
        return i;
}

int sim_atr_parse(const uint8_t *atr, size_t size, struct sim_atr *ret) {
        size_t historical;
        ssize_t r = sim_atr_walk(atr, size, ret, &historical);

        if (r < 0)
                return r;
        return ret->ifsc == 0 || ret->ifsc == 0xff ? -EBADMSG : 0;
}

int sim_atr_make(const uint8_t *atr, size_t size, unsigned int protocol, uint8_t ret[static CARD_ATR_MAX]) {
        /* TB1 00, TC1 00; for T=1 also TD1, TD2, TA3 (IFSC) and TB3 (waiting times). */
        static const uint8_t t0[] = { 0x3b, 0x60, 0x00, 0x00 };
        static const uint8_t t1[] = { 0x3b, 0xe0, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x45 };
        const uint8_t *head = protocol == 1 ? t1 : t0;
        size_t n = protocol == 1 ? sizeof(t1) : sizeof(t0), historical;
        struct sim_atr old;
        ssize_t at = sim_atr_walk(atr, size, &old, &historical);

        if (at < 0)
                return at;
        memcpy(ret, head, n);
        ret[1] |= historical;
        memcpy(ret + n, atr + at, historical);
        n += historical;
        if (protocol == 1) {
                ret[n] = 0;
                for (size_t i = 1; i < n; i++)
                        ret[n] ^= ret[i];
                n++;
        }
        return n;
}
