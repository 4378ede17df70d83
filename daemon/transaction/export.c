// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/export.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/clock.h"
#include "transaction/upkeep.h"

/* What a pipe takes at once when poll says that it takes something. */
#define PIPE_ROOM 4096
/* A reader that does nothing for so long has forgotten about it. */
#define STALL_USEC (60 * USEC_PER_SEC)
/* Left for payments. */
#define FREE_SPACE_MIN (UINT64_C(64) << 20)

struct export {
        struct journal_export *lines;
        int fd;
        bool pipe;
        char *path, *unfinished; /* of a file of our own; it is there under the second name until it is finished */

        char *pending;
        size_t size, written;
        bool last;           /* nothing comes after what is pending */
        uint64_t moved_usec; /* CLOCK_BOOTTIME */
};

struct export *export_free(struct export *x) {
        if (!x)
                return NULL;
        if (x->unfinished)
                (void) unlink(x->unfinished);
        journal_export_free(x->lines);
        safe_close(x->fd);
        free(x->pending);
        free(x->path);
        free(x->unfinished);
        free(x);
        return NULL;
}

static int export_new(struct journal *j, int fd, struct export **ret) {
        _cleanup_(export_freep) struct export *x = calloc(1, sizeof(*x));
        int r;

        if (!x) {
                safe_close(fd);
                return -ENOMEM;
        }
        x->fd = fd;
        x->moved_usec = clock_now(CLOCK_BOOTTIME);
        r = journal_export_new(j, &x->lines);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(x);
        return 0;
}

int export_to_fd(struct journal *j, int fd, struct export **ret) {
        _cleanup_close_ int taken = fd;
        struct stat st;
        int mode, r;

        mode = fcntl(fd, F_GETFL);
        if (mode < 0 || fstat(fd, &st) < 0)
                return -errno;
        if ((mode & O_ACCMODE) == O_RDONLY)
                return -EBADF;
        if (!S_ISREG(st.st_mode) && !S_ISFIFO(st.st_mode))
                return -EINVAL;
        r = export_new(j, TAKE_FD(taken), ret);
        if (r >= 0)
                (*ret)->pipe = S_ISFIFO(st.st_mode);
        return r;
}

static int name_file(const char *folder, const char *mode, char **ret) {
        time_t now = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
        char text[32];
        struct tm tm;

        if (!gmtime_r(&now, &tm) || strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -EINVAL;
        return asprintf(ret, "%s/journal-%s-%s.jsonl", folder, mode, text) < 0 ? -ENOMEM : 0;
}

int export_to_folder(struct journal *j, const char *folder, const char *mode, struct export **ret) {
        _cleanup_free_ char *path = NULL, *unfinished = NULL;
        int fd, r;

        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        r = name_file(folder, mode, &path);
        if (r < 0)
                return r;
        if (asprintf(&unfinished, "%s.new", path) < 0)
                return -ENOMEM;
        fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        r = export_new(j, fd, ret);
        if (r < 0) {
                (void) unlink(unfinished);
                return r;
        }
        (*ret)->path = TAKE_PTR(path);
        (*ret)->unfinished = TAKE_PTR(unfinished);
        return 0;
}

static int check_room(const struct export *x) {
        struct statvfs disk;

        if (!x->path)
                return 0;
        if (fstatvfs(x->fd, &disk) < 0)
                return -errno;
        return (uint64_t) disk.f_bavail * disk.f_frsize < FREE_SPACE_MIN ? -ENOSPC : 0;
}

/* 1 when there is room, 0 when there is none now. */
static int wait_for_room(struct export *x) {
        struct pollfd p = { .fd = x->fd, .events = POLLOUT };

        if (!x->pipe)
                return 1;
        if (poll(&p, 1, 0) < 0)
                return -errno;
        if (p.revents & (POLLERR | POLLHUP))
                return -EPIPE;
        if (p.revents & POLLOUT)
                return 1;
        return clock_now(CLOCK_BOOTTIME) - x->moved_usec > STALL_USEC ? -ETIMEDOUT : 0;
}

/* 1 when nothing is pending any more, 0 when the reader has to read first. */
static int write_pending(struct export *x) {
        int r;

        while (x->written < x->size) {
                size_t n = x->size - x->written;
                ssize_t l;

                r = wait_for_room(x);
                if (r <= 0)
                        return r;
                l = write(x->fd, x->pending + x->written, x->pipe ? MIN(n, (size_t) PIPE_ROOM) : n);
                if (l < 0 && errno == EAGAIN)
                        return 0;
                if (l < 0)
                        return -errno;
                x->written += (size_t) l;
                x->moved_usec = clock_now(CLOCK_BOOTTIME);
        }
        return 1;
}

int export_slice(struct journal *j, void *userdata) {
        struct export *x = userdata;
        int r;

        r = write_pending(x);
        if (r < 0)
                return r;
        if (r == 0)
                return UPKEEP_LATER;
        if (x->last)
                return 0;
        r = check_room(x);
        if (r < 0)
                return r;
        free(x->pending);
        x->pending = NULL;
        x->size = x->written = 0;
        r = journal_export_slice(j, x->lines, &x->pending, &x->size);
        if (r < 0)
                return r;
        x->last = r == 0;
        return 1;
}

int export_finish(struct export *x, const char **ret_path) {
        *ret_path = x->path;
        if (!x->path)
                return 0;
        if (fsync(x->fd) < 0 || rename(x->unfinished, x->path) < 0)
                return -errno;
        free(x->unfinished);
        x->unfinished = NULL;
        return 0;
}

void export_progress(const struct export *x, uint64_t *ret_done, uint64_t *ret_total) {
        journal_export_progress(x->lines, ret_done, ret_total);
}
