// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/reason.h"

/*
 * What a person reads for each reason. The word is the API; the sentence may change. It is true of each kind that can
 * end like that: "booked" is said of payments and of what is given back alike.
 */
static const struct {
        const char *word;
        const char *sentence;
        const char *about; /* instead, of a kind about another transaction, which no other card goes for */
        const char *alone; /* instead, of a kind without an amount, of which nothing is taken back */
} reasons[] = {
        { "cancelled", N_("Cancelled; nothing was booked.") },
        { "card-timeout", N_("No card came in time; nothing was booked. Start again with a new reference.") },
        { "choice-timeout",
          N_("No application of the card was chosen in time; nothing was booked. Start again with a new reference.") },
        { "card-removed",
          N_("The card was taken out too early; nothing was booked. Start again, leave the card in.") },
        { "card-mute", N_("The chip does not answer; nothing was booked. Clean the card, or take another one."),
          .about = N_("The chip does not answer; nothing was booked. Clean the card, then start again.") },
        { "card-silent",
          N_("The card stopped answering; nothing was booked. Take it out, wipe the chip, start again.") },
        { "card-not-accepted", N_("This terminal does not accept this card; nothing was booked. Ask for another one."),
          .about = N_("This terminal does not accept this card; nothing was booked. If it is the right one, ask the "
                      "acquirer.") },
        { "card-blocked",
          N_("The card is blocked; nothing was booked. Ask for another one; the cardholder's bank knows why."),
          .about = N_("The card is blocked; nothing was booked. The cardholder's bank knows why; if it is the right "
                      "one, ask the acquirer.") },
        { "card-malformed", N_("The card's data is wrong; nothing was booked. Ask for another card."),
          .about = N_("The card's data is wrong; nothing was booked. Clean the card, then start again; if it stays "
                      "so, ask the acquirer.") },
        { "card-declined", N_("The card declined. Ask for another one.") },
        { "card-not-genuine",
          N_("The card could not prove that it is genuine; nothing was booked. Ask for another one.") },
        { "terminal-declined", N_("The terminal's rules do not allow this card here. Ask for another one.") },
        { "live-card", N_("This is a real card and the terminal is in test or training mode. Use a test card.") },
        { "reader-failed", N_("The card reader failed; nothing was booked. Check its plug, then start again.") },
        { "worker-failed",
          N_("The card could not be processed; nothing was booked. Start again with a new reference.") },
        { "no-memory", N_("The terminal is out of memory; nothing was booked. Start again with a new reference.") },
        { "unreachable-host",
          N_("The acquirer cannot be reached; nothing was booked. Check the network, then start again.") },
        { "reversal-pending", N_("An earlier transaction is still being taken back, and the acquirer does not answer; "
                                 "nothing was booked. Check the network, then start again.") },
        { "no-answer", N_("The acquirer did not answer in time. What it may have booked is being taken back. Start "
                          "again with a new reference.") },
        { "bad-answer", N_("The acquirer's answer cannot be used. What it may have booked is being taken back. Start "
                           "again with a new reference.") },
        { "not-completed",
          N_("Approved by the acquirer but not completed by the card. The booking is being taken back. Start again "
             "with a new reference."),
          .alone = N_("Answered by the acquirer but not completed by the card; nothing was booked. Start again with a "
                      "new reference.") },
        { "cut-off", N_("The terminal was restarted in the middle. What may have been booked is being taken back. "
                        "Start again with a new reference.") },
        { "interrupted",
          N_("The terminal was restarted in the middle; nothing was booked. Start again with a new reference."),
          .alone = N_("The terminal was restarted in the middle. Do it again with a new reference; a settlement goes "
                      "on where it was.") },
        { "unconfirmed", N_("The acquirer gave no answer that decides: it is not known whether it was booked. Do not "
                            "repeat it; ask the acquirer, then have a supervisor resolve it.") },
        { "unanswered", N_("The acquirer gave no answer that can be used; nothing was booked. Try again.") },
        { "bad-download", N_("What the acquirer gave cannot be used; the terminal goes on with what it has. The "
                             "terminal's log says what is wrong.") },
        { "not-made",
          N_("The request to the acquirer could not be made; nothing was booked. The terminal's log says why."),
          .alone = N_("The next message to the acquirer could not be made. The terminal's log says why.") },
        { "no-sign-on", N_("The acquirer did not accept the sign-on. The terminal's log says why.") },
        { "other-card", N_("This is not the card of the original transaction; nothing was booked. Start again with "
                           "the right one.") },
        { "approval-timeout",
          N_("No supervisor came to approve; nothing was booked. Start again with a new reference.") },
        { "offline", N_("Approved without the acquirer, which is told later.") },
        { "offline-not-allowed", N_("The acquirer cannot be reached, and no more may be approved without it; nothing "
                                    "was booked. Check the network, then start again.") },
        { "resolved", N_("A supervisor has recorded how this ended.") },
        { "balanced", N_("The batch is settled; the acquirer has the same totals.") },
        { "uploaded", N_("The batch is settled; the acquirer had other totals and was sent the details.") },
        { "settle-again", N_("The acquirer does not answer; the batch stays as it is until it does. Check the "
                             "network, then settle again.") },
        { "not-all-told", N_("The acquirer has yet to be told of earlier transactions, and does not answer; the batch "
                             "is not settled. Check the network, then settle again.") },
        { "unresolved", N_("It is not known whether the acquirer has booked one of the transactions; the batch is not "
                           "settled. Have a supervisor resolve it, then settle again.") },
        { "not-reconciled",
          N_("The acquirer cannot compare the totals; the batch stays frozen. Settle again; if it stays so, call the "
             "acquirer, and have a supervisor resolve this settlement as settled.") },
        { "settlement-refused",
          N_("The acquirer refused the settlement; the batch stays frozen. Settle again; if it stays so, call the "
             "acquirer, and have a supervisor resolve this settlement as settled.") },
        { "batch-differs",
          N_("The acquirer expects another batch number; this batch is not empty and keeps its own, frozen. Call the "
             "acquirer; what is agreed a supervisor records by resolving this settlement as settled.") },
        { "by-agreement", N_("The acquirer refused the settlement; the batch was ended by agreement with it.") },
        { "reversal-rejected", N_("The acquirer has rejected the reversal of an earlier transaction; nothing was "
                                  "booked. A supervisor has to resolve that one first.") },
        { "storage", N_("The terminal cannot write its journal; nothing was booked. Free space on its disk.") },
};

const char *reason_to_sentence(const char *word, const struct kind *kind) {
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++) {
                if (!streq(reasons[i].word, word))
                        continue;
                if (kind && kind_has_original(kind) && reasons[i].about)
                        return reasons[i].about;
                return kind && !kind->amount && reasons[i].alone ? reasons[i].alone : reasons[i].sentence;
        }
        return "";
}

const char *reason_to_cause(const char *word) {
        static const struct {
                const char *word, *cause;
        } causes[] = {
                { "card-declined", "卡片拒绝交易\nDeclined by the card" },
                { "card-not-genuine", "卡片未通过真伪验证\nThe card could not prove that it is genuine" },
                { "terminal-declined", "终端拒绝交易\nDeclined by the terminal" },
                { "live-card", "测试或训练终端不受理真实卡\nNo real cards in test or training mode" },
                { "no-answer", "收单行应答超时\nThe acquirer did not answer in time" },
                { "bad-answer", "收单行应答无效\nThe acquirer's answer cannot be used" },
                { "not-completed", "卡片未完成交易\nNot completed by the card" },
                { "card-removed", "卡片过早取出\nThe card was taken out too early" },
                { "card-silent", "卡片停止应答\nThe card stopped answering" },
                { "reader-failed", "读卡器故障\nThe card reader failed" },
                { "worker-failed", "卡片处理失败\nThe card could not be processed" },
                { "cut-off", "终端中途重启\nThe terminal was restarted in the middle" },
                { "unconfirmed", "收单行未给出明确结果\nThe acquirer gave no clear result" },
        };

        for (size_t i = 0; i < ELEMENTSOF(causes); i++)
                if (streq(causes[i].word, word))
                        return causes[i].cause;
        return NULL;
}

const char *action_to_cause(enum host_action action) {
        switch (action) {
        case HOST_ACTION_PICK_UP:
                return "发卡行拒绝交易\nDeclined by the card issuer";
        case HOST_ACTION_SIGN_ON:
        case HOST_ACTION_SETTLE:
        case HOST_ACTION_CONFIGURE:
                return "终端暂不能交易\nThe terminal cannot take it now";
        default:
                return NULL;
        }
}

const char *reason_of_card(enum emv_reason reason) {
        static const char *const words[] = {
                [EMV_REASON_NONE] = "worker-failed",
                [EMV_REASON_TERMINAL] = "terminal-declined",
                [EMV_REASON_CARD] = "card-declined",
                [EMV_REASON_ISSUER] = "refused",
                [EMV_REASON_UNABLE_ONLINE] = "unreachable-host",
                [EMV_REASON_CARD_AFTER_ISSUER] = "not-completed",
                [EMV_REASON_AUTHENTICATION] = "card-not-genuine",
                [EMV_REASON_REMOVED] = "card-removed",
                [EMV_REASON_MUTE] = "card-mute",
                [EMV_REASON_NOT_ACCEPTED] = "card-not-accepted",
                [EMV_REASON_BLOCKED] = "card-blocked",
                [EMV_REASON_MALFORMED] = "card-malformed",
                [EMV_REASON_LIVE_CARD] = "live-card",
                [EMV_REASON_READER] = "reader-failed",
                [EMV_REASON_TIMEOUT] = "card-silent",
                /* Who cancels does so here, and the worker has no say in it. */
                [EMV_REASON_CANCELLED] = "worker-failed",
                [EMV_REASON_ABORTED] = "worker-failed",
        };

        return words[reason];
}
