// SPDX-License-Identifier: LGPL-2.1-or-later
/* Somebody else's descriptors: which are taken, and that none makes us wait, whatever its other holders do. */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/stream.h"

static struct stream stream;
static void (*meanwhile)(void); /* between the look and the act */
static int pipe_fds[2];

ssize_t __wrap_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags);
ssize_t __real_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags);

ssize_t __wrap_splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t size, unsigned flags) {
        if (meanwhile)
                meanwhile();
        return __real_splice(in, in_at, out, out_at, size, flags);
}

/* A pipe that waits, as its other holders would have it. */
static int setup(void **state) {
        stream = STREAM_NONE;
        meanwhile = NULL;
        (void) alarm(60);
        assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
        return 0;
}

static int teardown(void **state) {
        stream_close(&stream);
        safe_close(pipe_fds[0]);
        safe_close(pipe_fds[1]);
        return 0;
}

/* A holder sets O_NONBLOCK for himself, fills the pipe, and takes it back. */
static void fill(void) {
        static const char rubbish[4096];

        assert_true(fcntl(pipe_fds[1], F_SETFL, O_NONBLOCK) >= 0);
        while (write(pipe_fds[1], rubbish, sizeof(rubbish)) > 0)
                ;
        assert_true(fcntl(pipe_fds[1], F_SETFL, 0) >= 0);
}

static void empty(void) {
        char c[4096];

        assert_true(fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK) >= 0);
        while (read(pipe_fds[0], c, sizeof(c)) > 0)
                ;
        assert_true(fcntl(pipe_fds[0], F_SETFL, 0) >= 0);
}

static void filled_by_somebody_else(void **state) {
        char text[3 * 4096], got[sizeof(text)];
        size_t written = 0, n = 0;
        ssize_t l;

        for (size_t i = 0; i < sizeof(text); i++)
                text[i] = (char) (i % 251);
        assert_int_equal(stream_open_writer(&stream, pipe_fds[1]), 0);
        meanwhile = fill;
        assert_int_equal(stream_write(&stream, text, sizeof(text)), -EAGAIN);
        assert_int_equal(stream_write(&stream, text, sizeof(text)), -EAGAIN);
        /* What could not leave comes once, and whole, when there is room: here for a page at a time. */
        meanwhile = NULL;
        empty();
        assert_true(fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096) >= 0);
        while (n < sizeof(text)) {
                if (written < sizeof(text)) {
                        l = stream_write(&stream, text + written, sizeof(text) - written);
                        assert_true(l > 0 || l == -EAGAIN);
                        written += l > 0 ? (size_t) l : 0;
                }
                l = read(pipe_fds[0], got + n, MIN(sizeof(got) - n, (size_t) 1000));
                assert_true(l > 0);
                n += (size_t) l;
        }
        assert_int_equal(written, sizeof(text));
        assert_memory_equal(text, got, sizeof(text));
        safe_close(pipe_fds[0]);
        pipe_fds[0] = -EBADF;
        assert_int_equal(stream_write(&stream, text, 1), -EPIPE);
}

static void read_away_by_somebody_else(void **state) {
        char got[8];

        assert_int_equal(stream_open_reader(&stream, pipe_fds[0]), 0);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), -EAGAIN);
        assert_int_equal(write(pipe_fds[1], "0123456789", 10), 10);
        meanwhile = empty;
        assert_int_equal(stream_read(&stream, got, sizeof(got)), -EAGAIN);
        meanwhile = NULL;
        assert_int_equal(write(pipe_fds[1], "0123456789", 10), 10);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 8);
        assert_memory_equal(got, "01234567", 8);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 2);
        pipe_fds[1] = safe_close(pipe_fds[1]);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 0);
}

static void memory(void **state) {
        _cleanup_close_ int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        char got[8];

        assert_int_equal(write(fd, "0123456789", 10), 10);
        assert_int_equal(stream_open_reader(&stream, fd), 0);
        assert_int_equal(stream.events, 0);
        /* Its place is not ours. */
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 8);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 2);
        assert_memory_equal(got, "89", 2);
        assert_int_equal(stream_read(&stream, got, sizeof(got)), 0);
}

static void not_ours(void **state) {
        _cleanup_close_ int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
                            null = open("/dev/null", O_RDWR | O_CLOEXEC), fd = memfd_create("text", MFD_CLOEXEC);
        int sockets[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
        assert_int_equal(stream_open_reader(&stream, file), -EMEDIUMTYPE);
        assert_int_equal(stream_open_reader(&stream, null), -EMEDIUMTYPE);
        assert_int_equal(stream_open_reader(&stream, sockets[0]), -EMEDIUMTYPE);
        assert_int_equal(stream_open_reader(&stream, pipe_fds[1]), -EBADF);
        assert_int_equal(stream_open_reader(&stream, -1), -EBADF);
        assert_int_equal(stream_open_writer(&stream, fd), -EMEDIUMTYPE);
        assert_int_equal(stream_open_writer(&stream, null), -EMEDIUMTYPE);
        assert_int_equal(stream_open_writer(&stream, sockets[0]), -EMEDIUMTYPE);
        assert_int_equal(stream_open_writer(&stream, pipe_fds[0]), -EBADF);
        assert_int_equal(stream_open_file(&stream, null), -EMEDIUMTYPE);
        assert_int_equal(stream_open_file(&stream, pipe_fds[0]), -EMEDIUMTYPE);
        assert_int_equal(stream.fd, -EBADF);
        assert_int_equal(stream_open_file(&stream, file), 0);
        safe_close(sockets[0]);
        safe_close(sockets[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(filled_by_somebody_else, setup, teardown),
                cmocka_unit_test_setup_teardown(read_away_by_somebody_else, setup, teardown),
                cmocka_unit_test_setup_teardown(memory, setup, teardown),
                cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
        };

        (void) signal(SIGPIPE, SIG_IGN);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
