// SPDX-License-Identifier: LGPL-2.1-or-later
#include "care/statistics-queue.h"

/* A journal that takes nothing for so long has other troubles. */
#define ORDERS_MAX 512

enum order_type {
        ORDER_SEE,
        ORDER_MISS,
        ORDER_ADD,
        ORDER_READ,
};

struct statistics_order {
        enum order_type type;
        struct device_record *record; /* of ORDER_SEE */
        char key[DEVICE_KEY_SIZE];
        char name[STATISTIC_NAME_SIZE];
        uint64_t number;
};

static void forget_all(struct statistics_queue *q) {
        for (size_t i = 0; i < q->n; i++)
                free(q->list[i].record);
        q->n = 0;
}

void statistics_queue_done(struct statistics_queue *q) {
        forget_all(q);
        free(q->list);
        q->list = NULL;
}

static int append(struct statistics_queue *q, const struct statistics_order *order) {
        struct statistics_order *list;

        if (q->n >= ORDERS_MAX)
                return -ENOBUFS;
        list = reallocarray(q->list, q->n + 1, sizeof(*list));
        if (!list)
                return -ENOMEM;
        q->list = list;
        list[q->n++] = *order;
        return 0;
}

/* The one that waits for the same counter of the same plugging in. */
static struct statistics_order *find(struct statistics_queue *q, const struct statistics_order *order) {
        for (size_t i = q->n; i-- > 0;) {
                struct statistics_order *o = q->list + i;

                if (!streq(o->key, order->key))
                        continue;
                if (o->type == ORDER_SEE)
                        return NULL;
                if (o->type == order->type && streq(o->name, order->name))
                        return o;
        }
        return NULL;
}

int statistics_queue_see(struct statistics_queue *q, const struct device_record *record, const char *plugging) {
        struct statistics_order order = { .type = ORDER_SEE };
        _cleanup_free_ struct device_record *copy = malloc(sizeof(*copy));
        int r;

        if (!copy)
                return -ENOMEM;
        *copy = *record;
        COPY(copy->plugging, plugging);
        COPY(order.key, record->key);
        order.record = copy;
        r = append(q, &order);
        if (r >= 0)
                copy = NULL;
        return r;
}

int statistics_queue_miss(struct statistics_queue *q, const char *key) {
        struct statistics_order order = { .type = ORDER_MISS };

        COPY(order.key, key);
        return append(q, &order);
}

int statistics_queue_add(struct statistics_queue *q, const char *key, const char *name, uint64_t delta) {
        struct statistics_order order = { .type = ORDER_ADD, .number = delta }, *same;

        if (delta == 0)
                return 0;
        COPY(order.key, key);
        COPY(order.name, name);
        same = find(q, &order);
        if (!same)
                return append(q, &order);
        same->number += delta;
        return 0;
}

int statistics_queue_read(struct statistics_queue *q, const char *key, const char *name, uint64_t reading) {
        struct statistics_order order = { .type = ORDER_READ, .number = reading }, *same;

        COPY(order.key, key);
        COPY(order.name, name);
        same = find(q, &order);
        if (!same)
                return append(q, &order);
        same->number = reading;
        return 0;
}

/* ---- Into the journal ---- */

static int write_seen(struct journal *j, const struct statistics_order *order) {
        struct device_record record = *order->record;
        int r = device_record_see(j, &record);

        return r < 0 ? r : statistic_begin_plugging(j, order->key, order->record->plugging);
}

static int write_one(struct journal *j, const struct statistics_order *order) {
        int r;

        switch (order->type) {
        case ORDER_SEE:
                return write_seen(j, order);
        case ORDER_MISS:
                r = device_record_miss(j, order->key);
                return r == -ENOENT ? 0 : r;
        case ORDER_ADD:
                return statistic_add(j, order->key, order->name, order->number);
        default:
                return statistic_read(j, order->key, order->name, order->number);
        }
}

static int write_all(struct statistics_queue *q, struct journal *j) {
        int r;

        r = journal_begin(j, JOURNAL_LAZY);
        if (r < 0)
                return r;
        _cleanup_(journal_rollbackp) _unused_ struct journal *rollback = j;
        for (size_t i = 0; i < q->n; i++) {
                r = write_one(j, q->list + i);
                if (r < 0)
                        return r;
        }
        return journal_commit(j);
}

int statistics_queue_write(struct statistics_queue *q, struct journal *j) {
        int r = q->n > 0 ? write_all(q, j) : 0;

        if (r >= 0)
                forget_all(q);
        return r;
}
