/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The faults of the engine of engine-fixture.h: each test says what is open, and that nothing else is. */

#include "base/log.h"
#include "care/fault-code.h"
#include "care/faults.h"
#include "engine-fixture.h"

static struct {
        struct faults *faults;
        int64_t clock_offset; /* seconds that the wall clock is ahead of the machine's */
        int64_t up;           /* seconds that the machine has been up longer */
} care;

int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_REALTIME)
                ret->tv_sec += care.clock_offset;
        if (id == CLOCK_BOOTTIME)
                ret->tv_sec += care.up;
        return r;
}

/* What is on this machine's USB, and whether it has the driver, is not the test's. */
bool __wrap_usb_is_known(const struct usb *u);
bool __wrap_usb_is_known(const struct usb *u) {
        return false;
}

static void care_on_transaction(const struct transaction_view *view, enum transaction_event e, void *userdata) {
}

static void care_told(const struct fault_record *record, void *userdata) {
}

/* As tilld starts; what is in the journal stays. */
static void care_start(void) {
        shop_open(care_on_transaction, "/nonexistent/card-worker");
        assert_int_equal(faults_new(shop.engine, care_told, NULL, &care.faults), 0);
        assert_int_equal(engine_start(shop.engine), 0);
        assert_int_equal(faults_start(care.faults), 0);
}

/* In good order. */
static _unused_ void care_stop(void) {
        care.faults = faults_free(care.faults);
        shop_close();
}

static int care_setup(void **state) {
        log_set_max_level(LOG_EMERG);
        memset(&care, 0, sizeof(care));
        shop_set_up();
        care_start();
        return 0;
}

static int care_teardown(void **state) {
        care.faults = faults_free(care.faults);
        shop_tear_down();
        return 0;
}

static void care_run(void) {
        for (int i = 0; i < 20; i++)
                assert_true(sd_event_run(shop.event, 1000) >= 0);
}

static void care_look(void) {
        faults_kick(care.faults);
        care_run();
}

static int care_append(const struct fault_record *record, void *userdata) {
        char *list = userdata;
        size_t n = strlen(list);

        snprintf(list + n, 512 - n, "%s%s", n > 0 ? " " : "", record->code);
        return 0;
}

/* The codes of all that are open, the newest first. */
static void care_assert(const char *codes) {
        const struct fault_filter filter = { .open = true };
        char open[512] = "";

        care_look();
        assert_int_equal(fault_record_each(shop.journal, &filter, care_append, open), 0);
        assert_string_equal(open, codes);
}

/* The one that is open; its row in the catalogue is complete. */
static _unused_ struct fault_record care_assert_one(const char *code, const char *subject) {
        const struct fault_code *row = fault_code_find(code);
        struct fault_record record;

        care_assert(code);
        assert_int_equal(fault_record_find(shop.journal, code, subject, &record), 0);
        assert_non_null(row);
        assert_string_equal(record.class, row->class);
        assert_string_equal(record.severity, row->severity);
        return record;
}

static _unused_ void care_assert_none(void) {
        care_assert("");
}
