// SPDX-License-Identifier: LGPL-2.1-or-later
/* A batch: under which numbers, what it came to by kind and in all, and what the acquirer said. */

#include "base/amount.h"
#include "receipt/blocks.h"

int add_batch(struct layout *l) {
        static const enum field_name names[] = { FIELD_BATCH, FIELD_TRACE, FIELD_TIME };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(names) && r >= 0; i++)
                r = layout_field(l, names[i], &layout_normal);
        return r;
}

/* What heads the column in the middle, and how wide it is: a longer text takes what it needs. */
static const struct phrase count_column = { "笔数", "COUNT" };
static const struct phrase voucher_column = { "凭证号", "VOUCHER" };

/* Of the totals, in this order, a rule between them. */
enum part {
        PART_KINDS,
        PART_CARDS, /* domestic and foreign ones */
        PART_SUMS,
        _PART_MAX,
};

static int pad(const char *text, size_t columns) {
        size_t width = page_text_width(text);

        return (int) (columns - MIN(columns, width));
}

/* "消费 SALE" to the left, "   3     390.00" to the right: in columns, as one adds up. */
static int add_columns(struct layout *l, const struct phrase *column, const struct phrase *label, const char *middle,
                       const char *right, const struct page_line *style) {
        size_t middle_width = page_text_width(l->languages.zh ? column->zh : column->en);
        size_t right_width = l->page->columns < 42 ? 10 : 12;
        char value[96];

        (void) snprintf(value, sizeof(value), "%*s%s %*s%s", pad(middle, middle_width), "", middle,
                        pad(right, right_width), "", right);
        return layout_pair(l, label, value, style);
}

static int add_head(struct layout *l, const struct phrase *column) {
        static const struct phrase label = { "交易类型", "TYPE" };
        char unit[32];

        (void) snprintf(unit, sizeof(unit), "%s %s", l->languages.zh ? "金额" : "AMOUNT", slip_currency_name(l->slip));
        return add_columns(l, column, &label, l->languages.zh ? column->zh : column->en, unit, &layout_normal);
}

/* "sale 3 39000": how many or which, in how many minor units. */
struct entry {
        char kind[24], middle[12];
        long long amount;
};

static int read_entry(const char *line, struct entry *ret) {
        int end = 0;

        if (sscanf(line, "%23[a-z-] %11[0-9] %lld%n", ret->kind, ret->middle, &ret->amount, &end) != 3 ||
            line[end] != '\0')
                return -EBADMSG;
        return 0;
}

static int add_entry(struct layout *l, const struct phrase *column, const struct entry *entry,
                     const struct page_line *style) {
        const struct currency *currency = currency_find(l->slip->currency);
        const struct slip_kind *kind = slip_kind_find(entry->kind);
        const struct phrase unknown = { entry->kind, entry->kind };
        char number[AMOUNT_TEXT_MAX];

        if (!currency)
                return -EINVAL;
        return add_columns(l, column, kind ? &kind->phrase : &unknown, entry->middle,
                           amount_format(entry->amount, currency, number), style);
}

static enum part part_of(const char *kind) {
        if (streq(kind, "debit") || streq(kind, "credit"))
                return PART_SUMS;
        return startswith(kind, "domestic-") || startswith(kind, "foreign-") ? PART_CARDS : PART_KINDS;
}

static int add_part(struct layout *l, const char *line, enum part part) {
        struct entry entry;
        int r;

        r = read_entry(line, &entry);
        if (r < 0 || part_of(entry.kind) != part)
                return r;
        return add_entry(l, &count_column, &entry, part == PART_SUMS ? &layout_bold : &layout_normal);
}

static int add_kinds(struct layout *l, const char *line) {
        return add_part(l, line, PART_KINDS);
}

static int add_cards(struct layout *l, const char *line) {
        return add_part(l, line, PART_CARDS);
}

static int add_sums(struct layout *l, const char *line) {
        return add_part(l, line, PART_SUMS);
}

static bool has_part(const char *totals, enum part part) {
        for (const char *line = totals; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                char kind[24];

                if (sscanf(line, "%23[a-z-]", kind) == 1 && part_of(kind) == part)
                        return true;
        }
        return false;
}

int add_totals(struct layout *l) {
        static int (*const adds[_PART_MAX])(struct layout * l, const char *line) = {
                [PART_KINDS] = add_kinds,
                [PART_CARDS] = add_cards,
                [PART_SUMS] = add_sums,
        };
        int r;

        if (isempty(l->slip->totals))
                return 0;
        r = add_head(l, &count_column);
        for (enum part part = 0; part < _PART_MAX && r >= 0; part++) {
                if (part > PART_KINDS && has_part(l->slip->totals, part))
                        r = layout_rule(l);
                if (r >= 0)
                        r = layout_each(l, l->slip->totals, adds[part]);
        }
        return r;
}

static int add_rejected_line(struct layout *l, const char *line) {
        struct entry entry;
        int r;

        r = read_entry(line, &entry);
        return r < 0 ? r : add_entry(l, &voucher_column, &entry, &layout_normal);
}

/* What is missing in the totals, and why: the merchant has to see to it. */
int add_rejected(struct layout *l) {
        int r;

        if (isempty(l->slip->rejected))
                return 0;
        r = layout_rule(l);
        if (r < 0)
                return r;
        r = layout_sentence(l, layout_bold, "收单机构未接受以下离线交易，未计入总计",
                            "THE ACQUIRER DID NOT TAKE THESE OFFLINE TRANSACTIONS; THEY ARE NOT IN THE TOTALS");
        if (r < 0)
                return r;
        r = add_head(l, &voucher_column);
        return r < 0 ? r : layout_each(l, l->slip->rejected, add_rejected_line);
}

/* The acquirer has not compared these totals: who says what they come to, and how that is known. */
static int add_agreement(struct layout *l) {
        int r;

        if (l->slip->reconciliation != SLIP_BY_AGREEMENT)
                return 0;
        r = layout_sentence(l, layout_normal, "收单机构未受理本批结算，已与其协商结束",
                            "THE ACQUIRER REFUSED THIS SETTLEMENT; THE BATCH WAS ENDED BY AGREEMENT WITH IT");
        if (r < 0 || isempty(l->slip->note))
                return r;
        return layout_line(l, layout_bold, l->slip->note);
}

/* The acquirer has no detail of them: the merchant sees to it that they are paid. */
static int add_left_out(struct layout *l) {
        char zh[96], en[96];

        if (l->slip->left_out == 0)
                return 0;
        (void) snprintf(zh, sizeof(zh), "%u 笔明细未上送：终端不知其卡号", l->slip->left_out);
        (void) snprintf(en, sizeof(en), "%u DETAILS NOT SENT: THEIR CARD NUMBERS ARE NOT KNOWN HERE",
                        l->slip->left_out);
        return layout_sentence(l, layout_bold, zh, en);
}

int add_reconciliation(struct layout *l) {
        static const struct phrase words[_SLIP_RECONCILIATION_MAX] = {
                [SLIP_BALANCED] = { "对账平", "BALANCED" },
                [SLIP_UPLOADED] = { "对账不平，明细已上送", "TOTALS DIFFERED, DETAILS SENT" },
                [SLIP_BY_AGREEMENT] = { "协商结束", "ENDED BY AGREEMENT" },
        };
        const struct phrase *word;
        int r;

        if ((unsigned) l->slip->reconciliation >= _SLIP_RECONCILIATION_MAX)
                return -EINVAL;
        word = words + l->slip->reconciliation;
        if (!word->en)
                return 0;
        r = layout_big_both(l, word->zh, word->en);
        if (r < 0)
                return r;
        r = add_left_out(l);
        return r < 0 ? r : add_agreement(l);
}
