/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "base/clock.h"
#include "care/acts.h"

#define ACT_SWIPES 6
#define ACT_DEVICES 16
#define ACT_UNPLUGGED 3

struct act_swipe {
        int64_t transaction;
        bool good;
};

struct act_device {
        char id[40];                       /* "" for a free place */
        uint64_t unplugged[ACT_UNPLUGGED]; /* the last times, CLOCK_BOOTTIME; the newest first */
        uint64_t errors, errors_usec;      /* communication_error_count when the count of them began … */
        uint64_t read, read_usec;          /* … and when it was read last */
        bool failing;                      /* its fault was opened … */
        uint64_t checked;                  /* … and the count was this when that was looked at */
};

struct acts {
        struct engine *engine;
        struct faults *faults;

        /* The transaction that runs. */
        int64_t transaction;
        unsigned hindrances;   /* of it that are dealt with */
        const char *hindrance; /* the last one */
        bool shown;            /* its fault is */

        struct act_swipe swipes[ACT_SWIPES]; /* the newest first */
        unsigned good_swipes, mute_chips;    /* in a row */

        /* An EMV reader that has failed: perhaps it is only being unplugged. */
        char reader[40];
        uint64_t reader_since;
        int64_t reader_transaction;
        sd_event_source *reader_failed;

        struct act_device devices[ACT_DEVICES];
        sd_event_source *unstable, *errors;   /* when what was opened of them has come to its end */
        sd_event_source *printer, *card_left; /* when the look believes them */
};

void act_observe(struct acts *a, const char *code, const char *subject, int64_t transaction, const char *detail);
bool act_is_open(struct acts *a, const char *code, const char *subject);
/* Sets a timer anew, made by the first call. */
void act_later(struct acts *a, sd_event_source **source, uint64_t usec, sd_event_time_handler_t handler);

/* acts-card.c */
void acts_card_transaction(struct acts *a, const struct transaction_view *view, enum transaction_event event);
/* Also one of which that is not certain yet. */
bool acts_reader_has_failed(struct acts *a, const char *id);
/* acts-device.c */
void acts_read_errors(struct acts *a);
/* A card is in: whether it still is in a minute. */
void acts_watch_card(struct acts *a);
/* What was open when tilld began. */
void acts_start_devices(struct acts *a);
