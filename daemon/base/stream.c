// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/stream.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

void stream_close(struct stream *s) {
        safe_close(s->fd);
        safe_close(s->own[0]);
        safe_close(s->own[1]);
        *s = STREAM_NONE;
}

static void stream_closep(struct stream *s) {
        stream_close(s);
}

enum kind { PIPE = 1, MEMORY = 2, DISK = 4 };

static enum kind kind_of(int fd, mode_t mode) {
        if (S_ISFIFO(mode))
                return PIPE;
        if (!S_ISREG(mode))
                return 0;
        /* Only what lives in memory has seals. */
        return fcntl(fd, F_GET_SEALS) < 0 ? DISK : MEMORY;
}

static int open_some(struct stream *s, int fd, int direction, unsigned kinds) {
        _cleanup_(stream_closep) struct stream opened = STREAM_NONE;
        struct stat st;
        enum kind kind;
        int mode;

        mode = fcntl(fd, F_GETFL);
        if (mode < 0 || fstat(fd, &st) < 0)
                return -errno;
        if ((mode & O_ACCMODE) != direction && (mode & O_ACCMODE) != O_RDWR)
                return -EBADF;
        kind = kind_of(fd, st.st_mode);
        if (!(kind & kinds))
                return -EMEDIUMTYPE;
        opened.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (opened.fd < 0)
                return -errno;
        /*
         * O_NONBLOCK is a flag of the pipe's other holders, too: one of them may clear it, and read away or fill up
         * what made us come. splice() from or to a pipe of our own does not wait for that; only for one that sits in
         * the kernel with the pipe's lock, while a page of his comes from a slow disk.
         */
        if (kind == PIPE) {
                opened.events = direction == O_RDONLY ? EPOLLIN : EPOLLOUT;
                if (pipe2(opened.own, O_CLOEXEC | O_NONBLOCK) < 0)
                        return -errno;
        }
        *s = opened;
        opened = STREAM_NONE;
        return 0;
}

/* Not any file: reading one may wait for its file system. */
int stream_open_reader(struct stream *s, int fd) {
        return open_some(s, fd, O_RDONLY, PIPE | MEMORY);
}

/* No memfd either: whoever writes to it at the same time has its lock for as long as he likes. */
int stream_open_writer(struct stream *s, int fd) {
        return open_some(s, fd, O_WRONLY, PIPE);
}

int stream_open_file(struct stream *s, int fd) {
        return open_some(s, fd, O_RDONLY, MEMORY | DISK);
}

static ssize_t move(int from, int to, size_t size) {
        ssize_t n = splice(from, NULL, to, NULL, size, SPLICE_F_NONBLOCK);

        if (n >= 0)
                return n;
        return errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t read_pipe(struct stream *s, void *buffer, size_t size) {
        ssize_t n = move(s->fd, s->own[1], size);

        if (n > 0 && read(s->own[0], buffer, (size_t) n) != n)
                return -EIO;
        return n;
}

ssize_t stream_read(struct stream *s, void *buffer, size_t size) {
        ssize_t n;

        if (s->events)
                return read_pipe(s, buffer, size);
        n = pread(s->fd, buffer, size, (off_t) s->at);
        if (n < 0)
                return -errno;
        s->at += (uint64_t) n;
        return n;
}

ssize_t stream_write(struct stream *s, const void *data, size_t size) {
        ssize_t n;

        if (s->held < size) {
                n = write(s->own[1], (const char *) data + s->held, size - s->held);
                if (n < 0 && errno != EAGAIN)
                        return -errno;
                if (n > 0)
                        s->held += (size_t) n;
        }
        n = move(s->own[0], s->fd, s->held);
        if (n > 0)
                s->held -= (size_t) n;
        return n;
}
