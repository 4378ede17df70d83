/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What tilld and till-notify say to each other over a SOCK_SEQPACKET socket: one request, one answer, a connection.
 *
 * The request brings a sealed file (base/sealed-file.h): strings, each with its 0 at the end, in the order of enum
 * notice_string. The socket says which channel it is; each has a unit and a sandbox of its own. Both programs are of
 * one machine and of one package: numbers are as it has them.
 */

#include "base/macro.h"

#define NOTICE_VERSION 1
#define NOTICE_SOCKETS "/run/till-notify" /* sms, mail, hook, number */
#define NOTICE_FILE_MAX 4096

enum notice_string {
        NOTICE_STRING_ADDRESS,
        NOTICE_STRING_SUBJECT,
        NOTICE_STRING_BODY,
        NOTICE_STRING_EVENT,
        NOTICE_STRING_LANGUAGE,
        _NOTICE_STRING_MAX, /* "number" has the address alone */
};

struct notice_question {
        uint32_t version;
        uint32_t size; /* of the file */
};

/*
 * An answer's error when nobody knows whether the message went out: it was handed on, and what became of it was not
 * heard in time. Every other error says that it did not go out.
 */
#define NOTICE_MAYBE_SENT (-EINPROGRESS)

struct notice_answer {
        uint32_t version;
        int32_t error;  /* 0, or a negative errno; notice_error_is_of_channel() tells of what it speaks */
        char text[160]; /* what the channel calls the message, or why it was not taken; ends with 0 */
};
