// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/helper-call.h"

#include <sys/socket.h>
#include <sys/un.h>

#define ACCURACY_USEC 1000

struct helper_call {
        int fd;
        sd_event_source *io, *timer, *soon;
        int error; /* what `soon` is going to say */
        size_t answer_size;
        bool is_text;
        helper_call_done_t done;
        void *userdata;
};

static void call_stop(struct helper_call *call) {
        call->io = sd_event_source_disable_unref(call->io);
        call->timer = sd_event_source_disable_unref(call->timer);
        call->soon = sd_event_source_disable_unref(call->soon);
        call->fd = safe_close(call->fd);
}

struct helper_call *helper_call_free(struct helper_call *call) {
        if (!call)
                return NULL;
        call_stop(call);
        free(call);
        return NULL;
}

/* The last that is done: it may free the call. */
static void call_end(struct helper_call *call, int error, const void *answer, int file) {
        call_stop(call);
        call->done(error, error < 0 ? NULL : answer, file, call->userdata);
}

bool helper_call_was_asked(const struct helper_call *call) {
        return call->error >= 0;
}

/* ---- the question ---- */

static int send_question(int fd, const struct helper_question *question) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(HELPER_FILES_MAX * sizeof(int))];
        } control = {};
        size_t size = question->n_files * sizeof(int);
        struct iovec vector = { (void *) question->packet, question->size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

        if (size > 0) {
                control.header = (struct cmsghdr){ CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.header), question->files, size);
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(size);
        }
        return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static int call_ask(struct helper_call *call, sd_event *event, const struct helper_question *question) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        if (strlen(question->socket) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        COPY(address.sun_path, question->socket);
        call->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (call->fd < 0)
                return -errno;
        if (connect(call->fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        r = send_question(call->fd, question);
        if (r < 0)
                return r;
        return sd_event_add_io(event, &call->io, call->fd, EPOLLIN, on_answer, call);
}

/* ---- the answer ---- */

/* The only descriptor of a message in *ret, which stays -EBADF where there is none. -EBADMSG for several. */
static int take_file(struct msghdr *message, int *ret) {
        _cleanup_close_ int only = -EBADF;
        size_t n = 0;
        int fd;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t at = CMSG_LEN(0); at + sizeof(fd) <= c->cmsg_len; at += sizeof(fd)) {
                        memcpy(&fd, (uint8_t *) c + at, sizeof(fd));
                        safe_close(only);
                        only = fd;
                        n++;
                }
        }
        if (n > 1 || message->msg_flags & MSG_CTRUNC)
                return -EBADMSG;
        *ret = TAKE_FD(only);
        return 0;
}

/* 1 with an answer of so many bytes, 0 while there is nothing. */
static int receive_answer(int fd, void *answer, size_t size, size_t *ret_size, int *ret_file) {
        /* On 64 bits two descriptors have room where one does. */
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec vector = { answer, size };
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;
        int r;

        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        r = take_file(&message, ret_file);
        if (r < 0)
                return r;
        *ret_size = (size_t) n;
        return message.msg_flags & MSG_TRUNC ? -EBADMSG : 1;
}

/* Whether it is as the question said; a text gets its end. */
static bool take_answer(const struct helper_call *call, uint8_t answer[static HELPER_ANSWER_MAX], size_t size) {
        if (!call->is_text)
                return size == call->answer_size;
        if (size >= call->answer_size || memchr(answer, 0, size))
                return false;
        answer[size] = '\0';
        return true;
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct helper_call *call = userdata;
        _Alignas(max_align_t) uint8_t answer[HELPER_ANSWER_MAX];
        _cleanup_close_ int file = -EBADF;
        size_t size = 0;
        int r;

        r = receive_answer(fd, answer, call->answer_size, &size, &file);
        if (r > 0 && !take_answer(call, answer, size))
                r = -EBADMSG;
        if (r != 0)
                call_end(call, MIN(r, 0), answer, file);
        return 0;
}

static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        call_end(userdata, -ETIME, NULL, -EBADF);
        return 0;
}

static int on_soon(sd_event_source *s, void *userdata) {
        struct helper_call *call = userdata;

        call_end(call, call->error, NULL, -EBADF);
        return 0;
}

/* ---- the call ---- */

int helper_call_start(sd_event *event, const struct helper_question *question, uint64_t deadline_usec,
                      helper_call_done_t done, void *userdata, struct helper_call **ret) {
        _cleanup_(helper_call_freep) struct helper_call *call = NULL;
        int r;

        if (question->n_files > HELPER_FILES_MAX || question->answer_size > HELPER_ANSWER_MAX)
                return -EINVAL;
        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->fd = -EBADF;
        call->answer_size = question->answer_size;
        call->is_text = question->is_text;
        call->done = done;
        call->userdata = userdata;
        r = sd_event_add_time_relative(event, &call->timer, CLOCK_MONOTONIC, deadline_usec, ACCURACY_USEC, on_deadline,
                                       call);
        if (r < 0)
                return r;
        call->error = call_ask(call, event, question);
        if (call->error < 0) {
                r = sd_event_add_defer(event, &call->soon, on_soon, call);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(call);
        return 0;
}
