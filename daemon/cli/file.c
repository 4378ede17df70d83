// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <libgen.h>

#include "cli/cli.h"

/* On the disk, under its name. */
static int keep(int fd, const char *unfinished, const char *file) {
        _cleanup_free_ char *copy = strdup(file);
        _cleanup_close_ int folder = -EBADF;

        if (!copy)
                return -ENOMEM;
        if (fsync(fd) < 0 || rename(unfinished, file) < 0)
                return -errno;
        folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return folder < 0 || fsync(folder) < 0 ? -errno : 0;
}

int cli_fail_file(const char *file, int r) {
        fprintf(stderr, "%s: %s\n", file, strerror(-r));
        return EXIT_USAGE;
}

int cli_write_file(struct cli *cli, const char *file, cli_write_t write_into, void *userdata) {
        _cleanup_free_ char *unfinished = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (access(file, F_OK) >= 0)
                return cli_fail_file(file, -EEXIST);
        if (asprintf(&unfinished, "%s.new", file) < 0)
                return cli_fail_file(file, -ENOMEM);
        fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return cli_fail_file(unfinished, -errno);
        r = write_into(cli, fd, userdata);
        if (r == 0) {
                r = keep(fd, unfinished, file);
                r = r < 0 ? cli_fail_file(file, r) : 0;
        }
        if (r != 0)
                (void) unlink(unfinished);
        return r;
}
