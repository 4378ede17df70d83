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

/* "消费 SALE" to the left; what it comes to, as "3 / 390.00", to the right. */
static int add_sum(struct layout *l, const char *kind, const char *middle, int64_t amount,
                   const struct page_line *style) {
        const struct currency *currency = currency_find(l->slip->currency);
        const struct slip_kind *known = slip_kind_find(kind);
        const struct phrase unknown = { kind, kind };
        char number[AMOUNT_TEXT_MAX], value[AMOUNT_TEXT_MAX + 32];

        if (!currency)
                return -EINVAL;
        (void) snprintf(value, sizeof(value), "%s / %s", middle, amount_format(amount, currency, number));
        return layout_pair(l, known ? &known->phrase : &unknown, value, style);
}

static int add_line_of(struct layout *l, const char *line, bool totals) {
        char kind[24], middle[12];
        long long amount;
        int end = 0;
        bool sum;

        if (sscanf(line, "%23[a-z-] %11[0-9] %lld%n", kind, middle, &amount, &end) != 3 || line[end] != '\0')
                return -EBADMSG;
        sum = totals && (streq(kind, "debit") || streq(kind, "credit"));
        return add_sum(l, kind, middle, amount, sum ? &layout_bold : &layout_normal);
}

static int add_total(struct layout *l, const char *line) {
        return add_line_of(l, line, true);
}

static int add_rejected_line(struct layout *l, const char *line) {
        return add_line_of(l, line, false);
}

int add_totals(struct layout *l) {
        static const struct phrase label = { "交易类型", "TYPE" };
        const char *unit = l->languages.zh ? "笔数 / 金额" : "COUNT / AMOUNT";
        char text[48];
        int r;

        if (isempty(l->slip->totals))
                return 0;
        (void) snprintf(text, sizeof(text), "%s %s", unit, slip_currency_name(l->slip));
        r = layout_pair(l, &label, text, &layout_normal);
        return r < 0 ? r : layout_each(l, l->slip->totals, add_total);
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
        r = layout_heading(l, layout_normal, "类型 凭证号 / 金额", "TYPE, VOUCHER / AMOUNT");
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
