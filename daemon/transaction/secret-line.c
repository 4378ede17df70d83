// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/secret-line.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/secret.h"

#define TIMEOUT_USEC (5 * USEC_PER_SEC)

/* In secret memory, all of it. */
struct secret_line {
        int fd;
        int own[2]; /* a pipe that nobody else has; unused for a memfd */
        sd_event_source *source, *timer;
        secret_line_done_t done;
        void *userdata;

        size_t size;
        char text[SECRET_LINE_MAX + 2]; /* with the end of the line, and one to see that it is longer */
};

static void finish(struct secret_line *l, int result, const char *line) {
        l->source = sd_event_source_disable_unref(l->source);
        l->timer = sd_event_source_disable_unref(l->timer);
        l->done(result, line, l->userdata);
}

/* Whether this is the end: by a whole line, what fills the room, or the end of the file. */
static bool take(struct secret_line *l, bool at_end) {
        char *newline = memchr(l->text, '\n', l->size);
        size_t n = newline ? (size_t) (newline - l->text) : l->size;
        char *line;

        if (!newline && !at_end && l->size < sizeof(l->text))
                return false;
        if (n > SECRET_LINE_MAX) {
                finish(l, -EMSGSIZE, NULL);
                return true;
        }
        if (n == 0) {
                finish(l, -ENODATA, NULL);
                return true;
        }
        line = l->text;
        line[n] = '\0';
        finish(l, strlen(line) == n ? 0 : -EBADMSG, strlen(line) == n ? line : NULL);
        return true;
}

static int read_memfd(sd_event_source *source, void *userdata) {
        struct secret_line *l = userdata;
        ssize_t n = pread(l->fd, l->text, sizeof(l->text), 0);

        if (n < 0) {
                finish(l, -errno, NULL);
                return 0;
        }
        l->size = (size_t) n;
        (void) take(l, true);
        return 0;
}

/*
 * O_NONBLOCK is a flag of the pipe's other holders, too: one of them may clear it, and read away what made us come.
 * splice() into a pipe of our own does not wait whatever they do.
 */
static int read_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        struct secret_line *l = userdata;
        ssize_t n = splice(l->fd, NULL, l->own[1], NULL, sizeof(l->text) - l->size, SPLICE_F_NONBLOCK);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return 0;
        if (n > 0 && read(l->own[0], l->text + l->size, (size_t) n) != n) {
                errno = EIO;
                n = -1;
        }
        if (n < 0) {
                finish(l, -errno, NULL);
                return 0;
        }
        l->size += (size_t) n;
        (void) take(l, n == 0);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata, -ETIMEDOUT, NULL);
        return 0;
}

static int listen(struct secret_line *l, sd_event *event) {
        struct stat st;

        if (fstat(l->fd, &st) < 0)
                return -errno;
        if (S_ISFIFO(st.st_mode)) {
                if (pipe2(l->own, O_CLOEXEC | O_NONBLOCK) < 0)
                        return -errno;
                return sd_event_add_io(event, &l->source, l->fd, EPOLLIN, read_pipe, l);
        }
        /* Not any file: reading one may wait for its file system. Only what lives in memory has seals. */
        if (S_ISREG(st.st_mode) && fcntl(l->fd, F_GET_SEALS) >= 0)
                return sd_event_add_defer(event, &l->source, read_memfd, l);
        return -EMEDIUMTYPE;
}

int secret_line_new(sd_event *event, int fd, secret_line_done_t done, void *userdata, struct secret_line **ret) {
        _cleanup_(secret_line_freep) struct secret_line *l = secret_new(sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->own[0] = l->own[1] = l->fd = -EBADF;
        l->done = done;
        l->userdata = userdata;
        l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (l->fd < 0)
                return -errno;
        r = listen(l, event);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &l->timer, CLOCK_BOOTTIME, TIMEOUT_USEC, USEC_PER_MSEC, on_timeout, l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

struct secret_line *secret_line_free(struct secret_line *l) {
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->source);
        sd_event_source_disable_unref(l->timer);
        safe_close(l->fd);
        safe_close(l->own[0]);
        safe_close(l->own[1]);
        return secret_free(l);
}
