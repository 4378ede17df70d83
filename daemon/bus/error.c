// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/error.h"

static const char *const names[_REFUSAL_MAX] = {
        [REFUSAL_UNKNOWN_KIND] = BUS_ERROR_UNKNOWN_KIND,
        [REFUSAL_INVALID_AMOUNT] = BUS_ERROR_INVALID_AMOUNT,
        [REFUSAL_UNKNOWN_CURRENCY] = BUS_ERROR_UNKNOWN_CURRENCY,
        [REFUSAL_INVALID_REFERENCE] = BUS_ERROR_INVALID_REFERENCE,
        [REFUSAL_INVALID_ORIGINAL] = BUS_ERROR_INVALID_ORIGINAL,
        [REFUSAL_UNKNOWN_OPTION] = BUS_ERROR_UNKNOWN_OPTION,
        [REFUSAL_TRAINING_MODE] = BUS_ERROR_TRAINING_MODE,
        [REFUSAL_REFERENCE_REUSED] = BUS_ERROR_REFERENCE_REUSED,
        [REFUSAL_BUSY] = BUS_ERROR_BUSY,
        [REFUSAL_UNAVAILABLE_DEVICE] = BUS_ERROR_UNAVAILABLE_DEVICE,
        [REFUSAL_NOT_READY] = BUS_ERROR_NOT_READY,
        [REFUSAL_NOT_FOUND] = BUS_ERROR_NOT_FOUND,
        [REFUSAL_TOO_LATE] = BUS_ERROR_TOO_LATE,
        [REFUSAL_NOT_ASKED] = BUS_ERROR_NOT_ASKED,
};

int bus_error_set_refusal(sd_bus_error *error, const struct refusal *refusal) {
        (void) sd_bus_error_set(error, names[refusal->code], refusal->text);
        return -refusal_to_errno(refusal->code);
}
