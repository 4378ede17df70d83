// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hostile.h"

const char *const kind_names[KINDS] = {
        [KIND_MSR] = "msr",
        [KIND_EMV] = "emv",
        [KIND_PRINTER] = "printer",
};

/* splitmix64, of Steele, Lea and Flood: any state will do. */
static uint64_t mix(uint64_t z) {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
        return z ^ z >> 31;
}

struct chance chance_for(uint64_t seed, uint64_t number, unsigned int stream, unsigned int position) {
        return (struct chance){ mix(mix(mix(seed + 1) + number) + ((uint64_t) stream << 32 | position)) };
}

uint64_t chance_next(struct chance *c) {
        c->state += 0x9e3779b97f4a7c15ULL;
        return mix(c->state);
}

uint32_t chance_below(struct chance *c, uint32_t n) {
        return (chance_next(c) >> 32) * n >> 32;
}

bool chance_of(struct chance *c, unsigned int of_1024) {
        return chance_below(c, 1024) < of_1024;
}

void chance_fill(struct chance *c, void *data, size_t size) {
        for (uint8_t *p = data; size > 0; size--)
                *p++ = chance_next(c) >> 56;
}

/* The devices that the module lists, for those that are known by their id only. */
static const struct {
        enum kind kind;
        uint16_t vendor, product;
} listed[] = {
        { KIND_MSR, 0x0801, 0x0002 },     { KIND_MSR, 0x0801, 0x0003 },     { KIND_MSR, 0x0801, 0x0011 },
        { KIND_MSR, 0x0acd, 0x2010 },     { KIND_MSR, 0x0acd, 0x0500 },     { KIND_MSR, 0x0404, 0x0328 },
        { KIND_EMV, 0x076b, 0x3031 },     { KIND_EMV, 0x076b, 0x3021 },     { KIND_EMV, 0x08e6, 0x3478 },
        { KIND_EMV, 0x04e6, 0x5116 },     { KIND_EMV, 0x072f, 0xb100 },     { KIND_EMV, 0x058f, 0x9540 },
        { KIND_PRINTER, 0x04b8, 0x0202 }, { KIND_PRINTER, 0x04b8, 0x0e03 }, { KIND_PRINTER, 0x1504, 0x0006 },
        { KIND_PRINTER, 0x1d90, 0x2060 }, { KIND_PRINTER, 0x0aa7, 0x0304 }, { KIND_PRINTER, 0x0404, 0x0312 },
};

static void pick_id(struct plan *plan, struct chance *c) {
        size_t i = chance_below(c, ELEMENTSOF(listed));

        if (listed[i].kind != plan->kind)
                return;
        plan->vendor = listed[i].vendor;
        plan->product = listed[i].product;
}

void plan_make(struct plan *plan, uint64_t seed, uint64_t number, bool unplugs) {
        static const enum kind kinds[] = { KIND_MSR, KIND_EMV, KIND_EMV, KIND_PRINTER, KIND_PRINTER };
        static const unsigned int rates[] = { 0, 10, 40, 100, 300 };
        struct chance c = chance_for(seed, number, STREAM_PLAN, 0);

        *plan = (struct plan){ .seed = seed, .number = number };
        if (unplugs) {
                plan->proper = true;
                plan->kind = number % KINDS;
                plan->unplug = chance_below(&c, 4) ? UNPLUG_TIME : UNPLUG_BEFORE + chance_below(&c, 2);
        } else {
                plan->kind = chance_pick(&c, kinds);
                plan->descriptors = chance_of(&c, 200);
                plan->answers = chance_pick(&c, rates);
                plan->slow = chance_pick(&c, rates) / 3;
                plan->habit = chance_of(&c, 400) ? chance_below(&c, HABITS) : HABIT_NONE;
                plan->unplug = chance_below(&c, UNPLUG_KINDS);
                pick_id(plan, &c);
        }
        plan->unplug_at =
                plan->unplug == UNPLUG_TIME ? chance_below(&c, unplugs ? 500 : 1500) : 1 + chance_below(&c, 80);
}
