/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Notices as a shop would get them: what tests look at, and what Documentation/notices.md shows. */

#include "notice/text.h"

static const char *const notice_names[_NOTICE_TEXT_MAX] = {
        [NOTICE_TEXT_TRANSACTION] = "transaction",
        [NOTICE_TEXT_SETTLEMENT] = "settlement",
        [NOTICE_TEXT_FAULT] = "fault",
        [NOTICE_TEXT_FAULT_ENDED] = "fault-ended",
        [NOTICE_TEXT_REPLACEMENT] = "replacement",
        [NOTICE_TEXT_OPERATOR_LOCKED] = "operator-locked",
        [NOTICE_TEXT_CODES_LOCKED] = "codes-locked",
        [NOTICE_TEXT_CONTACT_CHANGED] = "contact-changed",
        [NOTICE_TEXT_OLD_CODE] = "old-code",
        [NOTICE_TEXT_NEW_CODE] = "new-code",
        [NOTICE_TEXT_LOST_BEGUN] = "lost-begun",
        [NOTICE_TEXT_REBIND_TEST] = "rebind-test",
        [NOTICE_TEXT_REBOUND] = "rebound",
        [NOTICE_TEXT_ROLLED_BACK] = "rolled-back",
        [NOTICE_TEXT_CHECKLIST] = "checklist",
        [NOTICE_TEXT_TEST] = "test",
};

/* 23 November 2026, 11:28 in Shanghai. */
#define NOTICE_SAMPLE_TIME UINT64_C(1795404480000000)

static inline struct notice_fields notice_sample(enum notice_template what, const char *language) {
        struct notice_fields f = {
                .merchant = streq(language, "en") ? "Happy Tea" : "幸福茶庄",
                .terminal = "10000001",
                .serial = "SN20260001",
                .phone = "+8613800138001",
                .old_phone = "+8613800138000",
                .time_usec = NOTICE_SAMPLE_TIME,
        };

        switch (what) {
        case NOTICE_TEXT_TRANSACTION:
                f.kind = "sale";
                f.amount = "128.50 CNY";
                f.last_four = "0005";
                f.reference = "ORDER-1";
                break;
        case NOTICE_TEXT_SETTLEMENT:
                f.name = "000012";
                f.count = 86;
                f.amount = "10234.00 CNY";
                f.result = "balanced";
                break;
        case NOTICE_TEXT_FAULT:
        case NOTICE_TEXT_FAULT_ENDED:
                /* care/ has them. */
                f.detail = "The acquirer rejected an offline payment (transaction 17). Claim the money.";
                f.detail_zh = "收单机构拒绝了离线交易（交易17）。请追款。";
                f.count = what == NOTICE_TEXT_FAULT ? 2 : 0;
                break;
        case NOTICE_TEXT_REPLACEMENT:
                f.detail = "Model T2 comes instead.";
                f.detail_zh = "更换为T2型。";
                break;
        case NOTICE_TEXT_OPERATOR_LOCKED:
                f.name = "01";
                break;
        case NOTICE_TEXT_CONTACT_CHANGED:
                f.name = streq(language, "en") ? "Wang Fang" : "王芳";
                f.kind = "added";
                break;
        case NOTICE_TEXT_OLD_CODE:
        case NOTICE_TEXT_NEW_CODE:
                f.code = "482913";
                f.minutes = 5;
                break;
        case NOTICE_TEXT_LOST_BEGUN:
                f.code = "48291375";
                break;
        case NOTICE_TEXT_ROLLED_BACK:
                f.result = "unreachable-host";
                break;
        default:
                break;
        }
        return f;
}
