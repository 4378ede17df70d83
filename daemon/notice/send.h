/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One message through one channel, or one question about a number: till-notify is asked, a helper that systemd starts
 * for each request. What it says is a claim: it decides nothing but whether the next channel is tried, and what a
 * number's country allows.
 */

#include <systemd/sd-event.h>

#include "notice/event.h"
#include "notice/message.h"

/* More than till-notify gives itself: what a channel says of its failure is heard. */
#define NOTICE_DEADLINE_USEC (75 * UINT64_C(1000000))

struct notice_call;

/*
 * Called once, never from inside the function that starts. error is 0, NOTICE_MAYBE_SENT at the deadline of a letter
 * and -ETIME at that of a number, -ECONNREFUSED or -ENOENT without a helper, -ECONNRESET when it has died, -EBADMSG
 * for an answer that cannot be, or what it answered. text: what the channel calls the message, or why it was not
 * taken; printable, borrowed, never NULL.
 */
typedef void (*notice_call_done_t)(int error, const char *text, void *userdata);

/*
 * Whether an error that came so speaks of the channel, which then has it for everybody: nothing is there, nothing
 * answers, it may not be used. All others speak of one message or one address.
 */
bool notice_error_is_of_channel(int error) _const_;

struct notice_letter {
        enum notice_channel channel;
        const char *address; /* E.164 for sms and hook, else a mail address */
        const char *subject;
        const char *body;
        const char *event; /* for the hook */
        const char *language;
        const char *directory; /* of the sockets; NULL: NOTICE_SOCKETS */
};

/* Strings are copied into a sealed file: -EMSGSIZE for too much. deadline_usec counts from now. */
int notice_send(sd_event *event, const struct notice_letter *letter, uint64_t deadline_usec, notice_call_done_t done,
                void *userdata, struct notice_call **ret);
/*
 * Whether a country gives this number to mobile phones. done's text is the country ("CN"); -EINVAL: no such number,
 * -EADDRNOTAVAIL: not a mobile one.
 */
int notice_check_number(sd_event *event, const char *directory, const char *phone, uint64_t deadline_usec,
                        notice_call_done_t done, void *userdata, struct notice_call **ret);
/* Cancels what has not ended, without a call of done. */
struct notice_call *notice_call_free(struct notice_call *call);
DEFINE_CLEANUP(struct notice_call *, notice_call_free);
