// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/phrases.h"

static const struct slip_kind kinds[] = {
        { "sale", { "消费", "SALE" } },
        { "void", { "消费撤销", "VOID" }, true },
        { "refund", { "退货", "REFUND" }, true },
        { "pre-authorization", { "预授权", "PRE-AUTH" } },
        { "pre-authorization-void", { "预授权撤销", "PRE-AUTH VOID" }, true },
        { "completion", { "预授权完成", "COMPLETION" } },
        { "completion-void", { "预授权完成撤销", "COMPLETION VOID" }, true },
        { "balance", { "余额查询", "BALANCE" } },
        { "offline-sale", { "离线消费", "OFFLINE SALE" } },
        { "tip", { "小费调整", "TIP ADJUST" } },
        { "domestic-debit", { "内卡借记", "DOMESTIC DEBIT" } },
        { "domestic-credit", { "内卡贷记", "DOMESTIC CREDIT" } },
        { "foreign-debit", { "外卡借记", "FOREIGN DEBIT" } },
        { "foreign-credit", { "外卡贷记", "FOREIGN CREDIT" } },
        { "debit", { "借记合计", "DEBITS" } },
        { "credit", { "贷记合计", "CREDITS" } },
};

static const struct phrase titles[_SLIP_PAPER_MAX] = {
        [SLIP_MERCHANT_COPY] = { "银联POS签购单", "POS SALES SLIP" },
        [SLIP_CARDHOLDER_COPY] = { "银联POS签购单", "POS SALES SLIP" },
        [SLIP_DECLINED] = { "交易失败", "DECLINED" },
        [SLIP_NOT_COMPLETED] = { "交易未完成", "NOT COMPLETED" },
        [SLIP_SETTLEMENT] = { "结算总计单", "SETTLEMENT" },
        [SLIP_TRANSACTION_LIST] = { "交易明细单", "TRANSACTION LIST" },
        [SLIP_TEST_PAGE] = { "打印测试", "TEST PAGE" },
        [SLIP_DIAGNOSTICS] = { "终端诊断", "DIAGNOSTICS" },
};

const struct slip_kind *slip_kind_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].name, name))
                        return kinds + i;
        return NULL;
}

/* Of the diagnostics slip: its rows are stored as they were said. */
static const struct phrase said[] = {
        { "终端", "TERMINAL" },    { "待打印", "PAPERS WAITING" }, { "设备", "DEVICES" },
        { "已连接", "CONNECTED" }, { "未连接", "NOT CONNECTED" },  { "当前故障", "OPEN FAULTS" },
        { "当前", "OPEN" },
};

const struct phrase *slip_said_find(const char *en) {
        for (size_t i = 0; i < ELEMENTSOF(said); i++)
                if (strcasecmp(said[i].en, en) == 0)
                        return said + i;
        return NULL;
}

bool slip_goes_back(const struct slip *slip) {
        const struct slip_kind *kind = slip_kind_find(slip->kind);

        return kind && kind->back;
}

const char *slip_currency_name(const struct slip *slip) {
        return streq(slip->currency, "CNY") ? "RMB" : slip->currency;
}

const struct phrase *slip_title(enum slip_paper paper) {
        return titles + paper;
}
