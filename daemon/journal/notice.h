/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Notices to people: queued in the commit of what they are about, sent when a channel takes them, and kept as the
 * record of their delivery. What a notice says is sealed, and forgotten when it has been delivered or given up.
 */

#include "journal/connection.h"

#define NOTICE_TEXT_MAX 1500 /* bytes of subject and body, UTF-8 */
#define NOTICE_ERROR_SIZE 321

enum notice_state {
        NOTICE_QUEUED,
        NOTICE_DELIVERED, /* a channel has taken it */
        NOTICE_FAILED,    /* given up: too old */
        _NOTICE_STATE_MAX,
        _NOTICE_STATE_INVALID = -EINVAL,
};

const char *notice_state_to_string(enum notice_state state) _const_;
enum notice_state notice_state_from_string(const char *text) _pure_;

struct notice_record {
        int64_t id;          /* 1, 2, …: set by insert */
        char event[24];      /* notice/event.h */
        int64_t contact;     /* 0: whoever has the bound phone when it is sent; -3: who has, or had, binding 3 */
        int64_t binding;     /* in force when it was queued; 0: none. Sent under another one, it is late */
        int64_t transaction; /* that it is about, 0 for none */
        char text[NOTICE_TEXT_MAX + 1]; /* subject, one newline, body; "" once it has ended */
        bool unreadable;                /* set by each: it is damaged; the text is empty */

        enum notice_state state;
        uint32_t attempts;
        uint32_t maybe_sent;               /* of them, those of which nobody knows whether it went out */
        uint64_t next_usec;                /* CLOCK_REALTIME of the next attempt, 0 for now */
        uint64_t next_boot;                /* the same by CLOCK_BOOTTIME; of this boot only */
        uint64_t until_uptime;             /* uptime_get() at which it is given up */
        char channel[8];                   /* that took it, or was tried last; "" before */
        char address[48];                  /* masked, that it went to */
        char gateway_id[65];               /* what the channel calls it, "" for nothing */
        char error[NOTICE_ERROR_SIZE];     /* of the last attempt, "" for none; no numbers, no codes */
        bool late;                         /* it went to another phone than the one bound when it was queued */
        uint64_t created_usec, ended_usec; /* CLOCK_REALTIME; ended 0 while it is queued */
};

/* Sets id. */
int notice_record_insert(struct journal *j, struct notice_record *record);
/* Writes all that may change; an ended one loses its text. -EALREADY for one that has ended. */
int notice_record_update(struct journal *j, const struct notice_record *record);
int notice_record_load(struct journal *j, int64_t id, struct notice_record *ret);
/* The queued one that is given up first. -ENOENT for none. */
int notice_record_first_end(struct journal *j, int64_t *ret_id, uint64_t *ret_until_uptime);

/* Of the queued ones, the first for its recipient and event: who cannot be reached keeps nobody else waiting. */
struct notice_turn {
        int64_t id, contact;
        char event[24];
        uint64_t wait_usec; /* until its next attempt, 0: it is due */
};

/*
 * Called for each in the order in which they are sent: what is due first; of several that are due, what goes to the
 * phone of one binding, which tells who is no longer the bound one what is done in their name, then what is about
 * security or the bound phone, then the oldest. longest_usec: what nothing waits beyond. What each() returns other
 * than 0 ends the walk and is returned.
 */
typedef int (*notice_turn_each_t)(const struct notice_turn *turn, void *userdata);
int notice_record_each_turn(struct journal *j, uint64_t longest_usec, notice_turn_each_t each, void *userdata);
/* Makes all that are queued due now, as when another phone is bound. */
int notice_record_hurry(struct journal *j);
int notice_record_count_queued(struct journal *j);
/* Of an event, about a transaction. */
int notice_record_count_delivered(struct journal *j, const char *event, int64_t transaction);

/* The newest first, up to limit; what each() returns other than 0 ends the walk and is returned. */
typedef int (*notice_record_each_t)(const struct notice_record *record, void *userdata);
int notice_record_each(struct journal *j, unsigned limit, notice_record_each_t each, void *userdata);
/* Forgets up to limit of those that ended before; returns how many. */
int notice_record_purge(struct journal *j, uint64_t before_usec, unsigned limit);
