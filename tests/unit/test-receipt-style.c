// SPDX-License-Identifier: LGPL-2.1-or-later
/* The layout files: what they may say, and how each thing that they may not say is refused. */
#include "test.h"

#include <sys/stat.h>

#include "receipt-sample.h"
#include "receipt/blocks.h"
#include "receipt/escpos.h"
#include "receipt/style-file.h"

#define PACKAGED "packaging/receipt.d"

struct dirs {
        char merchant[64], packaged[64];
};

static void dirs_new(struct dirs *d) {
        strcpy(d->merchant, "/tmp/test-style-XXXXXX");
        strcpy(d->packaged, "/tmp/test-style-XXXXXX");
        assert_non_null(mkdtemp(d->merchant));
        assert_non_null(mkdtemp(d->packaged));
}

static void write_file(const char *dir, const char *name, const char *text) {
        char path[128];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *dir, const char *name) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", dir, name);
        assert_int_equal(unlink(path), 0);
}

static void dirs_done(struct dirs *d) {
        assert_int_equal(rmdir(d->merchant), 0);
        assert_int_equal(rmdir(d->packaged), 0);
}

/* Every fault in a line: "file:line: reason". */
struct faults {
        char text[8192];
        unsigned n;
};

static void on_fault(const char *path, unsigned line, const char *reason, void *userdata) {
        struct faults *f = userdata;
        size_t used = strlen(f->text);
        const char *slash = path ? strrchr(path, '/') : NULL;

        (void) snprintf(f->text + used, sizeof(f->text) - used, "%s:%u: %s\n", slash ? slash + 1 : "", line, reason);
        f->n++;
}

static int read_text(const char *text, struct faults *faults, struct receipt_style **ret) {
        struct dirs d;
        int r;

        *faults = (struct faults){};
        dirs_new(&d);
        write_file(d.merchant, "50-shop.conf", text);
        r = receipt_style_read((const char *const[]){ d.merchant, PACKAGED, NULL }, on_fault, faults, ret);
        remove_file(d.merchant, "50-shop.conf");
        dirs_done(&d);
        return r;
}

static void assert_same_blocks(const struct style_paper *a, const struct style_paper *b) {
        assert_int_equal(a->n_blocks, b->n_blocks);
        for (size_t i = 0; i < a->n_blocks; i++) {
                assert_int_equal(a->blocks[i].type, b->blocks[i].type);
                assert_int_equal(a->blocks[i].field, b->blocks[i].field);
                assert_null(a->blocks[i].text);
                assert_null(b->blocks[i].text);
                assert_memory_equal(&a->blocks[i], &b->blocks[i], offsetof(struct style_block, text));
        }
}

/* The built-in style is what the packaged files say. */
static void packaged(void **state) {
        const struct receipt_style *built_in = receipt_style_default();
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        struct faults faults = {};

        assert_int_equal(receipt_style_read((const char *const[]){ PACKAGED, NULL }, on_fault, &faults, &style), 0);
        assert_string_equal(faults.text, "");
        assert_int_equal(style->languages, built_in->languages);
        assert_int_equal(style->merchant_copy, built_in->merchant_copy);
        assert_int_equal(style->cardholder_copy, built_in->cardholder_copy);
        assert_int_equal(style->columns, built_in->columns);
        assert_int_equal(style->n_no_signature, built_in->n_no_signature);
        assert_null(style->logo);
        assert_null(style->header);
        assert_null(style->footer);
        for (size_t i = 0; i < _SLIP_PAPER_MAX; i++)
                assert_same_blocks(&style->papers[i], &built_in->papers[i]);
}

static void general_keys(void **state) {
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        struct faults faults;

        assert_int_equal(read_text("[Receipt]\n"
                                   "languages=zh_CN\n"
                                   "merchant-copy=no\ncardholder-copy=no\n"
                                   "width=42\n"
                                   "logo=/etc/tilld/logo.png\n"
                                   "header=gone\nheader=\nheader=好邻居\nheader=Good Neighbour\n"
                                   "footer=谢谢 {merchant-name}\n"
                                   "no-signature-up-to=1000.00 CNY 500 JPY\n"
                                   "no-signature-up-to=10.000 KWD\n"
                                   "no-signature-up-to=300 CNY\n",
                                   &faults, &style),
                         0);
        assert_string_equal(faults.text, "");
        assert_int_equal(style->languages, STYLE_CHINESE);
        assert_false(style->merchant_copy);
        assert_false(style->cardholder_copy);
        assert_int_equal(style->columns, 42);
        assert_string_equal(style->logo, "/etc/tilld/logo.png");
        assert_string_equal(style->header, "好邻居\nGood Neighbour");
        assert_string_equal(style->footer, "谢谢 {merchant-name}");
        assert_int_equal(style->n_no_signature, 3);
        assert_true(receipt_style_waives_signature(style, "CNY", 30000));
        assert_false(receipt_style_waives_signature(style, "CNY", 30001));
        assert_true(receipt_style_waives_signature(style, "JPY", 500));
        assert_false(receipt_style_waives_signature(style, "JPY", 501));
        assert_true(receipt_style_waives_signature(style, "KWD", 10000));
        assert_false(receipt_style_waives_signature(style, "KWD", 10001));
        assert_false(receipt_style_waives_signature(style, "USD", 1));
        assert_false(receipt_style_waives_signature(receipt_style_default(), "CNY", 1));
}

#define ANEW "[paper cardholder-copy]\nblock=\n"
#define WHOLE                                                                                                         \
        "block=mode\nblock=duplicate\nblock=copy\nblock=merchant\nblock=card\nblock=kind\nblock=numbers\n"            \
        "block=amount\nblock=notes\nblock=verification\n"

static void reasons(void **state) {
        static const struct {
                const char *text, *line, *reason;
        } cases[] = {
                { "[Receipt]\nlanguages=fr\n", "50-shop.conf:2:", "zh_CN, en or both" },
                { "[Receipt]\nmerchant-copy=maybe\n", "50-shop.conf:2:", "yes or no" },
                { "[Receipt]\nwidth=12\n", "50-shop.conf:2:", "24 to 64" },
                { "[Receipt]\nwidth=wide\n", "50-shop.conf:2:", "24 to 64" },
                { "[Receipt]\nlogo=logo.png\n", "50-shop.conf:2:", "absolute path" },
                { "[Receipt]\nlogo=/etc/../root/x.png\n", "50-shop.conf:2:", "absolute path" },
                { "[Receipt]\n\n# a comment\nheader={nothing}\n", "50-shop.conf:4:", "no such {field}" },
                { "[Receipt]\nheader={merchant-name\n", "50-shop.conf:2:", "not closed" },
                { "[Receipt]\nheader=\xff\n", "50-shop.conf:2:", "not UTF-8" },
                { "[Receipt]\nheader=a\x1b@b\n", "50-shop.conf:2:", "control character" },
                { "[Receipt]\nfooter=call 6200 0000 0000 0005\n", "50-shop.conf:2:", "card number" },
                { "[Receipt]\nno-signature-up-to=1000\n", "50-shop.conf:2:", "its currency" },
                { "[Receipt]\nno-signature-up-to=1000 RMB\n", "50-shop.conf:2:", "its currency" },
                { "[Receipt]\nno-signature-up-to=1.5 JPY\n", "50-shop.conf:2:", "its currency" },
                { "[Receipt]\nno-signature-up-to=-1 CNY\n", "50-shop.conf:2:", "its currency" },
                { "[Receipt]\nexpiry=yes\n", "50-shop.conf:2:", "expiry" },
                { "[Receipt]\ncolour=red\n", "50-shop.conf:2:", "no such key in [Receipt]" },
                { "[receipts]\nlanguages=en\n", "50-shop.conf:2:", "no such section" },
                { "[paper poster]\nblock=mode\n", "50-shop.conf:2:", "no such paper" },
                { "[paper declined]\nlines=3\n", "50-shop.conf:2:", "nothing but block=" },
                { "languages=en\n", "50-shop.conf:1:", "before the first [section]" },
                { ANEW "block=picture\n" WHOLE, "50-shop.conf:3:", "no such block" },
                { ANEW "block=expiry\n" WHOLE, "50-shop.conf:3:", "expiry" },
                { ANEW "block=\"text\"\n" WHOLE, "50-shop.conf:3:", "no such block" },
                { ANEW "block=totals\n" WHOLE, "50-shop.conf:3:", "not one of this paper's" },
                { ANEW "block=card\n" WHOLE, "50-shop.conf:8:", "on the paper already" },
                { "[paper cardholder-copy]\nblock=amount\n", "50-shop.conf:2:", "on the paper already" },
                { ANEW "block=field\n" WHOLE, "50-shop.conf:3:", "wants the name of a field" },
                { ANEW "block=field price\n" WHOLE, "50-shop.conf:3:", "no such field" },
                { ANEW "block=field expiry\n" WHOLE, "50-shop.conf:3:", "expiry" },
                { ANEW "block=field pan\n" WHOLE, "50-shop.conf:3:", "whole card number" },
                { ANEW "block=field track2\n" WHOLE, "50-shop.conf:3:", "stripe" },
                { ANEW "block=text \"{pan}\"\n" WHOLE, "50-shop.conf:3:", "whole card number" },
                { ANEW "block=text \"{cvv2}\"\n" WHOLE, "50-shop.conf:3:", "check value" },
                { ANEW "block=qr \"https://x/{expiry}\"\n" WHOLE, "50-shop.conf:3:", "expiry" },
                { ANEW "block=text \"4111-1111-1111-1111\"\n" WHOLE, "50-shop.conf:3:", "card number" },
                { ANEW "block=text\n" WHOLE, "50-shop.conf:3:", "wants a text" },
                { ANEW "block=text \"\"\n" WHOLE, "50-shop.conf:3:", "text is empty" },
                { ANEW "block=text \"a\" \"b\"\n" WHOLE, "50-shop.conf:3:", "two texts" },
                { ANEW "block=text \"a\n" WHOLE, "50-shop.conf:3:", "not closed" },
                { ANEW "block=rule \"a\"\n" WHOLE, "50-shop.conf:3:", "takes no text" },
                { ANEW "block=rule bold\n" WHOLE, "50-shop.conf:3:", "does not take this option" },
                { ANEW "block=text align=middle \"a\"\n" WHOLE, "50-shop.conf:3:", "left, center or right" },
                { ANEW "block=text size=huge \"a\"\n" WHOLE, "50-shop.conf:3:", "normal, tall, wide or double" },
                { ANEW "block=text bold bold \"a\"\n" WHOLE, "50-shop.conf:3:", "twice" },
                { ANEW "block=text bold=yes \"a\"\n" WHOLE, "50-shop.conf:3:", "has no value" },
                { ANEW "block=text align \"a\"\n" WHOLE, "50-shop.conf:3:", "option=value" },
                { ANEW "block=text blink \"a\"\n" WHOLE, "50-shop.conf:3:", "no such option" },
                { ANEW "block=qr module=40 \"a\"\n" WHOLE, "50-shop.conf:3:", "2 to 10" },
                { ANEW "block=barcode height=9 \"a\"\n" WHOLE, "50-shop.conf:3:", "24 to 200" },
                { ANEW "block=feed 0\n" WHOLE, "50-shop.conf:3:", "1 to 20" },
                { ANEW "block=feed x\n" WHOLE, "50-shop.conf:3:", "1 to 20" },
                { ANEW "block=text aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" WHOLE,
                  "50-shop.conf:3:", "too long" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                struct receipt_style *style = NULL;
                struct faults faults;

                if (read_text(cases[i].text, &faults, &style) != -EINVAL || style)
                        fail_msg("taken:\n%s", cases[i].text);
                if (faults.n != 1 || !strstr(faults.text, cases[i].line) || !strstr(faults.text, cases[i].reason))
                        fail_msg("\"%s %s\" is not what is said of:\n%s\nbut:\n%s", cases[i].line, cases[i].reason,
                                 cases[i].text, faults.text);
        }
}

/* What a paper must have cannot be laid out away. */
static void required(void **state) {
        static const struct {
                const char *block, *reason;
        } cases[] = {
                { "mode", "not live" },           { "duplicate", "printed before" },
                { "copy", "whose it is" },        { "merchant", "merchant-number" },
                { "card", "masked card number" }, { "kind", "the kind" },
                { "numbers", "voucher" },         { "amount", "the amount" },
                { "notes", "the AID" },           { "verification", "line to sign on" },
        };
        struct receipt_style *style = NULL;
        struct faults faults;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[512] = "[paper merchant-copy]\nblock=\n", line[64];
                const char *whole = WHOLE;
                const char *at;

                (void) snprintf(line, sizeof(line), "block=%s\n", cases[i].block);
                at = strstr(whole, line);
                assert_non_null(at);
                strncat(text, whole, (size_t) (at - whole));
                strcat(text, at + strlen(line));
                assert_int_equal(read_text(text, &faults, &style), -EINVAL);
                if (!strstr(faults.text, "[paper merchant-copy] must have") || !strstr(faults.text, cases[i].reason) ||
                    !strstr(faults.text, "50-shop.conf:11:"))
                        fail_msg("without %s:\n%s", cases[i].block, faults.text);
        }
        /* All at once, and with the bad lines. */
        assert_int_equal(read_text("[Receipt]\nlanguages=fr\nwidth=1\n[paper declined]\nblock=\n", &faults, &style),
                         -EINVAL);
        assert_true(faults.n > 10);
        assert_non_null(strstr(faults.text, "50-shop.conf:2:"));
        assert_non_null(strstr(faults.text, "50-shop.conf:3:"));
        assert_non_null(strstr(faults.text, "50-shop.conf:5: [paper declined] must have block=advice"));
}

static char *lay_out(const char *text, const struct slip *slip) {
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        _cleanup_(page_freep) struct page *page = NULL;
        struct faults faults;
        char *shown;

        if (read_text(text, &faults, &style) < 0)
                fail_msg("%s", faults.text);
        assert_int_equal(slip_layout(slip, style, printer_profile_find("epson-80"), &page), 0);
        assert_int_equal(page_to_text(page, &shown), 0);
        return shown;
}

static void own_layout(void **state) {
        _cleanup_free_ char *text = NULL, *nameless = NULL;
        struct slip slip = sample_slip();

        slip.paper = SLIP_CARDHOLDER_COPY;
        text = lay_out("[Receipt]\nlanguages=en\nheader=晨光 {terminal}\nfooter={{ok}\n" ANEW
                       "block=header\nblock=text align=right size=double bold \"No. {voucher} of {merchant-name}\"\n"
                       "block=field reference \"ORDER\"\nblock=qr module=6 \"https://shop/{rrn}?c={currency}\"\n"
                       "block=barcode \"{reference}\"\nblock=feed 2\nblock=text \"say \\\"{{\\\" \"\n" WHOLE
                       "block=footer\n",
                       &slip);
        assert_non_null(strstr(text, "晨光 12345678\n"));
        assert_non_null(strstr(text, "No. 000042 of"));
        assert_non_null(strstr(text, "ORDER                          ORDER-2026-000123\n"));
        assert_non_null(strstr(text, "[QR https://shop/123456789012?c=RMB]"));
        assert_non_null(strstr(text, "[ORDER-2026-000123]"));
        assert_non_null(strstr(text, "say \"{\""));
        assert_non_null(strstr(text, "{ok}"));
        assert_non_null(strstr(text, "CARDHOLDER COPY"));
        assert_null(strstr(text, "持卡人存根"));
        assert_null(strstr(text, "POS SALES SLIP"));

        /* A text of an empty field has nothing to say; the approver is not the cardholder's business. */
        nameless = lay_out("[paper cardholder-copy]\nblock=text \"approved by {approver}\"\nblock=field approver\n"
                           "block=text \"trace {trace}\"\n",
                           &slip);
        assert_null(strstr(nameless, "approved by"));
        assert_null(strstr(nameless, "APPROVED BY"));
        assert_non_null(strstr(nameless, "trace 004711"));
}

/* Fewer columns than the printer has, on every face the same. */
static void narrow(void **state) {
        const struct printer_profile *profile = printer_profile_find("epson-80");
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        _cleanup_(page_freep) struct page *page = NULL;
        _cleanup_free_ uint8_t *bytes = NULL;
        struct slip slip = sample_slip();
        struct faults faults;
        char rule[42];
        size_t n;

        assert_int_equal(read_text("[Receipt]\nwidth=40\n", &faults, &style), 0);
        assert_int_equal(slip_layout(&slip, style, profile, &page), 0);
        assert_int_equal(page->columns, 40);
        assert_int_equal(page->columns_small, 53);
        assert_int_equal(page_to_escpos(page, profile, &bytes, &n), 0);
        memset(rule, '-', sizeof(rule));
        rule[40] = '\n';
        assert_non_null(memmem(bytes, n, rule, 41));
        assert_null(memmem(bytes, n, "-----------------------------------------", 41));

        /* More than there are is as many as there are. */
        style->columns = 64;
        page = page_free(page);
        assert_int_equal(slip_layout(&slip, style, profile, &page), 0);
        assert_int_equal(page->columns, 48);
}

/* A bad file of the merchant's never stops a receipt, nor does a damaged package. */
static void fallback(void **state) {
        struct receipt_style *style = NULL;
        struct dirs d;

        dirs_new(&d);
        write_file(d.packaged, "00-receipt.conf", "[Receipt]\nheader=packaged\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 1);
        assert_string_equal(style->header, "packaged");
        style = receipt_style_free(style);

        write_file(d.merchant, "50-shop.conf", "[Receipt]\nheader=mine\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 1);
        assert_string_equal(style->header, "packaged\nmine");
        style = receipt_style_free(style);

        write_file(d.merchant, "60-bad.conf", "[Receipt]\nwidth=1\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 0);
        assert_string_equal(style->header, "packaged");
        style = receipt_style_free(style);

        write_file(d.packaged, "00-receipt.conf", "[Receipt]\nheader=packaged\nwidth=1\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 0);
        assert_null(style->header);
        assert_int_equal(style->papers[0].n_blocks, receipt_style_default()->papers[0].n_blocks);
        style = receipt_style_free(style);

        /* A file of the same name takes the place of the packaged one. */
        remove_file(d.merchant, "60-bad.conf");
        write_file(d.merchant, "00-receipt.conf", "[Receipt]\nfooter=instead\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 1);
        assert_string_equal(style->header, "mine");
        assert_string_equal(style->footer, "instead");
        style = receipt_style_free(style);

        /* What cannot be opened is said, and all the rest holds. */
        write_file(d.merchant, "70-logo.conf", "[Receipt]\nlogo=/nowhere/logo.png\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 0);
        assert_string_equal(style->header, "mine");
        assert_int_equal(receipt_style_open_logo(style), -ENOENT);
        style = receipt_style_free(style);
        remove_file(d.merchant, "70-logo.conf");

        remove_file(d.merchant, "00-receipt.conf");
        remove_file(d.merchant, "50-shop.conf");
        remove_file(d.packaged, "00-receipt.conf");
        dirs_done(&d);
}

static int load_logo(struct dirs *d, const void *data, size_t size) {
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        char path[96], text[128];
        FILE *f;
        int r;

        (void) snprintf(path, sizeof(path), "%s/logo", d->packaged);
        (void) snprintf(text, sizeof(text), "[Receipt]\nlogo=%s\n", path);
        write_file(d->merchant, "50-shop.conf", text);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, size, f), size);
        assert_int_equal(fclose(f), 0);
        r = receipt_style_load(d->merchant, d->packaged, NULL, &style);
        assert_non_null(style);
        remove_file(d->merchant, "50-shop.conf");
        return r;
}

/* A logo that would be left out of each receipt is told of by tilld --check, not by the first receipt. */
static void logos(void **state) {
        static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0";
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        char logo[96], name[96], text[128], wide[24];
        struct dirs d;

        dirs_new(&d);
        assert_int_equal(load_logo(&d, png, 24), 1);
        assert_int_equal(load_logo(&d, png, 23), 0);
        assert_int_equal(load_logo(&d, "root:x:0:0:root:/root:/bin/bash\n", 32), 0);
        memcpy(wide, png, sizeof(wide));
        wide[18] = 0x40;
        assert_int_equal(load_logo(&d, wide, sizeof(wide)), 0);

        (void) load_logo(&d, png, 24);
        (void) snprintf(logo, sizeof(logo), "%s/logo", d.packaged);
        (void) snprintf(name, sizeof(name), "%s/name", d.packaged);
        assert_int_equal(symlink(logo, name), 0);
        (void) snprintf(text, sizeof(text), "[Receipt]\nlogo=%s\n", name);
        write_file(d.merchant, "50-shop.conf", text);
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 0);
        style = receipt_style_free(style);
        write_file(d.merchant, "50-shop.conf", "[Receipt]\nlogo=/etc\n");
        assert_int_equal(receipt_style_load(d.merchant, d.packaged, NULL, &style), 0);
        remove_file(d.merchant, "50-shop.conf");
        remove_file(d.packaged, "logo");
        remove_file(d.packaged, "name");
        dirs_done(&d);
}

static char *read_manual(void) {
        _cleanup_fclose_ FILE *f = fopen("Documentation/tilld-receipt.5", "re");
        char *text = calloc(1, 65536);

        assert_non_null(f);
        assert_non_null(text);
        assert_true(fread(text, 1, 65535, f) > 0);
        return text;
}

static void assert_told(const char *manual, const char *name) {
        char as_first[64], as_next[64];

        (void) snprintf(as_first, sizeof(as_first), "Cm %s", name);
        (void) snprintf(as_next, sizeof(as_next), ", %s", name);
        if (!strstr(manual, as_first) && !strstr(manual, as_next))
                fail_msg("tilld-receipt(5) does not tell of %s", name);
}

/* It tells of every paper, block and field, and what it shows as an example is a good file. */
static void manual(void **state) {
        _cleanup_(receipt_style_freep) struct receipt_style *style = NULL;
        _cleanup_free_ char *text = read_manual();
        char *example, *quote;
        struct faults faults;

        for (unsigned i = 0; i < _SLIP_PAPER_MAX; i++)
                assert_told(text, slip_paper_to_string((enum slip_paper) i));
        for (unsigned i = 0; i < _BLOCK_MAX; i++)
                assert_told(text, block_find((enum block_type) i)->name);
        for (unsigned i = 0; i < _FIELD_NAME_MAX; i++)
                assert_told(text, field_name_to_string((enum field_name) i));
        example = strstr(text, ".Bd -literal -offset indent\n");
        assert_non_null(example);
        example = strchr(example, '\n') + 1;
        *strstr(example, ".Ed") = '\0';
        while ((quote = strstr(example, "\\(dq"))) {
                *quote = '"';
                memmove(quote + 1, quote + 4, strlen(quote + 4) + 1);
        }
        if (read_text(example, &faults, &style) < 0)
                fail_msg("%s", faults.text);
        assert_false(style->merchant_copy);
        assert_non_null(strstr(example, "qr align=center \"https"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(packaged), cmocka_unit_test(general_keys), cmocka_unit_test(reasons),
                cmocka_unit_test(required), cmocka_unit_test(own_layout),   cmocka_unit_test(narrow),
                cmocka_unit_test(fallback), cmocka_unit_test(logos),        cmocka_unit_test(manual),
        };

        return cmocka_run_group_tests_name("receipt-style", tests, NULL, NULL);
}
