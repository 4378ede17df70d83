// SPDX-License-Identifier: LGPL-2.1-or-later
#include "host/result.h"

/* ISO 8583 codes with the UnionPay additions (A0 to A7); in ASCII order. */
static const struct host_result results[] = {
        { "00", HOST_ACTION_APPROVE, "Approved" },
        { "01", HOST_ACTION_CALL, "Call the card issuer" },
        { "03", HOST_ACTION_CONFIGURE, "The acquirer does not know this merchant" },
        { "04", HOST_ACTION_PICK_UP, "Declined: keep the card" },
        { "05", HOST_ACTION_DECLINE, "Declined by the card issuer" },
        { "06", HOST_ACTION_UNKNOWN, "Failed at the acquirer: try again" },
        { "07", HOST_ACTION_PICK_UP, "Declined: keep the card" },
        { "09", HOST_ACTION_UNKNOWN, "Still in progress: try again" },
        { "10", HOST_ACTION_APPROVE, "Approved in part" },
        { "11", HOST_ACTION_APPROVE, "Approved" },
        { "12", HOST_ACTION_DECLINE, "Transaction not valid" },
        { "13", HOST_ACTION_DECLINE, "Amount not valid" },
        { "14", HOST_ACTION_DECLINE, "Card number not valid" },
        { "15", HOST_ACTION_DECLINE, "Unknown card issuer" },
        { "16", HOST_ACTION_APPROVE, "Approved" },
        { "21", HOST_ACTION_DECLINE, "Card not activated" },
        { "22", HOST_ACTION_UNKNOWN, "Failed at the acquirer: try again" },
        { "25", HOST_ACTION_DECLINE, "Original transaction not found" },
        { "30", HOST_ACTION_RETRY, "The acquirer could not read the message" },
        { "34", HOST_ACTION_PICK_UP, "Declined: keep the card" },
        { "38", HOST_ACTION_PICK_UP, "PIN tried too often" },
        { "40", HOST_ACTION_DECLINE, "The acquirer does not offer this transaction" },
        { "41", HOST_ACTION_PICK_UP, "Lost card: keep it" },
        { "43", HOST_ACTION_PICK_UP, "Stolen card: keep it" },
        { "45", HOST_ACTION_DECLINE, "Fallback not allowed: insert the chip" },
        { "51", HOST_ACTION_DECLINE, "Not enough money in the account" },
        { "54", HOST_ACTION_DECLINE, "Card has expired" },
        { "55", HOST_ACTION_DECLINE, "Wrong PIN" },
        { "57", HOST_ACTION_DECLINE, "Card does not allow this transaction" },
        { "58", HOST_ACTION_CONFIGURE, "Terminal not set up for this transaction" },
        { "59", HOST_ACTION_DECLINE, "Declined: suspected fraud" },
        { "61", HOST_ACTION_DECLINE, "Amount is above the card's limit" },
        { "62", HOST_ACTION_DECLINE, "Card is restricted" },
        { "64", HOST_ACTION_DECLINE, "Amount differs from the original's" },
        { "65", HOST_ACTION_DECLINE, "Card was used too often" },
        { "68", HOST_ACTION_UNKNOWN, "Card issuer did not answer in time" },
        { "75", HOST_ACTION_DECLINE, "PIN tried too often" },
        { "77", HOST_ACTION_SIGN_ON, "Batch number differs: sign on" },
        { "79", HOST_ACTION_DECLINE, "Offline record was uploaded again" },
        { "90", HOST_ACTION_RETRY, "The acquirer closes its day: try again later" },
        { "91", HOST_ACTION_RETRY, "Card issuer is not available" },
        { "92", HOST_ACTION_RETRY, "Card issuer cannot be reached" },
        { "94", HOST_ACTION_DECLINE, "Duplicate transaction" },
        { "95", HOST_ACTION_SETTLE, "Batch totals differ" },
        { "96", HOST_ACTION_UNKNOWN, "The acquirer is out of order" },
        { "97", HOST_ACTION_CONFIGURE, "The acquirer does not know this terminal" },
        { "98", HOST_ACTION_UNKNOWN, "The acquirer had no answer from the card issuer" },
        { "99", HOST_ACTION_SIGN_ON, "PIN block not valid: sign on" },
        { "A0", HOST_ACTION_SIGN_ON, "Message authentication failed: sign on" },
        { "A2", HOST_ACTION_APPROVE, "Approved; ask the card issuer" },
        { "A4", HOST_ACTION_APPROVE, "Approved; ask the card issuer" },
        { "A5", HOST_ACTION_APPROVE, "Approved; ask the card issuer" },
        { "A6", HOST_ACTION_APPROVE, "Approved; ask the card issuer" },
        { "A7", HOST_ACTION_SIGN_ON, "Keys not in step: sign on" },
};

static const struct host_result unknown = { "", HOST_ACTION_DECLINE, "Declined with a code that is not in the table" };

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
