// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the printer prints of a page is what till-render draws of it.
 *
 * Both are compared line by line, a line being rows with ink between rows without. Different libraries hint the faces
 * of characters: of the dots in any window of a line, three characters wide, twenty of a hundred may be in one of the
 * pictures only, and ten may be astray, the other picture having none within one dot of it; of those of a whole line
 * ten may be in one picture only.
 */
#include "test.h"

#include <png.h>

#include "helpers/till-render/draw.h"
#include "paper/paper.h"
#include "receipt-papers.h"
#include "receipt/blocks.h"
#include "receipt/escpos.h"
#include "base/unicode.h"

#define WINDOW 36
#define ASTRAY_PERCENT 10
#define WINDOW_PERCENT 20
#define LINE_PERCENT 10
#define DOTS_MIN 4 /* dots: a full stop has few */

/* What has ink, on white paper without an end. */
struct picture {
        unsigned width, height;
        uint8_t *dots;
};

static void picture_done(struct picture *p) {
        free(p->dots);
}

static bool dot(const struct picture *p, long x, long y) {
        return x >= 0 && y >= 0 && x < (long) p->width && y < (long) p->height && p->dots[y * p->width + x];
}

static bool row_has_ink(const struct picture *p, unsigned y) {
        return y < p->height && memchr(p->dots + (size_t) y * p->width, 1, p->width);
}

/* Without the paper above the first ink. */
static void trim(struct picture *p) {
        unsigned y = 0;

        while (y < p->height && !row_has_ink(p, y))
                y++;
        memmove(p->dots, p->dots + (size_t) y * p->width, (size_t) (p->height - y) * p->width);
        p->height -= y;
}

static bool near_ink(const struct picture *p, long x, long y) {
        for (long dy = -1; dy <= 1; dy++)
                for (long dx = -1; dx <= 1; dx++)
                        if (dot(p, x + dx, y + dy))
                                return true;
        return false;
}

struct difference {
        unsigned ink;    /* dots of either picture */
        unsigned other;  /* of them those that are in one only */
        unsigned astray; /* of them those that the other has nothing near */
};

static void measure(const struct picture *a, const struct picture *b, unsigned x, unsigned end_x, unsigned top,
                    unsigned end, struct difference *d) {
        for (unsigned y = top; y < end; y++)
                for (unsigned i = x; i < end_x; i++) {
                        bool one = dot(a, i, y), other = dot(b, i, y);

                        d->ink += one || other;
                        d->other += one != other;
                        d->astray += one != other && !near_ink(one ? b : a, i, y);
                }
}

static unsigned allowed(const struct difference *d, unsigned percent) {
        return MAX(d->ink * percent / 100, (unsigned) DOTS_MIN);
}

static bool line_is_same(const struct picture *a, const struct picture *b, unsigned top, unsigned end) {
        unsigned width = MAX(a->width, b->width);
        struct difference line = {};

        for (unsigned x = 0; x < width; x += WINDOW / 3) {
                struct difference d = {};

                measure(a, b, x, x + WINDOW, top, end, &d);
                if (d.astray > allowed(&d, ASTRAY_PERCENT) || d.other > allowed(&d, WINDOW_PERCENT))
                        return false;
        }
        measure(a, b, 0, width, top, end, &line);
        return line.other <= allowed(&line, LINE_PERCENT);
}

/* Lines that differ; ret_lines (may be NULL): of how many. */
static unsigned compare(const struct picture *a, const struct picture *b, unsigned *ret_lines) {
        unsigned lines = 0, wrong = 0, height = MAX(a->height, b->height);

        for (unsigned y = 0, end; y < height; y = end + 1) {
                for (end = y; row_has_ink(a, end) || row_has_ink(b, end); end++)
                        ;
                if (end == y)
                        continue;
                lines++;
                wrong += !line_is_same(a, b, y, end);
        }
        if (ret_lines)
                *ret_lines = lines;
        return wrong;
}

/* ---- The faces ---- */

static void printed(const struct page *page, const struct printer_profile *profile, struct picture *ret) {
        struct paper_model model = paper_model_80mm;
        _cleanup_(paper_freep) struct paper *paper = NULL;
        _cleanup_free_ uint8_t *data = NULL;
        const char *last;
        size_t size;

        model.dots = profile->dots;
        assert_int_equal(page_to_escpos(page, profile, &data, &size), 0);
        assert_int_equal(paper_new(&model, NULL, NULL, &paper), 0);
        assert_int_equal(paper_write(paper, data, size), size);
        assert_int_equal(paper_unknown(paper, &last), 0);
        assert_int_equal(paper_sheet_size(paper, 0, &ret->width, &ret->height), 0);
        ret->dots = malloc((size_t) ret->width * ret->height);
        assert_non_null(ret->dots);
        for (unsigned y = 0; y < ret->height; y++)
                for (unsigned x = 0; x < ret->width; x++)
                        ret->dots[(size_t) y * ret->width + x] = paper_sheet_dot(paper, 0, x, y);
        trim(ret);
}

static struct drawing drawing_of(struct page *page, const struct printer_profile *profile) {
        return (struct drawing){ .stored = { .page = page, .dots = profile->dots }, .logo_fd = -EBADF };
}

static void drawn(struct page *page, const struct printer_profile *profile, struct picture *ret) {
        _cleanup_(fonts_freep) struct fonts *fonts = NULL;
        const struct drawing d = drawing_of(page, profile);
        png_image image = { .version = PNG_IMAGE_VERSION };
        _cleanup_free_ char *data = NULL;
        _cleanup_free_ uint8_t *gray = NULL;
        size_t size;
        FILE *f = open_memstream(&data, &size);

        assert_non_null(f);
        assert_int_equal(fonts_new(&fonts), 0);
        assert_int_equal(draw(&d, fonts, RENDER_PNG, f), 0);
        assert_int_equal(fclose(f), 0);
        assert_true(png_image_begin_read_from_memory(&image, data, size));
        image.format = PNG_FORMAT_GRAY;
        gray = malloc(PNG_IMAGE_SIZE(image));
        assert_non_null(gray);
        assert_true(png_image_finish_read(&image, NULL, gray, 0, NULL));

        assert_int_equal(image.width, profile->dots + 2 * RENDER_MARGIN);
        *ret = (struct picture){ .width = profile->dots, .height = image.height };
        ret->dots = calloc(ret->height, ret->width);
        assert_non_null(ret->dots);
        for (unsigned y = 0; y < image.height; y++)
                for (unsigned x = 0; x < ret->width; x++)
                        ret->dots[(size_t) y * ret->width + x] =
                                gray[(size_t) y * image.width + RENDER_MARGIN + x] < 128;
        trim(ret);
}

/* What the printer cannot say is drawn for it. */
static void add_rasters(struct page *page, const struct printer_profile *profile) {
        const struct drawing d = drawing_of(page, profile);
        _cleanup_(fonts_freep) struct fonts *fonts = NULL;

        assert_int_equal(fonts_new(&fonts), 0);
        for (size_t i = 0; i < page->n_lines; i++)
                if (line_needs_raster(page->lines + i, profile))
                        assert_int_equal(draw_line(&d, fonts, page->lines + i, &page->lines[i].raster), 0);
}

static void lay_out(const struct sample_paper *paper, enum style_languages languages,
                    const struct printer_profile *profile, struct page **ret) {
        struct receipt_style style = *receipt_style_default();
        _cleanup_(slip_done) struct slip slip = {};

        style.languages = languages;
        sample_paper_fill(paper, &slip);
        assert_int_equal(slip_layout(&slip, &style, profile, ret), 0);
}

/* ---- Tests ---- */

static void expect_same_faces(const struct sample_paper *paper, enum style_languages languages,
                              const struct printer_profile *profile) {
        _cleanup_(picture_done) struct picture a = {}, b = {};
        _cleanup_(page_freep) struct page *page = NULL;
        unsigned lines, wrong;

        lay_out(paper, languages, profile, &page);
        drawn(page, profile, &b);
        add_rasters(page, profile);
        printed(page, profile, &a);
        wrong = compare(&a, &b, &lines);
        if (wrong > 0)
                print_error("%s in %u columns: %u of %u lines differ\n", paper->name, profile->columns, wrong, lines);
        assert_true(lines > 10);
        assert_int_equal(wrong, 0);
}

static void all_papers(void **state) {
        struct printer_profile profile;

        for (size_t i = 0; i < ELEMENTSOF(sample_papers); i++)
                for (size_t k = 0; k < ELEMENTSOF(sample_printers); k++) {
                        sample_profile(sample_printers + k, &profile);
                        for (enum style_languages l = 0; l < _STYLE_LANGUAGES_MAX; l++)
                                expect_same_faces(sample_papers + i, l, &profile);
                }
}

/* A printer that has nothing but ASCII: Chinese and codes go to it as pictures. */
static void all_as_pictures(void **state) {
        struct printer_profile profile;

        for (size_t k = 0; k < ELEMENTSOF(sample_printers); k++) {
                sample_profile(sample_printers + k, &profile);
                profile.chinese = PRINTER_CHINESE_NONE;
                profile.qr = profile.barcode = false;
                for (size_t i = 0; i < ELEMENTSOF(sample_papers); i++)
                        expect_same_faces(sample_papers + i, STYLE_BOTH, &profile);
        }
}

/* What a shop may call itself, and what a checkout, an acquirer or a support engineer may have pasted. */
static const char *const texts[] = {
        "\x1b@\x1dV\x01\x10\x14\x01\x01\x1bp\x00\xc2\x9b[2J\x7f",
        "שלום עולם 123 مرحبا",
        "\xe2\x80\xae"
        "abc\xe2\x80\xac \xe2\x81\xa6x\xe2\x81\xa9",
        "e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"
        "\xcc\x81\xcc\x81\xcc\x81\xcc\x81 o\xcc\x88",
        "\xcc\x81 begins with a mark",
        "a\xe2\x80\x8b\xe2\x80\x8c\xe2\x80\x8d\xef\xbb\xbf\xe2\x81\xa0"
        "b\xc2\xad",
        "\xe2\x80\x8b\xef\xb8\x8f",
        "👨‍👩‍👧‍👦🇨🇳❤️😀🏽",
        "नमस्ते สวัสดี",
        "ＡＢＣ１２３",
        "㐀𠮷龘 ½ € £ ￥ ①",
        "一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十",
        "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDDDDDDDDDEEEEEEEEEEFFFFFFFFFFGGGGGGGGGGHHHHHHHHHHIIIIIIIIIIJJJJJJJJJJKKKKKKKKK"
        "K",
        "\xff\xfe\xc0\x80 broken \xe4\xb8",
        "{{ } %s %n \\ \" '",
};

static void lay_out_with(const char *text, const struct printer_profile *profile, struct page **ret) {
        struct receipt_style style = *receipt_style_default();
        struct style_block blocks[] = {
                { .type = BLOCK_MODE },
                { .type = BLOCK_HEADER, .width = 2, .height = 2 },
                { .type = BLOCK_MERCHANT },
                { .type = BLOCK_FIELD, .field = FIELD_VOUCHER, .text = (char *) text },
                { .type = BLOCK_FIELD, .field = FIELD_MESSAGE, .text = (char *) text, .small = true },
                { .type = BLOCK_CARD, .bold = true },
                { .type = BLOCK_AMOUNT },
                { .type = BLOCK_RESPONSE },
                { .type = BLOCK_FOOTER, .inverse = true, .aligned = true, .align = PAGE_RIGHT },
                { .type = BLOCK_CUT },
        };
        struct slip slip = sample_slip();

        slip.paper = SLIP_DECLINED;
        SLIP_SET(slip.merchant_name, text);
        SLIP_SET(slip.issuer, text);
        SLIP_SET(slip.acquirer, text);
        SLIP_SET(slip.message, text);
        style.header = style.footer = (char *) "{merchant-name}";
        style.papers[SLIP_DECLINED] = (struct style_paper){ blocks, ELEMENTSOF(blocks) };
        assert_int_equal(slip_layout(&slip, &style, profile, ret), 0);
}

static void expect_fits(const struct page *page) {
        _cleanup_free_ char *copy = NULL;
        char *rest, *line;

        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].type == PAGE_TEXT)
                        assert_true(page_text_width(page->lines[i].text) * page->lines[i].width <=
                                    (page->lines[i].small ? page->columns_small : page->columns));
        assert_int_equal(page_to_text(page, &copy), 0);
        for (rest = copy; (line = strsep(&rest, "\n"));) {
                const char *p = line;
                uint32_t c;

                assert_true(page_text_width(line) <= page->columns_small);
                while ((c = unicode_next(&p)) != 0)
                        assert_false(unicode_is_control(c));
        }
}

/* No text is wider than the paper, a command, or something else in another face. */
static void hostile_texts(void **state) {
        static const enum printer_chinese fonts[] = { PRINTER_CHINESE_NONE, PRINTER_CHINESE_GBK,
                                                      PRINTER_CHINESE_GB18030 };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                for (size_t k = 0; k < ELEMENTSOF(fonts); k++) {
                        _cleanup_(picture_done) struct picture a = {}, b = {};
                        _cleanup_(page_freep) struct page *page = NULL;
                        struct printer_profile profile;
                        unsigned lines, wrong;

                        sample_profile(sample_printers + k, &profile);
                        profile.chinese = fonts[k];
                        lay_out_with(texts[i], &profile, &page);
                        expect_fits(page);
                        drawn(page, &profile, &b);
                        add_rasters(page, &profile);
                        printed(page, &profile, &a);
                        wrong = compare(&a, &b, &lines);
                        if (wrong > 0)
                                fail_msg("%u of %u lines differ with text %zu, font %zu: %s", wrong, lines, i, k,
                                         texts[i]);
                }
}

/* Whatever is wrong with one of the faces has to be seen, or the tests above say nothing. */
static unsigned differ(void (*break_page)(struct page *page), void (*break_picture)(struct picture *picture)) {
        _cleanup_(picture_done) struct picture a = {}, b = {};
        _cleanup_(page_freep) struct page *page = NULL;
        struct printer_profile profile;

        sample_profile(sample_printers + 2, &profile);
        lay_out(sample_papers, STYLE_BOTH, &profile, &page);
        drawn(page, &profile, &b);
        if (break_page)
                break_page(page);
        printed(page, &profile, &a);
        if (break_picture)
                break_picture(&b);
        return compare(&a, &b, NULL);
}

static struct page_line *find_line(struct page *page, const char *text) {
        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].text && strstr(page->lines[i].text, text))
                        return page->lines + i;
        fail_msg("no line has %s", text);
        return NULL;
}

static void without_a_line(struct page *page) {
        struct page_line *line = find_line(page, "104310054110001");

        line->text[0] = '\0';
}

static void without_bold(struct page *page) {
        find_line(page, "621700")->bold = false;
}

static void aligned_otherwise(struct page *page) {
        find_line(page, "POS SALES SLIP")->align = PAGE_LEFT;
}

static void of_another_size(struct page *page) {
        find_line(page, "128.50")->width = 1;
}

static void one_digit(struct page *page) {
        *strstr(find_line(page, "128.50")->text, "5") = '6';
}

static void one_usual_digit(struct page *page) {
        *strstr(find_line(page, "000042")->text, "2") = '3';
}

static void one_small_word(struct page *page) {
        memcpy(strstr(find_line(page, "PBOC DEBIT")->text, "DEBIT"), "CREDI", 5);
}

static void one_character(struct page *page) {
        memcpy(strstr(find_line(page, "消费")->text, "消"), "退", 3);
}

static void another_code(struct page *page) {
        for (size_t i = 0; i < page->n_lines; i++)
                if (page->lines[i].type == PAGE_QR)
                        page->lines[i].text[0] ^= 1;
}

static void swapped_lines(struct page *page) {
        struct page_line *a = find_line(page, "12345678"), *b = find_line(page, "000042"), line = *a;

        *a = *b;
        *b = line;
}

static void moved_aside(struct picture *p) {
        unsigned top = p->height / 2;

        for (unsigned y = top; y < top + 24; y++)
                for (unsigned x = p->width; x-- > 0;)
                        p->dots[(size_t) y * p->width + x] = dot(p, (long) x - 2, y);
}

static void moved_down(struct picture *p) {
        size_t at = (size_t) p->height / 2 * p->width, n = 5 * (size_t) p->width;

        memmove(p->dots + at + n, p->dots + at, (size_t) p->height * p->width - at - n);
        memset(p->dots + at, 0, n);
}

static void what_is_wrong_is_seen(void **state) {
        assert_int_equal(differ(NULL, NULL), 0);
        assert_int_equal(differ(without_a_line, NULL), 1);
        assert_int_equal(differ(without_bold, NULL), 1);
        assert_true(differ(aligned_otherwise, NULL) > 0);
        assert_true(differ(of_another_size, NULL) > 0);
        assert_int_equal(differ(one_digit, NULL), 1);
        assert_int_equal(differ(one_usual_digit, NULL), 1);
        assert_int_equal(differ(one_small_word, NULL), 1);
        assert_int_equal(differ(one_character, NULL), 1);
        assert_true(differ(another_code, NULL) > 0);
        assert_int_equal(differ(swapped_lines, NULL), 2);
        assert_true(differ(NULL, moved_aside) > 0);
        assert_true(differ(NULL, moved_down) > 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_papers),
                cmocka_unit_test(all_as_pictures),
                cmocka_unit_test(hostile_texts),
                cmocka_unit_test(what_is_wrong_is_seen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
