// SPDX-License-Identifier: LGPL-2.1-or-later
#include "receipt/render.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sealed-file.h"
#include "receipt/escpos.h"
#include "receipt/render-claim.h"

struct render_call {
        sd_event *event;
        struct sockaddr_un address;
        struct stored_page stored; /* its page is the caller's */
        enum render_face face;
        int page_fd;
        size_t page_size;
        int logo_fd;         /* -EBADF where there is none, or it is tried without */
        int logo_error;      /* -ETIME or -ECONNRESET, with it; 0 where it has not come to that */
        struct stat suspect; /* the logo's file then */

        int fd;
        sd_event_source *io, *timer, *soon;
        int error; /* what `soon` is going to say */
        uint64_t deadline_usec;

        uint8_t *data;
        render_callback_t callback;
        void *userdata;
};

/* The logo that a helper has died of or was too slow for, until tilld ends: its file's st_ino is 0 for none. */
static struct stat fatal_logo;

static bool is_fatal_logo(const struct stat *st) {
        return st->st_dev == fatal_logo.st_dev && st->st_ino == fatal_logo.st_ino &&
               st->st_size == fatal_logo.st_size && st->st_mtim.tv_sec == fatal_logo.st_mtim.tv_sec &&
               st->st_mtim.tv_nsec == fatal_logo.st_mtim.tv_nsec;
}

static void call_hang_up(struct render_call *call) {
        call->io = sd_event_source_disable_unref(call->io);
        call->fd = safe_close(call->fd);
}

struct render_call *render_call_free(struct render_call *call) {
        if (!call)
                return NULL;
        call_hang_up(call);
        sd_event_source_disable_unref(call->timer);
        sd_event_source_disable_unref(call->soon);
        sd_event_unref(call->event);
        safe_close(call->page_fd);
        safe_close(call->logo_fd);
        free(call->stored.rasters);
        free(call->data);
        free(call);
        return NULL;
}

/* The last that is done: the callback may free the call. */
static void call_end(struct render_call *call, int error, size_t size) {
        call_hang_up(call);
        call->timer = sd_event_source_disable_unref(call->timer);
        call->soon = sd_event_source_disable_unref(call->soon);
        call->callback(error, error < 0 ? NULL : call->data, error < 0 ? 0 : size, call->userdata);
}

/* ---- the question ---- */

static int call_store_page(struct render_call *call, const struct render_request *request) {
        _cleanup_free_ char *blob = NULL;
        int r;

        call->stored.page = request->page;
        call->stored.dots = request->profile->dots;
        call->stored.rasters = calloc(request->page->n_lines + 1, sizeof(*call->stored.rasters));
        if (!call->stored.rasters)
                return -ENOMEM;
        for (size_t i = 0; request->face == RENDER_RASTER && i < request->page->n_lines; i++)
                call->stored.rasters[i] = line_needs_raster(&request->page->lines[i], request->profile);
        r = page_to_blob(&call->stored, &blob, &call->page_size);
        if (r < 0)
                return r;
        r = call->page_fd = sealed_file_new("page", blob, call->page_size);
        return r < 0 ? r : 0;
}

static int call_send(struct render_call *call) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(2 * sizeof(int))];
        } control = {};
        int descriptors[] = { call->page_fd, call->logo_fd };
        size_t size = (call->logo_fd >= 0 ? 2 : 1) * sizeof(int);
        struct render_question question = { RENDER_VERSION, call->face, call->page_size };
        struct iovec vector = { &question, sizeof(question) };
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = CMSG_SPACE(size),
        };

        control.header = (struct cmsghdr){ CMSG_LEN(size), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), descriptors, size);
        return sendmsg(call->fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata);

static int call_ask(struct render_call *call) {
        int r;

        call->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (call->fd < 0)
                return -errno;
        if (connect(call->fd, (struct sockaddr *) &call->address, sizeof(call->address)) < 0)
                return -errno;
        r = call_send(call);
        if (r < 0)
                return r;
        return sd_event_add_io(call->event, &call->io, call->fd, EPOLLIN, on_answer, call);
}

/* ---- the answer ---- */

/* The only descriptor of a message, -EBADF for none or several; those are closed. */
static int only_descriptor(struct msghdr *message) {
        int fd, only = -EBADF;
        size_t n = 0;

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
        return n == 1 ? only : safe_close(only);
}

/* 1 with a file, 0 while there is nothing. */
static int answer_receive(int fd, struct render_answer *ret, int *ret_file) {
        /* On 64 bits two descriptors have room where one does. */
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec vector = { ret, sizeof(*ret) };
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        _cleanup_close_ int file = -EBADF;
        ssize_t n;

        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        file = only_descriptor(&message);
        if (n != sizeof(*ret) || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || ret->version != RENDER_VERSION)
                return -EBADMSG;
        if (ret->error != 0)
                return ret->error < 0 && ret->error > -4096 ? ret->error : -EBADMSG;
        if (file < 0)
                return -EBADMSG;
        *ret_file = TAKE_FD(file);
        return 1;
}

/* 1 when it is all there, 0 while there is nothing. */
static int call_take_answer(struct render_call *call, size_t *ret_size) {
        _cleanup_close_ int file = -EBADF;
        struct render_answer answer;
        int r;

        r = answer_receive(call->fd, &answer, &file);
        if (r <= 0)
                return r;
        if (answer.size > RENDER_SIZE_MAX)
                return -EBADMSG;
        r = sealed_file_read(file, answer.size, &call->data);
        if (r < 0)
                return r;
        r = render_claim_take(&call->stored, call->face, call->data, answer.size);
        if (r < 0 || call->face == RENDER_RASTER) {
                free(call->data);
                call->data = NULL;
        }
        if (r < 0)
                return r;
        *ret_size = call->face == RENDER_RASTER ? 0 : answer.size;
        return 1;
}

/* The merchant's picture is what of a page may end a helper: the rest is not lost for it. */
static int call_ask_without_logo(struct render_call *call, int error) {
        if ((error == -ETIME || error == -ECONNRESET) && fstat(call->logo_fd, &call->suspect) >= 0)
                call->logo_error = error;
        else
                log_warning_errno(error, "till-render does not draw the logo: the paper goes without");
        call_hang_up(call);
        call->logo_fd = safe_close(call->logo_fd);
        return call_ask(call);
}

/* The page alone is drawn: it was the logo, and the next paper does not wait for it as long again. */
static void call_blame_logo(struct render_call *call) {
        if (call->logo_error == 0 || is_fatal_logo(&call->suspect))
                return;
        fatal_logo = call->suspect;
        log_warning_errno(call->logo_error,
                          "till-render does not draw the logo: papers go without it until its file changes or tilld "
                          "is restarted");
}

static int on_answer(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct render_call *call = userdata;
        size_t size = 0;
        int r;

        r = call_take_answer(call, &size);
        if (r == 0)
                return 0;
        if (r < 0 && call->logo_fd >= 0) {
                r = call_ask_without_logo(call, r);
                if (r >= 0)
                        return 0;
        }
        if (r > 0)
                call_blame_logo(call);
        call_end(call, MIN(r, 0), size);
        return 0;
}

/* What takes so long may be the logo. */
static int on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        struct render_call *call = userdata;

        if (call->logo_fd >= 0 && sd_event_source_set_time_relative(s, call->deadline_usec) >= 0 &&
            sd_event_source_set_enabled(s, SD_EVENT_ONESHOT) >= 0 && call_ask_without_logo(call, -ETIME) >= 0)
                return 0;
        call_end(call, -ETIME, 0);
        return 0;
}

static int on_soon(sd_event_source *s, void *userdata) {
        struct render_call *call = userdata;

        call_end(call, call->error, 0);
        return 0;
}

/* ---- the call ---- */

static int call_start(struct render_call *call) {
        int r;

        r = sd_event_add_time_relative(call->event, &call->timer, CLOCK_MONOTONIC, call->deadline_usec, USEC_PER_MSEC,
                                       on_deadline, call);
        if (r < 0)
                return r;
        call->error = call_ask(call);
        if (call->error >= 0)
                return 0;
        return sd_event_add_defer(call->event, &call->soon, on_soon, call);
}

int render_start(sd_event *event, const struct render_request *request, uint64_t deadline_usec,
                 render_callback_t callback, void *userdata, struct render_call **ret) {
        const char *path = request->socket ?: RENDER_SOCKET;
        _cleanup_(render_call_freep) struct render_call *call = calloc(1, sizeof(*call));
        struct stat logo;
        int r;

        if (!call)
                return -ENOMEM;
        call->fd = call->page_fd = call->logo_fd = -EBADF;
        if (strlen(path) >= sizeof(call->address.sun_path))
                return -ENAMETOOLONG;
        call->address.sun_family = AF_UNIX;
        COPY(call->address.sun_path, path);
        call->event = sd_event_ref(event);
        call->face = request->face;
        call->callback = callback;
        call->userdata = userdata;
        call->deadline_usec = deadline_usec;
        if (request->logo_fd >= 0 && (fstat(request->logo_fd, &logo) < 0 || !is_fatal_logo(&logo))) {
                call->logo_fd = fcntl(request->logo_fd, F_DUPFD_CLOEXEC, 3);
                if (call->logo_fd < 0)
                        return -errno;
        }
        r = call_store_page(call, request);
        if (r < 0)
                return r;
        r = call_start(call);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(call);
        return 0;
}
