/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/fuzz/fuzz.h"

/* What is left of the input; zeros behind its end. */
struct input {
        const uint8_t *data;
        size_t size;
};

static uint8_t take(struct input *in) {
        if (in->size == 0)
                return 0;
        in->size--;
        return *in->data++;
}
