// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Put before libc in tilld: it dies at its N-th step of those that come after "PID N" has been written to
 * /run/till-die, before it does it. A step is a write to a file or a device, or a sync. After "PID N ERRNO" it lives,
 * and from that step on each to a file fails with that error until /run/till-die is gone. With N of 0 it says on
 * stderr how many there were.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define MAJOR_MEMORY 1 /* /dev/null and its like */

static unsigned long left, count;
static int error;

static void read_order(void) {
        char text[64] = "", *end;
        int fd;

        left = count = 0;
        error = 0;
        fd = open("/run/till-die", O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        if (read(fd, text, sizeof(text) - 1) > 0 && strtol(text, &end, 10) == getpid()) {
                left = strtoul(end, &end, 10);
                error = (int) strtol(end, NULL, 10);
        }
        (void) close(fd);
}

/* Whether the step is to be done. */
static int step(const char *what) {
        static struct timespec seen;
        struct stat st;

        if (stat("/run/till-die", &st) < 0)
                return 1;
        if (memcmp(&seen, &st.st_mtim, sizeof(seen)) != 0) {
                seen = st.st_mtim;
                read_order();
        }
        count++;
        dprintf(STDERR_FILENO, "step %lu %s\n", count, what);
        if (left == 0 || count < left)
                return 1;
        if (error == 0)
                (void) raise(SIGKILL);
        errno = error;
        return 0;
}

int fsync(int fd) {
        static int (*next)(int fd);

        next = next ?: (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
        return step("sync") ? next(fd) : -1;
}

int fdatasync(int fd) {
        static int (*next)(int fd);

        next = next ?: (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
        return step("sync") ? next(fd) : -1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
        static ssize_t (*next)(int fd, const void *data, size_t size, off64_t at);

        next = next ?: (ssize_t(*)(int, const void *, size_t, off64_t)) dlsym(RTLD_NEXT, "pwrite64");
        return step("file") ? next(fd, data, size, at) : -1;
}

ssize_t write(int fd, const void *data, size_t size) {
        static ssize_t (*next)(int fd, const void *data, size_t size);
        struct stat st;

        next = next ?: (ssize_t(*)(int, const void *, size_t)) dlsym(RTLD_NEXT, "write");
        /* A device takes what it is given, however full the disk is. */
        if (fstat(fd, &st) >= 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) != MAJOR_MEMORY)
                (void) step("device");
        return next(fd, data, size);
}
