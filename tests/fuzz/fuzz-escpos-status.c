// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's reading of a printer's back channel. Every byte comes out once: replies in their order, automatic
 * status whole, and at most three bytes are kept back.
 */

#include "base/macro.h"
#include "tests/kernel-types.h"

#include "kernel/till_escpos.c"
#include "tests/fuzz/fuzz.h"

/* Finds a reply in the input, behind the one before. */
static void expect_next(const uint8_t *data, size_t size, size_t *position, uint8_t byte) {
        /* These overtake a status that breaks off. */
        if (till_escpos_is_realtime(byte))
                return;
        while (*position < size && data[*position] != byte)
                (*position)++;
        if (*position == size)
                abort();
        (*position)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct till_escpos escpos = {};
        struct till_escpos_result result;
        size_t out = 0, position = 0;

        for (size_t i = 0; i < size; i++) {
                till_escpos_feed(&escpos, data[i], &result);
                if (result.reply_length > sizeof(result.reply) || (result.status && result.reply_length > 0))
                        abort();
                for (size_t j = 0; j < result.reply_length; j++)
                        expect_next(data, i + 1, &position, result.reply[j]);
                out += result.reply_length + (result.status ? TILL_ESCPOS_ASB_SIZE : 0);
                if (result.status && ((escpos.asb[0] & 0x93) != 0x10 || (escpos.asb[1] & 0x90) != 0 ||
                                      (escpos.asb[2] & 0x90) != 0 || (escpos.asb[3] & 0x90) != 0))
                        abort();
                if (out + escpos.asb_length != i + 1)
                        abort();
        }
        return 0;
}
