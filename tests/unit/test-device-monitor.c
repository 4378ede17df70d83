// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The monitor against umockdev's sysfs and udev events. The test starts itself once more with the preload
 * library that makes them look real.
 */
#include "test.h"

#include <umockdev.h>
/* glib has its own. */
#undef MIN
#undef MAX

#include "base/log.h"
#include "device/monitor.h"

static struct seen { char text[512]; /* "added 1-2,connected 1-2," */ } seen;

static UMockdevTestbed *testbed;
static sd_event *event;
static struct monitor *monitor;

static void on_event(struct device *device, enum monitor_event e, void *userdata) {
        static const char *const words[] = {
                [MONITOR_ADDED] = "added",
                [MONITOR_CONNECTED] = "connected",
                [MONITOR_DISCONNECTED] = "disconnected",
                [MONITOR_CHANGED] = "changed",
                [MONITOR_REMOVED] = "removed",
        };
        size_t l = strlen(seen.text);

        assert_non_null(device->why);
        assert_int_equal(device->connected, e == MONITOR_CONNECTED || (e == MONITOR_CHANGED && device->node));
        assert_int_equal(device->node != NULL, device->connected || e == MONITOR_DISCONNECTED || e == MONITOR_ADDED);
        (void) snprintf(seen.text + l, sizeof(seen.text) - l, "%s %s,", words[e], device->id);
}

static int setup(void **state) {
        testbed = umockdev_testbed_new();
        assert_non_null(testbed);
        seen = (struct seen){};
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(monitor_new(event, on_event, NULL, &monitor), 0);
        return 0;
}

static int teardown(void **state) {
        monitor = monitor_free(monitor);
        event = sd_event_unref(event);
        g_clear_object(&testbed);
        return 0;
}

/* The events since the last call. */
static void settle(void) {
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(event, 20000) >= 0);
}

static void expect(const char *text) {
        settle();
        assert_string_equal(seen.text, text);
        seen.text[0] = '\0';
}

struct plugged {
        char *usb, *interface, *till;
};

static struct plugged plug(const char *port, const char *interface, const char *name, const char *kind,
                           const char *product) {
        struct plugged p;
        char node[64];

        p.usb = umockdev_testbed_add_device(testbed, "usb", port, NULL, "idVendor", "04b8", "idProduct", "0e15",
                                            "bcdDevice", "0100", "manufacturer", "EPSON", "product", product, "serial",
                                            "J7\x01"
                                            "42 ",
                                            NULL, "DEVTYPE", "usb_device", NULL);
        p.interface =
                umockdev_testbed_add_device(testbed, "usb", interface, p.usb, NULL, "DEVTYPE", "usb_interface", NULL);
        (void) snprintf(node, sizeof(node), "/dev/%s", name);
        p.till = umockdev_testbed_add_device(testbed, "till", name, p.interface, "card", "absent", NULL, "DEVTYPE",
                                             kind, "DEVNAME", node, "ID_PATH", "platform-x-usb-0:2:1.0",
                                             "TILL_PRINTER_DOTS", "576", "TILL_PRINTER_QUIRKS", "no\x01ne",
                                             "USEC_INITIALIZED", "123456789", NULL);
        return p;
}

static void unplug(struct plugged *p) {
        umockdev_testbed_uevent(testbed, p->till, "remove");
        umockdev_testbed_remove_device(testbed, p->till);
        umockdev_testbed_uevent(testbed, p->interface, "remove");
        umockdev_testbed_remove_device(testbed, p->interface);
        umockdev_testbed_uevent(testbed, p->usb, "remove");
        umockdev_testbed_remove_device(testbed, p->usb);
        g_free(p->till);
        g_free(p->interface);
        g_free(p->usb);
}

static void forget(struct plugged *p) {
        g_free(p->till);
        g_free(p->interface);
        g_free(p->usb);
}

/* Of what is too long the whole characters are shown: half of one can be neither logged nor printed. */
static void long_titles(void **state) {
        static const struct {
                const char *vendor, *product, *title;
        } cases[] = {
                { "", "a一二三四五六七八九十一二三四五六七八九十", "a一二三四五六七八九十一二三四五六七八九 (1-2)" },
                { "a一二三四五六七八九十一二三四五六七八九十", "P",
                  "a一二三四五六七八九十一二三四五六七八九 P (1-2)" },
                { "", "一二三四五六七八九十一二三四五六七八九十", "一二三四五六七八九十一二三四五六七八九十 (1-2)" },
                { "", "0123456789012345678901234567890123456789012345678901234567é😀",
                  "0123456789012345678901234567890123456789012345678901234567é (1-2)" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct device d = { .id = (char *) "1-2",
                                    .vendor = (char *) cases[i].vendor,
                                    .product = (char *) cases[i].product };
                char title[DEVICE_TITLE_MAX];

                assert_string_equal(device_title(&d, title), cases[i].title);
        }
}

static void present_at_start(void **state) {
        char title[DEVICE_TITLE_MAX];
        struct plugged printer = plug("1-2", "1-2:1.0", "till-printer0", "printer", "EPSON TM-T88V");
        struct plugged emv = plug("1-10", "1-10:1.1", "till-emv0", "emv",
                                  "Reader\nwith\xff"
                                  "noise");
        struct device *d;

        assert_int_equal(monitor_start(monitor), 0);
        assert_true(strstr(seen.text, "added 1-2,connected 1-2,") != NULL);
        d = monitor_find(monitor, "1-2");
        assert_non_null(d);
        assert_true(d->connected);
        assert_string_equal(d->why, DEVICE_WHY_PRESENT);
        assert_int_equal(d->kind, DEVICE_PRINTER);
        assert_string_equal(d->node, "/dev/till-printer0");
        assert_string_equal(d->port, "1-2");
        assert_string_equal(d->interface, "1-2:1.0");
        assert_string_equal(d->path, "platform-x-usb-0:2:1.0");
        assert_string_equal(d->vendor, "EPSON");
        assert_string_equal(d->serial, "J7?42");
        assert_int_equal(d->vendor_id, 0x04b8);
        assert_int_equal(d->product_id, 0x0e15);
        assert_int_equal(d->release, 0x0100);
        assert_int_equal(d->plugged, 123456789);
        assert_true(d->since > 0);
        assert_string_equal(device_title(d, title), "EPSON TM-T88V (1-2)");

        assert_string_equal(device_get_property(d, "TILL_PRINTER_DOTS"), "576");
        assert_string_equal(device_get_property(d, "TILL_PRINTER_QUIRKS"), "no?ne");
        assert_null(device_get_property(d, "TILL_PRINTER_DOT"));
        assert_null(device_get_property(d, "ID_PATH"));

        d = monitor_find(monitor, "1-10:1");
        assert_non_null(d);
        assert_null(device_get_property(d, "TILL_PRINTER_DOTS"));
        assert_string_equal(d->product, "Reader?with?noise");
        assert_int_equal(d->card, DEVICE_CARD_ABSENT);
        assert_ptr_equal(monitor_find_connected(monitor, DEVICE_EMV), d);
        assert_null(monitor_find_connected(monitor, DEVICE_MSR));
        assert_string_equal(monitor_get(monitor, 0)->id, "1-2");
        assert_string_equal(monitor_get(monitor, 1)->id, "1-10:1");
        assert_null(monitor_get(monitor, 2));
        assert_null(monitor_find(monitor, "1-10"));
        forget(&printer);
        forget(&emv);
}

static void unplug_and_replug(void **state) {
        _cleanup_free_ char *value = NULL;
        struct plugged p;
        struct device *d;

        assert_int_equal(monitor_start(monitor), 0);
        p = plug("1-2", "1-2:1.0", "till-printer0", "printer", "TM-T20");
        expect("added 1-2,connected 1-2,");
        d = monitor_find(monitor, "1-2");
        assert_string_equal(d->why, DEVICE_WHY_PLUGGED);
        assert_int_equal(device_read_attribute(d, "card", &value), 0);
        assert_string_equal(value, "absent");
        assert_int_equal(device_read_attribute(d, "../card", &value), -EINVAL);
        assert_int_equal(device_read_attribute(d, "statistics/..", &value), -EINVAL);
        assert_int_equal(device_read_attribute(d, "statistics/x/y", &value), -EINVAL);
        assert_int_equal(device_read_attribute(d, "", &value), -EINVAL);
        assert_int_equal(device_read_attribute(d, "statistics/none", &value), -ENOENT);
        assert_int_equal(device_read_attribute(d, "nothing", &value), -ENOENT);

        unplug(&p);
        settle();
        assert_non_null(strstr(seen.text, "disconnected 1-2,"));
        seen.text[0] = '\0';
        assert_ptr_equal(monitor_find(monitor, "1-2"), d);
        assert_false(d->connected);
        assert_string_equal(d->why, DEVICE_WHY_UNPLUGGED);
        assert_null(d->node);
        assert_string_equal(d->product, "TM-T20");
        assert_int_equal(device_read_attribute(d, "card", &value), -ENOTCONN);

        /* Another model in the same port, with another number: the same object. */
        p = plug("1-2", "1-2:1.0", "till-printer7", "printer", "TM-T88");
        expect("connected 1-2,");
        assert_ptr_equal(monitor_find(monitor, "1-2"), d);
        assert_string_equal(d->node, "/dev/till-printer7");
        assert_string_equal(d->product, "TM-T88");

        /* Another kind of device: another object. */
        unplug(&p);
        settle();
        seen.text[0] = '\0';
        p = plug("1-2", "1-2:1.0", "till-msr0", "msr", "Reader");
        expect("removed 1-2,added 1-2,connected 1-2,");
        forget(&p);
}

static void driver_unbound(void **state) {
        struct plugged p;
        struct device *d;

        assert_int_equal(monitor_start(monitor), 0);
        p = plug("1-2", "1-2:1.0", "till-printer0", "printer", "TM-T20");
        expect("added 1-2,connected 1-2,");
        d = monitor_find(monitor, "1-2");
        umockdev_testbed_uevent(testbed, p.till, "remove");
        expect("disconnected 1-2,");
        assert_string_equal(d->why, DEVICE_WHY_UNBOUND);
        /* And then it is unplugged altogether; another port's end is not its business. */
        umockdev_testbed_uevent(testbed, p.usb, "remove");
        expect("changed 1-2,");
        assert_string_equal(d->why, DEVICE_WHY_UNPLUGGED);
        forget(&p);
}

/* A new node in the port before the old one's end has been heard. */
static void replaced(void **state) {
        struct plugged p;
        char *second;

        assert_int_equal(monitor_start(monitor), 0);
        p = plug("1-2", "1-2:1.0", "till-printer0", "printer", "TM-T20");
        expect("added 1-2,connected 1-2,");
        second = umockdev_testbed_add_device(testbed, "till", "till-printer1", p.interface, NULL, "DEVTYPE", "printer",
                                             "DEVNAME", "/dev/till-printer1", NULL);
        expect("disconnected 1-2,connected 1-2,");
        umockdev_testbed_uevent(testbed, p.till, "remove");
        expect("");
        assert_string_equal(monitor_find(monitor, "1-2")->node, "/dev/till-printer1");
        g_free(second);
        forget(&p);
}

static void card_events(void **state) {
        struct plugged p;

        assert_int_equal(monitor_start(monitor), 0);
        p = plug("1-2", "1-2:1.0", "till-emv0", "emv", "Reader");
        expect("added 1-2,connected 1-2,");
        umockdev_testbed_set_attribute(testbed, p.till, "card", "present");
        umockdev_testbed_uevent(testbed, p.till, "change");
        expect("changed 1-2,");
        assert_int_equal(monitor_find(monitor, "1-2")->card, DEVICE_CARD_PRESENT);
        umockdev_testbed_set_attribute(testbed, p.till, "card", "absent");
        umockdev_testbed_uevent(testbed, p.till, "change");
        expect("changed 1-2,");
        assert_int_equal(monitor_find(monitor, "1-2")->card, DEVICE_CARD_ABSENT);
        forget(&p);
}

/* Not ours: a kind that this daemon does not know yet, and a USB device without a till node. */
static void unknown_kind(void **state) {
        struct plugged p;

        log_set_max_level(LOG_ERR);
        assert_int_equal(monitor_start(monitor), 0);
        p = plug("1-2", "1-2:1.0", "till-scale0", "scale", "Scale");
        expect("");
        assert_null(monitor_get(monitor, 0));
        forget(&p);
}

#define monitor_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(long_titles), monitor_test(present_at_start), monitor_test(unplug_and_replug),
                monitor_test(driver_unbound),  monitor_test(replaced),         monitor_test(card_events),
                monitor_test(unknown_kind),
        };

        if (!getenv("LD_PRELOAD")) {
                setenv("LD_PRELOAD", "libumockdev-preload.so.0", 1);
                execv("/proc/self/exe", argv);
                return 1;
        }
        log_set_max_level(LOG_WARNING);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
