// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transaction/export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/clock.h"
#include "transaction/upkeep.h"

/* So much is given to the disk at a time: all of it at the end would keep a customer waiting. */
#define SYNC_SIZE (1 << 20)
/* Left for payments. */
#define FREE_SPACE_MIN (UINT64_C(64) << 20)

struct export {
        struct journal_export *lines;
        struct stream pipe;      /* or */
        int fd;                  /* of a file of our own */
        char *path, *unfinished; /* its names; it is there under the second one until it is finished */
        size_t unsynced;

        char *pending;
        size_t size, written;
        bool last; /* nothing comes after what is pending */
};

struct export *export_free(struct export *x) {
        if (!x)
                return NULL;
        if (x->unfinished)
                (void) unlink(x->unfinished);
        journal_export_free(x->lines);
        stream_close(&x->pipe);
        safe_close(x->fd);
        free(x->pending);
        free(x->path);
        free(x->unfinished);
        free(x);
        return NULL;
}

static int export_new(struct journal *j, struct export **ret) {
        _cleanup_(export_freep) struct export *x = calloc(1, sizeof(*x));
        int r;

        if (!x)
                return -ENOMEM;
        x->pipe = STREAM_NONE;
        x->fd = -EBADF;
        r = journal_export_new(j, &x->lines);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(x);
        return 0;
}

int export_to_pipe(struct journal *j, int fd, struct export **ret) {
        _cleanup_(export_freep) struct export *x = NULL;
        int r;

        r = export_new(j, &x);
        if (r >= 0)
                r = stream_open_writer(&x->pipe, fd);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(x);
        return 0;
}

static int name_file(const char *folder, const char *name, char **ret) {
        time_t now = (time_t) (clock_now(CLOCK_REALTIME) / USEC_PER_SEC);
        char text[32];
        struct tm tm;

        if (!gmtime_r(&now, &tm) || strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm) == 0)
                return -EINVAL;
        return asprintf(ret, "%s/%s-%s.jsonl", folder, name, text) < 0 ? -ENOMEM : 0;
}

int export_to_folder(struct journal *j, const char *folder, const char *name, struct export **ret) {
        _cleanup_(export_freep) struct export *x = NULL;
        _cleanup_free_ char *unfinished = NULL;
        int r;

        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
                return -errno;
        r = export_new(j, &x);
        if (r >= 0)
                r = name_file(folder, name, &x->path);
        if (r < 0)
                return r;
        if (asprintf(&unfinished, "%s.new", x->path) < 0)
                return -ENOMEM;
        x->fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (x->fd < 0)
                return -errno;
        x->unfinished = TAKE_PTR(unfinished);
        *ret = TAKE_PTR(x);
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

static ssize_t write_file(struct export *x, const char *data, size_t size) {
        ssize_t n = write(x->fd, data, size);

        if (n < 0)
                return -errno;
        x->unsynced += (size_t) n;
        if (x->unsynced >= SYNC_SIZE) {
                if (fdatasync(x->fd) < 0)
                        return -errno;
                x->unsynced = 0;
        }
        return n;
}

static int write_pending(struct export *x) {
        while (x->written < x->size) {
                const char *data = x->pending + x->written;
                size_t size = x->size - x->written;
                ssize_t n = x->path ? write_file(x, data, size) : stream_write(&x->pipe, data, size);

                if (n < 0)
                        return (int) n;
                x->written += (size_t) n;
        }
        return 0;
}

int export_slice(struct journal *j, void *userdata) {
        struct export *x = userdata;
        int r;

        r = write_pending(x);
        if (r < 0)
                return r == -EAGAIN && !x->path ? UPKEEP_WAIT : r;
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

const struct stream *export_get_stream(const struct export *x) {
        return &x->pipe;
}

void export_progress(const struct export *x, uint64_t *ret_done, uint64_t *ret_total) {
        journal_export_progress(x->lines, ret_done, ret_total);
}
