// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a printer sends back. The first byte chooses the answer that is waited for. A process id is never found
 * in bytes that do not hold it, cut the bytes where you like.
 */

#include "device/reply.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t id[REPLY_PROCESS_ID];
        struct reply whole, pieces;
        bool found, piecewise = false;
        size_t end = 0, position = 0;

        if (size == 0)
                return 0;
        if (data[0] & 1) {
                reply_process_id(0x1234, id);
                reply_expect_process_id(&whole, id);
        } else
                reply_expect_status(&whole);
        pieces = whole;
        data++;
        size--;

        found = reply_feed(&whole, data, size);
        for (size_t i = 0; i < size && !piecewise; i++)
                piecewise = reply_feed(&pieces, data + i, 1);
        if (found != piecewise)
                abort();
        if (!found || whole.expected_size == 0)
                return 0;
        /* The answer's bytes are there in their order. */
        for (; position < size && end < whole.expected_size; position++)
                if (data[position] == whole.expected[end])
                        end++;
        if (end < whole.expected_size)
                abort();
        return 0;
}
