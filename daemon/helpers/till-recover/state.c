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

int state_lock(void) {
        char path[256];
        int fd;

        if (mkdir(state_folder(), 0700) < 0 && errno != EEXIST)
                return -errno;
        (void) snprintf(path, sizeof(path), "%s/lock", state_folder());
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return -errno;
        /* Kept open until the end. */
        return flock(fd, LOCK_EX) < 0 ? -errno : 0;
}

bool state_has(const char *name) {
        char path[320];

        (void) snprintf(path, sizeof(path), "%s/%s", state_folder(), name);
        return access(path, F_OK) == 0;
}

int state_set(const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char path[320];

        (void) snprintf(path, sizeof(path), "%s/%s", state_folder(), name);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : 0;
}
