// SPDX-License-Identifier: LGPL-2.1-or-later
/* What till-recover does by itself: names, the reasons that a probe finds, and what devices say of themselves. */
#include "test.h"

#include "base/unicode.h"
#include "base/usb-name.h"
#include "helpers/till-recover/probe.h"

static void names(void **state) {
        static const char *const ports[] = { "1-2", "10-1", "3-1.4.2" };
        static const char *const others[] = { "",
                                              "1",
                                              "1-",
                                              "usb1",
                                              "1-2.",
                                              "1.2-3",
                                              "1-2:1.0",
                                              "../1-2",
                                              "1-2/..",
                                              "1-2\n",
                                              "1-2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17" };

        for (size_t i = 0; i < ELEMENTSOF(ports); i++)
                assert_true(usb_port_is_name(ports[i]));
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(usb_port_is_name(others[i]));
        assert_true(usb_interface_is_name("1-2:1.0"));
        assert_false(usb_interface_is_name("1-2"));
        assert_false(usb_interface_is_name("1-2:1"));
        assert_false(usb_interface_is_name("1-2:1.0/.."));
        assert_true(usb_hid_is_name("0003:0801:0002.0001"));
        assert_false(usb_hid_is_name("0005:0801:0002.0001"));
}

/* ---- Reasons ---- */

static struct probe_facts facts;

/* A printer as it should be. */
static void begin(void) {
        facts = (struct probe_facts){
                .vendor = 0x04b8,
                .product = 0x0e15,
                .tagged = true,
                .authorized = true,
                .module = true,
                .configuration = 1,
                .needs_ma = 2,
                .gives_ma = 500,
                .likeness = target_find("printer"),
                .interfaces = { { .name = "1-2:1.0", .target = target_find("printer"), .driver = "till-printer" } },
                .n_interfaces = 1,
        };
}

static void assert_reason(const char *word, const char *interface) {
        const struct probe_interface *i;
        enum probe_reason reason = probe_judge(&facts, &i);

        assert_string_equal(probe_reason_to_string(reason), word);
        assert_string_equal(i ? i->name : "", interface);
        assert_false(isempty(probe_reason_says(reason)));
        /* What is good needs no step, and all else has one. */
        assert_int_equal(isempty(probe_reason_next(reason)), streq(word, "ok"));
}

static void reasons(void **state) {
        begin();
        assert_reason("ok", "");
        facts.silent = true;
        assert_reason("silent", "");

        begin();
        facts.interfaces[0].driver[0] = '\0';
        assert_reason("refused", "1-2:1.0");
        facts.module = false;
        assert_reason("module-missing", "1-2:1.0");
        facts.authorized = false;
        assert_reason("not-authorized", "");

        begin();
        COPY(facts.interfaces[0].driver, "usblp");
        assert_reason("claimed-by-driver", "1-2:1.0");
        COPY(facts.interfaces[0].driver, "usbfs");
        assert_reason("claimed-by-program", "1-2:1.0");
        facts.interfaces[0].refused = true;
        assert_reason("refused", "1-2:1.0");

        begin();
        facts.configuration = 0;
        facts.n_interfaces = 0;
        assert_reason("not-configured", "");
        facts.needs_ma = 510;
        assert_reason("no-power", "");

        begin();
        facts.interfaces[0].target = NULL;
        assert_reason("other", "");
        facts.elsewhere = true;
        assert_reason("wrong-configuration", "");

        begin();
        facts.marked_keyboard = true;
        assert_reason("keyboard-mode", "");
}

/* What udev has not tagged. */
static void strangers(void **state) {
        char lines[PROBE_LINES_MAX];

        begin();
        facts.tagged = false;
        assert_reason("ok", "");
        COPY(facts.interfaces[0].driver, "usblp");
        assert_reason("unknown-id", "");
        probe_lines(&facts, lines);
        assert_string_equal(lines, "usb:v04B8p0E15*\n TILL_DEVICE=1\n\n"
                                   "usb:v04B8p0E15*ic07*\n TILL_KIND=printer\n TILL_BIND=1\n");
        /* The default of a bridge chip has no place in the hwdb. */
        facts.vendor = 0x0416;
        facts.product = 0x5011;
        assert_reason("refused", "");

        begin();
        facts.tagged = false;
        facts.vendor = 0x0acd;
        facts.product = 0x2031;
        facts.interfaces[0] =
                (struct probe_interface){ .name = "1-2:1.0", .target = target_find("msr"), .keyboard = true };
        assert_reason("keyboard-mode", "");
        facts.interfaces[0].keyboard = false;
        facts.likeness = target_find("msr");
        assert_reason("unknown-id", "");
        probe_lines(&facts, lines);
        assert_non_null(strstr(lines, "usb:v0ACDp2031*ic03*\n TILL_KIND=msr\n"));
}

/* A keyboard that has a reader in it keeps its keys. */
static void keyboard_with_reader(void **state) {
        begin();
        facts.n_interfaces = 2;
        facts.interfaces[0] = (struct probe_interface){
                .name = "1-2:1.0", .target = target_find("msr"), .driver = "hid-generic", .keyboard = true
        };
        facts.interfaces[1] =
                (struct probe_interface){ .name = "1-2:1.1", .target = target_find("msr"), .driver = "till-msr" };
        assert_reason("ok", "");
        COPY(facts.interfaces[1].driver, "hid-generic");
        assert_reason("keyboard-mode", "1-2:1.0");
}

/* ---- What devices say ---- */

static void strings(void **state) {
        static const struct {
                const char *descriptor;
                size_t size;
                int r;
                const char *text;
        } cases[] = {
#define CASE(bytes, r, text) { bytes, sizeof(bytes) - 1, r, text }
                CASE("\x06\x03"
                     "A\0B\0",
                     0, "AB"),
                CASE("\x02\x03", 0, ""),
                CASE("\x08\x03\x2d\x4e\0\0\x1b\0", 0, "中??"), /* NUL and ESC */
                CASE("\x06\x03\x3d\xd8\x00\xde", 0, "😀"),      /* a pair */
                CASE("\x06\x03\x3d\xd8\x41\x00", 0, "?A"),     /* half of one */
                CASE("\x04\x03\x3d\xd8", 0, "?"),
                CASE("\x04\x03\x00\xde", 0, "?"),
                CASE("\xff\x03"
                     "A\0B\0",
                     0, "AB"), /* longer than what came */
                CASE("\x05\x03"
                     "A\0B\0",
                     0, "A"), /* half a unit */
                CASE("\x06\x02"
                     "A\0B\0",
                     -EBADMSG, ""),
                CASE("\x01\x03"
                     "A\0",
                     -EBADMSG, ""),
                CASE("\x04", -EBADMSG, ""),
                CASE("", -EBADMSG, ""),
#undef CASE
        };
        char text[PROBE_STRING_MAX];

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                text[0] = '\0';
                assert_int_equal(probe_read_string((const uint8_t *) cases[i].descriptor, cases[i].size, text),
                                 cases[i].r);
                assert_string_equal(text, cases[i].text);
        }
        probe_clean("J7\x01\xff 42", text);
        assert_true(unicode_is_plain(text, false));
        assert_string_equal(text, "J7?? 42");
}

/* Any bytes, each in memory of its own size: the sanitizers see a step beyond. */
static void any_strings(void **state) {
        uint32_t seed = 8;

        for (unsigned n = 0; n < 20000; n++) {
                char text[PROBE_STRING_MAX];
                size_t size = n % 256;
                uint8_t *bytes = malloc(size + 1);

                assert_non_null(bytes);
                for (size_t i = 0; i < size; i++) {
                        seed = seed * 1664525 + 1013904223;
                        bytes[i] = (uint8_t) (seed >> 24);
                }
                if (n % 2 && size > 1)
                        bytes[1] = 3;
                if (probe_read_string(bytes, size, text) == 0)
                        assert_true(unicode_is_plain(text, false));
                (void) probe_read_usage(bytes, size);
                free(bytes);
        }
}

static void usages(void **state) {
        static const struct {
                uint8_t descriptor[8];
                size_t size;
                enum probe_usage usage;
        } cases[] = {
                { { 0x05, 0x8e, 0x09, 0x01 }, 4, PROBE_USAGE_STRIPE },
                { { 0x06, 0x00, 0xff, 0x09, 0x06 }, 5, PROBE_USAGE_OTHER }, /* a maker's own page */
                { { 0x05, 0x01, 0x09, 0x06, 0xa1, 0x01 }, 6, PROBE_USAGE_KEYBOARD },
                { { 0x05, 0x01, 0x09, 0x06, 0x05, 0x8e }, 6, PROBE_USAGE_STRIPE },
                { { 0x05, 0x01, 0x06, 0x00, 0xff, 0x09, 0x06 }, 7, PROBE_USAGE_OTHER },
                { { 0x06, 0x8e, 0x00 }, 3, PROBE_USAGE_STRIPE },
                { { 0x06, 0x8e }, 2, PROBE_USAGE_OTHER },
                { { 0x05, 0x01, 0x09, 0x02 }, 4, PROBE_USAGE_OTHER }, /* a mouse */
                /* The same bytes as another item's data. */
                { { 0x26, 0x05, 0x8e }, 3, PROBE_USAGE_OTHER },
                { { 0xfe, 0x02, 0x00, 0x05, 0x8e }, 5, PROBE_USAGE_OTHER },
                { { 0x05 }, 1, PROBE_USAGE_OTHER },
                { { 0xfe }, 1, PROBE_USAGE_OTHER },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(probe_read_usage(cases[i].descriptor, cases[i].size), cases[i].usage);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(names),     cmocka_unit_test(reasons),
                cmocka_unit_test(strangers), cmocka_unit_test(keyboard_with_reader),
                cmocka_unit_test(strings),   cmocka_unit_test(any_strings),
                cmocka_unit_test(usages),
        };

        return cmocka_run_group_tests_name("recover-parts", tests, NULL, NULL);
}
