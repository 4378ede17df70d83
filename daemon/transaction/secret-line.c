// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/secret-line.h"

#include "base/clock.h"
#include "base/secret.h"
#include "base/stream.h"

#define TIMEOUT_USEC (5 * USEC_PER_SEC)

/* In secret memory, all of it. */
struct secret_line {
        struct stream stream;
        sd_event_source *source, *timer;
        secret_line_done_t done;
        void *userdata;

        unsigned lines;
        size_t size;
        char text[SECRET_LINE_MAX + 2]; /* with the end of the line, and one to see that it is longer */
};

static void finish(struct secret_line *l, int result, const char *line) {
        l->source = sd_event_source_disable_unref(l->source);
        l->timer = sd_event_source_disable_unref(l->timer);
        l->done(result, line, l->userdata);
}

/* The end of the last line, NULL while it is not there. */
static char *find_end(struct secret_line *l) {
        char *newline = l->text - 1;

        for (unsigned i = 0; newline && i < l->lines; i++)
                newline = memchr(newline + 1, '\n', l->size - (size_t) (newline + 1 - l->text));
        return newline;
}

/* Whether this is the end: by whole lines, what fills the room, or the end of the file. */
static bool take(struct secret_line *l, bool at_end) {
        char *newline = find_end(l);
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

static int read_some(struct secret_line *l) {
        ssize_t n = stream_read(&l->stream, l->text + l->size, sizeof(l->text) - l->size);

        if (n == -EAGAIN)
                return 0;
        if (n < 0) {
                finish(l, (int) n, NULL);
                return 0;
        }
        l->size += (size_t) n;
        (void) take(l, n == 0 || !l->stream.events);
        return 0;
}

static int on_memory(sd_event_source *source, void *userdata) {
        return read_some(userdata);
}

static int on_pipe(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        return read_some(userdata);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata, -ETIMEDOUT, NULL);
        return 0;
}

static int listen(struct secret_line *l, sd_event *event) {
        return l->stream.events ? sd_event_add_io(event, &l->source, l->stream.fd, l->stream.events, on_pipe, l)
                                : sd_event_add_defer(event, &l->source, on_memory, l);
}

int secret_line_new(sd_event *event, int fd, unsigned lines, secret_line_done_t done, void *userdata,
                    struct secret_line **ret) {
        _cleanup_(secret_line_freep) struct secret_line *l = secret_new(sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->stream = STREAM_NONE;
        l->lines = lines;
        l->done = done;
        l->userdata = userdata;
        r = stream_open_reader(&l->stream, fd);
        if (r < 0)
                return r;
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
        stream_close(&l->stream);
        return secret_free(l);
}
