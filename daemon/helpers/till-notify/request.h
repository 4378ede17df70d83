/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What tilld asks for (notice/message.h), taken apart and checked. */

#include "notice/message.h"

struct request {
        uint8_t *data;
        size_t size;
        const char *strings[_NOTICE_STRING_MAX]; /* in data; NULL beyond those that were asked for */
};

#define REQUEST_NONE ((struct request){})

void request_done(struct request *request);

/*
 * Finds n strings in data, which holds them and nothing else: UTF-8, without control characters but the newlines of a
 * body; event and language are words. -EBADMSG for anything else.
 */
int request_parse(struct request *request, size_t n);
