// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a helper program is asked: the packet, its files, and whoever asks and hangs up. */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>

#include "fake-helper.h"
#include "helpers/question.h"

static int ours, theirs;

static int setup(void **state) {
        int ends[2];

        (void) alarm(60);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        ours = ends[0];
        theirs = ends[1];
        return 0;
}

static int teardown(void **state) {
        ours = safe_close(ours);
        theirs = safe_close(theirs);
        return 0;
}

static void asked(void **state) {
        static const struct {
                size_t size, n;
                int r;
        } cases[] = {
                { 8, 0, 1 }, { 8, 1, 1 }, { 8, 2, -EBADMSG }, { 7, 1, -EBADMSG }, { 9, 1, -EBADMSG },
        };
        int files[] = { STDIN_FILENO, STDOUT_FILENO };
        size_t descriptors = count_descriptors();

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char packet[8];
                int file;

                fake_helper_send(ours, "question!", cases[i].size, files, cases[i].n);
                assert_int_equal(question_receive(theirs, packet, sizeof(packet), &file, 1), cases[i].r);
                if (cases[i].r > 0)
                        assert_memory_equal(packet, "question", sizeof(packet));
                assert_int_equal(file >= 0, cases[i].n > 0);
                safe_close(file);
                /* Those that nobody asked for are closed. */
                assert_int_equal(count_descriptors(), descriptors);
        }
}

static void several_files(void **state) {
        int files[] = { STDIN_FILENO, STDOUT_FILENO }, taken[2];
        char packet[1];

        for (size_t n = 0; n <= 2; n++) {
                fake_helper_send(ours, "q", 1, files, n);
                assert_int_equal(question_receive(theirs, packet, 1, taken, 2), 1);
                for (size_t i = 0; i < 2; i++) {
                        assert_int_equal(taken[i] >= 0, i < n);
                        safe_close(taken[i]);
                }
        }
}

static void asks_nothing(void **state) {
        char packet[1];

        ours = safe_close(ours);
        assert_int_equal(question_receive(theirs, packet, 1, NULL, 0), 0);
}

/* As a helper with much to do, which is told by nobody else that it is in vain. */
static pid_t work(int go) {
        pid_t pid = fork();
        char byte;

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        ours = safe_close(ours);
        if (question_receive(theirs, &byte, 1, NULL, 0) != 1 || (go >= 0 && read(go, &byte, 1) != 1) ||
            question_end_with_peer(theirs) < 0)
                _exit(EXIT_FAILURE);
        for (;;)
                (void) pause();
}

static void assert_ended_well(pid_t pid) {
        int status;

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
}

static void hangs_up(void **state) {
        pid_t pid = work(-EBADF);

        fake_helper_send(ours, "q", 1, NULL, 0);
        ours = safe_close(ours);
        assert_ended_well(pid);
}

static void has_hung_up(void **state) {
        int ends[2];
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        pid = work(ends[0]);
        fake_helper_send(ours, "q", 1, NULL, 0);
        ours = safe_close(ours);
        assert_int_equal(write(ends[1], "g", 1), 1);
        assert_ended_well(pid);
        safe_close(ends[0]);
        safe_close(ends[1]);
}

/* Whoever waits has the answer. */
static void waits(void **state) {
        char byte = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                ours = safe_close(ours);
                if (question_receive(theirs, &byte, 1, NULL, 0) != 1 || question_end_with_peer(theirs) < 0 ||
                    send(theirs, "a", 1, 0) != 1)
                        _exit(EXIT_FAILURE);
                _exit(EXIT_SUCCESS);
        }
        fake_helper_send(ours, "q", 1, NULL, 0);
        assert_int_equal(recv(ours, &byte, 1, 0), 1);
        assert_int_equal(byte, 'a');
        assert_ended_well(pid);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(asked), TEST(several_files), TEST(asks_nothing), TEST(hangs_up), TEST(has_hung_up), TEST(waits),
        };

        return cmocka_run_group_tests_name("helpers-question", tests, NULL, NULL);
}
