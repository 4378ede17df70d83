/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A helper's place at its socket, for tests of what asks one (base/helper-call.h). Inline: not every test uses all. */

#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/macro.h"

#define FAKE_FILES_MAX 2

/* A folder of its own under /tmp with the socket in it; returns the listening descriptor. */
static inline int fake_helper_listen(char directory[static 64], const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        strcpy(directory, "/tmp/test-helper-XXXXXX");
        assert_non_null(mkdtemp(directory));
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", directory, name);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static inline void fake_helper_remove(const char *directory, const char *name) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        (void) unlink(path);
        (void) rmdir(directory);
}

/* Takes the question; its files are the test's. Returns how many. */
static inline size_t fake_helper_take(int fd, void *packet, size_t size, int files[static FAKE_FILES_MAX]) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FAKE_FILES_MAX * sizeof(int))];
        } control = {};
        struct iovec vector = { packet, size };
        struct msghdr message = {
                .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        size_t n;

        assert_int_equal(recvmsg(fd, &message, 0), size);
        assert_int_equal(control.header.cmsg_type, SCM_RIGHTS);
        n = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(files, CMSG_DATA(&control.header), n * sizeof(int));
        return n;
}

static inline void fake_helper_send(int fd, const void *packet, size_t size, const int *files, size_t n) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(FAKE_FILES_MAX * sizeof(int))];
        } control = { .header = { CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
        struct iovec vector = { (void *) packet, size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

        if (n > 0) {
                memcpy(CMSG_DATA(&control.header), files, n * sizeof(int));
                message.msg_control = &control;
                message.msg_controllen = CMSG_LEN(n * sizeof(int));
        }
        assert_true(sendmsg(fd, &message, MSG_NOSIGNAL) >= 0);
}

static inline size_t count_descriptors(void) {
        DIR *dir = opendir("/proc/self/fd");
        size_t n = 0;

        assert_non_null(dir);
        while (readdir(dir))
                n++;
        closedir(dir);
        return n;
}
