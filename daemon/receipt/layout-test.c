// SPDX-License-Identifier: LGPL-2.1-or-later
/* The test page: all that the printer can, and how it is taken to be. */

#include "receipt/blocks.h"

static int add_number(struct layout *l, const char *zh, const char *en, unsigned number) {
        char text[16];

        (void) snprintf(text, sizeof(text), "%u", number);
        return layout_pair(l, &(struct phrase){ zh, en }, text, &layout_normal);
}

static int add_word(struct layout *l, const char *zh, const char *en, const struct phrase *word) {
        return layout_pair(l, &(struct phrase){ zh, en }, l->languages.zh ? word->zh : word->en, &layout_normal);
}

/* What the profile says of it: whoever reads the page sees whether that is so. */
int add_printer(struct layout *l) {
        static const struct phrase chinese[_PRINTER_CHINESE_MAX] = {
                [PRINTER_CHINESE_NONE] = { "图形", "DRAWN" },
                [PRINTER_CHINESE_GBK] = { "GBK", "GBK" },
                [PRINTER_CHINESE_GB18030] = { "GB18030", "GB18030" },
        };
        static const struct phrase cutters[_PRINTER_CUTTER_MAX] = {
                [PRINTER_CUTTER_NONE] = { "无", "NONE" },
                [PRINTER_CUTTER_PARTIAL] = { "半切", "PARTIAL" },
                [PRINTER_CUTTER_FULL] = { "全切", "FULL" },
        };
        static const struct phrase codes[] = { { "图形", "DRAWN" }, { "指令", "COMMAND" } };
        const struct printer_profile *profile = l->profile;
        int r;

        r = add_number(l, "点数", "DOTS", profile->dots);
        if (r < 0)
                return r;
        r = add_number(l, "每行字符", "COLUMNS", profile->columns);
        if (r < 0)
                return r;
        r = add_number(l, "小字每行字符", "SMALL COLUMNS", profile->columns_small);
        if (r < 0)
                return r;
        r = add_word(l, "汉字", "CHINESE", chinese + profile->chinese);
        if (r < 0)
                return r;
        r = add_word(l, "切纸", "CUTTER", cutters + profile->cutter);
        if (r < 0)
                return r;
        r = add_word(l, "二维码", "QR", codes + profile->qr);
        return r < 0 ? r : add_word(l, "条码", "BARCODE", codes + profile->barcode);
}

/* "1234567890…": the last one of the line is the last one that fits. */
static int add_scale(struct layout *l, unsigned columns, bool small) {
        char text[256];
        unsigned i;

        for (i = 0; i < columns && i < sizeof(text) - 1; i++)
                text[i] = (char) ('0' + (i + 1) % 10);
        text[i] = '\0';
        return layout_line(l, (struct page_line){ .small = small }, text);
}

int add_ruler(struct layout *l) {
        int r;

        r = layout_rule(l);
        if (r < 0)
                return r;
        r = add_scale(l, l->page->columns, false);
        return r < 0 ? r : add_scale(l, l->page->columns_small, true);
}

int add_sizes(struct layout *l) {
        static const struct {
                struct phrase phrase;
                struct page_line style;
        } sizes[] = {
                { { "正常", "NORMAL" }, { .width = 1, .height = 1 } },
                { { "加粗", "BOLD" }, { .bold = true } },
                { { "加高", "TALL" }, { .width = 1, .height = 2 } },
                { { "加宽", "WIDE" }, { .width = 2, .height = 1 } },
                { { "双倍", "DOUBLE" }, { .width = 2, .height = 2 } },
                { { "反白", "INVERSE" }, { .inverse = true } },
                { { "居中", "CENTERED" }, { .align = PAGE_CENTER } },
                { { "靠右", "RIGHT" }, { .align = PAGE_RIGHT } },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
                r = layout_heading(l, sizes[i].style, sizes[i].phrase.zh, sizes[i].phrase.en);
                if (r < 0)
                        return r;
        }
        return layout_line(l, (struct page_line){ .small = true }, "SMALL 0123456789 abcdefghijklmnopqrstuvwx");
}

/* Chinese whatever the languages are: it is in names of merchants and banks. */
int add_characters(struct layout *l) {
        static const char *const lines[] = {
                "零壹贰叁肆伍陆柒捌玖拾佰仟元角整", "商户存根 持卡人签名 重打印凭证",     "，。：；！？（）《》【】￥",
                "ABCDEFGHIJKLM nopqrstuvwxyz",      "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(lines) && r >= 0; i++)
                r = layout_line(l, layout_normal, lines[i]);
        return r;
}

int add_codes(struct layout *l) {
        int r;

        r = layout_qr(l, PAGE_CENTER, 0, "tilld test page");
        if (r < 0)
                return r;
        r = layout_feed(l, 1);
        return r < 0 ? r : layout_barcode(l, "TILLD-0123");
}
