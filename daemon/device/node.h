/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The system calls on a till node, where a unit test puts a scripted device in. */

#include "base/macro.h"
#include "kernel/include/uapi/linux/till.h"

struct node_calls {
        int (*open)(const char *path, int flags);                    /* -1 and errno, as open(2) */
        int (*ioctl)(int fd, unsigned long request, void *argument); /* -1 and errno, as ioctl(2) */
};

/* The kernel's, unless a test sets its own. */
extern const struct node_calls *node_calls;

/*
 * Opens a node with O_CLOEXEC and `flags`, and checks that it is of the kind (enum till_kind). Returns the
 * descriptor, the caller's, or a negative errno: -EPROTO for another kind. ret_info may be NULL.
 */
int node_open(const char *path, int flags, enum till_kind kind, struct till_info *ret_info);
/* What ioctl(2) returns, or a negative errno. */
int node_ioctl(int fd, unsigned long request, void *argument);
