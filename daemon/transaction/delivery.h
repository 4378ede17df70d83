/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One message to one person, through the first of some channels that takes it. */

#include "journal/contact.h"
#include "journal/notice.h"
#include "transaction/channels.h"

/* The longest text, with its end. */
#define DELIVERY_TEXT_SIZE 2048

/* How somebody is reached. */
struct delivery_way {
        enum notice_channel channels[_NOTICE_CHANNEL_MAX]; /* in the order to try */
        unsigned n_channels;
        char phone[PHONE_SIZE];          /* for sms and hook; "" for none */
        char mail[CONTACT_MAIL_MAX + 1]; /* "" for none */
        char language[8];
};

static inline void delivery_way_wipe(struct delivery_way *way) {
        explicit_bzero(way, sizeof(*way));
}

/* Leaves the channels out that have no address. Returns how many are left. */
unsigned delivery_way_prune(struct delivery_way *way);
/* How long until one of its channels is worth asking; 0: now, as for a way without a channel. */
uint64_t delivery_way_rest(const struct delivery_way *way, const struct channels *channels);
/* What its channels said last, one after another. */
void delivery_way_complaints(const struct delivery_way *way, const struct channels *channels,
                             char ret[static NOTICE_ERROR_SIZE]);
/* Leaves those out that rest. */
void delivery_way_leave_out(struct delivery_way *way, const struct channels *channels);
/* Where a channel leads to, masked. */
#define DELIVERY_ADDRESS_MAX 48
void delivery_way_mask(const struct delivery_way *way, enum notice_channel channel,
                       char ret[static DELIVERY_ADDRESS_MAX]);

struct delivery;

/*
 * Called once, never from inside delivery_start(). channel and text are those of the channel that took it (error 0);
 * else channel and error are those of the last one (NOTICE_MAYBE_SENT where any may have sent it), and text is what
 * each of them said. It has nothing in it of where the message went or what it said, and is borrowed.
 */
typedef void (*delivery_done_t)(int error, enum notice_channel channel, const char *text, void *userdata);

/*
 * All of the way's channels are asked, also those that rest; channels learn what they answer, and live on.
 * text: subject, one newline, body; copied, and wiped with the delivery. event is a word that lives on.
 * -EDESTADDRREQ for a way without a channel; else as notice_send(), when no channel could be asked.
 */
int delivery_start(struct channels *channels, const struct delivery_way *way, const char *text, const char *event,
                   delivery_done_t done, void *userdata, struct delivery **ret);
/* Without a call of done when it has not ended; takes NULL. Not from inside done: it is freed behind that. */
struct delivery *delivery_free(struct delivery *d);
DEFINE_CLEANUP(struct delivery *, delivery_free);
