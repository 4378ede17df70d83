// SPDX-License-Identifier: LGPL-2.1-or-later
/* What is wrong with the devices, by what is on USB and connected: each fault alone, and its end. */
#include "devices-fixture.h"

#include "care/faults.h"
#include "care/see.h"
#include "kernel/include/uapi/linux/till.h"

static struct {
        struct faults *faults;
        struct usb_device usb[4];
        size_t n_usb;
        bool unknown, unsettled;
        const char *version;
        struct printer_status status;
        uint64_t status_since;
        bool msr_held;
        uint64_t late; /* seconds that have gone by */
} desk;

bool __wrap_usb_is_known(const struct usb *u);
bool __wrap_usb_is_settled(const struct usb *u);
const struct usb_device *__wrap_usb_get(const struct usb *u, size_t i);
const char *__wrap_usb_module_version(const struct usb *u);
const struct printer_status *__wrap_printing_status(const struct printing *p, const struct device *device);
uint64_t __wrap_printing_status_since(const struct printing *p);
int __real_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

bool __wrap_usb_is_known(const struct usb *u) {
        return !desk.unknown;
}

bool __wrap_usb_is_settled(const struct usb *u) {
        return !desk.unknown && !desk.unsettled;
}

const struct usb_device *__wrap_usb_get(const struct usb *u, size_t i) {
        return i < desk.n_usb ? desk.usb + i : NULL;
}

const char *__wrap_usb_module_version(const struct usb *u) {
        return desk.version;
}

const struct printer_status *__wrap_printing_status(const struct printing *p, const struct device *device) {
        return device == dev.printer ? &desk.status : NULL;
}

uint64_t __wrap_printing_status_since(const struct printing *p) {
        return desk.status_since;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
        int r = __real_clock_gettime(id, ret);

        if (id == CLOCK_BOOTTIME)
                ret->tv_sec += (time_t) desk.late;
        return r;
}

static void told(const struct fault_record *record, void *userdata) {
}

static int setup(void **state) {
        memset(&desk, 0, sizeof(desk));
        desk.version = TILLD_VERSION;
        desk.status = (struct printer_status){ .open = true, .able = true, .words = "ready", .paper = TILL_PAPER_OK };
        dev_set_up();
        assert_int_equal(faults_new(shop.engine, told, NULL, &desk.faults), 0);
        assert_int_equal(faults_start(desk.faults), 0);
        return 0;
}

static int teardown(void **state) {
        desk.faults = faults_free(desk.faults);
        dev_tear_down();
        return 0;
}

static void look(void) {
        faults_kick(desk.faults);
        dev_run();
}

static int say(const struct fault_record *record, void *userdata) {
        fail_msg("%s (%s) is open: %s", record->code, record->subject, record->detail);
        return 0;
}

static void none(void) {
        look();
        (void) fault_record_each(shop.journal, &(struct fault_filter){ .open = true }, say, NULL);
}

/* That one, and no other. */
static void only(const char *code, const char *subject) {
        struct fault_record record;

        look();
        if (fault_record_find(shop.journal, code, subject, &record) < 0)
                fail_msg("no %s (%s) is open", code, subject);
        assert_int_equal(fault_record_count_open(shop.journal), 1);
        assert_int_equal(record.count, 1);
}

static struct usb_interface *interface(enum device_kind kind, const char *driver, uint8_t class) {
        struct usb_device *usb = desk.usb + desk.n_usb++;

        *usb = (struct usb_device){
                .vendor_id = 0x04b8, .product_id = 0x0202, .listed = kind >= 0, .configured = true, .n_interfaces = 1
        };
        snprintf(usb->port, sizeof(usb->port), "1-%zu", desk.n_usb);
        usb->interfaces[0] = (struct usb_interface){ .kind = kind, .class = class };
        snprintf(usb->interfaces[0].name, sizeof(usb->interfaces[0].name), "1-%zu:1.0", desk.n_usb);
        COPY(usb->interfaces[0].driver, driver);
        return usb->interfaces;
}

static struct device *printer(void) {
        struct device *d = dev_plug(DEVICE_PRINTER, "1-3", "P", 0);
        static char *properties[] = { (char *) "TILL_PRINTER_DOTS=576", NULL };

        d->properties = properties;
        dev.printer = d;
        dev_run();
        return d;
}

static void missing(void **state) {
        static const char *const codes[] = { "msr-missing", "emv-missing", "printer-missing" };
        static const enum device_kind kinds[] = { DEVICE_MSR, DEVICE_EMV, DEVICE_PRINTER };

        /* What never was there is not missed. */
        none();
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                char id[8];
                struct device *d;

                snprintf(id, sizeof(id), "1-%zu", i + 1);
                d = kinds[i] == DEVICE_PRINTER ? printer() : dev_plug(kinds[i], id, "S", 0);
                dev_run();
                none();
                dev_unplug(d);
                /* It may be on its way back. */
                desk.unsettled = true;
                none();
                desk.unsettled = false;
                only(codes[i], "");
                /* A restart does not know yet, and ends nothing. */
                desk.unknown = true;
                only(codes[i], "");
                desk.unknown = false;
                d->connected = true;
                none();
                d->connected = true;
        }
        /* Two of a kind: one is enough. */
        dev.n = 3;
        dev_unplug(dev_plug(DEVICE_EMV, "1-9", "T", 0));
        dev_run();
        none();
}

static void driver(void **state) {
        struct device *d = printer();

        dev_unplug(d);
        desk.version = NULL;
        only("driver-missing", "");
        desk.version = TILLD_VERSION;
        d->connected = true;
        none();
        desk.version = "0.0.1";
        only("driver-old", "");
        /* One that does not say is taken for right. */
        desk.version = "";
        none();
}

static void of_no_use(void **state) {
        struct device *d = dev_plug(DEVICE_MSR, "1-1", "M", 0);
        struct usb_interface *i;

        dev_run();
        dev_unplug(d);
        i = interface(DEVICE_MSR, "", USB_CLASS_HID);
        only("device-refused", "1-1:1.0");
        COPY(i->driver, "hid-generic");
        only("device-claimed", "1-1:1.0");
        /* till-recover is at it. */
        desk.n_usb = 0;
        i = interface(DEVICE_MSR, "hid-generic", USB_CLASS_HID);
        i->taking = true;
        only("device-claimed", "1-1:1.0");
        COPY(i->driver, "till-msr");
        d->connected = true;
        none();
        COPY(i->driver, "usblp");
        none();

        /* The keys beside the reader in a keyboard. */
        i->taking = false;
        COPY(i->driver, "till-msr");
        desk.usb[0].interfaces[1] = (struct usb_interface){
                .name = "1-1:1.1", .driver = "hid-generic", .kind = DEVICE_MSR, .class = USB_CLASS_HID
        };
        desk.usb[0].n_interfaces = 2;
        none();

        dev_unplug(d);
        desk.usb[0] = (struct usb_device){ .port = "1-1", .fault = "keyboard-mode", .configured = true };
        only("msr-keyboard-mode", "1-1");
        /* Listed by its id, in a mode that has nothing for us. */
        desk.usb[0] = (struct usb_device){ .port = "1-1",
                                           .listed = true,
                                           .configured = true,
                                           .n_interfaces = 1,
                                           .vendor_id = 0x04b8,
                                           .product_id = 0x0202,
                                           .interfaces = { { .kind = _DEVICE_KIND_INVALID, .driver = "cdc" } } };
        only("device-refused", "1-1");
        /* A look in the moment when it was plugged in finds it without what it has. */
        desk.usb[0].is_new = true;
        none();
        desk.usb[0] = (struct usb_device){
                .port = "1-1", .listed = true, .vendor_id = 0x04b8, .product_id = 0x0202, .power = 500
        };
        only("device-no-power", "1-1");
        desk.n_usb = 0;
        only("msr-missing", "");
        d->connected = true;
        none();
}

static void unknown(void **state) {
        struct device *d;

        /* None of its kind was ever there. */
        interface(_DEVICE_KIND_INVALID, "usbfs", USB_CLASS_CCID);
        only("device-unknown", "1-1");
        /* The terminal has its own: other people's readers and printers are left alone. */
        d = dev_plug(DEVICE_EMV, "1-5", "E", 0);
        dev_run();
        none();
        interface(_DEVICE_KIND_INVALID, "usblp", USB_CLASS_PRINTER);
        only("device-unknown", "1-2");
        printer();
        none();
        dev_unplug(d);
        only("device-unknown", "1-1");
        d->connected = true;
        /* A bridge chip's, that the module has told by its name; and what is nothing to us. */
        interface(_DEVICE_KIND_INVALID, "till-printer", USB_CLASS_PRINTER);
        interface(_DEVICE_KIND_INVALID, "usbhid", USB_CLASS_HID);
        none();
        dev_unplug(dev.printer);
        dev.printer->connected = true;
        none();
}

static void set_opened(const struct device *d, const char *value) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/opened", d->syspath);
        f = fopen(path, "we");
        assert_non_null(f);
        fprintf(f, "%s\n", value);
        assert_int_equal(fclose(f), 0);
}

static void busy(void **state) {
        struct device *d = dev_plug(DEVICE_EMV, "1-5", "E", 0);

        dev_run();
        set_opened(d, "0");
        none();
        set_opened(d, "1");
        only("device-busy", "1-5");
        /* It is our own worker. */
        shop.engine->workers = 1;
        none();
        shop.engine->workers = 0;
        set_opened(d, "0");
        none();

        d = dev_plug(DEVICE_MSR, "1-6", "M", 0);
        dev_run();
        set_opened(d, "1");
        only("device-busy", "1-6");
        shop.engine->msr_device = d;
        none();

        d = printer();
        set_opened(d, "1");
        none();
        dev.printer = NULL;
        only("device-busy", "1-3");
        dev.printer = d;
        none();
        shop.engine->msr_device = NULL;
}

static void printer_status(void **state) {
        static const struct {
                struct printer_status status;
                const char *code;
        } cases[] = {
                { { .paper = TILL_PAPER_END }, "printer-paper-end" },
                { { .paper = TILL_PAPER_END, .online = TILL_PRINTER_OFFLINE }, "printer-paper-end" },
                { { .paper = TILL_PAPER_NEAR_END }, "printer-paper-low" },
                { { .paper = TILL_PAPER_END, .flags = TILL_PRINTER_COVER_OPEN }, "printer-cover-open" },
                { { .errors = TILL_PRINTER_ERROR_CUTTER, .online = TILL_PRINTER_OFFLINE }, "printer-cutter" },
                { { .errors = TILL_PRINTER_ERROR_RECOVERABLE }, "printer-hot" },
                { { .errors = TILL_PRINTER_ERROR_FATAL, .flags = TILL_PRINTER_COVER_OPEN }, "printer-broken" },
                { { .errors = TILL_PRINTER_ERROR_MECHANICAL }, "printer-broken" },
                { { .errors = TILL_PRINTER_ERROR_OTHER }, "printer-broken" },
                { { .online = TILL_PRINTER_OFFLINE }, "printer-offline" },
        };
        struct device *d = printer();
        struct printer_status good = desk.status;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                desk.status = cases[i].status;
                desk.status.open = true;
                desk.status.words = "so";
                /* So since now: it may be over in a moment. */
                desk.status_since = clock_now(CLOCK_BOOTTIME);
                none();
                desk.late += 3;
                only(cases[i].code, d->id);
                desk.status = good;
                none();
        }
        /* Paper is fed by its button. */
        desk.status = (struct printer_status){
                .open = true, .online = TILL_PRINTER_OFFLINE, .flags = TILL_PRINTER_FEEDING, .words = "feeding paper"
        };
        desk.late += 3;
        none();
        desk.status = good;
        d->properties = NULL;
        only("printer-model-unknown", d->id);
        d->connected = false;
        only("printer-missing", "");
}

static void card_left_in(void **state) {
        struct device *d = dev_plug(DEVICE_EMV, "1-5", "E", 0);

        dev_run();
        d->card = DEVICE_CARD_PRESENT;
        d->card_usec = clock_now(CLOCK_BOOTTIME);
        none();
        desk.late += 61;
        only("card-left-in", "1-5");
        d->card = DEVICE_CARD_ABSENT;
        none();
        d->card = DEVICE_CARD_UNKNOWN;
        none();
}

#define desk_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                desk_test(missing), desk_test(driver),         desk_test(of_no_use),    desk_test(unknown),
                desk_test(busy),    desk_test(printer_status), desk_test(card_left_in),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
