// SPDX-License-Identifier: LGPL-2.1-or-later
#include "test.h"

#include <limits.h>

#include "paper/paper.h"

/* What the printer sent since the last look. */
struct replies {
        uint8_t bytes[256];
        size_t n;
};

static void take_reply(void *userdata, const void *data, size_t size) {
        struct replies *r = userdata;

        assert_true(r->n + size <= sizeof(r->bytes));
        memcpy(r->bytes + r->n, data, size);
        r->n += size;
}

static struct replies replies;

static struct paper *printer_new(const struct paper_model *model) {
        struct paper *p;

        replies.n = 0;
        assert_int_equal(paper_new(model, take_reply, &replies, &p), 0);
        return p;
}

#define PRINTER(name, model) _cleanup_(paper_freep) struct paper *name = printer_new(model)

static void feed(struct paper *p, const void *data, size_t size) {
        assert_int_equal(paper_write(p, data, size), size);
}
#define FEED(p, literal) feed(p, literal, sizeof(literal) - 1)

#define assert_reply(literal)                                                                                         \
        do {                                                                                                          \
                assert_int_equal(replies.n, sizeof(literal) - 1);                                                     \
                assert_memory_equal(replies.bytes, literal, sizeof(literal) - 1);                                     \
                replies.n = 0;                                                                                        \
        } while (0)

static void assert_text(struct paper *p, int sheet, const char *expected) {
        _cleanup_free_ char *text = NULL;

        assert_int_equal(paper_text(p, sheet, &text), 0);
        assert_string_equal(text, expected);
}

/* The smallest rectangle that holds all black dots. */
struct box {
        unsigned left, top, right, bottom;
};

static bool find_box(struct paper *p, int sheet, struct box *ret) {
        unsigned w, h;
        struct box b = { .left = UINT_MAX, .top = UINT_MAX };

        assert_int_equal(paper_sheet_size(p, sheet, &w, &h), 0);
        for (unsigned y = 0; y < h; y++)
                for (unsigned x = 0; x < w; x++)
                        if (paper_sheet_dot(p, sheet, x, y))
                                b = (struct box){ MIN(b.left, x), MIN(b.top, y), MAX(b.right, x), MAX(b.bottom, y) };
        *ret = b;
        return b.left != UINT_MAX;
}

static unsigned unknown(struct paper *p) {
        return paper_unknown(p, NULL);
}

static void status_realtime(void **state) {
        PRINTER(p, &paper_model_80mm);

        FEED(p, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04");
        assert_reply("\x12\x12\x12\x12");
        paper_set_paper(p, PAPER_NEAR_END);
        FEED(p, "\x10\x04\x04\x10\x04\x01");
        assert_reply("\x1E\x12");
        paper_set_paper(p, PAPER_END);
        FEED(p, "\x10\x04\x04\x10\x04\x02\x10\x04\x01");
        assert_reply("\x7E\x32\x1A");
        assert_int_equal(paper_port_status(p), 0x28);
        paper_set_paper(p, PAPER_OK);
        paper_set_cover(p, true);
        FEED(p, "\x10\x04\x02\x10\x04\x01");
        assert_reply("\x16\x1A");
        paper_set_cover(p, false);
        paper_set_error(p, PAPER_ERROR_CUTTER);
        FEED(p, "\x10\x04\x02\x10\x04\x03");
        assert_reply("\x52\x1A");
        assert_int_equal(paper_port_status(p), 0x00);
        paper_set_error(p, PAPER_ERROR_UNRECOVERABLE);
        FEED(p, "\x10\x04\x03");
        assert_reply("\x32");
        paper_power_cycle(p);
        FEED(p, "\x10\x04\x03");
        assert_reply("\x12");
        assert_int_equal(paper_port_status(p), 0x18);
        /* Its button: offline, and nothing that says why. */
        paper_switch_offline(p, true);
        FEED(p, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04");
        assert_reply("\x1A\x12\x12\x12");
        assert_int_equal(paper_port_status(p), 0x08);
        paper_switch_offline(p, false);
        FEED(p, "\x10\x04\x09");
        assert_reply("");
        /* Cut into pieces as transfers may be. */
        FEED(p, "\x10");
        FEED(p, "\x10\x04");
        assert_reply("");
        FEED(p, "\x04");
        assert_reply("\x12");
}

static void status_automatic(void **state) {
        PRINTER(p, &paper_model_80mm);

        paper_set_cover(p, true);
        paper_set_cover(p, false);
        assert_reply("");
        FEED(p, "\x1D\x61\xFF");
        assert_reply("\x10\x00\x00\x0F");
        paper_set_cover(p, true);
        assert_reply("\x38\x00\x00\x0F");
        paper_set_cover(p, true);
        assert_reply("");
        paper_set_cover(p, false);
        assert_reply("\x10\x00\x00\x0F");
        paper_set_paper(p, PAPER_END);
        assert_reply("\x18\x00\x0F\x0F");
        paper_set_paper(p, PAPER_NEAR_END);
        assert_reply("\x10\x00\x03\x0F");
        paper_set_error(p, PAPER_ERROR_AUTOMATIC);
        assert_reply("\x18\x40\x03\x0F");
        paper_set_error(p, PAPER_ERROR_NONE);
        assert_reply("\x10\x00\x03\x0F");
        /* Only what was asked for. */
        FEED(p, "\x1D\x61\x01");
        assert_reply("\x10\x00\x03\x0F");
        paper_set_paper(p, PAPER_OK);
        assert_reply("");
        FEED(p, "\x1B\x70\x00\x19\xFA");
        assert_reply("\x14\x00\x00\x0F");
        /* ESC @ turns it off. */
        FEED(p, "\x1B@");
        paper_set_drawer(p, false);
        assert_reply("");
}

static void status_in_order(void **state) {
        PRINTER(p, &paper_model_80mm);

        FEED(p, "\x1Dr\x01\x1Dr\x02");
        assert_reply("\x00\x00");
        paper_set_paper(p, PAPER_NEAR_END);
        FEED(p, "\x1Dr1");
        assert_reply("\x03");
        FEED(p, "\x1DI\x43");
        assert_reply("_TM-T20II\0");
        FEED(p, "\x1D(H\x06\x00\x30\x30job7");
        assert_reply("\x37\x22job7\0");
        assert_int_equal(unknown(p), 0);

        /* Held back while there is no paper, told when what came before is printed. */
        paper_set_paper(p, PAPER_END);
        FEED(p, "late\n\x1D(H\x06\x00\x30\x30job8");
        assert_reply("");
        assert_int_equal(paper_sheets(p), 0);
        paper_set_paper(p, PAPER_OK);
        assert_reply("\x37\x22job8\0");
        assert_text(p, PAPER_SHEET_LAST, "late\n");
}

/* What a model does not know has no answer and no paper, and is counted. */
static void models(void **state) {
        PRINTER(latin, paper_model_find("latin"));
        PRINTER(silent, paper_model_find("silent"));

        assert_null(paper_model_find("none"));
        FEED(latin, "\x1Dr\x01");
        assert_reply("\x00");
        FEED(latin, "\x1D(H\x06\x00\x30\x30job7");
        assert_reply("");
        assert_int_equal(unknown(latin), 1);
        FEED(latin, "\x1D(k\x04\x00\x31P0a\x1D(k\x03\x00\x31Q0");
        assert_int_equal(unknown(latin), 3);
        assert_int_equal(paper_sheets(latin), 0);
        FEED(silent, "\x1Dr\x01\x1D(H\x06\x00\x30\x30job7");
        assert_reply("");
        assert_int_equal(unknown(silent), 2);
}

static void buffer_full(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct paper_status s;
        char block[6000];

        memset(block, '\n', sizeof(block));
        paper_set_cover(p, true);
        assert_int_equal(paper_write(p, block, sizeof(block)), 4096);
        assert_int_equal(paper_write(p, block, 1), 0);
        /* Real-time commands get through all the same. */
        assert_int_equal(paper_write(p, "\x10\x04\x02x", 4), 3);
        assert_reply("\x16");
        assert_int_equal(paper_write(p, "\x10\x14\x01\x00\x01", 5), 5);
        paper_get_status(p, &s);
        assert_int_equal(s.drawer_pulses, 1);
        assert_int_equal(s.buffered, 4096);
        assert_int_equal(s.rows_fed, 0);
        assert_true(s.offline);

        paper_set_cover(p, false);
        paper_get_status(p, &s);
        assert_int_equal(s.buffered, 0);
        assert_int_equal(s.rows_fed, 4096 * 30);
        assert_int_equal(paper_write(p, block + 4096, sizeof(block) - 4096), sizeof(block) - 4096);
}

static void head_speed(void **state) {
        struct paper_model slow = paper_model_80mm;
        struct paper_status s;

        slow.rows_per_s = 1;
        PRINTER(p, &slow);
        paper_set_speed(p, 1000);
        FEED(p, "one\ntwo\n\x1D(H\x06\x00\x30\x30"
                "done");
        assert_text(p, PAPER_SHEET_LAST, "one\n");
        assert_int_equal(paper_advance(p, 10000), 20000);
        assert_text(p, PAPER_SHEET_LAST, "one\n");
        assert_int_equal(paper_advance(p, 20000), 30000);
        assert_text(p, PAPER_SHEET_LAST, "one\ntwo\n");
        assert_reply("");
        /* No further while the cover is open. */
        paper_set_cover(p, true);
        assert_true(paper_advance(p, 30000) == UINT64_MAX);
        paper_set_cover(p, false);
        assert_reply("");
        assert_true(paper_advance(p, 30000) == UINT64_MAX);
        assert_reply("\x37\x22"
                     "done\0");
        paper_get_status(p, &s);
        assert_int_equal(s.rows_fed, 60);
}

static void power_goes(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct paper_status s;
        unsigned dots, rows, black = 0;

        /* In the middle of the second line: its upper half is there, its text cannot be read. */
        paper_power_off_after(p, 45);
        assert_int_equal(paper_write(p, "one\nHHHHHHHH\nthree\n\x1DV\x00", 22), 13);
        paper_get_status(p, &s);
        assert_true(s.powerless && s.offline);
        assert_int_equal(s.rows_fed, 45);
        assert_int_equal(s.cuts, 0);
        assert_int_equal(paper_write(p, "more\n", 5), 0);
        assert_text(p, PAPER_SHEET_LAST, "one\n");
        assert_int_equal(paper_sheet_size(p, PAPER_SHEET_LAST, &dots, &rows), 0);
        assert_int_equal(rows, 96 + 45);
        for (unsigned x = 0; x < dots; x++) {
                black += paper_sheet_dot(p, PAPER_SHEET_LAST, x, rows - 3);
                assert_false(paper_sheet_dot(p, PAPER_SHEET_LAST, x, rows));
        }
        assert_true(black > 0);

        /* What was there stays, what was not printed is lost. */
        paper_power_cycle(p);
        FEED(p, "four\n");
        assert_text(p, PAPER_SHEET_LAST, "one\nfour\n");
        paper_power_off(p);
        assert_int_equal(paper_write(p, "five\n", 5), 0);
        paper_power_cycle(p);
        paper_power_off_after(p, 10);
        paper_power_off_after(p, 0);
        FEED(p, "six\n");
        assert_text(p, PAPER_SHEET_LAST, "one\nfour\nsix\n");
}

static void roll_runs_out(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct paper_status s;
        unsigned printed;

        FEED(p, "\x1D\x61\x08");
        replies.n = 0;
        paper_set_roll(p, 900);
        assert_reply("");
        for (int i = 0; i < 40; i++)
                FEED(p, "a line\n");
        paper_get_status(p, &s);
        assert_int_equal(s.supply, PAPER_END);
        assert_int_equal(s.rows_fed, 900);
        assert_reply("\x10\x00\x03\x0F\x18\x00\x0F\x0F");
        paper_set_paper(p, PAPER_OK);
        paper_get_status(p, &s);
        printed = (unsigned) s.rows_fed;
        assert_int_equal(printed, 40 * 30);
}

static void cutter_jams(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct paper_status s;

        paper_jam_next_cut(p);
        FEED(p, "slip\n\x1DVB\x00next\n");
        paper_get_status(p, &s);
        assert_int_equal(s.error, PAPER_ERROR_CUTTER);
        assert_int_equal(s.cuts, 0);
        assert_text(p, PAPER_SHEET_LAST, "slip\n");
        FEED(p, "\x10\x05\x01");
        assert_text(p, PAPER_SHEET_LAST, "slip\nnext\n");
        /* With 2 what was received is forgotten. */
        paper_set_error(p, PAPER_ERROR_CUTTER);
        FEED(p, "lost\n\x10\x05\x02kept\n");
        assert_text(p, PAPER_SHEET_LAST, "slip\nnext\nkept\n");
}

static void text_characters(void **state) {
        PRINTER(p, &paper_model_80mm);

        FEED(p, "\x1B@plain\n");
        FEED(p, "\x1C&\xD2\xF8\xC1\xAA"
                "POS\n");                              /* 银联 */
        FEED(p, "\x81\x30\x86\x38\x90\x30\x81\x30\n"); /* four bytes: U+00B8?, U+10000 */
        FEED(p, "\x1C.\x1Bt\x10\x80 caf\xE9\n\x1Bt\x02\x9C\n\x1Bt\x13\xD5\x1Bt\x0D\xD5\x1Bt\x01\x95\xB1\n");
        FEED(p, "\x1BR\x0F$\x1BR\x00$\n");
        FEED(p, "a\tb\x1B$\x64\x00"
                "c\r\n");
        assert_int_equal(unknown(p), 0);
        {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(paper_text(p, PAPER_SHEET_LAST, &text), 0);
                assert_non_null(strstr(text, "plain\n银联POS\n"));
                assert_non_null(strstr(text, "\U00010000\n€ café\n£\n€€─ｱ\n¥$\na       bc\n"));
        }
        /* Two bytes where the model knows no four: a digit stays a digit. */
        PRINTER(small, &paper_model_58mm);
        FEED(small, "\x1C&\xC4\xE3\x81"
                    "0\n");
        assert_int_equal(paper_sheets(small), 1);
}

static void text_wraps(void **state) {
        PRINTER(p, &paper_model_58mm);
        struct box b;

        FEED(p, "12345678901234567890123456789012X\n");
        assert_text(p, PAPER_SHEET_LAST, "12345678901234567890123456789012\nX\n");
        paper_clear(p);
        assert_int_equal(paper_sheets(p), 0);
        /* Scaled twice there is room for 16. */
        FEED(p, "\x1D!\x11"
                "1234567890123456X\n");
        assert_text(p, PAPER_SHEET_LAST, "1234567890123456\nX\n");
        paper_clear(p);
        FEED(p, "\x1D!\x00\x1B\x61\x02\xDB\n"); /* a full block in code page 437, to the right */
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right, 383);
        assert_true(b.left >= 384 - 12);
}

static void cell_sizes(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box one, two;

        FEED(p, "\x1D\x42\x01 \n"); /* a reversed space is the whole cell */
        assert_true(find_box(p, 0, &one));
        assert_int_equal(one.right - one.left + 1, 12);
        assert_int_equal(one.bottom - one.top + 1, 24);
        paper_clear(p);
        FEED(p, "\x1B!\x01 \n");
        assert_true(find_box(p, 0, &one));
        assert_int_equal(one.right - one.left + 1, 9);
        assert_int_equal(one.bottom - one.top + 1, 17);
        paper_clear(p);
        FEED(p, "\x1B!\x00\x1D!\x21\xA1\xA1\n"); /* the Chinese space, three wide, two high */
        assert_true(find_box(p, 0, &two));
        assert_int_equal(two.right - two.left + 1, 72);
        assert_int_equal(two.bottom - two.top + 1, 48);
        paper_clear(p);
        FEED(p, "\x1D!\x00\x1D\x42\x00\x1B-\x02  \n");
        assert_true(find_box(p, 0, &two));
        assert_int_equal(two.right - two.left + 1, 24);
        assert_int_equal(two.bottom - two.top + 1, 2);
}

static void cuts(void **state) {
        PRINTER(p, &paper_model_80mm);
        unsigned w, h;
        struct paper_status s;

        /* A cut with its feed parts right below the text; the next slip begins with what is above the head. */
        FEED(p, "first\n\x1DV\x42\x00second\n\x1DV\x42\x00");
        assert_int_equal(paper_sheets(p), 2);
        assert_text(p, 0, "first\n");
        assert_text(p, 1, "second\n");
        assert_int_equal(paper_sheet_size(p, 0, &w, &h), 0);
        assert_int_equal(w, 576);
        assert_int_equal(h, 96 + 30);
        assert_text(p, PAPER_SHEET_ALL, "first\n\fsecond\n\f");

        /* One without leaves the last lines on the wrong slip, as it does in a shop. */
        FEED(p, "third\n\x1DV\x01"
                "fourth\n\x1DV\x42\x00");
        assert_int_equal(paper_sheets(p), 4);
        assert_text(p, 3, "third\nfourth\n");
        paper_get_status(p, &s);
        assert_int_equal(s.cuts, 4);

        for (unsigned i = 0; i < 2 * PAPER_SHEETS_MAX; i++)
                FEED(p, "more\n\x1DV\x42\x00");
        assert_int_equal(paper_sheets(p), PAPER_SHEETS_MAX);

        /* Without a cutter a person tears. */
        PRINTER(small, &paper_model_58mm);
        FEED(small, "slip\n\x1DV\x42\x00\x1B"
                    "d\x02");
        assert_int_equal(paper_sheets(small), 1);
        paper_tear(small);
        assert_text(small, 0, "slip\n");
        assert_int_equal(unknown(small), 0);
}

static void endless_slip(void **state) {
        PRINTER(p, &paper_model_80mm);
        unsigned w, h;

        for (unsigned i = 0; i < 1200; i++)
                FEED(p, "line\n");
        assert_int_equal(paper_sheets(p), 2);
        assert_int_equal(paper_sheet_size(p, 0, &w, &h), 0);
        assert_true(h <= PAPER_ROWS_MAX && h > PAPER_ROWS_MAX - 100);
        for (unsigned i = 0; i < 1000; i++)
                FEED(p, "\x1B"
                        "3\xFF\x1B"
                        "d\xFF");
        assert_int_equal(paper_sheets(p), PAPER_SHEETS_MAX);
}

static void pictures(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;

        /* 16 x 3 dots: a frame. */
        FEED(p, "\x1Dv0\x00\x02\x00\x03\x00\xFF\xFF\x80\x01\xFF\xFF");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.left, 0);
        assert_int_equal(b.right, 15);
        assert_int_equal(b.bottom - b.top, 2);
        assert_true(paper_sheet_dot(p, 0, 0, b.top + 1));
        assert_false(paper_sheet_dot(p, 0, 1, b.top + 1));
        assert_true(paper_sheet_dot(p, 0, 15, b.top + 1));

        /* Twice as large, in the middle. */
        paper_clear(p);
        FEED(p, "\x1B"
                "a\x01\x1Dv0\x03\x02\x00\x03\x00\xFF\xFF\x80\x01\xFF\xFF\x1B"
                "a\x00");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.left, (576 - 32) / 2);
        assert_int_equal(b.right - b.left + 1, 32);
        assert_int_equal(b.bottom - b.top + 1, 6);

        /* The same by GS ( L and by GS 8 L. */
        paper_clear(p);
        FEED(p,
             "\x1D(L\x10\x00\x30\x70\x30\x01\x01\x31\x10\x00\x03\x00\xFF\xFF\x80\x01\xFF\xFF\x1D(L\x02\x00\x30\x32");
        FEED(p, "\x1D"
                "8L\x10\x00\x00\x00\x30\x70\x30\x02\x01\x31\x10\x00\x03\x00\xFF\xFF\x80\x01\xFF\xFF"
                "\x1D(L\x02\x00\x30\x02");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right, 31);
        assert_int_equal(b.bottom - b.top + 1, 6);

        /* In columns: three bytes down. */
        paper_clear(p);
        FEED(p, "\x1B*\x21\x02\x00\x80\x00\x01\x80\x00\x01\n");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right, 1);
        assert_int_equal(b.bottom - b.top + 1, 24);
        assert_int_equal(unknown(p), 0);

        /* Wider than the paper: cut off, not wrapped. */
        paper_clear(p);
        FEED(p, "\x1Dv0\x00\x00\x01\x01\x00");
        for (int i = 0; i < 256; i++)
                FEED(p, "\xFF");
        FEED(p, "ok\n");
        assert_text(p, 0, "[image 2048x1]\nok\n");
}

static void status_inside_picture(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;

        /* Picture bytes that look like DLE EOT 1 are answered, and are picture all the same. */
        FEED(p, "\x1Dv0\x00\x03\x00\x02\x00\x10\x04\x01\x10\x04\x01");
        assert_reply("\x12\x12");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.left, 3);
        assert_int_equal(b.right, 23);
        assert_int_equal(b.bottom - b.top + 1, 2);
}

static void barcodes(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;

        FEED(p, "\x1Dh\x50\x1Dw\x02\x1Dk\x43\x0C"
                "690123456789");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right - b.left + 1, 95 * 2);
        assert_int_equal(b.bottom - b.top + 1, 80);
        paper_clear(p);
        FEED(p, "\x1DH\x02\x1Dk\x02"
                "690123456789\0");
        assert_true(find_box(p, 0, &b));
        assert_in_range(b.bottom - b.top + 1, 80 + 10, 80 + 24);
        FEED(p, "\x1Dk\x49\x0B{BTill-0042\x1Dk\x49\x05{C\x0C\x22\x38");
        FEED(p, "\x1Dk\x04"
                "ABC-1\0\x1Dk\x05"
                "123456\0\x1Dk\x06"
                "A1234B\0\x1Dk\x00"
                "01234567890\0");
        FEED(p, "\x1Dk\x01"
                "01234500006\0\x1Dk\x03"
                "1234567\0\x1Dk\x48\x04"
                "AB12");
        assert_text(p, 0,
                    "[EAN13 6901234567892]\n[CODE128 Till-0042]\n[CODE128 123456]\n[CODE39 *ABC-1*]\n[ITF 123456]\n"
                    "[CODABAR A1234B]\n[UPC-A 012345678905]\n[UPC-E 01234565]\n[EAN8 12345670]\n[CODE93 AB12]\n");
        assert_int_equal(unknown(p), 0);

        /* Data that is not of the kind, a code without its set, one that is too wide: nothing is printed. */
        paper_clear(p);
        FEED(p, "\x1Dk\x02"
                "69012345678x\0\x1Dk\x49\x04Till\x1Dk\x43\x02"
                "12");
        FEED(p, "\x1Dw\x06\x1Dk\x49\x12{B0123456789abcdef\x1Dk\x63\x01"
                "1");
        assert_int_equal(unknown(p), 5);
        assert_int_equal(paper_sheets(p), 0);
}

static void square_codes(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;

        FEED(p, "\x1D(k\x04\x00\x31\x41\x32\x00\x1D(k\x03\x00\x31\x43\x05\x1D(k\x03\x00\x31\x45\x31");
        FEED(p, "\x1D(k\x08\x00\x31\x50\x30hello\x1D(k\x03\x00\x31\x51\x30");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right - b.left + 1, 21 * 5);
        assert_int_equal(b.bottom - b.top + 1, 21 * 5);
        FEED(p, "\x1D(k\x08\x00\x30\x50\x30hello\x1D(k\x03\x00\x30\x51\x30");
        assert_text(p, 0, "[QR hello]\n[PDF417 hello]\n");
        assert_int_equal(unknown(p), 0);
        /* ESC @ empties the store. */
        FEED(p, "\x1B@\x1D(k\x03\x00\x31\x51\x30");
        assert_int_equal(unknown(p), 1);
}

static void page_mode(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;
        unsigned w, h;

        FEED(p, "\x1BL\x1BW\x64\x00\x00\x00\xC8\x00\x90\x01\x1BT\x01\x1D\x42\x01  \n");
        assert_int_equal(paper_sheets(p), 0);
        FEED(p, "\x0C");
        assert_true(find_box(p, 0, &b));
        /* Upwards from the area's lower left corner: 24 wide, two cells of 12 high. */
        assert_int_equal(b.left, 100);
        assert_int_equal(b.right, 123);
        assert_int_equal(b.bottom, 96 + 400 - 1);
        assert_int_equal(b.top, 96 + 400 - 24);
        assert_int_equal(paper_sheet_size(p, 0, &w, &h), 0);
        assert_int_equal(h, 96 + 400);
        FEED(p, "\x1D\x42\x00"
                "after\n\x1BLgone\x18\x1BS"
                "end\n");
        {
                _cleanup_free_ char *text = NULL;

                assert_int_equal(paper_text(p, 0, &text), 0);
                assert_non_null(strstr(text, "after\nend\n"));
                assert_null(strstr(text, "gone"));
        }
        assert_int_equal(unknown(p), 0);
}

static void upside_down(void **state) {
        PRINTER(p, &paper_model_80mm);
        struct box b;

        FEED(p, "\x1B{\x01\x1D\x42\x01 \n");
        assert_true(find_box(p, 0, &b));
        assert_int_equal(b.right, 575);
        assert_int_equal(b.left, 575 - 11);
}

static void not_understood(void **state) {
        PRINTER(p, &paper_model_80mm);
        const char *last;

        assert_int_equal(paper_unknown(p, &last), 0);
        assert_string_equal(last, "");
        FEED(p, "\x1D(Z\x03\x00"
                "abc");
        assert_int_equal(paper_unknown(p, &last), 1);
        assert_string_equal(last, "1D 28 5A 03 00 61 62 63");
        /* One that says it is 4 GB long is passed over, not kept. */
        FEED(p, "\x1D"
                "8L\xFF\xFF\xFF\xFF\x30\x70");
        assert_int_equal(unknown(p), 2);
        paper_soft_reset(p);
        FEED(p, "text\n");
        assert_text(p, PAPER_SHEET_LAST, "text\n");
        FEED(p, "\x1B\x7F");
        assert_int_equal(unknown(p), 3);
}

static void random_bytes(void **state) {
        static const char prefixes[] = "\x1B\x1D\x1C\x10";
        uint32_t seed = 1;

        for (unsigned round = 0; round < 40; round++) {
                PRINTER(p, round % 2 ? &paper_model_58mm : &paper_model_80mm);

                for (unsigned i = 0; i < 3000; i++) {
                        uint8_t byte;

                        seed = seed * 1664525 + 1013904223;
                        byte = (uint8_t) (seed >> 24);
                        if (byte < 64)
                                byte = (uint8_t) prefixes[seed >> 8 & 3];
                        (void) paper_write(p, &byte, 1);
                        replies.n = 0;
                }
                assert_in_range(paper_sheets(p), 0, PAPER_SHEETS_MAX + 1);
        }
}

static void picture_file(void **state) {
        PRINTER(p, &paper_model_80mm);
        char path[] = "/tmp/test-sim-paper-XXXXXX";
        _cleanup_close_ int fd = mkstemp(path);
        uint8_t head[24];

        assert_true(fd >= 0);
        assert_int_equal(paper_render_png(p, PAPER_SHEET_LAST, path), -ENOENT);
        FEED(p, "slip\n\x1DV\x42\x00next\n");
        assert_int_equal(paper_render_png(p, 2, path), -ENOENT);
        assert_int_equal(paper_render_png(p, -3, path), -ENOENT);
        assert_int_equal(paper_render_png(p, 0, "/nowhere/slip.png"), -ENOENT);
        assert_int_equal(paper_render_png(p, 0, path), 0);
        assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
        assert_memory_equal(head, "\x89PNG\r\n\x1A\n", 8);
        assert_true(head[16] == 0 && head[17] == 0 && (head[18] << 8 | head[19]) > 640);
        assert_true((head[22] << 8 | head[23]) > 96 + 30);
        assert_int_equal(paper_render_png(p, PAPER_SHEET_ALL, path), 0);
        assert_int_equal(unlink(path), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_realtime),
                cmocka_unit_test(status_automatic),
                cmocka_unit_test(status_in_order),
                cmocka_unit_test(models),
                cmocka_unit_test(buffer_full),
                cmocka_unit_test(head_speed),
                cmocka_unit_test(power_goes),
                cmocka_unit_test(roll_runs_out),
                cmocka_unit_test(cutter_jams),
                cmocka_unit_test(text_characters),
                cmocka_unit_test(text_wraps),
                cmocka_unit_test(cell_sizes),
                cmocka_unit_test(cuts),
                cmocka_unit_test(endless_slip),
                cmocka_unit_test(pictures),
                cmocka_unit_test(status_inside_picture),
                cmocka_unit_test(barcodes),
                cmocka_unit_test(square_codes),
                cmocka_unit_test(page_mode),
                cmocka_unit_test(upside_down),
                cmocka_unit_test(not_understood),
                cmocka_unit_test(random_bytes),
                cmocka_unit_test(picture_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
