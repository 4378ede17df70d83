/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The channels to people, and which of them are worth asking. One that fails on its own account, as a modem that is
 * not there, fails for everybody: it rests for a minute, then for twice as long each time up to half an hour, until it
 * takes something. Nothing of that is in the journal: after a start each is asked.
 */

#include "notice/send.h"

struct channels {
        sd_event *loop;
        struct {
                unsigned failures;   /* in a row, on its own account */
                uint64_t until_boot; /* CLOCK_BOOTTIME until which it rests */
                char error[161];     /* what it said last */
        } channel[_NOTICE_CHANNEL_MAX];
};

/* What one has answered, as notice_call_done_t has it; the log says once that it fails, and that it is back. */
void channels_note(struct channels *c, enum notice_channel channel, int error, const char *text);
/* How long it rests yet; 0: it is worth asking. */
uint64_t channels_rest(const struct channels *c, enum notice_channel channel);
/* Each is asked again now, for something that does not wait; one that fails again rests as long as it would have. */
void channels_wake(struct channels *c);
