// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/channels.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/unicode.h"
#include "transaction/timer.h"

#define REST_FIRST_USEC (60 * USEC_PER_SEC)
#define REST_LAST_USEC (30 * 60 * USEC_PER_SEC)

uint64_t channels_rest(const struct channels *c, enum notice_channel channel) {
        uint64_t now = clock_now(CLOCK_BOOTTIME), until = c->channel[channel].until_boot;

        return until > now ? until - now : 0;
}

static void took(struct channels *c, enum notice_channel channel) {
        if (c->channel[channel].failures > 0)
                log_info("Messages go out by %s again", notice_channel_to_string(channel));
        c->channel[channel].failures = 0;
        c->channel[channel].until_boot = 0;
}

static void failed(struct channels *c, enum notice_channel channel, const char *text) {
        unsigned failures = ++c->channel[channel].failures;

        if (failures == 1)
                log_warning("No message goes out by %s (%s): it is tried again after a minute, then less often",
                            notice_channel_to_string(channel), text);
        COPY_CHARACTERS(c->channel[channel].error, text);
        c->channel[channel].until_boot =
                clock_now(CLOCK_BOOTTIME) + timer_back_off(failures, REST_FIRST_USEC, REST_LAST_USEC);
}

void channels_note(struct channels *c, enum notice_channel channel, int error, const char *text) {
        if (error == 0)
                took(c, channel);
        /* Who asks for a code asks one that rests too: that makes the rest no longer. */
        else if (notice_error_is_of_channel(error) && channels_rest(c, channel) == 0)
                failed(c, channel, text);
}

void channels_wake(struct channels *c) {
        for (enum notice_channel channel = 0; channel < _NOTICE_CHANNEL_MAX; channel++)
                c->channel[channel].until_boot = 0;
}
