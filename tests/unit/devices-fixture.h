/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A shop whose devices are structs of the test's, with their attributes in folders of its own. */

#include "test.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "care/statistics.h"
#include "engine-fixture.h"

#define N_DEVICES 4

static struct {
        struct device devices[N_DEVICES]; /* of the monitor; in use up to n */
        size_t n;
        struct device *printer; /* that prints, NULL for none */
        bool mute;
        struct statistics *statistics;
} dev;

struct device *__wrap_monitor_get(const struct monitor *monitor, size_t index);
struct device *__wrap_monitor_find_connected(const struct monitor *monitor, enum device_kind kind);
const struct device *__wrap_printing_device(const struct printing *p);
bool __wrap_printing_is_mute(const struct printing *p);

struct device *__wrap_monitor_get(const struct monitor *monitor, size_t index) {
        return index < dev.n ? dev.devices + index : NULL;
}

struct device *__wrap_monitor_find_connected(const struct monitor *monitor, enum device_kind kind) {
        for (size_t i = 0; i < dev.n; i++)
                if (dev.devices[i].connected && dev.devices[i].kind == kind)
                        return dev.devices + i;
        return NULL;
}

const struct device *__wrap_printing_device(const struct printing *p) {
        return dev.printer;
}

bool __wrap_printing_is_mute(const struct printing *p) {
        return dev.mute;
}

static void dev_on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

/* As tilld starts. */
static void dev_start(void) {
        shop_open(dev_on_transaction, "/nonexistent/card-worker");
        assert_int_equal(statistics_new(shop.engine, NULL, NULL, &dev.statistics), 0);
        for (size_t i = 0; i < dev.n; i++)
                if (dev.devices[i].connected)
                        statistics_device_changed(dev.statistics, dev.devices + i, MONITOR_CONNECTED);
        assert_int_equal(statistics_start(dev.statistics), 0);
}

static void dev_stop(void) {
        dev.statistics = statistics_free(dev.statistics);
        shop_close();
}

static void dev_run(void) {
        for (int i = 0; i < 10; i++)
                assert_true(sd_event_run(shop.event, 500) >= 0);
}

/* The driver counts. */
static _unused_ void dev_count(const struct device *d, const char *attribute, unsigned value) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/statistics/%s", d->syspath, attribute);
        f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f, "%u\n", value);
        assert_int_equal(fclose(f), 0);
}

/* A device at a place; where there was one there, that one anew, counting from zero. Up for so many seconds. */
static struct device *dev_plug(enum device_kind kind, const char *id, const char *serial, unsigned seconds) {
        struct device *d = NULL;
        char command[256];

        for (size_t i = 0; i < dev.n; i++)
                if (streq(dev.devices[i].id, id))
                        d = dev.devices + i;
        if (!d) {
                assert_true(dev.n < N_DEVICES);
                d = dev.devices + dev.n++;
        }
        free(d->syspath);
        free(d->id);
        *d = (struct device){
                .kind = kind,
                .id = strdup(id),
                .port = (char *) "1-2",
                .vendor = (char *) "Epson",
                .product = (char *) "TM-T88V",
                .serial = (char *) serial,
                .vendor_id = 0x04b8,
                .product_id = 0x0202,
                .release = 0x0110,
                .plugged = clock_now(CLOCK_MONOTONIC) - seconds * USEC_PER_SEC,
                .connected = true,
                .why = DEVICE_WHY_PLUGGED,
        };
        assert_true(asprintf(&d->syspath, "%s/%s", shop.dir, id) > 0);
        snprintf(command, sizeof(command), "rm -rf %s; mkdir -p %s/statistics", d->syspath, d->syspath);
        assert_int_equal(system(command), 0);
        if (dev.statistics)
                statistics_device_changed(dev.statistics, d, MONITOR_CONNECTED);
        return d;
}

static _unused_ void dev_unplug(struct device *d) {
        d->connected = false;
        if (dev.statistics)
                statistics_device_changed(dev.statistics, d, MONITOR_DISCONNECTED);
}

static _unused_ uint64_t dev_value(const char *key, const char *name) {
        uint64_t n = 99;

        assert_int_equal(statistic_get(shop.journal, key, name, &n), 0);
        return n;
}

static void dev_set_up(void) {
        log_set_max_level(LOG_EMERG);
        memset(&dev, 0, sizeof(dev));
        shop_set_up();
        dev_start();
}

static void dev_tear_down(void) {
        dev_stop();
        for (size_t i = 0; i < dev.n; i++) {
                free(dev.devices[i].syspath);
                free(dev.devices[i].id);
        }
        shop_tear_down();
}
