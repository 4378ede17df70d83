// SPDX-License-Identifier: LGPL-2.1-or-later
/* From what a slip says to the lines of a page. Wording and order follow UnionPay POS slips. */

#include <time.h>

#include "base/amount.h"
#include "receipt/slip.h"
#include "receipt/unicode.h"

/* A label or phrase in both languages; narrow is for a line that is too short for zh and en. */
struct phrase {
        const char *zh, *en, *narrow;
};

static const struct phrase phrase_merchant = { "商户编号", "MERCHANT NO.", "商户编号" };
static const struct phrase phrase_terminal = { "终端编号", "TERMINAL NO.", "终端编号" };
static const struct phrase phrase_operator = { "操作员号", "OPERATOR NO.", "操作员号" };
static const struct phrase phrase_approver = { "授权人", "APPROVED BY", "授权人" };
static const struct phrase phrase_issuer = { "发卡行", "ISSUER", "发卡行" };
static const struct phrase phrase_acquirer = { "收单行", "ACQUIRER", "收单行" };
static const struct phrase phrase_card = { "卡号", "CARD NO.", "卡号" };
static const struct phrase phrase_kind = { "交易类型", "TYPE", "交易类型" };
static const struct phrase phrase_batch = { "批次号", "BATCH NO.", "批次号" };
static const struct phrase phrase_voucher = { "凭证号", "VOUCHER NO.", "凭证号" };
static const struct phrase phrase_original = { "原凭证号", "ORIGINAL VOUCHER", "原凭证号" };
static const struct phrase phrase_approval = { "授权码", "AUTH NO.", "授权码" };
static const struct phrase phrase_rrn = { "参考号", "REFER NO.", "参考号" };
static const struct phrase phrase_time = { "日期时间", "DATE/TIME", "日期时间" };
static const struct phrase phrase_reference = { "商户参考号", "MERCHANT REF.", "商户参考" };
static const struct phrase phrase_amount = { "金额", "AMOUNT", "金额" };
static const struct phrase phrase_response = { "应答码", "RESPONSE", "应答码" };

struct layout {
        const struct slip *slip;
        const struct printer_profile *profile;
        struct page *page;
        bool chinese;
};

static const struct page_line normal = { .type = PAGE_TEXT };

/* Without a Chinese font, what it would be needed for is left out, with the blanks around. */
static char *printable(const struct layout *l, const char *text) {
        _cleanup_free_ char *clean = page_text_clean(text);
        const char *p = clean;
        char *q = clean;
        uint32_t c;

        if (!clean || l->chinese)
                return TAKE_PTR(clean);
        while ((c = unicode_next(&p)) != 0)
                if (unicode_width(c) == 1 && (c != ' ' || q > clean))
                        q += unicode_put(c, q);
        while (q > clean && q[-1] == ' ')
                q--;
        *q = '\0';
        return TAKE_PTR(clean);
}

static int add_line(struct layout *l, struct page_line style, const char *text) {
        _cleanup_free_ char *shown = printable(l, text);

        if (!shown)
                return -ENOMEM;
        if (*text && !*shown)
                return 0;
        style.type = PAGE_TEXT;
        style.text = shown;
        return page_add(l->page, &style);
}

static int add_rule(struct layout *l) {
        return page_add(l->page, &(struct page_line){ .type = PAGE_RULE });
}

static int add_feed(struct layout *l, unsigned lines) {
        return page_add(l->page, &(struct page_line){ .type = PAGE_FEED, .height = (uint8_t) lines });
}

/* Both languages: on a line each where the text is a sentence. */
static int add_sentence(struct layout *l, struct page_line style, const char *zh, const char *en) {
        int r;

        if (l->chinese) {
                r = add_line(l, style, zh);
                if (r < 0)
                        return r;
        }
        return add_line(l, style, en);
}

/* "zh en" on one line where it fits, else on two; English alone without a Chinese font. */
static int add_heading(struct layout *l, struct page_line style, const char *zh, const char *en) {
        unsigned columns = l->page->columns / (style.width > 1 ? 2 : 1);
        char text[160];

        if (!l->chinese)
                return add_line(l, style, en);
        (void) snprintf(text, sizeof(text), "%s %s", zh, en);
        if (page_text_width(text) > columns)
                return add_sentence(l, style, zh, en);
        return add_line(l, style, text);
}

static int add_field(struct layout *l, const struct phrase *label, const char *value, const struct page_line *style) {
        _cleanup_free_ char *shown = printable(l, value);
        char text[64];

        if (!shown)
                return -ENOMEM;
        if (!*shown)
                return 0;
        if (!l->chinese)
                return page_add_pair(l->page, label->en, shown, style);
        (void) snprintf(text, sizeof(text), "%s %s", label->zh, label->en);
        if (page_text_width(text) + 1 + page_text_width(shown) > l->page->columns)
                return page_add_pair(l->page, label->narrow, shown, style);
        return page_add_pair(l->page, text, shown, style);
}

static int add_number(struct layout *l, const struct phrase *label, uint32_t number) {
        char text[16];

        if (number == 0)
                return 0;
        (void) snprintf(text, sizeof(text), "%06u", number);
        return add_field(l, label, text, &normal);
}

/* As large as it fits, centered. */
static int add_big(struct layout *l, const char *text) {
        struct page_line style = { .align = PAGE_CENTER, .width = 2, .height = 2, .bold = true };

        if (page_text_width(text) * 2 > l->page->columns)
                style.width = style.height = 1;
        return add_line(l, style, text);
}

/* Both languages: on one line where that fits in double size, else each as large as it fits. */
static int add_big_both(struct layout *l, const char *zh, const char *en) {
        char text[128];
        int r;

        if (!l->chinese)
                return add_big(l, en);
        (void) snprintf(text, sizeof(text), "%s/%s", zh, en);
        if (page_text_width(text) * 2 <= l->page->columns)
                return add_big(l, text);
        r = add_big(l, zh);
        return r < 0 ? r : add_big(l, en);
}

/* A bar of white on black, as wide as the paper. */
static int add_bar(struct layout *l, const char *zh, const char *en) {
        const struct page_line style = { .width = 2, .height = 2, .bold = true, .inverse = true };
        int columns = (int) l->page->columns / 2, width;
        _cleanup_free_ char *text = NULL, *bar = NULL;
        struct page_line line = style;

        if (asprintf(&text, "%s%s%s", l->chinese ? zh : "", l->chinese ? " " : "", en) < 0)
                return -ENOMEM;
        width = (int) page_text_width(text);
        if (width > columns)
                return add_line(l, style, text);
        if (asprintf(&bar, "%*s%s%*s", (columns - width) / 2, "", text, (columns - width + 1) / 2, "") < 0)
                return -ENOMEM;
        line.text = bar;
        return page_add(l->page, &line);
}

static int add_mode(struct layout *l) {
        switch (l->slip->mode) {
        case SLIP_TEST:
                return add_bar(l, "测试", "TEST");
        case SLIP_TRAINING:
                return add_bar(l, "训练", "TRAINING");
        default:
                return 0;
        }
}

/* A paper of a transaction that was approved. */
static bool is_sale(const struct slip *slip) {
        return slip->paper == SLIP_MERCHANT_COPY || slip->paper == SLIP_CARDHOLDER_COPY;
}

static int add_head(struct layout *l) {
        static const struct {
                const char *zh, *en;
        } titles[] = {
                [SLIP_MERCHANT_COPY] = { "银联POS签购单", "POS SALES SLIP" },
                [SLIP_CARDHOLDER_COPY] = { "银联POS签购单", "POS SALES SLIP" },
                [SLIP_DECLINED] = { "交易失败", "DECLINED" },
                [SLIP_NOT_COMPLETED] = { "交易未完成", "NOT COMPLETED" },
                [SLIP_SETTLEMENT] = { "结算总计单", "SETTLEMENT" },
        };
        const char *zh = titles[l->slip->paper].zh, *en = titles[l->slip->paper].en;
        const struct page_line center = { .align = PAGE_CENTER }, copy = { .align = PAGE_CENTER, .bold = true };
        int r;

        r = add_mode(l);
        if (r < 0)
                return r;
        if (l->slip->mode != SLIP_LIVE) {
                r = add_feed(l, 1);
                if (r < 0)
                        return r;
        }
        r = add_big(l, l->chinese ? zh : en);
        if (r < 0)
                return r;
        if (l->chinese) {
                r = is_sale(l->slip) ? add_line(l, center, en) : add_big(l, en);
                if (r < 0)
                        return r;
        }
        if (is_sale(l->slip)) {
                r = l->slip->paper == SLIP_MERCHANT_COPY ? add_heading(l, copy, "商户存根", "MERCHANT COPY")
                                                         : add_heading(l, copy, "持卡人存根", "CARDHOLDER COPY");
                if (r < 0)
                        return r;
        }
        if (l->slip->duplicate) {
                r = add_feed(l, 1);
                if (r < 0)
                        return r;
                r = add_big_both(l, "重打印凭证", "DUPLICATED");
                if (r < 0)
                        return r;
        }
        return add_feed(l, 1);
}

static int add_name(struct layout *l) {
        _cleanup_free_ char *name = printable(l, l->slip->merchant_name);
        int r;

        if (!name)
                return -ENOMEM;
        if (!*name)
                return 0;
        r = add_heading(l, normal, "商户名称", "MERCHANT NAME");
        return r < 0 ? r : add_line(l, (struct page_line){ .bold = true }, name);
}

static int add_merchant(struct layout *l) {
        int r;

        r = add_name(l);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_merchant, l->slip->merchant, &normal);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_terminal, l->slip->terminal, &normal);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_operator, l->slip->operator_id, &normal);
        if (r < 0)
                return r;
        if (l->slip->paper != SLIP_CARDHOLDER_COPY) {
                r = add_field(l, &phrase_approver, l->slip->approver, &normal);
                if (r < 0)
                        return r;
        }
        return add_rule(l);
}

static const struct kind {
        const char *name;
        struct phrase phrase;
        bool back; /* the money goes to the cardholder, or stays there */
} kinds[] = {
        { "sale", { "消费", "SALE", NULL } },
        { "void", { "消费撤销", "VOID", NULL }, true },
        { "refund", { "退货", "REFUND", NULL }, true },
        { "pre-authorization", { "预授权", "PRE-AUTH", NULL } },
        { "pre-authorization-void", { "预授权撤销", "PRE-AUTH VOID", NULL }, true },
        { "completion", { "预授权完成", "COMPLETION", NULL } },
        { "completion-void", { "预授权完成撤销", "COMPLETION VOID", NULL }, true },
        { "balance", { "余额查询", "BALANCE", NULL } },
        { "offline-sale", { "离线消费", "OFFLINE SALE", NULL } },
        { "tip", { "小费调整", "TIP ADJUST", NULL } },
        { "debit", { "借记合计", "DEBITS", NULL } },
        { "credit", { "贷记合计", "CREDITS", NULL } },
};

static const struct kind *find_kind(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].name, name))
                        return kinds + i;
        return NULL;
}

static bool goes_back(const struct slip *slip) {
        const struct kind *kind = find_kind(slip->kind);

        return kind && kind->back;
}

static int add_kind(struct layout *l) {
        const struct kind *kind = find_kind(l->slip->kind);
        const struct page_line bold = { .bold = true };
        char text[64];

        if (!kind)
                return add_field(l, &phrase_kind, l->slip->kind, &bold);
        if (!l->chinese)
                return add_field(l, &phrase_kind, kind->phrase.en, &bold);
        (void) snprintf(text, sizeof(text), "%s/%s", kind->phrase.zh, kind->phrase.en);
        return add_field(l, &phrase_kind, text, &bold);
}

static int add_card(struct layout *l) {
        const struct slip *s = l->slip;
        char text[32];
        int r;

        r = add_field(l, &phrase_issuer, s->issuer, &normal);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_acquirer, s->acquirer, &normal);
        if (r < 0 || isempty(s->masked_pan))
                return r;
        (void) snprintf(text, sizeof(text), s->entry ? "%s %c" : "%s", s->masked_pan, s->entry);
        return add_field(l, &phrase_card, text, &(struct page_line){ .bold = true });
}

static int add_time(struct layout *l) {
        time_t seconds = (time_t) (l->slip->time_usec / 1000000) + l->slip->time_offset;
        char text[64];
        struct tm tm;

        if (l->slip->time_usec == 0 || !gmtime_r(&seconds, &tm) ||
            strftime(text, sizeof(text), "%Y/%m/%d %H:%M:%S", &tm) == 0)
                return 0;
        return add_field(l, &phrase_time, text, &normal);
}

static int add_numbers(struct layout *l) {
        const struct slip *s = l->slip;
        int r;

        r = add_number(l, &phrase_batch, s->batch);
        if (r < 0)
                return r;
        r = add_number(l, &phrase_voucher, s->voucher);
        if (r < 0)
                return r;
        r = add_number(l, &phrase_original, s->original_voucher);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_approval, s->authorization_code, &normal);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_rrn, s->rrn, &normal);
        if (r < 0)
                return r;
        r = add_time(l);
        if (r < 0)
                return r;
        return add_field(l, &phrase_reference, s->reference, &normal);
}

/* UnionPay slips say RMB. */
static const char *currency_name(const struct slip *slip) {
        return streq(slip->currency, "CNY") ? "RMB" : slip->currency;
}

/* As large as it fits: a label of normal size, and the sum to the right of it or below. */
static int add_amount(struct layout *l) {
        const struct currency *currency = currency_find(l->slip->currency);
        char number[AMOUNT_TEXT_MAX], text[AMOUNT_TEXT_MAX + 8];
        struct page_line style = { .align = PAGE_RIGHT, .width = 2, .height = 2, .bold = true };
        int r;

        if (!currency)
                return -EINVAL;
        (void) snprintf(text, sizeof(text), "%s %s", currency_name(l->slip),
                        amount_format(goes_back(l->slip) ? -l->slip->amount : l->slip->amount, currency, number));
        r = add_rule(l);
        if (r < 0)
                return r;
        r = add_heading(l, (struct page_line){ .bold = true }, phrase_amount.zh, phrase_amount.en);
        if (r < 0)
                return r;
        if (page_text_width(text) * 2 > l->page->columns)
                style.width = 1;
        r = add_line(l, style, text);
        if (r < 0)
                return r;
        return add_rule(l);
}

/* --- 备注/REFERENCE --- */

struct note {
        const char *name, *value;
};

static bool is_ascii(const char *text) {
        for (; *text; text++)
                if (*text < ' ' || *text > '~')
                        return false;
        return true;
}

/* Two to a line in the small font, aligned; a long one has a line of its own. */
static int add_notes(struct layout *l) {
        const struct slip *s = l->slip;
        const struct page_line small = { .small = true };
        char psn[8] = "", row[256] = "", text[128];
        const struct note notes[] = {
                { s->cryptogram_kind, s->cryptogram },
                { "TVR", s->tvr },
                { "AID", s->aid },
                { "TSI", s->tsi },
                { "CSN", psn },
                { "ATC", s->atc },
                { "AIP", s->aip },
                { "TERM CAP", s->terminal_capabilities },
                { "APP LABEL", s->label },
                { "APP NAME", s->preferred_name },
                { "IAD", s->iad },
        };
        size_t half = l->page->columns_small / 2;
        bool any = false;
        int r;

        if (s->psn >= 0)
                (void) snprintf(psn, sizeof(psn), "%03d", s->psn % 1000);
        for (size_t i = 0; i < ELEMENTSOF(notes); i++)
                any = any || !isempty(notes[i].value);
        if (!any)
                return 0;
        r = add_heading(l, normal, "备注", "REFERENCE");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(notes); i++) {
                _cleanup_free_ char *value = printable(l, strempty(notes[i].value));
                bool fits;

                if (!value)
                        return -ENOMEM;
                if (!*value)
                        continue;
                (void) snprintf(text, sizeof(text), "%s:%s", notes[i].name, value);
                fits = is_ascii(text) && strlen(text) < half;
                if (fits && !*row) {
                        (void) snprintf(row, sizeof(row), "%s", text);
                        continue;
                }
                if (fits) {
                        size_t used = strlen(row);

                        (void) snprintf(row + used, sizeof(row) - used, "%*s%s", (int) (half - used), "", text);
                }
                if (*row)
                        r = add_line(l, small, row);
                row[0] = '\0';
                if (!fits && r >= 0)
                        /* The small font has nothing but ASCII. */
                        r = add_line(l, is_ascii(text) ? small : normal, text);
        }
        return r >= 0 && *row ? add_line(l, small, row) : r;
}

/* --- below --- */

static int add_verification(struct layout *l) {
        const struct page_line center = { .align = PAGE_CENTER };
        int r;

        switch (l->slip->verification) {
        case SLIP_VERIFICATION_NONE:
                r = add_feed(l, 1);
                if (r < 0)
                        return r;
                return add_sentence(l, center, "免密免签，无需签名", "NO PIN, NO SIGNATURE REQUIRED");
        case SLIP_VERIFICATION_PIN:
                r = add_feed(l, 1);
                if (r < 0)
                        return r;
                return add_sentence(l, center, "密码已验证，无需签名", "PIN VERIFIED, NO SIGNATURE REQUIRED");
        case SLIP_VERIFICATION_SIGNATURE:
                break;
        default:
                return -EINVAL;
        }
        if (l->slip->paper != SLIP_MERCHANT_COPY)
                return 0;
        r = add_rule(l);
        if (r < 0)
                return r;
        r = add_heading(l, normal, "持卡人签名", "CARDHOLDER SIGNATURE");
        if (r < 0)
                return r;
        r = add_feed(l, 3);
        if (r < 0)
                return r;
        r = add_rule(l);
        if (r < 0)
                return r;
        return add_sentence(l, normal, "本人确认以上交易，同意将其记入本卡账户",
                            goes_back(l->slip)
                                    ? "I CONFIRM THE ABOVE AND AGREE THAT IT IS CREDITED TO MY CARD ACCOUNT"
                                    : "I CONFIRM THE ABOVE AND AGREE THAT IT IS CHARGED TO MY CARD ACCOUNT");
}

static int add_code(struct layout *l) {
        int r;

        if (isempty(l->slip->reference) || !l->profile->qr)
                return 0;
        r = add_feed(l, 1);
        if (r < 0)
                return r;
        return page_add(l->page, &(struct page_line){ .type = PAGE_QR,
                                                      .align = PAGE_CENTER,
                                                      .width = l->profile->dots < 500 ? 4 : 5,
                                                      .text = (char *) l->slip->reference });
}

static int add_footer(struct layout *l) {
        _cleanup_free_ char *copy = strdup(l->slip->footer);
        char *line, *rest = copy;
        int r;

        if (!copy)
                return -ENOMEM;
        if (*copy) {
                r = add_feed(l, 1);
                if (r < 0)
                        return r;
        }
        while (*copy && (line = strsep(&rest, "\n"))) {
                r = add_line(l, (struct page_line){ .align = PAGE_CENTER }, line);
                if (r < 0)
                        return r;
        }
        r = add_feed(l, 1);
        if (r < 0)
                return r;
        r = add_mode(l);
        if (r < 0)
                return r;
        return page_add(l->page, &(struct page_line){ .type = PAGE_CUT });
}

/* Which payment it is: the card, what was done, under which numbers, for how much. */
static int add_payment(struct layout *l) {
        int r;

        r = add_card(l);
        if (r < 0)
                return r;
        r = add_kind(l);
        if (r < 0)
                return r;
        r = add_numbers(l);
        if (r < 0)
                return r;
        return add_amount(l);
}

static int layout_sale(struct layout *l) {
        int r;

        r = add_payment(l);
        if (r < 0)
                return r;
        r = add_notes(l);
        if (r < 0)
                return r;
        r = add_verification(l);
        if (r < 0)
                return r;
        return add_code(l);
}

struct advice {
        const char *zh, *en;
        const char *then_zh, *then_en;
};

static const struct advice advices[_SLIP_ADVICE_MAX] = {
        [SLIP_ADVICE_PAY_AGAIN] = { "本次未扣款", "NOTHING WAS CHARGED", "可以重新支付。", "You may pay again." },
        [SLIP_ADVICE_REVERSAL_PENDING] = { "本次交易正在冲正", "THIS PAYMENT IS BEING REVERSED",
                                           "如已扣款，将自动退回原卡。可以重新支付。",
                                           "Should it have been charged, the money goes back to the card by itself. "
                                           "You may pay again." },
        [SLIP_ADVICE_REVERSAL_DONE] = { "本次交易已冲正", "THIS PAYMENT WAS REVERSED",
                                        "款项不会从卡中扣除。可以重新支付。",
                                        "The card is not charged. You may pay again." },
        [SLIP_ADVICE_UNCONFIRMED] = { "交易结果未知", "RESULT NOT YET KNOWN",
                                      "请勿重复支付。请等待商户向收单机构查询结果。",
                                      "Do not pay again before the merchant has asked the acquirer." },
};

/* Of what would have given money back: nobody pays again for it. */
static const struct advice advices_back[_SLIP_ADVICE_MAX] = {
        [SLIP_ADVICE_PAY_AGAIN] = { "本次未退款", "NOTHING WAS GIVEN BACK", "原交易仍然有效。可以重新办理。",
                                    "The original transaction stands. This may be tried again." },
        [SLIP_ADVICE_REVERSAL_PENDING] = { "本次交易正在冲正", "THIS IS BEING REVERSED",
                                           "原交易仍然有效。可以重新办理。",
                                           "The original transaction stands. This may be tried again." },
        [SLIP_ADVICE_REVERSAL_DONE] = { "本次交易已冲正", "THIS WAS REVERSED", "原交易仍然有效。可以重新办理。",
                                        "The original transaction stands. This may be tried again." },
        [SLIP_ADVICE_UNCONFIRMED] = { "交易结果未知", "RESULT NOT YET KNOWN",
                                      "请勿重复退货。请等待商户向收单机构查询结果。",
                                      "Do not refund again before the merchant has asked the acquirer." },
};

static int add_advice(struct layout *l) {
        const struct page_line center = { .align = PAGE_CENTER };
        const struct advice *advice;
        int r;

        if (l->slip->advice == SLIP_ADVICE_NONE)
                return 0;
        if ((unsigned) l->slip->advice >= _SLIP_ADVICE_MAX)
                return -EINVAL;
        advice = goes_back(l->slip) ? advices_back + l->slip->advice : advices + l->slip->advice;
        r = add_feed(l, 1);
        if (r < 0)
                return r;
        if (l->chinese) {
                r = add_big(l, advice->zh);
                if (r < 0)
                        return r;
        }
        r = add_big(l, advice->en);
        if (r < 0)
                return r;
        return add_sentence(l, center, advice->then_zh, advice->then_en);
}

/* Declined and not completed: what happened, and whether to pay again. */
static int layout_refusal(struct layout *l) {
        int r;

        r = add_payment(l);
        if (r < 0)
                return r;
        r = add_field(l, &phrase_response, l->slip->response_code, &normal);
        if (r < 0)
                return r;
        if (!isempty(l->slip->message)) {
                r = add_line(l, (struct page_line){ .bold = true }, l->slip->message);
                if (r < 0)
                        return r;
        }
        r = add_advice(l);
        if (r < 0)
                return r;
        if (l->slip->paper != SLIP_DECLINED)
                return 0;
        r = add_rule(l);
        if (r < 0)
                return r;
        return add_notes(l);
}

/* --- settlement --- */

static const struct phrase phrase_stan = { "流水号", "TRACE NO.", "流水号" };
static const struct phrase phrase_total = { "交易类型", "TYPE", "交易类型" };

/* Calls add for each line of a text. */
static int each_line(struct layout *l, const char *text, int (*add)(struct layout *l, const char *line)) {
        _cleanup_free_ char *copy = strdup(text);
        char *line, *rest = copy;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        while (r >= 0 && (line = strsep(&rest, "\n")))
                r = *line ? add(l, line) : 0;
        return r;
}

/* "消费 SALE" to the left; what it comes to, as "3 / 390.00", to the right. */
static int add_sum(struct layout *l, const char *kind, const char *middle, int64_t amount,
                   const struct page_line *style) {
        const struct kind *known = find_kind(kind);
        const struct currency *currency = currency_find(l->slip->currency);
        struct phrase label = { kind, kind, kind };
        char number[AMOUNT_TEXT_MAX], value[AMOUNT_TEXT_MAX + 32];

        if (!currency)
                return -EINVAL;
        if (known)
                label = (struct phrase){ known->phrase.zh, known->phrase.en, known->phrase.zh };
        (void) snprintf(value, sizeof(value), "%s / %s", middle, amount_format(amount, currency, number));
        return add_field(l, &label, value, style);
}

static int add_line_of(struct layout *l, const char *line, bool totals) {
        char kind[24], middle[12];
        long long amount;
        int end = 0;
        bool sum;

        if (sscanf(line, "%23[a-z-] %11[0-9] %lld%n", kind, middle, &amount, &end) != 3 || line[end] != '\0')
                return -EBADMSG;
        sum = totals && (streq(kind, "debit") || streq(kind, "credit"));
        return add_sum(l, kind, middle, amount, &(struct page_line){ .bold = sum });
}

static int add_total(struct layout *l, const char *line) {
        return add_line_of(l, line, true);
}

static int add_rejected(struct layout *l, const char *line) {
        return add_line_of(l, line, false);
}

/* The acquirer has not compared these totals: who says what they come to, and how that is known. */
static int add_agreement(struct layout *l) {
        int r;

        if (l->slip->reconciliation != SLIP_BY_AGREEMENT)
                return 0;
        r = add_sentence(l, normal, "收单机构未受理本批结算，已与其协商结束",
                         "THE ACQUIRER REFUSED THIS SETTLEMENT; THE BATCH WAS ENDED BY AGREEMENT WITH IT");
        if (r < 0 || isempty(l->slip->note))
                return r;
        return add_line(l, (struct page_line){ .bold = true }, l->slip->note);
}

/* The acquirer has no detail of them: the merchant sees to it that they are paid. */
static int add_left_out(struct layout *l) {
        char zh[96], en[96];

        if (l->slip->left_out == 0)
                return 0;
        (void) snprintf(zh, sizeof(zh), "%u 笔明细未上送：终端不知其卡号", l->slip->left_out);
        (void) snprintf(en, sizeof(en), "%u DETAILS NOT SENT: THEIR CARD NUMBERS ARE NOT KNOWN HERE",
                        l->slip->left_out);
        return add_sentence(l, (struct page_line){ .bold = true }, zh, en);
}

static int add_reconciliation(struct layout *l) {
        static const struct {
                const char *zh, *en;
        } words[_SLIP_RECONCILIATION_MAX] = {
                [SLIP_BALANCED] = { "对账平", "BALANCED" },
                [SLIP_UPLOADED] = { "对账不平，明细已上送", "TOTALS DIFFERED, DETAILS SENT" },
                [SLIP_BY_AGREEMENT] = { "协商结束", "ENDED BY AGREEMENT" },
        };
        const char *en;
        int r;

        if ((unsigned) l->slip->reconciliation >= _SLIP_RECONCILIATION_MAX)
                return -EINVAL;
        en = words[l->slip->reconciliation].en;
        if (!en)
                return 0;
        r = add_big_both(l, words[l->slip->reconciliation].zh, en);
        if (r < 0)
                return r;
        r = add_left_out(l);
        return r < 0 ? r : add_agreement(l);
}

/* What is missing in the totals, and why: the merchant has to see to it. */
static int add_all_rejected(struct layout *l) {
        int r;

        if (isempty(l->slip->rejected))
                return 0;
        r = add_rule(l);
        if (r < 0)
                return r;
        r = add_sentence(l, (struct page_line){ .bold = true }, "收单机构未接受以下离线交易，未计入总计",
                         "THE ACQUIRER DID NOT TAKE THESE OFFLINE TRANSACTIONS; THEY ARE NOT IN THE TOTALS");
        if (r < 0)
                return r;
        r = add_heading(l, normal, "类型 凭证号 / 金额", "TYPE, VOUCHER / AMOUNT");
        return r < 0 ? r : each_line(l, l->slip->rejected, add_rejected);
}

/* A batch: under which numbers, what it came to by kind and in all, and what the acquirer said. */
static int layout_settlement(struct layout *l) {
        char unit[32];
        int r;

        r = add_number(l, &phrase_batch, l->slip->batch);
        if (r < 0)
                return r;
        r = add_number(l, &phrase_stan, l->slip->stan);
        if (r < 0)
                return r;
        r = add_time(l);
        if (r < 0)
                return r;
        r = add_rule(l);
        if (r < 0)
                return r;
        (void) snprintf(unit, sizeof(unit), "%s %s", l->chinese ? "笔数 / 金额" : "COUNT / AMOUNT",
                        currency_name(l->slip));
        r = add_field(l, &phrase_total, unit, &normal);
        if (r < 0)
                return r;
        r = each_line(l, l->slip->totals, add_total);
        if (r < 0)
                return r;
        r = add_all_rejected(l);
        if (r < 0)
                return r;
        r = add_rule(l);
        return r < 0 ? r : add_reconciliation(l);
}

static int layout_paper(struct layout *l) {
        if (l->slip->paper == SLIP_SETTLEMENT)
                return layout_settlement(l);
        return is_sale(l->slip) ? layout_sale(l) : layout_refusal(l);
}

int slip_layout(const struct slip *slip, const struct printer_profile *profile, struct page **ret) {
        _cleanup_(page_freep) struct page *page = NULL;
        struct layout l = { .slip = slip, .profile = profile, .chinese = profile->chinese != PRINTER_CHINESE_NONE };
        int r;

        if ((unsigned) slip->paper >= _SLIP_PAPER_MAX)
                return -EINVAL;
        r = page_new(profile->columns, profile->columns_small, &page);
        if (r < 0)
                return r;
        l.page = page;
        r = add_head(&l);
        if (r < 0)
                return r;
        r = add_merchant(&l);
        if (r < 0)
                return r;
        r = layout_paper(&l);
        if (r < 0)
                return r;
        r = add_footer(&l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(page);
        return 0;
}
