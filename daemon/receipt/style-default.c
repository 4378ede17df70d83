// SPDX-License-Identifier: LGPL-2.1-or-later
/* The built-in style: what packaging/receipt.d/00-receipt.conf says, for when that cannot be read. */

#include "receipt/blocks.h"

#define B(name)                                                                                                       \
        { .type = BLOCK_##name }
#define F(name)                                                                                                       \
        { .type = BLOCK_FIELD, .field = FIELD_##name }
#define PAPER(blocks)                                                                                                 \
        { blocks, ELEMENTSOF(blocks) }

static struct style_block copy[] = { B(MODE),   B(LOGO),     B(HEADER), B(TITLE), B(COPY),         B(DUPLICATE),
                                     B(FEED),   B(MERCHANT), B(RULE),   B(CARD),  B(KIND),         B(NUMBERS),
                                     B(RULE),   B(AMOUNT),   B(RULE),   B(NOTES), B(VERIFICATION), B(CODE),
                                     B(FOOTER), B(MODE),     B(CUT) };

static struct style_block declined[] = { B(MODE),     B(LOGO), B(HEADER),   B(TITLE),  B(DUPLICATE), B(FEED),
                                         B(MERCHANT), B(RULE), B(CARD),     B(KIND),   B(NUMBERS),   B(RULE),
                                         B(AMOUNT),   B(RULE), B(RESPONSE), B(ADVICE), B(RULE),      B(NOTES),
                                         B(FOOTER),   B(MODE), B(CUT) };

static struct style_block not_completed[] = { B(MODE),    B(LOGO),     B(HEADER), B(TITLE), B(DUPLICATE),
                                              B(FEED),    B(MERCHANT), B(RULE),   B(CARD),  B(KIND),
                                              B(NUMBERS), B(RULE),     B(AMOUNT), B(RULE),  B(RESPONSE),
                                              B(ADVICE),  B(FOOTER),   B(MODE),   B(CUT) };

static struct style_block settlement[] = { B(MODE),           B(LOGO),     B(TITLE),    B(DUPLICATE),
                                           B(FEED),           B(MERCHANT), B(RULE),     B(BATCH),
                                           B(RULE),           B(TOTALS),   B(REJECTED), B(RULE),
                                           B(RECONCILIATION), B(FOOTER),   B(MODE),     B(CUT) };

static struct style_block list[] = { B(MODE), B(LOGO), B(TITLE), B(DUPLICATE), B(FEED),   B(MERCHANT), B(BATCH),
                                     B(RULE), B(LIST), B(RULE),  B(TOTALS),    B(FOOTER), B(MODE),     B(CUT) };

static struct style_block test_page[] = { B(MODE),       B(LOGO), B(TITLE), B(DUPLICATE), B(FEED),  F(TIME),
                                          B(PRINTER),    B(ROWS), B(RULER), B(RULE),      B(SIZES), B(RULE),
                                          B(CHARACTERS), B(RULE), B(CODES), B(FOOTER),    B(MODE),  B(CUT) };

static struct style_block diagnostics[] = { B(MODE), B(LOGO), B(TITLE), B(DUPLICATE), B(FEED), B(MERCHANT),
                                            F(TIME), B(RULE), B(ROWS),  B(FOOTER),    B(MODE), B(CUT) };

static const struct receipt_style built_in = {
        .languages = STYLE_BOTH,
        .merchant_copy = true,
        .cardholder_copy = true,
        .papers = {
                [SLIP_MERCHANT_COPY] = PAPER(copy),
                [SLIP_CARDHOLDER_COPY] = PAPER(copy),
                [SLIP_DECLINED] = PAPER(declined),
                [SLIP_NOT_COMPLETED] = PAPER(not_completed),
                [SLIP_SETTLEMENT] = PAPER(settlement),
                [SLIP_TRANSACTION_LIST] = PAPER(list),
                [SLIP_TEST_PAGE] = PAPER(test_page),
                [SLIP_DIAGNOSTICS] = PAPER(diagnostics),
        },
};

const struct receipt_style *receipt_style_default(void) {
        return &built_in;
}
