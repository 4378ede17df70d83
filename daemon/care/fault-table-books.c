// SPDX-License-Identifier: LGPL-2.1-or-later
/* Faults of the books: what the acquirer and the journal do not agree on. */
#include "care/fault-table.h"

/* The acquirer's next statement shows whether it was mended. */
#define STATEMENT                                                                                                                                \
        {                                                                                                                                        \
                "tillctl show has its RRN and STAN. Hold a newer statement against the journal when it is mended: "                              \
                "the fault ends where the difference is gone.",                                                                                  \
                        "tillctl show 显示其参考号和流水号。更正后用新的对账单再次核对：差异消失则故障结束。" \
        }

const struct fault_code faults_of_books[] = {
        {
                .code = "reversal-rejected",
                .id = "36ecdc584eda4df69b2eb398d7659fc5",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer rejected a reversal", "收单机构拒绝了冲正" },
                .merchant = { { "Call the acquirer and have the booking taken back; then a supervisor resolves the "
                                "transaction as settled (tillctl resolve).",
                                "请致电收单机构撤回入账，再由主管将该笔交易确认为 settled（tillctl resolve）。" } },
                .support = { { "The acquirer needs its RRN or STAN (tillctl show). The cardholder may be charged for "
                               "a payment that failed.",
                               "收单机构需要其参考号或流水号（tillctl show）。持卡人可能已为失败的交易付款。" } },
                .lasts = true,
        },
        {
                .code = "forward-rejected",
                .id = "c99f5e63a8314249aeefc8e51a12775e",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer rejected an offline payment", "收单机构拒绝了离线交易" },
                .merchant = { { "Claim the money from the cardholder, or call the acquirer; then a supervisor "
                                "resolves the transaction as settled (tillctl resolve).",
                                "请向持卡人追款或致电收单机构，再由主管将该笔交易确认为 settled（tillctl "
                                "resolve）。" } },
                .support = { { "The code of the answer says why (tillctl show). Where it happens often, lower the "
                               "offline limits in tilld.conf.",
                               "应答码说明原因（tillctl show）。若经常发生，请调低 tilld.conf 中的离线限额。" } },
                .lasts = true,
        },
        {
                .code = "withdrawal-rejected",
                .id = "bf498217360b42c2aa8690d011ce8cc7",
                .area = "binding",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer may have the wrong phone", "收单机构登记的手机可能有误" },
                .merchant = { { "Call the acquirer and have the phone that is bound here put back into its record; "
                                "then a supervisor resolves the transaction as settled (tillctl resolve).",
                                "请致电收单机构，将其登记恢复为本机绑定的手机，再由主管将该笔交易确认为 "
                                "settled（tillctl resolve）。" } },
                .support = { { "Until then no other change of the phone gets on, and the acquirer is told again. "
                               "tillctl binding shows the phone that is bound; the acquirer finds the change by the "
                               "number in the transaction's reference (tillctl show).",
                               "在此之前不能再更换手机，终端会继续通知收单机构。tillctl binding "
                               "显示绑定的手机；收单机构可按交易参考号中的编号（tillctl show）查到该次更换。" } },
                .lasts = true,
        },
        {
                .code = "result-unconfirmed",
                .id = "adbe45e6b1ff4ea69178674bcfa18a88",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer has not said how it ended", "收单机构未告知交易结果" },
                .merchant = { { "Do not repeat it. Ask the acquirer whether it is booked; then a supervisor resolves "
                                "the transaction as approved or declined (tillctl resolve).",
                                "请勿重做。请向收单机构查询是否入账，再由主管将该笔交易确认为 approved 或 "
                                "declined（tillctl resolve）。" } },
                .support = { { "The request left the terminal and its answer never came. The acquirer finds it by "
                               "card, amount and time.",
                               "请求已发出但没有收到应答。收单机构可按卡号、金额和时间查到。" } },
                .lasts = true,
        },
        {
                .code = "settlement-refused",
                .id = "50347f2319e04b6d87f6152694b99653",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer refused a settlement", "收单机构拒绝了结算" },
                .merchant = { { "Settle again (tillctl settle). Refused again, call the acquirer: until the batch is "
                                "settled no payment is taken.",
                                "请重新结算（tillctl settle）。再次被拒请致电收单机构：批次结算前不能收款。" } },
                .support = { { "The code of the answer says why. Compare the number of the batch and its totals "
                               "(tillctl totals) with the acquirer's.",
                               "应答码说明原因。请将批次号和合计（tillctl totals）与收单机构核对。" } },
                .lasts = true,
        },
        {
                .code = "reconcile-only-there",
                .id = "d2f100a37a464049973ccd3c93d2d8c5",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked what is not here", "收单机构入账的交易本机没有" },
                .merchant = { { "Ask the acquirer to take it back: the terminal never approved it.",
                                "请收单机构冲回：本终端没有这笔批准的交易。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-only-here",
                .id = "5e42b177965744a59b68af4cf24fc186",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer has not booked a payment", "收单机构未将一笔交易入账" },
                .merchant = { { "Ask the acquirer to book it: the customer has its receipt.",
                                "请收单机构补记：顾客持有签购单。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-other-amount",
                .id = "48f1b88823ec44268c9467ac262ac4ca",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked another amount", "收单机构入账金额不同" },
                .merchant = { { "Ask the acquirer to correct it: the receipt says what is here.",
                                "请收单机构更正：以签购单上的记录为准。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-other-kind",
                .id = "856a9893684e4cd18575c7f0a0cc303e",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked another kind", "收单机构入账类型不同" },
                .merchant = { { "Ask the acquirer to correct it: the receipt says what is here.",
                                "请收单机构更正：以签购单上的记录为准。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-other-rrn",
                .id = "9d3219434e834fd3a6a56510a1706193",
                .area = "acquirer",
                .class = NETWORK,
                .severity = WARNING,
                .symptom = { "The acquirer has another reference", "收单机构的参考号不同" },
                .merchant = { { "Compare the card and the time: it may be another transaction.",
                                "请核对卡号和时间：可能是另一笔交易。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-reversed-here",
                .id = "de9ef278db9444da873ba90f7a193387",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked what was reversed", "已冲正的交易仍入账" },
                .merchant = { { "Ask the acquirer to take it back: the terminal has reversed it.",
                                "请收单机构冲回：本终端已冲正这笔交易。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-not-approved-here",
                .id = "086e62eb936749639308f410c3148322",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked what was not paid", "未付款的交易仍入账" },
                .merchant = { { "Ask the acquirer to take it back: the customer was told that nothing was paid.",
                                "请收单机构冲回：顾客已被告知没有付款。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-unconfirmed-here",
                .id = "62446186f1ed45859719f2bdbde87aab",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked what is unconfirmed", "结果不明的交易已入账" },
                .merchant = { { "Resolve the transaction as approved: the acquirer has booked it.",
                                "请将这笔交易确认为已批准：收单机构已记账。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-rejected-here",
                .id = "b64e0ea36ec940ce95cd32d1ab861c95",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked what it had refused", "收单机构入账了其曾拒绝的交易" },
                .merchant = { { "Resolve the transaction as settled: the acquirer has booked it after all. Claim "
                                "nothing from the cardholder.",
                                "请将该交易裁定为已结清（settled）：收单机构最终已入账。不要再向持卡人追款。" } },
                .support = { STATEMENT },
        },
        {
                .code = "reconcile-twice-there",
                .id = "7269cc177ebb42bcb4a20bc0a6d4ad9a",
                .area = "acquirer",
                .class = NETWORK,
                .severity = ERROR,
                .symptom = { "The acquirer booked a payment twice", "一笔交易入账两次" },
                .merchant = { { "Ask the acquirer to take one of them back.", "请收单机构冲回其中一笔。" } },
                .support = { STATEMENT },
        },
        {},
};
