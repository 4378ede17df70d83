// SPDX-License-Identifier: LGPL-2.1-or-later
/* Papers of rows: a list of transactions, and what is said in titles and pairs. */

#include <time.h>

#include "base/amount.h"
#include "receipt/blocks.h"
#include "receipt/rows.h"

/* "09/21 22:13": the year is that of the paper. */
static void row_time(const struct layout *l, uint64_t usec, char *text, size_t size) {
        time_t seconds = (time_t) (usec / 1000000) + l->slip->time_offset;
        struct tm tm;

        if (usec == 0 || !gmtime_r(&seconds, &tm) || strftime(text, size, "%m/%d %H:%M", &tm) == 0)
                *text = '\0';
}

/* Under which number, what and how much; below, in the small font, whose card and when. */
static int add_transaction(struct layout *l, const struct slip_row *row) {
        const struct currency *currency = currency_find(l->slip->currency);
        const struct slip_kind *kind = slip_kind_find(row->kind);
        char zh[64], en[64], number[AMOUNT_TEXT_MAX], below[96], when[16];
        const struct phrase label = { zh, en };
        const char *space = kind && l->languages.zh && l->languages.en ? " " : "";
        int r;

        if (!currency)
                return -EINVAL;
        (void) snprintf(zh, sizeof(zh), "%06u %s%s%s", row->voucher, kind ? kind->phrase.zh : row->kind, space,
                        *space ? kind->phrase.en : "");
        (void) snprintf(en, sizeof(en), "%06u %s", row->voucher, kind ? kind->phrase.en : row->kind);
        (void) amount_format(kind && kind->back ? -row->amount : row->amount, currency, number);
        if (page_text_width(zh) + 1 + strlen(number) > l->page->columns)
                (void) snprintf(zh, sizeof(zh), "%06u %s", row->voucher, kind ? kind->phrase.zh : row->kind);
        r = layout_pair(l, l->languages.zh ? &(struct phrase){ zh, zh } : &label, number, &layout_normal);
        if (r < 0)
                return r;
        row_time(l, row->time_usec, when, sizeof(when));
        /* Under the kind; on narrow paper as far as a card number of 19 digits leaves room for. */
        (void) snprintf(below, sizeof(below), "%*s%s %.1s %-6s %s", l->page->columns < 42 ? 2 : 9, "", row->masked_pan,
                        row->entry ? &row->entry : " ", row->authorization_code, when);
        return layout_line(l, (struct page_line){ .small = true }, below);
}

static int add_list_line(struct layout *l, const char *line) {
        _cleanup_free_ char *copy = strdup(line);
        struct slip_row row;
        int r;

        if (!copy)
                return -ENOMEM;
        r = row_transaction(copy, &row);
        return r < 0 ? r : add_transaction(l, &row);
}

/* What the Chinese counts them by. */
static int add_more(struct layout *l, const char *measure) {
        char zh[48], en[48];

        if (l->slip->left_out == 0)
                return 0;
        (void) snprintf(zh, sizeof(zh), "另有 %u %s", l->slip->left_out, measure);
        (void) snprintf(en, sizeof(en), "AND %u MORE", l->slip->left_out);
        return layout_heading(l, layout_bold, zh, en);
}

int add_list(struct layout *l) {
        static const struct phrase label = { "凭证号 类型", "VOUCHER, TYPE" };
        char unit[32];
        int r;

        if (isempty(l->slip->rows))
                return layout_sentence(l, layout_center, "没有交易", "NO TRANSACTIONS");
        (void) snprintf(unit, sizeof(unit), "%s %s", l->languages.zh ? "金额" : "AMOUNT", slip_currency_name(l->slip));
        r = layout_pair(l, &label, unit, &layout_normal);
        if (r >= 0)
                r = layout_each(l, l->slip->rows, add_list_line);
        return r < 0 ? r : add_more(l, "笔");
}

static struct phrase said_phrase(const char *text) {
        const struct phrase *known = slip_said_find(text);

        return known ? *known : (struct phrase){ text, text };
}

static int add_said_title(struct layout *l, const char *title) {
        const struct phrase phrase = said_phrase(title);
        int r;

        r = layout_feed(l, 1);
        return r < 0 ? r : layout_heading(l, layout_bold, phrase.zh, phrase.en);
}

static int add_said(struct layout *l, const char *line) {
        _cleanup_free_ char *copy = strdup(line);
        struct phrase name, value;
        const char *fields[2];
        size_t n;
        int r;

        if (!copy)
                return -ENOMEM;
        r = row_split(copy, fields, ELEMENTSOF(fields), &n);
        if (r < 0)
                return r;
        if (n == 1)
                return add_said_title(l, fields[0]);
        name = said_phrase(fields[0]);
        value = said_phrase(fields[1]);
        return layout_pair(l, &name, l->languages.zh ? value.zh : value.en, &layout_normal);
}

int add_rows(struct layout *l) {
        int r = layout_each(l, strempty(l->slip->rows), add_said);

        return r < 0 ? r : add_more(l, "项");
}
