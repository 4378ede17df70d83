/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The backup contacts: people who are told when the bound phone changes, or is not reached. Their numbers are sealed.
 */

#include "base/phone.h"
#include "journal/connection.h"

#define CONTACT_NAME_MAX 64
#define CONTACT_MAIL_MAX 128
#define CONTACTS_MAX 16
/* "sms mail hook", with its end. */
#define CONTACT_CHANNELS_SIZE 16

struct contact_record {
        int64_t id;                      /* 1, 2, …: set by insert, never used twice */
        uint32_t position;               /* they are told in this order; 1 is the first */
        char name[CONTACT_NAME_MAX + 1]; /* UTF-8 */
        char phone[PHONE_SIZE];          /* "" for none */
        char mail[CONTACT_MAIL_MAX + 1]; /* "" for none */
        char channel[8];                 /* the preferred one: sms, mail or hook */
        char language[8];                /* zh_CN or en */
        uint64_t added_usec;             /* CLOCK_REALTIME */
        uint64_t removed_usec;           /* 0: is one */
        bool unreadable;                 /* set by load: it is damaged; name, phone and mail are empty */
        uint64_t removed_uptime; /* uptime_get() of then: who was one a short time ago is told of a lost phone */
};

/* -ENOSPC beyond CONTACTS_MAX. Those from its position on move down; 0 and what is too much are behind the last. */
int contact_record_insert(struct journal *j, struct contact_record *record);
/* As one that was removed at (uptime); sets id. There may be any number of these. */
int contact_record_insert_former(struct journal *j, struct contact_record *record, uint64_t uptime);
/* Writes name, phone, mail, channel, language, and position as insert does. -ENOENT for one that is none. */
int contact_record_update(struct journal *j, const struct contact_record *record);
/* Those behind move up. -ENOENT for one that is none. */
int contact_record_remove(struct journal *j, int64_t id, uint64_t uptime);
/* Forgets those that were removed before (uptime): who they were is needed no longer. */
int contact_record_forget(struct journal *j, uint64_t removed_before);
/* Also one that was removed. */
int contact_record_load(struct journal *j, int64_t id, struct contact_record *ret);
int contact_record_count(struct journal *j);

/* Called for each, by position, then those removed at or after removed_since (uptime; UINT64_MAX: none of these). */
typedef int (*contact_record_each_t)(const struct contact_record *record, void *userdata);
int contact_record_each(struct journal *j, uint64_t removed_since, contact_record_each_t each, void *userdata);

/*
 * What somebody wants to be told of, and how: channels in the order to try, separated by spaces, "" for not at all.
 * contact 0 is the bound phone. -ENOENT where nothing was said: the default counts (transaction/notices.h).
 */
int contact_preference_load(struct journal *j, int64_t contact, const char *event,
                            char ret[static CONTACT_CHANNELS_SIZE]);
int contact_preference_store(struct journal *j, int64_t contact, const char *event, const char *channels);
