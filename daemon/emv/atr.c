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
static enum atr_fault specific_mode_fault(const struct atr *a) {
        if ((a->ta2 & 0x0f) != a->protocol)
                return ATR_FAULT_MODE_PROTOCOL;
        if (a->ta2 & 0x10)
                return ATR_FAULT_MODE_PARAMETERS;
        if (a->ta1 < 0x11 || a->ta1 > 0x13)
                return ATR_FAULT_MODE_SPEED;
        return ATR_FAULT_NONE;
}

/* 8.3.3.11 to 8.3.3.13 */
static enum atr_fault t1_fault(const struct atr *a) {
        /* N; FF is one less than none for T=1 (8.3.3.5). */
        int guard = a->tc1 == 0xff ? -1 : a->tc1;

        if (a->ifsc < 0x10 || a->ifsc == 0xff)
                return ATR_FAULT_FIELD_SIZE;
        if (!a->has_tb3 || a->bwi > 4 || a->cwi > 5)
                return ATR_FAULT_WAITING_TIMES;
        if (1 << a->cwi <= guard + 1)
                return ATR_FAULT_GUARD_TIME;
        if (a->edc != 0)
                return ATR_FAULT_ERROR_DETECTION;
        return ATR_FAULT_NONE;
}

/* 8.3.3.4, 8.3.3.8: programming voltage, which no card needs any more; and the book lets be after a warm reset. */
static enum atr_fault voltage_fault(const struct atr *a, bool warm) {
        if (!warm && (!a->has_tb1 || a->tb1 != 0))
                return ATR_FAULT_PROGRAMMING_VOLTAGE;
        if (!warm && a->has_tb2)
                return ATR_FAULT_SECOND_VOLTAGE;
        return ATR_FAULT_NONE;
}

enum atr_fault atr_check(const struct atr *a, bool warm) {
        enum atr_fault fault = voltage_fault(a, warm);

        if (a->protocol > 1)
                return ATR_FAULT_PROTOCOL;
        if (a->has_td2 && a->protocol2 != 1 && (a->protocol != 0 || a->protocol2 != 0x0e))
                return ATR_FAULT_SECOND_PROTOCOL;
        if (!fault && a->has_ta2)
                fault = specific_mode_fault(a);
        if (!fault && a->tc2 == 0)
                fault = ATR_FAULT_WAITING_INTEGER;
        if (!fault && a->has_t1)
                fault = t1_fault(a);
        return fault;
}

static const char *const faults[] = {
        [ATR_FAULT_NONE] = "none",
        [ATR_FAULT_MALFORMED] = "malformed",
        [ATR_FAULT_PROGRAMMING_VOLTAGE] = "programming voltage is not 00",
        [ATR_FAULT_SECOND_VOLTAGE] = "second programming voltage",
        [ATR_FAULT_PROTOCOL] = "neither T=0 nor T=1",
        [ATR_FAULT_SECOND_PROTOCOL] = "second protocol is not T=1",
        [ATR_FAULT_MODE_PROTOCOL] = "specific mode of another protocol than the first",
        [ATR_FAULT_MODE_PARAMETERS] = "specific mode with implicit parameters",
        [ATR_FAULT_MODE_SPEED] = "specific mode at another speed than 11 to 13",
        [ATR_FAULT_WAITING_INTEGER] = "waiting time integer is 00",
        [ATR_FAULT_FIELD_SIZE] = "card's field size out of range",
        [ATR_FAULT_WAITING_TIMES] = "waiting times out of range",
        [ATR_FAULT_GUARD_TIME] = "character waiting time is within the guard time",
        [ATR_FAULT_ERROR_DETECTION] = "error detection is not LRC",
        [ATR_FAULT_READER] = "of a protocol that the reader does not speak",
};

const char *atr_fault_to_string(enum atr_fault fault) {
        return (unsigned) fault < ELEMENTSOF(faults) ? faults[fault] : NULL;
}
