/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why the terminal does not do what it is asked: a word for programs, a sentence for people. */

#include "base/macro.h"

enum refusal_code {
        REFUSAL_NONE,
        REFUSAL_UNKNOWN_KIND,
        REFUSAL_INVALID_AMOUNT,
        REFUSAL_UNKNOWN_CURRENCY,
        REFUSAL_INVALID_REFERENCE,
        REFUSAL_INVALID_ORIGINAL,
        REFUSAL_INVALID_NOTE,
        REFUSAL_INVALID_DESCRIPTOR,
        REFUSAL_UNKNOWN_OPTION,
        REFUSAL_TRAINING_MODE,
        REFUSAL_REFERENCE_REUSED,
        REFUSAL_BUSY,
        REFUSAL_UNAVAILABLE_DEVICE,
        REFUSAL_NOT_READY,
        REFUSAL_NOT_FOUND,
        REFUSAL_STALLED,
        REFUSAL_TOO_LATE,
        REFUSAL_NOT_ASKED,
        REFUSAL_NOT_LOGGED_ON,
        REFUSAL_INVALID_OPERATOR,
        REFUSAL_OPERATOR_EXISTS,
        REFUSAL_INVALID_CODE,
        REFUSAL_WRONG_CODE,
        REFUSAL_WRONG_ROLE,
        REFUSAL_LOCKED_OUT,
        REFUSAL_INVALID_TERMINAL,
        REFUSAL_INVALID_PHONE,
        REFUSAL_INVALID_CONTACT,
        _REFUSAL_MAX,
};

struct refusal {
        enum refusal_code code;
        char text[256]; /* names the thing and the next step */
};

/* Sets the refusal and returns its errno, negative. */
int refusal_set(struct refusal *ret, enum refusal_code code, const char *format, ...) _printf_(3, 4);

/* A positive errno for a code, 0 for REFUSAL_NONE. */
int refusal_to_errno(enum refusal_code code) _const_;
