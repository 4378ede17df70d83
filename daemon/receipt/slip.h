/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a paper says, not how it looks. Field order and wording follow real UnionPay POS slips
 * (签购单). There is no field for an expiry and none for a full PAN.
 */

#include "base/unicode.h"
#include "receipt/page.h"
#include "receipt/profile.h"

struct receipt_style;

enum slip_paper {
        SLIP_MERCHANT_COPY,
        SLIP_CARDHOLDER_COPY,
        SLIP_DECLINED,
        SLIP_NOT_COMPLETED,
        SLIP_SETTLEMENT,
        SLIP_TRANSACTION_LIST,
        SLIP_TEST_PAGE,
        SLIP_DIAGNOSTICS,
        _SLIP_PAPER_MAX,
        _SLIP_PAPER_INVALID = -EINVAL,
};

enum slip_mode {
        SLIP_LIVE,
        SLIP_TEST,     /* 测试/TEST on the paper */
        SLIP_TRAINING, /* 训练/TRAINING */
        _SLIP_MODE_MAX,
        _SLIP_MODE_INVALID = -EINVAL,
};

/* What a not-completed paper tells the cardholder. */
enum slip_advice {
        SLIP_ADVICE_NONE,
        SLIP_ADVICE_PAY_AGAIN,        /* nothing was charged */
        SLIP_ADVICE_REVERSAL_PENDING, /* a charge, if any, is being taken back: pay again */
        SLIP_ADVICE_REVERSAL_DONE,    /* was taken back: pay again */
        SLIP_ADVICE_UNCONFIRMED,      /* unknown yet: do not pay again before the merchant has asked */
        _SLIP_ADVICE_MAX,
        _SLIP_ADVICE_INVALID = -EINVAL,
};

enum slip_verification {
        SLIP_VERIFICATION_NONE,      /* no CVM: 免密免签 */
        SLIP_VERIFICATION_SIGNATURE, /* a line to sign on, merchant copy */
        SLIP_VERIFICATION_PIN,       /* verified by PIN: nothing to sign */
        _SLIP_VERIFICATION_MAX,
        _SLIP_VERIFICATION_INVALID = -EINVAL,
};

/* What the acquirer had to say to the totals. */
enum slip_reconciliation {
        SLIP_NOT_RECONCILED,
        SLIP_BALANCED,
        SLIP_UPLOADED,     /* its own were others: it has the details */
        SLIP_BY_AGREEMENT, /* it refused them; `note` says what was agreed */
        _SLIP_RECONCILIATION_MAX,
        _SLIP_RECONCILIATION_INVALID = -EINVAL,
};

/* Bytes of a name of a shop or a bank: 40 Chinese characters. */
#define SLIP_NAME_MAX 120

/*
 * Texts are UTF-8; empty fields are left out of the paper. EMV fields are hexadecimal. Control characters
 * are dropped at layout, whoever wrote them. Begins with slip_init(), ends with slip_done().
 */
struct slip {
        enum slip_paper paper;
        enum slip_mode mode;
        bool duplicate;
        unsigned reprint; /* how often it was printed again at somebody's wish, 0: never; of a job, and not stored */

        char merchant_name[SLIP_NAME_MAX + 1];
        char merchant[16]; /* 15 digits */
        char terminal[9];
        char operator_id[17];
        char approver[24]; /* a supervisor's number, or "uid 0"; not on the cardholder's copy */
        char issuer[41];
        char acquirer[SLIP_NAME_MAX + 1];
        char masked_pan[24]; /* must hold at least one '*' where it has more than 10 digits */
        char entry;          /* S swipe, I inserted, M manual, C contactless; '\0' none */
        char kind[24];       /* "sale": named in both languages by a table */
        uint32_t batch;
        uint32_t voucher;
        uint32_t original_voucher;
        uint32_t stan;
        char authorization_code[7];
        char rrn[13];
        uint64_t time_usec;  /* CLOCK_REALTIME; shown in local time by time_offset */
        int32_t time_offset; /* seconds east of UTC, so that a reprint elsewhere says the same */
        int64_t amount;
        char currency[4];
        char reference[65]; /* the checkout's */

        /* 备注/REFERENCE */
        int psn; /* -1 none */
        char cryptogram[17];
        char cryptogram_kind[5]; /* TC, ARQC, AAC */
        char tvr[11];
        char aid[33];
        char tsi[5];
        char atc[5];
        char label[65];
        char preferred_name[65];
        char aip[5];
        char iad[65];
        char terminal_capabilities[7];

        enum slip_verification verification;

        /* Declined and not completed. */
        char response_code[3];
        char message[256]; /* why, for the cardholder: "中文\nEnglish", or a text for all languages */
        enum slip_advice advice;

        /* Settlement: a line each, ended by "\n", amounts in minor units. */
        enum slip_reconciliation reconciliation;
        char totals[1024];   /* "sale 3 39000"; the last ones are "debit" and "credit" */
        char rejected[2048]; /* "sale 000012 1000": kind, voucher, amount of what the acquirer does not take */

        /* Details that could not be uploaded, as no card number of theirs is known; of papers of rows, those without
         * room. */
        uint32_t left_out;
        char note[201]; /* of SLIP_BY_AGREEMENT, in a supervisor's words */

        /*
         * Of a transaction list, the test page and the diagnostics slip: as slip_add_transaction(),
         * slip_add_title() and slip_add_pair() write it. Owned; NULL for none.
         */
        char *rows;
};

/* One of a transaction list. */
struct slip_row {
        const char *kind;       /* as in struct slip */
        const char *masked_pan; /* masked, or "" */
        const char *authorization_code;
        char entry;
        uint32_t voucher;
        uint64_t time_usec;
        int64_t amount; /* in the slip's currency */
};

/* What a stored slip has at most. A list of 1000 usual rows fits. */
#define SLIP_BLOB_MAX (64U * 1024U)

const char *slip_paper_to_string(enum slip_paper paper); /* "merchant-copy": the `what` of a print job */
enum slip_paper slip_paper_from_string(const char *text);
const char *slip_mode_to_string(enum slip_mode mode); /* "live" */
enum slip_mode slip_mode_from_string(const char *text);

void slip_init(struct slip *slip);
void slip_done(struct slip *slip);
#define SLIP_SET(field, text) COPY_CHARACTERS(field, text)
/* Whether a card number shows no more than its first 6 and last 4 digits. */
bool slip_pan_is_masked(const char *pan);

/*
 * Appends a row. -ENOBUFS when the paper is full: what has been added stands, the rest needs another paper; -EINVAL
 * for a card number that is not masked. Control characters become blanks, and what is no UTF-8 "?".
 */
int slip_add_transaction(struct slip *slip, const struct slip_row *row);
/* Of the test page and the diagnostics slip: a heading, and what stands under it. */
int slip_add_title(struct slip *slip, const char *title);
int slip_add_pair(struct slip *slip, const char *name, const char *value);

/*
 * The stored form: "tilld-slip 1", then key=value lines, empty fields left out; UTF-8, so that a
 * person can read it. from_blob is strict: -EBADMSG for an unknown key, a repeated one, a value that does not
 * fit, an unmasked PAN; -EPROTONOSUPPORT for another version. *ret is the caller's, to end with slip_done().
 */
int slip_to_blob(const struct slip *slip, char **ret, size_t *ret_size);
int slip_from_blob(const void *data, size_t size, struct slip *ret);

/* Lays it out by a style, for a printer. Free with page_free(). */
int slip_layout(const struct slip *slip, const struct receipt_style *style, const struct printer_profile *profile,
                struct page **ret);
/* The same with what the printer has in itself, for when nothing can be drawn: no Chinese where it has no font. */
int slip_layout_plain(const struct slip *slip, const struct receipt_style *style,
                      const struct printer_profile *profile, struct page **ret);
