// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/result.h"

/* ISO 8583 codes with the UnionPay additions (A0 to A7); in ASCII order. */
static const struct host_result results[] = {
        { "00", HOST_ACTION_APPROVE, "Approved", "交易成功" },
        { "01", HOST_ACTION_CALL, "Call the card issuer", "请持卡人联系发卡行" },
        { "03", HOST_ACTION_CONFIGURE, "The acquirer does not know this merchant", "商户未登记" },
        { "04", HOST_ACTION_PICK_UP, "Declined: keep the card", "交易失败，请没收卡" },
        { "05", HOST_ACTION_DECLINE, "Declined by the card issuer", "发卡行拒绝交易" },
        { "06", HOST_ACTION_UNKNOWN, "Failed at the acquirer: try again", "收单行处理失败，请重试" },
        { "07", HOST_ACTION_PICK_UP, "Declined: keep the card", "交易失败，请没收卡" },
        { "09", HOST_ACTION_UNKNOWN, "Still in progress: try again", "交易处理中，请重试" },
        { "10", HOST_ACTION_APPROVE, "Approved in part", "部分金额批准" },
        { "11", HOST_ACTION_APPROVE, "Approved", "交易成功" },
        { "12", HOST_ACTION_DECLINE, "Transaction not valid", "无效交易" },
        { "13", HOST_ACTION_DECLINE, "Amount not valid", "无效金额" },
        { "14", HOST_ACTION_DECLINE, "Card number not valid", "无效卡号" },
        { "15", HOST_ACTION_DECLINE, "Unknown card issuer", "此卡无对应发卡行" },
        { "16", HOST_ACTION_APPROVE, "Approved", "交易成功" },
        { "21", HOST_ACTION_DECLINE, "Card not activated", "该卡未激活" },
        { "22", HOST_ACTION_UNKNOWN, "Failed at the acquirer: try again", "收单行处理失败，请重试" },
        { "25", HOST_ACTION_DECLINE, "Original transaction not found", "未找到原交易" },
        { "30", HOST_ACTION_RETRY, "The acquirer could not read the message", "报文格式错误" },
        { "34", HOST_ACTION_PICK_UP, "Declined: keep the card", "交易失败，请没收卡" },
        { "38", HOST_ACTION_PICK_UP, "PIN tried too often", "密码错误次数超限" },
        { "40", HOST_ACTION_DECLINE, "The acquirer does not offer this transaction", "收单行不支持此交易" },
        { "41", HOST_ACTION_PICK_UP, "Lost card: keep it", "挂失卡，请没收" },
        { "43", HOST_ACTION_PICK_UP, "Stolen card: keep it", "被窃卡，请没收" },
        { "45", HOST_ACTION_DECLINE, "Fallback not allowed: insert the chip", "不允许降级，请插入芯片" },
        { "51", HOST_ACTION_DECLINE, "Not enough money in the account", "可用余额不足" },
        { "54", HOST_ACTION_DECLINE, "Card has expired", "该卡已过期" },
        { "55", HOST_ACTION_DECLINE, "Wrong PIN", "密码错误" },
        { "57", HOST_ACTION_DECLINE, "Card does not allow this transaction", "该卡不允许此交易" },
        { "58", HOST_ACTION_CONFIGURE, "Terminal not set up for this transaction", "终端不允许此交易" },
        { "59", HOST_ACTION_DECLINE, "Declined: suspected fraud", "涉嫌欺诈，交易拒绝" },
        { "61", HOST_ACTION_DECLINE, "Amount is above the card's limit", "交易金额超限" },
        { "62", HOST_ACTION_DECLINE, "Card is restricted", "受限制的卡" },
        { "64", HOST_ACTION_DECLINE, "Amount differs from the original's", "与原交易金额不符" },
        { "65", HOST_ACTION_DECLINE, "Card was used too often", "超出交易次数限制" },
        { "68", HOST_ACTION_UNKNOWN, "Card issuer did not answer in time", "发卡行应答超时" },
        { "75", HOST_ACTION_DECLINE, "PIN tried too often", "密码错误次数超限" },
        { "77", HOST_ACTION_SIGN_ON, "Batch number differs: sign on", "批次号不符，请签到" },
        { "79", HOST_ACTION_DECLINE, "Offline record was uploaded again", "离线交易重复上送" },
        { "90", HOST_ACTION_RETRY, "The acquirer closes its day: try again later", "系统日切，请稍后重试" },
        { "91", HOST_ACTION_RETRY, "Card issuer is not available", "发卡行不可用" },
        { "92", HOST_ACTION_RETRY, "Card issuer cannot be reached", "无法连接发卡行" },
        { "94", HOST_ACTION_DECLINE, "Duplicate transaction", "重复交易" },
        { "95", HOST_ACTION_SETTLE, "Batch totals differ", "对账不平" },
        { "96", HOST_ACTION_UNKNOWN, "The acquirer is out of order", "收单行系统故障" },
        { "97", HOST_ACTION_CONFIGURE, "The acquirer does not know this terminal", "终端未登记" },
        { "98", HOST_ACTION_UNKNOWN, "The acquirer had no answer from the card issuer", "收单行未收到发卡行应答" },
        { "99", HOST_ACTION_SIGN_ON, "PIN block not valid: sign on", "密码格式错误，请签到" },
        { "A0", HOST_ACTION_SIGN_ON, "Message authentication failed: sign on", "报文校验错误，请签到" },
        { "A2", HOST_ACTION_APPROVE, "Approved; ask the card issuer", "交易成功，请向发卡行确认" },
        { "A4", HOST_ACTION_APPROVE, "Approved; ask the card issuer", "交易成功，请向发卡行确认" },
        { "A5", HOST_ACTION_APPROVE, "Approved; ask the card issuer", "交易成功，请向发卡行确认" },
        { "A6", HOST_ACTION_APPROVE, "Approved; ask the card issuer", "交易成功，请向发卡行确认" },
        { "A7", HOST_ACTION_SIGN_ON, "Keys not in step: sign on", "密钥不同步，请签到" },
};

static const struct host_result unknown = { "", HOST_ACTION_DECLINE, "Declined with a code that is not in the table",
                                            "未知应答码" };

const struct host_result *host_result_find(const char *code) {
        for (size_t i = 0; i < ELEMENTSOF(results); i++)
                if (streq(results[i].code, code))
                        return results + i;
        return &unknown;
}

const char *host_action_name(enum host_action action) {
        static const char *const names[] = {
                [HOST_ACTION_APPROVE] = "approve",     [HOST_ACTION_DECLINE] = "decline",
                [HOST_ACTION_CALL] = "call",           [HOST_ACTION_PICK_UP] = "pick-up",
                [HOST_ACTION_SIGN_ON] = "sign-on",     [HOST_ACTION_RETRY] = "retry",
                [HOST_ACTION_UNKNOWN] = "unknown",     [HOST_ACTION_SETTLE] = "settle",
                [HOST_ACTION_CONFIGURE] = "configure",
        };

        return names[action];
}

bool host_result_decides(const char *code) {
        const struct host_result *result = host_result_find(code);

        return *result->code && result->action != HOST_ACTION_UNKNOWN && !streq(code, "10");
}

bool host_result_is_final(const char *code) {
        enum host_action action = host_result_find(code)->action;

        /* A part of the sum is a last word: the rest is not charged, however often it is sent. */
        if (streq(code, "10"))
                return true;
        return host_result_decides(code) && action != HOST_ACTION_RETRY && action != HOST_ACTION_SIGN_ON;
}

bool host_result_refuses_keys(const char *code) {
        return streq(code, "A0") || streq(code, "A7");
}

bool host_result_ends_reversal(const char *code) {
        return streq(code, "00") || streq(code, "12") || streq(code, "25");
}

bool host_result_ends_withdrawal(const char *code) {
        return streq(code, "00");
}
