// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's reading of a printer's IEEE 1284 device id. */
#include "test.h"

#include "base/macro.h"
#include "tests/kernel-types.h"

#include "kernel/till_ieee1284.c"

static size_t length_of(const char *reply, size_t received) {
        return till_ieee1284_length((const uint8_t *) reply, received);
}

static bool is_ours(const char *id) {
        return till_ieee1284_is_receipt_printer((const uint8_t *) id, strlen(id));
}

/* A reply of so many bytes, with its length in little-endian. */
static const char *reversed_of(size_t size) {
        static char reply[512];

        memset(reply, 'x', sizeof(reply));
        reply[0] = (char) (size & 0xff);
        reply[1] = (char) (size >> 8);
        return reply;
}

static void lengths(void **state) {
        assert_int_equal(length_of("\0\x07"
                                   "CMD:;",
                                   7),
                         5);
        /* It counts itself, and what comes after it is not the id's. */
        assert_int_equal(length_of("\0\x05"
                                   "CMD:;",
                                   7),
                         3);
        assert_int_equal(length_of("\0\x02"
                                   "CMD:;",
                                   7),
                         0);
        assert_int_equal(length_of("\0\0"
                                   "CMD:;",
                                   7),
                         0);
        /* Little-endian. */
        assert_int_equal(length_of("\x07\0"
                                   "CMD:;",
                                   7),
                         5);
        /* The same of 256 bytes and of 512, whose big-endian reading is an id of nothing. */
        assert_int_equal(length_of(reversed_of(256), 256), 254);
        assert_int_equal(length_of(reversed_of(512), 512), 510);
        assert_int_equal(length_of(reversed_of(512), 300), 0);
        /* More than came. */
        assert_int_equal(length_of("\0\x40"
                                   "CMD:;",
                                   7),
                         5);
        assert_int_equal(length_of("\xff\xff"
                                   "CMD:;",
                                   7),
                         5);
        assert_int_equal(length_of("\x02\x00"
                                   "CMD:;",
                                   7),
                         5);
        /* A text that ends before. */
        assert_int_equal(length_of("\0\x07"
                                   "CM\0:;",
                                   7),
                         2);
        assert_int_equal(length_of("\0\x07", 2), 0);
        assert_int_equal(length_of("\0", 1), 0);
        assert_int_equal(length_of("", 0), 0);
}

/* As printers send them: python-escpos and CUPS users' reports, Epson's and Xprinter's manuals. */
static void receipt_printers(void **state) {
        assert_true(is_ours("MFG:EPSON;CMD:ESC/POS;MDL:TM-T88V;CLS:PRINTER;DES:EPSON TM-T88V;"));
        assert_true(is_ours("MANUFACTURER:;COMMAND SET:ESC/POS;MODEL:ELGIN I9;COMMENT:Impact Printer;"));
        assert_true(is_ours("MFG:Printer;CMD:EPSON;MDL:POS-80;CLS:PRINTER;1"));
        assert_true(is_ours("MFG:Acme;CMD:TSPL, ESC/POS;MDL:XP-350B;"));
        assert_true(is_ours(" mfg : x ; cmd : esc/pos ; mdl : y"));
        assert_true(is_ours("CMD:EPSON;MDL: TM-T88IV"));
        assert_true(is_ours(";;:;CMD:ESC/POS"));
}

static void others(void **state) {
        assert_false(is_ours(""));
        assert_false(is_ours("MFG:HP;MDL:LaserJet Pro M428;CMD:PDF,PCLm;CLS:PRINTER;"));
        assert_false(is_ours("MFG:EPSON;CMD:ESCPL2,BDC;MDL:LQ-590;CLS:PRINTER;"));
        assert_false(is_ours("MFG:EPSON;CMD:EPSON;MDL:LX-350;"));
        assert_false(is_ours("MFG:MARKLIFE ;CMD:XPP,XL;MDL:X4;CLS:PRINTER;DES:LABEL PRINTER;"));
        assert_false(is_ours("MFG:POS;MDL:POS-80;CLS:PRINTER;"));
        assert_false(is_ours("CMD:ESC/POSX;"));
        assert_false(is_ours("CMD:ESC/PO"));
        assert_false(is_ours("CMD"));
        assert_false(is_ours("DES:CMD:ESC/POS;"));
        assert_false(is_ours("ESC/POS"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lengths),
                cmocka_unit_test(receipt_printers),
                cmocka_unit_test(others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
