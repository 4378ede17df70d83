// SPDX-License-Identifier: LGPL-2.1-or-later
/* Terminal risk management: EMV Book 3, 10.6. */

#include "emv/step.h"

/* Book 4, 6.3.5, and what 10.6.1 wants of a sale that was split. */
static int recall(struct emv *e, uint64_t *ret_amount) {
        struct emv_memory memory = {};
        struct emv_card_data card;
        int r;

        *ret_amount = e->start->amount;
        if (!e->callbacks->recall)
                return 0;
        emv_fill_card(e, true, &card);
        r = e->callbacks->recall(e->userdata, &card, &memory);
        if (r < 0)
                return r;
        if (memory.exception)
                tvr_set(e->tvr, TVR_EXCEPTION_FILE);
        *ret_amount += MIN(memory.earlier, UINT64_MAX - e->start->amount);
        return 0;
}

/* 10.6.1 */
static void check_floor_limit(struct emv *e, uint64_t amount) {
        if (amount >= e->application->floor_limit)
                tvr_set(e->tvr, TVR_FLOOR_LIMIT);
}

/* 10.6.2: below the floor limit only; above the threshold the chance rises towards target_max. */
static void select_randomly(struct emv *e) {
        const struct emv_application *a = e->application;
        uint64_t amount = e->start->amount, percent = a->target;

        if (amount >= a->floor_limit)
                return;
        if (amount >= a->threshold && a->floor_limit > a->threshold)
                percent += (a->target_max - a->target) * (amount - a->threshold) / (a->floor_limit - a->threshold);
        /* The book draws from 1 to 99 and takes what is not above; from 0 to 99 the percentage is exact. */
        if (e->start->random_percent < percent)
                tvr_set(e->tvr, TVR_RANDOMLY_SELECTED);
}

/* A two-byte counter. 1 with it, 0 when the card does not tell. */
static int get_counter(struct emv *e, uint32_t tag, unsigned *ret) {
        uint8_t value[2];
        int r;

        r = emv_get_data(e, tag, value, sizeof(value));
        if (r > 0)
                *ret = (unsigned) value[0] << 8 | value[1];
        return r;
}

/* 10.6.3 */
static int check_velocity(struct emv *e) {
        const uint8_t *lower = store_get(&e->store, TAG_LOWER_LIMIT, NULL);
        const uint8_t *upper = store_get(&e->store, TAG_UPPER_LIMIT, NULL);
        unsigned counter = 0, last = 0;
        int have_counter, have_last;

        if (!lower || !upper)
                return 0;
        have_counter = get_counter(e, TAG_ATC, &counter);
        if (have_counter < 0)
                return have_counter;
        have_last = get_counter(e, TAG_LAST_ONLINE_ATC, &last);
        if (have_last < 0)
                return have_last;

        /* Limits without the counters that they are for (7.5). */
        if (!have_counter || !have_last)
                tvr_set(e->tvr, TVR_DATA_MISSING);
        if (have_last && last == 0)
                tvr_set(e->tvr, TVR_NEW_CARD);
        /* Counters that are not there, or that cannot be, count as both limits exceeded. */
        if (!have_counter || !have_last || counter <= last || counter - last > *lower)
                tvr_set(e->tvr, TVR_LOWER_LIMIT);
        if (!have_counter || !have_last || counter <= last || counter - last > *upper)
                tvr_set(e->tvr, TVR_UPPER_LIMIT);
        return 0;
}

int emv_manage_risk(struct emv *e) {
        uint64_t amount;
        int r;

        if (e->start->force_online)
                tvr_set(e->tvr, TVR_FORCED_ONLINE);
        /* The terminal's own list, whatever the card wants of the rest. */
        r = recall(e, &amount);
        if (r < 0)
                return r;
        if (!(emv_aip(e) & AIP_RISK_MANAGEMENT))
                return 0;
        check_floor_limit(e, amount);
        select_randomly(e);
        r = check_velocity(e);
        if (r < 0)
                return r;
        e->tsi[0] |= TSI_TERMINAL_RISK_MANAGEMENT;
        return 0;
}
