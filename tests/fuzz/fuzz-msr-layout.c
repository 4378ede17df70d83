// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel's reading of magstripe reports, against a hostile reader. The first byte chooses what the reader is: a
 * layout of the simulated ones, or one that the input describes; then reports, each with its length before it.
 * Whatever comes: a track with errors has nothing else, nothing is longer than its room, and where a reader encrypts
 * no text is called clear.
 */

#include "base/macro.h"
#include "tests/kernel-types.h"

#include "kernel/till_msr_layout.c"
#include "tests/fuzz/fuzz.h"

static void check_track(const struct till_msr_swipe *swipe, const struct till_msr_track *track) {
        static const struct till_msr_track empty;

        check(track->length <= sizeof(track->data) && track->encrypted_length <= sizeof(track->encrypted));
        check(track->encrypted_length % 8 == 0);
        check(memcmp(track->data + track->length, empty.data, sizeof(track->data) - track->length) == 0);
        check(memcmp(track->__reserved, empty.__reserved, sizeof(track->__reserved)) == 0);
        if (track->errors) {
                struct till_msr_track bad = { .errors = track->errors };

                check(memcmp(track, &bad, sizeof(bad)) == 0);
        }
        if (track->encrypted_length > 0) {
                check(swipe->encryption != TILL_MSR_ENCRYPTION_NONE);
                check(track->length == 0 || (track->flags & TILL_MSR_TRACK_MASKED));
        }
}

static void take(struct till_msr_decoder *decoder) {
        static const struct till_msr_decoder zero;
        struct till_msr_swipe swipe;

        memset(&swipe, 0xa5, sizeof(swipe));
        (void) till_msr_decoder_take(decoder, &swipe);
        check(swipe.size == 0 && swipe.sequence == 0 && swipe.time_ns == 0);
        check(swipe.ksn_length <= sizeof(swipe.ksn));
        for (size_t i = 0; i < TILL_MSR_TRACKS; i++)
                check_track(&swipe, &swipe.track[i]);
        /* No card data stays behind. */
        check(memcmp(&decoder->swipe, &zero.swipe, sizeof(zero.swipe)) == 0);
        check(memcmp(decoder->frame, zero.frame, sizeof(zero.frame)) == 0);
}

/* Fields of four bytes: page and usage in one, report, offset, length. */
static size_t describe(struct till_msr_decoder *decoder, const uint8_t *data, size_t size) {
        struct till_msr_layout *layouts[4];
        size_t n = MIN((size_t) data[0], (size - 1) / 4), i;

        for (i = 0; i < ELEMENTSOF(layouts); i++)
                layouts[i] = till_msr_decoder_add(decoder, (unsigned) i + 1, 200 + 100 * i);
        for (i = 0; i < n; i++) {
                const uint8_t *field = data + 1 + 4 * i;
                uint32_t usage = field[0] & 0x80 ? 0xff000000 : 0x008e0000;

                till_msr_layout_usage(layouts[field[1] % 4], usage | (field[0] & 0x7f), (size_t) 2 * field[2],
                                      field[3]);
        }
        return 1 + 4 * n;
}

static void fixed(struct till_msr_decoder *decoder, size_t size) {
        struct till_msr_layout *layout = till_msr_decoder_add(decoder, 0, size);

        till_msr_layout_usage(layout, 0xff000031, 0, size);
}

static size_t choose(struct till_msr_decoder *decoder, const uint8_t *data, size_t size) {
        static const size_t sizes[] = { 509, 560, 64, 8, 337 };
        struct till_msr_layout *layout;

        if (data[0] < ELEMENTSOF(sizes)) {
                decoder->dialect = TILL_MSR_DIALECT_IDTECH;
                fixed(decoder, sizes[data[0]]);
                return 1;
        }
        if (data[0] == 5) {
                fixed(decoder, 337);
                return 1;
        }
        if (data[0] == 6) {
                layout = till_msr_decoder_add(decoder, 0, 856);
                for (unsigned i = 0; i < 7; i++)
                        till_msr_layout_usage(layout, 0xff000000 | (unsigned) "\x20\x21\x22\x28\x29\x2a\x38"[i], i, 1);
                for (unsigned i = 0; i < 3; i++)
                        till_msr_layout_usage(layout, 0xff000030 + i, 7 + 112 * i, 112);
                return 1;
        }
        return size > 1 ? 1 + describe(decoder, data + 1, size - 1) : 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct till_msr_decoder decoder = {};
        size_t at;

        if (size < 1)
                return 0;
        at = choose(&decoder, data, size);
        if (!till_msr_layout_finish(&decoder))
                return 0;
        check((till_msr_decoder_features(&decoder) & TILL_MSR_FEATURE_DECODED) != 0);

        while (size - at >= 3) {
                unsigned id = decoder.layout[data[at] % decoder.layouts].id;
                size_t length = (size_t) data[at + 1] << 8 | data[at + 2], n = MIN(length, size - at - 3);
                uint8_t *report = calloc(1, MAX(length, (size_t) 1));

                /* As long as it says, for the sanitizer; zeros where the input ends. */
                if (!report)
                        abort();
                memcpy(report, data + at + 3, n);
                at += 3 + n;
                if (till_msr_decoder_repeats(&decoder, id))
                        take(&decoder);
                if (till_msr_decoder_push(&decoder, id, report, length) == TILL_MSR_RESULT_SWIPE)
                        take(&decoder);
                free(report);
        }
        if (till_msr_decoder_busy(&decoder))
                take(&decoder);
        return 0;
}
