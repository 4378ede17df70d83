// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is on USB, against umockdev's sysfs and udev events. The test starts itself once more with the preload library
 * that makes them look real.
 */
#include "test.h"

#include <sys/stat.h>
#include <umockdev.h>
/* glib has its own. */
#undef MIN
#undef MAX

#include "base/clock.h"
#include "device/usb.h"

static UMockdevTestbed *testbed;
static sd_event *event;
static struct usb *usb;
static unsigned changes;

static void on_change(void *userdata) {
        changes++;
}

static int setup(void **state) {
        testbed = umockdev_testbed_new();
        assert_non_null(testbed);
        changes = 0;
        assert_int_equal(sd_event_new(&event), 0);
        assert_int_equal(usb_new(event, on_change, NULL, &usb), 0);
        return 0;
}

static int teardown(void **state) {
        usb = usb_free(usb);
        event = sd_event_unref(event);
        g_clear_object(&testbed);
        return 0;
}

/* Until it has been looked at once more. */
static void settle(void) {
        unsigned before = changes;

        for (unsigned i = 0; i < 3000 && changes == before; i++)
                assert_true(sd_event_run(event, 10000) >= 0);
        assert_true(changes > before);
        assert_true(usb_is_settled(usb));
}

static char *plug(const char *port, const char *const ids[static 2], const char *property, const char *value) {
        return umockdev_testbed_add_device(testbed, "usb", port, NULL, "idVendor", ids[0], "idProduct", ids[1],
                                           "devnum", "7", "bDeviceClass", "00", "bConfigurationValue", "1", NULL,
                                           "DEVTYPE", "usb_device", property, value, NULL);
}

static char *add_interface(const char *parent, const char *name, const char *class, const char *kind,
                           const char *driver) {
        char *path = umockdev_testbed_add_device(testbed, "usb", name, parent, "bInterfaceClass", class, NULL,
                                                 "DEVTYPE", "usb_interface", "TILL_KIND", kind, NULL);

        if (driver)
                umockdev_testbed_set_attribute_link(testbed, path, "driver", driver);
        return path;
}

static const char *const printer_ids[] = { "04b8", "0e15" }, *const reader_ids[] = { "0801", "0002" };

static void plugged(void **state) {
        const char *const hub_ids[] = { "1d6b", "0002" };
        g_autofree char *printer = plug("1-2", printer_ids, "TILL_DEVICE", "1");
        g_autofree char *interface =
                add_interface(printer, "1-2:1.0", "07", "printer", "../../bus/usb/drivers/till-printer");
        g_autofree char *reader = plug("1-3", reader_ids, "TILL_DEVICE", "1");
        g_autofree char *transport = add_interface(reader, "1-3:1.0", "03", "msr", "../../bus/usb/drivers/usbhid");
        g_autofree char *hid =
                umockdev_testbed_add_device(testbed, "hid", "0003:0801:0002.0001", transport, NULL, NULL);
        g_autofree char *hub = plug("usb1", hub_ids, "X", "1");
        const struct usb_device *d;

        umockdev_testbed_set_attribute(testbed, hub, "bDeviceClass", "09");
        assert_int_equal(usb_start(usb), 0);
        assert_false(usb_is_known(usb));
        assert_false(usb_is_settled(usb));
        assert_null(usb_get(usb, 0));
        settle();
        assert_true(usb_is_known(usb));
        assert_null(usb_module_version(usb));

        d = usb_get(usb, 0);
        assert_non_null(d);
        assert_string_equal(d->port, "1-2");
        assert_int_equal(d->vendor_id, 0x04b8);
        assert_int_equal(d->product_id, 0x0e15);
        assert_true(d->listed);
        assert_true(d->configured);
        assert_string_equal(d->fault, "");
        assert_int_equal(d->n_interfaces, 1);
        assert_string_equal(d->interfaces[0].name, "1-2:1.0");
        assert_string_equal(d->interfaces[0].driver, "till-printer");
        assert_int_equal(d->interfaces[0].kind, DEVICE_PRINTER);
        assert_int_equal(d->interfaces[0].class, USB_CLASS_PRINTER);
        d = usb_get(usb, 1);
        assert_non_null(d);
        assert_string_equal(d->port, "1-3");
        assert_string_equal(d->interfaces[0].driver, "");
        assert_null(usb_get(usb, 2));

        /* Its HID driver comes. */
        umockdev_testbed_set_attribute_link(testbed, hid, "driver", "../../bus/hid/drivers/till-msr");
        umockdev_testbed_uevent(testbed, hid, "bind");
        settle();
        assert_string_equal(usb_get(usb, 1)->interfaces[0].driver, "till-msr");

        /* Several events are one look. */
        changes = 0;
        umockdev_testbed_uevent(testbed, interface, "change");
        umockdev_testbed_uevent(testbed, printer, "change");
        settle();
        assert_int_equal(changes, 1);

        umockdev_testbed_uevent(testbed, interface, "remove");
        umockdev_testbed_remove_device(testbed, interface);
        umockdev_testbed_uevent(testbed, printer, "remove");
        umockdev_testbed_remove_device(testbed, printer);
        settle();
        assert_string_equal(usb_get(usb, 0)->port, "1-3");
        assert_null(usb_get(usb, 1));
}

static void of_no_use(void **state) {
        const char *const ids[] = { "0801", "0001" };
        g_autofree char *keyboard = plug("1-2", ids, "TILL_FAULT", "keyboard-mode");
        g_autofree char *weak = plug("1-3", reader_ids, "TILL_DEVICE", "1");
        /* The device's, then that of a configuration that asks for 500 mA. */
        static const uint8_t descriptors[27] = { 18, 1, [18] = 9, 2, [26] = 250 };

        umockdev_testbed_set_attribute(testbed, weak, "bConfigurationValue", "\n");
        umockdev_testbed_set_attribute_binary(testbed, weak, "descriptors", (guint8 *) descriptors,
                                              sizeof(descriptors));
        umockdev_testbed_set_attribute(testbed, weak, "speed", "12");
        assert_int_equal(usb_start(usb), 0);
        settle();
        assert_string_equal(usb_get(usb, 0)->fault, "keyboard-mode");
        assert_false(usb_get(usb, 0)->listed);
        assert_false(usb_get(usb, 1)->configured);
        assert_int_equal(usb_get(usb, 1)->power, 500);
        assert_int_equal(usb_get(usb, 1)->n_interfaces, 0);
}

/* It is looked at again when till-recover has had its time, without an event. */
static void taken_over(void **state) {
        g_autofree char *printer = plug("1-2", printer_ids, "TILL_DEVICE", "1");
        g_autofree char *interface = umockdev_testbed_add_device(testbed, "usb", "1-2:1.0", printer, "bInterfaceClass",
                                                                 "07", NULL, "DEVTYPE", "usb_interface", "TILL_KIND",
                                                                 "printer", "TILL_TAKE", "1", NULL);
        uint64_t since;

        umockdev_testbed_set_attribute_link(testbed, interface, "driver", "../../bus/usb/drivers/usblp");
        assert_int_equal(usb_start(usb), 0);
        settle();
        assert_true(usb_get(usb, 0)->interfaces[0].taking);
        since = usb_get(usb, 0)->interfaces[0].since_usec;
        settle();
        assert_false(usb_get(usb, 0)->interfaces[0].taking);
        assert_string_equal(usb_get(usb, 0)->interfaces[0].driver, "usblp");
        assert_int_equal(usb_get(usb, 0)->interfaces[0].since_usec, since);
}

static void module(void **state) {
        g_autofree char *root = umockdev_testbed_get_root_dir(testbed), *till = NULL;
        char command[256];

        assert_int_equal(usb_start(usb), 0);
        settle();
        assert_null(usb_module_version(usb));
        till = umockdev_testbed_add_device(testbed, "module", "till", NULL, NULL, NULL);
        snprintf(command, sizeof(command), "mkdir -p %s/sys/module/till && echo 1.2.3 >%s/sys/module/till/version",
                 root, root);
        assert_int_equal(system(command), 0);
        umockdev_testbed_uevent(testbed, till, "change");
        settle();
        assert_string_equal(usb_module_version(usb), "1.2.3");
}

#define usb_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                usb_test(plugged),
                usb_test(of_no_use),
                usb_test(taken_over),
                usb_test(module),
        };

        if (!getenv("LD_PRELOAD")) {
                setenv("LD_PRELOAD", "libumockdev-preload.so.0", 1);
                execv("/proc/self/exe", argv);
                return 1;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
