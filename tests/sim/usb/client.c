// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "usb/sim.h"

enum { /* as till-sim(1) has them */
       STATUS_OK = 0,
       STATUS_FAILED = 1,
       STATUS_USAGE = 2,
       STATUS_NOT_RUNNING = 3,
};

static int client_connect(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int write_all(int fd, const void *data, size_t size) {
        for (size_t done = 0; done < size;) {
                ssize_t n = write(fd, (const char *) data + done, size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                done += n;
        }
        return 0;
}

/* Reads until the other side ends. *ret is to be freed. */
static ssize_t read_all(int fd, char **ret) {
        _cleanup_free_ char *data = NULL;
        size_t size = 0, allocated = 0;

        for (;;) {
                ssize_t n;

                if (allocated - size < 65536) {
                        char *p = realloc(data, allocated * 2 + 65536 + 1);

                        if (!p)
                                return -ENOMEM;
                        data = p;
                        allocated = allocated * 2 + 65536;
                }
                n = read(fd, data + size, allocated - size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                size += n;
        }
        data[size] = '\0';
        *ret = TAKE_PTR(data);
        return size;
}

/* A card that is a path is told to the daemon in full: it has another working directory. */
static const char *card_argument(const char *word, char *buffer) {
        if (!strchr(word, '/'))
                return word;
        return realpath(word, buffer) ?: word;
}

/* Builds the line. -E2BIG, or -EINVAL for a word that would end it. */
static int request_build(int argc, char **argv, char *line, size_t size) {
        bool card = streq(argv[0], "swipe") || streq(argv[0], "insert");
        size_t n = 0;

        for (int i = 0; i < argc; i++) {
                char path[PATH_MAX];
                const char *word = i == 1 && card ? card_argument(argv[i], path) : argv[i];

                if (strchr(word, '\n'))
                        return -EINVAL;
                n += snprintf(line + n, size - n, "%s%s", i > 0 ? " " : "", word);
                if (n + 1 >= size)
                        return -E2BIG;
        }
        line[n++] = '\n';
        return n;
}

/* "print FILE [SLIP]": the daemon gets the slip and sends the picture, which is written here. */
static int take_file(int *argc, char **argv, const char **ret_file) {
        int at = *argc >= 2 && streq(argv[1], "--all") ? 2 : 1;

        if (*argc <= at || *argc > 3) {
                fprintf(stderr, "till-sim: print FILE.png [--all|SLIP]\n");
                return -EINVAL;
        }
        *ret_file = argv[at];
        for (int i = at; i + 1 < *argc; i++)
                argv[i] = argv[i + 1];
        (*argc)--;
        return 0;
}

static int save_file(const char *file, const void *data, size_t size) {
        _cleanup_close_ int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        int r = fd < 0 ? -errno : write_all(fd, data, size);

        if (r < 0) {
                fprintf(stderr, "till-sim: cannot write %s: %s\n", file, strerror(-r));
                return STATUS_FAILED;
        }
        return STATUS_OK;
}

int client_run(const char *path, int argc, char **argv) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *answer = NULL;
        const char *file = NULL, *reason;
        char line[SIM_REQUEST_MAX - 1];
        ssize_t n;
        int size;

        if (streq(argv[0], "print") && take_file(&argc, argv, &file) < 0)
                return STATUS_USAGE;
        size = request_build(argc, argv, line, sizeof(line));
        if (size < 0) {
                fprintf(stderr, "till-sim: the command is too long or holds a line break\n");
                return STATUS_USAGE;
        }
        fd = client_connect(path);
        if (fd < 0) {
                fprintf(stderr, "till-sim: cannot reach the daemon at %s: %s\n%s", path, strerror(-fd),
                        fd == -EACCES ? "Only root may.\n" : "Start it: systemctl start till-sim\n");
                return STATUS_NOT_RUNNING;
        }
        n = write_all(fd, line, size);
        if (n >= 0)
                n = read_all(fd, &answer);
        if (n < 0) {
                fprintf(stderr, "till-sim: the daemon went away: %s\n", strerror((int) -n));
                return STATUS_FAILED;
        }
        if (n >= 3 && memcmp(answer, "ok\n", 3) == 0) {
                if (file)
                        return save_file(file, answer + 3, n - 3);
                return write_all(STDOUT_FILENO, answer + 3, n - 3) < 0 ? STATUS_FAILED : STATUS_OK;
        }
        reason = startswith(answer, "error ");
        fprintf(stderr, "till-sim: %s", reason ?: "the daemon gave no answer\n");
        return STATUS_FAILED;
}
