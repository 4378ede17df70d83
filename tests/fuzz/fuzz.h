/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every fuzzer has: its entry, and a check that ends it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool right) {
        if (!right)
                abort();
}
