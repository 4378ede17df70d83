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
}

static inline void fill_live(struct slip *slip) {
        slip->mode = SLIP_LIVE;
}

static inline void fill_training(struct slip *slip) {
        slip->mode = SLIP_TRAINING;
}

static inline void fill_reversal_done(struct slip *slip) {
        slip->advice = SLIP_ADVICE_REVERSAL_DONE;
}

static inline void fill_unconfirmed(struct slip *slip) {
        slip->advice = SLIP_ADVICE_UNCONFIRMED;
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
        { "refund",            SLIP_MERCHANT_COPY,    "refund",            SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "pre-authorization", SLIP_MERCHANT_COPY,    "pre-authorization", SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "completion",        SLIP_MERCHANT_COPY,    "completion",        SLIP_VERIFICATION_SIGNATURE, fill_live },
        { "declined",          SLIP_DECLINED,         "sale",              SLIP_VERIFICATION_NONE,      NULL },
        { "not-completed",     SLIP_NOT_COMPLETED,    "sale",              SLIP_VERIFICATION_NONE,      fill_reversal_done },
        { "unconfirmed",       SLIP_NOT_COMPLETED,    "sale",              SLIP_VERIFICATION_NONE,      fill_unconfirmed },
        { "settlement",        SLIP_SETTLEMENT,       "settlement",        SLIP_VERIFICATION_NONE,      fill_live },
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
