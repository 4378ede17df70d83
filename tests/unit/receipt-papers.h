/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every paper that there is, and the printers of each width, for the gallery and the tests of faces. */

#include "receipt-sample.h"

struct sample_paper {
        const char *name;
        enum slip_paper paper;
        const char *kind;
        enum slip_verification verification;
        void (*fill)(struct slip *slip); /* NULL: as it is */
};

static inline void fill_duplicate(struct slip *slip) {
        slip->duplicate = true;
        slip->reprint = 2;
}

static inline void fill_live(struct slip *slip) {
        slip->mode = SLIP_LIVE;
}

static inline void fill_training(struct slip *slip) {
        slip->mode = SLIP_TRAINING;
}

/* A foreign card without a chip. */
static inline void fill_stripe(struct slip *slip) {
        fill_live(slip);
        strcpy(slip->issuer, "DBS BANK SINGAPORE");
        strcpy(slip->masked_pan, "625003******1234");
        slip->entry = 'S';
        slip->psn = -1;
        *slip->cryptogram = *slip->cryptogram_kind = *slip->tvr = *slip->aid = *slip->tsi = *slip->atc = '\0';
        *slip->label = *slip->preferred_name = *slip->aip = *slip->iad = *slip->terminal_capabilities = '\0';
}

/* Whatever may be long is. */
static inline void fill_long(struct slip *slip) {
        fill_live(slip);
        strcpy(slip->merchant_name, "上海好邻居连锁便利店有限公司第一百二十三分公司（南京西路步行街店）");
        strcpy(slip->issuer, "中国邮政储蓄银行上海分行");
        strcpy(slip->acquirer, "银联商务股份有限公司");
        strcpy(slip->reference, "POS-07/2026-09-21/ORDER-000123/ATTEMPT-2/3f2504e04f8911d39a0c030");
        strcpy(slip->kind, "completion-void");
        strcpy(slip->label, "UNIONPAY CREDIT");
        strcpy(slip->preferred_name, "UnionPay Platinum");
        slip->amount = 123456789012;
}

static inline void fill_declined(struct slip *slip) {
        strcpy(slip->authorization_code, "");
        strcpy(slip->cryptogram_kind, "AAC");
}

/* Nobody has answered. */
static inline void fill_unanswered(struct slip *slip) {
        strcpy(slip->authorization_code, "");
        strcpy(slip->rrn, "");
}

static inline void fill_reversal_done(struct slip *slip) {
        fill_unanswered(slip);
        slip->advice = SLIP_ADVICE_REVERSAL_DONE;
}

static inline void fill_unconfirmed(struct slip *slip) {
        fill_unanswered(slip);
        slip->advice = SLIP_ADVICE_UNCONFIRMED;
}

static inline void fill_balanced(struct slip *slip) {
        fill_live(slip);
        slip->reconciliation = SLIP_BALANCED;
        slip->left_out = 0;
        strcpy(slip->rejected, "");
        strcpy(slip->totals, "sale 112 15430550\nrefund 2 25990\noffline-sale 3 4500\ncompletion 1 98000\n"
                             "domestic-debit 114 15387500\ndomestic-credit 2 25990\n"
                             "foreign-debit 2 145550\nforeign-credit 0 0\n"
                             "debit 116 15533050\ncredit 2 25990\n");
}

/* clang-format off */
static const struct sample_paper sample_papers[] = {
        { "sale-merchant",     SLIP_MERCHANT_COPY,    "sale",              SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "sale-cardholder",   SLIP_CARDHOLDER_COPY,  "sale",              SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "sale-pin",          SLIP_MERCHANT_COPY,    "sale",              SLIP_VERIFICATION_PIN,       fill_live },
        { "sale-no-signature", SLIP_MERCHANT_COPY,    "sale",              SLIP_VERIFICATION_NONE,      fill_live },
        { "sale-duplicate",    SLIP_MERCHANT_COPY,    "sale",              SLIP_VERIFICATION_SIGNATURE, fill_duplicate },
        { "sale-training",     SLIP_CARDHOLDER_COPY,  "sale",              SLIP_VERIFICATION_SIGNATURE, fill_training },
        { "void",              SLIP_MERCHANT_COPY,    "void",              SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "sale-stripe",       SLIP_MERCHANT_COPY,    "sale",              SLIP_VERIFICATION_SIGNATURE, fill_stripe },
        { "long-texts",        SLIP_MERCHANT_COPY,    "completion",        SLIP_VERIFICATION_SIGNATURE, fill_long },
        { "refund",            SLIP_MERCHANT_COPY,    "refund",            SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "pre-authorization", SLIP_MERCHANT_COPY,    "pre-authorization", SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "completion",        SLIP_MERCHANT_COPY,    "completion",        SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "declined",          SLIP_DECLINED,         "sale",              SLIP_VERIFICATION_NONE,      fill_declined },
        { "not-completed",     SLIP_NOT_COMPLETED,    "sale",              SLIP_VERIFICATION_NONE,      fill_reversal_done },
        { "unconfirmed",       SLIP_NOT_COMPLETED,    "sale",              SLIP_VERIFICATION_NONE,      fill_unconfirmed },
        { "settlement",        SLIP_SETTLEMENT,       "settlement",        SLIP_VERIFICATION_NONE,      fill_balanced },
        { "settlement-differs", SLIP_SETTLEMENT,      "settlement",        SLIP_VERIFICATION_NONE,      fill_live },
        { "transaction-list",  SLIP_TRANSACTION_LIST, "",                  SLIP_VERIFICATION_NONE,      NULL },
        { "test-page",         SLIP_TEST_PAGE,        "",                  SLIP_VERIFICATION_NONE,      NULL },
        { "diagnostics",       SLIP_DIAGNOSTICS,      "",                  SLIP_VERIFICATION_NONE,      NULL },
};
/* clang-format on */

/* Ends with slip_done(). */
static inline void sample_paper_fill(const struct sample_paper *paper, struct slip *ret) {
        *ret = sample_paper(paper->paper);
        ret->verification = paper->verification;
        if (!isempty(paper->kind))
                strcpy(ret->kind, paper->kind);
        if (!streq(paper->kind, "void") && !streq(paper->kind, "completion"))
                ret->original_voucher = 0;
        if (streq(paper->kind, "sale"))
                strcpy(ret->approver, "");
        if (paper->fill)
                paper->fill(ret);
}

struct sample_printer {
        unsigned columns, columns_small, dots;
};

/* 58 mm, and 80 mm with as many characters as the older and the newer models have. */
static const struct sample_printer sample_printers[] = {
        { 32, 42, 384 },
        { 42, 56, 512 },
        { 48, 64, 576 },
};

static inline void sample_profile(const struct sample_printer *printer, struct printer_profile *ret) {
        *ret = *printer_profile_find("epson-80");
        ret->dots = printer->dots;
        ret->columns = printer->columns;
        ret->columns_small = printer->columns_small;
}
