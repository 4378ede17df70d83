// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>

#include "transaction/refusal.h"

#include "base/unicode.h"

static const int errnos[_REFUSAL_MAX] = {
        [REFUSAL_NONE] = 0,
        [REFUSAL_UNKNOWN_KIND] = EOPNOTSUPP,
        [REFUSAL_INVALID_AMOUNT] = ERANGE,
        [REFUSAL_UNKNOWN_CURRENCY] = EINVAL,
        [REFUSAL_INVALID_REFERENCE] = EINVAL,
        [REFUSAL_INVALID_ORIGINAL] = EINVAL,
        [REFUSAL_INVALID_NOTE] = EINVAL,
        [REFUSAL_INVALID_DESCRIPTOR] = EMEDIUMTYPE,
        [REFUSAL_UNKNOWN_OPTION] = EINVAL,
        [REFUSAL_TRAINING_MODE] = EPERM,
        [REFUSAL_REFERENCE_REUSED] = EEXIST,
        [REFUSAL_BUSY] = EBUSY,
        [REFUSAL_UNAVAILABLE_DEVICE] = ENODEV,
        [REFUSAL_NOT_READY] = EAGAIN,
        [REFUSAL_NOT_FOUND] = ENOENT,
        [REFUSAL_STALLED] = ETIMEDOUT,
        [REFUSAL_TOO_LATE] = EALREADY,
        [REFUSAL_NOT_ASKED] = EAGAIN,
        [REFUSAL_NOT_LOGGED_ON] = EACCES,
        [REFUSAL_INVALID_OPERATOR] = EINVAL,
        [REFUSAL_OPERATOR_EXISTS] = EEXIST,
        [REFUSAL_INVALID_CODE] = EINVAL,
        [REFUSAL_WRONG_CODE] = EACCES,
        [REFUSAL_WRONG_ROLE] = EPERM,
        [REFUSAL_LOCKED_OUT] = EAGAIN,
        [REFUSAL_INVALID_TERMINAL] = EINVAL,
        [REFUSAL_INVALID_PHONE] = EINVAL,
        [REFUSAL_INVALID_CONTACT] = EINVAL,
};

int refusal_to_errno(enum refusal_code code) {
        return errnos[code];
}

int refusal_set(struct refusal *ret, enum refusal_code code, const char *format, ...) {
        char text[sizeof(ret->text)];
        va_list ap;

        ret->code = code;
        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        /* What a caller has said may be cut within a character, and the bus carries nothing but UTF-8. */
        COPY_CHARACTERS(ret->text, text);
        return -refusal_to_errno(code);
}
