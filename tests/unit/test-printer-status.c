// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's reading of a printer's back channel: automatic status, replies, and what is neither. */
#include "test.h"

#include "base/macro.h"
#include "tests/kernel-types.h"

#include "kernel/till_escpos.c"

/* What has come out so far: replies, and automatic status by its four bytes. */
static struct till_escpos escpos;
static uint8_t replies[512], status[4];
static size_t n_replies, n_statuses;

static int setup(void **state) {
        memset(&escpos, 0, sizeof(escpos));
        n_replies = n_statuses = 0;
        return 0;
}

static void feed(const void *data, size_t size) {
        struct till_escpos_result result;

        for (size_t i = 0; i < size; i++) {
                till_escpos_feed(&escpos, ((const uint8_t *) data)[i], &result);
                assert_true(n_replies + result.reply_length <= sizeof(replies));
                memcpy(replies + n_replies, result.reply, result.reply_length);
                n_replies += result.reply_length;
                if (result.status) {
                        memcpy(status, escpos.asb, sizeof(status));
                        n_statuses++;
                }
        }
}

#define FEED(_text) feed(_text, sizeof(_text) - 1)
#define EXPECT_REPLIES(_text)                                                                                         \
        do {                                                                                                          \
                assert_int_equal(n_replies, sizeof(_text) - 1);                                                       \
                assert_memory_equal(replies, _text, sizeof(_text) - 1);                                               \
                n_replies = 0;                                                                                        \
        } while (0)
#define EXPECT_STATUS(_text)                                                                                          \
        do {                                                                                                          \
                assert_int_equal(n_statuses, 1);                                                                      \
                assert_memory_equal(status, _text, TILL_ESCPOS_ASB_SIZE);                                             \
                n_statuses = 0;                                                                                       \
        } while (0)

static void status_alone(void **state) {
        FEED("\x14\x00\x03");
        assert_int_equal(n_statuses, 0);
        FEED("\x0f");
        EXPECT_STATUS("\x14\x00\x03\x0f");
        /* Every first byte there is: the bits of drawer, offline, cover and feed. */
        for (unsigned byte = 0; byte < 256; byte++) {
                const uint8_t text[] = { (uint8_t) byte, 0x6c, 0x0f, 0x6f };

                if ((byte & 0x93) != 0x10)
                        continue;
                feed(text, sizeof(text));
                EXPECT_STATUS(text);
        }
        EXPECT_REPLIES("");
}

static void replies_around_status(void **state) {
        FEED("\x12\x00\x10\x00\x0c\x00\x0c\x5fTM-T20II\x00\x10\x08\x00\x00\x16");
        EXPECT_REPLIES("\x12\x00\x0c\x5fTM-T20II\x00\x16");
        assert_int_equal(n_statuses, 2);
        assert_memory_equal(status, "\x10\x08\x00\x00", 4);
}

/* DLE EOT, XON and XOFF are sent at once, also between the bytes of a status. */
static void realtime_within_status(void **state) {
        FEED("\x10\x13\x00\x11\x03\x1e\x00");
        EXPECT_REPLIES("\x13\x11\x1e");
        EXPECT_STATUS("\x10\x00\x03\x00");
}

/* Up to its NUL a block is text, whatever it looks like. */
static void status_within_block_is_text(void **state) {
        FEED("\x37\x22T8p|\x00");
        EXPECT_REPLIES("\x37\x22T8p|\x00");
        FEED("\x37\x22\x13@@@@\x00\x18\x00\x00\x00");
        EXPECT_REPLIES("\x37\x22\x13@@@@\x00");
        EXPECT_STATUS("\x18\x00\x00\x00");
        /* Headers are not headers within a block, nor within a status. */
        FEED("\x5f\x37\x5f\x00\x10\x00\x00\x00");
        EXPECT_REPLIES("\x5f\x37\x5f\x00");
        EXPECT_STATUS("\x10\x00\x00\x00");
}

/* A block without end hides the status for so long and no longer. */
static void block_without_end(void **state) {
        FEED("\x5f");
        for (unsigned i = 0; i < 255; i++)
                FEED("0");
        assert_int_equal(n_replies, 256);
        FEED("\x10\x00\x00\x00");
        EXPECT_STATUS("\x10\x00\x00\x00");
}

static void broken_status_is_replies(void **state) {
        FEED("\x10\x00\x00\x80");
        EXPECT_REPLIES("\x10\x00\x00\x80");
        FEED("\x10\x00\xff");
        EXPECT_REPLIES("\x10\x00\xff");
        /* Another begins where the first broke off. */
        FEED("\x10\x00\x14\x00\x00\x00");
        EXPECT_REPLIES("\x10\x00");
        EXPECT_STATUS("\x14\x00\x00\x00");
        /* So does a block. */
        FEED("\x10\x5f"
             "A\x00");
        EXPECT_REPLIES("\x10\x5f"
                       "A\x00");
        /* What is sent at once has gone ahead. */
        FEED("\x10\x12\x00\x80");
        EXPECT_REPLIES("\x12\x10\x00\x80");
        assert_int_equal(n_statuses, 0);
}

static struct till_printer_status status_of(const char *asb) {
        struct till_printer_status s = { .size = 1, .event = 2 };

        till_escpos_status((const uint8_t *) asb, &s);
        assert_int_equal(s.size, 1);
        assert_int_equal(s.event, 2);
        assert_int_equal(s.online_source, TILL_PRINTER_SOURCE_AUTOMATIC);
        assert_int_equal(s.near_end_source, TILL_PRINTER_SOURCE_AUTOMATIC);
        assert_int_equal(s.cutter_source, TILL_PRINTER_SOURCE_AUTOMATIC);
        return s;
}

/* The bits, as GS a in Epson's ESC/POS reference has them. */
static void what_status_says(void **state) {
        struct till_printer_status s = status_of("\x10\x00\x00\x00");

        assert_int_equal(s.online, TILL_PRINTER_ONLINE);
        assert_int_equal(s.paper, TILL_PAPER_OK);
        assert_int_equal(s.flags, 0);
        assert_int_equal(s.errors, 0);
        /* Near end of the roll, and the reserved bits set. */
        s = status_of("\x10\x03\x63\x6f");
        assert_int_equal(s.paper, TILL_PAPER_NEAR_END);
        assert_int_equal(s.flags, 0);
        assert_int_equal(s.errors, 0);
        s = status_of("\x18\x00\x0f\x00");
        assert_int_equal(s.online, TILL_PRINTER_OFFLINE);
        assert_int_equal(s.paper, TILL_PAPER_END);
        assert_int_equal(status_of("\x10\x00\x0c\x00").paper, TILL_PAPER_END);
        assert_int_equal(status_of("\x14\x00\x00\x00").flags, TILL_PRINTER_DRAWER_HIGH);
        assert_int_equal(status_of("\x30\x00\x00\x00").flags, TILL_PRINTER_COVER_OPEN);
        assert_int_equal(status_of("\x50\x00\x00\x00").flags, TILL_PRINTER_FEEDING);
        assert_int_equal(status_of("\x10\x04\x00\x00").errors, TILL_PRINTER_ERROR_MECHANICAL);
        assert_int_equal(status_of("\x10\x08\x00\x00").errors, TILL_PRINTER_ERROR_CUTTER);
        assert_int_equal(status_of("\x10\x20\x00\x00").errors, TILL_PRINTER_ERROR_FATAL);
        assert_int_equal(status_of("\x10\x40\x00\x00").errors, TILL_PRINTER_ERROR_RECOVERABLE);
}

/* No byte is lost or told twice, whatever comes. */
static void everything_comes_out(void **state) {
        uint32_t x = 1;
        size_t out = 0;

        for (unsigned i = 0; i < 100000; i++) {
                struct till_escpos_result result;

                x = x * 1664525 + 1013904223;
                till_escpos_feed(&escpos, (uint8_t) (x >> 24), &result);
                out += result.reply_length + (result.status ? TILL_ESCPOS_ASB_SIZE : 0);
                assert_int_equal(out + escpos.asb_length, i + 1);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(status_alone, setup),
                cmocka_unit_test_setup(replies_around_status, setup),
                cmocka_unit_test_setup(realtime_within_status, setup),
                cmocka_unit_test_setup(status_within_block_is_text, setup),
                cmocka_unit_test_setup(block_without_end, setup),
                cmocka_unit_test_setup(broken_status_is_replies, setup),
                cmocka_unit_test_setup(what_status_says, setup),
                cmocka_unit_test_setup(everything_comes_out, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
