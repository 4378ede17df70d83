/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One question to a helper program that systemd starts for each connection to a SOCK_SEQPACKET socket: one packet
 * there, with files, and one back, with a file at most. What comes back is a claim, for the caller to look at.
 * For programs with an event loop.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

#define HELPER_FILES_MAX 2
#define HELPER_ANSWER_MAX 256

struct helper_call;

struct helper_question {
        const char *socket; /* its path */
        const void *packet;
        size_t size;
        const int *files; /* the caller's */
        size_t n_files;
        size_t answer_size; /* in bytes: an answer of another size is none */
        bool is_text;       /* the answer is a text of at most answer_size - 1 bytes, NUL-terminated for done() */
};

/*
 * Called once, never from inside helper_call_start(). error is 0 or a negative errno: -ETIME at the deadline,
 * -ECONNREFUSED or -ENOENT without a helper, -ECONNRESET when it has died, -EBADMSG for an answer of another size or
 * with several files. answer is NULL with an error; file is negative for none. Both are gone when this returns; the
 * call may be freed here, and must be at last.
 */
typedef void (*helper_call_done_t)(int error, const void *answer, int file, void *userdata);

/* Starts; deadline_usec counts from now. An error where it cannot even be tried (memory, descriptors). */
int helper_call_start(sd_event *event, const struct helper_question *question, uint64_t deadline_usec,
                      helper_call_done_t done, void *userdata, struct helper_call **ret);
/* Whether the question has left: a helper may have read it. */
bool helper_call_was_asked(const struct helper_call *call) _pure_;
/* Cancels what has not ended, without a call of done. */
struct helper_call *helper_call_free(struct helper_call *call);
DEFINE_CLEANUP(struct helper_call *, helper_call_free);
