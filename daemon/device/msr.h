/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The magstripe reader: holds its node open while connected, and gives swipes while armed. */

#include <systemd/sd-event.h>

#include "device/track.h"

#define MSR_KSN_MAX 12
#define MSR_CRYPTOGRAM_MAX 128

/* Track 2 as the reader encrypted it, alone; sizes are 0 where it did not. */
struct msr_encrypted {
        uint8_t ksn[MSR_KSN_MAX]; /* of DUKPT */
        size_t ksn_size;
        uint8_t cryptogram[MSR_CRYPTOGRAM_MAX];
        size_t cryptogram_size;
        char masked_pan[TRACK_PAN_MAX + 1]; /* "" where the reader shows nothing of it */
        char service[4];                    /* likewise */
};

/* Secret memory of the reader; wiped as soon as the callback returns. */
struct msr_swipe {
        uint32_t sequence; /* as the driver counts, from 1 */
        uint32_t lost;     /* swipes lost before this one since the last that was given */
        uint64_t time;     /* CLOCK_BOOTTIME, microseconds */
        struct track track1;
        struct track track2;
        bool no_start; /* a track begins with something else than its start sentinel: swiped the wrong way round */
        struct msr_encrypted encrypted; /* where track2.status is TRACK_ENCRYPTED */
};

struct msr;

struct msr_listener {
        void (*swipe)(struct msr *msr, const struct msr_swipe *swipe, void *userdata);
        /* The node failed or the device went; the node is closed already. error is a negative errno. */
        void (*closed)(struct msr *msr, int error, void *userdata);
        void *userdata;
};

int msr_new(sd_event *event, const struct msr_listener *listener, struct msr **ret_msr);
/* Closes first; takes NULL, returns NULL. Not from within a callback of the same reader. */
struct msr *msr_free(struct msr *msr);
DEFINE_CLEANUP(struct msr *, msr_free);

/* Opens the node, disarmed. -EALREADY when open, -EBUSY when another program holds it, else as open(2). */
int msr_open(struct msr *msr, const char *node);
/* Disarms and closes; not an error when closed. No callback. */
void msr_close(struct msr *msr);
bool msr_is_open(const struct msr *msr);

/* Takes swipes from now on; what was swiped before is dropped. Nothing when armed already. -ENOTCONN when closed. */
int msr_arm(struct msr *msr);
bool msr_is_armed(const struct msr *msr);
/* Drops swipes from now on; when it returns no further one is given. 0 when closed. */
int msr_disarm(struct msr *msr);
