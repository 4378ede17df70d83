// SPDX-License-Identifier: LGPL-2.1-or-later
/* A line from somebody else's fd: what is taken, what is refused, and that nobody makes it wait. */
#include "test.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "transaction/secret-line.h"

static sd_event *event;
static struct secret_line *line;
static unsigned n_lines;
static struct {
        bool called;
        int result;
        char text[64];
} got;

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);
int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata);

/* Five seconds are half of one here. */
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t usec,
                                      uint64_t accuracy, sd_event_time_handler_t callback, void *userdata) {
        assert_int_equal(usec, 5 * USEC_PER_SEC);
        return __real_sd_event_add_time_relative(e, ret, clock, usec / 10, accuracy, callback, userdata);
}

static int setup(void **state) {
        memset(&got, 0, sizeof(got));
        n_lines = 1;
        /* What waits for ever is killed. */
        (void) alarm(60);
        return sd_event_new(&event);
}

static int teardown(void **state) {
        line = secret_line_free(line);
        event = sd_event_unref(event);
        return 0;
}

static void on_line(int result, const char *text, void *userdata) {
        assert_false(got.called);
        got.called = true;
        got.result = result;
        assert_int_equal(!text, result < 0);
        if (text)
                COPY(got.text, text);
}

static void run(void) {
        for (int i = 0; i < 100 && !got.called; i++)
                assert_true(sd_event_run(event, 20000) >= 0);
}

static void read_line(int fd) {
        assert_int_equal(secret_line_new(event, fd, n_lines, on_line, NULL, &line), 0);
        /* Never out of the call itself. */
        assert_false(got.called);
}

static void put(int fd, const char *text) {
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* From a pipe that is closed behind the text, and once more from a memfd. */
static void assert_read(const char *text, size_t size, int result, const char *expected) {
        int fds[2], fd = memfd_create("line", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, size), size);
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        assert_int_equal(write(fds[1], text, size), size);
        safe_close(fds[1]);
        for (int i = 0; i < 2; i++) {
                memset(&got, 0, sizeof(got));
                read_line(i == 0 ? fd : fds[0]);
                run();
                assert_true(got.called);
                assert_int_equal(got.result, result);
                assert_string_equal(got.text, expected);
                line = secret_line_free(line);
        }
        safe_close(fd);
        safe_close(fds[0]);
}

static void lines(void **state) {
        char longest[SECRET_LINE_MAX + 3];

#define ASSERT_READ(text, result, expected) assert_read(text, sizeof(text) - 1, result, expected)
        ASSERT_READ("02 1234\n", 0, "02 1234");
        ASSERT_READ("02 1234", 0, "02 1234");
        ASSERT_READ("02 1234\nand more\n", 0, "02 1234");
        ASSERT_READ("\n", -ENODATA, "");
        ASSERT_READ("", -ENODATA, "");
        ASSERT_READ("02\0001234\n", -EBADMSG, "");
        memset(longest, '7', sizeof(longest));
        longest[SECRET_LINE_MAX] = '\n';
        longest[SECRET_LINE_MAX + 1] = '\0';
        memset(&got, 0, sizeof(got));
        assert_read(longest, SECRET_LINE_MAX + 1, 0, "7777777777777777777777777777777");
        longest[SECRET_LINE_MAX] = '7';
        longest[SECRET_LINE_MAX + 1] = '\n';
        assert_read(longest, SECRET_LINE_MAX + 2, -EMSGSIZE, "");
        assert_read(longest, SECRET_LINE_MAX + 1, -EMSGSIZE, "");
}

static void two_lines(void **state) {
        n_lines = 2;
        ASSERT_READ("01 1234\n5678\n", 0, "01 1234\n5678");
        ASSERT_READ("01 1234\n5678\n\n", 0, "01 1234\n5678");
        ASSERT_READ("01 1234\n5678", 0, "01 1234\n5678");
        /* One only: whoever reads it finds that. */
        ASSERT_READ("01 1234\n", 0, "01 1234\n");
        ASSERT_READ("01 1234", 0, "01 1234");
        ASSERT_READ("01 1234\n5678901234567890123456789\n", -EMSGSIZE, "");
        ASSERT_READ("01 1234\n56\00078\n", -EBADMSG, "");
}

static void in_pieces(void **state) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        read_line(fds[0]);
        put(fds[1], "02 12");
        for (int i = 0; i < 5; i++)
                assert_true(sd_event_run(event, 1000) >= 0);
        assert_false(got.called);
        put(fds[1], "34\n");
        run();
        assert_int_equal(got.result, 0);
        assert_string_equal(got.text, "02 1234");
        safe_close(fds[0]);
        safe_close(fds[1]);
}

static void silence(void **state) {
        int fds[2];

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        put(fds[1], "02 12");
        read_line(fds[0]);
        run();
        assert_true(got.called);
        assert_int_equal(got.result, -ETIMEDOUT);
        safe_close(fds[0]);
        safe_close(fds[1]);
}

static int steal(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char text[64];

        assert_true(read(fd, text, sizeof(text)) > 0);
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

/* Somebody reads the pipe empty between epoll's word and our reading. */
static void thief(void **state) {
        sd_event_source *source;
        int fds[2], other;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        other = dup(fds[0]);
        assert_true(other >= 0);
        assert_int_equal(sd_event_add_io(event, &source, other, EPOLLIN, steal, NULL), 0);
        assert_int_equal(sd_event_source_set_priority(source, SD_EVENT_PRIORITY_IMPORTANT), 0);
        read_line(fds[0]);
        put(fds[1], "02 1234\n");
        run();
        assert_true(got.called);
        assert_int_equal(got.result, -ETIMEDOUT);
        sd_event_source_unref(source);
        safe_close(other);
        safe_close(fds[0]);
        safe_close(fds[1]);
}

static void not_ours(void **state) {
        int fds[2], file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC),
                    null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_true(file >= 0 && null >= 0);
        assert_int_equal(secret_line_new(event, file, 1, on_line, NULL, &line), -EMEDIUMTYPE);
        assert_int_equal(secret_line_new(event, null, 1, on_line, NULL, &line), -EMEDIUMTYPE);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        assert_int_equal(secret_line_new(event, fds[0], 1, on_line, NULL, &line), -EMEDIUMTYPE);
        safe_close(fds[0]);
        safe_close(fds[1]);
        safe_close(file);
        safe_close(null);
        assert_int_equal(secret_line_new(event, -1, 1, on_line, NULL, &line), -EBADF);

        /* The writing end cannot be read. */
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        if (secret_line_new(event, fds[1], 1, on_line, NULL, &line) == 0) {
                safe_close(fds[0]);
                run();
                assert_true(got.called);
                assert_true(got.result < 0);
        } else
                safe_close(fds[0]);
        safe_close(fds[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(lines, setup, teardown),
                cmocka_unit_test_setup_teardown(two_lines, setup, teardown),
                cmocka_unit_test_setup_teardown(in_pieces, setup, teardown),
                cmocka_unit_test_setup_teardown(silence, setup, teardown),
                cmocka_unit_test_setup_teardown(thief, setup, teardown),
                cmocka_unit_test_setup_teardown(not_ours, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
