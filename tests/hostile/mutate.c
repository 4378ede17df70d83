// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile.h"

#define CCID_HEADER 10

static const uint32_t edges[] = {
        0,   1,   2,   3,   7,   8,    9,    10,    63,    64,    65,         127,        128,        254,
        255, 256, 271, 511, 512, 1023, 1024, 65535, 65536, 65546, 0x7fffffff, 0x80000000, 0xfffffff6, 0xffffffff,
};

static void put_le(uint8_t *p, size_t n, uint32_t value) {
        for (size_t i = 0; i < n; i++)
                p[i] = value >> 8 * i & 0xff;
}

/* A byte, a bit, or a number of two or four bytes. */
static void spoil(uint8_t *data, size_t size, struct chance *c) {
        size_t at, n;

        if (size == 0)
                return;
        at = chance_below(c, size);
        n = MIN(size - at, (size_t) 4);
        switch (chance_below(c, 4)) {
        case 0:
                data[at] ^= 1U << chance_below(c, 8);
                break;
        case 1:
                data[at] = chance_next(c);
                break;
        case 2:
                put_le(data + at, MIN(n, (size_t) 2), chance_pick(c, edges));
                break;
        default:
                put_le(data + at, n, chance_pick(c, edges));
        }
}

/*
 * Descriptors
 */

/* Finds the n-th descriptor of a type in a well-formed configuration. */
static uint8_t *find_descriptor(uint8_t *data, size_t size, uint8_t type, unsigned int n) {
        for (size_t i = 0; i + 2 <= size && data[i] >= 2 && i + data[i] <= size; i += data[i])
                if (data[i + 1] == type && n-- == 0)
                        return data + i;
        return NULL;
}

static void spoil_endpoint(uint8_t *e, struct chance *c) {
        static const uint16_t packets[] = { 0, 1, 2, 7, 8, 9, 63, 65, 512, 1023, 1024, 2047, 0x1840, 0xffff };

        switch (chance_below(c, 4)) {
        case 0:
                e[2] = chance_below(c, 2) ? e[2] ^ USB_DIR_IN : (uint8_t) chance_next(c);
                break;
        case 1:
                e[3] = chance_below(c, 2) ? chance_below(c, 4) : (uint8_t) chance_next(c);
                break;
        case 2:
                put_le(e + 4, 2, chance_pick(c, packets));
                break;
        default:
                e[6] = chance_below(c, 2) ? 0 : 255;
        }
}

static void spoil_interface(uint8_t *i, struct chance *c) {
        static const uint8_t classes[] = { 0, 3, 7, 0x0b, 0xff };

        switch (chance_below(c, 5)) {
        case 0:
                i[4] = chance_below(c, 2) ? chance_below(c, 5) : 255;
                break;
        case 1:
                i[3] = chance_next(c);
                break;
        case 2:
                i[2] = chance_next(c);
                break;
        case 3:
                i[5] = chance_pick(c, classes);
                break;
        default:
                i[6 + chance_below(c, 2)] = chance_below(c, 4);
        }
}

/* CCID 1.1, 5.1: levels and automatisms that the simulated reader has or has not, and what cannot be. */
static void spoil_ccid(uint8_t *d, struct chance *c) {
        static const uint32_t levels[] = { 0, 0x10000, 0x20000, 0x40000, 0x70000 };
        static const uint32_t lengths[] = { 0,   1,   9,     10,    11,    64,         261,
                                            271, 272, 65544, 65554, 65555, 0x10000000, 0xffffffff };

        switch (chance_below(c, 8)) {
        case 0:
        case 1:
                put_le(d + 40, 4, chance_pick(c, levels) | chance_below(c, 0x800));
                break;
        case 2:
        case 3:
                put_le(d + 44, 4, chance_pick(c, lengths));
                break;
        case 4:
                d[4] = chance_below(c, 2) ? 255 : chance_below(c, 4);
                break;
        case 5:
                d[52] = chance_below(c, 4);
                break;
        case 6:
                d[5] = chance_next(c);
                break;
        default:
                spoil(d, d[0], c);
        }
}

static void spoil_configuration(uint8_t *data, size_t size, struct chance *c) {
        uint8_t *d, *e;

        switch (chance_below(c, 10)) {
        case 0:
        case 1:
                d = find_descriptor(data, size, 5, chance_below(c, 3));
                if (d && d[0] >= 7)
                        spoil_endpoint(d, c);
                break;
        case 2:
                d = find_descriptor(data, size, 4, 0);
                if (d && d[0] >= 9)
                        spoil_interface(d, c);
                break;
        case 3:
        case 4:
        case 5:
                d = find_descriptor(data, size, 0x21, 0);
                if (d && d[0] == 54)
                        spoil_ccid(d, c);
                else if (d)
                        spoil(d, d[0], c);
                break;
        case 6: /* a descriptor that is not known */
                d = find_descriptor(data, size, chance_below(c, 2) ? 5 : 0x21, 0);
                if (d)
                        d[1] = chance_next(c);
                break;
        case 7: /* two endpoints change places */
                d = find_descriptor(data, size, 5, 0);
                e = find_descriptor(data, size, 5, 1);
                if (d && e && d[0] == e[0])
                        for (size_t i = 0; i < d[0]; i++) {
                                uint8_t byte = d[i];

                                d[i] = e[i];
                                e[i] = byte;
                        }
                break;
        case 8: /* its own length */
                put_le(data + 2, 2, chance_below(c, 2) ? chance_below(c, size) : chance_pick(c, edges));
                break;
        default:
                spoil(data, size, c);
        }
}

static void spoil_device(uint8_t *d, struct chance *c) {
        static const uint8_t packets[] = { 0, 8, 16, 32, 64, 255 };

        switch (chance_below(c, 4)) {
        case 0:
                d[7] = chance_pick(c, packets);
                break;
        case 1:
                d[17] = chance_below(c, 3) * 127;
                break;
        default:
                spoil(d, 18, c);
        }
}

void model_make(struct model *m, const struct plan *plan, const struct usb_model *from) {
        struct chance c = chance_for(plan->seed, plan->number, STREAM_DESCRIPTORS, 0);
        size_t size = from->configuration[2] | from->configuration[3] << 8;

        m->usb = *from;
        m->usb.device_descriptor = m->device;
        m->usb.configuration = m->configuration;
        memcpy(m->device, from->device_descriptor, sizeof(m->device));
        memset(m->configuration, 0, sizeof(m->configuration));
        memcpy(m->configuration, from->configuration, size);
        if (plan->vendor) {
                put_le(m->device + 8, 2, plan->vendor);
                put_le(m->device + 10, 2, plan->product);
        }
        if (!plan->descriptors)
                return;
        for (unsigned int n = 1 + chance_below(&c, 3); n > 0; n--)
                if (chance_below(&c, 8) == 0)
                        spoil_device(m->device, &c);
                else
                        spoil_configuration(m->configuration, size, &c);
        if (chance_of(&c, 100)) /* what follows is not empty */
                chance_fill(&c, m->configuration + size, 512);
}

/*
 * HID report descriptors: items (HID 1.11, 6.2.2) of a prefix and up to four bytes.
 */

static void spoil_report_descriptor(struct answer *a, struct chance *c) {
        for (unsigned int n = 1 + chance_below(c, 3); n > 0; n--) {
                size_t at = 0;

                for (unsigned int skip = chance_below(c, 40); skip > 0 && at < a->size; skip--) {
                        size_t length = a->data[at] & 3;

                        at += 1 + (length == 3 ? 4 : length);
                }
                if (at + 1 >= a->size || chance_below(c, 4) == 0) {
                        spoil(a->data, a->size, c);
                        continue;
                }
                switch (chance_below(c, 3)) {
                case 0: /* the item's value */
                        spoil(a->data + at + 1, MIN((size_t) (a->data[at] & 3), a->size - at - 1), c);
                        break;
                case 1: /* its kind */
                        a->data[at] = (a->data[at] & 3) | (chance_next(c) & 0xfc);
                        break;
                default: /* report size or count */
                        a->data[at] = (chance_below(c, 2) ? 0x74 : 0x94) | (a->data[at] & 3);
                        a->data[at + 1] = chance_pick(c, edges);
                }
        }
        if (chance_of(c, 150))
                a->size = chance_below(c, a->size + 1);
}

/*
 * Answers of the devices
 */

static void mutate_size(struct answer *a, struct chance *c) {
        size_t size = a->size;

        switch (chance_below(c, 4)) {
        case 0:
                a->size = 0;
                break;
        case 1:
                a->size = size > 0 ? chance_below(c, size) : 0;
                break;
        case 2: /* cut in two transfers */
                if (size < 2)
                        break;
                a->size = chance_below(c, size);
                a->rest = size - a->size;
                break;
        default: /* all that the host has room for, or more */
                a->size = chance_below(c, 2) ? a->room : MIN(a->room, size + 1 + chance_below(c, 16));
                if (a->size > size)
                        chance_fill(c, a->data + size, a->size - size);
                if (a->size == a->room && chance_below(c, 2))
                        a->status = -EOVERFLOW;
        }
}

static void mutate_ccid(struct answer *a, struct chance *c) {
        static const uint8_t types[] = { 0x80, 0x81, 0x82, 0x83, 0x84, 0x50, 0x6f, 0x00, 0xff };
        static const uint8_t errors[] = { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xf8, 0xf7, 0xf6, 0xf5, 0xf4,
                                          0xf3, 0xf2, 0xf0, 0xef, 0xee, 0xe0, 0x00, 0x05, 0x0a, 0x81 };
        static const uint8_t chains[] = { 0, 1, 2, 3, 0x10, 4, 0xff };
        uint8_t *d = a->data;

        if (a->size < CCID_HEADER) {
                spoil(d, a->size, c);
                return;
        }
        switch (chance_below(c, 11)) {
        case 0:
                d[0] = chance_pick(c, types);
                break;
        case 1:
                put_le(d + 1, 4,
                       chance_below(c, 2) ? a->size - CCID_HEADER + chance_below(c, 5) - 2 : chance_pick(c, edges));
                break;
        case 2:
                d[5] = chance_next(c);
                break;
        case 3:
                d[6] += chance_below(c, 2) ? 1 : chance_next(c);
                break;
        case 4: /* failed, for each reason */
                d[7] = (d[7] & 3) | 0x40;
                d[8] = chance_pick(c, errors);
                break;
        case 5: /* more time, and then the answer */
                a->twice = true;
                d[7] = (d[7] & 3) | 0x80;
                d[8] = chance_below(c, 3) ? 1 : chance_next(c);
                put_le(d + 1, 4, 0);
                a->size = CCID_HEADER;
                break;
        case 6:
                d[7] = chance_next(c);
                break;
        case 7:
                d[9] = chance_pick(c, chains);
                break;
        case 8:
                a->twice = true;
                break;
        case 9: /* as long as it says, but too long */
                if (a->room <= a->size)
                        break;
                chance_fill(c, d + a->size, a->room - a->size);
                a->size = a->room;
                put_le(d + 1, 4, a->size - CCID_HEADER);
                break;
        default:
                if (a->size > CCID_HEADER)
                        spoil(d + CCID_HEADER, a->size - CCID_HEADER, c);
        }
}

static void mutate_device_id(struct answer *a, struct chance *c) {
        switch (chance_below(c, 4)) {
        case 0: /* its length is the other way round, too long, or too short for itself */
                put_le(a->data, 2, chance_pick(c, edges));
                break;
        case 1:
                a->size = chance_below(c, 4);
                break;
        case 2:
                chance_fill(c, a->data, a->size);
                break;
        default:
                spoil(a->data, a->size, c);
        }
}

static void mutate_control(struct answer *a, struct chance *c) {
        switch (a->setup.request_type << 8 | a->setup.request) {
        case 0x8106:
                if (a->setup.value >> 8 == 0x22 && a->size > 0) {
                        spoil_report_descriptor(a, c);
                        return;
                }
                break;
        case 0xa100:
                if (a->size > 8) {
                        mutate_device_id(a, c);
                        return;
                }
                break;
        }
        if (a->size > 0 && chance_below(c, 3))
                spoil(a->data, a->size, c);
        else if (a->endpoint & USB_DIR_IN)
                mutate_size(a, c);
}

static void fail_transfer(struct answer *a, struct chance *c) {
        /* As host controllers tell them: stall, and the bus errors (Documentation/driver-api/usb/error-codes.rst). */
        static const int errors[] = { -EPIPE, -EPIPE, -EPIPE, -EPROTO, -EILSEQ, -ETIME, -EOVERFLOW, -ECOMM, -ENOSR };

        a->status = chance_pick(c, errors);
        a->halt = a->status == -EPIPE && a->endpoint != 0 && a->endpoint != USB_DIR_IN;
        if (chance_below(c, 2))
                a->size = a->size > 0 ? chance_below(c, a->size) : 0;
        else
                a->size = 0;
}

static bool habit_apply(struct answer *a, enum habit habit, struct chance *c) {
        bool ccid = a->endpoint == 0x82 && a->size >= CCID_HEADER && a->data[0] >= 0x80 && a->data[0] <= 0x84;

        switch (habit) {
        case HABIT_ENDLESS_TIME:
                if (!ccid || a->data[0] != 0x80)
                        return false;
                a->data[7] = (a->data[7] & 3) | 0x80;
                a->data[8] = 1;
                put_le(a->data + 1, 4, 0);
                a->size = CCID_HEADER;
                a->twice = true; /* which is changed again */
                a->late_ms = 20;
                return true;
        case HABIT_ENDLESS_CHAIN:
                if (!ccid || a->data[0] != 0x80)
                        return false;
                a->data[9] = a->data[9] & 1 ? 3 : 1;
                return true;
        case HABIT_WRONG_SEQUENCE:
                if (!ccid)
                        return false;
                a->data[6]++;
                return true;
        case HABIT_FAILS:
                if (!ccid)
                        return false;
                a->data[7] = (a->data[7] & 3) | 0x40;
                a->data[8] = chance_next(c);
                return true;
        case HABIT_STALLS:
                if (chance_below(c, 4))
                        return false;
                fail_transfer(a, c);
                return true;
        case HABIT_SLOW:
                a->late_ms = chance_below(c, a->endpoint & 0x0f ? 400 : 40);
                return true;
        default:
                return false;
        }
}

bool answer_mutate(struct answer *a, const struct plan *plan, struct chance *c) {
        bool changed;

        if (plan->proper)
                return false;
        /* A device that cannot even be enumerated shows little of the driver. */
        if (!(a->endpoint & 0x0f) && a->setup.request_type < 0x20 && chance_below(c, 4))
                return false;
        changed = habit_apply(a, plan->habit, c);
        if (chance_of(c, plan->slow)) {
                a->never = chance_below(c, 4) == 0;
                a->late_ms = 1 + chance_below(c, a->endpoint & 0x0f ? 700 : 100);
                changed = true;
        }
        if (!chance_of(c, plan->answers) || a->status != 0)
                return changed;
        if (chance_below(c, 5) == 0)
                fail_transfer(a, c);
        else if (!(a->endpoint & 0x0f))
                mutate_control(a, c);
        else if (!(a->endpoint & USB_DIR_IN))
                return changed;
        else if (chance_below(c, 4) == 0)
                mutate_size(a, c);
        else if (plan->kind == KIND_EMV && a->endpoint == 0x82)
                mutate_ccid(a, c);
        else
                for (unsigned int n = 1 + chance_below(c, 4); n > 0; n--)
                        spoil(a->data, a->size, c);
        return true;
}

/*
 * What nobody asked for
 */

static size_t unasked_emv(uint8_t *data, struct chance *c, uint8_t *ret_endpoint) {
        size_t n;

        if (chance_below(c, 3) == 0) { /* a message without a command */
                *ret_endpoint = 0x82;
                n = CCID_HEADER + chance_below(c, 60);
                chance_fill(c, data, n);
                data[0] = 0x80 + chance_below(c, 5);
                put_le(data + 1, 4, n - CCID_HEADER);
                data[5] = 0;
                return n;
        }
        *ret_endpoint = 0x83;
        n = 1 + chance_below(c, 8);
        chance_fill(c, data, n);
        /* Slot change or hardware error (CCID 1.1, 6.3). */
        data[0] = chance_below(c, 8) == 0 ? data[0] : 0x50 + chance_below(c, 2);
        return n;
}

static size_t unasked_printer(uint8_t *data, struct chance *c, uint8_t *ret_endpoint) {
        size_t n;

        *ret_endpoint = 0x82;
        switch (chance_below(c, 4)) {
        case 0: /* automatic status, whole or not */
                data[0] = 0x10 | (chance_next(c) & 0x6c);
                for (n = 1; n < 4; n++)
                        data[n] = chance_next(c) & 0x6f;
                return 1 + chance_below(c, 4);
        case 1: /* one status byte, XON, XOFF */
                data[0] = chance_below(c, 2) ? 0x12 | (chance_next(c) & 0x6c) : 0x11 + 2 * chance_below(c, 2);
                return 1;
        case 2: /* a block: header, text, mostly an end */
                n = 2 + chance_below(c, 80);
                chance_fill(c, data, n);
                data[0] = chance_below(c, 2) ? 0x5f : 0x37;
                data[n - 1] = chance_below(c, 4) ? 0 : 'x';
                return n;
        default:
                n = 1 + chance_below(c, 500);
                chance_fill(c, data, n);
                return n;
        }
}

static size_t unasked_msr(uint8_t *data, struct chance *c, uint8_t *ret_endpoint) {
        size_t n = chance_below(c, 3) ? 337 : 1 + chance_below(c, 500);

        *ret_endpoint = 0x81;
        if (chance_below(c, 2))
                memset(data, chance_below(c, 2) * 255, n);
        else
                chance_fill(c, data, n);
        for (size_t i = 0; i < MIN(n, (size_t) 7); i++)
                data[i] = chance_below(c, 2) ? chance_pick(c, edges) : chance_below(c, 120);
        return n;
}

size_t unasked_make(uint8_t data[static 512], const struct plan *plan, struct chance *c, uint8_t *ret_endpoint) {
        switch (plan->kind) {
        case KIND_MSR:
                return unasked_msr(data, c, ret_endpoint);
        case KIND_EMV:
                return unasked_emv(data, c, ret_endpoint);
        default:
                return unasked_printer(data, c, ret_endpoint);
        }
}
