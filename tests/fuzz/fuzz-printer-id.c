// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A printer's reply to GET_DEVICE_ID. The id lies within what came, and is text up to its end; what it is said to be
 * does not hang on what follows it.
 */

#include "base/macro.h"
#include "tests/kernel-types.h"

#include "kernel/till_ieee1284.c"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t length = till_ieee1284_length(data, size);
        _cleanup_free_ uint8_t *id = NULL;

        if (length > 0 && length > size - 2)
                abort();
        if (length > 0 && memchr(data + 2, 0, length))
                abort();
        /* Of its own size, for the sanitizer to see a step beyond. */
        id = malloc(length);
        if (!id)
                return 0;
        if (length > 0)
                memcpy(id, data + 2, length);
        if (till_ieee1284_is_receipt_printer(id, length) && length < strlen("CMD:EPSON;MDL:POS") &&
            length < strlen("CMD:ESC/POS"))
                abort();
        return 0;
}
