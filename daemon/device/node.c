// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <sys/ioctl.h>

#include "device/node.h"

static int kernel_open(const char *path, int flags) {
        return open(path, flags);
}

static int kernel_ioctl(int fd, unsigned long request, void *argument) {
        return ioctl(fd, request, argument);
}

static const struct node_calls kernel_calls = { .open = kernel_open, .ioctl = kernel_ioctl };

const struct node_calls *node_calls = &kernel_calls;

int node_ioctl(int fd, unsigned long request, void *argument) {
        int r = node_calls->ioctl(fd, request, argument);

        return r < 0 ? -errno : r;
}

int node_open(const char *path, int flags, enum till_kind kind, struct till_info *ret_info) {
        struct till_info info = { .size = sizeof(info) };
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = node_calls->open(path, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        if (fd < 0)
                return -errno;
        r = node_ioctl(fd, TILL_GET_INFO, &info);
        if (r < 0)
                return r == -ENOTTY ? -EPROTO : r;
        if (info.kind != (uint32_t) kind)
                return -EPROTO;
        if (ret_info)
                *ret_info = info;
        return TAKE_FD(fd);
}
