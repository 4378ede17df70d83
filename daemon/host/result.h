/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The response codes of DE39, what they mean to people and what the terminal does about them. */

#include "base/macro.h"

enum host_action {
        HOST_ACTION_APPROVE,
        HOST_ACTION_DECLINE,
        HOST_ACTION_CALL,      /* the cashier rings the acquirer or issuer */
        HOST_ACTION_PICK_UP,   /* keep the card */
        HOST_ACTION_SIGN_ON,   /* sign on and try once more: keys or batch do not fit */
        HOST_ACTION_RETRY,     /* nothing was booked; a new attempt may go through */
        HOST_ACTION_UNKNOWN,   /* nobody says what was booked: a malfunction, an issuer that did not answer in time */
        HOST_ACTION_SETTLE,    /* settle first */
        HOST_ACTION_CONFIGURE, /* terminal or merchant is not set up at the acquirer */
};

struct host_result {
        char code[3];
        enum host_action action;
        const char *text; /* English, for the receipt, the cashier and the D-Bus message */
        const char *zh;   /* for the receipt */
};

/* Never NULL: an unknown code is a decline with a text that says so. code in the struct is then "". */
const struct host_result *host_result_find(const char *code);
const char *host_action_name(enum host_action action);
/*
 * Whether this answer to a request says what was booked: yes as it was asked, or nothing. An unknown code does not,
 * nor does one that approves a part of the sum.
 */
bool host_result_decides(const char *code);
/*
 * The same of what is sent until it is taken or refused for good: "not now" is no last word on it, and neither are
 * keys that did not fit.
 */
bool host_result_is_final(const char *code);
/* The keys did not fit, so the message was not looked at: A0, A7. */
bool host_result_refuses_keys(const char *code);
/* Whether this answer ends a reversal: 00, 12, 25. */
bool host_result_ends_reversal(const char *code);
/* Whether this answer ends a withdrawal: 00, for what is not known is withdrawn too. */
bool host_result_ends_withdrawal(const char *code);
