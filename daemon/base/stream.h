/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading or writing that never waits, of a descriptor that somebody else has opened and still holds: not for silence,
 * not for a file system that is a program of theirs, not for what another holder of a pipe does between poll and us.
 */

#include "base/macro.h"

struct stream {
        int fd;
        uint32_t events; /* of epoll, when -EAGAIN was said; 0 for what never says it */
        int own[2];      /* a pipe that nobody else has */
        size_t held;     /* in it, on the way out */
        uint64_t at;     /* of what has places */
};

#define STREAM_NONE ((struct stream){ .fd = -EBADF, .own = { -EBADF, -EBADF } })

/* These take a copy of fd. -EMEDIUMTYPE for what might have to be waited for, -EBADF for a wrong or missing end. */
int stream_open_reader(struct stream *s, int fd); /* a pipe or memfd */
int stream_open_writer(struct stream *s, int fd); /* a pipe */
/* For reading a file of a disk of our own. */
int stream_open_file(struct stream *s, int fd);
void stream_close(struct stream *s);

/* 0 at the end, -EAGAIN while there is nothing. */
ssize_t stream_read(struct stream *s, void *buffer, size_t size);
/* How much has left, -EAGAIN for nothing. What has not is offered again, unchanged, at the next call. */
ssize_t stream_write(struct stream *s, const void *data, size_t size);
