// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-recover/recover.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/* $RUNTIME_DIRECTORY of the units: the lock, and what was done in this load of the module. */
#define STATE_FALLBACK "/run/till-recover-state"

static const char *state_folder(void) {
        const char *folder = getenv("RUNTIME_DIRECTORY");

        return isempty(folder) ? STATE_FALLBACK : folder;
}

/* Of a name in the folder. */
#define STATE_PATH_MAX 320

static void state_path(const char *name, char path[static STATE_PATH_MAX]) {
        (void) snprintf(path, STATE_PATH_MAX, "%s/%s", state_folder(), name);
}

int state_lock(void) {
        char path[STATE_PATH_MAX];
        int fd;

        if (mkdir(state_folder(), 0700) < 0 && errno != EEXIST)
                return -errno;
        state_path("lock", path);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        /* Kept open until the end. */
        return flock(fd, LOCK_EX) < 0 ? -errno : 0;
}

bool state_has(const char *name) {
        char path[STATE_PATH_MAX];

        state_path(name, path);
        return access(path, F_OK) == 0;
}

int state_set(const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char path[STATE_PATH_MAX];

        state_path(name, path);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : 0;
}

/* "PATH TEXT": a symbolic link has it all at once, or not at all. */
#define PLAN "plan"

int state_plan(const char *path, const char *text) {
        char link[STATE_PATH_MAX], plan[STATE_PATH_MAX];

        state_path(PLAN, link);
        (void) snprintf(plan, sizeof(plan), "%s %s", path, text);
        if (unlink(link) < 0 && errno != ENOENT)
                return -errno;
        return symlink(plan, link) < 0 ? -errno : 0;
}

int state_finish(void) {
        char link[STATE_PATH_MAX], plan[STATE_PATH_MAX];
        char *text;
        ssize_t n;
        int r;

        state_path(PLAN, link);
        n = readlink(link, plan, sizeof(plan) - 1);
        if (n < 0)
                return errno == ENOENT ? 0 : -errno;
        plan[n] = '\0';
        text = strchr(plan, ' ');
        if (!text) {
                (void) unlink(link);
                return -EBADMSG;
        }
        *text++ = '\0';
        r = sysfs_write(plan, text);
        /* What cannot be done now cannot be done later: the hub or the driver is gone. */
        if (unlink(link) < 0)
                return -errno;
        return r < 0 ? r : 1;
}
