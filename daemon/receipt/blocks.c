// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/blocks.h"

#include "receipt/template.h"

/* --- what every paper has --- */

static int add_mode(struct layout *l) {
        static const struct phrase words[_SLIP_MODE_MAX] = {
                [SLIP_TEST] = { "测试", "TEST" },
                [SLIP_TRAINING] = { "训练", "TRAINING" },
        };
        bool first = l->page->n_lines == 0;
        int r;

        if ((unsigned) l->slip->mode >= _SLIP_MODE_MAX)
                return -EINVAL;
        if (!words[l->slip->mode].en)
                return 0;
        if (!first) {
                r = layout_feed(l, 1);
                if (r < 0)
                        return r;
        }
        r = layout_bar(l, words[l->slip->mode].zh, words[l->slip->mode].en);
        return r < 0 || !first ? r : layout_feed(l, 1);
}

static int add_logo(struct layout *l) {
        int r;

        if (isempty(l->style->logo))
                return 0;
        r = page_add(l->page, &(struct page_line){ .type = PAGE_LOGO, .align = PAGE_CENTER });
        return r < 0 ? r : layout_feed(l, 1);
}

static int add_filled(struct layout *l, const char *line) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = template_fill(line, l->slip, l->languages, &text);
        return r <= 0 ? r : layout_line(l, layout_center, text);
}

static int add_header(struct layout *l) {
        int r;

        if (isempty(l->style->header))
                return 0;
        r = layout_each(l, l->style->header, add_filled);
        return r < 0 ? r : layout_feed(l, 1);
}

static int add_footer(struct layout *l) {
        int r;

        if (isempty(l->style->footer))
                return 0;
        r = layout_feed(l, 1);
        return r < 0 ? r : layout_each(l, l->style->footer, add_filled);
}

static bool is_copy(const struct layout *l) {
        return l->slip->paper == SLIP_MERCHANT_COPY || l->slip->paper == SLIP_CARDHOLDER_COPY;
}

static int add_title(struct layout *l) {
        const struct phrase *title = slip_title(l->slip->paper);
        int r;

        if (!l->languages.zh || !l->languages.en)
                return layout_big(l, false, l->languages.zh ? title->zh : title->en);
        r = layout_big(l, false, title->zh);
        if (r < 0)
                return r;
        return is_copy(l) ? layout_line(l, layout_center, title->en) : layout_big(l, false, title->en);
}

static int add_copy(struct layout *l) {
        const struct page_line style = { .align = PAGE_CENTER, .bold = true };

        if (l->slip->paper == SLIP_MERCHANT_COPY)
                return layout_heading(l, style, "商户存根", "MERCHANT COPY");
        return layout_heading(l, style, "持卡人存根", "CARDHOLDER COPY");
}

static int add_duplicate(struct layout *l) {
        char zh[48], en[32];
        int r;

        if (!l->slip->duplicate)
                return 0;
        r = layout_feed(l, 1);
        if (r < 0)
                return r;
        r = layout_big_both(l, "重打印凭证", "DUPLICATED");
        if (r < 0 || l->slip->reprint == 0)
                return r;
        (void) snprintf(zh, sizeof(zh), "第 %u 次重打印", l->slip->reprint);
        (void) snprintf(en, sizeof(en), "REPRINT NO. %u", l->slip->reprint);
        return layout_heading(l, layout_center, zh, en);
}

/* --- fields in the order of a UnionPay slip --- */

static int add_fields(struct layout *l, const enum field_name *names, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = layout_field(l, names[i], &layout_normal);
        return r;
}

static int add_merchant(struct layout *l) {
        static const enum field_name names[] = { FIELD_MERCHANT_NUMBER, FIELD_TERMINAL, FIELD_OPERATOR,
                                                 FIELD_APPROVER };
        const struct phrase *label = field_label(FIELD_MERCHANT_NAME);
        _cleanup_free_ char *name = NULL;
        int r;

        r = layout_printable(l, l->slip->merchant_name, &name);
        if (r < 0)
                return r;
        if (*name) {
                r = layout_heading(l, layout_normal, label->zh, label->en);
                if (r < 0)
                        return r;
                r = layout_line(l, layout_bold, name);
                if (r < 0)
                        return r;
        }
        return add_fields(l, names, ELEMENTSOF(names));
}

static int add_card(struct layout *l) {
        static const enum field_name names[] = { FIELD_ISSUER, FIELD_ACQUIRER };
        int r;

        r = add_fields(l, names, ELEMENTSOF(names));
        return r < 0 ? r : layout_field(l, FIELD_CARD, &layout_bold);
}

static int add_kind(struct layout *l) {
        const struct slip_kind *kind = slip_kind_find(l->slip->kind);
        const struct phrase *label = field_label(FIELD_KIND);
        int r;

        if (!slip_goes_back(l->slip))
                return layout_field(l, FIELD_KIND, &layout_bold);
        /* Nobody takes it for a sale. */
        r = layout_heading(l, layout_bold, label->zh, label->en);
        return r < 0 ? r : layout_big_both(l, kind->phrase.zh, kind->phrase.en);
}

static int add_numbers(struct layout *l) {
        static const enum field_name names[] = {
                FIELD_BATCH, FIELD_VOUCHER, FIELD_ORIGINAL_VOUCHER, FIELD_AUTHORIZATION_CODE,
                FIELD_RRN,   FIELD_TIME,    FIELD_REFERENCE
        };

        return add_fields(l, names, ELEMENTSOF(names));
}

/* As large as it fits: a label of normal size, and the sum to the right below. */
static int add_amount(struct layout *l) {
        struct page_line style = { .align = PAGE_RIGHT, .width = 2, .height = 2, .bold = true };
        const struct phrase *label = field_label(FIELD_AMOUNT);
        char text[FIELD_TEXT_MAX];
        int r;

        r = field_text(l->slip, FIELD_AMOUNT, l->languages, text);
        if (r < 0)
                return r;
        r = layout_heading(l, layout_bold, label->zh, label->en);
        if (r < 0)
                return r;
        if (page_text_width(text) * 2 > l->page->columns)
                style.width = 1;
        return layout_line(l, style, text);
}

static int add_code(struct layout *l) {
        int r;

        if (isempty(l->slip->reference))
                return 0;
        r = layout_feed(l, 1);
        return r < 0 ? r : layout_qr(l, PAGE_CENTER, l->block->width, l->slip->reference);
}

/* --- anything --- */

static int add_rule(struct layout *l) {
        return layout_rule(l);
}

static int add_feed(struct layout *l) {
        return layout_feed(l, l->block->height ?: 1);
}

static int add_cut(struct layout *l) {
        return page_add(l->page, &(struct page_line){ .type = PAGE_CUT });
}

static int add_text(struct layout *l) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = template_fill(l->block->text, l->slip, l->languages, &text);
        return r <= 0 ? r : layout_line(l, layout_normal, text);
}

/* Under its own label, or under the one that the file gives it. */
static int add_field(struct layout *l) {
        const struct phrase own = { l->block->text, l->block->text };
        char text[FIELD_TEXT_MAX];
        int r;

        if (!l->block->text)
                return layout_field(l, l->block->field, &layout_normal);
        r = field_text(l->slip, l->block->field, l->languages, text);
        return r < 0 ? r : layout_pair(l, &own, text, &layout_normal);
}

static int add_qr(struct layout *l) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = template_fill(l->block->text, l->slip, l->languages, &text);
        if (r <= 0)
                return r;
        return layout_qr(l, l->block->aligned ? l->block->align : PAGE_CENTER, l->block->width, text);
}

static int add_barcode(struct layout *l) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = template_fill(l->block->text, l->slip, l->languages, &text);
        return r <= 0 ? r : layout_barcode(l, text);
}

/* --- the table --- */

#define P(paper) (UINT32_C(1) << SLIP_##paper)
#define ALL ((UINT32_C(1) << _SLIP_PAPER_MAX) - 1)
#define COPIES (P(MERCHANT_COPY) | P(CARDHOLDER_COPY))
#define REFUSALS (P(DECLINED) | P(NOT_COMPLETED))
#define PAYMENTS (COPIES | REFUSALS)
#define SAID (P(TEST_PAGE) | P(DIAGNOSTICS))
#define NUMBERS (GIVES_BATCH | GIVES_VOUCHER | GIVES_AUTHORIZATION | GIVES_RRN | GIVES_TIME)
#define PAIR (OPTION_BOLD | OPTION_SMALL)
#define FREE (OPTION_ALIGN | OPTION_SIZE | OPTION_BOLD | OPTION_SMALL | OPTION_INVERSE)

static const struct block blocks[_BLOCK_MAX] = {
        [BLOCK_MODE] = { "mode", ALL, GIVES_MODE, 0, add_mode },
        [BLOCK_LOGO] = { "logo", ALL, 0, 0, add_logo },
        [BLOCK_HEADER] = { "header", ALL, 0, FREE, add_header },
        [BLOCK_TITLE] = { "title", ALL, GIVES_TITLE, 0, add_title },
        [BLOCK_COPY] = { "copy", COPIES, GIVES_COPY, 0, add_copy },
        [BLOCK_DUPLICATE] = { "duplicate", ALL, GIVES_DUPLICATE, 0, add_duplicate },
        [BLOCK_MERCHANT] = { "merchant", ALL, GIVES_MERCHANT | GIVES_TERMINAL, PAIR, add_merchant },
        [BLOCK_CARD] = { "card", PAYMENTS, GIVES_CARD, PAIR, add_card },
        [BLOCK_KIND] = { "kind", PAYMENTS, GIVES_KIND, PAIR, add_kind },
        [BLOCK_NUMBERS] = { "numbers", PAYMENTS, NUMBERS, PAIR, add_numbers },
        [BLOCK_AMOUNT] = { "amount", PAYMENTS, GIVES_AMOUNT, OPTION_ALIGN | OPTION_SIZE, add_amount },
        [BLOCK_NOTES] = { "notes", PAYMENTS, GIVES_AID, 0, add_notes },
        [BLOCK_VERIFICATION] = { "verification", COPIES, GIVES_VERIFICATION, 0, add_verification },
        [BLOCK_RESPONSE] = { "response", REFUSALS, GIVES_RESPONSE, PAIR, add_response },
        [BLOCK_ADVICE] = { "advice", REFUSALS, GIVES_ADVICE, 0, add_advice },
        [BLOCK_CODE] = { "code", PAYMENTS, 0, OPTION_MODULE, add_code },
        [BLOCK_BATCH] = { "batch", P(SETTLEMENT) | P(TRANSACTION_LIST), GIVES_BATCH | GIVES_TIME, PAIR, add_batch },
        [BLOCK_TOTALS] = { "totals", P(SETTLEMENT) | P(TRANSACTION_LIST), GIVES_TOTALS, PAIR, add_totals },
        [BLOCK_REJECTED] = { "rejected", P(SETTLEMENT), GIVES_REJECTED, PAIR, add_rejected },
        [BLOCK_RECONCILIATION] = { "reconciliation", P(SETTLEMENT), GIVES_RECONCILIATION, 0, add_reconciliation },
        [BLOCK_LIST] = { "list", P(TRANSACTION_LIST), GIVES_LIST, 0, add_list },
        [BLOCK_ROWS] = { "rows", SAID, GIVES_ROWS, PAIR, add_rows },
        [BLOCK_PRINTER] = { "printer", SAID, 0, PAIR, add_printer },
        [BLOCK_RULER] = { "ruler", P(TEST_PAGE), 0, 0, add_ruler },
        [BLOCK_SIZES] = { "sizes", P(TEST_PAGE), 0, 0, add_sizes },
        [BLOCK_CHARACTERS] = { "characters", P(TEST_PAGE), 0, 0, add_characters },
        [BLOCK_CODES] = { "codes", P(TEST_PAGE), 0, 0, add_codes },
        [BLOCK_FOOTER] = { "footer", ALL, 0, FREE, add_footer },
        [BLOCK_TEXT] = { "text", ALL, 0, FREE | OPTION_TEXT, add_text },
        [BLOCK_FIELD] = { "field", ALL, 0, PAIR | OPTION_FIELD | OPTION_TEXT, add_field },
        [BLOCK_RULE] = { "rule", ALL, 0, 0, add_rule },
        [BLOCK_FEED] = { "feed", ALL, 0, OPTION_LINES, add_feed },
        [BLOCK_QR] = { "qr", ALL, 0, OPTION_ALIGN | OPTION_MODULE | OPTION_TEXT, add_qr },
        [BLOCK_BARCODE] = { "barcode", ALL, 0, OPTION_ALIGN | OPTION_HEIGHT | OPTION_TEXT, add_barcode },
        [BLOCK_CUT] = { "cut", ALL, 0, 0, add_cut },
};

#define MARKS (GIVES_MODE | GIVES_DUPLICATE)
#define PAYMENT                                                                                                       \
        (MARKS | GIVES_MERCHANT | GIVES_TERMINAL | GIVES_CARD | GIVES_KIND | NUMBERS | GIVES_AMOUNT | GIVES_AID)

static const uint32_t required[_SLIP_PAPER_MAX] = {
        [SLIP_MERCHANT_COPY] = PAYMENT | GIVES_COPY | GIVES_VERIFICATION,
        [SLIP_CARDHOLDER_COPY] = PAYMENT | GIVES_COPY | GIVES_VERIFICATION,
        [SLIP_DECLINED] = PAYMENT | GIVES_TITLE | GIVES_RESPONSE | GIVES_ADVICE,
        /* The card may not have come so far as to have an application. */
        [SLIP_NOT_COMPLETED] = (PAYMENT & ~GIVES_AID) | GIVES_TITLE | GIVES_RESPONSE | GIVES_ADVICE,
        [SLIP_SETTLEMENT] = MARKS | GIVES_TITLE | GIVES_MERCHANT | GIVES_TERMINAL | GIVES_BATCH | GIVES_TIME |
                            GIVES_TOTALS | GIVES_REJECTED | GIVES_RECONCILIATION,
        [SLIP_TRANSACTION_LIST] =
                MARKS | GIVES_TITLE | GIVES_MERCHANT | GIVES_TERMINAL | GIVES_TIME | GIVES_LIST | GIVES_TOTALS,
        [SLIP_TEST_PAGE] = MARKS | GIVES_TITLE,
        [SLIP_DIAGNOSTICS] = MARKS | GIVES_TITLE | GIVES_ROWS,
};

const struct block *block_find(enum block_type type) {
        return blocks + type;
}

enum block_type block_from_string(const char *name) {
        for (unsigned i = 0; i < _BLOCK_MAX; i++)
                if (streq(blocks[i].name, name))
                        return (enum block_type) i;
        return _BLOCK_INVALID;
}

uint32_t block_gives(const struct style_block *block) {
        static const uint32_t gives[_FIELD_NAME_MAX] = {
                [FIELD_MERCHANT_NUMBER] = GIVES_MERCHANT,
                [FIELD_TERMINAL] = GIVES_TERMINAL,
                [FIELD_CARD] = GIVES_CARD,
                [FIELD_KIND] = GIVES_KIND,
                [FIELD_BATCH] = GIVES_BATCH,
                [FIELD_VOUCHER] = GIVES_VOUCHER,
                [FIELD_AUTHORIZATION_CODE] = GIVES_AUTHORIZATION,
                [FIELD_RRN] = GIVES_RRN,
                [FIELD_TIME] = GIVES_TIME,
                [FIELD_AMOUNT] = GIVES_AMOUNT,
                [FIELD_AID] = GIVES_AID,
        };

        return block->type == BLOCK_FIELD ? gives[block->field] : blocks[block->type].gives;
}

uint32_t paper_requires(enum slip_paper paper) {
        return required[paper];
}

const char *gives_to_string(unsigned bit) {
        static const char *const words[_GIVES_N] = {
                "block=mode, which marks what is not live",
                "block=duplicate, which marks what was printed before",
                "block=title",
                "block=copy, which says whose it is",
                "the merchant's number: block=merchant, or block=field merchant-number",
                "the terminal's number: block=merchant, or block=field terminal",
                "the masked card number: block=card, or block=field card",
                "the kind: block=kind, or block=field kind",
                "the batch: block=numbers or batch, or block=field batch",
                "the voucher: block=numbers, or block=field voucher",
                "the authorization code: block=numbers, or block=field authorization-code",
                "the acquirer's reference: block=numbers, or block=field rrn",
                "the time: block=numbers or batch, or block=field time",
                "the amount: block=amount, or block=field amount",
                "the AID: block=notes, or block=field aid",
                "block=verification, which has the line to sign on",
                "block=response, which says why",
                "block=advice, which says whether to pay again",
                "block=totals",
                "block=rejected, which says what is not in the totals",
                "block=reconciliation, which says what the acquirer made of the totals",
                "block=list",
                "block=rows",
        };

        return words[bit];
}
