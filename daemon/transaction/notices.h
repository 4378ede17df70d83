/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Notices on their way: queued in the commit of what they are about, sent one at a time while nothing else waits for
 * them, through the first channel that takes them, again with back-off until they are too old. A channel that fails
 * for everybody rests meanwhile (transaction/channels.h). No payment waits for a notice, and none is undone for one.
 *
 * Without a word of anybody's (contact_preference_load()) the bound phone is told of everything by sms, then hook;
 * a contact of security and binding by what it prefers, then whatever else it has an address for.
 */

#include "journal/notice.h"
#include "notice/event.h"
#include "notice/text.h"

struct engine;
struct notices;

int notices_new(struct engine *e, struct notices **ret);
struct notices *notices_free(struct notices *n);
DEFINE_CLEANUP(struct notices *, notices_free);

/* At the start, after adding, when a channel may be there again, or another phone is bound: what is due is sent. */
void notices_kick(struct notices *n);

/* Called after it is on the disk that one was delivered. One listener; NULL ends it. */
typedef void (*notices_delivered_t)(void *userdata);
void notices_listen(struct notices *n, notices_delivered_t listener, void *userdata);

struct notice_order {
        enum notice_event event;
        enum notice_template what;
        struct notice_fields fields; /* merchant, terminal and serial are filled in */
        int64_t transaction;         /* 0 for none */
        bool obliged;                /* also to whom preferences leave out */
        uint64_t life_usec;          /* it is sent for so long at least, by the terminal's uptime; 0: the usual */
};

/* To whom an order goes: to all who want to be told (NOTICE_TO_ALL), to contacts alone, or to one. */
#define NOTICE_TO_ALL (-1)
#define NOTICE_TO_CONTACTS (-2)
#define NOTICE_TO_PHONE 0
/* Who has the bound phone now: it goes to that number also when another one is bound meanwhile. */
#define NOTICE_TO_OLD_PHONE (-3)

/*
 * In the caller's journal transaction; then notices_kick() after the commit. Returns how many were queued: 0 where
 * nobody wants it, or no phone is bound.
 */
int notices_add(struct notices *n, const struct notice_order *order, int64_t to);

/*
 * One message now, which is stored nowhere: a code. Tries the channels for a phone in their order, also those that
 * rest. channel: the one that took it, "" with an error. Errors as notice_send().
 */
typedef void (*notices_now_done_t)(int error, const char *channel, const char *text, void *userdata);
struct notices_now;
int notices_send_now(struct notices *n, const struct notice_order *order, const char *phone, notices_now_done_t done,
                     void *userdata, struct notices_now **ret);
struct notices_now *notices_now_free(struct notices_now *now);
DEFINE_CLEANUP(struct notices_now *, notices_now_free);

/* The error of its last attempt; of one that waits for its first, what the channels said that rest. */
void notices_explain(struct notices *n, const struct notice_record *record, char ret[static NOTICE_ERROR_SIZE]);
/* How many wait. */
unsigned notices_count(const struct notices *n);
