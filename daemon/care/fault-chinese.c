// SPDX-License-Identifier: LGPL-2.1-or-later
/* The Chinese of tillctl's catalog (packaging/po/zh_CN.po), for who is told of a fault without tillctl. */
#include "care/fault-code.h"

static const struct {
        const char *english, *chinese;
} sentences[] = {
        { "The acquirer rejected a reversal", "收单机构拒绝了冲正" },
        { "Call the acquirer and have the booking taken back; then a supervisor resolves the transaction as settled "
          "(tillctl resolve).",
          "请致电收单机构撤回入账，再由主管将该笔交易确认为 settled（tillctl resolve）。" },
        { "The acquirer rejected an offline payment", "收单机构拒绝了离线交易" },
        { "Claim the money from the cardholder, or call the acquirer; then a supervisor resolves the transaction as "
          "settled (tillctl resolve).",
          "请向持卡人追款或致电收单机构，再由主管将该笔交易确认为 settled（tillctl resolve）。" },
        { "The acquirer may have the wrong phone", "收单机构登记的手机可能有误" },
        { "Call the acquirer and have the phone that is bound here put back into its record; then a supervisor "
          "resolves the transaction as settled (tillctl resolve).",
          "请致电收单机构，将其登记恢复为本机绑定的手机，再由主管将该笔交易确认为 settled（tillctl resolve）。" },
        { "The acquirer has not said how it ended", "收单机构未告知交易结果" },
        { "Do not repeat it. Ask the acquirer whether it is booked; then a supervisor resolves the transaction as "
          "approved or declined (tillctl resolve).",
          "请勿重做。请向收单机构查询是否入账，再由主管将该笔交易确认为 approved 或 declined（tillctl resolve）。" },
        { "The acquirer refused a settlement", "收单机构拒绝了结算" },
        { "Settle again (tillctl settle). Refused again, call the acquirer: until the batch is settled no payment is "
          "taken.",
          "请重新结算（tillctl settle）。再次被拒请致电收单机构：批次结算前不能收款。" },
        { "The clock cannot be right", "时钟不可能正确" },
        { "Set the clock (timedatectl set-time, or NTP). If it is right and was wrong before, a supervisor says so by "
          "tillctl accept-clock.",
          "请校准时钟（timedatectl set-time 或 NTP）。若现在正确而此前有误，由主管用 tillctl accept-clock 确认。" },
        { "The disk of the journal is almost full", "交易日志所在磁盘将满" },
        { "Call support now: no payment is taken when the disk is full.", "请立即联系技术支持：磁盘满后不能收款。" },
        { "The journal was changed or is damaged", "交易日志被改动或已损坏" },
        { "Call support now, and let nobody else work on the terminal.", "请立即联系技术支持，不要让他人操作终端。" },
        { "The acquirer booked what is not here", "收单机构入账的交易本机没有" },
        { "The acquirer has not booked a payment", "收单机构未将一笔交易入账" },
        { "The acquirer booked another amount", "收单机构入账金额不同" },
        { "The acquirer booked another kind", "收单机构入账类型不同" },
        { "The acquirer has another reference", "收单机构的参考号不同" },
        { "The acquirer booked what was reversed", "已冲正的交易仍入账" },
        { "The acquirer booked what was not paid", "未付款的交易仍入账" },
        { "The acquirer booked what is unconfirmed", "结果不明的交易已入账" },
        { "The acquirer booked what it had refused", "收单机构入账了其曾拒绝的交易" },
        { "The acquirer booked a payment twice", "一笔交易入账两次" },
        { "Ask the acquirer to take it back: the terminal never approved it.",
          "请收单机构冲回：本终端没有这笔批准的交易。" },
        { "Ask the acquirer to book it: the customer has its receipt.", "请收单机构补记：顾客持有签购单。" },
        { "Ask the acquirer to correct it: the receipt says what is here.", "请收单机构更正：以签购单上的记录为准。" },
        { "Ask the acquirer to correct it: the receipt says what is here.", "请收单机构更正：以签购单上的记录为准。" },
        { "Compare the card and the time: it may be another transaction.", "请核对卡号和时间：可能是另一笔交易。" },
        { "Ask the acquirer to take it back: the terminal has reversed it.",
          "请收单机构冲回：本终端已冲正这笔交易。" },
        { "Ask the acquirer to take it back: the customer was told that nothing was paid.",
          "请收单机构冲回：顾客已被告知没有付款。" },
        { "Resolve the transaction as approved: the acquirer has booked it.",
          "请将这笔交易确认为已批准：收单机构已记账。" },
        { "Ask the acquirer to take one of them back.", "请收单机构冲回其中一笔。" },
        { "Resolve the transaction as settled: the acquirer has booked it after all. Claim nothing from the "
          "cardholder.",
          "请将该交易裁定为已结清（settled）：收单机构最终已入账。不要再向持卡人追款。" },
        { "Forward it with Flush, then compare again.", "请先用 Flush 上送，再重新核对。" },
};

const char *fault_code_in_chinese(const char *sentence) {
        for (size_t i = 0; i < ELEMENTSOF(sentences); i++)
                if (streq(sentences[i].english, sentence))
                        return sentences[i].chinese;
        return sentence;
}
