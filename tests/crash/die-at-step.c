// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Put before libc in tilld: it dies at its N-th step of those that come after "PID N" has been written to
 * /run/till-die, before it does it; at none for 0. A step is a pwrite() or a sync, which is what SQLite does to a
 * file, or a write() to a device; what is written to a file by write() is none. After "PID N ERRNO" it lives, and from
 * the N-th step on each of those to a file fails with that error until /run/till-die is gone. Of all this it says a
 * line on stderr: "step N WHAT" before each, then "died at step N" or "failed step N".
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

/* Counts the step, and dies at the one that was ordered. What it has to fail with, 0 where it is to be done. */
static int step(const char *what) {
        static struct timespec seen;
        struct stat st;

        if (stat("/run/till-die", &st) < 0)
                return 0;
        if (memcmp(&seen, &st.st_mtim, sizeof(seen)) != 0) {
                seen = st.st_mtim;
                read_order();
        }
        count++;
        dprintf(STDERR_FILENO, "step %lu %s\n", count, what);
        if (left == 0 || count < left)
                return 0;
        if (error == 0) {
                dprintf(STDERR_FILENO, "died at step %lu\n", count);
                (void) raise(SIGKILL);
        }
        return error;
}

/* Whether it is to be done; errno says why not. */
static int step_to_file(const char *what) {
        int r = step(what);

        if (r == 0)
                return 1;
        dprintf(STDERR_FILENO, "failed step %lu\n", count);
        errno = r;
        return 0;
}

int fsync(int fd) {
        static int (*next)(int fd);

        next = next ?: (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
        return step_to_file("sync") ? next(fd) : -1;
}

int fdatasync(int fd) {
        static int (*next)(int fd);

        next = next ?: (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
        return step_to_file("sync") ? next(fd) : -1;
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
        static ssize_t (*next)(int fd, const void *data, size_t size, off64_t at);

        next = next ?: (ssize_t(*)(int, const void *, size_t, off64_t)) dlsym(RTLD_NEXT, "pwrite64");
        return step_to_file("file") ? next(fd, data, size, at) : -1;
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
