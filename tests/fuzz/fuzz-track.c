// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What comes from a magstripe reader: the first byte chooses the track, the rest is the track. A track that is
 * taken is made of what was in it, and one that is not leaves nothing behind.
 */

#include "device/track.h"
#include "tests/fuzz/fuzz.h"

static bool digits(const char *text, size_t min, size_t max) {
        size_t n = strspn(text, "0123456789");

        return text[n] == '\0' && n >= min && n <= max;
}

/* Of a masked text no more than ten digits are shown. */
static void try_masked(const uint8_t *data, size_t size) {
        char pan[TRACK_PAN_MAX + 1], service[4];
        size_t shown = 0;

        if (!track2_masked_parse(data, size, pan, service)) {
                check(!*pan && !*service);
                return;
        }
        for (const char *c = pan; *c; c++)
                shown += *c != '*';
        check(strlen(pan) >= 12 && shown <= 10 && strspn(pan, "0123456789*") == strlen(pan));
        check(digits(service, 0, 3));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const struct track empty;
        struct track track;
        bool first;

        if (size == 0)
                return 0;
        first = data[0] == '1';
        memset(&track, 0xA5, sizeof(track));
        data++;
        size--;
        try_masked(data, size);
        if (first)
                (void) track1_parse(data, size, 0, &track);
        else
                (void) track2_parse(data, size, 0, &track);

        if (track.status == TRACK_OK || track.status == TRACK_CHECK) {
                check(strlen(track.text) == size - 2 && memcmp(track.text, data + 1, size - 2) == 0);
                check(digits(track.pan, TRACK_PAN_MIN, TRACK_PAN_MAX));
                check(memcmp(data + (first ? 2 : 1), track.pan, strlen(track.pan)) == 0);
                check(digits(track.expiry, 0, 4) && digits(track.service, 0, 3));
                check(track_pan_check(track.pan) == (track.status == TRACK_OK));
                check(first || !track.name[0]);
        } else {
                track.status = empty.status;
                check(memcmp(&track, &empty, sizeof(track)) == 0);
        }
        return 0;
}
