// SPDX-License-Identifier: LGPL-2.1-or-later
/* Bytes for printers: the commands, what a simulated printer makes of them. */
#include "test.h"

#include <syslog.h>

#include "base/log.h"
#include "paper/paper.h"
#include "receipt-sample.h"
#include "receipt/escpos.h"

static const struct page_line cut = { .type = PAGE_CUT };

static struct page *one_line(struct page_line line) {
        struct page *page;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_add(page, &line), 0);
        return page;
}

static void assert_bytes(const struct page *page, const char *profile, const char *expected, size_t size) {
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t n;

        assert_int_equal(page_to_escpos(page, printer_profile_find(profile), &bytes, &n), 0);
        assert_int_equal(n, size);
        assert_memory_equal(bytes, expected, n);
}

/* GS W: a page of 32 columns on a printer of 48. */
#define NARROW "\x1dW\x80\x01"

#define ASSERT_BYTES(page, profile, expected) assert_bytes(page, profile, expected, sizeof(expected) - 1)

static void commands(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        ASSERT_BYTES(page, "epson-80", "\x1b@\x1bt\0\x1c&" NARROW);
        ASSERT_BYTES(page, "generic-58", "\x1b@\x1bt\0\x1c&");
        ASSERT_BYTES(page, "epson-80-latin", "\x1b@\x1bt\0\x1c." NARROW);
        assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "中a¥" }), 0);
        assert_int_equal(page_add(page, &cut), 0);
        /* GB18030 of U+4E2D is D6D0, of U+FFE5 A3A4. */
        ASSERT_BYTES(page, "epson-80",
                     "\x1b@\x1bt\0\x1c&" NARROW "\xd6\xd0"
                     "a"
                     "\xa3\xa4\n"
                     "\x1b"
                     "d\x01\x1dV\x42\0");
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\xd6\xd0"
                     "a"
                     "\xa3\xa4\n"
                     "\x1b"
                     "d\x04");
        ASSERT_BYTES(page, "epson-80-latin",
                     "\x1b@\x1bt\0\x1c." NARROW "??a\x9d\n"
                     "\x1b"
                     "d\x01\x1dV\x42\0");
}

static void styles(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(
                page_add(page,
                         &(struct page_line){
                                 .align = PAGE_CENTER, .width = 2, .height = 2, .bold = true, .text = (char *) "A" }),
                0);
        assert_int_equal(page_add(page, &(struct page_line){ .align = PAGE_CENTER, .text = (char *) "B" }), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .small = true, .text = (char *) "C" }), 0);
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1b"
                     "a\x01"
                     "\x1b!\x38"
                     "\x1d!\x11"
                     "\x1c!\x0c"
                     "A\n"
                     "\x1b!\0"
                     "\x1d!\0"
                     "\x1c!\0"
                     "B\n"
                     "\x1b"
                     "a\0"
                     "\x1b!\x01"
                     "\x1b"
                     "3\x16"
                     "C\n");
}

static void codes(void **state) {
        _cleanup_(page_freep) struct page *page = NULL, *digits = NULL, *odd = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .type = PAGE_QR, .width = 4, .text = (char *) "abc" }),
                         0);
        ASSERT_BYTES(page, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1d(k\x04\0\x31\x41\x32\0"
                     "\x1d(k\x03\0\x31\x43\x04"
                     "\x1d(k\x03\0\x31\x45\x31"
                     "\x1d(k\x06\0\x31\x50\x30"
                     "abc"
                     "\x1d(k\x03\0\x31\x51\x30");
        /* Without the command and without a picture, by its content. */
        ASSERT_BYTES(page, "generic-80", "\x1b@\x1bt\0\x1c." NARROW "abc\n");
        assert_int_equal(page_new(32, 42, &digits), 0);
        assert_int_equal(page_add(digits,
                                  &(struct page_line){
                                          .type = PAGE_BARCODE, .width = 2, .height = 80, .text = (char *) "0142" }),
                         0);
        ASSERT_BYTES(digits, "generic-58",
                     "\x1b@\x1bt\0\x1c&"
                     "\x1dh\x50\x1dw\x02\x1dH\x02\x1d"
                     "f\0"
                     "\x1dk\x49\x04{C\x01\x2a");
        assert_int_equal(page_new(32, 42, &odd), 0);
        assert_int_equal(page_add(odd, &(struct page_line){ .type = PAGE_BARCODE, .text = (char *) "a{B" }), 0);
        /* What CODE128 does not take here is said, too. */
        ASSERT_BYTES(odd, "generic-58", "\x1b@\x1bt\0\x1c&a{B\n");
}

static void rasters(void **state) {
        static const struct page_line logo = { .type = PAGE_LOGO };
        _cleanup_(page_freep) struct page *page = NULL;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .text = (char *) "a" }), 0);
        assert_int_equal(page_add(page, &(struct page_line){ .align = PAGE_RIGHT, .text = (char *) "中" }), 0);
        assert_false(page_needs_rasters(page, printer_profile_find("generic-58")));
        assert_true(page_needs_rasters(page, printer_profile_find("epson-80-latin")));
        assert_false(line_needs_raster(&page->lines[0], printer_profile_find("epson-80-latin")));
        assert_true(line_needs_raster(&page->lines[1], printer_profile_find("epson-80-latin")));
        assert_int_equal(page_add(page, &logo), 0);
        assert_true(page_needs_rasters(page, printer_profile_find("generic-58")));
        ASSERT_BYTES(page, "epson-80-latin", "\x1b@\x1bt\0\x1c." NARROW "a\n\x1b\x61\2??\n");

        /* From the left whatever its line's place; the white at its right is not sent. */
        assert_int_equal(raster_new(384, 2, &page->lines[1].raster), 0);
        raster_set(page->lines[1].raster, 9, 1);
        ASSERT_BYTES(page, "epson-80-latin",
                     "\x1b@\x1bt\0\x1c." NARROW "a\n"
                     "\x1dv0\0\2\0\2\0\0\0\0\x40");

        page_free_rasters(page);
        assert_null(page->lines[1].raster);
        assert_int_equal(raster_new(8, 130, &page->lines[1].raster), 0);
        raster_set(page->lines[1].raster, 0, 129);
        {
                char bands[13 + 8 + 128 + 8 + 2] = "\x1b@\x1bt\0\x1c." NARROW "a\n";

                memcpy(bands + 13, "\x1dv0\0\1\0\x80\0", 8);
                memcpy(bands + 13 + 8 + 128, "\x1dv0\0\1\0\2\0\0\x80", 10);
                assert_bytes(page, "epson-80-latin", bands, sizeof(bands));
        }
}

static void raster_limits(void **state) {
        _cleanup_(raster_freep) struct raster *raster = NULL;

        assert_int_equal(raster_new(0, 1, &raster), -EINVAL);
        assert_int_equal(raster_new(1, 0, &raster), -EINVAL);
        assert_int_equal(raster_new(RASTER_WIDTH_MAX + 1, 1, &raster), -EINVAL);
        assert_int_equal(raster_new(1, RASTER_HEIGHT_MAX + 1, &raster), -EINVAL);
        assert_int_equal(raster_new(9, 2, &raster), 0);
        raster_set(raster, 9, 0);
        raster_set(raster, 0, 2);
        assert_false(raster_get(raster, 9, 0));
        assert_false(raster_get(raster, 0, 2));
        raster_set(raster, 8, 1);
        assert_true(raster_get(raster, 8, 1));
        assert_memory_equal(raster->bits, "\0\0\0\x80", 4);
}

/* Every text field tries to be a command; on paper nothing of it is one. */
static void no_injection(void **state) {
        static const char attack[] = "\x1b@\x1dV\x01\x10\x14\x01\n\x1bp";
        _cleanup_(page_freep) struct page *page = NULL, *clean = NULL;
        _cleanup_free_ uint8_t *bytes = NULL, *clean_bytes = NULL;
        struct slip slip = sample_slip(), harmless = sample_slip();
        size_t n, clean_n;

        strcpy(slip.merchant_name, attack);
        strcpy(slip.message, attack);
        strcpy(slip.issuer, attack);
        strcpy(slip.preferred_name, attack);
        slip.paper = harmless.paper = SLIP_DECLINED;
        strcpy(harmless.merchant_name, "@Vp");
        strcpy(harmless.message, "@V\np"); /* what parts its languages is no byte of either */
        strcpy(harmless.issuer, "@Vp");
        strcpy(harmless.preferred_name, "@Vp");
        assert_int_equal(slip_layout(&slip, receipt_style_default(), printer_profile_find("epson-80"), &page), 0);
        assert_int_equal(slip_layout(&harmless, receipt_style_default(), printer_profile_find("epson-80"), &clean), 0);
        assert_int_equal(page_to_escpos(page, printer_profile_find("epson-80"), &bytes, &n), 0);
        assert_int_equal(page_to_escpos(clean, printer_profile_find("epson-80"), &clean_bytes, &clean_n), 0);
        assert_int_equal(n, clean_n);
        assert_memory_equal(bytes, clean_bytes, n);
}

struct replies {
        uint8_t data[256];
        size_t size;
};

static void collect(void *userdata, const void *data, size_t size) {
        struct replies *replies = userdata;

        assert_true(replies->size + size <= sizeof(replies->data));
        memcpy(replies->data + replies->size, data, size);
        replies->size += size;
}

/* Prints on the simulated printer, which was not written beside this encoder. */
static void print_on(const struct slip *slip, const struct printer_profile *profile, const struct paper_model *model) {
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        _cleanup_free_ char *text = NULL;
        struct replies replies = {};
        struct paper *paper = NULL;
        size_t n, done = 0;
        const char *last;

        /* As it is without pictures: a printer without a Chinese font gets English. */
        assert_int_equal(slip_layout_plain(slip, receipt_style_default(), profile, &page), 0);
        assert_int_equal(page_to_escpos(page, profile, &bytes, &n), 0);
        assert_int_equal(paper_new(model, collect, &replies, &paper), 0);
        for (int i = 0; i < 1000 && done < n; i++) {
                done += paper_write(paper, bytes + done, n - done);
                (void) paper_advance(paper, 100000);
        }
        assert_int_equal(done, n);
        for (int i = 0; i < 100; i++)
                (void) paper_advance(paper, 100000);
        if (paper_unknown(paper, &last) > 0)
                fail_msg("not understood: %s", last);
        if (profile->cutter)
                assert_int_equal(paper_sheets(paper), 1);
        assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &text), 0);
        /* Line by line what the text face says, blanks and centring aside. */
        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].type == PAGE_TEXT) {
                        const char *line = page->lines[i].text + strspn(page->lines[i].text, " ");
                        _cleanup_free_ char *trimmed = strdup(line);

                        assert_non_null(trimmed);
                        for (size_t l = strlen(trimmed); l > 0 && trimmed[l - 1] == ' '; l--)
                                trimmed[l - 1] = '\0';
                        if (!strstr(text, trimmed))
                                fail_msg("\"%s\" is not on the paper:\n%s", trimmed, text);
                }
        /* It asks for nothing: that is the device room's. */
        assert_int_equal(replies.size, 0);
        paper_free(paper);
}

static void print(const struct slip *slip, const char *profile_name, const struct paper_model *model) {
        print_on(slip, printer_profile_find(profile_name), model);
}

static void printed(void **state) {
        for (enum slip_paper paper = 0; paper < _SLIP_PAPER_MAX; paper++) {
                _cleanup_(slip_done) struct slip slip = sample_paper(paper);

                print(&slip, "epson-80", &paper_model_80mm);
                print(&slip, "epson-80-latin", &paper_model_80mm);
                print(&slip, "generic-80", &paper_model_80mm);
                print(&slip, "generic-58", &paper_model_58mm);
        }
}

static const char *property(const char *name, void *userdata) {
        for (const char *const *p = userdata; *p; p += 2)
                if (streq(p[0], name))
                        return p[1];
        return NULL;
}

#define PARSE(p, ...) printer_profile_parse(property, (const char *[]){ __VA_ARGS__, NULL }, p)

static void profiles(void **state) {
        struct printer_profile p;

        assert_null(printer_profile_find("none"));
        assert_false(printer_profile_parse(property, (const char *[]){ NULL }, &p));
        assert_memory_equal(&p, printer_profile_default(), sizeof(p));
        assert_true(PARSE(&p, "TILL_PRINTER_DOTS", "384", "TILL_PRINTER_CHINESE", "gb18030", "TILL_PRINTER_CODE_PAGE",
                          "19:CP858", "TILL_PRINTER_CUTTER", "full", "TILL_PRINTER_DRAWER", "5:120:240",
                          "TILL_PRINTER_QR", "command", "TILL_PRINTER_BARCODE", "raster", "TILL_PRINTER_COMPLETION",
                          "gs-h", "TILL_PRINTER_SPEED", "90", "TILL_PRINTER_FEED", "5", "TILL_PRINTER_QUIRKS",
                          "cut-plain"));
        assert_int_equal(p.dots, 384);
        assert_int_equal(p.columns, 32);
        assert_int_equal(p.columns_small, 42);
        assert_int_equal(p.chinese, PRINTER_CHINESE_GB18030);
        assert_int_equal(p.code_page, 19);
        assert_string_equal(p.charset, "CP858");
        assert_int_equal(p.cutter, PRINTER_CUTTER_FULL);
        assert_int_equal(p.drawer_pin, 5);
        assert_int_equal(p.drawer_on, 120);
        assert_int_equal(p.drawer_off, 240);
        assert_true(p.qr);
        assert_false(p.barcode);
        assert_int_equal(p.completion, PRINTER_COMPLETION_GS_H);
        assert_int_equal(p.speed, 90);
        assert_int_equal(p.feed_lines, 5);
        assert_int_equal(p.quirks, PRINTER_QUIRK_CUT_PLAIN);
        assert_true(PARSE(&p, "TILL_PRINTER_COLUMNS", "42", "TILL_PRINTER_COLUMNS_SMALL", "56", "TILL_PRINTER_DRAWER",
                          "no"));
        assert_int_equal(p.columns, 42);
        assert_int_equal(p.columns_small, 56);
        assert_int_equal(p.drawer_pin, 0);
        /* No page has more characters than small ones. */
        assert_true(PARSE(&p, "TILL_PRINTER_COLUMNS", "42", "TILL_PRINTER_COLUMNS_SMALL", "40"));
        assert_int_equal(p.columns, 42);
        assert_int_equal(p.columns_small, 64);
}

/* A printer without Chinese and QR codes, and one that says nothing, understand all that they are sent. */
static void models(void **state) {
        struct printer_profile latin, silent;

        assert_true(PARSE(&latin, "TILL_PRINTER_DOTS", "512", "TILL_PRINTER_CHINESE", "none", "TILL_PRINTER_CODE_PAGE",
                          "19:CP858"));
        assert_true(PARSE(&silent, "TILL_PRINTER_DOTS", "384", "TILL_PRINTER_CUTTER", "none", "TILL_PRINTER_BARCODE",
                          "raster", "TILL_PRINTER_FEED", "4", "TILL_PRINTER_COMPLETION", "none"));
        for (enum slip_paper paper = 0; paper < _SLIP_PAPER_MAX; paper++) {
                _cleanup_(slip_done) struct slip slip = sample_paper(paper);

                print_on(&slip, &latin, paper_model_find("latin"));
                print_on(&slip, &silent, paper_model_find("silent"));
        }
}

/* Characters beyond ASCII are read back by the page that was chosen; the simulator has tables of its own. */
static void code_pages_printed(void **state) {
        static const struct {
                const char *page, *text;
        } pages[] = {
                { "0:CP437", "Café Ñandú £¥" }, { "2:CP850", "Ærø Þórr ¢" },  { "16:CP1252", "Žižka “œuf” €" },
                { "17:CP866", "Чайная Ёлка" },  { "18:CP852", "Żółć Őrült" }, { "19:CP858", "Crème brûlée 3 €" },
        };

        for (size_t i = 0; i < ELEMENTSOF(pages); i++) {
                _cleanup_(page_freep) struct page *page =
                        one_line((struct page_line){ .text = (char *) pages[i].text });
                _cleanup_(paper_freep) struct paper *paper = NULL;
                _cleanup_free_ uint8_t *bytes = NULL;
                _cleanup_free_ char *text = NULL;
                struct printer_profile p;
                size_t n;

                assert_true(PARSE(&p, "TILL_PRINTER_DOTS", "512", "TILL_PRINTER_CHINESE", "none",
                                  "TILL_PRINTER_CODE_PAGE", pages[i].page));
                assert_int_equal(page_to_escpos(page, &p, &bytes, &n), 0);
                assert_int_equal(paper_new(paper_model_find("latin"), NULL, NULL, &paper), 0);
                assert_int_equal(paper_write(paper, bytes, n), n);
                assert_int_equal(paper_text(paper, PAPER_SHEET_ALL, &text), 0);
                if (!strstr(text, pages[i].text))
                        fail_msg("%s: \"%s\" is printed as \"%s\"", pages[i].page, pages[i].text, text);
                assert_false(page_needs_rasters(page, &p));
        }
}

/* Every property of the hwdb is one that is understood, model by model. */
static void hwdb(void **state) {
        _cleanup_fclose_ FILE *f = fopen("udev/70-till.hwdb", "re");
        struct printer_profile p = *printer_profile_default();
        unsigned n = 0;
        char line[256];

        assert_non_null(f);
        while (fgets(line, sizeof(line), f)) {
                char *equals = strchr(line, '=');
                const char *wanted;

                line[strcspn(line, "\n")] = '\0';
                if (line[0] == '\0')
                        p = *printer_profile_default();
                if (!equals || !startswith(line, " TILL_PRINTER_"))
                        continue;
                *equals = '\0';
                wanted = printer_profile_set(&p, line + 1, equals + 1);
                if (wanted)
                        fail_msg("%s=%s should be %s", line, equals + 1, wanted);
                n++;
        }
        assert_true(n > 40);
}

/* One that is not understood leaves what a usual printer has, and the others as they are. */
static void bad_properties(void **state) {
        static const char *const bad[][2] = {
                { "TILL_PRINTER_DOTS", "" },
                { "TILL_PRINTER_DOTS", "80mm" },
                { "TILL_PRINTER_DOTS", "-576" },
                { "TILL_PRINTER_DOTS", "4294967872" },
                { "TILL_PRINTER_COLUMNS", "49" },
                { "TILL_PRINTER_COLUMNS", "15" },
                { "TILL_PRINTER_COLUMNS_SMALL", "65" },
                { "TILL_PRINTER_CHINESE", "yes" },
                { "TILL_PRINTER_CODE_PAGE", "CP437" },
                { "TILL_PRINTER_CODE_PAGE", "256:CP437" },
                { "TILL_PRINTER_CODE_PAGE", "0:" },
                { "TILL_PRINTER_CODE_PAGE", "0:CP437//TRANSLIT" },
                { "TILL_PRINTER_CODE_PAGE", "0:ABCDEFGHIJKLMNOP" },
                { "TILL_PRINTER_CUTTER", "yes" },
                { "TILL_PRINTER_DRAWER", "3:100:500" },
                { "TILL_PRINTER_DRAWER", "2:600:600" },
                { "TILL_PRINTER_DRAWER", "2:200:100" },
                { "TILL_PRINTER_DRAWER", "2:100:500:" },
                { "TILL_PRINTER_QR", "no" },
                { "TILL_PRINTER_BARCODE", "1" },
                { "TILL_PRINTER_COMPLETION", "asb" },
                { "TILL_PRINTER_SPEED", "0" },
                { "TILL_PRINTER_FEED", "21" },
                { "TILL_PRINTER_QUIRKS", "cut-plain sings" },
        };

        log_set_max_level(LOG_CRIT);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                struct printer_profile p, expected = *printer_profile_default();

                expected.speed = 75;
                assert_true(PARSE(&p, bad[i][0], bad[i][1], "TILL_PRINTER_SPEED", "75"));
                if (streq(bad[i][0], "TILL_PRINTER_SPEED"))
                        expected.speed = printer_profile_default()->speed;
                if (memcmp(&p, &expected, sizeof(p)) != 0)
                        fail_msg("%s=%s is not ignored", bad[i][0], bad[i][1]);
        }
        log_set_max_level(LOG_INFO);
}

static void assert_says(const struct page_line *line, const struct printer_profile *profile, const char *expected,
                        size_t size) {
        /* ESC @, ESC t n, FS & or FS ., and GS W where there is more paper. */
        const size_t head = profile->columns > 32 ? 11 : 7;
        _cleanup_(page_freep) struct page *page = one_line(*line);
        _cleanup_free_ uint8_t *bytes = NULL;
        size_t n;

        assert_int_equal(page_to_escpos(page, profile, &bytes, &n), 0);
        assert_int_equal(bytes[4], profile->code_page);
        assert_int_equal(n, head + size);
        assert_memory_equal(bytes + head, expected, size);
}

#define ASSERT_SAYS(line, profile, expected) assert_says(line, profile, expected, sizeof(expected) - 1)

static void code_pages(void **state) {
        struct printer_profile p = *printer_profile_find("epson-80-latin");
        const struct page_line euro = { .text = (char *) "é€Ж中" };

        COPY(p.charset, "CP858");
        p.code_page = 19;
        ASSERT_SAYS(&euro, &p, "\x82\xd5????\n");
        COPY(p.charset, "CP1252");
        p.code_page = 16;
        ASSERT_SAYS(&euro, &p, "\xe9\x80????\n");
        COPY(p.charset, "CP866");
        p.code_page = 17;
        ASSERT_SAYS(&euro, &p, "????\x86??\n");
        /* GB18030 has a place for the euro sign among its two bytes that GBK has not, and four bytes for é's kin. */
        p.chinese = PRINTER_CHINESE_GBK;
        ASSERT_SAYS(&(struct page_line){ .text = (char *) "€é中" }, &p, "??\xa8\xa6\xd6\xd0\n");
        p.chinese = PRINTER_CHINESE_GB18030;
        ASSERT_SAYS(&(struct page_line){ .text = (char *) "€é中" }, &p, "\xa2\xe3\xa8\xa6\xd6\xd0\n");
}

/* A table that is not there, or has bytes for commands, costs characters: never the paper. */
static void no_table(void **state) {
        struct printer_profile p = *printer_profile_find("epson-80-latin");
        const struct page_line text = { .text = (char *) "a\u00e9\u4e2d" };

        log_set_max_level(LOG_CRIT);
        COPY(p.charset, "NO-SUCH-TABLE");
        ASSERT_SAYS(&text, &p, "a????\n");
        assert_true(line_needs_raster(&text, &p));
        COPY(p.charset, "UTF-16BE");
        ASSERT_SAYS(&text, &p, "a????\n");
        COPY(p.charset, "UTF-7");
        ASSERT_SAYS(&text, &p, "a????\n");
        log_set_max_level(LOG_INFO);
}

static void cutters(void **state) {
        struct printer_profile p = *printer_profile_find("epson-80-latin");

        p.feed_lines = 3;
        ASSERT_SAYS(&cut, &p,
                    "\x1b"
                    "d\x03\x1dV\x42\0");
        p.cutter = PRINTER_CUTTER_FULL;
        ASSERT_SAYS(&cut, &p,
                    "\x1b"
                    "d\x03\x1dV\x41\0");
        p.quirks = PRINTER_QUIRK_CUT_PLAIN;
        ASSERT_SAYS(&cut, &p,
                    "\x1b"
                    "d\x03\x1dV\0");
        p.cutter = PRINTER_CUTTER_PARTIAL;
        ASSERT_SAYS(&cut, &p,
                    "\x1b"
                    "d\x03\x1dV\x01");
        p.cutter = PRINTER_CUTTER_NONE;
        ASSERT_SAYS(&cut, &p,
                    "\x1b"
                    "d\x03");
}

static void drawer(void **state) {
        struct printer_profile p = *printer_profile_default();
        uint8_t pulse[DRAWER_PULSE_SIZE];

        assert_int_equal(drawer_to_escpos(&p, pulse), 5);
        assert_memory_equal(pulse, "\x1bp\0\x32\xfa", 5);
        p.drawer_pin = 5;
        p.drawer_on = 2;
        p.drawer_off = 510;
        assert_int_equal(drawer_to_escpos(&p, pulse), 5);
        assert_memory_equal(pulse, "\x1bp\x01\x01\xff", 5);
        p.drawer_pin = 0;
        assert_int_equal(drawer_to_escpos(&p, pulse), 0);
}

/* A code that is wider than the paper is not printed at all by most models: narrower first, then its content. */
static void code_limits(void **state) {
        struct printer_profile p = *printer_profile_find("generic-58");
        struct page_line bar = { .type = PAGE_BARCODE, .width = 3, .height = 60, .text = (char *) "ABCDEFGHIJ" };
        struct page_line qr = { .type = PAGE_QR, .width = 20, .text = (char *) "a" };
        char text[121];

        ASSERT_SAYS(&bar, &p,
                    "\x1dh\x3c\x1dw\x02\x1dH\x02\x1d"
                    "f\0\x1dk\x49\x0c{BABCDEFGHIJ");
        bar.width = 9;
        bar.text = (char *) "AB";
        ASSERT_SAYS(&bar, &p,
                    "\x1dh\x3c\x1dw\x06\x1dH\x02\x1d"
                    "f\0\x1dk\x49\x04{BAB");
        bar.text = (char *) "ABCDEFGHIJKLMNO";
        ASSERT_SAYS(&bar, &p, "ABCDEFGHIJKLMNO\n");
        p.barcode = false;
        bar.text = (char *) "AB";
        ASSERT_SAYS(&bar, &p, "AB\n");
        assert_true(line_needs_raster(&bar, &p));
        p.quirks = PRINTER_QUIRK_NO_RASTER;
        assert_false(line_needs_raster(&bar, &p));
        ASSERT_SAYS(&qr, &p,
                    "\x1d(k\x04\0\x31\x41\x32\0"
                    "\x1d(k\x03\0\x31\x43\x10"
                    "\x1d(k\x03\0\x31\x45\x31"
                    "\x1d(k\x04\0\x31\x50\x30"
                    "a"
                    "\x1d(k\x03\0\x31\x51\x30");
        /* 120 bytes take version 7, 45 modules: 8 dots each fit into 384. */
        memset(text, 'x', 120);
        text[120] = '\0';
        qr.text = text;
        {
                _cleanup_(page_freep) struct page *page = one_line(qr);
                _cleanup_free_ uint8_t *bytes = NULL;
                size_t n;

                assert_int_equal(page_to_escpos(page, &p, &bytes, &n), 0);
                assert_int_equal(bytes[7 + 9 + 7], 8);
        }
}

static void seconds(void **state) {
        _cleanup_(page_freep) struct page *page = NULL;
        struct printer_profile p = *printer_profile_default();
        unsigned slow;

        assert_int_equal(page_new(32, 42, &page), 0);
        assert_int_equal(page_print_seconds(page, &p), PRINT_SECONDS_BASE);
        /* Two metres: 500 lines of a sixth of an inch at 203 dots. */
        for (int i = 0; i < 50; i++)
                assert_int_equal(page_add(page, &(struct page_line){ .type = PAGE_FEED, .height = 10 }), 0);
        p.speed = 200;
        assert_in_range(page_print_seconds(page, &p), PRINT_SECONDS_BASE + 2120 / 200, 60);
        p.speed = 50;
        slow = page_print_seconds(page, &p);
        assert_in_range(slow, PRINT_SECONDS_BASE + 2120 / 50, 120);
        assert_true(slow > page_print_seconds(page, printer_profile_find("epson-80")));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(commands),
                cmocka_unit_test(styles),
                cmocka_unit_test(codes),
                cmocka_unit_test(rasters),
                cmocka_unit_test(raster_limits),
                cmocka_unit_test(no_injection),
                cmocka_unit_test(printed),
                cmocka_unit_test(profiles),
                cmocka_unit_test(hwdb),
                cmocka_unit_test(models),
                cmocka_unit_test(code_pages_printed),
                cmocka_unit_test(bad_properties),
                cmocka_unit_test(code_pages),
                cmocka_unit_test(no_table),
                cmocka_unit_test(cutters),
                cmocka_unit_test(drawer),
                cmocka_unit_test(code_limits),
                cmocka_unit_test(seconds),
        };

        return cmocka_run_group_tests_name("receipt-escpos", tests, NULL, NULL);
}
