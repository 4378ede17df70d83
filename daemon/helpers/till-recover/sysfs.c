// SPDX-License-Identifier: LGPL-2.1-or-later
#include "helpers/till-recover/recover.h"

#include <fcntl.h>
#include <unistd.h>

int sysfs_write(const char *path, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        size_t size = strlen(text);

        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        return write(fd, text, size) == (ssize_t) size ? 0 : -errno;
}

void driver_path(const char *bus, const char *driver, const char *file, char path[static DRIVER_PATH_MAX]) {
        (void) snprintf(path, DRIVER_PATH_MAX, "/sys/bus/%s/drivers/%s/%s", bus, driver, file);
}

int driver_write(const char *bus, const char *driver, const char *file, const char *text) {
        char path[DRIVER_PATH_MAX];

        driver_path(bus, driver, file, path);
        return sysfs_write(path, text);
}

int driver_read(const char *bus, const char *device, char driver[static 64]) {
        char path[128], target[256];
        const char *name;
        ssize_t n;

        (void) snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/driver", bus, device);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0 && errno != ENOENT)
                return -errno;
        target[MAX(n, 0)] = '\0';
        name = strrchr(target, '/');
        (void) snprintf(driver, 64, "%s", name ? name + 1 : "");
        return 0;
}

bool module_is_loaded(void) {
        return access("/sys/module/till", F_OK) == 0;
}
