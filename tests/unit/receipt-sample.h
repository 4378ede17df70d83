/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Slips of every paper with every field, for the tests of the receipt room and for pictures of them. */

#include "receipt/style.h"

static inline struct slip sample_slip(void) {
        struct slip slip;

        slip_init(&slip);
        slip.paper = SLIP_MERCHANT_COPY;
        slip.mode = SLIP_TEST;
        strcpy(slip.merchant_name, "好邻居便利店（南京西路店）");
        strcpy(slip.merchant, "104310054110001");
        strcpy(slip.terminal, "12345678");
        strcpy(slip.operator_id, "01");
        strcpy(slip.approver, "02");
        strcpy(slip.issuer, "建设银行");
        strcpy(slip.acquirer, "银联商务");
        strcpy(slip.masked_pan, "621700*********0128");
        slip.entry = 'I';
        strcpy(slip.kind, "sale");
        slip.batch = 17;
        slip.voucher = 42;
        slip.original_voucher = 41;
        slip.stan = 4711;
        strcpy(slip.authorization_code, "A1B2C3");
        strcpy(slip.rrn, "123456789012");
        slip.time_usec = UINT64_C(1790000000000000);
        slip.time_offset = 28800;
        slip.amount = 12850;
        strcpy(slip.currency, "CNY");
        strcpy(slip.reference, "ORDER-2026-000123");
        slip.psn = 1;
        strcpy(slip.cryptogram, "0123456789ABCDEF");
        strcpy(slip.cryptogram_kind, "TC");
        strcpy(slip.tvr, "0000008000");
        strcpy(slip.aid, "A000000333010101");
        strcpy(slip.tsi, "E800");
        strcpy(slip.atc, "00A1");
        strcpy(slip.label, "PBOC DEBIT");
        strcpy(slip.preferred_name, "借记卡");
        strcpy(slip.aip, "7C00");
        strcpy(slip.iad, "07010103A00000010A0100000000005E2C1A5B");
        strcpy(slip.terminal_capabilities, "E0F8C8");
        slip.verification = SLIP_VERIFICATION_SIGNATURE;
        strcpy(slip.response_code, "00");
        strcpy(slip.message, "line one\nback\\slash");
        slip.reconciliation = SLIP_UPLOADED;
        strcpy(slip.totals, "sale 3 128500\nrefund 1 50\ndebit 3 128500\ncredit 1 50\n");
        strcpy(slip.rejected, "offline-sale 000012 700\n");
        slip.left_out = 2;
        strcpy(slip.note, "收单行李女士: agreed by telephone");
        return slip;
}

static inline void sample_list(struct slip *slip) {
        static const char *const kinds[] = { "sale", "void", "refund", "pre-authorization", "completion", "tip" };

        for (uint32_t i = 0; i < 12; i++) {
                const struct slip_row row = {
                        .kind = kinds[i % ELEMENTSOF(kinds)],
                        .masked_pan = "621700******0128",
                        .authorization_code = i % 4 == 0 ? "" : "A1B2C3",
                        .entry = i % 3 == 0 ? 'S' : 'I',
                        .voucher = 42 + i,
                        .time_usec = UINT64_C(1790000000000000) + i * UINT64_C(61000000),
                        .amount = 12850 + 977 * (int64_t) i * i * i,
                };

                if (slip_add_transaction(slip, &row) < 0)
                        abort();
        }
}

static inline void sample_diagnostics(struct slip *slip) {
        static const char *const rows[][2] = {
                { "TERMINAL", NULL },
                { "tilld", "1.0" },
                { "papers waiting", "12" },
                { "DEVICES", NULL },
                { "ACS ACR39U ICC Reader (1-1.2)", "connected" },
                { "EPSON TM-T20II (1-1.3)", "not connected" },
                { "OPEN FAULTS", NULL },
                { "open", "2" },
                { "printer-paper", "EPSON TM-T20II (1-1.3)" },
                { "host-unreachable", "acquirer" },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if ((rows[i][1] ? slip_add_pair(slip, rows[i][0], rows[i][1]) : slip_add_title(slip, rows[i][0])) < 0)
                        abort();
}

/* Of each paper one that has all that it can; ends with slip_done(). */
static inline struct slip sample_paper(enum slip_paper paper) {
        struct slip slip = sample_slip();

        slip.paper = paper;
        slip.advice = SLIP_ADVICE_PAY_AGAIN;
        switch (paper) {
        case SLIP_DECLINED:
                strcpy(slip.response_code, "51");
                strcpy(slip.message, "可用余额不足\nNot enough money in the account");
                break;
        case SLIP_NOT_COMPLETED:
                strcpy(slip.response_code, "");
                strcpy(slip.message, "收单行应答超时\nThe acquirer did not answer in time");
                slip.advice = SLIP_ADVICE_REVERSAL_PENDING;
                break;
        case SLIP_TRANSACTION_LIST:
                sample_list(&slip);
                break;
        case SLIP_TEST_PAGE:
                slip.left_out = 0;
                if (slip_add_pair(&slip, "型号 MODEL", "EPSON TM-T20II") < 0)
                        abort();
                break;
        case SLIP_DIAGNOSTICS:
                slip.left_out = 0;
                sample_diagnostics(&slip);
                break;
        default:
                break;
        }
        return slip;
}
