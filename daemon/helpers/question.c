// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/question.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "base/helper-call.h"
#include "base/log.h"

/* A request that does not come is no reason to stay. */
#define WAIT_SECONDS 5

bool question_serve(int (*serve)(int fd)) {
        int r;

        if (sd_listen_fds(1) != 1)
                return false;
        r = serve(SD_LISTEN_FDS_START);
        if (r < 0)
                log_warning_errno(r, "The question could not be read or answered");
        return true;
}

/* Returns how many have come; those beyond n are closed. */
static size_t take_files(struct msghdr *message, int *files, size_t n) {
        size_t come = 0;
        int file;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t at = CMSG_LEN(0); at + sizeof(file) <= c->cmsg_len; at += sizeof(file), come++) {
                        memcpy(&file, (uint8_t *) c + at, sizeof(file));
                        if (come < n)
                                files[come] = file;
                        else
                                safe_close(file);
                }
        }
        return come;
}

int question_receive(int fd, void *packet, size_t size, int *files, size_t n_files) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(HELPER_FILES_MAX * sizeof(int))];
        } control;
        struct timeval timeout = { .tv_sec = WAIT_SECONDS };
        struct iovec vector = { packet, size };
        struct msghdr message = {
                .msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        size_t come;
        ssize_t n;

        for (size_t i = 0; i < n_files; i++)
                files[i] = -EBADF;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n <= 0)
                return n < 0 ? -errno : 0;
        come = take_files(&message, files, n_files);
        if ((size_t) n != size || come > n_files || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EBADMSG;
        return 1;
}

int question_answer(int fd, const void *packet, size_t size, int file) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec vector = { (void *) packet, size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

        if (file >= 0) {
                memcpy(CMSG_DATA(&control.header), &file, sizeof(file));
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
        }
        return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void end(int signal) {
        _exit(EXIT_SUCCESS);
}

int question_end_with_peer(int fd) {
        const struct sigaction action = { .sa_handler = end };
        struct msghdr nothing = {};
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || sigaction(SIGIO, &action, NULL) < 0 || fcntl(fd, F_SETOWN, getpid()) < 0 ||
            fcntl(fd, F_SETFL, flags | O_ASYNC) < 0)
                return -errno;
        /* Of what was before, no signal comes. */
        if (recvmsg(fd, &nothing, MSG_PEEK | MSG_DONTWAIT) == 0)
                _exit(EXIT_SUCCESS);
        return 0;
}
